//! A report as it is compared: what its headline states, and its words, concepts and numbers as
//! vectors, weighted as frequencies stood when it came. Pure.

use jiff::Timestamp;

use crate::story::frequency::Frequencies;
use crate::story::headline::Mark;
use crate::story::ladder::State;
use crate::story::statement::{Matter, Read, Reader, Statement};
use crate::story::vector::Vector;
use crate::story::wording::{Wording, gram};
use crate::text::Words;
use crate::text::language::Script;
use crate::topic::lexicon::{Field, Kind, Lexicon, Reading};

/// One item under one topic, as developments are made of.
#[derive(Debug, Clone)]
pub struct Report {
    pub at: Timestamp,
    pub outlet: String,
    /// The outlet, or whom it cites.
    pub origin: String,
    pub statement: Statement,
    pub script: Option<Script>,
    pub terms: Terms,
    /// Words of the headline.
    pub wording: Vector,
    /// Words of headline and lead.
    pub text: Vector,
    pub has_lead: bool,
    /// Concepts, predicates, places, days and numbers.
    pub concepts: Vector,
    /// Keys of the statement.
    pub speaker: Option<u32>,
    pub predicates: Vec<u32>,
    pub places: Vec<u32>,
    pub lead_places: Vec<u32>,
    pub days: Vec<u32>,
    pub numbers: Vec<u32>,
}

/// What the vectors of a report are made of, as the archive keeps it: keys with their weights as
/// they were when the report came.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Terms(pub Vec<Term>);

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Term {
    pub key: u32,
    pub weight: f32,
    pub part: Part,
}

/// Of which part of a report a term is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A word, or a run of two or three characters of an unspaced script, of the headline.
    Headline,
    /// The same of the lead, where the headline has it not.
    Lead,
    /// A concept, predicate, place, day or number.
    Concept,
}

/// Words of the lead that take part.
const LEAD_TERMS: usize = 160;
/// Sentences of the summary whose concepts take part.
const LEAD_SENTENCES: u16 = 3;
/// Bytes of a term in the archive.
const TERM_BYTES: usize = 9;

impl Terms {
    /// Of an item that was read, by the frequencies of what came before it.
    pub fn of(
        words: &Words<'_>,
        reading: &Reading,
        read: &Read,
        lexicon: &Lexicon,
        wording: &Wording,
        at: Timestamp,
    ) -> Self {
        let mut terms = Self::default();
        let weight = &wording.weight;
        let (mut headline, mut lead) = (Vec::new(), Vec::new());
        wording.grams(
            &words.folded_title.text[read.headline.clone()],
            &mut headline,
        );
        wording.grams(&words.folded_summary.text[read.lead.clone()], &mut lead);
        lead.truncate(LEAD_TERMS);
        terms.extend(headline, 1.0, Part::Headline);
        terms.extend(lead, weight.lead, Part::Lead);
        let mut said = Said::default();
        for hit in &reading.hits {
            let placed = match hit.field {
                Field::Title => weight.concept.0,
                Field::Summary if hit.sentence <= LEAD_SENTENCES => weight.concept.1,
                Field::Summary => continue,
            };
            for id in lexicon.closure(hit.concept).iter() {
                let concept = lexicon.concept(id);
                if !matches!(concept.kind, Kind::Block | Kind::Agency) {
                    let common = if wording.is_news(&concept.id) {
                        1.0
                    } else {
                        weight.common
                    };
                    said.add(&format!("concept:{}", concept.id), placed * common);
                }
            }
        }
        for (numbers, weight) in [
            (&read.numbers, weight.number.0),
            (&read.lead_numbers, weight.number.1),
        ] {
            numbers.keys(at).for_each(|it| said.add(&it, weight));
        }
        let statement = &read.statement;
        for (names, kind, weight) in [
            (&statement.predicates, "predicate", weight.predicate.0),
            (&statement.lead_predicates, "predicate", weight.predicate.1),
            (&statement.places, "place", weight.place.0),
            (&statement.lead_places, "place", weight.place.1),
        ] {
            names
                .iter()
                .for_each(|it| said.add(&format!("{kind}:{it}"), weight));
        }
        terms.extend_weighted(said.0, Part::Concept);
        terms
    }

    fn extend(&mut self, keys: Vec<u32>, weight: f64, part: Part) {
        self.extend_weighted(keys.into_iter().map(|it| (it, weight)).collect(), part);
    }

    /// Adds keys that are not there yet, each where it weighs most.
    fn extend_weighted(&mut self, mut pairs: Vec<(u32, f64)>, part: Part) {
        pairs.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
        pairs.dedup_by_key(|it| it.0);
        if part == Part::Lead {
            pairs.retain(|it| !self.0.iter().any(|term| term.key == it.0));
        }
        #[expect(clippy::cast_possible_truncation, reason = "small constants")]
        let terms = pairs.into_iter().map(|(key, weight)| Term {
            key,
            weight: weight as f32,
            part,
        });
        self.0.extend(terms);
    }

    /// The same, each weight times the inverse document frequency of its key; `floor` is taken off that of concepts.
    #[must_use]
    pub fn weighted(
        mut self,
        script: Option<Script>,
        floor: f64,
        frequencies: &Frequencies,
    ) -> Self {
        for term in &mut self.0 {
            let idf = match term.part {
                Part::Headline | Part::Lead => frequencies.of_word(term.key, script),
                Part::Concept => (frequencies.of(term.key) - floor).max(0.0),
            };
            #[expect(clippy::cast_possible_truncation, reason = "idf is below 10")]
            let weight = (f64::from(term.weight) * idf) as f32;
            term.weight = weight;
        }
        self
    }

    /// Keys by which frequencies are counted: those of the headline and concepts.
    pub fn counted(&self) -> impl Iterator<Item = u32> + '_ {
        let counted = self.0.iter().filter(|it| it.part != Part::Lead);
        counted.map(|it| it.key)
    }

    fn vector(&self, parts: &[Part]) -> (Vector, f64) {
        let own = self.0.iter().filter(|it| parts.contains(&it.part));
        Vector::unit(own.map(|it| (it.key, it.weight)).collect())
    }

    /// As the archive keeps it: per term its part, key and weight, little-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * TERM_BYTES);
        for term in &self.0 {
            bytes.push(term.part as u8);
            bytes.extend(term.key.to_le_bytes());
            bytes.extend(term.weight.to_le_bytes());
        }
        bytes
    }

    /// None where the bytes are no terms.
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let terms = bytes.chunks(TERM_BYTES).map(|it| {
            let [part, k0, k1, k2, k3, w0, w1, w2, w3] = *it else {
                return None;
            };
            let parts = [Part::Headline, Part::Lead, Part::Concept];
            Some(Term {
                key: u32::from_le_bytes([k0, k1, k2, k3]),
                weight: f32::from_le_bytes([w0, w1, w2, w3]),
                part: *parts.get(usize::from(part))?,
            })
        });
        terms.collect::<Option<Vec<_>>>().map(Self)
    }
}

#[derive(Default)]
struct Said(Vec<(u32, f64)>);

impl Said {
    fn add(&mut self, key: &str, weight: f64) {
        self.0.push((gram(key), weight));
    }
}

/// The key of a predicate by its name.
pub fn predicate_key(name: &str) -> u32 {
    gram(&format!("predicate:{name}"))
}

/// An item as it is about to become a report.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    pub words: &'a Words<'a>,
    pub reading: &'a Reading,
    pub url: Option<&'a str>,
    pub outlet: &'a str,
    pub origin: &'a str,
    pub at: Timestamp,
}

impl Report {
    /// Reads an item for the topic of `matter`; `frequencies` are those of what came before it.
    pub fn read(
        source: Source<'_>,
        reader: &Reader,
        matter: &Matter,
        lexicon: &Lexicon,
        wording: &Wording,
        frequencies: &Frequencies,
    ) -> Self {
        let Source {
            words,
            reading,
            url,
            at,
            ..
        } = source;
        let read = reader.read(words, reading, lexicon, matter, url, at);
        let terms = Terms::of(words, reading, &read, lexicon, wording, at);
        Self::new(
            at,
            source.outlet.to_owned(),
            source.origin.to_owned(),
            read.statement,
            read.script,
            terms.weighted(read.script, wording.weight.floor, frequencies),
        )
    }

    /// Out of what the archive keeps of it.
    pub fn new(
        at: Timestamp,
        outlet: String,
        origin: String,
        statement: Statement,
        script: Option<Script>,
        terms: Terms,
    ) -> Self {
        let keys = |kind: &str, names: &[String]| -> Vec<u32> {
            names
                .iter()
                .map(|it| gram(&format!("{kind}:{it}")))
                .collect()
        };
        let (wording, _) = terms.vector(&[Part::Headline]);
        let (text, _) = terms.vector(&[Part::Headline, Part::Lead]);
        let (concepts, _) = terms.vector(&[Part::Concept]);
        Self {
            at,
            outlet,
            origin,
            script,
            wording,
            text,
            has_lead: terms.0.iter().any(|it| it.part == Part::Lead),
            concepts,
            speaker: statement.speaker.as_ref().map(|it| gram(&it.who)),
            predicates: statement
                .predicates
                .iter()
                .map(|it| predicate_key(it))
                .collect(),
            places: keys("place", &statement.places),
            lead_places: keys("place", &statement.lead_places),
            days: keys("day", &statement.days),
            numbers: statement
                .numbers
                .iter()
                .map(|it| gram(&format!("number:{it}")))
                .collect(),
            statement,
            terms,
        }
    }

    pub fn state(&self) -> Option<State> {
        self.statement.state
    }

    /// A label or a way of speaking by which a report is less than news.
    pub fn is_soft(&self) -> bool {
        self.statement
            .marks()
            .any(&[Mark::Opinion, Mark::Question, Mark::Expert])
    }
}

#[cfg(test)]
mod tests {
    use super::{Part, Term, Terms};

    #[test]
    fn terms_come_back_from_the_archive_as_they_were() {
        let term = |key, weight, part| Term { key, weight, part };
        let terms = Terms(vec![
            term(7, 1.25, Part::Headline),
            term(u32::MAX, 0.1, Part::Lead),
            term(0, 0.0, Part::Concept),
        ]);
        assert_eq!(Terms::of_bytes(&terms.to_bytes()), Some(terms));
        assert_eq!(Terms::of_bytes(&[0, 1]), None);
        assert_eq!(Terms::of_bytes(&[9; 9]), None);
        assert_eq!(Terms::of_bytes(&[]), Some(Terms::default()));
    }
}

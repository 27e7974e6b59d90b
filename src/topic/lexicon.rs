//! Concepts, their terms in every language, and the one automaton that finds them all.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::text::fold::{Folded, Words};
use crate::text::sentences;
use crate::topic::term::{Term, term};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConceptId(pub u16);

/// Index of a term among all terms of the lexicon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TermId(u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Person,
    Institution,
    Place,
    Agreement,
    Weapon,
    Act,
    State,
    Agency,
    /// Says several concepts at once: 북미정상회담.
    Compound,
    /// Never evidence; keeps its span from being read as something else.
    Block,
}

#[derive(Debug, Clone)]
pub struct Concept {
    pub id: String,
    /// English, for the reader of an alert.
    pub gloss: String,
    pub kind: Kind,
    /// As written in the lexicon: `*` marks open word ends.
    pub terms: Vec<String>,
    /// Concepts that a hit of this one is a hit of too.
    pub also: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    Title,
    Summary,
}

impl Field {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Summary => "summary",
        }
    }
}

/// A term where it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    pub concept: ConceptId,
    pub term: TermId,
    pub field: Field,
    /// 0 is the title; the sentences of the summary follow.
    pub sentence: u16,
    /// Bytes of the original field.
    pub start: usize,
    pub end: usize,
    /// Characters from the start of the folded field, for windows.
    pub at: usize,
    pub to: usize,
}

/// What the lexicon finds in one item.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    pub hits: Vec<Hit>,
    /// Concepts per sentence, the title first.
    pub by_sentence: Vec<ConceptSet>,
    pub all: ConceptSet,
}

impl Reading {
    /// The reading had the title named this concept too, before everything else.
    #[must_use]
    pub fn with_in_title(&self, concept: ConceptId, lexicon: &Lexicon) -> Self {
        let mut reading = self.clone();
        reading.hits.insert(
            0,
            Hit {
                concept,
                term: TermId(0),
                field: Field::Title,
                sentence: 0,
                start: 0,
                end: 0,
                at: 0,
                to: 0,
            },
        );
        reading.gather(lexicon);
        reading
    }

    /// The reading had the title said none of these concepts.
    #[must_use]
    pub fn without_in_title(&self, concepts: &ConceptSet, lexicon: &Lexicon) -> Self {
        let mut reading = self.clone();
        let stays = |hit: &Hit| {
            hit.field == Field::Summary || !lexicon.closure(hit.concept).intersects(concepts)
        };
        reading.hits.retain(stays);
        reading.gather(lexicon);
        reading
    }

    fn gather(&mut self, lexicon: &Lexicon) {
        self.all = ConceptSet::default();
        self.by_sentence.fill(ConceptSet::default());
        for hit in &self.hits {
            let says = lexicon.closure(hit.concept);
            self.by_sentence[usize::from(hit.sentence)].extend(says);
            self.all.extend(says);
        }
    }
}

/// Most lexicons hold some hundred concepts.
pub const MAX_CONCEPTS: usize = 1_024;

/// A set of concepts as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConceptSet([u64; MAX_CONCEPTS / 64]);

impl Default for ConceptSet {
    fn default() -> Self {
        Self([0; MAX_CONCEPTS / 64])
    }
}

impl ConceptSet {
    pub fn insert(&mut self, id: ConceptId) {
        self.0[usize::from(id.0) / 64] |= 1 << (id.0 % 64);
    }

    pub fn contains(&self, id: ConceptId) -> bool {
        self.0[usize::from(id.0) / 64] & (1 << (id.0 % 64)) != 0
    }

    pub fn extend(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(a, b)| *a |= b);
    }

    pub fn intersects(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).any(|(a, b)| a & b != 0)
    }

    #[must_use]
    pub fn common(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] & other.0[at]))
    }

    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|it| *it == 0)
    }

    pub fn iter(&self) -> impl Iterator<Item = ConceptId> + '_ {
        (0..MAX_CONCEPTS).filter_map(|it| {
            let id = ConceptId(u16::try_from(it).expect("MAX_CONCEPTS fits"));
            self.contains(id).then_some(id)
        })
    }
}

/// A term inside the written form of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Nested {
    pub(super) outer: ConceptId,
    pub(super) outer_term: String,
    pub(super) inner: ConceptId,
    pub(super) inner_term: String,
    /// From its first character to its last.
    pub(super) fills: bool,
}

#[derive(Debug)]
pub struct Lexicon {
    concepts: Vec<Concept>,
    ids: HashMap<String, ConceptId>,
    closures: Vec<ConceptSet>,
    terms: Vec<Term>,
    /// Terms by pattern of the automaton.
    by_pattern: Vec<Vec<u32>>,
    automaton: AhoCorasick,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LexiconError {
    #[error("a lexicon may hold {MAX_CONCEPTS} concepts; this one has {0}")]
    TooMany(usize),
    #[error("concept \"{0}\" is defined twice")]
    Twice(String),
    #[error("concept \"{concept}\" names \"{other}\" in `also`, which is no concept{}", did_you_mean(.nearest.as_deref()))]
    UnknownAlso {
        concept: String,
        other: String,
        nearest: Option<String>,
    },
    #[error("concept \"{0}\" has an empty term")]
    EmptyTerm(String),
    #[error("the terms do not make an automaton: {0}")]
    Automaton(String),
}

pub fn did_you_mean(nearest: Option<&str>) -> String {
    nearest
        .map(|it| format!("; did you mean \"{it}\"?"))
        .unwrap_or_default()
}

impl Lexicon {
    pub fn new(concepts: Vec<Concept>) -> Result<Self, LexiconError> {
        if concepts.len() > MAX_CONCEPTS {
            return Err(LexiconError::TooMany(concepts.len()));
        }
        let mut ids = HashMap::new();
        for (at, concept) in concepts.iter().enumerate() {
            let id = ConceptId(u16::try_from(at).expect("at most MAX_CONCEPTS"));
            if ids.insert(concept.id.clone(), id).is_some() {
                return Err(LexiconError::Twice(concept.id.clone()));
            }
        }
        let closures = closures(&concepts, &ids)?;
        let mut terms = Vec::new();
        let mut patterns: HashMap<String, usize> = HashMap::new();
        let mut by_pattern: Vec<Vec<u32>> = Vec::new();
        for concept in &concepts {
            for written in &concept.terms {
                let (pattern, term) = term(written, ids[&concept.id])
                    .ok_or_else(|| LexiconError::EmptyTerm(concept.id.clone()))?;
                let at = *patterns.entry(pattern).or_insert_with(|| {
                    by_pattern.push(Vec::new());
                    by_pattern.len() - 1
                });
                by_pattern[at]
                    .push(u32::try_from(terms.len()).expect("fewer than four billion terms"));
                terms.push(term);
            }
        }
        let mut ordered: Vec<(String, usize)> = patterns.into_iter().collect();
        ordered.sort_by_key(|(_, at)| *at);
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            // A DFA would be twice as fast and, with some thousand CJK terms, fifty times as large.
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(ordered.iter().map(|(pattern, _)| pattern))
            .map_err(|error| LexiconError::Automaton(error.to_string()))?;
        Ok(Self {
            concepts,
            ids,
            closures,
            terms,
            by_pattern,
            automaton,
        })
    }

    pub fn concept(&self, id: ConceptId) -> &Concept {
        &self.concepts[usize::from(id.0)]
    }

    pub fn concepts(&self) -> &[Concept] {
        &self.concepts
    }

    pub fn id(&self, name: &str) -> Option<ConceptId> {
        self.ids.get(name).copied()
    }

    pub fn n_terms(&self) -> usize {
        self.terms.len()
    }

    /// The concept and everything it says besides.
    pub fn closure(&self, id: ConceptId) -> &ConceptSet {
        &self.closures[usize::from(id.0)]
    }

    pub fn term(&self, id: TermId) -> &str {
        &self.terms[id.0 as usize].written
    }

    pub fn read(&self, words: &Words<'_>) -> Reading {
        let mut reading = Reading {
            by_sentence: vec![ConceptSet::default()],
            ..Reading::default()
        };
        self.read_field(words.title, &words.folded_title, Field::Title, &mut reading);
        self.read_field(
            words.summary,
            &words.folded_summary,
            Field::Summary,
            &mut reading,
        );
        reading
    }

    /// Every term that stands in the text with its start and end, also those inside longer ones.
    fn standing(&self, original: &str, folded: &Folded) -> Vec<(usize, usize, u32)> {
        let mut found = Vec::new();
        for matched in self.automaton.find_overlapping_iter(&folded.text) {
            for &term in &self.by_pattern[matched.pattern().as_usize()] {
                if let Some(end) = self.terms[term as usize].end_at(
                    folded,
                    original,
                    matched.start(),
                    matched.end(),
                ) {
                    found.push((matched.start(), end, term));
                }
            }
        }
        found
    }

    /// Terms that stand inside the written form of each term, and whether they fill it.
    pub(super) fn nested(&self) -> Vec<Nested> {
        let mut nested = Vec::new();
        for (at, outer) in self.terms.iter().enumerate() {
            let written: String = outer.written.replace('*', "");
            let folded = Folded::new(&written);
            let whole = (0, folded.text.len());
            for (start, end, inner) in self.standing(&written, &folded) {
                if inner as usize != at {
                    nested.push(Nested {
                        outer: outer.concept,
                        outer_term: outer.written.clone(),
                        inner: self.terms[inner as usize].concept,
                        inner_term: self.terms[inner as usize].written.clone(),
                        fills: (start, end) == whole,
                    });
                }
            }
        }
        nested
    }

    /// Takes out what reaches into the words of a block term: "meets Kim" before "Kim Kardashian".
    /// Without spaces nobody knows where a word begins: 北朝鮮 stays before 朝鮮籍. `found` is in order
    /// of starts.
    fn block(&self, found: &mut Vec<(usize, usize, u32)>) {
        let blocks: Vec<(usize, usize)> = found
            .iter()
            .filter(|(_, _, term)| self.is_block(*term) && self.terms[*term as usize].is_spaced())
            .map(|(start, end, _)| (*start, *end))
            .collect();
        let Some(widest) = blocks.iter().map(|it| it.1 - it.0).max() else {
            return;
        };
        found.retain(|&(start, end, term)| {
            let from = blocks.partition_point(|it| it.0 + widest <= start);
            let mut near = blocks[from..].iter().take_while(|it| it.0 < end);
            let holds = |it: &(usize, usize)| start <= it.0 && it.1 <= end;
            self.is_block(term) || !near.any(|it| start < it.1 && !holds(it))
        });
    }

    fn is_block(&self, term: u32) -> bool {
        self.concept(self.terms[term as usize].concept).kind == Kind::Block
    }

    fn read_field(&self, original: &str, folded: &Folded, field: Field, reading: &mut Reading) {
        let mut found = self.standing(original, folded);
        if found.is_empty() {
            return;
        }
        // Longest match wins: 大阪 inside 北大阪, "Kim" inside "Kim Kardashian".
        found.sort_by_key(|(start, end, _)| (*start, std::cmp::Reverse(*end)));
        self.block(&mut found);
        let ranges = if field == Field::Summary {
            sentences(original)
        } else {
            Vec::new()
        };
        let mut longest = (0, 0);
        let (mut counted, mut characters) = (0, 0);
        for (start, end, term) in found {
            if end <= longest.1 && (start, end) != longest {
                continue;
            }
            longest = (start, end);
            if self.is_block(term) {
                continue;
            }
            let concept = self.terms[term as usize].concept;
            let (from, to) = folded.original_range(original, start, end);
            let sentence = match field {
                Field::Title => 0,
                Field::Summary => {
                    1 + ranges
                        .partition_point(|it| it.end <= from)
                        .min(usize::from(u16::MAX) - 2)
                }
            };
            if reading.by_sentence.len() <= sentence {
                reading
                    .by_sentence
                    .resize(sentence + 1, ConceptSet::default());
            }
            reading.by_sentence[sentence].extend(self.closure(concept));
            reading.all.extend(self.closure(concept));
            characters += folded.text[counted..start].chars().count();
            counted = start;
            let at = characters;
            reading.hits.push(Hit {
                concept,
                term: TermId(term),
                field,
                sentence: u16::try_from(sentence).expect("bounded above"),
                start: from,
                end: to,
                at,
                to: at + folded.text[start..end].chars().count(),
            });
        }
    }
}

fn closures(
    concepts: &[Concept],
    ids: &HashMap<String, ConceptId>,
) -> Result<Vec<ConceptSet>, LexiconError> {
    let mut closures = Vec::with_capacity(concepts.len());
    for concept in concepts {
        let mut set = ConceptSet::default();
        let mut pending = vec![ids[&concept.id]];
        while let Some(id) = pending.pop() {
            if set.contains(id) {
                continue;
            }
            set.insert(id);
            for other in &concepts[usize::from(id.0)].also {
                let other_id =
                    ids.get(other)
                        .copied()
                        .ok_or_else(|| LexiconError::UnknownAlso {
                            concept: concept.id.clone(),
                            other: other.clone(),
                            nearest: crate::text::nearest(other, ids.keys().map(String::as_str))
                                .map(str::to_owned),
                        })?;
                pending.push(other_id);
            }
        }
        closures.push(set);
    }
    Ok(closures)
}

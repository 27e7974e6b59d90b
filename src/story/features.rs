//! What of an item is compared: surface grams within a script, concepts and facts across all.

use jiff::Timestamp;

use crate::text::Words;
use crate::text::language::Script;
use crate::topic::lexicon::{ConceptSet, Field, Kind, Lexicon, Reading};

/// A distinguishing particular: a date, a place, an act, a number.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// Stable across languages: `place:singapore`, `date:05-12`, `number:13`.
    pub key: String,
    pub gloss: String,
    pub weight: f64,
    pub sentence: u16,
}

#[derive(Debug, Clone)]
pub struct Features {
    pub at: Timestamp,
    /// The script that most of the title is written in.
    pub script: Option<Script>,
    /// Hashes of words, or of character pairs where words are not spaced; sorted, unique.
    pub grams: Vec<u32>,
    pub concepts: ConceptSet,
    pub facts: Vec<Fact>,
}

/// Characters of the lead that take part; the rest of a long summary is background.
const LEAD_CHARS: usize = 400;

impl Features {
    pub fn new(words: &Words<'_>, reading: &Reading, lexicon: &Lexicon, at: Timestamp) -> Self {
        let (title, summary) = (
            words.folded_title.text.as_str(),
            words.folded_summary.text.as_str(),
        );
        let lead = summary
            .char_indices()
            .nth(LEAD_CHARS)
            .map_or(summary, |(end, _)| &summary[..end]);
        let mut grams = Vec::new();
        grams_of(title, &mut grams);
        grams_of(lead, &mut grams);
        grams.sort_unstable();
        grams.dedup();
        let mut facts = concept_facts(reading, lexicon);
        number_facts(title, 0, 1.0, &mut facts);
        let lead_sentence = u16::from(!lead.is_empty());
        number_facts(lead, lead_sentence, 0.5, &mut facts);
        Self {
            at,
            script: script_of(title),
            grams,
            concepts: reading.all,
            facts,
        }
    }
}

fn script_of(text: &str) -> Option<Script> {
    let mut counts = [0_usize; 5];
    for script in text.chars().filter_map(Script::of) {
        // Kana marks a Japanese text of any mixture; Han alone is Chinese.
        counts[script as usize] += if script == Script::Kana { 3 } else { 1 };
    }
    let scripts = [
        Script::Latin,
        Script::Cyrillic,
        Script::Hangul,
        Script::Kana,
        Script::Han,
    ];
    scripts
        .into_iter()
        .filter(|it| counts[*it as usize] > 0)
        .max_by_key(|it| counts[*it as usize])
}

fn grams_of(text: &str, grams: &mut Vec<u32>) {
    for word in text
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|it| !it.is_empty())
    {
        if word
            .chars()
            .any(|c| Script::of(c).is_some_and(Script::is_unspaced))
        {
            let characters: Vec<char> = word.chars().collect();
            grams.extend(
                characters
                    .windows(2)
                    .map(|pair| gram(&pair.iter().collect::<String>())),
            );
        } else if word.chars().count() >= 3 || word.chars().all(|c| c.is_ascii_digit()) {
            grams.push(gram(stem(word)));
        }
    }
}

/// Enough for headlines: plural, possessive and the commonest verb endings.
fn stem(word: &str) -> &str {
    let word = word.strip_suffix("'s").unwrap_or(word);
    ["ing", "ed", "es", "s"]
        .iter()
        .find_map(|suffix| {
            word.strip_suffix(suffix)
                .filter(|rest| rest.chars().count() >= 4)
        })
        .unwrap_or(word)
}

fn gram(text: &str) -> u32 {
    let hash = crate::item::hash(text).cast_unsigned();
    u32::try_from(hash >> 32).expect("the upper half of a u64")
}

fn concept_facts(reading: &Reading, lexicon: &Lexicon) -> Vec<Fact> {
    let mut facts: Vec<Fact> = Vec::new();
    for hit in &reading.hits {
        for id in lexicon.closure(hit.concept).iter() {
            let concept = lexicon.concept(id);
            let weight = match concept.kind {
                Kind::Act => 0.6,
                Kind::Place | Kind::Agreement => 0.5,
                Kind::State | Kind::Institution => 0.3,
                _ => continue,
            };
            let weight = if hit.field == Field::Title {
                weight
            } else {
                weight * 0.5
            };
            let fact = Fact {
                key: format!("concept:{}", concept.id),
                gloss: concept.gloss.clone(),
                weight,
                sentence: hit.sentence,
            };
            push(fact, &mut facts);
        }
    }
    facts
}

/// A fact counts once, where it weighs most.
fn push(fact: Fact, facts: &mut Vec<Fact>) {
    match facts.iter_mut().find(|it| it.key == fact.key) {
        Some(known) if known.weight >= fact.weight => {}
        Some(known) => *known = fact,
        None => facts.push(fact),
    }
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// Dates (`12 May`, `May 12`, `5월 12일`, `5月12日`) and other numbers of a folded text.
fn number_facts(text: &str, sentence: u16, scale: f64, facts: &mut Vec<Fact>) {
    let tokens = tokens(text);
    let mut at = 0;
    while at < tokens.len() {
        let number = |it: usize| tokens.get(it).and_then(|token| token.parse::<u32>().ok());
        let unit = |it: usize| tokens.get(it).copied().unwrap_or_default();
        let month = |it: usize| {
            let word = unit(it);
            MONTHS
                .iter()
                .position(|name| word.starts_with(name) && word.len() <= 9)
                .map(|it| u32::try_from(it).expect("12") + 1)
        };
        let (date, used) = match (number(at), number(at + 1), number(at + 2)) {
            (Some(m), _, Some(d))
                if is_unit(unit(at + 1), "월月") && is_unit(unit(at + 3), "일日号號") =>
            {
                (Some((m, d)), 4)
            }
            (Some(d), _, _) if month(at + 1).is_some() => (month(at + 1).map(|m| (m, d)), 2),
            (None, Some(d), _) if month(at).is_some() => (month(at).map(|m| (m, d)), 2),
            _ => (None, 1),
        };
        match (date, number(at)) {
            (Some((m, d)), _) if (1..=12).contains(&m) && (1..=31).contains(&d) => {
                let fact = Fact {
                    key: format!("date:{m:02}-{d:02}"),
                    gloss: format!("date {m:02}-{d:02}"),
                    weight: scale,
                    sentence,
                };
                push(fact, facts);
            }
            // Small numbers and years are everywhere.
            (None, Some(n)) if n > 9 && !(1900..2100).contains(&n) => {
                let fact = Fact {
                    key: format!("number:{n}"),
                    gloss: n.to_string(),
                    weight: 0.3 * scale,
                    sentence,
                };
                push(fact, facts);
            }
            _ => {}
        }
        at += used;
    }
}

fn is_unit(token: &str, units: &str) -> bool {
    token.chars().next().is_some_and(|c| units.contains(c))
}

/// Runs of digits and runs of letters; 12日 is two tokens, 日程 after it stays with 日.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut start: Option<(usize, bool)> = None;
    for (at, c) in text.char_indices() {
        let kind = if c.is_ascii_digit() {
            Some(true)
        } else if c.is_alphabetic() {
            Some(false)
        } else {
            None
        };
        if let Some((from, was)) = start
            && kind != Some(was)
        {
            tokens.push(&text[from..at]);
            start = None;
        }
        if start.is_none()
            && let Some(kind) = kind
        {
            start = Some((at, kind));
        }
    }
    if let Some((from, _)) = start {
        tokens.push(&text[from..]);
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::number_facts;
    use crate::text::fold::fold;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let mut facts = Vec::new();
        number_facts(&fold(text), 0, 1.0, &mut facts);
        let keys: Vec<&str> = facts.iter().map(|it| it.key.as_str()).collect();
        assert_eq!(keys, expected, "{text}");
    }

    #[test]
    fn dates_are_one_fact_in_every_language() {
        check("on 12 May in Singapore", &["date:05-12"]);
        check("on May 12, 2026", &["date:05-12"]);
        check("5월 12일 싱가포르에서", &["date:05-12"]);
        check("5月12日に開催", &["date:05-12"]);
        check("the 13th package of 40 points", &["number:13", "number:40"]);
    }
}

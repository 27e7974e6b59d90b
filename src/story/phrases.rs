//! Phrases of a table, found in a folded headline in one pass. A phrase may have gaps ("sagt … ab")
//! and may be tied to the start or end of the headline (`^`, `$`). Pure.

use std::collections::HashMap;
use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::text::fold::Folded;
use crate::text::grams::is_unspaced;
use crate::topic::lexicon::ConceptId;
use crate::topic::term::{Term, term};

/// One entry of a table: a state, a predicate, a mark. Its index in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryId(pub u16);

/// An entry as configuration gives it.
#[derive(Debug, Clone)]
pub struct Entry {
    pub name: String,
    /// English, for people.
    pub gloss: String,
    pub phrases: Vec<String>,
}

/// A phrase that stands in a text, as bytes of the folded text from its first part to its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    pub entry: EntryId,
    pub start: usize,
    pub end: usize,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PhraseError {
    #[error("\"{entry}\" has the phrase \"{phrase}\", which has an empty part")]
    Empty { entry: String, phrase: String },
    #[error("a table may hold 65,535 entries")]
    TooMany,
    #[error("the phrases do not make an automaton: {0}")]
    Automaton(String),
}

/// The table and the automaton that finds all its phrases.
#[derive(Debug)]
pub struct Phrasebook {
    entries: Vec<(String, String)>,
    phrases: Vec<Phrase>,
    parts: Vec<Part>,
    by_pattern: Vec<Vec<u32>>,
    automaton: AhoCorasick,
}

#[derive(Debug)]
struct Phrase {
    entry: EntryId,
    n_parts: u8,
    at_start: bool,
    at_end: bool,
}

#[derive(Debug)]
struct Part {
    term: Term,
    phrase: u32,
    nth: u8,
}

/// What a gap may hold, where a letter of a spaced script counts 2 and one of an unspaced script 5:
/// 30 letters or 12 characters.
const GAP: usize = 60;

impl Phrasebook {
    pub fn new(table: impl IntoIterator<Item = Entry>) -> Result<Self, PhraseError> {
        let mut book = Self {
            entries: Vec::new(),
            phrases: Vec::new(),
            parts: Vec::new(),
            by_pattern: Vec::new(),
            automaton: AhoCorasick::new([""; 0]).expect("no pattern is too many"),
        };
        let mut patterns: Vec<String> = Vec::new();
        let mut by_text: HashMap<String, usize> = HashMap::new();
        for entry in table {
            let id = u16::try_from(book.entries.len()).map_err(|_| PhraseError::TooMany)?;
            for written in &entry.phrases {
                let empty = || PhraseError::Empty {
                    entry: entry.name.clone(),
                    phrase: written.clone(),
                };
                let (bare, at_start) = strip(written.strip_prefix('^'), written);
                let (bare, at_end) = strip(bare.strip_suffix('$'), bare);
                let parts: Vec<&str> = bare.split('…').map(str::trim).collect();
                let phrase = u32::try_from(book.phrases.len()).map_err(|_| PhraseError::TooMany)?;
                for (nth, part) in parts.iter().enumerate() {
                    let (pattern, term) = term(part, ConceptId(id)).ok_or_else(empty)?;
                    let at = *by_text.entry(pattern.clone()).or_insert_with(|| {
                        patterns.push(pattern);
                        book.by_pattern.push(Vec::new());
                        book.by_pattern.len() - 1
                    });
                    let part = u32::try_from(book.parts.len()).map_err(|_| PhraseError::TooMany)?;
                    book.by_pattern[at].push(part);
                    let nth = u8::try_from(nth).map_err(|_| empty())?;
                    book.parts.push(Part { term, phrase, nth });
                }
                book.phrases.push(Phrase {
                    entry: EntryId(id),
                    n_parts: u8::try_from(parts.len()).map_err(|_| empty())?,
                    at_start,
                    at_end,
                });
            }
            book.entries.push((entry.name, entry.gloss));
        }
        book.automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(&patterns)
            .map_err(|error| PhraseError::Automaton(error.to_string()))?;
        Ok(book)
    }

    pub fn name(&self, id: EntryId) -> &str {
        &self.entries[usize::from(id.0)].0
    }

    pub fn gloss(&self, id: EntryId) -> &str {
        &self.entries[usize::from(id.0)].1
    }

    pub fn id(&self, name: &str) -> Option<EntryId> {
        let at = self.entries.iter().position(|it| it.0 == name)?;
        u16::try_from(at).ok().map(EntryId)
    }

    /// Every phrase that stands within `range` of the folded text, by start, the longer first.
    /// `original` is the text that was folded.
    pub fn find(&self, folded: &Folded, original: &str, range: Range<usize>) -> Vec<Found> {
        let mut found = Vec::new();
        let mut gapped: Vec<(u32, u8, usize, usize)> = Vec::new();
        let text = &folded.text[range.clone()];
        for matched in self.automaton.find_overlapping_iter(text) {
            let (start, end) = (matched.start() + range.start, matched.end() + range.start);
            for &part in &self.by_pattern[matched.pattern().as_usize()] {
                let part = &self.parts[part as usize];
                let Some(end) = part.term.end_at(folded, original, start, end) else {
                    continue;
                };
                if end > range.end {
                    continue;
                }
                let phrase = &self.phrases[part.phrase as usize];
                if phrase.n_parts > 1 {
                    gapped.push((part.phrase, part.nth, start, end));
                } else if phrase.is_anchored(start, end, &folded.text, &range) {
                    found.push(Found {
                        entry: phrase.entry,
                        start,
                        end,
                    });
                }
            }
        }
        self.join(gapped, &folded.text, &range, &mut found);
        found.sort_unstable_by_key(|it| (it.start, std::cmp::Reverse(it.end), it.entry));
        found.dedup();
        found
    }

    /// Phrases of several parts, out of the parts that stand.
    fn join(
        &self,
        mut parts: Vec<(u32, u8, usize, usize)>,
        text: &str,
        range: &Range<usize>,
        found: &mut Vec<Found>,
    ) {
        parts.sort_unstable();
        for group in parts.chunk_by(|a, b| a.0 == b.0) {
            let phrase = &self.phrases[group[0].0 as usize];
            for &(_, nth, start, first_end) in group {
                if nth > 0 {
                    break;
                }
                let mut end = first_end;
                let complete = (1..phrase.n_parts).all(|nth| {
                    let next = group
                        .iter()
                        .find(|it| it.1 == nth && it.2 >= end && is_gap(&text[end..it.2]));
                    if let Some(next) = next {
                        end = next.3;
                    }
                    next.is_some()
                });
                if complete && phrase.is_anchored(start, end, text, range) {
                    found.push(Found {
                        entry: phrase.entry,
                        start,
                        end,
                    });
                }
            }
        }
    }
}

impl Phrase {
    /// Quotation marks and spaces may stand outside of an anchored phrase.
    fn is_anchored(&self, start: usize, end: usize, text: &str, range: &Range<usize>) -> bool {
        let nothing = |it: &str| !it.chars().any(char::is_alphanumeric);
        (!self.at_start || nothing(&text[range.start..start]))
            && (!self.at_end || nothing(&text[end..range.end]))
    }
}

fn strip<'a>(stripped: Option<&'a str>, whole: &'a str) -> (&'a str, bool) {
    stripped.map_or((whole, false), |it| (it, true))
}

/// Whether a gap is short and within one clause.
fn is_gap(between: &str) -> bool {
    let cost: usize = between
        .chars()
        .map(|c| if is_unspaced(c) { 5 } else { 2 })
        .sum();
    cost <= GAP && !ends_clause(between)
}

/// Whether a clause ends within a folded text: at a stop, a quotation mark or dots.
pub fn ends_clause(text: &str) -> bool {
    let mut before = [' ', ' '];
    for c in text.chars() {
        let initial = before[1].is_alphabetic() && !before[0].is_alphabetic();
        match c {
            '。' | '!' | '?' | ';' | '"' => return true,
            '.' if !initial => return true,
            _ => before = [before[1], c],
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{Entry, PhraseError, Phrasebook};
    use crate::text::fold::Folded;

    fn book(phrases: &[&str]) -> Phrasebook {
        let entry = Entry {
            name: "cancel".to_owned(),
            gloss: "cancels".to_owned(),
            phrases: phrases.iter().map(|&it| it.to_owned()).collect(),
        };
        Phrasebook::new([entry]).expect("phrases")
    }

    #[track_caller]
    fn check(phrases: &[&str], text: &str, expected: &[&str]) {
        let folded = Folded::new(text);
        let found = book(phrases).find(&folded, text, 0..folded.text.len());
        let found: Vec<&str> = found
            .iter()
            .map(|it| &folded.text[it.start..it.end])
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn parts_stand_in_order_within_one_clause() {
        let off = &["summit … off", "sagt … ab", "회담 … 무산"];
        check(
            off,
            "Summit with the chairman is off, aide says",
            &["summit with the chairman is off"],
        );
        check(off, "Off they go to a summit", &[]);
        check(off, "Summit on. Gloves off", &[]);
        check(
            off,
            "Präsident sagt Treffen in Wien ab",
            &["sagt treffen in wien ab"],
        );
        check(off, "회담 끝내 무산", &["회담 끝내 무산"]);
        check(off, "회담 기대 속… 방문은 무산", &[]);
        let far = "The summit that both sides had spoken of for more than a year is off";
        check(off, far, &[]);
    }

    #[test]
    fn an_initial_ends_no_clause() {
        check(
            &["plug … summit"],
            "Kim pulls plug on U.S. summit",
            &["plug on u.s. summit"],
        );
    }

    #[test]
    fn anchors_tie_a_phrase_to_an_end_of_the_headline() {
        check(&["^why"], "\"Why\" the talks failed", &["why"]);
        check(&["^why"], "That is why talks failed", &[]);
        check(&["까$"], "만날까?", &["까"]);
        check(&["까$"], "까치가 왔다", &[]);
    }

    #[test]
    fn a_phrase_with_an_empty_part_is_refused() {
        let entry = Entry {
            name: "x".to_owned(),
            gloss: String::new(),
            phrases: vec!["talks … ".to_owned()],
        };
        assert!(matches!(
            Phrasebook::new([entry]),
            Err(PhraseError::Empty { .. })
        ));
    }
}

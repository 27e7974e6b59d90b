//! Phrases of a table, found in a folded headline in one pass. A phrase may have gaps ("sagt … ab")
//! and may be tied to the start or end of the headline (`^`, `$`). Pure.

use std::collections::HashMap;
use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::text::fold::{Folded, fold};
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
    pub phrases: Vec<Pattern>,
}

/// A phrase as written: its parts, each in one or more wordings.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern {
    written: String,
    parts: Vec<Vec<String>>,
    at_start: bool,
    at_end: bool,
}

impl Pattern {
    /// Reads `could … {meeting}`: `^` and `$` tie it to an end of the headline, ` … ` is a gap, `{meeting}` stands for any
    /// word of the set of that name. The error is the name of a set that `words` does not know.
    pub fn parse(
        written: &str,
        words: impl Fn(&str) -> Option<Vec<String>>,
    ) -> Result<Self, String> {
        let (bare, at_start) = strip(written.strip_prefix('^'), written);
        let (bare, at_end) = strip(bare.strip_suffix('$'), bare);
        let mut parts = Vec::new();
        for part in bare.split('…').map(str::trim) {
            let mut wordings = vec![String::new()];
            let mut rest = part;
            while let Some((before, behind)) = rest.split_once('{') {
                let Some((name, behind)) = behind.split_once('}') else {
                    return Err(behind.to_owned());
                };
                let set = words(name).ok_or_else(|| name.to_owned())?;
                wordings = wordings
                    .iter()
                    .flat_map(|it| set.iter().map(move |word| format!("{it}{before}{word}")))
                    .collect();
                rest = behind;
            }
            wordings.iter_mut().for_each(|it| it.push_str(rest));
            parts.push(wordings);
        }
        Ok(Self {
            written: written.to_owned(),
            parts,
            at_start,
            at_end,
        })
    }
}

/// A phrase that stands in a text, as bytes of the folded text from its first part to its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    pub entry: EntryId,
    pub start: usize,
    pub end: usize,
    /// Where its first part ends and its last begins; the same where it has no gap.
    pub gap: (usize, usize),
}

impl Found {
    /// Whether another phrase stands within, and not in the gap.
    pub fn covers(&self, other: &Self) -> bool {
        let within = self.start <= other.start && other.end <= self.end;
        let in_gap = self.gap.0 <= other.start && other.end <= self.gap.1;
        within && !in_gap && (self.start, self.end) != (other.start, other.end)
    }

    /// Whether words of both are the same words.
    pub fn overlaps(&self, other: &Self) -> bool {
        let in_gap = self.gap.0 <= other.start && other.end <= self.gap.1;
        self.start < other.end && other.start < self.end && !in_gap
    }
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
    /// Words over which no gap reaches: what stands behind them is another matter.
    stops: Vec<String>,
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
            stops: Vec::new(),
        };
        let mut patterns: Vec<String> = Vec::new();
        let mut by_text: HashMap<String, usize> = HashMap::new();
        for entry in table {
            let id = u16::try_from(book.entries.len()).map_err(|_| PhraseError::TooMany)?;
            for written in &entry.phrases {
                let empty = || PhraseError::Empty {
                    entry: entry.name.clone(),
                    phrase: written.written.clone(),
                };
                let phrase = u32::try_from(book.phrases.len()).map_err(|_| PhraseError::TooMany)?;
                for (nth, wordings) in written.parts.iter().enumerate() {
                    for wording in wordings {
                        let (pattern, term) = term(wording, ConceptId(id)).ok_or_else(empty)?;
                        let at = *by_text.entry(pattern.clone()).or_insert_with(|| {
                            patterns.push(pattern);
                            book.by_pattern.push(Vec::new());
                            book.by_pattern.len() - 1
                        });
                        let part =
                            u32::try_from(book.parts.len()).map_err(|_| PhraseError::TooMany)?;
                        book.by_pattern[at].push(part);
                        let nth = u8::try_from(nth).map_err(|_| empty())?;
                        book.parts.push(Part { term, phrase, nth });
                    }
                }
                book.phrases.push(Phrase {
                    entry: EntryId(id),
                    n_parts: u8::try_from(written.parts.len()).map_err(|_| empty())?,
                    at_start: written.at_start,
                    at_end: written.at_end,
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

    /// The same, whose gaps reach over none of these words.
    #[must_use]
    pub fn with_stops(mut self, stops: &[String]) -> Self {
        self.stops = stops.iter().map(|it| fold(it)).collect();
        self
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
                        gap: (end, end),
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
                let mut last = first_end;
                let complete = (1..phrase.n_parts).all(|nth| {
                    let fits = |it: &&(u32, u8, usize, usize)| {
                        it.1 == nth && it.2 >= end && self.is_gap(&text[end..it.2])
                    };
                    // The nearest, in its longest wording.
                    let mut fitting = group.iter().filter(fits);
                    let nearest = fitting.next();
                    let longest = fitting.take_while(|it| nearest.is_some_and(|one| it.2 == one.2));
                    let next = longest.last().or(nearest);
                    if let Some(next) = next {
                        (last, end) = (next.2, next.3);
                    }
                    next.is_some()
                });
                if complete && phrase.is_anchored(start, end, text, range) {
                    found.push(Found {
                        entry: phrase.entry,
                        start,
                        end,
                        gap: (first_end, last),
                    });
                }
            }
        }
    }

    /// Whether a gap is short, within one clause and over no word that begins another matter.
    fn is_gap(&self, between: &str) -> bool {
        let cost: usize = between
            .chars()
            .map(|c| if is_unspaced(c) { 5 } else { 2 })
            .sum();
        let stopped = || {
            let mut stops = self.stops.iter();
            stops.any(|stop| {
                if stop.chars().any(is_unspaced) {
                    return between.contains(stop.as_str());
                }
                let mut words = between.split(|c: char| !c.is_alphanumeric());
                words.any(|it| it == stop)
            })
        };
        cost <= GAP && !ends_clause(between) && !stopped()
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

/// Whether a clause ends within a folded text: at a stop, a quotation mark or dots.
pub fn ends_clause(text: &str) -> bool {
    let mut before = [' ', ' '];
    for c in text.chars() {
        // Neither "U.S." nor "1. März" ends one.
        let initial =
            before[1].is_alphabetic() && !before[0].is_alphabetic() || before[1].is_ascii_digit();
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
    use super::{Entry, Pattern, PhraseError, Phrasebook};
    use crate::text::fold::Folded;

    fn plain(written: &str) -> Pattern {
        Pattern::parse(written, |_| None).expect("it names no set")
    }

    fn book(phrases: &[&str]) -> Phrasebook {
        let entry = Entry {
            name: "cancel".to_owned(),
            gloss: "cancels".to_owned(),
            phrases: phrases.iter().map(|&it| plain(it)).collect(),
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
    fn a_set_stands_for_each_of_its_words() {
        let words = |name: &str| {
            let words = ["summit", "talks"].map(str::to_owned).to_vec();
            (name == "meeting").then_some(words)
        };
        let entry = Entry {
            name: "cancel".to_owned(),
            gloss: "cancels".to_owned(),
            phrases: vec![Pattern::parse("{meeting} … off", words).expect("a known set")],
        };
        let book = Phrasebook::new([entry]).expect("phrases");
        for text in ["summit with him is off", "talks are off"] {
            let folded = Folded::new(text);
            assert_eq!(book.find(&folded, text, 0..text.len()).len(), 1, "{text}");
        }
        let text = "dinner is off";
        assert!(
            book.find(&Folded::new(text), text, 0..text.len())
                .is_empty()
        );
        assert_eq!(Pattern::parse("{meal}", words), Err("meal".to_owned()));
    }

    #[test]
    fn no_gap_reaches_over_what_begins_another_matter() {
        let stops = ["before".to_owned(), "앞두고".to_owned()];
        let book = book(&["cancels … summit", "취소 … 회담"]).with_stops(&stops);
        let found = |text: &str| {
            let folded = Folded::new(text);
            book.find(&folded, text, 0..folded.text.len()).len()
        };
        assert_eq!(found("Cancels the summit"), 1);
        assert_eq!(found("Cancels drills before the summit"), 0);
        assert_eq!(found("취소 앞두고 회담"), 0);
    }

    #[test]
    fn an_ordinal_ends_no_clause() {
        check(
            &["am … kraft"],
            "Am 1. März in Kraft",
            &["am 1. märz in kraft"],
        );
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
            phrases: vec![plain("talks … ")],
        };
        assert!(matches!(
            Phrasebook::new([entry]),
            Err(PhraseError::Empty { .. })
        ));
    }
}

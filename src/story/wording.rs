//! The words of a text as keys, without those that every text has; publishers' names behind a
//! headline and datelines before a lead. Pure; the lists are configuration.

use std::collections::HashSet;

use crate::text::fold::fold;
use crate::text::language::Script;

/// Lists in the folded form.
#[derive(Debug, Default)]
pub struct Wording {
    common: HashSet<String>,
    stop: HashSet<u32>,
    pub weight: TermWeights,
    /// Share of a sentence, by inverse document frequency, that the headline must lack for the sentence to be quoted.
    pub fresh: f64,
}

/// How much terms weigh beside each other when reports are compared: in the headline, and in the lead alone.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TermWeights {
    pub concept: (f64, f64),
    pub number: (f64, f64),
    pub predicate: (f64, f64),
    pub place: (f64, f64),
    /// A word of the lead beside one of the headline.
    pub lead: f64,
    /// Factor on concepts that stand in every report of a topic, whatever their frequency so far.
    pub common: f64,
    /// What most reports say says nothing: taken off each inverse document frequency of a concept.
    pub floor: f64,
}

/// A publisher's name behind a dash or bar is no longer than this, in bytes.
const PUBLISHER: usize = 40;
/// What is left of a headline must still be one, in characters.
const HEADLINE: usize = 12;
/// Letters of a Cyrillic word that are compared: what follows is mostly its ending.
const CYRILLIC_STEM: usize = 6;

impl Wording {
    /// `common` are concepts that stand in most reports of a topic; `stop` are words.
    pub fn new<'a>(common: &[String], stop: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            common: common.iter().cloned().collect(),
            stop: stop.into_iter().map(|it| gram(&fold(it))).collect(),
            ..Self::default()
        }
    }

    /// Whether a concept tells reports of a topic apart.
    pub fn is_news(&self, concept: &str) -> bool {
        !self.common.contains(concept)
    }

    /// Hashes of the stems of words; where words are not spaced, of runs of two and three
    /// characters.
    pub fn grams(&self, text: &str, grams: &mut Vec<u32>) {
        for word in text.split(|c: char| !c.is_alphanumeric() && c != '\'') {
            let word = word.trim_matches('\'');
            if word.chars().any(is_unspaced) {
                self.runs(word, grams);
            } else if word.chars().nth(2).is_some()
                || word.starts_with(|c: char| c.is_ascii_digit())
            {
                self.push(word, grams);
            }
        }
    }

    /// Runs of a word that holds unspaced script; what else stands in it is a word of its own.
    fn runs(&self, word: &str, grams: &mut Vec<u32>) {
        let mut rest = word;
        while let Some(first) = rest.chars().next() {
            let unspaced = is_unspaced(first);
            let end = rest
                .find(|c: char| is_unspaced(c) != unspaced)
                .unwrap_or(rest.len());
            let run = &rest[..end];
            if unspaced {
                let starts: Vec<usize> = run
                    .char_indices()
                    .map(|(at, _)| at)
                    .chain([run.len()])
                    .collect();
                for length in [2, 3] {
                    for ends in starts.windows(length + 1) {
                        let key = gram(&run[ends[0]..ends[length]]);
                        if !self.stop.contains(&key) {
                            grams.push(key);
                        }
                    }
                }
            } else if run.len() > 1 {
                self.push(run, grams);
            }
            rest = &rest[end..];
        }
    }

    fn push(&self, word: &str, grams: &mut Vec<u32>) {
        if !self.stop.contains(&gram(word)) {
            grams.push(gram(stem(word)));
        }
    }
}

/// Where the publisher's name begins that aggregators and some publishers put behind a headline:
/// "… - Reuters", "… | AP News".
pub fn publisher(title: &str) -> Option<usize> {
    let (at, mark) = [" - ", " | ", " – ", " — "]
        .iter()
        .filter_map(|mark| title.rfind(mark).map(|at| (at, mark)))
        .max()?;
    let name = &title[at + mark.len()..];
    let is_name = name.len() <= PUBLISHER
        && name.split_whitespace().count() <= 4
        && !name.starts_with(char::is_lowercase)
        && !name.contains(['?', '!', '"', '“', '\'', '’', ':', ',']);
    (is_name && title[..at].chars().count() >= HEADLINE).then_some(at)
}

/// A lead without its dateline: "(서울=연합뉴스) 홍길동 기자 = …", "(ロイター) - …".
pub fn without_dateline(lead: &str) -> &str {
    let Some(inner) = lead.trim_start().strip_prefix('(') else {
        return lead;
    };
    let Some(close) = inner.find(')').filter(|at| *at <= 60) else {
        return lead;
    };
    let rest = &inner[close + 1..];
    let by = rest
        .char_indices()
        .nth(60)
        .map_or(rest, |(end, _)| &rest[..end]);
    match by.find('=') {
        Some(at) => &rest[at + 1..],
        None => rest,
    }
}

/// Enough for headlines: plural, possessive and the commonest verb endings; the beginning of a
/// Cyrillic word.
fn stem(word: &str) -> &str {
    let word = word.strip_suffix("'s").unwrap_or(word);
    if word.chars().next().and_then(Script::of) == Some(Script::Cyrillic) {
        let end = word.char_indices().nth(CYRILLIC_STEM);
        return end.map_or(word, |(end, _)| &word[..end]);
    }
    ["ings", "ing", "ed", "es", "s"]
        .iter()
        .find_map(|suffix| {
            word.strip_suffix(suffix)
                .filter(|rest| rest.chars().nth(3).is_some())
        })
        .unwrap_or(word)
}

fn is_unspaced(c: char) -> bool {
    Script::of(c).is_some_and(Script::is_unspaced)
}

/// The upper half of a hash that no build changes.
pub fn gram(text: &str) -> u32 {
    let hash = crate::item::hash(text).cast_unsigned();
    u32::try_from(hash >> 32).expect("the upper half of a u64")
}

#[cfg(test)]
mod tests {
    use super::{Wording, publisher, without_dateline};
    use crate::text::fold::fold;

    #[track_caller]
    fn check(a: &str, b: &str, shared: usize) {
        let grams = |text: &str| {
            let mut grams = Vec::new();
            Wording::new(&[], ["the"]).grams(&fold(text), &mut grams);
            grams
        };
        let (a, b) = (grams(a), grams(b));
        assert_eq!(a.iter().filter(|it| b.contains(it)).count(), shared);
    }

    #[test]
    fn endings_of_words_do_not_matter() {
        check("Leader visits the border", "leaders visiting border's", 3);
        check("встреча отменена", "встречу отменить", 1);
        check("the the", "the", 0);
    }

    #[test]
    fn unspaced_scripts_are_compared_by_runs_of_two_and_three() {
        check("정상회담", "정상회담", 5);
        check("회담 취소", "회담 연기", 1);
        check("NATO首脳会議", "NATO", 1);
    }

    #[test]
    fn a_publisher_behind_a_dash_is_found() {
        let cut = |title: &str| publisher(title).map(|at| title[..at].to_owned());
        assert_eq!(
            cut("Leaders to meet this year - Reuters").as_deref(),
            Some("Leaders to meet this year")
        );
        assert_eq!(cut("Leaders to meet this year - or so they say"), None);
        assert_eq!(cut("Day 1 - Reuters"), None);
    }

    #[test]
    fn datelines_are_no_news() {
        assert_eq!(
            without_dateline("(서울=연합뉴스) 홍길동 기자 = 정부는 밝혔다").trim(),
            "정부는 밝혔다"
        );
        assert_eq!(
            without_dateline("정부는 (오늘) 밝혔다"),
            "정부는 (오늘) 밝혔다"
        );
    }
}

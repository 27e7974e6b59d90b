//! Headlines without what says nothing: labels, serial marks, the publisher's name, and the words
//! that every text has. Pure; the lists are configuration.

use std::collections::HashSet;
use std::ops::Range;

use crate::text::fold::fold;
use crate::text::language::Script;

/// Lists in the folded form.
#[derive(Debug, Default)]
pub struct Wording {
    labels: Vec<String>,
    comments: Vec<String>,
    serials: HashSet<String>,
    no_news: HashSet<String>,
    stop: HashSet<u32>,
}

/// A label in brackets is shorter than this, in characters.
const LABEL: usize = 14;
/// A publisher's name behind a dash or bar is no longer than this, in bytes.
const PUBLISHER: usize = 40;
/// What is left of a headline must still be one, in characters.
const HEADLINE: usize = 12;

impl Wording {
    pub fn new<'a>(
        labels: &[String],
        comments: &[String],
        serials: &[String],
        no_news: &[String],
        stop: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self {
            labels: labels.iter().chain(comments).map(|it| fold(it)).collect(),
            comments: comments.iter().map(|it| fold(it)).collect(),
            serials: serials.iter().map(|it| fold(it)).collect(),
            no_news: no_news.iter().cloned().collect(),
            stop: stop.into_iter().map(|it| gram(&fold(it))).collect(),
        }
    }

    /// The part of a folded headline that carries news: without labels before and serial marks
    /// behind.
    pub fn core(&self, title: &str) -> Range<usize> {
        let mut range = 0..title.trim_end().len();
        while let Some(start) = self.label(&title[range.clone()]) {
            range.start += start;
        }
        range.start += title[range.clone()].len() - title[range.clone()].trim_start().len();
        while let Some(end) = self.serial(&title[range.clone()]) {
            range.end = range.start + end;
        }
        range
    }

    /// Whether a label in front of a folded headline says that it is somebody's opinion.
    pub fn is_comment(&self, title: &str) -> bool {
        let labels = &title[..self.core(title).start];
        let mut words = labels.split(|c: char| !c.is_alphanumeric() && c != ' ');
        words.any(|label| {
            let label = label.trim();
            self.comments.iter().any(|it| label.ends_with(it.as_str()))
        })
    }

    /// Whether to hear of a concept for the first time can be news.
    pub fn is_news(&self, concept: &str) -> bool {
        !self.no_news.contains(concept)
    }

    /// Where the text goes on behind a label at its start.
    fn label(&self, text: &str) -> Option<usize> {
        let trimmed = text.trim_start();
        let skipped = text.len() - trimmed.len();
        let close = match trimmed.chars().next()? {
            '[' => ']',
            '【' => '】',
            '<' => '>',
            '〈' => '〉',
            _ => return self.word_label(trimmed).map(|at| skipped + at),
        };
        let end = trimmed.find(close)?;
        let rest = &trimmed[end + close.len_utf8()..];
        let short = trimmed[..end].chars().count() <= LABEL;
        // Nothing but a label is no headline at all; a word or two behind it belong to it.
        let whole = rest.trim().is_empty() || rest.chars().count() >= HEADLINE / 2;
        (short && whole).then(|| text.len() - rest.len())
    }

    fn word_label(&self, text: &str) -> Option<usize> {
        let rest = self.labels.iter().find_map(|label| {
            let rest = text.strip_prefix(label.as_str())?;
            let numbered = rest.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit());
            let serial = numbered.len() + 1 < rest.len() && label.is_ascii();
            let rest = match numbered.strip_prefix([':', '/', '|', '–']) {
                Some(rest) => rest,
                // "UPDATE 7-Oil", whose dash was folded into a space.
                None if serial => numbered,
                None => return None,
            };
            (rest.chars().count() >= HEADLINE / 2).then_some(rest)
        })?;
        Some(text.len() - rest.len())
    }

    /// Where the text ends before a serial mark.
    fn serial(&self, text: &str) -> Option<usize> {
        let inner = text.trim_end().strip_suffix(')')?;
        let open = inner.rfind('(')?;
        let mark: String = inner[open + 1..]
            .chars()
            .filter(|c| !c.is_ascii_digit())
            .collect();
        self.serials
            .contains(mark.trim())
            .then(|| text[..open].trim_end().len())
    }

    /// Hashes of words, or of character pairs where words are not spaced.
    pub fn grams(&self, text: &str, grams: &mut Vec<u32>) {
        for word in text.split(|c: char| !c.is_alphanumeric() && c != '\'') {
            let word = word.trim_matches('\'');
            if word.chars().any(is_unspaced) {
                self.pairs(word, grams);
            } else if word.chars().nth(2).is_some()
                || word.starts_with(|c: char| c.is_ascii_digit())
            {
                self.push(word, grams);
            }
        }
    }

    fn pairs(&self, word: &str, grams: &mut Vec<u32>) {
        let mut rest = word;
        while let Some(first) = rest.chars().next() {
            let latin = first.is_ascii_alphanumeric();
            let end = rest
                .find(|c: char| c.is_ascii_alphanumeric() != latin)
                .unwrap_or(rest.len());
            let run = &rest[..end];
            if latin {
                if run.len() > 1 {
                    self.push(run, grams);
                }
            } else {
                let starts = run.char_indices().zip(run.char_indices().skip(1));
                for ((from, _), (second, c)) in starts {
                    self.push_gram(gram(&run[from..second + c.len_utf8()]), grams);
                }
            }
            rest = &rest[end..];
        }
    }

    fn push(&self, word: &str, grams: &mut Vec<u32>) {
        if !self.stop.contains(&gram(word)) {
            grams.push(gram(stem(word)));
        }
    }

    fn push_gram(&self, gram: u32, grams: &mut Vec<u32>) {
        if !self.stop.contains(&gram) {
            grams.push(gram);
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

/// Enough for headlines: plural, possessive and the commonest verb endings.
fn stem(word: &str) -> &str {
    let word = word.strip_suffix("'s").unwrap_or(word);
    ["ing", "ed", "es", "s"]
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
    fn check(title: &str, expected: &str) {
        let list = |words: &[&str]| words.iter().map(|&it| it.to_owned()).collect::<Vec<_>>();
        let wording = Wording::new(
            &list(&["live", "update", "快訊"]),
            &list(&["opinion", "칼럼"]),
            &list(&["종합", "종합보", "lead"]),
            &[],
            ["the"],
        );
        let folded = fold(title);
        assert_eq!(&folded[wording.core(&folded)], fold(expected));
    }

    #[test]
    fn labels_and_serial_marks_are_no_news() {
        check("[속보] 장관 \"곧 만날 것\"(종합2보)", "장관 \"곧 만날 것\"");
        check("【速報】首脳会談を中止へ", "首脳会談を中止へ");
        check(
            "LIVE: Leaders arrive at the hotel",
            "leaders arrive at the hotel",
        );
        check(
            "UPDATE 7-Oil sinks as season ends",
            "oil sinks as season ends",
        );
        check("快訊／雙方會面取消", "雙方會面取消");
        check("Live music returns to town", "live music returns to town");
        check("[속보]", "");
    }

    #[test]
    fn opinions_are_known_by_their_label() {
        let wording = Wording::new(
            &[],
            &["opinion".to_owned(), "칼럼".to_owned()],
            &[],
            &[],
            [],
        );
        let is_comment = |title: &str| wording.is_comment(&fold(title));
        assert!(is_comment(
            "OPINION: The summit was a gamble from the start"
        ));
        assert!(is_comment("[특파원 칼럼] 회담의 그늘을 다시 본다"));
        assert!(!is_comment(
            "Public opinion: split on the summit, polls say"
        ));
        assert!(!is_comment("[속보] 장관 \"곧 만날 것\""));
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

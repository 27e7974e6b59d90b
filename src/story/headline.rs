//! A headline without its labels, serial mark and publisher, and what those say: breaking, opinion,
//! a later version. Pure; the phrases are configuration.

use std::ops::Range;

use crate::story::phrases::Phrasebook;
use crate::story::wording::publisher;
use crate::text::Words;
use crate::text::fold::fold;
use crate::text::grams::is_word;
use crate::topic::lexicon::{Field, Hit, Kind, Lexicon, Reading};

/// What a headline says of itself apart from its news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    Breaking,
    Exclusive,
    /// A page or film that is filled as things happen.
    Live,
    /// A later version of the same report.
    Serial,
    Opinion,
    /// A label that names a column and no more.
    Rubric,
    Question,
    /// Somebody speaks who has no say in the matter: a scholar, a former official, a poll.
    Expert,
    /// It says what should be done.
    Advice,
    /// It looks back: an anniversary, a memoir.
    Retrospective,
    /// It comes from nobody who gives a name.
    Hearsay,
    Correction,
    /// A quotation of nobody that is named.
    Unattributed,
    /// Its address lies in a section for opinions.
    OpinionPage,
    /// It names so many things that it is a list and no statement.
    Roundup,
}

const MARKS: [(Mark, &str); 15] = [
    (Mark::Breaking, "breaking"),
    (Mark::Exclusive, "exclusive"),
    (Mark::Live, "live"),
    (Mark::Serial, "serial"),
    (Mark::Opinion, "opinion"),
    (Mark::Rubric, "rubric"),
    (Mark::Question, "question"),
    (Mark::Expert, "expert"),
    (Mark::Advice, "advice"),
    (Mark::Retrospective, "retrospective"),
    (Mark::Hearsay, "hearsay"),
    (Mark::Correction, "correction"),
    (Mark::Unattributed, "unattributed"),
    (Mark::OpinionPage, "opinion-page"),
    (Mark::Roundup, "roundup"),
];

impl Mark {
    /// As the tables and the archive spell it.
    pub fn as_str(self) -> &'static str {
        MARKS[self as usize].1
    }

    pub fn of(name: &str) -> Option<Self> {
        MARKS.iter().find(|it| it.1 == name).map(|it| it.0)
    }
}

/// A set of marks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Marks(u16);

impl Marks {
    pub fn insert(&mut self, mark: Mark) {
        self.0 |= 1 << mark as u16;
    }

    pub fn has(self, mark: Mark) -> bool {
        self.0 & (1 << mark as u16) != 0
    }

    pub fn any(self, marks: &[Mark]) -> bool {
        marks.iter().any(|it| self.has(*it))
    }

    pub fn iter(self) -> impl Iterator<Item = Mark> {
        MARKS
            .into_iter()
            .map(|it| it.0)
            .filter(move |it| self.has(*it))
    }
}

/// Phrases by which marks are known, folded.
#[derive(Debug)]
pub struct MarkTable {
    /// In brackets, or before a colon, slash or bar, at the start of a headline.
    pub labels: Vec<(String, Mark)>,
    /// In brackets at its end; digits are left out.
    pub serials: Vec<String>,
    /// Anywhere in the headline; entries carry the names of marks.
    pub anywhere: Phrasebook,
    /// Parts of an address, between slashes, that hold opinions: `/opinion/`.
    pub opinion_paths: Vec<String>,
}

/// A label in brackets is no longer than this, in characters.
const LABEL: usize = 16;
/// What is left of a headline must still be one, in characters.
const LEAST: usize = 6;

impl MarkTable {
    /// Whether an address lies in a section for opinions.
    pub fn is_opinion_page(&self, url: &str) -> bool {
        let path = url.split(['?', '#']).next().unwrap_or_default();
        let mut parts = path.split('/').skip(3);
        parts.any(|part| {
            self.opinion_paths
                .iter()
                .any(|it| part.eq_ignore_ascii_case(it))
        })
    }

    /// The bytes behind one label at the start, and its marks.
    fn label(&self, text: &str) -> Option<(usize, Marks)> {
        let trimmed = text.trim_start();
        let skipped = text.len() - trimmed.len();
        let close = match trimmed.chars().next()? {
            '[' => ']',
            '【' => '】',
            '<' => '>',
            '〈' => '〉',
            '(' => ')',
            '《' => '》',
            _ => {
                return self
                    .word_label(trimmed)
                    .map(|(at, marks)| (skipped + at, marks));
            }
        };
        let end = trimmed.find(close)?;
        let rest = &trimmed[end + close.len_utf8()..];
        let label = &trimmed[..end];
        // A label alone is no headline; a word or two behind it belong to it.
        let whole = rest.trim().is_empty() || rest.chars().count() >= LEAST;
        if label.chars().count() > LABEL || !whole {
            return None;
        }
        let mut marks = Marks::default();
        let own = label.trim_end_matches(|c: char| c == ' ' || c.is_ascii_digit());
        for (_, mark) in self.labels.iter().filter(|it| ends_with(own, &it.0)) {
            marks.insert(*mark);
        }
        if marks == Marks::default() {
            marks.insert(Mark::Rubric);
        }
        Some((text.len() - rest.len(), marks))
    }

    fn word_label(&self, text: &str) -> Option<(usize, Marks)> {
        let fits = |label: &str| {
            let rest = text.strip_prefix(label)?;
            let numbered = rest.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit());
            let serial = numbered.len() + 1 < rest.len() && label.is_ascii();
            let rest = match numbered.strip_prefix([':', '/', '|', '–', '!']) {
                Some(rest) => rest,
                // "UPDATE 7-Oil", whose dash was folded into a space.
                None if serial => numbered,
                None => return None,
            };
            (rest.chars().count() >= LEAST).then_some(text.len() - rest.len())
        };
        let (at, label) = self
            .labels
            .iter()
            .filter_map(|it| Some((fits(&it.0)?, it.0.as_str())))
            .max_by_key(|it| it.1.len())?;
        let mut marks = Marks::default();
        let same = self.labels.iter().filter(|it| it.0 == label);
        same.for_each(|it| marks.insert(it.1));
        Some((at, marks))
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
            .iter()
            .any(|it| it == mark.trim())
            .then(|| text[..open].trim_end().len())
    }

    /// The part of a folded headline that carries news, and the marks around it.
    pub fn core(&self, title: &str) -> (Range<usize>, Marks) {
        let mut range = 0..title.trim_end().len();
        let mut marks = Marks::default();
        while let Some((start, more)) = self.label(&title[range.clone()]) {
            range.start += start;
            more.iter().for_each(|it| marks.insert(it));
        }
        range.start += title[range.clone()].len() - title[range.clone()].trim_start().len();
        while let Some(end) = self.serial(&title[range.clone()]) {
            range.end = range.start + end;
            marks.insert(Mark::Serial);
        }
        if marks.any(&[Mark::Opinion, Mark::Live, Mark::Breaking, Mark::Exclusive]) {
            marks.0 &= !(1 << Mark::Rubric as u16);
        }
        (range, marks)
    }
}

/// Whether a label ends with a word: "특파원 칼럼", and not "interview" with "view".
fn ends_with(label: &str, word: &str) -> bool {
    label.strip_suffix(word).is_some_and(|before| {
        let first = word.chars().next();
        !(before.chars().next_back().is_some_and(is_word) && first.is_some_and(is_word))
    })
}

/// The part of a headline that carries news.
#[derive(Debug)]
pub struct Headline<'a> {
    pub words: &'a Words<'a>,
    /// Bytes of the folded title.
    pub range: Range<usize>,
    pub marks: Marks,
    /// Hits of the lexicon within it, in order, with their bytes in the folded title.
    pub hits: Vec<(&'a Hit, Range<usize>)>,
    /// Who is named behind a dash at the end: "… – Pompeo | Reuters".
    pub signed: Option<&'a Hit>,
}

impl<'a> Headline<'a> {
    pub fn new(
        words: &'a Words<'a>,
        reading: &'a Reading,
        lexicon: &Lexicon,
        table: &MarkTable,
        url: Option<&str>,
    ) -> Self {
        let folded = &words.folded_title;
        let (mut range, mut marks) = table.core(&folded.text);
        if url.is_some_and(|it| table.is_opinion_page(it)) {
            marks.insert(Mark::OpinionPage);
        }
        let mut signed = None;
        let mut title = words.title;
        // At most a name and a publisher.
        for _ in 0..2 {
            let Some(cut) = publisher(title) else { break };
            let mut names = reading
                .hits
                .iter()
                .filter(|it| it.field == Field::Title && it.start >= cut && it.end <= title.len());
            signed = names.find(|it| lexicon.concept(it.concept).kind != Kind::Agency);
            title = &title[..cut];
            range.end = range.end.min(folded_offset(words, cut)).max(range.start);
            if signed.is_some() {
                break;
            }
        }
        let text = &folded.text;
        range.end = range.start + text[range.clone()].trim_end().len();
        let bytes: Vec<usize> = text
            .char_indices()
            .map(|(at, _)| at)
            .chain([text.len()])
            .collect();
        let place = |hit: &Hit| bytes.get(hit.at).copied().zip(bytes.get(hit.to).copied());
        let hits = reading
            .hits
            .iter()
            .filter(|it| it.field == Field::Title)
            .filter_map(|it| place(it).map(|(from, to)| (it, from..to)))
            .filter(|it| range.start <= it.1.start && it.1.start < range.end);
        Self {
            hits: hits.collect(),
            words,
            range,
            marks,
            signed,
        }
    }

    pub fn text(&self) -> &str {
        &self.words.folded_title.text[self.range.clone()]
    }
}

/// The byte of the folded title that stands for byte `original` of the title.
fn folded_offset(words: &Words<'_>, original: usize) -> usize {
    let folded = &words.folded_title;
    let offsets = folded.text.char_indices().map(|(at, _)| at);
    let mut behind = offsets.skip_while(|at| folded.original_offset(*at) < original);
    behind.next().unwrap_or(folded.text.len())
}

/// Folded labels, the longest first.
pub fn labels(table: impl IntoIterator<Item = (String, Mark)>) -> Vec<(String, Mark)> {
    let mut labels: Vec<(String, Mark)> = table
        .into_iter()
        .map(|(label, mark)| (fold(&label), mark))
        .collect();
    labels.sort();
    labels.dedup();
    labels
}

#[cfg(test)]
mod tests {
    use super::{Mark, MarkTable, labels};
    use crate::story::phrases::Phrasebook;
    use crate::text::fold::fold;

    fn table() -> MarkTable {
        let label = |text: &str, mark| (text.to_owned(), mark);
        MarkTable {
            labels: labels([
                label("live", Mark::Live),
                label("update", Mark::Rubric),
                label("속보", Mark::Breaking),
                label("速報", Mark::Breaking),
                label("快讯", Mark::Breaking),
                label("opinion", Mark::Opinion),
                label("칼럼", Mark::Opinion),
            ]),
            serials: ["종합", "종합보", "lead"].map(fold).to_vec(),
            anywhere: Phrasebook::new([]).expect("empty"),
            opinion_paths: vec!["opinion".to_owned()],
        }
    }

    #[track_caller]
    fn check(title: &str, expected: &str, marks: &[Mark]) {
        let folded = fold(title);
        let (range, found) = table().core(&folded);
        assert_eq!(&folded[range], fold(expected));
        assert_eq!(found.iter().collect::<Vec<_>>(), marks, "{title}");
    }

    #[test]
    fn labels_and_serial_marks_are_no_news() {
        let (breaking, serial) = (Mark::Breaking, Mark::Serial);
        check(
            "[속보] 장관 \"곧 만날 것\"(종합2보)",
            "장관 \"곧 만날 것\"",
            &[breaking, serial],
        );
        check("【速報】首脳会談を中止へ", "首脳会談を中止へ", &[breaking]);
        check(
            "LIVE: Leaders arrive at the hotel",
            "leaders arrive at the hotel",
            &[Mark::Live],
        );
        check(
            "UPDATE 7-Oil sinks as season ends",
            "oil sinks as season ends",
            &[Mark::Rubric],
        );
        check("快訊／雙方會面取消", "雙方會面取消", &[breaking]);
        check(
            "Live music returns to town",
            "live music returns to town",
            &[],
        );
        check(
            "[세계의 창] 회담의 그늘을 보다",
            "회담의 그늘을 보다",
            &[Mark::Rubric],
        );
        check("[속보]", "", &[breaking]);
    }

    #[test]
    fn opinions_are_known_by_their_label_or_address() {
        let opinion = &[Mark::Opinion][..];
        check(
            "OPINION: The summit was a gamble",
            "the summit was a gamble",
            opinion,
        );
        check(
            "[특파원 칼럼] 회담의 그늘을 다시 본다",
            "회담의 그늘을 다시 본다",
            opinion,
        );
        check(
            "Public opinion: split on the summit",
            "public opinion: split on the summit",
            &[],
        );
        assert!(table().is_opinion_page("https://wire.example/Opinion/2026/1.html?x"));
        assert!(!table().is_opinion_page("https://opinion.example/news/opinion-split.html"));
    }
}

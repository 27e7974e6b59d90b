//! What of an item is compared: surface grams within a script, concepts and dates across all; and
//! the facts of its headline. Pure.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use crate::story::copies::Shingles;
use crate::story::profile::{LEAD, Profile, TITLE};
use crate::story::wording::{Wording, gram, publisher, without_dateline};
use crate::text::Words;
use crate::text::language::Script;
use crate::topic::lexicon::{Field, Hit, Kind, Lexicon, Reading};

/// A particular that a headline tells: a date, a place, an act, a person, a number.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// Stable across languages: a hash of `place:singapore`, `date:05-12`, `number:13`.
    pub key: u32,
    pub gloss: String,
    pub weight: f64,
    pub kind: FactKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactKind {
    Date,
    Number,
    Place,
    Other,
}

impl FactKind {
    /// Whether a correction may replace it.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Date | Self::Number)
    }
}

#[derive(Debug, Clone)]
pub struct Features {
    pub at: Timestamp,
    /// The script that most of the title is written in.
    pub script: Option<Script>,
    pub surface: Profile,
    /// Concepts and dates.
    pub concepts: Profile,
    /// Those of them that tell happenings apart; countries and people stand in every report.
    pub distinct: Vec<u32>,
    /// Of headline and lead, to know an edited copy by.
    pub shingles: Shingles,
    pub title_grams: Vec<u32>,
    pub title_concepts: Vec<u32>,
    /// Facts of the title.
    pub facts: Vec<Fact>,
    /// Keys of the facts of the whole item.
    pub said: Vec<u32>,
}

/// Characters of the lead that take part; the rest of a long summary is background.
const LEAD_CHARS: usize = 400;
/// Sentences of the summary whose concepts take part.
const LEAD_SENTENCES: u16 = 3;

impl Features {
    /// Keys of everything that is compared.
    pub fn keys(&self) -> impl Iterator<Item = u32> + '_ {
        self.surface.keys().chain(self.concepts.keys())
    }

    pub fn new(
        words: &Words<'_>,
        reading: &Reading,
        lexicon: &Lexicon,
        wording: &Wording,
        at: Timestamp,
    ) -> Self {
        let title = Headline::new(words, reading, lexicon, wording);
        let lead = cut(without_dateline(&words.folded_summary.text), LEAD_CHARS);
        let (mut title_grams, mut lead_grams) = (Vec::new(), Vec::new());
        wording.grams(title.text, &mut title_grams);
        wording.grams(lead, &mut lead_grams);
        let shingles = Shingles::of(&[title_grams.as_slice(), lead_grams.as_slice()].concat());
        title_grams.sort_unstable();
        title_grams.dedup();
        let weigh =
            |keys: &[u32], weight| keys.iter().map(|key| (*key, weight)).collect::<Vec<_>>();
        let surface = Profile::new([weigh(&title_grams, TITLE), weigh(&lead_grams, LEAD)].concat());

        let mut concepts = Concepts::default();
        for hit in &reading.hits {
            match hit.field {
                Field::Title if title.holds(hit) => {
                    concepts.add(hit, TITLE, title.begins_with(hit), lexicon, wording);
                }
                Field::Summary if hit.sentence <= LEAD_SENTENCES => {
                    concepts.add(hit, LEAD, false, lexicon, wording);
                }
                _ => {}
            }
        }
        for (number, weight) in numbers(title.text)
            .into_iter()
            .map(|it| (it, TITLE))
            .chain(numbers(lead).into_iter().map(|it| (it, LEAD)))
        {
            concepts.add_number(number.beside(at), weight, at);
        }
        concepts.into_features(at, script_of(title.text), surface, shingles, title_grams)
    }
}

/// The part of a headline that carries news.
struct Headline<'a> {
    text: &'a str,
    /// Characters of the folded title before and at the end of it, as hits count them.
    from: usize,
    to: usize,
}

impl<'a> Headline<'a> {
    fn new(words: &'a Words<'_>, reading: &Reading, lexicon: &Lexicon, wording: &Wording) -> Self {
        let folded = &words.folded_title;
        let mut range = wording.core(&folded.text);
        // A name behind a dash that the lexicon knows as more than an agency is no publisher.
        let cut = publisher(words.title).filter(|&cut| {
            !reading.hits.iter().any(|hit| {
                hit.field == Field::Title
                    && hit.start >= cut
                    && lexicon.concept(hit.concept).kind != Kind::Agency
            })
        });
        if let Some(cut) = cut {
            let ends = folded.text[range.clone()]
                .char_indices()
                .map(|(at, _)| range.start + at);
            range.end = ends
                .take_while(|at| folded.original_offset(*at) < cut)
                .last()
                .map_or(range.end, |last| {
                    let width = folded.text[last..].chars().next().map_or(0, char::len_utf8);
                    last + width
                });
        }
        Self {
            text: &folded.text[range.clone()],
            from: folded.text[..range.start].chars().count(),
            to: folded.text[..range.end].chars().count(),
        }
    }

    fn holds(&self, hit: &Hit) -> bool {
        self.from <= hit.at && hit.at < self.to
    }

    /// Whether it is about the hit, or said by it: a quotation mark may come before.
    fn begins_with(&self, hit: &Hit) -> bool {
        hit.at <= self.from + 1
    }
}

fn cut(text: &str, chars: usize) -> &str {
    text.char_indices()
        .nth(chars)
        .map_or(text, |(end, _)| &text[..end])
}

#[derive(Default)]
struct Concepts {
    weighted: Vec<(u32, u32)>,
    distinct: Vec<u32>,
    titled: Vec<u32>,
    facts: Vec<Fact>,
    said: Vec<u32>,
}

impl Concepts {
    fn add(
        &mut self,
        hit: &Hit,
        weight: u32,
        is_voice: bool,
        lexicon: &Lexicon,
        wording: &Wording,
    ) {
        for id in lexicon.closure(hit.concept).iter() {
            let concept = lexicon.concept(id);
            if matches!(concept.kind, Kind::Block | Kind::Agency) {
                continue;
            }
            let key = gram(&format!("concept:{}", concept.id));
            self.weighted.push((key, weight));
            self.said.push(key);
            if is_distinct(concept.kind) {
                self.distinct.push(key);
            }
            if weight == TITLE {
                self.titled.push(key);
                if wording.is_news(&concept.id) {
                    let voice = if is_voice && id == hit.concept {
                        voice_weight(concept.kind)
                    } else {
                        0.0
                    };
                    let worth = fact_weight(concept.kind).max(voice);
                    let kind = match concept.kind {
                        Kind::Place => FactKind::Place,
                        _ => FactKind::Other,
                    };
                    self.fact(key, &concept.gloss, worth, kind);
                }
            }
        }
    }

    fn add_number(&mut self, number: Number, weight: u32, at: Timestamp) {
        let key = gram(&number.key());
        self.said.push(key);
        if let Number::Date(..) = number {
            self.weighted.push((key, weight));
            self.distinct.push(key);
        }
        if weight == TITLE && !number.is_dateline(at) {
            let (weight, kind) = match number {
                Number::Other(_) => (0.3, FactKind::Number),
                Number::Date(..) | Number::Day(_) => (0.7, FactKind::Date),
            };
            self.fact(key, &number.gloss(), weight, kind);
        }
    }

    fn fact(&mut self, key: u32, gloss: &str, weight: f64, kind: FactKind) {
        if weight > 0.0 && !self.facts.iter().any(|it| it.key == key) {
            self.facts.push(Fact {
                key,
                gloss: gloss.to_owned(),
                weight,
                kind,
            });
        }
    }

    fn into_features(
        self,
        at: Timestamp,
        script: Option<Script>,
        surface: Profile,
        shingles: Shingles,
        title_grams: Vec<u32>,
    ) -> Features {
        let set = |mut keys: Vec<u32>| {
            keys.sort_unstable();
            keys.dedup();
            keys
        };
        Features {
            at,
            script,
            surface,
            concepts: Profile::new(self.weighted),
            distinct: set(self.distinct),
            shingles,
            title_grams,
            title_concepts: set(self.titled),
            facts: self.facts,
            said: set(self.said),
        }
    }
}

/// Whether concepts of a kind tell one happening from another.
fn is_distinct(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Act | Kind::Place | Kind::Agreement | Kind::Weapon
    )
}

/// What it is worth that somebody whom the story lacked speaks or acts.
fn voice_weight(kind: Kind) -> f64 {
    match kind {
        Kind::Person => 1.0,
        Kind::Institution => 0.6,
        _ => 0.0,
    }
}

/// What it is worth to hear of a concept for the first time in a story.
fn fact_weight(kind: Kind) -> f64 {
    match kind {
        // Somebody new has spoken or is spoken of.
        Kind::Person => 0.6,
        Kind::Place | Kind::Agreement => 0.5,
        Kind::Act | Kind::Weapon => 0.4,
        Kind::Institution => 0.3,
        Kind::State => 0.2,
        Kind::Agency | Kind::Compound | Kind::Block => 0.0,
    }
}

fn script_of(text: &str) -> Option<Script> {
    let mut counts = [0_usize; 5];
    for script in text.chars().filter_map(Script::of) {
        // Kana marks a Japanese text of any mixture; Han alone is Chinese. A Latin or Cyrillic
        // name between characters is longer than what it stands for.
        counts[script as usize] += match script {
            Script::Kana => 6,
            Script::Hangul | Script::Han => 2,
            Script::Latin | Script::Cyrillic => 1,
        };
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

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    Date(u32, u32),
    /// A day of a month that is not named: "24日".
    Day(u32),
    Other(u32),
}

impl Number {
    fn key(self) -> String {
        match self {
            Self::Date(month, day) => format!("date:{month:02}-{day:02}"),
            Self::Day(day) => format!("day:{day:02}"),
            Self::Other(number) => format!("number:{number}"),
        }
    }

    fn gloss(self) -> String {
        match self {
            Self::Date(month, day) => format!("date {month:02}-{day:02}"),
            Self::Day(day) => format!("day {day}"),
            Self::Other(number) => number.to_string(),
        }
    }

    /// A day of no named month is the one nearest to `at`.
    fn beside(self, at: Timestamp) -> Self {
        let Self::Day(day) = self else { return self };
        let today = at.to_zoned_datetime(TimeZone::UTC).date();
        let months = [-1, 0, 1].map(|it| today.first_of_month() + Span::new().months(it));
        let nearest = months
            .into_iter()
            .filter_map(|it| it.with().day(i8::try_from(day).ok()?).build().ok())
            .min_by_key(|it| (*it - today).get_days().abs());
        nearest.map_or(self, |it| {
            Self::Date(
                it.month().unsigned_abs().into(),
                it.day().unsigned_abs().into(),
            )
        })
    }

    /// Whether it is the day of the report, which every report names; borders of days move with
    /// zones.
    fn is_dateline(self, at: Timestamp) -> bool {
        let Self::Date(month, day) = self else {
            return false;
        };
        let today = at.to_zoned_datetime(TimeZone::UTC).date();
        [-1, 0, 1].iter().any(|days| {
            let date = today + Span::new().days(*days);
            (
                u32::from(date.month().unsigned_abs()),
                u32::from(date.day().unsigned_abs()),
            ) == (month, day)
        })
    }
}

/// Dates (`12 May`, `May 12`, `5월 12일`, `5月12日`) and other numbers of a folded text.
fn numbers(text: &str) -> Vec<Number> {
    let tokens = tokens(text);
    let mut found = Vec::new();
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
                found.push(Number::Date(m, d));
            }
            (None, Some(d)) if is_unit(unit(at + 1), "일日号號") && (1..=31).contains(&d) => {
                found.push(Number::Day(d));
            }
            // Small numbers and years are everywhere.
            (None, Some(n)) if n > 9 && !(1900..2100).contains(&n) => found.push(Number::Other(n)),
            _ => {}
        }
        at += used;
    }
    found
}

/// Whether a folded text told at `at` names a day that is still to come.
pub fn names_a_coming_day(text: &str, at: Timestamp) -> bool {
    let today = at.to_zoned_datetime(TimeZone::UTC).date();
    numbers(text).into_iter().any(|it| {
        let Number::Date(month, day) = it.beside(at) else {
            return false;
        };
        let in_year =
            |year| Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok();
        let years = [today.year(), today.year().saturating_add(1)];
        let mut days = years.into_iter().filter_map(in_year);
        days.any(|it| (0..=AHEAD).contains(&(it - today).get_days()))
    })
}

/// Days ahead for which meetings are set; a day further on is one gone by.
const AHEAD: i32 = 200;

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
    use super::numbers;
    use crate::text::fold::fold;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let keys: Vec<String> = numbers(&fold(text))
            .into_iter()
            .map(super::Number::key)
            .collect();
        assert_eq!(keys, expected, "{text}");
    }

    #[test]
    fn a_bare_day_is_the_nearest_and_that_of_the_report_says_nothing() {
        let at = "2018-05-25T08:00:00Z".parse().expect("time");
        let beside = |day| super::Number::Day(day).beside(at);
        assert_eq!(beside(12), super::Number::Date(5, 12));
        assert_eq!(beside(1), super::Number::Date(6, 1));
        assert_eq!(beside(31), super::Number::Date(5, 31));
        assert!(beside(24).is_dateline(at) && beside(26).is_dateline(at));
        assert!(!beside(12).is_dateline(at));
    }

    #[test]
    fn dates_are_one_fact_in_every_language() {
        check("on 12 May in Singapore", &["date:05-12"]);
        check("on May 12, 2026", &["date:05-12"]);
        check("5월 12일 싱가포르에서", &["date:05-12"]);
        check("5月12日に開催", &["date:05-12"]);
        check("the 13th package of 40 points", &["number:13", "number:40"]);
        check("12日に署名、24일 발표", &["day:12", "day:24"]);
    }
}

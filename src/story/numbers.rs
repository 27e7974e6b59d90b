//! Days and numbers of a headline. A day has a month and a day of the month and no year. Pure.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// A day of the year, as headlines name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day {
    /// 1–12.
    pub month: u8,
    /// 1–31.
    pub day: u8,
}

impl Day {
    /// None where no year has such a day.
    pub fn new(month: u32, day: u32) -> Option<Self> {
        let (month, day) = (u8::try_from(month).ok()?, u8::try_from(day).ok()?);
        // 2024 was a leap year.
        Date::new(2024, month.cast_signed(), day.cast_signed()).ok()?;
        Some(Self { month, day })
    }

    /// `05-12`, as the archive keeps it.
    pub fn of(written: &str) -> Option<Self> {
        let (month, day) = written.split_once('-')?;
        Self::new(month.parse().ok()?, day.parse().ok()?)
    }

    fn of_date(date: Date) -> Self {
        Self {
            month: date.month().unsigned_abs(),
            day: date.day().unsigned_abs(),
        }
    }

    /// Days from the day of `at` to the next such day, in the same or the next year.
    fn days_ahead(self, at: Timestamp) -> Option<i32> {
        let today = today(at);
        let in_year = |year| Date::new(year, self.month.cast_signed(), self.day.cast_signed()).ok();
        let years = [today.year(), today.year().saturating_add(1)];
        let days = years.into_iter().filter_map(in_year);
        days.map(|it| (it - today).get_days()).find(|it| *it >= 0)
    }

    /// The next such day from that of `at` on.
    pub fn next(self, at: Timestamp) -> Option<Date> {
        let ahead = self.days_ahead(at)?;
        today(at).checked_add(Span::new().days(ahead)).ok()
    }

    /// Whether it is still to come at `at`: at most [`AHEAD`] days away.
    pub fn is_coming(self, at: Timestamp) -> bool {
        self.days_ahead(at).is_some_and(|it| it <= AHEAD)
    }

    /// Whether it is the day of the report, which every report names; borders of days move with
    /// zones.
    pub fn is_dateline(self, at: Timestamp) -> bool {
        let today = today(at);
        [-1, 0, 1]
            .iter()
            .any(|days| Self::of_date(today + Span::new().days(*days)) == self)
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}-{:02}", self.month, self.day)
    }
}

/// Days ahead for which meetings are set; a day further on is one gone by.
const AHEAD: i32 = 200;

fn today(at: Timestamp) -> Date {
    at.to_zoned_datetime(TimeZone::UTC).date()
}

/// Days and other numbers of a text, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbers {
    pub days: Vec<Day>,
    /// Above 9; years are left out.
    pub others: Vec<u32>,
}

impl Numbers {
    /// Of a folded text that was written at `at`: a day of no named month is the one nearest to it.
    pub fn of(text: &str, months: &Months, at: Timestamp) -> Self {
        let mut numbers = Self::default();
        for number in read(text, months) {
            let day = match number {
                Number::Other(n) => {
                    if !numbers.others.contains(&n) {
                        numbers.others.push(n);
                    }
                    continue;
                }
                Number::Date(day) => Some(day),
                Number::Day(day) => nearest(day, at),
            };
            numbers
                .days
                .extend(day.filter(|it| !numbers.days.contains(it)));
        }
        numbers
    }

    /// Keys that are the same in every language: `day:05-12`, `number:13`. The day of the report is
    /// left out.
    pub fn keys(&self, at: Timestamp) -> impl Iterator<Item = String> + '_ {
        let days = self.days.iter().filter(move |it| !it.is_dateline(at));
        days.map(|it| format!("day:{it}"))
            .chain(self.others.iter().map(|it| format!("number:{it}")))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    Date(Day),
    /// A day of a month that is not named: "24日".
    Day(u32),
    Other(u32),
}

fn nearest(day: u32, at: Timestamp) -> Option<Day> {
    let today = today(at);
    let months = [-1, 0, 1].map(|it| today.first_of_month() + Span::new().months(it));
    let days = months
        .into_iter()
        .filter_map(|it| it.with().day(i8::try_from(day).ok()?).build().ok());
    days.min_by_key(|it| (*it - today).get_days().abs())
        .map(Day::of_date)
}

/// Names of months: how a folded word begins that names one, with the month's number.
#[derive(Debug, Default)]
pub struct Months(pub Vec<(String, u32)>);

impl Months {
    /// The month that a folded word names. No month's name is longer than 10 letters.
    fn of(&self, word: &str) -> Option<u32> {
        let named = self.0.iter().filter(|it| word.starts_with(it.0.as_str()));
        named
            .max_by_key(|it| it.0.len())
            .filter(|_| word.chars().count() <= 10)
            .map(|it| it.1)
    }
}

/// Dates (`12 May`, `May 12`, `12 de mayo`, `5월 12일`, `5月12日`) and other numbers of a folded text.
fn read(text: &str, months: &Months) -> Vec<Number> {
    let tokens = tokens(text);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let number = |it: usize| tokens.get(it).and_then(|token| token.parse::<u32>().ok());
        let unit = |it: usize| tokens.get(it).copied().unwrap_or_default();
        let month = |it: usize| months.of(unit(it));
        let of = usize::from(matches!(
            unit(at + 1),
            "de" | "st" | "nd" | "rd" | "th" | "er"
        ));
        let (date, used) = match (number(at), number(at + 1), number(at + 2)) {
            (Some(m), _, Some(d))
                if is_unit(unit(at + 1), "월月") && is_unit(unit(at + 3), "일日号號") =>
            {
                (Some((m, d)), 4)
            }
            (Some(d), _, _) if month(at + 1 + of).is_some() => {
                (month(at + 1 + of).map(|m| (m, d)), 2 + of)
            }
            (None, Some(d), _) if month(at).is_some() => (month(at).map(|m| (m, d)), 2),
            _ => (None, 1),
        };
        match (date.and_then(|(m, d)| Day::new(m, d)), number(at)) {
            (Some(day), _) => found.push(Number::Date(day)),
            (None, Some(d)) if is_unit(unit(at + 1), "일日号號") && (1..=31).contains(&d) => {
                found.push(Number::Day(d));
            }
            // Small numbers and years are everywhere.
            (None, Some(n)) if date.is_none() && n > 9 && !(1900..2100).contains(&n) => {
                found.push(Number::Other(n));
            }
            _ => {}
        }
        at += used;
    }
    found
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
    use jiff::Timestamp;

    use super::{Day, Months, Numbers};
    use crate::text::fold::fold;

    fn months() -> Months {
        let names = [
            ("feb", 2),
            ("may", 5),
            ("mar", 3),
            ("mayo", 5),
            ("июн", 6),
            ("märz", 3),
        ];
        Months(names.map(|(name, n)| (name.to_owned(), n)).to_vec())
    }

    fn at() -> Timestamp {
        "2018-04-25T08:00:00Z".parse().expect("time")
    }

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let numbers = Numbers::of(&fold(text), &months(), at());
        assert_eq!(numbers.keys(at()).collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn dates_are_one_fact_in_every_language() {
        check("on 12 May in Singapore", &["day:05-12"]);
        check("on May 12, 2026", &["day:05-12"]);
        check("el 12 de mayo", &["day:05-12"]);
        check("12 июня", &["day:06-12"]);
        check("am 12. März", &["day:03-12"]);
        check("5월 12일 싱가포르에서", &["day:05-12"]);
        check("5月12日に開催", &["day:05-12"]);
        check("the 13th package of 40 points", &["number:13", "number:40"]);
        check("12日に署名", &["day:04-12"]);
        check("on 31 February", &[]);
    }

    #[test]
    fn the_day_of_the_report_says_nothing() {
        check("24日に署名、4월 26일 발표", &[]);
    }

    #[test]
    fn a_day_is_coming_within_two_hundred_days() {
        let coming = |it: &str| Day::of(it).is_some_and(|it| it.is_coming(at()));
        assert!(coming("05-12") && coming("04-25") && !coming("04-20") && !coming("02-12"));
        let late = "2018-12-20T00:00:00Z".parse().expect("time");
        assert!(Day::of("01-12").is_some_and(|it| it.is_coming(late)));
        assert_eq!(Day::of("02-30"), None);
    }
}

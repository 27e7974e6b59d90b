//! Dates as feeds write them, into an instant. A date is read by the kinds of its parts — a month
//! name, a year, a clock time, a zone — since newsrooms order and punctuate them in every way.

mod words;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use crate::item::{Precision, When};
use crate::parse::date::words::{is_filler, month, named_zone, zone_of_script};

/// The instant that `text` names; `zone` where it names no zone. `None` where it cannot be told.
pub fn parse(text: &str, zone: &TimeZone) -> Option<When> {
    let text = text.trim();
    // A year before Christ is what a database writes for nothing.
    if text.is_empty() || text.len() > 100 || text.starts_with('-') {
        return None;
    }
    let when = read(text, zone).or_else(|| read(&without_comment(text)?, zone))?;
    Some(if is_midnight(when.at, zone) {
        let precision = Precision::Day;
        When { precision, ..when }
    } else {
        when
    })
}

fn read(text: &str, zone: &TimeZone) -> Option<When> {
    let exact = text.parse().ok().map(crate::clock::whole_seconds);
    if let Some(at) = exact {
        let precision = if writes_midnight(text) {
            Precision::Day
        } else {
            Precision::Second
        };
        return Some(When { at, precision });
    }
    if let Some(at) = epoch(text) {
        let precision = if at.as_second() % 86_400 == 0 {
            Precision::Day
        } else {
            Precision::Second
        };
        return Some(When { at, precision });
    }
    let mut parts = Parts {
        slashes: text.contains('/'),
        ..Parts::default()
    };
    parts.read(&normalise(era(text).as_deref().unwrap_or(text)), zone)?;
    parts.dotted_clock();
    let told = zone_of_script(text).filter(|_| *zone == TimeZone::UTC);
    Some(When {
        at: parts.instant(told.as_ref().unwrap_or(zone))?,
        precision: match parts.hour_of_day() {
            // Systems that know only the day write its midnight.
            None | Some((0, 0, 0)) => Precision::Day,
            Some(_) => Precision::Second,
        },
    })
}

/// Whether RFC 3339 text gives the midnight of its own zone.
fn writes_midnight(text: &str) -> bool {
    let Some(clock) = text.get(11..) else {
        return false;
    };
    let end = clock.find(['Z', 'z', '+', '-']).unwrap_or(clock.len());
    clock[..end]
        .bytes()
        .all(|it| matches!(it, b'0' | b':' | b'.'))
}

/// Whether an instant is a midnight where the feed is from. Where that is not known (UTC), nothing is said.
fn is_midnight(at: Timestamp, zone: &TimeZone) -> bool {
    *zone != TimeZone::UTC && zone.to_datetime(at).time() == Time::midnight()
}

/// What JavaScript and mail programs add in parentheses: `GMT+0900 (Korean Standard Time)`.
fn without_comment(text: &str) -> Option<String> {
    let (head, rest) = text.split_once('(')?;
    let (comment, tail) = rest.split_once(')')?;
    let is_name = !comment.contains(|c: char| c.is_ascii_digit());
    is_name.then(|| format!("{head} {tail}"))
}

/// For the canonical document: RFC 3339, where one nanosecond marks a day without a time.
pub(super) fn written(when: When) -> String {
    let mark = SignedDuration::from_nanos(match when.precision {
        Precision::Day => 1,
        Precision::Second => 0,
    });
    when.at.checked_add(mark).unwrap_or(when.at).to_string()
}

/// The year of the present and the last Japanese era, as ministries write it: 令和8年, 平成元年.
fn era(text: &str) -> Option<String> {
    let (name, before) = [("令和", 2018), ("平成", 1988)]
        .into_iter()
        .find(|(name, _)| text.contains(name))?;
    let (head, tail) = text.split_once(name)?;
    let (year, tail) = tail.split_once('年')?;
    let year = if year == "元" {
        1
    } else {
        year.trim().parse::<u8>().ok()?
    };
    Some(format!("{head}{}年{tail}", before + i32::from(year)))
}

/// Seconds or milliseconds since 1970.
fn epoch(text: &str) -> Option<Timestamp> {
    let whole = match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|it| it.is_ascii_digit()) => whole,
        _ => text,
    };
    let number: i64 = whole.parse().ok()?;
    match whole.len() {
        9..=10 => Timestamp::from_second(number).ok(),
        13 => Timestamp::from_second(number / 1000).ok(),
        _ => None,
    }
}

/// CJK unit characters become the punctuation of other dates; names become lower case.
fn normalise(text: &str) -> String {
    // The fold turns dashes into spaces, which would hide a negative offset.
    let is_dash = |c: char| matches!(c, '-' | '−' | '\u{2010}'..='\u{2015}');
    let folded: Vec<String> = text.split(is_dash).map(crate::text::fold::fold).collect();
    let mut out = String::with_capacity(text.len() + 8);
    for c in folded.join("-").chars() {
        match c {
            '年' | '년' | '月' | '월' => out.push('-'),
            '日' | '일' => out.push(' '),
            '時' | '时' | '시' | '点' | '點' => out.push(':'),
            '分' | '분' => out.push(':'),
            '秒' | '초' => out.push(' '),
            '(' | ')' | ',' => out.push(' '),
            c => out.push(c),
        }
    }
    out.replace("a.m.", " am ")
        .replace("p.m.", " pm ")
        .replace("午前", " am ")
        .replace("午後", " pm ")
        .replace("오전", " am ")
        .replace("오후", " pm ")
        .replace("上午", " am ")
        .replace("下午", " pm ")
}

#[derive(Default, Debug)]
struct Parts {
    numbers: Vec<(i32, usize)>,
    month: Option<(i8, usize)>,
    time: Option<(i8, i8, i8)>,
    afternoon: Option<bool>,
    offset: Option<i32>,
    slashes: bool,
    /// Whether the clock or a zone was read last: only then a sign begins an offset.
    may_offset: bool,
}

impl Parts {
    fn read(&mut self, text: &str, zone: &TimeZone) -> Option<()> {
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if first.is_ascii_digit() {
                rest = self.digits(rest)?;
            } else if matches!(first, '+' | '-') && self.may_offset && is_offset(rest) {
                rest = self.numeric_offset(rest)?;
            } else if first.is_alphabetic() {
                let len = rest
                    .find(|c: char| !c.is_alphabetic())
                    .unwrap_or(rest.len());
                let (word, tail) = rest.split_at(len);
                self.word(word, zone)?;
                rest = tail;
            } else {
                rest = &rest[first.len_utf8()..];
            }
        }
        Some(())
    }

    fn digits<'a>(&mut self, rest: &'a str) -> Option<&'a str> {
        let len = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (digits, tail) = rest.split_at(len);
        let number = |range: std::ops::Range<usize>| digits[range].parse::<i8>().ok();
        let fresh = self.numbers.is_empty() && self.time.is_none();
        self.may_offset = false;
        match len {
            1 | 2 if tail.starts_with(':') && self.time.is_none() => {
                self.may_offset = true;
                return self.clock(rest);
            }
            // 20261123, 202611231405, 20261123140500
            8 | 12 | 14 if fresh => {
                for range in [0..4, 4..6, 6..8] {
                    let len = range.len();
                    self.numbers.push((digits[range].parse().ok()?, len));
                }
                if len > 8 {
                    let second = if len == 14 { number(12..14)? } else { 0 };
                    self.time = Some((number(8..10)?, number(10..12)?, second));
                    self.may_offset = true;
                }
            }
            // The clock of 20261123T140500+0900.
            6 if self.time.is_none()
                && self.numbers.len() >= 3
                && tail.starts_with(['+', '-', 'z']) =>
            {
                self.time = Some((number(0..2)?, number(2..4)?, number(4..6)?));
                self.may_offset = true;
            }
            ..=4 => self.numbers.push((digits.parse().ok()?, len)),
            _ => return None,
        }
        Some(tail)
    }

    fn clock<'a>(&mut self, rest: &'a str) -> Option<&'a str> {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.')
            .unwrap_or(rest.len());
        let (clock, tail) = rest.split_at(end);
        let mut fields = clock.split(':').filter(|it| !it.is_empty());
        let hour: i8 = fields.next()?.parse().ok()?;
        let minute: i8 = fields.next().map_or(Some(0), |it| it.parse().ok())?;
        let second: i8 = fields.next().map_or(Some(0), |it| {
            it.split('.').next().and_then(|it| it.parse().ok())
        })?;
        self.time = Some((hour, minute, second));
        // `2026年11月23日 14時05分` leaves white space between hour and minute in some feeds.
        let joined = tail.trim_start();
        if clock.ends_with(':')
            && clock.matches(':').count() == 1
            && joined.starts_with(|c: char| c.is_ascii_digit())
        {
            let end = joined
                .find(|c: char| !c.is_ascii_digit() && c != ':')
                .unwrap_or(joined.len());
            let mut more = joined[..end].split(':').filter(|it| !it.is_empty());
            let minute: i8 = more.next()?.parse().ok()?;
            let second: i8 = more.next().map_or(Some(0), |it| it.parse().ok())?;
            self.time = Some((hour, minute, second));
            return Some(&joined[end..]);
        }
        Some(tail)
    }

    fn numeric_offset<'a>(&mut self, rest: &'a str) -> Option<&'a str> {
        let sign = if rest.starts_with('-') { -1 } else { 1 };
        let body = rest[1..].trim_start();
        let end = body
            .find(|c: char| !c.is_ascii_digit() && c != ':')
            .unwrap_or(body.len());
        let digits: String = body[..end].chars().filter(char::is_ascii_digit).collect();
        let (hours, minutes): (i32, i32) = match digits.len() {
            1 | 2 => (digits.parse().ok()?, 0),
            3 => (digits[..1].parse().ok()?, digits[1..].parse().ok()?),
            4 => (digits[..2].parse().ok()?, digits[2..].parse().ok()?),
            _ => return None,
        };
        if hours > 15 || minutes > 59 {
            return None;
        }
        self.offset = Some(sign * (hours * 3600 + minutes * 60));
        Some(&body[end..])
    }

    fn word(&mut self, word: &str, zone: &TimeZone) -> Option<()> {
        if let Some(month) = month(word) {
            self.month = Some((month, self.numbers.len()));
        } else if let Some(offset) = named_zone(word, zone) {
            // What is written in numbers is meant: `-0500 (EST)`.
            self.offset = self.offset.or(Some(offset));
            self.may_offset = true;
        } else if matches!(word, "am" | "a" | "pm" | "p") {
            self.afternoon = Some(word.starts_with('p'));
        } else if !is_filler(word) {
            return None;
        }
        Some(())
    }

    /// `23.11.2026 14.05`: what follows a whole date is a clock.
    fn dotted_clock(&mut self) {
        let date = if self.month.is_some() { 2 } else { 3 };
        if self.time.is_some() || self.numbers.len() < date {
            return;
        }
        let number = |(value, len): &(i32, usize)| i8::try_from(*value).ok().filter(|_| *len == 2);
        let clock: Option<Vec<i8>> = self.numbers[date..].iter().map(number).collect();
        match clock.as_deref() {
            Some([hour, minute]) => self.time = Some((*hour, *minute, 0)),
            Some([hour, minute, second]) => self.time = Some((*hour, *minute, *second)),
            _ => return,
        }
        self.numbers.truncate(date);
    }

    /// The clock time on a dial of 24 hours.
    fn hour_of_day(&self) -> Option<(i8, i8, i8)> {
        let (hour, minute, second) = self.time?;
        let hour = match self.afternoon {
            Some(true) if hour < 12 => hour + 12,
            Some(false) if hour == 12 => 0,
            _ => hour,
        };
        Some((hour, minute, second))
    }

    fn instant(&self, zone: &TimeZone) -> Option<Timestamp> {
        let (hour, minute, second) = self.hour_of_day().unwrap_or_default();
        // 24:00:00 is the midnight that ends the day, 23:59:60 the second after 23:59:59.
        let (hour, next_day) = if hour == 24 && minute == 0 {
            (0, 86_400)
        } else {
            (hour, 0)
        };
        let (second, leap) = if second == 60 { (59, 1) } else { (second, 0) };
        let time = Time::new(hour, minute, second, 0).ok()?;
        let at = DateTime::from_parts(self.date()?, time)
            .checked_add(SignedDuration::from_secs(next_day + leap))
            .ok()?;
        let at = match self.offset {
            Some(offset) => Offset::from_seconds(offset).ok()?.to_timestamp(at).ok()?,
            None => zone.to_timestamp(at).ok()?,
        };
        Some(at)
    }

    fn date(&self) -> Option<Date> {
        let (year, month, day) = match (self.month, self.numbers.as_slice()) {
            // 23 Nov 2026; Nov 23, 2026; 2026 Nov 23
            (Some((month, _)), [(a, a_len), (b, b_len)]) => {
                if *a_len == 4 || *a > 31 {
                    (*a, month, *b)
                } else {
                    (century(*b, *b_len), month, *a)
                }
            }
            (Some(_), _) => return None,
            (None, [(year, 4), (month, _), (day, _)]) => (*year, i8::try_from(*month).ok()?, *day),
            // A day of the year: 2026-327.
            (None, [(year, 4), (day, 3)]) => {
                let first = Date::new(i16::try_from(*year).ok()?, 1, 1).ok()?;
                let date = first.checked_add(jiff::Span::new().days(*day - 1)).ok()?;
                return (*day > 0 && i32::from(date.year()) == *year).then_some(date);
            }
            (None, [(year, 4), (month, _)]) => (*year, i8::try_from(*month).ok()?, 1),
            (None, [(year, 4)]) => (*year, 1, 1),
            // 27 09 2026, and 11/23/2026 where the second part cannot be a month.
            (None, [(a, _), (b, _), (year, 4)]) => {
                // 11/12/2026 is one day in London and another in New York.
                if self.slashes && *a <= 12 && *b <= 12 && a != b {
                    return None;
                }
                let (day, month) = if *b > 12 { (*b, *a) } else { (*a, *b) };
                (*year, i8::try_from(month).ok()?, day)
            }
            _ => return None,
        };
        Date::new(i16::try_from(year).ok()?, month, i8::try_from(day).ok()?).ok()
    }
}

/// An offset follows its sign at once; one or two digits could as well be a day.
fn is_offset(rest: &str) -> bool {
    let body = &rest[1..];
    let len = body
        .find(|c: char| !c.is_ascii_digit() && c != ':')
        .unwrap_or(body.len());
    len > 2 || (len > 0 && !body[len..].contains(char::is_alphanumeric))
}

fn century(year: i32, digits: usize) -> i32 {
    match (digits, year) {
        (2, ..70) => 2000 + year,
        (2, _) => 1900 + year,
        _ => year,
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::parse;
    use crate::clock::rfc3339;
    use crate::item::Precision;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let seoul = TimeZone::get("Asia/Seoul").expect("zone");
        assert_eq!(
            parse(text, &seoul).map(|it| rfc3339(it.at)).as_deref(),
            Some(expected),
            "{text}"
        );
    }

    #[test]
    fn spellings_found_in_the_wild_name_their_instant() {
        check("Mon, 23 Nov 2026 14:05:00 +0900", "2026-11-23T05:05:00Z");
        check("Mon, 23 Nov 2026 14:05:00 -0500", "2026-11-23T19:05:00Z");
        check("Sun,27 Sep 2026 10:00:00 +0900", "2026-09-27T01:00:00Z");
        check("27 09 2026 10:00:00 +0900", "2026-09-27T01:00:00Z");
        check("Sun, 27 Sep  2026 10:00:00 +0900", "2026-09-27T01:00:00Z");
        check("Wed,14-Dec-2022 11:17:59 GMT", "2022-12-14T11:17:59Z");
        check("2026-09-27 19:00:00", "2026-09-27T10:00:00Z");
        check("2026-09-27T19:00:00+09:00", "2026-09-27T10:00:00Z");
        check("2026년 11월 23일 오후 2:05", "2026-11-23T05:05:00Z");
        check("2026年11月23日 14時05分", "2026-11-23T05:05:00Z");
        check("2026年9月27日", "2026-09-26T15:00:00Z");
        check("令和8年9月27日", "2026-09-26T15:00:00Z");
        check("令和元年5月1日 10時00分", "2019-05-01T01:00:00Z");
        check("Sept. 27, 2026, 2:05 p.m.", "2026-09-27T05:05:00Z");
        check("Sept. 27, 2026 9:00 a.m. EDT", "2026-09-27T13:00:00Z");
        check("Пн, 23 ноя 2026 14:05:00 MSK", "2026-11-23T11:05:00Z");
        check("Mon, 23 Nov 2026 24:00:00 GMT", "2026-11-24T00:00:00Z");
        check("Mon, 23 Nov 2026 14:05:00 KST", "2026-11-23T05:05:00Z");
        check("Mon, 23 Nov 26 14:05 EST", "2026-11-23T19:05:00Z");
        check("1763906700", "2025-11-23T14:05:00Z");
        check("November 23, 2026 2:05 PM", "2026-11-23T05:05:00Z");
        check("20261123140500", "2026-11-23T05:05:00Z");
        check("20261123T140500Z", "2026-11-23T14:05:00Z");
        check("2026-11-23 14:05:00 −0500 (EST)", "2026-11-23T19:05:00Z");
        check("14:05 23-11-2026", "2026-11-23T05:05:00Z");
        check("14:05 - 05 Nov 2026", "2026-11-05T05:05:00Z");
        check("23.11.2026 14:05 GMT-3", "2026-11-23T17:05:00Z");
        check("23.11.2026 14.05", "2026-11-23T05:05:00Z");
        check("Mon, 23 Nov 2026 14.05.30 GMT", "2026-11-23T14:05:30Z");
        check("1763906700.5", "2025-11-23T14:05:00Z");
        check("2026-327T14:05Z", "2026-11-23T14:05:00Z");
        check("2026. november 23. 14:05", "2026-11-23T05:05:00Z");
        check("Δευ, 23 Νοε 2026 14:05:00 GMT", "2026-11-23T14:05:00Z");
        check("Mon, 23 Nov 2026 14:05:00 PT", "2026-11-23T22:05:00Z");
    }

    #[test]
    fn a_day_is_told_from_its_midnight() {
        let precision = |text| parse(text, &TimeZone::UTC).map(|it| it.precision);
        for day in [
            "2026-11-23",
            "23 Nov 2026",
            "2026年11月23日",
            "20261123",
            // What is written for a day by systems that know no more.
            "2026-11-23T00:00Z",
            "2026-11-23T00:00:00.000-05:00",
            "23 Nov 2026 00:00:00",
            "Mon, 23 Nov 2026 00:00:00 +0900",
            "Nov 23, 2026 12:00 AM",
            "1764547200",
        ] {
            assert_eq!(precision(day), Some(Precision::Day), "{day}");
        }
        for second in [
            "2026-11-23T00:10Z",
            "23 Nov 2026 00:00:01",
            "Nov 23, 2026 12:00 PM",
            "1763906700",
            // Midnight in Greenwich, and not where it was written.
            "Mon, 23 Nov 2026 09:00:00 +0900",
        ] {
            assert_eq!(precision(second), Some(Precision::Second), "{second}");
        }
        let seoul = TimeZone::get("Asia/Seoul").expect("zone");
        let of_seoul = |text| parse(text, &seoul).map(|it| it.precision);
        assert_eq!(
            of_seoul("Sun, 22 Nov 2026 15:00:00 GMT"),
            Some(Precision::Day)
        );
        assert_eq!(
            of_seoul("Sun, 22 Nov 2026 15:01:00 GMT"),
            Some(Precision::Second)
        );
    }

    #[test]
    fn zones_that_share_a_name_are_those_of_the_feed() {
        let at = |text: &str, zone: &str| {
            let zone = TimeZone::get(zone).expect("zone");
            parse(text, &zone).map(|it| rfc3339(it.at))
        };
        for (zone, name, expected) in [
            ("Asia/Shanghai", "CST", "2026-11-23T06:05:00Z"),
            ("Asia/Taipei", "CST", "2026-11-23T06:05:00Z"),
            ("America/Havana", "CST", "2026-11-23T19:05:00Z"),
            ("UTC", "CST", "2026-11-23T20:05:00Z"),
            ("Asia/Jerusalem", "IST", "2026-11-23T12:05:00Z"),
            ("Europe/Dublin", "IST", "2026-11-23T13:05:00Z"),
            ("UTC", "IST", "2026-11-23T08:35:00Z"),
            ("Asia/Dhaka", "BST", "2026-11-23T08:05:00Z"),
            ("Europe/London", "BST", "2026-11-23T13:05:00Z"),
            ("Asia/Riyadh", "AST", "2026-11-23T11:05:00Z"),
            ("UTC", "AST", "2026-11-23T18:05:00Z"),
            ("Australia/Sydney", "EST", "2026-11-23T04:05:00Z"),
            ("Asia/Seoul", "EST", "2026-11-23T19:05:00Z"),
        ] {
            let said = at(&format!("Mon, 23 Nov 2026 14:05:00 {name}"), zone);
            assert_eq!(said.as_deref(), Some(expected), "{name} in {zone}");
        }
    }

    #[test]
    fn scripts_write_the_zone_twice() {
        check(
            "Mon Nov 23 2026 14:05:00 GMT+0900 (Korean Standard Time)",
            "2026-11-23T05:05:00Z",
        );
        check(
            "Mon Nov 23 2026 14:05:00 GMT-0500 (heure normale de l’Est)",
            "2026-11-23T19:05:00Z",
        );
        check(
            "Mon, 23 Nov 2026 14:05:00 +0900 (한국 표준시)",
            "2026-11-23T05:05:00Z",
        );
        check("Mon, 23 Nov 2026 14:05:00 GMT+0000", "2026-11-23T14:05:00Z");
    }

    #[test]
    fn what_is_no_date_gives_none() {
        for text in [
            "",
            "yesterday",
            "2026-13-45",
            "soon, 23",
            "11/12/2026",
            "-0001-11-30T00:00:00+00:00",
            "0000-00-00 00:00:00",
            "99999999999999999999",
        ] {
            assert_eq!(parse(text, &TimeZone::UTC), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            let _ = parse(&text, &TimeZone::UTC);
        }
    }
}

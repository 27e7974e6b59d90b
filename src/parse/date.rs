//! Dates as feeds write them, into an instant. A date is read by the kinds of its parts — a month
//! name, a year, a clock time, a zone — since newsrooms order and punctuate them in every way.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// The instant that `text` names; `zone` where it names no zone. `None` where it cannot be told.
pub fn parse(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    if text.is_empty() || text.len() > 100 {
        return None;
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(crate::clock::whole_seconds(at));
    }
    if let Some(at) = epoch(text) {
        return Some(at);
    }
    let mut parts = Parts::default();
    parts.read(&normalise(text))?;
    if *zone == TimeZone::UTC
        && let Some(told) = zone_of_script(text)
    {
        return parts.instant(&told);
    }
    parts.instant(zone)
}

/// Where nothing says the zone, the writing says the country: Korean units, Japanese clock
/// words, Chinese otherwise.
fn zone_of_script(text: &str) -> Option<TimeZone> {
    let holds = |marks: &str| text.chars().any(|c| marks.contains(c));
    let name = if holds("년월일시분초오") {
        "Asia/Seoul"
    } else if holds("時") || text.contains("午前") || text.contains("午後") {
        "Asia/Tokyo"
    } else if holds("年月日时点") || text.contains("上午") || text.contains("下午") {
        "Asia/Shanghai"
    } else {
        return None;
    };
    TimeZone::get(name).ok()
}

/// Seconds or milliseconds since 1970.
fn epoch(text: &str) -> Option<Timestamp> {
    let number: i64 = text.parse().ok()?;
    match text.len() {
        9..=10 => Timestamp::from_second(number).ok(),
        13 => Timestamp::from_second(number / 1000).ok(),
        _ => None,
    }
}

/// CJK unit characters become the punctuation of other dates; names become lower case.
fn normalise(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in crate::text::fold::fold(text).chars() {
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
    // The fold turns dashes into spaces, which would hide a negative offset.
    restore_minus(
        text,
        &out.replace("午前", " am ")
            .replace("午後", " pm ")
            .replace("오전", " am ")
            .replace("오후", " pm ")
            .replace("上午", " am ")
            .replace("下午", " pm "),
    )
}

/// `… 10:00:00 -0500` folds to `… 10:00:00 0500`: put the sign back.
fn restore_minus(original: &str, folded: &str) -> String {
    let sign = original
        .char_indices()
        .filter(|(_, c)| matches!(c, '-' | '−' | '\u{2010}'..='\u{2015}'))
        .find(|(at, c)| {
            let before = &original[..*at];
            let after = &original[at + c.len_utf8()..];
            let digits: String = after
                .chars()
                .take_while(|c| c.is_ascii_digit() || *c == ':')
                .collect();
            before.contains(':') && matches!(digits.len(), 4 | 5) && after.len() == digits.len()
                || (before.to_ascii_lowercase().ends_with("gmt")
                    || before.to_ascii_lowercase().ends_with("utc"))
                || (before.contains(':') && matches!(digits.len(), 2) && after.len() == 2)
        })
        .map(|(at, c)| original[at + c.len_utf8()..].to_ascii_lowercase());
    match sign {
        Some(tail) if folded.ends_with(&format!(" {tail}")) => {
            format!("{}-{tail}", &folded[..folded.len() - tail.len() - 1])
        }
        _ => folded.to_owned(),
    }
}

#[derive(Default, Debug)]
struct Parts {
    numbers: Vec<(i32, usize)>,
    month: Option<(i8, usize)>,
    time: Option<(i8, i8, i8)>,
    afternoon: Option<bool>,
    offset: Option<i32>,
}

impl Parts {
    fn read(&mut self, text: &str) -> Option<()> {
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if first.is_ascii_digit() {
                let len = rest
                    .find(|c: char| !c.is_ascii_digit())
                    .unwrap_or(rest.len());
                let (digits, tail) = rest.split_at(len);
                if tail.starts_with(':') && self.time.is_none() && len <= 2 {
                    rest = self.clock(rest)?;
                } else if self.time.is_none() && len == 8 && self.numbers.is_empty() {
                    for range in [0..4, 4..6, 6..8] {
                        self.numbers
                            .push((digits[range.clone()].parse().ok()?, range.len()));
                    }
                    rest = tail;
                } else if tail.starts_with(['+', '-'])
                    && self.time.is_none()
                    && len == 6
                    && self.numbers.len() >= 3
                {
                    self.time = Some((
                        digits[..2].parse().ok()?,
                        digits[2..4].parse().ok()?,
                        digits[4..].parse().ok()?,
                    ));
                    rest = tail;
                } else if len <= 4 {
                    self.numbers.push((digits.parse().ok()?, len));
                    rest = tail;
                } else {
                    return None;
                }
            } else if matches!(first, '+' | '-') && (self.time.is_some() || self.offset.is_some()) {
                rest = self.numeric_offset(rest)?;
            } else if first.is_alphabetic() {
                let len = rest
                    .find(|c: char| !c.is_alphabetic())
                    .unwrap_or(rest.len());
                let (word, tail) = rest.split_at(len);
                self.word(word)?;
                rest = tail;
            } else {
                rest = &rest[first.len_utf8()..];
            }
        }
        Some(())
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

    fn word(&mut self, word: &str) -> Option<()> {
        if let Some(month) = month(word) {
            self.month = Some((month, self.numbers.len()));
        } else if let Some(offset) = named_zone(word) {
            self.offset = Some(offset);
        } else if matches!(word, "am" | "a" | "pm" | "p") {
            self.afternoon = Some(word.starts_with('p'));
        } else if !is_filler(word) {
            return None;
        }
        Some(())
    }

    fn instant(&self, zone: &TimeZone) -> Option<Timestamp> {
        let (hour, minute, second) = self.time.unwrap_or_default();
        let hour = match self.afternoon {
            Some(true) if hour < 12 => hour + 12,
            Some(false) if hour == 12 => 0,
            _ => hour,
        };
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
            (None, [(year, 4), (month, _)]) => (*year, i8::try_from(*month).ok()?, 1),
            (None, [(year, 4)]) => (*year, 1, 1),
            // 27 09 2026, and 11/23/2026 where the second part cannot be a month.
            (None, [(a, _), (b, _), (year, 4)]) => {
                let (day, month) = if *b > 12 { (*b, *a) } else { (*a, *b) };
                (*year, i8::try_from(month).ok()?, day)
            }
            _ => return None,
        };
        Date::new(i16::try_from(year).ok()?, month, i8::try_from(day).ok()?).ok()
    }
}

fn century(year: i32, digits: usize) -> i32 {
    match (digits, year) {
        (2, ..70) => 2000 + year,
        (2, _) => 1900 + year,
        _ => year,
    }
}

fn month(word: &str) -> Option<i8> {
    const MONTHS: [&[&str]; 12] = [
        &["jan", "янв", "ene", "gen", "jän"],
        &["feb", "фев", "fév", "fev"],
        &["mar", "мар", "mär", "mrz"],
        &["apr", "апр", "avr", "abr"],
        &["may", "мая", "май", "mai", "mag"],
        &["jun", "июн", "juin", "giu"],
        &["jul", "июл", "juil", "lug"],
        &["aug", "авг", "aoû", "aou", "ago"],
        &["sep", "сен", "set"],
        &["oct", "окт", "okt", "ott", "out"],
        &["nov", "ноя"],
        &["dec", "дек", "dez", "déc", "dic"],
    ];
    let at = MONTHS
        .iter()
        .position(|names| names.iter().any(|name| word.starts_with(name)))?;
    i8::try_from(at + 1).ok()
}

fn named_zone(word: &str) -> Option<i32> {
    let hours = match word {
        "z" | "gmt" | "ut" | "utc" | "wet" => 0,
        "bst" | "cet" | "met" | "west" => 1,
        "cest" | "eet" | "mest" | "sast" => 2,
        "msk" | "eest" => 3,
        "hkt" | "sgt" | "awst" => 8,
        "kst" | "jst" => 9,
        "aest" => 10,
        "aedt" => 11,
        "edt" => -4,
        "est" | "cdt" => -5,
        "cst" | "mdt" => -6,
        "mst" | "pdt" => -7,
        "pst" => -8,
        "ist" => return Some(5 * 3600 + 1800),
        _ => return None,
    };
    Some(hours * 3600)
}

/// Week days, the ISO `t`, ordinals and small words.
fn is_filler(word: &str) -> bool {
    const DAYS: &[&str] = &[
        "mon", "tue", "wed", "thu", "fri", "sat", "sun", "пн", "вт", "ср", "чт", "пт", "сб", "вс",
        "lun", "mer", "jeu", "ven", "sam", "dim", "die", "mit", "don", "fre", "son", "mié", "jue",
        "vie", "sáb", "dom",
    ];
    matches!(
        word,
        "t" | "st"
            | "nd"
            | "rd"
            | "th"
            | "at"
            | "of"
            | "de"
            | "г"
            | "mo"
            | "di"
            | "mi"
            | "do"
            | "fr"
            | "sa"
            | "so"
            | "w"
    ) || DAYS.iter().any(|day| word.starts_with(day))
        || word
            .chars()
            .all(|c| "월화수목금토일月火水木金土日曜요周星期一二三四五六天".contains(c))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::parse;
    use crate::clock::rfc3339;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let seoul = TimeZone::get("Asia/Seoul").expect("zone");
        assert_eq!(
            parse(text, &seoul).map(rfc3339).as_deref(),
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
        check("Пн, 23 ноя 2026 14:05:00 MSK", "2026-11-23T11:05:00Z");
        check("Mon, 23 Nov 2026 24:00:00 GMT", "2026-11-24T00:00:00Z");
        check("Mon, 23 Nov 2026 14:05:00 KST", "2026-11-23T05:05:00Z");
        check("Mon, 23 Nov 26 14:05 EST", "2026-11-23T19:05:00Z");
        check("1763906700", "2025-11-23T14:05:00Z");
        check("November 23, 2026 2:05 PM", "2026-11-23T05:05:00Z");
    }

    #[test]
    fn what_is_no_date_gives_none() {
        for text in [
            "",
            "yesterday",
            "2026-13-45",
            "soon, 23",
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

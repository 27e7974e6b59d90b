//! Days that headlines name, as an iCalendar (RFC 5545): one event per story and day. Pure.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{Span, Timestamp, tz::TimeZone};

use crate::story::StoryId;
use crate::story::ladder::State;
use crate::text::{cut, printable};

/// A report whose headline names days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub story: StoryId,
    pub topic: String,
    /// Of the story.
    pub title: String,
    pub state: Option<State>,
    pub headline: String,
    pub outlet: String,
    pub url: Option<String>,
    pub at: Timestamp,
    /// Month and day; headlines leave the year out.
    pub days: Vec<(i8, i8)>,
}

/// A day to come, as some report saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub story: StoryId,
    pub topic: String,
    pub title: String,
    pub state: Option<State>,
    pub day: Date,
    /// The first report that names the day, and how many do.
    pub headline: String,
    pub outlet: String,
    pub url: Option<String>,
    pub reports: usize,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

/// Events of `reports`, which come in the order of time.
pub fn events(reports: &[Report]) -> Vec<Event> {
    let mut events: BTreeMap<(Date, i64), Event> = BTreeMap::new();
    for report in reports {
        for &(month, day) in &report.days {
            let Some(day) = day_to_come(month, day, report) else {
                continue;
            };
            let event = events
                .entry((day, report.story.0))
                .or_insert_with(|| Event {
                    story: report.story,
                    topic: report.topic.clone(),
                    title: report.title.clone(),
                    state: report.state,
                    day,
                    headline: report.headline.clone(),
                    outlet: report.outlet.clone(),
                    url: report.url.clone(),
                    reports: 0,
                    first_at: report.at,
                    last_at: report.at,
                });
            event.reports += 1;
            event.last_at = event.last_at.max(report.at);
        }
    }
    events.into_values().collect()
}

/// Months ahead for which plans are made; what is further off is an anniversary of the past.
const AHEAD_MONTHS: i32 = 9;

/// The next such day after the report, unless it is far off or the headline says another year.
fn day_to_come(month: i8, day: i8, report: &Report) -> Option<Date> {
    let today = TimeZone::UTC.to_datetime(report.at).date();
    // East of Greenwich the day may have begun.
    let from = today.yesterday().ok()?;
    let until = today.checked_add(Span::new().months(AHEAD_MONTHS)).ok()?;
    let named = [today.year(), today.year() + 1]
        .into_iter()
        .filter_map(|year| Date::new(year, month, day).ok())
        .find(|it| *it >= from && *it <= until)?;
    let years: Vec<i16> = report
        .headline
        .split(|c: char| !c.is_ascii_digit())
        .filter(|it| it.len() == 4)
        .filter_map(|it| it.parse().ok())
        .filter(|it| (1900..2100).contains(it))
        .collect();
    (years.is_empty() || years.contains(&named.year())).then_some(named)
}

/// The calendar. It has the same bytes while nothing new is known: its stamps are the reports'.
pub fn ics(events: &[Event]) -> String {
    let mut out = String::new();
    for text in [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//summitwatch//dated events//EN",
        "CALSCALE:GREGORIAN",
        "X-WR-CALNAME:summitwatch",
    ] {
        line(&mut out, text);
    }
    for event in events {
        vevent(&mut out, event);
    }
    line(&mut out, "END:VCALENDAR");
    out
}

fn vevent(out: &mut String, event: &Event) {
    let next = event.day.tomorrow().unwrap_or(event.day);
    let (day, next) = (event.day.strftime("%Y%m%d"), next.strftime("%Y%m%d"));
    let reports = match event.reports {
        1 => String::new(),
        n => format!(" and {} more", n - 1),
    };
    let state = event.state.map_or(String::new(), |it| {
        format!("\nthe meeting is {}", it.as_str())
    });
    let description = format!("{}: {}{reports}{state}", event.outlet, event.headline);
    line(out, "BEGIN:VEVENT");
    line(
        out,
        &format!("UID:story-{}-{day}@summitwatch", event.story.0),
    );
    line(out, &format!("DTSTAMP:{}", stamp(event.last_at)));
    line(out, &format!("CREATED:{}", stamp(event.first_at)));
    line(out, &format!("LAST-MODIFIED:{}", stamp(event.last_at)));
    line(out, &format!("DTSTART;VALUE=DATE:{day}"));
    line(out, &format!("DTEND;VALUE=DATE:{next}"));
    line(out, &format!("SUMMARY:{}", text(&event.title)));
    line(out, &format!("DESCRIPTION:{}", text(&description)));
    line(out, &format!("CATEGORIES:{}", text(&event.topic)));
    line(out, &format!("STATUS:{}", status(event.state)));
    line(out, "TRANSP:TRANSPARENT");
    let url = event.url.as_deref().filter(|it| {
        (it.starts_with("https://") || it.starts_with("http://")) && !it.contains(char::is_control)
    });
    if let Some(url) = url {
        line(out, &format!("URL:{url}"));
    }
    line(out, "END:VEVENT");
}

fn status(state: Option<State>) -> &'static str {
    match state {
        Some(State::Cancelled | State::Declined) => "CANCELLED",
        Some(State::Agreed | State::Dated | State::Placed | State::UnderWay | State::Outcome) => {
            "CONFIRMED"
        }
        _ => "TENTATIVE",
    }
}

fn stamp(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn text(value: &str) -> String {
    let lines = value.lines().map(|it| {
        let plain = cut(&printable(it), 500);
        plain
            .replace('\\', "\\\\")
            .replace(';', "\\;")
            .replace(',', "\\,")
    });
    lines.collect::<Vec<_>>().join("\\n")
}

/// Content lines end in CRLF and fold at 75 octets, never inside a character.
fn line(out: &mut String, text: &str) {
    let mut width = 0;
    for c in text.chars() {
        if width + c.len_utf8() > 75 {
            out.push_str("\r\n ");
            width = 1;
        }
        out.push(c);
        width += c.len_utf8();
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::{Event, Report, events, ics};
    use crate::story::StoryId;
    use crate::story::ladder::State;

    fn report(at: &str, headline: &str, days: &[(i8, i8)]) -> Report {
        Report {
            story: StoryId(7),
            topic: "us-dprk-summit".to_owned(),
            title: "북미정상회담, 싱가포르에서; \\ 열린다".to_owned(),
            state: Some(State::Dated),
            headline: headline.to_owned(),
            outlet: "Garam".to_owned(),
            url: Some("https://garam.example/1".to_owned()),
            at: at.parse().expect("an instant"),
            days: days.to_vec(),
        }
    }

    #[track_caller]
    fn check(reports: &[Report], expected: &[(&str, usize)]) {
        let found: Vec<(String, usize)> = events(reports)
            .iter()
            .map(|it: &Event| (it.day.to_string(), it.reports))
            .collect();
        let expected: Vec<(String, usize)> = expected
            .iter()
            .map(|(day, n)| ((*day).to_owned(), *n))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_day_is_the_next_of_its_name() {
        let march = "2026-03-02T00:00:00Z";
        check(
            &[report(march, "on 12 May", &[(5, 12)])],
            &[("2026-05-12", 1)],
        );
        check(
            &[
                report(march, "a", &[(5, 12)]),
                report(march, "b", &[(5, 12), (6, 1)]),
            ],
            &[("2026-05-12", 2), ("2026-06-01", 1)],
        );
        check(
            &[report("2026-12-20T00:00:00Z", "x", &[(1, 5)])],
            &[("2027-01-05", 1)],
        );
        check(
            &[report(march, "yesterday", &[(3, 1)])],
            &[("2026-03-01", 1)],
        );
        check(&[report(march, "since 12 June 2018", &[(6, 12)])], &[]);
        check(
            &[report(march, "on 12 June 2026", &[(6, 12)])],
            &[("2026-06-12", 1)],
        );
        check(&[report(march, "as on 20 February", &[(2, 20)])], &[]);
        check(&[report(march, "on 31 February", &[(2, 31)])], &[]);
    }

    #[test]
    fn a_calendar_is_folded_escaped_and_ends_its_lines_as_the_standard_says() {
        let mut hostile = report("2026-03-02T00:48:00Z", &"길".repeat(9_000), &[(5, 12)]);
        hostile.outlet = "A\u{1b}[31m\r\nEND:VCALENDAR".to_owned();
        hostile.url = Some("javascript:alert(1)".to_owned());
        let calendar = ics(&events(&[hostile]));
        assert!(
            calendar
                .split("\r\n")
                .all(|it| it.len() <= 75 && !it.contains('\n'))
        );
        assert_eq!(calendar.matches("END:VCALENDAR\r\n").count(), 1);
        assert!(!calendar.contains("javascript") && !calendar.contains('\u{1b}'));
        let calendar = ics(&events(&[report(
            "2026-03-02T00:48:00Z",
            "Set for 12 May",
            &[(5, 12)],
        )]));
        insta::assert_snapshot!(calendar.replace("\r\n", "\n"), @r"
        BEGIN:VCALENDAR
        VERSION:2.0
        PRODID:-//summitwatch//dated events//EN
        CALSCALE:GREGORIAN
        X-WR-CALNAME:summitwatch
        BEGIN:VEVENT
        UID:story-7-20260512@summitwatch
        DTSTAMP:20260302T004800Z
        CREATED:20260302T004800Z
        LAST-MODIFIED:20260302T004800Z
        DTSTART;VALUE=DATE:20260512
        DTEND;VALUE=DATE:20260513
        SUMMARY:북미정상회담\, 싱가포르에서\; \\ 열린다
        DESCRIPTION:Garam: Set for 12 May\nthe meeting is dated
        CATEGORIES:us-dprk-summit
        STATUS:CONFIRMED
        TRANSP:TRANSPARENT
        URL:https://garam.example/1
        END:VEVENT
        END:VCALENDAR
        ");
    }
}

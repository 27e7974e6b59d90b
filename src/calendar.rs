//! Days that headlines name, as an iCalendar (RFC 5545): one event per story and day. The day of the meeting
//! stands while it is set; one that was put off or called off is cancelled, with its successor. Pure.

use std::collections::{BTreeMap, HashMap};

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
    /// What happened, in English, where that is known.
    pub summary: Option<String>,
    pub headline: String,
    pub outlet: String,
    pub url: Option<String>,
    pub at: Timestamp,
    /// Month and day; headlines leave the year out.
    pub days: Vec<(i8, i8)>,
}

/// A told development that says where the meeting of its topic stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    pub topic: String,
    pub state: State,
    pub at: Timestamp,
    pub day: Option<Date>,
    /// English.
    pub place: Option<String>,
}

/// A day to come, as some report saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub story: StoryId,
    pub topic: String,
    /// What and where.
    pub title: String,
    /// Of the story.
    pub name: String,
    pub day: Date,
    pub status: Status,
    /// The first report that names the day, and how many do.
    pub headline: String,
    pub outlet: String,
    pub url: Option<String>,
    pub reports: usize,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

/// Whether a day stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Somebody names it.
    Tentative,
    /// The meeting is set to it.
    Confirmed,
    Cancelled,
}

/// Events of `reports` and of the course of the meetings; both come in the order of time.
pub fn events(reports: &[Report], turns: &[Turn]) -> Vec<Event> {
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
                    title: report
                        .summary
                        .clone()
                        .unwrap_or_else(|| report.headline.clone()),
                    name: report.title.clone(),
                    day,
                    status: Status::Tentative,
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
    let mut events: Vec<Event> = events.into_values().collect();
    for ((topic, day), set) in course(turns) {
        let own = events
            .iter_mut()
            .filter(|it| it.topic == topic && it.day == day);
        for event in own {
            event.title = set.title();
            event.status = set.status();
            event.last_at = event.last_at.max(set.at);
        }
    }
    events
}

/// What became of a day to which a meeting was set.
struct Set {
    state: State,
    place: Option<String>,
    at: Timestamp,
    gone: Option<Gone>,
}

/// Why a day stands no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gone {
    CalledOff,
    MovedTo(Date),
}

impl Set {
    fn title(&self) -> String {
        let place = self
            .place
            .as_ref()
            .map_or_else(String::new, |it| format!(" at {it}"));
        let moved = match (self.gone, self.state) {
            (Some(Gone::MovedTo(day)), State::Postponed) => {
                format!("postponed to {}", day.strftime("%-d %B %Y"))
            }
            (Some(Gone::MovedTo(day)), _) => format!("moved to {}", day.strftime("%-d %B %Y")),
            _ => self.state.gloss().to_owned(),
        };
        format!("Meeting{place}: {moved}")
    }

    fn status(&self) -> Status {
        match self.state {
            _ if self.gone.is_some() => Status::Cancelled,
            State::Confirmed
            | State::Agreed
            | State::Dated
            | State::Placed
            | State::UnderWay
            | State::Outcome => Status::Confirmed,
            _ => Status::Tentative,
        }
    }
}

/// The days to which meetings were set, by topic, and what became of each.
fn course(turns: &[Turn]) -> HashMap<(String, Date), Set> {
    let mut days: HashMap<(String, Date), Set> = HashMap::new();
    let mut current: HashMap<&str, (Date, Option<String>)> = HashMap::new();
    for turn in turns {
        let before = current.get(turn.topic.as_str()).cloned();
        let ends = matches!(
            turn.state,
            State::Postponed | State::Cancelled | State::Declined
        );
        if let Some((day, place)) = &before
            && let Some(set) = days.get_mut(&(turn.topic.clone(), *day))
        {
            let moved = turn.day.is_some_and(|it| it != *day) && turn.state > State::Wished;
            if ends || moved {
                let next = turn.day.filter(|it| it != day);
                set.gone = Some(next.map_or(Gone::CalledOff, Gone::MovedTo));
            }
            if ends || !moved {
                set.state = turn.state;
            }
            set.place = turn
                .place
                .clone()
                .filter(|_| !ends && !moved)
                .or_else(|| place.clone());
            set.at = turn.at;
            if !ends && !moved {
                current.insert(&turn.topic, (*day, set.place.clone()));
            }
        }
        if ends {
            current.remove(turn.topic.as_str());
        }
        // "Put off from 12 May" names the day that is gone.
        let named = turn
            .day
            .filter(|it| !ends || before.as_ref().is_some_and(|was| was.0 != *it));
        if let Some(day) = named.filter(|_| turn.state > State::Wished) {
            let place = turn.place.clone().or_else(|| before.and_then(|it| it.1));
            let state = if ends { State::Dated } else { turn.state };
            days.insert(
                (turn.topic.clone(), day),
                Set {
                    state,
                    place: place.clone(),
                    at: turn.at,
                    gone: None,
                },
            );
            current.insert(&turn.topic, (day, place));
        }
    }
    days
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
    let description = format!(
        "{}: {}{reports}\nstory {}: {}",
        event.outlet, event.headline, event.story.0, event.name
    );
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
    line(out, &format!("STATUS:{}", status(event.status)));
    line(out, "TRANSP:TRANSPARENT");
    let url = event.url.as_deref().filter(|it| {
        (it.starts_with("https://") || it.starts_with("http://")) && !it.contains(char::is_control)
    });
    if let Some(url) = url {
        line(out, &format!("URL:{url}"));
    }
    line(out, "END:VEVENT");
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Tentative => "TENTATIVE",
        Status::Confirmed => "CONFIRMED",
        Status::Cancelled => "CANCELLED",
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
    use jiff::civil::date;

    use super::{Event, Report, Status, Turn, events, ics};
    use crate::story::StoryId;
    use crate::story::ladder::State;

    fn report(at: &str, headline: &str, days: &[(i8, i8)]) -> Report {
        Report {
            story: StoryId(7),
            topic: "us-dprk-summit".to_owned(),
            title: "북미정상회담, 싱가포르에서; \\ 열린다".to_owned(),
            summary: None,
            headline: headline.to_owned(),
            outlet: "Garam".to_owned(),
            url: Some("https://garam.example/1".to_owned()),
            at: at.parse().expect("an instant"),
            days: days.to_vec(),
        }
    }

    #[track_caller]
    fn check(reports: &[Report], expected: &[(&str, usize)]) {
        let found: Vec<(String, usize)> = events(reports, &[])
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

    fn turn(state: State, at: &str, day: Option<jiff::civil::Date>) -> Turn {
        Turn {
            topic: "us-dprk-summit".to_owned(),
            state,
            at: at.parse().expect("an instant"),
            day,
            place: (state == State::Dated).then(|| "Panmunjom".to_owned()),
        }
    }

    #[track_caller]
    fn becomes(turns: &[Turn], expected: &[(&str, Status)]) {
        let named = report("2026-03-02T00:00:00Z", "a", &[(5, 12), (6, 9)]);
        let found: Vec<(String, Status)> = events(&[named], turns)
            .into_iter()
            .map(|it| (it.title, it.status))
            .collect();
        let expected: Vec<(String, Status)> =
            expected.iter().map(|it| (it.0.to_owned(), it.1)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_day_stands_only_while_it_is_set() {
        let (may, june) = (date(2026, 5, 12), date(2026, 6, 9));
        let set = turn(State::Dated, "2026-03-02T00:00:00Z", Some(may));
        let day = "2026-03-03T00:00:00Z";
        becomes(
            std::slice::from_ref(&set),
            &[
                ("Meeting at Panmunjom: date set", Status::Confirmed),
                ("a", Status::Tentative),
            ],
        );
        becomes(
            &[set.clone(), turn(State::Postponed, day, Some(june))],
            &[
                (
                    "Meeting at Panmunjom: postponed to 9 June 2026",
                    Status::Cancelled,
                ),
                ("Meeting at Panmunjom: date set", Status::Confirmed),
            ],
        );
        becomes(
            &[set.clone(), turn(State::Dated, day, Some(june))],
            &[
                (
                    "Meeting at Panmunjom: moved to 9 June 2026",
                    Status::Cancelled,
                ),
                ("Meeting at Panmunjom: date set", Status::Confirmed),
            ],
        );
        becomes(
            &[set.clone(), turn(State::Cancelled, day, None)],
            &[
                ("Meeting at Panmunjom: cancelled", Status::Cancelled),
                ("a", Status::Tentative),
            ],
        );
        becomes(
            &[set, turn(State::Doubted, day, None)],
            &[
                ("Meeting at Panmunjom: in doubt", Status::Tentative),
                ("a", Status::Tentative),
            ],
        );
    }

    #[test]
    fn a_calendar_is_folded_escaped_and_ends_its_lines_as_the_standard_says() {
        let mut hostile = report("2026-03-02T00:48:00Z", &"길".repeat(9_000), &[(5, 12)]);
        hostile.outlet = "A\u{1b}[31m\r\nEND:VCALENDAR".to_owned();
        hostile.url = Some("javascript:alert(1)".to_owned());
        let calendar = ics(&events(&[hostile], &[]));
        assert!(
            calendar
                .split("\r\n")
                .all(|it| it.len() <= 75 && !it.contains('\n'))
        );
        assert_eq!(calendar.matches("END:VCALENDAR\r\n").count(), 1);
        assert!(!calendar.contains("javascript") && !calendar.contains('\u{1b}'));
        let set = report("2026-03-02T00:48:00Z", "Set for 12 May", &[(5, 12)]);
        let turn = turn(
            State::Dated,
            "2026-03-02T00:48:00Z",
            Some(date(2026, 5, 12)),
        );
        let calendar = ics(&events(&[set], &[turn]));
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
        SUMMARY:Meeting at Panmunjom: date set
        DESCRIPTION:Garam: Set for 12 May\nstory 7: 북미정상회담\, 싱가포
         르에서\; \\ 열린다
        CATEGORIES:us-dprk-summit
        STATUS:CONFIRMED
        TRANSP:TRANSPARENT
        URL:https://garam.example/1
        END:VEVENT
        END:VCALENDAR
        ");
    }
}

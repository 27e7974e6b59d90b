//! The lines of an alert, which every template of every channel shares: what happened, who has it, where the
//! meeting stands. Pure.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};
use serde::Serialize;

use crate::message::Message;
use crate::story::ladder::State;
use crate::text::printable;
use crate::words;

/// What templates know beside the facts of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lines {
    /// State or kind, for the first line: `PLACE SET`.
    pub label: String,
    /// What happened, with place and day where it does not name them.
    pub what: String,
    /// The headline where it is in another language than English.
    pub original: Option<String>,
    /// Who has reported this development.
    pub who: Option<String>,
    /// Where the meeting stands: state, place, day, by whose word, and what it was before.
    pub meeting: Option<String>,
    /// Where the dashboard tells more, if its readers can reach it.
    pub details: Option<String>,
}

/// Sources that are named; of more the number is said.
const NAMED: usize = 5;

impl Lines {
    /// As a reader in `zone` reads them.
    pub fn of(message: &Message, zone: &TimeZone) -> Self {
        let at = message.created_at.parse().unwrap_or(Timestamp::UNIX_EPOCH);
        let today = at.to_zoned_datetime(zone.clone()).date();
        let is_news = message.development.id != 0;
        let said = &message.development.summary;
        let what = if said.is_empty() {
            &message.headline
        } else {
            said
        };
        let foreign = message
            .item
            .language
            .as_deref()
            .is_some_and(|it| it != "en");
        Self {
            label: label(message),
            what: format!("{}{}", printable(what), tail(message, what, today)),
            original: (foreign && what != &message.headline).then(|| message.headline.clone()),
            who: is_news.then(|| who(message)),
            meeting: is_news.then(|| meeting(message, today)).flatten(),
            details: None,
        }
    }

    /// With a link into the dashboard at `root`, an address that ends with a slash.
    #[must_use]
    pub fn linked(mut self, message: &Message, root: Option<&str>) -> Self {
        let development = message.development.id;
        self.details = root.map(|root| match (message.kind.as_str(), development) {
            ("feed-health", _) => format!("{root}feeds"),
            ("channel-health", _) => format!("{root}outbox"),
            (_, 0) => root.to_owned(),
            _ => format!(
                "{root}stories/{}#development-{development}",
                message.story.id
            ),
        });
        self
    }
}

fn label(message: &Message) -> String {
    let state = message
        .story
        .state
        .as_deref()
        .filter(|_| message.kind == "state");
    let word = match state {
        Some(state) => message
            .story
            .state_word
            .as_deref()
            .unwrap_or(words::state(state)),
        None => words::kind(&message.kind),
    };
    word.to_uppercase()
}

/// " · Panmunjom, 12 May, in 9 days", of what `what` does not say itself.
fn tail(message: &Message, what: &str, today: Date) -> String {
    let place = message.development.r#where.as_deref();
    let place = place.filter(|it| !it.split(" or ").any(|one| what.contains(one)));
    // Put off from 12 May, or to it? The headline says.
    let state = message.development.state.as_deref().and_then(State::of);
    let date = message
        .development
        .when
        .as_deref()
        .filter(|_| !state.is_some_and(State::is_down))
        .and_then(|it| it.parse().ok());
    let day = date.map(|it: Date| {
        let names = [
            it.strftime("%-d %B"),
            it.strftime("%B %-d"),
            it.strftime("%-d %b"),
            it.strftime("%b %-d"),
        ];
        let is_named = names
            .into_iter()
            .any(|name| what.contains(&name.to_string()));
        if is_named {
            ahead(it, today)
        } else {
            Some(day(it, today))
        }
    });
    let parts: Vec<String> = place
        .map(str::to_owned)
        .into_iter()
        .chain(day.flatten())
        .collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!(" · {}", parts.join(", "))
    }
}

/// `12 May, in 9 days`; with the year where it is another.
pub fn day(date: Date, today: Date) -> String {
    let form = if date.year() == today.year() {
        "%-d %b"
    } else {
        "%-d %b %Y"
    };
    let name = date.strftime(form).to_string();
    match ahead(date, today) {
        Some(ahead) => format!("{name}, {ahead}"),
        None => name,
    }
}

/// `in 9 days`; none of a day gone by.
fn ahead(date: Date, today: Date) -> Option<String> {
    let days = today.until((Unit::Day, date)).ok()?.get_days();
    match days {
        0 => Some("today".to_owned()),
        1 => Some("tomorrow".to_owned()),
        2.. => Some(format!("in {days} days")),
        _ => None,
    }
}

/// Who has reported this development: "only Yonhap so far, citing unnamed sources".
fn who(message: &Message) -> String {
    let outlet = &message.item.outlet;
    let hearsay = message.development.hearsay;
    let mut who = match message.sources.as_slice() {
        [] => format!("only {outlet} so far"),
        [one] if one == outlet => format!("only {one} so far"),
        [one] => format!("only {outlet} so far, citing {one}"),
        many => {
            let named = many[..many.len().min(NAMED)].join(", ");
            match many.len().saturating_sub(NAMED) {
                0 => format!("{} sources: {named}", many.len()),
                more => format!("{} sources: {named} and {more} more", many.len()),
            }
        }
    };
    if hearsay {
        let names_one = message.sources.len() == 1 && message.sources[0] != *outlet;
        who.push_str(if names_one {
            ", from unnamed sources"
        } else {
            ", citing unnamed sources"
        });
    }
    if let Some(first) = message.first.as_ref().filter(|it| it.outlet != *outlet) {
        let span = crate::message::templates::span(std::time::Duration::from_secs(first.lag_secs));
        who.push_str(&format!("; {} had it {span} before", first.outlet));
    }
    who
}

/// "place set: Panmunjom, 12 May, in 9 days (by the word of the White House); until now: date set".
fn meeting(message: &Message, today: Date) -> Option<String> {
    let story = &message.story;
    let state = story.state.as_deref()?;
    let state = story.state_word.as_deref().unwrap_or(words::state(state));
    let date = story.day.as_deref().and_then(|it| it.parse().ok());
    let set: Vec<String> = story
        .place
        .clone()
        .into_iter()
        .chain(date.map(|it| day(it, today)))
        .collect();
    let mut meeting = state.to_owned();
    if !set.is_empty() {
        meeting.push_str(&format!(": {}", set.join(", ")));
    }
    if let Some(said_by) = &story.said_by {
        meeting.push_str(&format!(", says {said_by}"));
    }
    // Why a change of state is told says what it was.
    let was = story
        .was
        .as_deref()
        .filter(|it| Some(*it) != story.state.as_deref());
    if let Some(was) = was.filter(|_| message.kind != "state") {
        let was = story.was_word.as_deref().unwrap_or(words::state(was));
        meeting.push_str(&format!("; until now: {was}"));
    }
    Some(meeting)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::Lines;
    use crate::message::Message;

    fn sample() -> Message {
        let [message, _] = Message::samples();
        message
    }

    fn lines(message: &Message) -> Lines {
        Lines::of(message, &TimeZone::UTC)
    }

    #[test]
    fn the_first_line_says_state_what_where_and_when() {
        let lines = lines(&sample());
        assert_eq!(lines.label, "PLACE SET");
        assert_eq!(
            lines.what,
            "The White House sets a place for the meeting · Panmunjom, 12 May, in 71 days"
        );
    }

    #[test]
    fn what_the_headline_names_is_not_said_twice() {
        let mut message = sample();
        message.development.summary = "White House: Panmunjom on 12 May".to_owned();
        assert_eq!(
            lines(&message).what,
            "White House: Panmunjom on 12 May · in 71 days"
        );
        message.development.when = Some("2026-03-03".to_owned());
        assert_eq!(
            lines(&message).what,
            "White House: Panmunjom on 12 May · 3 Mar, tomorrow"
        );
    }

    #[test]
    fn a_day_that_may_be_gone_is_not_said_to_come() {
        let mut message = sample();
        message.development.state = Some("postponed".to_owned());
        message.development.summary = "North Korea puts off the meeting".to_owned();
        message.development.r#where = None;
        assert_eq!(lines(&message).what, "North Korea puts off the meeting");
    }

    #[track_caller]
    fn who(outlet: &str, sources: &[&str], hearsay: bool, expected: &str) {
        let mut message = sample();
        message.first = None;
        message.item.outlet = outlet.to_owned();
        message.sources = sources.iter().map(|&it| it.to_owned()).collect();
        message.development.hearsay = hearsay;
        assert_eq!(lines(&message).who.as_deref(), Some(expected));
    }

    #[test]
    fn one_outlet_is_one_outlet() {
        who("Wire", &["Wire"], false, "only Wire so far");
        who(
            "Wire",
            &["Wire"],
            true,
            "only Wire so far, citing unnamed sources",
        );
        who("Wire", &["KCNA"], false, "only Wire so far, citing KCNA");
        who("Wire", &["Wire", "Daily"], false, "2 sources: Wire, Daily");
        let many = ["A", "B", "C", "D", "E", "F", "G"];
        who("A", &many, false, "7 sources: A, B, C, D, E and 2 more");
    }

    #[test]
    fn the_meeting_is_told_with_day_place_voice_and_what_it_was() {
        let mut message = sample();
        let expected = "place set: Panmunjom, 12 May, in 71 days, says the White House";
        assert_eq!(lines(&message).meeting.as_deref(), Some(expected));
        message.kind = "fact".to_owned();
        let expected = format!("{expected}; until now: date set");
        assert_eq!(lines(&message).meeting, Some(expected));
        message.story.state = None;
        assert_eq!(lines(&message).meeting, None);
    }
}

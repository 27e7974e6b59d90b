//! To whom an alert goes, and when: filters, quiet hours, expiry, escalation. Pure.

use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::story::DevelopmentKind;
use crate::story::ladder::State;

/// Alerts of a topic that pass the filter go to the channels.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Route {
    pub filter: Filter,
    pub channels: Vec<String>,
    pub quiet: Option<Quiet>,
    /// An alert that was not delivered so long after it was due goes into the next digest.
    pub expires: Option<Duration>,
    pub escalate: Option<Escalate>,
}

/// What passes; an empty list lets everything pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    pub kinds: Vec<DevelopmentKind>,
    /// Where the story's meeting stands.
    pub states: Vec<State>,
    /// From this one on.
    pub severity: Severity,
    pub languages: Vec<String>,
    pub outlets: Vec<String>,
}

/// How much a development matters, judged by its kind and by where the meeting stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Severity {
    #[default]
    Low,
    Normal,
    High,
    Urgent,
}

/// Hours of a day in which a route sends nothing but what wakes.
#[derive(Debug, Clone, PartialEq)]
pub struct Quiet {
    pub from: Time,
    /// Before `from` where they span midnight.
    pub to: Time,
    pub zone: TimeZone,
    pub except: Vec<Waking>,
}

/// What is sent in quiet hours too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waking {
    Kind(DevelopmentKind),
    /// A change to this state.
    State(State),
    /// From this one on.
    Severity(Severity),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalate {
    pub after: Duration,
    pub to: Vec<String>,
    pub unless: Unless,
}

/// What makes an escalation needless. A reader's word always does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unless {
    #[default]
    Acknowledged,
    Delivered,
}

/// What routes ask of an alert.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub kind: DevelopmentKind,
    pub state: Option<State>,
    pub language: Option<&'a str>,
    pub outlet: &'a str,
}

/// What becomes of an alert.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dispatch {
    /// A channel once, however many routes lead to it.
    pub owed: Vec<Owed>,
    pub raises: Vec<Raise>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    pub channel: String,
    pub due: Timestamp,
    /// Quiet hours hold it until it is due.
    pub quiet: bool,
    pub expires_at: Option<Timestamp>,
}

/// An escalation that waits for its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raise {
    pub due: Timestamp,
    pub from: Vec<String>,
    pub to: Vec<String>,
    pub unless: Unless,
}

impl Severity {
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Low, "low"),
        (Self::Normal, "normal"),
        (Self::High, "high"),
        (Self::Urgent, "urgent"),
    ];

    /// A meeting that is set, held or called off is urgent; other news of where it stands, and
    /// corrections, are high.
    pub fn of(kind: DevelopmentKind, state: Option<State>) -> Self {
        match kind {
            DevelopmentKind::State => match state {
                Some(
                    State::Agreed
                    | State::Dated
                    | State::Placed
                    | State::UnderWay
                    | State::Outcome
                    | State::Revived
                    | State::Postponed
                    | State::Cancelled,
                ) => Self::Urgent,
                _ => Self::High,
            },
            DevelopmentKind::Correction | DevelopmentKind::Official => Self::High,
            DevelopmentKind::Opens => Self::Normal,
            DevelopmentKind::Fact => Self::Low,
        }
    }

    /// As configuration spells it.
    pub fn as_str(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    pub fn named(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|it| it.1 == name);
        found.map(|it| it.0)
    }
}

impl Route {
    /// Its channels and those it escalates to.
    pub fn leads_to(&self) -> impl Iterator<Item = &String> {
        let further = self.escalate.iter().flat_map(|it| &it.to);
        self.channels.iter().chain(further)
    }

    /// Its conditions, for people; none where it has none.
    pub fn describe(&self) -> Option<String> {
        let mut words = Vec::new();
        let filter = &self.filter;
        let kinds: Vec<&str> = filter.kinds.iter().map(|it| it.as_str()).collect();
        let states: Vec<&str> = filter.states.iter().map(|it| it.as_str()).collect();
        let lists = [
            ("kind", kinds.join(", ")),
            ("state", states.join(", ")),
            ("language", filter.languages.join(", ")),
            ("outlet", filter.outlets.join(", ")),
        ];
        for (what, list) in lists.into_iter().filter(|it| !it.1.is_empty()) {
            words.push(format!("{what} {list}"));
        }
        if filter.severity > Severity::Low {
            words.push(format!("severity {} or more", filter.severity.as_str()));
        }
        if let Some(quiet) = &self.quiet {
            let zone = quiet.zone.iana_name().unwrap_or("local time");
            let hour = |time: Time| time.strftime("%H:%M").to_string();
            words.push(format!(
                "quiet {}–{} {zone}",
                hour(quiet.from),
                hour(quiet.to)
            ));
        }
        if let Some(expires) = self.expires {
            words.push(format!("expires after {} min", expires.as_secs() / 60));
        }
        if let Some(escalate) = &self.escalate {
            words.push(format!(
                "after {} min unless {} also {}",
                escalate.after.as_secs() / 60,
                escalate.unless.as_str(),
                escalate.to.join(", ")
            ));
        }
        (!words.is_empty()).then(|| words.join("; "))
    }
}

impl Unless {
    /// As configuration and the archive spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Delivered => "delivered",
        }
    }
}

impl Subject<'_> {
    fn severity(&self) -> Severity {
        Severity::of(self.kind, self.state)
    }
}

impl Filter {
    pub fn passes(&self, subject: &Subject<'_>) -> bool {
        let among = |list: &[String], it: Option<&str>| {
            list.is_empty()
                || it.is_some_and(|it| list.iter().any(|one| one.eq_ignore_ascii_case(it)))
        };
        (self.kinds.is_empty() || self.kinds.contains(&subject.kind))
            && (self.states.is_empty() || subject.state.is_some_and(|it| self.states.contains(&it)))
            && subject.severity() >= self.severity
            && among(&self.languages, subject.language)
            && among(&self.outlets, Some(subject.outlet))
    }
}

impl Waking {
    fn wakes(self, subject: &Subject<'_>) -> bool {
        match self {
            Self::Kind(kind) => subject.kind == kind,
            Self::State(state) => {
                subject.kind == DevelopmentKind::State && subject.state == Some(state)
            }
            Self::Severity(severity) => subject.severity() >= severity,
        }
    }
}

impl Quiet {
    /// When the quiet hours end in which `at` falls.
    pub fn end(&self, at: Timestamp) -> Option<Timestamp> {
        let local = at.to_zoned_datetime(self.zone.clone()).datetime();
        let time = local.time();
        let quiet = if self.from < self.to {
            self.from <= time && time < self.to
        } else {
            self.from <= time || time < self.to
        };
        if !quiet {
            return None;
        }
        let day = if time < self.to {
            local.date()
        } else {
            local.date().tomorrow().ok()?
        };
        let end = day
            .to_datetime(self.to)
            .to_zoned_datetime(self.zone.clone())
            .ok()?;
        // An hour that a clock repeats may lie after the end.
        Some(end.timestamp()).filter(|end| *end > at)
    }
}

/// Where an alert goes that is due at `due`.
pub fn dispatch(routes: &[Route], subject: &Subject<'_>, due: Timestamp) -> Dispatch {
    let mut dispatch = Dispatch::default();
    for route in routes.iter().filter(|it| it.filter.passes(subject)) {
        let quiet = route
            .quiet
            .as_ref()
            .filter(|quiet| !quiet.except.iter().any(|it| it.wakes(subject)))
            .and_then(|quiet| quiet.end(due));
        let at = quiet.unwrap_or(due);
        for channel in &route.channels {
            let owed = Owed {
                channel: channel.clone(),
                due: at,
                quiet: quiet.is_some(),
                // What quiet hours held is told of as one message, which is never stale.
                expires_at: route
                    .expires
                    .filter(|_| quiet.is_none())
                    .and_then(|it| later(due, it)),
            };
            match dispatch.owed.iter_mut().find(|it| it.channel == *channel) {
                // Whichever route lets it through first.
                Some(other) if other.due <= owed.due => {}
                Some(other) => *other = owed,
                None => dispatch.owed.push(owed),
            }
        }
        if let Some(escalate) = &route.escalate
            && let Some(due) = later(at, escalate.after)
        {
            dispatch.raises.push(Raise {
                due,
                from: route.channels.clone(),
                to: escalate.to.clone(),
                unless: escalate.unless,
            });
        }
    }
    dispatch
}

fn later(at: Timestamp, span: Duration) -> Option<Timestamp> {
    at.checked_add(SignedDuration::try_from(span).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANCELLED: Subject<'_> = Subject {
        kind: DevelopmentKind::State,
        state: Some(State::Cancelled),
        language: Some("ko"),
        outlet: "Yonhap",
    };
    const FACT: Subject<'_> = Subject {
        kind: DevelopmentKind::Fact,
        ..CANCELLED
    };

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn seoul() -> Quiet {
        Quiet {
            from: jiff::civil::time(23, 0, 0, 0),
            to: jiff::civil::time(7, 0, 0, 0),
            zone: TimeZone::get("Asia/Seoul").expect("a zone"),
            except: vec![
                Waking::State(State::Cancelled),
                Waking::Kind(DevelopmentKind::Correction),
            ],
        }
    }

    fn to(channel: &str) -> Route {
        Route {
            channels: vec![channel.to_owned()],
            ..Route::default()
        }
    }

    #[track_caller]
    fn check_quiet(quiet: &Quiet, now: &str, end: Option<&str>) {
        assert_eq!(quiet.end(at(now)), end.map(at), "{now}");
    }

    #[test]
    fn quiet_hours_are_the_zones_own_and_span_midnight() {
        check_quiet(&seoul(), "2026-03-02T13:59:59Z", None);
        check_quiet(
            &seoul(),
            "2026-03-02T14:00:00Z",
            Some("2026-03-02T22:00:00Z"),
        );
        check_quiet(
            &seoul(),
            "2026-03-02T21:59:59Z",
            Some("2026-03-02T22:00:00Z"),
        );
        check_quiet(&seoul(), "2026-03-02T22:00:00Z", None);
    }

    #[test]
    fn quiet_hours_end_by_the_clock_on_the_wall_when_it_is_moved() {
        let london = Quiet {
            zone: TimeZone::get("Europe/London").expect("a zone"),
            ..seoul()
        };
        check_quiet(
            &london,
            "2026-03-28T23:30:00Z",
            Some("2026-03-29T06:00:00Z"),
        );
        check_quiet(
            &london,
            "2026-10-24T22:30:00Z",
            Some("2026-10-25T07:00:00Z"),
        );
        // An end that the clock skips comes when it has skipped it.
        let to = jiff::civil::time(1, 30, 0, 0);
        let skipped = Quiet { to, ..london };
        check_quiet(
            &skipped,
            "2026-03-29T00:30:00Z",
            Some("2026-03-29T01:30:00Z"),
        );
    }

    #[test]
    fn a_cancellation_wakes_and_a_fact_about_it_does_not() {
        let mut route = to("phone");
        route.quiet = Some(seoul());
        let night = at("2026-03-02T15:00:00Z");
        let woken = dispatch(std::slice::from_ref(&route), &CANCELLED, night);
        assert_eq!((woken.owed[0].due, woken.owed[0].quiet), (night, false));
        let held = dispatch(&[route], &FACT, night);
        assert_eq!(
            (held.owed[0].due, held.owed[0].quiet),
            (at("2026-03-02T22:00:00Z"), true)
        );
    }

    #[test]
    fn a_channel_that_two_routes_lead_to_is_told_once_by_the_sooner() {
        let mut quiet = to("phone");
        quiet.quiet = Some(seoul());
        let night = at("2026-03-02T15:00:00Z");
        let owed = dispatch(&[quiet, to("phone"), to("desk")], &FACT, night).owed;
        let told: Vec<(&str, Timestamp)> = owed
            .iter()
            .map(|it| (it.channel.as_str(), it.due))
            .collect();
        assert_eq!(told, [("phone", night), ("desk", night)]);
    }

    #[track_caller]
    fn check_filter(filter: &Filter, subject: &Subject<'_>, passes: bool) {
        assert_eq!(filter.passes(subject), passes, "{filter:?}");
    }

    #[test]
    fn filters_ask_for_kind_state_severity_language_and_outlet() {
        check_filter(&Filter::default(), &FACT, true);
        let kinds = vec![DevelopmentKind::State];
        check_filter(
            &Filter {
                kinds,
                ..Filter::default()
            },
            &FACT,
            false,
        );
        let severity = Severity::Urgent;
        check_filter(
            &Filter {
                severity,
                ..Filter::default()
            },
            &CANCELLED,
            true,
        );
        check_filter(
            &Filter {
                severity,
                ..Filter::default()
            },
            &FACT,
            false,
        );
        let outlets = vec!["yonhap".to_owned()];
        check_filter(
            &Filter {
                outlets,
                ..Filter::default()
            },
            &FACT,
            true,
        );
        let languages = vec!["en".to_owned()];
        check_filter(
            &Filter {
                languages,
                ..Filter::default()
            },
            &FACT,
            false,
        );
        let states = vec![State::Cancelled];
        let stateless = Subject {
            state: None,
            ..FACT
        };
        check_filter(
            &Filter {
                states: states.clone(),
                ..Filter::default()
            },
            &FACT,
            true,
        );
        check_filter(
            &Filter {
                states,
                ..Filter::default()
            },
            &stateless,
            false,
        );
    }

    #[test]
    fn escalation_counts_from_when_its_route_may_speak() {
        let mut route = to("desk");
        route.quiet = Some(seoul());
        route.escalate = Some(Escalate {
            after: Duration::from_secs(900),
            to: vec!["phone".to_owned()],
            unless: Unless::Acknowledged,
        });
        let raises = dispatch(&[route], &FACT, at("2026-03-02T15:00:00Z")).raises;
        assert_eq!(raises[0].due, at("2026-03-02T22:15:00Z"));
    }
}

//! Topics, routes and digests as they are written → as they are kept: names checked, hours and cron
//! expressions read.

use std::fmt::Display;
use std::path::Path;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use toml::Spanned;

use crate::alert;
use crate::config::channels::ChannelConfig;
use crate::config::fault::{Fault, Faults, Text};
use crate::config::file::{self, File, Span};
use crate::config::{RouteConfig, TopicRef, known_channels, known_topics, shipped, unknown};
use crate::digest::schedule::Schedule;
use crate::digest::{Empty, Plan};
use crate::outbox::{Pace, Rate};
use crate::route::{Escalate, Filter, Quiet, Route, Severity, Unless, Waking};
use crate::story::DevelopmentKind;
use crate::story::ladder::State;

/// What is at hand when a table is read.
pub(super) struct Reader<'a, 'b> {
    pub(super) source: &'a Text<'b>,
    pub(super) channels: &'a [ChannelConfig],
    /// In which people read times, unless a table names another.
    pub(super) zone: &'a TimeZone,
    pub(super) faults: &'a mut Faults,
}

impl Reader<'_, '_> {
    /// `expires` is the topic's.
    pub(super) fn route(&mut self, written: &file::Route, expires: Option<Span>) -> Route {
        Route {
            filter: Filter {
                kinds: self.each(
                    "kind",
                    &written.kind,
                    DevelopmentKind::of,
                    &DevelopmentKind::ALL.map(DevelopmentKind::as_str),
                ),
                states: self.each("state", &written.state, State::of, &State::NAMES),
                severity: self.severity(written.severity.as_ref()),
                languages: written.language.clone(),
                outlets: written.outlet.clone(),
            },
            channels: self.known(&written.channels),
            quiet: written.quiet.as_ref().and_then(|it| self.quiet(it)),
            expires: written.expires.or(expires).map(|it| it.0),
            escalate: written.escalate.as_ref().map(|it| Escalate {
                after: it.after.0,
                to: self.known(&it.to),
                unless: match it.unless {
                    file::Unless::Acknowledged => Unless::Acknowledged,
                    file::Unless::Delivered => Unless::Delivered,
                },
            }),
        }
    }

    fn known(&mut self, named: &[Spanned<String>]) -> Vec<String> {
        known_channels(named, self.source, self.channels, self.faults)
    }

    /// What `read` makes of each name; those it does not know are faults.
    fn each<T>(
        &mut self,
        key: &str,
        named: &[Spanned<String>],
        read: impl Fn(&str) -> Option<T>,
        known: &[&str],
    ) -> Vec<T> {
        let mut found = Vec::new();
        for name in named {
            match read(name.get_ref()) {
                Some(it) => found.push(it),
                None => self.fault(name, unknown(key, name.get_ref(), known)),
            }
        }
        found
    }

    fn severity(&mut self, named: Option<&Spanned<String>>) -> Severity {
        let known = Severity::ALL.map(|it| it.1);
        let named = named.map(std::slice::from_ref).unwrap_or_default();
        let found = self.each("severity", named, Severity::named, &known);
        found.first().copied().unwrap_or_default()
    }

    fn quiet(&mut self, written: &file::Quiet) -> Option<Quiet> {
        let from = self.hour("from", &written.from);
        let to = self.hour("to", &written.to);
        let zone = self.zone(written.zone.as_ref());
        let except = self.waking(&written.except);
        let (from, to) = (from?, to?);
        if from == to {
            self.fault(
                &written.to,
                "quiet: from and to are the same; name two hours",
            );
            return None;
        }
        Some(Quiet {
            from,
            to,
            zone,
            except,
        })
    }

    fn hour(&mut self, key: &str, written: &Spanned<String>) -> Option<Time> {
        let text = written.get_ref();
        let time = Time::strptime("%H:%M", text).ok();
        if time.is_none() {
            let message =
                format!("quiet: {key}: \"{text}\" is no time of day; write it like \"23:00\"");
            self.fault(written, message);
        }
        time
    }

    fn zone(&mut self, written: Option<&Spanned<String>>) -> TimeZone {
        match written {
            None => self.zone.clone(),
            Some(_) => super::zone(written, self.source, self.faults),
        }
    }

    /// `correction`, `state:cancelled`, `severity:urgent`.
    fn waking(&mut self, named: &[Spanned<String>]) -> Vec<Waking> {
        let read = |name: &str| match name.split_once(':') {
            Some(("state", state)) => State::of(state).map(Waking::State),
            Some(("severity", severity)) => Severity::named(severity).map(Waking::Severity),
            Some(_) => None,
            None => DevelopmentKind::of(name).map(Waking::Kind),
        };
        let kinds = DevelopmentKind::ALL.map(|it| it.as_str().to_owned());
        let states = State::NAMES.map(|it| format!("state:{it}"));
        let severities = Severity::ALL.map(|it| format!("severity:{}", it.1));
        let known: Vec<String> = kinds.into_iter().chain(states).chain(severities).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        self.each("exception", named, read, &known)
    }

    pub(super) fn digests(&mut self, written: &[file::Digest], topics: &[&str]) -> Vec<Plan> {
        let mut plans: Vec<Plan> = Vec::new();
        for digest in written {
            let name = digest.name.get_ref();
            if plans.iter().any(|it| it.name == *name) {
                self.fault(&digest.name, format!("digest \"{name}\" is defined twice"));
            }
            if RESERVED.contains(&name.as_str()) || name.is_empty() {
                let message = format!("\"{name}\" cannot be a digest's name; give it another");
                self.fault(&digest.name, message);
            }
            let zone = self.zone(digest.zone.as_ref());
            let topics = self.topics(&digest.topics, topics);
            let channels = self.known(&digest.channels);
            if let Some(schedule) = self.schedule(&digest.cron, zone) {
                plans.push(Plan {
                    name: name.clone(),
                    topics,
                    schedule,
                    channels,
                    empty: match digest.empty {
                        file::Empty::Skip => Empty::Skip,
                        file::Empty::Send => Empty::Send,
                    },
                });
            }
        }
        plans
    }

    fn schedule(&mut self, cron: &Spanned<String>, zone: TimeZone) -> Option<Schedule> {
        let example = "write minute, hour, day, month and weekday, like \"0 8 * * MON-FRI\"";
        let message = match Schedule::new(cron.get_ref(), zone) {
            Ok(schedule) if schedule.ever_comes() => return Some(schedule),
            Ok(_) => format!("cron: \"{}\" names a day that never comes", cron.get_ref()),
            Err(error) => format!("cron: \"{}\": {error}; {example}", cron.get_ref()),
        };
        self.fault(cron, message);
        None
    }

    /// All topics where none is named.
    fn topics(&mut self, named: &[Spanned<String>], known: &[&str]) -> Vec<String> {
        if named.is_empty() {
            return known.iter().map(|it| (*it).to_owned()).collect();
        }
        let read = |name: &str| known.contains(&name).then(|| name.to_owned());
        self.each("topic", named, read, known)
    }

    fn fault<T>(&mut self, at: &Spanned<T>, message: impl Display) {
        self.faults.push(self.source.fault(at, message.to_string()));
    }
}

/// How much a channel takes.
pub(super) fn pace(
    rate: Option<&Spanned<String>>,
    concurrency: Option<usize>,
    source: &Text<'_>,
) -> Result<Pace, Fault> {
    let rate = rate.map(|written| {
        let rate = written.get_ref().parse::<Rate>();
        rate.map_err(|message| source.fault(written, format!("rate: {message}")))
    });
    Ok(Pace {
        rate: rate.transpose()?,
        concurrency: concurrency.unwrap_or(1).max(1),
    })
}

/// Names of digests that are not scheduled.
const RESERVED: [&str; 2] = ["quiet", "asked"];

/// Topics that are named, and those that routes use without naming them (the built-in `all` and
/// shipped ones); with neither, the shipped topic.
pub(super) fn topics_and_routes(
    file: &File,
    directory: Option<&Path>,
    reader: &mut Reader<'_, '_>,
) -> (Vec<TopicRef>, Vec<RouteConfig>) {
    let source = reader.source;
    let mut topics: Vec<TopicRef> = Vec::new();
    for topic in &file.topics {
        let name = topic.name.get_ref();
        if topics.iter().any(|it| it.name == *name) {
            reader
                .faults
                .push(source.fault(&topic.name, format!("topic \"{name}\" is defined twice")));
        }
        if topic.file.is_none() && name != "all" && shipped::topic(name).is_none() {
            reader.faults.push(source.fault(
                &topic.name,
                format!("topic \"{name}\" needs a file; only shipped topics do without"),
            ));
        }
        if topic.file.is_some() && name == "all" {
            reader.faults.push(source.fault(
                &topic.name,
                "topic \"all\" is built in; give a topic with a file another name",
            ));
        }
        topics.push(TopicRef {
            name: name.clone(),
            file: directory.and_then(|directory| topic.file.as_ref().map(|it| directory.join(it))),
            alerts: alerts(topic),
        });
    }
    let mut routes = Vec::new();
    for route in &file.routes {
        let topic = route.topic.get_ref();
        if !topics.iter().any(|it| it.name == *topic) {
            if topic == "all" || shipped::topic(topic).is_some() {
                topics.push(TopicRef {
                    name: topic.clone(),
                    file: None,
                    alerts: alert::Policy::default(),
                });
            } else {
                reader.faults.push(source.fault(
                    &route.topic,
                    unknown("topic", topic, &known_topics(&topics)),
                ));
            }
        }
        let written = file.topics.iter().find(|it| it.name.get_ref() == topic);
        let expires = written.and_then(|it| it.expires);
        routes.push(RouteConfig {
            topic: topic.clone(),
            route: reader.route(route, expires),
        });
    }
    if topics.is_empty() {
        topics.push(TopicRef {
            name: shipped::DEFAULT_TOPIC.to_owned(),
            file: None,
            alerts: alert::Policy::default(),
        });
    }
    (topics, routes)
}

fn alerts(topic: &file::Topic) -> alert::Policy {
    let default = alert::Policy::default();
    alert::Policy {
        per_hour: topic.alerts_per_hour,
        per_outlet: topic.alerts_per_outlet.unwrap_or(default.per_outlet),
        follow_up: topic.follow_up,
        hold: topic.hold.map(|it| it.0),
        sufficient: topic.sufficient.clone(),
    }
}

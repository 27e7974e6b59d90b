//! Whether a development is told now, and if not, why. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::story::{Development, DevelopmentKind};

/// How an item stands apart from what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Seen as it was published.
    News,
    /// Published before the feed's last complete fetch, or beyond a new feed's fresh window.
    History,
    /// Repeats another outlet's article.
    Copy,
}

impl Standing {
    /// As the archive spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::News => "news",
            Self::History => "history",
            Self::Copy => "copy",
        }
    }

    pub fn of(spelled: &str) -> Self {
        match spelled {
            "history" => Self::History,
            "copy" => Self::Copy,
            _ => Self::News,
        }
    }
}

/// Novelty of a headline nearly all of which is new to its story.
const STRIKING: f64 = 0.6;

/// What a topic's readers want to be told, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// A story that was told is left alone for so long, unless its meeting's state changes or
    /// the news is striking.
    pub floor: Duration,
    /// Alerts of the topic within an hour; changes of state and corrections come on top.
    pub per_hour: Option<u32>,
    /// How long what a single source claims waits for a second one.
    pub hold: Option<Duration>,
    /// Origins that need no second one.
    pub sufficient: Vec<String>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            floor: Duration::from_secs(3_600),
            per_hour: None,
            hold: None,
            sufficient: Vec::new(),
        }
    }
}

/// What is known of story and topic at the moment of a decision.
#[derive(Debug, Clone)]
pub struct Moment<'a> {
    pub now: Timestamp,
    pub standing: Standing,
    /// When the story was last told.
    pub told_at: Option<Timestamp>,
    /// Alerts of the topic in the last hour.
    pub told: u32,
    /// The item looks back: an anniversary, a memoir.
    pub past: bool,
    /// It is somebody's opinion.
    pub comment: bool,
    /// Independent origins of the story.
    pub sources: usize,
    pub origin: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Alert,
    /// Told at this time, or as soon as a second source has it.
    Held(Timestamp),
    Silent(Reason),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    History,
    Copy,
    /// The story has it already.
    AlreadyTold,
    /// It looks back.
    Past,
    /// It is somebody's view of the news.
    Comment,
    /// The story was told a short while ago.
    Floor,
    /// The topic has had its alerts of this hour.
    Budget,
}

impl Decision {
    /// As `story_items.decision` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Held(_) => "alert: held for a second source",
            Self::Silent(Reason::History) => "silent: history",
            Self::Silent(Reason::Copy) => "silent: copy",
            Self::Silent(Reason::AlreadyTold) => "silent: already told",
            Self::Silent(Reason::Past) => "silent: looks back",
            Self::Silent(Reason::Comment) => "silent: commentary",
            Self::Silent(Reason::Floor) => "silent: told a short while ago",
            Self::Silent(Reason::Budget) => "silent: over budget",
        }
    }

    /// The reason code that queries ask for.
    pub fn code(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Held(_) => "held",
            Self::Silent(Reason::History) => "history",
            Self::Silent(Reason::Copy) => "copy",
            Self::Silent(Reason::AlreadyTold) => "told",
            Self::Silent(Reason::Past) => "past",
            Self::Silent(Reason::Comment) => "comment",
            Self::Silent(Reason::Floor) => "floor",
            Self::Silent(Reason::Budget) => "budget",
        }
    }
}

pub fn decide(development: Option<&Development>, moment: &Moment<'_>, policy: &Policy) -> Decision {
    if moment.standing == Standing::Copy {
        return Decision::Silent(Reason::Copy);
    }
    let Some(development) = development else {
        return Decision::Silent(Reason::AlreadyTold);
    };
    if moment.standing == Standing::History {
        return Decision::Silent(Reason::History);
    }
    if moment.past {
        return Decision::Silent(Reason::Past);
    }
    if moment.comment {
        return Decision::Silent(Reason::Comment);
    }
    let pressing = matches!(
        development.kind,
        DevelopmentKind::State | DevelopmentKind::Correction
    );
    if !pressing {
        let little = development.novelty < STRIKING;
        if little
            && moment
                .told_at
                .is_some_and(|at| within(at, moment.now, policy.floor))
        {
            return Decision::Silent(Reason::Floor);
        }
        if policy.per_hour.is_some_and(|limit| moment.told >= limit) {
            return Decision::Silent(Reason::Budget);
        }
    }
    let alone = moment.sources < 2 && !policy.sufficient.iter().any(|it| it == moment.origin);
    match policy.hold.and_then(|hold| later(moment.now, hold)) {
        Some(until) if alone && development.kind != DevelopmentKind::Correction => {
            Decision::Held(until)
        }
        _ => Decision::Alert,
    }
}

fn within(at: Timestamp, now: Timestamp, span: Duration) -> bool {
    later(at, span).is_some_and(|end| now < end)
}

fn later(at: Timestamp, span: Duration) -> Option<Timestamp> {
    at.checked_add(SignedDuration::try_from(span).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Decision, Moment, Policy, Reason, Standing, decide};
    use crate::story::{Development, DevelopmentKind};

    fn moment() -> Moment<'static> {
        Moment {
            now: "2026-03-02T09:00:00Z".parse().expect("time"),
            standing: Standing::News,
            told_at: None,
            told: 0,
            past: false,
            comment: false,
            sources: 1,
            origin: "Yonhap",
        }
    }

    #[track_caller]
    fn check(kind: DevelopmentKind, moment: &Moment<'_>, policy: &Policy, expected: Decision) {
        let development = Development {
            kind,
            novelty: 0.5,
            reason: String::new(),
        };
        assert_eq!(decide(Some(&development), moment, policy), expected);
    }

    #[test]
    fn a_story_just_told_is_left_alone_unless_its_state_changes() {
        let told = Moment {
            told_at: Some("2026-03-02T08:30:00Z".parse().expect("time")),
            ..moment()
        };
        let policy = Policy::default();
        let floor = Decision::Silent(Reason::Floor);
        check(DevelopmentKind::Fact, &told, &policy, floor);
        check(DevelopmentKind::State, &told, &policy, Decision::Alert);
        check(DevelopmentKind::Correction, &told, &policy, Decision::Alert);
    }

    #[test]
    fn a_topic_has_so_many_alerts_an_hour() {
        let policy = Policy {
            per_hour: Some(3),
            ..Policy::default()
        };
        let full = Moment {
            told: 3,
            ..moment()
        };
        let budget = Decision::Silent(Reason::Budget);
        check(DevelopmentKind::Opens, &full, &policy, budget);
        check(DevelopmentKind::State, &full, &policy, Decision::Alert);
    }

    #[test]
    fn what_one_source_claims_waits_where_the_topic_says_so() {
        let policy = Policy {
            hold: Some(Duration::from_secs(600)),
            sufficient: vec!["KCNA".to_owned()],
            ..Policy::default()
        };
        let until = Decision::Held("2026-03-02T09:10:00Z".parse().expect("time"));
        check(DevelopmentKind::Opens, &moment(), &policy, until);
        let two = Moment {
            sources: 2,
            ..moment()
        };
        check(DevelopmentKind::Opens, &two, &policy, Decision::Alert);
        let enough = Moment {
            origin: "KCNA",
            ..moment()
        };
        check(DevelopmentKind::Opens, &enough, &policy, Decision::Alert);
    }

    #[test]
    fn what_looks_back_is_silent() {
        let past = Moment {
            past: true,
            ..moment()
        };
        let silent = Decision::Silent(Reason::Past);
        check(DevelopmentKind::Opens, &past, &Policy::default(), silent);
    }
}

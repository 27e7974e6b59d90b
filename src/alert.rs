//! What is made of a report: which development it tells, and whether that is told now; if not, why.
//! [`rule`] is a function of the board, the report and the circumstances. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::story::board::{Board, Placement};
use crate::story::context::{self, Context, Unruled};
use crate::story::development::OpenDevelopment;
use crate::story::headline::Mark;
use crate::story::ladder::State;
use crate::story::report::Report;
use crate::story::signs::{Weight, is_firm, weight};
use crate::story::speaker::Class;
use crate::story::weights::Weights;
use crate::story::{DevelopmentId, DevelopmentKind, StoryId};

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

/// What a topic's readers want to be told, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Alerts of the topic within an hour. Changes of state, official words, leaders' words and
    /// corrections come on top.
    pub per_hour: Option<u32>,
    /// Alerts within an hour that one outlet may cause, of whatever kind.
    pub per_outlet: u32,
    /// How long what a single source claims waits for a second one.
    pub hold: Option<Duration>,
    /// Origins that need no second one.
    pub sufficient: Vec<String>,
    /// Whether an update with a new day, place or number sends one more alert about a development
    /// that was told.
    pub follow_up: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            per_hour: None,
            per_outlet: 10,
            hold: None,
            sufficient: Vec::new(),
            follow_up: false,
        }
    }
}

/// How an item comes to the archive.
#[derive(Debug, Clone)]
pub enum Arrival<'a> {
    New,
    /// With exactly the words of an item that reports this development.
    Copy(DevelopmentId),
    /// Changed, after it was a report of this development.
    Revised {
        development: DevelopmentId,
        /// As its headline was read before.
        was: &'a Report,
    },
}

/// What is known at the moment of a ruling apart from the board.
#[derive(Debug, Clone)]
pub struct Circumstances<'a> {
    pub now: Timestamp,
    pub standing: Standing,
    pub arrival: Arrival<'a>,
    /// Certainty from which the topic is told, 0..1.
    pub tell: f64,
    /// The probability that it is on topic: 1 where a rule says so.
    pub on_topic: f64,
    /// Whether it is about what belongs to the matter, and not about the matter.
    pub related: bool,
    /// Alerts of the topic in the last hour, and those that this outlet caused.
    pub told: u32,
    pub told_by_outlet: u32,
    /// Whether the development has sent its follow-up, and the item its correction.
    pub followed_up: bool,
    pub corrected: bool,
}

/// What a report is to its development.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    First,
    /// It adds a day, a place or a number.
    Update,
    Repeat,
}

impl Role {
    /// As `reports.role` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Update => "update",
            Self::Repeat => "repeat",
        }
    }
}

/// Where a report belongs.
#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    /// A new development, in this story or in a new one.
    Opens(Option<StoryId>),
    Joins(DevelopmentId, Role),
    /// Commentary on a story, or on nothing that is open.
    Commentary(Option<StoryId>),
}

/// What is ruled on a report.
#[derive(Debug, Clone, PartialEq)]
pub struct Ruling {
    pub place: Place,
    pub placement: Placement,
    pub kind: DevelopmentKind,
    /// The state that the matter of the topic moves to.
    pub change: Option<State>,
    /// 0..1: that it is news, that it is new, and both as they count together, with how surely it is on topic.
    pub weight: f64,
    pub newness: f64,
    pub certainty: f64,
    /// Certainty that telling takes.
    pub tell: f64,
    pub signs: Weight,
    pub decision: Decision,
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
    /// The same words as an item that reports a told development.
    Copy,
    /// The development was told.
    Told,
    /// It looks back.
    Past,
    /// It is somebody's view of the news.
    Comment,
    /// It weighs too little for an alert; the digest has it.
    Slight,
    /// It may be a development that is known: it waits for a second report.
    Doubtful,
    /// The topic has had its alerts of this hour.
    Budget,
    /// The outlet has caused its alerts of this hour.
    Flood,
}

/// Each decision with its code, in queries, and its words, for people.
const REASONS: [(Reason, &str, &str); 9] = [
    (Reason::History, "history", "silent: history"),
    (Reason::Copy, "copy", "silent: a copy"),
    (Reason::Told, "told", "silent: already told"),
    (Reason::Past, "past", "silent: looks back"),
    (Reason::Comment, "comment", "silent: commentary"),
    (Reason::Slight, "slight", "silent: too slight to tell"),
    (
        Reason::Doubtful,
        "doubtful",
        "silent: waits for a second report",
    ),
    (Reason::Budget, "budget", "silent: over the topic's budget"),
    (Reason::Flood, "flood", "silent: over its outlet's bound"),
];

impl Decision {
    /// As `story_items.decision` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Held(_) => "alert: held for a second source",
            Self::Silent(reason) => REASONS[reason as usize].2,
        }
    }

    /// The reason code that queries ask for.
    pub fn code(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Held(_) => "held",
            Self::Silent(reason) => REASONS[reason as usize].1,
        }
    }

    pub fn is_told(self) -> bool {
        !matches!(self, Self::Silent(_))
    }
}

/// How surely a headline without a rule belongs to a hot topic.
#[derive(Debug, Clone, PartialEq)]
pub struct TakenIn {
    /// 0..1.
    pub probability: f64,
    /// Whether it may be told: headline and lead name all parties, and somebody speaks or acts, or it reports what is known.
    /// All else is kept and never told.
    pub may_be_told: bool,
    pub signs: Context,
}

impl TakenIn {
    /// As [`Circumstances::on_topic`] counts it.
    pub fn on_topic(&self) -> f64 {
        if self.may_be_told {
            self.probability
        } else {
            0.0
        }
    }
}

/// Whether a headline that satisfies no rule belongs to the topic all the same. As a report of a known development it
/// needs less than as a new one or as commentary. Nothing is taken in while the topic is cold.
pub fn take_in(
    board: &Board,
    report: &Report,
    unruled: Unruled<'_>,
    weights: &Weights,
) -> Option<TakenIn> {
    if board.heat.recent(report.at, &weights.times) == 0 {
        return None;
    }
    let placement = board.place(report, weights);
    let signs = context(board, report, unruled, &placement, weights);
    let probability = weights.context(&signs);
    let joins = placement.joins().is_some() && !report.statement.is_commentary();
    let speaks = report.statement.speaker.as_ref().is_some_and(|it| {
        matches!(
            it.class,
            Class::Leader | Class::StateVoice | Class::Institution | Class::State | Class::Person
        )
    });
    let named = context::Named::of(unruled.reading, unruled.lexicon, unruled.surroundings);
    let names_all = named.with_lead == unruled.surroundings.parties.len();
    let needed = if joins {
        weights.take_in
    } else {
        weights.take_in_new
    };
    (probability >= needed).then_some(TakenIn {
        probability,
        may_be_told: names_all && (joins || speaks),
        signs,
    })
}

/// The signs of context of a headline.
pub fn context(
    board: &Board,
    report: &Report,
    unruled: Unruled<'_>,
    placement: &Placement,
    weights: &Weights,
) -> Context {
    context::signs(report, unruled, placement, &board.heat, &weights.times)
}

/// Rules on a report.
pub fn rule(
    board: &Board,
    report: &Report,
    circumstances: &Circumstances<'_>,
    weights: &Weights,
    policy: &Policy,
) -> Ruling {
    let commentary = report.statement.is_commentary();
    let placement = place(board, report, &circumstances.arrival, weights);
    let corrects = match &circumstances.arrival {
        Arrival::Revised { development, was } if !circumstances.corrected => {
            let told = board
                .get(*development)
                .is_some_and(|it| it.told_at.is_some());
            told && is_correction(was, report)
        }
        _ => false,
    };
    let change = board
        .course
        .change(&report.statement, report.at, &weights.times);
    let nearest = placement.ranked.first();
    let near = nearest.filter(|it| it.log_odds >= weights.story);
    let place = match placement.joins() {
        _ if corrects => Place::Opens(nearest.map(|it| it.story)),
        Some(it) => Place::Joins(it.development, role(board, it.development, report)),
        None if commentary => Place::Commentary(near.map(|it| it.story).or(board.course.story)),
        None => {
            let of_course = report.state().is_some() && report.statement.is_of_topic;
            let course = board
                .course
                .story
                .filter(|_| of_course && board.course.is_current(report.at, &weights.times));
            Place::Opens(near.map(|it| it.story).or(course))
        }
    };
    let official = || {
        let hearsay = near
            .and_then(|it| board.get(it.development))
            .is_some_and(OpenDevelopment::is_hearsay);
        hearsay && report.statement.official && !report.statement.marks().has(Mark::Hearsay)
    };
    let kind = if corrects {
        DevelopmentKind::Correction
    } else if change.is_some() {
        DevelopmentKind::State
    } else if official() {
        DevelopmentKind::Official
    } else if matches!(place, Place::Opens(None)) {
        DevelopmentKind::Opens
    } else {
        DevelopmentKind::Fact
    };
    let newness = match place {
        // A change of the meeting is one, whoever has used its words before.
        Place::Opens(_) if !corrects && change.is_none() => placement.newness(),
        _ => 1.0,
    };
    let related = circumstances
        .related
        .then(|| board.heat.degree(report.at, &weights.times));
    let signs = weight(report, related, &weights.acts);
    let news = weights.news(&signs);
    let mut ruling = Ruling {
        certainty: news * newness.powf(weights.doubt) * circumstances.on_topic,
        place,
        placement,
        kind,
        change,
        weight: news,
        newness,
        tell: circumstances.tell,
        signs,
        decision: Decision::Alert,
    };
    ruling.decision = decide(board, report, &ruling, circumstances, policy);
    ruling
}

fn place(board: &Board, report: &Report, arrival: &Arrival<'_>, weights: &Weights) -> Placement {
    let known = match arrival {
        Arrival::New => None,
        Arrival::Copy(id)
        | Arrival::Revised {
            development: id, ..
        } => Some(*id),
    };
    let Some(mut own) = known.and_then(|it| board.compare(report, it, weights)) else {
        return board.place(report, weights);
    };
    // What was edited into something else is placed anew.
    let said = &report.statement;
    let says = said.state.is_some() || !said.predicates.is_empty() && said.speaker.is_some();
    let revised = matches!(arrival, Arrival::Revised { .. });
    let rewritten = revised && says && own.log_odds < weights.story;
    if rewritten {
        return board.place(report, weights);
    }
    own.log_odds = own.log_odds.max(own.join);
    Placement { ranked: vec![own] }
}

/// Whether a revision takes back what its item said: it now calls itself a correction, or names
/// another day. Another number is no correction: counters and tolls go up.
fn is_correction(was: &Report, report: &Report) -> bool {
    let corrects = |it: &Report| it.statement.marks().has(Mark::Correction);
    let lost = was.days.iter().any(|it| !report.days.contains(it));
    let given = report.days.iter().any(|it| !was.days.contains(it));
    lost && given || corrects(report) && !corrects(was)
}

fn role(board: &Board, development: DevelopmentId, report: &Report) -> Role {
    let Some(known) = board.get(development) else {
        return Role::Repeat;
    };
    let adds = report.days.iter().any(|it| !known.days.holds(*it))
        || report.places.iter().any(|it| !known.places.holds(*it))
        || report.numbers.iter().any(|it| !known.numbers.holds(*it));
    if adds { Role::Update } else { Role::Repeat }
}

/// The first rule that holds decides.
fn decide(
    board: &Board,
    report: &Report,
    ruling: &Ruling,
    circumstances: &Circumstances<'_>,
    policy: &Policy,
) -> Decision {
    let marks = report.statement.marks();
    let told = match ruling.place {
        Place::Joins(id, _) => board.get(id).is_some_and(|it| it.told_at.is_some()),
        _ => false,
    };
    let corrects = ruling.kind == DevelopmentKind::Correction;
    let follows_up = policy.follow_up
        && !circumstances.followed_up
        && matches!(ruling.place, Place::Joins(_, Role::Update));
    let class = report.statement.speaker.as_ref().map(|it| it.class);
    let pressing = ruling.kind != DevelopmentKind::Opens && ruling.kind != DevelopmentKind::Fact
        || matches!(class, Some(Class::Leader | Class::StateVoice));
    // What somebody who decides said, and the tables do not understand, is told rather than swallowed.
    let is_unread = report.statement.predicates.is_empty() && report.statement.state.is_none();
    let decides = report.statement.speaker.as_ref().is_some_and(|it| {
        it.is_quoted()
            && matches!(
                it.class,
                Class::Leader | Class::StateVoice | Class::Institution
            )
    });
    let unread = is_unread && decides && circumstances.on_topic >= 1.0 && !circumstances.related;
    // Where the matter ends, begins or falls through, it is told whoever says it.
    let turns = ruling.change.is_some_and(is_firm)
        && circumstances.on_topic >= 1.0
        && !circumstances.related;
    let must = corrects || unread || turns;
    let silent = if circumstances.standing == Standing::History {
        Some(Reason::History)
    } else if told && !follows_up {
        Some(match circumstances.arrival {
            Arrival::Copy(_) => Reason::Copy,
            _ => Reason::Told,
        })
    } else if marks.has(Mark::Retrospective) {
        Some(Reason::Past)
    } else if matches!(ruling.place, Place::Commentary(_))
        || marks.any(&[Mark::Opinion, Mark::OpinionPage])
    {
        Some(Reason::Comment)
    } else if ruling.weight < circumstances.tell && !must {
        Some(Reason::Slight)
    } else if ruling.certainty < circumstances.tell && !corrects && !turns {
        Some(Reason::Doubtful)
    } else if circumstances.told_by_outlet >= policy.per_outlet {
        Some(Reason::Flood)
    } else if !pressing && policy.per_hour.is_some_and(|it| circumstances.told >= it) {
        Some(Reason::Budget)
    } else {
        None
    };
    if let Some(reason) = silent {
        return Decision::Silent(reason);
    }
    let sources = match ruling.place {
        Place::Joins(id, _) => board.get(id).map_or(1, |it| {
            let mut voices = it.voices.clone();
            voices.add(&report.outlet, &report.origin);
            voices.sources().len()
        }),
        _ => 1,
    };
    let alone = sources < 2 && !policy.sufficient.contains(&report.origin);
    match policy.hold.and_then(|hold| later(circumstances.now, hold)) {
        Some(until) if alone && !corrects => Decision::Held(until),
        _ => Decision::Alert,
    }
}

fn later(at: Timestamp, span: Duration) -> Option<Timestamp> {
    at.checked_add(SignedDuration::try_from(span).ok()?).ok()
}

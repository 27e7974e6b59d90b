//! Signs by which a report is found to tell a known development, and by which it is found to be
//! news. Each has a name, a value and, in `config/reading/weights.toml`, a weight. Pure.

use crate::story::development::{Counts, OpenDevelopment};
use crate::story::headline::Mark;
use crate::story::ladder::State;
use crate::story::report::Report;
use crate::story::speaker::{Class, How};
use crate::story::weights::Scales;
use crate::text::language::Script;

/// Names of the signs of likeness, in the order of [`likeness`].
pub const LIKENESS: [&str; 33] = [
    "wording",
    "contained",
    "lead",
    "profile",
    "unsaid",
    "predicates",
    "predicates-other",
    "state-same",
    "state-opposed",
    "state-down",
    "state-new",
    "speaker-same",
    "speaker-other",
    "speaker-unknown",
    "place-same",
    "place-other",
    "day-same",
    "day-other",
    "numbers",
    "since-last",
    "since-first",
    "outlet-again",
    "outlet-again-alike",
    "breaking",
    "commentary",
    "commentary-share",
    "other-script",
    "no-lead",
    "official-on-hearsay",
    "course-change",
    "nothing-shared",
    "predicates-opposed",
    "decider-other",
];

/// Names of the signs of weight, in the order of [`weight`].
pub const WEIGHT: [&str; 32] = [
    "leader",
    "state-voice",
    "official",
    "person",
    "agency",
    "unknown-speaker",
    "no-speaker",
    "quoted",
    "state",
    "state-down",
    "state-set",
    "breaking",
    "exclusive",
    "serial",
    "question",
    "opinion",
    "opinion-page",
    "expert",
    "advice",
    "rubric",
    "live",
    "hearsay",
    "retrospective",
    "unattributed",
    "places",
    "days",
    "predicates",
    "of-topic",
    "related",
    "related-act",
    "related-official",
    "related-heat",
];

/// Values of signs, in the order of their names.
pub type Likeness = [f64; LIKENESS.len()];
pub type Weight = [f64; WEIGHT.len()];

/// Reports of one script whose leads are compared: those whose headlines are most alike.
const LEADS: usize = 4;

/// What speaks for and against `report` telling `development`. `change` is the state that the report would move the
/// matter of the topic to: a threat to cancel has used the words of the cancellation, and is another development.
pub fn likeness(
    report: &Report,
    development: &OpenDevelopment,
    change: Option<State>,
    scales: &Scales,
) -> Likeness {
    let statement = &report.statement;
    let marks = statement.marks();
    let same_script = development.speaks(report.script);
    let mut alike: Vec<(f64, &Report)> = Vec::new();
    let mut contained = 0.0_f64;
    if same_script {
        let own = development
            .reports()
            .filter(|it| it.script == report.script);
        alike.extend(own.map(|it| (it.wording.dot(&report.wording), it)));
        alike.sort_by(|a, b| b.0.total_cmp(&a.0));
    }
    let best: f64 = alike.iter().take(3).map(|it| it.0).sum();
    let wording = best / count(alike.len().clamp(1, 3));
    let mut lead = 0.0_f64;
    for (_, it) in alike.iter().take(LEADS) {
        lead = lead.max(it.text.dot(&report.text));
        contained = contained.max(it.wording.containment(&report.wording));
    }
    let n_shared = alike
        .iter()
        .take(LEADS)
        .map(|it| it.1.text.n_shared(&report.text))
        .max()
        .unwrap_or_default();
    let least = least_shared(report);
    let has_leads = report.has_lead && alike.iter().any(|it| it.1.has_lead);
    let speaker = Beside::of(report, development);
    let state = report.state();
    let main = development.main_state();
    let downs = |it: State| it.is_down();
    let first_down = state.is_some_and(downs)
        && !development.states.is_empty()
        && !development.states.iter().any(|it| it.0.is_down());
    let turned = matches!((state, main), (Some(a), Some(b)) if a.is_down() != b.is_down());
    let known = |keys: &[u32], counts: &Counts| keys.iter().filter(|it| counts.holds(**it)).count();
    let predicates = known(&report.predicates, &development.predicates);
    let places = known(&report.places, &development.places);
    let lead_places = known(&report.lead_places, &development.places);
    let days = known(&report.days, &development.days);
    let numbers = known(&report.numbers, &development.numbers);
    let other = |shared: usize, own: &[u32], counts: &Counts| {
        flag(shared == 0 && !own.is_empty() && !counts.is_empty())
    };
    let has = |it: u32| report.predicates.contains(&it);
    let contradicts = |own: u32, other: u32| {
        has(own) && !development.predicates.holds(own) && development.predicates.holds(other)
    };
    let contradicted = scales
        .opposed
        .iter()
        .any(|it| contradicts(it.0, it.1) || contradicts(it.1, it.0));
    let class = statement.speaker.as_ref().map(|it| it.class);
    let decides = matches!(class, Some(Class::Leader | Class::StateVoice));
    let again = development.voices.has_outlet(&report.outlet);
    let profile = development.profile.cosine(&report.concepts);
    [
        wording,
        contained,
        lead,
        profile,
        development.profile.lacks(&report.concepts),
        count(predicates.min(3)) / 3.0,
        other(predicates, &report.predicates, &development.predicates),
        flag(state.is_some() && state == main),
        flag(turned),
        flag(first_down),
        flag(state.is_some_and(|it| !development.has_state(it)) && main.is_some()),
        flag(speaker == Beside::Same),
        flag(speaker == Beside::OtherQuoted),
        flag(speaker == Beside::Unknown),
        flag(places + lead_places > 0),
        other(places + lead_places, &report.places, &development.places),
        flag(days > 0),
        other(days, &report.days, &development.days),
        count(numbers.min(2)) / 2.0,
        hours(report, development.last_at, scales.long_hours),
        hours(report, development.first_at, scales.long_hours),
        flag(again),
        if again { contained } else { 0.0 },
        flag(marks.has(Mark::Breaking)),
        flag(report.is_soft()),
        f64::from(development.n_soft) / f64::from(development.n_reports.max(1)),
        flag(!same_script),
        flag(same_script && !has_leads),
        flag(development.is_hearsay() && statement.official && !marks.has(Mark::Hearsay)),
        flag(change.is_some_and(|it| {
            is_firm(it) && !development.has_state(it) || sets(it, report, development)
        })),
        flag(n_shared < least && (profile < scales.chance || report.text.keys().count() < least)),
        flag(contradicted),
        flag(speaker == Beside::OtherQuoted && decides),
    ]
}

/// Whether a report gives the meeting a day or place where no report of the development has one.
fn sets(state: State, report: &Report, development: &OpenDevelopment) -> bool {
    let new = |own: &[u32], known: &Counts| !own.is_empty() && known.is_empty();
    matches!(state, State::Dated | State::Placed)
        && (new(&report.days, &development.days) || new(&report.places, &development.places))
}

/// Keys below which two texts share nothing: two words in common are a coincidence where no concept is, and a word of an
/// unspaced script makes several keys.
fn least_shared(report: &Report) -> usize {
    if report.script.is_some_and(Script::is_unspaced) {
        4
    } else {
        3
    }
}

/// Whether a state is an act that ends, begins or brings back: not talk, and no step of a plan.
pub fn is_firm(state: State) -> bool {
    matches!(
        state,
        State::UnderWay
            | State::Outcome
            | State::Revived
            | State::Declined
            | State::Postponed
            | State::Cancelled
    )
}

/// A speaker beside those of a development.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beside {
    Nobody,
    Same,
    /// Another, whose words or act the headline gives.
    OtherQuoted,
    /// Another who is only named.
    OtherNamed,
    /// One of the two is nobody whom the lexicon knows.
    Unknown,
}

impl Beside {
    fn of(report: &Report, development: &OpenDevelopment) -> Self {
        let (Some(speaker), Some(key)) = (&report.statement.speaker, report.speaker) else {
            return Self::Nobody;
        };
        if development.speakers.is_empty() {
            return Self::Nobody;
        }
        if development.speakers.holds(key) {
            return Self::Same;
        }
        if speaker.class == Class::Unknown {
            return Self::Unknown;
        }
        if matches!(speaker.how, How::Named | How::First) {
            Self::OtherNamed
        } else {
            Self::OtherQuoted
        }
    }
}

/// What speaks for and against a report being news that its reader wants at once. `related` says that it is about
/// what belongs to the matter and not about the matter: then how hot the topic is, 0..1. `acts` are the predicates of what
/// is done, not said.
pub fn weight(report: &Report, related: Option<f64>, acts: &[String]) -> Weight {
    let statement = &report.statement;
    let marks = statement.marks();
    let class = statement.speaker.as_ref().map(|it| it.class);
    let is = |it: Class| flag(class == Some(it));
    let state = statement.state;
    let set = state.is_some_and(|it| (State::Confirmed..=State::Revived).contains(&it));
    let act = statement.predicates.iter().any(|it| acts.contains(it));
    let authority = statement.official || matches!(class, Some(Class::Leader | Class::StateVoice));
    [
        is(Class::Leader),
        is(Class::StateVoice),
        flag(matches!(class, Some(Class::Institution | Class::State))),
        is(Class::Person),
        is(Class::Agency),
        is(Class::Unknown),
        flag(class.is_none()),
        flag(
            statement
                .speaker
                .as_ref()
                .is_some_and(crate::story::speaker::Speaker::is_quoted),
        ),
        flag(state.is_some()),
        flag(state.is_some_and(State::is_down)),
        flag(set),
        flag(marks.has(Mark::Breaking)),
        flag(marks.has(Mark::Exclusive)),
        flag(marks.has(Mark::Serial)),
        flag(marks.has(Mark::Question)),
        flag(marks.has(Mark::Opinion)),
        flag(marks.has(Mark::OpinionPage)),
        flag(marks.has(Mark::Expert)),
        flag(marks.has(Mark::Advice)),
        flag(marks.has(Mark::Rubric)),
        flag(marks.has(Mark::Live)),
        flag(marks.has(Mark::Hearsay)),
        flag(marks.has(Mark::Retrospective)),
        flag(marks.has(Mark::Unattributed)),
        flag(!statement.places.is_empty()),
        flag(!statement.days.is_empty()),
        count(statement.predicates.len().min(3)) / 3.0,
        flag(statement.is_of_topic),
        flag(related.is_some()),
        flag(related.is_some() && act),
        flag(related.is_some() && authority),
        related.unwrap_or_default(),
    ]
}

fn flag(it: bool) -> f64 {
    if it { 1.0 } else { 0.0 }
}

fn count(n: usize) -> f64 {
    u32::try_from(n).map_or(f64::MAX, f64::from)
}

/// Logarithm of the hours since `then`, scaled to reach 1 after `long` of them.
fn hours(report: &Report, then: jiff::Timestamp, long: f64) -> f64 {
    let seconds = (report.at.as_second() - then.as_second()).max(0);
    #[expect(clippy::cast_precision_loss, reason = "seconds of some days")]
    let hours = seconds as f64 / 3_600.0;
    hours.ln_1p() / long.ln_1p()
}

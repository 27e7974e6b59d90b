//! The ladder of a meeting: from a wish to an outcome, and down again. Phrases are data; this reads
//! which state a headline tells, who of the two parties comes first in it, and what is denied.

use crate::story::wording::Wording;
use crate::text::Words;
use crate::topic::lexicon::{ConceptSet, Field, Hit, Lexicon, Reading};

/// Where a meeting stands. The order is that of the ladder; the last ones lead down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    Floated,
    Wished,
    Proposed,
    Planned,
    /// By one party.
    Confirmed,
    /// By both.
    Agreed,
    Dated,
    Placed,
    UnderWay,
    Outcome,
    Revived,
    Doubted,
    Declined,
    Postponed,
    Cancelled,
}

/// What else a table of phrases may hold.
pub const CUES: [&str; 5] = ["negation", "maybe", "hearsay", "past", "correction"];

const STATES: [(State, &str, &str); 15] = [
    (State::Floated, "floated", "floated"),
    (State::Wished, "wished", "wished for"),
    (State::Proposed, "proposed", "proposed"),
    (State::Planned, "planned", "reported as planned"),
    (State::Confirmed, "confirmed", "confirmed by one side"),
    (State::Agreed, "agreed", "confirmed by both sides"),
    (State::Dated, "dated", "given a date"),
    (State::Placed, "placed", "given a place"),
    (State::UnderWay, "under-way", "under way"),
    (State::Outcome, "outcome", "over, with an outcome"),
    (State::Revived, "revived", "revived"),
    (State::Doubted, "doubted", "in doubt"),
    (State::Declined, "declined", "declined"),
    (State::Postponed, "postponed", "postponed"),
    (State::Cancelled, "cancelled", "cancelled"),
];

impl State {
    /// In the order of the ladder.
    pub const NAMES: [&'static str; STATES.len()] = {
        let mut names = [""; STATES.len()];
        let mut at = 0;
        while at < STATES.len() {
            names[at] = STATES[at].1;
            at += 1;
        }
        names
    };

    /// As configuration and the archive spell it.
    pub fn as_str(self) -> &'static str {
        STATES[self as usize].1
    }

    pub fn gloss(self) -> &'static str {
        STATES[self as usize].2
    }

    pub fn of(name: &str) -> Option<Self> {
        STATES.iter().find(|it| it.1 == name).map(|it| it.0)
    }

    pub fn is_down(self) -> bool {
        self >= Self::Doubted
    }

    /// Steps between which people want to hear of a rise: talk of it, the intent, its setting, the
    /// meeting, its end.
    fn tier(self) -> u8 {
        match self {
            Self::Floated | Self::Wished | Self::Proposed => 0,
            Self::Planned | Self::Confirmed => 1,
            Self::Agreed | Self::Dated | Self::Placed => 2,
            Self::UnderWay => 3,
            _ => 4,
        }
    }

    /// Whether to stand at `self` after `before` is a change that people want to hear of. Each step
    /// down is one; what was called off stays so until somebody says that it is back, or it takes
    /// place; what is over is over.
    pub fn changes(self, before: Option<Self>) -> bool {
        match before {
            Some(Self::Outcome) => false,
            Some(before) if self.is_down() => self > before || !before.is_down(),
            None if self.is_down() => true,
            Some(before) if before.is_down() => self >= Self::UnderWay || self == Self::Agreed,
            Some(Self::Revived) => self != Self::Revived && self.tier() > 1,
            Some(_) | None if self == Self::Revived => false,
            before => self.tier() > before.map_or(0, Self::tier),
        }
    }
}

/// What a headline says of a meeting.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent signs in one headline"
)]
pub struct Step {
    pub state: Option<State>,
    /// Party named first, which mostly is who acts.
    pub actor: Option<String>,
    /// An official speaks, or an act of one is told.
    pub official: bool,
    pub hearsay: bool,
    /// It looks back: an anniversary, a memoir.
    pub past: bool,
    pub correction: bool,
}

/// Phrases of states and cues, and the concepts by which parties and officials are named.
#[derive(Debug)]
pub struct Ladder {
    phrases: Lexicon,
    parties: Vec<(String, ConceptSet)>,
    officials: ConceptSet,
}

/// Characters between a phrase and the cue that turns it.
const REACH: usize = 12;

impl Ladder {
    /// `phrases` holds one concept for each state and cue, under its name.
    pub fn new(
        phrases: Lexicon,
        parties: Vec<(String, ConceptSet)>,
        officials: ConceptSet,
    ) -> Self {
        Self {
            phrases,
            parties,
            officials,
        }
    }

    /// Reads a headline. `reading` is the lexicon's, of the same words.
    pub fn read(
        &self,
        words: &Words<'_>,
        reading: &Reading,
        lexicon: &Lexicon,
        wording: &Wording,
    ) -> Step {
        let core = wording.core(&words.folded_title.text);
        let from = words.folded_title.text[..core.start].chars().count();
        let title = Words {
            title: words.title,
            summary: "",
            folded_title: words.folded_title.clone(),
            folded_summary: crate::text::Folded::default(),
        };
        let found = self.phrases.read(&title);
        let named = |hit: &Hit| self.phrases.concept(hit.concept).id.as_str();
        let cues = |cue: &'static str| found.hits.iter().filter(move |it| named(it) == cue);
        let titled = || {
            reading
                .hits
                .iter()
                .filter(|it| it.field == Field::Title && it.at >= from)
        };
        let first_of = |party: &ConceptSet| {
            titled()
                .filter(|it| lexicon.closure(it.concept).intersects(party))
                .map(|it| it.at)
                .min()
        };
        let mut parties: Vec<(usize, &str)> = self
            .parties
            .iter()
            .filter_map(|(name, party)| Some((first_of(party)?, name.as_str())))
            .collect();
        parties.sort_unstable();
        let both = parties.len() > 1;
        let states = found.hits.iter().filter_map(|hit| {
            let state = State::of(named(hit))?;
            turned(state, hit, &found.hits, named)
        });
        // What goes down is said last and weighs most: "wants to meet, but no plans to".
        let state = states.max().filter(|_| both);
        let dated = |state| settled(state, titled(), lexicon, words);
        Step {
            state: state.map(dated),
            actor: parties.first().filter(|_| both).map(|it| it.1.to_owned()),
            official: titled().any(|it| lexicon.closure(it.concept).intersects(&self.officials)),
            hearsay: cues("hearsay").next().is_some(),
            past: cues("past").next().is_some(),
            correction: cues("correction").next().is_some(),
        }
    }
}

/// The state that a phrase tells beside the cues next to it; none where it is denied.
fn turned<'a>(
    state: State,
    hit: &Hit,
    hits: &'a [Hit],
    named: impl Fn(&'a Hit) -> &'a str,
) -> Option<State> {
    let beside = |cue: &str| {
        hits.iter().any(|it| {
            named(it) == cue
                && (it.at >= hit.to && it.at - hit.to <= REACH
                    || it.to <= hit.at && hit.at - it.to <= REACH)
        })
    };
    match (beside("negation"), beside("maybe")) {
        (true, _) if state.is_down() => None,
        (true, _) => Some(State::Declined),
        (false, true) if state.is_down() => Some(State::Doubted),
        (false, true) if state != State::Revived => Some(State::Floated),
        _ => Some(state),
    }
}

/// A meeting that is planned or confirmed for a date, or at a place, stands higher.
fn settled<'a>(
    state: State,
    mut titled: impl Iterator<Item = &'a Hit>,
    lexicon: &Lexicon,
    words: &Words<'_>,
) -> State {
    if !(State::Planned..=State::Agreed).contains(&state) {
        return state;
    }
    let place =
        titled.any(|it| lexicon.concept(it.concept).kind == crate::topic::lexicon::Kind::Place);
    let date = crate::story::features::names_a_date(&words.folded_title.text);
    match (place, date) {
        (true, _) => State::Placed,
        (false, true) => State::Dated,
        (false, false) => state,
    }
}

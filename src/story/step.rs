//! What a headline says of a meeting: which state, by whom, and what is denied. Phrases are data.

use jiff::Timestamp;

use crate::story::features::names_a_coming_day;
use crate::story::ladder::State;
use crate::story::wording::Wording;
use crate::text::Words;
use crate::topic::lexicon::{ConceptSet, Field, Hit, Kind, Lexicon, Reading};

/// What a table of phrases may hold beside states.
pub const CUES: [&str; 5] = ["negation", "maybe", "hearsay", "past", "correction"];

/// What a headline says of a meeting.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent signs in one headline"
)]
pub struct Step {
    pub state: Option<State>,
    /// The headline names nobody: whose meeting it is only its story can tell.
    pub is_nameless: bool,
    /// Party that the headline begins with, who mostly is who acts.
    pub actor: Option<String>,
    /// An official speaks, or an act of one is told.
    pub official: bool,
    pub hearsay: bool,
    /// It looks back: an anniversary, a memoir.
    pub past: bool,
    /// Somebody's opinion, by its label.
    pub comment: bool,
    pub correction: bool,
}

/// Phrases of states and cues, and the concepts by which parties, officials and meetings are named.
#[derive(Debug)]
pub struct Ladder {
    /// One concept for each state and cue, under its name.
    pub phrases: Lexicon,
    pub parties: Vec<(String, ConceptSet)>,
    pub officials: ConceptSet,
    /// A meeting itself, in a headline that needs no verb: "米朝首脳会談、5月12日に".
    pub meetings: ConceptSet,
    /// Countries, in which a place to meet has yet to be found.
    pub countries: ConceptSet,
}

/// Characters between a phrase and the cue that turns it.
const REACH: usize = 12;

impl Ladder {
    /// Reads a headline told at `at`. `reading` is the lexicon's, of the same words.
    pub fn read(
        &self,
        words: &Words<'_>,
        reading: &Reading,
        lexicon: &Lexicon,
        wording: &Wording,
        at: Timestamp,
    ) -> Step {
        let core = wording.core(&words.folded_title.text);
        let from = words.folded_title.text[..core.start].chars().count();
        let title = Title {
            words,
            lexicon,
            hits: reading
                .hits
                .iter()
                .filter(|it| it.field == Field::Title && it.at >= from)
                .collect(),
        };
        let parties = self.parties_of(&title);
        let both = parties.len() > 1;
        let found = self.phrases_of(&title);
        let has = |cue: &str| found.hits.iter().any(|it| self.name(it) == cue);
        let states = found.hits.iter().filter_map(|hit| {
            let state = State::of(self.name(hit))?;
            self.turned(state, hit, &found)
        });
        // What goes down is said last and weighs most: "wants to meet, but no plans to".
        let told = states.max();
        let is_nameless = title.named().next().is_none();
        let past = has("past");
        let planned = || {
            let meeting = title.names(&self.meetings) && !has("negation") && !has("maybe");
            (meeting && names_a_coming_day(title.text(), at)).then_some(State::Planned)
        };
        let state = told
            .or_else(planned)
            .filter(|_| (both || is_nameless) && !past)
            .map(|state| self.settled(state, &title, at));
        // Whoever else comes first is who speaks.
        let first = title.named().map(|it| it.at).min();
        let actor = match parties.as_slice() {
            [(at, name), (next, _), ..] if at != next && Some(*at) == first => Some(*name),
            _ => None,
        };
        Step {
            state,
            is_nameless,
            actor: actor.map(str::to_owned),
            official: title.names(&self.officials),
            hearsay: has("hearsay"),
            past,
            comment: wording.is_comment(title.text()),
            correction: has("correction"),
        }
    }

    fn name(&self, hit: &Hit) -> &str {
        &self.phrases.concept(hit.concept).id
    }

    /// Where each party that the headline names is first named.
    fn parties_of(&self, title: &Title<'_>) -> Vec<(usize, &str)> {
        let first_of = |party: &ConceptSet| title.of(party).map(|it| it.at).min();
        let mut parties: Vec<(usize, &str)> = self
            .parties
            .iter()
            .filter_map(|(name, party)| Some((first_of(party)?, name.as_str())))
            .collect();
        parties.sort_unstable();
        parties
    }

    /// Phrases of the headline; where none tells a state, of the headline without the names of
    /// the parties, which often stand within: "preparations for Trump-Kim summit".
    fn phrases_of(&self, title: &Title<'_>) -> Phrases {
        let read = |text: &str| {
            let words = Words::new(text, "");
            let hits = self.phrases.read(&words).hits;
            Phrases {
                text: words.folded_title.text,
                hits,
            }
        };
        let tells = |it: &Phrases| it.hits.iter().any(|it| State::of(self.name(it)).is_some());
        let found = read(title.words.title);
        if tells(&found) {
            return found;
        }
        let mut bare = title.words.title.to_owned();
        let mut names: Vec<&Hit> = self.parties.iter().flat_map(|it| title.of(&it.1)).collect();
        names.retain(|it| title.lexicon.concept(it.concept).kind != Kind::Compound);
        names.sort_unstable_by_key(|it| std::cmp::Reverse(it.start));
        names.dedup_by_key(|it| it.start);
        for name in names {
            // Names that overlap go once.
            let Some(behind) = bare.get(name.end..) else {
                continue;
            };
            let behind = behind.trim_start_matches(is_joint).to_owned();
            bare.truncate(name.start);
            bare.push_str(&behind);
        }
        let without = read(&bare);
        if tells(&without) { without } else { found }
    }

    /// The state that a phrase tells beside the cues next to it; none where it is denied.
    fn turned(&self, state: State, hit: &Hit, found: &Phrases) -> Option<State> {
        let beside = |cue: &str| {
            let mut cues = found.hits.iter().filter(|it| self.name(it) == cue);
            cues.any(|it| found.join(it, hit))
        };
        match (beside("negation"), beside("maybe")) {
            (true, _) if state.is_down() => None,
            (true, _) if state == State::Floated => Some(State::Doubted),
            (true, _) if state <= State::Agreed => Some(State::Declined),
            (true, _) => None,
            (false, true) if state.is_down() => Some(State::Doubted),
            (false, true) if state != State::Revived => Some(State::Floated),
            _ => Some(state),
        }
    }

    /// A meeting that is planned or confirmed for a coming day, or at a place, stands higher.
    fn settled(&self, state: State, title: &Title<'_>, at: Timestamp) -> State {
        if !(State::Planned..=State::Agreed).contains(&state) {
            return state;
        }
        let is_venue = |hit: &&Hit| {
            title.kind(hit) == Kind::Place
                && !title.is(hit, &self.countries)
                && !self.parties.iter().any(|it| title.is(hit, &it.1))
        };
        if title.hits.iter().any(is_venue) {
            State::Placed
        } else if names_a_coming_day(title.text(), at) {
            State::Dated
        } else {
            state
        }
    }
}

/// What the tables find in a folded headline.
struct Phrases {
    text: String,
    hits: Vec<Hit>,
}

impl Phrases {
    /// Whether two hits stand near each other in one clause.
    fn join(&self, a: &Hit, b: &Hit) -> bool {
        let (first, second) = if a.at < b.at { (a, b) } else { (b, a) };
        let gap = second.at.checked_sub(first.to).filter(|it| *it <= REACH);
        gap.is_some_and(|gap| {
            let between = self.text.chars().skip(first.to).take(gap);
            !between.into_iter().any(ends_clause)
        })
    }
}

/// Quotation marks and the stops and dots of headlines, as they are folded.
fn ends_clause(c: char) -> bool {
    matches!(c, '.' | '。' | '!' | '?' | ';' | '"' | '“' | '”')
}

/// What joins two names, or a name and what it stands beside.
fn is_joint(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '–' | '‑' | '·' | '・' | '&')
}

/// A headline without its labels.
struct Title<'a> {
    words: &'a Words<'a>,
    lexicon: &'a Lexicon,
    hits: Vec<&'a Hit>,
}

impl<'a> Title<'a> {
    fn text(&self) -> &str {
        &self.words.folded_title.text
    }

    fn kind(&self, hit: &Hit) -> Kind {
        self.lexicon.concept(hit.concept).kind
    }

    fn is(&self, hit: &Hit, set: &ConceptSet) -> bool {
        self.lexicon.closure(hit.concept).intersects(set)
    }

    fn of<'b>(&'b self, set: &'b ConceptSet) -> impl Iterator<Item = &'a Hit> + 'b {
        self.hits.iter().copied().filter(|it| self.is(it, set))
    }

    fn names(&self, set: &ConceptSet) -> bool {
        self.of(set).next().is_some()
    }

    /// Whoever and whatever country is named.
    fn named(&self) -> impl Iterator<Item = &'a Hit> + '_ {
        let is_name = |it: &&Hit| {
            matches!(
                self.kind(it),
                Kind::Person | Kind::Place | Kind::Institution | Kind::Compound
            )
        };
        self.hits.iter().copied().filter(is_name)
    }
}

//! The stories that still take items, indexed by what their items share, so that placing an item
//! costs the same whatever the archive holds.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::BuildHasherDefault;

use jiff::Timestamp;

use crate::story::copies::Texts;
use crate::story::features::Features;
use crate::story::ladder::State;
use crate::story::profile::{Profile, Weighed};
use crate::story::rarity::{Keyed, Rarity, Spread};
use crate::story::step::Step;
use crate::story::{News, Policy, StoryId, blend};
use crate::text::language::Script;

/// A key of more stories than this leads to none of them.
const COMMON: usize = 64;
/// Seconds for which reports of a state that is past keep coming in.
const LATE: f64 = 48.0 * 3600.0;
/// Seconds for which a state that nobody speaks of any more still holds.
const CURRENT: f64 = 14.0 * 24.0 * 3600.0;
/// Words, or pairs of characters, that two texts must share to be alike at all: one is a
/// coincidence, however rare it is.
const WORDS: usize = 2;
/// Candidates compared in full.
const CANDIDATES: usize = 8;

#[derive(Debug)]
pub struct OpenStory {
    pub id: StoryId,
    pub last_seen_at: Timestamp,
    pub surface: Profile,
    pub concepts: Profile,
    distinct: BTreeSet<u32>,
    /// Keys of the facts that its items have brought.
    pub facts: BTreeSet<u32>,
    scripts: [bool; 5],
    /// Independent origins, the first reporter first.
    pub origins: Vec<String>,
    pub texts: Texts,
    pub course: Course,
}

/// How far a story has come, apart from its words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Course {
    /// When it was last alerted.
    pub told_at: Option<Timestamp>,
    pub state: Option<State>,
    /// Party by which it came there.
    pub actor: Option<String>,
    /// Every state it has had, with when it came there.
    pub states: Vec<(State, Timestamp)>,
    /// Whether an official has spoken in it, and whether it began with unnamed sources.
    pub official: bool,
    pub hearsay: bool,
}

/// How an item comes to a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// As its first.
    Opens,
    Joins,
    /// With another day or place for the meeting, whatever became of the one before.
    Sets,
}

impl Course {
    /// The state that a headline tells: what one party confirms after the other did, both have.
    pub fn next(&self, step: &Step) -> Option<State> {
        let other = self.actor.is_some() && step.actor.is_some() && self.actor != step.actor;
        match step.state {
            Some(State::Confirmed) if self.state == Some(State::Confirmed) && other => {
                Some(State::Agreed)
            }
            state => state,
        }
    }

    /// The state that a headline changes the story to. What it has been before is a late report
    /// of that, not a change back.
    pub fn changes(&self, step: &Step, now: Timestamp) -> Option<State> {
        let before = self.state.filter(|_| self.is_current(now));
        let state = self.next(step).filter(|it| it.changes(before))?;
        (!self.has_been(state, now)).then_some(state)
    }

    /// Whether it stood there within the time in which reports keep coming in.
    pub fn has_been(&self, state: State, now: Timestamp) -> bool {
        let late = |(was, at): &(State, Timestamp)| *was == state && age(*at, now) < LATE;
        self.states.iter().any(late)
    }

    /// Lets go of states that no report is judged by any more. A topic has no end, as a story has.
    pub fn forget(&mut self, now: Timestamp) {
        self.states.retain(|(_, at)| age(*at, now) < CURRENT);
    }

    /// Whether the meeting has just ended: what else is told of its course is late.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.state == Some(State::Outcome) && self.has_been(State::Outcome, now)
    }

    /// Whether where it stands is still where the matter stands: talk of last month is over.
    fn is_current(&self, now: Timestamp) -> bool {
        self.states
            .last()
            .is_some_and(|(_, at)| age(*at, now) < CURRENT)
    }

    /// Goes on with an item; whether anything changed.
    pub fn advance(&mut self, step: &Step, arrival: Arrival, now: Timestamp) -> bool {
        let before = self.clone();
        let rises = |state: &State| self.state.is_none_or(|it| !it.is_down() && it < *state);
        let set = step
            .state
            .filter(|_| arrival == Arrival::Sets && !self.is_over(now));
        let state = self.changes(step, now).or(set).or_else(|| {
            // A step too small to be told.
            self.next(step)
                .filter(|it| !it.is_down() && *it != State::Revived)
                .filter(rises)
        });
        if let Some(state) = state {
            self.state = Some(state);
            self.actor.clone_from(&step.actor);
            self.states.push((state, now));
        }
        self.official |= step.official && !step.hearsay;
        self.hearsay |= arrival == Arrival::Opens && step.hearsay;
        *self != before
    }
}

impl OpenStory {
    fn new(id: StoryId, at: Timestamp) -> Self {
        Self {
            id,
            last_seen_at: at,
            surface: Profile::default(),
            concepts: Profile::default(),
            distinct: BTreeSet::new(),
            facts: BTreeSet::new(),
            scripts: [false; 5],
            origins: Vec::new(),
            texts: Texts::default(),
            course: Course::default(),
        }
    }

    pub fn speaks(&self, script: Option<Script>) -> bool {
        script.is_some_and(|it| self.scripts[it as usize])
    }

    /// A further report, by this origin.
    pub fn reported_by(&mut self, origin: &str) {
        if !self.origins.iter().any(|it| it == origin) {
            self.origins.push(origin.to_owned());
        }
    }

    fn add(&mut self, item: &Features) {
        self.surface.add(&item.surface);
        self.concepts.add(&item.concepts);
        self.distinct.extend(&item.distinct);
        self.facts.extend(&item.said);
        if let Some(script) = item.script {
            self.scripts[script as usize] = true;
        }
        self.last_seen_at = self.last_seen_at.max(item.at);
    }

    fn absorb(&mut self, other: Self) {
        self.surface.add(&other.surface);
        self.concepts.add(&other.concepts);
        self.distinct.extend(other.distinct);
        self.facts.extend(other.facts);
        for (own, others) in self.scripts.iter_mut().zip(other.scripts) {
            *own |= others;
        }
        self.last_seen_at = self.last_seen_at.max(other.last_seen_at);
        self.texts.absorb(other.texts);
        for origin in &other.origins {
            self.reported_by(origin);
        }
        let (own, others) = (&mut self.course, other.course);
        own.told_at = own.told_at.max(others.told_at);
        if own.state.is_none() {
            own.state = others.state;
            own.actor = others.actor;
        }
        own.states.extend(others.states);
        own.official |= others.official;
        own.hearsay &= others.hearsay;
    }
}

/// Open stories of one topic.
#[derive(Debug, Default)]
pub struct OpenStories {
    stories: BTreeMap<StoryId, OpenStory>,
    by_age: BTreeSet<(Timestamp, StoryId)>,
    postings: Keyed<Posting>,
    pub rarity: Rarity,
    /// Where the matter of the topic as a whole stands, whatever the story.
    pub course: Course,
}

/// Stories that say a key. Those that have closed stay listed until they are the most, so that
/// closing one costs the same however many share its keys.
#[derive(Debug, Default)]
struct Posting {
    stories: Vec<StoryId>,
    open: usize,
}

impl Posting {
    fn add(&mut self, story: StoryId) {
        self.stories.push(story);
        self.open += 1;
    }
}

/// A story beside an item. From a closeness of 1 on they tell one happening.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    pub story: StoryId,
    pub closeness: f64,
    pub joins: bool,
}

impl OpenStories {
    pub fn get(&self, id: StoryId) -> Option<&OpenStory> {
        self.stories.get(&id)
    }

    pub fn get_mut(&mut self, id: StoryId) -> Option<&mut OpenStory> {
        self.stories.get_mut(&id)
    }

    pub fn len(&self) -> usize {
        self.stories.len()
    }

    pub fn is_empty(&self) -> bool {
        self.stories.is_empty()
    }

    /// Opens a story with its first item.
    pub fn open(&mut self, id: StoryId, item: &Features) {
        self.rarity.opened(item.keys());
        self.add(id, item);
    }

    /// Adds an item to a story.
    pub fn add(&mut self, id: StoryId, item: &Features) {
        let story = self
            .stories
            .entry(id)
            .or_insert_with(|| OpenStory::new(id, item.at));
        for key in item.surface.keys() {
            if !story.surface.contains(key) {
                self.postings.entry(key).or_default().add(id);
            }
        }
        for key in item.concepts.keys() {
            if !story.concepts.contains(key) {
                self.postings.entry(key).or_default().add(id);
            }
        }
        self.by_age.remove(&(story.last_seen_at, id));
        story.add(item);
        self.by_age.insert((story.last_seen_at, id));
    }

    /// The story that another one has turned out to be takes its items from now on.
    pub fn merge(&mut self, from: StoryId, into: StoryId) {
        let (Some(gone), Some(mut story)) = (self.close(from), self.stories.remove(&into)) else {
            return;
        };
        for (own, others) in [
            (&story.surface, &gone.surface),
            (&story.concepts, &gone.concepts),
        ] {
            for key in others.keys().filter(|key| !own.contains(*key)) {
                self.postings.entry(key).or_default().add(into);
            }
        }
        self.by_age.remove(&(story.last_seen_at, into));
        story.absorb(gone);
        self.by_age.insert((story.last_seen_at, into));
        self.stories.insert(into, story);
    }

    /// Forgets stories that took no item within the window before `now`.
    pub fn close_before(&mut self, now: Timestamp, policy: &Policy) {
        while let Some(&(last_seen_at, id)) = self.by_age.first() {
            if last_seen_at >= now || age(last_seen_at, now) <= policy.window.as_secs_f64() {
                return;
            }
            self.close(id);
        }
    }

    fn close(&mut self, id: StoryId) -> Option<OpenStory> {
        let story = self.stories.remove(&id)?;
        self.by_age.remove(&(story.last_seen_at, id));
        for key in story.surface.keys().chain(story.concepts.keys()) {
            let Some(posting) = self.postings.get_mut(&key) else {
                continue;
            };
            posting.open = posting.open.saturating_sub(1);
            if posting.open == 0 {
                self.postings.remove(&key);
            } else if posting.stories.len() > 2 * posting.open + 8 {
                posting.stories.retain(|it| self.stories.contains_key(it));
            }
        }
        Some(story)
    }

    /// Stories by closeness to `item`, closest first.
    /// `tells` is the state that the item's headline tells.
    pub fn ranked(&self, item: &Features, tells: Option<State>, policy: &Policy) -> Vec<Ranked> {
        let weighed = (
            item.surface.weighed(&self.rarity),
            item.concepts.weighed(&self.rarity),
        );
        let mut ranked: Vec<Ranked> = self
            .candidates(item)
            .into_iter()
            .map(|story| self.compare(item, tells, &weighed, story, policy))
            .collect();
        ranked.sort_by(|a, b| {
            b.joins
                .cmp(&a.joins)
                .then(b.closeness.total_cmp(&a.closeness))
                .then(a.story.cmp(&b.story))
        });
        ranked
    }

    /// Stories that share most with `item`, for their size.
    fn candidates(&self, item: &Features) -> Vec<&OpenStory> {
        let mut shared: HashMap<StoryId, f64, BuildHasherDefault<Spread>> = HashMap::default();
        for key in item.keys() {
            if let Some(posting) = self.postings.get(&key).filter(|it| it.open <= COMMON) {
                let rare = self.rarity.of(key);
                for id in &posting.stories {
                    *shared.entry(*id).or_default() += rare;
                }
            }
        }
        let mut candidates: Vec<(f64, &OpenStory)> = shared
            .into_iter()
            .filter_map(|(id, shared)| {
                let story = self.stories.get(&id)?;
                #[expect(clippy::cast_precision_loss, reason = "some thousand keys")]
                let size = (story.surface.len() + story.concepts.len()) as f64;
                Some((shared / size.sqrt(), story))
            })
            .collect();
        candidates.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.id.cmp(&a.1.id)));
        candidates.truncate(CANDIDATES);
        candidates.into_iter().map(|(_, story)| story).collect()
    }

    fn compare(
        &self,
        item: &Features,
        tells: Option<State>,
        (surface, concepts): &(Weighed, Weighed),
        story: &OpenStory,
        policy: &Policy,
    ) -> Ranked {
        let surface = surface.cosine(&story.surface, WORDS, &self.rarity);
        let concepts = concepts.cosine(&story.concepts, 1, &self.rarity);
        let one_script = story.speaks(item.script);
        let near = policy.nearness(age(story.last_seen_at, item.at));
        let same = if one_script && surface > 0.0 {
            near * blend(surface, concepts) / policy.join
        } else {
            0.0
        };
        let gated =
            gate(&item.concepts, &item.distinct, story) && (!one_script || surface >= policy.trace);
        let cross = if gated {
            near * concepts / policy.join_by_concepts
        } else {
            0.0
        };
        // The same turn of the same meeting, in whatever words.
        let has_been = |course: &Course| tells.is_some_and(|it| course.has_been(it, item.at));
        let turn = if has_been(&story.course) {
            policy.same_turn
        } else {
            1.0
        };
        let closeness = same.max(cross) * turn;
        let news = || News::of(item, Some(story), &self.rarity);
        // Nearly close enough, and it names nothing that the story lacks.
        let nothing_else = || {
            item.title_concepts.len() > 1
                && (!one_script || news().unsaid < policy.retold)
                && item
                    .title_concepts
                    .iter()
                    .all(|it| story.concepts.contains(*it))
                && item.facts.iter().all(|it| story.facts.contains(&it.key))
        };
        Ranked {
            story: story.id,
            closeness,
            joins: match closeness {
                surely if surely >= policy.surely => true,
                close if close >= 1.0 => {
                    has_been(&story.course)
                        || has_been(&self.course)
                        || news().novelty < policy.novelty
                }
                near => near >= policy.nearly && nothing_else(),
            },
        }
    }

    /// The story that `story` turns out to be, now that an item has joined it that came near to
    /// others too; the earlier of the two takes the items of the later.
    pub fn same_as(
        &self,
        story: StoryId,
        ranked: &[Ranked],
        policy: &Policy,
    ) -> Option<(StoryId, f64)> {
        let story = self.stories.get(&story)?;
        let near = ranked
            .iter()
            .filter(|it| it.story != story.id && it.closeness >= policy.merge_near);
        near.filter_map(|it| self.stories.get(&it.story))
            .map(|other| (other.id, self.compare_stories(story, other, policy)))
            .filter(|(_, closeness)| *closeness >= 1.0)
            .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
    }

    fn compare_stories(&self, a: &OpenStory, b: &OpenStory, policy: &Policy) -> f64 {
        let rarity = &self.rarity;
        let surface = a.surface.weighed(rarity).cosine(&b.surface, WORDS, rarity);
        let concepts = a.concepts.weighed(rarity).cosine(&b.concepts, 1, rarity);
        let near = policy.nearness(age(a.last_seen_at, b.last_seen_at));
        let one_script = a.scripts.iter().zip(b.scripts).any(|(a, b)| *a && b);
        let same = if one_script {
            near * blend(surface, concepts) / policy.merge
        } else {
            0.0
        };
        let distinct: Vec<u32> = a.distinct.iter().copied().collect();
        let cross = if gate(&a.concepts, &distinct, b) {
            near * concepts / policy.merge_by_concepts
        } else {
            0.0
        };
        same.max(cross)
    }
}

/// Across scripts three concepts must meet, one of which tells happenings apart.
fn gate(concepts: &Profile, distinct: &[u32], story: &OpenStory) -> bool {
    distinct.iter().any(|it| story.distinct.contains(it))
        && concepts
            .keys()
            .filter(|it| story.concepts.contains(*it))
            .nth(2)
            .is_some()
}

/// Seconds between two instants, whichever is earlier.
fn age(a: Timestamp, b: Timestamp) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "seconds of a few days")]
    let seconds = (a.as_second() - b.as_second()).unsigned_abs() as f64;
    seconds
}

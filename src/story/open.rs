//! The stories that still take items, indexed by what their items share, so that placing an item
//! costs the same whatever the archive holds.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use jiff::Timestamp;

use crate::story::features::Features;
use crate::story::{Policy, StoryId};
use crate::topic::lexicon::ConceptId;

/// Items of a story that a newcomer is compared with; the last ones carry the current wording.
const MEMBERS: usize = 12;
/// A gram of more stories than this says nothing about any of them.
const COMMON: usize = 200;
/// Candidates compared in full.
const CANDIDATES: usize = 24;

#[derive(Debug)]
pub struct OpenStory {
    pub id: StoryId,
    pub members: VecDeque<Features>,
    /// Keys of the facts its items have brought.
    pub told: BTreeSet<String>,
    pub last_seen_at: Timestamp,
}

/// Open stories of one topic.
#[derive(Debug, Default)]
pub struct OpenStories {
    stories: BTreeMap<StoryId, OpenStory>,
    postings: HashMap<Key, Vec<StoryId>>,
    /// In how many open stories a key occurs is the length of its posting list; this is how many
    /// stories there are.
    n_stories: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Gram(u32),
    Concept(ConceptId),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    pub story: StoryId,
    pub similarity: f64,
    pub joins: bool,
}

impl OpenStories {
    pub fn get(&self, id: StoryId) -> Option<&OpenStory> {
        self.stories.get(&id)
    }

    pub fn len(&self) -> usize {
        self.stories.len()
    }

    pub fn is_empty(&self) -> bool {
        self.stories.is_empty()
    }

    /// Adds an item to a story, opening it if it is new.
    pub fn add(&mut self, id: StoryId, item: Features) {
        let is_new = !self.stories.contains_key(&id);
        self.n_stories += usize::from(is_new);
        for key in keys(&item) {
            let posting = self.postings.entry(key).or_default();
            if !posting.contains(&id) {
                posting.push(id);
            }
        }
        let story = self.stories.entry(id).or_insert_with(|| OpenStory {
            id,
            members: VecDeque::new(),
            told: BTreeSet::new(),
            last_seen_at: item.at,
        });
        story
            .told
            .extend(item.facts.iter().map(|fact| fact.key.clone()));
        story.last_seen_at = story.last_seen_at.max(item.at);
        // The opener stays: later items drift away from it, copies of it may still come.
        if story.members.len() == MEMBERS {
            story.members.remove(1);
        }
        story.members.push_back(item);
    }

    /// Forgets stories that took no item within the window before `now`.
    pub fn close_before(&mut self, now: Timestamp, policy: &Policy) {
        let closed: BTreeSet<StoryId> = self
            .stories
            .values()
            .filter(|story| age(story.last_seen_at, now) > policy.window.as_secs_f64())
            .map(|story| story.id)
            .collect();
        if closed.is_empty() {
            return;
        }
        self.stories.retain(|id, _| !closed.contains(id));
        self.postings.retain(|_, posting| {
            posting.retain(|id| !closed.contains(id));
            !posting.is_empty()
        });
        self.n_stories = self.stories.len();
    }

    /// Stories by likeness to `item`, best first; those it may join before those it may not.
    pub fn ranked(&self, item: &Features, policy: &Policy) -> Vec<Ranked> {
        let mut shared: HashMap<StoryId, f64> = HashMap::new();
        for key in keys(item) {
            if let Some(posting) = self.postings.get(&key).filter(|it| it.len() <= COMMON) {
                for id in posting {
                    *shared.entry(*id).or_default() += self.rarity(posting.len());
                }
            }
        }
        let mut candidates: Vec<(StoryId, f64)> = shared.into_iter().collect();
        candidates.sort_by(|a, b| b.1.total_cmp(&a.1).then(b.0.cmp(&a.0)));
        candidates.truncate(CANDIDATES);
        let mut ranked: Vec<Ranked> = candidates
            .iter()
            .map(|(id, _)| self.compare(item, &self.stories[id], policy))
            .collect();
        ranked.sort_by(|a, b| {
            b.joins
                .cmp(&a.joins)
                .then(b.similarity.total_cmp(&a.similarity))
                .then(a.story.cmp(&b.story))
        });
        ranked
    }

    fn compare(&self, item: &Features, story: &OpenStory, policy: &Policy) -> Ranked {
        let (mut similarity, mut joins) = (0.0_f64, false);
        for member in &story.members {
            // Half after a day and a half: the same words next week are another happening.
            let decay = 0.5_f64.powf(age(member.at, item.at) / (36.0 * 3600.0));
            let near = 0.6 + 0.4 * decay;
            let concepts = self.concept_overlap(item, member);
            let (alike, threshold) = if item.script == member.script {
                let grams = self.gram_overlap(item, member);
                (
                    near * (0.75 * grams + 0.25 * concepts * f64::from(grams > 0.15)),
                    policy.join_same_script,
                )
            } else {
                let distinct = shares_fact(item, member);
                (
                    near * concepts * f64::from(u8::from(distinct)),
                    policy.join_cross_script,
                )
            };
            similarity = similarity.max(alike);
            joins |= alike >= threshold;
        }
        Ranked {
            story: story.id,
            similarity,
            joins,
        }
    }

    /// Shared weight over the weight of the smaller set, so that a long summary does not dilute.
    fn gram_overlap(&self, a: &Features, b: &Features) -> f64 {
        let weight =
            |gram: u32| self.rarity(self.postings.get(&Key::Gram(gram)).map_or(0, Vec::len));
        let total =
            |features: &Features| features.grams.iter().map(|gram| weight(*gram)).sum::<f64>();
        let (mut shared, mut n_shared) = (0.0, 0);
        let (mut i, mut j) = (0, 0);
        while i < a.grams.len() && j < b.grams.len() {
            match a.grams[i].cmp(&b.grams[j]) {
                std::cmp::Ordering::Less => i += 1,
                std::cmp::Ordering::Greater => j += 1,
                std::cmp::Ordering::Equal => {
                    shared += weight(a.grams[i]);
                    n_shared += 1;
                    i += 1;
                    j += 1;
                }
            }
        }
        if n_shared < 3 {
            return 0.0;
        }
        let (a, b) = (total(a), total(b));
        // Between overlap (which a title inside a long text satisfies) and Jaccard.
        let smaller = a.min(b).max(f64::MIN_POSITIVE);
        0.5 * shared / smaller + 0.5 * shared / (a + b - shared).max(f64::MIN_POSITIVE)
    }

    fn concept_overlap(&self, a: &Features, b: &Features) -> f64 {
        let weight = |id| self.rarity(self.postings.get(&Key::Concept(id)).map_or(0, Vec::len));
        let total = |features: &Features| features.concepts.iter().map(weight).sum::<f64>();
        let shared: Vec<ConceptId> = a
            .concepts
            .iter()
            .filter(|id| b.concepts.contains(*id))
            .collect();
        if shared.len() < 3 {
            return 0.0;
        }
        let both: f64 = shared.into_iter().map(weight).sum();
        let (a, b) = (total(a), total(b));
        0.5 * both / a.min(b).max(f64::MIN_POSITIVE)
            + 0.5 * both / (a + b - both).max(f64::MIN_POSITIVE)
    }

    /// How telling a key of so many stories is: 1 for one story, towards 0 for all of them.
    fn rarity(&self, n: usize) -> f64 {
        let n_stories = self.n_stories.max(20);
        #[expect(clippy::cast_precision_loss, reason = "counts of stories are small")]
        let ratio = (1.0 + n_stories as f64) / (1.0 + n as f64);
        ratio.ln().max(0.05)
    }
}

fn keys(item: &Features) -> impl Iterator<Item = Key> + '_ {
    item.grams
        .iter()
        .map(|gram| Key::Gram(*gram))
        .chain(item.concepts.iter().map(Key::Concept))
}

fn shares_fact(a: &Features, b: &Features) -> bool {
    a.facts
        .iter()
        .any(|fact| b.facts.iter().any(|other| other.key == fact.key))
}

/// Seconds between two instants, whichever is earlier.
fn age(a: Timestamp, b: Timestamp) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "seconds of a few days")]
    let seconds = (a.as_second() - b.as_second()).unsigned_abs() as f64;
    seconds
}

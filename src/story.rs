//! One happening over many items in any language: where an item belongs and what it adds. Pure.
//!
//! The interface is narrow on purpose: [`features::Features`] of an item, the open stories, and
//! out comes a [`Placement`] and perhaps a [`Development`].

pub mod copies;
pub mod features;
pub mod ladder;
pub mod open;
pub mod origin;
pub mod profile;
pub mod quote;
pub mod rarity;
pub mod step;
pub mod wording;

pub use features::Features;
pub use open::OpenStories;

use std::time::Duration;

use jiff::Timestamp;

use crate::story::features::FactKind;
use crate::story::ladder::State;
use crate::story::open::{Course, OpenStory, Ranked};
use crate::story::origin::Origins;
use crate::story::rarity::Rarity;
use crate::story::step::{Ladder, Step};
use crate::story::wording::Wording;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StoryId(pub i64);

/// Languages as data: what reading a headline for its story needs beside the lexicon.
#[derive(Debug)]
pub struct Tables {
    pub wording: Wording,
    pub ladder: Ladder,
    pub origins: Origins,
}

/// Thresholds are cosines of profiles weighted by rarity; found on threads of several subjects,
/// where each may move by a tenth to either side without harm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Policy {
    /// A story without news for so long takes no more items.
    pub window: Duration,
    /// Half of what a story's age can take from its nearness is gone after so long.
    pub half_life: Duration,
    /// Likeness from which an item in a script of the story joins it.
    pub join: f64,
    /// … by concepts and dates alone, across scripts.
    pub join_by_concepts: f64,
    /// The same for two stories that turn out to be one.
    pub merge: f64,
    pub merge_by_concepts: f64,
    /// Share of a threshold that is enough for an item that names nothing new.
    pub nearly: f64,
    /// … and of whose headline no larger share is unsaid.
    pub retold: f64,
    /// How much nearer an item is to a story that has told the same turn of the meeting.
    pub same_turn: f64,
    /// Closeness of an item to a second story from which the two may be one.
    pub merge_near: f64,
    /// Closeness up to which an item whose headline is news to the story is another happening.
    pub surely: f64,
    /// Likeness of wording below which one script tells two happenings, whatever the concepts.
    pub trace: f64,
    /// What a headline adds to its story, unknown words and facts together, to be a development.
    pub novelty: f64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(72 * 3600),
            half_life: Duration::from_secs(24 * 3600),
            join: 0.13,
            join_by_concepts: 0.35,
            merge: 0.2,
            merge_by_concepts: 0.45,
            nearly: 0.8,
            retold: 0.85,
            same_turn: 1.5,
            merge_near: 0.3,
            surely: 1.6,
            trace: 0.05,
            novelty: 1.3,
        }
    }
}

impl Policy {
    /// 1 for what happens now, towards a half with age: the same words next week are news again.
    fn nearness(&self, age_secs: f64) -> f64 {
        0.5 + 0.5 * 0.5_f64.powf(age_secs / self.half_life.as_secs_f64())
    }
}

/// Wording counts four times what concepts do, where both can be compared.
fn blend(surface: f64, concepts: f64) -> f64 {
    (surface + 0.25 * concepts) / 1.25
}

/// Where an item landed, and what else came near.
#[derive(Debug, Clone, PartialEq)]
pub struct Placement {
    pub ranked: Vec<Ranked>,
}

impl Placement {
    /// The story that the item joins, unless it opens one.
    pub fn joins(&self) -> Option<Ranked> {
        self.ranked.first().copied().filter(|it| it.joins)
    }
}

/// Places an item among the open stories; `tells` is the state of a meeting that its headline tells.
pub fn place(
    item: &Features,
    tells: Option<State>,
    open: &OpenStories,
    policy: &Policy,
) -> Placement {
    Placement {
        ranked: open.ranked(item, tells, policy),
    }
}

/// A change worth telling.
#[derive(Debug, Clone, PartialEq)]
pub struct Development {
    pub kind: DevelopmentKind,
    /// Weight of what is new, 0..1.
    pub novelty: f64,
    /// For people: why this is new.
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DevelopmentKind {
    Opens,
    Fact,
    /// The meeting stands elsewhere than before.
    State,
    /// The first official word on what unnamed sources told.
    Official,
    /// What was told has been changed or withdrawn.
    Correction,
}

impl DevelopmentKind {
    pub const ALL: [Self; 5] = [
        Self::Opens,
        Self::Fact,
        Self::State,
        Self::Official,
        Self::Correction,
    ];

    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }

    /// As configuration and the archive spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opens => "opens",
            Self::Fact => "fact",
            Self::State => "state",
            Self::Official => "official",
            Self::Correction => "correction",
        }
    }
}

/// Share of a headline from which it is as good as all unsaid, and what that is worth.
const UNHEARD: f64 = 0.9;
const UNHEARD_WORTH: f64 = 0.5;

/// What an item's headline adds to its story.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct News {
    /// Glosses of facts the story lacks, and of those it has.
    pub new: Vec<String>,
    pub known: Vec<String>,
    /// Those of the new facts that may set a meeting: days and places.
    pub settings: Vec<String>,
    /// Share of the headline, by rarity, that the story has not said.
    pub unsaid: f64,
    /// `unsaid` and the weights of the new facts.
    pub novelty: f64,
}

impl News {
    /// Beside the story that `item` joins, or beside nothing for the opener.
    pub fn of(item: &Features, story: Option<&OpenStory>, rarity: &Rarity) -> Self {
        let Some(story) = story else {
            return Self {
                new: item.facts.iter().map(|it| it.gloss.clone()).collect(),
                unsaid: 1.0,
                ..Self::default()
            };
        };
        let unsaid = if story.speaks(item.script) {
            story.surface.lacks(&item.title_grams, rarity)
        } else {
            story.concepts.lacks(&item.title_concepts, rarity)
        };
        // Where the story speaks the same script, a headline of which it has said nothing is another.
        let unheard = story.speaks(item.script) && unsaid > UNHEARD;
        let mut news = Self {
            unsaid,
            novelty: unsaid + if unheard { UNHEARD_WORTH } else { 0.0 },
            ..Self::default()
        };
        for fact in &item.facts {
            if story.facts.contains(&fact.key) {
                news.known.push(fact.gloss.clone());
            } else {
                news.new.push(fact.gloss.clone());
                if matches!(fact.kind, FactKind::Date | FactKind::Place) {
                    news.settings.push(fact.gloss.clone());
                }
                // A concept of every other story is no news in this one.
                news.novelty += fact.weight * (1.5 * rarity.of(fact.key)).min(1.0);
            }
        }
        news
    }
}

/// The development of opening a story.
pub fn opening(nearest: Option<Ranked>) -> Development {
    let reason = match nearest {
        Some(near) => format!(
            "opens a story: the nearest, story {}, has {:.0} % of the closeness that joining takes{}",
            near.story.0,
            near.closeness * 100.0,
            if near.closeness < 1.0 {
                ""
            } else {
                ", but this is news to it"
            }
        ),
        None => "opens a story: no open story shares its words or facts".to_owned(),
    };
    Development {
        kind: DevelopmentKind::Opens,
        novelty: 1.0,
        reason,
    }
}

/// The development of joining a story that no alert has told.
pub fn first_told(story: StoryId) -> Development {
    Development {
        kind: DevelopmentKind::Opens,
        novelty: 1.0,
        reason: format!(
            "the first news of story {}, which no alert has told yet",
            story.0
        ),
    }
}

/// What `item` adds to a story it has joined, when that is enough to tell.
pub fn assess(news: &News, policy: &Policy) -> Option<Development> {
    if news.novelty < policy.novelty {
        return None;
    }
    let reason = if news.new.is_empty() {
        format!(
            "{:.0} % of its headline is new in this story",
            news.unsaid * 100.0
        )
    } else {
        format!("new in this story: {}", news.new.join(", "))
    };
    Some(Development {
        kind: DevelopmentKind::Fact,
        novelty: (news.novelty / (news.novelty + policy.novelty)).min(1.0),
        reason,
    })
}

/// A change of where the meeting of a topic stands, whatever the story.
pub fn turns(step: &Step, topic: &Course, now: Timestamp) -> Option<Development> {
    let state = topic.changes(step, now)?;
    let before = topic
        .state
        .map_or(String::new(), |it| format!(", before {}", it.gloss()));
    let by = step
        .actor
        .as_deref()
        .map_or(String::new(), |it| format!(" (says or does: {it})"));
    Some(Development {
        kind: DevelopmentKind::State,
        novelty: 1.0,
        reason: format!("the meeting is now {}{by}{before}", state.gloss()),
    })
}

/// Whether a headline gives the meeting a day or place that its story lacked.
pub fn sets(step: &Step, news: &News) -> bool {
    matches!(step.state, Some(State::Dated | State::Placed)) && !news.settings.is_empty()
}

/// A change of where the meeting of a story stands, or the first official word on hearsay. What
/// another story of the `topic` has just told is none.
pub fn stands(
    step: &Step,
    news: &News,
    course: &Course,
    topic: &Course,
    now: Timestamp,
) -> Option<Development> {
    // A rise in words that the story has said is a phrase misread.
    let said = |state: State| !state.is_down() && state != State::Revived && news.unsaid < 0.25;
    let told_elsewhere = |state: State| topic.has_been(state, now) || topic.is_over(now);
    if course
        .changes(step, now)
        .is_some_and(|it| !said(it) && !told_elsewhere(it))
    {
        return turns(step, course, now);
    }
    if sets(step, news) && !topic.is_over(now) {
        return Some(Development {
            kind: DevelopmentKind::State,
            novelty: 1.0,
            reason: format!(
                "the meeting is now set otherwise: {}",
                news.settings.join(", ")
            ),
        });
    }
    let first_word = course.hearsay && !course.official && step.official && !step.hearsay;
    first_word.then(|| Development {
        kind: DevelopmentKind::Official,
        novelty: 0.8,
        reason: "the first official word on what unnamed sources told".to_owned(),
    })
}

/// What a revision takes back of what its item said: it now calls itself a correction, or names
/// other dates or numbers.
pub fn correction(was: &Features, item: &Features, step: &Step) -> Option<Development> {
    let lost: Vec<&str> = was
        .facts
        .iter()
        .filter(|it| it.kind.is_number() && !item.facts.iter().any(|other| other.key == it.key))
        .map(|it| it.gloss.as_str())
        .collect();
    let now: Vec<&str> = item
        .facts
        .iter()
        .filter(|it| it.kind.is_number() && !was.facts.iter().any(|other| other.key == it.key))
        .map(|it| it.gloss.as_str())
        .collect();
    let replaced = !lost.is_empty() && !now.is_empty();
    let reason = match (replaced, step.correction) {
        (true, _) => format!("corrected: {} is now {}", lost.join(", "), now.join(", ")),
        (false, true) => "its outlet has corrected or withdrawn it".to_owned(),
        (false, false) => return None,
    };
    Some(Development {
        kind: DevelopmentKind::Correction,
        novelty: 1.0,
        reason,
    })
}

/// A told item that its feed dropped.
pub fn withdrawn() -> Development {
    Development {
        kind: DevelopmentKind::Correction,
        novelty: 1.0,
        reason: "taken back: its feed no longer lists it, and still lists what is older".to_owned(),
    }
}

#[cfg(test)]
mod tests;

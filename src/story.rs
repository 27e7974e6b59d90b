//! One happening over many items in any language: where an item belongs and what it adds. Pure.
//!
//! The interface is narrow on purpose: [`features::Features`] of an item, the open stories, and
//! out comes a [`Placement`] and perhaps a [`Development`].

pub mod features;
pub mod ladder;
pub mod open;
pub mod origin;
pub mod profile;
pub mod rarity;
pub mod wording;

pub use features::Features;
pub use open::OpenStories;

use std::time::Duration;

use jiff::Timestamp;

use crate::story::ladder::{Ladder, State, Step};
use crate::story::open::{Course, OpenStory, Ranked};
use crate::story::origin::Origins;
use crate::story::rarity::Rarity;
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
            surely: 1.6,
            trace: 0.05,
            novelty: 1.1,
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

/// Places an item among the open stories.
pub fn place(item: &Features, open: &OpenStories, policy: &Policy) -> Placement {
    Placement {
        ranked: open.ranked(item, policy),
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

/// What an item's headline adds to its story.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct News {
    /// Glosses of facts the story lacks, and of those it has.
    pub new: Vec<String>,
    pub known: Vec<String>,
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
        let mut news = Self {
            unsaid,
            novelty: unsaid,
            ..Self::default()
        };
        for fact in &item.facts {
            if story.facts.contains(&fact.key) {
                news.known.push(fact.gloss.clone());
            } else {
                news.new.push(fact.gloss.clone());
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

/// A change of where a meeting stands, or the first official word on hearsay.
pub fn stands(step: &Step, news: &News, course: &Course, now: Timestamp) -> Option<Development> {
    // A rise in words that the story has said is a phrase misread.
    let said = |state: State| !state.is_down() && state != State::Revived && news.unsaid < 0.25;
    if let Some(state) = course.changes(step, now).filter(|it| !said(*it)) {
        let before = course
            .state
            .map_or(String::new(), |it| format!(", before {}", it.gloss()));
        let by = step
            .actor
            .as_deref()
            .map_or(String::new(), |it| format!(" (says or does: {it})"));
        return Some(Development {
            kind: DevelopmentKind::State,
            novelty: 1.0,
            reason: format!("the meeting is now {}{by}{before}", state.gloss()),
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
        .filter(|it| it.is_number && !item.facts.iter().any(|other| other.key == it.key))
        .map(|it| it.gloss.as_str())
        .collect();
    let now: Vec<&str> = item
        .facts
        .iter()
        .filter(|it| it.is_number && !was.facts.iter().any(|other| other.key == it.key))
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

#[cfg(test)]
mod tests;

//! One happening over many items in any language: where an item belongs and what it adds. Pure.
//!
//! The interface is narrow on purpose: [`features::Features`] of an item, the open stories, and
//! out comes a [`Placement`] and perhaps a [`Development`].

pub mod features;
pub mod open;

pub use features::Features;
pub use open::OpenStories;

use std::time::Duration;

use crate::story::features::Fact;
use crate::story::open::OpenStory;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StoryId(pub i64);

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Policy {
    /// A story without news for so long takes no more items.
    pub window: Duration,
    /// Weighted overlap from which items in one script tell the same happening.
    pub join_same_script: f64,
    /// The same across scripts, where concepts, dates and numbers must carry it.
    pub join_cross_script: f64,
    /// Weight of new facts from which an item of a known story is a development.
    pub fact_threshold: f64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(72 * 3600),
            join_same_script: 0.34,
            join_cross_script: 0.5,
            fact_threshold: 1.0,
        }
    }
}

/// Where an item landed.
#[derive(Debug, Clone, PartialEq)]
pub enum Placement {
    /// It opens a story; the nearest one was not near enough.
    Opens {
        nearest: Option<(StoryId, f64)>,
    },
    Joins {
        story: StoryId,
        similarity: f64,
    },
}

/// Places an item among the open stories.
pub fn place(item: &Features, open: &OpenStories, policy: &Policy) -> Placement {
    let ranked = open.ranked(item, policy);
    match ranked.first() {
        Some(best) if best.joins => Placement::Joins {
            story: best.story,
            similarity: best.similarity,
        },
        best => Placement::Opens {
            nearest: best.map(|it| (it.story, it.similarity)),
        },
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
    /// Sentences that carry it: 0 is the title, then those of the summary.
    pub sentences: Vec<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DevelopmentKind {
    Opens,
    Fact,
}

impl DevelopmentKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opens => "opens",
            Self::Fact => "fact",
        }
    }
}

/// The development of opening a story.
pub fn opening(nearest: Option<(StoryId, f64)>) -> Development {
    let reason = match nearest {
        Some((story, similarity)) => {
            format!(
                "opens a story: the nearest, story {}, is {:.0} % alike",
                story.0,
                similarity * 100.0
            )
        }
        None => "opens a story: no open story shares its words or facts".to_owned(),
    };
    Development {
        kind: DevelopmentKind::Opens,
        novelty: 1.0,
        reason,
        sentences: vec![0],
    }
}

/// What `item` adds to a story it has joined, when that is enough to tell.
pub fn assess(item: &Features, story: &OpenStory, policy: &Policy) -> Option<Development> {
    let new: Vec<&Fact> = item
        .facts
        .iter()
        .filter(|fact| !story.told.contains(&fact.key))
        .collect();
    let weight: f64 = new.iter().map(|fact| fact.weight).sum();
    if weight < policy.fact_threshold {
        return None;
    }
    let mut sentences: Vec<u16> = new.iter().map(|fact| fact.sentence).collect();
    sentences.sort_unstable();
    sentences.dedup();
    let names: Vec<&str> = new.iter().map(|fact| fact.gloss.as_str()).collect();
    Some(Development {
        kind: DevelopmentKind::Fact,
        novelty: (weight / (weight + policy.fact_threshold)).min(1.0),
        reason: format!("new in this story: {}", names.join(", ")),
        sentences,
    })
}

#[cfg(test)]
mod tests;

//! Developments and stories: what a headline states, which open development a report tells, and
//! where the matter of a topic stands. Pure.
//!
//! An item becomes a [`report::Report`]; [`board::Board::place`] ranks the open developments for it by
//! a sum of named signs ([`signs`], [`weights`]). A story is the long affair that developments
//! belong to; what is new is asked of developments only.

pub mod board;
pub mod context;
pub mod course;
pub mod development;
pub mod frequency;
pub mod headline;
pub mod ladder;
pub mod numbers;
pub mod origin;
pub mod phrases;
pub mod quote;
pub mod report;
pub mod signs;
pub mod speaker;
pub mod statement;
pub mod vector;
pub mod weights;
pub mod wording;

use crate::story::origin::Origins;
use std::collections::BTreeMap;

use crate::story::statement::{Matter, Reader};
use crate::story::weights::Weights;
use crate::story::wording::Wording;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StoryId(pub i64);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DevelopmentId(pub i64);

/// The files of `config/reading`: how headlines are read and reports are compared.
#[derive(Debug)]
pub struct Tables {
    pub wording: Wording,
    pub reader: Reader,
    pub origins: Origins,
    pub weights: Weights,
    /// By the names of topics; see [`Self::matter`].
    pub matters: BTreeMap<String, Matter>,
    /// Of a topic that says nothing of a course.
    pub no_matter: Matter,
}

impl Tables {
    /// The matter of a topic.
    pub fn matter(&self, topic: &str) -> &Matter {
        self.matters.get(topic).unwrap_or(&self.no_matter)
    }
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

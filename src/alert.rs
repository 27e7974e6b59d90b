//! Whether a development is told now, and if not, why. Pure.

use crate::story::Development;

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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Alert,
    Silent(Reason),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    History,
    Copy,
    /// The story has it already.
    AlreadyTold,
}

impl Decision {
    /// As `story_items.decision` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Silent(Reason::History) => "silent: history",
            Self::Silent(Reason::Copy) => "silent: copy",
            Self::Silent(Reason::AlreadyTold) => "silent: already told",
        }
    }
}

pub fn decide(standing: Standing, development: Option<&Development>) -> Decision {
    match (standing, development) {
        (Standing::Copy, _) => Decision::Silent(Reason::Copy),
        (_, None) => Decision::Silent(Reason::AlreadyTold),
        (Standing::History, Some(_)) => Decision::Silent(Reason::History),
        (Standing::News, Some(_)) => Decision::Alert,
    }
}

//! The ladder of a meeting: from a wish to an outcome, and down again. Which state a headline tells is
//! [`crate::story::statement`]'s to read; a topic may give the steps words of its own.

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

const STATES: [(State, &str, &str); 15] = [
    (State::Floated, "floated", "floated"),
    (State::Wished, "wished", "wished for"),
    (State::Proposed, "proposed", "proposed"),
    (State::Planned, "planned", "planned"),
    (State::Confirmed, "confirmed", "confirmed by one side"),
    (State::Agreed, "agreed", "confirmed by both sides"),
    (State::Dated, "dated", "date set"),
    (State::Placed, "placed", "place set"),
    (State::UnderWay, "under-way", "under way"),
    (State::Outcome, "outcome", "over"),
    (State::Revived, "revived", "on again"),
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
            // What was only doubted or declined stands again where it is confirmed.
            Some(Self::Doubted | Self::Declined) => {
                self >= Self::Confirmed && self != Self::Revived
            }
            Some(before) if before.is_down() => self >= Self::UnderWay || self == Self::Agreed,
            Some(Self::Revived) => self != Self::Revived && self.tier() > 1,
            Some(_) | None if self == Self::Revived => false,
            before => self.tier() > before.map_or(0, Self::tier),
        }
    }
}

//! What one feed may do to the archive and to its readers, whatever it sends. Pure. Each bound is far
//! above what the busiest honest feeds do, and what goes beyond it makes the feed `odd`.

/// Bounds for every feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// New items a day (UTC) that are kept, the newest of each document first. An agency's whole
    /// wire brings some 3,000; an item takes at most 30 kB, so a feed fills at most 150 MB a day.
    pub new_per_day: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { new_per_day: 5_000 }
    }
}

/// Changes of items that are kept of a feed a day. A live page is changed some hundred times.
pub const REVISED_PER_DAY: usize = 2_000;
/// Changes of one item within a day that are judged anew. An outlet corrects a headline two or three
/// times; a counter in a headline changes it at each visit.
pub const JUDGED_PER_ITEM: usize = 6;
/// Headlines that a visit may change in nothing but numbers. An outlet corrects one date or one toll;
/// who changes many at once shows counters.
pub const NUMBERS_PER_VISIT: usize = 3;

/// What a feed did on a day before a visit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Day {
    pub new: usize,
    pub revised: usize,
}

impl Bounds {
    /// How many more new items are kept today.
    pub fn room(&self, day: Day) -> usize {
        self.new_per_day.saturating_sub(day.new)
    }
}

/// A bound that a feed hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// More new items than a day takes.
    New,
    /// More changes than a day takes, or too many of one item.
    Revisions,
    /// Numbers changed in many headlines at once.
    Numbers,
    /// More entries in a document than are read.
    Entries,
    /// More alerts than one origin may cause.
    Alerts,
}

impl Oddity {
    const ALL: [Self; 5] = [
        Self::New,
        Self::Revisions,
        Self::Numbers,
        Self::Entries,
        Self::Alerts,
    ];

    /// As `feeds.odd` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Revisions => "revisions",
            Self::Numbers => "numbers",
            Self::Entries => "entries",
            Self::Alerts => "alerts",
        }
    }

    pub fn of(spelled: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == spelled)
    }

    /// For the operator.
    pub fn reason(self) -> &'static str {
        match self {
            Self::New => {
                "it brought more new items than a feed may bring a day (max_new_per_day); the others are left out until tomorrow"
            }
            Self::Revisions => {
                "it changes its items far more often than outlets do; further changes are not told"
            }
            Self::Numbers => {
                "it changes numbers in many headlines at once, as counters do; these changes are not told"
            }
            Self::Entries => "its document holds more than 10,000 entries; the others are not read",
            Self::Alerts => {
                "it caused more alerts than one outlet may within an hour; the others are told as one number"
            }
        }
    }
}

/// Whether two headlines differ, and in nothing but their digits.
pub fn differ_in_numbers(a: &str, b: &str) -> bool {
    // A digit more or less, or a separator between digits, changes no words.
    let words = |text: &str| -> String {
        text.chars()
            .filter(|c| !c.is_numeric() && !matches!(c, ',' | '.' | '\u{a0}' | ' '))
            .collect()
    };
    a != b && words(a) == words(b)
}

#[cfg(test)]
mod tests {
    use super::{Bounds, Day, Oddity, differ_in_numbers};

    #[test]
    fn a_day_takes_so_many_items_and_no_more() {
        let bounds = Bounds { new_per_day: 10 };
        let room = |new| bounds.room(Day { new, revised: 0 });
        assert_eq!((room(0), room(7), room(10), room(99)), (10, 3, 0, 0));
    }

    #[test]
    fn counters_change_numbers_and_nothing_else() {
        assert!(differ_in_numbers(
            "Talks (1,234 views)",
            "Talks (998 views)"
        ));
        assert!(differ_in_numbers("Meet on June 12", "Meet on June 13"));
        assert!(!differ_in_numbers("Meet on June 12", "Meet on July 12"));
        assert!(!differ_in_numbers("Meet on June 12", "Meet on June 12"));
    }

    #[test]
    fn oddities_are_read_as_they_are_written() {
        for oddity in Oddity::ALL {
            assert_eq!(Oddity::of(oddity.as_str()), Some(oddity));
        }
        assert_eq!(Oddity::of("else"), None);
    }
}

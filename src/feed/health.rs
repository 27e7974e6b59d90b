//! How a feed is, by what its visits left behind. Pure; the order of the rules is their weight.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::feed::bounds::Oddity;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    Ok,
    /// Items fell out of its document between two visits, within the last days.
    Gap,
    /// It hit a bound on what a feed may do, within the last day.
    Odd,
    /// It answers and brings nothing for far longer than its own rhythm.
    Silent,
    /// Its newest item is a year old.
    Zombie,
    Failing,
    /// Refused, challenged or sent to a login.
    Blocked,
    /// It said twice that it is gone (410).
    Gone,
}

impl Health {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Gap => "gap",
            Self::Odd => "odd",
            Self::Silent => "silent",
            Self::Zombie => "zombie",
            Self::Failing => "failing",
            Self::Blocked => "blocked",
            Self::Gone => "gone",
        }
    }
}

/// What is known of a feed.
#[derive(Debug, Clone, Copy)]
pub struct Signs {
    pub gone: bool,
    /// In a row.
    pub failures: u32,
    /// The last failure was a refusal.
    pub refused: bool,
    /// When it was first known, and when it was last well.
    pub added_at: Timestamp,
    pub last_success_at: Option<Timestamp>,
    /// The date of its newest item, and when it last brought a new one.
    pub newest_item_at: Option<Timestamp>,
    pub last_item_at: Option<Timestamp>,
    /// Between two of its newer items.
    pub gap: Option<Duration>,
    /// When items were last seen to have fallen out unseen.
    pub gap_at: Option<Timestamp>,
    /// The bound that it last hit, and when.
    pub odd: Option<(Oddity, Timestamp)>,
}

const ZOMBIE: SignedDuration = SignedDuration::from_hours(365 * 24);
/// The weekend of a daily; and what is given to a feed whose rhythm is not known.
const SILENT: SignedDuration = SignedDuration::from_hours(3 * 24);
const SILENT_UNKNOWN: SignedDuration = SignedDuration::from_hours(30 * 24);
const SILENT_GAPS: i32 = 10;
const GAP: SignedDuration = SignedDuration::from_hours(7 * 24);
const ODD: SignedDuration = SignedDuration::from_hours(24);
/// A failure is told after so long and so many.
const PATIENCE: SignedDuration = SignedDuration::from_hours(24);
const PATIENT_FAILURES: u32 = 5;

pub fn health(signs: &Signs, now: Timestamp) -> Health {
    let since = |at: Timestamp| now.duration_since(at);
    let newest = signs.newest_item_at.or(signs.last_item_at);
    let longest = match signs.gap.map(SignedDuration::try_from) {
        Some(Ok(gap)) => SILENT.max(gap.saturating_mul(SILENT_GAPS)),
        _ => SILENT_UNKNOWN,
    };
    if signs.gone {
        Health::Gone
    } else if signs.failures > 0 {
        if signs.refused {
            Health::Blocked
        } else {
            Health::Failing
        }
    } else if signs.odd.is_some_and(|(_, at)| since(at) < ODD) {
        Health::Odd
    } else if newest.is_some_and(|at| since(at) >= ZOMBIE) {
        Health::Zombie
    // A date may be ahead of the day the item came, or lag behind it.
    } else if since(newest.max(signs.last_item_at).unwrap_or(signs.added_at)) >= longest {
        Health::Silent
    } else if signs.gap_at.is_some_and(|at| since(at) < GAP) {
        Health::Gap
    } else {
        Health::Ok
    }
}

/// What is worth a message now: a state other than what was `told` last (`Ok` where nothing was),
/// and no failure before it has lasted.
pub fn news(told: Health, signs: &Signs, now: Timestamp) -> Option<Health> {
    let health = health(signs, now);
    let well_at = signs.last_success_at.unwrap_or(signs.added_at);
    let lasting = signs.failures >= PATIENT_FAILURES && now.duration_since(well_at) >= PATIENCE;
    let hasty = matches!(health, Health::Failing | Health::Blocked) && !lasting;
    (health != told && !hasty).then_some(health)
}

/// Why it is so, in words.
pub fn reason(health: Health, signs: &Signs) -> String {
    let day = |at: Option<Timestamp>| {
        at.map_or_else(
            || "never".to_owned(),
            |at| at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        )
    };
    match health {
        Health::Ok => "it answers and brings news again".to_owned(),
        Health::Gap => format!(
            "items fell out of it between two visits, seen {}; a shorter interval may help",
            day(signs.gap_at)
        ),
        Health::Odd => signs
            .odd
            .map_or_else(String::new, |(oddity, _)| oddity.reason().to_owned()),
        Health::Silent => format!(
            "it answers, and brought its last new item {}",
            day(signs.last_item_at)
        ),
        Health::Zombie => format!("its newest item is of {}", day(signs.newest_item_at)),
        Health::Failing | Health::Blocked => format!(
            "{}, last success {}",
            match signs.failures {
                1 => "failed once".to_owned(),
                n => format!("{n} failures in a row"),
            },
            day(signs.last_success_at)
        ),
        Health::Gone => {
            "it said twice that it is gone (410); it is not visited any more".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-06-30T00:00:00Z";

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    /// Well an hour ago, with an item every hour.
    fn well() -> Signs {
        Signs {
            gone: false,
            failures: 0,
            refused: false,
            added_at: at("2026-01-01T00:00:00Z"),
            last_success_at: Some(at("2026-06-29T23:00:00Z")),
            newest_item_at: Some(at("2026-06-29T22:00:00Z")),
            last_item_at: Some(at("2026-06-29T22:10:00Z")),
            gap: Some(Duration::from_secs(3_600)),
            gap_at: None,
            odd: None,
        }
    }

    #[track_caller]
    fn check(signs: &Signs, expected: Health, told: Option<Health>) {
        let now = at(NOW);
        assert_eq!(health(signs, now), expected);
        assert_eq!(news(Health::Ok, signs, now), told);
    }

    #[test]
    fn a_feed_is_as_its_visits_say() {
        check(&well(), Health::Ok, None);
        let gone = Signs {
            gone: true,
            ..well()
        };
        check(&gone, Health::Gone, Some(Health::Gone));
        let old = Some(at("2017-12-12T00:00:00Z"));
        let zombie = Signs {
            newest_item_at: old,
            ..well()
        };
        check(&zombie, Health::Zombie, Some(Health::Zombie));
        let gap = |text| Signs {
            gap_at: Some(at(text)),
            ..well()
        };
        check(&gap("2026-06-28T00:00:00Z"), Health::Gap, Some(Health::Gap));
        check(&gap("2026-06-20T00:00:00Z"), Health::Ok, None);
        let odd = |text| Signs {
            odd: Some((Oddity::New, at(text))),
            ..well()
        };
        check(&odd("2026-06-29T23:00:00Z"), Health::Odd, Some(Health::Odd));
        check(&odd("2026-06-28T23:00:00Z"), Health::Ok, None);
        assert!(reason(Health::Odd, &odd("2026-06-29T23:00:00Z")).contains("max_new_per_day"));
    }

    #[test]
    fn silence_is_measured_by_a_feeds_own_rhythm() {
        let last = |text, gap: Option<u64>| Signs {
            newest_item_at: Some(at(text)),
            last_item_at: Some(at(text)),
            gap: gap.map(Duration::from_secs),
            ..well()
        };
        let (hour, day) = (Some(3_600), Some(86_400));
        check(&last("2026-06-27T01:00:00Z", hour), Health::Ok, None);
        check(
            &last("2026-06-26T23:00:00Z", hour),
            Health::Silent,
            Some(Health::Silent),
        );
        check(&last("2026-06-21T00:00:00Z", day), Health::Ok, None);
        check(
            &last("2026-06-19T00:00:00Z", day),
            Health::Silent,
            Some(Health::Silent),
        );
        check(&last("2026-06-04T00:00:00Z", None), Health::Ok, None);
        let never = Signs {
            newest_item_at: None,
            last_item_at: None,
            gap: None,
            ..well()
        };
        check(&never, Health::Silent, Some(Health::Silent));
    }

    #[test]
    fn failures_are_told_with_patience_and_once() {
        let failing = |failures, last| Signs {
            failures,
            last_success_at: Some(at(last)),
            ..well()
        };
        check(&failing(1, "2026-06-20T00:00:00Z"), Health::Failing, None);
        check(&failing(50, "2026-06-29T01:00:00Z"), Health::Failing, None);
        let lasting = failing(5, "2026-06-29T00:00:00Z");
        check(&lasting, Health::Failing, Some(Health::Failing));
        let refused = Signs {
            refused: true,
            ..lasting
        };
        check(&refused, Health::Blocked, Some(Health::Blocked));
        let now = at(NOW);
        assert_eq!(news(Health::Failing, &lasting, now), None);
        assert_eq!(news(Health::Failing, &well(), now), Some(Health::Ok));
    }
}

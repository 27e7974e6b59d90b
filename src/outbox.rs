//! What is owed: one alert × one channel, tried until the channel takes it or refuses for good.
//! Pure; `store::outbox` keeps the rows and the daemon does the sending.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryId(pub i64);

/// A delivery claimed for sending.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    pub id: DeliveryId,
    pub channel: String,
    /// The same at every attempt, so that a channel can tell a repeat.
    pub idempotency_key: String,
    /// Attempts before this one.
    pub attempts: u32,
    pub what: What,
    /// JSON of the [`crate::message::Message`] or the digest.
    pub message: String,
    /// Under what the channel keeps the first alert of the same story, so that this one can stand below it.
    pub thread: Option<String>,
}

/// What a delivery carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Alert,
    Digest,
    /// To the operator: a feed is otherwise than before.
    Health,
}

/// What a channel answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Sent {
        /// The channel's own name for what it took, where later messages can refer to it.
        reference: Option<String>,
    },
    Retry {
        why: String,
        not_before: Option<Duration>,
    },
    /// Trying again cannot help.
    Refused(String),
}

/// What becomes of the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    Delivered { reference: Option<String> },
    Retry { at: Timestamp, why: String },
    Dead { why: String },
}

/// How long a sender may hold a delivery before another may take it; longer than any send.
pub const LEASE: Duration = Duration::from_secs(120);

/// Waits before the second and each further attempt. They span more than a day, so an alert
/// outlives a night-long outage; after the last it is dead, and `deliveries --state dead` lists it.
const WAITS: [Duration; 12] = [
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(60),
    Duration::from_secs(180),
    Duration::from_secs(600),
    Duration::from_secs(1_800),
    Duration::from_secs(3_600),
    Duration::from_secs(7_200),
    Duration::from_secs(14_400),
    Duration::from_secs(14_400),
    Duration::from_secs(28_800),
    Duration::from_secs(28_800),
];

/// `attempts` counts the one just made; `jitter` (0..1) adds up to a fifth to the wait.
pub fn settle(outcome: Outcome, attempts: u32, now: Timestamp, jitter: f64) -> Settled {
    match outcome {
        Outcome::Sent { reference } => Settled::Delivered { reference },
        Outcome::Refused(why) => Settled::Dead { why },
        Outcome::Retry { why, not_before } => {
            match WAITS.get(attempts.saturating_sub(1) as usize) {
                None => Settled::Dead {
                    why: format!("gave up after {attempts} attempts: {why}"),
                },
                Some(wait) => {
                    // A channel may ask for half a day; a week is a typo.
                    let floor = not_before
                        .unwrap_or_default()
                        .min(Duration::from_secs(86_400));
                    let wait = wait.mul_f64(1.0 + 0.2 * jitter).max(floor);
                    let wait =
                        SignedDuration::try_from(wait).unwrap_or(SignedDuration::from_secs(60));
                    Settled::Retry {
                        at: now.checked_add(wait).unwrap_or(now),
                        why,
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry(not_before: Option<u64>) -> Outcome {
        Outcome::Retry {
            why: "503".to_owned(),
            not_before: not_before.map(Duration::from_secs),
        }
    }

    #[track_caller]
    fn check(outcome: Outcome, attempts: u32, expected: Option<i64>) {
        let at = match settle(outcome, attempts, Timestamp::UNIX_EPOCH, 0.0) {
            Settled::Retry { at, .. } => Some(at.as_second()),
            _ => None,
        };
        assert_eq!(at, expected);
    }

    #[test]
    fn waits_grow_and_honour_the_channel() {
        check(retry(None), 1, Some(5));
        check(retry(None), 3, Some(60));
        check(retry(Some(90)), 1, Some(90));
        check(retry(Some(9_999_999)), 1, Some(86_400));
    }

    #[test]
    fn it_ends_in_dead_after_the_last_wait_or_a_refusal() {
        check(retry(None), 13, None);
        assert_eq!(
            settle(
                Outcome::Refused("404".to_owned()),
                1,
                Timestamp::UNIX_EPOCH,
                0.0
            ),
            Settled::Dead {
                why: "404".to_owned()
            }
        );
        assert_eq!(
            settle(
                Outcome::Sent { reference: None },
                1,
                Timestamp::UNIX_EPOCH,
                0.0
            ),
            Settled::Delivered { reference: None }
        );
    }
}

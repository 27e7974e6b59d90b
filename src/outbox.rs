//! What is owed: one message × one channel, tried until the channel takes it or refuses for good.
//! Pure; `store::outbox` keeps the rows and the daemon does the sending.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::message::{DevelopmentLine, ItemLine, Message, StoryLine};

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

/// What becomes of the row, and of its channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    Delivered {
        reference: Option<String>,
    },
    Retry {
        at: Timestamp,
        /// Nothing else is sent to the channel before.
        rest_until: Timestamp,
        why: String,
    },
    Dead {
        why: String,
    },
}

/// How much a channel takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    pub rate: Option<Rate>,
    /// Sends under way at once. Within a story one still follows the other.
    pub concurrency: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            rate: None,
            concurrency: 1,
        }
    }
}

/// So many within a span; that many may go at once after a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub n: u32,
    pub per: Duration,
}

impl std::str::FromStr for Rate {
    type Err = String;

    /// `20/1m`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is no rate; write it like \"20/1m\" or \"1/2s\"");
        let (n, per) = text.split_once('/').ok_or_else(wrong)?;
        let at = per
            .find(|it: char| !it.is_ascii_digit())
            .ok_or_else(wrong)?;
        let (number, unit) = per.split_at(at);
        let unit = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return Err(wrong()),
        };
        let n = n.parse().map_err(|_| wrong())?;
        let number: u32 = number.parse().map_err(|_| wrong())?;
        if n == 0 || number == 0 || number > 366 {
            return Err(wrong());
        }
        let per = Duration::from_secs(u64::from(number) * unit);
        Ok(Self { n, per })
    }
}

/// A token bucket over whole seconds. It survives clocks that jump: backward it waits no longer
/// than one span, forward it is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    rate: Rate,
    /// Tokens × the span in seconds, so that nothing is lost in rounding.
    level: u64,
    at: Timestamp,
}

impl Bucket {
    pub fn full(rate: Rate, now: Timestamp) -> Self {
        Self {
            rate,
            level: u64::from(rate.n) * rate.per.as_secs(),
            at: now,
        }
    }

    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// How many may go now.
    pub fn available(&mut self, now: Timestamp) -> usize {
        let (n, per) = (u64::from(self.rate.n), self.rate.per.as_secs());
        let passed = u64::try_from(now.duration_since(self.at).as_secs()).unwrap_or(0);
        self.level = passed
            .saturating_mul(n)
            .saturating_add(self.level)
            .min(n * per);
        self.at = now;
        usize::try_from(self.level / per).unwrap_or(usize::MAX)
    }

    pub fn take(&mut self, n: usize) {
        let taken = u64::try_from(n).unwrap_or(u64::MAX);
        self.level = self
            .level
            .saturating_sub(taken.saturating_mul(self.rate.per.as_secs()));
    }

    /// When the next may go.
    pub fn next_at(&self) -> Timestamp {
        let (n, per) = (u64::from(self.rate.n), self.rate.per.as_secs());
        let missing = per.saturating_sub(self.level).div_ceil(n);
        later(self.at, Duration::from_secs(missing))
    }
}

/// How long a sender may hold a delivery before another may take it; longer than any send.
pub const LEASE: Duration = Duration::from_secs(120);
/// What a channel may take over one send.
pub const LONGEST_SEND: Duration = Duration::from_secs(100);
/// How long the one sender holds its place without a word.
pub const SENDER_LEASE: Duration = Duration::from_secs(60);
/// What a channel is owed from before its removal is told when it returns within this time.
pub const STALE: Duration = Duration::from_secs(86_400);

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
/// A channel that fails is tried with something else at least this often: the fault may lie with
/// one message.
const LONGEST_REST: Duration = Duration::from_secs(300);
/// A channel may ask for half a day; a week is a typo.
const LONGEST_WISH: Duration = Duration::from_secs(86_400);

/// `attempts` at the delivery and `failures` in a row of its channel count the one just made;
/// `jitter` (0..1) adds up to a fifth to the waits.
pub fn settle(
    outcome: Outcome,
    attempts: u32,
    failures: u32,
    now: Timestamp,
    jitter: f64,
) -> Settled {
    let (why, not_before) = match outcome {
        Outcome::Sent { reference } => return Settled::Delivered { reference },
        Outcome::Refused(why) => return Settled::Dead { why },
        Outcome::Retry { why, not_before } => (why, not_before),
    };
    let Some(wait) = wait(attempts) else {
        let why = format!("gave up after {attempts} attempts: {why}");
        return Settled::Dead { why };
    };
    let wish = not_before.unwrap_or_default().min(LONGEST_WISH);
    let spread = |wait: Duration| wait.mul_f64(1.0 + 0.2 * jitter).max(wish);
    // One failure may lie with one message: the channel rests from the second in a row on, or where it asks for it.
    let rest = match failures {
        ..=1 => wish,
        n => spread(wait_of_channel(n).min(wait)),
    };
    Settled::Retry {
        at: later(now, spread(wait)),
        rest_until: later(now, rest),
        why,
    }
}

fn wait(attempts: u32) -> Option<Duration> {
    WAITS.get(attempts.saturating_sub(1) as usize).copied()
}

fn wait_of_channel(failures: u32) -> Duration {
    wait(failures).map_or(LONGEST_REST, |it| it.min(LONGEST_REST))
}

fn later(at: Timestamp, span: Duration) -> Timestamp {
    let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::from_secs(60));
    at.checked_add(span).unwrap_or(at)
}

/// To the operator: something to a channel will never arrive.
pub fn notice(channel: &str, why: &str, id: String, created_at: String) -> Message {
    let headline = format!("{channel} does not take what it is sent");
    Message {
        id,
        topic: "channel-health".to_owned(),
        kind: "channel-health".to_owned(),
        story: StoryLine {
            id: 0,
            title: channel.to_owned(),
            ..StoryLine::default()
        },
        development: DevelopmentLine::default(),
        headline: headline.clone(),
        new: Vec::new(),
        item: ItemLine {
            title: headline,
            url: None,
            outlet: channel.to_owned(),
            language: None,
            published_at: None,
        },
        sources: vec![channel.to_owned()],
        reason: format!(
            "{why}; `summitwatch deliveries --state dead` lists what was given up, \
             `summitwatch deliveries retry --all` sends it again"
        ),
        first: None,
        suppressed: 0,
        created_at,
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

    /// When the delivery and when the channel is tried again, in seconds.
    #[track_caller]
    fn check(outcome: Outcome, attempts: u32, failures: u32, expected: Option<(i64, i64)>) {
        let at = match settle(outcome, attempts, failures, Timestamp::UNIX_EPOCH, 0.0) {
            Settled::Retry { at, rest_until, .. } => Some((at.as_second(), rest_until.as_second())),
            _ => None,
        };
        assert_eq!(at, expected);
    }

    #[test]
    fn waits_grow_and_honour_the_channel() {
        check(retry(None), 1, 1, Some((5, 0)));
        check(retry(None), 1, 2, Some((5, 5)));
        check(retry(None), 3, 3, Some((60, 60)));
        check(retry(Some(90)), 1, 1, Some((90, 90)));
        check(retry(Some(9_999_999)), 1, 1, Some((86_400, 86_400)));
    }

    #[test]
    fn a_failing_channel_is_tried_with_another_message_meanwhile() {
        check(retry(None), 8, 8, Some((7_200, 300)));
        check(retry(None), 1, 8, Some((5, 5)));
        // One failure may lie with the message.
        check(retry(None), 8, 1, Some((7_200, 0)));
        check(retry(None), 8, 2, Some((7_200, 15)));
    }

    #[test]
    fn it_ends_in_dead_after_the_last_wait_or_a_refusal() {
        check(retry(None), 13, 13, None);
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(
            settle(Outcome::Refused("404".to_owned()), 1, 1, now, 0.0),
            Settled::Dead {
                why: "404".to_owned()
            }
        );
        assert_eq!(
            settle(Outcome::Sent { reference: None }, 1, 1, now, 0.0),
            Settled::Delivered { reference: None }
        );
    }

    #[test]
    fn a_rate_is_written_as_so_many_in_a_span() {
        let rate = |text: &str| text.parse::<Rate>().ok().map(|it| (it.n, it.per.as_secs()));
        assert_eq!(rate("20/1m"), Some((20, 60)));
        assert_eq!(rate("1/2s"), Some((1, 2)));
        for wrong in [
            "",
            "20",
            "0/1m",
            "20/0m",
            "20/m",
            "-1/1m",
            "20/1y",
            "x/1m",
            "1/999999d",
            "1/秒",
        ] {
            assert_eq!(rate(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_bucket_lets_its_rate_through_and_no_more() {
        let rate: Rate = "20/1m".parse().expect("a rate");
        let mut bucket = Bucket::full(rate, Timestamp::UNIX_EPOCH);
        let mut sent = 0;
        for second in 0..600 {
            let now = Timestamp::from_second(second).expect("a time");
            let n = bucket.available(now);
            bucket.take(n);
            sent += n;
        }
        // The burst of the beginning, then one in three seconds.
        assert_eq!(sent, 20 + 599 / 3);
        assert_eq!(bucket.next_at().as_second(), 600);
    }

    #[test]
    fn a_clock_that_jumps_neither_floods_nor_stops_a_bucket() {
        let at = |second| Timestamp::from_second(second).expect("a time");
        let rate: Rate = "2/1m".parse().expect("a rate");
        let mut bucket = Bucket::full(rate, at(1_000_000));
        bucket.take(2);
        assert_eq!(bucket.available(at(1_086_400)), 2);
        bucket.take(2);
        assert_eq!(bucket.available(at(1_000_000)), 0);
        assert_eq!(bucket.available(at(1_000_030)), 1);
    }
}

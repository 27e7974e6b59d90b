//! When to poll next. Every rule of politeness is a function of what the last visit taught.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollPolicy {
    pub interval: Duration,
    pub min_interval: Duration,
    pub max_interval: Duration,
    /// What a new feed brings that is older than this is history.
    pub fresh_window: Duration,
    /// The longest wait that a hint (max-age, Expires, ttl, …) can bring about.
    pub hint_cap: Duration,
}

/// What a visit says about the feed's rhythm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rhythm {
    /// The document brought this many items that were new.
    Brought(usize),
    /// 304, or the same bytes as last time.
    Unchanged,
    Failed,
}

/// Caps what a server may ask for, so that a typo of its operator does not silence a feed.
pub const RETRY_AFTER_CAP: Duration = Duration::from_secs(24 * 3600);

/// What a server said of when to come back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wishes {
    pub retry_after: Option<Duration>,
    /// By Cache-Control or Expires: until then it answers the same.
    pub fresh_for: Option<Duration>,
}

/// What a document says of when to read it: `ttl` or `sy:updatePeriod`, `skipHours`, `skipDays`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pace {
    pub every: Option<Duration>,
    /// A bit for each hour of the day, UTC.
    pub skip_hours: u32,
    /// A bit for each day of the week, Monday first.
    pub skip_days: u8,
}

impl Pace {
    fn skips(&self, at: Timestamp) -> bool {
        let at = TimeZone::UTC.to_datetime(at);
        let day = at.weekday().to_monday_zero_offset();
        self.skip_hours >> at.hour() & 1 == 1 || self.skip_days >> day & 1 == 1
    }
}

/// The mean time between the items of a document, over the newer half of them: neither a burst
/// nor an item that stays on top for years moves it much.
pub fn gap(published: impl Iterator<Item = Timestamp>) -> Option<Duration> {
    let mut dates: Vec<Timestamp> = published.collect();
    dates.sort_unstable_by(|a, b| b.cmp(a));
    let half = dates.len() / 2;
    if half < 2 {
        return None;
    }
    let span = Duration::try_from(dates[0].duration_since(dates[half])).ok()?;
    Some(span / u32::try_from(half).ok()?)
}

/// The interval to use from now on: shorter after news, longer in silence – but no longer than
/// usually passes between two items – and doubled per failure.
pub fn next_interval(
    current: Duration,
    rhythm: Rhythm,
    gap: Option<Duration>,
    failures: u32,
    policy: &PollPolicy,
) -> Duration {
    let next = match rhythm {
        Rhythm::Brought(0) | Rhythm::Unchanged => current.mul_f64(1.1),
        Rhythm::Brought(_) => current.mul_f64(0.7),
        // The interval itself stays; the wait backs off from it.
        Rhythm::Failed => {
            return policy
                .interval
                .max(current)
                .saturating_mul(1 << failures.clamp(1, 8))
                .min(policy.max_interval.max(policy.interval));
        }
    };
    next.min(gap.unwrap_or(next))
        .clamp(policy.min_interval, policy.max_interval)
}

/// When to poll a feed next whose interval is configured: exactly then, doubled per failure up to the longest interval,
/// and not before a server that asks for more.
pub fn next_fixed(
    now: Timestamp,
    interval: Duration,
    rhythm: Rhythm,
    failures: u32,
    wishes: Wishes,
    policy: &PollPolicy,
) -> Timestamp {
    let wait = match rhythm {
        Rhythm::Failed => interval
            .saturating_mul(1 << failures.clamp(1, 8))
            .min(policy.max_interval.max(interval)),
        _ => interval,
    };
    let asked = wishes.retry_after.unwrap_or_default().min(RETRY_AFTER_CAP);
    after(now, wait.max(asked))
}

/// When to poll next: after the interval, spread by `jitter` (0..1) over a tenth of it so that
/// feeds of one start do not march in step; no earlier than the server asked, nor, within the
/// cap, than hints advise.
pub fn next_poll_at(
    now: Timestamp,
    interval: Duration,
    wishes: Wishes,
    pace: &Pace,
    policy: &PollPolicy,
    jitter: f64,
) -> Timestamp {
    let spread = interval.mul_f64(0.1 * jitter);
    let hinted = wishes.fresh_for.max(pace.every).unwrap_or_default();
    let mut wait = (interval + spread).max(hinted.min(policy.hint_cap));
    // To the next full hour that is not to be skipped.
    while wait < policy.hint_cap && pace.skips(after(now, wait)) {
        let at = u64::try_from(after(now, wait).as_second()).unwrap_or_default();
        wait = (wait + Duration::from_secs(3_600 - at % 3_600)).min(policy.hint_cap);
    }
    let asked = wishes.retry_after.unwrap_or_default().min(RETRY_AFTER_CAP);
    after(now, wait.max(asked))
}

/// Until when no feed of a tired host is visited.
pub fn host_rests_until(now: Timestamp, wishes: Wishes, policy: &PollPolicy) -> Timestamp {
    let asked = wishes.retry_after.unwrap_or_default().min(RETRY_AFTER_CAP);
    after(now, asked.max(policy.interval * 2))
}

/// Whether a host is tired, and not just a feed of it: it refused two feeds at their last visit,
/// and half of all it has. A bridge on one address fails by the sites behind it, one by one.
pub fn host_is_tired(refused: u32, feeds: u32) -> bool {
    refused >= 2 && refused.saturating_mul(2) >= feeds
}

fn after(at: Timestamp, wait: Duration) -> Timestamp {
    let wait = jiff::SignedDuration::try_from(wait).unwrap_or(jiff::SignedDuration::ZERO);
    at.checked_add(wait).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: PollPolicy = PollPolicy {
        interval: secs(900),
        min_interval: secs(300),
        max_interval: secs(21_600),
        fresh_window: secs(86_400),
        hint_cap: secs(3_600),
    };

    const fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[track_caller]
    fn check(current: u64, rhythm: Rhythm, gap: Option<u64>, failures: u32, expected: u64) {
        let next = next_interval(secs(current), rhythm, gap.map(secs), failures, &POLICY);
        assert_eq!(next.as_secs(), expected);
    }

    #[test]
    fn the_interval_follows_the_rhythm_between_its_bounds() {
        check(900, Rhythm::Brought(3), None, 0, 630);
        check(310, Rhythm::Brought(3), None, 0, 300);
        check(900, Rhythm::Unchanged, None, 0, 990);
        check(21_000, Rhythm::Unchanged, None, 0, 21_600);
        check(900, Rhythm::Unchanged, Some(600), 0, 600);
        check(900, Rhythm::Unchanged, Some(86_400), 0, 990);
        check(900, Rhythm::Unchanged, Some(1), 0, 300);
        check(900, Rhythm::Failed, Some(600), 1, 1_800);
        check(900, Rhythm::Failed, None, 9, 21_600);
    }

    /// Seconds until the next visit at a quarter past midnight, Thursday 1 January 1970.
    fn wait(wishes: Wishes, pace: Pace) -> i64 {
        let now = after(Timestamp::UNIX_EPOCH, secs(900));
        next_poll_at(now, secs(900), wishes, &pace, &POLICY, 0.0).as_second() - 900
    }

    #[test]
    fn retry_after_is_a_floor_with_a_cap() {
        let asked = |n| Wishes {
            retry_after: Some(secs(n)),
            ..Wishes::default()
        };
        assert_eq!(wait(asked(10), Pace::default()), 900);
        assert_eq!(wait(asked(7_200), Pace::default()), 7_200);
        assert_eq!(wait(asked(999_999), Pace::default()), 86_400);
    }

    #[test]
    fn a_configured_interval_is_kept_to_the_second() {
        let wait = |rhythm, failures, retry_after: Option<u64>| {
            let wishes = Wishes {
                retry_after: retry_after.map(secs),
                fresh_for: Some(secs(600)),
            };
            let at = next_fixed(
                Timestamp::UNIX_EPOCH,
                secs(1),
                rhythm,
                failures,
                wishes,
                &POLICY,
            );
            at.as_second()
        };
        assert_eq!(wait(Rhythm::Brought(3), 0, None), 1);
        assert_eq!(wait(Rhythm::Unchanged, 0, None), 1);
        assert_eq!(wait(Rhythm::Failed, 1, None), 2);
        assert_eq!(wait(Rhythm::Failed, 30, None), 256);
        assert_eq!(wait(Rhythm::Unchanged, 0, Some(90)), 90);
    }

    #[test]
    fn hints_are_floors_up_to_their_cap() {
        let fresh = |n| Wishes {
            fresh_for: Some(secs(n)),
            ..Wishes::default()
        };
        let every = |n| Pace {
            every: Some(secs(n)),
            ..Pace::default()
        };
        assert_eq!(wait(fresh(60), Pace::default()), 900);
        assert_eq!(wait(fresh(1_800), Pace::default()), 1_800);
        assert_eq!(wait(fresh(1_800), every(2_400)), 2_400);
        assert_eq!(wait(fresh(604_800), every(60)), 3_600);
    }

    #[test]
    fn hours_and_days_to_skip_are_skipped_up_to_the_cap() {
        let skip = |skip_hours, skip_days| Pace {
            skip_hours,
            skip_days,
            ..Pace::default()
        };
        // At half past midnight it would be.
        assert_eq!(wait(Wishes::default(), skip(0b01, 0)), 2_700);
        assert_eq!(wait(Wishes::default(), skip(0b10, 0)), 900);
        assert_eq!(wait(Wishes::default(), skip(0b111, 0)), 3_600);
        let thursday = 1 << 3;
        assert_eq!(wait(Wishes::default(), skip(0, thursday)), 3_600);
        assert_eq!(wait(Wishes::default(), skip(0, !thursday)), 900);
    }

    #[test]
    fn the_gap_is_that_of_the_newer_half() {
        let at = |n: &i64| Timestamp::from_second(*n).expect("an instant");
        let of = |dates: &[i64]| gap(dates.iter().map(at)).map(|it| it.as_secs());
        assert_eq!(of(&[100, 200, 300]), None);
        assert_eq!(of(&[400, 100, 300, 200]), Some(100));
        // On top since 1970.
        assert_eq!(of(&[0, 90_100, 90_200, 90_300, 90_400, 90_500]), Some(100));
    }

    #[test]
    fn a_host_is_tired_when_half_of_its_feeds_are_refused() {
        assert!(!host_is_tired(1, 1));
        assert!(host_is_tired(2, 2));
        assert!(host_is_tired(2, 4));
        assert!(!host_is_tired(2, 5));
        assert!(host_is_tired(10, 20));
    }
}

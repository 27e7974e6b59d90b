//! A polled source and when to poll it next. Pure: every rule of politeness is a function of
//! what the last visit taught.

use std::time::Duration;

use jiff::Timestamp;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FeedId(pub i64);

/// What of a page is an item, as CSS selectors; all but the first are read inside an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selectors {
    pub item: String,
    /// Else the text of the link.
    pub title: Option<String>,
    /// Else the first link of the item.
    pub link: Option<String>,
    pub date: Option<String>,
    pub summary: Option<String>,
}

impl Selectors {
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let parts = [&self.title, &self.link, &self.date, &self.summary];
        std::iter::once(self.item.as_str()).chain(parts.into_iter().flatten().map(String::as_str))
    }
}

/// A feed as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    pub name: String,
    pub url: String,
    pub outlet: String,
    /// Publishers that share copy or an owner; corroboration counts these.
    pub family: String,
    pub language: Option<String>,
    pub country: Option<String>,
    /// Where times without a zone were written: an IANA name.
    pub zone: Option<String>,
    /// Loopback and private addresses may be fetched.
    pub allow_private: bool,
    /// Where the address is that of a page, what of it is an item.
    pub select: Option<Selectors>,
}

impl Feed {
    /// The zone of zone-less times: configured, else by country, else UTC.
    pub fn time_zone(&self) -> jiff::tz::TimeZone {
        let by_country = match self.country.as_deref() {
            Some("KR" | "KP") => Some("Asia/Seoul"),
            Some("JP") => Some("Asia/Tokyo"),
            Some("CN" | "HK" | "TW" | "SG") => Some("Asia/Shanghai"),
            Some("RU") => Some("Europe/Moscow"),
            _ => None,
        };
        self.zone
            .as_deref()
            .or(by_country)
            .and_then(|name| jiff::tz::TimeZone::get(name).ok())
            .unwrap_or(jiff::tz::TimeZone::UTC)
    }
}

/// For the next conditional GET; kept verbatim (RFC 9110, 8.8).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    pub etag: Option<String>,
    pub last_modified: Option<String>,
}

/// A feed as the archive knows it: what its next visit needs.
#[derive(Debug, Clone)]
pub struct Polled {
    pub id: FeedId,
    pub feed: Feed,
    pub validators: Validators,
    pub body_hash: Option<i64>,
    pub failures: u32,
    pub interval: Duration,
    /// Polls since the last unconditional one.
    pub conditional_polls: u32,
    pub last_success_at: Option<Timestamp>,
}

impl Polled {
    /// Validators for this visit. Every so often none: a stuck ETag would hide news for ever.
    pub fn validators_now(&self) -> Validators {
        if self.conditional_polls >= UNCONDITIONAL_EVERY {
            Validators::default()
        } else {
            self.validators.clone()
        }
    }
}

/// With the default interval an unconditional GET every other day.
pub const UNCONDITIONAL_EVERY: u32 = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollPolicy {
    pub interval: Duration,
    pub min_interval: Duration,
    pub max_interval: Duration,
    /// What a new feed brings that is older than this is history.
    pub fresh_window: Duration,
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

/// The interval to use from now on: shorter after news, longer in silence, doubled per failure.
pub fn next_interval(
    current: Duration,
    rhythm: Rhythm,
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
    next.clamp(policy.min_interval, policy.max_interval)
}

/// When to poll next: the interval, no earlier than the server asked, spread by `jitter` (0..1)
/// over a tenth of the wait so that feeds of one start do not march in step.
pub fn next_poll_at(
    now: Timestamp,
    interval: Duration,
    floor: Option<Duration>,
    jitter: f64,
) -> Timestamp {
    let spread = interval.mul_f64(0.1 * jitter);
    let wait = (interval + spread).max(floor.unwrap_or_default().min(RETRY_AFTER_CAP));
    now.checked_add(jiff::SignedDuration::try_from(wait).unwrap_or(jiff::SignedDuration::ZERO))
        .unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: PollPolicy = PollPolicy {
        interval: Duration::from_secs(900),
        min_interval: Duration::from_secs(300),
        max_interval: Duration::from_secs(21_600),
        fresh_window: Duration::from_secs(86_400),
    };

    #[track_caller]
    fn check(current: u64, rhythm: Rhythm, failures: u32, expected: u64) {
        assert_eq!(
            next_interval(Duration::from_secs(current), rhythm, failures, &POLICY).as_secs(),
            expected
        );
    }

    #[test]
    fn the_interval_follows_the_rhythm_between_its_bounds() {
        check(900, Rhythm::Brought(3), 0, 630);
        check(310, Rhythm::Brought(3), 0, 300);
        check(900, Rhythm::Unchanged, 0, 990);
        check(21_000, Rhythm::Unchanged, 0, 21_600);
        check(900, Rhythm::Failed, 1, 1_800);
        check(900, Rhythm::Failed, 9, 21_600);
    }

    #[test]
    fn retry_after_is_a_floor_with_a_cap() {
        let now = Timestamp::UNIX_EPOCH;
        let wait = |floor| {
            next_poll_at(
                now,
                Duration::from_secs(900),
                Some(Duration::from_secs(floor)),
                0.0,
            )
            .as_second()
        };
        assert_eq!(wait(10), 900);
        assert_eq!(wait(3_600), 3_600);
        assert_eq!(wait(999_999), 86_400);
    }
}

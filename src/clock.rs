//! The only reader of the wall clock. Everything below takes `now` as an argument, so that a
//! recorded week replays in seconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

#[derive(Clone, Debug, Default)]
pub enum Clock {
    #[default]
    System,
    /// Unix seconds, moved by tests and the demo.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    pub fn manual(at: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(at.as_second())))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the wall clock"
    )]
    pub fn now(&self) -> Timestamp {
        match self {
            // The archive keeps whole seconds; so does everything that is compared with it.
            Self::System => whole_seconds(Timestamp::now()),
            Self::Manual(seconds) => from_unix(seconds.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock; the system's clock does not listen.
    pub fn set(&self, at: Timestamp) {
        if let Self::Manual(seconds) = self {
            seconds.store(at.as_second(), Ordering::SeqCst);
        }
    }
}

pub fn whole_seconds(at: Timestamp) -> Timestamp {
    from_unix(at.as_second())
}

/// RFC 3339 in UTC with whole seconds, the archive's one spelling of an instant.
pub fn rfc3339(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A length of time as people write it: `90s`, `15m`, `24h`, `7d`, `2w`.
pub fn span(text: &str) -> Option<Duration> {
    let at = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..at].parse().ok()?;
    let unit = match &text[at..] {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    let seconds = number.checked_mul(unit)?;
    (seconds < 1 << 40).then(|| Duration::from_secs(seconds))
}

/// A length of time in words, to two units: `45 s`, `23 min`, `2 h 5 min`, `3 d 4 h`.
pub fn span_words(span: SignedDuration) -> String {
    let secs = span.as_secs().max(0);
    let (days, hours, minutes) = (secs / 86_400, secs / 3_600 % 24, secs / 60 % 60);
    let two = |n: i64, unit: &str, m: i64, lesser: &str| {
        if m == 0 {
            format!("{n} {unit}")
        } else {
            format!("{n} {unit} {m} {lesser}")
        }
    };
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{secs} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => two(hours, "h", minutes, "min"),
        (days, hours, _) => two(days, "d", hours, "h"),
    }
}

fn from_unix(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_said_in_two_units() {
        for (secs, words) in [
            (-5, "0 s"),
            (45, "45 s"),
            (23 * 60 + 10, "23 min"),
            (3_600, "1 h"),
            (7_500, "2 h 5 min"),
            (3 * 86_400 + 4 * 3_600 + 59, "3 d 4 h"),
        ] {
            assert_eq!(span_words(SignedDuration::from_secs(secs)), words);
        }
    }
}

//! Who was notably not heard of: an origin that reports on a topic with some regularity, and for
//! long has not. Pure.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::text::counted;

/// An origin that is silent, longer than it ever was of late.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Silence {
    pub origin: String,
    pub topic: String,
    pub days: u64,
    pub usual_days: u64,
    /// For people.
    pub text: String,
}

/// Reports within this time of one another are one burst: a rhythm is of bursts.
const BURST: Duration = Duration::from_secs(6 * 3_600);
/// Fewer gaps make no rhythm.
const GAPS: usize = 4;
/// Days of silence that are notable at least.
const NOTABLE_DAYS: u64 = 3;
const DAY: u64 = 86_400;
/// So many are listed, those that are most out of their rhythm first.
const LISTED: usize = 5;

/// `reports` are an origin's times on one topic, of the last months and in order.
pub fn silence(
    origin: &str,
    topic: &str,
    reports: &[Timestamp],
    now: Timestamp,
) -> Option<Silence> {
    let mut gaps: Vec<u64> = reports
        .windows(2)
        .map(|pair| seconds(pair[0], pair[1]))
        .filter(|gap| *gap > BURST.as_secs())
        .collect();
    let silent = seconds(*reports.last()?, now);
    if gaps.len() < GAPS {
        return None;
    }
    gaps.sort_unstable();
    let (usual, longest) = (gaps[gaps.len() / 2], gaps[gaps.len() - 1]);
    if silent < 3 * usual || silent <= longest || silent < NOTABLE_DAYS * DAY {
        return None;
    }
    let days = silent / DAY;
    // Rounded, and a rhythm below a day is told as a day.
    let usual_days = ((usual + DAY / 2) / DAY).max(1);
    Some(Silence {
        origin: origin.to_owned(),
        topic: topic.to_owned(),
        days,
        usual_days,
        text: format!(
            "no {origin} item on {topic} for {days} days; usual gap {}",
            counted(usual_days, "day")
        ),
    })
}

/// The most notable of them.
pub fn notable(mut silences: Vec<Silence>) -> Vec<Silence> {
    silences.sort_by(|a, b| (b.days * a.usual_days).cmp(&(a.days * b.usual_days)));
    silences.truncate(LISTED);
    silences
}

fn seconds(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_secs()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reports on these days and hours, and what is said on day 30.
    #[track_caller]
    fn check(hours: &[i64], expected: Option<&str>) {
        let at = |hour: i64| Timestamp::from_second(hour * 3_600).expect("a time");
        let reports: Vec<Timestamp> = hours.iter().copied().map(at).collect();
        let said = silence("KCNA", "the US", &reports, at(30 * 24));
        assert_eq!(said.map(|it| it.text).as_deref(), expected);
    }

    #[test]
    fn who_reports_every_other_day_is_missed_after_a_week() {
        let days = |days: &[i64]| days.iter().map(|it| it * 24).collect::<Vec<i64>>();
        check(
            &days(&[11, 13, 15, 17, 19, 21]),
            Some("no KCNA item on the US for 9 days; usual gap 2 days"),
        );
        check(&days(&[19, 21, 23, 25, 27]), None);
        // It was away as long before.
        check(&days(&[0, 10, 12, 14, 16, 18, 21]), None);
        // No rhythm yet.
        check(&days(&[15, 17, 19, 21]), None);
        check(&[], None);
    }

    #[test]
    fn bursts_count_once() {
        let mut hours = Vec::new();
        for day in [10, 13, 16, 19, 22] {
            hours.extend([day * 24, day * 24 + 1, day * 24 + 2]);
        }
        check(&hours, None);
        hours.retain(|it| *it < 20 * 24);
        hours.extend([7 * 24]);
        hours.sort_unstable();
        check(
            &hours,
            Some("no KCNA item on the US for 10 days; usual gap 3 days"),
        );
    }
}

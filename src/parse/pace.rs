//! What a document says of when to read it again: `ttl`, `skipHours`, `skipDays` and the syndication
//! module's `updatePeriod`. Looked for in the text before the first entry, whatever its markup.

use std::time::Duration;

use crate::feed::pace::Pace;

const MINUTE: u64 = 60;
const DAY: u64 = 86_400;

pub(super) fn pace(text: &str) -> Pace {
    // Each name is looked for only before the others: the text is long, its head is short.
    let head = ["<item>", "<entry", "<item "]
        .iter()
        .fold(text, |head, it| head.split(it).next().unwrap_or(head));
    let mut pace = Pace::default();
    let (mut ttl, mut period, mut frequency) = (None, None, 1);
    for piece in head.split('<').skip(1) {
        let Some((tag, value)) = piece.split_once('>') else {
            continue;
        };
        let value = value.trim();
        if tag.starts_with('/') {
            continue;
        }
        let name = tag.split_whitespace().next().unwrap_or_default();
        match name.rsplit(':').next().unwrap_or_default() {
            "ttl" => ttl = value.parse::<u64>().ok(),
            "updatePeriod" => period = seconds(value),
            "updateFrequency" => frequency = value.parse().unwrap_or(1).max(1),
            "hour" => {
                // Both 0 and 24 are midnight in the wild.
                let hour = value.parse::<u32>().ok().filter(|it| *it <= 24);
                pace.skip_hours |= hour.map_or(0, |it| 1 << (it % 24));
            }
            "day" => {
                let day = DAYS.iter().position(|it| it.eq_ignore_ascii_case(value));
                pace.skip_days |= day.map_or(0, |it| 1 << it);
            }
            _ => {}
        }
    }
    let ttl = ttl.map(|it| it.saturating_mul(MINUTE));
    pace.every = ttl
        .max(period.map(|it| it / frequency))
        .filter(|it| *it > 0)
        .map(|it| Duration::from_secs(it.min(365 * DAY)));
    pace
}

fn seconds(period: &str) -> Option<u64> {
    Some(match period.to_ascii_lowercase().as_str() {
        "hourly" => 3_600,
        "daily" => DAY,
        "weekly" => 7 * DAY,
        "monthly" => 30 * DAY,
        "yearly" => 365 * DAY,
        _ => return None,
    })
}

const DAYS: &[&str] = &[
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(channel: &str, every: Option<u64>, hours: u32, days: u8) {
        let text = format!("<rss><channel>{channel}<item><ttl>9</ttl></item></channel></rss>");
        let expected = Pace {
            every: every.map(Duration::from_secs),
            skip_hours: hours,
            skip_days: days,
        };
        assert_eq!(pace(&text), expected, "{channel}");
    }

    #[test]
    fn a_documents_pace_is_read_from_before_its_items() {
        check("", None, 0, 0);
        check("<ttl> 60 </ttl>", Some(3_600), 0, 0);
        check("<ttl>soon</ttl><ttl>0</ttl>", None, 0, 0);
        check(
            "<sy:updatePeriod>\n hourly </sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>",
            Some(1_800),
            0,
            0,
        );
        check(
            "<syn:updatePeriod>daily</syn:updatePeriod>",
            Some(86_400),
            0,
            0,
        );
        check(
            "<ttl>5</ttl><sy:updatePeriod>hourly</sy:updatePeriod>",
            Some(3_600),
            0,
            0,
        );
        check(
            "<skipHours><hour>0</hour><hour>23</hour><hour>99</hour></skipHours>",
            None,
            1 | 1 << 23,
            0,
        );
        check(
            "<skipDays><day>Saturday</day><day>sunday</day></skipDays>",
            None,
            0,
            0b110_0000,
        );
        check("<ttl>99999999999999999999</ttl><skipHours/>", None, 0, 0);
    }
}

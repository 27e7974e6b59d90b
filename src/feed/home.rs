//! Where a feed lives: a permanent redirect is believed once it was seen again and again over days.
//! A misconfigured morning, a captive portal or a hijacked name must not take a feed away.

use jiff::{SignedDuration, Timestamp};

/// The target of a feed's permanent redirects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    pub url: String,
    pub since: Timestamp,
    /// Visits in a row that led there and found the feed.
    pub visits: u32,
    /// Visits begin there from now on.
    pub confirmed: bool,
}

const VISITS: u32 = 3;
const SPAN: SignedDuration = SignedDuration::from_hours(3 * 24);

/// What is believed after a visit that found the feed at `seen`; `None` is the configured address.
/// Nobody is led from https to http.
pub fn next(
    before: Option<&Home>,
    seen: Option<&str>,
    configured: &str,
    now: Timestamp,
) -> Option<Home> {
    let url = seen.filter(|it| it.starts_with("https:") || !configured.starts_with("https:"))?;
    let Some(before) = before.filter(|it| it.url == url) else {
        return Some(Home {
            url: url.to_owned(),
            since: now,
            visits: 1,
            confirmed: false,
        });
    };
    if before.confirmed {
        return Some(before.clone());
    }
    let visits = before.visits.saturating_add(1);
    Some(Home {
        visits,
        confirmed: visits >= VISITS && now.duration_since(before.since) >= SPAN,
        ..before.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "http://wire.example/feed";

    /// Whether the last of these visits, given by their hours and targets, confirms a home.
    #[track_caller]
    fn check(visits: &[(i64, Option<&str>)], confirmed: bool) {
        let mut home = None;
        for (hour, seen) in visits {
            let now = Timestamp::from_second(hour * 3_600).expect("an instant");
            home = next(home.as_ref(), *seen, OLD, now);
        }
        assert_eq!(home.is_some_and(|it| it.confirmed), confirmed, "{visits:?}");
    }

    #[test]
    fn a_home_is_confirmed_by_visits_over_days() {
        let (a, b) = (Some("https://wire.example/feed"), Some("http://b.example/"));
        check(&[(0, a)], false);
        check(&[(0, a), (1, a), (2, a), (3, a)], false);
        check(&[(0, a), (80, a)], false);
        check(&[(0, a), (1, a), (72, a)], true);
        check(&[(0, a), (1, a), (72, a), (73, a)], true);
        check(&[(0, a), (1, b), (72, a), (73, a)], false);
        check(&[(0, a), (1, None), (72, a), (73, a)], false);
        check(&[(0, a), (1, a), (72, a), (73, None)], false);
    }

    #[test]
    fn nobody_is_led_from_https_to_http() {
        let now = Timestamp::UNIX_EPOCH;
        let seen = Some("http://wire.example/feed");
        assert_eq!(next(None, seen, "https://wire.example/feed", now), None);
    }
}

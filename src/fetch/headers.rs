//! What an answer's headers say of when to come back.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{self, HeaderMap};

use crate::feed::pace::Wishes;

pub(super) fn wishes(headers: &HeaderMap, now: Timestamp) -> Wishes {
    let clock = date_of(headers).unwrap_or(now);
    Wishes {
        retry_after: retry_after_by(headers, Some(clock)),
        fresh_for: fresh_for(headers, clock),
    }
}

/// Seconds or an HTTP date (RFC 9110, 10.2.3). A date needs the server's own clock to mean
/// anything, so it is read against its Date header.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    retry_after_by(headers, date_of(headers))
}

fn retry_after_by(headers: &HeaderMap, clock: Option<Timestamp>) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    Duration::try_from(http_date(text)?.duration_since(clock?)).ok()
}

/// How long the answer stays as it is: max-age less its age, else until Expires (RFC 9111, 4.2).
fn fresh_for(headers: &HeaderMap, clock: Timestamp) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|it| it.to_str().ok());
    let mut max_age = None;
    for part in text(header::CACHE_CONTROL).unwrap_or_default().split(',') {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let name = name.trim();
        if name.eq_ignore_ascii_case("no-cache") || name.eq_ignore_ascii_case("no-store") {
            return None;
        }
        if name.eq_ignore_ascii_case("max-age") {
            max_age = value.trim().trim_matches('"').parse::<u64>().ok();
        }
    }
    let Some(max_age) = max_age else {
        let until = http_date(text(header::EXPIRES)?)?;
        return Duration::try_from(until.duration_since(clock)).ok();
    };
    let age = text(header::AGE).and_then(|it| it.trim().parse().ok());
    Some(Duration::from_secs(
        max_age.saturating_sub(age.unwrap_or(0)),
    ))
}

fn date_of(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(headers.get(header::DATE)?.to_str().ok()?)
}

fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text.trim())
        .ok()
        .map(|it| it.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_reads_seconds_and_dates() {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, "120".parse().expect("value"));
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(120)));
        headers.insert(
            header::RETRY_AFTER,
            "Wed, 21 Oct 2026 07:30:00 GMT".parse().expect("value"),
        );
        headers.insert(
            header::DATE,
            "Wed, 21 Oct 2026 07:28:00 GMT".parse().expect("value"),
        );
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(120)));
        headers.insert(header::RETRY_AFTER, "soon".parse().expect("value"));
        assert_eq!(retry_after(&headers), None);
    }

    #[track_caller]
    fn check(lines: &[(header::HeaderName, &str)], secs: Option<u64>) {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, value.parse().expect("value"));
        }
        let now = "2026-10-21T07:28:00Z".parse().expect("an instant");
        let found = fresh_for(&headers, date_of(&headers).unwrap_or(now));
        assert_eq!(found.map(|it| it.as_secs()), secs, "{lines:?}");
    }

    #[test]
    fn freshness_is_max_age_else_expires() {
        use header::{AGE, CACHE_CONTROL, EXPIRES};
        let until = (EXPIRES, "Wed, 21 Oct 2026 07:30:00 GMT");
        check(&[], None);
        check(std::slice::from_ref(&until), Some(120));
        check(&[(EXPIRES, "0")], None);
        check(&[(EXPIRES, "Wed, 21 Oct 2020 07:30:00 GMT")], None);
        check(
            &[(CACHE_CONTROL, "public, Max-Age=300"), until.clone()],
            Some(300),
        );
        check(&[(CACHE_CONTROL, "max-age=300"), (AGE, "100")], Some(200));
        check(&[(CACHE_CONTROL, "max-age=0"), until.clone()], Some(0));
        check(&[(CACHE_CONTROL, "no-cache, max-age=300"), until], None);
        check(&[(CACHE_CONTROL, "max-age=soon")], None);
    }
}

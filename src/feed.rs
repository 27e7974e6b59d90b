//! A polled source: what is configured of it and what its visits taught. Pure; the rules stand in
//! the files below.

pub mod bounds;
pub mod health;
pub mod home;
pub mod pace;
pub mod sight;

use std::time::Duration;

use jiff::Timestamp;

use crate::feed::home::Home;
use crate::feed::pace::{Pace, PollPolicy};

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
    /// Between two visits, exactly; else the interval adapts to the feed's rhythm.
    pub interval: Option<Duration>,
    /// It is configured, and visited only when asked for by name.
    pub paused: bool,
}

impl Feed {
    /// The zone of zone-less times: configured, else by country, else UTC.
    pub fn time_zone(&self) -> jiff::tz::TimeZone {
        let by_country = self.country.as_deref().and_then(zone_of_country);
        self.zone
            .as_deref()
            .or(by_country)
            .and_then(|name| jiff::tz::TimeZone::get(name).ok())
            .unwrap_or(jiff::tz::TimeZone::UTC)
    }
}

/// Where a country's newsrooms write their times. Countries of several zones have none.
fn zone_of_country(country: &str) -> Option<&'static str> {
    Some(match country {
        "KR" | "KP" => "Asia/Seoul",
        "JP" => "Asia/Tokyo",
        "CN" | "HK" | "TW" | "SG" => "Asia/Shanghai",
        "RU" => "Europe/Moscow",
        "GB" => "Europe/London",
        "IE" => "Europe/Dublin",
        "FR" => "Europe/Paris",
        "DE" => "Europe/Berlin",
        "CH" => "Europe/Zurich",
        "AT" => "Europe/Vienna",
        "IT" => "Europe/Rome",
        "PL" => "Europe/Warsaw",
        "UA" => "Europe/Kyiv",
        "TR" => "Europe/Istanbul",
        "IL" => "Asia/Jerusalem",
        "SA" => "Asia/Riyadh",
        "QA" => "Asia/Qatar",
        "AE" => "Asia/Dubai",
        "IR" => "Asia/Tehran",
        "PK" => "Asia/Karachi",
        "IN" => "Asia/Kolkata",
        "BD" => "Asia/Dhaka",
        "TH" => "Asia/Bangkok",
        "VN" => "Asia/Ho_Chi_Minh",
        "MY" => "Asia/Kuala_Lumpur",
        "PH" => "Asia/Manila",
        "CU" => "America/Havana",
        _ => return None,
    })
}

/// The host of an address; empty where it has none.
pub fn host(url: &str) -> String {
    let url = url::Url::parse(url).ok();
    url.and_then(|it| it.host_str().map(str::to_owned))
        .unwrap_or_default()
}

/// The host of an address with its port, where that is not the usual one: two ports are two servers.
pub fn server(url: &str) -> String {
    let Ok(url) = url::Url::parse(url) else {
        return String::new();
    };
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
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
    /// The last visit was answered with 410.
    pub said_gone: bool,
    pub interval: Duration,
    pub pace: Pace,
    /// Between two of its newer items, as they are dated.
    pub gap: Option<Duration>,
    pub home: Option<Home>,
    /// The last complete document, other than by a 304.
    pub last_document_at: Option<Timestamp>,
    pub last_success_at: Option<Timestamp>,
    /// Of the newest item that it ever dated.
    pub newest_item_at: Option<Timestamp>,
}

impl Polled {
    /// Validators for this visit. None where the feed was not seen whole for half of the fresh
    /// window: an ETag that is stuck hides news, but not for longer than it stays news.
    pub fn validators_at(&self, now: Timestamp, policy: &PollPolicy) -> Validators {
        let fresh = self.last_document_at.is_some_and(|at| {
            Duration::try_from(now.duration_since(at)).is_ok_and(|it| it < policy.fresh_window / 2)
        });
        if fresh {
            self.validators.clone()
        } else {
            Validators::default()
        }
    }

    /// Where this visit begins, other than at the configured address. After a failure that is
    /// asked again: it may know better.
    pub fn moved_to(&self) -> Option<&str> {
        let home = self.home.as_ref().filter(|_| self.failures == 0);
        home.filter(|it| it.confirmed).map(|it| it.url.as_str())
    }
}

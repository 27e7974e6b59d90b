//! One article as one feed announced it, and what makes two announcements the same. Pure.

use jiff::Timestamp;
use jiff::civil::Date;
use url::Url;

use crate::text::Words;
use crate::text::fold::fold;

/// What `parse` makes of an entry: plain text, absolute links, UTC times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Item {
    /// The publisher's id as given, never one a parser invented.
    pub guid: Option<String>,
    pub url: Option<String>,
    pub title: String,
    pub summary: String,
    pub content_html: Option<String>,
    pub author: Option<String>,
    pub categories: Vec<String>,
    pub language: Option<String>,
    pub published: Option<When>,
    pub updated_at: Option<Timestamp>,
}

fn day_of(digits: &str) -> Option<Date> {
    let day = Date::strptime("%Y%m%d", digits).ok()?;
    // Other numbers of eight digits are ids.
    (1995..2100).contains(&day.year()).then_some(day)
}

/// A time as a feed gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    pub at: Timestamp,
    pub precision: Precision,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// No time of day: `at` is the midnight that begins the day, and says nothing of how old the
    /// item is within that day.
    Day,
    Second,
}

impl Item {
    pub fn published_at(&self) -> Option<Timestamp> {
        self.published.map(|it| it.at)
    }

    /// Whether there is anything to know it again by: what illegally nested markup leaves behind
    /// has nothing.
    pub fn has_identity(&self) -> bool {
        self.guid.is_some() || !self.is_empty()
    }

    /// The day that newsrooms write into addresses (`/2026/08/14/`, `/2026/0814/`, `/20260814…`): a
    /// hint for an item without a date, never a date.
    pub fn day_in_url(&self) -> Option<Date> {
        let url = Url::parse(self.url.as_deref()?).ok()?;
        let parts: Vec<&str> = url.path().split(['/', '-', '_', '.']).collect();
        (0..parts.len()).find_map(|at| {
            let digits = |n: usize| {
                let part = parts.get(at + n).copied().unwrap_or_default();
                Some(part).filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()))
            };
            let (first, second, third) = (digits(0)?, digits(1), digits(2));
            match (first.len(), second, third) {
                (4, Some(month), Some(day)) if month.len() == 2 && day.len() == 2 => {
                    day_of(&[first, month, day].concat())
                }
                (4, Some(day), _) if day.len() == 4 => day_of(&[first, day].concat()),
                (8.., _, _) => day_of(&first[..8]),
                _ => None,
            }
        })
    }

    /// Nothing to read and nowhere to go.
    pub fn is_empty(&self) -> bool {
        self.title.is_empty() && self.summary.is_empty() && self.url.is_none()
    }
}

/// Query parameters that say how a reader came, not what is read.
const TRACKING: &[&str] = &[
    "fbclid",
    "gclid",
    "dclid",
    "msclkid",
    "yclid",
    "igshid",
    "mc_cid",
    "mc_eid",
    "ref",
    "ref_src",
    "cmpid",
    "ocid",
    "smid",
    "partner",
    "emc",
    "ns_mchannel",
    "ns_source",
    "ns_campaign",
    "at_medium",
    "at_campaign",
    "at_bbc_team",
    "at_format",
    "at_link_origin",
    "at_link_type",
    "at_ptr_name",
    "ito",
    "xtor",
    "spm",
    "taid",
    "sr_share",
    "feedtype",
];

/// The address under which copies of one article meet: lower-case scheme and host, no fragment (but a
/// route), no tracking parameters, `http` and `www.`/`m.`/`amp.` folded away, no trailing slash.
pub fn canonical_url(raw: &str) -> Option<String> {
    let url = Url::parse(raw.trim()).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    let host = url.host_str()?.trim_end_matches('.');
    let bare = ["www.", "m.", "amp.", "mobile."]
        .iter()
        .find_map(|prefix| host.strip_prefix(prefix).filter(|rest| rest.contains('.')))
        .unwrap_or(host);
    let mut out = format!("https://{bare}");
    if let Some(port) = url.port() {
        out.push_str(&format!(":{port}"));
    }
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/amp").unwrap_or(path);
    out.push_str(path);
    let kept: Vec<&str> = url
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            !pair.is_empty() && !name.starts_with("utm_") && !TRACKING.contains(&name)
        })
        .collect();
    if !kept.is_empty() {
        out.push('?');
        out.push_str(&kept.join("&"));
    }
    // Where a script reads the fragment as a path, it is the address of a page.
    if let Some(route) = url.fragment().filter(|it| it.starts_with(['/', '!'])) {
        out.push('#');
        out.push_str(route);
    }
    Some(out)
}

/// A guid without what publishers change about it: `http`/`www.` where the guid is a link, and the
/// number (`#0 … #3`) that some append to the very link of the item, `url`. Any other fragment is part
/// of the guid: a route (`#/a/7`), an anchor of a live page.
pub fn stable_guid(guid: &str, url: Option<&str>) -> String {
    let guid = guid.trim();
    if !guid.starts_with("http://") && !guid.starts_with("https://") {
        return guid.to_owned();
    }
    let (page, fragment) = guid.split_once('#').unwrap_or((guid, ""));
    let Some(page) = canonical_url(page) else {
        return guid.to_owned();
    };
    let is_count = fragment.len() <= COUNT_DIGITS && fragment.bytes().all(|it| it.is_ascii_digit());
    let is_of_link = || {
        let link = url.map(|it| it.split_once('#').map_or(it, |(link, _)| link));
        link.and_then(canonical_url).as_ref() == Some(&page)
    };
    if fragment.is_empty() || (is_count && is_of_link()) {
        return page;
    }
    format!("{page}#{fragment}")
}

/// Digits of a number that counts versions.
const COUNT_DIGITS: usize = 3;

/// A hash of the words of an item, equal for exact copies whatever their markup. `None` where
/// the text is too short to tell two articles apart ("Breaking", "[속보]").
pub fn text_key(words: &Words<'_>) -> Option<i64> {
    let (title, summary) = (
        words.folded_title.text.trim(),
        words.folded_summary.text.trim(),
    );
    // In UTF-8 a Han or Hangul character takes three bytes, and says about as much as three letters.
    (title.len() + summary.len() >= 40).then(|| hash_on(hash(title).cast_unsigned(), summary))
}

/// A hash of the title and the day, the last resort for items with neither guid nor link; of the
/// text where there is no title.
pub fn title_key(title: &str, summary: &str, published_at: Option<Timestamp>) -> String {
    let day = published_at.map_or_else(String::new, |at| at.strftime("%Y-%m-%d").to_string());
    let words = if title.is_empty() { summary } else { title };
    format!("title:{:016x}:{day}", hash(&fold(words)).cast_unsigned())
}

/// FNV-1a, 64 bit: stable across builds and machines, which the standard hasher is not.
pub fn hash(text: &str) -> i64 {
    hash_on(0xcbf2_9ce4_8422_2325, text)
}

fn hash_on(seed: u64, text: &str) -> i64 {
    text.bytes()
        .fold(seed, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
        .cast_signed()
}

/// Whether two titles are the same but for an edit: shared character pairs over all of the
/// shorter one.
pub fn near_same_title(a: &str, b: &str) -> bool {
    let (a, b) = (fold(a), fold(b));
    a == b || strsim::sorensen_dice(&a, &b) >= 0.6
}

#[cfg(test)]
mod tests {
    use super::{Item, canonical_url, near_same_title, stable_guid, text_key};
    use crate::text::Words;

    #[track_caller]
    fn check(raw: &str, expected: &str) {
        assert_eq!(canonical_url(raw).as_deref(), Some(expected));
    }

    #[test]
    fn a_day_in_the_address_is_a_hint() {
        for (path, day) in [
            ("2026/08/14/talks", Some("2026-08-14")),
            ("news/2026/0814/talks-1.html", Some("2026-08-14")),
            ("view/20260814001200504", Some("2026-08-14")),
            ("world-2026-08-14-talks", Some("2026-08-14")),
            ("2026/13/14/x", None),
            ("article/99887766", None),
            ("2026/talks", None),
            ("", None),
        ] {
            let item = Item {
                url: Some(format!("https://news.example/{path}")),
                ..Item::default()
            };
            let told = item.day_in_url().map(|it| it.to_string());
            assert_eq!(told.as_deref(), day, "{path}");
        }
    }

    #[test]
    fn one_article_has_one_canonical_url() {
        check(
            "HTTP://WWW.Example.com/a/?utm_source=rss&id=7#top",
            "https://example.com/a?id=7",
        );
        check("https://m.example.com/a", "https://example.com/a");
        check(
            "https://example.com/story/amp/",
            "https://example.com/story",
        );
        check(
            "http://example.com:8080/a?b=2&a=1",
            "https://example.com:8080/a?b=2&a=1",
        );
        check("http://example.com/", "https://example.com");
        assert_eq!(canonical_url("mailto:someone@example.com"), None);
        assert_eq!(canonical_url("/relative"), None);
    }

    #[test]
    fn guids_lose_what_publishers_change() {
        assert_eq!(
            stable_guid(
                "https://www.example.com/news/1#3",
                Some("https://example.com/news/1")
            ),
            stable_guid("http://example.com/news/1", None)
        );
        assert_eq!(
            stable_guid("tag:example.com,2026:1#x", None),
            "tag:example.com,2026:1#x"
        );
    }

    #[test]
    fn guids_keep_what_tells_articles_apart() {
        let of = |guid: &str, url: &str| stable_guid(guid, Some(url));
        for (one, other, url) in [
            (
                "https://example.com/#/a/7",
                "https://example.com/#/a/8",
                "https://example.com/",
            ),
            (
                "https://example.com/#!/a/7",
                "https://example.com/#!/a/8",
                "https://example.com/",
            ),
            (
                "https://example.com/live#p-7",
                "https://example.com/live#p-8",
                "https://example.com/live",
            ),
            // Long numbers are ids, and short ones count only versions of the item's own page.
            (
                "https://example.com/live#70001",
                "https://example.com/live#70002",
                "https://example.com/live",
            ),
            (
                "https://example.com/feed#1",
                "https://example.com/feed#2",
                "https://example.com/a",
            ),
        ] {
            assert_ne!(of(one, url), of(other, url));
        }
        assert_ne!(
            canonical_url("https://example.com/#/a/7"),
            canonical_url("https://example.com/#/a/8")
        );
    }

    #[test]
    fn short_texts_are_no_copies() {
        let key = |title| text_key(&Words::new(title, ""));
        assert_eq!(key("Breaking"), None);
        assert_eq!(key("[속보]"), None);
        assert!(key("[속보] 트럼프 \"김정은과 곧 만날 것\"").is_some());
    }

    #[test]
    fn edited_titles_are_near_the_same() {
        assert!(near_same_title(
            "Leaders to meet in May",
            "Leaders to meet in early May"
        ));
        assert!(!near_same_title(
            "Leaders to meet in May",
            "Storm closes airport"
        ));
    }
}

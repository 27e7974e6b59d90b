//! Bytes → [`Parsed`]: one path for every document — decode, canonical form, feed-rs, plain text.
//! feed-rs and its entries stop here; so does chrono. Pure; `guarded` alone catches panics.

pub mod canonical;
pub mod charset;
pub mod date;
mod pace;
pub mod page;

use feed_rs::model;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use thiserror::Error;
use url::Url;

use crate::feed::Selectors;
use crate::feed::pace::Pace;
use crate::item::Item;
use crate::parse::canonical::Canonical;
use crate::text::html::{plain_text, plain_title};
use crate::text::{cut, printable};

/// What a document says of itself, and what is known of it from elsewhere.
#[derive(Debug, Clone)]
pub struct Source<'a> {
    pub content_type: Option<&'a str>,
    pub url: Option<&'a str>,
    /// The zone of times written without one.
    pub zone: TimeZone,
    /// Where the document is a page with a list, what of it is an item.
    pub select: Option<&'a Selectors>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    pub kind: Kind,
    pub title: Option<String>,
    pub link: Option<String>,
    pub language: Option<String>,
    /// What was mended, in the words of the README.
    pub repairs: Vec<&'static str>,
    /// False where the document's end is missing: what it holds counts, its validators do not.
    pub complete: bool,
    pub items: Vec<Item>,
    pub pace: Pace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Rss2,
    Rss1,
    Rss0,
    Atom,
    Json,
    Html,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rss2 => "rss2",
            Self::Rss1 => "rss1",
            Self::Rss0 => "rss0",
            Self::Atom => "atom",
            Self::Json => "json",
            Self::Html => "html",
        }
    }
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum ParseError {
    #[error("the document is empty")]
    Empty,
    #[error("not a feed: looks like {0}")]
    NotAFeed(&'static str),
    #[error("cannot read the feed: {0}")]
    Broken(String),
    #[error("\"{0}\" is no CSS selector")]
    Selector(String),
    #[error(
        "no entry of the page has a link and a title under the feed's selectors; the page may have changed"
    )]
    NothingSelected,
    #[error("the document holds entries but none could be read")]
    EntriesLost,
    #[error("the parser gave up on this document (a fault of ours or of a library's)")]
    Panicked,
}

/// Summaries are leads; what is longer is an article and stays in `content_html`.
const SUMMARY_CHARS: usize = 2_000;
const TITLE_CHARS: usize = 1_000;

/// `parse`, with a panic of any library turned into an error. Call it off the async threads.
pub fn guarded(bytes: &[u8], source: &Source<'_>) -> Result<Parsed, ParseError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| parse(bytes, source)))
        .unwrap_or(Err(ParseError::Panicked))
}

pub fn parse(bytes: &[u8], source: &Source<'_>) -> Result<Parsed, ParseError> {
    let decoded = charset::decode(bytes, source.content_type);
    let text = decoded
        .text
        .trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\0');
    if text.is_empty() {
        return Err(ParseError::Empty);
    }
    let mut repairs = decoded.repairs;
    if let Some(select) = source.select {
        return page(text, select, source, repairs);
    }
    let canonical = if text.starts_with('{') {
        let json = canonical_json(text)?;
        Canonical {
            kind: Kind::Json,
            text: json,
            complete: true,
            language: None,
            repairs: Vec::new(),
        }
    } else {
        canonical::canonical(text)?
    };
    let (kind, complete) = (canonical.kind, canonical.complete);
    repairs.extend(canonical.repairs);
    let zone = source.zone.clone();
    let feed = feed_rs::parser::Builder::new()
        // Resolution is ours: feed-rs drops what it cannot resolve.
        .base_uri(None::<&str>)
        .sanitize_content(false)
        .id_generator(|_, _, _| String::new())
        .timestamp_parser(move |text| date::parse(text, &zone).and_then(to_chrono))
        .build()
        .parse(canonical.text.as_bytes())
        .map_err(|error| ParseError::Broken(cut(&printable(&error.to_string()), 200)))?;
    let base = Base::new(source.url, &feed);
    let language = feed.language.clone().or(canonical.language);
    let items: Vec<Item> = feed
        .entries
        .into_iter()
        .map(|entry| item(entry, &base, kind))
        .collect();
    if items.is_empty() && complete && holds_entries(text) {
        return Err(ParseError::EntriesLost);
    }
    Ok(Parsed {
        kind,
        title: feed
            .title
            .map(|it| plain_title(&it.content))
            .filter(|it| !it.is_empty()),
        link: base.site,
        language,
        repairs,
        complete,
        items,
        pace: pace::pace(text),
    })
}

/// A list on a web page.
fn page(
    html: &str,
    select: &Selectors,
    source: &Source<'_>,
    repairs: Vec<&'static str>,
) -> Result<Parsed, ParseError> {
    let list = page::list(html, select, source.url, &source.zone)?;
    Ok(Parsed {
        kind: Kind::Html,
        title: list.title,
        link: source.url.map(str::to_owned),
        language: list.language,
        repairs,
        complete: true,
        items: list.items,
        pace: Pace::default(),
    })
}

/// JSON Feed as feed-rs wants it: its version and title are mandatory there and missing in the wild.
fn canonical_json(text: &str) -> Result<String, ParseError> {
    let mut value: serde_json::Value =
        serde_json::from_str(text).map_err(|error| ParseError::Broken(format!("JSON: {error}")))?;
    let items = value
        .get_mut("items")
        .and_then(|it| it.as_array_mut())
        .ok_or(ParseError::NotAFeed("JSON"))?;
    for item in items.iter_mut().filter_map(|it| it.as_object_mut()) {
        match item.get("id") {
            Some(serde_json::Value::String(_)) => {}
            Some(serde_json::Value::Number(number)) => {
                let id = number.to_string();
                item.insert("id".to_owned(), id.into());
            }
            _ => {
                item.insert("id".to_owned(), "".into());
            }
        }
    }
    items.retain(serde_json::Value::is_object);
    let Some(feed) = value.as_object_mut() else {
        return Err(ParseError::NotAFeed("JSON"));
    };
    feed.insert(
        "version".to_owned(),
        "https://jsonfeed.org/version/1.1".into(),
    );
    if !feed.get("title").is_some_and(serde_json::Value::is_string) {
        feed.insert("title".to_owned(), "".into());
    }
    Ok(value.to_string())
}

fn holds_entries(text: &str) -> bool {
    [
        "<item>",
        "<item ",
        "<entry>",
        "<entry ",
        "<rss:item",
        "<atom:entry",
    ]
    .iter()
    .any(|it| text.contains(it))
}

/// What relative links are resolved against: the feed's own link, then the document's address.
struct Base {
    site: Option<String>,
    url: Option<Url>,
}

impl Base {
    fn new(document: Option<&str>, feed: &model::Feed) -> Self {
        let document = document.and_then(|it| Url::parse(it).ok());
        let resolve = |href: &str| match (&document, Url::parse(href)) {
            (_, Ok(url)) => Some(url),
            (Some(document), Err(_)) => document.join(href).ok(),
            (None, Err(_)) => None,
        };
        let site = feed
            .links
            .iter()
            .filter(|link| !link.href.is_empty())
            .min_by_key(|link| link_rank(link))
            .and_then(|link| resolve(link.href.trim()));
        Self {
            url: site.clone().or(document),
            site: site.map(String::from),
        }
    }

    fn resolve(&self, href: &str) -> Option<String> {
        let href = href.trim();
        if href.is_empty() {
            return None;
        }
        match (Url::parse(href), &self.url) {
            (Ok(url), _) => Some(String::from(url)),
            (Err(_), Some(base)) => base.join(href).ok().map(String::from),
            (Err(_), None) => Some(href.to_owned()),
        }
    }
}

/// The page itself before enclosures, comments and the feed's own address.
fn link_rank(link: &model::Link) -> u8 {
    match link.rel.as_deref() {
        None | Some("alternate" | "") => match link.media_type.as_deref() {
            Some(it) if it.contains("xml") || it.contains("json") => 2,
            _ => 0,
        },
        Some("self") => 3,
        Some("related" | "via") => 1,
        Some(_) => 4,
    }
}

fn item(entry: model::Entry, base: &Base, kind: Kind) -> Item {
    let guid = Some(entry.id.trim().to_owned()).filter(|it| !it.is_empty());
    let url = entry
        .links
        .iter()
        .filter(|link| link_rank(link) < 3 && !link.href.trim().is_empty())
        .min_by_key(|link| link_rank(link))
        .and_then(|link| base.resolve(&link.href))
        // A guid or id that is an address stands in for a missing link (RSS 2.0, isPermaLink).
        .or_else(|| {
            guid.clone()
                .filter(|it| it.starts_with("http://") || it.starts_with("https://"))
        });
    let content_html = entry
        .content
        .and_then(|it| it.body)
        .filter(|it| !it.trim().is_empty());
    let media = || {
        entry
            .media
            .iter()
            .find_map(|it| it.description.as_ref().or(it.title.as_ref()))
    };
    let summary = entry
        .summary
        .map(|it| plain_text(&it.content))
        .filter(|it| !it.is_empty())
        .or_else(|| content_html.as_deref().map(plain_text))
        .or_else(|| media().map(|it| plain_text(&it.content)))
        .unwrap_or_default();
    let author = entry
        .authors
        .iter()
        .flat_map(|it| &it.name)
        .map(|it| plain_text(it))
        .find(|it| !it.is_empty());
    // feed-rs copies RSS's date into `updated`; only Atom and JSON Feed have one of their own.
    let updated_at = entry
        .updated
        .and_then(from_chrono)
        .filter(|_| matches!(kind, Kind::Atom | Kind::Json));
    Item {
        guid,
        url,
        title: cut(
            &entry
                .title
                .map(|it| plain_title(&it.content))
                .unwrap_or_default(),
            TITLE_CHARS,
        ),
        summary: cut(&summary, SUMMARY_CHARS),
        content_html,
        author,
        categories: entry
            .categories
            .into_iter()
            .map(|it| it.term)
            .filter(|it| !it.is_empty())
            .collect(),
        language: entry.language,
        published_at: entry.published.and_then(from_chrono).or(updated_at),
        updated_at,
    }
}

fn to_chrono(at: Timestamp) -> Option<chrono::DateTime<chrono::Utc>> {
    chrono::DateTime::from_timestamp(at.as_second(), 0)
}

fn from_chrono(at: chrono::DateTime<chrono::Utc>) -> Option<Timestamp> {
    Timestamp::from_second(at.timestamp()).ok()
}

#[cfg(test)]
mod tests;

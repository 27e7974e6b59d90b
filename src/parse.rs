//! Bytes → [`Parsed`]: one path for every document — unpack, decode, canonical form, feed-rs,
//! plain text. feed-rs and its entries stop here; so does chrono. Pure; `guarded` alone catches
//! panics.

mod base;
mod canonical;
pub mod charset;
pub mod date;
mod field;
mod json;
mod markup;
mod names;
mod pace;
pub mod page;
pub mod sitemap;
mod tokens;
mod unpack;

use std::collections::HashSet;

use feed_rs::model;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use thiserror::Error;

use crate::feed::Selectors;
use crate::feed::pace::Pace;
use crate::item::{Item, Precision, When};
use crate::parse::canonical::{Aside, Canonical, Slot};
use crate::parse::sitemap::Child;
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
    /// What a compressed document may grow to.
    pub max_bytes: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    pub kind: Kind,
    pub title: Option<String>,
    pub link: Option<String>,
    pub language: Option<String>,
    /// What was mended, in words for a person.
    pub repairs: Vec<&'static str>,
    /// False where the document's end is missing: what it holds counts, its validators do not.
    pub complete: bool,
    pub items: Vec<Item>,
    /// Of an index of sitemaps, which holds nothing else: where its items are, the best first.
    pub children: Vec<Child>,
    pub pace: Pace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Rss2,
    Rss1,
    Rss0,
    Atom,
    Json,
    Sitemap,
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
            Self::Sitemap => "sitemap",
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
    #[error("cannot read the page: {0}")]
    Page(String),
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
    let unpacked = unpack::unpack(bytes, source.max_bytes);
    let decoded = charset::decode(&unpacked.bytes, source.content_type);
    let text = decoded
        .text
        .trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\0');
    if text.is_empty() {
        return Err(ParseError::Empty);
    }
    let unpacking = (unpacked.layers > 0).then_some("unpacked gzip that no header announced");
    let torn = (!unpacked.complete).then_some("kept what could be unpacked");
    let repairs = unpacking.into_iter().chain(torn).chain(decoded.repairs);
    if let Some(select) = source.select {
        return page(text, select, source, repairs.collect());
    }
    let canonical = if text.starts_with('{') {
        json::read(text, source)?
    } else {
        markup::read(text, source)?
    };
    let complete = canonical.complete && unpacked.complete;
    if is_empty_handed(&canonical, text) {
        return Err(ParseError::EntriesLost);
    }
    let feed = feed_rs::parser::Builder::new()
        // Resolution is ours: feed-rs drops what it cannot resolve.
        .base_uri(None::<&str>)
        .sanitize_content(false)
        .id_generator(|_, _, _| String::new())
        .timestamp_parser(|text| text.parse().ok().and_then(to_chrono))
        .build()
        .parse(canonical.text().as_bytes())
        .map_err(|error| ParseError::Broken(cut(&printable(&error.to_string()), 200)))?;
    Ok(Parsed {
        kind: canonical.kind,
        title: feed
            .title
            .map(|it| plain_title(&it.content))
            .filter(|it| !it.is_empty()),
        link: feed.links.into_iter().next().map(|it| it.href),
        language: canonical.feed.get(Slot::Language).map(str::to_owned),
        repairs: repairs.chain(canonical.repairs.0).collect(),
        complete,
        items: days_only(
            feed.entries
                .into_iter()
                .zip(canonical.asides)
                .map(|(entry, aside)| item(entry, aside))
                .filter(Item::has_identity)
                .collect(),
        ),
        children: canonical.children,
        pace: match canonical.kind {
            Kind::Sitemap => Pace::default(),
            _ => pace::pace(text),
        },
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
        pace: Pace::default(),
        title: list.title,
        link: source.url.map(str::to_owned),
        language: list.language,
        repairs,
        complete: true,
        items: list.items,
        children: Vec::new(),
    })
}

/// Whether a document that holds entries gave none. Those of a whole sitemap may say no title.
fn is_empty_handed(canonical: &Canonical, text: &str) -> bool {
    let entries = match canonical.kind {
        Kind::Sitemap if canonical.complete => return false,
        Kind::Sitemap => ["url", "sitemap"],
        _ => ["item", "entry"],
    };
    let nothing = canonical.asides.is_empty() && canonical.children.is_empty();
    nothing
        && text.split('<').skip(1).any(|tag| {
            let end = tag.find(|c: char| !c.is_alphanumeric() && c != ':');
            let name = tag[..end.unwrap_or(0)].rsplit(':').next();
            name.is_some_and(|it| entries.iter().any(|entry| it.eq_ignore_ascii_case(entry)))
        })
}

fn item(entry: model::Entry, aside: Aside) -> Item {
    let (content_html, described) = (aside.content, aside.summary);
    let summary = described
        .as_deref()
        .map(plain_text)
        .filter(|it| !it.is_empty())
        .or_else(|| content_html.as_deref().map(plain_text))
        .unwrap_or_default();
    // Some put the whole article where the lead should be.
    let article = described.filter(|_| summary.len() > SUMMARY_CHARS);
    let author = entry
        .authors
        .iter()
        .flat_map(|it| &it.name)
        .map(|it| plain_text(it))
        .find(|it| !it.is_empty());
    let title = entry.title.map(|it| plain_title(&it.content));
    let updated = entry.updated.and_then(from_chrono);
    Item {
        guid: Some(entry.id).filter(|it| !it.is_empty()),
        url: entry
            .links
            .into_iter()
            .next()
            .map(|it| it.href)
            .filter(|it| !runs(it)),
        title: cut(&title.unwrap_or_default(), TITLE_CHARS),
        summary: cut(&summary, SUMMARY_CHARS),
        content_html: content_html.or(article),
        author,
        categories: entry.categories.into_iter().map(|it| it.term).collect(),
        language: aside.language,
        published: entry.published.and_then(from_chrono).or(updated),
        updated_at: updated.map(|it| it.at),
    }
}

/// Entries of several days that all say the same time of day know only the day: so write systems that
/// read lists of pages, in a zone that the document does not tell.
fn days_only(mut items: Vec<Item>) -> Vec<Item> {
    let told: Vec<i64> = items
        .iter()
        .filter_map(|it| Some(it.published?.at.as_second()))
        .collect();
    let clock = |at: &i64| at.rem_euclid(86_400);
    let days: HashSet<i64> = told.iter().map(|at| at.div_euclid(86_400)).collect();
    // A daily letter comes at one time too, but rarely three times on one day.
    let only_days = told.len() >= ENTRIES_OF_DAYS
        && days.len() >= 2
        && days.len() < told.len()
        && told.iter().all(|at| clock(at) == clock(&told[0]))
        && clock(&told[0]) % QUARTER == 0;
    if only_days {
        for item in &mut items {
            if let Some(when) = &mut item.published {
                when.precision = Precision::Day;
            }
        }
    }
    items
}

/// Dated entries from which their common time of day is no chance.
const ENTRIES_OF_DAYS: usize = 4;
/// Offsets of zones are multiples of so many seconds.
const QUARTER: i64 = 900;

/// Whether following the link would run what it holds.
fn runs(link: &str) -> bool {
    let scheme = link.trim_start().split(':').next().unwrap_or_default();
    ["javascript", "vbscript", "data"]
        .iter()
        .any(|it| scheme.eq_ignore_ascii_case(it))
}

// chrono knows no precision: one nanosecond stands for a day without a time (see `date::written`).
fn to_chrono(at: Timestamp) -> Option<chrono::DateTime<chrono::Utc>> {
    let nanos = u32::try_from(at.subsec_nanosecond()).ok()?;
    chrono::DateTime::from_timestamp(at.as_second(), nanos)
}

fn from_chrono(at: chrono::DateTime<chrono::Utc>) -> Option<When> {
    let precision = match at.timestamp_subsec_nanos() {
        0 => Precision::Second,
        _ => Precision::Day,
    };
    let at = Timestamp::from_second(at.timestamp()).ok()?;
    Some(When { at, precision })
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod property_tests;

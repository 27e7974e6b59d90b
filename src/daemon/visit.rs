//! From a fetched document to what a visit found: read off the async threads, within a time.

use std::time::Duration;

use url::Url;

use crate::feed::{Polled, Selectors};
use crate::fetch::page::{Page, judge, shown};
use crate::fetch::{Document, ErrorClass, Fetched, Outcome};
use crate::ingest::{Found, Visit};
use crate::parse::page::announced;
use crate::parse::{ParseError, Source, charset, guarded};
use crate::text::{cut, printable};

/// A parse that takes longer is left behind on its thread and its document refused.
const PARSE_LIMIT: Duration = Duration::from_secs(20);

/// Turns an exchange into a plain value: parsed here, off the async threads.
pub(super) async fn visit(
    feed: &Polled,
    at: jiff::Timestamp,
    fetched: Fetched,
    max_bytes: usize,
    jitter: f64,
) -> Visit {
    let asked = feed.moved_to().unwrap_or(&feed.feed.url).to_owned();
    let moved_to = fetched
        .moved_to
        .or_else(|| feed.moved_to().map(str::to_owned));
    let found = match fetched.outcome {
        Outcome::NotModified => Found::NotModified,
        Outcome::Failed { class, message } => Found::Failed {
            bytes: 0,
            class,
            message,
        },
        Outcome::Document(document) => {
            let body_hash = body_hash(&document.body);
            if feed.body_hash == Some(body_hash) {
                Found::Unchanged {
                    bytes: document.body.len(),
                    validators: document.validators,
                }
            } else {
                let hints = Hints {
                    asked,
                    zone: feed.feed.time_zone(),
                    select: feed.feed.select.clone(),
                    max_bytes,
                };
                read_apart(document, body_hash, hints).await
            }
        }
    };
    Visit {
        feed: feed.id,
        at,
        duration: fetched.duration,
        status: fetched.status,
        wishes: fetched.wishes,
        moved_to,
        found,
        jitter,
    }
}

/// [`read`], off the async threads and within its time.
pub(super) async fn read_apart(document: Document, body_hash: i64, hints: Hints) -> Found {
    let work = tokio::task::spawn_blocking(move || read(document, body_hash, &hints));
    let (class, message) = match tokio::time::timeout(PARSE_LIMIT, work).await {
        Ok(Ok(found)) => return found,
        Ok(Err(_)) => (ErrorClass::Panic, "the parser panicked".to_owned()),
        Err(_) => {
            let limit = PARSE_LIMIT.as_secs();
            let message = format!("the document took longer than {limit} s to parse");
            (ErrorClass::Broken, message)
        }
    };
    Found::Failed {
        bytes: 0,
        class,
        message,
    }
}

pub fn body_hash(body: &[u8]) -> i64 {
    body.chunks_exact(8)
        .map(|it| u64::from_le_bytes(it.try_into().expect("chunks of eight")))
        .chain([u64::try_from(body.len()).unwrap_or(u64::MAX)])
        .chain(
            body.chunks_exact(8)
                .remainder()
                .iter()
                .map(|byte| u64::from(*byte)),
        )
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, word| {
            (hash ^ word)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29)
        })
        .cast_signed()
}

/// What is known of a document besides what came.
pub struct Hints {
    /// The address it came for.
    pub asked: String,
    pub zone: jiff::tz::TimeZone,
    pub select: Option<Selectors>,
    /// What it may hold once unpacked.
    pub max_bytes: usize,
}

/// Parses a document into what a visit found.
pub fn read(document: Document, body_hash: i64, hints: &Hints) -> Found {
    let source = Source {
        content_type: document.content_type.as_deref(),
        url: Some(&document.url),
        zone: hints.zone.clone(),
        select: hints.select.as_ref(),
        max_bytes: hints.max_bytes,
    };
    let bytes = document.body.len();
    match guarded(&document.body, &source) {
        Ok(parsed) if !parsed.complete && parsed.items.is_empty() && parsed.children.is_empty() => {
            Found::Failed {
                bytes,
                class: ErrorClass::Broken,
                message: "the document breaks off before the end of its first entry".to_owned(),
            }
        }
        Ok(mut parsed) => {
            // The archive keeps leads; the rest need not wait for it in memory.
            parsed
                .items
                .iter_mut()
                .for_each(|it| it.content_html = None);
            Found::Document {
                bytes,
                validators: document.validators,
                body_hash,
                parsed,
            }
        }
        Err(error) => {
            let class = match error {
                ParseError::Empty | ParseError::NotAFeed(_) | ParseError::NothingSelected => {
                    ErrorClass::NotAFeed
                }
                ParseError::Broken(_)
                | ParseError::Page(_)
                | ParseError::Selector(_)
                | ParseError::EntriesLost => ErrorClass::Broken,
                ParseError::Panicked => ErrorClass::Panic,
            };
            let (class, message) = match page_instead(&document, &hints.asked) {
                // A page is what was asked for, where items are selected from it.
                Some(page) if page.class != ErrorClass::Html || hints.select.is_none() => {
                    (page.class, page.message)
                }
                _ => (class, error.to_string()),
            };
            Found::Failed {
                bytes,
                class,
                message,
            }
        }
    }
}

/// What a page is that came in the feed's place; one that announces its feed says where it is.
fn page_instead(document: &Document, asked: &str) -> Option<Page> {
    let (url, asked) = (Url::parse(&document.url).ok()?, Url::parse(asked).ok()?);
    let mut page = judge(&document.body, &url, &asked)?;
    if page.class != ErrorClass::Html {
        return Some(page);
    }
    let html = charset::decode(&document.body, document.content_type.as_deref()).text;
    let feeds = announced(&html, Some(&document.url)).unwrap_or_default();
    if let Some(feed) = feeds.first().and_then(|it| Url::parse(&it.url).ok()) {
        // A page that echoes our address could echo its secrets.
        let address = if asked.query().is_some() || !feed.username().is_empty() {
            shown(&feed)
        } else {
            cut(&printable(feed.as_str()), 200)
        };
        page.message = format!("{}; it announces a feed at {address}", page.message);
    }
    Some(page)
}

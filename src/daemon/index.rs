//! An index of sitemaps within one visit: a few of those it names are fetched in its place, and
//! their items are its own. One level deep.

use std::collections::HashSet;

use tokio::sync::OwnedSemaphorePermit;
use url::Url;

use crate::clock::Clock;
use crate::daemon::gates::Pass;
use crate::daemon::visit::{Hints, body_hash, read_apart};
use crate::feed::{Polled, Validators, host};
use crate::fetch::access::Access;
use crate::fetch::page::shown;
use crate::fetch::{After, Ask, Document, ErrorClass, Fetched, Fetcher, Outcome};
use crate::ingest::{Found, Visit};
use crate::parse::Parsed;
use crate::parse::sitemap::{Child, says_news};

/// Sitemaps of an index that one visit reads.
const CHILDREN: usize = 3;

const PASSED_OVER: &str = "passed over a sitemap of the index that could not be read";

pub(super) struct Reader<'a> {
    pub(super) feed: &'a Polled,
    pub(super) fetcher: &'a Fetcher,
    pub(super) access: &'a Access,
    pub(super) clock: &'a Clock,
    pub(super) max_bytes: usize,
}

/// The sitemaps that a visit found in place of items.
pub(super) fn children(visit: &Visit) -> Option<Vec<Child>> {
    match &visit.found {
        Found::Document { parsed, .. } if !parsed.children.is_empty() => {
            Some(parsed.children.clone())
        }
        _ => None,
    }
}

/// Which of them are read. Where some are of news, the others list the same articles without their
/// titles.
fn chosen(mut children: Vec<Child>, hosts: &[&str]) -> Vec<String> {
    children.retain(|it| hosts.contains(&bare(&host(&it.url))));
    if children.iter().any(|it| says_news(&it.url)) {
        children.retain(|it| says_news(&it.url));
    }
    children.truncate(CHILDREN);
    children.into_iter().map(|it| it.url).collect()
}

fn bare(host: &str) -> &str {
    host.strip_prefix("www.").unwrap_or(host)
}

struct Failure {
    status: Option<u16>,
    class: ErrorClass,
    message: String,
}

/// What is gathered from the sitemaps of an index.
#[derive(Default)]
struct Gathered {
    documents: Vec<(String, Document)>,
    bytes: usize,
    failure: Option<Failure>,
}

impl Reader<'_> {
    /// Puts what the index's sitemaps hold into the visit. Their host is asked again as often as
    /// `enter` lets; the last leave is the visit's.
    pub(super) async fn follow<E: Future<Output = Pass>>(
        &self,
        children: Vec<Child>,
        enter: impl Fn() -> E,
        visit: &mut Visit,
    ) -> Option<OwnedSemaphorePermit> {
        let configured = host(&self.feed.feed.url);
        let moved = visit.moved_to.as_deref().map(host).unwrap_or_default();
        let urls = chosen(children, &[bare(&configured), bare(&moved)]);
        let mut permit = None;
        let mut gathered = Gathered::default();
        for url in urls {
            // Leave held while waiting for leave could wait for itself.
            drop(permit.take());
            let mut pass = enter().await;
            let fetched = pass.hold(Box::pin(self.get(&url))).await;
            drop(pass.host);
            permit = pass.all;
            visit.duration += fetched.duration;
            let tired = gathered.take(url, fetched, visit);
            if tired {
                break;
            }
        }
        self.conclude(gathered, visit).await;
        permit
    }

    async fn get(&self, url: &str) -> Fetched {
        let ask = Ask {
            // What is secret belongs to the configured origin, wherever the index points.
            url: &self.feed.feed.url,
            moved_to: Some(url),
            // The index does not change when its sitemaps do, so all are asked for anew.
            validators: &Validators::default(),
            access: self.access,
            after: After::Keep,
            now: self.clock.now(),
        };
        self.fetcher.get(&ask).await
    }

    async fn conclude(&self, mut gathered: Gathered, visit: &mut Visit) {
        let Found::Document {
            bytes,
            validators,
            body_hash: hash,
            parsed,
        } = &mut visit.found
        else {
            return;
        };
        *bytes += gathered.bytes;
        *validators = Validators::default();
        *hash = gathered.hash(*hash);
        parsed.children.clear();
        if gathered.failure.is_none()
            && !gathered.documents.is_empty()
            && self.feed.body_hash == Some(*hash)
        {
            visit.found = Found::Unchanged {
                bytes: *bytes,
                validators: Validators::default(),
            };
            return;
        }
        let mut read_any = false;
        for (url, document) in std::mem::take(&mut gathered.documents) {
            match self.read(&url, document).await {
                Ok(child) => {
                    read_any = true;
                    merge(parsed, child);
                }
                Err(failure) => {
                    gathered.failure.get_or_insert(failure);
                }
            }
        }
        match gathered.failure {
            // What came counts; the rest is looked for again.
            Some(_) if read_any => {
                parsed.complete = false;
                parsed.repairs.push(PASSED_OVER);
            }
            Some(failure) => {
                visit.status = failure.status.or(visit.status);
                visit.found = Found::Failed {
                    bytes: *bytes,
                    class: failure.class,
                    message: failure.message,
                };
            }
            None if !read_any => {
                visit.found = Found::Failed {
                    bytes: *bytes,
                    class: ErrorClass::NotAFeed,
                    message: "the sitemap index names no sitemap of its own host".to_owned(),
                };
            }
            None => {}
        }
    }

    async fn read(&self, url: &str, document: Document) -> Result<Parsed, Failure> {
        let hints = Hints {
            asked: url.to_owned(),
            zone: self.feed.feed.time_zone(),
            select: None,
            max_bytes: self.max_bytes,
        };
        let (class, message) = match read_apart(document, 0, hints).await {
            Found::Document { parsed, .. } if parsed.children.is_empty() => return Ok(parsed),
            Found::Failed { class, message, .. } => (class, message),
            _ => (
                ErrorClass::NotAFeed,
                "an index of sitemaps within an index is not followed".to_owned(),
            ),
        };
        Err(failure(url, None, class, &message))
    }
}

impl Gathered {
    /// Takes what came for a sitemap; whether the host has had enough.
    fn take(&mut self, url: String, fetched: Fetched, visit: &mut Visit) -> bool {
        let (class, message) = match fetched.outcome {
            Outcome::Document(document) => {
                self.bytes += document.body.len();
                self.documents.push((url, document));
                return false;
            }
            Outcome::Failed { class, message } => (class, message),
            Outcome::NotModified => (
                ErrorClass::Http,
                "the server answered 304 to a first request".to_owned(),
            ),
        };
        let tired = class == ErrorClass::RateLimited;
        if tired {
            visit.wishes = fetched.wishes;
        }
        self.failure
            .get_or_insert_with(|| failure(&url, fetched.status, class, &message));
        tired
    }

    fn hash(&self, index: i64) -> i64 {
        let hashes = self.documents.iter().map(|(_, it)| body_hash(&it.body));
        let bytes: Vec<u8> = std::iter::once(index)
            .chain(hashes)
            .flat_map(i64::to_le_bytes)
            .collect();
        body_hash(&bytes)
    }
}

fn failure(url: &str, status: Option<u16>, class: ErrorClass, message: &str) -> Failure {
    let named = Url::parse(url).map(|it| shown(&it)).unwrap_or_default();
    Failure {
        status,
        class,
        message: format!("{message} (a sitemap of the index, {named})"),
    }
}

/// An article that several sitemaps list is one item: keys that a document repeats are not trusted.
fn merge(into: &mut Parsed, child: Parsed) {
    into.title = into.title.take().or(child.title);
    into.language = into.language.take().or(child.language);
    into.complete &= child.complete;
    for repair in child.repairs {
        if !into.repairs.contains(&repair) {
            into.repairs.push(repair);
        }
    }
    let had: HashSet<String> = into.items.iter().filter_map(|it| it.url.clone()).collect();
    let is_new = |url: &Option<String>| url.as_ref().is_none_or(|it| !had.contains(it));
    into.items
        .extend(child.items.into_iter().filter(|it| is_new(&it.url)));
}

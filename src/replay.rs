//! Recorded items or documents through the whole pipeline in simulated time, without a network.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use jiff::Timestamp;
use serde::Deserialize;

use crate::clock::whole_seconds;
use crate::daemon::visit::{Hints, body_hash, read};
use crate::feed::pace::{PollPolicy, Wishes};
use crate::feed::{Feed, FeedId, Validators};
use crate::fetch::{Document, ErrorClass, Limits};
use crate::ingest::identity::Shared;
use crate::ingest::item::{Change, Listing};
use crate::ingest::{Found, Ingest, Settings, Visit};
use crate::item::{Item, Precision, When};
use crate::store::{Store, StoreError, feeds, items};
use crate::text::html::{fold_space, plain_text};
use crate::topic::Engine;

/// Items taken in one transaction; time is simulated, so nobody waits for them.
const BATCH: usize = 500;

#[derive(Debug, Deserialize)]
struct RecordedItem {
    id: serde_json::Value,
    outlet: String,
    feed: Option<String>,
    language: Option<String>,
    title: String,
    summary: Option<String>,
    url: Option<String>,
    /// When it is taken. What `export` writes comes again when it came.
    #[serde(alias = "first_seen_at")]
    published: String,
}

#[derive(Debug, Deserialize)]
struct RecordedDocument {
    feed: String,
    url: String,
    fetched_at: Timestamp,
    status: u16,
    content_type: Option<String>,
    path: PathBuf,
}

pub struct Replay {
    store: Store,
    ingest: Ingest,
    policy: PollPolicy,
    feeds: HashMap<String, FeedId>,
    /// Feeds of the configuration, whose recorded documents are read as theirs.
    configured: Vec<Feed>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    pub taken: usize,
    pub new: usize,
    pub matched: usize,
    pub alerts: usize,
}

impl Replay {
    pub fn new(
        db: &Path,
        engine: Engine,
        desk: Settings,
        policy: PollPolicy,
    ) -> Result<Self, StoreError> {
        let store = Store::open(db)?;
        Ok(Self {
            store,
            ingest: Ingest::new(Arc::new(engine), desk, policy),
            policy,
            feeds: HashMap::new(),
            configured: Vec::new(),
        })
    }

    /// Documents recorded under these feeds' names have their outlet, language, country and zone.
    #[must_use]
    pub fn of(mut self, feeds: &[Feed]) -> Self {
        self.configured = feeds.to_vec();
        self
    }

    /// Items as JSON lines in time order; each is taken at the time it was published.
    pub fn items(
        &mut self,
        lines: impl Iterator<Item = std::io::Result<String>>,
    ) -> anyhow::Result<Summary> {
        let mut summary = Summary::default();
        let mut batch = Vec::new();
        for (at, line) in lines.enumerate() {
            let line = line.with_context(|| format!("line {}", at + 1))?;
            if line.trim().is_empty() {
                continue;
            }
            let item: RecordedItem = serde_json::from_str(&line)
                .with_context(|| format!("line {}: not an item", at + 1))?;
            let published = item.published.parse::<Timestamp>().with_context(|| {
                format!(
                    "line {}: published: \"{}\" is not RFC 3339",
                    at + 1,
                    item.published
                )
            })?;
            batch.push((item, whole_seconds(published)));
            if batch.len() == BATCH {
                self.take_items(&std::mem::take(&mut batch), &mut summary)?;
            }
        }
        self.take_items(&batch, &mut summary)?;
        Ok(summary)
    }

    fn take_items(
        &mut self,
        batch: &[(RecordedItem, Timestamp)],
        summary: &mut Summary,
    ) -> Result<(), StoreError> {
        let Self {
            store,
            ingest,
            policy,
            feeds: known,
            ..
        } = self;
        store.write(|tx| {
            items::counted(tx, || {
                for (recorded, now) in batch {
                    let name = recorded.feed.as_ref().unwrap_or(&recorded.outlet);
                    let id = if let Some(id) = known.get(name) {
                        *id
                    } else {
                        let id = feeds::upsert(
                            tx,
                            &recorded_feed(name, &recorded.outlet, ""),
                            policy,
                            *now,
                        )?;
                        known.insert(name.clone(), id);
                        id
                    };
                    let feed = feeds::get(tx, id)?;
                    let item = recorded.item(*now);
                    let shared = Shared::default();
                    let listing = Listing::alone(recorded.language.as_deref(), &shared);
                    let seen = ingest.take_item(tx, &feed, &item, &listing, *now)?;
                    summary.taken += 1;
                    summary.new += usize::from(seen.change == Change::New);
                    summary.matched += usize::from(seen.matched);
                    summary.alerts += seen.alerts;
                }
                Ok(())
            })
        })
    }

    /// Documents listed in `directory/manifest.jsonl`, in the order of the list.
    pub fn documents(&mut self, directory: &Path) -> anyhow::Result<Summary> {
        let manifest = directory.join("manifest.jsonl");
        let text = std::fs::read_to_string(&manifest)
            .with_context(|| format!("read {}", manifest.display()))?;
        let mut summary = Summary::default();
        for (at, line) in text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
        {
            let place = || format!("{}:{}", manifest.display(), at + 1);
            let document: RecordedDocument = serde_json::from_str(line).with_context(place)?;
            let report = self
                .take_document(directory, &document)
                .with_context(place)?;
            summary.taken += 1;
            summary.new += report.new;
            summary.matched += report.matched;
            summary.alerts += report.alerts;
        }
        if summary.taken == 0 {
            bail!("{} lists no document", manifest.display());
        }
        Ok(summary)
    }

    fn take_document(
        &mut self,
        directory: &Path,
        recorded: &RecordedDocument,
    ) -> anyhow::Result<crate::ingest::Report> {
        let path = directory.join(&recorded.path);
        let now = whole_seconds(recorded.fetched_at);
        // Recordings of many sites repeat a name; the address tells the feeds apart.
        let key = format!("{}\n{}", recorded.feed, recorded.url);
        let taken = self
            .feeds
            .keys()
            .any(|it| *it != key && it.split('\n').next() == Some(recorded.feed.as_str()));
        let name = if taken {
            format!("{} {}", recorded.feed, recorded.url)
        } else {
            recorded.feed.clone()
        };
        let configured = self.configured.iter().find(|it| it.name == name);
        let feed = match configured {
            Some(feed) => Feed {
                url: recorded.url.clone(),
                allow_private: false,
                ..feed.clone()
            },
            None => recorded_feed(&name, &recorded.feed, &recorded.url),
        };
        let select = feed.select.clone();
        let zone = feed.time_zone();
        let polled = self.store.write(|tx| {
            let id = match self.feeds.get(&key) {
                Some(id) => *id,
                None => feeds::upsert(tx, &feed, &self.policy, now)?,
            };
            feeds::get(tx, id)
        })?;
        self.feeds.insert(key, polled.id);
        let found = match recorded.status {
            304 => Found::NotModified,
            200..=299 => {
                let body =
                    std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
                let hash = body_hash(&body);
                if polled.body_hash == Some(hash) {
                    Found::Unchanged {
                        bytes: body.len(),
                        validators: Validators::default(),
                    }
                } else {
                    let document = Document {
                        url: recorded.url.clone(),
                        status: recorded.status,
                        content_type: recorded.content_type.clone(),
                        validators: Validators::default(),
                        body,
                    };
                    let hints = Hints {
                        asked: recorded.url.clone(),
                        zone,
                        select,
                        max_bytes: Limits::default().body,
                    };
                    read(document, hash, &hints)
                }
            }
            status => Found::Failed {
                bytes: 0,
                class: ErrorClass::Http,
                message: format!("the server answered {status}"),
            },
        };
        let visit = Visit {
            feed: polled.id,
            at: now,
            duration: Duration::ZERO,
            status: Some(recorded.status),
            wishes: Wishes::default(),
            moved_to: None,
            found,
            jitter: 0.0,
        };
        let mut reports = self
            .ingest
            .take(&self.store, std::slice::from_ref(&visit))?;
        Ok(reports.pop().unwrap_or_default())
    }
}

impl RecordedItem {
    fn item(&self, published_at: Timestamp) -> Item {
        let id = match &self.id {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Item {
            guid: Some(id),
            url: self.url.clone(),
            title: fold_space(&self.title),
            summary: plain_text(self.summary.as_deref().unwrap_or_default()),
            language: self.language.clone(),
            published: Some(When {
                at: published_at,
                precision: Precision::Second,
            }),
            ..Item::default()
        }
    }
}

fn recorded_feed(name: &str, outlet: &str, url: &str) -> Feed {
    Feed {
        name: name.to_owned(),
        url: url.to_owned(),
        outlet: outlet.to_owned(),
        family: outlet.to_owned(),
        language: None,
        country: None,
        zone: None,
        allow_private: false,
        select: None,
        interval: None,
        paused: false,
    }
}

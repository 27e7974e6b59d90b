//! Archived items through matching, threading and deciding once more, under two topics at once: what a
//! changed topic would have brought and what it would have cost.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::alert::{self, Standing};
use crate::feed::pace::PollPolicy;
use crate::feed::{Feed, FeedId};
use crate::ingest::identity::Shared;
use crate::ingest::item::Listing;
use crate::ingest::{Ingest, Routes, Settings};
use crate::item::{Item, Precision, When};
use crate::store::history::{self, Archived, Fate};
use crate::store::{Store, StoreError, feeds, open_read_only};
use crate::story::Tables;
use crate::topic::Engine;

/// How often both topics, and which items only one of them.
#[derive(Debug, Clone, Default)]
pub struct Difference {
    pub both: usize,
    pub gained: Vec<Fate>,
    pub lost: Vec<Fate>,
}

#[derive(Debug, Clone, Default)]
pub struct Outcome {
    pub items: usize,
    pub matches: Difference,
    pub alerts: Difference,
}

/// What the two topics are called while they are tried, since they may have one name.
const TOPICS: [&str; 2] = ["old", "new"];

/// Items taken in one transaction.
const BATCH: usize = 500;

/// Replays the items of `archive` seen since then. The engine's last topic is the new one, the one
/// before it the old one, which may be missing; both are told by `alerts`. `progress` hears how many items are done.
pub fn run(
    archive: &Path,
    since: Timestamp,
    mut engine: Engine,
    tables: Arc<Tables>,
    alerts: &alert::Policy,
    policy: PollPolicy,
    mut progress: impl FnMut(usize),
) -> Result<Outcome, StoreError> {
    for (topic, name) in engine.topics.iter_mut().rev().zip(TOPICS.iter().rev()) {
        (*name).clone_into(&mut topic.name);
    }
    let desk = Settings {
        tables,
        routes: Routes::new(),
        policies: TOPICS.map(|it| (it.to_owned(), alerts.clone())).into(),
    };
    let mut trial = Trial {
        store: Store::in_memory()?,
        ingest: Ingest::new(Arc::new(engine), desk, policy),
        policy,
        feeds: HashMap::new(),
    };
    let mut outcome = Outcome::default();
    let mut batch = Vec::new();
    history::since(&open_read_only(archive)?, since, |item| {
        batch.push(item);
        if batch.len() == BATCH {
            trial.take(&batch)?;
            outcome.items += batch.len();
            batch.clear();
            progress(outcome.items);
        }
        Ok::<_, StoreError>(())
    })?;
    trial.take(&batch)?;
    outcome.items += batch.len();
    progress(outcome.items);
    for fate in trial.store.read(|tx| history::fates(tx, TOPICS))? {
        outcome.alerts.count(fate.alerted, &fate);
        outcome.matches.count(fate.matched, &fate);
    }
    Ok(outcome)
}

struct Trial {
    store: Store,
    ingest: Ingest,
    policy: PollPolicy,
    feeds: HashMap<String, FeedId>,
}

impl Trial {
    fn take(&mut self, batch: &[Archived]) -> Result<(), StoreError> {
        let Self {
            store,
            ingest,
            policy,
            feeds: known,
        } = self;
        store.write(|tx| {
            for archived in batch {
                let now = archived.first_seen_at;
                let id = match known.get(&archived.feed) {
                    Some(id) => *id,
                    None => feeds::upsert(tx, &feed(archived), policy, now)?,
                };
                known.insert(archived.feed.clone(), id);
                let polled = feeds::get(tx, id)?;
                let item = item(archived, policy);
                let language = archived.language.as_deref();
                let shared = Shared::default();
                let listing = Listing::alone(language, &shared);
                ingest.take_item(tx, &polled, &item, &listing, now)?;
            }
            Ok(())
        })
    }
}

impl Difference {
    fn count(&mut self, [old, new]: [bool; 2], fate: &Fate) {
        match (old, new) {
            (true, true) => self.both += 1,
            (false, true) => self.gained.push(fate.clone()),
            (true, false) => self.lost.push(fate.clone()),
            (false, false) => {}
        }
    }
}

fn feed(archived: &Archived) -> Feed {
    Feed {
        name: archived.feed.clone(),
        url: String::new(),
        outlet: archived.outlet.clone(),
        family: archived.family.clone(),
        language: None,
        country: None,
        zone: None,
        select: None,
        interval: None,
        paused: false,
        allow_private: false,
    }
}

/// Under the archive's number as its guid, so that what became of it can be asked for.
fn item(archived: &Archived, policy: &PollPolicy) -> Item {
    // What was history then must be history now, though its feed's visits are not replayed.
    let long_ago = SignedDuration::try_from(policy.fresh_window * 2).unwrap_or(SignedDuration::MAX);
    let published_at = match archived.standing {
        Standing::History => archived.first_seen_at.checked_sub(long_ago).ok(),
        Standing::News | Standing::Copy => archived.published_at,
    };
    Item {
        guid: Some(archived.id.to_string()),
        url: archived.url.clone(),
        title: archived.title.clone(),
        summary: archived.summary.clone(),
        language: archived.language.clone(),
        published: published_at.map(|at| When {
            at,
            precision: Precision::Second,
        }),
        ..Item::default()
    }
}

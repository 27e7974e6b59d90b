//! What was told and then taken back without a word: its feed, which lists the newest first, drops
//! it and goes on listing what is newer and what is older. A feed that lacks its newest items as
//! well has only fallen back to an older document.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Transaction;

use crate::alert::Standing;
use crate::feed::Polled;
use crate::ingest::Ingest;
use crate::ingest::item::{Body, Told};
use crate::item::Item;
use crate::parse::Parsed;
use crate::store::items::ItemId;
use crate::store::withdrawals::{self, ToldItem};
use crate::store::{StoreError, stories};
use crate::text::Words;

/// What was told longer ago may leave its feed for any reason.
const TOLD: SignedDuration = SignedDuration::from_hours(48);
/// An item must be missing for so long: back-ends take turns, and pages are rebuilt.
const PATIENCE: SignedDuration = SignedDuration::from_mins(30);
/// Items older than it that the document must still list.
const OLDER: usize = 3;

impl Ingest {
    /// Tells of items that have been missing for long enough, as of a visit that went well; how
    /// many alerts came of it.
    pub(super) fn tell_missing(
        &mut self,
        tx: &Transaction<'_>,
        feed: &Polled,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let since = now.checked_sub(PATIENCE).unwrap_or(Timestamp::MIN);
        let mut alerts = 0;
        for item in withdrawals::missing_since(tx, feed.id, since)? {
            withdrawals::told(tx, item.id, now)?;
            alerts += self.tell_withdrawn(tx, feed, &item, now)?;
        }
        Ok(alerts)
    }

    fn tell_withdrawn(
        &mut self,
        tx: &Transaction<'_>,
        feed: &Polled,
        withdrawn: &ToldItem,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let item = Item {
            title: withdrawn.title.clone(),
            summary: withdrawn.summary.clone(),
            url: withdrawn.url.clone(),
            ..Item::default()
        };
        let words = Words::new(&item.title, &item.summary);
        let told = Told {
            id: withdrawn.id,
            feed,
            item: &item,
            words: &words,
            body: Body::Summary,
            language: withdrawn.language.as_deref(),
            published_at: Some(withdrawn.published_at),
            standing: Standing::News,
            original: None,
            was: None,
        };
        let engine = Arc::clone(&self.engine);
        let reading = engine.lexicon.read(&words);
        let mut alerts = 0;
        for topic in &engine.topics {
            if !withdrawals::was_told(tx, withdrawn.id, &topic.name)? {
                continue;
            }
            if let Some(reported) = stories::of_item(tx, withdrawn.id, &topic.name)? {
                alerts += usize::from(self.take_back(tx, &told, topic, reported, &reading, now)?);
            }
        }
        Ok(alerts)
    }
}

/// Notes which told items a complete document lacks, and which are back. `present` are the items
/// that it lists.
pub(super) fn note(
    tx: &Transaction<'_>,
    feed: &Polled,
    parsed: &Parsed,
    present: &HashSet<ItemId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    if !parsed.complete || parsed.items.len() < OLDER || !is_timeline(&parsed.items) {
        return Ok(());
    }
    let since = now.checked_sub(TOLD).unwrap_or(Timestamp::MIN);
    for (item, published_at, is_missing) in withdrawals::told_since(tx, feed.id, since)? {
        let dates = || parsed.items.iter().filter_map(Item::published_at);
        let is_hole = dates().any(|at| at > published_at)
            && dates().filter(|at| *at < published_at).count() >= OLDER;
        match (present.contains(&item), is_missing) {
            (true, true) => withdrawals::back(tx, item)?,
            (false, false) if is_hole => withdrawals::missing(tx, item, now)?,
            _ => {}
        }
    }
    Ok(())
}

/// Whether a document lists the newest first; an edited front page says nothing by leaving out.
fn is_timeline(items: &[Item]) -> bool {
    let dates: Option<Vec<Timestamp>> = items.iter().map(Item::published_at).collect();
    dates.is_some_and(|it| it.is_sorted_by(|a, b| a >= b))
}

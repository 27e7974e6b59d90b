//! What was told and then taken back without a word: its feed, which lists the newest first, drops
//! it and goes on listing what is newer and what is older. A feed that lacks its newest items as
//! well has only fallen back to an older document. What is told on is not taken back: in a fuller
//! version by the same feed, by another feed of the outlet, or at the same address anywhere.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Transaction;

use crate::alert::Standing;
use crate::feed::Polled;
use crate::ingest::Ingest;
use crate::ingest::item::{Body, Told};
use crate::item::{Item, canonical_url, near_same_title};
use crate::parse::Parsed;
use crate::store::items::ItemId;
use crate::store::withdrawals::{self, ToldItem};
use crate::store::{StoreError, stories};
use crate::text::Words;
use crate::text::fold::fold;
use crate::text::grams::segmented;

/// What was told longer ago may leave its feed for any reason.
const TOLD: SignedDuration = SignedDuration::from_hours(48);
/// An item must be missing for so long: back-ends take turns, and pages are rebuilt.
const PATIENCE: SignedDuration = SignedDuration::from_mins(30);
/// Visits in a row that must find it missing: one jump of a clock is no patience.
const VISITS: u32 = 3;
/// Items older than it that the document must still list.
const OLDER: usize = 3;
/// Share of a headline's words from which another headline tells the same in other words.
const RETOLD: f64 = 0.6;

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
        withdrawals::visited(tx, feed.id, now)?;
        withdrawals::forget_before(tx, now.checked_sub(TOLD).unwrap_or(Timestamp::MIN))?;
        for item in withdrawals::missing_since(tx, feed.id, since, VISITS)? {
            if withdrawals::is_listed_elsewhere(tx, item.id, since)? {
                continue;
            }
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
    for told in withdrawals::told_since(tx, feed.id, since)? {
        let dates = || parsed.items.iter().filter_map(Item::published_at);
        let is_hole = dates().any(|at| at > told.published_at)
            && dates().filter(|at| *at < told.published_at).count() >= OLDER;
        let is_told =
            present.contains(&told.id) || parsed.items.iter().any(|it| retells(it, &told));
        match (is_told, told.is_missing) {
            (true, true) => withdrawals::back(tx, told.id)?,
            (false, false) if is_hole => withdrawals::missing(tx, told.id, now)?,
            _ => {}
        }
    }
    Ok(())
}

/// Notes of a document which copies of told items of other feeds it lists. Of a feed whose document
/// lists a copy still, the last that was read counts.
pub(super) fn note_copies(
    tx: &Transaction<'_>,
    feed: &Polled,
    parsed: &Parsed,
    present: &HashSet<ItemId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    if !parsed.complete {
        return Ok(());
    }
    let since = now.checked_sub(TOLD).unwrap_or(Timestamp::MIN);
    for (copy, is_missing) in withdrawals::copies_since(tx, feed.id, since)? {
        match (present.contains(&copy), is_missing) {
            (true, true) => withdrawals::back(tx, copy)?,
            (false, false) => withdrawals::missing(tx, copy, now)?,
            _ => {}
        }
    }
    Ok(())
}

/// Whether an entry tells what a told item told, under another guid and address: a wire's fuller
/// version. Marks before a headline, as (LEAD) or [2nd], say nothing.
fn retells(entry: &Item, told: &ToldItem) -> bool {
    let not_before = told
        .published_at
        .checked_sub(PATIENCE)
        .unwrap_or(told.published_at);
    if entry.published_at().is_some_and(|at| at < not_before) {
        return false;
    }
    let same_page = || {
        let url = entry.url.as_deref().and_then(canonical_url);
        url.is_some() && url == told.url.as_deref().and_then(canonical_url)
    };
    let (said, was) = (unmarked(&entry.title), unmarked(&told.title));
    if said.is_empty() || was.is_empty() {
        return false;
    }
    near_same_title(said, was) || same_page() || share_of(was, said) >= RETOLD
}

/// A headline without what stands before it in brackets.
fn unmarked(title: &str) -> &str {
    let mut rest = title.trim();
    for (open, close) in [('(', ')'), ('[', ']'), ('【', '】'), ('<', '>')] {
        if let Some((_, tail)) = rest.strip_prefix(open).and_then(|it| it.split_once(close)) {
            rest = tail.trim();
        }
    }
    rest
}

/// The share of the words of `of` that stand in `within`; of pairs of characters in unspaced scripts.
fn share_of(of: &str, within: &str) -> f64 {
    let grams = |text: &str| -> HashSet<String> {
        let text = fold(text);
        segmented(&text)
            .split_whitespace()
            .map(str::to_owned)
            .collect()
    };
    let (of, within) = (grams(of), grams(within));
    let shared = of.intersection(&within).count();
    f64::from(u32::try_from(shared).unwrap_or(0))
        / f64::from(u32::try_from(of.len().max(1)).unwrap_or(1))
}

/// Whether a document lists the newest first; an edited front page says nothing by leaving out.
fn is_timeline(items: &[Item]) -> bool {
    let dates: Option<Vec<Timestamp>> = items.iter().map(Item::published_at).collect();
    dates.is_some_and(|it| it.is_sorted_by(|a, b| a >= b))
}

//! What is dropped with age, in small steps between the service's transactions. Matched items and
//! those of a story stay whole; of the others the text goes and the keys stay, so that an item
//! that comes back after months is known again and tells nobody.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};

use crate::store::items::ItemId;
use crate::store::{At, StoreError};

/// What one step did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Step {
    pub pruned: usize,
    /// More may be old enough.
    pub more: bool,
}

/// Rows that one step looks at: some ten milliseconds.
const STEP: usize = 500;

/// Drops the texts of items seen before `cutoff` that no topic matched.
pub fn prune_items(
    tx: &Transaction<'_>,
    cutoff: Timestamp,
    now: Timestamp,
) -> Result<Step, StoreError> {
    let last: Option<i64> = tx
        .prepare_cached("SELECT last_id FROM retention WHERE kind = 'items'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    let last = last.unwrap_or(0);
    let mut statement = tx.prepare_cached(
        "SELECT i.id, i.first_seen_at < ?2, i.pruned_at IS NOT NULL
                OR EXISTS (SELECT 1 FROM matches m WHERE m.item_id = i.id)
                OR EXISTS (SELECT 1 FROM story_items s WHERE s.item_id = i.id)
         FROM items i WHERE i.id > ?1 ORDER BY i.id LIMIT ?3",
    )?;
    let rows = statement.query_map(params![last, At(cutoff), count(STEP)], |row| {
        Ok((ItemId(row.get(0)?), row.get(1)?, row.get(2)?))
    })?;
    let mut step = Step::default();
    let (mut looked, mut upto) = (0, last);
    for row in rows {
        let (item, is_old, stays): (ItemId, bool, bool) = row?;
        // Ids follow the clock, so what comes after it is younger.
        if !is_old {
            break;
        }
        if !stays {
            prune(tx, item, now)?;
            step.pruned += 1;
        }
        upto = item.0;
        looked += 1;
    }
    step.more = looked == STEP;
    if upto > last {
        tx.prepare_cached("INSERT OR REPLACE INTO retention (kind, last_id) VALUES ('items', ?1)")?
            .execute([upto])?;
    }
    Ok(step)
}

fn prune(tx: &Transaction<'_>, item: ItemId, now: Timestamp) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM items_fts WHERE rowid = ?1",
        "DELETE FROM revisions WHERE item_id = ?1",
        "DELETE FROM articles WHERE item_id = ?1",
    ] {
        tx.prepare_cached(sql)?.execute([item.0])?;
    }
    tx.prepare_cached(
        "UPDATE items SET summary = '', author = NULL, guid = NULL, categories = NULL, published_raw = NULL,
            pruned_at = ?2 WHERE id = ?1",
    )?
    .execute(params![item.0, At(now)])?;
    Ok(())
}

/// Deletes visits begun before `cutoff`; what they taught stands in `feeds`.
pub fn prune_fetches(tx: &Transaction<'_>, cutoff: Timestamp) -> Result<Step, StoreError> {
    let pruned = tx
        .prepare_cached(
            "DELETE FROM fetches WHERE id IN (SELECT id FROM fetches ORDER BY id LIMIT ?2) AND started_at < ?1",
        )?
        .execute(params![At(cutoff), count(STEP)])?;
    Ok(Step {
        pruned,
        more: pruned == STEP,
    })
}

/// Of the readings of a topic that were made before `cutoff`, drops the terms by which reports are compared; the
/// latest `kept` of a topic keep theirs, for frequencies are counted over them.
pub fn prune_terms(
    tx: &Transaction<'_>,
    cutoff: Timestamp,
    kept: usize,
) -> Result<Step, StoreError> {
    let mut topics = tx.prepare_cached("SELECT DISTINCT topic FROM readings")?;
    let topics: Vec<String> = topics
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut step = Step::default();
    for topic in topics {
        let kind = format!("terms of {topic}");
        let last: Option<i64> = tx
            .prepare_cached("SELECT last_id FROM retention WHERE kind = ?1")?
            .query_row([&kind], |row| row.get(0))
            .optional()?;
        // Ids follow the clock. The first that stays ends what goes.
        let upto: Option<i64> = tx
            .prepare_cached(
                "SELECT max(id) FROM (SELECT id, read_at FROM readings WHERE topic = ?1 AND id > ?2
                    AND id <= (SELECT id FROM readings WHERE topic = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?3)
                    ORDER BY id LIMIT ?4) WHERE read_at < ?5",
            )?
            .query_row(
                params![topic, last.unwrap_or(0), count(kept), count(STEP), At(cutoff)],
                |row| row.get(0),
            )?;
        let Some(upto) = upto else { continue };
        let pruned = tx
            .prepare_cached(
                "UPDATE readings SET terms = NULL WHERE topic = ?1 AND id > ?2 AND id <= ?3 AND terms IS NOT NULL",
            )?
            .execute(params![topic, last.unwrap_or(0), upto])?;
        tx.prepare_cached("INSERT OR REPLACE INTO retention (kind, last_id) VALUES (?1, ?2)")?
            .execute(params![kind, upto])?;
        step.pruned += pruned;
        step.more |= pruned == STEP;
    }
    Ok(step)
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

//! Told items that their feeds no longer list though they list older ones, and copies of such items that
//! other feeds no longer list.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction, params};

use crate::feed::FeedId;
use crate::store::items::ItemId;
use crate::store::{At, StoreError};

/// An item that an alert has told, as its feed published it.
#[derive(Debug, Clone)]
pub struct ToldItem {
    pub id: ItemId,
    pub title: String,
    pub summary: String,
    pub url: Option<String>,
    pub language: Option<String>,
    pub published_at: Timestamp,
    /// It is noted as missing.
    pub is_missing: bool,
}

/// Dated items of `feed` that were first seen since then and told, but those whose withdrawal was told, with whether each is
/// missing already. A date that was clamped says nothing of an item's place in its feed.
pub fn told_since(
    tx: &Transaction<'_>,
    feed: FeedId,
    since: Timestamp,
) -> Result<Vec<ToldItem>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT DISTINCT i.id, i.title, i.summary, i.url, i.language, i.published_at, w.item_id IS NOT NULL
         FROM items i JOIN alerts a ON a.item_id = i.id
         LEFT JOIN withdrawals w ON w.item_id = i.id
         WHERE i.feed_id = ?2 AND i.first_seen_at >= ?1 AND i.published_at IS NOT NULL AND i.published_raw IS NULL
            AND w.told_at IS NULL",
    )?;
    let rows = statement.query_map(params![At(since), feed.0], told_item)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Items of `feed` that at least `visits` visits have found missing since then or longer, and nobody was
/// told.
pub fn missing_since(
    tx: &Transaction<'_>,
    feed: FeedId,
    since: Timestamp,
    visits: u32,
) -> Result<Vec<ToldItem>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT i.id, i.title, i.summary, i.url, i.language, i.published_at, 1
         FROM withdrawals w JOIN items i ON i.id = w.item_id
         WHERE w.told_at IS NULL AND w.missing_since <= ?1 AND w.visits >= ?3 AND i.feed_id = ?2
            AND EXISTS (SELECT 1 FROM alerts a WHERE a.item_id = i.id)",
    )?;
    let rows = statement.query_map(params![At(since), feed.0, visits], told_item)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn told_item(row: &Row<'_>) -> rusqlite::Result<ToldItem> {
    Ok(ToldItem {
        id: ItemId(row.get(0)?),
        title: row.get(1)?,
        summary: row.get(2)?,
        url: row.get(3)?,
        language: row.get(4)?,
        published_at: row.get::<_, At>(5)?.0,
        is_missing: row.get(6)?,
    })
}

/// Items of `feed` seen since then that are the same article as a told item of another feed, with whether
/// each is noted as missing.
pub fn copies_since(
    tx: &Transaction<'_>,
    feed: FeedId,
    since: Timestamp,
) -> Result<Vec<(ItemId, bool)>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT DISTINCT c.id, w.item_id IS NOT NULL
         FROM items c
         JOIN items i ON i.id = coalesce(c.duplicate_of, c.id) OR i.duplicate_of = coalesce(c.duplicate_of, c.id)
         JOIN developments d ON d.item_id = i.id JOIN alerts a ON a.development_id = d.id
         LEFT JOIN withdrawals w ON w.item_id = c.id
         WHERE c.feed_id = ?2 AND c.first_seen_at >= ?1 AND i.feed_id <> ?2",
    )?;
    let rows = statement.query_map(params![At(since), feed.0], |row| {
        Ok((ItemId(row.get(0)?), row.get(1)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whether a copy of an item stands in another feed still: at the same address in any, or in one of the
/// same family. A copy that was noted as missing since `since` may only be away for a moment.
pub fn is_listed_elsewhere(
    tx: &Transaction<'_>,
    item: ItemId,
    since: Timestamp,
) -> Result<bool, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT 1 FROM items i JOIN feeds f ON f.id = i.feed_id
         JOIN items c ON c.id = coalesce(i.duplicate_of, i.id) OR c.duplicate_of = coalesce(i.duplicate_of, i.id)
         JOIN feeds g ON g.id = c.feed_id
         LEFT JOIN withdrawals w ON w.item_id = c.id
         WHERE i.id = ?1 AND c.feed_id <> i.feed_id AND g.active
            AND (g.family = f.family OR c.canonical_url = i.canonical_url)
            AND (w.item_id IS NULL OR w.missing_since > ?2)",
    )?;
    Ok(statement.exists(params![item.0, At(since)])?)
}

/// A visit to `feed` went well: what was missing before is missing still, unless it is noted as back. What
/// was noted in what is now the future counts from now.
pub fn visited(tx: &Transaction<'_>, feed: FeedId, now: Timestamp) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE withdrawals SET visits = visits + 1, missing_since = min(missing_since, ?2)
         WHERE missing_since <> ?2 AND item_id IN (SELECT w.item_id FROM withdrawals w CROSS JOIN items i ON i.id = w.item_id
            WHERE w.told_at IS NULL AND i.feed_id = ?1)",
    )?
    .execute(params![feed.0, At(now)])?;
    Ok(())
}

/// Forgets what has been missing since before then and is no news any more, and copies with it.
pub fn forget_before(tx: &Transaction<'_>, before: Timestamp) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM withdrawals WHERE told_at IS NULL AND missing_since < ?1")?
        .execute([At(before)])?;
    Ok(())
}

pub fn missing(tx: &Transaction<'_>, item: ItemId, now: Timestamp) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT OR IGNORE INTO withdrawals (item_id, missing_since) VALUES (?1, ?2)",
    )?
    .execute(params![item.0, At(now)])?;
    Ok(())
}

/// The feed lists it again.
pub fn back(tx: &Transaction<'_>, item: ItemId) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM withdrawals WHERE item_id = ?1")?
        .execute([item.0])?;
    Ok(())
}

pub fn told(tx: &Transaction<'_>, item: ItemId, now: Timestamp) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE withdrawals SET told_at = ?2 WHERE item_id = ?1")?
        .execute(params![item.0, At(now)])?;
    Ok(())
}

/// Whether an alert of `topic` has told the item.
pub fn was_told(tx: &Transaction<'_>, item: ItemId, topic: &str) -> Result<bool, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT 1 FROM alerts a JOIN developments d ON d.id = a.development_id JOIN stories s ON s.id = d.story_id
         WHERE a.item_id = ?1 AND s.topic = ?2",
    )?;
    Ok(statement
        .query_row(params![item.0, topic], |_| Ok(()))
        .optional()?
        .is_some())
}

//! Told items that their feeds no longer list though they list older ones.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};

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
}

/// Dated items of `feed` told since then, but those whose withdrawal was told, with whether each
/// is missing already.
pub fn told_since(
    tx: &Transaction<'_>,
    feed: FeedId,
    since: Timestamp,
) -> Result<Vec<(ItemId, Timestamp, bool)>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT DISTINCT i.id, i.published_at, w.item_id IS NOT NULL
         FROM alerts a JOIN items i ON i.id = a.item_id
         LEFT JOIN withdrawals w ON w.item_id = i.id
         WHERE a.created_at >= ?1 AND i.feed_id = ?2 AND i.published_at IS NOT NULL AND w.told_at IS NULL",
    )?;
    let rows = statement.query_map(params![At(since), feed.0], |row| {
        Ok((ItemId(row.get(0)?), row.get::<_, At>(1)?.0, row.get(2)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Items of `feed` that have been missing since then or longer, and nobody was told.
pub fn missing_since(
    tx: &Transaction<'_>,
    feed: FeedId,
    since: Timestamp,
) -> Result<Vec<ToldItem>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT i.id, i.title, i.summary, i.url, i.language, i.published_at
         FROM withdrawals w JOIN items i ON i.id = w.item_id
         WHERE w.told_at IS NULL AND w.missing_since <= ?1 AND i.feed_id = ?2",
    )?;
    let rows = statement.query_map(params![At(since), feed.0], |row| {
        Ok(ToldItem {
            id: ItemId(row.get(0)?),
            title: row.get(1)?,
            summary: row.get(2)?,
            url: row.get(3)?,
            language: row.get(4)?,
            published_at: row.get::<_, At>(5)?.0,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
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

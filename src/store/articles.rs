//! Articles whose page is wanted, and the text of those that were read.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::alert::Standing;
use crate::feed::FeedId;
use crate::store::items::{self, ItemId};
use crate::store::{At, StoreError};

/// An article to visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub item: ItemId,
    /// The name of the feed that announced it.
    pub feed: String,
    pub feed_url: String,
    pub url: String,
}

/// What judging an article's text needs of its item.
#[derive(Debug, Clone)]
pub struct Announced {
    pub feed: FeedId,
    pub title: String,
    pub summary: String,
    pub url: Option<String>,
    pub language: Option<String>,
    pub published_at: Option<Timestamp>,
    pub standing: Standing,
    pub attempts: u32,
}

pub fn want(tx: &Transaction<'_>, item: ItemId, now: Timestamp) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT OR IGNORE INTO articles (item_id, state, next_try_at) VALUES (?1, 'wanted', ?2)",
    )?
    .execute(params![item.0, At(now)])?;
    Ok(())
}

/// The first `limit` articles to visit at `now`, the latest first: they are news.
pub fn due(
    connection: &Connection,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Wanted>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT a.item_id, f.name, f.url, i.url FROM articles a
         JOIN items i ON i.id = a.item_id JOIN feeds f ON f.id = i.feed_id
         WHERE a.state = 'wanted' AND a.next_try_at <= ?1 AND i.url IS NOT NULL
         ORDER BY a.item_id DESC LIMIT ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![At(now), limit], |row| {
        Ok(Wanted {
            item: ItemId(row.get(0)?),
            feed: row.get(1)?,
            feed_url: row.get(2)?,
            url: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// When the next article is to be visited.
pub fn next_due(connection: &Connection) -> Result<Option<Timestamp>, StoreError> {
    let next: Option<Option<At>> = connection
        .prepare_cached("SELECT min(next_try_at) FROM articles WHERE state = 'wanted'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(next.flatten().map(|it| it.0))
}

/// `None` where the article is wanted no more.
pub fn announced(tx: &Transaction<'_>, item: ItemId) -> Result<Option<Announced>, StoreError> {
    let stored = items::stored(tx, item)?;
    let mut statement = tx.prepare_cached(
        "SELECT i.feed_id, i.title, i.summary, i.url, i.published_at, a.attempts
         FROM articles a JOIN items i ON i.id = a.item_id WHERE a.item_id = ?1 AND a.state = 'wanted'",
    )?;
    let found = statement.query_row([item.0], |row| {
        Ok(Announced {
            feed: FeedId(row.get(0)?),
            title: row.get(1)?,
            summary: row.get(2)?,
            url: row.get(3)?,
            language: stored.language.clone(),
            published_at: row.get::<_, Option<At>>(4)?.map(|it| it.0),
            standing: stored.standing,
            attempts: row.get(5)?,
        })
    });
    Ok(found.optional()?)
}

/// Keeps a text; full-text search finds the item by it from now on.
pub fn keep(
    tx: &Transaction<'_>,
    item: ItemId,
    text: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE articles SET state = 'kept', attempts = attempts + 1, next_try_at = NULL, text = ?2, error = NULL,
            fetched_at = ?3 WHERE item_id = ?1",
    )?
    .execute(params![item.0, text, At(now)])?;
    items::reindex(tx, item)
}

/// Notes that it was the text by which an item matched.
pub fn decided(tx: &Transaction<'_>, item: ItemId) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE articles SET decided = 1 WHERE item_id = ?1")?
        .execute([item.0])?;
    Ok(())
}

/// Notes a failure; without a next try it is the last.
pub fn fail(
    tx: &Transaction<'_>,
    item: ItemId,
    error: &str,
    next: Option<Timestamp>,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE articles SET state = iif(?3 IS NULL, 'failed', 'wanted'), attempts = attempts + 1, error = ?2,
            next_try_at = ?3 WHERE item_id = ?1",
    )?
    .execute(params![item.0, error, next.map(At)])?;
    Ok(())
}

//! Stories, developments and alerts.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::alert::Decision;
use crate::outbox::DeliveryId;
use crate::store::items::ItemId;
use crate::store::{At, StoreError};
use crate::story::{Development, StoryId};

pub fn open(
    tx: &Transaction<'_>,
    topic: &str,
    title: &str,
    now: Timestamp,
) -> Result<StoryId, StoreError> {
    let id = tx
        .prepare_cached("INSERT INTO stories (topic, title, first_seen_at, last_seen_at) VALUES (?1, ?2, ?3, ?3)")?
        .insert(params![topic, title, At(now)])?;
    Ok(StoryId(id))
}

/// Where an item landed, as it is written down.
#[derive(Debug, Clone)]
pub struct Placed<'a> {
    pub story: StoryId,
    pub item: ItemId,
    pub similarity: Option<f64>,
    pub decision: Decision,
    pub reason: &'a str,
}

pub fn place(tx: &Transaction<'_>, placed: &Placed<'_>, now: Timestamp) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO story_items (story_id, item_id, similarity, decision, reason, placed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        placed.story.0,
        placed.item.0,
        placed.similarity,
        placed.decision.as_str(),
        placed.reason,
        At(now)
    ])?;
    tx.prepare_cached("UPDATE stories SET last_seen_at = max(last_seen_at, ?2) WHERE id = ?1")?
        .execute(params![placed.story.0, At(now)])?;
    Ok(())
}

/// The story of `topic` that an item stands in.
pub fn of_item(tx: &Connection, item: ItemId, topic: &str) -> Result<Option<StoryId>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT s.id FROM story_items si JOIN stories s ON s.id = si.story_id WHERE si.item_id = ?1 AND s.topic = ?2",
    )?;
    Ok(statement
        .query_row(params![item.0, topic], |row| row.get(0).map(StoryId))
        .optional()?)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DevelopmentId(pub i64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlertId(pub i64);

pub fn insert_development(
    tx: &Transaction<'_>,
    story: StoryId,
    item: ItemId,
    development: &Development,
    now: Timestamp,
) -> Result<DevelopmentId, StoreError> {
    let id = tx
        .prepare_cached(
            "INSERT INTO developments (story_id, item_id, kind, novelty, reason, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .insert(params![
            story.0,
            item.0,
            development.kind.as_str(),
            development.novelty,
            development.reason,
            At(now)
        ])?;
    Ok(DevelopmentId(id))
}

pub fn insert_alert(
    tx: &Transaction<'_>,
    development: DevelopmentId,
    message: &str,
    now: Timestamp,
) -> Result<AlertId, StoreError> {
    let id = tx
        .prepare_cached(
            "INSERT INTO alerts (development_id, message, created_at) VALUES (?1, ?2, ?3)",
        )?
        .insert(params![development.0, message, At(now)])?;
    Ok(AlertId(id))
}

/// One row in the outbox. Its key never changes, so that a channel can tell a repeat.
pub fn owe(
    tx: &Transaction<'_>,
    alert: AlertId,
    channel: &str,
    key: &str,
    now: Timestamp,
) -> Result<DeliveryId, StoreError> {
    let id = tx
        .prepare_cached(
            "INSERT INTO deliveries (alert_id, channel, state, next_attempt_at, idempotency_key, created_at)
             VALUES (?1, ?2, 'pending', ?3, ?4, ?3)",
        )?
        .insert(params![alert.0, channel, At(now), key])?;
    Ok(DeliveryId(id))
}

pub fn title(tx: &Connection, story: StoryId) -> Result<String, StoreError> {
    Ok(tx
        .prepare_cached("SELECT title FROM stories WHERE id = ?1")?
        .query_row([story.0], |row| row.get(0))?)
}

/// Outlets that have the story, the first reporter first, one per family.
pub fn outlets(tx: &Connection, story: StoryId) -> Result<Vec<String>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT f.outlet, min(si.placed_at || printf('%012d', si.item_id)) AS first
         FROM story_items si JOIN items i ON i.id = si.item_id JOIN feeds f ON f.id = i.feed_id
         WHERE si.story_id = ?1 GROUP BY f.family ORDER BY first",
    )?;
    let rows = statement.query_map([story.0], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// An item of a story that is still open, as needed to open it again after a restart.
#[derive(Debug, Clone)]
pub struct Member {
    pub story: StoryId,
    pub title: String,
    pub summary: String,
    pub at: Timestamp,
}

/// Members of the stories of `topic` seen since `since`, in the order in which they were placed.
pub fn members_since(
    tx: &Connection,
    topic: &str,
    since: Timestamp,
) -> Result<Vec<Member>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT si.story_id, i.title, iif(a.decided, a.text, i.summary), si.placed_at
         FROM stories s JOIN story_items si ON si.story_id = s.id JOIN items i ON i.id = si.item_id
         LEFT JOIN articles a ON a.item_id = i.id
         WHERE s.topic = ?1 AND s.last_seen_at >= ?2 AND i.duplicate_of IS NULL
         ORDER BY si.placed_at, si.item_id",
    )?;
    let rows = statement.query_map(params![topic, At(since)], |row| {
        Ok(Member {
            story: StoryId(row.get(0)?),
            title: row.get(1)?,
            summary: row.get(2)?,
            at: row.get::<_, At>(3)?.0,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

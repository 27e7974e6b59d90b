//! What was archived, read back in the order in which it came, for tools that judge it again.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use crate::alert::Standing;
use crate::store::{At, StoreError};
use crate::topic::suggest::Unread;

/// An item with what its feed is called.
#[derive(Debug, Clone)]
pub struct Archived {
    pub id: i64,
    pub feed: String,
    pub outlet: String,
    pub family: String,
    pub language: Option<String>,
    pub url: Option<String>,
    pub title: String,
    pub summary: String,
    pub published_at: Option<Timestamp>,
    pub first_seen_at: Timestamp,
    pub standing: Standing,
}

/// When the newest item came.
pub fn newest(connection: &Connection) -> Result<Option<Timestamp>, StoreError> {
    let newest: Option<At> =
        connection.query_row("SELECT max(first_seen_at) FROM items", [], |row| row.get(0))?;
    Ok(newest.map(|it| it.0))
}

pub fn count_since(connection: &Connection, since: Timestamp) -> Result<usize, StoreError> {
    let count: i64 = connection.query_row(
        "SELECT count(*) FROM items WHERE first_seen_at >= ?1",
        [At(since)],
        |row| row.get(0),
    )?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// Headlines read since then for `topic` that tell no state, and report a development of which another report tells one;
/// the latest first.
pub fn unread_states(
    connection: &Connection,
    topic: &str,
    since: Timestamp,
) -> Result<Vec<Unread>, StoreError> {
    let mut statement = connection.prepare(
        "WITH read AS (
            SELECT p.development_id, p.item_id, r.id, json_extract(r.statement, '$.state') AS state
            FROM reports p JOIN readings r ON r.id = p.reading_id
            WHERE r.topic = ?1 AND r.read_at >= ?2),
         told AS (SELECT development_id, item_id, state, min(id) FROM read WHERE state IS NOT NULL GROUP BY development_id)
         SELECT i.id, i.language, i.title, told.state, other.title
         FROM read JOIN told ON told.development_id = read.development_id JOIN items i ON i.id = read.item_id
            JOIN items other ON other.id = told.item_id
         WHERE read.state IS NULL ORDER BY i.id DESC",
    )?;
    let rows = statement.query_map(params![topic, At(since)], |row| {
        Ok(Unread {
            item: row.get(0)?,
            language: row.get(1)?,
            title: row.get(2)?,
            state: row.get(3)?,
            other: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Shows every item seen since then to `each`.
pub fn since<E: From<StoreError>>(
    connection: &Connection,
    since: Timestamp,
    mut each: impl FnMut(Archived) -> Result<(), E>,
) -> Result<(), E> {
    let mut statement = connection
        .prepare(
            "SELECT i.id, f.name, f.outlet, f.family, i.language, i.url, i.title, i.summary, i.published_at,
                i.first_seen_at, i.standing
             FROM items i JOIN feeds f ON f.id = i.feed_id WHERE i.first_seen_at >= ?1
             ORDER BY i.first_seen_at, i.id",
        )
        .map_err(StoreError::from)?;
    let mut rows = statement.query([At(since)]).map_err(StoreError::from)?;
    while let Some(row) = rows.next().map_err(StoreError::from)? {
        each(archived(row).map_err(StoreError::from)?)?;
    }
    Ok(())
}

fn archived(row: &rusqlite::Row<'_>) -> rusqlite::Result<Archived> {
    Ok(Archived {
        id: row.get(0)?,
        feed: row.get(1)?,
        outlet: row.get(2)?,
        family: row.get(3)?,
        language: row.get(4)?,
        url: row.get(5)?,
        title: row.get(6)?,
        summary: row.get(7)?,
        published_at: row.get::<_, Option<At>>(8)?.map(|it| it.0),
        first_seen_at: row.get::<_, At>(9)?.0,
        standing: Standing::of(row.get_ref(10)?.as_str()?),
    })
}

/// What became of an item under two topics: whether it matched and whether it alerted.
#[derive(Debug, Clone)]
pub struct Fate {
    pub guid: String,
    pub first_seen_at: Timestamp,
    pub outlet: String,
    pub language: Option<String>,
    pub title: String,
    pub matched: [bool; 2],
    pub alerted: [bool; 2],
}

/// Every item that matched under one of the topics, in order.
pub fn fates(connection: &Connection, topics: [&str; 2]) -> Result<Vec<Fate>, StoreError> {
    let sql = "WITH told AS (SELECT s.topic, a.item_id FROM alerts a
            JOIN developments d ON d.id = a.development_id JOIN stories s ON s.id = d.story_id)
         SELECT i.guid, i.first_seen_at, f.outlet, i.language, i.title,
            EXISTS (SELECT 1 FROM matches WHERE item_id = i.id AND topic = ?1),
            EXISTS (SELECT 1 FROM matches WHERE item_id = i.id AND topic = ?2),
            i.id IN (SELECT item_id FROM told WHERE topic = ?1), i.id IN (SELECT item_id FROM told WHERE topic = ?2)
         FROM items i JOIN feeds f ON f.id = i.feed_id
         WHERE i.id IN (SELECT item_id FROM matches WHERE topic IN (?1, ?2)) ORDER BY i.id";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map(topics, |row| {
        Ok(Fate {
            guid: row.get(0)?,
            first_seen_at: row.get::<_, At>(1)?.0,
            outlet: row.get(2)?,
            language: row.get(3)?,
            title: row.get(4)?,
            matched: [row.get(5)?, row.get(6)?],
            alerted: [row.get(7)?, row.get(8)?],
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

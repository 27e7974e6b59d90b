//! How much came when, from counters that outlive what is pruned.

use rusqlite::{Connection, params};

use crate::store::StoreError;
use crate::store::view::rows;

/// How many in an hour (`2026-03-01T09`) in a language.
#[derive(Debug, Clone)]
pub struct Count {
    pub hour: String,
    pub language: Option<String>,
    pub n: i64,
}

/// Items of all topics.
pub fn items(connection: &Connection, since: &str) -> Result<Vec<Count>, StoreError> {
    let sql = "SELECT hour, nullif(language, ''), items FROM hours WHERE hour >= substr(?1, 1, 13) AND topic = ''";
    counts(connection, sql, &[&since])
}

/// The last hour in which an item was first seen.
pub fn last(connection: &Connection) -> Result<Option<String>, StoreError> {
    let sql = "SELECT max(hour) FROM hours WHERE topic = ''";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

/// Items that match a topic.
pub fn matches(
    connection: &Connection,
    topic: &str,
    since: &str,
) -> Result<Vec<Count>, StoreError> {
    let sql = "SELECT hour, nullif(language, ''), items FROM hours WHERE hour >= substr(?1, 1, 13) AND topic = ?2";
    counts(connection, sql, &[&since, &topic])
}

/// Developments of a topic that were news.
pub fn developments(
    connection: &Connection,
    topic: &str,
    since: &str,
) -> Result<Vec<Count>, StoreError> {
    let sql = "SELECT substr(d.created_at, 1, 13), i.language, count(*) FROM developments d
         JOIN stories s ON s.id = d.story_id JOIN items i ON i.id = d.item_id
         WHERE d.created_at >= ?1 AND s.topic = ?2 AND d.verdict <> 'history' GROUP BY 1, 2";
    counts(connection, sql, &[&since, &topic])
}

fn counts(
    connection: &Connection,
    sql: &str,
    given: &[&dyn rusqlite::ToSql],
) -> Result<Vec<Count>, StoreError> {
    rows(connection, sql, given, |row| {
        Ok(Count {
            hour: row.get(0)?,
            language: row.get(1)?,
            n: row.get(2)?,
        })
    })
}

/// A state that a meeting came to, by the development that told it.
#[derive(Debug, Clone)]
pub struct Turn {
    pub at: String,
    pub state: String,
    pub story_id: i64,
}

/// The turns of a topic's meetings, the first first.
pub fn turns(connection: &Connection, topic: &str) -> Result<Vec<Turn>, StoreError> {
    let sql = "SELECT coalesce(a.created_at, d.created_at), si.state, d.story_id FROM developments d
         JOIN stories s ON s.id = d.story_id LEFT JOIN alerts a ON a.development_id = d.id
         JOIN story_items si ON si.story_id = d.story_id AND si.item_id = coalesce(a.item_id, d.item_id)
         WHERE s.topic = ?1 AND d.kind = 'state' AND si.state IS NOT NULL
         ORDER BY d.id DESC LIMIT 500";
    let mut turns = rows(connection, sql, params![topic], |row| {
        Ok(Turn {
            at: row.get(0)?,
            state: row.get(1)?,
            story_id: row.get(2)?,
        })
    })?;
    turns.reverse();
    Ok(turns)
}

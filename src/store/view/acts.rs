//! What readers did.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::StoreError;

/// What a reader did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Act {
    pub id: i64,
    /// mute, follow, wrong, not-news, star, note
    pub kind: String,
    pub story_id: Option<i64>,
    pub development_id: Option<i64>,
    pub note: Option<String>,
    pub until: Option<String>,
    pub reader: String,
    pub done_at: String,
    pub undone_by: Option<String>,
    pub undone_at: Option<String>,
    /// Of a follow: where every report goes.
    pub channel: Option<String>,
}

fn read(row: &Row<'_>) -> rusqlite::Result<Act> {
    Ok(Act {
        id: row.get(0)?,
        kind: row.get(1)?,
        story_id: row.get(2)?,
        development_id: row.get(3)?,
        note: row.get(4)?,
        until: row.get(5)?,
        reader: row.get(6)?,
        done_at: row.get(7)?,
        undone_by: row.get(8)?,
        undone_at: row.get(9)?,
        channel: row.get(10)?,
    })
}

const ACT: &str = "SELECT a.id, a.kind, a.story_id, a.development_id, a.note, a.until, a.reader, a.done_at, a.undone_by, a.undone_at, a.channel
     FROM acts a";

/// What stands of a story and of its developments.
pub fn of_story(connection: &Connection, story: i64) -> Result<Vec<Act>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "{ACT} WHERE a.undone_at IS NULL AND (a.story_id = ?1
            OR a.development_id IN (SELECT id FROM developments WHERE story_id = ?1)) ORDER BY a.id"
    ))?;
    let acts = statement.query_map([story], read)?;
    Ok(acts.collect::<Result<_, _>>()?)
}

/// Every act, the last first; what was taken back too where `all` says so.
pub fn list(connection: &Connection, all: bool, limit: usize) -> Result<Vec<Act>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "{ACT} WHERE ?1 OR a.undone_at IS NULL ORDER BY a.id DESC LIMIT ?2"
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let acts = statement.query_map(params![all, limit], read)?;
    Ok(acts.collect::<Result<_, _>>()?)
}

pub fn one(connection: &Connection, act: i64) -> Result<Option<Act>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("{ACT} WHERE a.id = ?1"))?;
    Ok(statement.query_row([act], read).optional()?)
}

/// The story of a development.
pub fn story_of(connection: &Connection, development: i64) -> Result<Option<i64>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT story_id FROM developments WHERE id = ?1")?;
    Ok(statement
        .query_row([development], |row| row.get(0))
        .optional()?)
}

/// A headline that a reader marked, as a case for whoever writes rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Marked {
    /// wrong, not-news
    pub kind: String,
    pub reader: String,
    pub done_at: String,
    pub title: String,
    pub summary: String,
    pub language: Option<String>,
    /// Of the report that its development was nearest to.
    pub after: Option<String>,
}

/// What of a topic stands marked, the first first.
pub fn marked(connection: &Connection, topic: &str) -> Result<Vec<Marked>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT a.kind, a.reader, a.done_at, i.title, i.summary, i.language,
            (SELECT n.title FROM developments e JOIN items n ON n.id = e.item_id
             WHERE e.id = (SELECT json_extract(si.signs, '$.same.development') FROM story_items si
                WHERE si.story_id = d.story_id AND si.item_id = d.item_id) AND e.id <> d.id)
         FROM acts a JOIN developments d ON d.id = a.development_id JOIN stories s ON s.id = d.story_id
         LEFT JOIN alerts l ON l.development_id = d.id JOIN items i ON i.id = coalesce(l.item_id, d.item_id)
         WHERE a.kind IN ('wrong', 'not-news') AND a.undone_at IS NULL AND s.topic = ?1 ORDER BY a.id",
    )?;
    let marked = statement.query_map([topic], |row| {
        Ok(Marked {
            kind: row.get(0)?,
            reader: row.get(1)?,
            done_at: row.get(2)?,
            title: row.get(3)?,
            summary: row.get(4)?,
            language: row.get(5)?,
            after: row.get(6)?,
        })
    })?;
    Ok(marked.collect::<Result<_, _>>()?)
}

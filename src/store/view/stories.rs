//! Stories and their reports.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::StoreError;
use crate::store::view::{Columns, Part, Rows, part, rows};

/// Items about one happening.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Story {
    pub id: i64,
    pub topic: String,
    pub title: String,
    pub language: Option<String>,
    pub first_seen_at: String,
    pub last_seen_at: String,
    /// Where its meeting stands.
    pub state: Option<String>,
    /// Every state it has had, with when it came there: `wished 2026-03-01T09:00:00Z, …`
    pub states: String,
    /// The party by which it came there.
    pub actor: Option<String>,
    /// The story that it turned out to be.
    pub merged_into: Option<i64>,
    pub items: i64,
    /// Independent origins.
    pub sources: i64,
    pub languages: i64,
    pub alerts: i64,
}

const STORY: &str = "SELECT s.id, s.topic, s.title, (SELECT language FROM items WHERE id = s.opened_by),
        s.first_seen_at, s.last_seen_at, s.state, s.states, s.actor, s.merged_into,
        (SELECT count(*) FROM story_items si WHERE si.story_id = s.id),
        (SELECT count(DISTINCT si.origin) FROM story_items si WHERE si.story_id = s.id),
        (SELECT count(DISTINCT i.language) FROM story_items si JOIN items i ON i.id = si.item_id WHERE si.story_id = s.id),
        (SELECT count(*) FROM developments d JOIN alerts a ON a.development_id = d.id WHERE d.story_id = s.id)
     FROM stories s";

fn story(row: &Row<'_>) -> rusqlite::Result<Story> {
    let mut row = Columns::of(row);
    Ok(Story {
        id: row.next()?,
        topic: row.next()?,
        title: row.next()?,
        language: row.next()?,
        first_seen_at: row.next()?,
        last_seen_at: row.next()?,
        state: row.next()?,
        states: row.next()?,
        actor: row.next()?,
        merged_into: row.next()?,
        items: row.next()?,
        sources: row.next()?,
        languages: row.next()?,
        alerts: row.next()?,
    })
}

/// The latest first.
pub fn stories(
    connection: &Connection,
    topic: Option<&str>,
    wanted: Part,
) -> Result<Rows<Story>, StoreError> {
    let older = match wanted.before {
        Some(_) => {
            "(s.last_seen_at, s.id) < ((SELECT last_seen_at FROM stories WHERE id = ?1), ?1)"
        }
        None => "?1 IS NULL",
    };
    // One shape with and one without a topic: each has its index.
    let topical = match topic {
        Some(_) => "s.topic = ?2",
        None => "?2 IS NULL",
    };
    let sql = format!(
        "{STORY} WHERE s.merged_into IS NULL AND {topical} AND {older}
         ORDER BY s.last_seen_at DESC, s.id DESC LIMIT ?3"
    );
    let given = params![wanted.before, topic, wanted.asked()];
    Ok(part(rows(connection, &sql, given, story)?, wanted))
}

pub fn one(connection: &Connection, id: i64) -> Result<Option<Story>, StoreError> {
    let sql = format!("{STORY} WHERE s.id = ?1");
    Ok(connection.query_row(&sql, [id], story).optional()?)
}

/// The story of a topic that last said where its meeting stands.
pub fn standing(connection: &Connection, topic: &str) -> Result<Option<Story>, StoreError> {
    let sql = format!(
        "{STORY} WHERE s.topic = ?1 AND s.state IS NOT NULL AND s.merged_into IS NULL
         ORDER BY s.last_seen_at DESC LIMIT 1"
    );
    Ok(connection.query_row(&sql, [topic], story).optional()?)
}

/// One item of a story, in the order of placing.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Report {
    pub item_id: i64,
    pub at: String,
    /// Seconds after the first.
    pub lag_secs: i64,
    pub outlet: String,
    /// The outlet, or the agency that it names.
    pub origin: String,
    pub language: Option<String>,
    pub title: String,
    pub url: Option<String>,
    pub state: Option<String>,
    /// alert, held, history, copy, told, past, floor, budget
    pub code: String,
    pub reason: String,
    pub development: Option<String>,
}

/// Reports of a story from the first on; so many at most.
pub fn reports(
    connection: &Connection,
    story: i64,
    limit: usize,
) -> Result<Vec<Report>, StoreError> {
    let sql = "SELECT i.id, si.placed_at,
            unixepoch(si.placed_at) - (SELECT min(unixepoch(placed_at)) FROM story_items WHERE story_id = ?1),
            f.outlet, si.origin, i.language, i.title, i.url, si.state, si.code, si.reason,
            (SELECT d.kind FROM developments d WHERE d.item_id = i.id AND d.story_id = ?1 ORDER BY d.id LIMIT 1)
         FROM story_items si JOIN items i ON i.id = si.item_id JOIN feeds f ON f.id = i.feed_id
         WHERE si.story_id = ?1 ORDER BY si.placed_at, si.item_id LIMIT ?2";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    rows(connection, sql, params![story, limit], |row| {
        let mut row = Columns::of(row);
        Ok(Report {
            item_id: row.next()?,
            at: row.next()?,
            lag_secs: row.next()?,
            outlet: row.next()?,
            origin: row.next()?,
            language: row.next()?,
            title: row.next()?,
            url: row.next()?,
            state: row.next()?,
            code: row.next()?,
            reason: row.next()?,
            development: row.next()?,
        })
    })
}

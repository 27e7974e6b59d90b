//! Items.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::StoreError;
use crate::store::view::{Columns, Part, Rows, part, rows};

/// One article as one feed announced it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Item {
    pub id: i64,
    pub title: String,
    pub summary: String,
    pub url: Option<String>,
    pub guid: Option<String>,
    pub feed: String,
    pub outlet: String,
    pub language: Option<String>,
    pub published_at: Option<String>,
    pub first_seen_at: String,
    /// news, history, copy
    pub standing: String,
    pub duplicate_of: Option<i64>,
    /// Topics that it matches, with a comma between.
    pub topics: Option<String>,
}

const ITEM: &str =
    "SELECT i.id, i.title, i.summary, i.url, i.guid, f.name, f.outlet, i.language, i.published_at,
        i.first_seen_at, i.standing, i.duplicate_of,
        (SELECT group_concat(m.topic, ', ') FROM matches m WHERE m.item_id = i.id)
     FROM items i JOIN feeds f ON f.id = i.feed_id";

fn item(row: &Row<'_>) -> rusqlite::Result<Item> {
    let mut row = Columns::of(row);
    Ok(Item {
        id: row.next()?,
        title: row.next()?,
        summary: row.next()?,
        url: row.next()?,
        guid: row.next()?,
        feed: row.next()?,
        outlet: row.next()?,
        language: row.next()?,
        published_at: row.next()?,
        first_seen_at: row.next()?,
        standing: row.next()?,
        duplicate_of: row.next()?,
        topics: row.next()?,
    })
}

/// Which items are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    pub topic: Option<&'a str>,
    pub language: Option<&'a str>,
    pub standing: Option<&'a str>,
    /// First seen then or later, as RFC 3339.
    pub since: Option<&'a str>,
}

/// The last to come first.
pub fn items(
    connection: &Connection,
    wanted: &Wanted<'_>,
    asked: Part,
) -> Result<Rows<Item>, StoreError> {
    // A topic's items are read from its matches, which are few.
    let (source, id) = match wanted.topic {
        Some(_) => (
            "JOIN matches t ON t.item_id = i.id AND t.topic = ?2",
            "t.item_id",
        ),
        None => ("", "i.id"),
    };
    let sql = format!(
        "{ITEM} {source} WHERE {id} < ?1 AND (?2 IS NULL OR 1) AND (?3 IS NULL OR i.language = ?3)
            AND (?4 IS NULL OR i.standing = ?4) AND (?5 IS NULL OR i.first_seen_at >= ?5)
         ORDER BY {id} DESC LIMIT ?6"
    );
    let given = params![
        asked.before.unwrap_or(i64::MAX),
        wanted.topic,
        wanted.language,
        wanted.standing,
        wanted.since,
        asked.asked()
    ];
    Ok(part(rows(connection, &sql, given, item)?, asked))
}

pub fn one(connection: &Connection, id: i64) -> Result<Option<Item>, StoreError> {
    let sql = format!("{ITEM} WHERE i.id = ?1");
    Ok(connection.query_row(&sql, [id], item).optional()?)
}

/// The article's own text, where it was read.
pub fn article(connection: &Connection, item: i64) -> Result<Option<String>, StoreError> {
    let sql = "SELECT text FROM articles WHERE item_id = ?1 AND text IS NOT NULL";
    Ok(connection
        .query_row(sql, [item], |row| row.get(0))
        .optional()?)
}

/// Where an item stands in a story, and what was decided about it.
#[derive(Debug, Clone)]
pub struct Placement {
    pub topic: String,
    pub story_id: i64,
    pub story_title: String,
    /// To the story when it joined, where 1 is enough; none of the item that opened it.
    pub closeness: Option<f64>,
    pub decision: String,
    pub reason: String,
    pub origin: String,
    pub state: Option<String>,
    /// Facts that the story did not have, and those it had.
    pub new: Vec<String>,
    pub known: Vec<String>,
    /// Further stories that it came near, with their closeness.
    pub runners_up: Vec<(i64, f64)>,
}

pub fn placements(connection: &Connection, item: i64) -> Result<Vec<Placement>, StoreError> {
    let sql = "SELECT s.topic, s.id, s.title, si.similarity, si.decision, si.reason, si.origin, si.state, si.facts,
            si.runners_up
         FROM story_items si JOIN stories s ON s.id = si.story_id WHERE si.item_id = ?1 ORDER BY s.topic";
    rows(connection, sql, params![item], |row| {
        let mut row = Columns::of(row);
        let mut placement = Placement {
            topic: row.next()?,
            story_id: row.next()?,
            story_title: row.next()?,
            closeness: row.next()?,
            decision: row.next()?,
            reason: row.next()?,
            origin: row.next()?,
            state: row.next()?,
            new: Vec::new(),
            known: Vec::new(),
            runners_up: Vec::new(),
        };
        let facts = json(&row.next::<String>()?);
        placement.new = texts(&facts["new"]);
        placement.known = texts(&facts["known"]);
        let others = json(&row.next::<String>()?);
        let others = others.as_array().into_iter().flatten();
        placement.runners_up = others
            .filter_map(|it| Some((it["story"].as_i64()?, it["closeness"].as_f64()?)))
            .collect();
        Ok(placement)
    })
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_default()
}

fn texts(list: &serde_json::Value) -> Vec<String> {
    let texts = list.as_array().into_iter().flatten();
    texts
        .filter_map(|it| it.as_str().map(str::to_owned))
        .collect()
}

/// What an item said until it was changed.
#[derive(Debug, Clone)]
pub struct Revision {
    pub title: String,
    pub summary: String,
    pub replaced_at: String,
}

pub fn revisions(connection: &Connection, item: i64) -> Result<Vec<Revision>, StoreError> {
    let sql = "SELECT title, summary, replaced_at FROM revisions WHERE item_id = ?1 ORDER BY id";
    rows(connection, sql, params![item], |row| {
        Ok(Revision {
            title: row.get(0)?,
            summary: row.get(1)?,
            replaced_at: row.get(2)?,
        })
    })
}

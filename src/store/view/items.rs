//! Items.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde_json::Value;
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
#[derive(Debug, Clone, Serialize)]
pub struct Placement {
    pub topic: String,
    pub story_id: i64,
    pub story_title: String,
    pub decision: String,
    pub reason: String,
    pub origin: String,
    pub state: Option<String>,
    /// As `story_items.signs` keeps it: log-odds, thresholds and what each sign adds.
    pub signs: Value,
    /// Developments of the story that it reports.
    pub reports: Vec<Reported>,
    /// Headlines of the developments that `signs` names.
    pub headlines: Vec<(i64, String)>,
}

/// A development that an item reports.
#[derive(Debug, Clone, Serialize)]
pub struct Reported {
    pub development: i64,
    /// first, update, repeat
    pub role: String,
    pub kind: String,
    pub verdict: String,
    /// What happened, in English.
    pub summary: Option<String>,
    /// Whether the alert told this item.
    pub told: bool,
    /// Of its first report.
    pub headline: String,
    pub outlets: i64,
}

pub fn placements(connection: &Connection, item: i64) -> Result<Vec<Placement>, StoreError> {
    let sql = "SELECT s.topic, s.id, s.title, si.decision, si.reason, si.origin, si.state, si.signs
         FROM story_items si JOIN stories s ON s.id = si.story_id WHERE si.item_id = ?1 ORDER BY s.topic, s.id";
    let mut placements = rows(connection, sql, params![item], |row| {
        let mut row = Columns::of(row);
        Ok(Placement {
            topic: row.next()?,
            story_id: row.next()?,
            story_title: row.next()?,
            decision: row.next()?,
            reason: row.next()?,
            origin: row.next()?,
            state: row.next()?,
            signs: serde_json::from_str(&row.next::<String>()?).unwrap_or_default(),
            reports: Vec::new(),
            headlines: Vec::new(),
        })
    })?;
    for placement in &mut placements {
        placement.reports = reported(connection, item, placement.story_id)?;
        placement.headlines = headlines(connection, &placement.signs)?;
    }
    Ok(placements)
}

fn reported(connection: &Connection, item: i64, story: i64) -> Result<Vec<Reported>, StoreError> {
    let sql = "SELECT d.id, r.role, d.kind, d.verdict, d.summary,
            coalesce(a.item_id = ?1, 0), i.title, (SELECT count(DISTINCT outlet) FROM reports WHERE development_id = d.id)
         FROM reports r JOIN developments d ON d.id = r.development_id JOIN items i ON i.id = d.item_id
         LEFT JOIN alerts a ON a.development_id = d.id WHERE r.item_id = ?1 AND d.story_id = ?2 ORDER BY d.id";
    rows(connection, sql, params![item, story], |row| {
        let mut row = Columns::of(row);
        Ok(Reported {
            development: row.next()?,
            role: row.next()?,
            kind: row.next()?,
            verdict: row.next()?,
            summary: row.next()?,
            told: row.next()?,
            headline: row.next()?,
            outlets: row.next()?,
        })
    })
}

/// Headlines of the developments that an item was compared with, the likeliest first.
fn headlines(connection: &Connection, signs: &Value) -> Result<Vec<(i64, String)>, StoreError> {
    let others = signs["runners_up"].as_array().into_iter().flatten();
    let named = std::iter::once(&signs["same"]).chain(others);
    let mut headlines = Vec::new();
    for id in named.filter_map(|it| it["development"].as_i64()) {
        let sql =
            "SELECT i.title FROM developments d JOIN items i ON i.id = d.item_id WHERE d.id = ?1";
        let title = connection
            .prepare_cached(sql)?
            .query_row([id], |row| row.get(0))
            .optional()?;
        headlines.extend(title.map(|it| (id, it)));
    }
    Ok(headlines)
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

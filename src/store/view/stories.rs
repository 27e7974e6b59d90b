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
        s.first_seen_at, s.last_seen_at, iif(s.merged_into IS NULL, s.state, NULL), s.states, s.actor, s.merged_into,
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

/// Where the matter of a topic stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Standing {
    pub state: String,
    /// The party by which it came there.
    pub actor: Option<String>,
    /// Whose word it is: a concept of the lexicon, or an outlet.
    pub setter: Option<String>,
    /// Month and day that were set: `06-12`.
    pub day: Option<String>,
    /// A concept of the lexicon.
    pub place: Option<String>,
    /// Every state it has had lately, with when it came there: `wished 2026-03-01T09:00:00Z, …`
    pub states: String,
    /// The story that tells it.
    pub story_id: Option<i64>,
    pub story_title: Option<String>,
    pub story_language: Option<String>,
}

impl Standing {
    /// When it came to where it stands: RFC 3339, UTC.
    pub fn since(&self) -> Option<&str> {
        self.states.rsplit(", ").next()?.split(' ').nth(1)
    }
}

/// The course of a topic's matter, if anything was told of it.
pub fn standing(connection: &Connection, topic: &str) -> Result<Option<Standing>, StoreError> {
    let sql = "SELECT t.state, t.actor, t.setter, t.day, t.place, t.states, s.id, s.title,
            (SELECT language FROM items WHERE id = s.opened_by)
         FROM topics t LEFT JOIN stories s ON s.id = t.story_id WHERE t.name = ?1 AND t.state IS NOT NULL";
    let row = |row: &Row<'_>| {
        let mut row = Columns::of(row);
        Ok(Standing {
            state: row.next()?,
            actor: row.next()?,
            setter: row.next()?,
            day: row.next()?,
            place: row.next()?,
            states: row.next()?,
            story_id: row.next()?,
            story_title: row.next()?,
            story_language: row.next()?,
        })
    };
    Ok(connection.query_row(sql, [topic], row).optional()?)
}

/// One item of a story, in the order of reporting. It reports a development, or is commentary.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Report {
    pub item_id: i64,
    /// None of commentary.
    pub development_id: Option<i64>,
    /// first, update (adds a day, place or number) or repeat
    pub role: Option<String>,
    pub at: String,
    /// Seconds after the first report of the story.
    pub lag_secs: i64,
    /// Seconds after the first report of the development.
    pub development_lag_secs: i64,
    pub outlet: String,
    /// The outlet, or the agency that it names.
    pub origin: String,
    pub language: Option<String>,
    pub title: String,
    pub url: Option<String>,
    pub state: Option<String>,
    /// alert, held, history, copy, told, past, comment, slight, doubtful, budget, flood
    pub code: String,
    pub reason: String,
    /// The kind of the development, at its first report and at the one that was told.
    pub development: Option<String>,
}

/// Items of the story ?1 with the development that each reports. What an alert told stays told,
/// whatever became of the item since.
pub const TIMELINE: &str = "WITH placed AS (
        SELECT r.item_id, r.development_id, r.role, r.reported_at AS at, r.outlet, r.origin, d.kind,
            (SELECT iif(d.verdict = 'held', 'held', 'alert') FROM alerts a
                WHERE a.development_id = d.id AND a.item_id = r.item_id) AS told
        FROM developments d JOIN reports r ON r.development_id = d.id WHERE d.story_id = ?1
        UNION ALL
        SELECT si.item_id, NULL, NULL, si.placed_at, f.outlet, si.origin, NULL, NULL
        FROM story_items si JOIN items i ON i.id = si.item_id JOIN feeds f ON f.id = i.feed_id
        WHERE si.story_id = ?1 AND NOT EXISTS (SELECT 1 FROM reports r JOIN developments d ON d.id = r.development_id
            WHERE r.item_id = si.item_id AND d.story_id = ?1)
    )
    SELECT p.item_id AS item, p.development_id, p.role, p.at,
        unixepoch(p.at) - min(unixepoch(p.at)) OVER () AS lag,
        unixepoch(p.at) - min(unixepoch(p.at)) OVER (PARTITION BY p.development_id) AS development_lag,
        p.outlet, p.origin, i.language, i.title, i.url, si.state, coalesce(p.told, si.code, 'told') AS code,
        coalesce(si.reason, '') AS reason, iif(p.role = 'first' OR p.told IS NOT NULL, p.kind, NULL) AS development
    FROM placed p JOIN items i ON i.id = p.item_id
    LEFT JOIN story_items si ON si.story_id = ?1 AND si.item_id = p.item_id
    ORDER BY p.at, p.item_id, p.development_id";

/// Reports of a story from the first on; so many at most.
pub fn reports(
    connection: &Connection,
    story: i64,
    limit: usize,
) -> Result<Vec<Report>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let sql = format!("{TIMELINE} LIMIT ?2");
    rows(connection, &sql, params![story, limit], |row| {
        let mut row = Columns::of(row);
        Ok(Report {
            item_id: row.next()?,
            development_id: row.next()?,
            role: row.next()?,
            at: row.next()?,
            lag_secs: row.next()?,
            development_lag_secs: row.next()?,
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

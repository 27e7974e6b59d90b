//! Developments and alerts.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::message::Message;
use crate::store::StoreError;
use crate::store::view::{Columns, Part, Rows, part, rows};

/// Something new within a topic, told or not.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Development {
    pub id: i64,
    pub created_at: String,
    pub topic: String,
    /// opens, fact, state, official, correction
    pub kind: String,
    /// alert, held, or why it is silent: history, past, comment, slight, doubtful, budget, flood
    pub verdict: String,
    /// 0..1
    pub novelty: f64,
    pub reason: String,
    pub story_id: i64,
    pub story_title: String,
    /// The report that was told, else the first.
    pub item_id: i64,
    pub title: String,
    pub url: Option<String>,
    pub outlet: String,
    pub language: Option<String>,
    /// Where a meeting stands, as this headline tells it.
    pub state: Option<String>,
    pub alert_id: Option<i64>,
    /// What happened, in English; none of an earlier release's.
    pub summary: Option<String>,
    /// The day to come that it names: `2026-06-12`.
    pub day: Option<String>,
    /// The place that it names, in English.
    pub place: Option<String>,
    /// Items that report it.
    pub reports: i64,
    /// Outlets that report it.
    pub outlets: i64,
}

const DEVELOPMENT: &str = "SELECT d.id, d.created_at, s.topic, d.kind, d.verdict, d.novelty, d.reason, d.story_id,
        s.title, i.id, i.title, i.url, f.outlet, i.language,
        coalesce(d.state, (SELECT si.state FROM story_items si WHERE si.story_id = d.story_id AND si.item_id = i.id)),
        a.id, d.summary, d.day, d.place,
        (SELECT count(*) FROM reports r WHERE r.development_id = d.id),
        (SELECT count(DISTINCT r.outlet) FROM reports r WHERE r.development_id = d.id)
     FROM developments d JOIN stories s ON s.id = d.story_id LEFT JOIN alerts a ON a.development_id = d.id
     JOIN items i ON i.id = coalesce(a.item_id, d.item_id) JOIN feeds f ON f.id = i.feed_id";

fn development(row: &Row<'_>) -> rusqlite::Result<Development> {
    let mut row = Columns::of(row);
    Ok(Development {
        id: row.next()?,
        created_at: row.next()?,
        topic: row.next()?,
        kind: row.next()?,
        verdict: row.next()?,
        novelty: row.next()?,
        reason: row.next()?,
        story_id: row.next()?,
        story_title: row.next()?,
        item_id: row.next()?,
        title: row.next()?,
        url: row.next()?,
        outlet: row.next()?,
        language: row.next()?,
        state: row.next()?,
        alert_id: row.next()?,
        summary: row.next()?,
        day: row.next()?,
        place: row.next()?,
        reports: row.next()?,
        outlets: row.next()?,
    })
}

/// Which developments are listed. History is in the archive and was no news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    All,
    /// What was told or is only held back: without commentary and what is too slight to tell.
    News,
}

/// The latest first.
pub fn developments(
    connection: &Connection,
    topic: Option<&str>,
    which: Which,
    wanted: Part,
) -> Result<Rows<Development>, StoreError> {
    let which = match which {
        Which::All => "d.verdict <> 'history'",
        Which::News => "d.verdict IN ('alert', 'held', 'doubtful', 'budget', 'flood', 'floor')",
    };
    let sql = format!(
        "{DEVELOPMENT} WHERE d.id < ?1 AND (?2 IS NULL OR s.topic = ?2) AND {which}
         ORDER BY d.id DESC LIMIT ?3"
    );
    let given = params![wanted.before.unwrap_or(i64::MAX), topic, wanted.asked()];
    Ok(part(rows(connection, &sql, given, development)?, wanted))
}

/// Of a story, the first first; with those of history.
pub fn of_story(connection: &Connection, story: i64) -> Result<Vec<Development>, StoreError> {
    let sql = format!("{DEVELOPMENT} WHERE d.story_id = ?1 ORDER BY d.id");
    rows(connection, &sql, params![story], development)
}

/// What was not told though it may be new: it waits for a second source or report, or was over a bound.
pub fn held_back(
    connection: &Connection,
    topic: &str,
    since: &str,
    limit: usize,
) -> Result<Vec<Development>, StoreError> {
    let sql = format!(
        "{DEVELOPMENT} WHERE d.created_at >= ?1 AND s.topic = ?2 AND d.verdict IN ('held', 'doubtful', 'budget', 'flood')
         ORDER BY d.created_at DESC, d.id DESC LIMIT ?3"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    rows(connection, &sql, params![since, topic, limit], development)
}

/// One message about one development, as a webhook receives it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Alert {
    pub id: i64,
    pub created_at: String,
    pub development_id: i64,
    pub story_id: i64,
    /// The report that it tells.
    pub item_id: i64,
    #[schema(value_type = Object)]
    pub message: Value,
    /// When somebody said that they have it.
    pub acknowledged_at: Option<String>,
    pub acknowledged_by: Option<String>,
}

impl Alert {
    /// The message; none where another version wrote it otherwise.
    pub fn said(&self) -> Option<Message> {
        Message::deserialize(&self.message).ok()
    }
}

const ALERT: &str =
    "SELECT a.id, a.created_at, a.development_id, d.story_id, coalesce(a.item_id, d.item_id), a.message, a.acknowledged_at,
        a.acknowledged_by FROM alerts a
     JOIN developments d ON d.id = a.development_id JOIN stories s ON s.id = d.story_id";

fn alert_of(row: &Row<'_>) -> rusqlite::Result<Alert> {
    let text = row.get_ref(5)?.as_str()?;
    let message = serde_json::from_str(text).unwrap_or_default();
    Ok(Alert {
        id: row.get(0)?,
        created_at: row.get(1)?,
        development_id: row.get(2)?,
        story_id: row.get(3)?,
        item_id: row.get(4)?,
        message,
        acknowledged_at: row.get(6)?,
        acknowledged_by: row.get(7)?,
    })
}

pub fn alerts(
    connection: &Connection,
    topic: Option<&str>,
    wanted: Part,
) -> Result<Rows<Alert>, StoreError> {
    let sql = format!(
        "{ALERT} WHERE a.id < ?1 AND (?2 IS NULL OR s.topic = ?2) ORDER BY a.id DESC LIMIT ?3"
    );
    let given = params![wanted.before.unwrap_or(i64::MAX), topic, wanted.asked()];
    Ok(part(rows(connection, &sql, given, alert_of)?, wanted))
}

/// Those after an alert, the first first; so many as a page has.
pub fn alerts_after(connection: &Connection, alert: i64) -> Result<Vec<Alert>, StoreError> {
    let sql = format!("{ALERT} WHERE a.id > ?1 ORDER BY a.id LIMIT 100");
    rows(connection, &sql, params![alert], alert_of)
}

pub fn alert(connection: &Connection, id: i64) -> Result<Option<Alert>, StoreError> {
    let sql = format!("{ALERT} WHERE a.id = ?1");
    Ok(connection.query_row(&sql, [id], alert_of).optional()?)
}

pub fn alerts_of_story(connection: &Connection, story: i64) -> Result<Vec<Alert>, StoreError> {
    rows(
        connection,
        &format!("{ALERT} WHERE d.story_id = ?1 ORDER BY a.id"),
        params![story],
        alert_of,
    )
}

/// Of the archive at one moment, to see whether anything was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Marks {
    pub item: i64,
    pub development: i64,
    pub visit: i64,
    pub attempt: i64,
}

pub fn marks(connection: &Connection) -> Result<Marks, StoreError> {
    let sql = "SELECT (SELECT max(id) FROM items), (SELECT max(id) FROM developments), (SELECT max(id) FROM fetches),
            (SELECT max(id) + sum(attempts) FROM (SELECT id, attempts FROM deliveries ORDER BY id DESC LIMIT 100))";
    let marks = connection.query_row(sql, [], |row| {
        let number = |at| row.get::<_, Option<i64>>(at).map(Option::unwrap_or_default);
        Ok(Marks {
            item: number(0)?,
            development: number(1)?,
            visit: number(2)?,
            attempt: number(3)?,
        })
    });
    Ok(marks.optional()?.unwrap_or_default())
}

//! The outbox.

use rusqlite::{Connection, Row, params};
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::StoreError;
use crate::store::view::{Columns, Part, Rows, part, rows};

/// One alert, digest or word to the operator × one channel.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Delivery {
    pub id: i64,
    pub channel: String,
    /// pending, sending, retry, held, delivered, dead, expired
    pub state: String,
    pub attempts: i64,
    pub created_at: String,
    pub next_attempt_at: String,
    pub delivered_at: Option<String>,
    pub last_error: Option<String>,
    pub alert_id: Option<i64>,
    pub story_id: Option<i64>,
    /// What is told.
    pub headline: Option<String>,
    pub language: Option<String>,
}

/// The last to be owed first.
pub fn deliveries(
    connection: &Connection,
    state: Option<&str>,
    wanted: Part,
) -> Result<Rows<Delivery>, StoreError> {
    let sql = format!(
        "{DELIVERY} WHERE d.id < ?1 AND (?2 IS NULL OR d.state = ?2) ORDER BY d.id DESC LIMIT ?3"
    );
    let given = params![wanted.before.unwrap_or(i64::MAX), state, wanted.asked()];
    Ok(part(rows(connection, &sql, given, delivery)?, wanted))
}

/// Channels that take nothing now: three attempts failed in a row, or the last message to them is dead.
pub fn down(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT c.name FROM channels c WHERE c.active AND (c.failures >= 3 OR 'dead' = (
            SELECT d.state FROM deliveries d WHERE d.channel = c.name AND d.state IN ('delivered', 'dead') ORDER BY d.id DESC LIMIT 1))
         ORDER BY c.name";
    rows(connection, sql, &[], |row| row.get(0))
}

/// Of the alerts about an item.
pub fn of_item(connection: &Connection, item: i64) -> Result<Vec<Delivery>, StoreError> {
    let sql = format!("{DELIVERY} WHERE a.item_id = ?1 ORDER BY d.id");
    rows(connection, &sql, params![item], delivery)
}

const DELIVERY: &str = "SELECT d.id, d.channel, d.state, d.attempts, d.created_at, d.next_attempt_at, d.delivered_at, d.last_error,
            d.alert_id, v.story_id,
            coalesce(json_extract(coalesce(a.message, h.message, n.message), '$.headline'), 'Digest ' || g.name),
            json_extract(a.message, '$.item.language')
         FROM deliveries d LEFT JOIN alerts a ON a.id = d.alert_id LEFT JOIN developments v ON v.id = a.development_id
         LEFT JOIN health_events h ON h.id = d.health_event_id LEFT JOIN digests g ON g.id = d.digest_id
         LEFT JOIN notices n ON n.id = d.notice_id";

fn delivery(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    let mut row = Columns::of(row);
    Ok(Delivery {
        id: row.next()?,
        channel: row.next()?,
        state: row.next()?,
        attempts: row.next()?,
        created_at: row.next()?,
        next_attempt_at: row.next()?,
        delivered_at: row.next()?,
        last_error: row.next()?,
        alert_id: row.next()?,
        story_id: row.next()?,
        headline: row.next()?,
        language: row.next()?,
    })
}

/// How many deliveries of a channel are in a state.
#[derive(Debug, Clone)]
pub struct Count {
    pub channel: String,
    pub state: String,
    pub deliveries: i64,
}

pub fn counts(connection: &Connection) -> Result<Vec<Count>, StoreError> {
    let sql = "SELECT channel, state, count(*) FROM deliveries GROUP BY 1, 2 ORDER BY 1, 2";
    rows(connection, sql, &[], |row| {
        Ok(Count {
            channel: row.get(0)?,
            state: row.get(1)?,
            deliveries: row.get(2)?,
        })
    })
}

//! Polls that somebody asked the running service for: written beside it, taken by it, answered in the same row.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::store::{At, StoreError};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskId(pub i64);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    pub id: AskId,
    /// Names; empty for all.
    pub feeds: Vec<String>,
}

/// How far the service has come with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    Waiting,
    Started,
    /// JSON list: what each feed gave.
    Done(String),
}

/// Who asked has read the answer long before.
const KEPT: SignedDuration = SignedDuration::from_hours(1);

pub fn ask(tx: &Transaction<'_>, feeds: &[String], now: Timestamp) -> Result<AskId, StoreError> {
    let old = now.checked_sub(KEPT).unwrap_or(now);
    tx.prepare_cached("DELETE FROM asks WHERE asked_at < ?1")?
        .execute([At(old)])?;
    let feeds = serde_json::Value::from(feeds.to_vec()).to_string();
    let id = tx
        .prepare_cached("INSERT INTO asks (feeds, asked_at) VALUES (?1, ?2)")?
        .insert(params![feeds, At(now)])?;
    Ok(AskId(id))
}

/// Those that nobody has taken yet.
pub fn waiting(connection: &Connection) -> Result<Vec<Ask>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, feeds FROM asks WHERE done_at IS NULL AND started_at IS NULL ORDER BY id",
    )?;
    let rows = statement.query_map([], |row| {
        let feeds: String = row.get(1)?;
        Ok(Ask {
            id: AskId(row.get(0)?),
            feeds: serde_json::from_str(&feeds).unwrap_or_default(),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub fn start(tx: &Transaction<'_>, ask: AskId, now: Timestamp) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE asks SET started_at = ?2 WHERE id = ?1")?
        .execute(params![ask.0, At(now)])?;
    Ok(())
}

pub fn finish(
    tx: &Transaction<'_>,
    ask: AskId,
    reports: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE asks SET done_at = ?2, reports = ?3 WHERE id = ?1")?
        .execute(params![ask.0, At(now), reports])?;
    Ok(())
}

/// At start: whoever asked the service before has gone.
pub fn forget(tx: &Transaction<'_>) -> Result<(), StoreError> {
    tx.execute("DELETE FROM asks WHERE done_at IS NULL", [])?;
    Ok(())
}

pub fn progress(connection: &Connection, ask: AskId) -> Result<Progress, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT started_at IS NOT NULL, reports FROM asks WHERE id = ?1")?;
    let found = statement
        .query_row([ask.0], |row| {
            let reports: Option<String> = row.get(1)?;
            Ok(match (row.get(0)?, reports) {
                (_, Some(reports)) => Progress::Done(reports),
                (true, None) => Progress::Started,
                (false, None) => Progress::Waiting,
            })
        })
        .optional()?;
    Ok(found.unwrap_or(Progress::Waiting))
}

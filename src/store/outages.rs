//! When nothing could be seen, and what the operator was told of it.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::store::{At, StoreError};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutageId(pub i64);

/// A span in which no feed was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    pub id: OutageId,
    pub since: Timestamp,
    /// None while it lasts.
    pub until: Option<Timestamp>,
    pub cause: String,
    pub told_at: Option<Timestamp>,
}

/// Visits that failed so long before the outage was known (seconds) fell to it too.
const SLACK_SECS: i64 = 120;

fn outage(row: &Row<'_>) -> rusqlite::Result<Outage> {
    let at = |row: &Row<'_>, column| {
        Ok::<_, rusqlite::Error>(row.get::<_, Option<At>>(column)?.map(|it| it.0))
    };
    Ok(Outage {
        id: OutageId(row.get(0)?),
        since: row.get::<_, At>(1)?.0,
        until: at(row, 2)?,
        cause: row.get(3)?,
        told_at: at(row, 4)?,
    })
}

/// The one that lasts, or whose end the operator has still to hear of.
pub fn unfinished(connection: &Connection) -> Result<Option<Outage>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, since, until, cause, told_at FROM outages WHERE caught_up_at IS NULL ORDER BY id DESC LIMIT 1",
    )?;
    Ok(statement.query_row([], outage).optional()?)
}

/// The one that lasts.
pub fn lasting(connection: &Connection) -> Result<Option<Outage>, StoreError> {
    Ok(unfinished(connection)?.filter(|it| it.until.is_none()))
}

/// Writes down that nothing is seen since `since`, and takes back what that did to the feeds: a feed that was well
/// is well, and every one that fell to it is due. One outage that lasts over a restart stays one, and so does one that
/// begins again before the end of the last was told.
pub fn begin(tx: &Transaction<'_>, since: Timestamp, cause: &str) -> Result<Outage, StoreError> {
    let open = if let Some(open) = unfinished(tx)? {
        tx.prepare_cached("UPDATE outages SET until = NULL, cause = ?2 WHERE id = ?1")?
            .execute(params![open.id.0, cause])?;
        open
    } else {
        let id = tx
            .prepare_cached("INSERT INTO outages (since, cause) VALUES (?1, ?2)")?
            .insert(params![At(since), cause])?;
        Outage {
            id: OutageId(id),
            since,
            until: None,
            cause: cause.to_owned(),
            told_at: None,
        }
    };
    forgive(tx, since)?;
    Ok(Outage {
        until: None,
        ..open
    })
}

/// Takes back the failures of visits that reached nobody, from shortly before `since` on.
fn forgive(tx: &Transaction<'_>, since: Timestamp) -> Result<(), StoreError> {
    let from = since
        .checked_sub(jiff::SignedDuration::from_secs(SLACK_SECS))
        .unwrap_or(since);
    tx.prepare_cached(
        "UPDATE feeds SET failures = failures - 1, next_poll_at = last_poll_at,
            last_error = iif(failures > 1, last_error, NULL), last_error_class = iif(failures > 1, last_error_class, NULL)
         WHERE active = 1 AND failures > 0 AND last_error_class IN ('connect', 'timeout') AND last_poll_at >= ?1",
    )?
    .execute([At(from)])?;
    Ok(())
}

/// Somebody answered. Who has not heard of the beginning yet hears of the whole at once, and not of its beginning
/// after its end.
pub fn end(tx: &Transaction<'_>, outage: OutageId, now: Timestamp) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE outages SET until = ?2 WHERE id = ?1 AND until IS NULL")?
        .execute(params![outage.0, At(now)])?;
    tx.prepare_cached(
        "UPDATE deliveries SET state = 'expired' WHERE state IN ('pending', 'retry')
            AND notice_id IN (SELECT id FROM notices WHERE outage_id = ?1)",
    )?
    .execute([outage.0])?;
    Ok(())
}

/// At a start: a feed that could not be reached when it was last visited is due at once, however long its failures
/// would have it wait. What failed was as likely the network of that time.
pub fn retry_unreached(tx: &Transaction<'_>, now: Timestamp) -> Result<usize, StoreError> {
    let before = now
        .checked_sub(jiff::SignedDuration::from_secs(RESTART_SPACING_SECS))
        .unwrap_or(now);
    Ok(tx
        .prepare_cached(
            "UPDATE feeds SET next_poll_at = ?1 WHERE active = 1 AND gone_at IS NULL AND next_poll_at > ?1
                AND last_error_class IN ('connect', 'timeout') AND last_poll_at <= ?2",
        )?
        .execute(params![At(now), At(before)])?)
}

/// A service that starts again and again asks a dead server no more often than this (seconds).
const RESTART_SPACING_SECS: i64 = 60;

/// Some feed of each other server to ask whether anything can be reached: first those that are well.
pub fn witnesses(
    connection: &Connection,
    not_on: &[String],
    limit: usize,
) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT name FROM (
            SELECT name, host, failures, row_number() OVER (PARTITION BY host ORDER BY failures > 0, random()) AS place
            FROM feeds WHERE active = 1 AND gone_at IS NULL AND paused = 0
                AND host NOT IN (SELECT value FROM json_each(?1)))
         WHERE place = 1 ORDER BY failures > 0, random() LIMIT ?2",
    )?;
    let hosts = serde_json::Value::from(not_on.to_vec()).to_string();
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![hosts, limit], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What came since somebody answered again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CaughtUp {
    pub feeds: usize,
    pub visited: usize,
    pub answered: usize,
    pub items: usize,
    pub alerts: usize,
}

pub fn caught_up(connection: &Connection, until: Timestamp) -> Result<CaughtUp, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT count(*), count(*) FILTER (WHERE last_poll_at >= ?1), count(*) FILTER (WHERE last_success_at >= ?1),
            (SELECT count(*) FROM items WHERE first_seen_at >= ?1),
            (SELECT count(*) FROM alerts WHERE created_at >= ?1)
         FROM feeds WHERE active = 1 AND gone_at IS NULL AND paused = 0",
    )?;
    let n = |row: &Row<'_>, column| {
        Ok::<_, rusqlite::Error>(usize::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
    };
    Ok(statement.query_row([At(until)], |row| {
        Ok(CaughtUp {
            feeds: n(row, 0)?,
            visited: n(row, 1)?,
            answered: n(row, 2)?,
            items: n(row, 3)?,
            alerts: n(row, 4)?,
        })
    })?)
}

/// Owes the operator word that nothing is seen.
pub fn tell(
    tx: &Transaction<'_>,
    outage: OutageId,
    notice: &Notice<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE outages SET told_at = ?2 WHERE id = ?1")?
        .execute(params![outage.0, At(now)])?;
    owe(tx, Some(outage), notice, now)
}

/// The outage is over and made up for. Word of it is owed where it lasted long enough to be told.
pub fn finish(
    tx: &Transaction<'_>,
    outage: OutageId,
    notice: Option<&Notice<'_>>,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE outages SET caught_up_at = ?2 WHERE id = ?1")?
        .execute(params![outage.0, At(now)])?;
    match notice {
        Some(notice) => owe(tx, Some(outage), notice, now),
        None => Ok(()),
    }
}

/// A word to the operator.
#[derive(Debug, Clone, Copy)]
pub struct Notice<'a> {
    /// JSON, as a webhook receives it.
    pub message: &'a str,
    /// The same at every attempt; each channel adds its name.
    pub key: &'a str,
    pub channels: &'a [String],
}

/// Owes a word to the operator that is about no feed and no channel.
pub fn owe(
    tx: &Transaction<'_>,
    outage: Option<OutageId>,
    notice: &Notice<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let id = tx
        .prepare_cached(
            "INSERT INTO notices (channel, message, created_at, outage_id) VALUES ('', ?1, ?2, ?3)",
        )?
        .insert(params![notice.message, At(now), outage.map(|it| it.0)])?;
    for channel in notice.channels {
        tx.prepare_cached(
            "INSERT OR IGNORE INTO deliveries (notice_id, channel, state, next_attempt_at, idempotency_key, created_at)
             VALUES (?1, ?2, 'pending', ?3, ?4, ?3)",
        )?
        .execute(params![
            id,
            channel,
            At(now),
            format!("{}-{channel}", notice.key)
        ])?;
    }
    Ok(())
}

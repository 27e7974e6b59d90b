//! Browsers that subscribed to a channel of kind `webpush`.

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, params};

use crate::channel::webpush::Subscription;
use crate::secret::Secret;
use crate::store::{At, StoreError};

/// Subscriptions of one channel; more are refused.
pub const MOST: i64 = 100;

/// What a browser hands in.
#[derive(Debug, Clone)]
pub struct Asked {
    pub channel: String,
    pub endpoint: String,
    pub p256dh: String,
    pub auth: String,
    pub reader: String,
}

/// Those of a channel that stand.
pub fn of(connection: &Connection, channel: &str) -> Result<Vec<Subscription>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, endpoint, p256dh, auth FROM subscriptions WHERE channel = ?1 AND ended_at IS NULL ORDER BY id",
    )?;
    let rows = statement.query_map([channel], |row| {
        Ok(Subscription {
            id: row.get(0)?,
            endpoint: Secret::new(row.get::<_, String>(1)?),
            p256dh: row.get(2)?,
            auth: Secret::new(row.get::<_, String>(3)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Writes a subscription down, or anew where its browser has one; false where the channel has as many as it takes.
pub fn add(tx: &Transaction<'_>, asked: &Asked, now: Timestamp) -> Result<bool, StoreError> {
    let standing: i64 = tx.query_row(
        "SELECT count(*) FROM subscriptions WHERE channel = ?1 AND ended_at IS NULL AND endpoint <> ?2",
        [&asked.channel, &asked.endpoint],
        |row| row.get(0),
    )?;
    if standing >= MOST {
        return Ok(false);
    }
    tx.prepare_cached(
        "INSERT INTO subscriptions (channel, endpoint, p256dh, auth, reader, subscribed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (channel, endpoint) DO UPDATE SET p256dh = excluded.p256dh, auth = excluded.auth,
            reader = excluded.reader, subscribed_at = excluded.subscribed_at, ended_at = NULL, ended_why = NULL",
    )?
    .execute(params![
        asked.channel,
        asked.endpoint,
        asked.p256dh,
        asked.auth,
        asked.reader,
        At(now)
    ])?;
    Ok(true)
}

/// Ends a subscription and forgets its keys; whether it stood.
pub fn end(tx: &Transaction<'_>, id: i64, why: &str, now: Timestamp) -> Result<bool, StoreError> {
    let ended = tx
        .prepare_cached(
            "UPDATE subscriptions SET ended_at = ?2, ended_why = ?3, p256dh = '', auth = ''
             WHERE id = ?1 AND ended_at IS NULL",
        )?
        .execute(params![id, At(now), why])?;
    Ok(ended > 0)
}

/// The one of a browser, by the address that its push service gave it.
pub fn named(
    connection: &Connection,
    channel: &str,
    endpoint: &str,
) -> Result<Option<i64>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id FROM subscriptions WHERE channel = ?1 AND endpoint = ?2 AND ended_at IS NULL",
    )?;
    let mut rows = statement.query_map([channel, endpoint], |row| row.get(0))?;
    Ok(rows.next().transpose()?)
}

/// A subscription as people see it: never its address or keys.
#[derive(Debug, Clone)]
pub struct Listed {
    pub id: i64,
    pub channel: String,
    /// Whose push service: the host of its address.
    pub service: String,
    pub reader: String,
    pub subscribed_at: String,
    pub ended_at: Option<String>,
    pub ended_why: Option<String>,
}

/// Those that stand, and the last that ended.
pub fn listed(connection: &Connection) -> Result<Vec<Listed>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, channel, endpoint, reader, subscribed_at, ended_at, ended_why FROM subscriptions
         ORDER BY ended_at IS NOT NULL, coalesce(ended_at, subscribed_at) DESC LIMIT 200",
    )?;
    let rows = statement.query_map([], |row| {
        let endpoint: String = row.get(2)?;
        let url = url::Url::parse(&endpoint).ok();
        Ok(Listed {
            id: row.get(0)?,
            channel: row.get(1)?,
            service: url
                .and_then(|it| it.host_str().map(str::to_owned))
                .unwrap_or_default(),
            reader: row.get(3)?,
            subscribed_at: row.get(4)?,
            ended_at: row.get(5)?,
            ended_why: row.get(6)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

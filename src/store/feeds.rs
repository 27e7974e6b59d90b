//! Feeds and their visits.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::feed::{Feed, FeedId, PollPolicy, Polled, Validators};
use crate::store::{At, StoreError};

/// Writes the configured feeds; those no longer configured stay as history, inactive.
/// A feed keeps its state under its name; a new address drops the old validators.
pub fn sync(
    tx: &Transaction<'_>,
    feeds: &[Feed],
    policy: &PollPolicy,
    now: Timestamp,
) -> Result<(), StoreError> {
    let known: HashMap<String, Polled> = all(tx, &[])?
        .into_iter()
        .map(|it| (it.feed.name.clone(), it))
        .collect();
    let mut leave = tx.prepare_cached("UPDATE feeds SET active = 0 WHERE name = ?1")?;
    let configured: HashSet<&str> = feeds.iter().map(|it| it.name.as_str()).collect();
    for name in known.keys().filter(|it| !configured.contains(it.as_str())) {
        leave.execute([name])?;
    }
    let bounds = policy.min_interval..=policy.max_interval;
    let unchanged = |feed: &Feed, known: &Polled| {
        bounds.contains(&known.interval)
            && known.feed
                == Feed {
                    allow_private: false,
                    select: None,
                    ..feed.clone()
                }
    };
    for feed in feeds {
        if !known
            .get(&feed.name)
            .is_some_and(|known| unchanged(feed, known))
        {
            upsert(tx, feed, policy, now)?;
        }
    }
    Ok(())
}

pub fn upsert(
    tx: &Transaction<'_>,
    feed: &Feed,
    policy: &PollPolicy,
    now: Timestamp,
) -> Result<FeedId, StoreError> {
    let mut statement = tx.prepare_cached(
        "INSERT INTO feeds (name, url, outlet, family, language, country, zone, interval_secs, next_poll_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (name) DO UPDATE SET
            outlet = ?3, family = ?4, language = ?5, country = ?6, zone = ?7, active = 1,
            etag = CASE WHEN url = ?2 THEN etag END,
            last_modified = CASE WHEN url = ?2 THEN last_modified END,
            body_hash = CASE WHEN url = ?2 THEN body_hash END,
            failures = CASE WHEN url = ?2 THEN failures ELSE 0 END,
            next_poll_at = CASE WHEN url = ?2 THEN next_poll_at ELSE ?9 END,
            interval_secs = max(?10, min(?11, interval_secs)),
            url = ?2
         RETURNING id",
    )?;
    let secs = |it: Duration| i64::try_from(it.as_secs()).unwrap_or(i64::MAX);
    let id = statement.query_row(
        params![
            feed.name,
            feed.url,
            feed.outlet,
            feed.family,
            feed.language,
            feed.country,
            feed.zone,
            secs(policy.interval),
            At(now),
            secs(policy.min_interval),
            secs(policy.max_interval),
        ],
        |row| row.get(0),
    )?;
    Ok(FeedId(id))
}

const POLLED: &str =
    "SELECT id, name, url, outlet, family, language, country, zone, etag, last_modified, body_hash,
    failures, interval_secs, conditional_polls, last_success_at FROM feeds";

fn polled(row: &Row<'_>) -> rusqlite::Result<Polled> {
    Ok(Polled {
        id: FeedId(row.get(0)?),
        feed: Feed {
            name: row.get(1)?,
            url: row.get(2)?,
            outlet: row.get(3)?,
            family: row.get(4)?,
            language: row.get(5)?,
            country: row.get(6)?,
            zone: row.get(7)?,
            // Permission is configuration, never archive.
            allow_private: false,
            select: None,
        },
        validators: Validators {
            etag: row.get(8)?,
            last_modified: row.get(9)?,
        },
        body_hash: row.get(10)?,
        failures: row.get(11)?,
        interval: Duration::from_secs(row.get::<_, i64>(12)?.try_into().unwrap_or_default()),
        conditional_polls: row.get(13)?,
        last_success_at: row.get::<_, Option<At>>(14)?.map(|it| it.0),
    })
}

/// Feeds to poll at `now`. One that is due later than any schedule would say was written by a
/// clock that ran ahead, and is due too.
pub fn due(
    connection: &Connection,
    now: Timestamp,
    furthest: Timestamp,
) -> Result<Vec<Polled>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "{POLLED} WHERE active = 1 AND (next_poll_at <= ?1 OR next_poll_at > ?2) ORDER BY next_poll_at, id"
    ))?;
    let rows = statement.query_map(params![At(now), At(furthest)], polled)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// All active feeds, or those named.
pub fn all(connection: &Connection, names: &[String]) -> Result<Vec<Polled>, StoreError> {
    let mut statement =
        connection.prepare_cached(&format!("{POLLED} WHERE active = 1 ORDER BY id"))?;
    let rows = statement.query_map([], polled)?;
    let all: Vec<Polled> = rows.collect::<Result<_, _>>()?;
    Ok(all
        .into_iter()
        .filter(|it| names.is_empty() || names.contains(&it.feed.name))
        .collect())
}

pub fn get(connection: &Connection, id: FeedId) -> Result<Polled, StoreError> {
    let mut statement = connection.prepare_cached(&format!("{POLLED} WHERE id = ?1"))?;
    Ok(statement.query_row([id.0], polled)?)
}

/// When the next feed is due.
pub fn next_due(connection: &Connection) -> Result<Option<Timestamp>, StoreError> {
    let next: Option<Option<At>> = connection
        .prepare_cached("SELECT min(next_poll_at) FROM feeds WHERE active = 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(next.flatten().map(|it| it.0))
}

/// What a visit leaves behind in `fetches`.
#[derive(Debug, Clone, Default)]
pub struct FetchRow {
    pub status: Option<u16>,
    pub bytes: usize,
    pub entries: usize,
    pub new: usize,
    pub duration: Duration,
    pub error_class: Option<&'static str>,
    pub error: Option<String>,
    pub repairs: Vec<&'static str>,
}

pub fn insert_fetch(
    tx: &Transaction<'_>,
    feed: FeedId,
    at: Timestamp,
    fetch: &FetchRow,
) -> Result<(), StoreError> {
    let repairs = (!fetch.repairs.is_empty()).then(|| serde_json::json!(fetch.repairs).to_string());
    tx.prepare_cached(
        "INSERT INTO fetches (feed_id, started_at, status, bytes, entries, new, duration_ms, error_class, error, repairs)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        feed.0,
        At(at),
        fetch.status,
        count(fetch.bytes),
        count(fetch.entries),
        count(fetch.new),
        i64::try_from(fetch.duration.as_millis()).unwrap_or(i64::MAX),
        fetch.error_class,
        fetch.error,
        repairs,
    ])?;
    Ok(())
}

/// State of a feed after a visit.
#[derive(Debug, Clone)]
pub struct After {
    pub next_poll_at: Timestamp,
    pub interval: Duration,
    pub outcome: AfterOutcome,
}

#[derive(Debug, Clone)]
pub enum AfterOutcome {
    /// New validators and body hash; `None` keeps the old ones (304, or a document cut short).
    Complete(Option<(Validators, i64)>),
    /// A document without its end: what it held counts, its validators do not.
    Truncated,
    Failed(String),
}

pub fn record(
    tx: &Transaction<'_>,
    feed: &Polled,
    now: Timestamp,
    after: &After,
) -> Result<(), StoreError> {
    let interval = i64::try_from(after.interval.as_secs()).unwrap_or(i64::MAX);
    let (next, now) = (At(after.next_poll_at), At(now));
    match &after.outcome {
        AfterOutcome::Complete(seen) => {
            let conditional = if feed.validators_now() == Validators::default() {
                0
            } else {
                feed.conditional_polls + 1
            };
            tx.prepare_cached(
                "UPDATE feeds SET next_poll_at = ?2, interval_secs = ?3, last_poll_at = ?4, last_success_at = ?4,
                    failures = 0, last_error = NULL, conditional_polls = ?5 WHERE id = ?1",
            )?
            .execute(params![feed.id.0, next, interval, now, conditional])?;
            if let Some((validators, body_hash)) = seen {
                tx.prepare_cached(
                    "UPDATE feeds SET etag = ?2, last_modified = ?3, body_hash = ?4 WHERE id = ?1",
                )?
                .execute(params![
                    feed.id.0,
                    validators.etag,
                    validators.last_modified,
                    body_hash
                ])?;
            }
        }
        AfterOutcome::Truncated => {
            tx.prepare_cached(
                "UPDATE feeds SET next_poll_at = ?2, interval_secs = ?3, last_poll_at = ?4, failures = 0,
                    last_error = 'the document was cut short' WHERE id = ?1",
            )?
            .execute(params![feed.id.0, next, interval, now])?;
        }
        AfterOutcome::Failed(error) => {
            // The interval is the feed's rhythm; only the next visit moves away.
            tx.prepare_cached(
                "UPDATE feeds SET next_poll_at = ?2, last_poll_at = ?3, failures = failures + 1, last_error = ?4
                 WHERE id = ?1",
            )?
            .execute(params![feed.id.0, next, now, error])?;
        }
    }
    Ok(())
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

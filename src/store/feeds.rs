//! Feeds and their visits.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::feed::bounds::{Day, Oddity};
use crate::feed::home::Home;
use crate::feed::pace::{Pace, PollPolicy};
use crate::feed::{Feed, FeedId, Polled, Validators, server};
use crate::fetch::ErrorClass;
use crate::store::{At, CLOCK_SLACK, StoreError};

/// Writes the configured feeds; those no longer configured stay as history, inactive.
/// A feed keeps its state under its name; a new address drops the old validators.
pub fn sync(
    tx: &Transaction<'_>,
    feeds: &[Feed],
    policy: &PollPolicy,
    now: Timestamp,
) -> Result<(), StoreError> {
    let known: HashMap<String, Polled> = all(tx)?
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
        (known.feed.interval.is_some() || bounds.contains(&known.interval))
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
        "INSERT INTO feeds (name, url, outlet, family, language, country, zone, interval_secs, next_poll_at, host, added_at,
            fixed_interval_secs, paused)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?12, ?9, ?13, ?14)
         ON CONFLICT (name) DO UPDATE SET
            outlet = ?3, family = ?4, language = ?5, country = ?6, zone = ?7, host = ?12,
            etag = CASE WHEN url = ?2 THEN etag END,
            last_modified = CASE WHEN url = ?2 THEN last_modified END,
            body_hash = CASE WHEN url = ?2 THEN body_hash END,
            last_document_at = CASE WHEN url = ?2 THEN last_document_at END,
            moved_to = CASE WHEN url = ?2 THEN moved_to END,
            moved_since = CASE WHEN url = ?2 THEN moved_since END,
            moved_visits = CASE WHEN url = ?2 THEN moved_visits ELSE 0 END,
            moved_confirmed = CASE WHEN url = ?2 THEN moved_confirmed ELSE 0 END,
            failures = CASE WHEN url = ?2 THEN failures ELSE 0 END,
            last_error_class = CASE WHEN url = ?2 THEN last_error_class END,
            next_poll_at = CASE WHEN url = ?2 AND (active OR gone_at IS NULL) AND fixed_interval_secs IS ?13
                AND paused <= ?14 THEN next_poll_at ELSE ?9 END,
            gone_at = CASE WHEN url = ?2 AND active THEN gone_at END,
            active = 1,
            interval_secs = coalesce(?13, max(?10, min(?11, interval_secs))),
            fixed_interval_secs = ?13,
            paused = ?14,
            url = ?2
         RETURNING id",
    )?;
    let id = statement.query_row(
        params![
            feed.name,
            feed.url,
            feed.outlet,
            feed.family,
            feed.language,
            feed.country,
            feed.zone,
            secs(feed.interval.unwrap_or(policy.interval)),
            At(now),
            secs(policy.min_interval),
            secs(policy.max_interval),
            server(&feed.url),
            feed.interval.map(secs),
            feed.paused,
        ],
        |row| row.get(0),
    )?;
    Ok(FeedId(id))
}

const POLLED: &str =
    "SELECT id, name, url, outlet, family, language, country, zone, etag, last_modified, body_hash,
    failures, interval_secs, last_success_at, last_document_at, moved_to, moved_since, moved_visits, moved_confirmed,
    pace_secs, skip_hours, skip_days, item_gap_secs, newest_item_at, last_error_class,
    fixed_interval_secs, paused FROM feeds";

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
            interval: span(row, 25)?,
            paused: row.get(26)?,
        },
        validators: Validators {
            etag: row.get(8)?,
            last_modified: row.get(9)?,
        },
        body_hash: row.get(10)?,
        failures: row.get(11)?,
        interval: span(row, 12)?.unwrap_or_default(),
        last_success_at: at(row, 13)?,
        last_document_at: at(row, 14)?,
        home: match (row.get(15)?, at(row, 16)?) {
            (Some(url), Some(since)) => Some(Home {
                url,
                since,
                visits: row.get(17)?,
                confirmed: row.get(18)?,
            }),
            _ => None,
        },
        pace: Pace {
            every: span(row, 19)?,
            skip_hours: row.get(20)?,
            skip_days: row.get(21)?,
        },
        gap: span(row, 22)?,
        newest_item_at: at(row, 23)?,
        said_gone: row.get_ref(24)?.as_str_or_null()? == Some(ErrorClass::Gone.as_str()),
    })
}

pub(super) fn span(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Duration>> {
    let secs: Option<i64> = row.get(column)?;
    Ok(secs.map(|it| Duration::from_secs(it.try_into().unwrap_or_default())))
}

pub(super) fn at(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<At>>(column)?.map(|it| it.0))
}

/// Feeds to poll at `now`. A feed that was last polled in what is now the future was scheduled by a
/// clock that ran ahead, and so was one that is due later than any schedule says: both are due.
pub fn due(
    connection: &Connection,
    now: Timestamp,
    furthest: Timestamp,
) -> Result<Vec<Polled>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "{POLLED} WHERE active = 1 AND gone_at IS NULL AND paused = 0
            AND (next_poll_at <= ?1 OR next_poll_at > ?2 OR last_poll_at > ?3)
         ORDER BY failures > 0, next_poll_at, id"
    ))?;
    let ahead = now.checked_add(CLOCK_SLACK).unwrap_or(now);
    let rows = statement.query_map(params![At(now), At(furthest), At(ahead)], polled)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whether a visit to a feed brought alerts beyond what its outlet may cause.
pub fn floods(tx: &Transaction<'_>, feed: FeedId, now: Timestamp) -> Result<bool, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT 1 FROM items i JOIN story_items si ON si.item_id = i.id
         WHERE i.feed_id = ?1 AND i.first_seen_at = ?2 AND si.code = 'flood'",
    )?;
    Ok(statement.exists(params![feed.0, At(now)])?)
}

/// Notes that a feed hit a bound.
pub fn note_odd(
    tx: &Transaction<'_>,
    feed: FeedId,
    oddity: Oddity,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE feeds SET odd = ?2, odd_at = ?3 WHERE id = ?1")?
        .execute(params![feed.0, oddity.as_str(), At(now)])?;
    Ok(())
}

/// What a feed did on the day of `now` before this visit.
pub fn day_of(connection: &Connection, feed: FeedId, now: Timestamp) -> Result<Day, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT items, revised FROM feed_days WHERE day = substr(?1, 1, 10) AND feed_id = ?2",
    )?;
    let found = statement.query_row(params![At(now), feed.0], |row| {
        Ok(Day {
            new: usize::try_from(row.get::<_, i64>(0)?).unwrap_or(0),
            revised: usize::try_from(row.get::<_, i64>(1)?).unwrap_or(0),
        })
    });
    Ok(found.optional()?.unwrap_or_default())
}

/// Adds to the day of a feed what a visit revised and left out.
pub fn count_day(
    tx: &Transaction<'_>,
    feed: FeedId,
    revised: usize,
    left_out: usize,
    now: Timestamp,
) -> Result<(), StoreError> {
    if revised + left_out == 0 {
        return Ok(());
    }
    tx.prepare_cached(
        "INSERT INTO feed_days (day, feed_id, items, revised, left_out) VALUES (substr(?1, 1, 10), ?2, 0, ?3, ?4)
         ON CONFLICT DO UPDATE SET revised = revised + excluded.revised, left_out = left_out + excluded.left_out",
    )?
    .execute(params![At(now), feed.0, count(revised), count(left_out)])?;
    Ok(())
}

/// All active feeds.
pub fn all(connection: &Connection) -> Result<Vec<Polled>, StoreError> {
    let mut statement =
        connection.prepare_cached(&format!("{POLLED} WHERE active = 1 ORDER BY id"))?;
    let rows = statement.query_map([], polled)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// All active feeds that are neither gone nor paused, or those named, whatever they are.
pub fn chosen(connection: &Connection, names: &[String]) -> Result<Vec<Polled>, StoreError> {
    let gone = if names.is_empty() {
        "AND gone_at IS NULL AND paused = 0"
    } else {
        ""
    };
    let mut statement =
        connection.prepare_cached(&format!("{POLLED} WHERE active = 1 {gone} ORDER BY id"))?;
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

/// How many servers there are that answered at the last visit, or were not visited yet.
pub fn servers_that_are_well(connection: &Connection) -> Result<usize, StoreError> {
    let n: i64 = connection
        .prepare_cached(
            "SELECT count(DISTINCT host) FROM feeds WHERE active = 1 AND gone_at IS NULL AND paused = 0 AND failures = 0",
        )?
        .query_row([], |row| row.get(0))?;
    Ok(usize::try_from(n).unwrap_or(0))
}

/// When the next feed is due of those that are not being visited: one whose visit takes long is overdue
/// until it ends, and must not hide the others.
pub fn next_due(
    connection: &Connection,
    is_in_flight: impl Fn(FeedId) -> bool,
) -> Result<Option<Timestamp>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, next_poll_at FROM feeds WHERE active = 1 AND gone_at IS NULL AND paused = 0 ORDER BY next_poll_at",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if !is_in_flight(FeedId(row.get(0)?)) {
            return Ok(at(row, 1)?);
        }
    }
    Ok(None)
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
    pub home: Option<Home>,
    pub outcome: AfterOutcome,
}

#[derive(Debug, Clone)]
pub enum AfterOutcome {
    /// A 304, which leaves everything as it was.
    NotModified,
    Complete(Kept),
    /// A document that was not taken whole, and why: what was taken counts, its validators do not.
    Truncated(&'static str),
    Failed {
        class: &'static str,
        error: String,
        gone: bool,
    },
}

/// What is kept of a complete document beside its items.
#[derive(Debug, Clone)]
pub struct Kept {
    pub validators: Validators,
    pub body_hash: i64,
    pub pace: Pace,
    pub gap: Option<Duration>,
    pub newest_item_at: Option<Timestamp>,
    /// It brought a new item.
    pub news: bool,
    /// Nothing in it was known: what lay between fell out unseen.
    pub gap_seen: bool,
}

pub fn record(
    tx: &Transaction<'_>,
    feed: &Polled,
    now: Timestamp,
    after: &After,
) -> Result<(), StoreError> {
    let (next, now) = (At(after.next_poll_at), At(now));
    match &after.outcome {
        AfterOutcome::NotModified => succeed(tx, feed, now, after)?,
        AfterOutcome::Complete(kept) => {
            succeed(tx, feed, now, after)?;
            keep(tx, feed.id, now, kept)?;
        }
        AfterOutcome::Truncated(why) => {
            tx.prepare_cached(
                "UPDATE feeds SET next_poll_at = ?2, interval_secs = ?3, last_poll_at = ?4, failures = 0,
                    last_error = ?5, last_error_class = NULL, gone_at = NULL WHERE id = ?1",
            )?
            .execute(params![feed.id.0, next, secs(after.interval), now, why])?;
        }
        AfterOutcome::Failed { class, error, gone } => {
            // The interval is the feed's rhythm; only the next visit moves away.
            tx.prepare_cached(
                "UPDATE feeds SET next_poll_at = ?2, last_poll_at = ?3, failures = failures + 1, last_error = ?4,
                    last_error_class = ?5, gone_at = CASE WHEN ?6 THEN ?3 END WHERE id = ?1",
            )?
            .execute(params![feed.id.0, next, now, error, class, gone])?;
        }
    }
    if after.home != feed.home {
        move_home(tx, feed.id, after.home.as_ref())?;
    }
    Ok(())
}

fn succeed(tx: &Transaction<'_>, feed: &Polled, now: At, after: &After) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE feeds SET next_poll_at = ?2, interval_secs = ?3, last_poll_at = ?4, last_success_at = ?4,
            failures = 0, last_error = NULL, last_error_class = NULL, gone_at = NULL WHERE id = ?1",
    )?
    .execute(params![
        feed.id.0,
        At(after.next_poll_at),
        secs(after.interval),
        now
    ])?;
    Ok(())
}

fn keep(tx: &Transaction<'_>, feed: FeedId, now: At, kept: &Kept) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE feeds SET etag = ?2, last_modified = ?3, body_hash = ?4, last_document_at = ?5, pace_secs = ?6,
            skip_hours = ?7, skip_days = ?8, item_gap_secs = ?9, newest_item_at = ?10,
            last_item_at = CASE WHEN ?11 THEN ?5 ELSE last_item_at END, gap_at = CASE WHEN ?12 THEN ?5 ELSE gap_at END
         WHERE id = ?1",
    )?
    .execute(params![
        feed.0,
        kept.validators.etag,
        kept.validators.last_modified,
        kept.body_hash,
        now,
        kept.pace.every.map(secs),
        kept.pace.skip_hours,
        kept.pace.skip_days,
        kept.gap.map(secs),
        kept.newest_item_at.map(At),
        kept.news,
        kept.gap_seen,
    ])?;
    Ok(())
}

fn move_home(tx: &Transaction<'_>, feed: FeedId, home: Option<&Home>) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE feeds SET moved_to = ?2, moved_since = ?3, moved_visits = ?4, moved_confirmed = ?5 WHERE id = ?1",
    )?
    .execute(params![
        feed.0,
        home.map(|it| it.url.as_str()),
        home.map(|it| At(it.since)),
        home.map_or(0, |it| it.visits),
        home.is_some_and(|it| it.confirmed),
    ])?;
    Ok(())
}

/// Feeds of this host whose last visit it refused for the rate, and all its feeds.
pub fn refused(tx: &Transaction<'_>, host: &str) -> Result<(u32, u32), StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT count(*) FILTER (WHERE last_error_class = 'rate-limited'), count(*)
         FROM feeds WHERE host = ?1 AND active = 1",
    )?;
    Ok(statement.query_row([host], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// No feed of this host is visited before `until`.
pub fn rest(tx: &Transaction<'_>, host: &str, until: Timestamp) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE feeds SET next_poll_at = max(next_poll_at, ?2) WHERE host = ?1 AND active = 1",
    )?
    .execute(params![host, At(until)])?;
    Ok(())
}

fn secs(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

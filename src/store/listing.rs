//! What the listing commands show: one query each, with the filters people ask for.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, ToSql};
use serde::Serialize;
use serde_json::Value;

use crate::feed::health::health;
use crate::fetch::page::shown;
use crate::store::health::{SIGNS, signs_of};
use crate::store::query::{self, Table, table};
use crate::store::view::stories::TIMELINE;
use crate::store::{At, StoreError};

#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub since: Option<Timestamp>,
    pub topic: Option<String>,
    pub language: Option<String>,
    pub outlet: Option<String>,
    pub state: Option<String>,
    pub limit: usize,
}

impl Filter {
    fn run(&self, connection: &Connection, sql: &str) -> Result<Table, StoreError> {
        let since = self.since.map(At);
        let given: [&dyn ToSql; 5] = [
            &since,
            &self.topic,
            &self.language,
            &self.outlet,
            &self.state,
        ];
        // Stories and alerts have no state to ask for.
        let used = if sql.contains("?5") { 5 } else { 4 };
        Ok(table(connection, sql, &given[..used], self.limit)?)
    }
}

/// Feeds with their health as of their last visit; those that are no longer configured last.
pub fn feeds(connection: &Connection) -> Result<Table, StoreError> {
    let sql = "SELECT f.name, f.outlet, f.language,
            CASE WHEN f.active = 0 THEN 'removed' WHEN f.paused THEN 'paused' WHEN f.last_poll_at IS NULL THEN 'new' END AS state,
            (SELECT count(*) FROM items i WHERE i.feed_id = f.id) AS items, f.last_item_at,
            f.last_poll_at, f.last_success_at,
            CASE WHEN f.active AND f.gone_at IS NULL AND NOT f.paused THEN f.next_poll_at END AS next_poll_at, f.failures, f.last_error, f.url
        FROM feeds f ORDER BY f.active DESC, f.id";
    let mut list = table(connection, sql, &[], usize::MAX)?;
    let sql = format!("SELECT last_poll_at, {SIGNS} FROM feeds ORDER BY active DESC, id");
    let mut statement = connection.prepare(&sql)?;
    let states = statement.query_map([], |row| {
        let polled_at: Option<At> = row.get(0)?;
        let signs = signs_of(row, 1)?;
        Ok(polled_at.map(|at| health(&signs, at.0).as_str()))
    })?;
    for (row, state) in list.rows.iter_mut().zip(states) {
        if let (Value::Null, Some(state)) = (&row[STATE], state?) {
            row[STATE] = state.into();
        }
        // A query or a user may be a secret.
        if let Some(url) = row[URL].as_str().and_then(|it| url::Url::parse(it).ok()) {
            row[URL] = shown(&url).into();
        }
    }
    Ok(list)
}

/// Columns of [`feeds`].
const STATE: usize = 3;
const URL: usize = 11;

pub fn items(connection: &Connection, filter: &Filter) -> Result<Table, StoreError> {
    filter.run(
        connection,
        "SELECT i.id, coalesce(i.published_at, i.first_seen_at) AS at, f.outlet, i.language, i.title,
            (SELECT group_concat(m.topic, ', ') FROM matches m WHERE m.item_id = i.id) AS topics,
            i.standing, i.duplicate_of, i.url
         FROM items i JOIN feeds f ON f.id = i.feed_id
         WHERE (?1 IS NULL OR i.first_seen_at >= ?1)
           AND (?2 IS NULL OR EXISTS (SELECT 1 FROM matches m WHERE m.item_id = i.id AND m.topic = ?2))
           AND (?3 IS NULL OR i.language = ?3) AND (?4 IS NULL OR f.outlet = ?4 COLLATE NOCASE)
           AND (?5 IS NULL OR i.standing = ?5)
         ORDER BY i.first_seen_at DESC, i.id DESC",
    )
}

/// Shows items, the first seen first, to `each` with the names of the columns.
pub fn export<E: From<StoreError>>(
    connection: &Connection,
    filter: &Filter,
    mut each: impl FnMut(&[String], &[Value]) -> Result<(), E>,
) -> Result<(), E> {
    let sql = "SELECT i.id, i.guid, i.url, i.published_at, i.first_seen_at, f.outlet, f.name AS feed, i.language, i.title,
            i.summary, i.author, i.standing, i.duplicate_of,
            (SELECT group_concat(m.topic, ', ') FROM matches m WHERE m.item_id = i.id) AS topics,
            (SELECT max(m.score) FROM matches m WHERE m.item_id = i.id) AS score,
            (SELECT min(si.story_id) FROM story_items si WHERE si.item_id = i.id) AS story
         FROM items i JOIN feeds f ON f.id = i.feed_id
         WHERE (?1 IS NULL OR i.first_seen_at >= ?1)
           AND (?2 IS NULL OR EXISTS (SELECT 1 FROM matches m WHERE m.item_id = i.id AND m.topic = ?2))
           AND (?3 IS NULL OR i.language = ?3) AND (?4 IS NULL OR f.outlet = ?4 COLLATE NOCASE)
         ORDER BY i.id";
    let since = filter.since.map(At);
    let params: [&dyn ToSql; 4] = [&since, &filter.topic, &filter.language, &filter.outlet];
    query::each(connection, sql, &params, &mut each)
}

pub fn stories(connection: &Connection, filter: &Filter) -> Result<Table, StoreError> {
    filter.run(
        connection,
        "SELECT s.id, s.first_seen_at, s.last_seen_at, s.topic, s.state, s.title,
            (SELECT count(*) FROM story_items si WHERE si.story_id = s.id) AS items,
            (SELECT count(DISTINCT si.origin) FROM story_items si WHERE si.story_id = s.id) AS sources,
            (SELECT count(*) FROM developments d JOIN alerts a ON a.development_id = d.id
                WHERE d.story_id = s.id) AS alerts
         FROM stories s
         WHERE s.merged_into IS NULL AND (?1 IS NULL OR s.last_seen_at >= ?1) AND (?2 IS NULL OR s.topic = ?2)
           AND (?3 IS NULL OR EXISTS (SELECT 1 FROM story_items si JOIN items i ON i.id = si.item_id
                WHERE si.story_id = s.id AND i.language = ?3))
           AND (?4 IS NULL OR EXISTS (SELECT 1 FROM story_items si JOIN items i ON i.id = si.item_id
                JOIN feeds f ON f.id = i.feed_id WHERE si.story_id = s.id AND f.outlet = ?4 COLLATE NOCASE))
         ORDER BY s.last_seen_at DESC, s.id DESC",
    )
}

pub fn alerts(connection: &Connection, filter: &Filter) -> Result<Table, StoreError> {
    filter.run(
        connection,
        "SELECT a.id, a.created_at, s.topic, d.kind, d.state, d.summary, i.title, f.outlet, i.language, d.reason,
            d.story_id, a.acknowledged_at, a.acknowledged_by, i.url
         FROM alerts a JOIN developments d ON d.id = a.development_id JOIN stories s ON s.id = d.story_id
         JOIN items i ON i.id = coalesce(a.item_id, d.item_id) JOIN feeds f ON f.id = i.feed_id
         WHERE (?1 IS NULL OR a.created_at >= ?1) AND (?2 IS NULL OR s.topic = ?2)
           AND (?3 IS NULL OR i.language = ?3) AND (?4 IS NULL OR f.outlet = ?4 COLLATE NOCASE)
         ORDER BY a.created_at DESC, a.id DESC",
    )
}

pub fn deliveries(connection: &Connection, filter: &Filter) -> Result<Table, StoreError> {
    filter.run(
        connection,
        "SELECT d.id, d.created_at, d.channel, d.state, d.held_by, d.attempts, d.next_attempt_at, d.delivered_at,
            d.last_error, d.alert_id, d.digest_id, d.folded_into,
            coalesce(i.title, json_extract(g.message, '$.subject'), json_extract(h.message, '$.headline'),
                json_extract(n.message, '$.headline')) AS title
         FROM deliveries d LEFT JOIN digests g ON g.id = d.digest_id LEFT JOIN health_events h ON h.id = d.health_event_id
         LEFT JOIN notices n ON n.id = d.notice_id LEFT JOIN alerts a ON a.id = d.alert_id LEFT JOIN developments v ON v.id = a.development_id
         LEFT JOIN items i ON i.id = coalesce(a.item_id, v.item_id) LEFT JOIN stories s ON s.id = v.story_id LEFT JOIN feeds f ON f.id = i.feed_id
         WHERE (?1 IS NULL OR d.created_at >= ?1) AND (?2 IS NULL OR s.topic = ?2)
           AND (?3 IS NULL OR i.language = ?3) AND (?4 IS NULL OR f.outlet = ?4 COLLATE NOCASE)
           AND (?5 IS NULL OR d.state = ?5)
         ORDER BY d.id DESC",
    )
}

/// Counts for closing summaries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    pub fetches: i64,
    pub not_modified: i64,
    pub failed: i64,
    pub items: i64,
    pub copies: i64,
    pub history: i64,
    pub revisions: i64,
    pub matched: i64,
    pub stories: i64,
    /// Of the items that matched.
    pub languages: i64,
    pub developments: i64,
    pub alerts: i64,
    pub delivered: i64,
    pub owed: i64,
}

pub fn totals(connection: &Connection) -> Result<Totals, StoreError> {
    Ok(connection.query_row(
        "SELECT (SELECT count(*) FROM fetches), (SELECT count(*) FROM fetches WHERE status = 304),
            (SELECT count(*) FROM fetches WHERE error_class IS NOT NULL), (SELECT count(*) FROM items),
            (SELECT count(*) FROM items WHERE duplicate_of IS NOT NULL),
            (SELECT count(*) FROM items WHERE standing = 'history'), (SELECT count(*) FROM revisions),
            (SELECT count(DISTINCT item_id) FROM matches), (SELECT count(*) FROM stories WHERE merged_into IS NULL),
            (SELECT count(DISTINCT i.language) FROM matches m JOIN items i ON i.id = m.item_id),
            (SELECT count(*) FROM developments), (SELECT count(*) FROM alerts),
            (SELECT count(*) FROM deliveries WHERE state = 'delivered'),
            (SELECT count(*) FROM deliveries WHERE state IN ('pending', 'sending', 'retry', 'held'))",
        [],
        |row| {
            Ok(Totals {
                fetches: row.get(0)?,
                not_modified: row.get(1)?,
                failed: row.get(2)?,
                items: row.get(3)?,
                copies: row.get(4)?,
                history: row.get(5)?,
                revisions: row.get(6)?,
                matched: row.get(7)?,
                stories: row.get(8)?,
                languages: row.get(9)?,
                developments: row.get(10)?,
                alerts: row.get(11)?,
                delivered: row.get(12)?,
                owed: row.get(13)?,
            })
        },
    )?)
}

/// The item of the first alert, and its story.
pub fn first_told(connection: &Connection) -> Result<Option<(i64, i64)>, StoreError> {
    let sql = "SELECT coalesce(a.item_id, d.item_id), d.story_id
         FROM alerts a JOIN developments d ON d.id = a.development_id ORDER BY a.id LIMIT 1";
    let told = connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)));
    Ok(told.optional()?)
}

/// An item with its feed, for `explain`.
#[derive(Debug, Clone, Serialize)]
pub struct Item {
    pub id: i64,
    pub title: String,
    pub summary: String,
    pub outlet: String,
    pub feed: String,
    pub language: Option<String>,
    pub url: Option<String>,
    pub guid: Option<String>,
    pub published_at: Option<String>,
    pub first_seen_at: String,
    pub standing: String,
    pub duplicate_of: Option<i64>,
}

/// By number, else by guid or address.
pub fn item(connection: &Connection, wanted: &str) -> Result<Option<Item>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT i.id, i.title, i.summary, f.outlet, f.name, i.language, i.url, i.guid, i.published_at,
            i.first_seen_at, i.standing, i.duplicate_of
         FROM items i JOIN feeds f ON f.id = i.feed_id
         WHERE i.id = CAST(?1 AS INTEGER) AND ?1 NOT GLOB '*[^0-9]*' OR i.guid = ?1 OR i.url = ?1
         ORDER BY i.id = CAST(?1 AS INTEGER) DESC, i.id LIMIT 1",
    )?;
    let mut rows = statement.query_map([wanted], |row| {
        Ok(Item {
            id: row.get(0)?,
            title: row.get(1)?,
            summary: row.get(2)?,
            outlet: row.get(3)?,
            feed: row.get(4)?,
            language: row.get(5)?,
            url: row.get(6)?,
            guid: row.get(7)?,
            published_at: row.get(8)?,
            first_seen_at: row.get(9)?,
            standing: row.get(10)?,
            duplicate_of: row.get(11)?,
        })
    })?;
    Ok(rows.next().transpose()?)
}

/// Every alert in order, with what identifies its item in any archive of the same items.
pub fn told(connection: &Connection) -> Result<Table, StoreError> {
    let sql = "SELECT s.topic, coalesce(i.guid, i.url, i.title) AS item, a.created_at, d.kind, f.outlet, i.title
         FROM alerts a JOIN developments d ON d.id = a.development_id JOIN stories s ON s.id = d.story_id
         JOIN items i ON i.id = coalesce(a.item_id, d.item_id) JOIN feeds f ON f.id = i.feed_id ORDER BY a.id";
    Ok(table(connection, sql, &[], usize::MAX)?)
}

/// A story, with where its meeting stands.
pub fn story(connection: &Connection, id: i64) -> Result<Option<Story>, StoreError> {
    let sql = "SELECT id, topic, title, first_seen_at, last_seen_at, state, merged_into FROM stories WHERE id = ?1";
    let row = |row: &rusqlite::Row<'_>| {
        Ok(Story {
            id: row.get(0)?,
            topic: row.get(1)?,
            title: row.get(2)?,
            first_seen_at: row.get(3)?,
            last_seen_at: row.get(4)?,
            state: row.get(5)?,
            merged_into: row.get(6)?,
        })
    };
    Ok(connection.query_row(sql, [id], row).optional()?)
}

/// A story for `story`.
#[derive(Debug, Clone)]
pub struct Story {
    pub id: i64,
    pub topic: String,
    pub title: String,
    pub first_seen_at: String,
    pub last_seen_at: String,
    pub state: Option<String>,
    pub merged_into: Option<i64>,
}

/// Every item of a story in the order of reporting, with its development and its lag in seconds
/// behind the first of the story and of the development.
pub fn timeline(connection: &Connection, story: i64) -> Result<Table, StoreError> {
    Ok(table(connection, TIMELINE, &[&story], usize::MAX)?)
}

/// Stories that turned out to be this one.
pub fn merges(connection: &Connection, story: i64) -> Result<Table, StoreError> {
    let sql = "SELECT m.merged_at, m.from_story, m.item_id, m.closeness FROM merges m
         WHERE m.into_story = ?1 ORDER BY m.id";
    Ok(table(connection, sql, &[&story], usize::MAX)?)
}

/// What became of a digest, by channel: state, and what was last wrong.
pub fn digest_deliveries(
    connection: &Connection,
    digest: i64,
) -> Result<Vec<(String, String, Option<String>)>, StoreError> {
    let sql = "SELECT channel, state, last_error FROM deliveries WHERE digest_id = ?1 ORDER BY id";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([digest], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Names that filters may ask for.
#[derive(Debug, Clone, Default)]
pub struct Known {
    pub topics: Vec<String>,
    pub languages: Vec<String>,
    pub outlets: Vec<String>,
}

/// What the archive holds something of.
pub fn known(connection: &Connection) -> Result<Known, StoreError> {
    let names = |sql: &str| -> Result<Vec<String>, StoreError> {
        let mut statement = connection.prepare(sql)?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    };
    Ok(Known {
        // The counters are few, whatever the items.
        topics: names(
            "SELECT DISTINCT topic FROM hours WHERE topic <> '' UNION SELECT DISTINCT topic FROM stories",
        )?,
        languages: names("SELECT DISTINCT language FROM hours WHERE language <> ''")?,
        outlets: names("SELECT DISTINCT outlet FROM feeds")?,
    })
}

/// Names of tables, views and their columns, for "did you mean".
pub fn names(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT m.name FROM sqlite_schema m WHERE m.type IN ('table', 'view')
         UNION SELECT c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type IN ('table', 'view')",
    )?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

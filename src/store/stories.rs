//! Stories, developments, their reports, and alerts.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::alert::{Decision, Role};
use crate::clock::rfc3339;
use crate::message::FirstLine;
use crate::store::items::{By, ItemId};
use crate::store::{At, StoreError};
use crate::story::course::Course;
use crate::story::ladder::State;
use crate::story::numbers::Day;
use crate::story::report::{Report, Terms};
use crate::story::statement::Statement;
use crate::story::{DevelopmentId, DevelopmentKind, StoryId};
use crate::text::language::Script;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlertId(pub i64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadingId(pub i64);

pub fn open(
    tx: &Transaction<'_>,
    topic: &str,
    title: &str,
    opened_by: ItemId,
    now: Timestamp,
) -> Result<StoryId, StoreError> {
    let id = tx
        .prepare_cached(
            "INSERT INTO stories (topic, title, opened_by, first_seen_at, last_seen_at) VALUES (?1, ?2, ?3, ?4, ?4)",
        )?
        .insert(params![topic, title, opened_by.0, At(now)])?;
    Ok(StoryId(id))
}

/// Writes down how an item was read for a topic.
pub fn insert_reading(
    tx: &Transaction<'_>,
    topic: &str,
    item: ItemId,
    by: By,
    report: &Report,
) -> Result<ReadingId, StoreError> {
    let statement = serde_json::to_string(&report.statement).expect("strings and numbers");
    let id = tx
        .prepare_cached(
            "INSERT INTO readings (topic, item_id, read_at, outlet, origin, script, statement, by_rule, terms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .insert(params![
            topic,
            item.0,
            At(report.at),
            report.outlet,
            report.origin,
            report.script.map(Script::as_str),
            statement,
            by == By::Rule,
            report.terms.to_bytes()
        ])?;
    Ok(ReadingId(id))
}

/// Where an item landed, as it is written down.
#[derive(Debug, Clone)]
pub struct Placed<'a> {
    pub story: StoryId,
    pub item: ItemId,
    pub decision: Decision,
    pub reason: &'a str,
    pub origin: &'a str,
    pub state: Option<State>,
    /// JSON: how it was placed and weighed.
    pub signs: &'a str,
}

pub fn place(tx: &Transaction<'_>, placed: &Placed<'_>, now: Timestamp) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO story_items (story_id, item_id, decision, code, reason, origin, state, signs, placed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        placed.story.0,
        placed.item.0,
        placed.decision.as_str(),
        placed.decision.code(),
        placed.reason,
        placed.origin,
        placed.state.map(State::as_str),
        placed.signs,
        At(now)
    ])?;
    tx.prepare_cached("UPDATE stories SET last_seen_at = max(last_seen_at, ?2) WHERE id = ?1")?
        .execute(params![placed.story.0, At(now)])?;
    Ok(())
}

/// The development of `topic` that an item reports last, and its story.
pub fn of_item(
    tx: &Connection,
    item: ItemId,
    topic: &str,
) -> Result<Option<(DevelopmentId, StoryId)>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT d.id, s.id FROM reports r JOIN developments d ON d.id = r.development_id JOIN stories s ON s.id = d.story_id
         WHERE r.item_id = ?1 AND s.topic = ?2 ORDER BY d.id DESC LIMIT 1",
    )?;
    let found = statement.query_row(params![item.0, topic], |row| {
        Ok((DevelopmentId(row.get(0)?), StoryId(row.get(1)?)))
    });
    Ok(found.optional()?)
}

/// Who had a development first, and how long before `now`; nobody where that is this item.
pub fn first_report(
    tx: &Connection,
    development: DevelopmentId,
    item: ItemId,
    now: Timestamp,
) -> Result<Option<FirstLine>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT outlet, reported_at, unixepoch(?3) - unixepoch(reported_at) FROM reports
         WHERE development_id = ?1 AND item_id <> ?2 ORDER BY reported_at, item_id LIMIT 1",
    )?;
    Ok(statement
        .query_row(params![development.0, item.0, At(now)], |row| {
            Ok(FirstLine {
                outlet: row.get(0)?,
                at: row.get(1)?,
                lag_secs: u64::try_from(row.get::<_, i64>(2)?).unwrap_or_default(),
            })
        })
        .optional()?)
}

/// A development as it is written down at its first report.
#[derive(Debug, Clone)]
pub struct NewDevelopment<'a> {
    pub story: StoryId,
    pub item: ItemId,
    pub kind: DevelopmentKind,
    /// 0..1: how surely it is new, and news.
    pub novelty: f64,
    pub reason: &'a str,
    pub decision: Decision,
    /// What a correction or a follow-up is about.
    pub about: Option<DevelopmentId>,
}

pub fn insert_development(
    tx: &Transaction<'_>,
    new: &NewDevelopment<'_>,
    now: Timestamp,
) -> Result<DevelopmentId, StoreError> {
    let id = tx
        .prepare_cached(
            "INSERT INTO developments (story_id, item_id, kind, novelty, reason, verdict, created_at, about)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .insert(params![
            new.story.0,
            new.item.0,
            new.kind.as_str(),
            new.novelty,
            new.reason,
            new.decision.code(),
            At(now),
            new.about.map(|it| it.0)
        ])?;
    Ok(DevelopmentId(id))
}

/// A development that was silent is told at a later report.
pub fn tell_later(
    tx: &Transaction<'_>,
    development: DevelopmentId,
    told: &NewDevelopment<'_>,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE developments SET kind = ?2, novelty = ?3, reason = ?4, verdict = ?5 WHERE id = ?1",
    )?
    .execute(params![
        development.0,
        told.kind.as_str(),
        told.novelty,
        told.reason,
        told.decision.code()
    ])?;
    Ok(())
}

/// An item reports a development; it does so once.
pub fn insert_report(
    tx: &Transaction<'_>,
    development: DevelopmentId,
    item: ItemId,
    role: Role,
    report: &Report,
    reading: ReadingId,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT OR IGNORE INTO reports (development_id, item_id, role, outlet, origin, reported_at, reading_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        development.0,
        item.0,
        role.as_str(),
        report.outlet,
        report.origin,
        At(report.at),
        reading.0
    ])?;
    Ok(())
}

pub fn insert_alert(
    tx: &Transaction<'_>,
    development: DevelopmentId,
    item: ItemId,
    message: &str,
    now: Timestamp,
) -> Result<AlertId, StoreError> {
    let id = tx
        .prepare_cached("INSERT INTO alerts (development_id, item_id, message, created_at) VALUES (?1, ?2, ?3, ?4)")?
        .insert(params![development.0, item.0, message, At(now)])?;
    Ok(AlertId(id))
}

pub fn title(tx: &Connection, story: StoryId) -> Result<String, StoreError> {
    Ok(tx
        .prepare_cached("SELECT title FROM stories WHERE id = ?1")?
        .query_row([story.0], |row| row.get(0))?)
}

/// Whether a follow-up was sent about a development.
pub fn is_followed_up(tx: &Connection, development: DevelopmentId) -> Result<bool, StoreError> {
    let mut statement =
        tx.prepare_cached("SELECT 1 FROM developments WHERE about = ?1 AND kind <> 'correction'")?;
    let found = statement.query_row([development.0], |_| Ok(()));
    Ok(found.optional()?.is_some())
}

/// Whether an item of `topic` was told as corrected within the time since then.
pub fn corrected_since(
    tx: &Connection,
    item: ItemId,
    topic: &str,
    since: Timestamp,
) -> Result<bool, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT 1 FROM developments d JOIN stories s ON s.id = d.story_id
         WHERE d.item_id = ?1 AND s.topic = ?2 AND d.kind = 'correction' AND d.created_at > ?3",
    )?;
    let found = statement.query_row(params![item.0, topic, At(since)], |_| Ok(()));
    Ok(found.optional()?.is_some())
}

/// Writes down where the matter of a topic stands, for the topic and for the story that tells it.
pub fn set_course(tx: &Transaction<'_>, topic: &str, course: &Course) -> Result<(), StoreError> {
    let state = course.state.map(State::as_str);
    let states = written(&course.states);
    tx.prepare_cached(
        "INSERT OR REPLACE INTO topics (name, state, actor, states, setter, day, place, story_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        topic,
        state,
        course.party,
        states,
        course.setter,
        course.day.map(|it| it.to_string()),
        course.place,
        course.story.map(|it| it.0)
    ])?;
    if let Some(story) = course.story {
        tx.prepare_cached("UPDATE stories SET state = ?2, actor = ?3, states = ?4 WHERE id = ?1")?
            .execute(params![story.0, state, course.party, states])?;
    }
    Ok(())
}

/// Where the matter of a topic stands.
pub fn course(tx: &Connection, topic: &str) -> Result<Course, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT state, actor, states, setter, day, place, story_id FROM topics WHERE name = ?1",
    )?;
    let course = statement.query_row([topic], |row| {
        let state: Option<String> = row.get(0)?;
        Ok(Course {
            state: state.as_deref().and_then(State::of),
            party: row.get(1)?,
            states: states(&row.get::<_, String>(2)?),
            setter: row.get(3)?,
            day: row
                .get::<_, Option<String>>(4)?
                .as_deref()
                .and_then(Day::of),
            place: row.get(5)?,
            story: row.get::<_, Option<i64>>(6)?.map(StoryId),
        })
    });
    Ok(course.optional()?.unwrap_or_default())
}

/// `cancelled 2018-05-24T13:50:00Z, revived …`
fn written(states: &[(State, Timestamp)]) -> String {
    let written = states
        .iter()
        .map(|(state, at)| format!("{} {}", state.as_str(), rfc3339(*at)));
    written.collect::<Vec<_>>().join(", ")
}

fn states(written: &str) -> Vec<(State, Timestamp)> {
    let states = written.split(", ").filter_map(|it| {
        let (state, at) = it.split_once(' ')?;
        Some((State::of(state)?, at.parse().ok()?))
    });
    states.collect()
}

/// An alert of a topic, for its budgets.
#[derive(Debug, Clone)]
pub struct ToldAlert {
    pub at: Timestamp,
    /// Whose report caused it.
    pub outlet: String,
}

/// Alerts of `topic` after `since` and up to `now`, the earliest first.
pub fn alerts_between(
    tx: &Connection,
    topic: &str,
    since: Timestamp,
    now: Timestamp,
) -> Result<Vec<ToldAlert>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT a.created_at, coalesce(json_extract(a.message, '$.item.outlet'), '')
         FROM alerts a JOIN developments d ON d.id = a.development_id JOIN stories s ON s.id = d.story_id
         WHERE a.created_at > ?1 AND a.created_at <= ?3 AND s.topic = ?2 ORDER BY a.id",
    )?;
    let rows = statement.query_map(params![At(since), topic, At(now)], |row| {
        Ok(ToldAlert {
            at: row.get::<_, At>(0)?.0,
            outlet: row.get(1)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Developments of `topic` that were held back since its last alert, by a budget or a bound.
pub fn suppressed(tx: &Connection, topic: &str) -> Result<u32, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT count(*) FROM developments d JOIN stories s ON s.id = d.story_id
         WHERE s.topic = ?1 AND d.verdict IN ('flood', 'budget') AND d.id >
            coalesce((SELECT max(a.development_id) FROM alerts a JOIN developments o ON o.id = a.development_id
                JOIN stories t ON t.id = o.story_id WHERE t.topic = ?1), 0)",
    )?;
    Ok(statement.query_row([topic], |row| row.get(0))?)
}

/// The alert of a development that waits for a second source, with its message.
pub fn held(
    tx: &Connection,
    development: DevelopmentId,
    now: Timestamp,
) -> Result<Vec<(i64, String)>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT a.id, a.message FROM developments d JOIN alerts a ON a.development_id = d.id
         WHERE d.id = ?1 AND d.verdict = 'held' AND EXISTS
            (SELECT 1 FROM deliveries o WHERE o.alert_id = a.id AND o.next_attempt_at > ?2
                AND (o.state = 'pending' OR (o.held_by = 'quiet' AND o.folded_into IS NULL)))",
    )?;
    let rows = statement.query_map(params![development.0, At(now)], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// An alert that waited goes out in these words.
pub fn reword(tx: &Transaction<'_>, alert: AlertId, message: &str) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE alerts SET message = ?2 WHERE id = ?1")?
        .execute(params![alert.0, message])?;
    Ok(())
}

/// A development that may still be open, with its reports in the order in which they came.
#[derive(Debug)]
pub struct OpenRow {
    pub id: DevelopmentId,
    pub story: StoryId,
    /// Of its first report.
    pub headline: String,
    pub told_at: Option<Timestamp>,
    pub reports: Vec<Report>,
}

/// Developments of `topic` with a report since `since`, in the order in which they began.
pub fn open_since(
    tx: &Connection,
    topic: &str,
    since: Timestamp,
) -> Result<Vec<OpenRow>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT d.id, d.story_id, i.title, (SELECT a.created_at FROM alerts a WHERE a.development_id = d.id)
         FROM developments d JOIN stories s ON s.id = d.story_id JOIN items i ON i.id = d.item_id
         WHERE s.topic = ?1 AND d.about IS NULL AND d.id IN (SELECT development_id FROM reports WHERE reported_at >= ?2)
         ORDER BY d.id",
    )?;
    let rows = statement.query_map(params![topic, At(since)], |row| {
        Ok(OpenRow {
            id: DevelopmentId(row.get(0)?),
            story: StoryId(row.get(1)?),
            headline: row.get(2)?,
            told_at: row.get::<_, Option<At>>(3)?.map(|it| it.0),
            reports: Vec::new(),
        })
    })?;
    let mut open: Vec<OpenRow> = rows.collect::<Result<_, _>>()?;
    let mut statement = tx.prepare_cached(
        "SELECT r.read_at, r.outlet, r.origin, r.statement, r.script, r.terms
         FROM reports p JOIN readings r ON r.id = p.reading_id
         WHERE p.development_id = ?1 AND r.terms IS NOT NULL ORDER BY r.id",
    )?;
    for row in &mut open {
        let reports = statement.query_map([row.id.0], reading)?;
        row.reports = reports
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect();
    }
    Ok(open)
}

/// The latest `n` readings of `topic`, the earliest first.
pub fn latest_readings(tx: &Connection, topic: &str, n: usize) -> Result<Vec<Report>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT read_at, outlet, origin, statement, script, terms FROM (
            SELECT * FROM readings WHERE topic = ?1 AND terms IS NOT NULL ORDER BY id DESC LIMIT ?2)
         ORDER BY id",
    )?;
    let n = i64::try_from(n).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![topic, n], reading)?;
    Ok(rows
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .flatten()
        .collect())
}

/// Reports of `topic` since `since` that matched by rule, the earliest first.
pub fn by_rule_since(
    tx: &Connection,
    topic: &str,
    since: Timestamp,
) -> Result<Vec<Report>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT read_at, outlet, origin, statement, script, terms FROM readings
         WHERE topic = ?1 AND read_at >= ?2 AND by_rule AND terms IS NOT NULL ORDER BY id",
    )?;
    let rows = statement.query_map(params![topic, At(since)], reading)?;
    let read: Vec<Option<Report>> = rows.collect::<Result<_, _>>()?;
    Ok(read.into_iter().flatten().collect())
}

/// The latest reading of an item for a topic.
pub fn last_reading(
    tx: &Connection,
    item: ItemId,
    topic: &str,
) -> Result<Option<Report>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT read_at, outlet, origin, statement, script, terms FROM readings
         WHERE item_id = ?1 AND topic = ?2 AND terms IS NOT NULL ORDER BY id DESC LIMIT 1",
    )?;
    let found = statement
        .query_row(params![item.0, topic], reading)
        .optional()?;
    Ok(found.flatten())
}

/// None where another release wrote it otherwise.
fn reading(row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<Report>> {
    let statement: String = row.get(3)?;
    let script: Option<String> = row.get(4)?;
    let terms: Vec<u8> = row.get(5)?;
    let parts = serde_json::from_str::<Statement>(&statement)
        .ok()
        .zip(Terms::of_bytes(&terms));
    let Some((statement, terms)) = parts else {
        return Ok(None);
    };
    Ok(Some(Report::new(
        row.get::<_, At>(0)?.0,
        row.get(1)?,
        row.get(2)?,
        statement,
        script.as_deref().and_then(Script::named),
        terms,
    )))
}

//! Stories, developments and alerts.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::alert::Decision;
use crate::clock::rfc3339;
use crate::message::FirstLine;
use crate::store::items::ItemId;
use crate::store::{At, StoreError};
use crate::story::ladder::State;
use crate::story::open::Course;
use crate::story::{Development, StoryId};

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

/// Where an item landed, as it is written down.
#[derive(Debug, Clone)]
pub struct Placed<'a> {
    pub story: StoryId,
    pub item: ItemId,
    pub similarity: Option<f64>,
    pub decision: Decision,
    pub reason: &'a str,
    pub origin: &'a str,
    pub state: Option<State>,
    /// JSON: what is new and known.
    pub facts: &'a str,
    /// JSON: further stories that came near.
    pub runners_up: &'a str,
}

pub fn place(tx: &Transaction<'_>, placed: &Placed<'_>, now: Timestamp) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO story_items
            (story_id, item_id, similarity, decision, code, reason, origin, state, facts, runners_up, placed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        placed.story.0,
        placed.item.0,
        placed.similarity,
        placed.decision.as_str(),
        placed.decision.code(),
        placed.reason,
        placed.origin,
        placed.state.map(State::as_str),
        placed.facts,
        placed.runners_up,
        At(now)
    ])?;
    tx.prepare_cached("UPDATE stories SET last_seen_at = max(last_seen_at, ?2) WHERE id = ?1")?
        .execute(params![placed.story.0, At(now)])?;
    Ok(())
}

/// The story of `topic` that an item stands in.
pub fn of_item(tx: &Connection, item: ItemId, topic: &str) -> Result<Option<StoryId>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT s.id FROM story_items si JOIN stories s ON s.id = si.story_id WHERE si.item_id = ?1 AND s.topic = ?2",
    )?;
    Ok(statement
        .query_row(params![item.0, topic], |row| row.get(0).map(StoryId))
        .optional()?)
}

/// Who had the story first, and how long before `now`; nobody where that is this item.
pub fn first_report(
    tx: &Connection,
    story: StoryId,
    item: ItemId,
    now: Timestamp,
) -> Result<Option<FirstLine>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT f.outlet, si.placed_at, unixepoch(?3) - unixepoch(si.placed_at)
         FROM story_items si JOIN items i ON i.id = si.item_id JOIN feeds f ON f.id = i.feed_id
         WHERE si.story_id = ?1 AND si.item_id <> ?2 ORDER BY si.placed_at, si.item_id LIMIT 1",
    )?;
    Ok(statement
        .query_row(params![story.0, item.0, At(now)], |row| {
            Ok(FirstLine {
                outlet: row.get(0)?,
                at: row.get(1)?,
                lag_secs: u64::try_from(row.get::<_, i64>(2)?).unwrap_or_default(),
            })
        })
        .optional()?)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DevelopmentId(pub i64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlertId(pub i64);

pub fn insert_development(
    tx: &Transaction<'_>,
    story: StoryId,
    item: ItemId,
    development: &Development,
    decision: Decision,
    now: Timestamp,
) -> Result<DevelopmentId, StoreError> {
    let id = tx
        .prepare_cached(
            "INSERT INTO developments (story_id, item_id, kind, novelty, reason, verdict, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .insert(params![
            story.0,
            item.0,
            development.kind.as_str(),
            development.novelty,
            development.reason,
            decision.code(),
            At(now)
        ])?;
    Ok(DevelopmentId(id))
}

pub fn insert_alert(
    tx: &Transaction<'_>,
    development: DevelopmentId,
    message: &str,
    now: Timestamp,
) -> Result<AlertId, StoreError> {
    let id = tx
        .prepare_cached(
            "INSERT INTO alerts (development_id, message, created_at) VALUES (?1, ?2, ?3)",
        )?
        .insert(params![development.0, message, At(now)])?;
    Ok(AlertId(id))
}

pub fn title(tx: &Connection, story: StoryId) -> Result<String, StoreError> {
    Ok(tx
        .prepare_cached("SELECT title FROM stories WHERE id = ?1")?
        .query_row([story.0], |row| row.get(0))?)
}

/// The origin of an item in a topic's stories.
pub fn origin_of(tx: &Connection, item: ItemId, topic: &str) -> Result<Option<String>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT si.origin FROM story_items si JOIN stories s ON s.id = si.story_id WHERE si.item_id = ?1 AND s.topic = ?2",
    )?;
    let origin = statement.query_row(params![item.0, topic], |row| row.get(0));
    Ok(origin.optional()?)
}

/// Writes down how far a story has come.
pub fn set_course(tx: &Transaction<'_>, story: StoryId, course: &Course) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE stories SET state = ?2, actor = ?3, official = ?4, hearsay = ?5, states = ?6 WHERE id = ?1")?
        .execute(params![
            story.0,
            course.state.map(State::as_str),
            course.actor,
            course.official,
            course.hearsay,
            written(&course.states)
        ])?;
    Ok(())
}

/// Writes down where the matter of a topic stands.
pub fn set_topic_course(
    tx: &Transaction<'_>,
    topic: &str,
    course: &Course,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO topics (name, state, actor, states) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![
        topic,
        course.state.map(State::as_str),
        course.actor,
        written(&course.states)
    ])?;
    Ok(())
}

/// Where the matter of a topic stands.
pub fn topic_course(tx: &Connection, topic: &str) -> Result<Course, StoreError> {
    let mut statement =
        tx.prepare_cached("SELECT state, actor, states FROM topics WHERE name = ?1")?;
    let course = statement.query_row([topic], |row| {
        let state: Option<String> = row.get(0)?;
        Ok(Course {
            state: state.as_deref().and_then(State::of),
            actor: row.get(1)?,
            states: states(&row.get::<_, String>(2)?),
            ..Course::default()
        })
    });
    Ok(course.optional()?.unwrap_or_default())
}

/// How far the stories of `topic` seen since `since` have come.
pub fn courses_since(
    tx: &Connection,
    topic: &str,
    since: Timestamp,
) -> Result<Vec<(StoryId, Course)>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT s.id, s.state, s.actor, s.official, s.hearsay, s.states,
            (SELECT max(a.created_at) FROM developments d JOIN alerts a ON a.development_id = d.id WHERE d.story_id = s.id)
         FROM stories s WHERE s.topic = ?1 AND s.last_seen_at >= ?2 AND s.merged_into IS NULL",
    )?;
    let rows = statement.query_map(params![topic, At(since)], |row| {
        let state: Option<String> = row.get(1)?;
        let course = Course {
            told_at: row.get::<_, Option<At>>(6)?.map(|it| it.0),
            state: state.as_deref().and_then(State::of),
            actor: row.get(2)?,
            states: states(&row.get::<_, String>(5)?),
            official: row.get(3)?,
            hearsay: row.get(4)?,
        };
        Ok((StoryId(row.get(0)?), course))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
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

/// `from` turns out to be `into`, which takes its items and developments.
pub fn merge(
    tx: &Transaction<'_>,
    from: StoryId,
    into: StoryId,
    item: ItemId,
    closeness: f64,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO merges (from_story, into_story, item_id, closeness, merged_at) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![from.0, into.0, item.0, closeness, At(now)])?;
    for sql in [
        "UPDATE story_items SET story_id = ?2 WHERE story_id = ?1",
        "UPDATE developments SET story_id = ?2 WHERE story_id = ?1",
        "UPDATE deliveries SET story_id = ?2 WHERE story_id = ?1",
        "UPDATE stories SET merged_into = ?2 WHERE id = ?1",
        "UPDATE stories SET last_seen_at = max(last_seen_at, (SELECT last_seen_at FROM stories WHERE id = ?1)) WHERE id = ?2",
    ] {
        tx.prepare_cached(sql)?.execute(params![from.0, into.0])?;
    }
    Ok(())
}

/// Alerts of `topic` since `since`.
pub fn told_since(tx: &Connection, topic: &str, since: Timestamp) -> Result<u32, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT count(*) FROM alerts a JOIN developments d ON d.id = a.development_id JOIN stories s ON s.id = d.story_id
         WHERE a.created_at > ?1 AND s.topic = ?2",
    )?;
    Ok(statement.query_row(params![At(since), topic], |row| row.get(0))?)
}

/// Developments of `topic` that were held back since its last alert, by floor or budget.
pub fn suppressed(tx: &Connection, topic: &str) -> Result<u32, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT count(*) FROM developments d JOIN stories s ON s.id = d.story_id
         WHERE s.topic = ?1 AND d.verdict IN ('floor', 'budget') AND d.id >
            coalesce((SELECT max(a.development_id) FROM alerts a JOIN developments o ON o.id = a.development_id
                JOIN stories t ON t.id = o.story_id WHERE t.topic = ?1), 0)",
    )?;
    Ok(statement.query_row([topic], |row| row.get(0))?)
}

/// Alerts of a story that wait for a second source, with their messages.
pub fn held(
    tx: &Connection,
    story: StoryId,
    now: Timestamp,
) -> Result<Vec<(i64, String)>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT a.id, a.message FROM developments d JOIN alerts a ON a.development_id = d.id
         WHERE d.story_id = ?1 AND d.verdict = 'held' AND EXISTS
            (SELECT 1 FROM deliveries o WHERE o.alert_id = a.id AND o.next_attempt_at > ?2
                AND (o.state = 'pending' OR (o.held_by = 'quiet' AND o.folded_into IS NULL)))",
    )?;
    let rows = statement.query_map(params![story.0, At(now)], |row| {
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

/// An item of a story that is still open, as needed to open it again after a restart.
#[derive(Debug, Clone)]
pub struct Member {
    pub story: StoryId,
    pub title: String,
    pub summary: String,
    pub at: Timestamp,
    pub origin: String,
    pub is_copy: bool,
}

/// Members of the stories of `topic` seen since `since`, in the order in which they were placed.
pub fn members_since(
    tx: &Connection,
    topic: &str,
    since: Timestamp,
) -> Result<Vec<Member>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT si.story_id, i.title, iif(a.decided, a.text, i.summary), si.placed_at, si.origin, si.code = 'copy'
         FROM stories s JOIN story_items si ON si.story_id = s.id JOIN items i ON i.id = si.item_id
         LEFT JOIN articles a ON a.item_id = i.id
         WHERE s.topic = ?1 AND s.last_seen_at >= ?2 AND s.merged_into IS NULL
         ORDER BY si.placed_at, si.item_id",
    )?;
    let rows = statement.query_map(params![topic, At(since)], member)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The items that opened the last `n` stories of `topic`, in that order.
pub fn openers(tx: &Connection, topic: &str, n: usize) -> Result<Vec<Member>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT s.id, i.title, iif(a.decided, a.text, i.summary), s.first_seen_at, '', 0
         FROM (SELECT id, opened_by, first_seen_at FROM stories WHERE topic = ?1 ORDER BY id DESC LIMIT ?2) s
         JOIN items i ON i.id = s.opened_by LEFT JOIN articles a ON a.item_id = i.id ORDER BY s.id",
    )?;
    let n = i64::try_from(n).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![topic, n], member)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn member(row: &rusqlite::Row<'_>) -> rusqlite::Result<Member> {
    Ok(Member {
        story: StoryId(row.get(0)?),
        title: row.get(1)?,
        summary: row.get(2)?,
        at: row.get::<_, At>(3)?.0,
        origin: row.get(4)?,
        is_copy: row.get(5)?,
    })
}

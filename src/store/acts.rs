//! What developments and stories are called, and what readers decide about them: mute, follow, mark, star and
//! note. Each act has who and when, and can be taken back.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde::Serialize;
use utoipa::ToSchema;

use crate::message::DevelopmentLine;
use crate::store::{At, StoreError};
use crate::story::StoryId;

/// Writes down what a development says: at its first report, and anew at the one that is told.
pub fn describe(tx: &Transaction<'_>, said: &DevelopmentLine) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE developments SET summary = ?2, state = ?3, day = ?4, place = ?5 WHERE id = ?1",
    )?
    .execute(params![
        said.id,
        said.summary,
        said.state,
        said.when,
        said.r#where
    ])?;
    Ok(())
}

/// Gives a story its name. That of one which tells where a meeting stands changes with it; another keeps the
/// name that its first alert gave it.
pub fn name(
    tx: &Transaction<'_>,
    story: StoryId,
    name: &str,
    tells_course: bool,
) -> Result<(), StoreError> {
    if name.is_empty() {
        return Ok(());
    }
    tx.prepare_cached(
        "UPDATE stories SET title = ?2 WHERE id = ?1 AND (?3 OR NOT EXISTS (
            SELECT 1 FROM alerts a JOIN developments d ON d.id = a.development_id WHERE d.story_id = ?1))",
    )?
    .execute(params![story.0, name, tells_course])?;
    Ok(())
}

/// What a reader can do to a story or a development.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The story alerts nobody until its meeting stands elsewhere, or until a time.
    Mute,
    /// Every development of the story is told, however slight.
    Follow,
    /// The development does not belong to the topic.
    Wrong,
    /// It is on topic and no news.
    NotNews,
    Star,
    Note,
}

impl Kind {
    pub const ALL: [Self; 6] = [
        Self::Mute,
        Self::Follow,
        Self::Wrong,
        Self::NotNews,
        Self::Star,
        Self::Note,
    ];

    /// As `acts.kind` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mute => "mute",
            Self::Follow => "follow",
            Self::Wrong => "wrong",
            Self::NotNews => "not-news",
            Self::Star => "star",
            Self::Note => "note",
        }
    }

    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }

    /// Whether it can be done to this.
    pub fn fits(self, on: On) -> bool {
        match self {
            Self::Mute | Self::Follow => matches!(on, On::Story(_)),
            Self::Wrong | Self::NotNews => matches!(on, On::Development(_)),
            Self::Star | Self::Note => true,
        }
    }
}

/// To what an act is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    Story(i64),
    Development(i64),
}

impl On {
    fn ids(self) -> (Option<i64>, Option<i64>) {
        match self {
            Self::Story(id) => (Some(id), None),
            Self::Development(id) => (None, Some(id)),
        }
    }
}

/// An act as a reader asks for it.
#[derive(Debug, Clone)]
pub struct Asked {
    pub kind: Kind,
    pub on: On,
    pub note: Option<String>,
    pub until: Option<Timestamp>,
    pub reader: String,
}

/// What came of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It stands now, under this number.
    Now(i64),
    /// It stood already, under this number.
    Before(i64),
    /// There is no such story or development.
    Unknown,
}

pub fn act(tx: &Transaction<'_>, asked: &Asked, now: Timestamp) -> Result<Done, StoreError> {
    let (story, development) = asked.on.ids();
    let known: bool = tx.query_row(
        "SELECT EXISTS (SELECT 1 FROM stories WHERE id = ?1) OR EXISTS (SELECT 1 FROM developments WHERE id = ?2)",
        params![story, development],
        |row| row.get(0),
    )?;
    if !known {
        return Ok(Done::Unknown);
    }
    // A second note is another note; anything else is done once.
    let before: Option<i64> = tx
        .query_row(
            "SELECT id FROM acts WHERE kind = ?1 AND kind <> 'note' AND story_id IS ?2 AND development_id IS ?3
                AND undone_at IS NULL AND until IS ?4",
            params![asked.kind.as_str(), story, development, asked.until.map(At)],
            |row| row.get(0),
        )
        .optional()?;
    if let Some(before) = before {
        return Ok(Done::Before(before));
    }
    // Another end of a mute takes the place of the one before.
    if asked.kind == Kind::Mute {
        tx.execute(
            "UPDATE acts SET undone_at = ?2, undone_by = ?3 WHERE kind = 'mute' AND story_id = ?1 AND undone_at IS NULL",
            params![story, At(now), asked.reader],
        )?;
    }
    tx.execute(
        "INSERT INTO acts (kind, story_id, development_id, note, until, reader, done_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            asked.kind.as_str(),
            story,
            development,
            asked.note,
            asked.until.map(At),
            asked.reader,
            At(now)
        ],
    )?;
    Ok(Done::Now(tx.last_insert_rowid()))
}

/// Takes an act back; whether it stood.
pub fn undo(
    tx: &Transaction<'_>,
    act: i64,
    reader: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let undone = tx.execute(
        "UPDATE acts SET undone_at = ?2, undone_by = ?3 WHERE id = ?1 AND undone_at IS NULL",
        params![act, At(now), reader],
    )?;
    Ok(undone > 0)
}

/// Whether a story alerts nobody now. A change of where its meeting stands ends that.
pub fn is_muted(
    tx: &Transaction<'_>,
    story: StoryId,
    is_change: bool,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if is_change {
        tx.prepare_cached(
            "UPDATE acts SET undone_at = ?2, undone_by = 'a change of state'
             WHERE kind = 'mute' AND story_id = ?1 AND undone_at IS NULL",
        )?
        .execute(params![story.0, At(now)])?;
        return Ok(false);
    }
    let mut statement = tx.prepare_cached(
        "SELECT 1 FROM acts WHERE story_id = ?1 AND kind = 'mute' AND undone_at IS NULL AND (until IS NULL OR until > ?2)",
    )?;
    Ok(statement.exists(params![story.0, At(now)])?)
}

/// Whether somebody follows a story.
pub fn is_followed(tx: &Connection, story: StoryId) -> Result<bool, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT 1 FROM acts WHERE story_id = ?1 AND kind = 'follow' AND undone_at IS NULL",
    )?;
    Ok(statement.exists([story.0])?)
}

/// What a reader did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Act {
    pub id: i64,
    /// mute, follow, wrong, not-news, star, note
    pub kind: String,
    pub story_id: Option<i64>,
    pub development_id: Option<i64>,
    pub note: Option<String>,
    pub until: Option<String>,
    pub reader: String,
    pub done_at: String,
    pub undone_by: Option<String>,
    pub undone_at: Option<String>,
}

fn read(row: &Row<'_>) -> rusqlite::Result<Act> {
    Ok(Act {
        id: row.get(0)?,
        kind: row.get(1)?,
        story_id: row.get(2)?,
        development_id: row.get(3)?,
        note: row.get(4)?,
        until: row.get(5)?,
        reader: row.get(6)?,
        done_at: row.get(7)?,
        undone_by: row.get(8)?,
        undone_at: row.get(9)?,
    })
}

const ACT: &str = "SELECT a.id, a.kind, a.story_id, a.development_id, a.note, a.until, a.reader, a.done_at, a.undone_by, a.undone_at
     FROM acts a";

/// What stands of a story and of its developments.
pub fn of_story(connection: &Connection, story: i64) -> Result<Vec<Act>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "{ACT} WHERE a.undone_at IS NULL AND (a.story_id = ?1
            OR a.development_id IN (SELECT id FROM developments WHERE story_id = ?1)) ORDER BY a.id"
    ))?;
    let acts = statement.query_map([story], read)?;
    Ok(acts.collect::<Result<_, _>>()?)
}

/// Every act, the last first; what was taken back too where `all` says so.
pub fn list(connection: &Connection, all: bool, limit: usize) -> Result<Vec<Act>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "{ACT} WHERE ?1 OR a.undone_at IS NULL ORDER BY a.id DESC LIMIT ?2"
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let acts = statement.query_map(params![all, limit], read)?;
    Ok(acts.collect::<Result<_, _>>()?)
}

pub fn one(connection: &Connection, act: i64) -> Result<Option<Act>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("{ACT} WHERE a.id = ?1"))?;
    Ok(statement.query_row([act], read).optional()?)
}

/// The story of a development.
pub fn story_of(connection: &Connection, development: i64) -> Result<Option<i64>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT story_id FROM developments WHERE id = ?1")?;
    Ok(statement
        .query_row([development], |row| row.get(0))
        .optional()?)
}

/// A headline that a reader marked, as a case for whoever writes rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Marked {
    /// wrong, not-news
    pub kind: String,
    pub reader: String,
    pub done_at: String,
    pub title: String,
    pub summary: String,
    pub language: Option<String>,
    /// Of the report that its development was nearest to.
    pub after: Option<String>,
}

/// What of a topic stands marked, the first first.
pub fn marked(connection: &Connection, topic: &str) -> Result<Vec<Marked>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT a.kind, a.reader, a.done_at, i.title, i.summary, i.language,
            (SELECT n.title FROM developments e JOIN items n ON n.id = e.item_id
             WHERE e.id = (SELECT json_extract(si.signs, '$.same.development') FROM story_items si
                WHERE si.story_id = d.story_id AND si.item_id = d.item_id) AND e.id <> d.id)
         FROM acts a JOIN developments d ON d.id = a.development_id JOIN stories s ON s.id = d.story_id
         LEFT JOIN alerts l ON l.development_id = d.id JOIN items i ON i.id = coalesce(l.item_id, d.item_id)
         WHERE a.kind IN ('wrong', 'not-news') AND a.undone_at IS NULL AND s.topic = ?1 ORDER BY a.id",
    )?;
    let marked = statement.query_map([topic], |row| {
        Ok(Marked {
            kind: row.get(0)?,
            reader: row.get(1)?,
            done_at: row.get(2)?,
            title: row.get(3)?,
            summary: row.get(4)?,
            language: row.get(5)?,
            after: row.get(6)?,
        })
    })?;
    Ok(marked.collect::<Result<_, _>>()?)
}

//! What developments and stories are called, and what readers decide about them: mute, follow, mark, star and
//! note. Each act has who and when, and can be taken back.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

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
    /// Of a follow: the channel that every report goes to.
    pub channel: Option<String>,
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
    /// There is no such channel.
    NoChannel,
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
    if let Some(channel) = &asked.channel {
        let mut active = tx.prepare_cached("SELECT 1 FROM channels WHERE name = ?1 AND active")?;
        if asked.kind != Kind::Follow || !active.exists([channel])? {
            return Ok(Done::NoChannel);
        }
    }
    // A second note is another note; anything else is done once.
    let before: Option<i64> = tx
        .query_row(
            "SELECT id FROM acts WHERE kind = ?1 AND kind <> 'note' AND story_id IS ?2 AND development_id IS ?3
                AND undone_at IS NULL AND until IS ?4 AND channel IS ?5",
            params![
                asked.kind.as_str(),
                story,
                development,
                asked.until.map(At),
                asked.channel
            ],
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
        "INSERT INTO acts (kind, story_id, development_id, note, until, reader, done_at, channel, told_item)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,
            iif(?8 IS NULL, NULL, (SELECT coalesce(max(item_id), 0) FROM reports)))",
        params![
            asked.kind.as_str(),
            story,
            development,
            asked.note,
            asked.until.map(At),
            asked.reader,
            At(now),
            asked.channel
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

//! Every report of a followed story for the follower's channel: what no alert told, as it comes.

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, params};

use crate::clock::rfc3339;
use crate::message::{DevelopmentLine, ItemLine, Message, StoryLine};
use crate::store::{At, StoreError};
use crate::story::development::Voices;
use crate::words;

/// Reports that one turn takes of one story; the next turn takes more.
const AT_ONCE: i64 = 50;

/// A reader who wants every report of a story.
struct Follow {
    act: i64,
    story: i64,
    channel: String,
    reader: String,
    /// The last item that was looked at.
    told: i64,
}

struct Report {
    item: i64,
    development: i64,
    role: String,
    message: Message,
}

/// Whether anything has come since.
pub fn waits(connection: &Connection) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT 1 FROM acts a JOIN channels c ON c.name = a.channel AND c.active
         WHERE a.kind = 'follow' AND a.undone_at IS NULL AND EXISTS (
            SELECT 1 FROM developments d JOIN reports r ON r.development_id = d.id
            WHERE d.story_id = a.story_id AND r.item_id > a.told_item)",
    )?;
    Ok(statement.exists([])?)
}

/// Owes followers what has come; how much.
pub fn owe(tx: &Transaction<'_>, now: Timestamp) -> Result<usize, StoreError> {
    let mut owed = 0;
    for follow in follows(tx)? {
        for report in reports(tx, &follow, now)? {
            tx.execute(
                "UPDATE acts SET told_item = max(told_item, ?2) WHERE id = ?1",
                [follow.act, report.item],
            )?;
            if is_told(tx, &report)? {
                continue;
            }
            let mut message = report.message;
            message.id = format!(
                "follow-{}-{}-{}",
                follow.act, report.development, report.item
            );
            message.reason = format!(
                "{} follows this story: {}",
                follow.reader,
                words::role(&report.role)
            );
            message.sources = sources(tx, report.development)?;
            let text = serde_json::to_string(&message).expect("a message is strings and numbers");
            tx.prepare_cached(
                "INSERT INTO notices (channel, message, created_at) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![follow.channel, text, At(now)])?;
            let notice = tx.last_insert_rowid();
            tx.prepare_cached(
                "INSERT INTO deliveries (notice_id, story_id, channel, state, next_attempt_at, idempotency_key, created_at)
                 VALUES (?1, ?2, ?3, 'pending', ?4, ?5, ?4)",
            )?
            .execute(params![
                notice,
                follow.story,
                follow.channel,
                At(now),
                format!("{}-{}", message.id, follow.channel)
            ])?;
            owed += 1;
        }
    }
    Ok(owed)
}

fn follows(tx: &Transaction<'_>) -> Result<Vec<Follow>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT a.id, a.story_id, a.channel, a.reader, coalesce(a.told_item, 0)
         FROM acts a JOIN channels c ON c.name = a.channel AND c.active
         WHERE a.kind = 'follow' AND a.undone_at IS NULL ORDER BY a.id",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(Follow {
            act: row.get(0)?,
            story: row.get(1)?,
            channel: row.get(2)?,
            reader: row.get(3)?,
            told: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Reports of the story since, in the order in which they came.
fn reports(
    tx: &Transaction<'_>,
    follow: &Follow,
    now: Timestamp,
) -> Result<Vec<Report>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT r.item_id, d.id, r.role, s.topic, s.title, s.state, coalesce(d.summary, ''), d.state, d.day, d.place,
            i.title, i.url, f.outlet, i.language, coalesce(i.published_at, i.first_seen_at)
         FROM developments d JOIN stories s ON s.id = d.story_id JOIN reports r ON r.development_id = d.id
         JOIN items i ON i.id = r.item_id JOIN feeds f ON f.id = i.feed_id
         WHERE d.story_id = ?1 AND r.item_id > ?2 ORDER BY r.item_id LIMIT ?3",
    )?;
    let rows = statement.query_map(params![follow.story, follow.told, AT_ONCE], |row| {
        let headline: String = row.get(10)?;
        let mut message = Message::test(rfc3339(now));
        message.topic = row.get(3)?;
        "report".clone_into(&mut message.kind);
        message.story = StoryLine {
            id: follow.story,
            title: row.get(4)?,
            state: row.get(5)?,
            ..StoryLine::default()
        };
        message.development = DevelopmentLine {
            id: row.get(1)?,
            summary: row.get(6)?,
            state: row.get(7)?,
            when: row.get(8)?,
            r#where: row.get(9)?,
            hearsay: false,
        };
        message.new.clear();
        message.headline.clone_from(&headline);
        message.item = ItemLine {
            title: headline,
            url: row.get(11)?,
            outlet: row.get(12)?,
            language: row.get(13)?,
            published_at: row.get(14)?,
        };
        Ok(Report {
            item: row.get(0)?,
            development: row.get(1)?,
            role: row.get(2)?,
            message,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whether an alert is of this very report.
fn is_told(tx: &Transaction<'_>, report: &Report) -> Result<bool, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT 1 FROM alerts a JOIN developments d ON d.id = a.development_id
         WHERE a.development_id = ?1 AND coalesce(a.item_id, d.item_id) = ?2",
    )?;
    Ok(statement.exists([report.development, report.item])?)
}

/// Independent sources of a development, in the order of reporting.
fn sources(tx: &Transaction<'_>, development: i64) -> Result<Vec<String>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT outlet, origin FROM reports WHERE development_id = ?1 ORDER BY reported_at, item_id",
    )?;
    let mut voices = Voices::default();
    let mut rows = statement.query([development])?;
    while let Some(row) = rows.next()? {
        voices.add(&row.get::<_, String>(0)?, &row.get::<_, String>(1)?);
    }
    Ok(voices.sources())
}

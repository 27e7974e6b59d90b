//! Items, their revisions, matches and full-text rows.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::alert::Standing;
use crate::feed::FeedId;
use crate::item::text_key;
use crate::store::{At, StoreError};
use crate::text::Words;
use crate::text::fold::bare;
use crate::text::grams::segmented;
use crate::topic::Verdict;
use crate::topic::lexicon::Field;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ItemId(pub i64);

/// An item to store.
#[derive(Debug, Clone)]
pub struct NewItem<'a> {
    pub feed: FeedId,
    pub guid: Option<&'a str>,
    pub guid_key: Option<&'a str>,
    pub url: Option<&'a str>,
    pub canonical_url: Option<&'a str>,
    pub words: &'a Words<'a>,
    pub author: Option<&'a str>,
    pub language: Option<&'a str>,
    pub categories: &'a [String],
    pub published_at: Option<Timestamp>,
    pub published_raw: Option<String>,
    pub first_seen_at: Timestamp,
    pub text_key: Option<i64>,
    pub standing: Standing,
    pub duplicate_of: Option<ItemId>,
}

/// What identity needs of an item already stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub id: ItemId,
    pub feed: FeedId,
    pub guid_key: Option<String>,
    pub canonical_url: Option<String>,
    pub title: String,
    pub summary: String,
    pub published_at: Option<Timestamp>,
    pub first_seen_at: Timestamp,
    pub duplicate_of: Option<ItemId>,
    pub text_key: Option<i64>,
    /// Retention has dropped its summary; `text_key` is of what it was.
    pub is_pruned: bool,
}

const KNOWN: &str =
    "SELECT id, feed_id, guid_key, canonical_url, title, summary, published_at, first_seen_at,
    duplicate_of, text_key, pruned_at IS NOT NULL FROM items";
/// So many items under one key are enough to know it as worn out.
const CANDIDATES: i64 = 32;
/// A guid that is another at each poll is no longer worth keeping.
const ALIASES: i64 = 8;

fn known(row: &Row<'_>) -> rusqlite::Result<Known> {
    Ok(Known {
        id: ItemId(row.get(0)?),
        feed: FeedId(row.get(1)?),
        guid_key: row.get(2)?,
        canonical_url: row.get(3)?,
        title: row.get(4)?,
        summary: row.get(5)?,
        published_at: row.get::<_, Option<At>>(6)?.map(|it| it.0),
        first_seen_at: row.get::<_, At>(7)?.0,
        duplicate_of: row.get::<_, Option<i64>>(8)?.map(ItemId),
        text_key: row.get(9)?,
        is_pruned: row.get(10)?,
    })
}

/// The item that a feed announced under this key, or under another that it has borne since.
pub fn by_guid(tx: &Connection, feed: FeedId, guid_key: &str) -> Result<Option<Known>, StoreError> {
    let mut statement = tx.prepare_cached(&format!(
        "{KNOWN} WHERE id = coalesce(
            (SELECT max(id) FROM items WHERE feed_id = ?1 AND guid_key = ?2),
            (SELECT item_id FROM aliases WHERE feed_id = ?1 AND guid_key = ?2))"
    ))?;
    Ok(statement
        .query_row(params![feed.0, guid_key], known)
        .optional()?)
}

/// Items at a canonical address, of any feed, the first one first.
pub fn by_url(tx: &Connection, canonical_url: &str) -> Result<Vec<Known>, StoreError> {
    let mut statement = tx.prepare_cached(&format!(
        "{KNOWN} WHERE canonical_url = ?1 ORDER BY id LIMIT {CANDIDATES}"
    ))?;
    let rows = statement.query_map([canonical_url], known)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Items with exactly this text, of any feed, the first of the latest first.
pub fn by_text(tx: &Connection, text_key: i64) -> Result<Vec<Known>, StoreError> {
    let mut statement = tx.prepare_cached(&format!(
        "{KNOWN} WHERE text_key = ?1 ORDER BY id DESC LIMIT {CANDIDATES}"
    ))?;
    let rows = statement.query_map([text_key], known)?;
    let mut found: Vec<Known> = rows.collect::<Result<_, _>>()?;
    found.reverse();
    Ok(found)
}

pub fn insert(tx: &Transaction<'_>, item: &NewItem<'_>) -> Result<ItemId, StoreError> {
    let categories =
        (!item.categories.is_empty()).then(|| serde_json::json!(item.categories).to_string());
    let id = tx
        .prepare_cached(
            "INSERT INTO items (feed_id, guid, guid_key, url, canonical_url, title, summary, author, language,
                categories, published_at, published_raw, first_seen_at, text_key, standing, duplicate_of)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        )?
        .insert(params![
            item.feed.0,
            item.guid,
            item.guid_key,
            item.url,
            item.canonical_url,
            item.words.title,
            item.words.summary,
            item.author,
            item.language,
            categories,
            item.published_at.map(At),
            item.published_raw,
            At(item.first_seen_at),
            item.text_key,
            item.standing.as_str(),
            item.duplicate_of.map(|it| it.0),
        ])?;
    index(tx, ItemId(id), item.words)?;
    Ok(ItemId(id))
}

/// Counts the items that `work` stores, by hour and language and by day and feed: all at once, since a trigger would
/// write two rows more for each.
pub fn counted<T>(
    tx: &Transaction<'_>,
    work: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let last: i64 = tx
        .prepare_cached("SELECT coalesce(max(id), 0) FROM items")?
        .query_row([], |row| row.get(0))?;
    let value = work()?;
    tx.prepare_cached(
        "INSERT INTO hours (hour, topic, language, items)
         SELECT substr(first_seen_at, 1, 13), '', coalesce(language, ''), count(*) FROM items WHERE id > ?1 GROUP BY 1, 3
         ON CONFLICT DO UPDATE SET items = items + excluded.items",
    )?
    .execute([last])?;
    tx.prepare_cached(
        "INSERT INTO feed_days (day, feed_id, items)
         SELECT substr(first_seen_at, 1, 10), feed_id, count(*) FROM items WHERE id > ?1 GROUP BY 1, 2
         ON CONFLICT DO UPDATE SET items = items + excluded.items",
    )?
    .execute([last])?;
    Ok(value)
}

/// Keeps the old words as a revision and writes the new ones.
pub fn revise(
    tx: &Transaction<'_>,
    known: &Known,
    words: &Words<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO revisions (item_id, title, summary, replaced_at) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![known.id.0, known.title, known.summary, At(now)])?;
    tx.prepare_cached(
        "UPDATE items SET title = ?2, summary = ?3, text_key = ?4, pruned_at = NULL WHERE id = ?1",
    )?
    .execute(params![
        known.id.0,
        words.title,
        words.summary,
        text_key(words)
    ])?;
    reindex(tx, known.id)
}

/// Makes full-text search find an item by what it says now, with its article's text where that is kept.
pub fn reindex(tx: &Transaction<'_>, id: ItemId) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM items_fts WHERE rowid = ?1")?
        .execute([id.0])?;
    let (title, mut summary, text): (String, String, Option<String>) = tx
        .prepare_cached(
            "SELECT i.title, i.summary, a.text FROM items i LEFT JOIN articles a ON a.item_id = i.id WHERE i.id = ?1",
        )?
        .query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    if let Some(text) = text {
        summary.push('\n');
        summary.push_str(&text);
    }
    index(tx, id, &Words::new(&title, &summary))
}

/// Indexes every item anew, after the way of cutting words has changed.
pub fn reindex_all(tx: &Transaction<'_>) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO items_fts (items_fts) VALUES ('delete-all')",
        [],
    )?;
    let mut statement = tx.prepare("SELECT id FROM items ORDER BY id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        reindex(tx, ItemId(row.get(0)?))?;
    }
    Ok(())
}

/// Merges the segments of the full-text index into one, which every look-up is faster for.
pub fn tidy_index(connection: &Connection) -> Result<(), StoreError> {
    connection.execute("INSERT INTO items_fts (items_fts) VALUES ('optimize')", [])?;
    Ok(())
}

/// Pages of the full-text index that one step of merging writes: a megabyte, some ten milliseconds.
const MERGE_PAGES: i64 = 64;

/// Merges segments of the full-text index a little; says whether there is more to merge. Ingest leaves a
/// segment or more per poll, and every word of a search is looked up in each.
pub fn merge_index(tx: &Transaction<'_>) -> Result<bool, StoreError> {
    let before = tx.total_changes();
    tx.prepare_cached("INSERT INTO items_fts (items_fts, rank) VALUES ('merge', ?1)")?
        .execute([MERGE_PAGES])?;
    // The statement itself counts as one.
    Ok(tx.total_changes() - before > 1)
}

/// What a revision needs of the item it revises.
#[derive(Debug, Clone)]
pub struct Stored {
    pub language: Option<String>,
    pub standing: Standing,
}

pub fn stored(tx: &Connection, id: ItemId) -> Result<Stored, StoreError> {
    let mut statement = tx.prepare_cached("SELECT language, standing FROM items WHERE id = ?1")?;
    Ok(statement.query_row([id.0], |row| {
        Ok(Stored {
            language: row.get(0)?,
            standing: Standing::of(row.get_ref(1)?.as_str()?),
        })
    })?)
}

/// Whether the item has said this before: two back-ends that take turns make no revisions.
pub fn said_before(
    tx: &Connection,
    id: ItemId,
    title: &str,
    summary: &str,
) -> Result<bool, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT 1 FROM revisions WHERE item_id = ?1 AND title = ?2 AND summary = ?3",
    )?;
    Ok(statement.exists(params![id.0, title, summary])?)
}

/// How often an item was changed since then.
pub fn revised_since(tx: &Connection, id: ItemId, since: Timestamp) -> Result<usize, StoreError> {
    let mut statement = tx
        .prepare_cached("SELECT count(*) FROM revisions WHERE item_id = ?1 AND replaced_at > ?2")?;
    let n: i64 = statement.query_row(params![id.0, At(since)], |row| row.get(0))?;
    Ok(usize::try_from(n).unwrap_or(usize::MAX))
}

/// Remembers another guid of the same article.
pub fn add_alias(
    tx: &Transaction<'_>,
    feed: FeedId,
    id: ItemId,
    guid_key: &str,
    found_by: &'static str,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT OR IGNORE INTO aliases (feed_id, guid_key, item_id, found_by, seen_at)
         SELECT ?1, ?2, ?3, ?4, ?5 WHERE (SELECT count(*) FROM aliases WHERE item_id = ?3) < ?6",
    )?
    .execute(params![feed.0, guid_key, id.0, found_by, At(now), ALIASES])?;
    Ok(())
}

/// By what an item matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Rule,
    /// By what belongs to the matter.
    Related,
    /// Taken in by the story, while the topic was hot.
    Story,
}

impl By {
    fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Related => "related",
            Self::Story => "story",
        }
    }
}

pub fn write_match(
    tx: &Transaction<'_>,
    item: ItemId,
    topic: &str,
    verdict: &Verdict,
    by: By,
    body: &str,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO matches (item_id, topic, score, evidence, marks, \"by\") VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        item.0,
        topic,
        verdict.score,
        evidence_json(verdict, body).to_string(),
        (!verdict.marks.is_empty()).then(|| serde_json::json!(verdict.marks).to_string()),
        by.as_str()
    ])?;
    Ok(())
}

/// `body` names what was read below the title: the summary, or the text of the article.
pub fn evidence_json(verdict: &Verdict, body: &str) -> serde_json::Value {
    verdict
        .evidence
        .iter()
        .map(|it| {
            let field = match it.field {
                Field::Title => "title",
                Field::Summary => body,
            };
            serde_json::json!({
                "concept": it.concept, "term": it.term, "field": field, "start": it.start, "end": it.end,
            })
        })
        .collect()
}

pub fn matched(tx: &Connection, item: ItemId, topic: &str) -> Result<bool, StoreError> {
    let mut statement =
        tx.prepare_cached("SELECT 1 FROM matches WHERE item_id = ?1 AND topic = ?2")?;
    Ok(statement.exists(params![item.0, topic])?)
}

fn index(tx: &Transaction<'_>, id: ItemId, words: &Words<'_>) -> Result<(), StoreError> {
    tx.prepare_cached("INSERT INTO items_fts (rowid, title, summary) VALUES (?1, ?2, ?3)")?
        .execute(params![
            id.0,
            segmented(&bare(&words.folded_title.text)),
            segmented(&bare(&words.folded_summary.text))
        ])?;
    Ok(())
}

//! Search: the full-text index narrows, the query itself accepts, the newest first.

use std::ops::Range;

use jiff::{SignedDuration, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use crate::alert::Standing;
use crate::clock::rfc3339;
use crate::search::excerpt::{Marked, excerpt};
use crate::search::{Document, Filter, Found, Places, Quality, Query};
use crate::store::items::ItemId;
use crate::store::{At, StoreError};
use crate::story::StoryId;
use crate::text::fold::{Folded, Words, fold};
use crate::topic::lexicon::Lexicon;

/// Which of the hits to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    pub limit: usize,
    pub offset: usize,
}

/// An item that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    pub item: ItemId,
    pub title: Marked,
    /// Around what was found: of the summary, else of the article's text.
    pub snippet: Marked,
    pub outlet: String,
    pub feed: String,
    pub language: Option<String>,
    pub url: Option<String>,
    pub published_at: Option<Timestamp>,
    pub first_seen_at: Timestamp,
    pub standing: Standing,
    /// The story it stands in; with several topics, the first.
    pub story: Option<StoryId>,
    pub score: f64,
}

/// Hits are ranked among so many at a time, the newest first: what is asked of news is mostly the
/// latest, and a common word must not cost a look at every item that has it.
const RANKED: usize = 200;
/// Days in which a hit loses half of its weight, and again half in twice as many more.
const HALF_LIFE_DAYS: f64 = 30.0;
/// The service's clock may have been set back by so much without hiding an item from `since:`.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_hours(24);
const TITLE_CHARS: usize = 300;
const SNIPPET_CHARS: usize = 220;

/// What a question found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    pub hits: Vec<Hit>,
    /// Where not everything was looked at: nothing seen before then was.
    pub looked_back_to: Option<Timestamp>,
}

/// Candidates that one question looks at, the newest first: a second or two of reading. What has not
/// been found by then wants a narrower question.
const LOOKED_AT: usize = 100_000;

/// Hits of `query` by relevance and recency.
pub fn find(
    connection: &Connection,
    query: &Query,
    lexicon: &Lexicon,
    page: Page,
    now: Timestamp,
) -> Result<Answer, StoreError> {
    if query.is_contradictory() {
        return Ok(Answer::default());
    }
    let (mut looked_at, mut looked_back_to) = (0, None);
    let index = query.index(lexicon);
    let asks_places = query.asks_places();
    let mut found: Vec<Candidate> = Vec::new();
    let mut ranked = 0;
    let wanted = page.offset.saturating_add(page.limit);
    'spans: for ids in spans(connection, query)? {
        let (sql, values) = statement(connection, query, index.clone(), ids)?;
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            let mut candidate = Candidate::read(connection, row, asks_places)?;
            looked_at += 1;
            if looked_at > LOOKED_AT {
                looked_back_to = Some(candidate.first_seen_at);
                break 'spans;
            }
            if !candidate.is_accepted(query, lexicon, now) {
                continue;
            }
            found.push(candidate);
            if found.len() - ranked == RANKED {
                rank(&mut found[ranked..]);
                ranked = found.len();
                if ranked >= wanted {
                    break 'spans;
                }
            }
        }
    }
    rank(&mut found[ranked..]);
    let shown = found.into_iter().skip(page.offset).take(page.limit);
    let hits: Result<_, StoreError> = shown.map(|it| it.hit(connection)).collect();
    Ok(Answer {
        hits: hits?,
        looked_back_to,
    })
}

fn rank(found: &mut [Candidate]) {
    found.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then_with(|| b.item.cmp(&a.item))
    });
}

/// Ids in which to look, one span after the other. What was published before a day was mostly seen
/// before it too; what was seen later is looked at only if that is not enough.
fn spans(connection: &Connection, query: &Query) -> Result<Vec<Range<i64>>, StoreError> {
    let (mut first, mut late) = (0, i64::MAX);
    for filter in query.filters() {
        match filter {
            // The clock may have been set back without hiding an item.
            Filter::After(at) => {
                let at = at.checked_sub(CLOCK_SLACK).unwrap_or(*at);
                first = first.max(seen_from(connection, at)?);
            }
            Filter::Before(at) => {
                let at = at.checked_add(CLOCK_SLACK).unwrap_or(*at);
                late = late.min(seen_from(connection, at)?);
            }
            _ => {}
        }
    }
    let late = late.max(first);
    let mut spans = vec![first..late, late..i64::MAX];
    spans.retain(|it| !it.is_empty());
    Ok(spans)
}

/// The first item seen at or after `at`. Ids follow the clock but where it was set back.
fn seen_from(connection: &Connection, at: Timestamp) -> Result<i64, StoreError> {
    let first = connection
        .prepare_cached(
            "SELECT id FROM items WHERE first_seen_at >= ?1 ORDER BY first_seen_at, id LIMIT 1",
        )?
        .query_row([At(at)], |row| row.get(0))
        .optional()?;
    Ok(first.unwrap_or(i64::MAX))
}

/// Every candidate of these ids, the newest first. What a condition leaves out, the query would not
/// accept.
fn statement(
    connection: &Connection,
    query: &Query,
    index: Option<String>,
    ids: Range<i64>,
) -> Result<(String, Vec<Value>), StoreError> {
    let mut values = vec![Value::from(ids.start), Value::from(ids.end)];
    let mut conditions = String::new();
    // Membership is tested row by row: the index would be asked anew for every member.
    let (from, id, member) = if let Some(expression) = index {
        values.push(expression.into());
        conditions.push_str("items_fts MATCH ?3 AND ");
        (
            "items_fts x CROSS JOIN items i ON i.id = x.rowid",
            "x.rowid",
            "+x.rowid",
        )
    } else {
        ("items i", "i.id", "i.id")
    };
    conditions.push_str(&format!("{id} >= ?1 AND {id} < ?2"));
    for filter in query.filters() {
        let (condition, value) = match filter {
            Filter::Language(language) => ("i.language = ?", language.clone().into()),
            Filter::Story(story) => (
                "MEMBER IN (SELECT item_id FROM story_items WHERE story_id = ?)",
                into(connection, *story)?.into(),
            ),
            Filter::Address(address) => ("i.canonical_url = ?", address.clone().into()),
            // A plus keeps to the narrowest index.
            Filter::Topic(topic) => (
                "MEMBER IN (SELECT item_id FROM matches WHERE topic = ? COLLATE NOCASE)",
                topic.clone().into(),
            ),
            Filter::Is(Quality::Matched) => (
                "MEMBER IN (SELECT item_id FROM matches WHERE +item_id >= ?)",
                ids.start.into(),
            ),
            Filter::Is(Quality::Alerted) => (
                "MEMBER IN (SELECT a.item_id FROM alerts a WHERE a.item_id >= ?)",
                ids.start.into(),
            ),
            Filter::Is(Quality::Standing(standing)) => {
                ("i.standing = ?", standing.as_str().to_owned().into())
            }
            Filter::Outlet(_) | Filter::Feed(_) => {
                let feeds = feeds(connection, filter)?;
                conditions.push_str(&format!(
                    " AND {member} IN (SELECT id FROM items WHERE feed_id IN ({feeds}) AND +id >= ?1 AND +id < ?2)"
                ));
                continue;
            }
            Filter::Before(at) => (
                "coalesce(i.published_at, i.first_seen_at) < ?",
                rfc3339(*at).into(),
            ),
            // Said by the ids.
            Filter::After(_) => continue,
        };
        values.push(value);
        conditions.push_str(" AND ");
        let condition = condition.replace("MEMBER", member);
        conditions.push_str(&condition.replace('?', &format!("?{}", values.len())));
    }
    let sql = format!(
        "SELECT i.id, i.title, i.summary, a.text, f.outlet, f.family, f.name, i.language, i.url, i.published_at,
            i.first_seen_at, i.standing
         FROM {from} JOIN feeds f ON f.id = i.feed_id
         LEFT JOIN articles a ON a.item_id = i.id AND a.state = 'kept'
         WHERE {conditions} ORDER BY {id} DESC"
    );
    Ok((sql, values))
}

/// The feeds that a filter means, for `IN`.
fn feeds(connection: &Connection, filter: &Filter) -> Result<String, StoreError> {
    let mut statement = connection.prepare_cached("SELECT id, outlet, family, name FROM feeds")?;
    let mut rows = statement.query([])?;
    let mut ids = Vec::new();
    while let Some(row) = rows.next()? {
        let named = |column: usize, name: &String| -> rusqlite::Result<bool> {
            Ok(fold(row.get_ref(column)?.as_str()?) == *name)
        };
        let is_meant = match filter {
            Filter::Outlet(outlet) => named(1, outlet)? || named(2, outlet)?,
            Filter::Feed(feed) => named(3, feed)?,
            _ => false,
        };
        if is_meant {
            ids.push(row.get::<_, i64>(0)?.to_string());
        }
    }
    Ok(ids.join(", "))
}

/// The story that has this one's items now.
fn into(connection: &Connection, story: i64) -> Result<i64, StoreError> {
    let mut statement = connection.prepare_cached(
        "WITH RECURSIVE led (id) AS (VALUES (?1) UNION SELECT s.merged_into FROM stories s JOIN led ON s.id = led.id
            WHERE s.merged_into IS NOT NULL)
         SELECT min(id) FROM led",
    )?;
    Ok(statement.query_row([story], |row| row.get(0))?)
}

fn story_of(connection: &Connection, item: ItemId) -> Result<Option<StoryId>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT min(story_id) FROM story_items WHERE item_id = ?1")?;
    let story: Option<i64> = statement.query_row([item.0], |row| row.get(0))?;
    Ok(story.map(StoryId))
}

fn places(connection: &Connection, item: ItemId) -> Result<Places, StoreError> {
    let mut topics = connection.prepare_cached("SELECT topic FROM matches WHERE item_id = ?1")?;
    let mut stories = connection.prepare_cached(
        "WITH RECURSIVE of (id) AS (SELECT story_id FROM story_items WHERE item_id = ?1
                UNION SELECT s.id FROM of JOIN stories s ON s.merged_into = of.id)
             SELECT id FROM of",
    )?;
    let mut alerted = connection.prepare_cached("SELECT 1 FROM alerts WHERE item_id = ?1")?;
    Ok(Places {
        topics: topics
            .query_map([item.0], |row| row.get(0))?
            .collect::<Result<_, _>>()?,
        stories: stories
            .query_map([item.0], |row| row.get(0))?
            .collect::<Result<_, _>>()?,
        alerted: alerted.exists(params![item.0])?,
    })
}

/// A row of [`statement`].
struct Candidate {
    item: ItemId,
    title: String,
    summary: String,
    text: Option<String>,
    outlet: String,
    family: String,
    feed: String,
    language: Option<String>,
    url: Option<String>,
    published_at: Option<Timestamp>,
    first_seen_at: Timestamp,
    standing: Standing,
    places: Places,
    found: Found,
    score: f64,
}

impl Candidate {
    fn read(connection: &Connection, row: &Row<'_>, asks_places: bool) -> Result<Self, StoreError> {
        let item = ItemId(row.get(0)?);
        let standing: String = row.get(11)?;
        let places = if asks_places {
            places(connection, item)?
        } else {
            Places::default()
        };
        Ok(Self {
            item,
            title: row.get(1)?,
            summary: row.get(2)?,
            text: row.get(3)?,
            outlet: row.get(4)?,
            family: row.get(5)?,
            feed: row.get(6)?,
            language: row.get(7)?,
            url: row.get(8)?,
            published_at: row.get::<_, Option<At>>(9)?.map(|it| it.0),
            first_seen_at: row.get::<_, At>(10)?.0,
            standing: Standing::of(&standing),
            places,
            found: Found::default(),
            score: 0.0,
        })
    }

    fn is_accepted(&mut self, query: &Query, lexicon: &Lexicon, now: Timestamp) -> bool {
        let at = self.published_at.unwrap_or(self.first_seen_at);
        let found = query.accept(
            &Document {
                words: &Words::new(&self.title, &self.summary),
                text: self.text.as_deref().map(|it| (it, Folded::new(it))),
                language: self.language.as_deref(),
                outlet: &self.outlet,
                family: &self.family,
                feed: &self.feed,
                url: self.url.as_deref(),
                at,
                standing: self.standing,
                places: &self.places,
            },
            lexicon,
        );
        let Some(found) = found else {
            return false;
        };
        self.score = found.relevance() * recency(at, now);
        self.found = found;
        true
    }

    fn hit(self, connection: &Connection) -> Result<Hit, StoreError> {
        Ok(Hit {
            title: excerpt(&self.title, &self.found.title, TITLE_CHARS),
            snippet: snippet(&self.summary, self.text.as_deref(), &self.found),
            story: story_of(connection, self.item)?,
            item: self.item,
            outlet: self.outlet,
            feed: self.feed,
            language: self.language,
            url: self.url,
            published_at: self.published_at,
            first_seen_at: self.first_seen_at,
            standing: self.standing,
            score: self.score,
        })
    }
}

fn snippet(summary: &str, text: Option<&str>, found: &Found) -> Marked {
    match text {
        Some(text) if found.summary.is_empty() && !found.text.is_empty() => {
            excerpt(text, &found.text, SNIPPET_CHARS)
        }
        _ => excerpt(summary, &found.summary, SNIPPET_CHARS),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "seconds of a few decades are exact"
)]
fn recency(at: Timestamp, now: Timestamp) -> f64 {
    let days = now.duration_since(at).as_secs().max(0) as f64 / 86_400.0;
    1.0 / (1.0 + days / HALF_LIFE_DAYS)
}

#[cfg(test)]
mod tests;

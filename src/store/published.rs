//! What is given to other programs: developments and hits as entries of a feed, days that
//! headlines name.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use serde_json::Value;

use crate::calendar::Report;
use crate::store::search::Hit;
use crate::store::{At, StoreError};
use crate::story::StoryId;
use crate::story::ladder::State;
use crate::syndication::Entry;

/// Developments of `topic`, the latest first, whether they were told or held back. They are walked by time
/// (a cross join keeps the order of the tables): the stories of a topic are many more than asked for.
pub fn developments(
    connection: &Connection,
    topic: &str,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT d.created_at, d.kind, d.reason, coalesce(i.guid, i.url, i.title), i.title, i.url, i.summary, i.language,
            f.outlet, i.published_at, s.title
         FROM developments d CROSS JOIN stories s ON s.id = d.story_id JOIN items i ON i.id = d.item_id
         JOIN feeds f ON f.id = i.feed_id
         WHERE s.topic = ?1 ORDER BY d.created_at DESC, d.id DESC LIMIT ?2",
    )?;
    let rows = statement.query_map(params![topic, count(limit)], |row| development(row, topic))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn development(row: &Row<'_>, topic: &str) -> rusqlite::Result<Entry> {
    let created_at = row.get::<_, At>(0)?.0;
    let (kind, reason, item): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
    let (summary, story): (String, String) = (row.get(6)?, row.get(10)?);
    let published_at: Option<At> = row.get(9)?;
    Ok(Entry {
        key: format!("development {topic} {kind} {created_at} {item}"),
        title: row.get(4)?,
        url: row.get(5)?,
        summary: format!("{kind}: {reason}. {summary}"),
        author: row.get(8)?,
        language: row.get(7)?,
        categories: vec![kind, story],
        published_at: published_at.map_or(created_at, |it| it.0),
        updated_at: created_at,
    })
}

/// A hit as an entry of a saved search's feed.
pub fn entry(hit: &Hit) -> Entry {
    let at = hit.published_at.unwrap_or(hit.first_seen_at);
    Entry {
        key: format!(
            "item {} {} {}",
            hit.feed,
            hit.first_seen_at,
            hit.url.as_deref().unwrap_or(&hit.title.text)
        ),
        title: hit.title.text.clone(),
        url: hit.url.clone(),
        summary: hit.snippet.text.clone(),
        author: hit.outlet.clone(),
        language: hit.language.clone(),
        categories: Vec::new(),
        published_at: at,
        updated_at: hit.first_seen_at,
    }
}

/// Of so many reports a calendar is made, the latest: a busy topic's of a year.
const DATED_REPORTS: usize = 2_000;

/// The latest reports since then whose headlines name days, in the order of time; of one topic or of all.
pub fn dated(
    connection: &Connection,
    topic: Option<&str>,
    since: Timestamp,
) -> Result<Vec<Report>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT s.id, s.topic, s.title, s.state, i.title, f.outlet, i.url, si.placed_at, si.facts
         FROM story_items si CROSS JOIN stories s ON s.id = si.story_id JOIN items i ON i.id = si.item_id
         JOIN feeds f ON f.id = i.feed_id
         WHERE si.placed_at >= ?1 AND instr(si.facts, '\"date ') > 0 AND si.code <> 'copy'
           AND (?2 IS NULL OR s.topic = ?2)
         ORDER BY si.placed_at DESC, si.item_id DESC LIMIT ?3",
    )?;
    let rows = statement.query_map(params![At(since), topic, count(DATED_REPORTS)], |row| {
        let state: Option<String> = row.get(3)?;
        let facts: String = row.get(8)?;
        Ok(Report {
            story: StoryId(row.get(0)?),
            topic: row.get(1)?,
            title: row.get(2)?,
            state: state.as_deref().and_then(State::of),
            headline: row.get(4)?,
            outlet: row.get(5)?,
            url: row.get(6)?,
            at: row.get::<_, At>(7)?.0,
            days: days(&facts),
        })
    })?;
    let mut reports: Vec<Report> = rows.collect::<Result<_, _>>()?;
    reports.reverse();
    Ok(reports)
}

/// Month and day of facts like `date 05-12`.
fn days(facts: &str) -> Vec<(i8, i8)> {
    let facts: Value = serde_json::from_str(facts).unwrap_or_default();
    let named = ["new", "known"]
        .iter()
        .filter_map(|key| facts[key].as_array())
        .flatten();
    let days = named.filter_map(|it| {
        let (month, day) = it.as_str()?.strip_prefix("date ")?.split_once('-')?;
        Some((month.parse().ok()?, day.parse().ok()?))
    });
    days.collect()
}

fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::days;

    #[test]
    fn days_are_read_from_facts() {
        let facts =
            r#"{"new": ["date 05-12", "Singapore"], "known": ["date 06-01", "13"], "unsaid": 1}"#;
        assert_eq!(days(facts), [(5, 12), (6, 1)]);
        assert_eq!(days("nonsense"), []);
    }
}

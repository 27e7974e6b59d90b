//! What is given to other programs: developments and hits as entries of a feed, days that
//! headlines name.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use crate::calendar::{Report, Turn};
use crate::store::search::Hit;
use crate::store::{At, StoreError};
use crate::story::StoryId;
use crate::story::ladder::State;
use crate::syndication::Entry;
use crate::words;

/// Developments of `topic`, the latest first, whether they were told or held back. They are walked by time
/// (a cross join keeps the order of the tables): the stories of a topic are many more than asked for.
pub fn developments(
    connection: &Connection,
    topic: &str,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT d.created_at, d.kind, d.reason, coalesce(i.guid, i.url, i.title), i.title, i.url, i.summary, i.language,
            f.outlet, i.published_at, s.title, d.summary
         FROM developments d CROSS JOIN stories s ON s.id = d.story_id LEFT JOIN alerts a ON a.development_id = d.id
         JOIN items i ON i.id = coalesce(a.item_id, d.item_id) JOIN feeds f ON f.id = i.feed_id
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
    let headline: String = row.get(4)?;
    let said = row
        .get::<_, Option<String>>(11)?
        .filter(|it| !it.is_empty());
    // An English reader sees what happened; the original stands in the text.
    let (title, original) = match said {
        Some(said) if said != headline => (said, format!("“{headline}” ")),
        _ => (headline, String::new()),
    };
    Ok(Entry {
        key: format!("development {topic} {kind} {created_at} {item}"),
        title,
        url: row.get(5)?,
        summary: format!("{original}{}: {reason}. {summary}", words::kind(&kind)),
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
        "SELECT s.id, s.topic, s.title,
            (SELECT d.summary FROM reports p JOIN developments d ON d.id = p.development_id WHERE p.reading_id = r.id LIMIT 1),
            i.title, r.outlet, i.url, r.read_at, json_extract(r.statement, '$.days')
         FROM readings r JOIN items i ON i.id = r.item_id
         JOIN story_items si ON si.item_id = r.item_id JOIN stories s ON s.id = si.story_id AND s.topic = r.topic
         WHERE r.read_at >= ?1 AND instr(r.statement, '\"days\":[\"') > 0 AND si.code <> 'copy'
           AND (?2 IS NULL OR r.topic = ?2)
         ORDER BY r.read_at DESC, r.id DESC LIMIT ?3",
    )?;
    let rows = statement.query_map(params![At(since), topic, count(DATED_REPORTS)], |row| {
        let named: String = row.get(8)?;
        Ok(Report {
            story: StoryId(row.get(0)?),
            topic: row.get(1)?,
            title: row.get(2)?,
            summary: row.get(3)?,
            headline: row.get(4)?,
            outlet: row.get(5)?,
            url: row.get(6)?,
            at: row.get::<_, At>(7)?.0,
            days: days(&named),
        })
    })?;
    let mut reports: Vec<Report> = rows.collect::<Result<_, _>>()?;
    reports.reverse();
    Ok(reports)
}

/// Told developments since then that say where a meeting stands, in the order of time; of one topic or of all.
pub fn turns(
    connection: &Connection,
    topic: Option<&str>,
    since: Timestamp,
) -> Result<Vec<Turn>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT s.topic, d.state, a.created_at, d.day, d.place
         FROM alerts a JOIN developments d ON d.id = a.development_id JOIN stories s ON s.id = d.story_id
         WHERE a.created_at >= ?1 AND d.state IS NOT NULL AND (?2 IS NULL OR s.topic = ?2) ORDER BY a.id",
    )?;
    let mut rows = statement.query(params![At(since), topic])?;
    let mut turns = Vec::new();
    while let Some(row) = rows.next()? {
        let state: String = row.get(1)?;
        let Some(state) = State::of(&state) else {
            continue;
        };
        turns.push(Turn {
            topic: row.get(0)?,
            state,
            at: row.get::<_, At>(2)?.0,
            day: row
                .get::<_, Option<String>>(3)?
                .and_then(|it| it.parse().ok()),
            place: row.get(4)?,
        });
    }
    Ok(turns)
}

/// Month and day of a JSON list of days like `05-12`.
fn days(named: &str) -> Vec<(i8, i8)> {
    let named: Vec<String> = serde_json::from_str(named).unwrap_or_default();
    let days = named.iter().filter_map(|it| {
        let (month, day) = it.split_once('-')?;
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
    fn days_are_read_from_a_list() {
        assert_eq!(days(r#"["05-12", "06-01"]"#), [(5, 12), (6, 1)]);
        assert_eq!(days("nonsense"), []);
    }
}

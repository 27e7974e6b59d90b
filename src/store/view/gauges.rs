//! What the archive says of the service in numbers, for who watches over it.

use jiff::Timestamp;
use rusqlite::Connection;

use crate::feed::health::{Health, health};
use crate::store::health::{SIGNS, signs_of};
use crate::store::view::owed::{Count, counts};
use crate::store::view::rows;
use crate::store::{At, StoreError, outages};

#[derive(Debug, Clone, Default)]
pub struct Gauges {
    /// How many feeds are in each state.
    pub feeds: Vec<(String, i64)>,
    /// Seconds that the feed that waits longest is overdue.
    pub overdue_secs: i64,
    pub items: i64,
    /// By topic.
    pub matches: Vec<(String, i64)>,
    pub developments: Vec<(String, i64)>,
    pub alerts: i64,
    pub deliveries: Vec<Count>,
    /// Seconds since the oldest delivery that is owed and not held.
    pub oldest_owed_secs: i64,
    /// Attempts in a row that a channel did not take.
    pub failing_channels: Vec<(String, i64)>,
    /// Since when no feed can be reached.
    pub offline_since: Option<Timestamp>,
    pub archive_bytes: i64,
}

/// States, so that one that no feed is in is shown as zero.
const STATES: [Health; 8] = [
    Health::Ok,
    Health::Gap,
    Health::Odd,
    Health::Silent,
    Health::Zombie,
    Health::Failing,
    Health::Blocked,
    Health::Gone,
];

pub fn gauges(connection: &Connection, now: Timestamp) -> Result<Gauges, StoreError> {
    let named = |sql: &str| {
        rows(connection, sql, &[], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
        })
    };
    let number = |sql: &str| -> Result<i64, StoreError> {
        let mut statement = connection.prepare_cached(sql)?;
        Ok(statement.query_row([], |row| row.get(0))?)
    };
    let oldest = |sql: &str| -> Result<i64, StoreError> {
        let mut statement = connection.prepare_cached(sql)?;
        let at: Option<At> = statement.query_row([], |row| row.get(0))?;
        Ok(at.map_or(0, |it| now.duration_since(it.0).as_secs().max(0)))
    };
    Ok(Gauges {
        feeds: states(connection)?,
        overdue_secs: oldest(
            "SELECT min(next_poll_at) FROM feeds WHERE active AND gone_at IS NULL AND NOT paused",
        )?,
        items: number("SELECT coalesce(sum(items), 0) FROM hours WHERE topic = ''")?,
        matches: named("SELECT topic, sum(items) FROM hours WHERE topic <> '' GROUP BY topic")?,
        developments: named(
            "SELECT s.topic, count(*) FROM developments d JOIN stories s ON s.id = d.story_id GROUP BY s.topic",
        )?,
        alerts: number("SELECT count(*) FROM alerts")?,
        deliveries: counts(connection)?,
        oldest_owed_secs: oldest(
            "SELECT min(created_at) FROM deliveries WHERE state IN ('pending', 'sending', 'retry')",
        )?,
        failing_channels: named("SELECT name, failures FROM channels WHERE active")?,
        offline_since: outages::lasting(connection)?.map(|it| it.since),
        archive_bytes: number(
            "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
        )?,
    })
}

fn states(connection: &Connection) -> Result<Vec<(String, i64)>, StoreError> {
    let sql = format!("SELECT last_poll_at, paused, {SIGNS} FROM feeds WHERE active");
    let found = rows(connection, &sql, &[], |row| {
        let polled_at: Option<At> = row.get(0)?;
        let signs = signs_of(row, 2)?;
        Ok(match (row.get(1)?, polled_at) {
            (true, _) => "paused",
            (false, None) => "new",
            (false, Some(at)) => health(&signs, at.0).as_str(),
        })
    })?;
    let known = STATES
        .map(Health::as_str)
        .into_iter()
        .chain(["new", "paused"]);
    let count = |state: &str| found.iter().filter(|it| **it == state).count();
    Ok(known
        .map(|it| (it.to_owned(), i64::try_from(count(it)).unwrap_or(i64::MAX)))
        .collect())
}

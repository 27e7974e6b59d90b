//! The open developments of a topic, read back from the archive.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;

use crate::store::{StoreError, stories};
use crate::story::board::Board;
use crate::story::frequency::COUNTED;
use crate::story::weights::{Times, Weights};

/// In which a topic has its budget of alerts.
const HOUR: Duration = Duration::from_secs(3_600);

/// The board of `topic`: developments with a report since `since`, and what they are compared by.
pub fn load(
    connection: &Connection,
    topic: &str,
    since: Timestamp,
    times: &Times,
) -> Result<Board, StoreError> {
    let mut board = Board::default();
    for report in stories::latest_readings(connection, topic, COUNTED)? {
        board.count(&report);
    }
    for row in stories::open_since(connection, topic, since)? {
        let mut reports = row.reports.iter();
        let Some(first) = reports.next() else {
            continue;
        };
        board.open(row.id, row.story, &row.headline, first);
        reports.for_each(|it| board.add(row.id, it));
        if let Some(at) = row.told_at {
            board.tell(row.id, at);
        }
    }
    for report in stories::by_rule_since(connection, topic, since)? {
        board.heat.add(&report, times);
    }
    board.course = stories::course(connection, topic)?;
    Ok(board)
}

/// The board as of `now`, for who only looks, and how many alerts told the topic within the last hour.
pub fn present(
    connection: &Connection,
    topic: &str,
    now: Timestamp,
    weights: &Weights,
) -> Result<(Board, u32), StoreError> {
    let since = before(now, weights.window);
    let board = load(connection, topic, since, &weights.times)?;
    let told = stories::alerts_between(connection, topic, before(now, HOUR), now)?.len();
    Ok((board, u32::try_from(told).unwrap_or(u32::MAX)))
}

fn before(now: Timestamp, span: Duration) -> Timestamp {
    now.checked_sub(span).unwrap_or(Timestamp::UNIX_EPOCH)
}

//! What feeds' visits say of their health, and what the operator was told.

use rusqlite::{Connection, Row, Transaction, params};

use crate::feed::FeedId;
use crate::feed::bounds::Oddity;
use crate::feed::health::{Health, Signs};
use crate::fetch::ErrorClass;
use crate::store::feeds::{at, span};
use crate::store::{At, StoreError};

/// The columns of `feeds` that [`signs_of`] reads, in its order.
pub const SIGNS: &str = "gone_at IS NOT NULL, failures, last_error_class, added_at, last_success_at, newest_item_at, \
                         last_item_at, item_gap_secs, gap_at, odd, odd_at";
/// How many they are.
pub const N_SIGNS: usize = 11;

/// Reads [`SIGNS`] from its first column on.
pub fn signs_of(row: &Row<'_>, first: usize) -> rusqlite::Result<Signs> {
    let class: Option<String> = row.get(first + 2)?;
    let added_at: At = row.get(first + 3)?;
    Ok(Signs {
        gone: row.get(first)?,
        failures: row.get(first + 1)?,
        refused: class.is_some_and(|it| REFUSALS.iter().any(|refusal| refusal.as_str() == it)),
        added_at: added_at.0,
        last_success_at: at(row, first + 4)?,
        newest_item_at: at(row, first + 5)?,
        last_item_at: at(row, first + 6)?,
        gap: span(row, first + 7)?,
        gap_at: at(row, first + 8)?,
        odd: match (
            row.get_ref(first + 9)?.as_str_or_null()?,
            at(row, first + 10)?,
        ) {
            (Some(odd), Some(since)) => Oddity::of(odd).map(|it| (it, since)),
            _ => None,
        },
    })
}

const REFUSALS: [ErrorClass; 3] = [
    ErrorClass::Blocked,
    ErrorClass::Challenge,
    ErrorClass::Login,
];

/// A feed's signs, and what was last told of it.
pub fn signs(connection: &Connection, feed: FeedId) -> Result<(Signs, Health), StoreError> {
    let sql = format!("SELECT {SIGNS}, told_health FROM feeds WHERE id = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_row([feed.0], |row| {
        let told: Option<String> = row.get(N_SIGNS)?;
        Ok((signs_of(row, 0)?, told.as_deref().map_or(Health::Ok, named)))
    })?)
}

fn named(text: &str) -> Health {
    [
        Health::Gap,
        Health::Odd,
        Health::Silent,
        Health::Zombie,
        Health::Failing,
        Health::Blocked,
        Health::Gone,
    ]
    .into_iter()
    .find(|it| it.as_str() == text)
    .unwrap_or(Health::Ok)
}

/// Forgets what was told of a feed, so that the same is told again when it is news.
pub fn forget_told(tx: &Transaction<'_>, feed: FeedId) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE feeds SET told_health = NULL WHERE id = ?1")?
        .execute([feed.0])?;
    Ok(())
}

/// What is told of a feed.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    pub feed: FeedId,
    pub health: Health,
    pub reason: &'a str,
    pub message: &'a str,
    pub at: At,
}

/// Writes the event with a delivery to each of `channels`, and that it was told.
pub fn tell(
    tx: &Transaction<'_>,
    event: &Event<'_>,
    channels: &[String],
    key: &str,
) -> Result<(), StoreError> {
    let told = (event.health != Health::Ok).then(|| event.health.as_str());
    tx.prepare_cached("UPDATE feeds SET told_health = ?2 WHERE id = ?1")?
        .execute(params![event.feed.0, told])?;
    let id = tx
        .prepare_cached(
            "INSERT INTO health_events (feed_id, health, reason, message, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .insert(params![
            event.feed.0,
            event.health.as_str(),
            event.reason,
            event.message,
            event.at
        ])?;
    for channel in channels {
        tx.prepare_cached(
            "INSERT INTO deliveries (health_event_id, channel, state, next_attempt_at, idempotency_key, created_at)
             VALUES (?1, ?2, 'pending', ?3, ?4, ?3)",
        )?
        .execute(params![id, channel, event.at, format!("{key}-{channel}")])?;
    }
    Ok(())
}

//! The outbox's rows: claim with a lease, settle with what the channel said.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, Transaction, params};

use crate::outbox::{Delivery, DeliveryId, LEASE, Settled, What};
use crate::store::{At, StoreError};

/// No wait of the outbox is so long: what lies beyond was written by a clock that ran ahead, and is due.
const FURTHEST: SignedDuration = SignedDuration::from_hours(48);

fn furthest(now: Timestamp) -> At {
    At(now.checked_add(FURTHEST).unwrap_or(now))
}

/// Claims up to `limit` deliveries of `channel` that are due. A lease that ran out is due again.
pub fn claim(
    tx: &Transaction<'_>,
    channel: &str,
    limit: usize,
    now: Timestamp,
) -> Result<Vec<Delivery>, StoreError> {
    let until = now
        .checked_add(SignedDuration::try_from(LEASE).unwrap_or(SignedDuration::from_secs(120)))
        .unwrap_or(now);
    let mut due = tx.prepare_cached(
        "SELECT d.id, d.idempotency_key, d.attempts, coalesce(a.message, g.message, h.message), d.alert_id IS NOT NULL,
            d.digest_id IS NOT NULL,
            (SELECT e.reference FROM deliveries e JOIN alerts b ON b.id = e.alert_id
                JOIN developments o ON o.id = b.development_id
                WHERE o.story_id = v.story_id AND e.channel = d.channel AND e.reference IS NOT NULL
                ORDER BY e.id LIMIT 1)
         FROM deliveries d LEFT JOIN alerts a ON a.id = d.alert_id LEFT JOIN digests g ON g.id = d.digest_id
         LEFT JOIN health_events h ON h.id = d.health_event_id
         LEFT JOIN developments v ON v.id = a.development_id
         WHERE d.channel = ?1 AND d.state IN ('pending', 'sending', 'retry') 
            AND (d.next_attempt_at <= ?2 OR d.next_attempt_at > ?4)
         ORDER BY d.id LIMIT ?3",
    )?;
    let claimed: Vec<Delivery> = due
        .query_map(
            params![
                channel,
                At(now),
                i64::try_from(limit).unwrap_or(i64::MAX),
                furthest(now)
            ],
            |row| {
                Ok(Delivery {
                    id: DeliveryId(row.get(0)?),
                    channel: channel.to_owned(),
                    idempotency_key: row.get(1)?,
                    attempts: row.get(2)?,
                    message: row.get(3)?,
                    what: match (row.get(4)?, row.get(5)?) {
                        (true, _) => What::Alert,
                        (_, true) => What::Digest,
                        _ => What::Health,
                    },
                    thread: row.get(6)?,
                })
            },
        )?
        .collect::<Result<_, _>>()?;
    for delivery in &claimed {
        tx.prepare_cached(
            "UPDATE deliveries SET state = 'sending', attempts = attempts + 1, next_attempt_at = ?2 WHERE id = ?1",
        )?
        .execute(params![delivery.id.0, At(until)])?;
    }
    Ok(claimed)
}

pub fn settle(
    tx: &Transaction<'_>,
    id: DeliveryId,
    settled: &Settled,
    now: Timestamp,
) -> Result<(), StoreError> {
    match settled {
        Settled::Delivered { reference } => tx
            .prepare_cached(
                "UPDATE deliveries SET state = 'delivered', delivered_at = ?2, reference = ?3, last_error = NULL WHERE id = ?1",
            )?
            .execute(params![id.0, At(now), reference])?,
        Settled::Retry { at, why } => tx
            .prepare_cached("UPDATE deliveries SET state = 'retry', next_attempt_at = ?2, last_error = ?3 WHERE id = ?1")?
            .execute(params![id.0, At(*at), why])?,
        Settled::Dead { why } => tx
            .prepare_cached("UPDATE deliveries SET state = 'dead', last_error = ?2 WHERE id = ?1")?
            .execute(params![id.0, why])?,
    };
    Ok(())
}

/// At start no one else sends: what was being sent when the last process died is due now.
pub fn release_leases(tx: &Transaction<'_>, now: Timestamp) -> Result<usize, StoreError> {
    Ok(tx.execute(
        "UPDATE deliveries SET state = 'retry', next_attempt_at = ?1 WHERE state = 'sending'",
        [At(now)],
    )?)
}

/// When the next delivery of any of `channels` is due.
pub fn next_due(
    connection: &Connection,
    channels: &[&str],
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT min(iif(next_attempt_at > ?2, ?3, next_attempt_at)) FROM deliveries
         WHERE channel = ?1 AND state IN ('pending', 'sending', 'retry')",
    )?;
    let mut next: Option<Timestamp> = None;
    for channel in channels {
        let due: Option<At> =
            statement.query_row(params![channel, furthest(now), At(now)], |row| row.get(0))?;
        next = [next, due.map(|it| it.0)].into_iter().flatten().min();
    }
    Ok(next)
}

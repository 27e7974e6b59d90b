//! What happens to the outbox by time alone: alerts expire, quiet hours end, escalations are raised.

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, params};

use crate::store::outbox::furthest;
use crate::store::{At, CLOCK_SLACK, StoreError};

/// When something is next due here.
pub fn next_due(connection: &Connection, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT min(at) FROM (
            SELECT min(expires_at) AS at FROM deliveries WHERE state IN ('pending', 'retry') AND expires_at IS NOT NULL
            UNION ALL SELECT min(iif(next_attempt_at > ?1, ?2, next_attempt_at)) FROM deliveries
                WHERE state = 'held' AND held_by = 'quiet' AND folded_into IS NULL
            UNION ALL SELECT min(due_at) FROM escalations WHERE state = 'waiting')",
    )?;
    let next: Option<At> =
        statement.query_row(params![furthest(now), At(now)], |row| row.get(0))?;
    Ok(next.map(|it| it.0))
}

/// Ends the waits that a clock which ran ahead wrote down, after it was set right: what was scheduled in
/// what is now the future is due. How many deliveries that were.
pub fn heal(tx: &Transaction<'_>, now: Timestamp) -> Result<usize, StoreError> {
    let ahead = At(now.checked_add(CLOCK_SLACK).unwrap_or(now));
    tx.execute(
        "UPDATE channels SET rests_until = NULL, rests_since = NULL WHERE rests_since > ?1",
        [ahead],
    )?;
    tx.execute(
        "UPDATE escalations SET due_at = ?2 WHERE state = 'waiting' AND due_at > ?2
            AND (SELECT created_at FROM alerts WHERE id = alert_id) > ?1",
        params![ahead, At(now)],
    )?;
    Ok(tx.execute(
        "UPDATE deliveries SET next_attempt_at = ?2, scheduled_at = ?2
         WHERE (state IN ('pending', 'retry') OR (state = 'held' AND held_by = 'quiet' AND folded_into IS NULL))
            AND next_attempt_at > ?2 AND coalesce(scheduled_at, created_at) > ?1",
        params![ahead, At(now)],
    )?)
}

/// What is undelivered at its time goes into the next digest of its topic instead.
pub fn expire(tx: &Transaction<'_>, now: Timestamp) -> Result<usize, StoreError> {
    Ok(tx
        .prepare_cached(
            "UPDATE deliveries SET state = 'expired' WHERE state IN ('pending', 'retry') AND expires_at <= ?1",
        )?
        .execute([At(now)])?)
}

/// Escalations that are due: raised, unless the alert was taken. How many were raised.
pub fn raise(tx: &Transaction<'_>, now: Timestamp) -> Result<usize, StoreError> {
    tx.prepare_cached(
        "UPDATE escalations SET state = 'ended' WHERE state = 'waiting' AND due_at <= ?1 AND (
            (SELECT acknowledged_at FROM alerts WHERE id = alert_id) IS NOT NULL
            OR unless = 'delivered' AND EXISTS (SELECT 1 FROM deliveries d WHERE d.alert_id = escalations.alert_id
                AND d.state = 'delivered' AND d.channel IN (SELECT value FROM json_each(escalations.channels))))",
    )?
    .execute([At(now)])?;
    // As `owe` makes them, but for hours and expiry: somebody has to take it.
    tx.prepare_cached(
        "INSERT OR IGNORE INTO deliveries (alert_id, story_id, channel, state, next_attempt_at, idempotency_key, created_at)
         SELECT a.id, v.story_id, c.value, 'pending', ?1, json_extract(a.message, '$.id') || '-' || c.value, ?1
         FROM escalations e JOIN json_each(e.to_channels) c JOIN alerts a ON a.id = e.alert_id
         JOIN developments v ON v.id = a.development_id
         WHERE e.state = 'waiting' AND e.due_at <= ?1 ORDER BY e.id",
    )?
    .execute([At(now)])?;
    Ok(tx
        .prepare_cached(
            "UPDATE escalations SET state = 'raised' WHERE state = 'waiting' AND due_at <= ?1",
        )?
        .execute([At(now)])?)
}

/// A dead delivery's escalation need not wait where none of its channels can take the alert any more.
pub fn hasten(tx: &Transaction<'_>, delivery: i64, now: Timestamp) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE escalations SET due_at = ?2 WHERE state = 'waiting' AND due_at > ?2
            AND alert_id = (SELECT alert_id FROM deliveries WHERE id = ?1)
            AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.alert_id = escalations.alert_id AND d.state <> 'dead'
                AND d.channel IN (SELECT value FROM json_each(escalations.channels)))",
    )?
    .execute(params![delivery, At(now)])?;
    Ok(())
}

/// Channels whose quiet hours are over for something, with how much that is.
pub fn awake(connection: &Connection, now: Timestamp) -> Result<Vec<(String, i64)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT channel, count(*) FROM deliveries WHERE state = 'held' AND held_by = 'quiet' AND folded_into IS NULL
            AND (next_attempt_at <= ?1 OR next_attempt_at > ?2) GROUP BY channel",
    )?;
    let rows = statement.query_map(params![At(now), furthest(now)], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Lets go what quiet hours held for a channel, each by itself.
pub fn wake(tx: &Transaction<'_>, channel: &str, now: Timestamp) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE deliveries SET state = 'pending', held_by = NULL, next_attempt_at = ?2
         WHERE channel = ?1 AND state = 'held' AND held_by = 'quiet' AND folded_into IS NULL
            AND (next_attempt_at <= ?2 OR next_attempt_at > ?3)",
    )?
    .execute(params![channel, At(now), furthest(now)])?;
    Ok(())
}

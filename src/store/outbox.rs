//! The outbox's rows: owe, claim with a lease, settle with what the channel said.

pub mod by_hand;
pub mod channels;
pub mod sender;
pub mod upkeep;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, Transaction, named_params, params};

use crate::outbox::{Delivery, DeliveryId, LEASE, Settled, What, notice};
use crate::route::{Dispatch, Owed};
use crate::store::stories::AlertId;
use crate::store::{At, StoreError};
use crate::story::StoryId;

/// No wait of the outbox is so long: what lies beyond was written by a clock that ran ahead, and is due.
const FURTHEST: SignedDuration = SignedDuration::from_hours(48);

pub(super) fn furthest(now: Timestamp) -> At {
    At(now.checked_add(FURTHEST).unwrap_or(now))
}

/// Attempts in a row after which a channel counts as down, not as averse to one message.
const DOWN: u32 = 3;

/// Writes down where an alert goes, in the transaction that makes it. `key` is the alert's own.
pub fn owe(
    tx: &Transaction<'_>,
    alert: AlertId,
    story: StoryId,
    key: &str,
    dispatch: &Dispatch,
    now: Timestamp,
) -> Result<(), StoreError> {
    for owed in &dispatch.owed {
        owe_one(tx, alert, Some(story), key, owed, now)?;
    }
    for raise in &dispatch.raises {
        tx.prepare_cached(
            "INSERT INTO escalations (alert_id, channels, to_channels, unless, due_at, state)
             VALUES (?1, ?2, ?3, ?4, ?5, 'waiting')",
        )?
        .execute(params![
            alert.0,
            list(&raise.from),
            list(&raise.to),
            raise.unless.as_str(),
            At(raise.due)
        ])?;
    }
    Ok(())
}

/// An alert that waited goes where `dispatch` says now, instead of where it would have gone later.
pub fn owe_anew(
    tx: &Transaction<'_>,
    alert: AlertId,
    story: StoryId,
    key: &str,
    dispatch: &Dispatch,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM escalations WHERE alert_id = ?1 AND state = 'waiting'")?
        .execute([alert.0])?;
    owe(tx, alert, story, key, dispatch, now)
}

/// One row, or another time for the one that has not been tried. Its key never changes, so that a
/// channel can tell a repeat.
fn owe_one(
    tx: &Transaction<'_>,
    alert: AlertId,
    story: Option<StoryId>,
    key: &str,
    owed: &Owed,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO deliveries (alert_id, story_id, channel, state, held_by, next_attempt_at, expires_at,
            idempotency_key, created_at)
         VALUES (?1, ?2, ?3, iif(?4, 'held', 'pending'), iif(?4, 'quiet', NULL), ?5, ?6, ?7, ?8)
         ON CONFLICT DO UPDATE SET state = excluded.state, held_by = excluded.held_by,
            next_attempt_at = excluded.next_attempt_at, expires_at = excluded.expires_at
         WHERE state = 'pending' OR (held_by = 'quiet' AND folded_into IS NULL)",
    )?
    .execute(params![
        alert.0,
        story.map(|it| it.0),
        owed.channel,
        owed.quiet,
        At(owed.due),
        owed.expires_at.map(At),
        format!("{key}-{}", owed.channel),
        At(now)
    ])?;
    Ok(())
}

fn list(names: &[String]) -> String {
    serde_json::Value::from(names.to_vec()).to_string()
}

/// Owed, and nothing earlier of the same story is still on its way to the same channel; what a
/// digest tells instead of alerts waits for what is before those; what was owed when somebody muted its story waits for
/// the end of that. `?5` lists what is under way, `?6` is now.
const NEXT: &str = "d.channel = ?1 AND d.state IN ('pending', 'sending', 'retry')
     AND d.id NOT IN (SELECT value FROM json_each(?5))
     AND NOT EXISTS (SELECT 1 FROM deliveries e
        WHERE e.story_id = d.story_id AND e.channel = d.channel AND e.id < d.id
            AND (e.state IN ('pending', 'sending', 'retry') OR (e.state = 'held' AND e.folded_into IS NOT NULL)))
     AND NOT EXISTS (SELECT 1 FROM deliveries f JOIN deliveries e
            ON e.story_id = f.story_id AND e.channel = f.channel AND e.id < f.id
        WHERE f.folded_into = d.digest_id AND f.channel = d.channel AND f.state = 'held'
            AND e.state IN ('pending', 'sending', 'retry'))
     AND NOT (d.alert_id IS NOT NULL AND EXISTS (SELECT 1 FROM acts m
        WHERE m.story_id = d.story_id AND m.kind = 'mute' AND m.undone_at IS NULL AND (m.until IS NULL OR m.until > ?6)))";

/// Claims up to `limit` deliveries of `channel` that are due, in their order. A lease that ran out
/// is due again, unless it is of what this process has `under_way`.
pub fn claim(
    tx: &Transaction<'_>,
    channel: &str,
    limit: usize,
    under_way: &[DeliveryId],
    now: Timestamp,
) -> Result<Vec<Delivery>, StoreError> {
    let until = now
        .checked_add(SignedDuration::try_from(LEASE).unwrap_or(SignedDuration::from_secs(120)))
        .unwrap_or(now);
    let mut due = tx.prepare_cached(&format!(
        "SELECT d.id, d.idempotency_key, d.attempts, coalesce(a.message, g.message, h.message, n.message),
            d.alert_id IS NOT NULL, d.digest_id IS NOT NULL,
            (SELECT e.reference FROM deliveries e
                WHERE e.story_id = d.story_id AND e.channel = d.channel AND e.reference IS NOT NULL
                ORDER BY e.id LIMIT 1)
         FROM deliveries d INDEXED BY deliveries_in_order
         LEFT JOIN alerts a ON a.id = d.alert_id LEFT JOIN digests g ON g.id = d.digest_id
         LEFT JOIN health_events h ON h.id = d.health_event_id LEFT JOIN notices n ON n.id = d.notice_id
         WHERE {NEXT} AND (d.next_attempt_at <= ?2 OR d.next_attempt_at > ?4)
         ORDER BY d.id LIMIT ?3"
    ))?;
    let claimed: Vec<Delivery> = due
        .query_map(
            params![
                channel,
                At(now),
                i64::try_from(limit).unwrap_or(i64::MAX),
                furthest(now),
                ids(under_way),
                At(now)
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

fn ids(deliveries: &[DeliveryId]) -> String {
    let ids: Vec<i64> = deliveries.iter().map(|it| it.0).collect();
    serde_json::Value::from(ids).to_string()
}

/// When the next delivery of `channel` is due: not before the channel's rest ends.
pub fn next_due(
    connection: &Connection,
    channel: &str,
    under_way: &[DeliveryId],
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let mut first = connection.prepare_cached(&format!(
        "SELECT d.next_attempt_at FROM deliveries d INDEXED BY deliveries_owed
         WHERE {NEXT} ORDER BY d.next_attempt_at LIMIT 1"
    ))?;
    let mut ahead = connection.prepare_cached(&format!(
        "SELECT 1 FROM deliveries d INDEXED BY deliveries_owed WHERE {NEXT} AND d.next_attempt_at > ?2 LIMIT 1"
    ))?;
    let busy = ids(under_way);
    let due: Option<At> = first
        .query_row(
            named_params! {"?1": channel, "?5": busy, "?6": At(now)},
            |row| row.get(0),
        )
        .optional()?;
    let Some(At(due)) = due else {
        return Ok(None);
    };
    let is_ahead = ahead
        .exists(named_params! {"?1": channel, "?2": furthest(now), "?5": busy, "?6": At(now)})?;
    let due = if is_ahead { due.min(now) } else { due };
    let mut rest = connection.prepare_cached(
        "SELECT rests_until FROM channels WHERE name = ?1 AND rests_until > ?2 AND rests_until <= ?3",
    )?;
    let rest: Option<At> = rest
        .query_row(params![channel, At(now), furthest(now)], |row| row.get(0))
        .optional()?;
    Ok(Some(rest.map_or(due, |rest| rest.0.max(due))))
}

/// Attempts in a row that a channel did not take.
pub fn failures(connection: &Connection, channel: &str) -> Result<u32, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT failures FROM channels WHERE name = ?1")?;
    let found = statement.query_row([channel], |row| row.get(0));
    Ok(found.optional()?.unwrap_or(0))
}

/// How much a channel took since then, for a pace that a restart must not forget.
pub fn taken_since(
    connection: &Connection,
    channel: &str,
    since: Timestamp,
) -> Result<usize, StoreError> {
    let sql = "SELECT count(*) FROM deliveries WHERE channel = ?1 AND delivered_at >= ?2 AND attempts > 0";
    let n: i64 = connection.query_row(sql, params![channel, At(since)], |row| row.get(0))?;
    Ok(usize::try_from(n).unwrap_or(0))
}

pub fn settle(
    tx: &Transaction<'_>,
    delivery: &Delivery,
    settled: &Settled,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (id, channel) = (delivery.id.0, delivery.channel.as_str());
    match settled {
        Settled::Delivered { reference } => {
            tx.prepare_cached(
                "UPDATE deliveries SET state = 'delivered', held_by = NULL, delivered_at = ?2, reference = ?3,
                    last_error = NULL WHERE id = ?1",
            )?
            .execute(params![id, At(now), reference])?;
            folded(tx, id, "delivered", Some(now), None)?;
            works(tx, channel, now)?;
        }
        Settled::Retry {
            at,
            rest_until,
            why,
        } => {
            tx.prepare_cached(
                "UPDATE deliveries SET state = 'retry', next_attempt_at = ?2, scheduled_at = ?4, last_error = ?3 WHERE id = ?1",
            )?
            .execute(params![id, At(*at), why, At(now)])?;
            tx.prepare_cached(
                "UPDATE channels SET failures = failures + 1, rests_until = ?2, rests_since = ?4, last_error = ?3
                 WHERE name = ?1",
            )?
            .execute(params![channel, At(*rest_until), why, At(now)])?;
            channels::park(tx)?;
        }
        Settled::Dead { why } => {
            tx.prepare_cached(
                "UPDATE deliveries SET state = 'dead', last_error = ?2 WHERE id = ?1",
            )?
            .execute(params![id, why])?;
            folded(tx, id, "dead", None, Some(why))?;
            tx.prepare_cached("UPDATE channels SET last_error = ?2 WHERE name = ?1")?
                .execute(params![channel, why])?;
            upkeep::hasten(tx, id, now)?;
        }
    }
    Ok(())
}

/// What a digest tells instead of alerts shares its end.
fn folded(
    tx: &Transaction<'_>,
    digest: i64,
    state: &str,
    at: Option<Timestamp>,
    why: Option<&str>,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE deliveries SET state = ?2, held_by = NULL, delivered_at = ?3, last_error = ?4
         WHERE state IN ('held', 'dead') AND (folded_into, channel) = (SELECT digest_id, channel FROM deliveries WHERE id = ?1)",
    )?
    .execute(params![digest, state, at.map(At), why])?;
    Ok(())
}

/// The channel takes again; what waited for a far attempt because it was down need not.
fn works(tx: &Transaction<'_>, channel: &str, now: Timestamp) -> Result<(), StoreError> {
    if failures(tx, channel)? >= DOWN {
        tx.prepare_cached(
            "UPDATE deliveries SET next_attempt_at = ?2 WHERE channel = ?1 AND state = 'retry'",
        )?
        .execute(params![channel, At(now)])?;
    }
    tx.prepare_cached(
        "UPDATE channels SET failures = 0, rests_until = NULL, last_error = NULL, told_at = NULL
         WHERE name = ?1 AND (failures > 0 OR rests_until IS NOT NULL OR last_error IS NOT NULL OR told_at IS NOT NULL)",
    )?
    .execute([channel])?;
    Ok(())
}

/// Tells the operator that something to a channel is dead, once until the channel takes something
/// again, by every one of `operator` but that channel. Nothing is told of what is told.
pub fn tell_dead(
    tx: &Transaction<'_>,
    delivery: &Delivery,
    why: &str,
    operator: &[String],
    now: Timestamp,
) -> Result<(), StoreError> {
    let channel = delivery.channel.as_str();
    let others: Vec<&String> = operator.iter().filter(|it| *it != channel).collect();
    if delivery.what == What::Health || others.is_empty() {
        return Ok(());
    }
    let news = tx
        .prepare_cached("UPDATE channels SET told_at = ?2 WHERE name = ?1 AND told_at IS NULL")?
        .execute(params![channel, At(now)])?;
    if news == 0 {
        return Ok(());
    }
    let created_at = crate::clock::rfc3339(now);
    let key = format!("channel-health-{channel}-{}-{created_at}", delivery.id.0);
    let message = notice(channel, why, key.clone(), created_at);
    let message = serde_json::to_string(&message).expect("a message is strings and numbers");
    let id = tx
        .prepare_cached("INSERT INTO notices (channel, message, created_at) VALUES (?1, ?2, ?3)")?
        .insert(params![channel, message, At(now)])?;
    for other in others {
        tx.prepare_cached(
            "INSERT OR IGNORE INTO deliveries (notice_id, channel, state, next_attempt_at, idempotency_key, created_at)
             VALUES (?1, ?2, 'pending', ?3, ?4, ?3)",
        )?
        .execute(params![id, other, At(now), format!("{key}-{other}")])?;
    }
    Ok(())
}

/// At start no one else sends: what was being sent when the last process died is due now.
pub fn release_leases(tx: &Transaction<'_>, now: Timestamp) -> Result<usize, StoreError> {
    Ok(tx.execute(
        "UPDATE deliveries SET state = 'retry', next_attempt_at = ?1 WHERE state = 'sending'",
        [At(now)],
    )?)
}

//! What people do to the outbox: send again, acknowledge. Safe beside the running service, which
//! sees the rows at its next turn; nothing here sends.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};

use crate::clock::rfc3339;
use crate::message::Message;
use crate::store::{At, StoreError};

/// What came of asking to send a delivery again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Again {
    Due,
    /// It is in no state to be sent again: this one.
    Refused(String),
    Unknown,
}

/// Makes one delivery due now, whatever stopped it.
pub fn retry(tx: &Transaction<'_>, delivery: i64, now: Timestamp) -> Result<Again, StoreError> {
    let found: Option<(String, bool, bool)> = tx
        .query_row(
            "SELECT d.state, d.folded_into IS NOT NULL, coalesce(c.active, 0)
             FROM deliveries d LEFT JOIN channels c ON c.name = d.channel WHERE d.id = ?1",
            [delivery],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()?;
    let Some((state, folded, active)) = found else {
        return Ok(Again::Unknown);
    };
    if state == "delivered" || state == "sending" {
        return Ok(Again::Refused(state));
    }
    if folded {
        return Ok(Again::Refused(format!("{state}, in a digest")));
    }
    if !active {
        return Ok(Again::Refused(format!(
            "{state}: its channel is not configured"
        )));
    }
    let again =
        "UPDATE deliveries SET state = 'retry', held_by = NULL, attempts = 0, expires_at = NULL,
            next_attempt_at = ?2 WHERE id = ?1";
    tx.execute(again, params![delivery, At(now)])?;
    tx.execute(
        "UPDATE channels SET rests_until = NULL WHERE name = (SELECT channel FROM deliveries WHERE id = ?1)",
        [delivery],
    )?;
    Ok(Again::Due)
}

/// What a channel has been sent, to send it once more.
struct Sent {
    state: String,
    active: bool,
    channel: String,
    story: Option<i64>,
    /// None of a digest.
    message: Option<String>,
    key: String,
}

fn sent(tx: &Transaction<'_>, delivery: i64) -> Result<Option<Sent>, StoreError> {
    let sql = "SELECT d.state, coalesce(c.active, 0), d.channel, d.story_id, coalesce(a.message, n.message, h.message),
            d.idempotency_key
         FROM deliveries d LEFT JOIN channels c ON c.name = d.channel LEFT JOIN alerts a ON a.id = d.alert_id
         LEFT JOIN notices n ON n.id = d.notice_id LEFT JOIN health_events h ON h.id = d.health_event_id
         WHERE d.id = ?1";
    let sent = tx.query_row(sql, [delivery], |row| {
        Ok(Sent {
            state: row.get(0)?,
            active: row.get(1)?,
            channel: row.get(2)?,
            story: row.get(3)?,
            message: row.get(4)?,
            key: row.get(5)?,
        })
    });
    Ok(sent.optional()?)
}

/// Owes a channel once more what it has taken, under a key of its own: its phone may have lost it.
pub fn resend(tx: &Transaction<'_>, delivery: i64, now: Timestamp) -> Result<Again, StoreError> {
    let Some(sent) = sent(tx, delivery)? else {
        return Ok(Again::Unknown);
    };
    if sent.state != "delivered" {
        return retry(tx, delivery, now);
    }
    if !sent.active {
        let why = format!("{}: its channel is not configured", sent.state);
        return Ok(Again::Refused(why));
    }
    let Some(message) = sent.message else {
        return Ok(Again::Refused(
            "a digest; `summitwatch digest --send` sends one".to_owned(),
        ));
    };
    tx.execute(
        "INSERT INTO notices (channel, message, created_at) VALUES (?1, ?2, ?3)",
        params![sent.channel, message, At(now)],
    )?;
    let notice = tx.last_insert_rowid();
    tx.execute(
        "INSERT INTO deliveries (notice_id, story_id, channel, state, next_attempt_at, idempotency_key, created_at)
         VALUES (?1, ?2, ?3, 'pending', ?4, ?5, ?4)",
        params![
            notice,
            sent.story,
            sent.channel,
            At(now),
            format!("{}-again-{notice}", sent.key)
        ],
    )?;
    Ok(Again::Due)
}

/// Makes everything dead due now whose channel is configured, and what waits for a further attempt.
pub fn retry_all(tx: &Transaction<'_>, now: Timestamp) -> Result<usize, StoreError> {
    tx.execute("UPDATE channels SET rests_until = NULL", [])?;
    Ok(tx.execute(
        "UPDATE deliveries SET state = 'retry', attempts = 0, next_attempt_at = ?1
         WHERE state IN ('dead', 'retry') AND folded_into IS NULL
            AND channel IN (SELECT name FROM channels WHERE active)",
        [At(now)],
    )?)
}

/// Owes a channel a test message; whether it is configured.
pub fn test(tx: &Transaction<'_>, channel: &str, now: Timestamp) -> Result<bool, StoreError> {
    let active: Option<bool> = tx
        .query_row(
            "SELECT active FROM channels WHERE name = ?1",
            [channel],
            |row| row.get(0),
        )
        .optional()?;
    if active != Some(true) {
        return Ok(false);
    }
    let message = Message::test(rfc3339(now));
    let text = serde_json::to_string(&message).expect("a message is strings and numbers");
    tx.execute(
        "INSERT INTO notices (channel, message, created_at) VALUES (?1, ?2, ?3)",
        params![channel, text, At(now)],
    )?;
    let notice = tx.last_insert_rowid();
    tx.execute(
        "INSERT INTO deliveries (notice_id, channel, state, next_attempt_at, idempotency_key, created_at)
         VALUES (?1, ?2, 'pending', ?3, ?4, ?3)",
        params![notice, channel, At(now), format!("test-{notice}-{channel}")],
    )?;
    Ok(true)
}

/// What came of acknowledging an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledged {
    Now,
    /// It was before, at this time.
    Before(Timestamp),
    Unknown,
}

/// Its reader has seen an alert: nobody else is told of it.
pub fn acknowledge(
    tx: &Transaction<'_>,
    alert: i64,
    reader: &str,
    now: Timestamp,
) -> Result<Acknowledged, StoreError> {
    let found: Option<Option<At>> = tx
        .query_row(
            "SELECT acknowledged_at FROM alerts WHERE id = ?1",
            [alert],
            |row| row.get(0),
        )
        .optional()?;
    match found {
        None => Ok(Acknowledged::Unknown),
        Some(Some(at)) => Ok(Acknowledged::Before(at.0)),
        Some(None) => {
            tx.execute(
                "UPDATE alerts SET acknowledged_at = ?2, acknowledged_by = ?3 WHERE id = ?1",
                params![alert, At(now), reader],
            )?;
            tx.execute(
                "UPDATE escalations SET state = 'ended' WHERE alert_id = ?1 AND state = 'waiting'",
                [alert],
            )?;
            Ok(Acknowledged::Now)
        }
    }
}

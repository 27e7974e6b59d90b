//! Channels that come and go: what a removed one is owed is held where people see it, and is not
//! replayed as if it were news when the channel returns.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Transaction, params};

use crate::outbox::STALE;
use crate::store::{At, StoreError};

/// Makes the archive's channels those of the configuration.
pub fn sync<'a>(
    tx: &Transaction<'_>,
    names: impl Iterator<Item = &'a str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let names: Vec<&str> = names.collect();
    let list = serde_json::Value::from(names.clone()).to_string();
    tx.execute(
        "UPDATE channels SET active = 0, removed_at = ?2
         WHERE active AND name NOT IN (SELECT value FROM json_each(?1))",
        params![list, At(now)],
    )?;
    // What is owed to a name that no configuration of this archive knew, as after a restored backup.
    tx.execute(
        "INSERT OR IGNORE INTO channels (name, active, removed_at)
         SELECT DISTINCT channel, 0, ?2 FROM deliveries
         WHERE state IN ('pending', 'sending', 'retry', 'held') AND channel NOT IN (SELECT value FROM json_each(?1))",
        params![list, At(now)],
    )?;
    for name in names {
        let is_back = tx
            .prepare_cached("UPDATE channels SET active = 1, rests_until = NULL, failures = 0 WHERE name = ?1 AND NOT active")?
            .execute([name])?;
        if is_back > 0 {
            unpark(tx, name, now)?;
        }
        tx.prepare_cached("INSERT OR IGNORE INTO channels (name) VALUES (?1)")?
            .execute([name])?;
    }
    park(tx)
}

/// Holds what is owed to channels that are no longer configured.
pub fn park(tx: &Transaction<'_>) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE deliveries SET state = 'held', held_by = 'removed'
         WHERE channel IN (SELECT name FROM channels WHERE NOT active)
            AND (state IN ('pending', 'retry') OR held_by = 'quiet')",
    )?
    .execute([])?;
    Ok(())
}

fn unpark(tx: &Transaction<'_>, channel: &str, now: Timestamp) -> Result<(), StoreError> {
    let stale = SignedDuration::try_from(STALE).unwrap_or(SignedDuration::from_hours(24));
    let since = now.checked_sub(stale).unwrap_or(Timestamp::MIN);
    tx.execute(
        "UPDATE deliveries SET held_by = NULL, state = iif(created_at < ?2 OR expires_at <= ?3, 'expired', 'pending'),
            last_error = iif(created_at < ?2, 'its channel was not configured while it was news', last_error)
         WHERE channel = ?1 AND held_by = 'removed'",
        params![channel, At(since), At(now)],
    )?;
    Ok(())
}

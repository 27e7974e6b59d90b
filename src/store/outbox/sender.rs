//! The one sender's place. The lock beside the archive keeps a second process out; this row keeps
//! it out where that lock was removed or does not reach, and tells a sender that its place was taken.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::outbox::SENDER_LEASE;
use crate::store::{At, StoreError};

/// A process that wants to send, and the machine whose kernel enforces its lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    pub holder: String,
    pub machine: String,
}

/// Takes the place, unless somebody whom our lock does not keep out still holds it: then until when.
pub fn take_place(
    tx: &Transaction<'_>,
    sender: &Sender,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let mut held = tx.prepare_cached("SELECT machine, until FROM sender")?;
    let held: Option<(String, At)> = held
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let until = end(now);
    if let Some((machine, At(held_until))) = held
        && machine != sender.machine
        // Beyond any lease: written by a clock that ran ahead.
        && (now..=until).contains(&held_until)
    {
        return Ok(Some(held_until));
    }
    tx.prepare_cached(
        "INSERT OR REPLACE INTO sender (id, holder, machine, until) VALUES (1, ?1, ?2, ?3)",
    )?
    .execute(params![sender.holder, sender.machine, At(until)])?;
    Ok(None)
}

/// Whether the place is still ours; holds it for another while if so.
pub fn keep_place(
    tx: &Transaction<'_>,
    sender: &Sender,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let kept = tx
        .prepare_cached("UPDATE sender SET until = ?2 WHERE holder = ?1")?
        .execute(params![sender.holder, At(end(now))])?;
    Ok(kept > 0)
}

/// Gives the place up, so that another machine need not wait.
pub fn leave_place(tx: &Transaction<'_>, sender: &Sender) -> Result<(), StoreError> {
    tx.execute("DELETE FROM sender WHERE holder = ?1", [&sender.holder])?;
    Ok(())
}

fn end(now: Timestamp) -> Timestamp {
    let lease = SignedDuration::try_from(SENDER_LEASE).unwrap_or(SignedDuration::from_secs(60));
    now.checked_add(lease).unwrap_or(now)
}

//! Digests when they are due: each slot of a schedule once, what was missed in a downtime in one
//! that says it is late, and what quiet hours held in one message for each channel.

use jiff::{SignedDuration, Timestamp};
use rusqlite::Transaction;

use crate::clock::rfc3339;
use crate::digest::schedule::Slot;
use crate::digest::{Digest, Empty, Frame, Plan, compose};
use crate::store::digests::{Account, Made, Outcome};
use crate::store::outbox::upkeep;
use crate::store::{Store, StoreError, digests};

/// So long after its slot a digest is late.
const LATE: SignedDuration = SignedDuration::from_mins(10);
/// Missed slots that are listed one by one, the last ones: two days of an hourly digest.
const COVERED: usize = 48;

/// Makes every digest that is due. Digest and deliveries commit together, with the slot.
pub(super) fn make_due(store: &Store, plans: &[Plan], now: Timestamp) -> Result<(), StoreError> {
    for plan in plans {
        // On the writer: where the clock was set back, what it wrote ahead is corrected.
        let Some(account) =
            store.on_writer(|connection| digests::account(connection, plan, now))?
        else {
            continue;
        };
        let due = plan.schedule.due(account.counted_to, now);
        if let Some((last, missed)) = due.split_last() {
            store.write(|tx| make(tx, plan, account, last, missed, now))?;
        }
    }
    Ok(())
}

/// When the next digest is due.
pub(super) fn next_due(
    store: &Store,
    plans: &[Plan],
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let mut next: Option<Timestamp> = None;
    for plan in plans {
        let account = store.on_writer(|connection| digests::account(connection, plan, now))?;
        let slot = account.and_then(|it| plan.schedule.next(it.counted_to));
        next = next.into_iter().chain(slot.map(|it| it.at)).min();
    }
    Ok(next)
}

fn make(
    tx: &Transaction<'_>,
    plan: &Plan,
    account: Account,
    slot: &Slot,
    missed: &[Slot],
    now: Timestamp,
) -> Result<(), StoreError> {
    // After a clock that ran years ahead, or a year switched off, a row for each minute would say no more.
    for slot in &missed[missed.len().saturating_sub(COVERED)..] {
        let local = slot.local.to_string();
        let made = Made {
            name: &plan.name,
            slot: &local,
            outcome: Outcome::Covered,
            late: true,
            since: account.told_to,
            until: now,
            message: None,
        };
        digests::insert(tx, &made, now)?;
    }
    let matter = digests::matter(tx, &plan.topics, account.told_to, now)?;
    let local = slot.local.to_string();
    let key = format!("digest-{}-{local}", plan.name);
    let frame = Frame {
        id: key.clone(),
        name: &plan.name,
        topics: &plan.topics,
        since: account.told_to,
        until: now,
        late: now.duration_since(slot.at) > LATE,
    };
    let send = !matter.is_empty() || plan.empty == Empty::Send;
    let message = send.then(|| json(&compose(&matter, &frame)));
    let made = Made {
        name: &plan.name,
        slot: &local,
        outcome: if send { Outcome::Sent } else { Outcome::Empty },
        late: frame.late,
        since: account.told_to,
        until: now,
        message: message.as_deref(),
    };
    let inserted = digests::insert(tx, &made, now)?;
    // A slot that was made before, by a clock that ran ahead, is not told again; the next one goes on
    // from where that one ended.
    let told_to = inserted.map_or(account.told_to, |_| now);
    digests::count(tx, plan, slot.at, told_to)?;
    if let Some(id) = inserted
        && send
    {
        digests::owe(tx, id, &plan.channels, &key, now)?;
        digests::fold_expired(tx, id, &plan.topics)?;
        tracing::info!(
            digest = plan.name,
            slot = local,
            late = frame.late,
            "digest {} of {local} is made",
            plan.name
        );
    }
    Ok(())
}

/// Lets go what quiet hours held that are over: one alert as it is, several as one message.
pub(super) fn end_quiet(tx: &Transaction<'_>, now: Timestamp) -> Result<(), StoreError> {
    for (channel, n) in upkeep::awake(tx, now)? {
        if n < 2 {
            upkeep::wake(tx, &channel, now)?;
            continue;
        }
        let matter = digests::held(tx, &channel, now)?;
        let slot = format!("{channel} {}", rfc3339(now));
        let key = format!("quiet-{channel}-{}", rfc3339(now));
        let mut topics: Vec<String> = matter.told.iter().map(|it| it.topic.clone()).collect();
        topics.sort();
        topics.dedup();
        let frame = Frame {
            id: key.clone(),
            name: "quiet hours",
            topics: &topics,
            since: matter.told.first().map_or(now, |it| it.at),
            until: now,
            late: false,
        };
        let message = json(&compose(&matter, &frame));
        let made = Made {
            name: "quiet",
            slot: &slot,
            outcome: Outcome::Sent,
            late: false,
            since: frame.since,
            until: now,
            message: Some(&message),
        };
        if let Some(id) = digests::insert(tx, &made, now)? {
            digests::fold_held(tx, id, &channel, now)?;
            digests::owe(tx, id, std::slice::from_ref(&channel), &key, now)?;
        }
    }
    Ok(())
}

fn json(digest: &Digest) -> String {
    serde_json::to_string(digest).expect("a digest is strings and numbers")
}

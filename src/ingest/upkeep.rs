//! What a visit teaches about its feed: when and where to visit next, who rests with it, and what its
//! operator is told.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::Transaction;

use crate::clock::rfc3339;
use crate::feed::health::{self, Health};
use crate::feed::home;
use crate::feed::pace::{self, Rhythm};
use crate::feed::{Polled, Validators, server};
use crate::ingest::{FUTURE_SLACK, Ingest, Visit};
use crate::item::Item;
use crate::message::Message;
use crate::parse::Parsed;
use crate::store::feeds::{After, AfterOutcome, Kept};
use crate::store::health::Event;
use crate::store::{At, CLOCK_SLACK, StoreError, feeds, health as told};

/// Who hears when a feed that matters changes its state.
#[derive(Debug, Clone, Default)]
pub struct Operator {
    pub channels: Vec<String>,
    /// Names of the feeds that matter.
    pub feeds: HashSet<String>,
}

/// With fewer entries, that none of them is known is no sign.
const ENTRIES_OF_A_GAP: usize = 3;

/// What is kept of a document besides what vouches for it.
pub(super) fn kept(feed: &Polled, parsed: &Parsed, new: usize, now: Timestamp) -> Kept {
    let dates = || {
        let dates = parsed.items.iter().filter_map(Item::published_at);
        dates.filter(|at| at.duration_since(now) <= FUTURE_SLACK)
    };
    let all_new = new == parsed.items.len() && new >= ENTRIES_OF_A_GAP;
    Kept {
        pace: parsed.pace,
        gap: pace::gap(dates()),
        newest_item_at: dates().max().max(feed.newest_item_at),
        news: new > 0,
        gap_seen: all_new
            && feed
                .newest_item_at
                .is_some_and(|seen| dates().min() > Some(seen)),
        ..unchanged(feed, &Validators::default())
    }
}

/// What is kept of the same bytes as last time; what the server says of them may be new.
pub(super) fn unchanged(feed: &Polled, validators: &Validators) -> Kept {
    Kept {
        validators: validators.clone(),
        body_hash: feed.body_hash.unwrap_or_default(),
        pace: feed.pace,
        gap: feed.gap,
        newest_item_at: feed.newest_item_at,
        news: false,
        gap_seen: false,
    }
}

impl Ingest {
    pub(super) fn after(
        &mut self,
        feed: &Polled,
        visit: &Visit,
        rhythm: Rhythm,
        outcome: AfterOutcome,
    ) -> After {
        let (asked, gap) = match &outcome {
            AfterOutcome::Complete(kept) => (kept.pace, kept.gap),
            _ => (feed.pace, feed.gap),
        };
        let failures = feed.failures + 1;
        let (interval, next_poll_at) = if let Some(fixed) = feed.feed.interval {
            let (at, wishes) = (visit.at, visit.wishes);
            let next = pace::next_fixed(at, fixed, rhythm, failures, wishes, &self.poll);
            (fixed, next)
        } else {
            let interval = pace::next_interval(feed.interval, rhythm, gap, failures, &self.poll);
            let (at, wishes) = (visit.at, visit.wishes);
            let next = pace::next_poll_at(at, interval, wishes, &asked, &self.poll, visit.jitter);
            (interval, next)
        };
        let home = if matches!(outcome, AfterOutcome::Failed { .. }) {
            feed.home.clone()
        } else {
            let seen = visit.moved_to.as_deref();
            home::next(feed.home.as_ref(), seen, &feed.feed.url, visit.at)
        };
        After {
            next_poll_at: self.rested(feed, visit.at, next_poll_at),
            interval,
            home,
            outcome,
        }
    }

    fn rested(&mut self, feed: &Polled, now: Timestamp, next_poll_at: Timestamp) -> Timestamp {
        // A rest that begins in the future was written by a clock that ran ahead.
        self.resting
            .retain(|_, (since, until)| *until > now && since.duration_since(now) <= CLOCK_SLACK);
        if self.resting.is_empty() {
            return next_poll_at;
        }
        let rest = self.resting.get(&server(&feed.feed.url));
        rest.map_or(next_poll_at, |(_, until)| (*until).max(next_poll_at))
    }

    /// After a refusal: where the host is tired, all its feeds rest.
    pub(super) fn rest_host(
        &mut self,
        tx: &Transaction<'_>,
        feed: &Polled,
        visit: &Visit,
    ) -> Result<(), StoreError> {
        let host = server(&feed.feed.url);
        let (refused, feeds) = feeds::refused(tx, &host)?;
        if pace::host_is_tired(refused, feeds) {
            let until = pace::host_rests_until(visit.at, visit.wishes, &self.poll);
            feeds::rest(tx, &host, until)?;
            self.resting.insert(host, (visit.at, until));
        }
        Ok(())
    }

    /// What there is to tell of a feed that matters, written down as owed.
    pub(super) fn tell_health(
        &self,
        tx: &Transaction<'_>,
        feed: &Polled,
        now: Timestamp,
    ) -> Result<Option<Health>, StoreError> {
        if self.operator.channels.is_empty() {
            return Ok(None);
        }
        let (signs, last) = told::signs(tx, feed.id)?;
        let Some(health) = health::news(last, &signs, now) else {
            return Ok(None);
        };
        // What behaves strangely is told of every feed, all else of those that matter.
        if !self.operator.feeds.contains(&feed.feed.name) && health != Health::Odd {
            if last == Health::Odd {
                told::forget_told(tx, feed.id)?;
            }
            return Ok(None);
        }
        let created_at = rfc3339(now);
        let key = format!("feed-health-{}-{}-{created_at}", feed.id.0, health.as_str());
        let reason = health::reason(health, &signs);
        let message = Message::health(key.clone(), &feed.feed, health, reason.clone(), created_at);
        let message = serde_json::to_string(&message).expect("a message is strings and numbers");
        let event = Event {
            feed: feed.id,
            health,
            reason: &reason,
            message: &message,
            at: At(now),
        };
        told::tell(tx, &event, &self.operator.channels, &key)?;
        Ok(Some(health))
    }
}

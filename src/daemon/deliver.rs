//! The outbox worker: claim (transaction), send (none), settle (transaction). Each channel has so
//! many deliveries under way as it takes at once, at its own rate, and within a story one after the
//! other; a broken channel delays no other. Digests are made here too, when they are due.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use rusqlite::Transaction;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::channel::Channel;
use crate::clock::Clock;
use crate::daemon::{LONGEST_WAIT, Pulse, Setup, digests, stopped};
use crate::item::hash;
use crate::message::Message;
use crate::metrics::Metrics;
use crate::outbox::{
    Bucket, Delivery, DeliveryId, LONGEST_SEND, Outcome, Pace, Rate, SENDER_LEASE, Settled, What,
    settle,
};
use crate::store::outbox::sender::{self, Sender};
use crate::store::outbox::upkeep;
use crate::store::{CLOCK_SLACK, Store, StoreError, follow, outbox, subscriptions};

pub struct Deliverer {
    store: Arc<Store>,
    clock: Clock,
    setup: Arc<Setup>,
    place: Place,
    sends: JoinSet<Sent>,
    /// What each channel has under way, or not yet written down.
    under_way: HashMap<String, Vec<DeliveryId>>,
    buckets: HashMap<String, Bucket>,
    /// Sent, but the archive would not take it; nothing more goes to these channels until it does.
    unsettled: Vec<Sent>,
    metrics: Arc<Metrics>,
    /// The time of the last turn; a clock that is set back is seen by it.
    turned_at: Option<Timestamp>,
}

struct Sent {
    delivery: Delivery,
    outcome: Outcome,
}

/// What a channel takes now.
enum Room {
    For(usize),
    /// Nothing, and when that may be otherwise.
    Full(Option<Timestamp>),
}

/// The place of the one sender: taken at the first turn, kept at every claim.
struct Place {
    sender: Sender,
    kept_at: Option<Timestamp>,
}

impl Deliverer {
    pub fn new(store: Arc<Store>, clock: Clock, setup: Arc<Setup>) -> Self {
        let sender = Sender {
            holder: format!("{}-{:016x}", std::process::id(), fastrand::u64(..)),
            machine: machine(),
        };
        Self {
            store,
            clock,
            setup,
            place: Place {
                sender,
                kept_at: None,
            },
            sends: JoinSet::new(),
            under_way: HashMap::new(),
            buckets: HashMap::new(),
            unsettled: Vec::new(),
            metrics: Arc::default(),
            turned_at: None,
        }
    }

    /// Takes the sender's place; an error where somebody else has it.
    pub fn take_place(&mut self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let taken = self
            .store
            .write(|tx| sender::take_place(tx, &self.place.sender, now))?;
        if let Some(until) = taken {
            return Err(StoreError::Taken { until });
        }
        self.place.kept_at = Some(now);
        Ok(())
    }

    /// Delivers until `stopping`, then finishes what is under way. Ends before only where another
    /// sender took its place.
    pub async fn run(
        mut self,
        mut setups: watch::Receiver<Arc<Setup>>,
        mut stopping: watch::Receiver<bool>,
        pulse: Arc<Pulse>,
    ) -> Result<(), StoreError> {
        self.metrics = Arc::clone(&pulse.metrics);
        loop {
            let known = self.setup.channels.iter();
            known.for_each(|(name, _)| self.metrics.knows(name));
            pulse.beat(&pulse.deliver);
            // Off the async thread: another process may hold the archive's lock for long.
            let began = Instant::now();
            let (this, due) = apart(self, Self::start_due).await;
            self = this;
            let wait = match due {
                Ok(wait) => {
                    pulse.delivered.store(true, Ordering::Relaxed);
                    pulse.metrics.turned("deliver", began.elapsed());
                    wait
                }
                Err(error @ StoreError::Ousted) => return Err(error),
                Err(error) => {
                    tracing::error!("deliveries wait: {error}");
                    Duration::from_secs(5)
                }
            };
            tokio::select! {
                biased;
                Some(sent) = self.sends.join_next() => {
                    (self, ()) = apart(self, |it| it.finished(sent)).await;
                }
                () = stopped(&mut stopping) => break,
                Ok(()) = setups.changed() => self.setup = Arc::clone(&setups.borrow_and_update()),
                () = pulse.owed.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
        while let Some(sent) = self.sends.join_next().await {
            (self, ()) = apart(self, |it| it.finished(sent)).await;
        }
        let (_, left) = apart(self, |it| it.leave()).await;
        left
    }

    /// Gives the sender's place up.
    pub fn leave(&self) -> Result<(), StoreError> {
        self.store
            .write(|tx| sender::leave_place(tx, &self.place.sender))
    }

    /// One turn for tests and the demo: sends everything due now and waits for it.
    pub async fn deliver_due(&mut self) -> Result<(), StoreError> {
        loop {
            self.start_due()?;
            match self.sends.join_next().await {
                Some(sent) => self.finished(sent),
                None => return Ok(()),
            }
        }
    }

    /// Starts what is due and says how long until the next.
    fn start_due(&mut self) -> Result<Duration, StoreError> {
        let now = self.clock.now();
        self.settle_late(now)?;
        self.keep_place(now)?;
        self.heal(now)?;
        if self.store.read(follow::waits)? {
            self.store.write(|tx| follow::owe(tx, now))?;
        }
        let setup = Arc::clone(&self.setup);
        digests::make_due(&self.store, &setup.config.digests, now)?;
        self.keep_up(now)?;
        let mut next = digests::next_due(&self.store, &setup.config.digests, now)?;
        let upkeep = self
            .store
            .read(|connection| upkeep::next_due(connection, now))?;
        next = next.into_iter().chain(upkeep).min();
        let mut free = Vec::new();
        for (name, channel) in &setup.channels {
            match self.room(name, setup.config.pace_of(name), now)? {
                Room::For(limit) => free.push((name, channel, limit)),
                Room::Full(until) => next = next.into_iter().chain(until).min(),
            }
        }
        if self.claim(&free, now)? {
            // There may be more than was claimed.
            next = Some(now);
        }
        let wait = next.map_or(LONGEST_WAIT, |at| {
            Duration::try_from(at.duration_since(now)).unwrap_or_default()
        });
        Ok(wait.clamp(Duration::from_millis(100), LONGEST_WAIT))
    }

    /// At start, and whenever the clock was set back, ends the waits that it wrote while it ran ahead.
    fn heal(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let is_set_back = |last: Timestamp| last.duration_since(now) > CLOCK_SLACK;
        if self.turned_at.is_none_or(is_set_back) {
            let healed = self.store.write(|tx| upkeep::heal(tx, now))?;
            if healed > 0 {
                tracing::warn!(
                    healed,
                    "the clock was set back; {healed} deliveries that waited for a later time are due now"
                );
            }
        }
        self.turned_at = Some(now);
        Ok(())
    }

    /// How much a channel takes now of what is due to it, or when to look again. What is under way
    /// rings by itself when it ends.
    fn room(&mut self, name: &str, pace: Pace, now: Timestamp) -> Result<Room, StoreError> {
        let under_way = self.under_way.get(name).map_or(&[][..], Vec::as_slice);
        let free = pace.concurrency.saturating_sub(under_way.len());
        if free == 0 || self.unsettled.iter().any(|it| it.delivery.channel == name) {
            return Ok(Room::Full(None));
        }
        // A look first: an idle channel costs no write.
        let due = self
            .store
            .read(|connection| outbox::next_due(connection, name, under_way, now))?;
        if due.is_none_or(|due| due > now) {
            return Ok(Room::Full(due));
        }
        let Some(rate) = pace.rate else {
            return Ok(Room::For(free));
        };
        if self.buckets.get(name).is_none_or(|it| it.rate() != rate) {
            let bucket = bucket(&self.store, name, rate, now)?;
            self.buckets.insert(name.to_owned(), bucket);
        }
        let bucket = self.buckets.get_mut(name);
        Ok(
            bucket.map_or(Room::For(free), |bucket| match bucket.available(now) {
                0 => Room::Full(Some(bucket.next_at())),
                n => Room::For(n.min(free)),
            }),
        )
    }

    /// Claims for all that have room in one transaction, and starts sending; whether anybody has
    /// room left.
    fn claim(
        &mut self,
        free: &[(&String, &Channel, usize)],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if free.is_empty() {
            return Ok(false);
        }
        let sender = &self.place.sender;
        let claimed = self.store.write(|tx| {
            if !sender::keep_place(tx, sender, now)? {
                return Err(StoreError::Ousted);
            }
            let claims = free.iter().map(|(name, _, limit)| {
                let under_way = self.under_way.get(*name).map_or(&[][..], Vec::as_slice);
                outbox::claim(tx, name, *limit, under_way, now)
            });
            claims.collect::<Result<Vec<_>, _>>()
        })?;
        self.place.kept_at = Some(now);
        let mut more = false;
        for ((name, channel, limit), claimed) in free.iter().zip(claimed) {
            if let Some(bucket) = self.buckets.get_mut(*name) {
                bucket.take(claimed.len());
            }
            more |= *limit > 1;
            if let (Some(push), false) = (channel.webpush(), claimed.is_empty()) {
                let audience = self.store.read(|it| subscriptions::of(it, name))?;
                push.audience.admit(audience);
            }
            let under_way = self.under_way.entry((*name).clone()).or_default();
            for delivery in claimed {
                under_way.push(delivery.id);
                self.sends.spawn(send((*channel).clone(), delivery));
            }
        }
        Ok(more)
    }

    /// Takes the place at the first turn, and holds it while there is nothing to claim.
    fn keep_place(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let Some(kept_at) = self.place.kept_at else {
            return self.take_place();
        };
        // Also after a clock was set back: what is written down lies in the future then.
        let age = now.duration_since(kept_at).as_secs();
        if (0..i64::try_from(SENDER_LEASE.as_secs() / 3).unwrap_or(20)).contains(&age) {
            return Ok(());
        }
        let kept = self
            .store
            .write(|tx| sender::keep_place(tx, &self.place.sender, now))?;
        if !kept {
            return Err(StoreError::Ousted);
        }
        self.place.kept_at = Some(now);
        Ok(())
    }

    /// What time alone does to the outbox.
    fn keep_up(&self, now: Timestamp) -> Result<(), StoreError> {
        let due = self
            .store
            .read(|connection| upkeep::next_due(connection, now))?;
        if due.is_none_or(|due| due > now) {
            return Ok(());
        }
        let (expired, raised) = self.store.write(|tx| {
            let expired = upkeep::expire(tx, now)?;
            digests::end_quiet(tx, now)?;
            Ok::<_, StoreError>((expired, upkeep::raise(tx, now)?))
        })?;
        if expired > 0 {
            tracing::warn!(
                expired,
                "{expired} deliveries expired; the next digest tells them"
            );
        }
        if raised > 0 {
            tracing::warn!(
                raised,
                "{raised} alerts that nobody took go to further channels"
            );
        }
        Ok(())
    }

    /// Takes what ended, with all that ended meanwhile: one transaction writes it down.
    fn finished(&mut self, sent: Result<Sent, tokio::task::JoinError>) {
        let mut ended = Some(sent);
        while let Some(sent) = ended {
            self.unsettled
                .push(sent.expect("a send catches its panics"));
            ended = self.sends.try_join_next();
        }
        if let Err(error) = self.settle_late(self.clock.now()) {
            tracing::error!("what was sent cannot be written down yet: {error}");
        }
        if let Err(error) = self.end_subscriptions() {
            tracing::error!("a subscription that has ended cannot be written down: {error}");
        }
    }

    /// Browsers that their push service no longer knows are not told any more.
    fn end_subscriptions(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        for (name, channel) in &self.setup.channels {
            let gone = channel.webpush().map(|it| it.audience.take_gone());
            for (id, why) in gone.unwrap_or_default() {
                let why = format!("the push service {why}");
                self.store
                    .write(|tx| subscriptions::end(tx, id, &why, now))?;
                tracing::warn!(channel = name, "{name}: subscription {id} has ended: {why}");
            }
        }
        Ok(())
    }

    /// Writes down what was sent. Until that succeeds its channels stay busy: sending more, or
    /// the same again, would be worse than waiting.
    fn settle_late(&mut self, now: Timestamp) -> Result<(), StoreError> {
        if self.unsettled.is_empty() {
            return Ok(());
        }
        let operator = &self.setup.config.operator.channels;
        let settled = self.store.write(|tx| {
            let sent = self.unsettled.iter();
            sent.map(|it| write_down(tx, it, operator, now))
                .collect::<Result<Vec<_>, StoreError>>()
        })?;
        for (sent, settled) in self.unsettled.drain(..).zip(&settled) {
            log(&sent.delivery, settled);
            if let (Settled::Delivered { .. }, Some(after)) = (settled, age(&sent.delivery, now)) {
                self.metrics.delivered(&sent.delivery.channel, after);
            }
            if let Some(under_way) = self.under_way.get_mut(&sent.delivery.channel) {
                under_way.retain(|it| *it != sent.delivery.id);
            }
        }
        Ok(())
    }
}

/// Does `work` on a thread that may wait, and gives the deliverer back.
async fn apart<T: Send + 'static>(
    mut deliverer: Deliverer,
    work: impl FnOnce(&mut Deliverer) -> T + Send + 'static,
) -> (Deliverer, T) {
    let done = tokio::task::spawn_blocking(move || {
        let value = work(&mut deliverer);
        (deliverer, value)
    });
    done.await.expect("the outbox's worker does not panic")
}

fn write_down(
    tx: &Transaction<'_>,
    sent: &Sent,
    operator: &[String],
    now: Timestamp,
) -> Result<Settled, StoreError> {
    let delivery = &sent.delivery;
    let failures = outbox::failures(tx, &delivery.channel)? + 1;
    let (outcome, attempts) = (sent.outcome.clone(), delivery.attempts + 1);
    let settled = settle(outcome, attempts, failures, now, fastrand::f64());
    outbox::settle(tx, delivery, &settled, now)?;
    if let Settled::Dead { why } = &settled {
        outbox::tell_dead(tx, delivery, why, operator, now)?;
    }
    Ok(settled)
}

/// How long ago the document came that made an alert: its message is of the same transaction.
fn age(delivery: &Delivery, now: Timestamp) -> Option<Duration> {
    if delivery.what != What::Alert {
        return None;
    }
    let message: Message = serde_json::from_str(&delivery.message).ok()?;
    let created_at: Timestamp = message.created_at.parse().ok()?;
    Duration::try_from(now.duration_since(created_at)).ok()
}

/// What is left of a channel's pace after what it was sent before this process began.
fn bucket(store: &Store, channel: &str, rate: Rate, now: Timestamp) -> Result<Bucket, StoreError> {
    let span = SignedDuration::try_from(rate.per).unwrap_or_default();
    let since = now.checked_sub(span).unwrap_or(now);
    let taken = store.read(|connection| outbox::taken_since(connection, channel, since))?;
    let mut bucket = Bucket::full(rate, now);
    bucket.take(taken);
    Ok(bucket)
}

/// Tells this machine, whose kernel enforces our lock, from others that may see the same archive.
fn machine() -> String {
    // Programs should not show the id itself to others.
    let id = std::fs::read_to_string("/etc/machine-id");
    id.map_or_else(
        |_| "unknown".to_owned(),
        |it| format!("{:016x}", hash(it.trim()).cast_unsigned()),
    )
}

/// On a task of its own, so that a panic costs one attempt and not the worker.
async fn send(channel: Channel, delivery: Delivery) -> Sent {
    let mut attempt = JoinSet::new();
    let sending = delivery.clone();
    attempt.spawn(async move { channel.send(&sending).await });
    let outcome = match tokio::time::timeout(LONGEST_SEND, attempt.join_next()).await {
        Ok(Some(Ok(outcome))) => outcome,
        Err(_) => Outcome::Retry {
            why: format!("took longer than {} s", LONGEST_SEND.as_secs()),
            not_before: None,
        },
        Ok(_) => Outcome::Retry {
            why: "a fault of ours while sending; the log has the details".to_owned(),
            not_before: None,
        },
    };
    Sent { delivery, outcome }
}

fn log(delivery: &Delivery, settled: &Settled) {
    let (channel, id) = (delivery.channel.as_str(), delivery.id.0);
    match settled {
        Settled::Delivered { .. } => {
            tracing::info!(channel, delivery.id = id, "delivered {id} to {channel}");
        }
        Settled::Retry { at, why, .. } => {
            tracing::warn!(
                channel,
                delivery.id = id,
                "{channel}: {why}; delivery {id} is tried again at {at}"
            );
        }
        Settled::Dead { why } => tracing::error!(
            channel,
            delivery.id = id,
            "{channel}: {why}; delivery {id} is given up"
        ),
    }
}

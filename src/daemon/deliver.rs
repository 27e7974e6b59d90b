//! The outbox worker: claim (transaction), send (none), settle (transaction). Each channel has one
//! delivery under way at a time, so alerts of a story arrive in order and a broken channel delays
//! no other.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::channel::Channel;
use crate::clock::Clock;
use crate::daemon::{LONGEST_WAIT, Pulse, Setup, stopped};
use crate::outbox::{Delivery, Outcome, Settled, settle};
use crate::store::{Store, StoreError, outbox};

pub struct Deliverer {
    store: Arc<Store>,
    clock: Clock,
    setup: Arc<Setup>,
    sends: JoinSet<Sent>,
    /// Channels with a delivery under way or not yet written down.
    busy: HashSet<String>,
    /// Sent, but the archive would not take it; nothing more goes to these channels until it does.
    unsettled: Vec<Sent>,
}

struct Sent {
    delivery: Delivery,
    outcome: Outcome,
}

impl Deliverer {
    pub fn new(store: Arc<Store>, clock: Clock, setup: Arc<Setup>) -> Self {
        Self {
            store,
            clock,
            setup,
            sends: JoinSet::new(),
            busy: HashSet::new(),
            unsettled: Vec::new(),
        }
    }

    /// Delivers until `stopping`, then finishes what is under way.
    pub async fn run(
        mut self,
        mut setups: watch::Receiver<Arc<Setup>>,
        mut stopping: watch::Receiver<bool>,
        pulse: Arc<Pulse>,
    ) {
        loop {
            pulse.beat(&pulse.deliver);
            let wait = match self.start_due() {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::error!("deliveries wait: {error}");
                    Duration::from_secs(5)
                }
            };
            tokio::select! {
                biased;
                Some(sent) = self.sends.join_next() => self.finished(sent),
                () = stopped(&mut stopping) => break,
                Ok(()) = setups.changed() => self.setup = Arc::clone(&setups.borrow_and_update()),
                () = pulse.owed.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
        while let Some(sent) = self.sends.join_next().await {
            self.finished(sent);
        }
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

    fn start_due(&mut self) -> Result<Duration, StoreError> {
        let now = self.clock.now();
        self.settle_late(now)?;
        let setup = Arc::clone(&self.setup);
        for (name, channel) in &setup.channels {
            if self.busy.contains(name) {
                continue;
            }
            // A look first: an idle channel costs no write.
            let due = self
                .store
                .read(|connection| outbox::next_due(connection, &[name], now))?;
            if due.is_none_or(|due| due > now) {
                continue;
            }
            let claimed = self.store.write(|tx| outbox::claim(tx, name, 1, now))?;
            for delivery in claimed {
                self.busy.insert(name.clone());
                self.sends.spawn(send(channel.clone(), delivery));
            }
        }
        let idle: Vec<&str> = setup
            .channels
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| !self.busy.contains(*name))
            .collect();
        let next = self
            .store
            .read(|connection| outbox::next_due(connection, &idle, now))?;
        let wait = next.map_or(LONGEST_WAIT, |at| {
            Duration::try_from(at.duration_since(now)).unwrap_or_default()
        });
        Ok(wait.clamp(Duration::from_millis(100), LONGEST_WAIT))
    }

    fn finished(&mut self, sent: Result<Sent, tokio::task::JoinError>) {
        self.unsettled
            .push(sent.expect("a send catches its panics"));
        if let Err(error) = self.settle_late(self.clock.now()) {
            tracing::error!("what was sent cannot be written down yet: {error}");
        }
    }

    /// Writes down what was sent. Until that succeeds its channel stays busy: sending more, or
    /// the same again, would be worse than waiting.
    fn settle_late(&mut self, now: Timestamp) -> Result<(), StoreError> {
        while let Some(sent) = self.unsettled.first() {
            let settled = settle(
                sent.outcome.clone(),
                sent.delivery.attempts + 1,
                now,
                fastrand::f64(),
            );
            let id = sent.delivery.id;
            self.store
                .write(|tx| outbox::settle(tx, id, &settled, now))?;
            let sent = self.unsettled.remove(0);
            log(&sent.delivery, &settled);
            self.busy.remove(&sent.delivery.channel);
        }
        Ok(())
    }
}

/// On a task of its own, so that a panic costs one attempt and not the worker.
async fn send(channel: Channel, delivery: Delivery) -> Sent {
    let mut attempt = JoinSet::new();
    let sending = delivery.clone();
    attempt.spawn(async move { channel.send(&sending).await });
    let outcome = match attempt.join_next().await {
        Some(Ok(outcome)) => outcome,
        _ => Outcome::Retry {
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
        Settled::Retry { at, why } => {
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

//! Retention and the care of the full-text index: a small step now and then, so that the service's own
//! writes hardly wait for it.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::config::Retention;
use crate::daemon::{Setup, stopped};
use crate::store::items::merge_index;
use crate::store::retention::{prune_fetches, prune_items, prune_terms};
use crate::store::{Store, StoreError};
use crate::story::frequency::COUNTED;
use crate::story::weights::Weights;

/// Between two steps while there is more, and between two looks.
const NEXT_STEP: Duration = Duration::from_secs(1);
const NEXT_LOOK: Duration = Duration::from_secs(600);

pub struct Pruner {
    store: Arc<Store>,
    clock: Clock,
}

impl Pruner {
    pub fn new(store: Arc<Store>, clock: Clock) -> Self {
        Self { store, clock }
    }

    /// Prunes until `stopping`. What is old can wait: it begins after the first polls.
    pub async fn run(
        self,
        setups: watch::Receiver<Arc<Setup>>,
        mut stopping: watch::Receiver<bool>,
    ) {
        let this = Arc::new(self);
        let mut wait = Duration::from_secs(60);
        loop {
            tokio::select! {
                () = stopped(&mut stopping) => break,
                () = tokio::time::sleep(wait) => {}
            }
            let (retention, tables) = {
                let setup = setups.borrow();
                (setup.config.retention, Arc::clone(&setup.tables))
            };
            // Off the async thread: another process may hold the archive's lock for long.
            let this = Arc::clone(&this);
            let pruned =
                tokio::task::spawn_blocking(move || this.prune_due(&retention, &tables.weights));
            wait = match pruned.await.expect("pruning does not panic") {
                Ok(true) => NEXT_STEP,
                Ok(false) => NEXT_LOOK,
                Err(error) => {
                    tracing::warn!("old rows stay for now: {error}");
                    NEXT_LOOK
                }
            };
        }
    }

    /// One step of each kind; says whether more is old enough.
    pub fn prune_due(&self, retention: &Retention, weights: &Weights) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let mut more = false;
        if let Some(cutoff) = before(now, retention.unmatched) {
            let step = self.store.write(|tx| prune_items(tx, cutoff, now))?;
            tracing::debug!(step.pruned, "texts of unmatched items dropped");
            more |= step.more;
        }
        if let Some(cutoff) = before(now, retention.fetches) {
            let step = self.store.write(|tx| prune_fetches(tx, cutoff))?;
            tracing::debug!(step.pruned, "old fetches deleted");
            more |= step.more;
        }
        // No open development has a report that is older.
        if let Some(cutoff) = before(now, weights.window.checked_add(weights.life)) {
            let step = self.store.write(|tx| prune_terms(tx, cutoff, COUNTED))?;
            tracing::debug!(step.pruned, "terms of old readings dropped");
            more |= step.more;
        }
        more |= self.store.write(merge_index)?;
        if self.store.truncate_log()? {
            tracing::debug!("the write-ahead log was cut back");
        }
        Ok(more)
    }
}

fn before(now: Timestamp, age: Option<Duration>) -> Option<Timestamp> {
    now.checked_sub(SignedDuration::try_from(age?).ok()?).ok()
}

//! How many visits at once, over all hosts and to one, and how far apart.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::daemon::Setup;
use crate::feed::host;

/// Shared by all visits.
#[derive(Clone)]
pub struct Gates {
    all: Arc<Semaphore>,
    hosts: Arc<Mutex<HashMap<String, Arc<Gate>>>>,
    per_host: usize,
    spacing: Duration,
    special: Arc<HashMap<String, Duration>>,
}

/// Leave to visit: of the host until its answer is read, of all until the document is kept.
pub struct Pass {
    pub host: Option<OwnedSemaphorePermit>,
    pub all: Option<OwnedSemaphorePermit>,
}

struct Gate {
    permits: Arc<Semaphore>,
    next: Mutex<Instant>,
    spacing: Duration,
}

impl Gates {
    pub fn new(setup: &Setup) -> Self {
        let config = &setup.config;
        Self {
            all: Arc::new(Semaphore::new(config.concurrency)),
            hosts: Arc::default(),
            per_host: config.per_host,
            spacing: config.host_spacing,
            special: Arc::new(
                config
                    .hosts
                    .iter()
                    .map(|it| (it.name.clone(), it.spacing))
                    .collect(),
            ),
        }
    }

    /// Waits for the host's turn first, so that a slow host's queue takes no place from others.
    /// `is_own`: a private address, which needs no manners but those it is given.
    pub async fn enter(&self, url: &str, is_own: bool) -> Pass {
        let gate = self.gate(host(url), is_own);
        let host = Arc::clone(&gate.permits).acquire_owned().await.ok();
        let turn = {
            let mut next = gate.next.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = (*next).max(Instant::now());
            *next = turn + gate.spacing;
            turn
        };
        if turn > Instant::now() {
            tokio::time::sleep_until(turn).await;
        }
        Pass {
            host,
            all: Arc::clone(&self.all).acquire_owned().await.ok(),
        }
    }

    fn gate(&self, host: String, is_own: bool) -> Arc<Gate> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let special = self.special.get(&host).copied();
        let usual = if is_own { Duration::ZERO } else { self.spacing };
        let gate = hosts.entry(host).or_insert_with(|| {
            Arc::new(Gate {
                permits: Arc::new(Semaphore::new(self.per_host)),
                next: Mutex::new(Instant::now()),
                spacing: special.unwrap_or(usual),
            })
        });
        Arc::clone(gate)
    }
}

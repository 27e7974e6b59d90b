//! How many visits at once, over all hosts and to one, and how far apart.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::daemon::Setup;
use crate::feed::host;

/// An exchange that is not over by then gives its place to others.
const PATIENCE: Duration = Duration::from_secs(1);
/// Places for exchanges that prove slow. Each costs a connection and, while its document is small, some
/// 100 kB; large documents have permits of their own (`fetch`).
const SLOW: usize = 64;
/// Places for feeds that were slow at their last visit: they wait for each other and for nobody else.
const KNOWN_SLOW: usize = 16;
/// A visit that took so long makes its feed known as slow until one is faster.
pub const SLOW_VISIT: Duration = Duration::from_secs(4);

/// In which queue a visit waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    Usual,
    /// Of feeds that were slow last time.
    Slow,
}

/// A host and whether it is asked as one's own: a feed that is not allowed there must not slow those
/// that are.
type Host = (String, bool);

/// Shared by all visits.
#[derive(Clone)]
pub struct Gates {
    all: Arc<Semaphore>,
    /// For those that prove slow.
    all_slow: Arc<Semaphore>,
    known_slow: Arc<Semaphore>,
    hosts: Arc<Mutex<HashMap<Host, Arc<Gate>>>>,
    per_host: usize,
    spacing: Duration,
    special: Arc<HashMap<String, Duration>>,
}

/// Leave to visit: of the host until its answer is read, of all until the document is kept.
pub struct Pass {
    pub host: Option<OwnedSemaphorePermit>,
    pub all: Option<OwnedSemaphorePermit>,
    host_slow: Arc<Semaphore>,
    all_slow: Arc<Semaphore>,
    lane: Lane,
}

impl Pass {
    /// Awaits an exchange. One that proves slow goes on in a place of its own, if there is one, so
    /// that servers that hang keep nobody waiting.
    pub async fn hold<T>(&mut self, exchange: impl Future<Output = T>) -> T {
        if self.lane == Lane::Slow {
            return exchange.await;
        }
        let mut exchange = pin!(exchange);
        if let Ok(done) = tokio::time::timeout(PATIENCE, &mut exchange).await {
            return done;
        }
        let (host, all) = (Arc::clone(&self.host_slow), Arc::clone(&self.all_slow));
        let aside = async {
            (
                host.acquire_owned().await.ok(),
                all.acquire_owned().await.ok(),
            )
        };
        tokio::select! {
            biased;
            done = &mut exchange => return done,
            (host, all) = aside => (self.host, self.all) = (host, all),
        }
        exchange.await
    }
}

struct Gate {
    permits: Arc<Semaphore>,
    slow: Arc<Semaphore>,
    next: Mutex<Instant>,
    spacing: Duration,
}

impl Gates {
    pub fn new(setup: &Setup) -> Self {
        let config = &setup.config;
        Self {
            all: Arc::new(Semaphore::new(config.concurrency)),
            all_slow: Arc::new(Semaphore::new(SLOW.max(config.concurrency))),
            known_slow: Arc::new(Semaphore::new(KNOWN_SLOW)),
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
    pub async fn enter(&self, url: &str, is_own: bool, lane: Lane) -> Pass {
        let gate = self.gate(host(url), is_own);
        let all = match lane {
            Lane::Usual => &self.all,
            Lane::Slow => &self.known_slow,
        };
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
            all: Arc::clone(all).acquire_owned().await.ok(),
            lane,
            host_slow: Arc::clone(&gate.slow),
            all_slow: Arc::clone(&self.all_slow),
        }
    }

    fn gate(&self, host: String, is_own: bool) -> Arc<Gate> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let special = self.special.get(&host).copied();
        let (usual, slow) = if is_own {
            (Duration::ZERO, Semaphore::MAX_PERMITS)
        } else {
            (self.spacing, self.per_host)
        };
        let gate = hosts.entry((host, is_own)).or_insert_with(|| {
            Arc::new(Gate {
                permits: Arc::new(Semaphore::new(self.per_host)),
                slow: Arc::new(Semaphore::new(slow)),
                next: Mutex::new(Instant::now()),
                spacing: special.unwrap_or(usual),
            })
        });
        Arc::clone(gate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    use crate::config::Origin;
    use crate::config::shipped::CONFIG;
    use crate::fetch::reach::LOOKUPS_AT_ONCE;

    #[test]
    fn no_name_waits_behind_names_that_nobody_resolves() {
        let usual = crate::config::Config::parse(Origin::Shipped, Path::new(""), CONFIG)
            .expect("sound")
            .concurrency;
        assert!(usual + SLOW + KNOWN_SLOW < LOOKUPS_AT_ONCE);
    }
}

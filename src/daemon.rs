//! The running service: loops that are thin waits around plain turns, the only place that spawns.
//! Tests and the demo call the turns; only `run` starts the loops.

pub mod articles;
pub mod deliver;
mod digests;
pub mod gates;
mod index;
pub mod notify;
pub mod poll;
pub mod prune;
pub mod visit;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use jiff::Timestamp;
use rusqlite::Transaction;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, watch};

use crate::channel::Channel;
use crate::clock::Clock;
use crate::config::Config;
use crate::config::access::{self, Accesses};
use crate::config::fault::Faults;
use crate::config::web::WebConfig;
use crate::daemon::deliver::Deliverer;
use crate::daemon::poll::Poller;
use crate::daemon::prune::Pruner;
use crate::ingest::Routes;
use crate::ingest::Settings;
use crate::message::templates::Templates;
use crate::store;
use crate::store::{Store, StoreError, feeds, outbox};
use crate::story::Tables;
use crate::text::counted;
use crate::topic::Engine;
use crate::web::{self, Site, Web};

/// A configuration with everything it names compiled and opened. Replaced whole at a reload.
#[derive(Debug)]
pub struct Setup {
    pub config: Config,
    pub engine: Arc<Engine>,
    pub tables: Arc<Tables>,
    pub templates: Arc<Templates>,
    pub channels: Vec<(String, Channel)>,
    pub access: Accesses,
    /// What the dashboard goes by.
    pub site: Arc<Site>,
}

impl Setup {
    pub fn new(config: Config) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let engine = config.engine().map_err(|mut more| faults.append(&mut more));
        let templates = config
            .templates()
            .map(Arc::new)
            .map_err(|mut more| faults.append(&mut more));
        let channels = templates.as_ref().or(Err(())).and_then(|templates| {
            config
                .open_channels(templates)
                .map_err(|mut more| faults.append(&mut more))
        });
        let access = access::open(&config.access).map_err(|mut more| faults.append(&mut more));
        let gate = config.web.as_ref().map(WebConfig::open).transpose();
        let gate = gate.map_err(|mut more| faults.append(&mut more));
        let tables = engine.as_ref().or(Err(())).and_then(|engine| {
            config
                .tables(&engine.lexicon)
                .map_err(|mut more| faults.append(&mut more))
        });
        let (Ok(engine), Ok(tables), Ok(templates), Ok(channels), Ok(access), Ok(gate)) =
            (engine, tables, templates, channels, access, gate)
        else {
            return Err(faults);
        };
        let (engine, tables) = (Arc::new(engine), Arc::new(tables));
        Ok(Self {
            site: Arc::new(Site {
                zone: config.zone.clone(),
                engine: Arc::clone(&engine),
                tables: Arc::clone(&tables),
                gate: gate.unwrap_or_default(),
            }),
            engine,
            tables,
            templates,
            channels,
            access,
            config,
        })
    }

    pub fn desk(&self) -> Settings {
        let topics = self.engine.topics.iter().map(|it| it.name.as_str());
        desk(&self.config, Arc::clone(&self.tables), topics)
    }
}

/// What the configuration says of `topics` beside how they are judged.
pub fn desk<'a>(
    config: &Config,
    tables: Arc<Tables>,
    topics: impl Iterator<Item = &'a str>,
) -> Settings {
    let mut desk = Settings {
        tables,
        routes: Routes::new(),
        policies: HashMap::new(),
    };
    for topic in topics {
        desk.routes
            .insert(topic.to_owned(), config.routes_of(topic));
        desk.policies
            .insert(topic.to_owned(), config.alerts_of(topic));
    }
    desk
}

/// Shared by the loops: when each last turned, and the bell that says deliveries wait.
#[derive(Debug)]
pub struct Pulse {
    started: Instant,
    poll: AtomicU64,
    deliver: AtomicU64,
    pub owed: Notify,
}

impl Default for Pulse {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            poll: AtomicU64::new(0),
            deliver: AtomicU64::new(0),
            owed: Notify::new(),
        }
    }
}

impl Pulse {
    fn beat(&self, which: &AtomicU64) {
        which.store(self.started.elapsed().as_secs(), Ordering::Relaxed);
    }

    /// Whether both loops turned within `limit`; what the watchdog is told.
    fn alive(&self, limit: Duration) -> bool {
        let now = self.started.elapsed().as_secs();
        [&self.poll, &self.deliver]
            .iter()
            .all(|it| now - it.load(Ordering::Relaxed).min(now) <= limit.as_secs())
    }
}

/// A loop turns at least this often, so that the watchdog hears from it.
const LONGEST_WAIT: Duration = Duration::from_secs(15);
/// What a delivery under way may still take after the service was asked to stop.
const DRAIN: Duration = Duration::from_secs(20);

/// Writes the configured feeds into the archive and takes back what a killed process was sending.
pub fn prepare(store: &Store, setup: &Setup, clock: &Clock) -> Result<(), StoreError> {
    let now = clock.now();
    store.write(|tx| {
        adopt(tx, &setup.config, now)?;
        let released = outbox::release_leases(tx, now)?;
        if released > 0 {
            tracing::info!(released, "{released} deliveries were under way when the service last ended; they go out again");
        }
        Ok(())
    })
}

/// Makes the archive's feeds, channels and schedules those of the configuration.
fn adopt(tx: &Transaction<'_>, config: &Config, now: Timestamp) -> Result<(), StoreError> {
    feeds::sync(tx, &config.feeds, &config.poll, now)?;
    let channels = config.channels.iter().map(|it| it.name.as_str());
    outbox::channels::sync(tx, channels, now)?;
    store::digests::sync(tx, &config.digests, now)
}

/// Runs until SIGTERM or SIGINT. `reload` reads the configuration again, for SIGHUP.
pub async fn run(
    setup: Setup,
    store: Store,
    clock: Clock,
    reload: impl Fn() -> Result<Setup, Faults>,
) -> anyhow::Result<()> {
    let store = Arc::new(store);
    prepare(&store, &setup, &clock)?;
    let setup = Arc::new(setup);
    let pulse = Arc::new(Pulse::default());
    let (setups, current) = watch::channel(Arc::clone(&setup));
    let (stop, stopping) = watch::channel(false);
    let poller = Poller::new(Arc::clone(&store), clock.clone(), Arc::clone(&setup))?;
    let mut deliverer = Deliverer::new(Arc::clone(&store), clock.clone(), Arc::clone(&setup));
    deliverer.take_place()?;
    let pruner = Pruner::new(Arc::clone(&store), clock.clone());
    let mut prunes = tokio::spawn(pruner.run(current.clone(), stopping.clone()));
    let mut polls = tokio::spawn(poller.run(current.clone(), stopping.clone(), Arc::clone(&pulse)));
    let dashboard = setup.config.web.as_ref().map(|web| {
        let (archive, current) = (Arc::clone(&store), current.clone());
        let site = move || Arc::clone(&current.borrow().site);
        let served = Arc::new(Web::new(site, archive, clock.clone()));
        tokio::spawn(web::run(web.listen, served, stopping.clone()))
    });
    let mut deliveries = tokio::spawn(deliverer.run(current, stopping, Arc::clone(&pulse)));
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    let mut hangup = signal(SignalKind::hangup()).context("listen for SIGHUP")?;
    let watchdog = notify::watchdog();
    let mut tick = tokio::time::interval(watchdog.map_or(Duration::from_secs(3600), |it| it / 3));
    let (n_feeds, n_topics) = (setup.config.feeds.len(), setup.engine.topics.len());
    tracing::info!(
        n_feeds,
        n_topics,
        "watching {} for {}, from {}",
        counted(n_feeds, "feed"),
        counted(n_topics, "topic"),
        setup.config.origin
    );
    drop(setup);
    notify::ready();
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => {
                notify::reloading();
                match reload().and_then(|setup| apply(&store, setup, &clock, &setups)) {
                    Ok(()) => tracing::info!("configuration read again and in force"),
                    Err(faults) => tracing::error!("the new configuration is refused, the old one stays:\n{faults}"),
                }
                notify::ready();
            }
            _ = tick.tick() => {
                if let Some(limit) = watchdog && pulse.alive(limit) {
                    notify::alive();
                }
            }
            ended = &mut polls => anyhow::bail!("the poll loop ended: {ended:?}"),
            ended = &mut prunes => anyhow::bail!("the retention loop ended: {ended:?}"),
            ended = &mut deliveries => anyhow::bail!("the delivery loop ended: {ended:?}"),
        }
    }
    tracing::info!("stopping: fetches under way are dropped, deliveries under way are finished");
    notify::stopping();
    stop.send_replace(true);
    let served = async {
        if let Some(dashboard) = dashboard {
            let _ = dashboard.await;
        }
    };
    let drained =
        tokio::time::timeout(DRAIN, async { tokio::join!(polls, deliveries, served) }).await;
    if drained.is_err() {
        tracing::warn!(
            "a delivery did not end in time; it goes out again at the next start under the same key"
        );
    }
    Ok(())
}

/// Returns once the service was asked to stop.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error means that `run` is gone, which is a reason to stop too.
    let _ = stopping.wait_for(|it| *it).await;
}

fn apply(
    store: &Store,
    setup: Setup,
    clock: &Clock,
    setups: &watch::Sender<Arc<Setup>>,
) -> Result<(), Faults> {
    let refused =
        |error: String| crate::config::fault::Fault::new(&setup.config.origin, None, error);
    if setup.config.archive != store.path() {
        return Err(refused("archive: another archive needs a restart".to_owned()).into());
    }
    let listens = |setup: &Setup| setup.config.web.as_ref().map(|it| it.listen);
    if listens(&setup) != listens(&setups.borrow()) {
        return Err(refused("[web] listen: another address needs a restart".to_owned()).into());
    }
    let now = clock.now();
    store
        .write(|tx| adopt(tx, &setup.config, now))
        .map_err(|error| refused(format!("it cannot be written down: {error}")))?;
    setups.send_replace(Arc::new(setup));
    Ok(())
}

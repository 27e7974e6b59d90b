//! The running service: loops that are thin waits around plain turns, the only place that spawns.
//! Tests and the demo call the turns; only `run` starts the loops.

pub mod articles;
mod asks;
mod care;
pub mod deliver;
mod digests;
mod heartbeat;
pub mod gates;
mod index;
mod manage;
pub mod notify;
mod offline;
pub mod poll;
pub mod prune;
pub mod visit;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use jiff::Timestamp;
use rusqlite::Transaction;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;

use crate::channel::Channel;
use crate::channel::heartbeat::Heartbeat;
use crate::clock::Clock;
use crate::config::Config;
use crate::config::access::{self, Accesses};
use crate::config::fault::Faults;
use crate::config::web::WebConfig;
use crate::daemon::deliver::Deliverer;
use crate::daemon::manage::Then;
use crate::daemon::poll::Poller;
use crate::daemon::prune::Pruner;
use crate::ingest::Routes;
use crate::ingest::Settings;
use crate::message::templates::Templates;
use crate::metrics::Metrics;
use crate::store;
use crate::store::{Store, StoreError, feeds, outages, outbox};
use crate::story::Tables;
use crate::text::counted;
use crate::topic::Engine;
use crate::web::probes::Vitals;
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
    /// A dead man's switch.
    pub heartbeat: Option<Heartbeat>,
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
        let heartbeat = config.health.open(&config.limits);
        let heartbeat = heartbeat.map_err(|mut more| faults.append(&mut more));
        let gate = config.web.as_ref().map(WebConfig::open).transpose();
        let gate = gate.map_err(|mut more| faults.append(&mut more));
        let tables = engine.as_ref().or(Err(())).and_then(|engine| {
            config
                .tables(engine)
                .map_err(|mut more| faults.append(&mut more))
        });
        let (Ok(engine), Ok(tables), Ok(templates), Ok(channels)) =
            (engine, tables, templates, channels)
        else {
            return Err(faults);
        };
        let (Ok(access), Ok(gate), Ok(heartbeat)) = (access, gate, heartbeat) else {
            return Err(faults);
        };
        let (engine, tables) = (Arc::new(engine), Arc::new(tables));
        Ok(Self {
            site: Arc::new(Site {
                zone: config.zone.clone(),
                engine: Arc::clone(&engine),
                tables: Arc::clone(&tables),
                policies: config
                    .topics
                    .iter()
                    .map(|it| (it.name.clone(), it.alerts.clone()))
                    .collect(),
                push: channels
                    .iter()
                    .filter_map(|(name, it)| Some((name.clone(), it.webpush()?.key.public())))
                    .collect(),
                gate: gate.unwrap_or_default(),
            }),
            engine,
            tables,
            templates,
            channels,
            access,
            heartbeat,
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
    /// Each loop has made its first turn.
    polled: AtomicBool,
    delivered: AtomicBool,
    /// The archive takes nothing, and polling pauses.
    paused: AtomicBool,
    pub metrics: Arc<Metrics>,
    pub owed: Notify,
    /// Somebody asked for a poll.
    pub asked: Notify,
}

impl Default for Pulse {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            poll: AtomicU64::new(0),
            deliver: AtomicU64::new(0),
            polled: AtomicBool::new(false),
            delivered: AtomicBool::new(false),
            paused: AtomicBool::new(false),
            metrics: Arc::default(),
            owed: Notify::new(),
            asked: Notify::new(),
        }
    }
}

impl Pulse {
    fn beat(&self, which: &AtomicU64) {
        which.store(self.started.elapsed().as_secs(), Ordering::Relaxed);
    }

    /// Why the service is not ready; none where it is.
    fn unready(&self) -> Option<&'static str> {
        let is = |which: &AtomicBool| which.load(Ordering::Relaxed);
        if !is(&self.polled) || !is(&self.delivered) {
            Some("the first turn is not done")
        } else if is(&self.paused) {
            Some("the archive takes nothing; polling pauses")
        } else {
            None
        }
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
        outages::retry_unreached(tx, now)?;
        store::asks::forget(tx)?;
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

/// What a manager sends. Listened to before the archive is opened, which may take long: a reload that comes meanwhile
/// would end the process, and a stop would leave an unclean end.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Within a runtime.
    pub fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context("listen for SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("listen for SIGINT")?,
            hangup: signal(SignalKind::hangup()).context("listen for SIGHUP")?,
        })
    }
}

/// Runs until SIGTERM or SIGINT. `reload` reads the configuration again, for SIGHUP.
pub async fn run(
    setup: Setup,
    store: Store,
    clock: Clock,
    signals: Signals,
    reload: impl Fn() -> Result<Setup, Faults>,
) -> anyhow::Result<()> {
    let Signals {
        mut terminate,
        mut interrupt,
        mut hangup,
    } = signals;
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
    let (mut cares, mut beats) = look_after(&store, &clock, &current, &stopping, &pulse);
    let mut polls = tokio::spawn(poller.run(current.clone(), stopping.clone(), Arc::clone(&pulse)));
    let (manager, mut wishes) = mpsc::channel(8);
    let listen = setup.config.web.as_ref().map(|it| it.listen);
    let dashboard = listen.map(|listen| {
        let (archive, current) = (Arc::clone(&store), current.clone());
        let site = move || Arc::clone(&current.borrow().site);
        let served = Web::new(site, archive, clock.clone())
            .with_vitals(vitals(&pulse))
            .with_manager(manager);
        tokio::spawn(web::run(listen, Arc::new(served), stopping.clone()))
    });
    let mut deliveries = tokio::spawn(deliverer.run(current, stopping, Arc::clone(&pulse)));
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
            Some((wish, reply)) = wishes.recv() => {
                let setup = Arc::clone(&setups.borrow());
                match manage::fulfil(wish, &store, &clock, &setup, &pulse) {
                    Then::Answer(answer) => drop(reply.send(answer)),
                    Then::Reload(done) => {
                        let read = reload().and_then(|setup| apply(&store, setup, &clock, &setups));
                        drop(reply.send(read.map(|()| done).map_err(|it| it.to_string())));
                    }
                    Then::Test(wanted) => {
                        let clock = clock.clone();
                        tokio::spawn(async move { reply.send(manage::test(setup, clock, wanted).await) });
                    }
                }
            }
            _ = tick.tick() => {
                if let Some(limit) = watchdog && pulse.alive(limit) {
                    notify::alive();
                }
            }
            ended = &mut cares => {
                ended.context("the care of the archive")??;
                anyhow::bail!("the care of the archive ended");
            }
            ended = &mut beats => anyhow::bail!("the heartbeat ended: {ended:?}"),
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
    drain(async { tokio::join!(polls, deliveries, served) }).await;
    Ok(())
}

/// Waits for what is under way, and no longer than [`DRAIN`].
async fn drain<T>(under_way: impl Future<Output = T>) {
    let drained = tokio::time::timeout(DRAIN, under_way).await;
    if drained.is_err() {
        tracing::warn!(
            "a delivery did not end in time; it goes out again at the next start under the same key"
        );
    }
}

/// The loops that look after the rest: the archive's file, and the heartbeat.
fn look_after(
    store: &Arc<Store>,
    clock: &Clock,
    current: &watch::Receiver<Arc<Setup>>,
    stopping: &watch::Receiver<bool>,
    pulse: &Arc<Pulse>,
) -> (JoinHandle<Result<(), StoreError>>, JoinHandle<()>) {
    let (setups, stop) = (|| current.clone(), || stopping.clone());
    let care = care::run(
        Arc::clone(store),
        clock.clone(),
        setups(),
        stop(),
        Arc::clone(pulse),
    );
    let beat = heartbeat::run(Arc::clone(store), setups(), stop(), Arc::clone(pulse));
    (tokio::spawn(care), tokio::spawn(beat))
}

/// What the loops say of themselves, for probes.
fn vitals(pulse: &Arc<Pulse>) -> Vitals {
    let (alive, ready) = (Arc::clone(pulse), Arc::clone(pulse));
    Vitals {
        metrics: Arc::clone(&pulse.metrics),
        alive: Box::new(move || alive.alive(heartbeat::ALIVE)),
        unready: Box::new(move || ready.unready()),
    }
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

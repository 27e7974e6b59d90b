//! Visits to feeds: who is due, no more at once than allowed, and what they found into `ingest`.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::daemon::articles::Visitor;
use crate::daemon::asks::Asked;
use crate::daemon::gates::{Gates, Lane, SLOW_VISIT};
use crate::daemon::index;
use crate::daemon::offline::{Offline, Sifted};
use crate::daemon::visit::visit;
use crate::daemon::{LONGEST_WAIT, Pulse, Setup, stopped};
use crate::feed::{FeedId, Polled, Selectors, host};
use crate::fetch::access::Access;
use crate::fetch::reach::Reach;
use crate::fetch::{After, Ask, Fetcher};
use crate::ingest::article::Article;
use crate::ingest::{Found, Ingest, Report, Visit};
use crate::metrics::Metrics;
use crate::store::items::ItemId;
use crate::store::{Store, StoreError, articles, feeds, outages};

/// Visits taken in one transaction; a transaction costs an fsync whatever it holds.
const BATCH: usize = 100;
/// Between two looks at what is due.
const SHORTEST_WAIT: Duration = Duration::from_millis(200);
/// Pages of articles under way at once.
const ARTICLES: usize = 4;
/// New items after which the archive's cache is given back once the polling rests.
const BURST: usize = 1_000;

pub struct Poller {
    pub(super) store: Arc<Store>,
    pub(super) clock: Clock,
    pub(super) setup: Arc<Setup>,
    /// Of feeds that are asked like most.
    ordinary: Arc<Access>,
    /// What of a page is an item, for feeds that are pages.
    pages: HashMap<String, Selectors>,
    /// Hosts of several feeds.
    shared_hosts: HashSet<String>,
    fetcher: Fetcher,
    gates: Gates,
    ingest: Arc<Mutex<Ingest>>,
    pub(super) in_flight: HashSet<FeedId>,
    /// Whether anything can be reached.
    pub(super) offline: Offline,
    /// Polls that somebody waits for.
    pub(super) asked: Vec<Asked>,
    pub(super) metrics: Arc<Metrics>,
    /// Feeds whose last visit took long.
    slow: HashSet<FeedId>,
    /// Items whose articles are being visited.
    reading: HashSet<ItemId>,
    visits: JoinSet<Ended>,
    /// For jitter.
    rng: fastrand::Rng,
}

#[expect(clippy::large_enum_variant, reason = "nearly all are the large one")]
enum Ended {
    /// A document keeps its permits, of all and of large ones, until it is in the archive, which bounds
    /// how many are in memory at once.
    Feed(Visit, [Option<OwnedSemaphorePermit>; 2]),
    Article(Article),
}

/// What a batch of visits gave.
#[derive(Default)]
struct Taken {
    reports: Vec<Report>,
    /// Of visits that reached nobody because nobody can be reached.
    unseen: Vec<Report>,
    /// That came of articles.
    alerts: usize,
}

impl Poller {
    pub fn new(store: Arc<Store>, clock: Clock, setup: Arc<Setup>) -> anyhow::Result<Self> {
        let ingest = ingest(&setup, &store, &clock)?;
        Ok(Self {
            fetcher: Fetcher::new(setup.config.limits.clone()),
            gates: Gates::new(&setup),
            ordinary: Arc::default(),
            pages: pages(&setup),
            shared_hosts: shared_hosts(&setup),
            ingest: Arc::new(Mutex::new(ingest)),
            in_flight: HashSet::new(),
            asked: Vec::new(),
            metrics: Arc::default(),
            offline: Offline::resumed(store.read(outages::unfinished)?),
            slow: HashSet::new(),
            reading: HashSet::new(),
            visits: JoinSet::new(),
            rng: fastrand::Rng::new(),
            store,
            clock,
            setup,
        })
    }

    /// With the same jitter at every run.
    #[must_use]
    pub fn seeded(mut self, seed: u64) -> Self {
        self.rng.seed(seed);
        self
    }

    /// Polls until `stopping`; fetches under way are dropped then, and nothing of them is recorded.
    pub async fn run(
        mut self,
        mut setups: watch::Receiver<Arc<Setup>>,
        mut stopping: watch::Receiver<bool>,
        pulse: Arc<Pulse>,
    ) {
        let mut trouble = 0_u32;
        let mut burst = 0;
        let mut resume_at: Option<Instant> = None;
        self.metrics = Arc::clone(&pulse.metrics);
        loop {
            pulse.beat(&pulse.poll);
            let pause = resume_at
                .map(|at| at.saturating_duration_since(Instant::now()))
                .filter(|it| !it.is_zero());
            let wait = match pause {
                Some(pause) => pause.min(LONGEST_WAIT),
                None => match self.start_due() {
                    Ok(wait) => {
                        pulse.polled.store(true, Ordering::Relaxed);
                        wait
                    }
                    Err(error) => {
                        tracing::error!("cannot see which feeds are due: {error}");
                        LONGEST_WAIT
                    }
                },
            };
            tokio::select! {
                biased;
                () = stopped(&mut stopping) => return,
                Ok(()) = setups.changed() => {
                    let setup = Arc::clone(&setups.borrow_and_update());
                    if let Err(error) = self.adopt(setup) {
                        tracing::error!("the new configuration cannot be used for polling: {error:#}");
                    }
                }
                batch = self.finished(), if !self.visits.is_empty() => match self.take(batch).await {
                    Ok(Taken { reports, unseen, alerts }) => {
                        unseen.iter().for_each(log_unseen);
                        let seen: Vec<&Report> = reports.iter().chain(&unseen).collect();
                        if let Err(error) = self.answer_asks(&seen) {
                            tracing::error!("who asked for a poll cannot be answered: {error}");
                        }
                        resume_at = None;
                        trouble = 0;
                        pulse.paused.store(false, Ordering::Relaxed);
                        reports.iter().for_each(log);
                        let owes = |it: &Report| it.alerts > 0 || it.health.is_some();
                        if alerts > 0 || reports.iter().any(owes) {
                            pulse.owed.notify_one();
                        }
                        burst += reports.iter().map(|it| it.new).sum::<usize>();
                        if burst > BURST && self.visits.is_empty() {
                            burst = 0;
                            self.shrink();
                        }
                    }
                    // Visits that were under way then fail with it; one pause is for all of them.
                    Err(error) if resume_at.is_some_and(|at| at > Instant::now()) => {
                        tracing::debug!("as before: {error}");
                    }
                    // Nothing was kept, validators included: the same feeds are due again.
                    Err(error) => {
                        trouble += 1;
                        let pause = Duration::from_secs(2 << trouble.min(5));
                        resume_at = Some(Instant::now() + pause);
                        pulse.paused.store(true, Ordering::Relaxed);
                        tracing::error!("polling pauses for {} s: {error}", pause.as_secs());
                    }
                },
                () = pulse.asked.notified() => if let Err(error) = self.take_asks() {
                    tracing::error!("a poll that was asked for cannot be made: {error}");
                },
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// One turn for tests and the demo: everything due now is visited and taken.
    pub async fn poll_due(&mut self) -> Result<Vec<Report>, StoreError> {
        self.start_due()?;
        self.drain().await
    }

    /// Visits these feeds now, due or not, and waits for all of them.
    pub async fn poll_now(&mut self, names: &[String]) -> Result<Vec<Report>, StoreError> {
        let feeds = self
            .store
            .read(|connection| feeds::chosen(connection, names))?;
        feeds.into_iter().for_each(|feed| self.start(feed));
        self.drain().await
    }

    async fn drain(&mut self) -> Result<Vec<Report>, StoreError> {
        let mut reports = Vec::new();
        while !self.visits.is_empty() {
            let batch = self.finished().await;
            let taken = self.take(batch).await?;
            reports.extend(taken.reports.into_iter().chain(taken.unseen));
            self.start_articles()?;
        }
        Ok(reports)
    }

    /// Starts what is due and says how long until the next.
    fn start_due(&mut self) -> Result<Duration, StoreError> {
        let now = self.clock.now();
        if let Some(wait) = self.look(now)? {
            return Ok(wait.clamp(SHORTEST_WAIT, LONGEST_WAIT));
        }
        // A day beyond any schedule: written by a clock that ran ahead.
        let furthest = now
            .checked_add(SignedDuration::from_hours(48))
            .unwrap_or(now);
        let due = self
            .store
            .read(|connection| feeds::due(connection, now, furthest))?;
        due.into_iter().for_each(|feed| self.start(feed));
        self.start_articles()?;
        let next = self
            .store
            .read(|connection| feeds::next_due(connection, |it| self.in_flight.contains(&it)))?;
        // Those that are being read are overdue until they end.
        let next_article = self
            .store
            .read(articles::next_due)?
            .filter(|at| self.reading.is_empty() || *at > now);
        let wait = next
            .into_iter()
            .chain(next_article)
            .min()
            // What is overdue is due at once.
            .map_or(LONGEST_WAIT, |next| {
                Duration::try_from(next.duration_since(now)).unwrap_or_default()
            });
        Ok(wait.clamp(SHORTEST_WAIT, LONGEST_WAIT))
    }

    /// Starts visits to articles' pages, a few at a time.
    fn start_articles(&mut self) -> Result<(), StoreError> {
        let now = self.clock.now();
        if self.reading.len() >= ARTICLES {
            return Ok(());
        }
        let due = self
            .store
            .read(|connection| articles::due(connection, now, ARTICLES))?;
        for wanted in due {
            if self.reading.len() < ARTICLES && self.reading.insert(wanted.item) {
                let visitor = Visitor {
                    setup: Arc::clone(&self.setup),
                    fetcher: self.fetcher.clone(),
                    gates: self.gates.clone(),
                    clock: self.clock.clone(),
                };
                self.visits
                    .spawn(async { Ended::Article(visitor.visit(wanted).await) });
            }
        }
        Ok(())
    }

    pub(super) fn start(&mut self, mut feed: Polled) {
        if !self.in_flight.insert(feed.id) {
            return;
        }
        self.offline.starts(&feed);
        let access = self.setup.access.get(&feed.feed.name);
        let access = Arc::clone(access.unwrap_or(&self.ordinary));
        feed.feed.allow_private = access.reach == Reach::Anywhere;
        feed.feed.select = self.pages.get(&feed.feed.name).cloned();
        let policy = self.setup.config.poll;
        let (fetcher, clock, gates) =
            (self.fetcher.clone(), self.clock.clone(), self.gates.clone());
        let shared = self.shared_hosts.contains(&host(&feed.feed.url));
        let after = if shared { After::Keep } else { After::Close };
        let max_bytes = self.setup.config.limits.body;
        let jitter = self.rng.f64();
        let lane = if self.slow.contains(&feed.id) {
            Lane::Slow
        } else {
            Lane::Usual
        };
        self.visits.spawn(async move {
            let own = feed.feed.allow_private;
            let mut pass = gates.enter(&feed.feed.url, own, lane).await;
            let now = clock.now();
            let ask = Ask {
                url: &feed.feed.url,
                moved_to: feed.moved_to(),
                validators: &feed.validators_at(now, &policy),
                access: &access,
                after,
                now,
            };
            // In a box: a thousand visits wait for their turn, and a few are under way.
            let mut fetched = pass.hold(Box::pin(fetcher.get(&ask))).await;
            let large = fetched.large.take();
            drop(pass.host);
            let seen = visit(&feed, clock.now(), fetched, max_bytes, jitter);
            let mut visit = Box::pin(seen).await;
            let mut permit = pass.all;
            if let Some(children) = index::children(&visit) {
                // Each of them waits for its turn like a feed of its own.
                drop(permit);
                let enter = || gates.enter(&feed.feed.url, own, lane);
                let reader = index::Reader {
                    feed: &feed,
                    fetcher: &fetcher,
                    access: &access,
                    clock: &clock,
                    max_bytes,
                };
                permit = Box::pin(reader.follow(children, enter, &mut visit)).await;
            }
            let mut permits = [permit, large];
            if !matches!(visit.found, Found::Document { .. }) {
                permits = [None, None];
            }
            Ended::Feed(visit, permits)
        });
    }

    /// At least one visit that ended, and those that ended with it.
    async fn finished(&mut self) -> Vec<Ended> {
        let mut batch = Vec::new();
        let mut next = self.visits.join_next().await;
        while let Some(joined) = next {
            match joined {
                Ok(ended) => batch.push(ended),
                Err(error) => tracing::error!(%error, "a visit panicked; it is made again"),
            }
            next = if batch.len() < BATCH {
                self.visits.try_join_next()
            } else {
                None
            };
        }
        if self.visits.is_empty() {
            self.in_flight.clear();
            self.reading.clear();
        }
        batch
    }

    async fn take(&mut self, batch: Vec<Ended>) -> Result<Taken, StoreError> {
        let (store, ingest) = (Arc::clone(&self.store), Arc::clone(&self.ingest));
        let (mut visits, mut permits, mut articles) = (Vec::new(), Vec::new(), Vec::new());
        for ended in batch {
            match ended {
                Ended::Feed(visit, permit) => {
                    self.in_flight.remove(&visit.feed);
                    if visit.duration >= SLOW_VISIT {
                        self.slow.insert(visit.feed);
                    } else {
                        self.slow.remove(&visit.feed);
                    }
                    visits.push(visit);
                    permits.push(permit);
                }
                Ended::Article(article) => {
                    self.reading.remove(&article.item);
                    articles.push(article);
                }
            }
        }
        let Sifted { visits, unseen } = self.sift(visits)?;
        let results: Vec<&'static str> = visits.iter().map(result).collect();
        let began = Instant::now();
        let taken: Result<Taken, StoreError> = tokio::task::spawn_blocking(move || {
            let mut ingest = ingest.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(Taken {
                alerts: ingest.take_articles(&store, &articles)?,
                reports: ingest.take(&store, &visits)?,
                unseen,
            })
        })
        .await
        .expect("ingest catches panics of its stages");
        drop(permits);
        if let Ok(taken) = &taken {
            self.metrics.turned("poll", began.elapsed());
            for (report, result) in taken.reports.iter().zip(results) {
                self.metrics.visited(result, report.bytes, report.new);
            }
            for _ in &taken.unseen {
                self.metrics.visited("unreached", 0, 0);
            }
        }
        taken
    }

    /// Off the async thread, for the writer may be busy.
    fn shrink(&self) {
        let store = Arc::clone(&self.store);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = store.shrink().and_then(|()| store.truncate_log()) {
                tracing::debug!(%error, "shrink");
            }
        });
    }

    fn adopt(&mut self, setup: Arc<Setup>) -> anyhow::Result<()> {
        let ingest = ingest(&setup, &self.store, &self.clock)?;
        self.fetcher = Fetcher::new(setup.config.limits.clone());
        self.gates = Gates::new(&setup);
        self.pages = pages(&setup);
        self.shared_hosts = shared_hosts(&setup);
        self.ingest = Arc::new(Mutex::new(ingest));
        self.setup = setup;
        Ok(())
    }
}

fn ingest(setup: &Setup, store: &Store, clock: &Clock) -> Result<Ingest, StoreError> {
    let mut ingest = Ingest::new(Arc::clone(&setup.engine), setup.desk(), setup.config.poll);
    ingest.operator = setup.config.operator.clone();
    ingest.full_text.clone_from(&setup.config.full_text);
    ingest.bounds = setup.config.bounds;
    store.read(|connection| ingest.load(connection, clock.now()))?;
    Ok(ingest)
}

fn pages(setup: &Setup) -> HashMap<String, Selectors> {
    let feeds = setup.config.feeds.iter();
    feeds
        .filter_map(|it| Some((it.name.clone(), it.select.clone()?)))
        .collect()
}

fn shared_hosts(setup: &Setup) -> HashSet<String> {
    let mut seen = HashSet::new();
    let hosts = setup.config.feeds.iter().map(|feed| host(&feed.url));
    hosts.filter(|host| !seen.insert(host.clone())).collect()
}

/// As metrics count it.
fn result(visit: &Visit) -> &'static str {
    match &visit.found {
        Found::NotModified => "not-modified",
        Found::Unchanged { .. } | Found::Document { .. } => "ok",
        Found::Failed { class, .. } => class.as_str(),
    }
}

/// One line tells of all of them.
fn log_unseen(report: &Report) {
    let (name, error) = (report.feed.as_str(), report.error.as_deref());
    tracing::debug!(feed.name = name, "{name}: {}", error.unwrap_or_default());
}

fn log(report: &Report) {
    let name = report.feed.as_str();
    if let Some(health) = report.health {
        let health = health.as_str();
        tracing::info!(feed.name = name, health, "{name} is {health} now; told");
    }
    match &report.error {
        Some(error) => tracing::warn!(feed.name = name, status = report.status, "{name}: {error}"),
        None if report.new + report.revised > 0 => tracing::info!(
            feed.name = name,
            new = report.new,
            revised = report.revised,
            matched = report.matched,
            alerts = report.alerts,
            "polled {name}: {} new, {} matched",
            report.new,
            report.matched
        ),
        None => tracing::debug!(
            feed.name = name,
            status = report.status,
            "polled {name}: nothing new"
        ),
    }
}

//! Visits to feeds: who is due, no more at once than allowed, and what they found into `ingest`.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use url::Url;

use crate::clock::Clock;
use crate::daemon::articles::Visitor;
use crate::daemon::gates::Gates;
use crate::daemon::index;
use crate::daemon::{LONGEST_WAIT, Pulse, Setup, stopped};
use crate::feed::{FeedId, Polled, Selectors, host};
use crate::fetch::access::Access;
use crate::fetch::page::{Page, judge, shown};
use crate::fetch::reach::Reach;
use crate::fetch::{After, Ask, Document, ErrorClass, Fetched, Fetcher, Outcome};
use crate::ingest::article::Article;
use crate::ingest::{Found, Ingest, Report, Visit};
use crate::parse::page::announced;
use crate::parse::{ParseError, Source, charset, guarded};
use crate::store::items::ItemId;
use crate::store::{Store, StoreError, articles, feeds};
use crate::text::{cut, printable};

/// Visits taken in one transaction; a transaction costs an fsync whatever it holds.
const BATCH: usize = 100;
/// Pages of articles under way at once.
const ARTICLES: usize = 4;
/// New items after which the archive's cache is given back once the polling rests.
const BURST: usize = 1_000;
/// A parse that takes longer is left behind on its thread and its document refused.
const PARSE_LIMIT: Duration = Duration::from_secs(20);

pub struct Poller {
    store: Arc<Store>,
    clock: Clock,
    setup: Arc<Setup>,
    /// Of feeds that are asked like most.
    ordinary: Arc<Access>,
    /// What of a page is an item, for feeds that are pages.
    pages: HashMap<String, Selectors>,
    /// Hosts of several feeds.
    shared_hosts: HashSet<String>,
    fetcher: Fetcher,
    gates: Gates,
    ingest: Arc<Mutex<Ingest>>,
    in_flight: HashSet<FeedId>,
    /// Items whose articles are being visited.
    reading: HashSet<ItemId>,
    visits: JoinSet<Ended>,
    /// For jitter.
    rng: fastrand::Rng,
}

#[expect(clippy::large_enum_variant, reason = "nearly all are the large one")]
enum Ended {
    /// A document keeps its permit until it is in the archive, which bounds how many are in memory
    /// at once.
    Feed(Visit, Option<OwnedSemaphorePermit>),
    Article(Article),
}

/// What a batch of visits gave.
#[derive(Default)]
struct Taken {
    reports: Vec<Report>,
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
        loop {
            pulse.beat(&pulse.poll);
            let pause = resume_at
                .map(|at| at.saturating_duration_since(Instant::now()))
                .filter(|it| !it.is_zero());
            let wait = match pause {
                Some(pause) => pause.min(LONGEST_WAIT),
                None => self.start_due().unwrap_or_else(|error| {
                    tracing::error!("cannot see which feeds are due: {error}");
                    LONGEST_WAIT
                }),
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
                    Ok(Taken { reports, alerts }) => {
                        resume_at = None;
                        trouble = 0;
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
                        tracing::error!("polling pauses for {} s: {error}", pause.as_secs());
                    }
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
            reports.extend(self.take(batch).await?.reports);
            self.start_articles()?;
        }
        Ok(reports)
    }

    /// Starts what is due and says how long until the next.
    fn start_due(&mut self) -> Result<Duration, StoreError> {
        let now = self.clock.now();
        // A day beyond any schedule: written by a clock that ran ahead.
        let furthest = now
            .checked_add(SignedDuration::from_hours(48))
            .unwrap_or(now);
        let due = self
            .store
            .read(|connection| feeds::due(connection, now, furthest))?;
        due.into_iter().for_each(|feed| self.start(feed));
        self.start_articles()?;
        let next = self.store.read(feeds::next_due)?;
        let next_article = self.store.read(articles::next_due)?;
        let wait = next
            .into_iter()
            .chain(next_article)
            .min()
            .and_then(|next| Duration::try_from(next.duration_since(now)).ok())
            .unwrap_or(LONGEST_WAIT);
        Ok(wait.clamp(Duration::from_millis(200), LONGEST_WAIT))
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

    fn start(&mut self, mut feed: Polled) {
        if !self.in_flight.insert(feed.id) {
            return;
        }
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
        self.visits.spawn(async move {
            let mut pass = gates.enter(&feed.feed.url, feed.feed.allow_private).await;
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
            let fetched = pass.hold(Box::pin(fetcher.get(&ask))).await;
            drop(pass.host);
            let seen = visit(&feed, clock.now(), fetched, max_bytes, jitter);
            let mut visit = Box::pin(seen).await;
            let mut permit = pass.all;
            if let Some(children) = index::children(&visit) {
                // Each of them waits for its turn like a feed of its own.
                drop(permit);
                let enter = || gates.enter(&feed.feed.url, feed.feed.allow_private);
                let reader = index::Reader {
                    feed: &feed,
                    fetcher: &fetcher,
                    access: &access,
                    clock: &clock,
                    max_bytes,
                };
                permit = Box::pin(reader.follow(children, enter, &mut visit)).await;
            }
            let permit = permit.filter(|_| matches!(visit.found, Found::Document { .. }));
            Ended::Feed(visit, permit)
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
                    visits.push(visit);
                    permits.push(permit);
                }
                Ended::Article(article) => {
                    self.reading.remove(&article.item);
                    articles.push(article);
                }
            }
        }
        let taken = tokio::task::spawn_blocking(move || {
            let mut ingest = ingest.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(Taken {
                alerts: ingest.take_articles(&store, &articles)?,
                reports: ingest.take(&store, &visits)?,
            })
        })
        .await
        .expect("ingest catches panics of its stages");
        drop(permits);
        taken
    }

    fn shrink(&self) {
        if let Err(error) = self.store.shrink() {
            tracing::debug!(%error, "shrink");
        }
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

/// Turns an exchange into a plain value: parsed here, off the async threads.
async fn visit(
    feed: &Polled,
    at: jiff::Timestamp,
    fetched: Fetched,
    max_bytes: usize,
    jitter: f64,
) -> Visit {
    let asked = feed.moved_to().unwrap_or(&feed.feed.url).to_owned();
    let moved_to = fetched
        .moved_to
        .or_else(|| feed.moved_to().map(str::to_owned));
    let found = match fetched.outcome {
        Outcome::NotModified => Found::NotModified,
        Outcome::Failed { class, message } => Found::Failed {
            bytes: 0,
            class,
            message,
        },
        Outcome::Document(document) => {
            let body_hash = body_hash(&document.body);
            if feed.body_hash == Some(body_hash) {
                Found::Unchanged {
                    bytes: document.body.len(),
                    validators: document.validators,
                }
            } else {
                let hints = Hints {
                    asked,
                    zone: feed.feed.time_zone(),
                    select: feed.feed.select.clone(),
                    max_bytes,
                };
                read_apart(document, body_hash, hints).await
            }
        }
    };
    Visit {
        feed: feed.id,
        at,
        duration: fetched.duration,
        status: fetched.status,
        wishes: fetched.wishes,
        moved_to,
        found,
        jitter,
    }
}

/// [`read`], off the async threads and within its time.
pub(super) async fn read_apart(document: Document, body_hash: i64, hints: Hints) -> Found {
    let work = tokio::task::spawn_blocking(move || read(document, body_hash, &hints));
    let (class, message) = match tokio::time::timeout(PARSE_LIMIT, work).await {
        Ok(Ok(found)) => return found,
        Ok(Err(_)) => (ErrorClass::Panic, "the parser panicked".to_owned()),
        Err(_) => {
            let limit = PARSE_LIMIT.as_secs();
            let message = format!("the document took longer than {limit} s to parse");
            (ErrorClass::Broken, message)
        }
    };
    Found::Failed {
        bytes: 0,
        class,
        message,
    }
}

pub fn body_hash(body: &[u8]) -> i64 {
    body.chunks_exact(8)
        .map(|it| u64::from_le_bytes(it.try_into().expect("chunks of eight")))
        .chain([u64::try_from(body.len()).unwrap_or(u64::MAX)])
        .chain(
            body.chunks_exact(8)
                .remainder()
                .iter()
                .map(|byte| u64::from(*byte)),
        )
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, word| {
            (hash ^ word)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29)
        })
        .cast_signed()
}

/// What is known of a document besides what came.
pub struct Hints {
    /// The address it came for.
    pub asked: String,
    pub zone: jiff::tz::TimeZone,
    pub select: Option<Selectors>,
    /// What it may hold once unpacked.
    pub max_bytes: usize,
}

/// Parses a document into what a visit found.
pub fn read(document: Document, body_hash: i64, hints: &Hints) -> Found {
    let source = Source {
        content_type: document.content_type.as_deref(),
        url: Some(&document.url),
        zone: hints.zone.clone(),
        select: hints.select.as_ref(),
        max_bytes: hints.max_bytes,
    };
    let bytes = document.body.len();
    match guarded(&document.body, &source) {
        Ok(parsed) if !parsed.complete && parsed.items.is_empty() && parsed.children.is_empty() => {
            Found::Failed {
                bytes,
                class: ErrorClass::Broken,
                message: "the document breaks off before the end of its first entry".to_owned(),
            }
        }
        Ok(mut parsed) => {
            // The archive keeps leads; the rest need not wait for it in memory.
            parsed
                .items
                .iter_mut()
                .for_each(|it| it.content_html = None);
            Found::Document {
                bytes,
                validators: document.validators,
                body_hash,
                parsed,
            }
        }
        Err(error) => {
            let class = match error {
                ParseError::Empty | ParseError::NotAFeed(_) | ParseError::NothingSelected => {
                    ErrorClass::NotAFeed
                }
                ParseError::Broken(_)
                | ParseError::Page(_)
                | ParseError::Selector(_)
                | ParseError::EntriesLost => ErrorClass::Broken,
                ParseError::Panicked => ErrorClass::Panic,
            };
            let (class, message) = match page_instead(&document, &hints.asked) {
                // A page is what was asked for, where items are selected from it.
                Some(page) if page.class != ErrorClass::Html || hints.select.is_none() => {
                    (page.class, page.message)
                }
                _ => (class, error.to_string()),
            };
            Found::Failed {
                bytes,
                class,
                message,
            }
        }
    }
}

/// What a page is that came in the feed's place; one that announces its feed says where it is.
fn page_instead(document: &Document, asked: &str) -> Option<Page> {
    let (url, asked) = (Url::parse(&document.url).ok()?, Url::parse(asked).ok()?);
    let mut page = judge(&document.body, &url, &asked)?;
    if page.class != ErrorClass::Html {
        return Some(page);
    }
    let html = charset::decode(&document.body, document.content_type.as_deref()).text;
    let feeds = announced(&html, Some(&document.url)).unwrap_or_default();
    if let Some(feed) = feeds.first().and_then(|it| Url::parse(&it.url).ok()) {
        // A page that echoes our address could echo its secrets.
        let address = if asked.query().is_some() || !feed.username().is_empty() {
            shown(&feed)
        } else {
            cut(&printable(feed.as_str()), 200)
        };
        page.message = format!("{}; it announces a feed at {address}", page.message);
    }
    Some(page)
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

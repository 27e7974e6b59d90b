//! The harness: an archive in a temporary folder, a clock that the test moves, a loopback server
//! for feeds and one for channels, and a configuration text that goes the way of every
//! configuration. Turns are called, never loops: a test says `poll`, `later`, `deliver`.

pub(crate) mod desk;
pub(crate) mod document;
pub(crate) mod program;
pub(crate) mod server;
pub(crate) mod untrusted;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Once, PoisonError};

use jiff::{SignedDuration, Timestamp};
use summitwatch::clock::Clock;
use summitwatch::config::access;
use summitwatch::config::file::Span;
use summitwatch::config::{Config, Origin, Retention};
use summitwatch::daemon::deliver::Deliverer;
use summitwatch::daemon::poll::Poller;
use summitwatch::daemon::prune::Pruner;
use summitwatch::daemon::{Setup, prepare};
use summitwatch::ingest::Report;
use summitwatch::store::listing;
use summitwatch::store::outbox::by_hand;
use summitwatch::store::query::table;
use summitwatch::store::{Store, StoreError};
use summitwatch::story::Tables;
use summitwatch::topic::Engine;
use summitwatch::web::guard::Gate;
use summitwatch::web::{Site, Web, serve};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::world::document::START;
use crate::world::program::eventually;
use crate::world::server::{Reply, Request, Server};

/// The webhook every world has.
pub(crate) const HOOK: &str = "/hook";

/// What one outlet may cause in an hour.
const UNBOUNDED: &str = "alerts_per_outlet = 100000";

pub(crate) struct World {
    pub(crate) site: Server,
    pub(crate) hooks: Server,
    clock: Clock,
    topic: String,
    topic_keys: String,
    poll: String,
    feeds: Vec<Watch>,
    channels: Vec<(String, String)>,
    routes: Option<String>,
    reports: Vec<Report>,
    examined: i64,
    running: Option<Running>,
    runtime: Runtime,
    directory: TempDir,
}

struct Watch {
    name: String,
    path: String,
    keys: String,
}

struct Running {
    store: Arc<Store>,
    setup: Arc<Setup>,
    poller: Poller,
    deliverer: Deliverer,
}

impl World {
    /// Watches for everything and tells a webhook that takes it. Feeds are added by the test.
    pub(crate) fn new() -> Self {
        use_ring();
        let hooks = Server::start();
        hooks.script(HOOK, [Reply::status(204)]);
        let desk = format!(
            "kind = \"webhook\"\nurl = \"{}\"\nallow_private = true",
            hooks.url(HOOK)
        );
        Self {
            site: Server::start(),
            hooks,
            clock: Clock::manual(instant(START)),
            topic: "all".to_owned(),
            // Tests have one feed say what fifty would; what one may say is tested in rulings.rs.
            topic_keys: UNBOUNDED.to_owned(),
            poll: String::new(),
            feeds: Vec::new(),
            channels: vec![("desk".to_owned(), desk)],
            routes: None,
            reports: Vec::new(),
            examined: 0,
            running: None,
            runtime: runtime(),
            directory: TempDir::new().expect("a temporary folder"),
        }
    }

    pub(crate) fn topic(&mut self, name: &str) -> &mut Self {
        name.clone_into(&mut self.topic);
        self
    }

    /// Further keys of the topic.
    pub(crate) fn topic_keys(&mut self, toml: &str) -> &mut Self {
        self.topic_keys = match toml {
            bound if bound.contains("alerts_per_outlet") => bound.to_owned(),
            keys => format!("{UNBOUNDED}\n{keys}"),
        };
        self
    }

    /// Further keys of `[poll]`.
    pub(crate) fn poll_keys(&mut self, toml: &str) -> &mut Self {
        toml.clone_into(&mut self.poll);
        self
    }

    /// A feed under its name, which is its path too, showing `document` without validators.
    pub(crate) fn feed(&mut self, name: &str, document: impl AsRef<[u8]>) -> &mut Self {
        self.feed_with(name, "", document)
    }

    /// … with further keys of `[[feeds]]`.
    pub(crate) fn feed_with(
        &mut self,
        name: &str,
        toml: &str,
        document: impl AsRef<[u8]>,
    ) -> &mut Self {
        self.feeds.push(Watch {
            name: name.to_owned(),
            path: format!("/{name}"),
            keys: toml.to_owned(),
        });
        self.shows(name, document)
    }

    pub(crate) fn shows(&mut self, name: &str, document: impl AsRef<[u8]>) -> &mut Self {
        self.answers(name, Reply::ok(document))
    }

    pub(crate) fn answers(&mut self, name: &str, reply: Reply) -> &mut Self {
        self.site.script(&format!("/{name}"), [reply]);
        self
    }

    /// This channel instead of the usual webhook.
    pub(crate) fn only_channel(&mut self, name: &str, toml: &str) -> &mut Self {
        self.channels.clear();
        self.channel(name, toml)
    }

    pub(crate) fn channel(&mut self, name: &str, toml: &str) -> &mut Self {
        self.channels.push((name.to_owned(), toml.to_owned()));
        self
    }

    /// Routes and digests instead of the usual route, in force at the next `restart`.
    pub(crate) fn routes(&mut self, toml: &str) -> &mut Self {
        self.routes = Some(toml.to_owned());
        self
    }

    /// A webhook on the usual server, at this path, which takes everything.
    pub(crate) fn hook(&mut self, name: &str, keys: &str) -> &mut Self {
        let path = format!("/{name}");
        self.hooks.script(&path, [Reply::status(200)]);
        let url = self.hooks.url(&path);
        let toml = format!("kind = \"webhook\"\nurl = \"{url}\"\nallow_private = true\n{keys}");
        self.channel(name, &toml)
    }

    /// What came to the webhook of this name.
    pub(crate) fn told(&self, name: &str) -> Vec<Request> {
        self.hooks.requests(&format!("/{name}"))
    }

    pub(crate) fn without_feed(&mut self, name: &str) -> &mut Self {
        self.feeds.retain(|it| it.name != name);
        self
    }

    /// Another address for a feed, in force at the next `restart`.
    pub(crate) fn moves(&mut self, name: &str, path: &str) -> &mut Self {
        let feeds = self.feeds.iter_mut().filter(|it| it.name == name);
        feeds.for_each(|it| path.clone_into(&mut it.path));
        self
    }

    /// Ends the process in thought: everything in memory is gone, the archive is opened anew with
    /// what is configured now.
    pub(crate) fn restart(&mut self) -> &mut Self {
        self.running = None;
        self.running();
        self
    }

    /// Moves the clock forward by a span like `15m`.
    pub(crate) fn later(&mut self, span: &str) -> &mut Self {
        let span: Span = span.parse().expect("a span");
        let span = SignedDuration::try_from(span.0).expect("a span that fits");
        self.clock
            .set(self.now().checked_add(span).expect("a time that fits"));
        self
    }

    pub(crate) fn at(&mut self, time: &str) -> &mut Self {
        self.clock.set(instant(time));
        self
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Visits every feed, due or not.
    #[track_caller]
    pub(crate) fn poll(&mut self) -> &mut Self {
        self.try_poll().expect("the archive takes the poll");
        self
    }

    pub(crate) fn try_poll(&mut self) -> Result<(), StoreError> {
        self.running();
        let poller = &mut self.running.as_mut().expect("just started").poller;
        self.reports = self.runtime.block_on(poller.poll_now(&[]))?;
        Ok(())
    }

    /// Visits the feeds that are due and says which they were.
    #[track_caller]
    pub(crate) fn poll_due(&mut self) -> Vec<String> {
        self.running();
        let poller = &mut self.running.as_mut().expect("just started").poller;
        let due = self.runtime.block_on(poller.poll_due());
        self.reports = due.expect("the archive takes the poll");
        let mut names: Vec<String> = self.reports.iter().map(|it| it.feed.clone()).collect();
        names.sort();
        names
    }

    /// Sends everything that is due.
    #[track_caller]
    pub(crate) fn deliver(&mut self) -> &mut Self {
        self.try_deliver()
            .expect("the archive takes what was delivered");
        self
    }

    pub(crate) fn try_deliver(&mut self) -> Result<(), StoreError> {
        self.running();
        let deliverer = &mut self.running.as_mut().expect("just started").deliverer;
        self.runtime.block_on(deliverer.deliver_due())
    }

    /// What the last poll reported of a feed.
    #[track_caller]
    pub(crate) fn report(&self, feed: &str) -> &Report {
        let report = self.reports.iter().find(|it| it.feed == feed);
        report.unwrap_or_else(|| panic!("the last poll did not visit {feed}"))
    }

    /// How many items the last poll brought that were new.
    #[track_caller]
    pub(crate) fn expect_new(&mut self, n: usize) -> &mut Self {
        assert_eq!(
            self.reports.iter().map(|it| it.new).sum::<usize>(),
            n,
            "new items"
        );
        self
    }

    /// How many alerts there are since they were last looked at. A world that is dropped with
    /// alerts nobody looked at fails its test.
    #[track_caller]
    pub(crate) fn expect_alerts(&mut self, n: i64) -> &mut Self {
        let alerts = self.number("SELECT count(*) FROM alerts");
        assert_eq!(
            alerts - self.examined,
            n,
            "alerts: {:#?}",
            self.rows(ALERTED)
        );
        self.examined = alerts;
        self
    }

    /// The headlines that were alerted, in order.
    #[track_caller]
    pub(crate) fn expect_alerted(&mut self, headlines: &[&str]) -> &mut Self {
        assert_eq!(self.rows(ALERTED), headlines);
        self.examined = self.number("SELECT count(*) FROM alerts");
        self
    }

    #[track_caller]
    pub(crate) fn expect_rows(&mut self, sql: &str, expected: &[&str]) -> &mut Self {
        assert_eq!(self.rows(sql), expected, "{sql}");
        self
    }

    /// Rows of the archive, their columns joined by ` | `.
    pub(crate) fn rows(&mut self, sql: &str) -> Vec<String> {
        let store = self.store();
        let found = store
            .read(|connection| Ok(table(connection, sql, &[], usize::MAX)?))
            .expect("a query");
        let text = |value: &serde_json::Value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        };
        found
            .rows
            .iter()
            .map(|row| row.iter().map(text).collect::<Vec<_>>().join(" | "))
            .collect()
    }

    /// What `feeds list --json` prints.
    pub(crate) fn feeds(&mut self) -> Vec<serde_json::Map<String, serde_json::Value>> {
        let store = self.store();
        let list = store.read(listing::feeds).expect("a listing");
        let named = |row: &Vec<serde_json::Value>| {
            let cells = list.columns.iter().cloned().zip(row.iter().cloned());
            cells.collect()
        };
        list.rows.iter().map(named).collect()
    }

    pub(crate) fn number(&mut self, sql: &str) -> i64 {
        let store = self.store();
        store
            .read(|connection| Ok(connection.query_row(sql, [], |row| row.get(0))?))
            .expect("a number")
    }

    /// Statements on the writer's own connection, for faults that a disk or a schema would make.
    pub(crate) fn tamper(&mut self, sql: &str) -> &mut Self {
        let store = self.store();
        store
            .on_writer(|connection| Ok(connection.execute_batch(sql)?))
            .expect("a statement");
        self
    }

    /// As `alerts ack` does.
    pub(crate) fn acknowledge(&mut self, alert: i64) -> &mut Self {
        let (store, now) = (self.store(), self.now());
        store
            .write(|tx| by_hand::acknowledge(tx, alert, "desk", now))
            .expect("written");
        self
    }

    /// As `deliveries retry --all` does.
    pub(crate) fn retry_all(&mut self) -> &mut Self {
        let (store, now) = (self.store(), self.now());
        store
            .write(|tx| by_hand::retry_all(tx, now))
            .expect("written");
        self
    }

    pub(crate) fn visits(&self, feed: &str) -> Vec<Request> {
        self.site.requests(&format!("/{feed}"))
    }

    /// Drops what is older than the retention says, to the end.
    pub(crate) fn prune(&mut self, retention: Retention) -> &mut Self {
        let pruner = Pruner::new(self.store(), self.clock.clone());
        let tables = Arc::clone(&self.running().setup.tables);
        while pruner
            .prune_due(&retention, &tables.weights)
            .expect("pruned")
        {}
        self
    }

    /// Where the archive is.
    pub(crate) fn archive(&self) -> PathBuf {
        self.directory.path().join("archive.db")
    }

    /// Every byte that was written down, also what no query shows.
    pub(crate) fn archive_bytes(&mut self) -> Vec<u8> {
        let path = self.store().path().to_owned();
        let wal = path.with_extension("db-wal");
        let files = [path, wal].into_iter();
        files
            .flat_map(|it| std::fs::read(it).expect("the archive's files"))
            .collect()
    }

    pub(crate) fn hooked(&self) -> Vec<Request> {
        self.hooks.requests(HOOK)
    }

    /// The dashboard over this world's archive, behind `gate`; served while [`Self::wait`] waits.
    pub(crate) fn dashboard(&mut self, gate: Gate) -> SocketAddr {
        let running = self.running();
        let site = Arc::new(Site {
            gate,
            ..Site::clone(&running.setup.site)
        });
        let store = Arc::clone(&running.store);
        let web = Web::new(move || Arc::clone(&site), store, self.clock.clone());
        self.runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("an address");
            let (stop, stopping) = watch::channel(false);
            tokio::spawn(async move {
                serve(listener, Arc::new(web), stopping).await;
                drop(stop);
            });
            address
        })
    }

    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    fn store(&mut self) -> Arc<Store> {
        Arc::clone(&self.running().store)
    }

    fn running(&mut self) -> &Running {
        if self.running.is_none() {
            self.running = Some(self.started());
        }
        self.running.as_ref().expect("just started")
    }

    fn started(&self) -> Running {
        let folder = self.directory.path();
        let origin = Origin::File(PathBuf::from("summitwatch.toml"));
        let config =
            Config::parse(origin, folder, &self.configuration()).expect("a sound configuration");
        let store = Arc::new(open(&config.archive));
        let (engine, tables) = self.engine(&config);
        let templates = Arc::new(config.templates().expect("sound templates"));
        let channels = config.open_channels(&templates).expect("sound channels");
        let setup = Arc::new(Setup {
            site: Arc::new(Site {
                zone: config.zone.clone(),
                engine: Arc::clone(&engine),
                tables: Arc::clone(&tables),
                policies: HashMap::new(),
                push: channels
                    .iter()
                    .filter_map(|(name, it)| Some((name.clone(), it.webpush()?.key.public())))
                    .collect(),
                gate: Gate::default(),
            }),
            engine,
            tables,
            channels,
            templates,
            access: access::open(&config.access).expect("sound access"),
            heartbeat: config
                .health
                .open(&config.limits)
                .expect("a sound heartbeat"),
            config,
        });
        prepare(&store, &setup, &self.clock).expect("the feeds are written");
        let deliverer = Deliverer::new(Arc::clone(&store), self.clock.clone(), Arc::clone(&setup));
        let poller = Poller::new(Arc::clone(&store), self.clock.clone(), Arc::clone(&setup))
            .expect("the clients");
        Running {
            store,
            setup,
            poller,
            deliverer,
        }
    }

    /// As [`Setup::new`] compiles it, but once for all worlds of a topic: it takes a while.
    fn engine(&self, config: &Config) -> Compiled {
        static ENGINES: Mutex<BTreeMap<String, Compiled>> = Mutex::new(BTreeMap::new());
        let mut engines = ENGINES.lock().unwrap_or_else(PoisonError::into_inner);
        let compile = || {
            let engine = config.engine().expect("a sound lexicon and topic");
            let tables = config.tables(&engine).expect("sound tables");
            (Arc::new(engine), Arc::new(tables))
        };
        engines
            .entry(self.topic.clone())
            .or_insert_with(compile)
            .clone()
    }

    fn configuration(&self) -> String {
        let mut text = format!(
            "archive = \"archive.db\"\nzone = \"UTC\"\n[poll]\n{}\n",
            self.poll
        );
        text.push_str(&format!(
            "[[topics]]\nname = \"{}\"\n{}\n",
            self.topic, self.topic_keys
        ));
        for (name, keys) in &self.channels {
            text.push_str(&format!("[[channels]]\nname = \"{name}\"\n{keys}\n"));
        }
        let names: Vec<&str> = self
            .channels
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        let everywhere = format!(
            "[[routes]]\ntopic = \"{}\"\nchannels = {names:?}\n",
            self.topic
        );
        text.push_str(self.routes.as_ref().unwrap_or(&everywhere));
        for Watch { name, path, keys } in &self.feeds {
            let url = self.site.url(path);
            text.push_str(&format!(
                "[[feeds]]\nname = \"{name}\"\nurl = \"{url}\"\nallow_private = true\n{keys}\n"
            ));
        }
        text
    }
}

/// What a topic goes by, compiled.
type Compiled = (Arc<Engine>, Arc<Tables>);

/// A child process that another test starts holds the lock of an archive just closed here for a
/// moment, between its fork and its exec.
fn open(archive: &Path) -> Store {
    let mut opened = None;
    eventually("the archive's lock", || {
        opened = Some(Store::open(archive));
        !matches!(opened, Some(Err(StoreError::Locked(_))))
    });
    opened.expect("just tried").expect("the archive")
}

const ALERTED: &str = "SELECT json_extract(message, '$.headline') FROM alerts ORDER BY id";

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() || self.running.is_none() {
            return;
        }
        let alerts = self.rows(ALERTED);
        assert_eq!(
            i64::try_from(alerts.len()).expect("few alerts"),
            self.examined,
            "the test ended with alerts it did not look at: {alerts:#?}"
        );
    }
}

/// As `command::main` does at the start of the program: without it the first client panics.
pub(crate) fn use_ring() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

pub(crate) fn instant(text: &str) -> Timestamp {
    text.parse().expect("an RFC 3339 time")
}

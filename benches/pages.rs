//! How long pages, the API and what is subscribed to take over an archive that `cargo bench --bench search --
//! 1000000 DIR` left; stories, developments and deliveries are added to it. `cargo bench --bench pages -- DIR`.

#![expect(clippy::print_stdout, reason = "a bench tells what it measured")]

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use summitwatch::clock::Clock;
use summitwatch::config::{Config, Origin};
use summitwatch::store::{Store, StoreError};
use summitwatch::web::guard::Gate;
use summitwatch::web::{Site, Web, serve};
use tokio::net::TcpListener;
use tokio::sync::watch;

const NOW: &str = "2026-11-01T00:00:00Z";
const PAGES: [&str; 19] = [
    "/",
    "/stories",
    "/stories/1",
    "/volume?days=30",
    "/volume?days=90",
    "/search",
    "/search?q=%EB%B6%81%EB%AF%B8",
    "/search?q=lang:ko+since:7d",
    "/items/500000",
    "/feeds",
    "/outbox",
    "/topics",
    "/topics?title=Trump+to+meet+Kim+Jong+Un",
    "/api/v1/items",
    "/api/v1/items?topic=us-dprk-summit&language=ko",
    "/api/v1/stories",
    "/api/v1/developments",
    "/topics/us-dprk-summit.atom",
    "/calendar.ics",
];

/// A story for every twenty matches, a development for every second one of them.
const STORIES: &str = "
    INSERT INTO stories (id, topic, title, first_seen_at, last_seen_at, opened_by, state)
        SELECT 1 + n / 20, 'us-dprk-summit', min(title), min(at), max(at), min(id), iif(n / 20 % 3 = 0, 'proposed', NULL)
        FROM (SELECT i.id, i.title, i.first_seen_at AS at, row_number() OVER (ORDER BY i.id) - 1 AS n
            FROM matches m JOIN items i ON i.id = m.item_id) GROUP BY n / 20;
    INSERT INTO story_items (story_id, item_id, decision, code, reason, origin, placed_at)
        SELECT 1 + n / 20, id, 'alert', 'alert', 'new in this story', 'Outlet', at
        FROM (SELECT i.id, i.first_seen_at AS at, row_number() OVER (ORDER BY i.id) - 1 AS n
            FROM matches m JOIN items i ON i.id = m.item_id);
    INSERT INTO developments (story_id, item_id, kind, novelty, reason, verdict, created_at)
        SELECT story_id, item_id, 'fact', 0.5, reason, iif(item_id % 4 = 0, 'slight', 'alert'), placed_at
        FROM story_items WHERE item_id % 2 = 0 ORDER BY item_id;
    INSERT INTO readings (topic, item_id, read_at, outlet, origin, statement)
        SELECT 'us-dprk-summit', item_id, placed_at, 'Outlet', 'Outlet', '{\"days\":[\"05-12\"]}' FROM story_items;
    INSERT INTO reports (development_id, item_id, role, outlet, origin, reported_at)
        SELECT id, item_id, 'first', 'Outlet', 'Outlet', created_at FROM developments;
    INSERT INTO reports (development_id, item_id, role, outlet, origin, reported_at)
        SELECT d.id, si.item_id, 'repeat', 'Another', 'Another', si.placed_at
        FROM story_items si JOIN developments d ON d.item_id = si.item_id - 1 AND d.story_id = si.story_id;
    INSERT INTO alerts (development_id, item_id, message, created_at)
        SELECT d.id, d.item_id, json_object('id', 'alert-' || d.id, 'topic', 'us-dprk-summit', 'kind', 'fact', 'story', json_object('id', d.story_id,
            'title', i.title, 'state', NULL), 'headline', i.title, 'new', json_array(), 'item', json_object('title', i.title,
            'url', i.url, 'outlet', 'Outlet', 'language', i.language, 'published_at', i.published_at), 'sources', json_array(),
            'reason', 'new', 'created_at', d.created_at), d.created_at
        FROM developments d JOIN items i ON i.id = d.item_id WHERE d.verdict = 'alert';
    INSERT INTO deliveries (alert_id, channel, state, attempts, next_attempt_at, idempotency_key, created_at, delivered_at)
        SELECT id, 'desk', 'delivered', 1, created_at, 'alert-' || id, created_at, created_at FROM alerts;
";

fn main() {
    let folder = std::env::args().skip(1).find(|it| !it.starts_with("--"));
    let Some(folder) = folder else {
        println!(
            "cargo bench --bench pages -- DIR, which `cargo bench --bench search -- 1000000 DIR` filled"
        );
        return;
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let store = Arc::new(Store::open(&Path::new(&folder).join("archive.db")).expect("an archive"));
    fill(&store);
    let config = "zone = \"Asia/Seoul\"\n[[topics]]\nname = \"us-dprk-summit\"";
    let config =
        Config::parse(Origin::Shipped, Path::new(&folder), config).expect("a configuration");
    let engine = config.engine().expect("an engine");
    let site = Arc::new(Site {
        tables: Arc::new(config.tables(&engine).expect("sound tables")),
        engine: Arc::new(engine),
        zone: config.zone,
        policies: HashMap::new(),
        push: Vec::new(),
        gate: Gate::default(),
    });
    let now: Timestamp = NOW.parse().expect("an instant");
    let web = Web::new(move || Arc::clone(&site), store, Clock::manual(now));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(measure(Arc::new(web)));
}

fn fill(store: &Store) {
    let filled = store.write::<_, StoreError>(|tx| {
        let stories: i64 = tx.query_row("SELECT count(*) FROM stories", [], |row| row.get(0))?;
        if stories == 0 {
            tx.execute_batch(STORIES)?;
        }
        Ok(tx.query_row(
            "SELECT (SELECT count(*) FROM items), (SELECT count(*) FROM stories), (SELECT count(*) FROM developments)",
            [],
            |row| Ok([row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?]),
        )?)
    });
    let [items, stories, developments] = filled.expect("written");
    println!("{items} items, {stories} stories, {developments} developments");
}

async fn measure(web: Arc<Web>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let (_stop, stopping) = watch::channel(false);
    tokio::spawn(serve(listener, web, stopping));
    let client = reqwest::Client::new();
    println!("{:>9} {:>9} {:>9}  page", "median", "slowest", "bytes");
    for path in PAGES {
        let (mut times, mut bytes) = (Vec::new(), 0);
        for _ in 0..15 {
            let started = Instant::now();
            let answer = client
                .get(format!("{base}{path}"))
                .send()
                .await
                .expect("an answer");
            assert!(answer.status().is_success(), "{path}: {}", answer.status());
            bytes = answer.bytes().await.expect("a body").len();
            times.push(started.elapsed());
            // As a person would: faster is refused.
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
        times.sort_unstable();
        println!(
            "{:>9.1?} {:>9.1?} {bytes:>9}  {path}",
            times[times.len() / 2],
            times[times.len() - 1]
        );
    }
}

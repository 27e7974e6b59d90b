//! What an item costs on its way: parsing against feed-rs alone on the same documents, judging,
//! and everything from judged to kept. Read the ratios; machines differ.

use std::collections::HashMap;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use summitwatch::config::Config;
use summitwatch::feed::pace::{Pace, PollPolicy, Wishes};
use summitwatch::feed::{Feed, Validators};
use summitwatch::ingest::{Found, Ingest, Settings, Visit};
use summitwatch::item::{Item, Precision, When};
use summitwatch::parse::{Kind, Parsed, Source, parse};
use summitwatch::store::{Store, feeds};
use summitwatch::text::Words;

const ENTRIES: usize = 30;
const FEEDS: usize = 20;

/// Headlines of the four commonest languages, some of them on topic; `n` makes each its own.
fn headline(n: usize) -> (String, String) {
    let (title, summary) = match n % 8 {
        0 => (
            "Trump and Kim Jong Un to meet in Singapore",
            "The White House said the summit would open next month.",
        ),
        1 => (
            "북미 정상회담 앞두고 실무협상 재개",
            "미국과 북한이 실무협상을 다시 시작한다고 밝혔다.",
        ),
        2 => (
            "台風が本州に接近、各地で大雨の恐れ",
            "気象庁は警戒を呼びかけている。",
        ),
        3 => (
            "央行下调基准利率以支持经济",
            "分析师预计未来几个月还将继续下调。",
        ),
        4 => (
            "Central bank holds rates as inflation slows",
            "Analysts had expected a cut of a quarter point.",
        ),
        5 => (
            "프로야구 개막전 매진, 관중 열기",
            "구장마다 팬들로 가득 찼다고 구단이 전했다.",
        ),
        6 => (
            "Scientists map the floor of a hidden lake",
            "The survey took three seasons and two ships.",
        ),
        _ => (
            "Parliament passes budget after a long night",
            "The vote was closer than either side had hoped.",
        ),
    };
    (
        format!("{title} ({n})"),
        format!("{summary} Report {n}, filed from the city desk with further details. ").repeat(4),
    )
}

fn document(feed: usize) -> String {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><rss version=\"2.0\"><channel><title>Settings</title>\
         <link>https://desk.example/</link><language>en</language>",
    );
    for entry in 0..ENTRIES {
        let n = feed * ENTRIES + entry;
        let (title, summary) = headline(n);
        out.push_str(&format!(
            "<item><title>{title}</title><link>https://desk.example/{n}</link><guid isPermaLink=\"false\">{n}</guid>\
             <pubDate>Mon, 23 Nov 2026 10:{:02}:00 +0000</pubDate><description>&lt;p&gt;{summary}&lt;/p&gt;</description></item>",
            n % 60
        ));
    }
    out + "</channel></rss>"
}

fn source() -> Source<'static> {
    Source {
        select: None,
        content_type: None,
        url: Some("https://desk.example/feed"),
        zone: TimeZone::UTC,
        max_bytes: 64 * 1024 * 1024,
    }
}

/// Documents of our own making, or those of the folder that `BENCH_DOCUMENTS` names; of these, what
/// feed-rs alone can read, since an early error costs it nothing.
fn documents() -> Vec<Vec<u8>> {
    let Some(folder) = std::env::var_os("BENCH_DOCUMENTS") else {
        return (0..FEEDS).map(|it| document(it).into_bytes()).collect();
    };
    let files = std::fs::read_dir(folder).expect("BENCH_DOCUMENTS names a folder");
    files
        .filter_map(|it| std::fs::read(it.ok()?.path()).ok())
        .filter(|it| feed_rs::parser::parse(&it[..]).is_ok())
        .collect()
}

fn parsing(c: &mut Criterion) {
    let documents = documents();
    let bytes: usize = documents.iter().map(Vec::len).sum();
    let mut group = c.benchmark_group("parse");
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function("feed-rs alone (yardstick)", |b| {
        b.iter(|| {
            documents
                .iter()
                .map(|it| {
                    feed_rs::parser::parse(&it[..])
                        .expect("a feed")
                        .entries
                        .len()
                })
                .sum::<usize>()
        });
    });
    group.bench_function("whole path", |b| {
        b.iter(|| {
            documents
                .iter()
                .map(|it| parse(it, &source()).expect("a feed").items.len())
                .sum::<usize>()
        });
    });
    group.finish();
}

fn shipped() -> Config {
    Config::read(Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/config/summitwatch.toml"
    )))
    .expect("shipped config")
}

fn judging(c: &mut Criterion) {
    let engine = shipped().engine().expect("engine");
    let items: Vec<(String, String)> = (0..FEEDS * ENTRIES).map(headline).collect();
    let mut group = c.benchmark_group("judge");
    group.throughput(Throughput::Elements(items.len() as u64));
    group.bench_function("fold, read and judge", |b| {
        b.iter(|| {
            for (title, summary) in &items {
                let reading = engine.lexicon.read(&Words::new(title, summary));
                black_box(engine.topics[0].judge(&reading, &engine.lexicon));
            }
        });
    });
    group.finish();
}

fn ingesting(c: &mut Criterion) {
    let engine = Arc::new(shipped().engine().expect("engine"));
    let tables = Arc::new(shipped().tables(&engine).expect("tables"));
    let policy = PollPolicy {
        interval: Duration::from_secs(900),
        min_interval: Duration::from_secs(300),
        max_interval: Duration::from_secs(21_600),
        fresh_window: Duration::from_secs(86_400),
        hint_cap: Duration::from_secs(900),
    };
    let now: Timestamp = "2026-11-23T12:00:00Z".parse().expect("time");
    let mut group = c.benchmark_group("ingest");
    group.throughput(Throughput::Elements((FEEDS * ENTRIES) as u64));
    group.sample_size(20);
    group.bench_function("match, store and thread", |b| {
        b.iter_batched(
            || {
                let store = Store::in_memory().expect("store");
                let visits: Vec<Visit> =
                    (0..FEEDS).map(|n| visit(&store, &policy, n, now)).collect();
                (
                    store,
                    Ingest::new(
                        Arc::clone(&engine),
                        Settings {
                            tables: Arc::clone(&tables),
                            routes: HashMap::new(),
                            policies: HashMap::new(),
                        },
                        policy,
                    ),
                    visits,
                )
            },
            |(store, mut ingest, visits)| ingest.take(&store, &visits).expect("taken").len(),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn visit(store: &Store, policy: &PollPolicy, n: usize, now: Timestamp) -> Visit {
    let feed = Feed {
        name: format!("desk-{n}"),
        url: format!("https://desk.example/{n}.xml"),
        outlet: format!("Settings {n}"),
        family: format!("desk-{n}"),
        language: None,
        country: None,
        zone: None,
        allow_private: false,
        select: None,
        interval: None,
        paused: false,
    };
    let id = store
        .write(|tx| feeds::upsert(tx, &feed, policy, now))
        .expect("feed");
    let items = (0..ENTRIES)
        .map(|entry| {
            let (title, summary) = headline(n * ENTRIES + entry);
            let url = Some(format!("https://desk.example/{n}/{entry}"));
            Item {
                guid: url.clone(),
                url,
                title,
                summary,
                published: Some(When {
                    at: now,
                    precision: Precision::Second,
                }),
                ..Item::default()
            }
        })
        .collect();
    let parsed = Parsed {
        kind: Kind::Rss2,
        title: None,
        link: None,
        language: None,
        repairs: vec![],
        complete: true,
        items,
        children: vec![],
        pace: Pace::default(),
    };
    Visit {
        feed: id,
        at: now,
        duration: Duration::ZERO,
        status: Some(200),
        wishes: Wishes::default(),
        moved_to: None,
        found: Found::Document {
            bytes: 0,
            validators: Validators::default(),
            body_hash: 0,
            parsed,
        },
        jitter: 0.0,
    }
}

criterion_group!(benches, parsing, judging, ingesting);
criterion_main!(benches);

//! How long a search takes on a million items: headlines in four scripts with words as common and as
//! rare as in the news, in an archive on disk.
//!
//! `cargo bench --bench search -- 1000000`; without a number a hundred thousand. With a second argument
//! the archive is kept there and used again.

#![expect(clippy::print_stdout, reason = "a bench tells what it measured")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use summitwatch::alert::Standing;
use summitwatch::config::{Config, Origin};
use summitwatch::feed::pace::PollPolicy;
use summitwatch::feed::{Feed, FeedId};
use summitwatch::search::Query;
use summitwatch::store::items::{self, NewItem};
use summitwatch::store::search::{Page, find};
use summitwatch::store::{Store, StoreError, feeds, open_read_only};
use summitwatch::text::Words;

const FEEDS: usize = 200;
/// Seconds between two items: a million in nine months.
const PACE: usize = 24;
const NOW: &str = "2026-11-01T00:00:00Z";

const QUERIES: [&str; 28] = [
    "북한",
    "북미",
    "米朝",
    "朝美",
    "핵",
    "核",
    "정상회담",
    "\"북미 정상회담\"",
    "首脳会談",
    "trump",
    "\"kim jong un\"",
    "trump kim summit",
    "denuclear*",
    "summit OR talks",
    "talks NOT summit",
    "title:talks lang:en",
    "lang:ko 회담",
    "lang:ko since:7d",
    "outlet:\"outlet 7\" talks",
    "outlet:\"outlet 7\" since:30d",
    "talks since:7d",
    "talks after:2026-03-01 before:2026-03-08",
    "is:matched summit",
    "topic:us-dprk-summit",
    "concept:kim-jong-un",
    "concept:north-korea concept:summit",
    "word17533",
    "nowhere",
];

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % n
    }

    /// Small numbers are common, as the first words of a vocabulary are.
    fn skewed(&mut self, n: usize) -> usize {
        let (a, b, c) = (self.below(n), self.below(n), self.below(n));
        a.min(b).min(c)
    }
}

const SAID: [&str; 16] = [
    "Trump",
    "Kim Jong Un",
    "North Korea",
    "summit",
    "talks",
    "Seoul",
    "sanctions",
    "denuclearization",
    "officials",
    "minister",
    "missile",
    "Beijing",
    "economy",
    "market",
    "court",
    "election",
];
const KOREAN: [&str; 16] = [
    "북한",
    "북미",
    "정상회담",
    "김정은",
    "트럼프",
    "회담",
    "미국",
    "핵",
    "비핵화",
    "경제",
    "시장",
    "정부",
    "대통령",
    "서울",
    "선거",
    "국회",
];
const JAPANESE: [&str; 12] = [
    "米朝",
    "首脳会談",
    "金正恩",
    "トランプ",
    "北朝鮮",
    "政府",
    "経済",
    "東京",
    "選挙",
    "会談",
    "核",
    "拉致",
];
const CHINESE: [&str; 12] = [
    "朝美",
    "首脑会谈",
    "金正恩",
    "特朗普",
    "朝鲜",
    "政府",
    "经济",
    "北京",
    "市场",
    "会谈",
    "无核化",
    "制裁",
];

/// A character of an unspaced script's block, the first ones more often.
fn characters(first: u32, n: usize, length: usize, dice: &mut Dice) -> String {
    (0..length)
        .filter_map(|_| char::from_u32(first + u32::try_from(dice.skewed(n)).expect("small")))
        .collect()
}

fn text(kind: usize, words: usize, dice: &mut Dice) -> String {
    let mut parts = Vec::new();
    for _ in 0..words {
        let known = dice.below(12) == 0;
        parts.push(match kind {
            0 | 1 if known => SAID[dice.skewed(SAID.len() * 4).min(SAID.len() - 1)].to_owned(),
            0 | 1 => format!("word{}", dice.skewed(40_000)),
            2 if known => KOREAN[dice.below(KOREAN.len())].to_owned() + "은",
            2 => characters(0xac00, 4_000, 3, dice),
            3 if known => JAPANESE[dice.below(JAPANESE.len())].to_owned(),
            _ if known => CHINESE[dice.below(CHINESE.len())].to_owned(),
            _ => characters(0x4e00, 3_000, 2, dice),
        });
    }
    parts.join(if kind > 2 { "" } else { " " })
}

fn build(path: &Path, n: usize) {
    let store = Store::open(path).expect("an archive");
    let now: Timestamp = NOW.parse().expect("an instant");
    let policy = PollPolicy {
        interval: Duration::from_secs(900),
        min_interval: Duration::from_secs(300),
        max_interval: Duration::from_secs(21_600),
        fresh_window: Duration::from_secs(86_400),
        hint_cap: Duration::from_secs(900),
    };
    let feeds: Vec<FeedId> = (0..FEEDS)
        .map(|at| {
            let feed = Feed {
                name: format!("feed-{at}"),
                url: format!("https://outlet-{at}.example/rss"),
                outlet: format!("Outlet {}", at / 4),
                family: format!("outlet {}", at / 4),
                language: None,
                country: None,
                zone: None,
                allow_private: false,
                select: None,
                interval: None,
                paused: false,
            };
            let id = store.write::<_, StoreError>(|tx| feeds::upsert(tx, &feed, &policy, now));
            id.expect("a feed")
        })
        .collect();
    let mut dice = Dice(7);
    let started = Instant::now();
    for begin in (0..n).step_by(3_000) {
        let done = store.write::<_, StoreError>(|tx| {
            for at in begin..(begin + 3_000).min(n) {
                let kind = dice.below(5);
                let (title, summary) = (text(kind, 9, &mut dice), text(kind, 30, &mut dice));
                let ago = SignedDuration::from_secs(i64::try_from((n - at) * PACE).expect("small"));
                let seen = now.checked_sub(ago).expect("in range");
                let guid = at.to_string();
                let url = format!("https://outlet.example/{at}");
                let id = items::insert(
                    tx,
                    &NewItem {
                        feed: feeds[dice.below(FEEDS)],
                        guid: Some(&guid),
                        guid_key: Some(&guid),
                        url: Some(&url),
                        canonical_url: Some(&url),
                        words: &Words::new(&title, &summary),
                        author: None,
                        language: Some(["en", "en", "ko", "ja", "zh"][kind]),
                        categories: &[],
                        published_at: Some(seen),
                        published_raw: None,
                        first_seen_at: seen,
                        text_key: None,
                        standing: Standing::News,
                        duplicate_of: None,
                    },
                )?;
                if dice.below(50) == 0 {
                    tx.execute(
                        "INSERT INTO matches VALUES (?1, 'us-dprk-summit', 0.8, '[]', NULL)",
                        [id.0],
                    )?;
                }
            }
            Ok(())
        });
        done.expect("written");
        // As the service does between polls.
        while store.write(items::merge_index).expect("merged") {}
    }
    println!("{n} items written in {:.1?}", started.elapsed());
}

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|it| !it.starts_with("--"))
        .collect();
    let n = arguments
        .first()
        .and_then(|it| it.parse().ok())
        .unwrap_or(100_000);
    let own = std::env::temp_dir().join(format!("summitwatch-search-{}", std::process::id()));
    let folder = arguments.get(1).map_or(own, PathBuf::from);
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("archive.db");
    if !path.exists() {
        build(&path, n);
    }
    let config = Config::parse(Origin::Shipped, &folder, "").expect("a configuration");
    let lexicon = config.engine().expect("an engine").lexicon;
    let connection = open_read_only(&path).expect("an archive");
    let now: Timestamp = NOW.parse().expect("an instant");
    let page = Page {
        limit: 20,
        offset: 0,
    };
    let mut all: Vec<Duration> = Vec::new();
    println!("{:>9} {:>6}  query", "median", "hits");
    for query in QUERIES {
        let parsed = Query::parse(query, &lexicon, now).expect("a query");
        let mut times = Vec::new();
        let mut hits = 0;
        for _ in 0..7 {
            let started = Instant::now();
            hits = find(&connection, &parsed, &lexicon, page, now)
                .expect("hits")
                .hits
                .len();
            times.push(started.elapsed());
        }
        times.sort_unstable();
        all.extend(&times);
        println!("{:>9.2?} {hits:>6}  {query}", times[times.len() / 2]);
    }
    all.sort_unstable();
    let quantile = |q: usize| all[all.len() * q / 100];
    println!(
        "p50 {:.2?}, p90 {:.2?}, p99 {:.2?}",
        quantile(50),
        quantile(90),
        quantile(99)
    );
    if arguments.len() < 2 {
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}

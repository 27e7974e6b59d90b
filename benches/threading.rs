//! Whether an item costs the same however many came before it: every item of a made-up newswire is
//! matched, stored and threaded, and the rate is told early in the archive and late in it.
//!
//! `cargo bench --bench threading -- 1000000` goes to a million items; without a number it stops
//! at a hundred thousand.

#![expect(clippy::print_stdout, reason = "a bench tells what it measured")]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use summitwatch::config::{Config, Origin};
use summitwatch::feed::Feed;
use summitwatch::feed::pace::PollPolicy;
use summitwatch::ingest::identity::Shared;
use summitwatch::ingest::item::Listing;
use summitwatch::ingest::{Ingest, Settings};
use summitwatch::item::Item;
use summitwatch::store::{Store, StoreError, feeds};

/// Items between two that are measured together.
const SPAN: usize = 5_000;
/// Seconds between two items: four thousand a day, so that some thousand stories are open.
const PACE: i64 = 20;
const COMMON: [&str; 12] = [
    "government",
    "officials",
    "minister",
    "plan",
    "talks",
    "meeting",
    "deal",
    "leaders",
    "warns",
    "calls",
    "city",
    "group",
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
}

/// A word that exists nowhere else.
fn word(number: usize) -> String {
    let syllables = [
        "ba", "ko", "ri", "ten", "mu", "sal", "pe", "dor", "vi", "lun",
    ];
    let digits = [
        number / 1_000 % 10,
        number / 100 % 10,
        number / 10 % 10,
        number % 10,
    ];
    digits.iter().map(|it| syllables[*it]).collect()
}

/// Item `n`: one of the forty happenings under way retold, or the first of a new one.
fn item(n: usize, dice: &mut Dice, under_way: &mut Vec<[usize; 7]>) -> Item {
    if under_way.is_empty() || dice.below(5) == 0 {
        if under_way.len() == 40 {
            under_way.remove(0);
        }
        under_way.push(std::array::from_fn(|_| dice.below(10_000)));
    }
    let happening = under_way[dice.below(under_way.len())];
    let mut words: Vec<String> = Vec::new();
    for at in happening {
        if dice.below(4) > 0 {
            words.push(word(at));
        }
    }
    for _ in 0..3 {
        words.insert(
            dice.below(words.len() + 1),
            COMMON[dice.below(COMMON.len())].to_owned(),
        );
    }
    Item {
        guid: Some(n.to_string()),
        url: Some(format!("https://desk.example/{n}")),
        title: words.join(" "),
        summary: format!(
            "{} said {} on the matter of {}",
            word(dice.below(10_000)),
            word(n % 10_000),
            words.join(" and ")
        ),
        ..Item::default()
    }
}

fn main() {
    let last = std::env::args()
        .find_map(|it| it.parse().ok())
        .unwrap_or(100_000);
    let folder = std::env::temp_dir().join(format!("summitwatch-threading-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let config = "[[topics]]\nname = \"all\"\n";
    let config = Config::parse(Origin::Shipped, &folder, config).expect("a configuration");
    let engine = Arc::new(config.engine().expect("engine"));
    let tables = Arc::new(config.tables(&engine).expect("tables"));
    let policy = PollPolicy {
        interval: Duration::from_secs(900),
        min_interval: Duration::from_secs(300),
        max_interval: Duration::from_secs(21_600),
        fresh_window: Duration::from_secs(86_400),
        hint_cap: Duration::from_secs(900),
    };
    let desk = Settings {
        tables,
        routes: HashMap::new(),
        policies: HashMap::new(),
    };
    let mut ingest = Ingest::new(engine, desk, policy);
    let store = Store::open(&folder.join("archive.db")).expect("store");
    let feed = Feed {
        name: "desk".to_owned(),
        url: "https://desk.example/".to_owned(),
        outlet: "Settings".to_owned(),
        family: "desk".to_owned(),
        language: None,
        country: None,
        zone: None,
        select: None,
        interval: None,
        paused: false,
        allow_private: false,
    };
    let mut now: Timestamp = "2026-01-01T00:00:00Z".parse().expect("time");
    let feed = store
        .write(|tx| {
            let id = feeds::upsert(tx, &feed, &policy, now)?;
            feeds::get(tx, id)
        })
        .expect("feed");
    let (mut dice, mut under_way) = (Dice(7), Vec::new());
    let mut early = None;
    for from in (0..last).step_by(SPAN) {
        let items: Vec<Item> = (from..from + SPAN)
            .map(|n| item(n, &mut dice, &mut under_way))
            .collect();
        let start = Instant::now();
        for batch in items.chunks(500) {
            store
                .write(|tx| {
                    for item in batch {
                        now = now
                            .checked_add(SignedDuration::from_secs(PACE))
                            .expect("time");
                        let shared = Shared::default();
                        let listing = Listing::alone(None, &shared);
                        ingest.take_item(tx, &feed, item, &listing, now)?;
                    }
                    Ok::<(), StoreError>(())
                })
                .expect("taken");
        }
        let n = u32::try_from(items.len()).expect("SPAN");
        let rate = f64::from(n) / start.elapsed().as_secs_f64();
        let at = from + SPAN;
        // The window of open stories is full from here on.
        if at >= 15_000 && early.is_none() {
            early = Some((at, rate));
        }
        if at == 10_000 || at == 15_000 || at.is_multiple_of(50_000) || at >= last {
            println!("up to item {at}: {rate:.0} items a second");
        }
        if let Some((early_at, early_rate)) = early.filter(|_| at >= last) {
            println!(
                "an item costs {:.2} times what it did at {early_at}",
                early_rate / rate
            );
        }
    }
    std::fs::remove_dir_all(&folder).expect("the folder goes");
}

//! The promise itself, on stretches of dense days that were written for it (`tests/corpus`): each development told once, at
//! its first report, with its own sources. And that a restart changes no decision.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Read as _;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use summitwatch::config::Config;
use summitwatch::feed::Feed;
use summitwatch::ingest::identity::Shared;
use summitwatch::ingest::item::Listing;
use summitwatch::ingest::{Ingest, Settings};
use summitwatch::item::{Item, Precision, When};
use summitwatch::store::{Store, StoreError, feeds, items};
use summitwatch::topic::Engine;

/// A written stretch of news, and what is true of it.
#[derive(Clone, Copy)]
struct Stretch {
    topic: &'static str,
    lines: &'static [u8],
    events: &'static str,
}

const SUMMIT: Stretch = Stretch {
    topic: "us-dprk-summit",
    lines: include_bytes!("../corpus/arc-2027-04.jsonl.gz"),
    events: include_str!("../corpus/arc-2027-04.events.json"),
};
const TALKS: Stretch = Stretch {
    topic: "iran-us-talks",
    lines: include_bytes!("../corpus/iran-us-talks.jsonl"),
    events: include_str!("../corpus/iran-us-talks.events.json"),
};
const AGREEMENT: Stretch = Stretch {
    topic: "eu-mercosur",
    lines: include_bytes!("../corpus/eu-mercosur.jsonl"),
    events: include_str!("../corpus/eu-mercosur.events.json"),
};

/// Lines of the stretch of the summit in order of time.
fn stretch() -> Vec<Value> {
    lines_of(SUMMIT)
}

fn lines_of(stretch: Stretch) -> Vec<Value> {
    let mut text = String::new();
    match stretch.lines {
        [0x1f, 0x8b, ..] => flate2::read::GzDecoder::new(stretch.lines).read_to_string(&mut text),
        mut plain => plain.read_to_string(&mut text),
    }
    .expect("text");
    let mut lines: Vec<Value> = text
        .lines()
        .map(|it| serde_json::from_str(it).expect("a line is JSON"))
        .collect();
    lines.sort_by_key(|it| (text_of(it, "date"), text_of(it, "id")));
    lines
}

fn text_of(line: &Value, key: &str) -> String {
    line[key].as_str().unwrap_or_default().to_owned()
}

/// An archive, and what is needed to go on with it.
struct Desk {
    store: Store,
    engine: Arc<Engine>,
    settings: Settings,
    config: Config,
    ingest: Ingest,
    feeds: HashMap<String, summitwatch::feed::FeedId>,
}

impl Desk {
    fn new() -> Self {
        Self::of(SUMMIT.topic)
    }

    fn of(topic: &str) -> Self {
        let config = Config::parse(
            summitwatch::config::Origin::Shipped,
            &std::env::temp_dir(),
            &format!("[[topics]]\nname = \"{topic}\"\n"),
        )
        .expect("a configuration");
        let engine = Arc::new(config.engine().expect("the shipped topic"));
        let tables = Arc::new(config.tables(&engine).expect("the shipped tables"));
        let settings = Settings {
            tables,
            routes: HashMap::new(),
            policies: HashMap::new(),
        };
        Self {
            store: Store::in_memory().expect("an archive"),
            ingest: Ingest::new(Arc::clone(&engine), settings.clone(), config.poll),
            engine,
            settings,
            config,
            feeds: HashMap::new(),
        }
    }

    /// As after a restart: everything that is known comes out of the archive.
    fn restart(&mut self, now: Timestamp) {
        self.ingest = Ingest::new(
            Arc::clone(&self.engine),
            self.settings.clone(),
            self.config.poll,
        );
        let ingest = &mut self.ingest;
        self.store
            .read(|connection| ingest.load(connection, now))
            .expect("the archive is read back");
    }

    fn take(&mut self, line: &Value) {
        let outlet = text_of(line, "outlet");
        let at: Timestamp = text_of(line, "date").parse().expect("a time");
        let (ingest, known, poll) = (&mut self.ingest, &mut self.feeds, &self.config.poll);
        let summary = text_of(line, "summary");
        let item = Item {
            guid: Some(text_of(line, "id")),
            url: line["url"].as_str().map(str::to_owned),
            title: text_of(line, "title"),
            summary,
            published: Some(When {
                at,
                precision: Precision::Second,
            }),
            ..Item::default()
        };
        self.store
            .write(|tx| {
                items::counted(tx, || {
                    let id = match known.get(&outlet) {
                        Some(id) => *id,
                        None => feeds::upsert(tx, &feed(&outlet), poll, at)?,
                    };
                    known.insert(outlet.clone(), id);
                    let polled = feeds::get(tx, id)?;
                    let language = text_of(line, "lang");
                    let shared = Shared::default();
                    let listing = Listing::alone(Some(&language), &shared);
                    ingest.take_item(tx, &polled, &item, &listing, at)?;
                    Ok::<_, StoreError>(())
                })
            })
            .expect("taken");
    }

    fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        self.store
            .read(|connection| {
                let mut statement = connection.prepare(sql)?;
                let n = statement.column_count();
                let rows = statement.query_map([], |row| {
                    (0..n)
                        .map(|at| {
                            use rusqlite::types::ValueRef;
                            Ok(match row.get_ref(at)? {
                                ValueRef::Null => String::new(),
                                ValueRef::Integer(it) => it.to_string(),
                                ValueRef::Real(it) => it.to_string(),
                                ValueRef::Text(it) | ValueRef::Blob(it) => {
                                    String::from_utf8_lossy(it).into_owned()
                                }
                            })
                        })
                        .collect()
                })?;
                Ok(rows.collect::<Result<Vec<Vec<String>>, _>>()?)
            })
            .expect("a query")
    }
}

fn feed(outlet: &str) -> Feed {
    Feed {
        name: outlet.to_owned(),
        outlet: outlet.to_owned(),
        family: outlet.to_owned(),
        ..recorded()
    }
}

fn recorded() -> Feed {
    Feed {
        name: String::new(),
        url: String::new(),
        outlet: String::new(),
        family: String::new(),
        language: None,
        country: None,
        zone: None,
        select: None,
        interval: None,
        paused: false,
        allow_private: false,
    }
}

#[expect(clippy::cast_precision_loss, reason = "some hundred")]
fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// Floors of the promise on a written stretch, a little below what was measured when they were set: a change that
/// loses developments falls below.
struct Floors {
    must: f64,
    per_development: f64,
    noise: f64,
    true_sources: f64,
}

#[track_caller]
fn check_stretch(stretch: Stretch, floors: &Floors) {
    let lines = lines_of(stretch);
    let mut desk = Desk::of(stretch.topic);
    lines.iter().for_each(|it| desk.take(it));
    let by_id: HashMap<String, &Value> = lines.iter().map(|it| (text_of(it, "id"), it)).collect();
    let events: BTreeMap<String, Value> = serde_json::from_str(stretch.events).expect("events");
    let event = |id: &str| Some(text_of(by_id[id], "event")).filter(|it| !it.is_empty());
    let mut reports: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for line in &lines {
        let name = text_of(line, "event");
        if !name.is_empty() {
            reports.entry(name).or_default().push(line);
        }
    }
    let told = desk.rows(
        "SELECT i.guid, a.message FROM alerts a JOIN items i ON i.id = a.item_id ORDER BY a.id",
    );
    let mut heard: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let (mut noise, mut off, mut true_sources) = (0, 0, 0);
    for row in &told {
        let (id, message) = (row[0].as_str(), &row[1]);
        off += usize::from(by_id[id]["label"] == 0);
        let Some(name) = event(id) else {
            noise += 1;
            continue;
        };
        let message: Value = serde_json::from_str(message).expect("a message");
        let sources = message["sources"].as_array().map_or(0, Vec::len);
        let seen: HashSet<String> = reports[&name]
            .iter()
            .filter(|it| text_of(it, "date") <= text_of(by_id[id], "date"))
            .map(|it| text_of(it, "outlet"))
            .collect();
        true_sources += usize::from(sources <= seen.len() + 1);
        heard.entry(name).or_default().push(id);
    }
    let must: Vec<&String> = reports
        .keys()
        .filter(|it| events[*it]["significance"] == "must")
        .collect();
    let heard_must = must.iter().filter(|it| heard.contains_key(**it)).count();
    let n_told: usize = heard
        .values()
        .flat_map(|ids| ids.iter().enumerate())
        .filter(|(at, id)| *at == 0 || by_id[**id]["novelty"] != "update")
        .count();
    let figures = format!(
        "must heard {heard_must} of {}, {n_told} alerts for {} developments, noise {noise} of {}, off topic {off}, \
         true sources {true_sources}",
        must.len(),
        heard.len(),
        told.len()
    );
    assert!(share(heard_must, must.len()) >= floors.must, "{figures}");
    assert!(
        share(n_told, heard.len()) <= floors.per_development,
        "{figures}"
    );
    assert!(share(noise, told.len()) <= floors.noise, "{figures}");
    assert!(off <= 2, "{figures}");
    let true_share = share(true_sources, told.len() - noise);
    assert!(true_share >= floors.true_sources, "{figures}");
}

#[test]
fn developments_of_a_summit_are_told_once_with_their_own_sources() {
    let floors = Floors {
        must: 0.85,
        per_development: 1.6,
        noise: 0.15,
        true_sources: 0.98,
    };
    check_stretch(SUMMIT, &floors);
}

#[test]
fn developments_of_other_talks_are_told_once_with_their_own_sources() {
    let floors = Floors {
        must: 0.8,
        per_development: 1.4,
        noise: 0.2,
        // One alert of 23 names a source too many.
        true_sources: 0.95,
    };
    check_stretch(TALKS, &floors);
}

/// A matter that is no meeting, with a ladder of its own.
#[test]
fn developments_of_an_agreement_are_told_once_with_their_own_sources() {
    let floors = Floors {
        must: 0.8,
        per_development: 1.4,
        noise: 0.2,
        true_sources: 0.98,
    };
    check_stretch(AGREEMENT, &floors);
}

/// Every table that a decision is written to.
const DECIDED: [&str; 7] = [
    "SELECT id, story_id, item_id, kind, novelty, reason, verdict, created_at FROM developments ORDER BY id",
    "SELECT development_id, item_id, role, outlet, origin, reported_at FROM reports ORDER BY 1, 2",
    "SELECT development_id, item_id, message FROM alerts ORDER BY id",
    "SELECT id, topic, title, state, states FROM stories ORDER BY id",
    "SELECT story_id, item_id, code, reason, signs FROM story_items ORDER BY 1, 2",
    "SELECT name, state, actor, states, setter, day, place, story_id FROM topics",
    "SELECT item_id, topic, score, \"by\" FROM matches ORDER BY 1",
];

#[test]
fn a_restart_after_each_item_of_a_day_changes_no_decision() {
    let lines = stretch();
    let (mut straight, mut restarted) = (Desk::new(), Desk::new());
    // The days before make it a dense one.
    for line in lines.iter().take(420) {
        straight.take(line);
        restarted.take(line);
    }
    for line in lines.iter().skip(420).take(60) {
        straight.take(line);
        let at: Timestamp = text_of(line, "date").parse().expect("a time");
        restarted.restart(at);
        restarted.take(line);
    }
    for sql in DECIDED {
        assert_eq!(straight.rows(sql), restarted.rows(sql), "{sql}");
    }
    let told = straight.rows("SELECT id FROM alerts");
    assert!(
        told.len() > 10,
        "a dense stretch was told {} times",
        told.len()
    );
}

#[test]
fn two_runs_leave_the_same_rows() {
    let lines = stretch();
    let (mut one, mut two) = (Desk::new(), Desk::new());
    for line in lines.iter().take(250) {
        one.take(line);
        two.take(line);
    }
    for sql in DECIDED {
        assert_eq!(one.rows(sql), two.rows(sql), "{sql}");
    }
}

//! What the heart makes of labelled streams, without an archive: rows of signs to fit weights on, or the
//! figures that given weights reach. `tools/fit.py` calls it; docs/weights.md tells how to refit.
//!
//! `cargo run --release --example signs -- rows|context|score [--config FILE] [--topic ID] STREAM.jsonl[.gz] [EVENTS.json]`
//!
//! A stream has an item a line: `id`, `outlet`, `lang`, `date`, `title`, and perhaps `summary`, `url`, `event`, `novelty`,
//! `label`. `rows` prints a line for each matched item: its signs of weight, and its signs of likeness to each true
//! development that is open when it comes. `score` prints one JSON object.

#![expect(clippy::print_stdout, reason = "an example tells what it found")]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Read as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use summitwatch::alert::context;
use summitwatch::config::Config;
use summitwatch::rehearsal::{Rehearsal, Said};
use summitwatch::story::course::Course;
use summitwatch::story::development::OpenDevelopment;
use summitwatch::story::report::Report;
use summitwatch::story::signs::{likeness, weight};
use summitwatch::story::{DevelopmentId, StoryId, Tables};
use summitwatch::text::Words;
use summitwatch::topic::Engine;

#[derive(Debug, Clone, Deserialize)]
struct Item {
    id: String,
    outlet: String,
    date: String,
    title: String,
    #[serde(default)]
    summary: Option<String>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    event: Option<String>,
    #[serde(default)]
    novelty: Option<String>,
    #[serde(default)]
    label: Option<i64>,
    #[serde(default)]
    lang: String,
}

struct Reported {
    item: Item,
    report: Report,
    /// How hot the topic was, where it matches what belongs to the matter alone.
    related: Option<f64>,
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mode = arguments.next().context("rows or score?")?;
    let (mut config, mut topic) = (None, "us-dprk-summit".to_owned());
    let mut paths = Vec::new();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--config" => config = arguments.next().map(PathBuf::from),
            "--topic" => topic = arguments.next().context("which topic?")?,
            _ => paths.push(PathBuf::from(argument)),
        }
    }
    let config = Config::find(config.as_deref())?;
    let engine = config.engine_for(&topic)?;
    let tables = config.tables(&engine)?;
    let stream = paths.first().context("which stream?")?;
    let items = items(stream)?;
    let reported = read(&items, &engine, &tables);
    match mode.as_str() {
        "rows" => rows(&reported, &tables),
        "score" => {
            let events = paths.get(1).context("which events?")?;
            let events: BTreeMap<String, serde_json::Value> =
                serde_json::from_str(&std::fs::read_to_string(events)?)?;
            let run = Run::over(&items, &engine, &tables);
            score(&items, &run, &events);
        }
        "context" => {
            contexts(&items, &engine, &tables);
        }
        other => bail!("\"{other}\" is neither rows nor score"),
    }
    Ok(())
}

fn items(path: &PathBuf) -> anyhow::Result<Vec<Item>> {
    let bytes = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
    let mut text = String::new();
    if path.extension().is_some_and(|it| it == "gz") {
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text)?;
    } else {
        text = String::from_utf8(bytes)?;
    }
    let mut items: Vec<(Timestamp, Item)> = Vec::new();
    for line in text.lines().filter(|it| !it.trim().is_empty()) {
        let item: Item = serde_json::from_str(line)?;
        items.push((instant(&item.date)?, item));
    }
    items.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.id.cmp(&b.1.id)));
    Ok(items.into_iter().map(|it| it.1).collect())
}

fn instant(date: &str) -> anyhow::Result<Timestamp> {
    let full = match date.len() {
        10 => format!("{date}T00:00:00Z"),
        _ => date.to_owned(),
    };
    let zoned = full.parse::<Timestamp>();
    zoned
        .or_else(|_| format!("{full}Z").parse())
        .with_context(|| date.to_owned())
}

/// Reads the items that match by rule, in order, as the service would.
fn read(items: &[Item], engine: &Engine, tables: &Tables) -> Vec<Reported> {
    let topic = engine.topics.last().expect("one topic");
    let mut rehearsal = Rehearsal::new(topic, &engine.lexicon, tables);
    let mut reported = Vec::new();
    for item in items {
        let said = said(item);
        let words = Words::new(said.title, said.summary);
        let reading = engine.lexicon.read(&words);
        let scored = topic.score(&reading, &engine.lexicon);
        if scored.matched || scored.related {
            let report = rehearsal.read(said, &words, &reading);
            rehearsal.board.count(&report);
            let heat = rehearsal
                .board
                .heat
                .degree(report.at, &tables.weights.times);
            if scored.matched {
                rehearsal.board.heat.add(&report, &tables.weights.times);
            }
            reported.push(Reported {
                item: item.clone(),
                report,
                related: scored.related.then_some(heat),
            });
        }
    }
    reported
}

fn said(item: &Item) -> Said<'_> {
    Said {
        outlet: &item.outlet,
        title: &item.title,
        summary: item.summary.as_deref().unwrap_or_default(),
        url: item.url.as_deref(),
        at: instant(&item.date).expect("read before"),
    }
}

fn event(item: &Item) -> Option<&str> {
    item.event.as_deref().filter(|it| !it.is_empty())
}

/// Each item beside the developments as they truly are.
fn rows(reported: &[Reported], tables: &Tables) {
    let mut open: BTreeMap<String, OpenDevelopment> = BTreeMap::new();
    let mut course = Course::default();
    for (
        at,
        Reported {
            item,
            report,
            related,
        },
    ) in reported.iter().enumerate()
    {
        let window = tables.weights.window.as_secs();
        open.retain(|_, it| {
            let age = report.at.as_second() - it.last_at.as_second();
            u64::try_from(age).is_ok_and(|age| age <= window)
        });
        let own = event(item);
        let change = course.change(&report.statement, report.at, &tables.weights.times);
        let pairs: Vec<_> = open
            .iter()
            .filter(|_| own.is_some())
            .map(|(name, it)| {
                json!([
                    name,
                    likeness(report, it, change, &tables.weights.scales).as_slice(),
                    it.speaks(report.script)
                ])
            })
            .collect();
        println!(
            "{}",
            json!({
                "id": item.id, "event": own, "novelty": item.novelty, "label": item.label,
                "commentary": report.statement.is_commentary(), "statement": report.statement,
                "weight": weight(report, *related, &tables.weights.acts).as_slice(), "related": related, "pairs": pairs,
            })
        );
        if report.statement.is_commentary() && own.is_none_or(|it| !open.contains_key(it)) {
            continue;
        }
        if own.is_some_and(|it| !open.contains_key(it)) {
            let times = &tables.weights.times;
            course.advance(
                &report.statement,
                StoryId(1),
                &item.outlet,
                report.at,
                times,
            );
        }
        let name = own.map_or_else(|| format!("#{at}"), str::to_owned);
        let id = DevelopmentId(i64::try_from(at).expect("some thousand"));
        open.entry(name)
            .or_insert_with(|| OpenDevelopment::new(id, StoryId(1), item.title.clone(), report))
            .add(report);
    }
}

/// An undisturbed run over a stream.
#[derive(Default)]
struct Run {
    /// Development by item.
    placed: HashMap<String, i64>,
    /// Items that matched, by rule or in context.
    matched: Vec<String>,
    alerts: Vec<Item>,
    kinds: BTreeMap<String, u32>,
    by_story: usize,
}

impl Run {
    fn over(items: &[Item], engine: &Engine, tables: &Tables) -> Self {
        let topic = engine.topics.last().expect("one topic");
        let mut rehearsal = Rehearsal::new(topic, &engine.lexicon, tables);
        let mut run = Self::default();
        for item in items {
            let Some(heard) = rehearsal.say(said(item)) else {
                continue;
            };
            run.matched.push(item.id.clone());
            run.by_story += usize::from(!heard.by_rule);
            let Some(id) = heard.development else {
                continue;
            };
            run.placed.insert(item.id.clone(), id.0);
            if heard.ruling.decision.is_told() {
                run.alerts.push(item.clone());
                let kind = heard.ruling.kind.as_str().to_owned();
                *run.kinds.entry(kind).or_default() += 1;
            }
        }
        run
    }
}

/// Each headline without a rule that is looked at while the topic is hot, with its signs of context.
fn contexts(items: &[Item], engine: &Engine, tables: &Tables) {
    let topic = engine.topics.last().expect("one topic");
    let mut rehearsal = Rehearsal::new(topic, &engine.lexicon, tables);
    for item in items {
        let said = said(item);
        let words = Words::new(said.title, said.summary);
        let reading = engine.lexicon.read(&words);
        let scored = topic.score(&reading, &engine.lexicon);
        if scored.matched || scored.related {
            rehearsal.say(said);
            continue;
        }
        let heat = rehearsal.board.heat.recent(said.at, &tables.weights.times);
        let Some(unruled) = rehearsal
            .unruled(&reading, scored.score)
            .filter(|_| heat > 0)
        else {
            continue;
        };
        let report = rehearsal.read(said, &words, &reading);
        let placement = rehearsal.board.place(&report, &tables.weights);
        println!(
            "{}",
            json!({
                "id": item.id, "event": event(item), "label": item.label,
                "signs": context(&rehearsal.board, &report, unruled, &placement, &tables.weights),
                "joins": placement.joins().is_some(), "title": item.title,
                "commentary": report.statement.is_commentary(), "heat": heat,
            })
        );
    }
}

/// Prints what a run told, beside what it should have.
fn score(items: &[Item], run: &Run, events: &BTreeMap<String, serde_json::Value>) {
    let alerts = &run.alerts;
    let matched_ids: HashSet<&str> = run.matched.iter().map(String::as_str).collect();
    let told: Vec<&Item> = items.iter().filter(|it| event(it).is_some()).collect();
    let is_must = |name: &str| {
        let significance = events.get(name).and_then(|it| it["significance"].as_str());
        significance.unwrap_or("must") == "must"
    };
    let mut of_event: BTreeMap<&str, Vec<&Item>> = BTreeMap::new();
    for item in &told {
        of_event
            .entry(event(item).expect("told"))
            .or_default()
            .push(item);
    }
    let mut heard: BTreeMap<&str, Vec<&Item>> = BTreeMap::new();
    for item in alerts {
        if let Some(name) = event(item) {
            heard.entry(name).or_default().push(item);
        }
    }
    let count = |must: bool, heard_only: bool| {
        let all = of_event.keys().filter(|it| is_must(it) == must);
        all.filter(|it| !heard_only || heard.contains_key(*it))
            .count()
    };
    let matched = of_event.iter().filter(|(name, all)| {
        is_must(name) && all.iter().any(|it| matched_ids.contains(it.id.as_str()))
    });
    let extra: usize = heard
        .values()
        .map(|it| {
            let counts = |(at, item): (usize, &&Item)| {
                usize::from(at == 0 || item.novelty.as_deref() != Some("update"))
            };
            it.iter().enumerate().map(counts).sum::<usize>()
        })
        .sum();
    // B-cubed over the items that report a development and match.
    let label = |it: &Item| run.placed.get(it.id.as_str()).copied();
    let ours: Vec<&&Item> = told
        .iter()
        .filter(|it| matched_ids.contains(it.id.as_str()))
        .collect();
    let label2: Vec<&Item> = items.iter().filter(|it| it.label == Some(2)).collect();
    let label2_matched = label2
        .iter()
        .filter(|it| matched_ids.contains(it.id.as_str()));
    let label0 = items.iter().filter(|it| it.label == Some(0));
    let label0_matched = label0.filter(|it| matched_ids.contains(it.id.as_str()));
    let (mut precision, mut recall, mut pairs, mut joined) = (0.0, 0.0, 0, 0);
    for a in &ours {
        let (mut same, mut mates, mut reports) = (0, 0, 0);
        for b in &ours {
            let together = a.id == b.id || label(a).is_some() && label(a) == label(b);
            let true_pair = event(a) == event(b);
            mates += usize::from(together);
            reports += usize::from(true_pair);
            same += usize::from(together && true_pair);
            if true_pair && a.lang != b.lang {
                pairs += 1;
                joined += usize::from(together);
            }
        }
        precision += ratio(same, mates);
        recall += ratio(same, reports);
    }
    let n = ratio(ours.len().max(1), 1);
    let (precision, recall) = (precision / n, recall / n);
    println!(
        "{}",
        json!({
            "must": count(true, false), "must_heard": count(true, true), "must_matched": matched.count(),
            "nice": count(false, false), "nice_heard": count(false, true),
            "heard": heard.len(), "told": extra, "alerts": alerts.len(),
            "noise": alerts.iter().filter(|it| event(it).is_none()).count(),
            "off": alerts.iter().filter(|it| it.label == Some(0)).count(),
            "off_titles": alerts.iter().filter(|it| it.label == Some(0)).map(|it| &it.title).collect::<Vec<_>>(),
            "noise_titles": alerts.iter().filter(|it| event(it).is_none()).map(|it| &it.title).collect::<Vec<_>>(),
            "missed": of_event.iter().filter(|it| is_must(it.0) && !heard.contains_key(it.0))
                .map(|it| (it.0, matched_ids.contains(it.1[0].id.as_str()), &it.1[0].title)).collect::<Vec<_>>(),
            "precision": precision, "recall": recall,
            "pairs": pairs, "joined": joined, "kinds": run.kinds, "by_story": run.by_story,
            "label2": label2.len(), "label2_matched": label2_matched.count(), "label0_matched": label0_matched.count(),
            "all_items": told.len(), "matched_items": ours.len(),
        })
    );
}

#[expect(clippy::cast_precision_loss, reason = "some thousand")]
fn ratio(a: usize, b: usize) -> f64 {
    a as f64 / b as f64
}

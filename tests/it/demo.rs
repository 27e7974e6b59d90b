//! The demo, played once: what it prints, what it leaves behind, and each alert against what truly happens in it.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use serde::Deserialize;
use serde_json::Value;
use summitwatch::story::development::Voices;

use crate::world::desk::Desk;
use crate::world::program::{command, output};

const ALL: &str = "[[topics]]\nname = \"all\"\n";

/// What happens in the three days, written down beside the script.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Truth {
    development: Vec<Happened>,
    mistaken: Vec<Mistaken>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Happened {
    what: String,
    report: String,
    outlet: String,
    at: Timestamp,
    line: Option<String>,
    #[serde(default)]
    state: String,
    meeting: String,
    #[serde(default)]
    day: String,
    #[serde(default)]
    place: String,
    outlets: Vec<String>,
    sources: Vec<String>,
    known: Option<String>,
    #[serde(default)]
    now: Now,
}

/// What the program makes of it today where that is known to be wrong.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Now {
    told: Option<bool>,
    line: Option<String>,
    state: Option<String>,
    meeting: Option<String>,
    place: Option<String>,
    outlets: Option<Vec<String>>,
    sources: Option<Vec<String>>,
}

/// An alert that tells nothing new.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mistaken {
    report: String,
    known: String,
}

/// An alert as the archive keeps it, with who has reported its development in the end.
#[derive(Debug, PartialEq)]
struct Told {
    outlet: String,
    line: String,
    state: String,
    meeting: String,
    day: String,
    place: String,
    outlets: Vec<String>,
    sources: Vec<String>,
}

#[test]
fn the_demo_tells_what_happens_in_it_and_nothing_old() {
    let desk = Desk::new(ALL);
    let ran = output(command(desk.folder.path(), ["demo", "--dir", "shown"]), b"");
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let printed = String::from_utf8_lossy(&ran.stdout);
    it_merges_languages_and_alerts_about_nothing_old(&desk, &printed);
    each_development_is_told_once_at_its_first_report(&desk.folder.path().join("shown"));
    what_was_edited_stays_told_everywhere(&desk);
    a_reader_that_goes_ends_every_listing_quietly(&desk);
}

/// Harbor Wire mended a word in the headline of the letter after it was told.
fn what_was_edited_stays_told_everywhere(desk: &Desk) {
    let shown = |arguments: &[&str]| {
        let arguments = [arguments, &["--config", "shown/summitwatch.toml"]].concat();
        let ran = output(command(desk.folder.path(), arguments), b"");
        String::from_utf8_lossy(&ran.stdout).into_owned()
    };
    let edited = "Trump letter to Kim delivered through New York channel, officials say";
    let rows = shown(&[
        "sql",
        "--json",
        "SELECT item_id, story_id, decision, title FROM story_timeline WHERE item_id IN (SELECT item_id FROM revisions) AND title LIKE 'Trump letter%'",
    ]);
    let rows: Value = serde_json::from_str(&rows).expect("JSON");
    let (item, story) = (
        rows[0]["item_id"].to_string(),
        rows[0]["story_id"].to_string(),
    );
    assert_eq!(rows[0]["title"], edited);
    assert_eq!(rows[0]["decision"], "alert", "the view");
    let explained = shown(&["explain", &item]);
    assert!(
        explained.contains("first report; this item told it"),
        "{explained}"
    );
    assert!(explained.contains("decision: alert"), "{explained}");
    let told = shown(&["story", &story]);
    assert!(
        told.contains("new story, told") && told.contains(edited),
        "{told}"
    );
}

fn a_reader_that_goes_ends_every_listing_quietly(desk: &Desk) {
    let everything = "SELECT * FROM items, feeds";
    for arguments in [
        &["items", "--limit", "1000"][..],
        &["items", "--json"],
        &["stories"],
        &["alerts"],
        &["deliveries"],
        &["story", "3"],
        &["explain", "25"],
        &["sql", everything],
        &["sql", "--csv", everything],
        &["sql", "--json", everything],
        &["search", "summit"],
        &["digest", "--since", "3650d"],
        &["export"],
        &["export", "--format", "csv"],
        &["feeds", "list"],
        &["acts", "list"],
        &["topics", "concepts"],
        &["topics", "test"],
        &["check"],
    ] {
        let arguments = [arguments, &["--config", "shown/summitwatch.toml"]].concat();
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = command(desk.folder.path(), &arguments);
        let ended = command.stdout(writer).output().expect("it runs");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{arguments:?}: {said}");
        assert_eq!(said, "", "{arguments:?}");
    }
}

fn each_development_is_told_once_at_its_first_report(folder: &Path) {
    let truth: Truth = toml::from_str(include_str!("../../src/demo/truth.toml")).expect("sound");
    let alerts = alerts(&folder.join("summitwatch.db"));
    let mut wrong: Vec<String> = Vec::new();
    let mut expected = 0;
    for it in &truth.development {
        assert_eq!(it.known.is_some(), !it.now.is_empty(), "{}", it.what);
        let told: Vec<_> = alerts
            .iter()
            .filter(|told| told.report == it.report)
            .collect();
        let times = usize::from(it.now.told.unwrap_or(true));
        expected += times;
        if told.len() != times {
            wrong.push(format!(
                "{}: told {} times instead of {times}",
                it.what,
                told.len()
            ));
        }
        for told in told.into_iter().take(times) {
            let lag = told.at.duration_since(it.at);
            if lag < SignedDuration::ZERO || lag > LATE {
                wrong.push(format!(
                    "{}: told {} s after its first report",
                    it.what,
                    lag.as_secs()
                ));
            }
            if told.told != it.expected() {
                wrong.push(format!(
                    "{}: expected {:#?}\n  got {:#?}",
                    it.what,
                    it.expected(),
                    told.told
                ));
            }
        }
    }
    for it in &truth.mistaken {
        expected += 1;
        assert!(!it.known.is_empty());
        if !alerts.iter().any(|told| told.report == it.report) {
            wrong.push(format!("no longer told, strike it: {}", it.report));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let told: Vec<&str> = alerts.iter().map(|it| it.report.as_str()).collect();
    assert_eq!(alerts.len(), expected, "{told:#?}");
}

/// A feed is asked at least once in fifteen minutes.
const LATE: SignedDuration = SignedDuration::from_mins(15);

impl Now {
    fn is_empty(&self) -> bool {
        let texts = [&self.line, &self.state, &self.meeting, &self.place];
        let lists = [&self.outlets, &self.sources];
        self.told.is_none()
            && texts.iter().all(|it| it.is_none())
            && lists.iter().all(|it| it.is_none())
    }
}

impl Happened {
    /// How the alert must read today: the truth, but for what is known to be wrong.
    fn expected(&self) -> Told {
        let or = |now: &Option<String>, truth: &str| now.clone().unwrap_or(truth.to_owned());
        let all =
            |now: &Option<Vec<String>>, truth: &Vec<String>| now.clone().unwrap_or(truth.clone());
        let line = self.line.as_ref().unwrap_or(&self.report);
        Told {
            outlet: self.outlet.clone(),
            line: or(&self.now.line, line),
            state: or(&self.now.state, &self.state),
            meeting: or(&self.now.meeting, &self.meeting),
            day: self.day.clone(),
            place: or(&self.now.place, &self.place),
            outlets: all(&self.now.outlets, &self.outlets),
            sources: all(&self.now.sources, &self.sources),
        }
    }
}

struct Alert {
    report: String,
    at: Timestamp,
    told: Told,
}

fn alerts(archive: &Path) -> Vec<Alert> {
    let connection = Connection::open(archive).expect("an archive");
    let mut reports = connection
        .prepare("SELECT development_id, outlet, origin FROM reports ORDER BY reported_at, item_id")
        .expect("SQL");
    let mut by: BTreeMap<i64, (Vec<String>, Voices)> = BTreeMap::new();
    let mut rows = reports.query([]).expect("rows");
    while let Some(row) = rows.next().expect("a row") {
        let outlet: String = row.get(1).expect("an outlet");
        let (outlets, voices) = by.entry(row.get(0).expect("an id")).or_default();
        voices.add(&outlet, &row.get::<_, String>(2).expect("an origin"));
        if !outlets.contains(&outlet) {
            outlets.push(outlet);
        }
    }
    let mut told = connection
        .prepare("SELECT development_id, message FROM alerts ORDER BY id")
        .expect("SQL");
    let told = told.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    told.expect("rows")
        .map(|row| {
            let (id, message): (i64, String) = row.expect("a row");
            let message: Value = serde_json::from_str(&message).expect("JSON");
            let text = |at: &str| {
                message
                    .pointer(at)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            let (outlets, voices) = by.remove(&id).expect("reports");
            Alert {
                report: text("/item/title"),
                at: text("/created_at").parse().expect("a time"),
                told: Told {
                    outlet: text("/item/outlet"),
                    line: text("/development/summary"),
                    state: text("/development/state"),
                    meeting: text("/story/state"),
                    day: text("/development/when"),
                    place: text("/development/where"),
                    outlets,
                    sources: voices.sources(),
                },
            }
        })
        .collect()
}

fn it_merges_languages_and_alerts_about_nothing_old(desk: &Desk, printed: &str) {
    let number = |query: &str| {
        let rows = desk
            .run(&["sql", "--archive", "shown/summitwatch.db", "--json", query])
            .json();
        rows[0]["n"].as_i64().expect("a number")
    };
    let alerts = number("SELECT count(*) AS n FROM alerts");
    assert!(alerts > 0);
    let shown = printed
        .lines()
        .filter(|it| {
            let title = it.strip_prefix("▌ ").and_then(|it| it.split_once(" · "));
            title.is_some_and(|(kind, _)| kind.chars().all(|c| c.is_ascii_uppercase() || c == ' '))
        })
        .count();
    assert_eq!(
        i64::try_from(shown).expect("a few"),
        alerts,
        "every alert is shown"
    );
    let mixed =
        "SELECT count(*) AS n FROM (SELECT 1 FROM story_items JOIN items i ON i.id = item_id
         GROUP BY story_id HAVING count(DISTINCT i.language) > 1)";
    assert!(number(mixed) > 0, "no story has two languages");
    let old = "SELECT count(*) AS n FROM alerts a JOIN developments d ON d.id = a.development_id
         JOIN items i ON i.id = d.item_id WHERE i.standing <> 'news'";
    assert_eq!(number(old), 0);
    assert_eq!(
        number("SELECT count(*) AS n FROM deliveries WHERE state <> 'delivered'"),
        0
    );
    assert!(number("SELECT count(*) AS n FROM items WHERE standing = 'history'") > 0);
    let timeline = output(
        command(
            desk.folder.path(),
            ["story", &number("SELECT story_id AS n FROM developments d JOIN alerts a ON a.development_id = d.id ORDER BY a.id LIMIT 1").to_string(), "--config", "shown/summitwatch.toml"],
        ),
        b"",
    );
    let timeline = String::from_utf8_lossy(&timeline.stdout).into_owned();
    assert!(
        timeline.contains("reports of") && timeline.contains("● "),
        "{timeline}"
    );
    // What it suggests to try next works.
    let listed = output(
        command(
            desk.folder.path(),
            ["alerts", "--config", "shown/summitwatch.toml"],
        ),
        b"",
    );
    assert!(listed.status.success());
}

#[test]
fn a_reader_that_goes_ends_the_demo_quietly_and_at_once() {
    let desk = Desk::new(ALL);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut command = command(desk.folder.path(), ["demo", "--dir", "shown"]);
    command.stdout(writer).stderr(std::process::Stdio::piped());
    let child = command.spawn().expect("it starts");
    drop(command);
    // `head -1`.
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(reader), &mut line).expect("read");
    assert!(line.starts_with("Three days"), "{line}");
    let ended = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && said.is_empty(), "{said}");
    let archive =
        Connection::open(desk.folder.path().join("shown/summitwatch.db")).expect("an archive");
    let count = |sql: &str| {
        archive
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .expect("a number")
    };
    assert!(
        count("SELECT count(*) FROM alerts") < 3,
        "it played on for nobody"
    );
}

//! Digests: every slot once whatever clocks and restarts do, what they tell, and that one asked for
//! beside the running service is sent once.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::date;
use jiff::tz::TimeZone;
use serde_json::Value;
use summitwatch::message::templates::Templates;

use crate::world::desk::Desk;
use crate::world::document::{entry, headlines, rss};
use crate::world::program::{Service, command};
use crate::world::server::{Reply, Server};
use crate::world::{HOOK, World};

const OUTCOMES: &str = "SELECT slot, outcome, late FROM digests ORDER BY slot";

/// The usual webhook gets no alerts, but this digest.
fn world(keys: &str) -> World {
    let mut world = World::new();
    world.routes(&format!(
        "[[digests]]\nname = \"morning\"\nchannels = [\"desk\"]\n{keys}\n"
    ));
    world
}

const EIGHT: &str = "cron = \"0 8 * * *\"\nzone = \"Asia/Seoul\"";

fn digests(world: &World) -> Vec<Value> {
    let messages = world.hooked();
    messages
        .iter()
        .map(crate::world::server::Request::json)
        .collect()
}

/// A year of turns a random while apart, with restarts, and now and then days without the service.
#[test]
fn every_slot_of_a_year_is_accounted_for_once() {
    let plans = [
        ("seoul", "Asia/Seoul", "0 8 * * *", "08:00:00"),
        ("new-york", "America/New_York", "30 2 * * *", "02:30:00"),
        ("london", "Europe/London", "30 1 * * *", "01:30:00"),
    ];
    let mut toml = String::new();
    for (name, zone, cron, _) in plans {
        toml.push_str(&format!(
            "[[digests]]\nname = \"{name}\"\ncron = \"{cron}\"\nzone = \"{zone}\"\nchannels = [\"desk\"]\n"
        ));
    }
    let mut world = World::new();
    world.routes(&toml).at("2026-01-01T12:00:00Z");
    world.tamper("PRAGMA synchronous = off");
    let mut rng = fastrand::Rng::with_seed(20_260_101);
    let end = "2027-01-01T12:00:00Z".parse().expect("a time");
    while world.now() < end {
        world.deliver();
        let (minutes, restarts) = match rng.u32(..100) {
            0 => (rng.u32(1_440..6_000), true),
            1..=4 => (rng.u32(1..600), true),
            _ => (rng.u32(1..300), false),
        };
        world.later(&format!("{minutes}m"));
        if restarts {
            world.restart().tamper("PRAGMA synchronous = off");
        }
    }
    world.at("2027-01-01T12:00:00Z").deliver();
    let mut made: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in world.rows("SELECT name, slot FROM digests ORDER BY name, slot") {
        let (name, slot) = row.split_once(" | ").expect("two columns");
        made.entry(name.to_owned())
            .or_default()
            .push(slot.to_owned());
    }
    for (name, _, _, time) in plans {
        // The first day's slot was over when the year began, in each of the zones.
        let first = date(2026, 1, 2);
        let days = std::iter::successors(Some(first), |day| day.tomorrow().ok());
        let days = days.take_while(|day| *day <= date(2027, 1, 1));
        let expected: Vec<String> = days.map(|day| format!("{day}T{time}")).collect();
        assert_eq!(made[name], expected, "{name}");
    }
    let covered = world.number("SELECT count(*) FROM digests WHERE outcome = 'covered'");
    assert!(covered > 10, "only {covered} slots fell into a downtime");
    assert!(world.hooked().is_empty());
}

#[test]
fn after_a_downtime_one_digest_tells_everything_and_says_that_it_is_late() {
    let mut world = world(EIGHT);
    world
        .feed("wire", rss(&headlines(2)))
        .poll()
        .expect_alerts(2);
    world.later("1h").restart().deliver();
    assert!(
        world.hooked().is_empty(),
        "a digest is not owed for what was before it"
    );
    // The slots of the 2nd, 3rd and 4th of June pass unseen.
    world
        .at("2026-06-04T05:00:00Z")
        .restart()
        .deliver()
        .deliver()
        .restart()
        .deliver();
    world.expect_rows(
        OUTCOMES,
        &[
            "2026-06-02T08:00:00 | covered | 1",
            "2026-06-03T08:00:00 | covered | 1",
            "2026-06-04T08:00:00 | sent | 1",
        ],
    );
    let [late] = &digests(&world)[..] else {
        panic!("one digest: {:#?}", digests(&world))
    };
    assert_eq!(
        late["subject"],
        "morning (late): 2 developments in 2 stories"
    );
    assert_eq!(late["late"], true);
    world.at("2026-06-04T23:00:00Z").deliver();
    world.expect_rows(
        "SELECT outcome, late FROM digests ORDER BY id DESC LIMIT 1",
        &["empty | 0"],
    );
    assert_eq!(world.hooked().len(), 1);
}

#[test]
fn an_empty_digest_is_sent_where_that_is_wanted() {
    let mut world = world(&format!("{EIGHT}\nempty = \"send\""));
    world
        .deliver()
        .at("2026-06-01T23:00:00Z")
        .deliver()
        .later("5m")
        .restart()
        .deliver();
    let [empty] = &digests(&world)[..] else {
        panic!("one digest")
    };
    assert_eq!(empty["subject"], "morning: nothing new");
    world.expect_rows(OUTCOMES, &["2026-06-02T08:00:00 | sent | 0"]);
}

#[test]
fn another_schedule_counts_from_when_it_was_read() {
    let mut world = world(&format!("{EIGHT}\nempty = \"send\""));
    world.deliver();
    world.routes(
        "[[digests]]\nname = \"morning\"\nchannels = [\"desk\"]\ncron = \"0 * * * *\"\nzone = \"UTC\"\nempty = \"send\"\n",
    );
    world
        .at("2026-06-01T20:30:00Z")
        .restart()
        .deliver()
        .later("30m")
        .deliver();
    world.expect_rows(OUTCOMES, &["2026-06-01T21:00:00 | sent | 0"]);
}

#[test]
fn a_clock_that_jumps_makes_no_slot_twice() {
    let mut world = world(&format!("{EIGHT}\nempty = \"send\""));
    world.deliver().at("2026-06-02T09:00:00Z").deliver();
    world
        .at("2026-06-01T09:00:00Z")
        .deliver()
        .at("2026-06-01T23:00:01Z")
        .deliver();
    world.expect_rows(OUTCOMES, &["2026-06-02T08:00:00 | sent | 1"]);
    // Years ahead and back: what only that clock missed is still told.
    world
        .at("2031-01-01T00:00:00Z")
        .deliver()
        .at("2026-06-02T23:00:00Z")
        .deliver();
    world.at("2026-06-03T23:00:00Z").deliver();
    let slots = world.rows("SELECT slot FROM digests WHERE slot < '2027' ORDER BY slot");
    assert_eq!(
        slots,
        [
            "2026-06-02T08:00:00",
            "2026-06-03T08:00:00",
            "2026-06-04T08:00:00"
        ]
    );
}

#[test]
fn a_clock_that_jumps_lists_no_slots_by_the_thousand_and_silences_no_digest() {
    let mut world = world("cron = \"* * * * *\"\nempty = \"send\"");
    world.deliver().later("1m").deliver();
    let told = digests(&world).len();
    // A day and a half ahead, a few times, and back: 2,160 minutes that nobody lived through.
    let real = world.now();
    for _ in 0..3 {
        world.later("36h").deliver().at(&real.to_string()).deliver();
    }
    let covered = world.number("SELECT count(*) FROM digests WHERE outcome = 'covered'");
    assert!(covered <= 3 * 48, "{covered}");
    let before = digests(&world).len();
    assert!(before > told);
    for _ in 0..5 {
        world.later("1m").deliver();
    }
    assert_eq!(
        digests(&world).len(),
        before + 5,
        "a digest a minute goes on"
    );
}

#[test]
fn an_alert_that_could_not_arrive_in_time_is_told_by_the_next_digest_once() {
    let mut world = World::new();
    world.hook("phone", "").routes(&format!(
        "[[routes]]\ntopic = \"all\"\nchannels = [\"phone\"]\nexpires = \"6h\"\n\
         [[digests]]\nname = \"morning\"\nchannels = [\"desk\"]\n{EIGHT}\n"
    ));
    world.hooks.script("/phone", [Reply::status(503)]);
    world
        .feed("wire", rss(&headlines(2)))
        .poll()
        .expect_alerts(2);
    for _ in 0..8 {
        world.deliver().later("1h");
    }
    world.expect_rows(
        "SELECT state, folded_into FROM deliveries",
        &["expired | null", "expired | null"],
    );
    let tried = world.told("phone").len();
    world.hooks.script("/phone", [Reply::status(200)]);
    world.at("2026-06-01T23:00:00Z").deliver();
    let [digest] = &digests(&world)[..] else {
        panic!("one digest")
    };
    assert_eq!(
        digest["unsent"].as_array().map(Vec::len),
        Some(2),
        "{digest:#}"
    );
    assert_eq!(world.told("phone").len(), tried, "it arrives stale");
    world.at("2026-06-02T23:00:00Z").deliver();
    world.expect_rows(
        "SELECT outcome FROM digests ORDER BY id",
        &["sent", "empty"],
    );
}

#[test]
fn a_digest_tells_developments_by_story_with_what_was_not_alerted() {
    let mut world = world(EIGHT);
    world.topic("us-dprk-summit");
    let first = "Trump and Kim Jong Un agree to hold summit in Singapore";
    world.feed_with("wire", "outlet = \"Wire\"", rss(&[entry("1", first)]));
    world.poll().expect_alerts(1);
    let second = "Trump and Kim Jong Un agree to hold summit in Singapore, says envoy";
    let daily = entry("2", second).link("https://daily.example/2");
    world.feed_with(
        "daily",
        "outlet = \"Daily\"\nlanguage = \"en\"",
        rss(&[daily]),
    );
    world.restart().later("10m").poll();
    world.answers("wire", Reply::status(500)).later("1h").poll();
    let alerts = world.number("SELECT count(*) FROM alerts");
    world.expect_alerts(alerts - 1);
    world.at("2026-06-01T23:00:00Z").deliver();
    let digest = digests(&world).pop().expect("a digest");
    let story = &digest["stories"][0];
    assert_eq!(
        story["title"],
        "US–DPRK summit diplomacy: place set (Singapore)"
    );
    assert_eq!(story["sources"], serde_json::json!(["Wire", "Daily"]));
    let developments = story["developments"].as_array().expect("a list");
    assert_eq!(developments.len(), 1, "{digest:#}");
    assert_eq!(developments[0]["reports"], 2);
    assert_eq!(
        developments[0]["sources"],
        serde_json::json!(["Wire", "Daily"])
    );
    assert_eq!(digest["feeds"][0]["health"], "failing");
    assert_eq!(
        (&digest["n_feeds"], &digest["kind"]),
        (&serde_json::json!(2), &serde_json::json!("digest"))
    );
}

// By hand.

fn desk(site: &Server, hooks: &Server) -> Desk {
    hooks.script(HOOK, [Reply::status(200)]);
    let now = summitwatch::clock::Clock::System.now().to_string();
    let entries = headlines(3).into_iter().map(|it| it.published(&now));
    site.script("/wire", [Reply::ok(rss(&entries.collect::<Vec<_>>()))]);
    Desk::new(&format!(
        "zone = \"Asia/Seoul\"\n[[channels]]\nname = \"desk\"\nkind = \"webhook\"\nurl = \"{}\"\nallow_private = true\n\
         [[routes]]\ntopic = \"all\"\nchannels = [\"desk\"]\n\
         [[feeds]]\nname = \"wire\"\nurl = \"{}\"\nallow_private = true\n",
        hooks.url(HOOK),
        site.url("/wire")
    ))
}

#[test]
fn a_digest_reads_in_every_form_and_is_sent_once_where_no_service_runs() {
    let (site, hooks) = (Server::start(), Server::start());
    let desk = desk(&site, &hooks);
    desk.run(&["poll"]);
    let text = desk.run(&["digest"]).well();
    assert!(text.starts_with("digest: 3 developments in "), "{text}");
    let html = desk.run(&["digest", "--format", "html"]).well();
    assert!(
        html.starts_with("<!DOCTYPE html>") && html.contains("KST"),
        "{html}"
    );
    let md = desk.run(&["digest", "--format", "md"]).well();
    assert!(md.starts_with("# digest: 3 developments"), "{md}");
    let json = desk
        .run(&["digest", "--since", "7d", "--format", "json"])
        .json();
    let stories = json["stories"].as_array().expect("a list");
    let told = stories
        .iter()
        .filter_map(|it| it["developments"].as_array());
    assert_eq!(told.map(Vec::len).sum::<usize>(), 3);
    assert!(hooks.requests(HOOK).is_empty());
    assert_eq!(desk.run(&["digest", "--send"]).well(), "desk took it\n");
    let kinds: Vec<String> = hooks
        .requests(HOOK)
        .iter()
        .map(|it| it.json()["kind"].to_string())
        .collect();
    assert_eq!(
        kinds.iter().filter(|it| *it == "\"digest\"").count(),
        1,
        "{kinds:?}"
    );
    desk.run(&["digest", "--topic", "al"]).ill(
        2,
        "error: summitwatch.toml: unknown topic \"al\"; did you mean \"all\"?",
    );
    desk.run(&["digest", "nightly"])
        .ill(2, "error: unknown digest \"nightly\"; none is defined");
    desk.run(&["digest", "--send", "--to", "dsk"])
        .ill(2, "error: unknown channel \"dsk\"; did you mean \"desk\"?");
}

#[test]
fn a_digest_asked_for_beside_the_running_service_is_sent_by_it_once() {
    let (site, hooks) = (Server::start(), Server::start());
    let desk = desk(&site, &hooks);
    let mut service = Service::start(command(
        desk.folder.path(),
        ["run", "--config", "summitwatch.toml"],
    ));
    hooks.wait_until("the alerts", |requests| requests.len() >= 3);
    assert_eq!(
        desk.run(&["digest", "--send"]).well(),
        "the running service sends it to desk\n"
    );
    hooks.wait_until("the digest", |requests| requests.len() >= 4);
    // Nothing is due again, and nobody is told twice.
    desk.run(&["deliveries", "retry", "1"])
        .ill(1, "error: delivery 1 is delivered and not sent again");
    assert_eq!(
        desk.run(&["alerts", "ack", "1"]).well(),
        "alert 1 is acknowledged\n"
    );
    service.signal("TERM");
    service.wait_for_end();
    let keys: BTreeSet<String> = hooks
        .requests(HOOK)
        .iter()
        .map(crate::world::server::Request::key)
        .collect();
    assert_eq!((keys.len(), hooks.requests(HOOK).len()), (4, 4));
}

#[test]
fn check_lists_routes_and_the_next_slots_and_finds_faults_with_their_lines() {
    let channel = "[[channels]]\nname = \"desk\"\nkind = \"terminal\"\n";
    let sound = format!(
        "zone = \"UTC\"\n{channel}[[routes]]\ntopic = \"all\"\nchannels = [\"desk\"]\nseverity = \"high\"\n\
         quiet = {{ from = \"23:00\", to = \"07:00\", zone = \"Asia/Seoul\" }}\n\
         [[digests]]\nname = \"morning\"\ncron = \"0 8 * * MON-FRI\"\nzone = \"Asia/Seoul\"\nchannels = [\"desk\"]\n"
    );
    let said = Desk::new(&sound).run(&["check"]).well();
    assert!(
        said.contains("route        desk → severity high or more; quiet 23:00–07:00 Asia/Seoul"),
        "{said}"
    );
    assert!(
        said.contains("digest         morning (0 8 * * MON-FRI Asia/Seoul) → desk, next "),
        "{said}"
    );
    assert!(said.contains("08:00 KST"), "{said}");
    let faulty = format!(
        "{channel}rate = \"fast\"\n[[channels]]\nname = \"other\"\nkind = \"terminal\"\n\
         [[routes]]\ntopic = \"all\"\nchannels = [\"other\"]\nkind = [\"states\"]\nstate = [\"canceled\"]\n\
         severity = \"hgh\"\nquiet = {{ from = \"25:00\", to = \"7\", zone = \"Seoul\", except = [\"state:off\"] }}\n\
         escalate = {{ after = \"15m\", to = [\"phone\"] }}\n\
         [[digests]]\nname = \"quiet\"\ncron = \"0 8\"\nchannels = [\"other\"]\n\
         [[digests]]\nname = \"never\"\ncron = \"0 0 30 2 *\"\nchannels = [\"nobody\"]\ntopics = [\"x\"]\n"
    );
    let ran = Desk::new(&faulty).run(&["check"]);
    assert_eq!(ran.status, 2);
    insta::assert_snapshot!(ran.err, @r#"
    error: summitwatch.toml:4: rate: "fast" is no rate; write it like "20/1m" or "1/2s"
    error: summitwatch.toml:11: unknown kind "states"; did you mean "state"?
    error: summitwatch.toml:12: unknown state "canceled"; did you mean "cancelled"?
    error: summitwatch.toml:13: unknown severity "hgh"; did you mean "high"?
    error: summitwatch.toml:14: quiet: from: "25:00" is no time of day; write it like "23:00"
    error: summitwatch.toml:14: quiet: to: "7" is no time of day; write it like "23:00"
    error: summitwatch.toml:14: zone: "Seoul" is no IANA time zone; write one like "Asia/Seoul"
    error: summitwatch.toml:14: unknown exception "state:off"; did you mean "state"?
    error: summitwatch.toml:15: unknown channel "phone"; known are other
    error: summitwatch.toml:17: "quiet" cannot be a digest's name; give it another
    error: summitwatch.toml:18: cron: "0 8": pattern must have 5 fields when seconds are disallowed; write minute, hour, day, month and weekday, like "0 8 * * MON-FRI"
    error: summitwatch.toml:24: unknown topic "x"; known are all
    error: summitwatch.toml:23: unknown channel "nobody"; known are other
    error: summitwatch.toml:22: cron: "0 0 30 2 *" names a day that never comes
    "#);
}

#[test]
fn no_headline_brings_markup_into_a_digest() {
    let mut world = world(EIGHT);
    world
        .feed("wire", rss(&headlines(1)))
        .poll()
        .expect_alerts(1);
    world.at("2026-06-01T23:00:00Z").deliver();
    let mut digest = digests(&world).pop().expect("a digest");
    let hostile =
        "<script>alert(1)</script> **bold** [x](http://evil.example) @everyone\r\nBcc: a@b.example";
    digest["stories"][0]["title"] = hostile.into();
    digest["stories"][0]["developments"][0]["headline"] = hostile.into();
    digest["stories"][0]["developments"][0]["url"] = "javascript:alert(1)".into();
    let templates = Templates::new(TimeZone::UTC);
    let html = templates.render("digest.html", &digest).expect("rendered");
    assert!(!html.contains("javascript:"), "{html}");
    assert!(
        !html.contains("<script>") && html.contains("&lt;script&gt;"),
        "{html}"
    );
    let md = templates.render("digest.md", &digest).expect("rendered");
    assert!(!md.contains("**bold**") && !md.contains("[x](http"), "{md}");
    let text = templates.render("digest.txt", &digest).expect("rendered");
    assert!(
        !text.lines().any(|it| it.trim_start().starts_with("Bcc:")),
        "{text}"
    );
}

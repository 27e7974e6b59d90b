//! What one feed can and cannot do to the archive and its readers, whatever it sends: each test exceeds a
//! bound of docs/design/hostile.md.

use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use serde_json::json;
use summitwatch::parse::{ParseError, Source, guarded};

use crate::world::HOOK;
use crate::world::World;
use crate::world::document::{Entry, HEADLINES, entry, invented_headline, rss};
use crate::world::server::Reply;
use crate::world::server::Request;

const TELL: &str = "\n[health]\nchannels = [\"desk\"]";

/// A feed that was read once, empty, so that what comes is news.
fn watching(poll_keys: &str) -> World {
    let mut world = World::new();
    world.poll_keys(poll_keys).feed("wire", rss(&[])).poll();
    world.later("15m");
    world
}

fn many(range: std::ops::Range<usize>, at: &str) -> Vec<Entry> {
    range
        .rev()
        .map(|n| entry(&n.to_string(), &invented_headline(n)).published(at))
        .collect()
}

/// What the operator heard of feeds.
fn heard(world: &mut World) -> Vec<String> {
    world.deliver().deliver();
    let messages = world.hooked();
    let health = messages.iter().map(Request::json);
    health
        .filter(|it| it["kind"] == "feed-health")
        .map(|it| it["headline"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn a_feed_brings_so_many_items_a_day_and_is_odd_beyond() {
    let mut world = watching(&format!("max_new_per_day = 5{TELL}"));
    world
        .shows("wire", rss(&many(0..8, "2026-06-01T09:10:00Z")))
        .poll()
        .expect_alerts(5);
    // The newest of the document, which are its first.
    assert_eq!(world.number("SELECT count(*) FROM items"), 5);
    assert_eq!(world.number("SELECT sum(left_out) FROM feed_days"), 3);
    assert_eq!(world.feeds()[0]["state"], json!("odd"));
    assert_eq!(heard(&mut world), ["wire behaves strangely"]);
    // Once a day is enough, and the next has room again.
    world.later("1h").poll();
    assert_eq!(heard(&mut world).len(), 1);
    world
        .later("24h")
        .shows("wire", rss(&many(8..10, "2026-06-02T10:00:00Z")))
        .poll()
        .expect_alerts(2);
    world.later("25h").poll();
    assert_eq!(world.feeds()[0]["state"], json!("ok"));
}

#[test]
fn what_one_visit_does_not_take_the_next_one_does() {
    let mut world = watching("");
    world
        .shows("wire", rss(&many(0..1_500, "2026-05-30T09:00:00Z")))
        .poll()
        .expect_new(1_000);
    assert_eq!(
        world.number("SELECT count(*) FROM feeds WHERE etag IS NULL AND body_hash IS NULL"),
        0,
        "what vouched for the document before still does"
    );
    world.later("15m").poll().expect_new(500).expect_alerts(0);
    world.later("15m").poll().expect_new(0);
    assert_eq!(world.feeds()[0]["state"], json!("ok"));
}

#[test]
fn counters_in_headlines_are_no_news() {
    let mut world = watching("");
    let counted = |views: usize| {
        let entries: Vec<Entry> = (0..6)
            .map(|n| {
                let title = format!("{} ({views} views)", invented_headline(n));
                entry(&n.to_string(), &title).published("2026-06-01T09:10:00Z")
            })
            .collect();
        rss(&entries)
    };
    world.shows("wire", counted(1)).poll().expect_alerts(6);
    for visit in 1..12 {
        world
            .later("5m")
            .shows("wire", counted(visit * 7))
            .poll()
            .expect_alerts(0);
    }
    assert_eq!(world.feeds()[0]["state"], json!("odd"));
    assert_eq!(world.number("SELECT count(*) FROM items"), 6);
}

#[test]
fn copies_of_what_was_never_told_tell_it() {
    let words = |id: &str, at: &str| {
        rss(&[entry(
            id,
            "Harbour pilots count eleven stranded barges off the coast",
        )
        .guid(id)
        .link(&format!("https://{id}.example/1"))
        .published(at)])
    };
    let mut world = World::new();
    world
        .feed("old", rss(&[]))
        .feed("wire", rss(&[]))
        .feed("late", rss(&[]))
        .poll();
    // Dated two days back, it is history and tells nobody.
    world
        .later("15m")
        .shows("old", words("old", "2026-05-30T09:00:00Z"))
        .poll()
        .expect_alerts(0);
    world
        .later("5m")
        .shows("wire", words("wire", "2026-06-01T09:18:00Z"))
        .poll()
        .expect_alerts(1);
    // What was told makes a copy.
    world
        .later("5m")
        .shows("late", words("late", "2026-06-01T09:21:00Z"))
        .poll()
        .expect_alerts(0);
}

#[test]
fn guids_of_their_own_are_items_of_their_own() {
    let mut world = watching("");
    for (n, title) in HEADLINES.iter().take(3).enumerate() {
        // Routes, anchors of a live page, and one address for all.
        let by_route = entry("", title)
            .guid(&format!("https://wire.example/#/a/{n}"))
            .link("https://wire.example/");
        let by_guid = entry("", HEADLINES[n + 3])
            .guid(&format!("g{n}"))
            .link("https://wire.example/latest");
        world
            .later("5m")
            .shows("wire", rss(&[by_route, by_guid]))
            .poll()
            .expect_new(2)
            .expect_alerts(2);
    }
    assert_eq!(world.number("SELECT count(*) FROM items"), 6);
}

#[test]
fn the_same_words_days_later_are_another_event_of_that_feed() {
    let flash = |id: &str, at: &str| {
        entry(
            id,
            "Coast guard reports another vessel adrift near the strait",
        )
        .published(at)
    };
    let mut world = watching("");
    let first = flash("1", "2026-06-01T09:10:00Z");
    world
        .shows("wire", rss(std::slice::from_ref(&first)))
        .poll();
    world.later("72h");
    world
        .shows("wire", rss(&[flash("2", "2026-06-04T09:10:00Z"), first]))
        .poll()
        .expect_alerts(2);
    let standings = world.rows("SELECT standing FROM items ORDER BY id");
    assert_eq!(standings, ["news", "news"]);
}

#[test]
fn posts_without_titles_are_told_by_their_first_sentence() {
    let mut world = watching("");
    let post = entry("1", "").summary("Harbour pilots count eleven stranded barges. More soon.");
    let linked = entry("2", "https://wire.example/news/2").summary(HEADLINES[1]);
    world
        .shows(
            "wire",
            rss(&[
                post.published("2026-06-01T09:10:00Z"),
                linked.published("2026-06-01T09:11:00Z"),
            ]),
        )
        .poll()
        .expect_alerts(2)
        .deliver();
    let mut told: Vec<String> = world
        .hooked()
        .iter()
        .map(|it| {
            it.json()["headline"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
        .collect();
    told.sort();
    assert_eq!(
        told,
        ["Harbour pilots count eleven stranded barges.", HEADLINES[1]]
    );
    // It is the same post the next time.
    world.later("15m").poll().expect_new(0).expect_alerts(0);
}

#[test]
fn what_a_feed_says_of_one_item_again_and_again_is_kept_so_often() {
    let mut world = watching("");
    for n in 0..12 {
        let item = entry(
            &format!("guid-{n}"),
            "Harbour pilots count eleven stranded barges",
        )
        .link("https://wire.example/barges")
        .published("2026-06-01T09:10:00Z");
        world.shows("wire", rss(&[item])).poll().later("15m");
    }
    assert_eq!(world.number("SELECT count(*) FROM items"), 1);
    assert_eq!(world.number("SELECT count(*) FROM aliases"), 8);
    world.expect_alerts(1);
    let source = Source {
        content_type: None,
        url: None,
        zone: TimeZone::UTC,
        select: None,
        max_bytes: 1 << 20,
    };
    let categories: String = (0..100)
        .map(|n| format!("<category>c{n}</category>"))
        .collect();
    let document = format!(
        "<rss version=\"2.0\"><channel><title>x</title><item><title>a</title><guid>1</guid>{categories}</item></channel></rss>"
    );
    let feed = guarded(document.as_bytes(), &source).expect("a feed");
    assert_eq!(feed.items[0].categories.len(), 64);
}

#[test]
fn a_clock_that_was_ahead_leaves_nothing_waiting() {
    let mut world = watching("");
    world.at("2026-06-02T17:00:00Z").poll();
    world.at("2026-06-01T09:20:00Z");
    assert_eq!(
        world.poll_due(),
        ["wire"],
        "due in the old future is due now"
    );
    assert!(world.poll_due().is_empty(), "and once");
    // Deliveries and the channel's rest: they failed while the clock was ahead.
    world.hooks.script(HOOK, [Reply::status(503)]);
    world.at("2026-06-02T17:00:00Z");
    world
        .shows("wire", rss(&many(0..2, "2026-06-02T16:59:00Z")))
        .poll()
        .expect_alerts(2);
    for _ in 0..4 {
        world.deliver().later("10m");
    }
    world.hooks.script(HOOK, [Reply::status(204)]);
    world.at("2026-06-01T09:30:00Z").deliver();
    world.expect_rows(
        "SELECT state, count(*) FROM deliveries GROUP BY 1",
        &["delivered | 2"],
    );
}

#[test]
fn a_json_document_costs_what_it_holds_of_a_feed_and_no_tree() {
    let source = Source {
        content_type: None,
        url: None,
        zone: TimeZone::UTC,
        select: None,
        max_bytes: 64 << 20,
    };
    let started = Instant::now();
    let nested = format!(r#"{{"items":[{}[]]}}"#, "[],".repeat(2_000_000));
    assert_eq!(
        guarded(nested.as_bytes(), &source),
        Err(ParseError::EntriesLost)
    );
    let unknown = format!(
        r#"{{"extra":[{}0],"items":[{{"id":"1","title":"kept","x":{{"y":[{}1]}}}}]}}"#,
        "{},".repeat(1_000_000),
        "1,".repeat(1_000_000)
    );
    let feed = guarded(unknown.as_bytes(), &source).expect("a feed");
    assert_eq!(feed.items[0].title, "kept");
    let entries = format!(r#"{{"items":[{}{{}}]}}"#, r#"{"id":"1"},"#.repeat(30_000));
    let feed = guarded(entries.as_bytes(), &source).expect("a feed");
    assert_eq!(feed.items.len(), 10_000);
    assert_eq!(feed.repairs, ["kept the first 10,000 items"]);
    // Unoptimised, beside other tests.
    assert!(started.elapsed() < Duration::from_secs(60));
}

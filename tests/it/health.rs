//! What is said of a feed's health, and what its operator hears: after patience, once, and once when
//! it is well again.

use serde_json::json;

use crate::world::World;
use crate::world::document::{Entry, entry, headlines, rss};
use crate::world::server::{Reply, Request};

const TELL: &str = "[health]\nchannels = [\"desk\"]";

/// One feed that matters, and one beside it that does not.
fn watched() -> World {
    let mut world = World::new();
    world
        .poll_keys(TELL)
        .feed_with("wire", "important = true", rss(&headlines(1)))
        .feed("other", rss(&[]));
    world.poll().expect_alerts(1).deliver();
    world
}

/// What the operator heard, as health and headline.
fn heard(world: &mut World) -> Vec<String> {
    world.deliver().deliver();
    let messages = world.hooked();
    let health = messages
        .iter()
        .map(Request::json)
        .filter(|it| it["kind"] == "feed-health");
    health
        .map(|it| format!("{}: {}", it["story"]["state"], it["headline"]).replace('"', ""))
        .collect()
}

#[track_caller]
fn expect_state(world: &mut World, state: &str) {
    let listed = world.feeds();
    assert_eq!(listed[0]["state"], json!(state), "{listed:#?}");
}

#[test]
fn failures_are_told_after_a_day_and_once_and_so_is_their_end() {
    let mut world = watched();
    world.answers("wire", Reply::status(500));
    world.answers("other", Reply::status(500));
    for _ in 0..7 {
        world.later("4h").poll();
    }
    expect_state(&mut world, "failing");
    assert_eq!(heard(&mut world), ["failing: wire is failing"]);
    world.later("1d").poll();
    assert_eq!(heard(&mut world).len(), 1);
    world.shows("wire", rss(&headlines(1))).later("1h").poll();
    world.later("1h").poll();
    expect_state(&mut world, "ok");
    assert_eq!(
        heard(&mut world),
        ["failing: wire is failing", "ok: wire is well again"]
    );
    world.expect_rows(
        "SELECT h.health, h.reason, h.created_at, d.channel, d.state
         FROM health_events h JOIN deliveries d ON d.health_event_id = h.id",
        &[
            "failing | 6 failures in a row, last success 2026-06-01 09:00 UTC | 2026-06-02T09:00:00Z | desk | delivered",
            "ok | it answers and brings news again | 2026-06-03T14:00:00Z | desk | delivered",
        ],
    );
}

#[test]
fn a_short_outage_is_told_to_nobody() {
    let mut world = watched();
    for _ in 0..3 {
        world.answers("wire", Reply::status(503));
        for _ in 0..6 {
            world.later("3h").poll();
        }
        world.shows("wire", rss(&headlines(1))).later("1h").poll();
    }
    assert_eq!(heard(&mut world), Vec::<String>::new());
}

#[test]
fn what_was_told_is_known_after_a_restart() {
    let mut world = watched();
    world.answers("wire", Reply::status(403));
    for _ in 0..7 {
        world.later("4h").poll().restart();
    }
    expect_state(&mut world, "blocked");
    assert_eq!(heard(&mut world), ["blocked: wire is blocked"]);
}

#[test]
fn a_feed_that_is_gone_is_told_at_once() {
    let mut world = watched();
    world.answers("wire", Reply::status(410));
    world.later("1h").poll().later("1h").poll();
    expect_state(&mut world, "gone");
    assert_eq!(heard(&mut world), ["gone: wire is gone"]);
}

/// What the items themselves tell is another matter.
fn look_past_alerts(world: &mut World) {
    let told = world.rows("SELECT json_extract(message, '$.headline') FROM alerts ORDER BY id");
    let told: Vec<&str> = told.iter().map(String::as_str).collect();
    world.expect_alerted(&told);
}

/// Six entries, an hour apart, the newest at the clock's time.
fn hourly(world: &World, first: usize) -> Vec<Entry> {
    let at = |n: i64| world.now() - jiff::SignedDuration::from_hours(n);
    (0..6)
        .map(|n| {
            let id = format!("{}", first - n);
            let back = i64::try_from(n).expect("small");
            entry(&id, &format!("Bulletin number {id} of the harbour office"))
                .published(&at(back).to_string())
        })
        .collect()
}

#[test]
fn silence_beyond_a_feeds_rhythm_is_told_and_so_is_its_end() {
    let mut world = watched();
    world.later("1h");
    let document = rss(&hourly(&world, 10));
    world.shows("wire", document).poll();
    for _ in 0..4 {
        expect_state(&mut world, "ok");
        world.later("20h").poll();
    }
    expect_state(&mut world, "silent");
    assert_eq!(heard(&mut world), ["silent: wire is silent"]);
    let mut again = hourly(&world, 11);
    again.truncate(1);
    again.extend(
        hourly(&world, 10)
            .into_iter()
            .map(|it| it.published("2026-06-01T10:00:00Z")),
    );
    world.shows("wire", rss(&again)).later("1h").poll();
    expect_state(&mut world, "ok");
    look_past_alerts(&mut world);
    assert_eq!(
        heard(&mut world).last().expect("news"),
        "ok: wire is well again"
    );
}

#[test]
fn items_that_fell_out_unseen_make_a_gap() {
    let mut world = watched();
    world.later("1h");
    let document = rss(&hourly(&world, 10));
    world.shows("wire", document).poll();
    expect_state(&mut world, "ok");
    world.later("4h");
    let document = rss(&hourly(&world, 14));
    world.shows("wire", document).poll();
    expect_state(&mut world, "ok");
    world.later("9h");
    let document = rss(&hourly(&world, 23));
    world.shows("wire", document).poll();
    expect_state(&mut world, "gap");
    assert_eq!(
        heard(&mut world),
        ["gap: wire lost items between two visits"]
    );
    look_past_alerts(&mut world);
}

#[test]
fn a_feed_whose_newest_item_is_years_old_is_a_zombie() {
    let mut world = watched();
    let old = headlines(3)
        .into_iter()
        .map(|it| it.published("2017-12-12T00:00:00Z"));
    let document = rss(&old.collect::<Vec<_>>());
    world
        .feed_with("frozen", "important = true", document)
        .restart()
        .poll();
    assert_eq!(world.feeds()[2]["state"], json!("zombie"));
    assert_eq!(
        heard(&mut world),
        ["zombie: frozen shows nothing but old items"]
    );
}

//! What readers do to stories and developments, and what follows from it.

use serde_json::json;

use crate::world::World;
use crate::world::desk::Desk;
use crate::world::document::{entry, rss};

const PRAISE: &str = "Trump says Kim Jong Un is 'very smart' ahead of meeting";
const SLIGHT: &str = "Noodle shops prepare menus for the meeting of Trump and Kim Jong Un";
const CANCELLED: &str =
    "Trump calls off Singapore summit with Kim Jong Un, citing 'open hostility'";
const AGREED: &str = "Trump and Kim Jong Un agree to hold summit in Singapore";

fn world() -> World {
    let mut world = World::new();
    world.topic("us-dprk-summit");
    world.feed("wire", rss(&[entry("1", AGREED)])).poll();
    world.expect_alerts(1);
    world
}

fn act(world: &mut World, kind: &str) {
    let sql = format!(
        "INSERT INTO acts (kind, story_id, reader, done_at) VALUES ('{kind}', 1, 'ann', '2026-06-01T09:00:00Z')"
    );
    world.tamper(&sql);
}

#[test]
fn a_muted_story_is_silent_until_its_meeting_stands_elsewhere() {
    let mut world = world();
    act(&mut world, "mute");
    let off = [entry("2", CANCELLED), entry("1", AGREED)];
    world.later("1h").shows("wire", rss(&off)).poll();
    // The change of state is told, and ends it.
    world.expect_alerts(1);
    world.expect_rows("SELECT undone_by FROM acts", &["a change of state"]);
}

/// Deliveries of the story after one more development of it, which changes no state.
fn owed(acts: &[&str], headline: &str) -> i64 {
    let mut world = world();
    acts.iter().for_each(|it| act(&mut world, it));
    let more = [entry("2", headline), entry("1", AGREED)];
    world.later("1h").shows("wire", rss(&more)).poll();
    let alerts = world.number("SELECT count(*) FROM alerts") - 1;
    world.expect_alerts(alerts);
    world.number("SELECT count(*) FROM deliveries WHERE story_id = 1") - 1
}

#[test]
fn a_muted_story_owes_nobody_what_is_no_change() {
    assert_eq!(owed(&[], PRAISE), 1, "else muting it shows nothing");
    assert_eq!(owed(&["mute"], PRAISE), 0);
}

#[test]
fn what_waits_for_a_second_source_waits_on_while_its_story_is_muted() {
    let mut world = World::new();
    world.topic("us-dprk-summit").topic_keys("hold = \"30m\"");
    world
        .feed("wire", rss(&[entry("1", AGREED)]))
        .feed("daily", rss(&[]));
    world.poll().deliver();
    world.expect_alerts(1);
    assert!(world.hooked().is_empty(), "it is held");
    act(&mut world, "mute");
    // A second source releases it, and nobody hears it yet.
    let second = "Trump, Kim Jong Un agree to hold Singapore summit";
    world
        .later("10m")
        .shows("daily", rss(&[entry("d1", second)]));
    world.poll().deliver();
    world.later("1h").deliver();
    assert!(
        world.hooked().is_empty(),
        "it was sent though its story is muted"
    );
    world.tamper("UPDATE acts SET undone_at = '2026-06-01T12:00:00Z', undone_by = 'ann'");
    world.deliver();
    assert_eq!(world.hooked().len(), 1);
    world.expect_alerts(0);
}

#[test]
fn of_a_followed_story_the_slightest_development_is_told() {
    assert_eq!(owed(&[], SLIGHT), 0, "else following it shows nothing");
    assert_eq!(owed(&["follow"], SLIGHT), 1);
}

#[test]
fn every_report_of_a_followed_story_goes_to_the_followers_channel() {
    let mut world = World::new();
    world.topic("us-dprk-summit").hook("ann", "");
    world.routes("[[routes]]\ntopic = \"us-dprk-summit\"\nchannels = [\"desk\"]\n");
    world
        .feed("wire", rss(&[entry("1", AGREED)]))
        .feed("daily", rss(&[]))
        .feed("post", rss(&[]));
    world.poll().deliver();
    world.expect_alerts(1);
    world.tamper(
        "INSERT INTO acts (kind, story_id, reader, done_at, channel, told_item)
         VALUES ('follow', 1, 'ann', '2026-06-01T09:00:00Z', 'ann', (SELECT max(item_id) FROM reports))",
    );
    let repeat = "Trump, Kim Jong Un agree to hold Singapore summit";
    world
        .later("1h")
        .shows("daily", rss(&[entry("d1", repeat)]));
    world.poll().deliver();
    // A repeat alerts nobody, and the follower has it.
    world.expect_alerts(0);
    let told = world.told("ann");
    assert_eq!(told.len(), 1);
    let message = told[0].json();
    assert_eq!(message["kind"], "report");
    assert_eq!(message["headline"], repeat);
    assert_eq!(message["sources"], json!(["wire", "daily"]));
    assert_eq!(message["reason"], "ann follows this story: repeats it");
    assert_eq!(world.hooked().len(), 1, "the usual channel hears no repeat");
    // Once, and no more when the follow is taken back.
    world.later("1h").poll().deliver();
    assert_eq!(world.told("ann").len(), 1);
    world.tamper("UPDATE acts SET undone_at = '2026-06-01T12:00:00Z', undone_by = 'ann'");
    let later = "Trump and Kim Jong Un agree to a summit in Singapore";
    world.later("1h").shows("post", rss(&[entry("p1", later)]));
    world.poll().deliver();
    world.expect_alerts(0);
    assert_eq!(world.told("ann").len(), 1);
}

#[test]
fn what_is_marked_as_no_news_is_a_case_that_the_topic_is_tested_on() {
    let desk = Desk::new("archive = \"news.db\"\n[[topics]]\nname = \"us-dprk-summit\"\n");
    let item = json!({"id": "a", "outlet": "Wire", "language": "en", "title": AGREED, "published": "2026-06-01T09:00:00Z"});
    desk.write("items.jsonl", format!("{item}\n"));
    let replay = [
        "replay",
        "--items",
        "items.jsonl",
        "--db",
        "news.db",
        "--topic",
        "us-dprk-summit",
    ];
    desk.run(&replay).well();
    desk.run(&["acts", "mark", "1", "not-news", "--by", "ann"])
        .well();
    let cases = desk.run(&["acts", "cases", "us-dprk-summit"]).well();
    desk.write("marked.cases.toml", &cases);
    let tested = desk.run(&[
        "topics",
        "test",
        "--topic",
        "us-dprk-summit",
        "marked.cases.toml",
    ]);
    assert_eq!(tested.status, 1, "{cases}\n{}", tested.out);
    assert!(
        tested.out.contains("marked as no news by ann"),
        "{}",
        tested.out
    );
    assert!(
        tested.out.contains("  - alert: expected silent, got told"),
        "{}",
        tested.out
    );
}

#[test]
fn a_channel_that_is_not_there_follows_nothing() {
    let desk = Desk::new("archive = \"news.db\"\n[[topics]]\nname = \"us-dprk-summit\"\n");
    let item = json!({"id": "a", "outlet": "Wire", "language": "en", "title": AGREED, "published": "2026-06-01T09:00:00Z"});
    desk.write("items.jsonl", format!("{item}\n"));
    let replay = [
        "replay",
        "--items",
        "items.jsonl",
        "--db",
        "news.db",
        "--topic",
        "us-dprk-summit",
    ];
    desk.run(&replay).well();
    desk.run(&["acts", "follow", "1", "--channel", "pigeon"])
        .ill(1, "error: no channel of that name is configured");
}

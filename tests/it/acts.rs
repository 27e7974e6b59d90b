//! What readers do to stories and developments, and what follows from it.

use crate::world::World;
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
fn of_a_followed_story_the_slightest_development_is_told() {
    assert_eq!(owed(&[], SLIGHT), 0, "else following it shows nothing");
    assert_eq!(owed(&["follow"], SLIGHT), 1);
}

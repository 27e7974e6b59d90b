//! The outbox under the faults of the world: what is owed arrives, once, in order within its story,
//! when its reader wants it; and who hears of it when it does not.

use rusqlite::Connection;
use summitwatch::store::{Store, StoreError};

use crate::world::desk::Desk;
use crate::world::document::{entry, headlines, rss};
use crate::world::server::{Gate, Reply, Request};
use crate::world::{HOOK, World};

const STATES: &str = "SELECT channel, state FROM deliveries ORDER BY id";
const OPEN: &str = "SELECT count(*) FROM deliveries WHERE state <> 'delivered'";

fn keys(requests: &[Request]) -> Vec<String> {
    requests.iter().map(Request::key).collect()
}

fn accepted(requests: &[Request]) -> Vec<String> {
    let taken: Vec<Request> = requests
        .iter()
        .filter(|it| it.is_accepted())
        .cloned()
        .collect();
    keys(&taken)
}

/// A world with `n` alerts for the usual webhook, not yet sent.
fn owing(n: usize) -> World {
    let mut world = World::new();
    world
        .feed("wire", rss(&headlines(n)))
        .poll()
        .expect_alerts(i64::try_from(n).expect("a few"));
    world
}

// Faults of channels.

/// `faults` one after the other, then the channel is well: all is delivered within a day and a
/// half, each once, all in order.
#[track_caller]
fn check_fault(faults: impl IntoIterator<Item = Reply>) {
    let mut world = World::new();
    world
        .poll_keys("read_timeout = \"1s\"")
        .feed("wire", rss(&headlines(3)))
        .poll()
        .expect_alerts(3);
    let replies: Vec<Reply> = faults.into_iter().chain([Reply::status(200)]).collect();
    let n_faults = replies.len() - 1;
    world.hooks.script(HOOK, replies);
    // One story: the second must not overtake the first.
    world.tamper("UPDATE deliveries SET story_id = 1");
    for _ in 0..36 * 60 {
        world.deliver();
        if world.number(OPEN) == 0 {
            break;
        }
        world.later("1m");
    }
    let owed = world.rows("SELECT idempotency_key FROM deliveries ORDER BY id");
    let requests = world.hooked();
    assert_eq!(accepted(&requests), owed);
    assert_eq!(requests.len(), 3 + n_faults);
}

#[test]
fn whatever_a_channel_does_all_is_delivered_once_and_in_order() {
    let asks = |wait: &str| Reply::status(429).with("Retry-After", wait);
    check_fault([Reply::Close]);
    check_fault([Reply::Silence, Reply::Close]);
    check_fault([Reply::Raw(b"HTTP/1.1 200".to_vec())]);
    for wait in [
        "30",
        "0",
        "-5",
        "99999999",
        "soon",
        "43838",
        "Wed, 21 Oct 2026 07:30:00 GMT",
        "",
    ] {
        check_fault([asks(wait)]);
    }
    check_fault([asks("600"), Reply::status(500)]);
}

#[test]
fn an_answer_that_comes_too_late_costs_one_repeat_under_the_same_key() {
    let (gate, done) = (Gate::default(), Gate::default());
    let mut world = owing(1);
    world.poll_keys("read_timeout = \"1s\"").restart();
    let late = Reply::status(200).held(&gate).opens(&done);
    world.hooks.script(HOOK, [late, Reply::status(200)]);
    world.deliver().expect_rows(STATES, &["desk | retry"]);
    gate.open();
    world.later("10s").deliver().later("1d").deliver();
    let requests = world.hooked();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].key(), requests[1].key());
    world.expect_rows(STATES, &["desk | delivered"]);
}

#[test]
fn a_connection_that_is_no_tls_is_tried_until_it_is_mended() {
    let mut world = World::new();
    let url = world.hooks.url(HOOK);
    let toml = |url: &str| format!("kind = \"webhook\"\nurl = \"{url}\"\nallow_private = true");
    world
        .only_channel("desk", &toml(&url.replace("http:", "https:")))
        .feed("wire", rss(&headlines(2)))
        .poll()
        .expect_alerts(2)
        .deliver();
    world.expect_rows(
        "SELECT state FROM deliveries ORDER BY id LIMIT 1",
        &["retry"],
    );
    world
        .only_channel("desk", &toml(&url))
        .restart()
        .later("10s")
        .deliver();
    world.expect_rows(STATES, &["desk | delivered", "desk | delivered"]);
}

#[test]
fn after_an_hour_of_failures_everything_goes_out_within_minutes() {
    let mut world = owing(5);
    world.hooks.script(HOOK, [Reply::status(500)]);
    for _ in 0..60 {
        world.deliver().later("1m");
    }
    let tried = world.hooked().len();
    assert!((10..40).contains(&tried), "{tried} attempts in an hour");
    world.hooks.script(HOOK, [Reply::status(200)]);
    for _ in 0..6 {
        world.deliver().later("1m");
    }
    assert_eq!(
        world.number(OPEN),
        0,
        "{:#?}",
        world.rows("SELECT * FROM deliveries")
    );
    assert_eq!(accepted(&world.hooked()).len(), 5);
}

#[test]
fn a_wish_to_wait_is_the_whole_channels() {
    let mut world = owing(3);
    let wait = Reply::status(429).with("Retry-After", "600");
    world.hooks.script(HOOK, [wait, Reply::status(200)]);
    world.deliver().later("599s").deliver();
    assert_eq!(world.hooked().len(), 1);
    // Also across a restart.
    world.restart().deliver();
    assert_eq!(world.hooked().len(), 1);
    world.later("1s").deliver();
    assert_eq!(world.hooked().len(), 4);
}

#[test]
fn one_message_that_a_channel_cannot_take_holds_up_no_other_story() {
    let mut world = owing(4);
    // Two of one story, and two of others.
    world.tamper("UPDATE deliveries SET story_id = iif(id <= 2, 1, id)");
    let poison = world
        .rows("SELECT idempotency_key FROM deliveries ORDER BY id")
        .remove(0);
    world
        .hooks
        .script(HOOK, [Reply::status(500), Reply::status(200)]);
    world
        .deliver()
        .later("5s")
        .hooks
        .script(HOOK, [Reply::status(500), Reply::status(200)]);
    // The first is due later than the channel is tried again.
    world.tamper("UPDATE deliveries SET next_attempt_at = '2026-06-01T12:00:00Z' WHERE id = 1");
    world.hooks.script(HOOK, [Reply::status(200)]);
    world.later("5s").deliver();
    world.expect_rows(
        STATES,
        &[
            "desk | retry",
            "desk | pending",
            "desk | delivered",
            "desk | delivered",
        ],
    );
    world.later("3h").deliver().expect_rows(OPEN, &["0"]);
    let taken = accepted(&world.hooked());
    assert_eq!(taken.iter().position(|it| *it == poison), Some(2));
}

// Faults of clocks and disks.

#[test]
fn a_clock_set_back_or_forward_loses_and_doubles_nothing() {
    for time in [
        "2026-06-01T08:00:00Z",
        "2026-06-02T09:00:00Z",
        "2031-01-01T00:00:00Z",
    ] {
        let mut world = owing(3);
        world
            .hooks
            .script(HOOK, [Reply::status(500), Reply::status(200)]);
        world.deliver().at(time).deliver();
        for _ in 0..4 {
            world.later("1h").deliver();
        }
        assert_eq!(world.number(OPEN), 0, "{time}");
        let owed = world.rows("SELECT idempotency_key FROM deliveries");
        let mut taken = accepted(&world.hooked());
        taken.sort();
        let mut owed = owed;
        owed.sort();
        assert_eq!(taken, owed, "{time}");
    }
}

#[test]
fn where_nothing_can_be_written_down_nothing_is_sent() {
    let mut world = owing(2);
    world.tamper("PRAGMA query_only = 1");
    for _ in 0..3 {
        world.try_deliver().expect_err("the archive refuses");
        world.later("1h");
    }
    assert!(world.hooked().is_empty());
    world.tamper("PRAGMA query_only = 0").deliver();
    assert_eq!(accepted(&world.hooked()).len(), 2);
}

// One sender.

#[test]
fn whoever_lost_its_place_sends_nothing_more() {
    let mut world = owing(2);
    world.deliver();
    world.tamper("UPDATE sender SET holder = 'another'");
    world.tamper("UPDATE deliveries SET state = 'pending', next_attempt_at = created_at");
    let error = world.try_deliver().expect_err("ousted");
    assert!(matches!(error, StoreError::Ousted), "{error:?}");
    assert_eq!(world.hooked().len(), 2);
}

#[test]
fn a_sender_on_another_machine_is_waited_for_and_one_that_died_here_is_not() {
    let mut world = owing(1);
    world.tamper("INSERT INTO sender VALUES (1, 'another', 'elsewhere', '2026-06-01T09:00:30Z')");
    let error = world.try_deliver().expect_err("taken");
    assert!(matches!(error, StoreError::Taken { .. }), "{error:?}");
    world.later("31s").deliver();
    assert_eq!(world.hooked().len(), 1);
    // As after kill -9: the same kernel let our lock go.
    world
        .restart()
        .tamper("UPDATE deliveries SET state = 'pending', next_attempt_at = created_at")
        .deliver();
    assert_eq!(world.hooked().len(), 2);
}

#[test]
fn rows_can_be_added_beside_a_sender_but_no_second_one_opens() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let path = folder.path().join("archive.db");
    let first = Store::open(&path).expect("an archive");
    assert!(matches!(Store::open(&path), Err(StoreError::Locked(_))));
    drop(Store::open_beside(&path).expect("beside it"));
    // The lock is still the first one's.
    assert!(matches!(Store::open(&path), Err(StoreError::Locked(_))));
    drop(first);
    Store::open(&path).expect("free again");
}

#[test]
fn the_service_does_not_start_while_another_machine_sends() {
    let desk = Desk::new("[[routes]]\ntopic = \"all\"\nchannels = []\n");
    desk.run(&["poll"]);
    let archive = Connection::open(desk.folder.path().join("summitwatch.db")).expect("the archive");
    let held = "INSERT INTO sender VALUES (1, 'another', 'elsewhere', strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '+50 seconds'))";
    archive.execute(held, []).expect("written");
    let refused = desk.run(&["run"]);
    assert_eq!(refused.status, 1);
    assert!(
        refused
            .err
            .contains("another summitwatch sends from this archive until"),
        "{}",
        refused.err
    );
}

// Pace.

#[test]
fn a_restart_does_not_forget_what_was_sent() {
    let mut world = World::new();
    world.hook("phone", "rate = \"2/1h\"");
    world
        .feed("wire", rss(&headlines(5)))
        .poll()
        .expect_alerts(5)
        .deliver();
    for _ in 0..3 {
        world.restart().later("1m").deliver();
    }
    assert_eq!(world.told("phone").len(), 2);
    world.later("1h").deliver();
    assert_eq!(world.told("phone").len(), 4);
}

/// 10,000 deliveries to twelve channels, of which the first is dead.
#[test]
fn eleven_channels_drain_at_their_own_rates_beside_a_dead_one() {
    const ALERTS: usize = 834;
    let mut world = World::new();
    let rates: [usize; 3] = [40, 90, 900];
    for at in 0..12 {
        let rate = rates[at % 3];
        world.hook(&format!("c{at}"), &format!("rate = \"{rate}/1s\""));
    }
    world.hooks.script("/c0", [Reply::status(503)]);
    world
        .feed("wire", rss(&headlines(1)))
        .poll()
        .expect_alerts(1);
    world.tamper(&format!(
        "PRAGMA synchronous = off;
         CREATE TEMP TABLE words AS SELECT message FROM alerts;
         DELETE FROM deliveries; DELETE FROM alerts; DELETE FROM reports; DELETE FROM developments;
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ALERTS})
         INSERT INTO developments (id, story_id, item_id, kind, novelty, reason, verdict, created_at)
            SELECT i, 1, 1, 'opens', 1, 'a reason', 'alert', '2026-06-01T09:00:00Z' FROM n;
         INSERT INTO alerts (id, development_id, message, created_at)
            SELECT id, id, message, created_at FROM developments, words;
         INSERT INTO deliveries (alert_id, channel, state, next_attempt_at, idempotency_key, created_at)
            SELECT a.id, c.name, 'pending', a.created_at, a.id || '-' || c.name, a.created_at
            FROM alerts a, channels c WHERE c.name LIKE 'c%';"
    ));
    let owed = world.number("SELECT count(*) FROM deliveries");
    assert_eq!(owed, 12 * i64::try_from(ALERTS).expect("a number"));
    for turn in 1..=ALERTS / rates[0] + 1 {
        world.deliver();
        for at in 1..12 {
            let sent = world.number(&format!(
                "SELECT count(*) FROM deliveries WHERE channel = 'c{at}' AND state = 'delivered'"
            ));
            let allowed = (rates[at % 3] * turn).min(ALERTS);
            assert_eq!(
                usize::try_from(sent).expect("a count"),
                allowed,
                "c{at}, turn {turn}"
            );
        }
        assert_eq!(
            world.number("SELECT count(*) FROM deliveries WHERE state = 'sending'"),
            0
        );
        world.later("1s");
    }
    let tried = world.told("c0").len();
    assert!(tried <= 4, "the dead one was tried {tried} times");
    let sent =
        world.rows("SELECT idempotency_key FROM deliveries WHERE channel = 'c7' ORDER BY id");
    assert_eq!(keys(&world.told("c7")), sent);
    world.tamper("DELETE FROM deliveries; DELETE FROM alerts");
    world.expect_alerts(-1);
}

#[test]
fn several_sends_at_once_keep_each_story_in_order() {
    let mut world = World::new();
    world
        .only_channel("none", "kind = \"terminal\"")
        .hook("desk", "concurrency = 4");
    world.routes("[[routes]]\ntopic = \"all\"\nchannels = [\"desk\"]\n");
    let gate = Gate::default();
    // The first answers when two further ones were taken: the second story's and the third's.
    world.hooks.script(
        "/desk",
        [
            Reply::status(200).held(&gate),
            Reply::status(200),
            Reply::status(200).opens(&gate),
            Reply::status(200),
        ],
    );
    world
        .feed("wire", rss(&headlines(4)))
        .poll()
        .expect_alerts(4);
    world
        .tamper("UPDATE deliveries SET story_id = iif(id <= 2, 1, id)")
        .deliver();
    let order = world.rows("SELECT idempotency_key FROM deliveries ORDER BY id");
    let told = keys(&world.told("desk"));
    let place = |key: &String| told.iter().position(|it| it == key).expect("told");
    assert_eq!(
        place(&order[1]),
        3,
        "the second of the story waits for the first"
    );
    world.expect_rows(OPEN, &["0"]);
}

// Quiet hours.

const NIGHT: &str = "[[routes]]\ntopic = \"all\"\nchannels = [\"phone\"]\n\
    quiet = { from = \"23:00\", to = \"07:00\", zone = \"Asia/Seoul\", except = [\"correction\"] }\n\
    [[routes]]\ntopic = \"all\"\nchannels = [\"desk\"]\n";

fn night() -> World {
    let mut world = World::new();
    world.hook("phone", "").routes(NIGHT);
    // 23:30 in Seoul.
    world.at("2026-06-01T14:30:00Z");
    world
}

fn fresh(from: usize, to: usize) -> String {
    let entries = headlines(to).into_iter().skip(from);
    let entries: Vec<_> = entries
        .map(|it| it.published("2026-06-01T14:29:00Z"))
        .collect();
    rss(&entries)
}

#[test]
fn what_quiet_hours_held_comes_as_one_message_when_they_end() {
    let mut world = night();
    world
        .feed("wire", fresh(0, 3))
        .poll()
        .expect_alerts(3)
        .deliver();
    assert_eq!((world.told("phone").len(), world.hooked().len()), (0, 3));
    world.expect_rows(
        "SELECT state, held_by, next_attempt_at FROM deliveries WHERE channel = 'phone' GROUP BY 1, 2, 3",
        &["held | quiet | 2026-06-01T22:00:00Z"],
    );
    world.at("2026-06-01T21:59:59Z").deliver();
    assert_eq!(world.told("phone").len(), 0);
    world
        .later("1s")
        .restart()
        .deliver()
        .later("1h")
        .restart()
        .deliver();
    let [morning] = &world.told("phone")[..] else {
        panic!("one message: {:#?}", world.told("phone"))
    };
    let digest = morning.json();
    assert_eq!(digest["headline"], "3 developments in 3 stories");
    world.expect_rows(OPEN, &["0"]);
}

/// One outlet alone at `alone`, which `hold` would hold till after `second`, when another has it
/// too: the phone is told at `told` and no second before.
#[track_caller]
fn check_released(hold: &str, alone: &str, second: &str, told: &str) {
    let mut world = night();
    let report = |id: &str, title: &str, at: &str| rss(&[entry(id, title).published(at)]);
    world
        .topic_keys(&format!("hold = \"{hold}\""))
        .at(alone)
        .feed_with(
            "wire",
            "outlet = \"Wire\"",
            report("1", "Harbour pilots count eleven stranded barges", alone),
        )
        .feed_with("daily", "outlet = \"Daily\"", rss(&[]))
        .poll()
        .deliver()
        .expect_alerts(1);
    assert_eq!(
        (world.told("phone").len(), world.hooked().len()),
        (0, 0),
        "it waits"
    );
    world
        .at(second)
        .shows(
            "daily",
            report(
                "2",
                "Eleven stranded barges counted by harbour pilots",
                second,
            ),
        )
        .poll()
        .deliver();
    assert!(
        world.hooked()[0].json()["sources"]
            .to_string()
            .contains("Daily"),
        "{:?}",
        world.hooked()
    );
    if told != second {
        assert_eq!(world.told("phone").len(), 0, "at {second}");
        world.at(told).deliver();
    }
    let first = &world.told("phone")[0].json();
    assert!(first.to_string().contains("Harbour pilots"), "{first}");
    world.expect_rows("SELECT count(*) FROM stories", &["1"]);
    world.expect_rows(OPEN, &["0"]);
    let alerts = world.number("SELECT count(*) FROM alerts");
    world.expect_alerts(alerts - 1);
}

#[test]
fn what_a_second_source_releases_keeps_the_hours_of_its_release() {
    // Seoul is nine hours ahead. The hold would end in the night; the release comes before it.
    check_released(
        "2h",
        "2026-06-01T13:00:00Z",
        "2026-06-01T13:10:00Z",
        "2026-06-01T13:10:00Z",
    );
    // The hold would end after the night; the release comes in it.
    check_released(
        "4h",
        "2026-06-01T20:00:00Z",
        "2026-06-01T20:10:00Z",
        "2026-06-01T22:00:00Z",
    );
}

#[test]
fn a_single_alert_that_quiet_hours_held_comes_as_it_is() {
    let mut world = night();
    world
        .feed("wire", fresh(0, 1))
        .poll()
        .expect_alerts(1)
        .deliver();
    world.at("2026-06-01T22:00:00Z").deliver();
    let [morning] = &world.told("phone")[..] else {
        panic!("one message")
    };
    assert_eq!(morning.json()["kind"], "opens");
}

#[test]
fn what_comes_after_quiet_hours_does_not_overtake_what_they_held() {
    let mut world = night();
    world
        .feed("wire", fresh(0, 2))
        .poll()
        .expect_alerts(2)
        .deliver();
    world
        .hooks
        .script("/phone", [Reply::status(500), Reply::status(200)]);
    world.at("2026-06-01T22:00:01Z");
    let third: Vec<_> = headlines(3).into_iter().skip(2).collect();
    let third: Vec<_> = third
        .into_iter()
        .map(|it| it.published("2026-06-01T21:59:00Z"))
        .collect();
    world.shows("wire", rss(&third)).poll().expect_alerts(1);
    world
        .tamper("UPDATE deliveries SET story_id = 1")
        .deliver()
        .later("10s")
        .deliver();
    let kinds: Vec<String> = world
        .told("phone")
        .iter()
        .map(|it| it.json()["kind"].to_string())
        .collect();
    assert_eq!(kinds, ["\"digest\"", "\"digest\"", "\"opens\""]);
}

// Escalation.

fn escalating(unless: &str) -> World {
    let mut world = World::new();
    world.hook("phone", "").routes(&format!(
        "[[routes]]\ntopic = \"all\"\nchannels = [\"desk\"]\n\
         escalate = {{ after = \"15m\", to = [\"phone\"], unless = \"{unless}\" }}\n"
    ));
    world
        .feed("wire", rss(&headlines(1)))
        .poll()
        .expect_alerts(1)
        .deliver();
    world
}

#[test]
fn what_nobody_acknowledges_goes_to_further_channels_once() {
    let mut world = escalating("acknowledged");
    world.later("899s").deliver();
    assert_eq!(world.told("phone").len(), 0);
    world.later("1s").deliver().later("1h").deliver();
    assert_eq!(world.told("phone").len(), 1);
    world.expect_rows("SELECT state FROM escalations", &["raised"]);
}

#[test]
fn what_was_acknowledged_or_delivered_is_not_escalated() {
    let mut world = escalating("acknowledged");
    world.acknowledge(1).later("1h").deliver();
    assert_eq!(world.told("phone").len(), 0);
    let mut world = escalating("delivered");
    world.later("1h").deliver();
    assert_eq!(world.told("phone").len(), 0);
    world.expect_rows("SELECT state FROM escalations", &["ended"]);
}

#[test]
fn what_its_channel_refuses_is_escalated_at_once() {
    let mut world = World::new();
    world.hooks.script(HOOK, [Reply::status(404)]);
    world.hook("phone", "").routes(
        "[[routes]]\ntopic = \"all\"\nchannels = [\"desk\"]\n\
         escalate = { after = \"15m\", to = [\"phone\"], unless = \"delivered\" }\n",
    );
    world
        .feed("wire", rss(&headlines(1)))
        .poll()
        .expect_alerts(1)
        .deliver();
    world.deliver();
    assert_eq!(world.told("phone").len(), 1);
}

// What is given up, and who hears of it.

#[test]
fn the_operator_hears_once_that_a_channel_takes_nothing() {
    let mut world = World::new();
    world
        .poll_keys("[health]\nchannels = [\"desk\", \"ops\"]")
        .hook("ops", "")
        .routes("[[routes]]\ntopic = \"all\"\nchannels = [\"desk\"]\n");
    world
        .hooks
        .script(HOOK, [Reply::status(404).body("nobody lives here")]);
    world
        .feed("wire", rss(&headlines(3)))
        .poll()
        .expect_alerts(3)
        .deliver()
        .deliver();
    world.expect_rows(
        "SELECT channel, state, count(*) FROM deliveries GROUP BY 1, 2",
        &["desk | dead | 3", "ops | delivered | 1"],
    );
    let [notice] = &world.told("ops")[..] else {
        panic!("one notice")
    };
    let notice = notice.json();
    assert_eq!(notice["kind"], "channel-health");
    assert!(
        notice["reason"].to_string().contains("nobody lives here"),
        "{notice:#}"
    );
    // It works again, and fails again: that is news.
    world
        .hooks
        .script(HOOK, [Reply::status(200), Reply::status(404)]);
    world.retry_all().deliver().deliver();
    world.expect_rows(
        "SELECT channel, state, count(*) FROM deliveries GROUP BY 1, 2",
        &[
            "desk | dead | 2",
            "desk | delivered | 1",
            "ops | delivered | 2",
        ],
    );
}

// Channels that come and go.

#[test]
fn a_channel_that_returns_is_not_told_what_is_no_news_any_more() {
    let mut world = World::new();
    world.hook("phone", "");
    world.hooks.script("/phone", [Reply::status(503)]);
    world
        .feed("wire", rss(&headlines(2)))
        .poll()
        .expect_alerts(2)
        .deliver();
    world.routes("[[routes]]\ntopic = \"all\"\nchannels = [\"desk\"]\n");
    let url = world.hooks.url(HOOK);
    let desk = format!("kind = \"webhook\"\nurl = \"{url}\"\nallow_private = true");
    world
        .only_channel("desk", &desk)
        .restart()
        .later("25h")
        .deliver();
    world.expect_rows(
        "SELECT channel, state, held_by, count(*) FROM deliveries GROUP BY 1, 2",
        &["desk | delivered | null | 2", "phone | held | removed | 2"],
    );
    let told = world.told("phone").len();
    world
        .hook("phone", "")
        .restart()
        .deliver()
        .later("1d")
        .deliver();
    assert_eq!(world.told("phone").len(), told);
    world.expect_rows(
        "SELECT channel, state, count(*) FROM deliveries GROUP BY 1, 2",
        &["desk | delivered | 2", "phone | expired | 2"],
    );
}

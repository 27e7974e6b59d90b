//! From a document to an alert: identity, history, copies, charsets, and servers that fail.

mod sequences;
mod soak;

use std::slice::from_ref;

use crate::world::World;
use crate::world::document::{
    ERROR_PAGE, Entry, HEADLINES, PUBLISHED, encoded, entry, headlines, rss, rss_in,
};
use crate::world::server::Reply;

const SUMMIT: &str = "us-dprk-summit";
/// A headline that the shipped topic matches.
const MEETING: &str = "Trump and Kim Jong Un agree to a second summit in Hanoi";

#[test]
fn a_first_poll_stores_every_item_and_alerts_once_for_each_story() {
    let mut world = World::new();
    world
        .feed("wire", rss(&headlines(5)))
        .poll()
        .expect_new(5)
        .expect_alerts(5);
    world.deliver().deliver();
    assert_eq!(world.hooked().len(), 5);
    world.expect_rows(
        "SELECT guid, url, title, published_at, first_seen_at, standing FROM items WHERE id = 5",
        &[
            "wire-0 | https://wire.example/news/0 | Harbour pilots count eleven stranded barges \
           | 2026-06-01T08:50:00Z | 2026-06-01T09:00:00Z | news",
        ],
    );
}

#[test]
fn the_oldest_item_of_a_document_is_told_first() {
    let mut world = World::new();
    world.feed("wire", rss(&headlines(3))).poll();
    world.expect_alerted(&[HEADLINES[2], HEADLINES[1], HEADLINES[0]]);
}

#[test]
fn a_second_poll_brings_the_validators_back_verbatim_and_a_304_stores_nothing() {
    let etag = "W/\"a b;c=\\\"é\\\"-17\"";
    let modified = "Thu, 03 Jan 2041 25:61:00 GMT";
    let mut world = World::new();
    let reply = Reply::ok(rss(&headlines(2)))
        .with("ETag", etag)
        .with("Last-Modified", modified);
    world
        .feed("wire", "")
        .answers("wire", reply)
        .poll()
        .expect_alerts(2);
    world.later("15m").poll().expect_new(0).expect_alerts(0);
    let [first, second] = &world.visits("wire")[..] else {
        panic!("two visits")
    };
    assert_eq!(
        (
            first.header("If-None-Match"),
            first.header("If-Modified-Since")
        ),
        (None, None)
    );
    assert_eq!(second.header("If-None-Match"), Some(etag));
    assert_eq!(second.header("If-Modified-Since"), Some(modified));
    assert_eq!(second.answered, Some(304));
    world.expect_rows(
        "SELECT status, entries, new FROM fetches",
        &["200 | 2 | 2", "304 | 0 | 0"],
    );
}

#[test]
fn the_same_bytes_without_validators_are_not_parsed_again() {
    let mut world = World::new();
    let document = rss(&headlines(2));
    world
        .feed("wire", &document)
        .poll()
        .expect_alerts(2)
        .later("15m")
        .poll();
    let bytes = document.len();
    world.expect_rows(
        "SELECT status, bytes, entries, error FROM fetches",
        &[
            &format!("200 | {bytes} | 2 | null"),
            &format!("200 | {bytes} | 0 | null"),
        ],
    );
}

#[test]
fn an_edited_headline_is_a_revision_and_no_second_alert() {
    let mut world = World::new();
    let before = entry("1", "Harbour pilots count eleven stranded barges");
    let after = before
        .clone()
        .title("Harbour pilots count several stranded barges");
    world.feed("wire", rss(&[before])).poll().expect_alerts(1);
    world
        .later("15m")
        .shows("wire", rss(&[after]))
        .poll()
        .expect_new(0)
        .expect_alerts(0);
    world.expect_rows(
        "SELECT i.title, r.title, r.replaced_at FROM items i JOIN revisions r ON r.item_id = i.id",
        &["Harbour pilots count several stranded barges | Harbour pilots count eleven stranded barges \
           | 2026-06-01T09:15:00Z"],
    );
}

#[test]
fn back_ends_that_take_turns_make_one_revision() {
    let mut world = World::new();
    let one = entry("1", "Harbour pilots count eleven stranded barges");
    let other = one
        .clone()
        .title("Harbour pilots: eleven barges are stranded");
    world.feed("wire", "");
    for document in [
        rss(from_ref(&one)),
        rss(from_ref(&other)),
        rss(&[one]),
        rss(&[other]),
    ] {
        world.later("15m").shows("wire", document).poll();
    }
    world
        .expect_alerts(1)
        .expect_rows("SELECT count(*) FROM revisions", &["1"]);
}

#[test]
fn an_item_edited_into_the_topic_alerts_once() {
    let mut world = World::new();
    let dull = entry("1", "Leaders keep their plans to themselves");
    let told = dull.clone().title(MEETING);
    let again = dull.clone().title(&format!("{MEETING}, aides say"));
    world
        .topic(SUMMIT)
        .feed("wire", rss(&[dull]))
        .poll()
        .expect_alerts(0);
    world
        .later("15m")
        .shows("wire", rss(&[told]))
        .poll()
        .expect_alerted(&[MEETING]);
    world
        .later("15m")
        .shows("wire", rss(&[again]))
        .poll()
        .expect_alerts(0);
}

#[test]
fn what_a_new_feed_brings_from_before_the_fresh_window_is_history() {
    let mut world = World::new();
    let day_old = entry("old", HEADLINES[0]).published("2026-05-31T08:59:59Z");
    let just_fresh = entry("fresh", HEADLINES[1]).published("2026-05-31T09:00:01Z");
    world
        .feed("wire", rss(&[day_old, just_fresh]))
        .poll()
        .expect_new(2)
        .expect_alerted(&[HEADLINES[1]]);
    world.expect_rows(
        "SELECT guid, standing FROM items ORDER BY id",
        &["wire-old | history", "wire-fresh | news"],
    );
}

#[test]
fn an_archive_saved_anew_by_its_publisher_floods_nobody() {
    let mut world = World::new();
    world
        .feed("wire", rss(&headlines(2)))
        .poll()
        .expect_alerts(2);
    // New ids, new addresses, old dates: six hundred of them.
    let old: Vec<Entry> = (0..600)
        .map(|at| {
            entry(
                &format!("re-{at}"),
                &format!("Annals volume {at}: {}", HEADLINES[at % 8]),
            )
        })
        .map(|it| it.published("2024-03-01T00:00:00Z"))
        .collect();
    world
        .later("15m")
        .shows("wire", rss(&old))
        .poll()
        .expect_new(600)
        .expect_alerts(0);
}

#[test]
fn a_copy_in_another_feed_points_to_the_first_and_does_not_alert() {
    let mut world = World::new();
    let first = entry("1", HEADLINES[0]).link("https://www.wire.example/news/1");
    let copy = entry("x9", HEADLINES[0])
        .link("http://wire.example/news/1/?utm_source=rss&utm_medium=feed#top");
    world.feed("wire", rss(&[first])).poll().expect_alerts(1);
    world
        .feed("portal", rss(&[copy]))
        .restart()
        .later("5m")
        .poll()
        .expect_new(1)
        .expect_alerts(0);
    world.expect_rows(
        "SELECT feed_id, duplicate_of, standing, canonical_url FROM items ORDER BY id",
        &[
            "1 | null | news | https://wire.example/news/1",
            "2 | 1 | copy | https://wire.example/news/1",
        ],
    );
}

#[test]
fn wire_copy_under_another_address_is_a_copy_too() {
    let mut world = World::new();
    let text = "The pilots' guild said that eleven barges had been stranded since Sunday night.";
    let first = entry("1", HEADLINES[0]).summary(text);
    let copy = entry("2", HEADLINES[0])
        .summary(text)
        .link("https://daily.example/wire/77");
    world.feed("wire", rss(&[first])).poll().expect_alerts(1);
    world
        .feed("daily", rss(&[copy]))
        .restart()
        .poll()
        .expect_alerts(0);
    world.expect_rows("SELECT duplicate_of FROM items ORDER BY id", &["null", "1"]);
}

#[test]
fn a_retelling_by_another_outlet_joins_the_story_also_after_a_restart() {
    let mut world = World::new();
    world
        .feed("wire", rss(&[entry("1", HEADLINES[0])]))
        .poll()
        .expect_alerts(1);
    let retold = entry("2", "Eleven stranded barges counted by harbour pilots")
        .link("https://daily.example/2");
    world
        .feed("daily", rss(&[retold]))
        .restart()
        .later("1h")
        .poll()
        .expect_new(1)
        .expect_alerts(0);
    world.expect_rows(
        "SELECT count(DISTINCT story_id), count(*) FROM story_items",
        &["1 | 2"],
    );
}

#[track_caller]
fn check_charset(charset: &str, declared: &str, title: &str, language: &str) {
    let mut world = World::new();
    let document = encoded(
        charset,
        &rss_in(declared, &[entry("1", title).summary(title)]),
    );
    world
        .topic(SUMMIT)
        .feed("wire", document)
        .poll()
        .expect_alerted(&[title])
        .deliver();
    assert_eq!(world.hooked()[0].json()["item"]["language"], language);
}

#[test]
fn charsets_of_the_beat_are_read_and_alerted_in_their_own_words() {
    check_charset(
        "euc-kr",
        "euc-kr",
        "트럼프·김정은, 하노이서 2차 북미 정상회담 합의",
        "ko",
    );
    check_charset(
        "euc-kr",
        "ks_c_5601-1987",
        "트럼프·김정은, 하노이서 2차 북미 정상회담 합의",
        "ko",
    );
    check_charset(
        "shift_jis",
        "Shift_JIS",
        "トランプ氏と金正恩氏、ハノイで米朝首脳会談へ",
        "ja",
    );
    check_charset(
        "euc-jp",
        "EUC-JP",
        "トランプ氏と金正恩氏、ハノイで米朝首脳会談へ",
        "ja",
    );
    check_charset(
        "gb18030",
        "gb2312",
        "特朗普与金正恩将在河内举行第二次美朝峰会",
        "zh",
    );
    check_charset(
        "utf-16le",
        "utf-16",
        "트럼프·김정은, 하노이서 2차 북미 정상회담 합의",
        "ko",
    );
    // A label that lies.
    check_charset(
        "utf-8",
        "euc-kr",
        "트럼프·김정은, 하노이서 2차 북미 정상회담 합의",
        "ko",
    );
}

#[test]
fn a_truncated_document_gives_its_complete_entries_but_not_its_validators() {
    let mut world = World::new();
    let whole = rss(&headlines(4));
    let cut = &whole[..whole.find(HEADLINES[3]).expect("the last item") + 20];
    world
        .feed("wire", "")
        .answers("wire", Reply::ok(cut).with("ETag", "\"cut\""));
    world.poll().expect_new(3).expect_alerts(3);
    world.expect_rows(
        "SELECT etag, last_modified, body_hash, last_success_at, last_error FROM feeds",
        &["null | null | null | null | the document was cut short"],
    );
    world
        .later("15m")
        .answers("wire", Reply::ok(&whole).with("ETag", "\"whole\""))
        .poll();
    world
        .expect_new(1)
        .expect_alerted(&[HEADLINES[2], HEADLINES[1], HEADLINES[0], HEADLINES[3]]);
    assert_eq!(world.visits("wire")[1].header("If-None-Match"), None);
    world.expect_rows("SELECT etag, last_error FROM feeds", &["\"whole\" | null"]);
}

/// A feed that was well, then answers `reply`, then is well again.
#[track_caller]
fn check_fault(reply: Reply, class: &str) {
    let good = |n| Reply::ok(rss(&headlines(n))).with("ETag", format!("\"{n}\""));
    let mut world = World::new();
    world.poll_keys("read_timeout = \"1s\"\nmax_body_mib = 1");
    world
        .feed("ill", "")
        .answers("ill", good(2))
        .feed("well", "");
    world.poll().expect_alerts(2);
    world
        .later("15m")
        .answers("ill", reply)
        .shows("well", rss(&[entry("w", HEADLINES[7])]));
    world.poll().expect_alerts(1);
    assert!(
        world.report("well").error.is_none(),
        "the neighbour is disturbed"
    );
    world.expect_rows(
        "SELECT error_class, error IS NOT NULL FROM fetches WHERE feed_id = 1 ORDER BY id",
        &["null | 0", &format!("{class} | 1")],
    );
    world.expect_rows(
        "SELECT etag, failures, last_success_at, last_error IS NOT NULL FROM feeds WHERE name = 'ill'",
        &["\"2\" | 1 | 2026-06-01T09:00:00Z | 1"],
    );
    world
        .later("1h")
        .answers("ill", good(3))
        .poll()
        .expect_alerts(1);
    assert_eq!(
        world
            .visits("ill")
            .last()
            .expect("a visit")
            .header("If-None-Match"),
        Some("\"2\""),
        "{class}"
    );
    world.expect_rows(
        "SELECT failures, last_error FROM feeds WHERE name = 'ill'",
        &["0 | null"],
    );
}

#[test]
fn a_failing_feed_keeps_its_state_and_disturbs_no_other() {
    check_fault(Reply::status(500), "http");
    check_fault(Reply::status(404), "http");
    check_fault(Reply::status(410), "gone");
    check_fault(Reply::status(403), "blocked");
    check_fault(Reply::status(503), "rate-limited");
    check_fault(
        Reply::ok(ERROR_PAGE).with("Content-Type", "application/rss+xml"),
        "html",
    );
    check_fault(Reply::ok(""), "not-a-feed");
    check_fault(Reply::ok("all is well"), "not-a-feed");
    check_fault(Reply::ok("{\"items\": ["), "broken");
    check_fault(Reply::ok(vec![b'<'; 2 << 20]), "too-large");
    check_fault(Reply::Close, "broken");
    check_fault(
        Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n<rss version=\"2.0\">".to_vec()),
        "broken",
    );
    check_fault(Reply::Raw(b"220 smtp.example ready\r\n".to_vec()), "broken");
    check_fault(Reply::Silence, "timeout");
    check_fault(
        Reply::Half(b"HTTP/1.1 200 OK\r\n\r\n<rss version=\"2.0\"><channel>".to_vec()),
        "timeout",
    );
}

#[test]
fn a_server_that_is_not_there_costs_its_feed_only() {
    let mut world = World::new();
    // Bound and closed again: nobody listens there.
    let gone = crate::world::server::Server::start().url("/feed");
    let keys = "[[feeds]]\nname = \"gone\"\nallow_private = true\n";
    world.feed_with(
        "wire",
        &format!("{keys}url = \"{gone}\""),
        rss(&headlines(1)),
    );
    world.poll().expect_alerts(1);
    world.expect_rows(
        "SELECT error_class FROM fetches ORDER BY feed_id",
        &["null", "connect"],
    );
}

#[test]
fn retry_after_moves_the_next_visit() {
    let mut world = World::new();
    world
        .feed("wire", "")
        .answers("wire", Reply::status(429).with("Retry-After", "7200"));
    world.poll().expect_rows(
        "SELECT next_poll_at, failures FROM feeds",
        &["2026-06-01T11:00:00Z | 1"],
    );
    world.shows("wire", rss(&headlines(1)));
    assert!(
        world.later("119m").poll_due().is_empty(),
        "asked before the server wished"
    );
    assert_eq!(world.later("1m").poll_due(), ["wire"]);
    world.expect_alerts(1);
}

#[test]
fn retry_after_as_a_date_is_read_against_the_servers_clock() {
    let mut world = World::new();
    let reply = Reply::status(503)
        .with("Date", "Wed, 21 Oct 2015 07:28:00 GMT")
        .with("Retry-After", "Wed, 21 Oct 2015 10:28:00 GMT");
    world.feed("wire", "").answers("wire", reply).poll();
    world.expect_rows("SELECT next_poll_at FROM feeds", &["2026-06-01T12:00:00Z"]);
}

#[test]
fn failures_back_off_up_to_the_longest_interval() {
    let mut world = World::new();
    world.feed("wire", "").answers("wire", Reply::status(500));
    let mut waits = Vec::new();
    for _ in 0..7 {
        world.poll_due();
        let wait = "SELECT (unixepoch(next_poll_at) - unixepoch(last_poll_at)) / 60 FROM feeds";
        let minutes = world.number(wait);
        waits.push(minutes);
        world.later(&format!("{}m", minutes + 1));
    }
    // Twice as long each time, up to a tenth more so that feeds do not march in step.
    for (wait, least) in waits.iter().zip([30, 60, 120, 240, 360, 360, 360]) {
        assert!((least..=least + least / 10).contains(wait), "{waits:?}");
    }
}

#[test]
fn a_moved_feed_keeps_its_items_and_drops_the_old_validators() {
    let mut world = World::new();
    let reply = Reply::ok(rss(&headlines(3))).with("ETag", "\"old home\"");
    world
        .feed("wire", "")
        .answers("wire", reply)
        .poll()
        .expect_alerts(3);
    world
        .site
        .script("/new-home", [Reply::ok(rss(&headlines(4)))]);
    world
        .moves("wire", "/new-home")
        .restart()
        .later("15m")
        .poll()
        .expect_new(1)
        .expect_alerts(1);
    assert_eq!(
        world.site.requests("/new-home")[0].header("If-None-Match"),
        None
    );
}

#[test]
fn a_removed_feed_is_not_polled_and_knows_its_items_when_it_comes_back() {
    let mut world = World::new();
    world
        .feed("wire", rss(&headlines(3)))
        .feed("other", "")
        .poll()
        .expect_alerts(3);
    world.without_feed("wire").restart().later("15m").poll();
    assert_eq!(world.visits("wire").len(), 1);
    world.expect_rows("SELECT name, active FROM feeds", &["wire | 0", "other | 1"]);
    world
        .feed("wire", rss(&headlines(3)))
        .restart()
        .later("15m")
        .poll()
        .expect_new(0)
        .expect_alerts(0);
}

#[test]
fn an_undated_item_is_news_once_and_an_absurd_date_is_kept_aside() {
    let mut world = World::new();
    let undated = entry("1", HEADLINES[0]).no_date();
    let future = entry("2", HEADLINES[1]).published("2041-01-01T00:00:00Z");
    let ancient = entry("3", HEADLINES[2]).published("1970-01-01T00:00:00Z");
    let dated = entry("4", HEADLINES[3]).published(PUBLISHED);
    world.feed("wire", rss(&[])).poll();
    world
        .later("15m")
        .shows("wire", rss(&[undated, future, ancient, dated]))
        .poll()
        .expect_alerts(4);
    world.expect_rows(
        "SELECT guid, published_at, published_raw FROM items ORDER BY guid",
        &[
            "wire-1 | null | null",
            "wire-2 | 2026-06-01T09:15:00Z | 2041-01-01T00:00:00Z",
            "wire-3 | null | 1970-01-01T00:00:00Z",
            "wire-4 | 2026-06-01T08:30:00Z | null",
        ],
    );
}

#[test]
fn what_a_new_feed_brings_without_a_readable_date_is_backlog() {
    let mut world = World::new();
    let undated = |id: &str, n: usize| entry(id, HEADLINES[n]).no_date();
    let backlog = [
        undated("1", 0),
        entry("2", HEADLINES[1]).published("2041-01-01T00:00:00Z"),
        undated("3", 2),
    ];
    world.feed("wire", rss(&backlog)).poll().expect_alerts(0);
    let later: Vec<_> = std::iter::once(undated("4", 3)).chain(backlog).collect();
    world
        .later("15m")
        .shows("wire", rss(&later))
        .poll()
        .expect_alerts(1);
    world.expect_rows(
        "SELECT guid, standing FROM items ORDER BY guid",
        &[
            "wire-1 | history",
            "wire-2 | history",
            "wire-3 | history",
            "wire-4 | news",
        ],
    );
}

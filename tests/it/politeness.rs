//! Servers' moods: validators, waits that were asked for, redirects, refusals, pages in a feed's
//! place, and what a feed's visits carry.

use crate::world::World;
use crate::world::document::{HEADLINES, entry, headlines, rss};
use crate::world::server::{Reply, Server};

/// Minutes from the last visit of a feed to its next.
fn wait(world: &mut World, feed: &str) -> i64 {
    world.number(&format!(
        "SELECT (unixepoch(next_poll_at) - unixepoch(last_poll_at)) / 60 FROM feeds WHERE name = '{feed}'"
    ))
}

fn away(status: u16, to: &str) -> Reply {
    Reply::status(status).with("Location", to)
}

// Validators

#[test]
fn an_etag_that_changes_at_every_visit_costs_no_parse() {
    let mut world = World::new();
    let document = rss(&headlines(2));
    world.feed("wire", "");
    for n in 0..3 {
        let reply = Reply::ok(&document).with("ETag", format!("W/\"{n}\""));
        world.answers("wire", reply).poll().later("15m");
    }
    world.expect_alerts(2);
    world.expect_rows(
        "SELECT status, entries FROM fetches",
        &["200 | 2", "200 | 0", "200 | 0"],
    );
    assert_eq!(
        world.visits("wire")[2].header("If-None-Match"),
        Some("W/\"1\"")
    );
}

#[test]
fn a_feed_is_seen_whole_once_in_half_of_the_fresh_window() {
    let mut world = World::new();
    let stuck = |document: String| Reply::ok(document).with("ETag", "\"stuck\"");
    world
        .poll_keys("fresh_window = \"8h\"")
        .feed("wire", "")
        .answers("wire", stuck(rss(&headlines(1))))
        .poll()
        .expect_alerts(1);
    let hidden = entry("hidden", HEADLINES[7]).published("2026-06-01T09:01:00Z");
    world.answers("wire", stuck(rss(&[hidden])));
    world.later("239m").poll().expect_new(0);
    world.later("1m").poll().expect_new(1).expect_alerts(1);
    world.later("239m").poll();
    let carried: Vec<bool> = world
        .visits("wire")
        .iter()
        .map(|it| it.header("If-None-Match").is_some())
        .collect();
    assert_eq!(carried, [false, true, false, true]);
}

// Waits

#[track_caller]
fn check_wait(reply: Reply, least: i64) {
    let mut world = World::new();
    world
        .poll_keys("hint_cap = \"2h\"")
        .feed("wire", "")
        .answers("wire", reply)
        .poll();
    let minutes = wait(&mut world, "wire");
    // Where nothing holds it back, the interval and up to a tenth more.
    assert!(
        minutes == least || (least == 15 && minutes <= 18),
        "{minutes} min, not {least}"
    );
}

#[test]
fn hints_of_server_and_document_are_floors_for_the_next_visit() {
    let plain = || Reply::ok(rss(&[]));
    check_wait(plain(), 15);
    check_wait(plain().with("Cache-Control", "public, max-age=60"), 15);
    check_wait(plain().with("Cache-Control", "public, max-age=3000"), 50);
    let stale = plain()
        .with("Cache-Control", "max-age=3000")
        .with("Age", "600");
    check_wait(stale, 40);
    let expires = plain()
        .with("Date", "Wed, 21 Oct 2015 07:00:00 GMT")
        .with("Expires", "Wed, 21 Oct 2015 07:45:00 GMT");
    check_wait(expires, 45);
    // By our own clock, where the server does not tell its own.
    check_wait(plain().with("Expires", "Mon, 01 Jun 2026 09:30:00 GMT"), 30);
    check_wait(plain().with("Cache-Control", "max-age=31536000"), 120);
    let saying =
        |words: &str| Reply::ok(rss(&[]).replace("<channel>", &format!("<channel>{words}")));
    check_wait(saying("<ttl>60</ttl>"), 60);
    check_wait(saying("<ttl>10080</ttl>"), 120);
    check_wait(
        saying(
            "<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>",
        ),
        30,
    );
    // It is a Monday, nine o'clock.
    check_wait(saying("<skipHours><hour>9</hour></skipHours>"), 60);
    check_wait(saying("<skipHours><hour>8</hour></skipHours>"), 15);
    check_wait(saying("<skipDays><day>Monday</day></skipDays>"), 120);
}

#[test]
fn what_the_document_asked_for_holds_after_a_304_too() {
    let mut world = World::new();
    let document = rss(&headlines(1)).replace("<channel>", "<channel><ttl>60</ttl>");
    world
        .poll_keys("hint_cap = \"2h\"")
        .feed("wire", "")
        .answers("wire", Reply::ok(document).with("ETag", "\"1\""))
        .poll()
        .expect_alerts(1);
    world.later("1h").poll();
    world.expect_rows("SELECT status FROM fetches", &["200", "304"]);
    assert_eq!(wait(&mut world, "wire"), 60);
}

#[test]
fn a_busy_feed_in_a_quiet_hour_is_not_left_alone_for_longer_than_its_rhythm() {
    let mut world = World::new();
    let entries: Vec<_> = headlines(6)
        .into_iter()
        .enumerate()
        .map(|(at, it)| it.published(&format!("2026-06-01T08:{:02}:00Z", 50 - at * 8)))
        .collect();
    world.feed("busy", rss(&entries)).feed("calm", rss(&[]));
    for _ in 0..30 {
        world.poll().later("15m");
    }
    world.expect_alerts(6).expect_rows(
        "SELECT interval_secs / 60, item_gap_secs / 60 FROM feeds",
        &["8 | 8", "260 | null"],
    );
}

#[test]
fn retry_after_is_capped_and_may_be_a_date_without_a_clock() {
    let check = |wish: &str, least: i64| {
        let mut world = World::new();
        let refuses = Reply::status(429).with("Retry-After", wish);
        world.feed("wire", "").answers("wire", refuses).poll();
        let minutes = wait(&mut world, "wire");
        assert!(
            (least..=least + 3).contains(&minutes),
            "{wish}: {minutes} min"
        );
    };
    check("99999999", 24 * 60);
    check("Mon, 01 Jun 2026 12:00:00 GMT", 3 * 60);
    check("0", 30);
    check("soon", 30);
}

#[test]
fn a_host_that_refuses_two_feeds_rests_with_all_of_them() {
    let mut world = World::new();
    let refuses = || Reply::status(503).with("Retry-After", "7200");
    for name in ["a", "b", "c"] {
        world.feed(name, rss(&[]));
    }
    world.answers("a", refuses()).poll();
    // One feed's trouble is its own.
    assert!(wait(&mut world, "c") <= 18);
    world.later("15m").answers("b", refuses()).poll();
    assert!(world.later("119m").poll_due().is_empty());
    assert_eq!(world.later("1m").poll_due(), ["a", "b", "c"]);
    world.expect_rows(
        "SELECT name, failures FROM feeds",
        &["a | 3", "b | 2", "c | 0"],
    );
}

// Redirects

#[test]
fn a_permanent_redirect_is_believed_after_days_and_the_feed_stays_the_same() {
    let mut world = World::new();
    let home = Server::start();
    home.script("/home", [Reply::ok(rss(&headlines(3)))]);
    world
        .feed("wire", "")
        .answers("wire", away(301, &home.url("/home")))
        .poll()
        .expect_alerts(3);
    world.later("30h").poll().later("30h").poll();
    world.expect_rows(
        "SELECT moved_visits, moved_confirmed FROM feeds",
        &["3 | 0"],
    );
    world.later("30h").poll();
    world.expect_rows(
        "SELECT moved_visits, moved_confirmed FROM feeds",
        &["4 | 1"],
    );
    assert_eq!((world.visits("wire").len(), home.n_requests()), (4, 4));
    home.script("/home", [Reply::ok(rss(&headlines(4)))]);
    world.later("15m").poll().expect_new(1).expect_alerts(0);
    assert_eq!((world.visits("wire").len(), home.n_requests()), (4, 5));
    // Its new home fails: the old address is asked again, and may know better.
    home.script("/home", [Reply::status(404)]);
    world.later("15m").poll().shows("wire", rss(&headlines(5)));
    world.later("15m").poll().expect_new(1).expect_alerts(0);
    world.expect_rows("SELECT moved_to FROM feeds", &["null"]);
    assert_eq!((world.visits("wire").len(), home.n_requests()), (5, 6));
}

#[test]
fn what_is_no_lasting_move_is_not_remembered() {
    let mut world = World::new();
    world.site.script("/home", [Reply::ok(rss(&[]))]);
    world
        .site
        .script("/page", [Reply::ok("<html><title>Wire</title></html>")]);
    world.site.script("/302", [away(302, "/home")]);
    for (name, status, to) in [
        ("found", 302, "/home"),
        ("temporary", 307, "/home"),
        ("page", 301, "/page"),
        ("here", 308, "/302"),
    ] {
        world.feed(name, "").answers(name, away(status, to));
    }
    for _ in 0..5 {
        world.poll().later("30h");
    }
    // A permanent redirect ends where a passing one begins.
    world.expect_rows(
        "SELECT name, moved_to FROM feeds WHERE moved_to IS NOT NULL",
        &[&format!("here | {}", world.site.url("/302"))],
    );
}

#[test]
fn a_server_that_redirects_to_itself_until_its_cookie_comes_back_is_read() {
    let mut world = World::new();
    world.feed("wire", "");
    let sets = away(307, "/wire").with("Set-Cookie", "WMONID=abc123; Path=/; HttpOnly");
    world
        .site
        .script("/wire", [sets, Reply::ok(rss(&headlines(1)))]);
    world.poll().expect_alerts(1);
    let [first, second] = &world.visits("wire")[..] else {
        panic!("two requests")
    };
    assert_eq!(first.header("Cookie"), None);
    assert_eq!(second.header("Cookie"), Some("WMONID=abc123"));
    // The next visit begins without it.
    world.later("15m").poll();
    assert_eq!(world.visits("wire")[2].header("Cookie"), None);
}

// Ends

#[test]
fn a_second_410_ends_a_feed_until_its_address_changes() {
    let mut world = World::new();
    world
        .feed("wire", rss(&headlines(1)))
        .poll()
        .expect_alerts(1);
    world.answers("wire", Reply::status(410));
    world.later("1d").poll();
    world.expect_rows(
        "SELECT gone_at, next_poll_at > last_poll_at FROM feeds",
        &["null | 1"],
    );
    world.later("1d").poll();
    world.expect_rows(
        "SELECT gone_at, last_error FROM feeds",
        &["2026-06-03T09:00:00Z | the server answered 410 Gone"],
    );
    assert!(world.later("7d").poll_due().is_empty());
    assert!(world.restart().later("1d").poll_due().is_empty());
    world.site.script("/home", [Reply::ok(rss(&headlines(1)))]);
    world.moves("wire", "/home").restart();
    assert_eq!(world.poll_due(), ["wire"]);
    world
        .expect_new(0)
        .expect_rows("SELECT gone_at FROM feeds", &["null"]);
}

#[test]
fn one_410_or_any_number_of_404_end_nothing() {
    let mut world = World::new();
    world.feed("wire", "");
    for status in [410, 404, 410, 404, 404, 404] {
        world.answers("wire", Reply::status(status)).later("7d");
        assert_eq!(world.poll_due(), ["wire"], "{status}");
    }
    world.expect_rows("SELECT gone_at, failures FROM feeds", &["null | 6"]);
}

// Pages in a feed's place

/// The class and the words of a visit that got `reply`, `/member/login` and `/page` being pages.
#[track_caller]
fn check_class(reply: Reply, class: &str, said: &str) {
    let mut world = World::new();
    let page = |title: &str| format!("<!DOCTYPE html><html><head><title>{title}</title></head>");
    world
        .site
        .script("/member/login", [Reply::ok(page("회원"))]);
    world.site.script("/page", [Reply::ok(page("Wire"))]);
    world.feed("wire", "").answers("wire", reply).poll();
    let told = world.rows("SELECT error_class, error FROM fetches");
    assert!(
        told[0].starts_with(&format!("{class} | ")) && told[0].contains(said),
        "{told:?} is not {class}: {said}"
    );
}

#[test]
fn pages_in_a_feeds_place_have_classes_of_their_own() {
    check_class(
        away(302, "/member/login?back=/wire&token=hunter2"),
        "login",
        "/member/login?…",
    );
    check_class(
        away(302, "/page"),
        "html",
        "redirected to http://127.0.0.1:",
    );
    let announcing = "<html><head><title>Wire &amp; Post</title>\
        <link rel=\"alternate\" type=\"application/rss+xml\" href=\"/rss/all.xml\"></head>";
    check_class(Reply::ok(announcing), "html", "(\"Wire & Post\")");
    check_class(
        Reply::ok(announcing),
        "html",
        "it announces a feed at http://127.0.0.1:",
    );
    check_class(Reply::ok(announcing), "html", "/rss/all.xml");
    let challenge = "<!DOCTYPE html><html><head><title>Just a moment...</title></head>";
    for status in [200, 403, 503] {
        let reply = Reply::status(status).body(challenge);
        check_class(reply, "challenge", "a bot challenge");
        let reply = Reply::status(status).with("cf-mitigated", "challenge");
        check_class(reply, "challenge", "a bot challenge");
    }
    check_class(Reply::status(403).body("<html>no"), "blocked", "403");
    check_class(Reply::status(401), "blocked", "401");
    check_class(
        Reply::status(503).body("<html>later"),
        "rate-limited",
        "503",
    );
}

// What visits carry

const SECRETS: [&str; 4] = ["hunter-key", "hunter-pass", "hunter-token", "hunter-query"];

#[test]
fn what_a_feed_wants_is_sent_to_its_origin_and_written_nowhere() {
    let (mut world, elsewhere) = (World::new(), Server::start());
    elsewhere.script("/home", [Reply::ok(rss(&[]))]);
    let keys = "user_agent = \"Desk/1\"\nheaders = { \"X-Key\" = \"hunter-key\", Accept = \"text/xml\" }\n";
    let basic = "auth = { user = \"me\", password = \"hunter-pass\" }";
    let bearer = "auth = { bearer = \"hunter-token\" }";
    world
        .feed_with("basic", &format!("{keys}{basic}"), "")
        .feed_with("bearer", bearer, "");
    for name in ["basic", "bearer"] {
        world.site.script(
            &format!("/{name}"),
            [
                away(302, &format!("/{name}?again")),
                away(301, &elsewhere.url("/home")),
            ],
        );
    }
    world.poll();
    let visits = world.visits("basic");
    assert_eq!(visits.len(), 2);
    for visit in &visits {
        assert_eq!(visit.header("User-Agent"), Some("Desk/1"));
        assert_eq!(visit.header("Accept"), Some("text/xml"));
        assert_eq!(visit.header("X-Key"), Some("hunter-key"));
        // me:hunter-pass
        assert_eq!(
            visit.header("Authorization"),
            Some("Basic bWU6aHVudGVyLXBhc3M=")
        );
    }
    let visits = world.visits("bearer");
    assert_eq!(
        visits[1].header("Authorization"),
        Some("Bearer hunter-token")
    );
    let there = elsewhere.requests("/home");
    assert_eq!(there.len(), 2);
    for request in &there {
        assert_eq!(
            (request.header("Authorization"), request.header("X-Key")),
            (None, None)
        );
    }
    let archive = String::from_utf8_lossy(&world.archive_bytes()).into_owned();
    for secret in SECRETS {
        assert!(!archive.contains(secret), "{secret} is in the archive");
    }
}

#[test]
fn a_feed_that_moved_to_another_host_takes_no_secret_along() {
    let (mut world, elsewhere) = (World::new(), Server::start());
    elsewhere.script("/home", [Reply::ok(rss(&[]))]);
    world
        .feed_with("wire", "auth = { bearer = \"hunter-token\" }", "")
        .answers("wire", away(301, &elsewhere.url("/home")));
    for _ in 0..5 {
        world.poll().later("40h");
    }
    assert!(world.visits("wire").len() < 5, "the move was not believed");
    for request in elsewhere.requests("/home") {
        assert_eq!(request.header("Authorization"), None);
    }
}

#[test]
fn credentials_in_an_address_are_used_and_not_told() {
    let mut world = World::new();
    let with_user = |path: &str| {
        let url = world
            .site
            .url(path)
            .replace("http://", "http://me:hunter-pass@");
        format!("url = \"{url}?key=hunter-query\"\nallow_private = true\n")
    };
    let keys = format!(
        "[[feeds]]\nname = \"good\"\n{}[[feeds]]\nname = \"ill\"\n{}[[feeds]]\nname = \"page\"\n{}",
        with_user("/good"),
        with_user("/ill"),
        with_user("/page")
    );
    let keys = keys
        .trim_end()
        .trim_end_matches("allow_private = true")
        .to_owned();
    // The harness writes its own address and permission around these.
    let keys = format!("{keys}allow_private = true");
    world.feed_with("wire", &keys, rss(&[]));
    let relative = entry("1", HEADLINES[0]).link("/news/1");
    world.site.script(
        "/good",
        [Reply::ok(
            rss(&[relative]).replace("https://wire.example", ""),
        )],
    );
    world.site.script("/ill", [Reply::Close]);
    world
        .site
        .script("/page", [away(302, "/member/login?key=hunter-query")]);
    world
        .site
        .script("/member/login", [Reply::ok("<html><title>Log in</title>")]);
    world.poll().expect_alerts(1);
    let asked = &world.visits("good")[0];
    assert_eq!(
        asked.header("Authorization"),
        Some("Basic bWU6aHVudGVyLXBhc3M=")
    );
    let said = [
        world.rows("SELECT error FROM fetches WHERE error IS NOT NULL"),
        world.rows("SELECT url FROM items"),
        world.rows("SELECT last_error FROM feeds"),
        world.rows("SELECT message FROM alerts"),
    ];
    for secret in SECRETS {
        assert!(!format!("{said:?}").contains(secret), "{said:#?}");
    }
}

#[test]
fn a_feeds_own_proxy_is_asked_for_everything() {
    let (mut world, proxy) = (World::new(), Server::start());
    proxy.script(
        "http://wire.example/feed",
        [away(301, "http://other.example/feed")],
    );
    proxy.script("http://other.example/feed", [Reply::ok(rss(&headlines(1)))]);
    let proxied = proxy.url("").replace("http://", "http://me:hunter-pass@");
    let keys = format!(
        "[[feeds]]\nname = \"far\"\nurl = \"http://wire.example/feed\"\nproxy = \"{proxied}\""
    );
    world
        .feed_with("wire", &keys, rss(&[]))
        .poll()
        .expect_alerts(1);
    let asked = proxy.requests("http://other.example/feed");
    assert_eq!(asked.len(), 1);
    assert_eq!(
        asked[0].header("Proxy-Authorization"),
        Some("Basic bWU6aHVudGVyLXBhc3M=")
    );
    assert_eq!(
        world.visits("wire").len(),
        1,
        "the neighbour went through the proxy"
    );
}

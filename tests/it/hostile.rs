//! One host that misbehaves in every way at once, with ten good feeds on it: theirs arrive while
//! others hang, and every bad one is known for what it is.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::time::Duration;

use summitwatch::clock::Clock;
use summitwatch::store::open_read_only;
use summitwatch::store::query::table;
use tempfile::TempDir;

use crate::world::HOOK;
use crate::world::document::{ERROR_PAGE, entry, invented_headline, rss};
use crate::world::program::{Service, command, eventually};
use crate::world::server::{Reply, Server};

const GOOD: usize = 10;
/// More than may be under way at once to one host.
const HANGING: usize = 6;
/// Of the program when nothing hostile comes, and some room. Kilobytes; tests are not optimised.
const MEMORY: u64 = 160 * 1024;

/// A feed, what it answers, and what its failure must be called.
type Bad = (&'static str, Reply, &'static str);

fn raw(text: &str) -> Reply {
    Reply::Raw(text.as_bytes().to_vec())
}

fn endless(head: &str, again: &[u8], pause: Option<u64>) -> Reply {
    let pause = pause.map(Duration::from_millis);
    Reply::Endless(head.as_bytes().to_vec(), again.to_vec(), pause)
}

fn bomb() -> Reply {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&vec![0; 64 << 20])
        .expect("memory takes everything");
    Reply::ok(gzip.finish().expect("memory takes everything"))
}

/// Too slow, too large, or no HTTP.
fn bad_servers() -> Vec<Bad> {
    let ok = "HTTP/1.1 200 OK\r\n\r\n<rss version=\"2.0\">";
    let chunk = [b"8000\r\n".to_vec(), vec![b'<'; 0x8000], b"\r\n".to_vec()].concat();
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let short = "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n<rss version=\"2.0\">";
    vec![
        (
            "slow-head",
            endless("HTTP/1.1 200 OK\r\n", b"X-Pad: x\r\n", Some(500)),
            "timeout",
        ),
        ("slow-body", endless(ok, b"<", Some(500)), "timeout"),
        ("half", Reply::Half(ok.as_bytes().to_vec()), "timeout"),
        ("endless", endless(chunked, &chunk, None), "too-large"),
        (
            "endless-head",
            endless("HTTP/1.1 200 OK\r\nX: ", &[b'x'; 4096], None),
            "broken",
        ),
        ("bomb", bomb().with("Content-Encoding", "gzip"), "too-large"),
        ("bomb-unasked", bomb(), "not-a-feed"),
        ("hangs-up", Reply::Close, "broken"),
        ("no-http", raw("220 smtp.example ready\r\n"), "broken"),
        ("cut-off", raw(short), "broken"),
    ]
}

/// HTTP, but no feed.
fn bad_answers() -> Vec<Bad> {
    let page = |title: &str| format!("<!DOCTYPE html><html><head><title>{title}</title></head>");
    let away = |to: &str| Reply::status(302).with("Location", to);
    let names = format!(
        "<!DOCTYPE r [<!ENTITY a \"&b;&b;\">]><r>{}</r>",
        "&a;".repeat(1_000)
    );
    vec![
        ("empty", Reply::ok(""), "not-a-feed"),
        (
            "maintenance",
            Reply::ok(ERROR_PAGE).with("Content-Type", "application/rss+xml"),
            "html",
        ),
        (
            "challenge",
            Reply::status(403).with("cf-mitigated", "challenge"),
            "challenge",
        ),
        (
            "moment",
            Reply::status(503).body(page("Just a moment...")),
            "challenge",
        ),
        ("members", away("/login"), "login"),
        ("forbidden", Reply::status(403), "blocked"),
        ("secret", Reply::status(401), "blocked"),
        ("missing", Reply::status(404), "http"),
        ("fault", Reply::status(500), "http"),
        ("ended", Reply::status(410), "gone"),
        (
            "tired",
            Reply::status(429).with("Retry-After", "99999999999"),
            "rate-limited",
        ),
        ("nowhere", Reply::status(302), "redirect"),
        ("loop", away("/loop"), "redirect"),
        ("file", away("file:///etc/passwd"), "redirect"),
        (
            "lost",
            Reply::ok("<rss version=\"2.0\"><channel><item><title>half a"),
            "broken",
        ),
        ("names", Reply::ok(names), "not-a-feed"),
    ]
}

/// What the good feeds show: each `n` items of its own, published just now.
fn show(site: &Server, n: usize) {
    let now = Clock::System.now().to_string();
    for feed in 0..GOOD {
        let entries: Vec<_> = (0..n)
            .map(|at| {
                let id = format!("{feed}-{at}");
                entry(&id, &invented_headline(feed * 100 + at)).published(&now)
            })
            .collect();
        // One of them gives another ETag at each visit, and heeds none.
        let etags = if feed == 0 {
            vec!["\"x\"", "\"y\"", "\"z\""]
        } else {
            vec!["\"same\""]
        };
        let etags = etags.into_iter().map(|it| format!("{n}{it}"));
        let replies = etags.map(|it| Reply::ok(rss(&entries)).with("ETag", it));
        site.script(&format!("/good-{feed}"), replies);
    }
}

/// The largest that a process has been.
fn peak_kilobytes(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("Linux");
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"));
    let number = line.and_then(|it| it.split_whitespace().next());
    number.and_then(|it| it.parse().ok()).expect("a size")
}

#[test]
fn ten_good_feeds_arrive_in_time_among_all_kinds_of_bad_ones() {
    let (site, hooks) = (Server::start(), Server::start());
    let folder = TempDir::new().expect("a folder");
    hooks.script(HOOK, [Reply::status(200)]);
    site.script(
        "/login",
        [Reply::ok(
            "<!DOCTYPE html><html><head><title>Log in</title></head>",
        )],
    );
    let hanging = (0..HANGING).map(|n| (format!("hanging-{n}"), Reply::Silence, "timeout"));
    let others = bad_servers().into_iter().chain(bad_answers());
    let others = others.map(|(name, reply, class)| (name.to_owned(), reply, class));
    let bad: Vec<_> = hanging.chain(others).collect();
    show(&site, 2);
    let mut text = format!(
        "[poll]\ninterval = \"1s\"\nmin_interval = \"1s\"\nmax_interval = \"1s\"\nread_timeout = \"9s\"\n\
         total_timeout = \"10s\"\nmax_body_mib = 1\n\
         [[channels]]\nname = \"desk\"\nkind = \"webhook\"\nurl = \"{}\"\nallow_private = true\n\
         [[routes]]\ntopic = \"all\"\nchannels = [\"desk\"]\n\
         [[feeds]]\nname = \"inside\"\nurl = \"{}\"\n",
        hooks.url(HOOK),
        site.url("/inside"),
    );
    let good = (0..GOOD).map(|it| format!("good-{it}"));
    for name in bad.iter().map(|it| it.0.clone()).chain(good) {
        let url = site.url(&format!("/{name}"));
        text.push_str(&format!(
            "[[feeds]]\nname = \"{name}\"\nurl = \"{url}\"\nallow_private = true\n"
        ));
    }
    for (name, reply, _) in &bad {
        site.script(&format!("/{name}"), [reply.clone()]);
    }
    std::fs::write(folder.path().join("summitwatch.toml"), text).expect("a configuration");
    let rows = |sql: &str| {
        let archive = open_read_only(&folder.path().join("summitwatch.db")).ok()?;
        Some(table(&archive, sql, &[], usize::MAX).ok()?.rows)
    };
    let number = |sql: &str| rows(sql).and_then(|it| it[0][0].as_i64());

    let mut service = Service::start(command(
        folder.path(),
        ["run", "--config", "summitwatch.toml"],
    ));
    let items =
        "SELECT count(*) FROM items JOIN feeds f ON f.id = feed_id WHERE f.name LIKE 'good-%'";
    eventually("the good feeds' items", || number(items) == Some(20));
    let over = "SELECT count(*) FROM fetches WHERE error_class = 'timeout'";
    assert_eq!(number(over), Some(0), "they waited for feeds that hang");
    // Further news arrives while the others go on to hang.
    show(&site, 3);
    eventually("the good feeds' further items", || {
        number(items) == Some(30)
    });
    let told = "SELECT count(*) FROM deliveries WHERE state = 'delivered'";
    eventually("everything to be told", || number(told) == Some(30));

    let classes = "SELECT f.name, h.error_class FROM fetches h JOIN feeds f ON f.id = h.feed_id WHERE h.error IS NOT NULL";
    let expected: BTreeMap<_, _> = bad
        .iter()
        .map(|(name, _, class)| (name.as_str(), *class))
        .chain([("inside", "address")])
        .collect();
    eventually("every bad feed to fail", || {
        let failed = rows(classes).unwrap_or_default();
        let names: BTreeSet<_> = failed.iter().filter_map(|it| it[0].as_str()).collect();
        names.len() == expected.len()
    });
    for row in rows(classes).expect("the archive") {
        let (name, class) = (row[0].as_str().expect("a name"), row[1].as_str());
        assert_eq!(class, expected.get(name).copied(), "{name}");
    }
    assert_eq!(
        site.requests("/inside").len(),
        0,
        "a private address was asked"
    );
    let peak = peak_kilobytes(service.process());
    assert!(peak < MEMORY, "{peak} kB at the most");
    service.signal("TERM");
    assert!(service.wait_for_end().success());
    let mut keys = BTreeSet::new();
    for request in hooks.requests(HOOK) {
        assert!(
            keys.insert(request.key()),
            "told twice: {}",
            request.json()["headline"]
        );
    }
    assert_eq!(keys.len(), 30);
}

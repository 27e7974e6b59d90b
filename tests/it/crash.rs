//! Death, full disks and second instances: nothing is lost, and nothing is told twice but where a
//! death falls between a channel's yes and our writing it down.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::net::UnixDatagram;

use rusqlite::Connection;
use summitwatch::clock::Clock;
use summitwatch::store::{StoreError, open_read_only};
use tempfile::TempDir;

use crate::world::document::{Entry, entry, headlines, invented_headline, rss};
use crate::world::program::{Service, command, eventually, output};
use crate::world::server::{DEADLINE, Gate, Reply, Request, Server};
use crate::world::{HOOK, World};

/// The real service between a feed and a webhook.
struct Bench {
    site: Server,
    hooks: Server,
    folder: TempDir,
}

impl Bench {
    /// Watches the feed `wire` for everything, looking every second.
    fn new() -> Self {
        let bench = Self {
            site: Server::start(),
            hooks: Server::start(),
            folder: TempDir::new().expect("a folder"),
        };
        bench.hooks.script(HOOK, [Reply::status(200)]);
        bench.configure("", &["wire"]);
        bench
    }

    fn configure(&self, head: &str, feeds: &[&str]) {
        let hook = self.hooks.url(HOOK);
        let mut text = format!(
            "{head}\n[poll]\ninterval = \"1s\"\nmin_interval = \"1s\"\nmax_interval = \"1s\"\n\
             [[channels]]\nname = \"desk\"\nkind = \"webhook\"\nurl = \"{hook}\"\nallow_private = true\n\
             [[routes]]\ntopic = \"all\"\nchannels = [\"desk\"]\n"
        );
        for feed in feeds {
            let url = self.site.url(&format!("/{feed}"));
            text.push_str(&format!(
                "[[feeds]]\nname = \"{feed}\"\nurl = \"{url}\"\nallow_private = true\n"
            ));
        }
        std::fs::write(self.folder.path().join("summitwatch.toml"), text).expect("a configuration");
    }

    fn start(&self) -> Service {
        Service::start(command(
            self.folder.path(),
            ["run", "--config", "summitwatch.toml"],
        ))
    }

    fn archive(&self) -> Connection {
        open_read_only(&self.folder.path().join("summitwatch.db")).expect("the archive")
    }

    /// Waits until a count in the archive, which another process writes, is `n`.
    #[track_caller]
    fn wait_for_count(&self, sql: &str, n: i64) {
        eventually(sql, || {
            let archive = open_read_only(&self.folder.path().join("summitwatch.db"));
            archive.is_ok_and(|it| it.query_row(sql, [], |row| row.get(0)) == Ok(n))
        });
    }
}

const DELIVERED: &str = "SELECT count(*) FROM deliveries WHERE state = 'delivered'";

/// The first `n` headlines, published just now.
fn fresh(n: usize) -> Vec<Entry> {
    let now = Clock::System.now().to_string();
    headlines(n)
        .into_iter()
        .map(|it| it.published(&now))
        .collect()
}

fn document(n: usize) -> Reply {
    Reply::ok(rss(&fresh(n))).with("ETag", format!("\"{n}\""))
}

/// When in its life the service is killed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    Asking,
    HalfTheDocument,
    WholeDocument,
    Stored,
    Telling,
    Told,
    WrittenDown,
}

#[test]
fn killed_at_any_moment_it_loses_nothing_and_doubles_only_across_a_death() {
    use Moment::{Asking, HalfTheDocument, Stored, Telling, Told, WholeDocument, WrittenDown};
    let bench = Bench::new();
    let moments = [
        Asking,
        HalfTheDocument,
        WholeDocument,
        Stored,
        Telling,
        Told,
        WrittenDown,
    ];
    for (life, moment) in moments.into_iter().enumerate() {
        live_until(&bench, life, moment);
    }
    let n = moments.len();
    bench.site.script("/wire", [document(n)]);
    bench.hooks.script(HOOK, [Reply::status(200)]);
    let mut service = bench.start();
    bench.wait_for_count(DELIVERED, i64::try_from(n).expect("a few"));
    service.signal("TERM");
    service.wait_for_end();
    let owed = "SELECT count(*) FROM developments d LEFT JOIN alerts a ON a.development_id = d.id
         LEFT JOIN deliveries e ON e.alert_id = a.id WHERE e.state IS NOT 'delivered'";
    assert_eq!(
        bench.archive().query_row(owed, [], |row| row.get(0)),
        Ok(0),
        "a development without its delivery"
    );
    assert_told_once_a_life(&bench.hooks.requests(HOOK), n);
}

/// One life: a further headline is out, and at `moment` comes the end.
fn live_until(bench: &Bench, life: usize, moment: Moment) {
    let (n, gate) = (life + 1, Gate::default());
    let reply = match moment {
        Moment::Asking => document(n).held(&gate),
        Moment::HalfTheDocument => {
            let whole = rss(&fresh(n));
            let half = format!(
                "HTTP/1.1 200 OK\r\nETag: \"half\"\r\nContent-Length: {}\r\n\r\n",
                whole.len()
            );
            Reply::Half([half.as_bytes(), &whole.as_bytes()[..whole.len() / 2]].concat())
        }
        _ => document(n),
    };
    bench.site.script("/wire", [reply]);
    let reply = match moment {
        Moment::Stored | Moment::Telling => Reply::status(200).held(&gate),
        _ => Reply::status(200),
    };
    bench.hooks.script(HOOK, [reply]);
    let mut service = bench.start();
    let lives = |requests: &[Request]| {
        requests
            .iter()
            .filter(|it| it.life == life)
            .cloned()
            .collect::<Vec<_>>()
    };
    let asked = |requests: &[Request]| !lives(requests).is_empty();
    let answered = |requests: &[Request]| lives(requests).iter().any(Request::is_accepted);
    match moment {
        Moment::Asking | Moment::HalfTheDocument => bench.site.wait_until("a visit", asked),
        Moment::WholeDocument => bench.site.wait_until("a document", answered),
        Moment::Stored => bench.wait_for_count(
            "SELECT count(*) FROM items",
            i64::try_from(n).expect("a few"),
        ),
        Moment::Telling => bench.hooks.wait_until("an alert", asked),
        Moment::Told => bench.hooks.wait_until("an answer", answered),
        Moment::WrittenDown => bench.wait_for_count(DELIVERED, i64::try_from(n).expect("a few")),
    }
    service.kill();
    bench.site.next_life();
    bench.hooks.next_life();
    gate.open();
}

/// Each headline under one key, and no key taken twice by the same life.
#[track_caller]
fn assert_told_once_a_life(requests: &[Request], n: usize) {
    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut taken: BTreeSet<(String, usize)> = BTreeSet::new();
    for request in requests {
        keys.entry(request.json()["headline"].to_string())
            .or_default()
            .insert(request.key());
        if request.is_accepted() {
            assert!(
                taken.insert((request.key(), request.life)),
                "{} was told twice without a death",
                request.key()
            );
        }
    }
    assert_eq!(keys.len(), n, "{keys:#?}");
    assert!(
        keys.values().all(|it| it.len() == 1),
        "one development under two keys: {keys:#?}"
    );
    let told: BTreeSet<&String> = taken.iter().map(|(key, _)| key).collect();
    assert_eq!(told.len(), n, "a development nobody took");
}

#[test]
fn a_visit_that_takes_long_is_not_begun_again() {
    let bench = Bench::new();
    bench.configure("", &["slow", "wire"]);
    let gate = Gate::default();
    bench
        .site
        .script("/slow", [document(2).held(&gate), document(2)]);
    bench.site.script("/wire", [document(1)]);
    let service = bench.start();
    bench
        .site
        .wait_until("three visits of another feed", |requests| {
            requests.iter().filter(|it| it.target == "/wire").count() >= 3
        });
    assert_eq!(bench.site.requests("/slow").len(), 1);
    gate.open();
    bench.wait_for_count("SELECT count(*) FROM items WHERE duplicate_of IS NULL", 2);
    drop(service);
    assert_eq!(
        bench
            .archive()
            .query_row("SELECT count(*) FROM alerts", [], |row| row.get(0)),
        Ok(2)
    );
}

#[test]
fn a_second_instance_refuses_and_leaves_the_first_alone() {
    let bench = Bench::new();
    bench.site.script("/wire", [document(1)]);
    let service = bench.start();
    service.wait_for_log("watching 1 feed for");
    // Whatever path leads to the file.
    let (file, link) = ("summitwatch.db", "elsewhere/link.db");
    std::fs::create_dir(bench.folder.path().join("elsewhere")).expect("a folder");
    std::os::unix::fs::symlink("../summitwatch.db", bench.folder.path().join(link))
        .expect("a link");
    let hard = bench.folder.path().join("hard.db");
    std::fs::hard_link(bench.folder.path().join(file), hard).expect("a second name");
    for archive in [file, link, "hard.db"] {
        let arguments = ["run", "--config", "summitwatch.toml", "--archive", archive];
        let refused = output(command(bench.folder.path(), arguments), b"");
        assert_eq!(refused.status.code(), Some(1));
        assert_eq!(
            String::from_utf8_lossy(&refused.stderr),
            format!(
                "error: {archive} is in use by another summitwatch; stop it first (systemctl stop summitwatch), or \
                 use another archive\n"
            )
        );
    }
    let seen = bench.site.n_requests();
    bench
        .site
        .wait_until("the first to go on", |requests| requests.len() > seen + 1);
}

#[test]
fn sigterm_finishes_the_delivery_under_way_and_ends_with_0() {
    for signal in ["TERM", "INT"] {
        let bench = Bench::new();
        let gate = Gate::default();
        bench.site.script("/wire", [document(1)]);
        bench.hooks.script(HOOK, [Reply::status(200).held(&gate)]);
        let mut service = bench.start();
        bench
            .hooks
            .wait_until("an alert", |requests| !requests.is_empty());
        service.signal(signal);
        service.wait_for_log("stopping");
        gate.open();
        assert_eq!(service.wait_for_end().code(), Some(0), "{}", service.log());
        assert_eq!(
            bench.archive().query_row(DELIVERED, [], |row| row.get(0)),
            Ok(1)
        );
        assert_eq!(bench.hooks.n_requests(), 1);
    }
}

#[test]
fn sighup_refuses_a_broken_configuration_and_takes_a_sound_one() {
    let bench = Bench::new();
    bench.site.script("/wire", [document(1)]);
    bench.site.script("/more", [document(2)]);
    let service = bench.start();
    service.wait_for_log("watching 1 feed for");
    bench.configure("intervall = \"5m\"", &["wire", "more"]);
    service.signal("HUP");
    service.wait_for_log("the new configuration is refused, the old one stays");
    service.wait_for_log("summitwatch.toml:1: unknown key `intervall`");
    let seen = bench.site.n_requests();
    bench
        .site
        .wait_until("polls under the old one", |requests| {
            requests.len() > seen + 1
        });
    assert!(
        bench.site.requests("/more").is_empty(),
        "a refused configuration is in force"
    );
    bench.configure("", &["wire", "more"]);
    service.signal("HUP");
    service.wait_for_log("configuration read again and in force");
    bench.wait_for_count(DELIVERED, 2);
    bench.configure("archive = \"elsewhere.db\"", &["wire"]);
    service.signal("HUP");
    service.wait_for_log("archive: another archive needs a restart");
}

#[test]
fn a_damaged_archive_is_refused_and_never_made_anew() {
    let bench = Bench::new();
    let archive = bench.folder.path().join("summitwatch.db");
    let damage = b"this was an archive once, and a disk has eaten it\n".repeat(100);
    std::fs::write(&archive, &damage).expect("a file");
    let refused = output(
        command(bench.folder.path(), ["run", "--config", "summitwatch.toml"]),
        b"",
    );
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        said.contains("the archive is damaged") && said.contains("restore a backup"),
        "{said}"
    );
    assert!(
        std::fs::read(&archive).expect("the file") == damage,
        "the damaged archive was written to"
    );
}

#[test]
fn an_archive_that_somebody_else_holds_is_waited_for() {
    let bench = Bench::new();
    bench.site.script("/wire", [document(1)]);
    let service = bench.start();
    bench.wait_for_count(DELIVERED, 1);
    let other = Connection::open(bench.folder.path().join("summitwatch.db")).expect("the archive");
    other.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    bench.site.script("/wire", [document(3)]);
    let seen = bench.site.n_requests();
    bench
        .site
        .wait_until("a visit", |requests| requests.len() > seen);
    other
        .execute_batch("COMMIT")
        .expect("the lock is given back");
    bench.wait_for_count(DELIVERED, 3);
    assert!(!service.log().contains("ERROR"), "{}", service.log());
}

#[test]
fn systemd_is_told_when_it_is_ready_reloading_alive_and_stopping() {
    let bench = Bench::new();
    bench.site.script("/wire", [document(1)]);
    let path = bench.folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(DEADLINE)).expect("a deadline");
    let mut run = command(bench.folder.path(), ["run", "--config", "summitwatch.toml"]);
    run.env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "600000");
    let mut service = Service::start(run);
    let told = || {
        let mut bytes = [0; 256];
        let n = socket.recv(&mut bytes).expect("a message in time");
        String::from_utf8_lossy(&bytes[..n]).into_owned()
    };
    let until = |wanted: &str| while !told().contains(wanted) {};
    until("READY=1");
    until("WATCHDOG=1");
    service.signal("HUP");
    until("RELOADING=1");
    until("READY=1");
    service.signal("TERM");
    until("STOPPING=1");
    assert_eq!(service.wait_for_end().code(), Some(0));
}

// In one process: what a failed transaction leaves, and what a death between two turns does.

/// A poll that fails as a whole, and the next one when the cause is gone.
#[track_caller]
fn check_refused(cause: &str, cure: &str, is_expected: impl Fn(&StoreError) -> bool) {
    let mut world = World::new();
    world.feed("wire", "").answers(
        "wire",
        Reply::ok(rss(&headlines(1))).with("ETag", "\"one\""),
    );
    world.poll().expect_alerts(1);
    let long = "A long account of many particulars. ".repeat(50);
    let mut many: Vec<Entry> = (0..200)
        .map(|at| entry(&format!("old-{at}"), &format!("Annals {at}")))
        .collect();
    many = many
        .into_iter()
        .map(|it| it.summary(&long).published("2020-01-01T00:00:00Z"))
        .collect();
    many.extend(headlines(4));
    world
        .later("15m")
        .answers("wire", Reply::ok(rss(&many)).with("ETag", "\"two\""))
        .tamper(cause);
    let error = world.try_poll().expect_err("the archive refuses");
    assert!(is_expected(&error), "{error:?}");
    world.expect_alerts(0).expect_rows(
        "SELECT etag, last_poll_at, (SELECT count(*) FROM items), (SELECT count(*) FROM fetches) FROM feeds",
        &["\"one\" | 2026-06-01T09:00:00Z | 1 | 1"],
    );
    world
        .tamper(cure)
        .later("15m")
        .poll()
        .expect_new(203)
        .expect_alerts(3);
    world
        .expect_rows("SELECT etag FROM feeds", &["\"two\""])
        .later("15m")
        .poll()
        .expect_alerts(0);
    world.deliver();
    assert_eq!(world.hooked().len(), 4);
}

#[test]
fn a_refused_poll_leaves_neither_items_nor_validators_and_loses_nothing() {
    check_refused(
        "CREATE TRIGGER fault BEFORE INSERT ON deliveries BEGIN SELECT RAISE(ABORT, 'a fault'); END",
        "DROP TRIGGER fault",
        |error| matches!(error, StoreError::Sql(_)),
    );
    check_refused("PRAGMA query_only = 1", "PRAGMA query_only = 0", |error| {
        matches!(error, StoreError::ReadOnly(_))
    });
}

#[test]
fn a_full_disk_is_said_and_survived() {
    // As many pages as there are at that point, and no more.
    check_refused(
        "PRAGMA max_page_count = 1",
        "PRAGMA max_page_count = 1073741823",
        |error| matches!(error, StoreError::Full(_)),
    );
}

#[test]
fn what_cannot_be_written_down_as_sent_is_not_sent_again() {
    let mut world = World::new();
    world
        .feed("wire", rss(&headlines(2)))
        .poll()
        .expect_alerts(2);
    world.tamper(
        "CREATE TRIGGER fault BEFORE UPDATE ON deliveries WHEN new.state = 'delivered'
         BEGIN SELECT RAISE(ABORT, 'a fault'); END",
    );
    for _ in 0..3 {
        world.try_deliver().expect_err("the archive refuses");
        world.later("1h");
        assert_eq!(
            world.hooked().len(),
            1,
            "it goes on telling what it cannot remember"
        );
    }
    world.tamper("DROP TRIGGER fault").deliver();
    world.expect_rows(
        "SELECT state, attempts FROM deliveries",
        &["delivered | 1", "delivered | 1"],
    );
    assert_eq!(world.hooked().len(), 2);
}

#[test]
fn a_disk_that_fills_while_sending_stops_it_and_repeats_nothing() {
    let mut world = World::new();
    let now = world.now().to_string();
    let entries: Vec<_> = (0..60)
        .map(|n| entry(&n.to_string(), &invented_headline(n)).published(&now))
        .collect();
    // A channel whose answers are long to keep, and a disk that takes no page more.
    let url = world.hooks.url(HOOK);
    let discord = format!("kind = \"discord\"\nurl = \"{url}\"\nallow_private = true");
    let answer = format!("{{\"id\":\"{}\"}}", "7".repeat(1_000));
    world.hooks.script(HOOK, [Reply::ok(answer)]);
    world.only_channel("desk", &discord);
    world
        .feed("wire", rss(&entries))
        .poll()
        .expect_alerts(60)
        .tamper("PRAGMA max_page_count = 1");
    let mut told = 0;
    for turn in 0..4 {
        let error = world.try_deliver().expect_err("the disk is full");
        assert!(matches!(error, StoreError::Full(_)), "{error:?}");
        let before = std::mem::replace(&mut told, world.hooked().len());
        assert!(
            turn == 0 || told == before,
            "it goes on telling what it cannot remember"
        );
        world.later("1h");
    }
    assert!(
        (1..60).contains(&told),
        "{told} told before the disk was full"
    );
    world.tamper("PRAGMA max_page_count = 1073741823").deliver();
    world.expect_rows(
        "SELECT state, attempts, count(*) FROM deliveries GROUP BY 1, 2",
        &["delivered | 1 | 60"],
    );
    assert_eq!(world.hooked().len(), 60);
}

#[test]
fn a_death_between_storing_and_telling_loses_nothing() {
    let mut world = World::new();
    world
        .feed("wire", rss(&headlines(3)))
        .poll()
        .expect_alerts(3)
        .restart()
        .deliver();
    assert_eq!((world.visits("wire").len(), world.hooked().len()), (1, 3));
}

#[test]
fn a_delivery_whose_sender_died_goes_out_at_the_next_start_under_its_key() {
    let mut world = World::new();
    world
        .feed("wire", rss(&headlines(1)))
        .poll()
        .expect_alerts(1);
    let key = world
        .rows("SELECT idempotency_key FROM deliveries")
        .remove(0);
    // As a claim leaves it.
    let leased = "UPDATE deliveries SET state = 'sending', attempts = 1, next_attempt_at = '2026-06-01T09:02:00Z'";
    world.tamper(leased).later("1m").deliver();
    assert!(world.hooked().is_empty(), "somebody else holds it");
    world.restart().deliver();
    assert_eq!(
        world.hooked().iter().map(Request::key).collect::<Vec<_>>(),
        [key]
    );
    world.expect_rows("SELECT state, attempts FROM deliveries", &["delivered | 2"]);
}

#[test]
fn a_lease_that_ran_out_is_taken_over() {
    let mut world = World::new();
    world
        .feed("wire", rss(&headlines(1)))
        .poll()
        .expect_alerts(1);
    world.tamper("UPDATE deliveries SET state = 'sending', attempts = 1, next_attempt_at = '2026-06-01T09:02:00Z'");
    world.later("119s").deliver();
    assert!(world.hooked().is_empty());
    world.later("1s").deliver();
    assert_eq!(world.hooked().len(), 1);
}

#[test]
fn a_clock_that_ran_ahead_silences_no_feed() {
    let mut world = World::new();
    world
        .at("2031-01-01T00:00:00Z")
        .feed("wire", "")
        .answers("wire", Reply::status(503))
        .poll();
    world
        .at("2026-06-01T09:30:00Z")
        .shows("wire", rss(&headlines(2)));
    assert_eq!(world.poll_due(), ["wire"]);
    world.expect_alerts(2);
}

#[test]
fn a_clock_that_ran_ahead_delays_no_delivery_and_makes_no_history() {
    let mut world = World::new();
    world
        .feed("wire", rss(&headlines(1)))
        .poll()
        .expect_alerts(1);
    world
        .tamper("UPDATE deliveries SET next_attempt_at = '2041-01-01T00:00:00Z'")
        .tamper("UPDATE feeds SET last_success_at = '2041-01-01T00:00:00Z'");
    world.deliver();
    assert_eq!(world.hooked().len(), 1);
    world
        .shows("wire", rss(&headlines(2)))
        .poll()
        .expect_alerts(1);
}

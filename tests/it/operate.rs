//! What an operator meets: a network that goes away, an archive that is taken away, polls beside the service.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use jiff::SignedDuration;
use serde_json::{Value, json};
use summitwatch::store::open_read_only;
use tempfile::TempDir;

use crate::world::World;
use crate::world::desk::Desk;
use crate::world::document::{entry, headlines, rss};
use crate::world::program::{Service, command, eventually, output};
use crate::world::server::{Reply, Request, Server};

/// Feeds on servers of their own, which can be away together.
struct Net {
    world: World,
    addresses: Vec<String>,
    servers: Vec<Server>,
}

/// Each feed every five minutes, and a little.
const OFTEN: &str = "interval = \"5m\"\nmin_interval = \"5m\"\nmax_interval = \"5m\"";

/// Each has two feeds.
const SERVERS: usize = 4;

impl Net {
    fn new(keys: &str) -> Self {
        let servers: Vec<Server> = (2..2 + SERVERS)
            .map(|n| Server::listen(&format!("127.0.0.{n}:0")))
            .collect();
        let addresses: Vec<String> = servers.iter().map(Server::address).collect();
        let mut world = World::new();
        world.poll_keys(keys);
        // The world's own feed is not visited: its server is always there.
        let mut feeds = "paused = true\n".to_owned();
        for (n, address) in addresses.iter().enumerate() {
            for which in ["a", "b"] {
                feeds.push_str(&format!(
                    "[[feeds]]\nname = \"{which}{n}\"\nurl = \"http://{address}/{which}\"\nallow_private = true\n"
                ));
            }
        }
        world.feed_with("own", &feeds, rss(&[]));
        let mut net = Self {
            world,
            addresses,
            servers,
        };
        net.show(&[]);
        net
    }

    fn show(&mut self, entries: &[crate::world::document::Entry]) {
        for (n, server) in self.servers.iter().enumerate() {
            let shown = if n == 0 { entries } else { &[] };
            server.script("/a", [Reply::ok(rss(shown))]);
            server.script("/b", [Reply::ok(rss(&[]))]);
        }
    }

    fn goes(&mut self) {
        self.servers.clear();
    }

    fn returns(&mut self) {
        let at = |address: &String| Server::listen(address);
        self.servers = self.addresses.iter().map(at).collect();
        self.show(&[entry("1", "Bridge over the Han opens to traffic")
            .published(&(self.world.now() - SignedDuration::from_mins(4)).to_string())]);
    }

    /// Turns for so many minutes, as the loops would.
    fn turns(&mut self, minutes: usize) {
        for _ in 0..minutes * 2 {
            self.world.later("30s").poll_due();
            self.world.deliver();
        }
    }

    fn heard(&self) -> Vec<String> {
        let messages = self.world.hooked();
        let own = messages
            .iter()
            .filter(|it| it.is_accepted())
            .map(Request::json)
            .filter(|it| it["topic"] == "summitwatch");
        own.map(|it| format!("{}: {}", it["kind"], it["headline"]).replace('"', ""))
            .collect()
    }
}

const STATE: &str =
    "SELECT count(*), sum(failures), count(last_error) FROM feeds WHERE active AND NOT paused";

#[test]
fn a_network_that_is_away_is_told_once_and_leaves_no_mark_on_the_feeds() {
    let mut net = Net::new(OFTEN);
    net.world.poll().deliver();
    let visits = net.world.number("SELECT count(*) FROM fetches");
    net.goes();
    net.turns(19);
    assert_eq!(
        net.heard(),
        Vec::<String>::new(),
        "not before a quarter of an hour"
    );
    net.turns(2);
    assert_eq!(
        net.heard(),
        ["offline: Offline since 2026-06-01 09:05 UTC: no feed can be reached"]
    );
    net.world.expect_rows(STATE, &["8 | 0 | 0"]);
    assert_eq!(
        net.world.number("SELECT count(*) FROM fetches"),
        visits,
        "no feed is to blame"
    );
    net.turns(20);
    assert_eq!(net.heard().len(), 1, "{:?}", net.heard());
    net.returns();
    // Within a minute everything that is overdue is asked for, without any back-off.
    net.turns(1);
    net.world
        .expect_alerted(&["Bridge over the Han opens to traffic"]);
    net.world.expect_rows(STATE, &["8 | 0 | 0"]);
    let since = "SELECT count(*) FROM feeds WHERE NOT paused AND last_success_at >= (SELECT until FROM outages)";
    net.world.expect_rows(since, &["8"]);
    net.turns(1);
    let heard = net.heard();
    assert_eq!(heard.len(), 2, "{heard:?}");
    assert_eq!(
        heard[1],
        "online: Online again: nothing was seen for 36 min"
    );
    let told = net.world.hooked();
    let said = told.last().expect("a message").json()["reason"].to_string();
    assert!(
        said.contains("8 of 8 feeds answered and brought 1 new item and 1 alert"),
        "{said}"
    );
    net.world.expect_rows(
        "SELECT count(*), count(until), count(told_at), count(caught_up_at) FROM outages",
        &["1 | 1 | 1 | 1"],
    );
}

#[test]
fn a_short_outage_is_told_to_nobody_and_costs_no_time() {
    let mut net = Net::new(OFTEN);
    net.world.poll().deliver();
    net.goes();
    net.turns(18);
    net.returns();
    net.turns(2);
    net.world.expect_alerts(1);
    net.world.expect_rows(STATE, &["8 | 0 | 0"]);
    assert_eq!(net.heard(), Vec::<String>::new());
}

#[test]
fn who_could_not_be_told_of_an_outage_hears_of_its_end_alone() {
    let mut net = Net::new(OFTEN);
    net.world.poll().deliver();
    net.goes();
    net.world.hooks.script("/hook", [Reply::status(503)]);
    net.turns(60);
    net.returns();
    net.world.later("30s").poll_due();
    net.world.hooks.script("/hook", [Reply::status(204)]);
    net.turns(10);
    net.world.expect_alerts(1);
    assert_eq!(
        net.heard(),
        ["online: Online again: nothing was seen for 55 min"]
    );
}

#[test]
fn an_outage_outlives_a_restart_and_ends_once() {
    let mut net = Net::new(OFTEN);
    net.world.poll().deliver();
    net.goes();
    net.turns(35);
    net.world.restart();
    net.turns(35);
    net.world.restart();
    net.returns();
    net.turns(2);
    net.world.expect_alerts(1);
    let heard = net.heard();
    assert_eq!(heard.len(), 2, "{heard:?}");
    assert!(heard[1].starts_with("online"), "{heard:?}");
    net.world
        .expect_rows("SELECT count(*) FROM outages", &["1"]);
}

#[test]
fn servers_that_are_down_while_another_answers_are_their_own_fault() {
    let mut net = Net::new(OFTEN);
    net.world.poll();
    let last = net.servers.pop().expect("a server");
    net.servers.clear();
    net.world.later("6m").poll_due();
    net.world.expect_rows(
        "SELECT name, failures FROM feeds WHERE NOT paused ORDER BY name",
        &[
            "a0 | 1", "a1 | 1", "a2 | 1", "a3 | 0", "b0 | 1", "b1 | 1", "b2 | 1", "b3 | 0",
        ],
    );
    net.world
        .expect_rows("SELECT count(*) FROM outages", &["0"]);
    drop(last);
}

#[test]
fn a_restart_asks_at_once_what_could_not_be_reached() {
    let mut net = Net::new(OFTEN);
    net.world.poll();
    let kept = net.servers.split_off(1);
    net.servers.clear();
    net.world.later("6m").poll_due();
    net.world.expect_rows(
        "SELECT count(*) FROM feeds WHERE failures = 1 AND next_poll_at > last_poll_at",
        &["2"],
    );
    net.servers = vec![Server::listen(&net.addresses[0])];
    net.servers.extend(kept);
    net.show(&[]);
    net.world.later("1m").restart();
    assert_eq!(net.world.poll_due(), ["a0", "b0"]);
    net.world
        .expect_rows("SELECT sum(failures) FROM feeds", &["0"]);
}

#[test]
fn a_pace_of_its_own_is_kept_and_a_paused_feed_rests() {
    let mut world = World::new();
    world
        .feed_with("quick", "interval = \"20s\"", rss(&[]))
        .feed_with("rests", "paused = true", rss(&[]))
        .feed("usual", rss(&[]));
    assert_eq!(world.poll_due(), ["quick", "usual"]);
    for _ in 0..10 {
        world.later("19s");
        assert_eq!(world.poll_due(), Vec::<String>::new());
        world.later("1s");
        assert_eq!(world.poll_due(), ["quick"]);
    }
    assert_eq!(world.visits("rests").len(), 0);
    let listed = world.feeds();
    assert_eq!(listed[1]["state"], json!("paused"), "{listed:#?}");
}

/// A service of one feed, in a folder of its own.
struct Running {
    folder: TempDir,
    site: Server,
    service: Service,
}

impl Running {
    fn start(more: &str) -> Self {
        let site = Server::start();
        site.script("/wire", [Reply::ok(rss(&headlines(1)))]);
        let folder = TempDir::new().expect("a folder");
        let text = format!(
            "{more}\n[[routes]]\ntopic = \"all\"\nchannels = []\n\
             [[feeds]]\nname = \"wire\"\nurl = \"{}\"\nallow_private = true\n",
            site.url("/wire")
        );
        std::fs::write(folder.path().join("summitwatch.toml"), text).expect("written");
        std::fs::write(folder.path().join("token"), TOKEN).expect("written");
        let run = ["run", "--config", "summitwatch.toml"];
        let service = Service::start(command(folder.path(), run));
        let running = Self {
            folder,
            site,
            service,
        };
        running.wait_for_visits(1);
        running
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn wait_for_visits(&self, n: i64) {
        let path = self.path("summitwatch.db");
        eventually("a visit", || {
            let count = |path: &Path| {
                let archive = open_read_only(path).ok()?;
                let sql = "SELECT count(*) FROM fetches";
                archive.query_row(sql, [], |row| row.get::<_, i64>(0)).ok()
            };
            count(&path).is_some_and(|it| it >= n)
        });
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let arguments = [arguments, &["--config", "summitwatch.toml"]].concat();
        let ran = output(command(self.folder.path(), arguments), b"");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (ran.status.code(), text(&ran.stdout), text(&ran.stderr))
    }
}

#[test]
fn a_poll_beside_the_service_is_made_by_the_service() {
    let running = Running::start("");
    running
        .site
        .script("/wire", [Reply::ok(rss(&headlines(2)))]);
    let (status, out, err) = running.run(&["poll", "--json"]);
    assert_eq!((status, err.as_str()), (Some(0), ""), "{out}");
    let rows: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(rows[0]["feed"], "wire");
    assert_eq!(rows[0]["new"], 1, "{rows}");
    let (status, out, _) = running.run(&["poll", "wire"]);
    assert!(
        status == Some(0)
            && out
                .trim_end()
                .ends_with("1 feed polled, 0 new items, 0 alerts"),
        "{out}"
    );
}

#[test]
fn an_archive_that_is_taken_away_stops_the_service_and_no_second_one_begins() {
    for replaced in [false, true] {
        let mut running = Running::start("");
        std::fs::rename(running.path("summitwatch.db"), running.path("moved.db")).expect("moved");
        if replaced {
            std::fs::write(running.path("summitwatch.db"), "").expect("written");
        }
        assert_eq!(running.service.wait_for_end().code(), Some(1));
        let said = if replaced {
            "is another file than the one that was opened"
        } else {
            "summitwatch.db is gone: somebody moved or deleted it"
        };
        running.service.wait_for_log(said);
        // What was in the log is in the file that was moved.
        let moved = rusqlite::Connection::open(running.path("moved.db")).expect("an archive");
        let items = moved.query_row("SELECT count(*) FROM items", [], |row| row.get::<_, i64>(0));
        assert_eq!(items, Ok(1));
        if !replaced {
            let (status, _, err) = running.run(&["run"]);
            assert_eq!(status, Some(1));
            assert!(err.contains("but its log"), "{err}");
            assert!(!running.path("summitwatch.db").exists(), "a second archive");
        }
    }
}

#[test]
fn a_log_that_somebody_else_keeps_is_no_unclean_end() {
    let mut running = Running::start("");
    let reader = rusqlite::Connection::open(running.path("summitwatch.db")).expect("an archive");
    reader
        .execute_batch("BEGIN; SELECT count(*) FROM items")
        .expect("a snapshot");
    running.service.signal("TERM");
    assert!(running.service.wait_for_end().success());
    assert!(
        running.path("summitwatch.db-wal").exists(),
        "the reader keeps it"
    );
    let run = ["run", "--config", "summitwatch.toml"];
    let again = Service::start(command(running.folder.path(), run));
    again.wait_for_log("watching 1 feed");
    assert!(
        !again.log().contains("did not end in order"),
        "{}",
        again.log()
    );
    // And a kill is one, log or not.
    drop(again);
    drop(reader);
    let after = Service::start(command(running.folder.path(), run));
    after.wait_for_log("did not end in order");
}

#[test]
fn two_restores_within_a_second_keep_both_archives() {
    let mut running = Running::start("");
    assert_eq!(running.run(&["backup", "copy.db"]).0, Some(0));
    running.service.signal("TERM");
    assert!(running.service.wait_for_end().success());
    for _ in 0..3 {
        assert_eq!(running.run(&["restore", "copy.db"]).0, Some(0));
    }
    let files = std::fs::read_dir(running.folder.path()).expect("a folder");
    let kept = files
        .flatten()
        .filter(|it| it.file_name().to_string_lossy().contains(".before-"));
    assert_eq!(kept.count(), 3);
}

#[test]
fn a_restore_that_was_interrupted_is_finished_and_never_begun_anew() {
    let mut running = Running::start("");
    assert_eq!(running.run(&["backup", "copy.db"]).0, Some(0));
    running.service.signal("KILL");
    running.service.wait_for_end();
    // As a kill between its two renames leaves it: the copy is whole, the old archive is aside, its log is not yet.
    std::fs::copy(
        running.path("copy.db"),
        running.path("summitwatch.db.restored"),
    )
    .expect("copied");
    std::fs::rename(running.path("summitwatch.db"), running.path("aside.db")).expect("renamed");
    for command in ["run", "poll"] {
        let (status, _, said) = running.run(&[command]);
        assert_eq!(status, Some(1), "{said}");
        assert!(said.contains("a restore was interrupted"), "{said}");
        assert!(!running.path("summitwatch.db").exists());
    }
    assert_eq!(running.run(&["restore", "copy.db"]).0, Some(0));
    // The killed service's log was set aside too: it belongs to another file.
    assert!(!running.path("summitwatch.db-wal").exists());
    let archive = open_read_only(&running.path("summitwatch.db")).expect("an archive");
    let found: String = archive
        .pragma_query_value(None, "integrity_check", |row| row.get(0))
        .expect("an answer");
    assert_eq!(found, "ok");
    assert!(!running.path("summitwatch.db.restored").exists());
}

#[test]
fn what_was_not_found_sound_after_an_unclean_end_is_checked_again() {
    let mut running = Running::start("");
    running.service.signal("KILL");
    running.service.wait_for_end();
    // An index that went another way than its table: all rows read well, and only a check of indexes tells.
    let on_archive = |sql: &str| {
        let archive =
            rusqlite::Connection::open(running.path("summitwatch.db")).expect("an archive");
        archive.execute_batch(sql).expect(sql);
    };
    on_archive(
        "CREATE TABLE kept AS SELECT * FROM sqlite_master WHERE name = 'items_by_time';
         PRAGMA writable_schema = on; DELETE FROM sqlite_master WHERE name = 'items_by_time'",
    );
    on_archive("UPDATE items SET first_seen_at = '2001-01-01T00:00:00Z'");
    on_archive(
        "PRAGMA writable_schema = on; INSERT INTO sqlite_master SELECT * FROM kept; DROP TABLE kept",
    );
    // Refused as often as it is started, for it was never found sound.
    for _ in 0..2 {
        let (status, _, said) = running.run(&["run"]);
        assert_eq!(status, Some(1), "{said}");
        assert!(
            said.contains("items_by_time") && said.contains("is damaged"),
            "{said}"
        );
    }
}

#[test]
fn the_demo_writes_into_no_folder_of_somebody_elses() {
    let running = Running::start("");
    let before = std::fs::read(running.path("summitwatch.toml")).expect("read");
    let ran = output(command(running.folder.path(), ["demo", "--dir", "."]), b"");
    assert_eq!(ran.status.code(), Some(1));
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(said.contains("files that no demo wrote"), "{said}");
    assert_eq!(
        std::fs::read(running.path("summitwatch.toml")).expect("read"),
        before
    );
}

/// A request on a connection of its own: status and body.
fn ask(port: u16, head: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the dashboard listens");
    let length = body.len();
    let request = format!(
        "{head}\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let status = answer.split(' ').nth(1).and_then(|it| it.parse().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |it| it.1);
    (status.expect("a status"), body.to_owned())
}

/// Free a moment ago.
fn port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

const TOKEN: &str = "a-token-of-many-characters";

/// A service with a dashboard that has a token.
fn served(more: &str) -> (Running, u16) {
    let port = port();
    let web =
        format!("[web]\nlisten = \"127.0.0.1:{port}\"\ntoken = {{ file = \"token\" }}\n{more}");
    let running = Running::start(&web);
    running.service.wait_for_log("the dashboard is at");
    (running, port)
}

#[test]
fn probes_and_metrics_are_for_this_machine_without_a_token() {
    let (running, port) = served("");
    assert_eq!(
        ask(port, "GET /healthz HTTP/1.1", ""),
        (200, "{\"status\":\"alive\"}".to_owned())
    );
    eventually("the service to be ready", || {
        ask(port, "GET /readyz HTTP/1.1", "").0 == 200
    });
    let (status, text) = ask(port, "GET /metrics HTTP/1.1", "");
    assert_eq!(status, 200);
    for line in [
        "summitwatch_visits_total{result=\"ok\"} 1",
        "summitwatch_feeds{state=\"ok\"} 1",
        "summitwatch_archive_items 1",
        "summitwatch_offline 0",
        "summitwatch_turn_seconds_count{loop=\"poll\"} 1",
    ] {
        assert!(
            text.lines().any(|it| it == line),
            "{line} is not in:\n{text}"
        );
    }
    let address = running.site.address();
    assert!(!text.contains(&address) && !text.contains(TOKEN), "{text}");
    // What a proxy passes on comes from elsewhere.
    let forwarded = "GET /metrics HTTP/1.1\r\nX-Forwarded-For: 192.0.2.1";
    assert_eq!(ask(port, forwarded, "").0, 401);
    let known = format!("{forwarded}\r\nAuthorization: Bearer {TOKEN}");
    assert_eq!(ask(port, &known, "").0, 200);
    assert_eq!(ask(port, "GET /feeds HTTP/1.1", "").0, 303);
    let (status, said, _) = running.run(&["health", "--ready"]);
    assert_eq!((status, said.trim()), (Some(0), "{\"status\":\"ready\"}"));
}

#[test]
fn feeds_are_managed_from_the_dashboard_in_the_file_that_a_person_wrote() {
    let (running, port) = served("# mine");
    let own = format!("HTTP/1.1\r\nAuthorization: Bearer {TOKEN}");
    let text = || std::fs::read_to_string(running.path("summitwatch.toml")).expect("read");
    let before = text();
    let url = running.site.url("/second");
    running
        .site
        .script("/second", [Reply::ok(rss(&headlines(2)))]);
    let wanted = json!({"url": url, "name": "second", "interval": "1h", "allow_private": true});
    let wanted = wanted.to_string();
    // Not without the token.
    assert_eq!(ask(port, "POST /api/v1/feeds HTTP/1.1", &wanted).0, 401);
    let (status, said) = ask(port, &format!("POST /api/v1/feeds/test {own}"), &wanted);
    assert!(
        status == 200 && said.contains("it is a feed with 2 entries"),
        "{said}"
    );
    assert_eq!(text(), before, "a test keeps nothing");
    let (status, said) = ask(port, &format!("POST /api/v1/feeds {own}"), &wanted);
    assert!(status == 200 && said.contains("second is added"), "{said}");
    assert!(
        text().starts_with(&before)
            && text().ends_with("interval = \"1h\"\nallow_private = true\n")
    );
    // Visited without a restart.
    running.wait_for_visits(2);
    let private = json!({"url": "http://127.0.0.1:1/feed"}).to_string();
    let (status, said) = ask(port, &format!("POST /api/v1/feeds {own}"), &private);
    assert!(
        status == 409 && said.contains("nothing was changed"),
        "{said}"
    );
    let (status, _) = ask(port, &format!("POST /api/v1/feeds/second/poll {own}"), "");
    assert_eq!(status, 200);
    running.wait_for_visits(3);
    assert_eq!(
        ask(port, &format!("POST /api/v1/feeds/second/pause {own}"), "").0,
        200
    );
    assert!(text().contains("paused = true"));
    let state = "SELECT state FROM feed_health WHERE name = 'second'";
    let archive = open_read_only(&running.path("summitwatch.db")).expect("an archive");
    let found = |sql: &str| archive.query_row(sql, [], |row| row.get::<_, String>(0));
    assert_eq!(found(state), Ok("paused".to_owned()));
    assert_eq!(
        ask(port, &format!("POST /api/v1/feeds/second/resume {own}"), "").0,
        200
    );
    assert_eq!(
        ask(port, &format!("POST /api/v1/feeds/second/remove {own}"), "").0,
        200
    );
    assert_eq!(text(), before);
    assert_eq!(found(state), Ok("removed".to_owned()));
    assert_eq!(
        ask(port, &format!("POST /api/v1/feeds/second/remove {own}"), "").0,
        409
    );
}

#[test]
fn a_dashboard_below_a_path_leads_nowhere_else() {
    let (_running, port) = served("base = \"/watch\"");
    let own = format!("HTTP/1.1\r\nAuthorization: Bearer {TOKEN}");
    for path in ["/watch/", "/watch/feeds", "/watch/stories", "/watch/topics"] {
        let (status, page) = ask(port, &format!("GET {path} {own}"), "");
        assert_eq!(status, 200, "{path}");
        for part in page.split(['<', '>']) {
            for attribute in ["href=\"/", "src=\"/", "action=\"/"] {
                assert!(
                    !part.contains(attribute) || part.contains(&format!("{attribute}watch/")),
                    "{part} leads out of {path}"
                );
            }
        }
    }
    // A proxy that cuts the path off finds the same.
    assert_eq!(ask(port, &format!("GET /feeds {own}"), "").0, 200);
    assert_eq!(ask(port, "GET /healthz HTTP/1.1", "").0, 200);
    let (status, atom) = ask(port, &format!("GET /watch/topics/all.atom {own}"), "");
    assert!(
        status == 200 && atom.contains(&format!("http://127.0.0.1:{port}/watch/")),
        "{atom}"
    );
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    write!(
        stream,
        "GET /watch/feeds HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.contains("location: /watch/login?to="), "{answer}");
}

#[test]
fn a_heartbeat_is_sent_while_feeds_are_reached() {
    let beats = Server::start();
    beats.script("/beat", [Reply::status(200)]);
    let url = beats.url("/beat");
    let mut running = Running::start(&format!(
        "[health]\nheartbeat = {{ url = \"{url}\", every = \"1s\", allow_private = true }}"
    ));
    beats.wait_until("two beats", |requests| requests.len() >= 2);
    running.service.kill();
    let n = beats.n_requests();
    assert_eq!(beats.requests("/beat").len(), n);
}

/// A folder with a configuration, and what `check` says of it.
fn checked(config: &str) -> (i32, String) {
    let desk = Desk::new(config);
    let ran = desk.run(&["check"]);
    (ran.status, ran.out + &ran.err)
}

#[test]
fn check_says_every_fault_of_a_file_at_once() {
    let (status, said) = checked(
        "[poll]\nintervall = \"5m\"\nconcurrency = 0\nfresh_window = 7\n\n\
         [[feeds]]\nname = \"a\"\nurl = \"http://127.0.0.1:9/a\"\nlanguage = \"jp\"\ncountry = \"UK\"\ncolour = \"red\"\n\n\
         [[feeds]]\nname = \"b\"\nurl = \"https://b.example/f\"\n\n[[feeds]]\nname = \"c\"\nurl = \"https://b.example/f\"\n\n\
         [[feeds]]\nname = \"d\"\nurl = \"http://localhost/f\"\ninterval = \"0s\"\n\n\
         [[digests]]\nname = \"m\"\ntopics = [\"us-dprk-sumit\"]\ncron = \"0 8 * * *\"\nchannels = []\n",
    );
    assert_eq!(status, 2, "{said}");
    for fault in [
        ":2: unknown key `intervall`; did you mean `interval`?",
        ":3: [poll] concurrency = 0: nothing would ever be fetched",
        ":4: fresh_window: ",
        ":8: feed \"a\": url: 127.0.0.1 is a private address",
        ":7: feed \"a\": language: \"jp\" is no language; did you mean \"ja\"?",
        ":7: feed \"a\": country: \"UK\" is no country; did you mean \"GB\"?",
        ":11: unknown key `colour`",
        ":19: feed \"c\": feed \"b\" has the same url",
        ":23: feed \"d\": url: localhost is this machine",
        ":24: feed \"d\": interval must be at least 1s",
        "unknown topic \"us-dprk-sumit\"; did you mean \"us-dprk-summit\"?",
    ] {
        assert!(said.contains(fault), "{fault} is not in:\n{said}");
    }
    assert_eq!(said.lines().count(), 11, "{said}");
}

#[test]
fn check_goes_on_without_what_only_the_service_is_given() {
    let (status, said) = checked(
        "archive = \"a.db\"\n[web]\nlisten = \"127.0.0.1:1\"\ntoken = { credential = \"web\" }\n\
         [[channels]]\nname = \"chat\"\nkind = \"telegram\"\nsecret = { credential = \"bot\" }\nto = \"1\"\n\
         [[channels]]\nname = \"here\"\nkind = \"terminal\"\n\
         [[routes]]\ntopic = \"all\"\nchannels = [\"chat\", \"here\"]\n\
         [[feeds]]\nname = \"a\"\nurl = \"https://a.example/f\"\n",
    );
    assert_eq!(status, 0, "{said}");
    for line in [
        "warning: channel \"chat\" reads credential \"bot\", which only the service is given",
        "warning: [web] token reads credential \"web\"",
        "all is well, as far as can be seen from here",
    ] {
        assert!(said.contains(line), "{line} is not in:\n{said}");
    }
    assert!(
        said.starts_with("archive        a.db (by `archive`"),
        "{said}"
    );
}

#[test]
fn init_leaves_the_archive_where_it_is() {
    let folder = TempDir::new().expect("a folder");
    let archive = |arguments: &[&str]| {
        let ran = output(command(folder.path(), arguments), b"");
        assert!(
            ran.status.success(),
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        );
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        let first = said.lines().next().expect("a line").to_owned();
        first.split_whitespace().nth(1).expect("a path").to_owned()
    };
    let before = archive(&["check"]);
    assert!(
        before.ends_with(".local/share/summitwatch/summitwatch.db"),
        "{before}"
    );
    let made = output(command(folder.path(), ["init"]), b"");
    assert!(made.status.success());
    assert_eq!(archive(&["check"]), before);
}

//! The command line as people and checks use it: contracts of the commands that take and give
//! JSON, exit status, and the words of errors.

use insta::assert_snapshot;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::world::desk::Desk;
use crate::world::document::{HEADLINES, atom, entry, headlines, json_feed, rss};
use crate::world::program::{command, output};
use crate::world::server::{Reply, Server};

const SUMMIT: &str = "[[topics]]\nname = \"us-dprk-summit\"\n";
const ALL: &str = "[[topics]]\nname = \"all\"\n";

#[track_caller]
fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect()
}

// Faults of configuration: status 2, where, what, and what to do.

#[track_caller]
fn check_fault(config: &str, said: &str) {
    Desk::new(config).run(&["check"]).ill(2, said);
}

#[test]
fn faults_of_the_configuration_name_their_line_and_a_way_out() {
    check_fault(
        "[poll]\nintervall = \"5m\"",
        "error: summitwatch.toml:2: unknown key `intervall`; did you mean `interval`?",
    );
    check_fault(
        "[poll]\ninterval = \"5 minutes\"",
        "error: summitwatch.toml:2: interval: \"5 minutes\" is no length of time; write it like 90s, 15m, 24h or 7d",
    );
    check_fault(
        "[poll]\nmin_interval = \"2h\"\nmax_interval = \"1h\"",
        "error: summitwatch.toml: [poll] min_interval is longer than max_interval",
    );
    check_fault(
        "zone = \"Seoul\"",
        "error: summitwatch.toml:1: zone: \"Seoul\" is no IANA time zone; write one like \"Asia/Seoul\"",
    );
    check_fault(
        "[[channels]]\nname = \"desk\"\nkind = \"terminal\"\n[[routes]]\ntopic = \"all\"\nchannels = [\"desc\"]",
        "error: summitwatch.toml:6: unknown channel \"desc\"; did you mean \"desk\"?",
    );
    check_fault(
        "[web]\nlisten = \"0.0.0.0:8787\"",
        "error: summitwatch.toml:2: [web] listen: 0.0.0.0:8787 is open to other machines; set token = { env = \"NAME\" } \
         or proxy = { header = \"X-Remote-User\", from = [\"ADDRESS\"] }, or listen on 127.0.0.1",
    );
    check_fault(
        "[web]\nlisten = \"[::]:8787\"\ntoken = \"short\"",
        "error: summitwatch.toml:2: [web] token: it must have at least 16 characters; `openssl rand -base64 24` makes one",
    );
    check_fault(
        "[web]\nlisten = \"8787\"",
        "error: summitwatch.toml:2: [web] listen: \"8787\" is no address with a port, like \"127.0.0.1:8787\"",
    );
    check_fault(
        "[[channels]]\nname = \"desk\"\nkind = \"pigeon\"",
        "error: summitwatch.toml:3: kind: \"pigeon\" is not known; known are terminal, desktop, ntfy, slack, discord, telegram, matrix, email, \
         webhook, apprise, exec, webpush",
    );
    check_fault(
        "[[channels]]\nname = \"desk\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:9/hook\"",
        "error: summitwatch.toml:2: channel \"desk\": 127.0.0.1 is a private address; set allow_private = true for this \
         channel if that is meant",
    );
    check_fault(
        "[[channels]]\nname = \"desk\"\nkind = \"webhook\"\nurl = \"https://desk.example/hook\"\nsecret = { env = \"DESK\" }",
        "error: summitwatch.toml:2: channel \"desk\": the environment variable DESK is not set",
    );
    let feed = "[[feeds]]\nname = \"desk\"\nurl = \"https://me@desk.example/feed\"";
    check_fault(
        &format!("{feed}\nauth = {{ user = \"me\", password = {{ env = \"HOME\" }} }}"),
        "error: summitwatch.toml:3: feed \"desk\": a user stands in url and in auth; keep one",
    );
    check_fault(
        &format!("{feed}\nauth = {{ token = \"x\" }}"),
        "error: summitwatch.toml:4: auth: write { user = \"NAME\", password = { env = \"NAME\" } } or { bearer = { env = \
         \"NAME\" } }",
    );
    check_fault(
        &format!("{feed}\nproxy = \"socks5://127.0.0.1:9050\""),
        "error: summitwatch.toml:2: feed \"desk\": proxy: socks5: is not supported, only http and https are",
    );
    check_fault(
        &format!("{feed}\nheaders = {{ \"X Key\" = {{ env = \"HOME\" }} }}"),
        "error: summitwatch.toml:2: feed \"desk\": headers: \"X Key\" is no header's name",
    );
    check_fault(
        "[health]\nchannels = [\"ops\"]",
        "error: summitwatch.toml:2: unknown channel \"ops\"; none is defined",
    );
    check_fault(
        "include = [\"more.toml\"]",
        "error: summitwatch.toml:1: include: more.toml there is no such file; `summitwatch init` writes one",
    );
}

#[test]
fn every_fault_is_said_at_once() {
    check_fault(
        "[[channels]]\nname = \"desk\"\nkind = \"webhook\"\n\
         [[feeds]]\nname = \"a\"\nurl = \"ftp://a.example/\"\n[[feeds]]\nname = \"a\"\nurl = \"nowhere\"\n\
         [[routes]]\ntopic = \"us-dprk-sumit\"\nchannels = []",
        "error: summitwatch.toml:6: feed \"a\": url: ftp: is not fetched, only http and https are\n\
         error: summitwatch.toml:8: feed \"a\" is defined twice\n\
         error: summitwatch.toml:9: feed \"a\": url: relative URL without a base\n\
         error: summitwatch.toml:2: channel \"desk\": url is missing\n\
         error: summitwatch.toml:11: unknown topic \"us-dprk-sumit\"; did you mean \"us-dprk-summit\"?",
    );
}

#[test]
fn faults_of_a_topic_name_its_own_file() {
    let desk = Desk::new("[[topics]]\nname = \"rail\"\nfile = \"topics/rail.toml\"");
    let rule = "title = \"Rail\"\nthreshold = 0.5\n[[rule]]\nname = \"talks\"\nall = [\"summitt\"]\nweight = 0.6\n";
    desk.write("topics/rail.toml", rule).run(&["check"]).ill(
        2,
        "error: topics/rail.toml:5: \"summitt\" is neither a group of this topic nor a concept of the lexicon; did you \
         mean \"summit\"?",
    );
}

#[test]
fn wrong_usage_exits_with_2_and_failures_with_1() {
    let desk = Desk::new(ALL);
    desk.run(&["poll", "--once", "wire"])
        .ill(2, "error: no feed is named \"wire\" in summitwatch.toml");
    desk.run(&["notify", "test", "desk"])
        .ill(2, "error: no channel is named \"desk\" in summitwatch.toml");
    assert_eq!(desk.run(&["frobnicate"]).status, 2);
    assert_eq!(desk.run(&["items", "--since", "yesterday"]).status, 2);
    assert_eq!(desk.run(&["replay", "--db", "new.db"]).status, 2);
    desk.run(&["items", "--archive", "none.db"]).ill(
        1,
        "error: there is no archive at none.db; `summitwatch run` or `summitwatch poll` makes one",
    );
    assert!(!desk.has("none.db"), "a command that reads made an archive");
    let missing = output(
        command(desk.folder.path(), ["check", "--config", "missing.toml"]),
        b"",
    );
    assert_eq!(missing.status.code(), Some(2));
    assert_eq!(
        String::from_utf8_lossy(&missing.stderr),
        "error: missing.toml: there is no such file; `summitwatch init` writes one\n"
    );
}

#[test]
fn an_archive_of_a_newer_version_is_refused_and_left_alone() {
    let desk = Desk::new(ALL);
    let path = desk.folder.path().join("summitwatch.db");
    let newer = rusqlite::Connection::open(&path).expect("an archive");
    newer
        .execute_batch(
            "PRAGMA journal_mode = wal; CREATE TABLE later (it); PRAGMA user_version = 99",
        )
        .expect("newer");
    drop(newer);
    let before = std::fs::read(&path).expect("bytes");
    let migrations = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
    let steps = std::fs::read_dir(migrations).expect("a folder").count();
    for arguments in [
        &["run"][..],
        &["poll", "--once"],
        &["items"],
        &["sql", "SELECT 1"],
    ] {
        desk.run(arguments).ill(
            1,
            &format!(
                "error: the archive summitwatch.db was written by a newer summitwatch (schema 99, this one knows {steps}); \
                 upgrade summitwatch, or use another archive"
            ),
        );
    }
    assert!(
        std::fs::read(&path).expect("bytes") == before,
        "the newer archive was written to"
    );
}

// parse

#[test]
fn parse_prints_the_contract() {
    let document = "<rss version=\"2.0\"><channel><title>The &amp;amp; Wire</title><link>https://wire.example/</link>\
        <language>ko</language><item><title>Barges &amp;amp; <b>pilots</b></title><link>/news/1</link>\
        <guid isPermaLink=\"false\">w-1</guid><pubDate>Mon, 01 Jun 2026 17:30:00 +0900</pubDate>\
        <description>&lt;p&gt;Eleven   were\n counted.&lt;/p&gt;</description><category>port</category>\
        <author>A. Pilot</author></item><item><title>Undated</title></item></channel></rss>";
    let desk = Desk::new(ALL);
    let arguments = [
        "parse",
        "-",
        "--url",
        "https://wire.example/feed.xml",
        "--content-type",
        "text/xml",
    ];
    let parsed = desk.run_with(&arguments, document.as_bytes()).json();
    assert_eq!(
        keys(&parsed),
        ["kind", "title", "link", "language", "repairs", "entries"]
    );
    assert_eq!(
        keys(&parsed["entries"][0]),
        [
            "guid",
            "title",
            "link",
            "published",
            "updated",
            "author",
            "language",
            "categories",
            "summary",
            "content_html"
        ]
    );
    assert_eq!(
        parsed,
        json!({
            "kind": "rss2", "title": "The & Wire", "link": "https://wire.example/", "language": "ko", "repairs": [],
            "entries": [
                {"guid": "w-1", "title": "Barges & pilots", "link": "https://wire.example/news/1",
                 "published": "2026-06-01T08:30:00Z", "updated": null, "author": "A. Pilot", "language": null,
                 "categories": ["port"], "summary": "Eleven were counted.", "content_html": null},
                {"guid": null, "title": "Undated", "link": null, "published": null, "updated": null, "author": null,
                 "language": null, "categories": [], "summary": "", "content_html": null},
            ],
        })
    );
}

#[track_caller]
fn check_kind(document: &str, kind: &str) {
    let desk = Desk::new(ALL);
    let parsed = desk
        .write("document", document)
        .run(&["parse", "document"])
        .json();
    assert_eq!(
        (&parsed["kind"], parsed["entries"].as_array().map(Vec::len)),
        (&json!(kind), Some(1))
    );
}

#[test]
fn parse_names_the_kind_of_every_dialect() {
    let one = [entry("1", HEADLINES[0])];
    check_kind(&rss(&one), "rss2");
    check_kind(
        &rss(&one).replace("version=\"2.0\"", "version=\"0.91\""),
        "rss0",
    );
    check_kind(&atom(&one), "atom");
    check_kind(&json_feed(&one), "json");
    let rdf = "<rdf:RDF xmlns=\"http://purl.org/rss/1.0/\" xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
        <channel><title>W</title></channel><item rdf:about=\"https://w.example/1\"><title>T</title></item></rdf:RDF>";
    check_kind(rdf, "rss1");
}

#[test]
fn parse_says_on_one_line_what_else_it_was_given() {
    let desk = Desk::new(ALL);
    let ill = |document: &str, said: &str| {
        desk.run_with(&["parse", "-"], document.as_bytes())
            .ill(1, said);
    };
    ill(
        "<!DOCTYPE html><html><body>maintenance",
        "error: -: not a feed: looks like another kind of XML or HTML",
    );
    ill(
        "<opml version=\"2.0\"><body/></opml>",
        "error: -: not a feed: looks like another kind of XML or HTML",
    );
    ill("all is well", "error: -: not a feed: looks like text");
    ill(
        "{\"error\": \"quota\"}",
        "error: -: not a feed: looks like JSON",
    );
    ill("", "error: -: the document is empty");
    let garbage = desk.run_with(&["parse", "-"], &[0xff, 0x00, 0x3c, 0x9f, 0x0a].repeat(50));
    assert_eq!(
        (garbage.status, garbage.err.lines().count()),
        (1, 1),
        "{garbage:?}"
    );
}

// classify

#[test]
fn classify_answers_line_by_line_in_order() {
    let lines = [
        json!({"id": "a", "title": "Trump and Kim Jong Un agree to a second summit in Hanoi", "language": "en"}),
        json!({"id": 7, "title": "Bakers vote against cheaper flour", "summary": "By one vote."}),
        json!({"id": ["x"], "title": "트럼프·김정은, 하노이서 2차 북미 정상회담 합의", "extra": true}),
    ];
    let input = lines
        .iter()
        .map(|it| format!("{it}\n\n"))
        .collect::<String>();
    let answers = Desk::new(SUMMIT)
        .run_with(&["classify"], input.as_bytes())
        .json_lines();
    assert_eq!(answers.len(), 3);
    for (line, answer) in lines.iter().zip(&answers) {
        assert_eq!(
            keys(answer),
            [
                "id",
                "matched",
                "score",
                "language",
                "evidence",
                "says",
                "statement",
                "alert"
            ]
        );
        assert_eq!(answer["id"], line["id"]);
        assert!(
            answer["score"]
                .as_f64()
                .is_some_and(|it| (0.0..=1.0).contains(&it)),
            "{answer}"
        );
        for evidence in answer["evidence"].as_array().expect("a list") {
            assert_eq!(keys(evidence), ["concept", "term", "field", "start", "end"]);
        }
    }
    let matched: Vec<bool> = answers
        .iter()
        .filter_map(|it| it["matched"].as_bool())
        .collect();
    assert_eq!(matched, [true, false, true]);
    let (start, end) = (
        &answers[0]["evidence"][0]["start"],
        &answers[0]["evidence"][0]["end"],
    );
    let at = |it: &Value| usize::try_from(it.as_u64().expect("an offset")).expect("small");
    let title = lines[0]["title"].as_str().expect("a title");
    assert_eq!(answers[0]["evidence"][0]["term"], title[at(start)..at(end)]);
}

#[test]
fn classify_by_the_built_in_topic_matches_everything() {
    let answers = Desk::new(SUMMIT)
        .run_with(
            &["classify", "--topic", "all"],
            b"{\"id\":1,\"title\":\"Bread\"}",
        )
        .json_lines();
    assert_eq!(answers[0]["matched"], true);
}

#[test]
fn classify_stops_at_what_is_no_item_and_says_where() {
    let ran = Desk::new(SUMMIT).run_with(
        &["classify"],
        b"{\"id\":1,\"title\":\"Bread\"}\n{\"id\":2}\n",
    );
    assert_eq!(ran.status, 1);
    assert_eq!(ran.out.lines().count(), 1);
    assert!(
        ran.err
            .starts_with("error: line 2: want JSON with at least a \"title\""),
        "{}",
        ran.err
    );
}

#[test]
fn classify_says_what_is_stated_and_whether_an_alert_would_tell_it_beside_the_archive() {
    let line = |title: &str| format!("{}\n", json!({"id": 1, "title": title}));
    let said = "북한 “5월 12일 북미정상회담 연기…6월에 만나자”";
    let desk = Desk::new(SUMMIT);
    let judge = |title: &str| {
        let ran = desk.run_with(&["classify"], line(title).as_bytes());
        ran.json_lines().remove(0)
    };
    let alone = judge(said);
    assert_eq!(alone["says"], "North Korea puts off the meeting");
    assert_eq!(alone["statement"]["speaker"]["who"], "north-korea");
    assert_eq!(alone["statement"]["state"], "postponed");
    assert_eq!(alone["statement"]["days"], json!(["05-12"]));
    assert_eq!(alone["alert"]["told"], true);
    assert_eq!(alone["alert"]["beside"], "nothing");
    let off = judge("Bakers vote against cheaper flour");
    assert_eq!(
        (&off["alert"]["told"], &off["alert"]["decision"]),
        (&json!(false), &json!("off-topic"))
    );
    // Once the archive has told it, another outlet's report is a repeat.
    let now = summitwatch::clock::Clock::System.now();
    let item = json!({"id": "a", "outlet": "Wire", "language": "en", "published": now.to_string(),
                      "title": "North Korea puts off Trump summit to June, citing spring drills"});
    desk.write("items.jsonl", format!("{item}\n"));
    let replay = ["replay", "--items", "items.jsonl", "--db", "summitwatch.db"];
    desk.run(&[&replay[..], &["--topic", "us-dprk-summit"]].concat())
        .well();
    let desk = desk.write(
        "summitwatch.toml",
        format!("archive = \"summitwatch.db\"\n{SUMMIT}"),
    );
    let ran = desk.run_with(&["classify"], line(said).as_bytes());
    let beside = &ran.json_lines()[0]["alert"];
    assert_eq!(beside["beside"], "archive");
    assert_eq!(
        (&beside["told"], &beside["decision"]),
        (&json!(false), &json!("told")),
        "{beside:#}"
    );
    assert_eq!(beside["development"]["headline"], item["title"]);
}

// replay

#[test]
fn replay_of_items_leaves_an_archive_under_the_given_ids() {
    let items = [
        json!({"id": "a", "outlet": "Wire", "language": "en", "title": HEADLINES[0], "url": "https://wire.example/a",
               "published": "2026-03-01T00:00:00Z"}),
        json!({"id": "b", "outlet": "Daily", "feed": "daily-front", "title": HEADLINES[0],
               "url": "http://www.wire.example/a?utm_source=daily", "published": "2026-03-01T00:30:00+00:00"}),
        json!({"id": 3, "outlet": "Daily", "feed": "daily-front", "title": HEADLINES[1], "summary": "<b>Cold.</b>",
               "published": "2026-03-01T09:00:00+09:00"}),
    ];
    let lines = items.iter().map(|it| format!("{it}\n")).collect::<String>();
    let desk = Desk::new(SUMMIT);
    let replay = [
        "replay",
        "--items",
        "items.jsonl",
        "--db",
        "replayed.db",
        "--topic",
        "all",
    ];
    let said = desk.write("items.jsonl", lines).run(&replay).well();
    assert_eq!(
        said,
        "replayed 3 into replayed.db: 3 new items, 3 matched, 2 alerts\n"
    );
    let query = "SELECT i.guid, f.name, f.outlet, i.summary, i.published_at, i.duplicate_of
         FROM items i JOIN feeds f ON f.id = i.feed_id ORDER BY i.id";
    let rows = desk
        .run(&["sql", "--archive", "replayed.db", "--csv", query])
        .well();
    assert_eq!(
        rows.lines().skip(1).collect::<Vec<_>>(),
        [
            "\"a\",\"Wire\",\"Wire\",\"\",\"2026-03-01T00:00:00Z\",",
            "\"b\",\"daily-front\",\"Daily\",\"\",\"2026-03-01T00:30:00Z\",1",
            "\"3\",\"daily-front\",\"Daily\",\"Cold.\",\"2026-03-01T00:00:00Z\",",
        ]
    );
}

#[test]
fn replay_of_documents_goes_the_way_of_polls_and_ends_the_same() {
    let desk = Desk::new(ALL);
    desk.write("docs/1.xml", rss(&headlines(2)))
        .write("docs/2.xml", rss(&headlines(3)))
        .write("docs/3.html", "<html>");
    let line = |minute: u32, status: u32, path: &str| {
        json!({"feed": "wire", "url": "https://wire.example/feed.xml", "status": status, "content_type": "text/xml",
               "fetched_at": format!("2026-06-01T09:{minute:02}:00Z"), "path": path})
    };
    let manifest = [
        line(0, 200, "1.xml"),
        line(10, 304, ""),
        line(20, 200, "1.xml"),
        line(30, 200, "3.html"),
        line(40, 503, ""),
        line(50, 200, "2.xml"),
    ];
    desk.write(
        "docs/manifest.jsonl",
        manifest
            .iter()
            .map(|it| format!("{it}\n"))
            .collect::<String>(),
    );
    let mut archives = Vec::new();
    for db in ["one.db", "two.db"] {
        let said = desk
            .run(&["replay", "--documents", "docs", "--db", db])
            .well();
        assert_eq!(
            said,
            format!("replayed 6 into {db}: 3 new items, 3 matched, 3 alerts\n")
        );
        let told = "SELECT a.message, a.created_at, f.status, f.error_class FROM fetches f LEFT JOIN alerts a ON a.id = f.id";
        archives.push(desk.run(&["sql", "--archive", db, "--json", told]).well());
    }
    assert_eq!(archives[0], archives[1]);
}

#[test]
fn replay_says_which_line_it_could_not_read() {
    let desk = Desk::new(ALL);
    let item = "{\"id\":1,\"outlet\":\"Wire\",\"title\":\"Bread\",\"published\":\"2026-03-01T00:00:00Z\"}\n";
    for (line, said) in [
        (
            "{\"id\":2}",
            "error: line 2: not an item: missing field `outlet`",
        ),
        (
            &item.replace("2026-03-01T00:00:00Z", "yesterday"),
            "error: line 2: published: \"yesterday\" is not RFC 3339",
        ),
    ] {
        let ran = desk.run_with(
            &["replay", "--items", "-", "--db", "new.db"],
            format!("{item}{line}").as_bytes(),
        );
        assert_eq!(ran.status, 1);
        assert!(ran.err.starts_with(said), "{}", ran.err);
    }
}

// sql

/// A desk whose archive holds three replayed items.
fn archived() -> Desk {
    let desk = Desk::new(ALL);
    desk.write("docs/1.xml", rss(&headlines(3)));
    desk.write(
        "docs/manifest.jsonl",
        "{\"feed\":\"wire\",\"url\":\"https://wire.example/\",\"fetched_at\":\"2026-06-01T09:00:00Z\",\"status\":200,\"path\":\"1.xml\"}",
    );
    desk.run(&["replay", "--documents", "docs", "--db", "summitwatch.db"])
        .well();
    desk
}

#[test]
fn sql_reads_and_never_writes() {
    let desk = archived();
    for statement in [
        "DELETE FROM items",
        "UPDATE items SET title = ''",
        "INSERT INTO stories DEFAULT VALUES",
        "DROP TABLE items",
        "CREATE TABLE mine (it)",
        "CREATE TEMP TABLE mine (it)",
        "ATTACH 'other.db' AS other",
        "VACUUM INTO 'copy.db'",
        "PRAGMA journal_mode = delete",
        "PRAGMA user_version = 7",
        "PRAGMA writable_schema = 1",
        "BEGIN IMMEDIATE",
        "SELECT 1; DELETE FROM items",
        "WITH it AS (SELECT 1) DELETE FROM items",
        "INSERT INTO items_fts (items_fts) VALUES ('delete-all')",
        "REINDEX",
        "ANALYZE",
    ] {
        let ran = desk.run(&["sql", statement]);
        assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{statement}");
        assert!(
            ran.err.contains("only reading is allowed here"),
            "{statement}: {}",
            ran.err
        );
    }
    assert_eq!(desk.run(&["sql", "SELECT load_extension('x')"]).status, 1);
    assert!(!desk.has("other.db") && !desk.has("copy.db"));
    let count = "SELECT count(*) AS n FROM items WHERE title <> ''";
    assert_eq!(
        desk.run(&["sql", "--json", count]).json(),
        json!([{"n": 3}])
    );
}

#[test]
fn sql_suggests_the_name_that_was_meant() {
    let desk = archived();
    desk.run(&["sql", "SELECT * FROM itmes"])
        .ill(1, "error: no such table: itmes; did you mean items?");
    desk.run(&["sql", "SELECT titel FROM items"])
        .ill(1, "error: no such column: titel; did you mean title?");
    desk.run(&["sql", "SELECT i.titel FROM items i"])
        .ill(1, "error: no such column: i.titel; did you mean title?");
    desk.run(&["sql", "SELEC 1"])
        .ill(1, "error: near \"SELEC\": syntax error");
}

#[test]
fn sql_ends_a_query_that_would_not() {
    let endless =
        "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n";
    archived().run(&["sql", "--timeout", "1s", endless]).ill(
        1,
        "error: the query ran longer than 1 s; add a LIMIT, or give more time with --timeout",
    );
}

#[test]
fn sql_prints_tables_json_and_csv() {
    let desk = archived();
    let query = "SELECT id, title, duplicate_of FROM items WHERE id < 3 ORDER BY id";
    assert_snapshot!(desk.run(&["sql", query]).well(), @"
    id  title                                     duplicate_of
    ──  ────────────────────────────────────────  ────────────
    1   Museum finds a forgotten violin upstairs
    2   Orchard growers fear an early frost
    ");
    assert_snapshot!(desk.run(&["sql", "--csv", query]).well(), @r#"
    "id","title","duplicate_of"
    1,"Museum finds a forgotten violin upstairs",
    2,"Orchard growers fear an early frost",
    "#);
    assert_eq!(
        desk.run_with(
            &["sql", "--json", "-"],
            b"SELECT 1 AS a, NULL AS b, 'x' AS c"
        )
        .json(),
        json!([{"a": 1, "b": null, "c": "x"}])
    );
    assert!(
        desk.run(&["sql", "--limit", "1", query])
            .well()
            .contains("more rows")
    );
}

#[test]
fn every_documented_table_and_column_is_there() {
    let desk = archived();
    for query in [
        "SELECT id, name, url, outlet, family, language, country FROM feeds",
        "SELECT feed_id, started_at, status, error_class FROM fetches",
        "SELECT feed_id, guid, url, canonical_url, title, summary, language, published_at, first_seen_at, duplicate_of FROM items",
        "SELECT item_id FROM revisions",
        "SELECT item_id, topic, score, evidence FROM matches",
        "SELECT id, topic, title, first_seen_at, last_seen_at FROM stories",
        "SELECT story_id, item_id FROM story_items",
        "SELECT id, story_id, item_id, kind, novelty, reason, created_at FROM developments",
        "SELECT id, development_id, created_at FROM alerts",
        "SELECT id, alert_id, digest_id, channel, state, attempts, next_attempt_at, idempotency_key, last_error, delivered_at FROM deliveries",
        "SELECT id FROM digests",
        "SELECT rowid FROM items_fts WHERE items_fts MATCH 'barges'",
    ] {
        desk.run(&["sql", query]).well();
    }
}

// The rest

#[test]
fn what_init_writes_check_accepts_and_a_second_init_spares() {
    let desk = Desk::new(ALL);
    desk.run(&["init", "mine"]).well();
    for file in [
        "summitwatch.toml",
        "feeds.toml",
        "topics/us-dprk-summit.toml",
        "lexicon/people.toml",
    ] {
        assert!(desk.has(&format!("mine/{file}")), "{file} is missing");
    }
    let checked = output(
        command(
            desk.folder.path(),
            ["check", "--config", "mine/summitwatch.toml"],
        ),
        b"",
    );
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stderr)
    );
    desk.write("mine/feeds.toml", "# mine now");
    let again = desk.run(&["init", "mine"]);
    assert!(
        again.status == 1 && again.err.contains("nothing was written"),
        "{again:?}"
    );
    assert_eq!(
        std::fs::read_to_string(desk.folder.path().join("mine/feeds.toml")).expect("kept"),
        "# mine now"
    );
}

#[test]
fn check_says_what_would_be_done_and_what_would_not() {
    let desk = Desk::new(
        "archive = \"watch.db\"\n[[topics]]\nname = \"all\"\n[[topics]]\nname = \"us-dprk-summit\"\n\
         [[channels]]\nname = \"desk\"\nkind = \"terminal\"\n[[channels]]\nname = \"idle\"\nkind = \"terminal\"\n\
         [[routes]]\ntopic = \"all\"\nchannels = [\"desk\"]\n\
         [[feeds]]\nname = \"wire\"\nurl = \"https://wire.example/feed.xml\"",
    );
    let said = desk.run(&["check"]).well();
    let steady: Vec<&str> = said
        .lines()
        .filter(|line| !line.starts_with("lexicon"))
        .collect();
    assert_snapshot!(steady.join("\n"), @r#"
    archive        watch.db (by `archive`, from the configuration's folder)
    configuration  summitwatch.toml
    feeds          1 of 1 outlet
    topic          all (Everything) → desk
    topic          us-dprk-summit (US–DPRK summit diplomacy) → no channel
    channel        desk (terminal)
    channel        idle (terminal)
    warning: channel "idle" has no route; nothing is sent to it
    warning: topic "us-dprk-summit" has no route; its alerts are archived and sent nowhere
    all is well
    "#);
}

#[test]
fn poll_reports_what_each_feed_gave_and_fails_when_all_fail() {
    let site = Server::start();
    site.script("/wire", [Reply::ok(rss(&[entry("1", HEADLINES[0])]))]);
    site.script("/ill", [Reply::status(500)]);
    let feed = |name: &str| {
        format!(
            "[[feeds]]\nname = \"{name}\"\nurl = \"{}\"\nallow_private = true\n",
            site.url(&format!("/{name}"))
        )
    };
    let desk = Desk::new(&format!("{ALL}{}{}", feed("wire"), feed("ill")));
    let reports = desk.run(&["poll", "--once", "--json"]).json();
    assert_eq!(
        keys(&reports[0]),
        [
            "feed", "status", "bytes", "entries", "new", "revised", "matched", "alerts", "repairs",
            "error"
        ]
    );
    let mut errors: Vec<(&str, bool)> = reports
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| (it["feed"].as_str().expect("a name"), it["error"].is_null()))
        .collect();
    errors.sort_unstable();
    assert_eq!(errors, [("ill", false), ("wire", true)]);
    assert_eq!(desk.run(&["poll", "--once", "--json", "ill"]).status, 1);
    assert_eq!(
        site.requests("/wire").len(),
        1,
        "a feed was polled that was not named"
    );
    let listed = desk.run(&["feeds", "list", "--json"]).json();
    assert_eq!(
        (&listed[1]["state"], &listed[1]["failures"]),
        (&json!("failing"), &json!(2))
    );
}

#[test]
fn a_feed_that_is_gone_is_polled_by_its_name_only_and_revived_by_an_answer() {
    let site = Server::start();
    let gone = || Reply::status(410);
    site.script("/wire", [gone(), gone(), Reply::ok(rss(&[]))]);
    let url = site.url("/wire");
    let desk = Desk::new(&format!(
        "{ALL}[[feeds]]\nname = \"wire\"\nurl = \"{url}\"\nallow_private = true"
    ));
    let state = || {
        let listed = desk.run(&["feeds", "list", "--json"]).json();
        (
            listed[0]["state"].clone(),
            listed[0]["next_poll_at"].is_null(),
        )
    };
    desk.run(&["poll", "--once"]);
    assert_eq!(state(), (json!("failing"), false));
    desk.run(&["poll", "--once"]);
    assert_eq!(state(), (json!("gone"), true));
    desk.run(&["poll", "--once"]);
    assert_eq!(site.requests("/wire").len(), 2);
    desk.run(&["poll", "--once", "wire"]).well();
    assert_eq!(state(), (json!("ok"), false));
}

#[test]
fn no_secret_of_a_feed_is_printed_or_logged() {
    let site = Server::start();
    site.script(
        "/wire",
        [Reply::status(302).with("Location", "/login?key=hunter2")],
    );
    site.script("/login", [Reply::ok("<html><title>Log in</title>")]);
    site.script("/ill", [Reply::Close]);
    let url = |path: &str| {
        let url = site.url(path).replace("http://", "http://me:hunter2@");
        format!("url = \"{url}?key=hunter2\"\nallow_private = true\n")
    };
    let desk = Desk::new(&format!(
        "{ALL}[[feeds]]\nname = \"wire\"\n{}headers = {{ X-Key = \"hunter2\" }}\n[[feeds]]\nname = \"ill\"\n{}",
        url("/wire"),
        url("/ill")
    ));
    for arguments in [
        &["--log", "debug", "poll", "--once"][..],
        &["poll", "--once", "--json"],
        &["feeds", "list"],
        &["feeds", "list", "--json"],
        &["check"],
    ] {
        let said = desk.run(arguments);
        let said = format!("{}{}", said.out, said.err);
        assert!(!said.contains("hunter2"), "{arguments:?}: {said}");
    }
    let asked = &site.requests("/wire")[0];
    assert!(asked.header("Authorization").is_some() && asked.target.contains("hunter2"));
}

#[test]
fn listings_filter_and_print_json() {
    let desk = Desk::new(
        "[[channels]]\nname = \"desk\"\nkind = \"terminal\"\n[[routes]]\ntopic = \"all\"\nchannels = [\"desk\"]",
    );
    let items = [
        json!({"id": "a", "outlet": "Wire", "language": "en", "title": HEADLINES[0], "published": "2026-03-01T00:00:00Z"}),
        json!({"id": "b", "outlet": "가람", "language": "ko", "title": "과수 농가 이른 서리 걱정", "published": "2026-03-02T00:00:00Z"}),
    ];
    let lines = items.iter().map(|it| format!("{it}\n")).collect::<String>();
    desk.run_with(
        &[
            "replay",
            "--items",
            "-",
            "--db",
            "summitwatch.db",
            "--topic",
            "all",
        ],
        lines.as_bytes(),
    )
    .well();
    let titles = |arguments: &[&str]| -> Vec<String> {
        let rows = desk.run(&[arguments, &["--json"]].concat()).json();
        let rows = rows.as_array().expect("a list").iter();
        rows.map(|it| it["title"].as_str().expect("a title").to_owned())
            .collect()
    };
    let (english, korean) = (HEADLINES[0], "과수 농가 이른 서리 걱정");
    for listing in ["items", "stories", "alerts", "deliveries"] {
        assert_eq!(
            titles(&[listing]),
            [korean, english],
            "{listing}: the newest first"
        );
        assert_eq!(
            titles(&[listing, "--language", "ko"]),
            [korean],
            "{listing}"
        );
        assert_eq!(
            titles(&[listing, "--outlet", "wire"]),
            [english],
            "{listing}"
        );
        // What nothing here is called is refused, with what is nearest.
        desk.run(&[listing, "--topic", "al"]).ill(
            2,
            "error: there is no topic \"al\" here; did you mean \"all\"?",
        );
        desk.run(&[listing, "--language", "kor"]).ill(
            2,
            "error: there is no language \"kor\" here; did you mean \"ko\"?",
        );
        assert_eq!(titles(&[listing, "--limit", "1"]), [korean], "{listing}");
        assert_eq!(
            titles(&[listing, "--since", "1d"]),
            Vec::<String>::new(),
            "{listing}: all of it is old"
        );
    }
    assert_eq!(titles(&["deliveries", "--state", "pending"]).len(), 2);
    assert_eq!(titles(&["deliveries", "--state", "dead"]).len(), 0);
}

#[test]
fn a_configuration_is_found_where_people_keep_it() {
    let desk = Desk::new(ALL);
    let checked = |xdg: Option<&str>| {
        let mut check = command(desk.folder.path(), ["check", "--json"]);
        if let Some(xdg) = xdg {
            check.env("XDG_CONFIG_HOME", desk.folder.path().join(xdg));
        }
        let output = output(check, b"");
        let value: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let archive = value["archive"].as_str().expect("a path").to_owned();
        archive.rsplit('/').next().expect("a name").to_owned()
    };
    desk.write(
        ".config/summitwatch/summitwatch.toml",
        "archive = \"home.db\"",
    );
    assert_eq!(checked(None), "home.db");
    desk.write("xdg/summitwatch/summitwatch.toml", "archive = \"xdg.db\"");
    assert_eq!(checked(Some("xdg")), "xdg.db");
    desk.write("config/summitwatch.toml", "archive = \"here.db\"");
    assert_eq!(checked(Some("xdg")), "here.db");
}

#[test]
fn where_no_configuration_is_found_the_shipped_one_serves() {
    let folder = TempDir::new().expect("a folder");
    let line =
        b"{\"id\":1,\"title\":\"Trump and Kim Jong Un agree to a second summit in Hanoi\"}\n";
    let judged = output(command(folder.path(), ["classify"]), line);
    assert!(
        judged.status.success(),
        "{}",
        String::from_utf8_lossy(&judged.stderr)
    );
    let answer: Value = serde_json::from_slice(&judged.stdout).expect("JSON");
    assert_eq!(answer["matched"], true);
    assert!(
        output(command(folder.path(), ["check"]), b"")
            .status
            .success()
    );
}

#[test]
fn notify_test_shows_the_channels_answer() {
    let hooks = Server::start();
    hooks.script(
        "/hook",
        [
            Reply::status(200),
            Reply::status(403).body("not you"),
            Reply::status(503),
        ],
    );
    let url = hooks.url("/hook");
    let desk = Desk::new(&format!(
        "[[channels]]\nname = \"desk\"\nkind = \"webhook\"\nurl = \"{url}\"\nallow_private = true"
    ));
    let test = ["notify", "test", "desk"];
    assert_eq!(desk.run(&test).well().trim(), "desk took the test message");
    desk.run(&test).ill(1, "error: desk refused it: answered 403 Forbidden: not you; an alert would not be tried again");
    desk.run(&test).ill(1, "error: desk did not take it now: answered 503 Service Unavailable; an alert would be tried again");
    assert_eq!(hooks.requests("/hook")[0].json()["kind"], "test");
}

#[test]
fn explain_says_why_an_item_alerted() {
    let desk = archived();
    let said = desk.run(&["explain", "wire-1"]).well();
    for part in [HEADLINES[1], "Topic all: matches", "decision: alert"] {
        assert!(said.contains(part), "{part:?} is missing in:\n{said}");
    }
    assert_eq!(desk.run(&["explain", "none"]).status, 1);
}

#[test]
fn completions_and_the_manual_name_every_command() {
    let desk = Desk::new(ALL);
    for arguments in [
        &["completions", "bash"][..],
        &["completions", "zsh"],
        &["completions", "fish"],
        &["man"],
    ] {
        let text = desk.run(arguments).well();
        for name in [
            "run", "init", "check", "poll", "demo", "explain", "classify", "parse", "replay",
        ] {
            assert!(text.contains(name), "{arguments:?} does not name {name}");
        }
    }
}

#[test]
fn help_reads_like_this() {
    let help = output(command(Desk::new("").folder.path(), ["--help"]), b"");
    assert!(help.status.success());
    assert_snapshot!(String::from_utf8_lossy(&help.stdout), @"
    Watches the world's news feeds for US–DPRK summit diplomacy and alerts once per new development

    Usage: summitwatch [OPTIONS] <COMMAND>

    Commands:
      run          Run the service: poll, thread, alert
      init         Write a commented configuration, topic and lexicon to start from
      check        Validate configuration, topics, lexicon and channels, and say what would be done
      poll         Poll feeds now and report what each gave
      demo         Run the whole service against recorded sample feeds; needs no network
      feeds        Feeds and their health
      items        List items, the newest first
      stories      List stories, the latest first
      alerts       List alerts, the latest first, or acknowledge one
      acts         Mute and follow stories, mark, star and note developments
      deliveries   List deliveries, the latest first, or send some again
      digest       Compose, and send, the digest of a span
      health       Ask the running service whether it is alive, or ready
      sql          Query the archive with read-only SQL
      search       Search titles, summaries and articles in all languages
      explain      Why an item matched, threaded and alerted, or not
      topics       For the person who writes rules: check them, test them, find what they miss
      backtest     What a changed topic would have matched and alerted over the archive
      story        Show a story as a timeline: reports with their lag, states, and what was told
      classify     Judge JSON lines from standard input
      parse        Show what the parser makes of a document
      replay       Run recorded items or documents through the whole pipeline in simulated time
      backup       Copy the archive, also while the service runs; the copy is checked
      restore      Put a backup in the place of the archive, which is kept beside it
      vacuum       Give the space of what was deleted back to the disk, with the service stopped
      export       Write items as JSON lines or CSV
      notify       Test a channel
      completions  Print shell completions
      man          Print the manual page
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help
      -V, --version  Print version

    With every command:
          --config <FILE>              Configuration file [default: ./config, $XDG_CONFIG_HOME/summitwatch, /etc/summitwatch, else the shipped one]
          --archive <FILE>             Archive [default: `archive` of the configuration; a relative path begins at its folder, for /etc/summitwatch at /var/lib/summitwatch, without one at $STATE_DIRECTORY or ~/.local/share/summitwatch]
          --log <LEVEL>                What to log: error, warn, info, debug or trace, per module if wanted [env: SUMMITWATCH_LOG=]
          --log-format <LOG_FORMAT>    How to log [default: journald under systemd, else text] [possible values: text, json, journald]
          --utc                        Times of tables in UTC [default: in the configured zone where they go to a terminal]
          --color <auto|always|never>  When tables have colours [default: on a terminal, unless NO_COLOR is set]
    ");
}

#[test]
fn a_reader_that_goes_ends_a_command_quietly() {
    let desk = Desk::new(SUMMIT);
    for arguments in [
        &["check"][..],
        &["topics", "check"],
        &["man"],
        &["completions", "bash"],
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = command(desk.folder.path(), arguments);
        let ended = command.stdout(writer).output().expect("it runs");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{arguments:?}: {said}");
        assert_eq!(said, "", "{arguments:?}");
    }
}

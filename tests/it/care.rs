//! What time does to an archive: retention, backups, damage, readers beside the writer; and the lists of
//! feeds that people keep.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use summitwatch::config::Retention;
use summitwatch::store::{Store, StoreError, backup};

use crate::world::World;
use crate::world::document::{entry, rss};
use crate::world::program::{command, output};

const MATCHED: &str = "Trump and Kim Jong Un agree to hold summit in Singapore";
const OTHER: &str = "Harbour festival opens with a parade of lanterns";
const LEAD: &str =
    "Thousands lined the quay on Saturday evening as boats went out with paper lights.";

const DAY: Duration = Duration::from_secs(86_400);
const RETENTION: Retention = Retention {
    unmatched: Some(Duration::from_secs(30 * 86_400)),
    fetches: Some(DAY),
};

#[test]
fn what_no_topic_matched_loses_its_text_and_is_known_again_after_sixty_days() {
    let mut world = World::new();
    world.topic("us-dprk-summit");
    let other = entry("2", OTHER).summary(LEAD);
    let matched = entry("1", MATCHED).summary("The White House said so.");
    world.feed("a", rss(&[matched.clone(), other.clone()]));
    world.poll().expect_alerts(1);
    world.later("10d").prune(RETENTION);
    world.expect_rows(
        "SELECT count(*) FROM items WHERE pruned_at IS NOT NULL",
        &["0"],
    );
    world
        .shows("a", rss(&[]))
        .later("50d")
        .poll()
        .prune(RETENTION);
    world.expect_rows(
        "SELECT title, summary, pruned_at IS NOT NULL FROM items ORDER BY title",
        &[
            &format!("{OTHER} |  | 1"),
            &format!("{MATCHED} | The White House said so. | 0"),
        ],
    );
    let found = "SELECT count(*) FROM items_fts WHERE items_fts MATCH 'lanterns'";
    world.expect_rows(found, &["0"]);
    world.expect_rows("SELECT count(*) FROM fetches", &["1"]);
    // Both come back: no item, no revision, no alert.
    world.shows("a", rss(&[matched, other.clone()]));
    world.later("1d").poll().expect_new(0).expect_alerts(0);
    world.expect_rows("SELECT count(*) FROM revisions", &["0"]);
    // With other words it is a revision, and whole again.
    let changed = other.title("Harbour festival closes early after storm warning");
    world
        .shows("a", rss(&[changed]))
        .later("1h")
        .poll()
        .expect_new(0)
        .expect_alerts(0);
    world.expect_rows(found, &["0"]);
    world.expect_rows(
        "SELECT count(*), sum(pruned_at IS NOT NULL) FROM items",
        &["2 | 0"],
    );
    world.expect_rows(
        "SELECT count(*) FROM items_fts WHERE items_fts MATCH 'storm'",
        &["1"],
    );
}

fn filled(path: &Path, titles: &[&str]) {
    let store = Store::open(path).expect("an archive");
    let done = store.write::<_, StoreError>(|tx| {
        tx.execute_batch(
            "INSERT INTO feeds (id, name, url, host, outlet, family, added_at, interval_secs, next_poll_at)
             VALUES (1, 'a', 'https://a.example', 'a.example', 'A', 'a', '2026-01-01T00:00:00Z', 900, '2026-01-01T00:00:00Z')",
        )?;
        for title in titles {
            insert(tx, title)?;
        }
        Ok(())
    });
    done.expect("filled");
}

fn insert(connection: &Connection, title: &str) -> Result<(), StoreError> {
    connection.execute(
        "INSERT INTO items (feed_id, title, summary, first_seen_at, standing) VALUES (1, ?1, '', '2026-01-01T00:00:00Z', 'news')",
        [title],
    )?;
    Ok(())
}

fn titles(path: &Path) -> i64 {
    let connection = Connection::open(path).expect("a file");
    let count = connection.query_row("SELECT count(*) FROM items", [], |row| row.get(0));
    count.expect("a number")
}

#[test]
fn a_backup_of_a_running_archive_is_whole_and_can_be_restored() {
    let folder = tempfile::tempdir().expect("a folder");
    let (archive, copy) = (
        folder.path().join("archive.db"),
        folder.path().join("copy.db"),
    );
    filled(&archive, &["one", "two"]);
    let running = Store::open(&archive).expect("an archive");
    let done = running.write(|tx| insert(tx, "three"));
    done.expect("written");
    let run = |arguments: &[&str]| {
        let ran = output(
            command(
                folder.path(),
                [&["--archive", "archive.db"], arguments].concat(),
            ),
            b"",
        );
        (
            ran.status.code(),
            String::from_utf8_lossy(&ran.stdout).into_owned()
                + &String::from_utf8_lossy(&ran.stderr),
        )
    };
    assert_eq!(run(&["backup", "copy.db"]).0, Some(0));
    assert_eq!(titles(&copy), 3);
    assert!(!folder.path().join("copy.db-wal").exists());
    // An older backup is replaced; anything else is not.
    assert_eq!(run(&["backup", "copy.db"]).0, Some(0));
    std::fs::write(folder.path().join("notes.txt"), "mine").expect("written");
    for other in ["notes.txt", "archive.db", "nowhere/copy.db"] {
        assert_eq!(run(&["backup", other]).0, Some(1), "{other}");
    }
    assert_eq!(
        std::fs::read(folder.path().join("notes.txt")).expect("there"),
        b"mine"
    );
    let (status, said) = run(&["restore", "copy.db"]);
    assert!(
        status == Some(1) && said.contains("in use by another summitwatch"),
        "{said}"
    );
    drop(running);
    assert_eq!(run(&["restore", "--check", "copy.db"]).0, Some(0));
    std::fs::write(
        folder.path().join("broken.db"),
        &std::fs::read(&copy).expect("read")[..9_000],
    )
    .expect("written");
    let newer = Connection::open(folder.path().join("newer.db")).expect("a file");
    newer
        .execute_batch(
            "CREATE TABLE items (id); CREATE TABLE items_fts (id); PRAGMA user_version = 9999",
        )
        .expect("made");
    for (file, why) in [
        ("broken.db", "damaged"),
        ("newer.db", "newer summitwatch"),
        ("notes.txt", "no archive"),
        ("none.db", "there is no file"),
    ] {
        let (status, said) = run(&["restore", file]);
        assert!(status == Some(1) && said.contains(why), "{file}: {said}");
    }
    assert_eq!(titles(&archive), 3);
    let more = Store::open(&archive)
        .expect("an archive")
        .write(|tx| insert(tx, "four"));
    more.expect("written");
    let (status, said) = run(&["restore", "copy.db"]);
    assert!(
        status == Some(0) && said.contains("the one before is kept as"),
        "{said}"
    );
    assert_eq!(titles(&archive), 3);
    let kept = std::fs::read_dir(folder.path())
        .expect("a folder")
        .flatten();
    let kept = kept
        .map(|it| it.path())
        .find(|it| it.to_string_lossy().contains(".before-"));
    assert_eq!(titles(&kept.expect("the old archive")), 4);
    assert_eq!(run(&["vacuum"]).0, Some(0));
}

#[test]
fn damage_is_seen_at_the_start_after_an_unclean_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let archive = folder.path().join("archive.db");
    filled(&archive, &["word ".repeat(200).as_str(); 200]);
    let mut bytes = std::fs::read(&archive).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0x5a);
    std::fs::write(&archive, bytes).expect("written");
    // A log that nobody took back is what a crash leaves.
    std::fs::write(folder.path().join("archive.db-wal"), [0; 64]).expect("written");
    let error = Store::open(&archive).expect_err("damage");
    assert!(error.to_string().contains("damaged"), "{error}");
    assert!(backup::verified(&archive).is_err());
}

#[test]
fn an_older_archive_is_copied_before_it_is_brought_up_to_date() {
    let folder = tempfile::tempdir().expect("a folder");
    let archive = folder.path().join("archive.db");
    let old = Connection::open(&archive).expect("a file");
    old.execute_batch(include_str!("../../migrations/0001_archive.sql"))
        .expect("made");
    old.execute_batch("PRAGMA user_version = 1").expect("made");
    drop(old);
    drop(Store::open(&archive).expect("an archive"));
    let kept = Connection::open(folder.path().join("archive.db.schema-1")).expect("a copy");
    assert!(
        kept.table_exists(None, "items").expect("a look")
            && !kept.table_exists(None, "retention").expect("a look")
    );
}

#[test]
fn readers_and_a_busy_writer_never_lock_each_other_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let archive = folder.path().join("archive.db");
    filled(&archive, &["first"]);
    let store = Store::open(&archive).expect("an archive");
    let until = Instant::now() + Duration::from_secs(2);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    // As the sqlite3 shell opens it: without patience.
                    let reader = Connection::open(&archive).expect("a reader");
                    reader.busy_timeout(Duration::ZERO).expect("set");
                    let mut reads = 0;
                    while Instant::now() < until {
                        let sql = "SELECT count(*), max(title) FROM items";
                        reader
                            .query_row(sql, [], |row| row.get::<_, i64>(0))
                            .expect("no lock");
                        reads += 1;
                    }
                    reads
                })
            })
            .collect();
        let mut written = 0;
        while Instant::now() < until {
            let done = store
                .write::<_, StoreError>(|tx| (0..100).try_for_each(|_| insert(tx, "one more")));
            done.expect("no lock");
            written += 100;
        }
        assert!(written >= 2_000, "{written} items in two seconds");
        for reader in readers {
            assert!(reader.join().expect("a reader") > 10);
        }
    });
}

#[test]
fn feeds_are_added_imported_and_removed_in_the_file_that_a_person_wrote() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("summitwatch.toml");
    let written = "# mine\narchive = \"a.db\"   # here\ninclude = [\"more.toml\"]\n";
    std::fs::write(&config, written).expect("written");
    let more = folder.path().join("more.toml");
    let first = "# the wire\n[[feeds]]\nname = \"wire\"\nurl = \"https://wire.example/rss\"\noutlet = \"Wire\"\n";
    std::fs::write(&more, first).expect("written");
    let run = |arguments: &[&str], input: &str| {
        let ran = output(
            command(
                folder.path(),
                [&["--config", "summitwatch.toml", "feeds"], arguments].concat(),
            ),
            input.as_bytes(),
        );
        (
            ran.status.code(),
            String::from_utf8_lossy(&ran.stdout).into_owned()
                + &String::from_utf8_lossy(&ran.stderr),
        )
    };
    assert_eq!(
        run(
            &[
                "add",
                "https://garam.example/rss",
                "--outlet",
                "가람통신",
                "--language",
                "ko"
            ],
            ""
        )
        .0,
        Some(0)
    );
    let (status, said) = run(&["add", "https://garam.example/rss", "--name", "wire"], "");
    assert!(
        status == Some(2) && said.contains("nothing was changed"),
        "{status:?} {said}"
    );
    let list = r#"<opml version="2.0"><body><outline text="Wire" xmlUrl="https://wire.example/rss"/>
        <outline text="Wire" xmlUrl="https://other.example/rss?a=1&amp;b=2"/></body></opml>"#;
    let (status, said) = run(&["import", "-"], list);
    assert!(status == Some(0) && said.contains("added 1 feed"), "{said}");
    let (_, exported) = run(&["export"], "");
    for url in [
        "https://garam.example/rss",
        "https://other.example/rss?a=1&amp;b=2",
    ] {
        assert!(
            exported.contains(&format!("xmlUrl=\"{url}\"")),
            "{exported}"
        );
    }
    assert!(
        exported.contains("text=\"wire-2\"") && exported.contains("text=\"가람통신\""),
        "{exported}"
    );
    assert_eq!(run(&["remove", "wire-2"], "").0, Some(0));
    assert_eq!(run(&["remove", "가람통신"], "").0, Some(0));
    let (status, said) = run(&["remove", "wir"], "");
    assert!(
        status == Some(1) && said.contains("did you mean \"wire\"?"),
        "{said}"
    );
    assert_eq!(std::fs::read_to_string(&more).expect("there"), first);
    assert_eq!(std::fs::read_to_string(&config).expect("there"), written);
}

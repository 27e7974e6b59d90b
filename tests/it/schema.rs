//! The archive as an interface: its schema is documented by the comments of the migrations, its ready
//! queries run, and who reads it disturbs nobody.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;
use summitwatch::store::Store;

use crate::world::World;
use crate::world::document::{entry, rss};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What the migrations say of tables and views (`table`) and of columns (`table.column`).
fn comments() -> BTreeMap<String, String> {
    let mut files: Vec<_> = std::fs::read_dir(root().join("migrations"))
        .expect("migrations")
        .map(|it| it.expect("a file").path())
        .collect();
    files.sort();
    let mut said = BTreeMap::new();
    for file in files {
        read_comments(&std::fs::read_to_string(file).expect("readable"), &mut said);
    }
    said
}

fn read_comments(sql: &str, said: &mut BTreeMap<String, String>) {
    let (mut before, mut table) = (String::new(), None::<String>);
    for line in sql.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let comment = line.split_once("-- ").map(|(_, it)| it.trim().to_owned());
        match (words.as_slice(), &table) {
            // `-- feeds.country: …` speaks of a column whose own line says nothing.
            (["--", name, rest @ ..], None) if name.contains('.') && name.ends_with(':') => {
                said.insert(name.trim_end_matches(':').to_owned(), rest.join(" "));
            }
            (["--", rest @ ..], None) => {
                before.push_str(&format!(
                    "{}{}",
                    if before.is_empty() { "" } else { " " },
                    rest.join(" ")
                ));
            }
            (
                ["CREATE", "TABLE" | "VIEW", name, ..] | ["CREATE", "VIRTUAL", "TABLE", name, ..],
                None,
            ) => {
                said.insert((*name).to_owned(), std::mem::take(&mut before));
                table = (words[1] == "TABLE").then(|| (*name).to_owned());
            }
            (["ALTER", "TABLE", table, "ADD", "COLUMN", column, ..], None) => {
                said.insert(format!("{table}.{column}"), comment.unwrap_or_default());
                before.clear();
            }
            (["ALTER", "TABLE", old, "RENAME", "TO", new], None) => {
                let new = new.trim_end_matches(';');
                let named: Vec<String> = said
                    .keys()
                    .filter(|it| *it == old || it.starts_with(&format!("{old}.")))
                    .cloned()
                    .collect();
                for key in named {
                    let value = said.remove(&key).expect("just seen");
                    said.insert(format!("{new}{}", &key[old.len()..]), value);
                }
            }
            ([column, ..], Some(name)) if line.starts_with("    ") => {
                let key = format!("{name}.{}", column.trim_matches(','));
                match comment {
                    Some(comment) => drop(said.insert(key, comment)),
                    None if words.contains(&"REFERENCES") => {
                        let other = words.iter().skip_while(|it| **it != "REFERENCES").nth(1);
                        said.insert(key, format!("→ {}", other.expect("a table")));
                    }
                    None => {}
                }
            }
            _ => before.clear(),
        }
        if line.ends_with(';') || line.starts_with(')') {
            table = None;
        }
    }
}

/// The document, and the columns of which nothing is said.
fn document() -> (String, Vec<String>) {
    let said = comments();
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&folder.path().join("archive.db")).expect("an archive");
    let (mut out, mut untold) = (String::new(), Vec::new());
    out.push_str(
        "# Schema of the archive\n\nMade from the comments in [migrations/](../migrations) by `UPDATE_DOCS=1 cargo test schema`.\n\
         Instants are RFC 3339 text in UTC (`2026-02-28T05:41:00Z`), so SQLite's date functions work. Text is UTF-8 as\n\
         outlets wrote it, markup removed. Ready queries are in [queries.md](queries.md).\n",
    );
    for (kind, heading) in [("table", "Tables"), ("view", "Views")] {
        out.push_str(&format!("\n## {heading}\n"));
        let names: Vec<String> = store
            .read(|connection| {
                let sql = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN (?1, iif(?1 = 'table', 'virtual', ?1))
                    AND name NOT LIKE 'sqlite_%' ORDER BY name";
                let mut statement = connection.prepare(sql)?;
                Ok(statement.query_map([kind], |row| row.get(0))?.collect::<Result<_, _>>()?)
            })
            .expect("names");
        for name in names {
            let about = said.get(&name).cloned().unwrap_or_default();
            if about.is_empty() {
                untold.push(name.clone());
            }
            out.push_str(&format!("\n### {name}\n\n{about}\n\n"));
            let columns: Vec<(String, String, bool)> = store
                .read(|connection| {
                    let mut statement = connection
                        .prepare("SELECT name, type, \"notnull\" FROM pragma_table_info(?1)")?;
                    let rows = statement
                        .query_map([&name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
                    Ok(rows.collect::<Result<_, _>>()?)
                })
                .expect("columns");
            if kind == "view" || name == "items_fts" {
                let columns: Vec<String> =
                    columns.iter().map(|(it, ..)| format!("`{it}`")).collect();
                out.push_str(&format!("Columns: {}\n", columns.join(", ")));
                continue;
            }
            out.push_str("| column | type | |\n|---|---|---|\n");
            for (column, kind, required) in columns {
                let key = format!("{name}.{column}");
                let told = said.get(&key).cloned();
                let told = told.or_else(|| (column == "id").then(|| "its number".to_owned()));
                if told.is_none() {
                    untold.push(key);
                }
                let null = if required || column == "id" {
                    ""
                } else {
                    ", may be null"
                };
                let told = told.unwrap_or_default().replace('|', "\\|");
                out.push_str(&format!(
                    "| `{column}` | {}{null} | {told} |\n",
                    kind.to_lowercase()
                ));
            }
        }
    }
    (out, untold)
}

#[test]
fn the_schema_is_documented_as_the_migrations_say() {
    let (document, untold) = document();
    assert!(
        untold.is_empty(),
        "no comment in migrations/ speaks of {untold:#?}"
    );
    let path = root().join("docs/schema.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &document).expect("written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == document,
        "docs/schema.md is not what the migrations say; UPDATE_DOCS=1 cargo test schema writes it"
    );
}

/// The blocks of SQL in a document, each query with the comment before it.
fn queries(document: &str) -> Vec<(String, String)> {
    let blocks = document.split("```sql\n").skip(1);
    let text: String = blocks.filter_map(|it| it.split("```").next()).collect();
    let mut queries = Vec::new();
    let (mut title, mut sql) = (String::new(), String::new());
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("-- ") {
            comment.clone_into(&mut title);
        } else {
            sql.push_str(line);
            sql.push('\n');
            if line.ends_with(';') {
                queries.push((title.clone(), std::mem::take(&mut sql)));
            }
        }
    }
    queries
}

/// An archive with a story in two languages, a copy, a correction and a failed visit.
fn world() -> World {
    let mut world = World::new();
    world.feed(
        "a",
        rss(&[entry(
            "1",
            "Trump and Kim Jong Un agree to hold summit in Singapore on 12 June",
        )]),
    );
    world.feed(
        "b",
        rss(&[entry(
            "2",
            "트럼프-김정은, 6월 12일 싱가포르 정상회담 개최 합의",
        )]),
    );
    world.feed("c", "this is no feed");
    world.poll().expect_alerts(1);
    world
}

#[test]
fn every_ready_query_runs_also_where_only_reading_is_allowed() {
    let world = world();
    let connection = summitwatch::store::open_read_only(&world.archive()).expect("an archive");
    summitwatch::store::query::only_reads(&connection).expect("an authorizer");
    for (file, least, found) in [("docs/queries.md", 20, 10), ("README.md", 12, 4)] {
        let text = std::fs::read_to_string(root().join(file)).expect("readable");
        let queries = queries(&text);
        assert!(queries.len() >= least, "{file} holds {}", queries.len());
        let mut with_rows = 0;
        for (title, sql) in &queries {
            let table = summitwatch::store::query::table(&connection, sql, &[], 100);
            let table = table.unwrap_or_else(|error| panic!("{file}: {title}: {error}"));
            with_rows += usize::from(!table.rows.is_empty());
        }
        assert!(
            with_rows >= found,
            "{file}: only {with_rows} of {} find anything",
            queries.len()
        );
    }
}

#[test]
fn a_day_ago_is_a_day_ago_and_not_the_beginning_of_that_date() {
    let world = world();
    let connection = Connection::open(world.archive()).expect("an archive");
    // Just within a day, and just before: mostly of the same date.
    for (minute, found) in [("+1 minute", 1), ("-1 minute", 0)] {
        connection
            .execute(
                "UPDATE developments SET created_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-1 day', ?1) WHERE id = 1",
                [minute],
            )
            .expect("changed");
        let count = "SELECT count(*) FROM recent WHERE development_id = 1";
        let recent: i64 = connection
            .query_row(count, [], |row| row.get(0))
            .expect("a count");
        assert_eq!(recent, found, "{minute}");
    }
    for file in ["docs/queries.md", "README.md"] {
        let text = std::fs::read_to_string(root().join(file)).expect("readable");
        assert!(
            !text.contains("datetime('now'"),
            "{file} compares times as SQLite writes them, without T and Z"
        );
    }
}

#[test]
fn the_view_of_health_follows_the_rules_of_the_listing() {
    let world = world();
    let connection = Connection::open(world.archive()).expect("an archive");
    // Every state, by changes to one feed as its visits would make them.
    for (change, state) in [
        ("", "ok"),
        ("gap_at = last_poll_at", "gap"),
        ("odd = 'new', odd_at = last_poll_at", "odd"),
        ("odd_at = '2020-01-01T00:00:00Z'", "gap"),
        (
            "item_gap_secs = 60, newest_item_at = '2020-01-01T00:00:00Z', last_item_at = NULL",
            "zombie",
        ),
        (
            "newest_item_at = NULL, last_item_at = NULL, gap_at = NULL, added_at = strftime('%Y-%m-%dT%H:%M:%SZ', last_poll_at, '-40 days')",
            "silent",
        ),
        ("failures = 1, last_error_class = 'login'", "blocked"),
        ("last_error_class = 'timeout'", "failing"),
        ("gone_at = last_poll_at", "gone"),
        ("last_poll_at = NULL", "new"),
        ("active = 0", "removed"),
    ] {
        if !change.is_empty() {
            let sql = format!("UPDATE feeds SET {change} WHERE name = 'a'");
            assert_eq!(connection.execute(&sql, []).expect("changed"), 1);
        }
        let listed = summitwatch::store::listing::feeds(&connection).expect("listed");
        let row = listed
            .rows
            .iter()
            .find(|it| it[0] == "a")
            .expect("the feed");
        assert_eq!(row[3], state, "listing after {change}");
        let sql = "SELECT state FROM feed_health WHERE name = 'a'";
        let seen: String = connection
            .query_row(sql, [], |row| row.get(0))
            .expect("a row");
        assert_eq!(seen, state, "view after {change}");
    }
}

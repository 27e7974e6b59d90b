//! The house rules that a compiler does not know: which way modules may point, which crate may be
//! named where, and that what is shipped is whole.

use std::path::{Path, PathBuf};

use summitwatch::config::{Config, Origin};
use summitwatch::daemon::Setup;

use crate::world::use_ring;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a readable file")
}

/// Files below a folder of the repository whose names end so, in order, without what tests they hold.
fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    let name = |path: &PathBuf| {
        let below = path.strip_prefix(root().join(folder)).expect("below it");
        below.to_string_lossy().into_owned()
    };
    found.iter().map(|path| (name(path), read(path))).collect()
}

/// The program's sources without comments and without their tests.
fn sources() -> Vec<(String, String)> {
    let sources = files("src", ".rs")
        .into_iter()
        .filter(|(name, _)| !name.ends_with("tests.rs"));
    sources.map(|(name, text)| (name, code(&text))).collect()
}

fn code(text: &str) -> String {
    let text = text
        .split("#[cfg(test)]\nmod tests")
        .next()
        .unwrap_or_default();
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.map(|line| format!("{line}\n")).collect()
}

/// The words that follow `prefix` in `code`, where `prefix` begins a path.
fn words_after<'a>(code: &'a str, prefix: &str) -> Vec<&'a str> {
    let starts = code
        .match_indices(prefix)
        .filter(|(at, _)| !code[..*at].ends_with(is_part_of_a_path));
    starts
        .map(|(at, _)| {
            let rest = &code[at + prefix.len()..];
            &rest[..rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len())]
        })
        .collect()
}

fn is_part_of_a_path(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | ':' | '$')
}

#[test]
fn modules_name_only_modules_above_their_own_line() {
    let lib = read(&root().join("src/lib.rs"));
    let order: Vec<&str> = lib
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    assert!(
        order.len() > 15,
        "the list of modules is not where it was: {order:?}"
    );
    let line_of = |module: &str| order.iter().position(|it| *it == module);
    let mut faults = Vec::new();
    for (file, code) in sources() {
        let module = file.split(['/', '.']).next().unwrap_or_default();
        let Some(own) = line_of(module) else {
            assert!(
                matches!(module, "main" | "lib"),
                "src/{file} belongs to no module of the list"
            );
            continue;
        };
        for named in words_after(&code, "crate::") {
            match line_of(named) {
                Some(other) if other <= own => {}
                Some(_) => faults.push(format!("src/{file} points down the page: crate::{named}")),
                None => faults.push(format!(
                    "src/{file} names crate::{named}, which is not in the list"
                )),
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// A crate or a power, and where it may be named: files, or folders with a slash at their end.
const CONFINED: &[(&str, &[&str])] = &[
    ("aho_corasick::", &["topic/", "story/phrases.rs"]),
    (
        "anyhow::",
        &[
            "daemon.rs",
            "daemon/",
            "replay.rs",
            "demo.rs",
            "command.rs",
            "command/",
        ],
    ),
    ("axum::", &["demo/", "web.rs", "web/", "config/web.rs"]),
    (
        "base64::",
        &[
            "channel/redact.rs",
            "channel/webpush.rs",
            "web/guard/token.rs",
        ],
    ),
    ("chardetng::", &["parse/"]),
    ("chrono::", &["parse.rs", "digest/schedule.rs"]),
    ("clap::", &["command.rs", "command/"]),
    ("clap_complete::", &["command/"]),
    ("clap_mangen::", &["command/"]),
    ("croner::", &["digest/schedule.rs"]),
    ("dom_query::", &["parse/page.rs"]),
    ("dom_smoothie::", &["parse/page.rs"]),
    ("encoding_rs::", &["parse/", "demo/"]),
    ("fastrand::", &["daemon/"]),
    ("feed_rs::", &["parse.rs"]),
    ("hmac::", &["channel/webhook.rs", "web/guard/token.rs"]),
    ("hyper::", &["web.rs"]),
    ("hyper_util::", &["web.rs"]),
    ("htmlize::", &["text/html.rs", "parse/"]),
    ("lettre::", &["channel/email.rs", "channel/email/"]),
    ("maud::", &["web/"]),
    ("minijinja::", &["message/templates.rs"]),
    ("prometheus_client::", &["metrics.rs"]),
    ("quick_xml::", &["parse/", "demo/", "opml.rs"]),
    ("reqwest::", &["fetch.rs", "fetch/", "channel/"]),
    (
        "rusqlite::",
        &[
            "store.rs",
            "store/",
            "ingest.rs",
            "ingest/",
            "daemon.rs",
            "daemon/deliver.rs",
            "daemon/digests.rs",
            "command/archive.rs",
            "web.rs",
            "command/outbox.rs",
            "command/sql.rs",
            "command/digest.rs",
        ],
    ),
    ("rusqlite_migration::", &["store.rs"]),
    ("rustix::", &["channel/exec.rs", "command/output.rs"]),
    ("use ring", &["channel/webpush.rs"]),
    ("rustls::", &["channel/email/", "command.rs"]),
    ("sd_notify::", &["daemon/notify.rs"]),
    (
        "sha2::",
        &["channel/webhook.rs", "syndication.rs", "web/guard/token.rs"],
    ),
    ("toml_edit::", &["config/edit.rs"]),
    ("toml::", &["config.rs", "config/", "demo/"]),
    ("tracing_journald::", &["command.rs"]),
    ("tracing_subscriber::", &["command.rs"]),
    ("unicode_segmentation::", &["text.rs"]),
    ("unicode_normalization::", &["text/"]),
    ("unicode_width::", &["command/"]),
    ("utoipa::", &["store/view/", "web/api.rs"]),
    ("utoipa_axum::", &["web/api.rs"]),
    ("whatlang::", &["text/"]),
    ("zbus::", &["channel/desktop.rs"]),
    // Powers.
    ("Timestamp::now", &["clock.rs"]),
    ("SystemTime", &[]),
    ("tokio::spawn", &["daemon.rs", "demo/", "web.rs"]),
    ("JoinSet", &["daemon/"]),
    ("spawn_blocking", &["daemon/", "fetch/reach.rs", "web.rs"]),
    ("tokio::signal", &["daemon.rs"]),
    ("tokio::process", &["channel/exec.rs"]),
    // A check of a whole archive runs for minutes, apart from the threads of the runtime.
    ("std::thread", &["daemon/care.rs"]),
    ("println!", &[]),
    ("print!", &[]),
    ("eprintln!", &["command.rs"]),
    ("process::exit", &[]),
    // SQL; `demo` prints a query to try next.
    ("SELECT ", &["store/", "command/watch.rs"]),
    ("INSERT INTO ", &["store/"]),
    ("UPDATE ", &["store/"]),
    ("DELETE FROM ", &["store/"]),
    // Only shapes that are exchanged: configuration, recordings, messages, what is asked and answered over HTTP.
    (
        "Deserialize",
        &[
            "story/speaker.rs",
            "story/statement.rs",
            "config/",
            "message.rs",
            "replay.rs",
            "demo/",
            "command/judge.rs",
            "parse/json.rs",
            "store/view/news.rs",
            "web/",
        ],
    ),
    (
        "Serialize",
        &[
            "digest.rs",
            "digest/",
            "message.rs",
            "message/lines.rs",
            "message/templates.rs",
            "command/output.rs",
            "store/listing.rs",
            "story/speaker.rs",
            "story/statement.rs",
            "store/view/",
            "web/api.rs",
        ],
    ),
];

#[test]
fn crates_and_powers_stay_where_they_belong() {
    let sources = sources();
    let mut faults = Vec::new();
    for (power, places) in CONFINED {
        let may = |file: &str| {
            places
                .iter()
                .any(|it| file == *it || (it.ends_with('/') && file.starts_with(it)))
        };
        // A crate begins a path; a power may end one.
        let inside = |c: char| {
            if power.ends_with("::") {
                is_part_of_a_path(c)
            } else {
                c.is_alphanumeric() || c == '_'
            }
        };
        let named = |code: &str| {
            code.match_indices(power)
                .any(|(at, _)| !code[..at].ends_with(inside))
        };
        let found: Vec<&str> = sources
            .iter()
            .filter(|(_, code)| named(code))
            .map(|(file, _)| file.as_str())
            .collect();
        faults.extend(
            found
                .iter()
                .filter(|file| !may(file))
                .map(|file| format!("src/{file} names {power}")),
        );
        // A row that allows what nobody does would hide the day somebody does.
        let idle = places
            .iter()
            .filter(|place| !found.iter().any(|file| file.starts_with(*place)));
        faults.extend(
            idle.map(|place| format!("src/{place} no longer names {power}; shorten the table")),
        );
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn imports_are_one_line_each_and_can_be_searched_for() {
    let mut faults = Vec::new();
    for (file, code) in sources() {
        for bad in [
            "use crate::{",
            "super::super",
            "::*;",
            "#[allow(",
            "pub use crate::",
        ] {
            if code.contains(bad) {
                faults.push(format!("src/{file}: {bad}"));
            }
        }
        if file.ends_with("mod.rs") {
            faults.push(format!("src/{file}: modules are x.rs and x/, never mod.rs"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_module_opens_with_what_it_is_for() {
    let untold = files("src", ".rs").into_iter().filter(|(file, text)| {
        !file.ends_with("tests.rs") && file != "main.rs" && !text.starts_with("//! ")
    });
    assert_eq!(
        untold.map(|(file, _)| file).collect::<Vec<_>>(),
        Vec::<String>::new()
    );
}

#[test]
fn every_migration_is_a_step_in_its_order() {
    let store = read(&root().join("src/store.rs"));
    let steps = words_after_path(&store, "include_str!(\"../migrations/");
    let written: Vec<String> = files("migrations", ".sql")
        .into_iter()
        .map(|(file, _)| file)
        .collect();
    assert_eq!(steps, written);
    for (at, file) in written.iter().enumerate() {
        assert!(
            file.starts_with(&format!("{:04}_", at + 1)),
            "{file} is not number {}",
            at + 1
        );
    }
}

fn words_after_path(text: &str, prefix: &str) -> Vec<String> {
    text.split(prefix)
        .skip(1)
        .map(|it| it.split('"').next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn the_shipped_configuration_is_sound() {
    use_ring();
    let config = Config::read(&root().join("config/summitwatch.toml")).expect("no fault");
    assert!(!config.feeds.is_empty() && !config.routes.is_empty());
    Setup::new(config).expect("no fault in topics, lexicon and channels");
}

/// The keys that a table of the configuration knows, as its own error lists them.
#[track_caller]
fn known_keys(config: &str) -> Vec<String> {
    let faults = Config::parse(Origin::Shipped, root(), config).expect_err("an unknown key");
    let said = faults.to_string();
    let (_, keys) = said
        .split_once("known here are ")
        .unwrap_or_else(|| panic!("{said}"));
    keys.split(", ").map(str::to_owned).collect()
}

#[test]
fn the_shipped_configuration_shows_every_key() {
    let shown =
        read(&root().join("config/summitwatch.toml")) + &read(&root().join("config/feeds.toml"));
    for table in [
        "qqq = 1",
        "[poll]\nqqq = 1",
        "[[hosts]]\nqqq = 1",
        "[health]\nqqq = 1",
        "[web]\nlisten = \"127.0.0.1:1\"\nqqq = 1",
        "[retention]\nqqq = 1",
        "[[feeds]]\nqqq = 1",
        "[[topics]]\nqqq = 1",
        "[[routes]]\nqqq = 1",
        "[[routes]]\ntopic = \"all\"\nchannels = []\nquiet = { qqq = 1 }",
        "[[routes]]\ntopic = \"all\"\nchannels = []\nescalate = { qqq = 1 }",
        "[[digests]]\nqqq = 1",
    ] {
        for key in known_keys(table) {
            assert!(
                shown.contains(&format!("{key} =")) || shown.contains(&format!("[{key}]")),
                "{key} is shown nowhere"
            );
        }
    }
}

#[test]
fn the_shipped_configuration_shows_every_kind_of_channel_with_its_keys() {
    let shown = read(&root().join("config/summitwatch.toml"));
    // The error for a kind that there is none of lists them.
    let none = "[[channels]]\nname = \"x\"\nkind = \"none\"";
    let faults = Config::parse(Origin::Shipped, root(), none).expect_err("no such kind");
    let said = faults.to_string();
    let (_, kinds) = said.split_once("known are ").expect("a list");
    let keys_of = |kind: &str| {
        known_keys(&format!(
            "[[channels]]\nname = \"x\"\nkind = \"{kind}\"\nqqq = 1"
        ))
    };
    // A terminal has none but those of every channel, which are shown once.
    let common = keys_of("terminal");
    for key in &common {
        assert!(
            shown.contains(&format!("{key} =")),
            "{key} is shown nowhere"
        );
    }
    for kind in kinds.split(", ") {
        let written = format!("kind = \"{kind}\"");
        let sections = shown
            .split("[[channels]]")
            .filter(|it| it.contains(&written));
        let sections: String = sections.collect();
        assert!(!sections.is_empty(), "{kind} is shown nowhere");
        for key in keys_of(kind) {
            assert!(
                common.contains(&key) || sections.contains(&format!("{key} =")),
                "{key} of {kind} is shown nowhere"
            );
        }
    }
}

#[test]
fn the_package_leaves_every_file_of_the_configuration_to_its_owner() {
    let manifest = read(&root().join("Cargo.toml"));
    let listed = words_after_path(&manifest, "    \"/etc/summitwatch/");
    let mut shipped: Vec<String> = files("config", "")
        .into_iter()
        .map(|(file, _)| file)
        .collect();
    shipped.sort();
    assert_eq!(listed, shipped, "conf-files in Cargo.toml");
}

#[test]
fn tests_neither_sleep_nor_hide() {
    // Another process cannot be waited for but by looking again.
    let waits = "world/program.rs";
    for (file, text) in files("tests/it", ".rs")
        .into_iter()
        .filter(|(file, _)| file != "tidy.rs")
    {
        for bad in ["#[ignore", "#[should_panic", "sleep("] {
            assert!(
                !text.contains(bad) || (file == waits && bad == "sleep("),
                "tests/it/{file}: {bad}"
            );
        }
    }
}

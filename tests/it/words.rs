//! The words that people see: one table, and every predicate of the shipped tables has its phrase.

use std::path::Path;

use summitwatch::story::ladder::State;
use summitwatch::words::{self, acts};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_words_are_documented_as_the_tables_have_them() {
    let document = words::document();
    let path = root().join("docs/words.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &document).expect("written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == document,
        "docs/words.md is not what src/words.rs says; UPDATE_DOCS=1 cargo test words writes it"
    );
}

#[test]
fn every_state_and_every_predicate_has_its_words() {
    let states: Vec<&str> = words::STATES.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(states, State::NAMES);
    let table = std::fs::read_to_string(root().join("config/reading/predicates.toml")).expect("readable");
    let table: toml::Table = table.parse().expect("sound");
    let predicates = table["predicate"].as_table().expect("a table");
    let untold: Vec<&String> = predicates
        .keys()
        .filter(|name| !acts::ACTS.iter().any(|it| it.name == name.as_str()))
        .collect();
    assert!(untold.is_empty(), "without a phrase in src/words/acts.rs: {untold:?}");
    let unknown: Vec<&str> = acts::ACTS
        .iter()
        .map(|it| it.name)
        .filter(|name| !predicates.contains_key(*name))
        .collect();
    assert!(unknown.is_empty(), "of no predicate: {unknown:?}");
}

/// No word for a code stands in another way somewhere in the shipped templates or pages.
#[test]
fn templates_spell_no_state_themselves() {
    for file in std::fs::read_dir(root().join("config/templates")).expect("a folder") {
        let path = file.expect("a file").path();
        let text = std::fs::read_to_string(&path).expect("readable");
        for word in ["DATE SET", "given a date", "reported as planned"] {
            assert!(!text.contains(word), "{}: {word}", path.display());
        }
    }
}

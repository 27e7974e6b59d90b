//! The words that people see: one table, and every predicate of the shipped tables has its phrase.

use std::path::Path;

use jiff::Timestamp;
use summitwatch::config::{Config, Origin};
use summitwatch::message::DevelopmentLine;
use summitwatch::message::said::Source;
use summitwatch::story::ladder::State;
use summitwatch::text::Words;
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
    let table =
        std::fs::read_to_string(root().join("config/reading/predicates.toml")).expect("readable");
    let table: toml::Table = table.parse().expect("sound");
    let predicates = table["predicate"].as_table().expect("a table");
    let untold: Vec<&String> = predicates
        .keys()
        .filter(|name| !acts::ACTS.iter().any(|it| it.name == name.as_str()))
        .collect();
    assert!(
        untold.is_empty(),
        "without a phrase in src/words/acts.rs: {untold:?}"
    );
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

/// What a headline says, in English.
#[track_caller]
fn says(headline: &str, language: &str, expected: &str) {
    let shipped = "[[topics]]\nname = \"us-dprk-summit\"\n";
    let config = Config::parse(Origin::Shipped, &std::env::temp_dir(), shipped).expect("shipped");
    let engine = config.engine().expect("the shipped topic");
    let tables = config.tables(&engine).expect("the shipped tables");
    let at: Timestamp = "2026-03-02T09:00:00Z".parse().expect("a time");
    let read_words = Words::new(headline, "");
    let matter = tables.matter("us-dprk-summit");
    let reading = engine.lexicon.read(&read_words);
    let read = tables
        .reader
        .read(&read_words, &reading, &engine.lexicon, matter, None, at);
    let source = Source {
        title: headline,
        language: Some(language),
        statement: &read.statement,
        reading: &reading,
        lexicon: &engine.lexicon,
        reader: &tables.reader,
        matter,
        at,
    };
    let said = DevelopmentLine::of(1, source);
    let parts = [Some(said.summary), said.r#where, said.when];
    let line: Vec<String> = parts.into_iter().flatten().collect();
    assert_eq!(
        line.join(" · "),
        expected,
        "{headline}: {:?}",
        read.statement
    );
}

#[test]
fn a_reader_without_korean_sees_who_does_what() {
    says(
        "김여정 \"미국과 대화 없다\" 거부",
        "ko",
        "Kim Yo Jong declines to meet the United States",
    );
    says(
        "트럼프, 김정은과의 회담 전격 취소",
        "ko",
        "Trump calls off the meeting",
    );
    says(
        "백악관 \"북미정상회담 5월 12일 판문점서 개최\"",
        "ko",
        "The United States sets a place for the meeting · Panmunjom · 2026-05-12",
    );
    says(
        "トランプ氏「金正恩氏に会いたい」",
        "ja",
        "Trump wants a meeting with Kim Jong Un",
    );
}

#[test]
fn an_act_that_tells_nothing_alone_is_said_with_its_matter() {
    says(
        "トランプ氏「必ず話す」 拉致問題、米朝会談で提起を確約と首相",
        "ja",
        "Trump makes a pledge: the abductions of Japanese, the US–DPRK summit",
    );
}

#[test]
fn several_places_are_none_that_is_set() {
    says(
        "〈速報〉米朝会談、板門店からモンゴルへ会場変更 ５日は維持",
        "ja",
        "Several places are named for the meeting · Panmunjom or Mongolia · 2026-03-05",
    );
}

#[test]
fn others_only_say_where_the_meeting_stands() {
    says(
        "크렘린 \"북미 정상회담 취소 유감\"",
        "ko",
        "Russia: the meeting is called off",
    );
}

#[test]
fn an_english_headline_says_it_itself() {
    says(
        "Trump calls off summit with Kim",
        "en",
        "Trump calls off summit with Kim",
    );
}

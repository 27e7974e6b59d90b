//! Headlines made up for the tables of `config/reading`: what must be read so, and what holds the words yet must not.

use jiff::Timestamp;
use serde::Deserialize;
use summitwatch::config::{Config, Origin};
use summitwatch::story::ladder::State;
use summitwatch::text::Words;

const CASES: &str = include_str!("../corpus/reading.toml");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
}

/// `is` or `not` name a state or a predicate.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    is: Option<String>,
    not: Option<String>,
    /// The words that would mislead.
    #[expect(dead_code, reason = "for readers of the file")]
    phrase: Option<String>,
    headline: String,
}

#[test]
fn headlines_are_read_for_what_they_state() {
    let shipped = "[[topics]]\nname = \"us-dprk-summit\"\n";
    let config = Config::parse(Origin::Shipped, &std::env::temp_dir(), shipped).expect("shipped");
    let engine = config.engine().expect("the shipped topic");
    let tables = config.tables(&engine).expect("the shipped tables");
    let matter = tables.matter("us-dprk-summit");
    let at: Timestamp = "2026-03-02T09:00:00Z".parse().expect("time");
    let file: File = toml::from_str(CASES).expect("cases");
    let mut wrong = Vec::new();
    for case in &file.case {
        let words = Words::new(&case.headline, "");
        let reading = engine.lexicon.read(&words);
        let read = tables
            .reader
            .read(&words, &reading, &engine.lexicon, matter, None, at);
        let statement = read.statement;
        let says = |name: &str| match State::of(name) {
            // A day or a place that is named lifts a plan: "planned" may be read as "dated".
            Some(State::Planned | State::Confirmed | State::Agreed) => {
                statement.state.is_some_and(|it| {
                    it.as_str() == name || matches!(it, State::Dated | State::Placed)
                })
            }
            Some(state) => statement.state == Some(state),
            None => statement.predicates.iter().any(|it| it == name),
        };
        let right = case.is.as_deref().is_none_or(says) && !case.not.as_deref().is_some_and(says);
        if !right {
            wrong.push(format!(
                "{:?} {:?}: {} → {:?} {:?}",
                case.is, case.not, case.headline, statement.state, statement.predicates
            ));
        }
    }
    // A table is never perfect; what it loses here it loses for a reason that somebody should have seen.
    let allowed = file.case.len() / 50;
    assert!(
        wrong.len() <= allowed,
        "{} of {} headlines are misread:\n{}",
        wrong.len(),
        file.case.len(),
        wrong.join("\n")
    );
}

//! What ships with the program, compiled in: it is useful with nothing installed beside it.

use crate::message::templates::SHIPPED;

pub const DEFAULT_TOPIC: &str = "us-dprk-summit";

pub const CONFIG: &str = include_str!("../../config/summitwatch.toml");
pub const FEEDS: &str = include_str!("../../config/feeds.toml");

/// File names below `config/` and their texts, as `init` writes them.
pub const LEXICON: &[(&str, &str)] = &[
    (
        "lexicon/acts.toml",
        include_str!("../../config/lexicon/acts.toml"),
    ),
    (
        "lexicon/agencies.toml",
        include_str!("../../config/lexicon/agencies.toml"),
    ),
    (
        "lexicon/agreements.toml",
        include_str!("../../config/lexicon/agreements.toml"),
    ),
    (
        "lexicon/blocks.toml",
        include_str!("../../config/lexicon/blocks.toml"),
    ),
    (
        "lexicon/compounds.toml",
        include_str!("../../config/lexicon/compounds.toml"),
    ),
    (
        "lexicon/institutions.toml",
        include_str!("../../config/lexicon/institutions.toml"),
    ),
    (
        "lexicon/people.toml",
        include_str!("../../config/lexicon/people.toml"),
    ),
    (
        "lexicon/places.toml",
        include_str!("../../config/lexicon/places.toml"),
    ),
    (
        "lexicon/states.toml",
        include_str!("../../config/lexicon/states.toml"),
    ),
    (
        "lexicon/weapons.toml",
        include_str!("../../config/lexicon/weapons.toml"),
    ),
];

pub const TOPICS: &[(&str, &str)] = &[
    (
        "topics/us-dprk-summit.toml",
        include_str!("../../config/topics/us-dprk-summit.toml"),
    ),
    (
        "topics/dprk-missiles.toml",
        include_str!("../../config/topics/dprk-missiles.toml"),
    ),
    (
        "topics/inter-korean.toml",
        include_str!("../../config/topics/inter-korean.toml"),
    ),
    (
        "topics/iran-us-talks.toml",
        include_str!("../../config/topics/iran-us-talks.toml"),
    ),
    (
        "topics/eu-mercosur.toml",
        include_str!("../../config/topics/eu-mercosur.toml"),
    ),
];

/// Cases of the topics, in the same order.
pub const CASES: &[(&str, &str)] = &[
    (
        "topics/us-dprk-summit.cases.toml",
        include_str!("../../config/topics/us-dprk-summit.cases.toml"),
    ),
    (
        "topics/dprk-missiles.cases.toml",
        include_str!("../../config/topics/dprk-missiles.cases.toml"),
    ),
    (
        "topics/inter-korean.cases.toml",
        include_str!("../../config/topics/inter-korean.cases.toml"),
    ),
    (
        "topics/iran-us-talks.cases.toml",
        include_str!("../../config/topics/iran-us-talks.cases.toml"),
    ),
    (
        "topics/eu-mercosur.cases.toml",
        include_str!("../../config/topics/eu-mercosur.cases.toml"),
    ),
];

pub const READING: &[(&str, &str)] = &[
    (
        "reading/attribution.toml",
        include_str!("../../config/reading/attribution.toml"),
    ),
    (
        "reading/ladder.toml",
        include_str!("../../config/reading/ladder.toml"),
    ),
    (
        "reading/marks.toml",
        include_str!("../../config/reading/marks.toml"),
    ),
    (
        "reading/predicates.toml",
        include_str!("../../config/reading/predicates.toml"),
    ),
    (
        "reading/speakers.toml",
        include_str!("../../config/reading/speakers.toml"),
    ),
    (
        "reading/speech.toml",
        include_str!("../../config/reading/speech.toml"),
    ),
    (
        "reading/weights.toml",
        include_str!("../../config/reading/weights.toml"),
    ),
    (
        "reading/wording.toml",
        include_str!("../../config/reading/wording.toml"),
    ),
];

/// The text of a shipped file of `reading/`.
pub fn reading(name: &str) -> &'static str {
    let file = READING
        .iter()
        .find(|(path, _)| path.strip_prefix("reading/") == Some(name));
    file.expect("only names of shipped files are asked for").1
}

/// Every shipped file: the path below the configuration's directory, and its text.
pub fn files() -> impl Iterator<Item = (String, &'static str)> {
    let config = [("summitwatch.toml", CONFIG), ("feeds.toml", FEEDS)];
    let tables = [TOPICS, CASES, LEXICON, READING].into_iter().flatten();
    let files = config.into_iter().chain(tables.copied());
    let templates = SHIPPED
        .iter()
        .map(|(name, text)| (format!("templates/{name}"), *text));
    files
        .map(|(path, text)| (path.to_owned(), text))
        .chain(templates)
}

pub fn topic_names() -> impl Iterator<Item = &'static str> {
    TOPICS
        .iter()
        .map(|(path, _)| path.trim_start_matches("topics/").trim_end_matches(".toml"))
}

/// The path and text of a shipped topic.
pub fn topic(name: &str) -> Option<(&'static str, &'static str)> {
    topic_names().position(|it| it == name).map(|at| TOPICS[at])
}

/// The path and text of a shipped topic's cases.
pub fn cases(name: &str) -> Option<(&'static str, &'static str)> {
    topic_names().position(|it| it == name).map(|at| CASES[at])
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{CONFIG, files};
    use crate::config::{Config, Origin};

    #[test]
    fn the_compiled_in_configuration_needs_no_file() {
        let config = Config::parse(Origin::Shipped, Path::new("/nowhere"), CONFIG).expect("sound");
        let engine = config.engine().expect("topics and lexicon are compiled in");
        assert_eq!(engine.topics[0].name, super::DEFAULT_TOPIC);
        assert!(config.feeds.len() > 100);
    }

    #[test]
    fn every_file_of_config_is_compiled_in() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
        let mut found = Vec::new();
        for directory in ["", "lexicon", "reading", "topics", "templates"] {
            for entry in std::fs::read_dir(root.join(directory)).expect("config") {
                let path = entry.expect("entry").path();
                if path.is_file() {
                    found.push(
                        path.strip_prefix(&root)
                            .expect("below")
                            .to_string_lossy()
                            .into_owned(),
                    );
                }
            }
        }
        let mut shipped: Vec<String> = files().map(|(path, _)| path).collect();
        found.sort();
        shipped.sort();
        assert_eq!(found, shipped);
    }
}

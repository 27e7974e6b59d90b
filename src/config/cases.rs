//! Cases beside a topic: what it must say of given texts, as people write them.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::config::fault::{Fault, Faults, Text};
use crate::config::{TopicRef, shipped, unreadable};
use crate::story::ladder::State;

/// A text with what the topic must say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Of the text's first mention; none where it is written with escapes.
    pub line: Option<usize>,
    pub about: String,
    pub language: Option<String>,
    pub title: String,
    pub summary: String,
    pub matches: bool,
    /// Exactly these marks; unexamined where not said.
    pub marks: Option<Vec<String>>,
    /// What the headline states by itself; unexamined where not said.
    pub says: Says,
}

/// What a headline states, with nothing else known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Says {
    /// The state that it tells of the meeting: `cancelled`; `none` for none.
    pub state: Option<String>,
    /// The concept that speaks; `none` for nobody.
    pub speaker: Option<String>,
    /// Exactly these predicates of the headline, in any order.
    pub predicates: Option<Vec<String>>,
    /// Whether an alert would tell it.
    pub alert: Option<bool>,
}

impl Says {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A headline after others, with what must become of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    pub about: String,
    /// Headlines of other outlets before it, ten minutes apart.
    #[serde(default)]
    pub after: Vec<String>,
    pub title: String,
    #[serde(default)]
    pub summary: String,
    /// Hours after the last of them; an hour where not said.
    pub hours: Option<i64>,
    /// Whether it reports the development of the last of them, or a new one.
    pub development: Option<Novelty>,
    /// Whether an alert tells it.
    pub told: Option<bool>,
    /// The state that it tells: `cancelled`; `none` for none.
    pub state: Option<String>,
    /// The concept that speaks.
    pub speaker: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Novelty {
    Same,
    New,
}

#[derive(Debug)]
pub struct Cases {
    /// For messages: where they were read from.
    pub file: String,
    pub cases: Vec<Case>,
    pub sequences: Vec<Sequence>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CasesFile {
    #[serde(default)]
    cases: Vec<Group>,
    #[serde(default)]
    sequences: Vec<Sequence>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    about: String,
    language: Option<String>,
    #[serde(default, rename = "match")]
    matching: Vec<Entry>,
    #[serde(default, rename = "no-match")]
    other: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "a case is a title, or { title = …, summary = …, marks = […], state = …, speaker = …, predicates = […], alert = … }"
)]
enum Entry {
    Title(String),
    Item(ItemEntry),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemEntry {
    title: String,
    #[serde(default)]
    summary: String,
    marks: Option<Vec<String>>,
    state: Option<String>,
    speaker: Option<String>,
    predicates: Option<Vec<String>>,
    alert: Option<bool>,
}

/// The cases in `file`.
pub fn read(file: &Path) -> Result<Cases, Faults> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Fault::new(&name, None, unreadable(&error)))?;
    parse(&name, &text)
}

/// The cases beside a topic: `x.cases.toml` for `x.toml`, the compiled-in ones of a shipped topic.
pub fn beside(topic: &TopicRef) -> Result<Cases, Faults> {
    match (&topic.file, shipped::cases(&topic.name)) {
        (Some(file), _) => read(&path_beside(file)),
        (None, Some((name, text))) => parse(name, text),
        (None, None) => {
            let message = format!("topic \"{}\" has no cases", topic.name);
            Err(Fault::new(&topic.name, None, message).into())
        }
    }
}

/// Where the cases of a topic's file stand.
pub fn path_beside(topic: &Path) -> PathBuf {
    topic.with_extension("cases.toml")
}

fn parse(name: &str, text: &str) -> Result<Cases, Faults> {
    let source = Text { file: name, text };
    let parsed: CasesFile = source.parse()?;
    let mut cases = Vec::new();
    let mut from = 0;
    for group in parsed.cases {
        let matching = group.matching.into_iter().map(|it| (it, true));
        let other = group.other.into_iter().map(|it| (it, false));
        for (entry, matches) in matching.chain(other) {
            let item = match entry {
                Entry::Title(title) => ItemEntry {
                    title,
                    ..ItemEntry::default()
                },
                Entry::Item(item) => item,
            };
            let at = place(text, from, &item.title);
            from = at.unwrap_or(from);
            cases.push(Case {
                line: at.map(|at| text[..at].matches('\n').count() + 1),
                about: group.about.clone(),
                language: group.language.clone(),
                title: item.title,
                summary: item.summary,
                matches,
                marks: item.marks,
                says: Says {
                    state: item.state,
                    speaker: item.speaker,
                    predicates: item.predicates,
                    alert: item.alert,
                },
            });
        }
    }
    if cases.is_empty() && parsed.sequences.is_empty() {
        let message = "no [[cases]] with `match` or `no-match` here, and no [[sequences]]";
        return Err(Fault::new(name, None, message).into());
    }
    let of_cases = cases.iter().map(|it| (it.line, it.says.state.as_deref()));
    let of_sequences = parsed
        .sequences
        .iter()
        .map(|it| (None, it.state.as_deref()));
    for (line, state) in of_cases.chain(of_sequences) {
        let state = state.filter(|it| *it != "none");
        if let Some(unknown) = state.filter(|it| State::of(it).is_none()) {
            let message = format!("there is no state \"{unknown}\"");
            return Err(Fault::new(name, line, message).into());
        }
    }
    Ok(Cases {
        file: name.to_owned(),
        cases,
        sequences: parsed.sequences,
    })
}

/// Entries may be strings or tables, and serde gives such a choice no place; so the text is looked up.
fn place(text: &str, from: usize, title: &str) -> Option<usize> {
    let written = title.replace('\\', "\\\\").replace('"', "\\\"");
    let find = |from: usize| text[from..].find(&written).map(|at| from + at);
    find(from).or_else(|| find(0))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn entries_are_titles_or_items_and_know_their_line() {
        let text = "[[cases]]\nabout = \"talks\"\nlanguage = \"en\"\nmatch = [\n  \"say \\\"yes\\\"\",\n  \
                    { title = \"b\", summary = \"c\", marks = [] },\n]\nno-match = [\"d\"]\n";
        let cases = parse("x.cases.toml", text).expect("sound").cases;
        let told: Vec<_> = cases
            .iter()
            .map(|it| (it.title.as_str(), it.matches, it.line, it.marks.is_some()))
            .collect();
        assert_eq!(
            told,
            [
                ("say \"yes\"", true, Some(5), false),
                ("b", true, Some(6), true),
                ("d", false, Some(8), false)
            ]
        );
    }

    #[test]
    fn a_file_without_cases_says_what_it_wants() {
        let faults = parse("x.cases.toml", "").expect_err("empty");
        assert_eq!(
            faults.to_string(),
            "x.cases.toml: no [[cases]] with `match` or `no-match` here, and no [[sequences]]"
        );
    }
}

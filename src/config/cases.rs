//! Cases beside a topic: what it must say of given texts, as people write them.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::config::fault::{Fault, Faults, Text};
use crate::config::{TopicRef, shipped, unreadable};

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
}

#[derive(Debug)]
pub struct Cases {
    /// For messages: where they were read from.
    pub file: String,
    pub cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CasesFile {
    #[serde(default)]
    cases: Vec<Group>,
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
    expecting = "a case is a title, or { title = …, summary = …, marks = […] }"
)]
enum Entry {
    Title(String),
    Item(ItemEntry),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemEntry {
    title: String,
    #[serde(default)]
    summary: String,
    marks: Option<Vec<String>>,
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
                    summary: String::new(),
                    marks: None,
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
            });
        }
    }
    if cases.is_empty() {
        return Err(Fault::new(name, None, "no [[cases]] with `match` or `no-match` here").into());
    }
    Ok(Cases {
        file: name.to_owned(),
        cases,
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
            "x.cases.toml: no [[cases]] with `match` or `no-match` here"
        );
    }
}

//! Lexicon files → [`Lexicon`].

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use crate::config::fault::{Fault, Faults, Text};
use crate::config::{shipped, unreadable};
use crate::text::fold::fold;
use crate::topic::lexicon::{Concept, Kind, Lexicon};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LexiconFile {
    kind: KindName,
    #[serde(default)]
    concept: BTreeMap<String, ConceptFile>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KindName {
    Person,
    Institution,
    Place,
    Agreement,
    Weapon,
    Act,
    State,
    Agency,
    Compound,
    Block,
}

impl From<KindName> for Kind {
    fn from(name: KindName) -> Self {
        match name {
            KindName::Person => Self::Person,
            KindName::Institution => Self::Institution,
            KindName::Place => Self::Place,
            KindName::Agreement => Self::Agreement,
            KindName::Weapon => Self::Weapon,
            KindName::Act => Self::Act,
            KindName::State => Self::State,
            KindName::Agency => Self::Agency,
            KindName::Compound => Self::Compound,
            KindName::Block => Self::Block,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ConceptFile {
    gloss: String,
    also: Vec<String>,
    any: Terms,
    en: Terms,
    ko: Terms,
    ja: Terms,
    zh: Terms,
    ru: Terms,
    fr: Terms,
    de: Terms,
    es: Terms,
    pt: Terms,
    it: Terms,
}

type Terms = Vec<Spanned<String>>;

impl ConceptFile {
    fn lists(&self) -> [&Terms; 11] {
        [
            &self.any, &self.en, &self.ko, &self.ja, &self.zh, &self.ru, &self.fr, &self.de,
            &self.es, &self.pt, &self.it,
        ]
    }
}

/// The lexicon of `directory`, else the shipped one.
pub fn read(directory: Option<&Path>) -> Result<Lexicon, Faults> {
    let files = files(directory)?;
    let mut faults = Faults::default();
    let mut concepts: Vec<Concept> = Vec::new();
    for (file, text) in &files {
        let source = Text { file, text };
        let parsed: LexiconFile = match source.parse() {
            Ok(parsed) => parsed,
            Err(mut more) => {
                faults.append(&mut more);
                continue;
            }
        };
        for (id, concept) in parsed.concept {
            if let Some(twice) = concepts.iter().find(|it| it.id == id) {
                faults.push(Fault::new(
                    file,
                    None,
                    format!("concept \"{}\" is defined twice", twice.id),
                ));
                continue;
            }
            // Languages share spellings, most of all Chinese and Japanese; one term serves them all.
            let mut seen = HashSet::new();
            let spelled = concept.lists().into_iter().flatten();
            let terms = spelled
                .filter(|term| seen.insert(spelling(term.get_ref())))
                .map(|term| term.get_ref().clone())
                .collect();
            concepts.push(Concept {
                id,
                gloss: concept.gloss,
                kind: parsed.kind.into(),
                terms,
                also: concept.also,
            });
        }
    }
    let concepts = faults.or(concepts)?;
    let name = directory.map_or_else(
        || "the shipped lexicon".to_owned(),
        |it| it.display().to_string(),
    );
    Lexicon::new(concepts).map_err(|error| Fault::new(name, None, error.to_string()).into())
}

/// Terms that another one of their list finds already: a fault each.
pub fn repeats(directory: Option<&Path>) -> Result<Vec<Fault>, Faults> {
    let mut repeats = Vec::new();
    for (file, text) in &files(directory)? {
        let source = Text { file, text };
        let parsed: LexiconFile = source.parse()?;
        for (id, concept) in &parsed.concept {
            for list in concept.lists() {
                for (at, term) in list.iter().enumerate() {
                    let others = list.iter().enumerate().filter(|(other, _)| *other != at);
                    let mut others = others.map(|(other, it)| (other < at, it.get_ref().as_str()));
                    let written = term.get_ref().as_str();
                    if let Some((_, by)) = others.find(|&(before, by)| finds(by, written, before)) {
                        let message = format!("concept {id}: “{by}” finds “{written}” already");
                        repeats.push(source.fault(term, message));
                    }
                }
            }
        }
    }
    Ok(repeats)
}

/// Whether the term `by` finds whatever `written` finds. Of two equal ones the first does.
fn finds(by: &str, written: &str, before: bool) -> bool {
    if spelling(by) == spelling(written) {
        return before;
    }
    let word = fold(written.trim_end_matches('*'));
    match by.strip_suffix('*').map(fold) {
        Some(stem) => word.starts_with(&stem) && !word.contains([' ', '*']) && word != stem,
        None => false,
    }
}

/// What makes two terms one: the fold, and whether capitals are asked for.
fn spelling(written: &str) -> (String, bool) {
    let capitals = !written.chars().any(char::is_lowercase);
    (fold(written), capitals && written.is_ascii())
}

/// File names with their texts.
fn files(directory: Option<&Path>) -> Result<Vec<(String, String)>, Faults> {
    match directory {
        None => Ok(shipped::LEXICON
            .iter()
            .map(|&(path, text)| (path.to_owned(), text.to_owned()))
            .collect()),
        Some(directory) => files_of(directory),
    }
}

fn files_of(directory: &Path) -> Result<Vec<(String, String)>, Faults> {
    let fault = |path: &Path, error: &std::io::Error| {
        Faults::from(Fault::new(path.display(), None, unreadable(error)))
    };
    let entries = std::fs::read_dir(directory).map_err(|error| fault(directory, &error))?;
    let mut paths: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|it| it == "toml"))
        .collect();
    // The order of concepts decides nothing, but runs must not differ.
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let text = std::fs::read_to_string(path).map_err(|error| fault(path, &error))?;
            Ok((path.display().to_string(), text))
        })
        .collect()
}

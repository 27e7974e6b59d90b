//! Lexicon and topic files → [`Engine`].

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use crate::config::fault::{Fault, Faults, Text};
use crate::config::{TopicRef, shipped, unreadable};
use crate::topic::lexicon::{Concept, ConceptSet, Kind, Lexicon};
use crate::topic::rule::{Condition, Named, Near, Rule, Veto};
use crate::topic::{Engine, Scope, Topic};

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
    any: Vec<String>,
    en: Vec<String>,
    ko: Vec<String>,
    ja: Vec<String>,
    zh: Vec<String>,
    ru: Vec<String>,
    fr: Vec<String>,
    de: Vec<String>,
    es: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TopicFile {
    title: String,
    threshold: f64,
    #[serde(default = "default_summary_weight")]
    summary_weight: f64,
    #[serde(default)]
    group: BTreeMap<String, Vec<Spanned<String>>>,
    #[serde(default)]
    rule: Vec<RuleFile>,
    #[serde(default)]
    veto: Vec<VetoFile>,
}

fn default_summary_weight() -> f64 {
    0.8
}

type Names = Vec<Spanned<String>>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    name: Spanned<String>,
    #[serde(default)]
    all: Names,
    #[serde(default)]
    any: Names,
    #[serde(default)]
    none: Names,
    #[serde(default = "default_near")]
    near: NearName,
    window: Option<usize>,
    weight: Spanned<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct VetoFile {
    name: Spanned<String>,
    #[serde(default)]
    all: Names,
    #[serde(default)]
    any: Names,
    #[serde(default)]
    unless: Names,
    #[serde(default = "default_near")]
    near: NearName,
    window: Option<usize>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum NearName {
    Title,
    Sentence,
    Window,
    Item,
}

fn default_near() -> NearName {
    NearName::Sentence
}

/// Characters of a window where the rule does not say.
const WINDOW: usize = 60;

fn near(name: NearName, window: Option<usize>) -> Near {
    match name {
        NearName::Title => Near::Title,
        NearName::Sentence => Near::Sentence,
        NearName::Window => Near::Window(window.unwrap_or(WINDOW)),
        NearName::Item => Near::Item,
    }
}

/// Reads the lexicon (of `directory`, else the shipped one) and the topics.
pub fn engine(directory: Option<&Path>, topics: &[TopicRef]) -> Result<Engine, Faults> {
    let lexicon = lexicon(directory)?;
    let mut faults = Faults::default();
    let mut built = Vec::new();
    for reference in topics {
        match topic(reference, &lexicon) {
            Ok(topic) => built.push(topic),
            Err(mut more) => faults.append(&mut more),
        }
    }
    faults.or(Engine {
        lexicon,
        topics: built,
    })
}

fn lexicon(directory: Option<&Path>) -> Result<Lexicon, Faults> {
    let files: Vec<(String, String)> = match directory {
        None => shipped::LEXICON
            .iter()
            .map(|&(path, text)| (path.to_owned(), text.to_owned()))
            .collect(),
        Some(directory) => files_of(directory)?,
    };
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
            let lists = [
                concept.any,
                concept.en,
                concept.ko,
                concept.ja,
                concept.zh,
                concept.ru,
                concept.fr,
                concept.de,
                concept.es,
            ];
            let mut terms: Vec<String> = lists.concat();
            // Chinese and Japanese share spellings; one entry of the automaton serves both.
            let mut seen = std::collections::HashSet::new();
            terms.retain(|term| seen.insert(term.clone()));
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

fn topic(reference: &TopicRef, lexicon: &Lexicon) -> Result<Topic, Faults> {
    let (file, text) = match &reference.file {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                Fault::new(
                    path.display(),
                    None,
                    format!("topic \"{}\": {}", reference.name, unreadable(&error)),
                )
            })?;
            (path.display().to_string(), text)
        }
        None if reference.name == "all" => return Ok(Topic::everything()),
        None => {
            let (path, text) =
                shipped::topic(&reference.name).expect("checked when the configuration was read");
            (path.to_owned(), text.to_owned())
        }
    };
    let source = Text {
        file: &file,
        text: &text,
    };
    let parsed: TopicFile = source.parse()?;
    let mut names = Resolver {
        source: &source,
        groups: &parsed.group,
        lexicon,
        faults: Faults::default(),
    };
    let mut rules = Vec::new();
    for rule in &parsed.rule {
        let condition = names.condition(&rule.all, &rule.any, &rule.none);
        let weight = *rule.weight.get_ref();
        if !(0.0..=1.0).contains(&weight) {
            names.faults.push(source.fault(
                &rule.weight,
                format!("weight: {weight} is not between 0 and 1"),
            ));
        }
        if condition.all.is_empty() && condition.any.is_empty() {
            names.faults.push(source.fault(
                &rule.name,
                format!(
                    "rule \"{}\" has neither `all` nor `any`",
                    rule.name.get_ref()
                ),
            ));
        }
        rules.push(Rule {
            name: rule.name.get_ref().clone(),
            condition,
            near: near(rule.near, rule.window),
            weight,
        });
    }
    let mut vetoes = Vec::new();
    for veto in &parsed.veto {
        let condition = names.condition(&veto.all, &veto.any, &veto.unless);
        vetoes.push(Veto {
            name: veto.name.get_ref().clone(),
            condition,
            near: near(veto.near, veto.window),
        });
    }
    if rules.is_empty() {
        names.faults.push(Fault::new(
            &file,
            None,
            "the topic has no rule, so nothing can match; add a [[rule]]",
        ));
    }
    names.faults.or(Topic {
        name: reference.name.clone(),
        title: parsed.title,
        threshold: parsed.threshold,
        summary_weight: parsed.summary_weight,
        scope: Scope::Rules { rules, vetoes },
    })
}

/// Names in rules: a group of this topic, else a concept of the lexicon.
struct Resolver<'a> {
    source: &'a Text<'a>,
    groups: &'a BTreeMap<String, Names>,
    lexicon: &'a Lexicon,
    faults: Faults,
}

impl Resolver<'_> {
    fn condition(&mut self, all: &Names, any: &Names, none: &Names) -> Condition {
        Condition {
            all: self.names(all),
            any: self.names(any),
            none: self.names(none),
        }
    }

    fn names(&mut self, names: &Names) -> Vec<Named> {
        names
            .iter()
            .map(|name| {
                let mut concepts = ConceptSet::default();
                self.collect(name, &mut concepts, &mut Vec::new());
                Named {
                    name: name.get_ref().clone(),
                    concepts,
                }
            })
            .collect()
    }

    fn collect(
        &mut self,
        name: &Spanned<String>,
        concepts: &mut ConceptSet,
        open: &mut Vec<String>,
    ) {
        let text = name.get_ref();
        if let Some(members) = self.groups.get(text) {
            if open.contains(text) {
                self.fault(
                    self.source
                        .fault(name, format!("group \"{text}\" contains itself")),
                );
                return;
            }
            open.push(text.clone());
            for member in members {
                self.collect(member, concepts, open);
            }
            open.pop();
        } else if let Some(id) = self.lexicon.id(text) {
            concepts.insert(id);
        } else {
            let ids = self.lexicon.concepts().iter().map(|it| it.id.as_str());
            let known = self.groups.keys().map(String::as_str).chain(ids);
            let hint =
                crate::text::nearest(text, known).map(|it| format!("; did you mean \"{it}\"?"));
            let message = format!(
                "\"{text}\" is neither a group of this topic nor a concept of the lexicon{}",
                hint.unwrap_or_default()
            );
            self.fault(self.source.fault(name, message));
        }
    }

    /// A group used by five rules has its fault once.
    fn fault(&mut self, fault: Fault) {
        if !self.faults.0.contains(&fault) {
            self.faults.push(fault);
        }
    }
}

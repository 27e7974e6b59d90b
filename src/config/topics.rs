//! Topic files → [`Topic`]s over a lexicon.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use crate::config::fault::{Fault, Faults, Text};
use crate::config::{TopicRef, lexicon, shipped, unreadable};
use crate::story::ladder::State;
use crate::topic::lexicon::{ConceptSet, Lexicon};
use crate::topic::rule::{Clause, Condition, Named, Near, Rule};
use crate::topic::{Course, Engine, Phrases, Rules, Scope, Surroundings, Topic};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TopicFile {
    title: String,
    threshold: f64,
    #[serde(default = "default_summary_weight")]
    summary_weight: f64,
    tell: Option<Spanned<f64>>,
    #[serde(default)]
    group: BTreeMap<String, Vec<Spanned<String>>>,
    #[serde(default)]
    rule: Vec<RuleFile>,
    #[serde(default)]
    related: Vec<ClauseFile>,
    #[serde(default)]
    veto: Vec<ClauseFile>,
    #[serde(default)]
    mark: Vec<ClauseFile>,
    context: Option<ContextFile>,
    course: Option<CourseFile>,
}

/// The matter that takes a course: whose it is, and how headlines tell where it stands.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CourseFile {
    #[serde(default = "default_noun")]
    noun: String,
    parties: BTreeMap<String, Names>,
    #[serde(default)]
    official: Names,
    #[serde(default)]
    leaders: Names,
    #[serde(default)]
    state_voices: Names,
    #[serde(default)]
    events: Names,
    #[serde(default = "default_has_venue")]
    has_venue: bool,
    #[serde(default)]
    state: BTreeMap<Spanned<String>, PhrasesFile>,
}

/// `gloss`, and phrases by language.
#[derive(Debug, Deserialize)]
pub(super) struct PhrasesFile {
    pub(super) gloss: String,
    #[serde(flatten)]
    pub(super) languages: BTreeMap<String, Vec<String>>,
}

fn default_has_venue() -> bool {
    true
}

fn default_noun() -> String {
    "meeting".to_owned()
}

/// By what headlines that satisfy no rule are taken in while the topic is hot.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ContextFile {
    /// Those of the course where not said.
    parties: Option<Vec<Names>>,
    related: Names,
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
struct ClauseFile {
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
    let lexicon = lexicon::read(directory)?;
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
    let related = names.clauses("related", &parsed.related);
    let vetoes = names.clauses("veto", &parsed.veto);
    let marks = names.clauses("mark", &parsed.mark);
    if let Some(tell) = parsed
        .tell
        .as_ref()
        .filter(|it| !(0.0..=1.0).contains(it.get_ref()))
    {
        let said = format!("tell: {} is not between 0 and 1", tell.get_ref());
        names.faults.push(source.fault(tell, said));
    }
    let course = parsed.course.as_ref().map(|it| names.course(it));
    let surroundings = parsed.context.as_ref().map(|it| {
        let of_course = course.iter().flat_map(|it| &it.parties).map(|it| it.1);
        let own = it.parties.as_ref();
        let own = own.map(|it| it.iter().map(|party| names.set(party)).collect());
        Surroundings {
            parties: own.unwrap_or_else(|| of_course.collect()),
            related: names.set(&it.related),
        }
    });
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
        scope: Scope::Rules(Rules {
            rules,
            related,
            vetoes,
            marks,
        }),
        tell: parsed.tell.map(Spanned::into_inner),
        surroundings,
        course,
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
    fn clauses(&mut self, what: &str, written: &[ClauseFile]) -> Vec<Clause> {
        let clauses = written.iter().map(|clause| {
            let condition = self.condition(&clause.all, &clause.any, &clause.unless);
            if condition.all.is_empty() && condition.any.is_empty() {
                let name = clause.name.get_ref();
                let message = format!("{what} \"{name}\" has neither `all` nor `any`");
                self.fault(self.source.fault(&clause.name, message));
            }
            Clause {
                name: clause.name.get_ref().clone(),
                condition,
                near: near(clause.near, clause.window),
            }
        });
        clauses.collect()
    }

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

    fn course(&mut self, file: &CourseFile) -> Course {
        for name in file.state.keys() {
            if State::of(name.get_ref()).is_none() {
                let message = format!(
                    "there is no state \"{}\"; states are {}",
                    name.get_ref(),
                    State::NAMES.join(", ")
                );
                self.fault(self.source.fault(name, message));
            }
        }
        let states = file.state.iter().map(|(name, it)| {
            let phrases = Phrases {
                gloss: it.gloss.clone(),
                phrases: it
                    .languages
                    .iter()
                    .flat_map(|(language, all)| all.iter().map(|it| (language.clone(), it.clone())))
                    .collect(),
            };
            (name.get_ref().clone(), phrases)
        });
        Course {
            noun: file.noun.clone(),
            has_venue: file.has_venue,
            states: states.collect(),
            parties: file
                .parties
                .iter()
                .map(|(name, it)| (name.clone(), self.set(it)))
                .collect(),
            officials: self.set(&file.official),
            leaders: self.set(&file.leaders),
            state_voices: self.set(&file.state_voices),
            events: self.set(&file.events),
        }
    }

    fn set(&mut self, names: &Names) -> ConceptSet {
        let mut set = ConceptSet::default();
        names
            .iter()
            .for_each(|it| self.collect(it, &mut set, &mut Vec::new()));
        set
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

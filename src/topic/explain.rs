//! Why an item matched or not, for people: every rule with what satisfied or failed it, near-misses,
//! and the shortest change of the title that would have matched.

use std::collections::HashSet;

use crate::topic::lexicon::{ConceptId, ConceptSet, Lexicon, Reading};
use crate::topic::rule::{Condition, Named, Near};
use crate::topic::{Scope, Topic, Verdict};

/// One line of an explanation.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    pub name: String,
    pub role: Role,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Role {
    /// With what it adds where it is satisfied: its weight, less in the summary.
    Rule(f64),
    Veto,
    Mark,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Where, and the concepts that satisfied it.
    Satisfied(String),
    /// One part more, or one less, would have satisfied it.
    NearMiss(String),
    Failed(String),
}

/// The fewest words more or less in the title with which an item would have matched.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub edits: Vec<Edit>,
    pub score: f64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// The title says a word for this concept too, which is one of `part`.
    Say { part: String, concept: ConceptId },
    /// The title says nothing of `part`.
    Unsay { part: String, concepts: ConceptSet },
}

/// A change of more words would be another headline.
const MAX_EDITS: usize = 3;
/// Edits that are tried in every combination; more of them take too long to try three by three.
const MAX_TRIED: usize = 60;

/// Every rule, veto and mark with what satisfied or failed it.
pub fn traces(topic: &Topic, reading: &Reading, lexicon: &Lexicon) -> Vec<Trace> {
    let Scope::Rules(scope) = &topic.scope else {
        return Vec::new();
    };
    let rules = scope.rules.iter().map(|rule| {
        let field = rule.satisfied(reading, lexicon);
        let gain = field.map_or(rule.weight, |it| rule.weight * topic.field_weight(it));
        Trace {
            name: rule.name.clone(),
            role: Role::Rule(gain),
            outcome: outcome(&rule.condition, rule.near, reading, lexicon),
        }
    });
    let vetoes = scope.vetoes.iter().map(|it| (it, Role::Veto));
    let marks = scope.marks.iter().map(|it| (it, Role::Mark));
    let clauses = vetoes.chain(marks).map(|(clause, role)| Trace {
        name: clause.name.clone(),
        role,
        outcome: outcome(&clause.condition, clause.near, reading, lexicon),
    });
    rules.chain(clauses).collect()
}

fn outcome(condition: &Condition, near: Near, reading: &Reading, lexicon: &Lexicon) -> Outcome {
    if let Some(field) = condition.field(near, reading, lexicon) {
        let wanted = condition.concepts();
        let mut found: Vec<&str> = Vec::new();
        for hit in &reading.hits {
            let id = lexicon.concept(hit.concept).id.as_str();
            if lexicon.closure(hit.concept).intersects(&wanted) && !found.contains(&id) {
                found.push(id);
            }
        }
        return Outcome::Satisfied(format!("in the {}: {}", field.as_str(), found.join(", ")));
    }
    let lacks = units(near, reading)
        .iter()
        .map(|unit| condition.lacks(unit))
        .min_by_key(Vec::len)
        .unwrap_or_default();
    match lacks.as_slice() {
        [] => Outcome::NearMiss(format!(
            "all parts are there, but not in one {}",
            near.as_str()
        )),
        [lack] if has_part(condition, near, reading) => Outcome::NearMiss(lack.clone()),
        _ => Outcome::Failed(lacks.join("; ")),
    }
}

fn units(near: Near, reading: &Reading) -> Vec<ConceptSet> {
    match near {
        Near::Title => vec![reading.by_sentence[0]],
        Near::Item | Near::Window(_) => vec![reading.all],
        Near::Sentence => reading.by_sentence.clone(),
    }
}

/// A rule of one part is not near because that part is missing.
fn has_part(condition: &Condition, near: Near, reading: &Reading) -> bool {
    let wanted = condition.concepts();
    units(near, reading).iter().any(|it| it.intersects(&wanted))
}

impl Condition {
    /// What `unit` lacks: parts missing, then parts that forbid.
    fn lacks(&self, unit: &ConceptSet) -> Vec<String> {
        let missing = self
            .all
            .iter()
            .filter(|it| !it.concepts.intersects(unit))
            .map(|it| format!("no {}", it.name));
        let any_missing =
            !self.any.is_empty() && !self.any.iter().any(|it| it.concepts.intersects(unit));
        let any = any_missing.then(|| {
            let names: Vec<&str> = self.any.iter().map(|it| it.name.as_str()).collect();
            format!("none of {}", names.join(", "))
        });
        let forbidden = self
            .none
            .iter()
            .filter(|it| it.concepts.intersects(unit))
            .map(|it| format!("{} stands there", it.name));
        missing.chain(any).chain(forbidden).collect()
    }
}

/// The shortest change of the title with which the item would have matched; `None` where it
/// matches already, or where no change of three words does it.
pub fn shortest_change(topic: &Topic, reading: &Reading, lexicon: &Lexicon) -> Option<Change> {
    if topic.score(reading, lexicon).matched {
        return None;
    }
    let edits = edits(topic, reading, lexicon);
    let mut fringe: Vec<(Vec<usize>, Reading)> = vec![(Vec::new(), reading.clone())];
    for depth in 1..=MAX_EDITS {
        let tried = if depth == 1 {
            edits.len()
        } else {
            edits.len().min(MAX_TRIED)
        };
        let mut next = Vec::new();
        // Of several changes the one with the commonest words is the likeliest headline.
        let mut best: Option<(usize, Change)> = None;
        for (made, reading) in &fringe {
            let from = made.last().map_or(0, |last| last + 1);
            for at in from..tried {
                let changed = edits[at].apply(reading, lexicon);
                let made: Vec<usize> = made.iter().copied().chain([at]).collect();
                let scored = topic.score(&changed, lexicon);
                if !scored.matched {
                    next.push((made, changed));
                    continue;
                }
                let common = made.iter().map(|&it| edits[it].commonness(lexicon)).sum();
                if best.as_ref().is_none_or(|(best, _)| common > *best) {
                    let edits = made.iter().map(|&it| edits[it].clone()).collect();
                    let score = scored.score;
                    best = Some((common, Change { edits, score }));
                }
            }
        }
        if let Some((_, change)) = best {
            return Some(change);
        }
        fringe = next;
        // The third edit is tried only after what came nearest with two.
        fringe.sort_by(|a, b| {
            let score = |reading: &Reading| topic.score(reading, lexicon).score;
            score(&b.1).total_cmp(&score(&a.1))
        });
        fringe.truncate(MAX_TRIED);
    }
    None
}

/// What could be said or left unsaid, the parts of the weightiest rules first.
fn edits(topic: &Topic, reading: &Reading, lexicon: &Lexicon) -> Vec<Edit> {
    let Scope::Rules(scope) = &topic.scope else {
        return Vec::new();
    };
    let title = &reading.by_sentence[0];
    let mut rules: Vec<_> = scope.rules.iter().collect();
    rules.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    let mut edits = Vec::new();
    let mut unsaid: HashSet<&str> = HashSet::new();
    let forbidding = rules.iter().flat_map(|it| &it.condition.none);
    let vetoing = scope
        .vetoes
        .iter()
        .flat_map(|it| it.condition.all.iter().chain(&it.condition.any));
    for part in vetoing.chain(forbidding) {
        if part.concepts.intersects(title) && unsaid.insert(&part.name) {
            edits.push(Edit::Unsay {
                part: part.name.clone(),
                concepts: part.concepts,
            });
        }
    }
    let mut said: HashSet<ConceptId> = HashSet::new();
    let wanted = rules
        .iter()
        .flat_map(|it| it.condition.all.iter().chain(&it.condition.any));
    let (mut first, mut others) = (Vec::new(), Vec::new());
    for part in wanted {
        for (at, concept) in missing(part, title, lexicon).enumerate() {
            if said.insert(concept) {
                let part = part.name.clone();
                let list = if at == 0 { &mut first } else { &mut others };
                list.push(Edit::Say { part, concept });
            }
        }
    }
    edits.append(&mut first);
    edits.append(&mut others);
    edits
}

/// Concepts of a part that the title does not name and some word could.
fn missing<'a>(
    part: &'a Named,
    title: &'a ConceptSet,
    lexicon: &'a Lexicon,
) -> impl Iterator<Item = ConceptId> + 'a {
    part.concepts
        .iter()
        .filter(|it| !title.contains(*it) && !lexicon.concept(*it).terms.is_empty())
}

impl Edit {
    fn apply(&self, reading: &Reading, lexicon: &Lexicon) -> Reading {
        match self {
            Self::Say { concept, .. } => reading.with_in_title(*concept, lexicon),
            Self::Unsay { concepts, .. } => reading.without_in_title(concepts, lexicon),
        }
    }

    /// A concept with many terms is said often.
    fn commonness(&self, lexicon: &Lexicon) -> usize {
        match self {
            Self::Say { concept, .. } => lexicon.concept(*concept).terms.len(),
            Self::Unsay { .. } => usize::from(u8::MAX),
        }
    }

    /// As a person would say it.
    pub fn describe(&self, lexicon: &Lexicon) -> String {
        match self {
            Self::Say { part, concept } => {
                let concept = lexicon.concept(*concept);
                if *part == concept.id {
                    format!("a word for {} ({})", concept.id, concept.gloss)
                } else {
                    format!("a word for {} ({}), of {part}", concept.id, concept.gloss)
                }
            }
            Self::Unsay { part, .. } => format!("no word for {part}"),
        }
    }
}

/// What is to be said of an item under a topic: what counted first, then what came near, then the rest.
#[derive(Debug, Clone)]
pub struct Account {
    pub verdict: Verdict,
    pub traces: Vec<Trace>,
    /// With what change of the title it would have matched.
    pub change: Option<String>,
}

pub fn account(topic: &Topic, reading: &Reading, lexicon: &Lexicon) -> Account {
    let mut traces = traces(topic, reading, lexicon);
    traces.sort_by_key(|it| match it.outcome {
        Outcome::Satisfied(_) => 0,
        Outcome::NearMiss(_) => 1,
        Outcome::Failed(_) => 2,
    });
    Account {
        verdict: topic.judge(reading, lexicon),
        traces,
        change: shortest_change(topic, reading, lexicon).map(|it| it.describe(lexicon)),
    }
}

impl Trace {
    /// What came of it, in a word or with what it adds; and why.
    pub fn said(&self) -> (String, &str) {
        let (Outcome::Satisfied(why) | Outcome::NearMiss(why) | Outcome::Failed(why)) =
            &self.outcome;
        let word = match (&self.outcome, self.role) {
            (Outcome::Satisfied(_), Role::Rule(gain)) => format!("yes   +{gain:.2}"),
            (Outcome::NearMiss(_), Role::Rule(gain)) => format!("near  ({gain:.2})"),
            (Outcome::Failed(_), Role::Rule(_)) => "no".to_owned(),
            (Outcome::Satisfied(_), Role::Veto) => "VETO".to_owned(),
            (Outcome::Satisfied(_), Role::Mark) => "mark".to_owned(),
            (_, Role::Veto) => "no veto".to_owned(),
            (_, Role::Mark) => "no mark".to_owned(),
        };
        (word, why)
    }
}

impl Change {
    /// “with a word for summit (…) in the title: score 0.62”.
    pub fn describe(&self, lexicon: &Lexicon) -> String {
        let edits: Vec<String> = self.edits.iter().map(|it| it.describe(lexicon)).collect();
        format!(
            "with {} in the title: score {:.2}",
            edits.join(" and "),
            self.score
        )
    }
}

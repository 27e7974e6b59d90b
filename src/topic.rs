//! What we watch: concepts with terms in every language, rules over concepts, and the judgement
//! of an item with its evidence. Pure; knows nothing of the files it comes from.
//!
//! An item is read once ([`Lexicon::read`]: one automaton over all terms of all topics) and then
//! judged per topic ([`Topic::judge`]).

pub mod check;
pub mod explain;
pub mod lexicon;
pub mod rule;
pub mod suggest;
pub mod term;

use std::collections::BTreeMap;

use crate::topic::lexicon::{ConceptSet, Field, Lexicon, Reading};
use crate::topic::rule::{Clause, Condition, Rule};

/// The lexicon and the topics that are judged over it.
#[derive(Debug)]
pub struct Engine {
    pub lexicon: Lexicon,
    pub topics: Vec<Topic>,
}

impl Engine {
    pub fn topic(&self, name: &str) -> Option<&Topic> {
        self.topics.iter().find(|it| it.name == name)
    }
}

#[derive(Debug, Clone)]
pub struct Topic {
    pub name: String,
    pub title: String,
    pub threshold: f64,
    /// Factor on the weight of a rule that only the summary satisfies.
    pub summary_weight: f64,
    pub scope: Scope,
    /// Probability of weight and newness from which a development is told, 0..1; None for the default.
    pub tell: Option<f64>,
    /// None where only rules decide.
    pub surroundings: Option<Surroundings>,
    /// None where nothing takes a course: there are developments, and no states.
    pub course: Option<Course>,
}

#[derive(Debug, Clone)]
pub enum Scope {
    /// The built-in topic `all`.
    Everything,
    Rules(Rules),
}

#[derive(Debug, Clone, Default)]
pub struct Rules {
    pub rules: Vec<Rule>,
    /// What is told beside the matter: acts and official words on what belongs to it.
    pub related: Vec<Clause>,
    pub vetoes: Vec<Clause>,
    /// What is said of a match without deciding it: a retrospective.
    pub marks: Vec<Clause>,
}

/// What a topic file says of the matter that takes a course: whose it is, and how headlines tell where it stands.
#[derive(Debug, Clone, Default)]
pub struct Course {
    /// What it is called in sentences: meeting, agreement, trial.
    pub noun: String,
    /// Each party by all its names.
    pub parties: Vec<(String, ConceptSet)>,
    /// Who speaks for a party with authority.
    pub officials: ConceptSet,
    /// Those who decide; what they say is news in itself.
    pub leaders: ConceptSet,
    /// Media and offices whose statements are a government's.
    pub state_voices: ConceptSet,
    /// The matter itself, in a headline that says no more than its day: "米朝首脳会談、5月12日に".
    pub events: ConceptSet,
    /// Whether it takes place somewhere: then a place lifts a plan.
    pub has_venue: bool,
    /// A ladder of its own, by the names of states; empty for that of meetings.
    pub states: BTreeMap<String, Phrases>,
}

/// How headlines tell a state.
#[derive(Debug, Clone, Default)]
pub struct Phrases {
    /// English, for people.
    pub gloss: String,
    /// Language and wording.
    pub phrases: Vec<(String, String)>,
}

/// What a topic file says of its surroundings, by which headlines are taken in that satisfy no rule while the topic
/// is hot.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Each party by all its names.
    pub parties: Vec<ConceptSet>,
    /// What else the matter is about: acts, weapons, places.
    pub related: ConceptSet,
}

impl Surroundings {
    /// Whether a headline names a party or what the matter is about: only then it is looked at.
    pub fn touches(&self, reading: &Reading) -> bool {
        let title = &reading.by_sentence[0];
        self.related.intersects(title) || self.parties.iter().any(|it| it.intersects(title))
    }
}

/// The judgement of one item under one topic.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    pub matched: bool,
    /// It does not match, and is about what belongs to the matter.
    pub related: bool,
    /// 1 − Π(1 − weight) over the satisfied rules: 0 with none, nearer to 1 with each.
    pub score: f64,
    pub evidence: Vec<Evidence>,
    /// Names of the topic's marks that apply, in its order.
    pub marks: Vec<String>,
}

/// A verdict without its evidence, for who asks many times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    pub matched: bool,
    pub related: bool,
    pub score: f64,
}

/// A term found, as bytes `start..end` of the original title or summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    pub concept: String,
    pub term: String,
    pub field: Field,
    pub start: usize,
    pub end: usize,
}

impl Topic {
    /// The built-in topic that matches every item.
    pub fn everything() -> Self {
        Self {
            name: "all".to_owned(),
            title: "Everything".to_owned(),
            threshold: 0.0,
            summary_weight: 1.0,
            scope: Scope::Everything,
            tell: None,
            surroundings: None,
            course: None,
        }
    }

    pub fn judge(&self, reading: &Reading, lexicon: &Lexicon) -> Verdict {
        let mut used = ConceptSet::default();
        let scored = self.weigh(reading, lexicon, |it| used.extend(&it.concepts()));
        let mut verdict = Verdict {
            matched: scored.matched,
            related: scored.related,
            score: scored.score,
            evidence: Vec::new(),
            marks: Vec::new(),
        };
        if let (Scope::Rules(scope), false) = (&self.scope, used.is_empty()) {
            let marks = scope.marks.iter().filter(|it| it.applies(reading, lexicon));
            verdict.marks = marks.map(|it| it.name.clone()).collect();
            verdict.evidence = evidence(reading, &used, lexicon);
        }
        verdict
    }

    /// What [`Self::judge`] says, without evidence and marks.
    pub fn score(&self, reading: &Reading, lexicon: &Lexicon) -> Scored {
        self.weigh(reading, lexicon, |_| ())
    }

    fn weigh(
        &self,
        reading: &Reading,
        lexicon: &Lexicon,
        mut satisfied: impl FnMut(&Condition),
    ) -> Scored {
        let Scope::Rules(scope) = &self.scope else {
            return Scored {
                matched: true,
                related: false,
                score: 1.0,
            };
        };
        let mut miss = 1.0;
        if !reading.hits.is_empty() {
            for rule in &scope.rules {
                if let Some(field) = rule.satisfied(reading, lexicon) {
                    miss *= 1.0 - rule.weight * self.field_weight(field);
                    satisfied(&rule.condition);
                }
            }
        }
        let score = 1.0 - miss;
        // Weights are decimal fractions; their products may miss a threshold by the last bit.
        let matched = score > 0.0 && score + 1e-9 >= self.threshold;
        let mut related = scope.related.iter();
        let related = related.find(|it| !matched && it.applies(reading, lexicon));
        let speaks = score > 0.0 || related.is_some();
        if !speaks || scope.vetoes.iter().any(|it| it.applies(reading, lexicon)) {
            return Scored {
                matched: false,
                related: false,
                score: 0.0,
            };
        }
        if let Some(clause) = related {
            satisfied(&clause.condition);
        }
        Scored {
            matched,
            related: related.is_some(),
            score,
        }
    }

    /// Whether an item names two concepts of the rules: what a longer text might satisfy.
    pub fn nearly(&self, reading: &Reading, lexicon: &Lexicon) -> bool {
        let Scope::Rules(scope) = &self.scope else {
            return false;
        };
        let mut used = ConceptSet::default();
        scope
            .rules
            .iter()
            .for_each(|rule| used.extend(&rule.concepts()));
        let mut found = reading
            .hits
            .iter()
            .filter(|hit| lexicon.closure(hit.concept).intersects(&used))
            .map(|hit| hit.concept);
        let first = found.next();
        first.is_some_and(|first| found.any(|it| it != first))
    }

    fn field_weight(&self, field: Field) -> f64 {
        match field {
            Field::Title => 1.0,
            Field::Summary => self.summary_weight,
        }
    }
}

fn evidence(reading: &Reading, used: &ConceptSet, lexicon: &Lexicon) -> Vec<Evidence> {
    reading
        .hits
        .iter()
        .filter(|hit| lexicon.closure(hit.concept).intersects(used))
        .map(|hit| Evidence {
            concept: lexicon.concept(hit.concept).id.clone(),
            term: lexicon.term(hit.term).to_owned(),
            field: hit.field,
            start: hit.start,
            end: hit.end,
        })
        .collect()
}

#[cfg(test)]
mod tests;

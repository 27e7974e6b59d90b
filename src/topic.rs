//! What we watch: concepts with terms in every language, rules over concepts, and the judgement
//! of an item with its evidence. Pure; knows nothing of the files it comes from.
//!
//! An item is read once ([`Lexicon::read`]: one automaton over all terms of all topics) and then
//! judged per topic ([`Topic::judge`]).

pub mod lexicon;
pub mod rule;

use crate::topic::lexicon::{ConceptSet, Field, Lexicon, Reading};
use crate::topic::rule::{Rule, Trace, Veto};

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
}

#[derive(Debug, Clone)]
pub enum Scope {
    /// The built-in topic `all`.
    Everything,
    Rules {
        rules: Vec<Rule>,
        vetoes: Vec<Veto>,
    },
}

/// The judgement of one item under one topic.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    pub matched: bool,
    /// 1 − Π(1 − weight) over the satisfied rules: 0 with none, nearer to 1 with each.
    pub score: f64,
    pub evidence: Vec<Evidence>,
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
        }
    }

    pub fn judge(&self, reading: &Reading, lexicon: &Lexicon) -> Verdict {
        let Scope::Rules { rules, vetoes } = &self.scope else {
            return Verdict {
                matched: true,
                score: 1.0,
                evidence: Vec::new(),
            };
        };
        if reading.hits.is_empty() {
            return Verdict {
                matched: false,
                score: 0.0,
                evidence: Vec::new(),
            };
        }
        let mut miss = 1.0;
        let mut used = ConceptSet::default();
        for rule in rules {
            if let Some(field) = rule.satisfied(reading, lexicon) {
                miss *= 1.0 - rule.weight * self.field_weight(field);
                used.extend(&rule.concepts());
            }
        }
        let score = 1.0 - miss;
        let vetoed = score > 0.0 && vetoes.iter().any(|veto| veto.applies(reading, lexicon));
        // Weights are decimal fractions; their products may miss a threshold by the last bit.
        let matched = score + 1e-9 >= self.threshold && score > 0.0 && !vetoed;
        let evidence = if score > 0.0 {
            evidence(reading, &used, lexicon)
        } else {
            Vec::new()
        };
        Verdict {
            matched,
            score: if vetoed { 0.0 } else { score },
            evidence,
        }
    }

    /// Whether an item names two concepts of the rules and satisfies none: what a longer text might.
    pub fn nearly(&self, reading: &Reading, lexicon: &Lexicon) -> bool {
        let Scope::Rules { rules, .. } = &self.scope else {
            return false;
        };
        let mut used = ConceptSet::default();
        rules.iter().for_each(|rule| used.extend(&rule.concepts()));
        let mut found = reading
            .hits
            .iter()
            .filter(|hit| lexicon.closure(hit.concept).intersects(&used))
            .map(|hit| hit.concept);
        let first = found.next();
        first.is_some_and(|first| found.any(|it| it != first))
    }

    /// Every rule and veto with what satisfied or failed it, for people.
    pub fn explain(&self, reading: &Reading, lexicon: &Lexicon) -> Vec<Trace> {
        match &self.scope {
            Scope::Everything => Vec::new(),
            Scope::Rules { rules, vetoes } => {
                let rules = rules.iter().map(|rule| rule.explain(reading, lexicon));
                rules
                    .chain(vetoes.iter().map(|veto| veto.explain(reading, lexicon)))
                    .collect()
            }
        }
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

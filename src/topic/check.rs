//! What is wrong, or may be, with a lexicon and the rules over it, before a single item is judged;
//! and what the rules did on items. For the person who writes them.

use std::collections::BTreeMap;

use crate::topic::lexicon::{ConceptId, ConceptSet, Kind, Lexicon, Nested, Reading};
use crate::topic::rule::{Condition, Named, Rule};
use crate::topic::{Rules, Scope, Topic};

/// Something to mend, or something to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub grade: Grade,
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grade {
    /// It does nothing, or not what it says.
    Problem,
    /// It may be meant.
    Note,
}

impl Finding {
    fn problem(message: String) -> Self {
        Self {
            grade: Grade::Problem,
            message,
        }
    }

    fn note(message: String) -> Self {
        Self {
            grade: Grade::Note,
            message,
        }
    }
}

/// Examples in one message; more are counted.
const EXAMPLES: usize = 3;

/// Spellings that count for two concepts or are blocked and found at once, and concepts without any.
pub fn lexicon(lexicon: &Lexicon) -> Vec<Finding> {
    let mut findings = Vec::new();
    let nested = lexicon.nested();
    let filling = || nested.iter().filter(|it| it.fills);
    let mut shared: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for it in filling().filter(|it| it.inner != it.outer) {
        let (outer, inner) = (lexicon.concept(it.outer), lexicon.concept(it.inner));
        let blocked = [outer, inner].iter().any(|it| it.kind == Kind::Block);
        if blocked && filling().any(|other| mirrors(other, it)) && outer.kind == Kind::Block {
            findings.push(Finding::problem(format!(
                "“{}” is blocked by {} and found by {} all the same; one of them must go",
                it.outer_term, outer.id, inner.id
            )));
        } else if !blocked && outer.id < inner.id && filling().any(|other| mirrors(other, it)) {
            shared
                .entry((&outer.id, &inner.id))
                .or_default()
                .push(&it.outer_term);
        }
    }
    for ((one, other), terms) in shared {
        findings.push(Finding::note(format!(
            "{one} and {other} share {}; each of them counts for both",
            examples(&terms)
        )));
    }
    for concept in lexicon.concepts() {
        if concept.terms.is_empty() {
            findings.push(Finding::note(format!(
                "concept {} has no term; only `also` of others can bring it in",
                concept.id
            )));
        }
    }
    findings
}

fn mirrors(other: &Nested, it: &Nested) -> bool {
    other.outer == it.inner
        && other.inner == it.outer
        && other.outer_term == it.inner_term
        && other.inner_term == it.outer_term
}

/// Rules that can never fire or say the same, a threshold out of reach, and longer terms that hide
/// what the topic looks for.
pub fn topic(topic: &Topic, lexicon: &Lexicon) -> Vec<Finding> {
    let Scope::Rules(scope) = &topic.scope else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    let sayable = sayable(lexicon);
    let rules = scope
        .rules
        .iter()
        .map(|it| ("rule", &it.name, &it.condition));
    let vetoes = scope
        .vetoes
        .iter()
        .map(|it| ("veto", &it.name, &it.condition));
    let marks = scope
        .marks
        .iter()
        .map(|it| ("mark", &it.name, &it.condition));
    for (what, name, condition) in rules.chain(vetoes).chain(marks) {
        if let Some(why) = never(condition, &sayable, lexicon) {
            findings.push(Finding::problem(format!(
                "{what} “{name}” can never fire: {why}"
            )));
        }
    }
    for (at, rule) in scope.rules.iter().enumerate() {
        if rule.weight <= 0.0 {
            findings.push(Finding::problem(format!(
                "rule “{}” adds nothing: its weight is 0",
                rule.name
            )));
        }
        for other in &scope.rules[..at] {
            if other.name == rule.name {
                findings.push(Finding::problem(format!(
                    "two rules are called “{}”",
                    rule.name
                )));
            } else if same(rule, other) {
                findings.push(Finding::problem(format!(
                    "rules “{}” and “{}” ask for the same",
                    other.name, rule.name
                )));
            }
        }
    }
    let most = 1.0
        - scope
            .rules
            .iter()
            .map(|it| 1.0 - it.weight)
            .product::<f64>();
    if most + 1e-9 < topic.threshold {
        findings.push(Finding::problem(format!(
            "all rules together give {most:.2}, below the threshold of {:.2}: nothing can match",
            topic.threshold
        )));
    }
    findings.extend(hidden(scope, lexicon));
    findings
}

/// Concepts that some text can bring in.
fn sayable(lexicon: &Lexicon) -> ConceptSet {
    let mut sayable = ConceptSet::default();
    for concept in lexicon.concepts() {
        if !concept.terms.is_empty() && concept.kind != Kind::Block {
            let id = lexicon.id(&concept.id).expect("its own concept");
            sayable.extend(lexicon.closure(id));
        }
    }
    sayable
}

fn never(condition: &Condition, sayable: &ConceptSet, lexicon: &Lexicon) -> Option<String> {
    for part in &condition.all {
        if let Some(why) = unusable(part, condition, sayable, lexicon) {
            return Some(why);
        }
    }
    let mut whys = condition
        .any
        .iter()
        .map(|part| unusable(part, condition, sayable, lexicon));
    // Empty where there is no `any`.
    let first = whys.next()??;
    whys.all(|it| it.is_some()).then_some(first)
}

/// Why nothing that is said can bring `part` in without being forbidden.
fn unusable(
    part: &Named,
    condition: &Condition,
    sayable: &ConceptSet,
    lexicon: &Lexicon,
) -> Option<String> {
    let mut usable = part
        .concepts
        .iter()
        .filter(|it| sayable.contains(*it))
        .peekable();
    if usable.peek().is_none() {
        return Some(format!("no term says {}", part.name));
    }
    let forbids = |id: ConceptId| {
        condition
            .none
            .iter()
            .find(|it| it.concepts.intersects(lexicon.closure(id)))
    };
    let mut last = None;
    for id in usable {
        last = Some(forbids(id)?);
    }
    last.map(|it| format!("all of {} is forbidden, by {}", part.name, it.name))
}

fn same(a: &Rule, b: &Rule) -> bool {
    let sets = |parts: &[Named]| parts.iter().map(|it| it.concepts).collect::<Vec<_>>();
    let key = |it: &Rule| {
        let condition = &it.condition;
        (
            sets(&condition.all),
            sets(&condition.any),
            sets(&condition.none),
            it.near,
        )
    };
    key(a) == key(b)
}

/// The longest match wins: what a longer term covers is not seen, unless its concept says so with
/// `also`. Told where a rule looks for what is covered and for nothing that covers it.
fn hidden(scope: &Rules, lexicon: &Lexicon) -> Vec<Finding> {
    let wanted: Vec<&Named> = scope
        .rules
        .iter()
        .flat_map(|it| it.condition.all.iter().chain(&it.condition.any))
        .collect();
    let mut pairs: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for it in lexicon.nested() {
        let outer = lexicon.closure(it.outer);
        let hides =
            |part: &&&Named| part.concepts.contains(it.inner) && !part.concepts.intersects(outer);
        let kind = lexicon.concept(it.outer).kind;
        if it.fills
            || kind == Kind::Block
            || outer.contains(it.inner)
            || !wanted.iter().any(|it| hides(&it))
        {
            continue;
        }
        let (outer, inner) = (lexicon.concept(it.outer), lexicon.concept(it.inner));
        let example = format!("“{}” in “{}”", it.inner_term, it.outer_term);
        pairs
            .entry((&outer.id, &inner.id))
            .or_default()
            .push(example);
    }
    let notes = pairs.into_iter().map(|((outer, inner), mut terms)| {
        terms.dedup();
        let terms: Vec<&str> = terms.iter().map(String::as_str).collect();
        Finding::note(format!("{outer} hides {inner}: {}", examples(&terms)))
    });
    notes.collect()
}

fn examples(terms: &[&str]) -> String {
    let shown = terms[..terms.len().min(EXAMPLES)].join(", ");
    match terms.len().saturating_sub(EXAMPLES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// What a topic did on items.
#[derive(Debug, Clone, Default)]
pub struct Firing {
    pub items: usize,
    pub matched: usize,
    /// Per rule, then per veto, then per mark, in the topic's order.
    pub fired: Vec<usize>,
}

/// Fewer items prove nothing about a rule.
const ENOUGH_ITEMS: usize = 200;
/// A topic or a rule that takes more than one item in so many filters nothing.
const FILTERS_NOTHING: usize = 2;

impl Firing {
    pub fn add(&mut self, topic: &Topic, reading: &Reading, lexicon: &Lexicon) {
        self.items += 1;
        let Scope::Rules(scope) = &topic.scope else {
            return;
        };
        self.matched += usize::from(topic.score(reading, lexicon).matched);
        let rules = scope
            .rules
            .iter()
            .map(|it| it.satisfied(reading, lexicon).is_some());
        let clauses = scope.vetoes.iter().chain(&scope.marks);
        let fired: Vec<bool> = rules
            .chain(clauses.map(|it| it.applies(reading, lexicon)))
            .collect();
        self.fired.resize(fired.len(), 0);
        for (count, fired) in self.fired.iter_mut().zip(fired) {
            *count += usize::from(fired);
        }
    }

    /// Each rule, veto and mark with how often it fired.
    pub fn by_name<'a>(&'a self, topic: &'a Topic) -> Vec<(&'a str, usize)> {
        let Scope::Rules(scope) = &topic.scope else {
            return Vec::new();
        };
        let rules = scope.rules.iter().map(|it| it.name.as_str());
        let clauses = scope.vetoes.iter().chain(&scope.marks);
        let names = rules.chain(clauses.map(|it| it.name.as_str()));
        names.zip(self.fired.iter().copied()).collect()
    }

    pub fn findings(&self, topic: &Topic) -> Vec<Finding> {
        if self.items < ENOUGH_ITEMS {
            return Vec::new();
        }
        let most = |count: usize| count * FILTERS_NOTHING > self.items;
        let mut findings = Vec::new();
        if most(self.matched) {
            findings.push(Finding::problem(format!(
                "the topic matches {} of {} items: it filters nothing",
                self.matched, self.items
            )));
        }
        for (name, count) in self.by_name(topic) {
            if most(count) {
                findings.push(Finding::problem(format!(
                    "“{name}” fired on {count} of {} items",
                    self.items
                )));
            } else if count == 0 {
                findings.push(Finding::note(format!(
                    "“{name}” fired on none of {} items",
                    self.items
                )));
            }
        }
        findings
    }
}

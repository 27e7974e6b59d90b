//! Rules over concepts: which must stand together, how near, and which forbid the match.

use crate::topic::lexicon::{ConceptSet, Field, Lexicon, Reading};

/// The unit of text in which all parts of a rule must stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Near {
    Title,
    /// One sentence; the title is one.
    Sentence,
    /// So many characters of one field.
    Window(usize),
    /// Title and summary together.
    Item,
}

/// A named set of concepts: a group, or a concept under its own name.
#[derive(Debug, Clone)]
pub struct Named {
    pub name: String,
    pub concepts: ConceptSet,
}

/// What must, may and must not stand in a unit.
#[derive(Debug, Clone, Default)]
pub struct Condition {
    pub all: Vec<Named>,
    /// At least one of these, where there are any.
    pub any: Vec<Named>,
    pub none: Vec<Named>,
}

#[derive(Debug, Clone)]
pub struct Rule {
    pub name: String,
    pub condition: Condition,
    pub near: Near,
    pub weight: f64,
}

/// A reason to say no whatever the rules say; its `none` are the exceptions.
#[derive(Debug, Clone)]
pub struct Veto {
    pub name: String,
    pub condition: Condition,
    pub near: Near,
}

/// One line of an explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    pub rule: String,
    pub satisfied: bool,
    pub veto: bool,
    /// What satisfied it, or what was missing or forbidden where it came nearest.
    pub why: String,
}

impl Condition {
    fn holds(&self, unit: &ConceptSet) -> bool {
        self.all.iter().all(|it| it.concepts.intersects(unit))
            && (self.any.is_empty() || self.any.iter().any(|it| it.concepts.intersects(unit)))
            && !self.none.iter().any(|it| it.concepts.intersects(unit))
    }

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

    /// The first unit of the reading in which the condition holds, as the field it lies in.
    fn field(&self, near: Near, reading: &Reading, lexicon: &Lexicon) -> Option<Field> {
        match near {
            Near::Title => self.holds(&reading.by_sentence[0]).then_some(Field::Title),
            Near::Sentence => {
                let at = reading
                    .by_sentence
                    .iter()
                    .position(|unit| self.holds(unit))?;
                Some(if at == 0 {
                    Field::Title
                } else {
                    Field::Summary
                })
            }
            Near::Item if self.holds(&reading.by_sentence[0]) && self.holds(&reading.all) => {
                Some(Field::Title)
            }
            Near::Item => self.holds(&reading.all).then_some(Field::Summary),
            Near::Window(characters) => self.window(characters, reading, lexicon),
        }
    }

    fn window(&self, characters: usize, reading: &Reading, lexicon: &Lexicon) -> Option<Field> {
        let hits = &reading.hits;
        hits.iter().enumerate().find_map(|(at, first)| {
            let mut unit = ConceptSet::default();
            hits[at..]
                .iter()
                .take_while(|hit| hit.field == first.field)
                .filter(|hit| hit.to <= first.at + characters)
                .for_each(|hit| unit.extend(lexicon.closure(hit.concept)));
            self.holds(&unit).then_some(first.field)
        })
    }

    fn concepts(&self) -> ConceptSet {
        let mut set = ConceptSet::default();
        self.all
            .iter()
            .chain(&self.any)
            .for_each(|it| set.extend(&it.concepts));
        set
    }

    fn best_unit<'a>(&self, near: Near, reading: &'a Reading) -> &'a ConceptSet {
        match near {
            Near::Title => &reading.by_sentence[0],
            Near::Item | Near::Window(_) => &reading.all,
            Near::Sentence => reading
                .by_sentence
                .iter()
                .min_by_key(|unit| self.lacks(unit).len())
                .unwrap_or(&reading.all),
        }
    }

    fn explain(&self, near: Near, reading: &Reading, lexicon: &Lexicon) -> (bool, String) {
        if let Some(field) = self.field(near, reading, lexicon) {
            let concepts = self.concepts();
            let found: Vec<String> = reading
                .hits
                .iter()
                .filter(|hit| lexicon.closure(hit.concept).intersects(&concepts))
                .map(|hit| lexicon.concept(hit.concept).id.clone())
                .collect();
            return (
                true,
                format!("in the {}: {}", field.as_str(), dedup(found).join(", ")),
            );
        }
        let lacks = self.lacks(self.best_unit(near, reading));
        if lacks.is_empty() {
            return (
                false,
                format!("all parts are there, but not in one {}", near.as_str()),
            );
        }
        (false, lacks.join("; "))
    }
}

impl Near {
    fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Sentence => "sentence",
            Self::Window(_) => "window",
            Self::Item => "item",
        }
    }
}

impl Rule {
    /// The field in which the rule is satisfied.
    pub fn satisfied(&self, reading: &Reading, lexicon: &Lexicon) -> Option<Field> {
        self.condition.field(self.near, reading, lexicon)
    }

    pub fn concepts(&self) -> ConceptSet {
        self.condition.concepts()
    }

    pub fn explain(&self, reading: &Reading, lexicon: &Lexicon) -> Trace {
        let (satisfied, why) = self.condition.explain(self.near, reading, lexicon);
        Trace {
            rule: self.name.clone(),
            satisfied,
            veto: false,
            why,
        }
    }
}

impl Veto {
    pub fn applies(&self, reading: &Reading, lexicon: &Lexicon) -> bool {
        self.condition.field(self.near, reading, lexicon).is_some()
    }

    pub fn explain(&self, reading: &Reading, lexicon: &Lexicon) -> Trace {
        let (satisfied, why) = self.condition.explain(self.near, reading, lexicon);
        Trace {
            rule: self.name.clone(),
            satisfied,
            veto: true,
            why,
        }
    }
}

fn dedup(names: Vec<String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for name in names {
        if !out.contains(&name) {
            out.push(name);
        }
    }
    out
}

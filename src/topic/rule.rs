//! Rules over concepts: which must stand together, how near, and which forbid the match.
//! What they say to people is in `explain`.

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

/// A veto, which says no whatever the rules say, or a mark; its `none` are the exceptions.
#[derive(Debug, Clone)]
pub struct Clause {
    pub name: String,
    pub condition: Condition,
    pub near: Near,
}

impl Condition {
    pub(super) fn holds(&self, unit: &ConceptSet) -> bool {
        self.all.iter().all(|it| it.concepts.intersects(unit))
            && (self.any.is_empty() || self.any.iter().any(|it| it.concepts.intersects(unit)))
            && !self.none.iter().any(|it| it.concepts.intersects(unit))
    }

    /// The first unit of the reading in which the condition holds, as the field it lies in.
    pub(super) fn field(&self, near: Near, reading: &Reading, lexicon: &Lexicon) -> Option<Field> {
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

    /// Everything that can help to satisfy it.
    pub(super) fn concepts(&self) -> ConceptSet {
        let mut set = ConceptSet::default();
        self.all
            .iter()
            .chain(&self.any)
            .for_each(|it| set.extend(&it.concepts));
        set
    }
}

impl Near {
    pub fn as_str(self) -> &'static str {
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

    /// Everything that can help to satisfy it.
    pub fn concepts(&self) -> ConceptSet {
        self.condition.concepts()
    }
}

impl Clause {
    pub fn applies(&self, reading: &Reading, lexicon: &Lexicon) -> bool {
        self.condition.field(self.near, reading, lexicon).is_some()
    }
}

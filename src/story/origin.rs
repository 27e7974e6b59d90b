//! Where a report comes from: the agency or paper it names, else its own outlet. Ten papers with
//! one wire's text are one source. Pure; names and families are configuration.

use crate::topic::lexicon::{ConceptId, Reading};

#[derive(Debug, Clone)]
pub struct Named {
    pub concept: ConceptId,
    pub name: String,
    /// Families of feeds that are this origin themselves.
    pub families: Vec<String>,
}

/// In the order in which they are preferred where a report names several.
#[derive(Debug, Default)]
pub struct Origins(pub Vec<Named>);

impl Origins {
    /// Whom the headline or the first sentence of the lead cites.
    pub fn cited(&self, reading: &Reading) -> Option<&str> {
        let cited = self.0.iter().find(|it| {
            let mut hits = reading.hits.iter().filter(|hit| hit.sentence <= 1);
            hits.any(|hit| hit.concept == it.concept)
        });
        cited.map(|it| it.name.as_str())
    }

    /// The name of the origin of an item that cites nobody: its outlet's.
    pub fn of_outlet<'a>(&'a self, family: &str, outlet: &'a str) -> &'a str {
        let own = self.0.iter().find(|it| it.is(family) || it.is(outlet));
        own.map_or(outlet, |it| it.name.as_str())
    }
}

impl Named {
    fn is(&self, family: &str) -> bool {
        self.families
            .iter()
            .any(|it| it.eq_ignore_ascii_case(family))
    }
}

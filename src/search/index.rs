//! What the full-text index can say of a query. The index knows columns but no positions, so an
//! expression finds at least what the query accepts, and the query has the last word.

use crate::search::phrase::{Part, Phrase};
use crate::search::{Node, Scope};
use crate::text::fold::fold;
use crate::text::grams::{is_unspaced, segmented};
use crate::topic::lexicon::{ConceptId, Lexicon};

/// `None`: every item may be accepted.
pub(super) fn expression(node: &Node, lexicon: &Lexicon) -> Option<String> {
    match node {
        Node::All(nodes) => {
            let parts = nodes.iter().filter_map(|it| expression(it, lexicon));
            joined(parts.collect(), " AND ")
        }
        Node::Any(nodes) => {
            let parts: Option<Vec<String>> =
                nodes.iter().map(|it| expression(it, lexicon)).collect();
            joined(parts?, " OR ")
        }
        Node::Phrase(scope, phrase) => Some(match scope {
            Scope::Anywhere => of_phrase(phrase),
            Scope::Title => format!("{{title}} : ({})", of_phrase(phrase)),
            Scope::Summary => format!("{{summary}} : ({})", of_phrase(phrase)),
        }),
        Node::Concept(concept) => of_concept(*concept, lexicon),
        Node::Not(_) | Node::Filter(_) => None,
    }
}

fn joined(mut parts: Vec<String>, with: &str) -> Option<String> {
    parts.dedup();
    match parts.len() {
        0 => None,
        1 => parts.pop(),
        _ => Some(format!("({})", parts.join(with))),
    }
}

fn of_phrase(phrase: &Phrase) -> String {
    let last = phrase.parts.len() - 1;
    let parts = phrase.parts.iter().enumerate();
    let parts = parts.flat_map(|(at, part)| match part {
        Part::Word(word) if phrase.open && at == last => vec![prefix(word)],
        Part::Word(word) => vec![exact(word)],
        Part::Run(run) => of_run(run),
    });
    joined(parts.collect(), " AND ").expect("a phrase has a part")
}

/// The last character of a run may go on to form another pair in the text.
fn of_run(run: &str) -> Vec<String> {
    let cut = segmented(run);
    let mut grams: Vec<&str> = cut.split(' ').filter(|it| !it.is_empty()).collect();
    let last = grams.pop().unwrap_or_default();
    if grams.is_empty() {
        return vec![prefix(last)];
    }
    grams.into_iter().map(exact).collect()
}

/// Every term of the concept and of those that say it besides.
fn of_concept(concept: ConceptId, lexicon: &Lexicon) -> Option<String> {
    let says = lexicon.concepts().iter().filter(|it| {
        lexicon
            .id(&it.id)
            .is_some_and(|id| lexicon.closure(id).contains(concept))
    });
    let terms = says.flat_map(|it| it.terms.iter().map(|term| of_term(term)));
    let terms: Option<Vec<String>> = terms.collect();
    let mut terms = terms?;
    terms.sort_unstable();
    joined(terms, " OR ")
}

/// `*` opens a word's end; elsewhere a word may have an English plural or possessive.
fn of_term(written: &str) -> Option<String> {
    let written = written.trim_matches('|');
    let mut parts: Vec<String> = Vec::new();
    let pieces: Vec<&str> = written.split('*').collect();
    for (at, piece) in pieces.iter().enumerate() {
        let Some(phrase) = Phrase::new(&fold(piece), at + 1 < pieces.len()) else {
            continue;
        };
        let closed = at + 1 == pieces.len();
        match phrase.parts.last() {
            Some(Part::Word(word)) if closed => {
                let before = Phrase {
                    parts: phrase.parts[..phrase.parts.len() - 1].to_vec(),
                    open: false,
                };
                if !before.parts.is_empty() {
                    parts.push(of_phrase(&before));
                }
                let ends = ["", "s", "es"].map(|end| exact(&format!("{word}{end}")));
                parts.push(format!("({})", ends.join(" OR ")));
            }
            _ => parts.push(of_phrase(&phrase)),
        }
    }
    joined(parts, " AND ")
}

fn exact(token: &str) -> String {
    format!("\"{token}\"")
}

fn prefix(token: &str) -> String {
    debug_assert!(token.chars().all(|c| c.is_alphanumeric() || is_unspaced(c)));
    format!("\"{token}\" *")
}

//! What the full-text index can say of a query. The index knows columns but no positions, so an
//! expression finds at least what the query accepts, and the query has the last word.

use std::collections::{BTreeMap, BTreeSet};

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
    joined(tokens(phrase), " AND ").expect("a phrase has a part")
}

/// What must all be in a text that says the phrase.
fn tokens(phrase: &Phrase) -> Vec<String> {
    let last = phrase.parts.len() - 1;
    let parts = phrase.parts.iter().enumerate();
    let tokens = parts.flat_map(|(at, part)| match part {
        Part::Word(word) if phrase.open && at == last => vec![prefix(word)],
        Part::Word(word) => vec![exact(word)],
        Part::Run(run) => of_run(run),
    });
    without_single_characters(tokens.collect())
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

/// Looking up every pair that a character begins costs more than reading the few items that have
/// everything else, so it is done only where there is nothing else.
fn without_single_characters(tokens: Vec<String>) -> Vec<String> {
    let is_single = |token: &String| {
        token.ends_with('*') && token.chars().filter(|c| is_unspaced(*c)).count() == 1
    };
    let selective: Vec<String> = tokens.iter().filter(|it| !is_single(it)).cloned().collect();
    if selective.is_empty() {
        tokens
    } else {
        selective
    }
}

/// Every term of the concept and of those that say it besides.
fn of_concept(concept: ConceptId, lexicon: &Lexicon) -> Option<String> {
    let says = lexicon.concepts().iter().filter(|it| {
        lexicon
            .id(&it.id)
            .is_some_and(|id| lexicon.closure(id).contains(concept))
    });
    let mut terms: Vec<BTreeSet<String>> = says
        .flat_map(|it| it.terms.iter().flat_map(|term| of_term(term)))
        .collect();
    // A term without a letter is in no index.
    if terms.iter().any(BTreeSet::is_empty) {
        return None;
    }
    // 김정은 finds what 북한 김정은 does: the shortest first, and none that holds one before it.
    terms.sort_by_key(BTreeSet::len);
    let mut needed: Vec<BTreeSet<String>> = Vec::new();
    for term in terms {
        if !needed.iter().any(|it| it.is_subset(&term)) {
            needed.push(term);
        }
    }
    any_of(needed)
}

/// Every look-up of a token costs, however rare it is: what terms share is looked up once, as in
/// `kim AND (jong OR yo)`.
fn any_of(mut terms: Vec<BTreeSet<String>>) -> Option<String> {
    let mut parts = Vec::new();
    while let Some(token) = most_shared(&terms) {
        let (sharing, others): (Vec<_>, Vec<_>) =
            terms.into_iter().partition(|it| it.contains(&token));
        let rests = sharing.into_iter().map(|mut term| {
            term.remove(&token);
            term
        });
        let rests: Vec<BTreeSet<String>> = rests.collect();
        parts.push(if rests.iter().any(BTreeSet::is_empty) {
            token
        } else {
            joined(vec![token, any_of(rests)?], " AND ")?
        });
        terms = others;
    }
    joined(parts, " OR ")
}

fn most_shared(terms: &[BTreeSet<String>]) -> Option<String> {
    let mut sharing: BTreeMap<&String, usize> = BTreeMap::new();
    for token in terms.iter().flatten() {
        *sharing.entry(token).or_default() += 1;
    }
    let most = sharing.into_iter().max_by_key(|(_, terms)| *terms);
    most.map(|(token, _)| token.clone())
}

/// The ways in which a term may be written, each with what must be in a text. `*` opens a word's
/// end; the last word may have an English plural or possessive.
fn of_term(written: &str) -> Vec<BTreeSet<String>> {
    let mut pieces: Vec<&str> = written.trim_matches('|').split('*').collect();
    let closed = pieces.pop().and_then(|it| Phrase::new(&fold(it), false));
    let opened = pieces
        .into_iter()
        .filter_map(|it| Phrase::new(&fold(it), true));
    let mut parts: Vec<Phrase> = opened.collect();
    let Some(closed) = closed else {
        return vec![needs(&parts)];
    };
    let Some(Part::Word(last)) = closed.parts.last().cloned() else {
        parts.push(closed);
        return vec![needs(&parts)];
    };
    let ends = ["", "s", "es"].iter().map(|end| {
        let mut phrase = closed.clone();
        if let Some(part) = phrase.parts.last_mut() {
            *part = Part::Word(format!("{last}{end}"));
        }
        let parts: Vec<Phrase> = parts.iter().cloned().chain([phrase]).collect();
        needs(&parts)
    });
    ends.collect()
}

fn needs(parts: &[Phrase]) -> BTreeSet<String> {
    let tokens = parts.iter().flat_map(tokens);
    without_single_characters(tokens.collect())
        .into_iter()
        .collect()
}

fn exact(token: &str) -> String {
    format!("\"{token}\"")
}

fn prefix(token: &str) -> String {
    format!("\"{token}\" *")
}

#[cfg(test)]
mod tests {
    use super::any_of;

    #[track_caller]
    fn check(terms: &[&str], expected: Option<&str>) {
        let terms = terms
            .iter()
            .map(|it| it.split(' ').map(str::to_owned).collect());
        assert_eq!(any_of(terms.collect()).as_deref(), expected);
    }

    #[test]
    fn what_terms_share_is_looked_up_once() {
        check(&[], None);
        check(&["a"], Some("a"));
        check(&["a", "b"], Some("(b OR a)"));
        check(&["a b", "a c", "d"], Some("((a AND (c OR b)) OR d)"));
        check(&["a b", "a"], Some("a"));
        check(&["a b c", "a b d"], Some("(b AND (a AND (d OR c)))"));
    }
}

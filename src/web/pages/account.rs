//! Why a text matches a topic or not, as the pages tell it: what `explain` says, with the words marked in
//! the text.

use maud::{Markup, html};

use crate::text::{Words, cut, printable};
use crate::topic::explain::{Account, Outcome, Role, account};
use crate::topic::lexicon::{Field, Lexicon};
use crate::topic::{Evidence, Topic};
use crate::web::chart;
use crate::web::page::TEXT;

/// No headline is longer.
const HEADLINE: usize = 1_000;

/// The verdict of a topic on these words, with every rule.
pub(super) fn told(
    topic: &Topic,
    words: &Words<'_>,
    language: Option<&str>,
    lexicon: &Lexicon,
) -> Markup {
    let account = account(topic, &lexicon.read(words), lexicon);
    let verdict = &account.verdict;
    let word = if verdict.matched {
        "matches"
    } else {
        "does not match"
    };
    html! {
        section.account {
            h3 { (topic.title) ": " span class=(if verdict.matched { "yes" } else { "no" }) { (word) } }
            p.score-line {
                (chart::score(verdict.score, topic.threshold, verdict.matched))
                span { "score " b { (format!("{:.2}", verdict.score)) } ", threshold " (format!("{:.2}", topic.threshold)) }
                @for mark in &verdict.marks { " " span.held { (mark) } }
            }
            p.marked { (marked(words.title, Field::Title, language, &verdict.evidence)) }
            @if !words.summary.is_empty() {
                p.marked.summary { (marked(words.summary, Field::Summary, language, &verdict.evidence)) }
            }
            @if let Some(change) = &account.change { p.change { "It would match " (change) "." } }
            (rules(topic, &account))
        }
    }
}

fn rules(topic: &Topic, account: &Account) -> Markup {
    let counted = account
        .traces
        .iter()
        .filter(|it| !matches!(it.outcome, Outcome::Failed(_)));
    let failed = account
        .traces
        .iter()
        .filter(|it| matches!(it.outcome, Outcome::Failed(_)));
    html! {
        @if !account.traces.is_empty() {
            (table(&format!("Rules of {} that counted or came near", topic.title), counted))
            details { summary { "Rules that have no part in it" } (table(&format!("Rules of {} that failed", topic.title), failed)) }
        }
    }
}

fn table<'a>(
    caption: &str,
    traces: impl Iterator<Item = &'a crate::topic::explain::Trace>,
) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label=(caption) {
            table.rules {
                thead { tr { th scope="col" { "Says" } th scope="col" { "Rule" } th scope="col" { "Why" } } }
                tbody {
                    @for trace in traces {
                        @let (word, why) = trace.said();
                        tr class=[class(&trace.outcome, trace.role)] { td { (word) } th scope="row" { (trace.name) } td { (why) } }
                    }
                }
            }
        }
    }
}

fn class(outcome: &Outcome, role: Role) -> Option<&'static str> {
    match (outcome, role) {
        (Outcome::Satisfied(_), Role::Veto) => Some("veto"),
        (Outcome::Satisfied(_), _) => Some("yes"),
        (Outcome::NearMiss(_), _) => Some("near"),
        (Outcome::Failed(_), _) => None,
    }
}

/// `text` with what was found in it marked, by the bytes at which it stands.
pub(super) fn marked(
    text: &str,
    field: Field,
    language: Option<&str>,
    evidence: &[Evidence],
) -> Markup {
    let limit = match field {
        Field::Title => HEADLINE,
        Field::Summary => TEXT,
    };
    let mut pieces: Vec<(&str, Option<&str>)> = Vec::new();
    let mut at = 0;
    for found in evidence.iter().filter(|it| it.field == field) {
        let Some(word) = text.get(found.start..found.end) else {
            continue;
        };
        if found.start < at || found.end > limit {
            continue;
        }
        pieces.push((&text[at..found.start], None));
        pieces.push((word, Some(&found.concept)));
        at = found.end;
    }
    let rest = cut(&text[at..], limit);
    html! {
        bdi lang=[language.filter(|it| it.len() <= 12)] {
            @for (piece, concept) in pieces {
                @match concept {
                    Some(concept) => mark title=(concept) { (printable(piece)) },
                    None => (printable(piece)),
                }
            }
            (printable(&rest))
        }
    }
}

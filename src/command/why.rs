//! Why an item matched a topic or not, as `explain` prints it.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::store::items::evidence_json;
use crate::text::{Words, printable};
use crate::topic::Topic;
use crate::topic::explain::{Outcome, Trace, account};
use crate::topic::lexicon::{Field, Lexicon, Reading};

/// The verdict with every rule, veto and mark, what was found, and what would have matched.
pub(super) fn verdict(
    out: &mut impl Write,
    words: &Words<'_>,
    topic: &Topic,
    reading: &Reading,
    lexicon: &Lexicon,
) -> io::Result<()> {
    let account = account(topic, reading, lexicon);
    let verdict = &account.verdict;
    let word = if verdict.matched {
        "matches"
    } else {
        "does not match"
    };
    let (score, threshold) = (verdict.score, topic.threshold);
    write!(
        out,
        "\nTopic {}: {word}, score {score:.2} (threshold {threshold:.2})",
        topic.name
    )?;
    match verdict.marks.as_slice() {
        [] => writeln!(out)?,
        marks => writeln!(out, ", marked {}", marks.join(", "))?,
    }
    let (counted, rest): (Vec<_>, Vec<_>) = account
        .traces
        .iter()
        .partition(|it| matches!(it.outcome, Outcome::Satisfied(_)));
    for trace in counted {
        line(out, trace)?;
    }
    for found in &verdict.evidence {
        let field = match found.field {
            Field::Title => words.title,
            Field::Summary => words.summary,
        };
        let quoted = printable(field.get(found.start..found.end).unwrap_or_default());
        let (field, start, end) = (found.field.as_str(), found.start, found.end);
        writeln!(
            out,
            "  found        “{quoted}” = {} ({field} {start}..{end})",
            found.concept
        )?;
    }
    if let Some(change) = &account.change {
        writeln!(out, "  would match  {change}")?;
    }
    for trace in rest {
        line(out, trace)?;
    }
    Ok(())
}

/// The same as JSON.
pub(super) fn verdict_json(topic: &Topic, reading: &Reading, lexicon: &Lexicon) -> Value {
    let account = account(topic, reading, lexicon);
    let rules = account.traces.iter().map(|trace| {
        let (word, why) = trace.said();
        json!({"rule": trace.name, "says": word, "why": why})
    });
    json!({
        "topic": topic.name, "matched": account.verdict.matched, "score": account.verdict.score,
        "threshold": topic.threshold, "marks": account.verdict.marks,
        "evidence": evidence_json(&account.verdict, "summary"),
        "would_match": account.change.as_ref().map(ToString::to_string), "rules": rules.collect::<Vec<_>>(),
    })
}

fn line(out: &mut impl Write, trace: &Trace) -> io::Result<()> {
    let (word, why) = trace.said();
    writeln!(out, "  {word:12} {}: {why}", trace.name)
}

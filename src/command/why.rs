//! Why an item matched a topic or not, as `explain` and failing cases print it: first what counted, then
//! what came near, then the rest.

use std::io::{self, Write};

use crate::text::{Words, printable};
use crate::topic::Topic;
use crate::topic::explain::{Change, Outcome, Role, Trace, shortest_change, traces};
use crate::topic::lexicon::{Field, Lexicon, Reading};

/// The verdict with every rule, veto and mark, what was found, and what would have matched.
pub(super) fn verdict(
    out: &mut impl Write,
    words: &Words<'_>,
    topic: &Topic,
    reading: &Reading,
    lexicon: &Lexicon,
) -> io::Result<()> {
    let verdict = topic.judge(reading, lexicon);
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
    let traces = traces(topic, reading, lexicon);
    let satisfied = |it: &&Trace| matches!(it.outcome, Outcome::Satisfied(_));
    for trace in traces.iter().filter(satisfied) {
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
    if let Some(change) = shortest_change(topic, reading, lexicon) {
        writeln!(out, "  would match  {}", describe(&change, lexicon))?;
    }
    let near = |it: &&Trace| matches!(it.outcome, Outcome::NearMiss(_));
    let failed = |it: &&Trace| matches!(it.outcome, Outcome::Failed(_));
    for trace in traces
        .iter()
        .filter(near)
        .chain(traces.iter().filter(failed))
    {
        line(out, trace)?;
    }
    Ok(())
}

fn line(out: &mut impl Write, trace: &Trace) -> io::Result<()> {
    let (mark, why) = match (&trace.outcome, trace.role) {
        (Outcome::Satisfied(why), Role::Rule(gain)) => (format!("yes   +{gain:.2}"), why),
        (Outcome::Satisfied(why), Role::Veto) => ("VETO".to_owned(), why),
        (Outcome::Satisfied(why), Role::Mark) => ("mark".to_owned(), why),
        (Outcome::NearMiss(why), Role::Rule(gain)) => (format!("near  ({gain:.2})"), why),
        (Outcome::Failed(why), Role::Rule(_)) => ("no".to_owned(), why),
        (Outcome::NearMiss(why) | Outcome::Failed(why), Role::Veto) => ("no veto".to_owned(), why),
        (Outcome::NearMiss(why) | Outcome::Failed(why), Role::Mark) => ("no mark".to_owned(), why),
    };
    writeln!(out, "  {mark:12} {}: {why}", trace.name)
}

/// “with a word for summit (…) in the title: score 0.62”.
pub(super) fn describe(change: &Change, lexicon: &Lexicon) -> String {
    let edits: Vec<String> = change.edits.iter().map(|it| it.describe(lexicon)).collect();
    format!(
        "with {} in the title: score {:.2}",
        edits.join(" and "),
        change.score
    )
}

//! Sequences of headlines beside a topic: what must become of the last one, and what became of it.

use std::io::Write;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::config::cases::{Novelty, Sequence};
use crate::rehearsal::{Heard, Rehearsal, Said};
use crate::story::Tables;
use crate::story::ladder::State;
use crate::story::signs::{LIKENESS, WEIGHT};
use crate::text::printable;
use crate::topic::Topic;
use crate::topic::lexicon::Lexicon;

/// When a sequence begins: some day.
const BEGINS: &str = "2026-03-02T09:00:00Z";
const MINUTES_APART: i64 = 10;
/// Signs that are shown of each sum.
const SHOWN: usize = 4;

/// A sequence that came otherwise.
pub(super) struct Wrong<'a> {
    sequence: &'a Sequence,
    /// What was expected, and what came.
    differences: Vec<String>,
    /// Signs that decided, with what each added.
    why: Vec<String>,
}

impl Wrong<'_> {
    pub(super) fn json(&self) -> Value {
        json!({
            "about": self.sequence.about, "title": self.sequence.title,
            "differences": self.differences, "why": self.why,
        })
    }
}

pub(super) fn wrong<'a>(
    sequences: &'a [Sequence],
    topic: &Topic,
    lexicon: &Lexicon,
    tables: &Tables,
) -> Vec<Wrong<'a>> {
    let tried = sequences.iter().map(|it| play(it, topic, lexicon, tables));
    tried.filter(|it| !it.differences.is_empty()).collect()
}

fn play<'a>(
    sequence: &'a Sequence,
    topic: &Topic,
    lexicon: &Lexicon,
    tables: &Tables,
) -> Wrong<'a> {
    let mut rehearsal = Rehearsal::new(topic, lexicon, tables);
    let mut at: Timestamp = BEGINS.parse().expect("a time");
    let mut before = None;
    for (n, title) in sequence.after.iter().enumerate() {
        let outlet = format!("Outlet {n}");
        let said = Said {
            outlet: &outlet,
            title,
            summary: "",
            url: None,
            at,
        };
        before = rehearsal.say(said).and_then(|it| it.development);
        at = later(at, SignedDuration::from_mins(MINUTES_APART));
    }
    let said = Said {
        outlet: "Outlet",
        title: &sequence.title,
        summary: &sequence.summary,
        url: None,
        at: later(at, SignedDuration::from_hours(sequence.hours.unwrap_or(1))),
    };
    let heard = rehearsal.say(said);
    let mut differences = Vec::new();
    let mut differs = |what: &str, expected: &str, got: &str| {
        if expected != got {
            differences.push(format!("{what}: expected {expected}, got {got}"));
        }
    };
    if let Some(told) = sequence.told {
        let told = if told { "told" } else { "silent" };
        let got = heard.as_ref().map_or("not on topic", |it| {
            if it.ruling.decision.is_told() {
                "told"
            } else {
                it.ruling.decision.as_str()
            }
        });
        differs(
            "alert",
            told,
            if told == "silent" && got != "told" {
                told
            } else {
                got
            },
        );
    }
    if let Some(novelty) = sequence.development {
        let same = heard
            .as_ref()
            .is_some_and(|it| before.is_some() && it.development == before);
        let expected = if novelty == Novelty::Same {
            "the same"
        } else {
            "a new one"
        };
        differs(
            "development",
            expected,
            if same { "the same" } else { "a new one" },
        );
    }
    let statement = heard.as_ref().map(|it| &it.report.statement);
    if let Some(state) = &sequence.state {
        let got = statement
            .and_then(|it| it.state)
            .map_or("none", State::as_str);
        differs("state", state, got);
    }
    if let Some(speaker) = &sequence.speaker {
        let got = statement.and_then(|it| it.speaker.as_ref());
        differs("speaker", speaker, got.map_or("none", |it| it.who.as_str()));
    }
    Wrong {
        sequence,
        differences,
        why: heard.as_ref().map_or_else(Vec::new, |it| why(it, tables)),
    }
}

/// The strongest signs of likeness to the nearest development, and of weight.
fn why(heard: &Heard, tables: &Tables) -> Vec<String> {
    let weights = &tables.weights;
    let mut why = Vec::new();
    if let Some(nearest) = heard.ruling.placement.ranked.first() {
        why.push(format!(
            "same development: log-odds {:+.2}, {:+.2} joins",
            nearest.log_odds, nearest.join
        ));
        for (at, share) in weights.same.shares(&nearest.signs).into_iter().take(SHOWN) {
            why.push(format!(
                "  {share:+.2}  {}: {}",
                LIKENESS[at], weights.same.glosses[at]
            ));
        }
    }
    why.push(format!(
        "told: certainty {:.2}, {:.2} is needed",
        heard.ruling.certainty, heard.ruling.tell
    ));
    for (at, share) in weights
        .news
        .shares(&heard.ruling.signs)
        .into_iter()
        .take(SHOWN)
    {
        why.push(format!(
            "  {share:+.2}  {}: {}",
            WEIGHT[at], weights.news.glosses[at]
        ));
    }
    why
}

pub(super) fn tell(out: &mut impl Write, file: &str, wrong: &[Wrong<'_>]) -> std::io::Result<()> {
    for it in wrong {
        writeln!(out, "{file}: {}", it.sequence.about)?;
        writeln!(out, "    {}", printable(&it.sequence.title))?;
        for difference in &it.differences {
            writeln!(out, "  - {difference}")?;
        }
        for reason in &it.why {
            writeln!(out, "      {reason}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn later(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.checked_add(span).unwrap_or(at)
}

//! `topics test`: the cases beside a topic, and for each that fails what was expected and why it came
//! otherwise.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::command::topics::{reference, references, sequences};
use crate::command::{Context, Done};
use crate::config::cases::{self, Case, Cases, Says};
use crate::config::fault::Faults;
use crate::config::{Config, TopicRef};
use crate::hearing::{Bench, Heard, Tried};
use crate::story::Tables;
use crate::text::{Words, printable};
use crate::topic::Topic;
use crate::topic::explain::{Outcome, Role, shortest_change, traces};
use crate::topic::lexicon::{Lexicon, Reading};

#[derive(Debug, Args)]
pub(in crate::command) struct Test {
    /// Files of cases, or files or names of topics that have some beside them
    /// [default: every configured topic]
    #[arg(value_name = "FILE")]
    files: Vec<String>,
    /// The topic to judge by [default: the one beside the cases]
    #[arg(long)]
    topic: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A case that came otherwise than expected.
struct Failure<'a> {
    case: &'a Case,
    heard: Heard,
    /// What of its statement and its alert was expected, and what came.
    differences: Vec<String>,
    /// What speaks for and against it.
    why: Vec<String>,
}

impl Test {
    pub(in crate::command) fn run(&self, context: &Context) -> Done {
        let config = context.config()?;
        let mut out = std::io::stdout().lock();
        let (mut reports, mut failed) = (Vec::new(), 0);
        for (reference, cases) in self.sets(&config)? {
            let engine = config.engine_of(std::slice::from_ref(&reference))?;
            let topic = engine.topics.first().context("the topic was just built")?;
            let tables = config.tables(&engine)?;
            let failures = failures(&cases.cases, topic, &engine.lexicon, &tables);
            let wrong = sequences::wrong(&cases.sequences, topic, &engine.lexicon, &tables);
            failed += failures.len() + wrong.len();
            if self.json {
                reports.push(report(&reference, &cases, &failures, &wrong));
            } else {
                sequences::tell(&mut out, &cases.file, &wrong)?;
                tell(&mut out, &reference, &cases, &failures)?;
                if !cases.sequences.is_empty() {
                    let all = cases.sequences.len();
                    let right = all - wrong.len();
                    writeln!(
                        out,
                        "{}: {right} of {all} sequences as expected",
                        reference.name
                    )?;
                }
            }
        }
        if self.json {
            writeln!(out, "{:#}", Value::from(reports))?;
        }
        Ok(ExitCode::from(u8::from(failed > 0)))
    }

    /// Topics with the cases to run on them.
    fn sets(&self, config: &Config) -> Result<Vec<(TopicRef, Cases)>, Faults> {
        if self.files.is_empty() {
            let references = match &self.topic {
                Some(topic) => vec![reference(config, topic)?],
                None => references(config, &[])?,
            };
            let sets = references
                .into_iter()
                .map(|it| Ok((it.clone(), cases::beside(&it)?)));
            return sets.collect();
        }
        let sets = self.files.iter().map(|file| {
            if let Some(stem) = file.strip_suffix(".cases.toml") {
                let beside = format!("{stem}.toml");
                let topic = self.topic.as_deref().unwrap_or(&beside);
                return Ok((reference(config, topic)?, cases::read(Path::new(file))?));
            }
            let topic = reference(config, file)?;
            let cases = cases::beside(&topic)?;
            Ok((topic, cases))
        });
        sets.collect()
    }
}

/// When a case is said: some day.
const SAID: &str = "2026-03-02T09:00:00Z";

fn failures<'a>(
    cases: &'a [Case],
    topic: &Topic,
    lexicon: &Lexicon,
    tables: &Tables,
) -> Vec<Failure<'a>> {
    let at: Timestamp = SAID.parse().expect("a time");
    let mut failures = Vec::new();
    for case in cases {
        let tried = Tried {
            title: &case.title,
            summary: &case.summary,
            language: case.language.as_deref(),
            outlet: None,
            url: None,
            at,
        };
        let heard = Bench::alone(topic, lexicon, tables).hear(tried);
        let verdict = &heard.verdict;
        let marked = case.marks.as_ref().is_none_or(|it| *it == verdict.marks);
        let differences = differences(&case.says, &heard);
        if verdict.matched != case.matches || !marked || !differences.is_empty() {
            let reading = lexicon.read(&Words::new(&case.title, &case.summary));
            failures.push(Failure {
                why: reasons(case, topic, &reading, lexicon),
                case,
                heard,
                differences,
            });
        }
    }
    failures
}

fn differences(says: &Says, heard: &Heard) -> Vec<String> {
    let mut differences = Vec::new();
    let mut differs = |what: &str, expected: &str, got: &str| {
        if expected != got {
            differences.push(format!("{what}: expected {expected}, got {got}"));
        }
    };
    if let Some(state) = &says.state {
        differs("state", state, heard.state());
    }
    if let Some(speaker) = &says.speaker {
        differs("speaker", speaker, heard.who());
    }
    if let Some(predicates) = &says.predicates {
        let sorted = |names: &[String]| {
            let mut names = names.to_vec();
            names.sort_unstable();
            match names.as_slice() {
                [] => "none".to_owned(),
                names => names.join(", "),
            }
        };
        let got = sorted(&heard.statement.predicates);
        differs("predicates", &sorted(predicates), &got);
    }
    if let Some(alert) = says.alert {
        let word = |told: bool| if told { "told" } else { "silent" };
        differs("alert", word(alert), word(heard.is_told()));
    }
    differences
}

/// Near-misses to show, the weightiest.
const NEAR_MISSES: usize = 3;

/// For a match that was not expected the rules that made it; else what came near, too.
fn reasons(case: &Case, topic: &Topic, reading: &Reading, lexicon: &Lexicon) -> Vec<String> {
    let (mut why, mut near) = (Vec::new(), Vec::new());
    for trace in traces(topic, reading, lexicon) {
        match (trace.outcome, trace.role) {
            (Outcome::Satisfied(found), Role::Rule(gain)) => {
                why.push(format!("+{gain:.2}  {}: {found}", trace.name));
            }
            (Outcome::Satisfied(found), Role::Veto) => {
                why.push(format!("veto   {}: {found}", trace.name));
            }
            (Outcome::Satisfied(found), Role::Mark) => {
                why.push(format!("mark   {}: {found}", trace.name));
            }
            (Outcome::NearMiss(lack), Role::Rule(gain)) if case.matches => {
                near.push((gain, format!("({gain:.2}) {}: {lack}", trace.name)));
            }
            _ => {}
        }
    }
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    why.extend(near.into_iter().take(NEAR_MISSES).map(|it| it.1));
    if let Some(change) = shortest_change(topic, reading, lexicon).filter(|_| case.matches) {
        why.push(format!("would match {}", change.describe(lexicon)));
    }
    why
}

fn tell(
    out: &mut impl Write,
    topic: &TopicRef,
    cases: &Cases,
    failures: &[Failure<'_>],
) -> std::io::Result<()> {
    for failure in failures {
        let Failure {
            case,
            heard,
            differences,
            why,
        } = failure;
        let verdict = &heard.verdict;
        let line = case.line.map(|it| format!(":{it}")).unwrap_or_default();
        writeln!(out, "{}{line}: {}", cases.file, case.about)?;
        writeln!(out, "    {}", printable(&case.title))?;
        if !case.summary.is_empty() {
            writeln!(out, "    {}", printable(&case.summary))?;
        }
        let expected = word(
            case.matches,
            case.marks.as_deref().unwrap_or(&verdict.marks),
        );
        writeln!(out, "  - {expected}")?;
        writeln!(
            out,
            "  + {}, score {:.2}",
            word(verdict.matched, &verdict.marks),
            verdict.score
        )?;
        for difference in differences {
            writeln!(out, "  - {difference}")?;
        }
        for reason in why {
            writeln!(out, "      {reason}")?;
        }
        for (what, how) in heard.lines() {
            writeln!(out, "      {what}: {}", printable(&how))?;
        }
        writeln!(out)?;
    }
    let mut languages: BTreeMap<&str, usize> = BTreeMap::new();
    for case in &cases.cases {
        *languages
            .entry(case.language.as_deref().unwrap_or("unsaid"))
            .or_default() += 1;
    }
    let languages: Vec<String> = languages
        .iter()
        .map(|(name, n)| format!("{name} {n}"))
        .collect();
    let all = cases.cases.len();
    writeln!(
        out,
        "{}: {} of {all} cases as expected ({})",
        topic.name,
        all - failures.len(),
        languages.join(", ")
    )
}

fn word(matched: bool, marks: &[String]) -> String {
    let verdict = if matched { "match" } else { "no match" };
    if marks.is_empty() {
        verdict.to_owned()
    } else {
        format!("{verdict}, marked {}", marks.join(", "))
    }
}

fn report(
    topic: &TopicRef,
    cases: &Cases,
    failures: &[Failure<'_>],
    wrong: &[sequences::Wrong<'_>],
) -> Value {
    let failed: Vec<Value> = failures
        .iter()
        .map(|Failure { case, heard, differences, why }| {
            let verdict = &heard.verdict;
            json!({
                "line": case.line, "about": case.about, "language": case.language, "title": case.title,
                "expected": {
                    "matched": case.matches, "marks": case.marks, "state": case.says.state,
                    "speaker": case.says.speaker, "predicates": case.says.predicates, "alert": case.says.alert,
                },
                "got": {
                    "matched": verdict.matched, "score": verdict.score, "marks": verdict.marks,
                    "says": heard.says.summary, "statement": heard.statement_json(), "alert": heard.alert_json(),
                },
                "differences": differences,
                "why": why,
            })
        })
        .collect();
    let wrong: Vec<Value> = wrong.iter().map(sequences::Wrong::json).collect();
    json!({
        "topic": topic.name, "file": cases.file, "cases": cases.cases.len(), "failed": failed,
        "sequences": cases.sequences.len(), "sequences_failed": wrong,
    })
}

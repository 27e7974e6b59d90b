//! A story as a timeline of its developments, each with its reports folded beneath.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

use crate::command::{Context, Done, output};
use crate::store::view::news::{self, Development};
use crate::store::view::stories::{self, Report};
use crate::store::{listing, open_read_only};
use crate::text::{cut, printable};
use crate::topic::Course;
use crate::words::{self, counted};

/// Characters of a headline in a list.
const HEADLINE: usize = 120;

#[derive(Debug, Args)]
pub(super) struct Story {
    /// Number of a story, as `stories` lists it
    story: i64,
    /// Print JSON: a row for each report
    #[arg(long)]
    json: bool,
}

impl Story {
    pub(super) fn run(&self, context: &Context) -> Done {
        let connection = open_read_only(&context.archive()?)?;
        let Some(story) = listing::story(&connection, self.story)? else {
            bail!(
                "there is no story {}; `summitwatch stories` lists them",
                self.story
            );
        };
        if self.json {
            output::print(
                &context.look(),
                &listing::timeline(&connection, story.id)?,
                true,
            )?;
            return Ok(ExitCode::SUCCESS);
        }
        let config = context.config().ok();
        let engine = config.and_then(|it| it.engine_for(&story.topic).ok());
        let course = engine.and_then(|it| it.topic(&story.topic)?.course.clone());
        let mut out = std::io::stdout().lock();
        writeln!(
            out,
            "Story {} ({}): {}",
            story.id,
            story.topic,
            printable(&story.title)
        )?;
        if let Some(into) = story.merged_into {
            writeln!(
                out,
                "  turned out to be story {into}; `summitwatch story {into}` has it"
            )?;
            return Ok(ExitCode::SUCCESS);
        }
        let reports = stories::reports(&connection, story.id, usize::MAX)?;
        let mut of: BTreeMap<Option<i64>, Vec<&Report>> = BTreeMap::new();
        for report in &reports {
            of.entry(report.development_id).or_default().push(report);
        }
        let comments = of.remove(&None).unwrap_or_default();
        writeln!(
            out,
            "  {} to {}: {} of {}",
            story.first_seen_at,
            story.last_seen_at,
            counted(reports.len() - comments.len(), "report", "reports"),
            counted(of.len(), "development", "developments")
        )?;
        if let Some(state) = &story.state {
            writeln!(out, "  {}", stands(course.as_ref(), state))?;
        }
        for merge in listing::merges(&connection, story.id)?.rows {
            let said: Vec<String> = merge.iter().map(output::cell).collect();
            let [at, from, item, ..] = said.as_slice() else {
                continue;
            };
            writeln!(
                out,
                "  {at}: story {from} turned out to be this one, by item {item}"
            )?;
        }
        for it in news::of_story(&connection, story.id)? {
            let reports = of.remove(&Some(it.id)).unwrap_or_default();
            development(&mut out, &it, &reports, course.as_ref())?;
        }
        if !comments.is_empty() {
            writeln!(out, "\nItems that report no development")?;
            for it in comments {
                line(&mut out, it, words::verdict(&it.code))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// "the meeting: postponed", in the words of its topic.
fn stands(course: Option<&Course>, state: &str) -> String {
    let own = course.and_then(|it| it.states.get(state));
    let word = own.map_or_else(|| words::state(state), |it| it.gloss.as_str());
    let noun = course.map_or("meeting", |it| it.noun.as_str());
    format!("the {noun}: {word}")
}

/// What happened, what was told of it, and who reports it.
fn development(
    out: &mut impl Write,
    development: &Development,
    reports: &[&Report],
    course: Option<&Course>,
) -> std::io::Result<()> {
    let it = development;
    let mark = if it.alert_id.is_some() { "●" } else { "○" };
    writeln!(
        out,
        "\n{mark} {}  {}, {}",
        it.created_at,
        words::kind(&it.kind),
        words::verdict(&it.verdict)
    )?;
    if let Some(summary) = it
        .summary
        .as_deref()
        .filter(|said| !said.is_empty() && *said != it.title)
    {
        writeln!(out, "  {}", printable(summary))?;
    }
    let language = it
        .language
        .as_deref()
        .map_or("unknown", words::language_name);
    writeln!(
        out,
        "  “{}” ({language})",
        cut(&printable(&it.title), HEADLINE)
    )?;
    if let Some(state) = &it.state {
        writeln!(out, "  {}", stands(course, state))?;
    }
    writeln!(out, "  why: {}", printable(&it.reason))?;
    for report in reports {
        line(out, report, report.role.as_deref().map_or("", words::role))?;
    }
    Ok(())
}

fn line(out: &mut impl Write, report: &Report, what: &str) -> std::io::Result<()> {
    let citing = if report.origin == report.outlet {
        String::new()
    } else {
        format!(", citing {}", printable(&report.origin))
    };
    writeln!(
        out,
        "    +{:<7} {}{citing} [{}] {what}, item {}",
        span_of(report.development_lag_secs),
        printable(&report.outlet),
        report.language.as_deref().unwrap_or("?"),
        report.item_id
    )
}

/// Seconds as people say them: 40s, 12m, 3h05m, 2d04h.
fn span_of(secs: i64) -> String {
    match secs {
        ..60 => format!("{secs}s"),
        60..3_600 => format!("{}m", secs / 60),
        3_600..86_400 => format!("{}h{:02}m", secs / 3_600, secs % 3_600 / 60),
        _ => format!("{}d{:02}h", secs / 86_400, secs % 86_400 / 3_600),
    }
}

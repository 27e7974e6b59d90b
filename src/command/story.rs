//! A story as a timeline: who reported what when, and what was told of it.

use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

use crate::command::archive::text;
use crate::command::{Context, Done, output};
use crate::store::listing;
use crate::store::open_read_only;
use crate::text::{counted, printable};

#[derive(Debug, Args)]
pub(super) struct Story {
    /// Number of a story, as `stories` lists it
    story: i64,
    /// Print JSON
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
        let timeline = listing::timeline(&connection, story.id)?;
        if self.json {
            output::print(&timeline, true)?;
            return Ok(ExitCode::SUCCESS);
        }
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
        writeln!(
            out,
            "  {} to {}, {}",
            story.first_seen_at,
            story.last_seen_at,
            counted(timeline.rows.len(), "item")
        )?;
        if let Some(state) = &story.state {
            writeln!(out, "  the meeting: {state}")?;
        }
        for merge in listing::merges(&connection, story.id)?.rows {
            writeln!(
                out,
                "  {}: story {} turned out to be this one, by item {}",
                text(&merge[0]),
                text(&merge[1]),
                text(&merge[2])
            )?;
        }
        for row in &timeline.rows {
            entry(&mut out, row)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// One report: when, how long after the first, whose, what it said and what came of it.
fn entry(out: &mut impl Write, row: &[serde_json::Value]) -> std::io::Result<()> {
    let [
        at,
        lag,
        outlet,
        origin,
        language,
        title,
        state,
        code,
        development,
        reason,
        item,
    ] = row
    else {
        return Ok(());
    };
    let citing = if origin == outlet {
        String::new()
    } else {
        format!(", citing {}", text(origin))
    };
    let told = match (code.as_str(), development.as_str()) {
        (Some("alert"), Some(kind)) => format!("ALERT ({kind})"),
        (Some(code), Some(kind)) => format!("{kind}, not told: {code}"),
        (code, _) => code.unwrap_or_default().to_owned(),
    };
    let lag = span_of(lag.as_i64().unwrap_or_default());
    writeln!(
        out,
        "\n{} +{lag}  {}{citing} [{}]  item {}\n  {}",
        text(at),
        text(outlet),
        text(language),
        text(item),
        text(title)
    )?;
    if !state.is_null() {
        writeln!(out, "  meeting: {}", text(state))?;
    }
    writeln!(out, "  {told}: {}", text(reason))
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

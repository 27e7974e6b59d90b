//! `backtest`: what a changed topic would have matched and alerted over the archive.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::bail;
use clap::Args;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::backtest::{Difference, Outcome, run};
use crate::clock::rfc3339;
use crate::command::progress::Progress;
use crate::command::{Context, Done, span, topics};
use crate::config::TopicRef;
use crate::config::file::Span;
use crate::store::history::{self, Fate};
use crate::store::open_read_only;
use crate::text::{cut, printable};

#[derive(Debug, Args)]
pub(super) struct Backtest {
    /// The changed topic: a file, or the name of a configured or shipped topic
    #[arg(long, value_name = "TOPIC")]
    topic: String,
    /// What to compare with [default: the configured or shipped topic of the same name]
    #[arg(long, value_name = "TOPIC")]
    against: Option<String>,
    /// Only items seen within this span before the newest one, like 90d
    #[arg(long, value_parser = span, default_value = "90d")]
    since: Span,
    /// Lines to print of each kind
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// Print JSON, all of it
    #[arg(long)]
    json: bool,
}

impl Backtest {
    pub(super) fn run(&self, context: &Context) -> Done {
        let config = context.config()?;
        let new = topics::reference(&config, &self.topic)?;
        let old = match &self.against {
            Some(topic) => Some(topics::reference(&config, topic)?),
            None => config.topic(&new.name).ok(),
        };
        let tried: Vec<TopicRef> = old.iter().chain([&new]).cloned().collect();
        let engine = config.engine_of(&tried)?;
        let archive = open_read_only(&config.archive)?;
        let Some(newest) = history::newest(&archive)? else {
            bail!("{} holds no item yet", config.archive.display());
        };
        let since = newest.checked_sub(SignedDuration::try_from(self.since.0)?)?;
        let progress = Progress::new("items", history::count_since(&archive, since)?);
        let tables = Arc::new(config.tables(&engine)?);
        let outcome = run(
            &config.archive,
            since,
            engine,
            tables,
            &new.alerts,
            config.poll,
            |done| progress.at(done),
        )?;
        progress.end();
        let against = old.map_or_else(|| "nothing".to_owned(), |it| topics::place(&it));
        if self.json {
            let value = json!({
                "topic": topics::place(&new), "against": against, "since": rfc3339(since), "items": outcome.items,
                "matches": difference(&outcome.matches), "alerts": difference(&outcome.alerts),
            });
            say!("{value:#}")?;
            return Ok(ExitCode::SUCCESS);
        }
        say!(
            "{} against {against}, {} items since {}",
            topics::place(&new),
            outcome.items,
            rfc3339(since)
        )?;
        self.tell(&outcome)?;
        Ok(ExitCode::SUCCESS)
    }

    fn tell(&self, outcome: &Outcome) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        for (what, difference) in [("matches", &outcome.matches), ("alerts", &outcome.alerts)] {
            let Difference { both, gained, lost } = difference;
            writeln!(
                out,
                "\n{what}: {} → {} ({} gained, {} lost, {both} in both)",
                both + lost.len(),
                both + gained.len(),
                gained.len(),
                lost.len()
            )?;
            for (sign, fates) in [('+', gained), ('-', lost)] {
                for fate in fates.iter().take(self.limit) {
                    let title = cut(&printable(&fate.title), 100);
                    let language = fate.language.as_deref().unwrap_or("?");
                    let day = fate.first_seen_at.strftime("%Y-%m-%d");
                    writeln!(
                        out,
                        "  {sign} {day} {language} {} · {title} (item {})",
                        fate.outlet, fate.guid
                    )?;
                }
                if fates.len() > self.limit {
                    writeln!(
                        out,
                        "  {sign} … {} more; --limit shows them",
                        fates.len() - self.limit
                    )?;
                }
            }
        }
        Ok(())
    }
}

fn difference(difference: &Difference) -> Value {
    let lines = |fates: &[Fate]| fates.iter().map(fate).collect::<Vec<_>>();
    json!({"both": difference.both, "gained": lines(&difference.gained), "lost": lines(&difference.lost)})
}

fn fate(fate: &Fate) -> Value {
    json!({
        "item": fate.guid.parse::<i64>().ok(), "first_seen_at": rfc3339(fate.first_seen_at), "outlet": fate.outlet,
        "language": fate.language, "title": fate.title,
    })
}

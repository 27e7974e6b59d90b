//! Commands that poll and send: run, poll, demo, notify test.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::clock::{Clock, rfc3339};
use crate::command::{Context, Done, Usage, block_on, output};
use crate::daemon::poll::Poller;
use crate::daemon::{Setup, prepare};
use crate::ingest::Report;
use crate::message::Message;
use crate::outbox::{Delivery, DeliveryId, Outcome, What};
use crate::store::Store;
use crate::store::query::Table;
use crate::text::{counted, nearest, printable};

pub(super) fn run(context: &Context) -> Done {
    let config = context.config()?;
    let archive = config.archive.clone();
    // A fault of the configuration is told before the archive is made or migrated.
    let setup = Setup::new(config)?;
    let store = open(&archive)?;
    let reload = || Setup::new(context.config()?);
    block_on(crate::daemon::run(setup, store, Clock::System, reload))?;
    Ok(ExitCode::SUCCESS)
}

fn open(archive: &Path) -> anyhow::Result<Store> {
    if let Some(folder) = archive.parent().filter(|it| !it.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("make {} for the archive", folder.display()))?;
    }
    Ok(Store::open(archive)?)
}

#[derive(Debug, Args)]
pub(super) struct Poll {
    /// Poll once and exit; this is what `poll` does, `run` keeps polling
    #[arg(long)]
    once: bool,
    /// Names of feeds; all when none is given
    feeds: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Poll {
    pub(super) fn run(&self, context: &Context) -> Done {
        let config = context.config()?;
        for name in &self.feeds {
            config.feed(name).map_err(Usage)?;
        }
        let archive = config.archive.clone();
        let setup = Arc::new(Setup::new(config)?);
        let store = Arc::new(open(&archive)?);
        prepare(&store, &setup, &Clock::System)?;
        let reports = block_on(async {
            let mut poller = Poller::new(store, Clock::System, setup)?;
            Ok(poller.poll_now(&self.feeds).await?)
        })?;
        self.print(context, &reports)?;
        // Some feeds always fail; that all of them do is the poll's failure.
        let failed = reports.iter().filter(|it| it.error.is_some()).count();
        Ok(if failed == reports.len() && failed > 0 {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }

    fn print(&self, context: &Context, reports: &[Report]) -> anyhow::Result<()> {
        let columns = [
            "feed", "status", "bytes", "entries", "new", "revised", "matched", "alerts", "repairs",
            "error",
        ];
        let rows = reports
            .iter()
            .map(|it| {
                vec![
                    json!(it.feed),
                    json!(it.status),
                    json!(it.bytes),
                    json!(it.entries),
                    json!(it.new),
                    json!(it.revised),
                    json!(it.matched),
                    json!(it.alerts),
                    json!(it.repairs.join("; ")),
                    json!(it.error),
                ]
            })
            .collect();
        let table = Table {
            columns: columns.map(str::to_owned).to_vec(),
            rows,
            cut: false,
        };
        if reports.is_empty() && !self.json {
            say!("no feed is configured; `summitwatch feeds add URL` adds one")?;
            return Ok(());
        }
        output::print(&context.look(), &table, self.json)?;
        if !self.json {
            let sum = |count: fn(&Report) -> usize| reports.iter().map(count).sum::<usize>();
            let (new, alerts) = (sum(|it| it.new), sum(|it| it.alerts));
            say!(
                "\n{} polled, {}, {}",
                counted(reports.len(), "feed"),
                counted(new, "new item"),
                counted(alerts, "alert")
            )?;
            if alerts > 0 {
                say!("the alerts wait in the outbox; `summitwatch run` sends them")?;
            }
        }
        Ok(())
    }
}

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Where the archive is left
    #[arg(long, value_name = "DIR", default_value = "./summitwatch-demo")]
    dir: PathBuf,
}

impl Demo {
    pub(super) fn run(&self) -> Done {
        let started = Instant::now();
        say!("Three days of a fictional newswire, played back on loopback. Alerts as they arise:")?;
        let outcome = block_on(crate::demo::play(&self.dir))?;
        let totals = outcome.totals;
        let config = outcome.config.display();
        say!(
            "\n{} days played in {:.1} s\n\n\
             fetched   {} visits to {} feeds, {} of them answered 304\n\
             archived  {} items, {} copies and {} old ones among them; {} were edited later\n\
             matched   {}\n\
             merged    into {} in {}\n\
             alerted   {}, once per new development\n",
            outcome.days,
            started.elapsed().as_secs_f64(),
            totals.fetches,
            outcome.feeds,
            totals.not_modified,
            totals.items,
            totals.copies,
            totals.history,
            totals.revisions,
            counted(totals.matched, "item"),
            counted(totals.stories, "story"),
            counted(totals.languages, "language"),
            counted(totals.alerts, "time"),
        )?;
        let explain = format!("explain {}", outcome.told.unwrap_or(1));
        say!("Try next:")?;
        for (command, what) in [
            ("alerts", "what was told, with the reason"),
            ("story 1", "one story as a timeline across languages"),
            (
                "search 'concept:summit lang:ko'",
                "a meaning, in any language",
            ),
            (explain.as_str(), "why an item matched and alerted, or not"),
            (
                "sql \"SELECT outlet, count(*) FROM items JOIN feeds ON feeds.id = feed_id GROUP BY outlet\"",
                "anything else",
            ),
        ] {
            say!("  summitwatch {command} --config {config}\n      {what}")?;
        }
        say!(
            "  summitwatch run --config {config}\n      the dashboard at http://127.0.0.1:8787 \
             (its newswire is off the air, so feeds show as failing)"
        )?;
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum NotifyCommand {
    /// Send a test message and show the answer
    Test {
        /// Name of a configured channel
        channel: String,
    },
}

impl NotifyCommand {
    pub(super) fn run(&self, context: &Context) -> Done {
        let Self::Test { channel } = self;
        let config = context.config()?;
        let templates = Arc::new(config.templates()?);
        let channels = config.open_channels(&templates)?;
        let Some((name, channel)) = channels.iter().find(|(name, _)| name == channel) else {
            let near = nearest(channel, channels.iter().map(|(name, _)| name.as_str()));
            let hint = near
                .map(|it| format!("; did you mean \"{it}\"?"))
                .unwrap_or_default();
            return Err(Usage(format!(
                "no channel is named \"{channel}\" in {}{hint}",
                config.origin
            ))
            .into());
        };
        let created_at = rfc3339(Clock::System.now());
        let message = Message::test(created_at.clone());
        let delivery = Delivery {
            id: DeliveryId(0),
            channel: name.clone(),
            idempotency_key: format!("test-{created_at}-{name}"),
            attempts: 0,
            what: What::Alert,
            message: serde_json::to_string(&message)?,
            thread: None,
        };
        match block_on(async { Ok(channel.send(&delivery).await) })? {
            Outcome::Sent { reference } => {
                let known = reference.map(|it| format!(" and knows it as {}", printable(&it)));
                say!(
                    "\n{name} took the test message{}",
                    known.unwrap_or_default()
                )?;
            }
            Outcome::Retry { why, .. } => {
                bail!("{name} did not take it now: {why}; an alert would be tried again")
            }
            Outcome::Refused(why) => {
                bail!("{name} refused it: {why}; an alert would not be tried again")
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

//! Commands that poll and send: run, poll, demo, notify test.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::Value;

use crate::channel::webpush::Key;
use crate::clock::{Clock, rfc3339};
use crate::command::{Context, Done, Usage, block_on, output};
use crate::daemon::poll::Poller;
use crate::daemon::{Setup, Signals, prepare};
use crate::ingest::Report;
use crate::message::Message;
use crate::outbox::{Delivery, DeliveryId, Outcome, What};
use crate::store::asks::{self, Progress};
use crate::store::query::Table;
use crate::store::{Store, StoreError, open_read_only, subscriptions};
use crate::text::{counted, nearest, printable};

pub(super) fn run(context: &Context) -> Done {
    let config = context.config()?;
    let archive = config.archive.clone();
    for caution in &config.cautions.0 {
        tracing::warn!("{caution}");
    }
    // A fault of the configuration is told before the archive is made or migrated.
    let setup = Setup::new(config)?;
    block_on(async {
        let signals = Signals::listen()?;
        let store = open(&archive)?;
        let reload = || Setup::new(context.config()?);
        crate::daemon::run(setup, store, Clock::System, signals, reload).await
    })?;
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
        let (rows, beside) = match open(&archive) {
            Ok(store) => (self.poll(Arc::new(store), setup)?, false),
            Err(error) if is_locked(&error) => (block_on(self.ask(&archive))?, true),
            Err(error) => return Err(error),
        };
        self.print(context, &rows, beside)?;
        // Some feeds always fail; that all of them do is the poll's failure.
        Ok(if failed(&rows) == rows.len() && !rows.is_empty() {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }

    fn poll(&self, store: Arc<Store>, setup: Arc<Setup>) -> anyhow::Result<Vec<Vec<Value>>> {
        prepare(&store, &setup, &Clock::System)?;
        let reports = block_on(async {
            let mut poller = Poller::new(store, Clock::System, setup)?;
            Ok(poller.poll_now(&self.feeds).await?)
        })?;
        Ok(reports.iter().map(|it| it.cells().to_vec()).collect())
    }

    /// Has the running service do it.
    async fn ask(&self, archive: &Path) -> anyhow::Result<Vec<Vec<Value>>> {
        let store = Store::open_beside(archive)?;
        let now = Clock::System.now();
        let id = store.write(|tx| asks::ask(tx, &self.feeds, now))?;
        let asked = Instant::now();
        loop {
            match store.read(|connection| asks::progress(connection, id))? {
                Progress::Done(reports) => return Ok(serde_json::from_str(&reports)?),
                Progress::Waiting if asked.elapsed() > ANSWER => bail!(
                    "{} is in use by another summitwatch, which does not answer; if it is no service (`summitwatch run`), \
                     wait until it has ended",
                    archive.display()
                ),
                _ => tokio::time::sleep(LOOK).await,
            }
        }
    }

    /// `beside`: a running service made the visits, and sends the alerts.
    fn print(&self, context: &Context, rows: &[Vec<Value>], beside: bool) -> anyhow::Result<()> {
        let table = Table {
            columns: Report::COLUMNS.map(str::to_owned).to_vec(),
            rows: rows.to_vec(),
            cut: false,
        };
        if rows.is_empty() && !self.json {
            say!("no feed is configured; `summitwatch feeds add URL` adds one")?;
            return Ok(());
        }
        output::print(&context.look(), &table, self.json)?;
        if !self.json {
            let sum = |name| cells(rows, name).filter_map(Value::as_u64).sum::<u64>();
            let (new, alerts, failed) = (sum("new"), sum("alerts"), failed(rows));
            let fails = match failed {
                0 => String::new(),
                n => format!("{n} failed, "),
            };
            if failed == rows.len() && failed > 1 {
                say!("\nno feed could be read; most likely this machine is offline")?;
            }
            say!(
                "\n{} polled, {fails}{}, {}",
                counted(rows.len(), "feed"),
                counted(new, "new item"),
                counted(alerts, "alert")
            )?;
            if alerts > 0 && !beside {
                say!("the alerts wait in the outbox; `summitwatch run` sends them")?;
            }
        }
        Ok(())
    }
}

/// The service takes what it is asked within a second.
const ANSWER: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(50);

fn is_locked(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref::<StoreError>(),
        Some(StoreError::Locked(_))
    )
}

fn cells<'a>(rows: &'a [Vec<Value>], column: &str) -> impl Iterator<Item = &'a Value> {
    let at = Report::COLUMNS.iter().position(|it| *it == column);
    rows.iter().filter_map(move |row| row.get(at?))
}

fn failed(rows: &[Vec<Value>]) -> usize {
    cells(rows, "error").filter(|it| !it.is_null()).count()
}

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Where the archive is left: an empty folder, or that of an earlier demo
    #[arg(long, value_name = "DIR", default_value = "./summitwatch-demo")]
    dir: PathBuf,
}

impl Demo {
    pub(super) fn run(&self) -> Done {
        let started = Instant::now();
        say!("Three days of a fictional newswire, played back on loopback. Alerts as they arise:")?;
        let outcome = block_on(crate::demo::play(&self.dir, output::is_read))?;
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
        let (item, story) = outcome.told.unwrap_or((1, 1));
        let (explain, story) = (format!("explain {item}"), format!("story {story}"));
        say!("Try next:")?;
        for (command, what) in [
            ("alerts", "what was told, with the reason"),
            (story.as_str(), "one story as a timeline across languages"),
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
    /// Make a key for a channel of kind `webpush` and print it
    WebpushKey,
}

impl NotifyCommand {
    pub(super) fn run(&self, context: &Context) -> Done {
        let Self::Test { channel } = self else {
            say!("{}", Key::make().map_err(anyhow::Error::msg)?.reveal())?;
            return Ok(ExitCode::SUCCESS);
        };
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
        if let Some(push) = channel.webpush() {
            let archive = open_read_only(&config.archive)?;
            push.audience.admit(subscriptions::of(&archive, name)?);
        }
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

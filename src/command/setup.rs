//! Commands that set things up: init, check, completions, man.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, CommandFactory};
use jiff::Timestamp;

use crate::clock::{Clock, rfc3339};
use crate::command::{Cli, Context, Done};
use crate::config::place::{self, NAME, Surroundings};
use crate::config::{Config, RouteConfig, shipped};
use crate::daemon::Setup;
use crate::digest::Plan;
use crate::text::counted;

#[derive(Debug, Args)]
pub(super) struct Init {
    /// Where to write
    #[arg(default_value = "config")]
    directory: PathBuf,
}

impl Init {
    /// Writes the shipped files; existing ones are left alone.
    pub(super) fn run(&self) -> Done {
        let directory = &self.directory;
        let there: Vec<String> = shipped::files()
            .map(|(path, _)| path)
            .filter(|path| directory.join(path).exists())
            .collect();
        if !there.is_empty() {
            bail!(
                "{} holds {} already; nothing was written. Give another folder, or move them away",
                directory.display(),
                there.join(", ")
            );
        }
        for (path, text) in shipped::files() {
            let path = directory.join(path);
            let folder = path.parent().context("a file stands in a folder")?;
            std::fs::create_dir_all(folder)
                .with_context(|| format!("make {}", folder.display()))?;
            let text = if path.ends_with("summitwatch.toml") {
                with_archive(text, directory)
            } else {
                text.to_owned()
            };
            std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
        }
        let config = directory.join("summitwatch.toml");
        say!(
            "wrote {} with feeds, topics and lexicon beside it",
            config.display()
        )?;
        if let Ok(read) = Config::read(&config) {
            say!(
                "the archive is {} ({})",
                read.archive.display(),
                read.archive_by
            )?;
        }
        say!("Next:")?;
        say!(
            "  summitwatch check --config {0}\n  summitwatch run --config {0}",
            config.display()
        )?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The configuration with the archive where it is without one: writing a configuration moves no archive.
fn with_archive(text: &str, directory: &Path) -> String {
    let shipped = format!("archive = \"{NAME}\"");
    let kept = place::kept_by_init(directory, &Surroundings::here());
    match kept.as_deref().and_then(Path::to_str) {
        // A path as TOML writes text.
        Some(kept) => text.replace(&shipped, &format!("archive = {}", serde_json::json!(kept))),
        None => text.to_owned(),
    }
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(&self, context: &Context) -> Done {
        let (config, mut faults) = context.examine();
        let mut aside = Vec::new();
        let setup = config.map(|mut config| {
            faults.append(&mut std::mem::take(&mut config.cautions));
            aside = config.set_credentials_aside();
            Setup::new(config).map_err(|mut more| faults.append(&mut more))
        });
        let setup = faults.of(setup.and_then(Result::ok))?;
        let config = &setup.config;
        let now = Clock::System.now();
        let unrouted: Vec<&str> = setup
            .channels
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| !config.is_sent_to(name))
            .collect();
        let silent: Vec<&str> = setup
            .engine
            .topics
            .iter()
            .map(|it| it.name.as_str())
            .filter(|name| config.channels_for(name).is_empty())
            .collect();
        let expiring = expiring(&setup);
        if self.json {
            let topics: Vec<&str> = setup
                .engine
                .topics
                .iter()
                .map(|it| it.name.as_str())
                .collect();
            let channels: Vec<&str> = setup
                .channels
                .iter()
                .map(|(name, _)| name.as_str())
                .collect();
            let value = serde_json::json!({
                "configuration": config.origin.to_string(), "archive": config.archive, "archive_by": config.archive_by.to_string(), "not_checked": aside, "feeds": config.feeds.len(),
                "topics": topics, "concepts": setup.engine.lexicon.concepts().len(),
                "terms": setup.engine.lexicon.n_terms(), "channels": channels,
                "routes": config.routes.iter().map(route_json).collect::<Vec<_>>(),
                "digests": config.digests.iter().map(|it| digest_json(it, now)).collect::<Vec<_>>(),
                "channels_without_route": unrouted, "topics_without_route": silent,
                "expiring_topics_without_digest": expiring,
            });
            say!("{value:#}")?;
            return Ok(ExitCode::SUCCESS);
        }
        describe(&setup, now)?;
        warn(config, &unrouted, &silent, &expiring)?;
        for what in &aside {
            say!("warning: {what}, which only the service is given; not checked here")?;
        }
        let not_here = if aside.is_empty() {
            ""
        } else {
            ", as far as can be seen from here"
        };
        say!("all is well{not_here}")?;
        Ok(ExitCode::SUCCESS)
    }
}

/// What is configured, a line each.
fn describe(setup: &Setup, now: Timestamp) -> io::Result<()> {
    let config = &setup.config;
    say!(
        "archive        {} ({})",
        config.archive.display(),
        config.archive_by
    )?;
    say!("configuration  {}", config.origin)?;
    let outlets: std::collections::BTreeSet<&str> =
        config.feeds.iter().map(|it| it.outlet.as_str()).collect();
    say!(
        "feeds          {} of {}",
        config.feeds.len(),
        counted(outlets.len(), "outlet")
    )?;
    say!(
        "lexicon        {} concepts, {} terms",
        setup.engine.lexicon.concepts().len(),
        setup.engine.lexicon.n_terms()
    )?;
    for topic in &setup.engine.topics {
        let channels = config.channels_for(&topic.name);
        let to = if channels.is_empty() {
            "no channel".to_owned()
        } else {
            channels.join(", ")
        };
        say!("topic          {} ({}) → {to}", topic.name, topic.title)?;
        for route in config.routes_of(&topic.name) {
            if let Some(words) = route.describe() {
                say!("  route        {} → {words}", route.channels.join(", "))?;
            }
        }
    }
    for digest in &config.digests {
        say!(
            "digest         {} ({}) → {}, next {}",
            digest.name,
            digest.schedule.rule(),
            digest.channels.join(", "),
            next(digest, now)
        )?;
    }
    for (name, channel) in &setup.channels {
        say!("channel        {name} ({})", channel.kind())?;
    }
    if let Some(web) = &config.web {
        say!("dashboard      {web}")?;
    }
    Ok(())
}

/// Topics with alerts that expire, of which no digest tells.
fn expiring(setup: &Setup) -> Vec<&str> {
    let config = &setup.config;
    let expire = |topic: &str| {
        config
            .routes_of(topic)
            .iter()
            .any(|it| it.expires.is_some())
    };
    let digested = |topic: &str| {
        config
            .digests
            .iter()
            .any(|it| it.topics.iter().any(|it| it == topic))
    };
    let topics = setup.engine.topics.iter().map(|it| it.name.as_str());
    topics.filter(|it| expire(it) && !digested(it)).collect()
}

/// What is allowed and hardly meant.
fn warn(config: &Config, unrouted: &[&str], silent: &[&str], expiring: &[&str]) -> io::Result<()> {
    for name in unrouted {
        say!("warning: channel \"{name}\" has no route; nothing is sent to it")?;
    }
    for name in silent {
        say!("warning: topic \"{name}\" has no route; its alerts are archived and sent nowhere")?;
    }
    for name in expiring {
        say!(
            "warning: topic \"{name}\" is in no digest; alerts that expire are listed by `summitwatch deliveries \
             --state expired` and told nowhere"
        )?;
    }
    if config.feeds.is_empty() {
        say!("warning: no feed is configured; there is nothing to poll")?;
    }
    Ok(())
}

/// The next slots of a digest, as the clock of its zone shows them.
fn next(digest: &Plan, now: Timestamp) -> String {
    let first = digest.schedule.next(now);
    let slots = std::iter::successors(first, |slot| digest.schedule.next(slot.at));
    let shown = slots.take(3).map(|slot| {
        let local = slot.at.to_zoned_datetime(digest.schedule.zone().clone());
        local.strftime("%a %-d %b %H:%M %Z").to_string()
    });
    shown.collect::<Vec<_>>().join(", ")
}

fn digest_json(digest: &Plan, now: Timestamp) -> serde_json::Value {
    serde_json::json!({
        "name": digest.name, "topics": digest.topics, "schedule": digest.schedule.rule(),
        "channels": digest.channels, "next": digest.schedule.next(now).map(|it| rfc3339(it.at)),
    })
}

fn route_json(route: &RouteConfig) -> serde_json::Value {
    serde_json::json!({
        "topic": route.topic, "channels": route.route.channels, "conditions": route.route.describe(),
    })
}

#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell to complete for
    shell: clap_complete::Shell,
}

impl Completions {
    pub(super) fn run(&self) -> Done {
        // It panics where it cannot write.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "summitwatch", &mut script);
        io::stdout().write_all(&script)?;
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(Debug, Args)]
pub(super) struct Man {
    /// Write a page for every command into this folder
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Man {
    pub(super) fn run(&self) -> Done {
        match &self.dir {
            Some(dir) => {
                std::fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))?;
                clap_mangen::generate_to(Cli::command(), dir)
                    .with_context(|| format!("write to {}", dir.display()))?;
            }
            None => clap_mangen::Man::new(Cli::command()).render(&mut io::stdout())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

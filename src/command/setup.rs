//! Commands that set things up: init, check, completions, man.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, CommandFactory};

use crate::command::output::counted;
use crate::command::{Cli, Context, Done};
use crate::config::shipped;
use crate::daemon::Setup;

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
            std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
        }
        let config = directory.join("summitwatch.toml");
        println!(
            "wrote {} with feeds, topics and lexicon beside it. Next:",
            config.display()
        );
        println!(
            "  summitwatch check --config {0}\n  summitwatch run --config {0}",
            config.display()
        );
        Ok(ExitCode::SUCCESS)
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
        let setup = Setup::new(context.config()?)?;
        let config = &setup.config;
        let unrouted: Vec<&str> = setup
            .channels
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| {
                !config
                    .routes
                    .iter()
                    .any(|it| it.route.channels.iter().any(|it| it == name))
            })
            .collect();
        let silent: Vec<&str> = setup
            .engine
            .topics
            .iter()
            .map(|it| it.name.as_str())
            .filter(|name| config.channels_for(name).is_empty())
            .collect();
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
                "configuration": config.origin.to_string(), "archive": config.archive, "feeds": config.feeds.len(),
                "topics": topics, "concepts": setup.engine.lexicon.concepts().len(),
                "terms": setup.engine.lexicon.n_terms(), "channels": channels,
                "channels_without_route": unrouted, "topics_without_route": silent,
            });
            println!("{value:#}");
            return Ok(ExitCode::SUCCESS);
        }
        println!("configuration  {}", config.origin);
        println!("archive        {}", config.archive.display());
        let outlets: std::collections::BTreeSet<&str> =
            config.feeds.iter().map(|it| it.outlet.as_str()).collect();
        println!(
            "feeds          {} of {}",
            config.feeds.len(),
            counted(outlets.len(), "outlet")
        );
        println!(
            "lexicon        {} concepts, {} terms",
            setup.engine.lexicon.concepts().len(),
            setup.engine.lexicon.n_terms()
        );
        for topic in &setup.engine.topics {
            let channels = config.channels_for(&topic.name);
            let to = if channels.is_empty() {
                "no channel".to_owned()
            } else {
                channels.join(", ")
            };
            println!("topic          {} ({}) → {to}", topic.name, topic.title);
        }
        for (name, channel) in &setup.channels {
            println!("channel        {name} ({})", channel.kind());
        }
        for name in unrouted {
            println!("warning: channel \"{name}\" has no route; nothing is sent to it");
        }
        for name in silent {
            println!(
                "warning: topic \"{name}\" has no route; its alerts are archived and sent nowhere"
            );
        }
        if config.feeds.is_empty() {
            println!("warning: no feed is configured; there is nothing to poll");
        }
        println!("all is well");
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(Debug, Args)]
pub(super) struct Completions {
    shell: clap_complete::Shell,
}

impl Completions {
    #[expect(clippy::unnecessary_wraps, reason = "commands are run alike")]
    pub(super) fn run(&self) -> Done {
        clap_complete::generate(
            self.shell,
            &mut Cli::command(),
            "summitwatch",
            &mut std::io::stdout(),
        );
        Ok(ExitCode::SUCCESS)
    }
}

pub(super) fn man() -> Done {
    clap_mangen::Man::new(Cli::command()).render(&mut std::io::stdout())?;
    Ok(ExitCode::SUCCESS)
}

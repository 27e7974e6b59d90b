//! `feeds`: how they are, and which there are. Adding and removing edits the configuration's own
//! files; a running service takes it up at its next reload.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use crate::clock::rfc3339;
use crate::command::discover::Discover;
use crate::command::{Context, Done, Usage, output};
use crate::config::Config;
use crate::config::edit::NewFeed;
use crate::config::keep::{self, KeepError};
use crate::opml::{self, Outline};
use crate::store::{listing, open_read_only, outages};
use crate::text::counted;

#[derive(Debug, Subcommand)]
pub(super) enum Feeds {
    /// List feeds with their state and next poll
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Add a feed to the configuration
    Add(Add),
    /// Take a feed out of the configuration; what it brought stays in the archive
    Remove {
        /// Name of a feed
        name: String,
    },
    /// Have a feed rest: it stays configured, and is visited only when asked for by name
    Pause {
        /// Name of a feed
        name: String,
    },
    /// Have a feed that rests visited again
    Resume {
        /// Name of a feed
        name: String,
    },
    /// Add the feeds of an OPML list; those that are configured already are left alone
    Import {
        /// The list; `-` reads standard input
        file: PathBuf,
    },
    /// Print the configured feeds as OPML, with their addresses as they are, secrets and all
    Export,
    /// Find the feeds and news sitemaps of a page or a site
    Discover(Discover),
}

#[derive(Debug, Args)]
pub(super) struct Add {
    /// Address of the feed; `feeds discover` finds the feeds of a site
    url: String,
    /// Its name [default: made of the outlet]
    #[arg(long)]
    name: Option<String>,
    /// The publisher [default: the host]
    #[arg(long)]
    outlet: Option<String>,
    /// ISO 639-1 code, like ko
    #[arg(long)]
    language: Option<String>,
    /// Between two visits, exactly, like 30s [default: adapts to the feed]
    #[arg(long)]
    interval: Option<String>,
    /// It stands on this machine or a private network
    #[arg(long)]
    allow_private: bool,
}

impl Feeds {
    pub(super) fn run(self, context: &Context) -> Done {
        match self {
            Self::List { json } => {
                let connection = open_read_only(&context.archive()?)?;
                if let Some(outage) = outages::lasting(&connection)? {
                    let since = rfc3339(outage.since);
                    if json {
                        tracing::warn!("offline since {since}: the states are those of before");
                    } else {
                        say!(
                            "offline since {since}: no feed can be reached; the states are those of before\n"
                        )?;
                    }
                }
                output::print(&context.look(), &listing::feeds(&connection)?, json)?;
            }
            Self::Add(add) => add.run(context)?,
            Self::Remove { name } => remove(context, &name)?,
            Self::Pause { name } => pause(context, &name, true)?,
            Self::Resume { name } => pause(context, &name, false)?,
            Self::Import { file } => import(context, &file)?,
            Self::Export => {
                let feeds = context.config()?.feeds;
                let outlines: Vec<Outline> = feeds
                    .iter()
                    .map(|it| Outline {
                        title: it.name.clone(),
                        url: it.url.clone(),
                        language: it.language.clone(),
                    })
                    .collect();
                output::text(&opml::write(&outlines))?;
            }
            Self::Discover(discover) => return discover.run(context),
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Add {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let config = context.config()?;
        let host = url::Url::parse(&self.url)
            .ok()
            .and_then(|it| it.host_str().map(str::to_owned))
            .ok_or_else(|| Usage(format!("\"{}\" is no address of a feed", self.url)))?;
        let outlet = self.outlet.unwrap_or(host);
        let name = match self.name {
            Some(name) => name,
            None => keep::unused(&outlet, &taken(&config)),
        };
        let feed = NewFeed {
            name,
            url: self.url,
            outlet,
            language: self.language,
            interval: self.interval,
            allow_private: self.allow_private,
        };
        let file = keep::add(&config, std::slice::from_ref(&feed)).map_err(refused)?;
        say!("added {} to {}", feed.name, file.display())?;
        say!(
            "`summitwatch poll {}` tries it; a running service wants a reload",
            feed.name
        )?;
        Ok(())
    }
}

fn import(context: &Context, list: &Path) -> anyhow::Result<()> {
    let config = context.config()?;
    let text = if list == Path::new("-") {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(list)
    };
    let shown = list.display();
    let text = text.with_context(|| format!("read {shown}"))?;
    let outlines = opml::read(&text).map_err(|error| anyhow::anyhow!("{shown}: {error}"))?;
    let mut names = taken(&config);
    let mut feeds = Vec::new();
    let mut known = 0;
    for outline in outlines {
        if let Err(why) = opml::usable(&outline.url) {
            let (title, url) = (&outline.title, &outline.url);
            say!("left out \"{title}\", whose address \"{url}\" cannot be polled: {why}")?;
            continue;
        }
        if config.feeds.iter().any(|it| it.url == outline.url) {
            known += 1;
            continue;
        }
        let name = keep::unused(&outline.title, &names);
        names.push(name.clone());
        feeds.push(NewFeed {
            name,
            url: outline.url,
            outlet: outline.title,
            language: outline.language,
            interval: None,
            allow_private: false,
        });
    }
    if feeds.is_empty() {
        say!(
            "nothing to add: {} of the list is configured already",
            counted(known, "feed")
        )?;
        return Ok(());
    }
    let file = keep::add(&config, &feeds).map_err(refused)?;
    say!(
        "added {} to {}; {known} were there already",
        counted(feeds.len(), "feed"),
        file.display()
    )?;
    say!("outlets and languages are as the list says; `summitwatch poll` tries the feeds")?;
    Ok(())
}

fn remove(context: &Context, name: &str) -> anyhow::Result<()> {
    let config = context.config()?;
    let file = keep::remove(&config, name).map_err(refused)?;
    say!("removed {name} from {}", file.display())?;
    Ok(())
}

fn pause(context: &Context, name: &str, paused: bool) -> anyhow::Result<()> {
    let config = context.config()?;
    let file = keep::pause(&config, name, paused).map_err(refused)?;
    let now = if paused { "rests" } else { "is visited again" };
    say!(
        "{name} {now}, says {}; a running service wants a reload",
        file.display()
    )?;
    Ok(())
}

/// A list that would not be sound is wrong usage.
fn refused(error: KeepError) -> anyhow::Error {
    match error {
        KeepError::Unsound(_) => Usage(error.to_string()).into(),
        KeepError::Failed(_) => error.into(),
    }
}

fn taken(config: &Config) -> Vec<String> {
    config.feeds.iter().map(|it| it.name.clone()).collect()
}

//! `feeds`: how they are, and which there are. Adding and removing edits the configuration's own
//! files; a running service takes it up at its next reload.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};

use crate::command::discover::Discover;
use crate::command::{Context, Done, Usage, output};
use crate::config::edit::{self, NewFeed};
use crate::config::{Config, Origin};
use crate::opml::{self, Outline};
use crate::store::{listing, open_read_only};
use crate::text::counted;
use crate::text::fold::fold;
use crate::text::nearest;

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
    /// It stands on this machine or a private network
    #[arg(long)]
    allow_private: bool,
}

impl Feeds {
    pub(super) fn run(self, context: &Context) -> Done {
        match self {
            Self::List { json } => {
                let connection = open_read_only(&context.archive()?)?;
                output::print(&context.look(), &listing::feeds(&connection)?, json)?;
            }
            Self::Add(add) => add.run(context)?,
            Self::Remove { name } => remove(context, &name)?,
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
            None => unused(&outlet, &taken(&config)),
        };
        let feed = NewFeed {
            name,
            url: self.url,
            outlet,
            language: self.language,
            allow_private: self.allow_private,
        };
        let file = append(&config, std::slice::from_ref(&feed))?;
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
        let name = unused(&outline.title, &names);
        names.push(name.clone());
        feeds.push(NewFeed {
            name,
            url: outline.url,
            outlet: outline.title,
            language: outline.language,
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
    let file = append(&config, &feeds)?;
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
    for file in files(&config)? {
        let text = read(&file)?;
        let edited = edit::without_feed(&text, name).map_err(|error| fault(&file, &error))?;
        if let Some(edited) = edited {
            write_checked(&config, &file, &text, &edited)?;
            say!("removed {name} from {}", file.display())?;
            return Ok(());
        }
    }
    let near = nearest(name, config.feeds.iter().map(|it| it.name.as_str()));
    let near = near.map_or(String::new(), |it| format!("; did you mean \"{it}\"?"));
    bail!("no feed is called \"{name}\"{near}");
}

/// Adds to the last file that holds feeds, where a person looks for the newest.
fn append(config: &Config, feeds: &[NewFeed]) -> anyhow::Result<PathBuf> {
    let file = files(config)?.pop().context("a configuration has a file")?;
    let text = read(&file)?;
    let edited = edit::with_feeds(&text, feeds).map_err(|error| fault(&file, &error))?;
    write_checked(config, &file, &text, &edited)?;
    Ok(file)
}

/// The configuration's file and those that it includes.
fn files(config: &Config) -> anyhow::Result<Vec<PathBuf>> {
    let Origin::File(main) = &config.origin else {
        bail!(
            "the shipped configuration cannot be changed; `summitwatch init` writes one to change"
        );
    };
    let included = edit::includes(&read(main)?).map_err(|error| fault(main, &error))?;
    let folder = main.parent().unwrap_or(Path::new(""));
    let included = included.iter().map(|it| folder.join(it));
    Ok(std::iter::once(main.clone()).chain(included).collect())
}

/// Writes a file of the configuration; where that is not sound then, the old one comes back.
fn write_checked(config: &Config, file: &Path, old: &str, new: &str) -> anyhow::Result<()> {
    replace(file, new)?;
    let Origin::File(main) = &config.origin else {
        return Ok(());
    };
    if let Err(faults) = Config::read(main) {
        replace(file, old)?;
        return Err(faults).context("nothing was changed");
    }
    Ok(())
}

/// Whole or not at all: a service that reloads meanwhile reads no half of it.
fn replace(file: &Path, text: &str) -> anyhow::Result<()> {
    // Written through a link, not over it.
    let file = std::fs::canonicalize(file).with_context(|| format!("find {}", file.display()))?;
    let mut partial = file.clone().into_os_string();
    partial.push(".partial");
    std::fs::write(&partial, text)
        .and_then(|()| std::fs::set_permissions(&partial, std::fs::metadata(&file)?.permissions()))
        .and_then(|()| std::fs::rename(&partial, &file))
        .with_context(|| format!("write {}", file.display()))
}

fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))
}

fn fault(file: &Path, error: &str) -> anyhow::Error {
    anyhow::anyhow!("{}: {error}", file.display())
}

fn taken(config: &Config) -> Vec<String> {
    config.feeds.iter().map(|it| it.name.clone()).collect()
}

/// A name made of a title: letters and digits of any script, and a number where it is taken.
fn unused(title: &str, taken: &[String]) -> String {
    let words: Vec<String> = fold(title)
        .split(|c: char| !c.is_alphanumeric())
        .filter(|it| !it.is_empty())
        .take(6)
        .map(str::to_owned)
        .collect();
    let base = if words.is_empty() {
        "feed".to_owned()
    } else {
        words.join("-").chars().take(40).collect()
    };
    let free = |name: &String| !taken.contains(name);
    let numbered = (2..).map(|n| format!("{base}-{n}"));
    std::iter::once(base.clone())
        .chain(numbered)
        .find(free)
        .expect("numbers do not end")
}

//! The digest of a span: composed to read, or put into the outbox and sent.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, Transaction};

use crate::clock::{Clock, rfc3339};
use crate::command::{Context, Done, Usage, block_on, output, span};
use crate::config::Config;
use crate::config::file::Span;
use crate::daemon::deliver::Deliverer;
use crate::daemon::{Setup, prepare};
use crate::digest::{Digest, Frame, Matter, compose};
use crate::store::digests::{DigestId, Made, Outcome};
use crate::store::{Store, StoreError, digests, listing, open_read_only};

/// The name under which digests that were asked for are kept.
const ASKED: &str = "asked";

#[derive(Debug, Args)]
pub(super) struct Compose {
    /// A configured digest whose topics and channels to use [default: all topics, and where their alerts go]
    name: Option<String>,
    /// The span, up to now
    #[arg(long, value_parser = span, default_value = "24h")]
    since: Span,
    /// Only this topic; may be given several times
    #[arg(long = "topic", value_name = "TOPIC")]
    topics: Vec<String>,
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Send it instead of printing it; beside a running service, which then sends it
    #[arg(long)]
    send: bool,
    /// A channel to send it to; may be given several times
    #[arg(long = "to", value_name = "CHANNEL", requires = "send")]
    channels: Vec<String>,
    /// Do nothing where nothing happened
    #[arg(long)]
    skip_empty: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Html,
    Text,
    Md,
    Json,
}

impl Compose {
    pub(super) fn run(&self, context: &Context) -> Done {
        let config = context.config()?;
        let now = Clock::System.now();
        let since = now.checked_sub(SignedDuration::try_from(self.since.0)?)?;
        let asked = Asked {
            topics: self.topics(&config)?,
            since,
            until: now,
        };
        if self.send {
            let channels = self.channels(&config, &asked.topics)?;
            return self.send(config, &asked, &channels);
        }
        let connection = open_read_only(&config.archive)?;
        let matter = asked.matter(&connection)?;
        if self.skip_empty && matter.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        self.print(&config, &compose(&matter, &asked.frame()))
    }

    fn topics(&self, config: &Config) -> Result<Vec<String>, Usage> {
        for name in &self.topics {
            config
                .topic(name)
                .map_err(|faults| Usage(faults.to_string()))?;
        }
        if !self.topics.is_empty() {
            return Ok(self.topics.clone());
        }
        match &self.name {
            Some(name) => Ok(config.digest(name).map_err(Usage)?.topics.clone()),
            None => Ok(config.topics.iter().map(|it| it.name.clone()).collect()),
        }
    }

    fn channels(&self, config: &Config, topics: &[String]) -> Result<Vec<String>, Usage> {
        let named: Vec<String> = match &self.name {
            _ if !self.channels.is_empty() => self.channels.clone(),
            Some(name) => config.digest(name).map_err(Usage)?.channels.clone(),
            None => {
                let routed = topics.iter().flat_map(|it| config.channels_for(it));
                let routed: BTreeSet<String> = routed.map(str::to_owned).collect();
                routed.into_iter().collect()
            }
        };
        for name in &named {
            config.channel(name).map_err(Usage)?;
        }
        if named.is_empty() {
            let message = "no route leads anywhere; name a channel with --to";
            return Err(Usage(message.to_owned()));
        }
        Ok(named)
    }

    fn print(&self, config: &Config, digest: &Digest) -> Done {
        if self.format == Format::Json {
            output::text(&serde_json::to_string_pretty(digest)?)?;
            return Ok(ExitCode::SUCCESS);
        }
        let name = match self.format {
            Format::Html => "digest.html",
            Format::Md => "digest.md",
            Format::Text | Format::Json => "digest.txt",
        };
        let text = config.templates()?.render(name, digest)?;
        match self.format {
            // The subject is the title of the page.
            Format::Html => output::text(text.trim())?,
            Format::Md => say!("# {}\n\n{}", digest.subject, text.trim())?,
            Format::Text | Format::Json => say!("{}\n\n{}", digest.subject, text.trim())?,
        }
        Ok(ExitCode::SUCCESS)
    }

    fn send(&self, config: Config, asked: &Asked, channels: &[String]) -> Done {
        // Where nobody holds the lock this process is the one sender.
        match Store::open(&config.archive) {
            Err(StoreError::Locked(_)) => self.leave(&config.archive, asked, channels),
            opened => self.deliver(opened?, config, asked, channels),
        }
    }

    /// Beside a running service: rows, which it sees at its next turn.
    fn leave(&self, archive: &Path, asked: &Asked, channels: &[String]) -> Done {
        let store = Store::open_beside(archive)?;
        match store.write(|tx| asked.owe(tx, channels, self.skip_empty))? {
            Some(_) => say!("the running service sends it to {}", channels.join(", "))?,
            None => say!("nothing happened; nothing is sent")?,
        }
        Ok(ExitCode::SUCCESS)
    }

    fn deliver(&self, store: Store, config: Config, asked: &Asked, channels: &[String]) -> Done {
        let store = Arc::new(store);
        let setup = Arc::new(Setup::new(config)?);
        prepare(&store, &setup, &Clock::System)?;
        let Some(id) = store.write(|tx| asked.owe(tx, channels, self.skip_empty))? else {
            say!("nothing happened; nothing is sent")?;
            return Ok(ExitCode::SUCCESS);
        };
        block_on(async {
            let mut deliverer = Deliverer::new(Arc::clone(&store), Clock::System, setup);
            deliverer.take_place()?;
            deliverer.deliver_due().await.context("send what is due")?;
            Ok(deliverer.leave()?)
        })?;
        let mut open = Vec::new();
        for (channel, state, error) in store.read(|it| listing::digest_deliveries(it, id.0))? {
            if state == "delivered" {
                say!("{channel} took it")?;
            } else {
                let why = error.map(|it| format!(": {it}")).unwrap_or_default();
                open.push(format!(
                    "{channel} did not take it{why}; it is {state} in the outbox"
                ));
            }
        }
        if !open.is_empty() {
            bail!(open.join("\n"));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A digest that somebody asks for.
struct Asked {
    topics: Vec<String>,
    since: Timestamp,
    until: Timestamp,
}

impl Asked {
    fn frame(&self) -> Frame<'_> {
        Frame {
            id: format!("digest-{ASKED}-{}", rfc3339(self.until)),
            name: "digest",
            topics: &self.topics,
            since: self.since,
            until: self.until,
            late: false,
        }
    }

    /// What came within this very second belongs to it.
    fn matter(&self, connection: &Connection) -> Result<Matter, StoreError> {
        let after = self.until.checked_add(SignedDuration::from_secs(1));
        let until = after.unwrap_or(self.until);
        digests::matter(connection, &self.topics, self.since, until)
    }

    /// Writes it down with its deliveries; None where it is empty and shall not be sent then.
    fn owe(
        &self,
        tx: &Transaction<'_>,
        channels: &[String],
        skip_empty: bool,
    ) -> Result<Option<DigestId>, StoreError> {
        let matter = self.matter(tx)?;
        if skip_empty && matter.is_empty() {
            return Ok(None);
        }
        let frame = self.frame();
        let message = serde_json::to_string(&compose(&matter, &frame))
            .expect("a digest is strings and numbers");
        let made = Made {
            name: ASKED,
            slot: &rfc3339(self.until),
            outcome: Outcome::Sent,
            late: false,
            since: self.since,
            until: self.until,
            message: Some(&message),
        };
        let id = digests::insert(tx, &made, self.until)?;
        if let Some(id) = id {
            digests::owe(tx, id, channels, &frame.id, self.until)?;
            digests::fold_expired(tx, id, &self.topics)?;
        }
        Ok(id)
    }
}

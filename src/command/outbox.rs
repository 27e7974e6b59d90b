//! Commands over what is owed: list deliveries and alerts, send again, acknowledge. They write
//! beside a running service, which does the sending.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use clap::{Args, Subcommand};
use rusqlite::Connection;
use serde_json::json;

use crate::channel::terminal::render;
use crate::channel::words::{Content, Words};
use crate::clock::{Clock, rfc3339};
use crate::command::acts::By;
use crate::command::archive::Listing;
use crate::command::{Context, Done, block_on};
use crate::message::templates::Templates;
use crate::store::outbox::by_hand::{self, Acknowledged, Again};
use crate::store::view::{Part, news};
use crate::store::{Store, listing, open_read_only};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Alerts {
    #[command(flatten)]
    listing: Listing,
    /// Go on: print each new alert as it comes, until interrupted
    #[arg(long)]
    follow: bool,
    #[command(subcommand)]
    command: Option<AlertsCommand>,
}

#[derive(Debug, Subcommand)]
enum AlertsCommand {
    /// Say that an alert was seen: nobody else is told of it
    Ack {
        /// Number of an alert, as `alerts` lists it
        id: i64,
        #[command(flatten)]
        by: By,
    },
}

impl Alerts {
    pub(super) fn run(self, context: &Context) -> Done {
        match self.command {
            None if self.follow => follow(context),
            None => self.listing.run(context, None, listing::alerts),
            Some(AlertsCommand::Ack { id, by }) => acknowledge(context, id, &by.name()),
        }
    }
}

/// Between two looks at the archive.
const LOOK: Duration = Duration::from_secs(2);

/// Prints each alert that comes from now on, in the words of the terminal.
fn follow(context: &Context) -> Done {
    let config = context.config()?;
    let templates = config.templates()?;
    let connection = open_read_only(&config.archive)?;
    let mut last = news::alerts(&connection, None, Part::first(1))?
        .rows
        .first()
        .map_or(0, |it| it.id);
    block_on(async move {
        loop {
            told(context, &connection, &templates, &mut last)?;
            tokio::time::sleep(LOOK).await;
        }
    })
}

/// Prints what came after the alert `last`.
fn told(
    context: &Context,
    connection: &Connection,
    templates: &Templates,
    last: &mut i64,
) -> anyhow::Result<()> {
    for alert in news::alerts_after(connection, *last)? {
        *last = alert.id;
        if let Some(message) = alert.said() {
            let content = Content::Message(Box::new(message));
            let words = Words {
                templates,
                content: &content,
            };
            let mut out = io::stdout().lock();
            out.write_all(render(words, context.look().color).as_bytes())?;
            out.flush()?;
        }
    }
    Ok(())
}

fn acknowledge(context: &Context, id: i64, reader: &str) -> Done {
    let store = Store::open_beside(&context.archive()?)?;
    let now = Clock::System.now();
    match store.write(|tx| by_hand::acknowledge(tx, id, reader, now))? {
        Acknowledged::Now => say!("alert {id} is acknowledged")?,
        Acknowledged::Before(at) => say!("alert {id} was acknowledged at {}", rfc3339(at))?,
        Acknowledged::Unknown => {
            bail!("no alert has the number {id}; `summitwatch alerts` lists them")
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Deliveries {
    #[command(flatten)]
    listing: Listing,
    /// Only deliveries in this state
    #[arg(long, value_parser = ["pending", "sending", "retry", "held", "delivered", "dead", "expired"])]
    state: Option<String>,
    #[command(subcommand)]
    command: Option<DeliveriesCommand>,
}

#[derive(Debug, Subcommand)]
enum DeliveriesCommand {
    /// Send again what was given up, expired or waits
    Retry(Retry),
    /// Send once more what a channel has taken
    Resend {
        /// Number of a delivery, as `deliveries` lists it
        id: i64,
    },
}

impl Deliveries {
    pub(super) fn run(self, context: &Context) -> Done {
        match self.command {
            None => self.listing.run(context, self.state, listing::deliveries),
            Some(DeliveriesCommand::Retry(retry)) => retry.run(context),
            Some(DeliveriesCommand::Resend { id }) => resend(context, id),
        }
    }
}

fn resend(context: &Context, id: i64) -> Done {
    let store = Store::open_beside(&context.archive()?)?;
    let now = Clock::System.now();
    match store.write(|tx| by_hand::resend(tx, id, now))? {
        Again::Due => say!("delivery {id} is due once more; the running service sends it")?,
        Again::Refused(why) => bail!("delivery {id} is {why} and not sent again"),
        Again::Unknown => {
            bail!("delivery {id} is unknown; `summitwatch deliveries` lists them")
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, Args)]
struct Retry {
    /// Numbers of deliveries, as `deliveries` lists them
    #[arg(
        value_name = "ID",
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    ids: Vec<i64>,
    /// Everything that is dead or waits for a further attempt
    #[arg(long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Retry {
    fn run(&self, context: &Context) -> Done {
        let store = Store::open_beside(&context.archive()?)?;
        let now = Clock::System.now();
        if self.all {
            let n = store.write(|tx| by_hand::retry_all(tx, now))?;
            self.say(n, &[])?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut refused = Vec::new();
        for id in &self.ids {
            match store.write(|tx| by_hand::retry(tx, *id, now))? {
                Again::Due => {}
                Again::Refused(state) => {
                    refused.push((*id, format!("is {state} and not sent again")));
                }
                Again::Unknown => refused.push((
                    *id,
                    "is unknown; `summitwatch deliveries` lists them".to_owned(),
                )),
            }
        }
        self.say(self.ids.len() - refused.len(), &refused)?;
        if !refused.is_empty() {
            let refused = refused
                .iter()
                .map(|(id, why)| format!("delivery {id} {why}"));
            bail!(refused.collect::<Vec<_>>().join("\n"));
        }
        Ok(ExitCode::SUCCESS)
    }

    fn say(&self, n: usize, refused: &[(i64, String)]) -> io::Result<()> {
        if self.json {
            let refused: Vec<_> = refused
                .iter()
                .map(|(id, why)| json!({"id": id, "why": why}))
                .collect();
            say!("{}", json!({"due": n, "refused": refused}))
        } else if n == 0 && !refused.is_empty() {
            // What is said of each says it all.
            Ok(())
        } else if n == 1 {
            say!("1 delivery is due again; the running service sends it")
        } else {
            say!("{n} deliveries are due again; the running service sends them")
        }
    }
}

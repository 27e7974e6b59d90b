//! Commands that read the archive: listings, explain.

use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use jiff::SignedDuration;
use rusqlite::Connection;

use crate::clock::Clock;
use crate::command::{Context, Done, output, span, why};
use crate::config::file::Span;
use crate::store::listing::{self, Filter};
use crate::store::query::Table;
use crate::store::{StoreError, open_read_only, view};
use crate::text::{Words, printable};

/// Which rows are wanted.
#[derive(Debug, Args)]
pub(super) struct Wanted {
    /// Only what was seen within this span, like 24h or 7d
    #[arg(long, value_parser = span)]
    since: Option<Span>,
    /// Only what this topic matched
    #[arg(long)]
    topic: Option<String>,
    /// Only items in this language: an ISO 639-1 code, like ko
    #[arg(long)]
    language: Option<String>,
    /// Only what this outlet brought
    #[arg(long)]
    outlet: Option<String>,
}

impl Wanted {
    pub(super) fn filter(self, state: Option<String>, limit: usize) -> anyhow::Result<Filter> {
        let since = match self.since {
            Some(span) => {
                let span = SignedDuration::try_from(span.0)?;
                Some(Clock::System.now().checked_sub(span)?)
            }
            None => None,
        };
        Ok(Filter {
            since,
            topic: self.topic,
            language: self.language,
            outlet: self.outlet,
            state,
            limit,
        })
    }
}

#[derive(Debug, Args)]
pub(super) struct Listing {
    #[command(flatten)]
    wanted: Wanted,
    /// Rows to print at most
    #[arg(long, default_value_t = 50)]
    limit: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Listing {
    pub(super) fn run(
        self,
        context: &Context,
        state: Option<String>,
        list: impl FnOnce(&Connection, &Filter) -> Result<Table, StoreError>,
    ) -> Done {
        let connection = open_read_only(&context.archive()?)?;
        let filter = self.wanted.filter(state, self.limit)?;
        output::print(&list(&connection, &filter)?, self.json)?;
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(Debug, Args)]
pub(super) struct Items {
    #[command(flatten)]
    listing: Listing,
    /// Only items that stand so
    #[arg(long, value_parser = ["news", "history", "copy"])]
    state: Option<String>,
}

impl Items {
    pub(super) fn run(self, context: &Context) -> Done {
        self.listing.run(context, self.state, listing::items)
    }
}

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// Number of an item, its guid or its address
    item: String,
}

impl Explain {
    pub(super) fn run(&self, context: &Context) -> Done {
        let config = context.config()?;
        let connection = open_read_only(&config.archive)?;
        let Some(item) = listing::item(&connection, &self.item)? else {
            bail!(
                "no item has the number, guid or address \"{}\"; `summitwatch items` lists them",
                self.item
            );
        };
        let engine = config.engine()?;
        let mut out = std::io::stdout().lock();
        identity(&mut out, &connection, &item)?;
        let words = Words::new(&item.title, &item.summary);
        let reading = engine.lexicon.read(&words);
        for topic in &engine.topics {
            why::verdict(&mut out, &words, topic, &reading, &engine.lexicon)?;
        }
        placements(&mut out, &connection, item.id)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn identity(
    out: &mut impl Write,
    connection: &Connection,
    item: &listing::Item,
) -> anyhow::Result<()> {
    writeln!(out, "Item {}: {}", item.id, printable(&item.title))?;
    let language = item.language.as_deref().unwrap_or("unknown language");
    let published = item.published_at.as_deref().unwrap_or("without a date");
    writeln!(
        out,
        "  {} (feed {}), {language}, published {published}, first seen {}",
        item.outlet, item.feed, item.first_seen_at
    )?;
    for (name, value) in [("address", &item.url), ("guid", &item.guid)] {
        if let Some(value) = value {
            writeln!(out, "  {name}: {}", printable(value))?;
        }
    }
    match (item.standing.as_str(), item.duplicate_of) {
        (_, Some(original)) => writeln!(
            out,
            "  repeats item {original}: the same address or the same words"
        )?,
        ("history", None) => writeln!(
            out,
            "  history: when first seen it was older than the fresh window, or than its feed's last fetch by \
             half of that window; it cannot alert"
        )?,
        _ => {}
    }
    for revision in view::items::revisions(connection, item.id)? {
        writeln!(
            out,
            "  until {} it read: {}",
            revision.replaced_at,
            printable(&revision.title)
        )?;
    }
    Ok(())
}

fn placements(out: &mut impl Write, connection: &Connection, item: i64) -> anyhow::Result<()> {
    for placed in view::items::placements(connection, item)? {
        let (story, topic, title) = (placed.story_id, &placed.topic, &placed.story_title);
        writeln!(out, "\nStory {story} ({topic}): {}", printable(title))?;
        match placed.closeness {
            Some(closeness) => writeln!(
                out,
                "  it joined this story: {closeness:.2} of the closeness that joining takes"
            )?,
            None => writeln!(out, "  it opened this story")?,
        }
        let reason = printable(&placed.reason);
        writeln!(out, "  decision: {} — {reason}", placed.decision)?;
        writeln!(out, "  origin: {}", printable(&placed.origin))?;
        if let Some(state) = &placed.state {
            writeln!(out, "  its headline says of the meeting: {state}")?;
        }
        for (what, facts) in [
            ("facts new to the story", &placed.new),
            ("facts it had already", &placed.known),
        ] {
            if !facts.is_empty() {
                writeln!(out, "  {what}: {}", printable(&facts.join(", ")))?;
            }
        }
        for (story, closeness) in placed.runners_up {
            writeln!(out, "  runner-up: story {story} with {closeness}")?;
        }
    }
    for delivery in view::owed::of_item(connection, item)? {
        let tail = delivery.delivered_at.or(delivery.last_error);
        writeln!(
            out,
            "  delivery to {}: {}, attempt {}, {}",
            printable(&delivery.channel),
            delivery.state,
            delivery.attempts,
            printable(&tail.unwrap_or_default())
        )?;
    }
    Ok(())
}

pub(super) fn text(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => printable(text),
        other => other.to_string(),
    }
}

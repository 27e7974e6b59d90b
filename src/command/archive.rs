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
use crate::store::{StoreError, open_read_only};
use crate::text::{Words, printable};

#[derive(Debug, Args)]
pub(super) struct Listing {
    /// Only what was seen within this span, like 24h or 7d
    #[arg(long, value_parser = span)]
    since: Option<Span>,
    #[arg(long)]
    topic: Option<String>,
    /// ISO 639-1 code, like ko
    #[arg(long)]
    language: Option<String>,
    #[arg(long)]
    outlet: Option<String>,
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
        let since = match self.since {
            Some(span) => Some(
                Clock::System
                    .now()
                    .checked_sub(SignedDuration::try_from(span.0)?)?,
            ),
            None => None,
        };
        let filter = Filter {
            since,
            topic: self.topic,
            language: self.language,
            outlet: self.outlet,
            state,
            limit: self.limit,
        };
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
    for revision in listing::item_revisions(connection, item.id)?.rows {
        writeln!(
            out,
            "  until {} it read: {}",
            text(&revision[0]),
            text(&revision[1])
        )?;
    }
    Ok(())
}

fn placements(out: &mut impl Write, connection: &Connection, item: i64) -> anyhow::Result<()> {
    for row in listing::placements(connection, item)?.rows {
        let [
            topic,
            story,
            title,
            closeness,
            decision,
            reason,
            origin,
            state,
            facts,
            runners_up,
        ] = row.as_slice()
        else {
            continue;
        };
        writeln!(
            out,
            "\nStory {} ({}): {}",
            text(story),
            text(topic),
            text(title)
        )?;
        match closeness.as_f64() {
            Some(closeness) => writeln!(
                out,
                "  it joined this story: {closeness:.2} of the closeness that joining takes"
            )?,
            None => writeln!(out, "  it opened this story")?,
        }
        writeln!(out, "  decision: {} — {}", text(decision), text(reason))?;
        writeln!(out, "  origin: {}", text(origin))?;
        if !state.is_null() {
            writeln!(out, "  its headline says of the meeting: {}", text(state))?;
        }
        facts_told(out, &text(facts))?;
        for other in serde_json::from_str::<Vec<serde_json::Value>>(&text(runners_up))? {
            writeln!(
                out,
                "  runner-up: story {} with {}",
                other["story"], other["closeness"]
            )?;
        }
    }
    for row in listing::item_deliveries(connection, item)?.rows {
        let [channel, state, attempts, delivered, error] = row.as_slice() else {
            continue;
        };
        let tail = if delivered.is_null() {
            text(error)
        } else {
            text(delivered)
        };
        let (channel, state, attempts) = (text(channel), text(state), text(attempts));
        writeln!(
            out,
            "  delivery to {channel}: {state}, attempt {attempts}, {tail}"
        )?;
    }
    Ok(())
}

fn facts_told(out: &mut impl Write, facts: &str) -> anyhow::Result<()> {
    let facts: serde_json::Value = serde_json::from_str(facts)?;
    for (key, what) in [
        ("new", "facts new to the story"),
        ("known", "facts it had already"),
    ] {
        let named: Vec<String> = facts[key]
            .as_array()
            .into_iter()
            .flatten()
            .map(text)
            .collect();
        if !named.is_empty() {
            writeln!(out, "  {what}: {}", named.join(", "))?;
        }
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

//! Commands that read the archive: listings, explain.

use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use jiff::SignedDuration;
use rusqlite::Connection;
use serde_json::json;

use crate::clock::Clock;
use crate::command::{Context, Done, known, output, span, why};
use crate::config::file::Span;
use crate::store::listing::{self, Filter};
use crate::store::query::Table;
use crate::store::view::items::Placement;
use crate::store::view::owed::Delivery;
use crate::store::view::signs::{Share, weighed};
use crate::store::{StoreError, open_read_only, view};
use crate::story::weights::Weights;
use crate::text::{Words, cut, headline, printable};
use crate::words;

/// Characters of a headline that is quoted.
const HEADLINE: usize = 100;

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
    /// Refuses a topic, language or outlet that neither the configuration nor the archive knows.
    pub(super) fn check(&self, context: &Context, connection: &Connection) -> anyhow::Result<()> {
        if self.topic.is_none() && self.language.is_none() && self.outlet.is_none() {
            return Ok(());
        }
        let mut names = listing::known(connection)?;
        if let Ok(config) = context.config() {
            names
                .topics
                .extend(config.topics.iter().map(|it| it.name.clone()));
            names
                .outlets
                .extend(config.feeds.iter().map(|it| it.outlet.clone()));
        }
        names
            .languages
            .extend(words::LANGUAGES.iter().map(|it| it.name.to_owned()));
        let list = |names: &'_ [String]| names.to_vec();
        let (topics, languages) = (list(&names.topics), list(&names.languages));
        known(
            "topic",
            self.topic.as_deref(),
            topics.iter().map(String::as_str),
        )?;
        known(
            "language",
            self.language.as_deref(),
            languages.iter().map(String::as_str),
        )?;
        known(
            "outlet",
            self.outlet.as_deref(),
            names.outlets.iter().map(String::as_str),
        )
    }

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
        self.wanted.check(context, &connection)?;
        let filter = self.wanted.filter(state, self.limit)?;
        output::print(&context.look(), &list(&connection, &filter)?, self.json)?;
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
    /// Print JSON
    #[arg(long)]
    json: bool,
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
        let weights = config.tables(&engine)?.weights;
        let words = Words::new(&item.title, &item.summary);
        let reading = engine.lexicon.read(&words);
        let placements = view::items::placements(&connection, item.id)?;
        let deliveries = view::owed::of_item(&connection, item.id)?;
        let mut out = std::io::stdout().lock();
        if self.json {
            let topics = engine
                .topics
                .iter()
                .map(|topic| why::verdict_json(topic, &reading, &engine.lexicon));
            let placements = placements.iter().map(|it| {
                let mut placed = serde_json::to_value(it).unwrap_or_default();
                placed["signs"] = json!(weighed(it, &weights));
                if let Some(placed) = placed.as_object_mut() {
                    placed.remove("headlines");
                }
                placed
            });
            let explained = json!({
                "item": item, "topics": topics.collect::<Vec<_>>(),
                "stories": placements.collect::<Vec<_>>(), "deliveries": deliveries,
            });
            serde_json::to_writer_pretty(&mut out, &explained)?;
            writeln!(out)?;
            return Ok(ExitCode::SUCCESS);
        }
        identity(&mut out, &connection, &item)?;
        for topic in &engine.topics {
            why::verdict(&mut out, &words, topic, &reading, &engine.lexicon)?;
        }
        for placed in &placements {
            placement(&mut out, placed, &weights)?;
        }
        sent(&mut out, &deliveries)?;
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
    if !item.summary.is_empty() && headline(&item.summary) == item.title {
        writeln!(out, "  its title is the beginning of its text")?;
    }
    match (item.standing.as_str(), item.duplicate_of) {
        ("news", Some(original)) => writeln!(
            out,
            "  the same article as item {original}, which nobody was told of"
        )?,
        (_, Some(original)) => writeln!(
            out,
            "  repeats item {original}: the same address or the same words"
        )?,
        ("history", None) => writeln!(
            out,
            "  history: when first seen it was older than the fresh window, or than its feed's last fetch by \
             half of that window, or without a readable date in the first document of its feed; it cannot alert"
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

/// Where it landed in a story, what was decided, and every sign that decided it.
fn placement(out: &mut impl Write, placed: &Placement, weights: &Weights) -> std::io::Result<()> {
    let (story, topic, title) = (placed.story_id, &placed.topic, &placed.story_title);
    writeln!(out, "\nStory {story} ({topic}): {}", printable(title))?;
    for it in &placed.reports {
        let (id, role) = (it.development, words::role(&it.role));
        let told = match (it.told, it.verdict.as_str()) {
            (true, _) => "this item told it".to_owned(),
            (false, "alert") => "told by another report".to_owned(),
            (false, verdict) => format!("not told: {}", words::verdict(verdict)),
        };
        writeln!(out, "  development {id}: {role}; {told}")?;
        let headline = cut(&printable(&it.headline), HEADLINE);
        writeln!(
            out,
            "    it began with “{headline}”; outlets: {}",
            it.outlets
        )?;
    }
    if placed.reports.is_empty() {
        writeln!(out, "  it reports no development")?;
    }
    writeln!(
        out,
        "  decision: {} — {}",
        placed.decision,
        printable(&placed.reason)
    )?;
    writeln!(out, "  origin: {}", printable(&placed.origin))?;
    if let Some(state) = &placed.state {
        writeln!(
            out,
            "  its headline says of the meeting: {}",
            words::state(state)
        )?;
    }
    let Some(weighed) = weighed(placed, weights) else {
        return Ok(());
    };
    match &weighed.nearest {
        Some(near) => {
            let (id, headline) = (near.development, cut(&printable(&near.headline), HEADLINE));
            let (odds, join) = (near.log_odds, near.join);
            writeln!(out, "  likest to development {id} (“{headline}”):")?;
            writeln!(
                out,
                "    {odds:+.2} log-odds to be a report of it; it is one from {join:+.2} on"
            )?;
            shares(out, &near.signs)?;
        }
        None => writeln!(out, "  no development was open that is like it")?,
    }
    for near in &weighed.runners_up {
        let (id, headline) = (near.development, cut(&printable(&near.headline), HEADLINE));
        let (odds, join) = (near.log_odds, near.join);
        writeln!(
            out,
            "  next: development {id} (“{headline}”), {odds:+.2} of {join:+.2}"
        )?;
    }
    writeln!(out, "  weight as news: {:.0} %", weighed.weight * 100.0)?;
    shares(out, &weighed.weight_signs)?;
    writeln!(
        out,
        "  certainty {:.0} % (weight, less for being {:.0} % new); an alert needs {:.0} %",
        weighed.certainty * 100.0,
        weighed.newness * 100.0,
        weighed.tell * 100.0
    )
}

fn shares(out: &mut impl Write, shares: &[Share]) -> std::io::Result<()> {
    for it in shares {
        writeln!(out, "    {:+.2}  {} ({})", it.adds, it.gloss, it.sign)?;
    }
    Ok(())
}

fn sent(out: &mut impl Write, deliveries: &[Delivery]) -> std::io::Result<()> {
    for delivery in deliveries {
        let tail = delivery
            .delivered_at
            .as_ref()
            .or(delivery.last_error.as_ref());
        writeln!(
            out,
            "  delivery to {}: {}, attempt {}, {}",
            printable(&delivery.channel),
            delivery.state,
            delivery.attempts,
            printable(tail.map_or("", String::as_str))
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

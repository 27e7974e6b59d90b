//! Commands that run a stage on given input: parse, classify. Their output is a contract.

use std::io::{BufRead, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock::{Clock, rfc3339};
use crate::command::{Context, Done, Usage};
use crate::fetch::Limits;
use crate::hearing::{Bench, Tried};
use crate::item::Item;
use crate::parse::{self, Parsed, Source};
use crate::store::items::evidence_json;
use crate::store::{boards, open_read_only};
use crate::story::Tables;
use crate::story::board::Board;

#[derive(Debug, Args)]
pub(super) struct Parse {
    /// A document; `-` reads standard input
    file: PathBuf,
    /// Its address, for relative links
    #[arg(long)]
    url: Option<String>,
    /// Its Content-Type header
    #[arg(long)]
    content_type: Option<String>,
    /// Zone of times without one, like Asia/Seoul [default: UTC]
    #[arg(long)]
    zone: Option<String>,
    /// Read it as this configured feed: its address, its zone and, for a page, its selectors
    #[arg(long, value_name = "NAME", conflicts_with = "zone")]
    feed: Option<String>,
}

impl Parse {
    pub(super) fn run(&self, context: &Context) -> Done {
        let mut bytes = Vec::new();
        if self.file.as_os_str() == "-" {
            std::io::stdin()
                .read_to_end(&mut bytes)
                .context("read standard input")?;
        } else {
            bytes = std::fs::read(&self.file)
                .with_context(|| format!("read {}", self.file.display()))?;
        }
        let feed = match &self.feed {
            Some(name) => Some(context.config()?.feed(name).map_err(Usage)?.clone()),
            None => None,
        };
        let zone = match (&self.zone, &feed) {
            (Some(name), _) => jiff::tz::TimeZone::get(name)
                .map_err(|_| Usage(format!("--zone {name}: no IANA time zone")))?,
            (None, Some(feed)) => feed.time_zone(),
            (None, None) => jiff::tz::TimeZone::UTC,
        };
        let address = feed.as_ref().map(|it| it.url.as_str());
        let source = Source {
            content_type: self.content_type.as_deref(),
            url: self.url.as_deref().or(address),
            zone,
            select: feed.as_ref().and_then(|it| it.select.as_ref()),
            max_bytes: Limits::default().body,
        };
        match parse::guarded(&bytes, &source) {
            Ok(parsed) => {
                let mut out = std::io::stdout().lock();
                serde_json::to_writer_pretty(&mut out, &document(&parsed))
                    .map_err(std::io::Error::from)?;
                writeln!(out)?;
                Ok(ExitCode::SUCCESS)
            }
            Err(error) => bail!("{}: {error}", self.file.display()),
        }
    }
}

fn document(parsed: &Parsed) -> Value {
    json!({
        "kind": parsed.kind.as_str(),
        "title": parsed.title,
        "link": parsed.link,
        "language": parsed.language,
        "repairs": parsed.repairs,
        "entries": parsed.items.iter().map(entry).collect::<Vec<_>>(),
    })
}

fn entry(item: &Item) -> Value {
    json!({
        "guid": item.guid,
        "title": item.title,
        "link": item.url,
        "published": item.published_at().map(rfc3339),
        "updated": item.updated_at.map(rfc3339),
        "author": item.author,
        "language": item.language,
        "categories": item.categories,
        "summary": item.summary,
        "content_html": item.content_html,
    })
}

#[derive(Debug, Args)]
pub(super) struct Classify {
    /// Topic to judge by [default: the first of the configuration]
    #[arg(long)]
    topic: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Judged {
    #[serde(default)]
    id: Value,
    title: String,
    summary: Option<String>,
    language: Option<String>,
    outlet: Option<String>,
    url: Option<String>,
}

impl Classify {
    pub(super) fn run(&self, context: &Context) -> Done {
        let config = context.config()?;
        let first = config.topics.first().map(|it| it.name.as_str());
        let name = self.topic.as_deref().or(first);
        let name = name.context("the configuration names no topic")?;
        let engine = config.engine_for(name)?;
        let topic = engine.topic(name).context("the topic was just built")?;
        let tables = config.tables(&engine)?;
        let now = Clock::System.now();
        let mut bench =
            Bench::alone(topic, &engine.lexicon, &tables).with_policy(config.alerts_of(name));
        match known(&config.archive, name, now, &tables) {
            Ok(Some((board, told))) => bench = bench.beside(board, told),
            Ok(None) => {}
            Err(error) => tracing::warn!("{error:#}; judged beside nothing"),
        }
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        for (at, line) in std::io::stdin().lock().lines().enumerate() {
            let line = line.with_context(|| format!("line {}", at + 1))?;
            if line.trim().is_empty() {
                continue;
            }
            let item: Judged = serde_json::from_str(&line)
                .with_context(|| format!("line {}: want JSON with at least a \"title\"", at + 1))?;
            let summary = item.summary.unwrap_or_default();
            let heard = bench.hear(Tried {
                title: &item.title,
                summary: &summary,
                language: item.language.as_deref(),
                outlet: item.outlet.as_deref(),
                url: item.url.as_deref(),
                at: now,
            });
            let verdict = &heard.verdict;
            let mut answer = json!({
                "id": item.id,
                "matched": verdict.matched,
                "score": verdict.score,
                "language": heard.language,
                "evidence": evidence_json(verdict, "summary"),
                "says": heard.says.summary,
                "statement": heard.statement_json(),
                "alert": heard.alert_json(),
            });
            if !verdict.marks.is_empty() {
                answer["marks"] = json!(verdict.marks);
            }
            writeln!(out, "{answer}")?;
        }
        out.flush()?;
        Ok(ExitCode::SUCCESS)
    }
}

/// What the archive knows of the topic, if there is one.
fn known(
    archive: &Path,
    topic: &str,
    now: Timestamp,
    tables: &Tables,
) -> anyhow::Result<Option<(Board, u32)>> {
    if !archive.exists() {
        return Ok(None);
    }
    let connection = open_read_only(archive)?;
    let known = boards::present(&connection, topic, now, &tables.weights);
    Ok(Some(
        known.with_context(|| format!("read {}", archive.display()))?,
    ))
}

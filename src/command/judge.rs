//! Commands that run a stage on given input: parse, classify. Their output is a contract.

use std::io::{BufRead, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock::rfc3339;
use crate::command::{Context, Done, Usage};
use crate::fetch::Limits;
use crate::item::Item;
use crate::parse::{self, Parsed, Source};
use crate::store::items::evidence_json;
use crate::text::Words;
use crate::text::language::detect;

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
    /// Topic to judge by
    #[arg(long, default_value = crate::config::shipped::DEFAULT_TOPIC)]
    topic: String,
}

#[derive(Debug, Deserialize)]
struct Judged {
    #[serde(default)]
    id: Value,
    title: String,
    summary: Option<String>,
    language: Option<String>,
}

impl Classify {
    pub(super) fn run(&self, context: &Context) -> Done {
        let engine = context.config()?.engine_for(&self.topic)?;
        let topic = engine
            .topic(&self.topic)
            .context("the topic was just built")?;
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        for (at, line) in std::io::stdin().lock().lines().enumerate() {
            let line = line.with_context(|| format!("line {}", at + 1))?;
            if line.trim().is_empty() {
                continue;
            }
            let item: Judged = serde_json::from_str(&line)
                .with_context(|| format!("line {}: want JSON with at least a \"title\"", at + 1))?;
            let summary = item.summary.unwrap_or_default();
            let reading = engine.lexicon.read(&Words::new(&item.title, &summary));
            let verdict = topic.judge(&reading, &engine.lexicon);
            let mut answer = json!({
                "id": item.id,
                "matched": verdict.matched,
                "score": verdict.score,
                "language": detect(&item.title, &summary, item.language.as_deref()),
                "evidence": evidence_json(&verdict, "summary"),
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

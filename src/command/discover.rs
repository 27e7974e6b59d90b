//! `feeds discover`: what a site has to poll, ready to be pasted into the configuration.

use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use serde_json::json;

use crate::clock::{Clock, rfc3339};
use crate::command::{Context, Done, block_on, output};
use crate::discover::{Found, discover};
use crate::fetch::Fetcher;
use crate::fetch::reach::Reach;
use crate::store::query::Table;

#[derive(Debug, Args)]
pub(super) struct Discover {
    /// A page or a site; https:// may be left out
    url: String,
    /// Also ask addresses that are loopback or private
    #[arg(long)]
    allow_private: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Discover {
    pub(super) fn run(&self, context: &Context) -> Done {
        let limits = context.config()?.limits;
        let url = if self.url.contains("://") {
            self.url.clone()
        } else {
            format!("https://{}", self.url)
        };
        let found = block_on(async {
            let fetcher = Fetcher::new(limits);
            let reach = if self.allow_private {
                Reach::Anywhere
            } else {
                Reach::Public
            };
            discover(&fetcher, &url, reach, Clock::System.now())
                .await
                .map_err(|error| {
                    let ours = "set allow_private = true for this feed";
                    anyhow!("{url}: {}", error.replace(ours, "give --allow-private"))
                })
        })?;
        if found.is_empty() {
            bail!(
                "{url}: no feed and no news sitemap was found; a list on a page can be polled with kind = \"html\""
            );
        }
        output::print(&context.look(), &table(&found), self.json)?;
        if !self.json {
            let first = found.first().context("found some")?;
            say!(
                "\nTo watch the first, add to the configuration:\n\n{}",
                snippet(first, self.allow_private)
            )?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn table(found: &[Found]) -> Table {
    let columns = [
        "url", "kind", "title", "language", "entries", "newest", "how",
    ];
    let rows = found
        .iter()
        .map(|it| {
            vec![
                json!(it.url),
                json!(it.kind.as_str()),
                json!(it.title),
                json!(it.language),
                json!(it.entries),
                json!(it.newest.map(rfc3339)),
                json!(it.how.as_str()),
            ]
        })
        .collect();
    Table {
        columns: columns.map(str::to_owned).to_vec(),
        rows,
        cut: false,
    }
}

/// Names are a guess; quotes are TOML's own.
fn snippet(found: &Found, allow_private: bool) -> String {
    let host = url::Url::parse(&found.url)
        .ok()
        .and_then(|it| it.host_str().map(str::to_owned))
        .unwrap_or_default();
    let host = host.trim_start_matches("www.");
    let text = |value: &str| toml_text(value);
    let mut lines = vec![
        "[[feeds]]".to_owned(),
        format!("name = {}", text(&host.replace('.', "-"))),
        format!("url = {}", text(&found.url)),
        format!("outlet = {}", text(found.title.as_deref().unwrap_or(host))),
    ];
    if let Some(language) = &found.language {
        lines.push(format!("language = {}", text(language)));
    }
    if allow_private {
        lines.push("allow_private = true".to_owned());
    }
    lines.join("\n")
}

/// A basic TOML string; JSON's escapes are among its own.
fn toml_text(value: &str) -> String {
    json!(value).to_string()
}

//! `search`: full text in all languages, what was found set off on a terminal.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use crate::clock::{Clock, rfc3339};
use crate::command::{Context, Done, Usage};
use crate::search::Query;
use crate::search::excerpt::Marked;
use crate::store::open_read_only;
use crate::store::search::{Answer, Hit, Page, find};
use crate::text::printable;

/// Words and "phrases" with AND, OR, NOT and parentheses; `word*` for beginnings; filters: title: summary:
/// lang:ko outlet:yonhap feed: topic: story:12 concept:kim-jong-un since:7d after:2026-02-01 before:
/// is:matched (or alerted, news, history, copy).
#[derive(Debug, Args)]
pub(super) struct Search {
    /// What to look for; several arguments are one query
    #[arg(required = true)]
    query: Vec<String>,
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// Hits to leave out at the beginning
    #[arg(long, default_value_t = 0)]
    offset: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Search {
    pub(super) fn run(&self, context: &Context) -> Done {
        let config = context.config()?;
        let lexicon = config.engine()?.lexicon;
        let now = Clock::System.now();
        let text = self.query.join(" ");
        let query = Query::parse(&text, &lexicon, now)
            .map_err(|fault| Usage(format!("cannot read the query: {fault}")))?;
        let connection = open_read_only(&config.archive)?;
        let page = Page {
            limit: self.limit,
            offset: self.offset,
        };
        let Answer {
            hits,
            looked_back_to,
        } = find(&connection, &query, &lexicon, page, now)?;
        if let Some(at) = looked_back_to {
            tracing::warn!(
                "the search stopped at what was seen on {}; since:, lang: or a word narrows it",
                rfc3339(at)
            );
        }
        let stdout = io::stdout().lock();
        let styled = stdout.is_terminal();
        let mut out = io::BufWriter::new(stdout);
        if self.json {
            let hits: Vec<Value> = hits.iter().map(as_json).collect();
            serde_json::to_writer_pretty(&mut out, &hits)?;
            writeln!(out)?;
        } else if hits.is_empty() {
            writeln!(out, "nothing found")?;
        } else {
            for hit in &hits {
                show(&mut out, hit, styled)?;
            }
            if hits.len() == self.limit {
                let next = self.offset + self.limit;
                writeln!(out, "perhaps more: --offset {next}, or a higher --limit")?;
            }
        }
        out.flush()?;
        Ok(ExitCode::SUCCESS)
    }
}

fn as_json(hit: &Hit) -> Value {
    let marks = |marked: &Marked| -> Vec<[usize; 2]> {
        let marks = marked.marks.iter();
        marks.map(|it| [it.start, it.end]).collect()
    };
    json!({
        "id": hit.item.0,
        "published_at": hit.published_at.map(rfc3339),
        "first_seen_at": rfc3339(hit.first_seen_at),
        "outlet": hit.outlet,
        "feed": hit.feed,
        "language": hit.language,
        "title": hit.title.text,
        "title_marks": marks(&hit.title),
        "snippet": hit.snippet.text,
        "snippet_marks": marks(&hit.snippet),
        "url": hit.url,
        "standing": hit.standing.as_str(),
        "story": hit.story.map(|it| it.0),
        "score": hit.score,
    })
}

fn show(out: &mut impl Write, hit: &Hit, styled: bool) -> io::Result<()> {
    writeln!(out, "{}", marked(&hit.title, styled))?;
    let at = rfc3339(hit.published_at.unwrap_or(hit.first_seen_at));
    let mut told = vec![at, printable(&hit.outlet)];
    told.extend(hit.language.as_deref().map(printable));
    told.push(format!("item {}", hit.item.0));
    told.extend(hit.story.map(|it| format!("story {}", it.0)));
    writeln!(out, "  {}", told.join(" · "))?;
    if !hit.snippet.text.is_empty() {
        writeln!(out, "  {}", marked(&hit.snippet, styled))?;
    }
    if let Some(url) = &hit.url {
        writeln!(out, "  {}", printable(url))?;
    }
    writeln!(out)
}

/// Bold and underlined where a terminal shows it; control characters of the text go.
fn marked(marked: &Marked, styled: bool) -> String {
    let pieces = marked.pieces().into_iter();
    let pieces = pieces.map(|(piece, set_off)| {
        let piece = printable(piece);
        if set_off && styled {
            format!("\x1b[1;4m{piece}\x1b[0m")
        } else {
            piece
        }
    });
    pieces.collect()
}

#[cfg(test)]
mod tests {
    use super::marked;
    use crate::search::excerpt::excerpt;

    #[test]
    fn what_was_found_is_set_off_and_nothing_else_styles_the_terminal() {
        let text = "\u{1b}[31m북미\u{202e} talks\r";
        let found = 5..11;
        let title = excerpt(text, &[found], 100);
        assert_eq!(marked(&title, true), " [31m\u{1b}[1;4m북미\u{1b}[0m talks ");
        assert_eq!(marked(&title, false), " [31m북미 talks ");
    }
}

//! `export`: items as JSON lines or CSV, row by row, whatever their number.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use jiff::SignedDuration;

use crate::clock::Clock;
use crate::command::{Context, Done, output, span};
use crate::config::file::Span;
use crate::store::listing::{self, Filter};
use crate::store::open_read_only;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One JSON object a line
    Jsonl,
    Csv,
}

#[derive(Debug, Args)]
pub(super) struct Export {
    #[arg(long, value_enum, default_value = "jsonl")]
    format: Format,
    /// Only what this topic matched
    #[arg(long)]
    topic: Option<String>,
    /// Only what was seen within this span, like 24h or 7d
    #[arg(long, value_parser = span)]
    since: Option<Span>,
    /// ISO 639-1 code, like ko
    #[arg(long)]
    language: Option<String>,
    #[arg(long)]
    outlet: Option<String>,
}

impl Export {
    pub(super) fn run(self, context: &Context) -> Done {
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
            ..Filter::default()
        };
        let mut out = io::BufWriter::new(io::stdout().lock());
        let mut first = true;
        listing::export(&connection, &filter, |columns, row| -> anyhow::Result<()> {
            match self.format {
                Format::Jsonl => {
                    output::json_row(columns, row, &mut out)?;
                }
                Format::Csv => {
                    if first {
                        output::csv_header(columns, &mut out)?;
                    }
                    output::csv_row(row, &mut out)?;
                }
            }
            first = false;
            Ok(())
        })?;
        out.flush()?;
        Ok(ExitCode::SUCCESS)
    }
}

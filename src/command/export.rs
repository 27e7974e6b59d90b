//! `export`: items as JSON lines or CSV, row by row, whatever their number; or all of the archive as plain SQLite.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::command::archive::Wanted;
use crate::command::{Context, Done, output};
use crate::store::{backup, listing, open_read_only};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Jsonl,
    Csv,
}

#[derive(Debug, Args)]
pub(super) struct Export {
    /// JSON lines, or CSV with a header
    #[arg(long, value_enum, default_value = "jsonl")]
    format: Format,
    /// Write the whole archive to a new SQLite file instead, without the full-text index: any SQLite from 3.38 on reads it,
    /// `datasette -i` too
    #[arg(long, value_name = "FILE", conflicts_with_all = ["format", "since", "topic", "language", "outlet"])]
    sqlite: Option<PathBuf>,
    #[command(flatten)]
    wanted: Wanted,
}

impl Export {
    pub(super) fn run(self, context: &Context) -> Done {
        if let Some(file) = &self.sqlite {
            backup::export(&context.archive()?, file)?;
            say!("{} is a copy without the full-text index", file.display())?;
            return Ok(ExitCode::SUCCESS);
        }
        let connection = open_read_only(&context.archive()?)?;
        self.wanted.check(context, &connection)?;
        // `export` has no limit of its own.
        let filter = self.wanted.filter(None, 0)?;
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

//! `sql`: read-only SQL for people, with help where it is wrong.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;

use crate::command::{Context, Done, Usage, output, span};
use crate::config::file::Span;
use crate::store::query;
use crate::store::{listing, open_read_only};
use crate::text::nearest;

#[derive(Debug, Args)]
pub(super) struct Sql {
    /// A SELECT; `-` reads it from standard input
    query: String,
    /// Print JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print CSV
    #[arg(long)]
    csv: bool,
    /// Rows to print at most
    #[arg(long, default_value_t = 1_000)]
    limit: usize,
    /// Give up after this long
    #[arg(long, default_value = "30s", value_parser = span)]
    timeout: Span,
}

impl Sql {
    pub(super) fn run(&self, context: &Context) -> Done {
        let sql = match self.query.as_str() {
            "-" => std::io::read_to_string(std::io::stdin()).context("read the query")?,
            query => query.to_owned(),
        };
        if sql.trim().is_empty() {
            return Err(
                Usage("the query is empty; the README has a dozen ready ones".to_owned()).into(),
            );
        }
        let connection = open_read_only(&context.archive()?)?;
        let names = listing::names(&connection)?;
        query::only_reads(&connection)?;
        query::stop_after(&connection, self.timeout.0)?;
        let table = match query::table(&connection, &sql, &[], self.limit) {
            Ok(table) => table,
            Err(error) => bail!(sql_error(&error, &names, self.timeout.0)),
        };
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        match (self.json, self.csv) {
            (true, _) => output::as_json(&table, &mut out)?,
            (_, true) => output::as_csv(&table, &mut out)?,
            _ => output::as_table(&context.look(), &table, &mut out)?,
        }
        out.flush()?;
        Ok(ExitCode::SUCCESS)
    }
}

fn sql_error(error: &rusqlite::Error, names: &[String], limit: Duration) -> String {
    let text = match error {
        // Without the statement, which the user has before them.
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        rusqlite::Error::SqliteFailure(_, Some(text)) => text.clone(),
        other => other.to_string(),
    };
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::OperationInterrupted) => {
            return format!(
                "the query ran longer than {} s; add a LIMIT, or give more time with --timeout",
                limit.as_secs()
            );
        }
        Some(rusqlite::ErrorCode::AuthorizationForStatementDenied) => {
            return format!(
                "only reading is allowed here ({text}); the sqlite3 shell can write, with the service stopped"
            );
        }
        _ => {}
    }
    let wrong = ["no such table: ", "no such column: "]
        .iter()
        .find_map(|prefix| text.strip_prefix(prefix));
    let near = wrong.and_then(|wrong| {
        let wrong = wrong.rsplit('.').next().unwrap_or(wrong);
        nearest(wrong, names.iter().map(String::as_str))
    });
    match near {
        Some(near) => format!("{text}; did you mean {near}?"),
        None => text,
    }
}

//! What pages and the API show, a type for each kind of row. Everything is bounded by a limit and paged
//! by the id of the last row seen.

pub mod acts;
pub mod feeds;
pub mod gauges;
pub mod items;
pub mod news;
pub mod owed;
pub mod signs;
pub mod stories;
pub mod volume;

use rusqlite::types::FromSql;
use rusqlite::{Connection, Row, ToSql};

use crate::store::StoreError;

/// Which rows of a list: so many, older than a row already seen.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    pub before: Option<i64>,
    pub limit: usize,
}

impl Part {
    pub fn first(limit: usize) -> Self {
        Self {
            before: None,
            limit,
        }
    }

    /// One more than is shown, which says whether there is a next part.
    fn asked(self) -> i64 {
        i64::try_from(self.limit).unwrap_or(i64::MAX - 1) + 1
    }
}

/// Rows of a list, and whether older ones follow.
#[derive(Debug, Clone)]
pub struct Rows<T> {
    pub rows: Vec<T>,
    pub more: bool,
}

fn rows<T>(
    connection: &Connection,
    sql: &str,
    params: &[&dyn ToSql],
    row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params, row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn part<T>(mut rows: Vec<T>, part: Part) -> Rows<T> {
    let more = rows.len() > part.limit;
    rows.truncate(part.limit);
    Rows { rows, more }
}

/// The columns of a row one after the other, as many as a type has fields.
struct Columns<'a, 'b> {
    row: &'a Row<'b>,
    at: usize,
}

impl<'a, 'b> Columns<'a, 'b> {
    fn of(row: &'a Row<'b>) -> Self {
        Self { row, at: 0 }
    }

    fn next<T: FromSql>(&mut self) -> rusqlite::Result<T> {
        self.at += 1;
        self.row.get(self.at - 1)
    }
}

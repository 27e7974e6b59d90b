//! Read-only SQL for people: SQLite's own authorizer decides what may run, not a look at the text.

use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::ValueRef;
use serde_json::Value;

use crate::store::StoreError;

/// Rows as every surface prints them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Value>>,
    /// More rows were there than the limit let through.
    pub cut: bool,
}

/// Only statements that read get past the authorizer.
pub fn only_reads(connection: &Connection) -> Result<(), StoreError> {
    connection.authorizer(Some(|context: AuthContext<'_>| match context.action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => {
            Authorization::Allow
        }
        AuthAction::Function { function_name }
            if !function_name.eq_ignore_ascii_case("load_extension") =>
        {
            Authorization::Allow
        }
        // A few pragmas tell about the schema; with a value they would change something.
        AuthAction::Pragma {
            pragma_name,
            pragma_value,
        } if matches!(
            pragma_name,
            "table_info" | "table_list" | "table_xinfo" | "index_list" | "index_info"
        ) || (pragma_value.is_none()
            && matches!(pragma_name, "user_version" | "data_version" | "page_count")) =>
        {
            Authorization::Allow
        }
        _ => Authorization::Deny,
    }))?;
    Ok(())
}

/// Interrupts what runs on `connection` after `limit`.
pub fn stop_after(connection: &Connection, limit: Duration) -> Result<(), StoreError> {
    let started = Instant::now();
    connection.progress_handler(10_000, Some(move || started.elapsed() > limit))?;
    Ok(())
}

pub fn table(
    connection: &Connection,
    sql: &str,
    params: &[&dyn rusqlite::ToSql],
    limit: usize,
) -> Result<Table, rusqlite::Error> {
    let mut statement = connection.prepare(sql)?;
    let columns = unlike(&statement.column_names());
    let mut table = Table {
        columns,
        ..Table::default()
    };
    let mut rows = statement.query(params)?;
    while let Some(row) = rows.next()? {
        if table.rows.len() == limit {
            table.cut = true;
            break;
        }
        let values = (0..table.columns.len())
            .map(|at| row.get_ref(at).map(value))
            .collect::<Result<_, _>>()?;
        table.rows.push(values);
    }
    Ok(table)
}

/// Shows every row to `each` with the names of the columns, one at a time.
pub fn each<E: From<StoreError>>(
    connection: &Connection,
    sql: &str,
    params: &[&dyn rusqlite::ToSql],
    each: &mut impl FnMut(&[String], &[Value]) -> Result<(), E>,
) -> Result<(), E> {
    let mut statement = connection.prepare(sql).map_err(StoreError::from)?;
    let columns = unlike(&statement.column_names());
    let mut rows = statement.query(params).map_err(StoreError::from)?;
    while let Some(row) = rows.next().map_err(StoreError::from)? {
        let values = (0..columns.len()).map(|at| row.get_ref(at).map(value));
        let values: Vec<Value> = values.collect::<Result<_, _>>().map_err(StoreError::from)?;
        each(&columns, &values)?;
    }
    Ok(())
}

/// Names of columns, each of its own: `title`, `title_2`. An object of JSON keeps one value under a name.
fn unlike(names: &[&str]) -> Vec<String> {
    let mut columns: Vec<String> = Vec::with_capacity(names.len());
    for (at, name) in names.iter().enumerate() {
        let is_taken = |it: &str| columns.iter().any(|column| column == it);
        let own = if is_taken(name) {
            // One more than there are names is never taken.
            (2..=names.len() + 2)
                .map(|n| format!("{name}_{n}"))
                // A later column may have that name by itself.
                .find(|it| !is_taken(it) && !names[at..].contains(&it.as_str()))
        } else {
            None
        };
        columns.push(own.unwrap_or_else(|| (*name).to_owned()));
    }
    columns
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(it) => it.into(),
        ValueRef::Real(it) => it.into(),
        ValueRef::Text(it) => String::from_utf8_lossy(it).into_owned().into(),
        ValueRef::Blob(it) => format!("({} bytes)", it.len()).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::unlike;

    #[test]
    fn columns_of_one_name_get_names_of_their_own() {
        assert_eq!(unlike(&["a", "b"]), ["a", "b"]);
        assert_eq!(unlike(&["a", "a", "b", "a"]), ["a", "a_2", "b", "a_3"]);
        assert_eq!(unlike(&["a", "a", "a_2"]), ["a", "a_3", "a_2"]);
    }
}

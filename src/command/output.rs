//! Tables, JSON and CSV on standard output.

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::{Map, Value};
use unicode_width::UnicodeWidthStr;

use crate::store::query::Table;
use crate::text::{cut, cut_by, printable};

/// Cells are cut here in tables; JSON and CSV have everything.
const CELL: usize = 70;

/// How a table looks where it is read.
#[derive(Debug, Clone, Default)]
pub(super) struct Look {
    /// Columns of the terminal; none: as wide as it is.
    pub(super) width: Option<usize>,
    /// In which times are written; none: as they stand, in UTC.
    pub(super) zone: Option<TimeZone>,
    pub(super) color: bool,
}

pub(super) fn print(look: &Look, table: &Table, json: bool) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    if json {
        as_json(table, &mut out)?;
    } else {
        as_table(look, table, &mut out)?;
    }
    out.flush()
}

/// Text of any length; who reads only its beginning ends it quietly.
pub(super) fn text(text: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{}", text.trim_end())
}

/// Whether somebody still reads standard output: false once the reader of a pipe has gone.
pub(super) fn is_read() -> bool {
    let out = io::stdout();
    let mut polled = [PollFd::new(&out, PollFlags::empty())];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let asked = poll(&mut polled, Some(&now));
    asked.is_err()
        || !polled[0]
            .revents()
            .intersects(PollFlags::ERR | PollFlags::HUP)
}

/// [`text`] in the words of `format!`.
macro_rules! say {
    ($($words:tt)*) => { $crate::command::output::text(&format!($($words)*)) };
}

/// Rows of any type that is written as an object, a column for each field.
pub(super) fn table_of<T: serde::Serialize>(rows: &[T]) -> serde_json::Result<Table> {
    let mut table = Table {
        columns: Vec::new(),
        rows: Vec::new(),
        cut: false,
    };
    for row in rows {
        if let Value::Object(fields) = serde_json::to_value(row)? {
            if table.columns.is_empty() {
                table.columns = fields.keys().cloned().collect();
            }
            table.rows.push(fields.into_iter().map(|it| it.1).collect());
        }
    }
    Ok(table)
}

pub(super) fn as_json(table: &Table, out: &mut impl Write) -> io::Result<()> {
    let rows: Vec<Value> = table
        .rows
        .iter()
        .map(|row| {
            table
                .columns
                .iter()
                .cloned()
                .zip(row.iter().cloned())
                .collect::<Map<_, _>>()
                .into()
        })
        .collect();
    serde_json::to_writer_pretty(&mut *out, &rows)?;
    writeln!(out)
}

pub(super) fn as_table(look: &Look, table: &Table, out: &mut impl Write) -> io::Result<()> {
    let mut cells: Vec<Vec<String>> = table
        .rows
        .iter()
        .map(|row| row.iter().map(|it| look.cell(it)).collect())
        .collect();
    let width = |at: usize| {
        let own = cells.iter().map(|row| row[at].width()).max().unwrap_or(0);
        own.max(table.columns[at].width())
    };
    let mut widths: Vec<usize> = (0..table.columns.len()).map(width).collect();
    if let Some(most) = look.width {
        fit(&mut widths, most);
    }
    let mut columns = table.columns.clone();
    for row in cells.iter_mut().chain(std::iter::once(&mut columns)) {
        for (cell, width) in row.iter_mut().zip(&widths) {
            if cell.width() > *width {
                *cell = cut_by(cell, *width, UnicodeWidthStr::width);
            }
        }
    }
    let (bold, plain) = if look.color {
        ("\x1b[1m", "\x1b[0m")
    } else {
        ("", "")
    };
    write!(out, "{bold}")?;
    line(&columns, &widths, out)?;
    write!(out, "{plain}")?;
    let rule: Vec<String> = widths.iter().map(|it| "─".repeat(*it)).collect();
    line(&rule, &widths, out)?;
    for row in &cells {
        line(row, &widths, out)?;
    }
    if table.cut {
        writeln!(out, "… more rows; --limit shows them")?;
    }
    Ok(())
}

/// Columns of a cell that is cut; less tells nothing.
const LEAST: usize = 8;
/// Columns between two cells.
const GAP: usize = 2;

/// Makes the widest columns narrower until the line fits.
fn fit(widths: &mut [usize], most: usize) {
    let gaps = GAP * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > most {
        let Some(widest) = widths.iter_mut().max().filter(|it| **it > LEAST) else {
            return;
        };
        *widest -= 1;
    }
}

impl Look {
    fn cell(&self, value: &Value) -> String {
        let local = || {
            let at = value
                .as_str()
                .filter(|it| it.len() == INSTANT)?
                .parse::<Timestamp>()
                .ok()?;
            let zoned = at.to_zoned_datetime(self.zone.clone()?);
            Some(zoned.strftime("%Y-%m-%d %H:%M").to_string())
        };
        local().unwrap_or_else(|| cell(value))
    }
}

/// Characters of `2026-03-02T00:48:00Z`.
const INSTANT: usize = 20;

/// One JSON object on a line of its own.
pub(super) fn json_row(columns: &[String], row: &[Value], out: &mut impl Write) -> io::Result<()> {
    let object: Map<_, _> = columns.iter().cloned().zip(row.iter().cloned()).collect();
    serde_json::to_writer(&mut *out, &object)?;
    writeln!(out)
}

pub(super) fn as_csv(table: &Table, out: &mut impl Write) -> io::Result<()> {
    csv_header(&table.columns, out)?;
    table.rows.iter().try_for_each(|row| csv_row(row, out))
}

pub(super) fn csv_header(columns: &[String], out: &mut impl Write) -> io::Result<()> {
    let header: Vec<String> = columns.iter().map(|it| csv_field(it)).collect();
    writeln!(out, "{}", header.join(","))
}

pub(super) fn csv_row(row: &[Value], out: &mut impl Write) -> io::Result<()> {
    let fields: Vec<String> = row
        .iter()
        .map(|value| match value {
            Value::Null => String::new(),
            Value::String(text) => csv_field(text),
            other => other.to_string(),
        })
        .collect();
    writeln!(out, "{}", fields.join(","))
}

/// What a spreadsheet would run as a formula gets an apostrophe before it; full-width signs too, which
/// East Asian ones read alike.
fn csv_field(text: &str) -> String {
    let runs = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let disarmed = if runs { "'" } else { "" };
    format!("\"{disarmed}{}\"", text.replace('"', "\"\""))
}

pub(super) fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => cut(&printable(text), CELL),
        Value::Number(number) => match number.as_f64() {
            Some(it) if number.is_f64() => format!("{it:.3}"),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

fn line(cells: &[String], widths: &[usize], out: &mut impl Write) -> io::Result<()> {
    let padded: Vec<String> = cells
        .iter()
        .zip(widths)
        .map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.width())))
        .collect();
    writeln!(out, "{}", padded.join("  ").trim_end())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use jiff::tz::TimeZone;

    use super::{Look, as_csv, as_table};
    use crate::store::query::Table;

    fn table() -> Table {
        let rows = vec![
            vec![json!(1), json!("북미 회담")],
            vec![json!(null), json!("=cmd()\u{1b}[31m")],
        ];
        Table {
            columns: vec!["id".to_owned(), "title".to_owned()],
            rows,
            cut: false,
        }
    }

    #[test]
    fn tables_align_wide_characters_and_hold_no_control_sequence() {
        let mut out = Vec::new();
        as_table(&Look::default(), &table(), &mut out).expect("write");
        insta::assert_snapshot!(String::from_utf8(out).expect("text"), @r"
        id  title
        ──  ───────────
        1   북미 회담
            =cmd() [31m
        ");
    }

    #[test]
    fn a_table_fits_its_terminal_and_tells_local_times() {
        let table = Table {
            columns: vec!["at".to_owned(), "title".to_owned()],
            rows: vec![vec![
                json!("2026-03-02T00:48:00Z"),
                json!("북미 정상회담, 판문점에서 열린다"),
            ]],
            cut: false,
        };
        let look = Look {
            width: Some(34),
            zone: Some(TimeZone::get("Asia/Seoul").expect("a zone")),
            color: false,
        };
        let mut out = Vec::new();
        as_table(&look, &table, &mut out).expect("write");
        insta::assert_snapshot!(String::from_utf8(out).expect("text"), @r"
        at                title
        ────────────────  ────────────────
        2026-03-02 09:48  북미 정상회담,…
        ");
    }

    #[test]
    fn csv_disarms_formulas() {
        let mut out = Vec::new();
        as_csv(&table(), &mut out).expect("write");
        assert!(String::from_utf8(out).expect("text").contains("\"'=cmd()"));
    }
}

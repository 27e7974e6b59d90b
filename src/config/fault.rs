//! Faults of files people write: what, where, and what to do.

use std::fmt;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::text::nearest;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub file: String,
    pub line: Option<usize>,
    pub message: String,
}

impl Fault {
    pub fn new(file: impl fmt::Display, line: Option<usize>, message: impl Into<String>) -> Self {
        Self {
            file: file.to_string(),
            line,
            message: message.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

/// Every fault found, a line each.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    pub fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub fn append(&mut self, other: &mut Self) {
        self.0.append(&mut other.0);
    }

    /// The value, unless there are faults or it could not be read.
    pub fn of<T>(self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self),
        }
    }

    /// `value`, unless there are faults.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.iter().take(MOST_FAULTS);
        let mut lines: Vec<String> = shown.map(ToString::to_string).collect();
        if self.0.len() > MOST_FAULTS {
            lines.push(format!("and {} more", self.0.len() - MOST_FAULTS));
        }
        f.write_str(&lines.join("\n"))
    }
}

/// Whoever has more mends these first.
const MOST_FAULTS: usize = 50;

/// `text` with the key at `at` and its value made blank, or the table whose header stands there; whether that was a whole
/// table. Lines stay where they are. None where neither can be found.
fn without(text: &str, at: usize) -> Option<(String, bool)> {
    let document = DeTable::parse(text).ok()?;
    let (start, end, table) = match entry(document.get_ref(), at) {
        Some((start, end)) if end > start => (start, end, false),
        _ => {
            let start = text[..at.min(text.len())]
                .rfind('\n')
                .map_or(0, |it| it + 1);
            let next = text[start..]
                .find("\n[")
                .map_or(text.len(), |it| start + it);
            text[start..].trim_start().starts_with('[').then_some(())?;
            (start, next, true)
        }
    };
    let blank: String = text[start..end]
        .chars()
        .map(|c| if c == '\n' { '\n' } else { ' ' })
        .collect();
    (text[start..end].trim() != "").then_some(())?;
    Some((format!("{}{blank}{}", &text[..start], &text[end..]), table))
}

/// Where the innermost key lies at which `at` stands, or in whose value, up to the value's end.
fn entry(table: &DeTable<'_>, at: usize) -> Option<(usize, usize)> {
    for (key, value) in table {
        let (start, end) = (key.span().start, value.span().end);
        let within = match value.get_ref() {
            DeValue::Table(inner) => entry(inner, at),
            DeValue::Array(array) => array.iter().find_map(|it| match it.get_ref() {
                DeValue::Table(inner) => entry(inner, at),
                _ => None,
            }),
            _ => None,
        };
        if within.is_some() {
            return within;
        }
        let is_header = matches!(value.get_ref(), DeValue::Table(_) | DeValue::Array(_))
            && value.span().start <= start;
        if !is_header && (start..end).contains(&at) {
            return Some((start, end));
        }
    }
    None
}

/// A TOML text under its name.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    pub file: &'a str,
    pub text: &'a str,
}

impl Text<'_> {
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Faults> {
        toml::from_str(self.text).map_err(|error| self.explain(&error).into())
    }

    /// Reads on past what is wrong, so that all of it can be said at once: the key or the table with the fault is left
    /// out and the rest is read. The value is none where a whole table had to be left out: what names it would only seem
    /// wrong too.
    pub fn parse_all<T: DeserializeOwned>(&self) -> (Option<T>, Faults) {
        let mut faults = Faults::default();
        let mut text = self.text.to_owned();
        let mut whole = true;
        for _ in 0..MOST_FAULTS {
            let error = match toml::from_str(&text) {
                Ok(value) => return (Some(value).filter(|_| whole), faults),
                Err(error) => error,
            };
            let follows = error.message().starts_with("missing field") && !faults.0.is_empty();
            if !follows {
                faults.push(self.explain(&error));
            }
            let at = error.span().map(|it| it.start);
            let Some(left_out) = at.and_then(|at| without(&text, at)) else {
                return (None, faults);
            };
            whole &= !left_out.1;
            text = left_out.0;
        }
        (None, faults)
    }

    /// The line of a key in a table, for keys whose values carry no place.
    pub fn line_of_key(&self, table: &str, key: &str) -> Option<usize> {
        let header = format!("[{table}]");
        let lines = self.text.lines().enumerate();
        let mut within = lines
            .skip_while(|(_, line)| !line.trim_start().starts_with(&header))
            .skip(1)
            .take_while(|(_, line)| !line.trim_start().starts_with('['));
        let is_key = |line: &str| {
            let rest = line.trim_start().strip_prefix(key);
            rest.is_some_and(|it| it.trim_start().starts_with('='))
        };
        within.find(|(_, line)| is_key(line)).map(|(at, _)| at + 1)
    }

    pub fn fault<T>(&self, at: &Spanned<T>, message: impl Into<String>) -> Fault {
        Fault::new(self.file, self.line_of(at), message)
    }

    pub fn line_of<T>(&self, at: &Spanned<T>) -> Option<usize> {
        Some(self.line(at.span().start))
    }

    fn line(&self, offset: usize) -> usize {
        let end = offset.min(self.text.len());
        self.text[..end].matches('\n').count() + 1
    }

    /// serde says what it expected; a person wants the key and the nearest right one.
    pub fn explain(&self, error: &toml::de::Error) -> Fault {
        self.explain_among(error, &[])
    }

    /// Where `further` keys are known too.
    pub fn explain_among(&self, error: &toml::de::Error, further: &[&str]) -> Fault {
        let start = error.span().map(|it| it.start);
        let line = start.map(|it| self.line(it));
        let message = error.message();
        let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
        if let (true, Some((key, expected))) =
            (message.starts_with("unknown field"), quoted.split_first())
        {
            let expected = [expected, further].concat();
            let hint = match nearest(key, expected.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here are {}", expected.join(", ")),
            };
            return Fault::new(self.file, line, format!("unknown key `{key}`; {hint}"));
        }
        if let (true, Some((value, expected))) =
            (message.starts_with("unknown variant"), quoted.split_first())
        {
            let hint = nearest(value, expected.iter().copied())
                .map(|it| format!("did you mean \"{it}\"? "))
                .unwrap_or_default();
            let key = self.key_at(start);
            return Fault::new(
                self.file,
                line,
                format!(
                    "{key}\"{value}\" is not known; {hint}known are {}",
                    expected.join(", ")
                ),
            );
        }
        Fault::new(
            self.file,
            line,
            format!("{}{}", self.key_at(start), message.replace('\n', " ")),
        )
    }

    /// `interval: ` when the offset stands on that key's line.
    fn key_at(&self, offset: Option<usize>) -> String {
        let Some(offset) = offset.map(|it| it.min(self.text.len())) else {
            return String::new();
        };
        let from = self.text[..offset].rfind('\n').map_or(0, |it| it + 1);
        let line = self.text[from..].lines().next().unwrap_or_default();
        match line.split_once('=') {
            Some((key, _)) if !key.trim().is_empty() => format!("{}: ", key.trim()),
            _ => String::new(),
        }
    }
}

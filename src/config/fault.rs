//! Faults of files people write: what, where, and what to do.

use std::fmt;

use serde::de::DeserializeOwned;
use toml::Spanned;

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
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
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

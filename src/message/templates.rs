//! The words of messages: minijinja templates, the shipped ones compiled in. The ending of a
//! template's name says for whom its values are escaped ([`Target`]); what a template itself
//! writes stands as it is.

use std::fmt::Display;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, Output, UndefinedBehavior};
use serde::Serialize;

use crate::digest::Digest;
use crate::message::Message;
use crate::message::escape::Target;
use crate::message::lines::Lines;
use crate::text::{cut, printable};
use crate::words;

/// File names below `config/templates/` and their texts.
pub const SHIPPED: &[(&str, &str)] = &[
    (
        "title.txt",
        include_str!("../../config/templates/title.txt"),
    ),
    (
        "alert.txt",
        include_str!("../../config/templates/alert.txt"),
    ),
    (
        "alert.html",
        include_str!("../../config/templates/alert.html"),
    ),
    (
        "alert.telegram.html",
        include_str!("../../config/templates/alert.telegram.html"),
    ),
    (
        "alert.matrix.html",
        include_str!("../../config/templates/alert.matrix.html"),
    ),
    (
        "alert.discord.md",
        include_str!("../../config/templates/alert.discord.md"),
    ),
    (
        "alert.mrkdwn",
        include_str!("../../config/templates/alert.mrkdwn"),
    ),
    (
        "digest.txt",
        include_str!("../../config/templates/digest.txt"),
    ),
    (
        "digest.html",
        include_str!("../../config/templates/digest.html"),
    ),
    (
        "digest.md",
        include_str!("../../config/templates/digest.md"),
    ),
];

/// A template that cannot be read or rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}{}: {message}", line.map(|it| format!(":{it}")).unwrap_or_default())]
pub struct TemplateError {
    pub name: String,
    pub line: Option<usize>,
    pub message: String,
}

impl From<minijinja::Error> for TemplateError {
    fn from(error: minijinja::Error) -> Self {
        Self {
            name: error.name().unwrap_or_default().to_owned(),
            line: error.line(),
            message: match error.detail() {
                Some(detail) => format!("{}: {detail}", error.kind()),
                None => error.kind().to_string(),
            },
        }
    }
}

/// Every template, with the zone in which its readers read times.
#[derive(Debug, Clone)]
pub struct Templates {
    environment: Environment<'static>,
    zone: TimeZone,
    languages: Vec<String>,
    /// Where readers reach the dashboard; ends with a slash.
    dashboard: Option<String>,
}

impl Templates {
    /// The shipped ones.
    pub fn new(zone: TimeZone) -> Self {
        let mut environment = Environment::new();
        // A misspelt name must be seen when the configuration is checked, not read as nothing.
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        // A line that holds only a tag leaves no empty line behind.
        let syntax = environment
            .syntax()
            .to_builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build();
        environment.set_syntax(syntax.expect("the usual delimiters"));
        environment.set_auto_escape_callback(|name| AutoEscape::Custom(name.to_owned().into()));
        environment.set_formatter(write);
        environment.add_global("reader_languages", vec!["en"]);
        environment.add_filter("link", link);
        environment.add_filter("cut", |text: &str, limit: usize| cut(text, limit));
        let clock = zone.clone();
        environment.add_filter("time", move |at: Value, form: Option<&str>| {
            time(&at, form.unwrap_or("%-d %b %Y %H:%M %Z"), &clock)
        });
        environment.add_filter("span", |secs: u64| span(Duration::from_secs(secs)));
        environment.add_filter("language", language);
        environment.add_filter("state", state);
        let mut templates = Self {
            environment,
            zone,
            languages: vec!["en".to_owned()],
            dashboard: None,
        };
        for (name, text) in SHIPPED {
            templates
                .set(name, (*text).to_owned())
                .expect("shipped templates are sound");
        }
        templates
    }

    /// For who reads these languages: a text in one of them needs no gloss.
    #[must_use]
    pub fn for_readers_of(mut self, languages: &[String]) -> Self {
        languages.clone_into(&mut self.languages);
        self.environment
            .add_global("reader_languages", languages.to_vec());
        self
    }

    /// For who reaches the dashboard at this address.
    #[must_use]
    pub fn linked_to(mut self, dashboard: Option<String>) -> Self {
        self.dashboard = dashboard;
        self
    }

    /// The dashboard's page about a message.
    pub fn details(&self, message: &Message) -> Option<String> {
        self.lines(message).details
    }

    fn lines(&self, message: &Message) -> Lines {
        Lines::of(message, &self.zone).linked(message, self.dashboard.as_deref())
    }

    /// Those that ship, for the same readers.
    #[must_use]
    pub fn shipped(&self) -> Self {
        Self::new(self.zone.clone())
            .for_readers_of(&self.languages)
            .linked_to(self.dashboard.clone())
    }

    /// Puts a template in the place of the shipped one of that name, or beside them.
    pub fn set(&mut self, name: &str, text: String) -> Result<(), TemplateError> {
        Ok(self.environment.add_template_owned(name.to_owned(), text)?)
    }

    /// The first line of an alert, which its other templates know as `title`.
    pub fn title(&self, message: &Message) -> Result<String, TemplateError> {
        let lines = self.lines(message);
        Ok(printable(
            self.render("title.txt", &Lined { lines, message })?.trim(),
        ))
    }

    /// An alert by its template `alert.FORM`.
    pub fn alert(&self, form: &str, message: &Message) -> Result<String, TemplateError> {
        let text = self.message(&format!("alert.{form}"), message)?;
        Ok(text.trim().to_owned())
    }

    /// A message by any template.
    pub fn message(&self, name: &str, message: &Message) -> Result<String, TemplateError> {
        let title = self.title(message)?;
        let lines = self.lines(message);
        self.render(
            name,
            &Titled {
                title,
                lines,
                message,
            },
        )
    }

    /// What is wrong with each template of alerts, tried on this message.
    pub fn faults(&self, message: &Message) -> Vec<TemplateError> {
        let title = self.title(message).err();
        let forms = self
            .environment
            .templates()
            .filter_map(|(name, _)| name.strip_prefix("alert."));
        let alerts = forms.filter_map(|form| self.alert(form, message).err());
        // Without a title no alert renders, and each would say so.
        match title {
            Some(error) => vec![error],
            None => alerts.collect(),
        }
    }

    /// What is wrong with each template of digests, tried on this one.
    pub fn digest_faults(&self, digest: &Digest) -> Vec<TemplateError> {
        let names = self.environment.templates().map(|(name, _)| name);
        let digests = names.filter(|it| it.starts_with("digest."));
        digests
            .filter_map(|name| self.render(name, digest).err())
            .collect()
    }

    /// What is said of `value` by the template of this name.
    pub fn render(&self, name: &str, value: &impl Serialize) -> Result<String, TemplateError> {
        let template = self.environment.get_template(name)?;
        Ok(template.render(Value::from(Serde(value)))?)
    }
}

#[derive(Serialize)]
struct Lined<'a> {
    #[serde(flatten)]
    lines: Lines,
    #[serde(flatten)]
    message: &'a Message,
}

#[derive(Serialize)]
struct Titled<'a> {
    title: String,
    #[serde(flatten)]
    lines: Lines,
    #[serde(flatten)]
    message: &'a Message,
}

/// Values are escaped by the ending of the name of the template in which they stand.
fn write(
    out: &mut Output<'_>,
    state: &mut minijinja::State<'_, '_>,
    value: &Value,
) -> Result<(), minijinja::Error> {
    let target = target(state);
    let text = match value.as_str() {
        _ if value.is_none() && target != Target::Json => return Ok(()),
        Some(text) if value.is_safe() => text.to_owned(),
        Some(text) => target.escape(text),
        None if target == Target::Json => serde_json::to_string(value).map_err(failure)?,
        None => target.escape(&value.to_string()),
    };
    out.write_str(&text).map_err(failure)
}

fn target(state: &minijinja::State<'_, '_>) -> Target {
    match state.auto_escape() {
        AutoEscape::Custom(name) => Target::of(name),
        _ => Target::Text,
    }
}

fn failure(error: impl Display) -> minijinja::Error {
    minijinja::Error::new(minijinja::ErrorKind::WriteFailure, error.to_string())
}

/// An address to stand in a link; nothing where there is none that can be followed.
fn link(state: &mut minijinja::State<'_, '_>, url: &Value) -> Value {
    let link = url.as_str().and_then(|it| target(state).link(it));
    Value::from_safe_string(link.unwrap_or_default())
}

/// An RFC 3339 time as its reader's clock shows it.
fn time(at: &Value, form: &str, zone: &TimeZone) -> Result<String, minijinja::Error> {
    let Some(at) = at.as_str() else {
        return Ok(String::new());
    };
    let Ok(parsed) = at.parse::<Timestamp>() else {
        return Ok(at.to_owned());
    };
    let zoned = parsed.to_zoned_datetime(zone.clone());
    jiff::fmt::strtime::format(form, &zoned).map_err(failure)
}

/// The two largest units of a length of time.
pub(super) fn span(length: Duration) -> String {
    let secs = length.as_secs();
    let (days, hours, minutes) = (secs / 86_400, secs / 3_600 % 24, secs / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{secs} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// Where a meeting stands, in words.
fn state(name: &str) -> String {
    words::state(name).to_owned()
}

/// The English name of a language; its tag where it is none of those that are watched.
fn language(tag: &Value) -> String {
    words::language_name(tag.as_str().unwrap_or_default()).to_owned()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use serde_json::json;

    use super::Templates;

    fn templates() -> Templates {
        Templates::new(TimeZone::get("Asia/Seoul").expect("a zone"))
    }

    #[track_caller]
    fn check(name: &str, template: &str, expected: &str) {
        let mut templates = templates();
        templates.set(name, template.to_owned()).expect("sound");
        let value = json!({
            "at": "2026-03-02T00:48:00Z", "lag": 7_500, "none": null, "n": 3, "list": ["a", "b"],
            "text": "<b> & *c*\n@everyone", "url": "https://a.example/?a=1&b=2", "bad": "javascript:1",
        });
        assert_eq!(templates.render(name, &value).expect("rendered"), expected);
    }

    #[test]
    fn values_are_escaped_by_the_ending_of_the_name() {
        check("x.txt", "{{ text }}", "<b> & *c* @everyone");
        check(
            "x.html",
            "<p>{{ text }}",
            "<p>&lt;b&gt; &amp; *c* @everyone",
        );
        check("x.md", "**{{ text }}**", r"**\<b\> \& \*c\* @everyone**");
        check("x.mrkdwn", "{{ text }}", "&lt;b&gt; &amp; ∗c∗ @everyone");
        check(
            "x.json",
            "[{{ text }},{{ none }},{{ n }},{{ list }}]",
            r#"["<b> & *c*\n@everyone",null,3,["a","b"]]"#,
        );
        check("x.txt", "{{ none }}{{ n }}", "3");
    }

    #[test]
    fn filters_say_times_lengths_languages_and_links() {
        check("x.txt", "{{ at|time }}", "2 Mar 2026 09:48 KST");
        check("x.txt", "{{ at|time('%H:%M') }}{{ none|time }}", "09:48");
        check("x.txt", "{{ lag|span }}", "2 h 5 min");
        check(
            "x.txt",
            "{{ 'ko'|language }} {{ 'tlh'|language }}",
            "Korean tlh",
        );
        check("x.txt", "{{ '북미 정상회담'|cut(4) }}", "북미…");
        check("x.html", "{{ url|link }}", "https://a.example/?a=1&amp;b=2");
        check(
            "x.html",
            "{% if bad|link %}no{% else %}yes{% endif %}",
            "yes",
        );
    }

    #[test]
    fn a_fault_is_told_with_its_line() {
        let mut templates = templates();
        let broken = templates.set("x.txt", "a\n{% if %}".to_owned());
        let error = broken.expect_err("broken");
        assert_eq!((error.name.as_str(), error.line), ("x.txt", Some(2)));
        templates
            .set("y.txt", "\n\n{{ missng }}".to_owned())
            .expect("sound");
        let error = templates
            .render("y.txt", &json!({}))
            .expect_err("no such name");
        assert_eq!(
            (error.name.as_str(), error.line),
            ("y.txt", Some(3)),
            "{error}"
        );
        let error = templates
            .render("z.txt", &json!({}))
            .expect_err("no such template");
        assert!(error.to_string().contains("z.txt"), "{error}");
    }
}

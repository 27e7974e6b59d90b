//! Channels as written: what every channel has, and one table per kind.

mod open;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use crate::config::fault::{Fault, Faults, Text};
use crate::config::file::{SecretRef, Span};
use crate::config::routes::pace;
use crate::outbox::Pace;

pub use open::open;

/// A channel as configured. Secrets are read when it is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelConfig {
    pub name: String,
    pub pace: Pace,
    kind: Kind,
    /// The credential that it reads, which only the service can.
    credential: Option<String>,
    where_written: (String, Option<usize>),
}

impl ChannelConfig {
    pub(super) fn is_terminal(&self) -> bool {
        matches!(self.kind, Kind::Terminal)
    }

    pub fn credential(&self) -> Option<&str> {
        self.credential.as_deref()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Terminal,
    Desktop(Desktop),
    Ntfy(Ntfy),
    Slack(Slack),
    Discord(Discord),
    Telegram(Telegram),
    Matrix(Matrix),
    Email(Email),
    Webhook(Webhook),
    Apprise(Apprise),
    Exec(Exec),
    Webpush(Webpush),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KindName {
    Terminal,
    Desktop,
    Ntfy,
    Slack,
    Discord,
    Telegram,
    Matrix,
    Email,
    Webhook,
    Apprise,
    Exec,
    Webpush,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Terminal {}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Desktop {
    bus: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ntfy {
    url: SecretRef,
    secret: Option<SecretRef>,
    #[serde(default)]
    replace: bool,
    #[serde(default)]
    allow_private: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Slack {
    url: Option<SecretRef>,
    secret: Option<SecretRef>,
    to: Option<String>,
    #[serde(default)]
    allow_private: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Discord {
    url: SecretRef,
    #[serde(default)]
    allow_private: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Telegram {
    secret: SecretRef,
    to: String,
    thread: Option<i64>,
    url: Option<SecretRef>,
    #[serde(default)]
    allow_private: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Matrix {
    url: SecretRef,
    secret: SecretRef,
    to: String,
    #[serde(default)]
    allow_private: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Email {
    host: String,
    port: Option<u16>,
    #[serde(default)]
    tls: Tls,
    ca: Option<std::path::PathBuf>,
    user: Option<String>,
    secret: Option<SecretRef>,
    from: String,
    to: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Tls {
    #[default]
    Implicit,
    Starttls,
    None,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Webhook {
    url: SecretRef,
    secret: Option<SecretRef>,
    body: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, SecretRef>,
    #[serde(default)]
    allow_private: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Apprise {
    url: SecretRef,
    urls: Option<SecretRef>,
    tag: Option<String>,
    #[serde(default)]
    allow_private: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exec {
    command: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, SecretRef>,
    #[serde(default = "half_a_minute")]
    timeout: Span,
    /// Where it runs: the configuration's folder.
    #[serde(skip)]
    directory: std::path::PathBuf,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Webpush {
    secret: SecretRef,
    contact: String,
    #[serde(default = "a_day")]
    ttl: Span,
    #[serde(default)]
    allow_private: bool,
}

fn a_day() -> Span {
    Span(Duration::from_secs(86_400))
}

fn half_a_minute() -> Span {
    Span(Duration::from_secs(30))
}

/// Reads the tables of channels; `directory` is where paths in them begin.
pub(super) fn read(source: &Text<'_>, directory: &Path, faults: &mut Faults) -> Vec<ChannelConfig> {
    let mut channels: Vec<ChannelConfig> = Vec::new();
    for table in tables(source) {
        match channel(source, directory, table) {
            Ok(channel) if channels.iter().any(|it| it.name == channel.name) => {
                let (file, line) = &channel.where_written;
                let message = format!("channel \"{}\" is defined twice", channel.name);
                faults.push(Fault::new(file, *line, message));
            }
            Ok(channel) => channels.push(channel),
            Err(fault) => faults.push(fault),
        }
    }
    channels
}

/// The tables with the places at which everything stands in the text, which has been parsed before.
fn tables<'a>(source: &Text<'a>) -> Vec<DeTable<'a>> {
    let document = DeTable::parse(source.text).map(Spanned::into_inner);
    let channels = document.ok().and_then(|mut it| it.remove("channels"));
    match channels.map(Spanned::into_inner) {
        Some(DeValue::Array(array)) => array
            .into_iter()
            .filter_map(|it| match it.into_inner() {
                DeValue::Table(table) => Some(table),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn channel(
    source: &Text<'_>,
    directory: &Path,
    mut table: DeTable<'_>,
) -> Result<ChannelConfig, Fault> {
    let name: Spanned<String> = match table.remove("name") {
        Some(name) => deserialize(source, name)?,
        None => return Err(Fault::new(source.file, None, "a channel needs a name")),
    };
    let line = source.line_of(&name);
    let about = |message: String| {
        let message = format!("channel \"{}\": {message}", name.get_ref());
        Fault::new(source.file, line, message)
    };
    let rate: Option<Spanned<String>> = remove(source, &mut table, "rate")?;
    let concurrency = remove(source, &mut table, "concurrency")?;
    let pace = pace(rate.as_ref(), concurrency, source)?;
    let credential = credential(&table);
    let kind = match table.remove("kind") {
        Some(kind) => deserialize(source, kind)?,
        None => return Err(about("kind is missing".to_owned())),
    };
    let kind = Kind::read(kind, source, table).map_err(|fault| match fault.line {
        // What is missing stands nowhere.
        None => about(fault.message),
        Some(_) => fault,
    })?;
    let kind = kind.beside(directory);
    kind.check().map_err(about)?;
    Ok(ChannelConfig {
        name: name.get_ref().clone(),
        pace,
        kind,
        credential,
        where_written: (source.file.to_owned(), line),
    })
}

/// The first `{ credential = "NAME" }` in a table.
fn credential(table: &DeTable<'_>) -> Option<String> {
    table.iter().find_map(|(key, value)| match value.get_ref() {
        DeValue::String(name) if key.get_ref() == "credential" => Some(name.to_string()),
        DeValue::Table(inner) => credential(inner),
        _ => None,
    })
}

/// A key that every kind has.
fn remove<T: DeserializeOwned>(
    source: &Text<'_>,
    table: &mut DeTable<'_>,
    key: &str,
) -> Result<Option<T>, Fault> {
    let value = table.remove(key);
    value.map(|it| deserialize(source, it)).transpose()
}

fn deserialize<T: DeserializeOwned>(
    source: &Text<'_>,
    value: Spanned<DeValue<'_>>,
) -> Result<T, Fault> {
    T::deserialize(ValueDeserializer::from(value)).map_err(|error| source.explain(&error))
}

/// The keys that a kind has of its own.
fn keys<T: DeserializeOwned>(source: &Text<'_>, table: DeTable<'_>) -> Result<T, Fault> {
    let written: Vec<String> = table.keys().map(|it| it.get_ref().to_string()).collect();
    let table = Spanned::new(0..0, DeValue::Table(table));
    T::deserialize(ValueDeserializer::from(table)).map_err(|error| {
        let message = error.message();
        if let Some(key) = message.strip_prefix("missing field `") {
            let message = format!("{} is missing", key.trim_end_matches('`'));
            return Fault::new(source.file, None, message);
        }
        // Not in a table within, which has keys of its own.
        let named = message.split('`').nth(1).unwrap_or_default();
        let is_own = written.iter().any(|it| it == named);
        source.explain_among(&error, if is_own { &COMMON } else { &[] })
    })
}

impl Kind {
    fn read(name: KindName, source: &Text<'_>, table: DeTable<'_>) -> Result<Self, Fault> {
        Ok(match name {
            KindName::Terminal => {
                keys::<Terminal>(source, table)?;
                Self::Terminal
            }
            KindName::Desktop => Self::Desktop(keys(source, table)?),
            KindName::Ntfy => Self::Ntfy(keys(source, table)?),
            KindName::Slack => Self::Slack(keys(source, table)?),
            KindName::Discord => Self::Discord(keys(source, table)?),
            KindName::Telegram => Self::Telegram(keys(source, table)?),
            KindName::Matrix => Self::Matrix(keys(source, table)?),
            KindName::Email => Self::Email(keys(source, table)?),
            KindName::Webhook => Self::Webhook(keys(source, table)?),
            KindName::Apprise => Self::Apprise(keys(source, table)?),
            KindName::Exec => Self::Exec(keys(source, table)?),
            KindName::Webpush => Self::Webpush(keys(source, table)?),
        })
    }

    /// With paths that are read from the configuration's folder.
    fn beside(mut self, directory: &Path) -> Self {
        let set = |secret: &mut SecretRef| *secret = secret.beside(directory);
        match &mut self {
            Self::Terminal | Self::Desktop(_) => {}
            Self::Ntfy(it) => [Some(&mut it.url), it.secret.as_mut()]
                .into_iter()
                .flatten()
                .for_each(set),
            Self::Slack(it) => [it.url.as_mut(), it.secret.as_mut()]
                .into_iter()
                .flatten()
                .for_each(set),
            Self::Discord(it) => set(&mut it.url),
            Self::Telegram(it) => [Some(&mut it.secret), it.url.as_mut()]
                .into_iter()
                .flatten()
                .for_each(set),
            Self::Matrix(it) => [&mut it.url, &mut it.secret].into_iter().for_each(set),
            Self::Email(it) => {
                it.secret.as_mut().into_iter().for_each(set);
                it.ca = it.ca.as_ref().map(|it| directory.join(it));
            }
            Self::Webhook(it) => {
                let secrets = [Some(&mut it.url), it.secret.as_mut()]
                    .into_iter()
                    .flatten();
                secrets.chain(it.headers.values_mut()).for_each(set);
            }
            Self::Apprise(it) => [Some(&mut it.url), it.urls.as_mut()]
                .into_iter()
                .flatten()
                .for_each(set),
            Self::Webpush(it) => set(&mut it.secret),
            Self::Exec(it) => {
                it.env.values_mut().for_each(set);
                directory.clone_into(&mut it.directory);
            }
        }
        self
    }

    /// What can be wrong before any secret is read.
    fn check(&self) -> Result<(), String> {
        let wrong = match self {
            Self::Slack(slack) => match (&slack.url, &slack.secret, &slack.to) {
                (Some(_), None, None) | (_, Some(_), Some(_)) => None,
                _ => Some(
                    "needs the url of an incoming webhook, or a bot's token as secret and a channel's id in to",
                ),
            },
            Self::Email(email) if email.user.is_some() != email.secret.is_some() => {
                Some("user and secret, its password, belong together")
            }
            Self::Email(email) if email.to.is_empty() => Some("to names nobody"),
            Self::Webpush(it)
                if !["mailto:", "https:"]
                    .iter()
                    .any(|by| it.contact.starts_with(by)) =>
            {
                Some(
                    "contact: want \"mailto:ADDRESS\" or an https address, for push services to write to",
                )
            }
            Self::Exec(exec) if exec.command.is_empty() => Some("command is empty"),
            Self::Exec(exec) if exec.timeout.0 > LONGEST => {
                Some("timeout: a delivery may take 90s at most")
            }
            _ => None,
        };
        wrong.map_or(Ok(()), |it| Err(it.to_owned()))
    }
}

/// Keys of a channel of any kind.
const COMMON: [&str; 4] = ["name", "kind", "rate", "concurrency"];

/// A delivery under way is leased for somewhat longer.
const LONGEST: Duration = Duration::from_secs(90);

//! The configuration as it is written. Defaults stand here and nowhere else; the example file
//! shows them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use crate::clock::span;
use crate::feed::bounds::Bounds;

fn english() -> Vec<String> {
    vec!["en".to_owned()]
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub archive: Option<PathBuf>,
    pub zone: Option<Spanned<String>>,
    #[serde(default = "english")]
    pub reader_languages: Vec<String>,
    pub lexicon: Option<PathBuf>,
    pub reading: Option<PathBuf>,
    pub templates: Option<PathBuf>,
    #[serde(default)]
    pub include: Vec<Spanned<String>>,
    #[serde(default)]
    pub poll: Poll,
    #[serde(default)]
    pub hosts: Vec<Host>,
    #[serde(default)]
    pub health: Health,
    pub web: Option<Web>,
    #[serde(default)]
    pub retention: Retention,
    #[serde(default)]
    pub feeds: Vec<Feed>,
    #[serde(default)]
    pub topics: Vec<Topic>,
    /// Read by [`crate::config::channels`], a table per kind.
    #[serde(default)]
    pub channels: Vec<IgnoredAny>,
    #[serde(default)]
    pub routes: Vec<Route>,
    #[serde(default)]
    pub digests: Vec<Digest>,
}

/// An included file: feeds only.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedsFile {
    #[serde(default)]
    pub feeds: Vec<Feed>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Poll {
    pub interval: Span,
    pub min_interval: Span,
    pub max_interval: Span,
    pub fresh_window: Span,
    pub hint_cap: Span,
    pub concurrency: usize,
    pub per_host: usize,
    pub host_spacing: Span,
    pub connect_timeout: Span,
    pub read_timeout: Span,
    pub total_timeout: Span,
    pub max_body_mib: usize,
    pub max_new_per_day: usize,
    pub user_agent: Option<String>,
}

impl Default for Poll {
    fn default() -> Self {
        let secs = |it| Span(Duration::from_secs(it));
        Self {
            interval: secs(15 * 60),
            min_interval: secs(5 * 60),
            max_interval: secs(6 * 3600),
            fresh_window: secs(24 * 3600),
            hint_cap: secs(15 * 60),
            concurrency: 16,
            per_host: 2,
            host_spacing: secs(1),
            connect_timeout: secs(10),
            read_timeout: secs(20),
            total_timeout: secs(60),
            max_body_mib: 16,
            max_new_per_day: Bounds::default().new_per_day,
            user_agent: None,
        }
    }
}

/// The dashboard.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Web {
    pub listen: Spanned<String>,
    pub address: Option<Spanned<String>>,
    pub base: Option<Spanned<String>>,
    pub token: Option<SecretRef>,
    pub proxy: Option<Proxy>,
    #[serde(default)]
    pub readers: Vec<Reader>,
}

/// Somebody with a token of their own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reader {
    pub name: Spanned<String>,
    pub token: SecretRef,
    #[serde(default)]
    pub role: Role,
}

/// What a reader may.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    #[default]
    Read,
    Act,
}

/// A reverse proxy that has people log in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proxy {
    pub header: Spanned<String>,
    pub from: Vec<IpAddr>,
}

/// For how long things are kept; for ever what is left out.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    pub unmatched: Option<Span>,
    pub fetches: Option<Span>,
}

/// Who hears when an important feed changes its state, and when nothing can be seen.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Health {
    pub channels: Option<Vec<Spanned<String>>>,
    pub offline_after: Span,
    pub heartbeat: Option<Spanned<Heartbeat>>,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            channels: None,
            offline_after: Span(Duration::from_secs(15 * 60)),
            heartbeat: None,
        }
    }
}

/// A dead man's switch.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    pub url: SecretRef,
    pub every: Span,
    #[serde(default)]
    pub allow_private: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    pub name: String,
    pub spacing: Span,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    pub name: Spanned<String>,
    pub url: Spanned<String>,
    pub outlet: Option<String>,
    pub family: Option<String>,
    pub language: Option<String>,
    pub country: Option<String>,
    pub zone: Option<Spanned<String>>,
    #[serde(default)]
    pub allow_private: bool,
    #[serde(default)]
    pub kind: FeedKind,
    pub select: Option<Spanned<Select>>,
    pub user_agent: Option<String>,
    #[serde(default)]
    pub headers: BTreeMap<String, SecretRef>,
    pub auth: Option<AuthRef>,
    pub proxy: Option<SecretRef>,
    #[serde(default)]
    pub important: bool,
    pub interval: Option<Spanned<Span>>,
    #[serde(default)]
    pub paused: bool,
    #[serde(default)]
    pub full_text: FullText,
}

/// Whose article pages are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FullText {
    #[default]
    Never,
    /// Of items that match or nearly do.
    Matched,
}

/// As whom a feed is asked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "write { user = \"NAME\", password = { env = \"NAME\" } } or { bearer = { env = \"NAME\" } }"
)]
pub enum AuthRef {
    Basic { user: String, password: SecretRef },
    Bearer { bearer: SecretRef },
}

impl AuthRef {
    /// With a path that is read from the configuration's folder.
    #[must_use]
    pub fn beside(&self, directory: &Path) -> Self {
        match self {
            Self::Basic { user, password } => Self::Basic {
                user: user.clone(),
                password: password.beside(directory),
            },
            Self::Bearer { bearer } => Self::Bearer {
                bearer: bearer.beside(directory),
            },
        }
    }
}

/// What stands at a feed's address. Feeds and sitemaps are told apart by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeedKind {
    #[default]
    Feed,
    Sitemap,
    Html,
}

/// CSS selectors of a list on a page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Select {
    pub item: String,
    pub title: Option<String>,
    pub link: Option<String>,
    pub date: Option<String>,
    pub summary: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    pub name: Spanned<String>,
    pub file: Option<PathBuf>,
    /// Of releases before 0.2, without effect: a new development is always told.
    pub floor: Option<Span>,
    pub alerts_per_hour: Option<u32>,
    pub alerts_per_outlet: Option<u32>,
    #[serde(default)]
    pub follow_up: bool,
    pub hold: Option<Span>,
    #[serde(default)]
    pub sufficient: Vec<String>,
    pub expires: Option<Span>,
}

/// A secret by where it is kept; an address may stand in the open.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "write a text, { env = \"NAME\" }, { file = \"PATH\" } or { credential = \"NAME\" }"
)]
pub enum SecretRef {
    Plain(String),
    Env { env: String },
    File { file: PathBuf },
    Credential { credential: String },
}

impl SecretRef {
    /// With a path that is read from the configuration's folder.
    #[must_use]
    pub fn beside(&self, directory: &Path) -> Self {
        match self {
            Self::File { file } => Self::File {
                file: directory.join(file),
            },
            other => other.clone(),
        }
    }
}

impl SecretRef {
    /// The name of the credential that it is.
    pub fn credential(&self) -> Option<&str> {
        match self {
            Self::Credential { credential } => Some(credential),
            _ => None,
        }
    }
}

impl AuthRef {
    pub fn secret(&self) -> &SecretRef {
        match self {
            Self::Basic { password, .. } => password,
            Self::Bearer { bearer } => bearer,
        }
    }
}

impl std::fmt::Debug for SecretRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plain(_) => f.write_str("***"),
            Self::Env { env } => write!(f, "env {env}"),
            Self::File { file } => write!(f, "file {}", file.display()),
            Self::Credential { credential } => write!(f, "credential {credential}"),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    pub topic: Spanned<String>,
    pub channels: Vec<Spanned<String>>,
    #[serde(default)]
    pub kind: Vec<Spanned<String>>,
    #[serde(default)]
    pub state: Vec<Spanned<String>>,
    pub severity: Option<Spanned<String>>,
    #[serde(default)]
    pub language: Vec<String>,
    #[serde(default)]
    pub outlet: Vec<String>,
    pub quiet: Option<Quiet>,
    pub expires: Option<Span>,
    pub escalate: Option<Escalate>,
}

/// Hours in which a route is silent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quiet {
    pub from: Spanned<String>,
    pub to: Spanned<String>,
    pub zone: Option<Spanned<String>>,
    #[serde(default)]
    pub except: Vec<Spanned<String>>,
}

/// Who is told when nobody takes an alert.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escalate {
    pub after: Span,
    pub to: Vec<Spanned<String>>,
    #[serde(default)]
    pub unless: Unless,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unless {
    #[default]
    Acknowledged,
    Delivered,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digest {
    pub name: Spanned<String>,
    #[serde(default)]
    pub topics: Vec<Spanned<String>>,
    pub cron: Spanned<String>,
    pub zone: Option<Spanned<String>>,
    pub channels: Vec<Spanned<String>>,
    #[serde(default)]
    pub empty: Empty,
}

/// What becomes of a digest in which nothing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Empty {
    #[default]
    Skip,
    Send,
}

/// A length of time as people write it: `90s`, `15m`, `24h`, `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

impl std::str::FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("\"{text}\" is no length of time; write it like 90s, 15m, 24h or 7d");
        span(text).map(Self).ok_or_else(wrong)
    }
}

struct SpanVisitor;

impl serde::de::Visitor<'_> for SpanVisitor {
    type Value = Span;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a length of time like \"90s\", \"15m\", \"24h\" or \"7d\"")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Span, E> {
        text.parse().map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(SpanVisitor)
    }
}

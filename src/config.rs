//! TOML files as people write them → one checked [`Config`], once, at start. Nothing reads a
//! global; stages get plain policies and do not know that TOML exists.

pub mod access;
pub mod cases;
pub mod channels;
pub mod edit;
pub mod fault;
mod codes;
mod feeds;
pub mod file;
pub mod health;
pub mod keep;
pub mod lexicon;
pub mod place;
mod reading;
mod routes;
pub mod shipped;
mod templates;
pub mod topics;
pub mod web;

use std::collections::HashSet;
use std::env::VarError;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use toml::Spanned;

use crate::alert;
use crate::channel::Channel;
use crate::config::access::AccessConfig;
use crate::config::channels::ChannelConfig;
use crate::config::fault::{Fault, Faults, Text};
use crate::config::file::{File, Poll, SecretRef};
use crate::config::health::HealthConfig;
use crate::config::place::{By, Surroundings};
use crate::config::routes::Reader;
use crate::config::web::WebConfig;
use crate::digest::Plan;
use crate::feed::Feed;
use crate::feed::bounds::Bounds;
use crate::feed::pace::PollPolicy;
use crate::fetch::Limits;
use crate::ingest::upkeep::Operator;
use crate::message::templates::Templates;
use crate::outbox::Pace;
use crate::route::Route;
use crate::secret::Secret;
use crate::story::Tables;
use crate::text::nearest;
use crate::topic::Engine;

#[derive(Debug, Clone)]
pub struct Config {
    /// For messages: where it was read from.
    pub origin: Origin,
    pub archive: PathBuf,
    /// Why it is there.
    pub archive_by: By,
    /// The zone in which people read times.
    pub zone: TimeZone,
    /// ISO 639-1 codes of the languages that people read without help.
    pub reader_languages: Vec<String>,
    pub retention: Retention,
    pub poll: PollPolicy,
    /// What one feed may bring.
    pub bounds: Bounds,
    pub limits: Limits,
    pub concurrency: usize,
    pub per_host: usize,
    pub host_spacing: Duration,
    pub hosts: Vec<Host>,
    pub feeds: Vec<Feed>,
    /// Who hears of the health of which feeds.
    pub operator: Operator,
    pub health: HealthConfig,
    /// The dashboard; none where it is off.
    pub web: Option<WebConfig>,
    /// Names of the feeds whose articles are read where they match or nearly do.
    pub full_text: HashSet<String>,
    /// Of the feeds that are asked otherwise than most.
    pub access: Vec<AccessConfig>,
    pub topics: Vec<TopicRef>,
    pub channels: Vec<ChannelConfig>,
    pub routes: Vec<RouteConfig>,
    pub digests: Vec<Plan>,
    /// What cannot work, and does not keep the rest from working. `check` refuses it.
    pub cautions: Faults,
    lexicon: Option<PathBuf>,
    reading: Option<PathBuf>,
    templates: Option<PathBuf>,
}

/// For how long the archive keeps what no topic matched; `None`: for ever.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    pub unmatched: Option<Duration>,
    pub fetches: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    File(PathBuf),
    Shipped,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Shipped => f.write_str("the shipped configuration"),
        }
    }
}

/// A host that wants more care than others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    pub name: String,
    pub spacing: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicRef {
    pub name: String,
    pub file: Option<PathBuf>,
    pub alerts: alert::Policy,
}

/// A route with the topic whose alerts it takes.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteConfig {
    pub topic: String,
    pub route: Route,
}

impl Config {
    /// From `--config`, else the first file found where a Linux user looks, else the shipped one.
    pub fn find(explicit: Option<&Path>) -> Result<Self, Faults> {
        let (config, faults) = Self::examine_found(explicit);
        faults.of(config)
    }

    /// As [`Self::find`] does it, with every fault there is beside what could be read.
    pub fn examine_found(explicit: Option<&Path>) -> (Option<Self>, Faults) {
        let path = explicit
            .map(Path::to_owned)
            .or_else(|| search_path().into_iter().find(|it| it.is_file()));
        match path {
            Some(path) => Self::examine_file(&path),
            None => Self::examine(Origin::Shipped, Path::new(""), shipped::CONFIG),
        }
    }

    pub fn read(path: &Path) -> Result<Self, Faults> {
        let (config, faults) = Self::examine_file(path);
        faults.of(config)
    }

    fn examine_file(path: &Path) -> (Option<Self>, Faults) {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let directory = path.parent().unwrap_or(Path::new(""));
                Self::examine(Origin::File(path.to_owned()), directory, &text)
            }
            Err(error) => {
                let fault = Fault::new(path.display(), None, unreadable(&error));
                (None, fault.into())
            }
        }
    }

    pub fn parse(origin: Origin, directory: &Path, text: &str) -> Result<Self, Faults> {
        let (config, faults) = Self::examine(origin, directory, text);
        faults.of(config)
    }

    fn examine(origin: Origin, directory: &Path, text: &str) -> (Option<Self>, Faults) {
        let name = origin.to_string();
        let source = Text { file: &name, text };
        let (file, mut faults) = source.parse_all::<File>();
        let Some(file) = file else {
            return (None, faults);
        };
        let mut tables = feeds::read(&file, &source, &origin, directory, &mut faults);
        let channels = channels::read(&source, directory, &mut faults);
        // What is compiled in has no folder beside it.
        let beside = (origin != Origin::Shipped).then_some(directory);
        let zone = zone(file.zone.as_ref(), &source, &mut faults);
        let mut reader = Reader {
            source: &source,
            channels: &channels,
            zone: &zone,
            faults: &mut faults,
        };
        let (topics, routes) = routes::topics_and_routes(&file, beside, &mut reader);
        let names: Vec<&str> = topics.iter().map(|it| it.name.as_str()).collect();
        let digests = reader.digests(&file.digests, &names);
        let poll = &file.poll;
        zeros(poll, &source, &mut tables.cautions);
        let here = Surroundings::here();
        let place = place::place(file.archive.as_deref(), &origin, directory, &here);
        bounds(poll, &source, &mut faults);
        let config = Self {
            archive: place.path,
            archive_by: place.by,
            zone,
            reader_languages: file.reader_languages.clone(),
            retention: Retention {
                unmatched: file.retention.unmatched.map(|it| it.0),
                fetches: file.retention.fetches.map(|it| it.0),
            },
            poll: PollPolicy {
                interval: poll.interval.0.clamp(
                    poll.min_interval.0,
                    poll.max_interval.0.max(poll.min_interval.0),
                ),
                min_interval: poll.min_interval.0,
                max_interval: poll.max_interval.0,
                fresh_window: poll.fresh_window.0,
                hint_cap: poll.hint_cap.0,
            },
            bounds: Bounds {
                new_per_day: poll.max_new_per_day,
            },
            limits: Limits {
                connect: poll.connect_timeout.0,
                read: poll.read_timeout.0,
                total: poll.total_timeout.0,
                body: poll.max_body_mib.saturating_mul(1024 * 1024),
                user_agent: poll
                    .user_agent
                    .clone()
                    .unwrap_or_else(|| Limits::default().user_agent),
                ..Limits::default()
            },
            concurrency: poll.concurrency.max(1),
            per_host: poll.per_host.max(1),
            host_spacing: poll.host_spacing.0,
            hosts: file
                .hosts
                .iter()
                .map(|it| Host {
                    name: it.name.clone(),
                    spacing: it.spacing.0,
                })
                .collect(),
            feeds: tables.feeds,
            operator: Operator {
                channels: health::operator(&file.health, &source, &channels, &mut faults),
                feeds: tables.important,
            },
            health: HealthConfig::check(&file.health, &source, directory, &mut faults),
            web: web(&file, &source, directory, &mut faults),
            full_text: tables.full_text,
            access: tables.access,
            topics,
            channels,
            routes,
            digests,
            cautions: tables.cautions,
            lexicon: beside.and_then(|it| folder(file.lexicon.as_ref(), "lexicon", it)),
            reading: beside.and_then(|it| folder(file.reading.as_ref(), "reading", it)),
            templates: beside.and_then(|it| folder(file.templates.as_ref(), "templates", it)),
            origin,
        };
        (Some(config), faults)
    }

    /// Takes out what reads a `{ credential = … }`, where this process was given none: only the service can read it. Says
    /// in words what that is.
    pub fn set_credentials_aside(&mut self) -> Vec<String> {
        if std::env::var_os("CREDENTIALS_DIRECTORY").is_some() {
            return Vec::new();
        }
        let mut aside = Vec::new();
        let mut say = |what: String, name: &str| {
            aside.push(format!("{what} reads credential \"{name}\""));
        };
        for channel in &self.channels {
            if let Some(name) = channel.credential() {
                say(format!("channel \"{}\"", channel.name), name);
            }
        }
        for access in &self.access {
            if let Some(name) = access.credential() {
                say(format!("feed \"{}\"", access.feed), name);
            }
        }
        if let Some(name) = self.web.as_ref().and_then(WebConfig::credential) {
            say("[web] token".to_owned(), name);
        }
        if let Some(name) = self.health.credential() {
            say("[health] heartbeat".to_owned(), name);
        }
        self.channels.retain(|it| it.credential().is_none());
        self.access.retain(|it| it.credential().is_none());
        if self
            .web
            .as_ref()
            .is_some_and(|it| it.credential().is_some())
        {
            self.web = None;
        }
        if self.health.credential().is_some() {
            self.health.without_heartbeat();
        }
        aside
    }

    /// Reads the lexicon and the topics and compiles them.
    pub fn engine(&self) -> Result<Engine, Faults> {
        topics::engine(self.lexicon.as_deref(), &self.topics)
    }

    /// The engine with the topic `name` alone, which may also be a shipped one.
    pub fn engine_for(&self, name: &str) -> Result<Engine, Faults> {
        self.engine_of(&[self.topic(name)?])
    }

    /// The engine with these topics, whatever the configuration names.
    pub fn engine_of(&self, topics: &[TopicRef]) -> Result<Engine, Faults> {
        topics::engine(self.lexicon.as_deref(), topics)
    }

    /// Terms that stand twice in a list of the lexicon.
    pub fn repeated_terms(&self) -> Result<Vec<Fault>, Faults> {
        lexicon::repeats(self.lexicon.as_deref())
    }

    /// A topic of the configuration, or a shipped one.
    pub fn topic(&self, name: &str) -> Result<TopicRef, Faults> {
        match self.topics.iter().find(|it| it.name == name) {
            Some(reference) => Ok(reference.clone()),
            None if shipped::topic(name).is_some() || name == "all" => Ok(TopicRef {
                name: name.to_owned(),
                file: None,
                alerts: alert::Policy::default(),
            }),
            None => {
                let message = unknown("topic", name, &known_topics(&self.topics));
                Err(Fault::new(&self.origin, None, message).into())
            }
        }
    }

    /// Reads the phrases and words by which the topics of `engine` are read and threaded.
    pub fn tables(&self, engine: &Engine) -> Result<Tables, Faults> {
        reading::tables(self.reading.as_deref(), engine)
    }

    /// Reads the words of messages; what no file says is as shipped.
    pub fn templates(&self) -> Result<Templates, Faults> {
        templates::read(
            self.templates.as_deref(),
            &self.zone,
            &self.reader_languages,
        )
        .map(|it| it.linked_to(self.web.as_ref().and_then(WebConfig::reached_at)))
    }

    /// What readers of a topic want to be told; the default where none is configured.
    pub fn alerts_of(&self, topic: &str) -> alert::Policy {
        let found = self.topics.iter().find(|it| it.name == topic);
        found.map(|it| it.alerts.clone()).unwrap_or_default()
    }

    /// Builds the channels; every secret is read now.
    pub fn open_channels(
        &self,
        templates: &Arc<Templates>,
    ) -> Result<Vec<(String, Channel)>, Faults> {
        channels::open(&self.channels, &self.limits, templates)
    }

    /// The feed of this name, or what to say where there is none.
    pub fn feed(&self, name: &str) -> Result<&Feed, String> {
        if let Some(feed) = self.feeds.iter().find(|it| it.name == name) {
            return Ok(feed);
        }
        let near = nearest(name, self.feeds.iter().map(|it| it.name.as_str()));
        let hint = near
            .map(|it| format!("; did you mean \"{it}\"?"))
            .unwrap_or_default();
        Err(format!(
            "no feed is named \"{name}\" in {}{hint}",
            self.origin
        ))
    }

    /// The channel of this name, or what to say where there is none.
    pub fn channel(&self, name: &str) -> Result<&ChannelConfig, String> {
        let found = self.channels.iter().find(|it| it.name == name);
        let known: Vec<&str> = self.channels.iter().map(|it| it.name.as_str()).collect();
        found.ok_or_else(|| unknown("channel", name, &known))
    }

    /// The digest of this name, or what to say where there is none.
    pub fn digest(&self, name: &str) -> Result<&Plan, String> {
        let found = self.digests.iter().find(|it| it.name == name);
        let known: Vec<&str> = self.digests.iter().map(|it| it.name.as_str()).collect();
        found.ok_or_else(|| unknown("digest", name, &known))
    }

    /// Whether anything is ever sent to a channel.
    pub fn is_sent_to(&self, channel: &str) -> bool {
        let routes = self.routes.iter().flat_map(|it| it.route.leads_to());
        let digests = self.digests.iter().flat_map(|it| &it.channels);
        let named = self.operator.channels.iter().filter(|_| self.health.named);
        let mut all = routes.chain(digests).chain(named);
        all.any(|it| it == channel)
    }

    /// Routes of `topic`, in their order.
    pub fn routes_of(&self, topic: &str) -> Vec<Route> {
        let routes = self.routes.iter().filter(|it| it.topic == topic);
        routes.map(|it| it.route.clone()).collect()
    }

    /// How much a channel takes.
    pub fn pace_of(&self, channel: &str) -> Pace {
        let found = self.channels.iter().find(|it| it.name == channel);
        found.map(|it| it.pace).unwrap_or_default()
    }

    /// Channels that alerts of `topic` go to, each once.
    pub fn channels_for(&self, topic: &str) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for route in self.routes.iter().filter(|route| route.topic == topic) {
            for channel in &route.route.channels {
                if !names.contains(&channel.as_str()) {
                    names.push(channel);
                }
            }
        }
        names
    }
}

/// What of `[poll]` contradicts itself.
fn bounds(poll: &Poll, source: &Text<'_>, faults: &mut Faults) {
    if poll.min_interval.0 > poll.max_interval.0 {
        faults.push(Fault::new(
            source.file,
            None,
            "[poll] min_interval is longer than max_interval",
        ));
    }
    if poll.min_interval.0 < Duration::from_secs(1) {
        faults.push(Fault::new(
            source.file,
            None,
            "[poll] min_interval must be at least 1s",
        ));
    }
}

/// Of what nothing would ever be fetched with.
fn zeros(poll: &Poll, source: &Text<'_>, cautions: &mut Faults) {
    for (key, value) in [
        ("concurrency", poll.concurrency),
        ("per_host", poll.per_host),
        ("max_body_mib", poll.max_body_mib),
    ] {
        if value == 0 {
            cautions.push(Fault::new(
                source.file,
                source.line_of_key("poll", key),
                format!("[poll] {key} = 0: nothing would ever be fetched; write at least 1"),
            ));
        }
    }
}

fn web(file: &File, source: &Text<'_>, directory: &Path, faults: &mut Faults) -> Option<WebConfig> {
    let written = file.web.as_ref()?;
    WebConfig::check(written, source, directory, faults)
}

fn search_path() -> Vec<PathBuf> {
    let xdg = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".config"));
    [
        Some(PathBuf::from("config")),
        xdg.or(home).map(|it| it.join("summitwatch")),
        Some("/etc/summitwatch".into()),
    ]
    .into_iter()
    .flatten()
    .map(|directory| directory.join("summitwatch.toml"))
    .collect()
}

fn unreadable(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            "there is no such file; `summitwatch init` writes one".to_owned()
        }
        _ => format!("cannot be read: {error}"),
    }
}

fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("unknown {what} \"{name}\"; did you mean \"{near}\"?"),
        None if known.is_empty() => format!("unknown {what} \"{name}\"; none is defined"),
        None => format!("unknown {what} \"{name}\"; known are {}", known.join(", ")),
    }
}

fn zone(name: Option<&Spanned<String>>, source: &Text<'_>, faults: &mut Faults) -> TimeZone {
    let Some(name) = name else {
        return TimeZone::system();
    };
    TimeZone::get(name.get_ref()).unwrap_or_else(|_| {
        let message = format!(
            "zone: \"{}\" is no IANA time zone; write one like \"Asia/Seoul\"",
            name.get_ref()
        );
        faults.push(source.fault(name, message));
        TimeZone::UTC
    })
}

/// The folder that is named, else the one of that name beside the file, if there is one.
fn folder(named: Option<&PathBuf>, name: &str, directory: &Path) -> Option<PathBuf> {
    match named {
        Some(path) => Some(directory.join(path)),
        None => Some(directory.join(name)).filter(|it| it.is_dir()),
    }
}

/// The names, each of which must be a channel's.
fn known_channels(
    named: &[Spanned<String>],
    source: &Text<'_>,
    channels: &[ChannelConfig],
    faults: &mut Faults,
) -> Vec<String> {
    for name in named {
        if !channels.iter().any(|it| it.name == *name.get_ref()) {
            let known: Vec<&str> = channels.iter().map(|it| it.name.as_str()).collect();
            faults.push(source.fault(name, unknown("channel", name.get_ref(), &known)));
        }
    }
    named.iter().map(|it| it.get_ref().clone()).collect()
}

fn known_topics(topics: &[TopicRef]) -> Vec<&str> {
    let mut names: Vec<&str> = topics.iter().map(|it| it.name.as_str()).collect();
    for name in shipped::topic_names().chain(["all"]) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Reads a secret from where it is kept. White space at both ends and a byte order mark are those of editors and of
/// `echo`; what is then empty, or has a line break or another control character within, cannot work.
fn read_secret(secret: &SecretRef) -> Result<Secret, String> {
    let (text, what) = match secret {
        SecretRef::Plain(text) => return Ok(Secret::new(text.clone())),
        SecretRef::Env { env } => {
            let text = std::env::var(env).map_err(|error| match error {
                VarError::NotPresent => format!("the environment variable {env} is not set"),
                VarError::NotUnicode(_) => format!("the environment variable {env} is no UTF-8"),
            });
            (text?, format!("the environment variable {env}"))
        }
        SecretRef::File { file } => {
            secret_file(file, format!("the secret's file {}", file.display()))?
        }
        SecretRef::Credential { credential } => {
            let directory = std::env::var_os("CREDENTIALS_DIRECTORY").ok_or_else(|| {
                format!("credential \"{credential}\": not started by systemd with LoadCredential")
            })?;
            let path = Path::new(&directory).join(credential);
            secret_file(&path, format!("the credential \"{credential}\""))?
        }
    };
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(format!("{what} is empty"));
    }
    if text.chars().any(char::is_control) {
        return Err(format!(
            "{what} has a line break or another control character within; a secret is one line"
        ));
    }
    Ok(Secret::new(text))
}

fn secret_file(path: &Path, what: String) -> Result<(String, String), String> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok((text, what)),
        Err(error) => Err(format!("{what}: {error}")),
    }
}

//! The frame of every page, and the pieces that pages share. Every text from outside comes here as plain
//! text: it is stored so, and is escaped by `maud`; nothing of it is ever shown as markup.

use std::sync::Arc;

use axum::http::StatusCode;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ZonedDateTime};
use maud::{DOCTYPE, Markup, html};
use url::Url;

use crate::clock::rfc3339;
use crate::story::DevelopmentKind;
use crate::story::ladder::State;
use crate::text::{cut, printable};
use crate::topic::Engine;
use crate::web::guard::May;
use crate::web::trouble::Trouble;
use crate::web::{Web, assets};
use crate::words::{self, acts, language_name};

/// An archive whose last item is older than this is shown at its last days: forty feeds are never silent for two days.
const LONG_AGO: SignedDuration = SignedDuration::from_hours(48);

/// What a page is drawn by.
pub(super) struct Frame {
    pub(super) zone: TimeZone,
    pub(super) now: Timestamp,
    pub(super) may: May,
    /// Names and titles of the topics, and the one looked at.
    pub(super) topics: Vec<(String, String)>,
    pub(super) topic: String,
    engine: Arc<Engine>,
}

impl Frame {
    /// For the topic asked for, else the first; none where there is no such topic.
    pub(super) fn new(web: &Web, may: May, topic: Option<&str>) -> Result<Self, Trouble> {
        let mut frame = Self::bare(web, may);
        if let Some(topic) = topic.filter(|it| !it.is_empty()) {
            if !frame.topics.iter().any(|(name, _)| name == topic) {
                let shown = cut(&printable(topic), 60);
                return Err(Trouble::NotFound(format!("no topic is named “{shown}”")));
            }
            topic.clone_into(&mut frame.topic);
        }
        Ok(frame)
    }

    /// For what needs no topic.
    pub(super) fn bare(web: &Web, may: May) -> Self {
        let site = web.site();
        let topics = site.engine.topics.iter();
        let topics: Vec<_> = topics
            .map(|it| (it.name.clone(), it.title.clone()))
            .collect();
        Self {
            zone: site.zone.clone(),
            now: web.clock.now(),
            may,
            topic: topics.first().map(|it| it.0.clone()).unwrap_or_default(),
            topics,
            engine: Arc::clone(&site.engine),
        }
    }

    /// A concept or an outlet, as sentences name it.
    pub(super) fn named(&self, who: Option<&str>) -> Option<String> {
        let lexicon = &self.engine.lexicon;
        Some(match lexicon.id(who?) {
            Some(id) => acts::name(&lexicon.concept(id).id, &lexicon.concept(id).gloss),
            None => who?.to_owned(),
        })
    }

    /// A concept as a place.
    pub(super) fn place(&self, id: &str) -> String {
        let lexicon = &self.engine.lexicon;
        match lexicon.id(id) {
            Some(it) => acts::place(id, &lexicon.concept(it).gloss),
            None => id.to_owned(),
        }
    }

    /// Within the last day, when it matters how long ago.
    pub(super) fn is_recent(&self, at: &str) -> bool {
        let at = at.parse::<Timestamp>().unwrap_or(Timestamp::UNIX_EPOCH);
        self.now.duration_since(at) < SignedDuration::from_hours(24)
    }

    /// How long ago an instant was, in its largest unit.
    pub(super) fn ago(&self, at: &str) -> String {
        let Ok(instant) = at.parse::<Timestamp>() else {
            return String::new();
        };
        let secs = self.now.as_second() - instant.as_second();
        match secs {
            ..60 => "just now".to_owned(),
            60..3_600 => format!("{} min ago", secs / 60),
            3_600..86_400 => format!("{} h ago", secs / 3_600),
            _ => format!("{} d ago", secs / 86_400),
        }
    }

    /// Up to when a page shows what came: now, or the end of an archive whose last item is long ago.
    pub(super) fn end(&self, last_hour: Option<&str>) -> Timestamp {
        let last = last_hour.and_then(|it| format!("{it}:00:00Z").parse::<Timestamp>().ok());
        let after = last.and_then(|it| it.checked_add(SignedDuration::from_hours(1)).ok());
        match after {
            Some(end) if self.now.duration_since(end) > LONG_AGO => end,
            _ => self.now,
        }
    }

    /// Says so where a page does not end now.
    pub(super) fn ended(&self, end: Timestamp) -> Markup {
        html! {
            @if end < self.now {
                p.note role="status" {
                    "No item was seen since " (self.time(&rfc3339(end))) ", " (self.ago(&rfc3339(end))) ". Here stand the last days before."
                }
            }
        }
    }

    /// What the matter of the topic looked at is called: meeting, agreement.
    pub(super) fn noun(&self) -> &str {
        let topic = self.engine.topic(&self.topic);
        topic
            .and_then(|it| it.course.as_ref())
            .map_or("meeting", |it| it.noun.as_str())
    }

    /// A state in the words of that topic.
    pub(super) fn state_word<'a>(&'a self, name: &'a str) -> &'a str {
        let topic = self.engine.topic(&self.topic);
        let own = topic.and_then(|it| it.course.as_ref()?.states.get(name));
        own.map_or_else(|| words::state(name), |it| it.gloss.as_str())
    }

    /// Where its matter stands.
    pub(super) fn state(&self, name: &str) -> Markup {
        let class = match State::of(name) {
            Some(it) if it.is_down() => "state down",
            _ => "state",
        };
        html! { span class=(class) { (printable(&cut(self.state_word(name), 60))) } }
    }

    pub(super) fn topic_title(&self) -> &str {
        let found = self.topics.iter().find(|(name, _)| *name == self.topic);
        found.map_or("", |(_, title)| title)
    }

    /// `path`, for the topic looked at.
    pub(super) fn at(&self, path: &str) -> String {
        let first = self
            .topics
            .first()
            .is_none_or(|(name, _)| *name == self.topic);
        if first {
            path.to_owned()
        } else {
            with(path, "topic", &self.topic)
        }
    }

    /// An instant as people here read it: the time today, else with its day.
    pub(super) fn time(&self, at: &str) -> Markup {
        let Ok(instant) = at.parse::<Timestamp>() else {
            return html! { (at) };
        };
        let (local, now) = (self.local(instant), self.local(self.now));
        let short = if local.date() == now.date() {
            local.strftime("%H:%M")
        } else if local.year() == now.year() {
            local.strftime("%-d %b %H:%M")
        } else {
            local.strftime("%-d %b %Y %H:%M")
        };
        html! { time datetime=(at) title=(local.strftime("%A %-d %B %Y %H:%M:%S %Z")) { (short) } }
    }

    /// The hour and minute alone, under a heading that names the day.
    pub(super) fn clock(&self, at: &str) -> Markup {
        let Ok(instant) = at.parse::<Timestamp>() else {
            return html! { (at) };
        };
        let local = self.local(instant);
        html! {
            time datetime=(at) title=(local.strftime("%A %-d %B %Y %H:%M:%S %Z")) { (local.strftime("%H:%M")) }
        }
    }

    /// `Thursday 5 March`, with the year where it is another.
    pub(super) fn day(&self, at: &str) -> String {
        let Ok(instant) = at.parse::<Timestamp>() else {
            return at.to_owned();
        };
        let (local, now) = (self.local(instant), self.local(self.now));
        let format = if local.year() == now.year() {
            "%A %-d %B"
        } else {
            "%A %-d %B %Y"
        };
        local.strftime(format).to_string()
    }

    pub(super) fn local(&self, at: Timestamp) -> ZonedDateTime {
        at.to_zoned_datetime(self.zone.clone())
    }
}

/// `path?key=value`, or with `&` where there is a query.
pub(super) fn with(path: &str, key: &str, value: &str) -> String {
    let separator = if path.contains('?') { '&' } else { '?' };
    let value: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    format!("{path}{separator}{key}={value}")
}

/// What distinguishes one page from another.
pub(super) struct About<'a> {
    pub(super) title: &'a str,
    /// The entry of the navigation that it belongs to.
    pub(super) path: &'a str,
    /// Which marks of the archive change it, with spaces between; empty: none.
    pub(super) live: &'a str,
    /// Whether it shows one topic, and lets choose another.
    pub(super) topical: bool,
}

const PAGES: [(&str, &str); 7] = [
    ("/", "Now"),
    ("/stories", "Stories"),
    ("/volume", "Volume"),
    ("/search", "Search"),
    ("/feeds", "Feeds"),
    ("/outbox", "Outbox"),
    ("/topics", "Topics"),
];

pub(super) fn page(frame: &Frame, about: &About<'_>, content: &Markup) -> Markup {
    let atom = format!("/topics/{}.atom", frame.topic);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (about.title) " · summitwatch" }
                meta name="theme-color" content="#faf9f6" media="(prefers-color-scheme: light)";
                meta name="theme-color" content="#14181c" media="(prefers-color-scheme: dark)";
                link rel="icon" href=(assets::icon()) type="image/svg+xml";
                link rel="apple-touch-icon" href=(assets::touch_icon());
                link rel="manifest" href=(assets::MANIFEST);
                link rel="stylesheet" href=(assets::style());
                @if about.topical {
                    link rel="alternate" type="application/atom+xml" href=(atom) title=(frame.topic_title());
                }
                script src=(assets::keys()) defer {}
                @if !about.live.is_empty() { script src=(assets::script()) defer {} }
            }
            body {
                a.skip href="#main" { "Skip to content" }
                header.top {
                    a.brand href=(frame.at("/")) { span.peak aria-hidden="true" { "▲" } "summitwatch" }
                    nav aria-label="Pages" {
                        @for (path, name) in PAGES {
                            a href=(frame.at(path)) aria-current=[(path == about.path).then_some("page")] { (name) }
                        }
                    }
                    @if frame.may.leave {
                        form method="post" action="/logout" { button.plain { "Log out" } }
                    }
                }
                @if about.topical && frame.topics.len() > 1 { (topics(frame, about.path)) }
                main #main tabindex="-1" data-live=[(!about.live.is_empty()).then_some(about.live)] { (content) }
                footer {
                    p #status role="status" {}
                    p { "Times in " (zone(frame)) " · " a href="/api/v1/openapi.json" { "API" }
                        " · " a href=(atom) { "Atom" } " · " a href="/calendar.ics" { "Calendar" }
                        span #keys-open hidden { " · " button.plain type="button" { "Keys " kbd { "?" } } } }
                }
                (sheet(frame))
            }
        }
    }
}

/// The keyboard's shortcuts, which a script shows and obeys: `g` and a letter go to a page.
const GOES: [(&str, &str, &str); 7] = [
    ("n", "/", "Now"),
    ("s", "/stories", "Stories"),
    ("v", "/volume", "Volume"),
    ("q", "/search", "Search"),
    ("f", "/feeds", "Feeds"),
    ("o", "/outbox", "Outbox"),
    ("t", "/topics", "Topics"),
];
const KEYS: [(&str, &str); 6] = [
    ("j", "next in the list"),
    ("k", "the one before"),
    ("Enter", "open it"),
    ("/", "search"),
    ("?", "this sheet"),
    ("Esc", "close it"),
];

fn sheet(frame: &Frame) -> Markup {
    html! {
        dialog #keys aria-labelledby="keys-title" {
            h2 #keys-title { "Keys" }
            dl {
                @for (key, what) in KEYS { div { dt { kbd { (key) } } dd { (what) } } }
                @for (key, path, name) in GOES {
                    div { dt { kbd { "g" } " " kbd { (key) } } dd { a href=(frame.at(path)) data-key=(key) { (name) } } }
                }
            }
            label.tick { input #keys-on type="checkbox" checked; "Keys do this" }
            form method="dialog" { button { "Close" } }
        }
    }
}

fn topics(frame: &Frame, path: &str) -> Markup {
    html! {
        nav.topics aria-label="Topic" {
            @for (name, title) in &frame.topics {
                a href=(with(path, "topic", name)) aria-current=[(*name == frame.topic).then_some("true")] { (title) }
            }
        }
    }
}

fn zone(frame: &Frame) -> String {
    let name = frame.zone.iana_name().map(str::to_owned);
    name.unwrap_or_else(|| frame.local(frame.now).strftime("%Z").to_string())
}

/// Titles are cut here in lists, and texts where they are shown whole.
const TITLE: usize = 240;
pub(super) const TEXT: usize = 6_000;

/// Text from outside: kept from turning round what stands beside it, without control characters, cut.
pub(super) fn foreign(text: &str, language: Option<&str>, limit: usize) -> Markup {
    html! { bdi lang=[language.filter(|it| is_tag(it))] { (printable(&cut(text, limit))) } }
}

pub(super) fn headline(title: &str, language: Option<&str>) -> Markup {
    let title = if title.trim().is_empty() {
        "(without a title)"
    } else {
        title
    };
    foreign(title, language, TITLE)
}

fn is_tag(language: &str) -> bool {
    !language.is_empty()
        && language.len() <= 12
        && language
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// An address from outside as a link, if it is one that a browser fetches; else nothing.
pub(super) fn outward(url: Option<&str>, words: &str) -> Markup {
    let url = url.and_then(|it| Url::parse(it).ok());
    let url = url.filter(|it| matches!(it.scheme(), "http" | "https") && it.as_str().len() < 4_000);
    html! {
        @if let Some(url) = url {
            a.out href=(url.as_str()) rel="noopener noreferrer external" {
                (words) span.sr { " at " (printable(url.host_str().unwrap_or_default())) }
            }
        }
    }
}

pub(super) fn language(code: Option<&str>) -> Markup {
    html! { @if let Some(code) = code.filter(|it| is_tag(it)) { abbr.lang title=(language_name(code)) { (code) } } }
}

/// What kind of development, and what became of it where it was not told.
pub(super) fn kind(kind: &str, verdict: &str) -> Markup {
    html! {
        span class={"kind " (safe_class(kind))} { (words::kind(kind)) }
        @if verdict != "alert" { " " span.held { (words::verdict(verdict)) } }
    }
}

fn safe_class(kind: &str) -> &str {
    DevelopmentKind::of(kind)
        .unwrap_or(DevelopmentKind::Fact)
        .as_str()
}

/// The way to older rows.
pub(super) fn older(path: &str, last: Option<i64>, more: bool) -> Markup {
    html! {
        @if let (Some(last), true) = (last, more) {
            p.more { a href=(with(path, "before", &last.to_string())) rel="next" { "Older" } }
        }
    }
}

pub(super) fn trouble(frame: &Frame, trouble: &Trouble) -> Markup {
    let title = match trouble.status() {
        StatusCode::NOT_FOUND => "Not here",
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "Not allowed",
        status if status.is_client_error() => "Not understood",
        _ => "Not now",
    };
    let about = About {
        title,
        path: "",
        live: "",
        topical: false,
    };
    let content = html! {
        h1 { (title) }
        p.lead { (printable(&cut(&trouble.to_string(), 300))) "." }
        @if *trouble == Trouble::Empty { p { "The service is starting. Reload in a moment." } }
    };
    page(frame, &about, &content)
}

pub(super) fn login(frame: &Frame, to: &str, wrong: bool) -> Markup {
    let about = About {
        title: "Log in",
        path: "",
        live: "",
        topical: false,
    };
    let content = html! {
        h1 { "Log in" }
        form.login method="post" action="/login" {
            @if wrong { p.wrong role="alert" { "That is not the token." } }
            input type="hidden" name="to" value=(to);
            label for="token" { "Token" }
            input #token type="password" name="token" autocomplete="current-password" required autofocus;
            button { "Log in" }
            p.hint { "It is the " code { "token" } " of " code { "[web]" } " in the configuration." }
        }
    };
    page(frame, &about, &content)
}

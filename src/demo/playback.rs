//! The scenario and the server that plays it: each feed shows what its publisher would show at
//! the simulated time, in its own dialect and charset.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode, Uri, header};
use jiff::Timestamp;
use quick_xml::escape::escape;
use serde::Deserialize;
use tokio::net::TcpListener;

use crate::clock::{Clock, rfc3339};
use crate::text::html::plain_text;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scenario {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    feed: Vec<SampleFeed>,
    entry: Vec<SampleEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SampleFeed {
    name: String,
    path: String,
    format: Format,
    charset: String,
    title: String,
    site: String,
    outlet: String,
    family: String,
    language: String,
    country: String,
    /// How many entries the document shows.
    keep: usize,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    Rss2,
    Atom,
    Rdf,
    Json,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SampleEntry {
    feed: String,
    id: Option<String>,
    at: Timestamp,
    link: String,
    title: String,
    summary: String,
    #[serde(default)]
    edit: Vec<Edit>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    at: Timestamp,
    id: Option<String>,
    link: Option<String>,
    title: Option<String>,
    summary: Option<String>,
}

/// An entry as it reads at one time.
struct Shown<'a> {
    id: Option<&'a str>,
    at: Timestamp,
    changed_at: Timestamp,
    link: &'a str,
    title: &'a str,
    summary: &'a str,
}

impl Scenario {
    pub(super) fn built_in() -> Self {
        toml::from_str(include_str!("scenario.toml")).expect("a test reads the scenario")
    }

    pub(super) fn feeds(&self) -> &[SampleFeed] {
        &self.feed
    }

    fn shown(&self, feed: &SampleFeed, now: Timestamp) -> Vec<Shown<'_>> {
        let mut entries: Vec<&SampleEntry> = self
            .entry
            .iter()
            .filter(|it| it.feed == feed.name && it.at <= now)
            .collect();
        entries.sort_by_key(|it| std::cmp::Reverse(it.at));
        entries.truncate(feed.keep);
        entries.into_iter().map(|it| it.at_time(now)).collect()
    }
}

impl SampleEntry {
    fn at_time(&self, now: Timestamp) -> Shown<'_> {
        let mut shown = Shown {
            id: self.id.as_deref(),
            at: self.at,
            changed_at: self.at,
            link: &self.link,
            title: &self.title,
            summary: &self.summary,
        };
        for edit in self.edit.iter().filter(|it| it.at <= now) {
            shown.changed_at = edit.at;
            shown.id = edit.id.as_deref().or(shown.id);
            shown.link = edit.link.as_deref().unwrap_or(shown.link);
            shown.title = edit.title.as_deref().unwrap_or(shown.title);
            shown.summary = edit.summary.as_deref().unwrap_or(shown.summary);
        }
        shown
    }
}

impl SampleFeed {
    fn content_type(&self) -> String {
        let kind = match self.format {
            Format::Rss2 => "application/rss+xml",
            Format::Atom => "application/atom+xml",
            Format::Rdf => "application/rdf+xml",
            Format::Json => "application/feed+json",
        };
        format!("{kind}; charset={}", self.charset)
    }

    fn render(&self, entries: &[Shown<'_>]) -> Vec<u8> {
        let text = match self.format {
            Format::Rss2 => self.rss(entries),
            Format::Atom => self.atom(entries),
            Format::Rdf => self.rdf(entries),
            Format::Json => self.json(entries),
        };
        let encoding =
            encoding_rs::Encoding::for_label(self.charset.as_bytes()).unwrap_or(encoding_rs::UTF_8);
        encoding.encode(&text).0.into_owned()
    }

    fn rss(&self, entries: &[Shown<'_>]) -> String {
        let mut out = format!(
            "<?xml version=\"1.0\" encoding=\"{}\"?>\n<rss version=\"2.0\"><channel><title>{}</title><link>{}</link>\
             <description>{}</description><language>{}</language>\n",
            self.charset,
            escape(&self.title),
            self.site,
            escape(&self.title),
            self.language
        );
        for entry in entries {
            let guid = entry
                .id
                .map(|id| format!("<guid isPermaLink=\"false\">{}</guid>", escape(id)))
                .unwrap_or_default();
            out.push_str(&format!(
                "<item><title>{}</title><link>{}</link>{guid}<pubDate>{}</pubDate><description>{}</description></item>\n",
                escape(entry.title),
                escape(entry.link),
                entry.at.strftime("%a, %d %b %Y %H:%M:%S +0000"),
                escape(entry.summary)
            ));
        }
        out + "</channel></rss>\n"
    }

    fn atom(&self, entries: &[Shown<'_>]) -> String {
        let updated = entries
            .iter()
            .map(|it| it.changed_at)
            .max()
            .map(rfc3339)
            .unwrap_or_default();
        let mut out = format!(
            "<?xml version=\"1.0\" encoding=\"{}\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"{}\">\
             <title>{}</title><id>{}</id><link href=\"{}\"/><updated>{updated}</updated>\n",
            self.charset,
            self.language,
            escape(&self.title),
            self.site,
            self.site
        );
        for entry in entries {
            out.push_str(&format!(
                "<entry><title type=\"html\">{}</title><id>{}</id><link href=\"{}\"/><published>{}</published>\
                 <updated>{}</updated><summary type=\"html\">{}</summary></entry>\n",
                escape(entry.title),
                escape(entry.id.unwrap_or(entry.link)),
                escape(entry.link),
                rfc3339(entry.at),
                rfc3339(entry.changed_at),
                escape(entry.summary)
            ));
        }
        out + "</feed>\n"
    }

    fn rdf(&self, entries: &[Shown<'_>]) -> String {
        let mut out = format!(
            "<?xml version=\"1.0\" encoding=\"{}\"?>\n<rdf:RDF xmlns=\"http://purl.org/rss/1.0/\" \
             xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\">\
             <channel rdf:about=\"{}\"><title>{}</title><link>{}</link><description/><dc:language>{}</dc:language></channel>\n",
            self.charset,
            self.site,
            escape(&self.title),
            self.site,
            self.language
        );
        for entry in entries {
            let link = escape(entry.link);
            out.push_str(&format!(
                "<item rdf:about=\"{link}\"><title>{}</title><link>{link}</link><description>{}</description>\
                 <dc:date>{}</dc:date></item>\n",
                escape(entry.title),
                escape(entry.summary),
                rfc3339(entry.at)
            ));
        }
        out + "</rdf:RDF>\n"
    }

    fn json(&self, entries: &[Shown<'_>]) -> String {
        let items: Vec<serde_json::Value> = entries
            .iter()
            .map(|entry| {
                serde_json::json!({
                    "id": entry.id.unwrap_or(entry.link), "url": entry.link, "title": plain_text(entry.title),
                    "content_html": entry.summary, "date_published": rfc3339(entry.at),
                    "date_modified": rfc3339(entry.changed_at),
                })
            })
            .collect();
        serde_json::json!({
            "version": "https://jsonfeed.org/version/1.1", "title": self.title, "home_page_url": self.site,
            "language": self.language, "items": items,
        })
        .to_string()
    }
}

/// The running server.
pub(super) struct Playback {
    scenario: Arc<Scenario>,
    address: SocketAddr,
}

impl Playback {
    pub(super) async fn start(scenario: Scenario, clock: Clock) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let scenario = Arc::new(scenario);
        let app = Router::new()
            .fallback(serve)
            .with_state((Arc::clone(&scenario), clock));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { scenario, address })
    }

    /// A configuration that watches the server's feeds.
    pub(super) fn configuration(&self) -> String {
        let mut out = String::from(
            "# Written by `summitwatch demo`; serves the commands that read its archive.\n\
             archive = \"summitwatch.db\"\n\n[web]\nlisten = \"127.0.0.1:8787\"\n\n[poll]\nconcurrency = 1\nper_host = 1\ninterval = \"5m\"\nmax_interval = \"10m\"\n\n\
             [[topics]]\nname = \"us-dprk-summit\"\n\n[[channels]]\nname = \"terminal\"\nkind = \"terminal\"\n\n\
             [[routes]]\ntopic = \"us-dprk-summit\"\nchannels = [\"terminal\"]\n",
        );
        for feed in &self.scenario.feed {
            out.push_str(&format!(
                "\n[[feeds]]\nname = \"{}\"\nurl = \"http://{}{}\"\noutlet = \"{}\"\nfamily = \"{}\"\n\
                 language = \"{}\"\ncountry = \"{}\"\nallow_private = true\n",
                feed.name, self.address, feed.path, feed.outlet, feed.family, feed.language, feed.country
            ));
        }
        out
    }
}

async fn serve(
    State((scenario, clock)): State<(Arc<Scenario>, Clock)>,
    uri: Uri,
    headers: HeaderMap,
) -> Response<Body> {
    let Some(feed) = scenario.feed.iter().find(|it| it.path == uri.path()) else {
        return answer(StatusCode::NOT_FOUND, &[], Vec::new());
    };
    let body = feed.render(&scenario.shown(feed, clock.now()));
    let etag = format!(
        "\"{:016x}\"",
        crate::daemon::visit::body_hash(&body).cast_unsigned()
    );
    if headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|it| it.as_bytes() == etag.as_bytes())
    {
        return answer(
            StatusCode::NOT_MODIFIED,
            &[(header::ETAG, &etag)],
            Vec::new(),
        );
    }
    answer(
        StatusCode::OK,
        &[
            (header::ETAG, &etag),
            (header::CONTENT_TYPE, &feed.content_type()),
        ],
        body,
    )
}

fn answer(
    status: StatusCode,
    headers: &[(header::HeaderName, &str)],
    body: Vec<u8>,
) -> Response<Body> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, *value);
    }
    response
        .body(Body::from(body))
        .expect("a status and plain headers")
}

#[cfg(test)]
mod tests {
    use super::Scenario;

    #[test]
    fn the_scenario_reads_and_its_charsets_hold_its_words() {
        let scenario = Scenario::built_in();
        for feed in scenario.feeds() {
            let encoding =
                encoding_rs::Encoding::for_label(feed.charset.as_bytes()).expect("a charset");
            let entries = scenario.shown(feed, scenario.end);
            assert!(!entries.is_empty(), "{} shows nothing", feed.name);
            for entry in entries {
                for text in [entry.title, entry.summary] {
                    assert!(
                        !encoding.encode(text).2,
                        "{}: {text} does not fit {}",
                        feed.name,
                        feed.charset
                    );
                }
            }
        }
        assert!(
            scenario
                .entry
                .iter()
                .all(|entry| scenario.feed.iter().any(|feed| feed.name == entry.feed))
        );
    }
}

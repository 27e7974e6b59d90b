//! Developments and hits as feeds that other readers take: Atom 1.0 (RFC 4287) and JSON Feed 1.1. Pure.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::clock::rfc3339;
use crate::text::{cut, printable};

/// A feed of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// What its id is made of; never changes for the same topic or search: `topic us-dprk-summit`.
    pub key: String,
    pub title: String,
    /// Where this feed is fetched, absolute.
    pub self_url: Option<String>,
    /// The page for people, absolute.
    pub home_url: Option<String>,
    /// The newest first.
    pub entries: Vec<Entry>,
    /// Said of a feed without entries.
    pub now: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What its id is made of, as with a publication.
    pub key: String,
    pub title: String,
    pub url: Option<String>,
    /// Plain text.
    pub summary: String,
    /// The outlet.
    pub author: String,
    pub language: Option<String>,
    pub categories: Vec<String>,
    pub published_at: Timestamp,
    pub updated_at: Timestamp,
}

const TITLE_CHARS: usize = 1_000;
const SUMMARY_CHARS: usize = 4_000;

impl Publication {
    fn updated_at(&self) -> Timestamp {
        let newest = self.entries.iter().map(|it| it.updated_at).max();
        newest.unwrap_or(self.now)
    }
}

pub fn atom(publication: &Publication) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
    out.push_str("<feed xmlns=\"http://www.w3.org/2005/Atom\">\n");
    element(&mut out, "id", &urn(&publication.key));
    element(&mut out, "title", &line(&publication.title, TITLE_CHARS));
    element(&mut out, "updated", &rfc3339(publication.updated_at()));
    element(&mut out, "generator", "summitwatch");
    for (relation, kind, url) in [
        ("self", "application/atom+xml", &publication.self_url),
        ("alternate", "text/html", &publication.home_url),
    ] {
        link(&mut out, relation, Some(kind), url.as_deref());
    }
    for entry in &publication.entries {
        let language = entry.language.as_deref().map_or(String::new(), |it| {
            format!(" xml:lang=\"{}\"", escaped(&printable(it)))
        });
        out.push_str(&format!("<entry{language}>\n"));
        element(&mut out, "id", &urn(&entry.key));
        element(&mut out, "title", &line(&entry.title, TITLE_CHARS));
        element(&mut out, "updated", &rfc3339(entry.updated_at));
        element(&mut out, "published", &rfc3339(entry.published_at));
        let author = escaped(&line(&entry.author, TITLE_CHARS));
        out.push_str(&format!("<author><name>{author}</name></author>\n"));
        link(&mut out, "alternate", None, entry.url.as_deref());
        for category in &entry.categories {
            let term = escaped(&line(category, TITLE_CHARS));
            out.push_str(&format!("<category term=\"{term}\"/>\n"));
        }
        // RFC 4287, 4.1.1.1: an entry without a link must have content.
        let name = match entry.url.as_deref().and_then(web) {
            Some(_) => "summary",
            None => "content",
        };
        element(&mut out, name, &line(&entry.summary, SUMMARY_CHARS));
        out.push_str("</entry>\n");
    }
    out.push_str("</feed>\n");
    out
}

pub fn json_feed(publication: &Publication) -> Value {
    let mut feed = Map::new();
    feed.insert(
        "version".to_owned(),
        "https://jsonfeed.org/version/1.1".into(),
    );
    feed.insert(
        "title".to_owned(),
        line(&publication.title, TITLE_CHARS).into(),
    );
    let urls = [
        ("home_page_url", &publication.home_url),
        ("feed_url", &publication.self_url),
    ];
    for (name, url) in urls {
        if let Some(url) = url {
            feed.insert(name.to_owned(), url.as_str().into());
        }
    }
    let items: Vec<Value> = publication.entries.iter().map(json_item).collect();
    feed.insert("items".to_owned(), items.into());
    feed.into()
}

fn json_item(entry: &Entry) -> Value {
    let mut item = json!({
        "id": urn(&entry.key),
        "title": line(&entry.title, TITLE_CHARS),
        "content_text": line(&entry.summary, SUMMARY_CHARS),
        "date_published": rfc3339(entry.published_at),
        "date_modified": rfc3339(entry.updated_at),
        "authors": [{"name": line(&entry.author, TITLE_CHARS)}],
    });
    let tags: Vec<String> = entry
        .categories
        .iter()
        .map(|it| line(it, TITLE_CHARS))
        .collect();
    if !tags.is_empty() {
        item["tags"] = tags.into();
    }
    if let Some(language) = &entry.language {
        item["language"] = printable(language).into();
    }
    if let Some(url) = entry.url.as_deref().and_then(web) {
        item["url"] = url.into();
    }
    item
}

fn element(out: &mut String, name: &str, text: &str) {
    out.push_str(&format!("<{name}>{}</{name}>\n", escaped(text)));
}

fn link(out: &mut String, relation: &str, kind: Option<&str>, url: Option<&str>) {
    if let Some(url) = url.and_then(web) {
        let kind = kind.map_or(String::new(), |it| format!(" type=\"{it}\""));
        out.push_str(&format!(
            "<link rel=\"{relation}\"{kind} href=\"{}\"/>\n",
            escaped(url)
        ));
    }
}

/// A publisher's address may be of any scheme; readers follow what we print.
fn web(url: &str) -> Option<&str> {
    let is_web = ["http://", "https://"].iter().any(|scheme| {
        url.get(..scheme.len())
            .is_some_and(|it| it.eq_ignore_ascii_case(scheme))
    });
    (is_web && !url.contains(char::is_control)).then_some(url)
}

fn line(text: &str, limit: usize) -> String {
    // XML knows neither control characters nor these two.
    cut(&printable(text), limit).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

/// A name that needs no registered domain: a UUID (RFC 9562, version 8) of the key's hash.
fn urn(key: &str) -> String {
    let hash = Sha256::digest(key.as_bytes());
    let mut bytes: [u8; 16] = std::array::from_fn(|at| hash[at]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|it| format!("{it:02x}")).collect();
    format!(
        "urn:uuid:{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

#[cfg(test)]
mod tests;

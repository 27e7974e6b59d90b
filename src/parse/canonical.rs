//! Any dialect of RSS, RDF or Atom, well-formed or not → one canonical document that feed-rs
//! reads. Every document goes this way, so that an item's identity never depends on whether its
//! feed happened to be broken that day.
//!
//! quick-xml is asked only for tokens; nesting is kept here, with caps, and an item whose end was
//! not seen is dropped: cut items come back whole at the next poll under another title.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::escape::escape;
use quick_xml::events::{BytesRef, BytesStart, Event};

use crate::parse::{Kind, ParseError};

const DEPTH: usize = 200;
const ITEMS: usize = 20_000;
const FIELD_BYTES: usize = 2 * 1024 * 1024;

const ATOM: (&str, &str) = (
    "<feed xmlns=\"http://www.w3.org/2005/Atom\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" \
     xmlns:media=\"http://search.yahoo.com/mrss/\">",
    "</feed>",
);
const RSS: (&str, &str) = (
    "<rss version=\"2.0\" xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" \
     xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:media=\"http://search.yahoo.com/mrss/\"><channel>",
    "</channel></rss>",
);

pub struct Canonical {
    pub kind: Kind,
    /// XML, or JSON where the document was.
    pub text: String,
    pub complete: bool,
    /// `xml:lang` of the root.
    pub language: Option<String>,
    pub repairs: Vec<&'static str>,
}

pub fn canonical(text: &str) -> Result<Canonical, ParseError> {
    let mut builder = Builder::default();
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    let mut complete = false;
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => builder.open(&start)?,
            Ok(Event::Empty(start)) => {
                builder.open(&start)?;
                builder.close(start.name().as_ref());
            }
            Ok(Event::End(end)) => complete |= builder.close(end.name().as_ref()),
            Ok(Event::Text(text)) => builder.text(&text),
            Ok(Event::CData(data)) => builder.text(&data),
            Ok(Event::GeneralRef(reference)) => builder.reference(&reference),
            Ok(Event::Eof) => break,
            Ok(_) => {}
            // The tokenizer cannot go on: what came before stands.
            Err(_) => {
                complete = false;
                builder.repair("kept what came before broken markup");
                break;
            }
        }
    }
    builder.finish(complete)
}

/// Namespaces that matter, by what they hold rather than by their many addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Space {
    /// RSS in any version, and elements without a namespace.
    Rss,
    Atom,
    DublinCore,
    Content,
    Media,
    Xhtml,
    Other,
}

fn space_of_uri(uri: &str) -> Space {
    let uri = uri.trim().trim_end_matches(['#', '/']);
    let lower = uri.to_ascii_lowercase();
    if lower.is_empty()
        || lower.contains("rss")
            && !lower.contains("modules")
            && !lower.contains("media")
            && !lower.contains("/mrss")
        || lower.contains("my.netscape.com")
        || lower.contains("netscape.com/rdf")
        || lower.contains("backend.userland.com")
        || lower.contains("blogs.law.harvard.edu")
    {
        Space::Rss
    } else if lower.contains("/atom") {
        Space::Atom
    } else if lower.contains("purl.org/dc/") {
        Space::DublinCore
    } else if lower.contains("modules/content") {
        Space::Content
    } else if lower.contains("/mrss") || lower.contains("media") {
        Space::Media
    } else if lower.contains("1999/xhtml") {
        Space::Xhtml
    } else {
        Space::Other
    }
}

/// For prefixes that are used but not declared.
fn space_of_prefix(prefix: &str) -> Space {
    match prefix {
        "rss" | "rss1" | "rdf" => Space::Rss,
        "atom" | "a10" => Space::Atom,
        "dc" | "dcterms" => Space::DublinCore,
        "content" => Space::Content,
        "media" => Space::Media,
        "xhtml" => Space::Xhtml,
        _ => Space::Other,
    }
}

/// A leaf that is written out under a canonical name.
#[derive(Debug)]
struct Field {
    name: &'static str,
    attributes: String,
    /// Depth of the element itself.
    depth: usize,
    text: String,
    /// Markup met inside is kept as text: publishers forget to escape it.
    markup: bool,
}

#[derive(Debug)]
struct Open {
    name: String,
    bindings: usize,
}

#[derive(Default)]
struct Builder {
    stack: Vec<Open>,
    bindings: Vec<(String, Space)>,
    kind: Option<Kind>,
    language: Option<String>,
    feed: String,
    /// The items written so far, one of them perhaps still open.
    items: String,
    n_items: usize,
    /// Depth of the open item and where in `items` it begins.
    item: Option<(usize, usize)>,
    /// Depth of an element inside an item or feed whose leaves are its own: author, image, source.
    aside: Option<(usize, Aside)>,
    field: Option<Field>,
    repairs: Vec<&'static str>,
    unknown_root: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aside {
    /// Its `name` is the author.
    Author,
    /// Nothing in it belongs to the item or feed.
    Skip,
}

impl Builder {
    fn repair(&mut self, what: &'static str) {
        if !self.repairs.contains(&what) {
            self.repairs.push(what);
        }
    }

    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), ParseError> {
        if self.stack.len() >= DEPTH {
            return Err(ParseError::Broken(format!(
                "elements nest deeper than {DEPTH}"
            )));
        }
        let qualified = start.name().as_ref().to_owned();
        let bound_before = self.bindings.len();
        let mut attributes: Vec<(String, String)> = Vec::new();
        for attribute in start
            .html_attributes()
            .with_checks(false)
            .flatten()
            .take(64)
        {
            let key = attribute.key.as_ref().to_owned();
            let value = htmlize::unescape_attribute(attribute.value.as_ref()).into_owned();
            if key == "xmlns" {
                self.bindings.push((String::new(), space_of_uri(&value)));
            } else if let Some(prefix) = key.strip_prefix("xmlns:") {
                self.bindings
                    .push((prefix.to_owned(), space_of_uri(&value)));
            } else {
                attributes.push((key, value));
            }
        }
        let (prefix, local) = qualified.split_once(':').unwrap_or(("", &qualified));
        let space = self.space(prefix);
        let local = local.to_owned();
        let get = |name: &str| {
            attributes
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
        };
        if let Some(field) = &mut self.field {
            if field.markup && field.text.len() < FIELD_BYTES {
                field.text.push('<');
                field.text.push_str(&local);
                for (key, value) in attributes
                    .iter()
                    .filter(|(key, _)| matches!(key.as_str(), "href" | "src" | "alt"))
                {
                    field
                        .text
                        .push_str(&format!(" {key}=\"{}\"", escape(value)));
                }
                field.text.push('>');
            }
        } else if self.kind.is_none() {
            self.language = get("xml:lang").map(str::to_owned);
            self.root(&local, space, get("version"));
        } else if self.aside.is_some_and(|(_, aside)| aside == Aside::Author) && local == "name" {
            self.start_field("author", String::new(), false);
        } else if self.aside.is_none() {
            self.element(&local, space, &attributes);
        }
        self.stack.push(Open {
            name: qualified,
            bindings: bound_before,
        });
        Ok(())
    }

    fn space(&self, prefix: &str) -> Space {
        match self
            .bindings
            .iter()
            .rev()
            .find(|(bound, _)| bound == prefix)
        {
            // An unknown default namespace on the root is that root's native one.
            Some((_, Space::Other)) if prefix.is_empty() => self.native(),
            Some((_, space)) => *space,
            None if prefix.is_empty() => self.native(),
            None => space_of_prefix(prefix),
        }
    }

    fn native(&self) -> Space {
        if self.kind == Some(Kind::Atom) {
            Space::Atom
        } else {
            Space::Rss
        }
    }

    fn root(&mut self, local: &str, space: Space, version: Option<&str>) {
        self.kind = match local.to_ascii_lowercase().as_str() {
            "rss" => {
                let kind = match version {
                    Some(it) if it.starts_with("0.") => Kind::Rss0,
                    Some(it) if it.starts_with('2') => Kind::Rss2,
                    _ => {
                        self.repair("read RSS without a known version as 2.0");
                        Kind::Rss2
                    }
                };
                Some(kind)
            }
            "rdf" => Some(Kind::Rss1),
            "feed" => Some(Kind::Atom),
            "channel" if space == Space::Rss => {
                self.repair("read a channel without a root as RSS 2.0");
                Some(Kind::Rss2)
            }
            _ => {
                self.unknown_root = true;
                None
            }
        };
    }

    fn element(&mut self, local: &str, space: Space, attributes: &[(String, String)]) {
        let depth = self.stack.len();
        let get = |name: &str| {
            attributes
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
        };
        let atom = self.kind == Some(Kind::Atom);
        let lower = local.to_ascii_lowercase();
        let native = space == self.native() || (atom && space == Space::Rss);
        if native && lower == if atom { "entry" } else { "item" } {
            if self.item.is_some() {
                // The last one's end is missing, but here its successor begins.
                self.repair("closed an item that was left open");
                self.end_item();
            }
            self.item = Some((depth, self.items.len()));
            self.write(&[if atom { "<entry>" } else { "<item>" }]);
            if let Some((_, about)) = attributes
                .iter()
                .find(|(key, _)| key == "about" || key.ends_with(":about"))
            {
                self.write(&["<guid isPermaLink=\"false\">", &escape(about), "</guid>"]);
            }
            return;
        }
        let in_item = self.item.is_some();
        let field = |name: &'static str| Some((name, String::new(), true));
        let leaf = |name: &'static str| Some((name, String::new(), false));
        let known = match (space, lower.as_str()) {
            (Space::Rss | Space::Atom, "title") => {
                Some(("title", text_type(atom, get("type")), true))
            }
            (Space::Media | Space::DublinCore, "title") if in_item => Some((
                if space == Space::Media {
                    "media:title"
                } else {
                    "dc:title"
                },
                String::new(),
                true,
            )),
            (Space::Rss | Space::Atom, "link") => self.link(atom, space, attributes),
            (Space::Rss, "description") if !atom => field("description"),
            (Space::Atom, "subtitle" | "tagline") if atom && !in_item => field("subtitle"),
            (Space::Atom, "summary") if atom => {
                Some(("summary", text_type(true, get("type")), true))
            }
            (Space::Atom, "summary") => field("description"),
            (Space::Atom, "content") if atom => {
                Some(("content", text_type(true, get("type")), true))
            }
            (Space::Atom, "content") | (Space::Content, "encoded") if in_item => {
                if atom {
                    Some(("content", text_type(true, Some("html")), true))
                } else {
                    field("content:encoded")
                }
            }
            (Space::Rss, "guid") if !atom => leaf("guid"),
            (Space::Atom, "id") => leaf(if atom { "id" } else { "guid" }),
            (Space::Rss, "pubdate") | (Space::DublinCore, "date" | "created" | "issued") => {
                leaf(if atom { "published" } else { "pubDate" })
            }
            (Space::Atom, "published" | "issued" | "created") => {
                leaf(if atom { "published" } else { "pubDate" })
            }
            (Space::Atom, "updated" | "modified") if atom => leaf("updated"),
            (Space::Atom, "updated" | "modified") if in_item => leaf("pubDate"),
            (Space::Rss | Space::DublinCore, "language") if !in_item && !atom => leaf("language"),
            (Space::Rss, "category") if !atom => leaf("category"),
            (Space::DublinCore, "subject") if !atom => leaf("category"),
            (Space::Atom, "category") => {
                self.category(atom, get("term").unwrap_or_default());
                None
            }
            (Space::Rss, "author") if !atom => leaf("author"),
            (Space::DublinCore, "creator") => leaf("author"),
            (Space::Atom, "author") => {
                self.aside = Some((depth, Aside::Author));
                None
            }
            (Space::Media, "description") if in_item => field("media:description"),
            (Space::Rss, "image" | "textinput" | "source" | "items" | "skipdays" | "skiphours")
            | (Space::Atom, "source" | "contributor") => {
                self.aside = Some((depth, Aside::Skip));
                None
            }
            _ => None,
        };
        if let Some((name, attributes, markup)) = known {
            self.start_field(name, attributes, markup);
        }
    }

    /// Atom's categories are attributes.
    fn category(&mut self, atom: bool, term: &str) {
        match (term.is_empty(), atom) {
            (true, _) => {}
            (false, true) => self.write(&["<category term=\"", &escape(term), "\"/>"]),
            (false, false) => self.write(&["<category>", &escape(term), "</category>"]),
        }
    }

    /// Atom links are attributes; RSS links are text. Either may stand in the other's feed.
    fn link(
        &mut self,
        atom: bool,
        space: Space,
        attributes: &[(String, String)],
    ) -> Option<(&'static str, String, bool)> {
        let get = |name: &str| {
            attributes
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
        };
        match get("href") {
            Some(href) => {
                let rel = get("rel").unwrap_or("alternate");
                if atom {
                    let media = get("type")
                        .map(|it| format!("\" type=\"{}", escape(it)))
                        .unwrap_or_default();
                    self.write(&[
                        "<link rel=\"",
                        &escape(rel),
                        &media,
                        "\" href=\"",
                        &escape(href),
                        "\"/>",
                    ]);
                } else if rel == "alternate" {
                    self.write(&["<link>", &escape(href), "</link>"]);
                }
                None
            }
            None if atom => Some(("link", String::new(), false)),
            None if space == Space::Rss => Some(("link", String::new(), false)),
            None => None,
        }
    }

    fn start_field(&mut self, name: &'static str, attributes: String, markup: bool) {
        self.field = Some(Field {
            name,
            attributes,
            depth: self.stack.len(),
            text: String::new(),
            markup,
        });
    }

    fn write(&mut self, parts: &[&str]) {
        let out = if self.item.is_some() {
            &mut self.items
        } else {
            &mut self.feed
        };
        parts.iter().for_each(|part| out.push_str(part));
    }

    fn text(&mut self, text: &str) {
        if let Some(field) = &mut self.field
            && field.text.len() < FIELD_BYTES
        {
            field.text.push_str(text);
        }
    }

    fn reference(&mut self, reference: &BytesRef<'_>) {
        let Some(field) = &mut self.field else { return };
        let name: &str = reference;
        match name {
            // Escaped markup must stay distinguishable from text until it is plain text.
            "lt" => field.text.push('<'),
            "gt" => field.text.push('>'),
            "amp" => field.text.push('&'),
            "quot" => field.text.push('"'),
            "apos" => field.text.push('\''),
            _ => {
                let written = format!("&{name};");
                field.text.push_str(&htmlize::unescape(written.as_str()));
            }
        }
    }

    /// Whether the root was closed.
    fn close(&mut self, name: &str) -> bool {
        let Some(at) = self.stack.iter().rposition(|open| open.name == name) else {
            self.repair("ignored an end tag that closes nothing");
            return false;
        };
        if at + 1 < self.stack.len() {
            // Inside a field, unclosed markup like <br> or <p> is ordinary.
            if self.field.as_ref().is_none_or(|field| at < field.depth) {
                self.repair("closed elements that were left open");
            }
        }
        while self.stack.len() > at {
            self.pop();
        }
        self.stack.is_empty() && self.kind.is_some()
    }

    fn pop(&mut self) {
        let Some(open) = self.stack.pop() else { return };
        self.bindings.truncate(open.bindings);
        let depth = self.stack.len();
        if let Some(field) = &mut self.field {
            if field.depth == depth {
                let field = self.field.take();
                self.end_field(field);
            } else if field.markup && field.text.len() < FIELD_BYTES {
                let local = open.name.rsplit(':').next().unwrap_or_default();
                field.text.push_str("</");
                field.text.push_str(local);
                field.text.push('>');
            }
            return;
        }
        if self.aside.is_some_and(|(at, _)| at == depth) {
            self.aside = None;
        }
        if self.item.as_ref().is_some_and(|(at, _)| *at == depth) {
            self.end_item();
        }
    }

    fn end_field(&mut self, field: Option<Field>) {
        let Some(field) = field else { return };
        let text = clean(&field.text);
        if text.trim().is_empty() {
            return;
        }
        let (name, close) = match (field.name, self.kind) {
            ("author", Some(Kind::Atom)) => ("author><name", "name></author"),
            (name, _) => (name, name),
        };
        let text = escape(text.trim());
        if field.name == "link" && self.kind == Some(Kind::Atom) {
            self.write(&["<link href=\"", &text, "\"/>"]);
        } else {
            self.write(&["<", name, &field.attributes, ">", &text, "</", close, ">"]);
        }
    }

    fn end_item(&mut self) {
        self.write(&[if self.kind == Some(Kind::Atom) {
            "</entry>"
        } else {
            "</item>"
        }]);
        let Some((_, start)) = self.item.take() else {
            return;
        };
        if self.n_items == ITEMS {
            self.items.truncate(start);
            return self.repair("kept the first 20,000 items");
        }
        self.n_items += 1;
        if !self.items[start..].contains("<title") {
            // A media or Dublin Core title serves where the item has none of its own.
            let renamed = titled(&self.items[start..]);
            self.items.replace_range(start.., &renamed);
        }
    }

    fn finish(mut self, complete: bool) -> Result<Canonical, ParseError> {
        let Some(kind) = self.kind else {
            return Err(ParseError::NotAFeed(if self.unknown_root {
                "another kind of XML or HTML"
            } else {
                "text"
            }));
        };
        if !complete {
            self.repair("kept the complete entries of a truncated document");
        }
        // An item whose end was not seen comes back whole at the next poll.
        if let Some((_, start)) = self.item {
            self.items.truncate(start);
        }
        let (open, close) = if kind == Kind::Atom { ATOM } else { RSS };
        let xml = [open, &self.feed, &self.items, close].concat();
        Ok(Canonical {
            kind,
            text: xml,
            complete,
            language: self.language,
            repairs: self.repairs,
        })
    }
}

fn titled(item: &str) -> String {
    ["dc:title", "media:title"]
        .iter()
        .fold(item.to_owned(), |item, name| {
            item.replacen(&format!("<{name}>"), "<title>", 1).replacen(
                &format!("</{name}>"),
                "</title>",
                1,
            )
        })
}

/// Atom text constructs: what is not known to be plain is HTML, as a browser would take it.
fn text_type(atom: bool, declared: Option<&str>) -> String {
    if !atom {
        return String::new();
    }
    let kind = match declared.unwrap_or("text").to_ascii_lowercase().as_str() {
        "text" | "text/plain" | "" => "text",
        _ => "html",
    };
    format!(" type=\"{kind}\"")
}

/// Without the characters that XML 1.0 forbids, which decoders and references let through.
fn clean(text: &str) -> Cow<'_, str> {
    let forbidden = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\t')) || matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    // Most texts hold none of the first bytes of such characters.
    let suspect = |byte: u8| {
        (byte < 0x20 && !matches!(byte, b'\n' | b'\t')) || matches!(byte, 0x7f | 0xc2 | 0xef)
    };
    if text.bytes().any(suspect) && text.contains(forbidden) {
        return Cow::Owned(text.chars().filter(|c| !forbidden(*c)).collect());
    }
    Cow::Borrowed(text)
}

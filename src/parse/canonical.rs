//! What a feed and its items say, whatever the dialect, and the one canonical form in which
//! feed-rs reads it: Atom. Where several elements say the same thing, the best placed one counts.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use quick_xml::escape::escape;

use crate::parse::Kind;
use crate::parse::date;
use crate::parse::sitemap::Child;

pub(super) const ITEMS: usize = 10_000;
const CATEGORIES: usize = 64;

pub(super) struct Canonical {
    pub(super) kind: Kind,
    pub(super) feed: Fields,
    /// The entries as Atom, and what goes past feed-rs of each.
    pub(super) entries: String,
    pub(super) asides: Vec<Aside>,
    /// Of an index of sitemaps, the best first.
    pub(super) children: Vec<Child>,
    pub(super) complete: bool,
    pub(super) repairs: Repairs,
}

impl Canonical {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            feed: Fields::default(),
            entries: String::new(),
            asides: Vec::new(),
            children: Vec::new(),
            complete: true,
            repairs: Repairs::default(),
        }
    }

    pub(super) fn push(&mut self, mut item: Fields) {
        if self.is_full() {
            return self.repairs.told("kept the first 10,000 items");
        }
        self.asides.push(Aside {
            language: item.take(Slot::Language),
            summary: item.take(Slot::Summary),
            content: item.take(Slot::Content),
        });
        item.entry(&mut self.entries);
    }

    pub(super) fn is_full(&self) -> bool {
        self.asides.len() >= ITEMS
    }

    /// The whole document as Atom.
    pub(super) fn text(&self) -> String {
        let mut out = String::with_capacity(self.entries.len() + 512);
        out.push_str("<feed xmlns=\"http://www.w3.org/2005/Atom\">");
        self.feed.element(&mut out, Slot::Title);
        self.feed.element(&mut out, Slot::Link);
        out.push_str(&self.entries);
        out.push_str("</feed>");
        out
    }
}

/// What of an entry goes past feed-rs: the language, which it does not read, and the long texts, which
/// are most of a document and would only be escaped for it to be unescaped.
pub(super) struct Aside {
    pub(super) language: Option<String>,
    pub(super) summary: Option<String>,
    pub(super) content: Option<String>,
}

/// What was mended, each kind told once, in the order met.
#[derive(Debug, Default)]
pub(super) struct Repairs(pub(super) Vec<&'static str>);

impl Repairs {
    pub(super) fn told(&mut self, what: &'static str) {
        if !self.0.contains(&what) {
            self.0.push(what);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    Id,
    Link,
    Title,
    Summary,
    Content,
    Published,
    Updated,
    Author,
    Language,
}

#[derive(Debug, Default)]
pub(super) struct Fields {
    best: Vec<(Slot, u8, String)>,
    categories: Vec<String>,
}

impl Fields {
    /// Keeps `text` unless the slot holds something of a better rank (0 is best). Of equals the
    /// first counts, but the last id and date: they are appended when an item is published anew.
    pub(super) fn offer(&mut self, slot: Slot, rank: u8, text: String) {
        if text.is_empty() {
            return;
        }
        match self.best.iter_mut().find(|(held, _, _)| *held == slot) {
            None => self.best.push((slot, rank, text)),
            Some((_, held, best)) => {
                let last_counts = matches!(slot, Slot::Id | Slot::Published | Slot::Updated);
                if rank < *held || rank == *held && last_counts {
                    (*held, *best) = (rank, text);
                }
            }
        }
    }

    pub(super) fn category(&mut self, term: &str) {
        let term = clean(term.trim());
        if !term.is_empty() && self.categories.len() < CATEGORIES {
            self.categories.push(term.into_owned());
        }
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&str> {
        let found = self.best.iter().find(|(held, _, _)| *held == slot);
        found.map(|(_, _, text)| text.as_str())
    }

    fn take(&mut self, slot: Slot) -> Option<String> {
        let at = self.best.iter().position(|(held, _, _)| *held == slot)?;
        Some(self.best.swap_remove(at).2)
    }

    /// A date in any spelling; whether it could be read.
    pub(super) fn offer_date(&mut self, slot: Slot, rank: u8, text: &str, zone: &TimeZone) -> bool {
        let when = date::parse(text, zone);
        if let Some(when) = when {
            self.offer(slot, rank, date::written(when));
        }
        when.is_some()
    }

    fn entry(&self, out: &mut String) {
        out.push_str("<entry>");
        for slot in [
            Slot::Id,
            Slot::Link,
            Slot::Title,
            Slot::Published,
            Slot::Updated,
            Slot::Author,
        ] {
            self.element(out, slot);
        }
        for term in &self.categories {
            let term = escape(&**term);
            ["<category term=\"", &term, "\"/>"]
                .iter()
                .for_each(|it| out.push_str(it));
        }
        out.push_str("</entry>");
    }

    fn element(&self, out: &mut String, slot: Slot) {
        let Some(text) = self.get(slot) else { return };
        let (open, close) = match slot {
            Slot::Id => ("<id>", "</id>"),
            Slot::Link => ("<link href=\"", "\"/>"),
            Slot::Title => ("<title type=\"html\">", "</title>"),
            Slot::Published => ("<published>", "</published>"),
            Slot::Updated => ("<updated>", "</updated>"),
            Slot::Author => ("<author><name>", "</name></author>"),
            Slot::Summary | Slot::Content | Slot::Language => return,
        };
        out.push_str(open);
        out.push_str(&escape(text));
        out.push_str(close);
    }
}

/// Without the characters that XML 1.0 forbids, which decoders and references let through.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    let forbidden = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\r' | '\t')) || matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    // Most texts hold none of the first bytes of such characters.
    let suspect = |byte: u8| {
        (byte < 0x20 && !matches!(byte, b'\n' | b'\r' | b'\t'))
            || matches!(byte, 0x7f | 0xc2 | 0xef)
    };
    if text.bytes().any(suspect) && text.contains(forbidden) {
        return Cow::Owned(text.chars().filter(|c| !forbidden(*c)).collect());
    }
    Cow::Borrowed(text)
}

//! What an element is for, by its namespace and name, in every dialect at once: spellings of RSS,
//! RDF, Atom, CDF and sitemaps, and the extensions that carry a title, text, date, author or language.

use std::borrow::Cow;

use crate::parse::canonical::Slot;

const BINDINGS: usize = 256;

/// Families of documents: what elements without a namespace of their own belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Rss,
    Atom,
    Sitemap,
}

/// Namespaces that matter, by what they hold rather than by their many addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    /// RSS in any version, RDF, and elements without a namespace.
    Rss,
    Atom,
    DublinCore,
    Content,
    Media,
    Itunes,
    FeedBurner,
    Xhtml,
    Sitemap,
    News,
    /// Images and videos of a page in a sitemap.
    Gallery,
    Other,
}

impl Space {
    pub(super) fn of_uri(uri: &str) -> Self {
        let lower = uri.trim().trim_end_matches(['#', '/']).to_ascii_lowercase();
        let holds = |parts: &[&str]| parts.iter().any(|it| lower.contains(it));
        if lower.is_empty() {
            Self::Rss
        } else if holds(&["schemas/sitemap-news"]) {
            Self::News
        } else if holds(&["schemas/sitemap-image", "schemas/sitemap-video"]) {
            Self::Gallery
        } else if holds(&["schemas/sitemap"]) {
            Self::Sitemap
        } else if holds(&["purl.org/dc/"]) {
            Self::DublinCore
        } else if holds(&["modules/content"]) {
            Self::Content
        } else if holds(&["/mrss", "search.yahoo.com"]) {
            Self::Media
        } else if holds(&["itunes.com", "podcast-1.0.dtd"]) {
            Self::Itunes
        } else if holds(&["feedburner"]) {
            Self::FeedBurner
        } else if holds(&["1999/xhtml"]) {
            Self::Xhtml
        } else if holds(&["/atom"]) && !holds(&["/atompub", "modules"]) {
            Self::Atom
        } else if !holds(&["modules"])
            && holds(&[
                "purl.org/rss",
                "purl.org/net/rss",
                "rdf-syntax",
                "netscape.com",
                "userland.com",
                "law.harvard.edu",
                "rssboard.org",
            ])
        {
            Self::Rss
        } else {
            Self::Other
        }
    }

    fn native(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Rss => Self::Rss,
            Dialect::Atom => Self::Atom,
            Dialect::Sitemap => Self::Sitemap,
        }
    }

    /// For prefixes that are used but not declared, or declared as nobody else does.
    pub(super) fn of_prefix(prefix: &str) -> Self {
        match prefix.to_ascii_lowercase().as_str() {
            "rss" | "rss1" | "rdf" => Self::Rss,
            "atom" | "a10" => Self::Atom,
            "dc" | "dcterms" => Self::DublinCore,
            "content" => Self::Content,
            "media" => Self::Media,
            "itunes" => Self::Itunes,
            "feedburner" => Self::FeedBurner,
            "xhtml" => Self::Xhtml,
            "sitemap" => Self::Sitemap,
            "news" => Self::News,
            "image" | "video" => Self::Gallery,
            _ => Self::Other,
        }
    }
}

/// Prefixes in scope; `None` is a namespace that nobody knows.
#[derive(Default)]
pub(super) struct Scope<'a> {
    bindings: Vec<(&'a str, Option<Space>)>,
    pub(super) root_prefix: &'a str,
}

impl<'a> Scope<'a> {
    pub(super) fn bind(&mut self, attributes: &[(&'a str, Cow<'a, str>)], depth: usize) {
        for (key, value) in attributes {
            let prefix = match key.strip_prefix("xmlns") {
                Some("") => "",
                Some(rest) if rest.starts_with(':') => &rest[1..],
                _ => continue,
            };
            let space = Some(Space::of_uri(value));
            // An unknown namespace on the root or its child is that document's own.
            let unknown = space == Some(Space::Other) && (!prefix.is_empty() || depth < 2);
            if self.bindings.len() < BINDINGS {
                self.bindings.push((prefix, space.filter(|_| !unknown)));
            }
        }
    }

    pub(super) fn space(&self, prefix: &str, dialect: Dialect) -> Space {
        let bound = self.bindings.iter().rev().find(|(it, _)| *it == prefix);
        match bound {
            Some((_, Some(space))) => *space,
            _ if prefix.is_empty() || prefix == self.root_prefix => Space::native(dialect),
            _ => Space::of_prefix(prefix),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.bindings.len()
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.bindings.truncate(len);
    }
}

/// What is done with an element of a feed or an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Item,
    /// Its text, without markup. The number ranks it among the elements for the same slot.
    Leaf(Slot, u8),
    /// Its text, with the markup that publishers forget to escape.
    Prose(Slot, u8),
    Link,
    /// The address that a link through a counter stands for.
    OriginalLink,
    Category,
    /// Categories with commas between them.
    Keywords,
    /// Who publishes the feed.
    Outlet,
    /// Its `name` is the author.
    Person,
    /// Nothing in it belongs to the item or feed that holds it.
    Aside,
    /// Its children belong to its parent.
    Through,
}

/// `name` in lower case.
pub(super) fn role(space: Space, name: &str, dialect: Dialect) -> Role {
    use Role::{Aside, Category, Item, Leaf, Link, Person, Prose, Through};
    use Slot::{Author, Content, Id, Language, Published, Summary, Title, Updated};
    if dialect == Dialect::Sitemap {
        return role_in_sitemap(space, name);
    }
    let own = Space::native(dialect);
    let atom = dialect == Dialect::Atom;
    match (space, name) {
        (Space::Rss | Space::Atom, "entry") if atom => Item,
        (Space::Rss, "item") if !atom => Item,
        (Space::Rss | Space::Atom, _) => {
            let rank = u8::from(space != own);
            match name {
                "title" => Prose(Title, rank),
                "link" => Link,
                "guid" | "id" => Leaf(Id, rank),
                "description" | "summary" => Prose(Summary, rank),
                "abstract" => Prose(Summary, 2),
                "content" => Prose(Content, rank),
                "fullitem" => Prose(Content, 3),
                "body" => Prose(Content, 4),
                "pubdate" | "published" | "issued" => Leaf(Published, rank),
                "date" => Leaf(Published, 2),
                "created" => Leaf(Published, 3),
                "updated" | "modified" => Leaf(Updated, 0),
                "language" => Leaf(Language, 0),
                "category" => Category,
                "author" if space == Space::Atom => Person,
                "author" => Leaf(Author, 0),
                "image" | "textinput" | "source" | "contributor" | "skipdays" | "skiphours"
                | "generator" | "cloud" => Aside,
                _ => Through,
            }
        }
        (Space::DublinCore, "title") => Prose(Title, 2),
        (Space::DublinCore, "description" | "abstract") => Prose(Summary, 3),
        (Space::DublinCore, "date") => Leaf(Published, 1),
        (Space::DublinCore, "issued" | "created") => Leaf(Published, 2),
        (Space::DublinCore, "modified") => Leaf(Updated, 1),
        (Space::DublinCore, "language") => Leaf(Language, 1),
        (Space::DublinCore, "subject") => Category,
        (Space::DublinCore, "creator") => Leaf(Author, 0),
        (Space::Content, "encoded") => Prose(Content, u8::from(atom)),
        (Space::Xhtml, "body" | "div") => Prose(Content, 4),
        (Space::Media, "title") => Prose(Title, 3),
        (Space::Media, "description") => Prose(Summary, 5),
        (Space::Media, "group" | "content") => Through,
        (Space::FeedBurner, "origlink") => Role::OriginalLink,
        (Space::Itunes, "title") => Prose(Title, 4),
        (Space::Itunes, "summary") => Prose(Summary, 4),
        (Space::Itunes, "subtitle") => Prose(Summary, 6),
        (Space::Itunes, "author") => Leaf(Author, 2),
        _ => Aside,
    }
}

/// `xmlns=""` is meant as little here as in feeds.
fn role_in_sitemap(space: Space, name: &str) -> Role {
    use Slot::{Language, Published, Title, Updated};
    match (space, name) {
        (Space::Sitemap | Space::Rss, "url" | "sitemap") => Role::Item,
        (Space::Sitemap | Space::Rss, "loc") => Role::Link,
        (Space::Sitemap | Space::Rss, "lastmod") => Role::Leaf(Updated, 0),
        (Space::Sitemap | Space::Rss | Space::News, _) => match name {
            "title" => Role::Prose(Title, 0),
            "publication_date" => Role::Leaf(Published, 0),
            "language" => Role::Leaf(Language, 0),
            "name" => Role::Outlet,
            "keywords" => Role::Keywords,
            _ => Role::Through,
        },
        (Space::Gallery, "title") => Role::Prose(Title, 1),
        (Space::Gallery, "image" | "video") => Role::Through,
        _ => Role::Aside,
    }
}

/// HTML's elements without an end tag.
pub(super) fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area" | "br" | "col" | "embed" | "hr" | "img" | "input" | "meta" | "source" | "wbr"
    )
}

#[cfg(test)]
mod tests {
    use super::Space;

    #[track_caller]
    fn check(uri: &str, expected: Space) {
        assert_eq!(Space::of_uri(uri), expected, "{uri}");
    }

    #[test]
    fn namespaces_are_known_by_their_many_addresses() {
        check("http://www.w3.org/2005/Atom/", Space::Atom);
        check("http://purl.org/atom/ns#", Space::Atom);
        check("http://my.netscape.com/rdf/simple/0.9/", Space::Rss);
        check("http://purl.org/net/rss1.1#", Space::Rss);
        check("http://purl.org/dc/terms/", Space::DublinCore);
        check("http://purl.org/rss/1.0/modules/content/", Space::Content);
        check("https://search.yahoo.com/mrss", Space::Media);
        check("http://purl.org/rss/1.0/modules/slash/", Space::Other);
        check(
            "http://rssnamespace.org/feedburner/ext/1.0",
            Space::FeedBurner,
        );
        check("http://example.org/myrss/", Space::Other);
        check(
            "https://www.sitemaps.org/schemas/sitemap/0.9/",
            Space::Sitemap,
        );
        check("http://www.google.com/schemas/sitemap/0.84", Space::Sitemap);
        check(
            "https://www.google.com/schemas/sitemap-news/0.9",
            Space::News,
        );
        check(
            "http://www.google.com/schemas/sitemap-video/1.1",
            Space::Gallery,
        );
    }
}

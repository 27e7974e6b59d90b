//! XML of any dialect, well-formed or not, into canonical fields. Every document goes this way, so
//! that an item's identity never depends on whether its feed happened to be broken that day.
//!
//! Nesting is kept here, with caps, and an item whose end was not seen is dropped: cut items come
//! back whole at the next poll under another title.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use url::Url;

use crate::parse::base::Base;
use crate::parse::canonical::{Canonical, Fields, Repairs, Slot, clean};
use crate::parse::field::{Field, Mode, Target};
use crate::parse::names::{Dialect, Role, Scope, is_void, role};
use crate::parse::sitemap::Listed;
use crate::parse::tokens::{Token, Tokens, attributes};
use crate::parse::{Kind, ParseError, Source};

const DEPTH: usize = 200;

type Attributes<'a> = [(&'a str, Cow<'a, str>)];

pub(super) fn read(text: &str, source: &Source<'_>) -> Result<Canonical, ParseError> {
    let mut builder = Builder::new(source);
    let mut tokens = Tokens::new(text);
    for token in tokens.by_ref() {
        match token {
            Token::Open {
                name,
                attributes,
                empty,
            } => builder.open(name, attributes, empty),
            Token::Close(name) => builder.close(name),
            Token::Text(text) => builder.text(text),
            Token::Literal(text) => builder.literal(text),
            Token::Reference(name) => builder.reference(name),
        }
        if builder.is_full() {
            break;
        }
    }
    if tokens.mended {
        builder.repairs.told("took markup that is none for text");
    }
    builder.finish()
}

struct Open<'a> {
    name: &'a str,
    bindings: usize,
}

/// An element whose children do not belong to the item or feed that holds it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Aside {
    Person,
    Other,
}

struct Builder<'a> {
    zone: &'a TimeZone,
    base: Base,
    stack: Vec<Open<'a>>,
    /// Elements open below the deepest that is kept.
    excess: usize,
    scope: Scope<'a>,
    document: Option<Canonical>,
    ended: bool,
    met_other_root: bool,
    /// The open item, field and aside, each with the depth of its element.
    item: Option<(usize, Fields)>,
    /// Of a sitemap; its items are chosen when all are known.
    listed: Listed,
    field: Option<Field>,
    aside: Option<(usize, Aside)>,
    repairs: Repairs,
}

impl<'a> Builder<'a> {
    fn new(source: &'a Source<'_>) -> Self {
        Self {
            zone: &source.zone,
            base: Base::new(source.url),
            stack: Vec::new(),
            excess: 0,
            scope: Scope::default(),
            document: None,
            ended: false,
            met_other_root: false,
            item: None,
            listed: Listed::default(),
            field: None,
            aside: None,
            repairs: Repairs::default(),
        }
    }

    fn is_full(&self) -> bool {
        self.document.as_ref().is_some_and(Canonical::is_full)
    }

    fn dialect(&self) -> Dialect {
        match self.document.as_ref().map(|it| it.kind) {
            Some(Kind::Atom) => Dialect::Atom,
            Some(Kind::Sitemap) => Dialect::Sitemap,
            _ => Dialect::Rss,
        }
    }

    fn open(&mut self, name: &'a str, raw: &'a str, empty: bool) {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        if let Some(field) = &self.field {
            if !field.is_ended_by(local) {
                return self.open_within(name, local, raw, empty);
            }
            self.repairs.told("closed elements that were left open");
            self.unwind(field.depth);
        }
        if let Some(depth) = self.item.as_ref().map(|it| it.0)
            && self.role(prefix, &local.to_ascii_lowercase()) == Role::Item
        {
            // The end of the one before is missing, but here its successor begins.
            self.repairs.told("closed an item that was left open");
            self.unwind(depth);
        }
        if self.is_too_deep(empty) {
            return;
        }
        let attributes = attributes(raw);
        let bindings = self.scope.len();
        let depth = self.stack.len();
        self.scope.bind(&attributes, depth);
        if let Some(href) = get(&attributes, "xml:base") {
            self.base.enter(depth, href);
        }
        let local = local.to_ascii_lowercase();
        self.stack.push(Open { name, bindings });
        if self.document.is_none() || self.ended && depth == 0 {
            self.root(prefix, &local, &attributes);
        } else {
            self.element(prefix, &local, &attributes);
        }
        if empty {
            self.pop();
        }
    }

    fn is_too_deep(&mut self, empty: bool) -> bool {
        if self.stack.len() < DEPTH {
            return false;
        }
        self.repairs
            .told("passed over elements nested deeper than 200");
        self.excess += usize::from(!empty);
        true
    }

    fn role(&self, prefix: &str, local: &str) -> Role {
        let dialect = self.dialect();
        role(self.scope.space(prefix, dialect), local, dialect)
    }

    fn root(&mut self, prefix: &'a str, local: &str, attributes: &Attributes<'a>) {
        let kind = match local {
            "rss" => match get(attributes, "version") {
                Some(it) if it.starts_with("0.") => Kind::Rss0,
                Some(it) if it.starts_with('2') => Kind::Rss2,
                _ => {
                    self.repairs.told("read RSS without a known version as 2.0");
                    Kind::Rss2
                }
            },
            "rdf" => Kind::Rss1,
            "feed" | "entry" => Kind::Atom,
            "urlset" | "sitemapindex" => Kind::Sitemap,
            "channel" => {
                self.repairs
                    .told("read a channel without a root as RSS 2.0");
                Kind::Rss2
            }
            // What follows an end that came too early.
            _ if self.document.is_some() => return self.element(prefix, local, attributes),
            _ => {
                self.met_other_root = true;
                return;
            }
        };
        if self.document.is_some() {
            self.repairs.told("read several roots as one document");
        } else if self.met_other_root {
            self.repairs.told("passed over markup before the feed");
        }
        self.ended = false;
        self.scope.root_prefix = prefix;
        let document = self.document.get_or_insert_with(|| Canonical::new(kind));
        if let Some(language) = get(attributes, "xml:lang") {
            document.feed.offer(Slot::Language, 2, language.to_owned());
        }
        if local == "entry" {
            self.item = Some((self.stack.len() - 1, Fields::default()));
        }
    }

    fn element(&mut self, prefix: &str, local: &str, attributes: &Attributes<'a>) {
        let depth = self.stack.len() - 1;
        let role = self.role(prefix, local);
        if let Some((_, aside)) = self.aside {
            match role {
                // Where an item begins within an aside, the aside's end is missing.
                Role::Item => self.aside = None,
                _ if aside == Aside::Person && local == "name" => {
                    return self.start(Target::Slot(Slot::Author, 0), Mode::Plain);
                }
                _ => return,
            }
        }
        match role {
            Role::Item => self.start_item(depth, attributes),
            Role::Leaf(Slot::Id, rank) => {
                let opaque = get(attributes, "isPermaLink").is_some_and(|it| it.trim() == "false");
                self.start(Target::Id { rank, opaque }, Mode::Plain);
            }
            Role::Leaf(slot, rank) => self.start(Target::Slot(slot, rank), Mode::Plain),
            Role::Prose(slot, rank) => self.start(Target::Slot(slot, rank), Mode::of(attributes)),
            Role::Link => self.link(attributes),
            Role::OriginalLink => self.start(Target::OriginalLink, Mode::Plain),
            Role::Category => match get(attributes, "term") {
                Some(term) => self.fields().category(term),
                None => self.start(Target::Category, Mode::Plain),
            },
            Role::Keywords => self.start(Target::Keywords, Mode::Plain),
            Role::Outlet => self.start(Target::Outlet, Mode::Plain),
            Role::Person => self.aside = Some((depth, Aside::Person)),
            Role::Aside => self.aside = Some((depth, Aside::Other)),
            Role::Through => {}
        }
    }

    fn start_item(&mut self, depth: usize, attributes: &Attributes<'a>) {
        if self.ended {
            self.repairs.told("read entries after the end of the feed");
            self.ended = false;
        }
        let mut item = Fields::default();
        for (key, value) in attributes {
            let key = key.rsplit(':').next().unwrap_or_default();
            match key.to_ascii_lowercase().as_str() {
                "about" => item.offer(Slot::Id, 2, clean(value.trim()).into_owned()),
                "href" => item.offer(Slot::Link, 2, self.base.resolve(value)),
                "lang" => item.offer(Slot::Language, 2, value.trim().to_owned()),
                "lastmod" => {
                    item.offer_date(Slot::Updated, 2, value, self.zone);
                }
                _ => {}
            }
        }
        self.item = Some((depth, item));
    }

    /// Atom links are attributes, RSS links are text; either may stand in the other's feed.
    fn link(&mut self, attributes: &Attributes<'a>) {
        let Some(href) = get(attributes, "href") else {
            return self.start(Target::Link, Mode::Plain);
        };
        let written_for_machines = get(attributes, "type")
            .is_some_and(|it| it.contains("xml") && !it.contains("xhtml") || it.contains("json"));
        let rank = match get(attributes, "rel").unwrap_or("alternate") {
            "alternate" | "" if written_for_machines => 5,
            "alternate" | "" => 2,
            "related" | "via" => 4,
            _ => return,
        };
        let url = self.base.resolve(&clean(href));
        self.offer_link(rank, url);
    }

    fn offer_link(&mut self, rank: u8, url: String) {
        if self.item.is_none() {
            self.base.set_site(&url);
        }
        self.fields().offer(Slot::Link, rank, url);
    }

    fn fields(&mut self) -> &mut Fields {
        match (&mut self.item, &mut self.document) {
            (Some((_, item)), _) => item,
            (None, document) => {
                &mut document
                    .get_or_insert_with(|| Canonical::new(Kind::Rss2))
                    .feed
            }
        }
    }

    fn start(&mut self, target: Target, mode: Mode) {
        self.field = Some(Field::new(target, mode, self.stack.len() - 1));
    }

    fn open_within(&mut self, name: &'a str, local: &str, raw: &'a str, empty: bool) {
        let leaf = empty || is_void(local);
        if self.is_too_deep(leaf) {
            return;
        }
        if let Some(field) = &mut self.field {
            field.open(local, raw, leaf && !is_void(local));
        }
        if !leaf {
            let bindings = self.scope.len();
            self.stack.push(Open { name, bindings });
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(field) = &mut self.field {
            if text.contains('&') {
                self.repairs.told("kept a bare ampersand");
            }
            field.text(text);
        } else if self.document.is_none() && !text.trim().is_empty() {
            self.repairs.told("passed over text before the feed");
        }
    }

    fn literal(&mut self, text: &str) {
        if let Some(field) = &mut self.field {
            field.literal(text);
        }
    }

    fn reference(&mut self, name: &str) {
        if let Some(repair) = self.field.as_mut().and_then(|it| it.reference(name)) {
            self.repairs.told(repair);
        }
    }

    fn close(&mut self, name: &str) {
        if self.excess > 0 {
            let holds = |depth: usize| self.stack.get(depth).is_some_and(|it| it.name == name);
            let field = self.field.as_ref().map(|it| it.depth);
            let item = self.item.as_ref().map(|it| it.0);
            if !holds(0) && !field.is_some_and(holds) && !item.is_some_and(holds) {
                self.excess -= 1;
                return;
            }
        }
        let within = self.field.as_ref().map_or(0, |field| field.depth + 1);
        match self.stack.iter().rposition(|open| open.name == name) {
            // Inside text, markup that is left open (<br>, <p>) is ordinary.
            Some(at) if at + 1 < self.stack.len() && at + 1 < within => {
                self.repairs.told("closed elements that were left open");
                self.unwind(at);
            }
            Some(at) => self.unwind(at),
            None if within == 0 => self.repairs.told("ignored an end tag that closes nothing"),
            None => {}
        }
    }

    /// Closes the element at `depth` and all within it.
    fn unwind(&mut self, depth: usize) {
        self.excess = 0;
        while self.stack.len() > depth {
            self.pop();
        }
    }

    fn pop(&mut self) {
        let Some(open) = self.stack.pop() else { return };
        let depth = self.stack.len();
        match &mut self.field {
            Some(field) if field.depth == depth => {
                if let Some(field) = self.field.take() {
                    self.end_field(field);
                }
            }
            Some(field) => field.close(open.name.rsplit(':').next().unwrap_or_default()),
            None if self.aside.is_some_and(|(at, _)| at == depth) => self.aside = None,
            None if self.item.as_ref().is_some_and(|(at, _)| *at == depth) => {
                self.end_item(open.name);
            }
            None => {}
        }
        self.scope.truncate(open.bindings);
        self.base.leave(depth);
        self.ended |= depth == 0 && self.document.is_some();
    }

    fn end_field(&mut self, field: Field) {
        let target = field.target;
        let text = field.finish();
        let held = text.len();
        let text = clean(text.trim());
        if text.is_empty() {
            return;
        }
        if matches!(text, Cow::Owned(_)) && text.len() < held {
            self.repairs.told("removed control characters");
        }
        let text = text.into_owned();
        match target {
            Target::Category => self.fields().category(&text),
            Target::Keywords => text
                .split([',', '、', '，', '،'])
                .for_each(|it| self.fields().category(it)),
            Target::Outlet => {
                if let Some(document) = &mut self.document {
                    document.feed.offer(Slot::Title, 1, text);
                }
            }
            Target::Link => {
                let url = self.base.resolve(&text);
                self.offer_link(1, url);
            }
            // The publisher's own address, where the link leads to who counts readers.
            Target::OriginalLink => {
                let url = self.base.resolve(&text);
                if self.item.is_some() && Url::parse(&url).is_ok() {
                    self.offer_link(0, url);
                }
            }
            Target::Slot(slot @ (Slot::Published | Slot::Updated), rank) => {
                let zone = self.zone;
                if !self.fields().offer_date(slot, rank, &text, zone) {
                    self.repairs.told("left out a date that cannot be read");
                }
            }
            Target::Id { rank, opaque } => {
                if let Some(url) = self.permalink(&text, opaque) {
                    self.fields().offer(Slot::Link, 9, url);
                }
                self.fields().offer(Slot::Id, rank, text);
            }
            Target::Slot(slot, rank) => self.fields().offer(slot, rank, text),
        }
    }

    /// An id that is an address, whatever it says, or looks like a part of one, stands in for a
    /// missing link.
    fn permalink(&self, id: &str, opaque: bool) -> Option<String> {
        match Url::parse(id) {
            Ok(url) => matches!(url.scheme(), "http" | "https").then(|| id.to_owned()),
            Err(url::ParseError::RelativeUrlWithoutBase) => {
                let may = !opaque && id.contains('/') && !id.contains(char::is_whitespace);
                may.then(|| self.base.resolve(id))
            }
            Err(_) => None,
        }
    }

    fn end_item(&mut self, name: &str) {
        let (Some((_, item)), Some(document)) = (self.item.take(), &mut self.document) else {
            return;
        };
        if document.kind != Kind::Sitemap {
            document.push(item);
        } else if name.to_ascii_lowercase().ends_with("sitemap") {
            self.listed.child(item);
        } else {
            self.listed.url(item);
        }
    }

    fn finish(self) -> Result<Canonical, ParseError> {
        let Some(mut document) = self.document else {
            return Err(ParseError::NotAFeed(if self.met_other_root {
                "another kind of XML or HTML"
            } else {
                "text"
            }));
        };
        document.complete = self.ended || document.is_full();
        document.repairs = self.repairs;
        self.listed.finish(&mut document);
        if !document.complete {
            let repairs = &mut document.repairs;
            repairs.told("kept the complete entries of a truncated document");
        }
        Ok(document)
    }
}

fn get<'b>(attributes: &'b Attributes<'_>, name: &str) -> Option<&'b str> {
    let found = attributes
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| &**value)
}

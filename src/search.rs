//! What a person asks of the archive in one line: words, phrases, concepts and filters. A query says
//! which items it accepts and where in them it found what; [`Query::index`] is what the full-text
//! index can narrow that down to. Pure.
//!
//! Words are compared as the matcher compares them, folded. A word of a spaced script is found as a
//! word, one of an unspaced script (북미, 米朝, 核) wherever its characters stand together.

pub mod excerpt;
mod index;
mod phrase;
mod syntax;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Range;

use jiff::Timestamp;
use thiserror::Error;

use crate::alert::Standing;
use crate::item::canonical_url;
use crate::search::phrase::Phrase;
use crate::text::fold::{Folded, Words, bare, fold};
use crate::topic::lexicon::{ConceptId, Field, Lexicon, Reading};

/// A parsed query. Spans like `since:7d` are instants already.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    root: Node,
}

/// What cannot be understood of a query, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{what} (at character {at})")]
pub struct Fault {
    pub what: String,
    /// Character of the query, from 1.
    pub at: usize,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Phrase(Scope, Phrase),
    Concept(ConceptId),
    Filter(Filter),
}

impl Node {
    /// Whether no document can satisfy it.
    fn is_empty(&self) -> bool {
        match self {
            Self::All(nodes) => {
                nodes.iter().any(Self::is_empty)
                    || nodes
                        .iter()
                        .enumerate()
                        .any(|(at, one)| nodes[at + 1..].iter().any(|it| one.excludes(it)))
            }
            Self::Any(nodes) => !nodes.is_empty() && nodes.iter().all(Self::is_empty),
            Self::Not(_) | Self::Phrase(..) | Self::Concept(_) | Self::Filter(_) => false,
        }
    }

    /// Whether no document can satisfy both.
    fn excludes(&self, other: &Self) -> bool {
        use Filter::{Address, After, Before, Feed, Is, Language};
        match (self, other) {
            (Self::Not(not), it) | (it, Self::Not(not)) if **not == *it => true,
            (Self::Filter(one), Self::Filter(other)) => match (one, other) {
                (Language(a), Language(b)) | (Feed(a), Feed(b)) | (Address(a), Address(b)) => {
                    a != b
                }
                (Is(Quality::Standing(a)), Is(Quality::Standing(b))) => a != b,
                (After(from), Before(to)) | (Before(to), After(from)) => from >= to,
                _ => false,
            },
            _ => false,
        }
    }
}

/// Where words are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Anywhere,
    Title,
    Summary,
}

/// A condition that is not about words. Names are in lower case, those of outlets and feeds folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// ISO 639-1.
    Language(String),
    /// An outlet, or the family it belongs to.
    Outlet(String),
    Feed(String),
    /// Matched by this topic.
    Topic(String),
    Story(i64),
    /// At this canonical address.
    Address(String),
    After(Timestamp),
    Before(Timestamp),
    Is(Quality),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quality {
    Matched,
    Alerted,
    Standing(Standing),
}

/// An item as a query sees it.
#[derive(Debug)]
pub struct Document<'a> {
    pub words: &'a Words<'a>,
    /// The article's text, where it was read.
    pub text: Option<(&'a str, Folded)>,
    pub language: Option<&'a str>,
    pub outlet: &'a str,
    pub family: &'a str,
    pub feed: &'a str,
    pub url: Option<&'a str>,
    /// When it was published, else first seen.
    pub at: Timestamp,
    pub standing: Standing,
    pub places: &'a Places,
}

/// Where an item stands; read only for queries that ask ([`Query::asks_places`]).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    pub topics: Vec<String>,
    pub stories: Vec<i64>,
    pub alerted: bool,
}

/// Where a document says what was asked for, as bytes of its title, summary and text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    pub title: Vec<Range<usize>>,
    pub summary: Vec<Range<usize>>,
    pub text: Vec<Range<usize>>,
    asked: u32,
    in_title: u32,
}

/// What is only in summary or text counts so much of what is in the title.
const BELOW_TITLE: f64 = 0.4;

impl Found {
    /// 1 where everything stands in the title or nothing was asked for by words, down to 0.4.
    pub fn relevance(&self) -> f64 {
        if self.asked == 0 {
            return 1.0;
        }
        let share = f64::from(self.in_title) / f64::from(self.asked);
        BELOW_TITLE + (1.0 - BELOW_TITLE) * share
    }

    fn add(&mut self, places: Found) -> bool {
        let found =
            !(places.title.is_empty() && places.summary.is_empty() && places.text.is_empty());
        if found {
            self.asked += 1;
            self.in_title += u32::from(!places.title.is_empty());
            self.title.extend(places.title);
            self.summary.extend(places.summary);
            self.text.extend(places.text);
        }
        found
    }
}

impl Query {
    /// `now` is what `since:` counts back from. Text that is an address asks for what stands there.
    pub fn parse(text: &str, lexicon: &Lexicon, now: Timestamp) -> Result<Self, Fault> {
        // An address that is pasted looks an item up.
        let pasted = text.trim();
        let is_address = ["http://", "https://"]
            .iter()
            .any(|it| pasted.starts_with(it))
            && !pasted.contains(char::is_whitespace);
        if let Some(address) = canonical_url(pasted).filter(|_| is_address) {
            let root = Node::Filter(Filter::Address(address));
            return Ok(Self { root });
        }
        syntax::parse(text, lexicon, now).map(|root| Self { root })
    }

    /// Whether it can accept nothing: it asks for a thing and for its contrary.
    pub fn is_contradictory(&self) -> bool {
        self.root.is_empty()
    }

    /// An expression for the full-text index that finds at least every item this query accepts;
    /// `None` where words cannot narrow it.
    pub fn index(&self, lexicon: &Lexicon) -> Option<String> {
        index::expression(&self.root, lexicon)
    }

    /// Filters that every accepted item satisfies.
    pub fn filters(&self) -> impl Iterator<Item = &Filter> {
        let nodes = match &self.root {
            Node::All(nodes) => nodes.as_slice(),
            node => std::slice::from_ref(node),
        };
        nodes.iter().filter_map(|node| match node {
            Node::Filter(filter) => Some(filter),
            _ => None,
        })
    }

    /// Whether topics, stories or alerts of an item decide.
    pub fn asks_places(&self) -> bool {
        fn asks(node: &Node) -> bool {
            match node {
                Node::All(nodes) | Node::Any(nodes) => nodes.iter().any(asks),
                Node::Not(node) => asks(node),
                Node::Filter(filter) => matches!(
                    filter,
                    Filter::Topic(_)
                        | Filter::Story(_)
                        | Filter::Is(Quality::Matched | Quality::Alerted)
                ),
                Node::Phrase(..) | Node::Concept(_) => false,
            }
        }
        asks(&self.root)
    }

    /// Where `document` says what was asked for; `None` where it is not what was asked for.
    pub fn accept(&self, document: &Document<'_>, lexicon: &Lexicon) -> Option<Found> {
        let asked = Asked {
            document,
            lexicon,
            readings: OnceCell::new(),
            bare: OnceCell::new(),
        };
        let mut found = Found::default();
        asked.holds(&self.root, &mut found).then_some(found)
    }
}

/// One document under one query.
struct Asked<'a> {
    document: &'a Document<'a>,
    lexicon: &'a Lexicon,
    /// Of title and summary, and of the text.
    readings: OnceCell<[Reading; 2]>,
    /// Title, summary and text without accents, where they have any.
    bare: OnceCell<[Option<Folded>; 3]>,
}

/// Without accents, where that is otherwise than as it is folded.
fn stripped(original: &str, folded: &Folded) -> Option<Folded> {
    matches!(bare(&folded.text), Cow::Owned(_)).then(|| Folded::bare(original))
}

impl Asked<'_> {
    fn holds(&self, node: &Node, found: &mut Found) -> bool {
        match node {
            Node::All(nodes) => nodes.iter().all(|it| self.holds(it, found)),
            // Every branch, since each may have words to show.
            Node::Any(nodes) => nodes.iter().filter(|it| self.holds(it, found)).count() > 0,
            Node::Not(node) => !self.holds(node, &mut Found::default()),
            Node::Phrase(scope, phrase) => found.add(self.places(*scope, phrase)),
            Node::Concept(concept) => found.add(self.named(*concept)),
            Node::Filter(filter) => self.passes(filter),
        }
    }

    fn places(&self, scope: Scope, phrase: &Phrase) -> Found {
        let Words {
            title,
            summary,
            folded_title,
            folded_summary,
        } = self.document.words;
        let [bare_title, bare_summary, bare_text] = self.bare.get_or_init(|| {
            let text = self.document.text.as_ref();
            [
                stripped(title, folded_title),
                stripped(summary, folded_summary),
                text.and_then(|(text, folded)| stripped(text, folded)),
            ]
        });
        let mut found = Found::default();
        if scope != Scope::Summary {
            found.title = phrase.places(title, bare_title.as_ref().unwrap_or(folded_title));
        }
        if scope != Scope::Title {
            found.summary = phrase.places(summary, bare_summary.as_ref().unwrap_or(folded_summary));
        }
        if scope == Scope::Anywhere
            && let Some((text, folded)) = &self.document.text
        {
            found.text = phrase.places(text, bare_text.as_ref().unwrap_or(folded));
        }
        found
    }

    fn named(&self, concept: ConceptId) -> Found {
        let [announced, text] = self.readings.get_or_init(|| {
            let text = self.document.text.as_ref();
            let text = text.map(|(text, _)| self.lexicon.read(&Words::new("", text)));
            [
                self.lexicon.read(self.document.words),
                text.unwrap_or_default(),
            ]
        });
        let of = |reading: &Reading, field: Field| {
            let hits = reading.hits.iter().filter(|hit| {
                hit.field == field && self.lexicon.closure(hit.concept).contains(concept)
            });
            hits.map(|hit| hit.start..hit.end).collect()
        };
        Found {
            title: of(announced, Field::Title),
            summary: of(announced, Field::Summary),
            text: of(text, Field::Summary),
            ..Found::default()
        }
    }

    fn passes(&self, filter: &Filter) -> bool {
        let document = self.document;
        match filter {
            Filter::Language(language) => document.language == Some(language),
            Filter::Outlet(outlet) => {
                fold(document.outlet) == *outlet || fold(document.family) == *outlet
            }
            Filter::Feed(feed) => fold(document.feed) == *feed,
            Filter::Topic(topic) => document
                .places
                .topics
                .iter()
                .any(|it| it.eq_ignore_ascii_case(topic)),
            Filter::Address(address) => {
                document.url.and_then(canonical_url).as_ref() == Some(address)
            }
            Filter::Story(story) => document.places.stories.contains(story),
            Filter::After(at) => document.at >= *at,
            Filter::Before(at) => document.at < *at,
            Filter::Is(Quality::Matched) => !document.places.topics.is_empty(),
            Filter::Is(Quality::Alerted) => document.places.alerted,
            Filter::Is(Quality::Standing(standing)) => document.standing == *standing,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;

//! The query language: words side by side must all be there; `AND`, `OR`, `NOT` (or `-`),
//! parentheses, "phrases", prefixes with `*`, and filters like `lang:ko`.

use std::iter::Peekable;
use std::vec::IntoIter;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::alert::Standing;
use crate::clock::span;
use crate::search::phrase::Phrase;
use crate::search::{Fault, Filter, Node, Quality, Scope};
use crate::text::fold::fold;
use crate::text::nearest;
use crate::topic::lexicon::{Lexicon, did_you_mean};

/// Nobody types more; SQLite's own bounds lie higher.
const MAX_CHARS: usize = 1_000;
const MAX_DEPTH: usize = 16;
const MAX_LEAVES: usize = 64;

const FIELDS: [&str; 12] = [
    "title", "summary", "lang", "outlet", "feed", "topic", "story", "concept", "since", "after",
    "before", "is",
];
const QUALITIES: [&str; 5] = ["matched", "alerted", "news", "history", "copy"];

pub(super) fn parse(text: &str, lexicon: &Lexicon, now: Timestamp) -> Result<Node, Fault> {
    if text.chars().count() > MAX_CHARS {
        return Err(fault(
            MAX_CHARS,
            format!("a query has at most {MAX_CHARS} characters"),
        ));
    }
    let mut parser = Parser {
        tokens: tokens(text)?.into_iter().peekable(),
        end: text.chars().count() + 1,
        lexicon,
        now,
        depth: 0,
        leaves: 0,
    };
    let node = parser.any(Scope::Anywhere)?;
    if let Some((at, _)) = parser.tokens.next() {
        return Err(fault(at, "this closing parenthesis opens nowhere"));
    }
    node.ok_or_else(|| {
        fault(
            1,
            "the query is empty; give a word, or a filter like lang:ko",
        )
    })
}

fn fault(at: usize, what: impl Into<String>) -> Fault {
    Fault {
        what: what.into(),
        at,
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    Minus,
    Word(String),
    Quoted(String),
    /// A filter's name; its value is the next token.
    Field(&'static str),
}

/// Tokens with the character, from 1, at which each begins.
fn tokens(text: &str) -> Result<Vec<(usize, Token)>, Fault> {
    let mut tokens = Vec::new();
    let mut chars = text
        .chars()
        .enumerate()
        .map(|(at, c)| (at + 1, c))
        .peekable();
    while let Some((at, c)) = chars.next() {
        let token = match c {
            '(' => Token::Open,
            ')' => Token::Close,
            '-' if chars.peek().is_none_or(|(_, next)| next.is_whitespace()) => continue,
            '-' => Token::Minus,
            c if is_quote(c) => {
                let mut quoted = String::new();
                loop {
                    match chars.next() {
                        Some((_, c)) if is_quote(c) => break,
                        Some((_, c)) => quoted.push(c),
                        None => return Err(fault(at, "this quotation mark is never closed")),
                    }
                }
                Token::Quoted(quoted)
            }
            c if c.is_whitespace() => continue,
            c => {
                let mut word = String::from(c);
                while let Some((_, c)) = chars.next_if(|(_, c)| {
                    !c.is_whitespace() && !is_quote(*c) && !matches!(c, '(' | ')')
                }) {
                    word.push(c);
                    if c == ':' && is_name(&word) {
                        break;
                    }
                }
                match word.strip_suffix(':').filter(|_| is_name(&word)) {
                    Some(name) => Token::Field(field(name, at)?),
                    None => Token::Word(word),
                }
            }
        };
        tokens.push((at, token));
    }
    Ok(tokens)
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„')
}

/// `lang:`, not `10:30`.
fn is_name(word: &str) -> bool {
    word.strip_suffix(':')
        .is_some_and(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic()))
}

fn field(name: &str, at: usize) -> Result<&'static str, Fault> {
    let lower = name.to_ascii_lowercase();
    FIELDS.into_iter().find(|it| *it == lower).ok_or_else(|| {
        let known = FIELDS.join(", ");
        let near = did_you_mean(nearest(&lower, FIELDS));
        fault(
            at,
            format!(
                "\"{name}:\" is no filter{near}; there are {known}. In quotation marks it is text"
            ),
        )
    })
}

struct Parser<'a> {
    tokens: Peekable<IntoIter<(usize, Token)>>,
    /// Where a missing token would be.
    end: usize,
    lexicon: &'a Lexicon,
    now: Timestamp,
    depth: usize,
    leaves: usize,
}

impl Parser<'_> {
    fn next_is(&mut self, operator: &str) -> bool {
        matches!(self.tokens.peek(), Some((_, Token::Word(word))) if word == operator)
    }

    /// What stands between `OR`s. `None` where there is nothing to look for.
    fn any(&mut self, scope: Scope) -> Result<Option<Node>, Fault> {
        let mut nodes: Vec<Node> = self.all(scope)?.into_iter().collect();
        while self.next_is("OR") {
            let (at, _) = self.tokens.next().expect("just seen");
            let other = self.all(scope)?;
            if nodes.is_empty() || other.is_none() {
                return Err(fault(at, "OR stands between two things"));
            }
            nodes.extend(other);
        }
        Ok(match nodes.len() {
            0 | 1 => nodes.pop(),
            _ => Some(Node::Any(nodes)),
        })
    }

    fn all(&mut self, scope: Scope) -> Result<Option<Node>, Fault> {
        let mut nodes = Vec::new();
        let mut and = None;
        while let Some((at, token)) = self.tokens.peek() {
            let at = *at;
            match token {
                Token::Close => break,
                Token::Word(word) if word == "OR" => break,
                Token::Word(word) if word == "AND" => {
                    if nodes.is_empty() || and.is_some() {
                        return Err(fault(at, "AND stands between two things"));
                    }
                    and = Some(at);
                    self.tokens.next();
                }
                _ => {
                    // Words without a letter, like a dash between two names, ask for nothing.
                    nodes.extend(self.one(scope)?);
                    and = None;
                }
            }
        }
        if let Some(at) = and {
            return Err(fault(at, "AND stands between two things"));
        }
        Ok(match nodes.len() {
            0 | 1 => nodes.pop(),
            _ => Some(Node::All(flat(nodes))),
        })
    }

    fn one(&mut self, scope: Scope) -> Result<Option<Node>, Fault> {
        let end = self.end;
        let Some((at, token)) = self.tokens.next() else {
            return Err(fault(end, "something is missing at the end"));
        };
        self.leaves += 1;
        self.depth += 1;
        if self.leaves > MAX_LEAVES || self.depth > MAX_DEPTH {
            return Err(fault(at, "the query has too many parts"));
        }
        let node = match token {
            Token::Open => self.group(at, scope)?,
            Token::Close => return Err(fault(at, "something is missing before this parenthesis")),
            Token::Minus => self.one(scope)?.map(|it| Node::Not(Box::new(it))),
            Token::Word(word) if word == "NOT" => match self.one(scope)? {
                Some(node) => Some(Node::Not(Box::new(node))),
                None => return Err(fault(at, "NOT stands before what must not be there")),
            },
            Token::Word(word) => word_node(&word, at, scope)?,
            Token::Quoted(text) => {
                Phrase::new(&fold(&text), false).map(|it| Node::Phrase(scope, it))
            }
            Token::Field(name @ ("title" | "summary")) => {
                let scope = if name == "title" {
                    Scope::Title
                } else {
                    Scope::Summary
                };
                self.one(scope)?
            }
            Token::Field(name) => Some(self.filter(name, at)?),
        };
        self.depth -= 1;
        Ok(node)
    }

    fn group(&mut self, at: usize, scope: Scope) -> Result<Option<Node>, Fault> {
        let node = self.any(scope)?;
        match self.tokens.next() {
            Some((_, Token::Close)) => Ok(node),
            _ => Err(fault(at, "this parenthesis is never closed")),
        }
    }

    fn filter(&mut self, name: &str, at: usize) -> Result<Node, Fault> {
        let Some((_, Token::Word(value) | Token::Quoted(value))) = self.tokens.next() else {
            return Err(fault(at, format!("{name}: wants a value right after it")));
        };
        let wrong = |wants: &str| fault(at, format!("{name}: wants {wants}, not \"{value}\""));
        let filter = match name {
            "lang" => Filter::Language(value.to_ascii_lowercase()),
            "outlet" => Filter::Outlet(fold(&value)),
            "feed" => Filter::Feed(fold(&value)),
            "topic" => Filter::Topic(value.to_ascii_lowercase()),
            "story" => {
                let id = value.parse().map_err(|_| wrong("the number of a story"))?;
                Filter::Story(id)
            }
            "concept" => return self.concept(&value, at),
            "since" => {
                let ago = span(&value).and_then(|it| SignedDuration::try_from(it).ok());
                let since = ago.and_then(|it| self.now.checked_sub(it).ok());
                Filter::After(since.ok_or_else(|| wrong("a length of time like 24h or 7d"))?)
            }
            "after" => Filter::After(instant(&value).ok_or_else(|| wrong(DAY))?),
            "before" => Filter::Before(instant(&value).ok_or_else(|| wrong(DAY))?),
            _ => Filter::Is(
                quality(&value)
                    .ok_or_else(|| wrong(&format!("one of {}", QUALITIES.join(", "))))?,
            ),
        };
        Ok(Node::Filter(filter))
    }

    fn concept(&self, name: &str, at: usize) -> Result<Node, Fault> {
        let name = name.to_ascii_lowercase();
        self.lexicon.id(&name).map(Node::Concept).ok_or_else(|| {
            let names = self.lexicon.concepts().iter().map(|it| it.id.as_str());
            let near = did_you_mean(nearest(&name, names));
            let listed = "`summitwatch topics concepts WORD` finds one";
            fault(
                at,
                format!("no concept is called \"{name}\"{near}; {listed}"),
            )
        })
    }
}

/// `(a b) c` asks for the same as `a b c`.
fn flat(nodes: Vec<Node>) -> Vec<Node> {
    let parts = nodes.into_iter().flat_map(|node| match node {
        Node::All(parts) => parts,
        node => vec![node],
    });
    parts.collect()
}

fn word_node(word: &str, at: usize, scope: Scope) -> Result<Option<Node>, Fault> {
    let bare = word.strip_suffix('*');
    let phrase = Phrase::new(&fold(bare.unwrap_or(word)), bare.is_some());
    match (&phrase, bare) {
        (None, Some(_)) => Err(fault(at, "* stands at the end of a word")),
        (Some(phrase), Some(_)) if !phrase.is_selective() => {
            Err(fault(at, "a prefix wants two letters at least"))
        }
        _ => Ok(phrase.map(|it| Node::Phrase(scope, it))),
    }
}

const DAY: &str = "a day like 2026-02-28, or an instant like 2026-02-28T05:00:00Z";

/// A day begins at midnight UTC, as the archive counts days.
fn instant(text: &str) -> Option<Timestamp> {
    match text.parse::<Date>() {
        Ok(day) if !text.contains('T') => TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok(),
        _ => text.parse().ok(),
    }
}

fn quality(name: &str) -> Option<Quality> {
    let name = name.to_ascii_lowercase();
    Some(match name.as_str() {
        "matched" => Quality::Matched,
        "alerted" => Quality::Alerted,
        "news" | "history" | "copy" => Quality::Standing(Standing::of(&name)),
        _ => return None,
    })
}

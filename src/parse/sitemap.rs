//! Sitemaps: which of many addresses are kept, what stands in for a missing title, and in which
//! order the sitemaps of an index are worth reading.

use std::cmp::Reverse;

use jiff::Timestamp;
use url::Url;

use crate::parse::canonical::{Canonical, Fields, ITEMS, Slot};

/// Sitemaps of an index that are kept, the best first; nobody reads more than a few.
const CHILDREN: usize = 100;
/// Words that make a part of an address a title.
const SLUG_WORDS: usize = 4;

/// The repair of a sitemap without titles.
pub const TITLES_FROM_ADDRESSES: &str = "read titles from addresses";

/// A sitemap that an index names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    pub url: String,
    pub lastmod: Option<Timestamp>,
}

/// What a sitemap lists, as long as it is read.
#[derive(Default)]
pub(super) struct Listed {
    urls: Vec<Fields>,
    /// With their places in the list.
    children: Vec<(usize, Fields)>,
    n_children: usize,
    left_out: bool,
}

impl Listed {
    /// Of more than are kept, those that the order puts last make room, many at a time.
    pub(super) fn url(&mut self, url: Fields) {
        self.urls.push(url);
        if self.urls.len() >= 2 * ITEMS {
            self.keep_newest();
        }
    }

    pub(super) fn child(&mut self, child: Fields) {
        if child.get(Slot::Link).is_some() {
            self.children.push((self.n_children, child));
            self.n_children += 1;
        }
        if self.children.len() >= 20 * CHILDREN {
            keep_best(&mut self.children);
        }
    }

    /// A sitemap may list fifty thousand addresses, and many list the oldest first.
    fn keep_newest(&mut self) {
        if self.urls.len() <= ITEMS {
            return;
        }
        self.left_out = true;
        let mut order: Vec<(usize, Fields)> = self.urls.drain(..).enumerate().collect();
        order.sort_by(|(at, url), (other_at, other)| (date(other), other_at).cmp(&(date(url), at)));
        order.truncate(ITEMS);
        order.sort_by_key(|(at, _)| *at);
        self.urls = order.into_iter().map(|(_, url)| url).collect();
    }

    pub(super) fn finish(mut self, document: &mut Canonical) {
        self.keep_newest();
        if self.left_out {
            document.repairs.told("kept the newest 10,000 items");
        }
        for mut url in self.urls {
            if url.get(Slot::Title).is_none() {
                let Some(title) = url.get(Slot::Link).and_then(title_of) else {
                    document
                        .repairs
                        .told("left out addresses that say no title");
                    continue;
                };
                document.repairs.told(TITLES_FROM_ADDRESSES);
                url.offer(Slot::Title, 0, title);
            }
            document.push(url);
        }
        keep_best(&mut self.children);
        document.children = self
            .children
            .iter()
            .filter_map(|(_, it)| child(it))
            .collect();
    }
}

/// Canonical dates sort as text.
fn date(url: &Fields) -> Option<&str> {
    url.get(Slot::Published).or(url.get(Slot::Updated))
}

/// Those of news first, then the newest, and of equals the last listed.
fn keep_best(children: &mut Vec<(usize, Fields)>) {
    children.sort_by_cached_key(|(at, it)| {
        let news = it.get(Slot::Link).is_some_and(says_news);
        Reverse((news, it.get(Slot::Updated).map(str::to_owned), *at))
    });
    children.truncate(CHILDREN);
}

fn child(fields: &Fields) -> Option<Child> {
    Some(Child {
        url: fields.get(Slot::Link)?.to_owned(),
        lastmod: fields
            .get(Slot::Updated)
            .and_then(|it| it.parse().ok())
            .map(crate::clock::whole_seconds),
    })
}

/// Whether an address is that of a sitemap of news. The host says nothing: many are called news.
pub fn says_news(url: &str) -> bool {
    let path = Url::parse(url).map_or_else(
        |_| url.to_owned(),
        |it| [it.path(), it.query().unwrap_or_default()].join("?"),
    );
    path.to_ascii_lowercase()
        .replace("newsletter", "")
        .contains("news")
}

/// A headline out of an address whose last part, or the one before it, is plainly one.
fn title_of(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let mut parts = url.path_segments()?.rev().filter(|it| !it.is_empty());
    parts.by_ref().take(2).find_map(headline)
}

fn headline(part: &str) -> Option<String> {
    let name = match part.rsplit_once('.') {
        Some((name, ending)) if ending.len() <= 5 => name,
        _ => part,
    };
    let mut words: Vec<&str> = name.split(['-', '_']).filter(|it| !it.is_empty()).collect();
    if !words
        .iter()
        .all(|it| it.bytes().all(|it| it.is_ascii_alphanumeric()))
    {
        return None;
    }
    while words.last().is_some_and(|it| is_id(it)) {
        words.pop();
    }
    let from = words.iter().position(|it| !is_id(it))?;
    let words = without_day(&words[from..]);
    let is_word = |it: &&&str| it.len() > 1 && it.bytes().all(|it| it.is_ascii_alphabetic());
    if words.iter().filter(is_word).count() < SLUG_WORDS {
        return None;
    }
    let mut title = words.join(" ");
    title[..1].make_ascii_uppercase();
    Some(title)
}

/// What newsrooms number their articles with: `20261123`, `a7654321`, `idUSKBN2`.
fn is_id(word: &str) -> bool {
    word.len() > 4 && word.bytes().any(|it| it.is_ascii_digit())
}

/// Without the day that ends it (`…-2026-11-23`): the words of a title hold its facts.
fn without_day<'w, 'a>(words: &'w [&'a str]) -> &'w [&'a str] {
    let is_number = |it: &&str| it.bytes().all(|it| it.is_ascii_digit());
    match words {
        [title @ .., year, month, day]
            if year.len() == 4 && [year, month, day].into_iter().all(is_number) =>
        {
            title
        }
        _ => words,
    }
}

#[cfg(test)]
mod tests;

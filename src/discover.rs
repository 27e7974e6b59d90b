//! Which feeds and news sitemaps a page or a site has: what the page announces, what robots.txt
//! names, what its links look like, and the usual places. Each is fetched and read before it is
//! named.

use std::collections::VecDeque;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use url::Url;

use crate::feed::Validators;
use crate::fetch::access::Access;
use crate::fetch::reach::Reach;
use crate::fetch::{After, Ask, Document, Fetcher, Limits, Outcome};
use crate::item::Item;
use crate::parse::page::{self, Announced};
use crate::parse::sitemap::{Child, TITLES_FROM_ADDRESSES, says_news};
use crate::parse::{Kind, Parsed, Source, charset, guarded};

/// Requests to one site for one question.
const REQUESTS: usize = 24;
/// Sitemaps of news in one index that are looked at.
const CHILDREN: usize = 3;
/// Where feeds and news sitemaps usually are, tried when nothing else was found.
const USUAL: &[&str] = &[
    "/feed",
    "/rss",
    "/rss.xml",
    "/feed.xml",
    "/atom.xml",
    "/index.xml",
    "/feed.json",
    "/news-sitemap.xml",
    "/sitemap-news.xml",
    "/sitemap_news.xml",
];

/// How an address was come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    Given,
    Announced,
    Robots,
    Linked,
    Usual,
}

impl How {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Announced => "announced by the page",
            Self::Robots => "named in robots.txt",
            Self::Linked => "linked from the page",
            Self::Usual => "found at a usual place",
        }
    }
}

/// A feed that answered and could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// After redirects.
    pub url: String,
    pub how: How,
    pub kind: Kind,
    pub title: Option<String>,
    pub language: Option<String>,
    pub entries: usize,
    pub newest: Option<Timestamp>,
    pub titles: Titles,
}

/// Whether titles are the publisher's own. Sitemaps whose are not are named last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Titles {
    Told,
    Guessed,
}

/// Asks a site. An error says why its page could not be had.
pub async fn discover(
    fetcher: &Fetcher,
    url: &str,
    reach: Reach,
    now: Timestamp,
) -> Result<Vec<Found>, String> {
    let mut site = Site {
        fetcher,
        access: Access::new(reach),
        now,
        asked: Vec::new(),
        found: Vec::new(),
    };
    let page = site.get(url).await?;
    if let Ok(parsed) = read(&page) {
        site.take(&page.url, How::Given, parsed).await;
        return Ok(site.found);
    }
    let html = charset::decode(&page.body, page.content_type.as_deref()).text;
    let announced = page::announced(&html, Some(&page.url)).map_err(|error| error.to_string())?;
    site.try_all(How::Announced, addresses(announced)).await;
    let home = Url::parse(&page.url).map_err(|error| error.to_string())?;
    let at = |path: &str| home.join(path).ok().map(String::from);
    let sitemaps = match at("/robots.txt") {
        Some(robots) => site.sitemaps(&robots).await,
        None => Vec::new(),
    };
    site.try_all(How::Robots, sitemaps).await;
    if site.found.is_empty() {
        let likely = page::likely(&html, Some(&page.url)).unwrap_or_default();
        site.try_all(How::Linked, addresses(likely)).await;
    }
    if site.found.is_empty() {
        site.try_all(How::Usual, USUAL.iter().filter_map(|path| at(path)))
            .await;
    }
    site.found.sort_by_key(|it| it.titles == Titles::Guessed);
    Ok(site.found)
}

struct Site<'a> {
    fetcher: &'a Fetcher,
    access: Access,
    now: Timestamp,
    asked: Vec<String>,
    found: Vec<Found>,
}

impl Site<'_> {
    async fn get(&mut self, url: &str) -> Result<Document, String> {
        self.asked.push(url.to_owned());
        let ask = Ask {
            url,
            moved_to: None,
            validators: &Validators::default(),
            access: &self.access,
            after: After::Keep,
            now: self.now,
        };
        let fetched = self.fetcher.get(&ask).await;
        match fetched.outcome {
            Outcome::Document(document) => Ok(document),
            Outcome::Failed { message, .. } => Err(message),
            Outcome::NotModified => Err("the server answered 304 to a first request".to_owned()),
        }
    }

    async fn try_all(&mut self, how: How, addresses: impl IntoIterator<Item = String>) {
        let mut queue: VecDeque<String> = addresses.into_iter().collect();
        while let Some(url) = queue.pop_front() {
            if self.asked.contains(&url) || self.asked.len() >= REQUESTS {
                continue;
            }
            let Ok(document) = self.get(&url).await else {
                continue;
            };
            if let Ok(parsed) = read(&document) {
                self.take(&document.url, how, parsed).await;
            }
        }
    }

    /// Keeps a feed, or what an index names: the sitemaps of news, or else the index as it would be
    /// polled.
    async fn take(&mut self, url: &str, how: How, mut parsed: Parsed) {
        let children = std::mem::take(&mut parsed.children);
        if children.is_empty() {
            return self.keep(url, how, &parsed);
        }
        let of_news: Vec<&Child> = children.iter().filter(|it| says_news(&it.url)).collect();
        // Those of news come first.
        let tried = of_news.len().clamp(1, CHILDREN);
        for child in &children[..tried] {
            if self.asked.contains(&child.url) || self.asked.len() >= REQUESTS {
                continue;
            }
            let Ok(document) = self.get(&child.url).await else {
                continue;
            };
            match read(&document) {
                Ok(parsed) if of_news.is_empty() => self.keep(url, how, &parsed),
                Ok(parsed) => self.keep(&document.url, how, &parsed),
                Err(_) => {}
            }
        }
    }

    /// What gives no items is no feed.
    fn keep(&mut self, url: &str, how: How, parsed: &Parsed) {
        let empty_sitemap = parsed.kind == Kind::Sitemap && parsed.items.is_empty();
        if empty_sitemap || self.found.iter().any(|it| it.url == url) {
            return;
        }
        self.found.push(Found {
            url: url.to_owned(),
            how,
            kind: parsed.kind,
            title: parsed.title.clone(),
            language: parsed.language.clone(),
            entries: parsed.items.len(),
            newest: parsed.items.iter().filter_map(Item::published_at).max(),
            titles: if parsed.repairs.contains(&TITLES_FROM_ADDRESSES) {
                Titles::Guessed
            } else {
                Titles::Told
            },
        });
    }

    /// Sitemaps that robots.txt names (sitemaps.org), those of news first.
    async fn sitemaps(&mut self, robots: &str) -> Vec<String> {
        let Ok(document) = self.get(robots).await else {
            return Vec::new();
        };
        let text = String::from_utf8_lossy(&document.body).into_owned();
        let mut named: Vec<String> = text.lines().filter_map(sitemap_line).collect();
        named.sort_by_key(|it| !says_news(it));
        named
    }
}

fn sitemap_line(line: &str) -> Option<String> {
    let (name, value) = line.split_once(':')?;
    let url = Url::parse(value.trim()).ok()?;
    name.trim()
        .eq_ignore_ascii_case("sitemap")
        .then(|| String::from(url))
}

fn addresses(announced: Vec<Announced>) -> impl Iterator<Item = String> {
    announced.into_iter().map(|it| it.url)
}

fn read(document: &Document) -> Result<Parsed, crate::parse::ParseError> {
    let source = Source {
        content_type: document.content_type.as_deref(),
        url: Some(&document.url),
        zone: TimeZone::UTC,
        select: None,
        max_bytes: Limits::default().body,
    };
    guarded(&document.body, &source)
}

#[cfg(test)]
mod tests {
    use super::sitemap_line;

    #[test]
    fn robots_names_sitemaps_whatever_the_case() {
        let line = "sitemap: https://paper.example/news.xml ";
        assert_eq!(
            sitemap_line(line).as_deref(),
            Some("https://paper.example/news.xml")
        );
        assert_eq!(sitemap_line("Disallow: /private"), None);
        assert_eq!(sitemap_line("Sitemap: /relative.xml"), None);
    }
}

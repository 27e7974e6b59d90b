//! Web pages of outlets without a feed: lists by CSS selectors, the feeds a page announces, the
//! text of an article. html5ever reads any page; what it costs on a hostile one is bounded here.

use dom_query::{Document, Matcher, Selection};
use dom_smoothie::{Config, Readability, TextMode};
use jiff::tz::TimeZone;
use url::Url;

use crate::feed::Selectors;
use crate::item::{Item, When};
use crate::parse::{ParseError, SUMMARY_CHARS, TITLE_CHARS, date};
use crate::text::{cut, printable};

/// Tags of a page. A front page of a large outlet has some ten thousand.
const TAGS: usize = 30_000;
/// Elements within elements; a hundred is much.
const DEPTH: usize = 500;
const ATTRIBUTES: usize = 2_000;
/// Characters of an article that are kept; a long read has thirty thousand.
const ARTICLE_CHARS: usize = 50_000;
/// What is shorter is a notice, a wall or a login: three lines, in UTF-8 also of Han and Hangul.
const ARTICLE_BYTES: usize = 300;
/// Entries of a list.
const ITEMS: usize = 1_000;

/// What a page with a list holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    pub title: Option<String>,
    pub language: Option<String>,
    pub items: Vec<Item>,
}

/// A feed or a sitemap that a page or a site speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    pub url: String,
    pub title: Option<String>,
}

/// Reads a list. What has no link or no title is no item of it.
pub fn list(
    html: &str,
    select: &Selectors,
    url: Option<&str>,
    zone: &TimeZone,
) -> Result<List, ParseError> {
    let page = document(html)?;
    let base = base(&page, url);
    let optional = |selector: &Option<String>| selector.as_deref().map(compile).transpose();
    let item = compile(&select.item)?;
    let (title, link) = (optional(&select.title)?, optional(&select.link)?);
    let (date, summary) = (optional(&select.date)?, optional(&select.summary)?);
    let found = page.select_matcher(&item);
    let items: Vec<Item> = found
        .iter()
        .take(ITEMS)
        .filter_map(|entry| {
            let part = |selector: &Option<Matcher>| {
                selector.as_ref().map(|it| entry.select_single_matcher(it))
            };
            let anchor = match part(&link) {
                Some(found) => anchor(&found),
                None => anchor(&entry),
            };
            let headline = part(&title).unwrap_or_else(|| anchor.clone());
            let title = cut(&line(&headline.text()), TITLE_CHARS);
            let url = anchor
                .attr("href")
                .and_then(|href| resolve(base.as_ref(), &href));
            (url.is_some() && !title.is_empty()).then(|| Item {
                title,
                url,
                summary: part(&summary)
                    .map(|it| cut(&line(&it.text()), SUMMARY_CHARS))
                    .unwrap_or_default(),
                published: part(&date).and_then(|it| time(&it, zone)),
                ..Item::default()
            })
        })
        .collect();
    if items.is_empty() {
        return Err(ParseError::NothingSelected);
    }
    Ok(List {
        title: said(&page.select_single("title").text()),
        language: said(&page.select_single("html").attr_or("lang", "")),
        items,
    })
}

/// Feeds that a page links to as its own (RSS autodiscovery).
pub fn announced(html: &str, url: Option<&str>) -> Result<Vec<Announced>, ParseError> {
    let page = document(html)?;
    let base = base(&page, url);
    let mut found: Vec<Announced> = Vec::new();
    for link in &page.select("link[rel~=alternate][href], a[type][href]") {
        let media = link.attr_or("type", "").to_ascii_lowercase();
        let is_feed = ["rss", "atom", "rdf", "feed+json"]
            .iter()
            .any(|it| media.contains(it));
        let target = link
            .attr("href")
            .and_then(|href| resolve(base.as_ref(), &href));
        if let Some(url) = target.filter(|url| is_feed && !found.iter().any(|it| it.url == *url)) {
            let title = said(&link.attr_or("title", ""));
            found.push(Announced { url, title });
        }
    }
    Ok(found)
}

/// Links whose address looks like that of a feed or of a news sitemap, for pages that announce none.
pub fn likely(html: &str, url: Option<&str>) -> Result<Vec<Announced>, ParseError> {
    let page = document(html)?;
    let base = base(&page, url);
    let mut found: Vec<Announced> = Vec::new();
    for link in &page.select("a[href]") {
        let target = link
            .attr("href")
            .and_then(|href| resolve(base.as_ref(), &href))
            .filter(|it| looks_like_feed(it));
        if let Some(url) = target.filter(|url| !found.iter().any(|it| it.url == *url)) {
            let title = said(&link.text());
            found.push(Announced { url, title });
        }
    }
    Ok(found)
}

/// The article of a page as plain text, paragraphs on lines of their own; `None` where the page
/// holds none.
pub fn article(html: &str, url: Option<&str>) -> Result<Option<String>, ParseError> {
    measure(html)?;
    let config = Config {
        text_mode: TextMode::Formatted,
        max_elements_to_parse: TAGS,
        ..Config::default()
    };
    let read = Readability::new(html, url, Some(config))
        .and_then(|mut it| it.parse())
        .ok();
    Ok(read
        .map(|it| it.text_content.lines().map(line).collect::<Vec<_>>())
        .map(|lines| {
            lines
                .into_iter()
                .filter(|it| !it.is_empty())
                .collect::<Vec<_>>()
                .join("\n")
        })
        .map(|text| cut(&text, ARTICLE_CHARS))
        .filter(|text| text.len() >= ARTICLE_BYTES))
}

/// Whether a selector can be used.
pub fn check(selector: &str) -> Result<(), ParseError> {
    compile(selector).map(drop)
}

fn compile(selector: &str) -> Result<Matcher, ParseError> {
    Matcher::new(selector).map_err(|_| ParseError::Selector(selector.to_owned()))
}

fn document(html: &str) -> Result<Document, ParseError> {
    measure(html)?;
    Ok(Document::from(html))
}

/// Refuses pages that no outlet writes before a tree is built of them: building is quadratic in
/// depth and in the attributes of a tag. The depth is a reader's guess, which markup that lies about
/// its end tags can deceive; the number of tags bounds what that costs.
fn measure(html: &str) -> Result<(), ParseError> {
    let (mut tags, mut depth, mut deepest) = (0_usize, 0_usize, 0_usize);
    for tag in html.split('<').skip(1) {
        let inside = tag.split_once('>').map_or(tag, |(inside, _)| inside);
        if let Some(ended) = tag.strip_prefix('/') {
            depth = depth.saturating_sub(usize::from(nests(ended)));
            continue;
        }
        if !tag.starts_with(|c: char| c.is_ascii_alphabetic()) {
            continue;
        }
        tags += 1;
        if inside.split_ascii_whitespace().nth(ATTRIBUTES).is_some() {
            return Err(ParseError::Page(format!(
                "a tag has more than {ATTRIBUTES} attributes"
            )));
        }
        depth += usize::from(nests(tag) && !inside.ends_with('/'));
        deepest = deepest.max(depth);
    }
    if tags > TAGS || deepest > DEPTH {
        return Err(ParseError::Page(format!(
            "it has {tags} tags, up to {deepest} deep"
        )));
    }
    Ok(())
}

/// Whether an element waits for an end tag (HTML, 13.1.2.4 names those that may go without).
fn nests(tag: &str) -> bool {
    let name = tag
        .split(|c: char| !c.is_ascii_alphanumeric())
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    !matches!(
        name.as_str(),
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
            | "p"
            | "li"
            | "dt"
            | "dd"
            | "td"
            | "th"
            | "tr"
            | "tbody"
            | "thead"
            | "tfoot"
            | "option"
            | "optgroup"
            | "colgroup"
            | "rp"
            | "rt"
            | "html"
            | "head"
            | "body"
    )
}

/// The link itself, or the first one inside.
fn anchor<'a>(found: &Selection<'a>) -> Selection<'a> {
    if found.has_attr("href") {
        found.first()
    } else {
        found.select_single("a[href]")
    }
}

fn base(page: &Document, url: Option<&str>) -> Option<Url> {
    let url = url.and_then(|it| Url::parse(it).ok());
    match (page.base_uri(), url) {
        (Some(base), Some(url)) => url.join(&base).ok().or(Some(url)),
        (Some(base), None) => Url::parse(&base).ok(),
        (None, url) => url,
    }
}

fn resolve(base: Option<&Url>, href: &str) -> Option<String> {
    let href = href.trim();
    let url = match base {
        Some(base) => base.join(href).ok()?,
        None => Url::parse(href).ok()?,
    };
    matches!(url.scheme(), "http" | "https").then(|| String::from(url))
}

/// The time an element tells: to machines first, then to people.
fn time(found: &Selection<'_>, zone: &TimeZone) -> Option<When> {
    ["datetime", "content", "title"]
        .iter()
        .filter_map(|name| found.attr(name))
        .chain([found.text()])
        .find_map(|text| date::parse(&line(&text), zone))
}

fn said(text: &str) -> Option<String> {
    Some(line(text)).filter(|it| !it.is_empty())
}

fn line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    printable(&words.join(" "))
}

fn looks_like_feed(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else {
        return false;
    };
    let path = url.path().to_ascii_lowercase();
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or("");
    let words = last.split(['.', '-', '_']);
    let named = words
        .into_iter()
        .any(|it| matches!(it, "rss" | "atom" | "feed" | "feeds" | "rdf" | "rss2"));
    named || (path.contains("sitemap") && last.contains("news")) || path.contains("/rss/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"<!DOCTYPE html><html lang="ko"><head><title> 새 소식 | 관청 </title><base href="/board/"></head><body>
        <nav><a href="/">home</a></nav>
        <ul class="news">
          <li><a href="view?id=12"><b>외교부 대변인</b> 정례 브리핑</a><time datetime="2026-03-04T10:00:00+09:00">3월 4일</time><p>요지 &amp; 전문</p></li>
          <li><a href="https://other.example/11">두 번째 <i>글</i></a><span class="day">2026.03.03</span></li>
          <li><a href="javascript:void(0)">no address</a></li>
          <li>no link</li>
        </ul></body></html>"#;

    fn select(item: &str) -> Selectors {
        Selectors {
            item: item.to_owned(),
            title: None,
            link: None,
            date: Some("time, .day".to_owned()),
            summary: Some("p".to_owned()),
        }
    }

    fn seoul() -> TimeZone {
        TimeZone::get("Asia/Seoul").expect("zone")
    }

    #[test]
    fn a_list_gives_its_links_in_order() {
        let url = Some("https://office.example/news/index.html");
        let list = list(LIST, &select("ul.news > li"), url, &seoul()).expect("a list");
        assert_eq!(list.title.as_deref(), Some("새 소식 | 관청"));
        assert_eq!(list.language.as_deref(), Some("ko"));
        let told: Vec<(&str, &str, &str)> = list
            .items
            .iter()
            .map(|it| {
                let url = it.url.as_deref().unwrap_or_default();
                (it.title.as_str(), url, it.summary.as_str())
            })
            .collect();
        let first = "https://office.example/board/view?id=12";
        assert_eq!(
            told,
            [
                ("외교부 대변인 정례 브리핑", first, "요지 & 전문"),
                ("두 번째 글", "https://other.example/11", "")
            ]
        );
        let times: Vec<String> = list
            .items
            .iter()
            .filter_map(Item::published_at)
            .map(|it| it.to_string())
            .collect();
        assert_eq!(times, ["2026-03-04T01:00:00Z", "2026-03-02T15:00:00Z"]);
    }

    #[test]
    fn a_page_that_changed_is_a_failure() {
        let changed = list(LIST, &select("ol.news > li"), None, &TimeZone::UTC);
        assert_eq!(changed, Err(ParseError::NothingSelected));
        assert_eq!(
            check("li[").map_err(|it| it.to_string()),
            Err("\"li[\" is no CSS selector".to_owned())
        );
    }

    #[test]
    fn a_page_announces_its_feeds() {
        let html = r#"<link rel="alternate" type="application/rss+xml" title="All &amp; more" href="/rss">
            <link rel=alternate type="application/atom+xml" href="atom.xml"><link rel="alternate" hreflang="ja" href="/ja">
            <link rel="stylesheet" href="a.css"><a href="/rss/world.xml">World</a><a href="/feedback">Feedback</a>"#;
        let url = Some("https://paper.example/a/b");
        let found = announced(html, url).expect("a page");
        let urls: Vec<&str> = found.iter().map(|it| it.url.as_str()).collect();
        assert_eq!(
            urls,
            [
                "https://paper.example/rss",
                "https://paper.example/a/atom.xml"
            ]
        );
        assert_eq!(found[0].title.as_deref(), Some("All & more"));
        let likely = likely(html, url).expect("a page");
        assert_eq!(likely.len(), 1, "{likely:?}");
        assert_eq!(likely[0].url, "https://paper.example/rss/world.xml");
    }

    #[test]
    fn an_article_is_its_paragraphs() {
        let paragraph =
            "The two delegations met for three hours, an official of the ministry said on Monday. ";
        let html = format!(
            "<html><head><title>Talks end | The Paper</title></head><body><nav><a href=/>Home</a> <a href=/w>World</a></nav>\
             <article><h1>Talks end</h1><p>{0}</p><p>{0}{0}</p><p>{0}</p></article>\
             <footer>All rights reserved</footer><script>alert(1)</script></body></html>",
            paragraph.repeat(4)
        );
        let text = article(&html, Some("https://paper.example/1"))
            .expect("a page")
            .expect("an article");
        assert!(text.starts_with("The two delegations met"), "{text}");
        assert!(
            !text.contains("rights reserved") && !text.contains("alert"),
            "{text}"
        );
        assert!(text.lines().count() >= 3, "{text}");
    }

    #[test]
    fn hostile_pages_are_refused_before_a_tree_is_built() {
        let attributes: String = (0..5_000).map(|it| format!("a{it}=1 ")).collect();
        for html in [
            "<div>".repeat(1_000),
            "<b>".repeat(20_000),
            "<table><tr><td>".repeat(2_000),
            "<br>".repeat(40_000),
            format!("<a {attributes}>"),
        ] {
            let refused = list(&html, &select("li"), None, &TimeZone::UTC);
            assert!(matches!(refused, Err(ParseError::Page(_))), "{refused:?}");
            assert!(article(&html, None).is_err());
        }
        let plain = "<p>one<br><li>two<td>three".repeat(3_000);
        assert_eq!(measure(&plain), Ok(()));
    }
}

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::tz::TimeZone;

use super::{says_news, title_of};
use crate::clock::rfc3339;
use crate::item::{Item, Precision};
use crate::parse::{Kind, ParseError, Parsed, Source, parse};

fn read(bytes: &[u8]) -> Result<Parsed, ParseError> {
    parse(
        bytes,
        &Source {
            select: None,
            content_type: None,
            url: Some("https://paper.example/sitemaps/news.xml"),
            zone: TimeZone::UTC,
            max_bytes: 16 * 1024 * 1024,
        },
    )
}

#[track_caller]
fn parsed(text: &str) -> Parsed {
    read(text.as_bytes()).expect("a sitemap")
}

fn titles(sitemap: &Parsed) -> Vec<&str> {
    sitemap.items.iter().map(|it| it.title.as_str()).collect()
}

const NEWS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"
 xmlns:image="http://www.google.com/schemas/sitemap-image/1.1" xmlns:xhtml="http://www.w3.org/1999/xhtml">
<url><loc>https://paper.example/sea/1</loc><lastmod>2026-11-23T07:00:00Z</lastmod><changefreq>hourly</changefreq>
<xhtml:link rel="alternate" hreflang="ko" href="https://paper.example/ko/sea/1"/>
<image:image><image:loc>https://paper.example/boat.jpg</image:loc><image:title>A boat</image:title></image:image>
<news:news><news:publication><news:name>The Paper</news:name><news:language>en</news:language></news:publication>
<news:publication_date>2026-11-23T14:05:00+09:00</news:publication_date><news:title><![CDATA[Ferry & barge run again]]></news:title>
<news:keywords>ferry, storm ,harbour</news:keywords></news:news></url>
<url><loc>/sea/2</loc><news:news><news:publication_date>2026-11-22</news:publication_date>
<news:title>Fair &amp;amp; market open</news:title></news:news></url>
</urlset>"#;

#[test]
fn a_news_sitemap_gives_items_with_what_it_says_of_them() {
    let sitemap = parsed(NEWS);
    assert_eq!(
        (sitemap.kind, sitemap.title.as_deref()),
        (Kind::Sitemap, Some("The Paper"))
    );
    let item = &sitemap.items[0];
    assert_eq!(item.title, "Ferry & barge run again");
    assert_eq!(item.url.as_deref(), Some("https://paper.example/sea/1"));
    assert_eq!((&item.guid, item.summary.as_str()), (&None, ""));
    assert_eq!(item.language.as_deref(), Some("en"));
    assert_eq!(item.categories, ["ferry", "storm", "harbour"]);
    let times = (
        item.published_at().map(rfc3339),
        item.updated_at.map(rfc3339),
    );
    let times = (times.0.as_deref(), times.1.as_deref());
    assert_eq!(
        times,
        (Some("2026-11-23T05:05:00Z"), Some("2026-11-23T07:00:00Z"))
    );
    let second = &sitemap.items[1];
    assert_eq!(second.title, "Fair & market open");
    assert_eq!(second.url.as_deref(), Some("https://paper.example/sea/2"));
    assert_eq!(
        second.published.map(|it| it.precision),
        Some(Precision::Day)
    );
    assert!(
        sitemap.complete && sitemap.repairs.is_empty(),
        "{:?}",
        sitemap.repairs
    );
}

#[test]
fn prefixes_are_the_publishers_own_affair() {
    let news = "http://www.google.com/schemas/sitemap-news/0.9";
    let map = "http://www.sitemaps.org/schemas/sitemap/0.9";
    for document in [
        format!("<urlset xmlns='{map}' xmlns:n='{news}'><url><loc>/1</loc><n:news><n:title>a</n:title></n:news></url></urlset>"),
        format!("<s:urlset xmlns:s='{map}'><s:url><s:loc>/1</s:loc><news xmlns='{news}'><title>a</title></news></s:url></s:urlset>"),
        "<urlset><url><loc>/1</loc><news:news><news:title>a</news:title></news:news></url></urlset>".to_owned(),
        "<urlset xmlns='http://example.org/our-own'><url><loc>/1<lastmod>2026-11-23</lastmod><news:news><news:title>a</news:title></url></urlset>".to_owned(),
        "<URLSET xmlns=''><URL><LOC> /1 </LOC><video:video><video:title>a</video:title><video:loc>/v</video:loc></video:video></URL></URLSET>".to_owned(),
    ] {
        let sitemap = parsed(&document);
        assert_eq!(titles(&sitemap), ["a"], "{document}");
        assert_eq!(
            sitemap.items[0].url.as_deref(),
            Some("https://paper.example/1"),
            "{document}"
        );
    }
}

#[test]
fn dates_come_in_every_form_that_is_allowed() {
    for (written, read) in [
        ("2026-11-23T05:05:00.250Z", Some("2026-11-23T05:05:00Z")),
        ("2026-11-23T14:05+09:00", Some("2026-11-23T05:05:00Z")),
        ("2026-11-23T05:05", Some("2026-11-23T05:05:00Z")),
        ("2026-11-23", Some("2026-11-23T00:00:00Z")),
        ("soon", None),
    ] {
        for name in ["news:publication_date", "lastmod"] {
            let sitemap = parsed(&format!(
                "<urlset><url><loc>/1</loc><{name}>{written}</{name}><news:title>a</news:title></url></urlset>"
            ));
            let published = sitemap.items[0].published_at().map(rfc3339);
            assert_eq!(published.as_deref(), read, "{name}: {written}");
        }
    }
}

#[test]
fn addresses_stand_in_for_titles_and_it_is_told() {
    let sitemap = parsed(
        "<urlset><url><loc>/sea/ferry-runs-again-after-storm</loc><lastmod>2026-11-23</lastmod></url>\
         <url><loc>/contact</loc></url></urlset>",
    );
    assert_eq!(titles(&sitemap), ["Ferry runs again after storm"]);
    assert_eq!(
        sitemap.repairs,
        [
            "read titles from addresses",
            "left out addresses that say no title"
        ]
    );
    let bare = parsed("<urlset><url><loc>/contact</loc></url></urlset>");
    assert!(bare.items.is_empty() && bare.complete);
}

#[test]
fn a_cut_or_packed_sitemap_gives_its_whole_entries() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(NEWS.as_bytes()).expect("memory");
    let packed = encoder.finish().expect("memory");
    assert_eq!(read(&packed).expect("a sitemap").items, parsed(NEWS).items);
    let at = NEWS.rfind("<news:title>").expect("a title");
    let cut = parsed(&NEWS[..at]);
    assert_eq!(titles(&cut), ["Ferry & barge run again"]);
    assert!(!cut.complete);
    let first = NEWS.find("</news:title>").expect("a title");
    assert_eq!(
        read(&NEWS.as_bytes()[..first]),
        Err(ParseError::EntriesLost)
    );
}

#[test]
fn of_too_many_addresses_the_newest_are_kept() {
    let urls: String = (0..50_000)
        .map(|n| {
            let day = if n == 7 { "2026-11-24" } else { "2026-11-23" };
            format!(
                "<url><loc>/{n}</loc><lastmod>{day}</lastmod><news:title>{n}</news:title></url>"
            )
        })
        .collect();
    let sitemap = parsed(&format!("<urlset>{urls}</urlset>"));
    assert_eq!(sitemap.items.len(), 10_000);
    assert_eq!(sitemap.items[0].title, "7");
    assert_eq!(sitemap.items[1].title, "40001");
    assert_eq!(
        sitemap.items.last().map(|it| it.title.as_str()),
        Some("49999")
    );
    assert_eq!(sitemap.repairs, ["kept the newest 10,000 items"]);
}

#[test]
fn an_index_holds_no_items_but_its_sitemaps_the_best_first() {
    let index = |children: &[(&str, &str)]| {
        let children: String = children
            .iter()
            .map(|(url, day)| {
                format!("<sitemap><loc>{url}</loc><lastmod>{day}</lastmod></sitemap>")
            })
            .collect();
        parsed(&format!(
            "<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{children}</sitemapindex>"
        ))
    };
    let listed = index(&[
        ("/1.xml.gz", "2026-11-01"),
        ("/2.xml.gz", ""),
        ("/3.xml.gz", "2026-11-23T05:05:00Z"),
        ("/news.xml", "2020-01-01"),
        ("/4.xml.gz", ""),
    ]);
    let urls: Vec<&str> = listed.children.iter().map(|it| it.url.as_str()).collect();
    let expected = ["news.xml", "3.xml.gz", "1.xml.gz", "4.xml.gz", "2.xml.gz"];
    let expected: Vec<String> = expected
        .iter()
        .map(|it| format!("https://paper.example/{it}"))
        .collect();
    assert_eq!(urls, expected);
    assert!(listed.items.is_empty() && listed.kind == Kind::Sitemap && listed.complete);
    let names: Vec<String> = (0..50_000).map(|n| format!("/{n}.xml")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|it| (it.as_str(), "")).collect();
    let listed = index(&many);
    assert_eq!(listed.children.len(), 100);
    assert_eq!(listed.children[0].url, "https://paper.example/49999.xml");
    assert_eq!(
        read(b"<sitemapindex><sitemap><loc>/1.xml"),
        Err(ParseError::EntriesLost)
    );
}

#[test]
fn an_image_gives_its_page_neither_its_address_nor_a_better_title() {
    let image = "<image:image><image:title>A boat</image:title><image:loc>/boat.jpg</image:loc></image:image>";
    let sitemap = parsed(&format!(
        "<urlset><url>{image}<loc>/1</loc><news:news><news:title>Ferry runs</news:title></news:news></url>\
         <url>{image}<loc>/2</loc></url></urlset>"
    ));
    let of = |item: &Item| (item.title.clone(), item.url.clone().unwrap_or_default());
    let expected = [("Ferry runs", "1"), ("A boat", "2")]
        .map(|(title, path)| (title.to_owned(), format!("https://paper.example/{path}")));
    assert_eq!(sitemap.items.iter().map(of).collect::<Vec<_>>(), expected);
}

#[track_caller]
fn check(path: &str, expected: Option<&str>) {
    let title = title_of(&format!("https://news.example{path}"));
    assert_eq!(title.as_deref(), expected, "{path}");
}

#[test]
fn an_address_is_a_title_where_it_is_plainly_one() {
    let title = Some("Ferry runs again after storm");
    check("/2026/11/23/ferry-runs-again-after-storm", title);
    check("/sea/ferry-runs-again-after-storm/index.html", title);
    check("/sea/ferry_runs_again_after_storm-20261123.html", title);
    check("/a/7654321-ferry-runs-again-after-storm/", title);
    check("/a/ferry-runs-again-after-storm/a-7654321", title);
    check("/ferry-runs-again-after-storm-2026-11-23/", title);
    check("/talks-set-for-june-12", Some("Talks set for june 12"));
    check("/sport/live-scores", None);
    check("/view/AEN20261123000100315", None);
    check("/0f-1a-2b-3c-4d", None);
    check("/%eb%b6%81-%eb%af%b8-%ed%9a%8c-%eb%8b%b4", None);
    check("/", None);
}

#[test]
fn news_is_said_by_the_path_and_not_by_the_host() {
    assert!(says_news("https://paper.example/sitemaps/News.xml"));
    assert!(says_news("https://paper.example/sitemap?type=news"));
    assert!(!says_news("https://news.example/sitemap-1.xml"));
    assert!(!says_news("https://paper.example/newsletters.xml"));
}

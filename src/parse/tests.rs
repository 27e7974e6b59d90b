use jiff::tz::TimeZone;

use super::{Kind, ParseError, Parsed, Source, guarded};
use crate::clock::rfc3339;

fn source() -> Source<'static> {
    Source {
        content_type: None,
        url: Some("https://news.example/feeds/world.xml"),
        zone: TimeZone::UTC,
        max_bytes: 64 * 1024 * 1024,
    }
}

#[track_caller]
fn parsed(text: &str) -> Parsed {
    guarded(text.as_bytes(), &source()).expect("a feed")
}

fn titles(feed: &Parsed) -> Vec<&str> {
    feed.items.iter().map(|it| it.title.as_str()).collect()
}

#[test]
fn rss_gives_plain_text_absolute_links_and_utc() {
    let feed = parsed(
        r#"<?xml version="1.0"?><rss version="2.0"><channel><title>World &amp; more</title><link>https://news.example/</link>
        <language>en-gb</language><item><title>&lt;b&gt;Talks&lt;/b&gt; open</title><link>/world/1</link>
        <guid isPermaLink="false">n-1</guid><pubDate>Mon, 23 Nov 2026 14:05:00 +0900</pubDate>
        <description><![CDATA[<p>Envoys met.</p><p>More &hellip;</p>]]></description></item></channel></rss>"#,
    );
    assert_eq!(
        (feed.kind, feed.title.as_deref(), feed.language.as_deref()),
        (Kind::Rss2, Some("World & more"), Some("en-gb"))
    );
    let item = &feed.items[0];
    assert_eq!(item.title, "Talks open");
    assert_eq!(item.summary, "Envoys met. More …");
    assert_eq!(item.url.as_deref(), Some("https://news.example/world/1"));
    assert_eq!(item.guid.as_deref(), Some("n-1"));
    assert_eq!(
        item.published_at().map(rfc3339).as_deref(),
        Some("2026-11-23T05:05:00Z")
    );
    assert!(feed.repairs.is_empty() && feed.complete);
}

#[test]
fn atom_rdf_and_json_feed_give_the_same_item() {
    let atom = parsed(
        r#"<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="ko"><title>t</title><id>urn:f</id><entry><title type="html">&lt;i&gt;북미&lt;/i&gt; 회담</title>
        <id>urn:1</id><link href="https://news.example/1"/><published>2026-11-23T05:05:00Z</published>
        <updated>2026-11-23T06:00:00Z</updated><summary>요약</summary></entry></feed>"#,
    );
    let rdf = parsed(
        r#"<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
        <channel rdf:about="https://news.example/"><title>t</title></channel>
        <item rdf:about="urn:1"><title>북미 회담</title><link>https://news.example/1</link><dc:date>2026-11-23T14:05:00+09:00</dc:date><description>요약</description></item></rdf:RDF>"#,
    );
    let json = parsed(
        r#"{"version":"https://jsonfeed.org/version/1","items":[{"id":"urn:1","url":"https://news.example/1","title":"북미 회담",
        "content_text":"요약","date_published":"2026-11-23T14:05:00+09:00"}]}"#,
    );
    for feed in [&atom, &rdf, &json] {
        let item = &feed.items[0];
        assert_eq!(item.title, "북미 회담", "{:?}", feed.kind);
        assert_eq!(item.summary, "요약", "{:?}", feed.kind);
        assert_eq!(item.guid.as_deref(), Some("urn:1"), "{:?}", feed.kind);
        assert_eq!(
            item.url.as_deref(),
            Some("https://news.example/1"),
            "{:?}",
            feed.kind
        );
        assert_eq!(
            item.published_at().map(rfc3339).as_deref(),
            Some("2026-11-23T05:05:00Z"),
            "{:?}",
            feed.kind
        );
    }
}

#[test]
fn an_item_without_guid_gets_none_invented() {
    let feed = parsed(
        "<rss version='2.0'><channel><item><title>only a title</title></item></channel></rss>",
    );
    assert_eq!(
        (feed.items[0].guid.as_deref(), feed.items[0].url.as_deref()),
        (None, None)
    );
}

#[test]
fn broken_documents_are_mended_and_it_is_told() {
    let bare = parsed(
        "\n\n<rss><channel><item><title>R&D in <b>Seoul</title><description>a &nbsp; b<br>c</description></item></channel></rss>",
    );
    assert_eq!(bare.items[0].title, "R&D in Seoul");
    assert_eq!(bare.items[0].summary, "a b c");
    assert!(
        bare.repairs.iter().any(|it| it.contains("version")),
        "{:?}",
        bare.repairs
    );
    let cut = parsed(
        "<rss version='2.0'><channel><item><title>whole</title></item><item><title>cut off he",
    );
    assert_eq!(cut.items.len(), 1);
    assert!(!cut.complete);
}

#[test]
fn what_is_no_feed_says_what_it_was_taken_for() {
    let html = guarded(
        b"<!DOCTYPE html><html><head><title>Maintenance</title></head><body><p>Soon</body></html>",
        &source(),
    );
    assert!(matches!(html, Err(ParseError::NotAFeed(_))), "{html:?}");
    assert_eq!(guarded(b"  \n", &source()), Err(ParseError::Empty));
    assert!(matches!(
        guarded(b"plain words", &source()),
        Err(ParseError::NotAFeed(_))
    ));
    assert!(matches!(
        guarded(br#"{"error": "no"}"#, &source()),
        Err(ParseError::NotAFeed(_))
    ));
}

#[test]
fn utf16_that_declares_utf8_does_not_panic() {
    let text = "<?xml version=\"1.0\" encoding=\"utf-8\"?><rss version=\"2.0\"><channel><item><title>米朝</title></item></channel></rss>";
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(
        guarded(&bytes, &source()).expect("a feed").items[0].title,
        "米朝"
    );
}

#[test]
fn deep_nesting_is_passed_over() {
    let nested = |tag: &str| {
        format!(
            "{}x{}",
            format!("<{tag}>").repeat(5_000),
            format!("</{tag}>").repeat(5_000)
        )
    };
    let feed = parsed(&format!(
        "<rss version='2.0'><channel>{}<item><title>one</title><description>{}</description></item>\
         <item><title>two</title></item></channel></rss>",
        nested("a"),
        nested("b")
    ));
    assert_eq!(titles(&feed), ["one", "two"]);
    assert!(feed.complete && feed.repairs.iter().any(|it| it.contains("nested deeper")));
}

proptest::proptest! {
    #[test]
    fn no_document_makes_it_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        let _ = super::parse(&bytes, &source());
    }

    #[test]
    fn no_tag_soup_makes_it_panic(parts in proptest::collection::vec(proptest::sample::select(vec![
        "<rss>", "</rss>", "<channel>", "<item>", "</item>", "<title>", "</title>", "<b>", "&", "&amp;", "<![CDATA[", "]]>",
        "<entry>", "<feed xmlns='http://www.w3.org/2005/Atom'>", "<link href='/x'/>", "text", "<?xml version='1.0'?>", "<!--",
    ]), 0..30)) {
        let _ = super::parse(parts.concat().as_bytes(), &source());
    }
}

use jiff::tz::TimeZone;

use super::{Kind, ParseError, Parsed, Source, guarded};
use crate::clock::rfc3339;

fn source() -> Source<'static> {
    Source {
        select: None,
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

#[track_caller]
fn check_repair(document: &str, title: &str, repair: &str) {
    let feed = parsed(document);
    assert_eq!(titles(&feed), [title], "{document}");
    assert_eq!(feed.repairs, [repair], "{document}");
}

#[test]
fn every_repair_is_told_by_its_name() {
    let rss = |item: &str| {
        format!("<rss version='2.0'><channel><title>t</title><item>{item}</item></channel></rss>")
    };
    check_repair(
        &rss("<title>a\u{1}b</title>"),
        "ab",
        "removed control characters",
    );
    check_repair(
        &rss("<title>R & D</title>"),
        "R & D",
        "kept a bare ampersand",
    );
    check_repair(
        &rss("<title>f&ecirc;te</title>"),
        "fête",
        "read HTML entities that XML does not define",
    );
    check_repair(
        &rss("<title>a &nope; b</title>"),
        "a &nope; b",
        "kept an entity that nothing defines",
    );
    check_repair(
        &rss("<title>3 < 4</title>"),
        "3 < 4",
        "took markup that is none for text",
    );
    check_repair(
        &rss("<title>a<description>b</description>"),
        "a",
        "closed elements that were left open",
    );
    check_repair(
        &rss("<title>a</title></font>"),
        "a",
        "ignored an end tag that closes nothing",
    );
    check_repair(
        &rss("<title>a</title><pubDate>soon</pubDate>"),
        "a",
        "left out a date that cannot be read",
    );
    check_repair(
        &format!("Warning: line 3 {}", rss("<title>a</title>")),
        "a",
        "passed over text before the feed",
    );
    check_repair(
        &format!("<b></b><br/>{}", rss("<title>a</title>")),
        "a",
        "passed over markup before the feed",
    );
    check_repair(
        "<rss version='9'><channel><item><title>a</title></item></channel></rss>",
        "a",
        "read RSS without a known version as 2.0",
    );
    check_repair(
        "<channel><item><title>a</title></item></channel>",
        "a",
        "read a channel without a root as RSS 2.0",
    );
    check_repair(
        "<rss version='2.0'><channel/></rss><rss version='2.0'><channel><item><title>a</title></item></channel></rss>",
        "a",
        "read several roots as one document",
    );
    check_repair(
        "<rss version='2.0'><channel/></rss><item><title>a</title></item>",
        "a",
        "read entries after the end of the feed",
    );
    check_repair(
        &rss("<title><![CDATA[<![CDATA[a]]>]]></title>"),
        "a",
        "took markup that is none for text",
    );
    check_repair(
        "<rss version='2.0'><channel><item><title>a</title></item>",
        "a",
        "kept the complete entries of a truncated document",
    );
}

#[test]
fn every_dialect_gives_its_items() {
    for document in [
        "<feed version='0.3' xmlns='http://purl.org/atom/ns#'><entry><title mode='escaped'>a</title><id>1</id></entry></feed>",
        "<RDF xmlns='http://my.netscape.com/rdf/simple/0.9/'><channel/><item><title>a</title><guid>1</guid></item></RDF>",
        "<Channel xmlns='http://purl.org/net/rss1.1#' xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
         <items><item r:about='1'><title>a</title></item></items></Channel>",
        "<rss:rss version='0.92' xmlns:rss='http://backend.userland.com/rss2'><rss:item><rss:title>a</rss:title><rss:guid>1</rss:guid></rss:item></rss:rss>",
        "<feed xmlns='http://example.org/our-own'><entry><title>a</title><id>1</id></entry></feed>",
        "<x:feed xmlns:x='http://example.org/our-own'><x:entry><x:title>a</x:title><x:id>1</x:id></x:entry></x:feed>",
        "<entry xmlns='http://www.w3.org/2005/Atom'><title>a</title><id>1</id></entry>",
        "<rss version='2.0'><channel><item><media:title>a</media:title><atom:id>1</atom:id></item></channel></rss>",
        "{\"items\":[{\"id\":1,\"title\":\"a\"},null]}",
        "{\"items\":[{\"id\":1,\"title\":\"a\"},{\"id\":2,\"ti",
    ] {
        let feed = parsed(document);
        assert_eq!(titles(&feed), ["a"], "{document}");
        assert_eq!(feed.items[0].guid.as_deref(), Some("1"), "{document}");
    }
}

#[test]
fn atom_text_is_read_by_its_type() {
    for (attributes, text, expected) in [
        ("", "&lt;p&gt;One &amp;amp; two&lt;/p&gt;", "One & two"),
        (" type='html'", "<![CDATA[<p>One & two</p>]]>", "One & two"),
        (
            " type='xhtml'",
            "<div><p>Write &lt;b&gt;</p><br/>now</div>",
            "Write <b> now",
        ),
        (" type='xhtml'", "&lt;p&gt;Escaped&lt;/p&gt;", "Escaped"),
        (" type='text/plain'", "One", "One"),
        (
            " type='application/octet-stream'",
            "T25lIGFuZCB0d28=",
            "One and two",
        ),
        (" mode='base64' type='text/html'", "PGI+T25lPC9iPg==", "One"),
        (" type='nonsense'", "One", "One"),
    ] {
        let feed = parsed(&format!(
            "<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>1</id><content{attributes}>{text}</content></entry></feed>"
        ));
        assert_eq!(feed.items[0].summary, expected, "{attributes}");
    }
}

#[test]
fn an_article_in_the_place_of_the_lead_is_kept_whole() {
    let article = "word ".repeat(1_000);
    let feed = parsed(&format!(
        "<rss version='2.0'><channel><item><description>{article}</description></item></channel></rss>"
    ));
    let item = &feed.items[0];
    assert!(item.summary.len() < 2_100 && item.summary.ends_with('…'));
    assert_eq!(item.content_html.as_deref(), Some(article.trim()));
}

#[test]
fn links_are_resolved_and_ids_stand_in_for_them() {
    for (item, expected) in [
        ("<link>/a</link>", Some("https://news.example/a")),
        (
            "<link xml:base='https://other.example/x/'>a</link>",
            Some("https://other.example/x/a"),
        ),
        (
            "<guid>https://news.example/g</guid>",
            Some("https://news.example/g"),
        ),
        (
            "<guid isPermaLink='true'>/g/1</guid>",
            Some("https://news.example/g/1"),
        ),
        ("<guid isPermaLink='false'>2026/1</guid>", None),
        ("<guid>tag:news.example,2026:1</guid>", None),
        (
            "<atom:link rel='self' href='/feed'/><atom:link href='/a'/>",
            Some("https://news.example/a"),
        ),
        ("<enclosure url='/a.mp3'/>", None),
    ] {
        let feed = parsed(&format!(
            "<rss version='2.0'><channel><item><title>a</title>{item}</item></channel></rss>"
        ));
        assert_eq!(feed.items[0].url.as_deref(), expected, "{item}");
    }
}

#[test]
fn what_belongs_to_another_element_is_not_taken_for_the_items_own() {
    let feed = parsed(
        "<rss version='2.0' xmlns:x='http://example.org/x'><channel><item><x:thing><title>wrong</title><link>/wrong</link></x:thing>\
         <title>right</title><source url='/s'><title>wrong</title></source><itunes:summary>more</itunes:summary>\
         <dc:description>better</dc:description></item></channel></rss>",
    );
    let item = &feed.items[0];
    assert_eq!(
        (item.title.as_str(), item.summary.as_str(), &item.url),
        ("right", "better", &None)
    );
}

#[test]
fn compressed_documents_are_unpacked_whatever_was_announced() {
    let mut packed =
        b"<rss version='2.0'><channel><item><title>a</title></item></channel></rss>".to_vec();
    for _ in 0..2 {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, &packed).expect("memory");
        packed = encoder.finish().expect("memory");
    }
    let feed = guarded(&packed, &source()).expect("a feed");
    assert_eq!((titles(&feed), feed.complete), (vec!["a"], true));
    assert_eq!(feed.repairs, ["unpacked gzip that no header announced"]);
}

#[test]
fn a_torn_gzip_gives_the_items_that_came_whole() {
    let item = |n| {
        format!(
            "<item><title>{n}</title><guid>{}</guid></item>",
            n * 7_919 % 9_973
        )
    };
    let items: String = (0..5_000).map(item).collect();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let document = format!("<rss version='2.0'><channel>{items}</channel></rss>");
    std::io::Write::write_all(&mut encoder, document.as_bytes()).expect("memory");
    let packed = encoder.finish().expect("memory");
    let feed = guarded(&packed[..packed.len() * 9 / 10], &source()).expect("a feed");
    assert!(!feed.complete && feed.items.len() > 1_000);
    assert!(feed.repairs.contains(&"kept what could be unpacked"));
}

#[test]
fn items_that_never_end_are_as_many_as_begin() {
    let items: String = (0..500)
        .map(|n| format!("<item><title>{n}</title><b>"))
        .collect();
    let feed = parsed(&format!(
        "<rss version='2.0'><channel>{items}</channel></rss>"
    ));
    assert_eq!(feed.items.len(), 500);
}

#[test]
fn a_document_that_holds_entries_and_gives_none_is_a_failure() {
    for document in [
        "<rss version='2.0'><channel><item><title>cut",
        "<rss><!-- <item> --></rss>",
    ] {
        assert_eq!(
            guarded(document.as_bytes(), &source()),
            Err(ParseError::EntriesLost)
        );
    }
}

#[test]
fn a_link_that_would_run_is_no_link() {
    for link in ["javascript:alert(1)", " JavaScript:x", "data:text/html,x"] {
        let feed = parsed(&format!(
            "<rss version='2.0'><channel><item><title>t</title><link>{link}</link></item></channel></rss>"
        ));
        assert_eq!(feed.items[0].url, None, "{link}");
    }
}

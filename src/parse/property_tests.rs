use jiff::tz::TimeZone;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{ParseError, Parsed, Source, parse};
use crate::item::Item;

const RSS: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/">
<channel><title>Harbour &amp; Hill</title><link>https://news.example/</link><image><title>no</title></image>
<item><title><![CDATA[Ferry <b>runs</b> again]]></title><link>https://news.example/1</link><guid isPermaLink="false">n-1</guid>
<pubDate>Mon, 23 Nov 2026 14:05:00 +0900</pubDate><description>First boat &lt;br&gt; at six</description></item>
<item><title>항구 축제 열려</title><link>/2</link><dc:date>2026-11-22</dc:date><content:encoded><![CDATA[<p>불꽃놀이</p>]]></content:encoded></item>
<item><title>Market & fair<description>Stalls <i>open</description><guid>n-3</guid></item>
</channel></rss>"#;

const ATOM: &str = r#"<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://news.example/a/" xml:lang="ja"><title>丘の便り</title>
<entry xml:lang="ko"><id>urn:a:1</id><title type="html">&lt;i&gt;渡し船&lt;/i&gt;が再開</title><link href="1"/><updated>2026-11-23T05:05:00Z</updated>
<author><name>記者</name></author><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>六時 &lt; 七時</p></div></content></entry>
<entry><id>urn:a:2</id><title>祭り</title><link rel="alternate" href="2"/><published>2026年11月22日</published><summary>花火</summary></entry></feed>"#;

const RDF: &str = r#"<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
<channel rdf:about="https://news.example/"><title>Холм</title><items><rdf:Seq><rdf:li resource="x"/></rdf:Seq></items></channel>
<item rdf:about="urn:r:1"><title>Паром снова ходит</title><link>https://news.example/r/1</link></item>
<item rdf:about="urn:r:2"><title>Ярмарка &nbsp; открыта</title><link>https://news.example/r/2</link></item></rdf:RDF>"#;

const JSON: &str = r#"{"version":"https://jsonfeed.org/version/1.1","title":"Hill","home_page_url":"https://news.example/","items":[
{"id":"j1","url":"/j/1","title":"Ferry {runs} again","content_html":"<p>At \"six\"</p>","tags":["sea"],"date_published":"2026-11-23T05:05:00Z"},
{"id":2,"title":"Fair","content_text":"Stalls [open]","authors":[{"name":"A. Writer"}]}]}"#;

const SITEMAP: &str = r#"<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">
<url><loc>https://news.example/s/1</loc><lastmod>2026-11-23</lastmod><news:news><news:publication><news:name>Hill</news:name></news:publication>
<news:publication_date>2026-11-23T14:05:00+09:00</news:publication_date><news:title>항구 축제 &amp; 장터</news:title></news:news></url>
<url><loc>/s/2/ferry-runs-again-after-storm</loc></url></urlset>"#;

const DOCUMENTS: [&str; 5] = [RSS, ATOM, RDF, JSON, SITEMAP];

fn read(bytes: &[u8]) -> Result<Parsed, ParseError> {
    parse(
        bytes,
        &Source {
            select: None,
            content_type: None,
            url: Some("https://news.example/feed"),
            zone: TimeZone::UTC,
            max_bytes: 1 << 20,
        },
    )
}

/// Bytes that an item holds, but its addresses, which a base makes longer than they were written.
fn weight(item: &Item) -> usize {
    let optional = [&item.guid, &item.content_html, &item.author];
    let categories: usize = item.categories.iter().map(String::len).sum();
    let optional: usize = optional.into_iter().flatten().map(String::len).sum();
    item.title.len() + item.summary.len() + categories + optional
}

#[track_caller]
fn holds(bytes: &[u8]) {
    let Ok(parsed) = read(bytes) else { return };
    let weight: usize = parsed.items.iter().map(weight).sum();
    // A byte of a single-byte charset takes up to three, and text is kept with and without markup.
    assert!(
        weight <= 12 * bytes.len(),
        "{weight} from {} bytes",
        bytes.len()
    );
    for item in &parsed.items {
        assert!(item.has_identity(), "{item:?}");
        let address = item.url.as_ref().map_or(0, String::len);
        assert!(address <= 2_100 + 12 * bytes.len(), "{address}");
    }
}

#[derive(Debug, Clone)]
enum Change {
    Cut(Index),
    Flip(Index, u8),
    Delete(Index, usize),
    Repeat(Index, usize),
    Insert(Index, &'static str),
    Widen,
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let piece = |at: &Index, len: usize| {
            let at = at.index(bytes.len());
            at..(at + len).min(bytes.len())
        };
        match self {
            Self::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Self::Flip(at, with) => {
                let at = at.index(bytes.len());
                bytes[at] ^= with;
            }
            Self::Delete(at, len) => {
                bytes.drain(piece(at, *len));
            }
            Self::Repeat(at, len) => {
                let piece = piece(at, *len);
                let again = bytes[piece.clone()].to_vec();
                bytes.splice(piece.end..piece.end, again);
            }
            Self::Insert(at, token) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, token.bytes());
            }
            Self::Widen => {
                let text = String::from_utf8_lossy(bytes);
                *bytes = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
            }
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    let at = || any::<Index>();
    prop_oneof![
        at().prop_map(Change::Cut),
        (at(), 1..=255_u8).prop_map(|(at, with)| Change::Flip(at, with)),
        (at(), 1..80_usize).prop_map(|(at, len)| Change::Delete(at, len)),
        (at(), 1..400_usize).prop_map(|(at, len)| Change::Repeat(at, len)),
        (at(), select(TOKENS.to_vec())).prop_map(|(at, token)| Change::Insert(at, token)),
        Just(Change::Widen),
    ]
}

const TOKENS: [&str; 26] = [
    "<",
    ">",
    "&",
    "\"",
    "<item>",
    "</item>",
    "<entry>",
    "</entry>",
    "<url>",
    "</url>",
    "<title>",
    "</title>",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<?xml version=\"1.0\" encoding=\"euc-kr\"?>",
    "<a href='",
    "&#0;",
    "&#x110000;",
    "&nope;",
    "\0",
    "</channel>",
    " xml:base='../'",
    "<!DOCTYPE x [<!ENTITY a \"b\">]>",
    "{\"items\":[",
];

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        holds(&bytes);
    }

    #[test]
    fn any_damage_is_survived(
        document in select(DOCUMENTS.to_vec()),
        changes in proptest::collection::vec(change(), 1..5),
    ) {
        let mut bytes = document.as_bytes().to_vec();
        changes.iter().for_each(|it| it.apply(&mut bytes));
        holds(&bytes);
    }

    #[test]
    fn what_is_cut_off_gives_its_whole_items_and_no_others(
        document in select(DOCUMENTS.to_vec()),
        at in any::<Index>(),
    ) {
        let whole = read(document.as_bytes()).expect("a feed").items;
        let cut = &document.as_bytes()[..at.index(document.len())];
        let text = String::from_utf8_lossy(cut);
        let ended = ["</item>", "</entry>", "</url>"].iter().map(|it| text.matches(it).count()).sum::<usize>();
        let items = read(cut).map_or_else(|_| Vec::new(), |it| it.items);
        prop_assert_eq!(&items[..], &whole[..items.len()]);
        prop_assert!(document == JSON || items.len() == ended, "{} of {ended}", items.len());
    }

    #[test]
    fn damage_never_reaches_the_items_before_it(at in any::<Index>(), token in select(TOKENS.to_vec())) {
        let whole = read(RSS.as_bytes()).expect("a feed").items;
        let first = RSS.find("</item>").expect("an item") + "</item>".len();
        let at = first + at.index(RSS.len() - first);
        let at = (first..=at).rev().find(|at| RSS.is_char_boundary(*at)).expect("a boundary");
        let damaged = [&RSS[..at], token, &RSS[at..]].concat();
        let items = read(damaged.as_bytes()).expect("a feed").items;
        prop_assert_eq!(items.first(), whole.first());
    }
}

use jiff::Timestamp;
use jiff::tz::TimeZone;
use quick_xml::Reader;
use quick_xml::events::Event;

use super::{Entry, Publication, atom, json_feed};
use crate::parse::{Kind, Source, parse};

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn publication() -> Publication {
    let entry = |key: &str, title: &str, url: Option<&str>| Entry {
        key: key.to_owned(),
        title: title.to_owned(),
        url: url.map(str::to_owned),
        summary: "why: \"new\" & <b>told</b>\u{1b}[31m\u{202e}".to_owned(),
        author: "가람통신".to_owned(),
        language: Some("ko".to_owned()),
        categories: vec!["state".to_owned(), "a\"b<".to_owned()],
        published_at: at("2026-03-02T00:41:00Z"),
        updated_at: at("2026-03-02T00:48:00Z"),
    };
    Publication {
        key: "topic us-dprk-summit".to_owned(),
        title: "US–DPRK summit & \u{0}talks".to_owned(),
        self_url: Some("http://127.0.0.1:8787/topics/x.atom?a=1&b=2".to_owned()),
        home_url: Some("http://127.0.0.1:8787/".to_owned()),
        entries: vec![
            entry(
                "1",
                "북미 “5월 12일” <script>alert(1)</script>",
                Some("https://garam.example/a?b=1&c=2"),
            ),
            entry("2", "]]> &amp; \u{ffff}", Some("javascript:alert(1)")),
            entry("3", &"길".repeat(400_000), None),
        ],
        now: at("2026-03-10T00:00:00Z"),
    }
}

/// Elements below the root as `parent/name` in document order, `entry` opening a new list.
fn structure(xml: &str) -> Vec<Vec<String>> {
    let mut reader = Reader::from_str(xml);
    let mut path: Vec<String> = Vec::new();
    let mut lists = vec![Vec::new()];
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(it) => {
                let name = it.name().as_ref().to_owned();
                if name == "entry" {
                    lists.push(Vec::new());
                } else if path.len() <= 2 && name != "feed" {
                    lists.last_mut().expect("a list").push(name.clone());
                }
                path.push(name);
            }
            Event::Empty(it) => {
                let relation = it.try_get_attribute("rel").expect("attributes");
                let relation = relation.map(|it| it.value.into_owned());
                let name = it.name().as_ref().to_owned();
                let name = relation.map_or(name.clone(), |it| format!("{name} {it}"));
                lists.last_mut().expect("a list").push(name);
            }
            Event::End(_) => drop(path.pop()),
            Event::Eof => break,
            _ => {}
        }
    }
    assert!(path.is_empty());
    lists
}

#[test]
fn atom_has_what_the_standard_demands() {
    let xml = atom(&publication());
    let lists = structure(&xml);
    let count = |list: &[String], name: &str| list.iter().filter(|it| *it == name).count();
    // RFC 4287, 4.1.1: exactly one id, title and updated; one self link; an author in every entry.
    for name in ["id", "title", "updated", "link self", "link alternate"] {
        assert_eq!(count(&lists[0], name), 1, "{name}");
    }
    assert_eq!(lists.len(), 4);
    for entry in &lists[1..] {
        for name in ["id", "title", "updated", "author"] {
            assert_eq!(count(entry, name), 1, "{name}");
        }
        let (links, contents) = (count(entry, "link alternate"), count(entry, "content"));
        assert!(links == 1 || contents == 1);
    }
    assert!(!xml.contains("javascript:") && !xml.contains("<script") && !xml.contains('\u{1b}'));
    assert!(xml.len() < 50_000);
}

#[test]
fn ids_are_unique_and_do_not_change() {
    let ids = |xml: &str| -> Vec<String> {
        let ids = xml
            .lines()
            .filter_map(|it| it.strip_prefix("<id>")?.strip_suffix("</id>"));
        ids.map(str::to_owned).collect()
    };
    let mut first = ids(&atom(&publication()));
    assert_eq!(first[0], "urn:uuid:3f7040f6-9761-81a6-9380-830eb3272a1a");
    assert_eq!(first, ids(&atom(&publication())));
    first.dedup();
    assert_eq!(first.len(), 4);
}

#[track_caller]
fn reads_back(bytes: &[u8], content_type: &str, kind: Kind) {
    let source = Source {
        content_type: Some(content_type),
        url: None,
        zone: TimeZone::UTC,
        select: None,
        max_bytes: 1 << 20,
    };
    let parsed = parse(bytes, &source).expect("a feed");
    assert_eq!(
        (parsed.kind, parsed.repairs.as_slice()),
        (kind, [].as_slice())
    );
    assert_eq!(parsed.items.len(), 3);
    let item = &parsed.items[0];
    // Readers of Atom take markup out of titles, also where they are plain text.
    assert!(item.title.starts_with("북미 “5월 12일”"), "{}", item.title);
    assert_eq!(item.url.as_deref(), Some("https://garam.example/a?b=1&c=2"));
    assert_eq!(item.published_at(), Some(at("2026-03-02T00:41:00Z")));
    assert_eq!(item.language.as_deref(), Some("ko"));
}

#[test]
fn our_parser_reads_what_we_write_without_a_repair() {
    reads_back(
        atom(&publication()).as_bytes(),
        "application/atom+xml",
        Kind::Atom,
    );
    let json = json_feed(&publication()).to_string();
    reads_back(json.as_bytes(), "application/feed+json", Kind::Json);
}

#[test]
fn feed_rs_reads_what_we_write() {
    let json = json_feed(&publication()).to_string();
    for text in [atom(&publication()), json] {
        let feed = feed_rs::parser::parse(text.as_bytes()).expect("a feed");
        assert_eq!(feed.entries.len(), 3);
        assert_eq!(feed.entries[0].authors[0].name.as_deref(), Some("가람통신"));
        assert_eq!(
            feed.entries[1].title.as_ref().expect("a title").content,
            "]]> &amp; \u{fffd}"
        );
    }
}

#[test]
fn a_feed_without_entries_is_one_too() {
    let empty = Publication {
        entries: Vec::new(),
        self_url: None,
        ..publication()
    };
    assert!(atom(&empty).contains("<updated>2026-03-10T00:00:00Z</updated>"));
    assert_eq!(json_feed(&empty)["items"], serde_json::json!([]));
}

//! The text of articles: whose page is read, what it changes, and what its failures cost.

use crate::world::World;
use crate::world::document::{HEADLINES, entry, rss};
use crate::world::server::Reply;

const SUMMIT: &str = "us-dprk-summit";
const MATCHED: &str = "full_text = \"matched\"";
const ARTICLES: &str = "SELECT state, attempts, decided, error FROM articles ORDER BY item_id";

/// A page with an article of some length that says `what`.
fn page(what: &str) -> String {
    let filler = "The morning brought rain to the coast, and the ferries kept to their timetable all the same. ";
    let paragraphs: String = (0..4)
        .map(|_| format!("<p>{}</p>", filler.repeat(4)))
        .collect();
    format!(
        "<html><head><title>The Wire</title></head><body><nav><a href=/>Home</a></nav><article><h1>News</h1>\
         <p>{what} {}</p>{paragraphs}</article></body></html>",
        filler.repeat(2)
    )
}

/// A world whose feed announces one article at the feed's own server.
fn world(title: &str, reply: Reply) -> World {
    let mut world = World::new();
    world.site.script("/story", [reply]);
    let link = world.site.url("/story");
    world
        .topic(SUMMIT)
        .feed_with("wire", MATCHED, rss(&[entry("1", title).link(&link)]));
    world
}

#[test]
fn an_item_that_nearly_matches_may_match_by_its_article() {
    let said =
        "President Trump said he would meet North Korean leader Kim Jong Un for a third summit.";
    let mut world = world(
        "Pyongyang promises Washington an answer this week",
        Reply::ok(page(said)),
    );
    world
        .poll()
        .expect_alerted(&["Pyongyang promises Washington an answer this week"]);
    world
        .expect_rows(ARTICLES, &["kept | 1 | 1 | null"])
        .expect_rows(
            "SELECT count(*) > 0 FROM matches, json_each(evidence) WHERE json_extract(value, '$.field') = 'text'",
            &["1"],
        );
    world.later("15m").poll().expect_alerts(0);
    assert_eq!(world.site.requests("/story").len(), 1);
    world.restart();
}

#[test]
fn an_item_that_matches_is_told_at_once_and_once() {
    let title = "Trump says he will meet Kim Jong Un again in Hanoi";
    let mut world = world(
        title,
        Reply::ok(page("Trump will meet Kim Jong Un in Singapore on June 12.")),
    );
    world.poll().expect_alerted(&[title]);
    world.expect_rows(ARTICLES, &["kept | 1 | 0 | null"]);
    world.expect_rows(
        "SELECT count(*) FROM items_fts WHERE items_fts MATCH 'timetable'",
        &["1"],
    );
}

#[test]
fn nobody_reads_the_pages_of_other_news_or_of_other_feeds() {
    let mut world = world(HEADLINES[0], Reply::ok(page("Nothing of note.")));
    let link = world.site.url("/other");
    world.feed(
        "plain",
        rss(&[entry("2", "Pyongyang promises Washington an answer this week").link(&link)]),
    );
    world.poll().expect_alerts(0);
    world.expect_rows(ARTICLES, &[]);
    assert!(world.site.requests("/story").is_empty() && world.site.requests("/other").is_empty());
}

#[test]
fn a_page_that_fails_is_tried_again_and_then_left() {
    let mut world = world(
        "Pyongyang promises Washington an answer this week",
        Reply::status(500),
    );
    world.poll();
    world.expect_rows(
        ARTICLES,
        &["wanted | 1 | 0 | the server answered 500 Internal Server Error"],
    );
    for _ in 0..4 {
        world.later("70m").poll();
    }
    world.expect_rows(
        ARTICLES,
        &["failed | 3 | 0 | the server answered 500 Internal Server Error"],
    );
    assert_eq!(world.site.requests("/story").len(), 3);
}

#[test]
fn a_page_that_will_never_be_an_article_is_not_tried_again() {
    for (reply, error) in [
        (Reply::status(404), "the server answered 404 Not Found"),
        (
            Reply::ok("<html><body>log in</body></html>"),
            "the page holds no article",
        ),
        (
            Reply::ok("<div>".repeat(2_000)),
            "cannot read the page: it has 2000 tags, up to 2000 deep",
        ),
    ] {
        let mut world = world("Pyongyang promises Washington an answer this week", reply);
        world.poll();
        world.expect_rows(
            "SELECT state, error FROM articles",
            &[&format!("failed | {error}")],
        );
    }
}

#[test]
fn what_a_feed_may_reach_its_links_elsewhere_may_not() {
    let mut world = World::new();
    let elsewhere = world.hooks.url("/story");
    let item = entry("1", "Pyongyang promises Washington an answer this week").link(&elsewhere);
    world
        .topic(SUMMIT)
        .feed_with("wire", MATCHED, rss(&[item]))
        .poll();
    assert!(world.hooks.requests("/story").is_empty());
    let said = world.rows("SELECT state, error FROM articles");
    assert!(said[0].contains("private address"), "{said:?}");
}

//! Sources without a feed: finding what a site has, and lists on pages.

use insta::assert_snapshot;

use crate::world::desk::Desk;
use crate::world::document::{atom, headlines, rss};
use crate::world::server::{Reply, Server};

const ALL: &str = "[[topics]]\nname = \"all\"\n";

fn discover(site: &Server, path: &str) -> crate::world::desk::Ran {
    Desk::new(ALL).run(&["feeds", "discover", &site.url(path), "--allow-private"])
}

/// What was said, without the port of this run and the widths that follow from it.
fn steady(site: &Server, said: &str) -> String {
    said.replace(&format!("127.0.0.1:{}", site.port()), "paper.example")
        .lines()
        .filter(|line| !line.starts_with('─'))
        .map(|line| {
            line.split("  ")
                .filter(|it| !it.is_empty())
                .collect::<Vec<_>>()
        })
        .map(|cells| {
            cells
                .iter()
                .map(|it| it.trim())
                .collect::<Vec<_>>()
                .join(" | ")
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_feeds_a_page_announces_are_read_before_they_are_named() {
    let site = Server::start();
    let page = "<html><head><title>The Paper</title><link rel=alternate type='application/rss+xml' href='/rss'>\
                <link rel=alternate type='application/atom+xml' href='/dead'></head><body>news</body></html>";
    site.script("/", [Reply::ok(page)]);
    site.script("/rss", [Reply::ok(rss(&headlines(3)))]);
    site.script("/dead", [Reply::status(404)]);
    site.script(
        "/robots.txt",
        [Reply::ok(format!(
            "User-agent: *\nSitemap: {}\n",
            site.url("/more")
        ))],
    );
    site.script("/more", [Reply::ok(atom(&headlines(2)))]);
    let said = discover(&site, "/").well();
    assert_snapshot!(steady(&site, &said), @r#"
    url | kind | title | language | entries | newest | how
    http://paper.example/rss | rss2 | Wire | 3 | 2026-06-01T08:50:00Z | announced by the page
    http://paper.example/more | atom | Wire | 2 | 2026-06-01T08:50:00Z | named in robots.txt

    To watch the first, add to the configuration:

    [[feeds]]
    name = "127-0-0-1"
    url = "http://paper.example/rss"
    outlet = "Wire"
    allow_private = true
    "#);
}

#[test]
fn a_site_that_announces_nothing_is_asked_at_its_links_and_the_usual_places() {
    let site = Server::start();
    site.script(
        "/",
        [Reply::ok(
            "<html><body><a href='/news/rss.xml'>RSS</a></body></html>",
        )],
    );
    site.script("/news/rss.xml", [Reply::ok(rss(&headlines(1)))]);
    let said = discover(&site, "/").well();
    assert!(said.contains("linked from the page"), "{said}");
    let quiet = Server::start();
    quiet.script("/", [Reply::ok("<html><body>welcome</body></html>")]);
    quiet.script("/feed.xml", [Reply::ok(rss(&headlines(1)))]);
    let said = discover(&quiet, "/").well();
    assert!(said.contains("found at a usual place"), "{said}");
}

#[test]
fn a_feed_is_found_at_its_own_address_and_a_site_without_one_says_so() {
    let site = Server::start();
    site.script("/feed", [Reply::ok(rss(&headlines(1)))]);
    assert!(discover(&site, "/feed").well().contains("given"));
    let bare = Server::start();
    bare.script("/", [Reply::ok("<html><body>welcome</body></html>")]);
    let ran = discover(&bare, "/");
    assert_eq!(ran.status, 1);
    assert_snapshot!(steady(&bare, &ran.err), @r#"error: http://paper.example/: no feed and no news sitemap was found; a list on a page can be polled with kind = "html""#);
    assert!(bare.n_requests() <= 24, "{} requests", bare.n_requests());
}

#[test]
fn addresses_inside_the_network_are_not_asked_unless_that_is_meant() {
    let site = Server::start();
    let ran = Desk::new(ALL).run(&["feeds", "discover", &site.url("/")]);
    assert_eq!((ran.status, site.n_requests()), (1, 0));
    assert_snapshot!(steady(&site, &ran.err), @"error: http://paper.example/: 127.0.0.1 is a private address; give --allow-private if that is meant");
}

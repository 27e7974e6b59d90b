//! Sources without a feed: finding what a site has, and lists on pages.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use insta::assert_snapshot;

use crate::world::World;
use crate::world::desk::Desk;
use crate::world::document::{HEADLINES, atom, entry, headlines, news_sitemap, rss, sitemap_index};
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

#[test]
fn a_list_on_a_page_is_a_feed_like_others() {
    let page = |entries: &[(&str, &str)]| {
        let items: String = entries
            .iter()
            .map(|(id, title)| {
                format!("<li><a href=\"/view?id={id}\">{title}</a><i>2026-06-01 08:{id}</i></li>")
            })
            .collect();
        format!("<html><body><ul id=board>{items}</ul></body></html>")
    };
    let keys = "kind = \"html\"\nselect = { item = \"#board li\", date = \"i\" }\nzone = \"UTC\"";
    let mut world = World::new();
    let first = [("30", HEADLINES[0]), ("31", HEADLINES[1])];
    world
        .feed_with("board", keys, page(&first))
        .poll()
        .expect_new(2)
        .expect_alerts(2);
    let later = [("41", HEADLINES[2]), first[0], first[1]];
    world
        .later("15m")
        .shows("board", page(&later))
        .poll()
        .expect_new(1)
        .expect_alerts(1);
    world.expect_rows(
        "SELECT title, published_at FROM items WHERE id = 3",
        &[&format!("{} | 2026-06-01T08:41:00Z", HEADLINES[2])],
    );
    // The page is built anew, under other names: that is said, and what was seen stays seen.
    world
        .later("15m")
        .shows("board", page(&later).replace("board", "notices"))
        .poll()
        .expect_new(0);
    world.expect_rows(
        "SELECT error_class, error FROM fetches ORDER BY id DESC LIMIT 1",
        &["not-a-feed | no entry of the page has a link and a title under the feed's selectors; the page may have changed"],
    );
}

#[test]
fn a_news_sitemap_is_a_feed_like_others() {
    let mut world = World::new();
    let first = headlines(2);
    world
        .feed_with("map", "kind = \"sitemap\"", news_sitemap(&first))
        .poll()
        .expect_new(2)
        .expect_alerts(2);
    let later = entry("new", HEADLINES[4]).published("2026-06-01T09:10:00Z");
    let later = [vec![later], first.clone()].concat();
    world
        .later("15m")
        .shows("map", news_sitemap(&later))
        .poll()
        .expect_new(1)
        .expect_alerts(1);
    let edited = later[0]
        .clone()
        .title("Glacier survey maps eighteen hidden lakes");
    let edited = [vec![edited], first].concat();
    world
        .later("15m")
        .shows("map", news_sitemap(&edited))
        .poll()
        .expect_new(0);
    assert_eq!(world.report("map").revised, 1);
    world.expect_rows(
        "SELECT guid, url, title, published_at FROM items ORDER BY id DESC LIMIT 1",
        &["null | https://wire.example/news/new | Glacier survey maps eighteen hidden lakes | 2026-06-01T09:10:00Z"],
    );
    let alerts = world.number("SELECT count(*) FROM alerts") - 3;
    world.expect_alerts(alerts);
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("memory");
    encoder.finish().expect("memory")
}

/// A feed `map` that is an index of the sitemaps at these paths.
fn index_of(world: &mut World, paths: &[&str]) {
    let urls: Vec<String> = paths.iter().map(|it| world.site.url(it)).collect();
    world.feed("map", sitemap_index(&urls));
}

#[test]
fn an_index_gives_what_its_sitemaps_hold_and_never_hides_what_they_add() {
    let mut world = World::new();
    index_of(&mut world, &["/a.xml", "/b.xml.gz"]);
    let (a, b) = (headlines(2), headlines(3));
    world.shows("a.xml", news_sitemap(&a));
    world.shows("b.xml.gz", gzip(&news_sitemap(&b)));
    world.poll().expect_new(3).expect_alerts(3);
    // Nothing changed, and no validator could say so: all were asked.
    world.later("15m").poll().expect_new(0);
    assert_eq!(world.visits("b.xml.gz").len(), 2);
    assert_eq!(world.report("map").entries, 0);
    let b = [
        vec![entry("new", HEADLINES[6]).published("2026-06-01T09:20:00Z")],
        b,
    ]
    .concat();
    world
        .later("15m")
        .shows("b.xml.gz", gzip(&news_sitemap(&b)))
        .poll()
        .expect_new(1)
        .expect_alerts(1);
}

#[test]
fn of_an_index_the_sitemaps_of_news_are_read_and_no_more_than_three() {
    let mut world = World::new();
    let paths = ["/1", "/news-1", "/news-2", "/news-3", "/news-4", "/2"];
    index_of(&mut world, &paths);
    for path in &paths {
        world.shows(&path[1..], news_sitemap(&headlines(1)));
    }
    world.poll().expect_new(1).expect_alerts(1);
    let asked: Vec<usize> = paths
        .iter()
        .map(|it| world.visits(&it[1..]).len())
        .collect();
    assert_eq!(asked, [0, 0, 1, 1, 1, 0]);
}

#[test]
fn a_sitemap_that_fails_costs_its_index_no_news_and_all_that_fail_are_a_failure() {
    let mut world = World::new();
    index_of(&mut world, &["/a.xml", "/b.xml"]);
    world.shows("a.xml", news_sitemap(&headlines(2)));
    world.answers("b.xml", Reply::status(500));
    world.poll().expect_new(2).expect_alerts(2);
    assert_eq!(
        world.report("map").repairs,
        ["passed over a sitemap of the index that could not be read"]
    );
    let deeper = sitemap_index(&[world.site.url("/c.xml")]);
    world
        .later("15m")
        .shows("a.xml", &deeper)
        .shows("b.xml", &deeper)
        .poll()
        .expect_new(0);
    let said = world.rows("SELECT error_class, error FROM fetches ORDER BY id DESC LIMIT 1");
    let said = said[0].replace(&world.site.url(""), "https://paper.example");
    assert_eq!(
        said,
        "not-a-feed | an index of sitemaps within an index is not followed (a sitemap of the index, https://paper.example/b.xml)"
    );
    assert!(world.visits("c.xml").is_empty());
}

#[test]
fn an_index_does_not_lead_to_other_hosts() {
    let mut world = World::new();
    let other = format!("http://localhost:{}/a.xml", world.site.port());
    world
        .feed("map", sitemap_index(&[other]))
        .poll()
        .expect_new(0);
    assert!(world.visits("a.xml").is_empty());
    world.expect_rows(
        "SELECT error_class, error FROM fetches",
        &["not-a-feed | the sitemap index names no sitemap of its own host"],
    );
}

#[test]
fn an_index_in_robots_txt_is_resolved_to_its_sitemap_of_news() {
    let site = Server::start();
    let robots = format!(
        "Sitemap: {}\nSitemap: {}\n",
        site.url("/pages.xml"),
        site.url("/index.xml.gz")
    );
    let pages =
        "<urlset><url><loc>https://paper.example/ferry-runs-again-after-storm</loc></url></urlset>";
    let index = sitemap_index(&[site.url("/archive.xml"), site.url("/news.xml")]);
    site.script("/", [Reply::ok("<html><body>welcome</body></html>")]);
    site.script("/robots.txt", [Reply::ok(robots)]);
    site.script("/pages.xml", [Reply::ok(pages)]);
    site.script("/index.xml.gz", [Reply::ok(gzip(&index))]);
    site.script("/news.xml", [Reply::ok(news_sitemap(&headlines(2)))]);
    let said = discover(&site, "/").well();
    let said = steady(&site, &said);
    let listed: Vec<&str> = said.lines().take(3).collect();
    assert_snapshot!(listed.join("\n"), @"
    url | kind | title | language | entries | newest | how
    http://paper.example/news.xml | sitemap | Wire | 2 | 2026-06-01T08:50:00Z | named in robots.txt
    http://paper.example/pages.xml | sitemap | 1 | named in robots.txt
    ");
    assert!(site.requests("/archive.xml").is_empty());
}

use crate::world::World;
use crate::world::document::*;
use crate::world::server::Reply;

fn show(what: &str, polls: Vec<String>) {
    let mut world = World::new();
    world.feed("wire", "");
    println!("== {what}");
    let mut before = 0;
    for document in polls {
        world.shows("wire", document).poll().later("30m");
        let n = world.number("SELECT count(*) FROM alerts");
        let items = world.number("SELECT count(*) FROM items");
        println!("   alerts +{} items {items}", n - before);
        before = n;
    }
    world.expect_alerts(before);
}

#[test]
fn scratch() {
    show(
        "one item at a time under one guid",
        vec![
            rss(&[entry("1", HEADLINES[0]).guid("x")]),
            rss(&[entry("2", HEADLINES[1]).guid("x")]),
            rss(&[entry("3", HEADLINES[2]).guid("x")]),
        ],
    );
    show(
        "one link, new guid and title (section page)",
        vec![
            rss(&[entry("1", HEADLINES[0]).link("https://w.example/live")]),
            rss(&[entry("2", HEADLINES[1]).link("https://w.example/live")]),
            rss(&[entry("3", HEADLINES[2]).link("https://w.example/live")]),
        ],
    );
    show(
        "guid equal to section link then other",
        vec![
            rss(&[entry("1", HEADLINES[0])
                .no_guid()
                .link("https://w.example/live")]),
            rss(&[entry("2", HEADLINES[1])
                .no_guid()
                .link("https://w.example/live")]),
        ],
    );
    show(
        "shared guid doc then alone",
        vec![
            rss(&[
                entry("1", HEADLINES[0]).guid("x"),
                entry("2", HEADLINES[1]).guid("x"),
            ]),
            rss(&[entry("3", HEADLINES[2]).guid("x")]),
            rss(&[entry("4", HEADLINES[3]).guid("x")]),
        ],
    );
    show(
        "google news: both change",
        vec![
            rss(&[entry("1", HEADLINES[0])]),
            rss(&[entry("2", HEADLINES[0])]),
            rss(&[entry("3", HEADLINES[0])]),
        ],
    );
    show(
        "equal long titles, other link and guid, other summary",
        vec![rss(&[
            entry(
                "1",
                "Watch live: the ministry briefs reporters this morning",
            ),
            entry(
                "2",
                "Watch live: the ministry briefs reporters this morning",
            ),
        ])],
    );
    show(
        "neither guid nor link, headline edited",
        vec![
            rss(&[entry("1", HEADLINES[0]).no_guid().no_link()]),
            rss(&[entry("1", "Harbour pilots count several stranded barges")
                .no_guid()
                .no_link()]),
        ],
    );
    show(
        "no guid no link no date",
        vec![
            rss(&[entry("1", HEADLINES[0]).no_guid().no_link().no_date()]),
            rss(&[entry("1", HEADLINES[0]).no_guid().no_link().no_date()]),
        ],
    );
    show(
        "no guid no link, date moves a day",
        vec![
            rss(&[entry("1", HEADLINES[0]).no_guid().no_link()]),
            rss(&[entry("1", HEADLINES[0])
                .no_guid()
                .no_link()
                .published("2026-05-31T23:50:00Z")]),
        ],
    );
}

#[test]
fn scratch_load() {
    let mut world = World::new();
    world
        .feed("wire", rss(&[entry("1", HEADLINES[0])]))
        .poll()
        .expect_alerts(1);
    world.feed("other", "").restart();
    world.shows(
        "other",
        rss(&[
            entry("2", "Eleven stranded barges counted by harbour pilots")
                .link("https://o.example/2"),
        ]),
    );
    world.tamper("ALTER TABLE story_items RENAME TO hidden");
    println!("{:?}", world.try_poll());
    world.tamper("ALTER TABLE hidden RENAME TO story_items");
    world.poll();
    println!("alerts {:?}", world.number("SELECT count(*) FROM alerts"));
    let n = world.number("SELECT count(*) FROM alerts");
    world.expect_alerts(n - 1);
}

#[test]
fn scratch_echo() {
    let mut world = World::new();
    let url = world.hooks.url("/services/PLANTED-SECRET");
    world.only_channel(
        "desk",
        &format!("kind=\"webhook\"\nurl=\"{url}\"\nallow_private=true"),
    );
    world.hooks.script(
        "/services/PLANTED-SECRET",
        [Reply::status(404).body("Cannot POST /services/PLANTED-SECRET")],
    );
    world
        .feed("wire", rss(&[entry("1", HEADLINES[0])]))
        .poll()
        .expect_alerts(1)
        .deliver();
    println!(
        "{:?}",
        world.rows("SELECT state, last_error FROM deliveries")
    );
}
#[test]
fn scratch_clock() {
    let mut world = World::new();
    world
        .at("2031-01-01T00:00:00Z")
        .feed(
            "wire",
            rss(&[entry("1", HEADLINES[0]).published("2030-12-31T23:00:00Z")]),
        )
        .poll()
        .expect_alerts(1);
    world.at("2026-06-01T09:30:00Z").deliver();
    println!(
        "{:?}",
        world.rows("SELECT state, next_attempt_at, attempts FROM deliveries")
    );
    world.restart().deliver();
    println!(
        "{:?}",
        world.rows("SELECT state, next_attempt_at, attempts FROM deliveries")
    );
    println!("late news after clock came back");
    world.shows("wire", rss(&headlines(2))).poll();
    println!("{:?}", world.rows("SELECT title, standing FROM items"));
    let n = world.number("SELECT count(*) FROM alerts");
    world.expect_alerts(n - 1);
}

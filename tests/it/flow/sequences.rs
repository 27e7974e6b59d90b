//! What feeds do over days: each sequence is a document a poll, half an hour apart, with the number
//! of alerts that may come of it. No sequence may repeat itself or lose anything.

use crate::world::World;
use crate::world::document::{
    ERROR_PAGE, Entry, HEADLINES, atom, encoded, entry, headlines, json_feed, rss, rss_in,
};
use crate::world::server::Reply;

#[track_caller]
fn check(polls: impl IntoIterator<Item = (impl AsRef<[u8]>, i64)>) {
    let mut world = World::new();
    world.feed("wire", "");
    for (document, alerts) in polls {
        world
            .shows("wire", document)
            .poll()
            .expect_alerts(alerts)
            .later("30m");
    }
}

#[test]
fn reordered_items_are_not_new() {
    let mut backwards = headlines(5);
    backwards.reverse();
    check([
        (rss(&headlines(5)), 5),
        (rss(&backwards), 0),
        (rss(&headlines(5)), 0),
    ]);
}

#[test]
fn a_feed_emptied_and_refilled_brings_nothing() {
    check([
        (rss(&headlines(5)), 5),
        (rss(&[]), 0),
        (rss(&headlines(5)), 0),
    ]);
}

#[test]
fn older_items_that_surface_are_new_only_where_they_were_never_seen() {
    let all = headlines(8);
    check([(rss(&all[..5]), 5), (rss(&all[3..]), 3), (rss(&all), 0)]);
}

#[test]
fn guids_that_change_their_scheme_host_and_slash_are_the_same() {
    let document = |guid: &str| rss(&[entry("1", HEADLINES[0]).guid(guid).no_link()]);
    check([
        (document("http://wire.example/news/1"), 1),
        (document("https://wire.example/news/1"), 0),
        (document("https://www.wire.example/news/1"), 0),
        (document("https://www.wire.example/news/1/"), 0),
        (document("https://www.wire.example/news/1#3"), 0),
    ]);
}

#[test]
fn guids_that_are_dice_are_seen_through() {
    let document = |roll: u32| {
        let entries: Vec<Entry> = headlines(3)
            .into_iter()
            .enumerate()
            .map(|(at, it)| it.guid(&format!("{roll}-{at}")))
            .collect();
        rss(&entries)
    };
    check([
        (document(1), 3),
        (document(2), 0),
        (document(3), 0),
        (document(1), 0),
    ]);
}

#[test]
fn items_under_one_guid_are_all_told_once() {
    let same =
        |n: usize| -> Vec<Entry> { headlines(n).into_iter().map(|it| it.guid("item")).collect() };
    check([
        (rss(&same(4)), 4),
        (rss(&same(5)), 1),
        (rss(&same(5)[1..]), 0),
        (rss(&same(5)[4..]), 0),
    ]);
}

#[test]
fn an_edited_headline_without_a_guid_is_known_by_its_address() {
    let document = |title: &str| rss(&[entry("1", title).no_guid()]);
    check([
        (document(HEADLINES[0]), 1),
        (document("Harbour: eleven barges, says pilot"), 0),
    ]);
}

#[test]
fn addresses_with_a_rotating_token_do_not_repeat_the_news() {
    let document = |token: u32| {
        let link = format!("https://wire.example/read?v={token}");
        rss(&[entry("1", HEADLINES[0]).no_guid().link(&link)])
    };
    check([(document(1), 1), (document(2), 0), (document(3), 0)]);
}

#[test]
fn an_item_with_neither_guid_nor_link_survives_an_edited_body() {
    let document = |summary: &str| {
        rss(&[entry("1", HEADLINES[0])
            .no_guid()
            .no_link()
            .summary(summary)])
    };
    check([
        (document("Nine so far."), 1),
        (document("Ten so far, and counting."), 0),
        (document(""), 0),
    ]);
}

#[test]
fn moving_and_absurd_dates_repeat_nothing_and_stop_nothing() {
    let dated = |at: &str| entry("1", HEADLINES[0]).published(at);
    let with = |first: Entry, n: usize| {
        let mut entries = headlines(n);
        entries.remove(0);
        entries.push(first);
        rss(&entries)
    };
    check([
        (rss(&[dated("2026-06-01T08:00:00Z")]), 1),
        (with(dated("2026-06-01T09:20:00Z"), 2), 1),
        (with(dated("2041-01-01T00:00:00Z"), 3), 1),
        (with(dated("1970-01-01T00:00:00Z"), 4), 1),
        (with(entry("1", HEADLINES[0]).no_date(), 5), 1),
    ]);
}

#[test]
fn an_item_that_returns_after_two_months_is_known() {
    let mut world = World::new();
    world
        .feed("wire", rss(&headlines(2)))
        .poll()
        .expect_alerts(2);
    world.later("1d").shows("wire", rss(&[])).poll();
    world
        .later("60d")
        .shows("wire", rss(&headlines(2)))
        .poll()
        .expect_new(0)
        .expect_alerts(0);
}

#[test]
fn the_item_a_truncation_cut_is_told_once() {
    let whole = rss(&headlines(4));
    let cut = |at: usize| &whole[..whole.find(HEADLINES[at]).expect("an item") + 9];
    check([(&whole[..], 4), (cut(2), 0), (&whole, 0)]);
    check([
        (cut(1), 1),
        (cut(3), 2),
        (&whole, 1),
        (cut(2), 0),
        (&whole, 0),
    ]);
}

#[test]
fn identity_does_not_depend_on_how_the_document_was_read() {
    let korean =
        |id: &str, title: &str| entry(id, title).guid(&format!("https://wire.example/news/{id}"));
    let entries = [
        korean("1", "항만 도선사들, 좌초한 바지선 집계"),
        korean("2", "과수 농가 이른 서리 걱정"),
    ];
    let good = rss(&entries);
    let malformed = good
        .replace("</title><link>", "</titel><link>")
        .replace("News of the wire", "News & views");
    let declared = |charset: &str| encoded(charset, &rss_in(charset, &entries));
    check([
        (good.clone().into_bytes(), 2),
        (malformed.into_bytes(), 0),
        (declared("euc-kr"), 0),
        (declared("utf-16le"), 0),
        (atom(&entries).into_bytes(), 0),
        (json_feed(&entries).into_bytes(), 0),
        (good.into_bytes(), 0),
    ]);
}

#[test]
fn what_was_published_during_an_outage_is_told_once_after_it() {
    let mut world = World::new();
    world
        .feed("wire", rss(&headlines(2)))
        .poll()
        .expect_alerts(2);
    world.shows("wire", ERROR_PAGE);
    for _ in 0..10 {
        world.later("30m").poll().expect_alerts(0);
    }
    world.expect_rows(
        "SELECT failures, last_success_at FROM feeds",
        &["10 | 2026-06-01T09:00:00Z"],
    );
    let missed = entry("missed", HEADLINES[6]).published("2026-06-01T11:00:00Z");
    let mut entries = headlines(3);
    entries.push(missed);
    world
        .later("30m")
        .shows("wire", rss(&entries))
        .poll()
        .expect_alerts(2);
    world.later("30m").poll().expect_alerts(0);
}

#[test]
fn a_stuck_etag_hides_news_only_until_an_unconditional_visit() {
    let mut world = World::new();
    let stuck = |entries: &[Entry]| Reply::ok(rss(entries)).with("ETag", "\"stuck\"");
    world
        .feed("wire", "")
        .answers("wire", stuck(&headlines(1)))
        .poll()
        .expect_alerts(1);
    for _ in 0..400 {
        let fresh = entry("hidden", HEADLINES[7]).published(&world.now().to_string());
        world.answers("wire", stuck(&[fresh])).later("15m").poll();
        if world
            .visits("wire")
            .last()
            .is_some_and(|it| it.header("If-None-Match").is_none())
        {
            world.expect_new(1).expect_alerts(1);
            return;
        }
        world.expect_new(0);
    }
    panic!("no visit was unconditional");
}

#[test]
fn a_permanent_redirect_to_the_same_items_is_the_same_feed() {
    let mut world = World::new();
    world
        .feed("wire", rss(&headlines(3)))
        .poll()
        .expect_alerts(3);
    world.site.script("/home", [Reply::ok(rss(&headlines(4)))]);
    let moved = Reply::status(301).with("Location", world.site.url("/home"));
    world
        .later("30m")
        .answers("wire", moved)
        .poll()
        .expect_new(1)
        .expect_alerts(1);
}

#[test]
fn one_story_in_two_feeds_under_different_tracking_is_told_once() {
    let mut world = World::new();
    let under = |tracking: &str| {
        rss(&[entry("1", HEADLINES[0]).link(&format!("https://wire.example/news/1?{tracking}"))])
    };
    world
        .feed("a", under("utm_source=a&utm_campaign=x"))
        .feed("b", under("fbclid=1234"));
    world.poll().expect_new(2).expect_alerts(1);
}

#[test]
fn different_stories_under_the_same_bare_title_are_all_told() {
    for title in ["Breaking", "[속보]", "【速報】"] {
        let flash = |id: &str| entry(id, title);
        check([
            (rss(&[flash("1"), flash("2")]), 2),
            (rss(&[flash("3"), flash("1"), flash("2")]), 1),
        ]);
    }
}

#[test]
fn a_guid_that_is_used_again_for_another_article_hides_nothing() {
    let under = |id: &str, at: usize, published: &str| {
        rss(&[entry(id, HEADLINES[at])
            .guid("the-lead")
            .published(published)])
    };
    check([
        (under("1", 0, "2026-06-01T08:30:00Z"), 1),
        (under("2", 1, "2026-06-01T09:10:00Z"), 1),
        (under("2", 1, "2026-06-01T09:10:00Z"), 0),
        (under("1", 0, "2026-06-01T08:30:00Z"), 0),
    ]);
}

#[test]
fn an_address_that_follows_its_headline_is_known_by_its_guid_and_time() {
    let titled = |slug: &str, title: &str| {
        let link = format!("https://wire.example/news/{slug}");
        rss(&[entry("1", title).link(&link)])
    };
    check([
        (titled("eleven-barges", HEADLINES[0]), 1),
        (
            titled("pilots-alarmed", "Alarm among those who guide ships"),
            0,
        ),
    ]);
}

#[test]
fn posts_of_a_live_page_are_told_one_by_one() {
    let post = |id: u32, at: usize, published: &str| {
        entry("live", HEADLINES[at])
            .guid(&format!("https://wire.example/live#{id}"))
            .link("https://wire.example/live")
            .published(published)
    };
    let (first, second) = (
        post(1, 0, "2026-06-01T08:30:00Z"),
        post(2, 1, "2026-06-01T08:40:00Z"),
    );
    let third = post(3, 2, "2026-06-01T09:20:00Z");
    check([
        (rss(&[first.clone(), second.clone()]), 2),
        (rss(std::slice::from_ref(&third)), 1),
        (rss(&[third, second, first]), 0),
    ]);
}

#[test]
fn an_aggregator_that_changes_link_and_guid_at_each_fetch_repeats_nothing() {
    let mut world = World::new();
    world.feed("wire", "");
    for roll in ["CBMiaaa", "CBMibbb", "CBMiccc"] {
        let entries: Vec<Entry> = headlines(3)
            .into_iter()
            .enumerate()
            .map(|(at, it)| {
                let id = format!("{roll}{at}");
                let link = format!("https://news.google.com/rss/articles/{id}?oc=5");
                it.title(&format!("{} - The Wire", HEADLINES[at]))
                    .guid(&id)
                    .link(&link)
                    .summary(&format!("{} The Wire {roll}", HEADLINES[at]))
            })
            .collect();
        world.shows("wire", rss(&entries)).poll().later("30m");
    }
    world
        .expect_alerts(3)
        .expect_rows("SELECT count(*) FROM items", &["3"]);
}

#[test]
fn a_token_in_the_address_makes_no_second_item() {
    let mut world = World::new();
    world.feed("wire", "");
    for token in 1..5 {
        let link = format!("https://wire.example/read?v={token}");
        let item = entry("1", HEADLINES[0]).guid(&link).link(&link);
        world.shows("wire", rss(&[item])).poll().later("30m");
    }
    world
        .expect_alerts(1)
        .expect_rows("SELECT count(*) FROM items", &["1"])
        .expect_rows("SELECT DISTINCT found_by FROM aliases", &["text"]);
}

#[test]
fn dice_for_guids_do_not_fill_the_archive() {
    let mut world = World::new();
    world.feed("wire", "");
    for roll in 1..20 {
        let item = entry("1", HEADLINES[0]).guid(&format!("roll-{roll}"));
        world.shows("wire", rss(&[item])).poll().later("30m");
    }
    world
        .expect_alerts(1)
        .expect_rows("SELECT count(*), found_by FROM aliases", &["8 | url"]);
}

#[test]
fn the_same_article_with_more_in_it_elsewhere_is_told() {
    let mut world = World::new();
    let link = "https://wire.example/news/1";
    let short = entry("1", "Trump says he will meet Kim Jong Un again").link(link);
    let long = entry("x", "Trump to meet Kim Jong Un in Singapore on June 12").link(link);
    world
        .topic("us-dprk-summit")
        .feed("first", rss(std::slice::from_ref(&short)))
        .poll()
        .expect_alerts(1);
    world
        .feed("second", rss(&[long]))
        .feed("third", rss(&[short]))
        .restart();
    world.later("15m").poll().expect_alerts(1);
    world.expect_rows(
        "SELECT f.name, i.duplicate_of, si.decision FROM items i JOIN feeds f ON f.id = i.feed_id
         JOIN story_items si ON si.item_id = i.id ORDER BY f.name",
        &[
            "first | null | alert",
            "second | 1 | alert",
            "third | 1 | silent: a copy",
        ],
    );
}

#[test]
fn a_day_without_a_time_is_no_midnight() {
    // The world begins at nine; the feed was complete then, and half a fresh window is twelve hours.
    let mut world = World::new();
    let on = |day: &str| {
        let item = "<item><title>Orchard growers fear an early frost</title><link>https://wire.example/n</link>";
        format!(
            "<rss version=\"2.0\"><channel><title>W</title>{item}<pubDate>{day}</pubDate></item></channel></rss>"
        )
    };
    world.feed("wire", rss(&[])).poll();
    world.later("14h").poll();
    world
        .later("30m")
        .shows("wire", on("2026-06-01"))
        .poll()
        .expect_alerts(1);
    let mut world = World::new();
    world.feed("wire", on("2026-05-30")).poll().expect_alerts(0);
}

#[test]
fn an_undated_item_whose_address_names_an_old_day_is_history() {
    let at = |link: &str| rss(&[entry("1", HEADLINES[0]).no_date().link(link)]);
    check([(at("https://wire.example/2026/05/20/barges.html"), 0)]);
    check([(at("https://wire.example/2026/05/31/barges.html"), 1)]);
    check([(at("https://wire.example/story/barges.html"), 0)]);
    check([
        (rss(&[]), 0),
        (at("https://wire.example/story/barges.html"), 1),
    ]);
}

/// Five headlines, a quarter of an hour apart, the newest first.
fn timeline() -> Vec<Entry> {
    let dated = headlines(5).into_iter().enumerate();
    dated
        .map(|(at, it)| it.published(&format!("2026-06-01T08:{:02}:00Z", 59 - 14 * at)))
        .collect()
}

fn but_the_second() -> Vec<Entry> {
    let mut entries = timeline();
    entries.remove(1);
    entries
}

#[test]
fn what_a_feed_drops_among_older_items_is_taken_back_once() {
    let (whole, without) = (rss(&timeline()), rss(&but_the_second()));
    check([
        (&whole, 5),
        (&without, 0),
        (&without, 0),
        (&without, 1),
        (&without, 0),
        (&whole, 0),
    ]);
}

#[test]
fn what_is_told_on_in_other_words_is_not_taken_back() {
    let whole = rss(&timeline());
    let fuller = |mark: &str| {
        let mut entries = timeline();
        let title = format!("{mark} {}", HEADLINES[1]);
        entries[1] = entry("fuller", &title).published("2026-06-01T08:50:00Z");
        rss(&entries)
    };
    let marked = fuller("(2nd LD)");
    check([
        (&whole, 5),
        (&marked, 0),
        (&marked, 0),
        (&marked, 0),
        (&marked, 0),
    ]);
}

#[test]
fn what_another_feed_of_the_outlet_lists_still_is_not_taken_back() {
    let (whole, without) = (rss(&timeline()), rss(&but_the_second()));
    let mut world = World::new();
    world.feed("wire", &whole).poll().expect_alerts(5);
    // The same articles in another feed, under other guids.
    let copies: Vec<Entry> = timeline()
        .into_iter()
        .enumerate()
        .map(|(at, it)| it.guid(&format!("copy-{at}")))
        .collect();
    world
        .feed("sister", rss(&copies))
        .restart()
        .later("15m")
        .poll()
        .expect_alerts(0);
    world.shows("wire", &without);
    for _ in 0..4 {
        world.later("30m").poll().expect_alerts(0);
    }
    // It leaves there as well.
    let fewer: Vec<Entry> = copies
        .into_iter()
        .enumerate()
        .filter_map(|(at, it)| (at != 1).then_some(it))
        .collect();
    world
        .shows("sister", rss(&fewer))
        .later("30m")
        .poll()
        .expect_alerts(0);
    world.later("30m").poll();
    world.later("30m").poll().expect_alerts(1);
}

#[test]
fn what_comes_back_or_falls_off_the_end_is_not_taken_back() {
    let (whole, without) = (rss(&timeline()), rss(&but_the_second()));
    check([(&whole, 5), (&without, 0), (&whole, 0), (&without, 0)]);
    let pushed_out = rss(&timeline()[..4]);
    check([(&whole, 5), (&pushed_out, 0), (&pushed_out, 0)]);
    let fallen_back = rss(&timeline()[1..]);
    check([(&whole, 5), (&fallen_back, 0), (&fallen_back, 0)]);
}

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use super::{Hit, Page, find};
use crate::alert::Standing;
use crate::feed::pace::PollPolicy;
use crate::feed::{Feed, FeedId};
use crate::search::Query;
use crate::search::tests::lexicon;
use crate::store::items::{self, ItemId, NewItem};
use crate::store::{Store, StoreError, articles, feeds};
use crate::text::fold::{Words, bare, fold};
use crate::text::grams::{is_unspaced, is_word};

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

const NOW: &str = "2026-03-10T12:00:00Z";

fn archive() -> (Store, FeedId) {
    let store = Store::in_memory().expect("an archive");
    let feed = Feed {
        name: "garam-world".to_owned(),
        url: "https://garam.example/rss".to_owned(),
        outlet: "Garam News".to_owned(),
        family: "garam".to_owned(),
        language: None,
        country: None,
        zone: None,
        allow_private: false,
        select: None,
        interval: None,
        paused: false,
    };
    let policy = PollPolicy {
        interval: Duration::from_secs(900),
        min_interval: Duration::from_secs(300),
        max_interval: Duration::from_secs(21_600),
        fresh_window: Duration::from_secs(86_400),
        hint_cap: Duration::from_secs(900),
    };
    let id = store.write::<_, StoreError>(|tx| feeds::upsert(tx, &feed, &policy, at(NOW)));
    (store, id.expect("a feed"))
}

fn insert(store: &Store, feed: FeedId, title: &str, summary: &str, seen: Timestamp) -> ItemId {
    let item = NewItem {
        feed,
        guid: None,
        guid_key: None,
        url: None,
        canonical_url: None,
        words: &Words::new(title, summary),
        author: None,
        language: Some("en"),
        categories: &[],
        published_at: Some(seen),
        published_raw: None,
        first_seen_at: seen,
        text_key: None,
        standing: Standing::News,
        duplicate_of: None,
    };
    let id = store.write::<_, StoreError>(|tx| items::insert(tx, &item));
    id.expect("an item")
}

const ALL: Page = Page {
    limit: usize::MAX,
    offset: 0,
};

#[track_caller]
fn hits(connection: &Connection, query: &str, page: Page) -> Result<Vec<Hit>, StoreError> {
    let parsed =
        Query::parse(query, &lexicon(), at(NOW)).unwrap_or_else(|it| panic!("{query}: {it}"));
    Ok(find(connection, &parsed, &lexicon(), page, at(NOW))?.hits)
}

#[track_caller]
fn found(store: &Store, query: &str) -> Vec<i64> {
    let hits = store.read(|connection| hits(connection, query, ALL));
    hits.expect("hits").iter().map(|it| it.item.0).collect()
}

/// The headlines on which the shipped topics are tested: eight languages.
fn headlines() -> Vec<String> {
    let cases = [
        include_str!("../../../config/topics/us-dprk-summit.cases.toml"),
        include_str!("../../../config/topics/inter-korean.cases.toml"),
        include_str!("../../../config/topics/dprk-missiles.cases.toml"),
    ];
    let lines = cases.iter().flat_map(|it| it.lines()).map(str::trim);
    let quoted = lines.filter_map(|it| it.strip_prefix('"')?.strip_suffix("\","));
    quoted.map(|it| it.replace("\\\"", "\"")).collect()
}

/// Every word, and of unspaced scripts every one, two, three and four characters in a row.
fn words(title: &str) -> Vec<String> {
    // A search makes no difference of accents.
    let folded = bare(&fold(title)).into_owned();
    let mut words: Vec<String> = folded.split(|c| !is_word(c)).map(str::to_owned).collect();
    for run in folded.split(|c| !is_unspaced(c)) {
        let run: Vec<char> = run.chars().collect();
        for n in 1..=4 {
            words.extend(run.windows(n).map(|it| it.iter().collect::<String>()));
        }
    }
    words.retain(|it| !it.is_empty());
    words
}

#[test]
fn every_word_of_every_headline_finds_what_a_scan_finds() {
    let (store, feed) = archive();
    let titles = headlines();
    assert!(titles.len() > 300, "{} headlines", titles.len());
    let mut said: Vec<(i64, BTreeSet<String>)> = Vec::new();
    for title in &titles {
        let id = insert(&store, feed, title, "", at(NOW));
        said.push((id.0, words(title).into_iter().collect()));
    }
    let every: BTreeSet<&String> = said.iter().flat_map(|(_, words)| words).collect();
    assert!(every.len() > 4_000, "{} words", every.len());
    for word in every {
        let scanned: Vec<i64> = said
            .iter()
            .filter(|(_, words)| words.contains(word))
            .map(|(id, _)| *id)
            .collect();
        let mut searched = found(&store, &format!("\"{word}\""));
        searched.sort_unstable();
        assert_eq!(searched, scanned, "{word}");
    }
}

#[test]
fn whole_headlines_and_their_beginnings_find_themselves() {
    let (store, feed) = archive();
    for title in headlines() {
        let id = insert(&store, feed, &title, "", at(NOW)).0;
        let bare = title.replace('"', " ");
        assert!(
            found(&store, &format!("\"{bare}\"")).contains(&id),
            "{title}"
        );
        let words: Vec<String> = fold(&bare)
            .split(|c| !is_word(c))
            .map(str::to_owned)
            .collect();
        for word in words.iter().filter(|it| it.chars().count() > 3) {
            let beginning: String = word.chars().take(3).collect();
            assert!(
                found(&store, &format!("title:{beginning}*")).contains(&id),
                "{word}"
            );
        }
    }
}

#[test]
fn what_does_not_match_is_found_by_concept_too() {
    let (store, feed) = archive();
    let expected: Vec<i64> = [
        "Kim Jong-un visits",
        "金正恩氏が訪問",
        "Ким Чен Ына ждут",
        "김정은 방문",
    ]
    .iter()
    .map(|title| insert(&store, feed, title, "", at(NOW)).0)
    .collect();
    insert(&store, feed, "Kim Ju Ae visits", "", at(NOW));
    let mut ids = found(&store, "concept:kim-jong-un");
    ids.sort_unstable();
    assert_eq!(ids, expected);
    assert_eq!(found(&store, "concept:kim-jong-un NOT visits").len(), 3);
    assert_eq!(found(&store, "NOT concept:kim-jong-un").len(), 1);
}

#[test]
fn titles_and_the_latest_come_first_and_pages_follow_each_other() {
    let (store, feed) = archive();
    let days_ago = |days: i64| {
        at(NOW)
            .checked_sub(SignedDuration::from_hours(24 * days))
            .expect("in range")
    };
    let old = insert(&store, feed, "Summit", "", days_ago(400)).0;
    let lead = insert(&store, feed, "Leaders", "a summit", days_ago(2)).0;
    let new = insert(&store, feed, "A summit", "", days_ago(1)).0;
    assert_eq!(found(&store, "summit"), [new, lead, old]);
    assert_eq!(found(&store, "summit since:3d"), [new, lead]);
    assert_eq!(found(&store, "summit before:2026-01-01"), [old]);
    for n in 0..500 {
        insert(&store, feed, &format!("Summit {n}"), "", days_ago(0));
    }
    let whole = found(&store, "summit");
    let page = |offset| {
        let page = Page { limit: 100, offset };
        let hits = store.read(|connection| hits(connection, "summit", page));
        hits.expect("hits")
            .iter()
            .map(|it| it.item.0)
            .collect::<Vec<_>>()
    };
    let pages: Vec<i64> = (0..=5).flat_map(|it| page(it * 100)).collect();
    assert_eq!(pages, whole);
    assert_eq!(whole.len(), 503);
}

#[test]
fn what_was_published_before_a_day_is_found_whenever_it_was_seen() {
    let (store, feed) = archive();
    let old = insert(&store, feed, "Summit then", "", at("2025-12-01T00:00:00Z"));
    let near = insert(&store, feed, "Summit eve", "", at("2025-12-31T23:00:00Z"));
    let day_after = insert(&store, feed, "Summit new", "", at("2026-01-01T01:00:00Z"));
    let late = insert(&store, feed, "Summit late", "", at(NOW));
    let published = store.write::<_, StoreError>(|tx| {
        let sql = "UPDATE items SET published_at = '2025-11-01T00:00:00Z' WHERE id = ?1";
        Ok(tx.execute(sql, [late.0])?)
    });
    published.expect("published");
    let [old, near, late] = [old.0, near.0, late.0];
    assert_eq!(found(&store, "summit before:2026-01-01"), [near, old, late]);
    assert_eq!(found(&store, "before:2026-01-01"), [near, old, late]);
    assert_eq!(found(&store, "summit before:2025-11-15"), [late]);
    assert_eq!(
        found(&store, "summit before:2026-01-01 after:2025-12-15"),
        [near]
    );
    assert_eq!(found(&store, "after:2026-01-01 summit"), [day_after.0]);
    assert!(found(&store, "summit after:2026-01-01 before:2025-12-15").is_empty());
    assert!(found(&store, "summit after:2027-01-01").is_empty());
}

#[test]
fn merging_leaves_few_segments_that_say_the_same() {
    let (store, feed) = archive();
    for n in 0..40 {
        insert(&store, feed, &format!("Summit {n} 북미회담"), "", at(NOW));
    }
    let segments = || {
        let count = "SELECT count(DISTINCT segid) FROM items_fts_idx";
        let n = store.read(|connection| Ok(connection.query_row(count, [], |row| row.get(0))?));
        n.map(|it: i64| it).expect("a number")
    };
    let before = (segments(), found(&store, "북미 summit"));
    let mut steps = 0;
    while store.write(items::merge_index).expect("merged") {
        steps += 1;
        assert!(steps < 40, "it ends");
    }
    assert!(before.0 > 4 && segments() <= 2, "{} segments", segments());
    assert_eq!(found(&store, "북미 summit"), before.1);
    assert_eq!(before.1.len(), 40);
}

#[test]
fn an_article_is_found_by_its_text_also_after_a_revision() {
    let (store, feed) = archive();
    let id = insert(&store, feed, "Quiet day", "Nothing much", at(NOW));
    let done = store.write::<_, StoreError>(|tx| {
        articles::want(tx, id, at(NOW))?;
        articles::keep(tx, id, "An armistice was signed at dawn.", at(NOW))?;
        let known = items::Known {
            id,
            feed,
            guid_key: None,
            canonical_url: None,
            title: "Quiet day".to_owned(),
            summary: String::new(),
            published_at: None,
            first_seen_at: at(NOW),
            duplicate_of: None,
            text_key: None,
            is_pruned: false,
        };
        items::revise(
            tx,
            &known,
            &Words::new("Quiet day", "Nothing much"),
            at(NOW),
        )
    });
    done.expect("kept");
    assert_eq!(found(&store, "armistice"), [id.0]);
    assert_eq!(found(&store, "nothing"), [id.0]);
    assert!(found(&store, "summary:armistice").is_empty());
    let hits = store.read(|connection| hits(connection, "armistice", ALL));
    let snippet = hits.expect("hits").remove(0).snippet;
    assert_eq!(snippet.pieces()[1], ("armistice", true));
}

#[test]
fn hostile_titles_are_found_and_cut() {
    let (store, feed) = archive();
    let huge = format!(
        "{} needle {}",
        "hay ".repeat(120_000),
        "헤이 ".repeat(60_000)
    );
    let overridden = "\u{202e}drawkcab\u{202c} \u{1b}[31mred\u{7} <script>alert(1)</script>";
    let id = insert(&store, feed, &huge, "", at(NOW)).0;
    let other = insert(&store, feed, overridden, "", at(NOW)).0;
    assert_eq!(found(&store, "needle"), [id]);
    let hits = store
        .read(|connection| hits(connection, "needle", ALL))
        .expect("hits");
    assert!(hits[0].title.text.chars().count() <= 302);
    assert_eq!(hits[0].title.pieces()[1], ("needle", true));
    assert_eq!(found(&store, "drawkcab"), [other]);
    assert_eq!(found(&store, "\"31mred\" script"), [other]);
    for query in ["\"' OR 1=1 --\"", "items_fts", "\"NEAR(a b)\"", "'\u{0}'x"] {
        assert!(found(&store, query).is_empty(), "{query}");
    }
}

#[test]
fn stories_are_found_under_the_numbers_they_had() {
    let (store, feed) = archive();
    let id = insert(&store, feed, "Summit", "", at(NOW));
    let merged = store.write::<_, StoreError>(|tx| {
        tx.execute_batch(&format!(
            "INSERT INTO stories (id, topic, title, first_seen_at, last_seen_at, opened_by, merged_into)
                VALUES (1, 't', 's', '{NOW}', '{NOW}', {id}, NULL), (2, 't', 's', '{NOW}', '{NOW}', {id}, 1),
                    (3, 't', 's', '{NOW}', '{NOW}', {id}, 2);
             INSERT INTO story_items VALUES (1, {id}, NULL, 'alert', 'alert', '', '', NULL, '{{}}', '[]', '{NOW}');
             INSERT INTO matches VALUES ({id}, 'us-dprk-summit', 1, '[]', NULL);",
            id = id.0
        ))?;
        Ok(())
    });
    merged.expect("stories");
    for query in [
        "story:1",
        "story:2",
        "story:3",
        "summit story:3",
        "topic:us-dprk-summit OR story:9",
        "is:matched",
    ] {
        assert_eq!(found(&store, query), [id.0], "{query}");
    }
    assert!(found(&store, "story:4").is_empty() && found(&store, "is:alerted").is_empty());
}

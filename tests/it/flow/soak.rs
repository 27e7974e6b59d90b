//! Random sequences of what publishers, servers, channels and operators do, against a model that
//! knows what was served whole and what the channel took: nothing lost, nothing told twice.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::world::document::{Entry, atom, entry, invented_headline, rss};
use crate::world::server::Reply;
use crate::world::{HOOK, World};

#[derive(Debug, Clone)]
enum Step {
    /// So many new articles.
    Publish(usize),
    /// The headline of one of those shown is changed.
    Edit(usize),
    Reorder,
    /// The publisher's software: guids rolled anew, another dialect.
    NewGuids(u16),
    SwitchDialect,
    /// One visit.
    Poll(Weather),
    /// What the channel says from now on.
    ChannelSays(u16),
    Deliver,
    /// Minutes.
    Later(u16),
    /// Everything in memory is lost.
    Restart,
}

/// How a visit goes.
#[derive(Debug, Clone, Copy)]
enum Weather {
    Fine,
    /// The document is cut after so many percent.
    Cut(usize),
    Empty,
    Status(u16),
    Page,
    HungUp,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..4_usize).prop_map(Step::Publish),
        1 => (0..8_usize).prop_map(Step::Edit),
        1 => Just(Step::Reorder),
        1 => any::<u16>().prop_map(Step::NewGuids),
        1 => Just(Step::SwitchDialect),
        6 => weather().prop_map(Step::Poll),
        2 => prop::sample::select(&[0, 200, 204, 429, 503][..]).prop_map(Step::ChannelSays),
        4 => Just(Step::Deliver),
        3 => (1..15_u16).prop_map(Step::Later),
        1 => Just(Step::Restart),
    ]
}

fn weather() -> impl Strategy<Value = Weather> {
    prop_oneof![
        6 => Just(Weather::Fine),
        2 => (1..100_usize).prop_map(Weather::Cut),
        1 => Just(Weather::Empty),
        1 => prop::sample::select(&[403, 404, 429, 500, 503][..]).prop_map(Weather::Status),
        1 => Just(Weather::Page),
        1 => Just(Weather::HungUp),
    ]
}

/// Entries that a document shows at most, the newest first.
const SHOWN: usize = 8;

struct Publisher {
    articles: Vec<(String, String)>,
    backwards: bool,
    roll: u16,
    is_atom: bool,
}

impl Publisher {
    fn publish(&mut self, at: String) {
        let headline = invented_headline(self.articles.len());
        self.articles.push((headline, at));
    }

    fn first_shown(&self) -> usize {
        self.articles.len().saturating_sub(SHOWN)
    }

    fn document(&self) -> String {
        let shown = self.articles.iter().enumerate().skip(self.first_shown());
        let mut entries: Vec<Entry> = shown
            .map(|(id, (headline, at))| {
                entry(&id.to_string(), headline)
                    .guid(&format!("{}/{id}", self.roll))
                    .published(at)
            })
            .collect();
        if !self.backwards {
            entries.reverse();
        }
        if self.is_atom {
            atom(&entries)
        } else {
            rss(&entries)
        }
    }
}

/// Addresses of the articles that stand whole in a document.
fn addresses(document: &str) -> BTreeSet<String> {
    let entries = document
        .split_inclusive("</item>")
        .flat_map(|it| it.split_inclusive("</entry>"));
    let whole = entries.filter(|it| it.ends_with("</item>") || it.ends_with("</entry>"));
    let address = |entry: &str| {
        let at = entry
            .rfind("https://wire.example/news/")
            .expect("an address");
        let rest = &entry[at..];
        rest[..rest.find(['<', '"']).expect("its end")].to_owned()
    };
    whole.map(address).collect()
}

fn play(steps: Vec<Step>) {
    let mut world = World::new();
    let mut publisher = Publisher {
        articles: Vec::new(),
        backwards: false,
        roll: 0,
        is_atom: false,
    };
    let mut served: BTreeSet<String> = BTreeSet::new();
    world.feed("wire", "");
    for step in steps {
        match step {
            Step::Publish(n) => (0..n).for_each(|_| publisher.publish(world.now().to_string())),
            Step::Edit(nth) => {
                let first = publisher.first_shown();
                if let Some((headline, _)) = publisher.articles.get_mut(first + nth) {
                    headline.push_str(" revised");
                }
            }
            Step::Reorder => publisher.backwards = !publisher.backwards,
            Step::NewGuids(roll) => publisher.roll = roll,
            Step::SwitchDialect => publisher.is_atom = !publisher.is_atom,
            Step::Poll(weather) => served.extend(poll(&mut world, &publisher, weather)),
            Step::ChannelSays(0) => world.hooks.script(HOOK, [Reply::Close]),
            Step::ChannelSays(status) => world.hooks.script(HOOK, [Reply::status(status)]),
            Step::Deliver => drop(world.deliver()),
            Step::Later(minutes) => drop(world.later(&format!("{minutes}m"))),
            Step::Restart => drop(world.restart()),
        }
    }
    // The faults end; two polls and every back-off later, all is told. A connection that was kept and
    // is closed just then costs one more try, as it does anywhere.
    for _ in 0..3 {
        served.extend(poll(&mut world, &publisher, Weather::Fine));
        world.later("1h");
    }
    world.hooks.script(HOOK, [Reply::status(200)]);
    for _ in 0..3 {
        world.later("1d").deliver();
    }
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    for request in world.hooked().iter().filter(|it| it.is_accepted()) {
        let address = request.json()["item"]["url"]
            .as_str()
            .expect("an address")
            .to_owned();
        *told.entry(address).or_default() += 1;
    }
    let n = i64::try_from(told.len()).expect("a few");
    assert_eq!(
        told.keys().cloned().collect::<BTreeSet<_>>(),
        served,
        "lost, or told without being served"
    );
    assert!(told.values().all(|it| *it == 1), "told twice: {told:#?}");
    world.expect_alerts(n);
}

/// One visit, and the addresses that it certainly brought.
fn poll(world: &mut World, publisher: &Publisher, weather: Weather) -> BTreeSet<String> {
    let document = publisher.document();
    // As a server computes it, which knows nothing of what is lost on the way.
    let etag = format!("\"{:x}\"", summitwatch::item::hash(&document));
    let (reply, brought) = match weather {
        Weather::Fine => (
            Reply::ok(&document).with("ETag", etag),
            addresses(&document),
        ),
        Weather::Cut(percent) => {
            let cut = &document[..document.len() * percent / 100];
            (Reply::ok(cut).with("ETag", etag), addresses(cut))
        }
        Weather::Empty => (Reply::ok(rss(&[])), BTreeSet::new()),
        Weather::Status(status) => (Reply::status(status), BTreeSet::new()),
        Weather::Page => (
            Reply::ok(crate::world::document::ERROR_PAGE).with("ETag", etag),
            BTreeSet::new(),
        ),
        Weather::HungUp => (Reply::Close, BTreeSet::new()),
    };
    world.answers("wire", reply).poll();
    // A 304 says that all of it was here before, which the end of the play holds it to.
    let answered = world.visits("wire").last().and_then(|it| it.answered);
    if answered == Some(304) && !matches!(weather, Weather::Fine) {
        BTreeSet::new()
    } else {
        brought
    }
}

proptest! {
    #![proptest_config(Config { cases: 32, failure_persistence: None, ..Config::default() })]

    #[test]
    fn whatever_happens_nothing_is_lost_and_nothing_is_told_twice(steps in prop::collection::vec(step(), 1..40)) {
        play(steps);
    }
}

//! What is one development and what is told, without an archive: headlines go in, rulings come out.

use jiff::{SignedDuration, Timestamp};
use summitwatch::alert::{Arrival, Circumstances, Decision, Reason, Ruling, Standing, rule};
use summitwatch::config::{Config, Origin};
use summitwatch::rehearsal::{Rehearsal, Said};
use summitwatch::story::ladder::State;
use summitwatch::story::report::Report;
use summitwatch::story::{DevelopmentId, DevelopmentKind, Tables};
use summitwatch::text::Words;
use summitwatch::topic::Engine;

/// The shipped topic and tables.
struct Shipped {
    engine: Engine,
    tables: Tables,
}

impl Shipped {
    fn new() -> Self {
        let shipped = "[[topics]]\nname = \"us-dprk-summit\"\n";
        let config =
            Config::parse(Origin::Shipped, &std::env::temp_dir(), shipped).expect("shipped");
        let engine = config.engine().expect("the shipped topic");
        let tables = config.tables(&engine).expect("the shipped tables");
        Self { engine, tables }
    }

    fn heart(&self) -> Heart<'_> {
        let topic = &self.engine.topics[0];
        Heart {
            shipped: self,
            rehearsal: Rehearsal::new(topic, &self.engine.lexicon, &self.tables),
            now: "2026-05-20T09:00:00Z".parse().expect("time"),
        }
    }
}

/// The heart in simulated time.
struct Heart<'a> {
    shipped: &'a Shipped,
    rehearsal: Rehearsal<'a>,
    now: Timestamp,
}

impl Heart<'_> {
    fn later(&mut self, hours: i64) -> &mut Self {
        self.now = self
            .now
            .checked_add(SignedDuration::from_hours(hours))
            .expect("time");
        self
    }

    /// An outlet's headline, some minutes after the last.
    #[track_caller]
    fn says(&mut self, outlet: &str, title: &str) -> Ruling {
        self.now = self
            .now
            .checked_add(SignedDuration::from_mins(7))
            .expect("time");
        self.rehearsal
            .say(said(outlet, title, self.now))
            .expect("on topic")
            .ruling
    }

    fn read(&self, outlet: &str, title: &str) -> Report {
        let words = Words::new(title, "");
        let reading = self.shipped.engine.lexicon.read(&words);
        self.rehearsal
            .read(said(outlet, title, self.now), &words, &reading)
    }

    /// What would be ruled, where an hour was told so often.
    fn rule(&self, report: &Report, arrival: Arrival<'_>, told: u32, by_outlet: u32) -> Ruling {
        let circumstances = Circumstances {
            now: self.now,
            standing: Standing::News,
            arrival,
            tell: self.shipped.engine.topics[0]
                .tell
                .expect("the shipped topic says"),
            on_topic: 1.0,
            related: false,
            told,
            told_by_outlet: by_outlet,
            followed_up: false,
            corrected: false,
        };
        let weights = &self.shipped.tables.weights;
        rule(
            &self.rehearsal.board,
            report,
            &circumstances,
            weights,
            &self.rehearsal.policy,
        )
    }

    fn state(&self) -> Option<State> {
        self.rehearsal.board.course.state
    }
}

fn said<'a>(outlet: &'a str, title: &'a str, at: Timestamp) -> Said<'a> {
    Said {
        outlet,
        title,
        summary: "",
        url: None,
        at,
    }
}

#[track_caller]
fn told(ruling: &Ruling) {
    assert_eq!(ruling.decision, Decision::Alert, "{ruling:?}");
}

#[track_caller]
fn silent(ruling: &Ruling, reason: Reason) {
    assert_eq!(ruling.decision, Decision::Silent(reason), "{ruling:?}");
}

#[test]
fn a_cancellation_is_told_after_the_threat_to_cancel() {
    let shipped = Shipped::new();
    let mut heart = shipped.heart();
    told(&heart.says(
        "Wire",
        "Trump says summit with Kim Jong Un set for June 12 in Singapore",
    ));
    heart.later(20);
    told(&heart.says(
        "Wire",
        "North Korea threatens to cancel summit with Trump in Singapore",
    ));
    heart.later(20);
    let off = heart.says("Post", "Trump cancels summit in Singapore with Kim Jong Un");
    told(&off);
    assert_eq!(
        (off.kind, off.change),
        (DevelopmentKind::State, Some(State::Cancelled))
    );
    assert_eq!(heart.state(), Some(State::Cancelled));
    silent(
        &heart.says("Times", "Trump cancels Singapore summit with Kim Jong Un"),
        Reason::Told,
    );
    heart.later(26);
    let on = heart.says(
        "Wire",
        "Trump says summit with Kim Jong Un is back on for June 12",
    );
    told(&on);
    assert_eq!(on.change, Some(State::Revived));
}

#[test]
fn what_only_looks_like_a_cancellation_is_none() {
    for title in [
        "White House rules out cancelling Trump-Kim summit",
        "What happens if Trump cancels summit with Kim Jong Un",
        "Trump cancels trip to Japan but will still meet Kim Jong Un",
        "Kim Jong Un will not cancel summit with Trump, Seoul says",
    ] {
        let shipped = Shipped::new();
        let mut heart = shipped.heart();
        heart.says(
            "Wire",
            "Trump says summit with Kim Jong Un set for June 12 in Singapore",
        );
        let ruling = heart.later(20).says("Post", title);
        assert_ne!(ruling.change, Some(State::Cancelled), "{title}");
        assert_ne!(heart.state(), Some(State::Cancelled), "{title}");
    }
}

#[test]
fn one_statement_in_other_languages_and_words_is_told_once() {
    let shipped = Shipped::new();
    let mut heart = shipped.heart();
    told(&heart.says(
        "KCNA Watch",
        "Kim Yo Jong: North Korea has no intention of talks with Trump",
    ));
    for (outlet, title) in [
        ("Agency", "김여정 \"트럼프와 대화할 생각 없다\""),
        (
            "Paper",
            "Kim's sister says North Korea has no intention to hold talks with Trump",
        ),
        (
            "Zeitung",
            "Kim Yo Jong: Nordkorea lehnt Gespräche mit Trump ab",
        ),
    ] {
        let ruling = heart.says(outlet, title);
        assert!(!ruling.decision.is_told(), "{title}: {ruling:?}");
    }
}

#[test]
fn a_headline_stuffed_with_everything_silences_nothing() {
    let shipped = Shipped::new();
    let mut heart = shipped.heart();
    heart.says(
        "Live",
        "LIVE: Trump, Kim Jong Un summit: date, place, threat to cancel, letter, sanctions, Panmunjom, Singapore",
    );
    heart.later(2);
    told(&heart.says("Wire", "Trump cancels summit with Kim Jong Un in Singapore"));
    heart.later(30);
    told(&heart.says(
        "Wire",
        "Kim Jong Un sends letter to Trump, White House says",
    ));
}

#[test]
fn history_and_commentary_silence_nothing() {
    let shipped = Shipped::new();
    let mut heart = shipped.heart();
    heart.rehearsal.standing = Standing::History;
    silent(
        &heart.says("Old", "Trump cancels summit with Kim Jong Un in Singapore"),
        Reason::History,
    );
    assert_eq!(heart.state(), None);
    heart.rehearsal.standing = Standing::News;
    silent(
        &heart.says(
            "Blog",
            "Opinion: Trump cancels summit with Kim Jong Un in Singapore",
        ),
        Reason::Comment,
    );
    told(&heart.says("Wire", "Trump cancels summit with Kim Jong Un in Singapore"));
}

#[test]
fn another_day_for_the_meeting_is_told() {
    let shipped = Shipped::new();
    let mut heart = shipped.heart();
    told(&heart.says(
        "Wire",
        "White House: Trump and Kim Jong Un summit set for June 12 in Singapore",
    ));
    heart.later(30);
    let moved = heart.says(
        "Wire",
        "White House: Trump-Kim Jong Un summit moved to July 3",
    );
    told(&moved);
    assert_eq!(moved.kind, DevelopmentKind::State, "{moved:?}");
}

#[test]
fn one_outlet_is_bounded_and_others_come_through() {
    let shipped = Shipped::new();
    let mut heart = shipped.heart();
    heart.rehearsal.policy.per_outlet = 3;
    let report = heart.read(
        "Noise",
        "Trump and Kim Jong Un agree to hold summit in Hanoi",
    );
    silent(&heart.rule(&report, Arrival::New, 0, 3), Reason::Flood);
    told(&heart.rule(&report, Arrival::New, 0, 2));
}

#[test]
fn a_budget_lets_changes_of_state_and_leaders_through() {
    let shipped = Shipped::new();
    let mut heart = shipped.heart();
    heart.rehearsal.policy.per_hour = Some(0);
    let state = heart.read(
        "Wire",
        "Trump and Kim Jong Un agree to hold summit in Hanoi",
    );
    told(&heart.rule(&state, Arrival::New, 0, 0));
    let other = heart.read(
        "Wire",
        "Moon Jae-in says Trump and Kim Jong Un should keep talking in letters",
    );
    let ruling = heart.rule(&other, Arrival::New, 0, 0);
    assert!(!ruling.decision.is_told(), "{ruling:?}");
}

#[test]
fn a_single_source_waits_where_the_topic_says_so() {
    let shipped = Shipped::new();
    let mut heart = shipped.heart();
    heart.rehearsal.policy.hold = Some(std::time::Duration::from_secs(600));
    heart.rehearsal.policy.sufficient = vec!["KCNA".to_owned()];
    let title = "Trump and Kim Jong Un agree to hold summit in Hanoi";
    let alone = heart.read("Wire", title);
    let ruling = heart.rule(&alone, Arrival::New, 0, 0);
    assert!(matches!(ruling.decision, Decision::Held(_)), "{ruling:?}");
    let enough = heart.read("KCNA", title);
    told(&heart.rule(&enough, Arrival::New, 0, 0));
}

#[test]
fn an_edit_that_changes_the_day_is_a_correction_once_and_another_number_is_none() {
    let shipped = Shipped::new();
    let mut heart = shipped.heart();
    let title = "Trump and Kim Jong Un to hold summit in Hanoi on June 12";
    heart.says("Wire", title);
    let was = heart.read("Wire", title);
    let development = DevelopmentId(1);
    let edited = |title: &str| heart.read("Wire", title);
    let day = edited("Trump and Kim Jong Un to hold summit in Hanoi on June 21");
    let revised = || Arrival::Revised {
        development,
        was: &was,
    };
    let ruling = heart.rule(&day, revised(), 0, 0);
    told(&ruling);
    assert_eq!(ruling.kind, DevelopmentKind::Correction);
    let views = edited("Trump and Kim Jong Un to hold summit in Hanoi on June 12 (1,234 views)");
    silent(&heart.rule(&views, revised(), 0, 0), Reason::Told);
}

#[test]
fn headlines_that_satisfy_no_rule_are_taken_in_only_while_the_topic_is_hot() {
    let shipped = Shipped::new();
    let mut heart = shipped.heart();
    let title = "Kim, president agree to talks in city 3, aide says";
    let lead = "It was said of North Korea and of Trump that much remained open.";
    let takes = |heart: &mut Heart<'_>| {
        let said = Said {
            summary: lead,
            ..said("Wire", title, heart.now)
        };
        heart.rehearsal.say(said).is_some()
    };
    assert!(!takes(&mut heart));
    for n in 0..12 {
        let title = format!("Trump and Kim Jong Un agree to talks in city {n}");
        heart.says(&format!("Outlet {n}"), &title);
    }
    assert!(takes(&mut heart));
    heart.later(24 * 5);
    assert!(!takes(&mut heart));
}

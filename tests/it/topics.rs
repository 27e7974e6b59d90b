//! The shipped topics on their cases, and the tools for the person who writes rules.

use std::path::Path;

use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::{Value, json};
use summitwatch::config::{Config, Origin};
use summitwatch::text::Words;
use summitwatch::topic::lexicon::{ConceptId, Reading};
use summitwatch::topic::{Engine, Scope};

use crate::world::desk::Desk;

const SHIPPED: [&str; 3] = ["us-dprk-summit", "dprk-missiles", "inter-korean"];

/// The shipped topics over the shipped lexicon.
fn shipped() -> Engine {
    let topics = SHIPPED.map(|it| format!("[[topics]]\nname = \"{it}\"\n"));
    let config = Config::parse(Origin::Shipped, Path::new(""), &topics.concat()).expect("sound");
    config.engine().expect("sound")
}

fn desk() -> Desk {
    Desk::new("archive = \"news.db\"\n")
}

#[test]
fn shipped_topics_say_what_their_cases_say() {
    let arguments = [&["topics", "test", "--json"], &SHIPPED[..]].concat();
    let reports = desk().run(&arguments).json();
    for report in reports.as_array().expect("a list") {
        assert_eq!(report["failed"], json!([]), "{report:#}");
    }
    assert!(reports[0]["cases"].as_u64() >= Some(150));
}

#[test]
fn nothing_is_wrong_with_what_is_shipped() {
    let checked = desk().run(&[&["topics", "check"], &SHIPPED[..]].concat());
    assert_eq!(
        (checked.status, checked.err.as_str()),
        (0, ""),
        "{}",
        checked.out
    );
}

#[test]
fn a_case_that_fails_says_what_was_expected_and_why_it_came_otherwise() {
    let desk = desk();
    desk.write("loans.toml", LOANS).write(
        "loans.cases.toml",
        "[[cases]]\nabout = \"loans\"\nlanguage = \"en\"\nmatch = [\n  \"North Korea asks Mongolia for talks\",\n  \
         \"Mongolia calls\",\n]\nno-match = [\"Talks with North Korea\"]\n",
    );
    let tested = desk.run(&["topics", "test", "loans.toml"]);
    assert_eq!(tested.status, 1);
    // How certain, the weights say, which are fitted anew now and then.
    let said = tested
        .out
        .split(" % certain")
        .map(|it| match it.rsplit_once("; ") {
            Some((before, percent)) if percent.parse::<u8>().is_ok() => format!("{before}; N"),
            _ => it.to_owned(),
        });
    assert_snapshot!(said.collect::<Vec<_>>().join(" % certain"), @"
    loans.cases.toml:6: loans
        Mongolia calls
      - match
      + no match, score 0.00
          would match with a word for north-korea (North Korea) and a word for talks (Talks, negotiations) in the title: score 0.60
          says: Mongolia calls
          speaker: nobody
          the meeting: nothing is said of it
          places: Mongolia
          alert: no: not on topic

    loans.cases.toml:8: loans
        Talks with North Korea
      - no match
      + match, score 0.60
          +0.60  talks with the DPRK: in the title: talks-with-dprk
          says: Talks with North Korea
          speaker: nobody
          the meeting: nothing is said of it
          alert: yes; no report tells it yet (with nothing else known; N % certain, 10 % is needed)

    loans: 1 of 3 cases as expected (en 3)
    ");
    let by_cases = desk.run(&["topics", "test", "loans.cases.toml"]);
    assert_eq!(by_cases.out, tested.out);
    let none = desk.run(&["topics", "test", "other.toml"]);
    none.ill(
        2,
        "error: other.cases.toml: there is no such file; `summitwatch init` writes one",
    );
}

#[test]
fn cases_say_what_a_headline_states_and_whether_it_is_told() {
    let desk = desk();
    let topic = "us-dprk-summit";
    let right = "[[cases]]\nabout = \"states\"\nmatch = [\n  { title = \"North Korea puts off Trump summit to June\", state = \"postponed\", \
                 speaker = \"north-korea\", predicates = [\"postpone\"], alert = true },\n]\n";
    desk.write("right.cases.toml", right);
    let tested = desk.run(&["topics", "test", "--topic", topic, "right.cases.toml"]);
    assert_eq!(tested.status, 0, "{}", tested.out);
    let wrong = right
        .replace("\"postponed\"", "\"cancelled\"")
        .replace("north-korea", "trump")
        .replace("[\"postpone\"]", "[]")
        .replace("true", "false");
    desk.write("wrong.cases.toml", wrong);
    let tested = desk.run(&["topics", "test", "--topic", topic, "wrong.cases.toml"]);
    assert_eq!(tested.status, 1);
    for said in [
        "wrong.cases.toml:4: states",
        "  - state: expected cancelled, got postponed",
        "  - speaker: expected trump, got north-korea",
        "  - predicates: expected none, got postpone",
        "  - alert: expected silent, got told",
        "      the meeting: postponed",
    ] {
        assert!(tested.out.contains(said), "{said}\n{}", tested.out);
    }
    let arguments = [
        "topics",
        "test",
        "--json",
        "--topic",
        topic,
        "wrong.cases.toml",
    ];
    let json: Value = serde_json::from_str(&desk.run(&arguments).out).expect("JSON");
    let failed = &json[0]["failed"][0];
    assert_eq!(failed["got"]["statement"]["state"], "postponed");
    assert_eq!(failed["expected"]["state"], "cancelled");
    assert_eq!(failed["got"]["alert"]["told"], true);
    desk.write("odd.cases.toml", right.replace("\"postponed\"", "\"sunk\""));
    desk.run(&["topics", "test", "--topic", topic, "odd.cases.toml"])
        .ill(2, "error: odd.cases.toml:4: there is no state \"sunk\"");
}

const LOANS: &str = "title = \"Talks\"\nthreshold = 0.5\n[[rule]]\nname = \"talks with the DPRK\"\n\
                     all = [\"north-korea\", \"talks\"]\nnear = \"title\"\nweight = 0.6\n";

#[test]
fn check_finds_what_cannot_work() {
    let desk = desk();
    desk.write(
        "bad.toml",
        "title = \"Bad\"\nthreshold = 0.9\n\
         [[rule]]\nname = \"never\"\nall = [\"us-dprk-summit\"]\nnone = [\"summit\"]\nweight = 0.3\n\
         [[rule]]\nname = \"one\"\nany = [\"summit\"]\nweight = 0.3\n\
         [[rule]]\nname = \"two\"\nany = [\"summit\"]\nweight = 0\n",
    );
    let checked = desk.run(&["topics", "check", "bad.toml"]);
    assert_eq!(checked.status, 1);
    let problems: Vec<&str> = checked
        .out
        .lines()
        .filter_map(|it| it.trim().strip_prefix("problem"))
        .map(str::trim)
        .collect();
    assert_eq!(
        problems,
        [
            "rule “never” can never fire: all of us-dprk-summit is forbidden, by summit",
            "rule “two” adds nothing: its weight is 0",
            "rules “one” and “two” ask for the same",
            "all rules together give 0.51, below the threshold of 0.90: nothing can match",
        ]
    );
    desk.write(
        "typo.toml",
        "title = \"T\"\nthreshold = 0.5\n[[rule]]\nname = \"r\"\nall = [\"sumit\"]\nweight = 0.5\n",
    );
    desk.run(&["topics", "check", "typo.toml"]).ill(
        2,
        "error: typo.toml:5: \"sumit\" is neither a group of this topic nor a concept of the lexicon; did you mean \
         \"summit\"?",
    );
}

#[test]
fn check_finds_terms_that_repeat_each_other() {
    let desk = Desk::new("archive = \"news.db\"\nlexicon = \"words\"\n");
    desk.write(
        "words/acts.toml",
        "kind = \"act\"\n[concept.summit]\ngloss = \"Summit\"\nen = [\"summit\", \"Summit\", \"meet*\", \"meeting\"]\n\
         zh = [\"峰会\", \"峰會\"]\n[concept.talks]\ngloss = \"Talks\"\nzh = [\"峰会\"]\n",
    )
    .write(
        "words/blocks.toml",
        "kind = \"block\"\n[concept.block]\ngloss = \"Not it\"\nen = [\"summit\"]\n",
    )
    .write(
        "t.toml",
        "title = \"T\"\nthreshold = 0.5\n[[rule]]\nname = \"r\"\nall = [\"summit\"]\nweight = 0.5\n",
    );
    let found = desk.run(&["topics", "check", "t.toml", "--json"]);
    assert_eq!(found.status, 1);
    let found: Value = serde_json::from_str(&found.out).expect("JSON");
    let messages = |grade: &str| -> Vec<String> {
        let findings = found["sections"][0]["findings"]
            .as_array()
            .expect("a list")
            .iter();
        findings
            .filter(|it| it["grade"] == grade)
            .map(|it| it["message"].as_str().expect("text").to_owned())
            .collect()
    };
    assert_eq!(
        messages("problem"),
        [
            "words/acts.toml:4: concept summit: “summit” finds “Summit” already",
            "words/acts.toml:4: concept summit: “meet*” finds “meeting” already",
            "words/acts.toml:5: concept summit: “峰会” finds “峰會” already",
            "“summit” is blocked by block and found by summit all the same; one of them must go",
        ]
    );
    assert_eq!(
        messages("note"),
        ["summit and talks share 峰会; each of them counts for both"]
    );
}

/// An archive of recorded items under the topic of the desk.
fn archive(desk: &Desk, titles: &[&str]) {
    let lines: String = titles
        .iter()
        .enumerate()
        .map(|(at, title)| {
            let item = json!({
                "id": format!("i{at}"), "outlet": format!("Desk {}", at % 3), "title": title,
                "published": format!("2026-03-01T{:02}:{:02}:00Z", at / 60, at % 60),
            });
            format!("{item}\n")
        })
        .collect();
    desk.write("items.jsonl", lines);
    desk.run(&["replay", "--items", "items.jsonl", "--db", "news.db"])
        .well();
}

#[test]
fn backtest_tells_what_a_changed_topic_gains_and_loses() {
    let desk = desk();
    archive(
        &desk,
        &[
            "Trump and Kim Jong Un to meet in Hanoi",
            "North Korea and Mongolia begin talks",
            "Bakers vote against cheaper flour",
        ],
    );
    desk.write("loans.toml", LOANS);
    let told = desk
        .run(&[
            "backtest",
            "--topic",
            "loans.toml",
            "--against",
            "us-dprk-summit",
            "--since",
            "30d",
        ])
        .well();
    assert_snapshot!(told, @"
    loans.toml against us-dprk-summit (shipped), 3 items since 2026-01-30T00:02:00Z

    matches: 1 → 1 (1 gained, 1 lost, 0 in both)
      + 2026-03-01 en Desk 1 · North Korea and Mongolia begin talks (item 2)
      - 2026-03-01 en Desk 0 · Trump and Kim Jong Un to meet in Hanoi (item 1)

    alerts: 1 → 1 (1 gained, 1 lost, 0 in both)
      + 2026-03-01 en Desk 1 · North Korea and Mongolia begin talks (item 2)
      - 2026-03-01 en Desk 0 · Trump and Kim Jong Un to meet in Hanoi (item 1)
    ");
    let same = desk
        .run(&["backtest", "--topic", "us-dprk-summit", "--json"])
        .json();
    assert_eq!(
        same["matches"],
        json!({"both": 1, "gained": [], "lost": []})
    );
    assert_eq!(same["items"], 3);
    let new = desk
        .run(&["backtest", "--topic", "loans.toml", "--json"])
        .json();
    assert_eq!(
        (&new["against"], &new["alerts"]["both"]),
        (&json!("nothing"), &json!(0))
    );
    assert_eq!(
        new["alerts"]["gained"][0]["title"],
        "North Korea and Mongolia begin talks"
    );
}

/// The blocks of the README that hold TOML, in order, from the one that begins so.
fn readme(beginning: &str) -> String {
    let readme = include_str!("../../README.md");
    let blocks = readme.split("```toml\n").skip(1);
    let mut blocks = blocks.filter_map(|it| it.split("```").next());
    let found = blocks.find(|it| it.starts_with(beginning));
    found.expect("a block of the README").to_owned()
}

#[test]
fn the_topic_of_the_readme_is_checked_tested_and_tried_as_it_says() {
    let desk = desk();
    let topic = readme("title = \"Japan");
    let lines = topic.lines().filter(|it| !it.is_empty()).count();
    assert!(lines <= 15, "it says fifteen lines and has {lines}");
    desk.write("japan-abductees.toml", &topic)
        .write("japan-abductees.cases.toml", readme("[[cases]]"));
    archive(
        &desk,
        &[
            "Tokyo proposes talks with Pyongyang",
            "Bakers vote against cheaper flour",
        ],
    );
    let checked = desk
        .run(&["topics", "check", "japan-abductees.toml"])
        .well();
    assert!(
        checked.contains("matches 1 of 2 archived items"),
        "{checked}"
    );
    let tested = desk.run(&["topics", "test", "japan-abductees.toml"]).well();
    assert_eq!(
        tested,
        "japan-abductees: 4 of 4 cases as expected (unsaid 4)\n"
    );
    let tried = desk
        .run(&["backtest", "--topic", "japan-abductees.toml"])
        .well();
    assert!(
        tried.contains("alerts: 0 → 1 (1 gained, 0 lost, 0 in both)"),
        "{tried}"
    );
    desk.run(&["topics", "suggest", "japan-abductees.toml"])
        .well();
    let found = desk.run(&["topics", "concepts", "拉致"]).well();
    assert!(found.contains("abductions"), "{found}");
    let service = format!(
        "{}\n[[channels]]\nname = \"terminal\"\nkind = \"terminal\"\n",
        readme("[[topics]]")
    );
    let service = service.replace("topics/japan", "japan");
    Desk::new(&service)
        .write("japan-abductees.toml", &topic)
        .run(&["check"])
        .well();
}

#[test]
fn suggest_shows_what_stands_near_matches_and_proposes_words() {
    let desk = desk();
    archive(
        &desk,
        &[
            "Trump and Kim Jong Un to meet in Hanoi for parley",
            "White House: Trump and Kim Jong Un meet for a second parley",
            "Kim Jong Un, Trump parley nears",
            "Trump, Kim Jong Un parley missile",
            "Bakers vote against cheaper flour",
        ],
    );
    let told = desk
        .run(&["topics", "suggest", "us-dprk-summit", "--json"])
        .json();
    assert_eq!(
        told["items"][0]["title"], "Trump, Kim Jong Un parley missile",
        "{told:#}"
    );
    assert!(told["items"][0]["likeness"].as_f64() >= Some(0.5));
    let terms: Vec<&str> = told["terms"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|it| it["term"].as_str())
        .collect();
    assert!(terms.contains(&"parley"), "{terms:?}");
    let text = desk.run(&["topics", "suggest", "us-dprk-summit"]).well();
    assert!(
        text.starts_with("us-dprk-summit: 3 of 5 items match\n"),
        "{text}"
    );
}

#[test]
fn suggest_shows_headlines_whose_state_the_ladder_does_not_read() {
    let desk = desk();
    archive(
        &desk,
        &[
            "Trump cancels Singapore summit with Kim Jong Un",
            "Trump torches Singapore summit with Kim Jong Un",
            "Trump torches Singapore summit with North Korea's Kim Jong Un",
        ],
    );
    let told = desk
        .run(&["topics", "suggest", "us-dprk-summit", "--json"])
        .json();
    assert_eq!(told["unread"][0]["state"], "cancelled", "{told:#}");
    assert_eq!(
        told["unread"][0]["like"], "Trump cancels Singapore summit with Kim Jong Un",
        "{told:#}"
    );
    let phrases = told["phrases"].as_array().expect("a list");
    let proposes = |it: &serde_json::Value| it["term"] == "torches" && it["state"] == "cancelled";
    assert!(phrases.iter().any(proposes), "{told:#}");
}

#[test]
fn spellings_in_use_are_one_concept() {
    let engine = shipped();
    let says = |text: &str, concept: &str| {
        let id = engine.lexicon.id(concept).expect("a concept");
        engine.lexicon.read(&Words::new(text, "")).all.contains(id)
    };
    for (concept, texts) in [
        (
            "kim-jong-un",
            &[
                "Kim Jong Un",
                "KIM JONG-UN",
                "Kim Jong‑un’s",
                "김정은은",
                "北김정은",
                "金正恩",
                "キム・ジョンウン",
                "ｷﾑ･ｼﾞｮﾝｳﾝ",
                "Ким Чен Ыном",
                "лидером КНДР",
                "líder norcoreano",
            ][..],
        ),
        (
            "us-dprk-summit",
            &[
                "북미정상회담이",
                "북·미 정상회담",
                "북ㆍ미 정상회담",
                "미북 정상회담",
                "조미수뇌회담",
                "米朝首脳会談",
                "朝米首脳会談",
                "美朝首脑会谈",
                "美朝首腦會談",
                "朝美峰會",
                "川金會",
                "特金会",
                "金特會",
                "саммита США и КНДР",
                "Trump-Kim summit",
                "Trump–Kim-Gipfel",
                "cumbre Trump-Kim",
                "sommet Trump-Kim",
            ],
        ),
        (
            "united-states",
            &["U.S.-led", "美에", "米、", "США", "Соединённых Штатов"],
        ),
        (
            "north-korea",
            &[
                "北, 美에",
                "N. Korea's",
                "Северной Корее",
                "북한에서는",
                "北韓",
                "朝鮮の北朝鮮",
            ],
        ),
    ] {
        for text in texts {
            assert!(says(text, concept), "{text} does not say {concept}");
        }
    }
    for (text, concept) in [
        ("北大阪急行", "north-korea"),
        ("东北亚", "north-korea"),
        ("访北欧", "go-to-dprk"),
        ("朝の散歩", "north-korea"),
        ("唐朝", "north-korea"),
        ("tell us about it", "united-states"),
        ("Kim Kardashian", "kim-bare"),
        ("金正男", "kim-jong-un"),
        ("김정남", "kim-jong-un"),
        ("북미 시장", "us-dprk"),
        ("桂米朝", "us-dprk"),
        ("trump card", "trump"),
        ("significant", "sign"),
    ] {
        assert!(!says(text, concept), "{text} says {concept}");
    }
}

/// A title that names these concepts and nothing else.
fn naming(engine: &Engine, concepts: &[ConceptId]) -> Reading {
    let empty = engine.lexicon.read(&Words::new("", ""));
    let add = |reading: Reading, id: &ConceptId| reading.with_in_title(*id, &engine.lexicon);
    concepts.iter().fold(empty, add)
}

#[test]
fn more_evidence_never_lowers_the_score_of_a_shipped_topic() {
    let engine = shipped();
    let n = engine.lexicon.concepts().len();
    let ids: Vec<ConceptId> = (0..n)
        .filter_map(|at| engine.lexicon.id(&engine.lexicon.concepts()[at].id))
        .collect();
    let concepts = proptest::sample::subsequence(ids.clone(), 0..6);
    let mut runner = proptest::test_runner::TestRunner::default();
    let more = proptest::sample::select(ids);
    runner
        .run(&(concepts, more), |(concepts, more)| {
            let (fewer, said) = (naming(&engine, &concepts), engine.lexicon.closure(more));
            let after = fewer.with_in_title(more, &engine.lexicon);
            for topic in &engine.topics {
                let Scope::Rules(scope) = &topic.scope else {
                    continue;
                };
                // What a rule or a veto asks not to stand there is evidence against.
                let vetoing = scope
                    .vetoes
                    .iter()
                    .flat_map(|it| it.condition.all.iter().chain(&it.condition.any));
                let forbidding = scope.rules.iter().flat_map(|it| &it.condition.none);
                if vetoing
                    .chain(forbidding)
                    .any(|it| it.concepts.intersects(said))
                {
                    continue;
                }
                let (before, after) = (
                    topic.score(&fewer, &engine.lexicon),
                    topic.score(&after, &engine.lexicon),
                );
                prop_assert!((0.0..=1.0).contains(&after.score));
                prop_assert!(after.score + 1e-9 >= before.score);
            }
            Ok(())
        })
        .expect("monotone");
}

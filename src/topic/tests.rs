use super::explain::{Edit, Outcome, Role, shortest_change, traces};
use super::lexicon::{Concept, ConceptSet, Field, Kind, Lexicon, LexiconError};
use super::rule::{Clause, Condition, Named, Near, Rule};
use super::{Rules, Scope, Topic, Verdict};
use crate::text::Words;

fn concept(id: &str, kind: Kind, terms: &[&str], also: &[&str]) -> Concept {
    Concept {
        id: id.to_owned(),
        gloss: id.to_owned(),
        kind,
        terms: terms.iter().map(|&it| it.to_owned()).collect(),
        also: also.iter().map(|&it| it.to_owned()).collect(),
    }
}

fn lexicon() -> Lexicon {
    Lexicon::new(vec![
        concept(
            "us",
            Kind::Place,
            &["US", "U.S.", "United States", "미국", "美国"],
            &[],
        ),
        concept(
            "kim",
            Kind::Person,
            &["Kim Jong Un", "Kim", "김정은", "Ким* Чен* Ын*"],
            &[],
        ),
        concept(
            "summit",
            Kind::Act,
            &["summit", "정상회담", "首脳会談", "саммит*"],
            &[],
        ),
        concept(
            "us-dprk-summit",
            Kind::Compound,
            &["북미정상회담", "米朝首脳会談"],
            &["us", "kim", "summit"],
        ),
        concept("other-kim", Kind::Block, &["Kim Kardashian"], &[]),
        concept("anniversary", Kind::State, &["anniversary"], &[]),
        concept("north", Kind::Place, &["|北|"], &[]),
        concept("iran", Kind::Place, &["|이란"], &[]),
        concept("osaka", Kind::Place, &["大阪"], &[]),
        concept("meet-kim", Kind::Compound, &["meets Kim"], &["kim"]),
        concept("kita-osaka", Kind::Block, &["北大阪"], &[]),
    ])
    .expect("lexicon")
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let lexicon = lexicon();
    let reading = lexicon.read(&Words::new(text, ""));
    let found: Vec<&str> = reading
        .hits
        .iter()
        .map(|hit| lexicon.concept(hit.concept).id.as_str())
        .collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn terms_stand_where_words_stand() {
    check("US and Kim", &["us", "kim"]);
    check("tell us about Kimchi", &[]);
    check("the U.S.-led bloc", &["us"]);
    check("Kim's summits", &["kim", "summit"]);
    check("summitry", &[]);
    check("Kim Jong-un in the UNITED STATES", &["kim", "us"]);
    check("미국과 김정은의 정상회담", &["us", "kim", "summit"]);
    check("саммитом с Кимом Чен Ыном", &["summit", "kim"]);
}

#[test]
fn the_longest_match_wins() {
    check("Kim Kardashian at a summit", &["summit"]);
    check("北大阪の話", &[]);
    check("大阪の話", &["osaka"]);
    check("米朝首脳会談へ", &["us-dprk-summit"]);
    check("US meets Kim", &["us", "meet-kim"]);
}

#[test]
fn a_block_takes_what_reaches_into_its_words() {
    check("US meets Kim Kardashian", &["us"]);
    check("美国北大阪", &["us"]);
    check("US meets Kim Jong Un", &["us", "meet-kim", "kim"]);
}

#[test]
fn evidence_lies_on_the_original_bytes() {
    let lexicon = lexicon();
    let title = "“Ｋｉｍ Jong‑un” — 미국 정상회담";
    let reading = lexicon.read(&Words::new(title, "A U.S. summit."));
    let terms: Vec<&str> = reading
        .hits
        .iter()
        .filter(|hit| hit.field == Field::Title)
        .map(|hit| &title[hit.start..hit.end])
        .collect();
    assert_eq!(terms, ["Ｋｉｍ Jong‑un", "미국", "정상회담"]);
}

fn named(lexicon: &Lexicon, name: &str) -> Named {
    let mut concepts = ConceptSet::default();
    concepts.insert(lexicon.id(name).expect("concept"));
    Named {
        name: name.to_owned(),
        concepts,
    }
}

fn topic(lexicon: &Lexicon, near: Near) -> Topic {
    let all = ["us", "kim", "summit"]
        .map(|name| named(lexicon, name))
        .to_vec();
    let rule = Rule {
        name: "both and a summit".to_owned(),
        condition: Condition {
            all,
            ..Condition::default()
        },
        near,
        weight: 0.6,
    };
    let veto = Clause {
        name: "osaka in the title".to_owned(),
        condition: Condition {
            any: vec![named(lexicon, "osaka")],
            ..Condition::default()
        },
        near: Near::Title,
    };
    let mark = Clause {
        name: "looking back".to_owned(),
        condition: Condition {
            any: vec![named(lexicon, "anniversary")],
            ..Condition::default()
        },
        near: Near::Title,
    };
    Topic {
        tell: None,
        surroundings: None,
        course: None,
        name: "t".to_owned(),
        title: "t".to_owned(),
        threshold: 0.4,
        summary_weight: 0.8,
        scope: Scope::Rules(Rules {
            rules: vec![rule],
            related: Vec::new(),
            vetoes: vec![veto],
            marks: vec![mark],
        }),
    }
}

#[track_caller]
fn judged(near: Near, title: &str, summary: &str) -> Verdict {
    let lexicon = lexicon();
    topic(&lexicon, near).judge(&lexicon.read(&Words::new(title, summary)), &lexicon)
}

#[test]
fn rules_hold_within_their_unit() {
    assert!(judged(Near::Title, "US, Kim: summit", "").matched);
    assert!(!judged(Near::Title, "US, Kim", "A summit.").matched);
    assert!(judged(Near::Item, "US, Kim", "A summit.").matched);
    assert!(
        judged(
            Near::Sentence,
            "News",
            "The US and Kim plan a summit. Rain."
        )
        .matched
    );
    assert!(
        !judged(
            Near::Sentence,
            "News",
            "The US plans. Kim waits for a summit."
        )
        .matched
    );
    assert!(judged(Near::Window(20), "US, Kim: summit", "").matched);
    assert!(
        !judged(
            Near::Window(20),
            "US shares rise while Kim goes to a summit",
            ""
        )
        .matched
    );
    assert!(judged(Near::Title, "북미정상회담 개최", "").matched);
}

#[test]
fn scores_follow_the_field_and_vetoes_end_it() {
    let title = judged(Near::Sentence, "US, Kim: summit", "");
    let summary = judged(Near::Sentence, "News", "US, Kim: summit");
    assert!((title.score - 0.6).abs() < 1e-9 && (summary.score - 0.48).abs() < 1e-9);
    assert!(!judged(Near::Title, "US, Kim: summit in 大阪", "").matched);
}

#[test]
fn a_han_character_by_itself_is_no_part_of_a_word() {
    check("北, 미국에 경고", &["north", "us"]);
    check("“北의 선택”", &["north"]);
    check("北京", &[]);
    check("東北 지역", &[]);
}

#[test]
fn a_bar_keeps_letters_of_the_same_script_off_its_side() {
    check("美·이란과 협상", &["iran"]);
    check("美이란 협상", &["iran"]);
    check("협상할 것이란 관측", &[]);
}

#[test]
fn marks_are_said_and_decide_nothing() {
    let plain = judged(Near::Title, "US, Kim: summit", "");
    let marked = judged(Near::Title, "Anniversary of the US, Kim summit", "");
    assert!(plain.matched && plain.marks.is_empty());
    assert!(marked.matched && marked.marks == ["looking back"]);
    assert!(
        judged(Near::Title, "Wedding anniversary", "")
            .marks
            .is_empty()
    );
}

#[track_caller]
fn explained(near: Near, title: &str, summary: &str) -> Vec<Outcome> {
    let lexicon = lexicon();
    let reading = lexicon.read(&Words::new(title, summary));
    traces(&topic(&lexicon, near), &reading, &lexicon)
        .into_iter()
        .map(|it| it.outcome)
        .collect()
}

#[test]
fn explanations_name_what_is_missing_and_how_near_it_was() {
    let near = explained(Near::Title, "US and Kim", "");
    assert_eq!(near[0], Outcome::NearMiss("no summit".to_owned()));
    let far = explained(Near::Title, "A summit", "");
    assert_eq!(far[0], Outcome::Failed("no us; no kim".to_owned()));
    let satisfied = explained(Near::Sentence, "News", "US, Kim: summit");
    assert_eq!(
        satisfied[0],
        Outcome::Satisfied("in the summary: us, kim, summit".to_owned())
    );
    let spread = explained(Near::Window(5), "US, Kim: summit", "");
    assert_eq!(
        spread[0],
        Outcome::NearMiss("all parts are there, but not in one window".to_owned())
    );
}

#[test]
fn a_rule_says_what_it_adds() {
    let lexicon = lexicon();
    let reading = lexicon.read(&Words::new("News", "US, Kim: summit"));
    let traces = traces(&topic(&lexicon, Near::Sentence), &reading, &lexicon);
    assert!(matches!(traces[0].role, Role::Rule(gain) if (gain - 0.48).abs() < 1e-9));
    assert_eq!((traces[1].role, traces[2].role), (Role::Veto, Role::Mark));
}

#[track_caller]
fn change(title: &str) -> Option<Vec<String>> {
    let lexicon = lexicon();
    let reading = lexicon.read(&Words::new(title, ""));
    let change = shortest_change(&topic(&lexicon, Near::Title), &reading, &lexicon)?;
    Some(
        change
            .edits
            .iter()
            .map(|it: &Edit| it.describe(&lexicon))
            .collect(),
    )
}

#[test]
fn the_shortest_change_is_what_would_have_matched() {
    assert_eq!(change("US, Kim: summit"), None);
    assert_eq!(
        change("US and Kim").expect("one"),
        ["a word for summit (summit)"]
    );
    assert_eq!(change("A summit").expect("two").len(), 2);
    let vetoed = change("US, Kim: summit in 大阪").expect("one");
    assert_eq!(vetoed, ["no word for osaka"]);
}

#[test]
fn unknown_concepts_in_also_are_named_with_the_nearest() {
    let error = Lexicon::new(vec![
        concept("summit", Kind::Act, &["x"], &[]),
        concept("a", Kind::Act, &["y"], &["sumit"]),
    ]);
    assert_eq!(
        error.expect_err("unknown").to_string(),
        "concept \"a\" names \"sumit\" in `also`, which is no concept; did you mean \"summit\"?"
    );
    assert!(matches!(
        Lexicon::new(vec![concept("a", Kind::Act, &["*"], &[])]),
        Err(LexiconError::EmptyTerm(_))
    ));
}

proptest::proptest! {
    #[test]
    fn any_text_reads_with_offsets_inside(title in "\\PC{0,40}", summary in "[US김정은Kim ・.-]{0,60}") {
        let reading = lexicon().read(&Words::new(&title, &summary));
        for hit in &reading.hits {
            let text = if hit.field == Field::Title { &title } else { &summary };
            proptest::prop_assert!(text.get(hit.start..hit.end).is_some());
        }
    }

    #[test]
    fn more_evidence_never_lowers_the_score(words in proptest::collection::vec(proptest::sample::select(vec!["US", "Kim", "summit", "rain"]), 0..8)) {
        let fewer = judged(Near::Item, &words.join(" "), "");
        let more = judged(Near::Item, &format!("{} summit", words.join(" ")), "");
        proptest::prop_assert!(more.score >= fewer.score);
    }
}

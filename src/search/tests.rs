use jiff::Timestamp;

use super::{Document, Places, Query};
use crate::alert::Standing;
use crate::text::fold::{Folded, Words};
use crate::topic::lexicon::{Concept, Kind, Lexicon};

pub(crate) fn lexicon() -> Lexicon {
    let concept = |id: &str, terms: &[&str]| Concept {
        id: id.to_owned(),
        gloss: id.to_owned(),
        kind: Kind::Person,
        terms: terms.iter().map(|&it| it.to_owned()).collect(),
        also: Vec::new(),
    };
    let mut compound = concept("us-dprk-summit", &["북미정상회담", "米朝首脳会談"]);
    compound.also = vec!["north-korea".to_owned()];
    Lexicon::new(vec![
        concept(
            "kim-jong-un",
            &["Kim Jong Un", "김정은", "金正恩", "Ким* Чен* Ын*"],
        ),
        concept("north-korea", &["North Korea*", "|北|", "북한", "DPRK"]),
        concept("satellite", &["satellite"]),
        compound,
    ])
    .expect("a lexicon")
}

fn now() -> Timestamp {
    "2026-03-10T12:00:00Z".parse().expect("an instant")
}

/// Whether `query` accepts an item with this title, and what it sets off there.
#[track_caller]
fn found(query: &str, title: &str) -> Option<Vec<String>> {
    let query = Query::parse(query, &lexicon(), now()).unwrap_or_else(|fault| panic!("{fault}"));
    let words = Words::new(title, "A lead about ships.");
    let document = Document {
        words: &words,
        text: Some((
            "The body tells of tides.",
            Folded::new("The body tells of tides."),
        )),
        language: Some("ko"),
        outlet: "Garam News",
        family: "garam",
        feed: "garam-world",
        url: Some("https://www.garam.example/a?utm_source=x"),
        at: "2026-03-08T00:00:00Z".parse().expect("an instant"),
        standing: Standing::News,
        places: &Places {
            topics: vec!["us-dprk-summit".to_owned()],
            stories: vec![12],
            alerted: false,
        },
    };
    let found = query.accept(&document, &lexicon())?;
    Some(
        found
            .title
            .into_iter()
            .map(|it| title[it].to_owned())
            .collect(),
    )
}

#[track_caller]
fn finds(query: &str, title: &str, set_off: &[&str]) {
    assert_eq!(
        found(query, title).as_deref(),
        Some(set_off.iter().map(|&it| it.to_owned()).collect::<Vec<_>>()).as_deref(),
        "{query}"
    );
}

#[track_caller]
fn misses(query: &str, title: &str) {
    assert_eq!(found(query, title), None, "{query}");
}

#[track_caller]
fn refuses(query: &str, expected: &str) {
    let fault = Query::parse(query, &lexicon(), now()).expect_err("a fault");
    assert_eq!(fault.to_string(), expected);
}

#[test]
fn words_of_spaced_scripts_are_whole_words() {
    finds("trump", "Trump’s envoy meets TRUMP", &["Trump", "TRUMP"]);
    misses("trump", "Trumpets sound");
    finds(
        "denuclear*",
        "Denuclearisation talks",
        &["Denuclearisation"],
    );
    finds("jong-un", "Kim Jong Un speaks", &["Jong Un"]);
    misses("\"un jong\"", "Kim Jong Un speaks");
    finds("саммит*", "Саммита не будет", &["Саммита"]);
    finds("café", "Un café à Genève", &["café"]);
}

#[test]
fn characters_of_unspaced_scripts_stand_anywhere() {
    finds("북한", "대북한 제재, 북한은", &["북한", "북한"]);
    finds("북미", "제2차 북미정상회담", &["북미"]);
    misses("북미", "북한과 미국");
    finds("米朝", "米朝会談と米朝関係", &["米朝", "米朝"]);
    finds("朝美", "朝美首腦會談", &["朝美"]);
    finds("核", "脱核化", &["核"]);
    finds("会談", "朝美首腦會談", &["會談"]);
    finds("k팝", "K팝 스타", &["K팝"]);
    finds(
        "\"북미 정상회담\"",
        "북미정상회담과 북미 정상회담",
        &["북미정상회담", "북미 정상회담"],
    );
    misses("북미정상회담", "북미 정상회담");
}

#[test]
fn operators_bind_as_everywhere() {
    finds("trump kim", "Kim writes to Trump", &["Trump", "Kim"]);
    misses("trump AND kim", "Kim writes");
    finds("trump OR kim", "Kim writes", &["Kim"]);
    finds("a OR kim writes", "Kim writes", &["Kim", "writes"]);
    misses("kim -writes", "Kim writes");
    misses("kim NOT (writes OR speaks)", "Kim writes");
    finds(
        "kim AND (speaks OR writes)",
        "Kim writes",
        &["Kim", "writes"],
    );
    finds("Trump – Kim", "Kim and Trump", &["Trump", "Kim"]);
    finds("not kim and", "Kim and not", &["not", "Kim", "and"]);
}

#[test]
fn fields_and_filters_narrow() {
    misses("title:ships", "Boats");
    finds("summary:ships", "Boats", &[]);
    finds("ships tides", "Boats", &[]);
    misses("summary:tides", "Boats");
    finds("title:(boats OR rafts) lang:KO", "Boats", &["Boats"]);
    misses("boats lang:ja", "Boats");
    finds(
        "outlet:\"garam news\" outlet:garam feed:garam-world",
        "Boats",
        &[],
    );
    finds(
        "since:7d after:2026-03-01 before:2026-03-08T00:00:01Z",
        "Boats",
        &[],
    );
    misses("since:1d", "Boats");
    misses("before:2026-03-08", "Boats");
    finds(
        "topic:US-DPRK-summit story:12 is:matched is:news -is:alerted",
        "Boats",
        &[],
    );
    misses("story:13 OR is:copy", "Boats");
}

#[test]
fn concepts_are_found_in_every_language() {
    finds(
        "concept:kim-jong-un",
        "Kim Jong-un and 김정은이",
        &["Kim Jong-un", "김정은"],
    );
    finds("concept:kim-jong-un", "Речь Ким Чен Ына", &["Ким Чен Ына"]);
    finds("concept:north-korea", "북미정상회담", &["북미정상회담"]);
    finds("concept:satellite", "Satellites", &["Satellite"]);
    misses("concept:north-korea", "北京");
}

#[test]
fn what_cannot_be_understood_is_said() {
    refuses(
        "",
        "the query is empty; give a word, or a filter like lang:ko (at character 1)",
    );
    refuses(
        "kim (trump",
        "this parenthesis is never closed (at character 5)",
    );
    refuses(
        "kim)",
        "this closing parenthesis opens nowhere (at character 4)",
    );
    refuses(
        "\"kim",
        "this quotation mark is never closed (at character 1)",
    );
    refuses("kim OR", "OR stands between two things (at character 5)");
    refuses("AND kim", "AND stands between two things (at character 1)");
    refuses(
        "kim NOT",
        "something is missing at the end (at character 8)",
    );
    refuses(
        "since:lately",
        "since: wants a length of time like 24h or 7d, not \"lately\" (at character 1)",
    );
    refuses("* kim", "* stands at the end of a word (at character 1)");
    refuses("a*", "a prefix wants two letters at least (at character 1)");
    refuses(
        "concept:kim-jong-on",
        "no concept is called \"kim-jong-on\"; did you mean \"kim-jong-un\"?; `summitwatch topics concepts WORD` finds one (at character 1)",
    );
    refuses(
        "kim languag:ko",
        "\"languag:\" is no filter; did you mean \"lang\"?; there are title, summary, lang, outlet, feed, topic, story, concept, since, after, before, is. In quotation marks it is text (at character 5)",
    );
    refuses(
        &"(".repeat(500),
        "the query has too many parts (at character 17)",
    );
    refuses(
        &"kim ".repeat(200),
        "the query has too many parts (at character 257)",
    );
    refuses(
        &"k".repeat(1_001),
        "a query has at most 1000 characters (at character 1000)",
    );
}

#[test]
fn accents_and_pasted_addresses_are_no_hindrance() {
    finds("seoul", "Séoul et Pyongyang", &["Séoul"]);
    finds("séoul", "Seoul and Pyongyang", &["Seoul"]);
    finds("идет", "Подготовка идёт", &["идёт"]);
    assert!(found("http://garam.example/a", "x").is_some());
    assert!(found("https://garam.example/b", "x").is_none());
}

#[test]
fn what_contradicts_itself_is_seen_in_the_query() {
    let is = |query: &str| {
        Query::parse(query, &lexicon(), now())
            .expect("a query")
            .is_contradictory()
    };
    for contradictory in [
        "ships -ships",
        "concept:kim-jong-un -concept:kim-jong-un",
        "is:news -is:news",
        "-is:news is:news",
        "is:news is:history",
        "lang:ko lang:ja",
        "since:1d before:2020-01-01",
        "(ships -ships) OR (is:news is:copy)",
        "ships (tides -tides)",
    ] {
        assert!(is(contradictory), "{contradictory}");
    }
    for sound in [
        "ships -tides",
        "is:news OR is:history",
        "-is:news",
        "is:matched is:news",
        "since:7d before:2030-01-01",
        "(ships -ships) OR tides",
    ] {
        assert!(!is(sound), "{sound}");
    }
}

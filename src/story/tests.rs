use jiff::Timestamp;

use super::{DevelopmentKind, Features, OpenStories, Placement, Policy, StoryId, assess, place};
use crate::text::Words;
use crate::topic::lexicon::{Concept, Kind, Lexicon};

fn lexicon() -> Lexicon {
    let concept = |id: &str, kind, terms: &[&str]| Concept {
        id: id.to_owned(),
        gloss: id.to_owned(),
        kind,
        terms: terms.iter().map(|&it| it.to_owned()).collect(),
        also: Vec::new(),
    };
    Lexicon::new(vec![
        concept("trump", Kind::Person, &["Trump", "트럼프"]),
        concept("kim", Kind::Person, &["Kim", "김정은"]),
        concept("letter", Kind::Act, &["letter", "친서"]),
        concept("postpone", Kind::Act, &["postpone*", "연기"]),
        concept("singapore", Kind::Place, &["Singapore", "싱가포르"]),
    ])
    .expect("lexicon")
}

fn features(title: &str, at: &str) -> Features {
    let lexicon = lexicon();
    let words = Words::new(title, "");
    Features::new(
        &words,
        &lexicon.read(&words),
        &lexicon,
        at.parse::<Timestamp>().expect("time"),
    )
}

fn one_story(title: &str) -> OpenStories {
    let mut open = OpenStories::default();
    open.add(StoryId(1), features(title, "2026-03-02T00:00:00Z"));
    open
}

#[test]
fn the_same_happening_in_other_words_joins() {
    let open = one_story("Trump sends letter to Kim through New York channel");
    let item = features(
        "Letter from Trump delivered to Kim via New York channel",
        "2026-03-02T02:00:00Z",
    );
    assert!(matches!(
        place(&item, &open, &Policy::default()),
        Placement::Joins {
            story: StoryId(1),
            ..
        }
    ));
}

#[test]
fn another_script_joins_by_concepts_and_a_fact() {
    let open = one_story("Trump sends letter to Kim");
    let korean = features("트럼프, 김정은에 친서 전달", "2026-03-02T02:00:00Z");
    assert!(matches!(
        place(&korean, &open, &Policy::default()),
        Placement::Joins { .. }
    ));
    let elsewhere = features("트럼프, 싱가포르 방문 연기", "2026-03-02T02:00:00Z");
    assert!(matches!(
        place(&elsewhere, &open, &Policy::default()),
        Placement::Opens { .. }
    ));
}

#[test]
fn another_subject_opens_its_own_story() {
    let open = one_story("Trump sends letter to Kim through New York channel");
    let item = features(
        "Storm closes the airport for a second day",
        "2026-03-02T02:00:00Z",
    );
    assert_eq!(
        place(&item, &open, &Policy::default()),
        Placement::Opens { nearest: None }
    );
}

#[test]
fn a_story_without_news_closes() {
    let mut open = one_story("Trump sends letter to Kim");
    open.close_before(
        "2026-03-04T23:00:00Z".parse().expect("time"),
        &Policy::default(),
    );
    assert_eq!(open.len(), 1);
    open.close_before(
        "2026-03-05T01:00:00Z".parse().expect("time"),
        &Policy::default(),
    );
    assert!(open.is_empty());
}

#[test]
fn a_new_date_is_a_development_and_a_repeat_is_not() {
    let open = one_story("Trump and Kim plan to meet in Singapore");
    let story = open.get(StoryId(1)).expect("story");
    let repeat = features("Kim and Trump to meet in Singapore", "2026-03-02T02:00:00Z");
    assert_eq!(assess(&repeat, story, &Policy::default()), None);
    let dated = features(
        "Trump and Kim to meet in Singapore on 12 May",
        "2026-03-02T02:00:00Z",
    );
    let development = assess(&dated, story, &Policy::default()).expect("a development");
    assert_eq!(development.kind, DevelopmentKind::Fact);
    assert_eq!(development.reason, "new in this story: date 05-12");
    assert_eq!(development.sentences, [0]);
}

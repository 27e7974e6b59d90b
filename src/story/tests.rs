use jiff::Timestamp;

use super::ladder::State;
use super::open::{Arrival, Course};
use super::step::Ladder;
use super::wording::Wording;
use super::{DevelopmentKind, Features, News, OpenStories, Policy, StoryId, assess, place, stands};
use crate::text::Words;
use crate::topic::lexicon::{Concept, ConceptSet, Kind, Lexicon};

fn concept(id: &str, kind: Kind, terms: &[&str]) -> Concept {
    Concept {
        id: id.to_owned(),
        gloss: id.to_owned(),
        kind,
        terms: terms.iter().map(|&it| it.to_owned()).collect(),
        also: Vec::new(),
    }
}

fn lexicon() -> Lexicon {
    Lexicon::new(vec![
        concept("trump", Kind::Person, &["Trump", "트럼프"]),
        concept("kim", Kind::Person, &["Kim", "김정은"]),
        concept("letter", Kind::Act, &["letter", "친서"]),
        concept("postpone", Kind::Act, &["postpone*", "연기"]),
        concept("singapore", Kind::Place, &["Singapore", "싱가포르"]),
        concept("korea", Kind::Place, &["South Korea", "한국"]),
        concept("summit", Kind::Act, &["summit", "회담", "首脳会談"]),
    ])
    .expect("lexicon")
}

fn wording() -> Wording {
    Wording::new(
        &[],
        &[],
        &["종합".to_owned()],
        &[],
        ["the", "to", "and", "for"],
    )
}

fn features(title: &str, at: &str) -> Features {
    let lexicon = lexicon();
    let words = Words::new(title, "");
    Features::new(
        &words,
        &lexicon.read(&words),
        &lexicon,
        &wording(),
        at.parse::<Timestamp>().expect("time"),
    )
}

const FIRST: &str = "2026-03-02T00:00:00Z";
const LATER: &str = "2026-03-02T02:00:00Z";

fn one_story(title: &str) -> OpenStories {
    let mut open = OpenStories::default();
    open.open(StoryId(1), &features(title, FIRST));
    open
}

#[track_caller]
fn check_join(first: &str, second: &str, at: &str, joins: bool) {
    let open = one_story(first);
    let placement = place(&features(second, at), None, &open, &Policy::default());
    assert_eq!(placement.joins().is_some(), joins, "{placement:?}");
}

#[test]
fn the_same_happening_in_other_words_joins() {
    check_join(
        "Trump sends letter to Kim through New York channel",
        "A letter from Trump reached Kim by the New York channel",
        LATER,
        true,
    );
}

#[test]
fn a_serial_mark_makes_no_other_story() {
    check_join(
        "장관 \"곧 만날 것으로 기대\"",
        "[속보] 장관 \"곧 만날 것으로 기대\"(종합)",
        LATER,
        true,
    );
}

#[test]
fn another_script_joins_by_three_concepts_one_of_them_telling() {
    let first = "Trump sends letter to Kim";
    check_join(first, "트럼프, 김정은에 친서 전달", LATER, true);
    check_join(first, "트럼프, 김정은 언급", LATER, false);
    check_join(first, "트럼프, 싱가포르 방문 연기", LATER, false);
}

#[test]
fn another_subject_opens_its_own_story() {
    check_join(
        "Trump sends letter to Kim through New York channel",
        "Storm closes the airport for a second day",
        LATER,
        false,
    );
}

#[test]
fn a_story_without_news_closes() {
    let mut open = one_story("Trump sends letter to Kim");
    let policy = Policy::default();
    open.close_before("2026-03-04T23:00:00Z".parse().expect("time"), &policy);
    assert_eq!(open.len(), 1);
    open.close_before("2026-03-05T01:00:00Z".parse().expect("time"), &policy);
    assert!(open.is_empty());
}

#[test]
fn stories_that_turn_out_to_be_one_are_merged_into_the_earlier() {
    let mut open = one_story("Trump sends letter to Kim");
    open.open(StoryId(2), &features("트럼프, 김정은에 친서", LATER));
    let item = features("Trump letter delivered to Kim", LATER);
    open.add(StoryId(2), &item);
    let ranked = place(&item, None, &open, &Policy::default()).ranked;
    let found = open.same_as(StoryId(2), &ranked, &Policy::default());
    assert_eq!(found.map(|it| it.0), Some(StoryId(1)));
    open.merge(StoryId(2), StoryId(1));
    assert_eq!(open.len(), 1);
    let korean = features("트럼프, 김정은에 친서 전달", LATER);
    let joined = place(&korean, None, &open, &Policy::default()).joins();
    assert_eq!(joined.map(|it| it.story), Some(StoryId(1)));
}

#[test]
fn a_new_date_is_a_development_and_a_repeat_is_not() {
    let open = one_story("Trump and Kim plan to meet in Singapore");
    let policy = Policy::default();
    let news = |title| News::of(&features(title, LATER), open.get(StoryId(1)), &open.rarity);
    let repeat = news("Kim and Trump to meet in Singapore");
    assert_eq!(assess(&repeat, &policy), None);
    let dated = news("Trump, Kim summit postponed, new date is 12 May");
    let development = assess(&dated, &policy).expect("a development");
    assert_eq!(development.kind, DevelopmentKind::Fact);
    assert_eq!(
        development.reason,
        "new in this story: summit, postpone, date 05-12"
    );
}

fn ladder() -> Ladder {
    let phrases = Lexicon::new(vec![
        concept("wished", Kind::State, &["wants to meet", "만나고 싶"]),
        concept("planned", Kind::State, &["to meet", "만날 계획"]),
        concept("confirmed", Kind::State, &["agrees to meet"]),
        concept(
            "declined",
            Kind::State,
            &["no plans to meet", "만날 계획 없"],
        ),
        concept("cancelled", Kind::State, &["calls off", "취소"]),
        concept("negation", Kind::State, &["denies", "없다", "아니다"]),
        concept("maybe", Kind::State, &["threatens", "위협"]),
    ]);
    let lexicon = lexicon();
    let party = |name| {
        let mut set = ConceptSet::default();
        set.insert(lexicon.id(name).expect("a concept"));
        set
    };
    let parties = vec![
        ("us".to_owned(), party("trump")),
        ("dprk".to_owned(), party("kim")),
    ];
    Ladder {
        phrases: phrases.expect("phrases"),
        parties,
        officials: ConceptSet::default(),
        meetings: party("summit"),
        countries: party("korea"),
    }
}

#[track_caller]
fn check_state(title: &str, expected: Option<State>) {
    let (words, lexicon) = (Words::new(title, ""), lexicon());
    let step = ladder().read(
        &words,
        &lexicon.read(&words),
        &lexicon,
        &wording(),
        FIRST.parse().expect("time"),
    );
    assert_eq!(step.state, expected, "{title}");
}

#[test]
fn phrases_tell_the_state_unless_denied_or_threatened() {
    check_state("Trump wants to meet Kim", Some(State::Wished));
    check_state("Trump to meet Kim in May", Some(State::Planned));
    check_state("Trump to meet Kim on 12 May", Some(State::Dated));
    check_state("Trump to meet Kim in Singapore", Some(State::Placed));
    check_state("Trump has no plans to meet Kim", Some(State::Declined));
    check_state("트럼프, 김정은 만날 계획 없다", Some(State::Declined));
    check_state("Trump calls off talks with Kim", Some(State::Cancelled));
    check_state(
        "Kim threatens: calls off Trump talks?",
        Some(State::Doubted),
    );
    check_state("트럼프 \"김정은 회담 취소 아니다\"", None);
    check_state(
        "김정은 \"트럼프 만날 계획 없다\"…위협은 계속",
        Some(State::Declined),
    );
    check_state("Trump calls off rally", None);
}

#[test]
fn names_within_a_phrase_do_not_hide_it() {
    check_state("Trump calls off Kim talks", Some(State::Cancelled));
    check_state("Envoy: plan stands for Trump to again meet Kim", None);
    check_state("트럼프 “취소, 김정은 회담”", Some(State::Cancelled));
}

#[test]
fn a_summit_and_a_coming_day_need_no_verb() {
    check_state("Trump-Kim summit: 12 May", Some(State::Dated));
    check_state("Trump-Kim summit: Singapore, 12 May", Some(State::Placed));
    check_state("Trump-Kim summit of 12 November remembered", None);
    check_state("Trump to meet Kim, South Korea says", Some(State::Planned));
}

#[test]
fn a_headline_without_names_is_read_for_its_story() {
    let (words, lexicon) = (Words::new("It calls off the summit", ""), lexicon());
    let at = FIRST.parse().expect("time");
    let step = ladder().read(&words, &lexicon.read(&words), &lexicon, &wording(), at);
    assert_eq!(step.state, Some(State::Cancelled));
    assert!(step.is_nameless);
}

#[test]
fn another_day_or_place_for_the_meeting_is_told() {
    let mut open = one_story("Trump to meet Kim in Singapore on 12 May");
    let at: Timestamp = LATER.parse().expect("time");
    let course = Course {
        state: Some(State::Placed),
        states: vec![(State::Placed, at)],
        ..Course::default()
    };
    open.get_mut(StoryId(1)).expect("open").course = course.clone();
    let told = |title: &str| {
        let (words, lexicon) = (Words::new(title, ""), lexicon());
        let step = ladder().read(&words, &lexicon.read(&words), &lexicon, &wording(), at);
        let news = News::of(&features(title, LATER), open.get(StoryId(1)), &open.rarity);
        stands(&step, &news, &course, &course, at).map(|it| it.reason)
    };
    assert_eq!(told("Trump, Kim summit in Singapore on 12 May"), None);
    assert_eq!(
        told("Trump, Kim summit in Singapore on 9 June").as_deref(),
        Some("the meeting is now set otherwise: date 06-09")
    );
}

#[test]
fn a_course_forgets_what_no_report_is_judged_by() {
    let at = |text: &str| text.parse::<Timestamp>().expect("time");
    let mut course = Course {
        state: Some(State::Placed),
        states: vec![
            (State::Confirmed, at("2018-05-01T00:00:00Z")),
            (State::Placed, at("2018-05-10T00:00:00Z")),
        ],
        ..Course::default()
    };
    course.forget(at("2018-05-20T00:00:00Z"));
    assert_eq!(course.states, [(State::Placed, at("2018-05-10T00:00:00Z"))]);
    assert_eq!(course.state, Some(State::Placed));
}

#[test]
fn the_actor_is_the_party_named_first() {
    let (words, lexicon) = (Words::new("Kim agrees to meet Trump", ""), lexicon());
    let step = ladder().read(
        &words,
        &lexicon.read(&words),
        &lexicon,
        &wording(),
        FIRST.parse().expect("time"),
    );
    assert_eq!(step.actor.as_deref(), Some("dprk"));
}

#[test]
fn steps_down_are_changes_and_late_reports_are_none() {
    assert!(State::Cancelled.changes(Some(State::Placed)));
    assert!(State::Cancelled.changes(Some(State::Doubted)));
    assert!(!State::Doubted.changes(Some(State::Cancelled)));
    assert!(!State::Wished.changes(Some(State::Cancelled)));
    assert!(!State::Wished.changes(Some(State::Floated)));
    assert!(State::Revived.changes(Some(State::Cancelled)));
    assert!(!State::Cancelled.changes(Some(State::Outcome)));

    let step = |state| super::step::Step {
        state: Some(state),
        ..super::step::Step::default()
    };
    let at = |text: &str| text.parse::<Timestamp>().expect("time");
    let mut course = Course::default();
    course.advance(&step(State::Cancelled), Arrival::Opens, at(FIRST));
    course.advance(
        &step(State::Revived),
        Arrival::Joins,
        at("2026-03-02T10:00:00Z"),
    );
    assert_eq!(course.state, Some(State::Revived));
    let cancelled = step(State::Cancelled);
    assert_eq!(course.changes(&cancelled, at("2026-03-02T12:00:00Z")), None);
    assert_eq!(
        course.changes(&cancelled, at("2026-03-05T12:00:00Z")),
        Some(State::Cancelled)
    );
    course.advance(&cancelled, Arrival::Joins, at("2026-03-05T12:00:00Z"));
    let placed = step(State::Placed);
    course.advance(&placed, Arrival::Joins, at("2026-03-05T13:00:00Z"));
    assert_eq!(course.state, Some(State::Cancelled));
    course.advance(&placed, Arrival::Sets, at("2026-03-05T14:00:00Z"));
    assert_eq!(course.state, Some(State::Placed));
}

#[test]
fn what_one_side_confirms_after_the_other_both_have_confirmed() {
    let confirmed = |actor: &str| super::step::Step {
        state: Some(State::Confirmed),
        actor: Some(actor.to_owned()),
        ..super::step::Step::default()
    };
    let now = FIRST.parse().expect("time");
    let mut course = Course::default();
    course.advance(&confirmed("dprk"), Arrival::Opens, now);
    let news = News {
        unsaid: 0.5,
        ..News::default()
    };
    let topic = Course::default();
    assert_eq!(
        stands(&confirmed("dprk"), &news, &course, &topic, now),
        None
    );
    let both = stands(&confirmed("us"), &news, &course, &topic, now).expect("a development");
    assert_eq!(both.kind, DevelopmentKind::State);
    assert!(
        both.reason
            .starts_with("the meeting is now confirmed by both sides")
    );
}

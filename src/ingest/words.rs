//! Why an item was ruled on as it was: in words for people, and sign by sign as JSON.

use serde_json::{Map, Value, json};

use crate::alert::{Decision, Place, Reason, Ruling};
use crate::story::DevelopmentKind;
use crate::story::board::{Board, Ranked};
use crate::story::ladder::State;
use crate::story::signs::{LIKENESS, WEIGHT};
use crate::story::statement::MatterNames;
use crate::story::weights::{Sum, Weights};
use crate::text::cut;
use crate::topic::lexicon::Lexicon;
use crate::words::acts;

/// Characters of a headline that is quoted in a reason.
const HEADLINE: usize = 80;

/// One plain line: why it is told, or why not.
pub(super) fn reason(
    board: &Board,
    ruling: &Ruling,
    names: &MatterNames,
    lexicon: &Lexicon,
) -> String {
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let nearest = ruling
        .placement
        .ranked
        .first()
        .and_then(|it| Some((it, board.get(it.development)?)));
    let known = || match nearest {
        Some((_, it)) => format!(
            "development {} (\"{}\")",
            it.id.0,
            cut(&it.headline, HEADLINE)
        ),
        None => "a development".to_owned(),
    };
    match ruling.decision {
        Decision::Alert | Decision::Held(_) => told(board, ruling, names, lexicon),
        Decision::Silent(Reason::Told) => format!("repeats {}, which was told", known()),
        Decision::Silent(Reason::Copy) => format!("has the words of a report of {}", known()),
        Decision::Silent(Reason::History) => match ruling.place {
            Place::Joins(..) => format!("reports {}, and was published too long ago", known()),
            _ => "was published too long ago to be told as news".to_owned(),
        },
        Decision::Silent(Reason::Past) => "looks back".to_owned(),
        Decision::Silent(Reason::Comment) => {
            "is somebody's view or a question, no report".to_owned()
        }
        Decision::Silent(Reason::Slight) => format!(
            "weighs {} as news; {} are needed for an alert",
            percent(ruling.weight),
            percent(ruling.tell)
        ),
        Decision::Silent(Reason::Doubtful) => format!(
            "may be {}: {} likely to be new; waits for a second report",
            known(),
            percent(ruling.newness)
        ),
        Decision::Silent(Reason::Budget) => "the topic has had its alerts of this hour".to_owned(),
        Decision::Silent(Reason::Flood) => {
            "its outlet has caused as many alerts as it may within an hour".to_owned()
        }
    }
}

fn told(board: &Board, ruling: &Ruling, names: &MatterNames, lexicon: &Lexicon) -> String {
    let word = |it: State| {
        let own = names.states.get(it.as_str());
        own.map_or(it.gloss(), String::as_str).to_owned()
    };
    let before = board.course.state.map_or_else(
        || "the first that is known of it".to_owned(),
        |it| format!("until now: {}", word(it)),
    );
    match (ruling.kind, ruling.change) {
        (DevelopmentKind::State, Some(state)) => {
            let place = &board.course.place;
            let place = place.as_ref().and_then(|it| lexicon.id(it));
            let at = place.map_or_else(String::new, |it| {
                let concept = lexicon.concept(it);
                format!(" at {}", acts::place(&concept.id, &concept.gloss))
            });
            let noun = names.noun.as_str();
            let noun = if noun.is_empty() { "meeting" } else { noun };
            format!("the {noun}: {}; {before}{at}", word(state))
        }
        (DevelopmentKind::Official, _) => {
            "the first official word on what unnamed sources told".to_owned()
        }
        (DevelopmentKind::Correction, _) => "its outlet has corrected what was told".to_owned(),
        (DevelopmentKind::Opens, _) => "the first report of a new story".to_owned(),
        _ => match ruling.place {
            Place::Joins(..) => "a second report bears it out; it was not told before".to_owned(),
            _ => "new: no report so far tells it".to_owned(),
        },
    }
}

/// Every sign with what it adds.
pub(super) fn signs(ruling: &Ruling, weights: &Weights) -> Value {
    let ranked = |it: &Ranked| {
        json!({
            "development": it.development.0, "log_odds": rounded(it.log_odds), "join": it.join,
        })
    };
    let mut nearest = ruling.placement.ranked.iter().map(ranked).take(5);
    let mut same = nearest.next().unwrap_or(Value::Null);
    if let (Some(first), Some(object)) = (ruling.placement.ranked.first(), same.as_object_mut()) {
        object.insert("bias".to_owned(), json!(weights.same.bias));
        let signs = shares(&weights.same, &first.signs, &LIKENESS);
        object.insert("signs".to_owned(), signs);
    }
    json!({
        "same": same,
        "runners_up": nearest.collect::<Vec<_>>(),
        "newness": rounded(ruling.newness),
        "news": {
            "weight": rounded(ruling.weight), "bias": weights.news.bias,
            "signs": shares(&weights.news, &ruling.signs, &WEIGHT),
        },
        "certainty": rounded(ruling.certainty),
        "tell": ruling.tell,
    })
}

fn shares<const N: usize>(sum: &Sum<N>, values: &[f64; N], names: &[&str; N]) -> Value {
    let shares = sum.shares(values).into_iter();
    let shares = shares.map(|(at, share)| (names[at].to_owned(), json!(rounded(share))));
    Value::Object(shares.collect::<Map<_, _>>())
}

fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

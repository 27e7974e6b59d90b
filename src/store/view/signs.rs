//! What decided about an item, sign by sign, out of what `story_items.signs` keeps.

use serde::Serialize;
use serde_json::Value;

use crate::store::view::items::Placement;
use crate::story::signs::{LIKENESS, WEIGHT};
use crate::story::weights::{Sum, Weights};

/// How an item was placed and weighed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Weighed {
    /// The development that it was likest to; none where none was open.
    pub nearest: Option<Near>,
    pub runners_up: Vec<Near>,
    /// 0..1: that no open development is what it tells.
    pub newness: f64,
    /// 0..1: that it is news at all.
    pub weight: f64,
    pub weight_signs: Vec<Share>,
    /// Weight and newness as they count together, and from where on it is told.
    pub certainty: f64,
    pub tell: f64,
}

/// A development beside the item.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Near {
    pub development: i64,
    pub headline: String,
    /// That the item tells it, and from where on it joins.
    pub log_odds: f64,
    pub join: f64,
    /// What adds up to the log-odds; of the nearest only.
    pub signs: Vec<Share>,
}

/// What one sign adds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Share {
    pub sign: String,
    pub gloss: String,
    pub adds: f64,
}

/// None of what an earlier release placed.
pub fn weighed(placed: &Placement, weights: &Weights) -> Option<Weighed> {
    let signs = &placed.signs;
    let near = |it: &Value| {
        let development = it["development"].as_i64()?;
        let title = placed.headlines.iter().find(|(id, _)| *id == development);
        Some(Near {
            development,
            headline: title.map(|it| it.1.clone()).unwrap_or_default(),
            log_odds: it["log_odds"].as_f64()?,
            join: it["join"].as_f64()?,
            signs: shares(it, &weights.same, &LIKENESS),
        })
    };
    let others = signs["runners_up"].as_array().into_iter().flatten();
    let news = &signs["news"];
    Some(Weighed {
        nearest: near(&signs["same"]),
        runners_up: others.filter_map(near).collect(),
        newness: signs["newness"].as_f64()?,
        weight: news["weight"].as_f64()?,
        weight_signs: shares(news, &weights.news, &WEIGHT),
        certainty: signs["certainty"].as_f64()?,
        tell: signs["tell"].as_f64()?,
    })
}

/// The bias and what each sign adds, the strongest first.
fn shares<const N: usize>(sum: &Value, weights: &Sum<N>, names: &[&str; N]) -> Vec<Share> {
    let gloss = |sign: &str| {
        let at = names.iter().position(|it| *it == sign);
        at.map_or(sign, |at| weights.glosses[at].as_str())
            .to_owned()
    };
    let bias = sum["bias"].as_f64().map(|adds| Share {
        sign: "bias".to_owned(),
        gloss: "before anything is known of it".to_owned(),
        adds,
    });
    let mut signs: Vec<Share> = sum["signs"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(sign, adds)| {
            Some(Share {
                gloss: gloss(sign),
                sign: sign.clone(),
                adds: adds.as_f64()?,
            })
        })
        .collect();
    signs.sort_by(|a, b| b.adds.abs().total_cmp(&a.adds.abs()));
    bias.into_iter().chain(signs).collect()
}

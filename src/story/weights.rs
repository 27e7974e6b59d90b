//! Weights of the signs, biases and thresholds: data, read at start from `weights.toml`. Pure.

use std::time::Duration;

use crate::story::context::{CONTEXT, Context};
use crate::story::signs::{LIKENESS, Likeness, WEIGHT, Weight};

/// Everything that decides what is one development, and what is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    pub same: Sum<{ LIKENESS.len() }>,
    pub scales: Scales,
    pub times: Times,
    /// Log-odds from which a report joins the best development.
    pub join: f64,
    /// The same where the development has no report in the script of the report.
    pub join_other_script: f64,
    /// Log-odds from which a new development belongs to the story of the nearest one.
    pub story: f64,
    /// A development without a report for so long takes no more.
    pub window: Duration,
    /// A development is closed so long after its first report.
    pub life: Duration,
    /// That a headline without a rule belongs to a topic that is hot.
    pub context: Sum<{ CONTEXT.len() }>,
    /// Probability from which it is taken in as a report of a known development, and from which it may
    /// open one.
    pub take_in: f64,
    pub take_in_new: f64,
    pub news: Sum<{ WEIGHT.len() }>,
    /// Predicates of what is done, not said.
    pub acts: Vec<String>,
    /// Certainty, 0..1, from which a development is told, where the topic file gives none.
    pub tell: f64,
    /// Exponent on the probability that the development is new: 0 tells doubtful births at once, 1
    /// takes doubt in full.
    pub doubt: f64,
}

/// By what signs of likeness are measured.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scales {
    /// Keys of predicates that contradict each other.
    pub opposed: Vec<(u32, u32)>,
    /// A likeness of concepts below this is a coincidence, 0..1.
    pub chance: f64,
    /// Hours at which the signs of time reach 1.
    pub long_hours: f64,
}

/// For how long what was reported counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Times {
    /// Seconds for which reports of a state that is past keep coming in: a repeat within it is a late report, no change.
    pub late: i64,
    /// Seconds for which a state that nobody speaks of any more still holds.
    pub current: i64,
    /// Seconds for which a report that matched by rule keeps its topic warm.
    pub warm: i64,
    /// Seconds for which its words count as the week's, and its outlet is known to cover the topic.
    pub covers: i64,
    /// Reports within `warm` at which the sign of heat reaches 1.
    pub hot: f64,
}

/// A bias and a weight for each sign.
#[derive(Debug, Clone, PartialEq)]
pub struct Sum<const N: usize> {
    pub bias: f64,
    pub weights: [f64; N],
    /// What each sign says, for a reader.
    pub glosses: [String; N],
}

impl<const N: usize> Sum<N> {
    /// Log-odds: bias + Σ weight × value.
    pub fn log_odds(&self, values: &[f64; N]) -> f64 {
        let terms = self.weights.iter().zip(values).map(|(w, v)| w * v);
        self.bias + terms.sum::<f64>()
    }

    /// What each sign adds, the strongest first; signs that add nothing are left out.
    pub fn shares(&self, values: &[f64; N]) -> Vec<(usize, f64)> {
        let mut shares: Vec<(usize, f64)> = self
            .weights
            .iter()
            .zip(values)
            .map(|(w, v)| w * v)
            .enumerate()
            .filter(|it| it.1.abs() >= 0.005)
            .collect();
        shares.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
        shares
    }
}

impl Weights {
    /// The log-odds that decide whether a report joins, beside the threshold that they must reach.
    pub fn likeness(&self, signs: &Likeness, same_script: bool) -> (f64, f64) {
        let join = if same_script {
            self.join
        } else {
            self.join_other_script
        };
        (self.same.log_odds(signs), join)
    }

    /// The probability that a headline without a rule belongs to its hot topic, 0..1.
    pub fn context(&self, signs: &Context) -> f64 {
        sigmoid(self.context.log_odds(signs))
    }

    /// The probability that a report is news, 0..1.
    pub fn news(&self, signs: &Weight) -> f64 {
        sigmoid(self.news.log_odds(signs))
    }
}

/// Probability of log-odds.
pub fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z.clamp(-30.0, 30.0)).exp())
}

#[cfg(test)]
mod tests {
    use super::{Sum, sigmoid};

    #[test]
    fn a_sum_is_its_bias_and_the_weighted_signs() {
        let sum = Sum {
            bias: -1.0,
            weights: [2.0, -0.5, 1.0],
            glosses: ["a", "b", "c"].map(str::to_owned),
        };
        assert!((sum.log_odds(&[1.0, 1.0, 0.0]) - 0.5).abs() < 1e-9);
        assert_eq!(sum.shares(&[0.1, 1.0, 0.0]), [(1, -0.5), (0, 0.2)]);
        assert!((sigmoid(0.0) - 0.5).abs() < 1e-9 && sigmoid(-1e9) < 1e-9);
    }
}

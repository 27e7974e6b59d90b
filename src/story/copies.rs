//! Copies that were edited: a report with words changed, cut or added is still the same report.
//! Likeness is Jaccard's of pairs of neighbouring words, or of characters where words are not
//! spaced (Broder, "On the resemblance and containment of documents", 1997). Pure.

use std::collections::VecDeque;

/// Pairs of a text, each once, in order of their hashes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shingles(Vec<u32>);

/// Texts of a story that are remembered.
const REMEMBERED: usize = 48;
/// A text of fewer pairs is a headline: two that are alike may still tell different things.
const LEAST: usize = 14;
/// Likeness that makes a copy, of short texts and of long ones, and how many pairs are long.
const SHORT: f64 = 0.6;
const LONG: f64 = 0.875;
const MANY: f64 = 800.0;

impl Shingles {
    /// Of the grams of a text in their order.
    pub fn of(grams: &[u32]) -> Self {
        let pair = |it: &[u32]| it[0].rotate_left(13).wrapping_mul(0x9e37_79b1) ^ it[1];
        let mut pairs: Vec<u32> = grams.windows(2).map(pair).collect();
        pairs.sort_unstable();
        pairs.dedup();
        Self(pairs)
    }

    /// 0..1.
    fn likeness(&self, other: &Self) -> f64 {
        let (mut a, mut b, mut shared) = (self.0.iter().peekable(), other.0.iter().peekable(), 0);
        while let (Some(left), Some(right)) = (a.peek(), b.peek()) {
            match left.cmp(right) {
                std::cmp::Ordering::Less => drop(a.next()),
                std::cmp::Ordering::Greater => drop(b.next()),
                std::cmp::Ordering::Equal => {
                    shared += 1;
                    a.next();
                    b.next();
                }
            }
        }
        let all = self.0.len() + other.0.len() - shared;
        ratio(shared, all.max(1))
    }

    /// The likeness from which a text of this length is a copy; the longer, the more its chance
    /// pairs are outweighed.
    fn threshold(&self) -> f64 {
        let long = ratio(self.0.len(), LEAST).ln() / (MANY / ratio(LEAST, 1)).ln();
        SHORT + (LONG - SHORT) * long.clamp(0.0, 1.0)
    }
}

#[expect(clippy::cast_precision_loss, reason = "some hundred pairs")]
fn ratio(a: usize, b: usize) -> f64 {
    a as f64 / b as f64
}

/// The last texts of a story, with the origin of each.
#[derive(Debug, Default)]
pub struct Texts(VecDeque<(String, Shingles)>);

impl Texts {
    pub fn remember(&mut self, shingles: &Shingles, origin: &str) {
        if shingles.0.len() < LEAST {
            return;
        }
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back((origin.to_owned(), shingles.clone()));
    }

    /// The origin of the text that `shingles` are an edited copy of, and how alike they are.
    pub fn original_of(&self, shingles: &Shingles) -> Option<(&str, f64)> {
        if shingles.0.len() < LEAST {
            return None;
        }
        let alike = self
            .0
            .iter()
            .map(|(origin, it)| (origin.as_str(), it.likeness(shingles)));
        alike
            .filter(|(_, likeness)| *likeness >= shingles.threshold())
            .max_by(|a, b| a.1.total_cmp(&b.1))
    }

    pub fn absorb(&mut self, other: Self) {
        for (origin, shingles) in other.0 {
            self.remember(&shingles, &origin);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Shingles, Texts};
    use crate::story::wording::Wording;
    use crate::text::fold::fold;

    fn shingles(text: &str) -> Shingles {
        let mut grams = Vec::new();
        Wording::default().grams(&fold(text), &mut grams);
        Shingles::of(&grams)
    }

    const WIRE: &str = "The two leaders are expected to hold their second meeting at the border village in \
        June, officials in both capitals said on Tuesday, adding that a joint text was nearly ready.";

    #[track_caller]
    fn check(original: &str, text: &str, expected: bool) {
        let mut texts = Texts::default();
        texts.remember(&shingles(original), "Wire");
        assert_eq!(
            texts.original_of(&shingles(text)).is_some(),
            expected,
            "{text}"
        );
    }

    #[test]
    fn a_light_rewrite_is_a_copy_and_another_report_is_not() {
        check(
            WIRE,
            "The two leaders are expected to hold a second meeting at the border village in June, officials in \
             both capitals said Tuesday, adding that a joint text was nearly ready.",
            true,
        );
        check(
            WIRE,
            "Officials in both capitals would not say on Tuesday where the two leaders will meet in June, and a \
             joint text remains far from ready.",
            false,
        );
        let japanese = "両首脳は六月に国境の村で二回目の会談を行う見通しだと双方の当局者が火曜日に明らかにした。";
        check(japanese, &japanese.replace("明らかにした", "述べた"), true);
        check(
            japanese,
            "国境の村での会談は六月には行われないと一方の当局者が水曜日に反論した。",
            false,
        );
    }

    #[test]
    fn headlines_alone_are_too_short_to_tell() {
        check(
            "Leaders agree to 12th round of talks",
            "Leaders agree to 12th round of talks",
            false,
        );
    }
}

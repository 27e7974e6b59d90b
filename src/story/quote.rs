//! Which sentences of an item an alert quotes: its headline, and what of its lead neither the
//! headline nor the story has said. Pure.

use crate::story::Features;
use crate::story::open::OpenStory;
use crate::story::rarity::Rarity;
use crate::story::wording::{Wording, without_dateline};
use crate::text::fold::fold;
use crate::text::{Words, sentences};

/// Sentences of the lead that are looked at, and that are quoted at most.
const LEAD: usize = 4;
const QUOTED: usize = 2;
/// Share of a sentence, by rarity, that must be new.
const FRESH: f64 = 0.5;
/// Words, or pairs of characters, that make a sentence.
const SENTENCE: usize = 4;

/// Numbers of the sentences, 0 for the headline, in their order. `story` is as it stood before the
/// item, if it has told anything.
pub fn fresh(
    words: &Words<'_>,
    item: &Features,
    story: Option<&OpenStory>,
    wording: &Wording,
    rarity: &Rarity,
) -> Vec<u16> {
    let story = story.filter(|it| it.speaks(item.script));
    let is_fresh = |sentence: &str| {
        let folded = fold(sentence);
        let mut grams = Vec::new();
        wording.grams(without_dateline(&folded), &mut grams);
        let (mut all, mut new) = (0.0, 0.0);
        for gram in &grams {
            let rare = rarity.of(*gram);
            let said = item.title_grams.binary_search(gram).is_ok()
                || story.is_some_and(|it| it.surface.contains(*gram));
            all += rare;
            new += if said { 0.0 } else { rare };
        }
        grams.len() >= SENTENCE && new >= FRESH * all
    };
    let lead = sentences(words.summary).into_iter().enumerate().take(LEAD);
    let fresh = lead.filter(|(_, range)| is_fresh(&words.summary[range.clone()]));
    let numbers = fresh.filter_map(|(at, _)| u16::try_from(at + 1).ok());
    std::iter::once(0).chain(numbers.take(QUOTED)).collect()
}

//! Which sentences of an item an alert quotes: its headline, and what its lead adds. Pure.

use std::collections::BTreeSet;

use crate::story::frequency::Frequencies;
use crate::story::statement::script_of;
use crate::story::wording::{Wording, without_dateline};
use crate::text::fold::fold;
use crate::text::{Words, sentences};

/// Sentences of the lead that are looked at, and that are quoted at most.
const LEAD: usize = 4;
const QUOTED: usize = 2;
/// Words, or runs of characters, that make a sentence.
const SENTENCE: usize = 4;

/// Numbers of the sentences, 0 for the headline, in their order.
pub fn quoted(words: &Words<'_>, wording: &Wording, frequencies: &Frequencies) -> Vec<u16> {
    let mut headline = Vec::new();
    wording.grams(&words.folded_title.text, &mut headline);
    let headline: BTreeSet<u32> = headline.into_iter().collect();
    let is_fresh = |sentence: &str| {
        let folded = fold(sentence);
        let script = script_of(&folded);
        let mut grams = Vec::new();
        wording.grams(without_dateline(&folded), &mut grams);
        let (mut all, mut new) = (0.0, 0.0);
        for gram in &grams {
            let idf = frequencies.of_word(*gram, script);
            all += idf;
            new += if headline.contains(gram) { 0.0 } else { idf };
        }
        grams.len() >= SENTENCE && new >= wording.fresh * all
    };
    let lead = sentences(words.summary).into_iter().enumerate().take(LEAD);
    let fresh = lead.filter(|(_, range)| is_fresh(&words.summary[range.clone()]));
    let numbers = fresh.filter_map(|(at, _)| u16::try_from(at + 1).ok());
    std::iter::once(0).chain(numbers.take(QUOTED)).collect()
}

#[cfg(test)]
mod tests {
    use super::quoted;
    use crate::story::frequency::Frequencies;
    use crate::story::wording::Wording;
    use crate::text::Words;

    #[test]
    fn sentences_that_add_to_the_headline_are_quoted() {
        let summary = "The two leaders will meet at the border. Their envoys left for Geneva on Tuesday night. \
            Officials hope for a first joint text there. More follows.";
        let words = Words::new("Two leaders will meet at the border", summary);
        let mut wording = Wording::default();
        wording.fresh = 0.5;
        let numbers = quoted(&words, &wording, &Frequencies::default());
        assert_eq!(numbers, [0, 2, 3]);
    }
}

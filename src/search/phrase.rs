//! Words that stand together, and where they stand in a text.

use std::ops::Range;

use crate::text::fold::{Folded, bare};
use crate::text::grams::{is_unspaced, is_word};

/// Words and runs of characters in their order. Between them a text may have white space and
/// punctuation or nothing: Korean puts spaces or leaves them out (북미 정상회담, 북미정상회담).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phrase {
    pub(super) parts: Vec<Part>,
    /// The last word may go on.
    pub(super) open: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// Of a spaced script; a word of the text from end to end.
    Word(String),
    /// Characters of unspaced scripts, which stand together anywhere.
    Run(String),
}

/// A text that says one word ten thousand times shows enough of them.
const PLACES: usize = 64;

impl Phrase {
    /// `None` where there is neither letter nor digit.
    pub(super) fn new(folded: &str, open: bool) -> Option<Self> {
        let folded = bare(folded);
        let mut parts: Vec<Part> = Vec::new();
        let mut ended = true;
        for c in folded.chars() {
            match parts.last_mut() {
                Some(Part::Run(run)) if !ended && is_unspaced(c) => run.push(c),
                Some(Part::Word(word)) if !ended && is_word(c) => word.push(c),
                _ if is_unspaced(c) => parts.push(Part::Run(c.into())),
                _ if is_word(c) => parts.push(Part::Word(c.into())),
                _ => {
                    ended = true;
                    continue;
                }
            }
            ended = false;
        }
        (!parts.is_empty()).then_some(Self { parts, open })
    }

    /// Whether as a prefix it would not begin a tenth of all words.
    pub(super) fn is_selective(&self) -> bool {
        !matches!(self.parts.as_slice(), [Part::Word(word)] if word.chars().count() < 2)
    }

    /// Bytes of `original` where the phrase stands.
    pub(super) fn places(&self, original: &str, folded: &Folded) -> Vec<Range<usize>> {
        let text = folded.text.as_str();
        let (Part::Word(first) | Part::Run(first)) = &self.parts[0];
        let mut places = Vec::new();
        let mut from = 0;
        while let Some(at) = text[from..].find(first.as_str()) {
            let start = from + at;
            let end = self.end_at(text, start);
            // On from the next character, so that 한한 is found twice in 한한한.
            from = end.unwrap_or(start + first.chars().next().map_or(1, char::len_utf8));
            if let Some(end) = end {
                let (start, end) = folded.original_range(original, start, end);
                places.push(start..end);
                if places.len() == PLACES {
                    break;
                }
            }
        }
        places
    }

    /// Where the phrase ends if it stands at `start` of a folded text.
    fn end_at(&self, text: &str, start: usize) -> Option<usize> {
        let mut end = start;
        for (at, part) in self.parts.iter().enumerate() {
            if at > 0 {
                let gap = text[end..].trim_start_matches(|c| !is_word(c) && !is_unspaced(c));
                end = text.len() - gap.len();
            }
            match part {
                Part::Run(run) => end = end_of(text, end, run)?,
                Part::Word(word) => {
                    if text[..end].ends_with(is_word) {
                        return None;
                    }
                    end = end_of(text, end, word)?;
                    let tail = text[end..].trim_start_matches(is_word);
                    if self.open && at + 1 == self.parts.len() {
                        end = text.len() - tail.len();
                    } else if tail.len() < text.len() - end {
                        return None;
                    }
                }
            }
        }
        Some(end)
    }
}

fn end_of(text: &str, start: usize, part: &str) -> Option<usize> {
    text[start..]
        .starts_with(part)
        .then_some(start + part.len())
}

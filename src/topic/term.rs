//! A term as written in a lexicon, and where in a text it may stand: word boundaries, open word
//! ends, capitals, plurals and possessives, Han characters by themselves.

use crate::text::fold::{Folded, fold};
use crate::text::grams::is_word;
use crate::text::language::Script;
use crate::topic::lexicon::ConceptId;

/// One way in which a term may stand in a text.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts of a spelling"
)]
pub struct Term {
    pub(super) concept: ConceptId,
    /// As written, for evidence.
    pub(super) written: String,
    /// Word parts after the automaton's pattern: `северн* коре*` is found by `северн`, then `коре`.
    rest: Vec<String>,
    /// The last word may go on.
    open: bool,
    /// Written without a lower-case letter (`US`): found only in upper case.
    upper: bool,
    /// No character of its own script may stand before it, or after it: `|北|` is in `北, 美에` and
    /// not in `北大阪`, `|이란` not in `것이란`.
    lone_start: bool,
    lone_end: bool,
    starts_in_word: bool,
    ends_in_word: bool,
}

/// The pattern that finds a term, and the term.
pub fn term(written: &str, concept: ConceptId) -> Option<(String, Term)> {
    let (lone_start, lone_end) = (written.starts_with('|'), written.ends_with('|'));
    let written = written.trim_matches('|');
    let open = written.ends_with('*');
    let mut parts = written.split('*').map(fold).filter(|it| !it.is_empty());
    let pattern = parts.next()?;
    let rest: Vec<String> = parts.collect();
    let letters = || written.chars().filter(|c| c.is_alphabetic());
    let upper = letters().count() >= 2
        && letters().all(|c| c.is_uppercase() && Script::of(c) == Some(Script::Latin));
    let last = rest.last().unwrap_or(&pattern);
    let term = Term {
        concept,
        written: written.to_owned(),
        open,
        upper,
        lone_start,
        lone_end,
        starts_in_word: pattern.chars().next().is_some_and(is_word),
        ends_in_word: last.chars().next_back().is_some_and(is_word),
        rest,
    };
    Some((pattern, term))
}

/// Whether two neighbours are of one script, so that a reader may take them for one word.
fn joined(before: Option<char>, after: Option<char>) -> bool {
    let script = |c: Option<char>| c.and_then(Script::of);
    script(before).is_some() && script(before) == script(after)
}

impl Term {
    /// Whether spaces tell where its first word begins.
    pub(super) fn is_spaced(&self) -> bool {
        self.starts_in_word
    }

    /// Where the term ends in the folded text when it really stands at `start`; `end` is where
    /// its pattern ends.
    pub fn end_at(
        &self,
        folded: &Folded,
        original: &str,
        start: usize,
        end: usize,
    ) -> Option<usize> {
        let text = folded.text.as_str();
        if self.starts_in_word && text[..start].chars().next_back().is_some_and(is_word) {
            return None;
        }
        let joined_at =
            |at: usize| joined(text[..at].chars().next_back(), text[at..].chars().next());
        if self.lone_start && joined_at(start) || self.lone_end && joined_at(end) {
            return None;
        }
        let mut end = end;
        for part in &self.rest {
            // The open end of the word before, one space, the next part.
            let tail = text[end..].trim_start_matches(is_word);
            let tail = tail.strip_prefix(' ').unwrap_or(tail);
            let after = tail.strip_prefix(part.as_str())?;
            end = text.len() - after.len();
        }
        if self.open {
            let tail = &text[end..];
            end = text.len() - tail.trim_start_matches(is_word).len();
        } else if self.ends_in_word && !ends_word(&text[end..]) {
            return None;
        }
        if self.upper {
            let (from, to) = folded.original_range(original, start, end);
            if original[from..to].chars().any(char::is_lowercase) {
                return None;
            }
        }
        Some(end)
    }
}

/// Whether a word may end before `tail`: at once, or after an English plural or possessive.
fn ends_word(tail: &str) -> bool {
    ["", "'s", "s'", "s", "es"].iter().any(|suffix| {
        tail.strip_prefix(suffix)
            .is_some_and(|rest| !rest.chars().next().is_some_and(is_word))
    })
}

//! A piece of a text around what was found in it.

use std::ops::Range;

/// A text with the bytes of it that a surface sets off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marked {
    pub text: String,
    /// In order, not overlapping, at character boundaries.
    pub marks: Vec<Range<usize>>,
}

impl Marked {
    /// The text in pieces, each with whether it is set off.
    pub fn pieces(&self) -> Vec<(&str, bool)> {
        let mut pieces = Vec::new();
        let mut at = 0;
        for mark in &self.marks {
            pieces.push((&self.text[at..mark.start], false));
            pieces.push((&self.text[mark.clone()], true));
            at = mark.end;
        }
        pieces.push((&self.text[at..], false));
        pieces.retain(|(piece, _)| !piece.is_empty());
        pieces
    }
}

/// At most about `limit` characters of `text` that show the first of `marks`, an ellipsis where
/// something was left out.
pub fn excerpt(text: &str, marks: &[Range<usize>], limit: usize) -> Marked {
    let mut marks: Vec<Range<usize>> = marks.to_vec();
    marks.sort_by_key(|it| (it.start, it.end));
    let first = marks.first().map_or(0, |it| it.start);
    let start = start(text, first, limit);
    let end = text[start..]
        .char_indices()
        .nth(limit)
        .map_or(text.len(), |(at, _)| start + at);
    let mut out = Marked::default();
    if start > 0 {
        out.text.push('…');
    }
    let shift = out.text.len();
    out.text.push_str(&text[start..end]);
    if end < text.len() {
        out.text.push('…');
    }
    let mut last = start;
    for mark in marks {
        let (from, to) = (mark.start.max(last), mark.end.min(end));
        if from < to {
            out.marks.push(from - start + shift..to - start + shift);
            last = to;
        }
    }
    out
}

/// The text's own start where that shows `first`; else a quarter of the excerpt before it, from the
/// start of a word if one is near.
fn start(text: &str, first: usize, limit: usize) -> usize {
    if text[..first].chars().count() <= limit * 3 / 4 {
        return 0;
    }
    let before = text[..first].char_indices().rev().take(limit / 4);
    let at = before.last().map_or(first, |(at, _)| at);
    text[at..first].find(' ').map_or(at, |space| at + space + 1)
}

#[cfg(test)]
mod tests {
    use super::excerpt;

    #[track_caller]
    fn check(text: &str, what: &str, limit: usize, expected: &str) {
        let marks: Vec<_> = text
            .match_indices(what)
            .map(|(at, _)| at..at + what.len())
            .collect();
        let shown: String = excerpt(text, &marks, limit)
            .pieces()
            .iter()
            .map(|(piece, set_off)| match set_off {
                true => format!("[{piece}]"),
                false => (*piece).to_owned(),
            })
            .collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn an_excerpt_shows_what_was_found() {
        check("short and whole", "and", 40, "short [and] whole");
        check("", "x", 40, "");
        check(
            "a long way of words before the summit that is held",
            "summit",
            24,
            "…the [summit] that is held",
        );
        check("북한이 미국과 회담을 한다", "회담", 8, "…[회담]을 한다");
        check("nothing marked in here", "zzz", 7, "nothing…");
    }

    #[test]
    fn overlapping_marks_are_told_apart() {
        let marked = excerpt("abcdef", &[0..4, 2..5, 2..3], 10);
        assert_eq!(marked.marks, [0..4, 4..5]);
    }
}

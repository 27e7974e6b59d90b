//! Text as every stage sees it: folded for comparison with a way back to the original bytes, plain
//! text out of markup, scripts and languages, sentences. Pure.

mod alike;
pub mod fold;
pub mod grams;
pub mod han;
pub mod html;
pub mod language;

use std::fmt::Display;

pub use fold::{Folded, Words};
use unicode_segmentation::UnicodeSegmentation;

/// Byte ranges of the sentences of `text`. A line end always ends a sentence; `。！？` do
/// anywhere, `. ! ?` before white space.
pub fn sentences(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|&(_, next)| next);
        let ends = match c {
            '\n' | '。' | '！' | '？' => true,
            '.' | '!' | '?' | '…' => {
                next.is_none_or(char::is_whitespace)
                    && !(c == '.' && ends_in_initial(&text[start..at]))
            }
            _ => false,
        };
        if ends {
            push_trimmed(text, start..at + c.len_utf8(), &mut ranges);
            start = at + c.len_utf8();
        }
    }
    push_trimmed(text, start..text.len(), &mut ranges);
    ranges
}

/// The headline of a text without a title, as posts of microblogs are: its beginning, one sentence or,
/// where that says next to nothing, more of them, cut at a word.
pub fn headline(text: &str) -> String {
    let mut head = String::new();
    for range in sentences(text) {
        let words = text[range]
            .split_whitespace()
            // Addresses say nothing to a reader.
            .filter(|it| !it.starts_with("http://") && !it.starts_with("https://"));
        for word in words {
            if !head.is_empty() {
                head.push(' ');
            }
            head.push_str(word);
        }
        if width(&head) >= LEAST_HEADLINE {
            break;
        }
    }
    if head.chars().count() <= LONGEST_HEADLINE {
        return head;
    }
    let cut = cut(&head, LONGEST_HEADLINE);
    match cut.rfind(' ') {
        // Unspaced scripts are cut where they are.
        Some(at) if at > cut.len() / 2 => format!("{}…", cut[..at].trim_end()),
        _ => cut,
    }
}

/// Characters of a headline, and the width from which a sentence is one ("BREAKING!" is none).
const LONGEST_HEADLINE: usize = 120;
const LEAST_HEADLINE: usize = 20;

/// A Han or Hangul character says about as much as two letters.
fn width(text: &str) -> usize {
    text.chars()
        .map(|c| if c >= '\u{1100}' { 2 } else { 1 })
        .sum()
}

/// Whether a title says nothing: it is missing, a mere address, or a program's word for missing.
pub fn is_no_title(title: &str) -> bool {
    let title = title.trim();
    let address = title.starts_with("http://") || title.starts_with("https://");
    let bare = title
        .trim_matches(|c: char| !c.is_alphanumeric())
        .to_ascii_lowercase();
    bare.is_empty()
        || (address && !title.contains(char::is_whitespace))
        || matches!(bare.as_str(), "untitled" | "no title" | "(no title)")
}

/// `U.S.`, `J.` and the like end in a single letter before their full stop.
fn ends_in_initial(before: &str) -> bool {
    let mut chars = before.chars().rev();
    let letter = chars.next().is_some_and(char::is_uppercase);
    letter && chars.next().is_none_or(|c| !c.is_alphanumeric())
}

fn push_trimmed(
    text: &str,
    range: std::ops::Range<usize>,
    ranges: &mut Vec<std::ops::Range<usize>>,
) {
    let slice = &text[range.clone()];
    let start = range.start + (slice.len() - slice.trim_start().len());
    let end = start + slice.trim().len();
    if end > start {
        ranges.push(start..end);
    }
}

/// The candidate most like `word`, when one is near enough to be what was meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|it| (strsim::jaro_winkler(word, it), it))
        .filter(|(likeness, _)| *likeness >= 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, it)| it)
}

/// `text` cut to at most `limit` characters, with an ellipsis where something was left out.
pub fn cut(text: &str, limit: usize) -> String {
    cut_by(text, limit, |it| it.chars().count())
}

/// `text` cut on a grapheme to what measures at most `limit`, with an ellipsis where something was
/// left out: services count characters, UTF-16 units or bytes.
pub fn cut_by(text: &str, limit: usize, measure: impl Fn(&str) -> usize) -> String {
    if measure(text) <= limit {
        return text.to_owned();
    }
    let Some(mut room) = limit.checked_sub(measure("…")) else {
        return String::new();
    };
    let mut end = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        let Some(left) = room.checked_sub(measure(grapheme)) else {
            break;
        };
        room = left;
        end = at + grapheme.len();
    }
    format!("{}…", text[..end].trim_end())
}

/// `1 feed`, `2 feeds`, `2 stories`.
pub fn counted<N: Copy + Display + PartialEq + From<u8>>(n: N, one: &str) -> String {
    let y = one
        .strip_suffix('y')
        .filter(|it| !it.ends_with(['a', 'e', 'o', 'u']));
    match y {
        _ if n == N::from(1) => format!("{n} {one}"),
        Some(stem) => format!("{n} {stem}ies"),
        None => format!("{n} {one}s"),
    }
}

/// `text` without control characters, safe for a terminal and for one line of a log.
pub fn printable(text: &str) -> String {
    text.chars()
        .filter(|c| !is_deceptive(*c))
        .map(|c| {
            if c.is_control() || is_line_end(c) {
                ' '
            } else {
                c
            }
        })
        .collect()
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

/// Bidirectional overrides and marks, invisible joiners and tags, which can make a line read as another
/// or carry what nobody sees.
pub fn is_deceptive(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{ad}'
        | '\u{61c}' | '\u{180e}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::{counted, cut, headline, is_no_title, nearest, sentences};

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<&str> = sentences(text)
            .into_iter()
            .map(|range| &text[range])
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_counted_stands_in_its_number() {
        assert_eq!(counted(1_usize, "feed"), "1 feed");
        assert_eq!(counted(0_usize, "feed"), "0 feeds");
        assert_eq!(counted(2_i64, "story"), "2 stories");
        assert_eq!(counted(1_i64, "story"), "1 story");
        assert_eq!(counted(2_u64, "day"), "2 days");
    }

    #[test]
    fn sentences_end_where_readers_end_them() {
        check("One. Two!  Three", &["One.", "Two!", "Three"]);
        check(
            "The U.S. said no. So be it.",
            &["The U.S. said no.", "So be it."],
        );
        check("会談した。次は未定だ", &["会談した。", "次は未定だ"]);
        check("first\n\n second ", &["first", "second"]);
        check("", &[]);
    }

    #[test]
    fn a_post_begins_with_its_headline() {
        for (text, expected) in [
            (
                "Talks are off, the ministry said. More soon.",
                "Talks are off, the ministry said.",
            ),
            (
                "BREAKING! Talks are off, says Seoul.",
                "BREAKING! Talks are off, says Seoul.",
            ),
            (
                "https://news.example/1 Talks in Geneva end early",
                "Talks in Geneva end early",
            ),
            (
                "속보! 북미 정상회담 연기. 자세한 소식 곧",
                "속보! 북미 정상회담 연기.",
            ),
            ("", ""),
        ] {
            assert_eq!(headline(text), expected, "{text}");
        }
        let long = headline(&"seven words of a very long post ".repeat(9));
        assert!(long.ends_with("…") && long.chars().count() <= 120, "{long}");
        assert!(!long.trim_end_matches('…').ends_with(' '));
        let unspaced = headline(&"북".repeat(300));
        assert_eq!(unspaced.chars().count(), 120);
    }

    #[test]
    fn a_title_that_repeats_the_link_is_none() {
        for none in [
            "",
            "  ",
            "…",
            "https://news.example/a?b=1",
            "Untitled",
            "(no title)",
        ] {
            assert!(is_no_title(none), "{none}");
        }
        for title in ["Talks", "https://news.example/1 is down", "회담", "7"] {
            assert!(!is_no_title(title), "{title}");
        }
    }

    #[test]
    fn nearest_suggests_only_what_is_near() {
        assert_eq!(nearest("intervall", ["interval", "url"]), Some("interval"));
        assert_eq!(nearest("zzz", ["interval", "url"]), None);
    }

    #[test]
    fn cut_keeps_whole_characters() {
        assert_eq!(cut("북미 정상회담", 4), "북미…");
        assert_eq!(cut("short", 5), "short");
        // An accent and a flag stay with what they belong to.
        assert_eq!(cut("cafe\u{301}s", 5), "caf…");
        assert_eq!(cut("🇰🇷🇺🇸", 3), "🇰🇷…");
    }
}

//! Folding: the one form in which texts and terms are compared, with a map back to the bytes of
//! the original so that evidence can be highlighted anywhere.
//!
//! NFKC, never NFKD: compatibility decomposition splits が into か and a mark, and Hangul into
//! jamo, so that two titles that look alike would never match.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

use crate::text::alike::substitutes;
use crate::text::han;
use crate::text::is_deceptive;

/// A folded text. `marks` are the places at which the distance between folded and original
/// offsets changes, in order.
#[derive(Debug, Default, Clone)]
pub struct Folded {
    pub text: String,
    marks: Vec<(usize, usize)>,
}

impl Folded {
    pub fn new(original: &str) -> Self {
        Self::build(original, false)
    }

    /// Folded, and Latin letters without their accents: what a search compares.
    pub fn bare(original: &str) -> Self {
        Self::build(original, true)
    }

    fn build(original: &str, bare: bool) -> Self {
        let mut folded = Self {
            text: String::with_capacity(original.len()),
            marks: Vec::new(),
        };
        let mut rest = original.char_indices().peekable();
        let mut substitutes = substitutes(original).into_iter().peekable();
        while let Some((at, c)) = rest.next() {
            if let Some((_, substitute)) = substitutes.next_if(|(from, _)| *from == at) {
                folded.push(at, substitute);
                continue;
            }
            let next = rest.peek().map(|&(_, next)| next);
            if is_settled(c) && next.is_none_or(|next| is_settled(next) || !continues(next)) {
                folded.push(at, c);
                continue;
            }
            // A starter with the marks and jamo that follow it normalises on its own.
            let mut end = at + c.len_utf8();
            while let Some(&(from, mark)) = rest.peek().filter(|(_, mark)| continues(*mark)) {
                end = from + mark.len_utf8();
                rest.next();
            }
            for c in original[at..end].nfkc() {
                folded.push(at, if bare { without_accent(c) } else { c });
            }
        }
        folded
    }

    fn push(&mut self, at: usize, c: char) {
        let c = match c {
            'A'..='Z' => c.to_ascii_lowercase(),
            'a'..='z' | '0'..='9' | '\u{ac00}'..='\u{d7a3}' => c,
            '\u{4e00}'..='\u{9fff}' => han::canonical(c),
            // Apostrophes, dashes and middle dots are written in a dozen ways.
            '‘' | '’' | 'ʼ' | '＇' | '`' | '´' => '\'',
            // NFKC makes the Hangul letter araea (ㆍ), which Korean papers use as a dot, into U+119E.
            '·' | '・' | '‧' | '•' | '∙' | '⋅' | 'ㆍ' | '\u{119e}' | '･' => '·',
            '-' | '\u{2010}'..='\u{2015}' | '−' | '﹣' => ' ',
            c if c.is_whitespace() || c.is_control() => ' ',
            c if is_deceptive(c) || is_variation(c) => return,
            // Marks of stress in Russian, for learners and for names.
            '\u{300}' | '\u{301}' if self.text.ends_with(is_cyrillic) => return,
            // Russian papers write one for the other.
            'ё' | 'Ё' => 'е',
            c => c,
        };
        if c == ' ' && self.text.ends_with(' ') {
            return;
        }
        let here = self.text.len();
        let (last_folded, last_original) = self.marks.last().copied().unwrap_or((0, 0));
        if here - last_folded != at.saturating_sub(last_original) || at < last_original {
            self.marks.push((here, at));
        }
        if is_settled(c) {
            self.text.push(c);
        } else {
            self.text.extend(c.to_lowercase());
        }
    }

    /// The offset in the original of the character at `at` in the folded text.
    pub fn original_offset(&self, at: usize) -> usize {
        let mark = self.marks.partition_point(|(folded, _)| *folded <= at);
        let (folded, original) = if mark == 0 {
            (0, 0)
        } else {
            self.marks[mark - 1]
        };
        original + (at - folded)
    }

    /// The bytes of `original` that became `start..end` of the folded text.
    pub fn original_range(&self, original: &str, start: usize, end: usize) -> (usize, usize) {
        let from = floor_boundary(original, self.original_offset(start));
        let last = self.text[..end]
            .char_indices()
            .next_back()
            .map_or(0, |(at, _)| at);
        let last = floor_boundary(original, self.original_offset(last));
        let to = original[last..]
            .chars()
            .next()
            .map_or(original.len(), |c| last + c.len_utf8());
        (from, to.max(from))
    }
}

/// A title and summary with their folds, which every stage compares; folded once.
#[derive(Debug)]
pub struct Words<'a> {
    pub title: &'a str,
    pub summary: &'a str,
    pub folded_title: Folded,
    pub folded_summary: Folded,
}

impl<'a> Words<'a> {
    pub fn new(title: &'a str, summary: &'a str) -> Self {
        Self {
            title,
            summary,
            folded_title: Folded::new(title),
            folded_summary: Folded::new(summary),
        }
    }
}

/// A folded text without the accents of Latin letters: Séoul is found as Seoul.
pub fn bare(folded: &str) -> Cow<'_, str> {
    if folded.contains(|c| without_accent(c) != c) {
        Cow::Owned(folded.chars().map(without_accent).collect())
    } else {
        Cow::Borrowed(folded)
    }
}

fn without_accent(c: char) -> char {
    if !matches!(c, '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}') {
        return c;
    }
    let base = std::iter::once(c).nfd().next();
    base.filter(char::is_ascii_alphabetic).unwrap_or(c)
}

/// Folds where no way back is needed: terms, titles to compare.
pub fn fold(text: &str) -> String {
    let folded = Folded::new(text).text;
    let trimmed = folded.trim();
    if trimmed.len() == folded.len() {
        folded
    } else {
        trimmed.to_owned()
    }
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Selectors of a glyph say nothing of the character (葛󠄀 is 葛).
fn is_variation(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' | '\u{180b}'..='\u{180d}')
}

fn is_cyrillic(c: char) -> bool {
    matches!(c, '\u{400}'..='\u{52f}')
}

/// Characters that NFKC and lower-casing leave alone but for A to Z, which are most of all text:
/// ASCII, Hangul syllables, Han, kana without voicing marks of their own.
fn is_settled(c: char) -> bool {
    matches!(c, '\0'..='\u{7f}' | '\u{ac00}'..='\u{d7a3}' | '\u{4e00}'..='\u{9fff}' | '\u{3041}'..='\u{3096}'
        | '\u{30a1}'..='\u{30fe}' | '、' | '。' | '「' | '」' | '“' | '”')
}

/// Marks and jamo that compose with what stands before them.
fn continues(c: char) -> bool {
    canonical_combining_class(c) != 0
        || matches!(c, '\u{1160}'..='\u{11ff}' | '\u{3099}' | '\u{309a}' | '\u{ff9e}' | '\u{ff9f}')
        // Jamo of their own and of half width, whose NFKC forms compose.
        || matches!(c, '\u{3131}'..='\u{318c}' | '\u{ffa0}'..='\u{ffdc}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization;

    use super::{Folded, bare, fold};

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(fold(text), expected);
    }

    #[test]
    fn spellings_of_one_word_fold_alike() {
        check("Kim Jong-un", "kim jong un");
        check("Ｔｒｕｍｐ", "trump");
        check("ﾄﾗﾝﾌﾟ", "トランプ");
        check("북ㆍ미", "북·미");
        check("Trump’s", "trump's");
        check("\u{1107}\u{116e}\u{11a8}\u{1112}\u{1161}\u{11ab}", "북한");
        check("か\u{3099}", "が");
        check("  two \n words ", "two words");
        check("zero\u{200b}width", "zerowidth");
        check("朝美首腦會談", "朝美首脑会谈");
        check("Ким Чен Ы\u{301}н", "ким чен ын");
        check("Ещё", "еще");
        check("葛\u{e0100}飾 ☀\u{fe0f}", "葛飾 ☀");
    }

    #[test]
    fn letters_of_another_script_are_what_they_look_like() {
        check("Κim", "kim");
        check("Тrump", "trump");
        check("КІМ Jong Un", "кім jong un");
        check("Τrump, Кim Jоng Un", "trump, kim jong un");
        check("Трaмп", "трамп");
        // Both scripts have letters of their own, or there is but one script.
        check("Я-Trump Яtrump", "я trump яtrump");
        check("Ким", "ким");
        check("Κίμ", "κίμ");
        let folded = Folded::new("― Тrump");
        let at = folded.text.find("trump").expect("folded");
        assert_eq!(folded.original_range("― Тrump", at, at + 5), (4, 10));
    }

    #[test]
    fn accents_go_where_a_search_compares() {
        assert_eq!(
            bare(&fold("Séoul, Đà Nẵng, Zürich")),
            "seoul, đa nang, zurich"
        );
        let original = "à Séoul";
        let folded = Folded::bare(original);
        let at = folded.text.find("seoul").expect("folded");
        assert_eq!(
            folded.original_range(original, at, at + 5),
            (3, original.len())
        );
        assert_eq!(fold("Séoul"), "séoul");
        assert_eq!(bare("회담 が й"), "회담 が й");
    }

    #[test]
    fn a_folded_range_leads_back_to_the_original_bytes() {
        let original = "― 미·북 \u{1107}\u{116e}\u{11a8}한 ＵＳ talks";
        let folded = Folded::new(original);
        for (term, written) in [
            ("us", "ＵＳ"),
            ("북한", "\u{1107}\u{116e}\u{11a8}한"),
            ("talks", "talks"),
        ] {
            let at = folded.text.find(term).expect("folded term");
            let (start, end) = folded.original_range(original, at, at + term.len());
            // A composed syllable may map to the start of its jamo run only.
            assert!(
                original[start..].starts_with(written.chars().next().expect("char")),
                "{term}"
            );
            assert!(end > start && original.is_char_boundary(end));
        }
    }

    proptest! {
        #[test]
        fn folding_is_idempotent_and_offsets_stay_inside(text in "\\PC{0,40}") {
            let once = fold(&text);
            // A letter that only its compatible form shows to be of another script is not looked at twice.
            if text.nfkc().eq(text.chars()) {
                prop_assert_eq!(fold(&once), once.clone());
            }
            let folded = Folded::new(&text);
            let bounds: Vec<usize> = folded.text.char_indices().map(|(at, _)| at).collect();
            for &start in &bounds {
                let (from, to) = folded.original_range(&text, start, folded.text.len());
                prop_assert!(from <= to && to <= text.len());
                prop_assert!(text.is_char_boundary(from) && text.is_char_boundary(to));
            }
        }
    }
}

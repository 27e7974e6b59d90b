//! Cutting for full-text search: words in scripts that put spaces between them, overlapping pairs of
//! characters in the others, so that two-character words (북미, 米朝) need no dictionary.

use crate::text::language::Script;

/// Whether words run into each other where `c` stands.
pub fn is_unspaced(c: char) -> bool {
    Script::of(c).is_some_and(Script::is_unspaced)
}

/// Letters and digits of scripts that put spaces between words.
pub fn is_word(c: char) -> bool {
    // In this order: the table of letters is slow for the scripts that are ruled out.
    !is_unspaced(c) && c.is_alphanumeric()
}

/// A folded text as the full-text index holds it: nothing but letters, digits and spaces, so that the
/// cheapest tokenizer cuts it. Every character of an unspaced script begins a pair, and the last of
/// a run stands alone: so a prefix search finds single characters wherever they stand.
pub fn segmented(folded: &str) -> String {
    let mut out = String::with_capacity(folded.len() * 2);
    let mut follows_word = false;
    let mut chars = folded.chars().peekable();
    while let Some(c) = chars.next() {
        if is_unspaced(c) {
            out.push(' ');
            out.push(c);
            out.extend(chars.peek().filter(|next| is_unspaced(**next)));
        } else if c.is_alphanumeric() {
            if !follows_word {
                out.push(' ');
            }
            out.push(c);
        }
        follows_word = is_word(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::segmented;
    use crate::text::fold::fold;

    #[test]
    fn unspaced_scripts_become_pairs() {
        assert_eq!(segmented(&fold("북미 Talks")), " 북미 미 talks");
        assert_eq!(segmented(&fold("米朝首脳")), " 米朝 朝首 首脑 脑");
        assert_eq!(segmented(&fold("US・米国")), " us 米国 国");
        assert_eq!(segmented(&fold("Trump's 2nd")), " trump s 2nd");
    }
}

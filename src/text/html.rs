//! Plain text out of what feeds put into titles and summaries: markup removed, references
//! decoded, white space folded.

use std::borrow::Cow;

/// Plain text of an HTML fragment. What only looks like a tag (`<head>` in a title that speaks of
/// one, once decoded) survives, since only names that HTML knows are taken for tags.
pub fn plain_text(html: &str) -> String {
    let without_tags = strip_tags(html);
    let decoded = if without_tags.contains('&') {
        htmlize::unescape(without_tags)
    } else {
        without_tags
    };
    fold_space(&decoded)
}

/// Plain text of a title that may be escaped once more than it should be: `AT&amp;amp;T`.
pub fn plain_title(html: &str) -> String {
    let once = plain_text(html);
    if once.contains('&') && once.contains(';') {
        fold_space(&htmlize::unescape(once.as_str()))
    } else {
        once
    }
}

/// White space runs become one space, none at the ends; control characters count as space.
pub fn fold_space(text: &str) -> String {
    let is_space = |c: char| c.is_whitespace() || c.is_control();
    let mut out = String::with_capacity(text.len());
    for word in text.split(is_space).filter(|it| !it.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

fn strip_tags(html: &str) -> Cow<'_, str> {
    if !html.contains('<') {
        return Cow::Borrowed(html);
    }
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        out.push_str(&rest[..open]);
        let tail = &rest[open..];
        if let Some((name, len)) = tag_at(tail) {
            rest = &tail[len..];
            if let Some(close) = hidden_content(&name).filter(|_| !tail.starts_with("</")) {
                rest = rest
                    .to_ascii_lowercase()
                    .find(close)
                    .map_or("", |at| &rest[at..]);
            }
            if !is_inline(&name) {
                out.push(' ');
            }
        } else {
            out.push('<');
            rest = &tail[1..];
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The element name and byte length of the tag or comment that `tail` starts with.
fn tag_at(tail: &str) -> Option<(String, usize)> {
    if let Some(comment) = tail.strip_prefix("<!--") {
        return Some(("!--".to_owned(), comment.find("-->")? + 7));
    }
    let name_start = if tail[1..].starts_with('/') { 2 } else { 1 };
    let name: String = tail[name_start..]
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    let after = tail[name_start + name.len()..].chars().next();
    let delimited = matches!(after, Some('>' | '/' | ' ' | '\t' | '\n' | '\r'));
    let name = name.to_ascii_lowercase();
    if !delimited || KNOWN.binary_search(&name.as_str()).is_err() {
        return None;
    }
    // A `>` inside a quoted attribute does not end the tag.
    let mut quote = None;
    for (at, c) in tail.char_indices() {
        match (quote, c) {
            (None, '>') => return Some((name, at + 1)),
            (None, '"' | '\'') => quote = Some(c),
            (Some(q), c) if c == q => quote = None,
            _ => {}
        }
    }
    // Unbalanced quotes: the first `>` must do.
    tail.find('>').map(|at| (name, at + 1))
}

fn hidden_content(name: &str) -> Option<&'static str> {
    match name {
        "script" => Some("</script"),
        "style" => Some("</style"),
        _ => None,
    }
}

fn is_inline(name: &str) -> bool {
    matches!(
        name,
        "a" | "abbr"
            | "b"
            | "bdi"
            | "bdo"
            | "big"
            | "cite"
            | "code"
            | "del"
            | "em"
            | "font"
            | "i"
            | "ins"
            | "kbd"
            | "mark"
            | "q"
            | "rp"
            | "rt"
            | "ruby"
            | "s"
            | "small"
            | "span"
            | "strike"
            | "strong"
            | "sub"
            | "sup"
            | "tt"
            | "u"
            | "var"
            | "wbr"
            | "nobr"
            | "acronym"
    )
}

/// HTML's element names that occur in feed text, sorted for binary search. `head`, `title` and
/// their like are left out: in feed text they are words, not markup.
const KNOWN: &[&str] = &[
    "a",
    "abbr",
    "acronym",
    "address",
    "article",
    "aside",
    "audio",
    "b",
    "bdi",
    "bdo",
    "big",
    "blockquote",
    "br",
    "button",
    "center",
    "cite",
    "code",
    "col",
    "dd",
    "del",
    "details",
    "dfn",
    "dir",
    "div",
    "dl",
    "dt",
    "em",
    "embed",
    "fieldset",
    "figcaption",
    "figure",
    "font",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "i",
    "iframe",
    "img",
    "input",
    "ins",
    "kbd",
    "label",
    "li",
    "main",
    "mark",
    "nav",
    "nobr",
    "noscript",
    "object",
    "ol",
    "p",
    "param",
    "picture",
    "pre",
    "q",
    "rp",
    "rt",
    "ruby",
    "s",
    "samp",
    "script",
    "section",
    "small",
    "source",
    "span",
    "strike",
    "strong",
    "style",
    "sub",
    "summary",
    "sup",
    "svg",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "time",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
    "video",
    "wbr",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{KNOWN, plain_text, plain_title};

    #[track_caller]
    fn check(html: &str, expected: &str) {
        assert_eq!(plain_text(html), expected);
    }

    #[test]
    fn markup_goes_and_words_stay() {
        check("<p>One</p><p>two &amp; <b>three</b></p>", "One two & three");
        check("a free guide to <head> tags", "a free guide to <head> tags");
        check("3 < 4 and 5 > 4", "3 < 4 and 5 > 4");
        check("<img alt=\"a > b\" src=x>after", "after");
        check("<script>alert(1)</script>safe", "safe");
        check("<!-- hidden -->shown", "shown");
        check("line\r\n\tline\u{a0}end", "line line end");
        check("&#xD55C;&#44397; &hellip; &nosuch;", "한국 … &nosuch;");
        check("cut <a href=\"x", "cut <a href=\"x");
    }

    #[test]
    fn titles_escaped_twice_are_decoded_twice() {
        assert_eq!(plain_title("AT&amp;amp;T"), "AT&T");
        assert_eq!(plain_title("R&D; more"), "R&D; more");
    }

    #[test]
    fn known_names_are_sorted() {
        assert!(KNOWN.is_sorted());
    }

    proptest! {
        #[test]
        fn any_text_gives_folded_text(html in "\\PC{0,60}") {
            let plain = plain_text(&html);
            prop_assert!(!plain.starts_with(' ') && !plain.ends_with(' ') && !plain.contains("  "));
        }
    }
}

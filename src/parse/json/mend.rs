//! JSON that templates and scripts write: strings with raw control characters, escapes that there are
//! none of, halves of surrogate pairs, commas before a closing bracket, and ends that are missing.

/// The text as JSON allows it. What is sound stays as it is.
pub(super) fn mended(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut in_string = false;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let tail = &rest[c.len_utf8()..];
        rest = match c {
            '"' => {
                in_string = !in_string;
                out.push('"');
                tail
            }
            '\\' if in_string => escape(tail, &mut out),
            c if in_string && u32::from(c) < 0x20 => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
                tail
            }
            ',' if !in_string && tail.trim_start().starts_with([']', '}']) => tail,
            c => {
                out.push(c);
                tail
            }
        };
    }
    out
}

/// Writes the escape after a backslash, and says what follows it.
fn escape<'a>(rest: &'a str, out: &mut String) -> &'a str {
    let Some(c) = rest.chars().next() else {
        return rest;
    };
    let tail = &rest[c.len_utf8()..];
    match c {
        '"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't' => {
            out.push('\\');
            out.push(c);
            tail
        }
        'u' => match unit(tail) {
            Some(0xd800..=0xdbff) => {
                let low = tail[4..].strip_prefix("\\u").and_then(unit);
                if matches!(low, Some(0xdc00..=0xdfff)) {
                    out.push_str("\\u");
                    out.push_str(&tail[..10]);
                    &tail[10..]
                } else {
                    out.push('\u{fffd}');
                    &tail[4..]
                }
            }
            Some(0xdc00..=0xdfff) => {
                out.push('\u{fffd}');
                &tail[4..]
            }
            Some(_) => {
                out.push_str("\\u");
                out.push_str(&tail[..4]);
                &tail[4..]
            }
            None => {
                out.push('u');
                tail
            }
        },
        // JavaScript's \\' and whatever else: the character itself is meant.
        _ => rest,
    }
}

/// Four hexadecimal digits.
fn unit(text: &str) -> Option<u16> {
    let digits = text.get(..4)?;
    let all = digits.bytes().all(|it| it.is_ascii_hexdigit());
    u16::from_str_radix(digits, 16).ok().filter(|_| all)
}

/// The document up to the end of its last whole item, with what is open then closed.
pub(super) fn closed_early(text: &str) -> Option<String> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let mut end = None;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                // An item stands in the list that stands in the document.
                if byte == b'}' && depth == 2 {
                    end = Some(at + 1);
                }
            }
            _ => {}
        }
    }
    Some([&text[..end?], "]}"].concat())
}

#[cfg(test)]
mod tests {
    use super::mended;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let read: Result<serde_json::Value, _> = serde_json::from_str(&mended(text));
        assert_eq!(read.expect("JSON")["a"].as_str(), Some(expected), "{text}");
    }

    #[test]
    fn strings_are_mended_and_sound_ones_stay() {
        check("{\"a\": \"one\ntwo\tthree\"}", "one\ntwo\tthree");
        check(r#"{"a": "cut \ud83d"}"#, "cut \u{fffd}");
        check(r#"{"a": "\ude00 cut"}"#, "\u{fffd} cut");
        check(r#"{"a": "\ud83d\ude00 whole"}"#, "😀 whole");
        check(r#"{"a": "it\'s \x a \u12 thing", }"#, "it's x a u12 thing");
        check(r#"{"a": "say \"yes\" \\"}"#, "say \"yes\" \\");
        check(r#"{"a": "a, ] b",}"#, "a, ] b");
    }
}

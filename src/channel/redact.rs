//! What a service or a program says, without the secrets that it may repeat: as they are, or escaped,
//! encoded or in another case. Pure.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::text::html::plain_title;

/// Shorter ones are paths like "/", in every answer.
const SHORTEST: usize = 4;
/// How often what is encoded is decoded, one coding within the other.
const DEPTH: usize = 3;
/// Letters and digits in a row that may be Base64 or hexadecimal of something.
const RUN: usize = 6;

/// `text` without what must not be remembered. Where a secret stands in it otherwise than as it is, nothing
/// of the text is kept.
pub(super) fn redacted(text: &str, secrets: &[&str]) -> String {
    let secrets: Vec<&str> = secrets
        .iter()
        .copied()
        .filter(|it| it.len() >= SHORTEST)
        .collect();
    let plain = secrets
        .iter()
        .fold(text.to_owned(), |text, secret| text.replace(secret, "***"));
    let lower: Vec<String> = secrets.iter().map(|it| it.to_lowercase()).collect();
    if holds(&plain, &lower, DEPTH) {
        return "*** (it repeats a secret)".to_owned();
    }
    plain
}

/// Whether any of `secrets`, in lower case, stands in `text`, decoded up to `depth` times.
fn holds(text: &str, secrets: &[String], depth: usize) -> bool {
    let lower = text.to_lowercase();
    // White space is put anywhere by who wraps lines.
    let joined: String = lower.split_whitespace().collect();
    let found = secrets
        .iter()
        .any(|it| lower.contains(it) || joined.contains(it));
    if found || depth == 0 || secrets.is_empty() {
        return found;
    }
    let forms = [percent(text), json(text), plain_title(text)];
    forms
        .iter()
        .filter(|it| it.as_str() != text)
        .any(|it| holds(it, secrets, depth - 1))
        || runs(text).any(|run| {
            let decoded = base64(run).into_iter().chain(hexadecimal(run));
            decoded.into_iter().any(|it| holds(&it, secrets, depth - 1))
        })
}

/// With `%41` and `+` decoded.
fn percent(text: &str) -> String {
    if !text.contains(['%', '+']) {
        return text.to_owned();
    }
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let pair = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let code = pair
            .and_then(|it| std::str::from_utf8(it).ok())
            .and_then(|it| u8::from_str_radix(it, 16).ok());
        if let Some(code) = code {
            out.push(code);
            at += 3;
        } else {
            out.push(if bytes[at] == b'+' { b' ' } else { bytes[at] });
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// With JSON's escapes decoded.
fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let unit = after
            .strip_prefix(['u', 'x'])
            .and_then(|it| it.get(..if after.starts_with('u') { 4 } else { 2 }))
            .and_then(|it| Some((it.len(), char::from_u32(u32::from_str_radix(it, 16).ok()?)?)));
        rest = match (unit, after.chars().next()) {
            (Some((len, c)), _) => {
                out.push(c);
                &after[1 + len..]
            }
            (None, Some(c)) => {
                out.push(c);
                &after[c.len_utf8()..]
            }
            (None, None) => after,
        };
    }
    out.push_str(rest);
    out
}

fn runs(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_');
    text.split(move |c| !is_part(c))
        .filter(|it| it.len() >= RUN)
}

/// What a run decodes to from each of its first characters: it may begin with something else.
fn base64(run: &str) -> Vec<String> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let engine = GeneralPurpose::new(&alphabet::STANDARD, config);
    let standard = run.replace('-', "+").replace('_', "/");
    (0..4)
        .filter_map(|skip| {
            let part = standard.get(skip..)?;
            // One character too many is no byte.
            let len = part.len() - usize::from(part.len() % 4 == 1);
            let bytes = engine.decode(&part[..len]).ok()?;
            Some(String::from_utf8_lossy(&bytes).into_owned())
        })
        .collect()
}

fn hexadecimal(run: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> = run
        .as_bytes()
        .chunks_exact(2)
        .map(|it| u8::from_str_radix(std::str::from_utf8(it).ok()?, 16).ok())
        .collect();
    Some(String::from_utf8_lossy(&bytes?).into_owned())
}

#[cfg(test)]
mod tests {
    use super::redacted;

    const SECRET: &str = "tk_9/Zq+Val&7";

    #[track_caller]
    fn check(text: &str) {
        let said = redacted(text, &[SECRET, "/"]);
        assert!(said.contains("***"), "{text} became {said}");
        assert!(!said.to_lowercase().contains("zq+val"), "{said}");
        assert!(!said.contains("tk_9"), "{said}");
    }

    #[test]
    fn a_secret_is_found_in_every_dress() {
        check("no such token tk_9/Zq+Val&7");
        check("no such token TK_9/ZQ+VAL&7");
        check("no such token tk_9%2FZq%2BVal%267");
        check("no such token tk_9%252FZq%252BVal%25267");
        check("no such token tk_9/Zq+Val&amp;7");
        check("no such token tk_9/Zq&#43;Val&#x26;7");
        check(r#"{"error":"tk_9\/Zq\u002bVal\u00267"}"#);
        // As it is, and after another character, in Base64; in hexadecimal.
        check("dGtfOS9acStWYWwmNw==");
        check("Basic OnRrXzkvWnErVmFsJjc=");
        check("746b5f392f5a712b56616c2637");
        check("tk_9/Zq+V al&7");
    }

    #[test]
    fn other_words_stay() {
        for text in [
            "channel_not_found",
            "answered 500: the server is on fire, try again",
            r#"{"error":"topic not allowed"}"#,
            "100 % of 7+7 &c",
            "",
        ] {
            assert_eq!(redacted(text, &[SECRET]), text);
        }
    }
}

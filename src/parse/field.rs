//! The text of one element as it is read, with the markup that publishers put into it.

use std::borrow::Cow;

use quick_xml::escape::escape;

use crate::parse::canonical::Slot;
use crate::parse::tokens::attributes;

const BYTES: usize = 2 * 1024 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Slot(Slot, u8),
    /// `opaque` where the publisher says that it is no address.
    Id {
        rank: u8,
        opaque: bool,
    },
    Link,
    OriginalLink,
    Category,
    /// Categories with commas between them.
    Keywords,
    /// The feed's title, told by an item.
    Outlet,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Markup inside is left out.
    Plain,
    /// HTML, escaped or naked or both: publishers forget to escape.
    Html,
    /// Naked markup; what is escaped in it is text.
    Xhtml,
    Base64,
}

impl Mode {
    /// By Atom's `type` (RFC 4287) and Atom 0.3's `mode`; what neither says is HTML.
    pub(super) fn of(attributes: &[(&str, Cow<'_, str>)]) -> Self {
        let get = |name: &str| {
            let found = attributes.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| value.trim().to_ascii_lowercase())
        };
        match (get("mode").as_deref(), get("type").as_deref()) {
            (Some("base64"), _) => Self::Base64,
            (Some("escaped"), _) | (_, None) => Self::Html,
            (_, Some(it)) if it == "xhtml" || it.ends_with("xml") => Self::Xhtml,
            (None, Some(it)) if it.contains('/') && !it.starts_with("text/") => Self::Base64,
            _ => Self::Html,
        }
    }
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) target: Target,
    /// Depth of the element itself.
    pub(super) depth: usize,
    mode: Mode,
    text: String,
    met_elements: bool,
}

impl Field {
    pub(super) fn new(target: Target, mode: Mode, depth: usize) -> Self {
        Self {
            target,
            depth,
            mode,
            text: String::new(),
            met_elements: false,
        }
    }

    /// Whether an element that opens within cannot belong to this one, whose end tag is missing:
    /// HTML has none of these names.
    pub(super) fn is_ended_by(&self, name: &str) -> bool {
        matches!(
            name,
            "item"
                | "entry"
                | "guid"
                | "pubDate"
                | "description"
                | "published"
                | "updated"
                | "loc"
                | "lastmod"
                | "publication_date"
        ) && self.mode != Mode::Xhtml
    }

    pub(super) fn open(&mut self, name: &str, raw: &str, and_close: bool) {
        self.met_elements = true;
        if self.mode == Mode::Plain {
            return;
        }
        self.push(&["<", name]);
        for (key, value) in attributes(raw) {
            if matches!(key, "href" | "src" | "alt") {
                self.push(&[" ", key, "=\"", &escape(&*value), "\""]);
            }
        }
        self.push(&[">"]);
        if and_close {
            self.close(name);
        }
    }

    pub(super) fn close(&mut self, name: &str) {
        if self.mode != Mode::Plain {
            self.push(&["</", name, ">"]);
        }
    }

    /// Text between references; an ampersand in it is bare.
    pub(super) fn text(&mut self, text: &str) {
        if self.mode == Mode::Xhtml && text.contains('&') {
            self.push(&[&text.replace('&', "&amp;")]);
        } else {
            self.push(&[text]);
        }
    }

    pub(super) fn literal(&mut self, text: &str) {
        if self.mode == Mode::Xhtml {
            self.push(&[&escape(text)]);
        } else {
            self.push(&[text]);
        }
    }

    /// What had to be mended for it, if anything.
    pub(super) fn reference(&mut self, name: &str) -> Option<&'static str> {
        let written = format!("&{name};");
        let known = match name {
            "lt" => "<",
            "gt" => ">",
            "amp" => "&",
            "quot" => "\"",
            "apos" => "'",
            _ => "",
        };
        if !known.is_empty() {
            // In XHTML, escaped markup must stay distinguishable from markup.
            self.push(&[if self.mode == Mode::Xhtml {
                &written
            } else {
                known
            }]);
            return None;
        }
        let decoded = htmlize::unescape(written.as_str());
        self.push(&[&decoded]);
        if name.starts_with('#') {
            None
        } else if decoded == written {
            Some("kept an entity that nothing defines")
        } else {
            Some("read HTML entities that XML does not define")
        }
    }

    fn push(&mut self, parts: &[&str]) {
        for part in parts {
            let room = BYTES.saturating_sub(self.text.len()).min(part.len());
            let end = (0..=room).rev().find(|at| part.is_char_boundary(*at));
            self.text.push_str(&part[..end.unwrap_or(0)]);
        }
    }

    pub(super) fn finish(self) -> String {
        match self.mode {
            // Said to be XHTML, but escaped like HTML.
            Mode::Xhtml if !self.met_elements => htmlize::unescape(self.text.as_str()).into_owned(),
            Mode::Base64 => base64(&self.text).unwrap_or(self.text),
            // What a section that was opened twice leaves behind.
            _ => match self.text.trim_end().strip_suffix("]]>") {
                Some(text) => text.to_owned(),
                None => self.text,
            },
        }
    }
}

/// `None` where it is not Base64 or does not hold UTF-8.
fn base64(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0);
    for byte in text.trim().trim_end_matches('=').bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b' ' | b'\n' | b'\r' | b'\t' => continue,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).ok()?);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_gives_text_or_nothing() {
        assert_eq!(base64("5YyX\n57Gz").as_deref(), Some("北米"));
        assert_eq!(base64("YWI=").as_deref(), Some("ab"));
        assert_eq!(base64("not base64!"), None);
        assert_eq!(base64("////"), None);
    }
}

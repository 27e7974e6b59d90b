//! quick-xml's tokens as slices of the document, and on past what makes it stop: a bare `<`, a tag
//! without its `>`. Knows nothing of nesting.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::Event;
use quick_xml::events::attributes;

/// Attributes of one element that are looked at.
const ATTRIBUTES: usize = 256;

const CDATA: &str = "<![CDATA[";

/// How a document ends that is not cut.
const ENDS: [&str; 6] = [
    "</rss>",
    "</feed>",
    "</rdf:RDF>",
    "</RDF>",
    "</urlset>",
    "</sitemapindex>",
];

/// Signs of a missing `>` in one tag that are looked at.
const SUSPECTS: usize = 8;

pub(super) enum Token<'a> {
    Open {
        name: &'a str,
        attributes: &'a str,
        empty: bool,
    },
    Close(&'a str),
    Text(&'a str),
    /// Text that needs no decoding.
    Literal(&'a str),
    /// The name of `&name;`, or `#` and a number.
    Reference(&'a str),
}

pub(super) struct Tokens<'a> {
    text: &'a str,
    /// Where in `text` the reader began.
    offset: usize,
    reader: Reader<&'a [u8]>,
    /// Bytes that may yet be read once more, so that hostile documents cost no more than long ones.
    again: usize,
    pub(super) mended: bool,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            offset: 0,
            reader: reader(text),
            again: 2 * text.len() + 64 * 1024,
            mended: false,
        }
    }

    fn read_to(&self) -> usize {
        self.offset + usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }

    /// Goes on at `at`, with what lies between there and `read` being read twice.
    fn resume(&mut self, at: usize, read: usize) -> bool {
        let cost = read.saturating_sub(at);
        if cost > self.again {
            return false;
        }
        self.again -= cost;
        self.mended = true;
        self.offset = at;
        self.reader = reader(&self.text[at..]);
        true
    }

    /// Goes on past markup at `at` that has no end.
    fn mend(&mut self, at: usize) -> Option<Token<'a>> {
        let end = self.text.len();
        let rest = self.text.get(at..)?;
        for opening in ["<!--", CDATA] {
            if rest.starts_with(opening) {
                // Where the document is cut, what it hides stays hidden.
                let whole = ENDS.iter().any(|it| rest.trim_end().ends_with(it));
                let resumed = whole && self.resume(at + opening.len(), end);
                return resumed.then_some(Token::Literal(""));
            }
        }
        let raw = rest.strip_prefix('<')?;
        let closing = raw
            .find(['<', '>'])
            .filter(|_| raw.starts_with(is_name_start));
        let Some(closing) = closing else {
            return self.resume(at + 1, end).then_some(Token::Literal("<"));
        };
        // A quote that nothing closes hides the end of its tag.
        let after = at + 1 + closing + usize::from(raw[closing..].starts_with('>'));
        self.resume(after, end)
            .then(|| open(raw[..closing].trim_end(), false))
    }

    fn tag(&mut self, len: usize, empty: bool) -> Token<'a> {
        let end = self.read_to();
        let at = end - len - if empty { 2 } else { 1 };
        let raw = &self.text[at..end - if empty { 2 } else { 1 }];
        if !raw.starts_with(is_name_start) && self.resume(at, end) {
            return Token::Literal("<");
        }
        // XML allows no `<` in a tag: where another tag seems to begin, this one lacks its `>`.
        let mut inner = raw.match_indices('<').map(|(at, _)| at).take(SUSPECTS);
        let inner = inner.find(|at| {
            let after = raw[at + 1..].trim_start_matches('/');
            after.starts_with(is_name_start) && !in_closed_quotes(raw, *at)
        });
        match inner {
            Some(cut) if self.resume(at + cut, end) => open(raw[..cut].trim_end(), false),
            _ => open(raw, empty),
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            match self.reader.read_event() {
                Ok(Event::Start(tag)) => {
                    let len = tag.len();
                    return Some(self.tag(len, false));
                }
                Ok(Event::Empty(tag)) => {
                    let len = tag.len();
                    return Some(self.tag(len, true));
                }
                Ok(Event::End(_)) => {
                    let end = self.read_to() - 1;
                    let at = self.text[..end].rfind("</").map_or(end, |at| at + 2);
                    return Some(Token::Close(self.text[at..end].trim()));
                }
                Ok(Event::Text(text)) => {
                    if let Cow::Borrowed(text) = text.into_inner() {
                        return Some(Token::Text(text));
                    }
                }
                Ok(Event::CData(text)) => {
                    let Cow::Borrowed(text) = text.into_inner() else {
                        continue;
                    };
                    let end = self.read_to();
                    // Sections do not nest: the first one's end is missing, or it was opened twice.
                    if !(text.contains(CDATA) && self.resume(end - text.len() - "]]>".len(), end)) {
                        return Some(Token::Literal(text));
                    }
                }
                Ok(Event::GeneralRef(_)) => {
                    let end = self.read_to() - 1;
                    let at = self.text[..end].rfind('&').map_or(end, |at| at + 1);
                    return Some(Token::Reference(&self.text[at..end]));
                }
                Ok(Event::Eof) => return None,
                Ok(_) => {}
                Err(_) => {
                    let at = usize::try_from(self.reader.error_position()).ok()?;
                    return self.mend(self.offset + at);
                }
            }
        }
    }
}

fn reader(text: &str) -> Reader<&[u8]> {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    reader
}

fn open(raw: &str, empty: bool) -> Token<'_> {
    let end = raw
        .find(|c: char| c.is_ascii_whitespace())
        .unwrap_or(raw.len());
    let (name, attributes) = raw.split_at(end);
    Token::Open {
        name: name.trim_end_matches('/'),
        attributes,
        empty,
    }
}

fn is_name_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

/// Whether `at` lies within an attribute's value that begins and ends as it should.
fn in_closed_quotes(raw: &str, at: usize) -> bool {
    let mut quote = None;
    for (n, c) in raw.char_indices() {
        match quote {
            None if matches!(c, '"' | '\'') => quote = Some((c, n)),
            Some((open, from)) if c == open => {
                if from < at && at < n {
                    let after = raw[n + 1..].chars().next();
                    return after.is_none_or(|c| c.is_ascii_whitespace() || c == '/');
                }
                quote = None;
            }
            _ => {}
        }
        if quote.is_none() && n >= at {
            return false;
        }
    }
    false
}

/// Names and decoded values, in any case and with any quotes.
pub(super) fn attributes(raw: &str) -> Vec<(&str, Cow<'_, str>)> {
    if raw.trim().is_empty() {
        return Vec::new();
    }
    attributes::Attributes::html(raw, 0)
        .with_checks(false)
        .flatten()
        .take(ATTRIBUTES)
        .filter_map(|it| match it.value {
            Cow::Borrowed(value) => Some((it.key.into_inner(), htmlize::unescape_attribute(value))),
            Cow::Owned(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Token, Tokens, attributes};

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let told: Vec<String> = Tokens::new(text)
            .map(|token| match token {
                Token::Open { name, empty, .. } => {
                    format!("{}{name}", if empty { "∅" } else { "+" })
                }
                Token::Close(name) => format!("-{name}"),
                Token::Text(text) => format!("'{text}'"),
                Token::Literal(text) => format!("\"{text}\""),
                Token::Reference(name) => format!("&{name}"),
            })
            .collect();
        assert_eq!(told.join(" "), expected, "{text}");
    }

    #[test]
    fn well_formed_markup_is_told_as_it_stands() {
        check(
            "<?xml version='1.0'?><!-- a --><a b='c'>x &amp; y<d/></a >",
            "+a 'x ' &amp ' y' ∅d -a",
        );
        check("<a><![CDATA[1 < 2]]></a>", "+a \"1 < 2\" -a");
    }

    #[test]
    fn what_is_no_tag_is_text() {
        check("<t>3 < 4 & 5</t>", "+t '3 ' \"<\" ' 4 ' '& 5' -t");
        check("<t>a <3 b</t><u>", "+t 'a ' \"<\" '3 b' -t +u");
        check("<t>end <", "+t 'end ' \"<\"");
    }

    #[test]
    fn a_tag_without_its_end_costs_itself_alone() {
        check("<t <u>x</u></t>", "+t +u 'x' -u -t");
        check("<a href=\"x>y</a><b>z</b>", "+a 'y' -a +b 'z' -b");
        check("<a alt='1 <b> 2'>y</a>", "+a 'y' -a");
    }

    #[test]
    fn a_section_without_its_end_costs_its_opening() {
        check(
            "<rss><![CDATA[a<b/><![CDATA[c]]></rss>",
            "+rss 'a' ∅b \"c\" -rss",
        );
        check("<rss><!-- a<b/></rss>", "+rss \"\" ' a' ∅b -rss");
        check("<rss><!-- a<b/>", "+rss");
    }

    #[test]
    fn attributes_need_no_quotes() {
        let found = attributes(" a=1 b='2 &amp; 3' c");
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|(name, value)| (*name, &**value))
            .collect();
        assert_eq!(found, [("a", "1"), ("b", "2 & 3"), ("c", "")]);
    }

    #[test]
    fn hostile_markup_is_read_in_linear_time() {
        for unit in ["<", "<a b=\"", "<a ", "&", "<!", "<?", "</", "<![CDATA[a"] {
            assert!(
                Tokens::new(&unit.repeat(50_000)).count() <= 200_000,
                "{unit}"
            );
        }
    }
}

//! What outlets write, made harmless where it is going: no headline can bring markup, a mention, a
//! second line or a character that cannot be seen. Pure.

use std::borrow::Cow;

use url::Url;

use crate::text::printable;

/// What the reader of a text makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Text,
    Html,
    /// HTML in which nobody is named by accident: an @name would ring who has it.
    Telegram,
    Markdown,
    /// Slack's own markup.
    Mrkdwn,
    Json,
}

impl Target {
    /// By the ending of a template's name; what is unknown is text.
    pub fn of(name: &str) -> Self {
        if name.ends_with("telegram.html") {
            return Self::Telegram;
        }
        match name.rsplit('.').next() {
            Some("html") => Self::Html,
            Some("md") => Self::Markdown,
            Some("mrkdwn") => Self::Mrkdwn,
            Some("json") => Self::Json,
            _ => Self::Text,
        }
    }

    /// `text` as one line that shows as it reads.
    pub fn escape(self, text: &str) -> String {
        match self {
            // What is quoted in JSON may be of several lines.
            Self::Json => serde_json::Value::from(text).to_string(),
            Self::Text => printable(text),
            Self::Html => html(&printable(text)),
            Self::Telegram => html(&unnamed(&printable(text))),
            Self::Markdown => markdown(&printable(text)),
            Self::Mrkdwn => mrkdwn(&printable(text)),
        }
    }

    /// `url` as it may stand in a link, if it is one that people can follow.
    pub fn link(self, url: &str) -> Option<String> {
        let url = Url::parse(url)
            .ok()
            .filter(|it| matches!(it.scheme(), "http" | "https"))?;
        let url = encode(url.as_str());
        Some(match self {
            Self::Html | Self::Telegram => html(&url),
            Self::Mrkdwn => url.replace('&', "&amp;"),
            Self::Json => self.escape(&url),
            Self::Text | Self::Markdown => url,
        })
    }
}

/// With something that cannot be seen between an @ and the name that it would make a mention of.
pub fn unnamed(text: &str) -> String {
    let mut unnamed = String::with_capacity(text.len());
    let mut before = ' ';
    for c in text.chars() {
        if before == '@' && c.is_alphanumeric() {
            unnamed.push('\u{2060}');
        }
        unnamed.push(c);
        before = c;
    }
    unnamed
}

/// Addresses are ASCII once parsed, but may hold what ends a link in one markup or another.
fn encode(url: &str) -> String {
    let mut encoded = String::with_capacity(url.len());
    for c in url.chars() {
        match c {
            '<' | '>' | '(' | ')' | '[' | ']' | '|' | '`' | '"' | '\'' | '\\' | '*' | '^' | '{'
            | '}' => encoded.push_str(&format!("%{:02X}", u32::from(c))),
            c if c.is_ascii_graphic() => encoded.push(c),
            _ => {}
        }
    }
    encoded
}

fn html(text: &str) -> String {
    each(text, |c| match c {
        '&' => Some("&amp;".into()),
        '<' => Some("&lt;".into()),
        '>' => Some("&gt;".into()),
        '"' => Some("&quot;".into()),
        '\'' => Some("&#39;".into()),
        _ => None,
    })
}

/// A backslash shows the character behind it. Headings, lists and quotes begin only lines.
fn markdown(text: &str) -> String {
    let text = each(text, |c| match c {
        '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '~' | '|' | '&' => {
            Some(format!("\\{c}").into())
        }
        _ => None,
    });
    let rest = text.trim_start();
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let marks = match rest.as_bytes().get(digits) {
        Some(b'#' | b'+' | b'-' | b'=') if digits == 0 => Some(0),
        Some(b'.' | b')') if digits > 0 => Some(digits),
        _ => None,
    };
    match marks {
        Some(at) => format!("{}\\{}", &rest[..at], &rest[at..]),
        None => text,
    }
}

/// Slack reads only `&`, `<` and `>` as escaped; what would format gives way to its like, but in
/// addresses, which must stay what they are and are not formatted.
fn mrkdwn(text: &str) -> String {
    let words = text.split(' ').map(|word| match Target::Mrkdwn.link(word) {
        Some(link) => link,
        None => each(word, |c| match c {
            '&' => Some("&amp;".into()),
            '<' => Some("&lt;".into()),
            '>' => Some("&gt;".into()),
            '*' => Some("∗".into()),
            '_' => Some("ˍ".into()),
            '~' => Some("∼".into()),
            '`' => Some("ˋ".into()),
            _ => None,
        }),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn each(text: &str, replace: impl Fn(char) -> Option<Cow<'static, str>>) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match replace(c) {
            Some(instead) => escaped.push_str(&instead),
            None => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[track_caller]
    fn check(target: Target, text: &str, expected: &str) {
        assert_eq!(target.escape(text), expected);
    }

    #[test]
    fn markup_shows_as_it_reads() {
        check(
            Target::Html,
            "<b>\"R&D\"</b>",
            "&lt;b&gt;&quot;R&amp;D&quot;&lt;/b&gt;",
        );
        check(
            Target::Markdown,
            "[a](b) *c* `d` <@1>",
            r"\[a\](b) \*c\* \`d\` \<@1\>",
        );
        check(Target::Markdown, "# one", r"\# one");
        check(Target::Markdown, "12. Juni", r"12\. Juni");
        check(Target::Markdown, "12 June", "12 June");
        check(Target::Mrkdwn, "<!channel> *x*", "&lt;!channel&gt; ∗x∗");
        check(
            Target::Mrkdwn,
            "_https://a.example/b_c",
            "ˍhttps://a.example/bˍc",
        );
        check(
            Target::Mrkdwn,
            "https://a.example/b_c?*",
            "https://a.example/b_c?%2A",
        );
        check(Target::Json, "a\"b", r#""a\"b""#);
    }

    #[test]
    fn a_template_is_for_whom_its_name_ends_in() {
        assert_eq!(Target::of("alert.mrkdwn"), Target::Mrkdwn);
        assert_eq!(Target::of("mrkdwn"), Target::Mrkdwn);
        assert_eq!(Target::of("alert.telegram.html"), Target::Telegram);
        assert_eq!(Target::of("alert.matrix.html"), Target::Html);
        assert_eq!(Target::of("title"), Target::Text);
    }

    #[test]
    fn no_line_begins_within_a_value() {
        for target in [Target::Text, Target::Html, Target::Markdown, Target::Mrkdwn] {
            check(target, "a\r\nb\u{2028}c\u{202e}\u{7}", "a  b c ");
        }
    }

    #[test]
    fn links_lead_to_the_web_and_end_where_they_end() {
        let link = |target: Target, url| target.link(url);
        assert_eq!(link(Target::Text, "javascript:alert(1)"), None);
        assert_eq!(link(Target::Text, "no address"), None);
        assert_eq!(
            link(Target::Markdown, "https://a.example/x_(y)?q=<z>").as_deref(),
            Some("https://a.example/x_%28y%29?q=%3Cz%3E")
        );
        assert_eq!(
            link(Target::Mrkdwn, "https://a.example/?a=1&b=x|y").as_deref(),
            Some("https://a.example/?a=1&amp;b=x%7Cy")
        );
        assert_eq!(
            link(Target::Html, "https://a.example/?a=\"&b").as_deref(),
            Some("https://a.example/?a=%22&amp;b")
        );
    }
}

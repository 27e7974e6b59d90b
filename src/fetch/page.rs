//! What an HTML page is that came where a feed should: a bot challenge, a login or consent page, or
//! just a page – which may say where its feed is.

use url::Url;

use crate::fetch::ErrorClass;
use crate::text::html::plain_title;
use crate::text::{cut, printable};

/// Further in, no page says what it is.
const LOOKED_AT: usize = 128 * 1024;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub class: ErrorClass,
    /// For people; without what an address may hold of secrets.
    pub message: String,
}

/// `None` where the bytes are no HTML page. `url` is where they came from, `asked` what was asked for.
pub fn judge(bytes: &[u8], url: &Url, asked: &Url) -> Option<Page> {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LOOKED_AT)]);
    let lower = text.to_ascii_lowercase();
    let start = lower.get(..1_024).unwrap_or(&lower);
    if !["<!doctype html", "<html", "<head>", "<body"]
        .iter()
        .any(|it| start.contains(it))
    {
        return None;
    }
    let title = title(&text, &lower);
    let named = title
        .as_ref()
        .map(|it| format!(" (\"{it}\")"))
        .unwrap_or_default();
    if is_challenge(title.as_deref(), &lower) {
        return Some(Page {
            class: ErrorClass::Challenge,
            message: format!("a bot challenge instead of the feed{named}"),
        });
    }
    let password = lower.contains("type=\"password\"") || lower.contains("type='password'");
    let asks = title.as_deref().is_some_and(is_login_title);
    let redirected = url.path() != asked.path() || url.host_str() != asked.host_str();
    if (redirected && (is_login_address(url) || password || asks)) || (password && asks) {
        let from = if redirected {
            format!("redirected to a login or consent page at {}", shown(url))
        } else {
            "a login page instead of the feed".to_owned()
        };
        return Some(Page {
            class: ErrorClass::Login,
            message: format!("{from}{named}"),
        });
    }
    let mut message = format!("an HTML page instead of the feed{named}");
    if redirected {
        message.push_str(&format!(", redirected to {}", shown(url)));
    }
    if let Some(feed) = announced(&text, &lower, url, asked) {
        message.push_str(&format!("; it announces a feed at {feed}"));
    }
    Some(Page {
        class: ErrorClass::Html,
        message,
    })
}

/// An address as it may be printed: a query or a user may hold a token.
pub fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_fragment(None);
    let hidden = shown.query().is_some();
    shown.set_query(hidden.then_some("…"));
    // Only addresses without a host refuse.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    let text = shown.as_str().replace("?%E2%80%A6", "?…");
    cut(&printable(&text), 200)
}

fn title(text: &str, lower: &str) -> Option<String> {
    let start = lower.find("<title")?;
    let start = start + lower[start..].find('>')? + 1;
    let end = start + lower[start..].find("</title")?;
    let title = plain_title(&text[start..end]);
    (!title.is_empty()).then(|| cut(&printable(&title), 80))
}

fn is_challenge(title: Option<&str>, lower: &str) -> bool {
    let titles = [
        "Just a moment",
        "Attention Required! | Cloudflare",
        "Please Wait... | Cloudflare",
        "DDoS-Guard",
        "Checking your browser",
        "Verifying you are human",
    ];
    title.is_some_and(|title| titles.iter().any(|it| title.starts_with(it)))
        || [
            "/cdn-cgi/challenge-platform/h/",
            "window._cf_chl_opt",
            "_incapsula_resource",
            "/.well-known/sgcaptcha/",
        ]
        .iter()
        .any(|it| lower.contains(it))
}

const LOGIN: &[&str] = &[
    "login",
    "log-in",
    "signin",
    "sign-in",
    "sso",
    "auth",
    "oauth",
    "oauth2",
    "idp",
    "accounts",
    "consent",
    "cookie-consent",
    "cookiewall",
    "privacywall",
    "collectconsent",
];

fn is_login_address(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().split('.');
    // `login.php`, `Login.do`.
    let path = url
        .path()
        .split('/')
        .map(|it| it.split('.').next().unwrap_or_default());
    host.chain(path)
        .any(|part| LOGIN.iter().any(|it| part.eq_ignore_ascii_case(it)))
}

fn is_login_title(title: &str) -> bool {
    let title = title.to_lowercase();
    [
        "log in",
        "login",
        "sign in",
        "before you continue",
        "로그인",
        "ログイン",
        "登录",
        "登入",
        "вход",
        "connexion",
        "anmelden",
    ]
    .iter()
    .any(|it| title.contains(it))
}

/// The address of the first feed that the page announces in its head (`rel="alternate"`).
fn announced(text: &str, lower: &str, url: &Url, asked: &Url) -> Option<String> {
    let mut at = 0;
    while let Some(found) = lower[at..].find("<link") {
        let start = at + found;
        let end = start + lower[start..].find('>')?;
        let tag = &text[start..end];
        at = end;
        let is = |name, wanted: &[&str]| {
            attribute(tag, name)
                .is_some_and(|it| wanted.iter().any(|want| it.eq_ignore_ascii_case(want)))
        };
        if !is("rel", &["alternate"]) || !is("type", FEED_TYPES) {
            continue;
        }
        let href = attribute(tag, "href")?.replace("&amp;", "&");
        let feed = url.join(href.trim()).ok()?;
        if !matches!(feed.scheme(), "http" | "https") {
            continue;
        }
        // A page that echoes our address could echo its secrets.
        return Some(if asked.query().is_some() || !feed.username().is_empty() {
            shown(&feed)
        } else {
            cut(&printable(feed.as_str()), 200)
        });
    }
    None
}

const FEED_TYPES: &[&str] = &[
    "application/rss+xml",
    "application/atom+xml",
    "application/rdf+xml",
    "application/feed+json",
];

/// The value of an attribute, quoted or not.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let lower = tag.to_ascii_lowercase();
    let mut at = 0;
    loop {
        let found = at + lower[at..].find(name)?;
        at = found + name.len();
        let begins = lower[..found].ends_with(|c: char| c.is_ascii_whitespace());
        let Some(value) = tag[at..].trim_start().strip_prefix('=') else {
            continue;
        };
        if !begins {
            continue;
        }
        let value = value.trim_start();
        return match value.chars().next()? {
            quote @ ('"' | '\'') => value[1..].split(quote).next(),
            _ => value.split_ascii_whitespace().next(),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: &str = "https://wire.example/feed.xml";

    #[track_caller]
    fn check(page: &str, url: &str, class: ErrorClass, said: &str) {
        let address = |it| Url::parse(it).expect("an address");
        let found = judge(page.as_bytes(), &address(url), &address(ASKED)).expect("a page");
        assert_eq!(found.class, class, "{page}");
        assert!(found.message.contains(said), "{}", found.message);
    }

    #[test]
    fn pages_are_told_apart() {
        let title = |it: &str| format!("<!DOCTYPE html><html><head><title>{it}</title>");
        check(
            &title("Just a moment..."),
            ASKED,
            ErrorClass::Challenge,
            "Just a moment",
        );
        check(&title("뉴스"), ASKED, ErrorClass::Html, "뉴스");
        check(
            &title("Wire"),
            "https://wire.example/member/login.php?back=/feed.xml&token=hunter2",
            ErrorClass::Login,
            "https://wire.example/member/login.php?…",
        );
        check(
            &title("Before you continue"),
            "https://consent.wire.example/m",
            ErrorClass::Login,
            "consent.wire.example",
        );
        check(
            &(title("로그인") + "<input type=\"password\">"),
            ASKED,
            ErrorClass::Login,
            "login page",
        );
        // A box to log in stands on many a front page.
        let boxed = title("Wire: the news") + "<input type=\"password\">";
        check(&boxed, ASKED, ErrorClass::Html, "Wire: the news");
    }

    #[test]
    fn a_page_that_knows_its_feed_says_where_it_is() {
        for link in [
            "<link rel=\"alternate\" type=\"application/rss+xml\" href=\"/rss?a=1&amp;b=2\">",
            "<LINK HREF='/rss?a=1&amp;b=2' TYPE='application/atom+xml' REL='alternate'/>",
            "<link data-href=\"/no\" rel=alternate type=application/rss+xml href=/rss?a=1&b=2 >",
        ] {
            let page = format!("<html><head><link rel=stylesheet href=a.css>{link}</head>");
            check(
                &page,
                ASKED,
                ErrorClass::Html,
                "it announces a feed at https://wire.example/rss?a=1&b=2",
            );
        }
    }

    #[test]
    fn a_feed_is_no_page() {
        let url = Url::parse(ASKED).expect("an address");
        for text in [
            "<rss><channel/></rss>",
            "{\"items\": []}",
            "all is well",
            "",
        ] {
            assert_eq!(judge(text.as_bytes(), &url, &url), None, "{text}");
        }
    }

    #[test]
    fn addresses_are_shown_without_their_secrets() {
        let url = Url::parse("https://u:hunter2@wire.example/a?token=hunter2#b").expect("one");
        assert_eq!(shown(&url), "https://wire.example/a?…");
    }
}

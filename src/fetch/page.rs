//! What an HTML page is that came where a feed should: a bot challenge, a login or consent page, or
//! just a page.

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

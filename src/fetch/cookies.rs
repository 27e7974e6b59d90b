//! Cookies of one visit: some servers redirect to themselves until they get theirs back. Nothing
//! outlives the visit.

use reqwest::header::{self, HeaderMap};
use url::Url;

#[derive(Debug, Default)]
pub(super) struct Jar(Vec<Cookie>);

#[derive(Debug)]
struct Cookie {
    name: String,
    value: String,
    /// The host that set it, or the domain it was set for.
    domain: String,
    below: bool,
    secure: bool,
}

/// More than any honest redirect sets.
const COOKIES: usize = 50;
const BYTES: usize = 4_096;

impl Jar {
    pub(super) fn keep(&mut self, url: &Url, headers: &HeaderMap) {
        let Some(host) = url.host_str() else {
            return;
        };
        for value in headers.get_all(header::SET_COOKIE) {
            let Some(cookie) = value.to_str().ok().and_then(|it| Cookie::read(it, host)) else {
                continue;
            };
            self.0
                .retain(|it| it.name != cookie.name || it.domain != cookie.domain);
            if self.0.len() < COOKIES && !cookie.value.is_empty() {
                self.0.push(cookie);
            }
        }
    }

    /// The Cookie header for `url`.
    pub(super) fn header(&self, url: &Url) -> Option<String> {
        let pairs: Vec<String> = self
            .0
            .iter()
            .filter(|it| it.goes_to(url))
            .map(|it| format!("{}={}", it.name, it.value))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

impl Cookie {
    fn read(text: &str, host: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (name, value) = parts.next()?.split_once('=')?;
        if name.is_empty() || text.len() > BYTES {
            return None;
        }
        let mut cookie = Self {
            name: name.trim().to_owned(),
            value: value.trim().to_owned(),
            domain: host.to_owned(),
            below: false,
            secure: false,
        };
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            if key.eq_ignore_ascii_case("secure") {
                cookie.secure = true;
            } else if key.eq_ignore_ascii_case("max-age") && value.starts_with(['0', '-']) {
                cookie.value.clear();
            } else if key.eq_ignore_ascii_case("domain") {
                let domain = value.trim_start_matches('.').to_ascii_lowercase();
                // One's own domain, and no whole top level.
                if domain.contains('.') && is_below(host, &domain) {
                    cookie.domain = domain;
                    cookie.below = true;
                }
            }
        }
        Some(cookie)
    }

    fn goes_to(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let there = host == self.domain || (self.below && is_below(host, &self.domain));
        there && (!self.secure || url.scheme() == "https")
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(set: &str, to: &str, expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        headers.insert(header::SET_COOKIE, set.parse().expect("a value"));
        let mut jar = Jar::default();
        let from = Url::parse("http://www.wire.example/feed").expect("an address");
        jar.keep(&from, &headers);
        let to = Url::parse(to).expect("an address");
        assert_eq!(jar.header(&to).as_deref(), expected, "{set} to {to}");
    }

    #[test]
    fn cookies_go_back_to_whom_they_belong() {
        let (own, sub) = ("http://www.wire.example/x", "http://feeds.wire.example/x");
        check("a=1; Path=/; HttpOnly", own, Some("a=1"));
        check("a=1", sub, None);
        check("a=1; Domain=.wire.example", sub, Some("a=1"));
        check("a=1; Domain=example", sub, None);
        check("a=1; Domain=other.example", "http://other.example/", None);
        check("a=1; Secure", own, None);
        check("a=1; Secure", "https://www.wire.example/", Some("a=1"));
        check("a=1; Max-Age=0", own, None);
        check("nonsense", own, None);
    }
}

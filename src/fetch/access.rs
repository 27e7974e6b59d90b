//! How a feed is asked, beyond its address: what its owner configured. Secrets are sent to the
//! feed's own origin only and printed nowhere.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Proxy, RequestBuilder};
use url::Url;

use crate::fetch::reach::Reach;
use crate::secret::Secret;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    pub reach: Reach,
    user_agent: Option<HeaderValue>,
    headers: HeaderMap,
    auth: Option<Auth>,
    proxy: Option<Secret>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    Basic { user: String, password: Secret },
    Bearer(Secret),
}

impl Access {
    pub fn new(reach: Reach) -> Self {
        Self {
            reach,
            ..Self::default()
        }
    }

    pub fn with_user_agent(mut self, text: &str) -> Result<Self, String> {
        let value = HeaderValue::from_str(text);
        self.user_agent = Some(value.map_err(|_| "user_agent: control characters".to_owned())?);
        Ok(self)
    }

    pub fn with_header(mut self, name: &str, value: &Secret) -> Result<Self, String> {
        let known: HeaderName = name
            .parse()
            .map_err(|_| format!("headers: \"{name}\" is no header's name"))?;
        // These are the poller's own; a second one would contradict the first.
        if OURS.contains(&known.as_str()) {
            return Err(format!("headers: {name} is not yours to set"));
        }
        let mut value = HeaderValue::from_str(value.reveal())
            .map_err(|_| format!("headers: the value of {name} holds control characters"))?;
        value.set_sensitive(true);
        self.headers.insert(known, value);
        Ok(self)
    }

    pub fn with_auth(mut self, auth: Auth) -> Result<Self, String> {
        if let Auth::Bearer(token) = &auth
            && HeaderValue::from_str(token.reveal()).is_err()
        {
            return Err("auth: the bearer token holds control characters".to_owned());
        }
        self.auth = Some(auth);
        Ok(self)
    }

    /// Every connection for this feed goes to `proxy`, which then resolves the names.
    pub fn with_proxy(mut self, proxy: Secret) -> Result<Self, String> {
        let url = Url::parse(proxy.reveal()).map_err(|error| format!("proxy: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!(
                "proxy: {}: is not supported, only http and https are",
                url.scheme()
            ));
        }
        Proxy::all(url).map_err(|_| "proxy: not an address".to_owned())?;
        self.proxy = Some(proxy);
        Ok(self)
    }

    pub(super) fn proxy(&self) -> Option<&Secret> {
        self.proxy.as_ref()
    }

    /// The request with what may go to any host.
    pub(super) fn introduce(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.user_agent {
            Some(user_agent) => request.header(reqwest::header::USER_AGENT, user_agent),
            None => request,
        }
    }

    /// The request with what is meant for the feed's own origin.
    pub(super) fn identify(&self, request: RequestBuilder) -> RequestBuilder {
        let request = request.headers(self.headers.clone());
        match &self.auth {
            Some(Auth::Basic { user, password }) => {
                request.basic_auth(user, Some(password.reveal()))
            }
            Some(Auth::Bearer(token)) => request.bearer_auth(token.reveal()),
            None => request,
        }
    }
}

const OURS: &[&str] = &[
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "if-none-match",
    "if-modified-since",
    "accept-encoding",
];

/// Whether what is secret to `home` may be sent to `url` too: the same origin, or the same host
/// once it moved from http to https.
pub(super) fn trusts(home: &Url, url: &Url) -> bool {
    let upgraded = home.scheme() == "http"
        && url.scheme() == "https"
        && home.port().is_none()
        && url.port().is_none();
    home.host_str() == url.host_str() && (home.origin() == url.origin() || upgraded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(home: &str, url: &str, trusted: bool) {
        let parse = |it| Url::parse(it).expect("an address");
        assert_eq!(trusts(&parse(home), &parse(url)), trusted, "{home} → {url}");
    }

    #[test]
    fn secrets_stay_with_their_origin() {
        check("http://a.example/x", "http://a.example/y", true);
        check("http://a.example/x", "https://a.example/y", true);
        check("https://a.example/x", "http://a.example/y", false);
        check("https://a.example/x", "https://b.example/x", false);
        check("https://a.example/x", "https://a.example:8443/x", false);
        check("http://a.example:8080/x", "https://a.example/x", false);
    }

    #[test]
    fn an_access_prints_no_secret() {
        let secret = |text: &str| Secret::new(text.to_owned());
        let access = Access::new(Reach::Public)
            .with_header("X-Key", &secret("hunter2"))
            .and_then(|it| it.with_auth(Auth::Bearer(secret("hunter3"))))
            .and_then(|it| it.with_proxy(secret("http://u:hunter4@proxy.example:3128")))
            .expect("sound");
        assert!(!format!("{access:?}").contains("hunter"), "{access:?}");
    }

    #[test]
    fn what_cannot_be_sent_is_refused_early() {
        let access = Access::default;
        let secret = |text: &str| Secret::new(text.to_owned());
        assert!(access().with_header("X Key", &secret("a")).is_err());
        assert!(access().with_header("Host", &secret("a")).is_err());
        assert!(access().with_header("X-Key", &secret("a\nb")).is_err());
        assert!(
            access()
                .with_proxy(secret("socks5://127.0.0.1:9050"))
                .is_err()
        );
        assert!(access().with_auth(Auth::Bearer(secret("a\r\nb"))).is_err());
    }
}

//! One conditional GET within limits: connect, silence, total time, decoded bytes, redirects, and
//! the addresses that may be reached. The only place besides `channel` that speaks HTTP.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{self, HeaderMap};
use reqwest::{Client, StatusCode, redirect};
use url::Url;

use crate::feed::Validators;

#[derive(Debug, Clone)]
pub struct Limits {
    pub connect: Duration,
    /// The longest silence between two pieces of an answer.
    pub read: Duration,
    /// The whole exchange: a body that dribbles for ever never falls silent.
    pub total: Duration,
    /// Decoded bytes.
    pub body: usize,
    pub redirects: usize,
    pub user_agent: String,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            read: Duration::from_secs(20),
            total: Duration::from_secs(60),
            body: 16 * 1024 * 1024,
            redirects: 8,
            user_agent: concat!("summitwatch/", env!("CARGO_PKG_VERSION"), " (feed poller)")
                .to_owned(),
        }
    }
}

/// What came of a GET.
#[derive(Debug)]
pub struct Fetched {
    pub duration: Duration,
    pub status: Option<u16>,
    /// The server's wish for when to come back.
    pub retry_after: Option<Duration>,
    pub outcome: Outcome,
}

/// What becomes of the connection. A pooled one holds its buffers until it is dropped, 50 kB and
/// more for each host that nobody asks again for minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    Close,
    /// Other feeds of the same host may use it.
    Keep,
}

#[derive(Debug)]
pub enum Outcome {
    NotModified,
    Document(Document),
    Failed { class: ErrorClass, message: String },
}

/// A fetched document: a plain value that can be written down and ingested elsewhere.
#[derive(Debug, Clone)]
pub struct Document {
    /// After redirects.
    pub url: String,
    pub status: u16,
    pub content_type: Option<String>,
    pub validators: Validators,
    pub body: Vec<u8>,
}

/// Why a visit failed, as `fetches.error_class` spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    Address,
    Connect,
    Timeout,
    TooLarge,
    Redirect,
    Http,
    RateLimited,
    Blocked,
    Gone,
    Decode,
    Broken,
    NotAFeed,
    Panic,
}

impl ErrorClass {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::TooLarge => "too-large",
            Self::Redirect => "redirect",
            Self::Http => "http",
            Self::RateLimited => "rate-limited",
            Self::Blocked => "blocked",
            Self::Gone => "gone",
            Self::Decode => "decode",
            Self::Broken => "broken",
            Self::NotAFeed => "not-a-feed",
            Self::Panic => "panic",
        }
    }
}

/// Two HTTP clients, one of which refuses to connect to addresses that are not public.
/// Each is built when it is first needed: reading the system's certificates takes a while.
#[derive(Clone)]
pub struct Fetcher {
    public: Arc<OnceLock<Client>>,
    private: Arc<OnceLock<Client>>,
    limits: Limits,
}

impl Fetcher {
    pub fn new(limits: Limits) -> Self {
        Self {
            public: Arc::default(),
            private: Arc::default(),
            limits,
        }
    }

    pub async fn get(
        &self,
        url: &str,
        validators: &Validators,
        allow_private: bool,
        after: After,
    ) -> Fetched {
        let started = Instant::now();
        let reach = if allow_private {
            Reach::Anywhere
        } else {
            Reach::Public
        };
        let mut fetched = self.exchange(url, validators, reach, after).await;
        fetched.duration = started.elapsed();
        fetched
    }

    async fn exchange(
        &self,
        url: &str,
        validators: &Validators,
        reach: Reach,
        after: After,
    ) -> Fetched {
        let url = match Url::parse(url) {
            Ok(url) => url,
            Err(error) => return failed(ErrorClass::Address, format!("not a URL: {error}")),
        };
        if let Err(message) = reach.permits(&url) {
            return failed(ErrorClass::Address, message);
        }
        let client = match self.client(reach) {
            Ok(client) => client,
            Err(error) => {
                return failed(
                    ErrorClass::Connect,
                    format!("cannot set up HTTP: {}", describe(&error)),
                );
            }
        };
        let mut request = client.get(url).header(header::ACCEPT, ACCEPT);
        if after == After::Close {
            request = request.header(header::CONNECTION, "close");
        }
        if let Some(etag) = &validators.etag {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        if let Some(last_modified) = &validators.last_modified {
            request = request.header(header::IF_MODIFIED_SINCE, last_modified);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return failed(class_of(&error), describe(&error)),
        };
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let outcome = if status == StatusCode::NOT_MODIFIED {
            Outcome::NotModified
        } else if status.is_success() {
            self.read(response).await
        } else {
            let class = refusal(status, response.headers());
            Outcome::Failed {
                class,
                message: format!("the server answered {status}"),
            }
        };
        Fetched {
            duration: Duration::ZERO,
            status: Some(status.as_u16()),
            retry_after,
            outcome,
        }
    }

    fn client(&self, reach: Reach) -> Result<&Client, reqwest::Error> {
        let cell = match reach {
            Reach::Public => &self.public,
            Reach::Anywhere => &self.private,
        };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let client = client(&self.limits, reach)?;
        Ok(cell.get_or_init(|| client))
    }

    async fn read(&self, mut response: reqwest::Response) -> Outcome {
        let text = |name| {
            response
                .headers()
                .get(name)
                .map(|it| String::from_utf8_lossy(it.as_bytes()).into_owned())
        };
        let mut document = Document {
            url: response.url().to_string(),
            status: response.status().as_u16(),
            content_type: text(header::CONTENT_TYPE),
            validators: Validators {
                etag: text(header::ETAG),
                last_modified: text(header::LAST_MODIFIED),
            },
            body: Vec::new(),
        };
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if document.body.len() + chunk.len() > self.limits.body => {
                    let message = format!("the body is larger than {} bytes", self.limits.body);
                    return Outcome::Failed {
                        class: ErrorClass::TooLarge,
                        message,
                    };
                }
                Ok(Some(chunk)) => document.body.extend_from_slice(&chunk),
                Ok(None) => return Outcome::Document(document),
                Err(error) => {
                    return Outcome::Failed {
                        class: class_of(&error),
                        message: describe(&error),
                    };
                }
            }
        }
    }
}

const ACCEPT: &str = "application/atom+xml, application/rss+xml, application/rdf+xml, application/feed+json, \
                      application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5";

pub fn client(limits: &Limits, reach: Reach) -> Result<Client, reqwest::Error> {
    let redirects = limits.redirects;
    let policy = redirect::Policy::custom(move |attempt| {
        if attempt.previous().len() > redirects {
            return attempt.error("too many redirects");
        }
        match reach.permits(attempt.url()) {
            Ok(()) => attempt.follow(),
            Err(message) => attempt.error(message),
        }
    });
    let builder = Client::builder()
        .user_agent(&limits.user_agent)
        .connect_timeout(limits.connect)
        .read_timeout(limits.read)
        .timeout(limits.total)
        .redirect(policy)
        // A Referer would carry tokens in a feed's address to whoever it redirects to.
        .referer(false)
        // Polls of one host come together and then not for minutes. Idle connections cost 50 kB each.
        .pool_idle_timeout(Duration::from_millis(1_200))
        .pool_max_idle_per_host(2);
    match reach {
        Reach::Public => builder.dns_resolver(Arc::new(PublicOnly)).build(),
        // A proxy from the environment would be asked for loopback addresses too.
        Reach::Anywhere => builder.no_proxy().build(),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    Public,
    Anywhere,
}

impl Reach {
    /// Scheme, and address where the URL names one; names are judged when they are resolved.
    pub fn permits(self, url: &Url) -> Result<(), String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!(
                "{}: is not fetched, only http and https are",
                url.scheme()
            ));
        }
        let address = match url.host() {
            Some(url::Host::Ipv4(address)) => IpAddr::from(address),
            Some(url::Host::Ipv6(address)) => IpAddr::from(address),
            _ => return Ok(()),
        };
        if self == Self::Anywhere || is_public(address) {
            return Ok(());
        }
        Err(format!(
            "{address} is a private address; set allow_private = true for this feed if that is meant"
        ))
    }
}

/// Resolves names and drops every address that is not public, so that a name cannot be pointed at
/// the inside of the network after it was checked.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let public: Vec<SocketAddr> = found
                .iter()
                .copied()
                .filter(|it| is_public(it.ip()))
                .collect();
            if public.is_empty() && !found.is_empty() {
                let refusal = "resolves to private addresses only; set allow_private = true for this feed if that is meant";
                return Err(format!("{host} {refusal}").into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Addresses of the public Internet, by the IANA special-purpose registries.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_broadcast()
                || v4.is_documentation()
                || v4.is_multicast()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (b == 18 || b == 19)))
        }
        IpAddr::V6(v6) => {
            let first = v6.segments()[0];
            if let Some(v4) = v6.to_ipv4() {
                return is_public(IpAddr::from(v4));
            }
            // NAT64 carries an IPv4 address in its last 32 bits.
            if v6.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
                let [.., a, b, c, d] = v6.octets();
                return is_public(IpAddr::from([a, b, c, d]));
            }
            !(v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || (first & 0xfe00) == 0xfc00
                || (first & 0xffc0) == 0xfe80
                || first == 0x2002
                || (first == 0x2001 && v6.segments()[1] == 0xdb8))
        }
    }
}

fn failed(class: ErrorClass, message: String) -> Fetched {
    Fetched {
        duration: Duration::ZERO,
        status: None,
        retry_after: None,
        outcome: Outcome::Failed { class, message },
    }
}

fn class_of(error: &reqwest::Error) -> ErrorClass {
    if error.is_timeout() {
        ErrorClass::Timeout
    } else if error.is_redirect() {
        ErrorClass::Redirect
    } else if describe(error).contains("private address") {
        ErrorClass::Address
    } else if error.is_connect() {
        ErrorClass::Connect
    } else if error.is_decode() {
        ErrorClass::Decode
    } else {
        ErrorClass::Broken
    }
}

fn refusal(status: StatusCode, headers: &HeaderMap) -> ErrorClass {
    match status.as_u16() {
        _ if headers.contains_key("cf-mitigated") => ErrorClass::Blocked,
        429 | 503 => ErrorClass::RateLimited,
        401 | 403 => ErrorClass::Blocked,
        410 => ErrorClass::Gone,
        300..=399 => ErrorClass::Redirect,
        _ => ErrorClass::Http,
    }
}

/// The error and its causes on one line, without the URL, which may hold a token.
pub fn describe(error: &reqwest::Error) -> String {
    let mut parts = Vec::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(it) = cause {
        let text = it.to_string();
        if !parts.contains(&text) {
            parts.push(text);
        }
        cause = it.source();
    }
    if parts.is_empty() || error.is_timeout() {
        parts.insert(
            0,
            if error.is_timeout() {
                "timed out".to_owned()
            } else {
                "request failed".to_owned()
            },
        );
    }
    crate::text::cut(&crate::text::printable(&parts.join(": ")), 300)
}

/// Seconds or an HTTP date (RFC 9110, 10.2.3). A date needs the server's own clock to mean
/// anything, so it is read against its Date header.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let until = http_date(text)?;
    let now = http_date(headers.get(header::DATE)?.to_str().ok()?)?;
    Duration::try_from(until.duration_since(now)).ok()
}

fn http_date(text: &str) -> Option<jiff::Timestamp> {
    jiff::fmt::rfc2822::parse(text.trim())
        .ok()
        .map(|it| it.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, public: bool) {
        assert_eq!(
            is_public(address.parse().expect("address")),
            public,
            "{address}"
        );
    }

    #[test]
    fn only_public_addresses_are_public() {
        for inside in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "::1",
            "::ffff:127.0.0.1",
            "fe80::1",
            "fd00::1",
            "64:ff9b::7f00:1",
            "224.0.0.1",
            "255.255.255.255",
            "2002:7f00:1::",
        ] {
            check(inside, false);
        }
        for outside in ["1.1.1.1", "2606:4700::1111", "172.32.0.1", "100.128.0.1"] {
            check(outside, true);
        }
    }

    #[test]
    fn other_schemes_and_private_literals_are_refused() {
        for url in [
            "file:///etc/passwd",
            "ftp://example.com/",
            "http://127.0.0.1/",
            "http://[::1]/",
            "http://0x7f.1/",
        ] {
            let url = Url::parse(url).expect("url");
            assert!(Reach::Public.permits(&url).is_err(), "{url}");
        }
    }

    #[test]
    fn retry_after_reads_seconds_and_dates() {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, "120".parse().expect("value"));
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(120)));
        headers.insert(
            header::RETRY_AFTER,
            "Wed, 21 Oct 2026 07:30:00 GMT".parse().expect("value"),
        );
        headers.insert(
            header::DATE,
            "Wed, 21 Oct 2026 07:28:00 GMT".parse().expect("value"),
        );
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(120)));
        headers.insert(header::RETRY_AFTER, "soon".parse().expect("value"));
        assert_eq!(retry_after(&headers), None);
    }
}

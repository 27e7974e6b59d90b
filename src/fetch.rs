//! One conditional GET within limits: connect, silence, total time, decoded bytes, redirects, and
//! the addresses that may be reached. The only place besides `channel` that speaks HTTP.

pub mod access;
mod cookies;
pub mod headers;
mod hop;
pub mod page;
pub mod reach;

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::{Client, ClientBuilder, Proxy, Response, StatusCode, header, redirect};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use crate::feed::Validators;
use crate::feed::pace::Wishes;
use crate::fetch::access::Access;
use crate::fetch::cookies::Jar;
use crate::fetch::headers::wishes;
use crate::fetch::hop::{is_redirect, next, request};
use crate::fetch::reach::{Names, Reach};
use crate::secret::Secret;
use crate::text::{cut, printable};

#[derive(Debug, Clone)]
pub struct Limits {
    pub connect: Duration,
    /// The longest silence between two pieces of an answer.
    pub read: Duration,
    /// The whole exchange: a body that dribbles for ever never falls silent.
    pub total: Duration,
    /// Until the head of an answer has come, connecting included: interim answers (1xx) without end are
    /// no silence.
    pub head: Duration,
    /// The slowest that a body may come once its head is there.
    pub slowest: Slowest,
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
            head: Duration::from_secs(20),
            slowest: Slowest {
                bytes: 1_024,
                within: Duration::from_secs(15),
            },
            body: 16 * 1024 * 1024,
            redirects: 8,
            user_agent: concat!("summitwatch/", env!("CARGO_PKG_VERSION"), " (feed poller)")
                .to_owned(),
        }
    }
}

/// So many bytes at least within each span, so that a server which drips keeps nobody waiting for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slowest {
    pub bytes: usize,
    pub within: Duration,
}

/// A larger body needs one of [`LARGE_AT_ONCE`] permits; nearly all feeds are smaller. Fewer at once
/// would let a slow one delay the others.
const LARGE: usize = 512 * 1024;
/// Logarithm of the window in bytes that a zstd frame may ask for: the 8 MiB of RFC 9659. Without a bound it is 128 MiB
/// of memory for 20 bytes sent.
const ZSTD_WINDOW: u32 = 23;
/// Large documents in memory at once, from their fetch to the archive. Reading one takes up to six times
/// its bytes: two of 16 MiB stay below 200 MiB.
const LARGE_AT_ONCE: usize = 2;

/// What is asked: where, with what, and as whom.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// As configured; what is secret belongs to its origin.
    pub url: &'a str,
    /// Where to begin instead, for a feed that moved.
    pub moved_to: Option<&'a str>,
    pub validators: &'a Validators,
    pub access: &'a Access,
    pub after: After,
    /// For dates of servers that do not say what time they have.
    pub now: Timestamp,
}

/// What came of a GET.
#[derive(Debug)]
pub struct Fetched {
    pub duration: Duration,
    pub status: Option<u16>,
    pub wishes: Wishes,
    /// Where permanent redirects (301, 308) led, before any that was not.
    pub moved_to: Option<String>,
    pub outcome: Outcome,
    /// Held for as long as a large document is in memory.
    pub large: Option<OwnedSemaphorePermit>,
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
    /// After redirects, without user and password.
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
    /// 401 or 403.
    Blocked,
    /// A bot challenge, with whatever status.
    Challenge,
    /// A login or consent page.
    Login,
    /// Another HTML page.
    Html,
    Gone,
    /// 304 to a request that gave no validators.
    Unasked,
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
            Self::Challenge => "challenge",
            Self::Login => "login",
            Self::Html => "html",
            Self::Gone => "gone",
            Self::Unasked => "unasked",
            Self::Decode => "decode",
            Self::Broken => "broken",
            Self::NotAFeed => "not-a-feed",
            Self::Panic => "panic",
        }
    }
}

/// HTTP clients by what they may reach and how. Each is built when it is first needed: reading the
/// system's certificates takes a while.
#[derive(Clone)]
pub struct Fetcher {
    clients: Arc<Mutex<HashMap<Way, Client>>>,
    limits: Limits,
    large: Arc<Semaphore>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Way {
    reach: Reach,
    proxy: Option<Secret>,
    coding: Coding,
}

/// Whose certificates are trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Authorities {
    Machine,
    None,
}

/// What becomes of content codings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Coding {
    /// All are asked for and decoded.
    Decoded,
    /// None is asked for, and what comes is taken as it is.
    Identity,
}

/// Whether caches in between may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cache {
    Usual,
    Passed,
}

/// How a request is made.
#[derive(Debug, Clone, Copy)]
struct Manner {
    coding: Coding,
    cache: Cache,
}

/// Of an answer that is no document.
struct Failure(ErrorClass, String);

/// More of an error page is not read.
const REFUSAL_BYTES: usize = 64 * 1024;

impl Fetcher {
    pub fn new(limits: Limits) -> Self {
        Self {
            clients: Arc::default(),
            limits,
            large: Arc::new(Semaphore::new(LARGE_AT_ONCE)),
        }
    }

    pub async fn get(&self, ask: &Ask<'_>) -> Fetched {
        let started = Instant::now();
        let mut fetched = Fetched {
            duration: Duration::ZERO,
            status: None,
            wishes: Wishes::default(),
            moved_to: None,
            outcome: Outcome::NotModified,
            large: None,
        };
        // Over all redirects and tries; the clients' own limit is for one exchange.
        let limited = tokio::time::timeout(self.limits.total, self.visit(ask, &mut fetched)).await;
        fetched.outcome = match limited {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(Failure(class, message))) => Outcome::Failed { class, message },
            Err(_) => Outcome::Failed {
                class: ErrorClass::Timeout,
                message: "timed out".to_owned(),
            },
        };
        fetched.duration = started.elapsed();
        fetched
    }

    async fn visit(&self, ask: &Ask<'_>, fetched: &mut Fetched) -> Result<Outcome, Failure> {
        let usual = Manner {
            coding: Coding::Decoded,
            cache: Cache::Usual,
        };
        match self.follow(ask, usual, fetched).await {
            // A cache in between that hands on an answer of its own.
            Err(Failure(ErrorClass::Unasked, _)) => {
                let manner = Manner {
                    cache: Cache::Passed,
                    ..usual
                };
                self.follow(ask, manner, fetched).await
            }
            // A body that is not coded as its header says, or breaks off.
            Err(Failure(ErrorClass::Decode, _)) => {
                let manner = Manner {
                    coding: Coding::Identity,
                    ..usual
                };
                self.follow(ask, manner, fetched).await
            }
            // A kept connection that the server closed just when it was used again.
            Err(Failure(ErrorClass::Broken, message))
                if ask.after == After::Keep && is_dropped(&message) =>
            {
                self.follow(ask, usual, fetched).await
            }
            outcome => outcome,
        }
    }

    /// Redirects are followed here and not by the client: every hop is checked, keeps what cookies
    /// it sets, and gets secrets only where they belong.
    async fn follow(
        &self,
        ask: &Ask<'_>,
        manner: Manner,
        fetched: &mut Fetched,
    ) -> Result<Outcome, Failure> {
        let parse = |text| {
            Url::parse(text)
                .map_err(|error| Failure(ErrorClass::Address, format!("not a URL: {error}")))
        };
        let home = parse(ask.url)?;
        let mut url = parse(ask.moved_to.unwrap_or(ask.url))?;
        fetched.large = None;
        let coding = manner.coding;
        let client = self.client(ask.access, coding).map_err(|error| {
            let message = format!("cannot set up HTTP: {}", describe(&error));
            Failure(ErrorClass::Connect, message)
        })?;
        let (mut jar, mut permanent) = (Jar::default(), true);
        for _ in 0..=self.limits.redirects {
            ask.access
                .reach
                .permits(&url)
                .map_err(|message| Failure(ErrorClass::Address, message))?;
            let request = request(&client, ask, &home, &url, &jar, manner);
            let head = self.limits.head.min(self.limits.connect + self.limits.read);
            let response = tokio::time::timeout(head, request.send())
                .await
                .map_err(|_| {
                    let limit = head.as_secs();
                    Failure(
                        ErrorClass::Timeout,
                        format!("timed out: no answer within {limit} s"),
                    )
                })?
                .map_err(|error| Failure(class_of(&error), describe(&error)))?;
            let status = response.status();
            fetched.status = Some(status.as_u16());
            fetched.wishes = wishes(response.headers(), ask.now);
            if !is_redirect(status) {
                return self.conclude(response, ask, &url, coding, fetched).await;
            }
            jar.keep(&url, response.headers());
            url = next(&url, &home, response.headers()).map_err(|why| {
                Failure(
                    ErrorClass::Redirect,
                    format!("the server answered {status} {why}"),
                )
            })?;
            permanent &= matches!(status.as_u16(), 301 | 308);
            if permanent {
                fetched.moved_to = Some(url.to_string());
            }
        }
        let message = format!("more than {} redirects", self.limits.redirects);
        Err(Failure(ErrorClass::Redirect, message))
    }

    async fn conclude(
        &self,
        response: Response,
        ask: &Ask<'_>,
        url: &Url,
        coding: Coding,
        fetched: &mut Fetched,
    ) -> Result<Outcome, Failure> {
        let status = response.status();
        if status == StatusCode::NOT_MODIFIED {
            return if *ask.validators == Validators::default() {
                Err(Failure(
                    ErrorClass::Unasked,
                    "the server answered 304 Not Modified to a request without validators; a cache before it may be broken"
                        .to_owned(),
                ))
            } else {
                Ok(Outcome::NotModified)
            };
        }
        if status == StatusCode::PARTIAL_CONTENT && !is_whole(&response) {
            let message = "the server answered a part of the document (206) that nobody asked for";
            return Err(Failure(ErrorClass::Broken, message.to_owned()));
        }
        if !status.is_success() || is_challenge(&response) {
            return Err(refused(response, url).await);
        }
        let text = |name| {
            let value = response.headers().get(name);
            value.map(|it| String::from_utf8_lossy(it.as_bytes()).into_owned())
        };
        let coded = text(header::CONTENT_ENCODING).filter(|_| coding == Coding::Identity);
        let mut document = Document {
            url: without_user(url),
            status: status.as_u16(),
            content_type: text(header::CONTENT_TYPE),
            validators: Validators {
                etag: text(header::ETAG),
                last_modified: text(header::LAST_MODIFIED),
            },
            body: Vec::new(),
        };
        let zstd = coding == Coding::Decoded
            && text(header::CONTENT_ENCODING)
                .is_some_and(|it| it.trim().eq_ignore_ascii_case("zstd"));
        document.body = self.read(response, coding, fetched).await?;
        if zstd {
            document.body = self.unpack(&document.body, fetched).await?;
        }
        match coded {
            // The header lied twice; a body that is text is what it is.
            Some(name) if !is_text(&document.body) => {
                let name = cut(&printable(&name), 40);
                let message = format!("the body is not in the content coding it claims ({name})");
                Err(Failure(ErrorClass::Decode, message))
            }
            _ => Ok(Outcome::Document(document)),
        }
    }

    async fn read(
        &self,
        mut response: Response,
        coding: Coding,
        fetched: &mut Fetched,
    ) -> Result<Vec<u8>, Failure> {
        let Slowest { bytes, within } = self.limits.slowest;
        let mut body = Vec::new();
        let (mut until, mut least) = (tokio::time::Instant::now() + within, bytes);
        loop {
            let silent = tokio::time::Instant::now() + self.limits.read;
            let Ok(chunk) = tokio::time::timeout_at(until.min(silent), response.chunk()).await
            else {
                if silent <= until {
                    let limit = self.limits.read.as_secs();
                    let message = format!("timed out: the server fell silent for {limit} s");
                    return Err(Failure(ErrorClass::Timeout, message));
                }
                if body.len() >= least {
                    (until, least) = (until + within, body.len() + bytes);
                    continue;
                }
                let message = format!(
                    "timed out: the body comes slower than {bytes} bytes in {} s",
                    within.as_secs()
                );
                return Err(Failure(ErrorClass::Timeout, message));
            };
            if body.len() >= least {
                (until, least) = (tokio::time::Instant::now() + within, body.len() + bytes);
            }
            match chunk {
                Ok(Some(chunk)) if body.len() + chunk.len() > self.limits.body => {
                    let message = format!("the body is larger than {} bytes", self.limits.body);
                    return Err(Failure(ErrorClass::TooLarge, message));
                }
                Ok(Some(chunk)) => {
                    body.extend_from_slice(&chunk);
                    if body.len() > LARGE && fetched.large.is_none() {
                        let large = Arc::clone(&self.large);
                        fetched.large = large.acquire_owned().await.ok();
                        until = tokio::time::Instant::now() + within;
                    }
                }
                Ok(None) => return Ok(body),
                // It breaks off, or only says so: some servers count wrongly or forget to end
                // their last chunk. Whether the document is whole, its markup tells.
                Err(error) if coding == Coding::Identity && error.is_decode() => return Ok(body),
                Err(error) => return Err(Failure(class_of(&error), describe(&error))),
            }
        }
    }

    /// A body in zstd. What grows beyond [`LARGE`] is unpacked once it may be large.
    async fn unpack(&self, body: &[u8], fetched: &mut Fetched) -> Result<Vec<u8>, Failure> {
        let wrong =
            |error: io::Error| Failure(ErrorClass::Decode, format!("the body is no zstd: {error}"));
        let small = unzstd(body, LARGE).map_err(wrong)?;
        if small.len() <= LARGE {
            return Ok(small);
        }
        drop(small);
        if fetched.large.is_none() {
            let large = Arc::clone(&self.large);
            fetched.large = large.acquire_owned().await.ok();
        }
        let all = unzstd(body, self.limits.body).map_err(wrong)?;
        if all.len() > self.limits.body {
            let message = format!("the body is larger than {} bytes", self.limits.body);
            return Err(Failure(ErrorClass::TooLarge, message));
        }
        Ok(all)
    }

    fn client(&self, access: &Access, coding: Coding) -> Result<Client, reqwest::Error> {
        let way = Way {
            reach: access.reach,
            proxy: access.proxy().cloned(),
            coding,
        };
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&way) {
            return Ok(client.clone());
        }
        let client = way.client(&self.limits, Authorities::Machine).or_else(|error| {
            // Feeds over http need no certificates; those over https say what is missing.
            let client = way.client(&self.limits, Authorities::None)?;
            tracing::warn!(
                "this machine's certificates cannot be read ({}); feeds over https will fail: install ca-certificates",
                describe(&error)
            );
            Ok::<_, reqwest::Error>(client)
        })?;
        clients.insert(way, client.clone());
        Ok(client)
    }
}

impl Way {
    fn client(&self, limits: &Limits, trusted: Authorities) -> Result<Client, reqwest::Error> {
        // A visit is one request: HTTP/2 would gain nothing, and its frames without end are no silence.
        // How long a server may be silent is measured where the answer is read: a client would count as silence that we
        // let a large body wait for its permit.
        let mut builder = builder(limits)
            .redirect(redirect::Policy::none())
            .http1_only();
        if trusted == Authorities::None {
            builder = builder.tls_certs_only([]);
        }
        if self.coding == Coding::Identity {
            builder = builder.no_gzip().no_brotli().no_deflate();
        }
        match (&self.proxy, self.reach) {
            // The one connection there is goes to the owner's proxy, wherever that stands; which
            // addresses are private is for the proxy to know.
            (Some(proxy), _) => builder.proxy(Proxy::all(proxy.reveal())?).build(),
            (None, reach) => reaching(builder, reach).build(),
        }
    }
}

/// Whether a part is the whole: `Content-Range: bytes 0-99/100`.
fn is_whole(response: &Response) -> bool {
    let range = response.headers().get(header::CONTENT_RANGE);
    let whole = || {
        let range = range?.to_str().ok()?.strip_prefix("bytes 0-")?;
        let (last, all) = range.split_once('/')?;
        Some(last.trim().parse::<u64>().ok()?.checked_add(1)? == all.trim().parse::<u64>().ok()?)
    };
    whole().unwrap_or(false)
}

/// Cloudflare says so itself.
fn is_challenge(response: &Response) -> bool {
    response.headers().contains_key("cf-mitigated")
}

/// What a refusal is, by its status, its headers and the page that comes with it.
async fn refused(mut response: Response, url: &Url) -> Failure {
    let status = response.status();
    let challenge = Failure(
        ErrorClass::Challenge,
        format!("the server answered {status} with a bot challenge"),
    );
    if is_challenge(&response) {
        return challenge;
    }
    let class = match status.as_u16() {
        429 | 503 => ErrorClass::RateLimited,
        401 | 403 => ErrorClass::Blocked,
        410 => ErrorClass::Gone,
        300..=399 => ErrorClass::Redirect,
        _ => ErrorClass::Http,
    };
    if matches!(class, ErrorClass::RateLimited | ErrorClass::Blocked) {
        let mut body = Vec::new();
        while let Ok(Some(chunk)) = response.chunk().await {
            body.extend_from_slice(&chunk);
            if body.len() > REFUSAL_BYTES {
                break;
            }
        }
        let page = page::judge(&body, url, url);
        if page.is_some_and(|it| it.class == ErrorClass::Challenge) {
            return challenge;
        }
    }
    let hint = if status == StatusCode::UNAUTHORIZED {
        "; `auth` at the feed gives it a password or a token"
    } else {
        ""
    };
    Failure(class, format!("the server answered {status}{hint}"))
}

/// At most one byte more than `most`.
fn unzstd(body: &[u8], most: usize) -> io::Result<Vec<u8>> {
    let mut decoder = zstd::Decoder::with_buffer(body)?;
    decoder.window_log_max(ZSTD_WINDOW)?;
    let mut plain = Vec::new();
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    decoder
        .take(most.saturating_add(1))
        .read_to_end(&mut plain)?;
    Ok(plain)
}

fn is_dropped(message: &str) -> bool {
    message.contains("connection closed before") || message.contains("reset by peer")
}

fn is_text(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    matches!(body.trim_ascii_start().first(), Some(b'<' | b'{'))
}

/// A client that follows no redirect, for channels.
pub fn client(limits: &Limits, reach: Reach) -> Result<Client, reqwest::Error> {
    let follows = redirect::Policy::custom(|it| it.error("too many redirects"));
    let builder = builder(limits).read_timeout(limits.read).redirect(follows);
    reaching(builder, reach).build()
}

fn reaching(builder: ClientBuilder, reach: Reach) -> ClientBuilder {
    let builder = builder.dns_resolver(Arc::new(Names(reach)));
    match reach {
        Reach::Public => builder,
        // A proxy from the environment would be asked for loopback addresses too.
        Reach::Anywhere => builder.no_proxy(),
    }
}

fn without_user(url: &Url) -> String {
    let mut url = url.clone();
    // Only addresses without a host refuse.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

fn builder(limits: &Limits) -> ClientBuilder {
    Client::builder()
        .user_agent(&limits.user_agent)
        .connect_timeout(limits.connect)
        .timeout(limits.total)
        // A Referer would carry tokens in a feed's address to whoever it redirects to.
        .referer(false)
        // As browsers do: one odd header is no reason to lose the news.
        .http1_ignore_invalid_headers_in_responses(true)
        .http1_allow_spaces_after_header_name_in_responses(true)
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        // Polls of one host come together and then not for minutes. Idle connections cost 50 kB each.
        .pool_idle_timeout(Duration::from_millis(1_200))
        .pool_max_idle_per_host(2)
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
    // What the libraries wrap around the cause says nothing more.
    let cause = parts.pop();
    parts.retain(|it| !it.starts_with("client error") && it != "error resolving DNS");
    parts.extend(cause);
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
    cut(&printable(&parts.join(": ")), 300)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_family_that_does_not_answer_is_passed_over() {
        use std::io::{Read, Write};
        drop(rustls::crypto::ring::default_provider().install_default());
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let v4 = listener.local_addr().expect("its address");
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a visitor");
            let _ = stream.read(&mut [0; 1024]).expect("a request");
            stream
                .write_all(b"HTTP/1.1 204 None\r\n\r\n")
                .expect("answered");
        });
        // Documentation addresses: nobody answers there.
        let v6 = "[2001:db8::1]:80".parse().expect("an address");
        let client = builder(&Limits::default())
            .no_proxy()
            .resolve_to_addrs("both.example", &[v6, v4])
            .build()
            .expect("a client");
        let url = format!("http://both.example:{}/", v4.port());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let status = runtime.block_on(async { client.get(url).send().await.map(|it| it.status()) });
        assert_eq!(status.expect("an answer"), StatusCode::NO_CONTENT);
        server.join().expect("served");
    }
}

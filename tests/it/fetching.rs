//! One GET against servers that mean no good or know no better: every answer costs bounded time and
//! memory, and says what it was.

use std::io::Write;
use std::time::{Duration, Instant};

use summitwatch::feed::Validators;
use summitwatch::fetch::access::Access;
use summitwatch::fetch::reach::Reach;
use summitwatch::fetch::{
    After, Ask, Document, ErrorClass, Fetched, Fetcher, Limits, Outcome, Slowest,
};
use tempfile::TempDir;

use crate::world::document::{START, entry, rss};
use crate::world::program::{command, output};
use crate::world::server::{Reply, Server};
use crate::world::{instant, runtime, use_ring};

const FEED: &str = "/feed.xml";
/// More than [`limits`] let through.
const TOO_MUCH: usize = 32 << 20;

fn limits() -> Limits {
    Limits {
        connect: Duration::from_secs(1),
        read: Duration::from_secs(1),
        total: Duration::from_secs(2),
        body: 1 << 20,
        ..Limits::default()
    }
}

fn get(url: &str, validators: &Validators, allow_private: bool) -> Fetched {
    let reach = if allow_private {
        Reach::Anywhere
    } else {
        Reach::Public
    };
    get_as(url, validators, &Access::new(reach))
}

fn get_as(url: &str, validators: &Validators, access: &Access) -> Fetched {
    get_after(url, validators, access, After::Close)
}

fn get_after(url: &str, validators: &Validators, access: &Access, after: After) -> Fetched {
    use_ring();
    let fetcher = Fetcher::new(limits());
    runtime().block_on(fetcher.get(&Ask {
        url,
        moved_to: None,
        validators,
        access,
        after,
        now: instant(START),
    }))
}

/// A GET of what a server answers with `reply`.
fn fetch(reply: Reply) -> Fetched {
    let server = Server::start();
    server.script(FEED, [reply]);
    get(&server.url(FEED), &Validators::default(), true)
}

#[track_caller]
fn document(fetched: Fetched) -> Document {
    match fetched.outcome {
        Outcome::Document(document) => document,
        other => panic!("not a document: {other:?}"),
    }
}

/// It failed so, within the limits, and said why without its address.
#[track_caller]
fn check_failed(reply: Reply, class: ErrorClass) {
    let started = Instant::now();
    let server = Server::start();
    server.script(FEED, [reply]);
    let fetched = get(
        &server.url(&format!("{FEED}?token=hunter2")),
        &Validators::default(),
        true,
    );
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "took {:?}",
        started.elapsed()
    );
    let Outcome::Failed {
        class: found,
        message,
    } = fetched.outcome
    else {
        panic!("{:?}", fetched.outcome)
    };
    assert_eq!(found, class, "{message}");
    assert!(
        !message.is_empty() && message.chars().count() <= 300 && !message.contains("hunter2"),
        "{message}"
    );
    assert!(!message.contains(char::is_control), "{message:?}");
}

// Time

#[test]
fn silence_ends_at_the_read_timeout() {
    check_failed(Reply::Silence, ErrorClass::Timeout);
    check_failed(
        Reply::Half(b"HTTP/1.1 200 OK\r\nContent-".to_vec()),
        ErrorClass::Timeout,
    );
    check_failed(
        Reply::Half(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n<rss>".to_vec()),
        ErrorClass::Timeout,
    );
}

#[test]
fn a_body_that_dribbles_for_ever_ends_at_the_total_timeout() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n".to_vec();
    check_failed(
        Reply::Endless(head, b"<".to_vec(), Some(Duration::from_millis(100))),
        ErrorClass::Timeout,
    );
}

#[test]
fn a_head_that_dribbles_for_ever_ends_at_the_total_timeout() {
    let head = b"HTTP/1.1 200 OK\r\n".to_vec();
    check_failed(
        Reply::Endless(
            head,
            b"X-Pad: x\r\n".to_vec(),
            Some(Duration::from_millis(100)),
        ),
        ErrorClass::Timeout,
    );
}

// Size

#[test]
fn an_endless_head_is_refused() {
    check_failed(
        Reply::Endless(
            b"HTTP/1.1 200 OK\r\nX-Pad: ".to_vec(),
            vec![b'x'; 4096],
            None,
        ),
        ErrorClass::Broken,
    );
    let line = b"X-Pad: x\r\n".repeat(100);
    check_failed(
        Reply::Endless(b"HTTP/1.1 200 OK\r\n".to_vec(), line, None),
        ErrorClass::Broken,
    );
}

#[test]
fn a_body_larger_than_the_cap_is_refused_while_it_comes() {
    check_failed(
        Reply::Endless(
            b"HTTP/1.1 200 OK\r\n\r\n".to_vec(),
            vec![b'<'; 65_536],
            None,
        ),
        ErrorClass::TooLarge,
    );
    let chunk = [b"10000\r\n".as_slice(), &vec![b'<'; 65_536], b"\r\n"].concat();
    let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    check_failed(Reply::Endless(head, chunk, None), ErrorClass::TooLarge);
    check_failed(Reply::ok(vec![b'<'; (1 << 20) + 1]), ErrorClass::TooLarge);
    assert_eq!(
        document(fetch(Reply::ok(vec![b'<'; 1 << 20]))).body.len(),
        1 << 20
    );
}

#[derive(Debug, Clone, Copy)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

const CODINGS: [Coding; 4] = [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd];

impl Coding {
    fn encode(self, bytes: &[u8]) -> Vec<u8> {
        let all = "memory takes everything";
        match self {
            Self::Gzip => {
                let mut encoder =
                    flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(bytes).expect(all);
                encoder.finish().expect(all)
            }
            Self::Deflate => {
                let mut encoder =
                    flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(bytes).expect(all);
                encoder.finish().expect(all)
            }
            Self::Brotli => {
                let mut encoded = Vec::new();
                let parameters = brotli::enc::BrotliEncoderParams {
                    quality: 1,
                    ..Default::default()
                };
                brotli::BrotliCompress(&mut &bytes[..], &mut encoded, &parameters).expect(all);
                encoded
            }
            Self::Zstd => zstd::encode_all(bytes, 1).expect(all),
        }
    }

    fn reply(self, bytes: &[u8]) -> Reply {
        let name = match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        };
        Reply::ok(self.encode(bytes))
            .with("Content-Encoding", name)
            .with("Content-Type", "text/xml")
    }
}

#[test]
fn every_content_coding_is_decoded() {
    let plain = rss(&[entry("1", "북미 정상회담 · 米朝首脳会談 · 美朝峰会")]);
    for coding in CODINGS {
        assert!(
            document(fetch(coding.reply(plain.as_bytes()))).body == plain.as_bytes(),
            "{coding:?}"
        );
    }
}

#[test]
fn a_bomb_goes_off_against_the_cap_on_decoded_bytes() {
    let zeros = vec![0; TOO_MUCH];
    for coding in CODINGS {
        let reply = coding.reply(&zeros);
        check_failed(reply, ErrorClass::TooLarge);
    }
}

#[test]
fn a_large_body_that_waits_for_its_turn_is_no_silent_server() {
    use_ring();
    let server = Server::start();
    let large = format!("<rss>{}</rss>", " ".repeat(8 << 20));
    server.script(FEED, [Reply::ok(&large)]);
    let (url, access) = (server.url(FEED), Access::new(Reach::Anywhere));
    let ask = Ask {
        url: &url,
        moved_to: None,
        validators: &Validators::default(),
        access: &access,
        after: After::Close,
        now: instant(START),
    };
    let read = Duration::from_secs(1);
    let fetcher = Fetcher::new(Limits {
        read,
        total: Duration::from_secs(50),
        body: 16 << 20,
        ..limits()
    });
    runtime().block_on(async {
        let held = [fetcher.get(&ask).await, fetcher.get(&ask).await];
        assert!(held.iter().all(|it| it.large.is_some()));
        let mut third = std::pin::pin!(fetcher.get(&ask));
        let waits = tokio::time::timeout(read * 2, third.as_mut()).await;
        assert!(waits.is_err(), "two large bodies are in memory: {waits:?}");
        drop(held);
        assert!(document(third.await).body.len() > 8 << 20);
    });
}

#[test]
fn a_zstd_frame_that_asks_for_a_larger_window_than_browsers_give_is_asked_for_plain() {
    let plain = rss(&[entry("1", "Harbour pilots count eleven stranded barges")]);
    let windowed = |log| {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).expect("memory");
        encoder.window_log(log).expect("a window");
        encoder.include_contentsize(false).expect("memory");
        encoder.write_all(plain.as_bytes()).expect("memory");
        Reply::ok(encoder.finish().expect("memory")).with("Content-Encoding", "zstd")
    };
    for (log, visits) in [(23, 1), (27, 2)] {
        let server = Server::start();
        server.script(FEED, [windowed(log), Reply::ok(&plain)]);
        let fetched = get(&server.url(FEED), &Validators::default(), true);
        assert!(document(fetched).body == plain.as_bytes());
        assert_eq!(
            server.requests(FEED).len(),
            visits,
            "a window of 2^{log} bytes"
        );
    }
}

#[test]
fn a_body_that_is_not_coded_as_its_header_says_is_asked_for_plain() {
    let plain = rss(&[entry("1", "Harbour pilots count eleven stranded barges")]);
    for coding in CODINGS {
        let broken = coding.reply(b"").body(b"\x1f\x8b no such thing");
        for second in [coding.reply(b"").body(&plain), Reply::ok(&plain)] {
            let server = Server::start();
            server.script(FEED, [broken.clone(), second]);
            let fetched = get(&server.url(FEED), &Validators::default(), true);
            assert!(document(fetched).body == plain.as_bytes(), "{coding:?}");
            let asked = server.requests(FEED);
            assert_eq!(asked.len(), 2, "{coding:?}");
            assert_eq!(asked[1].header("Accept-Encoding"), Some("identity"));
        }
    }
}

#[test]
fn a_coding_that_lies_or_breaks_off_is_a_failure_and_no_half_document() {
    let plain = rss(&[entry("1", "Harbour pilots count eleven stranded barges")]);
    for coding in CODINGS {
        let encoded = coding.encode(plain.as_bytes());
        let reply = coding.reply(b"").body(&encoded[..encoded.len() / 2]);
        assert!(
            matches!(fetch(reply).outcome, Outcome::Failed { .. }),
            "half a {coding:?} passed for a document"
        );
    }
}

#[test]
fn a_body_that_breaks_off_twice_is_taken_as_far_as_it_came() {
    let plain = rss(&[entry("1", "Harbour pilots count eleven stranded barges")]);
    let size = plain.len();
    for (head, tail) in [
        (format!("Content-Length: {}", size + 9), ""),
        (
            format!("Transfer-Encoding: chunked\r\n\r\n{size:x}"),
            "\r\n",
        ),
        (
            format!("Transfer-Encoding: chunked\r\n\r\n{:x}", size + 9),
            "",
        ),
    ] {
        let gap = if head.contains("chunked") {
            "\r\n"
        } else {
            "\r\n\r\n"
        };
        let whole = format!("HTTP/1.1 200 OK\r\n{head}{gap}{plain}{tail}");
        let fetched = fetch(Reply::Raw(whole.into_bytes()));
        assert!(document(fetched).body == plain.as_bytes(), "{head}");
    }
}

#[test]
fn a_kept_connection_that_the_server_just_closed_costs_no_visit() {
    let server = Server::start();
    server.script(FEED, [Reply::Close, Reply::ok("<rss/>")]);
    let access = Access::new(Reach::Anywhere);
    let get = |after| get_after(&server.url(FEED), &Validators::default(), &access, after);
    assert!(document(get(After::Keep)).body == b"<rss/>");
    server.script(FEED, [Reply::Close, Reply::ok("<rss/>")]);
    assert!(matches!(get(After::Close).outcome, Outcome::Failed { .. }));
}

// Redirects

fn away(location: &str) -> Reply {
    Reply::status(302).with("Location", location)
}

#[test]
fn a_redirect_loop_ends_after_its_eighth_hop() {
    let server = Server::start();
    server.script("/a", [away("/b")]);
    server.script("/b", [away("/a")]);
    let fetched = get(&server.url("/a"), &Validators::default(), true);
    assert!(
        matches!(
            fetched.outcome,
            Outcome::Failed {
                class: ErrorClass::Redirect,
                ..
            }
        ),
        "{fetched:?}"
    );
    assert_eq!(server.n_requests(), 9);
}

#[test]
fn redirects_to_nowhere_or_to_another_scheme_are_failures() {
    check_failed(away("file:///etc/hostname"), ErrorClass::Redirect);
    check_failed(away("gopher://wire.example/"), ErrorClass::Redirect);
    check_failed(Reply::status(302), ErrorClass::Redirect);
    check_failed(Reply::status(300), ErrorClass::Redirect);
}

#[test]
fn a_redirect_carries_the_validators_but_neither_referer_nor_token() {
    let (server, target) = (Server::start(), Server::start());
    server.script(FEED, [away(&target.url("/home"))]);
    target.script("/home", [Reply::ok("<rss/>")]);
    let validators = Validators {
        etag: Some("\"v1\"".to_owned()),
        last_modified: None,
    };
    let fetched = get(
        &server.url(&format!("{FEED}?token=hunter2")),
        &validators,
        true,
    );
    assert_eq!(document(fetched).url, target.url("/home"));
    let [request] = &target.requests("/home")[..] else {
        panic!("one request")
    };
    assert_eq!(request.header("Referer"), None);
    assert_eq!(request.header("If-None-Match"), Some("\"v1\""));
    assert!(!format!("{request:?}").contains("hunter2"), "{request:?}");
}

// Addresses

#[test]
fn a_public_feed_does_not_reach_the_inside_of_the_network() {
    let server = Server::start();
    server.script(FEED, [Reply::ok("<rss/>")]);
    let port = server.port();
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "2130706433",
        "0x7f.1",
        "127.1",
    ] {
        let fetched = get(
            &format!("http://{host}:{port}{FEED}"),
            &Validators::default(),
            false,
        );
        assert!(
            matches!(
                fetched.outcome,
                Outcome::Failed {
                    class: ErrorClass::Address,
                    ..
                }
            ),
            "{host}: {fetched:?}"
        );
    }
    assert_eq!(server.n_requests(), 0);
    assert_eq!(
        document(get(&server.url(FEED), &Validators::default(), true)).body,
        b"<rss/>"
    );
}

#[test]
fn a_public_feed_cannot_redirect_to_the_inside_of_the_network() {
    // A proxy stands in for the public Internet, which a test does not reach.
    let (proxy, inside) = (Server::start(), Server::start());
    inside.script("/metadata", [Reply::ok(rss(&[]))]);
    proxy.script(
        "http://wire.example/feed.xml",
        [away(&inside.url("/metadata"))],
    );
    let folder = TempDir::new().expect("a folder");
    let config = "[[topics]]\nname = \"all\"\n[[feeds]]\nname = \"wire\"\nurl = \"http://wire.example/feed.xml\"\n";
    std::fs::write(folder.path().join("summitwatch.toml"), config).expect("a configuration");
    let mut poll = command(
        folder.path(),
        ["poll", "--once", "--json", "--config", "summitwatch.toml"],
    );
    poll.env("http_proxy", proxy.url(""));
    let polled = output(poll, b"");
    assert_eq!(
        proxy.n_requests(),
        1,
        "{}",
        String::from_utf8_lossy(&polled.stderr)
    );
    assert_eq!(inside.n_requests(), 0);
    let said = String::from_utf8_lossy(&polled.stdout).into_owned();
    assert!(
        polled.status.code() == Some(1) && said.contains("private address"),
        "{said}"
    );
}

#[test]
fn what_is_no_web_address_is_refused() {
    for url in [
        "file:///etc/hostname",
        "ftp://wire.example/feed",
        "wire.example/feed",
        "http://",
    ] {
        let fetched = get(url, &Validators::default(), true);
        assert!(
            matches!(
                fetched.outcome,
                Outcome::Failed {
                    class: ErrorClass::Address,
                    ..
                }
            ),
            "{url}: {fetched:?}"
        );
    }
}

// What is asked and what is kept

#[test]
fn validators_are_sent_verbatim_and_brought_back_verbatim() {
    let validators = Validators {
        etag: Some("W/\"a, b;=\\\"#1\"".to_owned()),
        last_modified: Some("yesterday at noon".to_owned()),
    };
    let server = Server::start();
    let reply = Reply::ok("<rss/>")
        .with("ETag", "not even quoted")
        .with("Last-Modified", "Do, 1 Jan 1970");
    server.script(FEED, [reply]);
    let fetched = document(get(&server.url(FEED), &validators, true));
    assert_eq!(fetched.validators.etag.as_deref(), Some("not even quoted"));
    assert_eq!(
        fetched.validators.last_modified.as_deref(),
        Some("Do, 1 Jan 1970")
    );
    let [request] = &server.requests(FEED)[..] else {
        panic!("one request")
    };
    assert_eq!(request.header("If-None-Match"), validators.etag.as_deref());
    assert_eq!(
        request.header("If-Modified-Since"),
        validators.last_modified.as_deref()
    );
}

#[test]
fn strange_bytes_in_headers_do_not_end_a_feed() {
    let head = b"HTTP/1.1 200 OK\r\nETag: \"caf\xe9\"\r\nContent-Type: text/xml; charset=\xb1\r\nContent-Length: 6\r\n\r\n<rss/>";
    let server = Server::start();
    server.script(FEED, [Reply::Raw(head.to_vec())]);
    let first = document(get(&server.url(FEED), &Validators::default(), true));
    let second = document(get(&server.url(FEED), &first.validators, true));
    assert_eq!(
        (first.body, second.body),
        (b"<rss/>".to_vec(), b"<rss/>".to_vec())
    );
}

#[test]
fn an_odd_header_does_not_end_a_feed() {
    for odd in ["Content-Type : text/xml", "X Y: z", "X-Long: a\r\n  b"] {
        let reply = format!("HTTP/1.1 200 OK\r\n{odd}\r\nContent-Length: 6\r\n\r\n<rss/>");
        let fetched = fetch(Reply::Raw(reply.into_bytes()));
        assert!(document(fetched).body == b"<rss/>", "{odd}");
    }
}

#[test]
fn a_request_says_who_asks_and_for_what() {
    let server = Server::start();
    server.script(FEED, [Reply::ok("<rss/>")]);
    document(get(&server.url(FEED), &Validators::default(), true));
    let [request] = &server.requests(FEED)[..] else {
        panic!("one request")
    };
    assert!(
        request
            .header("User-Agent")
            .is_some_and(|it| it.starts_with("summitwatch/"))
    );
    assert!(
        request
            .header("Accept")
            .is_some_and(|it| it.contains("application/rss+xml"))
    );
    assert!(
        request
            .header("Accept-Encoding")
            .is_some_and(|it| it.contains("gzip") && it.contains("zstd"))
    );
    assert_eq!(request.header("Cookie"), None);
}

#[test]
fn a_304_is_a_304_whatever_comes_with_it() {
    for reply in [
        Reply::status(304),
        Reply::status(304).with("Content-Encoding", "gzip"),
        Reply::status(304)
            .with("ETag", "\"other\"")
            .with("Content-Type", "text/html"),
        Reply::Raw(b"HTTP/1.1 304 Same\r\nContent-Length: 6\r\n\r\n<rss/>".to_vec()),
    ] {
        let server = Server::start();
        server.script(FEED, [reply]);
        let known = Validators {
            etag: Some("\"known\"".to_owned()),
            ..Validators::default()
        };
        let fetched = get(&server.url(FEED), &known, true);
        assert!(
            matches!(fetched.outcome, Outcome::NotModified),
            "{fetched:?}"
        );
        assert_eq!(fetched.status, Some(304));
    }
}

#[test]
fn a_304_that_nobody_asked_for_is_a_failure_unless_no_cache_helps() {
    let server = Server::start();
    server.script(FEED, [Reply::status(304), Reply::ok(rss(&[]))]);
    let fetched = get(&server.url(FEED), &Validators::default(), true);
    document(fetched);
    let requests = server.requests(FEED);
    assert_eq!(requests[0].header("Cache-Control"), None);
    assert_eq!(requests[1].header("Cache-Control"), Some("no-cache"));
    check_failed(Reply::status(304), ErrorClass::Unasked);
}

#[test]
fn a_part_is_the_whole_only_where_it_says_so() {
    let part = |range: &str| {
        Reply::status(206)
            .with("Content-Range", range)
            .body("<rss/>")
    };
    check_failed(part("bytes 0-5/60"), ErrorClass::Broken);
    check_failed(Reply::status(206).body("<rss/>"), ErrorClass::Broken);
    document(fetch(part("bytes 0-5/6")));
}

#[test]
fn a_body_that_drips_and_a_head_that_never_ends_are_left() {
    use_ring();
    let access = Access::new(Reach::Anywhere);
    let visit = |reply: Reply| {
        let server = Server::start();
        server.script(FEED, [reply]);
        let fetcher = Fetcher::new(Limits {
            total: Duration::from_secs(50),
            read: Duration::from_secs(50),
            head: Duration::from_secs(1),
            slowest: Slowest {
                bytes: 1_024,
                within: Duration::from_secs(1),
            },
            ..limits()
        });
        let started = Instant::now();
        let fetched = runtime().block_on(fetcher.get(&Ask {
            url: &server.url(FEED),
            moved_to: None,
            validators: &Validators::default(),
            access: &access,
            after: After::Close,
            now: instant(START),
        }));
        assert!(started.elapsed() < Duration::from_secs(10), "{fetched:?}");
        match fetched.outcome {
            Outcome::Failed { class, message } => (class, message),
            other => panic!("{other:?}"),
        }
    };
    let pause = Some(Duration::from_millis(100));
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n".to_vec();
    let (class, message) = visit(Reply::Endless(head, b" ".to_vec(), pause));
    assert_eq!(class, ErrorClass::Timeout);
    assert!(message.contains("1024 bytes"), "{message}");
    let early = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n".to_vec();
    let (class, message) = visit(Reply::Endless(
        early.clone(),
        early,
        Some(Duration::from_millis(1)),
    ));
    assert_eq!(class, ErrorClass::Timeout);
    assert!(message.contains("no answer"), "{message}");
}

#[test]
fn what_is_no_http_is_a_failure() {
    check_failed(Reply::Close, ErrorClass::Broken);
    check_failed(
        Reply::Raw(b"\x16\x03\x01\x02\x00\x01\x00".to_vec()),
        ErrorClass::Broken,
    );
    check_failed(
        Reply::Raw(b"HTTP/1.1 9999 \r\n\r\n".to_vec()),
        ErrorClass::Broken,
    );
    check_failed(
        Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n".to_vec()),
        ErrorClass::Broken,
    );
    let many = b"X-Many: x\r\n".repeat(300);
    check_failed(
        Reply::Raw([b"HTTP/1.1 200 OK\r\n".as_slice(), &many, b"\r\n"].concat()),
        ErrorClass::Broken,
    );
}

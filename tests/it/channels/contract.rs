//! One suite of answers for every channel by HTTP: what is taken, what is tried again and when,
//! what is final, and that no secret is ever told.

use std::time::Duration;

use serde_json::{Value, json};
use summitwatch::outbox::{Outcome, What};

use crate::channels::bench::{Bench, KINDS, Kind, PLANTED, alert, delivery};
use crate::world::server::{Reply, Server};
use crate::world::untrusted::Untrusted;

/// The outcome of one attempt at each of these channels.
#[track_caller]
fn each(reply: &Reply, kinds: &[Kind], check: impl Fn(Kind, &Outcome)) {
    for kind in kinds {
        let bench = Bench::of(*kind, [reply.clone()]);
        let outcome = bench.send(&delivery(&alert(), None));
        let told = format!("{outcome:?}");
        assert!(!told.contains(PLANTED), "{kind:?} tells its secret: {told}");
        check(*kind, &outcome);
    }
}

#[track_caller]
fn check_retry(reply: &Reply, kinds: &[Kind], expected: Option<Duration>) {
    each(reply, kinds, |kind, outcome| match outcome {
        Outcome::Retry { not_before, .. } => assert_eq!(*not_before, expected, "{kind:?}"),
        other => panic!("{kind:?}: {other:?}"),
    });
}

#[track_caller]
fn check_refused(reply: &Reply, kinds: &[Kind]) {
    each(reply, kinds, |kind, outcome| {
        assert!(
            matches!(outcome, Outcome::Refused(_)),
            "{kind:?}: {outcome:?}"
        );
    });
}

#[test]
fn what_a_service_takes_is_sent_and_known_by_its_own_name() {
    for kind in KINDS {
        let bench = Bench::of(kind, [kind.taken()]);
        let reference = match bench.send(&delivery(&alert(), None)) {
            Outcome::Sent { reference } => reference,
            other => panic!("{kind:?}: {other:?}"),
        };
        assert_eq!(reference.as_deref(), kind.reference(), "{kind:?}");
        assert_eq!(bench.requests().len(), 1, "{kind:?}");
    }
}

#[test]
fn what_may_pass_is_tried_again() {
    for status in [408, 425, 429, 500, 502, 503, 504] {
        check_retry(&Reply::status(status), &KINDS, None);
    }
    check_retry(&Reply::Close, &KINDS, None);
    check_retry(&Reply::Silence, &KINDS, None);
    check_retry(&Reply::Raw(b"HTTP/1.1 200".to_vec()), &KINDS, None);
    check_retry(&Reply::Raw(b"SSH-2.0-server\r\n".to_vec()), &KINDS, None);
    for kind in KINDS {
        check_retry(&Reply::status(503).body(kind.indiscretion()), &[kind], None);
    }
}

#[test]
fn a_service_whose_certificate_nobody_vouches_for_hears_nothing_and_is_tried_again() {
    let mail = |server: &Server| {
        format!(
            "kind = \"email\"\nhost = \"localhost\"\nport = {}\nuser = \"me\"\nsecret = \"{PLANTED}\"\n\
             from = \"a@a.example\"\nto = [\"me@a.example\"]",
            server.port()
        )
    };
    let by_http = KINDS.map(|kind| {
        (
            format!("{kind:?}"),
            Box::new(move |it: &Server| kind.toml(it)) as Written,
        )
    });
    for (kind, toml) in by_http
        .into_iter()
        .chain([("Email".to_owned(), Box::new(mail) as Written)])
    {
        let (server, untrusted) = (Server::start(), Untrusted::start());
        let toml = toml(&server)
            .replace("http://127.0.0.1:", "https://localhost:")
            .replace(&server.port().to_string(), &untrusted.port().to_string());
        let bench = Bench::with(&toml, server);
        match bench.send(&delivery(&alert(), None)) {
            Outcome::Retry { why, .. } => {
                assert!(why.contains("certificate"), "{kind}: {why}");
                assert!(!why.contains(PLANTED), "{kind}: {why}");
            }
            other => panic!("{kind}: {other:?}"),
        }
        assert_eq!(untrusted.heard(), b"", "{kind}");
    }
}

/// The keys of a channel that speaks to a server.
type Written = Box<dyn Fn(&Server) -> String>;

#[test]
fn a_service_may_say_when_to_try_again() {
    let wait = Some(Duration::from_secs(90));
    check_retry(&Reply::status(429).with("Retry-After", "90"), &KINDS, wait);
    check_retry(&Reply::status(503).with("Retry-After", "90"), &KINDS, wait);
}

#[test]
fn services_say_in_their_own_words_when_to_try_again() {
    let says = |body: Value| {
        Reply::status(429)
            .with("Retry-After", "2")
            .body(body.to_string())
    };
    let discord = says(
        json!({ "message": "You are being rate limited.", "retry_after": 1.337, "global": false }),
    );
    check_retry(
        &discord,
        &[Kind::Discord],
        Some(Duration::from_millis(1_337)),
    );
    let telegram = says(
        json!({ "ok": false, "error_code": 429, "description": "Too Many Requests: retry after 35",
        "parameters": { "retry_after": 35 } }),
    );
    check_retry(&telegram, &[Kind::Telegram], Some(Duration::from_secs(35)));
    let matrix = says(
        json!({ "errcode": "M_LIMIT_EXCEEDED", "error": "Too many requests", "retry_after_ms": 5_500 }),
    );
    check_retry(&matrix, &[Kind::Matrix], Some(Duration::from_millis(5_500)));
    // Nonsense in their place leaves the header.
    let odd = says(
        json!({ "retry_after": -3, "retry_after_ms": "soon", "parameters": { "retry_after": 1e99 } }),
    );
    let two = Some(Duration::from_secs(2));
    check_retry(&odd, &[Kind::Discord, Kind::Telegram, Kind::Matrix], two);
    let slack = Reply::ok(r#"{"ok":false,"error":"ratelimited"}"#).with("Retry-After", "30");
    check_retry(&slack, &[Kind::SlackBot], Some(Duration::from_secs(30)));
}

#[test]
fn other_refusals_are_final() {
    for status in [400, 401, 403, 404, 410, 413, 422] {
        check_refused(&Reply::status(status), &KINDS);
        for kind in KINDS {
            check_refused(&Reply::status(status).body(kind.indiscretion()), &[kind]);
        }
    }
    let redirect = Reply::status(302).with("Location", format!("http://127.0.0.1:1/{PLANTED}"));
    each(&redirect, &KINDS, |kind, outcome| {
        assert!(
            !matches!(outcome, Outcome::Sent { .. }),
            "{kind:?}: {outcome:?}"
        );
    });
}

#[test]
fn an_answer_of_200_that_says_no_is_a_no() {
    for error in [
        "channel_not_found",
        "invalid_auth",
        "is_archived",
        "msg_too_long",
    ] {
        let body = json!({ "ok": false, "error": error }).to_string();
        check_refused(&Reply::ok(body), &[Kind::SlackBot]);
    }
    for error in ["internal_error", "fatal_error", "service_unavailable"] {
        let body = json!({ "ok": false, "error": error }).to_string();
        check_retry(&Reply::ok(body), &[Kind::SlackBot], None);
    }
    let telegram =
        json!({ "ok": false, "error_code": 403, "description": "Forbidden: bot was kicked" });
    check_refused(&Reply::ok(telegram.to_string()), &[Kind::Telegram]);
    // A proxy's page in the service's place.
    let page = Reply::ok("<html>please log in</html>");
    check_retry(
        &page,
        &[Kind::SlackBot, Kind::Telegram, Kind::Discord],
        None,
    );
    check_refused(&Reply::status(204), &[Kind::Apprise]);
    check_retry(&Reply::status(424), &[Kind::Apprise], None);
}

#[test]
fn an_endless_answer_is_not_read_to_its_end() {
    let head = |status: &str| format!("HTTP/1.1 {status}\r\n\r\n").into_bytes();
    check_refused(
        &Reply::Endless(head("400 Bad"), vec![b'x'; 4096], None),
        &KINDS,
    );
    let plain = [
        Kind::Ntfy,
        Kind::SlackHook,
        Kind::Webhook,
        Kind::Apprise,
        Kind::Matrix,
    ];
    each(
        &Reply::Endless(head("200 OK"), vec![b'x'; 4096], None),
        &plain,
        |kind, outcome| {
            assert!(
                matches!(outcome, Outcome::Sent { .. }),
                "{kind:?}: {outcome:?}"
            );
        },
    );
}

#[test]
fn a_server_that_cannot_prove_who_it_is_is_not_told_and_tried_again() {
    for kind in KINDS {
        let server = Server::start();
        server.script("/*", [kind.taken()]);
        let toml = kind.toml(&server).replace("\"http://", "\"https://");
        let bench = Bench::with(&toml, server);
        let outcome = bench.send(&delivery(&alert(), None));
        assert!(
            matches!(outcome, Outcome::Retry { .. }),
            "{kind:?}: {outcome:?}"
        );
        assert!(
            !format!("{outcome:?}").contains(PLANTED),
            "{kind:?}: {outcome:?}"
        );
    }
}

#[test]
fn a_repeat_is_the_same_request() {
    for kind in KINDS {
        let bench = Bench::of(kind, [Reply::status(500), kind.taken()]);
        let delivery = delivery(&alert(), None);
        bench.send(&delivery);
        bench.send(&delivery);
        let [first, second] = &bench.requests()[..] else {
            panic!("{kind:?}: two requests")
        };
        assert_eq!((&first.target, &first.body), (&second.target, &second.body));
        let key =
            |it: &crate::world::server::Request| it.header("Idempotency-Key").map(str::to_owned);
        assert_eq!(key(first), key(second), "{kind:?}");
    }
}

#[test]
fn word_of_feeds_and_digests_go_out_too() {
    for kind in KINDS {
        let bench = Bench::of(kind, [kind.taken()]);
        let mut health = alert();
        health["kind"] = json!("feed-health");
        health["headline"] = json!("wire is failing");
        let mut health = delivery(&health, None);
        health.what = What::Health;
        assert!(
            matches!(bench.send(&health), Outcome::Sent { .. }),
            "{kind:?}"
        );
        let said = bench.body().to_string();
        assert!(said.contains("wire is failing"), "{kind:?}: {said}");
    }
}

#[test]
fn a_message_that_cannot_be_read_is_final() {
    for kind in KINDS {
        let bench = Bench::of(kind, [kind.taken()]);
        let mut delivery = delivery(&alert(), None);
        delivery.message = "{\"id\":1}".to_owned();
        assert!(
            matches!(bench.send(&delivery), Outcome::Refused(_)),
            "{kind:?}"
        );
    }
}

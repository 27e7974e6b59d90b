//! What channels send and what they make of answers: the webhook's contract, ntfy's, and one suite
//! of answers that every HTTP channel goes through.

mod bench;
mod contract;
mod desktop;
mod exec;
mod mail;
mod services;
mod words;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tempfile::TempDir;

use crate::channels::bench::PLANTED;
use crate::channels::mail::Smtp;
use crate::world::document::{HEADLINES, entry, headlines, rss};
use crate::world::program::{Service, command};
use crate::world::server::{Gate, Reply, Request, Server};
use crate::world::{HOOK, World, instant};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Webhook,
    Ntfy,
}

const KINDS: [Kind; 2] = [Kind::Webhook, Kind::Ntfy];

impl Kind {
    /// Where its requests arrive: ntfy is published to the server's root.
    fn path(self) -> &'static str {
        match self {
            Self::Webhook => HOOK,
            Self::Ntfy => "/",
        }
    }

    /// A world that tells such a channel, named `told`, which answers with `replies`.
    fn world(self, replies: impl IntoIterator<Item = Reply>) -> World {
        let mut world = World::new();
        let (kind, url) = match self {
            Self::Webhook => ("webhook", world.hooks.url(HOOK)),
            Self::Ntfy => ("ntfy", world.hooks.url("/bell-7d1f")),
        };
        let toml = format!("kind = \"{kind}\"\nurl = \"{url}\"\nallow_private = true");
        world
            .poll_keys("read_timeout = \"1s\"")
            .only_channel("told", &toml);
        world.hooks.script(self.path(), replies);
        world
    }

    fn requests(self, world: &World) -> Vec<Request> {
        world.hooks.requests(self.path())
    }
}

const DELIVERIES: &str =
    "SELECT state, attempts, last_error IS NULL, delivered_at IS NULL FROM deliveries ORDER BY id";
const SECONDS_LEFT: &str =
    "SELECT unixepoch(next_attempt_at) - unixepoch('2026-06-01T09:00:00Z') FROM deliveries";

// The contract of the webhook.

#[test]
fn a_webhook_receives_the_contract() {
    let mut world = World::new();
    let keys = "outlet = \"The Wire\"\nlanguage = \"ko\"\ncountry = \"KR\"";
    let title = "트럼프·김정은, 하노이서 2차 북미 정상회담 합의";
    world
        .topic("us-dprk-summit")
        .feed_with("wire", keys, rss(&[entry("1", title)]));
    world.poll().expect_alerts(1).deliver();
    let [request] = &world.hooked()[..] else {
        panic!("one request")
    };
    assert_eq!(
        (request.method.as_str(), request.target.as_str()),
        ("POST", HOOK)
    );
    assert_eq!(request.header("Content-Type"), Some("application/json"));
    assert_eq!(
        request.header("X-Summitwatch-Signature"),
        None,
        "there is no secret to sign with"
    );
    world.expect_rows("SELECT idempotency_key FROM deliveries", &[&request.key()]);
    let message = request.json();
    assert_keys(
        &message,
        &[
            "id",
            "topic",
            "kind",
            "story",
            "headline",
            "new",
            "item",
            "sources",
            "created_at",
        ],
    );
    assert_keys(&message["story"], &["id", "title", "state"]);
    assert_keys(&message["new"][0], &["text", "language", "gloss"]);
    assert_keys(
        &message["item"],
        &["title", "url", "outlet", "language", "published_at"],
    );
    assert_eq!(message["topic"], "us-dprk-summit");
    assert_eq!(message["story"]["id"], 1);
    assert_eq!(message["headline"], title);
    assert_eq!(
        (&message["new"][0]["text"], &message["new"][0]["language"]),
        (&json!(title), &json!("ko"))
    );
    assert!(
        message["new"][0]["gloss"]
            .as_str()
            .is_some_and(|it| it.contains("Hanoi")),
        "{message:#}"
    );
    assert_eq!(
        message["item"],
        json!({"title": title, "url": "https://wire.example/news/1", "outlet": "The Wire", "language": "ko",
               "published_at": "2026-06-01T08:30:00Z"})
    );
    assert_eq!(message["sources"], json!(["The Wire"]));
    assert_eq!(message["created_at"], "2026-06-01T09:00:00Z");
}

/// These keys in this order; further ones may stand between them.
#[track_caller]
fn assert_keys(value: &Value, expected: &[&str]) {
    let keys: Vec<&str> = value
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    let known: Vec<&str> = keys
        .iter()
        .copied()
        .filter(|it| expected.contains(it))
        .collect();
    assert_eq!(known, expected);
}

#[test]
fn a_signature_is_the_hmac_of_the_very_bytes() {
    let mut world = World::new();
    let url = world.hooks.url(HOOK);
    let secret = "schlüssel 열쇠";
    world.only_channel(
        "desk",
        &format!(
            "kind = \"webhook\"\nurl = \"{url}\"\nallow_private = true\nsecret = \"{secret}\""
        ),
    );
    world
        .feed("wire", rss(&[entry("1", "북미 정상회담 \"조율\" <중>")]))
        .poll()
        .expect_alerts(1)
        .deliver();
    let [request] = &world.hooked()[..] else {
        panic!("one request")
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(&request.body);
    let hex: String = mac
        .finalize()
        .into_bytes()
        .iter()
        .map(|it| format!("{it:02x}"))
        .collect();
    assert_eq!(
        request.header("X-Summitwatch-Signature"),
        Some(format!("sha256={hex}").as_str())
    );
}

#[test]
fn the_outlet_that_told_it_comes_first_among_the_sources() {
    let mut world = World::new();
    world.topic("us-dprk-summit");
    world.feed_with(
        "wire",
        "outlet = \"Wire\"",
        rss(&[entry("1", "Trump and Kim Jong Un on a second summit")]),
    );
    // Too slight for an alert by itself.
    world.poll().expect_alerts(0);
    let told = "Breaking: Trump and Kim Jong Un speak on a second summit in Singapore";
    world.feed_with(
        "daily",
        "outlet = \"Daily\"",
        rss(&[entry("2", told).link("https://daily.example/2")]),
    );
    world
        .restart()
        .later("1h")
        .poll()
        .expect_alerts(1)
        .deliver();
    let second = world.hooked()[0].json();
    assert_eq!(
        (&second["kind"], &second["sources"]),
        (&json!("fact"), &json!(["Daily", "Wire"]))
    );
}

// The contract of ntfy.

#[test]
fn ntfy_is_published_as_json_with_its_topic_click_and_token() {
    let mut world = World::new();
    let url = world.hooks.url("/bell-7d1f");
    world.hooks.script("/", [Reply::status(200)]);
    world.only_channel(
        "phone",
        &format!("kind = \"ntfy\"\nurl = \"{url}\"\nallow_private = true\nsecret = \"tk_5f3a\""),
    );
    let item = entry("1", "北京: 美朝峰会筹备中").link("https://wire.example/news/1?id=7");
    world
        .feed("wire", rss(&[item]))
        .poll()
        .expect_alerts(1)
        .deliver();
    let [request] = &world.hooks.requests("/")[..] else {
        panic!("one request")
    };
    assert_eq!(request.method, "POST");
    assert_eq!(request.header("Authorization"), Some("Bearer tk_5f3a"));
    assert_eq!(request.header("Content-Type"), Some("application/json"));
    world.expect_rows("SELECT idempotency_key FROM deliveries", &[&request.key()]);
    let message = request.json();
    assert_eq!(message["topic"], "bell-7d1f");
    assert_eq!(
        message["title"],
        "NEW STORY · China prepares the US–DPRK summit"
    );
    assert_eq!(message["click"], "https://wire.example/news/1?id=7");
    assert!(
        message["message"]
            .as_str()
            .is_some_and(|it| it.contains("wire")),
        "{message:#}"
    );
}

// One suite of answers for every channel.

#[track_caller]
fn check_taken(reply: &Reply) {
    for kind in KINDS {
        let mut world = kind.world([reply.clone()]);
        world
            .feed("wire", rss(&headlines(1)))
            .poll()
            .expect_alerts(1)
            .deliver()
            .later("1d")
            .deliver();
        world.expect_rows(DELIVERIES, &["delivered | 1 | 1 | 0"]);
        assert_eq!(kind.requests(&world).len(), 1, "{kind:?} was told again");
    }
}

/// Tried again after some seconds of this range, under the same key, and taken then.
#[track_caller]
fn check_tried_again(reply: &Reply, wait: std::ops::RangeInclusive<i64>) {
    for kind in KINDS {
        let mut world = kind.world([reply.clone(), Reply::status(200)]);
        world
            .feed("wire", rss(&headlines(1)))
            .poll()
            .expect_alerts(1)
            .deliver();
        world.expect_rows(DELIVERIES, &["retry | 1 | 0 | 1"]);
        let seconds = world.number(SECONDS_LEFT);
        assert!(
            wait.contains(&seconds),
            "{kind:?} is tried again after {seconds} s"
        );
        world.later(&format!("{}s", seconds - 1)).deliver();
        assert_eq!(
            kind.requests(&world).len(),
            1,
            "{kind:?} was tried too early"
        );
        world
            .later("1s")
            .deliver()
            .expect_rows(DELIVERIES, &["delivered | 2 | 1 | 0"]);
        let [first, second] = &kind.requests(&world)[..] else {
            panic!("two attempts")
        };
        assert_eq!(first.key(), second.key());
        assert_eq!(first.body, second.body);
    }
}

#[track_caller]
fn check_final(reply: &Reply) {
    for kind in KINDS {
        let mut world = kind.world([reply.clone(), Reply::status(200)]);
        let mut entries = headlines(2);
        world
            .feed("wire", rss(&entries.split_off(1)))
            .poll()
            .expect_alerts(1)
            .deliver()
            .later("2d")
            .deliver();
        world.expect_rows(DELIVERIES, &["dead | 1 | 0 | 1"]);
        // The next message is not held up by it.
        let fresh = entry("next", HEADLINES[5]).published("2026-06-03T08:00:00Z");
        world
            .shows("wire", rss(&[fresh]))
            .poll()
            .expect_alerts(1)
            .deliver();
        world.expect_rows(DELIVERIES, &["dead | 1 | 0 | 1", "delivered | 1 | 1 | 0"]);
    }
}

#[test]
fn any_2xx_is_delivered_and_never_sent_again() {
    for status in [200, 201, 202, 204] {
        check_taken(&Reply::status(status).body(if status == 204 { "" } else { "{\"ok\":false}" }));
    }
}

#[test]
fn what_may_be_otherwise_next_time_is_tried_again_under_the_same_key() {
    for status in [408, 425, 429, 500, 502, 503, 504, 599] {
        check_tried_again(&Reply::status(status), 5..=6);
    }
    check_tried_again(&Reply::Close, 5..=6);
    check_tried_again(&Reply::Silence, 5..=6);
    check_tried_again(&Reply::Raw(b"HTTP/1.1 200".to_vec()), 5..=6);
    check_tried_again(&Reply::Raw(b"SSH-2.0-server\r\n".to_vec()), 5..=6);
}

#[test]
fn a_channel_may_say_when_to_try_again_within_reason() {
    let asks = |wait: &str| Reply::status(429).with("Retry-After", wait);
    check_tried_again(&asks("90"), 90..=90);
    check_tried_again(&asks("43838"), 43_838..=43_838);
    check_tried_again(&asks("0"), 5..=6);
    check_tried_again(&asks("-20"), 5..=6);
    check_tried_again(&asks("soon"), 5..=6);
    check_tried_again(&asks("99999999"), 86_400..=86_400);
    check_tried_again(&Reply::status(503).with("Retry-After", "600"), 600..=600);
}

#[test]
fn other_refusals_are_final_and_hold_up_nothing() {
    for status in [400, 401, 403, 404, 410, 413, 422] {
        check_final(&Reply::status(status).body("no such thing here"));
    }
}

#[test]
fn an_endless_refusal_is_not_read_to_its_end() {
    let head = b"HTTP/1.1 400 Bad\r\n\r\n".to_vec();
    check_final(&Reply::Endless(head, vec![b'x'; 4096], None));
}

#[test]
fn a_redirect_is_not_followed_with_the_message() {
    for kind in KINDS {
        let elsewhere = Server::start();
        let away = Reply::status(307).with("Location", elsewhere.url("/elsewhere"));
        let mut world = kind.world([away]);
        world
            .feed("wire", rss(&headlines(1)))
            .poll()
            .expect_alerts(1)
            .deliver();
        assert_eq!(elsewhere.n_requests(), 0, "{kind:?} told somebody else");
        world.expect_rows(
            "SELECT count(*) FROM deliveries WHERE state = 'delivered'",
            &["0"],
        );
    }
}

#[test]
fn a_channel_that_never_answers_is_given_up_after_more_than_a_day() {
    let mut world = Kind::Webhook.world([Reply::status(503)]);
    world
        .feed("wire", rss(&headlines(1)))
        .poll()
        .expect_alerts(1);
    let mut attempts = 0;
    while world.number("SELECT count(*) FROM deliveries WHERE state <> 'dead'") > 0 {
        world.deliver().later("1h");
        attempts += 1;
        assert!(attempts < 100, "it is tried for ever");
    }
    let dead = world.hooked();
    assert!(
        world
            .now()
            .duration_since(instant("2026-06-02T12:00:00Z"))
            .is_positive(),
        "given up within a night"
    );
    assert!(dead.iter().all(|it| it.key() == dead[0].key()));
    let error = world.rows("SELECT last_error FROM deliveries").remove(0);
    assert!(
        error.contains("gave up") && error.contains("503"),
        "{error}"
    );
}

#[test]
fn a_broken_channel_delays_no_other() {
    let mut world = World::new();
    let (stuck, other) = (Server::start(), Server::start());
    let gate = Gate::default();
    // The one answers only when the other has had everything.
    stuck.script(HOOK, [Reply::status(200).held(&gate), Reply::status(200)]);
    other.script(
        HOOK,
        [
            Reply::status(200),
            Reply::status(200),
            Reply::status(200).opens(&gate),
        ],
    );
    let toml = |server: &Server| {
        format!(
            "kind = \"webhook\"\nurl = \"{}\"\nallow_private = true",
            server.url(HOOK)
        )
    };
    world
        .poll_keys("read_timeout = \"15s\"")
        .only_channel("stuck", &toml(&stuck))
        .channel("other", &toml(&other));
    world
        .feed("wire", rss(&headlines(3)))
        .poll()
        .expect_alerts(3)
        .deliver();
    world.expect_rows(
        "SELECT channel, state, attempts FROM deliveries GROUP BY 1, 2, 3",
        &["other | delivered | 1", "stuck | delivered | 1"],
    );
}

#[test]
fn alerts_arrive_in_the_order_in_which_they_arose() {
    for kind in KINDS {
        let mut world = kind.world([Reply::status(200)]);
        world
            .feed("wire", rss(&headlines(5)))
            .poll()
            .expect_alerts(5)
            .deliver();
        let keys: Vec<String> = kind.requests(&world).iter().map(Request::key).collect();
        assert_eq!(
            keys,
            world.rows("SELECT idempotency_key FROM deliveries ORDER BY id")
        );
    }
}

#[test]
fn over_long_and_hostile_text_survives_in_every_script() {
    let sentence =
        "북미 정상회담 실무 협상이 오늘 다시 열렸다. 米朝首脳会談の準備。美朝峰会筹备。 👩‍🚀🇰🇷 ";
    let title = format!("긴 제목 {}", sentence.repeat(30));
    let summary = sentence.repeat(200);
    for kind in KINDS {
        let mut world = kind.world([Reply::status(200)]);
        let hostile = entry(
            "2",
            "Bridge\u{202e}gnp.exe \u{7}\u{1b}[31mreopens\r\nBcc: everyone@example.org",
        );
        let long = entry("1", &title).summary(&summary);
        world
            .feed("wire", rss(&[hostile, long]))
            .poll()
            .expect_alerts(2)
            .deliver();
        let requests = kind.requests(&world);
        let messages: Vec<Value> = requests.iter().map(Request::json).collect();
        assert_eq!(messages.len(), 2, "{kind:?}");
        for (request, message) in requests.iter().zip(&messages) {
            assert!(
                !message.to_string().contains('\u{fffd}'),
                "{kind:?} cut a character in two"
            );
            assert_eq!(request.header("Bcc"), None);
        }
        let first = messages
            .iter()
            .find(|it| it.to_string().contains("긴 제목"))
            .expect("the long one");
        match kind {
            Kind::Webhook => {
                let told = first["item"]["title"].as_str().expect("a title");
                assert!(title.starts_with(told.trim_end_matches('…')), "{told}");
                assert!(
                    told.chars().count() >= 500,
                    "cut to {} characters",
                    told.chars().count()
                );
            }
            Kind::Ntfy => {
                let body = first["message"].as_str().expect("a message");
                // Beyond this ntfy makes an attachment of it.
                assert!(body.len() <= 4_096, "{} bytes", body.len());
                assert!(
                    first["title"]
                        .as_str()
                        .is_some_and(|it| it.chars().count() <= 250)
                );
                assert!(!messages.iter().any(|it| {
                    it["title"]
                        .as_str()
                        .is_some_and(|it| it.contains(char::is_control))
                }));
            }
        }
    }
}

// Channels that come and go.

#[test]
fn a_channel_added_later_is_not_told_the_past() {
    let mut world = World::new();
    world
        .feed("wire", rss(&headlines(3)))
        .poll()
        .expect_alerts(3)
        .deliver();
    let second = Server::start();
    second.script(HOOK, [Reply::status(200)]);
    let toml = format!(
        "kind = \"webhook\"\nurl = \"{}\"\nallow_private = true",
        second.url(HOOK)
    );
    world
        .channel("second", &toml)
        .restart()
        .later("1h")
        .poll()
        .deliver();
    assert_eq!(second.n_requests(), 0);
    world
        .shows("wire", rss(&headlines(4)))
        .poll()
        .expect_alerts(1)
        .deliver();
    assert_eq!((second.n_requests(), world.hooked().len()), (1, 4));
}

#[test]
fn what_is_owed_to_a_removed_channel_waits_for_its_return() {
    let mut world = Kind::Webhook.world([Reply::status(503), Reply::status(200)]);
    let toml = format!(
        "kind = \"webhook\"\nurl = \"{}\"\nallow_private = true",
        world.hooks.url(HOOK)
    );
    world
        .feed("wire", rss(&headlines(1)))
        .poll()
        .expect_alerts(1)
        .deliver();
    world
        .only_channel("another", "kind = \"terminal\"")
        .restart()
        .later("23h")
        .deliver();
    let states = "SELECT channel, state, held_by FROM deliveries";
    world.expect_rows(states, &["told | held | removed"]);
    world.only_channel("told", &toml).restart().deliver();
    world.expect_rows(states, &["told | delivered | null"]);
}

// Secrets.

#[test]
fn a_planted_secret_is_never_written_down() {
    let faults = [
        Reply::status(500),
        Reply::status(404).body("no such hook"),
        Reply::status(403).body(format!(
            "no: /hooks/{PLANTED}?token={PLANTED} {PLANTED} tk_{PLANTED}"
        )),
        Reply::status(302).with("Location", format!("http://127.0.0.1:1/{PLANTED}")),
        Reply::Close,
        Reply::Silence,
        Reply::Raw(b"nonsense\r\n\r\n".to_vec()),
    ];
    for fault in faults {
        let mut world = World::new();
        let bell = world.hooks.url(&format!("/{PLANTED}"));
        let toml = format!(
            "kind = \"ntfy\"\nurl = \"{bell}\"\nallow_private = true\nsecret = \"tk_{PLANTED}\""
        );
        world
            .poll_keys("read_timeout = \"1s\"")
            .channel("phone", &toml);
        let path = format!("/hooks/{PLANTED}");
        let toml = format!(
            "kind = \"webhook\"\nurl = \"{}?token={PLANTED}\"\nallow_private = true\nsecret = \"{PLANTED}\"",
            world.hooks.url(&path)
        );
        world.channel("hook", &toml);
        for path in [path.as_str(), "/"] {
            world.hooks.script(path, [fault.clone()]);
        }
        world.hooks.script(HOOK, [Reply::status(500)]);
        world
            .feed("wire", rss(&headlines(1)))
            .poll()
            .expect_alerts(1)
            .deliver();
        world.expect_rows(
            "SELECT count(*) >= 3 FROM deliveries WHERE last_error IS NOT NULL",
            &["1"],
        );
        let bytes = world.archive_bytes();
        assert!(
            !bytes
                .windows(PLANTED.len())
                .any(|it| it == PLANTED.as_bytes()),
            "{:?}",
            world.rows("SELECT last_error FROM deliveries")
        );
    }
}

#[test]
fn a_planted_secret_stands_in_no_log_however_loud() {
    let folder = TempDir::new().expect("a folder");
    let (site, hooks) = (Server::start(), Server::start());
    let now = summitwatch::clock::Clock::System.now().to_string();
    let fresh = entry("1", HEADLINES[0]).published(&now);
    site.script("/wire", [Reply::ok(rss(&[fresh]))]);
    let mail = Smtp::start(&[("RCPT", &["550 no such user"])]);
    let mut text = format!(
        "[[channels]]\nname = \"mail\"\nkind = \"email\"\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\n\
         from = \"a@a.example\"\nto = [\"b@a.example\"]\nuser = \"me\"\nsecret = {{ env = \"DESK\" }}\n\
         [[channels]]\nname = \"program\"\nkind = \"exec\"\nenv = {{ TOKEN = {{ env = \"DESK\" }} }}\n\
         command = [\"sh\", \"-c\", \"echo no: $TOKEN >&2; exit 1\"]\n",
        mail.port
    );
    for kind in bench::KINDS {
        let refusal = Reply::status(404).body(kind.indiscretion());
        hooks.script(&kind.path(), [Reply::status(500), refusal]);
        text.push_str(&format!(
            "[[channels]]\nname = \"{kind:?}\"\n{}\n",
            kind.toml(&hooks)
        ));
    }
    let mut names: Vec<String> = bench::KINDS.iter().map(|it| format!("{it:?}")).collect();
    names.extend(["mail".to_owned(), "program".to_owned()]);
    text.push_str(&format!(
        "[[routes]]\ntopic = \"all\"\nchannels = {names:?}\n\
         [[feeds]]\nname = \"wire\"\nurl = \"{}\"\nallow_private = true\n",
        site.url("/wire")
    ));
    std::fs::write(folder.path().join("summitwatch.toml"), text).expect("a configuration");
    let mut loud = command(
        folder.path(),
        ["run", "--config", "summitwatch.toml", "--log", "trace"],
    );
    let path = std::env::var_os("PATH").unwrap_or_default();
    loud.env("DESK", PLANTED).env("PATH", path);
    let mut service = Service::start(loud);
    for kind in bench::KINDS {
        service.wait_for_log(&format!("{kind:?}: answered 404"));
    }
    service.wait_for_log("mail: refused: b@a.example");
    service.wait_for_log("program: exit status 1: no: ***");
    service.kill();
    assert!(!service.log().contains(PLANTED), "{}", service.log());
}

//! Requests as each service documents them, and what is peculiar to one.

use serde_json::{Value, json};
use summitwatch::outbox::Outcome;

use crate::channels::bench::{Bench, Kind, PLANTED, alert, delivery, hostile, open, update};
use crate::world::server::{Reply, Server};

fn sent(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Sent { .. })
}

/// The one request of an update below a first alert that is known by `thread`.
#[track_caller]
fn threaded(kind: Kind, thread: &str) -> Value {
    let bench = Bench::of(kind, [kind.taken()]);
    let outcome = bench.send(&delivery(&update(), Some(thread)));
    assert!(sent(&outcome), "{outcome:?}");
    bench.body()
}

#[test]
fn a_slack_bot_posts_into_the_thread_and_what_presses_into_the_channel_too() {
    let body = threaded(Kind::SlackBot, "1503435956.000247");
    assert_eq!(body["channel"], "C024BE91L");
    assert_eq!(body["thread_ts"], "1503435956.000247");
    assert_eq!(body["reply_broadcast"], true);
    assert_eq!(
        (&body["unfurl_links"], &body["unfurl_media"]),
        (&json!(false), &json!(false))
    );
    let bench = Bench::of(Kind::SlackBot, [Kind::SlackBot.taken()]);
    bench.send(&delivery(&alert(), None));
    let request = &bench.requests()[0];
    assert_eq!(
        request.header("Authorization"),
        Some(format!("Bearer xoxb-{PLANTED}").as_str())
    );
    assert_eq!(
        request.header("Content-Type"),
        Some("application/json; charset=utf-8")
    );
    assert_eq!(request.json().get("thread_ts"), None);
}

#[test]
fn a_slack_thread_that_is_gone_does_not_lose_the_message() {
    let gone = Reply::ok(r#"{"ok":false,"error":"thread_not_found"}"#);
    let bench = Bench::of(Kind::SlackBot, [gone, Kind::SlackBot.taken()]);
    assert!(sent(&bench.send(&delivery(&update(), Some("1.2")))));
    assert_eq!(bench.requests()[1].json().get("thread_ts"), None);
}

#[test]
fn discord_waits_for_the_message_and_mentions_nobody() {
    let bench = Bench::of(Kind::Discord, [Kind::Discord.taken()]);
    assert!(sent(&bench.send(&delivery(&hostile(), None))));
    let request = &bench.requests()[0];
    assert!(request.target.ends_with("?wait=true"), "{}", request.target);
    let body = request.json();
    assert_eq!(body["allowed_mentions"], json!({ "parse": [] }));
    assert_eq!(body["flags"], 4);
}

#[test]
fn telegram_replies_to_the_first_and_takes_no_offence_if_it_is_gone() {
    let body = threaded(Kind::Telegram, "4321");
    assert_eq!(body["chat_id"], "-1001");
    assert_eq!(body["parse_mode"], "HTML");
    assert_eq!(
        body["reply_parameters"],
        json!({ "message_id": 4321, "allow_sending_without_reply": true })
    );
    assert_eq!(body["link_preview_options"], json!({ "is_disabled": true }));
}

#[test]
fn what_telegram_cannot_parse_goes_out_plain() {
    let refusal = json!({ "ok": false, "error_code": 400,
        "description": "Bad Request: can't parse entities: Unsupported start tag" });
    let bench = Bench::of(
        Kind::Telegram,
        [
            Reply::status(400).body(refusal.to_string()),
            Kind::Telegram.taken(),
        ],
    );
    assert!(sent(&bench.send(&delivery(&alert(), None))));
    let second = bench.requests()[1].json();
    assert_eq!(second.get("parse_mode"), None);
    let text = second["text"].as_str().expect("a text");
    assert!(text.contains("판문점") && !text.contains("<b>"), "{text}");
}

#[test]
fn a_telegram_group_that_moved_is_followed() {
    let moved = json!({ "ok": false, "error_code": 400,
        "description": "Bad Request: group chat was upgraded to a supergroup chat",
        "parameters": { "migrate_to_chat_id": -100_987 } });
    let bench = Bench::of(
        Kind::Telegram,
        [
            Reply::status(400).body(moved.to_string()),
            Kind::Telegram.taken(),
        ],
    );
    assert!(sent(&bench.send(&delivery(&alert(), None))));
    assert_eq!(bench.requests()[1].json()["chat_id"], -100_987);
}

#[test]
fn matrix_knows_a_repeat_by_its_transaction_and_threads_under_the_first() {
    let bench = Bench::of(Kind::Matrix, [Kind::Matrix.taken()]);
    let update = delivery(&update(), Some("$first"));
    assert!(sent(&bench.send(&update)));
    let request = &bench.requests()[0];
    assert_eq!(request.method, "PUT");
    assert_eq!(
        request.target,
        format!(
            "/_matrix/client/v3/rooms/!r:a.example/send/m.room.message/{}",
            update.idempotency_key
        )
    );
    assert_eq!(
        request.header("Authorization"),
        Some(format!("Bearer syt_{PLANTED}").as_str())
    );
    let body = request.json();
    assert_eq!(
        (&body["msgtype"], &body["format"]),
        (&json!("m.text"), &json!("org.matrix.custom.html"))
    );
    assert_eq!(body["m.mentions"], json!({}));
    assert_eq!(
        body["m.relates_to"],
        json!({ "rel_type": "m.thread", "event_id": "$first", "is_falling_back": true,
                "m.in_reply_to": { "event_id": "$first" } })
    );
}

#[test]
fn ntfy_rings_by_what_happened_and_knows_a_repeat_by_its_sequence() {
    let body = threaded(Kind::Ntfy, "0ce1ed6b0c2d4f3f");
    assert_eq!(
        (&body["priority"], &body["tags"]),
        (&json!(5), &json!(["rotating_light"]))
    );
    assert_eq!(body["topic"], format!("bell-{PLANTED}"));
    assert_eq!(body["click"], "https://harbor.example/world/summit-put-off");
    assert_eq!(body["actions"][0]["action"], "view");
    assert_ne!(
        body["sequence_id"], "0ce1ed6b0c2d4f3f",
        "a later alert rings by itself"
    );
    let bench = Bench::of(Kind::Ntfy, [Kind::Ntfy.taken()]);
    bench.send(&delivery(&alert(), None));
    assert_eq!(bench.body()["priority"], 3);
}

#[test]
fn ntfy_shows_a_story_as_one_notification_where_that_is_wanted() {
    let server = Server::start();
    server.script("/", [Kind::Ntfy.taken()]);
    let toml = Kind::Ntfy.toml(&server) + "\nreplace = true";
    let bench = Bench::with(&toml, server);
    let outcome = bench.send(&delivery(&update(), Some("first")));
    assert_eq!(bench.body()["sequence_id"], "first");
    assert_eq!(
        outcome,
        Outcome::Sent {
            reference: Some("first".to_owned())
        }
    );
}

#[test]
fn apprise_is_told_which_services_and_how_it_presses() {
    let bench = Bench::of(Kind::Apprise, [Kind::Apprise.taken()]);
    assert!(sent(&bench.send(&delivery(&update(), None))));
    let body = bench.body();
    assert_eq!(
        (&body["type"], &body["format"]),
        (&json!("warning"), &json!("text"))
    );
    assert_eq!(body["urls"], format!("mailto://me:{PLANTED}@a.example"));
    assert_eq!(
        body["title"],
        "POSTPONED · US, North Korea put off Panmunjom summit by a month, envoys say"
    );
}

#[test]
fn a_webhook_may_be_worded_and_have_headers() {
    let server = Server::start();
    server.script("/in", [Reply::status(200)]);
    let folder = tempfile::TempDir::new().expect("a folder");
    std::fs::create_dir(folder.path().join("templates")).expect("a folder");
    let template =
        "{\"text\": {{ title }}, \"urgent\": {{ kind == \"state\" }}, \"by\": {{ sources }}}";
    std::fs::write(folder.path().join("templates/desk.json"), template).expect("a template");
    let toml = format!(
        "kind = \"webhook\"\nurl = \"{}\"\nbody = \"desk.json\"\nheaders = {{ X-Key = \"k\" }}\nallow_private = true",
        server.url("/in")
    );
    let channel = open(&toml, folder.path()).expect("a channel");
    let outcome = crate::world::runtime().block_on(channel.send(&delivery(&update(), None)));
    assert!(sent(&outcome), "{outcome:?}");
    let request = &server.requests("/in")[0];
    assert_eq!(request.header("X-Key"), Some("k"));
    assert_eq!(
        request.json(),
        json!({ "text": "POSTPONED · US, North Korea put off Panmunjom summit by a month, envoys say",
                "urgent": true, "by": ["KCNA", "Harbor Wire", "東都新聞"] })
    );
    let wrong =
        open(&toml.replace("desk.json", "dusk.json"), folder.path()).expect_err("no such template");
    assert!(wrong.contains("dusk.json"), "{wrong}");
}

/// A channel that is not as its kind wants it, and what is said of it.
#[track_caller]
fn check_wrong(keys: &str, said: &str) {
    let folder = tempfile::TempDir::new().expect("a folder");
    let wrong = open(keys, folder.path()).expect_err("a fault");
    let wrong = wrong.replace(&format!("{}/", folder.path().display()), "");
    assert_eq!(wrong, format!("summitwatch.toml:{said}"));
}

#[test]
fn what_is_wrong_with_a_channel_is_told_with_its_place() {
    check_wrong(
        "kind = \"slack\"",
        "6: channel \"told\": needs the url of an incoming webhook, or a bot's token as secret and a channel's id in to",
    );
    check_wrong("kind = \"discord\"", "6: channel \"told\": url is missing");
    check_wrong(
        "kind = \"matrix\"\nurl = \"https://a.example\"\nsecret = \"x\"\nto = \"#room:a.example\"",
        "6: channel \"told\": to must be the room's id, which begins with !",
    );
    check_wrong(
        "kind = \"telegram\"\nsecret = \"a/../b\"\nto = \"1\"",
        "6: channel \"told\": secret must be a bot's token, like 123456:ABC-def",
    );
    check_wrong(
        "kind = \"email\"\nhost = \"a.example\"\nfrom = \"nobody\"\nto = [\"me@a.example\"]",
        "6: channel \"told\": from: \"nobody\" is no address: Invalid input",
    );
    check_wrong(
        "kind = \"email\"\nhost = \"a.example\"\nfrom = \"a@a.example\"\nto = [\"me@a.example\"]\nuser = \"a\"",
        "6: channel \"told\": user and secret, its password, belong together",
    );
    check_wrong(
        "kind = \"email\"\nhost = \"a.example\"\ntls = \"none\"\nfrom = \"a@a.example\"\nto = [\"me@a.example\"]\nuser = \"a\"\nsecret = \"p\"",
        "6: channel \"told\": tls = \"none\" would send the password in the open",
    );
    check_wrong(
        "kind = \"exec\"\ncommand = [\"no-such-program-here\"]",
        "6: channel \"told\": command: there is no program no-such-program-here",
    );
    check_wrong(
        "kind = \"exec\"\ncommand = []",
        "6: channel \"told\": command is empty",
    );
    check_wrong(
        "kind = \"apprise\"\nurl = \"https://a.example/notify\"",
        "6: channel \"told\": url must end in the key of a configuration, like …/notify/my-key; or give urls",
    );
    check_wrong(
        "kind = \"ntfy\"\nurl = \"https://ntfy.example/x\"\npriorty = 3",
        "9: unknown key `priorty`; known here are url, secret, replace, allow_private, name, kind, rate, concurrency",
    );
    check_wrong(
        "kind = \"ntfy\"\nurl = \"https://ntfy.example/x\"\nrat = \"20/1m\"",
        "9: unknown key `rat`; did you mean `rate`?",
    );
    check_wrong(
        "kind = \"ntfy\"\nurl = { path = \"x\" }",
        "8: url: write a text, { env = \"NAME\" }, { file = \"PATH\" } or { credential = \"NAME\" }",
    );
    check_wrong(
        "kind = \"ntfy\"\nurl = 3",
        "8: url: write a text, { env = \"NAME\" }, { file = \"PATH\" } or { credential = \"NAME\" }",
    );
    check_wrong(
        "kind = \"telegram\"\nsecret = { credential = \"bot\" }\nto = \"1\"",
        "6: channel \"told\": credential \"bot\": not started by systemd with LoadCredential",
    );
    check_wrong(
        "kind = \"discord\"\nurl = { file = \"hook.secret\" }",
        "6: channel \"told\": the secret's file hook.secret: No such file or directory (os error 2)",
    );
}

//! A channel by itself: opened from a configuration as people write it, given one delivery.

use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;

use summitwatch::channel::Channel;
use summitwatch::config::{Config, Origin};
use summitwatch::outbox::{Delivery, DeliveryId, Outcome, What};
use tempfile::TempDir;

use crate::world::server::{Reply, Server};
use crate::world::{runtime, use_ring};

/// Part of every secret that is planted.
pub(crate) const PLANTED: &str = "hunter2-5f3a9c";

/// The channels that are asked over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ntfy,
    SlackHook,
    SlackBot,
    Discord,
    Telegram,
    Matrix,
    Webhook,
    Apprise,
}

pub(crate) const KINDS: [Kind; 8] = [
    Kind::Ntfy,
    Kind::SlackHook,
    Kind::SlackBot,
    Kind::Discord,
    Kind::Telegram,
    Kind::Matrix,
    Kind::Webhook,
    Kind::Apprise,
];

impl Kind {
    /// Where its requests arrive; a star stands for what differs.
    pub(crate) fn path(self) -> String {
        match self {
            Self::Ntfy => "/".to_owned(),
            Self::SlackHook => format!("/services/T0/B0/{PLANTED}"),
            Self::SlackBot => "/api/chat.postMessage".to_owned(),
            Self::Discord => format!("/api/webhooks/1/{PLANTED}"),
            Self::Telegram => format!("/bot1:{PLANTED}/sendMessage"),
            Self::Matrix => "/_matrix/client/v3/rooms/*".to_owned(),
            Self::Webhook => format!("/hooks/{PLANTED}"),
            Self::Apprise => format!("/notify/{PLANTED}"),
        }
    }

    pub(crate) fn toml(self, server: &Server) -> String {
        let at = |path: &str| server.url(path);
        let keys = match self {
            Self::Ntfy => format!(
                "kind = \"ntfy\"\nurl = \"{}\"\nsecret = \"tk_{PLANTED}\"",
                at(&format!("/bell-{PLANTED}"))
            ),
            Self::SlackHook => format!("kind = \"slack\"\nurl = \"{}\"", at(&self.path())),
            Self::SlackBot => format!(
                "kind = \"slack\"\nurl = \"{}\"\nsecret = \"xoxb-{PLANTED}\"\nto = \"C024BE91L\"",
                at("/api")
            ),
            Self::Discord => format!("kind = \"discord\"\nurl = \"{}\"", at(&self.path())),
            Self::Telegram => format!(
                "kind = \"telegram\"\nurl = \"{}\"\nsecret = \"1:{PLANTED}\"\nto = \"-1001\"",
                at("/")
            ),
            Self::Matrix => format!(
                "kind = \"matrix\"\nurl = \"{}\"\nsecret = \"syt_{PLANTED}\"\nto = \"!r:a.example\"",
                at("/")
            ),
            Self::Webhook => format!(
                "kind = \"webhook\"\nurl = \"{}?token={PLANTED}\"\nsecret = \"{PLANTED}\"\n\
                 headers = {{ X-Api-Key = \"key-{PLANTED}\" }}",
                at(&self.path())
            ),
            Self::Apprise => format!(
                "kind = \"apprise\"\nurl = \"{}\"\nurls = \"mailto://me:{PLANTED}@a.example\"",
                at(&self.path())
            ),
        };
        format!("{keys}\nallow_private = true")
    }

    /// A refusal that repeats all it was trusted with, as it was sent.
    pub(crate) fn indiscretion(self) -> String {
        let held = match self {
            Self::Ntfy => format!("bell-{PLANTED} tk_{PLANTED}"),
            Self::SlackBot => format!("xoxb-{PLANTED}"),
            Self::Telegram => format!("1:{PLANTED}"),
            Self::Matrix => format!("syt_{PLANTED}"),
            Self::Webhook => format!("{PLANTED} key-{PLANTED} token={PLANTED}"),
            Self::Apprise => format!("mailto://me:{PLANTED}@a.example"),
            Self::SlackHook | Self::Discord => PLANTED.to_owned(),
        };
        format!("no: {} {held}", self.path())
    }

    /// What the service answers when it takes a message.
    pub(crate) fn taken(self) -> Reply {
        match self {
            Self::Ntfy => Reply::ok(r#"{"id":"xE73Iyuabi","time":1,"event":"message"}"#),
            Self::SlackHook => Reply::ok("ok"),
            Self::SlackBot => {
                Reply::ok(r#"{"ok":true,"channel":"C024BE91L","ts":"1503435956.000247"}"#)
            }
            Self::Discord => Reply::ok(r#"{"id":"1234567890123456789","content":"…"}"#),
            Self::Telegram => Reply::ok(r#"{"ok":true,"result":{"message_id":4321}}"#),
            Self::Matrix => Reply::ok(r#"{"event_id":"$143273582443PhrSn"}"#),
            Self::Webhook => Reply::status(204),
            Self::Apprise => Reply::ok(r#"{"error":null,"details":[]}"#),
        }
    }

    /// The channel's own name for what it then took.
    pub(crate) fn reference(self) -> Option<&'static str> {
        match self {
            // Its own sequence, made of the delivery's key.
            Self::Ntfy => Some("b1423a613bee904a"),
            Self::SlackBot => Some("1503435956.000247"),
            Self::Discord => Some("1234567890123456789"),
            Self::Telegram => Some("4321"),
            Self::Matrix => Some("$143273582443PhrSn"),
            Self::SlackHook | Self::Webhook | Self::Apprise => None,
        }
    }
}

/// A channel and, for those by HTTP, the server it speaks to.
pub(crate) struct Bench {
    pub(crate) server: Server,
    _folder: TempDir,
    pub(crate) channel: Channel,
    path: String,
    runtime: tokio::runtime::Runtime,
}

impl Bench {
    pub(crate) fn of(kind: Kind, replies: impl IntoIterator<Item = Reply>) -> Self {
        let server = Server::start();
        server.script(&kind.path(), replies);
        let toml = kind.toml(&server);
        let mut bench = Self::with(&toml, server);
        bench.path = kind.path();
        bench
    }

    /// Any channel, by its keys.
    pub(crate) fn with(toml: &str, server: Server) -> Self {
        use_ring();
        let folder = TempDir::new().expect("a folder");
        let channel = open(toml, folder.path()).expect("a sound channel");
        Self {
            server,
            _folder: folder,
            channel,
            path: "/*".to_owned(),
            runtime: runtime(),
        }
    }

    pub(crate) fn send(&self, delivery: &Delivery) -> Outcome {
        self.runtime.block_on(self.channel.send(delivery))
    }

    pub(crate) fn requests(&self) -> Vec<crate::world::server::Request> {
        self.server.requests(&self.path)
    }

    /// The body of the one request there was.
    #[track_caller]
    pub(crate) fn body(&self) -> Value {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "requests");
        requests[0].json()
    }
}

pub(crate) fn open(keys: &str, folder: &std::path::Path) -> Result<Channel, String> {
    let text = format!(
        "archive = \"a.db\"\nzone = \"Asia/Seoul\"\n[poll]\nread_timeout = \"1s\"\n\
         [[channels]]\nname = \"told\"\n{keys}\n"
    );
    let origin = Origin::File(PathBuf::from("summitwatch.toml"));
    let config = Config::parse(origin, folder, &text).map_err(|it| it.to_string())?;
    let templates = Arc::new(config.templates().map_err(|it| it.to_string())?);
    let mut channels = config
        .open_channels(&templates)
        .map_err(|it| it.to_string())?;
    Ok(channels.remove(0).1)
}

/// An alert as it stands in the outbox: a Korean report that sets a date.
pub(crate) fn alert() -> Value {
    json!({
        "id": "us-dprk-summit-0123456789abcdef",
        "topic": "us-dprk-summit",
        "kind": "opens",
        "story": { "id": 17, "title": "북미 정상, 다음 달 판문점서 만난다", "state": "planned", "day": "2026-04-21",
            "place": "Panmunjom", "said_by": "Seoul's presidential office" },
        "development": { "id": 31, "summary": "Seoul's presidential office: a meeting is planned",
            "state": "planned", "when": "2026-04-21", "where": "Panmunjom", "hearsay": true },
        "headline": "북미 정상, 다음 달 판문점서 만난다",
        "new": [{
            "text": "양측은 4월 21일 판문점에서 정상회담을 열기로 의견을 모았다고 당국자가 밝혔다.",
            "language": "ko",
            "gloss": "US–DPRK summit · Panmunjom · 21 April",
        }],
        "item": {
            "title": "북미 정상, 다음 달 판문점서 만난다",
            "url": "https://wire.example/news/20260302?id=7&lang=ko",
            "outlet": "한빛통신",
            "language": "ko",
            "published_at": "2026-03-02T00:48:00Z",
        },
        "sources": ["한빛통신"],
        "reason": "the first report of a new story",
        "first": null,
        "suppressed": 0,
        "created_at": "2026-03-02T00:50:00Z",
    })
}

/// A later alert of the same story.
pub(crate) fn update() -> Value {
    let mut update = alert();
    update["id"] = json!("us-dprk-summit-fedcba9876543210");
    update["kind"] = json!("state");
    update["story"] = json!({ "id": 17, "title": "US–DPRK summit diplomacy: postponed", "state": "postponed", "was": "planned" });
    update["development"] = json!({ "id": 32, "summary": "US, North Korea put off Panmunjom summit by a month, envoys say",
        "state": "postponed", "when": null, "where": "Panmunjom", "hearsay": false });
    update["headline"] = json!("US, North Korea put off Panmunjom summit by a month, envoys say");
    update["new"] = json!([{
        "text": "The two sides agreed to put the meeting off until late May, two envoys said.",
        "language": "en",
        "gloss": "US–DPRK summit · postponed · May",
    }]);
    update["item"] = json!({
        "title": "US, North Korea put off Panmunjom summit by a month, envoys say",
        "url": "https://harbor.example/world/summit-put-off",
        "outlet": "Harbor Wire",
        "language": "en",
        "published_at": "2026-03-09T13:05:00Z",
    });
    update["sources"] = json!(["KCNA", "Harbor Wire", "東都新聞"]);
    update["reason"] = json!("the meeting: postponed; until now: planned");
    update["first"] =
        json!({ "outlet": "한빛통신", "at": "2026-03-09T12:40:00Z", "lag_secs": 1500 });
    update["suppressed"] = json!(3);
    update["created_at"] = json!("2026-03-09T13:06:00Z");
    update
}

/// An alert in which everything an outlet can write tries to be more than text.
pub(crate) fn hostile() -> Value {
    let text = "</b>@everyone <!channel> @room [x](https://evil.example) *b* _i_ `c` <@U1>\u{202e}gnp\u{7}\u{1b}[31m\r\nBcc: all@a.example\n# H";
    let mut hostile = update();
    hostile["headline"] = json!(text);
    hostile["item"]["title"] = json!(text);
    hostile["item"]["outlet"] = json!("Out|let> \"onclick=1");
    hostile["item"]["url"] = json!("https://a.example/x?a=1&b=\"><script>|y)");
    hostile["new"][0]["text"] = json!(format!("quoted {text}"));
    hostile["new"][0]["gloss"] = json!(text);
    hostile["story"]["title"] = json!(text);
    hostile["story"]["said_by"] = json!(text);
    hostile["development"]["summary"] = json!(text);
    hostile["development"]["where"] = json!(text);
    hostile["reason"] = json!(text);
    hostile["sources"] = json!([text, "B<i>"]);
    hostile
}

pub(crate) fn delivery(message: &Value, thread: Option<&str>) -> Delivery {
    Delivery {
        id: DeliveryId(1),
        channel: "told".to_owned(),
        idempotency_key: format!("{}-told", message["id"].as_str().unwrap_or("x")),
        attempts: 0,
        what: What::Alert,
        message: message.to_string(),
        thread: thread.map(str::to_owned),
    }
}

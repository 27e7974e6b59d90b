//! Web push to a browser of the test's own, which decrypts by another implementation of the standards than ours.

use std::net::SocketAddr;

use aes_gcm::aead::Aead;
use aes_gcm::{Aes128Gcm, KeyInit};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::elliptic_curve::sec1::ToSec1Point;
use p256::{PublicKey, SecretKey};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use sha2::Sha256;
use summitwatch::secret::Secret;
use summitwatch::web::guard::{Gate, Reader};

use crate::world::World;
use crate::world::desk::Desk;
use crate::world::document::{entry, rss};
use crate::world::server::{Reply, Request};

const TOKEN: &str = "a token of some length";
const FIRST: &str = "Trump and Kim Jong Un agree to hold a summit in Singapore";
const SECOND: &str = "North Korea cancels summit with Trump";

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

/// A browser with its keys.
struct Browser {
    key: SecretKey,
    auth: Vec<u8>,
}

impl Browser {
    fn new(seed: u8) -> Self {
        Self {
            key: SecretKey::from_slice(&[seed; 32]).expect("a key"),
            auth: vec![seed; 16],
        }
    }

    fn public(&self) -> Vec<u8> {
        self.key
            .public_key()
            .to_sec1_point(false)
            .as_bytes()
            .to_vec()
    }

    fn subscription(&self, endpoint: &str) -> Value {
        json!({
            "endpoint": endpoint, "expirationTime": null,
            "keys": { "p256dh": encode(self.public()), "auth": encode(&self.auth) },
        })
    }

    /// RFC 8291 from the receiver's side.
    fn decrypt(&self, body: &[u8]) -> Vec<u8> {
        let (salt, rest) = body.split_at(16);
        let (size, rest) = rest.split_at(4);
        assert_eq!(size, 4_096_u32.to_be_bytes());
        let (theirs, sealed) = rest[1..].split_at(usize::from(rest[0]));
        let peer = PublicKey::from_sec1_bytes(theirs).expect("a point");
        let shared = p256::ecdh::diffie_hellman(self.key.to_nonzero_scalar(), peer.as_affine());
        let info = [b"WebPush: info\0", &self.public()[..], theirs].concat();
        let ikm = hkdf(&self.auth, shared.raw_secret_bytes(), &info, 32);
        let key = hkdf(salt, &ikm, b"Content-Encoding: aes128gcm\0", 16);
        let nonce = hkdf(salt, &ikm, b"Content-Encoding: nonce\0", 12);
        let cipher = Aes128Gcm::new_from_slice(&key).expect("16 bytes");
        let nonce: [u8; 12] = nonce.try_into().expect("12 bytes");
        let mut plain = cipher.decrypt(&nonce.into(), sealed).expect("it opens");
        while plain.last() == Some(&0) {
            plain.pop();
        }
        assert_eq!(plain.pop(), Some(2), "the last record ends in a 2");
        plain
    }
}

/// HKDF with SHA-256, of one block.
fn hkdf(salt: &[u8], secret: &[u8], info: &[u8], length: usize) -> Vec<u8> {
    let mac = |key: &[u8], data: &[u8]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
        mac.update(data);
        mac.finalize().into_bytes().to_vec()
    };
    let mut block = mac(&mac(salt, secret), &[info, &[1]].concat());
    block.truncate(length);
    block
}

#[test]
fn the_browser_of_these_tests_decrypts_the_example_of_rfc_8291() {
    let body = decode(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
    );
    let key = decode("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94");
    let browser = Browser {
        key: SecretKey::from_slice(&key).expect("a key"),
        auth: decode("BTBZMqHH6r4Tts7J_aSIgg"),
    };
    assert_eq!(
        browser.decrypt(&body),
        b"When I grow up, I want to be a watermelon"
    );
}

/// A world whose alerts go to browsers, and its dashboard.
struct Told {
    world: World,
    at: SocketAddr,
    client: Client,
}

impl Told {
    fn new() -> Self {
        let key = Desk::new("").run(&["notify", "webpush-key"]).well();
        let mut world = World::new();
        world.topic("us-dprk-summit").only_channel(
            "phones",
            &format!(
                "kind = \"webpush\"\nsecret = \"{}\"\ncontact = \"mailto:ops@watch.example\"\nallow_private = true",
                key.trim()
            ),
        );
        world.feed("wire", rss(&[entry("1", FIRST)]));
        let reader = Reader {
            name: "ann".into(),
            token: Secret::new(TOKEN),
            act: true,
        };
        let at = world.dashboard(Gate {
            readers: vec![reader],
            ..Gate::default()
        });
        Self {
            world,
            at,
            client: Client::new(),
        }
    }

    fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self
            .client
            .request(Method::POST, format!("http://{}{path}", self.at))
            .bearer_auth(TOKEN)
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string());
        self.world.wait(async {
            let answer = request.send().await.expect("an answer");
            let status = answer.status().as_u16();
            let text = answer.text().await.expect("a body");
            (status, serde_json::from_str(&text).unwrap_or(Value::Null))
        })
    }

    fn page(&self, path: &str) -> String {
        let request = self
            .client
            .get(format!("http://{}{path}", self.at))
            .bearer_auth(TOKEN);
        self.world.wait(async {
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), 200, "{path}");
            answer.text().await.expect("a body")
        })
    }

    /// A browser subscribes; its push service answers so.
    fn subscribe(&self, browser: &Browser, name: &str, replies: impl IntoIterator<Item = Reply>) {
        let path = format!("/push/{name}");
        self.world.hooks.script(&path, replies);
        let subscription = browser.subscription(&self.world.hooks.url(&path));
        let (status, said) = self.post("/api/v1/push/phones", &subscription);
        assert_eq!((status, said), (200, json!({"known": true})));
    }

    fn pushed(&self, name: &str) -> Vec<Request> {
        self.world.hooks.requests(&format!("/push/{name}"))
    }

    fn states(&mut self, expected: &[&str]) {
        self.world
            .expect_rows("SELECT state FROM deliveries ORDER BY id", expected);
    }
}

/// Who signed it, checked by the key that it names.
fn signed(request: &Request) -> (Value, String) {
    let header = request.header("authorization").expect("VAPID");
    let (token, key) = header
        .strip_prefix("vapid t=")
        .and_then(|it| it.split_once(", k="))
        .expect("VAPID's form");
    let (signed, signature) = token.rsplit_once('.').expect("a JWT");
    let verifier = VerifyingKey::from_sec1_bytes(&decode(key)).expect("a key");
    let signature = Signature::from_slice(&decode(signature)).expect("a signature");
    verifier
        .verify(signed.as_bytes(), &signature)
        .expect("ours");
    let claims = signed.split_once('.').expect("two parts").1;
    let claims = serde_json::from_slice(&decode(claims)).expect("JSON");
    (claims, key.to_owned())
}

#[test]
fn an_alert_reaches_the_browser_that_subscribed_and_nobody_else_reads_it() {
    let mut told = Told::new();
    let browser = Browser::new(7);
    told.subscribe(&browser, "a", [Reply::status(201)]);
    told.world.poll().deliver();
    told.world.expect_alerts(1);
    told.states(&["delivered"]);
    let requests = told.pushed("a");
    assert_eq!(requests.len(), 1);
    let request = &requests[0];
    assert_eq!(request.header("content-encoding"), Some("aes128gcm"));
    assert_eq!(request.header("ttl"), Some("86400"));
    assert_eq!(request.header("urgency"), Some("high"));
    assert_eq!(request.header("topic").map(str::len), Some(16));
    assert!(request.body.len() <= 4_096);
    let shown: Value = serde_json::from_slice(&browser.decrypt(&request.body)).expect("JSON");
    let title = shown["title"].as_str().expect("a title");
    assert!(title.contains("Singapore"), "{shown:#}");
    assert!(
        shown["body"].as_str().is_some_and(|it| it.contains("why:")),
        "{shown:#}"
    );
    assert!(shown["tag"].is_string() && shown["url"].is_string());
    let (claims, key) = signed(request);
    assert_eq!(claims["sub"], "mailto:ops@watch.example");
    let service = told.world.hooks.url("");
    assert_eq!(claims["aud"], service.trim_end_matches('/'));
    let page = told.page("/outbox");
    assert!(
        page.contains(&format!("data-push=\"phones\" data-key=\"{key}\"")),
        "{page}"
    );
    assert!(page.contains("<bdi>ann</bdi>"), "{page}");
    // Nobody else's: another browser's key does not open it.
    let other = std::panic::catch_unwind(|| Browser::new(8).decrypt(&request.body));
    assert!(other.is_err());
    // Neither address nor keys of a browser are shown.
    assert!(!page.contains("/push/a") && !page.contains(&encode(&browser.auth)));
}

#[test]
fn who_is_not_there_is_tried_again_and_who_has_it_is_not() {
    let mut told = Told::new();
    let (first, second) = (Browser::new(7), Browser::new(9));
    told.subscribe(&first, "a", [Reply::status(201)]);
    told.subscribe(&second, "b", [Reply::status(503), Reply::status(201)]);
    told.world.poll().deliver();
    told.world.expect_alerts(1);
    told.states(&["retry"]);
    told.world.later("1h").deliver();
    told.states(&["delivered"]);
    assert_eq!((told.pushed("a").len(), told.pushed("b").len()), (1, 2));
    let requests = told.pushed("b");
    let topics: Vec<_> = requests.iter().map(|it| it.header("topic")).collect();
    assert_eq!(
        topics[0], topics[1],
        "a repeat takes the place of the first"
    );
}

#[test]
fn a_browser_that_is_gone_is_struck_off_and_that_is_said() {
    let mut told = Told::new();
    let (first, second) = (Browser::new(7), Browser::new(9));
    told.subscribe(&first, "a", [Reply::status(201)]);
    told.subscribe(&second, "b", [Reply::status(410)]);
    told.world.poll().deliver();
    told.world.expect_alerts(1);
    told.states(&["delivered"]);
    told.world.expect_rows(
        "SELECT ended_why || p256dh || auth FROM subscriptions WHERE ended_at IS NOT NULL",
        &["the push service answered 410 Gone"],
    );
    assert!(
        told.page("/outbox")
            .contains("the push service answered 410 Gone")
    );
    // Who ends it is told no more; with nobody left, that is a failure and no success.
    let endpoint = json!({"endpoint": told.world.hooks.url("/push/a")});
    let known = |told: &Told| told.post("/api/v1/push/phones/known", &endpoint).1["known"].clone();
    assert_eq!(known(&told), true);
    told.post("/api/v1/push/phones/end", &endpoint);
    assert_eq!(known(&told), false);
    told.world
        .later("30m")
        .shows("wire", rss(&[entry("2", SECOND), entry("1", FIRST)]));
    told.world.poll().deliver();
    told.world.expect_alerts(1);
    told.states(&["delivered", "dead"]);
    assert_eq!((told.pushed("a").len(), told.pushed("b").len()), (1, 1));
    told.world.expect_rows(
        "SELECT last_error FROM deliveries WHERE state = 'dead'",
        &["no browser has subscribed; the dashboard's outbox has the button"],
    );
}

#[test]
fn what_is_no_subscription_is_refused() {
    let told = Told::new();
    let sound = Browser::new(7).subscription("https://push.example/x");
    let refused = |path: &str, change: fn(&mut Value)| {
        let mut asked = sound.clone();
        change(&mut asked);
        told.post(path, &asked).0
    };
    let here = "/api/v1/push/phones";
    assert_eq!(refused(here, |_| {}), 200);
    assert_eq!(refused("/api/v1/push/desk", |_| {}), 404);
    assert_eq!(
        refused(here, |it| it["endpoint"] = json!("ftp://a.example/")),
        400
    );
    assert_eq!(refused(here, |it| it["keys"]["auth"] = json!("AAAA")), 400);
    assert_eq!(refused(here, |it| it["keys"]["p256dh"] = json!("?")), 400);
    let unnamed = Client::new().post(format!("http://{}{here}", told.at));
    let unnamed = unnamed
        .header(CONTENT_TYPE, "application/json")
        .body(sound.to_string());
    let status = told
        .world
        .wait(async { unnamed.send().await.expect("an answer").status() });
    assert_eq!(status, 401);
}

#[test]
fn a_channel_without_a_key_says_how_to_make_one() {
    let channel =
        |keys: &str| format!("[[channels]]\nname = \"phones\"\nkind = \"webpush\"\n{keys}\n");
    let desk = Desk::new(&channel(
        "secret = \"x\"\ncontact = \"mailto:ops@watch.example\"",
    ));
    desk.run(&["check"]).ill(
        2,
        "error: summitwatch.toml:2: channel \"phones\": secret must be a key that `summitwatch notify webpush-key` made",
    );
    let desk = Desk::new(&channel("secret = \"x\"\ncontact = \"ops\""));
    desk.run(&["check"]).ill(
        2,
        "error: summitwatch.toml:2: channel \"phones\": contact: want \"mailto:ADDRESS\" or an https address, for push services to write to",
    );
    let (one, two) = (
        desk.run(&["notify", "webpush-key"]).well(),
        desk.run(&["notify", "webpush-key"]).well(),
    );
    assert_ne!(one, two);
}

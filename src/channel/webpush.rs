//! Web push: notifications in the browsers that subscribed on the dashboard. Each is sent encrypted for its browser
//! (RFC 8291, aes128gcm) to its maker's push service (RFC 8030), signed by our key (VAPID, RFC 8292).

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use jiff::Timestamp;
use reqwest::Client;
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::json;
use url::Url;

use crate::channel::answer::{ask, pieces};
use crate::channel::words::{Limit, Words};
use crate::clock::Clock;
use crate::item::hash;
use crate::outbox::{Delivery, Outcome};
use crate::route::Severity;
use crate::secret::Secret;

#[derive(Debug, Clone)]
pub struct Webpush {
    pub client: Client,
    pub key: Arc<Key>,
    /// Whom a push service may write to: `mailto:` or `https:`.
    pub contact: String,
    /// How long a push service keeps a notification for a browser that is not there.
    pub ttl: Duration,
    pub audience: Arc<Audience>,
}

/// A browser that wants to be told, as its push service and the browser describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    pub id: i64,
    pub endpoint: Secret,
    /// The browser's public key, a point on P-256, in base64url.
    pub p256dh: String,
    /// What only this browser and we know, 16 bytes in base64url.
    pub auth: Secret,
}

/// Who is told, and of whom the push service says that they are gone. The outbox's worker fills the one from the archive
/// and takes the other there.
#[derive(Debug, Default)]
pub struct Audience {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    subscriptions: Vec<Subscription>,
    gone: Vec<(i64, String)>,
    /// Who has a message that others could not be sent yet, by its idempotency key. In memory: after a restart they
    /// are sent it again, and show it in the place of the first.
    taken: HashMap<String, HashSet<i64>>,
}

impl Audience {
    pub fn admit(&self, subscriptions: Vec<Subscription>) {
        self.lock().subscriptions = subscriptions;
    }

    /// Subscriptions that have ended since the last question, and what the push service said.
    pub fn take_gone(&self) -> Vec<(i64, String)> {
        std::mem::take(&mut self.lock().gone)
    }

    fn waiting_for(&self, key: &str) -> Vec<Subscription> {
        let inner = self.lock();
        let taken = inner.taken.get(key);
        let has = |it: &Subscription| taken.is_some_and(|taken| taken.contains(&it.id));
        let waiting = inner.subscriptions.iter().filter(|it| !has(it));
        waiting.cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The key by which push services know the service that subscribes and sends.
#[derive(Debug)]
pub struct Key {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl Key {
    /// A new one, as the configuration keeps it: PKCS#8 in base64url.
    pub fn make() -> Result<Secret, String> {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        let document = document.map_err(|_| "this system gives no random numbers".to_owned())?;
        Ok(Secret::new(URL_SAFE_NO_PAD.encode(document.as_ref())))
    }

    pub fn read(text: &Secret) -> Result<Self, String> {
        let unsound = "secret must be a key that `summitwatch notify webpush-key` made";
        let document = URL_SAFE_NO_PAD
            .decode(text.reveal().trim())
            .map_err(|_| unsound.to_owned())?;
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &document, &random);
        Ok(Self {
            pair: pair.map_err(|_| unsound.to_owned())?,
            random,
        })
    }

    /// What a browser subscribes with (`applicationServerKey`), in base64url.
    pub fn public(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.pair.public_key().as_ref())
    }

    /// `Authorization` for one push service: who sends, until when this holds, and by which key.
    fn vapid(&self, audience: &str, contact: &str, now: Timestamp) -> Result<String, String> {
        let until = now.as_second() + VALID_SECS;
        let claims = json!({ "aud": audience, "exp": until, "sub": contact });
        let header = json!({ "typ": "JWT", "alg": "ES256" });
        let encode = |it: String| URL_SAFE_NO_PAD.encode(it);
        let signed = format!(
            "{}.{}",
            encode(header.to_string()),
            encode(claims.to_string())
        );
        let signature = self.pair.sign(&self.random, signed.as_bytes());
        let signature = signature.map_err(|_| "the key does not sign".to_owned())?;
        let signature = URL_SAFE_NO_PAD.encode(signature.as_ref());
        Ok(format!("vapid t={signed}.{signature}, k={}", self.public()))
    }
}

/// A signature may hold for a day at most; clocks may be wrong by hours.
const VALID_SECS: i64 = 12 * 3_600;
/// The one record of a message: push services take 4,096 bytes, of which 86 are its head and 17 its padding and tag.
const RECORD: u32 = 4_096;
const PAYLOAD: usize = 4_096 - 86 - 17;
const TITLE: Limit = Limit::bytes(250);
/// Bytes of text that are tried, until quotes and escapes fit into the payload too.
const TEXTS: [usize; 4] = [3_000, 2_000, 1_000, 300];

impl Webpush {
    pub(super) async fn send(&self, words: Words<'_>, delivery: &Delivery) -> Outcome {
        let key = &delivery.idempotency_key;
        let waiting = self.audience.waiting_for(key);
        if self.audience.lock().subscriptions.is_empty() {
            return Outcome::Refused(
                "no browser has subscribed; the dashboard's outbox has the button".to_owned(),
            );
        }
        let payload = payload(words, delivery);
        let urgent = words.content.severity() >= Severity::High;
        let now = Clock::System.now();
        let sends = waiting
            .iter()
            .map(|it| self.push(it, &payload, urgent, delivery, now));
        let outcomes = join_all(sends).await;
        self.settle(key, &waiting, outcomes)
    }

    /// What came of it all: tried again for those who were not there, sent where anybody has it.
    fn settle(&self, key: &str, waiting: &[Subscription], outcomes: Vec<Pushed>) -> Outcome {
        let mut inner = self.audience.lock();
        let (mut later, mut refused) = (None, None);
        for (subscription, pushed) in waiting.iter().zip(outcomes) {
            match pushed {
                Pushed::Taken => {
                    let taken = inner.taken.entry(key.to_owned()).or_default();
                    taken.insert(subscription.id);
                }
                Pushed::Gone(why) => {
                    inner.subscriptions.retain(|it| it.id != subscription.id);
                    inner.gone.push((subscription.id, why));
                }
                Pushed::Failed(Outcome::Retry { why, not_before }) => {
                    let longest = not_before.max(later.as_ref().and_then(|it: &(_, _)| it.1));
                    later = Some((why, longest));
                }
                Pushed::Failed(Outcome::Refused(why)) => {
                    tracing::warn!(
                        subscription = subscription.id,
                        "a push service refused: {why}"
                    );
                    refused = Some(why);
                }
                Pushed::Failed(Outcome::Sent { .. }) => {}
            }
        }
        if let Some((why, not_before)) = later {
            return Outcome::Retry { why, not_before };
        }
        match (inner.taken.remove(key), refused) {
            (Some(_), _) => Outcome::Sent { reference: None },
            (None, Some(why)) => Outcome::Refused(why),
            (None, None) => Outcome::Refused("the last subscription has ended".to_owned()),
        }
    }

    async fn push(
        &self,
        subscription: &Subscription,
        payload: &[u8],
        urgent: bool,
        delivery: &Delivery,
        now: Timestamp,
    ) -> Pushed {
        let request = match self.request(subscription, payload, urgent, delivery, now) {
            Ok(request) => request,
            Err(why) => return Pushed::Failed(Outcome::Refused(why)),
        };
        let endpoint = subscription.endpoint.reveal();
        match ask(request).await {
            Ok(answer) if answer.status.is_success() => Pushed::Taken,
            Ok(answer) if matches!(answer.status.as_u16(), 404 | 410) => {
                Pushed::Gone(answer.said(&pieces(endpoint)))
            }
            Ok(answer) => Pushed::Failed(answer.outcome(&pieces(endpoint))),
            Err(outcome) => Pushed::Failed(outcome),
        }
    }

    fn request(
        &self,
        subscription: &Subscription,
        payload: &[u8],
        urgent: bool,
        delivery: &Delivery,
        now: Timestamp,
    ) -> Result<reqwest::RequestBuilder, String> {
        let endpoint = subscription.endpoint.reveal();
        let url = Url::parse(endpoint).map_err(|error| format!("the endpoint: {error}"))?;
        let audience = url.origin().ascii_serialization();
        let vapid = self.key.vapid(&audience, &self.contact, now)?;
        // A repeat of a message takes the place of the first, as long as that is not delivered.
        let topic = format!("{:016x}", hash(&delivery.idempotency_key).cast_unsigned());
        Ok(self
            .client
            .post(url)
            .header(AUTHORIZATION, vapid)
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_ENCODING, "aes128gcm")
            .header("TTL", self.ttl.as_secs())
            .header("Urgency", if urgent { "high" } else { "normal" })
            .header("Topic", topic)
            .body(encrypted(subscription, payload)?))
    }
}

/// What came of one push.
enum Pushed {
    Taken,
    /// The push service knows the subscription no more.
    Gone(String),
    Failed(Outcome),
}

/// What the service worker shows.
fn payload(words: Words<'_>, delivery: &Delivery) -> Vec<u8> {
    let url = words.details().or_else(|| words.content.url());
    let mut bytes = Vec::new();
    for limit in TEXTS {
        let payload = json!({
            "title": words.title(TITLE),
            "body": words.text(Limit::bytes(limit)),
            "url": url.as_deref().filter(|it| it.len() < limit),
            "tag": delivery.idempotency_key,
        });
        bytes = payload.to_string().into_bytes();
        if bytes.len() <= PAYLOAD {
            break;
        }
    }
    bytes
}

/// `payload` for one browser (RFC 8291): a key of its own for each message, agreed with the browser's.
fn encrypted(subscription: &Subscription, payload: &[u8]) -> Result<Vec<u8>, String> {
    let unsound = |what: &str| format!("the subscription's {what} is not sound");
    let decode = |text: &str, what: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('='));
        bytes.map_err(|_| unsound(what))
    };
    let theirs = decode(&subscription.p256dh, "key")?;
    let auth = decode(subscription.auth.reveal(), "secret")?;
    let no_random = |_| "this system gives no random numbers".to_owned();
    let random = SystemRandom::new();
    let mut salt = [0_u8; 16];
    random.fill(&mut salt).map_err(no_random)?;
    let own = EphemeralPrivateKey::generate(&ECDH_P256, &random).map_err(no_random)?;
    let ours = own.compute_public_key().map_err(no_random)?;
    let peer = UnparsedPublicKey::new(&ECDH_P256, &theirs);
    let agreed = agree_ephemeral(own, &peer, |shared| {
        let info: [&[u8]; 3] = [b"WebPush: info\0", &theirs, ours.as_ref()];
        expanded::<32>(&Salt::new(HKDF_SHA256, &auth).extract(shared), &info)
    });
    let key = agreed.map_err(|_| unsound("key"))?;
    let prk = Salt::new(HKDF_SHA256, &salt).extract(&key);
    let content_key: [u8; 16] = expanded(&prk, &[b"Content-Encoding: aes128gcm\0"]);
    let nonce: [u8; 12] = expanded(&prk, &[b"Content-Encoding: nonce\0"]);
    let mut sealed = payload.to_vec();
    // The last record ends in a 2.
    sealed.push(2);
    let key = UnboundKey::new(&AES_128_GCM, &content_key).expect("16 bytes");
    LessSafeKey::new(key)
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::empty(),
            &mut sealed,
        )
        .map_err(|_| "the message is too long".to_owned())?;
    let mut body = salt.to_vec();
    body.extend_from_slice(&RECORD.to_be_bytes());
    body.push(u8::try_from(ours.as_ref().len()).expect("65 bytes"));
    body.extend_from_slice(ours.as_ref());
    body.extend_from_slice(&sealed);
    Ok(body)
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expanded<const N: usize>(prk: &Prk, info: &[&[u8]]) -> [u8; N] {
    let mut bytes = [0; N];
    let filled = prk
        .expand(info, Length(N))
        .and_then(|it| it.fill(&mut bytes));
    filled.expect("HKDF gives up to 8,160 bytes");
    bytes
}

/// What is wrong with a subscription that a browser hands in.
pub fn check(endpoint: &str, p256dh: &str, auth: &str) -> Result<(), String> {
    const LONGEST: usize = 2_000;
    let url = Url::parse(endpoint).map_err(|error| format!("endpoint: {error}"))?;
    if !matches!(url.scheme(), "https" | "http") || endpoint.len() > LONGEST {
        return Err("endpoint: want an https address".to_owned());
    }
    let length = |text: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('='));
        bytes.map_or(0, |it| it.len())
    };
    if length(p256dh) != 65 || length(auth) != 16 {
        return Err("keys: want p256dh of 65 bytes and auth of 16, in base64url".to_owned());
    }
    Ok(())
}

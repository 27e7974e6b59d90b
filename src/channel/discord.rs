//! Discord, by a webhook.

use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use url::Url;

use crate::channel::answer::{ask, pieces, retry, seconds};
use crate::channel::words::{Limit, Words};
use crate::outbox::Outcome;
use crate::secret::Secret;

#[derive(Debug, Clone)]
pub struct Discord {
    pub client: Client,
    /// The address is the secret.
    pub url: Secret,
}

const TEXT: Limit = Limit::utf16(2_000);
/// Links are shown without what they lead to.
const SUPPRESS_EMBEDS: u32 = 1 << 2;

impl Discord {
    pub(super) async fn send(&self, words: Words<'_>) -> Outcome {
        let Ok(mut url) = Url::parse(self.url.reveal()) else {
            return Outcome::Refused("the webhook's address cannot be read".to_owned());
        };
        // Without it the answer comes before the message is kept, and does not say which it is.
        url.query_pairs_mut().append_pair("wait", "true");
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .body(body(words).to_string());
        let answer = match ask(request).await {
            Ok(answer) => answer,
            Err(outcome) => return outcome,
        };
        let said = answer.json();
        if answer.status.is_success() {
            return match said["id"].as_str() {
                Some(id) => Outcome::Sent {
                    reference: Some(id.to_owned()),
                },
                None if answer.status.as_u16() == 204 => Outcome::Sent { reference: None },
                None => retry("answered without a message".to_owned()),
            };
        }
        let why = answer.said(&pieces(self.url.reveal()));
        // The body is exact to the millisecond, the header is not.
        let not_before = seconds(&said["retry_after"]).or(answer.not_before);
        answer.failure(why, not_before)
    }
}

pub(super) fn body(words: Words<'_>) -> Value {
    json!({
        "content": words.marked("discord.md", TEXT),
        "allowed_mentions": { "parse": [] },
        "flags": SUPPRESS_EMBEDS,
    })
}

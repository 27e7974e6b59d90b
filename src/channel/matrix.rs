//! Matrix, by the client-server API. The server knows a repeat by its transaction id.

use std::time::Duration;

use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use url::Url;

use crate::channel::answer::ask;
use crate::channel::words::{Limit, Words};
use crate::outbox::{Delivery, Outcome};
use crate::secret::Secret;

#[derive(Debug, Clone)]
pub struct Matrix {
    pub client: Client,
    /// The homeserver's.
    pub server: Url,
    pub token: Secret,
    /// `!…`, the room's id.
    pub room: String,
}

/// An event, with both texts in it, may have 65,536 bytes; JSON may take two for one.
const TEXT: Limit = Limit::bytes(14_000);

impl Matrix {
    pub(super) async fn send(&self, words: Words<'_>, delivery: &Delivery) -> Outcome {
        let mut url = self.server.clone();
        match url.path_segments_mut() {
            Ok(mut path) => path.pop_if_empty().extend([
                "_matrix",
                "client",
                "v3",
                "rooms",
                &self.room,
                "send",
                "m.room.message",
                &delivery.idempotency_key,
            ]),
            Err(()) => return Outcome::Refused("the server's address has no path".to_owned()),
        };
        let request = self
            .client
            .put(url)
            .bearer_auth(self.token.reveal())
            .header(CONTENT_TYPE, "application/json")
            .body(body(words, delivery).to_string());
        let answer = match ask(request).await {
            Ok(answer) => answer,
            Err(outcome) => return outcome,
        };
        let said = answer.json();
        if answer.status.is_success() {
            return Outcome::Sent {
                reference: said["event_id"].as_str().map(str::to_owned),
            };
        }
        let asked = said["retry_after_ms"].as_u64().map(Duration::from_millis);
        let why = answer.said(&[self.token.reveal()]);
        answer.failure(why, asked.or(answer.not_before))
    }
}

pub(super) fn body(words: Words<'_>, delivery: &Delivery) -> Value {
    let mut body = json!({
        "msgtype": "m.text",
        "body": words.plain(TEXT),
        "format": "org.matrix.custom.html",
        "formatted_body": words.marked("matrix.html", TEXT),
        // Nobody, whatever the text says.
        "m.mentions": {},
    });
    if let Some(first) = &delivery.thread {
        body["m.relates_to"] = json!({
            "rel_type": "m.thread",
            "event_id": first,
            "is_falling_back": true,
            "m.in_reply_to": { "event_id": first },
        });
    }
    body
}

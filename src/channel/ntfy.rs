//! ntfy (docs.ntfy.sh): published as JSON to the server's root, so that no headline stands in a header.

use reqwest::Client;
use serde_json::json;

use crate::channel::outcome;
use crate::message::Message;
use crate::outbox::{Delivery, Outcome};
use crate::secret::Secret;
use crate::text::{cut, printable};

#[derive(Debug, Clone)]
pub struct Ntfy {
    pub client: Client,
    /// `https://ntfy.sh/`, without the topic.
    pub server: url::Url,
    pub topic: Secret,
    pub token: Option<Secret>,
}

/// ntfy turns messages over 4,096 bytes into attachments.
const MESSAGE_BYTES: usize = 3_800;

impl Ntfy {
    pub async fn send(&self, message: &Message, delivery: &Delivery) -> Outcome {
        let mut request = self
            .client
            .post(self.server.clone())
            .header("Idempotency-Key", &delivery.idempotency_key);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.reveal());
        }
        let sent = request
            .header(reqwest::header::CONTENT_TYPE, "application/json")
            .body(self.body(message).to_string())
            .send()
            .await;
        let token = self.token.as_ref().map_or("", Secret::reveal);
        outcome(sent, &[self.topic.reveal(), token]).await
    }

    fn body(&self, message: &Message) -> serde_json::Value {
        let published = message
            .item
            .published_at
            .as_deref()
            .unwrap_or(&message.created_at);
        let text = message.plain(published);
        let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
        let mut body = json!({
            "topic": self.topic.reveal(),
            "title": cut(&printable(&message.first_line()), 200),
            "message": cut_bytes(rest, MESSAGE_BYTES),
            "tags": [message.topic, message.kind],
            "priority": 4,
        });
        if let Some(url) = &message.item.url {
            body["click"] = url.clone().into();
        }
        body
    }
}

fn cut_bytes(text: &str, limit: usize) -> &str {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

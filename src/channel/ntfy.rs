//! ntfy (docs.ntfy.sh): published as JSON to the server's root, so that no headline stands in a header.

use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use serde_json::json;

use crate::channel::answer::ask;
use crate::channel::words::{Limit, Words};
use crate::item::hash;
use crate::outbox::{Delivery, Outcome};
use crate::route::Severity;
use crate::secret::Secret;

#[derive(Debug, Clone)]
pub struct Ntfy {
    pub client: Client,
    /// `https://ntfy.sh/`, without the topic.
    pub server: url::Url,
    pub topic: Secret,
    pub token: Option<Secret>,
    /// Later alerts of a story take the place of the first on the phone.
    pub replace: bool,
}

/// Longer messages become attachments at 4,096 bytes.
const MESSAGE: Limit = Limit::bytes(4_000);
const TITLE: Limit = Limit::bytes(250);

impl Ntfy {
    pub(super) async fn send(&self, words: Words<'_>, delivery: &Delivery) -> Outcome {
        let mut request = self
            .client
            .post(self.server.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("Idempotency-Key", &delivery.idempotency_key);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.reveal());
        }
        let request = request.body(self.body(words, delivery).to_string());
        let token = self.token.as_ref().map_or("", Secret::reveal);
        let secrets = [self.topic.reveal(), token];
        match ask(request).await {
            Ok(answer) if answer.status.is_success() => Outcome::Sent {
                reference: Some(self.sequence(delivery)),
            },
            Ok(answer) => answer.outcome(&secrets),
            Err(outcome) => outcome,
        }
    }

    /// Messages of one sequence are shown as one notification, the latest: so a repeat of the
    /// same delivery is seen once, and a story where that is wanted.
    fn sequence(&self, delivery: &Delivery) -> String {
        let first = delivery.thread.clone().filter(|_| self.replace);
        first.unwrap_or_else(|| format!("{:016x}", hash(&delivery.idempotency_key).cast_unsigned()))
    }

    pub(super) fn body(&self, words: Words<'_>, delivery: &Delivery) -> serde_json::Value {
        let (priority, tag) = match words.content.severity() {
            Severity::Urgent => (5, "rotating_light"),
            Severity::High => (4, "loudspeaker"),
            Severity::Normal => (3, "newspaper"),
            // A lower priority would not be seen on a locked screen.
            Severity::Low => (3, "information_source"),
        };
        let mut body = json!({
            "topic": self.topic.reveal(),
            "title": words.title(TITLE),
            "message": words.text(MESSAGE),
            "tags": [tag],
            "priority": priority,
            "sequence_id": self.sequence(delivery),
        });
        let view = |(label, url): (&str, Option<String>)| {
            Some(json!({ "action": "view", "label": label, "url": url? }))
        };
        let links = [
            ("Read it", words.content.url()),
            ("Details", words.details()),
        ];
        let actions: Vec<_> = links.into_iter().filter_map(view).collect();
        if let Some(first) = actions.first() {
            body["click"] = first["url"].clone();
            body["actions"] = actions.into();
        }
        body
    }
}

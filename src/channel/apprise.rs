//! A server of the Apprise API, for the services that are not spoken to here.

use reqwest::Client;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde_json::{Value, json};

use crate::channel::answer::{ask, pieces, retry};
use crate::channel::words::{Limit, Words};
use crate::outbox::{Delivery, Outcome};
use crate::route::Severity;
use crate::secret::Secret;

#[derive(Debug, Clone)]
pub struct Apprise {
    pub client: Client,
    /// `…/notify/KEY`, or `…/notify` with `urls`.
    pub url: Secret,
    /// Apprise URLs, for a server that keeps none itself.
    pub urls: Option<Secret>,
    pub tag: Option<String>,
}

/// What is too long for the service behind it, Apprise cuts.
const TEXT: Limit = Limit::bytes(30_000);
const TITLE: Limit = Limit::bytes(250);

impl Apprise {
    pub(super) async fn send(&self, words: Words<'_>, delivery: &Delivery) -> Outcome {
        let request = self
            .client
            .post(self.url.reveal())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json")
            .header("Idempotency-Key", &delivery.idempotency_key)
            .body(self.body(words).to_string());
        let urls = self.urls.as_ref().map_or("", Secret::reveal);
        let mut secrets = pieces(self.url.reveal());
        secrets.push(urls);
        match ask(request).await {
            Ok(answer) => match answer.status.as_u16() {
                204 => Outcome::Refused(
                    "answered 204: the server keeps no service under this key and tag".to_owned(),
                ),
                // One of several services failed. The server does not say which, and asking again
                // reaches all; a channel per service avoids that.
                424 => retry(answer.said(&secrets)),
                _ => answer.outcome(&secrets),
            },
            Err(outcome) => outcome,
        }
    }

    pub(super) fn body(&self, words: Words<'_>) -> Value {
        let mut body = json!({
            "title": words.title(TITLE),
            "body": words.text(TEXT),
            "type": match words.content.severity() {
                Severity::Urgent | Severity::High => "warning",
                Severity::Normal | Severity::Low => "info",
            },
            "format": "text",
        });
        if let Some(urls) = &self.urls {
            body["urls"] = urls.reveal().into();
        }
        if let Some(tag) = &self.tag {
            body["tag"] = tag.clone().into();
        }
        body
    }
}

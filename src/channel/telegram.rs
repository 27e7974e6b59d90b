//! Telegram, by a bot (core.telegram.org/bots/api).

use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use url::Url;

use crate::channel::answer::{Answer, ask, seconds};
use crate::channel::words::{Limit, Words};
use crate::message::escape::unnamed;
use crate::outbox::{Delivery, Outcome};
use crate::secret::Secret;

#[derive(Debug, Clone)]
pub struct Telegram {
    pub client: Client,
    /// `https://api.telegram.org/`.
    pub api: Url,
    /// It stands in the path of every request.
    pub token: Secret,
    /// A chat's number or `@name`.
    pub to: String,
    /// A topic of a group (`message_thread_id`).
    pub thread: Option<i64>,
}

const TEXT: Limit = Limit::utf16(4_096);

impl Telegram {
    pub(super) async fn send(&self, words: Words<'_>, delivery: &Delivery) -> Outcome {
        let mut body = self.body(words, delivery);
        let answer = match self.post(&body).await {
            Ok(answer) => answer,
            Err(outcome) => return outcome,
        };
        let said = answer.json();
        let refusal = said["description"].as_str().unwrap_or_default();
        let moved_to = &said["parameters"]["migrate_to_chat_id"];
        // Both were surely refused, so asking otherwise sends nothing twice.
        let otherwise = if refusal.contains("can't parse entities") {
            body["text"] = TEXT.cut(&unnamed(&words.plain(TEXT))).into();
            body.as_object_mut().map(|it| it.remove("parse_mode"));
            true
        } else if moved_to.is_i64() {
            tracing::warn!(
                "the Telegram group {} is now {moved_to}; write that in its channel",
                self.to
            );
            body["chat_id"] = moved_to.clone();
            true
        } else {
            false
        };
        if !otherwise {
            return self.outcome(&answer);
        }
        match self.post(&body).await {
            Ok(answer) => self.outcome(&answer),
            Err(outcome) => outcome,
        }
    }

    async fn post(&self, body: &Value) -> Result<Answer, Outcome> {
        let url = format!("{}bot{}/sendMessage", self.api, self.token.reveal());
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json");
        ask(request.body(body.to_string())).await
    }

    pub(super) fn body(&self, words: Words<'_>, delivery: &Delivery) -> Value {
        let mut body = json!({
            "chat_id": self.to,
            "text": words.marked("telegram.html", TEXT),
            "parse_mode": "HTML",
            "link_preview_options": { "is_disabled": true },
        });
        if let Some(thread) = self.thread {
            body["message_thread_id"] = thread.into();
        }
        let first = delivery
            .thread
            .as_deref()
            .and_then(|it| it.parse::<i64>().ok());
        if let Some(first) = first {
            body["reply_parameters"] = json!({
                "message_id": first,
                "allow_sending_without_reply": true,
            });
        }
        body
    }

    fn outcome(&self, answer: &Answer) -> Outcome {
        let said = answer.json();
        let why = answer.said(&[self.token.reveal()]);
        match (answer.status.is_success(), said["ok"].as_bool()) {
            (true, Some(true)) => Outcome::Sent {
                reference: said["result"]["message_id"]
                    .as_i64()
                    .map(|it| it.to_string()),
            },
            (true, Some(false)) => Outcome::Refused(why),
            // A proxy in between, or half an answer.
            (true, None) => Outcome::Retry {
                why,
                not_before: None,
            },
            (false, _) => {
                let asked = seconds(&said["parameters"]["retry_after"]);
                answer.failure(why, asked.or(answer.not_before))
            }
        }
    }
}

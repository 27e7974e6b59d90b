//! Slack: an incoming webhook, or a bot that can put later alerts of a story into a thread.

use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use url::Url;

use crate::channel::answer::{Answer, ask, pieces};
use crate::channel::words::{Limit, Words};
use crate::outbox::{Delivery, Outcome};
use crate::route::Severity;
use crate::secret::Secret;

#[derive(Debug, Clone)]
pub struct Slack {
    pub client: Client,
    pub way: SlackWay,
}

#[derive(Debug, Clone)]
pub enum SlackWay {
    /// The address is the secret.
    Webhook(Secret),
    Bot {
        /// `https://slack.com/api/`.
        api: Url,
        token: Secret,
        /// A channel's id.
        to: String,
    },
}

/// Slack asks for no more; beyond 40,000 it cuts by itself.
const TEXT: Limit = Limit::utf16(4_000);

/// Errors of an answer 200 that pass (docs.slack.dev, chat.postMessage).
const PASSING: [&str; 7] = [
    "ratelimited",
    "rate_limited",
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "team_added_to_org",
];

/// The thread is gone or closed; the channel may still take the message.
const UNTHREADABLE: [&str; 4] = [
    "thread_not_found",
    "invalid_thread_ts",
    "cannot_reply_to_message",
    "restricted_action_thread_locked",
];

impl Slack {
    pub(super) async fn send(&self, words: Words<'_>, delivery: &Delivery) -> Outcome {
        let body = body(words);
        match &self.way {
            SlackWay::Webhook(url) => match ask(self.post(url.reveal(), None, &body)).await {
                Ok(answer) => answer.outcome(&pieces(url.reveal())),
                Err(outcome) => outcome,
            },
            SlackWay::Bot { api, token, to } => {
                let url = format!("{api}chat.postMessage");
                let mut body = body;
                body["channel"] = to.clone().into();
                if let Some(thread) = &delivery.thread {
                    body["thread_ts"] = thread.clone().into();
                    // A reply rings nobody who does not follow its thread.
                    body["reply_broadcast"] = (words.content.severity() >= Severity::High).into();
                }
                let sent = ask(self.post(&url, Some(token), &body)).await;
                let said = |answer: &Answer| {
                    let said = answer.json();
                    said["error"].as_str().map(str::to_owned)
                };
                let sent = match sent {
                    Ok(answer)
                        if said(&answer).is_some_and(|it| UNTHREADABLE.contains(&it.as_str())) =>
                    {
                        if let Some(body) = body.as_object_mut() {
                            body.remove("thread_ts");
                            body.remove("reply_broadcast");
                        }
                        ask(self.post(&url, Some(token), &body)).await
                    }
                    sent => sent,
                };
                match sent {
                    Ok(answer) => bot_outcome(&answer, token),
                    Err(outcome) => outcome,
                }
            }
        }
    }

    fn post(&self, url: &str, token: Option<&Secret>, body: &Value) -> reqwest::RequestBuilder {
        let mut request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json; charset=utf-8");
        if let Some(token) = token {
            request = request.bearer_auth(token.reveal());
        }
        request.body(body.to_string())
    }
}

pub(super) fn body(words: Words<'_>) -> Value {
    json!({
        "text": words.marked("mrkdwn", TEXT),
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

/// A bot is answered 200 whatever comes of it.
fn bot_outcome(answer: &Answer, token: &Secret) -> Outcome {
    if !answer.status.is_success() {
        return answer.outcome(&[token.reveal()]);
    }
    let said = answer.json();
    let why = || answer.said(&[token.reveal()]);
    match (said["ok"].as_bool(), said["error"].as_str()) {
        (Some(true), _) => Outcome::Sent {
            reference: said["ts"].as_str().map(str::to_owned),
        },
        (Some(false), Some(error)) if !PASSING.contains(&error) => Outcome::Refused(why()),
        _ => Outcome::Retry {
            why: why(),
            not_before: answer.not_before,
        },
    }
}

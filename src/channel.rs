//! Configured destinations: a closed set, one `send`, and each channel's own reading of answers.

pub mod ntfy;
pub mod terminal;
pub mod webhook;

use crate::fetch::headers::retry_after;
use crate::message::Message;
use crate::outbox::{Delivery, Outcome};

#[derive(Debug, Clone)]
pub enum Channel {
    Terminal(terminal::Terminal),
    Ntfy(ntfy::Ntfy),
    Webhook(webhook::Webhook),
}

impl Channel {
    /// One attempt. Never panics and never waits longer than the client's limits.
    pub async fn send(&self, delivery: &Delivery) -> Outcome {
        let message: Message = match serde_json::from_str(&delivery.message) {
            Ok(message) => message,
            Err(error) => {
                return Outcome::Refused(format!("the stored message cannot be read: {error}"));
            }
        };
        match self {
            Self::Terminal(terminal) => terminal.send(&message),
            Self::Ntfy(ntfy) => ntfy.send(&message, delivery).await,
            Self::Webhook(webhook) => webhook.send(delivery).await,
        }
    }

    pub fn kind(&self) -> &'static str {
        match self {
            Self::Terminal(_) => "terminal",
            Self::Ntfy(_) => "ntfy",
            Self::Webhook(_) => "webhook",
        }
    }
}

/// What an HTTP answer means for a delivery: 2xx is taken; no answer, 408, 425, 429 and 5xx may
/// be otherwise next time; the rest is final.
///
/// `secrets` are kept out of what is remembered: servers like to repeat the address they were asked for.
async fn outcome(sent: Result<reqwest::Response, reqwest::Error>, secrets: &[&str]) -> Outcome {
    let response = match sent {
        Ok(response) => response,
        // The address of a webhook is often its secret.
        Err(error) => {
            return Outcome::Retry {
                why: crate::fetch::describe(&error.without_url()),
                not_before: None,
            };
        }
    };
    let status = response.status();
    if status.is_success() {
        return Outcome::Sent { reference: None };
    }
    let not_before = retry_after(response.headers());
    let body = first_line(response, secrets).await;
    let why = if body.is_empty() {
        format!("answered {status}")
    } else {
        format!("answered {status}: {body}")
    };
    if matches!(status.as_u16(), 408 | 425 | 429) || status.is_server_error() {
        Outcome::Retry { why, not_before }
    } else {
        Outcome::Refused(why)
    }
}

/// What a server says about its refusal, cut to what fits a line; a body without end is not read.
async fn first_line(mut response: reqwest::Response, secrets: &[&str]) -> String {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > 500 {
            break;
        }
    }
    let mut text = crate::text::printable(&String::from_utf8_lossy(&body));
    // Shorter ones are paths like "/", in every answer.
    for secret in secrets.iter().filter(|it| it.len() > 3) {
        text = text.replace(secret, "***");
    }
    crate::text::cut(text.trim(), 200)
}

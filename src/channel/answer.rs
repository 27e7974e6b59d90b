//! What a service said over HTTP, and what that means for a delivery where the service has no
//! meaning of its own: 2xx is taken; no answer, 408, 425, 429 and 5xx may be otherwise next time;
//! the rest is final.

use std::time::Duration;

use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;

use crate::channel::redact::redacted;
use crate::fetch::describe;
use crate::fetch::headers::retry_after;
use crate::outbox::Outcome;
use crate::text::{cut, printable};

/// More than any of these services answers; a body without end is not read.
const BODY_BYTES: usize = 64 * 1024;

pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// By the header.
    pub(super) not_before: Option<Duration>,
    body: Vec<u8>,
}

/// Sends a request; no answer is an outcome too.
pub(super) async fn ask(request: RequestBuilder) -> Result<Answer, Outcome> {
    let mut response = request.send().await.map_err(|error| {
        // The address of a webhook is often its secret.
        retry(describe(&error.without_url()))
    })?;
    let mut answer = Answer {
        status: response.status(),
        not_before: retry_after(response.headers()),
        body: Vec::new(),
    };
    while let Ok(Some(chunk)) = response.chunk().await {
        answer.body.extend_from_slice(&chunk);
        if answer.body.len() > BODY_BYTES {
            break;
        }
    }
    Ok(answer)
}

pub(super) fn retry(why: String) -> Outcome {
    Outcome::Retry {
        why,
        not_before: None,
    }
}

impl Answer {
    /// Null where the body is no JSON.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// What the service says, cut to what fits a line. `secrets` are kept out of what is
    /// remembered: servers like to repeat the address they were asked for.
    pub(super) fn said(&self, secrets: &[&str]) -> String {
        let body = String::from_utf8_lossy(&self.body[..self.body.len().min(2_000)]);
        let body = cut(&redacted(&printable(body.trim()), secrets), 200);
        if body.is_empty() {
            format!("answered {}", self.status)
        } else {
            format!("answered {}: {body}", self.status)
        }
    }

    pub(super) fn outcome(&self, secrets: &[&str]) -> Outcome {
        if self.status.is_success() {
            return Outcome::Sent { reference: None };
        }
        self.failure(self.said(secrets), self.not_before)
    }

    /// Retryable or final by the status.
    pub(super) fn failure(&self, why: String, not_before: Option<Duration>) -> Outcome {
        let status = self.status;
        if matches!(status.as_u16(), 408 | 425 | 429) || status.is_server_error() {
            Outcome::Retry { why, not_before }
        } else {
            Outcome::Refused(why)
        }
    }
}

/// The parts of an address that may be its secret: all of what follows the host, and each piece.
pub(super) fn pieces(url: &str) -> Vec<&str> {
    let after_host = url.splitn(4, '/').nth(3).unwrap_or_default();
    let mut pieces = vec![after_host];
    pieces.extend(
        after_host
            .split(['/', '?', '&', '='])
            .filter(|it| it.len() > 7),
    );
    pieces
}

/// Seconds as JSON has them, which may be a fraction.
pub(super) fn seconds(value: &Value) -> Option<Duration> {
    Duration::try_from_secs_f64(value.as_f64()?).ok()
}

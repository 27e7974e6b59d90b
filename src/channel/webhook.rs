//! Generic webhook: the message as JSON, or as a template words it, signed where there is a secret.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use reqwest::Client;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use sha2::Sha256;

use crate::channel::answer::{ask, pieces};
use crate::channel::words::Words;
use crate::outbox::{Delivery, Outcome};
use crate::secret::Secret;

#[derive(Debug, Clone)]
pub struct Webhook {
    pub client: Client,
    /// Often a secret in itself.
    pub url: Secret,
    pub secret: Option<Secret>,
    /// Name of the template that words the body.
    pub body: Option<String>,
    /// Further ones; their values are marked sensitive.
    pub headers: HeaderMap,
}

impl Webhook {
    pub(super) async fn send(&self, words: Words<'_>, delivery: &Delivery) -> Outcome {
        let body = match &self.body {
            None => delivery.message.clone(),
            Some(template) => match words.by(template) {
                Ok(body) => body,
                Err(error) => return Outcome::Refused(error.to_string()),
            },
        };
        let mut request = self
            .client
            .post(self.url.reveal())
            .header(CONTENT_TYPE, content_type(self.body.as_deref()))
            .header("Idempotency-Key", &delivery.idempotency_key);
        if let Some(secret) = &self.secret {
            request = request.header(
                "X-Summitwatch-Signature",
                signature(secret, body.as_bytes()),
            );
        }
        let request = request.headers(self.headers.clone()).body(body);
        let mut secrets = pieces(self.url.reveal());
        secrets.extend(self.secret.as_ref().map(Secret::reveal));
        secrets.extend(self.headers.values().filter_map(|it| it.to_str().ok()));
        match ask(request).await {
            Ok(answer) => answer.outcome(&secrets),
            Err(outcome) => outcome,
        }
    }
}

/// Headers that hold secrets.
pub fn headers(written: &BTreeMap<String, Secret>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, secret) in written {
        let key: HeaderName = name
            .parse()
            .map_err(|_| format!("headers: \"{name}\" is no header's name"))?;
        let mut value = HeaderValue::from_str(secret.reveal())
            .map_err(|_| format!("headers: the value of {name} cannot stand in a header"))?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    Ok(headers)
}

/// By the ending of the template's name.
fn content_type(template: Option<&str>) -> &'static str {
    match template.and_then(|it| it.rsplit_once('.')).map(|it| it.1) {
        None | Some("json") => "application/json",
        Some("html") => "text/html; charset=utf-8",
        Some("md") => "text/markdown; charset=utf-8",
        Some(_) => "text/plain; charset=utf-8",
    }
}

/// `sha256=<hex HMAC of the body>`.
pub fn signature(secret: &Secret, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes())
        .expect("HMAC takes keys of any length");
    mac.update(body);
    let digest = mac.finalize().into_bytes();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

#[cfg(test)]
mod tests {
    use super::signature;
    use crate::secret::Secret;

    #[test]
    fn the_signature_is_hmac_sha256_in_hex() {
        // RFC 4231, test case 2.
        assert_eq!(
            signature(&Secret::new("Jefe"), b"what do ya want for nothing?"),
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}

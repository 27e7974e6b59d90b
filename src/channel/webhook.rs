//! Generic webhook: the message as JSON, signed where there is a secret.

use hmac::{Hmac, KeyInit, Mac};
use reqwest::Client;
use sha2::Sha256;

use crate::channel::outcome;
use crate::outbox::{Delivery, Outcome};
use crate::secret::Secret;

#[derive(Debug, Clone)]
pub struct Webhook {
    pub client: Client,
    /// Often a secret in itself.
    pub url: Secret,
    pub secret: Option<Secret>,
}

impl Webhook {
    pub async fn send(&self, delivery: &Delivery) -> Outcome {
        let mut request = self
            .client
            .post(self.url.reveal())
            .header(reqwest::header::CONTENT_TYPE, "application/json")
            .header("Idempotency-Key", &delivery.idempotency_key);
        if let Some(secret) = &self.secret {
            request = request.header(
                "X-Summitwatch-Signature",
                signature(secret, delivery.message.as_bytes()),
            );
        }
        let sent = request.body(delivery.message.clone()).send().await;
        let after_host = self.url.reveal().splitn(4, '/').nth(3).unwrap_or_default();
        let (path, query) = after_host.split_once('?').unwrap_or((after_host, ""));
        let secret = self.secret.as_ref().map_or("", Secret::reveal);
        outcome(sent, &[query, path, secret]).await
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

//! A dead man's switch (healthchecks.io and its like): an address that is asked for at intervals while all is well.
//! Its service tells when that stops, which a dead machine cannot.

use std::time::Duration;

use reqwest::Client;

use crate::channel::http::Http;
use crate::fetch::{Limits, describe};
use crate::secret::Secret;

#[derive(Debug, Clone)]
pub struct Heartbeat {
    client: Client,
    /// Whoever knows it can press the switch.
    url: Secret,
    pub every: Duration,
}

/// A switch answers at once or not at all.
const LIMIT: Duration = Duration::from_secs(10);

impl Heartbeat {
    pub fn open(
        limits: &Limits,
        allow_private: bool,
        url: Secret,
        every: Duration,
    ) -> Result<Self, String> {
        let limits = Limits {
            total: LIMIT,
            ..limits.clone()
        };
        let http = Http::of(&limits, allow_private);
        let (_, url) = http.address(url)?;
        Ok(Self {
            client: http.client()?,
            url,
            every,
        })
    }

    /// Presses the switch; what went wrong in words, without the address.
    pub async fn press(&self) -> Result<(), String> {
        let answer = self.client.get(self.url.reveal()).send().await;
        let answer = answer.map_err(|error| describe(&error))?;
        let status = answer.status();
        if status.is_success() {
            Ok(())
        } else {
            Err(format!("the server answered {status}"))
        }
    }
}

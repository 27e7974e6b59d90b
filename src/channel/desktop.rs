//! A notification on the desktop of whoever runs this, by D-Bus (org.freedesktop.Notifications).

use std::collections::HashMap;
use std::time::Duration;

use zbus::Variant;
use zbus::connection::Builder;

use crate::channel::answer::retry;
use crate::channel::words::{Limit, Words};
use crate::message::escape::Target;
use crate::outbox::Outcome;
use crate::route::Severity;
use crate::text::{cut, printable};

#[derive(Debug, Clone)]
pub struct Desktop {
    /// Address of a bus; the session's where there is none.
    pub bus: Option<String>,
}

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
/// More than any desktop shows.
const TITLE: Limit = Limit::utf16(200);
const TEXT: Limit = Limit::utf16(1_000);
const TOTAL: Duration = Duration::from_secs(15);

impl Desktop {
    pub(super) async fn send(&self, words: Words<'_>) -> Outcome {
        match tokio::time::timeout(TOTAL, self.notify(words)).await {
            Ok(Ok(id)) => Outcome::Sent {
                reference: Some(id.to_string()),
            },
            Ok(Err(error)) => retry(cut(&printable(&error.to_string()), 200)),
            Err(_) => retry("the desktop does not answer".to_owned()),
        }
    }

    async fn notify(&self, words: Words<'_>) -> Result<u32, zbus::Error> {
        let builder = match &self.bus {
            Some(address) => Builder::address(address.as_str()),
            None => Builder::session(),
        };
        let connection = builder.build().await.map_err(|error| {
            let hint = "no session bus, is this started from a desktop?";
            zbus::Error::Failure(format!("{hint} ({error})"))
        })?;
        let asked = connection
            .call_method(Some(NAME), PATH, Some(NAME), "GetCapabilities", &())
            .await?;
        let capabilities: Vec<String> = asked.body().deserialize()?;
        let text = words.text(TEXT);
        // A server that reads markup would read it in headlines too.
        let text = if capabilities.iter().any(|it| it == "body-markup") {
            let lines: Vec<String> = text.lines().map(|it| Target::Html.escape(it)).collect();
            lines.join("\n")
        } else {
            text
        };
        let urgency: u8 = match words.content.severity() {
            Severity::Low | Severity::Normal | Severity::High => 1,
            Severity::Urgent => 2,
        };
        let hints = HashMap::from([
            ("urgency", Variant::from(urgency)),
            ("category", Variant::from("im.received")),
        ]);
        let no_actions: [&str; 0] = [];
        let body = (
            "summitwatch",
            // A notification of its own: the one before may not have been read yet.
            0_u32,
            "",
            words.title(TITLE),
            text,
            no_actions.as_slice(),
            hints,
            -1_i32,
        );
        let answer = connection
            .call_method(Some(NAME), PATH, Some(NAME), "Notify", &body)
            .await?;
        answer.body().deserialize()
    }
}

//! The terminal: alerts as text on standard output.

use std::io::{self, IsTerminal, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::message::Message;
use crate::outbox::Outcome;
use crate::text::printable;

#[derive(Debug, Clone)]
pub struct Terminal {
    pub zone: TimeZone,
}

impl Terminal {
    pub fn send(&self, message: &Message) -> Outcome {
        let mut out = io::stdout().lock();
        let text = self.render(message, out.is_terminal());
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => Outcome::Sent { reference: None },
            Err(error) => Outcome::Retry {
                why: format!("cannot write to the terminal: {error}"),
                not_before: None,
            },
        }
    }

    /// The alert with a bar at its side, bold where the terminal can.
    pub fn render(&self, message: &Message, styled: bool) -> String {
        let published = message
            .item
            .published_at
            .as_deref()
            .unwrap_or(&message.created_at);
        let published = match published.parse::<Timestamp>() {
            Ok(at) => at
                .to_zoned_datetime(self.zone.clone())
                .strftime("%-d %b %Y %H:%M %Z")
                .to_string(),
            Err(_) => published.to_owned(),
        };
        let mut text = String::from("\n");
        for (at, line) in message.plain(&published).lines().enumerate() {
            let line = printable(line);
            match (at, styled) {
                (0, true) => text.push_str(&format!("\x1b[1m▌ {line}\x1b[0m\n")),
                _ => text.push_str(&format!("▌ {line}\n")),
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_sequences_of_a_headline_do_not_reach_the_terminal() {
        let mut message = Message::test("2026-03-02T00:48:00Z".to_owned());
        message.headline = "evil \x1b[31mred\u{202e} and\rover".to_owned();
        let text = Terminal {
            zone: TimeZone::UTC,
        }
        .render(&message, false);
        assert!(
            !text.contains('\x1b') && !text.contains('\u{202e}') && !text.contains('\r'),
            "{text:?}"
        );
        assert!(text.contains("2 Mar 2026 00:48 UTC"), "{text}");
    }
}

//! The terminal: messages as text on standard output.

use std::io::{self, IsTerminal, Write};

use crate::channel::answer::retry;
use crate::channel::words::{Limit, Words};
use crate::outbox::Outcome;
use crate::text::printable;

pub(super) fn send(words: Words<'_>) -> Outcome {
    let mut out = io::stdout().lock();
    let text = render(words, out.is_terminal());
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Outcome::Sent { reference: None },
        Err(error) => retry(format!("cannot write to the terminal: {error}")),
    }
}

/// The message with a bar at its side, its title bold where the terminal can.
pub fn render(words: Words<'_>, styled: bool) -> String {
    let mut text = String::from("\n");
    for (at, line) in words.plain(Limit::NONE).lines().enumerate() {
        let line = printable(line);
        match (at, styled) {
            (0, true) => text.push_str(&format!("\x1b[1m▌ {line}\x1b[0m\n")),
            _ => text.push_str(&format!("▌ {line}\n")),
        }
    }
    text
}

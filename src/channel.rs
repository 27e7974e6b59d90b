//! Configured destinations: a closed set, one `send`, and each channel's own reading of answers.

mod answer;
pub mod apprise;
pub mod desktop;
pub mod discord;
pub mod email;
pub mod exec;
pub mod heartbeat;
pub mod http;
pub mod matrix;
pub mod ntfy;
mod redact;
pub mod slack;
pub mod telegram;
pub mod terminal;
pub mod webhook;
pub mod webpush;
pub mod words;

use std::sync::Arc;

use crate::channel::words::{Content, Words};
use crate::message::templates::Templates;
use crate::outbox::{Delivery, Outcome};

/// A destination with the words of its messages.
#[derive(Debug, Clone)]
pub struct Channel {
    pub templates: Arc<Templates>,
    pub way: Way,
}

/// By which service, and how it is reached.
#[derive(Debug, Clone)]
pub enum Way {
    Terminal,
    Desktop(desktop::Desktop),
    Ntfy(ntfy::Ntfy),
    Slack(slack::Slack),
    Discord(discord::Discord),
    Telegram(telegram::Telegram),
    Matrix(matrix::Matrix),
    Email(Box<email::Email>),
    Webhook(webhook::Webhook),
    Apprise(apprise::Apprise),
    Exec(exec::Exec),
    Webpush(webpush::Webpush),
}

impl Channel {
    /// One attempt. Never panics and never waits longer than the channel's limits.
    pub async fn send(&self, delivery: &Delivery) -> Outcome {
        let content = match Content::read(delivery) {
            Ok(content) => content,
            Err(why) => return Outcome::Refused(why),
        };
        let words = Words {
            templates: &self.templates,
            content: &content,
        };
        match &self.way {
            Way::Terminal => terminal::send(words),
            Way::Desktop(desktop) => desktop.send(words).await,
            Way::Ntfy(ntfy) => ntfy.send(words, delivery).await,
            Way::Slack(slack) => slack.send(words, delivery).await,
            Way::Discord(discord) => discord.send(words).await,
            Way::Telegram(telegram) => telegram.send(words, delivery).await,
            Way::Matrix(matrix) => matrix.send(words, delivery).await,
            Way::Email(email) => email.send(words, delivery).await,
            Way::Webhook(webhook) => webhook.send(words, delivery).await,
            Way::Apprise(apprise) => apprise.send(words, delivery).await,
            Way::Exec(exec) => exec.send(words, delivery).await,
            Way::Webpush(webpush) => webpush.send(words, delivery).await,
        }
    }

    pub fn kind(&self) -> &'static str {
        match self.way {
            Way::Terminal => "terminal",
            Way::Desktop(_) => "desktop",
            Way::Ntfy(_) => "ntfy",
            Way::Slack(_) => "slack",
            Way::Discord(_) => "discord",
            Way::Telegram(_) => "telegram",
            Way::Matrix(_) => "matrix",
            Way::Email(_) => "email",
            Way::Webhook(_) => "webhook",
            Way::Apprise(_) => "apprise",
            Way::Exec(_) => "exec",
            Way::Webpush(_) => "webpush",
        }
    }

    /// The key and the audience of a channel that browsers subscribe to.
    pub fn webpush(&self) -> Option<&webpush::Webpush> {
        match &self.way {
            Way::Webpush(webpush) => Some(webpush),
            _ => None,
        }
    }
}

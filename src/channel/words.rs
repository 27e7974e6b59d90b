//! What a delivery says, worded for a channel and within its limits. A text that is too long is
//! worded anew from shorter values, so that no link, reference or character is ever cut in two.

use jiff::Timestamp;
use serde_json::Value;

use crate::message::Message;
use crate::message::escape::Target;
use crate::message::templates::{TemplateError, Templates};
use crate::outbox::{Delivery, What};
use crate::route::Severity;
use crate::text::{cut_by, printable};

/// What stands in the outbox, read back.
#[derive(Debug, Clone)]
pub enum Content {
    /// An alert, or word to the operator.
    Message(Box<Message>),
    /// JSON as its templates know it.
    Digest(Value),
}

/// How long a text may be, in the units in which a service counts.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    pub at_most: usize,
    pub measure: fn(&str) -> usize,
}

impl Limit {
    pub const NONE: Self = Self {
        at_most: usize::MAX,
        measure: str::len,
    };

    pub const fn bytes(at_most: usize) -> Self {
        Self {
            at_most,
            measure: str::len,
        }
    }

    /// Not fewer than characters, so it also serves where those are counted.
    pub const fn utf16(at_most: usize) -> Self {
        Self {
            at_most,
            measure: |text| text.encode_utf16().count(),
        }
    }

    fn holds(self, text: &str) -> bool {
        (self.measure)(text) <= self.at_most
    }

    /// `text` cut on a grapheme.
    pub fn cut(self, text: &str) -> String {
        cut_by(text, self.at_most, self.measure)
    }
}

/// Characters that each value may have, tried from the left. Half a headline still tells something.
const LENGTHS: [usize; 7] = [usize::MAX, 1_000, 500, 250, 120, 60, 30];

/// Words for one delivery.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    pub templates: &'a Templates,
    pub content: &'a Content,
}

impl Content {
    pub fn read(delivery: &Delivery) -> Result<Self, String> {
        let unread = |error| format!("the stored message cannot be read: {error}");
        match delivery.what {
            What::Alert | What::Health => serde_json::from_str(&delivery.message)
                .map(|it| Self::Message(Box::new(it)))
                .map_err(unread),
            What::Digest => serde_json::from_str(&delivery.message)
                .map(Self::Digest)
                .map_err(unread),
        }
    }

    /// How much it matters.
    pub fn severity(&self) -> Severity {
        match self {
            Self::Message(message) => message.severity(),
            Self::Digest(_) => Severity::Normal,
        }
    }

    pub fn created_at(&self) -> Option<Timestamp> {
        let at = match self {
            Self::Message(message) => message.created_at.as_str(),
            Self::Digest(digest) => digest["created_at"].as_str()?,
        };
        at.parse().ok()
    }

    /// Where a touch on the notification leads.
    pub fn url(&self) -> Option<String> {
        match self {
            Self::Message(message) => Target::Text.link(message.item.url.as_deref()?),
            Self::Digest(_) => None,
        }
    }
}

impl Words<'_> {
    /// One line.
    pub fn title(&self, limit: Limit) -> String {
        let title = match self.content {
            Content::Message(message) => self
                .worded(|templates| templates.title(message))
                .unwrap_or_else(|| printable(&message.headline)),
            Content::Digest(digest) => {
                printable(digest["subject"].as_str().unwrap_or("summitwatch digest"))
            }
        };
        limit.cut(&title)
    }

    /// The dashboard's page about it.
    pub fn details(&self) -> Option<String> {
        match self.content {
            Content::Message(message) => self.templates.details(message),
            Content::Digest(_) => None,
        }
    }

    /// What stands below the title, as plain text.
    pub fn text(&self, limit: Limit) -> String {
        match self.content {
            Content::Message(message) => self.alert("txt", message, limit),
            Content::Digest(digest) => lines(&self.digest("digest.txt", digest), limit),
        }
    }

    /// Title and text.
    pub fn plain(&self, limit: Limit) -> String {
        let title = self.title(limit);
        let used = (limit.measure)(&title) + 1;
        let rest = Limit {
            at_most: limit.at_most.saturating_sub(used),
            ..limit
        };
        format!("{title}\n{}", self.text(rest))
            .trim_end()
            .to_owned()
    }

    /// In the markup `form` of alerts. A digest, which has no such form, is its text in it.
    pub fn marked(&self, form: &str, limit: Limit) -> String {
        match (self.content, Target::of(form)) {
            (Content::Message(message), _) => self.alert(form, message, limit),
            (Content::Digest(digest), Target::Markdown) => {
                lines(&self.digest("digest.md", digest), limit)
            }
            (Content::Digest(_), target) => {
                let text = self.plain(Limit::NONE);
                let escaped: Vec<String> = text.lines().map(|it| target.escape(it)).collect();
                lines(&escaped.join("\n"), limit)
            }
        }
    }

    /// A whole page, for mail.
    pub fn page(&self) -> String {
        match self.content {
            Content::Message(message) => self.alert("html", message, Limit::NONE),
            Content::Digest(digest) => self.digest("digest.html", digest),
        }
    }

    /// By any template, which for a digest knows what digests hold.
    pub fn by(&self, template: &str) -> Result<String, TemplateError> {
        match self.content {
            Content::Message(message) => self.templates.message(template, message),
            Content::Digest(digest) => self.templates.render(template, digest),
        }
    }

    fn alert(&self, form: &str, message: &Message, limit: Limit) -> String {
        for length in LENGTHS {
            let shorter = message.shortened(length);
            let text = self.worded(|templates| templates.alert(form, &shorter));
            if let Some(text) = text.filter(|it| limit.holds(it)) {
                return text;
            }
        }
        // No room for more than some of the headline.
        let mut headline = printable(&message.headline);
        loop {
            let text = Target::of(form).escape(&headline);
            if limit.holds(&text) || headline.is_empty() {
                return text;
            }
            let half = headline.chars().count() / 2;
            headline = cut_by(&headline, half, |it| it.chars().count());
        }
    }

    fn digest(&self, name: &str, digest: &Value) -> String {
        self.worded(|templates| templates.render(name, digest))
            .map_or_else(String::new, |it| it.trim().to_owned())
    }

    /// A template that fails on what it did not expect must not cost the message: the shipped one
    /// takes its place.
    fn worded(&self, word: impl Fn(&Templates) -> Result<String, TemplateError>) -> Option<String> {
        match word(self.templates) {
            Ok(text) => Some(text),
            Err(error) => {
                tracing::warn!("a template fails, the shipped one is used instead: {error}");
                word(&self.templates.shipped()).ok()
            }
        }
    }
}

/// Whole lines of `text`, as many as fit.
fn lines(text: &str, limit: Limit) -> String {
    if limit.holds(text) {
        return text.to_owned();
    }
    let mut kept = String::new();
    for line in text.lines() {
        if !limit.holds(&format!("{kept}{line}\n…")) {
            break;
        }
        kept.push_str(line);
        kept.push('\n');
    }
    limit.cut(&format!("{kept}…"))
}

//! The words of an alert, free of any channel. What a webhook receives is this, as JSON.

pub mod escape;
pub mod lines;
pub mod said;
pub mod templates;

use serde::{Deserialize, Serialize};

use crate::feed::Feed;
use crate::feed::health::Health;
use crate::route::Severity;
use crate::story::DevelopmentKind;
use crate::story::ladder::State;
use crate::text::{cut, sentences};
use crate::topic::lexicon::{Lexicon, Reading};
use crate::words::acts;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub id: String,
    pub topic: String,
    /// What kind of development: `opens`, `fact`; or `feed-health`, `test`.
    pub kind: String,
    pub story: StoryLine,
    #[serde(default)]
    pub development: DevelopmentLine,
    pub headline: String,
    /// The sentences that are new, as published.
    pub new: Vec<Quote>,
    pub item: ItemLine,
    /// Independent sources that have reported this development: this one's first, then in the order of reporting.
    pub sources: Vec<String>,
    /// Why this is told.
    pub reason: String,
    /// The development's first report, where this is a later one.
    #[serde(default)]
    pub first: Option<FirstLine>,
    /// Developments held back since the last alert; the digest has them.
    #[serde(default)]
    pub suppressed: u32,
    /// RFC 3339, UTC.
    pub created_at: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StoryLine {
    pub id: i64,
    pub title: String,
    /// Where its meeting stands.
    pub state: Option<String>,
    /// What the matter is called, and its state, where that is no meeting's: `agreement`, `in force`.
    #[serde(default)]
    pub noun: Option<String>,
    #[serde(default)]
    pub state_word: Option<String>,
    #[serde(default)]
    pub was_word: Option<String>,
    /// Where it stood before this development, if that is known.
    #[serde(default)]
    pub was: Option<String>,
    /// The day and the place that are set: `2026-06-12`, and English.
    #[serde(default)]
    pub day: Option<String>,
    #[serde(default)]
    pub place: Option<String>,
    /// Whose word the state is.
    #[serde(default)]
    pub said_by: Option<String>,
}

/// What happened, as the headline says it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DevelopmentLine {
    pub id: i64,
    /// English: who does what. An English headline stands for itself.
    pub summary: String,
    /// Where it says that the meeting stands.
    #[serde(default)]
    pub state: Option<String>,
    /// The day to come that it names: `2026-06-12`.
    pub when: Option<String>,
    /// The place that it names, in English.
    pub r#where: Option<String>,
    /// It names no source.
    #[serde(default)]
    pub hearsay: bool,
}

/// Who had the development first, and how long before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FirstLine {
    pub outlet: String,
    /// When it was first seen; RFC 3339, UTC.
    pub at: String,
    pub lag_secs: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quote {
    pub text: String,
    pub language: Option<String>,
    /// English glosses of the concepts in it.
    pub gloss: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemLine {
    pub title: String,
    pub url: Option<String>,
    pub outlet: String,
    pub language: Option<String>,
    pub published_at: Option<String>,
}

impl Message {
    /// To the operator: how a feed is now, and why.
    pub fn health(
        id: String,
        feed: &Feed,
        health: Health,
        reason: String,
        created_at: String,
    ) -> Self {
        let headline = match health {
            Health::Ok => format!("{} is well again", feed.name),
            Health::Gap => format!("{} lost items between two visits", feed.name),
            Health::Odd => format!("{} behaves strangely", feed.name),
            Health::Zombie => format!("{} shows nothing but old items", feed.name),
            other => format!("{} is {}", feed.name, other.as_str()),
        };
        Self {
            id,
            topic: "feeds".to_owned(),
            kind: "feed-health".to_owned(),
            story: StoryLine {
                id: 0,
                title: feed.name.clone(),
                state: Some(health.as_str().to_owned()),
                ..StoryLine::default()
            },
            development: DevelopmentLine::default(),
            headline: headline.clone(),
            new: Vec::new(),
            item: ItemLine {
                title: headline,
                url: None,
                outlet: feed.outlet.clone(),
                language: feed.language.clone(),
                published_at: None,
            },
            sources: vec![feed.outlet.clone()],
            reason,
            first: None,
            suppressed: 0,
            created_at,
        }
    }

    /// To the operator: how the service itself is. `kind` stands before the headline, in capitals.
    pub fn to_operator(
        id: String,
        kind: &str,
        headline: String,
        reason: String,
        created_at: String,
    ) -> Self {
        let mut message = Self::test(created_at);
        message.id = id;
        "summitwatch".clone_into(&mut message.topic);
        kind.clone_into(&mut message.kind);
        message.story.title.clone_from(&headline);
        message.item.title.clone_from(&headline);
        message.headline = headline;
        message.new.clear();
        message.reason = reason;
        message
    }

    /// What `notify test` sends.
    pub fn test(created_at: String) -> Self {
        Self {
            id: format!("test-{created_at}"),
            topic: "test".to_owned(),
            kind: "test".to_owned(),
            story: StoryLine {
                id: 0,
                title: "A test of this channel".to_owned(),
                ..StoryLine::default()
            },
            development: DevelopmentLine::default(),
            headline: "summitwatch can reach you here".to_owned(),
            new: vec![Quote {
                text: "북미 정상회담 · 米朝首脳会談 · 美朝峰会".to_owned(),
                language: Some("ko".to_owned()),
                gloss: "US–DPRK summit, to show that every script arrives".to_owned(),
            }],
            item: ItemLine {
                title: "summitwatch can reach you here".to_owned(),
                url: None,
                outlet: "summitwatch".to_owned(),
                language: Some("en".to_owned()),
                published_at: Some(created_at.clone()),
            },
            sources: vec!["summitwatch".to_owned()],
            reason: "you asked for a test message".to_owned(),
            first: None,
            suppressed: 0,
            created_at,
        }
    }

    /// That of its development, as routes judge it; how a feed is matters little.
    pub fn severity(&self) -> Severity {
        match DevelopmentKind::of(&self.kind) {
            Some(kind) => Severity::of(kind, self.story.state.as_deref().and_then(State::of)),
            None if self.kind == "feed-health" => Severity::Low,
            None => Severity::Normal,
        }
    }

    /// The message with every text of it cut to `length` characters, and without an address that
    /// is longer than what it leads to: half an address leads nowhere.
    #[must_use]
    pub fn shortened(&self, length: usize) -> Self {
        let short = |text: &str| cut(text, length);
        let mut message = self.clone();
        message.headline = short(&self.headline);
        message.reason = short(&self.reason);
        message.development.summary = short(&self.development.summary);
        message.story.title = short(&self.story.title);
        message.item.title = short(&self.item.title);
        message.item.outlet = short(&self.item.outlet);
        message.item.url.take_if(|it| it.len() > length.max(300));
        message.new.truncate(length);
        for quote in &mut message.new {
            quote.text = short(&quote.text);
            quote.gloss = short(&quote.gloss);
        }
        message.sources.truncate(length);
        for source in &mut message.sources {
            *source = short(source);
        }
        if let Some(first) = &mut message.first {
            first.outlet = short(&first.outlet);
        }
        message
    }

    /// What templates are tried on: messages in which everything is said, and in which nothing is.
    pub fn samples() -> [Self; 2] {
        let time = "2026-03-02T00:48:00Z".to_owned();
        let bare = Self::test(time.clone());
        let full = Self {
            kind: "state".to_owned(),
            story: StoryLine {
                state: Some("placed".to_owned()),
                was: Some("dated".to_owned()),
                day: Some("2026-05-12".to_owned()),
                place: Some("Panmunjom".to_owned()),
                said_by: Some("the White House".to_owned()),
                ..bare.story.clone()
            },
            development: DevelopmentLine {
                id: 1,
                summary: "The White House sets a place for the meeting".to_owned(),
                state: Some("placed".to_owned()),
                when: Some("2026-05-12".to_owned()),
                r#where: Some("Panmunjom".to_owned()),
                hearsay: true,
            },
            item: ItemLine {
                url: Some("https://wire.example/1".to_owned()),
                language: Some("ko".to_owned()),
                ..bare.item.clone()
            },
            first: Some(FirstLine {
                outlet: "Wire".to_owned(),
                at: time,
                lag_secs: 60,
            }),
            suppressed: 1,
            ..bare.clone()
        };
        let none = Self {
            new: Vec::new(),
            item: ItemLine {
                language: None,
                published_at: None,
                ..bare.item.clone()
            },
            sources: Vec::new(),
            ..bare
        };
        [full, none]
    }
}

/// The sentences `wanted` (0 is the title, then those of the summary) as quotes with glosses.
pub fn quotes(
    title: &str,
    summary: &str,
    language: Option<&str>,
    wanted: &[u16],
    reading: &Reading,
    lexicon: &Lexicon,
) -> Vec<Quote> {
    let ranges = sentences(summary);
    wanted
        .iter()
        .filter_map(|&sentence| {
            let text = match usize::from(sentence).checked_sub(1) {
                None => title,
                Some(at) => &summary[ranges.get(at)?.clone()],
            };
            let gloss = gloss(sentence, reading, lexicon);
            Some(Quote {
                text: text.to_owned(),
                language: language.map(str::to_owned),
                gloss,
            })
        })
        .collect()
}

/// English names of the concepts in one sentence, in the order in which they stand.
fn gloss(sentence: u16, reading: &Reading, lexicon: &Lexicon) -> String {
    let mut glosses: Vec<String> = Vec::new();
    for hit in reading.hits.iter().filter(|hit| hit.sentence == sentence) {
        let concept = lexicon.concept(hit.concept);
        let gloss = acts::name(&concept.id, &concept.gloss);
        if !gloss.is_empty() && !glosses.contains(&gloss) {
            glosses.push(gloss);
        }
    }
    glosses.join(" · ")
}

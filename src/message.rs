//! The words of an alert, free of any channel. What a webhook receives is this, as JSON.

use serde::{Deserialize, Serialize};

use crate::feed::Feed;
use crate::feed::health::Health;
use crate::text::sentences;
use crate::topic::lexicon::{Lexicon, Reading};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub id: String,
    pub topic: String,
    /// What kind of development: `opens`, `fact`; or `feed-health`, `test`.
    pub kind: String,
    pub story: StoryLine,
    pub headline: String,
    /// The sentences that are new, as published.
    pub new: Vec<Quote>,
    pub item: ItemLine,
    /// Independent origins that have the story: this one's first, then in the order of reporting.
    pub sources: Vec<String>,
    /// Why this is told.
    pub reason: String,
    /// Developments held back since the last alert; the digest has them.
    #[serde(default)]
    pub suppressed: u32,
    /// RFC 3339, UTC.
    pub created_at: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoryLine {
    pub id: i64,
    pub title: String,
    pub state: Option<String>,
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
            },
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
            suppressed: 0,
            created_at,
        }
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
                state: None,
            },
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
            suppressed: 0,
            created_at,
        }
    }

    /// For a lock screen: what kind of news, then the news.
    pub fn first_line(&self) -> String {
        let kind = match self.kind.as_str() {
            "opens" => "NEW",
            "fact" => "NEW FACT",
            "feed-health" => "FEED",
            "state" => "STATE",
            "official" => "OFFICIAL",
            "correction" => "CORRECTION",
            "test" => "TEST",
            other => other,
        };
        format!("{kind} · {}", self.headline)
    }

    /// Plain text of several lines; `published` is the time as its reader wants it.
    pub fn plain(&self, published: &str) -> String {
        let mut lines = vec![self.first_line()];
        for quote in self.new.iter().filter(|quote| quote.text != self.headline) {
            lines.push(format!(
                "“{}”{}",
                quote.text,
                language_mark(quote.language.as_deref())
            ));
        }
        let glosses: Vec<&str> = self
            .new
            .iter()
            .map(|it| it.gloss.as_str())
            .filter(|it| !it.is_empty())
            .collect();
        if !glosses.is_empty() {
            lines.push(format!("about: {}", glosses.join("; ")));
        }
        lines.push(format!("why: {}", self.reason));
        if self.sources.len() > 1 {
            let (n, names) = (self.sources.len(), self.sources.join(", "));
            lines.push(format!("{n} independent sources ({names})"));
        }
        if self.suppressed > 0 {
            lines.push(format!(
                "suppressed {} since the last alert; the digest has them",
                self.suppressed
            ));
        }
        // Who is cited, where the outlet only passes it on.
        let cited = self.sources.first().filter(|it| **it != self.item.outlet);
        let citing = cited.map_or(String::new(), |it| format!(", citing {it}"));
        lines.push(format!("{}{citing}, {published}", self.item.outlet));
        if let Some(url) = &self.item.url {
            lines.push(url.clone());
        }
        lines.join("\n")
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
    let mut glosses: Vec<&str> = Vec::new();
    for hit in reading.hits.iter().filter(|hit| hit.sentence == sentence) {
        let gloss = lexicon.concept(hit.concept).gloss.as_str();
        if !gloss.is_empty() && !glosses.contains(&gloss) {
            glosses.push(gloss);
        }
    }
    glosses.join(" · ")
}

fn language_mark(language: Option<&str>) -> String {
    language.map(|it| format!(" [{it}]")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::Message;

    #[test]
    fn plain_text_reads_from_what_is_new_to_where_it_stands() {
        let message = Message::test("2026-03-02T00:48:00Z".to_owned());
        insta::assert_snapshot!(message.plain("2 Mar 09:48"), @r"
        TEST · summitwatch can reach you here
        “북미 정상회담 · 米朝首脳会談 · 美朝峰会” [ko]
        about: US–DPRK summit, to show that every script arrives
        why: you asked for a test message
        summitwatch, 2 Mar 09:48
        ");
    }
}

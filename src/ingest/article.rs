//! The text of an article's page: which items want it, and what becomes of it. An item that matches
//! by its title and lead is told as it is; one that only nearly matches may match by its text.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Transaction;

use crate::ingest::item::{Body, Seen, Told};
use crate::ingest::{Attempt, Ingest};
use crate::item::Item;
use crate::store::articles::{self, Announced};
use crate::store::items::{self, ItemId};
use crate::store::{Store, StoreError, feeds};
use crate::text::Words;

/// What a visit to an article's page found: a plain value, made anywhere.
#[derive(Debug, Clone)]
pub struct Article {
    pub item: ItemId,
    pub at: Timestamp,
    pub found: Page,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// Plain text, a paragraph a line.
    Text(String),
    Failed {
        message: String,
        /// How long to wait before another try; `None`: trying again cannot help.
        again: Option<Duration>,
    },
}

/// Waits before the second and each further try.
const WAITS: [Duration; 2] = [Duration::from_secs(600), Duration::from_secs(3_600)];

impl Ingest {
    /// Takes articles in one transaction and says how many alerts came of them.
    pub fn take_articles(
        &mut self,
        store: &Store,
        articles: &[Article],
    ) -> Result<usize, StoreError> {
        let Some(now) = articles.last().map(|it| it.at) else {
            return Ok(0);
        };
        let attempt = self.attempt(store, now, |ingest, tx| {
            articles.iter().try_fold(0, |alerts, article| {
                Ok(alerts + ingest.take_article(tx, article)?)
            })
        });
        match attempt {
            Attempt::Taken(alerts) => Ok(alerts),
            Attempt::Refused(error) => Err(error),
            // Not knowing which, none of these is tried again.
            Attempt::Panicked => store.write(|tx| {
                for article in articles {
                    let fault = "a fault of ours while reading it; the log has the details";
                    articles::fail(tx, article.item, fault, None)?;
                }
                Ok(0)
            }),
        }
    }

    fn take_article(
        &mut self,
        tx: &Transaction<'_>,
        article: &Article,
    ) -> Result<usize, StoreError> {
        let Some(announced) = articles::announced(tx, article.item)? else {
            return Ok(0);
        };
        match &article.found {
            Page::Text(text) => self.take_text(tx, article, &announced, text),
            Page::Failed { message, again } => {
                let wait = WAITS.get(announced.attempts as usize).copied();
                let wait = again.and_then(|floor| Some(wait?.max(floor)));
                let next = wait.and_then(|it| {
                    article
                        .at
                        .checked_add(SignedDuration::try_from(it).ok()?)
                        .ok()
                });
                articles::fail(tx, article.item, message, next)?;
                Ok(0)
            }
        }
    }

    fn take_text(
        &mut self,
        tx: &Transaction<'_>,
        article: &Article,
        announced: &Announced,
        text: &str,
    ) -> Result<usize, StoreError> {
        // A page behind a wall says less than its lead.
        let text = if text.len() > announced.summary.len() {
            text
        } else {
            &announced.summary
        };
        let words = Words::new(&announced.title, text);
        articles::keep(tx, article.item, text, article.at)?;
        let feed = feeds::get(tx, announced.feed)?;
        let item = Item {
            title: announced.title.clone(),
            summary: text.to_owned(),
            url: announced.url.clone(),
            ..Item::default()
        };
        let told = Told {
            id: article.item,
            feed: &feed,
            item: &item,
            words: &words,
            body: Body::Text,
            language: announced.language.as_deref(),
            published_at: announced.published_at,
            standing: announced.standing,
            original: None,
            was: None,
        };
        let mut seen = Seen::default();
        self.judge(tx, &told, article.at, &mut seen)?;
        if seen.matched {
            articles::decided(tx, article.item)?;
        }
        Ok(seen.alerts)
    }
}

/// Asks for the text of an item that matches or nearly does, where its feed wants that.
pub(super) fn want(
    tx: &Transaction<'_>,
    told: &Told<'_>,
    seen: &Seen,
    now: Timestamp,
) -> Result<(), StoreError> {
    let is_worth_it = (seen.matched || seen.near) && told.item.url.is_some() && !told.repeats();
    if is_worth_it {
        articles::want(tx, told.id, now)?;
    }
    Ok(())
}

/// Whether a topic has judged the item already.
pub(super) fn is_settled(
    tx: &Transaction<'_>,
    told: &Told<'_>,
    topic: &str,
) -> Result<bool, StoreError> {
    Ok(told.body == Body::Text && items::matched(tx, told.id, topic)?)
}

//! Whether a feed announced an item before, and whether another has the article already. Three
//! keys — guid, address, text — and each counts only as far as publishers can be trusted with it.

use std::collections::{HashMap, HashSet};
use std::ops::Deref;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Transaction;

use crate::feed::FeedId;
use crate::item::{Item, canonical_url, near_same_title, stable_guid, text_key, title_key};
use crate::store::StoreError;
use crate::store::items::{self, ItemId, Known};
use crate::text::Words;

/// Texts that are equal so long after each other are no copies but a formula.
const COPY_WINDOW: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Which key told, as `aliases.found_by` spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundBy {
    Guid,
    Url,
    Title,
    Text,
}

impl FoundBy {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Guid => "guid",
            Self::Url => "url",
            Self::Title => "title",
            Self::Text => "text",
        }
    }
}

/// What an announcement is to the archive.
#[derive(Debug)]
pub enum Identity {
    /// Its feed announced it before.
    Known(Known, FoundBy),
    /// Another item is the same article.
    Copy(Known),
    New,
}

/// Keys that several entries of one document share tell none of them.
#[derive(Debug, Default)]
pub struct Shared {
    guids: HashSet<String>,
    urls: HashSet<String>,
}

impl Shared {
    pub fn of(items: &[Item]) -> Self {
        let mut shared = Self::default();
        let mut by_guid: HashMap<String, &Item> = HashMap::new();
        let mut by_url: HashMap<String, &Item> = HashMap::new();
        for item in items {
            if let Some(guid) = item.guid.as_deref().map(stable_guid)
                && let Some(other) = by_guid.insert(guid.clone(), item)
                && (other.url != item.url || other.title != item.title)
            {
                shared.guids.insert(guid);
            }
            if let Some(url) = item.url.as_deref().and_then(canonical_url)
                && let Some(other) = by_url.insert(url.clone(), item)
                && other.title != item.title
            {
                shared.urls.insert(url);
            }
        }
        shared
    }
}

/// Under which keys an item is looked up.
#[derive(Debug)]
pub struct Keys {
    pub guid: Option<String>,
    pub canonical_url: Option<String>,
    /// The address tells this item from others of its feed.
    url_is_own: bool,
    /// Title and time, where neither guid nor address lasts.
    title: Option<String>,
}

impl Keys {
    pub fn of(item: &Item, shared: &Shared) -> Self {
        let canonical_url = item.url.as_deref().and_then(canonical_url);
        // A home page is nobody's address.
        let url_is_own = canonical_url
            .as_deref()
            .is_some_and(|url| !shared.urls.contains(url) && has_path(url));
        let guid = item
            .guid
            .as_deref()
            .map(stable_guid)
            .filter(|guid| !shared.guids.contains(guid));
        let by_title = || title_key(&item.title, &item.summary, item.published_at());
        let guid = guid.or_else(|| (!url_is_own).then(by_title));
        let title = canonical_url.as_deref().is_some_and(churns).then(by_title);
        Self {
            guid,
            canonical_url,
            url_is_own,
            title,
        }
    }

    /// Keeps the title of a new item that will come back under another guid and another address.
    pub fn note(
        &self,
        tx: &Transaction<'_>,
        feed: FeedId,
        id: ItemId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        match &self.title {
            Some(title) => items::add_alias(tx, feed, id, title, FoundBy::Title.as_str(), now),
            None => Ok(()),
        }
    }

    /// Keeps a guid that the item was not known by.
    pub fn remember(
        &self,
        tx: &Transaction<'_>,
        known: &Known,
        by: FoundBy,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        match &self.guid {
            Some(guid) if by != FoundBy::Guid && known.guid_key.as_ref() != Some(guid) => {
                items::add_alias(tx, known.feed, known.id, guid, by.as_str(), now)
            }
            _ => Ok(()),
        }
    }

    /// One guid, but another address, headline and time: a guid that its publisher uses again.
    fn contradict(&self, known: &Known, item: &Item) -> bool {
        let moved = match (&self.canonical_url, &known.canonical_url) {
            (Some(url), Some(before)) => url != before,
            _ => false,
        };
        moved && !same_time(item, known) && !near_same_title(&item.title, &known.title)
    }
}

/// Google News gives an article another link and another guid at each fetch.
fn churns(canonical: &str) -> bool {
    canonical.starts_with("https://news.google.com/")
}

fn has_path(canonical: &str) -> bool {
    canonical
        .trim_start_matches("https://")
        .contains(['/', '?'])
}

fn same_time(item: &Item, known: &Known) -> bool {
    item.published_at().is_some() && item.published_at() == known.published_at
}

/// Looks an announcement up in its own feed, then among the articles of others. `words` are only
/// asked for where guid and address do not tell.
pub fn identify<'a>(
    tx: &Transaction<'_>,
    feed: FeedId,
    item: &Item,
    keys: &Keys,
    words: &impl Deref<Target = Words<'a>>,
    now: Timestamp,
) -> Result<Identity, StoreError> {
    if let Some(guid) = &keys.guid
        && let Some(known) = items::by_guid(tx, feed, guid)?
        && !keys.contradict(&known, item)
    {
        return Ok(Identity::Known(known, FoundBy::Guid));
    }
    let mut elsewhere = None;
    if let Some(url) = keys.canonical_url.as_deref().filter(|_| keys.url_is_own) {
        let (own, others): (Vec<Known>, Vec<Known>) = items::by_url(tx, url)?
            .into_iter()
            .partition(|it| it.feed == feed);
        // A page of several items, a live blog say, tells none of them apart.
        let is_shared = own.len() > 1;
        let mut own = own.into_iter();
        if let Some(known) = own.find(|it| !is_shared || near_same_title(&item.title, &it.title)) {
            return Ok(Identity::Known(known, FoundBy::Url));
        }
        elsewhere = others.into_iter().next().filter(|_| !is_shared);
    }
    if let Some(title) = &keys.title
        && let Some(known) = items::by_guid(tx, feed, title)?
        // Entries of one document are each their own, here and below.
        && known.first_seen_at < now
    {
        return Ok(Identity::Known(known, FoundBy::Title));
    }
    let Some(text_key) = text_key(words) else {
        return Ok(elsewhere.map_or(Identity::New, Identity::Copy));
    };
    let alike = items::by_text(tx, text_key)?;
    // A link that carries a new token at each fetch, often without a guid.
    let is_same = |it: &&Known| {
        let undated = item.published_at().or(it.published_at).is_none();
        it.feed == feed && it.first_seen_at < now && (undated || same_time(item, it))
    };
    if let Some(known) = alike.iter().find(is_same) {
        return Ok(Identity::Known(known.clone(), FoundBy::Text));
    }
    let since = now.checked_sub(COPY_WINDOW).unwrap_or(now);
    let copied = alike.into_iter().find(|it| it.first_seen_at >= since);
    Ok(elsewhere.or(copied).map_or(Identity::New, Identity::Copy))
}

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

/// Between outlets, texts that are equal so long after each other are no copies but a formula: wires
/// are copied within hours.
const COPY_WINDOW: SignedDuration = SignedDuration::from_hours(12);
/// Within a feed: a publisher that sends the same words again under another guid and address so long
/// after reports another event.
const SELF_COPY_WINDOW: SignedDuration = SignedDuration::from_hours(2);

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
            if let Some(guid) = guid_of(item)
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
    /// Its publisher gave it that guid.
    has_guid: bool,
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
        let guid = guid_of(item).filter(|guid| !shared.guids.contains(guid));
        let has_guid = guid.is_some();
        let by_title = || title_key(&item.title, &item.summary, item.published_at());
        let guid = guid.or_else(|| (!url_is_own).then(by_title));
        let title = canonical_url.as_deref().is_some_and(churns).then(by_title);
        Self {
            guid,
            has_guid,
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

    /// Both have a guid of their publisher, and these are others.
    fn is_other_guid(&self, known: &Known) -> bool {
        let given = known
            .guid_key
            .as_deref()
            .filter(|it| !it.starts_with("title:"));
        self.has_guid && given.is_some_and(|it| Some(it) != self.guid.as_deref())
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

fn guid_of(item: &Item) -> Option<String> {
    let guid = item.guid.as_deref()?;
    Some(stable_guid(guid, item.url.as_deref()))
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

/// How long after each other two items were published; where one does not say, were first seen.
fn apart(item: &Item, known: &Known, now: Timestamp) -> SignedDuration {
    let seen = now.duration_since(known.first_seen_at).abs();
    match (item.published_at(), known.published_at) {
        (Some(at), Some(before)) => at.duration_since(before).abs(),
        _ => seen,
    }
}

/// Whether a feed announced this before under its guid or its address; cheaper than [`identify`], and
/// unsure where keys do not tell.
pub fn is_known(tx: &Transaction<'_>, feed: FeedId, keys: &Keys) -> Result<bool, StoreError> {
    if let Some(guid) = &keys.guid
        && items::by_guid(tx, feed, guid)?.is_some()
    {
        return Ok(true);
    }
    match &keys.canonical_url {
        Some(url) if keys.url_is_own => {
            Ok(items::by_url(tx, url)?.iter().any(|it| it.feed == feed))
        }
        _ => Ok(false),
    }
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
        // Another guid at the same address is another item, unless it says nearly the same.
        let may_be = |it: &Known| !is_shared && !keys.is_other_guid(it);
        if let Some(known) = own.find(|it| may_be(it) || near_same_title(&item.title, &it.title)) {
            return Ok(Identity::Known(known, FoundBy::Url));
        }
        elsewhere = others.into_iter().next().filter(|_| !is_shared);
    }
    if let Some(title) = &keys.title
        && let Some(known) = items::by_guid(tx, feed, title)?
        // Entries of one document are each their own, here and below. A clock that was set back makes
        // no entry of this document of what was seen in its future.
        && known.first_seen_at != now
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
        it.feed == feed
            && it.first_seen_at != now
            && (same_time(item, it) || (undated && !keys.has_guid))
    };
    if let Some(known) = alike.iter().find(is_same) {
        return Ok(Identity::Known(known.clone(), FoundBy::Text));
    }
    let copied = alike.into_iter().find(|it| {
        let window = if it.feed == feed {
            SELF_COPY_WINDOW
        } else {
            COPY_WINDOW
        };
        apart(item, it, now) <= window
    });
    Ok(elsewhere.or(copied).map_or(Identity::New, Identity::Copy))
}

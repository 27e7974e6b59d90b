//! An item → the archive: whether it is known, its words and dates as stored, and what the topics make of it.

use std::borrow::Cow;
use std::cell::{Cell, LazyCell};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Transaction;

use crate::alert::Standing;
use crate::clock::rfc3339;
use crate::feed::Polled;
use crate::feed::bounds::{
    Day, JUDGED_PER_ITEM, NUMBERS_PER_VISIT, Oddity, REVISED_PER_DAY, differ_in_numbers,
};
use crate::feed::pace::PollPolicy;
use crate::ingest::identity::{Identity, Keys, Shared, identify};
use crate::ingest::thread::Matched;
use crate::ingest::{FUTURE_SLACK, Ingest, article, before};
use crate::item::{Item, Precision, near_same_title, text_key};
use crate::store::items::{self, By, ItemId, Known, NewItem};
use crate::store::{StoreError, copies};
use crate::text::fold::fold;
use crate::text::{Words, headline, is_no_title, language};

impl Ingest {
    /// Takes one item of a listing.
    pub fn take_item(
        &mut self,
        tx: &Transaction<'_>,
        feed: &Polled,
        item: &Item,
        listing: &Listing<'_>,
        now: Timestamp,
    ) -> Result<Seen, StoreError> {
        let &Listing {
            declared,
            shared,
            undated,
            ..
        } = listing;
        let keys = Keys::of(item, shared);
        let item = &*titled(item);
        let words = LazyCell::new(|| Words::new(&item.title, &item.summary));
        let original = match identify(tx, feed.id, item, &keys, &words, now)? {
            Identity::Known(known, by) => {
                keys.remember(tx, &known, by, now)?;
                return self.take_known(tx, feed, &known, item, listing, now);
            }
            Identity::Copy(original) => Some(original),
            Identity::New => None,
        };
        let words = &*words;
        let (published_at, published_raw) = clamp(item.published_at(), now);
        let told_as = standing(item, feed, now, &self.poll, undated);
        let standing = match &original {
            Some(original) if !copies::is_untold(tx, original)? => Standing::Copy,
            _ => told_as,
        };
        let language = language::detect(
            &item.title,
            &item.summary,
            item.language.as_deref().or(declared),
        );
        let id = items::insert(
            tx,
            &NewItem {
                feed: feed.id,
                guid: item.guid.as_deref(),
                guid_key: keys.guid.as_deref(),
                url: item.url.as_deref(),
                canonical_url: keys.canonical_url.as_deref(),
                words,
                author: item.author.as_deref(),
                language: language.as_deref(),
                categories: &item.categories,
                published_at,
                published_raw,
                first_seen_at: now,
                text_key: text_key(words),
                standing,
                duplicate_of: original.as_ref().map(|it| it.duplicate_of.unwrap_or(it.id)),
            },
        )?;
        keys.note(tx, feed.id, id, now)?;
        let told = Told {
            id,
            feed,
            item,
            words,
            body: Body::Summary,
            language: language.as_deref(),
            published_at,
            standing: told_as,
            original,
            was: None,
        };
        let mut seen = Seen {
            item: Some(id),
            change: Change::New,
            ..Seen::default()
        };
        self.judge(tx, &told, now, &mut seen)?;
        Ok(seen)
    }

    fn take_known(
        &mut self,
        tx: &Transaction<'_>,
        feed: &Polled,
        known: &Known,
        item: &Item,
        listing: &Listing<'_>,
        now: Timestamp,
    ) -> Result<Seen, StoreError> {
        let mut seen = Seen {
            item: Some(known.id),
            ..Seen::default()
        };
        // An archive of an earlier release kept posts without their first sentence as title.
        let untitled_before = known.title.is_empty() && known.summary == item.summary;
        if same_words(item, known)
            || item.title.is_empty()
            || untitled_before
            || items::said_before(tx, known.id, &item.title, &item.summary)?
        {
            return Ok(seen);
        }
        if listing.day.revised + listing.revised.get() >= REVISED_PER_DAY {
            seen.oddity = Some(Oddity::Revisions);
            return Ok(seen);
        }
        let words = Words::new(&item.title, &item.summary);
        items::revise(tx, known, &words, now)?;
        seen.change = Change::Revised;
        listing.revised.set(listing.revised.get() + 1);
        if items::revised_since(tx, known.id, before(now, DAY))? > JUDGED_PER_ITEM {
            seen.oddity = Some(Oddity::Revisions);
            return Ok(seen);
        }
        if differ_in_numbers(&item.title, &known.title) {
            listing.numbers.set(listing.numbers.get() + 1);
            if listing.numbers.get() > NUMBERS_PER_VISIT {
                seen.oddity = Some(Oddity::Numbers);
                return Ok(seen);
            }
        }
        let (published_at, _) = clamp(item.published_at(), now);
        let stored = items::stored(tx, known.id)?;
        let told_as = standing(item, feed, now, &self.poll, listing.undated);
        let standing = match stored.standing {
            // With words of its own it repeats nobody.
            Standing::Copy => told_as,
            // A page that was given other news under a new date.
            Standing::History
                if published_at > known.published_at
                    && !near_same_title(&item.title, &known.title) =>
            {
                told_as
            }
            before => before,
        };
        let told = Told {
            id: known.id,
            feed,
            item,
            words: &words,
            body: Body::Summary,
            language: stored.language.as_deref(),
            published_at,
            standing,
            original: None,
            was: Some(&known.title),
        };
        self.judge(tx, &told, now, &mut seen)?;
        Ok(seen)
    }

    pub(super) fn judge(
        &mut self,
        tx: &Transaction<'_>,
        told: &Told<'_>,
        now: Timestamp,
        seen: &mut Seen,
    ) -> Result<(), StoreError> {
        let engine = Arc::clone(&self.engine);
        let reading = engine.lexicon.read(told.words);
        let wants_text =
            told.body == Body::Summary && self.full_text.contains(&told.feed.feed.name);
        for topic in &engine.topics {
            let verdict = topic.judge(&reading, &engine.lexicon);
            let (by, on_topic) = if verdict.matched {
                (By::Rule, Some(1.0))
            } else if verdict.related {
                (By::Related, Some(1.0))
            } else {
                (
                    By::Story,
                    self.takes_in(told, topic, &verdict, &reading, now),
                )
            };
            let Some(on_topic) = on_topic else {
                seen.near |= wants_text && topic.nearly(&reading, &engine.lexicon);
                continue;
            };
            if article::is_settled(tx, told, &topic.name)? {
                continue;
            }
            seen.matched = true;
            let matched = Matched {
                topic,
                verdict: &verdict,
                by,
                on_topic,
                reading: &reading,
            };
            // Of what was not told, a copy is the first to tell it.
            let original = match &told.original {
                Some(original) if copies::was_told(tx, original, &topic.name)? => {
                    Some(original.clone())
                }
                _ => None,
            };
            let told = Told {
                original,
                ..told.plain()
            };
            seen.alerts += usize::from(self.thread(tx, &told, &matched, now)?);
        }
        if wants_text {
            article::want(tx, told, seen, now)?;
        }
        Ok(())
    }
}

/// What is read of an item below its title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    Summary,
    /// The text of the article's page.
    Text,
}

impl Body {
    /// As evidence names it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Summary => "summary",
            Self::Text => "text",
        }
    }
}

/// An item on its way through a transaction.
pub(super) struct Told<'a> {
    pub(super) id: ItemId,
    pub(super) feed: &'a Polled,
    pub(super) item: &'a Item,
    pub(super) words: &'a Words<'a>,
    pub(super) body: Body,
    pub(super) language: Option<&'a str>,
    pub(super) published_at: Option<Timestamp>,
    pub(super) standing: Standing,
    pub(super) original: Option<Known>,
    /// The title before a revision.
    pub(super) was: Option<&'a str>,
}

impl<'a> Told<'a> {
    /// The same without its original.
    fn plain(&self) -> Told<'a> {
        Told {
            id: self.id,
            feed: self.feed,
            item: self.item,
            words: self.words,
            body: self.body,
            language: self.language,
            published_at: self.published_at,
            standing: self.standing,
            original: None,
            was: self.was,
        }
    }

    /// Another item said exactly this.
    pub(super) fn repeats(&self) -> bool {
        let original = self.original.as_ref();
        original.is_some_and(|it| same_words(self.item, it))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Change {
    #[default]
    None,
    New,
    Revised,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    pub item: Option<ItemId>,
    pub change: Change,
    pub matched: bool,
    /// Some topic's concepts are in it, but not together as a rule wants them.
    pub near: bool,
    pub alerts: usize,
    /// A bound that it hit.
    pub oddity: Option<Oddity>,
}

/// What the items of a document share.
#[derive(Debug)]
pub struct Listing<'a> {
    pub declared: Option<&'a str>,
    /// Which keys the document wore out.
    pub shared: &'a Shared,
    /// What an item without a readable date is.
    pub undated: Undated,
    /// What its feed did today before.
    pub day: Day,
    /// Items that this visit revised, and those of them that it changed in numbers only.
    pub revised: Cell<usize>,
    pub numbers: Cell<usize>,
}

impl<'a> Listing<'a> {
    /// Of an item that came without its listing.
    pub fn alone(declared: Option<&'a str>, shared: &'a Shared) -> Self {
        Self {
            declared,
            shared,
            undated: Undated::News,
            day: Day::default(),
            revised: Cell::default(),
            numbers: Cell::default(),
        }
    }
}

/// What an item without a readable date is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undated {
    /// It was not there at the last visit.
    News,
    /// It was there before the feed was ever read.
    Backlog,
}

impl Undated {
    /// Of the items of a listing. In the first that a feed ever gave, everything without a date is
    /// backlog.
    pub(super) fn of(feed: &Polled) -> Self {
        match feed.last_document_at {
            Some(_) => Self::News,
            None => Self::Backlog,
        }
    }
}

/// The item with the beginning of its text for a title, where it has none.
fn titled(item: &Item) -> Cow<'_, Item> {
    if !is_no_title(&item.title) || item.summary.is_empty() {
        return Cow::Borrowed(item);
    }
    let title = headline(&item.summary);
    if title.is_empty() {
        return Cow::Borrowed(item);
    }
    Cow::Owned(Item {
        title,
        ..item.clone()
    })
}

/// In which changes of one item are counted.
const DAY: Duration = Duration::from_secs(86_400);

/// The same but for markup, case and width.
fn same_words(item: &Item, known: &Known) -> bool {
    let alike = |a: &str, b: &str| a == b || fold(a) == fold(b);
    let same_below = || {
        if known.is_pruned {
            text_key(&Words::new(&item.title, &item.summary)) == known.text_key
        } else {
            alike(&item.summary, &known.summary)
        }
    };
    alike(&item.title, &known.title) && same_below()
}

/// No feed carries news from before the web.
const ABSURD_BEFORE: i64 = 631_152_000;

/// The feed's word on when, unless it cannot be; then what it said is kept beside.
fn clamp(published_at: Option<Timestamp>, now: Timestamp) -> (Option<Timestamp>, Option<String>) {
    match published_at {
        Some(at) if at.duration_since(now) > FUTURE_SLACK => (Some(now), Some(rfc3339(at))),
        Some(at) if at.as_second() < ABSURD_BEFORE => (None, Some(rfc3339(at))),
        at => (at, None),
    }
}

/// A date ahead of now by more than a wrong zone makes of it says nothing.
const FARTHEST_ZONE: SignedDuration = SignedDuration::from_hours(26);

/// History is what was published well before the feed's last complete fetch, or longer ago than
/// the fresh window: a new feed's backlog, a refilled archive, the days of an outage.
fn standing(
    item: &Item,
    feed: &Polled,
    now: Timestamp,
    policy: &PollPolicy,
    undated: Undated,
) -> Standing {
    let far_ahead = |at: Timestamp| at.duration_since(now) > FARTHEST_ZONE;
    let readable = undated == Undated::News || !item.published_at().is_some_and(far_ahead);
    let Some(latest) = latest(item, feed, now).filter(|_| readable) else {
        return match undated {
            Undated::News => Standing::News,
            Undated::Backlog => Standing::History,
        };
    };
    let stale = latest < before(now, policy.fresh_window);
    let late = feed
        .last_success_at
        // A later one was written by a clock that ran ahead.
        .filter(|last| *last <= now)
        .is_some_and(|last| latest < before(last, policy.fresh_window / 2));
    if stale || late {
        Standing::History
    } else {
        Standing::News
    }
}

/// The latest that an item can have been published: where it gives a day and no time, or no date
/// that can be but a day in its address, the end of that day.
fn latest(item: &Item, feed: &Polled, now: Timestamp) -> Option<Timestamp> {
    let day = SignedDuration::from_hours(24);
    let at = clamp(item.published_at(), now).0;
    match (at, item.published) {
        (Some(at), Some(it)) if it.precision == Precision::Day => at.checked_add(day).ok(),
        (Some(at), _) => Some(at),
        (None, _) => {
            let midnight = item.day_in_url()?.at(0, 0, 0, 0);
            let begins = feed.feed.time_zone().to_timestamp(midnight).ok()?;
            begins.checked_add(day).ok()
        }
    }
}

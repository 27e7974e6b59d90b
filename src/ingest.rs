//! Visits → archive: items, matches, stories, developments, deliveries, validators and the next
//! poll in one transaction. A function of the archive, the visit and its time: what is recorded
//! replays to the same archive.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, Transaction};

use crate::alert::{Decision, Standing, decide};
use crate::clock::rfc3339;
use crate::feed::{FeedId, PollPolicy, Polled, Rhythm, Validators, next_interval, next_poll_at};
use crate::fetch::ErrorClass;
use crate::item::{Item, canonical_url, hash, stable_guid, text_key, title_key};
use crate::message::{ItemLine, Message, StoryLine, quotes};
use crate::parse::Parsed;
use crate::store::feeds::{After, AfterOutcome, FetchRow};
use crate::store::items::{ItemId, Known, NewItem};
use crate::store::stories::Placed;
use crate::store::{Store, StoreError, feeds, items, stories};
use crate::story::{Development, Features, OpenStories, Placement, StoryId};
use crate::text::fold::fold;
use crate::text::{Words, language};
use crate::topic::lexicon::Reading;
use crate::topic::{Engine, Topic, Verdict};

/// What a visit to a feed found: a plain value, made anywhere.
#[derive(Debug, Clone)]
pub struct Visit {
    pub feed: FeedId,
    pub at: Timestamp,
    pub duration: Duration,
    pub status: Option<u16>,
    pub retry_after: Option<Duration>,
    pub found: Found,
    /// 0..1, drawn where the visit was made.
    pub jitter: f64,
}

#[derive(Debug, Clone)]
pub enum Found {
    NotModified,
    /// The same bytes as last time; what the server said of them may be new.
    Unchanged {
        bytes: usize,
        validators: Validators,
    },
    Document {
        bytes: usize,
        validators: Validators,
        body_hash: i64,
        parsed: Parsed,
    },
    Failed {
        bytes: usize,
        class: ErrorClass,
        message: String,
    },
}

/// What a visit gave, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    pub feed: String,
    pub status: Option<u16>,
    pub bytes: usize,
    pub entries: usize,
    pub new: usize,
    pub revised: usize,
    pub matched: usize,
    pub alerts: usize,
    pub error: Option<String>,
    pub repairs: Vec<&'static str>,
}

/// Channels by topic.
pub type Routes = HashMap<String, Vec<String>>;

/// What decides, and the open stories it decides over.
#[derive(Debug)]
pub struct Ingest {
    pub engine: Arc<Engine>,
    pub routes: Routes,
    pub poll: PollPolicy,
    pub story: crate::story::Policy,
    open: HashMap<String, OpenStories>,
}

/// Texts that are equal so long after each other are no copies but a formula.
const COPY_WINDOW: SignedDuration = SignedDuration::from_hours(7 * 24);
/// A clock or a zone may be a little wrong.
const FUTURE_SLACK: SignedDuration = SignedDuration::from_mins(15);
/// No feed carries news from before the web.
const ABSURD_BEFORE: i64 = 631_152_000;

impl Ingest {
    pub fn new(engine: Arc<Engine>, routes: Routes, poll: PollPolicy) -> Self {
        Self {
            engine,
            routes,
            poll,
            story: crate::story::Policy::default(),
            open: HashMap::new(),
        }
    }

    /// Reads the open stories back from the archive: at start, and after a rollback.
    pub fn load(&mut self, connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
        self.open.clear();
        let since = before(now, self.story.window);
        for topic in &self.engine.topics {
            let mut open = OpenStories::default();
            for member in stories::members_since(connection, &topic.name, since)? {
                let words = Words::new(&member.title, &member.summary);
                let reading = self.engine.lexicon.read(&words);
                let features = Features::new(&words, &reading, &self.engine.lexicon, member.at);
                open.add(member.story, features);
            }
            self.open.insert(topic.name.clone(), open);
        }
        Ok(())
    }

    /// Takes visits in one transaction: all of them or none. Where one makes a stage panic, each
    /// is taken alone, and the culprit is recorded as a failure of its feed.
    pub fn take(&mut self, store: &Store, visits: &[Visit]) -> Result<Vec<Report>, StoreError> {
        match self.attempt(store, visits) {
            Attempt::Taken(reports) => Ok(reports),
            Attempt::Refused(error) => Err(error),
            Attempt::Panicked => visits
                .iter()
                .map(|visit| self.take_alone(store, visit))
                .collect(),
        }
    }

    fn take_alone(&mut self, store: &Store, visit: &Visit) -> Result<Report, StoreError> {
        let message = "a fault of ours while reading its items; the log has the details".to_owned();
        let failed = Visit {
            found: Found::Failed {
                bytes: 0,
                class: ErrorClass::Panic,
                message,
            },
            ..visit.clone()
        };
        let taken = match self.attempt(store, std::slice::from_ref(visit)) {
            Attempt::Panicked => self.attempt(store, &[failed]),
            attempt => attempt,
        };
        match taken {
            Attempt::Taken(mut reports) => Ok(reports.pop().unwrap_or_default()),
            Attempt::Refused(error) => Err(error),
            Attempt::Panicked => panic!("recording a failure touches no stage that could panic"),
        }
    }

    /// No savepoint per visit: the full-text index would be flushed at each, for half of the cost.
    fn attempt(&mut self, store: &Store, visits: &[Visit]) -> Attempt {
        let taken = catch_unwind(AssertUnwindSafe(|| {
            store.write(|tx| {
                visits
                    .iter()
                    .map(|visit| self.take_visit(tx, visit))
                    .collect()
            })
        }));
        if let Ok(Ok(reports)) = taken {
            return Attempt::Taken(reports);
        }
        // What the failed transaction opened is not in the archive.
        let now = visits.last().map_or(Timestamp::UNIX_EPOCH, |it| it.at);
        if let Err(error) = store.read(|connection| self.load(connection, now)) {
            tracing::warn!(%error, "cannot read the open stories back");
        }
        match taken {
            Ok(Err(error)) => Attempt::Refused(error),
            _ => Attempt::Panicked,
        }
    }

    fn take_visit(&mut self, tx: &Transaction<'_>, visit: &Visit) -> Result<Report, StoreError> {
        let feed = feeds::get(tx, visit.feed)?;
        let mut report = Report {
            feed: feed.feed.name.clone(),
            status: visit.status,
            ..Report::default()
        };
        let (rhythm, outcome, error_class) = match &visit.found {
            Found::NotModified => (Rhythm::Unchanged, AfterOutcome::Complete(None), None),
            Found::Unchanged { bytes, validators } => {
                report.bytes = *bytes;
                let seen = feed
                    .body_hash
                    .map(|body_hash| (validators.clone(), body_hash));
                (Rhythm::Unchanged, AfterOutcome::Complete(seen), None)
            }
            Found::Document {
                bytes,
                validators,
                body_hash,
                parsed,
            } => {
                report.bytes = *bytes;
                self.take_items(tx, &feed, parsed, visit.at, &mut report)?;
                let outcome = if parsed.complete {
                    AfterOutcome::Complete(Some((validators.clone(), *body_hash)))
                } else {
                    AfterOutcome::Truncated
                };
                (Rhythm::Brought(report.new), outcome, None)
            }
            Found::Failed {
                bytes,
                class,
                message,
            } => {
                report.bytes = *bytes;
                report.error = Some(message.clone());
                (
                    Rhythm::Failed,
                    AfterOutcome::Failed(message.clone()),
                    Some(class.as_str()),
                )
            }
        };
        let interval = next_interval(feed.interval, rhythm, feed.failures + 1, &self.poll);
        let next_poll_at = next_poll_at(visit.at, interval, visit.retry_after, visit.jitter);
        feeds::record(
            tx,
            &feed,
            visit.at,
            &After {
                next_poll_at,
                interval,
                outcome,
            },
        )?;
        let row = FetchRow {
            status: visit.status,
            bytes: report.bytes,
            entries: report.entries,
            new: report.new,
            duration: visit.duration,
            error_class,
            error: report.error.clone(),
            repairs: report.repairs.clone(),
        };
        feeds::insert_fetch(tx, visit.feed, visit.at, &row)?;
        Ok(report)
    }

    fn take_items(
        &mut self,
        tx: &Transaction<'_>,
        feed: &Polled,
        parsed: &Parsed,
        now: Timestamp,
        report: &mut Report,
    ) -> Result<(), StoreError> {
        report.entries = parsed.items.len();
        report.repairs.clone_from(&parsed.repairs);
        let shared = Shared::of(&parsed.items);
        let declared = feed
            .feed
            .language
            .clone()
            .or_else(|| parsed.language.clone());
        // The oldest first: a story is opened by whoever told it first. Documents list the
        // newest first, so undated items keep their turn by going backwards.
        let mut order: Vec<&Item> = parsed
            .items
            .iter()
            .rev()
            .filter(|item| !item.is_empty())
            .collect();
        order.sort_by_key(|item| item.published_at().unwrap_or(now));
        for item in order {
            let seen = self.take_item(tx, feed, item, declared.as_deref(), &shared, now)?;
            report.new += usize::from(seen.change == Change::New);
            report.revised += usize::from(seen.change == Change::Revised);
            report.matched += usize::from(seen.matched);
            report.alerts += seen.alerts;
        }
        Ok(())
    }

    /// Takes one item. `shared` tells which keys its document wore out.
    pub fn take_item(
        &mut self,
        tx: &Transaction<'_>,
        feed: &Polled,
        item: &Item,
        declared: Option<&str>,
        shared: &Shared,
        now: Timestamp,
    ) -> Result<Seen, StoreError> {
        let keys = Keys::of(item, shared);
        let at_url = match &keys.canonical_url {
            Some(url) if keys.url_is_own => items::by_url(tx, feed.id, url)?,
            _ => None,
        };
        if let Some(known) = find(tx, feed.id, &keys, at_url.as_ref())? {
            return self.take_known(tx, feed, &known, item, &keys, now);
        }
        let words = Words::new(&item.title, &item.summary);
        let (published_at, published_raw) = clamp(item.published_at(), now);
        let text_key = text_key(&words);
        let original = match (at_url, text_key) {
            // The first item of the same article from another feed, or with the same words.
            (Some(known), _) => Some(known),
            (None, Some(text_key)) => {
                items::by_text(tx, text_key, now.checked_sub(COPY_WINDOW).unwrap_or(now))?
            }
            (None, None) => None,
        };
        let standing = match original {
            Some(_) => Standing::Copy,
            None => standing(published_at, feed, now, &self.poll),
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
                words: &words,
                author: item.author.as_deref(),
                language: language.as_deref(),
                categories: &item.categories,
                published_at,
                published_raw,
                first_seen_at: now,
                text_key,
                standing,
                duplicate_of: original.as_ref().map(|it| it.duplicate_of.unwrap_or(it.id)),
            },
        )?;
        let told = Told {
            id,
            feed,
            item,
            words: &words,
            language: language.as_deref(),
            published_at,
            standing,
            original,
        };
        let mut seen = Seen {
            change: Change::New,
            matched: false,
            alerts: 0,
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
        keys: &Keys,
        now: Timestamp,
    ) -> Result<Seen, StoreError> {
        let mut seen = Seen {
            change: Change::None,
            matched: false,
            alerts: 0,
        };
        if let Some(guid) = keys.guid.as_deref().filter(|_| keys.found_by_url(known)) {
            items::add_alias(tx, known, guid, "url", now)?;
        }
        let alike = |a: &str, b: &str| a == b || fold(a) == fold(b);
        let same = alike(&item.title, &known.title) && alike(&item.summary, &known.summary);
        if same
            || item.title.is_empty()
            || items::said_before(tx, known.id, &item.title, &item.summary)?
        {
            return Ok(seen);
        }
        let words = Words::new(&item.title, &item.summary);
        items::revise(tx, known, &words, now)?;
        seen.change = Change::Revised;
        let (published_at, _) = clamp(item.published_at(), now);
        let stored = items::stored(tx, known.id)?;
        let told = Told {
            id: known.id,
            feed,
            item,
            words: &words,
            language: stored.language.as_deref(),
            published_at,
            standing: stored.standing,
            original: None,
        };
        self.judge(tx, &told, now, &mut seen)?;
        Ok(seen)
    }

    fn judge(
        &mut self,
        tx: &Transaction<'_>,
        told: &Told<'_>,
        now: Timestamp,
        seen: &mut Seen,
    ) -> Result<(), StoreError> {
        let engine = Arc::clone(&self.engine);
        let reading = engine.lexicon.read(told.words);
        for topic in &engine.topics {
            let verdict = topic.judge(&reading, &engine.lexicon);
            if !verdict.matched {
                continue;
            }
            seen.matched = true;
            seen.alerts += usize::from(self.thread(tx, told, topic, &verdict, &reading, now)?);
        }
        Ok(())
    }

    /// Places a matched item and decides; whether an alert came of it.
    fn thread(
        &mut self,
        tx: &Transaction<'_>,
        told: &Told<'_>,
        topic: &Topic,
        verdict: &Verdict,
        reading: &Reading,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        items::write_match(tx, told.id, &topic.name, verdict)?;
        let lexicon = &self.engine.lexicon;
        let features = Features::new(told.words, reading, lexicon, now);
        let open = self.open.entry(topic.name.clone()).or_default();
        open.close_before(now, &self.story);
        let stands_in = stories::of_item(tx, told.id, &topic.name)?;
        let copied = match &told.original {
            Some(original) => stories::of_item(tx, original.id, &topic.name)?,
            None => None,
        };
        let (story, similarity, development, standing) = match (stands_in, copied) {
            // A revision may add a fact to the story it stands in.
            (Some(story), _) => {
                let development = open
                    .get(story)
                    .and_then(|it| crate::story::assess(&features, it, &self.story));
                (story, None, development, told.standing)
            }
            (None, Some(story)) => (story, Some(1.0), None, Standing::Copy),
            (None, None) => {
                // A copy of what did not match is the first to say it.
                let standing = if told.original.is_some() {
                    Standing::News
                } else {
                    told.standing
                };
                match crate::story::place(&features, open, &self.story) {
                    Placement::Opens { nearest } => {
                        let story = stories::open(tx, &topic.name, &told.item.title, now)?;
                        (story, None, Some(crate::story::opening(nearest)), standing)
                    }
                    Placement::Joins { story, similarity } => {
                        let development = open
                            .get(story)
                            .and_then(|it| crate::story::assess(&features, it, &self.story));
                        (story, Some(similarity), development, standing)
                    }
                }
            }
        };
        let decision = decide(standing, development.as_ref());
        if standing != Standing::Copy && told.original.is_none() {
            open.add(story, features);
        }
        if stands_in.is_none() {
            let reason = reason(decision, development.as_ref(), similarity);
            let placed = Placed {
                story,
                item: told.id,
                similarity,
                decision,
                reason: &reason,
            };
            stories::place(tx, &placed, now)?;
        }
        match development {
            Some(development) => {
                self.develop(tx, told, topic, story, &development, decision, reading, now)
            }
            None => Ok(false),
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "everything an alert says comes together here"
    )]
    fn develop(
        &self,
        tx: &Transaction<'_>,
        told: &Told<'_>,
        topic: &Topic,
        story: StoryId,
        development: &Development,
        decision: Decision,
        reading: &Reading,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let id = stories::insert_development(tx, story, told.id, development, now)?;
        if decision != Decision::Alert {
            return Ok(false);
        }
        let created_at = rfc3339(now);
        let identity = format!(
            "{}\n{}\n{}\n{}\n{created_at}",
            topic.name, told.feed.feed.name, told.item.title, id.0
        );
        let key = format!("{}-{:016x}", topic.name, hash(&identity).cast_unsigned());
        let item = told.item;
        let message = Message {
            id: key.clone(),
            topic: topic.name.clone(),
            kind: development.kind.as_str().to_owned(),
            story: StoryLine {
                id: story.0,
                title: stories::title(tx, story)?,
                state: None,
            },
            headline: item.title.clone(),
            new: quotes(
                &item.title,
                &item.summary,
                told.language,
                &development.sentences,
                reading,
                &self.engine.lexicon,
            ),
            item: ItemLine {
                title: item.title.clone(),
                url: item.url.clone(),
                outlet: told.feed.feed.outlet.clone(),
                language: told.language.map(str::to_owned),
                published_at: told.published_at.map(rfc3339),
            },
            sources: with_first(&told.feed.feed.outlet, stories::outlets(tx, story)?),
            reason: development.reason.clone(),
            created_at,
        };
        let text = serde_json::to_string(&message).expect("a message is strings and numbers");
        let alert = stories::insert_alert(tx, id, &text, now)?;
        for channel in self.routes.get(&topic.name).into_iter().flatten() {
            stories::owe(tx, alert, channel, &format!("{key}-{channel}"), now)?;
        }
        Ok(true)
    }
}

enum Attempt {
    Taken(Vec<Report>),
    Refused(StoreError),
    Panicked,
}

/// An item on its way through a transaction.
struct Told<'a> {
    id: ItemId,
    feed: &'a Polled,
    item: &'a Item,
    words: &'a Words<'a>,
    language: Option<&'a str>,
    published_at: Option<Timestamp>,
    standing: Standing,
    original: Option<Known>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    None,
    New,
    Revised,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    pub change: Change,
    pub matched: bool,
    pub alerts: usize,
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
struct Keys {
    guid: Option<String>,
    canonical_url: Option<String>,
    /// The address tells this item from others of its feed.
    url_is_own: bool,
}

impl Keys {
    fn of(item: &Item, shared: &Shared) -> Self {
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
        let guid = guid.or_else(|| {
            (!url_is_own).then(|| title_key(&item.title, &item.summary, item.published_at()))
        });
        Self {
            guid,
            canonical_url,
            url_is_own,
        }
    }

    /// Found under its address while it bears another guid than the stored one.
    fn found_by_url(&self, known: &Known) -> bool {
        self.url_is_own && known.guid.as_deref().map(stable_guid) != self.guid
    }
}

fn has_path(canonical: &str) -> bool {
    canonical
        .trim_start_matches("https://")
        .contains(['/', '?'])
}

/// The same item of this feed, as stored; `at_url` is what stands at its address.
fn find(
    tx: &Transaction<'_>,
    feed: FeedId,
    keys: &Keys,
    at_url: Option<&Known>,
) -> Result<Option<Known>, StoreError> {
    if let Some(guid) = &keys.guid
        && let Some(known) = items::by_guid(tx, feed, guid)?
    {
        return Ok(Some(known));
    }
    Ok(at_url.filter(|known| known.feed == feed).cloned())
}

/// The feed's word on when, unless it cannot be; then what it said is kept beside.
fn clamp(published_at: Option<Timestamp>, now: Timestamp) -> (Option<Timestamp>, Option<String>) {
    match published_at {
        Some(at) if at.duration_since(now) > FUTURE_SLACK => (Some(now), Some(rfc3339(at))),
        Some(at) if at.as_second() < ABSURD_BEFORE => (None, Some(rfc3339(at))),
        at => (at, None),
    }
}

/// History is what was published well before the feed's last complete fetch, or longer ago than
/// the fresh window: a new feed's backlog, a refilled archive, the days of an outage.
fn standing(
    published_at: Option<Timestamp>,
    feed: &Polled,
    now: Timestamp,
    policy: &PollPolicy,
) -> Standing {
    let Some(published_at) = published_at else {
        return Standing::News;
    };
    let stale = published_at < before(now, policy.fresh_window);
    let late = feed
        .last_success_at
        .is_some_and(|last| published_at < before(last, policy.fresh_window / 2));
    if stale || late {
        Standing::History
    } else {
        Standing::News
    }
}

fn before(at: Timestamp, span: Duration) -> Timestamp {
    SignedDuration::try_from(span)
        .ok()
        .and_then(|span| at.checked_sub(span).ok())
        .unwrap_or(Timestamp::MIN)
}

fn reason(
    decision: Decision,
    development: Option<&Development>,
    similarity: Option<f64>,
) -> String {
    match (decision, development) {
        (_, Some(development)) => development.reason.clone(),
        (Decision::Silent(crate::alert::Reason::Copy), None) => {
            "the same article as one already kept".to_owned()
        }
        (_, None) => match similarity {
            Some(similarity) => format!(
                "repeats its story ({:.0} % alike) and adds no new fact",
                similarity * 100.0
            ),
            None => "adds no new fact".to_owned(),
        },
    }
}

/// The outlet that told this comes first, whoever opened the story.
fn with_first(first: &str, outlets: Vec<String>) -> Vec<String> {
    let others = outlets.into_iter().filter(|it| it != first);
    std::iter::once(first.to_owned()).chain(others).collect()
}

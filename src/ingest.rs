//! Visits → archive: items, matches, stories, developments, deliveries, validators and the next
//! poll in one transaction. A function of the archive, the visit and its time: what is recorded
//! replays to the same archive.

pub mod article;
pub mod identity;
pub mod item;
mod thread;
pub mod upkeep;
mod withdrawal;
mod words;

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, Transaction};
use serde_json::{Value, json};

use crate::alert;
use crate::feed::bounds::{Bounds, Oddity};
use crate::feed::health::Health;
use crate::feed::pace::{PollPolicy, Rhythm, Wishes};
use crate::feed::{FeedId, Polled, Validators};
use crate::fetch::ErrorClass;
use crate::ingest::identity::{Keys, Shared};
use crate::ingest::item::{Change, Listing, Undated};
use crate::ingest::thread::{Desk, Pace};
use crate::ingest::upkeep::Operator;
use crate::item::Item;
use crate::parse::Parsed;
use crate::route::Route;
use crate::store::feeds::{AfterOutcome, FetchRow, Kept};
use crate::store::{Store, StoreError, boards, feeds, items};
use crate::story::Tables;
use crate::topic::Engine;

/// What a visit to a feed found: a plain value, made anywhere.
#[derive(Debug, Clone)]
pub struct Visit {
    pub feed: FeedId,
    pub at: Timestamp,
    pub duration: Duration,
    pub status: Option<u16>,
    pub wishes: Wishes,
    /// Where permanent redirects led, or began, other than at the configured address.
    pub moved_to: Option<String>,
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
    /// The document held more new items than a visit takes.
    pub is_partial: bool,
    /// What the operator is told of the feed.
    pub health: Option<Health>,
}

impl Report {
    pub const COLUMNS: [&str; 10] = [
        "feed", "status", "bytes", "entries", "new", "revised", "matched", "alerts", "repairs",
        "error",
    ];

    /// Of [`Self::COLUMNS`], in their order.
    pub fn cells(&self) -> [Value; 10] {
        [
            json!(self.feed),
            json!(self.status),
            json!(self.bytes),
            json!(self.entries),
            json!(self.new),
            json!(self.revised),
            json!(self.matched),
            json!(self.alerts),
            json!(self.repairs.join("; ")),
            json!(self.error),
        ]
    }
}

/// By topic.
pub type Routes = HashMap<String, Vec<Route>>;

/// Settings for threading and alerting, beside lexicon and topics.
#[derive(Debug, Clone)]
pub struct Settings {
    pub tables: Arc<Tables>,
    pub routes: Routes,
    /// By topic; the default where a topic has none.
    pub policies: HashMap<String, alert::Policy>,
}

/// What decides, and the boards of open developments that it decides over.
#[derive(Debug)]
pub struct Ingest {
    pub engine: Arc<Engine>,
    pub settings: Settings,
    pub poll: PollPolicy,
    pub bounds: Bounds,
    pub operator: Operator,
    /// Names of the feeds whose articles are read where they match or nearly do.
    pub full_text: HashSet<String>,
    /// By topic.
    desks: HashMap<String, Desk>,
    /// Hosts that are tired, for visits that were under way when they said so: since when and until when.
    resting: HashMap<String, (Timestamp, Timestamp)>,
}

/// A clock or a zone may be a little wrong.
const FUTURE_SLACK: SignedDuration = SignedDuration::from_mins(15);

impl Ingest {
    pub fn new(engine: Arc<Engine>, settings: Settings, poll: PollPolicy) -> Self {
        Self {
            engine,
            settings,
            poll,
            bounds: Bounds::default(),
            operator: Operator::default(),
            full_text: HashSet::new(),
            desks: HashMap::new(),
            resting: HashMap::new(),
        }
    }

    /// Reads the open developments back from the archive: at start, and after a rollback.
    pub fn load(&mut self, connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
        let mut desks = HashMap::new();
        let since = before(now, self.settings.tables.weights.window);
        for topic in &self.engine.topics {
            let mut desk = Desk {
                pace: Pace::load(connection, &topic.name, now)?,
                ..Desk::default()
            };
            desk.board = boards::load(
                connection,
                &topic.name,
                since,
                &self.settings.tables.weights.times,
            )?;
            desks.insert(topic.name.clone(), desk);
        }
        self.desks = desks;
        Ok(())
    }

    /// Takes visits in as few transactions as bounds on their size allow; each visit wholly in one. Where
    /// one makes a stage panic, each is taken alone, and the culprit is recorded as a failure of its feed.
    pub fn take(&mut self, store: &Store, visits: &[Visit]) -> Result<Vec<Report>, StoreError> {
        let mut reports = Vec::with_capacity(visits.len());
        for visits in bundles(visits) {
            reports.extend(self.take_bundle(store, visits)?);
        }
        Ok(reports)
    }

    fn take_bundle(&mut self, store: &Store, visits: &[Visit]) -> Result<Vec<Report>, StoreError> {
        match self.attempt_visits(store, visits) {
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
        let taken = match self.attempt_visits(store, std::slice::from_ref(visit)) {
            Attempt::Panicked => self.attempt_visits(store, &[failed]),
            attempt => attempt,
        };
        match taken {
            Attempt::Taken(mut reports) => Ok(reports.pop().unwrap_or_default()),
            Attempt::Refused(error) => Err(error),
            Attempt::Panicked => panic!("recording a failure touches no stage that could panic"),
        }
    }

    /// No savepoint per visit: the full-text index would be flushed at each, for half of the cost.
    fn attempt_visits(&mut self, store: &Store, visits: &[Visit]) -> Attempt<Vec<Report>> {
        let now = visits.last().map_or(Timestamp::UNIX_EPOCH, |it| it.at);
        self.attempt(store, now, |ingest, tx| {
            visits
                .iter()
                .map(|visit| ingest.take_visit(tx, visit))
                .collect()
        })
    }

    fn attempt<T>(
        &mut self,
        store: &Store,
        now: Timestamp,
        work: impl FnOnce(&mut Self, &Transaction<'_>) -> Result<T, StoreError>,
    ) -> Attempt<T> {
        let taken = catch_unwind(AssertUnwindSafe(|| {
            store.write(|tx| items::counted(tx, || work(self, tx)))
        }));
        if let Ok(Ok(value)) = taken {
            return Attempt::Taken(value);
        }
        // What the failed transaction opened is not in the archive.
        if let Err(error) = store.read(|connection| self.load(connection, now)) {
            tracing::warn!(%error, "cannot read the open developments back");
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
            Found::NotModified => (Rhythm::Unchanged, AfterOutcome::NotModified, None),
            Found::Unchanged { bytes, validators } => {
                report.bytes = *bytes;
                let kept = upkeep::unchanged(&feed, validators);
                (Rhythm::Unchanged, AfterOutcome::Complete(kept), None)
            }
            Found::Document {
                bytes,
                validators,
                body_hash,
                parsed,
            } => {
                report.bytes = *bytes;
                self.take_items(tx, &feed, parsed, visit.at, &mut report)?;
                let outcome = if report.is_partial {
                    AfterOutcome::Truncated(
                        "more new items than one visit takes; the next bring the rest",
                    )
                } else if parsed.complete {
                    AfterOutcome::Complete(Kept {
                        validators: validators.clone(),
                        body_hash: *body_hash,
                        ..upkeep::kept(&feed, parsed, report.new, visit.at)
                    })
                } else {
                    AfterOutcome::Truncated("the document was cut short")
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
                    AfterOutcome::Failed {
                        class: class.as_str(),
                        error: message.clone(),
                        gone: *class == ErrorClass::Gone && feed.said_gone,
                    },
                    Some(class.as_str()),
                )
            }
        };
        if report.error.is_none() {
            report.alerts += self.tell_missing(tx, &feed, visit.at)?;
        }
        let after = self.after(&feed, visit, rhythm, outcome);
        feeds::record(tx, &feed, visit.at, &after)?;
        if error_class == Some(ErrorClass::RateLimited.as_str()) {
            self.rest_host(tx, &feed, visit)?;
        }
        report.health = self.tell_health(tx, &feed, visit.at)?;
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
        let day = feeds::day_of(tx, feed.id, now)?;
        let listing = Listing {
            declared: declared.as_deref(),
            shared: &shared,
            undated: Undated::of(feed),
            day,
            revised: Cell::default(),
            numbers: Cell::default(),
        };
        // The oldest first: a story is opened by whoever told it first. Documents list the
        // newest first, so undated items keep their turn by going backwards.
        let mut order: Vec<&Item> = parsed
            .items
            .iter()
            .rev()
            .filter(|item| !item.is_empty())
            .collect();
        order.sort_by_key(|item| item.published_at().unwrap_or(now));
        let room = self.bounds.room(day);
        let mut left_out = beyond(tx, feed, &mut order, &shared, room.min(NEW_PER_VISIT))?;
        if left_out > 0 && room > NEW_PER_VISIT {
            // The next visits bring the rest.
            report.is_partial = true;
            left_out = 0;
        }
        let mut oddity = (left_out > 0).then_some(Oddity::New);
        if parsed
            .repairs
            .iter()
            .any(|it| ENTRIES_LEFT_OUT.contains(it))
        {
            oddity = oddity.or(Some(Oddity::Entries));
        }
        let mut present = HashSet::new();
        for item in order {
            let seen = self.take_item(tx, feed, item, &listing, now)?;
            report.new += usize::from(seen.change == Change::New);
            report.revised += usize::from(seen.change == Change::Revised);
            report.matched += usize::from(seen.matched);
            report.alerts += seen.alerts;
            oddity = oddity.or(seen.oddity);
            present.extend(seen.item);
        }
        if report.matched > 0 && feeds::floods(tx, feed.id, now)? {
            oddity = Some(Oddity::Alerts);
        }
        feeds::count_day(tx, feed.id, report.revised, left_out, now)?;
        if let Some(oddity) = oddity {
            feeds::note_odd(tx, feed.id, oddity, now)?;
        }
        withdrawal::note(tx, feed, parsed, &present, now)?;
        withdrawal::note_copies(tx, feed, parsed, &present, now)
    }
}

/// New items that are taken of one visit. The archive's one writer is held for as long as that takes,
/// so more of them would keep deliveries and the watchdog waiting.
const NEW_PER_VISIT: usize = 1_000;
/// Entries of the visits that share a transaction, but for a single larger visit.
const ENTRIES_PER_TRANSACTION: usize = 4_000;

/// Visits in their order, cut where a transaction would hold too many entries.
fn bundles(visits: &[Visit]) -> impl Iterator<Item = &[Visit]> {
    let mut held = 0;
    visits.chunk_by(move |before, next| {
        held += entries(before);
        let fits = held + entries(next) <= ENTRIES_PER_TRANSACTION;
        if !fits {
            held = 0;
        }
        fits
    })
}

fn entries(visit: &Visit) -> usize {
    match &visit.found {
        Found::Document { parsed, .. } => parsed.items.len(),
        _ => 0,
    }
}

/// Leaves out of a document what is new beyond the room of its feed's day, the oldest first, and says how
/// many that were. What the archive knows already stays.
fn beyond(
    tx: &Transaction<'_>,
    feed: &Polled,
    order: &mut Vec<&Item>,
    shared: &Shared,
    room: usize,
) -> Result<usize, StoreError> {
    if order.len() <= room {
        return Ok(0);
    }
    let (mut kept, mut new, before) = (Vec::with_capacity(order.len()), 0, order.len());
    for item in order.drain(..).rev() {
        if !identity::is_known(tx, feed.id, &Keys::of(item, shared))? {
            new += 1;
            if new > room {
                continue;
            }
        }
        kept.push(item);
    }
    kept.reverse();
    *order = kept;
    Ok(before - order.len())
}

/// What parsing says where a document holds more than is read.
const ENTRIES_LEFT_OUT: [&str; 2] = [
    "kept the first 10,000 items",
    "kept the newest 10,000 items",
];

enum Attempt<T> {
    Taken(T),
    Refused(StoreError),
    Panicked,
}

fn before(at: Timestamp, span: Duration) -> Timestamp {
    SignedDuration::try_from(span)
        .ok()
        .and_then(|span| at.checked_sub(span).ok())
        .unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{Kind, Source};

    fn visit(n: usize) -> Visit {
        let source = Source {
            content_type: None,
            url: None,
            zone: jiff::tz::TimeZone::UTC,
            select: None,
            max_bytes: 1 << 20,
        };
        let document = b"<rss version=\"2.0\"><channel><title>x</title></channel></rss>";
        let parsed = Parsed {
            kind: Kind::Rss2,
            items: vec![Item::default(); n],
            ..crate::parse::guarded(document, &source).expect("a feed")
        };
        Visit {
            feed: crate::feed::FeedId(1),
            at: Timestamp::UNIX_EPOCH,
            duration: Duration::ZERO,
            status: Some(200),
            wishes: Wishes::default(),
            moved_to: None,
            found: Found::Document {
                bytes: document.len(),
                validators: Validators::default(),
                body_hash: 0,
                parsed,
            },
            jitter: 0.0,
        }
    }

    #[test]
    fn a_transaction_holds_so_many_entries_but_for_one_larger_visit() {
        let visits = [100, 3_900, 1, 9_000, 10, 20, 3_970, 1].map(visit);
        let held = bundles(&visits).map(|it| it.iter().map(entries).collect());
        let held: Vec<Vec<usize>> = held.collect();
        let expected: [&[usize]; 4] = [&[100, 3_900], &[1], &[9_000], &[10, 20, 3_970]];
        assert_eq!(held[..4], expected);
        assert_eq!(held[4..], [[1]]);
    }
}

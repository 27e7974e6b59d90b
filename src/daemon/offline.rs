//! What the poller does when nothing can be reached: failures wait until it is known whose they are, one line tells
//! of all of them, a few feeds are asked again each minute, and what was missed is asked for at once when somebody
//! answers.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::clock::{rfc3339, span_words};
use crate::daemon::poll::Poller;
use crate::feed::sight::{Glance, Sight, Verdict};
use crate::feed::{FeedId, Polled, server};
use crate::fetch::ErrorClass;
use crate::ingest::{Found, Report, Visit};
use crate::message::Message;
use crate::store::outages::{self, CaughtUp, Notice, Outage};
use crate::store::{StoreError, feeds};
use crate::text::counted;

/// Between two attempts while nothing can be reached.
const LOOK: SignedDuration = SignedDuration::from_secs(30);
/// Feeds of different servers that are asked in a doubt, and at each attempt while nothing can be reached.
const WITNESSES: usize = 3;
/// What was missed is told once every feed was visited again, and after this long at the latest.
const CATCH_UP: SignedDuration = SignedDuration::from_mins(10);

/// What is known of the network, and the visits that wait for it to be known.
#[derive(Debug, Default)]
pub(super) struct Offline {
    sight: Sight,
    /// Of the visits under way: the feed's server, and that it was well.
    under_way: HashMap<FeedId, Known>,
    held: Vec<Visit>,
    answered_at: Option<Timestamp>,
    /// The witnesses of this doubt were asked.
    asked: bool,
    look_at: Option<Timestamp>,
    /// An outage whose end is not told yet.
    outage: Option<Outage>,
}

#[derive(Debug, Clone, Default)]
struct Known {
    name: String,
    server: String,
    well: bool,
}

/// What became of a batch of visits.
#[derive(Default)]
pub(super) struct Sifted {
    /// For the archive.
    pub(super) visits: Vec<Visit>,
    /// That reached nobody because nobody can be reached. The archive does not count them.
    pub(super) unseen: Vec<Report>,
}

impl Offline {
    /// As the archive knows it from before a restart.
    pub(super) fn resumed(outage: Option<Outage>) -> Self {
        Self {
            outage,
            ..Self::default()
        }
    }

    pub(super) fn starts(&mut self, feed: &Polled) {
        let known = Known {
            name: feed.feed.name.clone(),
            server: server(&feed.feed.url),
            well: feed.failures == 0,
        };
        self.under_way.insert(feed.id, known);
    }

    /// Since when nothing is seen.
    fn since(&self) -> Option<Timestamp> {
        let lasts = self.outage.as_ref().filter(|it| it.until.is_none());
        lasts.map(|it| it.since)
    }

    /// Visits wait for it to be known whose fault it is.
    pub(super) fn waits(&self) -> bool {
        !self.held.is_empty()
    }

    fn unseen(&mut self, visit: &Visit) -> Report {
        let known = self.under_way.remove(&visit.feed);
        let error = match &visit.found {
            Found::Failed { message, .. } => Some(message.clone()),
            _ => None,
        };
        Report {
            feed: known.map(|it| it.name).unwrap_or_default(),
            error,
            ..Report::default()
        }
    }
}

/// Whether the visit found that its server cannot be reached at all.
fn is_lost(visit: &Visit) -> bool {
    let unreached = |class| matches!(class, ErrorClass::Connect | ErrorClass::Timeout);
    visit.status.is_none()
        && matches!(&visit.found, Found::Failed { class, .. } if unreached(*class))
}

fn began(visit: &Visit) -> Timestamp {
    let duration = SignedDuration::try_from(visit.duration).unwrap_or_default();
    visit.at.checked_sub(duration).unwrap_or(visit.at)
}

fn cause(visits: &[Visit]) -> String {
    visits
        .iter()
        .find_map(|it| match &it.found {
            Found::Failed { message, .. } => Some(message.clone()),
            _ => None,
        })
        .unwrap_or_default()
}

impl Poller {
    /// Keeps from the archive what is no feed's fault. Asks witnesses in a doubt.
    pub(super) fn sift(&mut self, batch: Vec<Visit>) -> Result<Sifted, StoreError> {
        let mut sifted = Sifted::default();
        for visit in batch {
            let at = visit.at;
            let known = self.offline.under_way.get(&visit.feed).cloned();
            let known = known.unwrap_or_default();
            // Somebody answered while this visit was under way: the network was there.
            let apart = self.offline.answered_at.is_none_or(|it| it < began(&visit));
            let glance = match (is_lost(&visit), known.well && apart) {
                (false, _) => Glance::Answered,
                (true, true) => Glance::Lost {
                    server: &known.server,
                    at,
                },
                (true, false) => Glance::StillLost,
            };
            if glance == Glance::Answered {
                self.offline.answered_at = self.offline.answered_at.max(Some(at));
            }
            // An outage of before a restart ends with the first answer too.
            if glance == Glance::Answered && self.offline.since().is_some() {
                self.seen_again(at)?;
            }
            match self.offline.sight.glance(glance) {
                Verdict::Counts | Verdict::Back => sifted.visits.push(visit),
                Verdict::Waits => {
                    self.offline.held.push(visit);
                    continue;
                }
                Verdict::AllCount => {
                    self.release(&mut sifted);
                    sifted.visits.push(visit);
                }
                Verdict::Ignored => {
                    let report = self.offline.unseen(&visit);
                    sifted.unseen.push(report);
                    continue;
                }
            }
            if let Some(last) = sifted.visits.last() {
                self.offline.under_way.remove(&last.feed);
            }
        }
        self.settle_doubt(&mut sifted)?;
        Ok(sifted)
    }

    /// Those that waited count as what they are: failures of their feeds.
    fn release(&mut self, sifted: &mut Sifted) {
        self.offline.asked = false;
        for visit in std::mem::take(&mut self.offline.held) {
            self.offline.under_way.remove(&visit.feed);
            sifted.visits.push(visit);
        }
    }

    /// Once nobody is under way who could still answer.
    fn settle_doubt(&mut self, sifted: &mut Sifted) -> Result<(), StoreError> {
        let Some(servers) = self.offline.sight.doubted() else {
            return Ok(());
        };
        if !self.in_flight.is_empty() {
            return Ok(());
        }
        let servers: Vec<String> = servers.iter().cloned().collect();
        if !self.offline.asked {
            self.offline.asked = true;
            if self.ask_witnesses(&servers)? > 0 {
                return Ok(());
            }
        }
        let watched = self.store.read(feeds::servers_that_are_well)?;
        if let Some(since) = self.offline.sight.decide(watched.max(servers.len())) {
            return self.nothing_seen(since, sifted);
        }
        self.release(sifted);
        Ok(())
    }

    fn ask_witnesses(&mut self, not_on: &[String]) -> Result<usize, StoreError> {
        let names = self
            .store
            .read(|connection| outages::witnesses(connection, not_on, WITNESSES))?;
        if names.is_empty() {
            return Ok(0);
        }
        let chosen = self
            .store
            .read(|connection| feeds::chosen(connection, &names))?;
        chosen.into_iter().for_each(|feed| self.start(feed));
        Ok(self.in_flight.len())
    }

    fn nothing_seen(&mut self, since: Timestamp, sifted: &mut Sifted) -> Result<(), StoreError> {
        self.offline.asked = false;
        let held = std::mem::take(&mut self.offline.held);
        let cause = cause(&held);
        for visit in &held {
            let report = self.offline.unseen(visit);
            sifted.unseen.push(report);
        }
        let outage = self.store.write(|tx| outages::begin(tx, since, &cause))?;
        let n = held.len();
        tracing::warn!(
            since = %outage.since,
            "offline since {}: {} did not answer, nor did the others that were tried ({cause}); a few feeds are tried again every {} s",
            outage.since,
            counted(n, "feed"),
            LOOK.as_secs()
        );
        self.offline.look_at = self.clock.now().checked_add(LOOK).ok();
        self.offline.outage = Some(outage);
        Ok(())
    }

    fn seen_again(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let Some(outage) = self.offline.outage.as_mut() else {
            return Ok(());
        };
        let id = outage.id;
        outage.until = Some(now);
        let since = outage.since;
        self.store.write(|tx| outages::end(tx, id, now))?;
        tracing::warn!(
            %since,
            "online again: no feed could be reached for {}; all that are overdue are polled now",
            span_words(now.duration_since(since))
        );
        Ok(())
    }

    /// In place of the feeds that are due, while nothing can be reached: how long until the next attempt. None where
    /// feeds are to be asked as usual.
    pub(super) fn look(&mut self, now: Timestamp) -> Result<Option<Duration>, StoreError> {
        self.tell_outage(now)?;
        if !self.offline.sight.is_blind() {
            // A doubt is settled before more feeds are drawn into it.
            let doubts = self.offline.sight.doubted().is_some();
            return Ok(doubts.then_some(Duration::from_millis(200)));
        }
        let wait = |at: Timestamp| Duration::try_from(at.duration_since(now)).unwrap_or_default();
        if let Some(at) = self.offline.look_at
            && at > now
            // A clock that was set back must not put the look off.
            && at.duration_since(now) <= LOOK
        {
            return Ok(Some(wait(at)));
        }
        self.offline.look_at = now.checked_add(LOOK).ok();
        self.ask_witnesses(&[])?;
        Ok(Some(Duration::try_from(LOOK).unwrap_or_default()))
    }

    /// What the operator is to hear of the outage by now.
    fn tell_outage(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let Some(outage) = self.offline.outage.clone() else {
            return Ok(());
        };
        let health = &self.setup.config.health;
        let long = |until: Timestamp| {
            Duration::try_from(until.duration_since(outage.since)).unwrap_or_default()
                >= health.offline_after
        };
        let channels = &self.setup.config.operator.channels;
        let notice = |message: &Message| {
            serde_json::to_string(message).expect("a message is strings and numbers")
        };
        match outage.until {
            None if outage.told_at.is_none() && long(now) && !channels.is_empty() => {
                let message = offline_message(&outage, now);
                let (text, key) = (notice(&message), message.id.as_str());
                let owed = Notice {
                    message: &text,
                    key,
                    channels,
                };
                self.store
                    .write(|tx| outages::tell(tx, outage.id, &owed, now))?;
                if let Some(open) = &mut self.offline.outage {
                    open.told_at = Some(now);
                }
            }
            None => {}
            Some(until) => {
                let found = self
                    .store
                    .read(|connection| outages::caught_up(connection, until))?;
                let waited = now.duration_since(until) >= CATCH_UP;
                if found.visited < found.feeds && !waited {
                    return Ok(());
                }
                let tells = (outage.told_at.is_some() || long(until)) && !channels.is_empty();
                let message = online_message(&outage, until, &found, now);
                let (text, key) = (notice(&message), message.id.as_str());
                let owed = Notice {
                    message: &text,
                    key,
                    channels,
                };
                let owed = tells.then_some(&owed);
                self.store
                    .write(|tx| outages::finish(tx, outage.id, owed, now))?;
                tracing::info!("{}: {}", message.headline, message.reason);
                self.offline.outage = None;
            }
        }
        Ok(())
    }
}

fn offline_message(outage: &Outage, now: Timestamp) -> Message {
    let since = minute(outage.since);
    Message::to_operator(
        format!("offline-{}-{}", outage.id.0, rfc3339(outage.since)),
        "offline",
        format!("Offline since {since}: no feed can be reached"),
        format!(
            "the last attempts failed: {}. Most likely this machine's network is down. A few feeds are tried every {} s. \
             Once one answers, all are polled, and what they still list is told.",
            outage.cause,
            LOOK.as_secs()
        ),
        rfc3339(now),
    )
}

fn online_message(outage: &Outage, until: Timestamp, found: &CaughtUp, now: Timestamp) -> Message {
    let blind = span_words(until.duration_since(outage.since));
    Message::to_operator(
        format!("online-{}-{}", outage.id.0, rfc3339(until)),
        "online",
        format!("Online again: no feed could be reached for {blind}"),
        format!(
            "the outage lasted from {} to {}. Since then {} of {} have answered; they brought {} and {}.",
            minute(outage.since),
            minute(until),
            found.answered,
            counted(found.feeds, "feed"),
            counted(found.items, "new item"),
            counted(found.alerts, "alert")
        ),
        rfc3339(now),
    )
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

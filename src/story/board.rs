//! The open developments of a topic, indexed by what their reports share, and the course of its
//! matter. Placing a report costs the same whatever the archive holds. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::BuildHasherDefault;
use std::time::Duration;

use jiff::Timestamp;

use crate::story::context::Heat;
use crate::story::course::Course;
use crate::story::development::OpenDevelopment;
use crate::story::frequency::{Frequencies, Keyed, Spread};
use crate::story::ladder::State;
use crate::story::report::Report;
use crate::story::signs::{Likeness, likeness};
use crate::story::weights::{Weights, sigmoid};
use crate::story::{DevelopmentId, StoryId};

/// A key of more developments than this leads to none of them.
const COMMON: usize = 64;
/// Developments compared in full: those that share most, and those of the latest reports.
const ALIKE: usize = 12;
const LATEST: usize = 4;
/// Open developments of a topic; beyond it the oldest close. A topic that matches everything would
/// else hold four days of the world's news in memory, at about 3 kB each.
const OPEN: usize = 4_000;

/// What a topic's reports are compared with.
#[derive(Debug, Default)]
pub struct Board {
    developments: BTreeMap<DevelopmentId, OpenDevelopment>,
    by_age: BTreeSet<(Timestamp, DevelopmentId)>,
    postings: Keyed<Posting>,
    pub frequencies: Frequencies,
    pub course: Course,
    pub heat: Heat,
}

/// Developments that hold a key. Those that have closed stay listed until they are the most, so
/// that closing one costs the same however many share its keys.
#[derive(Debug, Default)]
struct Posting {
    developments: Vec<DevelopmentId>,
    open: usize,
}

/// A development beside a report.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    pub development: DevelopmentId,
    pub story: StoryId,
    /// That the report tells it.
    pub log_odds: f64,
    /// Log-odds from which the report joins it.
    pub join: f64,
    pub signs: Likeness,
}

impl Ranked {
    /// Log-odds above the threshold.
    pub fn margin(&self) -> f64 {
        self.log_odds - self.join
    }
}

/// Open developments beside a report, the likeliest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Placement {
    pub ranked: Vec<Ranked>,
}

impl Placement {
    /// The development that the report tells, unless it is a new one.
    pub fn joins(&self) -> Option<&Ranked> {
        self.ranked.first().filter(|it| it.margin() >= 0.0)
    }

    /// The probability that it is a new development, 0..1.
    pub fn newness(&self) -> f64 {
        self.ranked
            .first()
            .map_or(1.0, |it| 1.0 - sigmoid(it.margin()))
    }
}

impl Board {
    pub fn get(&self, id: DevelopmentId) -> Option<&OpenDevelopment> {
        self.developments.get(&id)
    }

    pub fn len(&self) -> usize {
        self.developments.len()
    }

    pub fn is_empty(&self) -> bool {
        self.developments.is_empty()
    }

    /// Notes that an alert told a development.
    pub fn tell(&mut self, id: DevelopmentId, at: Timestamp) {
        if let Some(it) = self.developments.get_mut(&id) {
            it.told_at.get_or_insert(at);
        }
    }

    /// Opens a development with its first report.
    pub fn open(&mut self, id: DevelopmentId, story: StoryId, headline: &str, report: &Report) {
        let development = OpenDevelopment::new(id, story, headline.to_owned(), report);
        self.by_age.insert((development.last_at, id));
        self.developments.insert(id, development);
        self.add(id, report);
        while self.developments.len() > OPEN
            && let Some(&(_, oldest)) = self.by_age.first()
        {
            self.close(oldest);
        }
    }

    /// Adds a report to a development that is open.
    pub fn add(&mut self, id: DevelopmentId, report: &Report) {
        let Some(development) = self.developments.get_mut(&id) else {
            return;
        };
        let (before, n_before) = (development.last_at, development.n_reports);
        development.add(report);
        if development.last_at != before {
            self.by_age.remove(&(before, id));
            self.by_age.insert((development.last_at, id));
        }
        if development.n_reports > n_before {
            for key in report.wording.keys().chain(report.concepts.keys()) {
                if development.leading.insert(key) {
                    let posting = self.postings.entry(key).or_default();
                    posting.developments.push(id);
                    posting.open += 1;
                }
            }
        }
    }

    /// Counts a report in the frequencies of later ones.
    pub fn count(&mut self, report: &Report) {
        self.frequencies
            .count(report.script, report.terms.counted());
    }

    /// Closes developments without a report within the window before `now`, and those whose life
    /// is over.
    pub fn close_before(&mut self, now: Timestamp, weights: &Weights) {
        while let Some(&(last_at, id)) = self.by_age.first() {
            if !is_older(last_at, now, weights.window) {
                return;
            }
            self.close(id);
        }
    }

    fn close(&mut self, id: DevelopmentId) {
        let Some(development) = self.developments.remove(&id) else {
            return;
        };
        self.by_age.remove(&(development.last_at, id));
        for key in &development.leading {
            let Some(posting) = self.postings.get_mut(key) else {
                continue;
            };
            posting.open = posting.open.saturating_sub(1);
            if posting.open == 0 {
                self.postings.remove(key);
            } else if posting.developments.len() > 2 * posting.open + 8 {
                let open = &self.developments;
                posting.developments.retain(|it| open.contains_key(it));
            }
        }
    }

    /// Ranks the open developments for a report.
    pub fn place(&self, report: &Report, weights: &Weights) -> Placement {
        let change = self
            .course
            .change(&report.statement, report.at, &weights.times);
        let mut ranked: Vec<Ranked> = self
            .candidates(report, weights)
            .into_iter()
            .map(|it| rank(report, it, change, weights))
            .collect();
        ranked.sort_by(|a, b| {
            b.margin()
                .total_cmp(&a.margin())
                .then(a.development.cmp(&b.development))
        });
        Placement { ranked }
    }

    /// A report beside one development, open or not.
    pub fn compare(&self, report: &Report, id: DevelopmentId, weights: &Weights) -> Option<Ranked> {
        let change = self
            .course
            .change(&report.statement, report.at, &weights.times);
        Some(rank(report, self.developments.get(&id)?, change, weights))
    }

    /// Developments that share most with a report, by inverse document frequency, and those of the
    /// latest reports.
    fn candidates(&self, report: &Report, weights: &Weights) -> Vec<&OpenDevelopment> {
        let mut shared: HashMap<DevelopmentId, f64, BuildHasherDefault<Spread>> =
            HashMap::default();
        let weighed = report.wording.iter().chain(report.concepts.iter());
        for (key, weight) in weighed {
            if let Some(posting) = self.postings.get(&key).filter(|it| it.open <= COMMON) {
                for id in &posting.developments {
                    *shared.entry(*id).or_default() += weight;
                }
            }
        }
        let takes = |it: &&OpenDevelopment| !is_older(it.first_at, report.at, weights.life);
        let mut candidates: Vec<(f64, &OpenDevelopment)> = shared
            .into_iter()
            .filter_map(|(id, shared)| Some((shared, self.developments.get(&id).filter(takes)?)))
            .collect();
        candidates.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.id.cmp(&a.1.id)));
        candidates.truncate(ALIKE);
        let mut found: Vec<&OpenDevelopment> = candidates.into_iter().map(|it| it.1).collect();
        let latest = self.by_age.iter().rev().take(LATEST);
        for development in latest.filter_map(|it| self.developments.get(&it.1).filter(takes)) {
            if !found.iter().any(|it| it.id == development.id) {
                found.push(development);
            }
        }
        found
    }
}

fn rank(
    report: &Report,
    development: &OpenDevelopment,
    change: Option<State>,
    weights: &Weights,
) -> Ranked {
    let signs = likeness(report, development, change, &weights.scales);
    let (log_odds, join) = weights.likeness(&signs, development.speaks(report.script));
    Ranked {
        development: development.id,
        story: development.story,
        log_odds,
        join,
        signs,
    }
}

/// Whether more than `span` lies between two instants.
fn is_older(then: Timestamp, now: Timestamp, span: Duration) -> bool {
    let seconds = now.as_second() - then.as_second();
    u64::try_from(seconds).is_ok_and(|it| it > span.as_secs())
}

//! Polls that a person asks the running service for, by `summitwatch poll` or on a page.

use std::collections::HashSet;

use serde_json::Value;

use crate::daemon::poll::Poller;
use crate::ingest::Report;
use crate::store::asks::{self, AskId};
use crate::store::{StoreError, feeds};

/// A poll under way for somebody.
#[derive(Debug)]
pub(super) struct Asked {
    id: AskId,
    /// Names of the feeds that have not answered yet.
    waits_for: HashSet<String>,
    reports: Vec<Value>,
}

impl Poller {
    /// Starts the visits that were asked for, due or not.
    pub(super) fn take_asks(&mut self) -> Result<(), StoreError> {
        for ask in self.store.read(asks::waiting)? {
            let now = self.clock.now();
            self.store.write(|tx| asks::start(tx, ask.id, now))?;
            let feeds = self
                .store
                .read(|connection| feeds::chosen(connection, &ask.feeds))?;
            let waits_for = feeds.iter().map(|it| it.feed.name.clone()).collect();
            self.asked.push(Asked {
                id: ask.id,
                waits_for,
                reports: Vec::new(),
            });
            feeds.into_iter().for_each(|feed| self.start(feed));
        }
        self.answer_asks(&[])
    }

    /// Writes down what came of the polls that are complete. Where nobody is under way any more, all are: a visit that
    /// panicked reports nothing.
    pub(super) fn answer_asks(&mut self, reports: &[&Report]) -> Result<(), StoreError> {
        if self.asked.is_empty() {
            return Ok(());
        }
        for asked in &mut self.asked {
            for report in reports {
                if asked.waits_for.remove(&report.feed) {
                    asked.reports.push(report.cells().to_vec().into());
                }
            }
        }
        let rests = self.in_flight.is_empty() && !self.offline.waits();
        let now = self.clock.now();
        let is_done = |it: &Asked| it.waits_for.is_empty() || rests;
        for done in self.asked.iter().filter(|it| is_done(it)) {
            let reports = Value::from(done.reports.clone()).to_string();
            self.store
                .write(|tx| asks::finish(tx, done.id, &reports, now))?;
        }
        self.asked.retain(|it| !is_done(it));
        Ok(())
    }
}

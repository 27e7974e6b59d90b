//! A development: one thing said or done, as a cluster of reports in any language. Pure.

use std::collections::{HashSet, VecDeque};
use std::hash::BuildHasherDefault;

use jiff::Timestamp;

use crate::story::frequency::Spread;
use crate::story::headline::Mark;
use crate::story::ladder::State;
use crate::story::report::Report;
use crate::story::vector::Profile;
use crate::story::{DevelopmentId, StoryId};
use crate::text::language::Script;

/// Of a development with many reports, the first and the latest are compared with.
const FIRST_KEPT: usize = 4;
const LATEST_KEPT: usize = 12;

/// A development that still takes reports.
#[derive(Debug)]
pub struct OpenDevelopment {
    pub id: DevelopmentId,
    pub story: StoryId,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// When an alert told it.
    pub told_at: Option<Timestamp>,
    /// Its first report's headline.
    pub headline: String,
    pub voices: Voices,
    first: Vec<Report>,
    latest: VecDeque<Report>,
    /// Reports that it is compared by; commentary is none.
    pub n_reports: u32,
    pub n_soft: u32,
    /// Reports that name no source.
    pub n_hearsay: u32,
    pub profile: Profile,
    pub speakers: Counts,
    pub states: Vec<(State, u32)>,
    pub predicates: Counts,
    pub places: Counts,
    pub days: Counts,
    pub numbers: Counts,
    scripts: [bool; 5],
    /// Keys that lead to it in the index of the board: words and concepts of its reports.
    pub leading: HashSet<u32, BuildHasherDefault<Spread>>,
}

/// Keys and how many reports hold each, in the order in which they came.
#[derive(Debug, Clone, Default)]
pub struct Counts(Vec<(u32, u32)>);

impl Counts {
    fn add(&mut self, key: u32) {
        match self.0.iter_mut().find(|it| it.0 == key) {
            Some(it) => it.1 += 1,
            None => self.0.push((key, 1)),
        }
    }

    pub fn holds(&self, key: u32) -> bool {
        self.0.iter().any(|it| it.0 == key)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key of most reports, the earliest among equals.
    pub fn most(&self) -> Option<u32> {
        let most = self.0.iter().rev().max_by_key(|it| it.1)?;
        Some(most.0)
    }
}

/// Who reports a development. Corroboration is counted in independent sources: outlets, those that
/// cite one origin together. To cite somebody can only lower the count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Voices(Vec<(String, String)>);

impl Voices {
    pub fn add(&mut self, outlet: &str, origin: &str) {
        let known = |it: &(String, String)| it.0 == outlet && it.1 == origin;
        if !self.0.iter().any(known) {
            self.0.push((outlet.to_owned(), origin.to_owned()));
        }
    }

    pub fn has_outlet(&self, outlet: &str) -> bool {
        self.0.iter().any(|it| it.0 == outlet)
    }

    pub fn n_outlets(&self) -> usize {
        let mut outlets: Vec<&str> = self.0.iter().map(|it| it.0.as_str()).collect();
        outlets.sort_unstable();
        outlets.dedup();
        outlets.len()
    }

    /// One name for each independent source, in the order of reporting. Outlets and origins that
    /// are linked by a citation are one source, under the name of the origin that was cited first.
    pub fn sources(&self) -> Vec<String> {
        let mut groups: Vec<(Vec<&str>, &str)> = Vec::new();
        for (outlet, origin) in &self.0 {
            let mut names = vec![outlet.as_str(), origin.as_str()];
            let mut name = origin.as_str();
            let mut at = groups.len();
            groups = groups
                .into_iter()
                .enumerate()
                .filter_map(|(n, group)| {
                    let linked = group.0.iter().any(|it| names.contains(it));
                    if linked {
                        if n < at {
                            at = n;
                            name = group.1;
                        }
                        names.extend(group.0);
                        return None;
                    }
                    Some(group)
                })
                .collect();
            let at = at.min(groups.len());
            groups.insert(at, (names, name));
        }
        groups.into_iter().map(|it| it.1.to_owned()).collect()
    }
}

impl OpenDevelopment {
    /// Born of its first report.
    pub fn new(id: DevelopmentId, story: StoryId, headline: String, first: &Report) -> Self {
        Self {
            id,
            story,
            first_at: first.at,
            last_at: first.at,
            told_at: None,
            headline,
            voices: Voices::default(),
            first: Vec::new(),
            latest: VecDeque::new(),
            n_reports: 0,
            n_soft: 0,
            n_hearsay: 0,
            profile: Profile::default(),
            speakers: Counts::default(),
            states: Vec::new(),
            predicates: Counts::default(),
            places: Counts::default(),
            days: Counts::default(),
            numbers: Counts::default(),
            scripts: [false; 5],
            leading: HashSet::default(),
        }
    }

    /// Takes a report. Commentary counts as a report of its outlet and is nothing that later
    /// reports are compared with.
    pub fn add(&mut self, report: &Report) {
        self.voices.add(&report.outlet, &report.origin);
        self.last_at = self.last_at.max(report.at);
        if report.statement.is_commentary() && self.n_reports > 0 {
            return;
        }
        self.n_reports += 1;
        self.n_soft += u32::from(report.is_soft());
        self.n_hearsay += u32::from(report.statement.marks().has(Mark::Hearsay));
        self.profile.add(&report.concepts);
        report.speaker.iter().for_each(|it| self.speakers.add(*it));
        if let Some(state) = report.state() {
            match self.states.iter_mut().find(|it| it.0 == state) {
                Some(it) => it.1 += 1,
                None => self.states.push((state, 1)),
            }
        }
        report
            .predicates
            .iter()
            .for_each(|it| self.predicates.add(*it));
        report.places.iter().for_each(|it| self.places.add(*it));
        report.days.iter().for_each(|it| self.days.add(*it));
        report.numbers.iter().for_each(|it| self.numbers.add(*it));
        if let Some(script) = report.script {
            self.scripts[script as usize] = true;
        }
        if self.first.len() < FIRST_KEPT {
            self.first.push(report.clone());
        } else {
            if self.latest.len() == LATEST_KEPT {
                self.latest.pop_front();
            }
            self.latest.push_back(report.clone());
        }
    }

    /// Reports that others are compared with.
    pub fn reports(&self) -> impl Iterator<Item = &Report> {
        self.first.iter().chain(&self.latest)
    }

    pub fn speaks(&self, script: Option<Script>) -> bool {
        script.is_some_and(|it| self.scripts[it as usize])
    }

    pub fn has_state(&self, state: State) -> bool {
        self.states.iter().any(|it| it.0 == state)
    }

    /// The state of most reports, the earliest among equals.
    pub fn main_state(&self) -> Option<State> {
        let most = self.states.iter().rev().max_by_key(|it| it.1)?;
        Some(most.0)
    }

    /// Whether nobody who gives a name has told it.
    pub fn is_hearsay(&self) -> bool {
        self.n_reports > 0 && self.n_hearsay == self.n_reports
    }
}

#[cfg(test)]
mod tests {
    use super::Voices;

    #[track_caller]
    fn check(voices: &[(&str, &str)], expected: &[&str]) {
        let mut all = Voices::default();
        for (outlet, origin) in voices {
            all.add(outlet, origin);
        }
        assert_eq!(all.sources(), expected, "{voices:?}");
    }

    #[test]
    fn sources_are_outlets_and_citing_counts_down() {
        check(&[("Wire", "Wire"), ("Times", "Times")], &["Wire", "Times"]);
        check(&[("Times", "Wire"), ("Post", "Wire")], &["Wire"]);
        check(&[("Wire", "Wire"), ("Times", "Wire")], &["Wire"]);
        // A feed that writes "Wire:" is no second source beside itself.
        check(&[("Times", "Times"), ("Times", "Wire")], &["Times"]);
        // A late link makes one of two.
        check(
            &[
                ("Times", "Times"),
                ("Post", "Post"),
                ("Sun", "Sun"),
                ("Post", "Times"),
            ],
            &["Times", "Sun"],
        );
    }
}

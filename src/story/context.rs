//! Matching in context: while a topic is hot, a headline that satisfies no rule may still belong to it, since headlines
//! of a hot week name fewer and fewer people. Decided by a sum of named signs, as everything else. Pure.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;

use crate::story::board::Placement;
use crate::story::report::Report;
use crate::story::speaker::{Class, Speaker};
use crate::story::vector::Vector;
use crate::story::weights::{Times, sigmoid};
use crate::text::language::Script;
use crate::topic::Surroundings;
use crate::topic::lexicon::{ConceptSet, Field, Kind, Lexicon, Reading};

/// Names of the signs, in the order of [`signs`].
pub const CONTEXT: [&str; 24] = [
    "score",
    "vetoed",
    "likeness",
    "heat",
    "outlet-covers",
    "both-in-title",
    "both-with-lead",
    "one-in-title",
    "none-named",
    "leader",
    "state-voice",
    "government",
    "quoted",
    "related",
    "related-in-lead",
    "predicates",
    "state",
    "others-named",
    "commentary",
    "breaking",
    "no-lead",
    "matters-of-week",
    "words-of-week",
    "place-of-week",
];

pub type Context = [f64; CONTEXT.len()];

/// Sentences of the lead that count.
const LEAD_SENTENCES: usize = 3;

/// The latest reports that matched by rule: when, whose, and of which words and matters.
#[derive(Debug, Default)]
pub struct Heat {
    reports: VecDeque<Warm>,
    /// In how many of them a term stands.
    counts: HashMap<u32, u32>,
    /// How many of them are in a script.
    scripts: HashMap<Option<Script>, u32>,
}

#[derive(Debug)]
struct Warm {
    at: Timestamp,
    outlet: String,
    script: Option<Script>,
    terms: Vec<u32>,
}

impl Heat {
    /// Notes a report that matched by rule. Reports come in order of time.
    pub fn add(&mut self, report: &Report, times: &Times) {
        while let Some(first) = self.reports.front()
            && report.at.as_second() - first.at.as_second() > times.covers
        {
            let gone = self.reports.pop_front().expect("it was there");
            for term in gone.terms {
                if let Some(n) = self.counts.get_mut(&term) {
                    *n -= 1;
                    if *n == 0 {
                        self.counts.remove(&term);
                    }
                }
            }
            if let Some(n) = self.scripts.get_mut(&gone.script) {
                *n -= 1;
            }
        }
        let mut terms: Vec<u32> = report.terms.counted().collect();
        terms.sort_unstable();
        terms.dedup();
        terms
            .iter()
            .for_each(|it| *self.counts.entry(*it).or_default() += 1);
        *self.scripts.entry(report.script).or_default() += 1;
        self.reports.push_back(Warm {
            at: report.at,
            outlet: report.outlet.clone(),
            script: report.script,
            terms,
        });
    }

    /// How much of `terms`, by weight, the reports have: the mean over the terms of the share of `n` reports in which a
    /// term stands, 0..1.
    fn share(&self, terms: &Vector, n: u32) -> f64 {
        let (mut shared, mut all) = (0.0, 0.0);
        for (key, weight) in terms.iter() {
            all += weight;
            shared += weight * self.share_of(key, n);
        }
        if all > 0.0 { shared / all } else { 0.0 }
    }

    fn share_of(&self, term: u32, n: u32) -> f64 {
        let has = self.counts.get(&term).copied().unwrap_or_default();
        if n == 0 {
            0.0
        } else {
            (f64::from(has) / f64::from(n)).min(1.0)
        }
    }

    fn n_all(&self) -> u32 {
        self.scripts.values().sum()
    }

    fn n_in(&self, script: Option<Script>) -> u32 {
        self.scripts.get(&script).copied().unwrap_or_default()
    }

    /// How hot the topic is: 0 where nothing was reported lately, 1 where as much was as on a dense day.
    pub fn degree(&self, now: Timestamp, times: &Times) -> f64 {
        count(self.recent(now, times)).ln_1p() / times.hot.ln_1p()
    }

    /// Reports that still keep it warm at `now`.
    pub fn recent(&self, now: Timestamp, times: &Times) -> usize {
        let warm = |it: &&Warm| now.as_second() - it.at.as_second() <= times.warm;
        self.reports.iter().rev().take_while(warm).count()
    }

    fn covers(&self, outlet: &str, now: Timestamp, times: &Times) -> bool {
        let lately = |it: &&Warm| now.as_second() - it.at.as_second() <= times.covers;
        let mut reports = self.reports.iter().rev().take_while(lately);
        reports.any(|it| it.outlet == outlet)
    }
}

/// A headline that satisfies no rule of a hot topic.
#[derive(Debug, Clone, Copy)]
pub struct Unruled<'a> {
    pub reading: &'a Reading,
    pub lexicon: &'a Lexicon,
    pub surroundings: &'a Surroundings,
    /// Of the rules, as a share of the threshold: 0..1, 0 also where a veto applies.
    pub score: f64,
}

/// What speaks for and against a headline belonging to the topic.
pub fn signs(
    report: &Report,
    unruled: Unruled<'_>,
    placement: &Placement,
    heat: &Heat,
    times: &Times,
) -> Context {
    let Unruled {
        reading,
        lexicon,
        surroundings,
        score,
    } = unruled;
    let title = &reading.by_sentence[0];
    let mut lead = ConceptSet::default();
    reading
        .by_sentence
        .iter()
        .skip(1)
        .take(LEAD_SENTENCES)
        .for_each(|it| lead.extend(it));
    let named = Named::of(reading, lexicon, surroundings);
    let (titled, with_lead) = (named.in_title, named.with_lead);
    let parties = &surroundings.parties;
    let related = |set: &ConceptSet| {
        let shared = set.common(&surroundings.related);
        shared.iter().take(3).count()
    };
    let statement = &report.statement;
    let speaker = statement.speaker.as_ref();
    let class = speaker.map(|it| it.class);
    let is = |classes: &[Class]| flag(class.is_some_and(|it| classes.contains(&it)));
    let all = !parties.is_empty();
    let vetoed = score <= 0.0 && reading.hits.iter().any(|it| it.field == Field::Title);
    [
        score.min(1.0),
        flag(vetoed),
        placement
            .ranked
            .first()
            .map_or(0.0, |it| sigmoid(it.margin())),
        heat.degree(report.at, times),
        flag(heat.covers(&report.outlet, report.at, times)),
        flag(all && titled == parties.len()),
        flag(all && titled < parties.len() && with_lead == parties.len()),
        flag(titled > 0 && titled < parties.len()),
        flag(with_lead == 0),
        is(&[Class::Leader]),
        is(&[Class::StateVoice]),
        is(&[Class::Institution, Class::State]),
        flag(speaker.is_some_and(Speaker::is_quoted)),
        count(related(title)) / 3.0,
        count(related(&lead)) / 3.0,
        count(statement.predicates.len().min(3)) / 3.0,
        flag(statement.state.is_some()),
        flag(!statement.is_of_topic),
        flag(statement.is_commentary()),
        flag(
            statement
                .marks()
                .has(crate::story::headline::Mark::Breaking),
        ),
        flag(!report.has_lead),
        heat.share(&report.concepts, heat.n_all()),
        heat.share(&report.wording, heat.n_in(report.script)),
        report
            .places
            .iter()
            .map(|it| heat.share_of(*it, heat.n_all()))
            .fold(0.0, f64::max),
    ]
}

/// How many of the parties are named. A compound names none by itself: Korean 북미 is the two countries, and North
/// America.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    pub in_title: usize,
    /// In headline and lead together.
    pub with_lead: usize,
}

impl Named {
    pub fn of(reading: &Reading, lexicon: &Lexicon, surroundings: &Surroundings) -> Self {
        let names = |party: &&ConceptSet, sentences: usize| {
            reading.hits.iter().any(|it| {
                usize::from(it.sentence) <= sentences
                    && lexicon.concept(it.concept).kind != Kind::Compound
                    && lexicon.closure(it.concept).intersects(party)
            })
        };
        let count = |sentences| {
            let parties = surroundings.parties.iter();
            parties.filter(|it| names(it, sentences)).count()
        };
        Self {
            in_title: count(0),
            with_lead: count(LEAD_SENTENCES),
        }
    }
}

fn flag(it: bool) -> f64 {
    if it { 1.0 } else { 0.0 }
}

fn count(n: usize) -> f64 {
    u32::try_from(n).map_or(f64::MAX, f64::from)
}

#[cfg(test)]
mod tests {
    use super::Heat;
    use crate::story::report::{Part, Report, Term, Terms};
    use crate::story::statement::Statement;
    use crate::story::weights::Times;
    use crate::text::language::Script;

    const TIMES: Times = Times {
        late: 0,
        current: 0,
        warm: 48 * 3_600,
        covers: 72 * 3_600,
        hot: 64.0,
    };

    fn report(at: &str, outlet: &str) -> Report {
        Report::new(
            at.parse().expect("time"),
            outlet.to_owned(),
            outlet.to_owned(),
            Statement::default(),
            Some(Script::Latin),
            Terms(vec![Term {
                key: 7,
                weight: 1.0,
                part: Part::Concept,
            }]),
        )
    }

    #[test]
    fn a_topic_cools_down() {
        let mut heat = Heat::default();
        let at = |it: &str| it.parse().expect("time");
        heat.add(&report("2026-03-01T00:00:00Z", "Wire"), &TIMES);
        heat.add(&report("2026-03-02T12:00:00Z", "Post"), &TIMES);
        assert_eq!(heat.recent(at("2026-03-02T12:00:00Z"), &TIMES), 2);
        assert_eq!(heat.recent(at("2026-03-03T12:00:00Z"), &TIMES), 1);
        assert!(heat.covers("Wire", at("2026-03-03T12:00:00Z"), &TIMES));
        assert!(!heat.covers("Wire", at("2026-03-04T12:00:00Z"), &TIMES));
        assert_eq!(heat.recent(at("2026-03-09T00:00:00Z"), &TIMES), 0);
    }

    #[test]
    fn what_a_week_speaks_of_is_forgotten_with_its_reports() {
        let mut heat = Heat::default();
        heat.add(&report("2026-03-01T00:00:00Z", "Wire"), &TIMES);
        let said = report("2026-03-01T01:00:00Z", "Post");
        assert!(heat.share(&said.concepts, heat.n_all()) > 0.99);
        let mut later = report("2026-03-09T00:00:00Z", "Wire");
        later.terms.0[0].key = 8;
        heat.add(&later, &TIMES);
        assert!(heat.share(&said.concepts, heat.n_all()) < 0.01);
        assert_eq!(heat.n_in(Some(Script::Latin)), 1);
    }
}

//! Headlines through the heart in memory, one after the other: what is ruled on each beside those before. For cases beside
//! topics, tools and tests; the service does the same over its archive. Pure.

use jiff::Timestamp;

use crate::alert::{Arrival, Circumstances, Place, Policy, Ruling, Standing, rule, take_in};
use crate::story::board::Board;
use crate::story::context::Unruled;
use crate::story::report::{Report, Source};
use crate::story::{DevelopmentId, StoryId, Tables};
use crate::text::Words;
use crate::topic::Topic;
use crate::topic::lexicon::{Lexicon, Reading};

/// A headline as it is said.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    pub outlet: &'a str,
    pub title: &'a str,
    pub summary: &'a str,
    pub url: Option<&'a str>,
    pub at: Timestamp,
}

/// What became of a headline.
#[derive(Debug)]
pub struct Heard {
    pub report: Report,
    pub ruling: Ruling,
    /// The development that it reports; None for commentary.
    pub development: Option<DevelopmentId>,
    /// Whether a rule of the topic matched it, not only the story or what belongs to the matter.
    pub by_rule: bool,
}

/// A topic's board in memory.
#[derive(Debug)]
pub struct Rehearsal<'a> {
    topic: &'a Topic,
    lexicon: &'a Lexicon,
    tables: &'a Tables,
    pub board: Board,
    pub policy: Policy,
    pub standing: Standing,
    next: i64,
}

impl<'a> Rehearsal<'a> {
    pub fn new(topic: &'a Topic, lexicon: &'a Lexicon, tables: &'a Tables) -> Self {
        Self {
            topic,
            lexicon,
            tables,
            board: Board::default(),
            policy: Policy {
                per_outlet: u32::MAX,
                ..Policy::default()
            },
            standing: Standing::News,
            next: 1,
        }
    }

    /// Takes a headline; None where it is not on topic.
    pub fn say(&mut self, said: Said<'_>) -> Option<Heard> {
        let words = Words::new(said.title, said.summary);
        let reading = self.lexicon.read(&words);
        let scored = self.topic.score(&reading, self.lexicon);
        self.board.close_before(said.at, &self.tables.weights);
        let report = self.read(said, &words, &reading);
        let on_topic = if scored.matched {
            self.board.heat.add(&report, &self.tables.weights.times);
            1.0
        } else if scored.related {
            1.0
        } else {
            let unruled = self.unruled(&reading, scored.score)?;
            take_in(&self.board, &report, unruled, &self.tables.weights)?.on_topic()
        };
        let ruling = self.rule(&report, Arrival::New, on_topic, scored.related);
        let development = self.record(&report, &ruling, said);
        Some(Heard {
            report,
            ruling,
            development,
            by_rule: scored.matched,
        })
    }

    /// A headline without a matching rule, if it names what the topic is about.
    pub fn unruled<'b>(&'b self, reading: &'b Reading, score: f64) -> Option<Unruled<'b>> {
        let surroundings = self.topic.surroundings.as_ref()?;
        surroundings.touches(reading).then_some(Unruled {
            reading,
            lexicon: self.lexicon,
            surroundings,
            score: score / self.topic.threshold,
        })
    }

    /// Reads a headline as the next report.
    pub fn read(&self, said: Said<'_>, words: &Words<'_>, reading: &Reading) -> Report {
        let tables = self.tables;
        let cited = tables.origins.cited(reading);
        let source = Source {
            words,
            reading,
            url: said.url,
            outlet: said.outlet,
            origin: cited.unwrap_or_else(|| tables.origins.of_outlet(said.outlet, said.outlet)),
            at: said.at,
        };
        Report::read(
            source,
            &tables.reader,
            tables.matter(&self.topic.name),
            self.lexicon,
            &tables.wording,
            &self.board.frequencies,
        )
    }

    /// Rules on a report as if nothing had been told within the hour.
    pub fn rule(
        &self,
        report: &Report,
        arrival: Arrival<'_>,
        on_topic: f64,
        related: bool,
    ) -> Ruling {
        let weights = &self.tables.weights;
        let circumstances = Circumstances {
            now: report.at,
            standing: self.standing,
            arrival,
            tell: self.topic.tell.unwrap_or(weights.tell),
            on_topic,
            related,
            told: 0,
            told_by_outlet: 0,
            followed_up: false,
            corrected: false,
        };
        rule(&self.board, report, &circumstances, weights, &self.policy)
    }

    fn record(
        &mut self,
        report: &Report,
        ruling: &Ruling,
        said: Said<'_>,
    ) -> Option<DevelopmentId> {
        let board = &mut self.board;
        let id = match ruling.place {
            Place::Opens(story) => {
                let id = DevelopmentId(self.next);
                self.next += 1;
                board.open(id, story.unwrap_or(StoryId(id.0)), said.title, report);
                Some(id)
            }
            Place::Joins(id, _) => {
                board.add(id, report);
                Some(id)
            }
            Place::Commentary(_) => None,
        };
        board.count(report);
        let id = id?;
        if ruling.decision.is_told() {
            board.tell(id, report.at);
        }
        let open = board.get(id)?;
        let (told, story) = (open.told_at.is_some(), open.story);
        if told && self.standing == Standing::News {
            let course = &mut board.course;
            let times = &self.tables.weights.times;
            course.advance(&report.statement, story, said.outlet, report.at, times);
        }
        Some(id)
    }
}

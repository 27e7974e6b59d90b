//! A matched item → its report, the ruling on it, and the rows that record it: reading, report,
//! development, story, alert and the deliveries owed.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Transaction;

use crate::alert::{
    Arrival, Circumstances, Decision, Place, Policy, Reason, Role, Ruling, Standing, rule, take_in,
};
use crate::clock::rfc3339;
use crate::ingest::item::Told;
use crate::ingest::{Ingest, before, words};
use crate::item::{hash, near_same_title};
use crate::message::{DevelopmentLine, ItemLine, Message, StoryLine, quotes, said};
use crate::route::{Dispatch, Route, Subject, dispatch};
use crate::store::items::By;
use crate::store::stories::{
    AlertId, NewDevelopment, Placed, ReadingId, ToldAlert, alerts_between, suppressed,
};
use crate::store::{StoreError, acts, items, outbox, stories};
use crate::story::board::Board;
use crate::story::context::Unruled;
use crate::story::ladder::State;
use crate::story::quote::quoted;
use crate::story::report::{Report, Source};
use crate::story::{DevelopmentId, DevelopmentKind, StoryId};
use crate::topic::lexicon::Reading;
use crate::topic::{Topic, Verdict};

/// In which a topic has its budget of alerts, and an outlet its bound.
const HOUR: Duration = Duration::from_secs(3_600);
/// An item is told as corrected once within this time.
const CORRECTION: Duration = Duration::from_secs(24 * 3_600);

/// How often a topic was told lately.
#[derive(Debug, Default)]
pub(super) struct Pace {
    alerts: VecDeque<ToldAlert>,
    /// Developments that a budget or bound held back since the last alert.
    suppressed: u32,
}

impl Pace {
    pub(super) fn load(
        connection: &rusqlite::Connection,
        topic: &str,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            alerts: alerts_between(connection, topic, before(now, HOUR), now)?.into(),
            suppressed: suppressed(connection, topic)?,
        })
    }

    fn forget(&mut self, now: Timestamp) {
        let since = before(now, HOUR);
        // What a clock that ran ahead told lies beyond now, and uses up no budget.
        self.alerts.retain(|it| it.at > since && it.at <= now);
    }

    fn told(&self) -> u32 {
        u32::try_from(self.alerts.len()).unwrap_or(u32::MAX)
    }

    fn told_by(&self, outlet: &str) -> u32 {
        let own = self.alerts.iter().filter(|it| it.outlet == outlet);
        u32::try_from(own.count()).unwrap_or(u32::MAX)
    }
}

/// What a topic's items are compared with, and how often it was told.
#[derive(Debug, Default)]
pub(super) struct Desk {
    pub(super) board: Board,
    pub(super) pace: Pace,
}

/// An item that matched a topic.
pub(super) struct Matched<'a> {
    pub(super) topic: &'a Topic,
    pub(super) verdict: &'a Verdict,
    pub(super) by: By,
    /// The probability that it is on topic: 1 where a rule says so.
    pub(super) on_topic: f64,
    pub(super) reading: &'a Reading,
}

/// An alert in the making.
struct Telling<'a> {
    development: DevelopmentId,
    story: StoryId,
    kind: DevelopmentKind,
    reason: &'a str,
    decision: Decision,
    sources: Vec<String>,
    /// Where the matter stood before.
    was: Option<State>,
}

impl Ingest {
    /// Rules on a matched item and records it; whether an alert came of it.
    pub(super) fn thread(
        &mut self,
        tx: &Transaction<'_>,
        told: &Told<'_>,
        matched: &Matched<'_>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let &Matched {
            topic,
            verdict,
            by,
            reading,
            ..
        } = matched;
        items::write_match(tx, told.id, &topic.name, verdict, by, told.body.as_str())?;
        let tables = self.tables();
        let policy = self.policy(topic);
        let desk = self.desks.entry(topic.name.clone()).or_default();
        desk.board.close_before(now, &tables.weights);
        desk.pace.forget(now);
        let report = self.report(told, topic, reading, now);
        let known = stories::of_item(tx, told.id, &topic.name)?;
        let was = match (known, told.was) {
            (Some(_), Some(_)) => stories::last_reading(tx, told.id, &topic.name)?,
            _ => None,
        };
        let original = match &told.original {
            Some(original) if told.repeats() => stories::of_item(tx, original.id, &topic.name)?,
            _ => None,
        };
        let desk = self.desks.entry(topic.name.clone()).or_default();
        let arrival = match (known, &was, original) {
            (Some((development, _)), Some(was), _) if desk.board.get(development).is_some() => {
                Arrival::Revised { development, was }
            }
            // Its development has closed: an edit of old news is no news.
            (Some(_), ..)
                if told
                    .was
                    .is_some_and(|it| near_same_title(it, &told.item.title)) =>
            {
                return Ok(false);
            }
            (_, _, Some((development, _))) => Arrival::Copy(development),
            _ => Arrival::New,
        };
        let revised = matches!(arrival, Arrival::Revised { .. });
        let circumstances = Circumstances {
            now,
            standing: told.standing,
            arrival,
            tell: topic.tell.unwrap_or(tables.weights.tell),
            on_topic: matched.on_topic,
            related: by == By::Related,
            told: desk.pace.told(),
            told_by_outlet: desk.pace.told_by(&report.outlet),
            followed_up: match known {
                Some((development, _)) => stories::is_followed_up(tx, development)?,
                None => false,
            },
            corrected: revised
                && stories::corrected_since(tx, told.id, &topic.name, before(now, CORRECTION))?,
        };
        let ruling = rule(
            &desk.board,
            &report,
            &circumstances,
            &tables.weights,
            &policy,
        );
        let ruling = as_followed(tx, &desk.board, ruling)?;
        let revised_from = known.filter(|_| revised).map(|it| it.0);
        if by == By::Rule {
            desk.board.heat.add(&report, &tables.weights.times);
        }
        self.record(
            tx,
            told,
            matched,
            &report,
            &ruling,
            revised_from,
            &policy,
            now,
        )
    }

    /// How surely a headline that satisfies no rule of a topic belongs to it all the same, 0..1; None where it does not.
    pub(super) fn takes_in(
        &self,
        told: &Told<'_>,
        topic: &Topic,
        verdict: &Verdict,
        reading: &Reading,
        now: Timestamp,
    ) -> Option<f64> {
        let surroundings = topic.surroundings.as_ref().filter(|it| it.touches(reading));
        let (surroundings, desk) = (surroundings?, self.desks.get(&topic.name)?);
        if desk
            .board
            .heat
            .recent(now, &self.settings.tables.weights.times)
            == 0
        {
            return None;
        }
        let report = self.report(told, topic, reading, now);
        let unruled = Unruled {
            reading,
            lexicon: &self.engine.lexicon,
            surroundings,
            score: verdict.score / topic.threshold,
        };
        let taken = take_in(&desk.board, &report, unruled, &self.settings.tables.weights);
        taken.map(|it| it.on_topic())
    }

    /// Writes a ruling down and acts on it; whether an alert came of it.
    #[expect(
        clippy::too_many_arguments,
        reason = "everything that is known of an item comes together here"
    )]
    fn record(
        &mut self,
        tx: &Transaction<'_>,
        told: &Told<'_>,
        matched: &Matched<'_>,
        report: &Report,
        ruling: &Ruling,
        revised_from: Option<DevelopmentId>,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (topic, reading) = (matched.topic, matched.reading);
        let tables = self.tables();
        let desk = self.desks.entry(topic.name.clone()).or_default();
        let read = stories::insert_reading(tx, &topic.name, told.id, matched.by, report)?;
        let names = &tables.matter(&topic.name).names;
        let reason = words::reason(&desk.board, ruling, names, &self.engine.lexicon);
        let placed = self.keep(
            tx,
            told,
            topic,
            report,
            ruling,
            revised_from,
            &reason,
            read,
            now,
        )?;
        let desk = self.desks.entry(topic.name.clone()).or_default();
        desk.board.count(report);
        let is_first = revised_from.is_none() || ruling.decision.is_told() || placed.is_new;
        if is_first {
            let row = Placed {
                story: placed.story,
                item: told.id,
                decision: ruling.decision,
                reason: &reason,
                origin: &report.origin,
                state: report.state(),
                signs: &words::signs(ruling, &tables.weights).to_string(),
            };
            stories::place(tx, &row, now)?;
        }
        if matches!(
            ruling.decision,
            Decision::Silent(Reason::Budget | Reason::Flood)
        ) {
            desk.pace.suppressed += 1;
        }
        let Some(development) = placed.development else {
            return Ok(false);
        };
        let was = desk.board.course.state;
        if placed.is_first || ruling.decision.is_told() {
            let said = self.said(development, told, topic, report, reading, now);
            acts::describe(tx, &said)?;
        }
        let desk = self.desks.entry(topic.name.clone()).or_default();
        let open = desk.board.get(development);
        let was_told = open.is_some_and(|it| it.told_at.is_some());
        if (ruling.decision.is_told() || was_told) && told.standing == Standing::News {
            let said_by = &told.feed.feed.outlet;
            let course = &mut desk.board.course;
            if course.advance(
                &report.statement,
                placed.story,
                said_by,
                now,
                &tables.weights.times,
            ) {
                stories::set_course(tx, &topic.name, course)?;
            }
        }
        let sources = desk
            .board
            .get(development)
            .map_or_else(|| vec![report.origin.clone()], |it| it.voices.sources());
        if policy.hold.is_some() && sources.len() > 1 {
            release(tx, development, &sources, self.routes(topic), now)?;
        }
        if !ruling.decision.is_told() {
            return Ok(false);
        }
        let telling = Telling {
            development,
            story: placed.story,
            kind: ruling.kind,
            reason: &reason,
            decision: ruling.decision,
            sources: with_first(&report.origin, sources),
            was,
        };
        self.tell(tx, told, topic, report, reading, &telling, now)?;
        Ok(true)
    }

    /// Keeps a report where it belongs.
    #[expect(
        clippy::too_many_arguments,
        reason = "everything that is known of an item comes together here"
    )]
    fn keep(
        &mut self,
        tx: &Transaction<'_>,
        told: &Told<'_>,
        topic: &Topic,
        report: &Report,
        ruling: &Ruling,
        revised_from: Option<DevelopmentId>,
        reason: &str,
        read: ReadingId,
        now: Timestamp,
    ) -> Result<Kept, StoreError> {
        let title = &told.item.title;
        let story_of = |story: Option<StoryId>| match story {
            Some(story) => Ok(story),
            None => stories::open(tx, &topic.name, title, told.id, now),
        };
        let novelty = rounded(ruling.certainty);
        let new = |story, about| NewDevelopment {
            story,
            item: told.id,
            kind: ruling.kind,
            novelty,
            reason,
            decision: ruling.decision,
            about,
        };
        let board = &mut self.desks.entry(topic.name.clone()).or_default().board;
        match ruling.place {
            Place::Opens(story) => {
                let story = story_of(story)?;
                let about = revised_from.filter(|_| ruling.kind == DevelopmentKind::Correction);
                let id = stories::insert_development(tx, &new(story, about), now)?;
                stories::insert_report(tx, id, told.id, Role::First, report, read)?;
                if about.is_none() {
                    board.open(id, story, title, report);
                }
                Ok(Kept {
                    story,
                    development: Some(id),
                    is_new: true,
                    is_first: true,
                })
            }
            Place::Joins(id, role) => {
                let Some(open) = board.get(id) else {
                    unreachable!("only open developments are ranked");
                };
                let (story, was_told) = (open.story, open.told_at.is_some());
                stories::insert_report(tx, id, told.id, role, report, read)?;
                // A changed item stands in its development as it first was.
                if revised_from != Some(id) {
                    board.add(id, report);
                }
                let development = if !ruling.decision.is_told() {
                    id
                } else if was_told {
                    // A follow-up has an alert, and so a row, of its own.
                    let id = stories::insert_development(tx, &new(story, Some(id)), now)?;
                    stories::insert_report(tx, id, told.id, Role::Update, report, read)?;
                    id
                } else {
                    stories::tell_later(tx, id, &new(story, None))?;
                    id
                };
                Ok(Kept {
                    story,
                    development: Some(development),
                    is_new: revised_from.is_some_and(|it| it != id),
                    is_first: false,
                })
            }
            Place::Commentary(story) => Ok(Kept {
                story: story_of(story)?,
                development: None,
                is_new: false,
                is_first: false,
            }),
        }
    }

    /// Tells that a told item was withdrawn.
    pub(super) fn take_back(
        &mut self,
        tx: &Transaction<'_>,
        told: &Told<'_>,
        topic: &Topic,
        (about, story): (DevelopmentId, StoryId),
        reading: &Reading,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let report = self.report(told, topic, reading, now);
        let reason = "taken back: its feed no longer lists it, and still lists what is older";
        let new = NewDevelopment {
            story,
            item: told.id,
            kind: DevelopmentKind::Correction,
            novelty: 1.0,
            reason,
            decision: Decision::Alert,
            about: Some(about),
        };
        let read = stories::insert_reading(tx, &topic.name, told.id, By::Rule, &report)?;
        let development = stories::insert_development(tx, &new, now)?;
        stories::insert_report(tx, development, told.id, Role::First, &report, read)?;
        let desk = self.desks.entry(topic.name.clone()).or_default();
        desk.board.count(&report);
        let telling = Telling {
            development,
            story,
            kind: new.kind,
            reason,
            decision: new.decision,
            sources: vec![report.origin.clone()],
            was: None,
        };
        acts::describe(
            tx,
            &self.said(development, told, topic, &report, reading, now),
        )?;
        self.tell(tx, told, topic, &report, reading, &telling, now)?;
        Ok(true)
    }

    fn report(&self, told: &Told<'_>, topic: &Topic, reading: &Reading, now: Timestamp) -> Report {
        let tables = &self.settings.tables;
        let feed = &told.feed.feed;
        let cited = tables.origins.cited(reading);
        let origin = cited.unwrap_or_else(|| tables.origins.of_outlet(&feed.family, &feed.outlet));
        let source = Source {
            words: told.words,
            reading,
            url: told.item.url.as_deref(),
            outlet: &feed.outlet,
            origin,
            at: now,
        };
        let none = Board::default();
        let board = self.desks.get(&topic.name).map_or(&none, |it| &it.board);
        let lexicon = &self.engine.lexicon;
        Report::read(
            source,
            &tables.reader,
            tables.matter(&topic.name),
            lexicon,
            &tables.wording,
            &board.frequencies,
        )
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "everything an alert says comes together here"
    )]
    fn tell(
        &mut self,
        tx: &Transaction<'_>,
        told: &Told<'_>,
        topic: &Topic,
        report: &Report,
        reading: &Reading,
        telling: &Telling<'_>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let due = match telling.decision {
            Decision::Held(until) => until,
            Decision::Alert | Decision::Silent(_) => now,
        };
        let created_at = rfc3339(now);
        let identity = format!(
            "{}\n{}\n{}\n{}\n{created_at}",
            topic.name, told.feed.feed.name, told.item.title, telling.development.0
        );
        let key = format!("{}-{:016x}", topic.name, hash(&identity).cast_unsigned());
        let item = told.item;
        let tables = self.tables();
        let said = self.said(telling.development, told, topic, report, reading, now);
        let desk = self.desks.entry(topic.name.clone()).or_default();
        let course = &desk.board.course;
        let is_of_story = course.story == Some(telling.story);
        let state = course.state.filter(|_| is_of_story);
        let lexicon = &self.engine.lexicon;
        let mut story = StoryLine {
            id: telling.story.0,
            ..StoryLine::default()
        };
        if is_of_story {
            let names = &tables.matter(&topic.name).names;
            story.tell_course(course, telling.was, names, lexicon, now);
        }
        story.title = story.name(&topic.title, &said);
        acts::name(tx, telling.story, &story.title, is_of_story)?;
        story.title = stories::title(tx, telling.story)?;
        let message = Message {
            id: key.clone(),
            topic: topic.name.clone(),
            kind: telling.kind.as_str().to_owned(),
            story,
            development: said,
            headline: item.title.clone(),
            new: quotes(
                &item.title,
                &item.summary,
                told.language,
                &quoted(told.words, &tables.wording, &desk.board.frequencies),
                reading,
                lexicon,
            ),
            item: ItemLine {
                title: item.title.clone(),
                url: item.url.clone(),
                outlet: told.feed.feed.outlet.clone(),
                language: told.language.map(str::to_owned),
                published_at: told.published_at.map(rfc3339),
            },
            sources: telling.sources.clone(),
            reason: telling.reason.to_owned(),
            first: stories::first_report(tx, telling.development, told.id, now)?,
            suppressed: std::mem::take(&mut desk.pace.suppressed),
            created_at,
        };
        desk.pace.alerts.push_back(ToldAlert {
            at: now,
            outlet: report.outlet.clone(),
        });
        desk.board.tell(telling.development, now);
        let text = serde_json::to_string(&message).expect("a message is strings and numbers");
        let alert = stories::insert_alert(tx, telling.development, told.id, &text, now)?;
        let subject = Subject {
            kind: telling.kind,
            state,
            language: told.language,
            outlet: &told.feed.feed.outlet,
        };
        let is_change = telling.kind == DevelopmentKind::State;
        let dispatch = if acts::is_muted(tx, telling.story, is_change, now)? {
            Dispatch::default()
        } else {
            dispatch(self.routes(topic), &subject, due)
        };
        outbox::owe(tx, alert, telling.story, &key, &dispatch, now)
    }

    /// What a report says, in English.
    fn said(
        &self,
        development: DevelopmentId,
        told: &Told<'_>,
        topic: &Topic,
        report: &Report,
        reading: &Reading,
        now: Timestamp,
    ) -> DevelopmentLine {
        let source = said::Source {
            title: &told.item.title,
            language: told.language,
            statement: &report.statement,
            reading,
            lexicon: &self.engine.lexicon,
            reader: &self.settings.tables.reader,
            matter: self.settings.tables.matter(&topic.name),
            at: now,
        };
        DevelopmentLine::of(development.0, source)
    }

    fn tables(&self) -> std::sync::Arc<crate::story::Tables> {
        std::sync::Arc::clone(&self.settings.tables)
    }

    fn policy(&self, topic: &Topic) -> Policy {
        let policy = self.settings.policies.get(&topic.name);
        policy.cloned().unwrap_or_default()
    }

    fn routes(&self, topic: &Topic) -> &[Route] {
        let routes = self.settings.routes.get(&topic.name);
        routes.map_or(&[][..], Vec::as_slice)
    }
}

/// Where a report was kept.
struct Kept {
    story: StoryId,
    development: Option<DevelopmentId>,
    /// A changed item stands elsewhere than before.
    is_new: bool,
    /// It is its development's first report.
    is_first: bool,
}

/// Of a story that somebody follows, every development is told, however slight.
fn as_followed(
    tx: &Transaction<'_>,
    board: &Board,
    mut ruling: Ruling,
) -> Result<Ruling, StoreError> {
    let story = match ruling.place {
        Place::Opens(story) => story,
        Place::Joins(id, _) => board.get(id).map(|it| it.story),
        Place::Commentary(_) => None,
    };
    let lesser = matches!(
        ruling.decision,
        Decision::Silent(Reason::Slight | Reason::Doubtful | Reason::Budget | Reason::Flood)
    );
    if let Some(story) = story.filter(|_| lesser)
        && acts::is_followed(tx, story)?
    {
        ruling.decision = Decision::Alert;
    }
    Ok(ruling)
}

/// What waited for a second source goes out, with all that have it, at the hour that it is now.
fn release(
    tx: &Transaction<'_>,
    development: DevelopmentId,
    sources: &[String],
    routes: &[Route],
    now: Timestamp,
) -> Result<(), StoreError> {
    for (alert, message) in stories::held(tx, development, now)? {
        let Ok(mut message) = serde_json::from_str::<Message>(&message) else {
            continue;
        };
        let first = message.sources.first().cloned().unwrap_or_default();
        message.sources = with_first(&first, sources.to_vec());
        let text = serde_json::to_string(&message).expect("a message is strings and numbers");
        stories::reword(tx, AlertId(alert), &text)?;
        let Some(kind) = DevelopmentKind::of(&message.kind) else {
            continue;
        };
        let subject = Subject {
            kind,
            state: message.story.state.as_deref().and_then(State::of),
            language: message.item.language.as_deref(),
            outlet: &message.item.outlet,
        };
        let dispatch = dispatch(routes, &subject, now);
        let story = StoryId(message.story.id);
        outbox::owe_anew(tx, AlertId(alert), story, &message.id, &dispatch, now)?;
    }
    Ok(())
}

/// The origin that told this comes first, where it is one of the sources.
fn with_first(first: &str, sources: Vec<String>) -> Vec<String> {
    if !sources.iter().any(|it| it == first) {
        return sources;
    }
    let others = sources.into_iter().filter(|it| it != first);
    std::iter::once(first.to_owned()).chain(others).collect()
}

fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

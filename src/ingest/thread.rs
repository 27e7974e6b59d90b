//! A matched item → its story, what it adds, and what is told of it: rows for every decision, and
//! the deliveries owed.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Transaction;
use serde_json::json;

use crate::alert::{Decision, Moment, Reason, Standing, decide};
use crate::clock::rfc3339;
use crate::ingest::item::Told;
use crate::ingest::{Ingest, before};
use crate::item::hash;
use crate::message::{ItemLine, Message, StoryLine, quotes};
use crate::route::{Route, Subject, dispatch};
use crate::store::stories::{AlertId, Placed};
use crate::store::{StoreError, items, outbox, stories};
use crate::story::ladder::State;
use crate::story::open::{Arrival, Ranked};
use crate::story::quote::fresh;
use crate::story::step::Step;
use crate::story::{
    Development, DevelopmentKind, Features, News, StoryId, assess, correction, first_told, opening,
    place, sets, stands, turns, withdrawn,
};
use crate::text::Words;
use crate::topic::lexicon::Reading;
use crate::topic::{Topic, Verdict};

/// In which a topic has its budget of alerts.
const HOUR: Duration = Duration::from_secs(3_600);

/// Where an item goes.
struct Landing {
    story: StoryId,
    /// None for the opener.
    closeness: Option<f64>,
    /// The item stood here before it was changed.
    revised: bool,
    /// It repeats the words of another item, all or nearly all.
    copy: bool,
    /// Whose words they are, where that is known.
    copied_from: Option<String>,
    ranked: Vec<Ranked>,
}

/// An item as threading reads it.
struct Read<'a> {
    features: Features,
    step: Step,
    reading: &'a Reading,
    origin: String,
    /// Whether it names its origin itself.
    cites: bool,
}

/// What would be told, and whether it is.
struct Telling<'a> {
    development: &'a Development,
    decision: Decision,
    quoted: &'a [u16],
}

impl Ingest {
    /// Places a matched item and decides; whether an alert came of it.
    pub(super) fn thread(
        &mut self,
        tx: &Transaction<'_>,
        told: &Told<'_>,
        topic: &Topic,
        verdict: &Verdict,
        reading: &Reading,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        items::write_match(tx, told.id, &topic.name, verdict, told.body.as_str())?;
        let mut read = self.read(told, reading, now);
        let open = self.open.entry(topic.name.clone()).or_default();
        open.close_before(now, &self.story);
        let mut landing = self.land(tx, told, topic, &read, now)?;
        let of_a_meeting = self
            .course(topic, landing.story)
            .is_some_and(|it| it.state.is_some());
        if read.step.is_nameless && !of_a_meeting {
            read.step.state = None;
        }
        self.compare_texts(topic, &read, &mut landing);
        if let Some(origin) = landing.copied_from.as_ref().filter(|_| !read.cites) {
            read.origin.clone_from(origin);
        }
        let (news, development) = self.weigh(told, topic, &read, &landing);
        let quoted = match &development {
            Some(_) => self.quoted(told, topic, &read, &landing),
            None => Vec::new(),
        };
        let standing = if landing.copy {
            Standing::Copy
        } else {
            told.standing
        };
        let moment = Moment {
            now,
            standing,
            told_at: self.course(topic, landing.story).and_then(|it| it.told_at),
            told: stories::told_since(tx, &topic.name, before(now, HOUR))?,
            past: read.step.past,
            comment: read.step.comment,
            sources: self.origins(topic, landing.story, &read.origin).len(),
            origin: &read.origin,
        };
        let policy = self
            .desk
            .policies
            .get(&topic.name)
            .cloned()
            .unwrap_or_default();
        let decision = decide(development.as_ref(), &moment, &policy);
        self.advance(tx, topic, &read, &landing, &news, standing)?;
        if !landing.revised {
            let runners_up = landing.ranked.iter().filter(|it| it.story != landing.story);
            let placed = Placed {
                story: landing.story,
                item: told.id,
                similarity: landing.closeness,
                decision,
                reason: &reason(decision, development.as_ref(), &landing, &news),
                origin: &read.origin,
                state: read.step.state,
                facts: &json!({
                    "new": news.new, "known": news.known,
                    "unsaid": rounded(news.unsaid), "novelty": rounded(news.novelty),
                })
                .to_string(),
                runners_up: &json!(
                    runners_up
                        .take(5)
                        .map(|it| json!({"story": it.story.0, "closeness": rounded(it.closeness)}))
                        .collect::<Vec<_>>()
                )
                .to_string(),
            };
            stories::place(tx, &placed, now)?;
        }
        if policy.hold.is_some() && moment.sources > 1 {
            let origins = self.origins(topic, landing.story, &read.origin);
            release(tx, landing.story, &origins, self.routes(topic), now)?;
        }
        let alerted = match &development {
            Some(development) => {
                let telling = Telling {
                    development,
                    decision,
                    quoted: &quoted,
                };
                self.develop(tx, told, topic, &read, &landing, &telling, now)?
            }
            None => false,
        };
        self.merge(tx, told, topic, &landing, now)?;
        Ok(alerted)
    }

    /// Tells that a told item was withdrawn.
    pub(super) fn take_back(
        &mut self,
        tx: &Transaction<'_>,
        told: &Told<'_>,
        topic: &Topic,
        story: StoryId,
        reading: &Reading,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let read = self.read(told, reading, now);
        let landing = Landing {
            story,
            closeness: None,
            revised: true,
            copy: false,
            copied_from: None,
            ranked: Vec::new(),
        };
        let development = withdrawn();
        let telling = Telling {
            development: &development,
            decision: Decision::Alert,
            quoted: &[0],
        };
        self.develop(tx, told, topic, &read, &landing, &telling, now)
    }

    fn read<'a>(&self, told: &Told<'_>, reading: &'a Reading, now: Timestamp) -> Read<'a> {
        let (tables, lexicon) = (&self.desk.tables, &self.engine.lexicon);
        let feed = &told.feed.feed;
        let cited = tables.origins.cited(reading);
        Read {
            features: Features::new(told.words, reading, lexicon, &tables.wording, now),
            step: tables
                .ladder
                .read(told.words, reading, lexicon, &tables.wording, now),
            cites: cited.is_some(),
            origin: cited
                .unwrap_or_else(|| tables.origins.of_outlet(&feed.family, &feed.outlet))
                .to_owned(),
            reading,
        }
    }

    fn land(
        &mut self,
        tx: &Transaction<'_>,
        told: &Told<'_>,
        topic: &Topic,
        read: &Read<'_>,
        now: Timestamp,
    ) -> Result<Landing, StoreError> {
        let stands_in = stories::of_item(tx, told.id, &topic.name)?;
        let copied = match &told.original {
            Some(original) => stories::of_item(tx, original.id, &topic.name)?,
            None => None,
        };
        let mut landing = Landing {
            story: StoryId(0),
            closeness: None,
            revised: false,
            copy: false,
            copied_from: None,
            ranked: Vec::new(),
        };
        match (stands_in, copied) {
            // A revision may add a fact to the story it stands in.
            (Some(story), _) => {
                landing.story = story;
                landing.revised = true;
            }
            // The same article; where its words are others, they may say more.
            (None, Some(story)) => {
                landing.story = story;
                landing.closeness = Some(1.0);
                landing.copy = told.repeats();
                if let (true, Some(original)) = (landing.copy, &told.original) {
                    landing.copied_from = stories::origin_of(tx, original.id, &topic.name)?;
                }
            }
            // A copy of what did not match is the first to say it.
            (None, None) => {
                let open = self.open.entry(topic.name.clone()).or_default();
                let placement = place(&read.features, read.step.state, open, &self.story);
                if let Some(joined) = placement.joins() {
                    landing.story = joined.story;
                    landing.closeness = Some(joined.closeness);
                } else {
                    landing.story = stories::open(tx, &topic.name, &told.item.title, told.id, now)?;
                }
                landing.ranked = placement.ranked;
            }
        }
        Ok(landing)
    }

    /// Whether the item is an edited copy of one in its story that names no fact of its own.
    fn compare_texts(&self, topic: &Topic, read: &Read<'_>, landing: &mut Landing) {
        let open = self.open.get(&topic.name);
        let Some(story) = open.and_then(|it| it.get(landing.story)) else {
            return;
        };
        let tells_more = || {
            read.features
                .facts
                .iter()
                .any(|it| !story.facts.contains(&it.key))
        };
        if landing.revised || landing.copy || tells_more() {
            return;
        }
        if let Some((origin, _)) = story.texts.original_of(&read.features.shingles) {
            landing.copy = true;
            landing.copied_from = Some(origin.to_owned());
        }
    }

    /// What the item adds to the story as it stood before.
    fn weigh(
        &self,
        told: &Told<'_>,
        topic: &Topic,
        read: &Read<'_>,
        landing: &Landing,
    ) -> (News, Option<Development>) {
        let Some(open) = self.open.get(&topic.name) else {
            return (News::default(), None);
        };
        let story = open.get(landing.story);
        let news = News::of(&read.features, story, &open.rarity);
        if landing.copy {
            return (news, None);
        }
        let opens = landing.closeness.is_none() && !landing.revised;
        if opens {
            let turns = turns(&read.step, &open.course, read.features.at);
            let opening = || opening(landing.ranked.first().copied());
            return (news, Some(turns.unwrap_or_else(opening)));
        }
        // A story that closed before its item was changed has nothing to compare with.
        let Some(story) = story else {
            return (news, None);
        };
        // Known from history alone, or only from what was held back: nobody was told of it yet.
        if story.course.told_at.is_none() && told.standing == Standing::News && !landing.revised {
            return (news, Some(first_told(landing.story)));
        }
        let corrected = told
            .was
            .filter(|_| landing.revised)
            .and_then(|was| correction(&self.facts_of(was), &read.features, &read.step));
        let development = corrected
            .or_else(|| {
                stands(
                    &read.step,
                    &news,
                    &story.course,
                    &open.course,
                    read.features.at,
                )
            })
            .or_else(|| assess(&news, &self.story));
        (news, development)
    }

    /// Sentences that an alert would quote, by number.
    fn quoted(
        &self,
        told: &Told<'_>,
        topic: &Topic,
        read: &Read<'_>,
        landing: &Landing,
    ) -> Vec<u16> {
        let Some(open) = self.open.get(&topic.name) else {
            return vec![0];
        };
        // What no alert has told is new to the reader, whatever the story holds.
        let story = open
            .get(landing.story)
            .filter(|it| it.course.told_at.is_some());
        let wording = &self.desk.tables.wording;
        fresh(told.words, &read.features, story, wording, &open.rarity)
    }

    fn facts_of(&self, title: &str) -> Features {
        let words = Words::new(title, "");
        let reading = self.engine.lexicon.read(&words);
        let wording = &self.desk.tables.wording;
        Features::new(
            &words,
            &reading,
            &self.engine.lexicon,
            wording,
            Timestamp::UNIX_EPOCH,
        )
    }

    fn course(&self, topic: &Topic, story: StoryId) -> Option<&crate::story::open::Course> {
        Some(&self.open.get(&topic.name)?.get(story)?.course)
    }

    /// Independent origins of a story, with that of a further item.
    fn origins(&self, topic: &Topic, story: StoryId, further: &str) -> Vec<String> {
        let open = self.open.get(&topic.name).and_then(|it| it.get(story));
        let mut origins = open.map_or_else(Vec::new, |it| it.origins.clone());
        if !origins.iter().any(|it| it == further) {
            origins.push(further.to_owned());
        }
        origins
    }

    /// The story with the item in it.
    fn advance(
        &mut self,
        tx: &Transaction<'_>,
        topic: &Topic,
        read: &Read<'_>,
        landing: &Landing,
        news: &News,
        standing: Standing,
    ) -> Result<(), StoreError> {
        let open = self.open.entry(topic.name.clone()).or_default();
        if standing == Standing::Copy {
            if let Some(story) = open.get_mut(landing.story) {
                story.reported_by(&read.origin);
            }
            return Ok(());
        }
        let opens = landing.closeness.is_none() && !landing.revised;
        let at = read.features.at;
        let joins = if sets(&read.step, news) {
            Arrival::Sets
        } else {
            Arrival::Joins
        };
        if opens {
            open.open(landing.story, &read.features);
        } else {
            open.add(landing.story, &read.features);
        }
        if let Some(story) = open.get_mut(landing.story) {
            story.reported_by(&read.origin);
            story.texts.remember(&read.features.shingles, &read.origin);
            if story
                .course
                .advance(&read.step, if opens { Arrival::Opens } else { joins }, at)
            {
                stories::set_course(tx, landing.story, &story.course)?;
            }
        }
        if standing == Standing::News && open.course.advance(&read.step, joins, at) {
            open.course.forget(at);
            stories::set_topic_course(tx, &topic.name, &open.course)?;
        }
        Ok(())
    }

    /// Late evidence may show that two stories are one.
    fn merge(
        &mut self,
        tx: &Transaction<'_>,
        told: &Told<'_>,
        topic: &Topic,
        landing: &Landing,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let story = landing.story;
        let open = self.open.entry(topic.name.clone()).or_default();
        let Some((other, closeness)) = open.same_as(story, &landing.ranked, &self.story) else {
            return Ok(());
        };
        let (from, into) = (story.max(other), story.min(other));
        open.merge(from, into);
        stories::merge(tx, from, into, told.id, closeness, now)?;
        if let Some(course) = self.course(topic, into) {
            stories::set_course(tx, into, course)?;
        }
        Ok(())
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "everything an alert says comes together here"
    )]
    fn develop(
        &mut self,
        tx: &Transaction<'_>,
        told: &Told<'_>,
        topic: &Topic,
        read: &Read<'_>,
        landing: &Landing,
        telling: &Telling<'_>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let story = landing.story;
        let &Telling {
            development,
            decision,
            quoted,
        } = telling;
        let suppressed = match decision {
            Decision::Alert | Decision::Held(_) => stories::suppressed(tx, &topic.name)?,
            Decision::Silent(_) => 0,
        };
        let id = stories::insert_development(tx, story, told.id, development, decision, now)?;
        let due = match decision {
            Decision::Alert => now,
            Decision::Held(until) => until,
            Decision::Silent(_) => return Ok(false),
        };
        let created_at = rfc3339(now);
        let identity = format!(
            "{}\n{}\n{}\n{}\n{created_at}",
            topic.name, told.feed.feed.name, told.item.title, id.0
        );
        let key = format!("{}-{:016x}", topic.name, hash(&identity).cast_unsigned());
        let item = told.item;
        let state = self.course(topic, story).and_then(|it| it.state);
        let message = Message {
            id: key.clone(),
            topic: topic.name.clone(),
            kind: development.kind.as_str().to_owned(),
            story: StoryLine {
                id: story.0,
                title: stories::title(tx, story)?,
                state: state.map(|it| it.as_str().to_owned()),
            },
            headline: item.title.clone(),
            new: quotes(
                &item.title,
                &item.summary,
                told.language,
                quoted,
                read.reading,
                &self.engine.lexicon,
            ),
            item: ItemLine {
                title: item.title.clone(),
                url: item.url.clone(),
                outlet: told.feed.feed.outlet.clone(),
                language: told.language.map(str::to_owned),
                published_at: told.published_at.map(rfc3339),
            },
            sources: with_first(&read.origin, self.origins(topic, story, &read.origin)),
            reason: development.reason.clone(),
            first: stories::first_report(tx, story, told.id, now)?,
            suppressed,
            created_at,
        };
        let text = serde_json::to_string(&message).expect("a message is strings and numbers");
        let alert = stories::insert_alert(tx, id, &text, now)?;
        let subject = Subject {
            kind: development.kind,
            state,
            language: told.language,
            outlet: &told.feed.feed.outlet,
        };
        let dispatch = dispatch(self.routes(topic), &subject, due);
        outbox::owe(tx, alert, story, &key, &dispatch, now)?;
        let open = self.open.entry(topic.name.clone()).or_default();
        if let Some(story) = open.get_mut(story) {
            story.course.told_at = Some(now);
        }
        Ok(true)
    }

    fn routes(&self, topic: &Topic) -> &[Route] {
        let routes = self.desk.routes.get(&topic.name);
        routes.map_or(&[][..], Vec::as_slice)
    }
}

/// What waited for a second source goes out, with all that have it, at the hour that it is now.
fn release(
    tx: &Transaction<'_>,
    story: StoryId,
    origins: &[String],
    routes: &[Route],
    now: Timestamp,
) -> Result<(), StoreError> {
    for (alert, message) in stories::held(tx, story, now)? {
        let Ok(mut message) = serde_json::from_str::<Message>(&message) else {
            continue;
        };
        let first = message.sources.first().cloned().unwrap_or_default();
        message.sources = with_first(&first, origins.to_vec());
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
        outbox::owe_anew(tx, AlertId(alert), story, &message.id, &dispatch, now)?;
    }
    Ok(())
}

/// The origin that told this comes first, whoever opened the story.
fn with_first(first: &str, origins: Vec<String>) -> Vec<String> {
    let others = origins.into_iter().filter(|it| it != first);
    std::iter::once(first.to_owned()).chain(others).collect()
}

fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

fn reason(
    decision: Decision,
    development: Option<&Development>,
    landing: &Landing,
    news: &News,
) -> String {
    match (decision, development) {
        (Decision::Silent(Reason::Copy), _) => match &landing.copied_from {
            Some(origin) => format!("a copy: {origin} had these words first"),
            None => "the same article as one already kept".to_owned(),
        },
        (_, Some(development)) => development.reason.clone(),
        (_, None) if landing.closeness.is_none() => "adds no new fact".to_owned(),
        (_, None) => format!(
            "repeats its story: {:.0} % of its headline was said before, and {}",
            (1.0 - news.unsaid) * 100.0,
            match news.new.as_slice() {
                [] => "it names nothing new".to_owned(),
                new => format!("what it adds is too little to tell: {}", new.join(", ")),
            }
        ),
    }
}

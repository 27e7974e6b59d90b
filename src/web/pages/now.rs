//! Now: where the topic's meeting stands, what is new, what is held back, which feeds are in trouble.

use std::sync::Arc;

use axum::extract::{Extension, Query, State};
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use crate::clock::rfc3339;
use crate::message::lines::day;
use crate::store::StoreError;
use crate::store::outages::{self, Outage};
use crate::store::view::feeds::{self, Feed};
use crate::store::view::news::{self, Development, Which};
use crate::store::view::stories::{self, Standing};
use crate::store::view::{Part, Rows, owed, volume};
use crate::story::ladder::State as Step;
use crate::story::numbers::Day;
use crate::web::Web;
use crate::web::guard::May;
use crate::web::page::{About, Frame, headline, kind, language, older, page};
use crate::web::pages::Listed;
use crate::web::trouble::Trouble;
use crate::web::words::{counted, grouped};
use crate::words;

/// Developments shown, and what was held back within so long.
const SHOWN: usize = 20;
const HELD: SignedDuration = SignedDuration::from_hours(72);
const DAY: SignedDuration = SignedDuration::from_hours(24);

struct Seen {
    standing: Option<Standing>,
    developments: Rows<Development>,
    held: Vec<Development>,
    /// In the last day: items, matches, developments.
    day: [i64; 3],
    feeds: Vec<Feed>,
    /// Nothing can be reached.
    offline: Option<Outage>,
    /// Channels that take nothing.
    down: Vec<String>,
    /// Up to when the page tells.
    end: Timestamp,
    /// The last hour that brought an item.
    last: Option<String>,
}

pub(super) async fn show(
    State(web): State<Arc<Web>>,
    Extension(may): Extension<May>,
    Query(listed): Query<Listed>,
) -> Result<Markup, Trouble> {
    let frame = Frame::new(&web, may, listed.topic.as_deref())?;
    let last = web.ask(volume::last).await?;
    let end = frame.end(last.as_deref());
    let ago = |span| rfc3339(end.checked_sub(span).unwrap_or(end));
    let (held, day, topic) = (ago(HELD), ago(DAY), frame.topic.clone());
    let part = Part {
        before: listed.before,
        limit: SHOWN,
    };
    let seen = web
        .ask(move |archive| {
            let sum = |counts: Result<Vec<volume::Count>, StoreError>| {
                Ok::<i64, StoreError>(counts?.iter().map(|it| it.n).sum())
            };
            Ok(Seen {
                standing: stories::standing(archive, &topic)?,
                developments: news::developments(archive, Some(&topic), Which::News, part)?,
                held: news::held_back(archive, &topic, &held, SHOWN)?,
                day: [
                    sum(volume::items(archive, &day))?,
                    sum(volume::matches(archive, &topic, &day))?,
                    sum(volume::developments(archive, &topic, &day))?,
                ],
                feeds: feeds::feeds(archive, "9")?,
                offline: outages::lasting(archive)?,
                down: owed::down(archive)?,
                end,
                last,
            })
        })
        .await?;
    let about = About {
        title: "Now",
        path: "/",
        live: "development visit",
        topical: true,
    };
    Ok(page(&frame, &about, &content(&frame, &seen)))
}

fn content(frame: &Frame, seen: &Seen) -> Markup {
    html! {
        h1.sr { "Now" }
        @match &seen.offline { Some(outage) => (offline(frame, outage)), None => (sight(frame, seen)) }
        @if !seen.down.is_empty() {
            p.sight.blind role="alert" {
                span.lamp aria-hidden="true" { "●" } " " strong { "Nobody hears it: " }
                a href="/outbox?state=dead" { (seen.down.join(", ")) } " does not take what it is sent."
            }
        }
        (frame.ended(seen.end))
        (standing(frame, seen.standing.as_ref()))
        div.columns-2 {
            section aria-labelledby="latest" {
                h2 #latest { "Latest developments" }
                @if seen.developments.rows.is_empty() {
                    p.quiet { "Nothing yet. What is new in a story of this topic will stand here." }
                }
                (developments(frame, &seen.developments.rows))
                (older(&frame.at("/"), seen.developments.rows.last().map(|it| it.id), seen.developments.more))
            }
            aside aria-label="At a glance" { (glance(frame, seen)) }
        }
    }
}

/// Silence is not peace: what stands below is what was known before.
pub(super) fn offline(frame: &Frame, outage: &Outage) -> Markup {
    html! {
        p.offline role="status" {
            strong { "Offline since " (frame.time(&rfc3339(outage.since))) "." }
            " No feed can be reached; what is published meanwhile is made up for later. "
            span.meta.error { (headline(&outage.cause, None)) }
        }
    }
}

/// One line: whether the watcher sees.
fn sight(frame: &Frame, seen: &Seen) -> Markup {
    let ill = seen.feeds.iter().filter(|it| !it.is_well()).count();
    let blind = !seen.feeds.is_empty() && ill * 2 > seen.feeds.len();
    let visited = seen
        .feeds
        .iter()
        .filter_map(|it| it.last_success_at.as_deref());
    html! {
        p.sight .blind[blind] role=[blind.then_some("alert")] {
            span.lamp aria-hidden="true" { "●" } " "
            @if seen.feeds.is_empty() {
                "No feed is configured."
            } @else {
                @if blind { strong { "Most feeds fail: " } }
                a href=(if ill > 0 { "/feeds?state=trouble" } else { "/feeds" }) {
                    (counted(number(seen.feeds.len()), "feed", "feeds")) ", "
                    @if ill == 0 { "all well" } @else { (ill) " in trouble" }
                }
                @if let Some(at) = visited.max() { "; last read " (frame.ago(at)) }
                @if seen.last.is_none() { "; no item yet" }
            }
        }
    }
}

fn number(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

const RUNGS: [Step; 10] = [
    Step::Floated,
    Step::Wished,
    Step::Proposed,
    Step::Planned,
    Step::Confirmed,
    Step::Agreed,
    Step::Dated,
    Step::Placed,
    Step::UnderWay,
    Step::Outcome,
];

/// Where the meeting stands, on the ladder.
fn standing(frame: &Frame, standing: Option<&Standing>) -> Markup {
    let step = standing.and_then(|it| Step::of(&it.state));
    let place = |step: Step| RUNGS.iter().position(|it| *it == step);
    let at = step.and_then(place);
    // What it has been, for a meeting that went down from there.
    let been = standing.map_or("", |it| it.states.as_str()).split(", ");
    let highest = been
        .filter_map(|it| place(Step::of(it.split(' ').next()?)?))
        .max();
    html! {
        section.standing aria-labelledby="standing" {
            @match (standing, step) {
                (Some(it), Some(step)) => {
                    h2 #standing { "The " (frame.noun()) ": " em class=[step.is_down().then_some("down")] { (frame.state_word(step.as_str())) } }
                    p {
                        @if let Some(actor) = &it.actor { "By " (party(actor)) ", as of " } @else { "As of " }
                        @if let Some(at) = it.since() { (frame.time(at)) " (" (frame.ago(at)) ")" }
                        @if let Some(it) = frame.named(it.setter.as_deref()) { ", says " (headline(&it, None)) }
                        @if let Some(it) = course_set(frame, it) { ": " b { (it) } }
                        @if let (Some(id), Some(title)) = (it.story_id, &it.story_title) {
                            " · " a href={"/stories/" (id)} { (headline(title, it.story_language.as_deref())) }
                        }
                    }
                }
                _ => {
                    h2 #standing { (frame.topic_title()) }
                    p { "No " (frame.noun()) " is in its news." }
                }
            }
            @if let Some(step) = step {
            ol.ladder aria-label={"Steps of the " (frame.noun())} {
                @for (place, rung) in RUNGS.iter().enumerate() {
                    li.reached[at.or(highest).is_some_and(|at| place <= at)] .here[at == Some(place)] aria-current=[(at == Some(place)).then_some("step")] {
                        span { (frame.state_word(rung.as_str())) }
                    }
                }
                @if at.is_none() {
                    li.here.off.down[step.is_down()] aria-current="step" { span { (frame.state_word(step.as_str())) } }
                }
            }
            }
        }
    }
}

/// "Panmunjom, 12 May, in 9 days": the place and the day to come.
fn set(frame: &Frame, place: Option<&str>, date: Option<&str>) -> Option<String> {
    let today = frame.local(frame.now).date();
    let date = date.and_then(|it| it.parse().ok()).map(|it| day(it, today));
    let set: Vec<String> = place.map(str::to_owned).into_iter().chain(date).collect();
    (!set.is_empty()).then(|| set.join(", "))
}

/// Place and day that the meeting is set to.
fn course_set(frame: &Frame, standing: &Standing) -> Option<String> {
    let day = standing.day.as_deref().and_then(Day::of);
    let day = day
        .filter(|it| it.is_coming(frame.now))
        .and_then(|it| it.next(frame.now));
    let place = standing.place.as_deref().map(|it| frame.place(it));
    set(
        frame,
        place.as_deref(),
        day.map(|it| it.to_string()).as_deref(),
    )
}

fn party(actor: &str) -> &str {
    match actor {
        "us" => "the United States",
        "dprk" => "the DPRK",
        other => other,
    }
}

fn developments(frame: &Frame, rows: &[Development]) -> Markup {
    let mut days: Vec<(String, Vec<&Development>)> = Vec::new();
    for row in rows {
        let day = frame.day(&row.created_at);
        match days.last_mut() {
            Some((last, list)) if *last == day => list.push(row),
            _ => days.push((day, vec![row])),
        }
    }
    html! {
        @for (day, rows) in days {
            h3.day { (day) }
            ol.news { @for row in rows { (development(frame, row)) } }
        }
    }
}

pub(super) fn development(frame: &Frame, row: &Development) -> Markup {
    html! {
        li.quiet-row[row.verdict != "alert"] {
            div.at {
                (frame.clock(&row.created_at))
                @if frame.is_recent(&row.created_at) { span.ago { (frame.ago(&row.created_at)) } }
            }
            div {
                @let said = row.summary.as_deref().filter(|said| !said.is_empty() && *said != row.title);
                p.title { a href={"/stories/" (row.story_id) "#development-" (row.id)} {
                    @match said { Some(said) => (headline(said, Some("en"))), None => (headline(&row.title, row.language.as_deref())) }
                } }
                @if said.is_some() { p.original { (headline(&row.title, row.language.as_deref())) } }
                p.meta {
                    (kind(&row.kind, &row.verdict)) " "
                    @if let Some(it) = &row.state { (frame.state(it)) " " }
                    span.outlet { (headline(&row.outlet, None)) } " " (language(row.language.as_deref()))
                    span.quiet { (words::counted(usize::try_from(row.outlets).unwrap_or(0), "outlet", "outlets")) }
                    @if let Some(it) = set(frame, row.place.as_deref(), row.day.as_deref()) { span.gloss { (it) } }
                    span.why { (headline(&row.reason, None)) }
                }
            }
        }
    }
}

fn glance(frame: &Frame, seen: &Seen) -> Markup {
    let ill: Vec<&Feed> = seen.feeds.iter().filter(|it| !it.is_well()).collect();
    let [items, matches, news] = seen.day;
    html! {
        section aria-labelledby="day" {
            h2 #day { @if seen.end < frame.now { "24 hours up to " (frame.time(&rfc3339(seen.end))) } @else { "Last 24 hours" } }
            dl.figures {
                div { dt { "items" } dd { (grouped(items)) } }
                div { dt { "matches" } dd { (grouped(matches)) } }
                div { dt { "new" } dd { (grouped(news)) } }
            }
            p { a href=(frame.at("/volume")) { "Volume day by day" } }
        }
        section aria-labelledby="held" {
            h2 #held { "Held back" }
            @if seen.held.is_empty() {
                p.quiet { "Nothing new was held back in three days." }
            } @else {
                ol.brief {
                    @for row in &seen.held {
                        li { a href={"/stories/" (row.story_id) "#development-" (row.id)} { (headline(&row.title, row.language.as_deref())) }
                            p.meta { (frame.time(&row.created_at)) " " (kind(&row.kind, &row.verdict)) } }
                    }
                }
            }
        }
        section aria-labelledby="ill" {
            h2 #ill { "Feeds in trouble" }
            @if seen.feeds.is_empty() {
                p.quiet { "No feed is configured." }
            } @else if ill.is_empty() {
                p.quiet { "All " a href="/feeds" { (counted(i64::try_from(seen.feeds.len()).unwrap_or(0), "feed", "feeds")) } " are well." }
            } @else {
                ul.brief {
                    @for feed in ill.iter().take(8) {
                        li { a href={"/feeds#" (feed.name)} { (feed.name) } " " span class={"health " (feed.state)} { (feed.state) }
                            @if let Some(reason) = &feed.reason { p.meta { (headline(reason, None)) } } }
                    }
                }
                p { a href="/feeds?state=trouble" { (ill.len()) " of " (counted(i64::try_from(seen.feeds.len()).unwrap_or(0), "feed", "feeds")) } }
            }
        }
    }
}

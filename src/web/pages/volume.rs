//! Volume: items, matches and developments day by day and by language, and where the meeting stood.

use std::sync::Arc;

use axum::extract::{Extension, Query, State};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use maud::{Markup, html};
use serde::Deserialize;

use crate::clock::rfc3339;
use crate::store::view::volume::{self, Count, Turn};
use crate::story::ladder;
use crate::web::Web;
use crate::web::chart::{self, Stack, Stretch};
use crate::web::guard::May;
use crate::web::page::{About, Frame, page, with};
use crate::web::pages::number;
use crate::web::trouble::Trouble;
use crate::words;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    topic: Option<String>,
    #[serde(default, deserialize_with = "number")]
    days: Option<i64>,
}

const RANGES: [i64; 3] = [14, 30, 90];

pub(super) async fn show(
    State(web): State<Arc<Web>>,
    Extension(may): Extension<May>,
    Query(asked): Query<Asked>,
) -> Result<Markup, Trouble> {
    let frame = Frame::new(&web, may, asked.topic.as_deref())?;
    let range = asked.days.filter(|it| RANGES.contains(it)).unwrap_or(30);
    let last = web.ask(volume::last).await?;
    let end = frame.end(last.as_deref());
    let days = days(&frame, end, range);
    let since = first(&frame, &days);
    let (from, topic) = (rfc3339(since), frame.topic.clone());
    let (counts, turns) = web
        .ask(move |archive| {
            let counts = [
                ("Items", volume::items(archive, &from)?),
                ("Matches", volume::matches(archive, &topic, &from)?),
                (
                    "Developments",
                    volume::developments(archive, &topic, &from)?,
                ),
            ];
            Ok((counts, volume::turns(archive, &topic)?))
        })
        .await?;
    let series = counts.map(|(name, counts)| (name, by_day(&frame, &days, &counts)));
    let about = About {
        title: "Volume",
        path: "/volume",
        live: "item",
        topical: true,
    };
    Ok(page(
        &frame,
        &about,
        &content(&frame, range, (since, end), &series, &turns),
    ))
}

/// The days up to the last, where people read them.
fn days(frame: &Frame, end: Timestamp, range: i64) -> Vec<Date> {
    let today = frame.local(end).date();
    let days = (0..range).rev().map(|back| today.checked_sub(back.days()));
    days.filter_map(Result::ok).collect()
}

fn first(frame: &Frame, days: &[Date]) -> Timestamp {
    let midnight = days
        .first()
        .and_then(|it| it.to_zoned_datetime(frame.zone.clone()).ok());
    midnight.map_or(frame.now, |it| it.timestamp())
}

fn by_day(frame: &Frame, days: &[Date], counts: &[Count]) -> Vec<(Date, Stack)> {
    let mut stacks: Vec<(Date, Stack)> = days.iter().map(|it| (*it, Stack::default())).collect();
    // Counts come hour by hour: the day is looked up once for all languages.
    let mut last: (&str, Option<usize>) = ("", None);
    for count in counts {
        if last.0 != count.hour {
            last = (&count.hour, day_of(frame, &count.hour, days));
        }
        if let Some(at) = last.1 {
            stacks[at].1[chart::place_of(count.language.as_deref())] += count.n;
        }
    }
    stacks
}

/// Which of `days` an hour (`2026-03-01T09`, UTC) falls on.
fn day_of(frame: &Frame, hour: &str, days: &[Date]) -> Option<usize> {
    let hour: Timestamp = format!("{hour}:00:00Z").parse().ok()?;
    days.binary_search(&frame.local(hour).date()).ok()
}

type Series = [(&'static str, Vec<(Date, Stack)>); 3];

fn content(
    frame: &Frame,
    range: i64,
    (since, end): (Timestamp, Timestamp),
    series: &Series,
    turns: &[Turn],
) -> Markup {
    let mut occur = Stack::default();
    let stacks = series.iter().flat_map(|(_, days)| days);
    stacks.for_each(|(_, stack)| occur.iter_mut().zip(stack).for_each(|(sum, n)| *sum += n));
    let days: Vec<Date> = series[0].1.iter().map(|it| it.0).collect();
    let path = frame.at("/volume");
    html! {
        h1 { "Volume" }
        (frame.ended(end))
        nav.ranges aria-label="Range" {
            @for it in RANGES { a href=(with(&path, "days", &it.to_string())) aria-current=[(it == range).then_some("true")] { (it) " days" } }
        }
        div.columns-2 {
            div {
            @let stretches = stretches(frame, since, end, turns);
            @if !stretches.is_empty() { (chart::band(&stretches, &days)) }
            @for (name, days) in series { (chart::columns(name, days)) }
            (chart::legend(&occur))
            (numbers(series))
            }
            aside aria-label="Turns" { (turning_points(frame, since, turns)) }
        }
    }
}

/// The turns as stretches of the time shown; the first began before it.
fn stretches(frame: &Frame, since: Timestamp, end: Timestamp, turns: &[Turn]) -> Vec<Stretch> {
    let after = |at: Timestamp| at.duration_since(since).as_secs_f64();
    let whole = after(end).max(1.0);
    let place = |at: Timestamp| (after(at) / whole * 100.0).clamp(0.0, 100.0);
    let mut stretches: Vec<Stretch> = Vec::new();
    for turn in turns {
        let Ok(at) = turn.at.parse::<Timestamp>() else {
            continue;
        };
        let from = place(at);
        if let Some(last) = stretches.last_mut() {
            last.to = from;
        }
        stretches.push(Stretch {
            from,
            to: 100.0,
            state: words::state(&turn.state).to_owned(),
            down: ladder::State::of(&turn.state).is_some_and(ladder::State::is_down),
            said: format!(
                "{} from {}",
                words::state(&turn.state),
                frame.local(at).strftime("%-d %b %H:%M")
            ),
        });
    }
    stretches.retain(|it| it.to > 0.0);
    stretches
}

fn turning_points(frame: &Frame, since: Timestamp, turns: &[Turn]) -> Markup {
    let since = rfc3339(since);
    let within: Vec<&Turn> = turns.iter().filter(|it| it.at >= since).collect();
    html! {
        section aria-labelledby="turns" {
            h2 #turns { "Turns of the " (frame.noun()) }
            @if within.is_empty() { p.quiet { "None in this time." } } @else {
                ol.turns {
                    @for turn in within.iter().rev() {
                        li { (frame.time(&turn.at)) " " (frame.state(&turn.state)) " " a href={"/stories/" (turn.story_id)} { "story " (turn.story_id) } }
                    }
                }
            }
        }
    }
}

/// The charts as a table, for who cannot see them.
fn numbers(series: &Series) -> Markup {
    let sum = |at: usize, day: usize| series[at].1[day].1.iter().sum::<i64>();
    html! {
        details {
            summary { "The numbers" }
            div.wide tabindex="0" role="region" aria-label="Numbers by day" {
                table {
                    thead { tr { th scope="col" { "Day" } @for (name, _) in series { th.n scope="col" { (name) } } } }
                    tbody {
                        @for day in (0..series[0].1.len()).rev() {
                            tr { th scope="row" { (series[0].1[day].0) } @for at in 0..series.len() { td.n { (sum(at, day)) } } }
                        }
                    }
                }
            }
        }
    }
}

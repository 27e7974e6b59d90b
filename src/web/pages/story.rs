//! One story as a timeline of its developments, each with its reports: who, how long after the first, in
//! which language.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::extract::{Extension, Path, State};
use axum::response::Redirect;
use maud::{Markup, html};

use crate::message::Quote;
use crate::store::outbox::by_hand::{self, Acknowledged};
use crate::store::view::acts::{self, Act};
use crate::store::view::news::{self, Alert, Development};
use crate::store::view::stories::{self, Report, Story};
use crate::web::Web;
use crate::web::chart::{self, Dot};
use crate::web::guard::{May, Who};
use crate::web::page::{About, Frame, foreign, headline, kind, language, outward, page};
use crate::web::pages::stories::figures;
use crate::web::pages::{acts as doing, named, nowhere};
use crate::web::trouble::Trouble;
use crate::web::words::span;
use crate::words::{self, counted};

struct Seen {
    story: Story,
    reports: Vec<Report>,
    developments: Vec<Development>,
    alerts: Vec<Alert>,
    acts: Vec<Act>,
}

/// Of a story that goes on for months its first reports are shown; the API has all of them.
const SHOWN: usize = 400;

pub(super) async fn show(
    State(web): State<Arc<Web>>,
    Extension(may): Extension<May>,
    path: Path<String>,
) -> Result<Markup, Trouble> {
    let id = named(&path, "story")?;
    let asked = web.ask(move |archive| {
        let Some(story) = stories::one(archive, id)? else {
            return Ok(None);
        };
        Ok(Some(Seen {
            story,
            reports: stories::reports(archive, id, SHOWN)?,
            developments: news::of_story(archive, id)?,
            alerts: news::alerts_of_story(archive, id)?,
            acts: acts::of_story(archive, id)?,
        }))
    });
    let seen = asked.await?.ok_or_else(|| nowhere("story", id))?;
    // A topic that is no longer configured keeps its stories.
    let frame =
        Frame::new(&web, may, Some(&seen.story.topic)).unwrap_or_else(|_| Frame::bare(&web, may));
    let about = About {
        title: "Story",
        path: "/stories",
        live: "item",
        topical: false,
    };
    Ok(page(&frame, &about, &content(&frame, &seen)))
}

fn content(frame: &Frame, seen: &Seen) -> Markup {
    let story = &seen.story;
    let told: HashMap<i64, &Alert> = seen.alerts.iter().map(|it| (it.item_id, it)).collect();
    let mut of: BTreeMap<Option<i64>, Vec<&Report>> = BTreeMap::new();
    for report in &seen.reports {
        of.entry(report.development_id).or_default().push(report);
    }
    let mut days: Vec<(String, Vec<&Development>)> = Vec::new();
    for development in &seen.developments {
        let day = frame.day(&development.created_at);
        match days.last_mut() {
            Some((last, list)) if *last == day => list.push(development),
            _ => days.push((day, vec![development])),
        }
    }
    let comments = of.get(&None).map_or(&[][..], Vec::as_slice);
    html! {
        p.crumb { a href=(frame.at("/stories")) { "Stories" } }
        h1.story-title { (headline(&story.title, story.language.as_deref())) }
        p.meta {
            @if let Some(it) = &story.state { (frame.state(it)) " " }
            span { (figures(story)) }
            span { (frame.time(&story.first_seen_at)) " – " (frame.time(&story.last_seen_at)) }
        }
        @if let Some(other) = story.merged_into {
            p.lead { "It turned out to be " a href={"/stories/" (other)} { "story " (other) } ", which has its reports." }
        }
        (doing::standing(frame, &seen.acts.iter().filter(|it| it.story_id.is_some()).collect::<Vec<_>>()))
        (doing::on_story(frame, story.id))
        @if seen.reports.len() > 1 { (spread(&seen.reports, &told)) }
        @for (day, developments) in days {
            h2.day { (day) }
            ol.timeline {
                @for it in developments {
                    @let alert = it.alert_id.and_then(|id| seen.alerts.iter().find(|alert| alert.id == id));
                    @let reports = of.get(&Some(it.id)).map_or(&[][..], Vec::as_slice);
                    @let acts: Vec<&Act> = seen.acts.iter().filter(|act| act.development_id == Some(it.id)).collect();
                    (entry(frame, it, reports, alert, &acts))
                }
            }
        }
        @if !comments.is_empty() {
            details.reports {
                summary { (counted(comments.len(), "item reports", "items report")) " no development" }
                ul.brief { @for it in comments { (report(frame, it)) } }
            }
        }
        @if seen.reports.len() == SHOWN { p.quiet { "These are the first " (SHOWN) " reports; the API has all." } }
    }
}

fn spread(reports: &[Report], told: &HashMap<i64, &Alert>) -> Markup {
    let dots: Vec<Dot> = reports
        .iter()
        .map(|it| Dot {
            lag_secs: it.lag_secs,
            place: chart::place_of(it.language.as_deref()),
            told: told.contains_key(&it.item_id),
            said: format!("{} after {}", it.outlet, span(it.lag_secs)),
        })
        .collect();
    chart::spread(&dots)
}

/// A development with its reports folded beneath.
fn entry(
    frame: &Frame,
    development: &Development,
    reports: &[&Report],
    alert: Option<&Alert>,
    acts: &[&Act],
) -> Markup {
    let it = development;
    let said = alert.and_then(Alert::said);
    let quotes = said.as_ref().map_or(&[][..], |it| &it.new);
    let summary = it
        .summary
        .as_deref()
        .filter(|said| !said.is_empty() && *said != it.title);
    html! {
        li #{"development-" (it.id)} .told[alert.is_some()] .minor[alert.is_none()] {
            p.when { (frame.clock(&it.created_at)) }
            div {
                @if let Some(it) = summary { p.said { (foreign(it, Some("en"), 300)) } }
                p.title { a href={"/items/" (it.item_id)} { (headline(&it.title, it.language.as_deref())) } }
                p.meta {
                    span.outlet { (headline(&it.outlet, None)) } " " (language(it.language.as_deref())) " "
                    @if let Some(it) = &it.state { (frame.state(it)) " " }
                    (kind(&it.kind, &it.verdict)) " "
                    (outward(it.url.as_deref(), "Read"))
                }
                @for quote in quotes.iter().filter(|quote| quote.text != it.title) { (quoted(quote)) }
                p.why { (headline(&it.reason, None)) }
                @if !reports.is_empty() {
                    details.reports {
                        summary { (counted(reports.len(), "report", "reports")) " by " (counted(usize::try_from(it.outlets).unwrap_or(0), "outlet", "outlets")) }
                        ul.brief { @for it in reports { (report(frame, it)) } }
                    }
                }
                @if let Some(alert) = alert { (acknowledgement(frame, alert)) }
                (doing::standing(frame, acts))
                (doing::on_development(frame, it.id))
            }
        }
    }
}

/// One report: who, in which language, how long after the development's first, and what it is.
fn report(frame: &Frame, report: &Report) -> Markup {
    let it = report;
    html! {
        li #{"item-" (it.item_id)} {
            a href={"/items/" (it.item_id)} { (headline(&it.title, it.language.as_deref())) }
            p.meta {
                span.outlet {
                    (headline(&it.outlet, None))
                    @if it.origin != it.outlet { ", citing " (headline(&it.origin, None)) }
                }
                " " (language(it.language.as_deref())) " "
                span.lag { "+" (span(it.development_lag_secs)) } " "
                span.quiet { (it.role.as_deref().map_or(words::verdict(&it.code), words::role)) } " "
                (frame.time(&it.at)) " "
                (outward(it.url.as_deref(), "Read"))
            }
        }
    }
}

/// Whether somebody has it, and for who may a way to say so.
fn acknowledgement(frame: &Frame, alert: &Alert) -> Markup {
    html! {
        @match &alert.acknowledged_at {
            Some(at) => p.meta {
                "acknowledged " (frame.time(at))
                @if let Some(by) = &alert.acknowledged_by { " by " (foreign(by, None, 60)) }
            },
            None => @if frame.may.act {
                form method="post" action={"/alerts/" (alert.id) "/acknowledge"} {
                    button.plain { "Acknowledge" span.sr { ", alert " (alert.id) } }
                }
            },
        }
    }
}

pub(super) async fn acknowledge(
    State(web): State<Arc<Web>>,
    Extension(may): Extension<May>,
    Extension(who): Extension<Who>,
    path: Path<String>,
) -> Result<Redirect, Trouble> {
    let id = named(&path, "alert")?;
    acknowledged(&web, may, &who, id).await?;
    let alert = web.ask(move |archive| news::alert(archive, id)).await?;
    let alert = alert.ok_or_else(|| nowhere("alert", id))?;
    let (story, development) = (alert.story_id, alert.development_id);
    Ok(Redirect::to(&format!(
        "/stories/{story}#development-{development}"
    )))
}

/// Writes down that somebody has an alert, for who may.
pub(in crate::web) async fn acknowledged(
    web: &Web,
    may: May,
    who: &Who,
    id: i64,
) -> Result<(), Trouble> {
    may.acts()?;
    let (reader, now) = (who.0.to_string(), web.clock.now());
    let acknowledged = web.act(move |tx| by_hand::acknowledge(tx, id, &reader, now));
    match acknowledged.await? {
        Acknowledged::Unknown => Err(nowhere("alert", id)),
        Acknowledged::Now | Acknowledged::Before(_) => Ok(()),
    }
}

fn quoted(quote: &Quote) -> Markup {
    html! {
        blockquote {
            p { (foreign(&quote.text, quote.language.as_deref(), 600)) }
            @if !quote.gloss.is_empty() { footer { (foreign(&quote.gloss, None, 300)) } }
        }
    }
}

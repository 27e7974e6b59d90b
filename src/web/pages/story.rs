//! One story as a timeline: who reported what when, how long after the first, what was new in it.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Extension, Path, State};
use axum::response::Redirect;
use maud::{Markup, html};

use crate::message::Quote;
use crate::store::outbox::by_hand::{self, Acknowledged};
use crate::store::view::news::{self, Alert};
use crate::store::view::stories::{self, Report, Story};
use crate::web::Web;
use crate::web::chart::{self, Dot};
use crate::web::guard::May;
use crate::web::page::{About, Frame, foreign, headline, kind, language, outward, page, state};
use crate::web::pages::stories::figures;
use crate::web::pages::{named, nowhere};
use crate::web::trouble::Trouble;
use crate::web::words::{span, verdict_word};

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
        let reports = stories::reports(archive, id, SHOWN)?;
        Ok(Some((story, reports, news::alerts_of_story(archive, id)?)))
    });
    let (story, reports, alerts) = asked.await?.ok_or_else(|| nowhere("story", id))?;
    // A topic that is no longer configured keeps its stories.
    let frame =
        Frame::new(&web, may, Some(&story.topic)).unwrap_or_else(|_| Frame::bare(&web, may));
    let about = About {
        title: "Story",
        path: "/stories",
        live: "item",
        topical: false,
    };
    Ok(page(
        &frame,
        &about,
        &content(&frame, &story, &reports, &alerts),
    ))
}

fn content(frame: &Frame, story: &Story, reports: &[Report], alerts: &[Alert]) -> Markup {
    let told: HashMap<i64, &Alert> = alerts.iter().map(|it| (it.item_id, it)).collect();
    let mut days: Vec<(String, Vec<&Report>)> = Vec::new();
    for report in reports {
        let day = frame.day(&report.at);
        match days.last_mut() {
            Some((last, list)) if *last == day => list.push(report),
            _ => days.push((day, vec![report])),
        }
    }
    html! {
        p.crumb { a href=(frame.at("/stories")) { "Stories" } }
        h1.story-title { (headline(&story.title, story.language.as_deref())) }
        p.meta {
            @if let Some(it) = &story.state { (state(it)) " " }
            span { (figures(story)) }
            span { (frame.time(&story.first_seen_at)) " – " (frame.time(&story.last_seen_at)) }
        }
        @if let Some(other) = story.merged_into {
            p.lead { "It turned out to be " a href={"/stories/" (other)} { "story " (other) } ", which has its reports." }
        }
        @if reports.len() > 1 { (spread(reports, &told)) }
        @for (day, reports) in days {
            h2.day { (day) }
            ol.timeline { @for report in reports { (entry(frame, report, told.get(&report.item_id).copied())) } }
        }
        @if reports.len() == SHOWN { p.quiet { "These are the first " (SHOWN) " reports; the API has all." } }
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
    chart::spread(&dots, &span(reports.last().map_or(0, |it| it.lag_secs)))
}

fn entry(frame: &Frame, report: &Report, alert: Option<&Alert>) -> Markup {
    let said = alert.and_then(Alert::said);
    let quotes = said.as_ref().map_or(&[][..], |it| &it.new);
    html! {
        li #{"item-" (report.item_id)} .told[alert.is_some()] .minor[report.development.is_none()] {
            p.when { (frame.clock(&report.at)) span.lag { "+" (span(report.lag_secs)) } }
            div {
                p.title { a href={"/items/" (report.item_id)} { (headline(&report.title, report.language.as_deref())) } }
                p.meta {
                    span.outlet {
                        (headline(&report.outlet, None))
                        @if report.origin != report.outlet { ", citing " (headline(&report.origin, None)) }
                    }
                    " " (language(report.language.as_deref())) " "
                    @if let Some(it) = &report.state { (state(it)) " " }
                    @match &report.development {
                        Some(it) => { (kind(it, &report.code)) " " },
                        None => { span.quiet { (verdict_word(&report.code)) } " " },
                    }
                    (outward(report.url.as_deref(), "Read"))
                }
                @for quote in quotes.iter().filter(|it| it.text == report.title && !it.gloss.is_empty()) {
                    p.gloss { (foreign(&quote.gloss, None, 300)) }
                }
                @for quote in quotes.iter().filter(|it| it.text != report.title) { (quoted(quote)) }
                @if report.development.is_some() { p.why { (headline(&report.reason, None)) } }
                @if let Some(alert) = alert { (acknowledgement(frame, alert)) }
            }
        }
    }
}

/// Whether somebody has it, and for who may a way to say so.
fn acknowledgement(frame: &Frame, alert: &Alert) -> Markup {
    html! {
        @match &alert.acknowledged_at {
            Some(at) => p.meta { "acknowledged " (frame.time(at)) },
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
    path: Path<String>,
) -> Result<Redirect, Trouble> {
    let id = named(&path, "alert")?;
    acknowledged(&web, may, id).await?;
    let alert = web.ask(move |archive| news::alert(archive, id)).await?;
    let alert = alert.ok_or_else(|| nowhere("alert", id))?;
    let (story, item) = (alert.story_id, alert.item_id);
    Ok(Redirect::to(&format!("/stories/{story}#item-{item}")))
}

/// Writes down that somebody has an alert, for who may.
pub(in crate::web) async fn acknowledged(web: &Web, may: May, id: i64) -> Result<(), Trouble> {
    may.acts()?;
    let now = web.clock.now();
    match web.act(move |tx| by_hand::acknowledge(tx, id, now)).await? {
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

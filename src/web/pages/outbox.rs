//! The outbox: what was sent and what is owed. With the token, what is dead can be sent again.

use std::sync::Arc;

use axum::extract::{Extension, Path, Query, State};
use axum::response::Redirect;
use maud::{Markup, html};
use serde::Deserialize;

use crate::store::outbox::by_hand::{self, Again};
use crate::store::subscriptions::{self, Listed};
use crate::store::view::owed::{self, Count, Delivery};
use crate::store::view::{Part, Rows};
use crate::web::Web;
use crate::web::assets;
use crate::web::guard::{May, Who};
use crate::web::page::{About, Frame, foreign, headline, older, page, with};
use crate::web::pages::{named, nowhere, number};
use crate::web::trouble::Trouble;
use crate::web::words::grouped;

const SHOWN: usize = 60;
const STATES: [&str; 7] = [
    "pending",
    "sending",
    "retry",
    "held",
    "dead",
    "expired",
    "delivered",
];

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    state: Option<String>,
    #[serde(default, deserialize_with = "number")]
    before: Option<i64>,
}

pub(super) async fn show(
    State(web): State<Arc<Web>>,
    Extension(may): Extension<May>,
    Query(asked): Query<Asked>,
) -> Result<Markup, Trouble> {
    let frame = Frame::bare(&web, may);
    let state = asked.state.filter(|it| STATES.contains(&it.as_str()));
    let (wanted, part) = (
        state.clone(),
        Part {
            before: asked.before,
            limit: SHOWN,
        },
    );
    let (found, counts, browsers) = web
        .ask(move |archive| {
            Ok((
                owed::deliveries(archive, wanted.as_deref(), part)?,
                owed::counts(archive)?,
                subscriptions::listed(archive)?,
            ))
        })
        .await?;
    let about = About {
        title: "Outbox",
        path: "/outbox",
        live: "attempt",
        topical: false,
    };
    Ok(page(
        &frame,
        &about,
        &html! {
            (content(&frame, state.as_deref(), &found, &counts))
            (push(&frame, &web.site().push, &browsers))
        },
    ))
}

fn content(frame: &Frame, state: Option<&str>, found: &Rows<Delivery>, counts: &[Count]) -> Markup {
    let of = |state: &str| {
        counts
            .iter()
            .filter(|it| it.state == state)
            .map(|it| it.deliveries)
            .sum::<i64>()
    };
    let path = state.map_or("/outbox".to_owned(), |it| with("/outbox", "state", it));
    html! {
        h1 { "Outbox" }
        nav.ranges aria-label="State" {
            a href="/outbox" aria-current=[state.is_none().then_some("true")] { "all" }
            @for it in STATES {
                a href=(with("/outbox", "state", it)) aria-current=[(state == Some(it)).then_some("true")] { (it) " " (grouped(of(it))) }
            }
        }
        (tests(frame, counts))
        @if found.rows.is_empty() { p.quiet { "No delivery is here." } } @else {
            div.wide tabindex="0" role="region" aria-label="Deliveries" {
                table.deliveries {
                    thead { tr {
                        th scope="col" { "Owed" } th scope="col" { "Message" } th scope="col" { "Channel" } th scope="col" { "State" }
                    } }
                    tbody { @for it in &found.rows { (row(frame, it)) } }
                }
            }
        }
        (older(&path, found.rows.last().map(|it| it.id), found.more))
    }
}

/// Browsers that are told by web push; with the token, this one may be.
fn push(frame: &Frame, channels: &[(String, String)], browsers: &[Listed]) -> Markup {
    html! {
        @if !channels.is_empty() || !browsers.is_empty() {
            section aria-labelledby="browsers" {
                h2 #browsers { "Browsers" }
                @if frame.may.act {
                    @for (name, key) in channels {
                        div.push data-push=(name) data-key=(key) {
                            p { "Channel " b { (name) } " " button type="button" hidden { "Notify this browser" } }
                            p.hint role="status" {}
                        }
                    }
                    script src=(assets::push()) defer {}
                } @else if !channels.is_empty() {
                    p.quiet { "With a token that may act, a browser subscribes here." }
                }
                ul.brief { @for it in browsers { (browser(frame, it)) } }
            }
        }
    }
}

fn browser(frame: &Frame, it: &Listed) -> Markup {
    html! {
        li {
            b { (foreign(&it.reader, None, 60)) } " by " (foreign(&it.service, None, 80)) ", channel " (it.channel)
            ", since " (frame.time(&it.subscribed_at))
            @match (&it.ended_at, &it.ended_why) {
                (Some(at), why) => span.meta { "; ended " (frame.time(at)) ": " (headline(why.as_deref().unwrap_or("unknown"), None)) },
                (None, _) => @if frame.may.act {
                    form method="post" action={"/push/" (it.id) "/end"} { button.plain { "End" span.sr { " subscription " (it.id) } } }
                },
            }
        }
    }
}

/// Ends a browser's subscription, which may be lost with its phone.
pub(super) async fn end(
    State(web): State<Arc<Web>>,
    Extension(may): Extension<May>,
    Extension(who): Extension<Who>,
    path: Path<String>,
) -> Result<Redirect, Trouble> {
    may.acts()?;
    let id = named(&path, "subscription")?;
    let (now, why) = (web.clock.now(), format!("ended by {}", who.0));
    let stood = web
        .act(move |tx| subscriptions::end(tx, id, &why, now))
        .await?;
    if stood {
        Ok(Redirect::to("/outbox#browsers"))
    } else {
        Err(nowhere("subscription", id))
    }
}

/// A test message to each channel, for who may.
fn tests(frame: &Frame, counts: &[Count]) -> Markup {
    let mut channels: Vec<&str> = counts.iter().map(|it| it.channel.as_str()).collect();
    channels.dedup();
    html! {
        @if frame.may.act {
            details.doing {
                summary { "Test a channel" }
                @for channel in channels {
                    @let name: String = url::form_urlencoded::byte_serialize(channel.as_bytes()).collect();
                    form method="post" action={"/channels/" (name) "/test"} { button.plain { "Send a test to " (channel) } }
                }
            }
        }
    }
}

fn row(frame: &Frame, it: &Delivery) -> Markup {
    let headline_of = headline(
        it.headline.as_deref().unwrap_or("(no headline)"),
        it.language.as_deref(),
    );
    html! {
        tr {
            td { (frame.time(&it.created_at)) }
            td.message {
                @match it.story_id {
                    Some(story) => a href={"/stories/" (story)} { (headline_of) },
                    None => (headline_of),
                }
            }
            td.channel { (it.channel) }
            td.fate {
                span class={"delivery " (it.state)} { (it.state) }
                span.meta {
                    @match it.state.as_str() {
                        "delivered" => @if let Some(at) = &it.delivered_at { (frame.time(at)) },
                        "dead" => { "given up after " (it.attempts) },
                        _ => { "next " (frame.time(&it.next_attempt_at)) },
                    }
                    @if it.attempts > 1 && it.state != "dead" { ", attempt " (it.attempts) }
                }
                @if let Some(error) = &it.last_error { span.meta.error { (headline(error, None)) } }
                @if frame.may.act && it.state == "delivered" {
                    form method="post" action={"/deliveries/" (it.id) "/resend"} {
                        button.plain { "Send once more" span.sr { ", delivery " (it.id) } }
                    }
                }
                @if frame.may.act && !matches!(it.state.as_str(), "delivered" | "sending") {
                    form method="post" action={"/deliveries/" (it.id) "/retry"} {
                        button { "Send again" span.sr { ", delivery " (it.id) } }
                    }
                }
            }
        }
    }
}

pub(super) async fn retry(
    State(web): State<Arc<Web>>,
    Extension(may): Extension<May>,
    path: Path<String>,
) -> Result<Redirect, Trouble> {
    let id = named(&path, "delivery")?;
    again(&web, may, id).await?;
    Ok(Redirect::to("/outbox"))
}

pub(super) async fn resend(
    State(web): State<Arc<Web>>,
    Extension(may): Extension<May>,
    path: Path<String>,
) -> Result<Redirect, Trouble> {
    let id = named(&path, "delivery")?;
    once_more(&web, may, id).await?;
    Ok(Redirect::to("/outbox"))
}

/// Owes a channel once more what it has taken, for who may.
pub(in crate::web) async fn once_more(web: &Web, may: May, id: i64) -> Result<(), Trouble> {
    may.acts()?;
    let now = web.clock.now();
    said(web.act(move |tx| by_hand::resend(tx, id, now)).await?, id)
}

fn said(again: Again, id: i64) -> Result<(), Trouble> {
    match again {
        Again::Due => Ok(()),
        Again::Refused(state) => Err(Trouble::Conflict(format!("it is {state}"))),
        Again::Unknown => Err(nowhere("delivery", id)),
    }
}

/// Makes a delivery due now, for who may.
pub(in crate::web) async fn again(web: &Web, may: May, id: i64) -> Result<(), Trouble> {
    may.acts()?;
    let now = web.clock.now();
    said(web.act(move |tx| by_hand::retry(tx, id, now)).await?, id)
}

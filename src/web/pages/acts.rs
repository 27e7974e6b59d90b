//! What readers do from the pages: mute, follow, mark, star, note, take back, try a channel.

use std::sync::Arc;

use axum::extract::{Extension, Form, Path, State};
use axum::response::Redirect;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use serde::Deserialize;

use crate::store::acts::{self, Asked, Done, Kind, On};
use crate::store::outbox::by_hand;
use crate::store::view::acts::{self as view, Act};
use crate::text::cut;
use crate::web::Web;
use crate::web::guard::{May, Who};
use crate::web::page::{Frame, foreign};
use crate::web::pages::{named, nowhere};
use crate::web::trouble::Trouble;
use crate::words;

/// Characters of a note.
const NOTE: usize = 1_000;
/// The longest that a story is muted for, in hours: 90 days.
const LONGEST: i64 = 90 * 24;

/// What a form says of an act.
#[derive(Debug, Default, Deserialize)]
pub(in crate::web) struct Said {
    #[serde(default)]
    note: String,
    /// Hours; empty: until the meeting stands elsewhere.
    #[serde(default)]
    hours: String,
    /// Where every report of a followed story goes.
    #[serde(default)]
    channel: String,
}

impl Said {
    fn until(&self, now: Timestamp) -> Result<Option<Timestamp>, Trouble> {
        let hours = self.hours.trim();
        if hours.is_empty() {
            return Ok(None);
        }
        let hours = hours.parse().ok().filter(|it| (1..=LONGEST).contains(it));
        let hours = hours.ok_or_else(|| {
            Trouble::BadRequest(format!("hours: want a number from 1 to {LONGEST}"))
        })?;
        Ok(now.checked_add(SignedDuration::from_hours(hours)).ok())
    }
}

pub(super) async fn to_story(
    State(web): State<Arc<Web>>,
    Extension(may): Extension<May>,
    Extension(who): Extension<Who>,
    Path((id, kind)): Path<(String, String)>,
    Form(said): Form<Said>,
) -> Result<Redirect, Trouble> {
    let story = named(&Path(id), "story")?;
    let until = said.until(web.clock.now())?;
    let on = On::Story(story);
    done(&web, may, &who, &kind, on, until, said.note, said.channel).await?;
    Ok(Redirect::to(&format!("/stories/{story}")))
}

pub(super) async fn to_development(
    State(web): State<Arc<Web>>,
    Extension(may): Extension<May>,
    Extension(who): Extension<Who>,
    Path((id, kind)): Path<(String, String)>,
    Form(said): Form<Said>,
) -> Result<Redirect, Trouble> {
    let id = named(&Path(id), "development")?;
    let on = On::Development(id);
    done(&web, may, &who, &kind, on, None, said.note, String::new()).await?;
    let story = web
        .ask(move |archive| view::story_of(archive, id))
        .await?
        .unwrap_or_default();
    Ok(Redirect::to(&format!("/stories/{story}#development-{id}")))
}

pub(super) async fn undo(
    State(web): State<Arc<Web>>,
    Extension(may): Extension<May>,
    Extension(who): Extension<Who>,
    path: Path<String>,
) -> Result<Redirect, Trouble> {
    let id = named(&path, "act")?;
    let act = undone(&web, may, &who, id).await?;
    let story = match (act.story_id, act.development_id) {
        (Some(story), _) => Some(story),
        (None, Some(development)) => {
            web.ask(move |archive| view::story_of(archive, development))
                .await?
        }
        (None, None) => None,
    };
    Ok(Redirect::to(&format!(
        "/stories/{}",
        story.unwrap_or_default()
    )))
}

pub(super) async fn try_channel(
    State(web): State<Arc<Web>>,
    Extension(may): Extension<May>,
    Path(channel): Path<String>,
) -> Result<Redirect, Trouble> {
    may.acts()?;
    let now = web.clock.now();
    let name = channel.clone();
    if web.act(move |tx| by_hand::test(tx, &name, now)).await? {
        Ok(Redirect::to("/outbox"))
    } else {
        Err(nowhere("channel", channel))
    }
}

/// Does an act for who may; its number.
#[expect(
    clippy::too_many_arguments,
    reason = "what a form or the API says of an act"
)]
pub(in crate::web) async fn done(
    web: &Web,
    may: May,
    who: &Who,
    kind: &str,
    on: On,
    until: Option<Timestamp>,
    note: String,
    channel: String,
) -> Result<i64, Trouble> {
    may.acts()?;
    let kind = Kind::of(kind).filter(|it| it.fits(on));
    let Some(kind) = kind else {
        return Err(Trouble::BadRequest("that cannot be done to it".to_owned()));
    };
    let note = cut(note.trim(), NOTE);
    if kind == Kind::Note && note.is_empty() {
        return Err(Trouble::BadRequest("note: want some words".to_owned()));
    }
    let asked = Asked {
        kind,
        on,
        note: (!note.is_empty()).then_some(note),
        until,
        channel: Some(channel.trim().to_owned()).filter(|it| !it.is_empty()),
        reader: who.0.to_string(),
    };
    let now = web.clock.now();
    match web.act(move |tx| acts::act(tx, &asked, now)).await? {
        Done::Now(id) | Done::Before(id) => Ok(id),
        Done::Unknown => Err(Trouble::NotFound(
            "there is no such story or development".to_owned(),
        )),
        Done::NoChannel => Err(Trouble::BadRequest(
            "channel: no channel of that name is configured".to_owned(),
        )),
    }
}

/// Takes an act back for who may.
pub(in crate::web) async fn undone(
    web: &Web,
    may: May,
    who: &Who,
    id: i64,
) -> Result<Act, Trouble> {
    may.acts()?;
    let (reader, now) = (who.0.to_string(), web.clock.now());
    web.act(move |tx| acts::undo(tx, id, &reader, now)).await?;
    let act = web.ask(move |archive| view::one(archive, id)).await?;
    act.ok_or_else(|| nowhere("act", id))
}

/// What stands of a story, with a way to take each back.
pub(super) fn standing(frame: &Frame, acts: &[&Act]) -> Markup {
    html! {
        @if !acts.is_empty() {
            ul.acts {
                @for it in acts {
                    li {
                        span class={"act " (it.kind)} { (words::act(&it.kind)) }
                        @if let Some(channel) = &it.channel { ", every report to " (foreign(channel, None, 60)) }
                        @if let Some(until) = &it.until { " until " (frame.time(until)) }
                        @if let Some(note) = &it.note { ": " (foreign(note, None, NOTE)) }
                        span.quiet { " by " (foreign(&it.reader, None, 60)) ", " (frame.time(&it.done_at)) }
                        @if frame.may.act {
                            form method="post" action={"/acts/" (it.id) "/undo"} { button.plain { "Undo" span.sr { " act " (it.id) } } }
                        }
                    }
                }
            }
        }
    }
}

/// Ways to act on a story, for who may.
pub(super) fn on_story(frame: &Frame, story: i64) -> Markup {
    html! {
        @if frame.may.act {
            details.doing {
                summary { "Mute or follow" }
                form method="post" action={"/stories/" (story) "/mute"} {
                    label { "Mute for " input type="number" name="hours" min="1" max=(LONGEST) inputmode="numeric" size="4"; " hours" }
                    span.hint { "left empty: until the meeting stands elsewhere" }
                    button { "Mute" }
                }
                form method="post" action={"/stories/" (story) "/follow"} {
                    label { "Every report to channel " input type="text" name="channel" maxlength="60" size="12" autocapitalize="off"; }
                    span.hint { "left empty: every development to the usual channels" }
                    button { "Follow" }
                }
            }
        }
    }
}

/// Ways to act on a development, for who may.
pub(super) fn on_development(frame: &Frame, id: i64) -> Markup {
    html! {
        @if frame.may.act {
            details.doing {
                summary { "Mark" span.sr { " development " (id) } }
                @for (kind, says) in [("star", "Star"), ("not-news", "Not news"), ("wrong", "Wrong: not on topic")] {
                    form method="post" action={"/developments/" (id) "/" (kind)} { button.plain { (says) } }
                }
                form method="post" action={"/developments/" (id) "/note"} {
                    label { "Note " input type="text" name="note" maxlength=(NOTE) required; }
                    button.plain { "Keep" }
                }
            }
        }
    }
}

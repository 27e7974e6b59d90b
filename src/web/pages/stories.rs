//! Stories, the latest first.

use std::sync::Arc;

use axum::extract::{Extension, Query, State};
use maud::{Markup, html};

use crate::store::view::Part;
use crate::store::view::stories::{self, Story};
use crate::web::Web;
use crate::web::guard::May;
use crate::web::page::{About, Frame, headline, older, page};
use crate::web::pages::Listed;
use crate::web::trouble::Trouble;
use crate::web::words::counted;

const SHOWN: usize = 40;

pub(super) async fn show(
    State(web): State<Arc<Web>>,
    Extension(may): Extension<May>,
    Query(listed): Query<Listed>,
) -> Result<Markup, Trouble> {
    let frame = Frame::new(&web, may, listed.topic.as_deref())?;
    let topic = frame.topic.clone();
    let part = Part {
        before: listed.before,
        limit: SHOWN,
    };
    let found = web
        .ask(move |archive| stories::stories(archive, Some(&topic), part))
        .await?;
    let about = About {
        title: "Stories",
        path: "/stories",
        live: "item",
        topical: true,
    };
    let content = html! {
        h1 { "Stories" }
        @if found.rows.is_empty() { p.quiet { "No item has matched this topic yet." } }
        ol.stories { @for story in &found.rows { (row(&frame, story)) } }
        (older(&frame.at("/stories"), found.rows.last().map(|it| it.id), found.more))
    };
    Ok(page(&frame, &about, &content))
}

fn row(frame: &Frame, story: &Story) -> Markup {
    html! {
        li {
            h2.title { a href={"/stories/" (story.id)} { (headline(&story.title, story.language.as_deref())) } }
            p.meta {
                @if let Some(it) = &story.state { (frame.state(it)) " " }
                span { (figures(story)) }
                span { (frame.time(&story.first_seen_at)) " – " (frame.time(&story.last_seen_at)) }
            }
        }
    }
}

/// How large it is.
pub(super) fn figures(story: &Story) -> String {
    let mut said = vec![
        counted(story.items, "item", "items"),
        counted(story.sources, "source", "sources"),
        counted(story.languages, "language", "languages"),
    ];
    if story.alerts > 0 {
        said.push(counted(story.alerts, "alert", "alerts"));
    }
    said.join(" · ")
}

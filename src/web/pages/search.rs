//! Search, and without a query what came last.

use std::sync::Arc;

use axum::extract::{Extension, Query, State};
use maud::{Markup, html};

use crate::store::view::Part;
use crate::store::view::items::{self, Item, Wanted};
use crate::web::Web;
use crate::web::guard::May;
use crate::web::page::{About, Frame, foreign, headline, language, older, page};
use crate::web::pages::Listed;
use crate::web::trouble::Trouble;

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
        .ask(move |archive| {
            let wanted = Wanted {
                topic: Some(&topic),
                ..Wanted::default()
            };
            items::items(archive, &wanted, part)
        })
        .await?;
    let about = About {
        title: "Search",
        path: "/search",
        live: "",
        topical: true,
    };
    let content = html! {
        h1 { "Search" }
        ol.results { @for item in &found.rows { (row(&frame, item)) } }
        (older(&frame.at("/search"), found.rows.last().map(|it| it.id), found.more))
    };
    Ok(page(&frame, &about, &content))
}

fn row(frame: &Frame, item: &Item) -> Markup {
    let at = item.published_at.as_ref().unwrap_or(&item.first_seen_at);
    html! {
        li {
            p.title { a href={"/items/" (item.id)} { (headline(&item.title, item.language.as_deref())) } }
            @if !item.summary.is_empty() { p.summary { (foreign(&item.summary, item.language.as_deref(), 220)) } }
            p.meta { span.outlet { (headline(&item.outlet, None)) } " " (language(item.language.as_deref())) span { (frame.time(at)) }
                @if item.standing != "news" { span.quiet { (item.standing) } } }
        }
    }
}

//! Search in one line, and without a query what matched last.

use std::sync::Arc;

use axum::extract::{Extension, Query, State};
use maud::{Markup, html};
use serde::Deserialize;

use crate::clock::rfc3339;
use crate::search::excerpt::Marked;
use crate::search::{self, Fault};
use crate::store::search::{Answer, Hit, Page, find};
use crate::store::view::Part;
use crate::store::view::items::{self, Item, Wanted};
use crate::text::{cut, printable};
use crate::web::guard::May;
use crate::web::page::{About, Frame, foreign, headline, language, page, with};
use crate::web::pages::number;
use crate::web::trouble::Trouble;
use crate::web::{MAX_QUERY, Web};

const SHOWN: usize = 30;
/// A person who reads so far asks something else.
const FURTHEST: usize = 600;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default, deserialize_with = "number")]
    offset: Option<i64>,
}

pub(super) async fn show(
    State(web): State<Arc<Web>>,
    Extension(may): Extension<May>,
    Query(asked): Query<Asked>,
) -> Result<Markup, Trouble> {
    let frame = Frame::bare(&web, may);
    let offset = usize::try_from(asked.offset.unwrap_or(0))
        .unwrap_or(0)
        .min(FURTHEST);
    let results = if asked.q.trim().is_empty() {
        latest(&web, &frame).await?
    } else {
        match hits(
            &web,
            &asked.q,
            Page {
                limit: SHOWN + 1,
                offset,
            },
        )
        .await?
        {
            Ok(found) => results(&frame, &asked.q, offset, &found),
            Err(fault) => {
                html! { p.wrong role="alert" { (printable(&cut(&fault.to_string(), 300))) "." } }
            }
        }
    };
    let about = About {
        title: "Search",
        path: "/search",
        live: "",
        topical: false,
    };
    let content = html! { h1 { "Search" } (form(&asked.q)) (results) };
    Ok(page(&frame, &about, &content))
}

/// Hits of a query, or what cannot be understood of it.
pub(in crate::web) async fn hits(
    web: &Web,
    text: &str,
    page: Page,
) -> Result<Result<Answer, Fault>, Trouble> {
    if text.len() > MAX_QUERY {
        return Err(Trouble::BadRequest("the query is too long".to_owned()));
    }
    let (site, now) = (web.site(), web.clock.now());
    let query = match search::Query::parse(text, &site.engine.lexicon, now) {
        Ok(query) => query,
        Err(fault) => return Ok(Err(fault)),
    };
    let found = web.search(move |archive| find(archive, &query, &site.engine.lexicon, page, now));
    Ok(Ok(found.await?))
}

fn form(query: &str) -> Markup {
    html! {
        form.find method="get" action="/search" role="search" {
            input type="search" name="q" value=(query) dir="auto" maxlength="500" aria-label="Search the archive" aria-describedby="syntax" placeholder="북미 정상회담, 米朝, “summit in Pyongyang”, concept:kim-jong-un";
            button { "Search" }
        }
        p.hint #syntax {
            "Words, “phrases”, " code { "OR" } ", " code { "-not" } "; " code { "lang:ko" } " " code { "outlet:yonhap" } " "
            code { "since:7d" } " " code { "story:12" } " " code { "concept:kim-jong-un" }
            @if !query.trim().is_empty() { ". " a href=(with("/search.atom", "q", query)) { "Follow this search as Atom" } }
        }
    }
}

fn results(frame: &Frame, query: &str, offset: usize, answer: &Answer) -> Markup {
    let found = &answer.hits;
    let at = |offset: usize| with(&with("/search", "q", query), "offset", &offset.to_string());
    html! {
        @if found.is_empty() { p.quiet role="status" { "Nothing was found." } }
        @if let Some(at) = answer.looked_back_to {
            p.hint role="status" { "Looked at what was seen since " (frame.time(&rfc3339(at))) "; " code { "since:" } ", " code { "lang:" } " or a word narrows the search." }
        }
        ol.results { @for hit in found.iter().take(SHOWN) { (row(frame, hit)) } }
        p.more {
            @if offset > 0 { a href=(at(offset.saturating_sub(SHOWN))) rel="prev" { "Back" } " " }
            @if found.len() > SHOWN && offset < FURTHEST { a href=(at(offset + SHOWN)) rel="next" { "More" } }
        }
    }
}

fn row(frame: &Frame, hit: &Hit) -> Markup {
    let tongue = hit.language.as_deref();
    let at = rfc3339(hit.published_at.unwrap_or(hit.first_seen_at));
    html! {
        li {
            p.title { a href={"/items/" (hit.item.0)} { (marked(&hit.title, tongue)) } }
            @if !hit.snippet.text.is_empty() { p.summary { (marked(&hit.snippet, tongue)) } }
            p.meta {
                span.outlet { (headline(&hit.outlet, None)) } " " (language(tongue)) span { (frame.time(&at)) }
                @if let Some(story) = hit.story { a href={"/stories/" (story.0) "#item-" (hit.item.0)} { "story " (story.0) } }
                @if hit.standing.as_str() != "news" { span { (hit.standing.as_str()) } }
            }
        }
    }
}

fn marked(text: &Marked, tongue: Option<&str>) -> Markup {
    html! {
        bdi lang=[tongue.filter(|it| it.len() <= 12)] {
            @for (piece, set_off) in text.pieces() {
                @if set_off { mark { (printable(piece)) } } @else { (printable(piece)) }
            }
        }
    }
}

async fn latest(web: &Web, frame: &Frame) -> Result<Markup, Trouble> {
    let topic = frame.topic.clone();
    let found = web.ask(move |archive| {
        let wanted = Wanted {
            topic: Some(&topic),
            ..Wanted::default()
        };
        items::items(archive, &wanted, Part::first(SHOWN))
    });
    let found = found.await?;
    Ok(html! {
        h2 { "Latest matches" }
        ol.results { @for item in &found.rows { (matched(frame, item)) } }
    })
}

fn matched(frame: &Frame, item: &Item) -> Markup {
    let at = item.published_at.as_ref().unwrap_or(&item.first_seen_at);
    let tongue = item.language.as_deref();
    html! {
        li {
            p.title { a href={"/items/" (item.id)} { (headline(&item.title, tongue)) } }
            @if !item.summary.is_empty() { p.summary { (foreign(&item.summary, tongue, 220)) } }
            p.meta { span.outlet { (headline(&item.outlet, None)) } " " (language(tongue)) span { (frame.time(at)) }
                @if item.standing != "news" { span { (item.standing) } } }
        }
    }
}

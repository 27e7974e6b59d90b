//! One item: its words with the evidence marked, and the whole explanation.

use std::sync::Arc;

use axum::extract::{Extension, Path, State};
use maud::{Markup, html};

use crate::store::view::items::{self, Item, Placement, Revision};
use crate::store::view::owed::{self, Delivery};
use crate::text::Words;
use crate::topic::lexicon::Field;
use crate::web::guard::May;
use crate::web::page::{About, Frame, TEXT, foreign, headline, language, outward, page, state};
use crate::web::pages::{account, named, nowhere};
use crate::web::trouble::Trouble;
use crate::web::{Site, Web};

struct Seen {
    item: Item,
    article: Option<String>,
    revisions: Vec<Revision>,
    placements: Vec<Placement>,
    deliveries: Vec<Delivery>,
}

pub(super) async fn show(
    State(web): State<Arc<Web>>,
    Extension(may): Extension<May>,
    path: Path<String>,
) -> Result<Markup, Trouble> {
    let id = named(&path, "item")?;
    let asked = web.ask(move |archive| {
        let Some(item) = items::one(archive, id)? else {
            return Ok(None);
        };
        Ok(Some(Seen {
            article: items::article(archive, id)?,
            revisions: items::revisions(archive, id)?,
            placements: items::placements(archive, id)?,
            deliveries: owed::of_item(archive, id)?,
            item,
        }))
    });
    let seen = asked.await?.ok_or_else(|| nowhere("item", id))?;
    let frame = Frame::bare(&web, may);
    let about = About {
        title: "Item",
        path: "/search",
        live: "",
        topical: false,
    };
    Ok(page(&frame, &about, &content(&frame, &web.site(), &seen)))
}

fn content(frame: &Frame, site: &Site, seen: &Seen) -> Markup {
    let item = &seen.item;
    let (lexicon, tongue) = (&site.engine.lexicon, item.language.as_deref());
    let words = Words::new(&item.title, &item.summary);
    html! {
        h1.story-title { (headline(&item.title, tongue)) }
        (origin(frame, item))
        (standing(frame, seen))
        @for placed in &seen.placements { (placement(placed)) }
        @if !seen.deliveries.is_empty() { (deliveries(frame, &seen.deliveries)) }
        section aria-labelledby="why" {
            h2 #why { "Why it matches, or not" }
            @for topic in &site.engine.topics { (account::told(topic, &words, tongue, lexicon)) }
        }
        @if let Some(article) = &seen.article {
            @let reading = Words::new("", article);
            @let found = site.engine.topics.iter().map(|it| it.judge(&lexicon.read(&reading), lexicon).evidence).max_by_key(Vec::len);
            details.article {
                summary { "The article’s text" }
                p.marked { (account::marked(article, Field::Summary, tongue, &found.unwrap_or_default())) }
            }
        }
    }
}

fn origin(frame: &Frame, item: &Item) -> Markup {
    html! {
        p.meta {
            span.outlet { (headline(&item.outlet, None)) } " " (language(item.language.as_deref()))
            span { "feed " a href={"/feeds#" (item.feed)} { (item.feed) } }
            span {
                @match &item.published_at {
                    Some(at) => { "published " (frame.time(at)) },
                    None => "without a date",
                }
                ", first seen " (frame.time(&item.first_seen_at))
            }
            (outward(item.url.as_deref(), "Read"))
        }
    }
}

/// What it is apart from what it says.
fn standing(frame: &Frame, seen: &Seen) -> Markup {
    let item = &seen.item;
    html! {
        @if let Some(original) = item.duplicate_of {
            p.note { "It repeats " a href={"/items/" (original)} { "item " (original) } ": the same address or the same words." }
        } @else if item.standing == "history" {
            p.note { "History: when first seen it was older than the fresh window, or than its feed’s last fetch by half of that window. It cannot alert." }
        }
        @for revision in &seen.revisions {
            p.note { "Until " (frame.time(&revision.replaced_at)) " it read: " (headline(&revision.title, item.language.as_deref())) }
        }
    }
}

fn placement(placed: &Placement) -> Markup {
    let label = format!("story-{}", placed.story_id);
    html! {
        section aria-labelledby=(label) {
            h2 #(label) { "In story " a href={"/stories/" (placed.story_id)} { (headline(&placed.story_title, None)) } }
            dl.facts {
                dt { "placed" }
                dd {
                    @match placed.closeness {
                        Some(closeness) => { "it joined, with " (format!("{closeness:.2}")) " of the closeness that joining takes" },
                        None => "it opened the story",
                    }
                }
                dt { "decision" } dd { (placed.decision) " — " (headline(&placed.reason, None)) }
                dt { "origin" } dd { (headline(&placed.origin, None)) }
                @if let Some(it) = &placed.state { dt { "the meeting" } dd { (state(it)) } }
                @for (what, facts) in [("new facts", &placed.new), ("known facts", &placed.known)] {
                    @if !facts.is_empty() { dt { (what) } dd { (foreign(&facts.join(", "), None, TEXT)) } }
                }
                @if !placed.runners_up.is_empty() {
                    dt { "came near" }
                    dd {
                        @for (story, closeness) in &placed.runners_up {
                            a href={"/stories/" (story)} { "story " (story) } " (" (format!("{closeness:.2}")) ") "
                        }
                    }
                }
            }
        }
    }
}

fn deliveries(frame: &Frame, deliveries: &[Delivery]) -> Markup {
    html! {
        section aria-labelledby="sent" {
            h2 #sent { "Deliveries" }
            ul.brief {
                @for it in deliveries {
                    li {
                        (it.channel) ": " span class={"delivery " (it.state)} { (it.state) } ", attempt " (it.attempts)
                        @if let Some(at) = &it.delivered_at { ", " (frame.time(at)) }
                        @if let Some(error) = &it.last_error { p.meta { (headline(error, None)) } }
                    }
                }
            }
        }
    }
}

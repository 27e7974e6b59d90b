//! One item: its words with the evidence marked, and the whole explanation.

use std::sync::Arc;

use axum::extract::{Extension, Path, State};
use maud::{Markup, html};

use crate::store::view::items::{self, Item, Placement, Revision};
use crate::store::view::owed::{self, Delivery};
use crate::store::view::signs::{Near, Share, Weighed, weighed};
use crate::story::weights::Weights;
use crate::text::Words;
use crate::topic::lexicon::Field;
use crate::web::guard::May;
use crate::web::page::{About, Frame, headline, language, outward, page};
use crate::web::pages::{account, named, nowhere};
use crate::web::trouble::Trouble;
use crate::web::{Site, Web};
use crate::words;

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
        @for placed in &seen.placements { (placement(frame, placed, &site.tables.weights)) }
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

fn placement(frame: &Frame, placed: &Placement, weights: &Weights) -> Markup {
    let label = format!("story-{}", placed.story_id);
    html! {
        section aria-labelledby=(label) {
            h2 #(label) { "In story " a href={"/stories/" (placed.story_id)} { (headline(&placed.story_title, None)) } }
            dl.facts {
                @for it in &placed.reports {
                    dt { "development" }
                    dd {
                        a href={"/stories/" (placed.story_id) "#development-" (it.development)} { (headline(&it.headline, None)) }
                        ": " (words::role(&it.role)) "; "
                        @if it.told { "this item told it" } @else if it.verdict == "alert" { "told by another report" }
                        @else { "not told: " (words::verdict(&it.verdict)) }
                    }
                }
                @if placed.reports.is_empty() { dt { "development" } dd { "it reports none" } }
                dt { "decision" } dd { (placed.decision) " — " (headline(&placed.reason, None)) }
                dt { "origin" } dd { (headline(&placed.origin, None)) }
                @if let Some(it) = &placed.state { dt { "the " (frame.noun()) } dd { (frame.state(it)) } }
            }
            @if let Some(it) = weighed(placed, weights) { (signs(placed.story_id, &it)) }
        }
    }
}

/// Every sign with what it added.
fn signs(story: i64, weighed: &Weighed) -> Markup {
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let near = |it: &Near| {
        html! {
            (headline(&it.headline, None)) " (development " (it.development) "): "
            (format!("{:+.2}", it.log_odds)) " log-odds to be a report of it, which it is from " (format!("{:+.2}", it.join)) " on"
        }
    };
    html! {
        details.signs {
            summary { "Signs: " (percent(weighed.weight)) " news, " (percent(weighed.newness)) " new; an alert needs "
                (percent(weighed.tell)) ", it had " (percent(weighed.certainty)) }
            @if let Some(it) = &weighed.nearest {
                p { "Likest to " (near(it)) }
                (shares("What makes it like that development", &it.signs))
            } @else { p { "No development was open that is like it." } }
            @if !weighed.runners_up.is_empty() {
                p { "Next:" }
                ul.brief { @for it in &weighed.runners_up { li { (near(it)) } } }
            }
            (shares("What makes it news", &weighed.weight_signs))
            p.quiet { "Story " (story) ". Log-odds: 0 is even, +1 is 73 %, −1 is 27 %." }
        }
    }
}

fn shares(caption: &str, shares: &[Share]) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label=(caption) {
            table.rules {
                caption { (caption) }
                thead { tr { th scope="col" { "Adds" } th scope="col" { "Sign" } } }
                tbody { @for it in shares { tr { td { (format!("{:+.2}", it.adds)) } th scope="row" { (it.gloss) } } } }
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

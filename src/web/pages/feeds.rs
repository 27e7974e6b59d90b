//! Feeds: how each is as of its last visit, and its rhythm over two weeks.

use std::sync::Arc;

use axum::extract::{Extension, Query, State};
use jiff::ToSpan;
use maud::{Markup, html};
use serde::Deserialize;

use crate::store::outages;
use crate::store::view::feeds::{self, Feed};
use crate::store::view::volume;
use crate::web::Web;
use crate::web::chart;
use crate::web::guard::May;
use crate::web::page::{About, Frame, headline, language, page};
use crate::web::pages::now::offline;
use crate::web::trouble::Trouble;
use crate::web::words::counted;
use crate::words::language_name;

const DAYS: i64 = 14;

#[derive(Debug, Deserialize)]
pub(super) struct Listed {
    /// What was just done.
    #[serde(default)]
    said: String,
    /// Words in name, outlet, language or address.
    #[serde(default)]
    q: String,
    /// `trouble`, or one of the states.
    #[serde(default)]
    state: String,
    /// One of [`ORDERS`].
    #[serde(default)]
    sort: String,
}

/// What feeds are put in order by; those in trouble come first where nothing is said.
const ORDERS: [(&str, &str); 5] = [
    ("", "trouble first"),
    ("name", "name"),
    ("outlet", "outlet"),
    ("new", "most new items"),
    ("last", "latest item"),
];

const STATES: [&str; 11] = [
    "trouble", "ok", "new", "paused", "gap", "odd", "silent", "zombie", "failing", "blocked",
    "gone",
];

impl Listed {
    fn wants(&self, feed: &Feed) -> bool {
        let is_state = match self.state.as_str() {
            "" => true,
            "trouble" => !feed.is_well(),
            state => feed.state == state,
        };
        let language = feed.language.as_deref().unwrap_or_default();
        let texts = [
            &feed.name,
            &feed.outlet,
            &feed.url,
            language,
            language_name(language),
        ];
        let texts = texts.map(str::to_lowercase);
        let mut asked = self.q.split_whitespace().map(str::to_lowercase);
        is_state && asked.all(|word| texts.iter().any(|it| it.contains(&word)))
    }

    fn put_in_order(&self, feeds: &mut [Feed]) {
        let brought = |it: &Feed| it.days.iter().map(|it| it.1).sum::<i64>();
        match self.sort.as_str() {
            // They come by name.
            "name" => {}
            "outlet" => feeds.sort_by(|a, b| a.outlet.cmp(&b.outlet)),
            "new" => feeds.sort_by_key(|it| std::cmp::Reverse(brought(it))),
            "last" => feeds.sort_by(|a, b| b.last_item_at.cmp(&a.last_item_at)),
            _ => feeds.sort_by_key(Feed::is_well),
        }
    }
}

pub(super) async fn show(
    State(web): State<Arc<Web>>,
    Extension(may): Extension<May>,
    Query(listed): Query<Listed>,
) -> Result<Markup, Trouble> {
    let frame = Frame::bare(&web, may);
    // Rhythms are counted by days of UTC: their shape is the same.
    let last = web.ask(volume::last).await?;
    let end = frame.end(last.as_deref());
    let today = end.to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    let days = (0..DAYS)
        .rev()
        .filter_map(|it| today.checked_sub(it.days()).ok());
    let days: Vec<String> = days.map(|it| it.to_string()).collect();
    let since = days.first().cloned().unwrap_or_default();
    let (mut found, outage) = web
        .ask(move |archive| Ok((feeds::feeds(archive, &since)?, outages::lasting(archive)?)))
        .await?;
    let all = (found.len(), found.iter().filter(|it| !it.is_well()).count());
    found.retain(|it| listed.wants(it));
    listed.put_in_order(&mut found);
    let about = About {
        title: "Feeds",
        path: "/feeds",
        live: "visit",
        topical: false,
    };
    let offline = outage.map(|it| offline(&frame, &it));
    let content = content(&frame, &days, &found, &listed, all);
    Ok(page(
        &frame,
        &about,
        &html! {
            @if let Some(offline) = offline { (offline) }
            @if !listed.said.is_empty() { p.note role="status" { (headline(&listed.said, None)) } }
            (frame.ended(end))
            (content)
            @if frame.may.act { (add()) }
        },
    ))
}

fn content(
    frame: &Frame,
    days: &[String],
    feeds: &[Feed],
    listed: &Listed,
    (all, ill): (usize, usize),
) -> Markup {
    let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    html! {
        h1 { "Feeds" }
        p.lead {
            (counted(number(all), "feed", "feeds")) ", "
            @if ill == 0 { "all well" } @else { (number(ill)) " in trouble" }
            @if feeds.len() < all { "; " (counted(number(feeds.len()), "is", "are")) " shown, " a href="/feeds" { "show all" } }
        }
        (finder(listed))
        div.wide tabindex="0" role="region" aria-label="Feeds" {
            table.feeds {
                thead { tr {
                    th scope="col" { "Feed" } th scope="col" { "State" } th scope="col" { "Last " (DAYS) " days" }
                    th.n scope="col" { "New" } th scope="col" { "Last item" } th scope="col" { "Next visit" }
                } }
                tbody { @for feed in feeds { (row(frame, days, feed)) } }
            }
        }
    }
}

/// Which feeds, and in which order.
fn finder(listed: &Listed) -> Markup {
    html! {
        form.add.sift method="get" action="/feeds" role="search" {
            label { "Name, outlet, language, address" input type="search" name="q" value=(listed.q) maxlength="100"; }
            label { "State" select name="state" {
                option value="" { "any" }
                @for it in STATES { option value=(it) selected[listed.state == it] { (if it == "trouble" { "in trouble" } else { it }) } }
            } }
            label { "Order" select name="sort" {
                @for (key, words) in ORDERS { option value=(key) selected[listed.sort == key] { (words) } }
            } }
            button { "Show" }
        }
    }
}

/// A form for a feed to add, or to try first.
fn add() -> Markup {
    html! {
        section.add aria-labelledby="add" {
            h2 #add { "Add a feed" }
            form.add method="post" action="/feeds/add" {
                label { "Address" input type="url" name="url" required placeholder="https://outlet.example/feed.xml"; }
                label { "Name" input name="name" placeholder="made of the outlet"; }
                label { "Outlet" input name="outlet" placeholder="the host"; }
                label { "Language" input name="language" size="6" placeholder="ko"; }
                label { "Interval" input name="interval" size="6" placeholder="adapts"; }
                label.tick { input type="checkbox" name="allow_private"; "on a private network" }
                button name="what" value="test" { "Try it" }
                button name="what" value="add" { "Add" }
            }
        }
    }
}

/// What may be done with a feed.
fn actions(feed: &Feed) -> Markup {
    let rests = feed.state == "paused";
    let name: String = url::form_urlencoded::byte_serialize(feed.name.as_bytes()).collect();
    let name = name.replace('+', "%20");
    html! {
        div.actions {
            @for (what, word) in [
                ("poll", "Poll now"),
                if rests { ("resume", "Resume") } else { ("pause", "Pause") },
                ("remove", "Remove"),
            ] {
                form method="post" action={"/feeds/" (name) "/" (what)} {
                    button.plain { (word) span.sr { ", " (feed.name) } }
                }
            }
        }
    }
}

fn row(frame: &Frame, days: &[String], feed: &Feed) -> Markup {
    let of = |day: &String| {
        feed.days
            .iter()
            .find(|(it, _)| it == day)
            .map_or(0, |(_, n)| *n)
    };
    let counts: Vec<i64> = days.iter().map(of).collect();
    let sum: i64 = counts.iter().sum();
    let said = format!(
        "{} in {DAYS} days, {} today",
        counted(sum, "item", "items"),
        counts.last().unwrap_or(&0)
    );
    html! {
        tr #(feed.name) {
            th scope="row" {
                span.feed-name { (feed.name) } " " (language(feed.language.as_deref()))
                span.meta { (headline(&feed.outlet, None)) }
                @if frame.may.act { (actions(feed)) }
            }
            td {
                span class={"health " (feed.state)} { (feed.state) }
                @if let Some(reason) = &feed.reason {
                    span.meta { (headline(reason, None)) }
                    @if let Some(error) = &feed.last_error { span.meta.error { (headline(error, None)) } }
                }
            }
            td { (chart::sparkline(&counts, &said)) }
            td.n data-label="new" { (sum) }
            td data-label="last" { @if let Some(at) = &feed.last_item_at { (frame.time(at)) } @else { span.quiet { "none yet" } } }
            td data-label="next" { @if let Some(at) = &feed.next_poll_at { (frame.time(at)) } @else { span.quiet { "not visited" } } }
        }
    }
}

//! Topics: what is watched, and a headline tried on its rules.

use std::sync::Arc;

use axum::extract::{Extension, Query, State};
use maud::{Markup, html};
use serde::Deserialize;

use crate::hearing::{Bench, Heard, Tried};
use crate::store::boards;
use crate::text::{Words, printable};
use crate::topic::{Scope, Topic};
use crate::web::guard::May;
use crate::web::page::{About, Frame, page, with};
use crate::web::pages::{account, nowhere};
use crate::web::trouble::Trouble;
use crate::web::words::counted;
use crate::web::{MAX_WORDS, Web};

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    topic: Option<String>,
    #[serde(default)]
    title: String,
    #[serde(default)]
    summary: String,
}

pub(super) async fn show(
    State(web): State<Arc<Web>>,
    Extension(may): Extension<May>,
    Query(asked): Query<Asked>,
) -> Result<Markup, Trouble> {
    let frame = Frame::new(&web, may, asked.topic.as_deref())?;
    if asked.title.len() + asked.summary.len() > MAX_WORDS {
        return Err(Trouble::BadRequest(
            "that is longer than any headline with its lead".to_owned(),
        ));
    }
    let site = web.site();
    let heard = if asked.title.is_empty() && asked.summary.is_empty() {
        None
    } else {
        Some(tried(&web, &frame.topic, &asked.title, &asked.summary, None).await?)
    };
    let about = About {
        title: "Topics",
        path: "/topics",
        live: "",
        topical: false,
    };
    let content = html! {
        h1 { "Topics" }
        ul.topic-list { @for topic in &site.engine.topics { (line(&frame, topic)) } }
        section aria-labelledby="try" {
            h2 #try { "Try a headline" }
            (form(&frame, &asked))
            @if let Some(heard) = &heard {
                @let words = Words::new(&asked.title, &asked.summary);
                (whole(heard))
                @for topic in site.engine.topics.iter().filter(|it| it.name == frame.topic) {
                    (account::told(topic, &words, heard.language.as_deref(), &site.engine.lexicon))
                }
            }
        }
    };
    Ok(page(&frame, &about, &content))
}

/// The whole verdict on a headline: what it states, and whether an alert would tell it beside the present archive.
pub(in crate::web) async fn tried(
    web: &Web,
    topic: &str,
    title: &str,
    summary: &str,
    language: Option<&str>,
) -> Result<Heard, Trouble> {
    let site = web.site();
    let now = web.clock.now();
    let (name, tables) = (topic.to_owned(), Arc::clone(&site.tables));
    let (board, told) = web
        .ask(move |connection| boards::present(connection, &name, now, &tables.weights))
        .await?;
    let lexicon = &site.engine.lexicon;
    let topic = site
        .engine
        .topic(topic)
        .ok_or_else(|| nowhere("topic", topic))?;
    let policy = site.policies.get(&topic.name).cloned();
    let mut bench = Bench::alone(topic, lexicon, &site.tables)
        .with_policy(policy.unwrap_or_default())
        .beside(board, told);
    Ok(bench.hear(Tried {
        title,
        summary,
        language,
        outlet: None,
        url: None,
        at: now,
    }))
}

fn whole(heard: &Heard) -> Markup {
    html! {
        dl.verdict {
            @for (what, how) in heard.lines() { div { dt { (what) } dd { bdi { (printable(&how)) } } } }
        }
    }
}

fn line(frame: &Frame, topic: &Topic) -> Markup {
    let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let what = match &topic.scope {
        Scope::Everything => "matches everything".to_owned(),
        Scope::Rules(scope) => [
            counted(number(scope.rules.len()), "rule", "rules"),
            counted(number(scope.vetoes.len()), "veto", "vetoes"),
            counted(number(scope.marks.len()), "mark", "marks"),
            format!("threshold {:.2}", topic.threshold),
        ]
        .join(" · "),
    };
    html! {
        li {
            a href=(with("/", "topic", &topic.name)) aria-current=[(topic.name == frame.topic).then_some("true")] { (topic.title) }
            p.meta {
                code { (topic.name) } span { (what) }
                span { a href={"/topics/" (topic.name) ".atom"} { "Atom" } " · " a href={"/topics/" (topic.name) ".json"} { "JSON Feed" } }
            }
        }
    }
}

fn form(frame: &Frame, asked: &Asked) -> Markup {
    html! {
        form.try method="get" action="/topics" {
            @if frame.topics.len() > 1 {
                label for="topic" { "Topic" }
                select #topic name="topic" {
                    @for (name, title) in &frame.topics { option value=(name) selected[*name == frame.topic] { (title) } }
                }
            }
            label for="title" { "Headline, in any language" }
            input #title name="title" value=(asked.title) dir="auto" maxlength="1000" required;
            label for="summary" { "Lead, if there is one" }
            textarea #summary name="summary" rows="3" dir="auto" maxlength="4000" { (asked.summary) }
            button { "Judge" }
        }
    }
}

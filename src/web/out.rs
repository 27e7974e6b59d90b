//! What others subscribe to: developments of a topic and hits of a search as Atom and JSON Feed, days that
//! headlines name as a calendar.

use std::sync::Arc;

use axum::extract::{Extension, Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};
use jiff::SignedDuration;
use serde::Deserialize;

use crate::calendar;
use crate::store::published;
use crate::store::search::Page;
use crate::syndication::{Entry, Publication, atom, json_feed};
use crate::text::{cut, printable};
use crate::web::Web;
use crate::web::guard::Base;
use crate::web::page::with;
use crate::web::pages::nowhere;
use crate::web::pages::search::hits;
use crate::web::trouble::Trouble;

/// Entries of a feed; readers come more often than so many arise.
const ENTRIES: usize = 50;
/// Reports that were placed so long ago name days that are over.
const DATED: SignedDuration = SignedDuration::from_hours(280 * 24);

pub(super) fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/topics/{file}", routing::get(topic))
        .route("/search.atom", routing::get(search_atom))
        .route("/search.json", routing::get(search_json))
        .route("/calendar.ics", routing::get(days))
}

#[derive(Debug, Clone, Copy)]
enum Form {
    Atom,
    Json,
}

impl Form {
    fn write(self, publication: &Publication) -> Response {
        match self {
            Self::Atom => {
                let kind = [(CONTENT_TYPE, "application/atom+xml; charset=utf-8")];
                (kind, atom(publication)).into_response()
            }
            Self::Json => {
                let kind = [(CONTENT_TYPE, "application/feed+json; charset=utf-8")];
                (kind, json_feed(publication).to_string()).into_response()
            }
        }
    }
}

/// Where a publication stands and what it is.
struct Place {
    key: String,
    title: String,
    path: String,
    home: String,
}

fn publication(web: &Web, base: &Base, place: Place, entries: Vec<Entry>) -> Publication {
    Publication {
        key: place.key,
        title: place.title,
        self_url: Some(format!("{}{}", base.0, place.path)),
        home_url: Some(format!("{}{}", base.0, place.home)),
        entries,
        now: web.clock.now(),
    }
}

async fn topic(
    State(web): State<Arc<Web>>,
    Extension(base): Extension<Base>,
    Path(file): Path<String>,
) -> Result<Response, Trouble> {
    let (name, form) = match file.rsplit_once('.') {
        Some((name, "atom")) => (name, Form::Atom),
        Some((name, "json")) => (name, Form::Json),
        _ => return Err(nowhere("page", &file)),
    };
    let site = web.site();
    let topic = site
        .engine
        .topic(name)
        .ok_or_else(|| nowhere("topic", name))?;
    let asked = name.to_owned();
    let entries = web
        .ask(move |archive| published::developments(archive, &asked, ENTRIES))
        .await?;
    let place = Place {
        key: format!("topic {name}"),
        title: format!("{} · summitwatch", topic.title),
        home: with("/", "topic", name),
        path: format!("/topics/{file}"),
    };
    Ok(form.write(&publication(&web, &base, place, entries)))
}

#[derive(Debug, Deserialize)]
struct Searched {
    q: String,
}

async fn search_atom(
    State(web): State<Arc<Web>>,
    Extension(base): Extension<Base>,
    Query(searched): Query<Searched>,
) -> Result<Response, Trouble> {
    search(&web, &base, &searched.q, "/search.atom", Form::Atom).await
}

async fn search_json(
    State(web): State<Arc<Web>>,
    Extension(base): Extension<Base>,
    Query(searched): Query<Searched>,
) -> Result<Response, Trouble> {
    search(&web, &base, &searched.q, "/search.json", Form::Json).await
}

async fn search(
    web: &Web,
    base: &Base,
    query: &str,
    path: &str,
    form: Form,
) -> Result<Response, Trouble> {
    let page = Page {
        limit: ENTRIES,
        offset: 0,
    };
    let found = hits(web, query, page).await?;
    let mut found = found
        .map_err(|fault| Trouble::BadRequest(fault.to_string()))?
        .hits;
    // A reader wants what is new first, whatever fits best.
    found.sort_by_key(|it| std::cmp::Reverse(it.first_seen_at));
    let place = Place {
        key: format!("search {query}"),
        title: format!("{} · summitwatch", cut(&printable(query), 80)),
        path: with(path, "q", query),
        home: with("/search", "q", query),
    };
    let entries = found.iter().map(published::entry).collect();
    Ok(form.write(&publication(web, base, place, entries)))
}

#[derive(Debug, Deserialize)]
struct Dated {
    topic: Option<String>,
}

async fn days(
    State(web): State<Arc<Web>>,
    Query(asked): Query<Dated>,
) -> Result<Response, Trouble> {
    let now = web.clock.now();
    let since = now.checked_sub(DATED).unwrap_or(now);
    let found = web.ask(move |archive| {
        let topic = asked.topic.as_deref();
        let reports = published::dated(archive, topic, since)?;
        Ok((reports, published::turns(archive, topic, since)?))
    });
    let (reports, turns) = found.await?;
    let events = calendar::events(&reports, &turns);
    let kind = [(CONTENT_TYPE, "text/calendar; charset=utf-8")];
    Ok((kind, calendar::ics(&events)).into_response())
}

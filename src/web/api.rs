//! The JSON API. Its OpenAPI document is made of the handlers that are routed and the types they answer
//! with, so that it cannot say otherwise.

use std::sync::Arc;

use axum::extract::{Extension, Path, Query, State};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::openapi::path::Operation;
use utoipa::openapi::{ContentBuilder, Ref, ResponseBuilder};
use utoipa::{IntoParams, OpenApi, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::channel::webpush;
use crate::clock::rfc3339;
use crate::store::acts::On;
use crate::store::items::evidence_json;
use crate::store::view::acts::Act;
use crate::store::view::feeds::Feed;
use crate::store::view::items::{Item, Wanted};
use crate::store::view::news::{Alert, Development, Which};
use crate::store::view::owed::Delivery;
use crate::store::view::stories::{Report, Story};
use crate::store::view::{self, Part, Rows};
use crate::store::{search, subscriptions};
use crate::web::guard::{May, Who};
use crate::web::pages::acts::{done, undone};
use crate::web::pages::outbox::{again, once_more};
use crate::web::pages::search::hits;
use crate::web::pages::story::acknowledged;
use crate::web::pages::topics::tried;
use crate::web::pages::{named, nowhere};
use crate::web::trouble::Trouble;
use crate::web::{MAX_WORDS, Web};

#[derive(OpenApi)]
#[openapi(info(
    title = "summitwatch",
    description = "What the archive holds. Lists come newest first; `next` of an answer is `before` of the next \
                   question. With a token configured, send it as `Authorization: Bearer …`.",
    license(name = "MIT OR Apache-2.0")
))]
struct Document;

const AT: &str = "/api/v1/openapi.json";

pub(super) fn routes() -> Router<Arc<Web>> {
    let (router, mut document) = OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(items))
        .routes(routes!(item))
        .routes(routes!(stories))
        .routes(routes!(story))
        .routes(routes!(developments))
        .routes(routes!(alerts))
        .routes(routes!(deliveries))
        .routes(routes!(retry))
        .routes(routes!(resend))
        .routes(routes!(acknowledge))
        .routes(routes!(acts, act))
        .routes(routes!(undo))
        .routes(routes!(feeds))
        .routes(routes!(topics))
        .routes(routes!(search))
        .routes(routes!(classify))
        .routes(routes!(subscribe))
        .routes(routes!(unsubscribe))
        .routes(routes!(subscribed))
        .split_for_parts();
    for item in document.paths.paths.values_mut() {
        for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
            refusals(operation);
        }
    }
    router.route(AT, get(async move || Json(document)))
}

/// What stands before every handler and answers in its place, added to what the handler says of itself.
fn refusals(operation: &mut Operation) {
    let always: &[(u16, &str)] = &[
        (401, "a token is needed here"),
        (429, "too many requests; wait as long as Retry-After says"),
        (
            503,
            "too much is asked at once, or the archive is not there yet",
        ),
    ];
    let asked: &[(u16, &str)] = &[(400, "a parameter cannot be read")];
    let sent: &[(u16, &str)] = &[
        (400, "the body is no JSON"),
        (413, "the body is too large"),
        (415, "the body is not declared as application/json"),
        (422, "the body is JSON of another shape"),
    ];
    let mut all = always.to_vec();
    if operation.request_body.is_some() {
        all.extend(sent);
    }
    if operation.parameters.is_some() {
        all.extend(asked);
    }
    for (status, why) in all {
        let fault = ContentBuilder::new().schema(Some(Ref::from_schema_name("Fault")));
        let response = ResponseBuilder::new()
            .description(why)
            .content("application/json", fault.build());
        let known = &mut operation.responses.responses;
        known
            .entry(status.to_string())
            .or_insert_with(|| response.build().into());
    }
}

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
struct Listed<T> {
    rows: Vec<T>,
    /// `before` of the question for the next part; none at the end.
    next: Option<i64>,
}

impl<T> Listed<T> {
    fn new(found: Rows<T>, id: impl Fn(&T) -> i64) -> Json<Self> {
        let next = found.rows.last().filter(|_| found.more).map(id);
        Json(Self {
            rows: found.rows,
            next,
        })
    }
}

/// What is wrong with a question.
#[derive(Debug, Serialize, ToSchema)]
struct Fault {
    error: String,
}

const MOST: usize = 200;
const USUAL: usize = 50;

fn part(before: Option<i64>, limit: Option<usize>) -> Part {
    Part {
        before,
        limit: limit.unwrap_or(USUAL).clamp(1, MOST),
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Paged {
    topic: Option<String>,
    /// Rows before this one: `next` of the part before.
    before: Option<i64>,
    /// At most 200; 50 when left out.
    limit: Option<usize>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OfItems {
    /// Only items that match it.
    topic: Option<String>,
    /// ISO 639-1
    language: Option<String>,
    /// news, history or copy
    standing: Option<String>,
    /// First seen then or later: RFC 3339, UTC
    since: Option<String>,
    before: Option<i64>,
    limit: Option<usize>,
}

/// Items, the last to come first.
#[utoipa::path(get, path = "/api/v1/items", params(OfItems), responses((status = 200, body = Listed<Item>), (status = 400, body = Fault)))]
async fn items(
    State(web): State<Arc<Web>>,
    Query(asked): Query<OfItems>,
) -> Result<Json<Listed<Item>>, Trouble> {
    if let Some(since) = &asked.since
        && since.parse::<jiff::Timestamp>().is_err()
    {
        return Err(Trouble::BadRequest(
            "since: want a time like 2026-03-01T09:00:00Z".to_owned(),
        ));
    }
    let found = web.ask(move |archive| {
        let wanted = Wanted {
            topic: asked.topic.as_deref(),
            language: asked.language.as_deref(),
            standing: asked.standing.as_deref(),
            since: asked.since.as_deref(),
        };
        view::items::items(archive, &wanted, part(asked.before, asked.limit))
    });
    Ok(Listed::new(found.await?, |it| it.id))
}

/// One item.
#[utoipa::path(get, path = "/api/v1/items/{id}", params(("id" = i64, Path)), responses((status = 200, body = Item), (status = 404, body = Fault)))]
async fn item(State(web): State<Arc<Web>>, path: Path<String>) -> Result<Json<Item>, Trouble> {
    let id = named(&path, "item")?;
    let found = web
        .ask(move |archive| view::items::one(archive, id))
        .await?;
    found.map(Json).ok_or_else(|| nowhere("item", id))
}

/// Stories, those with the latest reports first.
#[utoipa::path(get, path = "/api/v1/stories", params(Paged), responses((status = 200, body = Listed<Story>)))]
async fn stories(
    State(web): State<Arc<Web>>,
    Query(asked): Query<Paged>,
) -> Result<Json<Listed<Story>>, Trouble> {
    let found = web.ask(move |archive| {
        view::stories::stories(
            archive,
            asked.topic.as_deref(),
            part(asked.before, asked.limit),
        )
    });
    Ok(Listed::new(found.await?, |it| it.id))
}

/// A story with its reports.
#[derive(Debug, Serialize, ToSchema)]
struct Told {
    #[serde(flatten)]
    story: Story,
    /// The first first; at most 5,000.
    reports: Vec<Report>,
}

const REPORTS: usize = 5_000;

/// One story with its reports.
#[utoipa::path(get, path = "/api/v1/stories/{id}", params(("id" = i64, Path)), responses((status = 200, body = Told), (status = 404, body = Fault)))]
async fn story(State(web): State<Arc<Web>>, path: Path<String>) -> Result<Json<Told>, Trouble> {
    let id = named(&path, "story")?;
    let found = web.ask(move |archive| {
        let Some(story) = view::stories::one(archive, id)? else {
            return Ok(None);
        };
        let reports = view::stories::reports(archive, id, REPORTS)?;
        Ok(Some(Told { story, reports }))
    });
    found.await?.map(Json).ok_or_else(|| nowhere("story", id))
}

/// Developments, told or not; those of history are left out.
#[utoipa::path(get, path = "/api/v1/developments", params(Paged), responses((status = 200, body = Listed<Development>)))]
async fn developments(
    State(web): State<Arc<Web>>,
    Query(asked): Query<Paged>,
) -> Result<Json<Listed<Development>>, Trouble> {
    let found = web.ask(move |archive| {
        view::news::developments(
            archive,
            asked.topic.as_deref(),
            Which::All,
            part(asked.before, asked.limit),
        )
    });
    Ok(Listed::new(found.await?, |it| it.id))
}

/// Alerts with their messages.
#[utoipa::path(get, path = "/api/v1/alerts", params(Paged), responses((status = 200, body = Listed<Alert>)))]
async fn alerts(
    State(web): State<Arc<Web>>,
    Query(asked): Query<Paged>,
) -> Result<Json<Listed<Alert>>, Trouble> {
    let found = web.ask(move |archive| {
        view::news::alerts(
            archive,
            asked.topic.as_deref(),
            part(asked.before, asked.limit),
        )
    });
    Ok(Listed::new(found.await?, |it| it.id))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OfDeliveries {
    /// pending, sending, retry, held, delivered, dead or expired
    state: Option<String>,
    before: Option<i64>,
    limit: Option<usize>,
}

/// Deliveries, the last to be owed first.
#[utoipa::path(get, path = "/api/v1/deliveries", params(OfDeliveries), responses((status = 200, body = Listed<Delivery>)))]
async fn deliveries(
    State(web): State<Arc<Web>>,
    Query(asked): Query<OfDeliveries>,
) -> Result<Json<Listed<Delivery>>, Trouble> {
    let found = web.ask(move |archive| {
        view::owed::deliveries(
            archive,
            asked.state.as_deref(),
            part(asked.before, asked.limit),
        )
    });
    Ok(Listed::new(found.await?, |it| it.id))
}

/// Sends a delivery that failed again. Needs the token.
#[utoipa::path(post, path = "/api/v1/deliveries/{id}/retry", params(("id" = i64, Path)), responses((status = 200), (status = 403, body = Fault), (status = 404, body = Fault), (status = 409, body = Fault)))]
async fn retry(
    State(web): State<Arc<Web>>,
    Extension(may): Extension<May>,
    path: Path<String>,
) -> Result<Json<Value>, Trouble> {
    let id = named(&path, "delivery")?;
    again(&web, may, id).await?;
    Ok(Json(json!({"id": id, "state": "retry"})))
}

/// Sends once more what a channel has taken. Needs a token that may act.
#[utoipa::path(post, path = "/api/v1/deliveries/{id}/resend", params(("id" = i64, Path)), responses((status = 200), (status = 403, body = Fault), (status = 404, body = Fault), (status = 409, body = Fault)))]
async fn resend(
    State(web): State<Arc<Web>>,
    Extension(may): Extension<May>,
    path: Path<String>,
) -> Result<Json<Value>, Trouble> {
    let id = named(&path, "delivery")?;
    once_more(&web, may, id).await?;
    Ok(Json(json!({"state": "pending"})))
}

/// Says that somebody has an alert: it is not escalated. Needs the token.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/acknowledge", params(("id" = i64, Path)), responses((status = 200), (status = 403, body = Fault), (status = 404, body = Fault)))]
async fn acknowledge(
    State(web): State<Arc<Web>>,
    Extension(may): Extension<May>,
    Extension(who): Extension<Who>,
    path: Path<String>,
) -> Result<Json<Value>, Trouble> {
    let id = named(&path, "alert")?;
    acknowledged(&web, may, &who, id).await?;
    Ok(Json(json!({"id": id, "acknowledged": true})))
}

/// What a reader does to a story or a development.
#[derive(Debug, Deserialize, ToSchema)]
struct Acting {
    /// mute and follow a story; wrong and not-news of a development; star and note of either
    kind: String,
    story_id: Option<i64>,
    development_id: Option<i64>,
    /// The words of a note
    #[serde(default)]
    note: String,
    /// When a mute ends, if not by a change of where the meeting stands: RFC 3339
    until: Option<String>,
    /// Of a follow: the channel that every report goes to
    channel: Option<String>,
}

/// Mutes, follows, marks, stars or notes. Needs a token that may act.
#[utoipa::path(post, path = "/api/v1/acts", request_body = Acting, responses((status = 200), (status = 400, body = Fault), (status = 403, body = Fault), (status = 404, body = Fault)))]
async fn act(
    State(web): State<Arc<Web>>,
    Extension(may): Extension<May>,
    Extension(who): Extension<Who>,
    Json(it): Json<Acting>,
) -> Result<Json<Value>, Trouble> {
    let on = match (it.story_id, it.development_id) {
        (Some(id), None) => On::Story(id),
        (None, Some(id)) => On::Development(id),
        _ => {
            let message = "want story_id or development_id";
            return Err(Trouble::BadRequest(message.to_owned()));
        }
    };
    let until = it.until.as_deref().map(str::parse).transpose();
    let until = until.map_err(|_| {
        Trouble::BadRequest("until: want a time like 2026-03-01T09:00:00Z".to_owned())
    })?;
    let channel = it.channel.unwrap_or_default();
    let id = done(&web, may, &who, &it.kind, on, until, it.note, channel).await?;
    Ok(Json(json!({"id": id})))
}

/// What readers did and what stands of it, the last first.
#[utoipa::path(get, path = "/api/v1/acts", responses((status = 200, body = [Act])))]
async fn acts(State(web): State<Arc<Web>>) -> Result<Json<Vec<Act>>, Trouble> {
    Ok(Json(
        web.ask(|archive| view::acts::list(archive, false, MOST))
            .await?,
    ))
}

/// Takes an act back. Needs a token that may act.
#[utoipa::path(post, path = "/api/v1/acts/{id}/undo", params(("id" = i64, Path)), responses((status = 200, body = Act), (status = 403, body = Fault), (status = 404, body = Fault)))]
async fn undo(
    State(web): State<Arc<Web>>,
    Extension(may): Extension<May>,
    Extension(who): Extension<Who>,
    path: Path<String>,
) -> Result<Json<Act>, Trouble> {
    let id = named(&path, "act")?;
    Ok(Json(undone(&web, may, &who, id).await?))
}

/// Configured feeds with their health.
#[utoipa::path(get, path = "/api/v1/feeds", responses((status = 200, body = [Feed])))]
async fn feeds(State(web): State<Arc<Web>>) -> Result<Json<Vec<Feed>>, Trouble> {
    // No day is so late: rhythms are the page's.
    Ok(Json(
        web.ask(|archive| view::feeds::feeds(archive, "9")).await?,
    ))
}

/// What is watched.
#[derive(Debug, Serialize, ToSchema)]
struct Topic {
    name: String,
    title: String,
    threshold: f64,
}

/// Configured topics.
#[utoipa::path(get, path = "/api/v1/topics", responses((status = 200, body = [Topic])))]
async fn topics(State(web): State<Arc<Web>>) -> Json<Vec<Topic>> {
    let site = web.site();
    let topics = site.engine.topics.iter().map(|it| Topic {
        name: it.name.clone(),
        title: it.title.clone(),
        threshold: it.threshold,
    });
    Json(topics.collect())
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OfSearch {
    /// A query as on the search page: words, “phrases”, OR, -not, lang:, outlet:, since:, story:, concept:
    q: String,
    /// Hits to leave out: `next` of the part before.
    offset: Option<usize>,
    limit: Option<usize>,
}

/// An item that was asked for.
#[derive(Debug, Serialize, ToSchema)]
struct Hit {
    item_id: i64,
    title: String,
    /// Around what was found.
    snippet: String,
    url: Option<String>,
    outlet: String,
    language: Option<String>,
    published_at: Option<String>,
    first_seen_at: String,
    standing: String,
    story_id: Option<i64>,
    score: f64,
}

impl From<search::Hit> for Hit {
    fn from(hit: search::Hit) -> Self {
        Self {
            item_id: hit.item.0,
            title: hit.title.text,
            snippet: hit.snippet.text,
            url: hit.url,
            outlet: hit.outlet,
            language: hit.language,
            published_at: hit.published_at.map(rfc3339),
            first_seen_at: rfc3339(hit.first_seen_at),
            standing: hit.standing.as_str().to_owned(),
            story_id: hit.story.map(|it| it.0),
            score: hit.score,
        }
    }
}

/// The furthest hit that is counted to.
const FURTHEST: usize = 5_000;

/// Items by words, phrases, concepts and filters, by relevance and recency.
#[utoipa::path(get, path = "/api/v1/search", params(OfSearch), responses((status = 200, body = Listed<Hit>), (status = 400, body = Fault)))]
async fn search(
    State(web): State<Arc<Web>>,
    Query(asked): Query<OfSearch>,
) -> Result<Json<Listed<Hit>>, Trouble> {
    let limit = part(None, asked.limit).limit;
    let offset = asked.offset.unwrap_or(0).min(FURTHEST);
    let page = search::Page {
        limit: limit + 1,
        offset,
    };
    let found = hits(&web, &asked.q, page).await?;
    let mut found = found
        .map_err(|fault| Trouble::BadRequest(fault.to_string()))?
        .hits;
    let next = (found.len() > limit).then(|| i64::try_from(offset + limit).unwrap_or(i64::MAX));
    found.truncate(limit);
    let rows = found.into_iter().map(Hit::from).collect();
    Ok(Json(Listed { rows, next }))
}

/// Words to be judged.
#[derive(Debug, Deserialize, ToSchema)]
struct Judged {
    /// The first configured topic when left out.
    topic: Option<String>,
    title: String,
    #[serde(default)]
    summary: String,
    /// ISO 639-1, where it is known
    language: Option<String>,
}

/// As the command `classify` prints it.
#[derive(Debug, Serialize, ToSchema)]
struct Verdict {
    matched: bool,
    /// 0..1
    score: f64,
    language: Option<String>,
    /// concept, term, field, start, end (bytes)
    #[schema(value_type = Vec<Object>)]
    evidence: Value,
    marks: Vec<String>,
    /// The English line of an alert.
    says: String,
    /// speaker, state, is_of_topic, predicates, places, days, marks
    #[schema(value_type = Object)]
    statement: Value,
    /// told, on_topic, decision, kind, meeting, development, certainty, needed, beside
    #[schema(value_type = Object)]
    alert: Value,
}

/// Judges a headline by a topic. Nothing is kept.
#[utoipa::path(post, path = "/api/v1/classify", request_body = Judged, responses((status = 200, body = Verdict), (status = 400, body = Fault), (status = 404, body = Fault)))]
async fn classify(
    State(web): State<Arc<Web>>,
    Json(it): Json<Judged>,
) -> Result<Json<Verdict>, Trouble> {
    if it.title.len() + it.summary.len() > MAX_WORDS {
        return Err(Trouble::BadRequest(
            "that is longer than any headline with its lead".to_owned(),
        ));
    }
    let site = web.site();
    let topic = match &it.topic {
        Some(name) => site.engine.topic(name),
        None => site.engine.topics.first(),
    };
    let topic = topic.ok_or_else(|| nowhere("topic", it.topic.as_deref().unwrap_or("here")))?;
    let heard = tried(
        &web,
        &topic.name,
        &it.title,
        &it.summary,
        it.language.as_deref(),
    )
    .await?;
    Ok(Json(Verdict {
        matched: heard.verdict.matched,
        score: heard.verdict.score,
        evidence: evidence_json(&heard.verdict, "summary"),
        says: heard.says.summary.clone(),
        statement: heard.statement_json(),
        alert: heard.alert_json(),
        language: heard.language,
        marks: heard.verdict.marks,
    }))
}

/// What a browser's `PushSubscription` says of itself.
#[derive(Debug, Deserialize, ToSchema)]
struct Subscribing {
    endpoint: String,
    keys: PushKeys,
}

#[derive(Debug, Deserialize, ToSchema)]
struct PushKeys {
    p256dh: String,
    auth: String,
}

/// A browser, by the address at its push service.
#[derive(Debug, Deserialize, ToSchema)]
struct Browser {
    endpoint: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct Known {
    known: bool,
}

/// Subscribes a browser to a channel of kind `webpush`. Needs a token that may act.
#[utoipa::path(post, path = "/api/v1/push/{channel}", params(("channel" = String, Path)), request_body = Subscribing, responses((status = 200, body = Known), (status = 400, body = Fault), (status = 403, body = Fault), (status = 404, body = Fault)))]
async fn subscribe(
    State(web): State<Arc<Web>>,
    Extension(may): Extension<May>,
    Extension(who): Extension<Who>,
    Path(channel): Path<String>,
    Json(it): Json<Subscribing>,
) -> Result<Json<Known>, Trouble> {
    may.acts()?;
    pushes(&web, &channel)?;
    webpush::check(&it.endpoint, &it.keys.p256dh, &it.keys.auth).map_err(Trouble::BadRequest)?;
    let now = web.clock.now();
    let asked = subscriptions::Asked {
        channel,
        endpoint: it.endpoint,
        p256dh: it.keys.p256dh,
        auth: it.keys.auth,
        reader: who.0.to_string(),
    };
    let known = web
        .act(move |tx| subscriptions::add(tx, &asked, now))
        .await?;
    if !known {
        return Err(Trouble::BadRequest(format!(
            "a channel has {} subscriptions at most",
            subscriptions::MOST
        )));
    }
    Ok(Json(Known { known }))
}

/// Ends a browser's subscription. Needs a token that may act.
#[utoipa::path(post, path = "/api/v1/push/{channel}/end", params(("channel" = String, Path)), request_body = Browser, responses((status = 200, body = Known), (status = 403, body = Fault), (status = 404, body = Fault)))]
async fn unsubscribe(
    State(web): State<Arc<Web>>,
    Extension(may): Extension<May>,
    Extension(who): Extension<Who>,
    Path(channel): Path<String>,
    Json(it): Json<Browser>,
) -> Result<Json<Known>, Trouble> {
    may.acts()?;
    let (now, why) = (web.clock.now(), format!("ended by {}", who.0));
    web.act(
        move |tx| match subscriptions::named(tx, &channel, &it.endpoint)? {
            Some(id) => subscriptions::end(tx, id, &why, now),
            None => Ok(false),
        },
    )
    .await?;
    Ok(Json(Known { known: false }))
}

/// Whether a browser is subscribed to a channel.
#[utoipa::path(post, path = "/api/v1/push/{channel}/known", params(("channel" = String, Path)), request_body = Browser, responses((status = 200, body = Known), (status = 404, body = Fault)))]
async fn subscribed(
    State(web): State<Arc<Web>>,
    Path(channel): Path<String>,
    Json(it): Json<Browser>,
) -> Result<Json<Known>, Trouble> {
    pushes(&web, &channel)?;
    let known = web
        .ask(move |archive| subscriptions::named(archive, &channel, &it.endpoint))
        .await?;
    Ok(Json(Known {
        known: known.is_some(),
    }))
}

fn pushes(web: &Web, channel: &str) -> Result<(), Trouble> {
    let site = web.site();
    let known = site.push.iter().any(|it| it.0 == channel);
    if known {
        Ok(())
    } else {
        Err(nowhere("channel of kind webpush named", channel))
    }
}

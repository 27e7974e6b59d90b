//! The pages: each asks the archive once and draws what it was told.

mod account;
pub(super) mod acts;
mod feeds;
mod item;
mod now;
pub(super) mod outbox;
pub(super) mod search;
mod stories;
pub(super) mod story;
pub(super) mod topics;
mod volume;

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::routing::{get, post};
use serde::{Deserialize, Deserializer};

use crate::web::Web;
use crate::web::trouble::Trouble;

pub(super) fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/", get(now::show))
        .route("/stories", get(stories::show))
        .route("/stories/{id}", get(story::show))
        .route("/volume", get(volume::show))
        .route("/search", get(search::show))
        .route("/items/{id}", get(item::show))
        .route("/feeds", get(feeds::show))
        .route("/outbox", get(outbox::show))
        .route("/topics", get(topics::show))
        .route("/deliveries/{id}/retry", post(outbox::retry))
        .route("/deliveries/{id}/resend", post(outbox::resend))
        .route("/push/{id}/end", post(outbox::end))
        .route("/alerts/{id}/acknowledge", post(story::acknowledge))
        .route("/stories/{id}/{act}", post(acts::to_story))
        .route("/developments/{id}/{act}", post(acts::to_development))
        .route("/acts/{id}/undo", post(acts::undo))
        .route("/channels/{name}/test", post(acts::try_channel))
}

/// What most lists are asked with.
#[derive(Debug, Deserialize)]
struct Listed {
    topic: Option<String>,
    #[serde(default, deserialize_with = "number")]
    before: Option<i64>,
}

/// A number, or nothing where a form left its field empty.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    let text = text.as_deref().map(str::trim).filter(|it| !it.is_empty());
    let number = text.map(|it| {
        it.parse()
            .map_err(|_| serde::de::Error::custom("want a number"))
    });
    number.transpose()
}

/// A number in a path; what is none leads nowhere.
pub(super) fn named(path: &Path<String>, what: &str) -> Result<i64, Trouble> {
    path.0.parse().map_err(|_| nowhere(what, &path.0))
}

pub(super) fn nowhere(what: &str, id: impl std::fmt::Display) -> Trouble {
    let id = crate::text::cut(&id.to_string(), 20);
    Trouble::NotFound(format!("there is no {what} {id}"))
}

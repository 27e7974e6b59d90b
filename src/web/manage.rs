//! What a person with the token asks the service to do with its feeds. The service does it: it writes the
//! configuration's own file, as the command does, and reads it again.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, Form, Path, State};
use axum::response::Redirect;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use crate::web::Web;
use crate::web::guard::May;
use crate::web::trouble::Trouble;

/// A feed to add or to try.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    pub url: String,
    /// Made of the outlet when left out.
    #[serde(default)]
    pub name: String,
    /// The host when left out.
    #[serde(default)]
    pub outlet: String,
    #[serde(default)]
    pub language: String,
    /// Adapts when left out.
    #[serde(default)]
    pub interval: String,
    #[serde(default)]
    pub allow_private: bool,
}

#[derive(Debug, Clone)]
pub enum Wish {
    Add(Wanted),
    /// Visits and reads it; nothing is kept.
    Test(Wanted),
    Poll(String),
    Pause(String),
    Resume(String),
    Remove(String),
}

/// A wish, and where its answer goes: what was done, or why not.
pub type Asked = (Wish, oneshot::Sender<Result<String, String>>);

/// A visit may take a minute, and a test is one; who asks gets an answer before the request ends.
const PATIENCE: Duration = Duration::from_secs(9);

pub(super) fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/feeds/add", post(add_page))
        .route("/feeds/{name}/{what}", post(change_page))
        .route("/api/v1/feeds", post(add))
        .route("/api/v1/feeds/test", post(test))
        .route("/api/v1/feeds/{name}/{what}", post(change))
}

impl Web {
    /// With somebody who fulfils wishes.
    #[must_use]
    pub fn with_manager(mut self, manager: mpsc::Sender<Asked>) -> Self {
        self.manager = Some(manager);
        self
    }

    async fn wish(&self, may: May, wish: Wish) -> Result<String, Trouble> {
        may.acts()?;
        let gone = || Trouble::Conflict("no service runs here that could do it".to_owned());
        let manager = self.manager.as_ref().ok_or_else(gone)?;
        let (reply, answer) = oneshot::channel();
        manager.send((wish, reply)).await.map_err(|_| gone())?;
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(Ok(done))) => Ok(done),
            Ok(Ok(Err(why))) => Err(Trouble::Conflict(why)),
            Ok(Err(_)) => Err(gone()),
            Err(_) => Err(Trouble::Slow),
        }
    }
}

fn wish(name: String, what: &str) -> Result<Wish, Trouble> {
    Ok(match what {
        "poll" => Wish::Poll(name),
        "pause" => Wish::Pause(name),
        "resume" => Wish::Resume(name),
        "remove" => Wish::Remove(name),
        _ => return Err(Trouble::NotFound("there is no such action".to_owned())),
    })
}

async fn add_page(
    State(web): State<Arc<Web>>,
    Extension(may): Extension<May>,
    Form(form): Form<AddForm>,
) -> Result<Redirect, Trouble> {
    let test = form.what == "test";
    let wanted = Wanted {
        url: form.url,
        name: form.name,
        outlet: form.outlet,
        language: form.language,
        interval: form.interval,
        allow_private: form.allow_private.is_some(),
    };
    let wish = if test {
        Wish::Test(wanted)
    } else {
        Wish::Add(wanted)
    };
    let done = web.wish(may, wish).await?;
    let said: String = url::form_urlencoded::byte_serialize(done.as_bytes()).collect();
    Ok(Redirect::to(&format!("/feeds?said={said}")))
}

/// As a browser sends it: a box that is not ticked is not there.
#[derive(Debug, Deserialize)]
struct AddForm {
    url: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    outlet: String,
    #[serde(default)]
    language: String,
    #[serde(default)]
    interval: String,
    allow_private: Option<String>,
    #[serde(default)]
    what: String,
}

async fn change_page(
    State(web): State<Arc<Web>>,
    Extension(may): Extension<May>,
    Path((name, what)): Path<(String, String)>,
) -> Result<Redirect, Trouble> {
    let done = web.wish(may, wish(name, &what)?).await?;
    let said: String = url::form_urlencoded::byte_serialize(done.as_bytes()).collect();
    Ok(Redirect::to(&format!("/feeds?said={said}")))
}

async fn add(
    State(web): State<Arc<Web>>,
    Extension(may): Extension<May>,
    Json(wanted): Json<Wanted>,
) -> Result<Json<Value>, Trouble> {
    let done = web.wish(may, Wish::Add(wanted)).await?;
    Ok(Json(json!({"done": done})))
}

async fn test(
    State(web): State<Arc<Web>>,
    Extension(may): Extension<May>,
    Json(wanted): Json<Wanted>,
) -> Result<Json<Value>, Trouble> {
    let done = web.wish(may, Wish::Test(wanted)).await?;
    Ok(Json(json!({"done": done})))
}

async fn change(
    State(web): State<Arc<Web>>,
    Extension(may): Extension<May>,
    Path((name, what)): Path<(String, String)>,
) -> Result<Json<Value>, Trouble> {
    let done = web.wish(may, wish(name, &what)?).await?;
    Ok(Json(json!({"done": done})))
}

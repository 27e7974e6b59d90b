//! What machines ask: whether the loops turn, whether the service is ready, and its numbers. From this machine
//! without a token; a proxy's word for somebody else is not this machine.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, FORWARDED, VIA};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use crate::clock::rfc3339;
use crate::metrics::Metrics;
use crate::store::outages;
use crate::store::view::gauges::gauges;
use crate::web::Web;
use crate::web::trouble::Trouble;

/// What the loops say of themselves.
pub struct Vitals {
    pub metrics: Arc<Metrics>,
    /// Whether both loops turned lately; as the watchdog sees it.
    pub alive: Box<dyn Fn() -> bool + Send + Sync>,
    /// Why the service is not ready; none where it is.
    pub unready: Box<dyn Fn() -> Option<&'static str> + Send + Sync>,
}

impl Default for Vitals {
    /// Of pages that are served without loops.
    fn default() -> Self {
        Self {
            metrics: Arc::default(),
            alive: Box::new(|| true),
            unready: Box::new(|| None),
        }
    }
}

const HEALTH: &str = "/healthz";
const READY: &str = "/readyz";
const METRICS: &str = "/metrics";

pub(super) fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route(HEALTH, get(health))
        .route(READY, get(ready))
        .route(METRICS, get(metrics))
}

pub(super) fn is_probe(path: &str) -> bool {
    matches!(path, HEALTH | READY | METRICS)
}

/// Asked from this machine, by no proxy for somebody else.
pub(super) fn is_own(peer: IpAddr, headers: &HeaderMap) -> bool {
    let forwarded = headers.contains_key("x-forwarded-for")
        || headers.contains_key("x-real-ip")
        || headers.contains_key(FORWARDED)
        || headers.contains_key(VIA);
    peer.to_canonical().is_loopback() && !forwarded
}

fn answer(status: StatusCode, value: serde_json::Value) -> Response {
    (status, [(CACHE_CONTROL, "no-store")], Json(value)).into_response()
}

async fn health(State(web): State<Arc<Web>>) -> Response {
    if (web.vitals.alive)() {
        answer(StatusCode::OK, json!({"status": "alive"}))
    } else {
        let reason = "the loops do not turn";
        let value = json!({"status": "stuck", "reason": reason});
        answer(StatusCode::SERVICE_UNAVAILABLE, value)
    }
}

async fn ready(State(web): State<Arc<Web>>) -> Response {
    let unready = |reason: String| {
        let value = json!({"status": "unready", "reason": reason});
        answer(StatusCode::SERVICE_UNAVAILABLE, value)
    };
    if let Some(reason) = (web.vitals.unready)() {
        return unready(reason.to_owned());
    }
    // Without a network it is as ready as it can be, and says so: restarting it would not help.
    match web.ask(outages::lasting).await {
        Ok(None) => answer(StatusCode::OK, json!({"status": "ready"})),
        Ok(Some(outage)) => {
            let since = rfc3339(outage.since);
            answer(
                StatusCode::OK,
                json!({"status": "ready", "offline_since": since}),
            )
        }
        Err(trouble) => unready(trouble.to_string()),
    }
}

async fn metrics(State(web): State<Arc<Web>>) -> std::result::Result<Response, Trouble> {
    let now = web.clock.now();
    let archive = web.ask(move |archive| gauges(archive, now)).await?;
    let text = web
        .vitals
        .metrics
        .text(&archive, web.store.log_bytes(), now);
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    Ok(([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-store")], text).into_response())
}

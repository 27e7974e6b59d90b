//! What every answer carries: a policy that lets a page load from here alone, failures as the asker reads
//! them, compression.

use std::io::Write;

use axum::Json;
use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::item::hash;
use crate::web::Web;
use crate::web::guard::{LOGIN, May};
use crate::web::mount;
use crate::web::page::{self, Frame};
use crate::web::probes;
use crate::web::trouble::Trouble;

/// What of a request its answer depends on.
pub(super) struct Asked {
    path: String,
    path_and_query: String,
    gzip: bool,
    reads: bool,
    /// What a reader of our feeds has already (If-None-Match).
    has: Option<String>,
}

impl Asked {
    pub(super) fn of(request: &Request) -> Self {
        let uri = request.uri();
        let accepted = request.headers().get(ACCEPT_ENCODING);
        Self {
            path: uri.path().to_owned(),
            path_and_query: uri
                .path_and_query()
                .map_or("/", |it| it.as_str())
                .to_owned(),
            gzip: accepted.and_then(|it| it.to_str().ok()).is_some_and(|it| {
                it.split(',')
                    .any(|it| it.trim().split(';').next() == Some("gzip"))
            }),
            reads: request.method() == Method::GET,
            has: request
                .headers()
                .get(IF_NONE_MATCH)
                .and_then(|it| it.to_str().ok())
                .map(str::to_owned),
        }
    }

    fn is_program(&self) -> bool {
        let path = &self.path;
        path.starts_with("/api/")
            || path == "/events"
            || probes::is_probe(path)
            || self.is_subscription()
    }

    fn is_subscription(&self) -> bool {
        [".atom", ".json", ".ics"]
            .iter()
            .any(|it| self.path.ends_with(it))
    }
}

const HEADERS: [(HeaderName, &str); 6] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

pub(super) async fn finish(web: &Web, asked: &Asked, mut response: Response) -> Response {
    if let Some(trouble) = response.extensions_mut().remove::<Trouble>() {
        response = told(web, asked, &trouble);
    } else if is_routers(&response) {
        let status = response.status();
        let reason = to_bytes(response.into_body(), 1_000)
            .await
            .unwrap_or_default();
        let mut reason = String::from_utf8_lossy(&reason).into_owned();
        if reason.is_empty() {
            reason = status.to_string();
        }
        response = told(web, asked, &Trouble::BadRequest(reason));
        *response.status_mut() = status;
    }
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // What is shown is private to who may see it, and is another the next minute.
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("private, no-cache"));
    if asked.is_subscription() && asked.reads && response.status() == StatusCode::OK {
        response = tagged(asked, response).await;
    }
    response = mount::outward(&web.site().gate.base, response).await;
    if asked.gzip {
        response = compressed(response).await;
    }
    response
}

/// More than any of our feeds holds.
const LARGEST_FEED: usize = 8 * 1024 * 1024;

/// Feed readers come every few minutes: what they have already is not sent again. The tag is weak, for
/// what is compressed is another sequence of bytes.
async fn tagged(asked: &Asked, response: Response) -> Response {
    let (mut head, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, LARGEST_FEED).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let tag = format!(
        "\"{:016x}\"",
        hash(&String::from_utf8_lossy(&bytes)).cast_unsigned()
    );
    let known = asked.has.as_deref().is_some_and(|has| {
        has.split(',')
            .map(|it| it.trim().trim_start_matches("W/"))
            .any(|it| it == tag || it == "*")
    });
    if let Ok(value) = HeaderValue::try_from(format!("W/{tag}")) {
        head.headers.insert(ETAG, value);
    }
    if known {
        head.status = StatusCode::NOT_MODIFIED;
        head.headers.remove(CONTENT_TYPE);
        head.headers.remove(CONTENT_LENGTH);
        return Response::from_parts(head, Body::empty());
    }
    Response::from_parts(head, Body::from(bytes))
}

/// The router's own words: a wrong method, a query or a body that cannot be read.
fn is_routers(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    response.status().is_client_error() && kind.is_none_or(|it| it == "text/plain; charset=utf-8")
}

fn told(web: &Web, asked: &Asked, trouble: &Trouble) -> Response {
    let status = trouble.status();
    let mut response = if asked.is_program() {
        (status, Json(json!({"error": trouble.to_string()}))).into_response()
    } else if *trouble == Trouble::Unknown && asked.reads && web.site().gate.has_tokens() {
        let to: String =
            url::form_urlencoded::byte_serialize(asked.path_and_query.as_bytes()).collect();
        return Redirect::to(&format!("{LOGIN}?to={to}")).into_response();
    } else {
        let frame = Frame::bare(
            web,
            May {
                act: false,
                leave: false,
            },
        );
        (status, page::trouble(&frame, trouble)).into_response()
    };
    if *trouble == Trouble::Unknown {
        // A feed reader asks its user for Basic; a program knows what to do with either.
        let challenge = if asked.is_subscription() {
            "Basic realm=\"summitwatch\""
        } else {
            "Bearer"
        };
        response
            .headers_mut()
            .insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    if matches!(trouble, Trouble::TooMany | Trouble::Busy | Trouble::Slow) {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response
}

/// Shorter answers are not worth it; longer ones than pages are streams.
const WORTH: u64 = 700;
const WHOLE: u64 = 8 * 1024 * 1024;

async fn compressed(response: Response) -> Response {
    let size = response.body().size_hint().exact().unwrap_or(0);
    let taken = response.headers().contains_key(CONTENT_ENCODING);
    if taken || !(WORTH..=WHOLE).contains(&size) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        return Trouble::Panicked.into_response();
    };
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), Compression::new(5));
    let written = encoder.write_all(&bytes).and_then(|()| encoder.finish());
    let Ok(written) = written else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    parts.headers.remove(CONTENT_LENGTH);
    parts
        .headers
        .insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    parts
        .headers
        .insert(VARY, HeaderValue::from_static("accept-encoding, cookie"));
    Response::from_parts(parts, Body::from(written))
}

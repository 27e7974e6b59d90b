//! The style sheet, the scripts, the icons and the manifest that names them: under names that change with what they hold, so that a
//! browser may keep them.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;
use serde_json::{Value, json};

use crate::web::Web;

struct Asset {
    path: String,
    kind: &'static str,
    bytes: &'static [u8],
}

impl Asset {
    fn new(name: &str, ending: &str, kind: &'static str, bytes: &'static [u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        Self {
            path: format!("/assets/{name}-{:016x}.{ending}", hasher.finish()),
            kind,
            bytes,
        }
    }
}

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";
const PNG: &str = "image/png";

static ASSETS: LazyLock<[Asset; 8]> = LazyLock::new(|| {
    [
        Asset::new("style", "css", CSS, include_bytes!("style.css")),
        Asset::new("live", "js", JS, include_bytes!("live.js")),
        Asset::new("icon", "svg", SVG, include_bytes!("icons/icon.svg")),
        Asset::new("keys", "js", JS, include_bytes!("keys.js")),
        Asset::new("icon-192", "png", PNG, include_bytes!("icons/icon-192.png")),
        Asset::new("icon-512", "png", PNG, include_bytes!("icons/icon-512.png")),
        Asset::new(
            "maskable-512",
            "png",
            PNG,
            include_bytes!("icons/maskable-512.png"),
        ),
        Asset::new("push", "js", JS, include_bytes!("push.js")),
    ]
});

pub(super) fn style() -> &'static str {
    &ASSETS[0].path
}

pub(super) fn script() -> &'static str {
    &ASSETS[1].path
}

pub(super) fn icon() -> &'static str {
    &ASSETS[2].path
}

pub(super) fn keys() -> &'static str {
    &ASSETS[3].path
}

/// What a phone shows on its home screen.
pub(super) fn touch_icon() -> &'static str {
    &ASSETS[4].path
}

pub(super) fn push() -> &'static str {
    &ASSETS[7].path
}

/// What shows notifications: at the root, since it is told of all pages below its own address.
const WORKER: &str = "/sw.js";
/// For the worker, which knows no name that changes.
const ICON: &str = "/icon.png";
pub(super) const MANIFEST: &str = "/manifest.webmanifest";
/// Of `--deep` and `--paper` in the style sheet, by day.
const THEME: &str = "#0f5163";
const PAPER: &str = "#faf9f6";

/// What lets a phone keep the dashboard among its programs. Addresses are relative: it may stand below a path.
fn manifest() -> Value {
    let icon = |at: usize, sizes: &str, purpose: &str| {
        let asset = &ASSETS[at];
        json!({
            "src": asset.path.trim_start_matches('/'), "type": asset.kind, "sizes": sizes, "purpose": purpose,
        })
    };
    json!({
        "name": "summitwatch",
        "short_name": "summitwatch",
        "description": "What is new, once, and why",
        "id": "./", "start_url": "./", "scope": "./",
        "display": "standalone",
        "theme_color": THEME, "background_color": PAPER,
        "icons": [icon(2, "any", "any"), icon(4, "192x192", "any"), icon(5, "512x512", "any"), icon(6, "512x512", "maskable")],
    })
}

pub(super) fn is_asset(path: &str) -> bool {
    // A browser asks for the manifest without a cookie.
    [MANIFEST, WORKER, ICON].contains(&path) || ASSETS.iter().any(|it| it.path == path)
}

pub(super) fn routes() -> Router<Arc<Web>> {
    let routes = ASSETS.iter().fold(Router::new(), |router, asset| {
        let headers = [
            (CONTENT_TYPE, asset.kind),
            (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        ];
        router.route(&asset.path, get(async move || (headers, asset.bytes)))
    });
    let manifest = async || {
        let headers = [
            (CONTENT_TYPE, "application/manifest+json"),
            (CACHE_CONTROL, "public, max-age=3600"),
        ];
        (headers, manifest().to_string())
    };
    let worker = async || {
        let headers = [(CONTENT_TYPE, JS), (CACHE_CONTROL, "no-cache")];
        (headers, include_str!("sw.js"))
    };
    let icon = async || {
        let headers = [
            (CONTENT_TYPE, PNG),
            (CACHE_CONTROL, "public, max-age=86400"),
        ];
        (headers, ASSETS[4].bytes)
    };
    let routes = routes
        .route(MANIFEST, get(manifest))
        .route(WORKER, get(worker))
        .route(ICON, get(icon));
    // Browsers ask for it whatever a page says.
    routes.route(
        "/robots.txt",
        get(async || "User-agent: *\nDisallow: /\n".into_response()),
    )
}

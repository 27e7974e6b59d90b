//! The style sheet, the script and the icon: under names that change with what they hold, so that a
//! browser may keep them.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;

use crate::web::Web;

struct Asset {
    path: String,
    kind: &'static str,
    text: &'static str,
}

impl Asset {
    fn new(name: &str, ending: &str, kind: &'static str, text: &'static str) -> Self {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        Self {
            path: format!("/assets/{name}-{:016x}.{ending}", hasher.finish()),
            kind,
            text,
        }
    }
}

static ASSETS: LazyLock<[Asset; 3]> = LazyLock::new(|| {
    let (style, script, icon) = (
        include_str!("style.css"),
        include_str!("live.js"),
        include_str!("icon.svg"),
    );
    [
        Asset::new("style", "css", "text/css; charset=utf-8", style),
        Asset::new("live", "js", "text/javascript; charset=utf-8", script),
        Asset::new("icon", "svg", "image/svg+xml", icon),
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

pub(super) fn is_asset(path: &str) -> bool {
    ASSETS.iter().any(|it| it.path == path)
}

pub(super) fn routes() -> Router<Arc<Web>> {
    let routes = ASSETS.iter().fold(Router::new(), |router, asset| {
        let headers = [
            (CONTENT_TYPE, asset.kind),
            (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        ];
        router.route(&asset.path, get(async move || (headers, asset.text)))
    });
    // Browsers ask for it whatever a page says.
    routes.route(
        "/robots.txt",
        get(async || "User-agent: *\nDisallow: /\n".into_response()),
    )
}

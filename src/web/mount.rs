//! A dashboard below a path (`base = "/watch"`): asked with the path or, by a proxy that cuts it off, without; every
//! address that an answer names leads below it.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION, SET_COOKIE};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, Uri};
use axum::middleware::Next;
use axum::response::Response;

use crate::web::Web;

pub(super) async fn inside(State(web): State<Arc<Web>>, request: Request, next: Next) -> Response {
    let base = web.site().gate.base.clone();
    next.run(inward(&base, request)).await
}

/// The request as if the dashboard stood at the root.
fn inward(base: &str, mut request: Request) -> Request {
    if base.is_empty() {
        return request;
    }
    let asked = request.uri().path_and_query().map(PathAndQuery::as_str);
    let below = asked.and_then(|it| it.strip_prefix(base));
    let at_root = match below {
        Some(rest) if rest.is_empty() || rest.starts_with('?') => Some(format!("/{rest}")),
        Some(rest) if rest.starts_with('/') => Some(rest.to_owned()),
        _ => None,
    };
    if let Some(uri) = at_root.and_then(|it| it.parse::<Uri>().ok()) {
        *request.uri_mut() = uri;
    }
    request
}

/// The answer as it reads below the path. Only what we write ourselves begins an attribute with a slash: texts from
/// outside are escaped, quotes and all.
pub(super) async fn outward(base: &str, mut response: Response) -> Response {
    if base.is_empty() {
        return response;
    }
    let headers = response.headers_mut();
    let place = headers.get(LOCATION).and_then(|it| it.to_str().ok());
    if let Some(place) = place.filter(|it| it.starts_with('/'))
        && let Ok(value) = HeaderValue::from_str(&format!("{base}{place}"))
    {
        headers.insert(LOCATION, value);
    }
    let cookie = headers.get(SET_COOKIE).and_then(|it| it.to_str().ok());
    if let Some(cookie) = cookie
        && let Ok(value) = HeaderValue::from_str(&cookie.replace("Path=/", &format!("Path={base}")))
    {
        headers.insert(SET_COOKIE, value);
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    if !kind.is_some_and(|it| it.starts_with("text/html")) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // Pages are made in memory.
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        return Response::from_parts(parts, Body::empty());
    };
    let page = String::from_utf8_lossy(&bytes);
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(below(base, &page)))
}

fn below(base: &str, page: &str) -> String {
    ["href=\"/", "action=\"/", "src=\"/"]
        .iter()
        .fold(page.to_owned(), |page, attribute| {
            let name = attribute.trim_end_matches('/');
            page.replace(attribute, &format!("{name}{base}/"))
        })
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::Request;

    use super::{below, inward};

    #[track_caller]
    fn check(asked: &str, expected: &str) {
        let request = Request::builder().uri(asked).body(Body::empty());
        let inside = inward("/watch", request.expect("a request"));
        assert_eq!(inside.uri().to_string(), expected);
    }

    #[test]
    fn a_path_in_front_is_cut_off_once() {
        check("/watch", "/");
        check("/watch?topic=x", "/?topic=x");
        check("/watch/stories/1?a=b", "/stories/1?a=b");
        check("/stories", "/stories");
        check("/watchers", "/watchers");
        check("/watch/watch", "/watch");
    }

    #[test]
    fn what_a_page_links_to_lies_below_the_path() {
        let page = "<a href=\"/x\">/x</a><form action=\"/y\"><a href=\"https://a.example/\"><p>href=&quot;/z";
        let expected = "<a href=\"/watch/x\">/x</a><form action=\"/watch/y\"><a href=\"https://a.example/\"><p>href=&quot;/z";
        assert_eq!(below("/watch", page), expected);
    }
}

//! One request of a visit, and where its answer leads.

use reqwest::header::{self, HeaderMap};
use reqwest::{Client, RequestBuilder, StatusCode};
use url::Url;

use crate::fetch::access::trusts;
use crate::fetch::cookies::Jar;
use crate::fetch::{After, Ask, Cache, Coding, Manner};

const ACCEPT: &str = "application/atom+xml, application/rss+xml, application/rdf+xml, application/feed+json, \
                      application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5";

pub(super) fn request(
    client: &Client,
    ask: &Ask<'_>,
    home: &Url,
    url: &Url,
    jar: &Jar,
    manner: Manner,
) -> RequestBuilder {
    let request = client.get(url.clone()).header(header::ACCEPT, ACCEPT);
    let mut request = ask.access.introduce(request);
    if ask.after == After::Close {
        request = request.header(header::CONNECTION, "close");
    }
    let codings = match manner.coding {
        Coding::Decoded => "gzip, deflate, br, zstd",
        Coding::Identity => "identity",
    };
    request = request.header(header::ACCEPT_ENCODING, codings);
    if manner.cache == Cache::Passed {
        request = request.header(header::CACHE_CONTROL, "no-cache");
    }
    if let Some(etag) = &ask.validators.etag {
        request = request.header(header::IF_NONE_MATCH, etag);
    }
    if let Some(last_modified) = &ask.validators.last_modified {
        request = request.header(header::IF_MODIFIED_SINCE, last_modified);
    }
    if let Some(cookies) = jar.header(url) {
        request = request.header(header::COOKIE, cookies);
    }
    if trusts(home, url) {
        request = ask.access.identify(request);
    }
    request
}

pub(super) fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Where a redirect leads. User and password in the feed's address go on where they belong.
pub(super) fn next(url: &Url, home: &Url, headers: &HeaderMap) -> Result<Url, String> {
    let location = headers
        .get(header::LOCATION)
        .ok_or("without saying where to")?;
    let location = String::from_utf8_lossy(location.as_bytes());
    let mut next = url
        .join(location.trim())
        .map_err(|_| "with a target that is no address".to_owned())?;
    if !matches!(next.scheme(), "http" | "https") {
        return Err(format!("to {}:, which is not fetched", next.scheme()));
    }
    let (user, password) = if trusts(home, &next) {
        (home.username(), home.password())
    } else {
        ("", None)
    };
    next.set_username(user)
        .and_then(|()| next.set_password(password))
        .map_err(|()| "with a target without a host".to_owned())?;
    Ok(next)
}

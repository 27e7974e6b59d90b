//! Who may ask: Host and Origin, the token or the reverse proxy's word, how much and how often. And what
//! every answer says to the browser.

mod answer;
mod token;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Extension, Form, Query, Request, State};
use axum::http::header::{COOKIE, HOST, ORIGIN, SET_COOKIE};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use serde::Deserialize;
use url::Url;

use crate::secret::Secret;
use crate::text::{cut, printable};
use crate::web::guard::token::{SESSION, cookie, credentials, is_same, is_session, session};
use crate::web::page::{self, Frame};
use crate::web::trouble::Trouble;
use crate::web::{REQUEST, Web, assets, probes};

/// Who is let in.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    /// Where people find the service, when that is not where it listens.
    pub address: Option<Url>,
    /// The path below which pages stand, without a slash at its end; empty for the root.
    pub base: String,
    pub token: Option<Secret>,
    pub proxy: Option<Proxy>,
    pub readers: Vec<Reader>,
}

/// Somebody with a token and a name of their own.
#[derive(Debug, Clone)]
pub struct Reader {
    pub name: Arc<str>,
    pub token: Secret,
    pub act: bool,
}

/// By which name what somebody does is written down.
#[derive(Debug, Clone)]
pub(super) struct Who(pub(super) Arc<str>);

/// Whoever has the token of `[web]`.
const OPERATOR: &str = "operator";
/// Who is on the own machine and has no token.
const NOBODY: &str = "nobody";

/// A reverse proxy that has people log in, and says so in a header that it takes from nobody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    pub header: HeaderName,
    pub from: Vec<IpAddr>,
}

/// What the one who asks may do; on loopback without a token, look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct May {
    pub(super) act: bool,
    /// There is a session to end.
    pub(super) leave: bool,
}

impl May {
    /// Refuses where nothing may be done.
    pub(super) fn acts(self) -> Result<(), Trouble> {
        if self.act {
            Ok(())
        } else {
            Err(Trouble::Forbidden(
                "set a token in [web] and log in to do this".to_owned(),
            ))
        }
    }
}

/// Where the service was found, for links that leave it.
#[derive(Debug, Clone)]
pub(super) struct Base(pub(super) String);

const SESSION_SECS: u32 = 30 * 86_400;
const LOGIN: &str = "/login";

pub(super) fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route(LOGIN, routing::get(ask_token).post(log_in))
        .route("/logout", routing::post(log_out))
}

pub(super) async fn guard(
    State(web): State<Arc<Web>>,
    Extension(peer): Extension<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let asked = answer::Asked::of(&request);
    let answered = tokio::time::timeout(REQUEST, admit(&web, peer.ip(), request, next)).await;
    let response = answered.unwrap_or(Err(Trouble::Slow));
    answer::finish(
        &web,
        &asked,
        response.unwrap_or_else(IntoResponse::into_response),
    )
    .await
}

async fn admit(
    web: &Arc<Web>,
    peer: IpAddr,
    mut request: Request,
    next: Next,
) -> Result<Response, Trouble> {
    let _place = web.requests.try_acquire().map_err(|_| Trouble::Busy)?;
    if !web.rates.allows(peer, Instant::now()) {
        return Err(Trouble::TooMany);
    }
    if probes::is_probe(request.uri().path()) && probes::is_own(peer, request.headers()) {
        return Ok(next.run(request).await);
    }
    let site = web.site();
    let gate = &site.gate;
    let base = gate.own_base(&request)?;
    let may = gate.may(&request, peer);
    if request.method() != Method::GET && request.method() != Method::HEAD {
        Gate::same_origin(&request, &base)?;
    }
    let path = request.uri().path();
    let open = path == LOGIN || assets::is_asset(path);
    let (may, who) = match may {
        Ok(found) => found,
        Err(_) if open => (
            May {
                act: false,
                leave: false,
            },
            NOBODY.into(),
        ),
        Err(wrong) => {
            if wrong == Wrong::Token {
                web.rates.wrong_token(peer);
            }
            return Err(Trouble::Unknown);
        }
    };
    request.extensions_mut().insert(may);
    request.extensions_mut().insert(Who(who));
    request.extensions_mut().insert(base);
    Ok(next.run(request).await)
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Nothing,
    Token,
}

impl Gate {
    /// A page that resolves its own name to this machine is not served (DNS rebinding): hosts are
    /// addresses, `localhost` and the configured name.
    fn own_base(&self, request: &Request) -> Result<Base, Trouble> {
        let header = request.headers().get(HOST).map(HeaderValue::to_str);
        let host = match (request.uri().authority(), header) {
            (Some(named), Some(Ok(host))) if named.as_str() != host => {
                return Err(Trouble::Misdirected);
            }
            (_, Some(Ok(host))) => host,
            _ => return Err(Trouble::BadRequest("one Host header is needed".to_owned())),
        };
        if request.headers().get_all(HOST).iter().count() != 1 {
            return Err(Trouble::BadRequest("one Host header is needed".to_owned()));
        }
        let url = Url::parse(&format!("http://{host}/")).map_err(|_| Trouble::Misdirected)?;
        let own = match url.host() {
            Some(url::Host::Domain(name)) => {
                let configured = self.address.as_ref().and_then(Url::host_str);
                name == "localhost" || configured == Some(name)
            }
            Some(_) => true,
            None => false,
        };
        if !own || !url.username().is_empty() {
            return Err(Trouble::Misdirected);
        }
        let found = self.address.as_ref().unwrap_or(&url);
        let found = found.as_str().trim_end_matches('/');
        Ok(Base(format!("{found}{}", self.base)))
    }

    /// Nothing is changed for another site's page (CSRF). Programs send no Origin, and then no cookie counts.
    fn same_origin(request: &Request, base: &Base) -> Result<(), Trouble> {
        let headers = request.headers();
        let refused = || Trouble::Forbidden("asked for by another site's page".to_owned());
        let Some(origin) = headers.get(ORIGIN) else {
            // Where no token is given that could be right, the cookie is what counts.
            let by_cookie = credentials(headers).is_none() && headers.contains_key(COOKIE);
            return if by_cookie { Err(refused()) } else { Ok(()) };
        };
        let host = headers.get(HOST).and_then(|it| it.to_str().ok());
        let own = origin.to_str().is_ok_and(|origin| {
            let configured = Url::parse(&base.0).map(|it| it.origin().ascii_serialization());
            let direct = origin
                .strip_prefix("http://")
                .is_some_and(|it| Some(it) == host);
            direct || configured.is_ok_and(|it| it == origin)
        });
        if own { Ok(()) } else { Err(refused()) }
    }

    pub(super) fn has_tokens(&self) -> bool {
        self.token.is_some() || !self.readers.is_empty()
    }

    /// Everybody with a token: whoever has that of `[web]` may do everything.
    fn tokens(&self) -> impl Iterator<Item = (&Secret, bool, Arc<str>)> {
        let operator = self.token.iter().map(|it| (it, true, OPERATOR.into()));
        let readers = self.readers.iter();
        operator.chain(readers.map(|it| (&it.token, it.act, Arc::clone(&it.name))))
    }

    /// What the one who asks may do, and who that is.
    fn may(&self, request: &Request, peer: IpAddr) -> Result<(May, Arc<str>), Wrong> {
        let headers = request.headers();
        let named = |it: &HeaderValue| it.to_str().ok().map(|it| cut(&printable(it), 60));
        if let Some(proxy) = &self.proxy
            && proxy.from.contains(&peer)
            && let Some(user) = headers.get(&proxy.header).filter(|it| !it.is_empty())
        {
            let may = May {
                act: true,
                leave: false,
            };
            return Ok((
                may,
                named(user).unwrap_or_else(|| "somebody".to_owned()).into(),
            ));
        }
        if !self.has_tokens() {
            let may = May {
                act: false,
                leave: false,
            };
            return match self.proxy {
                Some(_) => Err(Wrong::Nothing),
                None => Ok((may, NOBODY.into())),
            };
        }
        if let Some(given) = credentials(headers) {
            // Every token is compared, so that time does not tell whose is near.
            let right: Vec<_> = self.tokens().filter(|it| is_same(&given, it.0)).collect();
            let (_, act, name) = right.into_iter().next().ok_or(Wrong::Token)?;
            return Ok((May { act, leave: false }, name));
        }
        let session =
            cookie(headers).and_then(|session| self.tokens().find(|it| is_session(session, it.0)));
        match session {
            Some((_, act, name)) => Ok((May { act, leave: true }, name)),
            // A session that the token's change has ended is no guess.
            None => Err(Wrong::Nothing),
        }
    }
}

#[derive(Debug, Deserialize)]
struct Login {
    #[serde(default)]
    token: String,
    #[serde(default)]
    to: String,
}

async fn ask_token(
    State(web): State<Arc<Web>>,
    Extension(may): Extension<May>,
    Query(login): Query<Login>,
) -> Response {
    let wrong = !login.token.is_empty();
    let frame = Frame::bare(&web, may);
    page::login(&frame, own_path(&login.to), wrong).into_response()
}

async fn log_in(
    State(web): State<Arc<Web>>,
    Extension(peer): Extension<SocketAddr>,
    Extension(Base(base)): Extension<Base>,
    Form(login): Form<Login>,
) -> Result<Response, Trouble> {
    let site = web.site();
    if !site.gate.has_tokens() {
        return Err(Trouble::NotFound("no token is set in [web]".to_owned()));
    }
    let to = own_path(&login.to);
    let given = Secret::new(login.token);
    let Some((token, ..)) = site.gate.tokens().find(|it| is_same(&given, it.0)) else {
        web.rates.wrong_token(peer.ip());
        let frame = Frame::bare(
            &web,
            May {
                act: false,
                leave: false,
            },
        );
        return Ok((StatusCode::FORBIDDEN, page::login(&frame, to, true)).into_response());
    };
    let secure = if base.starts_with("https:") {
        "; Secure"
    } else {
        ""
    };
    let cookie = format!(
        "{SESSION}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={SESSION_SECS}{secure}",
        session(token)
    );
    Ok(([(SET_COOKIE, cookie)], Redirect::to(to)).into_response())
}

async fn log_out() -> Response {
    let cookie = format!("{SESSION}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    ([(SET_COOKIE, cookie)], Redirect::to(LOGIN)).into_response()
}

/// Nobody is sent away by a login: `//elsewhere` is another host, and so is `/\elsewhere` to browsers.
fn own_path(to: &str) -> &str {
    let own = to.starts_with('/')
        && !to.starts_with("//")
        && !to.contains(|c: char| c == '\\' || c.is_control());
    if own { to } else { "/" }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::Request;

    use super::{Gate, own_path};

    fn asked(host: &str) -> bool {
        let request = Request::builder()
            .uri("/")
            .header("host", host)
            .body(Body::empty());
        let gate = Gate {
            address: Some("https://watch.example/".parse().expect("a URL")),
            ..Gate::default()
        };
        gate.own_base(&request.expect("a request")).is_ok()
    }

    #[test]
    fn only_own_names_are_served() {
        for own in [
            "127.0.0.1:8787",
            "localhost",
            "[::1]:8787",
            "watch.example",
            "10.1.2.3",
        ] {
            assert!(asked(own), "{own}");
        }
        for foreign in [
            "evil.example",
            "evil.example:8787",
            "127.0.0.1.evil.example",
            "a@localhost",
            "",
            "watch.example.evil",
        ] {
            assert!(!asked(foreign), "{foreign}");
        }
    }

    #[test]
    fn a_login_leads_nowhere_else() {
        assert_eq!(own_path("/stories/1?a=b"), "/stories/1?a=b");
        for bad in [
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "",
            "/a\nb",
        ] {
            assert_eq!(own_path(bad), "/");
        }
    }
}

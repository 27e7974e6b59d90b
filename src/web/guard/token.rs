//! The token as it is given, and the session that is made of it.

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, COOKIE};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::secret::Secret;

/// The cookie's name.
pub(super) const SESSION: &str = "summitwatch";

/// The token as a program gives it: as bearer, or as the password of any user.
pub(super) fn credentials(headers: &HeaderMap) -> Option<Secret> {
    let header = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, value) = header.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Secret::new(value.trim()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = BASE64_STANDARD.decode(value.trim()).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (_, password) = decoded.split_once(':')?;
    Some(Secret::new(password))
}

pub(super) fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter();
    let mut cookies = cookies
        .filter_map(|it| it.to_str().ok())
        .flat_map(|it| it.split(';'));
    cookies.find_map(|it| it.trim().strip_prefix(SESSION)?.strip_prefix('='))
}

fn mac(token: &Secret) -> Hmac<Sha256> {
    let mac = Hmac::<Sha256>::new_from_slice(token.reveal().as_bytes());
    let mut mac = mac.expect("HMAC takes keys of any length");
    mac.update(b"summitwatch session 1");
    mac
}

/// Of equal length whatever was given, and compared in constant time.
pub(super) fn is_same(given: &Secret, token: &Secret) -> bool {
    mac(token)
        .verify_slice(&mac(given).finalize().into_bytes())
        .is_ok()
}

/// A session is made of the token: it outlives a restart and ends with the token.
pub(super) fn session(token: &Secret) -> String {
    BASE64_STANDARD.encode(mac(token).finalize().into_bytes())
}

pub(super) fn is_session(given: &str, token: &Secret) -> bool {
    BASE64_STANDARD
        .decode(given)
        .is_ok_and(|it| mac(token).verify_slice(&it).is_ok())
}

#[cfg(test)]
mod tests {
    use super::{is_same, is_session, session};
    use crate::secret::Secret;

    #[test]
    fn a_session_is_its_tokens() {
        let (one, other) = (
            Secret::new("0123456789abcdef"),
            Secret::new("0123456789abcdeF"),
        );
        assert!(is_same(&one, &one) && !is_same(&one, &other));
        assert!(is_session(&session(&one), &one) && !is_session(&session(&one), &other));
        assert!(!is_session("", &one) && !is_session("AAAA", &one));
    }
}

//! The dashboard's table: where it listens, and who is let in.

use std::net::SocketAddr;
use std::path::Path;

use axum::http::HeaderName;
use url::Url;

use crate::config::fault::{Fault, Faults, Text};
use crate::config::file::{Role, SecretRef, Web};
use crate::config::read_secret;
use crate::web::guard::{Gate, Proxy, Reader};

/// The checked table. The token is read when the configuration is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebConfig {
    pub listen: SocketAddr,
    address: Option<Url>,
    base: String,
    token: Option<SecretRef>,
    proxy: Option<Proxy>,
    readers: Vec<(String, SecretRef, Role)>,
    where_written: (String, Option<usize>),
}

impl std::fmt::Display for WebConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let access = match (&self.token, &self.proxy) {
            (Some(_), _) => "with the token",
            (None, Some(_)) => "behind a proxy",
            (None, None) => "for this machine, to look at",
        };
        write!(f, "http://{}{}/ ({access})", self.listen, self.base)
    }
}

/// Who guesses a shorter one has a chance.
const SHORTEST: usize = 16;

/// Readers with names of their own.
fn readers(
    written: &Web,
    source: &Text<'_>,
    directory: &Path,
    faults: &mut Faults,
) -> Vec<(String, SecretRef, Role)> {
    let mut readers: Vec<(String, SecretRef, Role)> = Vec::new();
    for it in &written.readers {
        let name = it.name.get_ref().trim();
        if name.is_empty() || readers.iter().any(|known| known.0 == name) {
            faults.push(source.fault(&it.name, "[[web.readers]]: each needs a name of its own"));
            continue;
        }
        readers.push((name.to_owned(), it.token.beside(directory), it.role));
    }
    readers
}

impl WebConfig {
    pub(super) fn check(
        written: &Web,
        source: &Text<'_>,
        directory: &Path,
        faults: &mut Faults,
    ) -> Option<Self> {
        let Ok(listen) = written.listen.get_ref().parse::<SocketAddr>() else {
            let message = format!(
                "[web] listen: \"{}\" is no address with a port, like \"127.0.0.1:8787\"",
                written.listen.get_ref()
            );
            faults.push(source.fault(&written.listen, message));
            return None;
        };
        let open = written.token.is_none() && written.proxy.is_none() && written.readers.is_empty();
        if !listen.ip().is_loopback() && open {
            let message = format!(
                "[web] listen: {listen} is open to other machines; set token = {{ env = \"NAME\" }} or \
                 proxy = {{ header = \"X-Remote-User\", from = [\"ADDRESS\"] }}, or listen on 127.0.0.1"
            );
            faults.push(source.fault(&written.listen, message));
        }
        let address = written.address.as_ref().and_then(|it| {
            let url = Url::parse(it.get_ref()).ok();
            let url = url.filter(|it| {
                matches!(it.scheme(), "http" | "https") && it.has_host() && it.path() == "/"
            });
            if url.is_none() {
                let message =
                    "[web] address: want one like \"https://watch.example\", without a path";
                faults.push(source.fault(it, message));
            }
            url
        });
        let base = written.base.as_ref().map_or("", |it| {
            let base = it.get_ref().trim_end_matches('/');
            let is_path = base.is_empty()
                || base.starts_with('/')
                    && !base.contains("//")
                    && base
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || "/-._~".contains(c));
            if !is_path {
                let message = "[web] base: want a path like \"/watch\"";
                faults.push(source.fault(it, message));
            }
            base
        });
        let proxy = written.proxy.as_ref().and_then(|it| {
            let header = it.header.get_ref().parse::<HeaderName>();
            if header.is_err() {
                faults.push(source.fault(&it.header, "[web] proxy: that is no name of a header"));
            }
            if it.from.is_empty() {
                let message = "[web] proxy: from = [\"ADDRESS\"] names the proxy; from others the header is worth nothing";
                faults.push(source.fault(&it.header, message));
            }
            let from = it.from.clone();
            header.ok().map(|header| Proxy { header, from })
        });
        Some(Self {
            listen,
            address,
            base: base.to_owned(),
            token: written.token.as_ref().map(|it| it.beside(directory)),
            proxy,
            readers: readers(written, source, directory, faults),
            where_written: (source.file.to_owned(), source.line_of(&written.listen)),
        })
    }

    /// The credential that the token is, which only the service can read.
    pub fn credential(&self) -> Option<&str> {
        self.token.as_ref().and_then(SecretRef::credential)
    }

    /// Where readers on other machines reach it, with a slash at its end: `address`, or the one on which it listens, unless
    /// that is this machine's alone or any.
    pub fn reached_at(&self) -> Option<String> {
        let ip = self.listen.ip();
        let listens =
            (!ip.is_loopback() && !ip.is_unspecified()).then(|| format!("http://{}", self.listen));
        let root = match &self.address {
            Some(address) => Some(address.as_str().trim_end_matches('/').to_owned()),
            None => listens,
        };
        root.map(|it| format!("{it}{}/", self.base))
    }

    /// Reads the token.
    pub fn open(&self) -> Result<Gate, Faults> {
        let (file, line) = &self.where_written;
        let fault = |message: String| Fault::new(file, *line, format!("[web] token: {message}"));
        let token = self.token.as_ref().map(read_secret).transpose();
        let token = token.map_err(&fault)?;
        if token
            .as_ref()
            .is_some_and(|it| it.reveal().chars().count() < SHORTEST)
        {
            let message = format!(
                "it must have at least {SHORTEST} characters; `openssl rand -base64 24` makes one"
            );
            return Err(fault(message).into());
        }
        let mut readers = Vec::new();
        for (name, token, role) in &self.readers {
            let token =
                read_secret(token).map_err(|it| fault(format!("of reader \"{name}\": {it}")))?;
            if token.reveal().chars().count() < SHORTEST {
                let message =
                    format!("of reader \"{name}\": it must have at least {SHORTEST} characters");
                return Err(fault(message).into());
            }
            readers.push(Reader {
                name: name.as_str().into(),
                token,
                act: *role == Role::Act,
            });
        }
        Ok(Gate {
            address: self.address.clone(),
            base: self.base.clone(),
            token,
            proxy: self.proxy.clone(),
            readers,
        })
    }
}

//! How each feed is asked, as written → [`Access`], with every secret read.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use toml::Spanned;

use crate::config::fault::{Fault, Faults, Text};
use crate::config::file::{AuthRef, Feed, SecretRef};
use crate::config::read_secret;
use crate::fetch::access::{Access, Auth};
use crate::fetch::reach::Reach;

/// By the names of the feeds; whoever is not here is asked like everybody.
pub type Accesses = HashMap<String, Arc<Access>>;

/// What a feed's table says of its visits. Secrets are read when the configuration is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessConfig {
    pub feed: String,
    reach: Reach,
    user_agent: Option<String>,
    headers: BTreeMap<String, SecretRef>,
    auth: Option<AuthRef>,
    proxy: Option<SecretRef>,
    where_written: (String, Option<usize>),
}

impl AccessConfig {
    /// `None` where nothing is out of the ordinary.
    pub(super) fn of(feed: &Feed, source: &Text<'_>, directory: &Path) -> Option<Self> {
        let ordinary = !feed.allow_private
            && feed.user_agent.is_none()
            && feed.headers.is_empty()
            && feed.auth.is_none()
            && feed.proxy.is_none();
        let reach = if feed.allow_private {
            Reach::Anywhere
        } else {
            Reach::Public
        };
        (!ordinary).then(|| Self {
            feed: feed.name.get_ref().clone(),
            reach,
            user_agent: feed.user_agent.clone(),
            headers: feed
                .headers
                .iter()
                .map(|(name, value)| (name.clone(), value.beside(directory)))
                .collect(),
            auth: feed.auth.as_ref().map(|it| it.beside(directory)),
            proxy: feed.proxy.as_ref().map(|it| it.beside(directory)),
            where_written: (source.file.to_owned(), source.line_of(&feed.name)),
        })
    }

    /// The credential that it reads, which only the service can.
    pub fn credential(&self) -> Option<&str> {
        let auth = self.auth.as_ref().map(AuthRef::secret);
        let mut secrets = self.headers.values().chain(auth).chain(&self.proxy);
        secrets.find_map(SecretRef::credential)
    }

    fn open(&self) -> Result<Access, String> {
        let mut access = Access::new(self.reach);
        if let Some(text) = &self.user_agent {
            access = access.with_user_agent(text)?;
        }
        for (name, value) in &self.headers {
            access = access.with_header(name, &read_secret(value)?)?;
        }
        access = match &self.auth {
            Some(AuthRef::Basic { user, password }) => access.with_auth(Auth::Basic {
                user: user.clone(),
                password: read_secret(password)?,
            })?,
            Some(AuthRef::Bearer { bearer }) => {
                access.with_auth(Auth::Bearer(read_secret(bearer)?))?
            }
            None => access,
        };
        match &self.proxy {
            Some(proxy) => access.with_proxy(read_secret(proxy)?),
            None => Ok(access),
        }
    }
}

/// Every access, or what is wrong with any.
pub fn open(written: &[AccessConfig]) -> Result<Accesses, Faults> {
    let mut faults = Faults::default();
    let mut open = Accesses::new();
    for access in written {
        match access.open() {
            Ok(built) => {
                open.insert(access.feed.clone(), Arc::new(built));
            }
            Err(message) => {
                let (file, line) = &access.where_written;
                let message = format!("feed \"{}\": {message}", access.feed);
                faults.push(Fault::new(file, *line, message));
            }
        }
    }
    faults.or(open)
}

/// User and password may stand in a feed's address or in `auth`, and not in both.
pub(super) fn check(feed: &Feed, url: &url::Url, source: &Text<'_>, faults: &mut Faults) {
    let twice = feed.auth.is_some() && (!url.username().is_empty() || url.password().is_some());
    if twice {
        let at: &Spanned<String> = &feed.url;
        let message = format!(
            "feed \"{}\": a user stands in url and in auth; keep one",
            feed.name.get_ref()
        );
        faults.push(source.fault(at, message));
    }
}

//! Does what a person asks for on a page: the list of feeds in the configuration's own files, a visit to try an
//! address, a poll.

use std::sync::Arc;

use url::Url;

use crate::clock::Clock;
use crate::config::Config;
use crate::config::edit::NewFeed;
use crate::config::keep::{self, KeepError};
use crate::daemon::visit::{Hints, read_apart};
use crate::daemon::{Pulse, Setup};
use crate::feed::Validators;
use crate::fetch::access::Access;
use crate::fetch::reach::Reach;
use crate::fetch::{After, Ask, Fetcher, Outcome};
use crate::ingest::Found;
use crate::store::{Store, asks};
use crate::text::{counted, cut, printable};
use crate::web::manage::{Wanted, Wish};

/// What is to follow.
pub(super) enum Then {
    /// It is done.
    Answer(Result<String, String>),
    /// The configuration was written and is to be read again; what to say if it is sound.
    Reload(String),
    /// The address is to be visited.
    Test(Wanted),
}

pub(super) fn fulfil(
    wish: Wish,
    store: &Store,
    clock: &Clock,
    setup: &Setup,
    pulse: &Pulse,
) -> Then {
    let config = &setup.config;
    let done = match wish {
        Wish::Test(wanted) => return Then::Test(wanted),
        Wish::Poll(name) => return Then::Answer(poll(&name, store, clock, config, pulse)),
        Wish::Add(wanted) => add(wanted, config),
        Wish::Pause(name) => keep::pause(config, &name, true).map(|_| format!("{name} rests")),
        Wish::Resume(name) => {
            keep::pause(config, &name, false).map(|_| format!("{name} is visited again"))
        }
        Wish::Remove(name) => keep::remove(config, &name)
            .map(|_| format!("{name} is removed; what it brought stays in the archive")),
    };
    match done {
        Ok(done) => Then::Reload(done),
        Err(why) => Then::Answer(Err(why.to_string())),
    }
}

fn poll(
    name: &str,
    store: &Store,
    clock: &Clock,
    config: &Config,
    pulse: &Pulse,
) -> Result<String, String> {
    config.feed(name)?;
    let now = clock.now();
    let asked = store.write(|tx| asks::ask(tx, &[name.to_owned()], now));
    asked.map_err(|error: crate::store::StoreError| error.to_string())?;
    pulse.asked.notify_one();
    Ok(format!("{name} is polled now"))
}

fn add(wanted: Wanted, config: &Config) -> Result<String, KeepError> {
    let feed = feed(wanted, config)?;
    let file = keep::add(config, std::slice::from_ref(&feed))?;
    Ok(format!("{} is added to {}", feed.name, file.display()))
}

fn feed(wanted: Wanted, config: &Config) -> Result<NewFeed, String> {
    let given = |text: String| Some(text.trim().to_owned()).filter(|it| !it.is_empty());
    let url = wanted.url.trim().to_owned();
    let host = Url::parse(&url)
        .ok()
        .and_then(|it| it.host_str().map(str::to_owned));
    let host =
        host.ok_or_else(|| format!("\"{}\" is no address of a feed", cut(&printable(&url), 100)))?;
    let outlet = given(wanted.outlet).unwrap_or(host);
    let taken: Vec<String> = config.feeds.iter().map(|it| it.name.clone()).collect();
    Ok(NewFeed {
        name: given(wanted.name).unwrap_or_else(|| keep::unused(&outlet, &taken)),
        url,
        outlet,
        language: given(wanted.language),
        interval: given(wanted.interval),
        allow_private: wanted.allow_private,
    })
}

/// Visits an address once and says what it gives.
pub(super) async fn test(
    setup: Arc<Setup>,
    clock: Clock,
    wanted: Wanted,
) -> Result<String, String> {
    let feed = feed(wanted, &setup.config)?;
    let reach = if feed.allow_private {
        Reach::Anywhere
    } else {
        Reach::Public
    };
    let limits = setup.config.limits.clone();
    let max_bytes = limits.body;
    let access = Access::new(reach);
    let ask = Ask {
        url: &feed.url,
        moved_to: None,
        validators: &Validators::default(),
        access: &access,
        after: After::Close,
        now: clock.now(),
    };
    let fetched = Fetcher::new(limits).get(&ask).await;
    let document = match fetched.outcome {
        Outcome::Document(document) => document,
        Outcome::NotModified => return Err("it answered 304 to a plain question".to_owned()),
        Outcome::Failed { message, .. } => return Err(message),
    };
    let hints = Hints {
        asked: feed.url.clone(),
        zone: jiff::tz::TimeZone::UTC,
        select: None,
        max_bytes,
    };
    match read_apart(document, 0, hints).await {
        Found::Document { parsed, .. } => {
            let newest = parsed
                .items
                .iter()
                .filter_map(crate::item::Item::published_at)
                .max();
            let newest = newest.map_or(String::new(), |it| {
                format!(", the newest of {}", it.strftime("%Y-%m-%d %H:%M UTC"))
            });
            Ok(format!(
                "it is a feed with {}{newest}: “{}”",
                counted(parsed.items.len(), "entry"),
                parsed
                    .items
                    .first()
                    .map(|it| cut(&printable(&it.title), 80))
                    .unwrap_or_default()
            ))
        }
        Found::Failed { message, .. } => Err(message),
        _ => Err("it gave nothing".to_owned()),
    }
}

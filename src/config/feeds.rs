//! Feeds as they are written → as they are kept: names and addresses checked, with what is told,
//! read and sent for each of them.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::config::access::{self, AccessConfig};
use crate::config::fault::{Faults, Text};
use crate::config::file::{self, FeedKind, File, FullText};
use crate::config::{Origin, codes, shipped, unreadable};
use crate::feed::{Feed, Selectors};
use crate::fetch::reach::Reach;
use crate::parse::page;

/// The archive counts in seconds.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// What the tables of feeds come to.
#[derive(Debug, Default)]
pub(super) struct FeedTables {
    pub(super) feeds: Vec<Feed>,
    pub(super) access: Vec<AccessConfig>,
    pub(super) important: HashSet<String>,
    pub(super) full_text: HashSet<String>,
    /// What cannot work of single feeds. `check` refuses it; the service goes on with the others.
    pub(super) cautions: Faults,
}

/// Those of the file itself, and those of the files that it includes.
pub(super) fn read(
    file: &File,
    source: &Text<'_>,
    origin: &Origin,
    directory: &Path,
    faults: &mut Faults,
) -> FeedTables {
    let mut tables = FeedTables::default();
    check(&file.feeds, source, directory, &mut tables, faults);
    for include in &file.include {
        let path = directory.join(include.get_ref());
        let (name, text) = match origin {
            Origin::Shipped => (include.get_ref().clone(), Ok(shipped::FEEDS.to_owned())),
            Origin::File(_) => (path.display().to_string(), std::fs::read_to_string(&path)),
        };
        match text {
            Err(error) => faults.push(source.fault(
                include,
                format!("include: {} {}", path.display(), unreadable(&error)),
            )),
            Ok(text) => {
                let included = Text {
                    file: &name,
                    text: &text,
                };
                let (parsed, mut more) = included.parse_all::<file::FeedsFile>();
                faults.append(&mut more);
                if let Some(parsed) = parsed {
                    let beside = path.parent().unwrap_or(directory);
                    check(&parsed.feeds, &included, beside, &mut tables, faults);
                }
            }
        }
    }
    tables
}

fn check(
    written: &[file::Feed],
    source: &Text<'_>,
    directory: &Path,
    tables: &mut FeedTables,
    faults: &mut Faults,
) {
    for feed in written {
        let name = feed.name.get_ref();
        if name.is_empty() || tables.feeds.iter().any(|it| it.name == *name) {
            let message = if name.is_empty() {
                "a feed needs a name".to_owned()
            } else {
                format!("feed \"{name}\" is defined twice")
            };
            faults.push(source.fault(&feed.name, message));
        }
        match url::Url::parse(feed.url.get_ref()) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => {
                access::check(feed, &url, source, faults);
                if !feed.allow_private
                    && feed.proxy.is_none()
                    && let Err(why) = Reach::Public
                        .permits(&url)
                        .and_then(|()| is_no_localhost(&url))
                {
                    let message = format!("feed \"{name}\": url: {why}");
                    tables.cautions.push(source.fault(&feed.url, message));
                }
            }
            Ok(url) => {
                let message = format!(
                    "feed \"{name}\": url: {}: is not fetched, only http and https are",
                    url.scheme()
                );
                faults.push(source.fault(&feed.url, message));
            }
            Err(error) => {
                faults.push(source.fault(&feed.url, format!("feed \"{name}\": url: {error}")));
            }
        }
        if let Some(zone) = &feed.zone
            && TimeZone::get(zone.get_ref()).is_err()
        {
            faults.push(source.fault(
                zone,
                format!(
                    "feed \"{name}\": zone: \"{}\" is no IANA time zone",
                    zone.get_ref()
                ),
            ));
        }
        let select = selectors(feed, source, faults);
        tables
            .access
            .extend(AccessConfig::of(feed, source, directory));
        if feed.important {
            tables.important.insert(name.clone());
        }
        if feed.full_text == FullText::Matched {
            tables.full_text.insert(name.clone());
        }
        for message in [
            feed.language.as_deref().and_then(codes::language_fault),
            feed.country.as_deref().and_then(codes::country_fault),
        ]
        .into_iter()
        .flatten()
        {
            tables
                .cautions
                .push(source.fault(&feed.name, format!("feed \"{name}\": {message}")));
        }
        // A page may be read for several lists.
        if let Some(first) = tables.feeds.iter().find(|it| it.url == *feed.url.get_ref())
            && feed.select.is_none()
            && !name.is_empty()
        {
            let message = format!(
                "feed \"{name}\": feed \"{}\" has the same url; every item would come twice",
                first.name
            );
            tables.cautions.push(source.fault(&feed.url, message));
        }
        if let Some(interval) = &feed.interval
            && interval.get_ref().0 < SHORTEST_INTERVAL
        {
            let message = format!("feed \"{name}\": interval must be at least 1s");
            faults.push(source.fault(interval, message));
        }
        let outlet = feed.outlet.clone().unwrap_or_else(|| name.clone());
        tables.feeds.push(Feed {
            name: name.clone(),
            url: feed.url.get_ref().clone(),
            family: feed.family.clone().unwrap_or_else(|| outlet.clone()),
            outlet,
            language: feed.language.clone(),
            country: feed.country.clone(),
            zone: feed.zone.as_ref().map(|it| it.get_ref().clone()),
            allow_private: feed.allow_private,
            select,
            interval: feed.interval.as_ref().map(|it| it.get_ref().0),
            paused: feed.paused,
        });
    }
}

/// A name that means this machine, whatever a server of names says.
fn is_no_localhost(url: &url::Url) -> Result<(), String> {
    let name = url.host_str().unwrap_or_default();
    if name == "localhost" || name.ends_with(".localhost") {
        return Err(format!(
            "{name} is this machine; set allow_private = true for this feed if that is meant"
        ));
    }
    Ok(())
}

/// The selectors of a page; they and `kind = "html"` belong together.
fn selectors(feed: &file::Feed, source: &Text<'_>, faults: &mut Faults) -> Option<Selectors> {
    let name = feed.name.get_ref();
    let select = match (feed.kind, &feed.select) {
        (FeedKind::Html, Some(select)) => select,
        (FeedKind::Html, None) => {
            let message = format!(
                "feed \"{name}\": kind = \"html\" needs select = {{ item = \"CSS selector\", … }}"
            );
            faults.push(source.fault(&feed.name, message));
            return None;
        }
        (_, Some(select)) => {
            let message = format!("feed \"{name}\": select is for kind = \"html\"");
            faults.push(source.fault(select, message));
            return None;
        }
        (_, None) => return None,
    };
    let written = select.get_ref();
    let selectors = Selectors {
        item: written.item.clone(),
        title: written.title.clone(),
        link: written.link.clone(),
        date: written.date.clone(),
        summary: written.summary.clone(),
    };
    for selector in selectors.iter() {
        if let Err(error) = page::check(selector) {
            faults.push(source.fault(select, format!("feed \"{name}\": select: {error}")));
        }
    }
    Some(selectors)
}

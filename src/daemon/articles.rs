//! Visits to the pages of articles, through the same gates and limits as visits to feeds.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::daemon::Setup;
use crate::daemon::gates::{Gates, Lane};
use crate::feed::{Validators, server};
use crate::fetch::access::Access;
use crate::fetch::{After, Ask, Document, ErrorClass, Fetched, Fetcher, Outcome};
use crate::ingest::article::{Article, Page};
use crate::parse::{charset, page};
use crate::store::articles::Wanted;

/// How a visit is made.
pub struct Visitor {
    pub setup: Arc<Setup>,
    pub fetcher: Fetcher,
    pub gates: Gates,
    pub clock: Clock,
}

impl Visitor {
    pub async fn visit(self, wanted: Wanted) -> Article {
        // What a feed's owner allowed it holds for its own server, wherever its links point.
        let own = (server(&wanted.url) == server(&wanted.feed_url))
            .then(|| self.setup.access.get(&wanted.feed))
            .flatten();
        let access = own.map_or_else(Arc::<Access>::default, Arc::clone);
        let mut pass = self
            .gates
            .enter(&wanted.url, own.is_some(), Lane::Usual)
            .await;
        let now = self.clock.now();
        let ask = Ask {
            url: &wanted.url,
            moved_to: None,
            validators: &Validators::default(),
            access: &access,
            after: After::Close,
            now,
        };
        let fetched = pass.hold(Box::pin(self.fetcher.get(&ask))).await;
        drop(pass);
        Article {
            item: wanted.item,
            at: self.clock.now(),
            found: read(fetched).await,
        }
    }
}

async fn read(fetched: Fetched) -> Page {
    match fetched.outcome {
        Outcome::Document(document) => tokio::task::spawn_blocking(move || text(&document))
            .await
            .unwrap_or_else(|_| failed("the page made a parser give up", None)),
        Outcome::NotModified => failed("the server answered 304 to a first request", None),
        Outcome::Failed { class, message } => {
            let passing = matches!(
                class,
                ErrorClass::Connect
                    | ErrorClass::Timeout
                    | ErrorClass::RateLimited
                    | ErrorClass::Broken
            ) || fetched.status.is_some_and(|it| it >= 500);
            let floor = fetched.wishes.retry_after.unwrap_or_default();
            failed(&message, passing.then_some(floor))
        }
    }
}

fn text(document: &Document) -> Page {
    let html = charset::decode(&document.body, document.content_type.as_deref()).text;
    match page::article(&html, Some(&document.url)) {
        Ok(Some(text)) => Page::Text(text),
        Ok(None) => failed("the page holds no article", None),
        Err(error) => failed(&error.to_string(), None),
    }
}

fn failed(message: &str, again: Option<Duration>) -> Page {
    Page::Failed {
        message: message.to_owned(),
        again,
    }
}

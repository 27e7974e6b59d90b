//! Server-sent events: what of the archive has changed, so that an open page reads itself again. One
//! task looks, however many listen.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream;
use tokio::sync::{Semaphore, watch};

use crate::store::view::news::{Marks, marks};
use crate::web::trouble::Trouble;
use crate::web::{Web, stopped};

/// How many may listen at once.
const LISTENERS: usize = 16;
/// Between two looks.
const LOOK: Duration = Duration::from_secs(2);
/// A silent line is dropped by what stands between.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(super) struct Live {
    marks: watch::Sender<Option<Marks>>,
    places: Arc<Semaphore>,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            marks: watch::Sender::new(None),
            places: Arc::new(Semaphore::new(LISTENERS)),
        }
    }
}

pub(super) fn routes() -> Router<Arc<Web>> {
    Router::new().route("/events", get(listen))
}

async fn listen(State(web): State<Arc<Web>>) -> Result<Response, Trouble> {
    let place = Arc::clone(&web.live.places).try_acquire_owned();
    let place = place.map_err(|_| Trouble::Busy)?;
    let mut changes = web.live.marks.subscribe();
    changes.mark_changed();
    let events = stream::unfold((changes, place), async |(mut changes, place)| {
        loop {
            // An error means that the service stops.
            changes.changed().await.ok()?;
            let marks = *changes.borrow_and_update();
            if let Some(event) = marks.and_then(event) {
                return Some((Ok::<_, Infallible>(event), (changes, place)));
            }
        }
    });
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    Ok(events.into_response())
}

fn event(marks: Marks) -> Option<Event> {
    Event::default().event("marks").json_data(marks).ok()
}

/// Looks at the archive while anybody listens.
pub(super) async fn watch_archive(web: Arc<Web>, mut stopping: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = stopped(&mut stopping) => return,
        }
        if web.live.marks.receiver_count() == 0 {
            continue;
        }
        if let Ok(now) = web.ask(marks).await {
            web.live.marks.send_if_modified(|seen| {
                let changed = *seen != Some(now);
                *seen = Some(now);
                changed
            });
        }
    }
}

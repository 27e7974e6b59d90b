//! The dashboard, its API and the feeds it gives out: server-rendered pages over questions to the
//! archive. It writes nothing but what a person with the token asks for. Connections are bounded in
//! number, time and size here; who may ask what is [`guard`]'s.

mod api;
mod assets;
mod chart;
pub mod guard;
mod live;
pub mod manage;
mod mount;
mod out;
mod page;
mod pages;
pub mod probes;
mod rate;
mod seats;
mod trouble;
mod words;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Extension, Request};
use axum::middleware::Next;
use axum::{Router, middleware};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use jiff::tz::TimeZone;
use rusqlite::{Connection, Transaction};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};

use crate::alert::Policy;
use crate::clock::Clock;
use crate::store::readers::Readers;
use crate::store::{Store, StoreError};
use crate::story::Tables;
use crate::topic::Engine;
use crate::web::guard::Gate;
use crate::web::live::Live;
use crate::web::manage::Asked;
use crate::web::probes::Vitals;
use crate::web::rate::Rates;
use crate::web::seats::{Seat, Seats};
use crate::web::trouble::Trouble;

/// What of the configuration pages go by. Replaced whole at a reload.
#[derive(Debug, Clone)]
pub struct Site {
    pub zone: TimeZone,
    pub engine: Arc<Engine>,
    pub tables: Arc<Tables>,
    /// How readers want to be told, by topic; the default where a topic has none.
    pub policies: HashMap<String, Policy>,
    /// Channels that browsers subscribe to, each with its public key.
    pub push: Vec<(String, String)>,
    pub gate: Gate,
}

/// What every request may need.
pub struct Web {
    site: Box<dyn Fn() -> Arc<Site> + Send + Sync>,
    store: Arc<Store>,
    readers: Arc<Readers>,
    clock: Clock,
    live: Live,
    rates: Rates,
    vitals: Vitals,
    manager: Option<mpsc::Sender<Asked>>,
    /// Requests under way, and questions to the archive among them.
    requests: Semaphore,
    questions: Semaphore,
    searches: Semaphore,
}

/// Two questions at a time read as fast as the machine does, and leave threads to the polls.
const QUESTIONS: usize = 2;
/// Searches at a time, beside the questions of pages: no page waits behind a search.
const SEARCHES: usize = 1;
const REQUESTS: usize = 32;
const CONNECTIONS: usize = 64;
/// The longest that a question to the archive, and a request, may take.
const QUESTION: Duration = Duration::from_secs(5);
const REQUEST: Duration = Duration::from_secs(10);
/// A request's head must have come by then.
const HEAD: Duration = Duration::from_secs(10);
/// A connection ends then, whatever it does; pages that listen come back by themselves.
const CONNECTION: Duration = Duration::from_secs(15 * 60);
const DRAIN: Duration = Duration::from_secs(5);
/// Bytes of a request's head and body.
const MAX_HEAD: usize = 16 * 1024;
const MAX_BODY: usize = 64 * 1024;
/// Bytes of a headline with its lead that is judged: reading is fast, telling why is not.
const MAX_WORDS: usize = 8 * 1024;
const MAX_QUERY: usize = 1_000;
/// Between two attempts to get the address.
const BIND_AGAIN: Duration = Duration::from_secs(15);

impl Web {
    /// `site` gives what is configured now; `store` is for what a person asks to be done.
    pub fn new(
        site: impl Fn() -> Arc<Site> + Send + Sync + 'static,
        store: Arc<Store>,
        clock: Clock,
    ) -> Self {
        let archive: PathBuf = store.path().to_owned();
        Self {
            site: Box::new(site),
            store,
            readers: Arc::new(Readers::new(archive)),
            clock,
            live: Live::default(),
            rates: Rates::default(),
            vitals: Vitals::default(),
            manager: None,
            requests: Semaphore::new(REQUESTS),
            questions: Semaphore::new(QUESTIONS),
            searches: Semaphore::new(SEARCHES),
        }
    }

    /// With what the loops say of themselves.
    #[must_use]
    pub fn with_vitals(mut self, vitals: Vitals) -> Self {
        self.vitals = vitals;
        self
    }

    fn site(&self) -> Arc<Site> {
        (self.site)()
    }

    /// Asks the archive, on a thread that may wait.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Trouble> {
        let _turn = self.questions.acquire().await.map_err(|_| Trouble::Busy)?;
        self.read(question).await
    }

    /// Searches the archive, which may take as long as a question may.
    async fn search<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Trouble> {
        let _turn = self.searches.acquire().await.map_err(|_| Trouble::Busy)?;
        self.read(question).await
    }

    async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Trouble> {
        let readers = Arc::clone(&self.readers);
        let asked = tokio::task::spawn_blocking(move || readers.read(QUESTION, question));
        Ok(asked.await.map_err(|_| Trouble::Panicked)??)
    }

    /// Does what a person asked for.
    async fn act<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Trouble> {
        let store = Arc::clone(&self.store);
        let done = tokio::task::spawn_blocking(move || store.write(work));
        Ok(done.await.map_err(|_| Trouble::Panicked)??)
    }
}

/// Serves on `address` until it is asked to stop. Where the address is taken it tries again: news go
/// out meanwhile.
pub async fn run(address: SocketAddr, web: Arc<Web>, mut stopping: watch::Receiver<bool>) {
    let listener = loop {
        match TcpListener::bind(address).await {
            Ok(listener) => break listener,
            Err(error) => {
                tracing::error!(
                    "the dashboard cannot listen on {address}: {error}; it tries again"
                );
            }
        }
        tokio::select! {
            () = tokio::time::sleep(BIND_AGAIN) => {}
            () = stopped(&mut stopping) => return,
        }
    };
    tracing::info!("the dashboard is at http://{address}/");
    serve(listener, web, stopping).await;
}

pub async fn serve(listener: TcpListener, web: Arc<Web>, mut stopping: watch::Receiver<bool>) {
    let router = router(&web);
    let seats = Seats::new(CONNECTIONS);
    let watching = tokio::spawn(live::watch_archive(Arc::clone(&web), stopping.clone()));
    loop {
        // Who comes first; only then is a place made.
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(&mut stopping) => break,
        };
        let Ok((stream, peer)) = accepted else {
            // Out of file descriptors, mostly: the next moment may have one.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let seat = tokio::select! {
            seat = seats.take() => seat,
            () = stopped(&mut stopping) => break,
        };
        let (router, stopping) = (router.clone(), stopping.clone());
        if let Some(seat) = seat {
            tokio::spawn(talk(stream, peer, router, seat, stopping));
        }
    }
    // Connections end by themselves; what does not in time is dropped.
    let _ = tokio::time::timeout(DRAIN, seats.empty(CONNECTIONS)).await;
    watching.abort();
}

async fn talk(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    seat: Seat,
    mut stopping: watch::Receiver<bool>,
) {
    let counter = seat.counter();
    let counted = middleware::from_fn(move |request: Request, next: Next| {
        let asking = counter.ask();
        async move {
            let answer = next.run(request).await;
            drop(asking);
            answer
        }
    });
    let service = TowerToHyperService::new(router.layer(counted).layer(Extension(peer)));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    // What goes wrong on a connection is the other side's affair.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = tokio::time::sleep(CONNECTION) => {}
        () = seat.given_up() => {}
        () = stopped(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(DRAIN, connection).await;
        }
    }
}

/// Returns once the service was asked to stop.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error means that who would ask is gone, which is a reason to stop too.
    let _ = stopping.wait_for(|it| *it).await;
}

fn router(web: &Arc<Web>) -> Router {
    // A route is found before its layers run, so what changes the path stands around all of them.
    let inside = middleware::from_fn_with_state(Arc::clone(web), mount::inside);
    Router::new().fallback_service(routes(web)).layer(inside)
}

fn routes(web: &Arc<Web>) -> Router {
    Router::new()
        .merge(pages::routes())
        .merge(out::routes())
        .merge(live::routes())
        .merge(assets::routes())
        .merge(guard::routes())
        .merge(manage::routes())
        .merge(probes::routes())
        .merge(api::routes())
        .fallback(async || Trouble::NotFound("there is no such page".to_owned()))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(
            Arc::clone(web),
            guard::guard,
        ))
        .with_state(Arc::clone(web))
}

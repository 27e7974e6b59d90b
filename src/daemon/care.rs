//! Looks after the archive's file while the service runs: that it is still the one that was opened, how far its log
//! has grown, and whether somebody beside the service has asked for something.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::clock::{Clock, rfc3339};
use crate::daemon::{Pulse, Setup, stopped};
use crate::message::Message;
use crate::store::backup::Checked;
use crate::store::outages::{self, Notice};
use crate::store::{Store, StoreError, asks};

/// Between two looks: who asks for a poll is answered within a second.
const LOOK: Duration = Duration::from_millis(500);
/// Between two looks at the log's size.
const LOG_LOOK: Duration = Duration::from_secs(60);
/// Bytes of a log that is told: ten times what a cold poll of a thousand feeds fills.
const LONG_LOG: u64 = 256 << 20;

/// Ends only with the error that the archive's file is another one, or with the service.
pub(super) async fn run(
    store: Arc<Store>,
    clock: Clock,
    setups: watch::Receiver<Arc<Setup>>,
    mut stopping: watch::Receiver<bool>,
    pulse: Arc<Pulse>,
) -> Result<(), StoreError> {
    let mut checking = store.is_unchecked().then(|| Check::begin(&store));
    let mut seen = 0;
    let mut log = Log::default();
    let mut log_seen = Instant::now();
    loop {
        if let Err(error) = store.check_file() {
            store.give_up_log();
            return Err(error);
        }
        // Nothing changes while nobody else writes.
        let version = store.data_version().unwrap_or_default();
        if version != seen {
            seen = version;
            if store.read(asks::waiting).is_ok_and(|it| !it.is_empty()) {
                pulse.asked.notify_one();
            }
        }
        if log_seen.elapsed() >= LOG_LOOK {
            log_seen = Instant::now();
            let setup = Arc::clone(&setups.borrow());
            if let Some(news) = log.look(store.log_bytes())
                && let Err(error) = tell(&store, &clock, &setup, &news)
            {
                tracing::warn!("the operator cannot be told of the archive's log: {error}");
            }
        }
        if let Some(ended) = checking.as_mut().and_then(Check::ended) {
            checking = None;
            if ended? == Checked::Whole {
                tracing::info!("the whole archive was checked; it is sound");
            }
        }
        tokio::select! {
            () = stopped(&mut stopping) => return Ok(()),
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// The check of the whole archive behind the running service, after an unclean end. It has a thread of its own: the
/// few that the runtime has are for the news.
struct Check {
    thread: Option<JoinHandle<Result<Checked, StoreError>>>,
    enough: Arc<AtomicBool>,
}

impl Check {
    fn begin(store: &Arc<Store>) -> Self {
        let (store, enough) = (Arc::clone(store), Arc::new(AtomicBool::new(false)));
        let told = Arc::clone(&enough);
        let work = move || store.check_whole(move || told.load(Ordering::Relaxed));
        Self {
            thread: Some(std::thread::spawn(work)),
            enough,
        }
    }

    fn ended(&mut self) -> Option<Result<Checked, StoreError>> {
        let thread = self.thread.take_if(|it| it.is_finished())?;
        Some(thread.join().expect("a check does not panic"))
    }
}

impl Drop for Check {
    fn drop(&mut self) {
        self.enough.store(true, Ordering::Relaxed);
        // It ends within milliseconds, and the archive is closed after it.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What was said of the log.
#[derive(Debug, Default)]
struct Log {
    told: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum LogNews {
    Long(u64),
    Short,
}

impl Log {
    /// Said once when the log is long, and once when it is short again.
    fn look(&mut self, bytes: u64) -> Option<LogNews> {
        if !self.told && bytes >= LONG_LOG {
            self.told = true;
            return Some(LogNews::Long(bytes));
        }
        if self.told && bytes < LONG_LOG / 2 {
            self.told = false;
            return Some(LogNews::Short);
        }
        None
    }
}

fn tell(store: &Store, clock: &Clock, setup: &Setup, news: &LogNews) -> Result<(), StoreError> {
    let now = clock.now();
    let (headline, reason) = match news {
        LogNews::Long(bytes) => (
            format!("The archive's log has grown to {} MiB", bytes >> 20),
            "another program keeps an old state of the archive open, so the log cannot be written back; it goes on \
             growing until that program ends its transaction (`fuser -v` on the -wal file names it)"
                .to_owned(),
        ),
        LogNews::Short => (
            "The archive's log is short again".to_owned(),
            "it was written back".to_owned(),
        ),
    };
    tracing::warn!("{headline}: {reason}");
    let channels = &setup.config.operator.channels;
    if channels.is_empty() {
        return Ok(());
    }
    let created_at = rfc3339(now);
    let key = format!("archive-log-{created_at}");
    let message = Message::to_operator(key.clone(), "archive", headline, reason, created_at);
    let message = serde_json::to_string(&message).expect("a message is strings and numbers");
    let notice = Notice {
        message: &message,
        key: &key,
        channels,
    };
    store.write(|tx| outages::owe(tx, None, &notice, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_log_is_told_once_and_its_end_once() {
        let mut log = Log::default();
        let said: Vec<_> = [0, LONG_LOG, LONG_LOG * 2, LONG_LOG / 2, 0, 0, LONG_LOG]
            .into_iter()
            .filter_map(|it| log.look(it))
            .collect();
        assert_eq!(
            said,
            [
                LogNews::Long(LONG_LOG),
                LogNews::Short,
                LogNews::Long(LONG_LOG)
            ]
        );
    }
}

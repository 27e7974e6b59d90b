//! Places for connections. Where all are taken, who keeps one and asks nothing gives it to who comes: idle connections
//! delay nobody.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// Who has asked keeps the place for so long after the last answer began: it may still be on its way.
const ANSWERING: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Seats {
    free: Arc<Semaphore>,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    /// By age.
    seats: BTreeMap<u64, Arc<Use>>,
}

/// How a connection uses its place.
#[derive(Debug, Default)]
struct Use {
    asks: Mutex<Asks>,
    leave: Notify,
}

#[derive(Debug, Default)]
struct Asks {
    under_way: usize,
    /// When the last one was answered.
    answered_at: Option<Instant>,
}

/// A place, for as long as it is held.
#[derive(Debug)]
pub(super) struct Seat {
    id: u64,
    used: Arc<Use>,
    seats: Arc<Seats>,
    _place: OwnedSemaphorePermit,
}

impl Seats {
    pub(super) fn new(n: usize) -> Arc<Self> {
        Arc::new(Self {
            free: Arc::new(Semaphore::new(n)),
            taken: Mutex::default(),
        })
    }

    /// Waits for a place; where none is free, the one who asks least gives his.
    pub(super) async fn take(self: &Arc<Self>) -> Option<Seat> {
        if self.free.available_permits() == 0 {
            self.clear(Instant::now());
        }
        let place = Arc::clone(&self.free).acquire_owned().await.ok()?;
        let mut taken = self.taken();
        taken.next += 1;
        let (id, used) = (taken.next, Arc::<Use>::default());
        taken.seats.insert(id, Arc::clone(&used));
        drop(taken);
        Some(Seat {
            id,
            used,
            seats: Arc::clone(self),
            _place: place,
        })
    }

    /// Once all places are free again.
    pub(super) async fn empty(&self, n: usize) {
        let all = u32::try_from(n).unwrap_or(u32::MAX);
        let _ = self.free.acquire_many(all).await;
    }

    /// First who never asked, the longest there first; then who asked longest ago.
    fn clear(&self, now: Instant) {
        let taken = self.taken();
        let idle = taken.seats.iter().filter_map(|(id, it)| {
            let asks = it.asks();
            let rested = asks.answered_at.map(|at| now.saturating_duration_since(at));
            let may_leave = asks.under_way == 0 && rested.is_none_or(|it| it >= ANSWERING);
            may_leave.then_some((asks.answered_at, *id, it))
        });
        if let Some((_, _, used)) = idle.min_by_key(|(answered_at, id, _)| (*answered_at, *id)) {
            used.leave.notify_one();
        }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Use {
    fn asks(&self) -> MutexGuard<'_, Asks> {
        self.asks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Once another needs the place more.
    pub(super) async fn given_up(&self) {
        self.used.leave.notified().await;
    }

    /// Counts what is asked.
    pub(super) fn counter(&self) -> Counter {
        Counter(Arc::clone(&self.used))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.taken().seats.remove(&self.id);
    }
}

#[derive(Debug, Clone)]
pub(super) struct Counter(Arc<Use>);

impl Counter {
    /// A request is under way until this is dropped.
    pub(super) fn ask(&self) -> Asking {
        self.0.asks().under_way += 1;
        Asking(Arc::clone(&self.0))
    }
}

#[derive(Debug)]
pub(super) struct Asking(Arc<Use>);

impl Drop for Asking {
    fn drop(&mut self) {
        let mut asks = self.0.asks();
        asks.under_way -= 1;
        asks.answered_at = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of the seats is asked to leave.
    #[track_caller]
    fn left(seats: &[&Seat], now: Instant) -> Vec<u64> {
        seats[0].seats.clear(now);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        let asked = |seat: &Seat| {
            runtime.block_on(async {
                tokio::time::timeout(Duration::ZERO, seat.given_up())
                    .await
                    .is_ok()
            })
        };
        let gone = seats.iter().filter(|it| asked(it));
        gone.map(|it| it.id).collect()
    }

    #[test]
    fn who_asks_least_leaves_first_and_nobody_who_is_being_answered() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let seats = Seats::new(3);
        let take = || runtime.block_on(seats.take()).expect("a place");
        let (first, second, third) = (take(), take(), take());
        let later = Instant::now() + ANSWERING * 2;
        drop(first.counter().ask());
        assert_eq!(left(&[&first, &second, &third], later), [2]);
        drop(second.counter().ask());
        drop(third.counter().ask());
        assert_eq!(left(&[&first, &second, &third], later), [1]);
        assert!(left(&[&first, &second, &third], Instant::now()).is_empty());
        let asking = first.counter().ask();
        assert_eq!(left(&[&first, &second, &third], later), [2]);
        drop(asking);
    }
}

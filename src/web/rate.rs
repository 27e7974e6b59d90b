//! How often one address may ask.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Requests a second in the long run, and at once.
const PER_SECOND: f64 = 20.0;
const BURST: f64 = 120.0;
/// What a wrong token costs beside: six guesses at once, and one a second afterwards.
const WRONG_TOKEN: f64 = 20.0;
/// Addresses that are remembered; with more, those that rest are forgotten.
const ADDRESSES: usize = 1_024;

#[derive(Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Bucket {
    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + passed * PER_SECOND).min(BURST);
        self.at = now;
    }
}

#[derive(Debug, Default)]
pub(super) struct Rates(Mutex<HashMap<IpAddr, Bucket>>);

impl Rates {
    /// A wrong token came from `address`, which pays for it even if it cannot.
    pub(super) fn wrong_token(&self, address: IpAddr) {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(&address) {
            bucket.left -= WRONG_TOKEN;
        }
    }

    /// Whether `address` may ask once more.
    pub(super) fn allows(&self, address: IpAddr, now: Instant) -> bool {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= ADDRESSES && !buckets.contains_key(&address) {
            buckets.retain(|_, bucket| {
                bucket.refill(now);
                bucket.left < BURST
            });
            if buckets.len() >= ADDRESSES {
                return false;
            }
        }
        let bucket = buckets.entry(address).or_insert(Bucket {
            left: BURST,
            at: now,
        });
        bucket.refill(now);
        let allowed = bucket.left >= 1.0;
        if allowed {
            bucket.left -= 1.0;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::{Duration, Instant};

    use super::{ADDRESSES, Rates};

    #[test]
    fn a_burst_is_served_and_then_so_many_a_second() {
        let (rates, start) = (Rates::default(), Instant::now());
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let served = |n: u32, at| (0..n).filter(|_| rates.allows(address, at)).count();
        assert_eq!(served(200, start), 120);
        assert_eq!(served(200, start + Duration::from_secs(1)), 20);
        let later = start + Duration::from_secs(60);
        let guessed = |at| {
            rates.allows(address, at) && {
                rates.wrong_token(address);
                true
            }
        };
        assert_eq!((0..50).filter(|_| guessed(later)).count(), 6);
        let second = later + Duration::from_secs(1);
        assert_eq!((0..50).filter(|_| guessed(second)).count(), 1);
    }

    #[test]
    fn addresses_that_are_remembered_are_bounded() {
        let (rates, start) = (Rates::default(), Instant::now());
        let address = |n: usize| IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(n).expect("small")));
        assert!((0..ADDRESSES).all(|n| rates.allows(address(n), start)));
        assert!(!rates.allows(address(ADDRESSES), start));
        let later = start + Duration::from_secs(60);
        assert!(rates.allows(address(ADDRESSES), later));
    }
}

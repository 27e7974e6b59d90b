//! Inverse document frequency of keys over the latest reports of a topic. Pure.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use crate::text::language::Script;

/// Reports over which frequencies are counted.
pub const COUNTED: usize = 2_000;
/// Reports taken for granted before any was seen, so that the first ones do not decide alone.
const PRIOR: f64 = 12.0;
/// Added to each count, so that a key that was never seen has a finite weight. The report that asks
/// holds the key itself.
const UNSEEN: f64 = 1.7;

/// A map by keys that are hashes already.
pub type Keyed<V> = HashMap<u32, V, BuildHasherDefault<Spread>>;

/// One multiplication spreads a number over the table.
#[derive(Debug, Default)]
pub struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(self.0 ^ u64::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_i64(&mut self, number: i64) {
        self.write_u64(number.cast_unsigned());
    }

    fn write_u64(&mut self, number: u64) {
        let spread = u128::from(number) * 0x9e37_79b9_7f4a_7c15;
        #[expect(clippy::cast_possible_truncation, reason = "both halves are mixed")]
        let mixed = (spread >> 64) as u64 ^ spread as u64;
        self.0 = mixed;
    }
}

/// In how many of the latest reports each key stood.
#[derive(Debug, Default)]
pub struct Frequencies {
    latest: VecDeque<(Option<Script>, Box<[u32]>)>,
    counts: Keyed<u32>,
    of_script: [u32; 5],
}

impl Frequencies {
    /// Counts a report by its keys, each of which it holds once.
    pub fn count(&mut self, script: Option<Script>, keys: impl Iterator<Item = u32>) {
        let keys: Box<[u32]> = keys.collect();
        for key in &keys {
            *self.counts.entry(*key).or_default() += 1;
        }
        if let Some(script) = script {
            self.of_script[script as usize] += 1;
        }
        self.latest.push_back((script, keys));
        if self.latest.len() > COUNTED
            && let Some((script, keys)) = self.latest.pop_front()
        {
            if let Some(script) = script {
                self.of_script[script as usize] -= 1;
            }
            for key in keys {
                if let Some(count) = self.counts.get_mut(&key) {
                    *count -= 1;
                    if *count == 0 {
                        self.counts.remove(&key);
                    }
                }
            }
        }
    }

    /// Of a key that stands in every script: a concept, a predicate, a day.
    pub fn of(&self, key: u32) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "at most COUNTED")]
        let n = self.latest.len() as f64;
        self.idf(key, n)
    }

    /// Of a word or run of characters, among the reports in its script.
    pub fn of_word(&self, key: u32, script: Option<Script>) -> f64 {
        let n = script.map_or(0, |it| self.of_script[it as usize]);
        self.idf(key, f64::from(n))
    }

    fn idf(&self, key: u32, n: f64) -> f64 {
        let count = f64::from(self.counts.get(&key).copied().unwrap_or_default());
        ((n + PRIOR + 1.0) / (count + UNSEEN)).ln().max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{COUNTED, Frequencies};

    #[test]
    fn what_many_reports_say_tells_little_and_old_reports_are_forgotten() {
        let mut frequencies = Frequencies::default();
        let n = u32::try_from(COUNTED).expect("some thousand");
        for at in 0..n {
            frequencies.count(None, [1, 1_000 + at].into_iter());
        }
        assert!(frequencies.of(1) < 0.1 && frequencies.of(1_000) > 5.0);
        assert!(frequencies.of(7) > frequencies.of(1_000));
        for _ in 0..n {
            frequencies.count(None, [2].into_iter());
        }
        assert!(frequencies.of(1) > 6.5);
        assert_eq!(frequencies.counts.len(), 1);
    }
}

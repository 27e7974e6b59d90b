//! How telling a key is: of the last stories of a topic, in how many opening items it stood.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

/// Stories that are remembered for this.
pub const REMEMBERED: usize = 2_000;
/// Stories taken for granted before any was seen, so that the first ones do not decide alone.
const PRIOR: f64 = 50.0;
/// What every story says still counts: else thresholds would mean less with each month of a topic
/// whose stories all name the same people.
const LEAST: f64 = 0.35;

#[derive(Debug)]
pub struct Rarity {
    openers: VecDeque<Box<[u32]>>,
    counts: Keyed<u32>,
    /// Rarity of a key by how often it was counted.
    by_count: Vec<f64>,
}

impl Default for Rarity {
    fn default() -> Self {
        Self {
            openers: VecDeque::new(),
            counts: Keyed::default(),
            by_count: vec![1.0],
        }
    }
}

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

impl Rarity {
    /// Counts the opening item of a story. Stories come in the order in which they opened.
    pub fn opened(&mut self, keys: impl Iterator<Item = u32>) {
        let keys: Box<[u32]> = keys.collect();
        for key in &keys {
            *self.counts.entry(*key).or_default() += 1;
        }
        self.openers.push_back(keys);
        // Once as many are remembered as ever will be, the table stays.
        if self.openers.len() <= REMEMBERED {
            self.tabulate();
        }
        if self.openers.len() > REMEMBERED
            && let Some(old) = self.openers.pop_front()
        {
            for key in old {
                if let Some(count) = self.counts.get_mut(&key) {
                    *count -= 1;
                    if *count == 0 {
                        self.counts.remove(&key);
                    }
                }
            }
        }
    }

    /// Near 1 for what no story said, towards 0 for what all of them did.
    pub fn of(&self, key: u32) -> f64 {
        let count = self.counts.get(&key).copied().unwrap_or_default();
        let count = usize::try_from(count).expect("at most REMEMBERED");
        self.by_count.get(count).copied().unwrap_or(LEAST)
    }

    fn tabulate(&mut self) {
        #[expect(clippy::cast_precision_loss, reason = "at most REMEMBERED")]
        let float = |it: usize| it as f64;
        let n = self.openers.len();
        let all = float(n) + PRIOR;
        let rare = |count: usize| ((all / (float(count) + 1.0)).ln() / all.ln()).max(LEAST);
        self.by_count.clear();
        self.by_count.extend((0..=n).map(rare));
    }
}

#[cfg(test)]
mod tests {
    use super::{REMEMBERED, Rarity};

    #[test]
    fn what_many_stories_say_tells_little_and_old_stories_are_forgotten() {
        let mut rarity = Rarity::default();
        assert!((rarity.of(1) - 1.0).abs() < 1e-9);
        let n = u32::try_from(REMEMBERED).expect("some thousand");
        for at in 0..n {
            rarity.opened([1, 1_000 + at].into_iter());
        }
        assert!(rarity.of(1) < 0.4);
        assert!(rarity.of(1_000) > 0.9);
        for _ in 0..n {
            rarity.opened([2].into_iter());
        }
        assert!((rarity.of(1) - 1.0).abs() < 1e-9);
        assert_eq!(rarity.counts.len(), 1);
    }
}

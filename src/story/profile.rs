//! What is said, as weighted keys, and how alike two such profiles are. Weights are whole numbers,
//! so that a sum does not depend on the order in which it was made.

use crate::story::rarity::Rarity;

/// Weight of what a headline says; a lead says less.
pub const TITLE: u32 = 5;
pub const LEAD: u32 = 2;
/// Keys that a story keeps; those said least give way.
const KEPT: usize = 400;

/// Keys with their weights, sorted by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile(Vec<(u32, u32)>);

impl Profile {
    /// Of `(key, weight)` pairs in any order; a key counts where it weighs most.
    pub fn new(mut pairs: Vec<(u32, u32)>) -> Self {
        pairs.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
        pairs.dedup_by_key(|it| it.0);
        Self(pairs)
    }

    pub fn keys(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().map(|(key, _)| *key)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn contains(&self, key: u32) -> bool {
        self.0.binary_search_by_key(&key, |it| it.0).is_ok()
    }

    pub fn add(&mut self, other: &Self) {
        let mut sum = Vec::with_capacity(self.0.len() + other.0.len());
        let (mut a, mut b) = (self.0.iter().peekable(), other.0.iter().peekable());
        while let (Some(&&left), Some(&&right)) = (a.peek(), b.peek()) {
            match left.0.cmp(&right.0) {
                std::cmp::Ordering::Less => sum.extend(a.next()),
                std::cmp::Ordering::Greater => sum.extend(b.next()),
                std::cmp::Ordering::Equal => {
                    sum.push((left.0, left.1 + right.1));
                    a.next();
                    b.next();
                }
            }
        }
        sum.extend(a.chain(b));
        if sum.len() > KEPT {
            sum.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
            sum.truncate(KEPT);
            sum.sort_unstable_by_key(|it| it.0);
        }
        self.0 = sum;
    }

    /// Ready to be compared with many others.
    pub fn weighed(&self, rarity: &Rarity) -> Weighed {
        let keys: Vec<(u32, f64)> = self
            .0
            .iter()
            .map(|(key, weight)| {
                let rare = rarity.of(*key);
                (*key, f64::from(*weight) * rare * rare)
            })
            .collect();
        Weighed {
            keys,
            square: self.square(rarity),
        }
    }

    fn square(&self, rarity: &Rarity) -> f64 {
        let weight = |(key, weight): &(u32, u32)| f64::from(*weight) * rarity.of(*key);
        self.0.iter().map(|it| weight(it) * weight(it)).sum()
    }

    /// The share of `keys`, by rarity, that is not said here; 0 of nothing.
    pub fn lacks(&self, keys: &[u32], rarity: &Rarity) -> f64 {
        let (mut all, mut new) = (0.0, 0.0);
        for key in keys {
            let rare = rarity.of(*key);
            all += rare;
            new += if self.contains(*key) { 0.0 } else { rare };
        }
        if all > 0.0 { new / all } else { 0.0 }
    }
}

/// A profile with the rarity of its keys.
#[derive(Debug)]
pub struct Weighed {
    keys: Vec<(u32, f64)>,
    square: f64,
}

impl Weighed {
    /// Cosine of the two, each key weighted by how rare it is; 0 where fewer than `least` keys
    /// are shared.
    pub fn cosine(&self, other: &Profile, least: usize, rarity: &Rarity) -> f64 {
        let (mut shared, mut n_shared) = (0.0, 0);
        for (key, weight) in &self.keys {
            if let Ok(at) = other.0.binary_search_by_key(key, |it| it.0) {
                shared += weight * f64::from(other.0[at].1);
                n_shared += 1;
            }
        }
        if n_shared < least.max(1) {
            return 0.0;
        }
        shared / (self.square * other.square(rarity)).sqrt()
    }
}

//! Term vectors: keys with weights, of length 1. Pure.

/// Keys with their weights, sorted by key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vector(Vec<(u32, f32)>);

impl Vector {
    /// The vector of length 1 in the direction of `(key, weight)` pairs in any order; a key counts
    /// where it weighs most. Its length before is returned beside it.
    pub fn unit(mut pairs: Vec<(u32, f32)>) -> (Self, f64) {
        pairs.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
        pairs.dedup_by_key(|it| it.0);
        let square: f64 = pairs.iter().map(|it| f64::from(it.1).powi(2)).sum();
        let length = square.sqrt();
        if length > 0.0 {
            for (_, weight) in &mut pairs {
                #[expect(clippy::cast_possible_truncation, reason = "weights are small")]
                let unit = (f64::from(*weight) / length) as f32;
                *weight = unit;
            }
        }
        (Self(pairs), length)
    }

    pub fn keys(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().map(|it| it.0)
    }

    pub fn iter(&self) -> impl Iterator<Item = (u32, f64)> + '_ {
        self.0.iter().map(|it| (it.0, f64::from(it.1)))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Cosine of two vectors of length 1: 0..1.
    pub fn dot(&self, other: &Self) -> f64 {
        let mut sum = 0.0;
        self.meet(other, |a, b| sum += a * b);
        sum
    }

    /// How many keys both have.
    pub fn n_shared(&self, other: &Self) -> usize {
        let mut n = 0;
        self.meet(other, |_, _| n += 1);
        n
    }

    /// The larger share, by weight, that one of the two has of the other's keys: 1 where one holds
    /// the other.
    pub fn containment(&self, other: &Self) -> f64 {
        let (mut own, mut others) = (0.0, 0.0);
        self.meet(other, |a, b| {
            own += a;
            others += b;
        });
        let share = |shared: f64, of: &Self| {
            let all: f64 = of.iter().map(|it| it.1).sum();
            if all > 0.0 { shared / all } else { 0.0 }
        };
        share(own, self).max(share(others, other))
    }

    fn meet(&self, other: &Self, mut each: impl FnMut(f64, f64)) {
        let (mut a, mut b) = (self.0.as_slice(), other.0.as_slice());
        while let ([(left, x), rest_a @ ..], [(right, y), rest_b @ ..]) = (a, b) {
            match left.cmp(right) {
                std::cmp::Ordering::Less => a = rest_a,
                std::cmp::Ordering::Greater => b = rest_b,
                std::cmp::Ordering::Equal => {
                    each(f64::from(*x), f64::from(*y));
                    (a, b) = (rest_a, rest_b);
                }
            }
        }
    }
}

/// A sum of vectors, with how many held each key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Profile {
    /// Key, weight, count; sorted by key.
    sums: Vec<(u32, f64, u32)>,
}

/// Keys that a profile keeps; those of fewest reports give way.
const KEPT: usize = 256;

impl Profile {
    pub fn add(&mut self, vector: &Vector) {
        for (key, weight) in vector.iter() {
            match self.sums.binary_search_by_key(&key, |it| it.0) {
                Ok(at) => {
                    self.sums[at].1 += weight;
                    self.sums[at].2 += 1;
                }
                Err(at) => self.sums.insert(at, (key, weight, 1)),
            }
        }
        if self.sums.len() > KEPT {
            self.sums
                .sort_by(|a, b| b.2.cmp(&a.2).then(b.1.total_cmp(&a.1)).then(a.0.cmp(&b.0)));
            self.sums.truncate(KEPT);
            self.sums.sort_unstable_by_key(|it| it.0);
        }
    }

    pub fn holds(&self, key: u32) -> bool {
        self.sums.binary_search_by_key(&key, |it| it.0).is_ok()
    }

    pub fn keys(&self) -> impl Iterator<Item = u32> + '_ {
        self.sums.iter().map(|it| it.0)
    }

    /// Cosine with a vector of length 1: 0..1.
    pub fn cosine(&self, vector: &Vector) -> f64 {
        let square: f64 = self.sums.iter().map(|it| it.1 * it.1).sum();
        if square <= 0.0 {
            return 0.0;
        }
        let mut sum = 0.0;
        for (key, weight) in vector.iter() {
            if let Ok(at) = self.sums.binary_search_by_key(&key, |it| it.0) {
                sum += weight * self.sums[at].1;
            }
        }
        sum / square.sqrt()
    }

    /// The share of a vector of length 1, by squares, whose keys stand nowhere here; 0 of nothing.
    pub fn lacks(&self, vector: &Vector) -> f64 {
        let new = vector.iter().filter(|it| !self.holds(it.0));
        new.map(|it| it.1 * it.1).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::{Profile, Vector};

    fn unit(pairs: &[(u32, f32)]) -> Vector {
        Vector::unit(pairs.to_vec()).0
    }

    #[track_caller]
    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-6, "{a} is not {b}");
    }

    #[test]
    fn cosines_and_shares() {
        let (a, b) = (unit(&[(1, 3.0), (2, 4.0)]), unit(&[(2, 1.0)]));
        close(a.dot(&b), 0.8);
        close(a.dot(&a), 1.0);
        close(a.containment(&b), 1.0);
        close(
            unit(&[(1, 1.0), (2, 1.0)]).containment(&unit(&[(2, 1.0), (3, 3.0)])),
            0.5,
        );
        close(Vector::default().containment(&a), 0.0);
    }

    #[test]
    fn a_profile_is_the_sum_of_what_it_took() {
        let mut profile = Profile::default();
        profile.add(&unit(&[(1, 1.0)]));
        profile.add(&unit(&[(2, 1.0)]));
        close(profile.cosine(&unit(&[(1, 1.0)])), 0.5_f64.sqrt());
        close(profile.lacks(&unit(&[(1, 3.0), (9, 4.0)])), 0.64);
        close(profile.lacks(&Vector::default()), 0.0);
    }

    #[test]
    fn a_profile_keeps_what_most_reports_say() {
        let mut profile = Profile::default();
        for n in 0..600 {
            profile.add(&unit(&[(1, 1.0), (100 + n, 1.0)]));
        }
        assert!(profile.holds(1) && profile.keys().count() <= super::KEPT);
    }
}

//! How many independent sources report one thing. Who is cited counts down and never up: two outlets
//! that cite one agency are one source, and an outlet that cites two agencies is still one outlet.
//! Pure.

use std::collections::{HashMap, HashSet};

/// One report: the family of outlets that published it, and whose word it is – whom it cites, else the
/// family's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report<'a> {
    pub family: &'a str,
    pub origin: &'a str,
}

/// The number of independent sources: the most pairs of a family and an origin such that no family
/// and no origin stands in two of them (a maximum matching). So it never exceeds the number of
/// families, nor that of origins.
pub fn independent(reports: &[Report<'_>]) -> usize {
    let mut origins: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut families: Vec<&str> = Vec::new();
    for report in reports {
        let of_family = origins.entry(report.family).or_insert_with(|| {
            families.push(report.family);
            Vec::new()
        });
        if !of_family.contains(&report.origin) {
            of_family.push(report.origin);
        }
    }
    let mut holders: HashMap<&str, &str> = HashMap::new();
    let mut n = 0;
    for family in families {
        n += usize::from(assign(family, &origins, &mut holders, &mut HashSet::new()));
    }
    n
}

/// Finds an origin for `family`, where need be by moving another family to another of its origins.
fn assign<'a>(
    family: &'a str,
    origins: &HashMap<&'a str, Vec<&'a str>>,
    holders: &mut HashMap<&'a str, &'a str>,
    tried: &mut HashSet<&'a str>,
) -> bool {
    for origin in origins.get(family).into_iter().flatten() {
        if !tried.insert(origin) {
            continue;
        }
        let holder = holders.get(origin).copied();
        if holder.is_none_or(|it| assign(it, origins, holders, tried)) {
            holders.insert(origin, family);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::{Report, independent};

    #[track_caller]
    fn check(reports: &[(&str, &str)], expected: usize) {
        let reports: Vec<Report<'_>> = reports
            .iter()
            .map(|&(family, origin)| Report { family, origin })
            .collect();
        assert_eq!(independent(&reports), expected);
    }

    #[test]
    fn a_feed_is_not_its_own_second_source() {
        check(&[("odd", "odd")], 1);
        check(&[("odd", "odd"), ("odd", "Yonhap")], 1);
        check(&[("odd", "Yonhap"), ("odd", "KCNA"), ("odd", "odd")], 1);
    }

    #[test]
    fn who_cites_one_agency_is_one_source() {
        check(&[("a", "Yonhap"), ("b", "Yonhap")], 1);
        check(&[("Yonhap", "Yonhap"), ("a", "Yonhap")], 1);
        check(&[("a", "a"), ("b", "b")], 2);
        check(&[("a", "Yonhap"), ("b", "Yonhap"), ("b", "b")], 2);
        check(&[("a", "a"), ("a", "Yonhap"), ("b", "Yonhap")], 2);
        check(&[], 0);
    }

    proptest! {
        #[test]
        fn citations_never_count_up(reports in proptest::collection::vec((0_usize..5, 0_usize..5), 0..12)) {
            let names = ["a", "b", "c", "d", "e"];
            let reports: Vec<Report<'_>> = reports
                .iter()
                .map(|&(family, origin)| Report { family: names[family], origin: names[origin] })
                .collect();
            let n = independent(&reports);
            let families: HashSet<&str> = reports.iter().map(|it| it.family).collect();
            let origins: HashSet<&str> = reports.iter().map(|it| it.origin).collect();
            prop_assert!(n <= families.len().min(origins.len()));
            prop_assert!(n > 0 || reports.is_empty());
            // A further report of a family that is known adds at most what that family may add.
            if let Some(first) = reports.first() {
                let mut more = reports.clone();
                more.push(Report { family: first.family, origin: "another" });
                prop_assert!(independent(&more) <= families.len());
                prop_assert!(independent(&more) >= n);
            }
        }
    }
}

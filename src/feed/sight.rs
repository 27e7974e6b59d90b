//! Whether the service sees anything: when feeds that were well cannot be reached one after the other and nobody
//! answers meanwhile, the fault is our own network and not theirs. Pure; the poller asks it after every visit.

use std::collections::BTreeSet;

use jiff::Timestamp;

/// Servers that must have failed, unless fewer are watched: one that is down, or two, happens every day.
const SERVERS: usize = 3;

/// What a visit says of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glance<'a> {
    /// Somebody answered, with whatever.
    Answered,
    /// A server that was well at the last visit could not be reached.
    Lost { server: &'a str, at: Timestamp },
    /// A server that has failed before could not be reached again, which says nothing new.
    StillLost,
}

/// What is to be done with the visit, and with those that were held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It counts.
    Counts,
    /// It waits until it is known whose fault it is.
    Waits,
    /// It counts, and so do those that waited: somebody answered.
    AllCount,
    /// It counts; nothing was seen until now.
    Back,
    /// It does not count: nothing is seen.
    Ignored,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Sight {
    #[default]
    Sees,
    /// Since the first of these servers was lost nobody has answered.
    Doubts {
        since: Timestamp,
        servers: BTreeSet<String>,
    },
    Blind {
        since: Timestamp,
    },
}

impl Sight {
    pub fn glance(&mut self, glance: Glance<'_>) -> Verdict {
        match (&mut *self, glance) {
            (Self::Sees, Glance::Lost { server, at }) => {
                *self = Self::Doubts {
                    since: at,
                    servers: BTreeSet::from([server.to_owned()]),
                };
                Verdict::Waits
            }
            (Self::Sees, _) | (Self::Doubts { .. }, Glance::StillLost) => Verdict::Counts,
            (Self::Doubts { servers, .. }, Glance::Lost { server, .. }) => {
                servers.insert(server.to_owned());
                Verdict::Waits
            }
            (Self::Doubts { .. }, Glance::Answered) => {
                *self = Self::Sees;
                Verdict::AllCount
            }
            (Self::Blind { .. }, Glance::Answered) => {
                *self = Self::Sees;
                Verdict::Back
            }
            (Self::Blind { .. }, _) => Verdict::Ignored,
        }
    }

    /// Servers that were lost in this doubt.
    pub fn doubted(&self) -> Option<&BTreeSet<String>> {
        match self {
            Self::Doubts { servers, .. } => Some(servers),
            _ => None,
        }
    }

    pub fn is_blind(&self) -> bool {
        matches!(self, Self::Blind { .. })
    }

    /// Ends a doubt once everybody was asked who could be: since when nothing is seen, or none where too few
    /// servers were lost to say so. `watched` is how many servers there are.
    pub fn decide(&mut self, watched: usize) -> Option<Timestamp> {
        let Self::Doubts { since, servers } = self else {
            return None;
        };
        let since = *since;
        if servers.len() >= SERVERS.min(watched.max(1)) {
            *self = Self::Blind { since };
            return Some(since);
        }
        *self = Self::Sees;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::UNIX_EPOCH;

    fn lost(server: &str) -> Glance<'_> {
        Glance::Lost { server, at: AT }
    }

    #[test]
    fn three_servers_lost_and_nobody_that_answers_is_blindness() {
        let mut sight = Sight::default();
        assert_eq!(sight.glance(Glance::Answered), Verdict::Counts);
        for server in ["a", "a", "b"] {
            assert_eq!(sight.glance(lost(server)), Verdict::Waits);
        }
        assert_eq!(sight.clone().decide(20), None, "two servers may be down");
        assert_eq!(sight.glance(Glance::StillLost), Verdict::Counts);
        assert_eq!(sight.glance(lost("c")), Verdict::Waits);
        assert_eq!(sight.decide(20), Some(AT));
        assert_eq!(sight.glance(lost("d")), Verdict::Ignored);
        assert_eq!(sight.glance(Glance::StillLost), Verdict::Ignored);
        assert_eq!(sight.glance(Glance::Answered), Verdict::Back);
        assert_eq!(sight.glance(Glance::Answered), Verdict::Counts);
    }

    #[test]
    fn one_answer_makes_the_failures_those_of_their_servers() {
        let mut sight = Sight::default();
        for server in ["a", "b", "c", "d"] {
            sight.glance(lost(server));
        }
        assert_eq!(sight.glance(Glance::Answered), Verdict::AllCount);
        assert_eq!(sight.decide(20), None);
    }

    #[test]
    fn who_watches_fewer_servers_is_blind_with_all_of_them() {
        let mut sight = Sight::default();
        sight.glance(lost("a"));
        assert_eq!(sight.clone().decide(2), None);
        assert_eq!(sight.clone().decide(1), Some(AT));
        sight.glance(lost("b"));
        assert_eq!(sight.decide(2), Some(AT));
    }
}

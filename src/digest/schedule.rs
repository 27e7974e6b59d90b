//! When a digest is due: a cron expression read by the clock on a wall. Each local time it names is
//! one slot, also where that clock is moved: a time that is skipped comes by as much later, and one
//! that is repeated counts where it first comes. Pure.

use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

#[derive(Debug, Clone)]
pub struct Schedule {
    written: String,
    cron: Cron,
    zone: TimeZone,
}

/// A time of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// As the schedule names it; tells slots apart for ever.
    pub local: DateTime,
    pub at: Timestamp,
}

/// Slots that nobody heard of for longer than this are not made up for one by one.
const MEMORY: SignedDuration = SignedDuration::from_hours(31 * 24);
/// No clock is moved forward by more; an island that crosses the date line skips a day.
const LONGEST_GAP: SignedDuration = SignedDuration::from_hours(25);

impl Schedule {
    /// Five fields: minute, hour, day, month, weekday; names and `L`, `W`, `#` may stand in them.
    pub fn new(cron: &str, zone: TimeZone) -> Result<Self, String> {
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build();
        Ok(Self {
            written: cron.to_owned(),
            cron: parser.parse(cron).map_err(|error| {
                let said = error.to_string();
                // Its kind of error stands before, and says nothing to who writes.
                let told = said.rsplit(": ").next().unwrap_or_default();
                told.trim_end_matches('.').to_lowercase()
            })?,
            zone,
        })
    }

    /// Tells whether it still is the same schedule.
    pub fn rule(&self) -> String {
        let zone = self.zone.iana_name().unwrap_or("local time");
        format!("{} {zone}", self.written)
    }

    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Whether the expression names a day that is in some calendar.
    pub fn ever_comes(&self) -> bool {
        self.next(Timestamp::UNIX_EPOCH).is_some()
    }

    /// The first slot after an instant; none where the expression names a day that never comes.
    pub fn next(&self, after: Timestamp) -> Option<Slot> {
        let local = after.to_zoned_datetime(self.zone.clone()).datetime();
        // What the clock skipped of late may still come.
        let before = after.checked_sub(LONGEST_GAP).ok()?;
        let moved = self.zone.to_offset(before) != self.zone.to_offset(after);
        let back = if moved {
            LONGEST_GAP
        } else {
            SignedDuration::ZERO
        };
        let mut from = local.checked_sub(back).ok()?;
        let mut best: Option<Slot> = None;
        loop {
            let Some(next) = self.next_local(from) else {
                return best;
            };
            from = next;
            let Some((slot, skipped)) = self.slot(from) else {
                continue;
            };
            if slot.at <= after {
                continue;
            }
            match best {
                // Only what was put off can have been overtaken.
                Some(other) if slot.at > other.at => return best,
                _ => best = Some(slot),
            }
            if !skipped {
                return best;
            }
        }
    }

    /// Slots after `counted_to` up to `now`, in order.
    pub fn due(&self, counted_to: Timestamp, now: Timestamp) -> Vec<Slot> {
        let from = now.checked_sub(MEMORY).unwrap_or(now).max(counted_to);
        let slots = std::iter::successors(self.next(from), |slot| self.next(slot.at));
        slots.take_while(|slot| slot.at <= now).collect()
    }

    fn next_local(&self, after: DateTime) -> Option<DateTime> {
        let next = self.cron.find_next_occurrence(&naive(after)?, false);
        civil(next.ok()?)
    }

    fn names(&self, local: DateTime) -> bool {
        naive(local).is_some_and(|it| self.cron.is_time_matching(&it).unwrap_or(false))
    }

    /// The instant of a local time, and whether the clock skips that time. None where it is skipped
    /// and the time to which it is put off is a slot of its own.
    fn slot(&self, local: DateTime) -> Option<(Slot, bool)> {
        let zoned = local.to_zoned_datetime(self.zone.clone()).ok()?;
        let skipped = zoned.datetime() != local;
        if skipped && self.names(zoned.datetime()) {
            return None;
        }
        let at = zoned.timestamp();
        Some((Slot { local, at }, skipped))
    }
}

/// In croner's words, to the minute: no slot is between two.
fn naive(local: DateTime) -> Option<NaiveDateTime> {
    let small = |it: i8| u32::try_from(it).unwrap_or_default();
    let date = local.date();
    NaiveDate::from_ymd_opt(date.year().into(), small(date.month()), small(date.day()))?
        .and_hms_opt(small(local.hour()), small(local.minute()), 0)
}

fn civil(naive: NaiveDateTime) -> Option<DateTime> {
    let small = |it: u32| i8::try_from(it).unwrap_or_default();
    DateTime::new(
        i16::try_from(naive.year()).ok()?,
        small(naive.month()),
        small(naive.day()),
        small(naive.hour()),
        small(naive.minute()),
        0,
        0,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(cron: &str, zone: &str) -> Schedule {
        Schedule::new(cron, TimeZone::get(zone).expect("a zone")).expect("a schedule")
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    /// Local times of the slots of a span, each with its instant.
    #[track_caller]
    fn check(cron: &str, zone: &str, from: &str, to: &str, expected: &[(&str, &str)]) {
        let slots = schedule(cron, zone).due(at(from), at(to));
        let slots: Vec<(String, String)> = slots
            .iter()
            .map(|it| (it.local.to_string(), it.at.to_string()))
            .collect();
        let expected: Vec<(String, String)> = expected
            .iter()
            .map(|(local, at)| ((*local).to_owned(), (*at).to_owned()))
            .collect();
        assert_eq!(slots, expected);
    }

    #[test]
    fn a_slot_is_a_local_time() {
        check(
            "0 8 * * MON-FRI",
            "Asia/Seoul",
            "2026-02-26T23:00:00Z",
            "2026-03-02T00:00:00Z",
            &[("2026-03-02T08:00:00", "2026-03-01T23:00:00Z")],
        );
    }

    #[test]
    fn a_time_that_the_clock_skips_comes_later_and_once() {
        check(
            "30 2 * * *",
            "America/New_York",
            "2026-03-07T08:00:00Z",
            "2026-03-09T12:00:00Z",
            &[
                ("2026-03-08T02:30:00", "2026-03-08T07:30:00Z"),
                ("2026-03-09T02:30:00", "2026-03-09T06:30:00Z"),
            ],
        );
        // Two in the skipped hour and one right after it stay in the order of their instants.
        check(
            "15,45 2,3 8 3 *",
            "America/New_York",
            "2026-03-08T05:00:00Z",
            "2026-03-08T12:00:00Z",
            &[
                ("2026-03-08T03:15:00", "2026-03-08T07:15:00Z"),
                ("2026-03-08T03:45:00", "2026-03-08T07:45:00Z"),
            ],
        );
        check(
            "0,30 1-3 8 3 *",
            "America/New_York",
            "2026-03-08T06:15:00Z",
            "2026-03-08T07:45:00Z",
            &[
                ("2026-03-08T01:30:00", "2026-03-08T06:30:00Z"),
                ("2026-03-08T03:00:00", "2026-03-08T07:00:00Z"),
                ("2026-03-08T03:30:00", "2026-03-08T07:30:00Z"),
            ],
        );
        check(
            "45 2 8 3 *",
            "America/New_York",
            "2026-03-08T07:00:00Z",
            "2026-03-08T12:00:00Z",
            &[("2026-03-08T02:45:00", "2026-03-08T07:45:00Z")],
        );
    }

    #[test]
    fn a_time_that_the_clock_repeats_counts_once() {
        check(
            "30 1 * * *",
            "Europe/London",
            "2026-10-24T12:00:00Z",
            "2026-10-26T12:00:00Z",
            &[
                ("2026-10-25T01:30:00", "2026-10-25T00:30:00Z"),
                ("2026-10-26T01:30:00", "2026-10-26T01:30:00Z"),
            ],
        );
    }

    #[test]
    fn a_day_that_an_island_skips_is_put_off_by_a_day() {
        check(
            "0 12 30 12 *",
            "Pacific/Apia",
            "2011-12-29T00:00:00Z",
            "2012-01-02T00:00:00Z",
            &[("2011-12-30T12:00:00", "2011-12-30T22:00:00Z")],
        );
    }

    #[test]
    fn what_never_comes_or_is_no_expression_is_found_out() {
        assert_eq!(
            schedule("0 0 30 2 *", "Asia/Seoul").next(at("2026-01-01T00:00:00Z")),
            None
        );
        for wrong in [
            "",
            "0 8",
            "61 * * * *",
            "0 8 * * * *",
            "0 8 * * NOON",
            "@@",
            "월요일",
        ] {
            assert!(Schedule::new(wrong, TimeZone::UTC).is_err(), "{wrong}");
        }
    }
}

//! Where the matter of a topic stands: its state with the day, the place and who said so. It moves only
//! by what was told. Pure.

use jiff::Timestamp;

use crate::story::StoryId;
use crate::story::ladder::State;
use crate::story::numbers::Day;
use crate::story::statement::Statement;
use crate::story::weights::Times;

/// The course of a topic's matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Course {
    pub state: Option<State>,
    /// The party by which it came there.
    pub party: Option<String>,
    /// Whose word it is: a concept's id, or the outlet.
    pub setter: Option<String>,
    pub day: Option<Day>,
    /// A concept's id.
    pub place: Option<String>,
    /// Every state it has had lately, with when it came there.
    pub states: Vec<(State, Timestamp)>,
    /// The story that tells it.
    pub story: Option<StoryId>,
}

impl Course {
    /// The state that a statement moves the matter to, if that is a change that people want to hear
    /// of. Another day or place for a meeting is one.
    pub fn change(&self, statement: &Statement, at: Timestamp, times: &Times) -> Option<State> {
        if !statement.is_of_topic || statement.is_commentary() {
            return None;
        }
        let state = self.next(statement)?;
        // What has been over for a while makes room for the next of its kind.
        let next = |it: &State| *it != State::Outcome || self.is_over(at, times) || state == *it;
        let before = self
            .state
            .filter(|_| self.is_current(at, times))
            .filter(next);
        if state.changes(before) && !self.has_been(state, at, times) {
            return Some(state);
        }
        let set = matches!(
            state,
            State::Dated | State::Placed | State::Agreed | State::Confirmed
        );
        // What was put off or called off stands again where a day or place is told.
        let names = || statement.days().any(|it| it.is_coming(at)) || !statement.places.is_empty();
        let again = before.is_some_and(State::is_down) && names();
        let moved = set && (again || self.is_moved_by(statement, at));
        (moved && !self.is_over(at, times)).then_some(state)
    }

    /// What one party confirms after the other did, both have.
    fn next(&self, statement: &Statement) -> Option<State> {
        let party = |it: &Option<String>| it.clone();
        let (own, other) = (party(&self.party), party(&statement.party));
        let both = own.is_some() && other.is_some() && own != other;
        match statement.state {
            Some(State::Confirmed) if self.state == Some(State::Confirmed) && both => {
                Some(State::Agreed)
            }
            state => state,
        }
    }

    /// Whether a statement gives the meeting another day to come, or another place, than it had; a first one where it
    /// stood so high that only these were open.
    fn is_moved_by(&self, statement: &Statement, at: Timestamp) -> bool {
        let days = statement.days().filter(|it| it.is_coming(at));
        let open = self
            .state
            .is_some_and(|it| (State::Agreed..=State::Placed).contains(&it));
        let first_day = open && self.day.is_none() && statement.state == Some(State::Dated);
        let first_place = open && self.place.is_none() && statement.state == Some(State::Placed);
        let mut days = days.peekable();
        let names_day = days.peek().is_some();
        let other_day = |own: Day| names_day && days.all(|it| it != own);
        let day = first_day && names_day || self.day.is_some_and(other_day);
        let other_place = |own: &String| !statement.places.contains(own);
        let names_place = !statement.places.is_empty();
        let place = names_place && (first_place || self.place.as_ref().is_some_and(other_place));
        day || place
    }

    /// Whether it stood there within the time in which reports keep coming in.
    fn has_been(&self, state: State, now: Timestamp, times: &Times) -> bool {
        let late = |(was, at): &(State, Timestamp)| *was == state && age(*at, now) < times.late;
        self.states.iter().any(late)
    }

    /// Whether the meeting has just ended: what else is told of its course is late.
    fn is_over(&self, now: Timestamp, times: &Times) -> bool {
        self.state == Some(State::Outcome) && self.has_been(State::Outcome, now, times)
    }

    /// Whether where it stands is still where the matter stands: talk of last month is over.
    pub fn is_current(&self, now: Timestamp, times: &Times) -> bool {
        let last = self.states.last();
        last.is_some_and(|(_, at)| age(*at, now) < times.current)
    }

    /// Goes on with a statement that was told in `story`; whether anything changed. `said_by` is the
    /// outlet, for a statement without a speaker.
    pub fn advance(
        &mut self,
        statement: &Statement,
        story: StoryId,
        said_by: &str,
        at: Timestamp,
        times: &Times,
    ) -> bool {
        if !statement.is_of_topic || statement.is_commentary() {
            return false;
        }
        let before = self.clone();
        let rises = |state: &State| self.state.is_none_or(|it| !it.is_down() && it < *state);
        let change = self.change(statement, at, times);
        let state = change.or_else(|| {
            // A step too small to be told.
            self.next(statement)
                .filter(|it| !it.is_down() && *it != State::Revived && rises(it))
        });
        if let Some(state) = state {
            if !self.is_current(at, times) {
                *self = Self::default();
            }
            self.state = Some(state);
            self.party.clone_from(&statement.party);
            let speaker = statement
                .speaker
                .as_ref()
                .filter(|it| !it.who.starts_with('~'));
            self.setter = Some(speaker.map_or(said_by, |it| it.who.as_str()).to_owned());
            self.states.push((state, at));
            self.states.retain(|it| age(it.1, at) < times.current);
            self.story = Some(story);
            if state.is_down() || state == State::Outcome {
                self.day = None;
                self.place = None;
            }
        }
        let stands = self
            .state
            .is_some_and(|it| !it.is_down() && it != State::Outcome);
        let of_it = statement.state.is_some_and(|it| !it.is_down()) && state.is_some();
        if stands && of_it {
            if let Some(day) = statement.days().find(|it| it.is_coming(at)) {
                self.day = Some(day);
            }
            if let Some(place) = statement.places.first() {
                self.place = Some(place.clone());
            }
        }
        *self != before
    }
}

/// Seconds from `then` to `now`; negative where it lies ahead.
fn age(then: Timestamp, now: Timestamp) -> i64 {
    now.as_second() - then.as_second()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::Course;
    use crate::story::StoryId;
    use crate::story::ladder::State;
    use crate::story::statement::Statement;
    use crate::story::weights::Times;

    const TIMES: Times = Times {
        late: 48 * 3_600,
        current: 14 * 24 * 3_600,
        warm: 48 * 3_600,
        covers: 72 * 3_600,
        hot: 64.0,
    };

    fn at(text: &str) -> Timestamp {
        text.parse().expect("time")
    }

    fn says(state: State, days: &[&str], places: &[&str]) -> Statement {
        Statement {
            state: Some(state),
            is_of_topic: true,
            days: days.iter().map(|&it| it.to_owned()).collect(),
            places: places.iter().map(|&it| it.to_owned()).collect(),
            ..Statement::default()
        }
    }

    fn course(steps: &[(Statement, &str)]) -> Course {
        let mut course = Course::default();
        for (statement, when) in steps {
            course.advance(statement, StoryId(1), "Wire", at(when), &TIMES);
        }
        course
    }

    #[track_caller]
    fn check(steps: &[(Statement, &str)], next: &Statement, when: &str, expected: Option<State>) {
        assert_eq!(
            course(steps).change(next, at(when), &TIMES),
            expected,
            "{next:?}"
        );
    }

    #[test]
    fn each_step_down_is_a_change_whoever_has_spoken_of_it() {
        let threat = (says(State::Doubted, &[], &[]), "2026-05-01T09:00:00Z");
        let cancelled = says(State::Cancelled, &[], &[]);
        check(
            std::slice::from_ref(&threat),
            &cancelled,
            "2026-05-01T10:00:00Z",
            Some(State::Cancelled),
        );
        let again = "2026-05-01T11:00:00Z";
        check(std::slice::from_ref(&threat), &threat.0, again, None);
        let off = (cancelled.clone(), "2026-05-01T10:00:00Z");
        check(&[threat.clone(), off.clone()], &cancelled, again, None);
        check(
            &[threat, off],
            &says(State::Revived, &[], &[]),
            again,
            Some(State::Revived),
        );
    }

    #[test]
    fn another_day_or_place_is_a_change() {
        let dated = (
            says(State::Dated, &["06-12"], &["singapore"]),
            "2026-05-01T09:00:00Z",
        );
        let later = "2026-05-02T09:00:00Z";
        check(
            std::slice::from_ref(&dated),
            &says(State::Dated, &["06-12"], &[]),
            later,
            None,
        );
        let moved = says(State::Dated, &["06-20"], &[]);
        check(
            std::slice::from_ref(&dated),
            &moved,
            later,
            Some(State::Dated),
        );
        let elsewhere = says(State::Placed, &[], &["panmunjom"]);
        check(
            std::slice::from_ref(&dated),
            &elsewhere,
            later,
            Some(State::Placed),
        );
        let course = course(&[dated, (moved, later)]);
        assert_eq!(
            course.day.map(|it| it.to_string()).as_deref(),
            Some("06-20")
        );
        assert_eq!(course.place.as_deref(), Some("singapore"));
    }

    #[test]
    fn a_first_place_after_the_day_is_a_change() {
        let dated = (says(State::Dated, &["06-12"], &[]), "2026-05-01T09:00:00Z");
        let placed = says(State::Placed, &[], &["singapore"]);
        let later = "2026-05-01T12:00:00Z";
        check(
            std::slice::from_ref(&dated),
            &placed,
            later,
            Some(State::Placed),
        );
        check(&[dated, (placed.clone(), later)], &placed, later, None);
    }

    #[test]
    fn what_was_declined_stands_again_where_it_is_confirmed() {
        let declined = (says(State::Declined, &[], &[]), "2026-05-01T09:00:00Z");
        let later = "2026-05-03T12:00:00Z";
        let confirmed = says(State::Confirmed, &[], &[]);
        check(
            std::slice::from_ref(&declined),
            &confirmed,
            later,
            Some(State::Confirmed),
        );
        check(&[declined], &says(State::Wished, &[], &[]), later, None);
    }

    #[test]
    fn what_was_called_off_has_no_day_or_place() {
        let dated = (
            says(State::Dated, &["06-12"], &["singapore"]),
            "2026-05-01T09:00:00Z",
        );
        let off = (says(State::Cancelled, &[], &[]), "2026-05-02T09:00:00Z");
        let course = course(&[dated, off]);
        assert_eq!((course.day, course.place), (None, None));
    }

    #[test]
    fn what_was_put_off_stands_again_where_a_day_is_told() {
        let off = (says(State::Postponed, &[], &[]), "2026-05-02T09:00:00Z");
        let again = says(State::Dated, &["06-09"], &[]);
        let later = "2026-05-02T18:00:00Z";
        check(
            std::slice::from_ref(&off),
            &again,
            later,
            Some(State::Dated),
        );
        check(&[off], &says(State::Planned, &[], &[]), later, None);
    }

    #[test]
    fn others_matters_and_commentary_move_nothing() {
        let mut other = says(State::Cancelled, &[], &[]);
        other.is_of_topic = false;
        check(&[], &other, "2026-05-01T09:00:00Z", None);
        let mut asked = says(State::Cancelled, &[], &[]);
        asked.marks = vec!["question".to_owned()];
        check(&[], &asked, "2026-05-01T09:00:00Z", None);
    }

    #[test]
    fn talk_of_last_month_is_over() {
        let agreed = (says(State::Agreed, &[], &[]), "2026-05-01T09:00:00Z");
        let planned = says(State::Planned, &[], &[]);
        check(
            std::slice::from_ref(&agreed),
            &planned,
            "2026-05-05T09:00:00Z",
            None,
        );
        check(
            &[agreed],
            &planned,
            "2026-06-05T09:00:00Z",
            Some(State::Planned),
        );
    }
}

//! One message about a span of time: what happened, by story, what was not told and why, and what
//! was notably not heard. Pure; `store::digests` reads the rows.

pub mod schedule;
pub mod silence;

use jiff::Timestamp;
use serde::Serialize;

use crate::clock::rfc3339;
use crate::digest::schedule::Schedule;
use crate::digest::silence::Silence;
use crate::story::ladder::State;
use crate::words;

/// A digest that is configured.
#[derive(Debug, Clone)]
pub struct Plan {
    pub name: String,
    pub topics: Vec<String>,
    pub schedule: Schedule,
    pub channels: Vec<String>,
    pub empty: Empty,
}

/// What becomes of a digest in which nothing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Empty {
    #[default]
    Skip,
    Send,
}

/// What a webhook receives is this, as JSON; templates know its fields by these names.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Digest {
    pub id: String,
    pub kind: String,
    pub name: String,
    /// Its name with what there is, in a line.
    pub subject: String,
    pub headline: String,
    pub topics: Vec<String>,
    pub since: String,
    pub until: String,
    /// It comes well after its time, and tells what earlier ones that were missed would have told.
    pub late: bool,
    pub stories: Vec<Story>,
    /// Stories beyond those.
    pub more_stories: usize,
    /// Alerts that did not arrive in time.
    pub unsent: Vec<Line>,
    /// What was not alerted, by why.
    pub withheld: Vec<Withheld>,
    pub silences: Vec<Silence>,
    /// Feeds that are not well.
    pub feeds: Vec<FeedLine>,
    /// All feeds that are polled.
    pub n_feeds: usize,
    /// Those that answered within the span.
    pub n_seen: usize,
    /// Spans within it in which no feed could be reached.
    pub blind: Vec<Blind>,
    pub created_at: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Story {
    pub id: i64,
    pub topic: String,
    pub title: String,
    /// Where its meeting stands.
    pub state: Option<String>,
    /// Where it came within the span, in order.
    pub steps: Vec<Step>,
    /// Independent origins, in the order of reporting.
    pub sources: Vec<String>,
    pub developments: Vec<Line>,
    /// Developments beyond those.
    pub more: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    pub state: String,
    pub at: String,
}

/// A development.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    pub at: String,
    pub kind: String,
    pub headline: String,
    pub outlet: String,
    pub language: Option<String>,
    pub url: Option<String>,
    /// What happened, in English, where it was told.
    pub summary: String,
    /// Items that report it, and the independent sources among their outlets.
    pub reports: usize,
    pub sources: Vec<String>,
    /// Why it is new.
    pub reason: String,
    /// Why no alert told it; none where one did.
    pub withheld: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Withheld {
    pub why: String,
    pub n: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FeedLine {
    pub name: String,
    pub outlet: String,
    pub health: String,
    pub reason: String,
}

/// A span in which nothing could be seen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Blind {
    pub since: String,
    /// None where it lasts.
    pub until: Option<String>,
}

/// A development as the archive has it, with its story.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    pub story: i64,
    pub topic: String,
    pub title: String,
    pub state: Option<State>,
    pub kind: String,
    pub verdict: String,
    pub reason: String,
    pub at: Timestamp,
    pub headline: String,
    pub outlet: String,
    pub language: Option<String>,
    pub url: Option<String>,
    pub development: i64,
    pub summary: String,
    pub reports: usize,
    pub sources: Vec<String>,
}

/// What a digest is made of.
#[derive(Debug, Clone, Default)]
pub struct Matter {
    /// In time order.
    pub told: Vec<Told>,
    /// Of the stories in `told`: where each came within the span.
    pub steps: Vec<(i64, State, Timestamp)>,
    pub sources: Vec<(i64, String)>,
    pub unsent: Vec<Told>,
    pub silences: Vec<Silence>,
    pub feeds: Vec<FeedLine>,
    pub n_feeds: usize,
    pub n_seen: usize,
    pub blind: Vec<Blind>,
}

/// What a digest is called, and which span it is of.
#[derive(Debug, Clone)]
pub struct Frame<'a> {
    pub id: String,
    pub name: &'a str,
    pub topics: &'a [String],
    pub since: Timestamp,
    pub until: Timestamp,
    pub late: bool,
}

/// More than this nobody reads on a phone; the archive has the rest.
const STORIES: usize = 40;
const LINES: usize = 12;

impl Digest {
    /// One with everything and one with nothing, for trying templates.
    pub fn samples() -> [Self; 2] {
        let told = |kind: &str, verdict: &str| Told {
            story: 1,
            topic: "topic".to_owned(),
            title: "A story".to_owned(),
            state: Some(State::Dated),
            kind: kind.to_owned(),
            verdict: verdict.to_owned(),
            reason: "a reason".to_owned(),
            at: Timestamp::UNIX_EPOCH,
            headline: "A headline".to_owned(),
            outlet: "Wire".to_owned(),
            language: Some("ko".to_owned()),
            url: Some("https://wire.example/1".to_owned()),
            development: 1,
            summary: "Kim Jong Un: meeting confirmed".to_owned(),
            reports: 3,
            sources: vec!["Wire".to_owned(), "Daily".to_owned()],
        };
        let full = Matter {
            told: vec![told("state", "alert"), told("correction", "budget")],
            steps: vec![(1, State::Dated, Timestamp::UNIX_EPOCH)],
            sources: vec![(1, "Wire".to_owned()), (1, "Daily".to_owned())],
            unsent: vec![told("opens", "alert")],
            silences: vec![Silence {
                origin: "Wire".to_owned(),
                topic: "topic".to_owned(),
                days: 9,
                usual_days: 2,
                text: "no Wire item".to_owned(),
            }],
            feeds: vec![FeedLine {
                name: "wire".to_owned(),
                outlet: "Wire".to_owned(),
                health: "gone".to_owned(),
                reason: "a reason".to_owned(),
            }],
            n_feeds: 2,
            n_seen: 1,
            blind: vec![Blind {
                since: rfc3339(Timestamp::UNIX_EPOCH),
                until: None,
            }],
        };
        let topics = ["topic".to_owned()];
        let frame = Frame {
            id: "sample".to_owned(),
            name: "sample",
            topics: &topics,
            since: Timestamp::UNIX_EPOCH,
            until: Timestamp::UNIX_EPOCH,
            late: true,
        };
        [compose(&full, &frame), compose(&Matter::default(), &frame)]
    }
}

impl Matter {
    /// Whether nothing happened. Silence and ailing feeds alone are no news.
    pub fn is_empty(&self) -> bool {
        self.unsent.is_empty() && self.told.iter().all(|it| it.verdict == "history")
    }
}

pub fn compose(matter: &Matter, frame: &Frame<'_>) -> Digest {
    let mut stories: Vec<Story> = Vec::new();
    let mut n = 0;
    for told in matter.told.iter().filter(|it| it.verdict != "history") {
        n += 1;
        let line = line(told);
        match stories.iter_mut().find(|it| it.id == told.story) {
            Some(story) if story.developments.len() < LINES => story.developments.push(line),
            Some(story) => story.more += 1,
            None => stories.push(story(told, line, matter)),
        }
    }
    // Where the meeting came to stand elsewhere first, then what most report.
    stories.sort_by_key(|it| {
        let said = it.developments.len() + it.more;
        std::cmp::Reverse((!it.steps.is_empty(), it.sources.len(), said))
    });
    let n_stories = stories.len();
    stories.truncate(STORIES);
    let unsent: Vec<Line> = matter.unsent.iter().map(line).collect();
    let headline = headline(n, n_stories, unsent.len());
    let late = if frame.late { " (late)" } else { "" };
    Digest {
        id: frame.id.clone(),
        kind: "digest".to_owned(),
        name: frame.name.to_owned(),
        subject: format!("{}{late}: {headline}", frame.name),
        headline,
        topics: frame.topics.to_vec(),
        since: rfc3339(frame.since),
        until: rfc3339(frame.until),
        late: frame.late,
        more_stories: n_stories - stories.len(),
        stories,
        unsent,
        withheld: withheld(&matter.told),
        silences: matter.silences.clone(),
        feeds: matter.feeds.clone(),
        n_feeds: matter.n_feeds,
        n_seen: matter.n_seen,
        blind: matter.blind.clone(),
        created_at: rfc3339(frame.until),
    }
}

fn headline(developments: usize, stories: usize, unsent: usize) -> String {
    let counted = |n: usize, one: &str, many: &str| match n {
        1 => format!("1 {one}"),
        n => format!("{n} {many}"),
    };
    let mut headline = match developments {
        0 => "nothing new".to_owned(),
        n => format!(
            "{} in {}",
            counted(n, "development", "developments"),
            counted(stories, "story", "stories")
        ),
    };
    if unsent > 0 {
        headline.push_str(&format!(
            ", and {} that did not arrive in time",
            counted(unsent, "alert", "alerts")
        ));
    }
    headline
}

fn story(told: &Told, line: Line, matter: &Matter) -> Story {
    let steps = matter.steps.iter().filter(|it| it.0 == told.story);
    let sources = matter.sources.iter().filter(|it| it.0 == told.story);
    Story {
        id: told.story,
        topic: told.topic.clone(),
        title: told.title.clone(),
        state: told.state.map(|it| it.as_str().to_owned()),
        steps: steps
            .map(|(_, state, at)| Step {
                state: state.as_str().to_owned(),
                at: rfc3339(*at),
            })
            .collect(),
        sources: sources.map(|(_, origin)| origin.clone()).collect(),
        developments: vec![line],
        more: 0,
    }
}

fn line(told: &Told) -> Line {
    let withheld = match told.verdict.as_str() {
        "alert" => None,
        verdict => Some(words::why_not(verdict).to_owned()),
    };
    Line {
        at: rfc3339(told.at),
        kind: told.kind.clone(),
        headline: told.headline.clone(),
        outlet: told.outlet.clone(),
        language: told.language.clone(),
        url: told.url.clone(),
        summary: told.summary.clone(),
        reports: told.reports,
        sources: told.sources.clone(),
        reason: told.reason.clone(),
        withheld,
    }
}

fn withheld(told: &[Told]) -> Vec<Withheld> {
    let counted = words::VERDICTS
        .iter()
        .filter(|it| it.name != "alert")
        .map(|it| Withheld {
            why: it.word.to_owned(),
            n: told.iter().filter(|told| told.verdict == it.name).count(),
        });
    counted.filter(|it| it.n > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(story: i64, verdict: &str) -> Told {
        Told {
            story,
            topic: "topic".to_owned(),
            title: format!("Story {story}"),
            state: None,
            kind: "fact".to_owned(),
            verdict: verdict.to_owned(),
            reason: String::new(),
            at: Timestamp::UNIX_EPOCH,
            headline: String::new(),
            outlet: "Wire".to_owned(),
            language: None,
            url: None,
            development: story,
            summary: String::new(),
            reports: 1,
            sources: vec!["Wire".to_owned()],
        }
    }

    fn composed(matter: &Matter) -> Digest {
        let frame = Frame {
            id: "id".to_owned(),
            name: "morning",
            topics: &[],
            since: Timestamp::UNIX_EPOCH,
            until: Timestamp::UNIX_EPOCH,
            late: false,
        };
        compose(matter, &frame)
    }

    #[test]
    fn where_a_meeting_came_to_stand_elsewhere_comes_first() {
        let matter = Matter {
            told: vec![
                told(1, "alert"),
                told(1, "slight"),
                told(2, "alert"),
                told(3, "alert"),
            ],
            steps: vec![(3, State::Cancelled, Timestamp::UNIX_EPOCH)],
            sources: vec![(2, "Wire".to_owned())],
            ..Matter::default()
        };
        let stories: Vec<i64> = composed(&matter).stories.iter().map(|it| it.id).collect();
        assert_eq!(stories, [3, 2, 1]);
    }

    #[test]
    fn a_flood_is_cut_to_what_can_be_read_and_counted() {
        let mut many: Vec<Told> = (0..60).map(|story| told(story, "alert")).collect();
        many.extend((0..20).map(|_| told(7, "budget")));
        many.extend((0..500).map(|_| told(8, "history")));
        let digest = composed(&Matter {
            told: many,
            ..Matter::default()
        });
        assert_eq!((digest.stories.len(), digest.more_stories), (40, 20));
        let longest = &digest.stories[0];
        assert_eq!(
            (longest.id, longest.developments.len(), longest.more),
            (7, 12, 9)
        );
        assert_eq!(digest.headline, "80 developments in 60 stories");
        let withheld: Vec<(usize, &str)> = digest
            .withheld
            .iter()
            .map(|it| (it.n, it.why.as_str()))
            .collect();
        assert_eq!(
            withheld,
            [(20, "over the hour's alerts"), (500, "old when first seen")]
        );
    }

    #[test]
    fn history_and_silence_alone_make_a_digest_empty() {
        let mut matter = Matter {
            told: vec![told(1, "history")],
            ..Matter::default()
        };
        assert!(matter.is_empty());
        matter.unsent.push(told(2, "alert"));
        assert!(!matter.is_empty());
        assert_eq!(
            composed(&matter).subject,
            "morning: nothing new, and 1 alert that did not arrive in time"
        );
    }
}

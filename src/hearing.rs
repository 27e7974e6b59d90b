//! A headline tried out: whether a topic matches it, what it states, and whether an alert would tell it beside what the
//! topic's board holds. For `classify`, `topics test` and the field on the page of topics. Nothing is kept. Pure.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::alert::{self, Arrival, Circumstances, Place, Policy, Ruling, Standing, take_in};
use crate::message::DevelopmentLine;
use crate::message::said::Source;
use crate::rehearsal::{Rehearsal, Said};
use crate::story::Tables;
use crate::story::board::Board;
use crate::story::ladder::State;
use crate::story::speaker::{Class, How, Speaker};
use crate::story::statement::Statement;
use crate::text::Words;
use crate::text::language::detect;
use crate::topic::lexicon::Lexicon;
use crate::topic::{Topic, Verdict};
use crate::words;
use crate::words::acts;

/// A topic that headlines are tried on.
#[derive(Debug)]
pub struct Bench<'a> {
    topic: &'a Topic,
    lexicon: &'a Lexicon,
    tables: &'a Tables,
    rehearsal: Rehearsal<'a>,
    /// Alerts of the topic within the last hour.
    told: u32,
    /// Whether the board is that of an archive.
    beside_archive: bool,
}

/// A headline to try.
#[derive(Debug, Clone, Copy)]
pub struct Tried<'a> {
    pub title: &'a str,
    pub summary: &'a str,
    /// As its feed says; detected where it says nothing.
    pub language: Option<&'a str>,
    /// Nobody's where not said, so that no outlet has reported before it.
    pub outlet: Option<&'a str>,
    pub url: Option<&'a str>,
    pub at: Timestamp,
}

/// By what a headline belongs to a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnTopic {
    Rule,
    /// No rule matches; it belongs to the topic's matter.
    Related,
    /// No rule matches; a story of the topic that is hot takes it in.
    Story,
    No,
}

/// The whole verdict on a headline.
#[derive(Debug)]
pub struct Heard {
    pub verdict: Verdict,
    pub language: Option<String>,
    pub on_topic: OnTopic,
    pub statement: Statement,
    /// How an alert would say it.
    pub says: DevelopmentLine,
    /// English names of who speaks, and of the places.
    pub speaker: Option<String>,
    pub places: Vec<String>,
    /// None where it is not on topic.
    pub ruling: Option<Ruling>,
    /// The headline of the development that it would report.
    pub joins: Option<String>,
    beside_archive: bool,
}

impl<'a> Bench<'a> {
    /// With nothing known: what the headline is worth by itself.
    pub fn alone(topic: &'a Topic, lexicon: &'a Lexicon, tables: &'a Tables) -> Self {
        Self {
            topic,
            lexicon,
            tables,
            rehearsal: Rehearsal::new(topic, lexicon, tables),
            told: 0,
            beside_archive: false,
        }
    }

    /// Beside what an archive knows: its board, and how many alerts told the topic within the last hour.
    #[must_use]
    pub fn beside(mut self, board: Board, told: u32) -> Self {
        self.rehearsal.board = board;
        self.told = told;
        self.beside_archive = true;
        self
    }

    /// As the readers of the topic want to be told.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.rehearsal.policy = policy;
        self
    }

    pub fn hear(&mut self, tried: Tried<'_>) -> Heard {
        let weights = &self.tables.weights;
        let words = Words::new(tried.title, tried.summary);
        let reading = self.lexicon.read(&words);
        let verdict = self.topic.judge(&reading, self.lexicon);
        let language = detect(tried.title, tried.summary, tried.language);
        self.rehearsal.board.close_before(tried.at, weights);
        let said = Said {
            outlet: tried.outlet.unwrap_or_default(),
            title: tried.title,
            summary: tried.summary,
            url: tried.url,
            at: tried.at,
        };
        let report = self.rehearsal.read(said, &words, &reading);
        let board = &self.rehearsal.board;
        let (on_topic, certainty) = if verdict.matched {
            (OnTopic::Rule, 1.0)
        } else if verdict.related {
            (OnTopic::Related, 1.0)
        } else {
            let unruled = self.rehearsal.unruled(&reading, verdict.score);
            match unruled.and_then(|it| take_in(board, &report, it, weights)) {
                Some(taken) => (OnTopic::Story, taken.on_topic()),
                None => (OnTopic::No, 0.0),
            }
        };
        let circumstances = Circumstances {
            now: tried.at,
            standing: Standing::News,
            arrival: Arrival::New,
            tell: self.topic.tell.unwrap_or(weights.tell),
            on_topic: certainty,
            related: verdict.related,
            told: self.told,
            told_by_outlet: 0,
            followed_up: false,
            corrected: false,
        };
        let policy = &self.rehearsal.policy;
        let ruling = (on_topic != OnTopic::No)
            .then(|| alert::rule(board, &report, &circumstances, weights, policy));
        let joins = ruling.as_ref().and_then(|it| match it.place {
            Place::Joins(id, _) => Some(board.get(id)?.headline.clone()),
            _ => None,
        });
        let statement = report.statement;
        let source = Source {
            title: tried.title,
            language: language.as_deref(),
            statement: &statement,
            reading: &reading,
            lexicon: self.lexicon,
            reader: &self.tables.reader,
            matter: self.tables.matter(&self.topic.name),
            at: tried.at,
        };
        let named = |id: &String| {
            let concept = self.lexicon.concept(self.lexicon.id(id)?);
            Some(acts::name(&concept.id, &concept.gloss))
        };
        Heard {
            says: DevelopmentLine::of(0, source),
            speaker: statement.speaker.as_ref().map(|it| {
                let known = named(&it.who);
                known.unwrap_or_else(|| it.who.trim_start_matches('~').to_owned())
            }),
            places: statement.places.iter().filter_map(named).collect(),
            verdict,
            language,
            on_topic,
            statement,
            ruling,
            joins,
            beside_archive: self.beside_archive,
        }
    }
}

impl OnTopic {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Related => "related",
            Self::Story => "story",
            Self::No => "no",
        }
    }
}

impl Heard {
    /// Whether an alert would tell it, at once or once a second source has it.
    pub fn is_told(&self) -> bool {
        self.ruling.as_ref().is_some_and(|it| it.decision.is_told())
    }

    /// The state that it tells of the topic's meeting; `none` for none.
    pub fn state(&self) -> &'static str {
        self.statement.state.map_or("none", State::as_str)
    }

    /// The concept that speaks; `none` for none.
    pub fn who(&self) -> &str {
        let speaker = self.statement.speaker.as_ref();
        speaker.map_or("none", |it| it.who.as_str())
    }

    /// What the headline states, under the names of the archive's `readings.statement`.
    pub fn statement_json(&self) -> Value {
        let it = &self.statement;
        json!({
            "speaker": it.speaker.as_ref().map(|it| json!({"who": it.who, "how": it.how, "class": it.class})),
            "state": it.state.map(State::as_str),
            "is_of_topic": it.is_of_topic,
            "predicates": it.predicates, "lead_predicates": it.lead_predicates,
            "places": it.places, "lead_places": it.lead_places,
            "days": it.days, "marks": it.marks,
        })
    }

    /// Whether an alert would tell it, and why.
    pub fn alert_json(&self) -> Value {
        json!({
            "told": self.is_told(),
            "on_topic": self.on_topic.as_str(),
            "decision": self.ruling.as_ref().map_or("off-topic", |it| it.decision.code()),
            "kind": self.ruling.as_ref().map(|it| it.kind.as_str()),
            "meeting": self.ruling.as_ref().and_then(|it| it.change).map(State::as_str),
            "development": self.ruling.as_ref().and_then(|it| match it.place {
                Place::Joins(id, role) => Some(json!({"id": id.0, "role": role.as_str(), "headline": self.joins})),
                _ => None,
            }),
            "certainty": self.ruling.as_ref().map(|it| rounded(it.certainty)),
            "needed": self.ruling.as_ref().map(|it| rounded(it.tell)),
            "beside": self.beside(),
        })
    }

    fn beside(&self) -> &'static str {
        if self.beside_archive {
            "archive"
        } else {
            "nothing"
        }
    }

    /// The verdict in lines for people: what, and how it came out.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let it = &self.statement;
        let list = |names: &[String]| names.join(", ");
        let mut lines = vec![("says", self.says.summary.clone())];
        lines.push(("speaker", self.said_by()));
        lines.push(("the meeting", self.stands()));
        if !it.predicates.is_empty() {
            lines.push(("says or does", list(&it.predicates)));
        }
        if !it.lead_predicates.is_empty() {
            lines.push(("and in the lead", list(&it.lead_predicates)));
        }
        if !self.places.is_empty() {
            lines.push(("places", list(&self.places)));
        }
        if !it.days.is_empty() {
            lines.push(("days", list(&it.days)));
        }
        if !it.marks.is_empty() {
            lines.push(("marks", list(&it.marks)));
        }
        lines.push(("alert", self.alert()));
        lines
    }

    fn said_by(&self) -> String {
        let Some(Speaker { how, class, .. }) = &self.statement.speaker else {
            return "nobody".to_owned();
        };
        let who = self.speaker.as_deref().unwrap_or_default();
        let by = match how {
            How::Quote => "before a quotation",
            How::Colon => "beside a colon",
            How::Says => "beside a verb of saying",
            How::First => "stands first",
            How::Named => "is named; nobody speaks",
        };
        let voice = match class {
            Class::Leader => "a leader",
            Class::StateVoice => "a government's own voice",
            Class::Institution => "an institution",
            Class::State => "a state",
            Class::Person => "a person",
            Class::Agency => "a news agency",
            Class::Unknown => "unknown to the lexicon",
        };
        format!("{who} ({voice}; {by})")
    }

    fn stands(&self) -> String {
        match self.statement.state {
            None => "nothing is said of it".to_owned(),
            Some(state) if self.statement.is_of_topic => state.gloss().to_owned(),
            Some(state) => format!("{}, but it is another meeting", state.gloss()),
        }
    }

    fn alert(&self) -> String {
        let Some(ruling) = &self.ruling else {
            return "no: not on topic".to_owned();
        };
        let answer = match ruling.decision {
            alert::Decision::Alert => "yes".to_owned(),
            alert::Decision::Held(_) => format!("yes, {}", words::verdict("held")),
            alert::Decision::Silent(_) => {
                format!("no: {}", words::why_not(ruling.decision.code()))
            }
        };
        let how = match (&self.joins, ruling.change, &ruling.place) {
            (Some(headline), ..) => format!("; it would report “{headline}”"),
            (None, Some(state), _) => format!("; the meeting would stand at: {}", state.gloss()),
            (None, None, Place::Opens(_)) => "; no report tells it yet".to_owned(),
            _ => String::new(),
        };
        let beside = if self.beside_archive {
            "beside what the archive knows"
        } else {
            "with nothing else known"
        };
        format!(
            "{answer}{how} ({beside}; {:.0} % certain, {:.0} % is needed)",
            ruling.certainty * 100.0,
            ruling.tell * 100.0
        )
    }
}

fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

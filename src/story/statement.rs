//! What a headline states: who speaks or acts, on what, which way, when and where. Read from the
//! lexicon's hits and the tables of `config/reading`; the lead adds predicates, places and days. Pure.

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::story::headline::{Headline, Mark, MarkTable, Marks};
use crate::story::ladder::State;
use crate::story::numbers::{Day, Months, Numbers};
use crate::story::phrases::{Found, Phrasebook, ends_clause};
use crate::story::speaker::{Cast, Deciders, Speaker};
use crate::story::wording::without_dateline;
use crate::text::Words;
use crate::text::fold::Folded;
use crate::text::language::Script;
use crate::topic::lexicon::{ConceptId, ConceptSet, Field, Hit, Kind, Lexicon, Reading};

/// What a table of phrases of the ladder may hold beside states.
pub const CUES: [&str; 5] = ["negation", "maybe", "condition", "correction", "aside"];

/// What a headline states. As the archive keeps it, this is JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Statement {
    pub speaker: Option<Speaker>,
    /// Where the matter stands, as told; `floated`, … `cancelled`.
    #[serde(with = "state_name", skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// Whether that state is one of the topic's own matter: both parties are named, or nobody else is.
    pub is_of_topic: bool,
    /// The party that the headline begins with, who mostly is who acts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub party: Option<String>,
    /// An official speaks, or an act of one is told.
    pub official: bool,
    /// Names of predicates of the headline, and of the lead alone.
    pub predicates: Vec<String>,
    pub lead_predicates: Vec<String>,
    /// Concepts of places that are no state, of the headline, and of the lead alone.
    pub places: Vec<String>,
    pub lead_places: Vec<String>,
    /// `05-12`: days that the headline names; that of the report is left out.
    pub days: Vec<String>,
    /// Numbers above 9 of the headline.
    pub numbers: Vec<u32>,
    /// Names of marks.
    pub marks: Vec<String>,
    /// English names of what the headline is about, in the order in which it stands there.
    pub about: Vec<String>,
}

mod state_name {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::story::ladder::State;

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        clippy::ref_option,
        reason = "serde's form"
    )]
    pub(super) fn serialize<S: Serializer>(
        state: &Option<State>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        state.map(State::as_str).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<State>, D::Error> {
        let name = Option::<String>::deserialize(deserializer)?;
        Ok(name.as_deref().and_then(State::of))
    }
}

impl Statement {
    pub fn marks(&self) -> Marks {
        let mut marks = Marks::default();
        let named = self.marks.iter().filter_map(|it| Mark::of(it));
        named.for_each(|it| marks.insert(it));
        marks
    }

    /// Commentary and what looks back: nobody's new act or word.
    pub fn is_commentary(&self) -> bool {
        self.marks().any(&[
            Mark::Opinion,
            Mark::OpinionPage,
            Mark::Live,
            Mark::Question,
            Mark::Expert,
            Mark::Retrospective,
            Mark::Roundup,
        ])
    }

    pub fn days(&self) -> impl Iterator<Item = Day> + '_ {
        self.days.iter().filter_map(|it| Day::of(it))
    }
}

/// The matter of a topic, which takes a course. Without parties it takes none.
#[derive(Debug, Default)]
pub struct Matter {
    pub parties: Vec<(String, ConceptSet)>,
    pub officials: ConceptSet,
    pub deciders: Deciders,
    /// The matter itself, in a headline that needs no verb: "米朝首脳会談、5月12日に".
    pub events: ConceptSet,
    /// States and cues in its own words; None for those of a meeting.
    pub ladder: Option<Phrasebook>,
    /// Whether it takes place somewhere: then a place lifts a plan.
    pub has_venue: bool,
    /// What it is called, and its states in its own words, by their names.
    pub names: MatterNames,
}

/// What the matter of a topic is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MatterNames {
    /// `agreement`; empty for a meeting.
    pub noun: String,
    /// By the names of states; those of a meeting where it has none of its own.
    pub states: BTreeMap<String, String>,
}

/// The tables by which headlines are read.
#[derive(Debug)]
pub struct Reader {
    pub cast: Cast,
    /// States of a meeting, and cues.
    pub ladder: Phrasebook,
    /// Countries and regions, in which a place to meet has yet to be found.
    pub countries: ConceptSet,
    pub predicates: Phrasebook,
    pub speech: Phrasebook,
    pub marks: MarkTable,
    pub months: Months,
}

/// A headline as read: the statement, and the parts of the text that wording is compared by.
#[derive(Debug)]
pub struct Read {
    pub statement: Statement,
    pub script: Option<Script>,
    /// Bytes of the folded title that carry news.
    pub headline: Range<usize>,
    /// Bytes of the folded summary that count as the lead.
    pub lead: Range<usize>,
    pub numbers: Numbers,
    pub lead_numbers: Numbers,
}

/// Characters of the lead that count; the rest of a long summary is background.
const LEAD_CHARS: usize = 400;
/// Characters of the lead whose predicates and numbers count.
const FIRST_CHARS: usize = 230;
/// Things that one statement names at most; what names more lists everything, and would be like everything.
const ROUNDUP: usize = 10;
/// Characters between a phrase and the cue that turns it.
const REACH: usize = 12;

impl Reader {
    /// Reads a headline and its lead, told at `at`, for the topic of `matter`. `reading` is the lexicon's, of the same
    /// words.
    pub fn read(
        &self,
        words: &Words<'_>,
        reading: &Reading,
        lexicon: &Lexicon,
        matter: &Matter,
        url: Option<&str>,
        at: Timestamp,
    ) -> Read {
        let headline = Headline::new(words, reading, lexicon, &self.marks, url);
        let script = script_of(headline.text());
        let deciders = &matter.deciders;
        let (speaker, unattributed) =
            self.cast
                .read(&headline, script, &self.speech, deciders, lexicon);
        let summary = &words.folded_summary;
        let lead = lead_of(&summary.text);
        let first = lead.start..lead.start + cut(&summary.text[lead.clone()], FIRST_CHARS).len();
        let numbers = Numbers::of(headline.text(), &self.months, at);
        let lead_numbers = Numbers::of(&summary.text[first.clone()], &self.months, at);
        let predicates = self.predicates_of(&words.folded_title, words.title, &headline.range);
        let mut lead_predicates = self.predicates_of(summary, words.summary, &first);
        lead_predicates.retain(|it| !predicates.contains(it));
        let titled = headline.hits.iter().map(|it| it.0);
        let places = self.places_of(titled, lexicon);
        let mut lead_places = self.places_of(
            reading
                .hits
                .iter()
                .filter(|it| it.field == Field::Summary && it.sentence <= 3),
            lexicon,
        );
        lead_places.retain(|it| !places.contains(it));
        let mut marks = self.marks_of(&headline, speaker.as_ref());
        if unattributed {
            marks.insert(Mark::Unattributed);
        }
        let about = about(&headline, lexicon);
        if about.len() > ROUNDUP {
            marks.insert(Mark::Roundup);
        }
        let course = Course {
            ladder: matter.ladder.as_ref().unwrap_or(&self.ladder),
            countries: &self.countries,
            matter,
            names: Names::of(&headline, lexicon, matter, &self.countries),
            speaker: speaker
                .as_ref()
                .filter(|it| it.is_quoted())
                .and_then(|it| lexicon.id(&it.who)),
            cast: &self.cast,
            lexicon,
        };
        let (state, corrects) = course.state_of(&headline, &numbers, at);
        if corrects {
            marks.insert(Mark::Correction);
        }
        let days = numbers.days.iter().filter(|it| !it.is_dateline(at));
        let statement = Statement {
            state: state.filter(|_| !marks.has(Mark::Retrospective)),
            is_of_topic: course.names.is_of_topic,
            party: course.names.actor.map(str::to_owned),
            official: headline
                .hits
                .iter()
                .any(|it| is(it.0, &matter.officials, lexicon)),
            predicates,
            lead_predicates,
            places,
            lead_places,
            days: days.map(ToString::to_string).collect(),
            numbers: numbers.others.clone(),
            marks: marks.iter().map(|it| it.as_str().to_owned()).collect(),
            about,
            speaker,
        };
        Read {
            statement,
            script,
            headline: headline.range,
            lead,
            numbers,
            lead_numbers,
        }
    }

    fn predicates_of(&self, folded: &Folded, original: &str, range: &Range<usize>) -> Vec<String> {
        let found = self.predicates.find(folded, original, range.clone());
        let mut names: Vec<String> = found
            .iter()
            .map(|it| self.predicates.name(it.entry).to_owned())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn places_of<'a>(&self, hits: impl Iterator<Item = &'a Hit>, lexicon: &Lexicon) -> Vec<String> {
        let mut places: Vec<String> = Vec::new();
        for hit in hits {
            for id in lexicon.closure(hit.concept).iter() {
                let concept = lexicon.concept(id);
                let place = concept.kind == Kind::Place && !self.countries.contains(id);
                if place && !places.contains(&concept.id) {
                    places.push(concept.id.clone());
                }
            }
        }
        places
    }

    fn marks_of(&self, headline: &Headline<'_>, speaker: Option<&Speaker>) -> Marks {
        let folded = &headline.words.folded_title;
        let mut marks = headline.marks;
        let found = self
            .marks
            .anywhere
            .find(folded, headline.words.title, headline.range.clone());
        let quoted = speaker.is_some_and(Speaker::is_quoted);
        for it in found {
            let Some(mark) = Mark::of(self.marks.anywhere.name(it.entry)) else {
                continue;
            };
            // A question or a demand in somebody's words is that person's statement.
            let own = matches!(mark, Mark::Question | Mark::Advice)
                && quoted
                && is_quoted(&folded.text[headline.range.start..it.start]);
            if !own {
                marks.insert(mark);
            }
        }
        marks
    }
}

/// How a headline is asked where the matter stands.
struct Course<'a> {
    ladder: &'a Phrasebook,
    countries: &'a ConceptSet,
    matter: &'a Matter,
    names: Names<'a>,
    /// Whose words it gives.
    speaker: Option<ConceptId>,
    cast: &'a Cast,
    lexicon: &'a Lexicon,
}

impl Course<'_> {
    /// The state that a headline tells, and whether it corrects itself.
    fn state_of(
        &self,
        headline: &Headline<'_>,
        numbers: &Numbers,
        at: Timestamp,
    ) -> (Option<State>, bool) {
        let found = self.phrases_of(headline);
        let has = |cue: &str| {
            found
                .hits
                .iter()
                .any(|it| self.ladder.name(it.entry) == cue)
        };
        let states = found.hits.iter().filter_map(|hit| {
            let state = State::of(self.ladder.name(hit.entry))?;
            self.turned(state, hit, &found)
        });
        // What goes down is said last and weighs most: "wants to meet, but no plans to".
        let told = states.max();
        let coming = numbers.days.iter().any(|it| it.is_coming(at));
        let planned = || {
            let mut hits = headline.hits.iter();
            let event = hits.any(|it| is(it.0, &self.matter.events, self.lexicon));
            let sure = !has("negation") && !has("maybe") && !has("condition");
            (event && coming && sure && self.names.is_of_topic).then_some(State::Planned)
        };
        let state = told.or_else(planned).map(|state| {
            // A meeting that is planned or confirmed for a coming day, or at a place, stands higher.
            if !(State::Planned..=State::Agreed).contains(&state) {
                state
            } else if self.has_venue(headline) {
                State::Placed
            } else if coming {
                State::Dated
            } else {
                state
            }
        });
        (state, has("correction"))
    }

    /// Whether it names a place to meet at. A place that speaks, or that labels the headline, is none.
    fn has_venue(&self, headline: &Headline<'_>) -> bool {
        let folded = &headline.words.folded_title.text;
        let is_venue = |(hit, at): &(&Hit, Range<usize>)| {
            let mut parties = self.matter.parties.iter();
            let label = folded
                .get(at.end..)
                .is_some_and(|it| it.trim_start().starts_with([':', '：']));
            self.lexicon.concept(hit.concept).kind == Kind::Place
                && !is(hit, self.countries, self.lexicon)
                && !parties.any(|it| is(hit, &it.1, self.lexicon))
                && self.speaker != Some(self.cast.voice(hit.concept))
                && !label
        };
        self.matter.has_venue && headline.hits.iter().any(is_venue)
    }

    /// Phrases of the headline; where none tells a state, of the headline without the names of
    /// the parties, which often stand within: "preparations for Trump-Kim summit".
    fn phrases_of(&self, headline: &Headline<'_>) -> Phrases {
        let lexicon = self.lexicon;
        let tells = |it: &Phrases| {
            let mut names = it.hits.iter().map(|it| self.ladder.name(it.entry));
            names.any(|it| State::of(it).is_some())
        };
        let folded = &headline.words.folded_title;
        let read = |folded: &Folded, original: &str, range: Range<usize>| {
            let found = self.ladder.find(folded, original, range);
            let aside = |it: &Found| self.ladder.name(it.entry) == "aside";
            let mut hits: Vec<Found> = Vec::new();
            for hit in &found {
                // The longest wins: "no plans to meet" before "plans to meet".
                let covered = found.iter().any(|it| it.covers(hit));
                let void = found.iter().any(|it| aside(it) && it.overlaps(hit));
                if !covered && !void {
                    hits.push(*hit);
                }
            }
            Phrases {
                text: folded.text.clone(),
                hits,
            }
        };
        let found = read(folded, headline.words.title, headline.range.clone());
        if tells(&found) {
            return found;
        }
        let parties = &self.matter.parties;
        let mut names: Vec<&Range<usize>> = headline
            .hits
            .iter()
            .filter(|it| lexicon.concept(it.0.concept).kind != Kind::Compound)
            .filter(|it| parties.iter().any(|party| is(it.0, &party.1, lexicon)))
            .map(|it| &it.1)
            .collect();
        if names.is_empty() {
            return found;
        }
        names.sort_unstable_by_key(|it| std::cmp::Reverse(it.start));
        names.dedup_by_key(|it| it.start);
        let mut bare = headline.text().to_owned();
        for name in names {
            let (start, end) = (
                name.start - headline.range.start,
                name.end - headline.range.start,
            );
            // Names that overlap go once.
            let Some(behind) = bare.get(end..) else {
                continue;
            };
            let behind = behind.trim_start_matches(is_joint).to_owned();
            bare.truncate(start);
            bare.push_str(&behind);
        }
        let folded = Folded::new(&bare);
        let without = read(&folded, &bare, 0..folded.text.len());
        if tells(&without) { without } else { found }
    }

    /// The state that a phrase tells beside the cues next to it; none where it is denied or hangs
    /// on a condition.
    fn turned(&self, state: State, hit: &Found, found: &Phrases) -> Option<State> {
        let cues = |cue: &'static str| {
            let hits = found.hits.iter();
            hits.filter(move |it| self.ladder.name(it.entry) == cue)
        };
        let beside = |cue: &'static str| cues(cue).any(|it| found.join(it, hit));
        // "Wenn A das Treffen mit B absagt": a condition that begins a clause governs it.
        let governed = cues("condition").any(|it| found.governs(it, hit));
        if (beside("condition") || governed) && state != State::Doubted {
            return (state == State::Cancelled).then_some(State::Doubted);
        }
        match (beside("negation"), beside("maybe")) {
            (true, _) if state.is_down() => None,
            (true, _) if state == State::Floated => Some(State::Doubted),
            (true, _) if state <= State::Agreed => Some(State::Declined),
            (true, _) => None,
            (false, true) if state.is_down() => Some(State::Doubted),
            (false, true) if state != State::Revived => Some(State::Floated),
            _ => Some(state),
        }
    }
}

/// What the ladder finds in a folded headline.
struct Phrases {
    text: String,
    hits: Vec<Found>,
}

impl Phrases {
    /// Whether two phrases stand near each other in one clause.
    fn join(&self, a: &Found, b: &Found) -> bool {
        let (first, second) = if a.start < b.start { (a, b) } else { (b, a) };
        let Some(between) = self.text.get(first.end..second.start) else {
            // One lies within the other's gap.
            return true;
        };
        between.chars().count() <= REACH && !ends_clause(between)
    }

    /// Whether a cue begins the clause in which a phrase stands.
    fn governs(&self, cue: &Found, hit: &Found) -> bool {
        let before = self.text[..cue.start].trim_end();
        let begins = before.is_empty() || before.ends_with([',', ';', ':', '.', '"', '。', '、']);
        let between = self.text.get(cue.end..hit.start);
        begins && between.is_some_and(|it| !ends_clause(it) && !it.contains([',', '、', '…']))
    }
}

/// Whom of the parties a headline names.
struct Names<'a> {
    is_of_topic: bool,
    actor: Option<&'a str>,
}

impl<'a> Names<'a> {
    fn of(
        headline: &Headline<'_>,
        lexicon: &Lexicon,
        matter: &'a Matter,
        countries: &ConceptSet,
    ) -> Self {
        let named = headline.hits.iter().filter(|it| {
            let kind = lexicon.concept(it.0.concept).kind;
            matches!(
                kind,
                Kind::Person | Kind::Place | Kind::Institution | Kind::Compound
            )
        });
        let mut parties: Vec<(usize, &str)> = matter
            .parties
            .iter()
            .filter_map(|(name, set)| {
                let own = headline.hits.iter().filter(|it| is(it.0, set, lexicon));
                Some((own.map(|it| it.1.start).min()?, name.as_str()))
            })
            .collect();
        parties.sort_unstable();
        let first = named.clone().map(|it| it.1.start).min();
        let of_a_party = |hit: &Hit| matter.parties.iter().any(|it| is(hit, &it.1, lexicon));
        // A place to meet is nobody else.
        let others = named.clone().any(|it| {
            let place = lexicon.concept(it.0.concept).kind == Kind::Place;
            !of_a_party(it.0) && (!place || is(it.0, countries, lexicon))
        });
        let actor = match parties.as_slice() {
            [(at, name), (next, _), ..] if at != next && Some(*at) == first => Some(*name),
            [(at, name)] if Some(*at) == first => Some(*name),
            _ => None,
        };
        Self {
            is_of_topic: parties.len() > 1 || !matter.parties.is_empty() && !others,
            actor,
        }
    }
}

fn is(hit: &Hit, set: &ConceptSet, lexicon: &Lexicon) -> bool {
    lexicon.closure(hit.concept).intersects(set)
}

/// What joins two names, or a name and what it stands beside.
fn is_joint(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '–' | '‑' | '·' | '・' | '&')
}

/// Whether a quotation stands open behind `before`.
fn is_quoted(before: &str) -> bool {
    before.matches('"').count() % 2 == 1
}

fn about(headline: &Headline<'_>, lexicon: &Lexicon) -> Vec<String> {
    let mut glosses: Vec<String> = Vec::new();
    for (hit, _) in &headline.hits {
        let gloss = &lexicon.concept(hit.concept).gloss;
        if !gloss.is_empty() && !glosses.contains(gloss) {
            glosses.push(gloss.clone());
        }
    }
    glosses
}

fn lead_of(summary: &str) -> Range<usize> {
    let lead = without_dateline(summary);
    let start = summary.len() - lead.len();
    start..start + cut(lead, LEAD_CHARS).len()
}

fn cut(text: &str, chars: usize) -> &str {
    text.char_indices()
        .nth(chars)
        .map_or(text, |(end, _)| &text[..end])
}

/// The script that most of a text is written in.
pub fn script_of(text: &str) -> Option<Script> {
    let mut counts = [0_usize; 5];
    // An address in a headline is no writing.
    let words = text.split_whitespace().filter(|it| !it.contains("://"));
    for script in words.flat_map(str::chars).filter_map(Script::of) {
        // Kana marks a Japanese text of any mixture; Han alone is Chinese. A Latin or Cyrillic
        // name between characters is longer than what it stands for.
        counts[script as usize] += match script {
            Script::Kana => 6,
            Script::Hangul | Script::Han => 2,
            Script::Latin | Script::Cyrillic => 1,
        };
    }
    let scripts = [
        Script::Latin,
        Script::Cyrillic,
        Script::Hangul,
        Script::Kana,
        Script::Han,
    ];
    scripts
        .into_iter()
        .filter(|it| counts[*it as usize] > 0)
        .max_by_key(|it| counts[*it as usize])
}

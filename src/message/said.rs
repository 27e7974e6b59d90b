//! What a development says, in one English line: who, does what, with whom. Out of the statement of its
//! headline; a headline that is English says it itself. Pure.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::message::{DevelopmentLine, StoryLine};
use crate::story::course::Course;
use crate::story::headline::Mark;
use crate::story::ladder::State;
use crate::story::speaker::How;
use crate::story::statement::{Matter, MatterNames, Reader, Statement};
use crate::text::cut;
use crate::topic::lexicon::{ConceptId, Kind, Lexicon, Reading};
use crate::words;
use crate::words::acts::{self, ACTS, Act, Takes};

/// Characters of an English headline that stand for the development.
const HEADLINE: usize = 120;
/// Concepts that are named where no act is understood.
const NAMED: usize = 4;
/// Matters that are named after an act that has none of its own.
const MATTERS: usize = 2;
/// Letters of a word that means something by itself.
const LONG_WORD: usize = 4;
/// Two people side by side are who acts where they stand within so many bytes of the beginning.
const JOINT: usize = 12;
/// Matters that somebody has with somebody.
const OPEN: [&str; 6] = [
    "talks",
    "dialogue",
    "a meeting",
    "the summit",
    "a telephone call",
    "nuclear talks",
];

/// A report as it is said.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    pub title: &'a str,
    pub language: Option<&'a str>,
    pub statement: &'a Statement,
    /// The lexicon's, of the same title.
    pub reading: &'a Reading,
    pub lexicon: &'a Lexicon,
    pub reader: &'a Reader,
    pub matter: &'a Matter,
    pub at: Timestamp,
}

impl DevelopmentLine {
    pub fn of(id: i64, source: Source<'_>) -> Self {
        let statement = source.statement;
        let named = statement.places.iter().filter_map(|it| {
            let concept = source.lexicon.concept(source.lexicon.id(it)?);
            Some(acts::place(&concept.id, &concept.gloss))
        });
        let places: Vec<String> = named.collect();
        let coming = statement.days().find(|it| it.is_coming(source.at));
        let state = statement.state.filter(|_| statement.is_of_topic);
        Self {
            id,
            summary: source.summary(),
            state: state.map(|it| it.as_str().to_owned()),
            when: coming
                .and_then(|it| it.next(source.at))
                .map(|it| it.to_string()),
            // Of several, which one is meant the headline alone says.
            r#where: (!places.is_empty()).then(|| places.join(" or ")),
            hearsay: statement.marks().has(Mark::Hearsay),
        }
    }
}

impl StoryLine {
    /// Where the meeting stands that this story tells, and where it stood before.
    pub fn tell_course(
        &mut self,
        course: &Course,
        was: Option<State>,
        names: &MatterNames,
        lexicon: &Lexicon,
        at: Timestamp,
    ) {
        let concept = |id: &String| lexicon.id(id).map(|it| lexicon.concept(it));
        self.state = course.state.map(|it| it.as_str().to_owned());
        self.was = was.map(|it| it.as_str().to_owned());
        let own = |it: State| names.states.get(it.as_str()).cloned();
        self.noun = (!names.noun.is_empty()).then(|| names.noun.clone());
        self.state_word = course.state.and_then(own);
        self.was_word = was.and_then(own);
        let day = course
            .day
            .filter(|it| it.is_coming(at))
            .and_then(|it| it.next(at));
        self.day = day.map(|it| it.to_string());
        let place = course.place.as_ref().and_then(concept);
        self.place = place.map(|it| acts::place(&it.id, &it.gloss));
        self.said_by = course.setter.as_ref().map(|it| match concept(it) {
            Some(concept) => acts::name(&concept.id, &concept.gloss),
            None => it.clone(),
        });
    }

    /// What the story is called: topic, state, place and day where it tells where a meeting stands, else what
    /// its development says.
    pub fn name(&self, topic: &str, said: &DevelopmentLine) -> String {
        let Some(state) = self.state.as_deref() else {
            return said.summary.clone();
        };
        let day = self.day.as_deref().and_then(|it| it.parse::<Date>().ok());
        let set: Vec<String> = self
            .place
            .clone()
            .into_iter()
            .chain(day.map(|it| it.strftime("%-d %B").to_string()))
            .collect();
        let set = if set.is_empty() {
            String::new()
        } else {
            format!(" ({})", set.join(", "))
        };
        let word = self.state_word.as_deref().unwrap_or(words::state(state));
        format!("{topic}: {word}{set}")
    }
}

impl<'a> Source<'a> {
    fn summary(self) -> String {
        if self.language == Some("en") {
            return cut(self.title, HEADLINE);
        }
        let joint = self.joint();
        let who = if joint.is_some() { None } else { self.who() };
        let mut summary = self
            .stands(who.as_deref())
            .unwrap_or_else(|| self.acts(who.as_deref()));
        if let Some(joint) = joint {
            summary = format!("{joint}: {summary}");
        }
        if self.statement.marks().has(Mark::Question) {
            summary = format!("asked: {summary}");
        }
        capitalized(&summary)
    }

    /// Who speaks or acts, if the headline says so and the lexicon knows them.
    fn who(self) -> Option<String> {
        let speaker = self
            .statement
            .speaker
            .as_ref()
            .filter(|it| it.how != How::Named);
        let unknown = speaker.and_then(|it| it.who.strip_prefix('~'));
        match (speaker, unknown) {
            (_, Some(word)) => word.is_ascii().then(|| word.to_owned()),
            (Some(speaker), None) => Some(self.name(self.lexicon.id(&speaker.who)?)),
            (None, None) => match self.statement.party.as_deref() {
                Some("us") => Some("the United States".to_owned()),
                Some("dprk") => Some("North Korea".to_owned()),
                _ => None,
            },
        }
    }

    /// The party whom a concept speaks for.
    fn party(self, concept: ConceptId) -> Option<&'a str> {
        let parties = &self.matter.parties;
        let party = parties.iter().find(|it| it.1.contains(concept))?;
        Some(party.0.as_str())
    }

    /// The party for which the speaker or actor stands.
    fn own_party(self) -> Option<&'a str> {
        let speaker = self
            .statement
            .speaker
            .as_ref()
            .filter(|it| it.how != How::Named);
        match speaker.and_then(|it| self.lexicon.id(&it.who)) {
            Some(speaker) => self.party(speaker),
            None => self.statement.party.as_deref(),
        }
    }

    /// Two people whom the headline begins with side by side: "Trump-Kim". Who of them acts, it does not say.
    fn joint(self) -> Option<String> {
        let mut people =
            self.reading.hits.iter().filter(|it| {
                it.sentence == 0 && self.lexicon.concept(it.concept).kind == Kind::Person
            });
        let (first, second) = (people.next()?, people.next()?);
        let between = self.title.get(first.end..second.start)?;
        let is_pair = between.chars().count() <= 1
            && !between.contains(char::is_whitespace)
            && first.start < JOINT
            && first.concept != second.concept;
        let (first, second) = (self.name(first.concept), self.name(second.concept));
        (is_pair && first != second).then(|| format!("{first} and {second}"))
    }

    /// Where the meeting stands, as this says it.
    fn stands(self, who: Option<&str>) -> Option<String> {
        let state = self
            .statement
            .state
            .filter(|_| self.statement.is_of_topic)?;
        if let Some(gloss) = self.matter.names.states.get(state.as_str()) {
            let noun = self.matter.names.noun.as_str();
            let noun = if noun.is_empty() { "meeting" } else { noun };
            let on = who.map_or_else(String::new, |it| format!("{it} on "));
            return Some(format!("{on}the {noun}: {gloss}{}", self.times()));
        }
        let several = state == State::Placed && self.statement.places.len() > 1;
        let (does, alone) = if several {
            (
                "speaks of several places for the meeting",
                "several places are named for the meeting",
            )
        } else {
            acts::stands(state)
        };
        let times = self.times();
        Some(match who {
            None => format!("{alone}{times}"),
            // Others only say where it stands.
            Some(who) if self.own_party().is_none() => format!("{who}: {alone}{times}"),
            Some(who) => {
                let with = match self.other() {
                    Some(other) if does.ends_with("a meeting") => format!(" with {other}"),
                    Some(other) if does.ends_with("to meet") => format!(" {other}"),
                    _ => String::new(),
                };
                format!("{who} {does}{with}{times}")
            }
        })
    }

    /// The strongest act, and one more that needs no object; without any, what it is about.
    fn acts(self, who: Option<&str>) -> String {
        let names = &self.statement.predicates;
        let found: Vec<&Act> = ACTS
            .iter()
            .filter(|it| it.takes != Takes::Time && names.iter().any(|name| name == it.name))
            .collect();
        let times = self.times();
        let Some(who) = who else {
            return match found.first() {
                Some(act) => format!("{}{times}", self.done(act)),
                None => format!("{}{times}", self.about(None)),
            };
        };
        let does = found.iter().find_map(|it| Some((it, self.does(it)?)));
        let Some((first, does)) = does else {
            return match self.about(Some(who)).as_str() {
                "" => format!("{who} speaks{times}"),
                about => format!("{who} on {about}{times}"),
            };
        };
        let more = found.iter().find(|it| {
            it.takes == Takes::Nothing && it.name != first.name && !it.is_weak() && !first.is_weak()
        });
        let more = more.map_or_else(String::new, |it| format!(", {}", it.does));
        // "Trump makes a pledge" tells nothing without its matter.
        let matter = match (
            first.takes,
            more.as_str(),
            self.matters(who, &does).as_str(),
        ) {
            (Takes::Nothing, "", matters) if !matters.is_empty() => format!(": {matters}"),
            _ => String::new(),
        };
        format!("{who} {does}{more}{matter}{times}")
    }

    fn does(self, act: &Act) -> Option<String> {
        let dangling = [" of", " on"].iter().any(|it| act.does.ends_with(it));
        let other = self.other();
        Some(match (act.takes, other) {
            (Takes::Matter(usual), other) => match (self.matter(), other) {
                (Some(matter), Some(other)) if OPEN.contains(&matter.as_str()) => {
                    format!("{} {matter} with {other}", act.does)
                }
                (Some(matter), _) => format!("{} {matter}", act.does),
                (None, Some(other)) => format!("{} {usual} ({other})", act.does),
                (None, None) => format!("{} {usual}", act.does),
            },
            (Takes::Whom, Some(other)) => format!("{} {other}", act.does),
            (Takes::Whom, None) if dangling => return None,
            (Takes::With(lead), Some(other)) => format!("{} {lead} {other}", act.does),
            _ => act.does.to_owned(),
        })
    }

    fn done(self, act: &Act) -> String {
        match (act.takes, self.matter()) {
            (Takes::Matter(_), Some(matter)) => format!("{matter}: {}", act.done),
            _ => match self.about(None).as_str() {
                "" => act.done.to_owned(),
                about => format!("{about}: {}", act.done),
            },
        }
    }

    /// What is acted on.
    fn matter(self) -> Option<String> {
        let ids = self.titled().map(|it| self.lexicon.concept(it).id.as_str());
        let best = ids.filter_map(|it| Some((acts::rank(it)?, it))).min();
        if let Some((_, id)) = best {
            return acts::matter(id).map(str::to_owned);
        }
        let thing = self
            .titled()
            .map(|it| self.lexicon.concept(it))
            .find(|it| matches!(it.kind, Kind::State | Kind::Weapon | Kind::Agreement))?;
        Some(uncapitalized(&acts::short(&thing.gloss)))
    }

    /// With whom, or to whom: somebody of the other party first, then whoever is named.
    fn other(self) -> Option<String> {
        let own = self.own_party();
        let who = self.who();
        let voice = |it: ConceptId| self.reader.cast.one_voice.get(&it).copied().unwrap_or(it);
        let speaker = self.statement.speaker.as_ref();
        let speaker = speaker.and_then(|it| self.lexicon.id(&it.who)).map(voice);
        // "Talks with the United States" names them too.
        let lexicon = self.lexicon;
        let all = self
            .titled()
            .flat_map(move |it| lexicon.closure(it).iter().collect::<Vec<_>>());
        let named = all.filter(|it| {
            let concept = self.lexicon.concept(*it);
            let speaks = match concept.kind {
                Kind::Person | Kind::Institution => true,
                Kind::Place => self.reader.countries.contains(*it) && concept.id != "korea",
                _ => false,
            };
            let same = own.is_some() && self.party(*it) == own;
            speaks && !same && Some(voice(*it)) != speaker
        });
        let ranked = named.enumerate().min_by_key(|(at, it)| {
            let is_person = self.lexicon.concept(*it).kind == Kind::Person;
            (self.party(*it).is_none(), !is_person, *at)
        });
        ranked
            .map(|it| self.name(it.1))
            .filter(|it| Some(it) != who.as_ref())
    }

    /// What else the headline names.
    fn about(self, who: Option<&str>) -> String {
        let mut names: Vec<String> = Vec::new();
        for id in self.titled() {
            let concept = self.lexicon.concept(id);
            let name = match concept.kind {
                Kind::Person | Kind::Institution => self.name(id),
                Kind::Place => acts::place(&concept.id, &concept.gloss),
                // What is done is the predicates' to say.
                Kind::Act | Kind::Compound if acts::matter(&concept.id).is_none() => continue,
                _ => acts::matter(&concept.id).map_or_else(
                    || uncapitalized(&acts::short(&concept.gloss)),
                    str::to_owned,
                ),
            };
            if who != Some(name.as_str()) && !names.contains(&name) {
                names.push(name);
            }
        }
        names.truncate(NAMED);
        names.join(", ")
    }

    /// What the headline is about beside who acts: no places, which stand at the end of the line.
    fn matters(self, who: &str, does: &str) -> String {
        let mut names: Vec<String> = Vec::new();
        for id in self.titled() {
            let concept = self.lexicon.concept(id);
            let name = match (concept.kind, acts::further(&concept.id)) {
                (Kind::Person | Kind::Place, _) => continue,
                (_, Some(matter)) => matter.to_owned(),
                (Kind::Weapon | Kind::Agreement, _) => uncapitalized(&acts::short(&concept.gloss)),
                _ => continue,
            };
            // The act itself says it: "speaks of standing as a nuclear power".
            let mut words = name.split(' ').filter(|it| it.len() > LONG_WORD);
            let said = words.any(|it| does.contains(it));
            if name != who && !said && !names.contains(&name) {
                names.push(name);
            }
        }
        // "Talks" say less than anything else.
        names.sort_by_key(|it| OPEN.contains(&it.as_str()));
        names.truncate(MATTERS);
        names.join(", ")
    }

    fn times(self) -> String {
        let times = ACTS.iter().filter(|it| it.takes == Takes::Time);
        let mut said =
            times.filter(|it| self.statement.predicates.iter().any(|name| name == it.name));
        said.next()
            .map_or_else(String::new, |it| format!(", {}", it.done))
    }

    fn name(self, id: ConceptId) -> String {
        let concept = self.lexicon.concept(id);
        acts::name(&concept.id, &concept.gloss)
    }

    /// Concepts of the title in the order in which they stand; agencies are sources, not matter.
    fn titled(self) -> impl Iterator<Item = ConceptId> {
        let hits = self.reading.hits.iter().filter(|it| it.sentence == 0);
        let lexicon = self.lexicon;
        hits.map(|it| it.concept)
            .filter(move |it| !matches!(lexicon.concept(*it).kind, Kind::Block | Kind::Agency))
    }
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// "Sanctions" → "sanctions", but "US Forces Korea" stays.
fn uncapitalized(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

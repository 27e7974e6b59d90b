//! Who speaks or acts in a headline, and by what that was found: a quotation, a colon, a verb of
//! saying, or standing first. Pure.

use std::collections::HashMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::story::headline::Headline;
use crate::story::phrases::Phrasebook;
use crate::text::language::Script;
use crate::topic::lexicon::{ConceptId, ConceptSet, Hit, Kind, Lexicon};

/// By what a speaker was found, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// A name before a quotation.
    Quote,
    /// A name before or after a colon.
    Colon,
    /// A name beside a verb of saying.
    Says,
    /// The headline begins with the name.
    First,
    /// The name stands somewhere in it.
    Named,
}

/// What kind of voice a speaker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// One of those who decide the matter.
    Leader,
    /// Speaks for a government that speaks seldom and only by statements.
    StateVoice,
    Institution,
    State,
    Person,
    Agency,
    /// Somebody whom the lexicon does not know.
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Speaker {
    /// A concept's id, or `~` and the word that stands before a quotation.
    pub who: String,
    pub how: How,
    pub class: Class,
}

impl Speaker {
    /// Whether the headline gives somebody's words.
    pub fn is_quoted(&self) -> bool {
        matches!(self.how, How::Quote | How::Colon | How::Says)
    }
}

/// Those whose word is news in itself, by concepts of the lexicon.
#[derive(Debug, Clone, Default)]
pub struct Deciders {
    pub leaders: ConceptSet,
    pub state_voices: ConceptSet,
}

/// Who is who, by concepts of the lexicon.
#[derive(Debug, Default)]
pub struct Cast {
    /// States that speak; other places are only spoken of.
    pub states: ConceptSet,
    /// Names that are one voice: the foreign ministry is its country.
    pub one_voice: HashMap<ConceptId, ConceptId>,
}

/// A voice before a quotation ends at most so many bytes before it.
const NEAR_QUOTE: usize = 10;
/// An unknown name before a quotation is no longer than this, in characters, and the quotation
/// begins within so many bytes.
const UNKNOWN: usize = 6;
const EARLY: usize = 36;
/// Characters of a name before a colon.
const BEFORE_COLON: usize = 40;

impl Cast {
    fn is_voice(&self, hit: &Hit, lexicon: &Lexicon) -> bool {
        match lexicon.concept(hit.concept).kind {
            Kind::Person | Kind::Institution | Kind::Agency => true,
            Kind::Place => self.states.contains(hit.concept),
            _ => false,
        }
    }

    fn speaker(&self, hit: &Hit, how: How, deciders: &Deciders, lexicon: &Lexicon) -> Speaker {
        let who = self.voice(hit.concept);
        let concept = lexicon.concept(who);
        let class = if deciders.leaders.contains(who) {
            Class::Leader
        } else if deciders.state_voices.contains(who) {
            Class::StateVoice
        } else {
            match concept.kind {
                Kind::Person => Class::Person,
                Kind::Place => Class::State,
                Kind::Agency => Class::Agency,
                _ => Class::Institution,
            }
        };
        Speaker {
            who: concept.id.clone(),
            how,
            class,
        }
    }

    /// The voice that a concept is part of, or itself.
    pub fn voice(&self, concept: ConceptId) -> ConceptId {
        self.one_voice.get(&concept).copied().unwrap_or(concept)
    }

    /// Who speaks or acts, and whether the headline is a quotation of nobody that is named.
    pub fn read(
        &self,
        headline: &Headline<'_>,
        script: Option<Script>,
        speech: &Phrasebook,
        deciders: &Deciders,
        lexicon: &Lexicon,
    ) -> (Option<Speaker>, bool) {
        let from = headline.range.start;
        let text = headline.text();
        let mut voices: Vec<(&Hit, Range<usize>)> = headline
            .hits
            .iter()
            .filter(|it| self.is_voice(it.0, lexicon))
            .map(|(hit, at)| (*hit, at.start - from..at.end.saturating_sub(from)))
            .collect();
        let spaced = script.is_some_and(|it| !it.is_unspaced() && it != Script::Hangul);
        let quote = opening_quote(text);
        // Whoever is quoted at the start of a headline is named behind the quotation.
        let mut unattributed = false;
        if let Some(quoted) = quote.clone().filter(|it| it.start == 0) {
            voices.retain(|it| it.1.start + 1 >= quoted.end);
            unattributed = voices.is_empty();
        }
        let find = |hit: &Hit, how| Some(self.speaker(hit, how, deciders, lexicon));
        let found = headline
            .signed
            .filter(|it| self.is_voice(it, lexicon))
            .and_then(|it| find(it, How::Says))
            .or_else(|| {
                let quoted = quote.clone().filter(|it| !spaced && it.start > 0)?;
                match before_quote(text, &voices, quoted.start, script) {
                    Some(hit) => find(hit, How::Quote),
                    None => unknown(text, &quoted),
                }
            })
            .or_else(|| {
                let (hit, how) = beside_colon(text, &voices, lexicon)?;
                find(hit, how)
            })
            .or_else(|| {
                let hit = spaced
                    .then(|| says(headline, text, &voices, speech))
                    .flatten()?;
                find(hit, How::Says)
            })
            .or_else(|| {
                let (hit, at) = voices.iter().min_by_key(|it| it.1.start)?;
                find(
                    hit,
                    if at.start <= 2 {
                        How::First
                    } else {
                        How::Named
                    },
                )
            });
        (found, unattributed)
    }
}

/// The first quotation of a folded headline, from its opening mark to behind its closing one.
fn opening_quote(text: &str) -> Option<Range<usize>> {
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let next = text[at + c.len_utf8()..].chars().next();
        let opens = c == '"' || c == '\'' && !before.is_alphanumeric();
        if opens && next.is_some_and(|it| !it.is_whitespace()) {
            let behind = at + c.len_utf8();
            let end = closing(&text[behind..], c).map_or(text.len(), |it| behind + it);
            return Some(at..end);
        }
        before = c;
    }
    None
}

/// The bytes up to behind the mark that closes a quotation; an apostrophe in a word closes none.
fn closing(text: &str, mark: char) -> Option<usize> {
    text.char_indices()
        .filter(|(_, c)| *c == mark)
        .map(|(at, c)| at + c.len_utf8())
        .find(|end| mark == '"' || !text[*end..].starts_with(char::is_alphanumeric))
}

fn before_quote<'a>(
    text: &str,
    voices: &[(&'a Hit, Range<usize>)],
    quote: usize,
    script: Option<Script>,
) -> Option<&'a Hit> {
    let before: Vec<_> = voices.iter().filter(|it| it.1.start < quote).collect();
    let (first, last) = (before.first()?, before.last()?);
    // "A, B에 '…'": A speaks, to B.
    let to_other = text[first.1.end.min(text.len())..]
        .trim_start()
        .starts_with([',', '·']);
    let far = quote.saturating_sub(last.1.end) > NEAR_QUOTE;
    let of_first = to_other && before.len() > 1 || far || script != Some(Script::Hangul);
    Some(if of_first { first.0 } else { last.0 })
}

/// A short word before a quotation near the start is a name that the lexicon lacks.
fn unknown(text: &str, quote: &Range<usize>) -> Option<Speaker> {
    if quote.start > EARLY {
        return None;
    }
    let word = text[..quote.start].rsplit([',', '.']).next()?;
    let name: String = word.chars().filter(|c| c.is_alphanumeric()).collect();
    let short = (1..=UNKNOWN).contains(&name.chars().count());
    short.then(|| Speaker {
        who: format!("~{name}"),
        how: How::Quote,
        class: Class::Unknown,
    })
}

fn beside_colon<'a>(
    text: &str,
    voices: &[(&'a Hit, Range<usize>)],
    lexicon: &Lexicon,
) -> Option<(&'a Hit, How)> {
    let colon = text.find([':', '：'])?;
    if text[..colon].chars().count() <= BEFORE_COLON {
        let mut before = voices.iter().filter(|it| it.1.start < colon);
        // "Corée du Nord : Donald Trump dit …": a country before a colon is where it happens.
        let place = |it: &(&Hit, Range<usize>)| lexicon.concept(it.0.concept).kind == Kind::Place;
        let person = |it: &(&Hit, Range<usize>)| lexicon.concept(it.0.concept).kind == Kind::Person;
        let behind = voices.iter().find(|it| it.1.start > colon);
        if let (Some(label), Some(behind)) = (before.clone().next(), behind)
            && place(label)
            && before.clone().count() == 1
            && person(behind)
            && text[colon..behind.1.start]
                .chars()
                .all(|c| !c.is_alphanumeric() && c != '"')
        {
            return Some((behind.0, How::First));
        }
        let person = before
            .clone()
            .find(|it| lexicon.concept(it.0.concept).kind == Kind::Person);
        if let Some((hit, _)) = person.or_else(|| before.next()) {
            return Some((hit, How::Colon));
        }
    }
    let last = text.rfind([':', '：'])?;
    let short = text[last..].chars().count() <= BEFORE_COLON;
    let behind = voices.iter().find(|it| it.1.start > last)?;
    short.then_some((behind.0, How::Colon))
}

/// Who stands beside a verb of saying: "…, NAME says", "'…' says NAME", "NAME says …".
fn says<'a>(
    headline: &Headline<'_>,
    text: &str,
    voices: &[(&'a Hit, Range<usize>)],
    speech: &Phrasebook,
) -> Option<&'a Hit> {
    let folded = &headline.words.folded_title;
    let from = headline.range.start;
    let verbs: Vec<Range<usize>> = speech
        .find(folded, headline.words.title, headline.range.clone())
        .into_iter()
        .filter(|it| speech.name(it.entry) == "says")
        .map(|it| it.start - from..it.end - from)
        .collect();
    let last = verbs.last()?;
    // Two names before a colon with the verb between them: the first speaks of the other.
    let colon = text.find([':', '：']);
    if let Some(colon) = colon.filter(|it| *it > last.end) {
        let mut names = voices.iter().filter(|it| it.1.end <= last.start);
        let other = voices
            .iter()
            .any(|it| it.1.start >= last.end && it.1.start < colon);
        if let (Some((hit, _)), true) = (names.next(), other) {
            return Some(hit);
        }
    }
    let tail = text[last.end..].split_whitespace().count();
    if tail <= 1 {
        let comma = text[..last.start].rfind(',').unwrap_or(usize::MAX);
        let mut names = voices
            .iter()
            .filter(|it| it.1.start > comma && it.1.end <= last.start);
        if let Some((hit, _)) = names.next_back() {
            return Some(hit);
        }
    }
    let follows = |verb: &&Range<usize>| text[..verb.start].trim_end().ends_with(['"', '\'', ',']);
    if let Some(verb) = verbs.iter().rev().find(follows) {
        let mut names = voices.iter().filter(|it| it.1.start >= verb.end);
        if let Some((hit, _)) = names.next_back() {
            return Some(hit);
        }
    }
    let first = verbs.first()?;
    let mut names = voices.iter().filter(|it| it.1.start < first.start);
    names.next().map(|it| it.0)
}

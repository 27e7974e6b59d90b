//! What a topic may be missing: items that did not match and stand near ones that did, and words that
//! they share with those and not with the rest of the news.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use jiff::{SignedDuration, Timestamp};

use crate::text::Words;
use crate::text::language::Script;
use crate::topic::lexicon::{ConceptSet, Field, Lexicon, Reading};
use crate::topic::{Scope, Topic};

/// One archived item as the topic sees it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub id: i64,
    pub at: Timestamp,
    pub title: String,
    pub language: Option<String>,
    pub matched: bool,
    pub score: f64,
    /// Of what the topic's rules look for.
    pub concepts: ConceptSet,
    /// Folded words and runs of characters of the title that no term covers.
    pub grams: HashSet<String>,
}

/// An unmatched item that may have been meant.
#[derive(Debug, Clone)]
pub struct Near<'a> {
    pub item: &'a Seen,
    /// 0..1: shared concepts, weighted by how rare they are.
    pub likeness: f64,
    /// The matched item it is most like.
    pub to: &'a Seen,
}

/// A word that the lexicon does not hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    pub term: String,
    /// Of the matched items and those near them …
    pub near: usize,
    /// … and of all other items.
    pub elsewhere: usize,
    pub example: String,
}

/// Reports of one happening stand this near in time.
const SAME_STORY: SignedDuration = SignedDuration::from_hours(72);
/// Items less alike than this share the subject at most.
const LIKENESS: f64 = 0.5;
/// A term that fewer items use is as likely a typing error as a word.
const MIN_USES: usize = 2;

impl Seen {
    pub fn new(
        id: i64,
        at: Timestamp,
        language: Option<String>,
        words: &Words<'_>,
        reading: &Reading,
        topic: &Topic,
        lexicon: &Lexicon,
    ) -> Self {
        let scored = topic.score(reading, lexicon);
        let mut wanted = ConceptSet::default();
        if let Scope::Rules(scope) = &topic.scope {
            scope
                .rules
                .iter()
                .for_each(|it| wanted.extend(&it.concepts()));
        }
        let mut concepts = ConceptSet::default();
        for id in reading.by_sentence[0]
            .iter()
            .filter(|it| wanted.contains(*it))
        {
            concepts.insert(id);
        }
        Self {
            id,
            at,
            title: words.title.to_owned(),
            language,
            matched: scored.matched,
            score: scored.score,
            concepts,
            grams: grams(words, reading),
        }
    }
}

/// Unmatched items that stand near a matched one in time and share what makes it rare, the nearest
/// first.
pub fn near(seen: &[Seen]) -> Vec<Near<'_>> {
    let weights = weights(seen);
    let weigh = |set: &ConceptSet| set.iter().map(|it| weights[&it]).sum::<f64>();
    let mut matched: Vec<&Seen> = seen.iter().filter(|it| it.matched).collect();
    matched.sort_by_key(|it| it.at);
    let mut found = Vec::new();
    for item in seen
        .iter()
        .filter(|it| !it.matched && !it.concepts.is_empty())
    {
        let from = matched.partition_point(|it| item.at.duration_since(it.at) > SAME_STORY);
        let window = matched[from..]
            .iter()
            .take_while(|it| it.at.duration_since(item.at) <= SAME_STORY);
        let nearest = window
            .map(|to| {
                let shared = item.concepts.common(&to.concepts);
                let mut both = item.concepts;
                both.extend(&to.concepts);
                (weigh(&shared) / weigh(&both), *to)
            })
            .max_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((likeness, to)) = nearest.filter(|it| it.0 >= LIKENESS) {
            found.push(Near { item, likeness, to });
        }
    }
    // Half a match is nearer than a likeness alone.
    let nearness = |it: &Near<'_>| it.likeness + it.item.score;
    found.sort_by(|a, b| nearness(b).total_cmp(&nearness(a)));
    found
}

/// The rarer a concept is in the archive, the more it says.
fn weights(seen: &[Seen]) -> HashMap<crate::topic::lexicon::ConceptId, f64> {
    let mut counts: HashMap<_, f64> = HashMap::new();
    for item in seen {
        for id in item.concepts.iter() {
            *counts.entry(id).or_default() += 1.0;
        }
    }
    let all = f64::from(u32::try_from(seen.len()).unwrap_or(u32::MAX)) + 1.0;
    counts
        .into_iter()
        .map(|(id, count)| (id, (all / count).ln()))
        .collect()
}

/// Words that matched items and those near them use and the rest of the news does not.
pub fn proposals(seen: &[Seen], near: &[Near<'_>]) -> Vec<Proposal> {
    let close: HashSet<i64> = near.iter().map(|it| it.item.id).collect();
    frequent(seen, |item| item.matched || close.contains(&item.id))
}

/// A headline that tells no state, and reports what others tell one of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    pub item: i64,
    pub language: Option<String>,
    pub title: String,
    /// The state that another report of the same development tells, and its headline.
    pub state: String,
    pub other: String,
}

/// For each state the words of headlines that should have told it and of no others: phrases that the ladder may lack.
pub fn phrases(seen: &[Seen], unread: &[Unread]) -> Vec<(String, Proposal)> {
    let mut states: Vec<&str> = unread.iter().map(|it| it.state.as_str()).collect();
    states.sort_unstable();
    states.dedup();
    let mut found = Vec::new();
    for state in states {
        let own: HashSet<i64> = unread
            .iter()
            .filter(|it| it.state == state)
            .map(|it| it.item)
            .collect();
        let proposals = frequent(seen, |item| own.contains(&item.id));
        found.extend(proposals.into_iter().map(|it| (state.to_owned(), it)));
    }
    found
}

/// Words that the items meant here use, and others do not.
fn frequent(seen: &[Seen], is_near: impl Fn(&Seen) -> bool) -> Vec<Proposal> {
    let mut uses: HashMap<&str, (usize, usize, &str)> = HashMap::new();
    // Copies of one wire are one use.
    let mut told: HashSet<&str> = HashSet::new();
    for item in seen.iter().filter(|it| told.insert(&it.title)) {
        for gram in &item.grams {
            let entry = uses.entry(gram).or_insert((0, 0, ""));
            if is_near(item) {
                entry.0 += 1;
                // Where the term is missing it would help.
                if entry.2.is_empty() || !item.matched {
                    entry.2 = &item.title;
                }
            } else {
                entry.1 += 1;
            }
        }
    }
    let mut found: Vec<Proposal> = uses
        .into_iter()
        .filter(|(_, (near, elsewhere, _))| *near >= MIN_USES && near >= elsewhere)
        .map(|(term, (near, elsewhere, example))| Proposal {
            term: term.to_owned(),
            near,
            elsewhere,
            example: example.to_owned(),
        })
        .collect();
    found.sort_by(|a, b| {
        let key = |it: &Proposal| (it.near, it.term.chars().count());
        key(b).cmp(&key(a)).then_with(|| a.term.cmp(&b.term))
    });
    // Runs of characters overlap: of those that say the same the longest is shown.
    let mut kept: Vec<Proposal> = Vec::new();
    for proposal in found {
        let told = |it: &Proposal| {
            it.near == proposal.near
                && (it.example == proposal.example || it.term.contains(&proposal.term))
        };
        if !kept.iter().any(told) {
            kept.push(proposal);
        }
    }
    kept
}

/// Of spaced scripts words and pairs of words, of the others runs of two to four characters.
fn grams(words: &Words<'_>, reading: &Reading) -> HashSet<String> {
    let mut grams = HashSet::new();
    for range in uncovered(words.title, reading) {
        let folded = crate::text::fold::fold(&words.title[range]);
        let mut before: Option<&str> = None;
        for word in folded.split(|c: char| !c.is_alphanumeric()) {
            let unspaced = word
                .chars()
                .any(|c| Script::of(c).is_some_and(Script::is_unspaced));
            if unspaced {
                let characters: Vec<char> = word.chars().collect();
                for size in 2..=4 {
                    grams.extend(
                        characters
                            .windows(size)
                            .map(|it| it.iter().collect::<String>()),
                    );
                }
            } else if word.chars().count() > 3 && word.chars().all(char::is_alphabetic) {
                if let Some(before) = before {
                    grams.insert(format!("{before} {word}"));
                }
                grams.insert(word.to_owned());
            }
            before = (!unspaced && word.chars().count() > 2).then_some(word);
        }
    }
    grams
}

/// The parts of the title that no hit covers.
fn uncovered(title: &str, reading: &Reading) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut from = 0;
    for hit in reading.hits.iter().filter(|it| it.field == Field::Title) {
        if hit.start > from {
            parts.push(from..hit.start);
        }
        from = from.max(hit.end);
    }
    parts.push(from..title.len());
    parts
}

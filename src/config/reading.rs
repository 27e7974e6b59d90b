//! The files of `reading/` → [`Tables`]: phrases of the ladder, wording that says nothing, and
//! whom reports name as their source.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::config::fault::{Fault, Faults, Text};
use crate::config::{shipped, unreadable};
use crate::story::Tables;
use crate::story::ladder::State;
use crate::story::origin::{Named, Origins};
use crate::story::step::{CUES, Ladder};
use crate::story::wording::Wording;
use crate::topic::lexicon::{Concept, ConceptId, ConceptSet, Kind, Lexicon};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WordingFile {
    labels: Vec<String>,
    comments: Vec<String>,
    serials: Vec<String>,
    no_news: Vec<String>,
    stop: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LadderFile {
    parties: BTreeMap<String, Vec<String>>,
    official: OfficialFile,
    meeting: MeetingFile,
    state: BTreeMap<String, PhrasesFile>,
    cue: BTreeMap<String, PhrasesFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfficialFile {
    concepts: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MeetingFile {
    concepts: Vec<String>,
    countries: Vec<String>,
}

/// `gloss`, and phrases by language.
#[derive(Debug, Deserialize)]
struct PhrasesFile {
    gloss: String,
    #[serde(flatten)]
    languages: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AttributionFile {
    origin: Vec<OriginFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OriginFile {
    concept: String,
    name: String,
    #[serde(default)]
    families: Vec<String>,
}

/// Reads the files of `directory`, each of which may be missing, over the shipped ones. Concepts
/// that a lexicon of another subject lacks are passed over.
pub(super) fn tables(directory: Option<&Path>, lexicon: &Lexicon) -> Result<Tables, Faults> {
    let mut faults = Faults::default();
    let wording = read(
        directory,
        "wording.toml",
        &mut faults,
        |file: WordingFile, _| {
            let words = file.stop.values().flat_map(|it| it.split_whitespace());
            Ok(Wording::new(
                &file.labels,
                &file.comments,
                &file.serials,
                &file.no_news,
                words,
            ))
        },
    );
    let ladder = read(
        directory,
        "ladder.toml",
        &mut faults,
        |file: LadderFile, name| ladder(&file, name, lexicon),
    );
    let origins = read(
        directory,
        "attribution.toml",
        &mut faults,
        |file: AttributionFile, _| {
            let named = file.origin.into_iter().filter_map(|it| {
                Some(Named {
                    concept: lexicon.id(&it.concept)?,
                    name: it.name,
                    families: it.families,
                })
            });
            Ok(Origins(named.collect()))
        },
    );
    match (wording, ladder, origins) {
        (Some(wording), Some(ladder), Some(origins)) => Ok(Tables {
            wording,
            ladder,
            origins,
        }),
        _ => Err(faults),
    }
}

fn read<F: serde::de::DeserializeOwned, T>(
    directory: Option<&Path>,
    name: &str,
    faults: &mut Faults,
    build: impl FnOnce(F, &str) -> Result<T, Faults>,
) -> Option<T> {
    let path = directory.map(|it| it.join(name)).filter(|it| it.exists());
    let (file, text) = match path {
        None => (name.to_owned(), Ok(shipped::reading(name).to_owned())),
        Some(path) => (path.display().to_string(), std::fs::read_to_string(&path)),
    };
    let built = match text {
        Err(error) => Err(Fault::new(&file, None, unreadable(&error)).into()),
        Ok(text) => Text {
            file: &file,
            text: &text,
        }
        .parse()
        .and_then(|parsed| build(parsed, &file)),
    };
    built.map_err(|mut more| faults.append(&mut more)).ok()
}

fn ladder(file: &LadderFile, name: &str, lexicon: &Lexicon) -> Result<Ladder, Faults> {
    let mut faults = Faults::default();
    let unknown =
        |what: &str, it: &str| Fault::new(name, None, format!("there is no {what} \"{it}\""));
    for state in file.state.keys().filter(|it| State::of(it).is_none()) {
        faults.push(unknown("state", state));
    }
    for cue in file.cue.keys().filter(|it| !CUES.contains(&it.as_str())) {
        faults.push(unknown("cue", cue));
    }
    let concepts = file.state.iter().chain(&file.cue).map(|(id, phrases)| {
        let mut terms: Vec<String> = phrases.languages.values().flatten().cloned().collect();
        terms.sort();
        terms.dedup();
        Concept {
            id: id.clone(),
            gloss: phrases.gloss.clone(),
            kind: Kind::State,
            terms,
            also: Vec::new(),
        }
    });
    let phrases = Lexicon::new(concepts.collect())
        .map_err(|error| faults.push(Fault::new(name, None, error.to_string())));
    let set = |names: &[String]| {
        let mut set = ConceptSet::default();
        let ids = names.iter().filter_map(|it| lexicon.id(it));
        ids.for_each(|id: ConceptId| set.insert(id));
        set
    };
    let parties = file
        .parties
        .iter()
        .map(|(name, it)| (name.clone(), set(it)));
    let parties = parties.collect();
    match faults.or(phrases)? {
        Ok(phrases) => Ok(Ladder {
            phrases,
            parties,
            officials: set(&file.official.concepts),
            meetings: set(&file.meeting.concepts),
            countries: set(&file.meeting.countries),
        }),
        Err(()) => unreachable!("its fault was pushed"),
    }
}

//! The files of `reading/` → [`Tables`]: how headlines are read, whom reports name as their source,
//! and the weights by which reports are compared and told.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::config::fault::{Fault, Faults, Text};
use crate::config::topics::PhrasesFile;
use crate::config::{shipped, unreadable};
use crate::story::Tables;
use crate::story::context::CONTEXT;
use crate::story::headline::{Mark, MarkTable, labels};
use crate::story::ladder::State;
use crate::story::numbers::Months;
use crate::story::origin::{Named, Origins};
use crate::story::phrases::{Entry, Pattern, Phrasebook};
use crate::story::report::predicate_key;
use crate::story::signs::{LIKENESS, WEIGHT};
use crate::story::speaker::{Cast, Deciders};
use crate::story::statement::{CUES, Matter, MatterNames, Reader};
use crate::story::weights::{Scales, Sum, Times, Weights};
use crate::story::wording::{TermWeights, Wording};
use crate::text::fold::fold;
use crate::topic::lexicon::{ConceptId, ConceptSet, Lexicon};
use crate::topic::{Course, Engine};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WordingFile {
    common: Vec<String>,
    weight: TermWeightsFile,
    quote: QuoteFile,
    months: BTreeMap<String, Vec<String>>,
    stop: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TermWeightsFile {
    concept: (f64, f64),
    number: (f64, f64),
    predicate: (f64, f64),
    place: (f64, f64),
    lead: f64,
    common: f64,
    floor: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct QuoteFile {
    fresh: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LadderFile {
    places: PlacesFile,
    /// Words over which no gap reaches, by language.
    #[serde(default)]
    stop: BTreeMap<String, Vec<String>>,
    /// Words that phrases name together, by the name of the set and language.
    #[serde(default)]
    set: Sets,
    state: BTreeMap<String, PhrasesFile>,
    cue: BTreeMap<String, PhrasesFile>,
}

type Sets = BTreeMap<String, BTreeMap<String, Vec<String>>>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlacesFile {
    countries: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PredicatesFile {
    predicate: BTreeMap<String, PhrasesFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpeechFile {
    speech: BTreeMap<String, PhrasesFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpeakersFile {
    leaders: Vec<String>,
    state_voices: Vec<String>,
    states: Vec<String>,
    one_voice: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MarksFile {
    #[serde(default)]
    opinion_paths: Vec<String>,
    mark: BTreeMap<String, MarkFile>,
}

/// `where`, `gloss`, and phrases by language. `is` names the mark where the table has another name.
#[derive(Debug, Deserialize)]
struct MarkFile {
    r#where: Where,
    #[serde(default)]
    is: Option<String>,
    gloss: String,
    #[serde(flatten)]
    languages: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Where {
    Label,
    End,
    Anywhere,
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

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WeightsFile {
    time: TimeFile,
    same: SameFile,
    context: ContextFile,
    news: NewsFile,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimeFile {
    late_hours: u32,
    current_days: u32,
    warm_hours: u32,
    covers_hours: u32,
    hot_reports: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SameFile {
    chance: f64,
    long_hours: f64,
    bias: f64,
    join: f64,
    join_other_script: f64,
    story: f64,
    opposed: Vec<(String, String)>,
    window_hours: u64,
    life_hours: u64,
    sign: BTreeMap<String, SignFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ContextFile {
    bias: f64,
    take_in: f64,
    take_in_new: f64,
    sign: BTreeMap<String, SignFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewsFile {
    bias: f64,
    tell: f64,
    doubt: f64,
    acts: Vec<String>,
    sign: BTreeMap<String, SignFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignFile {
    weight: f64,
    gloss: String,
}

/// Reads the files of `directory`, each of which may be missing, over the shipped ones. Concepts
/// that a lexicon of another subject lacks are passed over.
pub(super) fn tables(directory: Option<&Path>, engine: &Engine) -> Result<Tables, Faults> {
    let lexicon = &engine.lexicon;
    let mut faults = Faults::default();
    let mut files = Files {
        directory,
        faults: &mut faults,
    };
    let wording = files.read("wording.toml", |file: WordingFile, _| Ok(wording(&file)));
    let ladder = files.read("ladder.toml", |file: LadderFile, name| {
        let countries = set(lexicon, &file.places.countries);
        let cues = entries(file.cue, &file.set, name)?;
        let states = entries(file.state, &file.set, name)?;
        let shared = Shared {
            cues,
            sets: file.set,
            stops: file.stop.into_values().flatten().collect(),
        };
        let ladder = ladder(states, &shared, name)?;
        Ok((countries, ladder, shared))
    });
    let predicates = files.read("predicates.toml", |file: PredicatesFile, name| {
        book(file.predicate, name)
    });
    let speech = files.read("speech.toml", |file: SpeechFile, name| {
        book(file.speech, name)
    });
    let cast = files.read("speakers.toml", |file: SpeakersFile, _| {
        let deciders = Deciders {
            leaders: set(lexicon, &file.leaders),
            state_voices: set(lexicon, &file.state_voices),
        };
        Ok((cast(&file, lexicon), deciders))
    });
    let marks = files.read("marks.toml", marks);
    let origins = files.read("attribution.toml", |file: AttributionFile, _| {
        let named = file.origin.into_iter().filter_map(|it| {
            Some(Named {
                concept: lexicon.id(&it.concept)?,
                name: it.name,
                families: it.families,
            })
        });
        Ok(Origins(named.collect()))
    });
    let weights = files.read("weights.toml", weights);
    let (
        Some((wording, months)),
        Some((countries, ladder, shared)),
        Some(predicates),
        Some(speech),
    ) = (wording, ladder, predicates, speech)
    else {
        return Err(faults);
    };
    let (Some((cast, deciders)), Some(marks), Some(origins), Some(weights)) =
        (cast, marks, origins, weights)
    else {
        return Err(faults);
    };
    let matters = matters(engine, &deciders, &shared, &mut faults);
    faults.or(Tables {
        matters,
        no_matter: Matter {
            deciders,
            ..Matter::default()
        },
        wording,
        reader: Reader {
            cast,
            ladder,
            countries,
            predicates,
            speech,
            marks,
            months,
        },
        origins,
        weights,
    })
}

struct Files<'a> {
    directory: Option<&'a Path>,
    faults: &'a mut Faults,
}

impl Files<'_> {
    fn read<F: serde::de::DeserializeOwned, T>(
        &mut self,
        name: &str,
        build: impl FnOnce(F, &str) -> Result<T, Faults>,
    ) -> Option<T> {
        let path = self
            .directory
            .map(|it| it.join(name))
            .filter(|it| it.exists());
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
        built.map_err(|mut more| self.faults.append(&mut more)).ok()
    }
}

fn set(lexicon: &Lexicon, names: &[String]) -> ConceptSet {
    let mut set = ConceptSet::default();
    let ids = names.iter().filter_map(|it| lexicon.id(it));
    ids.for_each(|id: ConceptId| set.insert(id));
    set
}

fn wording(file: &WordingFile) -> (Wording, Months) {
    let words = file.stop.values().flat_map(|it| it.split_whitespace());
    let months = file.months.values().flat_map(|names| names.iter().zip(1..));
    let months =
        months.flat_map(|(names, n)| names.split_whitespace().map(move |it| (fold(it), n)));
    let mut wording = Wording::new(&file.common, words);
    let weight = &file.weight;
    wording.fresh = file.quote.fresh;
    wording.weight = TermWeights {
        concept: weight.concept,
        number: weight.number,
        predicate: weight.predicate,
        place: weight.place,
        lead: weight.lead,
        common: weight.common,
        floor: weight.floor,
    };
    (wording, Months(months.collect()))
}

/// What the ladders of all topics share.
struct Shared {
    cues: Vec<Entry>,
    sets: Sets,
    stops: Vec<String>,
}

/// A phrase as a pattern, with the words of its language for the sets that it names.
fn pattern(written: &str, language: &str, sets: &Sets, file: &str) -> Result<Pattern, Fault> {
    let words = |name: &str| sets.get(name)?.get(language).cloned();
    Pattern::parse(written, words).map_err(|set| {
        let message =
            format!("the phrase \"{written}\" names the set \"{set}\", which has no {language}");
        Fault::new(file, None, message)
    })
}

fn entry(name: String, phrases: PhrasesFile, sets: &Sets, file: &str) -> Result<Entry, Fault> {
    let mut all = Vec::new();
    for (language, written) in &phrases.languages {
        for it in written {
            all.push(pattern(it, language, sets, file)?);
        }
    }
    all.sort();
    all.dedup();
    Ok(Entry {
        name,
        gloss: phrases.gloss,
        phrases: all,
    })
}

fn entries(
    table: BTreeMap<String, PhrasesFile>,
    sets: &Sets,
    file: &str,
) -> Result<Vec<Entry>, Fault> {
    let table = table.into_iter();
    table
        .map(|(name, it)| entry(name, it, sets, file))
        .collect()
}

fn book(table: BTreeMap<String, PhrasesFile>, name: &str) -> Result<Phrasebook, Faults> {
    let entries = entries(table, &Sets::new(), name)?;
    Phrasebook::new(entries).map_err(|error| Fault::new(name, None, error.to_string()).into())
}

/// The states of a matter, and the cues that turn them.
fn ladder(states: Vec<Entry>, shared: &Shared, name: &str) -> Result<Phrasebook, Faults> {
    let mut faults = Faults::default();
    let unknown = |what: &str, it: &Entry| {
        Fault::new(name, None, format!("there is no {what} \"{}\"", it.name))
    };
    for state in states.iter().filter(|it| State::of(&it.name).is_none()) {
        faults.push(unknown("state", state));
    }
    for cue in shared
        .cues
        .iter()
        .filter(|it| !CUES.contains(&it.name.as_str()))
    {
        faults.push(unknown("cue", cue));
    }
    let all = states.into_iter().chain(shared.cues.iter().cloned());
    let built = Phrasebook::new(all)
        .map(|it| it.with_stops(&shared.stops))
        .map_err(|error| faults.push(Fault::new(name, None, error.to_string())));
    match faults.or(built)? {
        Ok(book) => Ok(book),
        Err(()) => unreachable!("its fault was pushed"),
    }
}

/// The matters of the topics that have one.
fn matters(
    engine: &Engine,
    deciders: &Deciders,
    shared: &Shared,
    faults: &mut Faults,
) -> BTreeMap<String, Matter> {
    let mut matters = BTreeMap::new();
    for topic in &engine.topics {
        let Some(course) = &topic.course else {
            continue;
        };
        match matter(course, deciders, shared, &topic.name) {
            Ok(matter) => {
                matters.insert(topic.name.clone(), matter);
            }
            Err(mut more) => faults.append(&mut more),
        }
    }
    matters
}

/// The matter of a topic, which may have a ladder of its own.
fn matter(
    course: &Course,
    deciders: &Deciders,
    shared: &Shared,
    topic: &str,
) -> Result<Matter, Faults> {
    let own = (!course.states.is_empty()).then(|| {
        let states = course.states.iter().map(|(name, it)| {
            let phrases = it.phrases.iter();
            let phrases = phrases.map(|(language, it)| pattern(it, language, &shared.sets, topic));
            Ok(Entry {
                name: name.clone(),
                gloss: it.gloss.clone(),
                phrases: phrases.collect::<Result<_, Fault>>()?,
            })
        });
        ladder(states.collect::<Result<_, Fault>>()?, shared, topic)
    });
    let glosses = course.states.iter();
    let glosses = glosses.map(|(name, it)| (name.clone(), it.gloss.clone()));
    let is_meeting = course.noun == "meeting";
    let mut deciders = deciders.clone();
    deciders.leaders.extend(&course.leaders);
    deciders.state_voices.extend(&course.state_voices);
    Ok(Matter {
        parties: course.parties.clone(),
        officials: course.officials,
        deciders,
        events: course.events,
        ladder: own.transpose()?,
        has_venue: course.has_venue,
        names: MatterNames {
            noun: if is_meeting {
                String::new()
            } else {
                course.noun.clone()
            },
            states: glosses.collect(),
        },
    })
}

fn cast(file: &SpeakersFile, lexicon: &Lexicon) -> Cast {
    let voices = file.one_voice.iter().filter_map(|(voice, names)| {
        let voice = lexicon.id(voice)?;
        Some(
            names
                .iter()
                .filter_map(move |it| Some((lexicon.id(it)?, voice))),
        )
    });
    Cast {
        states: set(lexicon, &file.states),
        one_voice: voices.flatten().collect(),
    }
}

fn marks(file: MarksFile, name: &str) -> Result<MarkTable, Faults> {
    let mut faults = Faults::default();
    let (mut label, mut serials, mut anywhere) = (Vec::new(), Vec::new(), Vec::new());
    for (id, table) in file.mark {
        let named = table.is.unwrap_or(id);
        let Some(mark) = Mark::of(&named) else {
            faults.push(Fault::new(
                name,
                None,
                format!("there is no mark \"{named}\""),
            ));
            continue;
        };
        let written = || table.languages.values().flatten();
        match table.r#where {
            Where::Label => label.extend(written().map(|it| (it.clone(), mark))),
            Where::End => serials.extend(written().map(|it| fold(it))),
            Where::Anywhere => {
                let phrases = PhrasesFile {
                    gloss: table.gloss,
                    languages: table.languages,
                };
                anywhere.push(entry(named, phrases, &Sets::new(), name)?);
            }
        }
    }
    let anywhere = Phrasebook::new(anywhere)
        .map_err(|error| faults.push(Fault::new(name, None, error.to_string())));
    match faults.or(anywhere)? {
        Ok(anywhere) => Ok(MarkTable {
            labels: labels(label),
            serials,
            anywhere,
            opinion_paths: file.opinion_paths,
        }),
        Err(()) => unreachable!("its fault was pushed"),
    }
}

const HOUR: u64 = 3_600;

fn weights(file: WeightsFile, name: &str) -> Result<Weights, Faults> {
    let mut faults = Faults::default();
    let WeightsFile {
        time,
        same,
        context,
        news,
    } = file;
    let weights = Weights {
        same: sum(same.bias, same.sign, LIKENESS, "same", name, &mut faults),
        scales: Scales {
            opposed: same
                .opposed
                .iter()
                .map(|(a, b)| (predicate_key(a), predicate_key(b)))
                .collect(),
            chance: same.chance,
            long_hours: same.long_hours,
        },
        times: Times {
            late: i64::from(time.late_hours) * 3_600,
            current: i64::from(time.current_days) * 24 * 3_600,
            warm: i64::from(time.warm_hours) * 3_600,
            covers: i64::from(time.covers_hours) * 3_600,
            hot: f64::from(time.hot_reports),
        },
        join: same.join,
        join_other_script: same.join_other_script,
        story: same.story,
        window: std::time::Duration::from_secs(same.window_hours.saturating_mul(HOUR)),
        life: std::time::Duration::from_secs(same.life_hours.saturating_mul(HOUR)),
        context: sum(
            context.bias,
            context.sign,
            CONTEXT,
            "context",
            name,
            &mut faults,
        ),
        take_in: context.take_in,
        take_in_new: context.take_in_new,
        news: sum(news.bias, news.sign, WEIGHT, "news", name, &mut faults),
        tell: news.tell,
        doubt: news.doubt,
        acts: news.acts,
    };
    faults.or(weights)
}

/// A sign that the file leaves out weighs nothing.
fn sum<const N: usize>(
    bias: f64,
    mut table: BTreeMap<String, SignFile>,
    names: [&str; N],
    part: &str,
    file: &str,
    faults: &mut Faults,
) -> Sum<N> {
    let mut sum = Sum {
        bias,
        weights: [0.0; N],
        glosses: names.map(str::to_owned),
    };
    for (at, name) in names.iter().enumerate() {
        if let Some(sign) = table.remove(*name) {
            sum.weights[at] = sign.weight;
            sum.glosses[at] = sign.gloss;
        }
    }
    for unknown in table.keys() {
        let said = format!("[{part}.sign] names \"{unknown}\", which is no sign");
        faults.push(Fault::new(file, None, said));
    }
    sum
}

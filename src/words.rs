//! The words that people see for what the archive spells in codes. One table each, used by every surface;
//! `docs/words.md` is made of them. Pure.

pub mod acts;

use crate::story::ladder::State;

/// A code of the archive with its word for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// As the archive and configuration spell it.
    pub name: &'static str,
    pub word: &'static str,
    /// What it means, for who looks it up.
    pub meaning: &'static str,
}

const fn word(name: &'static str, word: &'static str, meaning: &'static str) -> Word {
    Word {
        name,
        word,
        meaning,
    }
}

/// Kinds of developments and of other messages.
pub const KINDS: [Word; 12] = [
    word(
        "opens",
        "new story",
        "the first report of a story that nobody has told",
    ),
    word(
        "fact",
        "new",
        "something said or done that no report told before",
    ),
    word(
        "state",
        "meeting",
        "the meeting stands elsewhere than before",
    ),
    word(
        "official",
        "official",
        "the first official word on what unnamed sources told",
    ),
    word(
        "correction",
        "correction",
        "what was told has been changed or withdrawn",
    ),
    word(
        "report",
        "report",
        "a further report of a story, for a reader who follows it",
    ),
    word("feed-health", "feed", "to the operator: how a feed is"),
    word(
        "channel-health",
        "channel",
        "to the operator: how a channel is",
    ),
    word(
        "offline",
        "offline",
        "to the operator: no feed can be reached",
    ),
    word(
        "online",
        "online",
        "to the operator: feeds can be reached again",
    ),
    word(
        "archive",
        "archive",
        "to the operator: the archive needs care",
    ),
    word("test", "test", "somebody asked for a test message"),
];

/// Where a meeting stands; the words are those of [`State::gloss`].
pub const STATES: [(State, &str); 15] = [
    (State::Floated, "somebody says that a meeting is possible"),
    (State::Wished, "one side wants it"),
    (State::Proposed, "one side offers it"),
    (State::Planned, "it is said to be planned"),
    (State::Confirmed, "one side has confirmed it"),
    (State::Agreed, "both sides have confirmed it"),
    (State::Dated, "its day is set"),
    (State::Placed, "its place is set"),
    (State::UnderWay, "it is taking place"),
    (State::Outcome, "it has ended"),
    (
        State::Revived,
        "it stands again after it was put off or called off",
    ),
    (State::Doubted, "one side says that it may not take place"),
    (State::Declined, "one side has said no"),
    (State::Postponed, "it is put off to a later day"),
    (State::Cancelled, "it is called off"),
];

/// What was decided about an item or a development: told, or why not.
pub const VERDICTS: [Word; 11] = [
    word("alert", "told", "an alert told it"),
    word(
        "held",
        "held for a second source",
        "an alert waits until a second source has it, or its time is up",
    ),
    word(
        "told",
        "repeats what was told",
        "the development was told already",
    ),
    word(
        "copy",
        "a copy",
        "it has the words of an item that was told",
    ),
    word(
        "doubtful",
        "waits for a second report",
        "it may be a development that is known",
    ),
    word(
        "slight",
        "too slight to tell",
        "it weighs too little for an alert",
    ),
    word(
        "budget",
        "over the hour's alerts",
        "the topic has had its alerts of the hour",
    ),
    word(
        "flood",
        "over its outlet's alerts",
        "its outlet has caused its alerts of the hour",
    ),
    word("comment", "commentary", "somebody's view, or a question"),
    word("past", "looks back", "it tells again what is long past"),
    word(
        "history",
        "old when first seen",
        "it was published too long before it was seen",
    ),
];

/// What an item is to its development.
pub const ROLES: [Word; 3] = [
    word("first", "first report", "no item told it earlier"),
    word(
        "update",
        "adds a detail",
        "it adds a day, a place or a number",
    ),
    word("repeat", "repeats it", "it adds nothing"),
];

/// What readers do to stories and developments.
pub const ACTS: [Word; 6] = [
    word(
        "mute",
        "muted",
        "alerts nobody until its meeting stands elsewhere, or until a time",
    ),
    word(
        "follow",
        "followed",
        "every development of it is told, however slight",
    ),
    word(
        "wrong",
        "wrong",
        "it does not belong to the topic; a case for who writes rules",
    ),
    word(
        "not-news",
        "not news",
        "it is on topic and was not worth an alert",
    ),
    word("star", "starred", "a reader comes back to it"),
    word("note", "note", "a reader's words"),
];

/// Languages that are watched, and some that feeds announce.
pub const LANGUAGES: [Word; 12] = [
    word("en", "English", ""),
    word("ko", "Korean", ""),
    word("ja", "Japanese", ""),
    word("zh", "Chinese", ""),
    word("ru", "Russian", ""),
    word("fr", "French", ""),
    word("de", "German", ""),
    word("es", "Spanish", ""),
    word("vi", "Vietnamese", ""),
    word("ar", "Arabic", ""),
    word("pt", "Portuguese", ""),
    word("it", "Italian", ""),
];

fn look<'a>(table: &[Word], name: &'a str) -> &'a str {
    let found = table.iter().find(|it| it.name == name);
    found.map_or(name, |it| it.word)
}

/// Every word that people see for a code, as a page in Markdown.
pub fn document() -> String {
    let mut out = String::from(
        "# Words that people see\n\nMade from the tables of [src/words.rs](../src/words.rs) by `UPDATE_DOCS=1 cargo test words`. \
         Commands, pages, messages, digests and the calendar use these words and no others. Where a headline is not in \
         English, what it says is composed from the phrases at the end.\n",
    );
    let mut table = |title: &str, note: &str, rows: &[[&str; 3]]| {
        out.push_str(&format!(
            "\n## {title}\n\n{note}\n\n| code | word | |\n|---|---|---|\n"
        ));
        for [name, word, meaning] in rows {
            out.push_str(&format!("| `{name}` | {word} | {meaning} |\n"));
        }
    };
    let states = STATES.map(|it| [it.0.as_str(), it.0.gloss(), it.1]);
    table(
        "Where a meeting stands",
        "In capitals at the head of an alert.",
        &states,
    );
    for (title, note, words) in [
        (
            "Kinds of messages",
            "In capitals at the head of an alert that tells no change of state.",
            &KINDS[..],
        ),
        ("What was decided", "Told, or why not.", &VERDICTS),
        ("What a report is to its development", "", &ROLES),
        ("What readers do", "", &ACTS),
        ("Languages", "", &LANGUAGES),
    ] {
        let rows: Vec<[&str; 3]> = words
            .iter()
            .map(|it| [it.name, it.word, it.meaning])
            .collect();
        table(title, note, &rows);
    }
    let states = STATES.map(|it| {
        let (does, alone) = acts::stands(it.0);
        [it.0.as_str(), does, alone]
    });
    table(
        "Phrases for states",
        "With who says or does it before, and alone.",
        &states,
    );
    let phrases: Vec<[&str; 3]> = acts::ACTS
        .iter()
        .map(|it| [it.name, it.does, it.done])
        .collect();
    table(
        "Phrases for predicates",
        "With who does it before, and after what it is about; the strongest first.",
        &phrases,
    );
    out
}

/// What kind of development, or of message.
pub fn kind(name: &str) -> &str {
    look(&KINDS, name)
}

/// What was decided, for people.
pub fn verdict(code: &str) -> &str {
    match code {
        // Of an archive that an earlier release wrote.
        "floor" => "its story was told a short while before",
        _ => look(&VERDICTS, code),
    }
}

/// Why no alert told it.
pub fn why_not(code: &str) -> &str {
    verdict(code)
}

/// What a reader did.
pub fn act(kind: &str) -> &str {
    look(&ACTS, kind)
}

/// What an item is to its development.
pub fn role(name: &str) -> &str {
    look(&ROLES, name)
}

/// Where a meeting stands. Every surface uses this name.
pub fn state(name: &str) -> &str {
    match State::of(name) {
        Some(state) => state.gloss(),
        None => name,
    }
}

/// The English name of a language; its tag where it is none of those that are watched.
pub fn language_name(tag: &str) -> &str {
    match tag.split(['-', '_']).next() {
        None | Some("") => "unknown",
        Some(code) => match look(&LANGUAGES, code) {
            name if name == code => tag,
            name => name,
        },
    }
}

/// `1 report`, `2 reports`.
pub fn counted(n: usize, one: &str, many: &str) -> String {
    match n {
        1 => format!("1 {one}"),
        n => format!("{n} {many}"),
    }
}

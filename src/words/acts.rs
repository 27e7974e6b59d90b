//! How a statement is said in English: a phrase for each predicate and each state, and names for what
//! headlines are about. Data, in the order of strength. Pure.

use crate::story::ladder::State;

/// How one predicate is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Act {
    /// Of `config/reading/predicates.toml`.
    pub name: &'static str,
    /// With who acts before it: "Kim Yo Jong rejects".
    pub does: &'static str,
    /// Where nobody is named, after the matter: "Talks rejected".
    pub done: &'static str,
    pub takes: Takes,
}

/// What follows the phrase of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// The matter, and with whom: "rejects talks with the United States". Else this.
    Matter(&'static str),
    /// Whom it is done to: "condemns South Korea".
    Whom,
    /// With whom, after this word: "speaks of a meeting with Kim Jong Un".
    With(&'static str),
    Nothing,
    /// No act: when something is, after everything else.
    Time,
}

impl Act {
    /// It only names what is spoken of.
    pub fn is_weak(&self) -> bool {
        self.does.starts_with("speaks of ")
    }
}

const fn act(name: &'static str, does: &'static str, done: &'static str, takes: Takes) -> Act {
    Act {
        name,
        does,
        done,
        takes,
    }
}

use Takes::{Matter, Nothing, Time, Whom, With};

/// The strongest first: of several predicates of a headline the first ones are said.
pub const ACTS: [Act; 95] = [
    act(
        "cancel",
        "calls off",
        "called off",
        Matter("what was planned"),
    ),
    act(
        "postpone",
        "puts off",
        "put off",
        Matter("what was planned"),
    ),
    act(
        "revive",
        "takes up again",
        "on again",
        Matter("what was stopped"),
    ),
    act(
        "correct",
        "corrects a report",
        "a report corrected",
        Nothing,
    ),
    act("deny", "denies", "denied", Matter("it")),
    act("refuse", "rejects", "rejected", Matter("it")),
    act("agree", "agrees to", "agreed", Matter("it")),
    act("confirm", "confirms", "confirmed", Matter("it")),
    act("set-place", "names the place", "place named", Nothing),
    act("set-date", "names the day", "day named", Nothing),
    act("move", "moves", "moved", Matter("the plan")),
    act("sign", "signs", "signed", Matter("a text")),
    act("fail", "ends without a result", "without a result", Nothing),
    act("begin", "opens", "begun", Matter("the meeting")),
    act("end", "ends", "over", Matter("the meeting")),
    act("arrive", "arrives", "arrival", Nothing),
    act("depart", "sets out", "departure", Nothing),
    act("invite", "invites", "invitation", Whom),
    act("propose", "proposes", "proposed", Matter("an offer")),
    act(
        "condition",
        "sets a condition for",
        "a condition is set",
        Matter("it"),
    ),
    act("threaten", "warns", "a warning", Whom),
    act("halt", "halts", "halted", Matter("what was going on")),
    act("doubt", "doubts", "in doubt", Matter("it")),
    act("launch", "fires a missile", "a missile is fired", Nothing),
    act(
        "weapons-test",
        "tests a weapon",
        "a weapon is tested",
        Nothing,
    ),
    act("attack", "attacks", "an attack", Whom),
    act("shoot-down", "shoots down", "shot down", Whom),
    act("seize", "seizes", "seized", Matter("it")),
    act(
        "kill",
        "speaks of dead and injured",
        "people are dead or injured",
        Nothing,
    ),
    act(
        "power",
        "speaks of a change of rule",
        "a sudden change of rule",
        Nothing,
    ),
    act(
        "release",
        "frees people who were held",
        "people who were held are freed",
        Nothing,
    ),
    act("detain", "detains people", "people are detained", Nothing),
    act("withdraw", "withdraws", "a withdrawal", Nothing),
    act(
        "deploy",
        "sends forces or arms",
        "forces or arms are sent",
        Nothing,
    ),
    act("ceasefire", "speaks of a ceasefire", "a ceasefire", Nothing),
    act("expel", "expels", "an expulsion", Whom),
    act(
        "recall-envoy",
        "recalls its envoy",
        "an envoy is recalled",
        Nothing,
    ),
    act("summon", "summons", "summoned", Whom),
    act("send-envoy", "sends an envoy", "an envoy is sent", Nothing),
    act("resign", "steps down", "a resignation", Nothing),
    act(
        "appoint",
        "names somebody to a post",
        "an appointment",
        Nothing,
    ),
    act("veto", "vetoes", "vetoed", Matter("it")),
    act("vote", "votes on", "a vote", Matter("a text")),
    act("in-force", "brings into force", "in force", Matter("it")),
    act("ruling", "rules", "a court rules", Nothing),
    act("charge", "brings charges", "charges", Nothing),
    act("sue", "goes to court", "taken to court", Nothing),
    act("protest", "speaks of protests", "protests", Nothing),
    act("elect", "speaks of an election", "an election", Nothing),
    act("sanction", "acts on sanctions", "sanctions", Nothing),
    act(
        "drill",
        "speaks of military exercises",
        "military exercises",
        Nothing,
    ),
    act(
        "denuclearize",
        "speaks of giving up nuclear arms",
        "giving up nuclear arms",
        Nothing,
    ),
    act(
        "nuclear-status",
        "speaks of standing as a nuclear power",
        "standing as a nuclear power",
        Nothing,
    ),
    act(
        "secret",
        "speaks of secret contacts",
        "secret contacts",
        With("with"),
    ),
    act("contact", "speaks of contact", "contact", With("with")),
    act("meet", "speaks of a meeting", "a meeting", With("with")),
    act(
        "phone",
        "speaks of a telephone call",
        "a telephone call",
        With("with"),
    ),
    act(
        "letter",
        "speaks of a letter",
        "a letter",
        With("involving"),
    ),
    act("trip", "speaks of a trip", "a trip", Nothing),
    act("want", "wants", "wished for", Matter("it")),
    act("no-rush", "is in no hurry", "no hurry", Nothing),
    act("prepare", "prepares", "prepared", Matter("a step")),
    act("promise", "makes a pledge", "a pledge", Nothing),
    act("ask", "makes a demand on", "a demand", Whom),
    act("reply", "replies", "a reply", Nothing),
    act("mediate", "offers to mediate", "mediation", Nothing),
    act("aid", "speaks of aid", "aid", Nothing),
    act("trade", "speaks of trade", "trade", Nothing),
    act(
        "extend",
        "prolongs",
        "prolonged",
        Matter("what would have run out"),
    ),
    act("deadline", "sets a deadline", "a deadline", Nothing),
    act(
        "progress",
        "speaks of how talks advance",
        "how talks advance",
        Nothing,
    ),
    act("escalate", "speaks of tension", "tension", Nothing),
    act(
        "reveal",
        "reveals what was hidden",
        "something hidden is revealed",
        Nothing,
    ),
    act("condemn", "condemns", "a protest", Whom),
    act("regret", "regrets", "regret", Matter("it")),
    act("welcome", "welcomes", "welcomed", Matter("it")),
    act("praise", "speaks well of", "praise", Whom),
    act("thank", "thanks", "thanks", Whom),
    act("apologize", "apologises", "an apology", Nothing),
    act(
        "abduction",
        "speaks of the abducted",
        "the abducted and their families",
        Nothing,
    ),
    act("defect", "speaks of a defection", "a defection", Nothing),
    act("market", "moves markets", "markets react", Nothing),
    act("poll", "publishes a poll", "a poll", Nothing),
    act("today", "", "today", Time),
    act("tomorrow", "", "tomorrow", Time),
    act("soon", "", "soon", Time),
    act("this-week", "", "this week", Time),
    act("next-week", "", "next week", Time),
    act("next-month", "", "this month or next", Time),
    act("spring", "", "in spring", Time),
    act("summer", "", "in summer", Time),
    act("autumn", "", "in autumn", Time),
    act("winter", "", "in winter", Time),
    act("this-year", "", "this year", Time),
    act("next-year", "", "next year", Time),
];

/// How a state of the meeting is said: with who says or does it, and alone.
pub fn stands(state: State) -> (&'static str, &'static str) {
    match state {
        State::Floated => ("speaks of a possible meeting", "a meeting is possible"),
        State::Wished => ("wants a meeting", "a meeting is wished for"),
        State::Proposed => ("proposes a meeting", "a meeting is proposed"),
        State::Planned => ("plans a meeting", "a meeting is planned"),
        State::Confirmed => ("confirms a meeting", "one side confirms the meeting"),
        State::Agreed => ("confirms the meeting", "both sides confirm the meeting"),
        State::Dated => (
            "sets a day for the meeting",
            "the day of the meeting is set",
        ),
        State::Placed => (
            "sets a place for the meeting",
            "the place of the meeting is set",
        ),
        State::UnderWay => ("is at the meeting", "the meeting is under way"),
        State::Outcome => ("ends the meeting", "the meeting is over"),
        State::Revived => ("takes the meeting up again", "the meeting is on again"),
        State::Doubted => ("casts doubt on the meeting", "the meeting is in doubt"),
        State::Declined => ("declines to meet", "the meeting is declined"),
        State::Postponed => ("puts off the meeting", "the meeting is put off"),
        State::Cancelled => ("calls off the meeting", "the meeting is called off"),
    }
}

/// What headlines call otherwise than the lexicon glosses it.
const NAMES: [(&str, &str); 26] = [
    ("trump", "Trump"),
    ("kim-bare", "Kim Jong Un"),
    ("united-states", "the United States"),
    ("white-house", "the White House"),
    ("state-department", "the US State Department"),
    ("pentagon", "the Pentagon"),
    ("blue-house", "Seoul's presidential office"),
    ("unification-ministry", "Seoul's unification ministry"),
    ("rok-foreign-ministry", "Seoul's foreign ministry"),
    ("nis-spy-agency", "Seoul's intelligence service"),
    ("joint-chiefs", "Seoul's Joint Chiefs of Staff"),
    ("dprk-foreign-ministry", "North Korea's foreign ministry"),
    ("dprk-army", "North Korea's army"),
    ("workers-party", "North Korea's party"),
    ("beijing", "Beijing"),
    ("other-foreign-ministry", "a foreign ministry"),
    ("chinese-foreign-ministry", "China's foreign ministry"),
    ("russian-foreign-ministry", "Russia's foreign ministry"),
    ("kremlin", "the Kremlin"),
    ("north-bare", "North Korea"),
    ("korea", "Korea"),
    ("panmunjom", "Panmunjom"),
    ("pyongyang", "Pyongyang"),
    ("geneva", "Geneva"),
    ("mongolia", "Mongolia"),
    ("united-nations", "the United Nations"),
];

/// What a headline is about, as its object.
const MATTERS: [(&str, &str); 22] = [
    ("us-dprk-summit", "the US–DPRK summit"),
    ("summit", "the summit"),
    ("us-dprk-talks", "US–DPRK talks"),
    ("talks-with-us", "talks with the United States"),
    ("talks-with-dprk", "talks with North Korea"),
    ("nuclear-talks", "nuclear talks"),
    ("meet-kim", "a meeting with Kim Jong Un"),
    ("talk-to-kim", "talks with Kim Jong Un"),
    ("deal-with-kim", "a deal with Kim Jong Un"),
    ("deal-with-dprk", "a deal with North Korea"),
    ("meeting", "a meeting"),
    ("talks", "talks"),
    ("dialogue", "dialogue"),
    ("phone-call", "a telephone call"),
    ("letter", "a letter"),
    ("offer", "an offer"),
    ("visit", "a visit"),
    ("joint-statement", "a joint statement"),
    ("end-of-war", "an end-of-war declaration"),
    ("denuclearization", "denuclearisation"),
    ("nuclear-power-status", "the status of a nuclear power"),
    ("sanctions", "sanctions"),
];

/// What acts may be about beside; no act takes it for its object.
const FURTHER: [(&str, &str); 7] = [
    ("verification", "inspections"),
    ("freeze", "a freeze of the programme"),
    ("abductions", "the abductions of Japanese"),
    ("abductees-south", "South Koreans held in the North"),
    ("hostages-detained", "detained Americans"),
    ("separated-families", "separated families"),
    ("human-rights", "human rights"),
];

/// The name of a concept in a sentence.
pub fn name(id: &str, gloss: &str) -> String {
    if let Some(it) = NAMES.iter().find(|it| it.0 == id) {
        return it.1.to_owned();
    }
    short(gloss)
}

/// A concept that acts are about; none where it is no such thing.
pub fn matter(id: &str) -> Option<&'static str> {
    MATTERS.iter().find(|it| it.0 == id).map(|it| it.1)
}

/// A concept that is named after an act that tells nothing alone.
pub fn further(id: &str) -> Option<&'static str> {
    let known = FURTHER.iter().find(|it| it.0 == id).map(|it| it.1);
    known.or_else(|| matter(id))
}

/// How much a matter says, the most first.
pub fn rank(id: &str) -> Option<usize> {
    MATTERS.iter().position(|it| it.0 == id)
}

/// The name of a place. A concept of several places is all of them: which, its gloss does not say.
pub fn place(id: &str, gloss: &str) -> String {
    if let Some(it) = NAMES.iter().find(|it| it.0 == id) {
        return it.1.to_owned();
    }
    let bare = gloss.split(" (").next().unwrap_or(gloss);
    bare.replace(", ", " or ")
}

/// A gloss without what it adds for who writes rules.
pub fn short(gloss: &str) -> String {
    let bare = gloss.split(" (").next().unwrap_or(gloss);
    bare.split(", ").next().unwrap_or(bare).trim().to_owned()
}

//! The language of a text: the feed's word where it can be true, else the script; in Latin script the
//! small words of each language, and only where they leave doubt a statistical detector.

use whatlang::{Detector, Lang};

/// ISO 639-1 code of the primary language subtag: `ko-KR` → `ko`.
pub fn primary(tag: &str) -> Option<String> {
    let primary: String = tag
        .trim()
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .collect();
    (primary.len() == 2 || primary.len() == 3).then(|| primary.to_ascii_lowercase())
}

/// The language of an item, given what the feed or its configuration says (`declared`).
/// A declared language holds unless the script contradicts it: a Korean feed that calls itself
/// English is Korean.
pub fn detect(title: &str, summary: &str, declared: Option<&str>) -> Option<String> {
    let scripts = Scripts::of(title, summary);
    let declared = declared
        .and_then(primary)
        .filter(|it| it != "mul" && it != "und");
    match (scripts.leading(), declared) {
        (None, declared) => declared,
        (Some(Script::Hangul), _) => Some("ko".to_owned()),
        (Some(Script::Kana), _) => Some("ja".to_owned()),
        (Some(Script::Han), Some(declared)) if matches!(declared.as_str(), "ja" | "zh" | "ko") => {
            Some(declared)
        }
        (Some(Script::Han), _) => Some("zh".to_owned()),
        (Some(Script::Cyrillic), Some(declared))
            if !matches!(declared.as_str(), "en" | "ko" | "ja" | "zh") =>
        {
            Some(declared)
        }
        (Some(Script::Cyrillic), _) => Some("ru".to_owned()),
        (Some(Script::Latin), Some(declared))
            if !matches!(declared.as_str(), "ko" | "ja" | "zh" | "ru") =>
        {
            Some(declared)
        }
        (Some(Script::Latin), _) => Some(latin(&format!("{title} {summary}")).to_owned()),
    }
}

/// Small words of the languages; some share a few. In a headline they say more than statistics of
/// letters, which names of people and places lead astray.
const SMALL_WORDS: [(&str, &[&str]); 7] = [
    (
        "en",
        &[
            "the", "to", "of", "and", "with", "for", "says", "is", "at", "in", "on", "as", "a",
            "are", "was", "how", "what", "by", "from", "will", "not", "an", "after", "over",
            "meets", "its", "has", "he", "be",
        ],
    ),
    (
        "fr",
        &[
            "le", "les", "des", "du", "et", "à", "au", "aux", "avec", "pour", "sur", "est", "dans",
            "une", "pas", "entre", "selon", "après", "ne", "qui", "la", "de", "en", "se",
        ],
    ),
    (
        "de",
        &[
            "der", "das", "und", "mit", "von", "zu", "im", "für", "nicht", "ist", "auf", "ein",
            "eine", "den", "dem", "trifft", "bei", "nach", "vor", "zwischen", "über", "will", "in",
            "als", "aus", "gegen", "wird", "sich", "hat", "um", "am", "zum", "zur", "wegen",
            "ohne", "unter", "neue", "die", "mehr",
        ],
    ),
    (
        "es",
        &[
            "el", "los", "las", "y", "por", "del", "una", "sin", "tras", "según", "entre", "más",
            "que", "se", "ante", "la", "de", "en", "para", "su", "no", "con", "al",
        ],
    ),
    (
        "it",
        &[
            "il", "gli", "di", "della", "che", "è", "dei", "nel", "alla", "con", "per",
        ],
    ),
    (
        "pt",
        &[
            "os", "do", "da", "dos", "com", "não", "em", "ao", "uma", "pelo", "e",
        ],
    ),
    (
        "nl",
        &[
            "het", "een", "van", "voor", "met", "niet", "op", "en", "bij", "naar", "wordt",
        ],
    ),
];

/// Words from which on letters may be counted.
const ENOUGH_WORDS: usize = 5;

fn latin(text: &str) -> &'static str {
    let folded = text.to_lowercase();
    let words = || {
        folded
            .split(|c: char| !c.is_alphabetic())
            .filter(|it| !it.is_empty())
    };
    let mut counts = SMALL_WORDS
        .map(|(language, small)| (words().filter(|it| small.contains(it)).count(), language));
    counts.sort_by_key(|it| std::cmp::Reverse(it.0));
    match counts {
        [(first, language), (second, _), ..] if first > second => language,
        // Names and nothing else are the same everywhere; most news of them is in English.
        [(0, _), ..] if words().count() < ENOUGH_WORDS => "en",
        [(first, _), ..] => by_letters(text, first > 0),
    }
}

/// The statistics take English names for French ones, so they are believed of a text with small words
/// or accents, and else only where they are sure.
fn by_letters(text: &str, proven: bool) -> &'static str {
    let candidates = vec![
        Lang::Eng,
        Lang::Fra,
        Lang::Deu,
        Lang::Spa,
        Lang::Ita,
        Lang::Por,
        Lang::Nld,
    ];
    let detected = Detector::with_allowlist(candidates).detect(text);
    let accented = text.chars().any(|c| c.is_alphabetic() && !c.is_ascii());
    let believed = |it: &whatlang::Info| proven || accented || it.is_reliable();
    match detected.filter(believed).map(|it| it.lang()) {
        Some(Lang::Fra) => "fr",
        Some(Lang::Deu) => "de",
        Some(Lang::Spa) => "es",
        Some(Lang::Ita) => "it",
        Some(Lang::Por) => "pt",
        Some(Lang::Nld) => "nl",
        _ => "en",
    }
}

/// Writing systems that words are cut in differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Script {
    Latin,
    Cyrillic,
    Hangul,
    Kana,
    Han,
}

impl Script {
    pub fn of(c: char) -> Option<Self> {
        match c {
            'A'..='Z' | 'a'..='z' | '\u{c0}'..='\u{24f}' => Some(Self::Latin),
            '\u{400}'..='\u{52f}' => Some(Self::Cyrillic),
            '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{ac00}'..='\u{d7af}' => {
                Some(Self::Hangul)
            }
            '\u{3041}'..='\u{30ff}' => Some(Self::Kana),
            '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' => {
                Some(Self::Han)
            }
            _ => None,
        }
    }

    /// As the archive spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Latin => "latin",
            Self::Cyrillic => "cyrillic",
            Self::Hangul => "hangul",
            Self::Kana => "kana",
            Self::Han => "han",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        let all = [
            Self::Latin,
            Self::Cyrillic,
            Self::Hangul,
            Self::Kana,
            Self::Han,
        ];
        all.into_iter().find(|it| it.as_str() == name)
    }

    /// Whether words of the script stand in running text without spaces around them.
    pub fn is_unspaced(self) -> bool {
        matches!(self, Self::Hangul | Self::Kana | Self::Han)
    }
}

#[derive(Default)]
struct Scripts([usize; 5]);

impl Scripts {
    fn of(title: &str, summary: &str) -> Self {
        let mut counts = Self::default();
        // The lead settles it; a long summary adds nothing but time.
        for script in title
            .chars()
            .chain(summary.chars().take(200))
            .filter_map(Script::of)
        {
            counts.0[script as usize] += 1;
        }
        counts
    }

    fn leading(&self) -> Option<Script> {
        let [latin, cyrillic, hangul, kana, han] = self.0;
        // A few syllables of Hangul or kana decide: Chinese text has none, Latin names are common.
        let all = latin + cyrillic + hangul + kana + han;
        if all == 0 {
            None
        } else if hangul * 4 >= all || (hangul > 1 && hangul > kana + han && hangul * 8 >= all) {
            Some(Script::Hangul)
        } else if kana > 0 && (kana + han) * 4 >= all {
            Some(Script::Kana)
        } else if han * 4 >= all {
            Some(Script::Han)
        } else if cyrillic >= latin {
            Some(Script::Cyrillic)
        } else {
            Some(Script::Latin)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::detect;

    #[track_caller]
    fn check(text: &str, declared: Option<&str>, expected: &str) {
        assert_eq!(detect(text, "", declared).as_deref(), Some(expected));
    }

    #[test]
    fn scripts_and_the_feeds_word_give_the_language() {
        check("트럼프 \"김정은 만날 것\"", None, "ko");
        check("트럼프 대통령", Some("en-US"), "ko");
        check("米朝首脳会談", Some("ja"), "ja");
        check("米朝首脳会談の開催で合意", None, "ja");
        check("特朗普愿与金正恩会面", None, "zh");
        check("Трамп встретится с Ким Чен Ыном", None, "ru");
        check(
            "Le président américain rencontrera le dirigeant nord-coréen au printemps",
            None,
            "fr",
        );
        check(
            "Der Präsident will den nordkoreanischen Machthaber im Frühjahr treffen",
            None,
            "de",
        );
        check("Trump says he will meet Kim", Some("en-us"), "en");
        assert_eq!(detect("12:30", "", None), None);
    }

    #[test]
    fn a_few_words_are_enough_where_the_feed_says_what_they_are() {
        check("Trump – Kim", Some("de"), "de");
        check("Trump, Kim", Some("fr-FR"), "fr");
        check("特金会", Some("ja"), "ja");
        check("特金会", None, "zh");
        check("Саммит", Some("uk"), "uk");
        check("BTS, 컴백", Some("en"), "ko");
    }

    #[test]
    fn a_short_latin_title_alone_is_taken_for_english() {
        for title in ["Trump, Kim", "KCNA", "Kim", "G7", "Trump-Kim"] {
            check(title, None, "en");
        }
    }

    #[test]
    fn short_titles_with_words_of_a_language_are_of_it() {
        check("Trump rencontre Kim à Hanoï", None, "fr");
        check("Trump trifft Kim in Hanoi", None, "de");
        check("Trump se reúne con Kim en Hanói", None, "es");
        check("Trump meets Kim in Hanoi", None, "en");
        check("Cumbre entre Trump y Kim", None, "es");
        check("Gipfel von Trump und Kim", None, "de");
        check("Sommet Trump-Kim à Singapour", None, "fr");
    }
}

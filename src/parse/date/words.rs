//! Names in dates: months, zones, week days and small words, in the languages of the feeds; and
//! what the script itself says of the zone.

use jiff::tz::TimeZone;

pub(super) fn month(word: &str) -> Option<i8> {
    const MONTHS: [&[&str]; 12] = [
        &[
            "jan", "янв", "січ", "ene", "gen", "jän", "sty", "ιαν", "oca", "led",
        ],
        &[
            "feb", "фев", "лют", "fév", "fev", "lut", "φεβ", "şub", "úno",
        ],
        &[
            "mar", "мар", "бер", "mär", "mrz", "már", "mrt", "maa", "μαρ", "μάρ", "bře",
        ],
        &[
            "apr", "апр", "кві", "avr", "abr", "kwi", "ápr", "απρ", "nis", "dub",
        ],
        &[
            "may", "мая", "май", "тра", "mai", "mag", "maj", "máj", "mei", "μαϊ", "μάι", "kvě",
        ],
        &[
            "jun", "июн", "чер", "juin", "giu", "cze", "jún", "ιούν", "ιουν", "haz",
        ],
        &[
            "jul", "июл", "лип", "juil", "lug", "lip", "júl", "ιούλ", "ιουλ", "tem",
        ],
        &[
            "aug", "авг", "сер", "aoû", "aou", "ago", "sie", "agu", "ağu", "αυγ", "αύγ", "srp",
        ],
        &[
            "sep", "сен", "вер", "set", "wrz", "szep", "σεπ", "eyl", "zář",
        ],
        &[
            "oct", "окт", "жов", "okt", "ott", "out", "paź", "οκτ", "eki", "říj",
        ],
        &["nov", "ноя", "лис", "lis", "νοε", "νοέ", "kas"],
        &[
            "dec", "дек", "гру", "dez", "déc", "dic", "gru", "des", "δεκ", "ara", "pro",
        ],
    ];
    let at = MONTHS
        .iter()
        .position(|names| names.iter().any(|name| word.starts_with(name)))?;
    i8::try_from(at + 1).ok()
}

pub(super) fn named_zone(word: &str) -> Option<i32> {
    let hours = match word {
        "z" | "gmt" | "ut" | "utc" | "wet" => 0,
        "bst" | "cet" | "met" | "west" => 1,
        "cest" | "eet" | "mest" | "sast" => 2,
        "msk" | "eest" => 3,
        "hkt" | "sgt" | "awst" => 8,
        "kst" | "jst" => 9,
        "aest" => 10,
        "aedt" => 11,
        "edt" => -4,
        "est" | "et" | "cdt" => -5,
        "cst" | "ct" | "mdt" => -6,
        "mst" | "mt" | "pdt" => -7,
        "pst" | "pt" => -8,
        "ist" => return Some(5 * 3600 + 1800),
        _ => return None,
    };
    Some(hours * 3600)
}

/// Week days, the ISO `t`, ordinals and small words.
pub(super) fn is_filler(word: &str) -> bool {
    const DAYS: &[&str] = &[
        "mon", "tue", "wed", "thu", "fri", "sat", "sun", "пн", "вт", "ср", "чт", "пт", "сб", "вс",
        "lun", "mer", "jeu", "ven", "sam", "dim", "die", "mit", "don", "fre", "son", "mié", "jue",
        "vie", "sáb", "dom", "κυρ", "δευ", "τρι", "τετ", "πεμ", "παρ", "σαβ", "нд", "pon", "wto",
        "śro", "czw", "pią", "sob", "nie", "śr",
    ];
    matches!(
        word,
        "t" | "st"
            | "nd"
            | "rd"
            | "th"
            | "at"
            | "of"
            | "de"
            | "г"
            | "mo"
            | "di"
            | "mi"
            | "do"
            | "fr"
            | "sa"
            | "so"
            | "w"
            | "uhr"
    ) || DAYS.iter().any(|day| word.starts_with(day))
        || word
            .chars()
            .all(|c| "월화수목금토일月火水木金土日曜요周星期一二三四五六天".contains(c))
}

/// Where nothing says the zone, the writing says the country: Korean units, Japanese clock
/// words, Chinese otherwise.
pub(super) fn zone_of_script(text: &str) -> Option<TimeZone> {
    let holds = |marks: &str| text.chars().any(|c| marks.contains(c));
    let name = if holds("년월일시분초오") {
        "Asia/Seoul"
    } else if holds("時曜") || text.contains("午前") || text.contains("午後") || weekday(text)
    {
        "Asia/Tokyo"
    } else if holds("年月日时点") || text.contains("上午") || text.contains("下午") {
        "Asia/Shanghai"
    } else {
        return None;
    };
    TimeZone::get(name).ok()
}

/// `(月)`: only Japanese puts a week day so.
fn weekday(text: &str) -> bool {
    let after = text.split(['(', '（']).nth(1);
    after.is_some_and(|it| it.starts_with(|c| "月火水木金土日".contains(c)))
}

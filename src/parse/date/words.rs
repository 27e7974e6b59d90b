//! Names in dates: months, zones, week days and small words, in the languages of the feeds; and
//! what the script itself says of the zone.

use jiff::Timestamp;
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

/// The offset that a zone's name means, in seconds. A name that several countries use means that of the
/// feed's own zone; where the feed's is none of them, the first that is listed.
pub(super) fn named_zone(word: &str, zone: &TimeZone) -> Option<i32> {
    const HOUR: i32 = 3_600;
    let shared: &[i32] = match word {
        "z" | "gmt" | "ut" | "utc" | "wet" => &[0],
        "cet" | "met" | "west" => &[HOUR],
        "cest" | "eet" | "mest" | "sast" => &[2 * HOUR],
        "msk" | "eest" => &[3 * HOUR],
        "gst" => &[4 * HOUR],
        "pkt" => &[5 * HOUR],
        "wib" | "ict" => &[7 * HOUR],
        "hkt" | "sgt" | "awst" | "wita" => &[8 * HOUR],
        "kst" | "jst" | "wit" => &[9 * HOUR],
        "aest" => &[10 * HOUR],
        "aedt" => &[11 * HOUR],
        "et" | "cdt" => &[-5 * HOUR],
        "ct" | "mdt" => &[-6 * HOUR],
        "mt" | "pdt" => &[-7 * HOUR],
        "pt" => &[-8 * HOUR],
        // The US, China, Cuba.
        "cst" => &[-6 * HOUR, 8 * HOUR, -5 * HOUR],
        // The US, Australia.
        "est" => &[-5 * HOUR, 10 * HOUR, 11 * HOUR],
        "edt" => &[-4 * HOUR, 11 * HOUR],
        // The US, Malaysia.
        "mst" => &[-7 * HOUR, 8 * HOUR],
        // The US, the Philippines.
        "pst" => &[-8 * HOUR, 8 * HOUR],
        // India, Israel, Ireland.
        "ist" => &[5 * HOUR + HOUR / 2, 2 * HOUR, HOUR],
        // Britain, Bangladesh.
        "bst" => &[HOUR, 6 * HOUR],
        // The Atlantic coast, Arabia.
        "ast" => &[-4 * HOUR, 3 * HOUR],
        _ => return None,
    };
    let own = shared
        .iter()
        .find(|it| shared.len() > 1 && keeps(zone, **it));
    own.or(shared.first()).copied()
}

/// Whether clocks of `zone` show this offset in winter or in summer.
fn keeps(zone: &TimeZone, offset: i32) -> bool {
    let seasons = ["2026-01-01T00:00:00Z", "2026-07-01T00:00:00Z"];
    let instants = seasons.iter().filter_map(|it| it.parse::<Timestamp>().ok());
    *zone != TimeZone::UTC
        && instants
            .map(|at| zone.to_offset(at).seconds())
            .any(|it| it == offset)
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

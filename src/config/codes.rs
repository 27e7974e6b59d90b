//! The two-letter codes of languages (ISO 639-1) and countries (ISO 3166-1) that exist.

/// ISO 639-1, with `bh`, which it has withdrawn.
const LANGUAGES: &str = "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee \
    el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki \
    kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc \
    oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr \
    ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu";

/// ISO 3166-1, with UN, EU and XK, which it reserves or leaves to its users.
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY \
    BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET EU FI FJ FK FM FO FR GA GB GD \
    GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP \
    KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG \
    NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR \
    SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM UN US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM \
    ZW";

fn listed(codes: &str, code: &str) -> bool {
    code.len() == 2 && codes.split_whitespace().any(|it| it == code)
}

/// What is wrong with a language: `ko`, or `zh-Hant` with what may follow its code.
pub(super) fn language_fault(written: &str) -> Option<String> {
    let code = written.split('-').next().unwrap_or_default();
    if listed(LANGUAGES, code) {
        return None;
    }
    let lower = code.to_ascii_lowercase();
    let meant = match lower.as_str() {
        it if listed(LANGUAGES, it) => Some(it),
        // `kr` is Kanuri, and stays.
        "kor" => Some("ko"),
        "jp" | "jpn" => Some("ja"),
        "cn" | "zho" | "chi" => Some("zh"),
        "eng" => Some("en"),
        "rus" => Some("ru"),
        _ => None,
    };
    let hint = meant.map_or_else(
        || "write an ISO 639-1 code, like \"ko\"".to_owned(),
        |it| format!("did you mean \"{it}\"?"),
    );
    Some(format!("language: \"{written}\" is no language; {hint}"))
}

/// What is wrong with a country.
pub(super) fn country_fault(written: &str) -> Option<String> {
    if listed(COUNTRIES, written) {
        return None;
    }
    let upper = written.to_ascii_uppercase();
    let meant = match upper.as_str() {
        it if listed(COUNTRIES, it) => Some(it),
        "UK" => Some("GB"),
        _ => None,
    };
    let hint = meant.map_or_else(
        || "write an ISO 3166 code, like \"KR\"".to_owned(),
        |it| format!("did you mean \"{it}\"?"),
    );
    Some(format!("country: \"{written}\" is no country; {hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_that_exist() {
        assert_eq!(LANGUAGES.split_whitespace().count(), 184);
        assert_eq!(COUNTRIES.split_whitespace().count(), 249 + 3);
        for right in ["ko", "en", "zh-Hant", "pt-BR"] {
            assert_eq!(language_fault(right), None, "{right}");
        }
        for (wrong, meant) in [
            ("jp", "ja"),
            ("EN", "en"),
            ("kor", "ko"),
            ("", "ISO"),
            ("xx", "ISO"),
        ] {
            let said = language_fault(wrong).expect("a fault");
            assert!(said.contains(meant), "{said}");
        }
        assert_eq!(country_fault("KP"), None);
        for (wrong, meant) in [("UK", "GB"), ("kr", "KR"), ("Korea", "ISO"), ("ZZ", "ISO")] {
            let said = country_fault(wrong).expect("a fault");
            assert!(said.contains(meant), "{said}");
        }
    }
}

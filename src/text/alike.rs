//! Letters that look like those of another script: `Κim` with a Greek kappa, `Тrump` with a Cyrillic te. In a word
//! whose other letters leave no doubt they are read as what they look like. Pure.

/// Letters of Cyrillic and Greek that look like a Latin one, in upper and lower case each by itself: `Т` does,
/// `т` does not.
const ALIKE: &[(char, char)] = &[
    // Cyrillic.
    ('А', 'A'),
    ('В', 'B'),
    ('Е', 'E'),
    ('К', 'K'),
    ('М', 'M'),
    ('Н', 'H'),
    ('О', 'O'),
    ('Р', 'P'),
    ('С', 'C'),
    ('Т', 'T'),
    ('У', 'Y'),
    ('Х', 'X'),
    ('І', 'I'),
    ('Ј', 'J'),
    ('Ѕ', 'S'),
    ('а', 'a'),
    ('е', 'e'),
    ('о', 'o'),
    ('р', 'p'),
    ('с', 'c'),
    ('у', 'y'),
    ('х', 'x'),
    ('і', 'i'),
    ('ј', 'j'),
    ('ѕ', 's'),
    // Greek.
    ('Α', 'A'),
    ('Β', 'B'),
    ('Ε', 'E'),
    ('Ζ', 'Z'),
    ('Η', 'H'),
    ('Ι', 'I'),
    ('Κ', 'K'),
    ('Μ', 'M'),
    ('Ν', 'N'),
    ('Ο', 'O'),
    ('Ρ', 'P'),
    ('Τ', 'T'),
    ('Υ', 'Y'),
    ('Χ', 'X'),
    ('ο', 'o'),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Cyrillic,
    Greek,
}

fn script(c: char) -> Option<Script> {
    match c {
        // With the blocks that hold small forms of these letters: Ⱥ is ⱥ of another block.
        'a'..='z'
        | 'A'..='Z'
        | '\u{c0}'..='\u{2af}'
        | '\u{1e00}'..='\u{1eff}'
        | '\u{2c60}'..='\u{2c7f}'
            if c.is_alphabetic() =>
        {
            Some(Script::Latin)
        }
        '\u{400}'..='\u{52f}' if c.is_alphabetic() => Some(Script::Cyrillic),
        '\u{370}'..='\u{3ff}' if c.is_alphabetic() => Some(Script::Greek),
        _ => None,
    }
}

fn latin(c: char) -> Option<char> {
    let found = ALIKE.iter().find(|(other, _)| *other == c);
    found.map(|(_, latin)| *latin)
}

fn cyrillic(c: char) -> Option<char> {
    let found = ALIKE
        .iter()
        .find(|(other, latin)| *latin == c && script(*other) == Some(Script::Cyrillic));
    found.map(|(other, _)| *other)
}

/// Bytes of `text` at which a letter stands for another, with that one, in order.
pub(super) fn substitutes(text: &str) -> Vec<(usize, char)> {
    let mut found = Vec::new();
    // Lead bytes of Greek and Cyrillic; nearly all texts have none or no word with both.
    if !text.bytes().any(|it| matches!(it, 0xcd..=0xd4)) {
        return found;
    }
    let mut word: Vec<(usize, char, Script)> = Vec::new();
    for (at, c) in text.char_indices() {
        if let Some(script) = script(c) {
            word.push((at, c, script));
        } else {
            mended(&word, &mut found);
            word.clear();
        }
    }
    mended(&word, &mut found);
    found
}

/// The substitutes of one word. A letter that looks like none of the other script decides what the word is; where
/// both scripts have such letters, it is left alone.
fn mended(word: &[(usize, char, Script)], found: &mut Vec<(usize, char)>) {
    let has = |script: Script| word.iter().any(|(_, _, it)| *it == script);
    let others = has(Script::Cyrillic) || has(Script::Greek);
    if !others || !has(Script::Latin) {
        return;
    }
    let surely_other = word
        .iter()
        .any(|(_, c, script)| *script != Script::Latin && latin(*c).is_none());
    let surely_latin = word
        .iter()
        .any(|(_, c, script)| *script == Script::Latin && cyrillic(*c).is_none());
    if !surely_other {
        let letters = word.iter().filter(|(_, _, it)| *it != Script::Latin);
        found.extend(letters.filter_map(|(at, c, _)| Some((*at, latin(*c)?))));
    } else if !surely_latin && !has(Script::Greek) {
        let letters = word.iter().filter(|(_, _, it)| *it == Script::Latin);
        found.extend(letters.filter_map(|(at, c, _)| Some((*at, cyrillic(*c)?))));
    }
}

//! ISO-2022-KR and HZ: charsets of seven bits that WHATWG, and so encoding_rs, refuses to decode.
//! Both shift into two-byte characters whose eighth bit is left out.

use encoding_rs::{EUC_KR, GBK};

const SHIFT_OUT: u8 = 0x0e;
const SHIFT_IN: u8 = 0x0f;

/// The text, where `bytes` are in one of the two. ISO-2022-KR announces itself; HZ is believed only
/// by its label, for its marks (`~{`) are ordinary characters.
pub(super) fn seven_bit(bytes: &[u8], label: Option<&str>) -> Option<String> {
    if !bytes.is_ascii() {
        return None;
    }
    let is = |name: &str| label.is_some_and(|it| it.trim().eq_ignore_ascii_case(name));
    if is("iso-2022-kr") || bytes.windows(4).any(|it| it == b"\x1b$)C") {
        let wide = iso_2022_kr(bytes);
        return Some(EUC_KR.decode_without_bom_handling(&wide).0.into_owned());
    }
    if is("hz-gb-2312") || is("hz") {
        let wide = hz(bytes);
        return Some(GBK.decode_without_bom_handling(&wide).0.into_owned());
    }
    None
}

fn iso_2022_kr(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let (mut rest, mut shifted) = (bytes, false);
    while let [first, tail @ ..] = rest {
        rest = tail;
        match *first {
            SHIFT_OUT => shifted = true,
            SHIFT_IN => shifted = false,
            0x1b if tail.starts_with(b"$)C") => rest = &tail[3..],
            // A line begins unshifted.
            b'\n' => {
                shifted = false;
                out.push(b'\n');
            }
            byte @ 0x21..=0x7e if shifted => out.push(byte | 0x80),
            byte => out.push(byte),
        }
    }
    out
}

fn hz(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let (mut rest, mut shifted) = (bytes, false);
    loop {
        match rest {
            [] => return out,
            [b'~', b'{', tail @ ..] if !shifted => (shifted, rest) = (true, tail),
            [b'~', b'}', tail @ ..] if shifted => (shifted, rest) = (false, tail),
            [b'~', b'~', tail @ ..] if !shifted => {
                out.push(b'~');
                rest = tail;
            }
            // A tilde at the end of a line joins it to the next.
            [b'~', b'\n', tail @ ..] if !shifted => rest = tail,
            [byte @ 0x21..=0x7e, tail @ ..] if shifted => {
                out.push(byte | 0x80);
                rest = tail;
            }
            [byte, tail @ ..] => {
                shifted &= *byte != b'\n';
                out.push(*byte);
                rest = tail;
            }
        }
    }
}

//! Any bytes as a document: no panic, and every item can be known again.
//! `cargo fuzz run parse fuzz/corpus/parse fuzz/seeds`; without nightly, `RUSTC_BOOTSTRAP=1`.

#![no_main]

use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;
use summitwatch::parse::{Source, parse};

fuzz_target!(|bytes: &[u8]| {
    let source = Source {
        content_type: None,
        url: Some("https://news.example/feed"),
        zone: TimeZone::UTC,
        max_bytes: 1 << 20,
    };
    let Ok(parsed) = parse(bytes, &source) else {
        return;
    };
    assert!(parsed.items.iter().all(|it| it.has_identity()));
});

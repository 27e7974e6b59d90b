//! JSON Feed 1.0 and 1.1, as loosely as they are written, into canonical fields.

use jiff::tz::TimeZone;
use quick_xml::escape::escape;
use serde_json::{Map, Value};

use crate::parse::base::Base;
use crate::parse::canonical::{Canonical, Fields, Slot, clean};
use crate::parse::{Kind, ParseError, Source};

pub(super) fn read(text: &str, source: &Source<'_>) -> Result<Canonical, ParseError> {
    let mut document = Canonical::new(Kind::Json);
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => {
            document.complete = false;
            let whole = closed_early(text)
                .and_then(|closed| serde_json::from_str(&closed).ok())
                .ok_or_else(|| ParseError::Broken(format!("JSON: {error}")))?;
            let repairs = &mut document.repairs;
            repairs.told("kept the complete entries of a truncated document");
            whole
        }
    };
    let items = value
        .get("items")
        .and_then(Value::as_array)
        .ok_or(ParseError::NotAFeed("JSON"))?;
    let mut base = Base::new(source.url);
    if let Some(feed) = value.as_object() {
        let site = base.resolve(&word(feed, "home_page_url"));
        base.set_site(&site);
        document.feed.offer(Slot::Link, 0, site);
        document.feed.offer(Slot::Title, 0, prose(feed, "title"));
        document
            .feed
            .offer(Slot::Language, 0, word(feed, "language"));
    }
    for value in items {
        match value.as_object() {
            Some(value) => document.push(item(value, &base, &source.zone)),
            None => document
                .repairs
                .told("passed over items that are no objects"),
        }
    }
    Ok(document)
}

fn item(value: &Map<String, Value>, base: &Base, zone: &TimeZone) -> Fields {
    let mut item = Fields::default();
    item.offer(Slot::Id, 0, word(value, "id"));
    item.offer(Slot::Link, 0, base.resolve(&word(value, "url")));
    item.offer(Slot::Link, 1, base.resolve(&word(value, "external_url")));
    item.offer(Slot::Title, 0, prose(value, "title"));
    item.offer(Slot::Summary, 0, prose(value, "summary"));
    item.offer(Slot::Content, 0, word(value, "content_html"));
    item.offer(Slot::Content, 1, prose(value, "content_text"));
    item.offer_date(Slot::Published, 0, &word(value, "date_published"), zone);
    item.offer_date(Slot::Updated, 0, &word(value, "date_modified"), zone);
    item.offer(Slot::Language, 0, word(value, "language"));
    let authors = value.get("authors").and_then(Value::as_array);
    let first = authors.and_then(|it| it.first()).or(value.get("author"));
    if let Some(author) = first.and_then(Value::as_object) {
        item.offer(Slot::Author, 0, prose(author, "name"));
    }
    for tag in value
        .get("tags")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        item.category(tag.as_str().unwrap_or_default());
    }
    item
}

/// A string, or a number where a string should be.
fn word(of: &Map<String, Value>, key: &str) -> String {
    match of.get(key) {
        Some(Value::String(text)) => clean(text.trim()).into_owned(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// Text that is not HTML, written as HTML.
fn prose(of: &Map<String, Value>, key: &str) -> String {
    escape(word(of, key)).into_owned()
}

/// The document up to the end of its last whole item, with what is open then closed.
fn closed_early(text: &str) -> Option<String> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let mut end = None;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                // An item stands in the list that stands in the document.
                if byte == b'}' && depth == 2 {
                    end = Some(at + 1);
                }
            }
            _ => {}
        }
    }
    Some([&text[..end?], "]}"].concat())
}

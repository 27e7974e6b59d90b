//! JSON Feed 1.0 and 1.1, as loosely as they are written, into canonical fields. The document is read
//! into the feed's own shape: what a feed does not hold is passed over and never kept in memory.

mod mend;

use std::fmt;

use jiff::tz::TimeZone;
use quick_xml::escape::escape;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::parse::base::Base;
use crate::parse::canonical::{Canonical, Fields, ITEMS, Slot, clean};
use crate::parse::json::mend::{closed_early, mended};
use crate::parse::{Kind, ParseError, Source};

const TAGS: usize = 64;

pub(super) fn read(text: &str, source: &Source<'_>) -> Result<Canonical, ParseError> {
    let mut document = Canonical::new(Kind::Json);
    let feed = match serde_json::from_str::<Feed>(text) {
        Ok(feed) => feed,
        Err(error) => repaired(text, &mut document, &error.to_string())?,
    };
    if !feed.has_items {
        return Err(ParseError::NotAFeed("JSON"));
    }
    let mut base = Base::new(source.url);
    let site = base.resolve(&feed.word("home_page_url"));
    base.set_site(&site);
    document.feed.offer(Slot::Link, 0, site);
    document.feed.offer(Slot::Title, 0, feed.prose("title"));
    document
        .feed
        .offer(Slot::Language, 0, feed.word("language"));
    for entry in &feed.items.0 {
        document.push(item(entry, &base, &source.zone));
    }
    if feed.items.2 {
        document
            .repairs
            .told("passed over items that are no objects");
        if feed.items.0.is_empty() {
            return Err(ParseError::EntriesLost);
        }
    }
    if feed.items.1 {
        document.repairs.told("kept the first 10,000 items");
    }
    Ok(document)
}

/// What can be read of JSON that is none: strings are mended first, and an end that is missing is
/// supplied after the last whole item.
fn repaired(text: &str, document: &mut Canonical, error: &str) -> Result<Feed, ParseError> {
    let text = mended(text);
    if let Ok(feed) = serde_json::from_str(&text) {
        document
            .repairs
            .told("mended strings that JSON does not allow");
        return Ok(feed);
    }
    document.complete = false;
    let feed = closed_early(&text)
        .and_then(|closed| serde_json::from_str(&closed).ok())
        .ok_or_else(|| ParseError::Broken(format!("JSON: {error}")))?;
    document
        .repairs
        .told("kept the complete entries of a truncated document");
    Ok(feed)
}

fn item(value: &Words, base: &Base, zone: &TimeZone) -> Fields {
    let mut item = Fields::default();
    let id = value.word("id");
    // An id that is an address leads somewhere; any other says nothing to a reader.
    if id.starts_with("http://") || id.starts_with("https://") {
        item.offer(Slot::Link, 2, base.resolve(&id));
    }
    item.offer(Slot::Id, 0, id);
    item.offer(Slot::Link, 0, base.resolve(&value.word("url")));
    item.offer(Slot::Link, 1, base.resolve(&value.word("external_url")));
    item.offer(Slot::Title, 0, value.prose("title"));
    item.offer(Slot::Summary, 0, value.prose("summary"));
    item.offer(Slot::Content, 0, value.word("content_html"));
    item.offer(Slot::Content, 1, value.prose("content_text"));
    item.offer_date(Slot::Published, 0, &value.word("date_published"), zone);
    item.offer_date(Slot::Updated, 0, &value.word("date_modified"), zone);
    item.offer(Slot::Language, 0, value.word("language"));
    item.offer(Slot::Author, 0, value.prose("author"));
    value.tags.iter().for_each(|tag| item.category(tag));
    item
}

/// The document: its own words, and its items.
#[derive(Default)]
struct Feed {
    words: Words,
    items: Items,
    has_items: bool,
}

impl Feed {
    fn word(&self, key: &str) -> String {
        self.words.word(key)
    }

    fn prose(&self, key: &str) -> String {
        self.words.prose(key)
    }
}

/// The items that are kept, whether there were more, and whether some were no objects.
#[derive(Default)]
struct Items(Vec<Words>, bool, bool);

/// What is read of an object: the texts under keys of a JSON Feed.
#[derive(Default)]
struct Words {
    words: Vec<(&'static str, String)>,
    tags: Vec<String>,
}

/// Keys whose texts are read, of feeds and items alike.
const KEYS: [&str; 14] = [
    "id",
    "url",
    "external_url",
    "home_page_url",
    "title",
    "summary",
    "content_html",
    "content_text",
    "date_published",
    "date_modified",
    "language",
    "author",
    "authors",
    "tags",
];

impl Words {
    fn word(&self, key: &str) -> String {
        let found = self.words.iter().find(|(it, _)| *it == key);
        found.map_or_else(String::new, |(_, text)| clean(text.trim()).into_owned())
    }

    /// Text that is not HTML, written as HTML.
    fn prose(&self, key: &str) -> String {
        escape(self.word(key)).into_owned()
    }

    /// Reads the value of a key; the first text counts.
    fn read<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        let Some(key) = KEYS.iter().find(|it| **it == key) else {
            map.next_value::<IgnoredAny>()?;
            return Ok(());
        };
        match *key {
            "tags" => {
                let Texts(tags) = map.next_value()?;
                self.tags = tags;
            }
            "authors" => {
                let Names(name) = map.next_value()?;
                self.keep("author", name);
            }
            "author" => {
                let Names(name) = map.next_value()?;
                self.keep("author", name);
            }
            key => {
                let Text(text) = map.next_value()?;
                self.keep(key, text);
            }
        }
        Ok(())
    }

    fn keep(&mut self, key: &'static str, text: String) {
        if !text.is_empty() && !self.words.iter().any(|(it, _)| *it == key) {
            self.words.push((key, text));
        }
    }
}

/// A string, or a number where a string should be; empty for whatever else.
#[derive(Default)]
struct Text(String);

/// The strings of a list.
#[derive(Default)]
struct Texts(Vec<String>);

/// The name of a person, or of the first of a list.
#[derive(Default)]
struct Names(String);

macro_rules! passes_over {
    ($($kind:ident: $of:ty),*) => {$(
        fn $kind<E>(self, _: $of) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
    )*};
}

/// What a value is by its JSON type: whatever a visitor has no use for is passed over and empty.
macro_rules! visitor {
    ($value:ty, { $($method:item)* }) => {
        impl<'de> Deserialize<'de> for $value {
            fn deserialize<D: Deserializer<'de>>(of: D) -> Result<Self, D::Error> {
                struct Reader;
                impl<'de> Visitor<'de> for Reader {
                    type Value = $value;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a value of a JSON Feed")
                    }
                    fn visit_unit<E>(self) -> Result<Self::Value, E> {
                        Ok(<$value>::default())
                    }
                    passes_over!(visit_bool: bool);
                    $($method)*
                }
                of.deserialize_any(Reader)
            }
        }
    };
}

/// Reads the rest of a list or an object without keeping it.
fn skip_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<(), A::Error> {
    while list.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

fn skip_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<(), A::Error> {
    while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

visitor!(Text, {
    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(Text(text.to_owned()))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Text, E> {
        Ok(Text(number.to_string()))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Text, E> {
        Ok(Text(number.to_string()))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Text, E> {
        Ok(Text(number.to_string()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Text, A::Error> {
        skip_list(list)?;
        Ok(Text::default())
    }
    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Text, A::Error> {
        skip_object(object)?;
        Ok(Text::default())
    }
});

visitor!(Texts, {
    passes_over!(visit_str: &str, visit_u64: u64, visit_i64: i64, visit_f64: f64);
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Texts, A::Error> {
        let mut texts = Vec::new();
        while texts.len() < TAGS {
            match list.next_element::<Text>()? {
                Some(Text(text)) => texts.push(text),
                None => return Ok(Texts(texts)),
            }
        }
        skip_list(list)?;
        Ok(Texts(texts))
    }
    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Texts, A::Error> {
        skip_object(object)?;
        Ok(Texts::default())
    }
});

visitor!(Names, {
    passes_over!(visit_str: &str, visit_u64: u64, visit_i64: i64, visit_f64: f64);
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Names, A::Error> {
        let first = list.next_element::<Names>()?.unwrap_or_default();
        skip_list(list)?;
        Ok(first)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Names, A::Error> {
        let mut name = Text::default();
        while let Some(key) = object.next_key::<Text>()? {
            if key.0 == "name" {
                name = object.next_value()?;
            } else {
                object.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Names(name.0))
    }
});

/// An object, or nothing where something else stands in its place.
#[derive(Default)]
struct Entry(Option<Words>);

visitor!(Entry, {
    passes_over!(visit_str: &str, visit_u64: u64, visit_i64: i64, visit_f64: f64);
    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Entry, A::Error> {
        skip_list(list)?;
        Ok(Entry(None))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Entry, A::Error> {
        let mut words = Words::default();
        while let Some(key) = object.next_key::<Text>()? {
            words.read(&key.0, &mut object)?;
        }
        Ok(Entry(Some(words)))
    }
});

#[derive(Default)]
struct List(Option<Items>);

visitor!(List, {
    passes_over!(visit_str: &str, visit_u64: u64, visit_i64: i64, visit_f64: f64);
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<List, A::Error> {
        let mut items = Items::default();
        while items.0.len() < ITEMS {
            match list.next_element::<Entry>()? {
                Some(Entry(Some(words))) => items.0.push(words),
                Some(Entry(None)) => items.2 = true,
                None => return Ok(List(Some(items))),
            }
        }
        items.1 = list.next_element::<IgnoredAny>()?.is_some();
        skip_list(list)?;
        Ok(List(Some(items)))
    }
    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<List, A::Error> {
        skip_object(object)?;
        Ok(List(None))
    }
});

visitor!(Feed, {
    passes_over!(visit_str: &str, visit_u64: u64, visit_i64: i64, visit_f64: f64);
    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Feed, A::Error> {
        skip_list(list)?;
        Ok(Feed::default())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Feed, A::Error> {
        let mut feed = Feed::default();
        while let Some(key) = object.next_key::<Text>()? {
            if key.0 == "items" {
                if let List(Some(items)) = object.next_value()? {
                    (feed.items, feed.has_items) = (items, true);
                }
            } else {
                feed.words.read(&key.0, &mut object)?;
            }
        }
        Ok(feed)
    }
});

//! Changes to a configuration that a person wrote: feeds are added and removed, and everything else,
//! comments and order, stays as it is. Works on text; who calls writes it.

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

/// A feed to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFeed {
    pub name: String,
    pub url: String,
    pub outlet: String,
    pub language: Option<String>,
    /// As written: `30s`.
    pub interval: Option<String>,
    pub allow_private: bool,
}

/// `text` with these feeds after its own.
pub fn with_feeds(text: &str, feeds: &[NewFeed]) -> Result<String, String> {
    let mut document = parse(text)?;
    let tables = document
        .entry("feeds")
        .or_insert(Item::ArrayOfTables(ArrayOfTables::new()))
        .as_array_of_tables_mut()
        .ok_or("feeds is written as a list in one line; write [[feeds]] tables")?;
    for feed in feeds {
        let mut table = Table::new();
        table.insert("name", value(&feed.name));
        table.insert("url", value(&feed.url));
        table.insert("outlet", value(&feed.outlet));
        if let Some(language) = &feed.language {
            table.insert("language", value(language));
        }
        if let Some(interval) = &feed.interval {
            table.insert("interval", value(interval));
        }
        if feed.allow_private {
            table.insert("allow_private", value(true));
        }
        tables.push(table);
    }
    Ok(document.to_string())
}

/// `text` without the feed `name` and the comment before it; `None` where it has no such feed.
pub fn without_feed(text: &str, name: &str) -> Result<Option<String>, String> {
    let mut document = parse(text)?;
    let Some(tables) = document
        .get_mut("feeds")
        .and_then(Item::as_array_of_tables_mut)
    else {
        return Ok(None);
    };
    let is_meant = |it: &Table| it.get("name").and_then(Item::as_str) == Some(name);
    let Some(at) = tables.iter().position(is_meant) else {
        return Ok(None);
    };
    tables.remove(at);
    Ok(Some(document.to_string()))
}

/// `text` with the feed `name` resting or not; `None` where it has no such feed.
pub fn paused(text: &str, name: &str, paused: bool) -> Result<Option<String>, String> {
    let mut document = parse(text)?;
    let tables = document
        .get_mut("feeds")
        .and_then(Item::as_array_of_tables_mut);
    let feed = tables.and_then(|it| {
        it.iter_mut()
            .find(|it| it.get("name").and_then(Item::as_str) == Some(name))
    });
    let Some(feed) = feed else {
        return Ok(None);
    };
    if paused {
        feed.insert("paused", value(true));
    } else {
        feed.remove("paused");
    }
    Ok(Some(document.to_string()))
}

/// The files that the configuration in `text` includes, as written.
pub fn includes(text: &str) -> Result<Vec<String>, String> {
    let document = parse(text)?;
    let files = document.get("include").and_then(Item::as_array);
    let files = files.into_iter().flatten().filter_map(|it| it.as_str());
    Ok(files.map(str::to_owned).collect())
}

fn parse(text: &str) -> Result<DocumentMut, String> {
    text.parse()
        .map_err(|error: toml_edit::TomlError| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::{NewFeed, includes, paused, with_feeds, without_feed};

    const WRITTEN: &str = "# mine\ninclude = [\"more.toml\"]\n\n[poll]\ninterval = \"5m\"   # often\n\n# the first\n[[feeds]]\nname = \"a\"\nurl = \"https://a.example\"\n\n# the second\n[[feeds]]\nname = \"b\"   # bee\nurl = \"https://b.example\"\n";

    #[test]
    fn a_feed_is_added_and_nothing_else_is_touched() {
        let feed = NewFeed {
            name: "c".to_owned(),
            url: "https://c.example/?\"x".to_owned(),
            outlet: "C".to_owned(),
            language: Some("ko".to_owned()),
            interval: None,
            allow_private: false,
        };
        let edited = with_feeds(WRITTEN, std::slice::from_ref(&feed)).expect("edited");
        assert!(edited.starts_with(WRITTEN), "{edited}");
        assert_eq!(
            &edited[WRITTEN.len()..],
            "\n[[feeds]]\nname = \"c\"\nurl = 'https://c.example/?\"x'\noutlet = \"C\"\nlanguage = \"ko\"\n"
        );
        let first = with_feeds("", &[feed]).expect("edited");
        assert!(first.starts_with("[[feeds]]\nname = \"c\""), "{first}");
        assert!(with_feeds("feeds = 1", &[]).is_err() && with_feeds("a = [", &[]).is_err());
    }

    #[test]
    fn a_feed_rests_and_is_visited_again() {
        let rests = paused(WRITTEN, "a", true).expect("edited").expect("there");
        assert!(
            rests.contains("url = \"https://a.example\"\npaused = true\n"),
            "{rests}"
        );
        assert_eq!(paused(&rests, "a", false), Ok(Some(WRITTEN.to_owned())));
        assert_eq!(paused(WRITTEN, "z", true), Ok(None));
    }

    #[test]
    fn a_feed_is_removed_with_its_comment() {
        let edited = without_feed(WRITTEN, "a").expect("edited").expect("there");
        assert!(
            !edited.contains("a.example") && !edited.contains("the first"),
            "{edited}"
        );
        assert!(
            edited.contains("# the second\n[[feeds]]\nname = \"b\"   # bee"),
            "{edited}"
        );
        assert!(edited.contains("interval = \"5m\"   # often"));
        assert_eq!(without_feed(WRITTEN, "z"), Ok(None));
        assert_eq!(without_feed("", "z"), Ok(None));
        assert_eq!(includes(WRITTEN), Ok(vec!["more.toml".to_owned()]));
    }
}

//! OPML 2.0: lists of feeds, as feed readers exchange them. Pure.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::text::printable;

/// A feed of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outline {
    pub title: String,
    pub url: String,
    pub language: Option<String>,
}

/// No reader follows more.
const MOST: usize = 10_000;

/// The feeds of a list, each address once, whatever folders they are in.
pub fn read(text: &str) -> Result<Vec<Outline>, String> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = false;
    let mut outlines: Vec<Outline> = Vec::new();
    let mut is_opml = false;
    loop {
        match reader.read_event() {
            Ok(Event::Start(it) | Event::Empty(it)) => {
                let name = it.name().as_ref().to_ascii_lowercase();
                is_opml |= name == "opml";
                let found = (name == "outline").then(|| outline(&it)).flatten();
                let is_new = |found: &Outline| outlines.iter().all(|it| it.url != found.url);
                outlines.extend(found.filter(is_new));
            }
            Ok(Event::Eof) => break,
            Ok(_) => {}
            Err(error) => {
                let at = reader.error_position();
                return Err(format!("broken at byte {at}: {error}"));
            }
        }
        if outlines.len() > MOST {
            return Err(format!("it lists more than {MOST} feeds"));
        }
    }
    if is_opml {
        Ok(outlines)
    } else {
        Err("it is no OPML list of feeds".to_owned())
    }
}

fn outline(element: &BytesStart<'_>) -> Option<Outline> {
    let attribute = |wanted: &str| {
        let found = element
            .attributes()
            .flatten()
            .find(|it| it.key.as_ref().eq_ignore_ascii_case(wanted))?;
        let raw = found.value.clone().into_owned();
        let value = found
            .normalized_value(quick_xml::XmlVersion::Implicit1_0)
            .map_or(raw, std::borrow::Cow::into_owned);
        let value = printable(&value).trim().to_owned();
        (!value.is_empty()).then_some(value)
    };
    let url = address(&attribute("xmlUrl")?);
    let host = || url::Url::parse(&url).ok()?.host_str().map(str::to_owned);
    let title = attribute("text")
        .or_else(|| attribute("title"))
        .or_else(host)?;
    Some(Outline {
        title,
        language: attribute("language"),
        url,
    })
}

/// The address of a feed, where a browser or a reader marked it as one: `feed://x`, `feed:https://x`.
fn address(written: &str) -> String {
    let marked = |mark: &str| {
        let head = written.get(..mark.len())?;
        head.eq_ignore_ascii_case(mark)
            .then(|| &written[mark.len()..])
    };
    if let Some(rest) = marked("feed://") {
        return format!("https://{rest}");
    }
    marked("feed:").unwrap_or(written).to_owned()
}

/// Whether an address can be polled, and if not, why.
pub fn usable(url: &str) -> Result<(), String> {
    match url::Url::parse(url) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(()),
        Ok(url) => Err(format!(
            "{}: is not fetched, only http and https are",
            url.scheme()
        )),
        Err(error) => Err(error.to_string()),
    }
}

pub fn write(outlines: &[Outline]) -> String {
    let mut out =
        String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<opml version=\"2.0\">\n");
    out.push_str("<head><title>summitwatch feeds</title></head>\n<body>\n");
    for outline in outlines {
        let attribute = |name: &str, value: &str| {
            let value = quick_xml::escape::escape(printable(value)).into_owned();
            format!(" {name}=\"{value}\"")
        };
        let language = outline.language.as_deref();
        out.push_str(&format!(
            "<outline type=\"rss\"{}{}{}/>\n",
            attribute("text", &outline.title),
            language.map_or_else(String::new, |it| attribute("language", it)),
            attribute("xmlUrl", &outline.url),
        ));
    }
    out.push_str("</body>\n</opml>\n");
    out
}

#[cfg(test)]
mod tests {
    use super::{Outline, read, usable, write};

    fn feed(title: &str, url: &str) -> Outline {
        Outline {
            title: title.to_owned(),
            url: url.to_owned(),
            language: None,
        }
    }

    #[test]
    fn lists_of_readers_are_read_with_their_folders() {
        let list = r#"<?xml version="1.0"?><opml version="1.0"><head/><body>
            <outline text="Korea"><outline type="rss" text="가람 &amp; co" title="x" xmlUrl="https://garam.example/rss?a=1&amp;b=2"/>
            <outline TEXT="Again" xmlurl="https://garam.example/rss?a=1&amp;b=2"/></outline>
            <outline xmlUrl="https://harbor.example/feed"></outline><outline text="a folder"/></body></opml>"#;
        let expected = [
            feed("가람 & co", "https://garam.example/rss?a=1&b=2"),
            feed("harbor.example", "https://harbor.example/feed"),
        ];
        assert_eq!(read(list).expect("a list"), expected);
    }

    #[test]
    fn addresses_that_readers_mark_as_feeds_are_addresses() {
        let url = |written: &str| {
            let list = format!("<opml><outline text='x' xmlUrl='{written}'/></opml>");
            read(&list).expect("a list").remove(0).url
        };
        assert_eq!(url("feed://a.example/rss"), "https://a.example/rss");
        assert_eq!(url("FEED:http://a.example/rss"), "http://a.example/rss");
        assert_eq!(url("feed:https://a.example/rss"), "https://a.example/rss");
        assert!(usable(&url("feed://a.example/rss")).is_ok());
        for none in ["a.example/rss", "ftp://a.example/rss", "/rss", "https://"] {
            assert!(usable(&url(none)).is_err(), "{none}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let mut feeds = vec![feed("\"Quoted\" <b>", "https://a.example/?x=1&y='2'")];
        feeds[0].language = Some("ko".to_owned());
        assert_eq!(read(&write(&feeds)).expect("a list"), feeds);
    }

    #[test]
    fn what_is_no_list_is_said() {
        assert_eq!(
            read("<html><body/></html>"),
            Err("it is no OPML list of feeds".to_owned())
        );
        assert_eq!(read(""), Err("it is no OPML list of feeds".to_owned()));
        assert!(read("<opml><outline xmlUrl='x").is_err());
        let many: String = (0..10_002)
            .map(|n| format!("<outline xmlUrl='https://a/{n}'/>"))
            .collect();
        assert_eq!(
            read(&format!("<opml>{many}")),
            Err("it lists more than 10000 feeds".to_owned())
        );
    }
}

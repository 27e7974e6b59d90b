//! Documents as publishers write them. All headlines are invented.

use jiff::Timestamp;
use quick_xml::escape::escape;

/// When a [`super::World`] begins.
pub(crate) const START: &str = "2026-06-01T09:00:00Z";
/// When an entry was published that does not say otherwise: half an hour before.
pub(crate) const PUBLISHED: &str = "2026-06-01T08:30:00Z";

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    guid: Option<String>,
    link: Option<String>,
    title: String,
    summary: String,
    published: Option<String>,
}

/// An entry with a guid and a link that are its own.
pub(crate) fn entry(id: &str, title: &str) -> Entry {
    Entry {
        guid: Some(format!("wire-{id}")),
        link: Some(format!("https://wire.example/news/{id}")),
        title: title.to_owned(),
        summary: String::new(),
        published: Some(PUBLISHED.to_owned()),
    }
}

impl Entry {
    pub(crate) fn guid(mut self, guid: &str) -> Self {
        self.guid = Some(guid.to_owned());
        self
    }

    pub(crate) fn no_guid(mut self) -> Self {
        self.guid = None;
        self
    }

    pub(crate) fn link(mut self, link: &str) -> Self {
        self.link = Some(link.to_owned());
        self
    }

    pub(crate) fn no_link(mut self) -> Self {
        self.link = None;
        self
    }

    pub(crate) fn title(mut self, title: &str) -> Self {
        title.clone_into(&mut self.title);
        self
    }

    pub(crate) fn summary(mut self, summary: &str) -> Self {
        summary.clone_into(&mut self.summary);
        self
    }

    pub(crate) fn published(mut self, at: &str) -> Self {
        self.published = Some(at.to_owned());
        self
    }

    pub(crate) fn no_date(mut self) -> Self {
        self.published = None;
        self
    }

    fn rss_date(&self) -> Option<String> {
        let at: Timestamp = self
            .published
            .as_deref()?
            .parse()
            .expect("an RFC 3339 time");
        Some(at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string())
    }
}

fn element(name: &str, value: Option<&str>) -> String {
    value
        .map(|it| format!("<{name}>{}</{name}>", escape(it)))
        .unwrap_or_default()
}

pub(crate) fn rss(entries: &[Entry]) -> String {
    rss_in("utf-8", entries)
}

/// RSS 2.0 that declares `charset`; encoding it is the caller's.
pub(crate) fn rss_in(charset: &str, entries: &[Entry]) -> String {
    let items: String = entries
        .iter()
        .map(|it| {
            let guid = it.guid.as_deref().map(escape);
            let guid = guid
                .map(|it| format!("<guid isPermaLink=\"false\">{it}</guid>"))
                .unwrap_or_default();
            format!(
                "<item>{}{}{guid}{}{}</item>\n",
                element("title", Some(&it.title)),
                element("link", it.link.as_deref()),
                element("pubDate", it.rss_date().as_deref()),
                element("description", Some(&it.summary)),
            )
        })
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"{charset}\"?>\n<rss version=\"2.0\"><channel><title>Wire</title>\
         <link>https://wire.example/</link><description>News of the wire</description>\n{items}</channel></rss>\n"
    )
}

pub(crate) fn atom(entries: &[Entry]) -> String {
    let items: String = entries
        .iter()
        .map(|it| {
            let link = it
                .link
                .as_deref()
                .map(|it| format!("<link href=\"{}\"/>", escape(it)))
                .unwrap_or_default();
            format!(
                "<entry>{}{}{link}{}{}</entry>\n",
                element("title", Some(&it.title)),
                element("id", it.guid.as_deref()),
                element("published", it.published.as_deref()),
                element("summary", Some(&it.summary)),
            )
        })
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>Wire</title>\
         <id>https://wire.example/</id><link href=\"https://wire.example/\"/>\n{items}</feed>\n"
    )
}

/// A Google News sitemap; a sitemap knows neither guids nor summaries.
pub(crate) fn news_sitemap(entries: &[Entry]) -> String {
    let urls: String = entries
        .iter()
        .map(|it| {
            format!(
                "<url>{}<news:news><news:publication><news:name>Wire</news:name><news:language>en</news:language>\
                 </news:publication>{}{}</news:news></url>\n",
                element("loc", it.link.as_deref()),
                element("news:publication_date", it.published.as_deref()),
                element("news:title", Some(&it.title)),
            )
        })
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\" \
         xmlns:news=\"http://www.google.com/schemas/sitemap-news/0.9\">\n{urls}</urlset>\n"
    )
}

pub(crate) fn sitemap_index(urls: &[String]) -> String {
    let sitemaps: String = urls
        .iter()
        .map(|it| format!("<sitemap>{}</sitemap>\n", element("loc", Some(it))))
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<sitemapindex \
         xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n{sitemaps}</sitemapindex>\n"
    )
}

pub(crate) fn json_feed(entries: &[Entry]) -> String {
    let items: Vec<serde_json::Value> = entries
        .iter()
        .map(|it| {
            serde_json::json!({
                "id": it.guid, "url": it.link, "title": it.title, "content_text": it.summary,
                "date_published": it.published,
            })
        })
        .collect();
    serde_json::json!({
        "version": "https://jsonfeed.org/version/1.1", "title": "Wire", "home_page_url": "https://wire.example/",
        "items": items,
    })
    .to_string()
}

/// `text` in a charset by its label; UTF-16 gets a byte order mark.
pub(crate) fn encoded(charset: &str, text: &str) -> Vec<u8> {
    if charset == "utf-16le" {
        return [0xff, 0xfe]
            .into_iter()
            .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
    }
    let encoding = encoding_rs::Encoding::for_label(charset.as_bytes()).expect("a known charset");
    let (bytes, _, unmappable) = encoding.encode(text);
    assert!(!unmappable, "{charset} cannot write {text}");
    bytes.into_owned()
}

/// What a server shows when it is down for maintenance.
pub(crate) const ERROR_PAGE: &str = "<!DOCTYPE html><html><head><title>We will be right back</title></head>\
     <body><p>Scheduled maintenance &amp; repairs</p></body></html>";

/// Headlines that share no words, so that under the topic `all` each opens a story of its own.
pub(crate) const HEADLINES: [&str; 8] = [
    "Harbour pilots count eleven stranded barges",
    "Orchard growers fear an early frost",
    "Museum finds a forgotten violin upstairs",
    "Ferry timetable confuses island teachers",
    "Glacier survey maps seventeen hidden lakes",
    "Bakers vote against cheaper flour",
    "Tunnel opening delayed by wet concrete",
    "Beekeepers welcome a quiet winter",
];

/// Words that no other headline shares.
pub(crate) fn invented_headline(n: usize) -> String {
    let syllables = [
        "ka", "lo", "mi", "tu", "pe", "ra", "no", "si", "vu", "de", "fo", "gi", "ha", "ju", "ze",
        "bo",
    ];
    let word = |salt: usize| -> String {
        let mut seed = n * 4 + salt + 1;
        let part = |_| {
            seed = (seed * 7_919 + 104_729) % 65_521;
            syllables[seed % syllables.len()]
        };
        (0..4).map(part).collect()
    };
    format!("{} {} {}", word(0), word(1), word(2))
}
/// The first `n` headlines as entries, the newest first.
pub(crate) fn headlines(n: usize) -> Vec<Entry> {
    let entries = HEADLINES[..n].iter().enumerate();
    entries
        .map(|(at, title)| {
            entry(&at.to_string(), title).published(&format!("2026-06-01T08:{:02}:00Z", 50 - at))
        })
        .collect()
}

//! Absolute addresses out of relative ones: against xml:base, then the document's own address,
//! then the page the feed names.

use url::Url;

/// Longer ones are no addresses; nested, they would grow without end.
const BASE_BYTES: usize = 2_000;

#[derive(Default)]
pub(super) struct Base {
    document: Option<Url>,
    site: Option<Url>,
    /// xml:base of the open elements, by their depth.
    nested: Vec<(usize, Url)>,
}

impl Base {
    pub(super) fn new(document: Option<&str>) -> Self {
        Self {
            document: document.and_then(|it| Url::parse(it).ok()),
            ..Self::default()
        }
    }

    pub(super) fn set_site(&mut self, href: &str) {
        if self.site.is_none() {
            self.site = Url::parse(href).ok();
        }
    }

    pub(super) fn enter(&mut self, depth: usize, href: &str) {
        let href = href.trim();
        let url = Url::parse(href)
            .ok()
            .or_else(|| self.current()?.join(href).ok());
        if let Some(url) = url.filter(|it| it.as_str().len() <= BASE_BYTES) {
            self.nested.push((depth, url));
        }
    }

    pub(super) fn leave(&mut self, depth: usize) {
        self.nested
            .truncate(self.nested.partition_point(|(at, _)| *at < depth));
    }

    /// As given where nothing is known that it could be relative to.
    pub(super) fn resolve(&self, href: &str) -> String {
        let href = href.trim();
        if href.is_empty() {
            return String::new();
        }
        // Escaped once more than the markup asks for, as within CDATA. No address holds it as it is.
        let unescaped = href.contains("&amp;").then(|| href.replace("&amp;", "&"));
        let href = unescaped.as_deref().unwrap_or(href);
        Url::parse(href)
            .ok()
            .or_else(|| self.current()?.join(href).ok())
            .map_or_else(|| href.to_owned(), String::from)
    }

    fn current(&self) -> Option<&Url> {
        let nested = self.nested.last().map(|(_, url)| url);
        let document = self.document.as_ref();
        nested
            .or_else(|| document.filter(|it| self.site.is_none() || !serves_only_feeds(it)))
            .or(self.site.as_ref())
    }
}

/// Such hosts have no pages that a link could lead to.
fn serves_only_feeds(url: &Url) -> bool {
    url.host_str()
        .is_some_and(|host| host.starts_with("feeds.") || host.starts_with("rss."))
}

#[cfg(test)]
mod tests {
    use super::Base;

    #[track_caller]
    fn check(document: Option<&str>, site: &str, href: &str, expected: &str) {
        let mut base = Base::new(document);
        base.set_site(site);
        assert_eq!(base.resolve(href), expected);
    }

    #[test]
    fn links_become_absolute() {
        let document = Some("https://news.example/world/feed.xml");
        check(document, "", "../a b", "https://news.example/a%20b");
        check(
            document,
            "https://www.example/",
            "/a",
            "https://news.example/a",
        );
        check(
            Some("https://feeds.example/w"),
            "https://www.example/",
            "/a",
            "https://www.example/a",
        );
        check(None, "https://www.example/", "a", "https://www.example/a");
        check(None, "", "/a", "/a");
        check(
            document,
            "",
            "https://news.example/?a=1&amp;b=2",
            "https://news.example/?a=1&b=2",
        );
    }

    #[test]
    fn xml_base_holds_within_its_element() {
        let mut base = Base::new(Some("https://news.example/feed.xml"));
        base.enter(1, "sub/");
        base.enter(2, "deep/");
        assert_eq!(base.resolve("x"), "https://news.example/sub/deep/x");
        base.leave(2);
        assert_eq!(base.resolve("x"), "https://news.example/sub/x");
        base.leave(1);
        assert_eq!(base.resolve("x"), "https://news.example/x");
    }
}

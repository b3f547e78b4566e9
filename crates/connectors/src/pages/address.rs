//! `Address`: where the pages of a list are, and which endpoint of it a URL is that a service names for the next one.

use trunkline_core::Result;
use url::{Url, form_urlencoded};

use super::paging::broken;

/// The base URL of an integration. Nothing is there where it is none.
#[derive(Debug)]
pub(super) struct Address(Option<Url>);

impl Address {
    pub(super) fn new(base: &str) -> Self {
        Self(Url::parse(base).ok().filter(|base| !base.cannot_be_a_base()))
    }

    /// The same path at another origin.
    pub(super) fn moved_to(&mut self, origin: &str) {
        if let (Some(base), Ok(mut there)) = (&self.0, Url::parse(origin)) {
            there.set_path(base.path());
            self.0 = Some(there);
        }
    }

    /// The endpoint that a reference is which was found on the page at `here` (RFC 3986 section 5.2). Where it leads to another
    /// host, no request follows: it would have the credential with it, or ask somebody else for the page.
    ///
    /// # Errors
    ///
    /// `protocol`, saying where it leads. What is in its query may be secret, and is not shown.
    pub(super) fn endpoint(&self, here: &str, reference: &str) -> Result<String> {
        let nowhere = || broken("what leads to the next page is no URL".to_owned());
        let base = self.0.as_ref().ok_or_else(nowhere)?;
        let (path, query) = here.split_once('?').map_or((here, None), |(path, query)| (path, Some(query)));
        let below = base.path().trim_end_matches('/');
        let mut page = base.clone();
        if !path.is_empty() {
            page.set_path(&format!("{below}/{}", path.trim_start_matches('/')));
        }
        page.set_query(query);
        let next = page.join(reference.trim()).map_err(|_| nowhere())?;
        if !is_same(base, &next) {
            let host = next.host_str().unwrap_or_default();
            let scheme = next.scheme();
            return Err(broken(format!(
                "the next page is at another host than the integration: {scheme}://{host}"
            )));
        }
        match next.path().strip_prefix(below) {
            Some(path) if path.is_empty() || path.starts_with('/') => {
                let query = without(next.query().unwrap_or_default(), base.query().unwrap_or_default());
                Ok(if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") })
            }
            _ => Err(broken("the next page is at a path outside of the integration's base URL".to_owned())),
        }
    }
}

/// A query without what the base URL's has of it: every request has that anyway, and a service repeats it in its URLs.
fn without(query: &str, base: &str) -> String {
    let pairs =
        |query: &str| query.split('&').filter(|pair| !pair.is_empty()).map(meaning).collect::<Vec<_>>();
    let mut there = pairs(base);
    let own = query.split('&').filter(|pair| match there.iter().position(|known| *known == meaning(pair)) {
        Some(at) => {
            there.swap_remove(at);
            false
        }
        None => true,
    });
    own.collect::<Vec<_>>().join("&")
}

/// Name and value of a pair, however they are escaped.
fn meaning(pair: &str) -> (String, String) {
    form_urlencoded::parse(pair.as_bytes()).into_owned().next().unwrap_or_default()
}

/// Whether a page is at the host that is asked. The request for it goes to the base URL either way, so a service that does not know
/// of the TLS before it, and says http, is still the same; another port is another service.
fn is_same(base: &Url, next: &Url) -> bool {
    let web = matches!(next.scheme(), "http" | "https");
    let port = next.port() == base.port() || next.port_or_known_default() == base.port_or_known_default();
    web && next.host() == base.host() && port
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_resolved_against_the_page_it_was_found_on() {
        for (base, here, reference, endpoint) in [
            ("https://h/v1", "/url", "?page=2", "/url?page=2"),
            ("https://h/v1", "url?page=1", "?page=2", "/url?page=2"),
            ("https://h/v1/", "/a/url", "url?page=2", "/a/url?page=2"),
            ("https://h/v1", "/a/url", "./b", "/a/b"),
            ("https://h/v1", "/a/url", "../b?x=%2F", "/b?x=%2F"),
            ("https://h/v1", "/a", "/v1/b", "/b"),
            ("https://h/v1", "/a", "https://h/v1/b?c", "/b?c"),
            ("https://h/v1", "/a", "https://h:443/v1/b", "/b"),
            ("https://h/v1", "/a", "https://H/v1/b", "/b"),
            ("https://h/v1", "/a", "//h/v1/b", "/b"),
            ("https://h/v1", "/a", "http://h/v1/b", "/b"),
            ("http://h:8080", "", "?page=2", "/?page=2"),
            ("http://h:8080/", "x", "http://h:8080/y#z", "/y"),
            // What stands in the base URL's query is sent with every request.
            ("https://h/v1?key=a%20b&v=1", "/a", "https://h/v1/b?v=1&after=2&key=a+b", "/b?after=2"),
            ("https://h/v1?v=1", "/a", "/v1/b?v=1", "/b"),
            ("https://h/v1?v=1", "/a", "/v1/b?v=2&w=1&v=1&v=1", "/b?v=2&w=1&v=1"),
            ("https://h/v1?v=1", "/a", "?page=2", "/a?page=2"),
        ] {
            let found = Address::new(base).endpoint(here, reference);
            assert_eq!(found.unwrap(), endpoint, "{base} {here} {reference}");
        }
    }

    #[test]
    fn another_host_another_port_and_a_path_outside_are_refused() {
        for (reference, words) in [
            ("http://evil.example/v1/url?page=2&token=hunter2", "http://evil.example"),
            ("//evil.example/v1/b", "another host"),
            ("https://h:8443/v1/b", "another host"),
            ("https://h.evil.example/v1/b", "another host"),
            ("ftp://h/v1/b", "another host"),
            ("javascript:alert(1)", "another host"),
            ("https://", "no URL"),
            ("/v2/x", "outside"),
            ("/v10/x", "outside"),
            ("../../x", "outside"),
        ] {
            let error = Address::new("https://h/v1").endpoint("/a", reference).unwrap_err();
            assert!(error.message().contains(words) && !error.message().contains("hunter2"), "{error}");
        }
        let mut moved = Address::new("https://login.example/v1");
        moved.moved_to("https://eu.example");
        assert_eq!(moved.endpoint("/a", "https://eu.example/v1/b").unwrap(), "/b");
        assert!(moved.endpoint("/a", "https://login.example/v1/b").is_err());
    }
}

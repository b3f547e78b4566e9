//! `Base`: the URL of an integration, and how an endpoint is joined to it without ever leaving its host.

use std::fmt;

use bytes::{BufMut, Bytes};
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use percent_encoding::{AsciiSet, CONTROLS, PercentEncode, utf8_percent_encode};
use trunkline_core::{Error, Kind, Result, is_sensitive_name};

use super::query::PARAM;

/// What may not stand in a path as it is. `%` is missing: what is escaped already stays so.
const PATH: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`').add(b'{').add(b'}').add(b'|').add(b'^');

/// The base URL of an integration, parsed once.
#[derive(Debug, Clone)]
pub(crate) struct Base {
    scheme: Scheme,
    authority: Authority,
    path: Box<str>,
    query: Option<Box<str>>,
}

impl Base {
    /// Parses and checks a base URL.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let bad = |what: &str| Error::invalid(format!("base_url: {what}"));
        if text.contains(['\\', '#']) || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(bad("must not contain backslashes, fragments, spaces or control characters"));
        }
        let uri: Uri = text.parse().map_err(|_| bad("is not a URL such as https://api.example.com/v1"))?;
        let parts = uri.into_parts();
        let scheme = match parts.scheme {
            Some(scheme) if scheme == Scheme::HTTP || scheme == Scheme::HTTPS => scheme,
            _ => return Err(bad("must begin with https:// or http://")),
        };
        let authority = parts.authority.ok_or_else(|| bad("has no host"))?;
        if authority.as_str().contains('@') {
            return Err(bad(
                "must not hold a user or password; put them into auth_type basic and auth_config",
            ));
        }
        if authority.host().is_empty() {
            return Err(bad("has no host"));
        }
        // What follows the host can only be a port, and `http` takes any text for one.
        if authority.as_str() != authority.host() && authority.port_u16().is_none_or(|port| port == 0) {
            return Err(bad("has a port that is not a number from 1 to 65535"));
        }
        let whole = parts.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
        let path = whole.path();
        check_path(path).map_err(|error| error.at("base_url"))?;
        if let Some(name) = whole
            .query()
            .into_iter()
            .flat_map(|query| query.split('&'))
            .map(|pair| pair.split('=').next().unwrap_or(pair))
            .find(|name| is_sensitive_name(name))
        {
            return Err(bad(&format!(
                "the parameter {name:?} looks like a credential; use auth_type api_key with auth_config.query"
            )));
        }
        let path = if path == "/" { "" } else { path };
        Ok(Self { scheme, authority, path: path.into(), query: whole.query().map(Into::into) })
    }

    /// Joins `endpoint` and query parameters to the base. Nothing in them can change scheme, host or port:
    /// only a path and a query are made from them.
    ///
    /// # Errors
    ///
    /// `invalid_config` when the endpoint is a URL of its own, climbs with dot segments, or holds a
    /// backslash, fragment or control character.
    pub(crate) fn join<'a>(
        &self,
        endpoint: &str,
        params: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Uri> {
        let (path, query) = match endpoint.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (endpoint, None),
        };
        check_endpoint(endpoint, path).map_err(|error| error.at("endpoint"))?;
        // Exact where nothing is escaped and no parameter comes: what has no room to spare is not copied.
        let slash = usize::from(!endpoint.starts_with('/'));
        let mut out = Vec::with_capacity(self.path.len() + slash + endpoint.len());
        if path.is_empty() {
            out.put_slice(if self.path.is_empty() { b"/" } else { self.path.as_bytes() });
        } else {
            let base = self.path.strip_suffix('/').unwrap_or(&self.path);
            out.extend_from_slice(base.as_bytes());
            if !path.starts_with('/') {
                out.put_u8(b'/');
            }
            put_encoded(&mut out, path);
        }
        let mut separator = b'?';
        for query in self.query.as_deref().into_iter().chain(query).filter(|query| !query.is_empty()) {
            out.put_u8(std::mem::replace(&mut separator, b'&'));
            put_encoded(&mut out, query);
        }
        for (name, value) in params {
            out.put_u8(std::mem::replace(&mut separator, b'&'));
            put_param(&mut out, name);
            out.put_u8(b'=');
            put_param(&mut out, value);
        }
        let path_and_query = PathAndQuery::from_maybe_shared(Bytes::from(out))
            .map_err(|_| Error::invalid("endpoint: cannot be part of a URL"))?;
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path_and_query);
        Uri::from_parts(parts).map_err(|_| Error::invalid("endpoint: cannot be part of a URL"))
    }

    /// The same path at another origin, such as `https://eu.example.com`.
    ///
    /// # Errors
    ///
    /// `invalid_config` where that is no origin.
    pub(crate) fn moved_to(&self, origin: &str) -> Result<Self> {
        let Self { scheme, authority, .. } = Self::parse(origin)?;
        Ok(Self { scheme, authority, ..self.clone() })
    }

    /// The origin alone, as a URI.
    pub(crate) fn origin(&self) -> Uri {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(PathAndQuery::from_static("/"));
        Uri::from_parts(parts).expect("a scheme, an authority and a path are a URI")
    }

    /// Whether `uri` has the scheme, host and port of the base.
    pub(crate) fn is_origin_of(&self, uri: &Uri) -> bool {
        let port = |scheme: Option<&Scheme>, port: Option<u16>| {
            port.unwrap_or(if scheme == Some(&Scheme::HTTPS) { 443 } else { 80 })
        };
        uri.scheme() == Some(&self.scheme)
            && uri.host().is_some_and(|host| host.eq_ignore_ascii_case(self.authority.host()))
            && port(uri.scheme(), uri.port_u16()) == port(Some(&self.scheme), self.authority.port_u16())
    }
}

impl fmt::Display for Base {
    /// The origin only: a path may be somebody's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

/// Whether a path or query is made of characters alone that need neither check nor escape, as most are.
fn is_plain(text: &str) -> bool {
    const PLAIN: [bool; 256] = {
        let mut plain = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            plain[byte] = (byte as u8).is_ascii_alphanumeric()
                || matches!(byte as u8, b'/' | b'?' | b'&' | b'=' | b'-' | b'_' | b'~' | b',');
            byte += 1;
        }
        plain
    };
    text.bytes().all(|byte| PLAIN[usize::from(byte)])
}

fn check_endpoint(endpoint: &str, path: &str) -> Result<()> {
    if is_plain(endpoint) && !path.starts_with("//") {
        return Ok(());
    }
    if endpoint.contains(['\\', '#']) || endpoint.chars().any(char::is_control) {
        return Err(Error::invalid(
            "must not contain backslashes, fragments or control characters; encode them",
        ));
    }
    if path.starts_with("//")
        || path.split('/').next().is_some_and(|first| first.ends_with(':') && path.contains("://"))
    {
        return Err(Error::invalid("must be a path below base_url, not a URL of its own"));
    }
    check_path(path)
}

/// Refuses dot segments, plain or escaped, and those with parameters that some servers strip.
fn check_path(path: &str) -> Result<()> {
    if !path.contains('.') && !path.contains("%2") {
        return Ok(());
    }
    let suspect = |segment: &&str| segment.starts_with('.') || segment.contains('%');
    for segment in path.split(['/', '\\']).filter(suspect) {
        let segment = segment.split(';').next().unwrap_or(segment);
        let plain = segment.replace("%2e", ".").replace("%2E", ".");
        // An escaped slash or backslash makes further segments for a server that decodes early.
        let climbs = plain
            .split("%2f")
            .flat_map(|part| part.split("%2F"))
            .flat_map(|part| part.split("%5c"))
            .flat_map(|part| part.split("%5C"));
        if climbs.into_iter().any(|part| part == "." || part == "..") {
            return Err(Error::invalid("must not contain . or .. as a segment"));
        }
    }
    Ok(())
}

/// The target of a redirect (RFC 9110 section 10.2.2, RFC 3986 section 5.2), which may be relative.
///
/// # Errors
///
/// `protocol` when it is no http URL, or holds a user.
pub(crate) fn resolve_location(from: &Uri, location: &str) -> Result<Uri> {
    let bad = || Error::new(Kind::Protocol, "the service redirects to something that is no http URL");
    let base = ::url::Url::parse(&from.to_string()).map_err(|_| bad())?;
    let mut target = base.join(location).map_err(|_| bad())?;
    target.set_fragment(None);
    if !matches!(target.scheme(), "http" | "https")
        || !target.username().is_empty()
        || target.password().is_some()
    {
        return Err(bad());
    }
    target.as_str().parse().map_err(|_| bad())
}

/// Escapes what may not stand in a URL; a `%` that begins no escape is escaped too.
fn put_encoded(out: &mut Vec<u8>, text: &str) {
    if is_plain(text) {
        return out.put_slice(text.as_bytes());
    }
    for (at, piece) in text.split('%').enumerate() {
        if at > 0 {
            let escape = piece.as_bytes().get(..2).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
            out.put_slice(if escape { b"%" } else { b"%25" });
        }
        put(out, utf8_percent_encode(piece, PATH));
    }
}

fn put_param(out: &mut Vec<u8>, text: &str) {
    put(out, utf8_percent_encode(text, PARAM));
}

fn put(out: &mut Vec<u8>, pieces: PercentEncode<'_>) {
    for piece in pieces {
        out.put_slice(piece.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn join(base: &str, endpoint: &str) -> Result<String> {
        Base::parse(base)?.join(endpoint, []).map(|uri| uri.to_string())
    }

    #[test]
    fn an_endpoint_is_joined_with_one_slash_and_both_queries() {
        for (base, endpoint, joined) in [
            ("https://h/v1", "/x", "https://h/v1/x"),
            ("https://h/v1/", "x", "https://h/v1/x"),
            ("https://h/v1/", "/x", "https://h/v1/x"),
            ("https://h/v1", "x/", "https://h/v1/x/"),
            ("https://h", "", "https://h/"),
            ("https://h/v1/", "", "https://h/v1/"),
            ("https://h/v1", "?b=2", "https://h/v1?b=2"),
            ("https://h/v1?a=1", "x?b=2", "https://h/v1/x?a=1&b=2"),
            ("https://h/v1?a=1", "x", "https://h/v1/x?a=1"),
            ("https://h:8443/", "a%2Fb%20c", "https://h:8443/a%2Fb%20c"),
            ("https://h", "/caf\u{e9} 100%/{id}", "https://h/caf%C3%A9%20100%25/%7Bid%7D"),
            ("https://h", "/x?q=a b&r=%zz", "https://h/x?q=a%20b&r=%25zz"),
            ("https://[::1]:8080/v1", "x", "https://[::1]:8080/v1/x"),
            ("https://h/v1", "a//b", "https://h/v1/a//b"),
            ("https://h", "me@example.com", "https://h/me@example.com"),
            ("https://h", "...", "https://h/..."),
        ] {
            assert_eq!(join(base, endpoint).unwrap(), joined, "{base} + {endpoint}");
        }
    }

    #[test]
    fn parameters_are_encoded_and_may_repeat() {
        let base = Base::parse("https://h/v1?a=1").unwrap();
        let uri = base.join("x?b=2", [("t", "x&y=z"), ("t", "caf\u{e9}"), ("a b", "")]).unwrap();
        assert_eq!(uri.to_string(), "https://h/v1/x?a=1&b=2&t=x%26y%3Dz&t=caf%C3%A9&a%20b=");
    }

    #[test]
    fn an_endpoint_cannot_leave_the_base() {
        for endpoint in [
            "//evil",
            "https://evil/x",
            "http://evil",
            "\\evil",
            "/\\evil",
            "/a/../b",
            "..",
            "/..;/x",
            "/%2e%2e/x",
            "/%2E./x",
            "/a/..%2fb",
            "/a%2f..%2f..",
            "/x#y",
            "/x\r\nHost: evil",
            "/x\0",
            "/a/.",
            "/..%5cx",
        ] {
            assert!(join("https://h/v1", endpoint).is_err(), "{endpoint:?}");
        }
        for endpoint in [".evil", "@evil", ":80", "evil", "a:b", "/.well-known/x", "user:pass@evil"] {
            let uri: Uri = join("https://h", endpoint).unwrap().parse().unwrap();
            assert_eq!((uri.host(), uri.port_u16()), (Some("h"), None), "{endpoint:?}");
        }
    }

    #[test]
    fn a_bad_base_is_named_and_a_password_in_it_is_not_shown() {
        for base in [
            "",
            "h",
            "/v1",
            "ftp://h",
            "file:///etc/passwd",
            "https://",
            "https:///x",
            "https://u:hunter2@h/",
            "https://h:99999/",
            "https://h/a b",
            "https://h\\x",
            "https://h/#x",
            "https://h/../x",
            "https://h/?api_key=hunter2",
            "https://h:/x",
            "https://h:0/",
            "https://\u{2460}.0.0.1/",
        ] {
            let error = Base::parse(base).unwrap_err();
            assert!(
                error.message().starts_with("base_url: ") && !error.message().contains("hunter2"),
                "{base}: {error}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_endpoint_changes_the_host(endpoint in ".{0,40}") {
            let base = Base::parse("https://api.example.com/v1").unwrap();
            if let Ok(uri) = base.join(&endpoint, [("k", &*endpoint)]) {
                prop_assert!(base.is_origin_of(&uri));
                prop_assert!(uri.path() == "/v1" || uri.path().starts_with("/v1/"), "{}", uri);
            }
        }
    }
}

//! `Fingerprint`: what two operations have in common that are the same to a cache.

use std::{borrow::Cow, fmt::Write};

use serde_json::value::RawValue;

use crate::{File, HttpRequest, Operation, Query, Statement, Wanted};

/// What two operations have in common that are the same to a cache. The integration and the connection are
/// not part of it: whoever keys by it adds them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fingerprint<'a> {
    /// For HTTP the path below the base URL and the query, in the one spelling that RFC 3986 section 6.2.2
    /// gives equal ones; for a query its text, name and parameters.
    pub text: Cow<'a, str>,
    /// Whether the reply is passed through as it comes: it may be encoded, one that is read is not.
    pub relay: bool,
}

impl<'a> Fingerprint<'a> {
    /// That of an HTTP request for a path below the base URL, and perhaps `?query`.
    pub fn of_target(target: &'a str, relay: bool) -> Self {
        let text = match normal(target) {
            // An endpoint is a path below the base with or without its first slash.
            text if text.is_empty() || text.starts_with(['/', '?']) => text,
            text => Cow::Owned(format!("/{text}")),
        };
        Self { text, relay }
    }
}

impl Operation {
    /// What a cache keys this operation on; `None` for what changes something or takes messages away. An HTTP
    /// request has one whatever its method: those that change something invalidate by it.
    pub fn fingerprint(&self) -> Option<Fingerprint<'_>> {
        match self {
            Self::Http(request) => Some(of_request(request)),
            Self::Query(query) if query.read_only => Some(Fingerprint { text: whole(query), relay: false }),
            Self::Query(_) | Self::Publish(_) | Self::Receive(_) => None,
        }
    }
}

/// The path and query of a request, its parameters among them.
fn of_request(request: &HttpRequest) -> Fingerprint<'_> {
    let mut print = Fingerprint::of_target(&request.endpoint, request.relay);
    for (name, value) in &request.params {
        let text = print.text.to_mut();
        text.push(if text.contains('?') { '&' } else { '?' });
        name.bytes().for_each(|byte| put(text, byte, is_unreserved(byte)));
        text.push('=');
        value.bytes().for_each(|byte| put(text, byte, is_unreserved(byte)));
    }
    print
}

/// Begins with a control character, which no path does, and parts what it is made of by others. The length stands
/// before each text, so that no two queries look alike.
fn whole(query: &Query) -> Cow<'_, str> {
    let Wanted { max_rows, max_bytes, arrays, stream, events, read_only: _ } = query.wanted;
    // What is kept for a minute is too old for a caller who asks for one of a second.
    let ttl = query.ttl;
    let mut text = format!("\u{1}{max_rows:?}{max_bytes:?}{arrays}{stream}{events}{ttl:?}");
    for Statement { text: statement, params, operation_name, extensions } in &query.statements {
        let [params, extensions] = [params, extensions].map(|json| json.as_deref().map_or("", RawValue::get));
        for part in [statement, params, operation_name.as_deref().unwrap_or_default(), extensions] {
            let _ = write!(text, "\u{1}{}\u{1}{part}", part.len());
        }
    }
    for File { path, name, media, content } in &query.files {
        for part in [path, name, media, &*content.escape_ascii().to_string()] {
            let _ = write!(text, "\u{2}{}\u{2}{part}", part.len());
        }
    }
    text.into()
}

/// A path and query in the spelling that equal ones share: what may not stand in a URL is escaped, what need
/// not be is not, and escapes are in upper case (RFC 3986 section 6.2.2).
fn normal(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| is_unreserved(byte) || b"/?&=,:;@!$'()*+".contains(&byte)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, escaped(after)) {
            (b'%', Some(byte)) => {
                rest = &after[2..];
                put(&mut out, byte, is_unreserved(byte));
            }
            (b'%', None) => out.push_str("%25"),
            _ => put(&mut out, byte, byte.is_ascii_graphic() && !b"\"<>`{}|^".contains(&byte)),
        }
    }
    Cow::Owned(out)
}

/// The byte that two hex digits behind a `%` stand for.
fn escaped(after: &[u8]) -> Option<u8> {
    let &[high, low, ..] = after else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// RFC 3986 section 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn put(out: &mut String, byte: u8, plain: bool) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    if plain {
        return out.push(byte.into());
    }
    out.push('%');
    out.push(HEX[usize::from(byte >> 4)].into());
    out.push(HEX[usize::from(byte & 15)].into());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(request: HttpRequest) -> String {
        Operation::from(request).fingerprint().unwrap().text.into_owned()
    }

    #[test]
    fn spellings_of_one_target_are_one_and_others_are_not() {
        for (endpoint, expected) in [
            ("", ""),
            ("x", "/x"),
            ("/x", "/x"),
            ("/x/", "/x/"),
            ("?a=1", "?a=1"),
            ("/%7euser/%41", "/~user/A"),
            ("/a%2fb", "/a%2Fb"),
            ("/a b", "/a%20b"),
            ("/caf\u{e9}", "/caf%C3%A9"),
            ("/100%", "/100%25"),
            ("/%zz", "/%25zz"),
            ("/%2", "/%252"),
            ("/%\u{e9}", "/%25%C3%A9"),
            ("/x?b=1&a=2", "/x?b=1&a=2"),
        ] {
            assert_eq!(text(HttpRequest::get(endpoint)), expected, "{endpoint}");
        }
    }

    #[test]
    fn parameters_are_part_of_it_as_if_they_stood_in_the_endpoint() {
        assert_eq!(text(HttpRequest::get("x").param("q", "a b&c").param("n", 1)), "/x?q=a%20b%26c&n=1");
        assert_eq!(text(HttpRequest::get("x?q=a%20b%26c").param("n", 1)), "/x?q=a%20b%26c&n=1");
    }

    #[test]
    fn a_query_is_its_text_name_and_parameters_and_what_writes_has_none() {
        let query = |text: &str, name: Option<&str>, read_only| {
            let mut query = Query { read_only, ..Query::new(text) };
            query.statements[0].operation_name = name.map(Into::into);
            Operation::Query(query)
        };
        let print = |operation: &Operation| operation.fingerprint().map(|print| print.text.into_owned());
        assert!(print(&query("a", None, false)).is_none());
        assert_ne!(print(&query("a", Some("b"), true)), print(&query("ab", None, true)));
        assert_ne!(print(&query("\u{1}", Some("b"), true)), print(&query("", Some("b\u{1}"), true)));
        assert_ne!(print(&query("/x", None, true)), Some(text(HttpRequest::get("/x"))));
    }
}

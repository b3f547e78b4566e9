//! Conditional requests: those of clients, and our own (RFC 9110 section 13, RFC 9111 section 4.3).

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::{directives::members, freshness::date};

/// What a client makes its request depend on. They are between it and whoever answers: where that is the cache
/// they do not go on.
const CONDITIONS: [HeaderName; 5] = [
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_UNMODIFIED_SINCE,
    header::IF_RANGE,
];

/// Whether a request depends on what only the service may judge (RFC 9111 section 4.3.2: a cache that is not
/// the origin must not evaluate these).
pub(super) fn for_service_only(asked: &HeaderMap) -> bool {
    asked.contains_key(header::IF_MATCH) || asked.contains_key(header::IF_UNMODIFIED_SINCE)
}

/// Whether a request depends on anything, or wants a part: a reply to it may be of no use to others.
pub(super) fn is_conditional(asked: &HeaderMap) -> bool {
    asked.contains_key(header::RANGE) || CONDITIONS.iter().any(|name| asked.contains_key(name))
}

/// Whether what is stored is what the client has already (RFC 9110 sections 13.1.2, 13.1.3 and 13.2.2): then it
/// is told so with 304.
pub(super) fn client_has(asked: &HeaderMap, stored: &HeaderMap) -> bool {
    if asked.contains_key(header::IF_NONE_MATCH) {
        // The entity tags have precedence over the date.
        let ours = stored.get(header::ETAG).map(|tag| opaque(tag.as_bytes()));
        return asked.get_all(header::IF_NONE_MATCH).iter().any(|line| {
            let text = String::from_utf8_lossy(line.as_bytes());
            line == "*"
                || members(&text).any(|tag| {
                    // Compared as bytes of the original: a lossy reading must not make two tags one.
                    !tag.contains('\u{fffd}') && ours.is_some_and(|ours| opaque(tag.as_bytes()) == ours)
                })
                || ours.is_some_and(|ours| opaque(line.as_bytes().trim_ascii()) == ours)
        });
    }
    let Some(since) = date(asked, &header::IF_MODIFIED_SINCE) else { return false };
    // RFC 9111 section 4.3.2: where nothing says when it was changed, it was not after it came.
    let changed = match stored.contains_key(header::LAST_MODIFIED) {
        true => date(stored, &header::LAST_MODIFIED),
        false => date(stored, &header::DATE),
    };
    changed.is_some_and(|changed| changed <= since)
}

/// An entity tag for weak comparison (RFC 9110 section 8.8.3.2).
fn opaque(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

/// An entity tag that is strong and well-formed.
pub(super) fn strong_tag(tag: &HeaderValue) -> Option<&[u8]> {
    let bytes = tag.as_bytes();
    (bytes.len() >= 2 && bytes.starts_with(b"\"") && bytes.ends_with(b"\"")).then_some(bytes)
}

/// Whether a response can be validated.
pub(super) fn has_validator(stored: &HeaderMap) -> bool {
    stored.contains_key(header::ETAG) || date(stored, &header::LAST_MODIFIED).is_some()
}

/// Turns a request into one that asks whether what is stored still holds (RFC 9111 section 4.3.1).
pub(super) fn validate(request: &mut HeaderMap, stored: &HeaderMap) {
    unconditional(request);
    if let Some(tag) = stored.get(header::ETAG) {
        request.insert(header::IF_NONE_MATCH, tag.clone());
    }
    if let Some(changed) =
        stored.get(header::LAST_MODIFIED).filter(|_| date(stored, &header::LAST_MODIFIED).is_some())
    {
        request.insert(header::IF_MODIFIED_SINCE, changed.clone());
    }
}

/// Takes the client's conditions out of a request, and with them the range that they may be about: a part of what
/// has changed is not what the client can put to what it has.
pub(super) fn unconditional(request: &mut HeaderMap) {
    request.remove(header::RANGE);
    for name in &CONDITIONS {
        request.remove(name);
    }
}

/// What a 304 does not change (RFC 9111 section 3.2): it describes the body that is kept, and there is none in a
/// 304. The entity tag belongs to that body too; the one we asked about is the one that still holds.
const KEPT: [HeaderName; 5] = [
    header::CONTENT_LENGTH,
    header::CONTENT_ENCODING,
    header::CONTENT_RANGE,
    header::ETAG,
    HeaderName::from_static("content-md5"),
];

/// The headers of what is stored, after the service said with `fresh` ones that it still holds (RFC 9111 section
/// 4.3.4): each field that is there replaces what was, all others stay.
pub(super) fn updated(stored: &HeaderMap, fresh: &HeaderMap) -> HeaderMap {
    let mut headers = stored.clone();
    // They tell the time of a validation, and would tell that of another one.
    for name in [header::AGE, header::DATE] {
        headers.remove(name);
    }
    for name in fresh.keys().filter(|name| !KEPT.contains(name)) {
        headers.remove(name);
        for value in fresh.get_all(name) {
            headers.append(name, value.clone());
        }
    }
    headers
}

/// Whether a 200 to a HEAD is about what is stored (RFC 9111 section 4.3.5).
pub(super) fn describes(head: &HeaderMap, stored: &HeaderMap, length: usize) -> bool {
    let same = |name: &HeaderName| head.get(name).is_none_or(|value| stored.get(name) == Some(value));
    let length = length.to_string();
    same(&header::ETAG)
        && same(&header::LAST_MODIFIED)
        && head.get(header::CONTENT_LENGTH).is_none_or(|value| value.as_bytes() == length.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::headers;

    const OLD: &str = "Thu, 01 Jan 2026 00:00:00 GMT";
    const NEW: &str = "Fri, 02 Jan 2026 00:00:00 GMT";

    #[test]
    fn a_client_is_told_that_it_has_it_already() {
        // RFC 9110 sections 13.1.2, 13.1.3 and 13.2.2.
        for (asked, stored, has) in [
            (&[("if-none-match", "\"a\"")][..], &[("etag", "\"a\"")][..], true),
            (&[("if-none-match", "\"a\"")], &[("etag", "\"b\"")], false),
            (&[("if-none-match", "\"x\", \"a\" , \"y\"")], &[("etag", "\"a\"")], true),
            (&[("if-none-match", "\"x\""), ("if-none-match", "\"a\"")], &[("etag", "\"a\"")], true),
            (&[("if-none-match", "W/\"a\"")], &[("etag", "\"a\"")], true),
            (&[("if-none-match", "\"a\"")], &[("etag", "W/\"a\"")], true),
            (&[("if-none-match", "\"a,b\"")], &[("etag", "\"a,b\"")], true),
            (&[("if-none-match", "\"a,b\"")], &[("etag", "\"a")], false),
            (&[("if-none-match", "*")], &[], true),
            (&[("if-none-match", "\"a\"")], &[], false),
            (&[("if-modified-since", OLD)], &[("last-modified", OLD)], true),
            (&[("if-modified-since", NEW)], &[("last-modified", OLD)], true),
            (&[("if-modified-since", OLD)], &[("last-modified", NEW)], false),
            (&[("if-modified-since", "junk")], &[("last-modified", OLD)], false),
            (&[("if-modified-since", OLD)], &[], false),
            (&[("if-modified-since", NEW)], &[("date", NEW)], true),
            (&[("if-modified-since", OLD)], &[("date", NEW)], false),
            (&[("if-modified-since", NEW)], &[("last-modified", "junk"), ("date", NEW)], false),
            (
                &[("if-none-match", "\"b\""), ("if-modified-since", NEW)],
                &[("etag", "\"a\""), ("last-modified", OLD)],
                false,
            ),
            (&[], &[("etag", "\"a\"")], false),
        ] {
            assert_eq!(client_has(&headers(asked), &headers(stored)), has, "{asked:?} {stored:?}");
        }
    }

    #[test]
    fn a_304_replaces_fields_and_leaves_what_describes_the_body() {
        // RFC 9111 sections 3.2 and 4.3.4.
        let stored = headers(&[
            ("x-a", "1"),
            ("x-a", "2"),
            ("x-b", "1"),
            ("content-length", "5"),
            ("etag", "\"a\""),
            ("content-encoding", "gzip"),
            ("age", "9"),
            ("content-type", "text/plain"),
        ]);
        let fresh = headers(&[
            ("x-a", "3"),
            ("content-length", "0"),
            ("etag", "W/\"a\""),
            ("content-encoding", "br"),
            ("content-type", "text/html"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=1"),
        ]);
        let expected = headers(&[
            ("x-b", "1"),
            ("content-length", "5"),
            ("etag", "\"a\""),
            ("content-encoding", "gzip"),
            ("x-a", "3"),
            ("content-type", "text/html"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=1"),
        ]);
        assert_eq!(updated(&stored, &fresh), expected);
    }

    #[test]
    fn our_question_replaces_the_clients() {
        let mut request =
            headers(&[("if-none-match", "\"theirs\""), ("if-modified-since", OLD), ("accept", "*/*")]);
        validate(&mut request, &headers(&[("etag", "\"ours\"")]));
        assert_eq!(request, headers(&[("accept", "*/*"), ("if-none-match", "\"ours\"")]));
        validate(&mut request, &headers(&[("last-modified", NEW)]));
        assert_eq!(request, headers(&[("accept", "*/*"), ("if-modified-since", NEW)]));
    }

    #[test]
    fn a_head_describes_what_is_stored_unless_it_says_otherwise() {
        // RFC 9111 section 4.3.5.
        let stored = headers(&[("etag", "\"a\"")]);
        for (head, same) in [
            (&[("etag", "\"a\""), ("content-length", "5")][..], true),
            (&[], true),
            (&[("etag", "\"b\"")], false),
            (&[("content-length", "6")], false),
            (&[("last-modified", OLD)], false),
        ] {
            assert_eq!(describes(&headers(head), &stored, 5), same, "{head:?}");
        }
    }
}

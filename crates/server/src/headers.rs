//! Headers that end at this hop, and those of our own.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use trunkline::{CacheStatus, Call, Forward, Reply, RequestId};

/// Names the call in answers, activity and logs.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("trunkline-request-id");
/// How many attempts the call took.
const ATTEMPTS: HeaderName = HeaderName::from_static("trunkline-attempts");
/// What client libraries of several vendors obey: `false` where another attempt is not theirs to make.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
/// What the cache did with the call (RFC 9211).
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
/// Carries the API token, so that `Authorization` is free for the service.
pub(crate) const TOKEN: HeaderName = HeaderName::from_static("trunkline-token");

/// Of one connection only (RFC 9110 section 7.6.1).
const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Removes what ends here from a reply that comes back: the headers of the connection, those that
/// `Connection` names, and any that pretend to be ours.
pub(crate) fn strip(headers: &mut HeaderMap) {
    // A transport says it itself, and has taken out what the service says.
    remove(headers, |name| {
        ends_here(name) && *name != Reply::PARTIAL_ERRORS && *name != Reply::PARTIAL_MESSAGE
    });
}

/// Removes what ends here from a request that is passed on: as for a reply, and what describes the way
/// to us, and what the client library writes anew.
pub(crate) fn strip_request(headers: &mut HeaderMap) {
    remove(headers, |name| {
        const OURS: [HeaderName; 4] =
            [header::HOST, header::CONTENT_LENGTH, header::EXPECT, header::FORWARDED];
        OURS.contains(name)
            || name.as_str().starts_with('x')
                && matches!(
                    name.as_str(),
                    "x-forwarded-for" | "x-forwarded-host" | "x-forwarded-proto" | "x-real-ip"
                )
            || ends_here(name)
    });
}

fn ends_here(name: &HeaderName) -> bool {
    HOP_BY_HOP.contains(name) || name.as_str().starts_with("trunkline-") || name == "proxy-connection"
}

/// Most requests have one header that goes, and most replies none: one look at each name finds that out.
fn remove(headers: &mut HeaderMap, goes: impl Fn(&HeaderName) -> bool) {
    // `Connection` goes itself: where nothing does, it names nothing.
    if !headers.keys().any(&goes) {
        return;
    }
    let named = match headers.get(header::CONNECTION).map(HeaderValue::as_bytes) {
        // The usual values name nothing but themselves.
        None | Some(b"keep-alive" | b"close") => Vec::new(),
        Some(_) => named(headers),
    };
    while let Some(name) = headers.keys().find(|name| goes(name)).cloned() {
        headers.remove(name);
    }
    for name in named {
        headers.remove(name);
    }
}

fn named(headers: &HeaderMap) -> Vec<HeaderName> {
    let values = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).filter_map(|name| name.trim().parse().ok()).collect()
}

/// Says what happened to a call.
pub(crate) fn tell(headers: &mut HeaderMap, call: &Call) {
    headers.insert(REQUEST_ID, request_id(call.request_id));
    // The usual numbers need no allocation.
    let attempts = match call.attempt {
        0 => HeaderValue::from_static("0"),
        1 => HeaderValue::from_static("1"),
        more => more.into(),
    };
    headers.insert(ATTEMPTS, attempts);
    if let Some(cache) = &call.cache {
        // RFC 9211 section 2: caches nearer to the service have written theirs before.
        headers.append(CACHE_STATUS, cache_status(cache));
    }
}

/// Says that nobody above repeats a call that failed: what can be repeated without harm was, as often as that
/// helps, and a client that does it again multiplies both.
pub(crate) fn not_again(headers: &mut HeaderMap) {
    headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
}

fn cache_status(cache: &CacheStatus) -> HeaderValue {
    // What most calls are needs no formatting.
    for (usual, text) in [
        (Forward::UriMiss, "Trunkline; fwd=uri-miss"),
        (Forward::Method, "Trunkline; fwd=method"),
        (Forward::Bypass, "Trunkline; fwd=bypass"),
    ] {
        if *cache == CacheStatus::forward(usual) {
            return HeaderValue::from_static(text);
        }
    }
    // A hit does not cost much else: its text is put together without the formatter.
    if let Some(ttl) = cache.ttl.filter(|ttl| *cache == CacheStatus::hit(*ttl)) {
        let mut text = String::with_capacity(40);
        text.push_str("Trunkline; hit; ttl=");
        text.push_str(&ttl.to_string());
        return HeaderValue::from_maybe_shared(Bytes::from(text)).expect("digits are a header value");
    }
    HeaderValue::try_from(format!("Trunkline; {cache}")).expect("tokens and digits are a header value")
}

fn request_id(id: RequestId) -> HeaderValue {
    HeaderValue::from_str(id.encode(&mut [0; 36])).expect("a uuid is made of hex digits and dashes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_the_connection_or_pretends_to_be_ours_ends_here() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "keep-alive, X-Hop"),
            ("x-hop", "1"),
            ("keep-alive", "5"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("proxy-authorization", "Basic x"),
            ("trunkline-token", "t"),
            ("trunkline-error", "fake"),
            ("host", "a"),
            ("content-length", "3"),
            ("x-forwarded-for", "1.2.3.4"),
            ("accept", "*/*"),
            ("authorization", "Bearer x"),
        ] {
            headers.append(name, value.parse().unwrap());
        }
        strip_request(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", "authorization"]);
    }

    #[test]
    fn of_what_is_ours_a_reply_keeps_only_what_its_transport_says() {
        let mut headers = HeaderMap::new();
        for name in
            ["trunkline-partial-errors", "trunkline-partial-message", "trunkline-attempts", "content-type"]
        {
            headers.append(name, HeaderValue::from_static("1"));
        }
        strip(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["content-type", "trunkline-partial-errors", "trunkline-partial-message"]);
    }
}

//! The headers of a request: the caller's over the integration's, the credential over both, and what
//! belongs to the connection nobody's.

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use http_body::Body as _;
use trunkline_core::{Body, Credential, Error, Reply, Result};

use super::redirect::Trip;
use crate::http::ACCEPT_ENCODING;

/// Who calls, for services that refuse anonymous clients.
pub(crate) const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("trunkline/", env!("CARGO_PKG_VERSION")));

/// Room for more headers: a credential, a length and a host. The reply's headers are read into the same map,
/// and get some of ours.
const MORE: usize = 5;

/// What a reader of replies says unless told otherwise.
const READER: [(HeaderName, HeaderValue); 2] =
    [(header::ACCEPT_ENCODING, ACCEPT_ENCODING), (header::USER_AGENT, USER_AGENT)];

/// What a request has unless its caller says otherwise: the integration's headers.
#[derive(Debug)]
pub(super) struct Defaults(HeaderMap);

impl Defaults {
    /// The defaults of an integration with these headers.
    pub(super) fn new(integration: HeaderMap) -> Self {
        Self(integration)
    }

    /// The headers of a request on this hop of its trip.
    pub(super) fn complete(&self, trip: &Trip<'_>) -> HeaderMap {
        if !trip.at_home() {
            return HeaderMap::from_iter(READER);
        }
        let request = trip.request();
        let mut headers = HeaderMap::with_capacity(self.0.len() + request.headers.len() + MORE);
        for (name, value) in &request.headers {
            let of_body = trip.lost_body() && is_of_body(name);
            if !of_body && !is_reserved(name) {
                headers.append(name, value.clone());
            }
        }
        // A range of an encoded reply could not be decoded.
        let ranged = !request.relay && headers.contains_key(header::RANGE);
        let mut place = |name: &HeaderName, value: &HeaderValue| {
            let unwanted = ranged && name == header::ACCEPT_ENCODING;
            if !unwanted && !headers.contains_key(name) {
                headers.insert(name, value.clone());
            }
        };
        self.0.iter().for_each(|(name, value)| place(name, value));
        // Whoever passes everything through says nothing of its own.
        if !request.relay {
            READER.iter().for_each(|(name, value)| place(name, value));
        }
        headers
    }
}

/// A cookie joins those that the caller sends, in place of theirs of the same name (RFC 6265 section
/// 5.4: one header).
pub(crate) fn place_cookie(headers: &mut HeaderMap, name: &str, credential: &Credential) -> Result<()> {
    let Some((cookie, ours)) = credential.header()? else { return Ok(()) };
    let mut joined = ours.as_bytes().to_vec();
    let theirs =
        headers.get_all(cookie).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
    for pair in theirs.map(<[u8]>::trim_ascii).filter(|pair| !pair.is_empty()) {
        let theirs = pair.split(|byte| *byte == b'=').next().unwrap_or(pair);
        if theirs.trim_ascii() != name.as_bytes() {
            joined.extend_from_slice(b"; ");
            joined.extend_from_slice(pair);
        }
    }
    let mut joined =
        HeaderValue::from_bytes(&joined).map_err(|_| Error::invalid("the cookies do not join"))?;
    joined.set_sensitive(true);
    headers.insert(cookie, joined);
    Ok(())
}

/// Says how long the body is where the HTTP client does not.
pub(super) fn frame(headers: &mut HeaderMap, method: &Method, body: &Body) {
    match body {
        // RFC 9110 section 8.6: these methods give content a meaning, so its absence is said. Some
        // services answer 411 otherwise.
        Body::Empty if [Method::POST, Method::PUT, Method::PATCH].contains(method) => {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        // hyper drops a GET's body of unknown length unless it is told that there is one.
        Body::Stream(stream)
            if [Method::GET, Method::HEAD].contains(method)
                && !stream.is_end_stream()
                && stream.size_hint().exact().is_none() =>
        {
            headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        _ => {}
    }
}

/// Takes out of a reply's headers what belonged to its connection (RFC 9110 section 7.6.1), and what we alone say.
pub(super) fn strip(headers: &mut HeaderMap) {
    const OURS: [HeaderName; 6] = [
        header::CONNECTION,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        HeaderName::from_static("keep-alive"),
        Reply::PARTIAL_ERRORS,
        Reply::PARTIAL_MESSAGE,
    ];
    // Most replies have none: one look at each name finds that out.
    if !headers.keys().any(|name| OURS.contains(name)) {
        return;
    }
    let unusual = |value: &&HeaderValue| !matches!(value.as_bytes(), b"keep-alive" | b"close");
    let named = headers.get_all(header::CONNECTION).iter().filter(unusual);
    let named = named.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let named: Vec<HeaderName> = named.filter_map(|name| name.trim().parse().ok()).collect();
    for name in OURS.iter().chain(&named) {
        headers.remove(name);
    }
}

/// Headers that belong to the connection or to us; a caller or a configuration that sets one is
/// mistaken or up to something (RFC 9110 section 7.6.1).
pub(super) fn is_reserved(name: &HeaderName) -> bool {
    const RESERVED: [HeaderName; 8] = [
        header::HOST,
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::TE,
        header::TRAILER,
        header::UPGRADE,
        header::EXPECT,
    ];
    RESERVED.contains(name) || name == "keep-alive" || name.as_str().starts_with("proxy-")
}

/// Headers that describe a body and go with it.
fn is_of_body(name: &HeaderName) -> bool {
    name.as_str().starts_with("content-")
}

#[cfg(test)]
mod tests {
    use trunkline_core::{Form, Secret};

    use super::*;

    #[test]
    fn our_cookie_replaces_theirs_of_the_same_name_and_joins_the_others() {
        let name = "sid".to_owned();
        let credential = Credential::new(Form::Cookie { name, value: Secret::new("ours") });
        let mut headers = HeaderMap::new();
        for theirs in ["a=1; sid=evil;  b=2", " sid =evil", "c=sid"] {
            headers.append(header::COOKIE, HeaderValue::from_static(theirs));
        }
        place_cookie(&mut headers, "sid", &credential).unwrap();
        let all: Vec<_> = headers.get_all(header::COOKIE).iter().collect();
        assert_eq!(all, ["sid=ours; a=1; b=2; c=sid"]);
        assert!(all[0].is_sensitive());
    }
}

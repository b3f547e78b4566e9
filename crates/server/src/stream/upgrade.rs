//! `Upgrade`: a client's wish to have events over a WebSocket, and the server's side of that handshake (RFC 6455 section
//! 4.2).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Version, header};
use hyper::upgrade::OnUpgrade;

use crate::problem::Problem;

/// What the key of a handshake is hashed with (RFC 6455 section 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A handshake that can be agreed to.
pub(super) struct Upgrade {
    accept: HeaderValue,
    /// The connection, once the answer was sent.
    pub(super) connection: OnUpgrade,
}

impl Upgrade {
    /// The wish of a request, if it has it.
    pub(super) fn asked<B>(request: &mut Request<B>) -> Result<Option<Self>, Problem> {
        let headers = request.headers();
        let named = |name: HeaderName, word: &str| {
            headers
                .get_all(name)
                .iter()
                .filter_map(|value| value.to_str().ok())
                .any(|list| list.split(',').any(|part| part.trim().eq_ignore_ascii_case(word)))
        };
        if !named(header::UPGRADE, "websocket") {
            return Ok(None);
        }
        let bad = |what: &str| Problem::plain(StatusCode::BAD_REQUEST, "bad_handshake", what);
        if request.method() != Method::GET || request.version() != Version::HTTP_11 {
            return Err(bad("a WebSocket begins with a GET over HTTP/1.1 (RFC 6455 section 4.2.1)"));
        }
        if !named(header::CONNECTION, "upgrade") {
            return Err(bad("connection: does not name upgrade"));
        }
        if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
            return Err(bad("sec-websocket-version: must be 13 (RFC 6455)"));
        }
        let key = headers.get(header::SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).unwrap_or_default();
        if STANDARD.decode(key).map_or(0, |nonce| nonce.len()) != 16 {
            return Err(bad("sec-websocket-key: must be 16 bytes in base64"));
        }
        let accept = STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &[key, GUID].concat()));
        let accept = HeaderValue::try_from(accept).expect("base64 is a header value");
        Ok(Some(Self { accept, connection: hyper::upgrade::on(request) }))
    }

    /// Says so in the answer.
    pub(super) fn agree(&self, headers: &mut HeaderMap) {
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, self.accept.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pairs: &[(&'static str, &'static str)]) -> Result<Option<Upgrade>, Problem> {
        let mut request = Request::new(());
        for (name, value) in pairs {
            request.headers_mut().insert(*name, HeaderValue::from_static(value));
        }
        Upgrade::asked(&mut request)
    }

    #[test]
    fn a_handshake_is_answered_as_the_rfc_has_it() {
        let sample = [
            ("upgrade", "WebSocket"),
            ("connection", "keep-alive, Upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let Ok(Some(upgrade)) = asked(&sample) else { panic!("it is one") };
        // RFC 6455 section 1.3.
        assert_eq!(upgrade.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert!(matches!(asked(&sample[1..]), Ok(None)));
        for missing in 1..4 {
            let pairs: Vec<_> =
                sample.iter().enumerate().filter(|(n, _)| *n != missing).map(|(_, pair)| *pair).collect();
            assert!(asked(&pairs).is_err(), "without {}", sample[missing].0);
        }
    }
}

//! `Answer`: what is said to a challenge, for one request after the other (RFC 7616 section 3.4).

use std::{
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use http::{HeaderValue, header, uri::PathAndQuery};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use trunkline_core::{Error, Result, Sign, WireRequest};

use super::{
    DigestConfig,
    challenge::{Challenge, Protection},
};
use crate::nonce;

/// Answers a challenge.
#[derive(Debug)]
pub(super) struct Answer {
    account: Arc<DigestConfig>,
    challenge: Challenge,
    /// Our own nonce, for as long as the server's.
    cnonce: String,
    /// How many requests have used the nonce.
    count: AtomicU32,
}

impl Answer {
    /// Answers with the account's password.
    pub(super) fn new(account: Arc<DigestConfig>, challenge: Challenge) -> Self {
        Self { account, challenge, cnonce: nonce::hex(), count: AtomicU32::new(0) }
    }

    /// As [`Answer::new`], with a nonce that is known.
    #[cfg(test)]
    pub(super) fn with_nonce(account: DigestConfig, challenge: Challenge, cnonce: &str) -> Self {
        Self { cnonce: cnonce.to_owned(), ..Self::new(Arc::new(account), challenge) }
    }

    fn header(&self, request: &WireRequest<'_>) -> Result<String> {
        let Challenge { realm, nonce, opaque, algorithm, hash, session, protection, userhash } =
            &self.challenge;
        let user = self.account.username.expose().map_err(|error| error.at("username"))?;
        let password = self.account.password.expose().map_err(|error| error.at("password"))?;
        let uri = request.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let count = format!("{:08x}", self.count.fetch_add(1, Ordering::Relaxed).wrapping_add(1));

        let mut key = hash.of(&[user.as_bytes(), realm.as_bytes(), password.as_bytes()]);
        if *session {
            key = hash.of(&[key.as_bytes(), nonce.as_bytes(), self.cnonce.as_bytes()]);
        }
        let mut target = vec![request.method.as_str().as_bytes(), uri.as_bytes()];
        let body;
        if *protection == Protection::AuthInt {
            body = hash.of(&[request.body.ok_or_else(|| {
                Error::invalid(
                    "the service wants the body in the answer, and it streams; send a smaller one, or use /call",
                )
            })?]);
            target.push(body.as_bytes());
        }
        let target = hash.of(&target);
        let qop = match protection {
            Protection::Legacy => None,
            Protection::Auth => Some("auth"),
            Protection::AuthInt => Some("auth-int"),
        };
        let response = match qop {
            None => hash.of(&[key.as_bytes(), nonce.as_bytes(), target.as_bytes()]),
            Some(qop) => {
                let words = [&key, nonce, &count, &self.cnonce, qop, &target];
                hash.of(&words.map(|word| word.as_bytes()))
            }
        };

        let mut text = String::from("Digest ");
        if *userhash {
            let _ = write!(text, "username=\"{}\"", hash.of(&[user.as_bytes(), realm.as_bytes()]));
        } else if user.is_ascii() {
            let _ = write!(text, "username={}", quoted(&user));
        } else {
            // RFC 7616 section 3.4: as RFC 8187 has it.
            let _ = write!(text, "username*=UTF-8''{}", utf8_percent_encode(&user, NON_ALPHANUMERIC));
        }
        let _ = write!(text, ", realm={}, nonce={}, uri={}", quoted(realm), quoted(nonce), quoted(uri));
        let _ = write!(text, ", response=\"{response}\"");
        if let Some(algorithm) = algorithm {
            let _ = write!(text, ", algorithm={algorithm}");
        }
        if let Some(opaque) = opaque {
            let _ = write!(text, ", opaque={}", quoted(opaque));
        }
        if let Some(qop) = qop {
            let _ = write!(text, ", qop={qop}, nc={count}");
        }
        if qop.is_some() || *session {
            let _ = write!(text, ", cnonce=\"{}\"", self.cnonce);
        }
        if *userhash {
            text.push_str(", userhash=true");
        }
        Ok(text)
    }
}

impl Sign for Answer {
    fn sign(&self, request: &mut WireRequest<'_>) -> Result<()> {
        let value = self.header(request).map_err(|error| error.at("auth_config"))?;
        let mut value = HeaderValue::try_from(value.into_bytes()).map_err(|_| {
            Error::invalid("auth_config: username: has a character that may not stand in a header")
        })?;
        value.set_sensitive(true);
        request.headers.insert(header::AUTHORIZATION, value);
        Ok(())
    }
}

/// In quotes (RFC 9110 section 5.6.4).
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

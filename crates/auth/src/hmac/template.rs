//! `Template`: text with `{placeholders}` for what is known of a request.

use std::{borrow::Cow, collections::BTreeMap, time::SystemTime};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderName, uri::PathAndQuery};
use trunkline_core::{Error, Result, Secret, WireRequest, parse};

use super::output::Output;

/// What a placeholder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fact {
    Method,
    Url,
    Host,
    Path,
    Query,
    PathAndQuery,
    Timestamp,
    TimestampMs,
    TimestampIso,
    Date,
    Nonce,
    Body,
    BodySha256,
    BodySha256Base64,
    KeyId,
    Signature,
}

/// Each fact by its placeholder.
const FACTS: [(&str, Fact); 16] = [
    ("method", Fact::Method),
    ("url", Fact::Url),
    ("host", Fact::Host),
    ("path", Fact::Path),
    ("query", Fact::Query),
    ("path_and_query", Fact::PathAndQuery),
    ("timestamp", Fact::Timestamp),
    ("timestamp_ms", Fact::TimestampMs),
    ("timestamp_iso", Fact::TimestampIso),
    ("date", Fact::Date),
    ("nonce", Fact::Nonce),
    ("body", Fact::Body),
    ("body_sha256", Fact::BodySha256),
    ("body_sha256_base64", Fact::BodySha256Base64),
    ("key_id", Fact::KeyId),
    ("signature", Fact::Signature),
];

/// What is chosen when a request is signed.
const OWN: [Fact; 7] = [
    Fact::Timestamp,
    Fact::TimestampMs,
    Fact::TimestampIso,
    Fact::Date,
    Fact::Nonce,
    Fact::KeyId,
    Fact::Signature,
];

#[derive(Debug)]
enum Piece {
    Text(String),
    Fact(Fact),
    /// A header of the request; several of its name are joined, none is empty.
    Header(HeaderName),
    /// One of the further secrets.
    Value(String),
}

/// A text with placeholders.
#[derive(Debug)]
pub(crate) struct Template(Vec<Piece>);

/// What templates are filled with: the same for all of one request.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) now: SystemTime,
    pub(crate) nonce: &'a str,
    pub(crate) key_id: Option<&'a Secret>,
    pub(crate) values: &'a BTreeMap<String, Secret>,
    /// Once it is known.
    pub(crate) signature: &'a str,
}

impl Template {
    /// Reads a template. Braces that are none of a placeholder are doubled: `{{` and `}}`.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming an unknown placeholder and the nearest known one.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                plain.push_str(brace);
                rest = after;
                continue;
            }
            let Some((name, after)) = rest.split_once('}').filter(|_| brace == "{") else {
                return Err(Error::invalid(format!(
                    "has a lone {brace}; write {brace}{brace} for the character"
                )));
            };
            rest = after;
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(placeholder(name)?);
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self(pieces))
    }

    /// Whether it has this placeholder.
    pub(super) fn has(&self, fact: Fact) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Fact(found) if *found == fact))
    }

    /// Whether the body is in it, or a hash of it.
    pub(crate) fn has_body(&self) -> bool {
        [Fact::Body, Fact::BodySha256, Fact::BodySha256Base64].into_iter().any(|fact| self.has(fact))
    }

    /// Whether a header of the request is in it.
    pub(crate) fn has_header(&self, name: &HeaderName) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Header(header) if header == name))
    }

    /// The first placeholder, if there is one, for what only whoever signs knows: the request itself does not tell it.
    pub(crate) fn own(&self) -> Option<&str> {
        self.0.iter().find_map(|piece| match piece {
            Piece::Fact(fact) if OWN.contains(fact) => {
                FACTS.iter().find(|(_, known)| known == fact).map(|(name, _)| *name)
            }
            Piece::Value(name) => Some(name),
            _ => None,
        })
    }

    /// The names of further secrets that it has.
    pub(super) fn values(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Value(name) => Some(&**name),
            _ => None,
        })
    }

    /// Fills it, piece by piece: a body need not be copied.
    ///
    /// # Errors
    ///
    /// `invalid_config` where a secret cannot be read, or the body is not in memory and is needed.
    pub(crate) fn fill(
        &self,
        facts: &Facts<'_>,
        request: &WireRequest<'_>,
        mut piece: impl FnMut(&[u8]),
    ) -> Result<()> {
        for part in &self.0 {
            match part {
                Piece::Text(text) => piece(text.as_bytes()),
                Piece::Value(name) => match facts.values.get(name) {
                    Some(value) => piece(value.expose()?.as_bytes()),
                    None => return Err(Error::invalid(format!("values.{name}: is missing"))),
                },
                Piece::Header(name) => {
                    for (n, value) in request.headers.get_all(name).iter().enumerate() {
                        piece(if n == 0 { b"" } else { b", " });
                        piece(value.as_bytes());
                    }
                    // The HTTP client adds it, so it is not among them.
                    if name == http::header::HOST {
                        piece(host(request).as_bytes());
                    }
                }
                Piece::Fact(Fact::Body) => piece(body(request)?),
                Piece::Fact(fact) => piece(facts.text(*fact, request)?.as_bytes()),
            }
        }
        Ok(())
    }
}

fn placeholder(name: &str) -> Result<Piece> {
    if let Some((_, fact)) = FACTS.iter().find(|(known, _)| *known == name) {
        return Ok(Piece::Fact(*fact));
    }
    if let Some(header) = name.strip_prefix("header:") {
        let header = header.parse().map_err(|_| Error::invalid("has a header: with no name of a header"))?;
        return Ok(Piece::Header(header));
    }
    if let Some(value) = name.strip_prefix("value:") {
        return Ok(Piece::Value(value.to_owned()));
    }
    let names = || FACTS.iter().map(|(name, _)| *name).chain(["header:NAME", "value:NAME"]);
    let near = parse::nearest(name, names()).map(|near| format!(", did you mean {{{near}}}?"));
    let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
    Err(Error::invalid(format!(
        "unknown placeholder {{{shown}}}{}; known: {}",
        near.unwrap_or_default(),
        names().collect::<Vec<_>>().join(", ")
    )))
}

impl Facts<'_> {
    fn text<'a>(&'a self, fact: Fact, request: &'a WireRequest<'_>) -> Result<Cow<'a, str>> {
        let uri = &*request.uri;
        let since = || self.now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let digest = || body(request).map(|body| digest(&SHA256, body));
        Ok(match fact {
            Fact::Method => request.method.as_str().into(),
            Fact::Url => uri.to_string().into(),
            Fact::Host => host(request),
            Fact::Path => uri.path().into(),
            Fact::Query => uri.query().unwrap_or_default().into(),
            Fact::PathAndQuery => uri.path_and_query().map_or("/", PathAndQuery::as_str).into(),
            Fact::Timestamp => since().as_secs().to_string().into(),
            Fact::TimestampMs => since().as_millis().to_string().into(),
            Fact::TimestampIso => {
                let now = jiff::Timestamp::try_from(self.now).unwrap_or_default();
                format!("{now:.3}").into()
            }
            Fact::Date => httpdate::fmt_http_date(self.now).into(),
            Fact::Nonce => self.nonce.into(),
            Fact::Body => String::from_utf8_lossy(body(request)?),
            Fact::BodySha256 => Output::Hex.write(digest()?.as_ref()).into(),
            Fact::BodySha256Base64 => STANDARD.encode(digest()?).into(),
            Fact::KeyId => match self.key_id {
                Some(id) => id.expose()?.into_owned().into(),
                None => "".into(),
            },
            Fact::Signature => self.signature.into(),
        })
    }
}

/// The host as the HTTP client names it: without the port that its scheme implies.
fn host<'a>(request: &'a WireRequest<'_>) -> Cow<'a, str> {
    let uri = &*request.uri;
    let host = uri.host().unwrap_or_default();
    match (uri.port_u16(), uri.scheme_str()) {
        (None, _) | (Some(443), Some("https")) | (Some(80), Some("http")) => host.into(),
        (Some(port), _) => format!("{host}:{port}").into(),
    }
}

fn body<'a>(request: &WireRequest<'a>) -> Result<&'a [u8]> {
    request.body.ok_or_else(|| {
        Error::invalid("the signature needs the body, which streams; send a smaller one, or use /call")
    })
}

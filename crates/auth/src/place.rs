//! `Place`: where in a request a key or a token goes.

use http::HeaderName;
use trunkline_core::{Error, Form, Result, Secret};

/// A header, a parameter of the query, or a cookie.
#[derive(Debug)]
pub(crate) enum Place {
    Header(HeaderName),
    Query(String),
    Cookie(String),
}

impl Place {
    /// The one of the three that is named, or else the header `otherwise`.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key.
    pub(crate) fn new(
        header: Option<&str>,
        query: Option<String>,
        cookie: Option<String>,
        otherwise: &str,
    ) -> Result<Self> {
        Ok(match (header, query, cookie) {
            (header, None, None) => {
                let name = header.unwrap_or(otherwise).parse();
                Self::Header(name.map_err(|_| Error::invalid("header: is not the name of a header"))?)
            }
            (None, Some(name), None) if !name.is_empty() => Self::Query(name),
            (None, None, Some(name)) if is_cookie_name(&name) => Self::Cookie(name),
            (None, None, Some(_)) => return Err(Error::invalid("cookie: is not the name of a cookie")),
            (None, Some(_), None) => return Err(Error::invalid("query: must not be empty")),
            _ => return Err(Error::invalid("name one of header, query and cookie")),
        })
    }

    /// What is sent there.
    pub(crate) fn form(&self, value: Secret) -> Form {
        match self {
            Self::Header(name) => Form::Header { name: name.clone(), value },
            Self::Query(name) => Form::Query { name: name.clone(), value },
            Self::Cookie(name) => Form::Cookie { name: name.clone(), value },
        }
    }
}

/// Whether a name is a token (RFC 6265 section 4.1.1), as far as separators would end it.
fn is_cookie_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|c| c.is_ascii_graphic() && !b"=;,\"".contains(&c))
}

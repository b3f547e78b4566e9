//! `Credential`: what a scheme yields and a transport places on its wire.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use zeroize::Zeroizing;

use crate::{Error, Exposed, Result, Secret};

/// A credential in one of the few forms that a wire knows. Shared, and prepared for the wire once.
pub struct Credential {
    form: Form,
    origin: Option<Box<str>>,
    /// The header that says it, made on first use: base64 and checks are not paid by every call.
    header: OnceLock<(HeaderName, HeaderValue)>,
}

/// The forms of a credential.
#[derive(Debug)]
#[non_exhaustive]
pub enum Form {
    /// A header of any name.
    Header {
        /// Its name.
        name: HeaderName,
        /// Its value.
        value: Secret,
    },
    /// A query parameter.
    Query {
        /// Its name, not yet encoded.
        name: String,
        /// Its value, not yet encoded.
        value: Secret,
    },
    /// A cookie.
    Cookie {
        /// Its name.
        name: String,
        /// Its value.
        value: Secret,
    },
    /// User and password (RFC 7617 in HTTP, a login elsewhere).
    Basic {
        /// The user.
        user: String,
        /// The password, which may be empty.
        password: Secret,
    },
    /// A bearer token (RFC 6750).
    Bearer(Secret),
    /// Signs the final request: HMAC, SigV4, digest.
    Sign(Arc<dyn Sign>),
}

/// Signs a request as it will be sent, for each attempt and each hop of a redirect anew.
pub trait Sign: fmt::Debug + Send + Sync + 'static {
    /// Adds the signature to the headers, or the query, of `request`.
    ///
    /// # Errors
    ///
    /// `invalid_config` when the key cannot sign this: it is not what it should be, or the body is not in memory.
    fn sign(&self, request: &mut WireRequest<'_>) -> Result<()>;
}

/// A request as it will be sent, for signing.
#[derive(Debug)]
pub struct WireRequest<'a> {
    /// The method.
    pub method: &'a Method,
    /// The absolute URI; a signature in the query replaces it.
    pub uri: &'a mut Uri,
    /// All headers but those the HTTP client adds itself.
    pub headers: &'a mut HeaderMap,
    /// The body, where it is in memory.
    pub body: Option<&'a [u8]>,
}

impl Credential {
    /// A credential of this form.
    pub fn new(form: Form) -> Self {
        Self { form, origin: None, header: OnceLock::new() }
    }

    /// The same for a service at another origin than the integration says: whoever issued it says where it is good.
    #[must_use]
    pub fn for_origin(mut self, origin: &str) -> Self {
        self.origin = Some(origin.into());
        self
    }

    /// Where the service is that it is for, such as `https://eu.example.com`; `None` where the integration says.
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// The form.
    pub fn form(&self) -> &Form {
        &self.form
    }

    /// The header that carries this credential over HTTP, marked sensitive; `None` for a query
    /// parameter and a signature.
    ///
    /// # Errors
    ///
    /// `invalid_config` when the value cannot stand in a header (a line break, for instance) or a
    /// reference leads nowhere.
    pub fn header(&self) -> Result<Option<&(HeaderName, HeaderValue)>> {
        if let Some(header) = self.header.get() {
            return Ok(Some(header));
        }
        let (name, text) = match &self.form {
            Form::Header { name, value } => (name.clone(), value.expose()?.into_owned()),
            Form::Cookie { name, value } => (header::COOKIE, format!("{name}={}", value.expose()?)),
            Form::Bearer(token) => (header::AUTHORIZATION, format!("Bearer {}", token.expose()?)),
            Form::Basic { user, password } => {
                let pair = Zeroizing::new(format!("{user}:{}", password.expose()?));
                (header::AUTHORIZATION, format!("Basic {}", STANDARD.encode(&*pair)))
            }
            Form::Query { .. } | Form::Sign(_) => return Ok(None),
        };
        let text = Zeroizing::new(text);
        let mut value = HeaderValue::from_str(&text).map_err(|_| {
            Error::invalid("the credential has a character that may not stand in a header; was a line break pasted with it?")
        })?;
        value.set_sensitive(true);
        Ok(Some(self.header.get_or_init(|| (name, value))))
    }
}

impl Credential {
    /// The token, key or password itself, for protocols that have a place of their own for it; `None` for a signature.
    ///
    /// # Errors
    ///
    /// `invalid_config` when a reference leads nowhere.
    pub fn secret(&self) -> Result<Option<Exposed<'_>>> {
        match &self.form {
            Form::Header { value, .. } | Form::Query { value, .. } | Form::Cookie { value, .. } => {
                value.expose().map(Some)
            }
            Form::Basic { password, .. } => password.expose().map(Some),
            Form::Bearer(token) => token.expose().map(Some),
            Form::Sign(_) => Ok(None),
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.form, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_becomes_a_sensitive_header() {
        for (form, name, value) in [
            (Form::Bearer(Secret::new("t")), "authorization", "Bearer t"),
            (
                Form::Basic { user: "Aladdin".into(), password: Secret::new("open sesame") },
                "authorization",
                "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            ),
            (Form::Cookie { name: "sid".into(), value: Secret::new("1") }, "cookie", "sid=1"),
            (Form::Header { name: HeaderName::from_static("x-key"), value: Secret::new("k") }, "x-key", "k"),
        ] {
            let credential = Credential::new(form);
            let header = credential.header().unwrap().unwrap();
            assert_eq!(
                (header.0.as_str(), header.1.to_str().unwrap(), header.1.is_sensitive()),
                (name, value, true)
            );
        }
    }

    #[test]
    fn a_line_break_in_a_credential_is_an_error_that_does_not_show_it() {
        let error = Credential::new(Form::Bearer(Secret::new("secret\r\nx: y"))).header().unwrap_err();
        assert!(!format!("{error:?}").contains("secret"), "{error}");
    }
}

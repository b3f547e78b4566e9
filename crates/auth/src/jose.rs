//! `SigningKey`: makes JSON Web Tokens (RFC 7519), signed (RFC 7515) with a key that may change where it is kept.

mod pem;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{AlgorithmFamily, EncodingKey, crypto};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use trunkline_core::{Error, Result, Secret};

use crate::encoding::Encoding;

/// How a token is signed (RFC 7518 section 3.1, RFC 8037). `HS…` needs a secret that the service knows too, all others
/// a private key in PEM: RSA for `RS…` and `PS…`, P-256 for `ES256`, P-384 for `ES384`, Ed25519 for `EdDSA`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) enum Algorithm {
    HS256,
    HS384,
    HS512,
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

impl Algorithm {
    fn get(self) -> jsonwebtoken::Algorithm {
        use jsonwebtoken::Algorithm as Known;
        match self {
            Self::HS256 => Known::HS256,
            Self::HS384 => Known::HS384,
            Self::HS512 => Known::HS512,
            Self::RS256 => Known::RS256,
            Self::RS384 => Known::RS384,
            Self::RS512 => Known::RS512,
            Self::PS256 => Known::PS256,
            Self::PS384 => Known::PS384,
            Self::PS512 => Known::PS512,
            Self::ES256 => Known::ES256,
            Self::ES384 => Known::ES384,
            Self::EdDSA => Known::EdDSA,
        }
    }

    /// What it signs with.
    fn wants(self) -> &'static str {
        match self {
            Self::HS256 | Self::HS384 | Self::HS512 => "a shared secret",
            Self::ES256 => "a P-256 private key",
            Self::ES384 => "a P-384 private key",
            Self::EdDSA => "an Ed25519 private key",
            _ => "an RSA private key of at least 2048 bits",
        }
    }
}

/// A key, and how tokens are signed with it. The key is read for each token: one that is kept elsewhere may change.
#[derive(Debug)]
pub(crate) struct SigningKey {
    /// What the key is called in the configuration, for errors.
    name: &'static str,
    key: Secret,
    encoding: Encoding,
    algorithm: Algorithm,
    header: Map<String, Value>,
}

impl SigningKey {
    /// A key that the configuration calls `name`. A literal one is tried now; a reference when it is used, since it
    /// may not be there yet.
    ///
    /// # Errors
    ///
    /// `invalid_config`, with the name of the key and what was expected of it.
    pub(crate) fn new(
        name: &'static str,
        key: Secret,
        encoding: Encoding,
        algorithm: Algorithm,
    ) -> Result<Self> {
        let header = Map::from_iter([
            ("alg".to_owned(), format!("{algorithm:?}").into()),
            ("typ".to_owned(), "JWT".into()),
        ]);
        if encoding != Encoding::Utf8 && algorithm.get().family() != AlgorithmFamily::Hmac {
            return Err(Error::invalid(format!(
                "{name}_encoding: is for a shared secret; a private key is PEM"
            )));
        }
        let this = Self { name, key, encoding, algorithm, header };
        if !this.key.is_reference() {
            this.signature("")?;
        }
        Ok(this)
    }

    /// Says in each token which key has signed it: the member `kid`.
    #[must_use]
    pub(crate) fn key_id(mut self, id: Option<String>) -> Self {
        if let Some(id) = id {
            self.header.insert("kid".to_owned(), id.into());
        }
        self
    }

    /// Adds members to the header, such as `x5t`; `typ` replaces the usual `JWT`, and is left out where it is null.
    ///
    /// # Errors
    ///
    /// `invalid_config` for those that have a key of their own, or would change what is signed (RFC 7797).
    pub(crate) fn header(mut self, members: Map<String, Value>) -> Result<Self> {
        for (name, value) in members {
            match &*name {
                "alg" => return Err(Error::invalid("alg: is said by algorithm; remove it")),
                "kid" => return Err(Error::invalid("kid: is said by key_id; remove it")),
                "b64" | "crit" => {
                    return Err(Error::invalid(format!("{name}: is not supported; remove it")));
                }
                _ if value.is_null() => self.header.remove(&name),
                _ => self.header.insert(name, value),
            };
        }
        Ok(self)
    }

    /// A token with these claims.
    ///
    /// # Errors
    ///
    /// `invalid_config` where the key cannot be read, or cannot sign.
    pub(crate) fn mint(&self, claims: &Map<String, Value>) -> Result<String> {
        let part = |part: &Map<String, Value>| {
            URL_SAFE_NO_PAD.encode(serde_json::to_vec(part).expect("a map of JSON values is JSON"))
        };
        let message = format!("{}.{}", part(&self.header), part(claims));
        let signature = self.signature(&message)?;
        Ok(format!("{message}.{signature}"))
    }

    /// The signature of a message, in base64 as it stands in a token.
    fn signature(&self, message: &str) -> Result<String> {
        self.encoding_key()
            .and_then(|key| {
                crypto::sign(message.as_bytes(), &key, self.algorithm.get()).map_err(|_| self.unfit(None))
            })
            .map_err(|error| error.at(self.name))
    }

    fn encoding_key(&self) -> Result<EncodingKey> {
        let family = self.algorithm.get().family();
        if family == AlgorithmFamily::Hmac {
            if self.key.expose()?.contains("-----BEGIN ") {
                return Err(self.unfit(Some("a PEM")));
            }
            return self.encoding.key(&self.key).map(|key| EncodingKey::from_secret(&key));
        }
        let text = self.key.expose()?;
        let key = pem::private_key(&text).map_err(|found| self.unfit(Some(found)))?;
        match key.family() == family {
            true => Ok(key),
            false => Err(self.unfit(Some(pem::describe(key.family())))),
        }
    }

    fn unfit(&self, found: Option<&str>) -> Error {
        let (algorithm, wants) = (self.algorithm, self.algorithm.wants());
        Error::invalid(match found {
            Some(found) => format!("is {found}, but {algorithm:?} is signed with {wants}"),
            None => format!("cannot sign with {algorithm:?}, which wants {wants}"),
        })
    }
}

#[cfg(test)]
mod tests;

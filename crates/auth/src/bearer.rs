//! `bearer`: a token in the Authorization header (RFC 6750 section 2.1).

use std::sync::Arc;

use http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;
use trunkline_core::{Context, Credential, Form, Result, Scheme, Secret};

use crate::fixed::Fixed;

/// Sends `Authorization: Bearer TOKEN`.
#[derive(Debug)]
pub struct Bearer(Fixed);

/// `auth_config` of `bearer`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The token.
    token: Secret,
}

impl Scheme for Bearer {
    const NAME: &'static str = "bearer";
    type Config = Config;

    fn open(config: Config) -> Result<Self> {
        Fixed::new(config.token, |token| Ok(Form::Bearer(Secret::literal(token)))).map(Self)
    }

    fn ready(&self) -> Option<Arc<Credential>> {
        self.0.ready()
    }

    async fn credential(&self, _: &Context) -> Result<Option<Arc<Credential>>> {
        self.0.read().map(Some)
    }

    async fn rejected(&self, credential: &Arc<Credential>, _: &HeaderMap) {
        self.0.rejected(credential);
    }
}

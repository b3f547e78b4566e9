//! `none`: the service asks for no credential.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use trunkline_core::{Context, Credential, Result, Scheme, Site};

/// Sends nothing.
#[derive(Debug)]
pub struct None;

/// `auth_config` of `none`: it has no keys.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {}

impl Scheme for None {
    const NAME: &'static str = "none";
    type Config = Config;

    fn open(_: Config, _: &Site) -> Result<Self> {
        Ok(Self)
    }

    async fn credential(&self, _: &Context) -> Result<Option<Arc<Credential>>> {
        Ok(Option::None)
    }
}

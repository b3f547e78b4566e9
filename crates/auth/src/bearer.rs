//! `bearer`: a token in the Authorization header (RFC 6750 section 2.1).

use schemars::JsonSchema;
use serde::Deserialize;
use trunkline_core::{Form, Result, Secret};

use crate::fixed::{Fixed, OneSecret};

/// Sends `Authorization: Bearer TOKEN`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bearer {
    /// The token.
    token: Secret,
}

impl OneSecret for Bearer {
    const NAME: &'static str = "bearer";

    fn open(self) -> Result<Fixed> {
        Fixed::new(self.token, |token| Ok(Form::Bearer(Secret::literal(token))))
    }
}

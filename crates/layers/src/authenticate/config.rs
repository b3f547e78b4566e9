//! `ExpiredWhen`: which answers say that the credential has expired, as it is configured.

use schemars::JsonSchema;
use serde::Deserialize;
use trunkline_core::{Error, Result};

use super::expired::Expired;
use crate::answer::{Condition, Rule};

/// Which answers say that the credential has expired: any of a list of conditions. With an empty list, none does.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct ExpiredWhen(Vec<Condition>);

impl ExpiredWhen {
    /// Checks the rules.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the condition and the key.
    pub fn open(&self) -> Result<Expired> {
        let rules =
            self.0.iter().enumerate().map(|(n, condition)| {
                open(condition).map_err(|error| error.at(&format!("expired_when[{n}]")))
            });
        rules.collect::<Result<_>>().map(Expired)
    }
}

/// A condition that says something of the credential.
fn open(condition: &Condition) -> Result<Rule> {
    let rule = condition.open()?;
    if rule.is_of_success() {
        return Err(Error::invalid(
            "status: a success by itself says nothing of the credential; add a header or the body",
        ));
    }
    Ok(rule)
}

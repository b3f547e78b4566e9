//! `IntegrationId`: the name of an integration in URLs, metrics and logs.

use std::{borrow::Cow, fmt, ops::Deref, sync::Arc};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::{Error, Result};

/// The id of an integration: 1 to 128 of `A-Z a-z 0-9 . _ ~ -`, the characters that never need an
/// escape in a URL (RFC 3986 section 2.3).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IntegrationId(Arc<str>);

/// Paths of the API itself that an id would hide.
const RESERVED: [&str; 6] = ["register", "try", "list", "health", ".", ".."];

impl IntegrationId {
    /// Checks and takes an id.
    ///
    /// # Errors
    ///
    /// `invalid_config` when it has other characters, is too long, or is a word of the API's own paths.
    pub fn new(id: &str) -> Result<Self> {
        if RESERVED.contains(&id) {
            return Err(Error::invalid(format!(
                "integration_id: {id:?} is a path of the API; choose another"
            )));
        }
        let allowed = |c: u8| c.is_ascii_alphanumeric() || b"._~-".contains(&c);
        if id.is_empty() || id.len() > 128 || !id.bytes().all(allowed) {
            return Err(Error::invalid("integration_id: use 1 to 128 of the characters A-Z a-z 0-9 . _ ~ -"));
        }
        Ok(Self(id.into()))
    }

    /// The shared string.
    pub fn shared(&self) -> &Arc<str> {
        &self.0
    }
}

impl Deref for IntegrationId {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for IntegrationId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IntegrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for IntegrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl Serialize for IntegrationId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for IntegrationId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = Cow::<'de, str>::deserialize(deserializer)?;
        Self::new(&id)
            .map_err(|error| de::Error::custom(error.message().trim_start_matches("integration_id: ")))
    }
}

impl JsonSchema for IntegrationId {
    fn schema_name() -> Cow<'static, str> {
        "IntegrationId".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[A-Za-z0-9._~-]+$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_would_need_escapes_or_hide_a_path_are_refused() {
        for id in ["billing", "my_api", "a", "A.b-c~9", &"x".repeat(128)] {
            assert_eq!(&*IntegrationId::new(id).unwrap(), id);
        }
        for id in [
            "",
            "a/b",
            "a b",
            "é",
            "a\n",
            "a\0",
            "..",
            ".",
            "list",
            "health",
            "register",
            "a%2f",
            &"x".repeat(129),
        ] {
            assert!(IntegrationId::new(id).is_err(), "{id:?}");
        }
    }
}

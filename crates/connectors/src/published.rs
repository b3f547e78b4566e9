//! The JSON Schemas of what people write, made from the types that read it.

use std::sync::LazyLock;

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::Value;
use trunkline_core::{Result, parse};

use crate::{Exchanges, Manifest, schema::Checker};

/// What manifests are checked by.
pub(crate) static MANIFEST: LazyLock<Checker> = LazyLock::new(|| Checker::new(manifest_schema()));
/// What exchanges are checked by.
pub(crate) static EXCHANGES: LazyLock<Checker> = LazyLock::new(|| Checker::new(exchanges_schema()));

/// Reads what is valid by a schema, that of its type. Such a type takes a list for an object, too.
///
/// # Errors
///
/// `invalid_config`, with the path to what is wrong.
pub(crate) fn read<T: DeserializeOwned>(value: &Value, schema: &Checker) -> Result<T> {
    let read = parse::value(value.clone(), "")?;
    schema.check(value, "")?;
    Ok(read)
}

/// The JSON Schema of manifests (draft 2020-12). What it refuses is refused by [`Connector::parse`](crate::Connector::parse);
/// that knows more.
pub fn manifest_schema() -> Value {
    schema::<Manifest>()
}

/// The JSON Schema of recorded exchanges. What it refuses is refused by [`Exchanges::parse`]; that knows more.
pub fn exchanges_schema() -> Value {
    schema::<Exchanges>()
}

fn schema<T: JsonSchema>() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    // Whoever looks up what is known at a place finds it there.
    settings.inline_subschemas = true;
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

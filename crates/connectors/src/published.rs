//! The JSON Schemas of what people write, made from the types that read it.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

use crate::{Exchanges, Manifest};

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
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value()
}

//! `Catalog`: the schemas of everything that can be configured, made once from the types themselves.

mod published;
mod unknown;

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use arc_swap::ArcSwap;
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};
use trunkline_auth::{Entry as SchemeEntry, SCHEMES};
use trunkline_connectors::Catalog as Connectors;
use trunkline_core::Context;
use trunkline_transports::{Entry, TRANSPORTS};

use crate::config::Common;

/// The JSON Schemas of integrations: they check keys, mask secrets, and are published for forms.
#[derive(Debug)]
pub struct Catalog {
    common: Value,
    types: BTreeMap<&'static str, Value>,
    auth_types: BTreeMap<&'static str, Value>,
    /// Replaced whole when a file of theirs changes.
    connectors: ArcSwap<Connectors>,
}

impl Catalog {
    /// The catalog of this build.
    pub fn get() -> &'static Self {
        Self::shared()
    }

    pub(crate) fn shared() -> &'static Arc<Self> {
        static CATALOG: OnceLock<Arc<Catalog>> = OnceLock::new();
        CATALOG.get_or_init(|| Arc::new(Catalog::with(&[], &[])))
    }

    /// The catalog of this build and of what a program brings along, which takes the place of what has its name.
    pub(crate) fn with(own: &[Box<dyn Entry>], schemes: &[Box<dyn SchemeEntry>]) -> Self {
        let schema = |make: &dyn Fn(&mut SchemaGenerator) -> schemars::Schema| {
            let mut settings = SchemaSettings::draft2020_12();
            settings.inline_subschemas = true;
            make(&mut SchemaGenerator::new(settings)).to_value()
        };
        let transports = TRANSPORTS.iter().copied().chain(own.iter().map(|own| &**own));
        Self {
            common: schema(&|generator| Common::json_schema(generator)),
            types: transports.map(|t| (t.name(), schema(&|generator| t.schema(generator)))).collect(),
            auth_types: SCHEMES
                .iter()
                .copied()
                .chain(schemes.iter().map(|own| &**own))
                .map(|s| (s.name(), schema(&|generator| s.schema(generator))))
                .collect(),
            connectors: ArcSwap::from_pointee(Connectors::built_in().clone()),
        }
    }

    /// Puts the catalog where whoever has the context finds it: handles have no room for it.
    pub(crate) fn keep(self: Arc<Self>, context: &Context) {
        // Nobody else has the context yet.
        let _ = context.shared::<Place>().0.set(self);
    }

    /// The catalog of the manager whose context this is, if it is not that of the build.
    pub(crate) fn of(context: &Context) -> Option<Arc<Self>> {
        context.shared::<Place>().0.get().cloned()
    }

    /// One schema for the whole of an integration's configuration.
    pub fn integration_schema(&self) -> Value {
        let mut properties = properties(&self.common).clone();
        properties["type"] = json!({ "type": "string", "enum": self.types.keys().collect::<Vec<_>>() });
        properties["auth_type"] = json!({ "type": "string", "enum": self.auth_types.keys().collect::<Vec<_>>(), "default": "none" });
        properties["auth_config"] = json!({ "type": "object", "oneOf": self.auth_types.iter().map(|(name, schema)| {
            let mut schema = schema.clone();
            schema["title"] = json!(name);
            schema
        }).collect::<Vec<_>>() });
        for schema in self.types.values() {
            for (key, property) in self::properties(schema) {
                properties.entry(key.clone()).or_insert_with(|| property.clone());
            }
        }
        json!({
            "type": "object",
            "title": "Integration",
            "required": ["integration_id"],
            // A connector says which type it is.
            "anyOf": [{ "required": ["type"] }, { "required": ["connector"] }],
            "properties": properties,
            "additionalProperties": false,
        })
    }

    /// The schemas that [`integration_schema`](Self::integration_schema) is made of, apart: `common` keys, and those of each
    /// of `types` and `auth_types`.
    pub fn schemas(&self) -> Value {
        json!({ "common": self.common, "types": self.types, "auth_types": self.auth_types })
    }

    /// The schema of the keys of one type.
    pub fn type_schema(&self, r#type: &str) -> Option<&Value> {
        self.types.get(r#type)
    }

    /// The schema of `auth_config` of one scheme.
    pub fn auth_schema(&self, auth_type: &str) -> Option<&Value> {
        self.auth_types.get(auth_type)
    }

    /// The connectors that there are now.
    pub fn connectors(&self) -> Arc<Connectors> {
        self.connectors.load_full()
    }

    /// From now on there are these.
    pub(crate) fn set_connectors(&self, connectors: Connectors) {
        self.connectors.store(Arc::new(connectors));
    }

    pub(crate) fn is_common(&self, key: &str) -> bool {
        properties(&self.common).contains_key(key)
    }

    /// The schema of a key that all have.
    pub(crate) fn common_schema(&self, key: &str) -> Option<&Value> {
        properties(&self.common).get(key)
    }

    pub(crate) fn common_keys(&self) -> impl Iterator<Item = &str> + Clone {
        properties(&self.common).keys().map(String::as_str)
    }

    /// The keys of a type that are not common to all, with their schemas.
    pub(crate) fn own_keys(&self, r#type: &str) -> &Map<String, Value> {
        properties(self.type_schema(r#type).unwrap_or(&Value::Null))
    }
}

/// Where a context has the catalog of its manager.
#[derive(Debug, Default)]
struct Place(OnceLock<Arc<Catalog>>);

/// The properties of an object's schema.
pub(crate) fn properties(schema: &Value) -> &Map<String, Value> {
    static NONE: OnceLock<Map<String, Value>> = OnceLock::new();
    schema.get("properties").and_then(Value::as_object).unwrap_or_else(|| NONE.get_or_init(Map::new))
}

//! `Entry`: a scheme in the list of schemes, before it is opened.

use std::{marker::PhantomData, sync::Arc};

use schemars::{Schema, SchemaGenerator};
use serde_json::Value;
use trunkline_core::{Result, Scheme, SchemeDyn, Site, parse};

/// What the list knows of a scheme.
pub trait Entry: Send + Sync {
    /// The `auth_type`.
    fn name(&self) -> &'static str;

    /// Opens the scheme with an `auth_config` for `site`.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key.
    fn open(&self, config: Value, site: &Site) -> Result<Arc<dyn SchemeDyn>>;

    /// The JSON Schema of `auth_config`.
    fn schema(&self, generator: &mut SchemaGenerator) -> Schema;
}

/// The [`Entry`] of scheme `S`.
pub struct Of<S>(PhantomData<fn() -> S>);

impl<S> Of<S> {
    /// The entry.
    pub const NEW: Self = Self(PhantomData);
}

impl<S> std::fmt::Debug for Of<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(std::any::type_name::<S>())
    }
}

impl<S: Scheme> Entry for Of<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn open(&self, config: Value, site: &Site) -> Result<Arc<dyn SchemeDyn>> {
        let config = parse::described(config, "auth_config")?;
        Ok(Arc::new(S::open(config, site).map_err(|error| error.at("auth_config"))?))
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<S::Config>()
    }
}

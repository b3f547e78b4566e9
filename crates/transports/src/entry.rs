//! `Entry`: a transport in the list of transports, before it is opened.

use std::{marker::PhantomData, sync::Arc};

use schemars::{Schema, SchemaGenerator};
use serde_json::Value;
use trunkline_core::{Context, Result, Transport, TransportDyn, parse};

/// What the list knows of a transport.
pub trait Entry: Send + Sync {
    /// The `type`.
    fn name(&self) -> &'static str;

    /// Opens the transport with those keys of a configuration that are its own.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key.
    fn open(&self, config: Value, context: &Context) -> Result<Arc<dyn TransportDyn>>;

    /// The JSON Schema of the keys that are its own.
    fn schema(&self, generator: &mut SchemaGenerator) -> Schema;
}

/// The [`Entry`] of transport `T`.
pub struct Of<T>(PhantomData<fn() -> T>);

impl<T> Of<T> {
    /// The entry.
    pub const NEW: Self = Self(PhantomData);
}

impl<T> std::fmt::Debug for Of<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(std::any::type_name::<T>())
    }
}

impl<T: Transport> Entry for Of<T> {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn open(&self, config: Value, context: &Context) -> Result<Arc<dyn TransportDyn>> {
        Ok(Arc::new(T::open(parse::described(config, "")?, context)?))
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T::Config>()
    }
}

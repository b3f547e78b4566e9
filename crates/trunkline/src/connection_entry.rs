//! `Connection`: what is shown of a connection without opening it, and what is there before it is opened.

use std::sync::Arc;

use trunkline_core::Result;
use trunkline_store::Stored;

use crate::{ConnectionConfig, DEFAULT_CONNECTION, Handle};

/// A connection as it is listed.
#[derive(Debug)]
pub struct Connection {
    /// The name.
    pub name: Arc<str>,
    /// Whose it is.
    pub description: String,
    /// Whether it takes calls.
    pub enabled: bool,
    /// Which version of the configuration this is; it never comes back.
    pub generation: u64,
    /// When the configuration was last changed, in milliseconds since 1970.
    pub updated_at_ms: i64,
    /// The configuration, or why it cannot be read. `default` has that of the integration.
    pub config: Result<Option<ConnectionConfig>>,
}

/// What there is of a connection before it is opened.
pub(crate) struct Kept {
    pub(crate) config: ConnectionConfig,
    pub(crate) generation: u64,
    pub(crate) updated_at_ms: i64,
}

impl Kept {
    pub(crate) fn of(stored: Stored) -> Result<Self> {
        let Stored { generation, updated_at_ms, document, .. } = stored;
        Ok(Self { config: ConnectionConfig::from_stored(&document?)?, generation, updated_at_ms })
    }
}

impl Connection {
    pub(crate) fn of(stored: Stored) -> Self {
        let Stored { id, generation, updated_at_ms, document } = stored;
        let config = document.and_then(|document| ConnectionConfig::from_stored(&document));
        Self {
            name: id.into(),
            description: config.as_ref().map(|config| config.description().to_owned()).unwrap_or_default(),
            enabled: config.as_ref().is_ok_and(ConnectionConfig::enabled),
            generation,
            updated_at_ms,
            config: config.map(Some),
        }
    }

    /// The one that every integration has.
    pub(crate) fn default_of(handle: &Handle) -> Self {
        Self {
            name: DEFAULT_CONNECTION.into(),
            description: handle.description().to_owned(),
            enabled: handle.enabled() && !handle.needs_connection(),
            generation: handle.generation(),
            updated_at_ms: handle.updated_at_ms(),
            config: handle.trouble().map_or(Ok(None), Err),
        }
    }
}

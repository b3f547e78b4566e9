//! `Version`: whose an integration's configuration is, and where it stands in the store.

use serde::Serialize;

/// Who owns an integration's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The store: it was registered through the API or the library.
    Store,
    /// The configuration file: it changes there.
    File,
    /// The samples of `--demo`: gone with the process.
    Demo,
}

/// Where a handle's configuration stands in the store.
#[derive(Clone, Copy)]
pub(crate) struct Version {
    pub(crate) source: Source,
    pub(crate) generation: u64,
    pub(crate) updated_at_ms: i64,
}

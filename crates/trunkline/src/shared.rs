//! `Shared`: what every integration of a manager is opened with.

use std::sync::Arc;

use trunkline_auth::{Entry as SchemeEntry, SCHEMES};
use trunkline_core::{Context, SharedLimits};
use trunkline_layers::{Bound, CacheStore, Metrics, Recorder, Spans};
use trunkline_store::Store;
use trunkline_transports::{Entry, TRANSPORTS};

use crate::{catalog::Catalog, files::Files, order::Own};

/// What every integration of a manager shares.
pub(crate) struct Shared {
    pub(crate) context: Context,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) recorder: Arc<Recorder>,
    /// Where calls leave their spans, if traces are recorded.
    pub(crate) spans: Option<Arc<Spans>>,
    /// What all integrations keep together; none where nothing is to be kept.
    pub(crate) cache: Option<Arc<CacheStore>>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) admission: Arc<Bound>,
    /// Transports that the program brought along; they hide built-in ones of the same name.
    pub(crate) transports: Arc<[Box<dyn Entry>]>,
    /// Schemes that it brought along, which hide others in the same way.
    pub(crate) schemes: Arc<[Box<dyn SchemeEntry>]>,
    /// The program's own layers, outermost first.
    pub(crate) layers: Arc<[Own]>,
    /// What counts for all servers together; none where this one is alone.
    pub(crate) counter: Option<Arc<dyn SharedLimits>>,
    /// The files that integrations were opened with.
    pub(crate) files: Files,
}

impl Shared {
    pub(crate) fn transports(&self) -> impl Iterator<Item = &dyn Entry> + Clone {
        self.transports.iter().map(|own| &**own).chain(TRANSPORTS.iter().copied())
    }

    pub(crate) fn schemes(&self) -> impl Iterator<Item = &dyn SchemeEntry> + Clone {
        let built_in = SCHEMES.iter().copied().filter(|scheme| !self.brought(scheme.name()));
        self.schemes.iter().map(|own| &**own).chain(built_in)
    }

    /// Whether the program brought a scheme of this name along.
    pub(crate) fn brought(&self, auth_type: &str) -> bool {
        self.schemes.iter().any(|own| own.name() == auth_type)
    }
}

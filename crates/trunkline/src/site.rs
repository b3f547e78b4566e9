//! What a handle gives to its scheme: a place in the store for what it is granted, and the activity log.

use std::{
    borrow::Cow,
    sync::{Arc, Weak},
};

use trunkline_core::{
    BoxFuture, IntegrationId, Journal, Kept, Kind, RequestId, Result, Site, Tries, Vault, now_ms,
};
use trunkline_layers::{CacheScope, Record, Recorder};
use trunkline_store::{Part, PartKind, Store};

use crate::{config::IntegrationConfig, shared::Shared};

/// The name of the connection that every integration has.
pub const DEFAULT_CONNECTION: &str = "default";

/// The site of a connection; `None` is the default one. `cache` is where replies to its calls are kept.
pub(crate) fn site(
    config: &IntegrationConfig,
    shared: &Shared,
    connection: Option<&Arc<str>>,
    cache: Option<&Arc<CacheScope>>,
) -> Site {
    let owner = Owner {
        integration: config.id().clone(),
        connection: connection.map_or(DEFAULT_CONNECTION, |name| name).into(),
    };
    Site {
        origin: config.origin(),
        journal: Some(Arc::new(Log {
            recorder: shared.recorder.clone(),
            integration: config.id().clone(),
            connection: connection.cloned(),
            cache: cache.map_or_else(Weak::new, Arc::downgrade),
        })),
        vault: Some(Arc::new(Place { store: shared.store.clone(), owner })),
    }
}

#[derive(Debug)]
struct Owner {
    integration: IntegrationId,
    connection: Box<str>,
}

/// Where the grant of a connection is stored.
#[derive(Debug)]
struct Place {
    store: Arc<dyn Store>,
    owner: Owner,
}

impl Place {
    fn part(&self) -> Part<'_> {
        let Owner { integration, connection } = &self.owner;
        Part { kind: PartKind::Grant, integration, connection }
    }
}

impl Vault for Place {
    fn load(&self) -> BoxFuture<'_, Result<Option<Kept>>> {
        Box::pin(async {
            let stored = self.store.part(self.part()).await?;
            Ok(stored.map(|stored| Kept { generation: stored.generation, document: stored.document }))
        })
    }

    fn save<'a>(&'a self, expected: Option<u64>, document: &'a [u8]) -> BoxFuture<'a, Result<u64>> {
        self.store.put_part(self.part(), expected, document)
    }
}

/// The activity of a connection.
#[derive(Debug)]
struct Log {
    recorder: Arc<Recorder>,
    integration: IntegrationId,
    connection: Option<Arc<str>>,
    /// What was kept for the account that it had.
    cache: Weak<CacheScope>,
}

/// Events after which calls are made for another account, or for none.
const CHANGES: [&str; 3] = ["connect", "import", "disconnect"];

impl Journal for Log {
    fn note(&self, event: &'static str, kind: Option<Kind>) {
        if kind.is_none()
            && CHANGES.contains(&event)
            && let Some(cache) = self.cache.upgrade()
        {
            cache.clear();
        }
        note(&self.recorder, &self.integration, self.connection.as_ref(), event, kind);
    }
}

/// Records what happened to a connection that was no call.
pub(crate) fn note(
    recorder: &Recorder,
    integration: &IntegrationId,
    connection: Option<&Arc<str>>,
    event: &'static str,
    kind: Option<Kind>,
) {
    recorder.record(Record {
        at_ms: u64::try_from(now_ms()).unwrap_or(0),
        request_id: RequestId::new(),
        integration: integration.clone(),
        operation: event.into(),
        action: None,
        kind: Cow::Borrowed(kind.map_or("ok", Kind::code)),
        status: None,
        partial_errors: 0,
        attempts: 0,
        millis: 0.0,
        bytes_sent: 0,
        bytes_received: 0,
        cache: "".into(),
        connection: connection.cloned(),
        tries: Tries::default(),
        number: 0,
    });
}

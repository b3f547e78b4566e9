//! `Call`: an operation on its way down the pipeline, with what the layers add to it.

use std::sync::Arc;

use tokio::time::Instant;

use crate::{CacheStatus, Credential, IntegrationId, Operation, RequestId};

/// An operation on its way down. Layers read and adjust it; nobody clones it, so that a retry is a
/// loop over a borrowed call.
#[derive(Debug)]
pub struct Call {
    /// Where it goes.
    pub integration: IntegrationId,
    /// Whose credentials it uses; `None` is the connection `default`.
    pub connection: Option<Arc<str>>,
    /// What to do.
    pub operation: Operation,
    /// Names the logical call; the same on every attempt.
    pub request_id: RequestId,
    /// When it began.
    pub began: Instant,
    /// When the whole call must have ended. Set by the caller, tightened by the deadline layer.
    pub deadline: Option<Instant>,
    /// Which attempt this is, from 1; 0 once the call was answered without one.
    pub attempt: u32,
    /// What the authenticate layer got from the scheme, for the transport to place on its wire.
    pub credential: Option<Arc<Credential>>,
    /// What the cache did with it; `None` where there is no cache.
    pub cache: Option<CacheStatus>,
}

impl Call {
    /// A first attempt without deadline and credential.
    pub fn new(integration: IntegrationId, operation: impl Into<Operation>) -> Self {
        Self {
            integration,
            connection: None,
            operation: operation.into(),
            request_id: RequestId::new(),
            began: Instant::now(),
            deadline: None,
            attempt: 1,
            credential: None,
            cache: None,
        }
    }
}

//! `Call`: an operation on its way down the pipeline, with what the layers add to it.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    CacheStatus, Credential, Idempotency, IntegrationId, Operation, RequestId, SchemeDyn, TraceParent, Trail,
};

/// An operation on its way down. Layers read and adjust it; nobody clones it, so that a retry is a
/// loop over a borrowed call.
#[derive(Debug)]
pub struct Call {
    /// Where it goes.
    pub integration: IntegrationId,
    /// Whose credentials it uses; `None` is the connection `default`. Set by the handle that it is called through.
    pub connection: Option<Arc<str>>,
    /// What to do.
    pub operation: Operation,
    /// Names the logical call; the same on every attempt.
    pub request_id: RequestId,
    /// The trace it is part of, below whoever called: its caller's, if there is one, or one that begins with it
    /// where traces are recorded.
    pub trace: Option<TraceParent>,
    /// When it began.
    pub began: Instant,
    /// When the whole call must have ended. Set by the caller, tightened by the deadline layer.
    pub deadline: Option<Instant>,
    /// How often its caller wants it attempted at most, where the integration allows more. As in the configuration, an
    /// attempt with a fresh credential after a 401 is none of these.
    pub max_attempts: Option<u32>,
    /// How long its caller wants it to wait for its turn or a place at most, where the integration allows more.
    pub max_wait: Option<Duration>,
    /// Whether the deadline is the caller's own, sooner than the integration's: that it runs out then says
    /// nothing about the service.
    pub hurried: bool,
    /// Which attempt this is, from 1. A layer that refuses to make it takes one off, and one that answers
    /// without any leaves 0.
    pub attempt: u32,
    /// What became of the attempts before the present one, and when that set off.
    pub trail: Trail,
    /// The name of what is done, where it has one: limits can differ by it.
    pub action: Option<Arc<str>>,
    /// What of a reply in JSON its caller gets, as a JSON pointer; `None` for all of it.
    pub returns: Option<Arc<str>>,
    /// What making it twice does, where that is known better than from the operation.
    pub repeats: Option<Idempotency>,
    /// Whether the request carries a key by which the service recognises a repetition.
    pub keyed: bool,
    /// Until when the service knows that key, where the call may have been made under it before: no attempt begins after that.
    pub key_until: Option<Instant>,
    /// What the authenticate layer got from the scheme, for the transport to place on its wire.
    pub credential: Option<Arc<Credential>>,
    /// Where the credential came from: a connection that outlives the call gets the next one there.
    pub scheme: Option<Arc<dyn SchemeDyn>>,
    /// Whether what can be asked for is wanted ([`Transport::schema`]), and not what the operation says.
    ///
    /// [`Transport::schema`]: crate::Transport::schema
    pub schema: bool,
    /// Whether only the service itself can answer it: the cache neither does, nor keeps its reply.
    pub uncached: bool,
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
            trace: None,
            began: Instant::now(),
            deadline: None,
            max_attempts: None,
            max_wait: None,
            hurried: false,
            attempt: 1,
            trail: Trail::default(),
            action: None,
            returns: None,
            repeats: None,
            keyed: false,
            key_until: None,
            credential: None,
            scheme: None,
            schema: false,
            uncached: false,
            cache: None,
        }
    }

    /// Whether the operation may be repeated when nobody knows if it was applied.
    pub fn idempotency(&self) -> Idempotency {
        match self.repeats.unwrap_or_else(|| self.operation.idempotency()) {
            Idempotency::Unsafe if self.keyed => Idempotency::Keyed,
            idempotency => idempotency,
        }
    }

    /// What limits know the call by: its action, or else the label of its operation.
    pub fn action(&self) -> &str {
        self.action.as_deref().unwrap_or_else(|| self.operation.label())
    }
}

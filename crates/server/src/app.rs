//! `App`: what all requests share.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::Router;
use tokio::{sync::Semaphore, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use trunkline::{Handle, Manager, Result, Store};

use crate::{
    api::marks::Marks,
    gate::Gate,
    hooks::{Clients, Proxies},
    idempotency::Once,
    oauth::Consents,
    public::Public,
    room::Room,
    tokens::Tokens,
};

/// How many configurations are tried at the same time: each opens connections of its own.
const TRIALS: usize = 8;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) manager: Manager,
    pub(crate) gate: Gate,
    /// Those that the gate lets in beside the configured one.
    pub(crate) tokens: Tokens,
    /// The API's router: all that is neither a call nor proxied.
    pub(crate) router: Router,
    /// Makes calls with an idempotency key.
    pub(crate) once: Arc<Once>,
    /// Consents that people are asked for.
    pub(crate) consents: Consents,
    /// Bytes of a body that is read into memory.
    pub(crate) body_limit: usize,
    /// Memory for the bodies of calls.
    pub(crate) room: Room,
    /// The URL that others know the server by, where that is known.
    pub(crate) public: Option<Public>,
    /// Bytes of the body of a webhook.
    pub(crate) hook_limit: usize,
    /// Memory for the bodies of webhooks: strangers take none of that for calls.
    pub(crate) hook_room: Room,
    /// What of it, and of looks at what is not signed, each client has taken, and each integration.
    pub(crate) hook_clients: Clients,
    /// Who is believed that says for whom webhooks are passed on.
    pub(crate) proxies: Proxies,
    /// Nothing is accepted any more: streams, which would not end by themselves, end.
    pub(crate) stop: CancellationToken,
    /// WebSockets of clients.
    pub(crate) sockets: TaskTracker,
    draining: AtomicBool,
    /// Configurations that are tried at the same time.
    pub(crate) trials: Arc<Semaphore>,
    /// Tells those who edit an integration that somebody changed a secret of it.
    pub(crate) marks: Marks,
    /// When it began to run.
    pub(crate) began: Instant,
}

impl App {
    /// `store` is the one of the manager.
    ///
    /// # Errors
    ///
    /// Where the operating system gives no randomness.
    pub(crate) fn new(
        manager: Manager,
        store: Arc<dyn Store>,
        gate: Gate,
        public: Option<Public>,
        proxies: Proxies,
        body_limit: usize,
        hook_limit: usize,
    ) -> Result<Arc<Self>> {
        let router = crate::api::router(manager.clone());
        let tokens = Tokens::new(store.clone(), gate.issued());
        let (once, room, hook_room) = (Once::new(store), Room::new(body_limit), Room::new(hook_limit));
        let consents = Consents::new(public.clone());
        let (stop, sockets, draining) = Default::default();
        Ok(Arc::new(Self {
            manager,
            gate,
            tokens,
            router,
            once,
            consents,
            body_limit,
            room,
            public,
            hook_limit,
            hook_room,
            hook_clients: Clients::new(hook_limit),
            proxies,
            stop,
            sockets,
            draining,
            trials: Arc::new(Semaphore::new(TRIALS)),
            marks: Marks::new()?,
            began: Instant::now(),
        }))
    }

    /// A connection of an integration.
    ///
    /// # Errors
    ///
    /// `unknown_connection`, or why it does not open.
    pub(crate) async fn connection(&self, integration: &Handle, name: &str) -> Result<Arc<Handle>> {
        self.manager.connection(integration.id(), name).await
    }

    /// Whether the server has been told to stop.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }
}

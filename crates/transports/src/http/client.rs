//! `Client`: pooled connections, shared by all integrations with the same TLS and proxy settings.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use arc_swap::ArcSwap;
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy,
    rt::{TokioExecutor, TokioTimer},
};
use tokio::{
    runtime::{Handle, Id},
    time::{Instant, timeout_at},
};
use trunkline_core::{Body, Context, Error, Kind, Outcome, Result};

use super::{
    Proxy,
    connector::{Connector, HANDSHAKE},
    explain::explain,
    outgoing::{Outgoing, Progress},
    tls::Tls,
};

/// What makes two integrations unable to share connections.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Settings {
    pub(crate) tls: Tls,
    pub(crate) proxy: Option<Proxy>,
    /// How long a connection may take to be made.
    pub(crate) connect: Duration,
    pub(crate) http1_only: bool,
    /// HTTP/2 without asking, also in clear text (RFC 9113 section 3.3).
    pub(crate) http2_only: bool,
}

/// All clients of a context. One that no integration uses any more ends, and its connections and keys
/// with it.
#[derive(Debug, Default)]
pub(crate) struct Clients(Mutex<HashMap<Settings, Weak<Client>>>);

/// A client. Its connections belong to the runtime that opened them: a server with a runtime per core
/// keeps each request on its core, and a runtime that ends takes nobody else's connections with it.
pub(crate) struct Client {
    connector: Connector,
    settings: Settings,
    pools: ArcSwap<Vec<(Id, Pool)>>,
}

type Pool = legacy::Client<Connector, Outgoing>;

/// Runtimes whose pools are held; more come and go only in tests.
const RUNTIMES: usize = 256;

impl Client {
    /// The one client of this context with these settings.
    pub(crate) fn of(context: &Context, settings: Settings) -> Arc<Self> {
        let clients = context.shared::<Clients>();
        let mut clients = clients.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&settings).and_then(Weak::upgrade) {
            return client;
        }
        clients.retain(|_, client| client.strong_count() > 0);
        let connector = Connector::new(context.egress.clone(), settings.clone());
        let client = Arc::new(Self { connector, settings: settings.clone(), pools: ArcSwap::default() });
        clients.insert(settings, Arc::downgrade(&client));
        client
    }

    /// Sends one request and waits for the head of its response: no longer than `first_byte` once the
    /// service has the request, and for as long as it takes without.
    pub(crate) async fn send(
        &self,
        request: Request<Body>,
        first_byte: Option<Duration>,
    ) -> Result<(Response<Incoming>, Arc<Progress>)> {
        let (head, body) = request.into_parts();
        let (body, progress) = Outgoing::new(body);
        let mut exchange = self.exchange(Request::from_parts(head, body));
        let response = match first_byte {
            None => exchange.await,
            Some(limit) => {
                let connecting = self.settings.connect + 2 * HANDSHAKE;
                let mut due = Instant::now() + limit;
                loop {
                    match timeout_at(due, &mut exchange).await {
                        Ok(response) => break response,
                        Err(_) => match progress.due(limit, connecting) {
                            Some(later) => due = later,
                            None => {
                                drop(exchange);
                                return Err(late(limit, &progress));
                            }
                        },
                    }
                }
            }
        };
        match response {
            Ok(response) => Ok((response, progress)),
            Err(error) => Err(explain(&error, &progress)),
        }
    }

    /// Connects to the origin of `uri` and hangs up.
    pub(crate) async fn reach(&self, uri: &Uri) -> Result<()> {
        self.connector.reach(uri).await
    }

    /// What `Proxy-Authorization` a request to `uri` needs: over TLS the tunnel has carried it.
    pub(crate) fn proxy_authorization(&self, uri: &Uri) -> Option<&http::HeaderValue> {
        let proxy = self.settings.proxy.as_ref()?;
        proxy.authorization.as_ref().filter(|_| uri.scheme() == Some(&http::uri::Scheme::HTTP))
    }

    /// Starts the exchange on the pool of this runtime.
    fn exchange(&self, request: Request<Outgoing>) -> legacy::ResponseFuture {
        let runtime = Handle::current().id();
        loop {
            if let Some((_, pool)) = self.pools.load().iter().find(|(id, _)| *id == runtime) {
                return pool.request(request);
            }
            self.add(runtime);
        }
    }

    /// Makes the pool of a runtime, unless another thread of it just did.
    fn add(&self, runtime: Id) {
        let pool: Pool = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(60))
            .pool_max_idle_per_host(64)
            .http2_only(self.settings.http2_only)
            .http2_adaptive_window(true)
            // A connection that died in silence is found out, and not given to every call to come.
            .http2_keep_alive_interval(Duration::from_secs(30))
            .http2_keep_alive_timeout(Duration::from_secs(10))
            .build(self.connector.clone());
        self.pools.rcu(|pools| {
            if pools.iter().any(|(id, _)| *id == runtime) {
                return pools.clone();
            }
            let skip = (pools.len() + 1).saturating_sub(RUNTIMES);
            let mut pools: Vec<_> = pools.iter().skip(skip).cloned().collect();
            pools.push((runtime, pool.clone()));
            Arc::new(pools)
        });
    }
}

/// No answer in time.
fn late(limit: Duration, progress: &Progress) -> Error {
    let outcome = if progress.never_taken() { Outcome::NotSent } else { Outcome::Unknown };
    Error::new(Kind::Timeout, format!("no answer began within {limit:?}")).outcome_is(outcome)
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("settings", &self.settings).finish_non_exhaustive()
    }
}

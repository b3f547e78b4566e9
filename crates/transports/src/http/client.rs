//! `Client`: pooled connections, shared by all integrations with the same TLS and proxy settings.

use std::{
    collections::HashMap,
    error::Error as StdError,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy,
    rt::{TokioExecutor, TokioTimer},
};
use tokio::runtime::{Handle, Id};
use trunkline_core::{Body, Context, Error, Kind, Outcome, Result};

use super::{
    connector::{Carried, Connector, Proxy},
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

/// All clients of a context.
#[derive(Debug, Default)]
pub(crate) struct Clients(Mutex<HashMap<Settings, Arc<Client>>>);

/// A client. Its connections belong to the runtime that opened them: a server with a runtime per core
/// keeps each request on its core, and a runtime that ends takes nobody else's connections with it.
pub(crate) struct Client {
    connector: Connector,
    settings: Settings,
    pools: ArcSwap<Vec<(Id, Pool)>>,
}

type Pool = legacy::Client<Connector, Body>;

/// Runtimes whose pools are held; more come and go only in tests.
const RUNTIMES: usize = 256;

impl Client {
    /// The one client of this context with these settings.
    pub(crate) fn of(context: &Context, settings: Settings) -> Arc<Self> {
        let clients = context.shared::<Clients>();
        let mut clients = clients.0.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let connector = Connector::new(context.egress.clone(), settings.clone());
            Arc::new(Self { connector, settings: settings.clone(), pools: ArcSwap::default() })
        };
        clients.entry(settings.clone()).or_insert_with(make).clone()
    }

    /// Sends one request and waits for the head of its response.
    pub(crate) async fn send(&self, request: Request<Body>) -> Result<Response<Incoming>> {
        // The host, for errors: the path and the query may hold secrets.
        self.pool().request(request).await.map_err(|error| explain(&error))
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

    fn pool(&self) -> Pool {
        let runtime = Handle::current().id();
        let held = self.pools.load();
        if let Some((_, pool)) = held.iter().find(|(id, _)| *id == runtime) {
            return pool.clone();
        }
        let pool = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(60))
            .pool_max_idle_per_host(64)
            .http2_only(self.settings.http2_only)
            .http2_adaptive_window(true)
            .build(self.connector.clone());
        self.pools.rcu(|pools| {
            let skip = (pools.len() + 1).saturating_sub(RUNTIMES);
            let mut pools: Vec<_> = pools.iter().skip(skip).cloned().collect();
            pools.push((runtime, pool.clone()));
            pools
        });
        pool
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// What the HTTP library says, in our words. Whether the service can have acted is the point: only a
/// connection that was never made, or a request that was never written, is `not_sent`.
fn explain(error: &legacy::Error) -> Error {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    let mut hyper = None;
    while let Some(error) = cause {
        if let Some(ours) = error.downcast_ref::<Carried>().and_then(Carried::take) {
            return ours;
        }
        // A body that the caller streams and that failed on their side.
        if let Some(ours) = error.downcast_ref::<Error>() {
            return Error::new(ours.kind(), format!("the request's body failed: {}", ours.message()))
                .outcome_is(Outcome::Unknown);
        }
        hyper = hyper.or_else(|| error.downcast_ref::<hyper::Error>());
        cause = error.source();
    }
    let unavailable = |message| Error::new(Kind::Unavailable, message);
    if error.is_connect() {
        return unavailable("no connection to the service")
            .outcome_is(Outcome::NotSent)
            .source(error.to_string());
    }
    match hyper {
        Some(hyper) if hyper.is_canceled() => {
            unavailable("the connection closed before the request was sent").outcome_is(Outcome::NotSent)
        }
        Some(hyper) => explain_hyper(hyper),
        None => unavailable("the exchange failed").source(error.to_string()),
    }
}

/// As [`explain`], for what happens once a request may have left.
pub(super) fn explain_hyper(error: &hyper::Error) -> Error {
    // hyper's own words hold neither URLs nor headers.
    let text = match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    };
    if error.is_parse() || error.is_parse_too_large() {
        return Error::new(Kind::Protocol, "the service's answer is not HTTP").source(text);
    }
    let message = if error.is_timeout() {
        return Error::new(Kind::Timeout, "the service did not answer in time").source(text);
    } else if error.is_incomplete_message() {
        "the service closed the connection before it had answered whole"
    } else {
        "the connection broke while the service was answering"
    };
    Error::new(Kind::Unavailable, message).outcome_is(Outcome::Unknown).source(text)
}

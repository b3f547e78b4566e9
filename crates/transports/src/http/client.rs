//! `Client`: sends requests over pooled connections, shared by all integrations with the same TLS and
//! proxy settings.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use http::{HeaderValue, Request, Response, Uri, header};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::time::timeout_at;
use trunkline_core::{Body, Context, Error, Kind, Outcome, Result};

use super::{
    Proxy,
    connector::{Connector, HANDSHAKE},
    explain::{explain, explain_handshake},
    origin::{Origin, Origins},
    outgoing::{Outgoing, Progress},
    pool::{Lease, Sender, Shelf},
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

/// A client.
#[derive(Debug)]
pub(crate) struct Client {
    connector: Connector,
    origins: Origins,
}

/// What comes of a request: the head of its response, and what the body still needs.
pub(crate) struct Exchange {
    pub(crate) response: Response<Incoming>,
    pub(super) progress: Arc<Progress>,
    pub(super) lease: Option<Lease>,
}

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
        let client = Arc::new(Self { connector, origins: Origins::default() });
        clients.insert(settings, Arc::downgrade(&client));
        client
    }

    /// The origin of an absolute URI, whose connections all who hold it share.
    pub(crate) fn origin(&self, uri: &Uri) -> Arc<Origin> {
        self.origins.of(uri)
    }

    /// Connects to `origin` and hangs up: proves that something is there.
    pub(crate) async fn reach(&self, origin: &Origin) -> Result<()> {
        self.connector.connect(origin).await.map(drop)
    }

    /// Sends one request with an absolute URI to its `origin`, and waits for the head of its response: no
    /// longer than `first_byte` once the service has the request, and for as long as it takes without.
    pub(crate) async fn send(
        &self,
        origin: &Origin,
        request: Request<Body>,
        first_byte: Option<Duration>,
    ) -> Result<Exchange> {
        let (head, body) = request.into_parts();
        let (body, progress) = Outgoing::new(body);
        let exchange = self.exchange(origin, Request::from_parts(head, body), &progress);
        let done = match first_byte {
            None => Some(exchange.await),
            Some(limit) => in_time(exchange, limit, &progress, self.connector.settings.connect).await,
        };
        // The exchange is over or dropped: only now is it known whether a connection had the request.
        let (response, lease) = done.unwrap_or_else(|| Err(late(first_byte, &progress)))?;
        Ok(Exchange { response, progress, lease })
    }

    /// Sends the request over a connection that waits for one, or else over a new one.
    async fn exchange(
        &self,
        origin: &Origin,
        mut request: Request<Outgoing>,
        progress: &Progress,
    ) -> Result<(Response<Incoming>, Option<Lease>)> {
        let shelf = origin.shelf();
        let absolute = request.uri().clone();
        loop {
            let (mut sender, keep, reused) = match shelf.take() {
                Some(sender) => (sender, true, true),
                None => self.open(origin, &shelf).await?,
            };
            self.address(&mut request, &absolute, origin, &sender);
            match sender.send(request).await {
                Ok(response) => return Ok((response, Lease::of(sender, shelf).filter(|_| keep))),
                Err(mut error) => match error.take_message() {
                    // It was closed while it waited, and has not touched the request.
                    Some(untouched) if reused => request = untouched,
                    message => {
                        drop(message);
                        return Err(explain(error.error(), progress));
                    }
                },
            }
        }
    }

    /// Makes a connection, and says whether it may be kept, and whether another request has used it: one
    /// of HTTP/2 that somebody else made meanwhile is taken instead.
    async fn open(&self, origin: &Origin, shelf: &Shelf) -> Result<(Sender, bool, bool)> {
        let settings = &self.connector.settings;
        let turn = match settings.http2_only || shelf.multiplexes() {
            true => Some(shelf.dialling.lock().await),
            false => None,
        };
        if turn.is_some()
            && let Some(sender) = shelf.take()
        {
            return Ok((sender, true, true));
        }
        let stream = self.connector.connect(origin).await?;
        let (keep, http2) = (stream.is_kept(), settings.http2_only || stream.is_http2());
        let io = TokioIo::new(stream);
        let sender = if http2 {
            let handshake = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .adaptive_window(true)
                // A connection that died in silence is found out, and not given to every call to come.
                .keep_alive_interval(Duration::from_secs(30))
                .keep_alive_timeout(Duration::from_secs(10))
                .handshake(io);
            let (sender, connection) = handshake.await.map_err(|error| explain_handshake(&error))?;
            tokio::spawn(connection);
            Sender::Http2(sender)
        } else {
            let handshake = http1::handshake(io).await;
            let (sender, connection) = handshake.map_err(|error| explain_handshake(&error))?;
            tokio::spawn(connection);
            Sender::Http1(sender)
        };
        shelf.opened(&sender, keep);
        Ok((sender, keep, false))
    }

    /// Writes the target as the connection wants it: in HTTP/1.1 the path beside a `Host`, but all of the
    /// URI for a proxy that reads it (RFC 9112 section 3.2); in HTTP/2 always all of it.
    fn address(&self, request: &mut Request<Outgoing>, uri: &Uri, origin: &Origin, sender: &Sender) {
        let http1 = matches!(sender, Sender::Http1(_));
        let proxy = self.connector.settings.proxy.as_ref().filter(|_| !origin.is_secure());
        *request.uri_mut() = match uri.path_and_query() {
            Some(path) if http1 && proxy.is_none() => Uri::from(path.clone()),
            _ => uri.clone(),
        };
        let headers = request.headers_mut();
        if http1 {
            headers.insert(header::HOST, origin.host_header().clone());
        } else {
            headers.remove(header::HOST);
        }
        if let Some(authorization) = proxy.and_then(|proxy| proxy.authorization.as_ref()) {
            headers.insert(header::PROXY_AUTHORIZATION, HeaderValue::clone(authorization));
        }
    }
}

/// What `exchange` comes to, unless no answer begins within `limit`, or `connect` longer where a connection
/// has to be made first.
async fn in_time<T>(
    exchange: impl Future<Output = T>,
    limit: Duration,
    progress: &Progress,
    connect: Duration,
) -> Option<T> {
    let mut exchange = std::pin::pin!(exchange);
    let mut due = progress.begun() + limit;
    loop {
        match timeout_at(due, &mut exchange).await {
            Ok(done) => return Some(done),
            Err(_) => due = progress.due(limit, connect + 2 * HANDSHAKE)?,
        }
    }
}

fn late(limit: Option<Duration>, progress: &Progress) -> Error {
    let outcome = if progress.never_taken() { Outcome::NotSent } else { Outcome::Unknown };
    let limit = limit.unwrap_or_default();
    Error::new(Kind::Timeout, format!("no answer began within {limit:?}")).outcome_is(outcome)
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange").field("status", &self.response.status()).finish_non_exhaustive()
    }
}

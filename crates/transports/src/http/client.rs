//! `Client`: sends requests over pooled connections, shared by all integrations with the same TLS and
//! proxy settings.

use std::{
    collections::HashMap,
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, Weak},
    task::Poll,
    time::Duration,
};

use http::{Request, Response, Uri, header};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::time::Instant;
use trunkline_core::{Context, Error, Kind, Outcome, Result};

use super::{
    Proxy,
    connector::Connector,
    explain::{explain, explain_handshake},
    origin::{Origin, Origins},
    outgoing::{Outgoing, Progress},
    pool::{Lease, Sender, Shelf, Timer},
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

    /// Sends one request to its `origin`, and waits for the head of its response: no longer than
    /// `first_byte` once the service has the request, and for as long as it takes without.
    ///
    /// The request is lent, and taken when it is sent: futures that pass it on by value carry it once each.
    pub(crate) async fn send(
        &self,
        origin: &Origin,
        request: &mut Option<Request<Outgoing>>,
        progress: Arc<Progress>,
        first_byte: Option<Duration>,
    ) -> Result<Exchange> {
        let (response, lease) = self.exchange(origin, request, &progress, first_byte).await?;
        Ok(Exchange { response, progress, lease })
    }

    /// Sends the request over a connection that waits for one, or else over a new one.
    async fn exchange(
        &self,
        origin: &Origin,
        request: &mut Option<Request<Outgoing>>,
        progress: &Progress,
        first_byte: Option<Duration>,
    ) -> Result<(Response<Incoming>, Option<Lease>)> {
        let shelf = origin.shelf();
        loop {
            let (mut sender, keep, since) = match shelf.take() {
                Some(sender) => (sender, true, None),
                // Boxed, lest every request carry the room that making a connection needs.
                None => Box::pin(self.open(origin, &shelf)).await?,
            };
            let Some(addressed) = request.take().map(|request| self.address(request, origin, &sender)) else {
                return Err(Error::new(Kind::Internal, "the request is gone"));
            };
            let mut exchange = sender.send(addressed);
            let done = match first_byte {
                None => Some((&mut exchange).await),
                Some(limit) => {
                    let begun = since.unwrap_or(progress.begun());
                    let due = || progress.due(limit, begun);
                    answered(&mut exchange, sender.timer(), begun + limit, due).await
                }
            };
            match done {
                Some(Ok(response)) => return Ok((response, Lease::of(sender, shelf).filter(|_| keep))),
                Some(Err(mut error)) => {
                    // A connection that was closed while it waited has not touched the request.
                    *request = error.take_message().filter(|_| since.is_none());
                    if request.is_none() {
                        return Err(explain(error.error(), progress));
                    }
                }
                None => {
                    // Only a request that is dropped tells whether a connection had it.
                    drop(exchange);
                    return Err(late(first_byte, progress));
                }
            }
        }
    }

    /// Makes a connection, and says whether it may be kept, and since when it is there: one of HTTP/2 that
    /// somebody else made meanwhile, and may have used, is taken instead.
    async fn open(&self, origin: &Origin, shelf: &Shelf) -> Result<(Sender, bool, Option<Instant>)> {
        let settings = &self.connector.settings;
        let turn = match settings.http2_only || shelf.multiplexes() {
            true => Some(shelf.dialling.lock().await),
            false => None,
        };
        if turn.is_some()
            && let Some(sender) = shelf.take()
        {
            return Ok((sender, true, None));
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
            Sender::Http2(sender, Timer::default())
        } else {
            let handshake = http1::handshake(io).await;
            let (sender, connection) = handshake.map_err(|error| explain_handshake(&error))?;
            tokio::spawn(connection.with_upgrades());
            Sender::Http1(sender, Timer::default())
        };
        shelf.opened(&sender, keep);
        Ok((sender, keep, Some(Instant::now())))
    }

    /// Writes the target as the connection wants it: in HTTP/1.1 the path beside a `Host`, but all of the
    /// URI for a proxy that reads it (RFC 9112 section 3.2); in HTTP/2 always all of it.
    fn address(&self, mut request: Request<Outgoing>, origin: &Origin, sender: &Sender) -> Request<Outgoing> {
        let http1 = matches!(sender, Sender::Http1(..));
        let proxy = self.connector.settings.proxy.as_ref().filter(|_| !origin.is_secure());
        let whole = !http1 || proxy.is_some();
        // A request that comes back from a connection of the other kind has the other form.
        if whole == request.uri().authority().is_none() {
            let mut parts = std::mem::take(request.uri_mut()).into_parts();
            parts.scheme = whole.then(|| origin.scheme().clone());
            parts.authority = whole.then(|| origin.authority().clone());
            *request.uri_mut() = Uri::from_parts(parts).expect("a path, with or without an origin, is a URI");
        }
        let headers = request.headers_mut();
        if http1 {
            headers.insert(header::HOST, origin.host_header().clone());
        } else {
            headers.remove(header::HOST);
        }
        if let Some(authorization) = proxy.and_then(|proxy| proxy.authorization.as_ref()) {
            headers.insert(header::PROXY_AUTHORIZATION, authorization.clone());
        }
        request
    }
}

/// What `exchange` comes to, unless it is overdue at `end`, and `due` gives it no longer.
async fn answered<T>(
    exchange: &mut (impl Future<Output = T> + Unpin),
    timer: &mut Timer,
    end: Instant,
    due: impl Fn() -> Option<Instant>,
) -> Option<T> {
    let mut timer = timer.until(end);
    poll_fn(|cx| {
        if let Poll::Ready(done) = Pin::new(&mut *exchange).poll(cx) {
            return Poll::Ready(Some(done));
        }
        while timer.as_mut().poll(cx).is_ready() {
            match due() {
                Some(later) => timer.as_mut().reset(later),
                None => return Poll::Ready(None),
            }
        }
        Poll::Pending
    })
    .await
}

/// No answer in time.
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

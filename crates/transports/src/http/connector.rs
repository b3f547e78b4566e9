//! `Connector`: what an HTTP client asks for a connection. It dials through the guard, tunnels through
//! a proxy, and speaks TLS.

use std::{
    io::IoSlice,
    pin::Pin,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use http::{HeaderValue, Uri, uri::Scheme};
use hyper_util::{
    client::legacy::connect::{Connected, Connection, proxy::Tunnel},
    rt::TokioIo,
};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tower_service::Service;
use trunkline_core::{BoxFuture, Egress, Error, Kind, Outcome, Result, Zone};

use crate::{dial::dial, http::Settings};

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// Connections of one client that are kept for reuse, over all hosts. Those beyond it are closed after
/// their request: ten thousand integrations must not hold ten thousand idle sockets.
const KEPT: usize = 1024;

/// An HTTP proxy.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Proxy {
    /// Its address, `http://host:port`.
    pub(crate) uri: Uri,
    /// `Proxy-Authorization`, if it wants one.
    pub(crate) authorization: Option<HeaderValue>,
}

/// Opens connections for one client.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    egress: Arc<Egress>,
    settings: Settings,
    tls: OnceLock<Arc<ClientConfig>>,
    open: Arc<AtomicUsize>,
}

impl Connector {
    pub(crate) fn new(egress: Arc<Egress>, settings: Settings) -> Self {
        Self { shared: Arc::new(Shared { egress, settings, tls: OnceLock::new(), open: Arc::default() }) }
    }

    /// Connects, as far as TLS, and hangs up: proves that something is there.
    pub(crate) async fn reach(&self, uri: &Uri) -> Result<()> {
        self.shared.connect(uri).await.map(drop)
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = Carried;
    type Future = BoxFuture<'static, Result<TokioIo<Stream>, Carried>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Carried>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let shared = self.shared.clone();
        Box::pin(async move { shared.connect(&uri).await.map(TokioIo::new).map_err(Carried::new) })
    }
}

impl Shared {
    async fn connect(&self, uri: &Uri) -> Result<Stream> {
        let (host, secure) = (uri.host().unwrap_or_default(), uri.scheme() == Some(&Scheme::HTTPS));
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let limit = self.settings.connect;
        let place = Place::new(&self.open);
        let (wire, proxied) = match &self.settings.proxy {
            None => (Wire::Plain(dial(&self.egress, Zone::Http, host, port, limit).await?), false),
            Some(proxy) => {
                // The proxy resolves and dials the target for us: judge what can be judged of it here.
                self.egress.check_host(Zone::Http, host, port)?;
                if let Ok(ip) = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>() {
                    self.egress.check(Zone::Http, host, (ip, port).into())?;
                }
                let (address, at) =
                    (proxy.uri.host().unwrap_or_default(), proxy.uri.port_u16().unwrap_or(80));
                let stream =
                    dial(&self.egress, Zone::Http, address, at, limit).await.map_err(|e| e.at("proxy"))?;
                if secure {
                    (Wire::Plain(tunnel(proxy, stream, uri).await?), false)
                } else {
                    (Wire::Plain(stream), true)
                }
            }
        };
        let wire = match wire {
            Wire::Plain(stream) if secure => Wire::Tls(Box::new(self.handshake(host, stream).await?)),
            wire => wire,
        };
        Ok(Stream { wire, proxied, place })
    }

    async fn handshake(&self, host: &str, stream: TcpStream) -> Result<TlsStream<TcpStream>> {
        let failed = |message: String| Error::new(Kind::Unavailable, message).outcome_is(Outcome::NotSent);
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
            .map_err(|_| failed(format!("{host} is no name that a certificate can be for")))?;
        let connector = TlsConnector::from(self.tls_config()?);
        match timeout(HANDSHAKE, connector.connect(name, stream)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(failed(format!("no TLS connection with {host}")).source(error)),
            Err(_) => Err(failed(format!("no TLS handshake with {host} within {HANDSHAKE:?}"))),
        }
    }

    fn tls_config(&self) -> Result<Arc<ClientConfig>> {
        if let Some(config) = self.tls.get() {
            return Ok(config.clone());
        }
        let mut config = self.settings.tls.config()?;
        let alpn = if self.settings.http1_only {
            vec![b"http/1.1".to_vec()]
        } else {
            vec![b"h2".to_vec(), b"http/1.1".to_vec()]
        };
        Arc::make_mut(&mut config).alpn_protocols = alpn;
        Ok(self.tls.get_or_init(|| config).clone())
    }
}

/// Asks the proxy for a tunnel (RFC 9110 section 9.3.6).
async fn tunnel(proxy: &Proxy, stream: TcpStream, target: &Uri) -> Result<TcpStream> {
    let mut tunnel = Tunnel::new(proxy.uri.clone(), Once(Some(stream)));
    if let Some(authorization) = &proxy.authorization {
        tunnel = tunnel.with_auth(authorization.clone());
    }
    match timeout(HANDSHAKE, tunnel.call(target.clone())).await {
        Ok(Ok(stream)) => Ok(stream.into_inner()),
        Ok(Err(error)) => Err(Error::new(Kind::Unavailable, "proxy: no tunnel to the service")
            .outcome_is(Outcome::NotSent)
            .source(error.to_string())),
        Err(_) => {
            Err(Error::new(Kind::Timeout, "proxy: no tunnel to the service in time")
                .outcome_is(Outcome::NotSent))
        }
    }
}

/// A connector that has one connection to give: the one to the proxy.
struct Once(Option<TcpStream>);

impl Service<Uri> for Once {
    type Response = TokioIo<TcpStream>;
    type Error = std::io::Error;
    type Future = std::future::Ready<std::io::Result<TokioIo<TcpStream>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let stream = self.0.take().ok_or_else(|| std::io::Error::other("asked for twice"));
        std::future::ready(stream.map(TokioIo::new))
    }
}

/// An error of ours on its way through the HTTP client, which only hands out references to it.
#[derive(Debug)]
pub(crate) struct Carried(Mutex<Option<Error>>);

impl Carried {
    pub(crate) fn new(error: Error) -> Self {
        Self(Mutex::new(Some(error)))
    }

    /// The error, the first time.
    pub(crate) fn take(&self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl std::fmt::Display for Carried {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("connecting failed")
    }
}

impl std::error::Error for Carried {}

/// A place among the connections that are open; given back on drop.
struct Place {
    open: Arc<AtomicUsize>,
    keep: bool,
}

impl Place {
    fn new(open: &Arc<AtomicUsize>) -> Self {
        let keep = open.fetch_add(1, Ordering::Relaxed) < KEPT;
        Self { open: open.clone(), keep }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection, in clear or over TLS.
pub(crate) struct Stream {
    wire: Wire,
    proxied: bool,
    place: Place,
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        let connected = Connected::new().proxy(self.proxied);
        if !self.place.keep {
            connected.poison();
        }
        match &self.wire {
            Wire::Tls(stream) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
                connected.negotiated_h2()
            }
            _ => connected,
        }
    }
}

macro_rules! on_wire {
    ($self:ident, $stream:ident => $call:expr) => {
        match &mut $self.wire {
            Wire::Plain($stream) => {
                let $stream = Pin::new($stream);
                $call
            }
            Wire::Tls($stream) => {
                let $stream = Pin::new($stream);
                $call
            }
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        on_wire!(self, stream => stream.poll_read(cx, buf))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        on_wire!(self, stream => stream.poll_write(cx, buf))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        on_wire!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        on_wire!(self, stream => stream.poll_shutdown(cx))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        on_wire!(self, stream => stream.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.wire {
            Wire::Plain(stream) => stream.is_write_vectored(),
            Wire::Tls(stream) => stream.is_write_vectored(),
        }
    }
}

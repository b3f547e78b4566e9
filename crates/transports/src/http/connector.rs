//! `Connector`: what an HTTP client asks for a connection. It dials through the guard, tunnels through
//! a proxy, and speaks TLS.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, OnceLock, PoisonError, atomic::AtomicUsize},
    task::{Context, Poll},
    time::Duration,
};

use http::{Uri, uri::Scheme};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tower_service::Service;
use trunkline_core::{BoxFuture, Egress, Error, Kind, Outcome, Result, Zone};

use super::{
    Settings,
    proxy::tunnel,
    stream::{Place, Stream, Wire},
};
use crate::dial::dial;

/// How long a TLS handshake may take.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(5);

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
        let (stream, proxied) = match &self.settings.proxy {
            None => (dial(&self.egress, Zone::Http, host, port, limit).await?, false),
            Some(proxy) => {
                // The proxy resolves and dials the target for us: judge what can be judged of it here.
                self.egress.check_host(Zone::Http, host, port)?;
                if let Ok(ip) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
                    self.egress.check(Zone::Http, host, (ip, port).into())?;
                }
                let (address, at) =
                    (proxy.uri.host().unwrap_or_default(), proxy.uri.port_u16().unwrap_or(80));
                let stream =
                    dial(&self.egress, Zone::Http, address, at, limit).await.map_err(|e| e.at("proxy"))?;
                match secure {
                    true => (tunnel(proxy, stream, host, port).await?, false),
                    false => (stream, true),
                }
            }
        };
        let wire = match secure {
            true => Wire::Tls(Box::new(self.handshake(host, stream).await?)),
            false => Wire::Plain(stream),
        };
        Ok(Stream { wire, proxied, place })
    }

    async fn handshake(&self, host: &str, stream: TcpStream) -> Result<TlsStream<TcpStream>> {
        let failed = |kind, message: String| Error::new(kind, message).outcome_is(Outcome::NotSent);
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).map_err(|_| {
            failed(Kind::InvalidConfig, format!("{host} is no name that a certificate can be for"))
        })?;
        let connector = TlsConnector::from(self.tls_config()?);
        match timeout(HANDSHAKE, connector.connect(name, stream)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => {
                // A certificate that does not verify, or ours refused, does not get better by itself.
                let tls = error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
                let kind = if tls { Kind::Protocol } else { Kind::Unavailable };
                Err(failed(kind, format!("no TLS connection with {host}")).source(error))
            }
            Err(_) => {
                Err(failed(Kind::Timeout, format!("no TLS handshake with {host} within {HANDSHAKE:?}")))
            }
        }
    }

    fn tls_config(&self) -> Result<Arc<ClientConfig>> {
        if let Some(config) = self.tls.get() {
            return Ok(config.clone());
        }
        let mut config = self.settings.tls.config()?;
        let alpn = match (self.settings.http1_only, self.settings.http2_only) {
            (true, _) => vec![b"http/1.1".to_vec()],
            (_, true) => vec![b"h2".to_vec()],
            _ => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        };
        Arc::make_mut(&mut config).alpn_protocols = alpn;
        Ok(self.tls.get_or_init(|| config).clone())
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

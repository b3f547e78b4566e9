//! `Connector`: makes the connections of an HTTP client. It dials through the guard, tunnels through a
//! proxy, and speaks TLS.

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock, atomic::AtomicUsize},
    time::Duration,
};

use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsConnector, client::TlsStream};
use trunkline_core::{Egress, Error, Kind, Outcome, Result, Stage, Zone};

use super::{
    Settings,
    origin::Origin,
    proxy::tunnel,
    stream::{Place, Stream, Wire},
};
use crate::dial::dial;

/// How long a TLS handshake may take.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(5);

/// Opens connections for one client.
#[derive(Debug)]
pub(super) struct Connector {
    egress: Arc<Egress>,
    pub(super) settings: Settings,
    tls: OnceLock<Arc<ClientConfig>>,
    open: Arc<AtomicUsize>,
}

impl Connector {
    pub(super) fn new(egress: Arc<Egress>, settings: Settings) -> Self {
        Self { egress, settings, tls: OnceLock::new(), open: Arc::default() }
    }

    /// Connects, as far as TLS.
    pub(super) async fn connect(&self, origin: &Origin) -> Result<Stream> {
        let (host, port, secure) = (origin.host(), origin.port(), origin.is_secure());
        let limit = self.settings.connect;
        let place = Place::new(&self.open);
        let stream = match &self.settings.proxy {
            None => dial(&self.egress, Zone::Http, host, port, limit).await?,
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
                    true => tunnel(proxy, stream, host, port).await?,
                    false => stream,
                }
            }
        };
        let wire = match secure {
            true => {
                let handshake = self.handshake(host, stream);
                Wire::Tls(Box::new(self.egress.stage(Stage::Tls, host, handshake).await?))
            }
            false => Wire::Plain(stream),
        };
        Ok(Stream { wire, place })
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

//! `Net`: how a broker is reached: through the egress guard, and over TLS where its address says so.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use rustls::{ClientConfig, pki_types::ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use trunkline_core::{Context, Error, Kind, Outcome, Result, Stage, Zone};

use super::tls::{self, Asked};
use crate::{dial::dial, http::Tls};

/// What is spoken over.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static> Io for T {}

/// How connections are made.
#[derive(Clone)]
pub(crate) struct Net {
    tls: Option<Tls>,
    config: Arc<OnceLock<(Arc<ClientConfig>, Arc<Asked>)>>,
}

/// How long an address may keep silent. Whoever connects has less time for all of it.
const DIAL: Duration = Duration::from_secs(30);

impl Net {
    /// Over TLS with these settings, or in clear text.
    pub(crate) fn new(tls: Option<Tls>) -> Self {
        Self { tls, config: Arc::default() }
    }

    /// Whether it is over TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.tls.is_some()
    }

    /// Connects, as far as TLS.
    ///
    /// # Errors
    ///
    /// `blocked` where the guard refuses, `protocol` where a certificate does not verify; all with outcome `not_sent`.
    pub(crate) async fn connect(&self, context: &Context, host: &str, port: u16) -> Result<Box<dyn Io>> {
        let stream = dial(&context.egress, Zone::Service, host, port, DIAL).await?;
        let Some((config, asked)) = self.config()? else { return Ok(Box::new(stream)) };
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
            .map_err(|_| Error::invalid(format!("{host} is no name that a certificate can be for")))?;
        let handshake = async {
            TlsConnector::from(config.clone()).connect(name, stream).await.map_or_else(
                |error| {
                    // A certificate that does not verify, or ours refused, does not get better by itself.
                    Err(match tls::of(&error) {
                        Some(error) => asked.handshake(host, error),
                        None => Error::new(
                            Kind::Unavailable,
                            format!("no TLS connection with {host}; is it TLS that is spoken there?"),
                        )
                        .outcome_is(Outcome::NotSent)
                        .source(error),
                    })
                },
                |stream| Ok(Box::new(stream) as Box<dyn Io>),
            )
        };
        context.egress.stage(Stage::Tls, host, handshake).await
    }

    /// Why a login came to nothing, which may be for want of TLS, or of a client's certificate; `secure` is what addresses
    /// begin with that are over TLS.
    pub(crate) fn login(&self, error: Error, secure: &str) -> Error {
        match self.config.get() {
            Some((_, asked)) => asked.login(error),
            None => tls::clear(error, secure),
        }
    }

    /// The rustls configuration, where TLS is spoken: made at the first connection, since it reads the system's authorities.
    fn config(&self) -> Result<Option<&(Arc<ClientConfig>, Arc<Asked>)>> {
        let Some(tls) = &self.tls else { return Ok(None) };
        if let Some(config) = self.config.get() {
            return Ok(Some(config));
        }
        let mut config = tls.config()?;
        let asked = Asked::note(Arc::make_mut(&mut config));
        Ok(Some(self.config.get_or_init(|| (config, asked))))
    }
}

impl fmt::Debug for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Net").field("tls", &self.tls.is_some()).finish_non_exhaustive()
    }
}

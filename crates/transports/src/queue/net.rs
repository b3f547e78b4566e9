//! `Net`: how a broker is reached: through the egress guard, and over TLS where its address says so.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use rustls::{ClientConfig, pki_types::ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use trunkline_core::{Context, Error, Kind, Outcome, Result, Zone};

use crate::{dial::dial, http::Tls};

/// What is spoken over.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static> Io for T {}

/// How connections are made.
#[derive(Clone)]
pub(crate) struct Net {
    tls: Option<Tls>,
    config: Arc<OnceLock<Arc<ClientConfig>>>,
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
        let Some(config) = self.config()? else { return Ok(Box::new(stream)) };
        let failed = |kind, message: String| Error::new(kind, message).outcome_is(Outcome::NotSent);
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
            .map_err(|_| Error::invalid(format!("{host} is no name that a certificate can be for")))?;
        match TlsConnector::from(config).connect(name, stream).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => {
                // A certificate that does not verify, or ours refused, does not get better by itself.
                let of_tls = error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
                let kind = if of_tls { Kind::Protocol } else { Kind::Unavailable };
                let message = match of_tls {
                    true => {
                        format!("no TLS connection with {host}: {error}; tls.ca has the authority to trust")
                    }
                    false => format!("no TLS connection with {host}"),
                };
                Err(failed(kind, message).source(error))
            }
        }
    }

    /// The rustls configuration, where TLS is spoken: made at the first connection, since it reads the system's authorities.
    fn config(&self) -> Result<Option<Arc<ClientConfig>>> {
        let Some(tls) = &self.tls else { return Ok(None) };
        if let Some(config) = self.config.get() {
            return Ok(Some(config.clone()));
        }
        let config = tls.config()?;
        Ok(Some(self.config.get_or_init(|| config).clone()))
    }
}

impl fmt::Debug for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Net").field("tls", &self.tls.is_some()).finish_non_exhaustive()
    }
}

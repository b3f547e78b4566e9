//! What is wrong where there is no TLS connection with a broker, and what to do about it.

use std::{
    error::Error as StdError,
    io, iter,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use rustls::{
    CertificateError, ClientConfig, SignatureScheme, client::ResolvesClientCert, sign::CertifiedKey,
};
use trunkline_core::{Error, Kind, Outcome};

/// Shows the client's certificate where there is one, and notes that it was asked for.
#[derive(Debug)]
pub(super) struct Asked {
    shows: Arc<dyn ResolvesClientCert>,
    asked: AtomicBool,
}

impl Asked {
    /// Has a configuration note it.
    pub(super) fn note(config: &mut ClientConfig) -> Arc<Self> {
        let shows = config.client_auth_cert_resolver.clone();
        let this = Arc::new(Self { shows, asked: AtomicBool::new(false) });
        config.client_auth_cert_resolver = this.clone();
        this
    }

    /// Why there is no TLS connection with `host`, which the handshake says.
    pub(super) fn handshake(&self, host: &str, error: &rustls::Error) -> Error {
        use CertificateError as Wrong;
        let message = match error {
            rustls::Error::InvalidCertificate(
                Wrong::NotValidForName | Wrong::NotValidForNameContext { .. },
            ) => {
                format!(
                    "the certificate that {host} shows is for other names; correct the host in base_url, or the certificate"
                )
            }
            rustls::Error::InvalidCertificate(Wrong::UnknownIssuer) => {
                format!(
                    "nobody who is trusted has signed the certificate of {host}; tls.ca has the authority to trust"
                )
            }
            rustls::Error::InvalidCertificate(_) => {
                format!(
                    "the certificate of {host} is not to be trusted: {error}; tls.ca has the authority to trust"
                )
            }
            rustls::Error::AlertReceived(_) if self.asked.load(Relaxed) => self.advice().to_owned(),
            _ => format!("no TLS connection with {host}: {error}; is it TLS that is spoken there?"),
        };
        Error::new(Kind::Protocol, message).outcome_is(Outcome::NotSent).source(error.clone())
    }

    /// What has become of a login whose connection ended. With TLS 1.3 a broker judges the client's certificate after the
    /// handshake, and what it says of it may be lost with the connection.
    pub(super) fn login(&self, error: Error) -> Error {
        if !is_lost(&error) || !self.asked.load(Relaxed) {
            return error;
        }
        // One that is shown may have been taken, and the connection have been lost for another reason.
        let kind = if self.shows.has_certs() { error.kind() } else { Kind::Protocol };
        Error::new(kind, self.advice()).outcome_is(Outcome::NotSent).source(error)
    }

    fn advice(&self) -> &'static str {
        match self.shows.has_certs() {
            true => {
                "the broker asked for the client's certificate and then ended the connection; does it take tls.client_cert?"
            }
            false => "the broker asks for a client's certificate; tls.client_cert and tls.client_key have it",
        }
    }
}

impl ResolvesClientCert for Asked {
    fn resolve(&self, hints: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Relaxed);
        self.shows.resolve(hints, schemes)
    }

    fn has_certs(&self) -> bool {
        self.shows.has_certs()
    }
}

/// Whether a connection ended, or what came over it made no sense, before the broker had said anything: what it says has
/// its code with it.
fn is_lost(error: &Error) -> bool {
    matches!(error.kind(), Kind::Unavailable | Kind::Protocol) && error.context().is_empty()
}

/// What has become of a login in clear text, where `secure` is what addresses begin with that are over TLS.
pub(super) fn clear(error: Error, secure: &str) -> Error {
    if !is_lost(&error) {
        return error;
    }
    let message = format!("{}; does it want TLS ({secure})?", error.message());
    Error::new(error.kind(), message).outcome_is(Outcome::NotSent).source(error)
}

/// What TLS has to do with an error.
pub(super) fn of<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let chain = iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| (*error).source());
    chain.into_iter().find_map(|error| {
        // An error of the system passes over what it holds.
        let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let held = held.and_then(|held| held.downcast_ref::<rustls::Error>());
        held.or_else(|| error.downcast_ref::<rustls::Error>())
    })
}

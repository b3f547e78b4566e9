//! Whom a certificate may be for, where that is not whoever was dialled.

use std::sync::Arc;

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use trunkline_core::{Error, Result};

use super::Tls;

/// Whom a certificate of a known authority may be for.
#[derive(Debug)]
pub(crate) enum Whom {
    /// Anybody.
    Anybody,
    /// This one, whatever was dialled.
    This(ServerName<'static>),
}

impl Tls {
    /// The rustls configuration that takes certificates for these. May touch the disk, where the system's authorities are.
    ///
    /// # Errors
    ///
    /// `invalid_config` where no authority is known.
    pub(crate) fn config_for(&self, whom: Whom) -> Result<Arc<ClientConfig>> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(self.roots()?), provider);
        let chain = chain.build().map_err(|_| {
            Error::invalid("tls.ca: no authority is known on this machine; give the one of the server")
        })?;
        let mut config = self.config()?;
        Arc::make_mut(&mut config).dangerous().set_certificate_verifier(Arc::new(Verifier { whom, chain }));
        Ok(config)
    }
}

#[derive(Debug)]
struct Verifier {
    whom: Whom,
    chain: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        dialled: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        use CertificateError::{NotValidForName, NotValidForNameContext};
        let name = match &self.whom {
            Whom::Anybody => dialled,
            Whom::This(name) => name,
        };
        match (self.chain.verify_server_cert(certificate, between, name, ocsp, now), &self.whom) {
            // The name is looked at last.
            (
                Err(rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. })),
                Whom::Anybody,
            ) => Ok(ServerCertVerified::assertion()),
            (result, _) => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

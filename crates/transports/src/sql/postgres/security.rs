//! What a certificate has to be in each of the modes that libpq calls `sslmode`.

use std::sync::Arc;

use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use trunkline_core::Result;

use crate::{
    http::{Tls, Whom},
    sql::ssl_mode::Mode,
};

impl Mode {
    /// The rustls configuration for it. May touch the disk, where the system's authorities are.
    pub(super) fn config(self, tls: &Tls) -> Result<Arc<ClientConfig>> {
        // As libpq does, for the sake of those who give an authority and mean it.
        let mode = if self == Self::Require && tls.has_roots() { Self::VerifyCa } else { self };
        match mode {
            Self::VerifyFull => tls.config(),
            Self::VerifyCa => tls.config_for(Whom::Anybody),
            _ => {
                let anyone = Anyone(Arc::new(aws_lc_rs::default_provider()));
                let mut config = tls.config()?;
                Arc::make_mut(&mut config).dangerous().set_certificate_verifier(Arc::new(anyone));
                Ok(config)
            }
        }
    }
}

/// Takes any certificate: the connection cannot be read on its way, but nobody knows who is at its end.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_one_of_libpqs() {
        for (text, mode) in [
            ("disable", Mode::Disable),
            ("allow", Mode::Prefer),
            ("prefer", Mode::Prefer),
            ("require", Mode::Require),
            ("verify-ca", Mode::VerifyCa),
            ("verify-full", Mode::VerifyFull),
        ] {
            assert_eq!(Mode::parse("sslmode", text).unwrap(), mode);
        }
        assert!(Mode::parse("sslmode", "off").is_err());
    }
}

//! TLS settings of an integration, and the rustls configurations that are shared between all with the
//! same settings: building one costs a hundred kilobytes and a few milliseconds.

use std::{
    hash::{Hash, Hasher},
    sync::{Arc, OnceLock},
};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use schemars::JsonSchema;
use serde::Deserialize;
use trunkline_core::{Error, Result, Secret};

/// TLS settings. Certificates of services are always verified, but of databases whose address says otherwise.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsConfig {
    /// Certificates of a private authority, as PEM or a reference to a file of it. They replace the
    /// system's roots.
    pub(crate) ca: Option<Secret>,
    /// The client's certificate chain for mutual TLS, as PEM.
    pub(crate) client_cert: Option<Secret>,
    /// The key of the client's certificate, as PEM.
    pub(crate) client_key: Option<Secret>,
}

/// TLS settings that were read and checked.
#[derive(Clone, Default)]
pub(crate) struct Tls {
    roots: Vec<CertificateDer<'static>>,
    client: Option<Arc<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>>,
}

impl TlsConfig {
    /// Whether there is anything to it.
    pub(crate) fn is_set(&self) -> bool {
        self.ca.is_some() || self.client_cert.is_some() || self.client_key.is_some()
    }

    /// Reads the certificates and the key.
    pub(crate) fn open(&self) -> Result<Tls> {
        let roots = match &self.ca {
            Some(pem) => certificates(pem).map_err(|error| error.at("tls.ca"))?,
            None => Vec::new(),
        };
        let client = match (&self.client_cert, &self.client_key) {
            (Some(chain), Some(key)) => {
                let chain = certificates(chain).map_err(|error| error.at("tls.client_cert"))?;
                let key = PrivateKeyDer::from_pem_slice(key.expose()?.as_bytes())
                    .map_err(|_| Error::invalid("tls.client_key: is not a private key in PEM"))?;
                Some(Arc::new((chain, key)))
            }
            (None, None) => None,
            _ => return Err(Error::invalid("tls: client_cert and client_key go together")),
        };
        let tls = Tls { roots, client };
        // A key that does not fit its certificate is found now, not on the first call.
        if tls.client.is_some() {
            tls.build(RootCertStore::empty())?;
        }
        Ok(tls)
    }
}

fn certificates(pem: &Secret) -> Result<Vec<CertificateDer<'static>>> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.expose()?.as_bytes()).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(Error::invalid("is not a certificate in PEM; paste it whole, with its BEGIN and END lines")),
    }
}

impl Tls {
    /// The same without the client's certificate, for a host that it is not meant for; `None` when
    /// there is none.
    pub(crate) fn anonymous(&self) -> Option<Self> {
        self.client.is_some().then(|| Self { roots: self.roots.clone(), client: None })
    }

    /// Whether authorities are given, which replace the system's.
    pub(crate) fn has_roots(&self) -> bool {
        !self.roots.is_empty()
    }

    /// The rustls configuration: the system's roots are read here, so this may touch the disk.
    pub(crate) fn config(&self) -> Result<Arc<ClientConfig>> {
        self.build(self.roots()?).map(Arc::new)
    }

    /// The authorities that certificates are verified by.
    pub(crate) fn roots(&self) -> Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        if self.roots.is_empty() {
            roots.clone_from(system_roots());
        }
        for root in &self.roots {
            roots
                .add(root.clone())
                .map_err(|_| Error::invalid("tls.ca: holds a certificate that cannot be an authority"))?;
        }
        Ok(roots)
    }

    fn build(&self, roots: RootCertStore) -> Result<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider supports the default versions")
            .with_root_certificates(roots);
        Ok(match self.client.as_deref() {
            Some((chain, key)) => builder
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .map_err(|_| Error::invalid("tls.client_key: does not fit tls.client_cert"))?,
            None => builder.with_no_client_auth(),
        })
    }
}

/// The system's roots, read once. A machine without any can still reach private authorities.
fn system_roots() -> &'static RootCertStore {
    static ROOTS: OnceLock<RootCertStore> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots
    })
}

impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        let key =
            |tls: &Self| tls.client.as_deref().map(|(chain, key)| (chain.clone(), key.secret_der().to_vec()));
        self.roots == other.roots && key(self) == key(other)
    }
}

impl Eq for Tls {}

impl Hash for Tls {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.roots.hash(state);
        self.client.as_deref().map(|(chain, _)| chain).hash(state);
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tls {{ roots: {}, client: {} }}", self.roots.len(), self.client.is_some())
    }
}

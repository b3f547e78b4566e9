//! The message brokers of the tests: they start, greet, let in whom they should, die, and come back with what they
//! had confirmed. Nothing here knows more of a protocol than it needs for that.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail at once")]

mod amqp;
mod kafka;
mod mqtt;
mod nats;
mod redis;

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use trunkline_testkit::{
    Authority, Broker, Kafka, MockKafka, Mosquitto, Nats, Options, PASSWORD, RabbitMq, Redis,
};

trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

struct Wire(Box<dyn Stream>);

#[expect(clippy::disallowed_methods, reason = "a test's own client has no egress guard")]
async fn connect(address: &str) -> std::io::Result<TcpStream> {
    TcpStream::connect(address).await
}

impl Wire {
    async fn to(broker: &Broker) -> Self {
        Self(Box::new(connect(&broker.address()).await.unwrap()))
    }

    /// Goes on with TLS, as a client that has a certificate or has none.
    async fn secure(self, authority: &Authority, with_certificate: bool) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = if with_certificate {
            let (certificate, key) = authority.client();
            let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            config.with_client_auth_cert(vec![certificate], key).unwrap()
        } else {
            config.with_no_client_auth()
        };
        let name = ServerName::try_from("localhost").unwrap();
        Self(Box::new(TlsConnector::from(Arc::new(config)).connect(name, self.0).await.unwrap()))
    }

    /// Sends this, and reads until this is there or the connection ends.
    async fn ask(&mut self, question: impl AsRef<[u8]>, until: impl AsRef<[u8]>) -> Vec<u8> {
        let until = until.as_ref();
        let (mut read, mut some) = (Vec::new(), [0; 4096]);
        // Whom it does not know it may have left already.
        let _ = self.0.write_all(question.as_ref()).await;
        let _ = self.0.flush().await;
        while !read.windows(until.len()).any(|part| part == until) {
            match self.0.read(&mut some).await {
                Ok(length) if length > 0 => read.extend_from_slice(&some[..length]),
                _ => break,
            }
        }
        read
    }

    /// The same as text.
    async fn text(&mut self, question: &str, until: &str) -> String {
        String::from_utf8_lossy(&self.ask(question, until).await).into_owned()
    }
}

/// Those who come in by TLS: nobody in clear text, and nobody without a certificate where it is asked for.
fn secured(authority: &Authority, mutual: bool) -> Options<'_> {
    Options { password: true, tls: Some(authority), mutual, ..Options::default() }
}

fn with_password() -> Options<'static> {
    Options { password: true, ..Options::default() }
}

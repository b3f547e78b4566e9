//! HTTP proxies, and the tunnels that they make.

use http::{HeaderValue, Uri};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use trunkline_core::{Error, Kind, Outcome, Result};

use super::connector::HANDSHAKE;

/// The longest answer of a proxy that is read.
const HEAD: usize = 8 << 10;

/// An HTTP proxy.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Proxy {
    /// Its address, `http://host:port`.
    pub(crate) uri: Uri,
    /// `Proxy-Authorization`, if it wants one.
    pub(crate) authorization: Option<HeaderValue>,
}

/// Asks the proxy on `stream` for a tunnel to `host:port` (RFC 9110 section 9.3.6).
pub(super) async fn tunnel(proxy: &Proxy, mut stream: TcpStream, host: &str, port: u16) -> Result<TcpStream> {
    let failed = |kind, message: String| Error::new(kind, message).outcome_is(Outcome::NotSent).at("proxy");
    match timeout(HANDSHAKE, ask(proxy, &mut stream, host, port)).await {
        Ok(Ok(200..=299)) => Ok(stream),
        Ok(Ok(407)) => Err(failed(
            Kind::Forbidden,
            "wants a credential, or another one; set proxy.username and proxy.password".into(),
        )),
        Ok(Ok(status)) => {
            Err(failed(Kind::Unavailable, format!("answered {status} instead of a tunnel to {host}:{port}")))
        }
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::InvalidData => {
            Err(failed(Kind::Protocol, "its answer is not HTTP".into()).source(error))
        }
        Ok(Err(error)) => Err(failed(Kind::Unavailable, format!("no tunnel to {host}:{port}")).source(error)),
        Err(_) => Err(failed(Kind::Timeout, format!("no tunnel to {host}:{port} within {HANDSHAKE:?}"))),
    }
}

/// Sends `CONNECT` and reads the head of the answer, not a byte beyond it; gives its status.
async fn ask(proxy: &Proxy, stream: &mut TcpStream, host: &str, port: u16) -> std::io::Result<u16> {
    let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n").into_bytes();
    if let Some(authorization) = &proxy.authorization {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(authorization.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    stream.write_all(&request).await?;
    let bad = |what: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, what);
    let mut head = Vec::with_capacity(256);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == HEAD {
            return Err(bad("the head is too long"));
        }
        // What follows the head belongs to the tunnel.
        head.push(stream.read_u8().await?);
    }
    let text = head.strip_prefix(b"HTTP/1.").and_then(|rest| rest.get(2..5));
    let status = text.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    status.ok_or_else(|| bad("no status line"))
}

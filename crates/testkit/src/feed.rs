//! `Feed`: a WebSocket service that remembers what it hears, answers what asks for it, sends to all what it is told to,
//! and hangs up when it is told to.

use std::{net::SocketAddr, sync::Arc};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::SinkExt;
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::{broadcast, watch},
};
use tokio_rustls::TlsAcceptor;
use yawc::{Frame, OpCode, Options, Role, WebSocket, close::CloseCode};

use crate::Peer;

/// What the service is told to do on all its connections.
#[derive(Debug, Clone)]
enum Order {
    Text(String),
    Bytes(Bytes),
    Close(u16),
    HangUp,
}

/// The service. It stops when it is dropped.
#[derive(Debug)]
pub struct Feed {
    peer: Peer,
    scheme: &'static str,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    orders: broadcast::Sender<Order>,
    /// Messages that came, over all connections.
    heard: watch::Sender<Vec<String>>,
    /// Heads of the handshakes.
    heads: watch::Sender<Vec<String>>,
    open: watch::Sender<usize>,
}

impl Feed {
    /// Starts it. A JSON message whose `op` is `echo` is sent back; all others are only remembered.
    pub async fn start() -> Self {
        Self::begin(None).await
    }

    /// The same over TLS.
    pub async fn secure(tls: Arc<ServerConfig>) -> Self {
        Self::begin(Some(tls.into())).await
    }

    async fn begin(tls: Option<TlsAcceptor>) -> Self {
        let (orders, heard) = (broadcast::Sender::new(4096), watch::Sender::default());
        let (heads, open) = (watch::Sender::default(), watch::Sender::default());
        let shared = Arc::new(Shared { orders, heard, heads, open });
        let its = shared.clone();
        let scheme = if tls.is_some() { "wss" } else { "ws" };
        let peer = Peer::raw(move |stream| {
            let (shared, tls) = (its.clone(), tls.clone());
            async move {
                // A client that goes away is nothing to report.
                let _ = match tls {
                    None => shared.serve(stream).await,
                    Some(tls) => match tls.accept(stream).await {
                        Ok(stream) => shared.serve(stream).await,
                        Err(_) => None,
                    },
                };
            }
        })
        .await;
        Self { peer, scheme, shared }
    }

    /// Its host and port.
    pub fn address(&self) -> SocketAddr {
        self.peer.address()
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("{}://{}/feed", self.scheme, self.peer.address())
    }

    /// Sends a text on all connections.
    pub fn send(&self, text: impl Into<String>) {
        self.tell(Order::Text(text.into()));
    }

    /// Sends bytes on all connections.
    pub fn send_bytes(&self, bytes: impl Into<Bytes>) {
        self.tell(Order::Bytes(bytes.into()));
    }

    /// Closes all connections with this code.
    pub fn close(&self, code: u16) {
        self.tell(Order::Close(code));
    }

    /// Hangs up on all connections, without a farewell.
    pub fn hang_up(&self) {
        self.tell(Order::HangUp);
    }

    fn tell(&self, order: Order) {
        // Nobody is connected.
        let _ = self.shared.orders.send(order);
    }

    /// Connections that were ever made.
    pub fn connections(&self) -> usize {
        self.peer.connections()
    }

    /// Waits until so many connections are open.
    pub async fn open(&self, connections: usize) {
        self.shared.open.subscribe().wait_for(|open| *open == connections).await.unwrap();
    }

    /// Waits until this message has come so often.
    pub async fn hears(&self, text: &str, times: usize) {
        let came = |heard: &Vec<String>| heard.iter().filter(|heard| *heard == text).count() >= times;
        self.shared.heard.subscribe().wait_for(came).await.unwrap();
    }

    /// Messages that came.
    pub fn heard(&self) -> Vec<String> {
        self.shared.heard.borrow().clone()
    }

    /// Heads of the handshakes.
    pub fn heads(&self) -> Vec<String> {
        self.shared.heads.borrow().clone()
    }
}

impl Shared {
    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(&self, mut stream: S) -> Option<()> {
        let head = shake_hands(&mut stream, None).await.ok()?;
        let mut socket = WebSocket::from_stream(stream, Role::Server, Options::default()).ok()?;
        let mut orders = self.orders.subscribe();
        self.heads.send_modify(|heads| heads.push(head));
        self.open.send_modify(|open| *open += 1);
        let _ = self.talk(&mut socket, &mut orders).await;
        self.open.send_modify(|open| *open -= 1);
        Some(())
    }

    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        socket: &mut WebSocket<S>,
        orders: &mut broadcast::Receiver<Order>,
    ) -> Option<()> {
        loop {
            tokio::select! {
                frame = socket.next_frame() => {
                    let frame = frame.ok()?;
                    match frame.opcode() {
                        OpCode::Text => {
                            let text = frame.as_str().to_owned();
                            let json: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
                            self.heard.send_modify(|heard| heard.push(text.clone()));
                            if json["op"] == "echo" {
                                socket.send(Frame::text(text)).await.ok()?;
                            }
                        }
                        OpCode::Close => return None,
                        _ => {}
                    }
                }
                order = orders.recv() => match order.ok()? {
                    Order::Text(text) => socket.send(Frame::text(text)).await.ok()?,
                    Order::Bytes(bytes) => socket.send(Frame::binary(bytes)).await.ok()?,
                    Order::Close(code) => {
                        socket.send(Frame::close(CloseCode::from(code), "as told")).await.ok()?;
                    }
                    Order::HangUp => return None,
                },
            }
        }
    }
}

/// The server's side of the handshake (RFC 6455 section 4.2), with the subprotocol that it chooses. Gives the head of the
/// request.
///
/// # Errors
///
/// Why there is no head, or nobody to answer.
pub async fn shake_hands(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    subprotocol: Option<&str>,
) -> std::io::Result<String> {
    let chosen = subprotocol.map(|name| format!("sec-websocket-protocol: {name}\r\n"));
    shake_hands_with(stream, &chosen.unwrap_or_default()).await
}

/// The same, with these lines in the answer.
///
/// # Errors
///
/// As there.
pub async fn shake_hands_with(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    lines: &str,
) -> std::io::Result<String> {
    let head = head_of(stream).await?;
    agree(stream, &head, lines).await?;
    Ok(head)
}

/// The head of a request.
///
/// # Errors
///
/// Why there is none.
pub async fn head_of(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut head).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// Agrees to a handshake of this head, with these lines in the answer.
///
/// # Errors
///
/// Why there is nobody to answer.
pub async fn agree(stream: &mut (impl AsyncWrite + Unpin), head: &str, lines: &str) -> std::io::Result<()> {
    let key = head.lines().find_map(|line| line.strip_prefix("sec-websocket-key: ")).unwrap_or_default();
    let accept = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let accept = STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, accept.as_bytes()));
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n{lines}sec-websocket-accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await
}

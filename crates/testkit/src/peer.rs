//! `Peer`: a real HTTP server on port 0 that answers by a function and remembers what it received.

use std::{
    convert::Infallible,
    future::Future,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Uri};
use http_body_util::BodyExt;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;
use trunkline_core::Body;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Received {
    /// The method.
    pub method: Method,
    /// The request target.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// The protocol version.
    pub version: http::Version,
}

impl Received {
    /// A header as text; empty when it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A real server on a port of its own. It stops when it is dropped.
#[derive(Debug)]
pub struct Peer {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    connections: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Peer {
    /// Serves HTTP/1.1 and HTTP/2 in clear text, answering with `answer`.
    pub async fn http<F>(answer: F) -> Self
    where
        F: Fn(Received) -> Response<Body> + Send + Sync + 'static,
    {
        Self::start(answer, None).await
    }

    /// Serves HTTPS with this configuration.
    pub async fn https<F>(answer: F, tls: Arc<rustls::ServerConfig>) -> Self
    where
        F: Fn(Received) -> Response<Body> + Send + Sync + 'static,
    {
        Self::start(answer, Some(tls.into())).await
    }

    async fn start<F>(answer: F, tls: Option<TlsAcceptor>) -> Self
    where
        F: Fn(Received) -> Response<Body> + Send + Sync + 'static,
    {
        let received = Arc::new(Mutex::new(Vec::new()));
        let (answer, seen) = (Arc::new(answer), received.clone());
        let mut peer = Self::raw(move |stream| {
            let (answer, seen, tls) = (answer.clone(), seen.clone(), tls.clone());
            async move {
                match tls {
                    None => serve(stream, answer, seen).await,
                    Some(tls) => match tls.accept(stream).into_fallible().await {
                        Ok(stream) => serve(stream, answer, seen).await,
                        Err((_, stream)) => linger(stream).await,
                    },
                }
            }
        })
        .await;
        peer.received = received;
        peer
    }

    /// Serves HTTP/1.1 and HTTP/2 in clear text with `answer`, which gets each request while its body is
    /// still on the way: for peers that take their time. What they receive is not remembered.
    pub async fn live<F, R>(answer: F) -> Self
    where
        F: Fn(Request<Incoming>) -> R + Send + Sync + 'static,
        R: Future<Output = Response<Body>> + Send + 'static,
    {
        let answer = Arc::new(answer);
        Self::raw(move |stream| {
            let answer = answer.clone();
            async move {
                let service = service_fn(move |request| {
                    let answered = answer(request);
                    async { Ok::<_, Infallible>(answered.await) }
                });
                let _ = auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            }
        })
        .await
    }

    /// Hands each connection to `handle`: for peers that break the protocol.
    pub async fn raw<F, R>(handle: F) -> Self
    where
        F: Fn(TcpStream) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let (count, mut tasks) = (accepted.clone(), JoinSet::new());
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                connections.spawn(handle(stream));
            }
        });
        Self { address, received: Arc::default(), connections: accepted, _tasks: tasks }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its origin, `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections it has accepted.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// What it received so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

/// Ends a connection so that the other side hears why: closed with something unread in it, it would be reset, which
/// overtakes what was said.
async fn linger(mut stream: TcpStream) {
    let _ = stream.shutdown().await;
    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
}

async fn serve<S, F>(stream: S, answer: Arc<F>, seen: Arc<Mutex<Vec<Received>>>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Fn(Received) -> Response<Body> + Send + Sync + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let (answer, seen) = (answer.clone(), seen.clone());
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            let received = Received {
                method: head.method,
                uri: head.uri,
                headers: head.headers,
                body,
                version: head.version,
            };
            seen.lock().unwrap().push(received.clone());
            Ok::<_, Infallible>(answer(received))
        }
    });
    // A client that goes away in the middle is what many tests are about.
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection_with_upgrades(TokioIo::new(stream), service)
        .await;
}

//! A client that adds nothing, follows nothing and hides nothing: one connection a request.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Server, within};

/// An answer that was read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) async fn of(response: Response<Incoming>) -> Self {
        let (head, body) = response.into_parts();
        let body = within("the body", body.collect()).await.unwrap().to_bytes();
        Self { status: head.status, headers: head.headers, body }
    }

    /// A header as text; empty when it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The answer, which must be this one.
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self
    }

    /// The answer, which must be a problem of this status and kind that says so in all three places.
    pub(crate) fn problem(self, status: u16, kind: &str) -> Value {
        let problem = self.is(status);
        assert_eq!(problem.header("content-type"), "application/problem+json", "{problem:?}");
        assert_eq!(problem.header("trunkline-error"), kind, "{problem:?}");
        let json = problem.json();
        assert_eq!((&json["status"], &json["kind"]), (&status.into(), &kind.into()));
        assert!(json["type"].is_string() && json["title"].is_string() && json["detail"].is_string());
        json
    }
}

#[expect(clippy::disallowed_methods, reason = "a test's own client has no egress guard")]
pub(crate) async fn connect(address: SocketAddr) -> TcpStream {
    within("a connection", TcpStream::connect(address)).await.unwrap()
}

/// Writes bytes and reads what comes back until the other side closes.
pub(crate) async fn exchange(address: SocketAddr, bytes: impl AsRef<[u8]>) -> String {
    let mut stream = connect(address).await;
    // The server may refuse and close before it has read everything.
    let _ = stream.write_all(bytes.as_ref()).await;
    let mut answer = Vec::new();
    let _ = within("the end of the connection", stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

impl Server {
    /// Sends a request and gives the head of the answer, its body still on the way. Dropping the answer
    /// closes the connection.
    ///
    /// An answer that agrees to an upgrade leads to its connection.
    pub(crate) async fn open<B>(&self, mut request: Request<B>) -> Response<Incoming>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let host = self.address.to_string().parse().unwrap();
        request.headers_mut().entry(header::HOST).or_insert(host);
        if let Some(token) = self.token.filter(|_| !request.headers().contains_key("trunkline-token")) {
            request.headers_mut().insert("trunkline-token", token.parse().unwrap());
        }
        let stream = TokioIo::new(connect(self.address).await);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        tokio::spawn(connection.with_upgrades());
        within("an answer", sender.send_request(request)).await.unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        Answer::of(self.open(request).await).await
    }

    /// A request with headers, and a body that may be empty.
    pub(crate) async fn with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Full::new(body.into())).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.with("GET", path, &[], "").await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.with("DELETE", path, &[], "").await
    }

    pub(crate) async fn json(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.with(method, path, &[("content-type", "application/json")], body.to_string()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.json("POST", path, body).await
    }

    pub(crate) async fn register(&self, config: &Value) -> Answer {
        self.post("/api/v1/integrations/register", config).await
    }

    /// Registers an integration that must be accepted.
    pub(crate) async fn has(&self, config: &Value) {
        self.register(config).await.is(201);
    }

    /// `POST …/call`
    pub(crate) async fn call(&self, id: &str, request: &Value) -> Answer {
        self.post(&format!("/api/v1/integrations/{id}/call"), request).await
    }

    /// `POST …/test`
    pub(crate) async fn test(&self, id: &str, request: &Value) -> Value {
        self.post(&format!("/api/v1/integrations/{id}/test"), request).await.is(200).json()
    }
}

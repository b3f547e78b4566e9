//! What every test here needs: a context, an opened transport, a call, and a peer's side of HTTP/1.1.

use std::sync::Arc;

use serde_json::{Value, json, value::to_raw_value};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use trunkline_core::{
    Call, Context, Credential, Egress, Error, Form, HttpRequest, IntegrationId, Operation, Profile, Reply,
    Result, Secret, Transport, parse,
};
use trunkline_testkit::Peer;
use trunkline_transports::Rest;

/// A context that lets HTTP reach loopback.
pub(crate) fn lab() -> Context {
    Context::new(Arc::new(Egress::new(Profile::Lab, &[]).unwrap()))
}

pub(crate) fn open(context: &Context, config: Value) -> Result<Rest> {
    Rest::open(parse::value(config, "")?, context)
}

/// An integration of its own context, with `more` keys beside the base URL.
pub(crate) struct Service {
    pub(crate) context: Context,
    pub(crate) rest: Rest,
}

impl Service {
    pub(crate) fn new(base_url: &str, more: Value) -> Self {
        Self::within(lab(), base_url, more)
    }

    pub(crate) fn within(context: Context, base_url: &str, more: Value) -> Self {
        let mut config = json!({"base_url": base_url});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let rest = open(&context, config).unwrap();
        Self { context, rest }
    }

    pub(crate) fn of(peer: &Peer) -> Self {
        Self::new(&peer.url(), json!({}))
    }

    pub(crate) async fn call(&self, request: impl Into<Operation>) -> Result<Reply> {
        self.call_as(request, None).await
    }

    /// A call as a caller of the API writes it.
    pub(crate) async fn json(&self, request: Value) -> Result<Reply> {
        self.call(self.rest.parse(&to_raw_value(&request).unwrap())?).await
    }

    pub(crate) async fn get(&self, endpoint: &str) -> Result<Reply> {
        self.call(HttpRequest::get(endpoint)).await
    }

    /// The error of a call, whether it fails with its head or while its body is read.
    pub(crate) async fn fails(&self, request: HttpRequest) -> Error {
        match self.call(request).await {
            Ok(reply) => reply.bytes().await.expect_err("the call should fail"),
            Err(error) => error,
        }
    }

    pub(crate) async fn call_as(&self, request: impl Into<Operation>, form: Option<Form>) -> Result<Reply> {
        self.call_with(request, form.map(Credential::new)).await
    }

    pub(crate) async fn call_with(
        &self,
        request: impl Into<Operation>,
        credential: Option<Credential>,
    ) -> Result<Reply> {
        let mut call = Call::new(IntegrationId::new("a").unwrap(), request);
        call.credential = credential.map(Arc::new);
        self.rest.call(&self.context, &mut call).await
    }
}

pub(crate) fn bearer(token: &str) -> Option<Form> {
    Some(Form::Bearer(Secret::new(token)))
}

/// The port of a listener that is gone.
pub(crate) fn closed_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Reads up to the end of the head of a request.
pub(crate) async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

/// A peer that reads the head of each request and writes these bytes, then closes.
pub(crate) async fn writes(bytes: &'static [u8]) -> Peer {
    Peer::raw(move |mut stream| async move {
        if !head(&mut stream).await.is_empty() {
            let _ = stream.write_all(bytes).await;
            let _ = stream.shutdown().await;
            // Until the other side hangs up too, lest unread bytes turn the end into a reset.
            let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
        }
    })
    .await
}

//! What the benchmarks call: a peer, the library, and the HTTP client that the library is built on.
#![allow(unreachable_pub, reason = "a module of two programs")]

use std::{net::SocketAddr, thread};

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Empty};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::json;
use tokio::runtime::Runtime;
use trunkline::{Body, Egress, HttpRequest, IntegrationConfig, Manager, Profile};
use trunkline_testkit::Peer;

/// What the peer answers with.
pub static BODY: [u8; 1024] = [b'7'; 1024];

pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

pub fn config(json: serde_json::Value) -> IntegrationConfig {
    IntegrationConfig::from_json(json).unwrap()
}

/// A peer on a thread and a runtime of its own, where its costs are not counted.
pub fn peer() -> SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    thread::spawn(move || {
        runtime().block_on(async {
            let peer = Peer::http(move |_| {
                let response = Response::builder().header(header::CONTENT_TYPE, "application/json");
                response.body(Body::from(Bytes::from_static(&BODY))).unwrap()
            })
            .await;
            tell.send(peer.address()).unwrap();
            std::future::pending::<()>().await;
        });
    });
    told.recv().unwrap()
}

/// The client, sending what the library sends.
pub struct Bare {
    client: Client<HttpConnector, Empty<Bytes>>,
    uri: String,
}

impl Bare {
    pub fn new(address: SocketAddr) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { client, uri: format!("http://{address}/orders?page=1") }
    }

    pub async fn get(&self) {
        let request = Request::get(&self.uri)
            .header(header::ACCEPT_ENCODING, "gzip, br, zstd")
            .header(header::USER_AGENT, "bare")
            .header(header::AUTHORIZATION, "Bearer t")
            .body(Empty::new());
        let response = self.client.request(request.unwrap()).await.unwrap();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes().len(), BODY.len());
    }
}

/// A manager with the integration `peer`.
pub fn library(runtime: &Runtime, address: SocketAddr) -> Manager {
    let egress = Egress::new(Profile::Lab, &[]).unwrap();
    let manager = runtime.block_on(Manager::builder().egress(egress).build()).unwrap();
    let peer = config(json!({
        "integration_id": "peer", "type": "rest", "base_url": format!("http://{address}"),
        "auth_type": "bearer", "auth_config": { "token": "t" },
    }));
    runtime.block_on(manager.register(peer)).unwrap();
    manager
}

/// The same request through the library.
pub async fn get(manager: &Manager) {
    let reply = manager.call("peer", HttpRequest::get("/orders").param("page", 1)).await.unwrap();
    assert_eq!(reply.bytes().await.unwrap().len(), BODY.len());
}

/// An integration as people have many of.
pub fn usual(n: usize) -> IntegrationConfig {
    config(json!({
        "integration_id": format!("integration-{n}"), "name": format!("Integration {n}"), "type": "rest",
        "base_url": format!("https://api-{n}.example.com/v1"), "timeout": 30,
        "auth_type": "api_key", "auth_config": { "header": "X-API-Key", "key": format!("key-{n:032}") },
        "headers": { "accept": "application/json" },
    }))
}

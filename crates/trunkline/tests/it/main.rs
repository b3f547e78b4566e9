//! The library as programs use it: real peers, real stores, and scripts only for what no peer can do.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod activity;
mod bridge;
mod clients;
mod concurrency;
mod connections;
mod connectors;
mod copied;
mod databases;
mod flaky;
mod flow;
mod grants;
mod graphql;
mod health;
mod hooks;
mod layers;
mod own_transport;
mod queries;
mod queues;
mod registry;
mod restart;
mod schemes;
mod seed;
mod shapes;
mod shared;
mod signals;
mod sources;
mod trouble;

use std::{sync::Arc, time::Duration};

use http::{Response, StatusCode};
use serde_json::{Value, json};
use trunkline::{Body, Egress, Error, IntegrationConfig, Kind, Manager, Profile};
use trunkline_testkit::Peer;

/// A manager that may dial loopback.
fn lab() -> trunkline::Builder {
    Manager::builder().egress(Egress::new(Profile::Lab, &[]).unwrap())
}

fn config(json: Value) -> IntegrationConfig {
    IntegrationConfig::from_json(json).unwrap()
}

/// A REST integration without credentials.
fn rest(id: &str, base_url: &str) -> IntegrationConfig {
    config(json!({ "integration_id": id, "type": "rest", "base_url": base_url }))
}

/// The ids that a manager lists.
fn ids(manager: &Manager) -> Vec<String> {
    manager.list().iter().map(|handle| handle.id().to_string()).collect()
}

fn kind<T: std::fmt::Debug>(result: Result<T, Error>) -> Kind {
    result.unwrap_err().kind()
}

fn answer(status: StatusCode, body: impl Into<Body>) -> Response<Body> {
    Response::builder().status(status).body(body.into()).unwrap()
}

/// Waits for something that has to come, looking again and again.
async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let seen = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), seen)
        .await
        .unwrap_or_else(|_| panic!("waited in vain: {what}"));
}

/// A peer that answers `ok` to everything.
async fn agreeable() -> Peer {
    Peer::http(|_| answer(StatusCode::OK, "ok")).await
}

/// A URL on which nobody listens.
fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// A peer that takes connections and never says a word; it counts them.
async fn silent(count: Arc<std::sync::atomic::AtomicUsize>) -> Peer {
    Peer::raw(move |stream| {
        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        async move {
            std::future::pending::<()>().await;
            drop(stream);
        }
    })
    .await
}

//! A disk that is full or takes no more writes: changes are refused, calls go on, and it passes.
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::path::PathBuf;

use http::Response;
use rustix::{
    mount::{MountFlags, UnmountFlags, mount, unmount},
    process::{Pid, Resource, Rlimit, prlimit},
};
use serde_json::{Value, json};
use trunkline::Body;
use trunkline_testkit::Peer;

use crate::harness::Server;

async fn service() -> Peer {
    Peer::http(|_| Response::new(Body::from("answered"))).await
}

/// An integration that weighs something: a log that is used again has room for a small one.
fn integration(peer: &Peer, id: &str) -> Value {
    json!({"integration_id": id, "type": "rest", "base_url": peer.url(), "metadata": {"x": "x".repeat(400_000)}})
}

/// Every change is refused for the store, and everything else goes on.
async fn takes_no_changes(server: &Server, peer: &Peer) {
    for round in 0..3 {
        server.register(&integration(peer, "new")).await.problem(503, "store_unavailable");
        let patch = json!({"metadata": {"x": "y".repeat(400_000)}});
        server.json("PATCH", "/api/v1/integrations/held", &patch).await.problem(503, "store_unavailable");

        assert_eq!(server.call("held", &json!({})).await.is(200).text(), "answered", "round {round}");
        server.get("/api/v1/integrations/held/proxy/x").await.is(200);
        server.get("/readyz").await.is(200);
        let list = server.get("/api/v1/integrations/list").await.is(200).json();
        assert_eq!(list.as_array().unwrap().len(), 1, "what was refused is not shown");
        let held = server.get("/api/v1/integrations/held").await.is(200).json();
        assert!(held["metadata"]["x"].as_str().unwrap().starts_with('x'), "nor a change that was");
    }
}

/// Changes are taken again, and what was taken is there after a start.
async fn has_recovered(server: Server, peer: &Peer) -> Server {
    server.has(&integration(peer, "new")).await;
    server.json("PATCH", "/api/v1/integrations/held", &json!({"name": "changed"})).await.is(200);
    let server = server.stop().await.again().allow(peer).start().await;
    assert_eq!(server.get("/api/v1/integrations/held").await.is(200).json()["name"], "changed");
    server.call("new", &json!({})).await.is(200);
    server
}

/// A file system of its own, as small as a test needs.
struct Small(PathBuf);

impl Small {
    fn mount(at: PathBuf) -> Option<Self> {
        std::fs::create_dir(&at).unwrap();
        match mount("tmpfs", &at, "tmpfs", MountFlags::empty(), Some(c"size=4m,mode=700")) {
            Ok(()) => Some(Self(at)),
            Err(error) => {
                eprintln!("skipped: mounting is not allowed here: {error}");
                None
            }
        }
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = unmount(&self.0, UnmountFlags::DETACH);
    }
}

#[tokio::test]
async fn a_full_disk_refuses_changes_and_is_recovered_from_without_a_restart() {
    let peer = service().await;
    let begin = Server::begin().allow(&peer);
    let Some(small) = Small::mount(begin.data()) else { return };
    let server = begin.start().await;
    server.has(&integration(&peer, "held")).await;

    let filler = small.0.join("filler");
    std::fs::write(&filler, vec![0; 16 << 20]).unwrap_err();
    takes_no_changes(&server, &peer).await;
    std::fs::remove_file(filler).unwrap();
    drop(has_recovered(server, &peer).await);
}

#[tokio::test]
async fn a_disk_that_takes_no_writes_refuses_changes_and_is_recovered_from_without_a_restart() {
    let peer = service().await;
    let server = Server::beside(&peer).await;
    server.has(&integration(&peer, "held")).await;

    let pid = Pid::from_raw(server.pid().cast_signed());
    let limit = |current| prlimit(pid, Resource::Fsize, Rlimit { current, maximum: None }).unwrap();
    limit(Some(0)); // every write fails
    takes_no_changes(&server, &peer).await;
    limit(None);
    drop(has_recovered(server, &peer).await);
}

#[tokio::test]
async fn a_call_with_a_key_that_cannot_be_written_down_is_not_sent() {
    let peer = service().await;
    let server = Server::beside(&peer).await;
    server.has(&integration(&peer, "held")).await;
    let call = async || {
        let headers = [("content-type", "application/json"), ("idempotency-key", "k")];
        server.with("POST", "/api/v1/integrations/held/call", &headers, "{}").await
    };

    let pid = Pid::from_raw(server.pid().cast_signed());
    let limit = |current| prlimit(pid, Resource::Fsize, Rlimit { current, maximum: None }).unwrap();
    limit(Some(0)); // every write fails
    let problem = call().await.problem(503, "store_unavailable");
    assert_eq!((&problem["outcome"], peer.received().len()), (&json!("not_sent"), 0));
    limit(None);
    assert_eq!(call().await.is(200).text(), "answered");
}

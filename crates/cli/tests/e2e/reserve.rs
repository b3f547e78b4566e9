//! A server whose connections are all taken: whoever looks after it is let in, and calls are refused.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use http::Response;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};
use trunkline::Body;
use trunkline_testkit::Peer;

use crate::harness::{Server, connect, until, within};

/// Takes so many connections and keeps them, idle, as clients do.
async fn occupy(server: &Server, connections: usize) -> Vec<TcpStream> {
    let mut held = Vec::new();
    while held.len() < connections {
        let mut stream = connect(server.address).await;
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(within("an answer", stream.read_u8()).await.unwrap());
        }
        // One of the reserve is closed: somebody else has not quite gone yet.
        if !String::from_utf8(head).unwrap().contains("connection: close") {
            held.push(stream);
        }
    }
    held
}

#[tokio::test]
async fn beyond_the_limit_of_connections_operators_are_let_in_and_calls_are_not() {
    let peer = Peer::http(|_| Response::new(Body::from("ok"))).await;
    let begin = Server::begin().allow(&peer);
    let file = begin.file("t.yaml", "server: { connections: 4, workers: 1 }\n");
    let server = begin.arg("--config").arg(file.display().to_string()).start().await;
    let integration = |id: &str| json!({"integration_id": id, "type": "rest", "base_url": peer.url()});
    server.has(&integration("a")).await;
    let callers = occupy(&server, 4).await;

    for path in ["/healthz", "/readyz", "/metrics", "/api/v1/integrations/list"] {
        assert_eq!(server.get(path).await.is(200).header("connection"), "close", "{path}");
    }
    server.has(&integration("b")).await;
    for refused in [server.call("a", &json!({})).await, server.get("/api/v1/integrations/a/proxy/x").await] {
        assert!((1..=2).contains(&refused.header("retry-after").parse::<u64>().unwrap()), "{refused:?}");
        assert_eq!(refused.header("connection"), "close");
        assert_eq!(refused.problem(503, "overloaded")["outcome"], "not_sent");
    }
    assert!(peer.received().is_empty());

    // With the reserve full too, whoever comes waits.
    let mut more = Vec::new();
    for _ in 0..16 {
        more.push(connect(server.address).await);
    }
    let mut late = connect(server.address).await;
    late.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    drop((callers, more));
    let mut answer = String::new();
    within("its turn", late.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    until("an ordinary place", async || {
        Some(server.call("a", &json!({})).await).filter(|answer| answer.status == 200)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_gets_in_while_callers_storm_a_server_without_free_connections() {
    let peer = Peer::http(|_| Response::new(Body::from("ok"))).await;
    let begin = Server::begin().allow(&peer);
    let file = begin.file("t.yaml", "server: { connections: 4 }\n");
    let server = Arc::new(begin.arg("--config").arg(file.display().to_string()).start().await);
    let integration = |id: &str| json!({"integration_id": id, "type": "rest", "base_url": peer.url()});
    server.has(&integration("a")).await;
    let _held = occupy(&server, 4).await;
    let (mut storm, refused) = (JoinSet::new(), Arc::new(AtomicUsize::new(0)));
    for _ in 0..64 {
        let (server, refused) = (server.clone(), refused.clone());
        storm.spawn(async move {
            loop {
                server.call("a", &json!({})).await.problem(503, "overloaded");
                refused.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    let mut rounds = 0;
    while refused.load(Ordering::SeqCst) < 500 {
        server.get("/api/v1/integrations/list").await.is(200);
        server.has(&integration(&format!("b{rounds}"))).await;
        rounds += 1;
        if let Some(ended) = storm.try_join_next() {
            ended.unwrap();
        }
    }
    assert!(rounds > 0 && peer.received().is_empty());
}

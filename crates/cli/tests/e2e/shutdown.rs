//! Told to stop, the server finishes what it has begun, and takes nothing new.

use std::sync::Arc;

use http::{Request, Response};
use http_body_util::Full;
use rustix::process::Signal;
use serde_json::json;
use tokio::{sync::Semaphore, task::JoinSet};
use trunkline::Body;
use trunkline_testkit::Peer;

use crate::harness::{Answer, Server, exchange, until, within};

const FLIGHTS: usize = 200;

/// A service that answers when the gate opens, and counts who waits.
async fn slow(gate: Arc<Semaphore>, waiting: Arc<Semaphore>) -> Peer {
    Peer::live(move |_| {
        let (gate, waiting) = (gate.clone(), waiting.clone());
        async move {
            waiting.add_permits(1);
            let _ = gate.acquire().await;
            Response::new(Body::from("answered"))
        }
    })
    .await
}

fn gates() -> (Arc<Semaphore>, Arc<Semaphore>) {
    (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)))
}

#[tokio::test]
async fn a_signal_to_stop_cuts_no_request_that_is_under_way() {
    let (gate, waiting) = gates();
    let peer = slow(gate.clone(), waiting.clone()).await;
    let mut server = Server::beside(&peer).await;
    let room = json!({"max": FLIGHTS});
    server
        .has(&json!({"integration_id": "a", "type": "rest", "base_url": peer.url(), "concurrency": room}))
        .await;
    let mut flights = JoinSet::new();
    for n in 0..FLIGHTS {
        let address = server.address;
        flights.spawn(async move {
            // Each wants something else: of those that want the same, one would go on.
            let request = if n % 2 == 0 {
                format!("GET /api/v1/integrations/a/proxy/{n} HTTP/1.1\r\nhost: localhost\r\n\r\n")
            } else {
                let body = json!({"endpoint": format!("/{n}")}).to_string();
                let length = body.len();
                format!(
                    "POST /api/v1/integrations/a/call HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
                )
            };
            exchange(address, request).await
        });
    }
    let all = u32::try_from(FLIGHTS).unwrap();
    within("all requests to arrive", waiting.acquire_many(all)).await.unwrap().forget();
    server.signal(Signal::TERM);
    until("it to stop listening", || async {
        #[expect(clippy::disallowed_methods, reason = "a test's own client has no egress guard")]
        tokio::net::TcpStream::connect(server.address).await.is_err().then_some(())
    })
    .await;
    gate.close();
    while let Some(answer) = flights.join_next().await {
        let answer = answer.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("answered"), "{answer}");
    }
    assert_eq!(server.ended().await, Some(0), "{}", server.log());
}

#[tokio::test]
async fn while_it_drains_it_is_not_ready_and_still_takes_requests_for_as_long_as_it_was_told() {
    let (gate, waiting) = gates();
    let peer = slow(gate.clone(), waiting).await;
    let begin = Server::begin().allow(&peer);
    let file = begin.file("t.yaml", "server: { drain_delay: 500ms }\n");
    let mut server = begin.arg("--config").arg(file.display().to_string()).start().await;
    server.get("/readyz").await.is(200);
    server.signal(Signal::TERM);
    let answer = until("it to be no longer ready", || async {
        let answer = server.get("/readyz").await;
        (answer.status != 200).then_some(answer)
    })
    .await;
    answer.problem(503, "shutting_down");
    server.get("/healthz").await.is(200);
    assert_eq!(server.ended().await, Some(0));
}

#[tokio::test]
async fn what_does_not_end_in_time_is_cut_and_the_process_ends() {
    let (_gate, waiting) = gates();
    let peer = slow(Arc::new(Semaphore::new(0)), waiting.clone()).await;
    let begin = Server::begin().allow(&peer);
    let file = begin.file("t.yaml", "server: { drain: 200ms }\n");
    let mut server = begin.arg("--config").arg(file.display().to_string()).start().await;
    server.has(&json!({"integration_id": "a", "type": "rest", "base_url": peer.url()})).await;
    let address = server.address;
    let flight = tokio::spawn(exchange(
        address,
        "GET /api/v1/integrations/a/proxy/x HTTP/1.1\r\nhost: localhost\r\n\r\n",
    ));
    within("the request to arrive", waiting.acquire()).await.unwrap().forget();
    server.signal(Signal::TERM);
    assert_eq!(server.ended().await, Some(0));
    assert!(!flight.await.unwrap().contains("200 OK"));
    assert!(server.log().contains("were cut"), "{}", server.log());
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    for signal in [Signal::TERM, Signal::INT] {
        let (_gate, waiting) = gates();
        let peer = slow(Arc::new(Semaphore::new(0)), waiting.clone()).await;
        let mut server = Server::beside(&peer).await;
        server.has(&json!({"integration_id": "a", "type": "rest", "base_url": peer.url()})).await;
        let request =
            Request::get("/api/v1/integrations/a/proxy/x").body(Full::<bytes::Bytes>::default()).unwrap();
        let ends = async {
            within("the request to arrive", waiting.acquire()).await.unwrap().forget();
            server.signal(signal);
            until("it to stop listening", || async {
                #[expect(clippy::disallowed_methods, reason = "a test's own client has no egress guard")]
                tokio::net::TcpStream::connect(server.address).await.is_err().then_some(())
            })
            .await;
            let told = tokio::time::Instant::now();
            server.signal(signal);
            told
        };
        let stream =
            exchange(server.address, format!("GET {} HTTP/1.1\r\nhost: localhost\r\n\r\n", request.uri()));
        let (told, answer) = tokio::join!(ends, stream);
        assert_eq!(server.ended().await, Some(130));
        assert!(told.elapsed().as_secs() < 1 && answer.is_empty(), "{answer}");
    }
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_the_end_up() {
    let mut server = Server::begin().start().await;
    let request = Request::get("/healthz").body(Full::<bytes::Bytes>::default()).unwrap();
    let kept = server.open(request).await;
    let _silent = crate::harness::connect(server.address).await;
    server.signal(Signal::TERM);
    let told = tokio::time::Instant::now();
    assert_eq!(server.ended().await, Some(0));
    assert!(told.elapsed().as_secs() < 5, "{:?}", told.elapsed());
    Answer::of(kept).await.is(200);
}

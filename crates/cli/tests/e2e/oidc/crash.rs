//! Killed at any moment of a rotation, the server comes back and works, or says that a person is needed and why. Told
//! to stop, it waits for what the exchange brings.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use trunkline_testkit::OidcProvider;

use super::{
    config,
    grants::{given, granted, knows_provider},
};
use crate::{
    crash::ask,
    harness::{Server, connect, until},
};

/// How often it is killed.
const KILLS: usize = 100;

#[tokio::test]
async fn killed_in_the_middle_of_rotations_it_works_or_says_who_is_needed_and_never_loops() {
    // Tokens that say that they live for a second are replaced with nearly every start.
    let provider = OidcProvider::start(1);
    let mut server = Server::begin().allow_at(provider.address()).start().await;
    knows_provider(&server, &provider.url("")).await;
    server.has(&config(&provider, "a", granted(&server).await)).await;
    let (mut random, mut lost): (u64, usize) = (0x9e37_79b9_7f4a_7c15, 0);
    for round in 0..KILLS {
        let address = server.address;
        let call = "GET /api/v1/integrations/a/proxy/resource HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        let call = tokio::spawn(ask(address, call.to_owned()));
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        // The point of the test is the moment, not that anything has happened by then.
        tokio::time::sleep(Duration::from_micros((random >> 33) % 25_000)).await;
        server.signal(Signal::KILL);
        server.ended().await;
        call.await.unwrap();
        server = server.again().allow_at(provider.address()).start().await;
        let before = given(&server, "asked").await["asked"].as_u64().unwrap();
        let mut ended = false;
        for _ in 0..10 {
            let answer = server.call("a", &json!({ "endpoint": "/resource" })).await;
            if answer.status != 200 {
                let problem = answer.problem(502, "needs_reauth");
                assert!(
                    problem["detail"].as_str().unwrap().contains("interrupted"),
                    "round {round}: {problem}"
                );
                ended = true;
            } else {
                assert!(!ended, "round {round}: it came back by itself");
            }
        }
        let asked = given(&server, "asked").await["asked"].as_u64().unwrap() - before;
        // Where a person is needed nobody asks on; where it works, a slow call may find the last one's token old.
        let most = if ended { 3 } else { 10 };
        assert!(asked <= most, "round {round}: asked {asked} times");
        if ended {
            lost += 1;
            let body = config(&provider, "a", granted(&server).await);
            server.json("PUT", "/api/v1/integrations/a", &body).await.is(200);
            server.get("/api/v1/integrations/a/proxy/resource").await.is(200);
        }
    }
    assert!(lost < KILLS / 2, "{lost} of {KILLS} kills lost the grant");
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_waits_for_the_exchange_though_the_caller_has_gone() {
    let provider = OidcProvider::start(3600);
    let server = Server::begin().allow_at(provider.address()).start().await;
    knows_provider(&server, &provider.url("")).await;
    server.has(&config(&provider, "a", granted(&server).await)).await;
    server.post("/api/v1/integrations/provider/proxy/fault?slow", &json!({})).await.is(200);
    let mut caller = connect(server.address).await;
    let head = "GET /api/v1/integrations/a/proxy/resource HTTP/1.1\r\nhost: localhost\r\n\r\n";
    caller.write_all(head.as_bytes()).await.unwrap();
    until("the exchange to begin", || async { (given(&server, "asked").await["asked"] == 1).then_some(()) })
        .await;
    drop(caller);
    let server = server.stop().await.again().allow_at(provider.address()).start().await;
    server.get("/api/v1/integrations/a/proxy/resource").await.is(200);
    assert_eq!(given(&server, "asked").await["asked"], 1, "what the exchange brought was not lost");
}

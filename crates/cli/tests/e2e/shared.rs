//! Two servers on one Redis: they share the limits of their integrations, and go on without it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::Response;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::Instant,
};
use trunkline::Body;
use trunkline_testkit::{Peer, Redis};

use crate::{
    harness::{Server, until},
    secrets::spellings,
};

const PASSWORD: &str = "redis-password-canary";

async fn rate_limit(server: &Server) -> Value {
    server.get("/api/v1/integrations/a").await.is(200).json()["state"]["rate_limit"].clone()
}

async fn counted(servers: [&Server; 2], counted: &str, up: u32) {
    for server in servers {
        until(counted, || async { (rate_limit(server).await["counted"] == counted).then_some(()) }).await;
        let metrics = server.get("/metrics").await;
        assert!(metrics.text().contains(&format!("trunkline_shared_limits_up {up}")), "{metrics:?}");
    }
}

#[tokio::test]
async fn two_servers_share_a_limit_and_have_each_a_half_of_it_while_redis_is_down() {
    let Some(mut redis) = Redis::start_with(&["--requirepass", PASSWORD]).await else { return };
    let peer = Peer::http(|_| Response::new(Body::from("ok"))).await;
    // One is told in its file, the other in its environment.
    let begin = Server::begin().allow(&peer);
    begin.file("password", &format!("{PASSWORD}\n"));
    let url = |password: &str| format!("redis://:{password}@127.0.0.1:{}/0", redis.port());
    let text = format!("server:\n  redis: '{}'\n  without_redis: local_share\n", url("${file:password}"));
    let file = begin.file("t.yaml", &text);
    let one = begin.arg("--config").arg(file.display().to_string()).start().await;
    let two = Server::begin().allow(&peer).env("TRUNKLINE_REDIS", url(PASSWORD)).start().await;
    let limit = json!({ "requests": 6, "per": "1h", "max_queue": 0 });
    for server in [&one, &two] {
        let a = json!({ "integration_id": "a", "type": "rest", "base_url": peer.url(), "rate_limit": limit });
        server.has(&a).await;
        let all = || async { (rate_limit(server).await["servers"] == 2).then_some(()) };
        until("both to know of each other", all).await;
    }
    counted([&one, &two], "shared", 1).await;
    for server in [&one, &two, &one, &one, &two, &one] {
        server.call("a", &json!({})).await.is(200);
    }
    for server in [&one, &two] {
        server.call("a", &json!({})).await.problem(429, "throttled");
    }
    assert_eq!(peer.received().len(), 6);

    let began = Instant::now();
    redis.kill().await;
    counted([&one, &two], "local_share", 0).await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    // What was taken is known still.
    one.call("a", &json!({})).await.problem(429, "throttled");
    assert!(redis.again().await);
    counted([&one, &two], "shared", 1).await;
    for server in [&one, &two] {
        server.call("a", &json!({})).await.problem(429, "throttled");
        let log = server.log();
        assert_eq!(log.matches("Redis is out of reach").count(), 1, "{log}");
        assert!(!log.contains(PASSWORD), "{log}");
    }
    assert_eq!(peer.received().len(), 6);
}

#[tokio::test]
async fn a_server_starts_without_its_redis_and_refuses_an_address_that_is_none() {
    let peer = Peer::http(|_| Response::new(Body::from("ok"))).await;
    let begin = Server::begin().allow(&peer).env("TRUNKLINE_REDIS", "redis://127.0.0.1:1/0");
    let file = begin.file("t.yaml", "server: { without_redis: closed }\n");
    let server = begin.arg("--config").arg(file.display().to_string()).start().await;
    for (id, limit) in [("a", json!({ "requests": 6 })), ("free", json!([]))] {
        let config =
            json!({ "integration_id": id, "type": "rest", "base_url": peer.url(), "rate_limit": limit });
        server.has(&config).await;
    }
    let problem = server.call("a", &json!({})).await.problem(429, "throttled");
    assert!(problem["detail"].as_str().unwrap().contains("server.without_redis"), "{problem}");
    server.call("free", &json!({})).await.is(200);

    let refused = Server::begin().env("TRUNKLINE_REDIS", "http://:hunter2@h").refused().await;
    let said = format!("{refused:?}");
    assert!(said.contains("server.redis: ") && !said.contains("hunter2"), "{said}");
}

#[tokio::test]
async fn a_password_of_odd_characters_in_an_address_is_understood_and_never_printed() {
    let password = "p@ss:/%40word";
    let encoded = "p%40ss%3A%2F%2540word";
    // Somebody who wants to hear the password and then breaks off.
    let told = Arc::new(AtomicBool::new(false));
    let hears = told.clone();
    let redis = Peer::raw(move |mut stream: tokio::net::TcpStream| {
        let hears = hears.clone();
        async move {
            let mut heard = vec![0; 4096];
            let mut length = 0;
            while let Ok(more @ 1..) = stream.read(&mut heard[length..]).await {
                length += more;
                if heard[..length].windows(13).any(|window| window == b"p@ss:/%40word") {
                    let _ = stream.write_all(b"-WRONGPASS invalid p@ss:/%40word\r\n").await;
                    hears.store(true, Ordering::SeqCst);
                    return;
                }
            }
        }
    })
    .await;
    let url = |password: &str| format!("redis://:{password}@{}/0", redis.address());
    let server = Server::begin().env("TRUNKLINE_REDIS", url(encoded)).env("RUST_LOG", "trace").start().await;
    until("the password", || async { told.load(Ordering::SeqCst).then_some(()) }).await;
    let server = server.stop().await;
    let refused = Server::begin().env("TRUNKLINE_REDIS", url(password)).refused().await.is(2);
    for spelt in spellings(password).into_iter().chain([encoded.to_owned()]) {
        assert!(!server.log().contains(&spelt), "{spelt}: {}", server.log());
        assert!(!format!("{} {}", refused.stdout, refused.stderr).contains(&spelt), "{spelt}: {refused:?}");
    }
}

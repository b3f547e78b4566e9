//! What limits and repeats calls, over real sockets and through changes of the configuration.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::Instant,
};
use trunkline::{Call, HttpRequest, IntegrationConfig, Kind, Manager, Outcome};
use trunkline_testkit::Peer;

use crate::{answer, config, kind, lab, silent};

fn with(base_url: &str, more: &Value) -> IntegrationConfig {
    let mut json = json!({ "integration_id": "a", "type": "rest", "base_url": base_url });
    json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config(json)
}

/// Fast retries, and nothing that stops them early.
fn eager() -> Value {
    json!({
        "retry_config": { "max_attempts": 5, "backoff": "1ms" }, "breaker": { "enabled": false },
        "concurrency": { "max": 10_000 }, "rate_limit": { "learn": false },
    })
}

/// How often each body arrived whole, and of which the answer said that it was not acted on.
type Arrived = Arc<Mutex<HashMap<String, (usize, usize)>>>;

/// A service that does to each request what a random number says: hangs up before or after it has acted,
/// cuts its answer, or answers one of several statuses. It notes each request whose body came whole.
async fn hostile(arrived: Arrived) -> Peer {
    let seed = Arc::new(AtomicUsize::new(7));
    Peer::raw(move |stream| {
        let (arrived, seed) = (arrived.clone(), seed.clone());
        async move {
            let _ = treat(stream, &arrived, &seed).await;
        }
    })
    .await
}

async fn treat(mut stream: TcpStream, arrived: &Arrived, seed: &AtomicUsize) -> std::io::Result<()> {
    loop {
        let n = seed.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        if n.is_multiple_of(11) {
            // Before a word was read.
            return Ok(());
        }
        let mut request = Vec::new();
        let body = loop {
            if stream.read_buf(&mut request).await? == 0 {
                return Ok(());
            }
            let text = String::from_utf8_lossy(&request);
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() == length.map_or(0, |length| length.trim().parse().unwrap()) {
                break body.to_owned();
            }
        };
        let refused = n % 11 == 3;
        {
            let mut arrived = arrived.lock().unwrap();
            let count = arrived.entry(body).or_default();
            count.0 += 1;
            count.1 += usize::from(refused);
        }
        let text = match n % 11 {
            1 => return Ok(()),
            2 => "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\ncut",
            3 => "HTTP/1.1 429 Too Many Requests\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n",
            4 => "HTTP/1.1 503 Service Unavailable\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n",
            5 => "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n",
            6 => "HTTP/1.1 504 Gateway Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            7 => "HTTP/1.1 204 No Content\r\n\r\n",
            8 => "HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n",
            9 => "garbage\r\n\r\n",
            _ => "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        };
        stream.write_all(text.as_bytes()).await?;
        if matches!(n % 11, 2 | 6 | 9) {
            return Ok(());
        }
    }
}

/// Makes 600 calls and gives the outcome of each with its body; no more than 20 at the same time.
async fn storm(manager: &Manager, method: &Method) -> HashMap<String, Option<Outcome>> {
    let mut calls = JoinSet::new();
    let mut outcomes = HashMap::new();
    for n in 0..600 {
        let (manager, method, body) = (manager.clone(), method.clone(), format!("{method} {n}"));
        calls.spawn(async move {
            let reply = manager.call("a", HttpRequest::new(method, "/").body(body.clone())).await;
            let outcome = match reply {
                Ok(reply) => reply.bytes().await.err(),
                Err(error) => Some(error),
            };
            (body, outcome.map(|error| error.outcome()))
        });
        if calls.len() == 20 {
            outcomes.extend(calls.join_next().await.unwrap());
        }
    }
    outcomes.extend(calls.join_all().await);
    outcomes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_may_have_been_applied_is_sent_twice() {
    let arrived = Arrived::default();
    let peer = hostile(arrived.clone()).await;
    let manager = lab().build().await.unwrap();
    manager.register(with(&peer.url(), &eager())).await.unwrap();
    for method in [Method::POST, Method::PATCH] {
        let outcomes = storm(&manager, &method).await;
        let arrived = std::mem::take(&mut *arrived.lock().unwrap());
        let (mut again, mut lost) = (0, 0);
        for (body, outcome) in &outcomes {
            let (times, refused) = arrived.get(body).copied().unwrap_or_default();
            // Each time but the last, the service must have said that it did not act.
            assert!(times <= refused + 1, "{body} was applied {} times", times - refused);
            again += usize::from(times > 1);
            lost += usize::from(times == 0 && *outcome == Some(Outcome::Unknown));
            if *outcome == Some(Outcome::NotSent) {
                assert_eq!(times, 0, "{body} arrived, and its caller was told that it was not sent");
            }
        }
        assert!(again > 5, "some are sent again, or this test shows nothing: {again}");
        assert!(lost < 600);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_be_repeated_is_and_this_peer_would_notice() {
    let arrived = Arrived::default();
    let peer = hostile(arrived.clone()).await;
    let manager = lab().build().await.unwrap();
    manager.register(with(&peer.url(), &eager())).await.unwrap();
    storm(&manager, &Method::PUT).await;
    let twice = arrived.lock().unwrap().values().filter(|(times, refused)| *times > refused + 1).count();
    assert!(twice > 20, "{twice}");
}

#[tokio::test]
async fn a_call_with_a_key_is_repeated_with_the_same_key_and_says_how_often_it_was_attempted() {
    let count = AtomicUsize::new(0);
    let peer = Peer::http(move |_| {
        let status = if count.fetch_add(1, Ordering::SeqCst) < 2 { 503 } else { 201 };
        answer(StatusCode::from_u16(status).unwrap(), "")
    })
    .await;
    let manager = lab().build().await.unwrap();
    let retry = json!({ "retry_config": { "backoff": "1ms", "idempotency_header": "Idempotency-Key" } });
    let handle = manager.register(with(&peer.url(), &retry)).await.unwrap().handle;
    let mut call = Call::new(handle.id().clone(), HttpRequest::post("/charges").body("once"));
    assert_eq!(handle.call(&mut call).await.unwrap().status, 201);
    let keys: Vec<_> = peer.received().iter().map(|got| got.header("idempotency-key").to_owned()).collect();
    assert_eq!((call.attempt, keys.len()), (3, 3));
    assert!(!keys[0].is_empty() && keys[0] == keys[1] && keys[1] == keys[2], "{keys:?}");
    assert!(manager.metrics().render().contains("trunkline_retries_total{integration=\"a\"} 2"));
}

#[tokio::test]
async fn a_change_of_the_configuration_forgets_neither_an_open_circuit_nor_what_was_taken() {
    let peer = Peer::http(|got| {
        let status = if got.uri.path() == "/down" { 503 } else { 200 };
        answer(StatusCode::from_u16(status).unwrap(), "")
    })
    .await;
    let other = Peer::http(|_| answer(StatusCode::OK, "")).await;
    let manager = lab().build().await.unwrap();
    let limit = json!({
        "retry_config": { "max_attempts": 1 }, "breaker": { "consecutive_failures": 2 },
        "rate_limit": { "requests": 4, "per": "1h", "max_queue": 0 },
    });
    manager.register(with(&peer.url(), &limit)).await.unwrap();
    for _ in 0..2 {
        assert_eq!(kind(manager.call("a", HttpRequest::get("/down")).await), Kind::Unavailable);
    }
    let named = |url: &str, name: &str| {
        let mut json = limit.clone();
        json["name"] = name.into();
        with(url, &json)
    };
    manager.replace(named(&peer.url(), "Another"), None).await.unwrap();
    manager.set_enabled("a", false).await.unwrap();
    let handle = manager.set_enabled("a", true).await.unwrap().handle;
    assert_eq!(kind(manager.call("a", HttpRequest::get("/")).await), Kind::CircuitOpen);
    let state = serde_json::to_value(handle.state().unwrap()).unwrap();
    assert_eq!(
        (&state["breaker"]["state"], &state["rate_limit"]["limits"][0]["available"]),
        (&json!("open"), &json!(2))
    );

    handle.reset_breaker().unwrap();
    for _ in 0..2 {
        manager.call("a", HttpRequest::get("/")).await.unwrap();
    }
    assert_eq!(kind(manager.call("a", HttpRequest::get("/")).await), Kind::Throttled);
    // A configuration that was only checked has changed nothing.
    manager.check(&with(&peer.url(), &json!({ "rate_limit": { "requests": 1000 } }))).unwrap();
    assert_eq!(kind(manager.call("a", HttpRequest::get("/")).await), Kind::Throttled);
    // Another service knows nothing of this one.
    manager.replace(named(&other.url(), "Elsewhere"), None).await.unwrap();
    manager.call("a", HttpRequest::get("/")).await.unwrap();
}

#[tokio::test]
async fn a_caller_who_goes_away_takes_the_work_with_them() {
    let (closed, told) = (Arc::new(AtomicUsize::new(0)), Arc::new(tokio::sync::Notify::new()));
    let (count, tell) = (closed.clone(), told.clone());
    let peer = Peer::raw(move |mut stream| {
        let (count, tell) = (count.clone(), tell.clone());
        async move {
            let mut bytes = Vec::new();
            // Until the other side closes.
            let _ = stream.read_to_end(&mut bytes).await;
            count.fetch_add(1, Ordering::SeqCst);
            tell.notify_one();
        }
    })
    .await;
    let manager = lab().build().await.unwrap();
    let handle = manager.register(with(&peer.url(), &json!({}))).await.unwrap().handle;
    let task = tokio::spawn(async move { manager.call("a", HttpRequest::get("/")).await.map(drop) });
    while peer.connections() == 0 || handle.state().unwrap().concurrency.unwrap().in_flight == 0 {
        tokio::task::yield_now().await;
    }
    let began = Instant::now();
    task.abort();
    tokio::time::timeout(Duration::from_secs(5), told.notified()).await.unwrap();
    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
    assert_eq!(handle.state().unwrap().concurrency.unwrap().in_flight, 0);
}

#[tokio::test]
async fn one_hung_service_with_a_thousand_callers_leaves_the_others_alone() {
    let hangs = silent(Arc::default()).await;
    let well = Peer::http(|_| answer(StatusCode::OK, "ok")).await;
    let manager = lab().build().await.unwrap();
    manager.register(with(&hangs.url(), &json!({}))).await.unwrap();
    let mut other = with(&well.url(), &json!({})).expose();
    other["integration_id"] = "b".into();
    manager.register(config(other)).await.unwrap();
    let mut callers = JoinSet::new();
    for _ in 0..1000 {
        let manager = manager.clone();
        callers.spawn(async move { kind(manager.call("a", HttpRequest::get("/")).await) });
    }
    let hung = manager.get("a").unwrap();
    let mut refused = 0;
    while refused < 1000 - 128 - 256 {
        assert_eq!(callers.join_next().await.unwrap().unwrap(), Kind::Throttled);
        refused += 1;
    }
    for _ in 0..50 {
        manager.call("b", HttpRequest::get("/")).await.unwrap();
    }
    assert_eq!(hung.state().unwrap().concurrency.unwrap().in_flight, 128);
    callers.shutdown().await;
    assert_eq!(hung.state().unwrap().concurrency.unwrap().in_flight, 0);
}

#[tokio::test]
async fn a_server_takes_no_more_calls_than_it_has_room_for() {
    let hangs = silent(Arc::default()).await;
    let manager = lab().in_flight(2).build().await.unwrap();
    manager.register(with(&hangs.url(), &json!({}))).await.unwrap();
    let mut callers = JoinSet::new();
    for _ in 0..300 {
        let manager = manager.clone();
        callers.spawn(async move { manager.call("a", HttpRequest::get("/")).await.map(drop).unwrap_err() });
    }
    for _ in 0..42 {
        let error = callers.join_next().await.unwrap().unwrap();
        assert_eq!(
            (error.kind(), error.outcome(), error.attempts()),
            (Kind::Overloaded, Outcome::NotSent, 0)
        );
    }
}

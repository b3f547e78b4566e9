//! Health: what a probe proves, what calls show, and that many that hang keep nobody waiting.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::StatusCode;
use serde_json::json;
use tokio::time::Instant;
use trunkline::{Evidence, Health, HttpRequest, Kind, State};
use trunkline_testkit::Peer;

use crate::{answer, config, kind, lab, nobody, rest, silent};

#[tokio::test]
async fn a_probe_says_what_it_proves() {
    let peer = Peer::http(|request| {
        let status = match (request.uri.path(), request.header("x-api-key")) {
            ("/me", "k") => 200,
            ("/me", _) => 401,
            ("/for-some", "k") => 403,
            ("/for-some", _) => 401,
            ("/busy", _) => 429,
            ("/broken", _) => 500,
            _ => 404,
        };
        answer(StatusCode::from_u16(status).unwrap(), "")
    })
    .await;
    let manager = lab().build().await.unwrap();
    let asks = |id: &str, key: &str, probe: serde_json::Value| {
        config(json!({
            "integration_id": id, "type": "rest", "base_url": peer.url(), "auth_type": "api_key",
            "auth_config": { "key": key }, "probe": probe,
        }))
    };
    let probe = |id: &str, key: &str, endpoint: &str| asks(id, key, json!({ "endpoint": endpoint }));
    let for_some = json!({ "endpoint": "/for-some", "ok": [403] });
    for (config, state, reason) in [
        (probe("well", "k", "/me"), State::Healthy, "answered"),
        (probe("wrong-key", "x", "/me"), State::Unhealthy, "auth_expired"),
        (probe("restricted", "k", "/for-some"), State::Unhealthy, "forbidden"),
        (asks("restricted-and-known", "k", for_some.clone()), State::Healthy, "answered"),
        (asks("restricted-and-wrong", "x", for_some), State::Unhealthy, "auth_expired"),
        (probe("busy", "k", "/busy"), State::Degraded, "rate_limited"),
        (probe("broken", "k", "/broken"), State::Unhealthy, "failed"),
        (probe("missing", "k", "/nowhere"), State::Unhealthy, "rejected"),
        (rest("unproven", &peer.url()), State::Degraded, "reachable_only"),
        (rest("down", &nobody()), State::Unhealthy, "unavailable"),
        (rest("off", &peer.url()).with_enabled(false), State::Disabled, "disabled"),
    ] {
        let id = manager.register(config).await.unwrap().handle.id().clone();
        let health = manager.health(&id).await.unwrap();
        assert_eq!((health.state, health.reason_code), (state, reason), "{id}: {health:?}");
        assert_eq!(health.is_up(), matches!(state, State::Healthy | State::Degraded));
        assert!(health.checked_at_ms > 0 && health.latency_ms >= 0.0);
    }
    let all = manager.health_all().await;
    assert_eq!(all.len(), 11);
    assert_eq!(all[&**manager.get("well").unwrap().id()].state, State::Healthy);
    let json = serde_json::to_value(&all).unwrap();
    assert_eq!(json["busy"]["state"], "degraded");
    assert!(json["well"].get("detail").is_none());
    let detail = "the probe was answered with 403 Forbidden, which `ok` of it allows";
    assert_eq!(json["restricted-and-known"]["detail"], detail);
    assert_eq!(kind(manager.health("nobody").await), Kind::UnknownIntegration);
    assert!(
        manager.metrics().render().lines().all(|line| !line.contains("integration=")),
        "probes are no calls"
    );
}

#[tokio::test]
async fn calls_show_what_a_connection_does_not_prove() {
    let peer = Peer::http(|request| {
        let (status, wait) = match request.uri.path() {
            "/denied" => (401, None),
            "/busy" => (429, Some("60")),
            "/missing" => (404, None),
            "/broken" => (500, None),
            _ => (200, None),
        };
        let mut response = answer(StatusCode::from_u16(status).unwrap(), "");
        response.headers_mut().extend(wait.map(|wait| (http::header::RETRY_AFTER, wait.parse().unwrap())));
        response
    })
    .await;
    let manager = lab().build().await.unwrap();
    manager.register(rest("a", &peer.url())).await.unwrap();
    let call = async |path: &str| drop(manager.call("a", HttpRequest::post(path)).await);
    let health = async || manager.health("a").await.unwrap();
    let said = |health: &Health| (health.state, health.reason_code, health.evidence);

    let unproven = health().await;
    assert_eq!(said(&unproven), (State::Degraded, "reachable_only", Some(Evidence::Probe)));
    assert!(unproven.traffic.is_none(), "a probe is no traffic");

    call("/").await;
    let well = health().await;
    assert_eq!(said(&well), (State::Healthy, "answered", Some(Evidence::Traffic)));
    assert!(well.since_ms >= unproven.since_ms);
    assert_eq!(well.checked_at_ms, unproven.checked_at_ms, "nobody was probed for that");
    let seen = well.traffic.unwrap();
    assert!(seen.last_success_ms.is_some() && seen.last_failure_ms.is_none());

    call("/missing").await;
    assert_eq!(said(&health().await), (State::Healthy, "answered", Some(Evidence::Traffic)));

    call("/denied").await;
    let denied = health().await;
    assert_eq!(said(&denied), (State::Unhealthy, "auth_expired", Some(Evidence::Traffic)));
    let seen = denied.traffic.unwrap();
    assert_eq!((seen.last_failure_kind, seen.consecutive_failures), (Some("unauthenticated"), 1));
    assert!(seen.last_failure_ms >= seen.last_success_ms);

    call("/").await;
    assert_eq!(said(&health().await), (State::Healthy, "answered", Some(Evidence::Traffic)));

    for _ in 0..3 {
        call("/broken").await;
    }
    assert_eq!(said(&health().await), (State::Degraded, "failed", Some(Evidence::Traffic)));
    for _ in 0..2 {
        call("/broken").await;
    }
    assert_eq!(said(&health().await), (State::Unhealthy, "circuit_open", Some(Evidence::Traffic)));
    manager.get("a").unwrap().reset_breaker().unwrap();
    call("/busy").await;
    assert_eq!(said(&health().await), (State::Degraded, "rate_limited", Some(Evidence::Traffic)));

    // Another configuration may have mended what was wrong.
    manager.replace(rest("a", &peer.url()), None).await.unwrap();
    assert!(health().await.traffic.is_none());
}

#[tokio::test]
async fn since_is_when_the_state_began_however_often_it_is_probed() {
    let peer = Peer::http(|_| answer(StatusCode::OK, "")).await;
    let manager = lab().build().await.unwrap();
    let probed = json!({ "integration_id": "a", "type": "rest", "base_url": peer.url(), "probe": { "endpoint": "/me" } });
    manager.register(config(probed)).await.unwrap();
    let first = manager.health("a").await.unwrap();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(6)).await;
    tokio::time::resume();
    let again = manager.health("a").await.unwrap();
    assert_eq!(peer.received().len(), 2, "it was probed again");
    assert_eq!(again.since_ms, first.since_ms);

    manager.get("a").unwrap().force_breaker_open().unwrap();
    let forced = manager.health("a").await.unwrap();
    assert_eq!((forced.state, forced.reason_code, forced.evidence), (State::Unhealthy, "circuit_open", None));
    assert!(forced.since_ms >= first.since_ms);
}

#[tokio::test]
async fn a_service_is_probed_once_for_all_who_ask_within_five_seconds() {
    let peer = Peer::http(|_| answer(StatusCode::OK, "")).await;
    let manager = lab().build().await.unwrap();
    let probed = json!({
        "integration_id": "a", "type": "rest", "base_url": peer.url(), "probe": { "endpoint": "/me" },
    });
    manager.register(config(probed.clone())).await.unwrap();
    let asking = (0..50).map(|_| manager.health("a"));
    let answers = futures_util::future::join_all(asking).await;
    let first = answers[0].as_ref().unwrap().checked_at_ms;
    assert!(answers.iter().all(|health| health.as_ref().unwrap().checked_at_ms == first));
    assert_eq!(manager.health_all().await["a"].checked_at_ms, first);
    assert_eq!(peer.received().len(), 1);

    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(4_900)).await;
    tokio::time::resume();
    manager.health("a").await.unwrap();
    assert_eq!(peer.received().len(), 1);
    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(200)).await;
    tokio::time::resume();
    assert!(manager.health("a").await.unwrap().checked_at_ms >= first);
    assert_eq!(peer.received().len(), 2);

    // Another configuration is another question.
    manager.replace(config(probed), None).await.unwrap();
    manager.health("a").await.unwrap();
    assert_eq!(peer.received().len(), 3);
}

#[tokio::test]
async fn who_asks_and_goes_away_keeps_nobody_from_an_answer() {
    let peer = silent(Arc::default()).await;
    let limit = Duration::from_millis(50);
    let manager = lab().health_within(limit, limit * 20).build().await.unwrap();
    manager.register(hung("a", &peer)).await.unwrap();
    let gone = tokio::time::timeout(limit / 5, manager.health("a")).await;
    assert!(gone.is_err());
    assert_eq!(manager.health("a").await.unwrap().reason_code, "timeout");
}

#[tokio::test]
async fn the_egress_guard_stands_before_probes_too() {
    let connections = Arc::new(AtomicUsize::new(0));
    let peer = silent(connections.clone()).await;
    let manager = trunkline::Manager::builder().build().await.unwrap();
    manager.register(rest("private", &peer.url())).await.unwrap();
    let health = manager.health("private").await.unwrap();
    assert_eq!((health.state, health.reason_code), (State::Unhealthy, "blocked"));
    assert_eq!(connections.load(Ordering::SeqCst), 0);
}

fn hung(id: &str, peer: &Peer) -> trunkline::IntegrationConfig {
    config(json!({
        "integration_id": id, "type": "rest", "base_url": peer.url(), "probe": { "endpoint": "/" },
        "timeouts": { "first_byte": 60 },
    }))
}

#[tokio::test]
async fn a_probe_that_hangs_ends_at_its_limit() {
    let peer = silent(Arc::default()).await;
    let limit = Duration::from_millis(50);
    let manager = lab().health_within(limit, limit * 20).build().await.unwrap();
    manager.register(hung("a", &peer)).await.unwrap();
    let health = manager.health("a").await.unwrap();
    assert_eq!((health.state, health.reason_code), (State::Unhealthy, "timeout"));
    assert!(health.latency_ms >= 50.0 && health.detail.unwrap().contains("50ms"));
}

#[tokio::test]
async fn sixteen_are_asked_at_a_time() {
    let open = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let peer = Peer::raw({
        let (open, most) = (open.clone(), most.clone());
        move |mut stream| {
            let (open, most) = (open.clone(), most.clone());
            async move {
                most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                // Until the other side hangs up.
                let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
                open.fetch_sub(1, Ordering::SeqCst);
            }
        }
    })
    .await;
    let manager =
        lab().health_within(Duration::from_millis(100), Duration::from_secs(30)).build().await.unwrap();
    for n in 0..40 {
        manager.register(hung(&format!("hung-{n}"), &peer)).await.unwrap();
    }
    let all = manager.health_all().await;
    assert!(all.values().all(|health| health.reason_code == "timeout"));
    // One that has just been given up may still be open on the peer's side when the next begins.
    let most = most.load(Ordering::SeqCst);
    assert!((16..=32).contains(&most), "{most}");
}

#[tokio::test]
async fn what_was_not_asked_in_time_is_unknown_and_the_others_are_right() {
    let (hangs, well) = (silent(Arc::default()).await, Peer::http(|_| answer(StatusCode::OK, "")).await);
    // As 5 and 30 seconds would be, a hundred times faster.
    let (one, whole) = (Duration::from_millis(50), Duration::from_millis(300));
    let manager = lab().health_within(one, whole).build().await.unwrap();
    let total = 200;
    for n in 0..total {
        // Those that hang come first: 50 of them take 4 rounds of 16.
        let (id, peer) = (format!("{n:03}"), if n < 50 { &hangs } else { &well });
        manager.register(hung(&id, peer)).await.unwrap();
    }
    let began = Instant::now();
    let all = manager.health_all().await;
    assert!(began.elapsed() < whole + Duration::from_millis(200), "{:?}", began.elapsed());
    assert_eq!(all.len(), total);
    let state = |health: &Health| (health.state, health.reason_code);
    for (n, health) in all.values().enumerate() {
        match state(health) {
            (State::Unhealthy, "timeout") => assert!(n < 50, "{n}"),
            (State::Healthy, "answered") => assert!(n >= 50, "{n}"),
            other => assert_eq!(other, (State::Unknown, "not_checked"), "{n}"),
        }
    }
    assert_eq!(state(all.values().next().unwrap()), (State::Unhealthy, "timeout"));
}

#[tokio::test]
async fn with_nothing_but_hung_ones_the_whole_ends_in_time() {
    let hangs = silent(Arc::default()).await;
    let (one, whole) = (Duration::from_millis(100), Duration::from_millis(250));
    let manager = lab().health_within(one, whole).build().await.unwrap();
    for n in 0..100 {
        manager.register(hung(&format!("{n:03}"), &hangs)).await.unwrap();
    }
    let began = Instant::now();
    let all = manager.health_all().await;
    assert!(began.elapsed() >= whole && began.elapsed() < whole * 2, "{:?}", began.elapsed());
    let unknown = all.values().filter(|health| health.state == State::Unknown).count();
    assert!((100 - 3 * 16..=100 - 16).contains(&unknown), "{unknown}");
    // Others are called meanwhile and after as if nothing were.
    assert_eq!(kind(manager.call("nobody", HttpRequest::get("/")).await), Kind::UnknownIntegration);
}

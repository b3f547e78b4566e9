//! What the answers of a service do to the calls after them, over real sockets: how long it is left alone, and
//! whether its circuit opens.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::Instant};
use trunkline::{Body, Handle, HttpRequest, Kind, Manager};
use trunkline_testkit::Peer;

use crate::{answer, config, kind, lab};

/// A status and headers.
type Head = (u16, Vec<(&'static str, String)>);

fn respond((status, headers): &Head) -> Response<Body> {
    let mut response = answer(StatusCode::from_u16(*status).unwrap(), "");
    for (name, value) in headers {
        response.headers_mut().append(*name, value.parse().unwrap());
    }
    response
}

/// A service that answers what it is told to.
async fn obedient() -> (Peer, Arc<Mutex<Head>>) {
    let next = Arc::new(Mutex::new((200, Vec::new())));
    let told = next.clone();
    (Peer::http(move |_| respond(&told.lock().unwrap())).await, next)
}

async fn integration(manager: &Manager, id: &str, base_url: &str, more: &Value) -> Arc<Handle> {
    let mut json = json!({"integration_id": id, "type": "rest", "base_url": base_url});
    json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    manager.register(config(json)).await.unwrap().handle
}

fn state(handle: &Handle) -> Value {
    serde_json::to_value(handle.state().unwrap()).unwrap()
}

/// How long the service is left alone, to the second that has begun.
fn paused(handle: &Handle) -> Option<u64> {
    Some(state(handle)["rate_limit"]["paused_for_seconds"].as_f64()?.ceil() as u64)
}

fn once() -> Value {
    json!({"retry_config": {"max_attempts": 1}})
}

/// When the service says that it answered.
const SENT: &str = "Sun, 06 Nov 1994 08:49:34 GMT";

/// A second in each form that `Retry-After` has for it (RFC 9110 sections 5.6.7 and 10.2.3).
const SECOND: [&str; 4] =
    ["1", "Sun, 06 Nov 1994 08:49:35 GMT", "Sunday, 06-Nov-94 08:49:35 GMT", "Sun Nov  6 08:49:35 1994"];

fn retry_after(values: &[&str]) -> Vec<(&'static str, String)> {
    let values = values.iter().map(|value| ("retry-after", (*value).to_owned()));
    values.chain([("date", SENT.to_owned())]).collect()
}

#[tokio::test]
async fn every_form_of_retry_after_is_obeyed_and_what_is_none_of_them_is_ignored() {
    let mut table = vec![
        (vec!["7"], Some(7)),
        (vec!["3600"], Some(3600)),
        (vec!["0"], Some(0)),
        (vec![SENT], Some(0)),
        (vec!["Sun, 06 Nov 1994 07:49:34 GMT"], Some(0)),
        (vec!["Sun, 06 Nov 1994 09:49:34 GMT"], Some(3600)),
        (vec!["7", "9"], None),
    ];
    table.extend(SECOND.map(|form| (vec![form], Some(1))));
    table.extend(["-1", "1.5", "1e9", "99999999999", "abc", "", "3 s"].map(|junk| (vec![junk], None)));
    let (peer, next) = obedient().await;
    let manager = lab().build().await.unwrap();
    for status in [429, 503] {
        for (n, (values, seconds)) in table.iter().enumerate() {
            *next.lock().unwrap() = (status, retry_after(values));
            let handle = integration(&manager, &format!("a{status}-{n}"), &peer.url(), &once()).await;
            let error = manager.call(handle.id(), HttpRequest::get("/")).await.unwrap_err();
            assert_eq!(error.wait().map(|wait| wait.as_secs()), *seconds, "{status} {values:?}");
            assert_eq!(paused(&handle), seconds.filter(|seconds| *seconds > 0), "{status} {values:?}");
        }
    }
}

#[tokio::test]
async fn a_call_that_is_told_to_wait_is_made_again_when_it_was_told_to() {
    let seen = Arc::new(Mutex::new(Vec::<String>::new()));
    let peer = Peer::http(move |got| {
        let path = got.uri.path().to_owned();
        let mut seen = seen.lock().unwrap();
        if seen.contains(&path) {
            return answer(StatusCode::OK, "");
        }
        let (status, form) = path[1..].split_once('/').unwrap();
        let head = (status.parse().unwrap(), retry_after(&[SECOND[form.parse::<usize>().unwrap()]]));
        seen.push(path);
        respond(&head)
    })
    .await;
    let manager = lab().build().await.unwrap();
    let mut calls = JoinSet::new();
    for status in [429, 503] {
        for form in 0..SECOND.len() {
            let id = format!("a{status}-{form}");
            integration(&manager, &id, &peer.url(), &json!({})).await;
            let manager = manager.clone();
            calls.spawn(async move {
                let began = Instant::now();
                manager.call(&id, HttpRequest::get(format!("/{status}/{form}"))).await.unwrap();
                (id, began.elapsed())
            });
        }
    }
    for (id, waited) in calls.join_all().await {
        // A tenth more at most; the rest is for a machine that is busy.
        assert!((1.0..2.5).contains(&waited.as_secs_f64()), "{id} waited {waited:?}");
    }
}

#[tokio::test]
async fn a_reset_in_seconds_since_1970_in_seconds_or_milliseconds_is_the_same_pause() {
    let (peer, next) = obedient().await;
    let manager = lab().build().await.unwrap();
    let then = (SystemTime::now() + Duration::from_secs(30)).duration_since(UNIX_EPOCH).unwrap();
    for (n, reset) in
        ["30".to_owned(), then.as_secs().to_string(), then.as_millis().to_string()].into_iter().enumerate()
    {
        let left = ("x-ratelimit-remaining", "0".to_owned());
        *next.lock().unwrap() = (200, vec![left, ("x-ratelimit-reset", reset.clone())]);
        let handle = integration(&manager, &format!("a{n}"), &peer.url(), &once()).await;
        manager.call(handle.id(), HttpRequest::get("/")).await.unwrap();
        let refused = manager.call(handle.id(), HttpRequest::get("/")).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::Throttled, "{reset}");
        // Time goes on meanwhile, and whole seconds since 1970 are up to one short.
        assert!((26.0..=30.0).contains(&refused.wait().unwrap().as_secs_f64()), "{reset}: {refused}");
    }
    assert_eq!(peer.received().len(), 3);
}

#[tokio::test]
async fn a_storm_of_answers_that_prove_the_service_is_up_leaves_the_circuit_closed() {
    let (peer, next) = obedient().await;
    let manager = lab().build().await.unwrap();
    for (status, circuit) in [(401, "closed"), (404, "closed"), (429, "closed"), (503, "open")] {
        *next.lock().unwrap() = (status, Vec::new());
        let handle = integration(&manager, &format!("a{status}"), &peer.url(), &once()).await;
        let mut storm = JoinSet::new();
        for _ in 0..60 {
            let (manager, id) = (manager.clone(), handle.id().clone());
            storm.spawn(async move { manager.call(&id, HttpRequest::get("/")).await.map(drop).unwrap_err() });
        }
        storm.join_all().await;
        assert_eq!(state(&handle)["breaker"]["state"], circuit, "{status}");
        *next.lock().unwrap() = (200, Vec::new());
        let after = manager.call(handle.id(), HttpRequest::get("/")).await;
        assert_eq!(after.is_ok(), circuit == "closed", "{status}: {after:?}");
    }
}

#[tokio::test]
async fn an_open_circuit_is_of_one_integration_even_where_another_has_the_same_service() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let peer = Peer::http(move |got| match got.uri.path() {
        "/well/" => answer(StatusCode::OK, "ok"),
        _ => {
            count.fetch_add(1, Ordering::SeqCst);
            answer(StatusCode::SERVICE_UNAVAILABLE, "")
        }
    })
    .await;
    let manager = lab().build().await.unwrap();
    let broken = integration(&manager, "a", &format!("{}/broken", peer.url()), &once()).await;
    let well = integration(&manager, "b", &format!("{}/well", peer.url()), &once()).await;
    for n in 0..30 {
        let expected = if n < 5 { Kind::Unavailable } else { Kind::CircuitOpen };
        assert_eq!(kind(manager.call("a", HttpRequest::get("/")).await), expected);
        manager.call("b", HttpRequest::get("/")).await.unwrap();
    }
    assert_eq!(asked.load(Ordering::SeqCst), 5);
    assert_eq!(
        (&state(&broken)["breaker"]["state"], &state(&well)["breaker"]["state"]),
        (&json!("open"), &json!("closed"))
    );
}

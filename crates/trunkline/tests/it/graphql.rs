//! GraphQL through the whole pipeline: what is tried again, with which credential, and what is kept.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use http::Response;
use serde_json::{Value, json, value::to_raw_value};
use trunkline::{Body, Kind, Manager, Outcome, Reply, Result};
use trunkline_testkit::{Peer, Received};

use crate::{config, lab};

fn says(body: &Value) -> Response<Body> {
    Response::builder().header("content-type", "application/json").body(Body::from(body.to_string())).unwrap()
}

fn failed(code: &str) -> Value {
    json!({ "errors": [{ "message": "no", "extensions": { "code": code } }] })
}

fn done() -> Value {
    json!({ "data": { "order": { "total": 7 } } })
}

async fn integration(peer: &Peer, more: Value) -> Manager {
    let mut keys = json!({
        "integration_id": "shop", "type": "graphql", "base_url": format!("{}/graphql", peer.url()),
        "retry_config": { "max_attempts": 3, "backoff": "1ms" },
    });
    keys.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let manager = lab().build().await.unwrap();
    manager.register(config(keys)).await.unwrap();
    manager
}

async fn ask(manager: &Manager, request: &Value) -> Result<Reply> {
    let operation = manager.get("shop").unwrap().parse(&to_raw_value(request).unwrap())?;
    manager.call("shop", operation).await
}

fn query() -> Value {
    json!({ "query": "query($id: ID!) { order(id: $id) { total } }", "variables": { "id": 1 } })
}

fn mutation() -> Value {
    json!({ "query": "mutation { pay { total } }" })
}

/// Answers with these in turn, and then with data.
async fn scripted(answers: Vec<Value>) -> Peer {
    let next = AtomicU32::new(0);
    Peer::http(move |_| {
        let next = next.fetch_add(1, Ordering::SeqCst) as usize;
        says(answers.get(next).unwrap_or(&done()))
    })
    .await
}

/// A token server and the service behind it, which takes the second token alone.
async fn strict(refusal: Value) -> Peer {
    let issued = AtomicU32::new(0);
    Peer::http(move |received: Received| match received.uri.path() {
        "/token" => {
            let token = format!("t{}", issued.fetch_add(1, Ordering::SeqCst) + 1);
            says(&json!({ "access_token": token, "token_type": "bearer", "expires_in": 3600 }))
        }
        _ if received.header("authorization") == "Bearer t2" => says(&done()),
        _ => says(&refusal),
    })
    .await
}

async fn with_tokens(peer: &Peer) -> Manager {
    let auth =
        json!({ "token_url": format!("{}/token", peer.url()), "client_id": "me", "client_secret": "s" });
    integration(peer, json!({ "auth_type": "oauth2", "auth_config": auth })).await
}

fn asked(peer: &Peer) -> usize {
    peer.received().iter().filter(|received| received.uri.path() == "/graphql").count()
}

#[tokio::test]
async fn a_200_that_says_unauthenticated_gets_a_fresh_token_and_one_more_attempt() {
    for request in [query(), mutation()] {
        let peer = strict(failed("UNAUTHENTICATED")).await;
        let manager = with_tokens(&peer).await;
        assert_eq!(ask(&manager, &request).await.unwrap().json::<Value>().await.unwrap(), done());
        assert_eq!(asked(&peer), 2, "{request}");
    }
}

#[tokio::test]
async fn a_mutation_that_may_have_been_done_in_part_is_not_made_again_with_a_fresh_token() {
    let error = json!({ "path": ["ship"], "extensions": { "code": "UNAUTHENTICATED" } });
    let peer = strict(json!({ "data": null, "errors": [error] })).await;
    let manager = with_tokens(&peer).await;
    let both = json!({ "query": "mutation { pay { total } ship { total } }" });
    let error = ask(&manager, &both).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), asked(&peer)), (Kind::Unauthenticated, Outcome::Unknown, 1));
    // The next call has the token that is good.
    assert!(ask(&manager, &both).await.is_ok());
}

#[tokio::test]
async fn what_is_throttled_is_asked_again_once_the_service_can_unless_that_is_too_long() {
    let throttled = |available: i32| {
        let mut throttled = failed("THROTTLED");
        let status = json!({ "maximumAvailable": 1000, "currentlyAvailable": available, "restoreRate": 50 });
        throttled["extensions"] = json!({ "cost": { "requestedQueryCost": 100, "throttleStatus": status } });
        throttled
    };
    for request in [query(), mutation()] {
        let peer = scripted(vec![throttled(99)]).await;
        ask(&integration(&peer, json!({})).await, &request).await.unwrap();
        assert_eq!(asked(&peer), 2, "{request}");
        // 6100 points at 50 in a second.
        let peer = scripted(vec![throttled(-6000)]).await;
        let error = ask(&integration(&peer, json!({})).await, &request).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::RateLimited, Outcome::Rejected), "{request}");
        assert_eq!((error.wait(), asked(&peer)), (Some(Duration::from_secs(122)), 1), "{request}");
    }
}

#[tokio::test]
async fn a_query_that_failed_is_asked_again_and_a_mutation_never() {
    let failure = || vec![failed("INTERNAL_SERVER_ERROR"), failed("INTERNAL_SERVER_ERROR")];
    let peer = scripted(failure()).await;
    ask(&integration(&peer, json!({})).await, &query()).await.unwrap();
    assert_eq!(asked(&peer), 3);
    let batch = json!({ "batch": [query(), mutation()] });
    for (request, answers) in
        [(mutation(), failure()), (batch, vec![json!([failed("INTERNAL_SERVER_ERROR"), failed("FAILED")])])]
    {
        let peer = scripted(answers).await;
        let error = ask(&integration(&peer, json!({})).await, &request).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Failed, Outcome::Unknown), "{request}");
        assert_eq!(asked(&peer), 1, "{request}");
    }
}

#[tokio::test]
async fn what_the_service_refuses_is_not_asked_again() {
    for code in ["BAD_USER_INPUT", "FORBIDDEN", "GRAPHQL_VALIDATION_FAILED"] {
        let peer = scripted(vec![failed(code)]).await;
        let error = ask(&integration(&peer, json!({})).await, &query()).await.unwrap_err();
        assert_eq!((error.outcome(), asked(&peer)), (Outcome::Rejected, 1), "{code}");
    }
}

#[tokio::test]
async fn a_query_is_kept_for_its_time_with_its_variables_and_never_where_some_of_it_failed() {
    let peer = scripted(vec![]).await;
    let manager = integration(&peer, json!({})).await;
    let kept = |id: u32| {
        let mut request = query();
        request["variables"]["id"] = id.into();
        request["ttl"] = 60.into();
        request
    };
    for id in [1, 1, 2, 1] {
        ask(&manager, &kept(id)).await.unwrap().bytes().await.unwrap();
    }
    assert_eq!(asked(&peer), 2);
    ask(&manager, &query()).await.unwrap();
    assert_eq!(asked(&peer), 3, "who does not ask for what is kept gets none of it");
    let partial = json!({ "data": { "order": null }, "errors": [{ "message": "no" }] });
    let peer = scripted(vec![partial.clone()]).await;
    let manager = integration(&peer, json!({ "cache_config": { "ttl": 60 } })).await;
    for whole in [false, true, true, true, true] {
        let reply = ask(&manager, &query()).await.unwrap();
        assert_eq!(!reply.headers.contains_key(Reply::PARTIAL_ERRORS), whole);
        reply.bytes().await.unwrap();
    }
    // What could not be kept once is looked at once more before it is.
    assert_eq!(asked(&peer), 3);
}

#[tokio::test]
async fn a_document_that_cannot_be_right_reaches_nobody() {
    let peer = scripted(vec![]).await;
    let manager = integration(&peer, json!({ "schema": { "sdl": "type Query { a: Int }" } })).await;
    for document in ["{ a", "{ b }", "query($x: Int!) { a }"] {
        let error = ask(&manager, &json!({ "query": document })).await.unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidConfig, "{document}");
    }
    assert_eq!(peer.connections(), 0);
}

#[tokio::test]
async fn the_schema_is_in_the_schema_language() {
    let peer = scripted(vec![]).await;
    let manager = integration(&peer, json!({ "schema": { "sdl": "type Query { a: Int }" } })).await;
    let handle = manager.get("shop").unwrap();
    let schema = handle.schema(&mut handle.schema_call()).await.unwrap().json::<Value>().await.unwrap();
    assert_eq!(schema, json!({ "sdl": "type Query { a: Int }" }));
}

#[tokio::test]
async fn a_subscription_is_begun_with_a_fresh_credential_and_never_kept() {
    let issued = AtomicU32::new(0);
    let peer = Peer::http(move |received: Received| match received.uri.path() {
        "/token" => {
            let token = format!("t{}", issued.fetch_add(1, Ordering::SeqCst) + 1);
            says(&json!({ "access_token": token, "token_type": "bearer", "expires_in": 3600 }))
        }
        _ if received.header("authorization") == "Bearer t2" => {
            let events = "event: next\ndata: {\"data\":{\"a\":1}}\n\nevent: complete\ndata:\n\n";
            Response::builder().header("content-type", "text/event-stream").body(Body::from(events)).unwrap()
        }
        _ => says(&failed("UNAUTHENTICATED")),
    })
    .await;
    let auth =
        json!({ "token_url": format!("{}/token", peer.url()), "client_id": "me", "client_secret": "s" });
    let keys = json!({
        "auth_type": "oauth2", "auth_config": auth, "cache_config": { "ttl": 60 },
        "subscriptions": { "protocol": "sse" },
    });
    let manager = integration(&peer, keys).await;
    let request = to_raw_value(&json!({ "query": "subscription { a }" })).unwrap();
    for _ in 0..2 {
        let operation = manager.get("shop").unwrap().parse_stream(&request).unwrap();
        let mut events = manager.call("shop", operation).await.unwrap().events().unwrap();
        let mut names = Vec::new();
        while let Some(event) = events.next().await {
            names.push(event.unwrap().name.into_owned());
        }
        assert_eq!(names, ["next", "complete"]);
    }
    let paths = peer.received().into_iter().map(|received| received.uri.path().to_owned());
    assert_eq!(
        paths.filter(|path| path == "/graphql").count(),
        3,
        "one refused, and each subscription asked"
    );
    let error = manager.get("shop").unwrap().parse(&request).unwrap_err();
    assert!(error.message().contains("/stream"), "{error}");
}

#[tokio::test]
async fn a_connector_says_what_codes_of_its_vendor_mean_and_an_integration_adds_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let manifest =
        "name: board\ntitle: Board\nintegration: {type: graphql, base_url: 'https://board.example/v2',
        error_codes: {ComplexityException: rate_limited, ResourceNotFound: rejected}}\n";
    std::fs::write(folder.path().join("board.yaml"), manifest).unwrap();
    for (code, kind) in [
        ("ComplexityException", Kind::RateLimited),
        ("ResourceNotFound", Kind::Forbidden),
        ("QuotaSpent", Kind::RateLimited),
        ("FORBIDDEN", Kind::Forbidden),
        ("nobody knows it", Kind::Rejected),
    ] {
        let peer = scripted(vec![failed(code); 3]).await;
        let manager = lab().connectors_in(folder.path()).build().await.unwrap();
        let shop = manager.read(json!({
            "integration_id": "shop", "connector": "board", "base_url": format!("{}/graphql", peer.url()),
            "retry_config": { "max_attempts": 1 },
            "error_codes": { "ResourceNotFound": "forbidden", "QuotaSpent": "rate_limited" },
        }));
        manager.register(shop.unwrap()).await.unwrap();
        let error = ask(&manager, &query()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{code}: {error}");
    }
}

//! Type `custom` with a driver that answers what a test wants: what the pipeline does for it.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Request, Response};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use serde_json::{Value, json};
use trunkline::Body;
use trunkline_testkit::{Peer, Received};

use crate::harness::{Server, within};

fn respond(answer: &Value) -> Response<Body> {
    Response::builder()
        .header("content-type", "application/json")
        .body(Body::from(answer.to_string()))
        .unwrap()
}

/// A driver, behind the integration `files` with further keys. Questions are answered by a function; tokens are `token-1`,
/// `token-2` and so on.
struct Driver {
    peer: Peer,
    server: Server,
}

impl Driver {
    async fn of(further: Value, answer: impl Fn(&Value) -> Value + Send + Sync + 'static) -> Self {
        let peer =
            Peer::http(move |request| respond(&answer(&serde_json::from_slice(&request.body).unwrap())))
                .await;
        let server = Server::beside(&peer).await;
        let mut config = json!({
            "integration_id": "files", "type": "custom", "base_url": peer.url(), "read_only": { "/action": "get" },
            "retry_config": { "max_attempts": 3, "backoff": "1ms" },
        });
        config.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
        server.has(&config).await;
        Self { peer, server }
    }

    /// Questions of `/call` that came.
    fn asked(&self) -> Vec<Value> {
        let calls = self.peer.received();
        let of = |received: &Received| serde_json::from_slice(&received.body).unwrap();
        calls.iter().filter(|received| received.uri.path() == "/call").map(of).collect()
    }
}

#[tokio::test]
async fn what_only_reads_is_attempted_again_and_the_id_of_the_call_stays() {
    let driver = Driver::of(json!({}), |question| match question["call"]["attempt"].as_u64() {
        Some(1 | 2) => json!({ "error": { "kind": "unavailable", "message": "away" } }),
        _ => json!({ "json": question["call"]["attempt"] }),
    })
    .await;
    let reply = driver.server.call("files", &json!({ "action": "get" })).await.is(200);
    assert_eq!((reply.header("trunkline-attempts"), reply.json()), ("3", json!(3)));
    let asked = driver.asked();
    let ids: Vec<_> = asked.iter().map(|question| &question["call"]["id"]).collect();
    assert!(ids.len() == 3 && ids.iter().all(|id| **id == reply.header("trunkline-request-id")), "{ids:?}");

    // Nobody knows whether the service has done it.
    let problem = driver.server.call("files", &json!({ "action": "put" })).await.problem(502, "unavailable");
    assert_eq!((&problem["outcome"], &problem["attempts"]), (&json!("unknown"), &json!(1)), "{problem}");
    let asked = driver.asked();
    assert_eq!(asked.len(), 4);
    assert_ne!(asked[3]["call"]["id"], asked[0]["call"]["id"]);
}

#[tokio::test]
async fn replies_to_what_only_reads_are_kept() {
    let keeps = json!({ "cache_config": { "ttl": 60 } });
    let driver = Driver::of(keeps, |question| json!({ "json": question["request"] })).await;
    for (request, questions) in [
        (json!({ "action": "get", "n": 1 }), 1),
        (json!({ "action": "get", "n": 1 }), 1),
        (json!({ "action": "get", "n": 2 }), 2),
        (json!({ "action": "put", "n": 1 }), 3),
        (json!({ "action": "put", "n": 1 }), 4),
    ] {
        let reply = driver.server.call("files", &request).await.is(200);
        assert_eq!((reply.json(), driver.asked().len()), (request, questions));
    }
}

#[tokio::test]
async fn a_credential_that_the_service_refuses_is_replaced_once() {
    let tokens = Peer::http({
        let served = std::sync::atomic::AtomicU32::new(0);
        move |_| {
            let n = served.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
            respond(
                &json!({ "access_token": format!("token-{n}"), "token_type": "Bearer", "expires_in": 3600 }),
            )
        }
    })
    .await;
    let peer = Peer::http(|request| {
        let question: Value = serde_json::from_slice(&request.body).unwrap();
        respond(&match question["credential"]["token"].as_str() {
            Some("token-2") => json!({ "json": question["credential"] }),
            _ => json!({ "error": { "kind": "unauthenticated", "message": "who are you?" } }),
        })
    })
    .await;
    let server = Server::begin().allow(&peer).allow(&tokens).start().await;
    server
        .has(&json!({
            "integration_id": "files", "type": "custom", "base_url": peer.url(), "auth_type": "oauth2",
            "auth_config": {
                "grant_type": "client_credentials", "token_url": tokens.url(), "client_id": "a",
                "client_secret": "s3cret-0123456789",
            },
        }))
        .await;
    let reply = server.call("files", &json!({ "action": "put" })).await.is(200);
    assert_eq!(reply.json(), json!({ "kind": "bearer", "token": "token-2" }));
    assert_eq!((peer.received().len(), tokens.received().len()), (2, 2));
}

#[tokio::test]
async fn a_stream_ends_when_its_integration_is_changed_or_removed() {
    let peer = Peer::http(|_| {
        let event = stream::iter([Ok(Frame::data(Bytes::from_static(b"data: 1\n\n")))]);
        let body = Body::stream(StreamBody::new(event.chain(stream::pending())));
        Response::builder().header("content-type", "text/event-stream").body(body).unwrap()
    })
    .await;
    let server = Server::beside(&peer).await;
    server.has(&json!({ "integration_id": "feed", "type": "custom", "base_url": peer.url() })).await;
    for (method, change) in [("PATCH", json!({ "timeout": 7 })), ("DELETE", Value::Null)] {
        let request =
            Request::get("/api/v1/integrations/feed/stream").body(Full::<Bytes>::default()).unwrap();
        let mut body = within("a stream", server.open(request)).await.into_body();
        let event = within("an event", body.frame()).await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(event, "data: 1\n\n");
        let path = "/api/v1/integrations/feed";
        let changed = match method {
            "DELETE" => server.delete(path).await,
            _ => server.json(method, path, &change).await,
        };
        assert!(changed.status.is_success(), "{changed:?}");
        let rest = within("the end", body.collect()).await.unwrap().to_bytes();
        let rest = String::from_utf8(rest.to_vec()).unwrap();
        assert!(rest.contains("event: error") && rest.contains("shutting_down"), "{method}: {rest}");
    }
}

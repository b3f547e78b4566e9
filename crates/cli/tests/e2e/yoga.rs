//! Type `graphql` against npm `graphql-yoga` and `graphql-ws`, through the real server.

use std::time::Duration;

use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::time::Instant;
use trunkline::{Body, Error, Event, Events, Kind};
use trunkline_testkit::Yoga;

use crate::harness::{Answer, Server, until, within};

/// The service, and a server that has it as the integration `shop`, with further keys.
async fn shop(further: Value) -> (Yoga, Server) {
    let yoga = Yoga::start();
    let server = Server::begin().allow_at(yoga.address()).start().await;
    let mut config = json!({ "integration_id": "shop", "type": "graphql", "base_url": yoga.url("/graphql") });
    config.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    server.has(&config).await;
    (yoga, server)
}

async fn ask(server: &Server, query: &str, variables: Value) -> Answer {
    server.call("shop", &json!({ "query": query, "variables": variables })).await
}

/// What the service says of itself at this path.
async fn told(yoga: &Yoga, path: &str) -> Value {
    let request = Request::get(path).header("host", yoga.address().to_string());
    let stream = hyper_util::rt::TokioIo::new(crate::harness::connect(yoga.address()).await);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let response = sender.send_request(request.body(Full::<bytes::Bytes>::default()).unwrap()).await.unwrap();
    Answer::of(response).await.json()
}

/// Who subscribed.
struct Reader(Events);

impl Reader {
    async fn open(server: &Server, query: &str) -> Self {
        let body = json!({ "query": query }).to_string();
        let request =
            Request::post("/api/v1/integrations/shop/stream").header("content-type", "application/json");
        let response: Response<Incoming> =
            server.open(request.body(Full::new(bytes::Bytes::from(body))).unwrap()).await;
        let (head, body) = response.into_parts();
        assert_eq!(head.status, StatusCode::OK, "{:?}", body.collect().await);
        let body = body.map_err(|error| Error::new(Kind::Protocol, error.to_string()));
        Self(Events::new(Body::stream(body)))
    }

    async fn next(&mut self) -> Option<(String, Value)> {
        let Event { name, data } = within("an event", self.0.next()).await?.unwrap();
        Some((name.into_owned(), serde_json::from_slice(&data).unwrap_or_default()))
    }
}

#[tokio::test]
async fn queries_mutations_and_what_fails_of_them() {
    let (yoga, server) = shop(json!({})).await;
    let answer =
        ask(&server, "query($id: ID!) { thing(id: $id) { name } }", json!({ "id": 7 })).await.is(200);
    assert_eq!(answer.json()["data"]["thing"]["name"], "thing 7");
    let answer = ask(&server, "{ thing(id: 1) { name broken } }", json!({})).await.is(200);
    assert_eq!(
        (answer.header("trunkline-partial-errors"), answer.json()["data"]["thing"]["name"].as_str()),
        ("1", Some("thing 1"))
    );
    ask(&server, "mutation { make(name: \"a\") { id } }", json!({})).await.is(200);
    for (code, status, kind) in [
        ("FORBIDDEN", 502, "forbidden"),
        ("BAD_USER_INPUT", 422, "rejected"),
        ("UNAUTHENTICATED", 502, "unauthenticated"),
    ] {
        let answer =
            ask(&server, "query($code: String!) { fail(code: $code) }", json!({ "code": code })).await;
        let problem = answer.problem(status, kind);
        assert_eq!(problem["upstream"]["body"]["errors"][0]["extensions"]["code"], code);
    }
    // What may have been applied is not done twice.
    let problem =
        ask(&server, "mutation { failing(name: \"b\") { id } }", json!({})).await.problem(502, "failed");
    assert_eq!((&problem["outcome"], &problem["attempts"]), (&json!("unknown"), &json!(1)));
    assert_eq!(told(&yoga, "/made").await, json!(["a", "b"]));
}

#[tokio::test]
async fn what_cannot_be_right_costs_no_request() {
    let (yoga, server) = shop(json!({ "schema": { "introspect": true }, "limits": { "depth": 3 } })).await;
    ask(&server, "{ thing(id: 1) { name } }", json!({})).await.is(200);
    let before = told(&yoga, "/seen").await;
    for (query, variables, word) in [
        ("{ thing(id: 1) { name }", json!({}), "line 1"),
        ("query($id: ID!) { thing(id: $id) { name } }", json!({}), "id"),
        ("query A { token } query B { token }", json!({}), "operation_name"),
        ("{ thing(id: 1) { nme } }", json!({}), "nme"),
        ("{ thing(id: 1) { next { next { next { name } } } } }", json!({}), "depth"),
        ("subscription { made { id } }", json!({}), "/stream"),
    ] {
        let problem = ask(&server, query, variables).await.problem(422, "invalid_config");
        assert!(problem["detail"].as_str().unwrap().contains(word), "{query}: {problem}");
    }
    assert_eq!(told(&yoga, "/seen").await, before);
}

#[tokio::test]
async fn a_service_that_throttles_is_waited_for_as_long_as_it_says() {
    let (_yoga, server) = shop(json!({ "retry_config": { "max_attempts": 2, "backoff": "1ms" } })).await;
    let began = Instant::now();
    let problem = ask(&server, "{ throttled }", json!({})).await.problem(429, "rate_limited");
    assert_eq!(problem["attempts"], 2);
    // Fifty points are missing, and five hundred come back in a second. The pause of the configuration is a millisecond.
    let waited = began.elapsed();
    assert!(waited > Duration::from_millis(50), "{waited:?}");
}

#[tokio::test]
async fn persisted_queries_batches_files_and_gets_are_understood() {
    let (_yoga, server) = shop(json!({ "persisted_queries": true, "queries_by": "get" })).await;
    for _ in 0..2 {
        let answer =
            ask(&server, "query($id: ID!) { thing(id: $id) { name } }", json!({ "id": 7 })).await.is(200);
        assert_eq!(answer.json()["data"]["thing"]["name"], "thing 7");
    }
    let batch = json!({ "batch": [{ "query": "{ thing(id: 1) { name } }" }, { "query": "{ thing(id: 2) { name } }" }] });
    let answer = server.call("shop", &batch).await.is(200).json();
    assert_eq!(answer[1]["data"]["thing"]["name"], "thing 2");
    let upload = json!({
        "query": "mutation($file: File!) { upload(file: $file) }", "variables": { "file": null },
        "files": { "variables.file": { "name": "a.txt", "media": "text/plain", "text": "hello" } },
    });
    assert_eq!(server.call("shop", &upload).await.is(200).json()["data"]["upload"], "a.txt text/plain hello");
}

#[tokio::test]
async fn subscriptions_come_over_either_protocol_and_are_shared() {
    for protocol in ["websocket", "sse"] {
        let (yoga, server) = shop(json!({ "subscriptions": { "protocol": protocol } })).await;
        let mut counted = Reader::open(&server, "subscription { count(to: 3) }").await;
        for n in 1..4 {
            assert_eq!(
                counted.next().await.unwrap(),
                ("next".into(), json!({ "data": { "count": n } })),
                "{protocol}"
            );
        }
        assert_eq!(counted.next().await.unwrap().0, "complete", "{protocol}");
        assert_eq!(counted.next().await, None);

        let query = "subscription { made { name } }";
        let (mut first, mut second) =
            (Reader::open(&server, query).await, Reader::open(&server, query).await);
        until("both subscriptions", async || {
            (told(&yoga, "/seen").await["subscriptions"] == 2).then_some(())
        })
        .await;
        ask(&server, "mutation { make(name: \"x\") { id } }", json!({})).await.is(200);
        for reader in [&mut first, &mut second] {
            let made = json!({ "data": { "made": { "name": "x" } } });
            assert_eq!(reader.next().await.unwrap(), ("next".into(), made), "{protocol}");
        }

        let mut breaks = Reader::open(&server, "subscription { breaks }").await;
        for n in 1..3 {
            assert_eq!(breaks.next().await.unwrap().1, json!({ "data": { "breaks": n } }), "{protocol}");
        }
    }
}

#[tokio::test]
async fn who_is_subscribed_is_subscribed_again_where_the_connection_breaks() {
    let (yoga, server) = shop(json!({ "subscriptions": {} })).await;
    let mut reader = Reader::open(&server, "subscription { made { name } }").await;
    for losses in 1..3 {
        until("the subscription", async || {
            (told(&yoga, "/seen").await["subscriptions"] == losses).then_some(())
        })
        .await;
        ask(&server, "mutation { make(name: \"a\") { id } }", json!({})).await.is(200);
        assert_eq!(reader.next().await.unwrap().1, json!({ "data": { "made": { "name": "a" } } }));
        told(&yoga, "/lose").await;
        assert_eq!(reader.next().await.unwrap().0, "reconnected");
    }
}

#[tokio::test]
async fn a_token_that_expires_is_replaced_for_calls_and_for_those_who_are_subscribed() {
    let yoga = Yoga::start();
    let server = Server::begin().allow_at(yoga.address()).start().await;
    server
        .has(&json!({
            "integration_id": "shop", "type": "graphql", "base_url": yoga.url("/graphql"),
            "subscriptions": { "credential_in": "connection_init" },
            // Each token that is asked for is the only one that is good.
            "auth_type": "custom", "auth_config": {
                "request": { "url": yoga.url("/expire"), "method": "GET" }, "token": { "pointer": "/token" },
            },
        }))
        .await;
    let query = "subscription { made { name } }";
    let mut reader = Reader::open(&server, query).await;
    until("the subscription", async || (told(&yoga, "/seen").await["subscriptions"] == 1).then_some(()))
        .await;
    ask(&server, "mutation { make(name: \"a\") { id } }", json!({})).await.is(200);
    assert_eq!(reader.next().await.unwrap().1, json!({ "data": { "made": { "name": "a" } } }));
    // Somebody else takes one, and everybody's connections are closed.
    told(&yoga, "/expire").await;
    assert_eq!(reader.next().await.unwrap().0, "reconnected");
    until("it again", async || (told(&yoga, "/seen").await["subscriptions"] == 2).then_some(())).await;
    ask(&server, "mutation { make(name: \"b\") { id } }", json!({})).await.is(200);
    assert_eq!(reader.next().await.unwrap().1, json!({ "data": { "made": { "name": "b" } } }));
    assert_eq!(told(&yoga, "/made").await, json!(["a", "b"]));
}

//! What is made of the answers. The cases by status, media type and code stand beside the code.

use std::time::Duration;

use http::{Response, header};
use serde_json::json;
use trunkline_core::{Body, Kind, Outcome, Proof};
use trunkline_testkit::Peer;

use crate::common::{Service, answer, says};

#[tokio::test]
async fn data_with_errors_is_a_success_that_says_so() {
    let peer = says(200, json!({"data": {"a": null, "b": 1}, "errors": [{"message": "no"}]})).await;
    let reply = Service::new(&peer, json!({})).json(json!({"query": "mutation { a b }"})).await.unwrap();
    assert_eq!(reply.headers["trunkline-partial-errors"], "1");
}

#[tokio::test]
async fn nobody_but_us_says_how_many_errors_there_were() {
    let peer = Peer::http(|_| {
        let mut response = answer(200, &json!({"data": {"a": 1}}));
        response.headers_mut().insert("trunkline-partial-errors", 9.into());
        response
    })
    .await;
    let reply = Service::new(&peer, json!({})).json(json!({"query": "{ a }"})).await.unwrap();
    assert!(!reply.headers.contains_key("trunkline-partial-errors"));
}

#[tokio::test]
async fn errors_alone_are_an_error_that_holds_the_answer() {
    let error = json!({"message": "low on quota", "extensions": {"code": "QUOTA"}});
    let peer = says(200, json!({"errors": [error, {}]})).await;
    let service = Service::new(&peer, json!({"error_codes": {"QUOTA": "rate_limited"}}));
    let error = service.json(json!({"query": "mutation { a }"})).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::RateLimited, Outcome::Rejected));
    assert_eq!(error.message(), "the service answered with an error: low on quota (QUOTA)");
    assert_eq!(error.context(), [("code", "QUOTA".to_owned()), ("errors", "2".to_owned())]);
    assert!(error.into_reply().unwrap().text().await.unwrap().contains("low on quota"));
}

#[tokio::test]
async fn a_throttled_request_says_how_long_to_wait() {
    let status = json!({"maximumAvailable": 1000.0, "currentlyAvailable": 50, "restoreRate": 50.0});
    let cost = json!({"requestedQueryCost": 200, "actualQueryCost": null, "throttleStatus": status});
    let error = json!({"message": "Throttled", "extensions": {"code": "THROTTLED"}});
    let peer = says(200, json!({"errors": [error], "extensions": {"cost": cost}})).await;
    let service = Service::new(&peer, json!({}));
    let error = service.json(json!({"query": "mutation { a }"})).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::RateLimited, Outcome::Rejected));
    assert_eq!(error.wait(), Some(Duration::from_secs(3)));
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_not_taken() {
    let peer = says(200, json!({"data": {"a": "x".repeat(2000)}})).await;
    let service = Service::new(&peer, json!({"max_bytes": 1000}));
    let error = service.json(json!({"query": "{ a }"})).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Protocol);
    assert!(error.message().contains("longer than 1000 bytes"), "{error}");
}

#[tokio::test]
async fn a_page_of_a_proxy_that_fails_is_known_by_its_status() {
    let peer = Peer::http(|_| {
        let response = Response::builder().status(502).header(header::CONTENT_TYPE, "text/html");
        response.body(Body::from("<html>bad gateway</html>")).unwrap()
    })
    .await;
    let error = Service::new(&peer, json!({})).json(json!({"query": "mutation { a }"})).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Unavailable, Outcome::Unknown));
    assert_eq!(error.into_reply().unwrap().text().await.unwrap(), "<html>bad gateway</html>");
}

#[tokio::test]
async fn a_probe_asks_what_every_service_can_answer() {
    let peer = says(200, json!({"data": {"__typename": "Query"}})).await;
    let proof = Service::new(&peer, json!({"queries": {"a": "{ a }"}, "only_queries": true})).probe().await;
    assert_eq!(proof.unwrap(), Proof::ANSWERED);
    let strict = says(400, json!({"errors": [{"message": "only known documents"}]})).await;
    let proof = Service::new(&strict, json!({})).probe().await.unwrap();
    assert!(proof.warning.unwrap().contains("only known documents"));
    let closed = Peer::http(|_| {
        answer(401, &json!({"errors": [{"message": "who", "extensions": {"code": "UNAUTHENTICATED"}}]}))
    })
    .await;
    let error = Service::new(&closed, json!({})).probe().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unauthenticated);
}

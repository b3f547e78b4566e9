//! `/call`: one JSON in, the reply's body out; errors name the key or say what the service answered.

use http::{Response, StatusCode};
use serde_json::{Value, json};
use trunkline::Body;
use trunkline_testkit::{Peer, Received};

use crate::harness::Server;

fn answer(received: Received) -> Response<Body> {
    let mut response = Response::new(Body::from(received.uri.to_string()));
    match received.uri.path() {
        "/created" => *response.status_mut() = StatusCode::CREATED,
        "/empty" => {
            *response.status_mut() = StatusCode::NO_CONTENT;
            *response.body_mut() = Body::Empty;
        }
        "/html" => {
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            *response.body_mut() = Body::from("<html>oops</html>");
        }
        "/invalid" => {
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            *response.body_mut() = Body::from("{\"field\": [\"name\",  1.50]}");
        }
        "/slow-down" => {
            *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            response.headers_mut().insert("retry-after", "7".parse().unwrap());
        }
        "/denied" => *response.status_mut() = StatusCode::UNAUTHORIZED,
        "/cookie" => {
            response.headers_mut().insert("set-cookie", "a=1".parse().unwrap());
        }
        "/gzip" => {
            // `gzip -n` of the word `hello`
            let bytes: &[u8] =
                b"\x1f\x8b\x08\0\0\0\0\0\x02\x03\xcbH\xcd\xc9\xc9\x07\0\x86\xa6\x106\x05\0\0\0";
            *response.body_mut() = Body::from(bytes.to_vec());
            response.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
        }
        _ => {}
    }
    response
}

async fn pair() -> (Peer, Server) {
    let peer = Peer::http(answer).await;
    let server = Server::beside(&peer).await;
    server.has(&json!({"integration_id": "a", "type": "rest", "base_url": peer.url()})).await;
    (peer, server)
}

#[tokio::test]
async fn a_good_answer_keeps_its_status_its_headers_and_its_bytes() {
    let (_peer, server) = pair().await;
    let created = server
        .call("a", &json!({"endpoint": "/created", "params": {"a": [1, 2], "b": "c d", "n": null}}))
        .await;
    assert_eq!(created.is(201).text(), "/created?a=1&a=2&b=c%20d");
    assert_eq!(server.call("a", &json!({"endpoint": "/empty"})).await.is(204).body.len(), 0);
    let gzip = server.call("a", &json!({"endpoint": "/gzip"})).await.is(200);
    assert_eq!((gzip.text(), gzip.headers.get("content-encoding")), ("hello", None));
    assert!(
        !server.call("a", &json!({"endpoint": "/cookie"})).await.is(200).headers.contains_key("set-cookie")
    );
}

#[tokio::test]
async fn an_empty_request_is_a_get_of_the_base() {
    let (peer, server) = pair().await;
    for request in
        [json!({}), json!({"endpoint": ""}), json!({"method": null, "endpoint": null, "json": null})]
    {
        server.call("a", &request).await.is(200);
    }
    for received in peer.received() {
        assert_eq!((received.method.as_str(), received.uri.path()), ("GET", "/"));
    }
}

#[tokio::test]
async fn a_bad_answer_is_a_problem_with_what_the_service_said() {
    let (_peer, server) = pair().await;
    let once = json!({"retry_config": {"max_attempts": 1}, "rate_limit": {"learn": false}});
    server.json("PATCH", "/api/v1/integrations/a", &once).await.is(200);
    for (endpoint, status, kind, upstream, body) in [
        ("/invalid", 422, "rejected", 422, json!({"field": ["name", 1.5]})),
        ("/html", 502, "unavailable", 502, json!("<html>oops</html>")),
        ("/slow-down", 429, "rate_limited", 429, json!("/slow-down")),
        ("/denied", 502, "unauthenticated", 401, json!("/denied")),
    ] {
        let answer = server.call("a", &json!({"endpoint": endpoint})).await;
        assert_eq!(answer.header("retry-after"), if status == 429 { "7" } else { "" });
        let problem = answer.problem(status, kind);
        assert_eq!(problem["upstream"], json!({"status": upstream, "body": body}));
        assert_eq!((&problem["integration"], &problem["attempts"]), (&json!("a"), &json!(1)));
        assert_eq!(problem.get("retry_at").is_some(), status == 429);
    }
}

#[tokio::test]
async fn a_long_error_of_the_service_is_shown_as_far_as_it_goes() {
    let peer = Peer::http(|_| {
        let mut response = Response::new(Body::from("é".repeat(100_000)));
        *response.status_mut() = StatusCode::BAD_REQUEST;
        response
    })
    .await;
    let server = Server::beside(&peer).await;
    server.has(&json!({"integration_id": "a", "type": "rest", "base_url": peer.url()})).await;
    let problem = server.call("a", &json!({})).await.problem(422, "rejected");
    let shown = problem["upstream"]["body"].as_str().unwrap();
    assert!(shown.len() <= 64 << 10 && shown.len() > 60_000 && shown.chars().all(|c| c == 'é'));
}

#[tokio::test]
async fn a_request_that_is_not_one_names_the_key_and_is_not_sent() {
    let (peer, server) = pair().await;
    for (request, word) in [
        (json!({"methd": "GET"}), "did you mean `method`"),
        (json!({"method": "GE T"}), "method"),
        (json!({"method": "CONNECT"}), "method"),
        (json!({"method": 5}), "method"),
        (json!({"endpoint": "https://evil.example/"}), "endpoint"),
        (json!({"endpoint": "//evil.example/"}), "endpoint"),
        (json!({"endpoint": "/a/../b"}), "endpoint"),
        (json!({"endpoint": "/a\r\nx: y"}), "endpoint"),
        (json!({"endpoint": "\\evil"}), "endpoint"),
        (json!({"headers": {"a\nb": "c"}}), "headers"),
        (json!({"headers": {"a": "c\r\nhost: evil"}}), "headers"),
        (json!({"headers": {"host": "evil"}}), "headers"),
        (json!({"headers": {"transfer-encoding": "chunked"}}), "headers"),
        (json!({"headers": ["a"]}), "headers"),
        (json!({"params": "a=b"}), "params"),
        (json!({"params": {"a": {"b": 1}}}), "params.a"),
        (json!({"json": 1, "data": "x"}), "one body"),
        (json!({"base64": "%"}), "base64"),
        (json!([]), "object"),
        (json!("GET /"), "object"),
        (json!(null), "object"),
    ] {
        let problem = server.call("a", &request).await.problem(422, "invalid_config");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(word), "{request}: {detail}");
    }
    assert!(peer.received().is_empty());
}

#[tokio::test]
async fn a_test_says_how_far_it_came() {
    let (_peer, server) = pair().await;
    let last = |tested: &Value| {
        let step = tested["steps"].as_array().unwrap().last().unwrap().clone();
        (step["step"].as_str().unwrap().to_owned(), step["ok"].as_bool().unwrap())
    };
    let good = server.test("a", &json!({"endpoint": "/created"})).await;
    assert_eq!(last(&good), ("request".to_owned(), true), "{good}");
    let bad = server.test("a", &json!({"endpoint": "/invalid"})).await;
    assert_eq!(last(&bad), ("request".to_owned(), false), "{bad}");
    assert_eq!(bad["problem"]["upstream"]["status"], 422);
    let wrong = server.test("a", &json!({"methd": "GET"})).await;
    assert!(wrong["status"] == "error" && wrong["error"].as_str().unwrap().contains("methd"), "{wrong}");
    assert_eq!(server.test("a", &json!({})).await["result"], "reachable_only");
    assert_eq!(server.test("a", &json!({"endpoint": "/empty"})).await["result"], Value::Null);
}

#[tokio::test]
async fn a_reply_in_time_is_waited_for_and_one_beyond_it_is_a_timeout() {
    let peer = Peer::live(|_| std::future::pending::<Response<Body>>()).await;
    let server = Server::beside(&peer).await;
    server
        .has(&json!({"integration_id": "a", "type": "rest", "base_url": peer.url(), "timeout": "200ms"}))
        .await;
    let problem = server.call("a", &json!({"method": "POST"})).await.problem(504, "timeout");
    assert_eq!(problem["outcome"], "unknown");
    server.get("/api/v1/integrations/a/proxy/").await.problem(504, "timeout");
}

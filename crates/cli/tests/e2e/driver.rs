//! Type `custom` with the driver in `examples/driver`: plain Python against the real server.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Request, Response};

use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use serde_json::{Value, json};
use trunkline::Body;
use trunkline_testkit::Peer;

use crate::harness::{Driver, Server, within};

/// A server that has the driver as the integration `files`, with further keys.
async fn behind(driver: &Driver, further: Value) -> Server {
    let server =
        Server::begin().allow_at(driver.url.strip_prefix("http://").unwrap().parse().unwrap()).start().await;
    let mut config = json!({
        "integration_id": "files", "type": "custom", "base_url": driver.url, "driver_token": Driver::TOKEN,
        "read_only": { "/action": ["get", "list"] },
    });
    config.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    server.has(&config).await;
    server
}

#[tokio::test]
async fn a_program_in_another_language_is_an_integration_like_any_other() {
    let driver = Driver::start().await;
    let server = behind(&driver, json!({})).await;
    let get = json!({ "action": "get", "file": "customers", "where": { "id": 7 } });
    let reply = server.call("files", &get).await.is(200);
    assert_eq!(
        (reply.header("content-type"), reply.json()),
        ("application/json", json!([{ "id": "7", "name": "Ada" }]))
    );
    let add = json!({ "action": "add", "file": "customers", "row": { "id": 9, "name": "Edsger" } });
    server.call("files", &add).await.is(200);
    assert!(driver.rows().ends_with("9,Edsger\r\n"), "{:?}", driver.rows());
    let wrong = json!({ "action": "add", "file": "customers", "row": { "mail": "x" } });
    let problem = server.call("files", &wrong).await.problem(422, "rejected");
    assert_eq!(problem["detail"], "row: may have id, name");
    assert_eq!(problem["upstream"]["body"], json!({ "columns": ["id", "name"] }));
    let problem = server.call("files", &json!({ "action": "drop" })).await.problem(422, "invalid_config");
    assert!(problem["detail"].as_str().unwrap().contains("list, get, add"), "{problem}");
    // What makes no sense is no reason to take it for dead.
    for odd in
        [json!({ "where": 5 }), json!({ "where": null }), json!({ "action": ["get"] }), json!({ "file": 7 })]
    {
        let mut request = get.clone();
        request.as_object_mut().unwrap().extend(odd.as_object().unwrap().clone());
        assert_eq!(server.call("files", &request).await.status, 422, "{odd}");
    }
    let health = server.get("/api/v1/integrations/files/health").await.is(200).json();
    assert_eq!(
        (&health["state"], &health["reason_code"]),
        (&json!("healthy"), &json!("answered")),
        "{health}"
    );
    let schema = server.get("/api/v1/integrations/files/schema").await.is(200).json();
    assert_eq!(schema["files"][0], json!({ "name": "customers", "columns": ["id", "name"] }));
    assert_eq!(server.test("files", &get).await["status"], "success");
}

#[tokio::test]
async fn what_a_driver_sends_by_itself_is_subscribed_to() {
    let driver = Driver::start().await;
    let server = behind(&driver, json!({})).await;
    let mut stream = server.cli_begin(&["--json", "stream", "files", "-r", r#"{"file": "customers"}"#]);
    // The driver tells what is added once it follows; which is when its answer has come.
    let added = async {
        for n in 0.. {
            let add = json!({ "action": "add", "file": "customers", "row": { "id": n, "name": "x" } });
            server.call("files", &add).await.is(200);
            tokio::task::yield_now().await;
        }
    };
    let line = tokio::select! {
        line = stream.line_with("event") => line,
        () = added => unreachable!("it has no end"),
    };
    assert!(line.starts_with(r#"{"event":"message","data":{"id": ""#), "{line}");
    let problem = server
        .post("/api/v1/integrations/files/stream", &json!({ "file": "../customers" }))
        .await
        .problem(422, "rejected");
    assert!(problem["detail"].as_str().unwrap().contains("file: must be a name"), "{problem}");
}

#[tokio::test]
async fn a_driver_that_is_gone_or_refuses_the_token_is_named() {
    let mut driver = Driver::start().await;
    let server = behind(
        &driver,
        json!({ "driver_token": "another-0123456789", "retry_config": { "max_attempts": 2 } }),
    )
    .await;
    let list = json!({ "action": "list" });
    let problem = server.call("files", &list).await.problem(502, "forbidden");
    assert!(problem["detail"].as_str().unwrap().contains("driver_token"), "{problem}");
    assert!(!problem.to_string().contains("another-0123456789"));
    server
        .json("PATCH", "/api/v1/integrations/files", &json!({ "driver_token": Driver::TOKEN }))
        .await
        .is(200);
    server.call("files", &list).await.is(200);
    driver.kill().await;
    let problem = server.call("files", &list).await.problem(502, "unavailable");
    assert!(problem["detail"].as_str().unwrap().starts_with("the driver: "), "{problem}");
    assert_eq!((&problem["outcome"], &problem["attempts"]), (&json!("not_sent"), &json!(2)));
    let shown = server.get("/api/v1/integrations/files").await.is(200);
    assert!(!shown.text().contains(Driver::TOKEN), "{}", shown.text());
}

#[tokio::test]
async fn each_subscriber_has_a_stream_of_its_own_whatever_is_kept_of_replies() {
    let driver = Peer::http(|_| {
        let event = stream::iter([Ok(Frame::data(Bytes::from_static(b"data: \xC3(\n\n")))]);
        let body = Body::stream(StreamBody::new(event.chain(stream::pending())));
        Response::builder().header("content-type", "text/event-stream").body(body).unwrap()
    })
    .await;
    let server = Server::beside(&driver).await;
    let url = format!("http://{}", driver.address());
    server
        .has(&json!({
            "integration_id": "feed", "type": "custom", "base_url": url, "cache_config": { "ttl": 60 },
        }))
        .await;
    let mut readers = Vec::new();
    for _ in 0..3 {
        let request = Request::get("/api/v1/integrations/feed/stream?file=a");
        let request = request.body(Full::<Bytes>::default()).unwrap();
        let mut body = within("a stream", server.open(request)).await.into_body();
        let event = within("an event", body.frame()).await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(event, "data: \u{fffd}(\n\n");
        readers.push(body);
    }
}

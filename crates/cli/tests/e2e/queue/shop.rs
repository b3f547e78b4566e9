//! What every broker does for its callers.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty, Full};
use serde_json::{Value, json};

use super::{AT, Broker, Shop};
use crate::stream::{Reader, Socket};

pub(super) async fn the_request_of_the_original_is_answered_unchanged<B: Broker>() {
    let Some(shop) = Shop::<B>::open(json!({})).await else { return };
    // What is declared is there once there is a connection.
    let sent = shop.ask(json!({"queue": "orders", "message": {"n": 0}, "wait_response": false})).await;
    assert!(sent["message_id"].is_string(), "{sent}");
    let first = shop.pull().await;
    shop.ack(&first).await;
    assert_eq!(first["message"], json!({"n": 0}));
    let request = json!({"queue": "orders", "message": {"n": 1, "price": 1.50}, "wait_response": true});
    let (answer, asked) =
        tokio::join!(shop.server.call("shop", &request), shop.answer(json!({"done": true})));
    assert_eq!(answer.is(200).json(), json!({"done": true}));
    assert_eq!(asked["message"], request["message"]);
    // Nobody answers.
    let path = format!("{AT}/call");
    let late = shop.server.with(
        "POST",
        &path,
        &[("content-type", "application/json"), ("trunkline-timeout", "300ms")],
        json!({"queue": "orders", "message": 2, "wait_response": true}).to_string(),
    );
    let problem = late.await.json();
    assert_eq!((&problem["kind"], &problem["outcome"]), (&json!("timeout"), &json!("unknown")), "{problem}");
    assert_eq!(shop.pull().await["message"], 2, "it is there all the same, once");
}

pub(super) async fn what_is_sent_is_received_acknowledged_and_gone<B: Broker>() {
    let Some(shop) = Shop::<B>::open(json!({})).await else { return };
    let messages: Vec<_> = (0..20).map(|n| json!({ "message": { "n": n } })).collect();
    let sent = shop.ask(json!({"queue": "orders", "messages": messages})).await;
    assert_eq!((&sent["published"], &sent["failed"]), (&json!(20), &json!(0)), "{sent}");
    assert_eq!(sent["results"].as_array().unwrap().len(), 20);

    let first = shop.pull().await;
    assert_eq!(first["queue"], "orders", "{first}");
    let said = shop.ask(json!({ "requeue": [first["token"]] })).await;
    assert_eq!(said, json!({"settled": 1, "failed": []}));
    let mut seen = Vec::new();
    let mut done: Vec<Value> = Vec::new();
    while seen.len() < 20 {
        // What came before is acknowledged with the next pull.
        let pull = json!({"queue": "orders", "receive": {"max": 8, "wait": 10}, "ack": done});
        let came = shop.ask(pull).await;
        assert!(came.get("failed").is_none(), "{came}");
        let came = came["messages"].as_array().unwrap().clone();
        assert!(!came.is_empty(), "{seen:?}");
        done = came.iter().map(|message| message["token"].clone()).collect();
        seen.extend(came.iter().map(|message| message["message"]["n"].as_u64().unwrap()));
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..20).collect::<Vec<_>>());
    // One of these is not known, and the others are heard all the same.
    done.push("nobody-was-given-this".into());
    let said = shop.ask(json!({ "ack": done })).await;
    assert_eq!(
        (&said["settled"], &said["failed"][0]["error"]["kind"]),
        (&json!(done.len() - 1), &json!("rejected"))
    );
    let none = shop.ask(json!({"queue": "orders", "receive": {"max": 8}})).await;
    assert_eq!(none, json!({"messages": []}));
}

pub(super) async fn a_stream_is_acknowledged_by_calls<B: Broker>() {
    let Some(shop) = Shop::<B>::open(json!({})).await else { return };
    let messages: Vec<_> = (0..3).map(|n| json!({ "message": n })).collect();
    shop.ask(json!({"queue": "orders", "messages": messages})).await;
    let path = format!("{AT}/stream?queue=orders&prefetch=1{}", B::listen());
    let mut reader = Reader::at(&shop.server, &path).await;
    let told = |text: String| serde_json::from_str::<Value>(&text).unwrap();
    for n in 0..2 {
        let message = told(reader.message().await);
        assert_eq!(message["message"], n, "{message}");
        shop.ack(&message).await;
    }
    let last = told(reader.message().await);
    drop(reader);
    // What it had and did not acknowledge comes to the next one.
    let again = shop.pull().await;
    assert_eq!(again["message"], last["message"], "{again}");
    if B::tells_redelivery() {
        assert_eq!(again["redelivered"], true, "{again}");
    }
    shop.server.call("shop", &json!({ "ack": [last["token"]] })).await.problem(422, "rejected");
    shop.ack(&again).await;
}

/// So many messages, together more than is on its way between two sockets.
const LONG: usize = 8;

pub(super) async fn a_client_that_vanishes_while_it_is_answered_takes_no_message_along<B: Broker>() {
    let Some(shop) = Shop::<B>::open(json!({})).await else { return };
    let text = "x".repeat(3 << 20);
    for n in 0..LONG {
        shop.ask(json!({"queue": "orders", "text": text, "message_id": n.to_string()})).await;
    }
    let pull = json!({"queue": "orders", "receive": {"max": LONG, "wait": 10, "ack": "auto"}});
    let request = Request::post(format!("{AT}/call")).header("content-type", "application/json");
    let mut answer = shop.server.open(request.body(Full::<Bytes>::from(pull.to_string())).unwrap()).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.body_mut().frame().await.unwrap().is_ok(), "it is being written");
    drop(answer);
    let mut came = BTreeSet::new();
    while came.len() < LONG {
        let some = shop.ask(pull.clone()).await;
        for one in some["messages"].as_array().unwrap() {
            assert!(came.insert(one["message_id"].as_str().unwrap().to_owned()), "it comes once");
        }
    }
    let none = json!({"queue": "orders", "receive": {"max": 1}});
    assert_eq!(shop.ask(none).await, json!({"messages": []}));
}

/// What it has taken to be written is a few of them at most; all that is behind waits, and comes to whoever is next.
pub(super) async fn what_is_behind_a_client_that_never_reads_comes_to_the_next<B: Broker>() {
    const MANY: usize = 16;
    let Some(shop) = Shop::<B>::open(json!({})).await else { return };
    let request = Request::get(format!("{AT}/stream?queue=orders&ack=auto"));
    let slow = shop.server.open(request.body(Empty::<Bytes>::new()).unwrap()).await;
    assert_eq!(slow.status(), 200);
    let text = "x".repeat(3 << 20);
    for n in 0..MANY {
        shop.ask(json!({"queue": "orders", "text": text, "message_id": n.to_string()})).await;
    }
    drop(slow);
    // The first ones were on their way between two sockets, where no more than a few have room.
    let mut came = BTreeSet::new();
    while !(MANY / 2..MANY).all(|n| came.contains(&n.to_string())) {
        let one = shop.pull().await;
        shop.ack(&one).await;
        assert!(came.insert(one["message_id"].as_str().unwrap().to_owned()), "it comes once");
    }
}

pub(super) async fn a_websocket_has_the_same_messages<B: Broker>() {
    let Some(shop) = Shop::<B>::open(json!({})).await else { return };
    shop.ask(json!({"queue": "orders", "messages": [{"message": {"a": 1}}, {"text": "b"}]})).await;
    let mut socket = Socket::at(&shop.server, &format!("{AT}/stream?queue=orders&prefetch=1")).await;
    let first: Value = serde_json::from_str(&socket.text().await).unwrap();
    assert_eq!(first["message"], json!({"a": 1}), "{first}");
    shop.ack(&first).await;
    let second: Value = serde_json::from_str(&socket.text().await).unwrap();
    assert_eq!(second["text"], "b", "{second}");
    shop.server.delete(AT).await.is(200);
    let end = socket.text().await;
    assert!(end.starts_with(r#"{"event":"error","data":{"kind":"shutting_down""#), "{end}");
    assert_eq!(socket.closed().await, (1001, "shutting_down".into()));
}

pub(super) async fn it_is_tested_and_its_health_and_queues_are_shown<B: Broker>() {
    let Some(shop) = Shop::<B>::open(json!({})).await else { return };
    let tested = shop.server.test("shop", &json!({"queue": "orders", "message": {"a": 1}})).await;
    assert_eq!(tested["status"], "success", "{tested}");
    let tested =
        shop.server.test("shop", &json!({"queue": "orders", "receive": {"max": 1, "ack": "auto"}})).await;
    assert_eq!(tested["status"], "success", "{tested}");
    let tested = shop.server.test("shop", &json!({"queue": "orders"})).await;
    assert_eq!(tested["status"], "error", "{tested}");
    let health = shop.server.get(&format!("{AT}/health")).await.is(200).json();
    assert_eq!(health["state"], "healthy", "{health}");
    let schema = shop.server.get(&format!("{AT}/schema")).await.is(200).json();
    assert_eq!(
        (&schema["queues"][0]["name"], &schema["queues"][0]["messages"]),
        (&json!("orders"), &json!(0))
    );
}

pub(super) async fn it_is_switched_off_and_removed<B: Broker>() {
    let Some(shop) = Shop::<B>::open(json!({})).await else { return };
    let server = &shop.server;
    let mut reader = Reader::at(server, &format!("{AT}/stream?queue=orders")).await;
    server.json("PATCH", AT, &json!({"enabled": false})).await.is(200);
    let (name, data) = reader.next().await.unwrap();
    assert!(name == "error" && data.contains("\"shutting_down\""), "{name} {data}");
    assert_eq!(reader.next().await, None);
    for request in [json!({"queue": "orders", "message": 1}), json!({"queue": "orders", "receive": {}})] {
        server.call("shop", &request).await.problem(409, "disabled");
    }
    server.get(&format!("{AT}/stream?queue=orders")).await.problem(409, "disabled");

    server.json("PATCH", AT, &json!({"enabled": true})).await.is(200);
    shop.ask(json!({"queue": "orders", "message": 1})).await;
    let mut reader = Reader::at(server, &format!("{AT}/stream?queue=orders")).await;
    reader.message().await;
    server.delete(AT).await.is(200);
    let (name, data) = reader.next().await.unwrap();
    assert!(name == "error" && data.contains("\"shutting_down\""), "{name} {data}");
    assert_eq!(reader.next().await, None);
    server.call("shop", &json!({"queue": "orders", "message": 1})).await.problem(404, "unknown_integration");
}

pub(super) async fn the_command_line_sends_listens_and_lists<B: Broker>() {
    let Some(shop) = Shop::<B>::open(json!({})).await else { return };
    let server = &shop.server;
    let ran = server.cli(&["call", "shop", "-r", r#"{"queue": "orders", "message": {"n": 1}}"#]).await.is(0);
    assert!(ran.json()["message_id"].is_string(), "{ran:?}");
    let ran =
        server.cli(&["call", "shop", "-r", r#"{"queue": "orders", "receive": {"wait": 10}}"#]).await.is(0);
    let came = ran.json();
    assert_eq!(came["messages"][0]["message"], json!({"n": 1}), "{came}");
    let ack = json!({ "ack": [came["messages"][0]["token"]] }).to_string();
    assert_eq!(server.cli(&["call", "shop", "-r", &ack]).await.is(0).json()["settled"], 1);

    // The queue may be named as the streams of other services are.
    let mut begun = server.cli_begin(&["stream", "shop", "orders"]);
    shop.ask(json!({"queue": "orders", "message": {"n": 2}})).await;
    let line = begun.line_with("orders").await;
    assert!(serde_json::from_str::<Value>(&line).unwrap()["token"].is_string(), "{line}");
    drop(begun);
    // What was not acknowledged comes to the next one.
    let mut begun = server.cli_begin(&["stream", "shop", "-r", r#"{"queue": "orders", "ack": "auto"}"#]);
    let line = begun.line_with("orders").await;
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["message"], json!({"n": 2}), "{line}");
    drop(begun);

    let ran = server.cli(&["schema", "shop"]).await.is(0);
    assert!(ran.stdout.contains("orders"), "{ran:?}");
    let ran = server.cli(&["health", "shop"]).await.is(0);
    assert!(ran.stdout.contains("healthy"), "{ran:?}");
    let ran = server.cli(&["call", "shop", "/orders"]).await;
    assert!(ran.code == 2 && ran.stderr.contains("queue"), "{ran:?}");
}

pub(super) async fn its_password_is_never_shown<B: Broker>() {
    let Some(shop) = Shop::<B>::open(json!({})).await else { return };
    let url = shop.broker.url();
    let Some((login, _)) = url.rsplit_once('@') else { return };
    let secret = login.rsplit_once(':').unwrap().1;
    let shown = shop.server.get(AT).await.is(200);
    assert!(!shown.text().contains(secret), "{}", shown.text());
    // What was read masked and is sent back is as it was.
    let mut config = shown.json();
    assert!(config["base_url"].as_str().unwrap().contains("********"), "{config}");
    let patch = json!({ "base_url": config["base_url"].take(), "max_deliveries": 7 });
    shop.server.json("PATCH", AT, &patch).await.is(200);
    shop.ask(json!({"queue": "orders", "message": 1})).await;
    // And goes nowhere else.
    let elsewhere = patch["base_url"].as_str().unwrap().replace("127.0.0.1", "127.0.0.2");
    shop.server.json("PATCH", AT, &json!({ "base_url": elsewhere })).await.problem(422, "invalid_config");
    let wrong = url.replace(secret, "hunter2");
    shop.server.json("PATCH", AT, &json!({ "base_url": wrong })).await.is(200);
    let problem = shop.server.call("shop", &json!({"queue": "orders", "message": 1})).await;
    assert_eq!(problem.json()["kind"], "unauthenticated", "{}", problem.text());
    let health = shop.server.get(&format!("{AT}/health")).await;
    let activity = shop.server.get("/api/v1/activity").await;
    let log = shop.server.log();
    for text in [problem.text(), health.text(), activity.text(), &log] {
        assert!(!text.contains("hunter2") && !text.contains(secret), "{text}");
    }
}

pub(super) async fn the_server_takes_leave_of_it_when_it_stops<B: Broker>() {
    let Some(shop) = Shop::<B>::open(json!({})).await else { return };
    shop.ask(json!({"queue": "orders", "message": 1})).await;
    let held = shop.pull().await;
    let log = shop.server.stop().await.log();
    assert!(!log.contains("not closed in time"), "{log}");
    assert_eq!(held["message"], 1);
}

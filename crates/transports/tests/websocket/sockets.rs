//! `websocket` against PyPI `websockets`, which behaves as services do: well, oddly, and badly.

use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use trunkline_core::{Kind, Outcome, Transport};
use trunkline_testkit::Sockets;

use crate::common::Client;

fn by_id() -> Value {
    json!({ "correlation": { "request": "/id" } })
}

#[tokio::test]
async fn a_thousand_calls_that_are_answered_in_reverse_get_each_their_own_answer() {
    let service = Sockets::start();
    let client = Arc::new(Client::of(&service.url("/backwards?n=1000"), by_id()));
    let mut calls = JoinSet::new();
    for n in 0..1000 {
        let client = client.clone();
        calls.spawn(async move {
            let request = json!({ "message": { "id": format!("mine-{n}"), "n": n } });
            assert_eq!(client.call(&request).await.unwrap(), request["message"]);
        });
    }
    calls.join_all().await;
    assert_eq!(client.transport.occupancy().unwrap().opened, 1);
}

#[tokio::test]
async fn a_reply_that_comes_late_reaches_nobody_and_is_counted() {
    let service = Sockets::start();
    // By its id it is known and dropped; by its order it could be another's, so that the connection is given up. Who listens
    // does so over another one then.
    for (further, late, opened) in [(by_id(), 1, 1), (json!({ "replies_have": { "/reply": true } }), 0, 3)] {
        let client = Client::of(&service.url("/late"), further.clone());
        let mut reader = client.listen(&json!({})).await.unwrap();
        let message = |n: u32, wait: bool| json!({ "message": { "reply": true, "wait": wait, "n": n } });
        let waits = message(0, true);
        tokio::select! {
            reply = client.call(&waits) => panic!("{further}: {reply:?}"),
            // The service has it when its caller goes.
            held = reader.message() => assert_eq!(held, r#"{"held": true}"#),
        }
        for n in 1..10 {
            assert_eq!(client.call(&message(n, false)).await.unwrap()["n"], n, "{further}");
        }
        let occupancy = client.transport.occupancy().unwrap();
        assert_eq!((occupancy.streams.unwrap().late, occupancy.opened), (late, opened), "{further}");
    }
}

#[tokio::test]
async fn what_nobody_asked_for_answers_nobody_and_goes_to_those_who_listen() {
    let service = Sockets::start();
    let client = Client::of(&service.url("/pushes"), by_id());
    let mut reader = client.listen(&json!({})).await.unwrap();
    for n in 0..20 {
        let request = json!({ "message": { "id": 7, "n": n } });
        assert_eq!(client.call(&request).await.unwrap(), request["message"]);
    }
    assert_eq!(reader.message().await, r#"{"push": 1}"#);
    assert_eq!(reader.message().await, r#"{"id": 1000000000, "push": 2}"#);
    // A second answer to the same request is none, and no message either.
    assert_eq!(reader.message().await, "not JSON at all");
}

#[tokio::test]
async fn an_answer_that_nobody_wanted_is_nobodys() {
    let service = Sockets::start();
    for further in [
        json!({}),
        json!({ "connections": 2 }),
        json!({ "replies_have": {} }),
        json!({ "correlation": "pipelined" }),
        by_id(),
    ] {
        let client = Arc::new(Client::of(&service.url("/echo"), further.clone()));
        let mut callers = JoinSet::new();
        for caller in 0..4 {
            let (client, further) = (client.clone(), further.clone());
            callers.spawn(async move {
                for n in 0..30 {
                    let forget = json!({ "message": { "forget": n, "of": caller }, "wait_response": false });
                    client.call(&forget).await.unwrap();
                    let ask = json!({ "message": { "ask": n, "of": caller, "id": "mine" } });
                    assert_eq!(client.call(&ask).await.unwrap(), ask["message"], "{further}");
                }
            });
        }
        callers.join_all().await;
    }
}

#[tokio::test]
async fn several_requests_on_a_connection_are_answered_in_their_order() {
    let service = Sockets::start();
    let client = Client::of(&service.url("/echo"), json!({ "correlation": "pipelined" }));
    let asks: Vec<_> = (0..500).map(|n| json!({ "message": n })).collect();
    let replies = join_all(asks.iter().map(|ask| client.call(ask))).await;
    for (ask, reply) in asks.iter().zip(replies) {
        assert_eq!(reply.unwrap(), ask["message"]);
    }
    assert_eq!(client.transport.occupancy().unwrap().opened, 1);
}

#[tokio::test]
async fn an_id_is_found_elsewhere_in_a_reply_and_however_it_is_written() {
    let service = Sockets::start();
    let client =
        Client::of(&service.url("/wraps"), json!({ "correlation": { "request": "/id", "reply": "/re" } }));
    let reply = client.call(&json!({ "message": { "id": "mine", "n": 1 } })).await.unwrap();
    assert_eq!((&reply["re"], &reply["of"]["n"]), (&json!("mine"), &json!(1)), "{reply}");
}

#[tokio::test]
async fn what_could_be_taken_for_the_answer_to_anothers_request_is_not_sent() {
    let service = Sockets::start();
    let client = Client::of(&service.url("/echo"), by_id());
    let shown = client.call(&json!({ "message": {} })).await.unwrap();
    let next = shown["id"].as_u64().unwrap() + 1;
    let forged = json!({ "message": { "id": next, "forged": true }, "wait_response": false });
    let error = client.fails(&forged).await;
    assert_eq!((error.kind(), error.outcome()), (Kind::InvalidConfig, Outcome::NotSent), "{error}");
    let own = json!({ "message": { "id": 7 }, "wait_response": false });
    client.call(&own).await.unwrap();
    assert_eq!(client.call(&json!({ "message": {} })).await.unwrap(), json!({ "id": next }));
}

#[tokio::test]
async fn a_connection_that_is_lost_or_closed_fails_what_waited_and_the_next_call_makes_another() {
    let service = Sockets::start();
    for (path, kind) in [("/lose", Kind::Unavailable), ("/fail", Kind::Failed)] {
        let client = Client::of(&service.url(path), by_id());
        for n in 1..4 {
            let error = client.fails(&json!({ "message": {} })).await;
            assert_eq!((error.kind(), error.outcome()), (kind, Outcome::Unknown), "{path}: {error}");
            assert_eq!(client.transport.occupancy().unwrap().opened, n, "{path}");
        }
        let waiting = json!({ "message": {} });
        let errors = join_all((0..50).map(|_| client.fails(&waiting))).await;
        assert!(errors.iter().all(|error| error.kind() == kind), "{path}");
    }
}

#[tokio::test]
async fn a_service_that_falls_silent_is_given_up() {
    let service = Sockets::start();
    let further = json!({ "correlation": { "request": "/id" }, "ping": "100ms" });
    let client = Client::of(&service.url("/silence"), further);
    client.call(&json!({ "message": {} })).await.unwrap();
    let error = client.fails(&json!({ "message": {} })).await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Unavailable, Outcome::Unknown));
    assert!(error.message().contains("silent"), "{error}");
}

#[tokio::test]
async fn messages_come_whole_of_either_kind_and_not_too_large() {
    let service = Sockets::start();
    for compression in [false, true] {
        let client = |path: &str| Client::of(&service.url(path), json!({ "compression": compression }));
        let long = "ä€😀".repeat(20_000);
        for path in ["/echo", "/fragments"] {
            let client = client(path);
            assert_eq!(client.call(&json!({ "text": long })).await.unwrap(), json!(long), "{path}");
            assert_eq!(
                client.call(&json!({ "base64": "aGVsbG8=" })).await.unwrap(),
                json!("hello"),
                "{path}"
            );
            let said = client.call(&json!({ "text": "x", "wait_response": false })).await.unwrap();
            assert_eq!(said, json!(""), "{path}");
        }
        let large = client("/large?n=1048576");
        assert_eq!(large.call(&json!({ "text": "" })).await.unwrap().as_str().unwrap().len(), 1 << 20);
        let error = client("/large?n=1048577").fails(&json!({ "text": "" })).await;
        assert_eq!(error.kind(), Kind::Protocol, "{error}");
        assert!(error.message().contains("max_message"), "{error}");
    }
}

#[tokio::test]
async fn subprotocols_and_compression_are_agreed_on() {
    let service = Sockets::start();
    for (further, subprotocol, extensions) in [
        (json!({}), Value::Null, json!([])),
        (json!({ "subprotocols": ["v9", "v1"] }), json!("v1"), json!([])),
        (
            json!({ "subprotocols": ["v1", "v2"], "compression": true }),
            json!("v2"),
            json!(["permessage-deflate"]),
        ),
    ] {
        let chosen =
            Client::of(&service.url("/chosen"), further).call(&json!({ "message": 1 })).await.unwrap();
        assert_eq!((&chosen["subprotocol"], &chosen["extensions"]), (&subprotocol, &extensions));
    }
}

#[tokio::test]
async fn the_credential_is_shown_in_the_handshake_or_in_the_first_message() {
    let service = Sockets::start();
    let ask = json!({ "message": {} });
    let guarded = || Client::of(&service.url("/guarded"), json!({}));
    assert_eq!(guarded().with_tokens(&["good"]).call(&ask).await.unwrap()["token"], "Bearer good");
    let error = guarded().with_tokens(&["bad"]).fails(&ask).await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Unauthenticated, Outcome::Rejected), "{error}");
    assert!(error.into_reply().is_ok());
    let login = || {
        Client::of(
            &service.url("/login"),
            json!({ "on_open": [{ "key": "{{credential}}" }], "replies_have": {} }),
        )
    };
    assert_eq!(login().with_tokens(&["good"]).call(&json!({ "message": 7 })).await.unwrap(), 7);
    let error = login().with_tokens(&["bad"]).fails(&ask).await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Unauthenticated, Outcome::Unknown), "{error}");
}

#[tokio::test]
async fn who_listens_is_subscribed_again_after_a_loss_with_the_token_that_is_good_then() {
    let service = Sockets::start();
    let further = json!({
        "correlation": { "request": "/id" }, "on_open": [{ "key": "{{credential}}" }],
        "streams": { "a": {
            "subscribe": [{ "op": "subscribe", "channel": "a" }], "match": { "/channel": "a" },
        } },
    });
    let client = Client::of(&service.url("/channel"), further).with_tokens(&["old", "new"]);
    let mut reader = client.listen(&json!({ "stream": "a" })).await.unwrap();
    for losses in 0..3 {
        for n in 0..3 {
            assert_eq!(reader.message().await, format!(r#"{{"channel": "a", "n": {n}}}"#), "after {losses}");
        }
        client.call(&json!({ "message": { "op": "lose" }, "wait_response": false })).await.unwrap();
        assert_eq!(reader.next().await.unwrap().0, "reconnected");
    }
    assert_eq!(client.transport.occupancy().unwrap().opened, 4);
}

#[tokio::test]
async fn what_a_service_quotes_of_the_credential_reaches_nobody_who_listens() {
    let service = Sockets::start();
    let further = json!({
        "on_open": [{ "key": "{{credential}}" }], "replies_have": {}, "close_codes": { "4002": "forbidden" },
    });
    let client = Client::of(&service.url("/quote"), further).with_tokens(&["hunter2-0123456789"]);
    let mut reader = client.listen(&json!({})).await.unwrap();
    let (name, data) = reader.next().await.unwrap();
    assert!(name == "error" && data.contains("4002") && !data.contains("hunter2"), "{data}");
    assert!(reader.next().await.is_none());
}

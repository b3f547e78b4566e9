//! What a target would do twice, and nobody could tell: an event that may have been forwarded to it is put aside.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use http::Response;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use trunkline::Body;
use trunkline_testkit::{Peer, Received};

use super::{AT, connector, is, read, send, shop};
use crate::harness::{Server, until};

/// A service that answers below `/500` with 500 and so on, below `/busy` twice with 429, and with success elsewhere.
async fn service() -> Peer {
    let busy = AtomicUsize::new(0);
    Peer::http(move |got: Received| {
        let first = got.uri.path().split('/').nth(1).unwrap_or_default();
        let status = match first.parse() {
            Ok(status) => status,
            Err(_) if first == "busy" && busy.fetch_add(1, SeqCst) < 2 => 429,
            Err(_) => 201,
        };
        Response::builder().status(status).body(Body::from("{}")).unwrap()
    })
    .await
}

/// A service that takes a request and says nothing, and how often it did.
async fn lost() -> (Peer, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let peer = Peer::raw(move |mut stream| {
        let counted = counted.clone();
        async move {
            let mut head = [0; 4096];
            if stream.read(&mut head).await.is_ok_and(|read| read > 0) {
                counted.fetch_add(1, SeqCst);
            }
        }
    });
    (peer.await, count)
}

fn twilio(id: &str, base_url: &str) -> Value {
    let inputs = json!({"account_sid": format!("AC{}", "0".repeat(32)), "auth_token": "t"});
    connector(id, "twilio", inputs, base_url)
}

/// A text message for each event.
fn sms(to: &str) -> Value {
    let input = json!({"to": "+15558675310", "from": "+15017122661", "body": "Paid: {{message/id}}"});
    json!({"to": to, "request": {"action": "send_sms", "input": input}})
}

/// How an event stands with a target.
fn delivery<'a>(event: &'a Value, to: &str) -> &'a Value {
    let all = event["deliveries"].as_array().unwrap();
    all.iter().find(|one| one["to"] == to).unwrap_or_else(|| panic!("{to}: {event}"))
}

#[tokio::test]
async fn a_text_message_that_may_have_been_sent_is_not_sent_again_by_itself() {
    let (peer, (raw, heard)) = (service().await, lost().await);
    let server = Server::begin().allow(&peer).allow(&raw).start().await;
    let url = peer.url();
    for (id, base_url) in [
        ("tw-500", format!("{url}/500")),
        ("tw-503", format!("{url}/503")),
        ("tw-lost", raw.url()),
        ("tw-busy", format!("{url}/busy")),
    ] {
        server.has(&twilio(id, &base_url)).await;
    }
    let to = ["tw-500", "tw-503", "tw-lost", "tw-busy"].map(sms);
    server.has(&shop(json!({"to": to}))).await;
    send(&server, "evt_1").await.is(204);
    let event = until("all to be over", || async {
        let event = read(&server, "evt_1").await;
        (event["state"] == "put_aside").then_some(event)
    })
    .await;
    for (to, kind) in [("tw-500", "failed"), ("tw-503", "unavailable"), ("tw-lost", "unavailable")] {
        let delivery = delivery(&event, to);
        assert_eq!((&delivery["state"], &delivery["attempts"]), (&json!("put_aside"), &json!(1)), "{event}");
        let error = delivery["error"].as_str().unwrap();
        assert!(error.starts_with(&format!("{to}: {kind}: may have been done; ")), "{error}");
    }
    // What was not taken is sent again.
    let busy = delivery(&event, "tw-busy");
    assert_eq!((&busy["state"], &busy["attempts"]), (&json!("forwarded"), &json!(3)), "{event}");
    let of = |first: &str| {
        let received = peer.received();
        received.iter().filter(|got| got.uri.path() == format!("/{first}/Messages.json")).count()
    };
    assert_eq!((of("500"), of("503"), of("busy"), heard.load(SeqCst)), (1, 1, 3, 1));

    // Nor by who wants it everywhere once more …
    let path = format!("{AT}/events/evt_1/redeliver");
    let told = server.post(&path, &json!({})).await.problem(422, "unsupported");
    let detail = told["detail"].as_str().unwrap();
    assert!(detail.contains("may have been done by tw-500, tw-503, tw-lost, "), "{detail}");
    // … but by who names the one where it was not.
    let said = server.post(&path, &json!({"to": "tw-500"})).await.is(200).json();
    assert_eq!(said["to"], json!(["tw-500"]), "{said}");
    until("the second one", || async { (of("500") == 2).then_some(()) }).await;
    let event = is(&server, "evt_1", "put_aside").await;
    assert_eq!(delivery(&event, "tw-500")["attempts"], 1, "{event}");
    assert_eq!((of("500"), of("503"), of("busy"), heard.load(SeqCst)), (2, 1, 3, 1));
}

#[tokio::test]
async fn what_doing_twice_means_is_what_the_connector_says_and_without_one_the_event_comes_again() {
    let peer = service().await;
    let server = Server::beside(&peer).await;
    let failing = format!("{}/500", peer.url());
    server.has(&twilio("tw", &failing)).await;
    server.has(&connector("crm", "hubspot", json!({"access_token": "t"}), &failing)).await;
    let mut plain = json!({"integration_id": "plain", "type": "rest", "base_url": failing});
    plain["retry_config"] = json!({"max_attempts": 1});
    plain["breaker"] = json!({"enabled": false});
    server.has(&plain).await;
    let to = json!([
        // As the action that sends a message, put by hand.
        {"to": "tw", "request": {"method": "POST", "endpoint": "/Messages.json", "data": {"Body": "{{message/id}}"}}},
        {"to": "crm", "name": "new", "request": {"action": "create_contact", "input": {"email": "{{message/id}}@example.com"}}},
        {"to": "crm", "name": "find", "request": {"action": "search_contacts", "input": {"query": "{{message/id}}"}}},
        // It only says that it searches.
        {"to": "crm", "name": "add", "request": {"action": "search_contacts", "endpoint": "/crm/objects/2026-09/contacts", "json": {"properties": {}}}},
        {"to": "plain"},
    ]);
    let retry = json!({"attempts": 3, "first_pause": "1ms"});
    server.has(&shop(json!({"to": to, "retry": retry}))).await;
    send(&server, "evt_1").await.is(204);
    let event = is(&server, "evt_1", "put_aside").await;
    let attempts = event["deliveries"].as_array().unwrap().iter();
    let attempts: Vec<_> =
        attempts.map(|one| (one["to"].as_str().unwrap(), one["attempts"].as_u64().unwrap())).collect();
    assert_eq!(attempts, [("tw", 1), ("new", 1), ("find", 3), ("add", 1), ("plain", 3)], "{event}");
    for to in ["tw", "new", "add"] {
        let error = delivery(&event, to)["error"].as_str().unwrap();
        assert!(error.contains(": failed: may have been done; "), "{error}");
    }
    assert_eq!(peer.received().len(), 9);
}

#[tokio::test]
async fn what_a_service_did_in_part_is_not_forwarded_and_comes_again_where_that_does_no_harm() {
    let calls = AtomicUsize::new(0);
    let peer = Peer::http(move |got: Received| {
        let first = calls.fetch_add(1, SeqCst) < 2;
        let is_batch = got.uri.path().ends_with("/upsert");
        let (status, body) = match first || !is_batch {
            true => {
                (207, json!({"results": [], "numErrors": 1, "errors": [{"message": "no such property"}]}))
            }
            false => (200, json!({"results": [{"id": "1"}]})),
        };
        let response = Response::builder().status(status).header("content-type", "application/json");
        response.body(Body::from(body.to_string())).unwrap()
    })
    .await;
    let server = Server::beside(&peer).await;
    server.has(&connector("crm", "hubspot", json!({"access_token": "t"}), &peer.url())).await;
    let inputs = json!([{"id": "{{message/id}}", "idProperty": "email", "properties": {"firstname": "A"}}]);
    let upsert = json!({"action": "batch_upsert_contacts", "input": {"inputs": inputs}});
    let create = json!({"method": "POST", "endpoint": "/crm/objects/2026-09/contacts/batch/create", "json": {"inputs": []}});
    let to = json!([{"to": "crm", "name": "new", "request": create}, {"to": "crm", "name": "known", "request": upsert.clone()}]);
    server.has(&shop(json!({"to": to, "retry": {"attempts": 5, "first_pause": "1ms"}}))).await;
    send(&server, "evt_1").await.is(204);
    let event = until("both to be over", || async {
        let event = read(&server, "evt_1").await;
        let over = event["deliveries"].as_array().unwrap().iter().all(|one| one["state"] != "pending");
        over.then_some(event)
    })
    .await;
    let (new, known) = (delivery(&event, "new"), delivery(&event, "known"));
    assert_eq!((&new["state"], &new["attempts"]), (&json!("put_aside"), &json!(1)), "{event}");
    assert!(new["error"].as_str().unwrap().contains("did only a part of it: no such property"), "{event}");
    assert_eq!(known["state"], "forwarded", "{event}");
    assert!(known["attempts"].as_u64().unwrap() > 1, "{event}");
    // Who calls hears of success, and how much of it failed.
    let called = server.call("crm", &json!({"action": "batch_read_objects", "input": {"object_type": "deals", "inputs": [{"id": "1"}]}})).await;
    assert_eq!((called.status.as_u16(), called.header("trunkline-partial-errors")), (207, "1"));
    assert_eq!(called.header("trunkline-partial-message"), "no such property");
    let path = format!("/api/v1/activity?request_id={}", called.header("trunkline-request-id"));
    let record = until("the record", || async {
        server.get(&path).await.is(200).json().as_array().unwrap().first().cloned()
    })
    .await;
    assert_eq!((&record["kind"], &record["partial_errors"]), (&json!("ok"), &json!(1)), "{record}");
}

#[tokio::test]
async fn a_text_message_whose_sending_a_kill_cut_off_is_not_sent_again_after_a_restart() {
    let begun = Arc::new(AtomicUsize::new(0));
    let counted = begun.clone();
    // It never answers.
    let silent = Peer::live(move |_| {
        counted.fetch_add(1, SeqCst);
        pending::<Response<Body>>()
    })
    .await;
    let mut server = Server::beside(&silent).await;
    server.has(&twilio("tw", &silent.url())).await;
    server.has(&shop(json!({"to": [sms("tw")]}))).await;
    send(&server, "evt_1").await.is(204);
    until("the call", || async { (begun.load(SeqCst) > 0).then_some(()) }).await;
    server.signal(Signal::KILL);
    server.ended().await;
    let server = server.again().allow(&silent).start().await;
    let event = is(&server, "evt_1", "put_aside").await;
    let error = delivery(&event, "tw")["error"].as_str().unwrap();
    assert!(error.starts_with("tw: internal: may have been done; "), "{error}");
    assert_eq!(begun.load(SeqCst), 1);
}

#[tokio::test]
async fn a_service_that_says_that_repeating_does_not_help_is_asked_once() {
    let peer = Peer::http(|_| {
        let answer = Response::builder().status(500).header("stripe-should-retry", "false");
        answer.body(Body::from("{}")).unwrap()
    })
    .await;
    let server = Server::beside(&peer).await;
    server.has(&connector("st", "stripe", json!({"secret_key": "sk_live_1"}), &peer.url())).await;
    let pay = json!({"action": "create_payment_intent", "input": {"amount": 5, "currency": "usd"}});
    server.has(&shop(json!({"to": [{"to": "st", "request": pay}]}))).await;
    send(&server, "evt_1").await.is(204);
    let event = is(&server, "evt_1", "put_aside").await;
    let delivery = delivery(&event, "st");
    assert_eq!((&delivery["attempts"], peer.received().len()), (&json!(1), 1), "{event}");
    assert!(delivery["error"].as_str().unwrap().contains(": failed: may have been done; "), "{event}");
}

//! What becomes of a webhook that was taken.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU16, Ordering::SeqCst},
    },
};

use http::{Response, StatusCode};
use rustix::process::Signal;
use serde_json::{Value, json};
use trunkline::Body;
use trunkline_testkit::{Nats, Peer, Redis};

use super::{AT, activity, event, is, read, send, shop, target, to};
use crate::harness::{Server, until};

async fn service() -> Peer {
    Peer::http(|_| Response::new(Body::Empty)).await
}

/// A service that answers with a status which changes.
pub(super) async fn moody(status: u16) -> (Peer, Arc<AtomicU16>) {
    let answers = Arc::new(AtomicU16::new(status));
    let shared = answers.clone();
    let peer = Peer::http(move |_| {
        let mut response = Response::new(Body::Empty);
        *response.status_mut() = StatusCode::from_u16(shared.load(SeqCst)).unwrap();
        response
    });
    (peer.await, answers)
}

#[tokio::test]
async fn an_event_is_forwarded_once_as_it_came_and_everybody_sees_it() {
    let peer = service().await;
    let server = Server::beside(&peer).await;
    server.has(&target("billing", &peer)).await;
    server.has(&shop(json!({"to": [to("billing")]}))).await;
    assert!(send(&server, "evt_1").await.is(204).body.is_empty());
    let seen = is(&server, "evt_1", "forwarded").await;
    // The sender did not hear it, and sends it again.
    send(&server, "evt_1").await.is(204);
    send(&server, "evt_2").await.is(204);
    is(&server, "evt_2", "forwarded").await;
    let received = peer.received();
    assert_eq!(received.len(), 2, "{received:?}");
    assert_eq!((received[0].uri.path(), &*received[0].body), ("/in", event("evt_1").as_bytes()));
    assert_eq!((received[0].header("webhook-id"), received[1].header("webhook-id")), ("evt_1", "evt_2"));

    assert_eq!((&seen["type"], &seen["body"]["amount"]), (&json!("charge.succeeded"), &json!(1.5)));
    assert!(seen["headers"]["stripe-signature"].is_string(), "{seen}");
    let delivery = &seen["deliveries"][0];
    assert_eq!((&delivery["to"], &delivery["attempts"]), (&json!("billing"), &json!(1)), "{seen}");
    assert_eq!(seen["verified"]["type"], "stripe", "{seen}");
    let late = seen["received_at_ms"].as_i64().unwrap() - seen["verified"]["signed_at_ms"].as_i64().unwrap();
    assert!((-1000..60_000).contains(&late), "{seen}");
    let list = server.get(&format!("{AT}/events?limit=1")).await.is(200).json();
    assert_eq!((list.as_array().unwrap().len(), &list[0]["id"]), (1, &json!("evt_2")), "{list}");
    assert!(list[0].get("body").is_none() && list[0].get("verified").is_none(), "{list}");
    assert!(list[0]["deliveries"][0].get("tries").is_none(), "{list}");
    let rest = server.get(&format!("{AT}/events?before={}", list[0]["number"])).await.is(200).json();
    assert_eq!(rest[0]["id"], "evt_1", "{rest}");
    until("all that happened", || async {
        let taken = activity(&server, "shop", "webhook").await.len();
        let again = activity(&server, "shop", "webhook_repeated").await.len();
        let calls = activity(&server, "billing", "POST").await.len();
        (taken == 2 && again == 1 && calls == 2).then_some(())
    })
    .await;
    server.get(&format!("{AT}/events/none")).await.problem(404, "unknown_event");
}

#[tokio::test]
async fn an_event_that_was_acknowledged_survives_a_kill_before_it_is_forwarded() {
    let begun = Arc::new(AtomicBool::new(false));
    let shared = begun.clone();
    // It never answers: a call to it is under way when the server is killed.
    let silent = Peer::live(move |_| {
        shared.store(true, SeqCst);
        pending::<Response<Body>>()
    })
    .await;
    let mut server = Server::beside(&silent).await;
    server.has(&target("billing", &silent)).await;
    // Nobody is there yet.
    server.has(&shop(json!({"to": [to("billing"), to("later")]}))).await;
    send(&server, "evt_1").await.is(204);
    until("the call", || async { begun.load(SeqCst).then_some(()) }).await;
    server.signal(Signal::KILL);
    server.ended().await;

    let peer = service().await;
    let server = server.again().allow(&peer).start().await;
    server.json("PATCH", "/api/v1/integrations/billing", &json!({"base_url": peer.url()})).await.is(200);
    server.has(&target("later", &peer)).await;
    is(&server, "evt_1", "forwarded").await;
    let received = peer.received();
    assert_eq!(received.len(), 2, "{received:?}");
    assert!(received.iter().all(|request| request.header("webhook-id") == "evt_1"), "{received:?}");
    // It is known after a restart too.
    send(&server, "evt_1").await.is(204);
    let server = server.stop().await.again().allow(&peer).start().await;
    send(&server, "evt_1").await.is(204);
    assert_eq!(
        (read(&server, "evt_1").await["state"].clone(), peer.received().len()),
        (json!("forwarded"), 2)
    );
}

#[tokio::test]
async fn what_waits_at_a_start_is_not_forwarded_before_the_file_and_its_rules_are_taken_over() {
    let (peer, status) = moody(503).await;
    let begin = Server::begin();
    let retry = json!({"attempts": 100, "first_pause": "20ms", "longest_pause": "20ms"});
    let shop = shop(json!({"to": [to("billing")], "retry": retry}));
    let file = json!({
        "egress": {"allow": [peer.address().to_string()]},
        "integrations": [target("billing", &peer), shop],
    });
    // JSON is YAML.
    let path = begin.file("trunkline.yaml", &file.to_string()).display().to_string();
    let mut server = begin.arg("--config").arg(&path).start().await;
    send(&server, "evt_1").await.is(204);
    for _ in 0..5 {
        let before = peer.received().len();
        until("an attempt", || async { (peer.received().len() > before).then_some(()) }).await;
        server = server.stop().await.again().arg("--config").arg(&path).start().await;
    }
    status.store(200, SeqCst);
    let event = is(&server, "evt_1", "forwarded").await;
    let tries = event["deliveries"][0]["tries"].as_array().unwrap();
    let (_, vain) = tries.split_last().unwrap();
    assert!(
        vain.iter().all(|one| one["error"].as_str().unwrap().starts_with("billing: unavailable: ")),
        "{event}"
    );
}

#[tokio::test]
async fn a_service_that_is_down_gets_the_event_when_it_is_up() {
    let (peer, status) = moody(503).await;
    let server = Server::beside(&peer).await;
    server.has(&target("billing", &peer)).await;
    server.has(&shop(json!({"to": [to("billing")], "retry": {"attempts": 100, "first_pause": "5ms", "longest_pause": "50ms"}}))).await;
    send(&server, "evt_1").await.is(204);
    let waiting = until("a further attempt", || async {
        let event = read(&server, "evt_1").await;
        (event["deliveries"][0]["attempts"].as_u64() >= Some(2)).then_some(event)
    })
    .await;
    let delivery = &waiting["deliveries"][0];
    assert_eq!((&waiting["state"], &delivery["state"]), (&json!("pending"), &json!("pending")));
    assert!(delivery["error"].as_str().unwrap().starts_with("billing: unavailable: "), "{waiting}");
    assert!(delivery["next_attempt_ms"].is_i64(), "{waiting}");
    status.store(200, SeqCst);
    let event = is(&server, "evt_1", "forwarded").await;
    assert!(event["deliveries"][0].get("error").is_none(), "{event}");
    // What each attempt came to is told afterwards, and leads to its call.
    let tries = event["deliveries"][0]["tries"].as_array().unwrap();
    let (last, vain) = tries.split_last().unwrap();
    assert!(vain.len() >= 2 && last.get("error").is_none(), "{event}");
    assert!(vain.iter().all(|it| it["error"].as_str().unwrap().starts_with("billing: ")), "{event}");
    let path = format!("/api/v1/activity?request_id={}", last["request_id"].as_str().unwrap());
    until("the record", || async {
        let found = server.get(&path).await.is(200).json();
        (found[0]["integration"] == "billing" && found[0]["kind"] == "ok").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_service_that_says_how_long_to_wait_is_waited_for_however_short_our_pauses_are() {
    let peer = Peer::http(|received| {
        let mut response = Response::new(Body::Empty);
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        let seconds = if received.uri.path() == "/day" { "86400" } else { "1800" };
        response.headers_mut().insert("retry-after", seconds.parse().unwrap());
        response
    })
    .await;
    let server = Server::beside(&peer).await;
    let mut day = target("day", &peer);
    day["base_url"] = format!("{}/day", peer.url()).into();
    server.has(&target("billing", &peer)).await;
    server.has(&day).await;
    let plain = json!({"to": "day", "request": {"method": "POST", "json": "{{message}}"}});
    server.has(&shop(json!({"to": [to("billing"), plain], "retry": {"longest_pause": "50ms"}}))).await;
    send(&server, "evt_1").await.is(204);
    let event = until("both attempts", || async {
        let event = read(&server, "evt_1").await;
        let waits = event["deliveries"].as_array().unwrap().iter().all(|it| it["attempts"] == 1);
        waits.then_some(event)
    })
    .await;
    for (delivery, seconds) in event["deliveries"].as_array().unwrap().iter().zip([1_800, 3_600]) {
        let began = delivery["tries"][0]["at_ms"].as_i64().unwrap();
        let rest = delivery["next_attempt_ms"].as_i64().unwrap() - began;
        // What it rests is counted from the end of the attempt, which takes its time.
        assert!((seconds * 1000..seconds * 1000 + 600_000).contains(&rest), "{delivery}");
    }
}

#[tokio::test]
async fn what_is_refused_or_fails_too_often_is_put_aside_with_the_reason_and_can_be_redelivered() {
    let (peer, status) = moody(422).await;
    let server = Server::beside(&peer).await;
    server.has(&target("billing", &peer)).await;
    server.has(&shop(json!({"to": [to("billing")], "retry": {"attempts": 3, "first_pause": "1ms"}}))).await;
    send(&server, "evt_1").await.is(204);
    let event = is(&server, "evt_1", "put_aside").await;
    let delivery = &event["deliveries"][0];
    assert_eq!(delivery["attempts"], 1, "repeating cannot help: {event}");
    assert!(delivery["error"].as_str().unwrap().starts_with("billing: rejected: "), "{event}");

    status.store(500, SeqCst);
    let again = format!("{AT}/events/evt_1/redeliver");
    server.post(&again, &json!({})).await.is(200);
    let event = until("the last attempt", || async {
        let event = read(&server, "evt_1").await;
        (event["state"] == "put_aside" && event["deliveries"][0]["attempts"] == 3).then_some(event)
    })
    .await;
    assert!(event["deliveries"][0]["error"].as_str().unwrap().contains("failed"), "{event}");

    status.store(200, SeqCst);
    server.post(&again, &json!({})).await.is(200);
    is(&server, "evt_1", "forwarded").await;
    assert_eq!(peer.received().len(), 5);
    server.post(&format!("{AT}/events/none/redeliver"), &json!({})).await.problem(404, "unknown_event");
    until("what happened", || async {
        let aside = activity(&server, "shop", "webhook_put_aside").await;
        let again = activity(&server, "shop", "webhook_redelivered").await;
        (aside.len() == 2 && again.len() == 2 && aside[0]["kind"] == "rejected").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_target_that_hangs_holds_up_no_other() {
    let hanging = Peer::live(|_| pending::<Response<Body>>()).await;
    let peer = service().await;
    let server = Server::begin().allow(&hanging).allow(&peer).start().await;
    server.has(&target("hangs", &hanging)).await;
    server.has(&target("billing", &peer)).await;
    server.has(&shop(json!({"to": [to("hangs"), to("billing")]}))).await;
    // More than are on their way at once.
    for n in 0..20 {
        send(&server, &format!("evt_{n}")).await.is(204);
    }
    until("all events", || async { (peer.received().len() == 20).then_some(()) }).await;
    let event = read(&server, "evt_0").await;
    let states: Vec<_> =
        event["deliveries"].as_array().unwrap().iter().map(|it| it["state"].as_str().unwrap()).collect();
    assert_eq!((states, &event["state"]), (vec!["pending", "forwarded"], &json!("pending")));
}

/// The message that a queue has, and its acknowledgement.
async fn pull(server: &Server, queue: &str) -> Value {
    let request = json!({"queue": queue, "receive": {"max": 1, "wait": 10}});
    let mut came = server.call("queue", &request).await.is(200).json();
    let message = came["messages"][0].take();
    server.call("queue", &json!({"ack": [message["token"]]})).await.is(200);
    message
}

async fn goes_to_a_queue(server: &Server, url: &str) {
    let queue = json!({"integration_id": "queue", "type": "message_queue", "base_url": url, "declare": {"orders": {}}});
    server.has(&queue).await;
    let request = json!({"queue": "orders", "message": "{{message}}", "headers": {"kind": "{{key}}"}});
    server.has(&shop(json!({"to": [{"to": "queue", "request": request}]}))).await;
    send(server, "evt_1").await.is(204);
    is(server, "evt_1", "forwarded").await;
    let message = pull(server, "orders").await;
    assert_eq!(
        (&message["message_id"], &message["message"]["amount"]),
        (&json!("evt_1"), &json!(1.5)),
        "{message}"
    );
    assert_eq!(message["headers"]["kind"], "charge.succeeded", "{message}");
}

#[tokio::test]
async fn an_event_goes_to_a_queue_under_its_own_id() {
    goes_to_a_queue(&Server::begin().start().await, "memory:").await;
}

mod nats {
    use super::*;

    #[tokio::test]
    async fn an_event_goes_to_a_broker_under_its_own_id() {
        let Some(nats) = Nats::start().await else { return };
        goes_to_a_queue(
            &Server::begin().allow_at(nats.address().parse().unwrap()).start().await,
            &nats.url(),
        )
        .await;
    }
}

mod redis {
    use super::*;

    #[tokio::test]
    async fn an_event_goes_to_a_stream_under_its_own_id() {
        let Some(redis) = Redis::start().await else { return };
        goes_to_a_queue(
            &Server::begin().allow_at(redis.address().parse().unwrap()).start().await,
            &redis.url(),
        )
        .await;
    }
}

#[tokio::test]
async fn what_came_is_sealed_and_moves_to_another_master_key() {
    let (peer, _) = moody(422).await;
    let server = Server::beside(&peer).await;
    server.has(&target("billing", &peer)).await;
    server.has(&shop(json!({"to": [to("billing")]}))).await;
    send(&server, "evt_1").await.is(204);
    is(&server, "evt_1", "put_aside").await;
    let stored =
        ["trunkline.db", "trunkline.db-wal"].map(|name| std::fs::read(server.data().join(name)).unwrap());
    let stored = stored.concat();
    let has = |words: &[u8]| stored.windows(words.len()).any(|part| part == words);
    assert!(has(b"evt_1") && !has(b"amount") && !has(b"billing: rejected"), "in clear");
    let rotated = server.post("/api/v1/keys/rotate", &json!({})).await.is(200).json();
    assert_eq!(rotated["left"], 0, "{rotated}");
    for older in rotated["older"].as_array().unwrap() {
        server.delete(&format!("/api/v1/keys/{}", older.as_str().unwrap())).await.is(200);
    }
    let event = read(&server, "evt_1").await;
    assert_eq!(event["body"]["amount"], 1.5, "{event}");
    assert!(event["deliveries"][0]["error"].is_string(), "{event}");
}

#[tokio::test]
async fn without_a_target_events_are_kept_to_be_read_and_go_with_their_integration() {
    let server = Server::begin().start().await;
    server.has(&shop(json!({"keep": {"events": 2}}))).await;
    for id in ["evt_1", "evt_2", "evt_3"] {
        send(&server, id).await.is(204);
    }
    let list = server.get(&format!("{AT}/events")).await.is(200).json();
    let ids: Vec<_> = list.as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!((ids, &list[0]["state"]), (vec!["evt_3", "evt_2"], &json!("kept")));
    server.post(&format!("{AT}/events/evt_3/redeliver"), &json!({})).await.problem(422, "unsupported");
    server.delete(AT).await.is(200);
    server.has(&shop(json!({}))).await;
    assert_eq!(server.get(&format!("{AT}/events")).await.is(200).json(), json!([]));
}

#[tokio::test]
async fn a_target_that_is_taken_away_does_not_hold_its_events_forever() {
    let server = Server::begin().start().await;
    server.has(&shop(json!({"to": [to("nowhere")], "retry": {"attempts": 100, "first_pause": "5ms", "longest_pause": "50ms"}}))).await;
    send(&server, "evt_1").await.is(204);
    until("an attempt", || async {
        let event = read(&server, "evt_1").await;
        event["deliveries"][0]["error"]
            .as_str()
            .filter(|error| error.contains("unknown_integration"))
            .map(drop)
    })
    .await;
    server.json("PATCH", AT, &json!({"webhooks": {"to": null}})).await.is(200);
    let event = is(&server, "evt_1", "put_aside").await;
    assert!(event["deliveries"][0]["error"].as_str().unwrap().contains("does not forward to it"), "{event}");
}

#[tokio::test]
async fn the_command_line_lists_shows_and_redelivers() {
    let (peer, status) = moody(422).await;
    let server = Server::beside(&peer).await;
    server.has(&target("billing", &peer)).await;
    server.has(&shop(json!({"to": [to("billing")]}))).await;
    let none = server.cli(&["events", "shop"]).await.is(0);
    assert!(none.stdout.contains("/hooks/shop"), "{none:?}");
    send(&server, "evt_1").await.is(204);
    is(&server, "evt_1", "put_aside").await;
    let listed = server.cli(&["events", "shop"]).await.is(0).stdout;
    assert!(listed.contains("evt_1") && listed.contains("put_aside"), "{listed}");
    let listed = server.cli(&["--json", "events", "shop"]).await.is(0).json();
    assert_eq!(listed[0]["id"], "evt_1", "{listed}");
    let shown = server.cli(&["events", "shop", "evt_1"]).await.is(0).json();
    assert_eq!(shown["body"]["amount"], 1.5, "{shown}");
    status.store(200, SeqCst);
    server.cli(&["events", "shop", "--redeliver", "evt_1"]).await.is(0);
    is(&server, "evt_1", "forwarded").await;
    for id in ["evt_2", "../evt_1"] {
        let ran = server.cli(&["events", "shop", "--redeliver", id]).await.is(2);
        assert!(ran.stderr.contains("unknown_event"), "{ran:?}");
    }
}

//! Text messages that are forwarded by a server which is killed in the middle of sending one.

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
use trunkline::Body;
use trunkline_testkit::Peer;

use super::{AT, Broker};
use crate::harness::{Begin, Server, until};

/// One that `publish` has sent comes again after the kill, and is not sent a second time but put aside.
pub(super) async fn a_text_message_that_a_kill_cut_off_is_put_aside_when_it_comes_again<B: Broker>(
    publish: impl AsyncFn(&Server, &B),
) {
    let Some(broker) = B::start().await else { return };
    let begun = Arc::new(AtomicUsize::new(0));
    let counted = begun.clone();
    // It never answers.
    let silent = Peer::live(move |_| {
        counted.fetch_add(1, SeqCst);
        pending::<Response<Body>>()
    })
    .await;
    let may_reach = |begin: Begin| match broker.address() {
        Some(address) => begin.allow(&silent).allow_at(address),
        None => begin.allow(&silent),
    };
    let mut server = may_reach(Server::begin()).start().await;
    server
        .has(&json!({
            "integration_id": "tw", "connector": "twilio", "base_url": silent.url(),
            "inputs": {"account_sid": format!("AC{}", "0".repeat(32)), "auth_token": "t"},
        }))
        .await;
    let input = json!({"to": "+15558675310", "from": "+15017122661", "body": "{{message}}"});
    let queue = json!({
        "integration_id": "desk", "type": "message_queue", "base_url": broker.url(),
        "declare": {"orders": {}, "orders.dead": {}}, "dead_letter": "orders.dead",
    });
    server.has(&queue).await;
    // What is declared is there once there is a connection.
    server.get("/api/v1/integrations/desk/health").await.is(200);
    let mut shop = queue;
    shop["integration_id"] = "shop".into();
    // Brokers that do not hear of a connection that ends wait for so long.
    shop["ack_timeout"] = "5s".into();
    shop["forward"] =
        json!([{"queue": "orders", "to": "tw", "request": {"action": "send_sms", "input": input}}]);
    publish(&server, &broker).await;
    server.has(&shop).await;
    until("the call", || async { (begun.load(SeqCst) > 0).then_some(()) }).await;
    server.signal(Signal::KILL);
    server.ended().await;
    let server = may_reach(server.again()).start().await;
    let dead = until("it to be put aside", || async {
        let pull = json!({"queue": "orders.dead", "receive": {"max": 1, "wait": 1}});
        let mut came = server.call("desk", &pull).await.is(200).json();
        came["messages"].get_mut(0).map(Value::take)
    })
    .await;
    let reason = dead["headers"]["trunkline-dead-letter-reason"].as_str().unwrap();
    assert!(reason.starts_with("tw: internal: may have been done; "), "{dead}");
    assert_eq!(begun.load(SeqCst), 1);
    let state = server.get(AT).await.is(200).json()["state"]["forward"][0].take();
    assert_eq!((&state["put_aside"], &state["forwarded"]), (&json!(1), &json!(0)), "{state}");
}

/// Publishes a message, which has an id by that.
pub(super) async fn with_an_id<B: Broker>(server: &Server, _: &B) {
    let sent = json!({"queue": "orders", "message": "Paid"});
    server.call("desk", &sent).await.is(200);
}

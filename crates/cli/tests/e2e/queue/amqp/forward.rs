//! Messages that are forwarded by a server which is killed meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use http::Response;
use rustix::process::Signal;
use serde_json::json;
use trunkline::Body;
use trunkline_testkit::Peer;

use super::{super::AT, Broker, Shared};
use crate::harness::{Server, until};

const MESSAGES: usize = 1000;
/// How many have arrived when the server is killed.
const KILLS: [usize; 3] = [200, 500, 800];

#[tokio::test]
async fn killed_while_it_forwards_it_loses_no_message() {
    let Some(broker) = Shared::start().await else { return };
    let peer = Peer::http(|_| Response::new(Body::Empty)).await;
    let begin = |begin: crate::harness::Begin| begin.allow(&peer).allow_at(broker.address().unwrap());
    let mut server = begin(Server::begin()).start().await;
    server
        .has(&json!({
            "integration_id": "crm", "type": "rest", "base_url": peer.url(),
            "retry_config": {"idempotency_header": "Idempotency-Key"},
        }))
        .await;
    let queue = json!({"type": "message_queue", "base_url": broker.url(), "declare": {"orders": {}}});
    let mut desk = queue.clone();
    desk["integration_id"] = "desk".into();
    server.has(&desk).await;
    let messages: Vec<_> =
        (0..MESSAGES).map(|n| json!({"message_id": format!("m-{n}"), "message": {"n": n}})).collect();
    let sent = server.call("desk", &json!({"queue": "orders", "messages": messages})).await.is(200).json();
    assert_eq!(sent["published"], MESSAGES, "{sent}");

    let mut shop = queue;
    shop["integration_id"] = "shop".into();
    shop["forward"] = json!([{
        "queue": "orders", "to": "crm",
        "request": {"method": "POST", "endpoint": "/orders/{{message_id}}", "json": "{{message}}"},
    }]);
    server.has(&shop).await;
    for so_many in KILLS {
        until("some of them", || async { (peer.received().len() >= so_many).then_some(()) }).await;
        server.signal(Signal::KILL);
        server.ended().await;
        server = begin(server.again()).start().await;
    }
    let arrived = || peer.received().iter().map(|got| got.uri.path().to_owned()).collect::<BTreeSet<_>>();
    assert!(arrived().len() < MESSAGES, "it was killed in the middle of them");
    until("all of them", || async { (arrived().len() == MESSAGES).then_some(()) }).await;

    // One that came twice came under the same key.
    let mut keys = BTreeMap::<String, BTreeSet<String>>::new();
    for got in peer.received() {
        keys.entry(got.uri.path().to_owned()).or_default().insert(got.header("idempotency-key").to_owned());
    }
    assert!(keys.values().all(|keys| keys.len() == 1), "{keys:?}");
    assert_eq!(keys.values().flatten().collect::<BTreeSet<_>>().len(), MESSAGES);
    // Nothing is left, and nothing was put aside.
    let state = until("the last acknowledgement", || async {
        let shown = server.get(AT).await.is(200).json();
        let waits = server.get("/api/v1/integrations/desk/schema").await.is(200).json();
        let over = waits["queues"][0]["messages"] == 0;
        over.then(|| shown["state"]["forward"][0].clone())
    })
    .await;
    assert_eq!((&state["put_aside"], &state["state"]), (&json!(0), &json!("forwarding")), "{state}");
    // Switched off it gives back what it has.
    server.json("PATCH", AT, &json!({"enabled": false})).await.is(200);
    let none = server.call("desk", &json!({"queue": "orders", "receive": {"max": 10}})).await.is(200).json();
    assert_eq!(none, json!({"messages": []}));
}

//! MQTT 5, as Mosquitto speaks it.

use http::{Response, StatusCode};
use serde_json::{Value, json};
use trunkline::Body;
use trunkline_testkit::{Mosquitto as Server, Peer};

use super::{AT, Broker, Shop, metrics::told};
use crate::harness::{self, until};

struct Mosquitto(Server);

impl Broker for Mosquitto {
    async fn start() -> Option<Self> {
        Server::start().await.map(Self)
    }

    fn url(&self) -> String {
        self.0.url()
    }

    fn declare() -> Value {
        json!({})
    }

    fn listen() -> &'static str {
        "&group=trunkline"
    }

    fn keeps_for_those_who_come_later() -> bool {
        false
    }
}

super::basics!(Mosquitto);

/// MQTT has no way to ask how much waits for a group.
#[tokio::test]
async fn its_version_is_told_and_nothing_of_how_far_behind_a_group_is() {
    let Some(shop) = Shop::<Mosquitto>::open(json!({})).await else { return };
    let health = shop.server.get(&format!("{AT}/health")).await.is(200).json();
    let service = &health["service"];
    assert!(service["version"].as_str().is_some_and(|told| told.contains("mosquitto")), "{health}");
    assert!(service.get("lag").is_none(), "{health}");
}

/// MQTT throws away what nobody has subscribed to. What is to be put aside is held meanwhile, and not counted as put aside.
#[tokio::test]
async fn what_nobody_is_there_for_is_held_and_told_until_somebody_is() {
    let Some(broker) = Mosquitto::start().await else { return };
    let peer = Peer::http(|_| {
        let mut refused = Response::new(Body::Empty);
        *refused.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        refused
    })
    .await;
    let server = harness::Server::begin().allow(&peer).start().await;
    server.has(&json!({"integration_id": "crm", "type": "rest", "base_url": peer.url()})).await;
    let forward = json!([{"queue": "orders", "to": "crm", "request": {"method": "POST", "endpoint": "/", "json": "{{message}}"}}]);
    server
        .has(&json!({
            "integration_id": "shop", "type": "message_queue", "base_url": broker.url(), "forward": forward,
            "ack_timeout": "1s", "max_deliveries": 0,
        }))
        .await;
    until("somebody reads", || async {
        let sent = server.call("shop", &json!({"queue": "orders", "message": 1})).await.is(200).json();
        sent.get("no_subscribers").is_none().then_some(())
    })
    .await;
    until("it cannot be put aside", || async {
        (told(&server, "put_aside_failed_total").await > Some(1)).then_some(())
    })
    .await;
    let state = async || server.get(AT).await.is(200).json()["state"]["forward"][0].clone();
    assert_eq!((&state().await["put_aside"], told(&server, "put_aside_total").await), (&json!(0), Some(0)));
    let log = server.log();
    let line = "messages cannot be put aside; they are held and tried again";
    assert_eq!(log.matches(line).count(), 1, "{log}");
    assert!(log.contains("nobody would get it at dead/orders"), "{log}");
    let noted = server.get("/api/v1/activity?integration=shop&kind=unroutable").await.is(200).json();
    let noted = noted.as_array().unwrap().iter().map(|one| one["operation"].as_str().unwrap());
    assert_eq!(noted.filter(|operation| *operation == "put_aside").count(), 1);

    let pull = json!({"queue": "dead/orders", "receive": {"max": 1, "wait": 5}});
    let dead = until("it is put aside", || async {
        let mut came = server.call("shop", &pull).await.is(200).json();
        let one = came["messages"][0].take();
        (!one.is_null()).then_some(one)
    })
    .await;
    assert_eq!(dead["message"], 1, "{dead}");
    assert_eq!(dead["headers"]["trunkline-dead-letter-queue"], "orders", "{dead}");
    until("it is counted", || async { (state().await["put_aside"] == 1).then_some(()) }).await;
    assert_eq!(told(&server, "put_aside_total").await, Some(1));
}

#[tokio::test]
async fn what_the_broker_did_not_hear_comes_again() {
    super::unheard::what_the_broker_did_not_hear_comes_again::<Mosquitto>(false).await;
}

//! What `/metrics` says of messages.

use serde_json::json;
use trunkline_testkit::Relay;

use super::{AT, Broker, Shop, memory::Memory};
use crate::harness::{Server, until};

/// What a metric of `shop` says; `None` where it says nothing.
pub(super) async fn told(server: &Server, name: &str) -> Option<u64> {
    series(server, &format!("{name}{{integration=\"shop\"}}")).await
}

/// How far the group that a pull is of is behind; of a broker without groups what waits.
async fn lag<B: Broker>(server: &Server) -> Option<u64> {
    let group = B::group().map(|group| format!(",group=\"{group}\"")).unwrap_or_default();
    series(server, &format!("lag{{integration=\"shop\",queue=\"orders\"{group}}}")).await
}

async fn series(server: &Server, name: &str) -> Option<u64> {
    let text = server.get("/metrics").await.is(200).text().to_owned();
    let series = format!("trunkline_messages_{name} ");
    text.lines().find_map(|line| line.strip_prefix(&series)?.parse().ok())
}

#[tokio::test]
async fn messages_are_counted_as_they_are_sent_and_dealt_with() {
    messages_are_counted::<Memory>().await;
}

pub(super) async fn messages_are_counted<B: Broker>() {
    let Some(shop) = Shop::<B>::open(json!({})).await else { return };
    let server = &shop.server;
    let is = async |wanted: [(&str, Option<u64>); 4]| {
        for (name, value) in wanted {
            assert_eq!(told(server, name).await, value, "{name}");
        }
    };
    let messages: Vec<_> = (0..5).map(|n| json!({ "message": n })).collect();
    shop.ask(json!({"queue": "orders", "messages": messages})).await;
    let held = [shop.pull().await, shop.pull().await];
    is([
        ("confirmed_total", Some(5)),
        ("in_flight", Some(0)),
        ("unacknowledged", Some(2)),
        ("put_aside_total", Some(0)),
    ])
    .await;
    shop.ack(&held[0]).await;
    shop.ask(json!({"dead_letter": [held[1]["token"]], "reason": "no customer"})).await;
    is([
        ("confirmed_total", Some(5)),
        ("in_flight", Some(0)),
        ("unacknowledged", Some(0)),
        ("put_aside_total", Some(1)),
    ])
    .await;
    // A request is confirmed when the broker has it, however long its answer takes.
    let request = json!({"queue": "orders", "message": "?", "wait_response": true});
    let answer = async {
        until("the request", || async { (told(server, "confirmed_total").await == Some(6)).then_some(()) })
            .await;
        assert_eq!(told(server, "in_flight").await, Some(0));
        for _ in 0..3 {
            let other = shop.pull().await;
            shop.ack(&other).await;
        }
        shop.answer(json!("!")).await
    };
    let (answered, _) = tokio::join!(server.call("shop", &request), answer);
    assert_eq!(answered.is(200).json(), "!");
    assert_eq!(told(server, "confirmed_total").await, Some(7), "the answer is a message too");
}

/// A test asks each time; health gives all who ask the same for a while, and anew after a change.
pub(super) async fn how_far_a_group_is_behind_is_told_as_it_goes_up_and_down<B: Broker>() {
    let Some(shop) = Shop::<B>::open(json!({})).await else { return };
    let server = &shop.server;
    // Somebody has to read, that there is a group.
    shop.ask(json!({"queue": "orders", "message": "first"})).await;
    shop.ack(&shop.pull().await).await;
    // One by one: of a batch of several Tansu takes the beginning for the end of the partition.
    for n in 0..3 {
        shop.ask(json!({"queue": "orders", "message": n})).await;
    }
    for (acknowledged, left) in [(0, 3), (2, 1), (1, 0)] {
        for _ in 0..acknowledged {
            shop.ack(&shop.pull().await).await;
        }
        let told = match B::group() {
            Some(group) => format!("orders ({group}): {left}"),
            None => format!("orders: {left}"),
        };
        let tested = server.test("shop", &json!({})).await;
        assert_eq!(tested["service"]["lag"], told, "{tested}");
        server.json("PATCH", AT, &json!({ "description": told })).await.is(200);
        let health = server.get(&format!("{AT}/health")).await.is(200).json();
        assert_eq!(
            (&health["state"], &health["service"]["lag"]),
            (&json!("healthy"), &json!(told)),
            "{health}"
        );
        assert_eq!(lag::<B>(server).await, Some(left));
        let version = ["version", "speaks"].iter().find_map(|name| health["service"][name].as_str());
        assert!(version.unwrap().contains(|c: char| c.is_ascii_digit()), "{health}");
    }
}

/// What nobody knows of was neither confirmed nor returned.
pub(super) async fn what_is_under_way_is_counted_and_what_was_refused(broker: String) {
    let relay = Relay::start().await;
    let place = broker.rsplit_once('@').unwrap().1.split('/').next().unwrap();
    relay.leads_to(place);
    let url = broker.replace(place, &relay.address().to_string());
    let server = Server::begin().start().await;
    let declare = json!({ "orders": {} });
    server
        .has(&json!({"integration_id": "shop", "type": "message_queue", "base_url": url, "declare": declare}))
        .await;
    let message = json!({"queue": "orders", "message": 1});
    server.call("shop", &message).await.is(200);
    relay.lose_answers();
    let sent = async || server.call("shop", &message).await;
    let goes_on = async {
        until("what is under way", || async { (told(&server, "in_flight").await == Some(3)).then_some(()) })
            .await;
        relay.hang_up();
    };
    let (first, second, third, ()) = tokio::join!(sent(), sent(), sent(), goes_on);
    for answer in [first, second, third] {
        assert_eq!(answer.problem(502, "unavailable")["outcome"], "unknown");
    }
    let counts = async || [told(&server, "in_flight").await, told(&server, "confirmed_total").await];
    assert_eq!(counts().await, [Some(0), Some(1)]);
    assert_eq!(told(&server, "returned_total").await, Some(0));
    server.call("shop", &json!({"queue": "nowhere", "message": 1})).await.problem(422, "unroutable");
    assert_eq!(told(&server, "returned_total").await, Some(1));
    server.call("shop", &message).await.is(200);
    assert_eq!(counts().await, [Some(0), Some(2)]);
}

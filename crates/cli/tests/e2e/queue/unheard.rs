//! What a broker does not hear of a message, as the network is lost just then: it comes again, and whoever said it is told so by
//! brokers that answer to it.

use serde_json::{Value, json};
use trunkline_testkit::Relay;

use super::{Broker, Shop};

/// `answers` says whether the broker answers to an acknowledgement.
pub(super) async fn what_the_broker_did_not_hear_comes_again<B: Broker>(answers: bool) {
    let relay = Relay::start().await;
    // Brokers that do not hear of a connection that ends wait for so long.
    let Some(shop) = Shop::<B>::open_behind(&relay, json!({"ack_timeout": "5s"})).await else { return };
    for verdict in ["ack", "requeue"] {
        shop.ask(json!({"queue": "orders", "message": verdict})).await;
        let held = shop.pull().await;
        assert_eq!(held["message"], verdict, "{held}");
        relay.cut();
        let said = json!({ verdict: [held["token"]] });
        let lost = async {
            relay.loses().await;
            relay.hang_up();
        };
        let (told, ()) = tokio::join!(shop.server.call("shop", &said), lost);
        if answers {
            let problem = told.problem(502, "unavailable");
            assert_eq!(problem["outcome"], "unknown", "{problem}");
        } else {
            told.is(200);
        }
        let again = again(&shop).await;
        assert_eq!((&again["message"], &again["redelivered"]), (&json!(verdict), &json!(true)), "{again}");
        shop.server.call("shop", &said).await.problem(422, "rejected");
        shop.ack(&again).await;
    }
    let none = shop.ask(json!({"queue": "orders", "receive": {}})).await;
    assert_eq!(none, json!({"messages": []}));
}

/// The message that comes again: who reads first may find out that the connection is gone.
async fn again<B: Broker>(shop: &Shop<B>) -> Value {
    let pull = json!({"queue": "orders", "receive": {"max": 1, "wait": 10}});
    for _ in 0..6 {
        let answer = shop.server.call("shop", &pull).await;
        let mut came = if answer.status == 200 { answer.json() } else { Value::Null };
        if let Some(one) = came["messages"].get_mut(0) {
            return one.take();
        }
    }
    panic!("it does not come again");
}

//! Requests, and the answers to them.

use std::time::Duration;

use serde_json::{Value, json};
use trunkline_core::{Kind, Outcome, Transport as _};

use super::{Broker, client};
use crate::common::Client;

/// Somebody who answers, and reads the queue from now on.
async fn service<B: Broker>(broker: &B, client: &Client, queue: &str) -> Client {
    // Once it is connected, what is declared is there.
    client.probe().await.unwrap();
    let service = client.beside(&broker.url(), json!({}));
    if !B::keeps_for_those_who_come_later() {
        let mut pull = B::serve(1);
        pull["wait"] = json!("1ms");
        service.pull_with(queue, pull).await;
    }
    service
}

pub(crate) async fn everybody_gets_the_answer_to_their_own_request<B: Broker>() {
    let Some((broker, client, queue)) = client::<B>(json!({})).await else { return };
    let service = service(&broker, &client, &queue).await;
    let asks = (0..50).map(|n| {
        let request = json!({"queue": queue, "message": n, "wait_response": true});
        let client = &client;
        async move { (n, client.within(&request, Some(Duration::from_secs(20))).await.unwrap()) }
    });
    let answers = async {
        let mut requests = service.take(&queue, B::serve(50), 50).await;
        requests.reverse();
        for request in &requests {
            let answer = json!({
                "queue": request["reply_to"], "correlation_id": request["correlation_id"], "message": {"to": request["message"]},
            });
            service.call(&answer).await.unwrap();
        }
    };
    let (told, ()) = tokio::join!(futures_util::future::join_all(asks), answers);
    for (n, answer) in told {
        assert_eq!(answer, json!({ "to": n }));
    }
}

pub(crate) async fn a_late_answer_is_dropped_and_the_next_caller_gets_their_own<B: Broker>() {
    let Some((broker, client, queue)) = client::<B>(json!({})).await else { return };
    let service = service(&broker, &client, &queue).await;
    let ask = |n: u32| json!({"queue": queue, "message": n, "wait_response": true});
    let first = client.within(&ask(1), Some(Duration::from_millis(500))).await.unwrap_err();
    assert_eq!((first.kind(), first.outcome()), (Kind::Timeout, Outcome::Unknown), "{first}");
    assert!(first.context().contains(&("delivered", "yes".to_owned())), "{first:?}");
    let answer = |request: &Value| json!({"queue": request["reply_to"], "correlation_id": request["correlation_id"], "message": request["message"]});
    let late = service.take(&queue, B::serve(1), 1).await;
    // Where whoever asked is known to be gone, the broker may say so.
    let _ = service.call(&answer(&late[0])).await;
    let second_ask = ask(2);
    let (told, ()) = tokio::join!(client.within(&second_ask, Some(Duration::from_secs(10))), async {
        let request = service.take(&queue, B::serve(1), 1).await;
        service.call(&answer(&request[0])).await.unwrap();
    });
    assert_eq!(told.unwrap(), 2);
    let late = client.transport.occupancy().unwrap().streams.unwrap().late;
    assert_eq!(late, 1, "what nobody waits for is counted");
}

/// It would be another one than whoever answers gets.
pub(crate) async fn what_a_request_sets_by_itself_is_refused<B: Broker>() {
    let Some((_broker, client, queue)) = client::<B>(json!({})).await else { return };
    for key in ["reply_to", "correlation_id"] {
        let error =
            client.fails(&json!({"queue": queue, "message": 1, "wait_response": true, key: "mine"})).await;
        assert_eq!((error.kind(), error.outcome()), (Kind::InvalidConfig, Outcome::NotSent), "{error}");
        assert!(error.message().starts_with(key), "{error}");
    }
}

//! Queues in memory.

use std::pin::pin;

use futures_util::poll;
use serde_json::json;
use trunkline_core::Kind;

use crate::{
    common::{bodies, unique},
    rules::{Broker, client},
};

struct Memory(String);

impl Broker for Memory {
    async fn start() -> Option<Self> {
        Some(Self(unique("shelf")))
    }

    fn url(&self) -> String {
        format!("memory://{}", self.0)
    }

    fn assigns() -> [&'static str; 2] {
        ["sequence", "at_most_once"]
    }
}

rules!(Memory);

#[tokio::test]
async fn what_was_settled_is_said_though_nothing_can_be_received() {
    let Some((_, client, queue)) = client::<Memory>(json!({})).await else { return };
    client.call(&json!({"queue": queue, "messages": [{"message": 1}, {"message": 2}]})).await.unwrap();
    let came = client.take_unsettled(&queue, Memory::pull(2), 2).await;
    // A queue in memory has no beginning to be named.
    let refused = json!({"max": 1, "from": "earliest"});
    let request = json!({"queue": queue, "receive": refused, "ack": [came[0]["token"], "0"], "requeue": [came[1]["token"]]});
    let error = client.fails(&request).await;
    assert_eq!(error.kind(), Kind::Unsupported, "{error}");
    assert!(error.context().contains(&("settled", "2".to_owned())), "{error}");
    assert!(error.context().contains(&("unsettled", "0 (rejected)".to_owned())), "{error}");
    assert_eq!(bodies(&client.take(&queue, Memory::pull(2), 1).await), bodies(&came[1..]));
    let error = client.fails(&json!({"queue": queue, "receive": refused})).await;
    assert!(error.context().is_empty(), "{error}");
}

#[tokio::test]
async fn what_was_taken_for_a_caller_who_is_gone_comes_to_the_next() {
    let Some((_, client, queue)) = client::<Memory>(json!({})).await else { return };
    client.call(&json!({"queue": queue, "messages": [{"message": 1}, {"message": 2}]})).await.unwrap();
    let pull = json!({"queue": queue, "receive": Memory::pull(10)});
    {
        let mut gone = pin!(client.call(&pull));
        // Without a turn for others in between: what was taken is not handed over yet.
        for _ in 0..3 {
            assert!(poll!(&mut gone).is_pending());
        }
    }
    let came = client.take_unsettled(&queue, Memory::pull(10), 2).await;
    assert_eq!(bodies(&came), [json!(1), json!(2)]);
    assert_eq!(came[0]["deliveries"], 1, "{came:?}");
}

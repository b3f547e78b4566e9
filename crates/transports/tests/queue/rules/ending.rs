//! What is there, and what is left once it was closed.

use serde_json::{Value, json};
use trunkline_core::{Kind, Outcome, Transport as _};

use super::{Broker, client, numbered};
use crate::common::bodies;

pub(crate) async fn one_that_was_closed_gives_back_what_was_out_and_begins_nothing<B: Broker>() {
    let Some((broker, client, queue)) = client::<B>(json!({})).await else { return };
    client.call(&json!({"queue": queue, "messages": numbered(2)})).await.unwrap();
    let came = client.take_unsettled(&queue, B::pull(2), 2).await;
    let opened = client.transport.occupancy().unwrap().opened;
    client.transport.close().await;
    for request in [
        json!({"queue": queue, "text": "late"}),
        json!({"queue": queue, "receive": B::pull(1)}),
        json!({"ack": [came[0]["token"]]}),
    ] {
        let error = client.fails(&request).await;
        assert_eq!((error.kind(), error.outcome()), (Kind::ShuttingDown, Outcome::NotSent), "{error}");
    }
    assert_eq!(client.probe().await.unwrap_err().kind(), Kind::ShuttingDown);
    assert_eq!(
        client.listen(&json!({ "queue": queue })).await.err().map(|error| error.kind()),
        Some(Kind::ShuttingDown)
    );
    assert_eq!(client.transport.occupancy().unwrap().opened, opened);
    let next = client.beside(&broker.url(), json!({}));
    let mut again = bodies(&next.take(&queue, B::pull(2), 2).await);
    again.sort_by_key(Value::to_string);
    assert_eq!(again, [0, 1]);
}

pub(crate) async fn a_probe_says_who_answers<B: Broker>() {
    let Some((_broker, client, _)) = client::<B>(json!({})).await else { return };
    assert_eq!(client.probe().await.unwrap().reason, "answered");
}

//! What is sent, as it comes to whoever receives it.

use serde_json::json;
use trunkline_core::{Kind, Outcome};

use super::{Broker, client, numbered};
use crate::common::bodies;

pub(crate) async fn a_message_comes_as_it_was_sent<B: Broker>() {
    let Some((_broker, client, queue)) = client::<B>(json!({})).await else { return };
    let headers = json!({"X-Tenant": "acme \u{e4}", "n": "7"});
    let sent = [
        json!({"queue": queue, "message": {"n": 1.00, "s": "\u{e4}\u{1f600}"}, "headers": headers, "message_id": "m-1"}),
        json!({"queue": queue, "text": "plain \u{e4}"}),
        json!({"queue": queue, "base64": "AP/+"}),
        json!({"queue": queue, "text": ""}),
    ];
    for message in &sent {
        let receipt = client.call(message).await.unwrap();
        assert!(receipt["message_id"].is_string(), "{receipt}");
        let [assigned, guarantee] = B::assigns();
        assert!(!receipt[assigned].is_null() && receipt["guarantee"] == guarantee, "{receipt}");
    }
    let came = client.take(&queue, B::pull(10), sent.len()).await;
    assert_eq!(
        bodies(&came),
        [json!({"n": 1.00, "s": "\u{e4}\u{1f600}"}), "plain \u{e4}".into(), "AP/+".into(), "".into()]
    );
    let first = &came[0];
    assert_eq!(first["headers"]["X-Tenant"], "acme \u{e4}", "{first}");
    assert_eq!(first["headers"]["n"], "7", "{first}");
    assert_eq!((&first["message_id"], &first["content_type"]), (&json!("m-1"), &json!("application/json")));
    assert!(came[1]["message_id"].is_string(), "one that nobody names has an id all the same");
}

pub(crate) async fn a_batch_has_a_result_for_each<B: Broker>() {
    let Some((_broker, client, queue)) = client::<B>(json!({})).await else { return };
    let reply = client.call(&json!({"queue": queue, "messages": numbered(500)})).await.unwrap();
    assert_eq!((&reply["published"], &reply["failed"]), (&json!(500), &json!(0)), "{reply}");
    let came = client.take(&queue, B::pull(100), 500).await;
    let mut numbers: Vec<_> = bodies(&came).iter().map(|n| n.as_u64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..500).collect::<Vec<_>>());
    let Some(nowhere) = B::nowhere() else { return };
    let mixed =
        json!({"queue": queue, "messages": [{"text": "a"}, {"queue": nowhere, "text": "b"}, {"text": "c"}]});
    let reply = client.call(&mixed).await.unwrap();
    assert_eq!((&reply["published"], &reply["failed"]), (&json!(2), &json!(1)), "{reply}");
    assert_eq!(reply["results"][1]["error"]["kind"], "unroutable", "{reply}");
    // Where none arrives the call has failed, and says of each why all the same.
    let none = json!({"queue": nowhere, "messages": [{"text": "a", "message_id": "x"}, {"text": "b"}]});
    let error = client.fails(&none).await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Unroutable, Outcome::Rejected), "{error}");
    let each: serde_json::Value = serde_json::from_str(error.results().unwrap().get()).unwrap();
    assert_eq!(
        (&each[0]["message_id"], &each[1]["error"]["kind"]),
        (&json!("x"), &json!("unroutable")),
        "{each}"
    );
}

pub(crate) async fn what_nobody_gets_is_an_error<B: Broker>() {
    let Some(nowhere) = B::nowhere() else { return };
    let Some((_broker, client, _)) = client::<B>(json!({})).await else { return };
    let error = client.fails(&json!({"queue": nowhere, "text": "lost"})).await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Unroutable, Outcome::Rejected), "{error}");
}

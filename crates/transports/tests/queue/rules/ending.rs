//! What is there, and what is left once it was closed.

use std::time::Duration;

use serde_json::{Value, json};
use trunkline_core::{Kind, Outcome, Transport as _};

use super::{Broker, client, numbered};
use crate::{common::bodies, cut::pass};

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

/// What is counted is read over and over by whoever watches it, who asks for nothing else.
pub(crate) async fn how_far_groups_are_behind_is_asked_for_again_when_it_is_read<B: Broker>(
    group: Option<&str>,
) {
    let Some((_broker, client, queue)) = client::<B>(json!({})).await else { return };
    client.call(&json!({"queue": queue, "message": 0})).await.unwrap();
    client.take(&queue, B::pull(1), 1).await;
    for wanted in [2, 0] {
        match wanted {
            0 => drop(client.take(&queue, B::pull(2), 2).await),
            _ => drop(client.call(&json!({"queue": queue, "messages": numbered(wanted)})).await.unwrap()),
        }
        // No sooner is it asked for again.
        pass(Duration::from_secs(5)).await;
        while client.was_behind(&queue, group) != Some(wanted as u64) {
            tokio::task::yield_now().await;
        }
    }
}

/// Of a broker that keeps what was read: it says what it is and how far groups are behind, and lists what it keeps.
pub(crate) async fn a_log_says_how_far_groups_are_behind_and_lists_what_it_keeps<B: Broker>() {
    let Some((_broker, client, queue)) = client::<B>(json!({})).await else { return };
    for n in 0..3 {
        client.call(&json!({"queue": queue, "message": n})).await.unwrap();
    }
    let fact = async |wanted: &[&str]| {
        let facts = client.probe().await.unwrap().facts;
        facts.into_iter().find(|(name, _)| wanted.contains(name)).map(|(_, fact)| fact)
    };
    let version = fact(&["version", "speaks"]).await.unwrap();
    assert!(version.contains(|c: char| c.is_ascii_digit()), "{version}");
    assert_eq!(bodies(&client.take(&queue, B::pull(1), 1).await), [0]);
    // A group that nobody reads as any more stays behind, and says nothing of the others.
    let pull = B::pull(1);
    let group = pull["group"].as_str().unwrap_or("trunkline");
    let mut once = pull.clone();
    once["group"] = json!("gone");
    client.take(&queue, once, 1).await;
    let is_behind = |behind: Option<u64>| {
        // Tansu takes the beginning of the last batch for the end of a partition.
        assert!(behind.is_some_and(|behind| (1..=2).contains(&behind)), "{behind:?}");
    };
    is_behind(client.behind(&queue, Some(group)).await);
    client.take(&queue, B::pull(2), 2).await;
    assert_eq!(client.behind(&queue, Some(group)).await, Some(0));
    let gone = client.was_behind(&queue, Some("gone"));
    is_behind(gone);
    let told = format!("{queue} (gone): {}, {queue} ({group}): 0", gone.unwrap());
    assert_eq!(fact(&["lag"]).await, Some(told));

    let schema = client.schema().await.unwrap();
    let all = schema.get("streams").or(schema.get("topics")).and_then(Value::as_array).unwrap();
    let ours = all.iter().find(|one| one["name"] == queue.as_str()).unwrap_or_else(|| panic!("{schema}"));
    assert!(ours["messages"].is_null() || ours["messages"] == 3, "{schema}");
}

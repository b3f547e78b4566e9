//! Automatic persisted queries: a document that the service remembers is asked for by its hash.

use std::sync::Mutex;

use http::Response;
use serde_json::{Value, json};
use trunkline_core::{Body, Kind};
use trunkline_testkit::{Peer, Received};

use crate::common::{Service, answer, params, sent};

/// What a request says, by whichever way it came.
fn said(received: &Received) -> Value {
    match received.method.as_str() {
        "GET" => params(received)
            .into_iter()
            .map(|(name, value)| (name, serde_json::from_str(&value).unwrap_or(Value::String(value))))
            .collect(),
        _ => sent(received),
    }
}

/// A service that remembers documents as Apollo Server does.
async fn remembering(status: u16) -> Peer {
    let known = Mutex::new(Vec::new());
    Peer::http(move |received| {
        let said = said(&received);
        let hash = said["extensions"]["persistedQuery"]["sha256Hash"].clone();
        let mut known = known.lock().unwrap();
        match (said.get("query"), hash) {
            (None, hash) if !known.contains(&hash) => {
                let code = json!({"code": "PERSISTED_QUERY_NOT_FOUND"});
                answer(
                    status,
                    &json!({"errors": [{"message": "PersistedQueryNotFound", "extensions": code}]}),
                )
            }
            (text, hash) => {
                if text.is_some() {
                    known.push(hash);
                }
                answer(200, &json!({"data": {"a": 1}}))
            }
        }
    })
    .await
}

fn ways(peer: &Peer) -> Vec<(String, bool)> {
    let way = |received: &Received| (received.method.to_string(), said(received).get("query").is_some());
    peer.received().iter().map(way).collect()
}

fn way(method: &str, text: bool) -> (String, bool) {
    (method.to_owned(), text)
}

#[tokio::test]
async fn the_text_is_sent_only_where_the_service_does_not_know_the_hash() {
    for status in [200, 404] {
        let peer = remembering(status).await;
        let service = Service::new(&peer, json!({"persisted_queries": true}));
        for _ in 0..2 {
            service.json(json!({"query": "mutation { a }", "extensions": {"x": 1}})).await.unwrap();
        }
        assert_eq!(ways(&peer), [way("POST", false), way("POST", true), way("POST", false)], "{status}");
        assert_eq!(said(&peer.received()[1])["extensions"]["x"], json!(1));
    }
}

#[tokio::test]
async fn hashes_go_by_get_where_queries_do_and_what_is_to_be_remembered_by_post() {
    let peer = remembering(200).await;
    let service = Service::new(&peer, json!({"persisted_queries": true, "queries_by": "get"}));
    for _ in 0..2 {
        service.json(json!({"query": "{ a }"})).await.unwrap();
    }
    assert_eq!(ways(&peer), [way("GET", false), way("POST", true), way("GET", false)]);
}

#[tokio::test]
async fn a_service_that_remembers_nothing_is_not_asked_again() {
    let peer = Peer::http(|received| match sent(&received).get("query") {
        None => answer(400, &json!({"errors": [{"message": "PersistedQueryNotSupported"}]})),
        Some(_) => answer(200, &json!({"data": {}})),
    })
    .await;
    let service = Service::new(&peer, json!({"persisted_queries": true}));
    for _ in 0..2 {
        service.json(json!({"query": "{ a }"})).await.unwrap();
    }
    assert_eq!(ways(&peer), [way("POST", false), way("POST", true), way("POST", true)]);
    assert_eq!(sent(&peer.received()[1]).get("extensions"), None);
}

#[tokio::test]
async fn any_other_answer_to_a_hash_is_the_answer() {
    let peer = Peer::http(|_| Response::builder().status(503).body(Body::Empty).unwrap()).await;
    let service = Service::new(&peer, json!({"persisted_queries": true}));
    let error = service.json(json!({"query": "mutation { a }"})).await.unwrap_err();
    assert_eq!((error.kind(), peer.received().len()), (Kind::Unavailable, 1));
}

#[tokio::test]
async fn what_was_done_in_part_is_not_done_again_for_a_hash_that_another_did_not_know() {
    let peer = Peer::http(|_| {
        let error = json!({"message": "PersistedQueryNotFound", "path": ["late"]});
        answer(200, &json!({"data": {"pay": {"id": 1}, "late": null}, "errors": [error]}))
    })
    .await;
    let service = Service::new(&peer, json!({"persisted_queries": true}));
    service.json(json!({"query": "mutation { pay { id } late { id } }"})).await.unwrap();
    assert_eq!(ways(&peer), [way("POST", false)]);
}

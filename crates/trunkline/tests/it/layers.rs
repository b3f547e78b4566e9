//! Layers that a program adds: where they stand, and which calls pass them.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use http::{Response, StatusCode};
use serde_json::json;
use trunkline::{Body, BoxFuture, Call, HttpRequest, Layer, Manager, Next, Reply, Result};
use trunkline_testkit::Peer;

use crate::{answer, config, lab, rest};

/// Writes down under its name what it sees of each call: the integration, and what the cache did.
#[derive(Debug, Clone)]
struct Watch(&'static str, Arc<Mutex<Vec<String>>>);

impl Layer for Watch {
    fn name(&self) -> &'static str {
        self.0
    }

    fn call<'a>(&'a self, call: &'a mut Call, next: Next<'a>) -> BoxFuture<'a, Result<Reply>> {
        Box::pin(async move {
            self.1.lock().unwrap().push(format!("{} {}", self.0, call.integration));
            let reply = next.run(call).await;
            let cache = call.cache.map_or("none", |cache| cache.word());
            self.1.lock().unwrap().push(format!("{} {cache} {}", self.0, call.attempt));
            reply
        })
    }
}

/// A manager with two layers, the second for integration `a` alone, and what they see.
async fn watched() -> (Manager, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::<Mutex<Vec<String>>>::default();
    let (outer, inner) = (Watch("outer", seen.clone()), Watch("inner", seen.clone()));
    let builder = lab().layer(move |_| Some(outer.clone()));
    let manager = builder.layer(move |id| (**id == *"a").then(|| inner.clone())).build().await.unwrap();
    (manager, seen)
}

fn layers(manager: &Manager, id: &str) -> String {
    manager.get(id).unwrap().layers().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn own_layers_stand_between_admission_and_cache_in_the_order_they_were_added() {
    let (manager, _) = watched().await;
    for config in [rest("a", "http://h"), rest("b", "http://h"), rest("off", "http://h").with_enabled(false)]
    {
        manager.register(config).await.unwrap();
    }
    assert!(layers(&manager, "a").starts_with("observe deadline admission outer inner cache retry "));
    assert!(layers(&manager, "b").starts_with("observe deadline admission outer cache retry "));
    assert_eq!(layers(&manager, "off"), "observe refuse");
    manager.replace(rest("a", "http://other"), None).await.unwrap();
    assert!(layers(&manager, "a").contains(" outer inner "), "they are made anew");
}

#[tokio::test]
async fn each_call_passes_an_own_layer_once_whether_attempted_again_or_answered_from_the_cache() {
    let down = AtomicBool::new(true);
    let peer = Peer::http(move |_| match down.swap(false, Ordering::SeqCst) {
        true => answer(StatusCode::SERVICE_UNAVAILABLE, ""),
        false => Response::builder().header("cache-control", "max-age=60").body(Body::from("x")).unwrap(),
    })
    .await;
    let (manager, seen) = watched().await;
    let quick = json!({ "max_attempts": 2, "max_backoff": "1ms" });
    let json =
        json!({ "integration_id": "a", "type": "rest", "base_url": peer.url(), "retry_config": quick });
    manager.register(config(json)).await.unwrap();
    for _ in 0..2 {
        manager.call("a", HttpRequest::get("/x")).await.unwrap();
    }
    let first = ["outer a", "inner a", "inner miss 2", "outer miss 2"];
    let second = ["outer a", "inner a", "inner hit 0", "outer hit 0"];
    assert_eq!(*seen.lock().unwrap(), [first, second].concat());
    manager.get("a").unwrap().probe().await.unwrap();
    assert_eq!(seen.lock().unwrap().len(), 8, "a probe passes none");
}

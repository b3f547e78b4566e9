//! When the store fails, or the caller goes away in the middle: registry and store never part.

use std::{
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{json, value::RawValue};
use tokio::sync::Semaphore;
use trunkline::{
    Call, Context, HttpRequest, Kind, Manager, Operation, Outcome, Proof, Reply, Result, Store, Transport,
};

use crate::{
    config,
    flaky::{Fault, Flaky},
    ids, kind, lab, rest,
};

async fn manager() -> (Manager, Arc<Flaky>) {
    let store = Arc::new(Flaky::default());
    (lab().store(store.clone()).build().await.unwrap(), store)
}

/// What the store holds: ids and generations.
async fn stored(store: &Flaky) -> Vec<(String, u64)> {
    store.load().await.unwrap().into_iter().map(|stored| (stored.id, stored.generation)).collect()
}

/// The registry shows what the store holds, and nothing else.
async fn agree(manager: &Manager, store: &Flaky) {
    let shown: Vec<_> =
        manager.list().iter().map(|handle| (handle.id().to_string(), handle.generation())).collect();
    assert_eq!(shown, stored(store).await);
}

#[tokio::test]
async fn what_is_not_stored_is_not_shown() {
    let (manager, store) = manager().await;
    store.next(Fault::Refused);
    assert_eq!(kind(manager.register(rest("a", "http://h")).await), Kind::Store);
    assert!(manager.list().is_empty());

    let before = manager.register(rest("a", "http://before")).await.unwrap().handle;
    store.next(Fault::Refused);
    assert_eq!(kind(manager.replace(rest("a", "http://after"), None).await), Kind::Store);
    store.next(Fault::Refused);
    assert_eq!(kind(manager.set_enabled("a", false).await), Kind::Store);
    store.next(Fault::Refused);
    assert_eq!(kind(manager.remove("a", None).await), Kind::Store);
    assert!(Arc::ptr_eq(&before, &manager.get("a").unwrap()));
    agree(&manager, &store).await;
}

#[tokio::test]
async fn a_write_of_unknown_outcome_is_shown_if_and_only_if_it_was_stored() {
    let (manager, store) = manager().await;
    for (fault, shown) in [(Fault::LostUnknown, &[][..]), (Fault::StoredUnknown, &["a"][..])] {
        store.next(fault);
        let error = manager.register(rest("a", "http://h")).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Store, Outcome::Unknown));
        assert_eq!(ids(&manager), shown);
        agree(&manager, &store).await;
    }
    for fault in [Fault::LostUnknown, Fault::StoredUnknown] {
        store.next(fault);
        manager.replace(rest("a", "http://h"), None).await.unwrap_err();
        agree(&manager, &store).await;
        manager.replace(rest("a", "http://h"), None).await.unwrap();
    }
    for (fault, shown) in [(Fault::LostUnknown, &["a"][..]), (Fault::StoredUnknown, &[][..])] {
        store.next(fault);
        manager.remove("a", None).await.unwrap_err();
        assert_eq!(ids(&manager), shown);
        agree(&manager, &store).await;
    }
}

#[tokio::test]
async fn a_store_that_knows_better_is_believed() {
    let (manager, store) = manager().await;
    store.put("theirs", None, rest("theirs", "http://h").expose().to_string().as_bytes()).await.unwrap();
    assert_eq!(kind(manager.register(rest("theirs", "http://h")).await), Kind::Conflict);
    assert_eq!(ids(&manager), ["theirs"], "it can be replaced and removed now");
    store.delete("theirs", None).await.unwrap();
    assert_eq!(kind(manager.replace(rest("theirs", "http://h"), None).await), Kind::UnknownIntegration);
    assert!(manager.list().is_empty());
}

/// Polls once and drops.
async fn abandon<T>(change: impl Future<Output = T>) {
    let mut change = Box::pin(change);
    std::future::poll_fn(|cx| {
        assert!(change.as_mut().poll(cx).is_pending());
        std::task::Poll::Ready(())
    })
    .await;
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_store_and_registry_the_same() {
    let (manager, store) = manager().await;
    let gate = Arc::new(Semaphore::new(0));
    let slow = || store.next(Fault::Slow(gate.clone()));
    slow();
    abandon(manager.register(rest("a", "http://h"))).await;
    gate.add_permits(1);
    // The next writer waits for the one before, whoever waits for that.
    manager.register(rest("b", "http://h")).await.unwrap();
    assert_eq!(ids(&manager), ["a", "b"]);
    agree(&manager, &store).await;

    slow();
    abandon(manager.replace(rest("a", "http://other"), None)).await;
    gate.add_permits(1);
    manager.set_enabled("b", false).await.unwrap();
    agree(&manager, &store).await;

    slow();
    abandon(manager.remove("a", None)).await;
    gate.add_permits(1);
    manager.set_enabled("b", true).await.unwrap();
    assert_eq!(ids(&manager), ["b"]);
    agree(&manager, &store).await;
}

#[tokio::test]
async fn a_caller_that_goes_away_before_its_turn_changes_nothing() {
    let (manager, store) = manager().await;
    let gate = Arc::new(Semaphore::new(0));
    store.next(Fault::Slow(gate.clone()));
    let first = tokio::spawn({
        let manager = manager.clone();
        async move { manager.register(rest("a", "http://h")).await.map(drop) }
    });
    while stored(&store).await.is_empty() {
        tokio::task::yield_now().await;
    }
    abandon(manager.register(rest("b", "http://h"))).await;
    gate.add_permits(1);
    first.await.unwrap().unwrap();
    manager.register(rest("c", "http://h")).await.unwrap();
    assert_eq!(ids(&manager), ["a", "c"]);
}

/// A transport that tells when it is closed.
#[derive(Debug)]
struct Closing(String);

#[derive(Debug, Deserialize, JsonSchema)]
struct Named {
    label: String,
}

static CLOSED: Mutex<Vec<String>> = Mutex::new(Vec::new());
static OPENED: AtomicUsize = AtomicUsize::new(0);

impl Transport for Closing {
    const NAME: &'static str = "closing";
    type Config = Named;

    fn open(config: Named, _: &Context) -> Result<Self> {
        OPENED.fetch_add(1, Ordering::SeqCst);
        Ok(Self(config.label))
    }

    fn parse(&self, _: &RawValue) -> Result<Operation> {
        Ok(HttpRequest::get("/").into())
    }

    async fn call(&self, _: &Context, _: &mut Call) -> Result<Reply> {
        Ok(Reply::new(http::StatusCode::OK, self.0.clone()))
    }

    async fn probe(&self, _: &Context, _: &mut Call) -> Result<Proof> {
        Ok(Proof::ANSWERED)
    }

    async fn close(&self) {
        CLOSED.lock().unwrap().push(self.0.clone());
    }
}

#[tokio::test]
async fn a_transport_of_the_programs_own_is_registered_like_any_and_closed_when_it_is_replaced() {
    let manager = lab().transport::<Closing>().build().await.unwrap();
    let closing =
        |id: &str, label: &str| config(json!({ "integration_id": id, "type": "closing", "label": label }));
    let wrong = config(json!({ "integration_id": "a", "type": "closing", "labl": "x" }));
    let error = manager.register(wrong).await.unwrap_err();
    assert!(error.message().contains("did you mean `label`?"), "{error}");
    assert_eq!(OPENED.load(Ordering::SeqCst), 0);
    assert!(manager.catalog().type_schema("closing").is_some());

    manager.register(closing("a", "first")).await.unwrap();
    assert_eq!(manager.call("a", HttpRequest::get("/")).await.unwrap().text().await.unwrap(), "first");
    manager.replace(closing("a", "second"), None).await.unwrap();
    assert_eq!(*CLOSED.lock().unwrap(), ["first"]);
    manager.register(closing("b", "other")).await.unwrap();
    manager.remove("a", None).await.unwrap();
    assert_eq!(*CLOSED.lock().unwrap(), ["first", "second"]);
    manager.close().await;
    assert_eq!(*CLOSED.lock().unwrap(), ["first", "second", "other"]);
    assert_eq!(kind(manager.register(closing("c", "late")).await), Kind::Store);
}

//! Connections: several tenants of one integration, each with credentials, limits and a cache of its own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use http::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use trunkline::{
    Body, ConnectionConfig, Error, Filter, HttpRequest, Kind, Manager, MemoryStore, Part, PartKind, Reply,
    Source, Store,
};
use trunkline_testkit::{Peer, Received};

use crate::{
    agreeable, answer, config,
    flaky::{Fault, Flaky},
    kind, lab,
};

fn connection(json: Value) -> ConnectionConfig {
    ConnectionConfig::from_json(json).unwrap()
}

/// A tenant whose key is its name.
fn tenant(name: &str) -> ConnectionConfig {
    connection(json!({ "connection": name, "auth_config": { "key": format!("key-of-{name}") } }))
}

fn shop(url: &str) -> Value {
    json!({
        "integration_id": "shop", "type": "rest", "base_url": url, "retry_config": { "max_attempts": 1 },
        "auth_type": "api_key", "auth_config": { "key": "key-of-default" },
    })
}

/// A manager with the integration `shop` and these tenants of it.
async fn with(builder: trunkline::Builder, integration: Value, tenants: &[&str]) -> Manager {
    let manager = builder.build().await.unwrap();
    manager.register(config(integration)).await.unwrap();
    for name in tenants {
        manager.add_connection("shop", tenant(name)).await.unwrap();
    }
    manager
}

/// Says back with which key it was asked, and lets it be kept.
async fn echo() -> Peer {
    Peer::http(|received: Received| {
        let response = Response::builder().header("cache-control", "max-age=60");
        response.body(Body::from(received.header("x-api-key").to_owned())).unwrap()
    })
    .await
}

async fn text(reply: Result<Reply, Error>) -> String {
    String::from_utf8(reply.unwrap().bytes().await.unwrap().to_vec()).unwrap()
}

async fn get(manager: &Manager, name: &str) -> String {
    text(manager.call_for("shop", name, HttpRequest::get("/x")).await).await
}

fn open(manager: &Manager) -> usize {
    let text = manager.metrics().render();
    let line = text.lines().find(|line| line.starts_with("trunkline_connections_open ")).unwrap();
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
}

#[tokio::test]
async fn each_tenant_calls_with_its_own_key_and_is_never_given_what_was_kept_for_another() {
    let peer = echo().await;
    let names: Vec<_> = (0..20).map(|n| format!("t{n}")).collect();
    let refs: Vec<_> = names.iter().map(String::as_str).chain(["default"]).collect();
    let manager = with(lab(), shop(&peer.url()), &refs[..20]).await;
    let calls = (0..400).map(|n| {
        let (manager, name) = (&manager, refs[n % refs.len()]);
        async move { assert_eq!(get(manager, name).await, format!("key-of-{name}")) }
    });
    join_all(calls).await;
    assert!(peer.received().len() < 400, "replies were kept");
    assert_eq!(text(manager.call("shop", HttpRequest::get("/x")).await).await, "key-of-default");
}

#[tokio::test]
async fn what_one_tenant_uses_up_or_breaks_is_left_to_the_others() {
    let peer = Peer::http(|received: Received| {
        let broken = received.header("x-api-key") == "key-of-a" && received.uri.path() == "/break";
        answer(if broken { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }, "")
    })
    .await;
    let mut integration = shop(&peer.url());
    integration["rate_limit"] = json!({ "requests": 3, "per": 3600, "max_wait": "1ms" });
    let manager = with(lab(), integration.clone(), &["a", "b"]).await;
    let call =
        |name: &'static str, path: &'static str| manager.call_for("shop", name, HttpRequest::post(path));
    for _ in 0..3 {
        call("a", "/x").await.unwrap();
    }
    assert_eq!(kind(call("a", "/x").await), Kind::Throttled);
    call("b", "/x").await.unwrap();
    call("default", "/x").await.unwrap();

    integration.as_object_mut().unwrap().remove("rate_limit");
    integration["breaker"] = json!({ "consecutive_failures": 2 });
    manager.replace(config(integration), None).await.unwrap();
    for _ in 0..2 {
        call("a", "/break").await.unwrap_err();
    }
    let error = call("a", "/x").await.unwrap_err();
    assert_eq!(error.kind(), Kind::CircuitOpen);
    assert!(error.context().contains(&("connection", "a".to_owned())), "{error}");
    call("b", "/x").await.unwrap();
    call("default", "/x").await.unwrap();
    let circuit = |state: Option<trunkline::FlowState>| state.unwrap().breaker.unwrap().state;
    assert_eq!(circuit(manager.connection_state("shop", "a")), "open");
    assert_eq!(circuit(manager.get("shop").unwrap().state()), "closed");
    assert!(!manager.metrics().render().contains("trunkline_breaker_state{integration=\"shop\"} 2"));
}

#[tokio::test]
async fn a_change_of_either_holds_for_the_next_call_and_forgets_nothing_of_the_service() {
    let peer = echo().await;
    let mut integration = shop(&peer.url());
    integration["rate_limit"] = json!({ "requests": 5, "per": 3600, "max_wait": "1ms" });
    let manager = with(lab(), integration.clone(), &["a"]).await;
    assert_eq!(get(&manager, "a").await, "key-of-a");
    let held = manager.connection("shop", "a").await.unwrap();
    assert!(Arc::ptr_eq(&held, &manager.connection("shop", "a").await.unwrap()), "it is opened once");

    let changed = json!({ "connection": "a", "auth_config": { "key": "new" } });
    let replaced =
        manager.replace_connection("shop", connection(changed), Some(held.generation())).await.unwrap();
    assert!(replaced.generation > held.generation());
    assert_eq!(get(&manager, "a").await, "new");
    let stale = manager.replace_connection("shop", tenant("a"), Some(held.generation())).await;
    assert_eq!(kind(stale), Kind::Conflict);

    integration["headers"] = json!({ "x-more": "1" });
    manager.replace(config(integration), None).await.unwrap();
    assert_eq!(get(&manager, "a").await, "new");
    assert_eq!(peer.received().pop().unwrap().header("x-more"), "1");
    // Three of five were taken, in spite of both changes.
    for _ in 0..2 {
        manager.call_for("shop", "a", HttpRequest::post("/x")).await.unwrap();
    }
    let refused = manager.call_for("shop", "a", HttpRequest::post("/x")).await;
    assert_eq!(kind(refused), Kind::Throttled);
}

#[tokio::test]
async fn one_that_is_removed_takes_no_more_calls_while_those_under_way_end() {
    let (gate, came) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (hold, tell) = (gate.clone(), came.clone());
    let peer = Peer::live(move |_| {
        let hold = hold.clone();
        tell.add_permits(1);
        async move {
            hold.acquire().await.unwrap().forget();
            answer(StatusCode::OK, "done")
        }
    })
    .await;
    let manager = with(lab(), shop(&peer.url()), &["a", "b"]).await;
    let calls: Vec<_> = (0..4)
        .map(|_| {
            let manager = manager.clone();
            tokio::spawn(
                async move { text(manager.call_for("shop", "a", HttpRequest::post("/x")).await).await },
            )
        })
        .collect();
    came.acquire_many(4).await.unwrap().forget();
    let generation = manager.connection_entry("shop", "a").await.unwrap().generation;
    assert_eq!(kind(manager.remove_connection("shop", "a", Some(generation + 1)).await), Kind::Conflict);
    manager.remove_connection("shop", "a", Some(generation)).await.unwrap();
    assert_eq!(kind(manager.connection("shop", "a").await), Kind::UnknownConnection);
    assert_eq!(kind(manager.remove_connection("shop", "a", None).await), Kind::UnknownConnection);
    gate.add_permits(8);
    let ended = join_all(calls).await;
    assert!(ended.iter().all(|ended| ended.as_ref().is_ok_and(|text| text == "done")));
    assert_eq!(get(&manager, "b").await, "done");

    manager.remove("shop", None).await.unwrap();
    assert_eq!(open(&manager), 0);
    assert_eq!(kind(manager.connection("shop", "b").await), Kind::UnknownIntegration);
    manager.register(config(shop(&peer.url()))).await.unwrap();
    assert_eq!(kind(manager.connection("shop", "b").await), Kind::UnknownConnection);
}

#[tokio::test]
async fn a_hundred_thousand_connections_cost_what_is_called() {
    const ALL: usize = 100_000;
    let peer = echo().await;
    let store = Arc::new(Flaky::default());
    with(lab().store(store.clone()), shop(&peer.url()), &[]).await;
    for n in 0..ALL {
        let (name, document) = (format!("t{n:06}"), format!("{{\"connection\":\"t{n:06}\"}}"));
        let part = Part { kind: PartKind::Connection, integration: "shop", connection: &name };
        store.put_part(part, None, document.as_bytes()).await.unwrap();
    }
    let manager = lab().store(store.clone()).open_connections(1_000).build().await.unwrap();
    assert_eq!(
        (store.parts_read.load(Ordering::SeqCst), open(&manager)),
        (0, 0),
        "nothing is read at the start"
    );

    let (mut after, mut pages, mut seen) = (String::new(), 0, 0);
    loop {
        let page = manager.connections("shop", &after, 1_000).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.is_sorted_by(|a, b| a.name < b.name));
        (after, pages, seen) = (last.name.to_string(), pages + 1, seen + page.len());
    }
    assert_eq!((pages, seen, open(&manager)), (100, ALL, 0), "listing opens none");

    for n in (0..ALL).step_by(25) {
        manager.connection("shop", &format!("t{n:06}")).await.unwrap();
        assert!(open(&manager) <= 1_008, "{}", open(&manager));
    }
    assert!(open(&manager) > 900);
    for name in ["x", "t100000", "", "a b", "..", "t000000/", &"x".repeat(200)] {
        assert_eq!(kind(manager.connection("shop", name).await), Kind::UnknownConnection, "{name}");
    }
    let before = store.parts_read.load(Ordering::SeqCst);
    for _ in 0..100 {
        get(&manager, "t099975").await;
    }
    assert!(store.parts_read.load(Ordering::SeqCst) <= before + 1, "once it is open, nothing is read");
}

#[tokio::test]
async fn what_calls_are_under_way_with_is_not_opened_again_beside_itself() {
    let peer = echo().await;
    let manager = with(lab().open_connections(2), shop(&peer.url()), &["a", "b", "c", "d", "e"]).await;
    let held = manager.connection("shop", "a").await.unwrap();
    for name in ["b", "c", "d", "e", "b", "c"] {
        get(&manager, name).await;
    }
    assert!(Arc::ptr_eq(&held, &manager.connection("shop", "a").await.unwrap()));
    // Many who ask at once get the same.
    let all = join_all((0..64).map(|_| manager.connection("shop", "d"))).await;
    let first = all[0].as_ref().unwrap();
    assert!(all.iter().all(|one| Arc::ptr_eq(one.as_ref().unwrap(), first)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_change_holds_for_the_next_call_whatever_is_being_opened_meanwhile() {
    let peer = echo().await;
    // Room for one: whoever is called opens it again.
    let manager = with(lab().open_connections(1), shop(&peer.url()), &["a", "b", "c"]).await;
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let callers: Vec<_> = (0..4)
        .map(|n| {
            let (manager, stop) = (manager.clone(), stop.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let name = ["a", "b", "c"][n % 3];
                    let key = get(&manager, name).await;
                    assert!(name == "a" || key == format!("key-of-{name}"), "{name} {key}");
                    // What is kept is answered without a pause, and the peer needs its turn too.
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for n in 0..50 {
        let key = format!("key-{n}");
        let changed = json!({ "connection": "a", "auth_config": { "key": key } });
        manager.replace_connection("shop", connection(changed), None).await.unwrap();
        assert_eq!(get(&manager, "a").await, key);
        if n % 10 == 0 {
            let mut integration = shop(&peer.url());
            integration["description"] = n.to_string().into();
            manager.replace(config(integration), None).await.unwrap();
            assert_eq!(get(&manager, "a").await, key);
        }
    }
    stop.store(true, Ordering::SeqCst);
    join_all(callers).await.into_iter().for_each(|caller| caller.unwrap());
}

#[tokio::test]
async fn a_damaged_connection_leaves_the_others() {
    let peer = echo().await;
    let store = Arc::new(Flaky::default());
    let manager = with(lab().store(store.clone()), shop(&peer.url()), &["a", "b"]).await;
    store.damage("a");
    assert_eq!(kind(manager.connection("shop", "a").await), Kind::Store);
    assert_eq!(get(&manager, "b").await, "key-of-b");
    let listed = manager.connections("shop", "", 10).await.unwrap();
    assert!(listed[0].config.is_err() && listed[1].config.is_ok());
    manager.remove_connection("shop", "a", None).await.unwrap();
    assert_eq!(manager.connections("shop", "", 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_write_that_fails_changes_nothing_and_one_that_nobody_knows_of_is_looked_up() {
    let peer = echo().await;
    let store = Arc::new(Flaky::default());
    let manager = with(lab().store(store.clone()), shop(&peer.url()), &["a"]).await;
    get(&manager, "a").await;
    let new = || connection(json!({ "connection": "a", "auth_config": { "key": "new" } }));
    store.next(Fault::Refused);
    assert_eq!(kind(manager.replace_connection("shop", new(), None).await), Kind::Store);
    assert_eq!(get(&manager, "a").await, "key-of-a");
    store.next(Fault::StoredUnknown);
    assert_eq!(kind(manager.replace_connection("shop", new(), None).await), Kind::Store);
    assert_eq!(get(&manager, "a").await, "new");
    store.next(Fault::StoredUnknown);
    manager.remove_connection("shop", "a", None).await.unwrap_err();
    assert_eq!(kind(manager.connection("shop", "a").await), Kind::UnknownConnection);
}

#[tokio::test]
async fn a_change_whose_caller_goes_away_runs_to_its_end() {
    let peer = echo().await;
    let store = Arc::new(Flaky::default());
    let manager = with(lab().store(store.clone()), shop(&peer.url()), &["a"]).await;
    get(&manager, "a").await;
    let gate = Arc::new(Semaphore::new(0));
    store.next(Fault::Slow(gate.clone()));
    let new = connection(json!({ "connection": "a", "auth_config": { "key": "new" } }));
    let change = manager.replace_connection("shop", new, None);
    assert!(tokio::time::timeout(Duration::from_millis(20), change).await.is_err());
    gate.add_permits(1);
    // Changes take turns: the next one begins when this one has ended.
    manager.add_connection("shop", tenant("b")).await.unwrap();
    assert_eq!(get(&manager, "a").await, "new");
}

#[tokio::test]
async fn placeholders_take_each_connections_values_and_leave_no_default() {
    let peer = Peer::http(|received: Received| {
        answer(StatusCode::OK, format!("{} {}", received.uri.path(), received.header("x-account")))
    })
    .await;
    let mut integration = shop("{{connection.instance}}/v1");
    integration["headers"] = json!({ "x-account": "{{connection.account}}" });
    let manager = with(lab(), integration, &[]).await;
    let error = manager.call("shop", HttpRequest::get("/x")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidConfig);
    assert!(error.message().contains("Trunkline-Connection"), "{error}");
    let handle = manager.get("shop").unwrap();
    assert!(handle.trouble().is_none() && handle.needs_connection());
    let health = manager.health("shop").await.unwrap();
    assert_eq!((health.reason_code, health.is_up()), ("connection_needed", false));
    for (name, account) in [("a", "1"), ("b", "2")] {
        let values = json!({ "instance": peer.url(), "account": account });
        manager
            .add_connection("shop", connection(json!({ "connection": name, "values": values })))
            .await
            .unwrap();
        assert_eq!(get(&manager, name).await, format!("/v1/x {account}"));
        assert!(manager.connection_health("shop", name).await.unwrap().is_up());
    }
    let metrics = manager.metrics().render();
    assert!(
        metrics.contains("http_client_request_duration") && !metrics.contains("server_port"),
        "{metrics}"
    );
    let lacking = connection(json!({ "connection": "c", "values": { "account": "3" } }));
    let error = manager.add_connection("shop", lacking).await.unwrap_err();
    assert!(error.message().starts_with("values.instance: is missing"), "{error}");
    let values = json!({ "instance": peer.url(), "account": "4", "acount": "4" });
    let added =
        manager.add_connection("shop", connection(json!({ "connection": "d", "values": values }))).await;
    assert_eq!(added.unwrap().warnings, ["values.acount: the integration has no placeholder for it"]);
}

#[tokio::test]
async fn integrations_of_a_file_have_connections_and_keep_them_when_it_changes() {
    let peer = echo().await;
    let manager = lab().build().await.unwrap();
    let file = [config(shop(&peer.url()))];
    manager.set_source(Source::File, &file).await.unwrap();
    manager.add_connection("shop", tenant("a")).await.unwrap();
    assert_eq!(get(&manager, "a").await, "key-of-a");
    manager.set_source(Source::File, &[]).await.unwrap();
    assert_eq!((kind(manager.connection("shop", "a").await), open(&manager)), (Kind::UnknownIntegration, 0));
    manager.set_source(Source::File, &file).await.unwrap();
    assert_eq!(get(&manager, "a").await, "key-of-a");
}

#[tokio::test]
async fn one_that_is_off_or_called_default_says_so() {
    let peer = agreeable().await;
    let manager = with(lab(), shop(&peer.url()), &["a"]).await;
    let off = connection(json!({ "connection": "b", "enabled": false }));
    manager.add_connection("shop", off).await.unwrap();
    let error = manager.call_for("shop", "b", HttpRequest::get("/")).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (Kind::Disabled, "the connection is disabled; enable it to call it")
    );
    manager.set_enabled("shop", false).await.unwrap();
    let error = manager.call_for("shop", "a", HttpRequest::get("/")).await.unwrap_err();
    assert_eq!(error.message(), "the integration is disabled; enable it to call it");
    assert_eq!(kind(manager.add_connection("shop", tenant("a")).await), Kind::Conflict);
    assert_eq!(kind(manager.add_connection("nothing", tenant("a")).await), Kind::UnknownIntegration);
    assert_eq!(kind(manager.replace_connection("shop", tenant("c"), None).await), Kind::UnknownConnection);
    assert_eq!(kind(manager.remove_connection("shop", "default", None).await), Kind::Conflict);
    assert_eq!(&*manager.connection_entry("shop", "default").await.unwrap().name, "default");
    let unsound = connection(json!({ "connection": "d", "auth_config": { "heder": "x" } }));
    let error = manager.add_connection("shop", unsound).await.unwrap_err();
    assert!(error.message().contains("did you mean `header`?"), "{error}");
}

#[tokio::test]
async fn activity_says_whose_call_it_was() {
    let peer = agreeable().await;
    let manager = with(lab(), shop(&peer.url()), &["a"]).await;
    for name in ["a", "default"] {
        get(&manager, name).await;
    }
    let of = |name: &str| {
        let filter = Filter { connection: Some(name.to_owned()), ..Filter::default() };
        manager.activity().query(&filter).len()
    };
    assert_eq!((of("a"), of("default"), of("b")), (1, 1, 0));
    let all = serde_json::to_value(manager.activity().query(&Filter::default())).unwrap();
    assert_eq!((&all[0]["connection"], &all[1]["connection"]), (&json!("default"), &json!("a")));
}

#[tokio::test]
async fn a_restart_keeps_them() {
    let peer = echo().await;
    let store = Arc::new(Flaky::default());
    with(lab().store(store.clone()), shop(&peer.url()), &["a"]).await.close().await;
    let manager = lab().store(store).build().await.unwrap();
    assert_eq!(get(&manager, "a").await, "key-of-a");
}

#[tokio::test]
async fn a_program_s_own_layer_is_made_for_each_connection() {
    let peer = agreeable().await;
    let made = Arc::new(AtomicUsize::new(0));
    let count = made.clone();
    let builder = lab().layer::<crate::connections::nothing::Nothing>(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        None
    });
    let manager = with(builder.store(Arc::new(MemoryStore::new(0))), shop(&peer.url()), &["a"]).await;
    let before = made.load(Ordering::SeqCst);
    get(&manager, "a").await;
    get(&manager, "a").await;
    assert_eq!(made.load(Ordering::SeqCst), before + 1);
}

mod nothing {
    use trunkline::{BoxFuture, Call, Layer, Next, Reply, Result};

    #[derive(Debug)]
    pub(super) struct Nothing;

    impl Layer for Nothing {
        fn name(&self) -> &'static str {
            "nothing"
        }

        fn call<'a>(&'a self, call: &'a mut Call, next: Next<'a>) -> BoxFuture<'a, Result<Reply>> {
            next.run(call)
        }
    }
}

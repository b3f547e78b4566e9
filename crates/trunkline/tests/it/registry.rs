//! Registering, replacing, removing, switching on and off, and what is refused.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use http::StatusCode;
use serde_json::json;
use trunkline::{HttpRequest, IntegrationConfig, Kind, Manager, MemoryStore, Outcome, Source, Store};

use crate::{agreeable, answer, config, ids, kind, lab, nobody, rest, silent};
use trunkline_testkit::Peer;

#[tokio::test]
async fn what_is_registered_is_listed_and_can_be_called() {
    let peer = agreeable().await;
    let manager = lab().build().await.unwrap();
    for id in ["b", "a", "C"] {
        manager.register(rest(id, &peer.url())).await.unwrap();
    }
    assert_eq!(ids(&manager), ["C", "a", "b"], "in the order of the ids");
    let reply = manager.call("a", HttpRequest::get("/x")).await.unwrap();
    assert_eq!(reply.text().await.unwrap(), "ok");
    let handle = manager.get("a").unwrap();
    assert_eq!((handle.name(), handle.r#type(), handle.enabled()), ("a", "rest", true));
    assert_eq!((handle.source(), handle.description()), (Source::Store, ""));
    assert!(handle.trouble().is_none());
}

#[tokio::test]
async fn an_unknown_id_is_named_without_its_control_characters() {
    let manager = lab().build().await.unwrap();
    for error in [
        manager.call("no\nsuch", HttpRequest::get("/")).await.unwrap_err(),
        manager.remove("no\nsuch", None).await.unwrap_err(),
        manager.set_enabled("no\nsuch", true).await.unwrap_err(),
        manager.health("no\nsuch").await.unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.outcome()), (Kind::UnknownIntegration, Outcome::NotSent));
        assert_eq!(error.kind().row().answers, 404);
        assert!(error.to_string().ends_with("integration=nosuch"), "{error}");
    }
    assert_eq!(kind(manager.replace(rest("a", "http://h"), None).await), Kind::UnknownIntegration);
}

#[tokio::test]
async fn what_is_wrong_is_named_and_nothing_is_half_registered() {
    let store = Arc::new(MemoryStore::default());
    let manager = lab().store(store.clone()).build().await.unwrap();
    let base = json!({ "integration_id": "a", "type": "rest", "base_url": "http://h" });
    let cases = [
        (json!({ "integration_id": "a/b" }), Kind::InvalidConfig, "integration_id"),
        (json!({ "integration_id": "list" }), Kind::InvalidConfig, "path of the API"),
        (json!({ "integration_id": null }), Kind::InvalidConfig, "missing field `integration_id`"),
        (json!({ "type": null }), Kind::InvalidConfig, "missing field `type`"),
        (json!({ "type": "res" }), Kind::Unsupported, "did you mean `rest`?"),
        (json!({ "type": "REST" }), Kind::Unsupported, "did you mean `rest`?"),
        (json!({ "type": "soap" }), Kind::Unsupported, "known: rest"),
        (json!({ "auth_type": "beerer" }), Kind::Unsupported, "did you mean `bearer`?"),
        (json!({ "auth_type": "Basic" }), Kind::Unsupported, "did you mean `basic`?"),
        (json!({ "base_url": null }), Kind::InvalidConfig, "missing field `base_url`"),
        (json!({ "base_url": "ftp://h" }), Kind::InvalidConfig, "base_url: must begin with https://"),
        (json!({ "base_ulr": "x" }), Kind::InvalidConfig, "unknown key `base_ulr`, did you mean `base_url`?"),
        (json!({ "Timeout": 3 }), Kind::InvalidConfig, "unknown key `Timeout`, did you mean `timeout`?"),
        (json!({ "xyzzy": 3 }), Kind::InvalidConfig, "unknown key `xyzzy`; known for type rest: base_url"),
        (json!({ "timeout": 0 }), Kind::InvalidConfig, "timeout: must be more than 0"),
        (json!({ "timeout": 301 }), Kind::InvalidConfig, "timeout: must be at most 300"),
        (
            json!({ "timeouts": { "idel": 1 } }),
            Kind::InvalidConfig,
            "unknown key `idel`, did you mean `idle`?",
        ),
        (json!({ "rate_limit": { "requests": 0 } }), Kind::InvalidConfig, "rate_limit.requests"),
        (
            json!({ "auth_type": "api_key", "auth_config": {} }),
            Kind::InvalidConfig,
            "auth_config: missing field `key`",
        ),
        (
            json!({ "auth_type": "api_key", "auth_config": { "key": "********" } }),
            Kind::InvalidConfig,
            "auth_config.key: is the mask",
        ),
        (
            json!({ "webhooks": {} }),
            Kind::InvalidConfig,
            "webhooks: missing field `verify`, an object with `type`: how they are signed",
        ),
        (
            json!({ "webhooks": { "verify": {} } }),
            Kind::InvalidConfig,
            "webhooks.verify: missing field `type`, who signs in which way: `stripe`, `twilio`",
        ),
        (json!({ "auth_config": [] }), Kind::InvalidConfig, "auth_config: expected an object"),
        (json!({ "auth_type": "none", "auth_config": { "key": "x" } }), Kind::InvalidConfig, "auth_config"),
        (json!({ "enabled": "yes" }), Kind::InvalidConfig, "enabled: expected a boolean"),
    ];
    for (change, expected, words) in cases {
        let mut json = base.clone();
        for (key, value) in change.as_object().unwrap() {
            json[key] = value.clone();
        }
        let result = match IntegrationConfig::from_json(json) {
            Ok(config) => {
                assert_eq!(kind(manager.check(&config).map(|()| config.clone())), expected, "{change}");
                manager.register(config).await.map(|_| ())
            }
            Err(error) => Err(error),
        };
        let error = result.unwrap_err();
        assert_eq!(error.kind(), expected, "{change}: {error}");
        assert!(error.message().contains(words), "{change}: {error}");
    }
    assert!(manager.list().is_empty() && store.load().await.unwrap().is_empty());
    assert!(!manager.metrics().render().contains("integration="));
}

#[test]
fn bad_json_is_located() {
    let error = IntegrationConfig::from_slice(b"{\"integration_id\": \"a\",\n hunter2}").unwrap_err();
    assert_eq!(error.message(), "the JSON is not valid JSON, at line 2 column 2");
    let error = IntegrationConfig::from_slice(b"[]").unwrap_err();
    assert!(error.message().contains("is a JSON object"), "{error}");
}

#[tokio::test]
async fn an_id_that_is_taken_stays_with_its_holder() {
    let peer = agreeable().await;
    let manager = lab().build().await.unwrap();
    let first = manager.register(rest("a", &peer.url())).await.unwrap().handle;
    let error = manager.register(rest("a", &nobody())).await.unwrap_err();
    assert_eq!((error.kind(), error.kind().row().answers), (Kind::Conflict, 409));
    assert!(Arc::ptr_eq(&first, &manager.get("a").unwrap()));
    manager.call("a", HttpRequest::get("/")).await.unwrap();
}

#[tokio::test]
async fn registering_sends_nothing_and_a_service_that_is_down_can_be_registered() {
    let connections = Arc::new(AtomicUsize::new(0));
    let peer = silent(connections.clone()).await;
    let manager = lab().build().await.unwrap();
    for enabled in [true, false] {
        manager
            .register(config(json!({
                "integration_id": format!("here-{enabled}"), "type": "rest", "base_url": peer.url(),
                "enabled": enabled, "auth_type": "bearer", "auth_config": { "token": "t" },
                "probe": { "endpoint": "/me" },
            })))
            .await
            .unwrap();
    }
    manager.set_enabled("here-false", true).await.unwrap();
    manager.register(rest("down", &nobody())).await.unwrap();
    manager.register(rest("nowhere", "https://no-such-host.invalid")).await.unwrap();
    // The peer takes connections in their order: had there been others, they would be counted by now.
    let slow = config(
        json!({ "integration_id": "slow", "type": "rest", "base_url": peer.url(), "timeout": "50ms" }),
    );
    manager.register(slow).await.unwrap();
    assert_eq!(kind(manager.call("slow", HttpRequest::get("/")).await), Kind::Timeout);
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    assert_eq!(kind(manager.call("down", HttpRequest::get("/")).await), Kind::Unavailable);
}

#[tokio::test]
async fn a_replacement_takes_over_at_once_and_its_generation_is_new() {
    let (old, new) = (agreeable().await, Peer::http(|_| answer(StatusCode::OK, "new")).await);
    let manager = lab().build().await.unwrap();
    let before = manager.register(rest("a", &old.url())).await.unwrap().handle;
    let after = manager.replace(rest("a", &new.url()), Some(before.generation())).await.unwrap().handle;
    assert!(after.generation() > before.generation());
    let reply = manager.call("a", HttpRequest::get("/")).await.unwrap();
    assert_eq!(reply.text().await.unwrap(), "new");
    // Whoever holds the old one ends as it began.
    let mut call = trunkline::Call::new(before.id().clone(), HttpRequest::get("/"));
    assert_eq!(before.call(&mut call).await.unwrap().text().await.unwrap(), "ok");

    let error = manager.replace(rest("a", &old.url()), Some(before.generation())).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Conflict);
    assert!(error.context().contains(&("generation", after.generation().to_string())), "{error}");
    assert_eq!(kind(manager.remove("a", Some(before.generation())).await), Kind::Conflict);
    manager.replace(rest("a", &old.url()), None).await.unwrap();
}

#[tokio::test]
async fn a_replacement_that_is_wrong_changes_nothing() {
    let peer = agreeable().await;
    let manager = lab().build().await.unwrap();
    manager.register(rest("a", &peer.url())).await.unwrap();
    assert_eq!(kind(manager.replace(rest("a", "nonsense"), None).await), Kind::InvalidConfig);
    manager.call("a", HttpRequest::get("/")).await.unwrap();
}

#[tokio::test]
async fn what_is_removed_is_gone_with_its_labels_and_its_generation_never_returns() {
    let peer = agreeable().await;
    let manager = lab().build().await.unwrap();
    let mut generations = HashSet::new();
    for _ in 0..3 {
        let handle = manager.register(rest("fleeting", &peer.url())).await.unwrap().handle;
        assert!(generations.insert(handle.generation()));
        manager.call("fleeting", HttpRequest::get("/")).await.unwrap();
        assert!(manager.metrics().render().contains("fleeting"));
        manager.remove("fleeting", Some(handle.generation())).await.unwrap();
        assert_eq!(kind(manager.get("fleeting")), Kind::UnknownIntegration);
        // A call that was under way leaves its labels no longer than it lasts.
        let mut call = trunkline::Call::new(handle.id().clone(), HttpRequest::get("/"));
        handle.call(&mut call).await.unwrap();
        drop(handle);
        assert!(!manager.metrics().render().contains("fleeting"));
    }
    assert_eq!(kind(manager.remove("fleeting", None).await), Kind::UnknownIntegration);
}

#[tokio::test]
async fn a_disabled_integration_refuses_before_anything_is_sent() {
    let peer = agreeable().await;
    let manager = lab().build().await.unwrap();
    let handle = manager.register(rest("a", &peer.url()).with_enabled(false)).await.unwrap().handle;
    assert_eq!(handle.layers().collect::<Vec<_>>(), ["observe", "refuse"]);
    let error = manager.call("a", HttpRequest::post("/")).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Disabled, Outcome::NotSent));
    assert_eq!((error.kind().row().answers, error.attempts()), (409, 0));
    assert!(peer.received().is_empty());

    let enabled = manager.set_enabled("a", true).await.unwrap().handle;
    assert!(enabled.enabled() && enabled.generation() > handle.generation());
    manager.call("a", HttpRequest::post("/")).await.unwrap();
    manager.set_enabled("a", false).await.unwrap();
    assert_eq!(kind(manager.call("a", HttpRequest::get("/")).await), Kind::Disabled);
    assert_eq!(peer.received().len(), 1);
}

#[tokio::test]
async fn what_an_integration_does_not_configure_is_not_in_its_pipeline() {
    let manager = lab().build().await.unwrap();
    let layers = async |change: serde_json::Value| {
        let mut json = json!({ "integration_id": "a", "type": "rest", "base_url": "http://h" });
        for (key, value) in change.as_object().unwrap() {
            json[key] = value.clone();
        }
        let handle = manager.register(config(json)).await.unwrap().handle;
        manager.remove("a", None).await.unwrap();
        handle.layers().collect::<Vec<_>>().join(" ")
    };
    let usual = "observe deadline admission cache retry breaker rate_limit concurrency";
    assert_eq!(layers(json!({})).await, format!("{usual} attempt"));
    assert_eq!(layers(json!({ "auth_type": "none", "auth_config": {} })).await, format!("{usual} attempt"));
    let off = json!({
        "retry_config": { "max_attempts": 1 }, "breaker": { "enabled": false },
        "rate_limit": { "learn": false }, "concurrency": { "enabled": false }, "cache_config": { "enabled": false },
    });
    assert_eq!(layers(off).await, "observe deadline admission attempt");
    assert_eq!(
        layers(json!({ "auth_type": "bearer", "auth_config": { "token": "t" }, "attempt_timeout": 1 })).await,
        format!("{usual} authenticate timeout attempt")
    );
}

#[tokio::test]
async fn what_is_not_done_as_it_was_written_is_said() {
    let manager = lab().build().await.unwrap();
    let registered = manager
        .register(config(json!({
            "integration_id": "a", "type": "rest", "base_url": "http://h",
            "retry_config": { "max_retries": 8 }, "rate_limit": { "requests": 3 }, "cache_config": { "ttl": 60 },
        })))
        .await
        .unwrap();
    assert_eq!(registered.warnings.len(), 1, "{:?}", registered.warnings);
    assert!(registered.warnings[0].contains("more than 5"));
}

#[tokio::test]
async fn clones_are_the_same_registry() {
    let manager = Manager::builder().build().await.unwrap();
    manager.clone().register(rest("a", "https://h")).await.unwrap();
    assert_eq!(ids(&manager), ["a"]);
}

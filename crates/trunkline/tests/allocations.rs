//! What a call allocates: one box for each asynchronous layer and one for the transport, nothing else.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use allocation_counter::measure;
use futures_util::FutureExt;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use trunkline::{
    Call, ConnectionConfig, Context, Error, Filter, HttpRequest, IntegrationConfig, Kind, Manager, Operation,
    Proof, Reply, Result, Transport,
};

/// Answers at once, without allocating.
#[derive(Debug)]
struct Nothing {
    fails: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Settings {
    #[serde(default)]
    fails: bool,
}

impl Transport for Nothing {
    const NAME: &'static str = "nothing";
    type Config = Settings;

    fn open(settings: Settings, _: &Context) -> Result<Self> {
        Ok(Self { fails: settings.fails })
    }

    fn parse(&self, _: &RawValue) -> Result<Operation> {
        Ok(HttpRequest::get("").into())
    }

    async fn call(&self, _: &Context, call: &mut Call) -> Result<Reply> {
        assert_eq!(call.credential.is_some(), call.integration.starts_with("auth"));
        if self.fails {
            return Err(Error::new(Kind::Timeout, "no answer"));
        }
        Ok(Reply::new(StatusCode::OK, &b"ok"[..]))
    }

    async fn probe(&self, _: &Context, _: &mut Call) -> Result<Proof> {
        Ok(Proof::ANSWERED)
    }
}

async fn manager(more: &[(&str, Value)]) -> Manager {
    let manager = Manager::builder().transport::<Nothing>().build().await.unwrap();
    for (id, more) in more {
        let off = json!({ "enabled": false });
        let mut json = json!({ "integration_id": id, "type": "nothing", "cache_config": off });
        for (key, value) in more.as_object().unwrap() {
            json[key] = value.clone();
        }
        manager.register(IntegrationConfig::from_json(json).unwrap()).await.unwrap();
    }
    manager
}

/// The allocations of one call through the manager. An endpoint without a letter is none.
fn allocations(manager: &Manager, id: &str) -> u64 {
    let call = || drop(manager.call(id, HttpRequest::get("")).now_or_never().unwrap());
    // The first call makes what is made once: metric handles, the credential's header, thread locals.
    (0..3).for_each(|_| call());
    let counted = measure(|| (0..100).for_each(|_| call())).count_total;
    assert_eq!(counted % 100, 0, "not the same in every call: {counted}");
    counted / 100
}

#[tokio::test]
async fn a_call_allocates_one_box_for_each_layer_and_one_for_the_transport() {
    let off = json!({
        "retry_config": { "max_attempts": 1 }, "breaker": { "enabled": false },
        "rate_limit": { "learn": false }, "concurrency": { "enabled": false },
    });
    let with = |base: &Value, more: Value| {
        let mut json = base.clone();
        json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json
    };
    let bearer = json!({ "auth_type": "bearer", "auth_config": { "token": "t" } });
    let limits =
        json!({ "rate_limit": [{ "requests": 1_000_000 }, { "requests": 4_000_000, "per": "24h" }] });
    let manager = manager(&[
        ("off", off.clone()),
        ("auth-off", with(&off, with(&bearer, json!({ "attempt_timeout": 1 })))),
        // A timer that the deadline makes useless is no box.
        ("timeout-off", with(&off, json!({ "attempt_timeout": 60 }))),
        ("usual", json!({})),
        ("auth-all", with(&bearer, with(&limits, json!({ "attempt_timeout": 1 })))),
        ("kept", json!({ "cache_config": { "ttl": 60 } })),
    ])
    .await;
    let usual = "observe deadline admission retry breaker rate_limit concurrency";
    for (id, layers, boxes) in [
        ("off", "observe deadline admission attempt", 5),
        ("auth-off", "observe deadline admission authenticate timeout attempt", 7),
        ("timeout-off", "observe deadline admission timeout attempt", 5),
        ("usual", &*format!("{usual} attempt"), 9),
        ("auth-all", &*format!("{usual} authenticate timeout attempt"), 11),
        // A hit: a box for each layer, three for a copy of the headers with room for one more, two for the age.
        ("kept", "observe deadline admission cache retry breaker rate_limit concurrency attempt", 9),
    ] {
        assert_eq!(manager.get(id).unwrap().layers().collect::<Vec<_>>().join(" "), layers);
        assert_eq!(allocations(&manager, id), boxes, "{id}");
    }
}

#[tokio::test]
async fn a_call_that_fails_allocates_only_its_error_beside() {
    let once =
        json!({ "fails": true, "retry_config": { "max_attempts": 1 }, "breaker": { "enabled": false } });
    let manager = manager(&[("a", once), ("off", json!({ "enabled": false }))]).await;
    // Seven boxes, and the error's own.
    assert_eq!(allocations(&manager, "a"), 8);
    // A call that is refused: two boxes, and the error's own.
    assert_eq!(allocations(&manager, "off"), 3);
}

#[tokio::test]
async fn looking_up_and_recording_allocate_nothing() {
    let manager = manager(&[("a", json!({}))]).await;
    manager.call("a", HttpRequest::get("")).await.unwrap();
    assert_eq!(measure(|| drop(manager.get("a").unwrap())).count_total, 0);
    assert_eq!(manager.activity().query(&Filter::default()).len(), 1);
    let connection = ConnectionConfig::from_json(json!({ "connection": "b" })).unwrap();
    manager.add_connection("a", connection).await.unwrap();
    manager.connection("a", "b").await.unwrap();
    let found = || drop(manager.connection("a", "b").now_or_never().unwrap());
    assert_eq!(measure(found).count_total, 0, "one that is open");
}

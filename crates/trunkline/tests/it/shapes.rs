//! Every stage of the pipeline for every shape of operation: none of them is for HTTP alone.

use std::{
    collections::VecDeque,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use tokio::time::Instant;
use trunkline::{
    Call, Context, Error, Filter, HttpRequest, Idempotency, IntegrationId, Kind, Manager, Message, Operation,
    Outcome, Proof, Publish, Query, Receive, Reply, Result, Transport,
};

use crate::{config, kind, lab};

/// What an attempt does.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Step {
    /// Finds nobody to send it to.
    Refused,
    /// Sends it and hears no more.
    Cut,
    /// Never ends.
    Hangs,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(default)]
    script: VecDeque<Step>,
}

/// A transport of any shape. When its script is over it answers what it has seen.
#[derive(Debug)]
struct Scripted {
    script: Mutex<VecDeque<Step>>,
    attempts: AtomicU32,
}

impl Transport for Scripted {
    const NAME: &'static str = "scripted";
    type Config = Config;

    fn open(config: Config, _: &Context) -> Result<Self> {
        Ok(Self { script: Mutex::new(config.script), attempts: AtomicU32::new(0) })
    }

    fn parse(&self, _: &RawValue) -> Result<Operation> {
        Err(Error::invalid("operations are made by hand"))
    }

    async fn call(&self, _: &Context, call: &mut Call) -> Result<Reply> {
        let attempts = self.attempts.fetch_add(1, Ordering::SeqCst) + 1;
        let step = self.script.lock().unwrap().pop_front();
        let failed = |outcome| Err(Error::new(Kind::Unavailable, "scripted").outcome_is(outcome));
        match step {
            Some(Step::Refused) => failed(Outcome::NotSent),
            Some(Step::Cut) => failed(Outcome::Unknown),
            Some(Step::Hangs) => std::future::pending().await,
            None => {
                let credential = match call.credential.as_deref().map(trunkline::Credential::header) {
                    Some(header) => header?.map(|(_, value)| value.to_str().unwrap().to_owned()),
                    None => None,
                };
                let seen = json!({"attempts": attempts, "credential": credential});
                Ok(Reply::new(StatusCode::OK, seen.to_string()))
            }
        }
    }

    async fn probe(&self, _: &Context, _: &mut Call) -> Result<Proof> {
        Ok(Proof::ANSWERED)
    }
}

/// Every shape, and whether it only reads.
fn shapes() -> [(Operation, bool); 6] {
    let query = |text: &str, read_only| Query { read_only, ..Query::new(text) };
    let publish = Publish::new(Message::text("orders", "one"));
    let receive = Receive::pull("orders", 1, Duration::from_secs(1));
    [
        (HttpRequest::get("/orders").into(), true),
        (HttpRequest::post("/orders").body("one").into(), false),
        (query("select 1", true).into(), true),
        (query("delete from orders", false).into(), false),
        (publish.into(), false),
        (receive.into(), false),
    ]
}

/// An integration for each shape, which are called as often as a test wants.
struct Integration {
    manager: Manager,
    shape: usize,
    reads: bool,
    label: &'static str,
}

/// One for each shape, with these keys.
async fn each(more: Value) -> Vec<Integration> {
    let mut all = Vec::new();
    for (shape, (operation, reads)) in shapes().into_iter().enumerate() {
        assert_eq!(operation.idempotency() == Idempotency::Safe, reads, "{operation:?}");
        let manager = lab().transport::<Scripted>().build().await.unwrap();
        let mut json = json!({"integration_id": "a", "type": "scripted"});
        json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        manager.register(config(json)).await.unwrap();
        all.push(Integration { manager, shape, reads, label: operation.label() });
    }
    all
}

impl Integration {
    fn operation(&self) -> Operation {
        shapes().into_iter().nth(self.shape).unwrap().0
    }

    async fn call(&self) -> Result<Reply> {
        self.manager.call("a", self.operation()).await
    }

    /// What the transport has seen, by its answer to one more call.
    async fn seen(&self) -> Value {
        self.call().await.unwrap().json().await.unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_every_shape() {
    for one in each(json!({"timeout": "3s", "script": ["hangs"]})).await {
        let began = Instant::now();
        let error = one.call().await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Timeout, Outcome::Unknown), "{}", one.label);
        assert_eq!(began.elapsed().as_secs(), 3, "{}", one.label);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_not_sent_is_attempted_again_whatever_it_is() {
    for one in each(json!({"script": ["refused"]})).await {
        assert_eq!(one.seen().await["attempts"], 2, "{}", one.label);
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_applied_is_attempted_again_only_if_it_reads() {
    for one in each(json!({"script": ["cut"]})).await {
        if one.reads {
            assert_eq!(one.seen().await["attempts"], 2, "{}", one.label);
        } else {
            assert_eq!(one.call().await.unwrap_err().outcome(), Outcome::Unknown, "{}", one.label);
            assert_eq!(one.seen().await["attempts"], 2, "{} was attempted again", one.label);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_makes_every_shape_wait_or_refuses_it() {
    for one in each(json!({"rate_limit": {"requests": 1, "per": "4s", "max_queue": 1}})).await {
        one.call().await.unwrap();
        let began = Instant::now();
        let (waited, refused) = tokio::join!(one.seen(), one.call());
        assert_eq!((&waited["attempts"], began.elapsed().as_secs()), (&json!(2), 4), "{}", one.label);
        assert_eq!(kind(refused), Kind::Throttled, "{}", one.label);
    }
}

#[tokio::test(start_paused = true)]
async fn a_bound_on_what_is_under_way_holds_for_every_shape() {
    // Without a cache, in which one GET waits for the other.
    let keys = json!({
        "concurrency": {"max": 1, "max_queue": 0}, "cache_config": {"enabled": false}, "script": ["hangs"],
    });
    for one in each(keys).await {
        let hangs = one.call();
        tokio::pin!(hangs);
        let refused = tokio::select! {
            biased;
            _ = &mut hangs => panic!("{} hangs", one.label),
            refused = one.call() => refused,
        };
        assert_eq!(kind(refused), Kind::Throttled, "{}", one.label);
        assert_eq!(kind(hangs.await), Kind::Timeout, "{}", one.label);
        assert_eq!(one.seen().await["attempts"], 2, "its place is free again: {}", one.label);
    }
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_stops_every_shape() {
    let keys = json!({
        "breaker": {"consecutive_failures": 2}, "retry_config": {"max_attempts": 1}, "script": ["cut", "cut"],
    });
    for one in each(keys).await {
        for expected in [Kind::Unavailable, Kind::Unavailable, Kind::CircuitOpen] {
            assert_eq!(kind(one.call().await), expected, "{}", one.label);
        }
        one.manager.get("a").unwrap().reset_breaker().unwrap();
        assert_eq!(one.seen().await["attempts"], 3, "{}", one.label);
    }
}

#[tokio::test(start_paused = true)]
async fn with_a_ttl_what_reads_is_answered_from_the_cache_and_nothing_else_is() {
    for one in each(json!({"cache_config": {"ttl": "60s"}})).await {
        let first = one.seen().await;
        let second = one.seen().await;
        assert_eq!(first == second, one.reads, "{}: {second}", one.label);
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_ne!(one.seen().await, second, "{} is answered for ever", one.label);
    }
}

#[tokio::test(start_paused = true)]
async fn the_credential_comes_to_the_transport_with_every_shape() {
    for one in each(json!({"auth_type": "bearer", "auth_config": {"token": "t0ken"}})).await {
        assert_eq!(one.seen().await["credential"], "Bearer t0ken", "{}", one.label);
    }
}

#[tokio::test(start_paused = true)]
async fn every_shape_is_measured_and_leaves_one_record() {
    for one in each(json!({"script": ["refused"]})).await {
        let mut call = Call::new(IntegrationId::new("a").unwrap(), one.operation());
        let reply = one.manager.get("a").unwrap().call(&mut call).await.unwrap();
        let received = reply.bytes().await.unwrap().len() as u64;
        let metrics = one.manager.metrics().render();
        for line in [
            "trunkline_calls_total{integration=\"a\",outcome=\"ok\"} 1",
            "trunkline_retries_total{integration=\"a\"} 1",
            "trunkline_calls_in_flight{integration=\"a\"} 0",
            "trunkline_call_duration_seconds_count{integration=\"a\"} 1",
        ] {
            assert!(metrics.contains(line), "{}: {line} is not in {metrics}", one.label);
        }
        let records = one.manager.activity().query(&Filter::default());
        assert_eq!(records.len(), 1, "{}", one.label);
        let record = &records[0];
        assert_eq!((&*record.operation, &*record.kind, record.attempts), (one.label, "ok", 2));
        assert_eq!((record.request_id, record.bytes_received), (call.request_id, received), "{}", one.label);
        let sent = if matches!(one.label, "POST" | "publish") { 3 } else { 0 };
        assert_eq!(record.bytes_sent, sent, "{}", one.label);
    }
}

#[tokio::test(start_paused = true)]
async fn limiter_and_breaker_go_by_a_clock_that_nobody_can_set() {
    let keys = json!({
        "rate_limit": {"requests": 1, "per": "60s", "max_queue": 0}, "retry_config": {"max_attempts": 1},
        "breaker": {"consecutive_failures": 1, "open_for": "300s"}, "script": ["cut"],
    });
    let wall = std::time::SystemTime::now();
    for one in each(keys).await {
        assert_eq!(kind(one.call().await), Kind::Unavailable);
        // Its ends are spread by a tenth.
        tokio::time::advance(Duration::from_secs(269)).await;
        assert_eq!(kind(one.call().await), Kind::CircuitOpen, "{}", one.label);
        tokio::time::advance(Duration::from_secs(62)).await;
        one.call().await.unwrap();
        tokio::time::advance(Duration::from_secs(59)).await;
        assert_eq!(kind(one.call().await), Kind::Throttled, "{}", one.label);
        tokio::time::advance(Duration::from_secs(2)).await;
        one.call().await.unwrap();
    }
    assert!(wall.elapsed().unwrap().as_secs() < 59, "the machine's own clock stood still, as good as");
}

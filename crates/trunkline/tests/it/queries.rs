//! What transports of databases have of their own: a schema, a pool, the name of their system, facts of a probe; and
//! what callers of queries say of the cache and of how rows come.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use bytes::Bytes;
use http::StatusCode;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use tokio::time::Instant;
use trunkline::{
    Body, Call, ConnectionConfig, Context, Error, Filter, IntegrationId, Kind, Manager, Occupancy, Operation,
    Proof, Query, Reply, Result, State, Transport,
};

use crate::{config, kind, lab};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// How many connections it has in use.
    #[serde(default)]
    used: u32,
}

/// A database that numbers its answers.
#[derive(Debug)]
struct Database {
    used: u32,
    asked: AtomicU32,
}

impl Transport for Database {
    const NAME: &'static str = "numbers";
    type Config = Config;

    fn open(config: Config, _: &Context) -> Result<Self> {
        Ok(Self { used: config.used, asked: AtomicU32::new(0) })
    }

    fn parse(&self, _: &RawValue) -> Result<Operation> {
        Err(Error::invalid("operations are made by hand"))
    }

    async fn call(&self, _: &Context, call: &mut Call) -> Result<Reply> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let Operation::Query(query) = &call.operation else { return Err(Error::invalid("asks nothing")) };
        if !query.wanted.stream {
            return Ok(Reply::new(StatusCode::OK, number.to_string()));
        }
        // One row in twenty seconds.
        let rows = futures_util::stream::unfold(0, |n| async move {
            tokio::time::sleep(Duration::from_secs(20)).await;
            (n < 3).then(|| (Ok(Frame::data(Bytes::from_static(b"{}\n"))), n + 1))
        });
        Ok(Reply::new(StatusCode::OK, Body::stream(StreamBody::new(Box::pin(rows)))))
    }

    async fn probe(&self, _: &Context, _: &mut Call) -> Result<Proof> {
        let mut proof = Proof::ANSWERED.fact("version", "17.2").fact("role", "primary");
        proof.warning = (self.used == 1).then(|| "the user may do everything; give it less".to_owned());
        Ok(proof)
    }

    async fn schema(&self, _: &Context, call: &mut Call) -> Result<Reply> {
        let user = call.credential.as_deref().map(trunkline::Credential::header).transpose()?.flatten();
        let user = user.map(|(_, value)| value.to_str().unwrap().to_owned());
        Ok(Reply::new(StatusCode::OK, json!({"tables": [], "user": user}).to_string()))
    }

    fn system(&self) -> &'static str {
        "postgresql"
    }

    fn occupancy(&self) -> Option<Occupancy> {
        let used = self.used;
        Some(Occupancy { used, idle: 1, max: 10, waiting: 2, opened: 3, timeouts: 4, ..Occupancy::default() })
    }
}

async fn database(more: Value) -> Manager {
    let manager = lab().transport::<Database>().build().await.unwrap();
    let mut json = json!({"integration_id": "db", "type": "numbers"});
    json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    manager.register(config(json)).await.unwrap();
    manager
}

fn reading(ttl: Option<u64>) -> Query {
    Query { ttl: ttl.map(Duration::from_secs), ..Query::new("select 1").read_only() }
}

async fn number(manager: &Manager, query: Query) -> Bytes {
    manager.call("db", query).await.unwrap().bytes().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_query_says_how_long_its_answer_may_be_kept_whatever_is_configured() {
    let manager = database(json!({})).await;
    assert_eq!(number(&manager, reading(None)).await, "1");
    assert_eq!(number(&manager, reading(None)).await, "2", "nobody said that it may be kept");
    assert_eq!(number(&manager, reading(Some(60))).await, "3");
    assert_eq!(number(&manager, reading(Some(60))).await, "3");
    assert_eq!(number(&manager, reading(Some(5))).await, "4", "what is kept for longer is too old for it");
    assert_eq!(number(&manager, Query { read_only: false, ..reading(Some(60)) }).await, "5", "it may write");
    assert_eq!(number(&manager, reading(Some(60))).await, "3", "what others write changes nothing");
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(number(&manager, reading(Some(60))).await, "6");
    let mut call = Call::new(IntegrationId::new("db").unwrap(), reading(Some(60)));
    call.uncached = true;
    let reply = manager.get("db").unwrap().call(&mut call).await.unwrap();
    assert_eq!(reply.bytes().await.unwrap(), "7");

    let manager = database(json!({"cache_config": {"ttl": "60s"}})).await;
    assert_eq!(number(&manager, reading(None)).await, "1");
    assert_eq!(number(&manager, reading(None)).await, "1");
    assert_eq!(number(&manager, reading(Some(0))).await, "2", "it wants none of it");
    assert_eq!(number(&manager, reading(Some(0))).await, "3");

    let manager = database(json!({"cache_config": {"enabled": false}})).await;
    assert_eq!(number(&manager, reading(Some(60))).await, "1");
    assert_eq!(number(&manager, reading(Some(60))).await, "2", "the cache is switched off");
}

#[tokio::test(start_paused = true)]
async fn rows_that_are_streamed_hold_their_place_and_count_until_the_last_and_are_not_kept() {
    let keys = json!({"cache_config": {"ttl": "60s"}, "concurrency": {"max": 1, "max_queue": 0}});
    let manager = database(keys).await;
    for _ in 0..2 {
        let mut query = reading(Some(60));
        query.wanted.stream = true;
        let began = Instant::now();
        let mut rows = manager.call("db", query).await.unwrap().body;
        assert!(rows.frame().await.unwrap().is_ok());
        assert_eq!(began.elapsed().as_secs(), 20, "a row comes when it is there, and from the service");
        assert_eq!(kind(manager.call("db", reading(Some(0))).await), Kind::Throttled);
        assert!(manager.metrics().render().contains("trunkline_calls_in_flight{integration=\"db\"} 1"));
        while let Some(row) = rows.frame().await {
            row.unwrap();
        }
        assert_eq!(began.elapsed().as_secs(), 80, "longer than the total time of 30 seconds");
        number(&manager, reading(Some(0))).await;
    }
    let records = manager.activity().query(&Filter::default());
    let streamed = records.iter().filter(|record| record.bytes_received == 9);
    assert!(streamed.clone().all(|record| &*record.kind == "ok" && record.millis == 80_000.0));
    assert_eq!(streamed.count(), 2);
}

#[tokio::test]
async fn a_schema_is_asked_for_as_a_call_is_and_not_kept() {
    let keys = json!({
        "auth_type": "bearer", "auth_config": {"token": "t0ken"}, "cache_config": {"ttl": "60s"},
        "concurrency": {"max": 1, "max_queue": 0},
    });
    let manager = database(keys).await;
    let handle = manager.get("db").unwrap();
    let mut call = handle.schema_call();
    let schema: Value = handle.schema(&mut call).await.unwrap().json().await.unwrap();
    assert_eq!(schema, json!({"tables": [], "user": "Bearer t0ken"}));
    let mut query = reading(None);
    query.wanted.stream = true;
    let _busy = manager.call("db", query).await.unwrap();
    assert_eq!(kind(handle.schema(&mut handle.schema_call()).await), Kind::Throttled);

    let manager = lab().build().await.unwrap();
    manager.register(crate::rest("web", "http://127.0.0.1:9")).await.unwrap();
    let handle = manager.get("web").unwrap();
    assert_eq!(kind(handle.schema(&mut handle.schema_call()).await), Kind::Unsupported);
}

#[tokio::test]
async fn attempts_are_counted_by_the_name_of_the_system() {
    let manager = database(json!({})).await;
    number(&manager, reading(None)).await;
    let line =
        "db_client_operation_duration_seconds_count{integration=\"db\",db_system_name=\"postgresql\"} 1";
    let metrics = manager.metrics().render();
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test]
async fn the_pools_of_all_connections_of_an_integration_are_added_up_and_no_counter_goes_back() {
    let manager = database(json!({"used": 2})).await;
    let shown = |lines: &[&str]| {
        let metrics = manager.metrics().render();
        for line in lines {
            assert!(metrics.contains(line), "{line}: {metrics}");
        }
    };
    shown(&[
        "db_client_connection_count{integration=\"db\",state=\"idle\"} 1\n",
        "db_client_connection_count{integration=\"db\",state=\"used\"} 2\n",
        "db_client_connection_max{integration=\"db\"} 10\n",
        "db_client_connection_pending_requests{integration=\"db\"} 2\n",
        "db_client_connection_timeouts_total{integration=\"db\"} 4\n",
        "db_client_connection_opened_total{integration=\"db\"} 3\n",
    ]);
    let tenant = ConnectionConfig::from_json(json!({"connection": "acme"})).unwrap();
    manager.add_connection("db", tenant).await.unwrap();
    manager.connection("db", "acme").await.unwrap();
    shown(&[
        "db_client_connection_count{integration=\"db\",state=\"used\"} 4\n",
        "db_client_connection_opened_total{integration=\"db\"} 6\n",
    ]);
    assert!(!manager.metrics().render().contains("acme"), "tenants are in no label");
    let state = manager.get("db").unwrap().state().unwrap();
    assert_eq!(serde_json::to_value(state).unwrap()["pool"]["used"], 2);
    assert_eq!(manager.connection_state("db", "acme").unwrap().pool.map(|pool| pool.max), Some(10));

    manager.remove_connection("db", "acme", None).await.unwrap();
    shown(&[
        "db_client_connection_count{integration=\"db\",state=\"used\"} 2\n",
        "db_client_connection_opened_total{integration=\"db\"} 6\n",
    ]);
    let anew = config(json!({"integration_id": "db", "type": "numbers", "used": 0}));
    manager.replace(anew, None).await.unwrap();
    shown(&["db_client_connection_opened_total{integration=\"db\"} 9\n"]);
    manager.remove("db", None).await.unwrap();
    assert!(!manager.metrics().render().contains("db_client_connection"));
}

#[tokio::test]
async fn health_says_what_the_service_is_and_what_should_be_known_of_it() {
    let manager = database(json!({})).await;
    let health = serde_json::to_value(manager.health("db").await.unwrap()).unwrap();
    assert_eq!((&health["state"], &health["reason_code"]), (&json!("healthy"), &json!("answered")));
    assert_eq!(health["service"], json!({"version": "17.2", "role": "primary"}));
    assert!(health.get("detail").is_none(), "{health}");

    let manager = database(json!({"used": 1})).await;
    let health = manager.health("db").await.unwrap();
    assert_eq!(health.detail.as_deref(), Some("the user may do everything; give it less"));
    assert_eq!(health.state, State::Healthy);
}

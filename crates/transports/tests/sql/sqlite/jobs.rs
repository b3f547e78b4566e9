//! Jobs: transactions, locks, time, and several statements in one text.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, timeout};
use trunkline_core::{Kind, Operation, Outcome, Transport};

use super::{ENDLESS, Files, memory};

#[tokio::test]
async fn a_transaction_is_all_of_it_or_nothing() {
    let db = memory();
    db.sql("create table t (id integer primary key, v text unique)").await.unwrap();
    let both = |second: &str| {
        json!({ "transaction": [
            { "query": "insert into t (v) values (:v)", "params": { "v": "a" } },
            { "query": "insert into t (v) values (:v)", "params": { "v": second } },
        ]})
    };
    let error = db.json(both("a")).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Rejected, Outcome::Rejected), "{error}");
    assert_eq!(db.sql("select count(*) as n from t").await.unwrap()["rows"][0]["n"], 0);
    let done = db.json(both("b")).await.unwrap();
    assert_eq!(done["results"][1]["last_insert_id"], 2);
    let batch = json!({ "query": "insert into t (v) values (?)", "batch": [["c"], ["d"]] });
    assert_eq!(db.json(batch).await.unwrap()["results"][1]["last_insert_id"], 4);
    assert_eq!(db.sql("select count(*) as n from t").await.unwrap()["rows"][0]["n"], 4);
}

#[tokio::test]
async fn a_constraint_that_waits_for_the_commit_rolls_all_of_it_back() {
    let db = memory();
    db.sql("create table p (id integer primary key)").await.unwrap();
    db.sql("create table c (p references p deferrable initially deferred)").await.unwrap();
    let request =
        json!({ "transaction": [{ "query": "insert into c values (7)" }, { "query": "select 1" }] });
    let error = db.json(request).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Rejected, Outcome::Rejected), "{error}");
    assert_eq!(db.sql("select count(*) as n from c").await.unwrap()["rows"][0]["n"], 0);
    db.sql("insert into p values (7)").await.unwrap();
}

#[tokio::test]
async fn several_statements_in_one_text_are_one_transaction_where_that_is_allowed() {
    let text = "insert into t values (:a); insert into t values (:b), (:a); select count(*) as n from t;";
    let request = json!({ "query": text, "params": { "a": 1, "b": 2 } });
    let refused = memory();
    refused.sql("create table t (a)").await.unwrap();
    assert!(refused.json(request.clone()).await.unwrap_err().message().contains("3 statements"));
    let db = super::Db::open(super::context(), "sqlite://", json!({ "multiple_statements": true })).unwrap();
    db.sql("create table t (a)").await.unwrap();
    let done = db.json(request).await.unwrap();
    assert_eq!(
        (&done["results"][1]["affected_rows"], &done["results"][2]["rows"]),
        (&json!(2), &json!([{ "n": 3 }]))
    );
    assert_eq!(db.sql("select 1 as a").await.unwrap()["rows"], json!([{ "a": 1 }]));
    for (query, params, word) in [
        (text, json!({ "a": 1, "b": 2, "c": 3 }), "params.c"),
        (text, json!({ "a": 1 }), "params.b"),
        (text, json!([1, 2]), "params"),
        ("select ?; select ?", json!([1, 2]), "named parameters"),
        ("select 1; commit; select 2", json!({}), "begins or ends a transaction"),
    ] {
        let error = db.json(json!({ "query": query, "params": params })).await.unwrap_err();
        assert!(error.kind() == Kind::InvalidConfig && error.message().contains(word), "{query}: {error}");
    }
    let fails = "insert into t values (1); insert into missing values (1)";
    assert!(db.sql(fails).await.unwrap_err().message().starts_with("statement 2: no such table"));
    assert_eq!(db.sql("select count(*) as n from t").await.unwrap()["rows"][0]["n"], 3);
}

#[tokio::test]
async fn who_waits_too_long_for_a_lock_is_contended_and_nothing_is_applied() {
    let files = Files::new();
    let quick = || files.open("sqlite:a.db", json!({ "lock_timeout": 0.05 }));
    let (one, other) = (quick(), quick());
    one.sql("create table t (a)").await.unwrap();
    // Holds the lock for as long as nobody takes its rows.
    let insert = format!("{ENDLESS} insert into t select i from n limit 50000 returning a");
    let held = one.stream(&json!({ "query": insert })).await.unwrap();
    let both = json!({ "transaction": [{ "query": "insert into t values (1)" }, { "query": "select 1" }] });
    for request in [json!({ "query": "insert into t values (1)" }), both] {
        let error = other.json(request).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Contended, Outcome::Rejected), "{error}");
    }
    assert_eq!(
        other.sql("select count(*) as n from t").await.unwrap()["rows"][0]["n"],
        0,
        "readers do not wait"
    );
    drop(held);
    timeout(Duration::from_secs(10), async { while other.sql("insert into t values (1)").await.is_err() {} })
        .await
        .unwrap();
    assert_eq!(other.sql("select count(*) as n from t").await.unwrap()["rows"][0]["n"], 1);
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_stopped() {
    let db = super::Db::open(super::context(), "sqlite://", json!({ "statement_timeout": 0.05 })).unwrap();
    db.sql("create table t (a)").await.unwrap();
    for query in [
        format!("{ENDLESS} select max(i) from n"),
        format!("{ENDLESS} insert into t select i from n"),
        format!("{ENDLESS} insert into t select i from n returning a"),
    ] {
        let error = timeout(Duration::from_secs(10), db.sql(&query)).await.unwrap().unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Stopped, Outcome::Rejected), "{error}");
    }
    assert_eq!(db.sql("select count(*) as n from t").await.unwrap()["rows"][0]["n"], 0);
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_stops_and_leaves_nothing() {
    let files = Files::new();
    let db = files.open("sqlite:a.db", json!({ "pool": { "max": 1 }, "statement_timeout": "5m" }));
    db.sql("create table t (a)").await.unwrap();
    let insert = format!("{ENDLESS} insert into t select i from n");
    assert!(timeout(Duration::from_millis(50), db.sql(&insert)).await.is_err());
    // The lock is free once it has stopped, which would take hours by itself.
    let begun = Instant::now();
    db.sql("insert into t values (1)").await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert_eq!(db.sql("select count(*) as n from t").await.unwrap()["rows"][0]["n"], 1);
    assert_eq!(db.database.occupancy().unwrap().opened, 2);
}

#[tokio::test]
async fn what_a_statement_leaves_behind_is_gone_before_the_next() {
    let files = Files::new();
    let db = files.open("sqlite:a.db", json!({ "pool": { "max": 1 } }));
    db.sql("create temp table t (a)").await.unwrap();
    assert!(db.sql("select * from t").await.unwrap_err().message().contains("no such table"));
    db.sql("create temp view v as select 1").await.unwrap();
    assert!(db.sql("select * from v").await.is_err());
    assert_eq!(db.database.occupancy().unwrap().opened, 1);
}

#[tokio::test]
async fn a_request_that_only_reads_is_known_to() {
    let db = memory();
    for (request, reads) in [
        (json!({ "query": "select 1" }), true),
        (json!({ "query": "insert into t values (1)" }), false),
        (json!({ "query": "insert into t values (1)", "read_only": true }), true),
        (json!({ "query": "pragma user_version = 1" }), false),
        (json!({ "transaction": [{ "query": "select 1" }, { "query": "delete from t" }] }), false),
    ] {
        let raw = serde_json::value::to_raw_value(&request).unwrap();
        let Operation::Query(query) = db.database.parse(&raw).unwrap() else { panic!("a query") };
        assert_eq!(query.read_only, reads, "{request}");
    }
}

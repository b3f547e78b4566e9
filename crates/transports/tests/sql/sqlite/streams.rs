//! Rows that are sent while they come.

use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;
use trunkline_core::{Kind, Transport};

use super::{ENDLESS, Files, memory};
use crate::common::{Db, context};

#[tokio::test]
async fn rows_are_lines_between_the_columns_and_the_end() {
    let db = memory();
    let query = format!("{ENDLESS} select i, '{{\"a\":' || char(10) || '1}}' as j from n limit 20000");
    let lines = db.lines(&json!({ "query": query })).await.unwrap();
    assert_eq!(lines.len(), 20_002);
    assert_eq!(lines[0]["columns"][0]["name"], "i");
    assert_eq!(lines[20_000]["row"]["i"], 20_000);
    assert_eq!(
        (&lines[20_001]["end"]["row_count"], &lines[20_001]["end"]["truncated"]),
        (&json!(20_000), &json!(null))
    );
    let few = db.lines(&json!({ "query": "select 1 as a", "rows": "arrays" })).await.unwrap();
    assert_eq!(few[1], json!({ "row": [1] }));
    let capped = db.lines(&json!({ "query": query, "max_rows": 5 })).await.unwrap();
    assert_eq!((capped.len(), &capped[6]["end"]["truncated"]), (7, &json!("max_rows")));
}

#[tokio::test]
async fn json_of_several_lines_is_on_one() {
    let db = memory();
    db.sql("create table t (j json)").await.unwrap();
    let params = json!({ "j": "{\"a\":\n [1,\r\n2]}" });
    db.json(json!({ "query": "insert into t values (:j)", "params": params })).await.unwrap();
    let lines = db.lines(&json!({ "query": "select j from t" })).await.unwrap();
    assert_eq!(lines[1], json!({ "row": { "j": { "a": [1, 2] } } }));
}

#[tokio::test]
async fn an_error_before_the_first_rows_is_one_of_the_call_and_a_later_one_the_last_line() {
    let db = memory();
    let error = db.stream(&json!({ "query": "select * from missing" })).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Rejected);
    let fails = format!("{ENDLESS} select iif(i = 20000, abs(-9223372036854775807 - 1), i) as v from n");
    let lines = db.lines(&json!({ "query": fails })).await.unwrap();
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["error"]["kind"], &last["error"]["detail"]),
        (&json!("rejected"), &json!("integer overflow"))
    );
    assert_eq!(last["error"]["outcome"], "rejected");
    assert!(lines.len() > 1000 && lines[lines.len() - 2]["row"]["v"].is_u64());
    db.sql("select 1").await.unwrap();
}

#[tokio::test]
async fn a_reader_who_goes_away_ends_the_statement() {
    let files = Files::new();
    let db = files.open("sqlite:a.db", json!({ "pool": { "max": 1 }, "statement_timeout": "5m" }));
    db.sql("create table t (a)").await.unwrap();
    let insert = format!("{ENDLESS} insert into t select i from n limit 50000 returning a");
    drop(db.stream(&json!({ "query": insert })).await.unwrap());
    drop(db.stream(&json!({ "query": format!("{ENDLESS} select i from n") })).await.unwrap());
    let found = timeout(Duration::from_secs(10), db.sql("insert into t values (1)")).await.unwrap().unwrap();
    assert_eq!(found["affected_rows"], 1);
    assert_eq!(db.sql("select count(*) as n from t").await.unwrap()["rows"][0]["n"], 1);
}

#[tokio::test]
async fn rows_wait_for_their_reader() {
    let db = memory();
    let reply = db.stream(&json!({ "query": format!("{ENDLESS} select i from n") })).await.unwrap();
    // The connection is taken for as long as somebody reads.
    assert_eq!(db.database.occupancy().unwrap().used, 1);
    drop(reply);
    db.sql("select 1").await.unwrap();
}

#[tokio::test]
async fn rows_that_are_streamed_take_the_time_of_their_reader() {
    let db = Db::open(context(), "sqlite://", json!({ "timeout": 0.01 })).unwrap();
    let slow =
        json!({ "query": format!("{ENDLESS} select count(*) as a from (select i from n limit 1000000)") });
    assert_eq!(db.json(slow.clone()).await.unwrap_err().kind(), Kind::Stopped);
    assert_eq!(db.lines(&slow).await.unwrap()[1], json!({ "row": { "a": 1_000_000 } }));
}

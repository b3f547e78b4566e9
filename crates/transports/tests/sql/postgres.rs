//! PostgreSQL, as callers see it.

use std::time::Duration;

use serde_json::{Value, json};
use trunkline_core::{Kind, Outcome};
use trunkline_testkit::{PgBouncer, Postgres};

use crate::common::{Db, context};

async fn server(more: Value) -> Option<(Postgres, Db)> {
    let server = Postgres::start().await?;
    let db = Db::open(context(), &server.url(), more).unwrap();
    Some((server, db))
}

#[tokio::test]
async fn every_value_that_comes_out_is_taken_back_in() {
    let Some((server, db)) = server(json!({})).await else { return };
    server.psql(
        "CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE DOMAIN positive AS int CHECK (VALUE > 0); \
         CREATE TYPE pair AS (n int, mood mood)",
    );
    let pooler = PgBouncer::start(&server).await;
    let pooled = pooler.as_ref().map(|pooler| Db::open(context(), &pooler.url(), json!({})).unwrap());
    for (r#type, text, expected) in [
        ("int4", "-7", json!(-7)),
        ("int8", "9223372036854775807", json!("9223372036854775807")),
        ("numeric", "1.5", json!(1.5)),
        ("numeric", "NaN", json!("NaN")),
        ("float8", "0.1", json!(0.1)),
        ("float4", "-Infinity", json!("-Infinity")),
        ("bool", "t", json!(true)),
        ("text", "a\"\\\n\u{e4}", json!("a\"\\\n\u{e4}")),
        ("bytea", "\\x00ff", json!("AP8=")),
        ("json", "{\"a\":1.5}", json!({"a": 1.5})),
        ("jsonb", "[1, null]", json!([1, null])),
        ("timestamptz", "2024-01-02 03:04:05.123+02", json!("2024-01-02T01:04:05.123Z")),
        ("timestamptz", "infinity", json!("infinity")),
        ("timestamp", "2024-01-02 03:04:05", json!("2024-01-02T03:04:05")),
        ("date", "2024-01-02", json!("2024-01-02")),
        ("time", "24:00:00", json!("24:00:00")),
        ("interval", "1 year 2 days 03:04:05", json!("P1Y2DT3H4M5S")),
        ("uuid", "0190c7a0-0000-7000-8000-000000000001", json!("0190c7a0-0000-7000-8000-000000000001")),
        ("inet", "10.0.0.1/8", json!("10.0.0.1/8")),
        ("int4range", "[1,5)", json!("[1,5)")),
        ("int4[]", "{{1,NULL},{3,4}}", json!([[1, null], [3, 4]])),
        ("text[]", "{\"a,b\",\"\",NULL}", json!(["a,b", "", null])),
        ("mood", "happy", json!("happy")),
        ("mood[]", "{sad,happy}", json!(["sad", "happy"])),
        ("positive", "7", json!(7)),
        ("pair", "(1,sad)", json!({"n": 1, "mood": "sad"})),
        (
            "pair[]",
            "{\"(1,sad)\",\"(,happy)\"}",
            json!([{"n": 1, "mood": "sad"}, {"n": null, "mood": "happy"}]),
        ),
        ("tsvector", "'a' 'b'", json!("'a' 'b'")),
    ] {
        for db in [Some(&db), pooled.as_ref()].into_iter().flatten() {
            let out =
                json!({"query": format!("SELECT CAST(:t::text AS {type}) AS v"), "params": {"t": text}});
            let out = db.json(out).await.unwrap();
            assert_eq!(out["rows"][0]["v"], expected, "{type} {text}");
            let back = format!("SELECT CAST(:v AS {type})::text = CAST(:t::text AS {type})::text AS same");
            let back = json!({"query": back, "params": {"v": expected, "t": text}});
            assert_eq!(db.json(back).await.unwrap()["rows"], json!([{"same": true}]), "{type} {text}");
        }
    }
}

#[tokio::test]
async fn a_parameter_that_does_not_fit_is_named_and_nothing_is_run() {
    let Some((server, db)) = server(json!({})).await else { return };
    let bad = json!({"query": "SELECT :picture::bytea", "params": {"picture": 7}});
    for _ in 0..2 {
        let error = db.json(bad.clone()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidConfig);
        assert!(error.message().starts_with("params.picture: "), "{error}");
    }
    let both = json!({"transaction": [{"query": "DELETE FROM playlist_track"}, bad]});
    assert!(db.json(both).await.is_err());
    assert_eq!(server.psql("SELECT count(*) FROM playlist_track").trim(), "8715");
    assert_eq!(db.sql("SELECT 1 AS a").await.unwrap()["rows"], json!([{"a": 1}]));
}

#[tokio::test]
async fn a_server_that_was_started_again_fails_no_call_that_comes_after() {
    let Some((mut server, db)) = server(json!({})).await else { return };
    db.sql("SELECT 1 AS a").await.unwrap();
    server.stop_fast().await;
    assert!(server.again().await);
    assert_eq!(db.sql("SELECT 1 AS a").await.unwrap()["rows"], json!([{"a": 1}]));
    server.kill().await;
    assert!(server.again().await);
    assert_eq!(db.sql("SELECT 1 AS a").await.unwrap()["rows"], json!([{"a": 1}]));
}

#[tokio::test]
async fn a_call_that_is_dropped_stops_its_statement_and_frees_its_place() {
    let Some((server, db)) = server(json!({"pool": {"max": 1}})).await else { return };
    let active = || {
        let active = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND usename = 'trunk' AND state = 'active'";
        server.psql(active).trim().to_owned()
    };
    let slow = db.sql("SELECT pg_sleep(1000)");
    tokio::select! {
        _ = slow => panic!("it ended"),
        () = async {
            while active() != "1" {
                tokio::task::yield_now().await;
            }
        } => {}
    }
    assert_eq!(db.sql("SELECT 1 AS a").await.unwrap()["rows"], json!([{"a": 1}]));
    let stopped = async {
        while active() != "0" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), stopped).await.expect("it is stopped");
}

#[tokio::test]
async fn rows_are_streamed_and_a_stream_ends_with_what_was_done() {
    let Some((_server, db)) = server(json!({})).await else { return };
    let lines = db.lines(&json!({"query": "SELECT n FROM generate_series(1, 50000) n"})).await.unwrap();
    assert_eq!(lines.len(), 50_002);
    assert_eq!(lines[50_000]["row"], json!({"n": 50_000}));
    assert_eq!(lines[50_001]["end"]["row_count"], 50_000);
    let late = json!({"query": "SELECT 1 / (40000 - n) AS a FROM generate_series(1, 50000) n"});
    let last = db.lines(&late).await.unwrap().pop().unwrap();
    assert_eq!(last["error"]["context"]["sqlstate"], "22012");
    assert_eq!(db.sql("SELECT 1 AS a").await.unwrap()["rows"], json!([{"a": 1}]));
}

#[tokio::test]
async fn an_integration_that_is_read_only_writes_nothing() {
    let Some((server, db)) = server(json!({"read_only": true})).await else { return };
    for sql in
        ["DELETE FROM playlist_track", "SET transaction_read_only = off", "CREATE TEMPORARY TABLE x ()"]
    {
        let _ = db.sql(sql).await;
    }
    let error = db.sql("DELETE FROM playlist_track").await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Rejected, Outcome::Rejected));
    let steps = json!({"transaction": [{"query": "SET transaction_read_only = off"}, {"query": "DELETE FROM playlist_track"}]});
    let _ = db.json(steps).await;
    assert_eq!(server.psql("SELECT count(*) FROM playlist_track").trim(), "8715");
}

#[tokio::test]
async fn what_a_procedure_committed_before_it_failed_is_not_said_to_be_undone() {
    let Some((server, db)) = server(json!({})).await else { return };
    let body = "BEGIN INSERT INTO half VALUES (1); COMMIT; RAISE EXCEPTION USING ERRCODE = '40001'; END";
    server.psql(&format!(
        "CREATE TABLE half (a int); GRANT ALL ON half TO trunk; \
         CREATE PROCEDURE fails() LANGUAGE plpgsql AS $$ {body} $$"
    ));
    for (n, sql) in ["CALL fails()", &format!("DO $$ {body} $$")].into_iter().enumerate() {
        let error = db.sql(sql).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Contended, Outcome::Unknown), "{sql}: {error:?}");
        assert_eq!(server.psql("SELECT count(*) FROM half").trim(), (n + 1).to_string());
    }
    let error = db.sql("CALL nobody()").await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Rejected, "{error:?}");
}

#[tokio::test]
async fn a_batch_is_all_or_nothing() {
    let Some((server, db)) = server(json!({})).await else { return };
    let batch = |from: u32, to: u32| {
        let sets: Vec<_> = (from..to).map(|n| json!({"id": 1000 + n % 1500, "name": "x"})).collect();
        json!({"query": "INSERT INTO genre (genre_id, name) VALUES (:id, :name)", "batch": sets})
    };
    let error = db.json(batch(0, 2000)).await.unwrap_err();
    assert!(error.context().contains(&("constraint", "genre_pkey".to_owned())), "{error}");
    assert_eq!(server.psql("SELECT count(*) FROM genre").trim(), "25");
    let done = db.json(batch(0, 1500)).await.unwrap();
    assert_eq!(done["results"].as_array().unwrap().len(), 1500);
    assert_eq!(server.psql("SELECT count(*) FROM genre").trim(), "1525");
}

#[tokio::test]
async fn an_address_that_asks_for_what_is_not_known_is_refused() {
    for (url, key) in [
        ("postgres://h/d?sslmode=on", "sslmode"),
        ("postgres://h/d?target_session_attrs=primary", "target_session_attrs"),
        ("postgres://h/d?channel_binding=maybe", "channel_binding"),
    ] {
        let error = Db::open(context(), url, json!({})).err().unwrap();
        assert!(error.kind() == Kind::InvalidConfig && error.message().contains(key), "{error}");
    }
}

#[tokio::test]
async fn rows_that_are_streamed_take_the_time_of_their_reader_unless_statement_timeout_is_set() {
    let Some((server, db)) = server(json!({"timeout": 0.3})).await else { return };
    let slow = json!({"query": "SELECT n, pg_sleep(0.1) FROM generate_series(1, 6) n"});
    assert_eq!(db.json(slow.clone()).await.unwrap_err().kind(), Kind::Stopped);
    let lines = db.lines(&slow).await.unwrap();
    assert_eq!(lines.last().unwrap()["end"]["row_count"], 6);
    assert_eq!(
        db.json(slow.clone()).await.unwrap_err().kind(),
        Kind::Stopped,
        "that was for the stream alone"
    );
    let write = json!({"query": "DELETE FROM playlist_track WHERE playlist_id = 1 RETURNING track_id"});
    db.lines(&write).await.unwrap();
    assert_eq!(server.psql("SELECT count(*) FROM playlist_track WHERE playlist_id = 1").trim(), "0");
    let hurried = Db::open(db.context.clone(), &server.url(), json!({"statement_timeout": 0.3})).unwrap();
    assert_eq!(hurried.lines(&slow).await.unwrap_err().kind(), Kind::Stopped);
}

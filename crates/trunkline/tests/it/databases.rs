//! Databases through the library, without a server: files of SQLite, and a server of PostgreSQL where there is one.

use http_body_util::BodyExt;
use serde_json::{Value, json, value::RawValue};
use trunkline::{Call, Error, Kind, Manager, Operation, Outcome};
use trunkline_testkit::Postgres;

use crate::{config, lab};

/// Asks as callers of the API do.
async fn ask(manager: &Manager, id: &str, request: Value) -> Result<Value, Error> {
    let handle = manager.get(id)?;
    let request = RawValue::from_string(request.to_string()).unwrap();
    let mut call = Call::new(handle.id().clone(), handle.parse(&request)?);
    handle.call(&mut call).await?.json().await
}

#[tokio::test]
async fn a_file_is_asked_and_removed_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let manager = lab().databases_in(folder.path()).build().await.unwrap();
    manager
        .register(config(
            json!({ "integration_id": "notes", "type": "database", "base_url": "sqlite:notes.db" }),
        ))
        .await
        .unwrap();
    let table = json!({ "query": "create table note (id integer primary key, body text not null)" });
    ask(&manager, "notes", table).await.unwrap();
    let insert = "insert into note (body) values (:body) returning id";
    let batch = json!({ "query": insert, "batch": [{ "body": "a" }, { "body": "b" }] });
    let reply = ask(&manager, "notes", batch).await.unwrap();
    assert_eq!(reply["results"][1]["rows"], json!([{ "id": 2 }]));
    let missing = json!({ "query": insert, "params": { "body": null } });
    let error = ask(&manager, "notes", missing).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Rejected, Outcome::Rejected));
    let count = json!({ "query": "select count(*) as n from note" });
    assert_eq!(ask(&manager, "notes", count).await.unwrap()["rows"], json!([{ "n": 2 }]));
    manager.remove("notes", None).await.unwrap();
    assert!(folder.path().join("notes.db").is_file(), "what is removed is the integration");
}

#[tokio::test]
async fn rows_are_read_while_they_come() {
    let folder = tempfile::tempdir().unwrap();
    let manager = lab().databases_in(folder.path()).build().await.unwrap();
    manager
        .register(config(
            json!({ "integration_id": "many", "type": "sqlite", "base_url": "sqlite::memory:" }),
        ))
        .await
        .unwrap();
    let handle = manager.get("many").unwrap();
    let many = "with recursive many(n) as (select 1 union all select n + 1 from many where n < 100000) select n from many";
    let request = RawValue::from_string(json!({ "query": many }).to_string()).unwrap();
    let mut operation = handle.parse(&request).unwrap();
    let Operation::Query(query) = &mut operation else { panic!("{operation:?}") };
    query.wanted.stream = true;
    let mut call = Call::new(handle.id().clone(), operation);
    let mut body = handle.call(&mut call).await.unwrap().body;
    let (mut lines, mut frames) = (0, 0);
    while let Some(frame) = body.frame().await {
        lines += frame.unwrap().into_data().unwrap().iter().filter(|byte| **byte == b'\n').count();
        frames += 1;
    }
    assert!(lines == 100_002 && frames > 20, "{lines} lines in {frames}");
}

mod postgres {
    use super::*;

    #[tokio::test]
    async fn a_call_that_is_dropped_is_stopped_at_the_server() {
        let Some(postgres) = Postgres::start().await else { return };
        let manager = lab().build().await.unwrap();
        let db = json!({ "integration_id": "db", "type": "postgres", "base_url": postgres.url(), "pool": { "max": 1 } });
        manager.register(config(db)).await.unwrap();
        let running = || {
            postgres.psql("select count(*) from pg_stat_activity where query = 'select pg_sleep(60)' and state = 'active'")
        };
        let sleep = ask(&manager, "db", json!({ "query": "select pg_sleep(60)" }));
        tokio::select! {
            found = sleep => panic!("{found:?}"),
            () = async { while running() != "1" { tokio::task::yield_now().await; } } => {}
        }
        let one = ask(&manager, "db", json!({ "query": "select 1 as n" })).await.unwrap();
        assert_eq!(one["rows"], json!([{ "n": 1 }]));
        while running() != "0" {
            tokio::task::yield_now().await;
        }
    }
}

//! Servers that are killed, stopped, restarted and full.

use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;
use trunkline_core::{Kind, Outcome};
use trunkline_testkit::MariaDb;

use super::{Db, fact};

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_says_whether_anything_can_have_been_applied() {
    let Some(mut server) = MariaDb::start().await else { return };
    for (request, outcome) in [
        (json!({ "query": "select sleep(30)" }), Outcome::Rejected),
        (json!({ "query": "insert into t select sleep(30)" }), Outcome::Unknown),
        (
            json!({ "transaction": [{ "query": "insert into t values (1)" }, { "query": "do sleep(30)" }] }),
            Outcome::Rejected,
        ),
    ] {
        server.sql("create table if not exists t (a int)");
        let db = Db::of(&server);
        let running = tokio::spawn(async move { db.json(request).await });
        let all = async {
            while server.sql("select count(*) from information_schema.processlist where info like '%sleep(30)%' and id <> connection_id()").trim() == "0" {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(20), all).await.unwrap();
        server.kill().await;
        let error = running.await.unwrap().unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Unavailable, outcome), "{error}");
        assert!(server.again().await);
        assert_eq!(server.sql("select count(*) from t").trim(), "0");
    }
}

#[tokio::test]
async fn a_server_that_was_restarted_is_found_again() {
    let Some(mut server) = MariaDb::start().await else { return };
    let db = Db::of(&server);
    assert_eq!(db.rows("select 1").await, json!([[1]]));
    server.stop_fast().await;
    let error = db.fails("select 1").await;
    // The connection that was idle, or a new one.
    assert_eq!(error.kind(), Kind::Unavailable);
    assert_ne!(error.outcome(), Outcome::Unknown);
    let error = db.fails("select 1").await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Unavailable, Outcome::NotSent));
    assert!(server.again().await);
    assert_eq!(db.rows("select 1").await, json!([[1]]));
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_in_time() {
    let Some(server) = MariaDb::start().await else { return };
    let db = Db::new(&server.url(), json!({ "pool": { "connect": 0.3 } }));
    server.hold();
    let error = db.fails("select 1").await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Timeout, Outcome::NotSent));
    server.go_on();
    assert_eq!(db.rows("select 1").await, json!([[1]]));
}

#[tokio::test]
async fn a_server_that_is_full_took_nothing() {
    // It takes no smaller number.
    let Some(server) = MariaDb::start_with(&["--max-connections=10"]).await else { return };
    let mut all = Vec::new();
    let error = loop {
        let db = Db::of(&server);
        match db.run("select 1", json!(null)).await {
            Ok(_) => all.push(db),
            Err(error) => break error,
        }
    };
    assert_eq!((error.kind(), error.outcome()), (Kind::Unavailable, Outcome::NotSent), "{error}");
    assert_eq!(fact(&error, "code"), Some("1040"));
    drop(all);
    server.sql("alter user trunk with max_user_connections 1");
    // The server takes a moment to see that they are gone.
    let _one = loop {
        let db = Db::of(&server);
        if db.run("select 1", json!(null)).await.is_ok() {
            break db;
        }
    };
    let error = Db::of(&server).fails("select 1").await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Unavailable, Outcome::NotSent), "{error}");
}

#[tokio::test]
async fn a_deadlock_is_contention_and_nothing_of_it_stays() {
    let Some(server) = MariaDb::start().await else { return };
    server.sql("create table t (a int primary key, b int); insert into t values (1, 0), (2, 0)");
    let db = Db::new(&server.url(), json!({ "lock_timeout": 20 }));
    let steps = |first: i32, second: i32| {
        json!({ "transaction": [
            { "query": "update t set b = b + 1 where a = ?", "params": [first] },
            { "query": "do sleep(0.3)" },
            { "query": "update t set b = b + 1 where a = ?", "params": [second] },
        ] })
    };
    let (a, b) = tokio::join!(db.json(steps(1, 2)), db.json(steps(2, 1)));
    let errors: Vec<_> = [a, b].into_iter().filter_map(Result::err).collect();
    assert_eq!(errors.len(), 1);
    assert_eq!(
        (errors[0].kind(), errors[0].outcome()),
        (Kind::Contended, Outcome::Rejected),
        "{}",
        errors[0]
    );
    assert_eq!(db.rows("select b from t").await, json!([[1], [1]]));
}

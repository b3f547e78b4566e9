//! Statements: what they yield, what they change, how they are bounded and stopped.

use std::time::Duration;

use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::time::timeout;
use trunkline_core::{Kind, Outcome, Transport};
use trunkline_testkit::MariaDb;

use super::{Db, fact};

/// Waits until the server has no statement like this any more.
async fn gone(server: &MariaDb, like: &str) {
    let sql = format!(
        "select count(*) from information_schema.processlist where info like '{like}' and id <> connection_id()"
    );
    until(|| server.sql(&sql).trim() == "0").await;
}

async fn until(mut holds: impl FnMut() -> bool) {
    let all = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), all).await.expect("it should be so by now");
}

#[tokio::test]
async fn a_statement_tells_what_it_changed() {
    let Some(server) = MariaDb::start().await else { return };
    let db = Db::of(&server);
    let made =
        db.run("create table t (id int auto_increment primary key, a int)", json!(null)).await.unwrap();
    assert_eq!((&made["affected_rows"], &made["columns"]), (&json!(0), &json!([])));
    let found = db.run("insert into t (a) values (1), (2), (3)", json!(null)).await.unwrap();
    assert_eq!((&found["affected_rows"], &found["last_insert_id"]), (&json!(3), &json!(1)));
    let found = db.run("update t set a = 1 where a <= 2", json!(null)).await.unwrap();
    assert_eq!(found["affected_rows"], 1, "one has it already");
    let found = db.run("delete from t where a = 1 returning id", json!(null)).await.unwrap();
    assert_eq!((&found["affected_rows"], &found["rows"]), (&json!(2), &json!([{ "id": 1 }, { "id": 2 }])));
    server.sql("create function own(a int) returns int deterministic return a + 1");
    let found = db.run("select own(a) as a from t", json!(null)).await.unwrap();
    assert_eq!((&found["affected_rows"], &found["rows"]), (&json!(0), &json!([{ "a": 4 }])));
    let found = db.run("select * from t", json!(null)).await.unwrap();
    assert_eq!((&found["affected_rows"], &found["last_insert_id"]), (&json!(null), &json!(null)));
}

#[tokio::test]
async fn a_batch_and_its_results() {
    let Some(server) = MariaDb::start().await else { return };
    let db = Db::of(&server);
    server.sql("create table t (a int primary key, b varchar(9))");
    let batch = json!({ "query": "insert into t values (:a, :b)", "batch": [{ "a": 1, "b": "x" }, { "a": 2, "b": "y" }] });
    let found = db.json(batch).await.unwrap();
    assert_eq!(found["results"].as_array().unwrap().len(), 2);
    let batch = json!({ "query": "insert into t values (:a, :b)", "batch": [{ "a": 3, "b": "x" }, { "a": 2, "b": "y" }] });
    let error = db.json(batch).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Rejected, Outcome::Rejected));
    assert_eq!(fact(&error, "constraint"), Some("PRIMARY"));
    assert!(error.message().starts_with("statement 2: "), "{error}");
    assert_eq!(db.rows("select a from t order by a").await, json!([[1], [2]]));
}

#[tokio::test]
async fn procedures_yield_their_first_result() {
    let Some(server) = MariaDb::start().await else { return };
    let db = Db::of(&server);
    server.sql(
        "create table t (a int primary key);\ndelimiter //\n\
         create procedure several() begin insert into t values (1); select 'first' as a; select 2 as b, 3 as c; end//\n\
         create procedure breaks() begin insert into t values (2); select 1 as a; insert into t values (2); end//\n\
         create procedure silent() insert into t values (9)//\ndelimiter ;",
    );
    let found = db.run("call several()", json!(null)).await.unwrap();
    assert_eq!(found["rows"], json!([{ "a": "first" }]));
    assert_eq!(db.run("call silent()", json!(null)).await.unwrap()["rows"], json!([]));
    let error = db.fails("call breaks()").await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Rejected, Outcome::Unknown), "2 is in the table");
    let error = db.fails("call nothing()").await;
    assert_eq!(error.outcome(), Outcome::Rejected);
    assert_eq!(db.rows("select a from t order by a").await, json!([[1], [2], [9]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_cut_and_the_statement_is_stopped() {
    let Some(server) = MariaDb::start().await else { return };
    let db = Db::new(&server.url(), json!({ "max_rows": 3 }));
    let found = db.run("select seq from seq_1_to_100", json!(null)).await.unwrap();
    assert_eq!((&found["row_count"], &found["truncated"]), (&json!(3), &json!("max_rows")));
    let opened = db.database.occupancy().unwrap().opened;
    assert_eq!(opened, 1);
    let found = db.run("select seq, sleep(0.01) from seq_1_to_100000000", json!(null)).await.unwrap();
    assert_eq!(found["row_count"], 3);
    gone(&server, "%seq_1_to_100000000%").await;
    let found = db
        .json(json!({ "query": "select repeat('x', 1000) as a from seq_1_to_100", "max_bytes": 2500 }))
        .await
        .unwrap();
    assert_eq!((&found["row_count"], &found["truncated"]), (&json!(2), &json!("max_bytes")));
}

#[tokio::test]
async fn a_statement_that_writes_is_not_stopped_by_a_cap() {
    let Some(server) = MariaDb::start().await else { return };
    let db = Db::of(&server);
    server.sql("create table t (a int)");
    let found = db
        .json(json!({ "query": "insert into t select seq from seq_1_to_5000 returning a", "max_rows": 2 }))
        .await
        .unwrap();
    assert_eq!(
        (&found["row_count"], &found["truncated"], &found["affected_rows"]),
        (&json!(2), &json!("max_rows"), &json!(5000))
    );
    assert_eq!(db.rows("select count(*) from t").await, json!([[5000]]));
}

#[tokio::test]
async fn many_rows_are_streamed_without_holding_them() {
    let Some(server) = MariaDb::start().await else { return };
    let db = Db::of(&server);
    let request = json!({ "query": "select seq, repeat('x', 1000) as pad from seq_1_to_50000" });
    let reply = db.reply(request, true).await.unwrap();
    let (mut lines, mut last, mut before) = (0_u64, Vec::new(), None);
    let mut body = reply.body;
    while let Some(piece) = body.frame().await {
        let piece = piece.unwrap().into_data().unwrap();
        lines += memchr::memchr_iter(b'\n', &piece).count() as u64;
        last = piece.to_vec();
        if lines > 10_000 && before.is_none() {
            before = Some(resident());
        }
    }
    assert_eq!(lines, 50_002);
    let end: Value = serde_json::from_slice(last.split(|byte| *byte == b'\n').rev().nth(1).unwrap()).unwrap();
    assert_eq!(end["end"]["row_count"], 50_000);
    assert!(resident() < before.unwrap() + (16 << 20), "{before:?} {}", resident());
}

/// Bytes of memory of this process.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_goes_away_stops_the_statement() {
    let Some(server) = MariaDb::start().await else { return };
    let db = Db::of(&server);
    let request = json!({ "query": "select seq, repeat('x', 1000) as pad from seq_1_to_100000000" });
    let reply = db.reply(request, true).await.unwrap();
    drop(reply);
    gone(&server, "%seq_1_to_100000000%").await;
    assert_eq!(db.rows("select 1").await, json!([[1]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_dropped_stops_its_statement_at_the_server() {
    let Some(server) = MariaDb::start().await else { return };
    let db = Db::of(&server);
    for sql in [
        "select sleep(60)",
        "select count(*) from seq_1_to_100000 a, seq_1_to_100000 b where a.seq + b.seq = 7",
    ] {
        let running = db.run(sql, json!(null));
        let like = format!("{sql}%");
        tokio::select! {
            _ = running => panic!("it should take longer"),
            () = until(|| server.sql(&format!("select count(*) from information_schema.processlist where info like '{like}'")).trim() == "1") => {}
        }
        gone(&server, &like).await;
    }
    assert_eq!(db.rows("select 1").await, json!([[1]]));
    assert_eq!(db.database.occupancy().unwrap().used, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_is_dropped_is_rolled_back_and_holds_no_lock() {
    let Some(server) = MariaDb::start().await else { return };
    let db = Db::of(&server);
    server.sql("create table t (a int primary key); insert into t values (1)");
    let running = db
        .json(json!({ "transaction": [{ "query": "update t set a = 2" }, { "query": "select sleep(60)" }] }));
    let asleep = "select count(*) from information_schema.processlist where info = 'select sleep(60)'";
    tokio::select! {
        _ = running => panic!("it should take longer"),
        () = until(|| server.sql(asleep).trim() == "1") => {}
    }
    gone(&server, "select sleep(60)").await;
    assert_eq!(db.run("update t set a = a + 10", json!(null)).await.unwrap()["affected_rows"], 1);
    assert_eq!(db.rows("select a from t").await, json!([[11]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_pool_makes_callers_wait_their_turn() {
    let Some(server) = MariaDb::start().await else { return };
    let db = Db::new(&server.url(), json!({ "pool": { "max": 1, "wait": 0.2 } }));
    let (first, second) =
        tokio::join!(db.run("select sleep(0.05)", json!(null)), db.run("select 1", json!(null)));
    first.unwrap();
    second.unwrap();
    let slow = db.run("select sleep(1)", json!(null));
    let (slow, refused) = tokio::join!(slow, async {
        until(|| db.database.occupancy().unwrap().used == 1).await;
        db.run("select 1", json!(null)).await
    });
    slow.unwrap();
    let error = refused.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Throttled, Outcome::NotSent));
    assert_eq!(db.database.occupancy().unwrap().opened, 1);
}

#[tokio::test]
async fn what_a_statement_leaves_in_the_session_is_gone_for_the_next() {
    let Some(server) = MariaDb::start().await else { return };
    server.sql("create database other; grant all on other.* to trunk");
    let nowhere = Db::new(&server.url().replace("/music", ""), json!({ "pool": { "max": 1 } }));
    for sql in ["set @a = 5", "use other"] {
        nowhere.run(sql, json!(null)).await.unwrap();
        assert_eq!(nowhere.rows("select database(), @a").await, json!([[null, null]]));
    }
    let db = Db::new(&server.url(), json!({ "pool": { "max": 1 } }));
    for sql in [
        "set @a = 5",
        "set session time_zone = '+05:00'",
        "set session sql_mode = 'ANSI_QUOTES'",
        "set session max_statement_time = 77",
        "create temporary table leaked (a int)",
        "select get_lock('mine', 1)",
        "use other",
        "execute immediate 'use other'",
        "set session innodb_lock_wait_timeout = 99",
    ] {
        let _ = db.run(sql, json!(null)).await;
        let found = db.rows("select @a, @@time_zone, @@sql_mode like '%ANSI%', database(), is_used_lock('mine'), @@innodb_lock_wait_timeout, @@max_statement_time").await;
        assert_eq!(found, json!([[null, "+00:00", 0, "music", null, 2, 0.0]]), "{sql}");
    }
    assert_eq!(fact(&db.fails("select * from leaked").await, "code"), Some("1146"));
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_time_are_kept_by_the_server() {
    let Some(server) = MariaDb::start().await else { return };
    let db = Db::new(&server.url(), json!({ "statement_timeout": 0.2, "lock_timeout": 1 }));
    server.sql("create table t (a int primary key); insert into t values (1)");
    let error =
        db.fails("select count(*) from seq_1_to_100000 a, seq_1_to_100000 b where a.seq + b.seq = 7").await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Stopped, Outcome::Rejected), "{error}");
    let db = Db::new(&server.url(), json!({ "lock_timeout": 1 }));
    let holder = db.json(json!({ "transaction": [
        { "query": "update t set a = 2" }, { "query": "select sleep(3)" }
    ] }));
    let (held, waited) = tokio::join!(holder, async {
        until(|| {
            server
                .sql("select count(*) from information_schema.processlist where info = 'select sleep(3)'")
                .trim()
                == "1"
        })
        .await;
        db.fails("update t set a = 3").await
    });
    held.unwrap();
    assert_eq!((waited.kind(), waited.outcome()), (Kind::Contended, Outcome::Rejected), "{waited}");
}

#[tokio::test]
async fn a_row_that_is_too_large_is_not_read() {
    let Some(server) = MariaDb::start_with(&["--max-allowed-packet=256M"]).await else { return };
    let db = Db::of(&server);
    let sql = "select repeat('x', 70000000) as a";
    let found = db.run(sql, json!(null)).await.unwrap();
    assert_eq!((&found["row_count"], &found["truncated"]), (&json!(0), &json!("max_bytes")));
    let error = db.reply(json!({ "query": sql }), true).await;
    let error = match error {
        Ok(reply) => String::from_utf8_lossy(&reply.bytes().await.unwrap()).into_owned(),
        Err(error) => error.to_string(),
    };
    assert!(error.contains("more than the 67108864") || error.contains("unsupported"), "{error}");
    assert_eq!(db.rows("select 1").await, json!([[1]]));
}

#[tokio::test]
async fn one_text_is_one_statement() {
    let Some(server) = MariaDb::start().await else { return };
    let db = Db::of(&server);
    server.sql("create table t (a int)");
    for sql in [
        "select 1; drop table t",
        "lock tables t write; drop table t",
        "select 1 /*!; drop table t */",
        "use music; drop table t",
        "select 'a\\'; drop table t; -- '",
    ] {
        let _ = db.run(sql, json!(null)).await;
        assert_eq!(db.rows("select count(*) from t").await, json!([[0]]), "{sql}");
    }
}

#[tokio::test]
async fn rows_that_are_streamed_take_the_time_of_their_reader() {
    let Some(server) = MariaDb::start().await else { return };
    let db = Db::new(&server.url(), json!({ "timeout": 0.3, "pool": { "max": 1 } }));
    let slow = json!({ "query": "select seq, sleep(0.1) from seq_1_to_6" });
    let refused = || async { db.json(slow.clone()).await.map(|found| found["rows"].clone()) };
    assert_eq!(refused().await.unwrap_err().kind(), Kind::Stopped);
    let lines = db.reply(slow.clone(), true).await.unwrap().text().await.unwrap();
    assert!(lines.contains("\"row_count\":6"), "{lines}");
    assert_eq!(refused().await.unwrap_err().kind(), Kind::Stopped, "that was for the stream alone");
}

#[tokio::test]
async fn results_of_a_procedure_that_are_left_out_are_told() {
    let Some(server) = MariaDb::start().await else { return };
    server.sql("delimiter //\ncreate procedure two() begin select 1 as a; select 2 as b; end//\n");
    server.sql("create procedure one() select 1 as a");
    let db = Db::of(&server);
    let found = db.json(json!({ "query": "call two()" })).await.unwrap();
    assert_eq!((&found["rows"], &found["truncated"]), (&json!([{ "a": 1 }]), &json!("more_results")));
    assert_eq!(db.json(json!({ "query": "call one()" })).await.unwrap()["truncated"], json!(null));
}

#[tokio::test]
async fn a_write_that_somebody_stops_is_stopped_for_good_and_not_said_to_be_undone() {
    let Some(server) = MariaDb::start().await else { return };
    server.sql("create table t (a int)");
    let db = Db::of(&server);
    let (error, ()) = tokio::join!(db.fails("insert into t select sleep(30)"), async {
        let find = "select coalesce(max(id), 0) from information_schema.processlist where info like 'insert into t%'";
        let id = loop {
            let id = server.sql(find);
            if id.trim() != "0" {
                break id;
            }
            tokio::task::yield_now().await;
        };
        server.sql(&format!("kill query {}", id.trim()));
    });
    assert_eq!((error.kind(), error.outcome()), (Kind::Stopped, Outcome::Unknown), "{error}");
}

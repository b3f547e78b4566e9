//! Transactions are all or nothing, and what reads only is held to it by the server.

use serde_json::json;
use trunkline_core::{Kind, Outcome};
use trunkline_testkit::MariaDb;

use super::{Db, fact};

#[tokio::test]
async fn a_transaction_is_all_or_nothing() {
    let Some(server) = MariaDb::start().await else { return };
    let db = Db::of(&server);
    server.sql("create table t (a int primary key)");
    let all = json!({ "transaction": [
        { "query": "insert into t values (:a)", "params": { "a": 1 } },
        { "query": "select * from t" },
    ] });
    let found = db.json(all).await.unwrap();
    assert_eq!(found["results"][1]["rows"], json!([{ "a": 1 }]));
    for last in ["insert into t values (1)", "select nothing", "select * from nothing"] {
        let broken = json!({ "transaction": [{ "query": "insert into t values (2)" }, { "query": last }] });
        let error = db.json(broken).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Rejected, Outcome::Rejected), "{last}");
        assert_eq!(db.rows("select a from t").await, json!([[1]]), "{last}");
    }
}

#[tokio::test]
async fn what_commits_by_itself_is_refused_in_a_transaction() {
    let Some(server) = MariaDb::start().await else { return };
    let db = Db::of(&server);
    server.sql(
        "create table t (a int primary key); create procedure ends() commit;\ndelimiter //\n\
         create procedure breaks() begin commit; signal sqlstate '45000' set message_text = 'broken'; end//\n\
         delimiter ;",
    );
    for sql in
        ["create table u (a int)", "truncate t", "execute immediate 'commit'", "alter table t add b int"]
    {
        let steps = json!({ "transaction": [{ "query": "insert into t values (1)" }, { "query": sql }] });
        let error = db.json(steps).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Unsupported, Outcome::NotSent), "{sql}");
        assert_eq!(db.rows("select a from t").await, json!([]), "{sql}");
    }
    // Nobody sees into a procedure; but what it did is told.
    let steps =
        json!({ "transaction": [{ "query": "insert into t values (1)" }, { "query": "call ends()" }] });
    let error = db.json(steps).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    let steps =
        json!({ "transaction": [{ "query": "insert into t values (2)" }, { "query": "call breaks()" }] });
    let error = db.json(steps).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Rejected, Outcome::Unknown), "{error}");
    assert_eq!(db.rows("select a from t order by a").await, json!([[1], [2]]));
}

#[tokio::test]
async fn what_reads_only_cannot_write() {
    let Some(server) = MariaDb::start().await else { return };
    server.sql("create table t (a int); create procedure writes() insert into t values (1); create procedure counts() select 1 as a; \ndelimiter //\ncreate procedure starts() begin start transaction; insert into t values (1); commit; end//\ndelimiter ;");
    let reader = Db::new(&server.url(), json!({ "read_only": true }));
    let writer = Db::of(&server);
    for sql in [
        "insert into t values (1)",
        "create table u (a int)",
        "drop table t",
        "/*!50000 drop */ table t",
        "/*M! drop */ table t",
        "set statement tx_read_only = 0 for drop table t",
        "set tx_read_only = 0",
        "truncate table t",
        "lock tables t write",
        "replace into t values (1)",
        "select 1 into outfile '/tmp/never'",
        "set statement tx_read_only = 0 for insert into t values (1)",
        "/*!999999 select */ set statement tx_read_only = 0 for insert into t values (1)",
        "/*M!999999 select */ execute immediate 'set session transaction read write'",
        "execute immediate 'insert into t values (1)'",
        "call writes()",
        "call starts()",
        "create temporary table u (a int)",
    ] {
        let error = reader.fails(sql).await;
        assert_ne!(error.outcome(), Outcome::Unknown, "{sql}: {error:?}");
        let error = writer.json(json!({ "query": sql, "read_only": true })).await.unwrap_err();
        assert_ne!(error.outcome(), Outcome::Unknown, "{sql}: {error:?}");
        assert_eq!(writer.rows("select count(*) from t").await, json!([[0]]), "{sql}");
    }
    let error = reader.fails("insert into t values (1)").await;
    assert_eq!((error.kind(), fact(&error, "code")), (Kind::Rejected, Some("1792")));
    assert_eq!(reader.rows("call counts()").await, json!([[1]]));
    assert_eq!(reader.rows("select count(*) from t").await, json!([[0]]));
    let steps = json!({ "transaction": [{ "query": "set tx_read_only = 0" }, { "query": "insert into t values (1)" }] });
    reader.json(steps).await.unwrap_err();
    let asked = json!({ "query": "call counts()", "read_only": true, "rows": "arrays" });
    assert_eq!(writer.json(asked).await.unwrap()["rows"], json!([[1]]));
    assert_eq!(writer.rows("select count(*) from t").await, json!([[0]]));
    // The session of the writer is what it was.
    assert_eq!(writer.run("insert into t values (1)", json!(null)).await.unwrap()["affected_rows"], 1);
}

#[tokio::test]
async fn what_a_procedure_committed_before_it_failed_is_not_said_to_be_undone() {
    let Some(server) = MariaDb::start().await else { return };
    server.sql("create table t (a int); \ndelimiter //\ncreate procedure half() begin insert into t values (1); commit; signal sqlstate '40001' set mysql_errno = 1213; end//\ndelimiter ;");
    let db = Db::of(&server);
    for (n, sql) in [
        "call half()",
        "set statement max_statement_time = 5 for call half()",
        "/*!999999 select */ call half()",
    ]
    .into_iter()
    .enumerate()
    {
        let error = db.fails(sql).await;
        assert_eq!(error.outcome(), Outcome::Unknown, "{sql}: {error:?}");
        assert_eq!(db.rows("select count(*) from t").await, json!([[n + 1]]), "{sql}");
    }
}

#[tokio::test]
async fn what_a_table_without_transactions_keeps_is_not_said_to_be_undone() {
    let Some(server) = MariaDb::start().await else { return };
    server.sql("create table m (a int) engine = MyISAM; create table i (a int primary key)");
    let db = Db::of(&server);
    let twice = json!([{ "query": "insert into i values (1)" }, { "query": "insert into i values (1)" }]);
    let error = db.json(json!({ "transaction": twice })).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Rejected, "{error}");
    let mut mixed = twice.as_array().unwrap().clone();
    mixed.insert(0, json!({ "query": "insert into m values (1)" }));
    let error = db.json(json!({ "transaction": mixed })).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    assert_eq!(server.sql("select count(*) from m").trim(), "1");
}

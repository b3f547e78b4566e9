//! SQLite.

use serde_json::json;
use trunkline_core::{Kind, Outcome};

use super::common::{Db, context};

/// A database in memory.
fn memory() -> Db {
    Db::open(context(), "sqlite://", json!({})).unwrap()
}

#[tokio::test]
async fn values_come_back_by_their_own_type() {
    let db = memory();
    db.sql("create table t (i integer, r real, s text, b blob, j json, f boolean)").await.unwrap();
    let insert = "insert into t values (:i, :r, :s, :b, :j, :f)";
    let params = json!({
        "i": 9_007_199_254_740_993_i64, "r": 1.5, "s": "ä\u{1f680}", "b": {"base64": "AP8="},
        "j": {"a": [1, 2]}, "f": true,
    });
    let done = db.json(json!({ "query": insert, "params": params })).await.unwrap();
    assert_eq!((&done["affected_rows"], &done["last_insert_id"]), (&json!(1), &json!(1)));
    let found = db.sql("select *, i + 1 as next from t").await.unwrap();
    assert_eq!(
        found["rows"][0],
        json!({
            "i": "9007199254740993", "r": 1.5, "s": "ä\u{1f680}", "b": "AP8=", "j": {"a": [1, 2]}, "f": 1,
            "next": "9007199254740994",
        })
    );
    assert_eq!(found["columns"][4], json!({ "name": "j", "type": "json" }));
    assert_eq!(found["columns"][6], json!({ "name": "next", "type": "" }));
    assert_eq!(found["affected_rows"], json!(null));
}

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
    assert_eq!(db.sql("select count(*) as n from t").await.unwrap()["rows"][0]["n"], 2);
}

#[tokio::test]
async fn rows_are_streamed() {
    let db = memory();
    let query =
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000) select i from n";
    let lines = db.lines(&json!({ "query": query })).await.unwrap();
    assert_eq!(lines.len(), 20_002);
    assert_eq!(lines[20_000], json!({ "row": { "i": 20_000 } }));
    assert_eq!(lines[20_001]["end"]["row_count"], 20_000);
}

#[tokio::test]
async fn no_statement_reaches_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(context().with_databases(folder.path().to_owned()), "sqlite:a.db", json!({})).unwrap();
    db.sql("create table t (a)").await.unwrap();
    let other = folder.path().join("other.db");
    let other = other.to_str().unwrap();
    for statement in [
        format!("attach '{other}' as other"),
        format!("attach 'file:{other}?mode=rwc' as other"),
        format!("vacuum into '{other}'"),
        "select load_extension('/tmp/x.so')".to_owned(),
        format!("pragma temp_store_directory = '{other}'"),
        "pragma journal_mode = delete".to_owned(),
        "pragma query_only = 0".to_owned(),
        "pragma writable_schema = 1".to_owned(),
        "pragma database_list".to_owned(),
        "select * from pragma_database_list".to_owned(),
    ] {
        let error = db.sql(&statement).await.expect_err(&statement);
        assert_eq!(
            (error.kind(), error.outcome()),
            (Kind::Forbidden, Outcome::Rejected),
            "{statement}: {error}"
        );
    }
    assert!(!std::path::Path::new(other).exists());
}

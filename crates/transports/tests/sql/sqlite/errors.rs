//! What SQLite says no to, as errors by kind.

use serde_json::json;
use trunkline_core::{Error, Kind, Outcome};

use super::{Files, memory};

fn fact<'a>(error: &'a Error, name: &str) -> Option<&'a str> {
    error.context().iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
}

#[tokio::test]
async fn a_violated_constraint_is_named() {
    let db = memory();
    db.sql("create table p (id integer primary key)").await.unwrap();
    db.sql(
        "create table t (id integer primary key, v text not null unique, n int constraint positive check (n > 0), \
         p references p, s int)",
    )
    .await
    .unwrap();
    db.sql("create unique index lower_s on t (abs(s))").await.unwrap();
    db.sql("insert into t (id, v, s) values (1, 'a', 1)").await.unwrap();
    for (values, kind, table, column, constraint) in [
        ("(1, 'b', 1, null, 2)", "primary_key", Some("t"), Some("id"), None),
        ("(2, 'a', 1, null, 2)", "unique", Some("t"), Some("v"), None),
        ("(2, null, 1, null, 2)", "not_null", Some("t"), Some("v"), None),
        ("(2, 'b', 0, null, 2)", "check", None, None, Some("positive")),
        ("(2, 'b', 1, 7, 2)", "foreign_key", None, None, None),
        ("(2, 'b', 1, null, -1)", "unique", None, None, Some("lower_s")),
    ] {
        let error = db.sql(&format!("insert into t values {values}")).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Rejected, Outcome::Rejected), "{error}");
        let told = ["constraint_kind", "table", "column", "constraint"].map(|name| fact(&error, name));
        assert_eq!(told, [Some(kind), table, column, constraint], "{error}");
    }
}

#[tokio::test]
async fn a_bad_statement_is_rejected_in_the_words_of_sqlite() {
    let db = memory();
    for (query, words) in [
        ("selct 1", "near \"selct\": syntax error"),
        ("select * from missing", "no such table: missing"),
        ("select missing", "no such column: missing"),
        ("select abs(-9223372036854775808)", "integer overflow"),
        ("select zeroblob(100000000)", "string or blob too big"),
    ] {
        let error = db.sql(query).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Rejected, Outcome::Rejected), "{error}");
        assert_eq!(error.message(), words);
        assert!(fact(&error, "code").is_some());
    }
    let error = db.json(json!({ "transaction": [{ "query": "select 1" }, { "query": "selct" }] })).await;
    assert!(error.unwrap_err().message().starts_with("statement 2: near"));
}

#[tokio::test]
async fn what_writes_is_refused_where_only_reading_is_allowed() {
    let files = Files::new();
    files.open("sqlite:a.db", json!({})).sql("create table t (a)").await.unwrap();
    let insert = json!({ "query": "insert into t values (1)" });
    let asked = json!({ "query": "insert into t values (1)", "read_only": true });
    let (whole, one) =
        (files.open("sqlite:a.db", json!({ "read_only": true })), files.open("sqlite:a.db", json!({})));
    for (db, request) in
        [(&whole, &insert), (&one, &asked), (&files.open("sqlite:a.db?mode=ro", json!({})), &insert)]
    {
        let error = db.json(request.clone()).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Rejected, Outcome::Rejected), "{error}");
    }
    assert_eq!(one.json(insert).await.unwrap()["affected_rows"], 1, "one call does not bind the next");
    assert_eq!(whole.sql("select count(*) as n from t").await.unwrap()["rows"][0]["n"], 1);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_unavailable() {
    let files = Files::new();
    std::fs::write(files.path("a.db"), "x".repeat(4096)).unwrap();
    std::fs::create_dir(files.path("folder.db")).unwrap();
    for (base_url, more) in [
        ("sqlite:a.db", json!({})),
        ("sqlite:a.db", json!({ "read_only": true })),
        ("sqlite:folder.db", json!({})),
        ("sqlite:missing.db?mode=rw", json!({})),
        ("sqlite:missing.db", json!({ "read_only": true })),
        ("sqlite:missing/a.db", json!({})),
    ] {
        let error = files.open(base_url, more).probe().await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unavailable, "{base_url}: {error}");
        let folder = files.path("");
        assert!(!error.to_string().contains(folder.to_str().unwrap()), "{error}");
    }
    assert!(!files.path("missing.db").exists());
}

#[tokio::test]
async fn logins_and_keys_of_other_databases_are_refused() {
    let files = Files::new();
    for (more, word) in [
        (json!({ "pooler": true }), "pooler"),
        (json!({ "tls": { "ca": "x" } }), "tls"),
        (json!({ "headers": { "a": "b" } }), "headers"),
        (json!({ "lock_timeout": "2m" }), "lock_timeout"),
    ] {
        let error = files.try_open("sqlite:a.db", more).err().unwrap();
        assert!(error.message().starts_with(word), "{error}");
    }
}

//! Parameters: each as it was written, and never as SQL.

use serde_json::{Value, json};
use trunkline_core::{Kind, Outcome};
use trunkline_testkit::MariaDb;

use super::{Db, fact};

#[tokio::test]
async fn text_is_data_whatever_it_holds() {
    let Some(server) = MariaDb::start().await else { return };
    let db = Db::of(&server);
    server.sql("create table notes (id int auto_increment primary key, note text)");
    for text in [
        "'; drop table notes; -- ",
        "\\'; drop table notes; -- ",
        "\u{bf}\u{5c}' or 1=1 -- ",
        "\" or \"\"=\"",
        "`; /*!50000 drop table notes */",
        ":a ? ?1 $1 {{x}}",
        "\0\n\r\u{1a}",
        "",
    ] {
        let found = db.run("insert into notes (note) values (:note)", json!({ "note": text })).await.unwrap();
        let id = found["last_insert_id"].clone();
        let kept =
            db.run("select note from notes where id = ? and note = ?", json!([id, text])).await.unwrap();
        assert_eq!(kept["rows"], json!([{ "note": text }]), "{text:?}");
    }
}

#[tokio::test]
async fn each_parameter_is_what_it_is_in_json() {
    let Some(server) = MariaDb::start().await else { return };
    let db = Db::of(&server);
    for (param, sql, expected) in [
        (json!(null), ":a is null", json!(1)),
        (json!(true), ":a", json!(1)),
        (json!(false), ":a + 0", json!(0)),
        (json!(-5), ":a", json!(-5)),
        (json!(u64::MAX), ":a", json!("18446744073709551615")),
        (json!(0.5), ":a", json!(0.5)),
        (json!("a"), ":a", json!("a")),
        (json!([1, 2]), ":a", json!("[1,2]")),
        (json!({ "a": null }), "json_value(:a, '$.a') is null", json!(1)),
        (json!({ "base64": "AP8=" }), "hex(:a)", json!("00FF")),
        (json!("2024-01-02T03:04:05Z"), ":a", json!("2024-01-02T03:04:05Z")),
    ] {
        let found = db.run(&format!("select {sql} as a"), json!({ "a": param })).await.unwrap();
        assert_eq!(found["rows"][0]["a"], expected, "{param} in {sql}");
    }
    let raw: Box<serde_json::value::RawValue> =
        serde_json::from_str("1234567890123456789012345678.0123456789").unwrap();
    let request =
        format!(r#"{{"query": "select cast(:a as decimal(60,10)) as a", "params": {{"a": {raw}}}}}"#);
    let found = db.json(serde_json::from_str::<Value>(&request).unwrap()).await.unwrap();
    assert!(found["rows"][0]["a"].is_string());
}

#[tokio::test]
async fn a_time_with_a_zone_goes_into_a_timestamp_and_stays_what_it_is_in_a_text() {
    let Some(server) = MariaDb::start().await else { return };
    let db = Db::of(&server);
    server.sql("create table t (a timestamp(3) null, b datetime, c varchar(40), d date)");
    let sql = "insert into t values (:a, :b, :c, :a)";
    let params = json!({ "a": "2024-01-02T03:04:05.123Z", "b": "2024-01-02T00:30:00+02:00", "c": "2024-01-02T03:04:06Z" });
    // Dates have no time that could be told in a zone.
    let found = db.run("insert into t (a, b, c) values (:a, :b, :c)", params.clone()).await.unwrap();
    assert_eq!(found["affected_rows"], 1);
    let row = json!([["2024-01-02T03:04:05.123Z", "2024-01-01T22:30:00", "2024-01-02T03:04:06Z", null]]);
    assert_eq!(db.rows("select * from t").await, row);
    let found =
        db.run("select c from t where a = :a", json!({ "a": "2024-01-02T03:04:05.123Z" })).await.unwrap();
    assert_eq!(found["row_count"], 1);
    let found = db.run("update t set b = :b where a = :a", params_of(&params, &["a", "b"])).await.unwrap();
    assert_eq!(found["row_count"], 0);
    let _ = db.run(sql, params).await;
    let error = db.run("insert into t (a) values (?)", json!(["2024-01-02T03:04:05 MEZ"])).await.unwrap_err();
    assert_eq!(
        (error.kind(), fact(&error, "code"), fact(&error, "column")),
        (Kind::Rejected, Some("1292"), Some("a"))
    );
}

fn params_of(all: &Value, names: &[&str]) -> Value {
    names.iter().map(|name| ((*name).to_owned(), all[name].clone())).collect::<serde_json::Map<_, _>>().into()
}

#[tokio::test]
async fn colons_in_texts_are_no_parameters() {
    let Some(server) = MariaDb::start().await else { return };
    let db = Db::of(&server);
    for (sql, params, expected) in [
        ("select ':a'", json!(null), json!([[":a"]])),
        ("select 1-'1:a'", json!(null), json!([[0.0]])),
        ("select 4/'2:a', :a", json!({ "a": 7 }), json!([[2.0, 7]])),
        ("select -- :b\n ':c', :a", json!({ "a": 7 }), json!([[":c", 7]])),
        ("select /* :b */ 1-'1:c', :a", json!({ "a": 7 }), json!([[0.0, 7]])),
        ("select /* :b */\n 1-'1:c', :a", json!({ "a": 7 }), json!([[0.0, 7]])),
        ("select /* :b */\n 1-'1:c' as `x`, :a", json!({ "a": 7 }), json!([[0.0, 7]])),
        ("select '*/ :b', 1-'1:c', ?", json!([7]), json!([["*/ :b", 0.0, 7]])),
        ("select @a := 5", json!(null), json!([[5]])),
        ("select json_value('{\"a\": 1}', '$.a'), ?", json!([7]), json!([["1", 7]])),
    ] {
        let found = db.json(json!({ "query": sql, "params": params, "rows": "arrays" })).await;
        assert_eq!(found.unwrap_or_else(|error| panic!("{sql}: {error}"))["rows"], expected, "{sql}");
    }
    let odd = "select /* */\n 1-'1:c' as `x`, concat('a:b', \"c:d\") as y";
    assert_eq!(db.rows(odd).await, json!([[0.0, "a:bc:d"]]));
    let error = db.run("select /* */\n 1-'1:c' as `x`, \"\", :a", json!({ "a": 7 })).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Unsupported, Outcome::NotSent), "{error}");
}

#[tokio::test]
async fn what_is_no_base64_is_refused_by_name() {
    let Some(server) = MariaDb::start().await else { return };
    let error = Db::of(&server).run("select :a", json!({ "a": { "base64": "?" } })).await.unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidConfig);
    assert!(error.message().starts_with("params.a: base64"), "{error}");
}

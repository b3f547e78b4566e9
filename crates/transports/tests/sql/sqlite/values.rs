//! Values, columns, and what statements did.

use serde_json::json;

use super::memory;

#[tokio::test]
async fn values_come_back_by_their_own_type() {
    let db = memory();
    db.sql("create table t (i integer, r real, s text, b blob, j JSON, f boolean)").await.unwrap();
    let insert = "insert into t values (:i, :r, :s, :b, :j, :f)";
    let params = json!({
        "i": 9_007_199_254_740_993_i64, "r": 1.5, "s": "ä\u{1f680}", "b": {"base64": "AP8="},
        "j": {"a": [1, 2]}, "f": true,
    });
    let done = db.json(json!({ "query": insert, "params": params })).await.unwrap();
    assert_eq!((&done["affected_rows"], &done["last_insert_id"]), (&json!(1), &json!(1)));
    let found = db.sql("select *, i + 1 as next, i from t").await.unwrap();
    assert_eq!(
        found["rows"][0],
        json!({
            "i": "9007199254740993", "r": 1.5, "s": "ä\u{1f680}", "b": "AP8=", "j": {"a": [1, 2]}, "f": 1,
            "next": "9007199254740994", "i_2": "9007199254740993",
        })
    );
    assert_eq!(found["columns"][4], json!({ "name": "j", "type": "JSON" }));
    assert_eq!(found["columns"][6], json!({ "name": "next", "type": "" }));
    assert_eq!(found["affected_rows"], json!(null));
}

#[tokio::test]
async fn no_value_is_lost_whatever_column_it_is_in() {
    let db = memory();
    db.sql("create table t (i integer, j json)").await.unwrap();
    let found = |query: &'static str| async { db.sql(query).await.unwrap()["rows"][0].clone() };
    for (expression, value) in [
        ("9e999", json!("Infinity")),
        ("-9e999", json!("-Infinity")),
        ("-9223372036854775808", json!("-9223372036854775808")),
        ("cast(x'61ff62' as text)", json!("a\u{fffd}b")),
        ("x''", json!("")),
        ("null", json!(null)),
        ("2.0", json!(2.0)),
        ("'a' || char(0) || 'b'", json!("a\u{0}b")),
    ] {
        let found = db.sql(&format!("select {expression} as v")).await.unwrap();
        assert_eq!(found["rows"][0]["v"], value, "{expression}");
    }
    // Columns take what has another type than they have.
    db.sql("insert into t values ('x', '{''a'': 1}'), (2, '[1.10,' || char(10) || '2]'), (x'ff', 7)")
        .await
        .unwrap();
    assert_eq!(found("select * from t").await, json!({ "i": "x", "j": "{'a': 1}" }));
    let rows = db.json(json!({ "query": "select * from t", "rows": "arrays" })).await.unwrap();
    assert_eq!(rows["rows"], json!([["x", "{'a': 1}"], [2, [1.10, 2]], ["/w==", 7]]));
}

#[tokio::test]
async fn a_parameter_is_bound_by_name_or_by_place() {
    let db = memory();
    for (query, params, row) in [
        ("select :a as x, :a + :b as y", json!({ "a": 1, "b": 2 }), json!({ "x": 1, "y": 3 })),
        ("select ? as x, ? as y", json!(["a", null]), json!({ "x": "a", "y": null })),
        ("select ?2 as x, ?1 as y", json!([1, 2]), json!({ "x": 2, "y": 1 })),
        ("select typeof(:a) as x, ':a' as y", json!({ "a": "7" }), json!({ "x": "text", "y": ":a" })),
        ("select typeof(:a) as x", json!({ "a": 0.1 }), json!({ "x": "real" })),
        ("select typeof(:a) as x", json!({ "a": [1] }), json!({ "x": "text" })),
        ("select typeof(:a) as x", json!({ "a": { "base64": "" } }), json!({ "x": "blob" })),
    ] {
        let found = db.json(json!({ "query": query, "params": params })).await.unwrap();
        assert_eq!(found["rows"][0], row, "{query}");
    }
    let error = db.json(json!({ "query": "select :a", "params": { "a": 1e3, "b": 2 } })).await.unwrap_err();
    assert!(error.message().contains("params.b"), "{error}");
    let beyond = "{\"query\": \"select :a\", \"params\": {\"a\": 9223372036854775808}}";
    let error = db.json(serde_json::from_str(beyond).unwrap()).await.unwrap_err();
    assert!(error.message().contains("params.a: is beyond the 64 bits"), "{error}");
}

#[tokio::test]
async fn a_reply_says_what_a_statement_did() {
    let db = memory();
    for (query, affected, id) in [
        ("create table t (id integer primary key, v text unique)", Some(0), None),
        ("create table other (k text primary key) without rowid", Some(0), None),
        ("insert into t (v) values ('a'), ('b')", Some(2), Some(2)),
        // No rowid, and nothing of the statement before.
        ("insert into other values ('x')", Some(1), None),
        ("insert into t (v) values ('a') on conflict do nothing", Some(0), None),
        ("insert into t (v) values ('a') on conflict do update set v = 'c'", Some(1), None),
        ("replace into t (id, v) values (9, 'b')", Some(1), Some(9)),
        ("with x as (select 'd' as v) insert into t (v) select v from x", Some(1), Some(10)),
        ("update t set v = v || '!'", Some(3), None),
        ("delete from t where id > 100", Some(0), None),
        ("delete from t", Some(3), None),
        ("with x as (select 1) select * from x", None, None),
        ("drop table t", Some(0), None),
        ("pragma user_version = 3", Some(0), None),
        ("pragma user_version", None, None),
        ("explain select 1", None, None),
    ] {
        let done = db.sql(query).await.unwrap();
        assert_eq!(
            (done["affected_rows"].as_u64(), done["last_insert_id"].as_u64()),
            (affected, id),
            "{query}"
        );
    }
    db.sql("create table t (id integer primary key, v)").await.unwrap();
    let done = db.sql("insert into t (v) values (1), (2) returning id, v * 2 as twice").await.unwrap();
    assert_eq!(done["rows"], json!([{ "id": 1, "twice": 2 }, { "id": 2, "twice": 4 }]));
    assert_eq!((&done["affected_rows"], &done["last_insert_id"]), (&json!(2), &json!(2)));
}

#[tokio::test]
async fn caps_cut_what_is_read_and_not_what_is_written() {
    let db = memory();
    db.sql("create table t (i)").await.unwrap();
    let insert = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 100) \
                  insert into t select i from n returning i";
    let done = db.json(json!({ "query": insert, "max_rows": 3 })).await.unwrap();
    assert_eq!(
        (&done["row_count"], &done["truncated"], &done["affected_rows"]),
        (&json!(3), &json!("max_rows"), &json!(100))
    );
    let found = db.json(json!({ "query": "select i from t", "max_bytes": 200 })).await.unwrap();
    assert_eq!(found["truncated"], "max_bytes");
    let large = "select 'a' as v union all select hex(randomblob(1000000))";
    let found = db.json(json!({ "query": large, "max_bytes": 1000 })).await.unwrap();
    assert_eq!((&found["row_count"], &found["truncated"]), (&json!(1), &json!("max_bytes")));
}

#[tokio::test]
async fn tables_and_columns_can_be_asked_for() {
    let db = memory();
    for statement in [
        "create table users (id integer primary key, name varchar(20) not null)",
        "create table orders (shop text, n int, \"user\" references users, primary key (shop, n)) without rowid",
        "create view names as select name from users",
    ] {
        db.sql(statement).await.unwrap();
    }
    let user = json!([{
        "columns": ["user"], "references": { "schema": "main", "table": "users", "columns": ["id"] },
    }]);
    assert_eq!(
        db.schema().await.unwrap(),
        json!({ "truncated": false, "tables": [
            { "schema": "main", "name": "names", "kind": "view", "columns": [
                { "name": "name", "type": "varchar(20)", "nullable": true },
            ]},
            {
                "schema": "main", "name": "orders", "kind": "table", "columns": [
                    { "name": "shop", "type": "TEXT", "nullable": false },
                    { "name": "n", "type": "INT", "nullable": false },
                    { "name": "user", "type": "", "nullable": true },
                ],
                "primary_key": ["shop", "n"], "foreign_keys": user,
            },
            {
                "schema": "main", "name": "users", "kind": "table", "columns": [
                    { "name": "id", "type": "INTEGER", "nullable": false },
                    { "name": "name", "type": "varchar(20)", "nullable": false },
                ],
                "primary_key": ["id"],
            },
        ]})
    );
}

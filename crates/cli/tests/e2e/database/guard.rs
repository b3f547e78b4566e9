//! What is refused and what is kept: the same for every engine.

use serde_json::{Value, json};

use super::{Engine, Shop, requests::NOTE};

pub(super) async fn what_only_reads_is_told_by_the_database<E: Engine>() {
    let Some(shop) = Shop::<E>::open(json!({ "read_only": true })).await else { return };
    shop.has("free", json!({})).await;
    shop.server.call("free", &json!({ "query": NOTE })).await.is(200);
    shop.server
        .call("free", &json!({ "query": "insert into note (id, body) values (1, 'a')" }))
        .await
        .is(200);
    let mut writes = vec![
        "insert into note (id, body) values (2, 'b')",
        "update note set body = 'b'",
        "delete from note",
        "drop table note",
        "create table other (id integer)",
    ];
    writes.extend(match E::SYSTEM {
        "postgres" => &[
            "with gone as (delete from note returning id) select * from gone",
            "explain analyze delete from note",
            "select * from note for update",
            "select nextval('genre_genre_id_seq')",
            "truncate note",
            "copy note to program 'true'",
            "do $$ begin delete from note; end $$",
        ][..],
        "mysql" => &["replace into note (id, body) values (1, 'x')", "truncate table note"],
        _ => &["with x as (select 1) delete from note", "pragma user_version = 7", "vacuum"],
    });
    for sql in writes {
        for (id, request) in [
            ("db", json!({ "query": sql })),
            ("db", json!({ "transaction": [{ "query": "select 1" }, { "query": sql }] })),
            ("free", json!({ "query": sql, "read_only": true })),
        ] {
            let answer = shop.server.call(id, &request).await;
            let told = answer.json();
            assert!(answer.status.is_client_error() || told["kind"] == "forbidden", "{request}: {answer:?}");
            assert_ne!(told["outcome"], "unknown", "{request}: {told}");
        }
    }
    // A caller cannot have more than the integration.
    let wish = json!({ "query": "delete from note", "read_only": false });
    assert!(!shop.server.call("db", &wish).await.status.is_success());
    assert_eq!(shop.rows("select id, body from note").await, json!([[1, "a"]]));
    shop.ask(json!({ "query": "select * from note" })).await;
    shop.server.call("free", &json!({ "query": "update note set body = 'z'" })).await.is(200);
    assert_eq!(shop.rows("select body from note").await, json!([["z"]]));
}

pub(super) async fn callers_of_only_queries_send_no_sql<E: Engine>() {
    let settings = json!({
        "only_queries": true,
        "queries": {
            "genre": { "query": "select name from genre where genre_id = :id", "description": "A genre", "cache_ttl": 60 },
            "rename": { "query": "update genre set name = :name where genre_id = :id" },
            "sneaky": { "query": "delete from genre where genre_id = 1000", "read_only": true },
        },
    });
    let Some(shop) = Shop::<E>::open(settings).await else { return };
    let reply = shop.ask(json!({ "name": "genre", "params": { "id": 1 } })).await;
    assert_eq!(reply["rows"], json!([{ "name": "Rock" }]));
    let sql = "select 1";
    for request in [
        json!({ "query": sql }),
        json!({ "query": sql, "name": "genre" }),
        json!({ "query": sql, "batch": [{}] }),
        json!({ "transaction": [{ "name": "genre", "params": { "id": 1 } }, { "query": sql }] }),
        json!({ "name": "nothing" }),
        json!({ "name": "genre; drop table genre" }),
    ] {
        let problem = shop.server.call("db", &request).await.problem(422, "invalid_config");
        assert!(problem["detail"].as_str().unwrap().contains("name"), "it says what to send: {problem}");
    }
    let rename = |name: &str| json!({ "name": "rename", "params": { "id": 1, "name": name } });
    shop.ask(json!({ "transaction": [rename("Stone"), { "name": "genre", "params": { "id": 2 } }] })).await;
    let batch =
        json!({ "name": "rename", "batch": [{ "id": 2, "name": "Cool" }, { "id": 3, "name": "Loud" }] });
    shop.ask(batch).await;
    assert_eq!(
        shop.rows("select name from genre where genre_id < 4 order by genre_id").await,
        json!([["Stone"], ["Cool"], ["Loud"]])
    );
    assert!(!shop.server.call("db", &json!({ "name": "sneaky" })).await.status.is_success());
}

pub(super) async fn a_named_query_takes_parameters_and_is_known_when_it_is_registered<E: Engine>() {
    let queries =
        json!({ "tracks": { "query": "select count(*) as n from track where unit_price > :price" } });
    let Some(shop) = Shop::<E>::open(json!({ "queries": queries })).await else { return };
    let reply = shop.ask(json!({ "name": "tracks", "params": { "price": 1 } })).await;
    assert_eq!(reply["rows"][0]["n"], 219, "{reply}");
    // Beside them SQL is free.
    shop.query("select 1").await.is(200);
    let bad = |key: &str, value: Value| {
        let mut config =
            json!({ "integration_id": "bad", "type": "database", "base_url": shop.engine.url() });
        config[key] = value;
        config
    };
    for (config, words) in [
        (bad("queries", json!({ "two": { "query": "select 1; select 2" } })), "queries.two"),
        (bad("queries", json!({ "open": { "query": "select 'a" } })), "queries.open"),
        (bad("only_queries", json!(true)), "only_queries"),
        (bad("max_bytes", json!(1_000_000_000)), "max_bytes"),
        (bad("pool", json!({ "max": 0 })), "pool.max"),
        (bad("headers", json!({ "a": "b" })), "headers"),
        (bad("base_url", json!("oracle://hunter2@h/d")), "base_url"),
    ] {
        let problem = shop.server.register(&config).await.problem(422, "invalid_config");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(words) && !detail.contains("hunter2"), "{problem}");
    }
}

pub(super) async fn errors_say_what_the_database_says<E: Engine>() {
    let Some(shop) = Shop::<E>::open(json!({})).await else { return };
    shop.query(NOTE).await.is(200);
    shop.query("insert into note (id, body) values (1, 'a')").await.is(200);
    let code = match E::SYSTEM {
        "postgres" => "sqlstate",
        _ => "code",
    };
    for sql in [
        "insert into note (id, body) values (1, 'b')",
        "insert into note (id, body) values (2, 'a')",
        "insert into note (id, body) values (2, null)",
        "insert into album (album_id, title, artist_id) values (9999, 'x', 9999)",
        "select * from no_such_table",
        "select no_such_column from note",
        "selec 1",
    ] {
        let answer = shop.query(sql).await;
        let problem = answer.problem(422, "rejected");
        assert_eq!(problem["outcome"], "rejected", "{sql}: {problem}");
        assert!(problem["context"][code].is_string(), "{sql}: {problem}");
        shop.query("select 1").await.is(200);
    }
    let problem = shop.query("insert into note (id, body) values (2, 'a')").await.problem(422, "rejected");
    let context = &problem["context"];
    assert!(context["constraint"].is_string() || context["column"].is_string(), "{problem}");
    assert_eq!(shop.rows("select count(*) from note").await, json!([[1]]));
}

pub(super) async fn replies_are_kept_where_that_is_asked_for<E: Engine>() {
    let Some(shop) = Shop::<E>::open(json!({})).await else { return };
    let select = |ttl: u32| json!({ "query": "select name from genre where genre_id = 1", "cache_ttl": ttl });
    let name = async |request: Value| shop.ask(request).await["rows"][0]["name"].take();
    assert_eq!(name(select(60)).await, "Rock");
    shop.query("update genre set name = 'Stone' where genre_id = 1").await.is(200);
    assert_eq!(name(select(60)).await, "Rock", "as it was kept");
    assert_eq!(name(select(0)).await, "Stone", "who wants none gets none");
    shop.server.delete("/api/v1/integrations/db/cache").await.is(200);
    assert_eq!(name(select(60)).await, "Stone");
    // What writes is never kept.
    let write = json!({ "query": "update genre set name = 'x' where genre_id = 9", "cache_ttl": 60 });
    shop.server.call("db", &write).await;
    shop.query("update genre set name = 'y' where genre_id = 9").await.is(200);
    let again = shop.server.call("db", &write).await;
    if again.status == 200 {
        assert_eq!(shop.rows("select name from genre where genre_id = 9").await, json!([["x"]]));
    }
}

//! What callers send, and what they are answered: the same for every engine.

use serde_json::{Value, json};

use super::{Engine, Shop};

/// A table that tests write to.
pub(super) const NOTE: &str =
    "create table note (id integer primary key, body varchar(200) not null unique, amount integer)";

pub(super) async fn the_configuration_and_the_request_of_the_original_work_unchanged<E: Engine>() {
    let Some(shop) = Shop::<E>::open(json!({})).await else { return };
    let server = &shop.server;
    // What its `IntegrationConfig(…).json()` prints.
    let config = json!({
        "integration_id": "original", "name": "A database", "type": "database", "base_url": shop.engine.python(),
        "auth_type": "none", "auth_config": {}, "headers": {}, "timeout": 30, "retry_config": null,
        "rate_limit": null, "cache_config": null, "metadata": {},
    });
    let told = server.register(&config).await.is(201).json();
    assert_eq!((&told["integration_id"], &told["status"]), (&json!("original"), &json!("registered")));
    let list = server.get("/api/v1/integrations/list").await.is(200).json();
    let listed = list.as_array().unwrap().iter().find(|item| item["integration_id"] == "original").unwrap();
    assert_eq!((&listed["name"], &listed["type"]), (&json!("A database"), &json!("database")));
    let health = server.get("/api/v1/integrations/health").await.is(200).json();
    assert_eq!(health["original"], true, "{health}");

    let request = json!({ "query": "select genre_id, name from genre where name = :name", "params": { "name": "Jazz" } });
    let tested = server.test("original", &request).await;
    assert_eq!(tested["status"], "success", "{tested}");
    assert_eq!(tested["result"]["rows"], json!([{ "genre_id": 2, "name": "Jazz" }]));
    let reply = server.call("original", &request).await.is(200).json();
    assert_eq!(reply["rows"], json!([{ "genre_id": 2, "name": "Jazz" }]));
    assert_eq!(
        (&reply["row_count"], &reply["affected_rows"], &reply["truncated"]),
        (&json!(1), &Value::Null, &Value::Null)
    );
    let tested = server.test("original", &json!({ "query": "select * from no_such_table" })).await;
    assert_eq!(tested["status"], "error", "{tested}");
    assert!(tested["error"].as_str().unwrap().contains("no_such_table"), "{tested}");

    server.delete("/api/v1/integrations/original").await.is(200);
    server.call("original", &request).await.problem(404, "unknown_integration");
}

pub(super) async fn parameters_go_by_name_or_by_place<E: Engine>() {
    let Some(shop) = Shop::<E>::open(json!({})).await else { return };
    let place = if E::SYSTEM == "postgres" { ["$1", "$2"] } else { ["?", "?"] };
    let [one, two] = place;
    for (sql, params) in [
        (
            "select name from genre where genre_id > :low and genre_id < :high and genre_id > :low"
                .to_owned(),
            json!({ "low": 3, "high": 6 }),
        ),
        (format!("select name from genre where genre_id > {one} and genre_id < {two}"), json!([3, 6])),
        // What stands in literals and comments is no parameter.
        (
            "select name /* :a */ from genre where name <> ':b' and genre_id > :low and genre_id < 6 -- :c"
                .to_owned(),
            json!({ "low": 3 }),
        ),
    ] {
        let reply = shop.ask(json!({ "query": sql, "params": params })).await;
        assert_eq!(reply["rows"], json!([{ "name": "Alternative & Punk" }, { "name": "Blues" }]), "{sql}");
    }
    for (request, words) in [
        (json!({ "query": "select :id", "params": {} }), "params.id"),
        (json!({ "query": "select :id", "params": { "id": 1, "other": 2 } }), "params.other"),
        (json!({ "query": format!("select {one}"), "params": [1, 2] }), "params"),
        (json!({ "query": "select 1", "parms": {} }), "parms"),
        (json!({ "params": {} }), "query"),
        (json!(["select 1"]), "expected an object"),
    ] {
        let problem = shop.server.call("db", &request).await.problem(422, "invalid_config");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{request}: {problem}");
        assert_eq!(problem["outcome"], "not_sent", "{problem}");
    }
}

pub(super) async fn text_of_a_caller_stays_data<E: Engine>() {
    let Some(shop) = Shop::<E>::open(json!({})).await else { return };
    shop.query(NOTE).await.is(200);
    let texts = [
        "'; drop table note; --",
        "\\'; delete from note; -- ",
        "Robert'); drop table note;",
        ":id $1 ? %s {{x}} ${y}",
        "夜 🎵 \u{202e}\u{0301} \r\n\t\\ \" `",
        "",
    ];
    for (id, text) in texts.iter().enumerate() {
        let insert = json!({
            "query": "insert into note (id, body) values (:id, :text)", "params": { "id": id, "text": text },
        });
        assert_eq!(shop.ask(insert).await["affected_rows"], 1);
        let select =
            json!({ "query": "select id, body from note where body = :text", "params": { "text": text } });
        assert_eq!(shop.ask(select).await["rows"], json!([{ "id": id, "body": text }]));
    }
    assert_eq!(shop.rows("select count(*) from note").await, json!([[texts.len()]]));
    if E::SYSTEM == "postgres" {
        // It has no such character.
        let insert = json!({ "query": "insert into note values (100, :text)", "params": { "text": "a\0b" } });
        let answer = shop.server.call("db", &insert).await.is(422).json();
        assert!(answer["detail"].as_str().unwrap().contains("u0000"), "{answer}");
        shop.query("select 1").await.is(200);
    }
}

pub(super) async fn two_columns_of_one_name_are_both_there<E: Engine>() {
    let Some(shop) = Shop::<E>::open(json!({})).await else { return };
    let sql = "select 1 as id, 2 as id, 3 as id_2 from genre where genre_id = 1";
    let reply = shop.ask(json!({ "query": sql })).await;
    assert_eq!(reply["rows"], json!([{ "id": 1, "id_3": 2, "id_2": 3 }]), "{reply}");
    assert_eq!(reply["columns"][1]["key"], "id_3");
    let ids =
        "select g.name, t.name from genre g join track t on t.genre_id = g.genre_id where t.track_id = 1";
    let row = shop.ask(json!({ "query": ids })).await["rows"][0].take();
    assert!(row["name"] == "Rock" && row["name_2"].is_string(), "{row}");
}

pub(super) async fn a_batch_is_done_as_a_whole_or_not_at_all<E: Engine>() {
    let Some(shop) = Shop::<E>::open(json!({})).await else { return };
    shop.query(NOTE).await.is(200);
    let insert = "insert into note (id, body) values (:id, :body)";
    let sets: Vec<_> = (0..300).map(|id| json!({ "id": id, "body": format!("b{id}") })).collect();
    let reply = shop.ask(json!({ "query": insert, "batch": sets })).await;
    let results = reply["results"].as_array().unwrap();
    assert_eq!(results.len(), 300);
    assert!(results.iter().all(|result| result["affected_rows"] == 1), "{}", results[0]);
    assert_eq!(shop.rows("select count(*) from note").await, json!([[300]]));

    let sets =
        json!([{ "id": 1000, "body": "x" }, { "id": 1001, "body": "b7" }, { "id": 1002, "body": "y" }]);
    let problem = shop.server.call("db", &json!({ "query": insert, "batch": sets })).await;
    let problem = problem.problem(422, "rejected");
    assert_eq!(problem["outcome"], "rejected", "{problem}");
    assert_eq!(shop.rows("select count(*) from note where id >= 1000").await, json!([[0]]));
    assert_eq!(shop.ask(json!({ "query": insert, "batch": [] })).await, json!({ "results": [] }));
    let problem = shop.server.call("db", &json!({ "query": insert, "batch": [{ "id": 1 }] })).await;
    problem.problem(422, "invalid_config");
}

pub(super) async fn a_transaction_is_done_as_a_whole_or_not_at_all<E: Engine>() {
    let Some(shop) = Shop::<E>::open(json!({})).await else { return };
    shop.query(NOTE).await.is(200);
    let insert = |id: u32, body: &str| json!({ "query": "insert into note (id, body, amount) values (:id, :body, 5)", "params": { "id": id, "body": body } });
    let reply = shop
        .ask(json!({ "transaction": [
            insert(1, "a"), insert(2, "b"),
            { "query": "update note set amount = amount + 1 where id < :id", "params": { "id": 9 } },
            { "query": "select sum(amount) as sum from note" },
        ] }))
        .await;
    let results = reply["results"].as_array().unwrap();
    assert_eq!((results.len(), &results[2]["affected_rows"]), (4, &json!(2)));
    assert!(results[3]["rows"][0]["sum"] == 12, "{reply}");

    for last in [insert(1, "other"), insert(4, "a"), json!({ "query": "select * from no_such_table" })] {
        let transaction = json!({ "transaction": [insert(3, "c"), last] });
        let problem = shop.server.call("db", &transaction).await.problem(422, "rejected");
        assert_eq!(problem["outcome"], "rejected", "{problem}");
        assert_eq!(shop.rows("select count(*) from note").await, json!([[2]]), "{problem}");
    }
    // The connection is as good as it was.
    shop.ask(json!({ "transaction": [insert(3, "c")] })).await;
    assert_eq!(shop.rows("select count(*) from note").await, json!([[3]]));
}

pub(super) async fn several_statements_in_one_query_are_refused_unless_allowed<E: Engine>() {
    let Some(shop) = Shop::<E>::open(json!({})).await else { return };
    shop.query(NOTE).await.is(200);
    shop.has("many", json!({ "multiple_statements": true })).await;
    let two = "insert into note (id, body) values (1, 'a'); insert into note (id, body) values (2, 'b;c')";
    for sql in [two, "select 1; drop table note", "select 1;; select 2"] {
        let problem = shop.query(sql).await.problem(422, "invalid_config");
        assert!(problem["detail"].as_str().unwrap().contains("statements; send one"), "{problem}");
    }
    shop.query("select ';' as a; -- the end;").await.is(200);
    assert_eq!(shop.rows("select count(*) from note").await, json!([[0]]));
    let reply = shop.server.call("many", &json!({ "query": two })).await.is(200).json();
    assert_eq!(reply["results"].as_array().map(Vec::len), Some(2), "{reply}");
    let bad = "insert into note (id, body) values (3, 'c'); insert into note (id, body) values (4, 'a')";
    shop.server.call("many", &json!({ "query": bad })).await.problem(422, "rejected");
    assert_eq!(shop.rows("select id from note order by id").await, json!([[1], [2]]));
}

pub(super) async fn what_would_outlive_the_call_is_refused<E: Engine>() {
    let Some(shop) = Shop::<E>::open(json!({ "multiple_statements": true })).await else { return };
    shop.query(NOTE).await.is(200);
    for sql in [
        "begin",
        "BEGIN",
        "/* x */ commit",
        "rollback",
        "savepoint a",
        "-- x\n begin ",
        "insert into note (id, body) values (1, 'a'); commit; select 1",
    ] {
        let problem = shop.query(sql).await.problem(422, "invalid_config");
        assert_eq!(problem["outcome"], "not_sent", "{sql}: {problem}");
        let transaction = json!({ "transaction": [{ "query": "insert into note (id, body) values (1, 'a')" }, { "query": sql }] });
        shop.server.call("db", &transaction).await.is(422);
    }
    assert_eq!(shop.rows("select count(*) from note").await, json!([[0]]));
}

pub(super) async fn rows_are_arrays_where_arrays_are_asked_for<E: Engine>() {
    let Some(shop) = Shop::<E>::open(json!({})).await else { return };
    let sql = "select genre_id, name, null as none_of_it from genre order by genre_id";
    let reply = shop.ask(json!({ "query": sql, "rows": "arrays", "max_rows": 2 })).await;
    assert_eq!(reply["rows"], json!([[1, "Rock", null], [2, "Jazz", null]]));
    assert_eq!((&reply["columns"][1]["name"], &reply["truncated"]), (&json!("name"), &json!("max_rows")));
    assert!(reply["columns"][0]["type"].is_string(), "{reply}");
}

//! Logins, restarts and losses: the same for every engine that is a process of its own.

use serde_json::{Value, json};
use tokio::time::{Duration, Instant};
use trunkline_testkit::PASSWORD;

use super::{Engine, Shop, requests::NOTE};
use crate::{
    harness::{Server, until},
    secrets::spellings,
};

/// The key that says how often a call is tried.
const ATTEMPTS: &str = "max_attempts";

/// Everything that shows something of an integration.
async fn shown<E: Engine>(shop: &Shop<E>, id: &str) -> String {
    let at = "/api/v1/integrations";
    let mut all = String::new();
    for path in [
        format!("{at}/{id}"),
        format!("{at}/list"),
        format!("{at}/health"),
        format!("{at}/{id}/health"),
        format!("{at}/{id}/connections"),
        "/api/v1/activity".to_owned(),
        "/metrics".to_owned(),
    ] {
        all.push_str(&path);
        all.push_str(shop.server.get(&path).await.text());
    }
    let bad = json!({ "query": "select * from no_such_table where a = :a", "params": { "a": "b" } });
    all.push_str(shop.server.call(id, &bad).await.text());
    all.push_str(&shop.server.test(id, &bad).await.to_string());
    all.push_str(shop.server.get(&format!("{at}/{id}/schema")).await.text());
    all.push_str(&shop.server.cli(&["get", id]).await.stdout);
    all
}

pub(super) async fn a_login_of_any_characters_works_and_is_never_shown<E: Engine>() {
    let Some(engine) = E::start().await else { return };
    let begin = Server::begin().env("RUST_LOG", "trace");
    let shop = Shop::open_at(begin, engine, json!({})).await;
    let url = shop.engine.url();
    let (scheme, rest) = url.split_once("://").unwrap();
    let (login, place) = rest.rsplit_once('@').unwrap();
    let encoded = login.split_once(':').unwrap().1;
    let basic = json!({
        "base_url": format!("{scheme}://{place}"), "auth_type": "basic",
        "auth_config": { "username": "trunk", "password": PASSWORD },
    });
    shop.has("apart", basic).await;
    let mut all = String::new();
    for id in ["db", "apart"] {
        let reply =
            shop.server.call(id, &json!({ "query": "select name from genre where genre_id = 1" })).await;
        assert_eq!(reply.is(200).json()["rows"], json!([{ "name": "Rock" }]), "{id}");
        all.push_str(&shown(&shop, id).await);
    }
    // Nor where it is refused.
    for (id, password) in [("refused", format!("{encoded}x")), ("refused-too", format!("{encoded}%00"))] {
        shop.has(id, json!({ "base_url": format!("{scheme}://trunk:{password}@{place}") })).await;
        all.push_str(&shown(&shop, id).await);
    }
    all.push_str(&shop.server.log());
    for spelt in spellings(PASSWORD).into_iter().chain([encoded.to_owned()]) {
        let found =
            all.find(&spelt).map(|at| all[..at + spelt.len()].chars().rev().take(200).collect::<String>());
        let found = found.map(|text| text.chars().rev().collect::<String>());
        assert_eq!(found, None, "{spelt}");
    }
    // What is shown can be sent back.
    let path = "/api/v1/integrations/db";
    let mut read = shop.server.get(path).await.is(200).json();
    read["name"] = json!("Renamed");
    shop.server.json("PUT", path, &read).await.is(200);
    shop.query("select 1").await.is(200);
}

pub(super) async fn a_wrong_password_is_told_by_kind<E: Engine>() {
    let Some(shop) = Shop::<E>::open(json!({ "retry_config": { ATTEMPTS: 1 } })).await else { return };
    let url = shop.engine.url();
    let (scheme, rest) = url.split_once("://").unwrap();
    let place = rest.rsplit_once('@').unwrap().1;
    for (id, login) in [("wrong", "trunk:wrong"), ("nobody", "nobody_at_all:x"), ("none", "trunk")] {
        shop.has(id, json!({ "base_url": format!("{scheme}://{login}@{place}") })).await;
        let problem =
            shop.server.call(id, &json!({ "query": "select 1" })).await.problem(502, "unauthenticated");
        assert_eq!(problem["outcome"], "not_sent", "{problem}");
        let health = shop.server.get(&format!("/api/v1/integrations/{id}/health")).await.json();
        assert!(health.to_string().contains("unauthenticated"), "{health}");
    }
    let health = shop.server.get("/api/v1/integrations/health").await.is(200).json();
    assert_eq!((&health["wrong"], &health["db"]), (&json!(false), &json!(true)));
    let no_database = place.rsplit_once('/').unwrap().0;
    let login = rest.rsplit_once('@').unwrap().0;
    shop.has("missing", json!({ "base_url": format!("{scheme}://{login}@{no_database}/no_such_database") }))
        .await;
    let answer = shop.server.call("missing", &json!({ "query": "select 1" })).await;
    let told = answer.json();
    assert!(!answer.status.is_success() && told["outcome"] == "not_sent", "{told}");
    // MariaDB says to whom may not see it that it is forbidden.
    let detail = told["detail"].as_str().unwrap();
    assert!(detail.contains("no_such_database"), "{told}");
}

pub(super) async fn a_server_that_was_restarted_answers_the_next_call<E: Engine>() {
    // A driver that cannot tell whether a connection stands needs a second attempt: nothing was sent in the first.
    let attempts = if E::SYSTEM == "postgres" { 1 } else { 2 };
    let Some(mut shop) = Shop::<E>::open(json!({ "retry_config": { ATTEMPTS: attempts } })).await else {
        return;
    };
    shop.query(NOTE).await.is(200);
    let mut id = 0;
    for in_order in [true, false] {
        for write in [false, true] {
            // Several connections are idle then.
            let calls = (0..4).map(|_| shop.query("select 1"));
            futures_util::future::join_all(calls).await.into_iter().for_each(|answer| drop(answer.is(200)));
            shop.engine.end(in_order).await;
            shop.engine.again().await;
            for _ in 0..4 {
                if write {
                    id += 1;
                    let insert = format!("insert into note (id, body) values ({id}, 'b{id}')");
                    shop.query(&insert).await.is(200);
                } else {
                    shop.query("select name from genre").await.is(200);
                }
            }
        }
    }
    shop.query(&format!("update note set amount = {id}")).await.is(200);
    assert_eq!(shop.rows("select count(*) from note").await, json!([[8]]));
}

pub(super) async fn a_server_that_is_killed_within_a_transaction_keeps_nothing_of_it<E: Engine>() {
    let Some(mut shop) = Shop::<E>::open(json!({ "retry_config": { ATTEMPTS: 1 } })).await else { return };
    shop.query(NOTE).await.is(200);
    let insert = |id: u32| json!({ "query": format!("insert into note (id, body) values ({id}, 'b{id}')") });
    for request in [
        json!({ "transaction": [insert(1), insert(2), { "query": E::LONG }, insert(3)] }),
        json!({ "query": E::LONG }),
    ] {
        let server = &shop.server;
        let call = async { server.call("db", &request).await };
        let engine = &mut shop.engine;
        let kill = async {
            until("it to run", || {
                let runs = engine.running(E::LONG).is_some_and(|running| running > 0);
                async move { runs.then_some(()) }
            })
            .await;
            engine.end(false).await;
        };
        let (answer, ()) = tokio::join!(call, kill);
        let problem = answer.json();
        assert_eq!(problem["kind"], "unavailable", "{problem}");
        assert_eq!(problem["outcome"], "rejected", "{problem}");
        shop.engine.again().await;
        assert_eq!(shop.rows("select count(*) from note").await, json!([[0]]));
    }
    shop.ask(json!({ "transaction": [insert(1), insert(2)] })).await;
    assert_eq!(shop.rows("select count(*) from note").await, json!([[2]]));
}

pub(super) async fn a_server_that_shuts_down_in_the_middle_is_unavailable<E: Engine>() {
    let Some(mut shop) = Shop::<E>::open(json!({ "retry_config": { ATTEMPTS: 1 } })).await else { return };
    shop.query(NOTE).await.is(200);
    let insert = json!({ "query": "insert into note (id, body) values (1, 'a')" });
    let transaction = json!({ "transaction": [insert, { "query": E::LONG }] });
    let server = &shop.server;
    let call = async { server.call("db", &transaction).await };
    let engine = &mut shop.engine;
    let end = async {
        until("it to run", || {
            let runs = engine.running(E::LONG).is_some_and(|running| running > 0);
            async move { runs.then_some(()) }
        })
        .await;
        engine.end(true).await;
    };
    let (answer, ()) = tokio::join!(call, end);
    let problem = answer.problem(502, "unavailable");
    assert_eq!(problem["outcome"], "rejected", "{problem}");
    shop.engine.again().await;
    assert_eq!(shop.rows("select count(*) from note").await, json!([[0]]));
}

pub(super) async fn a_server_that_is_down_is_told_and_nothing_was_sent<E: Engine>() {
    let Some(mut shop) = Shop::<E>::open(json!({ "retry_config": { ATTEMPTS: 1 } })).await else { return };
    shop.query(NOTE).await.is(200);
    shop.engine.end(true).await;
    let insert = "insert into note (id, body) values (1, 'a')";
    let problem = shop.query(insert).await.problem(502, "unavailable");
    assert_eq!(problem["outcome"], "not_sent", "{problem}");
    let health: Value = shop.server.get("/api/v1/integrations/health").await.is(200).json();
    assert_eq!(health["db"], false);
    shop.engine.again().await;
    shop.query(insert).await.is(200);
    let health: Value = shop.server.get("/api/v1/integrations/health").await.is(200).json();
    assert_eq!(health["db"], true);
}

pub(super) async fn a_server_that_holds_still_is_a_timeout<E: Engine>() {
    let settings = json!({ "retry_config": { ATTEMPTS: 1 }, "pool": { "connect": 0.5 }, "timeout": 1 });
    let Some(shop) = Shop::<E>::open(settings).await else { return };
    shop.query(NOTE).await.is(200);
    shop.engine.hold();
    let began = Instant::now();
    let problem = shop.query("insert into note (id, body) values (1, 'a')").await.problem(504, "timeout");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(problem["outcome"], "unknown", "it was sent: {problem}");
    let problem = shop.query("insert into note (id, body) values (2, 'b')").await.problem(504, "timeout");
    assert_eq!(problem["outcome"], "not_sent", "no connection was made: {problem}");
    shop.engine.go_on();
    let written = shop.query("insert into note (id, body) values (2, 'b')").await.is(200).json();
    assert_eq!(written["affected_rows"], 1);
}

//! Tenants: connections of one integration with logins and databases of their own.

use serde_json::{Value, json};
use trunkline_testkit::PASSWORD;

use super::{Engine, Shop};
use crate::harness::Server;

const AT: &str = "/api/v1/integrations/shop";

/// Asks for `select sql` as each tenant at the same time, and again and again, so that connections are handed on.
async fn each(server: &Server, sql: &str, expected: &[(&str, &str)]) {
    let calls = (0..24).map(|n| {
        let (tenant, found) = expected[n % expected.len()];
        async move {
            let request = json!({ "connection": tenant, "query": format!("select {sql} as found") });
            let reply = server.call("shop", &request).await.is(200).json();
            assert_eq!(reply["rows"], json!([{ "found": found }]), "{tenant}");
        }
    });
    futures_util::future::join_all(calls).await;
}

/// The databases and the logins `a` and `b` must be there; each login has the password [`PASSWORD`].
pub(super) async fn have_logins_and_databases_of_their_own<E: Engine>(
    shop: &Shop<E>,
    database: &str,
    user: &str,
) {
    let url = shop.engine.url();
    let server = &shop.server;
    let config = json!({
        "integration_id": "shop", "type": "database", "base_url": url.replace("/music", "/{{connection.db}}"),
        "pool": { "max": 2 },
    });
    server.has(&config).await;
    let connections = format!("{AT}/connections");
    for name in ["a", "b"] {
        let tenant = json!({ "connection": name, "values": { "db": format!("db_{name}") } });
        server.post(&connections, &tenant).await.is(201);
    }
    each(server, database, &[("a", "db_a"), ("b", "db_b")]).await;
    let request = json!({ "connection": "a", "query": "create table mine (id integer)" });
    server.call("shop", &request).await.is(200);
    let request = json!({ "connection": "b", "query": "select * from mine" });
    server.call("shop", &request).await.problem(422, "rejected");
    // A tenant's value is no way out of its place.
    for db in ["music?sslmode=disable", "../music", "db_a@127.0.0.1:1/x", "a/b", "music#"] {
        let tenant = json!({ "connection": "evil", "values": { "db": db } });
        let answer = server.post(&connections, &tenant).await;
        if answer.status == 201 {
            let request = json!({ "connection": "evil", "query": format!("select {database} as found") });
            let answer = server.call("shop", &request).await;
            assert!(!answer.status.is_success(), "{db}: {answer:?}");
            server.delete(&format!("{connections}/evil")).await.is(200);
        }
    }

    // Logins, in one database.
    let place = url.rsplit_once('@').unwrap();
    let scheme = place.0.split_once("://").unwrap().0;
    let logins = json!({
        "integration_id": "shop", "type": "database", "base_url": format!("{scheme}://{}", place.1),
        "auth_type": "basic", "auth_config": { "username": "trunk", "password": PASSWORD }, "pool": { "max": 2 },
    });
    server.json("PUT", AT, &logins).await.is(200);
    for name in ["a", "b"] {
        let login = json!({ "auth_config": { "username": name, "password": PASSWORD }, "values": {} });
        server.json("PUT", &format!("{connections}/{name}"), &login).await.is(200);
    }
    each(server, user, &[("a", "a"), ("b", "b"), ("default", "trunk")]).await;
    let health: Value = server.get(&format!("{connections}/a/health")).await.is(200).json();
    assert!(!health.to_string().contains("p@ss"), "{health}");
}

//! PostgreSQL: its types, its errors, its ways to write in what looks like a question.

mod values;

use std::net::SocketAddr;

use serde_json::json;
use trunkline_testkit::{Authority, PASSWORD, Postgres};

use super::{Engine, Shop, every, servers, tenants::have_logins_and_databases_of_their_own};
use crate::harness::Server;

impl Engine for Postgres {
    const SYSTEM: &'static str = "postgres";
    const LONG: &'static str = "select pg_sleep(60) as long";
    const MANY: &'static str = "select n, 'abcdefghij' as text from generate_series(1, @) n";
    const HUGE: &'static str = "select repeat('x', 200000000) as huge";
    const FAILS_LATE: &'static str = "select n, 1 / (100000 - n) as text from generate_series(1, 200000) n";

    async fn start() -> Option<Self> {
        // One that waits for a deadlock to be found has better to do.
        Self::start_with(&["deadlock_timeout=20ms"]).await
    }

    fn url(&self) -> String {
        Postgres::url(self)
    }

    fn python(&self) -> String {
        Postgres::url(self).replace("postgres://", "postgresql+asyncpg://")
    }

    fn address(&self) -> Option<SocketAddr> {
        Some(([127, 0, 0, 1], self.port()).into())
    }

    async fn end(&mut self, in_order: bool) {
        if in_order { self.stop_fast().await } else { self.kill().await }
    }

    async fn again(&mut self) {
        assert!(Postgres::again(self).await);
    }

    fn hold(&self) {
        Postgres::hold(self);
    }

    fn go_on(&self) {
        Postgres::go_on(self);
    }

    fn running(&self, words: &str) -> Option<usize> {
        let sql = format!(
            "select count(*) from pg_stat_activity where state <> 'idle' and pid <> pg_backend_pid() \
             and query like '%{}%'",
            words.replace('\'', "''")
        );
        self.psql(&sql).parse().ok()
    }
}

every!(Postgres);
servers!(Postgres);

#[tokio::test]
async fn a_constraint_is_named_with_its_table_and_column() {
    let Some(shop) = Shop::<Postgres>::open(json!({})).await else { return };
    let insert = "insert into customer (first_name, last_name, email) values ('a', 'b', 'c1@mail.example')";
    let told = shop.query(insert).await.problem(422, "rejected");
    let text = told.to_string();
    assert!(
        text.contains("customer_email_key") && text.contains("23505") && text.contains("\"customer\""),
        "{told}"
    );
    let told = shop.query("insert into customer (first_name, email) values ('a', 'x')").await;
    let told = told.problem(422, "rejected").to_string();
    assert!(told.contains("last_name") && told.contains("23502"), "{told}");
}

#[tokio::test]
async fn too_many_connections_are_unavailable_and_nothing_was_sent() {
    let settings = ["max_connections=5", "superuser_reserved_connections=3"];
    let Some(engine) = Postgres::start_with(&settings).await else { return };
    let once = json!({ "retry_config": { "max_attempts": 1 } });
    let shop = Shop::open_at(Server::begin(), engine, once).await;
    let answer = shop.refused_for_want_of_connections("insert into genre (name) values ('x')").await;
    let told = answer.problem(502, "unavailable");
    assert_eq!(told["outcome"], "not_sent", "{told}");
    assert!(told.to_string().contains("53300"), "{told}");
}

#[tokio::test]
async fn serialization_failures_are_tried_again_until_they_succeed() {
    let Some(shop) = Shop::<Postgres>::open(json!({})).await else { return };
    shop.engine.psql(
        "alter role trunk set default_transaction_isolation = 'serializable'; create table counted (n int); \
                      insert into counted values (0); grant all on counted to trunk",
    );
    let add = json!({ "transaction": [
        { "query": "select n from counted" }, { "query": "select pg_sleep(0.05)" }, { "query": "update counted set n = n + 1" },
    ] });
    let (one, two) = tokio::join!(shop.server.call("db", &add), shop.server.call("db", &add));
    one.is(200);
    two.is(200);
    assert_eq!(shop.engine.psql("select n from counted"), "2");
}

#[tokio::test]
async fn tenants_have_logins_and_databases_of_their_own() {
    let Some(shop) = Shop::<Postgres>::open(json!({})).await else { return };
    let password = PASSWORD.replace('\'', "''");
    for name in ["a", "b"] {
        shop.engine.psql(&format!("create database db_{name} owner trunk"));
        shop.engine.psql(&format!("create user {name} password '{password}'"));
    }
    have_logins_and_databases_of_their_own(&shop, "current_database()::text", "current_user::text").await;
}

#[tokio::test]
async fn certificates_are_verified_where_that_is_asked_for() {
    let authority = Authority::new();
    let Some(engine) = Postgres::start_tls(&authority).await else { return };
    let url = engine.url();
    let begin = Server::begin().allow_at(engine.address().unwrap());
    let server = begin.start().await;
    for (id, mode, ca, told) in [
        ("full", "verify-full", Some(authority.pem()), None),
        ("ca", "verify-ca", Some(authority.pem()), None),
        ("require", "require", None, None),
        ("prefer", "prefer", None, None),
        ("unset", "", None, None),
        ("unknown", "verify-full", None, Some("certificate")),
        ("another", "verify-full", Some(Authority::new().pem()), Some("certificate")),
        ("none", "disable", None, Some("28000")),
    ] {
        let mut config = json!({
            "integration_id": id, "type": "postgres", "base_url": format!("{url}?sslmode={mode}"),
            "retry_config": { "max_attempts": 1 },
        });
        if mode.is_empty() {
            config["base_url"] = json!(url);
        }
        if let Some(ca) = ca {
            config["tls"] = json!({ "ca": ca });
        }
        server.has(&config).await;
        let ask = json!({ "query": "select ssl from pg_stat_ssl where pid = pg_backend_pid()" });
        let answer = server.call(id, &ask).await;
        match told {
            None => assert_eq!(answer.is(200).json()["rows"], json!([{ "ssl": true }]), "{id}"),
            Some(words) => {
                let told = answer.json();
                assert!(!answer.status.is_success() && told["outcome"] == "not_sent", "{id}: {told}");
                assert!(told.to_string().contains(words), "{id}: {told}");
            }
        }
    }
}

#[tokio::test]
async fn a_unix_socket_is_used_where_it_is_named() {
    let Some(shop) = Shop::<Postgres>::open(json!({})).await else { return };
    let login = Postgres::url(&shop.engine);
    let login = login.split_once('@').unwrap().0.to_owned();
    let folder = shop.engine.socket_dir().display().to_string();
    let ask = json!({ "query": "select inet_client_addr() as from" });
    let url = format!("{login}@/music?host={folder}/.s.PGSQL.{}", shop.engine.port());
    shop.has("socket", json!({ "base_url": url })).await;
    let answer = shop.server.call("socket", &ask).await.is(200).json();
    assert_eq!(answer["rows"], json!([{ "from": null }]), "{url}");
}

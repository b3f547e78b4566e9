//! MySQL and MariaDB: their types, their errors, their sessions.

use std::net::SocketAddr;

use serde_json::json;
use trunkline_testkit::{Authority, MariaDb, PASSWORD};

use super::{
    Engine, Shop, every, servers,
    tenants::have_logins_and_databases_of_their_own,
    values::{come_out_as_written, go_in_again},
};
use crate::harness::Server;

impl Engine for MariaDb {
    const SYSTEM: &'static str = "mysql";
    const LONG: &'static str = "select sleep(60) as nap";
    const MANY: &'static str = "select seq as n, 'abcdefghij' as text from seq_1_to_@";
    const ROWS: usize = 400_000;
    const HUGE: &'static str = "select repeat('x', 200000000) as huge";
    const FAILS_LATE: &'static str =
        "select seq as n, 18446744073709551615 - 100000 + seq as text from seq_1_to_200000";

    async fn start() -> Option<Self> {
        Self::start_with(&["--max-allowed-packet=1G"]).await
    }

    fn url(&self) -> String {
        MariaDb::url(self)
    }

    fn python(&self) -> String {
        MariaDb::url(self).replace("mysql://", "mysql+aiomysql://")
    }

    fn address(&self) -> Option<SocketAddr> {
        Some(([127, 0, 0, 1], self.port()).into())
    }

    async fn end(&mut self, in_order: bool) {
        if in_order { self.stop_fast().await } else { self.kill().await }
    }

    async fn again(&mut self) {
        assert!(MariaDb::again(self).await);
    }

    fn hold(&self) {
        MariaDb::hold(self);
    }

    fn go_on(&self) {
        MariaDb::go_on(self);
    }

    fn running(&self, words: &str) -> Option<usize> {
        let sql = format!(
            "select count(*) from information_schema.processlist where id <> connection_id() and info like '%{}%'",
            words.replace('\'', "''")
        );
        self.sql(&sql).parse().ok()
    }
}

every!(MariaDb);
servers!(MariaDb);

/// The columns of `one` and `two`, and the values of the row of `one`.
const COLUMNS: &[(&str, &str, &str)] = &[
    ("a", "bigint", "-9223372036854775808"),
    ("b", "bigint unsigned", "18446744073709551615"),
    ("c", "decimal(38,10)", "1234567890123456789012345678.0123456789"),
    ("d", "double", "0.1"),
    ("e", "varbinary(20)", "x'00ff'"),
    ("f", "datetime(6)", "'2024-05-01 13:45:00.500000'"),
    ("g", "timestamp(6) null", "'2024-05-01 13:45:00.500000'"),
    ("h", "time(1)", "'-838:59:59'"),
    ("i", "date", "'2024-05-01'"),
    ("j", "year", "2024"),
    ("k", "enum('sad','it''s')", "'it''s'"),
    ("l", "set('x','y')", "'x,y'"),
    ("m", "longtext", "'夜 🎵 ''\\\\'"),
    ("n", "blob", "x'deadbeef'"),
    ("o", "date", "null"),
    ("p", "boolean", "true"),
    ("q", "json", r#"'{"a":[1,null,"x"]}'"#),
];

#[tokio::test]
async fn values_come_out_in_the_digits_of_the_database() {
    let Some(shop) = Shop::<MariaDb>::open(json!({})).await else { return };
    let values = [
        ("null", "null"),
        ("9007199254740991", "9007199254740991"),
        ("9007199254740993", r#""9007199254740993""#),
        ("18446744073709551615", r#""18446744073709551615""#),
        ("1.10", "1.10"),
        ("12345678901234567890123456789012345678.5", r#""12345678901234567890123456789012345678.5""#),
        ("1e0 / 4", "0.25"),
        ("x'deadbeef'", r#""3q2+7w==""#),
        ("date '2024-05-01'", r#""2024-05-01""#),
        ("timestamp '2024-05-01 13:45:00.5'", r#""2024-05-01T13:45:00.5""#),
        ("time '13:45:00.5'", r#""13:45:00.5""#),
        ("cast('838:59:59' as time)", r#""838:59:59""#),
        ("'a\"b'", r#""a\"b""#),
    ];
    come_out_as_written(&shop, &values).await;
}

#[tokio::test]
async fn what_came_out_goes_in_again() {
    let Some(shop) = Shop::<MariaDb>::open(json!({})).await else { return };
    let list: Vec<_> = COLUMNS.iter().map(|(name, kind, _)| format!("{name} {kind}")).collect();
    let values: Vec<_> = COLUMNS.iter().map(|(_, _, value)| *value).collect();
    let list = list.join(", ");
    shop.engine.sql(&format!(
        "set time_zone = '+00:00'; create table one ({list}); create table two ({list}); insert into one values ({});",
        values.join(", ")
    ));
    let names: Vec<_> = COLUMNS.iter().map(|(name, ..)| *name).collect();
    go_in_again(&shop, &names, &["e", "n"]).await;
    assert_eq!(shop.engine.sql("select count(*) from (select * from one except select * from two) x"), "0");
    let row = shop.rows("select a, b, c, e, f, g, h, k, l from one").await;
    assert_eq!(
        row,
        json!([[
            "-9223372036854775808",
            "18446744073709551615",
            "1234567890123456789012345678.0123456789",
            "AP8=",
            "2024-05-01T13:45:00.500000",
            "2024-05-01T13:45:00.500000Z",
            "-838:59:59.0",
            "it's",
            "x,y"
        ]])
    );
}

#[tokio::test]
async fn an_id_that_was_given_is_told() {
    let Some(shop) = Shop::<MariaDb>::open(json!({})).await else { return };
    let reply = shop.ask(json!({ "query": "insert into genre (name) values ('x')" })).await;
    assert_eq!((&reply["affected_rows"], &reply["last_insert_id"]), (&json!(1), &json!(26)));
}

#[tokio::test]
async fn files_of_this_machine_are_never_sent() {
    let Some(shop) = Shop::<MariaDb>::open(json!({})).await else { return };
    let load = "load data local infile '/etc/passwd' into table genre (name)";
    let answer = shop.query(load).await;
    assert!(!answer.status.is_success(), "{answer:?}");
    assert_eq!(shop.rows("select count(*) from genre").await, json!([[25]]));
    shop.query("select 1").await.is(200);
}

#[tokio::test]
async fn too_many_connections_are_unavailable_and_nothing_was_sent() {
    let Some(engine) = MariaDb::start_with(&["--max-user-connections=2"]).await else { return };
    let once = json!({ "retry_config": { "max_attempts": 1 } });
    let shop = Shop::open_at(Server::begin(), engine, once).await;
    let answer = shop.refused_for_want_of_connections("insert into genre (name) values ('x')").await;
    let told = answer.problem(502, "unavailable");
    assert_eq!(told["outcome"], "not_sent", "{told}");
}

#[tokio::test]
async fn tenants_have_logins_and_databases_of_their_own() {
    let Some(shop) = Shop::<MariaDb>::open(json!({})).await else { return };
    let password = PASSWORD.replace('\'', "''");
    for name in ["a", "b"] {
        shop.engine.sql(&format!(
            "create database db_{name}; grant all on db_{name}.* to trunk; \
             create user {name} identified by '{password}'; grant all on music.* to {name};"
        ));
    }
    have_logins_and_databases_of_their_own(&shop, "database()", "substring_index(current_user(), '@', 1)")
        .await;
}

#[tokio::test]
async fn certificates_are_verified_where_that_is_asked_for() {
    let authority = Authority::new();
    let Some(engine) = MariaDb::start_tls(&authority).await else { return };
    let url = engine.url();
    let server = Server::begin().allow_at(engine.address().unwrap()).start().await;
    for (id, mode, ca, works) in [
        ("full", "verify-full", Some(authority.pem()), true),
        ("require", "require", None, true),
        ("prefer", "prefer", None, true),
        ("unknown", "verify-full", None, false),
        ("another", "verify-full", Some(Authority::new().pem()), false),
        ("none", "disable", None, false),
    ] {
        let mut config = json!({
            "integration_id": id, "type": "mysql", "base_url": format!("{url}?sslmode={mode}"),
            "retry_config": { "max_attempts": 1 },
        });
        if let Some(ca) = ca {
            config["tls"] = json!({ "ca": ca });
        }
        server.has(&config).await;
        let answer = server.call(id, &json!({ "query": "show status like 'Ssl_cipher'" })).await;
        if works {
            let told = answer.is(200).json();
            assert!(
                told["rows"][0]["Value"].as_str().is_some_and(|cipher| !cipher.is_empty()),
                "{id}: {told}"
            );
        } else {
            let told = answer.json();
            assert!(!answer.status.is_success() && told["outcome"] == "not_sent", "{id}: {told}");
        }
    }
}

#[tokio::test]
async fn a_unix_socket_is_used_where_it_is_named() {
    let Some(shop) = Shop::<MariaDb>::open(json!({})).await else { return };
    let login = MariaDb::url(&shop.engine).split_once('@').unwrap().0.to_owned();
    let url = format!("{login}@localhost/music?socket={}", shop.engine.socket().display());
    shop.has("socket", json!({ "base_url": url })).await;
    let ask = json!({ "query": "select substring_index(user(), '@', -1) as host" });
    let answer = shop.server.call("socket", &ask).await.is(200).json();
    assert_eq!(answer["rows"], json!([{ "host": "localhost" }]));
}

//! SQLite: files in one folder, and values that have types of their own.

use serde_json::json;
use trunkline_testkit::music;

use super::{
    Engine, Shop, every,
    values::{come_out_as_written, go_in_again},
};
use crate::harness::Server;

/// A file beside the server.
pub(crate) struct Sqlite;

impl Engine for Sqlite {
    const SYSTEM: &'static str = "sqlite";
    const LONG: &'static str = "with recursive long(n) as (select 1 union all select n + 1 from long where n < 1000000000000) \
                                select count(*) from long";
    const MANY: &'static str = "with recursive many(n) as (select 1 union all select n + 1 from many where n < @) \
                                select n, 'abcdefghij' as text from many";
    const HUGE: &'static str = "select hex(zeroblob(100000000)) as huge";
    const FAILS_LATE: &'static str = "with recursive many(n) as (select 1 union all select n + 1 from many where n < 200000) \
         select n, abs(-9223372036854775807 - (n = 100000)) as text from many";

    async fn start() -> Option<Self> {
        Some(Self)
    }

    fn url(&self) -> String {
        "sqlite:music.db".to_owned()
    }

    fn python(&self) -> String {
        "sqlite+aiosqlite:///music.db".to_owned()
    }

    async fn fill(server: &Server, url: &str) {
        let config = json!({ "integration_id": "fill", "type": "sqlite", "base_url": url, "multiple_statements": true });
        server.has(&config).await;
        // They are a transaction as it is.
        let sample = music::sqlite().replace("begin;\n", "").replace("commit;\n", "");
        server.call("fill", &json!({ "query": sample })).await.is(200);
    }
}

every!(Sqlite);

#[tokio::test]
async fn values_come_out_as_they_are_stored_and_go_in_again() {
    let Some(shop) = Shop::<Sqlite>::open(json!({})).await else { return };
    let values = [
        ("null", "null"),
        ("9007199254740991", "9007199254740991"),
        ("9223372036854775807", r#""9223372036854775807""#),
        ("0.1", "0.1"),
        ("1e999", r#""Infinity""#),
        ("x'deadbeef'", r#""3q2+7w==""#),
        ("'a\"b'", r#""a\"b""#),
        ("'2024-05-01 13:45:00'", r#""2024-05-01 13:45:00""#),
    ];
    come_out_as_written(&shop, &values).await;
    let columns = "a integer, b real, c text, d blob, e json, f";
    for table in ["one", "two"] {
        shop.query(&format!("create table {table} ({columns})")).await.is(200);
    }
    let row = r#"insert into one values (-9223372036854775808, 0.1, 'é 🎵', x'00ff', '{"a":[1]}', null)"#;
    shop.query(row).await.is(200);
    go_in_again(&shop, &["a", "b", "c", "d", "e", "f"], &["d"]).await;
    let types = shop.rows("select typeof(a), typeof(b), typeof(c), typeof(d), typeof(f), e from two").await;
    assert_eq!(types[0].as_array().unwrap()[..5], ["integer", "real", "text", "blob", "null"]);
}

#[tokio::test]
async fn no_statement_and_no_path_reaches_another_file() {
    let Some(shop) = Shop::<Sqlite>::open(json!({ "multiple_statements": true })).await else { return };
    let server = &shop.server;
    let secret = server.home().join("secret.db");
    std::fs::write(&secret, "").unwrap();
    let secret = secret.display().to_string();
    for sql in [
        format!("attach '{secret}' as other"),
        format!("vacuum into '{secret}x'"),
        format!("select load_extension('{secret}')"),
        format!("pragma temp_store_directory = '{secret}'"),
        "select writefile('x', 'y')".to_owned(),
        "select readfile('/etc/passwd')".to_owned(),
    ] {
        let answer = shop.query(&sql).await;
        assert!(answer.status.is_client_error() || answer.json()["kind"] == "forbidden", "{sql}: {answer:?}");
    }
    assert!(!std::path::Path::new(&format!("{secret}x")).exists());
    for path in [secret.as_str(), "../trunkline.db", "a/../../x.db", "%2e%2e/x.db", "/etc/passwd"] {
        let config =
            json!({ "integration_id": "out", "type": "sqlite", "base_url": format!("sqlite:{path}") });
        let answer = server.register(&config).await;
        if answer.status == 201 {
            let told = server.call("out", &json!({ "query": "create table x (y)" })).await;
            assert!(!told.status.is_success(), "{path}: {told:?}");
            server.delete("/api/v1/integrations/out").await.is(200);
        }
    }
    std::os::unix::fs::symlink("/etc", server.data().join("databases/link")).unwrap();
    let config = json!({ "integration_id": "link", "type": "sqlite", "base_url": "sqlite:link/x.db" });
    if server.register(&config).await.status == 201 {
        assert!(!server.call("link", &json!({ "query": "create table x (y)" })).await.status.is_success());
    }
    assert!(!std::path::Path::new("/etc/x.db").exists());
    let of = |url: &str| json!({ "integration_id": "other", "type": "sqlite", "base_url": url });
    server.register(&of("postgres://h/d")).await.problem(422, "invalid_config");
}

#[tokio::test]
async fn a_database_in_memory_is_one_for_all_calls() {
    let Some(shop) = Shop::<Sqlite>::open(json!({})).await else { return };
    let config = json!({ "integration_id": "memory", "type": "database", "base_url": "sqlite::memory:" });
    shop.server.has(&config).await;
    let ask = async |sql: &str| shop.server.call("memory", &json!({ "query": sql })).await.is(200).json();
    ask("create table t (n)").await;
    let inserts = (0..8).map(|_| ask("insert into t values (1)"));
    futures_util::future::join_all(inserts).await;
    assert_eq!(ask("select count(*) as n from t").await["rows"], json!([{ "n": 8 }]));
}

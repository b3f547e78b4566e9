//! PgBouncer in transaction mode, before PostgreSQL: what is a session there is shared by everybody.

use serde_json::{Value, json};
use trunkline_testkit::{PgBouncer, Postgres};

use crate::harness::{Server, until};

/// A pooler with one connection to the database.
struct Pooled {
    server: Server,
    postgres: Postgres,
    bouncer: PgBouncer,
}

impl Pooled {
    /// With the integrations `one` and `two` through it.
    async fn open(settings: Value) -> Option<Self> {
        let postgres = Postgres::start().await?;
        let bouncer = PgBouncer::start_with(&postgres, &["default_pool_size = 1"]).await?;
        let server = Server::begin().allow_at(([127, 0, 0, 1], bouncer.port()).into()).start().await;
        for id in ["one", "two"] {
            let mut config = json!({ "integration_id": id, "type": "database", "base_url": bouncer.url() });
            config.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
            server.has(&config).await;
        }
        Some(Self { server, postgres, bouncer })
    }

    async fn ask(&self, id: &str, request: Value) -> Value {
        self.server.call(id, &request).await.is(200).json()
    }
}

#[tokio::test]
async fn many_calls_of_two_integrations_share_one_connection_of_the_server() {
    let Some(shop) = Pooled::open(json!({})).await else { return };
    shop.postgres.psql("create type mood as enum ('sad', 'ok'); create table felt (id int primary key, m mood); grant all on felt to trunk");
    let calls = (0..120).map(|n| {
        let shop = &shop;
        async move {
            let id = if n % 2 == 0 { "one" } else { "two" };
            // The same texts by both, and of each several.
            match n % 3 {
                0 => {
                    let ask = json!({ "query": "select name from genre where genre_id = :id", "params": { "id": n % 25 + 1 } });
                    assert_eq!(shop.ask(id, ask).await["row_count"], 1);
                }
                1 => {
                    let ask = json!({ "query": "select :m::mood as m, :n::int as n", "params": { "m": "ok", "n": n } });
                    assert_eq!(shop.ask(id, ask).await["rows"], json!([{ "m": "ok", "n": n }]));
                }
                _ => {
                    let insert = json!({ "query": "insert into felt values (:id, :m)", "params": { "id": n, "m": "sad" } });
                    let ask = json!({ "transaction": [insert, { "query": "select count(*) > 0 as any from felt" }] });
                    assert_eq!(shop.ask(id, ask).await["results"][1]["rows"], json!([{ "any": true }]));
                }
            }
        }
    });
    futures_util::future::join_all(calls).await;
    assert_eq!(shop.postgres.psql("select count(*) from felt"), "40");
    assert_eq!(shop.postgres.psql("select count(*) from pg_stat_activity where usename = 'trunk'"), "1");
}

#[tokio::test]
async fn read_only_and_settings_hold_and_reach_nobody_else() {
    let Some(shop) = Pooled::open(json!({})).await else { return };
    shop.server.delete("/api/v1/integrations/two").await.is(200);
    let url = shop.bouncer.url();
    let config = json!({ "integration_id": "two", "type": "database", "base_url": url, "read_only": true });
    shop.server.has(&config).await;
    for _ in 0..3 {
        shop.ask("one", json!({ "query": "update genre set name = name where genre_id = 1" })).await;
        for sql in [
            "update genre set name = 'x'",
            "with gone as (delete from playlist_track returning 1) select * from gone",
            "select nextval('genre_genre_id_seq')",
        ] {
            let told = shop.server.call("two", &json!({ "query": sql })).await.problem(422, "rejected");
            assert_eq!(told["outcome"], "rejected", "{told}");
        }
        let now =
            "select '2024-05-01 12:00+02'::timestamptz as t, '1 day'::interval as i, '\\x01'::bytea as b";
        for id in ["one", "two"] {
            assert_eq!(
                shop.ask(id, json!({ "query": now })).await["rows"],
                json!([{ "t": "2024-05-01T10:00:00Z", "i": "P1D", "b": "AQ==" }])
            );
        }
        // What a statement sets for its session is not the next one's.
        let _ = shop.server.call("one", &json!({ "query": "set time zone 'Asia/Tokyo'" })).await;
        let _ = shop.server.call("one", &json!({ "query": "set intervalstyle = 'postgres_verbose'" })).await;
    }
    assert_eq!(shop.postgres.psql("select count(*) from genre where name = 'x'"), "0");
}

#[tokio::test]
async fn a_statement_out_of_time_is_stopped_behind_it() {
    let Some(shop) = Pooled::open(json!({ "retry_config": { "max_attempts": 1 } })).await else { return };
    let long = json!({ "query": "select pg_sleep(60)", "timeout": 1 });
    shop.server.call("one", &long).await.problem(504, "timeout");
    let running =
        "select count(*) from pg_stat_activity where query like 'select pg_sleep(60)%' and state = 'active'";
    until("it to be gone", || async { (shop.postgres.psql(running) == "0").then_some(()) }).await;
    assert_eq!(shop.ask("two", json!({ "query": "select 1 as n" })).await["rows"], json!([{ "n": 1 }]));
}

#[tokio::test]
async fn the_pooler_is_found_out_or_said_in_advance() {
    for settings in [json!({}), json!({ "pooler": true })] {
        let Some(shop) = Pooled::open(settings).await else { return };
        let health = shop.server.get("/api/v1/integrations/health").await.is(200).json();
        assert_eq!(health, json!({ "one": true, "two": true }));
        let schema = shop.server.get("/api/v1/integrations/one/schema").await.is(200).json();
        assert!(schema.to_string().contains("playlist_track"), "{schema}");
        let headers = [("content-type", "application/json"), ("accept", "application/x-ndjson")];
        let body = json!({ "query": "select n from generate_series(1, 5000) n" }).to_string();
        let answer = shop.server.with("POST", "/api/v1/integrations/one/call", &headers, body).await.is(200);
        assert_eq!(answer.text().lines().count(), 5002);
        let insert = "insert into genre (genre_id, name) values (:id, 'x')";
        let batch = json!({ "query": insert, "batch": [{ "id": 100 }, { "id": 101 }, { "id": 1 }] });
        shop.server.call("one", &batch).await.problem(422, "rejected");
        assert_eq!(shop.postgres.psql("select count(*) from genre"), "25");
    }
}

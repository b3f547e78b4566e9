//! What becomes of it with PgBouncer in transaction mode in between.

use serde_json::json;
use trunkline_core::{Kind, Outcome};
use trunkline_testkit::{PgBouncer, Postgres as Server};

use super::*;

#[tokio::test]
async fn a_pooler_is_found_and_hands_out_a_session_for_each_job() {
    let Some(server) = Server::start().await else { return };
    server.psql(
        "ALTER ROLE trunk SET bytea_output = 'escape'; ALTER ROLE trunk SET IntervalStyle = 'sql_standard'; \
         ALTER ROLE trunk SET standard_conforming_strings = off",
    );
    let Some(pooler) = PgBouncer::start(&server).await else { return };
    let client = Client::new(&pooler.url());
    let mut sessions = Vec::new();
    for _ in 0..5 {
        sessions.push(client.session().await.unwrap());
    }
    let insert = "INSERT INTO genre (genre_id, name) VALUES (:id, :name)";
    for (n, session) in sessions.iter_mut().enumerate() {
        assert!(session.pooled);
        for _ in 0..2 {
            let found = ask(
                "SELECT :a::int AS a, '\\x00'::bytea::text AS b, '1 day'::interval::text AS i",
                r#"{"a": 7}"#,
            );
            assert_eq!(found.of(session).await.unwrap()["rows"], json!([{"a": 7, "b": "\\x00", "i": "P1D"}]));
            let found = ask("SELECT count(*) AS n FROM track", "").read_only().of(session).await.unwrap();
            assert_eq!(found["rows"], json!([{"n": 3503}]));
        }
        let id = 100 + n * 10;
        let done = ask(insert, &format!(r#"{{"id": {id}, "name": "x"}}"#)).of(session).await.unwrap();
        assert_eq!(done["affected_rows"], 1);
        let both = ask(insert, &format!(r#"{{"id": {}, "name": "x"}}"#, id + 1))
            .then(insert, &format!(r#"{{"id": {}, "name": "x"}}"#, id + 2))
            .then("SELECT count(*) AS n FROM genre WHERE genre_id >= :id", &format!(r#"{{"id": {id}}}"#))
            .together();
        assert_eq!(both.of(session).await.unwrap()["results"][2]["rows"], json!([{"n": 3}]));
        let refused = ask(insert, &format!(r#"{{"id": {id}, "name": "x"}}"#)).of(session).await.unwrap_err();
        assert_eq!((code(&refused), refused.outcome()), ("23505", Outcome::Rejected));
        let refused = ask("DELETE FROM genre", "").read_only().of(session).await.unwrap_err();
        assert_eq!(code(&refused), "25006");
    }
    assert_eq!(server.psql("SELECT count(*) FROM genre WHERE genre_id >= 100").trim(), "15");
    assert!(client.engine.proof(&mut sessions[0]).await.is_ok());
}

#[tokio::test]
async fn a_pooler_that_ignores_parameters_is_found_out() {
    let Some(server) = Server::start().await else { return };
    let ignore = "ignore_startup_parameters = extra_float_digits,bytea_output,statement_timeout,lock_timeout,\
        idle_in_transaction_session_timeout,IntervalStyle,search_path";
    let settings = [ignore, "default_pool_size = 2"];
    let Some(pooler) = PgBouncer::start_with(&server, &settings).await else { return };
    let client = Client::new(&pooler.url());
    let (mut one, mut two) = (client.session().await.unwrap(), client.session().await.unwrap());
    for n in 0..10 {
        for session in [&mut one, &mut two] {
            for sql in ["SELECT 1 AS a", "SELECT 2 AS a"] {
                let found = ask(sql, "").of(session).await.unwrap();
                assert_eq!(found["row_count"], 1, "{n}");
            }
        }
    }
    assert!(one.pooled && two.pooled);
}

#[tokio::test]
async fn a_pooler_that_dies_is_a_connection_that_breaks() {
    let Some(server) = Server::start().await else { return };
    let Some(mut pooler) = PgBouncer::start(&server).await else { return };
    let client = Client::new(&pooler.url());
    let mut session = client.session().await.unwrap();
    ask("SELECT 1 AS a", "").of(&mut session).await.unwrap();
    pooler.kill().await;
    let lost = ask("SELECT 1 AS a", "").of(&mut session).await.unwrap_err();
    assert_eq!(lost.kind(), Kind::Unavailable);
    assert!(session.wire.is_broken());
}

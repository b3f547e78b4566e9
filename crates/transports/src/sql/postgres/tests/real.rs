//! What a real server makes of it.

use std::future::Future;

use serde_json::json;
use trunkline_core::{Kind, Outcome, Secret};
use trunkline_testkit::{Authority, Postgres as Server};

use super::*;
use crate::http::TlsConfig;

/// A server and a session with it.
async fn server() -> Option<(Server, Client, Session)> {
    let server = Server::start().await?;
    let client = Client::new(&server.url());
    let session = client.session().await.unwrap();
    Some((server, client, session))
}

/// Waits until `found` is so, which nothing tells when it happens.
async fn until(what: &str, mut found: impl FnMut() -> bool) {
    let end = tokio::time::Instant::now() + Duration::from_secs(10);
    while !found() {
        assert!(tokio::time::Instant::now() < end, "{what}");
        tokio::task::yield_now().await;
    }
}

/// Goes on with `work` until `found` is so; it does not end before.
async fn meanwhile<T>(work: &mut (impl Future<Output = T> + Unpin), what: &str, found: impl FnMut() -> bool) {
    tokio::select! {
        biased;
        _ = work => panic!("it ended: {what}"),
        () = until(what, found) => {}
    }
}

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it ends")
}

#[tokio::test]
async fn a_statement_yields_rows_and_says_what_it_did() {
    let Some((_server, _, mut session)) = server().await else { return };
    for _ in 0..2 {
        let found = ask("SELECT name, genre_id AS id FROM genre WHERE genre_id = :id", r#"{"id": 1}"#);
        let found = found.of(&mut session).await.unwrap();
        assert_eq!(found["rows"][0]["id"], 1);
        assert_eq!((&found["row_count"], &found["affected_rows"]), (&json!(1), &json!(null)));
        let done = ask("UPDATE genre SET name = name WHERE genre_id < 4", "").of(&mut session).await.unwrap();
        assert_eq!((&done["rows"], &done["affected_rows"]), (&json!([]), &json!(3)));
    }
    let made = ask("CREATE TABLE made AS SELECT 1 AS a", "").of(&mut session).await.unwrap();
    assert_eq!(made["affected_rows"], 1);
    let empty = ask("SELECT name FROM genre WHERE false", "").of(&mut session).await.unwrap();
    assert_eq!((&empty["rows"], &empty["columns"][0]["name"]), (&json!([]), &json!("name")));
}

#[tokio::test]
async fn a_prepared_statement_survives_a_change_of_its_columns() {
    let Some((server, _, mut session)) = server().await else { return };
    server.psql("CREATE TABLE t (a int); INSERT INTO t VALUES (7); GRANT ALL ON t TO trunk");
    let alone = ask("SELECT * FROM t", "");
    let together = ask("INSERT INTO genre (genre_id, name) VALUES (100, 'x') ON CONFLICT DO NOTHING", "")
        .then("SELECT * FROM t", "")
        .together();
    assert_eq!(alone.of(&mut session).await.unwrap()["rows"], json!([{"a": 7}]));
    server.psql("ALTER TABLE t ALTER a TYPE text USING 'seven'");
    assert_eq!(alone.of(&mut session).await.unwrap()["rows"], json!([{"a": "seven"}]));
    server.psql("ALTER TABLE t ADD b int DEFAULT 1");
    let found = together.of(&mut session).await.unwrap();
    assert_eq!(found["results"][1]["rows"], json!([{"a": "seven", "b": 1}]));
    let read_only = ask("SELECT * FROM t", "").read_only();
    server.psql("ALTER TABLE t DROP b");
    assert_eq!(read_only.of(&mut session).await.unwrap()["rows"], json!([{"a": "seven"}]));
    assert!(!session.pooled);
}

#[tokio::test]
async fn a_session_keeps_the_statements_that_were_used_last() {
    let Some((_server, _, mut session)) = server().await else { return };
    let long = format!("SELECT 1 /* {} */", "x".repeat(20_000));
    for n in 0..150 {
        ask(&format!("SELECT {n}"), "").of(&mut session).await.unwrap();
        ask("SELECT 0", "").of(&mut session).await.unwrap();
        ask(&long, "").of(&mut session).await.unwrap();
    }
    let kept =
        ask("SELECT count(*) AS n, bool_or(statement = 'SELECT 0') AS first FROM pg_prepared_statements", "");
    let kept = kept.of(&mut session).await.unwrap()["rows"][0].clone();
    assert!(kept["n"].as_u64().unwrap() <= 101 && kept["first"] == true, "{kept}");
}

#[tokio::test]
async fn what_may_only_read_writes_nothing() {
    let Some((server, _, mut session)) = server().await else { return };
    server.psql("CREATE SEQUENCE s; GRANT ALL ON s TO trunk");
    for sql in ["DELETE FROM playlist_track", "SELECT nextval('s')", "CREATE TABLE x ()"] {
        for _ in 0..2 {
            let refused = ask(sql, "").read_only().of(&mut session).await.unwrap_err();
            assert_eq!((refused.kind(), code(&refused)), (Kind::Rejected, "25006"), "{sql}");
        }
    }
    // A setting can be changed before the first question; then nothing is kept all the same.
    let sly = ask("SET transaction_read_only = off", "")
        .then("DELETE FROM playlist_track", "")
        .together()
        .read_only();
    let _ = sly.of(&mut session).await;
    assert_eq!(server.psql("SELECT count(*) FROM playlist_track").trim(), "8715");
    assert_eq!(
        ask("SELECT 1 AS a", "").read_only().of(&mut session).await.unwrap()["rows"],
        json!([{"a": 1}])
    );
}

#[tokio::test]
async fn a_transaction_is_all_or_nothing() {
    let Some((server, _, mut session)) = server().await else { return };
    let insert = "INSERT INTO genre (genre_id, name) VALUES (:id, 'x')";
    let failing = ask(insert, r#"{"id": 100}"#).then(insert, r#"{"id": 100}"#).together();
    let refused = failing.of(&mut session).await.unwrap_err();
    assert_eq!((refused.kind(), refused.outcome()), (Kind::Rejected, Outcome::Rejected));
    let facts = refused.context();
    assert!(
        facts.contains(&("constraint", "genre_pkey".to_owned()))
            && facts.contains(&("table", "genre".to_owned()))
    );
    let odd = ask(insert, r#"{"id": 101}"#).then("SELECT 1 / :zero::int", r#"{"zero": 0}"#).together();
    assert_eq!(code(&odd.of(&mut session).await.unwrap_err()), "22012");
    let unknown = ask(insert, r#"{"id": 102}"#).then("SELECT nothing", "").together();
    assert_eq!(code(&unknown.of(&mut session).await.unwrap_err()), "42703");
    // Of a table that the transaction makes itself.
    let made = ask("CREATE TABLE own (a int)", "").then("INSERT INTO own VALUES (:a)", r#"{"a": 1}"#);
    let made = made.then("SELECT a FROM own", "").together().of(&mut session).await.unwrap();
    assert_eq!(made["results"][2]["rows"], json!([{"a": 1}]));
    assert_eq!(server.psql("SELECT count(*) FROM genre").trim(), "25");
}

#[tokio::test]
async fn what_fails_when_it_is_committed_was_not_applied() {
    let Some((server, _, mut session)) = server().await else { return };
    server.psql("CREATE TABLE t (a int UNIQUE DEFERRABLE INITIALLY DEFERRED); GRANT ALL ON t TO trunk");
    let twice = ask("INSERT INTO t VALUES (1), (1)", "");
    let refused = twice.of(&mut session).await.unwrap_err();
    assert_eq!((code(&refused), refused.outcome()), ("23505", Outcome::Rejected));
    let refused = twice.together().of(&mut session).await.unwrap_err();
    assert_eq!((code(&refused), refused.outcome()), ("23505", Outcome::Rejected));
    assert_eq!(server.psql("SELECT count(*) FROM t").trim(), "0");
}

#[tokio::test]
async fn many_statements_under_way_fill_no_buffer_for_good() {
    let Some((_server, _, mut session)) = server().await else { return };
    let text = format!(r#"{{"a": "{}"}}"#, "x".repeat(20_000));
    let mut job = Ask::default().together();
    for _ in 0..1000 {
        job = job.then("SELECT :a::text AS a", &text);
    }
    let found = in_time(job.of(&mut session)).await.unwrap();
    let results = found["results"].as_array().unwrap();
    assert_eq!(results.len(), 1000);
    assert!(results.iter().all(|result| result["rows"][0]["a"].as_str().unwrap().len() == 20_000));
}

#[tokio::test]
async fn a_cap_of_rows_is_kept_with_and_without_the_server() {
    let Some((_server, _, mut session)) = server().await else { return };
    for most in [0, 3, 5000] {
        let found =
            ask("SELECT n FROM generate_series(1, 20000) n", "").rows(most).of(&mut session).await.unwrap();
        assert_eq!((&found["row_count"], &found["truncated"]), (&json!(most), &json!("max_rows")));
        assert!(!session.wire.is_broken(), "the rest is read: it is little");
    }
    let exact = ask("SELECT n FROM generate_series(1, 3) n", "").rows(3).of(&mut session).await.unwrap();
    assert_eq!((&exact["row_count"], &exact["truncated"]), (&json!(3), &json!(null)));
    // A statement that writes is not stopped in the middle.
    let insert = "INSERT INTO genre SELECT n, 'x' FROM generate_series(1000, 2999) n RETURNING genre_id";
    let done = ask(insert, "").rows(2).of(&mut session).await.unwrap();
    assert_eq!((&done["row_count"], &done["affected_rows"]), (&json!(2), &json!(2000)));
}

#[tokio::test]
async fn a_statement_that_has_said_enough_is_stopped() {
    let Some((server, _, mut session)) = server().await else { return };
    let endless = "SELECT repeat('x', 1000) AS a, generate_series(1, 1000000000000) AS n";
    let found = in_time(ask(endless, "").bytes(100_000).of(&mut session)).await.unwrap();
    assert_eq!(found["truncated"], "max_bytes");
    assert!(found["row_count"].as_u64().unwrap() > 50 && session.wire.is_broken());
    drop(session);
    until("it still runs", || {
        server.psql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%generate_series%' AND usename = 'trunk'").trim()
            == "0"
    })
    .await;
}

#[tokio::test]
async fn a_row_that_is_too_large_never_comes_into_memory() {
    let Some((server, client, mut session)) = server().await else { return };
    let large = "SELECT repeat('x', 100000000) AS a";
    let cut = ask(large, "").bytes(1000).of(&mut session).await.unwrap();
    assert_eq!((&cut["rows"], &cut["truncated"]), (&json!([]), &json!("max_bytes")));
    assert!(session.wire.is_broken());
    let mut session = client.session().await.unwrap();
    let refused = ask(large, "").of(&mut session).await.unwrap_err();
    assert_eq!((refused.kind(), refused.outcome()), (Kind::Unsupported, Outcome::Rejected));
    // What writes is read to its end.
    let mut session = client.session().await.unwrap();
    let insert = "INSERT INTO genre VALUES (100, 'x') RETURNING repeat('x', 100000000) AS a";
    let done = ask(insert, "").bytes(1000).of(&mut session).await.unwrap();
    assert_eq!((&done["affected_rows"], &done["truncated"]), (&json!(1), &json!("max_bytes")));
    let insert = "INSERT INTO genre VALUES (101, 'x') RETURNING repeat('x', 100000000) AS a";
    let told = ask(insert, "").of(&mut session).await.unwrap_err();
    assert_eq!((told.kind(), told.outcome()), (Kind::Unsupported, Outcome::Applied));
    assert!(!session.wire.is_broken());
    assert_eq!(server.psql("SELECT count(*) FROM genre WHERE genre_id > 99").trim(), "2");
}

#[tokio::test]
async fn a_statement_whose_caller_left_is_stopped_at_the_server() {
    let Some((server, client, mut session)) = server().await else { return };
    let active = || {
        server.psql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND usename = 'trunk' AND state = 'active'")
    };
    let slow = ask("SELECT pg_sleep(1000)", "");
    let mut running = Box::pin(slow.of(&mut session));
    meanwhile(&mut running, "it does not run", || active().trim() == "1").await;
    drop(running);
    client.engine.abandon(&client.context, session, ());
    until("it still runs", || active().trim() == "0").await;
}

#[tokio::test]
async fn what_a_statement_leaves_in_a_session_is_removed() {
    let Some((_server, client, mut session)) = server().await else { return };
    for sql in [
        "SET search_path TO nowhere",
        "SET bytea_output = 'escape'",
        "CREATE TEMPORARY TABLE left_over (a int)",
        "SELECT pg_advisory_lock(7)",
        "PREPARE t9 AS SELECT 1",
    ] {
        ask(sql, "").of(&mut session).await.unwrap();
    }
    client.engine.reset(&mut session).await.unwrap();
    let state = "SELECT current_setting('search_path') AS path, current_setting('bytea_output') AS bytes, \
        to_regclass('left_over') IS NULL AS gone, (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory') AS locks";
    for _ in 0..12 {
        let found = ask(state, "").of(&mut session).await.unwrap();
        assert_eq!(
            found["rows"][0],
            json!({"path": "\"$user\", public", "bytes": "hex", "gone": true, "locks": 0})
        );
    }
    assert!(!session.pooled);
}

#[tokio::test]
async fn sessions_are_set_the_same_whatever_the_role_is_set_to() {
    let Some((server, client, _)) = server().await else { return };
    server.psql(
        "ALTER ROLE trunk SET TimeZone = 'Asia/Tokyo'; ALTER ROLE trunk SET DateStyle = 'German'; \
         ALTER ROLE trunk SET IntervalStyle = 'sql_standard'; ALTER ROLE trunk SET bytea_output = 'escape'; \
         ALTER ROLE trunk SET extra_float_digits = 0; \
         ALTER ROLE trunk SET standard_conforming_strings = off",
    );
    let mut session = client.session().await.unwrap();
    let found = ask(
        "SELECT 'a\\' AS s, '2024-01-02T03:04:05Z'::timestamptz::text AS t, '1 day'::interval::text AS i, '\\x00'::bytea::text AS b, \
         (0.1::float8 + 0.2::float8)::text AS f, current_setting('application_name') AS n, \
         current_setting('lock_timeout') AS l",
        "",
    );
    let row = json!({"s": "a\\", "t": "2024-01-02 03:04:05+00", "i": "P1D", "b": "\\x00", "f": "0.30000000000000004",
        "n": "trunkline", "l": "2s"});
    assert_eq!(found.of(&mut session).await.unwrap()["rows"][0], row);
    assert!(!session.pooled);
}

#[tokio::test]
async fn a_lock_that_is_held_and_a_statement_that_takes_too_long_are_told_apart() {
    let Some((server, client, mut holder)) = server().await else { return };
    let mut session = client.session().await.unwrap();
    let lock = ask("LOCK TABLE genre", "").then("SELECT pg_sleep(1000)", "").together();
    let mut holding = Box::pin(lock.of(&mut holder));
    let held = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = 'genre'::regclass";
    meanwhile(&mut holding, "nothing is locked", || server.psql(held).trim() == "1").await;
    let waits = ask("UPDATE genre SET name = 'x'", "").of(&mut session).await.unwrap_err();
    assert_eq!((waits.kind(), code(&waits), waits.outcome()), (Kind::Contended, "55P03", Outcome::Rejected));
    ask("SET statement_timeout = 50", "").of(&mut session).await.unwrap();
    let slow = ask("SELECT pg_sleep(1000)", "").of(&mut session).await.unwrap_err();
    assert_eq!((slow.kind(), code(&slow), slow.outcome()), (Kind::Stopped, "57014", Outcome::Rejected));
    drop(holding);
    client.engine.abandon(&client.context, holder, ());
}

#[tokio::test]
async fn a_server_that_dies_in_the_middle_leaves_no_doubt_but_where_there_is_one() {
    let Some((mut server, client, mut reader)) = server().await else { return };
    let mut writer = client.session().await.unwrap();
    let (reads, writes) = (ask("SELECT pg_sleep(1000)", "").read_only(), ask("SELECT pg_sleep(1001)", ""));
    let mut both = Box::pin(async { tokio::join!(reads.of(&mut reader), writes.of(&mut writer)) });
    let active = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(100%' AND usename = 'trunk' AND state = 'active'";
    meanwhile(&mut both, "it does not run", || server.psql(active).trim() == "2").await;
    server.kill().await;
    let (read, wrote) = both.await;
    let (read, wrote) = (read.unwrap_err(), wrote.unwrap_err());
    assert_eq!((read.kind(), read.outcome()), (Kind::Unavailable, Outcome::Rejected));
    assert_eq!(wrote.kind(), Kind::Unavailable);
    assert!(reader.wire.is_broken() && writer.wire.is_broken());
    let gone = client.session().await.unwrap_err();
    assert_eq!((gone.kind(), gone.outcome()), (Kind::Unavailable, Outcome::NotSent));
}

#[tokio::test]
async fn a_login_is_by_password_over_tls_that_is_verified_or_over_a_socket() {
    let authority = Authority::new();
    let Some(server) = Server::start_tls(&authority).await else { return };
    let trusted = |authority: &Authority| {
        let ca = Some(Secret::new(authority.pem()));
        TlsConfig { ca, client_cert: None, client_key: None }.open().unwrap()
    };
    for (mode, tls, secure) in [
        ("verify-full", trusted(&authority), true),
        ("verify-ca", trusted(&authority), true),
        ("verify-full&channel_binding=require", trusted(&authority), true),
        ("require", Tls::default(), true),
        ("prefer", Tls::default(), true),
        ("verify-full", trusted(&Authority::new()), false),
        ("verify-ca", trusted(&Authority::new()), false),
        ("require", trusted(&Authority::new()), false),
        ("verify-full", Tls::default(), false),
    ] {
        let client = Client::with(&format!("{}?sslmode={mode}", server.url()), tls, None);
        match client.session().await {
            Ok(mut session) => {
                assert!(secure, "{mode}");
                let found = ask("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", "")
                    .of(&mut session)
                    .await;
                assert_eq!(found.unwrap()["rows"], json!([{"ssl": true}]));
            }
            Err(error) => {
                assert!(!secure, "{mode}: {error}");
                assert_eq!((error.kind(), error.outcome()), (Kind::Protocol, Outcome::NotSent));
            }
        }
    }
    let plain = Client::new(&format!("{}?sslmode=disable", server.url())).session().await.unwrap_err();
    assert_eq!((plain.kind(), plain.outcome()), (Kind::Unauthenticated, Outcome::NotSent));
    let wrong = Client::new(&format!("postgres://trunk:wrong@127.0.0.1:{}/music", server.port()));
    let wrong = wrong.session().await.unwrap_err();
    assert_eq!((wrong.kind(), code(&wrong)), (Kind::Unauthenticated, "28P01"));
    let none = Client::new(&format!("postgres://trunk@127.0.0.1:{}/music", server.port()))
        .session()
        .await
        .unwrap_err();
    assert_eq!((none.kind(), none.outcome()), (Kind::Unauthenticated, Outcome::NotSent));
    let socket =
        format!("postgres:///music?host={}/.s.PGSQL.{}", server.socket_dir().display(), server.port());
    let mut session = Client::new(&socket).session().await.unwrap();
    let proof = Client::new(&socket).engine.proof(&mut session).await.unwrap();
    assert!(proof.warning.unwrap().contains("superuser"));
}

#[tokio::test]
async fn a_database_that_is_not_there_is_told() {
    let Some((server, ..)) = server().await else { return };
    let url = server.url().replace("/music", "/nothing");
    let told = Client::new(&url).session().await.unwrap_err();
    assert_eq!((told.kind(), code(&told), told.outcome()), (Kind::Rejected, "3D000", Outcome::NotSent));
}

#[tokio::test]
async fn a_session_that_the_server_ended_is_not_revived() {
    let Some((server, client, mut session)) = server().await else { return };
    assert!(client.engine.revive(&mut session, Duration::ZERO).await);
    assert!(client.engine.revive(&mut session, Duration::from_secs(3600)).await);
    server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'trunk'");
    let end = tokio::time::Instant::now() + Duration::from_secs(10);
    while client.engine.revive(&mut session, Duration::ZERO).await {
        assert!(tokio::time::Instant::now() < end, "nobody told");
        tokio::task::yield_now().await;
    }
    server.hold();
    let mut held = Box::pin(client.session());
    assert!(futures_util::poll!(&mut held).is_pending());
    server.go_on();
    let mut session = held.await.unwrap();
    server.hold();
    assert!(client.engine.revive(&mut session, Duration::ZERO).await, "nobody is asked");
    assert!(!client.engine.revive(&mut session, Duration::from_secs(3600)).await, "nobody answers");
    server.go_on();
}

#[tokio::test]
async fn copy_from_or_to_the_client_is_refused_and_leaves_the_session_usable() {
    let Some((_server, _, mut session)) = server().await else { return };
    for sql in ["COPY genre FROM STDIN", "COPY genre TO STDOUT"] {
        for job in [ask(sql, ""), ask(sql, "").read_only(), ask(sql, "").together()] {
            let refused = in_time(job.of(&mut session)).await.unwrap_err();
            assert_eq!(refused.outcome(), Outcome::Rejected, "{sql}");
            if session.wire.is_broken() {
                return;
            }
            assert_eq!(ask("SELECT 1 AS a", "").of(&mut session).await.unwrap()["rows"], json!([{"a": 1}]));
        }
    }
}

#[tokio::test]
async fn a_server_says_who_it_is_and_what_can_be_asked_for() {
    let Some((server, client, mut session)) = server().await else { return };
    server.psql("COMMENT ON TABLE genre IS 'kinds'; COMMENT ON COLUMN genre.name IS 'how it is called'");
    let proof = client.engine.proof(&mut session).await.unwrap();
    assert!(proof.facts.contains(&("role", "primary".to_owned())) && proof.warning.is_none(), "{proof:?}");
    server.psql("GRANT pg_read_server_files TO trunk");
    let proof = client.engine.proof(&mut session).await.unwrap();
    assert!(proof.warning.unwrap().contains("pg_read_server_files"));
    let schema: Value = serde_json::from_slice(&client.engine.schema(&mut session).await.unwrap()).unwrap();
    let table = |name: &str| {
        let tables = schema["tables"].as_array().unwrap();
        tables.iter().find(|table| table["name"] == name).unwrap().clone()
    };
    let genre = table("genre");
    assert_eq!(
        (&genre["schema"], &genre["kind"], &genre["comment"]),
        (&json!("public"), &json!("table"), &json!("kinds"))
    );
    assert_eq!(genre["primary_key"], json!(["genre_id"]));
    assert_eq!(genre["columns"][1]["comment"], "how it is called");
    assert_eq!(genre["columns"][0]["nullable"], false);
    let keys = &table("album")["foreign_keys"];
    assert_eq!(keys[0]["columns"], json!(["artist_id"]));
    assert_eq!(
        keys[0]["references"],
        json!({"schema": "public", "table": "artist", "columns": ["artist_id"]})
    );
    assert_eq!(schema["truncated"], false);
}

#[tokio::test]
async fn a_reader_who_leaves_in_the_middle_of_a_stream_stops_the_statement() {
    let Some((server, _, mut session)) = server().await else { return };
    let (pipe, mut pieces) = tokio::sync::mpsc::channel(1);
    let plan =
        scan("SELECT repeat('x', 1000) AS a, generate_series(1, 1000000000000) AS n", Dialect::Postgres);
    let steps = vec![Step::new(Arc::new(plan.unwrap()), None).unwrap()];
    let job = Job { steps, together: false, read_only: true, unhurried: false };
    let mut output = Output::lines(Wanted::default(), false, pipe);
    let reader = async {
        for _ in 0..3 {
            assert!(!pieces.recv().await.unwrap().is_empty());
        }
        drop(pieces);
    };
    let (result, ()) = in_time(async { tokio::join!(session.run(&job, &mut output), reader) }).await;
    assert!(result.is_err() && session.wire.is_broken());
    drop(session);
    let active =
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%generate_series%' AND usename = 'trunk'";
    until("it still runs", || server.psql(active).trim() == "0").await;
}

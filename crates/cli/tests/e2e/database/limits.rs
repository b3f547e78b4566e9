//! How much one caller may take, and what it leaves to the next: the same for every engine.

use serde_json::{Value, json};
use tokio::time::{Duration, Instant};

use super::{Engine, Shop, memory};

pub(super) async fn caps_cut_and_say_so<E: Engine>() {
    let Some(shop) = Shop::<E>::open(json!({ "max_rows": 100, "max_bytes": 10_000 })).await else { return };
    let many = E::MANY.replace('@', "1000");
    let count = |reply: &Value| {
        let rows = reply["rows"].as_array().unwrap().len() as u64;
        assert_eq!(reply["row_count"], rows);
        (rows, reply["truncated"].as_str().map(str::to_owned))
    };
    let cut = |by: &str| Some(by.to_owned());
    let reply = shop.ask(json!({ "query": many })).await;
    assert_eq!(count(&reply), (100, cut("max_rows")));
    let reply = shop.ask(json!({ "query": many, "max_rows": 7 })).await;
    assert_eq!(count(&reply), (7, cut("max_rows")));
    let reply = shop.ask(json!({ "query": many, "max_rows": 1_000_000 })).await;
    assert_eq!(count(&reply), (100, cut("max_rows")), "no more than the integration allows");
    let reply = shop.ask(json!({ "query": E::MANY.replace('@', "100") })).await;
    assert_eq!(count(&reply), (100, None), "what fits exactly is whole");
    let (rows, by) = count(&shop.ask(json!({ "query": many, "max_bytes": 500 })).await);
    assert!((3..20).contains(&rows) && by == cut("max_bytes"), "{rows} {by:?}");
    // One that writes is done, whatever of it is shown.
    shop.query(super::requests::NOTE).await.is(200);
    let copy = "insert into note (id, body) select track_id, concat_ws('-', 'x', track_id) from track";
    let copy = copy.replace("concat_ws('-', 'x', track_id)", "cast(track_id as char(9))");
    let reply = shop.ask(json!({ "query": copy, "max_rows": 1 })).await;
    assert_eq!(reply["affected_rows"], 3503);
    if E::SYSTEM != "mysql" {
        let delete = json!({ "query": "delete from note where id < 1001 returning id", "max_rows": 2 });
        let reply = shop.ask(delete).await;
        assert_eq!(count(&reply), (2, cut("max_rows")));
        assert_eq!(reply["affected_rows"], 1000, "{reply}");
        assert_eq!(shop.rows("select count(*) from note").await, json!([[2503]]));
    }
}

/// What is set, then what is asked afterwards and its answer.
fn sessions(system: &str) -> &'static [(&'static str, &'static str, Option<&'static str>)] {
    match system {
        "postgres" => &[
            (
                "set search_path to nowhere",
                "select current_setting('search_path') as found",
                Some("\"$user\", public"),
            ),
            (
                "create temp table left_over (id int)",
                "select to_regclass('pg_temp.left_over')::text as found",
                None,
            ),
            (
                "select set_config('statement_timeout', '7777', false)",
                "select replace(current_setting('statement_timeout'), '30s', 'same') as found",
                Some("same"),
            ),
            (
                "select pg_advisory_lock(42)",
                "select (select count(*) from pg_locks where locktype = 'advisory')::text as found",
                Some("0"),
            ),
            ("set role pg_read_all_data", "select current_user::text as found", Some("trunk")),
            (
                "prepare stays as select 1",
                "select (select min(name) from pg_prepared_statements where name = 'stays') as found",
                None,
            ),
            ("listen gossip", "select (select min(c) from pg_listening_channels() c) as found", None),
            (
                "do $$ begin perform set_config('timezone', 'Asia/Tokyo', false); end $$",
                "select current_setting('timezone') as found",
                Some("UTC"),
            ),
        ],
        "mysql" => &[
            ("set @left = 'over'", "select @left as found", None),
            (
                "set session sql_mode = 'ANSI_QUOTES'",
                "select if(@@sql_mode like '%ANSI_QUOTES%', 'set', 'same') as found",
                Some("same"),
            ),
            ("set time_zone = '+05:00'", "select @@time_zone as found", Some("+00:00")),
            (
                "create temporary table genre (name text)",
                "select name as found from genre where genre_id = 1",
                Some("Rock"),
            ),
            ("select get_lock('x', 1)", "select cast(is_used_lock('x') as char) as found", None),
            ("lock tables genre read", "select name as found from genre where genre_id = 2", Some("Jazz")),
            ("use mysql", "select database() as found", Some("music")),
            ("set autocommit = 0", "select cast(@@autocommit + 0 as char) as found", Some("1")),
        ],
        _ => &[
            (
                "create temp table genre (name text)",
                "select name as found from genre where genre_id = 1",
                Some("Rock"),
            ),
            ("pragma case_sensitive_like = on", "select cast('A' like 'a' as text) as found", Some("1")),
            ("pragma query_only = on", "select 'fine' as found", Some("fine")),
            (
                "create temp trigger t after insert on genre begin delete from artist; end",
                "select min(name) as found from sqlite_temp_master",
                None,
            ),
        ],
    }
}

pub(super) async fn nothing_of_a_session_reaches_the_next_caller<E: Engine>() {
    let Some(shop) = Shop::<E>::open(json!({ "pool": { "max": 1 } })).await else { return };
    for (set, ask, found) in sessions(E::SYSTEM) {
        // Some are refused altogether, which is as good.
        let answer = shop.query(set).await;
        assert!(answer.status.as_u16() < 500 || answer.json()["kind"] == "forbidden", "{set}: {answer:?}");
        let reply = shop.ask(json!({ "query": ask })).await;
        assert_eq!(reply["rows"], json!([{ "found": found }]), "{set}");
        shop.query("update genre set name = name where genre_id = 1").await.is(200);
    }
}

pub(super) async fn a_statement_out_of_time_is_stopped_and_the_next_one_works<E: Engine>() {
    let settings = json!({ "pool": { "max": 1 }, "retry_config": { "max_attempts": 1 } });
    let Some(shop) = Shop::<E>::open(settings).await else { return };
    shop.query("select 1").await.is(200);
    let began = Instant::now();
    let long = json!({ "query": E::LONG, "timeout": 1 });
    let problem = shop.server.call("db", &long).await.problem(504, "timeout");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}: {problem}", began.elapsed());
    let ended = Instant::now();
    shop.query("select 1").await.is(200);
    shop.still(E::LONG).await;
    assert!(ended.elapsed() < Duration::from_secs(1), "{:?}", ended.elapsed());

    // The server stops it by itself, whatever became of us. It would do so again.
    shop.has("short", json!({ "statement_timeout": 0.3, "pool": { "max": 1 } })).await;
    let problem = shop.server.call("short", &json!({ "query": E::LONG })).await.problem(504, "stopped");
    assert_ne!(problem["outcome"], "unknown", "it only reads: {problem}");
    assert_eq!(problem["attempts"], 1, "{problem}");
    shop.server.call("short", &json!({ "query": "select 1" })).await.is(200);
}

pub(super) async fn a_full_pool_says_so_in_time<E: Engine>() {
    let settings = json!({ "pool": { "max": 1, "wait": 0.3 }, "retry_config": { "max_attempts": 1 } });
    let Some(shop) = Shop::<E>::open(settings).await else { return };
    let long = async { shop.server.call("db", &json!({ "query": E::LONG, "timeout": 2 })).await };
    let others = async {
        shop.busy(E::LONG).await;
        let began = Instant::now();
        let problem = shop.query("select 1").await.problem(429, "throttled");
        assert!(problem["detail"].as_str().unwrap().contains("pool.max"), "{problem}");
        assert_eq!(problem["outcome"], "not_sent", "{problem}");
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        // A caller with less time than that is told within their own.
        let began = Instant::now();
        let answer = shop.server.call("db", &json!({ "query": "select 1", "timeout": 0.1 })).await;
        assert!(!answer.status.is_success(), "{answer:?}");
        assert!(began.elapsed() < Duration::from_millis(290), "{:?}", began.elapsed());
    };
    let (long, ()) = tokio::join!(long, others);
    long.problem(504, "timeout");
    shop.query("select 1").await.is(200);
}

pub(super) async fn a_huge_row_is_cut<E: Engine>() {
    let Some(shop) = Shop::<E>::open(json!({})).await else { return };
    shop.query("select 1").await.is(200);
    let before = memory(&shop.server);
    let answer = shop.query(E::HUGE).await;
    let after = memory(&shop.server);
    if E::SYSTEM == "sqlite" {
        // It makes the row in this very process, and refuses to.
        answer.problem(422, "rejected");
    } else {
        let reply = answer.is(200).json();
        assert_eq!((&reply["rows"], &reply["truncated"]), (&json!([]), &json!("max_bytes")));
    }
    // Where the driver reads a row before it can be judged, a packet of 64 MiB is there, and twice as it grows.
    let room = if E::SYSTEM == "postgres" { 80 } else { 256 };
    assert!(after < before + room, "{before} MiB, then {after}");
    shop.query("select 1").await.is(200);
    // A stream without a bound says that it cannot.
    let headers = [("content-type", "application/json"), ("accept", "application/x-ndjson")];
    let body = json!({ "query": E::HUGE }).to_string();
    let answer = shop.server.with("POST", "/api/v1/integrations/db/call", &headers, body).await;
    assert!(!answer.text().contains("\"end\"") && answer.text().contains("\"kind\""), "{answer:?}");
    shop.query("select 1").await.is(200);
}

//! The sample as it is explored and used by many: the same for every engine.

use serde_json::{Value, json};
use trunkline_testkit::music;

use super::{Engine, Shop};

pub(super) async fn the_schema_health_and_gauges_are_shown<E: Engine>() {
    let Some(shop) = Shop::<E>::open(json!({ "pool": { "max": 3 } })).await else { return };
    let health = shop.server.get("/api/v1/integrations/db/health").await.is(200).json();
    let text = health.to_string();
    assert!(text.contains("version"), "{health}");
    assert!(text.contains("primary") || E::SYSTEM == "sqlite", "{health}");

    let schema = shop.server.get("/api/v1/integrations/db/schema").await.is(200).json();
    let text = schema.to_string();
    for (table, _) in music::ROWS {
        assert!(text.contains(&format!("\"{table}\"")), "{table}: {schema}");
    }
    for column in ["unit_price", "support_rep_id", "billing_postal_code"] {
        assert!(text.contains(&format!("\"{column}\"")), "{column}: {schema}");
    }

    shop.query("select 1").await.is(200);
    assert_eq!(shop.gauge("db_client_connection_max", "").await, Some(3));
    assert_eq!(shop.gauge("db_client_connection_count", "idle").await, Some(1));
    assert_eq!(shop.gauge("db_client_connection_count", "used").await, Some(0));
}

pub(super) async fn the_command_line_asks_and_lists<E: Engine>() {
    let Some(shop) = Shop::<E>::open(json!({})).await else { return };
    let server = &shop.server;
    let ran = server.cli(&["query", "db", "select name from genre where genre_id = 5"]).await.is(0);
    assert!(ran.stdout.contains("Blues"), "{ran:?}");
    let ran = server.cli(&["schema", "db"]).await.is(0);
    assert!(ran.stdout.contains("genre") && ran.stdout.contains("unit_price"), "{ran:?}");
    let ran = server.cli(&["query", "db", "select * from no_such_table"]).await;
    assert!(ran.code != 0 && ran.stderr.contains("no_such_table"), "{ran:?}");
    let ran = server.cli(&["test", "db"]).await;
    assert!(!ran.stdout.contains("p@ss") && !ran.stdout.contains("p%40ss"), "{ran:?}");
}

pub(super) async fn counters_that_collide_all_count<E: Engine>() {
    let Some(shop) = Shop::<E>::open(json!({})).await else { return };
    let up = |first: u32, second: u32| {
        let update = |id: u32| json!({ "query": "update genre set name = concat_ws('', name, '+') where genre_id = :id", "params": { "id": id } });
        let update = move |id| match E::SYSTEM {
            "sqlite" => {
                json!({ "query": "update genre set name = name || '+' where genre_id = :id", "params": { "id": id } })
            }
            _ => update(id),
        };
        json!({ "transaction": [update(first), { "query": "select count(*) as n from track, genre" }, update(second)] })
    };
    // Half of them take the rows in the other order, so that some meet in a deadlock.
    let calls = (0..6).map(|n| {
        let request = if n % 2 == 0 { up(1, 2) } else { up(2, 1) };
        let server = &shop.server;
        async move { server.call("db", &request).await }
    });
    let answers = futures_util::future::join_all(calls).await;
    let done = answers.iter().filter(|answer| answer.status == 200).count();
    let kinds: Vec<Value> =
        answers.iter().filter(|answer| answer.status != 200).map(|answer| answer.json()).collect();
    assert!(
        kinds.iter().all(|told| told["kind"] == "contended" && told["outcome"] == "rejected"),
        "{kinds:?}"
    );
    assert!(done >= 2, "some are made again until they succeed: {kinds:?}");
    let names = shop.rows("select name from genre where genre_id < 3 order by genre_id").await;
    let plus = "+".repeat(done);
    assert_eq!(
        names,
        json!([[format!("Rock{plus}")], [format!("Jazz{plus}")]]),
        "none is lost, none is done twice"
    );
}

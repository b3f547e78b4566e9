//! Activity with more records than a page could draw, or a browser scroll, at the height that they have.

use std::path::Path;

use serde_json::json;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{
    service::service,
    spec::{begin, passes},
};

/// So many calls are made, and their records stored so many times.
const CALLS: usize = 1_000;
const TIMES: usize = 300;

/// Stores the records that there are so many times over. The server numbers those anew whose numbers it has had.
async fn repeat(file: &Path, times: usize) {
    let options = SqliteConnectOptions::new().filename(file);
    let mut database = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query(
        "WITH RECURSIVE again(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM again WHERE n < ?1)
         INSERT INTO segments (body) SELECT body FROM segments, again ORDER BY n, number",
    )
    .bind(i64::try_from(times).unwrap())
    .execute(&mut database)
    .await
    .unwrap();
    database.close().await.unwrap();
}

#[tokio::test]
async fn three_hundred_thousand_records_are_scrolled_to_the_end() {
    let service = service().await;
    let mut begin = begin().allow(&service);
    let config = begin.file("trunkline.yaml", &format!("server: {{activity: {}}}\n", CALLS * TIMES));
    let config = config.display().to_string();
    begin = begin.arg("--config").arg(&config);
    let server = begin.start().await;
    server.has(&json!({ "integration_id": "shop", "type": "rest", "base_url": service.url() })).await;
    for call in 0..CALLS {
        server.call("shop", &json!({ "endpoint": format!("/{call}") })).await.is(200);
    }
    let server = server.stop().await;
    repeat(&server.data().join("activity.db"), TIMES).await;
    let again = server.again().token(super::spec::TOKEN).allow(&service).arg("--config").arg(config);
    let server = again.start().await;
    passes(&server, "deep", &[("RECORDS", &(CALLS * TIMES).to_string())]).await;
}

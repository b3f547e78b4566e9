//! What `SqliteStore` promises of single writes, seen from inside.

use sqlx::AssertSqlSafe;
use trunkline_core::Kind;

use super::*;

#[tokio::test]
async fn configurations_wait_for_the_disk_and_activity_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path(), SqliteOptions::default()).await.unwrap();
    for (pool, synchronous) in [(&store.writer, 2), (store.activity.pool().unwrap(), 1)] {
        // 2: FULL, 1: NORMAL, of https://www.sqlite.org/pragma.html#pragma_synchronous
        let set: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(pool).await.unwrap();
        let journal: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(pool).await.unwrap();
        assert_eq!((set, &*journal), (synchronous, "wal"));
    }
}

#[tokio::test]
async fn a_full_disk_fails_the_write_alone_and_is_recovered_from_without_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path(), SqliteOptions::default()).await.unwrap();
    store.put("a", None, b"small").await.unwrap();
    let limit = async |pages: u32| {
        let sql = AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
        sqlx::query(sql).execute(&store.writer).await.unwrap();
    };
    for _ in 0..3 {
        limit(1).await; // SQLite takes the present size for it
        let error = store.put("b", None, &[7; 100_000]).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Store);
        assert!(error.message().contains("disk is full"), "{error}");
        assert_eq!(store.load().await.unwrap().len(), 1);
        store.ping().await.unwrap();
    }
    limit(1_000_000).await;
    store.put("b", None, &[7; 100_000]).await.unwrap();
    assert_eq!(store.load().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_read_only_disk_fails_writes_and_lets_reads_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path(), SqliteOptions::default()).await.unwrap();
    store.put("a", None, b"x").await.unwrap();
    sqlx::query("PRAGMA query_only = ON").execute(&store.writer).await.unwrap();
    let error = store.put("b", None, b"y").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Store);
    assert!(error.message().contains("read-only"), "{error}");
    assert_eq!(store.load().await.unwrap().len(), 1);
    sqlx::query("PRAGMA query_only = OFF").execute(&store.writer).await.unwrap();
    store.put("b", None, b"y").await.unwrap();
}

#[tokio::test]
async fn a_write_whose_caller_goes_away_does_not_block_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path(), SqliteOptions::default()).await.unwrap();
    for round in 0..50_u32 {
        // Polled a few times, then dropped: each round leaves at another point.
        let mut write = store.put("a", None, b"x");
        let mut polls = 0;
        std::future::poll_fn(|cx| {
            polls += 1;
            let ready = write.as_mut().poll(cx).is_ready();
            if ready || polls > round / 5 { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
        drop(write);
        match store.delete("a", None).await {
            Ok(()) => {}
            Err(error) => assert_eq!(error.kind(), Kind::UnknownIntegration, "{error}"),
        }
    }
    store.put("a", None, b"x").await.unwrap();
}

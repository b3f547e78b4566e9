//! Marks of messages in SQLite.

use sqlx::{AssertSqlSafe, Connection as _};
use trunkline_store::{BegunCall, CallTerm, MarkWrite, Marked, Store as _, Trouble};

use super::{dir, open, raw};

#[tokio::test]
async fn a_mark_of_an_earlier_version_is_found_and_counts_no_longer_as_a_call() {
    let dir = dir();
    let day = 24 * 60 * 60 * 1000;
    let now_ms = 1_800_000_000_000;
    let term = |most| CallTerm { now_ms, until_ms: now_ms + 14 * day, most };
    let store = open(dir.path()).await.unwrap();
    // As they were: for a year, and without the integration.
    let year = CallTerm { until_ms: now_ms + 365 * day, ..term(2) };
    store.begin_call("forward m", b"begun", year).await.unwrap();
    store.begin_call("key", b"begun", year).await.unwrap();
    store.close().await;
    let mut connection = raw(dir.path()).await;
    for sql in [
        "DROP TRIGGER calls_in",
        "DROP TRIGGER calls_out",
        "DROP TRIGGER marks_in",
        "DROP TRIGGER marks_out",
        "DROP TABLE marks_total",
        "UPDATE calls_total SET total = 2",
        "CREATE TRIGGER calls_in AFTER INSERT ON calls BEGIN UPDATE calls_total SET total = total + 1; END",
        "CREATE TRIGGER calls_out AFTER DELETE ON calls BEGIN UPDATE calls_total SET total = total - 1; END",
        "PRAGMA user_version = 7",
    ] {
        sqlx::query(sql).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
    let store = open(dir.path()).await.unwrap();
    let marks = store.marks().unwrap();
    let begin = MarkWrite::Begin { integration: "a", name: "m", record: b"x", beside: false };
    let mut found = marks.write(&[begin], term(1)).await.unwrap();
    let Ok(Marked::Before(before)) = found.remove(0) else { panic!("{found:?}") };
    assert_eq!((&*before[0].id, &before[0].document.as_ref().unwrap()[..]), ("forward m", &b"begun"[..]));
    assert!(matches!(store.begin_call("other", b"begun", term(2)).await.unwrap(), BegunCall::Now(_)));
    let mut connection = raw(dir.path()).await;
    let read = "SELECT until_ms FROM calls WHERE id = 'forward m'";
    let until: i64 = sqlx::query_scalar(read).fetch_one(&mut connection).await.unwrap();
    assert_eq!(until, now_ms + 14 * day);
    marks.write(&[MarkWrite::End { id: "forward m", record: None }], term(1)).await.unwrap();
    let total = async |table: &str| -> i64 {
        let sql = AssertSqlSafe(format!("SELECT total FROM {table}"));
        sqlx::query_scalar(sql).fetch_one(&mut raw(dir.path()).await).await.unwrap()
    };
    assert_eq!((total("marks_total").await, total("calls_total").await), (0, 2));
    assert!(matches!(marks.write(&[begin], term(1)).await.unwrap()[0], Ok(Marked::Now(_))));
    assert_eq!((total("marks_total").await, total("calls_total").await), (1, 2));
}

#[tokio::test]
async fn a_mark_that_is_damaged_is_told_and_can_be_ended() {
    let dir = dir();
    let term = CallTerm { now_ms: 0, until_ms: 100, most: 10 };
    let store = open(dir.path()).await.unwrap();
    let marks = store.marks().unwrap();
    let begin = |name| MarkWrite::Begin { integration: "a", name, record: b"x", beside: false };
    marks.write(&[begin("m"), begin("n")], term).await.unwrap();
    let damage = "UPDATE calls SET sealed = x'0102', generation = -1 WHERE id LIKE 'forward a/m/%'";
    sqlx::query(damage).execute(&mut raw(dir.path()).await).await.unwrap();
    let found = marks.write(&[begin("m"), begin("n")], term).await.unwrap();
    let [Ok(Marked::Before(damaged)), Ok(Marked::Before(whole))] = &found[..] else { panic!("{found:?}") };
    assert_eq!(Trouble::of(damaged[0].document.as_ref().unwrap_err()), Some(Trouble::Undecryptable));
    assert!(whole[0].document.is_ok());
    marks.write(&[MarkWrite::End { id: &damaged[0].id, record: None }], term).await.unwrap();
    assert!(matches!(marks.write(&[begin("m")], term).await.unwrap()[0], Ok(Marked::Now(_))));
}

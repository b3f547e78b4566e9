//! Records of calls in SQLite.

use trunkline_store::{BegunCall, CallTerm, Store as _, Trouble};

use super::{dir, open, raw};

#[tokio::test]
async fn a_record_of_a_call_that_was_rolled_back_or_moved_does_not_open() {
    let dir = dir();
    let term = CallTerm { now_ms: 0, until_ms: 1, most: 2 };
    let store = open(dir.path()).await.unwrap();
    let BegunCall::Now(at) = store.begin_call("k", b"begun", term).await.unwrap() else {
        panic!("begun before")
    };
    store.begin_call("other", b"begun", term).await.unwrap();
    let mut connection = raw(dir.path()).await;
    let old: Vec<u8> = sqlx::query_scalar("SELECT sealed FROM calls WHERE id = 'k'")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    store.end_call("k", at, Some(b"ended")).await.unwrap();
    sqlx::query("UPDATE calls SET sealed = ?1").bind(old).execute(&mut connection).await.unwrap();
    for id in ["k", "other"] {
        let BegunCall::Before(call) = store.begin_call(id, b"anew", term).await.unwrap() else {
            panic!("{id}")
        };
        assert_eq!(Trouble::of(&call.document.unwrap_err()), Some(Trouble::Undecryptable));
    }
}

#[tokio::test]
async fn expired_records_of_calls_are_taken_away_as_others_come() {
    let dir = dir();
    let store = open(dir.path()).await.unwrap();
    for n in 0..20 {
        let term = CallTerm { now_ms: 0, until_ms: 1, most: 100 };
        store.begin_call(&n.to_string(), b"begun", term).await.unwrap();
    }
    for n in 20..24 {
        let term = CallTerm { now_ms: 1, until_ms: 2, most: 100 };
        store.begin_call(&n.to_string(), b"begun", term).await.unwrap();
    }
    let mut connection = raw(dir.path()).await;
    for sql in ["SELECT count(*) FROM calls", "SELECT total FROM calls_total"] {
        let left: i64 = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
        assert_eq!(left, 4, "{sql}");
    }
}

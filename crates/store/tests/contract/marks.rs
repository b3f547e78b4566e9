//! What every store promises of marks.

use trunkline_core::{Kind, Outcome};
use trunkline_store::{BegunCall, CallTerm, MarkWrite, Marked};

use super::Subject;

/// Kept for 100 ms from `now_ms`, among 3 at most.
fn term(now_ms: i64) -> CallTerm {
    CallTerm { now_ms, until_ms: now_ms + 100, most: 3 }
}

fn of<'a>(integration: &'a str, name: &'a str, record: &'a [u8]) -> MarkWrite<'a> {
    MarkWrite::Begin { integration, name, record, beside: false }
}

/// The same, whatever others there are.
fn beside<'a>(integration: &'a str, name: &'a str, record: &'a [u8]) -> MarkWrite<'a> {
    MarkWrite::Begin { integration, name, record, beside: true }
}

async fn write(store: &Subject, mark: MarkWrite<'_>, now_ms: i64) -> Marked {
    let mut done = store.marks().unwrap().write(&[mark], term(now_ms)).await.unwrap();
    assert_eq!(done.len(), 1);
    done.remove(0).unwrap()
}

/// The id of a mark that is added now.
async fn add(store: &Subject, mark: MarkWrite<'_>, now_ms: i64) -> String {
    match write(store, mark, now_ms).await {
        Marked::Now(id) => id,
        other => panic!("{other:?}"),
    }
}

/// The marks that there are already, as `(id, record)`.
async fn before(store: &Subject, mark: MarkWrite<'_>, now_ms: i64) -> Vec<(String, Vec<u8>)> {
    match write(store, mark, now_ms).await {
        Marked::Before(stored) => {
            let mut all: Vec<_> =
                stored.into_iter().map(|one| (one.id, one.document.unwrap().to_vec())).collect();
            all.sort();
            all
        }
        other => panic!("{other:?}"),
    }
}

async fn end(store: &Subject, id: &str, record: Option<&[u8]>) {
    assert!(matches!(write(store, MarkWrite::End { id, record }, 0).await, Marked::Ended));
}

pub(super) async fn a_mark_is_found_until_it_is_ended_and_what_became_of_it_too(store: Subject) {
    let id = add(&store, of("a", "m", b"begun"), 0).await;
    assert_eq!(before(&store, of("a", "m", b"other"), 1).await, [(id.clone(), b"begun".to_vec())]);
    end(&store, &id, Some(b"done")).await;
    assert_eq!(before(&store, of("a", "m", b"other"), 1).await, [(id.clone(), b"done".to_vec())]);
    // Of another name, or another integration, it is not.
    for (integration, name) in [("a", "m2"), ("a", "n"), ("a2", "m")] {
        let other = add(&store, of(integration, name, b"x"), 1).await;
        end(&store, &other, None).await;
    }
    end(&store, &id, None).await;
    // Whoever ends one that is gone has nothing to be told.
    end(&store, &id, None).await;
    end(&store, &id, Some(b"done")).await;
    let next = add(&store, of("a", "m", b"anew"), 1).await;
    assert_ne!(next, id);
}

pub(super) async fn there_are_several_marks_of_a_name_where_that_is_asked_for(store: Subject) {
    let one = add(&store, beside("a", "m", b"1"), 0).await;
    let other = add(&store, beside("a", "m", b"2"), 0).await;
    assert_ne!(one, other);
    let mut both = vec![(one.clone(), b"1".to_vec()), (other.clone(), b"2".to_vec())];
    both.sort();
    assert_eq!(before(&store, of("a", "m", b"3"), 1).await, both);
    end(&store, &one, None).await;
    assert_eq!(before(&store, of("a", "m", b"3"), 1).await, [(other, b"2".to_vec())]);
}

pub(super) async fn several_are_written_at_once_and_those_without_room_hold_up_no_other(store: Subject) {
    let old = add(&store, of("a", "old", b"1"), 0).await;
    let marks = store.marks().unwrap();
    let all = [
        of("a", "b", b"1"),
        of("a", "old", b"2"),
        of("a", "c", b"1"),
        of("a", "d", b"1"),
        MarkWrite::End { id: &old, record: None },
        of("a", "e", b"1"),
    ];
    let done = marks.write(&all, term(30)).await.unwrap();
    let [
        Ok(Marked::Now(b)),
        Ok(Marked::Before(_)),
        Ok(Marked::Now(_)),
        Err(full),
        Ok(Marked::Ended),
        Ok(Marked::Now(_)),
    ] = &done[..]
    else {
        panic!("{done:?}")
    };
    assert_eq!((full.kind(), full.outcome()), (Kind::Overloaded, Outcome::NotSent));
    assert!(full.message().starts_with("3 messages whose calls must not be made twice "), "{full}");
    assert_eq!(full.wait().unwrap().as_millis(), 70);
    assert_eq!(before(&store, of("a", "b", b"2"), 31).await[0].0, *b);
}

pub(super) async fn marks_and_calls_do_not_take_the_room_of_each_other(store: Subject) {
    for name in ["a", "b", "c"] {
        add(&store, of("a", name, b"1"), 0).await;
    }
    let mut begun = Vec::new();
    for key in ["a", "b", "c"] {
        let BegunCall::Now(at) = store.begin_call(key, b"1", term(0)).await.unwrap() else { panic!("{key}") };
        begun.push((key, at));
    }
    let full = store.begin_call("d", b"1", term(0)).await.unwrap_err();
    assert!(full.message().starts_with("3 calls with an idempotency key "), "{full}");
    store.end_call(begun[0].0, begun[0].1, None).await.unwrap();
    let marks = store.marks().unwrap();
    let done = marks.write(&[of("a", "d", b"1")], term(0)).await.unwrap();
    assert_eq!(done[0].as_ref().unwrap_err().kind(), Kind::Overloaded);
    // Those that expire make room, each among its own.
    add(&store, of("a", "d", b"1"), 100).await;
    assert!(matches!(store.begin_call("d", b"1", term(100)).await.unwrap(), BegunCall::Now(_)));
}

pub(super) async fn a_mark_expires_unless_it_is_found(store: Subject) {
    let id = add(&store, of("a", "m", b"1"), 0).await;
    // It has more than half of its time before it, and is left as it is.
    assert_eq!(before(&store, of("a", "m", b"2"), 50).await[0].0, id);
    assert_eq!(before(&store, of("a", "m", b"2"), 99).await[0].0, id);
    assert_eq!(before(&store, of("a", "m", b"2"), 198).await[0].0, id);
    end(&store, &id, Some(b"done")).await;
    assert_eq!(before(&store, of("a", "m", b"2"), 297).await, [(id.clone(), b"done".to_vec())]);
    assert_ne!(add(&store, of("a", "m", b"2"), 397).await, id);
}

pub(super) async fn marks_go_with_their_integration(store: Subject) {
    store.put("a", None, b"1").await.unwrap();
    add(&store, of("a", "m", b"1"), 0).await;
    let other = add(&store, of("a-", "m", b"1"), 0).await;
    let third = add(&store, of("a0", "m", b"1"), 0).await;
    // One that is of a file is not in the store, and is registered here by and by: what was under way is under way.
    store.delete("a", None).await.unwrap();
    let id = add(&store, of("a", "m", b"2"), 1).await;
    store.put("a", None, b"1").await.unwrap();
    assert_eq!(before(&store, of("a", "m", b"3"), 1).await[0].0, id);
    store.marks().unwrap().forget("a").await.unwrap();
    add(&store, of("a", "m", b"4"), 1).await;
    assert_eq!(before(&store, of("a-", "m", b"3"), 1).await[0].0, other);
    assert_eq!(before(&store, of("a0", "m", b"3"), 1).await[0].0, third);
}

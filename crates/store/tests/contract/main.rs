//! The contract of `Store`, checked line by line on every store.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod events;
mod marks;
mod tokens;

use std::{collections::HashSet, sync::Arc};

use tempfile::TempDir;
use trunkline_core::{Kind, Outcome};
use trunkline_store::{BegunCall, CallTerm, MemoryStore, Part, PartKind, SqliteOptions, SqliteStore, Store};

use self::{events::*, marks::*, tokens::*};

/// How many segments of activity the stores under test keep.
const KEEP: u32 = 3;

type Subject = Arc<dyn Store>;

async fn memory() -> (Subject, Option<TempDir>) {
    (Arc::new(MemoryStore::new(KEEP)), None)
}

async fn sqlite() -> (Subject, Option<TempDir>) {
    let dir = tempfile::tempdir().unwrap();
    let options = SqliteOptions { activity_segments: KEEP, ..SqliteOptions::default() };
    (Arc::new(SqliteStore::open(dir.path(), options).await.unwrap()), Some(dir))
}

/// One test per rule and store.
macro_rules! contract {
    ($($rule:ident)*) => {
        mod memory {
            $(#[tokio::test] async fn $rule() { let (store, _dir) = super::memory().await; super::$rule(store).await; })*
        }
        mod sqlite {
            $(#[tokio::test] async fn $rule() { let (store, _dir) = super::sqlite().await; super::$rule(store).await; })*
        }
    };
}

contract! {
    a_new_store_is_empty
    what_goes_in_comes_out_in_the_order_of_the_ids
    a_taken_id_is_a_conflict
    a_replacement_needs_the_present_generation
    a_replacement_of_nothing_is_unknown
    a_delete_needs_the_present_generation_or_none
    a_generation_never_returns_even_after_delete_and_create
    a_failed_write_changes_nothing
    of_concurrent_creates_one_wins
    of_concurrent_replacements_none_is_lost
    activity_keeps_the_newest_segments_oldest_first
    a_call_is_begun_once_and_what_became_of_it_comes_back
    of_concurrent_beginnings_one_is_now
    a_call_that_ends_without_a_record_can_begin_again
    only_the_call_that_was_begun_can_be_ended
    a_record_of_a_call_is_gone_when_it_expires
    calls_beyond_the_bound_are_told_when_there_is_room
    calls_and_integrations_share_ids_and_never_generations
    a_part_is_put_replaced_and_deleted_by_generation
    parts_are_listed_by_name_a_page_at_a_time
    parts_go_with_their_integration_and_grants_with_their_connection
    an_event_is_added_once_and_comes_back_with_what_came
    of_concurrent_deliveries_of_an_event_one_is_new
    deliveries_wait_by_target_until_they_are_forwarded_or_put_aside
    an_event_is_forgotten_when_its_time_is_over_or_when_there_are_too_many
    an_event_that_waits_is_never_given_up_for_another
    an_event_goes_with_its_integration
    an_event_is_redelivered_to_what_it_has_not_reached_or_to_what_is_named
    what_may_have_been_done_is_known_until_it_is_forwarded_or_made_anew
    a_grant_begins_only_while_its_connection_is_there
    of_concurrent_changes_of_a_part_one_wins
    a_mark_is_found_until_it_is_ended_and_what_became_of_it_too
    there_are_several_marks_of_a_name_where_that_is_asked_for
    several_are_written_at_once_and_those_without_room_hold_up_no_other
    marks_and_calls_do_not_take_the_room_of_each_other
    a_mark_expires_unless_it_is_found
    marks_go_with_their_integration
    tokens_are_listed_in_the_order_in_which_they_were_added
    a_token_is_added_once_and_removed_once
    of_concurrent_additions_of_a_token_one_wins
    a_closed_store_refuses_everything
    no_debug_output_holds_a_document
}

/// Everything stored, as `(id, generation, document)`.
async fn all(store: &Subject) -> Vec<(String, u64, Vec<u8>)> {
    let stored = store.load().await.unwrap();
    stored.into_iter().map(|one| (one.id, one.generation, one.document.unwrap().to_vec())).collect()
}

async fn a_new_store_is_empty(store: Subject) {
    assert!(all(&store).await.is_empty());
    assert!(store.load_activity().await.unwrap().is_empty());
    store.ping().await.unwrap();
}

async fn what_goes_in_comes_out_in_the_order_of_the_ids(store: Subject) {
    let large = vec![0xa5; 300_000];
    let b = store.put("b", None, &large).await.unwrap();
    let a = store.put("a", None, b"").await.unwrap();
    let c = store.put("ä:\0'\"", None, b"\0\xff").await.unwrap();
    assert_eq!(
        all(&store).await,
        [("a".into(), a, vec![]), ("b".into(), b, large), ("ä:\0'\"".into(), c, b"\0\xff".to_vec())]
    );
    assert!(store.load().await.unwrap().iter().all(|one| one.updated_at_ms > 1_700_000_000_000));
}

async fn a_taken_id_is_a_conflict(store: Subject) {
    let at = store.put("a", None, b"1").await.unwrap();
    let error = store.put("a", None, b"2").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Conflict);
    assert!(error.context().contains(&("generation", at.to_string())), "{error}");
    assert!(error.context().contains(&("integration", "a".to_owned())), "{error}");
}

async fn a_replacement_needs_the_present_generation(store: Subject) {
    let first = store.put("a", None, b"1").await.unwrap();
    let second = store.put("a", Some(first), b"2").await.unwrap();
    assert!(second > first);
    for stale in [first, second + 1, 0, u64::MAX] {
        assert_eq!(store.put("a", Some(stale), b"3").await.unwrap_err().kind(), Kind::Conflict);
    }
    assert_eq!(all(&store).await, [("a".to_owned(), second, b"2".to_vec())]);
}

async fn a_replacement_of_nothing_is_unknown(store: Subject) {
    assert_eq!(store.put("a", Some(1), b"1").await.unwrap_err().kind(), Kind::UnknownIntegration);
    assert!(all(&store).await.is_empty());
}

async fn a_delete_needs_the_present_generation_or_none(store: Subject) {
    assert_eq!(store.delete("a", None).await.unwrap_err().kind(), Kind::UnknownIntegration);
    assert_eq!(store.delete("a", Some(1)).await.unwrap_err().kind(), Kind::UnknownIntegration);
    let at = store.put("a", None, b"1").await.unwrap();
    assert_eq!(store.delete("a", Some(at + 1)).await.unwrap_err().kind(), Kind::Conflict);
    store.delete("a", Some(at)).await.unwrap();
    store.put("a", None, b"2").await.unwrap();
    store.delete("a", None).await.unwrap();
    assert!(all(&store).await.is_empty());
}

async fn a_generation_never_returns_even_after_delete_and_create(store: Subject) {
    let mut last = 0;
    for _ in 0..5 {
        let created = store.put("a", None, b"1").await.unwrap();
        let other = store.put("b", None, b"1").await.unwrap();
        let replaced = store.put("a", Some(created), b"1").await.unwrap();
        assert!(last < created && created < other && other < replaced, "{last} {created} {other} {replaced}");
        last = replaced;
        store.delete("a", None).await.unwrap();
        store.delete("b", None).await.unwrap();
    }
}

async fn a_failed_write_changes_nothing(store: Subject) {
    let at = store.put("a", None, b"1").await.unwrap();
    let before = store.load().await.unwrap();
    store.put("a", None, b"2").await.unwrap_err();
    store.put("a", Some(at + 1), b"2").await.unwrap_err();
    store.put("b", Some(at), b"2").await.unwrap_err();
    store.delete("a", Some(at + 1)).await.unwrap_err();
    let after = store.load().await.unwrap();
    assert_eq!(format!("{before:?}"), format!("{after:?}"));
    assert_eq!(all(&store).await, [("a".to_owned(), at, b"1".to_vec())]);
}

async fn of_concurrent_creates_one_wins(store: Subject) {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..16_u8 {
        let store = store.clone();
        tasks.spawn(async move { store.put("a", None, &[number]).await.map(|at| (at, number)) });
    }
    let results = tasks.join_all().await;
    let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert!(lost.iter().all(|result| result.as_ref().unwrap_err().kind() == Kind::Conflict));
    let [Ok((at, number))] = won[..] else { panic!("{won:?}") };
    assert_eq!(all(&store).await, [("a".to_owned(), at, vec![number])]);
}

async fn of_concurrent_replacements_none_is_lost(store: Subject) {
    store.put("a", None, &0_u32.to_be_bytes()).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let store = store.clone();
        tasks.spawn(async move {
            let mut generations = Vec::new();
            while generations.len() < 10 {
                let stored = store.load().await.unwrap().remove(0);
                let count = u32::from_be_bytes(stored.document.unwrap()[..].try_into().unwrap()) + 1;
                match store.put("a", Some(stored.generation), &count.to_be_bytes()).await {
                    Ok(generation) => generations.push(generation),
                    Err(error) => assert_eq!(error.kind(), Kind::Conflict),
                }
            }
            generations
        });
    }
    let generations: HashSet<_> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(generations.len(), 40);
    assert_eq!(all(&store).await[0].2, 40_u32.to_be_bytes());
}

async fn activity_keeps_the_newest_segments_oldest_first(store: Subject) {
    for number in 0..10_u8 {
        store.append_activity(&[number]).await.unwrap();
    }
    assert_eq!(store.load_activity().await.unwrap(), [[7], [8], [9]]);
}

/// Kept for 100 ms from `now_ms`, among 3 at most.
fn term(now_ms: i64) -> CallTerm {
    CallTerm { now_ms, until_ms: now_ms + 100, most: 3 }
}

/// The generation of a call that begins now.
async fn begin(store: &Subject, id: &str, now_ms: i64) -> u64 {
    match store.begin_call(id, b"begun", term(now_ms)).await.unwrap() {
        BegunCall::Now(generation) => generation,
        BegunCall::Before(stored) => panic!("{stored:?}"),
    }
}

/// What is kept of a call that was begun before, as `(generation, record)`.
async fn before(store: &Subject, id: &str, now_ms: i64) -> (u64, Vec<u8>) {
    match store.begin_call(id, b"other", term(now_ms)).await.unwrap() {
        BegunCall::Before(stored) => {
            assert_eq!(stored.id, id);
            (stored.generation, stored.document.unwrap().to_vec())
        }
        BegunCall::Now(generation) => panic!("{generation}"),
    }
}

async fn a_call_is_begun_once_and_what_became_of_it_comes_back(store: Subject) {
    let at = begin(&store, "k", 0).await;
    assert_eq!(before(&store, "k", 1).await, (at, b"begun".to_vec()));
    let large = vec![0xa5; 300_000];
    store.end_call("k", at, Some(&large)).await.unwrap();
    let (then, record) = before(&store, "k", 2).await;
    assert!(then > at && record == large, "{then} {at}");
    assert_eq!(before(&store, "k", 3).await.0, then, "asking changes nothing");
}

async fn of_concurrent_beginnings_one_is_now(store: Subject) {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..16_u8 {
        let store = store.clone();
        tasks.spawn(async move { (number, store.begin_call("k", &[number], term(0)).await.unwrap()) });
    }
    let (now, earlier): (Vec<_>, Vec<_>) =
        tasks.join_all().await.into_iter().partition(|(_, begun)| matches!(begun, BegunCall::Now(_)));
    let [(number, BegunCall::Now(at))] = now[..] else { panic!("{now:?}") };
    for (_, begun) in earlier {
        let BegunCall::Before(stored) = begun else { panic!("{begun:?}") };
        assert_eq!((stored.generation, &stored.document.unwrap()[..]), (at, &[number][..]));
    }
}

async fn a_call_that_ends_without_a_record_can_begin_again(store: Subject) {
    let first = begin(&store, "k", 0).await;
    store.end_call("k", first, None).await.unwrap();
    assert!(begin(&store, "k", 1).await > first);
    // What is gone makes room.
    for n in 0..10 {
        let at = begin(&store, "other", n).await;
        store.end_call("other", at, None).await.unwrap();
    }
}

async fn only_the_call_that_was_begun_can_be_ended(store: Subject) {
    let at = begin(&store, "k", 0).await;
    for (id, generation) in [("k", at + 1), ("k", u64::MAX), ("other", at)] {
        for record in [None, Some(&b"ended"[..])] {
            assert_eq!(store.end_call(id, generation, record).await.unwrap_err().kind(), Kind::Conflict);
        }
    }
    assert_eq!(before(&store, "k", 1).await, (at, b"begun".to_vec()));
    store.end_call("k", at, Some(b"ended")).await.unwrap();
    assert_eq!(store.end_call("k", at, None).await.unwrap_err().kind(), Kind::Conflict);
}

async fn a_record_of_a_call_is_gone_when_it_expires(store: Subject) {
    let at = begin(&store, "k", 0).await;
    store.end_call("k", at, Some(b"ended")).await.unwrap();
    assert_eq!(before(&store, "k", 99).await.1, b"ended", "an end does not prolong it");
    let next = begin(&store, "k", 100).await;
    assert!(next > at);
    assert_eq!(before(&store, "k", 199).await, (next, b"begun".to_vec()));
    assert_eq!(store.end_call("k", at, None).await.unwrap_err().kind(), Kind::Conflict);
}

async fn calls_beyond_the_bound_are_told_when_there_is_room(store: Subject) {
    for (id, now_ms) in [("a", 0), ("b", 10), ("c", 20)] {
        let at = begin(&store, id, now_ms).await;
        store.end_call(id, at, Some(b"ended")).await.unwrap();
    }
    let error = store.begin_call("d", b"begun", term(30)).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Overloaded, Outcome::NotSent));
    assert_eq!(error.wait().unwrap().as_millis(), 70);
    assert_eq!(before(&store, "a", 31).await.1, b"ended", "those that are kept are not affected");
    for round in 1..5 {
        begin(&store, "d", 100 * round).await;
        begin(&store, "e", 100 * round + 20).await;
    }
}

async fn calls_and_integrations_share_ids_and_never_generations(store: Subject) {
    let put = store.put("a", None, b"document").await.unwrap();
    let begun = begin(&store, "a", 0).await;
    store.end_call("a", begun, Some(b"ended")).await.unwrap();
    let ended = before(&store, "a", 1).await.0;
    let replaced = store.put("a", Some(put), b"document").await.unwrap();
    assert!(put < begun && begun < ended && ended < replaced, "{put} {begun} {ended} {replaced}");
    assert_eq!(all(&store).await, [("a".to_owned(), replaced, b"document".to_vec())]);
}

fn connection<'a>(integration: &'a str, connection: &'a str) -> Part<'a> {
    Part { kind: PartKind::Connection, integration, connection }
}

fn grant<'a>(integration: &'a str, connection: &'a str) -> Part<'a> {
    Part { kind: PartKind::Grant, integration, connection }
}

async fn a_part_is_put_replaced_and_deleted_by_generation(store: Subject) {
    assert!(store.part(grant("a", "default")).await.unwrap().is_none());
    assert_eq!(
        store.put_part(grant("a", "default"), Some(1), b"1").await.unwrap_err().kind(),
        Kind::UnknownConnection
    );
    let one = store.put_part(grant("a", "default"), None, b"1").await.unwrap();
    for expected in [None, Some(one + 1)] {
        let error = store.put_part(grant("a", "default"), expected, b"2").await.unwrap_err();
        assert_eq!(error.kind(), Kind::Conflict);
    }
    let two = store.put_part(grant("a", "default"), Some(one), b"2").await.unwrap();
    assert!(two > one);
    let stored = store.part(grant("a", "default")).await.unwrap().unwrap();
    assert_eq!((&*stored.id, stored.generation, &stored.document.unwrap()[..]), ("default", two, &b"2"[..]));
    assert!(store.part(connection("a", "default")).await.unwrap().is_none(), "another kind is another part");
    assert_eq!(store.delete_part(grant("a", "default"), Some(one)).await.unwrap_err().kind(), Kind::Conflict);
    store.delete_part(grant("a", "default"), Some(two)).await.unwrap();
    assert_eq!(
        store.delete_part(grant("a", "default"), None).await.unwrap_err().kind(),
        Kind::UnknownConnection
    );
    assert!(store.put_part(grant("a", "default"), None, b"3").await.unwrap() > two);
}

async fn parts_are_listed_by_name_a_page_at_a_time(store: Subject) {
    for (integration, name) in [("a", "m"), ("a", "b"), ("a", "z"), ("ab", "x"), ("a-", "x"), ("a0", "x")] {
        store.put_part(connection(integration, name), None, name.as_bytes()).await.unwrap();
        store.put_part(grant(integration, name), None, b"grant").await.unwrap();
    }
    let page = async |after, most| {
        let stored = store.parts(PartKind::Connection, "a", after, most).await.unwrap();
        stored.into_iter().map(|one| (one.id, one.document.unwrap().to_vec())).collect::<Vec<_>>()
    };
    let named = |names: &[&str]| {
        names.iter().map(|&name| (name.to_owned(), name.as_bytes().to_vec())).collect::<Vec<_>>()
    };
    assert_eq!(page("", 2).await, named(&["b", "m"]));
    assert_eq!(page("m", 2).await, named(&["z"]));
    assert_eq!(page("z", 2).await, named(&[]));
}

async fn parts_go_with_their_integration_and_grants_with_their_connection(store: Subject) {
    let left = async || {
        let mut left = Vec::new();
        for (integration, name) in [("a", "x"), ("a", "y"), ("b", "x")] {
            for part in [connection(integration, name), grant(integration, name)] {
                left.push(u8::from(store.part(part).await.unwrap().is_some()));
            }
        }
        left
    };
    store.put("a", None, b"1").await.unwrap();
    for (integration, name) in [("a", "x"), ("a", "y"), ("b", "x")] {
        store.put_part(connection(integration, name), None, b"1").await.unwrap();
        store.put_part(grant(integration, name), None, b"1").await.unwrap();
    }
    store.delete_part(connection("a", "y"), None).await.unwrap();
    assert_eq!(left().await, [1, 1, 0, 0, 1, 1]);
    store.delete("a", None).await.unwrap();
    assert_eq!(left().await, [0, 0, 0, 0, 1, 1]);
    // What is left of before is not taken over by whoever has the name next.
    store.put_part(grant("a", "default"), None, b"1").await.unwrap();
    store.put_part(connection("a", "default"), None, b"1").await.unwrap();
    assert!(store.part(grant("a", "default")).await.unwrap().is_none());
    store.put_part(connection("a", "x"), None, b"1").await.unwrap();
    assert_eq!(left().await, [1, 0, 0, 0, 1, 1]);
    store.put("a", None, b"1").await.unwrap();
    assert_eq!(left().await, [0, 0, 0, 0, 1, 1]);
}

async fn a_grant_begins_only_while_its_connection_is_there(store: Subject) {
    let begun = async |name| store.put_part(grant("a", name), None, b"1").await.map_err(|error| error.kind());
    begun("default").await.unwrap();
    assert_eq!(begun("x").await, Err(Kind::UnknownConnection));
    store.put_part(connection("b", "x"), None, b"1").await.unwrap();
    assert_eq!(begun("x").await, Err(Kind::UnknownConnection), "another integration's is another");
    store.put_part(connection("a", "x"), None, b"1").await.unwrap();
    begun("x").await.unwrap();
    // A call that was under way when it was removed leaves nothing behind.
    store.delete_part(connection("a", "x"), None).await.unwrap();
    assert_eq!(begun("x").await, Err(Kind::UnknownConnection));
    assert!(store.part(grant("a", "x")).await.unwrap().is_none());
}

async fn of_concurrent_changes_of_a_part_one_wins(store: Subject) {
    let first = store.put_part(grant("a", "default"), None, b"0").await.unwrap();
    let writers = (1..=8_u8).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            store.put_part(grant("a", "default"), Some(first), &[n]).await.map(|at| (at, n))
        })
    });
    let mut won = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        match writer.await.unwrap() {
            Ok(one) => won.push(one),
            Err(error) => assert_eq!(error.kind(), Kind::Conflict),
        }
    }
    let stored = store.part(grant("a", "default")).await.unwrap().unwrap();
    assert_eq!(won, [(stored.generation, stored.document.unwrap()[0])]);
}

async fn a_closed_store_refuses_everything(store: Subject) {
    store.put("a", None, b"1").await.unwrap();
    store.close().await;
    store.close().await;
    assert_eq!(store.load().await.unwrap_err().kind(), Kind::Store);
    assert_eq!(store.put("a", None, b"1").await.unwrap_err().kind(), Kind::Store);
    assert_eq!(store.delete("a", None).await.unwrap_err().kind(), Kind::Store);
    assert_eq!(store.append_activity(b"1").await.unwrap_err().kind(), Kind::Store);
    assert_eq!(store.load_activity().await.unwrap_err().kind(), Kind::Store);
    assert_eq!(store.begin_call("k", b"1", term(0)).await.unwrap_err().kind(), Kind::Store);
    assert_eq!(store.end_call("k", 1, None).await.unwrap_err().kind(), Kind::Store);
    assert_eq!(store.part(grant("a", "x")).await.unwrap_err().kind(), Kind::Store);
    assert_eq!(store.parts(PartKind::Grant, "a", "", 1).await.unwrap_err().kind(), Kind::Store);
    assert_eq!(store.put_part(grant("a", "x"), None, b"1").await.unwrap_err().kind(), Kind::Store);
    assert_eq!(store.delete_part(grant("a", "x"), None).await.unwrap_err().kind(), Kind::Store);
    let marks = store.marks().unwrap();
    assert_eq!(marks.write(&[], term(0)).await.unwrap_err().kind(), Kind::Store);
    assert_eq!(marks.forget("a").await.unwrap_err().kind(), Kind::Store);
    let tokens = store.tokens().unwrap();
    assert_eq!(tokens.list().await.unwrap_err().kind(), Kind::Store);
    assert_eq!(tokens.add("t", b"1").await.unwrap_err().kind(), Kind::Store);
    assert_eq!(tokens.remove("t").await.unwrap_err().kind(), Kind::Store);
    assert!(store.ping().await.unwrap_err().message().contains("closed"));
}

async fn no_debug_output_holds_a_document(store: Subject) {
    store.put("a", None, b"canary").await.unwrap();
    let bytes = format!("{:?}", b"canary");
    let printed = format!("{store:?} {:?}", store.load().await.unwrap());
    assert!(!printed.contains("canary") && !printed.contains(&bytes[1..bytes.len() - 1]), "{printed}");
}

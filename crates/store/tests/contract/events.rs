//! What the contract says of webhooks.

use trunkline_core::Kind;
use trunkline_store::{Attempted, DeliveryState, Events, NewEvent, Redelivered, Redelivery, Tried, Waiting};

use super::Subject;

/// When events come, in milliseconds; far ahead, so that none is over by the clock.
const NOW: i64 = 9_000_000_000_000;

fn events(store: &Subject) -> &dyn Events {
    store.events().unwrap()
}

fn came<'a>(id: &'a str, targets: &'a [&'a str]) -> NewEvent<'a> {
    NewEvent {
        integration: "shop",
        id,
        r#type: Some("paid"),
        document: b"what came",
        targets,
        now_ms: NOW,
        until_ms: NOW + 1000,
        most: 10,
    }
}

async fn ids(store: &Subject) -> Vec<String> {
    let all = events(store).events("shop", None, 100).await.unwrap();
    all.into_iter().map(|event| event.id).collect()
}

/// An attempt that was in vain for this reason.
fn vain(reason: &str) -> Tried {
    Tried { at_ms: NOW, millis: 1.5, call: Some(7), reason: Some(reason.to_owned()) }
}

fn well() -> Tried {
    Tried { at_ms: NOW, ..Tried::default() }
}

fn is(state: DeliveryState, due_ms: i64, tried: &Tried) -> Attempted<'_> {
    Attempted { state, due_ms, tried, doubtful: false, refused: false }
}

/// Once more to what it has not reached of these targets, at this time.
fn again<'a>(targets: &'a [&'a str], now_ms: i64) -> Redelivery<'a> {
    Redelivery { targets, named: false, anew: false, now_ms }
}

/// The delivery that waits for `a`.
async fn waiting(store: &Subject) -> Waiting {
    let mut waiting = events(store).waiting("shop", "a", 10).await.unwrap();
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    waiting.remove(0)
}

fn told(waits: &[&str], doubtful: &[&str]) -> Option<Redelivered> {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Some(Redelivered { waits: owned(waits), doubtful: owned(doubtful) })
}

pub(crate) async fn an_event_is_added_once_and_comes_back_with_what_came(store: Subject) {
    let events = events(&store);
    assert!(events.add_event(came("e/1", &["a", "b"])).await.unwrap());
    assert!(!events.add_event(NewEvent { document: b"other", ..came("e/1", &[]) }).await.unwrap());
    assert!(events.add_event(NewEvent { integration: "other", ..came("e/1", &[]) }).await.unwrap());
    let whole = events.event("shop", "e/1").await.unwrap().unwrap();
    assert_eq!(**whole.document.unwrap(), *b"what came");
    let event = whole.event;
    assert_eq!((&*event.id, event.r#type.as_deref(), event.received_ms), ("e/1", Some("paid"), NOW));
    let targets: Vec<_> =
        event.deliveries.iter().map(|delivery| (&*delivery.target, delivery.state)).collect();
    assert_eq!(targets, [("a", DeliveryState::Waits), ("b", DeliveryState::Waits)]);
    assert!(events.event("shop", "e/2").await.unwrap().is_none());
    for id in ["e2", "e3", "e4"] {
        events.add_event(came(id, &[])).await.unwrap();
    }
    let page = events.events("shop", None, 2).await.unwrap();
    assert_eq!(page.iter().map(|event| &*event.id).collect::<Vec<_>>(), ["e4", "e3"]);
    let rest = events.events("shop", Some(page[1].number), 10).await.unwrap();
    assert_eq!(rest.iter().map(|event| &*event.id).collect::<Vec<_>>(), ["e2", "e/1"]);
}

pub(crate) async fn of_concurrent_deliveries_of_an_event_one_is_new(store: Subject) {
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.events().unwrap().add_event(came("e", &["a"])).await.unwrap() })
        })
        .collect();
    let mut new = 0;
    for task in tasks {
        new += usize::from(task.await.unwrap());
    }
    assert_eq!((new, events(&store).waiting("shop", "a", 10).await.unwrap().len()), (1, 1));
}

pub(crate) async fn deliveries_wait_by_target_until_they_are_forwarded_or_put_aside(store: Subject) {
    let events = events(&store);
    for (n, id) in ["e1", "e2", "e3"].into_iter().enumerate() {
        let now_ms = NOW + i64::try_from(n).unwrap();
        events.add_event(NewEvent { now_ms, ..came(id, &["a", "b"]) }).await.unwrap();
    }
    let waiting = events.waiting("shop", "a", 10).await.unwrap();
    assert_eq!(waiting.iter().map(|waiting| &*waiting.event).collect::<Vec<_>>(), ["e1", "e2", "e3"]);
    events.attempted(waiting[0].number, is(DeliveryState::Waits, NOW + 9, &vain("busy"))).await.unwrap();
    events.attempted(waiting[1].number, is(DeliveryState::Forwarded, NOW, &well())).await.unwrap();
    let left = events.waiting("shop", "a", 10).await.unwrap();
    let left: Vec<_> = left.iter().map(|left| (&*left.event, left.attempts, left.due_ms)).collect();
    assert_eq!(left, [("e3", 0, NOW + 2), ("e1", 1, NOW + 9)], "by the time when they are due");
    let lanes = events.lanes().await.unwrap();
    let lanes: Vec<_> = lanes.iter().map(|lane| (&*lane.integration, &*lane.target, lane.due_ms)).collect();
    assert_eq!(lanes, [("shop", "a", NOW + 2), ("shop", "b", NOW)]);
    // What has ended stays so.
    events.attempted(waiting[1].number, is(DeliveryState::PutAside, NOW, &vain("late"))).await.unwrap();
    events.attempted(waiting[2].number, is(DeliveryState::PutAside, NOW, &vain("refused"))).await.unwrap();
    let first = |id: &'static str| async move {
        events.event("shop", id).await.unwrap().unwrap().event.deliveries.swap_remove(0)
    };
    let (one, two, three) = (first("e1").await, first("e2").await, first("e3").await);
    assert_eq!((one.state, one.attempts, one.reason()), (DeliveryState::Waits, 1, Some("busy")));
    assert_eq!((two.state, two.attempts, two.reason()), (DeliveryState::Forwarded, 1, None));
    assert_eq!((three.state, three.reason()), (DeliveryState::PutAside, Some("refused")));
    // What became of each attempt is told, also once one has gone well.
    events.attempted(waiting[0].number, is(DeliveryState::Forwarded, NOW, &well())).await.unwrap();
    assert_eq!(first("e1").await.tries, [vain("busy"), well()]);
    // Of one that is not there nothing is said.
    events.attempted(999, is(DeliveryState::Forwarded, NOW, &well())).await.unwrap();
}

pub(crate) async fn an_event_is_forgotten_when_its_time_is_over_or_when_there_are_too_many(store: Subject) {
    let events = events(&store);
    events.add_event(came("old", &["a"])).await.unwrap();
    events
        .add_event(NewEvent { now_ms: NOW + 1000, until_ms: NOW + 9000, ..came("new", &[]) })
        .await
        .unwrap();
    assert_eq!(ids(&store).await, ["new"]);
    assert!(events.lanes().await.unwrap().is_empty(), "its deliveries go with it");
    // Without another one as well.
    events.add_event(NewEvent { until_ms: NOW + 2000, ..came("short", &["a"]) }).await.unwrap();
    while events.expire(NOW + 1999).await.unwrap() {}
    assert_eq!(ids(&store).await, ["short", "new"]);
    while events.expire(NOW + 2000).await.unwrap() {}
    assert_eq!(ids(&store).await, ["new"]);
    // Known again as if it had never come.
    assert!(events.add_event(NewEvent { until_ms: NOW + 9000, ..came("old", &[]) }).await.unwrap());
    assert!(events.add_event(NewEvent { most: 2, until_ms: NOW + 9000, ..came("e3", &[]) }).await.unwrap());
    assert_eq!(ids(&store).await, ["e3", "old"], "the oldest has gone");
}

pub(crate) async fn an_event_that_waits_is_never_given_up_for_another(store: Subject) {
    let events = events(&store);
    events.add_event(came("e1", &["a"])).await.unwrap();
    events.add_event(came("e2", &["a"])).await.unwrap();
    let error = events.add_event(NewEvent { most: 2, ..came("e3", &["a"]) }).await.unwrap_err();
    assert_eq!((error.kind(), error.wait().is_some()), (Kind::Overloaded, true));
    // One that is known needs no room.
    assert!(!events.add_event(NewEvent { most: 2, ..came("e1", &["a"]) }).await.unwrap());
    let waiting = events.waiting("shop", "a", 10).await.unwrap();
    events.attempted(waiting[1].number, is(DeliveryState::Forwarded, NOW, &well())).await.unwrap();
    assert!(events.add_event(NewEvent { most: 2, ..came("e3", &["a"]) }).await.unwrap());
    assert_eq!(ids(&store).await, ["e3", "e1"]);
}

pub(crate) async fn an_event_goes_with_its_integration(store: Subject) {
    let events = events(&store);
    let generation = store.put("shop", None, b"x").await.unwrap();
    events.add_event(came("e", &["a"])).await.unwrap();
    store.put("shop", Some(generation), b"y").await.unwrap();
    assert_eq!(ids(&store).await, ["e"], "a change forgets none");
    store.delete("shop", None).await.unwrap();
    assert!(ids(&store).await.is_empty() && events.lanes().await.unwrap().is_empty());
}

pub(crate) async fn an_event_is_redelivered_to_what_it_has_not_reached_or_to_what_is_named(store: Subject) {
    let events = events(&store);
    events.add_event(came("e", &["a", "b"])).await.unwrap();
    let (first, b) = (waiting(&store).await, events.waiting("shop", "b", 1).await.unwrap().remove(0));
    events.attempted(first.number, is(DeliveryState::PutAside, NOW, &vain("refused"))).await.unwrap();
    events.attempted(b.number, is(DeliveryState::Forwarded, NOW, &well())).await.unwrap();
    let said = events.redeliver("shop", "e", again(&["a", "b", "c"], NOW + 5)).await.unwrap();
    assert_eq!(said, told(&["a", "c"], &[]));
    assert_eq!(events.redeliver("shop", "none", again(&["a"], NOW + 5)).await.unwrap(), None);
    let event = events.event("shop", "e").await.unwrap().unwrap().event;
    let deliveries: Vec<_> =
        event.deliveries.iter().map(|it| (&*it.target, it.state, it.attempts, it.due_ms)).collect();
    assert_eq!(
        deliveries,
        [
            ("a", DeliveryState::Waits, 0, NOW + 5),
            ("b", DeliveryState::Forwarded, 1, NOW),
            ("c", DeliveryState::Waits, 0, NOW + 5)
        ]
    );
    assert!(event.deliveries[0].tries.is_empty());
    // What was refused is made anew.
    assert_eq!((first.round, waiting(&store).await.round), (0, 1));
    let named = Redelivery { named: true, ..again(&["b"], NOW + 6) };
    assert_eq!(events.redeliver("shop", "e", named).await.unwrap(), told(&["b"], &[]));
    assert_eq!(events.waiting("shop", "b", 1).await.unwrap()[0].round, 1);
}

pub(crate) async fn what_may_have_been_done_is_known_until_it_is_forwarded_or_made_anew(store: Subject) {
    let events = events(&store);
    events.add_event(came("e", &["a"])).await.unwrap();
    let number = waiting(&store).await.number;
    let stands = async || {
        let Waiting { round, until_ms, begun, .. } = waiting(&store).await;
        (round, until_ms, begun)
    };
    let doubtful = |due_ms, tried| Attempted { doubtful: true, ..is(DeliveryState::Waits, due_ms, tried) };
    let vain = vain("busy");
    assert_eq!(stands().await, (0, None, false));
    // Cut off, it is known until when it may be made again.
    events.begins(number, NOW + 100).await.unwrap();
    events.begins(999, NOW + 100).await.unwrap();
    assert_eq!(stands().await, (0, Some(NOW + 100), true));
    // It is on its way, whoever wants it once more.
    let anew = Redelivery { named: true, anew: true, ..again(&["a"], NOW + 1) };
    assert_eq!(events.redeliver("shop", "e", anew).await.unwrap(), told(&["a"], &[]));
    assert_eq!(stands().await, (0, Some(NOW + 100), true));
    // What was surely not done leaves nothing.
    events.attempted(number, is(DeliveryState::Waits, NOW, &vain)).await.unwrap();
    assert_eq!(stands().await, (0, None, false));
    // Of several attempts the first counts, and one that was refused takes nothing back.
    for until_ms in [NOW + 100, NOW + 200] {
        events.begins(number, until_ms).await.unwrap();
        events.attempted(number, doubtful(NOW, &vain)).await.unwrap();
    }
    events.begins(number, NOW + 300).await.unwrap();
    events.attempted(number, is(DeliveryState::Waits, NOW, &vain)).await.unwrap();
    assert_eq!(stands().await, (0, Some(NOW + 100), false));
    // Once more it is the same, as long as the service knows it; then it has to be named, and is another.
    assert_eq!(events.redeliver("shop", "e", again(&["a"], NOW + 99)).await.unwrap(), told(&["a"], &[]));
    assert_eq!(stands().await, (0, Some(NOW + 100), false));
    assert_eq!(events.redeliver("shop", "e", again(&["a"], NOW + 100)).await.unwrap(), told(&[], &["a"]));
    assert_eq!(stands().await, (0, Some(NOW + 100), false));
    let named = Redelivery { named: true, ..again(&["a"], NOW + 100) };
    assert_eq!(events.redeliver("shop", "e", named).await.unwrap(), told(&["a"], &[]));
    assert_eq!(stands().await, (1, None, false));
    // One that is refused under its key was not done before either: it is another one that is made once more.
    events.begins(number, NOW + 400).await.unwrap();
    events.attempted(number, doubtful(NOW, &vain)).await.unwrap();
    assert_eq!(stands().await, (1, Some(NOW + 400), false));
    events.begins(number, NOW + 500).await.unwrap();
    let refused = Attempted { refused: true, ..is(DeliveryState::PutAside, NOW, &vain) };
    events.attempted(number, refused).await.unwrap();
    assert_eq!(events.redeliver("shop", "e", again(&["a"], NOW + 300)).await.unwrap(), told(&["a"], &[]));
    assert_eq!(stands().await, (2, None, false));
    // One that has arrived is known to have.
    events.begins(number, NOW + 100).await.unwrap();
    events.attempted(number, doubtful(NOW, &vain)).await.unwrap();
    events.attempted(number, is(DeliveryState::Forwarded, NOW, &well())).await.unwrap();
    assert_eq!(events.redeliver("shop", "e", again(&["a"], NOW + 500)).await.unwrap(), told(&[], &[]));
}

//! What a member of a group makes of a coordinator that goes away, and of a group that shares out again and again.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use kafka_protocol::messages::ApiKey;
use tokio::time::{Instant, advance, pause, resume};
use trunkline_core::Kind;

use super::{
    super::{
        codes,
        consume::{Consuming, Held},
    },
    cluster,
    coordinator::{Coordinator, KEPT, State},
    in_group,
};
use crate::queue::broker::{Consumer as _, Delivery, Fate};

const SESSION: Duration = Duration::from_secs(30);
/// A member says so often that it is there.
const BEAT: Duration = Duration::from_secs(3);

/// Whoever reads waits that long for brokers, too.
const LONG: Duration = Duration::from_secs(60);

async fn member(coordinator: &trunkline_testkit::Peer) -> Consuming {
    let cluster = cluster(&coordinator.address().to_string(), None);
    Consuming::begin(&cluster, &Arc::default(), &in_group(), SESSION, false).await.unwrap()
}

/// Waits for something, and lets the time of one heartbeat pass first.
async fn beat(coordinator: &Coordinator, is_so: impl Fn(&State) -> bool) {
    pause();
    advance(BEAT).await;
    resume();
    while !is_so(&coordinator.state.lock().unwrap()) {
        tokio::task::yield_now().await;
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

async fn next(member: &Consuming) -> Delivery<Held> {
    member.fetch(1, soon()).await.unwrap().remove(0)
}

fn body<M>(delivery: &Delivery<M>) -> &str {
    std::str::from_utf8(&delivery.message.body).unwrap()
}

#[tokio::test]
async fn a_follower_who_loses_its_connection_to_the_coordinator_keeps_what_it_has() {
    let (coordinator, peer) = Coordinator::start(&[0]).await;
    let member = member(&peer).await;
    let held = next(&member).await;
    coordinator.state.lock().unwrap().heartbeats.push_back(None);
    beat(&coordinator, |state| state.count(ApiKey::Heartbeat) == 2).await;
    member.settle(held.mark.as_ref().unwrap(), Fate::Ack).await.unwrap();
    let state = coordinator.state.lock().unwrap();
    assert_eq!((state.committed.get(&0), state.count(ApiKey::JoinGroup)), (Some(&(KEPT.start + 1)), 1));
}

/// Whoever comes back as somebody else leaves a member behind, for whom the group waits until its session is over.
#[tokio::test]
async fn a_member_that_the_group_still_knows_comes_back_as_itself() {
    for (code, comes_back) in [(codes::ILLEGAL_GENERATION, "follower"), (codes::UNKNOWN_MEMBER_ID, "")] {
        let (coordinator, peer) = Coordinator::start(&[0]).await;
        let member = member(&peer).await;
        let held = next(&member).await;
        {
            let mut state = coordinator.state.lock().unwrap();
            state.shared_out(&[0]);
            state.heartbeats.push_back(Some(code));
        }
        beat(&coordinator, |state| state.count(ApiKey::SyncGroup) == 2).await;
        assert_eq!(coordinator.state.lock().unwrap().joined, ["", comes_back]);
        // In between it may have been another's.
        let again = next(&member).await;
        assert_eq!(body(&again), body(&held));
        let error = member.settle(held.mark.as_ref().unwrap(), Fate::Ack).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Rejected, "{error}");
        member.settle(again.mark.as_ref().unwrap(), Fate::Ack).await.unwrap();
    }
}

/// The coordinator says the same generation again to a follower that asks again for its part.
#[tokio::test]
async fn a_follower_whose_part_got_lost_on_the_way_keeps_what_it_has() {
    let (coordinator, peer) = Coordinator::start(&[0]).await;
    let member = member(&peer).await;
    let held = next(&member).await;
    {
        let mut state = coordinator.state.lock().unwrap();
        state.share_out(&[0]);
        state.syncs.push_back(|_| codes::COORDINATOR_NOT_AVAILABLE);
    }
    beat(&coordinator, |state| state.count(ApiKey::SyncGroup) == 3).await;
    member.settle(held.mark.as_ref().unwrap(), Fate::Ack).await.unwrap();
    assert_eq!(coordinator.state.lock().unwrap().committed.get(&0), Some(&(KEPT.start + 1)));
}

/// Between the two generations that it has a part of there was one in which another one may have had it.
#[tokio::test]
async fn what_a_member_had_before_a_generation_without_it_is_void() {
    let (coordinator, peer) = Coordinator::start(&[0]).await;
    let member = member(&peer).await;
    let held = next(&member).await;
    assert_eq!(body(&held), "3");
    {
        let mut state = coordinator.state.lock().unwrap();
        state.share_out(&[0]);
        state.syncs.push_back(|state| {
            state.shared_out(&[0]);
            state.committed.insert(0, 7);
            codes::REBALANCE_IN_PROGRESS
        });
    }
    beat(&coordinator, |state| state.count(ApiKey::SyncGroup) == 3).await;
    let error = member.settle(held.mark.as_ref().unwrap(), Fate::Ack).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Rejected, "{error}");
    let again = next(&member).await;
    assert_eq!(body(&again), "7");
    member.settle(again.mark.as_ref().unwrap(), Fate::Ack).await.unwrap();
    assert_eq!(coordinator.state.lock().unwrap().committed.get(&0), Some(&8));
}

/// While it is asked where a new partition begins the group gives that to another, and back again later.
#[tokio::test]
async fn a_partition_that_is_gone_before_it_is_read_is_not_read_from_its_beginning_later() {
    let (coordinator, peer) = Coordinator::start(&[0]).await;
    let member = Arc::new(member(&peer).await);
    let reading = member.clone();
    let reader = tokio::spawn(async move {
        loop {
            for delivery in reading.fetch(10, Instant::now() + LONG).await.unwrap() {
                // What the group does not hear because it is sharing out comes again.
                let _ = reading.settle(delivery.mark.as_ref().unwrap(), Fate::Ack).await;
            }
        }
    });
    let asked = |state: &State, index| state.fetched.iter().any(|(asked, _)| *asked == index);
    let share_out = |part: &[i32]| {
        let mut state = coordinator.state.lock().unwrap();
        state.share_out(part);
        state.fetched.clear();
    };
    beat(&coordinator, |state| state.committed.get(&0) == Some(&KEPT.end)).await;
    coordinator.state.lock().unwrap().is_slow = true;
    let before = coordinator.state.lock().unwrap().count(ApiKey::ListOffsets);
    share_out(&[0, 1]);
    beat(&coordinator, |state| state.count(ApiKey::ListOffsets) > before).await;
    share_out(&[0]);
    beat(&coordinator, |state| state.count(ApiKey::SyncGroup) == 3).await;
    let heard = coordinator.state.lock().unwrap().count(ApiKey::Heartbeat);
    beat(&coordinator, |state| state.count(ApiKey::Heartbeat) > heard).await;
    coordinator.state.lock().unwrap().is_slow = false;
    beat(&coordinator, |state| asked(state, 0)).await;
    share_out(&[0, 1]);
    beat(&coordinator, |state| asked(state, 1)).await;
    let fetched: BTreeSet<_> = coordinator.state.lock().unwrap().fetched.iter().copied().collect();
    assert!(fetched.iter().all(|(_, offset)| *offset >= KEPT.start), "{fetched:?}");
    beat(&coordinator, |state| state.committed.get(&1) == Some(&KEPT.end)).await;
    reader.abort();
}

//! `Leases`: messages that somebody has and has not acknowledged yet, each under a token. What is not acknowledged in time
//! goes back; how many there may be is asked for before they are fetched.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use trunkline_core::{Error, Kind, Result};

use super::{
    attended::Attended,
    broker::{Broker, Consumer, Delivery},
    readers::Reader,
};

/// A message on its way to somebody who is to acknowledge it.
pub(super) struct Lease<B: Broker> {
    /// The connection that it came over.
    pub(super) link: Arc<B::Link>,
    /// Who read it, and hears what has become of it.
    pub(super) consumer: Arc<Attended<B>>,
    pub(super) delivery: Delivery<<B::Consumer as Consumer>::Mark>,
    /// As whom it was read.
    pub(super) group: Option<Arc<str>>,
    /// How often it was delivered, as far as is known.
    pub(super) deliveries: Option<u32>,
    /// Which stream it went out on, if it was one.
    pub(super) stream: Option<u64>,
    /// Its place among the unacknowledged ones of its stream.
    pub(super) _place: Option<OwnedSemaphorePermit>,
    /// Its room among all that are out.
    pub(super) _room: Option<OwnedSemaphorePermit>,
}

impl<B: Broker> Lease<B> {
    /// A message that a reader has, and nobody yet counted or was given.
    pub(super) fn new(reader: &Reader<B>, delivery: Delivery<<B::Consumer as Consumer>::Mark>) -> Self {
        Self {
            link: reader.link.clone(),
            consumer: reader.consumer.clone(),
            group: reader.group.clone(),
            delivery,
            deliveries: None,
            stream: None,
            _place: None,
            _room: None,
        }
    }

    /// Whether the broker would not deliver it once more.
    pub(super) fn is_last(&self) -> bool {
        self.delivery
            .deliveries
            .zip(self.consumer.most_deliveries())
            .is_some_and(|(count, most)| count >= most)
    }
}

/// Room for messages that are yet to be fetched; what is not used of it others have.
pub(super) struct Room(OwnedSemaphorePermit);

impl Room {
    /// For how many there is room.
    pub(super) fn count(&self) -> u32 {
        self.0.num_permits() as u32
    }

    /// The room of one of them.
    pub(super) fn one(&mut self) -> Option<OwnedSemaphorePermit> {
        self.0.split(1)
    }
}

/// All that are out.
pub(super) struct Leases<B: Broker> {
    held: Mutex<HashMap<String, (Instant, Lease<B>)>>,
    room: Arc<Semaphore>,
    /// How long each may take.
    time: Duration,
}

/// So many may be out: each holds its message in memory.
const MOST: usize = 100_000;
/// Who is about to fetch has at most such a part of the room that is left: they may wait long, and get less.
const PART: usize = 8;

impl<B: Broker> Leases<B> {
    /// None yet, each for so long.
    pub(super) fn new(time: Duration) -> Self {
        Self { held: Mutex::default(), room: Arc::new(Semaphore::new(MOST)), time }
    }

    /// How many are out.
    pub(super) fn len(&self) -> usize {
        self.held().len()
    }

    /// Room for as many as `wanted`, or for fewer where there is little.
    ///
    /// # Errors
    ///
    /// `throttled` where there is none.
    pub(super) fn room(&self, wanted: u32) -> Result<Room> {
        // Another may be faster; then there is perhaps still room for one.
        let first = self.room.clone().try_acquire_many_owned(self.part(wanted));
        first.or_else(|_| self.room.clone().try_acquire_owned()).map(Room).map_err(|_| {
            let message = "too many messages wait to be acknowledged; acknowledge some";
            Error::new(Kind::Throttled, message)
        })
    }

    /// The same, once there is room.
    pub(super) async fn some_room(&self, wanted: u32) -> Room {
        let mut room = self.room.clone().acquire_owned().await.expect("it is never closed");
        if let Ok(more) = self.room.clone().try_acquire_many_owned(self.part(wanted) - 1) {
            room.merge(more);
        }
        Room(room)
    }

    fn part(&self, wanted: u32) -> u32 {
        wanted.min((self.room.available_permits() / PART) as u32).max(1)
    }

    /// Keeps a message for whoever gets the token.
    pub(super) fn hold(&self, token: String, lease: Lease<B>) {
        self.held().insert(token, (Instant::now() + self.time, lease));
    }

    /// The message of a token, which is used up by that.
    ///
    /// # Errors
    ///
    /// `rejected` where there is none.
    pub(super) fn take(&self, token: &str) -> Result<Lease<B>> {
        self.held().remove(token).map(|(_, lease)| lease).ok_or_else(|| {
            let message = "no message waits for this token: it was used, or not in time; then the message comes again with \
                           another one";
            Error::new(Kind::Rejected, message)
        })
    }

    /// Those whose time is up, and when the next one's will be; `None` where there are no others.
    pub(super) fn overdue(&self) -> (Vec<Lease<B>>, Option<Instant>) {
        let now = Instant::now();
        let mut held = self.held();
        let overdue = held.extract_if(|_, (until, _)| *until <= now);
        let overdue: Vec<_> = overdue.map(|(_, (_, lease))| lease).collect();
        (overdue, held.values().map(|(until, _)| *until).min())
    }

    /// Those that went out on a stream.
    pub(super) fn of_stream(&self, stream: u64) -> Vec<Lease<B>> {
        let mut held = self.held();
        let all = held.extract_if(|_, (_, lease)| lease.stream == Some(stream));
        all.map(|(_, (_, lease))| lease).collect()
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<Lease<B>> {
        self.held().drain().map(|(_, (_, lease))| lease).collect()
    }

    fn held(&self) -> MutexGuard<'_, HashMap<String, (Instant, Lease<B>)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: Broker> std::fmt::Debug for Leases<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Leases").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::queue::memory::Memory;

    #[test]
    fn those_who_fetch_at_once_have_room_for_no_more_than_may_be_out() {
        let leases = Leases::<Memory>::new(Duration::from_secs(1));
        let mut rooms: Vec<_> = std::iter::from_fn(|| leases.room(10_000).ok()).collect();
        assert_eq!(rooms.iter().map(Room::count).sum::<u32>(), MOST as u32);
        assert_eq!(rooms[0].count(), 10_000);
        assert!(rooms.len() > 50, "who waits keeps few from fetching: {}", rooms.len());
        assert_eq!(leases.room(1).err().map(|error| error.kind()), Some(Kind::Throttled));
        assert!(leases.some_room(8).now_or_never().is_none(), "a stream waits");
        let one = rooms[0].one();
        rooms.clear();
        assert_eq!(leases.some_room(32).now_or_never().map(|room| room.count()), Some(32));
        assert_eq!(leases.room.available_permits(), MOST - 1, "who has one has its room");
        drop(one);
    }
}

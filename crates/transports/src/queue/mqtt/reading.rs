//! `Reading`: a connection that messages come over, and those that were not acknowledged yet.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use rumqttc::{AsyncClient, Event, EventLoop, Incoming, Outgoing, Publish, QoS};
use tokio::{
    sync::{Notify, oneshot},
    time::{Instant, timeout_at},
};
use tokio_util::task::AbortOnDropHandle;
use trunkline_core::{Error, Outcome, Result};

use super::{
    failure,
    link::{MqttLink, subscribe},
    message::message,
    target::{Made, Target},
};
use crate::queue::broker::{Consumer, Delivery, Fate, Subscription};

/// A connection that messages come over. Whoever reads for a group shares it.
pub(super) struct Reading {
    client: AsyncClient,
    shared: Arc<Shared>,
    _task: AbortOnDropHandle<()>,
}

#[derive(Default)]
struct Shared {
    inside: Mutex<Inside>,
    /// Who waits for an acknowledgement to be written, by the id of its packet.
    writing: Mutex<HashMap<u16, oneshot::Sender<()>>>,
    bell: Notify,
    ended: AtomicBool,
}

#[derive(Default)]
struct Inside {
    ready: VecDeque<Came>,
    number: u64,
    /// Bytes of those that give way.
    loose: usize,
}

/// A message that came, and its number here.
#[derive(Clone)]
struct Came {
    number: u64,
    publish: Publish,
    again: bool,
    /// Whether the broker waits for its acknowledgement, and sends no more than so many before that. All others give way to
    /// newer ones.
    is_kept: bool,
}

/// So many messages may wait that nobody has taken, and that give way …
const READY: usize = 10_000;
/// … and so many bytes.
const BYTES: usize = 64 << 20;

impl Reading {
    /// For a group of `owner`: in a session that the broker keeps, which a named one shares with whoever else reads for it.
    pub(super) async fn of_group(
        target: &Target,
        link: &MqttLink,
        (owner, group, source): (&str, &str, &str),
        gone: &Arc<AtomicU64>,
    ) -> Result<Arc<Self>> {
        let made = target.of_group(&link.context, &link.login, (owner, group, source)).await.map_err(kept)?;
        let filter = match group {
            Subscription::UNNAMED => source.to_owned(),
            group => format!("$share/{group}/{source}"),
        };
        Self::begin(made, &filter, true, gone.clone()).await
    }

    /// For whoever listens by themselves.
    pub(super) async fn alone(
        target: &Target,
        link: &MqttLink,
        source: &str,
        gone: &Arc<AtomicU64>,
    ) -> Result<Arc<Self>> {
        let made = target.alone(&link.context, &link.login).await.map_err(kept)?;
        Self::begin(made, source, false, gone.clone()).await
    }

    async fn begin(made: Made, filter: &str, is_kept: bool, gone: Arc<AtomicU64>) -> Result<Arc<Self>> {
        let Made { client, events, turn, .. } = made;
        let shared = Arc::new(Shared::default());
        let task = AbortOnDropHandle::new(tokio::spawn({
            let shared = shared.clone();
            async move {
                run(events, shared, is_kept, gone).await;
                drop(turn);
            }
        }));
        let this = Self { client, shared, _task: task };
        // Also where the session was kept: not every broker keeps what is subscribed in it over a restart.
        subscribe(&this.client, filter, QoS::AtLeastOnce).await.map_err(kept)?;
        Ok(Arc::new(this))
    }

    pub(super) fn is_alive(&self) -> bool {
        !self.shared.ended.load(Ordering::Acquire)
    }

    async fn take(&self, max: u32) -> Result<Vec<Came>> {
        loop {
            let rung = self.shared.bell.notified();
            if !self.is_alive() {
                return Err(ended());
            }
            {
                let mut inside = self.shared.inside();
                let some = inside.take(max as usize);
                if !some.is_empty() {
                    return Ok(some);
                }
            }
            rung.await;
        }
    }

    /// Acknowledges a message. It is on its way to the broker when this returns, which is all that can be known: there is no
    /// answer to it.
    async fn acknowledge(&self, publish: &Publish) -> Result<()> {
        let (tell, written) = oneshot::channel();
        self.shared.writing().insert(publish.pkid, tell);
        let lost =
            |error: &dyn std::fmt::Display| failure::lost("acknowledging a message", &error.to_string());
        // The task that would tell may have ended just now.
        if !self.is_alive() {
            return Err(lost(&"it ended"));
        }
        self.client.ack(publish).await.map_err(|error| lost(&error))?;
        written.await.map_err(|_| lost(&"it ended"))
    }

    /// Gives back what nobody dealt with.
    fn back(&self, mut came: Came) {
        came.again = true;
        let mut inside = self.shared.inside();
        let at = inside.ready.partition_point(|other| other.number < came.number);
        inside.ready.insert(at, came);
        drop(inside);
        self.shared.bell.notify_waiters();
    }
}

impl Shared {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self) -> MutexGuard<'_, HashMap<u16, oneshot::Sender<()>>> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    /// One more, and how many gave way to it.
    fn add(&mut self, publish: Publish, is_kept: bool) -> u64 {
        self.number += 1;
        let mut gone = 0;
        if !is_kept {
            self.loose += publish.payload.len();
            while self.ready.len() >= READY || self.loose > BYTES {
                let Some(oldest) = self.ready.iter().position(|came| !came.is_kept) else { break };
                let oldest = self.ready.remove(oldest);
                self.loose -= oldest.map_or(0, |came| came.publish.payload.len());
                gone += 1;
            }
        }
        let came = Came { number: self.number, again: publish.dup, is_kept, publish };
        self.ready.push_back(came);
        gone
    }

    fn take(&mut self, max: usize) -> Vec<Came> {
        let count = self.ready.len().min(max);
        let taken: Vec<_> = self.ready.drain(..count).collect();
        let loose = taken.iter().filter(|came| !came.is_kept);
        self.loose -= loose.map(|came| came.publish.payload.len()).sum::<usize>();
        taken
    }
}

/// Keeps the connection until it is lost. What was not acknowledged then comes again over the next one.
async fn run(mut events: EventLoop, shared: Arc<Shared>, is_kept: bool, gone: Arc<AtomicU64>) {
    while let Ok(event) = events.poll().await {
        match event {
            Event::Incoming(Incoming::Publish(publish)) => {
                // At most once is what its sender wanted, whoever reads.
                let is_kept = is_kept && publish.qos != QoS::AtMostOnce;
                gone.fetch_add(shared.inside().add(publish, is_kept), Ordering::Relaxed);
                shared.bell.notify_waiters();
            }
            // The library says so once it has written and flushed it.
            Event::Outgoing(Outgoing::PubAck(id) | Outgoing::PubRec(id)) => {
                if let Some(tell) = shared.writing().remove(&id) {
                    let _ = tell.send(());
                }
            }
            _ => {}
        }
    }
    shared.ended.store(true, Ordering::Release);
    shared.writing().clear();
    shared.bell.notify_waiters();
}

/// Who reads, of those who share a connection.
pub(in crate::queue) struct Consuming {
    reading: Arc<Reading>,
    /// What this one has and has not settled.
    here: Mutex<BTreeMap<u64, Came>>,
}

impl Consuming {
    pub(super) fn new(reading: Arc<Reading>) -> Self {
        Self { reading, here: Mutex::default() }
    }

    fn here(&self) -> MutexGuard<'_, BTreeMap<u64, Came>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Consumer for Consuming {
    type Mark = u64;

    async fn fetch(&self, max: u32, until: Instant) -> Result<Vec<Delivery<u64>>> {
        let Ok(came) = timeout_at(until, self.reading.take(max)).await else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for came in came? {
            let mut facts = vec![("qos", (came.publish.qos as u8).into())];
            if came.publish.retain {
                facts.push(("retained", true.into()));
            }
            found.push(Delivery {
                message: message(&came.publish),
                deliveries: None,
                redelivered: came.again,
                timestamp: None,
                facts,
                mark: came.is_kept.then_some(came.number),
            });
            if came.is_kept {
                self.here().insert(came.number, came);
            }
        }
        Ok(found)
    }

    async fn settle(&self, number: &u64, fate: Fate) -> Result<()> {
        let Some(came) = self.here().remove(number) else { return Ok(()) };
        if !self.reading.is_alive() {
            return Err(ended().outcome_is(Outcome::Unknown));
        }
        match fate {
            Fate::Requeue => self.reading.back(came),
            Fate::Ack | Fate::Reject => self.reading.acknowledge(&came.publish).await?,
        }
        Ok(())
    }
}

impl Drop for Consuming {
    fn drop(&mut self) {
        for came in std::mem::take(&mut *self.here()).into_values() {
            self.reading.back(came);
        }
    }
}

fn ended() -> Error {
    kept(failure::lost("reading", &"it ended"))
}

/// Nothing is lost where reading fails: it comes again.
fn kept(error: Error) -> Error {
    error.outcome_is(Outcome::Rejected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publish(bytes: usize) -> Publish {
        Publish { payload: vec![0; bytes].into(), ..Publish::default() }
    }

    fn numbers(taken: &[Came]) -> Vec<u64> {
        taken.iter().map(|came| came.number).collect()
    }

    #[test]
    fn what_nobody_acknowledges_gives_way_to_what_is_newer_and_nothing_else_does() {
        let mut inside = Inside::default();
        let sizes = [(BYTES, true), (BYTES / 2, false), (BYTES / 2, false), (1, false)];
        let gone = sizes.map(|(bytes, is_kept)| inside.add(publish(bytes), is_kept));
        assert_eq!(gone, [0, 0, 0, 1]);
        assert_eq!(numbers(&inside.take(10)), [1, 3, 4]);
        assert_eq!(inside.loose, 0);
        let gone = (0..READY + 5).map(|_| inside.add(publish(1), false)).sum::<u64>();
        assert_eq!(gone, 5);
        let taken = inside.take(usize::MAX);
        assert_eq!((taken.len(), taken[0].number, inside.loose), (READY, 10, 0));
    }
}

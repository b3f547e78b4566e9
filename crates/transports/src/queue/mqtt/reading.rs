//! `Reading`: a connection that messages come over, and those that were not acknowledged yet.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use rumqttc::{AsyncClient, Event, EventLoop, Incoming, Publish, QoS};
use tokio::{
    sync::Notify,
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
    /// Whether messages have to be acknowledged.
    is_kept: bool,
    _task: AbortOnDropHandle<()>,
}

#[derive(Default)]
struct Shared {
    inside: Mutex<Inside>,
    bell: Notify,
    ended: AtomicBool,
}

#[derive(Default)]
struct Inside {
    ready: VecDeque<Came>,
    number: u64,
}

/// A message that came, and its number here.
#[derive(Clone)]
struct Came {
    number: u64,
    publish: Publish,
    again: bool,
}

/// Messages that nobody has taken: of those that no session keeps, older ones give way.
const READY: usize = 10_000;

impl Reading {
    /// For a group: in a session that the broker keeps, which a named one shares with whoever else reads for it.
    pub(super) async fn of_group(
        target: &Target,
        link: &MqttLink,
        source: &str,
        group: &str,
    ) -> Result<Arc<Self>> {
        let made = target.of_group(&link.context, &link.login, source, group).await.map_err(kept)?;
        let filter = match group {
            Subscription::UNNAMED => source.to_owned(),
            group => format!("$share/{group}/{source}"),
        };
        Self::begin(made, &filter, true).await
    }

    /// For whoever listens by themselves.
    pub(super) async fn alone(target: &Target, link: &MqttLink, source: &str) -> Result<Arc<Self>> {
        let made = target.alone(&link.context, &link.login).await.map_err(kept)?;
        Self::begin(made, source, false).await
    }

    async fn begin(made: Made, filter: &str, is_kept: bool) -> Result<Arc<Self>> {
        let Made { client, events } = made;
        let shared = Arc::new(Shared::default());
        let task = AbortOnDropHandle::new(tokio::spawn(run(events, shared.clone(), is_kept)));
        let this = Self { client, shared, is_kept, _task: task };
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
                let count = inside.ready.len().min(max as usize);
                if count > 0 {
                    return Ok(inside.ready.drain(..count).collect());
                }
            }
            rung.await;
        }
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
}

/// Keeps the connection until it is lost. What was not acknowledged then comes again over the next one.
async fn run(mut events: EventLoop, shared: Arc<Shared>, is_kept: bool) {
    while let Ok(event) = events.poll().await {
        let Event::Incoming(Incoming::Publish(publish)) = event else { continue };
        let mut inside = shared.inside();
        inside.number += 1;
        let came = Came { number: inside.number, again: publish.dup, publish };
        if !is_kept && inside.ready.len() >= READY {
            inside.ready.pop_front();
        }
        inside.ready.push_back(came);
        drop(inside);
        shared.bell.notify_waiters();
    }
    shared.ended.store(true, Ordering::Release);
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
            let is_kept = self.reading.is_kept && came.publish.qos != QoS::AtMostOnce;
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
                mark: is_kept.then_some(came.number),
            });
            if is_kept {
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
            Fate::Ack | Fate::Reject => {
                let told = self.reading.client.ack(&came.publish).await;
                told.map_err(|error| failure::lost("acknowledging a message", &error))?;
            }
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

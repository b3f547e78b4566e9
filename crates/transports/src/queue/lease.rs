//! `Leases`: messages that somebody has and has not acknowledged yet, each under a token. What is not acknowledged in time
//! goes back.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::OwnedSemaphorePermit, time::Instant};
use trunkline_core::{Error, Kind, Result};

use super::broker::{Broker, Consumer, Delivery};

/// A message on its way to somebody who is to acknowledge it.
pub(super) struct Lease<B: Broker> {
    /// The connection that it came over.
    pub(super) link: Arc<B::Link>,
    /// Who read it, and hears what has become of it.
    pub(super) consumer: Arc<B::Consumer>,
    pub(super) delivery: Delivery<<B::Consumer as Consumer>::Mark>,
    /// How often it was delivered, as far as is known.
    pub(super) deliveries: Option<u32>,
    /// Which stream it went out on, if it was one.
    pub(super) stream: Option<u64>,
    /// Its place among the unacknowledged ones of its stream.
    pub(super) _place: Option<OwnedSemaphorePermit>,
}

/// All that are out.
pub(super) struct Leases<B: Broker> {
    held: Mutex<HashMap<String, (Instant, Lease<B>)>>,
    /// How long each may take.
    time: Duration,
}

/// So many may be out: each holds its message in memory.
const MOST: usize = 100_000;

impl<B: Broker> Leases<B> {
    /// None yet, each for so long.
    pub(super) fn new(time: Duration) -> Self {
        Self { held: Mutex::default(), time }
    }

    /// How many are out.
    pub(super) fn len(&self) -> usize {
        self.held().len()
    }

    /// How many more may be.
    pub(super) fn room(&self) -> u32 {
        MOST.saturating_sub(self.len()) as u32
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

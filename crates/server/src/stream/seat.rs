//! `Seat`: the place of a connection, and the task that serves it, for a stream that has to cut it.

use std::{net::IpAddr, sync::OnceLock};

use tokio::task::AbortHandle;

use crate::places::Place;

/// What requests know of the connection that they came over.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) place: Place,
    /// Where it comes from.
    pub(crate) peer: IpAddr,
    task: OnceLock<AbortHandle>,
}

impl Seat {
    /// Of a connection that nobody serves yet.
    pub(crate) fn new(place: Place, peer: IpAddr) -> Self {
        Self { place, peer, task: OnceLock::new() }
    }

    /// Says which task serves it.
    pub(crate) fn served_by(&self, task: AbortHandle) {
        let _ = self.task.set(task);
    }

    /// Hangs up.
    pub(super) fn cut(&self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

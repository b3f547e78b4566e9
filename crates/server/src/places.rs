//! `Places`: how many connections there may be, and a few more, so that a server whose callers take all of them
//! still lets in whoever comes to see what is wrong.
//!
//! Who connects is not known before the head of a request was read. So a connection beyond the limit is taken
//! all the same, and serves one request of any kind but a call.

use std::{sync::Arc, time::Duration};

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use trunkline::{Error, Kind};

/// Connections beyond the limit.
const RESERVE: usize = 16;

/// The places for connections, over all workers.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// All of them, the reserve too.
    all: Arc<Semaphore>,
    ordinary: Arc<Semaphore>,
}

/// Leave to accept a connection. It is no error: nobody closes the places.
pub(crate) type Leave = Result<OwnedSemaphorePermit, AcquireError>;

/// The place of a connection; given back on drop.
#[derive(Debug)]
pub(crate) struct Place {
    /// None for a place of the reserve. Given back first, so that it is there for whoever gets the leave.
    ordinary: Option<OwnedSemaphorePermit>,
    _leave: Leave,
}

impl Places {
    pub(crate) fn new(connections: usize) -> Self {
        let ordinary = connections.min(Semaphore::MAX_PERMITS - RESERVE);
        Self {
            all: Arc::new(Semaphore::new(ordinary + RESERVE)),
            ordinary: Arc::new(Semaphore::new(ordinary)),
        }
    }

    /// Waits until there is a place for whoever comes next.
    pub(crate) async fn leave(&self) -> Leave {
        self.all.clone().acquire_owned().await
    }

    /// The place of a connection that has come: an ordinary one if there is one by now.
    pub(crate) fn take(&self, leave: Leave) -> Place {
        Place { ordinary: self.ordinary.clone().try_acquire_owned().ok(), _leave: leave }
    }
}

impl Place {
    /// Whether it is one beyond the limit.
    pub(crate) fn is_reserved(&self) -> bool {
        self.ordinary.is_none()
    }
}

/// What a call hears that came over a connection beyond the limit.
pub(crate) fn full() -> Error {
    // Spread as the refusals of the pipeline are, so that those who are refused together do not come together.
    let wait = Duration::from_secs(1).mul_f64(1.0 + fastrand::f64());
    Error::new(
        Kind::Overloaded,
        "all connections of this server are taken; call over fewer of them, or raise server.connections",
    )
    .retry_after(wait)
}

//! `Room`: memory for the bodies of calls, of all clients together; who finds none hears `overloaded` before their
//! body has taken any.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use trunkline::{Error, Kind};

use crate::problem::Problem;

/// Bytes for the bodies of all calls that are under way.
const BODIES: usize = 64 << 20;

/// Memory for bodies, in bytes.
#[derive(Debug)]
pub(crate) struct Room(Arc<Semaphore>);

/// What one request has taken of it; given back on drop.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    room: Option<&'a Room>,
    taken: Taken,
}

/// Memory that grows as a body comes in.
pub(crate) trait Takes {
    /// Takes so many bytes more.
    ///
    /// # Errors
    ///
    /// `overloaded` where they are not to be had.
    fn grow(&mut self, bytes: usize) -> Result<(), Problem>;
}

/// The same without the way to take more: it may outlive the request, as the call does that it is for.
pub(crate) type Taken = Option<OwnedSemaphorePermit>;

impl Room {
    /// Room for 64 MiB, or for a few bodies where one may be larger.
    pub(crate) fn new(body_limit: usize) -> Self {
        let bytes = BODIES.max(body_limit.saturating_mul(4)).min(Semaphore::MAX_PERMITS);
        Self(Arc::new(Semaphore::new(bytes)))
    }

    /// Nothing yet, to be grown as a body comes in.
    pub(crate) fn hold(&self) -> Held<'_> {
        Held { room: Some(self), taken: None }
    }
}

impl Held<'_> {
    /// For what an operator sends: it is small, and never refused.
    pub(crate) fn unbounded() -> Self {
        Self { room: None, taken: None }
    }

    /// What was taken, to be kept for longer than the request.
    pub(crate) fn keep(self) -> Taken {
        self.taken
    }
}

impl Takes for Held<'_> {
    fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        let Some(Room(free)) = self.room else { return Ok(()) };
        let more =
            u32::try_from(bytes).ok().and_then(|bytes| free.clone().try_acquire_many_owned(bytes).ok());
        let Some(more) = more else {
            // Spread, so that those who are refused together do not come together again.
            let wait = Duration::from_secs(1).mul_f64(1.0 + fastrand::f64());
            let error = Error::new(
                Kind::Overloaded,
                "the bodies of the calls under way take all the memory there is for them; send fewer or smaller ones at the same time",
            );
            return Err(Problem::of(&error.retry_after(wait)));
        };
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_given_back_and_nobody_gets_more_than_there_is() {
        let room = Room::new(0);
        let (mut first, mut second) = (room.hold(), room.hold());
        first.grow(BODIES - 10).unwrap();
        second.grow(10).unwrap();
        let refused = second.grow(1).unwrap_err().response();
        assert_eq!(refused.status(), 503);
        assert!(["1", "2"].contains(&refused.headers()["retry-after"].to_str().unwrap()));
        Held::unbounded().grow(usize::MAX).unwrap();
        let kept = first.keep();
        second.grow(1).unwrap_err();
        drop(kept);
        second.grow(BODIES - 10).unwrap();
    }
}

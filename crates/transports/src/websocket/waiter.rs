//! `Waiter`: whoever waits for what is made of a command on a connection, and hears of it in any case.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use trunkline_core::{Error, Kind, Outcome, Result};

use super::stir::Stir;

/// The side of the connection. Dropped without a word, it says that the connection was lost, and whether anything was sent.
#[derive(Debug)]
pub(crate) struct Waiter<T> {
    slot: Option<Arc<Slot<T>>>,
    sent: bool,
}

/// The side of the caller. Dropped, it stirs the task of the connection.
#[derive(Debug)]
pub(crate) struct Waiting<T> {
    slot: Arc<Slot<T>>,
    /// Until it was told.
    stir: Option<Arc<Stir>>,
}

/// What both sides see.
#[derive(Debug)]
struct Slot<T>(Mutex<State<T>>);

#[derive(Debug)]
enum State<T> {
    /// Nothing was told yet; this is who wants to be woken.
    Waits(Option<Waker>),
    Told(Result<T>),
    /// Nobody waits any more.
    Gone,
}

/// Both sides.
pub(crate) fn waiter<T>(stir: &Arc<Stir>) -> (Waiter<T>, Waiting<T>) {
    let slot = Arc::new(Slot(Mutex::new(State::Waits(None))));
    (Waiter { slot: Some(slot.clone()), sent: false }, Waiting { slot, stir: Some(stir.clone()) })
}

impl<T> Slot<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Waiter<T> {
    /// Whether nobody waits any more.
    pub(crate) fn is_gone(&self) -> bool {
        self.slot.as_ref().is_none_or(|slot| matches!(*slot.lock(), State::Gone))
    }

    /// From now on something of it may have reached the service.
    pub(crate) fn sent(&mut self) {
        self.sent = true;
    }

    /// Tells.
    pub(crate) fn tell(mut self, result: Result<T>) {
        self.say(result);
    }

    fn say(&mut self, result: Result<T>) {
        let Some(slot) = self.slot.take() else { return };
        let mut state = slot.lock();
        // Who has gone away needs no answer.
        if let State::Waits(waker) = &mut *state {
            let waker = waker.take();
            *state = State::Told(result);
            drop(state);
            waker.into_iter().for_each(Waker::wake);
        }
    }
}

impl<T> Drop for Waiter<T> {
    fn drop(&mut self) {
        if self.slot.is_some() {
            let outcome = if self.sent { Outcome::Unknown } else { Outcome::NotSent };
            let message = "the connection ended before there was an answer";
            self.say(Err(Error::new(Kind::Unavailable, message).outcome_is(outcome)));
        }
    }
}

impl<T> Waiting<T> {
    /// What was told. Where nothing was, nobody is woken when it is, until this is polled again: for a caller that may be about
    /// to tell itself.
    pub(super) fn hushed(&mut self) -> Option<Result<T>> {
        self.told(|waker| *waker = None)
    }

    fn told(&mut self, still_waits: impl FnOnce(&mut Option<Waker>)) -> Option<Result<T>> {
        let mut state = self.slot.lock();
        if let State::Waits(waker) = &mut *state {
            still_waits(waker);
            return None;
        }
        self.stir = None;
        Some(match std::mem::replace(&mut *state, State::Gone) {
            State::Told(result) => result,
            _ => Err(Error::new(Kind::Internal, "a waiter was told already")),
        })
    }
}

impl<T> Future for Waiting<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let told = self.told(|waker| match waker {
            Some(waker) => waker.clone_from(cx.waker()),
            None => *waker = Some(cx.waker().clone()),
        });
        told.map_or(Poll::Pending, Poll::Ready)
    }
}

impl<T> Drop for Waiting<T> {
    fn drop(&mut self) {
        if let Some(stir) = self.stir.take() {
            let left = std::mem::replace(&mut *self.slot.lock(), State::Gone);
            drop(left);
            stir.stir();
        }
    }
}

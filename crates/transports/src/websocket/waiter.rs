//! `Waiter`: whoever waits for what a connection's task makes of a command, and hears of it in any case.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::sync::oneshot;
use trunkline_core::{Error, Kind, Outcome, Result};

use super::stir::Stir;

/// The side of the task. Dropped without a word, it says that the connection was lost, and whether anything was sent.
#[derive(Debug)]
pub(crate) struct Waiter<T> {
    tell: Option<oneshot::Sender<Result<T>>>,
    sent: bool,
}

/// The side of the caller. Dropped, it stirs the task.
#[derive(Debug)]
pub(crate) struct Waiting<T> {
    told: oneshot::Receiver<Result<T>>,
    stir: Option<Arc<Stir>>,
}

/// Both sides.
pub(crate) fn waiter<T>(stir: &Arc<Stir>) -> (Waiter<T>, Waiting<T>) {
    let (tell, told) = oneshot::channel();
    (Waiter { tell: Some(tell), sent: false }, Waiting { told, stir: Some(stir.clone()) })
}

impl<T> Waiter<T> {
    /// Whether nobody waits any more.
    pub(crate) fn is_gone(&self) -> bool {
        self.tell.as_ref().is_none_or(oneshot::Sender::is_closed)
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
        if let Some(tell) = self.tell.take() {
            // Who has gone away needs no answer.
            let _ = tell.send(result);
        }
    }
}

impl<T> Drop for Waiter<T> {
    fn drop(&mut self) {
        if self.tell.is_some() {
            let outcome = if self.sent { Outcome::Unknown } else { Outcome::NotSent };
            let message = "the connection ended before there was an answer";
            self.say(Err(Error::new(Kind::Unavailable, message).outcome_is(outcome)));
        }
    }
}

impl<T> Future for Waiting<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let told = ready!(Pin::new(&mut self.told).poll(cx));
        self.stir = None;
        Poll::Ready(
            told.unwrap_or_else(|_| Err(Error::new(Kind::Internal, "a waiter tells when it is dropped"))),
        )
    }
}

impl<T> Drop for Waiting<T> {
    fn drop(&mut self) {
        if let Some(stir) = self.stir.take() {
            self.told.close();
            stir.stir();
        }
    }
}

//! `Alone`: a caller that listens for its answer itself, as long as nothing else is said on the connection. The task of the link,
//! through which all others go, would only have to be woken to wake it.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use trunkline_core::Result;

use super::{Dialogue, desk::Desk};
use crate::websocket::waiter::Waiting;

/// Waits for what is told of a command.
pub(super) struct Alone<D: Dialogue, T> {
    waiting: Waiting<T>,
    /// Until somebody else listens.
    desk: Option<Arc<Desk<D>>>,
}

impl<D: Dialogue, T> Alone<D, T> {
    pub(super) fn new(waiting: Waiting<T>, desk: Arc<Desk<D>>) -> Self {
        Self { waiting, desk: Some(desk) }
    }
}

impl<D: Dialogue, T> Future for Alone<D, T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let Self { waiting, desk } = &mut *self;
        if let Some(listened) = desk {
            // It need not be woken by itself.
            if let Some(told) = waiting.hushed() {
                return Poll::Ready(told);
            }
            let listens = listened.lock().as_mut().is_some_and(|seat| {
                let listens = seat.listen(cx).is_pending();
                if !listens {
                    // It was the answer, or there is more to come than answers.
                    seat.leave();
                }
                listens
            });
            if !listens {
                *desk = None;
            }
        }
        // The task may listen before the answer comes.
        Pin::new(waiting).poll(cx)
    }
}

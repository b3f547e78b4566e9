//! `Stir`: tells the task of a connection that somebody it serves has gone away.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll},
};

use futures_util::task::AtomicWaker;

/// A bell for one task.
#[derive(Debug, Default)]
pub(crate) struct Stir {
    rung: AtomicBool,
    task: AtomicWaker,
}

impl Stir {
    /// Rings.
    pub(crate) fn stir(&self) {
        self.rung.store(true, Ordering::Release);
        self.task.wake();
    }

    /// Whether it has rung since it was last asked.
    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        self.task.register(cx.waker());
        if self.rung.swap(false, Ordering::AcqRel) { Poll::Ready(()) } else { Poll::Pending }
    }
}

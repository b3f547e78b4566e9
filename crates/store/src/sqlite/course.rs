//! How far the rotation is that is under way, for those who watch it, and whether it is to stop.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Progress, RotationState};

/// The rotation of a store that is under way, if one is.
#[derive(Debug, Default)]
pub(super) struct Course(Mutex<Option<UnderWay>>);

#[derive(Debug, Clone, Copy)]
struct UnderWay {
    progress: Progress,
    /// Whether somebody wants it to end before its time.
    stop: bool,
}

impl Course {
    /// A rotation begins that has so many envelopes to wrap. It is under way until what this gives is dropped.
    pub(super) fn begin(&self, of: u64) -> Running<'_> {
        *self.now() = Some(UnderWay { progress: Progress { moved: 0, of }, stop: false });
        Running(self)
    }

    /// Asks the one that is under way to stop.
    pub(super) fn stop(&self) {
        if let Some(under_way) = &mut *self.now() {
            under_way.stop = true;
        }
    }

    /// How the one that is under way stands.
    pub(super) fn state(&self) -> Option<RotationState> {
        let UnderWay { progress, stop } = (*self.now())?;
        Some(if stop { RotationState::Stopping(progress) } else { RotationState::Running(progress) })
    }

    fn now(&self) -> MutexGuard<'_, Option<UnderWay>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A rotation that is under way.
pub(super) struct Running<'a>(&'a Course);

impl Running<'_> {
    /// Notes how many envelopes it has wrapped so far.
    pub(super) fn moved(&self, moved: u64) {
        if let Some(under_way) = &mut *self.0.now() {
            under_way.progress.moved = moved;
        }
    }

    /// Whether it is to stop.
    pub(super) fn is_to_stop(&self) -> bool {
        self.0.now().is_some_and(|under_way| under_way.stop)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        *self.0.now() = None;
    }
}

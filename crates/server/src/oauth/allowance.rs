//! `Allowance`: how often something is done that strangers can cause.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// How often something may be done that strangers can cause: 60 times at once, and once in a second.
#[derive(Debug)]
pub(super) struct Allowance(Mutex<(u32, Instant)>);

impl Allowance {
    const MOST: u32 = 60;
    const EACH: Duration = Duration::from_secs(1);

    /// Whether it may be done now.
    pub(super) fn take(&self) -> bool {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, since) = &mut *held;
        let more = u32::try_from(since.elapsed().as_secs() / Self::EACH.as_secs()).unwrap_or(u32::MAX);
        if more > 0 {
            (*left, *since) = (left.saturating_add(more).min(Self::MOST), Instant::now());
        }
        let may = *left > 0;
        *left = left.saturating_sub(1);
        may
    }
}

impl Default for Allowance {
    fn default() -> Self {
        Self(Mutex::new((Self::MOST, Instant::now())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn strangers_are_noted_now_and_then() {
        let allowance = Allowance::default();
        assert_eq!((0..100).filter(|_| allowance.take()).count(), 60);
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!((0..100).filter(|_| allowance.take()).count(), 3);
    }
}

//! `Bucket`: how often something may be done that strangers can cause.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// So many times at once, and so often in a second.
#[derive(Debug)]
pub(super) struct Bucket {
    per_second: f64,
    most: f64,
    held: Mutex<(f64, Instant)>,
}

impl Bucket {
    pub(super) fn new(per_second: u32, most: u32) -> Self {
        let (per_second, most) = (f64::from(per_second), f64::from(most));
        Self { per_second, most, held: Mutex::new((most, Instant::now())) }
    }

    /// Takes one.
    ///
    /// # Errors
    ///
    /// How long it takes until there is one.
    pub(super) fn take(&self) -> Result<(), Duration> {
        self.less(1.0)
    }

    /// Whether there is one, which stays.
    ///
    /// # Errors
    ///
    /// As [`Bucket::take`].
    pub(super) fn has(&self) -> Result<(), Duration> {
        self.less(0.0)
    }

    fn less(&self, taken: f64) -> Result<(), Duration> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, since) = &mut *held;
        *left = (*left + since.elapsed().as_secs_f64() * self.per_second).min(self.most);
        *since = Instant::now();
        if *left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - *left) / self.per_second));
        }
        *left -= taken;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_taken_comes_back_with_time_and_no_more_than_there_was() {
        let bucket = Bucket::new(2, 10);
        assert!((0..100).all(|_| bucket.has().is_ok()));
        assert_eq!((0..100).filter(|_| bucket.take().is_ok()).count(), 10);
        assert_eq!(bucket.take(), Err(Duration::from_millis(500)));
        assert_eq!(bucket.has(), Err(Duration::from_millis(500)));
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!((0..100).filter(|_| bucket.take().is_ok()).count(), 6);
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!((0..100).filter(|_| bucket.take().is_ok()).count(), 10);
    }
}

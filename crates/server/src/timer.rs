//! `KeptTimer`: bounds the time for the head of a request. hyper makes a timer for each and drops it when
//! the head is there; this one stays armed from one request of a connection to the next, and setting it to
//! a later time costs next to nothing.

#![expect(clippy::disallowed_types, reason = "hyper's timers are asked for times of the standard library")]

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use hyper::rt::{Sleep, Timer};

/// The timer of one connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeptTimer(Arc<Mutex<Option<Armed>>>);

type Armed = Pin<Box<tokio::time::Sleep>>;

/// The armed timer on loan; dropped, it goes back.
#[derive(Debug)]
struct Loan {
    armed: Option<Armed>,
    home: KeptTimer,
}

impl KeptTimer {
    fn lock(&self) -> MutexGuard<'_, Option<Armed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Timer for KeptTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        let kept = self.lock().take();
        let armed = match kept {
            Some(mut armed) => {
                armed.as_mut().reset(deadline.into());
                armed
            }
            None => Box::pin(tokio::time::sleep_until(deadline.into())),
        };
        Box::pin(Loan { armed: Some(armed), home: self.clone() })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into()
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn Sleep>>, deadline: Instant) {
        if let Some(loan) = sleep.as_mut().downcast_mut_pin::<Loan>()
            && let Some(armed) = &mut loan.get_mut().armed
        {
            armed.as_mut().reset(deadline.into());
        }
    }
}

impl Future for Loan {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.armed {
            Some(armed) => armed.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

impl Sleep for Loan {}

impl Drop for Loan {
    fn drop(&mut self) {
        *self.home.lock() = self.armed.take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_timer_fires_when_it_was_last_set_to_and_not_when_it_was_before() {
        let timer = KeptTimer::default();
        let start = timer.now();
        drop(timer.sleep(Duration::from_secs(30)));
        tokio::time::advance(Duration::from_secs(20)).await;
        let mut second = timer.sleep(Duration::from_secs(30));
        second.as_mut().await;
        assert_eq!((timer.now() - start).as_secs(), 50);
        drop(second);
        timer.sleep(Duration::from_secs(1)).await;
        assert_eq!((timer.now() - start).as_secs(), 51, "one that has fired can be set again");
        let mut moved = timer.sleep(Duration::from_secs(30));
        timer.reset(&mut moved, timer.now() + Duration::from_secs(2));
        moved.await;
        assert_eq!((timer.now() - start).as_secs(), 53);
    }
}

//! `Paced`: connections beside the one that all share, which are made when somebody reads: with pauses that grow while they
//! cannot be made, as for [`Line`](super::line::Line).

use std::{
    future::Future,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};
use trunkline_core::{Error, Result, Retry};

use super::line::PATIENCE;
use crate::again::{copy, pause};

/// What is known of attempts to make a kind of connection.
#[derive(Debug, Default)]
pub(super) struct Paced {
    known: Mutex<Known>,
    /// Of those of whom one tries at a time.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    /// How many failed one behind the other.
    tries: u32,
    /// The last that failed.
    failed: Option<Failed>,
}

#[derive(Debug)]
struct Failed {
    at: Instant,
    /// Nobody tries before.
    until: Instant,
    error: Error,
}

impl Paced {
    /// Makes a connection. As long as that goes well several may be made at a time; after one that failed nobody tries before a
    /// pause has passed, and then one does, whose error all have who wait meanwhile.
    ///
    /// # Errors
    ///
    /// Those of `make`; and that of the last attempt where it is too early for the next one.
    pub(super) async fn make<T>(&self, make: impl Future<Output = Result<T>>) -> Result<T> {
        self.make_in_turn(self.fails(), make).await
    }

    /// The same of one that others share: it is made once at a time. Whoever makes it sees whether it is there by then.
    ///
    /// # Errors
    ///
    /// As of [`Paced::make`].
    pub(super) async fn make_one<T>(&self, make: impl Future<Output = Result<T>>) -> Result<T> {
        self.make_in_turn(true, make).await
    }

    async fn make_in_turn<T>(&self, in_turn: bool, make: impl Future<Output = Result<T>>) -> Result<T> {
        let asked = Instant::now();
        let _turn = if in_turn { Some(self.turn.lock().await) } else { None };
        if let Some(until) = self.until(asked)? {
            sleep_until(until).await;
        }
        let began = Instant::now();
        let made = make.await;
        let mut known = self.known();
        match &made {
            Ok(_) => *known = Known::default(),
            // Several that fail together are one failure.
            Err(_) if known.failed.as_ref().is_some_and(|failed| failed.at > began) => {}
            // It is not for want of a connection: others may have one.
            Err(error) if !matches!(error.kind().row().retry, Retry::Transient | Retry::Paced) => {}
            Err(error) => {
                let at = Instant::now();
                let failed = Failed { at, until: at + pause(known.tries), error: copy(error) };
                *known = Known { tries: known.tries + 1, failed: Some(failed) };
            }
        }
        made
    }

    /// Whether the last attempt failed.
    pub(super) fn fails(&self) -> bool {
        self.known().failed.is_some()
    }

    /// When whoever asked then may try.
    fn until(&self, asked: Instant) -> Result<Option<Instant>> {
        let known = self.known();
        let Some(failed) = &known.failed else { return Ok(None) };
        if asked < failed.at {
            return Err(copy(&failed.error));
        }
        let left = failed.until.saturating_duration_since(asked);
        match left > PATIENCE {
            true => Err(copy(&failed.error).retry_after(left)),
            false => Ok((left > Duration::ZERO).then_some(failed.until)),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

    use futures_util::future::join_all;
    use tokio::time::sleep;
    use trunkline_core::Kind;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn while_connections_fail_few_are_tried_and_all_who_wait_hear_why() {
        let (paced, tried) = (Paced::default(), AtomicU32::new(0));
        let attempt = async |fails: bool| {
            tried.fetch_add(1, SeqCst);
            sleep(Duration::from_millis(1)).await;
            if fails { Err(Error::new(Kind::Unavailable, "no room")) } else { Ok(()) }
        };
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(600) {
            let all = join_all((0..10).map(|_| paced.make(attempt(true)))).await;
            assert!(all.iter().all(|made| made.as_ref().is_err_and(|error| error.message() == "no room")));
            sleep(Duration::from_millis(100)).await;
        }
        // Pauses grow to half a minute, and are a quarter of a minute on average; the first are made together.
        let failed = tried.swap(0, SeqCst);
        assert!((20..=130).contains(&failed), "{failed}");
        sleep(Duration::from_secs(30)).await;
        assert!(paced.make(attempt(false)).await.is_ok());
        let all = join_all((0..10).map(|_| paced.make(attempt(false)))).await;
        assert!(all.iter().all(Result::is_ok));
        assert_eq!(tried.load(SeqCst), 11, "each is made at once");
    }
}

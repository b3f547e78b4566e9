//! `Once`: what is kept for whoever comes back with a secret: once, and not for long.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::random::{Digest, digest};

/// How long it is kept: as long as a person may take to sign in and read what they agree to.
pub(crate) const KEPT: Duration = Duration::from_secs(600);
/// How many wait at most; the oldest go.
const MOST: usize = 10_000;

/// Things that wait, the oldest first.
#[derive(Debug)]
pub(super) struct Once<T>(Mutex<VecDeque<Waiting<T>>>);

#[derive(Debug)]
struct Waiting<T> {
    digest: Digest,
    until: Instant,
    what: T,
}

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Once<T> {
    /// Keeps something for whoever shows `secret`.
    pub(super) fn keep(&self, secret: &str, what: T) {
        let mut all = self.all();
        if all.len() >= MOST {
            all.pop_front();
        }
        all.push_back(Waiting { digest: digest(secret), until: Instant::now() + KEPT, what });
    }

    /// Gives what was kept for `secret`, which is of no use from now on.
    pub(super) fn take(&self, secret: &str) -> Option<T> {
        let digest = digest(secret);
        let mut all = self.all();
        // How long this takes says something of digests, and nothing of secrets.
        let at = all.iter().position(|waiting| waiting.digest == digest)?;
        all.remove(at).map(|waiting| waiting.what)
    }

    /// Whether anything is kept of which this is so.
    pub(super) fn any(&self, is: impl Fn(&T) -> bool) -> bool {
        self.all().iter().any(|waiting| is(&waiting.what))
    }

    /// Those whose time is not up.
    fn all(&self) -> MutexGuard<'_, VecDeque<Waiting<T>>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        while all.front().is_some_and(|oldest| oldest.until <= now) {
            all.pop_front();
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_is_given_once_and_for_ten_minutes() {
        let once = Once::default();
        once.keep("a", 1);
        once.keep("b", 2);
        assert_eq!((once.take("a"), once.take("a"), once.take("c")), (Some(1), None, None));
        tokio::time::advance(KEPT - Duration::from_secs(1)).await;
        once.keep("d", 4);
        assert!(once.any(|what| *what == 2));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!((once.take("b"), once.take("d")), (None, Some(4)));
    }

    #[tokio::test]
    async fn there_is_room_for_so_many_and_the_oldest_go() {
        let once = Once::default();
        for n in 0..=MOST {
            once.keep(&n.to_string(), n);
        }
        assert_eq!((once.take("0"), once.take("1")), (None, Some(1)));
        assert_eq!(once.all().len(), MOST - 1);
    }
}

//! `Once`: a value that is made by one of those who want it, while the others wait. Whoever makes it and goes away leaves
//! the making to the next.

use std::sync::Arc;

use tokio::{
    sync::OnceCell,
    time::{Instant, timeout_at},
};
use trunkline_core::{Error, Kind, Outcome, Result};

/// A value, or its place. Clones are the same one.
#[derive(Debug)]
pub(super) struct Once<T>(Arc<OnceCell<T>>);

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Clone for Once<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Clone> Once<T> {
    /// The value, if it was made.
    pub(super) fn get(&self) -> Option<&T> {
        self.0.get()
    }

    /// The value, made now if it was not, until `until` at most.
    ///
    /// # Errors
    ///
    /// Whatever `make` fails with: the next who wants the value tries again. `timeout` where others take too long.
    pub(super) async fn get_or_try<F>(&self, until: Instant, make: impl FnOnce() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        match timeout_at(until, self.0.get_or_try_init(make)).await {
            Ok(value) => value.cloned(),
            Err(_) => Err(Error::new(
                Kind::Timeout,
                "no broker was reached in time; see that one is up, and base_url",
            )
            .outcome_is(Outcome::NotSent)),
        }
    }
}

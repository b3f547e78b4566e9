//! `Witness`: hears how far each connection comes that is made while something is tried: name, connection, TLS.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::Serialize;
use tokio::time::Instant;

use crate::Result;

/// Connections are noted up to here: whoever tries something makes few, and one that is made anew for ever tells nothing
/// more.
const MOST: usize = 64;

/// What becomes of a connection before anything is said over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The name of the host becomes addresses.
    Dns,
    /// One of the addresses takes the connection.
    Tcp,
    /// Both sides agree on TLS, and the certificate of the host is good.
    Tls,
}

/// What became of one stage of one connection.
#[derive(Debug, Clone)]
pub struct Passage {
    /// The stage.
    pub stage: Stage,
    /// Whom the connection was to.
    pub host: String,
    /// How long it took; as long as it has no end, nothing.
    pub took: Option<Duration>,
    /// Why it failed, if it did.
    pub failure: Option<String>,
}

/// Hears how far connections come. It goes with the [`Egress`](crate::Egress) that they pass.
#[derive(Debug, Default)]
pub struct Witness(Mutex<Vec<Passage>>);

impl Witness {
    /// What became of connections, in the order in which they began.
    pub fn passages(&self) -> Vec<Passage> {
        self.seen().clone()
    }

    /// Does the work of a stage, and notes what became of it. A stage whose work is given up has no end.
    pub(crate) async fn see<T>(
        &self,
        stage: Stage,
        host: &str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let (began, place) = (Instant::now(), self.begin(stage, host));
        let result = work.await;
        if let Some(place) = place {
            let passage = &mut self.seen()[place];
            passage.took = Some(began.elapsed());
            passage.failure = result.as_ref().err().map(ToString::to_string);
        }
        result
    }

    fn begin(&self, stage: Stage, host: &str) -> Option<usize> {
        let mut seen = self.seen();
        (seen.len() < MOST).then(|| {
            seen.push(Passage { stage, host: host.to_owned(), took: None, failure: None });
            seen.len() - 1
        })
    }

    fn seen(&self) -> MutexGuard<'_, Vec<Passage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures_util::FutureExt;

    use super::*;
    use crate::{Error, Kind};

    #[test]
    fn what_became_of_a_stage_is_noted_and_what_was_given_up_has_no_end() {
        let witness = Witness::default();
        let failed = || ready(Err::<(), _>(Error::new(Kind::Unavailable, "refused")));
        assert_eq!(witness.see(Stage::Dns, "a.example", ready(Ok(7))).now_or_never().unwrap().unwrap(), 7);
        assert!(witness.see(Stage::Tcp, "a.example", failed()).now_or_never().unwrap().is_err());
        assert!(witness.see(Stage::Tls, "a.example", pending::<Result<()>>()).now_or_never().is_none());
        let ends: Vec<_> = witness
            .passages()
            .into_iter()
            .map(|passage| (passage.stage, passage.took.is_some(), passage.failure))
            .collect();
        let refused = Some("unavailable: refused".to_owned());
        assert_eq!(ends, [(Stage::Dns, true, None), (Stage::Tcp, true, refused), (Stage::Tls, false, None)]);
    }

    #[test]
    fn connections_without_end_are_not_all_noted() {
        let witness = Witness::default();
        for _ in 0..MOST * 2 {
            witness.see(Stage::Tcp, "a.example", ready(Ok(()))).now_or_never().unwrap().unwrap();
        }
        assert_eq!(witness.passages().len(), MOST);
    }
}

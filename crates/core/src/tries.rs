//! `Tries`: what became of each attempt of a call, to be told afterwards.

use std::borrow::Cow;

use serde::{Deserialize, Serialize, Serializer};
use tokio::time::Instant;

use crate::Error;

/// So many are remembered of one call: the first ones, and the last.
const MOST: usize = 64;

/// One attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Try {
    /// When it set off, in milliseconds after the call began.
    pub after_ms: f64,
    /// How long it took, in milliseconds.
    pub millis: f64,
    /// `ok`, the code of an error's kind, or `cancelled`.
    pub kind: Cow<'static, str>,
    /// The status that the service answered with, if it answered.
    pub status: Option<u16>,
}

/// The attempts of a call, in their order. Of a call with one attempt, as most are, it allocates nothing.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(from = "Vec<Try>")]
pub struct Tries {
    earlier: Vec<Try>,
    last: Option<Try>,
}

impl Tries {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Try> {
        self.earlier.iter().chain(&self.last)
    }

    /// Adds the last.
    pub fn end(&mut self, last: Try) {
        self.last = Some(last);
    }
}

impl From<Vec<Try>> for Tries {
    fn from(mut earlier: Vec<Try>) -> Self {
        let last = earlier.pop();
        Self { earlier, last }
    }
}

impl Serialize for Tries {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// The attempts of a call that is under way.
#[derive(Debug, Default)]
pub struct Trail {
    /// When the present one set off, if it did.
    set_off: Option<Instant>,
    earlier: Vec<Try>,
}

impl Trail {
    /// An attempt sets off.
    pub fn set_off(&mut self, at: Instant) {
        self.set_off = Some(at);
    }

    /// The present attempt of a call that `began` then has failed, and another may follow. One that was refused before it set
    /// off is none.
    pub fn failed(&mut self, began: Instant, error: &Error) {
        let Some(at) = self.set_off.take() else { return };
        if self.earlier.len() < MOST {
            self.earlier.push(Try {
                after_ms: millis(began, at),
                millis: millis(at, Instant::now()),
                kind: error.kind().code().into(),
                status: error.reply().map(|reply| reply.status.as_u16()),
            });
        }
    }

    /// Those that failed, and when the one that is not among them set off, in milliseconds after the call `began`.
    pub fn take(&mut self, began: Instant) -> (Tries, Option<f64>) {
        let attempts = Tries { earlier: std::mem::take(&mut self.earlier), last: None };
        (attempts, self.set_off.take().map(|at| millis(began, at)))
    }
}

/// Microseconds are as fine as anybody reads.
fn millis(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_micros() as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;
    use crate::Kind;

    #[tokio::test(start_paused = true)]
    async fn what_failed_is_remembered_and_what_never_set_off_is_not() {
        let (began, mut trail) = (Instant::now(), Trail::default());
        let error = Error::new(Kind::Unavailable, "no");
        trail.failed(began, &error);
        advance(Duration::from_millis(5)).await;
        trail.set_off(Instant::now());
        advance(Duration::from_millis(10)).await;
        trail.failed(began, &error);
        trail.failed(began, &error);
        trail.set_off(Instant::now());
        let (mut attempts, last) = trail.take(began);
        assert_eq!(last, Some(15.0));
        attempts.end(Try { after_ms: 15.0, millis: 1.0, kind: "ok".into(), status: Some(200) });
        let told: Vec<_> = attempts.iter().map(|one| (one.after_ms, one.millis, &*one.kind)).collect();
        assert_eq!(told, [(5.0, 10.0, "unavailable"), (15.0, 1.0, "ok")]);
        let json = serde_json::to_string(&attempts).unwrap();
        assert_eq!(serde_json::from_str::<Tries>(&json).unwrap(), attempts);
    }
}

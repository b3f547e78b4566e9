//! `Retry`: the loop that makes an attempt again where that helps and does no harm. What that means is
//! decided in one function, `retry/verdict.rs`.

mod budget;
mod config;
mod verdict;

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};
use trunkline_core::{
    Body, BoxFuture, Call, Error, Idempotency, Layer, Next, Outcome, Reply, Result, Retry as Rule,
};

use self::verdict::{Case, Verdict, verdict};
pub use self::{
    budget::Budget,
    config::{Policy, RetryConfig},
};
use crate::CallMetrics;

/// The first pause is at least this where the service asked to slow down.
const SLOW_DOWN: Duration = Duration::from_secs(1);

/// Makes attempts until one succeeds, or another could do harm, cannot help, or comes too late.
#[derive(Debug)]
pub struct Retry {
    policy: Policy,
    budget: Arc<Budget>,
    metrics: CallMetrics,
}

impl Retry {
    /// Retries by this policy, out of this budget.
    pub fn new(policy: Policy, budget: Arc<Budget>, metrics: CallMetrics) -> Self {
        Self { policy, budget, metrics }
    }

    /// Whether, and after which pause, another attempt follows the `n`th, which failed with `error`.
    fn judge(&self, call: &Call, n: u32, replayable: bool, error: &Error, now: Instant) -> Verdict {
        let of_kind = error.kind().row().retry;
        let retry = match error {
            error if error.is_lasting() => Rule::Never,
            error if error.is_passing() => Rule::Transient,
            _ => of_kind,
        };
        let least = if of_kind == Rule::Paced { SLOW_DOWN } else { Duration::ZERO };
        let asked = error.wait();
        let allowed = self.policy.attempts;
        // Full jitter; and a tenth more of what the service asked for, up to a second.
        let pause = self.policy.longest_pause(n, least).mul_f64(fastrand::f64());
        let spread = (asked.unwrap_or_default() / 10).min(Duration::from_secs(1)).mul_f64(fastrand::f64());
        verdict(&Case {
            retry,
            outcome: error.outcome(),
            idempotency: call.idempotency(),
            replayable,
            left: call.max_attempts.map_or(allowed, |own| own.min(allowed)).saturating_sub(n),
            asked,
            pause,
            spread,
            remaining: call.deadline.map(|deadline| deadline.saturating_duration_since(now)),
            known: self.key_until(call).saturating_duration_since(now),
        })
    }

    /// Until when an attempt may begin that has the key of a call which may have been made before.
    fn key_until(&self, call: &Call) -> Instant {
        let own = call.began + self.policy.key_lasts();
        call.key_until.map_or(own, |until| until.min(own))
    }

    /// The way of a call whose first attempt has failed.
    async fn again(
        &self,
        call: &mut Call,
        next: Next<'_>,
        replayable: bool,
        mut error: Error,
    ) -> Result<Reply> {
        // Not `call.attempt`: a fresh credential after a 401 is an attempt, and no retry.
        let mut n = 1;
        loop {
            let now = Instant::now();
            call.trail.failed(call.began, &error);
            let pause = match self.judge(call, n, replayable, &error, now) {
                Verdict::Repeat(pause) => pause,
                Verdict::Final | Verdict::Exhausted => return Err(error),
                Verdict::Forgotten => return Err(error.with("retry_suppressed", "idempotency_window")),
                Verdict::Later(wait) => {
                    return Err(error.retry_after(wait).with("retry_suppressed", "deadline"));
                }
            };
            if !self.budget.take(now) {
                return Err(error.with("retry_suppressed", "budget"));
            }
            let attempts = call.attempt;
            let before = error.outcome();
            if before == Outcome::Unknown && call.idempotency() == Idempotency::Keyed {
                begins_before(call, self.key_until(call));
            }
            let whole = let_go(&mut error);
            sleep(pause).await;
            call.attempt += 1;
            let result = next.run(call).await;
            let made = call.attempt > attempts;
            if made {
                self.metrics.retried();
            }
            let after = match result {
                Ok(reply) => return Ok(reply),
                Err(after) => after,
            };
            if !made && whole {
                // A layer below refused to make it: what the service said before is the better answer.
                let error = error.with("retry_suppressed", after.kind().code());
                return Err(match after.wait().max(error.wait()) {
                    Some(wait) => error.retry_after(wait),
                    None => error,
                });
            }
            error = overall(before, after);
            n += 1;
        }
    }
}

/// Has nobody below, who waits for a turn or a place, begin an attempt later than that.
fn begins_before(call: &mut Call, end: Instant) {
    call.deadline = Some(call.deadline.map_or(end, |own| own.min(end)));
}

/// Lets go of a reply that still streams, whose connection and permit are needed meanwhile. Says whether the
/// error is as it was.
fn let_go(error: &mut Error) -> bool {
    match error.reply_mut() {
        Some(Reply { body: body @ Body::Stream(_), .. }) => {
            drop(std::mem::take(body));
            false
        }
        _ => true,
    }
}

/// An error of a later attempt, knowing the outcome of those before: what may have been applied then may
/// still have been, even if the last attempt was refused.
fn overall(before: Outcome, error: Error) -> Error {
    match (before, error.outcome()) {
        (Outcome::Unknown, Outcome::NotSent | Outcome::Rejected) => error.outcome_is(Outcome::Unknown),
        _ => error,
    }
}

impl Layer for Retry {
    fn name(&self) -> &'static str {
        "retry"
    }

    fn call<'a>(&'a self, call: &'a mut Call, next: Next<'a>) -> BoxFuture<'a, Result<Reply>> {
        self.policy.key(call);
        if let Some(until) = call.key_until.filter(|_| call.idempotency() == Idempotency::Keyed) {
            begins_before(call, until);
        }
        self.budget.called(call.began);
        // Asked now: a stream is gone once it was sent.
        let replayable = call.operation.is_replayable();
        Box::pin(async move {
            match next.run(call).await {
                Ok(reply) => Ok(reply),
                // Boxed, so that calls that succeed do not carry its room.
                Err(error) => Box::pin(self.again(call, next, replayable, error)).await,
            }
        })
    }
}

#[cfg(test)]
mod tests;

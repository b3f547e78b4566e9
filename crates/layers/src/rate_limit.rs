//! `RateLimit`: keeps an integration's calls below its limits, those of its configuration and those that the
//! service speaks of. Each attempt pays.

mod bucket;
mod config;
mod limiter;
mod signals;
mod state;

use std::{sync::Arc, time::Duration};

use trunkline_core::{BoxFuture, Call, Layer, Next, Operation, Reply, Result, Retry};

pub use self::{
    bucket::LimitState,
    config::{LimitConfig, RateLimitConfig, Rules},
    limiter::{Limiter, RateLimitState},
    signals::HeaderNames,
};

/// Lets an attempt pass when the limits allow it, and listens to what the service says of its own.
#[derive(Debug)]
pub struct RateLimit {
    limiter: Arc<Limiter>,
    /// What to read in replies; `None` to read nothing.
    rules: Arc<Rules>,
}

impl RateLimit {
    /// Limits with this limiter, and tells it what `rules` say is to be read in replies.
    pub fn new(limiter: Arc<Limiter>, rules: impl Into<Arc<Rules>>) -> Self {
        Self { limiter, rules: rules.into() }
    }

    /// What the limiter has to know of a reply. Gives the pause that the service asks for.
    fn listen(&self, call: &Call, result: &Result<Reply>) -> Option<Duration> {
        let (reply, asked) = match result {
            Ok(reply) => (reply, None),
            // An answer of any status can be known to ask for a pause. Of queries only that one may have cost too much.
            Err(error) => {
                let asks =
                    matches!(call.operation, Operation::Http(_)) && error.kind().row().retry == Retry::Paced;
                (error.reply()?, error.wait().filter(|_| asks))
            }
        };
        let heard = self.rules.signals.as_ref()?.hear(reply.status, &reply.headers, asked)?;
        self.limiter.hear(&heard);
        heard.pause
    }
}

impl Layer for RateLimit {
    fn name(&self) -> &'static str {
        "rate_limit"
    }

    fn call<'a>(&'a self, call: &'a mut Call, next: Next<'a>) -> BoxFuture<'a, Result<Reply>> {
        Box::pin(async move {
            self.limiter.admit(call).await.inspect_err(|_| call.attempt -= 1)?;
            let result = next.run(call).await;
            match (self.listen(call, &result), result) {
                // The strictest wait wins.
                (Some(pause), Err(error)) => {
                    let wait = error.wait().unwrap_or_default().max(pause);
                    Err(error.retry_after(wait))
                }
                (_, result) => result,
            }
        })
    }
}

#[cfg(test)]
mod shared_tests;
#[cfg(test)]
mod tests;

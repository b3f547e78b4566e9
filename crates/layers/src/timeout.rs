//! `Timeout`: bounds one attempt.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use trunkline_core::{BoxFuture, Call, Error, Kind, Layer, Next, Outcome, Reply, Result};

/// Ends an attempt that takes too long, so that another can be made while the deadline allows it.
#[derive(Debug)]
pub struct Timeout {
    attempt: Duration,
}

impl Timeout {
    /// Bounds each attempt by `attempt`.
    pub fn new(attempt: Duration) -> Self {
        Self { attempt }
    }
}

impl Layer for Timeout {
    fn name(&self) -> &'static str {
        "timeout"
    }

    fn call<'a>(&'a self, call: &'a mut Call, next: Next<'a>) -> BoxFuture<'a, Result<Reply>> {
        let end = Instant::now() + self.attempt;
        // The deadline above is sooner: a timer of our own could never fire.
        if call.deadline.is_some_and(|deadline| deadline <= end) {
            return next.run(call);
        }
        Box::pin(async move {
            match timeout_at(end, next.run(call)).await {
                Ok(result) => result,
                Err(_) => {
                    Err(Error::new(Kind::Timeout, format!("the attempt took longer than {:?}", self.attempt))
                        .outcome_is(Outcome::Unknown)
                        .attempted(call.attempt))
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use trunkline_core::{Context, Egress, HttpRequest, IntegrationId, Pipeline, Profile};
    use trunkline_testkit::{Script, Step};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_attempt_ends_at_its_own_time_and_may_have_been_applied() {
        let context = Context::new(Arc::new(Egress::new(Profile::Guarded, &[]).unwrap()));
        let layers: Vec<Arc<dyn Layer>> = vec![Arc::new(Timeout::new(Duration::from_secs(2)))];
        let script = Script::new([Step::Hangs]);
        let began = Instant::now();
        let mut call = Call::new(IntegrationId::new("a").unwrap(), HttpRequest::post("/"));
        let error =
            Pipeline::new(context, layers, Arc::new(script.clone())).run(&mut call).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Timeout, Outcome::Unknown));
        assert_eq!((began.elapsed().as_secs(), script.dropped()), (2, 1));
    }
}

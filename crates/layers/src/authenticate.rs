//! `Authenticate`: gets the credential from the scheme for each attempt, and tries once more with another one when
//! the service refuses it. Which answers say so is in `authenticate/expired.rs`.

mod config;
mod expired;

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue, header};
use tokio::time::{Instant, timeout_at};
use trunkline_core::{
    BoxFuture, Call, Error, Idempotency, Layer, Next, Operation, Outcome, Reply, Result, SchemeDyn, Scrub,
};

pub use self::{config::ExpiredWhen, expired::Expired};
use crate::Limiter;

/// With less time left than this, no attempt is begun.
const SHORTEST: Duration = Duration::from_millis(50);

/// Adds the scheme's credential to each attempt.
#[derive(Debug)]
pub struct Authenticate {
    scheme: Arc<dyn SchemeDyn>,
    limiter: Option<Arc<Limiter>>,
    /// Boxed: few integrations have rules of their own.
    expired: Option<Box<Expired>>,
}

/// How an attempt has ended.
enum End {
    /// However it did: the credential is not to blame.
    Final(Result<Reply>),
    /// The service says that the credential has expired.
    Refused(Error),
}

impl Authenticate {
    /// Authenticates with `scheme`. The attempt with a fresh credential waits for `limiter`, which stands above
    /// and knows only of the first. Answers that say that the credential has expired are those of `expired`, or, with
    /// `None`, those that the standards have for it.
    pub fn new(
        scheme: Arc<dyn SchemeDyn>,
        limiter: Option<Arc<Limiter>>,
        expired: Option<Box<Expired>>,
    ) -> Self {
        Self { scheme, limiter, expired }
    }

    /// What an answer says of the credential.
    async fn judged(&self, mut result: Result<Reply>) -> End {
        let refused = match &self.expired {
            Some(expired) => expired.is_said_by(&mut result).await,
            None => result.as_ref().is_err_and(expired::is_said_by_default),
        };
        match result {
            // It is no answer to the call: neither the cache nor the caller may take it for one.
            Ok(reply) if refused => End::Refused(expired::refusal(reply)),
            Err(error) if refused => End::Refused(error),
            result => End::Final(result),
        }
    }

    /// Tells the scheme, and makes one more attempt if that gave another credential in time, the operation can be
    /// sent again and that does no harm. The service did not act, so this is not a retry.
    async fn again(
        &self,
        call: &mut Call,
        next: Next<'_>,
        replayable: bool,
        refusal: Error,
    ) -> Result<Reply> {
        let Some(refused) = call.credential.clone() else { return Err(refusal) };
        let challenge = refusal.reply().map_or_else(HeaderMap::new, |reply| reply.headers.clone());
        self.scheme.rejected_dyn(&refused, &challenge).await;
        // The next call is better off all the same.
        // Whoever made rules of their own knows what such an answer leaves behind.
        if !replayable || self.expired.is_none() && !is_harmless(call, &refusal) {
            return Err(refusal);
        }
        let fresh = self.scheme.credential_dyn(next.context());
        let fresh = match call.deadline.map(|deadline| deadline.checked_sub(SHORTEST)) {
            None => fresh.await?,
            // What the service said is a better answer than that there was no time for another.
            Some(until) => match timeout_at(until.unwrap_or_else(Instant::now), fresh).await {
                Ok(fresh) => fresh?,
                Err(_) => return Err(refusal),
            },
        };
        if fresh.as_ref().is_none_or(|fresh| Arc::ptr_eq(fresh, &refused)) {
            return Err(refusal);
        }
        if let Some(limiter) = &self.limiter
            && limiter.admit(call).await.is_err()
        {
            return Err(refusal);
        }
        call.credential = fresh;
        call.trail.failed(call.began, &refusal);
        call.attempt += 1;
        match self.judged(next.run(call).await).await {
            End::Final(result) => result,
            End::Refused(error) => Err(error),
        }
    }

    /// A body that is to be looked into must not come encoded, as those do that are passed on.
    fn ask_plainly(&self, call: &mut Call) {
        if let Operation::Http(request) = &mut call.operation
            && request.relay
            && self.expired.as_ref().is_some_and(|expired| expired.reads_bodies())
            && request.headers.contains_key(header::ACCEPT_ENCODING)
        {
            request.headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
    }
}

/// Whether the service did not act, or may act twice. One that does several things with a call can refuse the credential for
/// the second of them.
fn is_harmless(call: &Call, refusal: &Error) -> bool {
    matches!(refusal.outcome(), Outcome::NotSent | Outcome::Rejected)
        || call.idempotency() != Idempotency::Unsafe
}

impl Layer for Authenticate {
    fn name(&self) -> &'static str {
        "authenticate"
    }

    fn call<'a>(&'a self, call: &'a mut Call, next: Next<'a>) -> BoxFuture<'a, Result<Reply>> {
        Box::pin(async move {
            call.scheme = Some(self.scheme.clone());
            call.credential = match self.scheme.ready_dyn() {
                Some(credential) => Some(credential),
                // Without one there is no attempt.
                None => {
                    self.scheme.credential_dyn(next.context()).await.inspect_err(|_| call.attempt -= 1)?
                }
            };
            self.ask_plainly(call);
            // Asked now: a stream is gone once it was sent.
            let replayable = call.operation.is_replayable();
            let result = next.run(call).await;
            if self.expired.is_none() && result.is_ok() {
                return result;
            }
            // Boxed, so that calls that succeed do not carry its room.
            Box::pin(async move {
                let result = match self.judged(result).await {
                    End::Final(result) => result,
                    End::Refused(refusal) => self.again(call, next, replayable, refusal).await,
                };
                // What an error quotes of the service goes into logs.
                result.map_err(|error| match &call.credential {
                    Some(credential) => error.scrubbed(&Scrub::of(credential)),
                    None => error,
                })
            })
            .await
        })
    }
}

#[cfg(test)]
mod tests;

//! `Cache`: answers from what is kept, asks the service whether it still holds, and sends one request where
//! many callers want the same (RFC 9111 as a shared cache, with RFC 5861, 9211 and 9213).
//!
//! | file | what |
//! |---|---|
//! | `directives`, `control` | what `Cache-Control` and its like say |
//! | `freshness` | how long a response is fresh, and how old it is |
//! | `policy` | what may be kept |
//! | `entry` | what is kept, and how it answers |
//! | `vary`, `validators`, `range` | which response, whether it holds, and which part of it |
//! | `store`, `fill` | where it is kept, and how it gets there |
//! | `tally` | how much is kept of one integration |
//! | `flight` | one request for many callers |
//! | `forward` | asking the service, and what becomes of its answer |
//! | `scope` | the integration, and what invalidates |

mod config;
mod control;
mod directives;
mod entry;
mod fill;
mod flight;
mod forward;
mod freshness;
mod lookups;
mod policy;
mod range;
mod scope;
mod store;
mod tally;
#[cfg(test)]
mod tests;
mod validators;
mod vary;

use std::{future::ready, sync::Arc, time::Duration};

use http::{HeaderMap, Method};
use tokio::time::Instant;
use trunkline_core::{
    Body, BoxFuture, CacheStatus, Call, Error, Forward, HttpRequest, Kind, Layer, Next, Operation, Reply,
    Result,
};

pub use self::{config::CacheConfig, scope::CacheScope, store::CacheStore, tally::CacheState};
use self::{
    control::Asked,
    entry::{Stored, Use},
    flight::Role,
    freshness::Moment,
    policy::Head,
    store::{Found, Key},
    validators::{for_service_only, is_conditional},
};

/// Keeps replies and answers from them.
#[derive(Debug)]
pub struct Cache {
    scope: Arc<CacheScope>,
}

/// What the cache has to do with a call.
enum Part {
    /// Nothing.
    None(Forward),
    /// To forget what it changes.
    Forget,
    /// To answer it.
    Answer,
}

/// What is kept for a call.
enum Kept {
    /// Nothing that helps.
    Nothing(Forward),
    /// Nothing, and the last answer under a key of this hash was of no use to others.
    Never(u64),
    /// This, and how it may be used.
    This(Arc<Stored>, Use),
}

impl Cache {
    /// Keeps what the calls of `scope` get.
    pub fn new(scope: Arc<CacheScope>) -> Self {
        Self { scope }
    }

    /// What the cache has to do with a call. One that changes something does so whoever wants to hear of it.
    fn part(&self, call: &Call, asked: &Asked) -> Part {
        match self.part_of(&call.operation, asked) {
            Part::Answer if call.uncached => Part::None(Forward::Bypass),
            part => part,
        }
    }

    /// What the cache has to do with an operation.
    fn part_of(&self, operation: &Operation, asked: &Asked) -> Part {
        match operation {
            Operation::Http(request) => match request.method {
                Method::GET | Method::HEAD if asked.no_store || for_service_only(&request.headers) => {
                    Part::None(Forward::Bypass)
                }
                // RFC 9110 section 9.3.1: content of a GET has no meaning that others know of.
                Method::GET | Method::HEAD if matches!(request.body, Body::Empty) => Part::Answer,
                Method::GET | Method::HEAD => Part::None(Forward::Bypass),
                Method::OPTIONS | Method::TRACE => Part::None(Forward::Method),
                // RFC 9111 section 4.4: whether others are safe is not known, so they are not.
                _ => Part::Forget,
            },
            // A caller's word on how long goes before the configuration's. What flows is never kept.
            Operation::Query(query) if query.read_only && !query.wanted.stream => match query.ttl {
                Some(ttl) if ttl.is_zero() => Part::None(Forward::Bypass),
                None if !self.scope.policy.adds() => Part::None(Forward::Bypass),
                _ => Part::Answer,
            },
            _ => Part::None(Forward::Bypass),
        }
    }

    /// What is kept for a call, and may be used.
    fn look(&self, call: &Call, asked: &Asked, now: Instant) -> Kept {
        let Some(key) = self.scope.key(call) else { return Kept::Nothing(Forward::Bypass) };
        with_headers(&call.operation, |headers| match self.scope.store.find(&key, headers) {
            Found::Selected(stored) => {
                let usable = stored.usable(asked, now);
                Kept::This(stored, usable)
            }
            Found::Others => Kept::Nothing(Forward::VaryMiss),
            Found::Nothing => {
                let useless = self.scope.store.flights.useless(&key);
                useless.map_or(Kept::Nothing(Forward::UriMiss), Kept::Never)
            }
        })
    }

    /// Answers from what is kept, or asks the service.
    async fn answer(&self, call: &mut Call, next: Next<'_>, asked: &Asked, mut kept: Kept) -> Result<Reply> {
        let scope = &self.scope;
        let Some(key) = scope.key(call).map(|key| key.to_key()) else { return next.run(call).await };
        // Requests that want less than the whole, or more than what is fresh, lead nobody.
        let leads = asked.is_plain()
            && with_headers(&call.operation, |headers| !is_conditional(headers))
            && method(&call.operation) == Method::GET;
        let mut waits = 0;
        loop {
            let now = Instant::now();
            let (stored, forward) = match kept {
                Kept::This(stored, Use::Now) => return hit(scope, call, &stored, now, waits > 0),
                Kept::This(stored, Use::Meanwhile) => {
                    self.refresh(call, next, &key, &stored);
                    return hit(scope, call, &stored, now, waits > 0);
                }
                Kept::This(stored, Use::Stale) => (Some(stored), Forward::Stale),
                Kept::This(stored, Use::Asked) => (Some(stored), Forward::Request),
                Kept::Nothing(forward) => (None, forward),
                Kept::Never(_) => (None, Forward::UriMiss),
            };
            if asked.only_if_cached {
                call.attempt = 0;
                note(scope, call, CacheStatus::forward(forward));
                return Err(Error::new(
                    Kind::NotCached,
                    "only-if-cached was asked for, and nothing fresh is in the cache",
                ));
            }
            // Twice is enough: whoever waited in vain does not do so in a row.
            let lead = match leads && waits < 2 {
                false => None,
                true => match scope.store.flights.join(&key) {
                    Role::Lead(lead) => Some(lead),
                    Role::Alone => None,
                    Role::Follow(follow) => {
                        waits = if follow.wait().await { waits + 1 } else { 2 };
                        kept = self.look(call, asked, Instant::now());
                        continue;
                    }
                },
            };
            return forward::Request { scope, key, stored, forward, lead }.send(call, next).await;
        }
    }

    /// Asks the service for what it has never let be kept: one look at its answer is all that it costs. Should that
    /// be of use now, the next one is kept.
    async fn pass(&self, call: &mut Call, next: Next<'_>, hash: u64) -> Result<Reply> {
        let mut result = next.run(call).await;
        if let Some(reply) = forward::reply(&mut result)
            && (ttl(&call.operation).is_some() || self.scope.policy.may_keep(&reply.headers))
        {
            let came = Instant::now();
            let moment = Moment { asked: came, came, wall: self.scope.store.clock.wall(came) };
            let (status, headers, redirected) = (reply.status, &reply.headers, reply.redirected);
            let ttl = ttl(&call.operation);
            let head = Head { status, headers, failure: None, redirected, ttl, moment };
            if with_headers(&call.operation, |asked| self.scope.policy.judge(asked, head)).is_some() {
                self.scope.store.flights.useful(hash);
            }
        }
        note(&self.scope, call, CacheStatus::forward(Forward::UriMiss));
        result
    }

    /// Fetches anew what is served stale meanwhile, unless somebody does already. The caller does not wait.
    fn refresh(&self, call: &Call, next: Next<'_>, key: &Key, stored: &Arc<Stored>) {
        let Some(lead) = self.scope.store.flights.lead(key) else { return };
        let mut own = Call::new(call.integration.clone(), again(&call.operation));
        own.connection = call.connection.clone();
        // As long as the integration lets any call take.
        own.deadline = call.deadline.map(|deadline| own.began + (deadline - call.began));
        let (scope, rest) = (self.scope.clone(), next.detach());
        let (key, stored) = (key.clone(), Some(stored.clone()));
        tokio::spawn(async move {
            let request =
                forward::Request { scope: &scope, key, stored, forward: Forward::Stale, lead: Some(lead) };
            request.finish(&mut own, rest.next()).await;
        });
    }
}

impl Layer for Cache {
    fn name(&self) -> &'static str {
        "cache"
    }

    fn call<'a>(&'a self, call: &'a mut Call, next: Next<'a>) -> BoxFuture<'a, Result<Reply>> {
        // Messages and events are never kept, and nobody is told so.
        if matches!(call.operation, Operation::Publish(_) | Operation::Receive(_))
            || call.operation.is_endless()
        {
            return next.run(call);
        }
        let asked = with_headers(&call.operation, Asked::of);
        match self.part(call, &asked) {
            Part::None(forward) => {
                note(&self.scope, call, CacheStatus::forward(forward));
                next.run(call)
            }
            Part::Forget => {
                note(&self.scope, call, CacheStatus::forward(Forward::Method));
                Box::pin(scope::forgetting(&self.scope, call, next))
            }
            Part::Answer => {
                let now = Instant::now();
                match self.look(call, &asked, now) {
                    // A hit is a look-up and a copy of headers, and waits for nothing.
                    Kept::This(stored, Use::Now) => {
                        Box::pin(ready(hit(&self.scope, call, &stored, now, false)))
                    }
                    Kept::Never(hash) if !asked.only_if_cached => Box::pin(self.pass(call, next, hash)),
                    kept => Box::pin(async move { self.answer(call, next, &asked, kept).await }),
                }
            }
        }
    }
}

fn hit(scope: &CacheScope, call: &mut Call, stored: &Stored, now: Instant, collapsed: bool) -> Result<Reply> {
    // None was made.
    call.attempt = 0;
    note(scope, call, CacheStatus { collapsed, ..CacheStatus::hit(stored.ttl(now)) });
    with_headers(&call.operation, |headers| stored.answer(&method(&call.operation), headers, now, false))
}

/// Writes down what the cache did.
fn note(scope: &CacheScope, call: &mut Call, status: CacheStatus) {
    scope.store.lookups.count(&status);
    call.cache = Some(status);
}

/// The headers of a request; a query has none.
fn with_headers<T>(operation: &Operation, read: impl FnOnce(&HeaderMap) -> T) -> T {
    match operation {
        Operation::Http(request) => read(&request.headers),
        _ => read(&HeaderMap::new()),
    }
}

/// How long a caller lets the reply be kept, if it says so.
fn ttl(operation: &Operation) -> Option<Duration> {
    match operation {
        Operation::Query(query) => query.ttl,
        _ => None,
    }
}

/// What a caller wants in the terms of HTTP: to read.
fn method(operation: &Operation) -> Method {
    match operation {
        Operation::Http(request) => request.method.clone(),
        _ => Method::GET,
    }
}

/// A reading operation once more, in full and without conditions.
fn again(operation: &Operation) -> Operation {
    match operation {
        Operation::Http(request) => {
            let mut headers = request.headers.clone();
            validators::unconditional(&mut headers);
            let HttpRequest { endpoint, params, relay, .. } = request;
            let (endpoint, params, relay) = (endpoint.clone(), params.clone(), *relay);
            HttpRequest { params, headers, relay, ..HttpRequest::get(endpoint) }.into()
        }
        Operation::Query(query) => Operation::Query(query.clone()),
        _ => unreachable!("only what reads is kept"),
    }
}

//! Asking the service, and what becomes of its answer (RFC 9111 section 4.3, RFC 5861 section 4).

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, Method, StatusCode};
use tokio::time::{Instant, timeout};
use trunkline_core::{Blame, CacheStatus, Call, Error, Forward, Next, Operation, Reply, Result};

use super::{
    CacheScope,
    entry::{Failure, Stored},
    fill::Place,
    flight::Lead,
    freshness::Moment,
    method, note,
    policy::Head,
    store::Key,
    ttl,
    validators::{describes, has_validator, updated, validate},
    with_headers,
};

/// A request that goes on to the service.
pub(super) struct Request<'a> {
    pub(super) scope: &'a Arc<CacheScope>,
    pub(super) key: Key,
    /// What is kept and may not be used without asking.
    pub(super) stored: Option<Arc<Stored>>,
    pub(super) forward: Forward,
    /// Whether others wait for it.
    pub(super) lead: Option<Lead>,
}

/// Where nobody bounds a call: for one that no caller waits for.
const UNBOUNDED: Duration = Duration::from_secs(60);

impl Request<'_> {
    /// Asks the service, and gives what the caller gets.
    pub(super) async fn send(self, call: &mut Call, next: Next<'_>) -> Result<Reply> {
        let method = method(&call.operation);
        let mark = self.scope.store.mark(&self.key);
        let validates =
            self.stored.clone().filter(|stored| method == Method::GET && has_validator(&stored.headers));
        let asked = with_headers(&call.operation, HeaderMap::clone);
        if let (Some(stored), Operation::Http(request)) = (&validates, &mut call.operation) {
            validate(&mut request.headers, &stored.headers);
        }
        let began = Instant::now();
        let mut result = next.run(call).await;
        let came = Instant::now();
        let moment = Moment { asked: began, came, wall: self.scope.store.clock.wall(came) };
        if let Operation::Http(request) = &mut call.operation {
            request.headers.clone_from(&asked);
        }

        let mut status = CacheStatus::forward(self.forward);
        if let Some(stored) =
            self.stored.as_ref().filter(|stored| failed(&result) && stored.helps_on_error(came))
        {
            status.forward_status = reply(&mut result).map(|reply| reply.status.as_u16());
            status.ttl = Some(stored.ttl(came));
            note(self.scope, call, status);
            self.lead.into_iter().for_each(Lead::failed);
            return stored.answer(&method, &asked, came, false);
        }
        match (validates, reply(&mut result).map(|reply| reply.status)) {
            (Some(stored), Some(StatusCode::NOT_MODIFIED)) => {
                let reply = result?;
                self.revalidated(call, &stored, &reply.headers, &asked, moment, mark)
            }
            (_, Some(_)) if method == Method::HEAD => {
                self.headed(&mut result, &asked, moment, mark);
                note(self.scope, call, status);
                result
            }
            (_, Some(_)) => {
                let scope = self.scope;
                self.answered(&mut result, &mut status, asked, ttl(&call.operation), moment, mark);
                note(scope, call, status);
                result
            }
            (_, None) => {
                note(self.scope, call, status);
                self.lead.into_iter().for_each(Lead::failed);
                result
            }
        }
    }

    /// Asks the service where no caller waits, and sees to it that all of the answer comes.
    pub(super) async fn finish(self, call: &mut Call, next: Next<'_>) {
        let limit = call.deadline.map_or(UNBOUNDED, |deadline| deadline - call.began);
        let max_body = self.scope.policy.max_body;
        let asking = async {
            let result = self.send(call, next).await.or_else(Error::into_reply);
            if let Ok(Reply { body, .. }) = result {
                // Only for what it leaves in the store.
                let _ = body.collect(max_body).await;
            }
        };
        let _ = timeout(limit, asking).await;
    }

    /// What is kept still holds (RFC 9111 section 4.3.4).
    fn revalidated(
        self,
        call: &mut Call,
        stored: &Stored,
        fresh: &HeaderMap,
        asked: &HeaderMap,
        moment: Moment,
        mark: u32,
    ) -> Result<Reply> {
        let headers = updated(&stored.headers, fresh);
        let failure = stored.failure.clone();
        let kept = self.judge(
            asked,
            Head { status: stored.status, headers: &headers, failure, redirected: false, ttl: None, moment },
        );
        let mut status = CacheStatus::forward(self.forward);
        status.forward_status = Some(StatusCode::NOT_MODIFIED.as_u16());
        // What may not be kept any more still answers the one who asked.
        let answer = match kept {
            Some(kept) => {
                let now = Stored { body: stored.body.clone(), ..kept };
                (status.stored, status.ttl) = (true, Some(now.ttl(moment.came)));
                self.scope.put(&self.key, now.clone(), asked, mark);
                self.lead.into_iter().for_each(|lead| match now.ttl(moment.came) > 0 && !now.said.no_cache {
                    true => lead.landed(),
                    false => lead.own(),
                });
                now
            }
            None => {
                self.scope.store.remove(&self.key);
                self.lead.into_iter().for_each(Lead::own);
                Stored { headers, ..stored.clone() }
            }
        };
        note(self.scope, call, status);
        answer.answer(&method(&call.operation), asked, moment.came, true)
    }

    /// A HEAD has told about what is kept (RFC 9111 section 4.3.5).
    fn headed(&self, result: &mut Result<Reply>, asked: &HeaderMap, moment: Moment, mark: u32) {
        let (Some(stored), Ok(reply)) = (&self.stored, result) else { return };
        if reply.status != StatusCode::OK || stored.status != StatusCode::OK {
            return;
        }
        let headers = updated(&stored.headers, &reply.headers);
        let head = Head {
            status: stored.status,
            headers: &headers,
            failure: None,
            redirected: reply.redirected,
            ttl: None,
            moment,
        };
        match self
            .judge(asked, head)
            .filter(|_| describes(&reply.headers, &stored.headers, stored.body.len()))
        {
            Some(kept) => {
                self.scope.put(&self.key, Stored { body: stored.body.clone(), ..kept }, asked, mark);
            }
            None => self.scope.store.remove(&self.key),
        }
    }

    /// The service has given a whole answer, or a part of one.
    fn answered(
        self,
        result: &mut Result<Reply>,
        status: &mut CacheStatus,
        asked: HeaderMap,
        ttl: Option<Duration>,
        moment: Moment,
        mark: u32,
    ) {
        let failure = result.as_ref().err().map(Failure::of);
        let Some(reply) = reply(result) else { return };
        let of_service = reply.status;
        let Reply { headers, redirected, .. } = reply;
        let head = Head { status: of_service, headers, failure, redirected: *redirected, ttl, moment };
        match self.judge(&asked, head) {
            Some(stored) => {
                let max_body = self.scope.policy.max_body.min(self.scope.store.largest());
                status.stored = http_body::Body::size_hint(&reply.body).lower() <= max_body as u64;
                status.ttl = Some(stored.ttl(moment.came));
                // Nobody else may use it without asking for it.
                let useless = stored.ttl(moment.came) <= 0 || stored.said.no_cache;
                let lead = match self.lead {
                    Some(lead) if useless => {
                        lead.own();
                        None
                    }
                    lead => lead,
                };
                let (scope, key) = (self.scope.clone(), self.key);
                let place = Place { scope, key, stored, asked, mark, lead, max_body };
                reply.body = place.fill(std::mem::take(&mut reply.body));
            }
            None => {
                // What is kept is no longer what the service has, unless it only stumbled.
                if self.stored.is_some() && is_final(of_service) {
                    self.scope.store.remove(&self.key);
                }
                self.lead.into_iter().for_each(Lead::own);
            }
        }
    }

    fn judge(&self, asked: &HeaderMap, head: Head<'_>) -> Option<Stored> {
        // RFC 9111 section 5.2.1.5 is judged before: a request that says no-store does not come here.
        self.scope.policy.judge(asked, head)
    }
}

/// Whether a status tells what has become of a resource: not that the service failed, asks to slow down, or does
/// not know the caller.
fn is_final(status: StatusCode) -> bool {
    !status.is_server_error() && !matches!(status.as_u16(), 304 | 401 | 403 | 407 | 408 | 425 | 429)
}

/// The service's answer, also where it is an error.
pub(super) fn reply(result: &mut Result<Reply>) -> Option<&mut Reply> {
    match result {
        Ok(reply) => Some(reply),
        Err(error) => error.reply_mut(),
    }
}

/// RFC 5861 section 4: 500, 502, 503 or 504, or what would become one of them.
fn failed(result: &Result<Reply>) -> bool {
    let Err(error) = result else { return false };
    let status = match error.reply() {
        Some(reply) => reply.status.as_u16(),
        None if error.kind().row().blame == Blame::Upstream => error.kind().row().answers,
        None => return false,
    };
    matches!(status, 500 | 502 | 503 | 504)
}

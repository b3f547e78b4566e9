//! `Trip`: a request on its way through redirects, and what it may carry where.

use http::{Method, StatusCode, Uri, header, uri::Scheme};
use tokio::time::Instant;
use trunkline_core::{Body, Credential, Error, Form, HttpRequest, Kind, Outcome, Reply, Result};

use super::{Redirects, Rest};
use crate::http::{decode, query, resolve_location};

/// Redirects followed for one call.
const MAX: u8 = 5;

/// A request on its way.
#[derive(Debug)]
pub(super) struct Trip<'a> {
    request: &'a HttpRequest,
    credential: Option<&'a Credential>,
    deadline: Option<Instant>,
    uri: Uri,
    method: &'a Method,
    /// What can still be sent: nothing, once a stream was.
    body: Option<Body>,
    hops: u8,
    /// Once a redirect has led to another host, nothing confidential is sent any more, wherever the
    /// next one leads.
    away: bool,
    lost_body: bool,
    /// The URI as it was sent, where a signature stands in it. Boxed: it is rare, and a trip is part of every call.
    signed: Option<Box<Uri>>,
    /// A service took an unsafe request and sends us elsewhere for its answer.
    acted: bool,
}

/// Where a trip is after a reply.
pub(super) enum Stage {
    /// At its end.
    Arrived(Reply),
    /// On to the next host.
    Onward,
}

impl<'a> Trip<'a> {
    pub(super) fn new(
        uri: Uri,
        body: Body,
        request: &'a HttpRequest,
        credential: Option<&'a Credential>,
        deadline: Option<Instant>,
    ) -> Self {
        let (method, body) = (&request.method, Some(body));
        let (hops, away, lost_body, signed, acted) = (0, false, false, None, false);
        Self { request, credential, deadline, uri, method, body, hops, away, lost_body, signed, acted }
    }

    /// What the caller asked for.
    pub(super) fn request(&self) -> &'a HttpRequest {
        self.request
    }

    /// When it must have ended.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The credential, where the request may show it.
    pub(super) fn credential(&self) -> Option<&'a Credential> {
        self.credential.filter(|_| self.at_home())
    }

    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Where the request goes, for a trip that ends there.
    pub(super) fn leave(&mut self) -> Uri {
        std::mem::take(&mut self.uri)
    }

    /// What was sent in the place of the trip's URI: a signature in its query must not be carried on.
    pub(super) fn sent(&mut self, uri: &Uri) {
        if uri.query() != self.uri.query() {
            self.signed = Some(Box::new(uri.clone()));
        }
    }

    /// The body for this hop.
    pub(super) fn body(&mut self) -> Body {
        let body = self.body.take().unwrap_or_default();
        self.body = body.replay();
        body
    }

    pub(super) fn method(&self) -> &Method {
        self.method
    }

    /// Whether the request is where the credential is good, and was nowhere else.
    pub(super) fn at_home(&self) -> bool {
        !self.away
    }

    /// Whether the request goes to another host than the integration's: a redirect leads there, or the credential is
    /// for it.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.away || self.credential.is_some_and(|credential| credential.origin().is_some())
    }

    /// Whether a redirect was followed.
    pub(super) fn was_redirected(&self) -> bool {
        self.hops > 0
    }

    /// Whether a redirect took the body away.
    pub(super) fn lost_body(&self) -> bool {
        self.lost_body
    }

    /// Goes where the reply redirects to, if it does and that is to be followed.
    ///
    /// # Errors
    ///
    /// `protocol` after too many redirects, and when a redirect leads to something that is no http URL.
    pub(super) fn follow(&mut self, rest: &Rest, reply: Reply) -> Result<Stage> {
        // RFC 9110 section 15.4: 303 asks for a GET; 307 and 308 keep the method; for 301 and 302 only
        // safe methods are followed, since a changed POST is not what the caller asked for.
        let again = self.body.as_ref().and_then(Body::replay);
        let body = match reply.status {
            StatusCode::SEE_OTHER => Some(Body::Empty),
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND if self.method.is_safe() => again,
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => again,
            _ => None,
        };
        let location = reply.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
        let (Some(body), Some(location)) = (body, location) else { return Ok(Stage::Arrived(reply)) };
        let home = rest.home(self.credential)?;
        let target = match rest.redirects {
            Redirects::None => return Ok(Stage::Arrived(reply)),
            Redirects::Any => resolve_location(&self.uri, location)?,
            Redirects::SameOrigin => match resolve_location(&self.uri, location) {
                Ok(target) if home.is_origin_of(&target) => target,
                _ => return Ok(Stage::Arrived(reply)),
            },
        };
        let away = self.away || !home.is_origin_of(&target);
        // From https to http never: whoever sits between would read the answer.
        let downgrade = self.uri.scheme() == Some(&Scheme::HTTPS) && target.scheme() == Some(&Scheme::HTTP);
        if downgrade || (away && !matches!(body, Body::Empty)) {
            return Ok(Stage::Arrived(reply));
        }
        self.hops += 1;
        if self.hops > MAX {
            return Err(Error::new(Kind::Protocol, format!("more than {MAX} redirects")).replied(reply));
        }
        self.away = away;
        self.body = Some(body);
        self.uri = match self.credential.map(Credential::form) {
            Some(Form::Query { name, value }) => query::place(target, name, &value.expose()?, !away)?,
            Some(Form::Sign(_)) => match &self.signed {
                Some(signed) => query::unsigned(target, signed, &self.uri)?,
                None => target,
            },
            _ => target,
        };
        if reply.status == StatusCode::SEE_OTHER {
            self.acted |= !self.method.is_safe();
            self.lost_body = true;
            if *self.method != Method::HEAD {
                self.method = &Method::GET;
            }
        }
        Ok(Stage::Onward)
    }

    /// Its answer, decoded where it is to be read.
    pub(super) fn decode(&self, reply: Reply) -> Reply {
        // A part of an encoded reply cannot be decoded by itself.
        let whole = reply.status != StatusCode::PARTIAL_CONTENT;
        if whole && !self.request.relay { decode(reply) } else { reply }
    }

    /// What the end of the trip means for the request that began it: once a service has acted on it,
    /// nothing that goes wrong with fetching the answer may look as if it could be sent again.
    pub(super) fn judge(&self, result: Result<Reply>) -> Result<Reply> {
        let Err(mut error) = result else { return result };
        if !self.acted {
            return Err(error);
        }
        let message = "the service took the request, but the answer that it redirects to cannot be had";
        let lost = Error::new(Kind::Protocol, message).outcome_is(Outcome::Applied);
        let reply = error.reply_mut().map(|reply| std::mem::replace(reply, Reply::new(StatusCode::OK, "")));
        let lost = match reply {
            Some(reply) => lost.replied(reply),
            None => lost,
        };
        Err(lost.source(error))
    }
}

//! `rest`: HTTP APIs. One attempt is one request, and its redirects where the configuration allows them.

mod config;
mod form;
mod headers;
mod part;
mod redirect;
mod request;

use std::{borrow::Cow, sync::Arc, time::Duration};

use ::http::{Request, Uri};
use serde_json::value::RawValue;
use tokio::time::Instant;
use trunkline_core::{
    Call, Context, Credential, Error, Form, HttpRequest, Kind, Operation, Proof, Reply, Result, Transport,
    WireRequest,
};

pub use self::config::RestConfig;
use self::{
    config::Probe,
    headers::Defaults,
    redirect::{Stage, Trip},
};
pub(crate) use self::{
    config::{HttpVersion, ProxyConfig, Redirects, Timeouts, headers},
    headers::{USER_AGENT, place_cookie},
};
use crate::http::{self, Base, Client, Origin, Outgoing};

/// An HTTP API.
#[derive(Debug)]
pub struct Rest {
    base: Base,
    defaults: Defaults,
    client: Arc<Client>,
    origin: Arc<Origin>,
    /// The client for other hosts that a redirect leads to: as `client`, without its certificate.
    abroad: Arc<Client>,
    redirects: Redirects,
    first_byte: Duration,
    idle: Duration,
    probe: Option<Probe>,
}

impl Transport for Rest {
    const NAME: &'static str = "rest";
    type Config = RestConfig;

    fn open(config: RestConfig, context: &Context) -> Result<Self> {
        config.open(context)
    }

    fn parse(&self, request: &RawValue) -> Result<Operation> {
        request::parse(request).map(Operation::Http)
    }

    async fn call(&self, _: &Context, call: &mut Call) -> Result<Reply> {
        let Operation::Http(request) = &mut call.operation else {
            return Err(Error::new(Kind::Unsupported, "an integration of type rest takes HTTP requests"));
        };
        // As `attempt` does, which as a future within this one would make every call larger.
        let mut trip = self.begin(request, call.credential.as_deref(), call.deadline)?;
        let reply = self.travel(&mut trip).await;
        trip.judge(reply.and_then(|reply| http::classify(trip.decode(reply))))
    }

    async fn probe(&self, context: &Context, call: &mut Call) -> Result<Proof> {
        match &self.probe {
            Some(probe) => {
                call.operation = HttpRequest::new(probe.method.clone(), probe.endpoint.clone()).into();
                match self.call(context, call).await {
                    Ok(_) => Ok(Proof::ANSWERED),
                    Err(error) => match error.reply().map(|reply| reply.status) {
                        Some(status) if probe.ok.contains(&status) => Ok(Proof {
                            warning: Some(format!(
                                "the probe was answered with {status}, which `ok` of it allows"
                            )),
                            ..Proof::ANSWERED
                        }),
                        _ => Err(error),
                    },
                }
            }
            None => self.client.reach(&self.origin).await.map(|()| Proof::REACHABLE_ONLY),
        }
    }
}

impl Rest {
    /// One attempt: the request and its redirects. For every transport that speaks to its service in single HTTP
    /// requests, and judges the answers itself.
    pub(crate) async fn attempt(
        &self,
        request: &mut HttpRequest,
        credential: Option<&Credential>,
        deadline: Option<Instant>,
    ) -> Result<Reply> {
        let mut trip = self.begin(request, credential, deadline)?;
        let reply = self.travel(&mut trip).await;
        trip.judge(reply.map(|reply| trip.decode(reply)))
    }

    /// A request that is about to leave.
    fn begin<'a>(
        &self,
        request: &'a mut HttpRequest,
        credential: Option<&'a Credential>,
        deadline: Option<Instant>,
    ) -> Result<Trip<'a>> {
        let body = request.body.take_for_send();
        let request = &*request;
        let uri = uri(&*self.home(credential)?, request, credential)?;
        Ok(Trip::new(uri, body, request, credential, deadline))
    }

    /// Sends the request, following redirects, and gives the last answer.
    async fn travel(&self, trip: &mut Trip<'_>) -> Result<Reply> {
        loop {
            let reply = self.send(trip).await?;
            if trip.request().relay {
                return Ok(reply);
            }
            match trip.follow(self, reply)? {
                Stage::Arrived(reply) => return Ok(Reply { redirected: trip.was_redirected(), ..reply }),
                Stage::Onward => {}
            }
        }
    }

    /// Where the credential is good: here, or where it says.
    fn home(&self, credential: Option<&Credential>) -> Result<Cow<'_, Base>> {
        match credential.and_then(Credential::origin) {
            None => Ok(Cow::Borrowed(&self.base)),
            Some(origin) => self.base.moved_to(origin).map(Cow::Owned),
        }
    }

    /// One request and its response.
    async fn send(&self, trip: &mut Trip<'_>) -> Result<Reply> {
        let (exchange, streams) = {
            let (body, progress) = Outgoing::new(trip.body());
            let streams = !body.body().is_replayable();
            // A deadline that comes first makes a timer of our own useless.
            let bounded = trip.deadline().is_some_and(|end| end <= progress.begun() + self.first_byte);
            let first_byte = (!bounded || streams).then_some(self.first_byte);
            // Where the integration points the origin is at hand.
            let other = match (trip.is_elsewhere(), trip.at_home()) {
                (false, _) => None,
                (true, true) => Some(self.client.origin(trip.uri())),
                (true, false) => Some(self.abroad.origin(trip.uri())),
            };
            let mut wire = Some(self.wire(trip, body)?);
            let exchange = match &other {
                Some(origin) if !trip.at_home() => self.abroad.send(origin, &mut wire, progress, first_byte),
                other => {
                    let origin = other.as_ref().unwrap_or(&self.origin);
                    self.client.send(origin, &mut wire, progress, first_byte)
                }
            };
            (exchange.await?, streams)
        };
        let (mut reply, body) = http::reply(exchange, self.idle, streams);
        headers::strip(&mut reply.headers);
        reply.body = body.into_body().await?;
        Ok(reply)
    }

    /// The request as it goes out on this hop of its trip.
    fn wire(&self, trip: &mut Trip<'_>, body: Outgoing) -> Result<Request<Outgoing>> {
        let mut headers = self.defaults.complete(trip);
        // What is passed on comes back whatever it is: nobody asks later where it went.
        let mut uri = if trip.request().relay { trip.leave() } else { trip.uri().clone() };
        match trip.credential().map(|credential| (credential, credential.form())) {
            None => {}
            Some((_, Form::Sign(signer))) => {
                let method = trip.method();
                let body = body.in_memory();
                signer.sign(&mut WireRequest { method, uri: &mut uri, headers: &mut headers, body })?;
                trip.sent(&uri);
            }
            Some((credential, Form::Cookie { name, .. })) => {
                headers::place_cookie(&mut headers, name, credential)?;
            }
            Some((credential, _)) => {
                if let Some((name, value)) = credential.header()? {
                    headers.insert(name, value.clone());
                }
            }
        }
        headers::frame(&mut headers, trip.method(), body.body());
        let mut wire = Request::new(body);
        *wire.method_mut() = trip.method().clone();
        *wire.uri_mut() = uri;
        *wire.headers_mut() = headers;
        Ok(wire)
    }
}

/// Where the request goes; a credential that is a query parameter is part of it.
fn uri(base: &Base, request: &HttpRequest, credential: Option<&Credential>) -> Result<Uri> {
    let params = request.params.iter().map(|(name, value)| (&**name, &**value));
    match credential.map(Credential::form) {
        Some(Form::Query { name, value }) => {
            let value = value.expose()?;
            // Of two with one name some services read the first: ours is the only one.
            let endpoint = http::query::without(&request.endpoint, |found, _| found == name);
            let params = params.filter(|(found, _)| found != name);
            base.join(&endpoint, params.chain([(&**name, &*value)]))
        }
        _ => base.join(&request.endpoint, params),
    }
}

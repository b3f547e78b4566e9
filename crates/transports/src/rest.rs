//! `rest`: HTTP APIs. One attempt is one request, and its redirects where the configuration allows them.

mod config;
mod form;
mod headers;
mod multipart;
mod redirect;
mod request;

use std::{sync::Arc, time::Duration};

use ::http::{Method, Request, Uri, header};
use serde_json::value::RawValue;
use tokio::time::Instant;
use trunkline_core::{
    Body, Call, Context, Credential, Error, Form, HttpRequest, Kind, Operation, Reply, Result, Transport,
    WireRequest,
};

pub use self::config::RestConfig;
use self::{
    config::Redirects,
    headers::Defaults,
    redirect::{Stage, Trip},
};
use crate::http::{self, Base, Client};

/// An HTTP API.
#[derive(Debug)]
pub struct Rest {
    base: Base,
    defaults: Defaults,
    client: Arc<Client>,
    /// The client for other hosts that a redirect leads to: as `client`, without its certificate.
    abroad: Arc<Client>,
    redirects: Redirects,
    first_byte: Duration,
    idle: Duration,
    probe: Option<(Method, String)>,
}

impl Transport for Rest {
    const NAME: &'static str = "rest";
    const HTTP: bool = true;
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
        let credential = call.credential.as_deref();
        let body = request.body.take_for_send();
        let mut trip = Trip::new(self.uri(request, credential)?, request.method.clone());
        let reply = self.travel(&mut trip, request, body, credential, call.deadline).await;
        trip.judge(reply.and_then(|reply| {
            // A part of an encoded reply cannot be decoded by itself.
            let whole = reply.status != ::http::StatusCode::PARTIAL_CONTENT;
            http::classify(if whole && !request.relay { http::decode(reply) } else { reply })
        }))
    }

    async fn probe(&self, context: &Context, call: &mut Call) -> Result<&'static str> {
        match &self.probe {
            Some((method, endpoint)) => {
                call.operation = HttpRequest::new(method.clone(), endpoint.clone()).into();
                self.call(context, call).await.map(|_| "answered")
            }
            None => self.client.reach(&self.base.join("", [])?).await.map(|()| "reachable_only"),
        }
    }
}

impl Rest {
    /// Sends the request, following redirects, and gives the last answer.
    async fn travel(
        &self,
        trip: &mut Trip,
        request: &HttpRequest,
        mut body: Body,
        credential: Option<&Credential>,
        deadline: Option<Instant>,
    ) -> Result<Reply> {
        loop {
            let again = body.replay();
            let reply = self.send(trip, request, body, credential, deadline).await?;
            if request.relay {
                return Ok(reply);
            }
            match trip.follow(self, reply, again, credential)? {
                Stage::Arrived(reply) => return Ok(Reply { redirected: trip.was_redirected(), ..reply }),
                Stage::Onward(next) => body = next,
            }
        }
    }

    /// Where the request goes; a credential that is a query parameter is part of it.
    fn uri(&self, request: &HttpRequest, credential: Option<&Credential>) -> Result<Uri> {
        let params = request.params.iter().map(|(name, value)| (&**name, &**value));
        match credential.map(Credential::form) {
            Some(Form::Query { name, value }) => {
                let value = value.expose()?;
                // Of two with one name some services read the first: ours is the only one.
                let endpoint = http::query::without(&request.endpoint, |found, _| found == name);
                let params = params.filter(|(found, _)| found != name);
                self.base.join(&endpoint, params.chain([(&**name, &*value)]))
            }
            _ => self.base.join(&request.endpoint, params),
        }
    }

    /// One request and the head of its response.
    async fn send(
        &self,
        trip: &Trip,
        request: &HttpRequest,
        body: Body,
        credential: Option<&Credential>,
        deadline: Option<Instant>,
    ) -> Result<Reply> {
        let client = if trip.at_home() { &self.client } else { &self.abroad };
        let mut headers = self.defaults.complete(trip, request);
        let mut uri = trip.uri().clone();
        match credential.filter(|_| trip.at_home()).map(|credential| (credential, credential.form())) {
            None => {}
            Some((_, Form::Sign(signer))) => {
                let body = match &body {
                    Body::Bytes(bytes) => Some(&**bytes),
                    Body::Empty => Some(&[][..]),
                    Body::Stream(_) => None,
                };
                let method = trip.method();
                signer.sign(&mut WireRequest { method, uri: &mut uri, headers: &mut headers, body })?;
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
        headers::frame(&mut headers, trip.method(), &body);
        if let Some(authorization) = client.proxy_authorization(&uri) {
            headers.insert(header::PROXY_AUTHORIZATION, authorization.clone());
        }
        let streams = !body.is_replayable();
        let mut wire = Request::new(body);
        *wire.method_mut() = trip.method().clone();
        *wire.uri_mut() = uri;
        *wire.headers_mut() = headers;
        // A deadline that comes first makes a timer of our own useless.
        let bounded = deadline.is_some_and(|deadline| deadline <= Instant::now() + self.first_byte);
        let (mut response, progress) =
            client.send(wire, (!bounded || streams).then_some(self.first_byte)).await?;
        headers::strip(&mut response);
        http::reply(response, self.idle, streams.then_some(progress)).await
    }
}

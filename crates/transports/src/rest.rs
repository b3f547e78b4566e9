//! `rest`: HTTP APIs. One attempt is one request, and its redirects where the configuration allows them.

mod config;
mod form;
mod multipart;
mod request;

use std::{sync::Arc, time::Duration};

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout};
use trunkline_core::{
    Body, Call, Context, Credential, Error, Form, HttpRequest, Kind, Operation, Outcome, Reply, Result,
    Transport, WireRequest,
};

use self::config::Redirects;
pub use self::config::RestConfig;
use crate::http::{ACCEPT_ENCODING, Base, Client, classify, decode, incoming_body};

/// Redirects followed for one call.
const MAX_REDIRECTS: usize = 5;

/// An HTTP API.
#[derive(Debug)]
pub struct Rest {
    base: Base,
    /// Sent with every request unless the caller sets the same name.
    headers: HeaderMap,
    client: Arc<Client>,
    redirects: Redirects,
    first_byte: Duration,
    idle: Duration,
    probe: Option<(Method, String)>,
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
        let credential = call.credential.clone();
        let Operation::Http(request) = &mut call.operation else {
            return Err(Error::new(Kind::Unsupported, "an integration of type rest takes HTTP requests"));
        };
        let relay = request.relay;
        let reply = self.exchange(request, credential.as_deref(), call.deadline).await?;
        classify(if relay { reply } else { decode(reply) })
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
    async fn exchange(
        &self,
        request: &mut HttpRequest,
        credential: Option<&Credential>,
        deadline: Option<Instant>,
    ) -> Result<Reply> {
        let mut uri = self.uri(request, credential)?;
        let mut method = request.method.clone();
        let mut body = request.body.take_for_send();
        let mut credential = credential;
        let mut hops = 0;
        loop {
            let replay = body.replay();
            let mut headers = request.headers.clone();
            let sent = self.prepare(&mut headers, &mut uri, &method, &body, request.relay, credential)?;
            let reply = self.send(sent, &method, headers, body, deadline).await?;
            let Some(target) = self.redirected(&reply, &uri, request.relay)? else { return Ok(reply) };
            hops += 1;
            if hops > MAX_REDIRECTS {
                return Err(
                    Error::new(Kind::Protocol, format!("more than {MAX_REDIRECTS} redirects")).replied(reply)
                );
            }
            // RFC 9110 section 15.4: 303 asks for a GET; 307 and 308 keep the method; for 301 and 302 only
            // safe methods are followed, since a changed POST is not what the caller asked for.
            match reply.status {
                StatusCode::SEE_OTHER if method != Method::HEAD => {
                    method = Method::GET;
                    body = Body::Empty;
                }
                StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND if !method.is_safe() => return Ok(reply),
                _ => match replay {
                    Some(same) => body = same,
                    None => return Ok(reply),
                },
            }
            if !self.base.is_origin_of(&target) {
                // Nothing confidential goes to another host: neither credential nor headers nor body.
                if !matches!(body, Body::Empty) {
                    return Ok(reply);
                }
                credential = None;
                request.headers.clear();
            }
            uri = target;
        }
    }

    /// Where the request goes; a credential that is a query parameter is part of it.
    fn uri(&self, request: &HttpRequest, credential: Option<&Credential>) -> Result<Uri> {
        let params = request.params.iter().map(|(name, value)| (&**name, &**value));
        match credential.map(Credential::form) {
            Some(Form::Query { name, value }) => {
                let value = value.expose()?;
                self.base.join(&request.endpoint, params.chain([(&**name, &*value)]))
            }
            _ => self.base.join(&request.endpoint, params),
        }
    }

    /// Completes the headers: the integration's, what a reader wants, and last the credential, which
    /// nobody overrides.
    fn prepare(
        &self,
        headers: &mut HeaderMap,
        uri: &mut Uri,
        method: &Method,
        body: &Body,
        relay: bool,
        credential: Option<&Credential>,
    ) -> Result<Uri> {
        let home = self.base.is_origin_of(uri);
        if home {
            for (name, value) in &self.headers {
                if !headers.contains_key(name) {
                    headers.insert(name, value.clone());
                }
            }
        }
        if !relay {
            if !headers.contains_key(header::ACCEPT_ENCODING) {
                headers.insert(header::ACCEPT_ENCODING, ACCEPT_ENCODING);
            }
            if !headers.contains_key(header::USER_AGENT) {
                headers.insert(header::USER_AGENT, USER_AGENT);
            }
        }
        if let Some(authorization) = self.client.proxy_authorization(uri) {
            headers.insert(header::PROXY_AUTHORIZATION, authorization.clone());
        }
        let mut wire = uri.clone();
        if let Some(credential) = credential {
            match credential.form() {
                Form::Sign(signer) => {
                    let bytes = match body {
                        Body::Bytes(bytes) => Some(&**bytes),
                        Body::Empty => Some(&[][..]),
                        Body::Stream(_) => None,
                    };
                    signer.sign(&mut WireRequest { method, uri: &mut wire, headers, body: bytes })?;
                }
                Form::Cookie { .. } => place_cookie(headers, credential)?,
                _ => {
                    if let Some((name, value)) = credential.header()? {
                        headers.insert(name, value.clone());
                    }
                }
            }
        }
        Ok(wire)
    }

    /// One request and the head of its response, within the first-byte time.
    async fn send(
        &self,
        uri: Uri,
        method: &Method,
        headers: HeaderMap,
        body: Body,
        deadline: Option<Instant>,
    ) -> Result<Reply> {
        let streams = !body.is_replayable();
        let mut request = Request::new(body);
        *request.method_mut() = method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        let exchange = self.client.send(request);
        // A deadline that comes first makes a timer of our own useless; a body that streams in may take
        // longer than an answer, and is watched where it comes from.
        let bounded = deadline.is_some_and(|deadline| deadline <= Instant::now() + self.first_byte);
        let response = if bounded || streams {
            exchange.await?
        } else {
            match timeout(self.first_byte, exchange).await {
                Ok(response) => response?,
                Err(_) => {
                    return Err(Error::new(
                        Kind::Timeout,
                        format!("no answer began within {:?}", self.first_byte),
                    )
                    .outcome_is(Outcome::Unknown));
                }
            }
        };
        let (head, body) = response.into_parts();
        let body = incoming_body(body, self.idle).await?;
        Ok(Reply { status: head.status, headers: head.headers, body, cached: false })
    }

    /// Where a reply redirects to, if it does and that is to be followed.
    fn redirected(&self, reply: &Reply, from: &Uri, relay: bool) -> Result<Option<Uri>> {
        if relay
            || self.redirects == Redirects::None
            || !matches!(reply.status.as_u16(), 301 | 302 | 303 | 307 | 308)
        {
            return Ok(None);
        }
        let Some(location) = reply.headers.get(header::LOCATION).and_then(|value| value.to_str().ok()) else {
            return Ok(None);
        };
        let target = crate::http::resolve_location(from, location)?;
        let home = self.base.is_origin_of(&target);
        // From https to http never: whoever sits between would read the answer.
        let downgrade = self.base.is_https() && target.scheme() == Some(&::http::uri::Scheme::HTTP);
        if downgrade || (!home && self.redirects == Redirects::SameOrigin) {
            return Ok(None);
        }
        Ok(Some(target))
    }
}

/// Who calls, for services that refuse anonymous clients.
const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("trunkline/", env!("CARGO_PKG_VERSION")));

/// A cookie joins those that the caller sends (RFC 6265 section 5.4: one header).
fn place_cookie(headers: &mut HeaderMap, credential: &Credential) -> Result<()> {
    let Some((name, ours)) = credential.header()? else { return Ok(()) };
    let value = match headers.get(name) {
        None => ours.clone(),
        Some(theirs) => {
            let joined = [theirs.as_bytes(), b"; ", ours.as_bytes()].concat();
            let mut joined =
                HeaderValue::from_bytes(&joined).map_err(|_| Error::invalid("the cookies do not join"))?;
            joined.set_sensitive(true);
            joined
        }
    };
    headers.insert(name, value);
    Ok(())
}

/// Headers that belong to the connection or to us; a caller or a configuration that sets one is
/// mistaken or up to something (RFC 9110 section 7.6.1).
pub(crate) fn is_reserved(name: &HeaderName) -> bool {
    const RESERVED: [HeaderName; 8] = [
        header::HOST,
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::TE,
        header::TRAILER,
        header::UPGRADE,
        header::EXPECT,
    ];
    RESERVED.contains(name) || name == "keep-alive" || name.as_str().starts_with("proxy-")
}

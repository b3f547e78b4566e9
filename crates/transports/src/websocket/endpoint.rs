//! `Endpoint`: where WebSocket connections are made to, and the handshake that makes one (RFC 6455 section 4).

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use trunkline_core::{Context, Credential, Error, Form, Kind, Outcome, Result, WireRequest};

use super::{
    codes::CloseCodes,
    socket::{Socket, SocketRules},
};
use crate::{
    http::{Base, Client, Origin, Settings},
    rest::{USER_AGENT, place_cookie},
};

/// What the key of a handshake is hashed with (RFC 6455 section 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const EXTENSION: &str = "permessage-deflate";

/// Where connections are made to.
#[derive(Debug)]
pub(crate) struct Endpoint {
    base: Base,
    headers: HeaderMap,
    client: Arc<Client>,
    origin: Arc<Origin>,
    subprotocols: Vec<String>,
    compression: bool,
    authorizes: bool,
    limit: Duration,
    rules: SocketRules,
    pub(crate) codes: CloseCodes,
}

/// What an endpoint is made from.
pub(crate) struct Parts<'a> {
    /// A URL of `ws`, `wss`, `http` or `https`.
    pub(crate) url: &'a str,
    /// Headers of the handshake.
    pub(crate) headers: HeaderMap,
    /// How connections are made; which version of HTTP is decided here.
    pub(crate) settings: Settings,
    /// Which subprotocols are offered, the best first.
    pub(crate) subprotocols: Vec<String>,
    /// Whether compression is offered.
    pub(crate) compression: bool,
    /// Whether the credential is part of the handshake.
    pub(crate) authorizes: bool,
    pub(crate) rules: SocketRules,
    pub(crate) codes: CloseCodes,
}

impl Endpoint {
    /// Checks everything; sends nothing.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key.
    pub(crate) fn open(parts: Parts<'_>, context: &Context) -> Result<Self> {
        let Parts { url, headers, settings, subprotocols, compression, authorizes, rules, codes } = parts;
        // HTTP under another name (RFC 6455 section 3).
        let url = match url.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("ws") => format!("http://{rest}"),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("wss") => format!("https://{rest}"),
            _ => url.to_owned(),
        };
        let base = Base::parse(&url).map_err(|error| match error.message().contains("must begin with") {
            true => Error::invalid("base_url: must begin with wss:// or ws://"),
            false => error,
        })?;
        if let Some(bad) = subprotocols.iter().find(|name| HeaderName::try_from(name.as_str()).is_err()) {
            let bad = bad.escape_default().to_string();
            return Err(Error::invalid(format!("subprotocols: {bad:?} is no name of a subprotocol")));
        }
        let limit = settings.connect;
        // An upgrade is a thing of HTTP/1.1.
        let client = Client::of(context, Settings { http1_only: true, http2_only: false, ..settings });
        let origin = client.origin(&base.origin());
        Ok(Self { base, headers, client, origin, subprotocols, compression, authorizes, limit, rules, codes })
    }

    /// Connects and shakes hands.
    ///
    /// # Errors
    ///
    /// Why there is no connection; what the service answered instead of agreeing to one, by its HTTP status. Always
    /// `not_sent`, or `rejected`: a handshake asks for nothing to be done.
    pub(crate) async fn connect(&self, credential: Option<&Credential>) -> Result<Socket> {
        let key = STANDARD.encode(fastrand::u128(..).to_ne_bytes());
        let request = self.request(credential, &key)?;
        let sent = self.shake(request, credential).await;
        let (headers, io) = sent.map_err(|error| {
            let outcome = if error.reply().is_some() { Outcome::Rejected } else { Outcome::NotSent };
            error.outcome_is(outcome)
        })?;
        let (extension, subprotocol) = self.agreed(&headers, &key).map_err(|what| {
            Error::new(Kind::Protocol, format!("the service broke the WebSocket handshake: {what}"))
                .outcome_is(Outcome::NotSent)
        })?;
        Socket::new(io, extension.as_deref(), subprotocol, &self.rules)
    }

    async fn shake(
        &self,
        request: Request<()>,
        credential: Option<&Credential>,
    ) -> Result<(HeaderMap, hyper::upgrade::Upgraded)> {
        match credential.and_then(Credential::origin) {
            None => self.client.upgrade(&self.origin, request, self.limit).await,
            Some(_) => {
                let origin = self.client.origin(request.uri());
                self.client.upgrade(&origin, request, self.limit).await
            }
        }
    }

    /// The request, with the credential in its place.
    fn request(&self, credential: Option<&Credential>, key: &str) -> Result<Request<()>> {
        let moved = credential.and_then(Credential::origin).map(|origin| self.base.moved_to(origin));
        let moved = moved.transpose()?;
        let base = moved.as_ref().unwrap_or(&self.base);
        let mut headers = self.headers.clone();
        headers.entry(header::USER_AGENT).or_insert(USER_AGENT);
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        headers.insert(header::SEC_WEBSOCKET_KEY, key.parse().expect("base64 is a header value"));
        if self.compression {
            headers.insert(
                header::SEC_WEBSOCKET_EXTENSIONS,
                HeaderValue::from_static("permessage-deflate; client_max_window_bits"),
            );
        }
        if !self.subprotocols.is_empty() {
            let names = HeaderValue::try_from(self.subprotocols.join(", "));
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, names.expect("each of them is a token"));
        }
        let credential = credential.filter(|_| self.authorizes);
        let mut uri = match credential.map(Credential::form) {
            Some(Form::Query { name, value }) => base.join("", [(&**name, &*value.expose()?)])?,
            _ => base.join("", [])?,
        };
        match credential.map(|credential| (credential, credential.form())) {
            None => {}
            Some((_, Form::Sign(signer))) => {
                let (method, body) = (&Method::GET, Some(&[][..]));
                signer.sign(&mut WireRequest { method, uri: &mut uri, headers: &mut headers, body })?;
            }
            Some((credential, Form::Cookie { name, .. })) => place_cookie(&mut headers, name, credential)?,
            Some((credential, _)) => {
                if let Some((name, value)) = credential.header()? {
                    headers.insert(name, value.clone());
                }
            }
        }
        let mut request = Request::new(());
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(request)
    }

    /// Checks what the service agreed to (RFC 6455 section 4.1) and says which extension and subprotocol that is.
    fn agreed(
        &self,
        headers: &HeaderMap,
        key: &str,
    ) -> Result<(Option<String>, Option<String>), &'static str> {
        // All lines of a header are one list (RFC 9110 section 5.3). What may be there once is no list then.
        let text = |name: HeaderName| {
            let lines = headers.get_all(name).iter().map(|line| String::from_utf8_lossy(line.as_bytes()));
            lines.reduce(|list, line| format!("{list}, {line}").into())
        };
        let has = |name: HeaderName, wanted: &str| {
            text(name)
                .is_some_and(|list| list.split(',').any(|word| word.trim().eq_ignore_ascii_case(wanted)))
        };
        if !has(header::UPGRADE, "websocket") || !has(header::CONNECTION, "upgrade") {
            return Err("it switched to another protocol");
        }
        let mut accept = key.as_bytes().to_vec();
        accept.extend_from_slice(GUID);
        let accept = STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &accept));
        if text(header::SEC_WEBSOCKET_ACCEPT).is_none_or(|text| text.trim() != accept) {
            return Err("sec-websocket-accept is not the answer to the key");
        }
        let list = text(header::SEC_WEBSOCKET_EXTENSIONS).unwrap_or_default();
        let mut extensions = list.split(',').map(str::trim).filter(|text| !text.is_empty());
        let extension = extensions.next();
        let ours = |text: &str| {
            let name = text.split(';').next().unwrap_or(text).trim();
            self.compression && name.eq_ignore_ascii_case(EXTENSION)
        };
        if extension.is_some_and(|text| !ours(text)) || extensions.next().is_some() {
            return Err("it uses an extension that was not offered");
        }
        let subprotocol = text(header::SEC_WEBSOCKET_PROTOCOL).map(|text| text.trim().to_owned());
        if subprotocol.as_ref().is_some_and(|name| !self.subprotocols.iter().any(|ours| ours == name)) {
            return Err("it chose a subprotocol that was not offered");
        }
        Ok((extension.map(str::to_owned), subprotocol))
    }
}

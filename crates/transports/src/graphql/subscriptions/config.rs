//! The keys under `subscriptions`: how a service is subscribed to.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use trunkline_core::{Context, Error, Result, Seconds, parse};

use super::{
    super::codes::Codes,
    Subscriptions,
    dialogue::{Rules, SUBPROTOCOL, Subscriber},
    feeds::Feeds,
    init::{CredentialIn, Init},
};
use crate::{
    http::Settings,
    rest::{RestConfig, headers},
    websocket::{
        codes::CloseCodes,
        endpoint::{Endpoint, Parts},
        fanout::BufferConfig,
        link::{Keeping, Link},
        socket::SocketRules,
    },
};

/// How the service is subscribed to.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::graphql) struct SubscriptionsConfig {
    /// The protocol that the service speaks. `websocket` unless set.
    #[serde(default)]
    protocol: Protocol,
    /// Where it does. `base_url` unless set, with `wss` in the place of `https` for `websocket`.
    #[serde(default)]
    url: Option<String>,
    /// Headers of the handshake, or of each request, over those of the integration.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Whether callers who subscribe to the same, with the same variables, share one subscription; whoever comes later gets
    /// what is sent from then on. True unless set. False for services that begin each subscription with how things stand.
    #[serde(default)]
    shared: Option<bool>,
    /// What is kept for those who read slowly, of each subscription.
    #[serde(default)]
    buffer: BufferConfig,
    /// For `sse`: a stream that brings nothing for so long, not even a comment, is given up and made anew. 300 seconds unless
    /// set.
    #[serde(default)]
    silence: Option<Seconds>,
    /// For `websocket`: the payload of the first message. `{{credential}}` in it is the token, key or password.
    #[serde(default)]
    connection_init: Option<Value>,
    /// For `websocket`: where the credential goes. Into the handshake unless set, or unless `connection_init` has a place
    /// for it.
    #[serde(default)]
    credential_in: Option<CredentialIn>,
    /// For `websocket`: how long the service may take to let a connection in. 10 seconds unless set.
    #[serde(default)]
    ack_timeout: Option<Seconds>,
    /// For `websocket`: a service that is silent for so long is pinged, and given up after three times as long. 20 seconds
    /// unless set.
    #[serde(default)]
    ping: Option<Seconds>,
    /// For `websocket`: a connection without subscriptions is closed after so long. 300 seconds unless set.
    #[serde(default)]
    idle: Option<Seconds>,
    /// For `websocket`: whether compression (permessage-deflate, RFC 7692) is offered.
    #[serde(default)]
    compression: Option<bool>,
    /// For `websocket`: bytes of the largest message that is taken, decompressed. 1 MiB unless set.
    #[serde(default)]
    max_message: Option<u64>,
    /// For `websocket`: close codes that the service has of its own, and the kinds of error that they are, such as
    /// `{"4001": "rate_limited"}`.
    #[serde(default)]
    close_codes: BTreeMap<String, String>,
}

/// A protocol of subscriptions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Protocol {
    /// `graphql-transport-ws`, over WebSockets.
    #[default]
    Websocket,
    /// Server-sent events: GraphQL over SSE, in distinct connections.
    Sse,
}

impl SubscriptionsConfig {
    /// Checks everything. `rest` is the integration's way to its service, which is known to be right.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key.
    pub(in crate::graphql) fn open(
        &self,
        rest: &RestConfig,
        codes: &Arc<Codes>,
        context: &Context,
    ) -> Result<Subscriptions> {
        let opened = self.foreign().and_then(|()| match self.protocol {
            Protocol::Websocket => self.link(rest, codes, context),
            Protocol::Sse => self.feeds(rest, codes, context).map(Subscriptions::Sse),
        });
        opened.map_err(|error| Error::invalid(format!("subscriptions.{}", error.message())))
    }

    /// Keys that mean nothing for the protocol were meant for something.
    fn foreign(&self) -> Result<()> {
        let given = match self.protocol {
            Protocol::Websocket => vec![("silence", self.silence.is_some())],
            Protocol::Sse => vec![
                ("connection_init", self.connection_init.is_some()),
                ("credential_in", self.credential_in.is_some()),
                ("ack_timeout", self.ack_timeout.is_some()),
                ("ping", self.ping.is_some()),
                ("idle", self.idle.is_some()),
                ("compression", self.compression.is_some()),
                ("max_message", self.max_message.is_some()),
                ("close_codes", !self.close_codes.is_empty()),
            ],
        };
        match given.into_iter().find(|(_, given)| *given) {
            Some((key, _)) => Err(Error::invalid(format!("{key}: goes with the other protocol; remove it"))),
            None => Ok(()),
        }
    }

    fn link(&self, rest: &RestConfig, codes: &Arc<Codes>, context: &Context) -> Result<Subscriptions> {
        let url = self.url.as_deref().unwrap_or(&rest.base_url);
        let url = parse::resolve(url).map_err(|error| error.at("url"))?;
        let init = Init::open(self.connection_init.as_ref(), self.credential_in)?;
        let max_message = self.max_message.unwrap_or(1 << 20);
        if !(1..=64 << 20).contains(&max_message) {
            return Err(Error::invalid("max_message: must be from 1 to 67108864 (64 MiB)"));
        }
        // It says that the payload of the first message, with the credential in it, was refused: so does the library of the
        // protocol wherever a server's check says no.
        let mut rows = BTreeMap::from([("4403".to_owned(), "unauthenticated".to_owned())]);
        rows.extend(self.close_codes.clone());
        let parts = Parts {
            url: &url,
            headers: headers(&self.all_headers(rest))?,
            settings: Settings { http1_only: true, http2_only: false, ..rest.settings()? },
            subprotocols: vec![SUBPROTOCOL.to_owned()],
            compression: self.compression.unwrap_or(false),
            authorizes: init.handshake,
            rules: SocketRules { max_message: usize::try_from(max_message).unwrap_or(usize::MAX) },
            codes: CloseCodes::open(&rows)?,
        };
        let endpoint = Endpoint::open(parts, context).map_err(at_url)?;
        let buffer = self.buffer.open()?;
        let tally = buffer.tally.clone();
        let rules = Arc::new(Rules {
            init,
            ack_timeout: seconds(self.ack_timeout, 10),
            buffer,
            shared: self.shared.unwrap_or(true),
            codes: codes.clone(),
        });
        let keeping = Keeping { ping: seconds(self.ping, 20), idle: seconds(self.idle, 300) };
        let make = move |stir| Subscriber::new(rules.clone(), stir);
        Ok(Subscriptions::WebSocket(Link::new(Arc::new(endpoint), keeping, make), tally))
    }

    fn feeds(&self, rest: &RestConfig, codes: &Arc<Codes>, context: &Context) -> Result<Arc<Feeds>> {
        let mut headers = self.all_headers(rest);
        headers.retain(|name, _| !name.eq_ignore_ascii_case("accept"));
        let url = self.url.clone().unwrap_or_else(|| rest.base_url.clone());
        let rest = RestConfig { base_url: url, headers, ..rest.clone() };
        let rest = rest.with_idle(self.silence.unwrap_or(Seconds::new(300))).open(context);
        let rest = rest.map_err(at_url)?;
        Ok(Feeds::new(rest, self.buffer.open()?, self.shared.unwrap_or(true), codes.clone()))
    }

    /// The integration's headers, and those that are said here in their place.
    fn all_headers(&self, rest: &RestConfig) -> BTreeMap<String, String> {
        let ours = |name: &str| self.headers.keys().any(|known| known.eq_ignore_ascii_case(name));
        let theirs = rest.headers.iter().filter(|(name, _)| !ours(name));
        theirs.chain(&self.headers).map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

/// The address that is wrong is the one that is said here.
fn at_url(error: Error) -> Error {
    match error.message().strip_prefix("base_url: ") {
        Some(what) => Error::invalid(format!("url: {what}")),
        None => error,
    }
}

fn seconds(configured: Option<Seconds>, default: u64) -> Duration {
    configured.map_or(Duration::from_secs(default), Seconds::get)
}

impl std::fmt::Debug for SubscriptionsConfig {
    /// Nothing of it: headers and payloads that were not checked yet may hold passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SubscriptionsConfig").finish_non_exhaustive()
    }
}

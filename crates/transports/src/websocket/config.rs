//! The keys of a configuration that are `websocket`'s own.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use trunkline_core::{Context, Error, Result, Seconds, parse};

use super::{
    WebSocket,
    codes::CloseCodes,
    correlation::{Correlation, CorrelationConfig},
    endpoint::{Endpoint, Parts},
    fanout::BufferConfig,
    link::{Keeping, Link},
    socket::SocketRules,
    talk::{CREDENTIAL, Rules, StreamRules, Talk},
};
use crate::{
    http::{Settings, TlsConfig},
    json::{Marks, Pointer},
    rest::{ProxyConfig, headers},
};

/// What an integration of type `websocket` is configured with.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebSocketConfig {
    /// Where the service is, such as `wss://stream.example.com/v1`.
    base_url: String,
    /// Headers of the handshake.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Subprotocols that are offered, the best first.
    #[serde(default)]
    subprotocols: Vec<String>,
    /// Whether compression (permessage-deflate, RFC 7692) is offered.
    #[serde(default)]
    compression: bool,
    /// Bytes of the largest message that is taken, decompressed. 1 MiB unless set.
    #[serde(default)]
    max_message: Option<u64>,
    /// TLS settings: a private authority, a client certificate.
    #[serde(default)]
    tls: TlsConfig,
    /// An HTTP proxy to go through. Proxies named in the environment are not used.
    #[serde(default)]
    proxy: Option<ProxyConfig>,
    /// Finer time limits.
    #[serde(default)]
    timeouts: Timeouts,
    /// Total time of a call. It is not used here.
    #[serde(default)]
    #[expect(dead_code, reason = "the deadline of a call is the pipeline's")]
    timeout: Option<Seconds>,
    /// So many connections at most for requests, each made when those that there are have something to do. 1 unless set, 64 at
    /// most.
    #[serde(default)]
    connections: Option<u32>,
    /// A service that is silent for so long is pinged, and given up after three times as long. 20 seconds unless set.
    #[serde(default)]
    ping: Option<Seconds>,
    /// A connection that nobody uses is closed after so long. 300 seconds unless set.
    #[serde(default)]
    idle: Option<Seconds>,
    /// How replies are told apart: by an id, `{"request": "/id", "reply": "/id"}`, or by their order, `"pipelined"`.
    /// Without it one request at a time is under way on a connection, and what is no request goes over another one.
    #[serde(default)]
    correlation: Option<CorrelationConfig>,
    /// What a message has to have in it to be a reply, by JSON pointer, such as `{"/type": "result"}`; an array stands for
    /// any of its elements.
    #[serde(default)]
    replies_have: Option<BTreeMap<String, Value>>,
    /// Where a reply says that it is an error, as a JSON pointer: something else than null or false stands there.
    #[serde(default)]
    failed_when: Option<String>,
    /// Messages that are sent first on every connection. `{{credential}}` in them is the token, key or password.
    #[serde(default)]
    on_open: Vec<Value>,
    /// Messages that are sent when somebody listens to all messages, and again after a reconnect.
    #[serde(default)]
    subscribe: Vec<Value>,
    /// Messages that are sent when nobody does any more.
    #[serde(default)]
    unsubscribe: Vec<Value>,
    /// What can be listened to by name.
    #[serde(default)]
    streams: BTreeMap<String, StreamConfig>,
    /// What is kept for those who listen slowly.
    #[serde(default)]
    buffer: BufferConfig,
    /// Close codes that the service has of its own, and the kinds of error that they are, such as
    /// `{"4001": "rate_limited"}`.
    #[serde(default)]
    close_codes: BTreeMap<String, String>,
}

/// Something that can be listened to by its name.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StreamConfig {
    /// Messages that are sent when somebody listens, and again after a reconnect.
    #[serde(default)]
    subscribe: Vec<Value>,
    /// Messages that are sent when nobody does any more.
    #[serde(default)]
    unsubscribe: Vec<Value>,
    /// What its messages have in them, by JSON pointer, such as `{"/channel": "trades"}`.
    #[serde(default)]
    r#match: BTreeMap<String, Value>,
}

/// Time limits within the total time of a call.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Timeouts {
    /// For a connection to be made, and for the service to answer its handshake. 5 seconds each unless set.
    connect: Option<Seconds>,
}

impl WebSocketConfig {
    /// Checks everything and makes the transport. Performs no I/O but reading references.
    pub(super) fn open(self, context: &Context) -> Result<WebSocket> {
        let url = parse::resolve(&self.base_url).map_err(|error| error.at("base_url"))?;
        let settings = Settings {
            tls: self.tls.open()?,
            proxy: self.proxy.as_ref().map(ProxyConfig::open).transpose()?,
            connect: self.timeouts.connect.map_or(Duration::from_secs(5), Seconds::get),
            http1_only: true,
            http2_only: false,
        };
        let max_message = bounded("max_message", self.max_message.unwrap_or(1 << 20), 64 << 20)?;
        let parts = Parts {
            url: &url,
            headers: headers(&self.headers)?,
            settings,
            subprotocols: self.subprotocols.clone(),
            compression: self.compression,
            authorizes: true,
            rules: SocketRules { max_message },
            codes: CloseCodes::open(&self.close_codes)?,
        };
        let endpoint = Arc::new(Endpoint::open(parts, context)?);
        let rules = Arc::new(self.rules()?);
        let keeping = Keeping {
            ping: self.ping.map_or(Duration::from_secs(20), Seconds::get),
            idle: self.idle.map_or(Duration::from_secs(300), Seconds::get),
        };
        let link = |requests_alone| {
            let rules = rules.clone();
            Link::new(endpoint.clone(), keeping, move |stir| Talk::new(rules.clone(), requests_alone, stir))
        };
        let connections = bounded("connections", self.connections.unwrap_or(1).into(), 64)?;
        let one = rules.correlation.is_one();
        let links = (0..connections).map(|_| link(one)).collect();
        let beside = one.then(|| link(false));
        Ok(WebSocket { endpoint: endpoint.clone(), rules: rules.clone(), links, beside })
    }

    fn rules(&self) -> Result<Rules> {
        let failed_when = self.failed_when.as_deref().map(Pointer::parse).transpose();
        let all = StreamConfig {
            subscribe: self.subscribe.clone(),
            unsubscribe: self.unsubscribe.clone(),
            r#match: BTreeMap::new(),
        };
        let mut streams = BTreeMap::from([(String::new(), all.open("")?)]);
        for (name, stream) in &self.streams {
            if name.is_empty() {
                return Err(Error::invalid(
                    "streams: a stream has a name; subscribe is for those who listen to all messages",
                ));
            }
            streams.insert(name.clone(), stream.open(&format!("streams.{name}."))?);
        }
        let correlation = CorrelationConfig::open(self.correlation.as_ref())?;
        let answers = !self.on_open.is_empty() || !self.subscribe.is_empty() || !self.streams.is_empty();
        if matches!(correlation, Correlation::Order(_)) && answers && self.replies_have.is_none() {
            return Err(Error::invalid(
                "replies_have: is needed with on_open, subscribe or streams where replies are told by their order, lest what the \
                 service answers to these is taken for a caller's reply; say {} if it answers nothing",
            ));
        }
        Ok(Rules {
            correlation,
            replies_have: Marks::open(
                "replies_have",
                self.replies_have.as_ref().unwrap_or(&BTreeMap::new()),
            )?,
            failed_when: failed_when.map_err(|error| error.at("failed_when"))?,
            on_open: texts("on_open", &self.on_open)?,
            buffer: self.buffer.open()?,
            streams,
        })
    }
}

impl StreamConfig {
    fn open(&self, prefix: &str) -> Result<StreamRules> {
        let unfilled = |key: &str, messages: &[Value]| {
            let key = format!("{prefix}{key}");
            let texts = texts(&key, messages)?;
            match texts.iter().any(|text| text.contains(CREDENTIAL)) {
                true => Err(Error::invalid(format!("{key}: {{{{credential}}}} can stand in on_open alone"))),
                false => Ok(texts),
            }
        };
        Ok(StreamRules {
            subscribe: unfilled("subscribe", &self.subscribe)?,
            unsubscribe: unfilled("unsubscribe", &self.unsubscribe)?,
            marks: Marks::open(&format!("{prefix}match"), &self.r#match)?,
        })
    }
}

/// Messages as they are sent: a string as it is, all else as JSON. References in strings are replaced.
fn texts(key: &str, messages: &[Value]) -> Result<Vec<String>> {
    let text = |message: &Value| match message {
        Value::String(text) => parse::resolve(text).map(|text| text.into_owned()),
        message => parse::resolved(message.clone()).map(|message| message.to_string()),
    };
    messages.iter().map(|message| text(message).map_err(|error| error.at(key))).collect()
}

fn bounded(key: &str, value: u64, most: u64) -> Result<usize> {
    match usize::try_from(value).ok().filter(|_| (1..=most).contains(&value)) {
        Some(value) => Ok(value),
        None => Err(Error::invalid(format!("{key}: must be from 1 to {most}"))),
    }
}

impl std::fmt::Debug for WebSocketConfig {
    /// Nothing of it: URLs, headers and messages that were not checked yet may hold passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebSocketConfig").finish_non_exhaustive()
    }
}

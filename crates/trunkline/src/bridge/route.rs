//! `Route`: from which queue to which integration, and what is made of each message on the way; checked when the integration
//! is opened.

use std::time::Duration;

use http::HeaderValue;
use serde_json::{Map, Value, json, value::RawValue};
use trunkline_core::{Error, IntegrationId, Operation, Result, TransportDyn};
use trunkline_transports::{ForwardConfig, QueueConfig};

use super::{
    key::{Print, key, print},
    message::Message,
    target::Target,
};

/// So many at the same time unless set.
const CONCURRENCY: u32 = 8;
/// … and at most: each is in memory meanwhile.
const MOST: u32 = 1000;
/// Seconds that a pull waits until there is a message. Each pull is a record of the activity.
const WAIT: u32 = 20;
/// What the headers of a message begin with that was put aside.
const ASIDE: &str = QueueConfig::ASIDE;
/// Keys by which a message names where it goes.
const DESTINATIONS: [&str; 4] = ["queue", "topic", "subject", "stream"];

/// From where to where.
pub(super) struct Route {
    pub(super) queue: String,
    group: Option<String>,
    from: Option<String>,
    pub(super) target: Target,
    /// The headers that decide what it is called with.
    headers: Vec<String>,
    pub(super) concurrency: u32,
    /// How long a message may be held.
    pub(super) hold: Duration,
}

impl Route {
    /// Checks an entry of `forward` of the integration `own`, which stands at `place`.
    pub(super) fn open(
        config: &ForwardConfig,
        own: &IntegrationId,
        hold: Duration,
        place: &str,
        transport: &dyn TransportDyn,
    ) -> Result<Self> {
        let at = |key: &str, message: &str| Error::invalid(format!("{place}.{key}: {message}"));
        if config.queue.is_empty() {
            return Err(at("queue", "is empty; name the queue, topic, subject or stream"));
        }
        let whole = Value::from("{{message}}");
        let request = config.request.as_ref().unwrap_or(&whole);
        let target = Target::open(&config.to, config.connection.as_deref(), request, place)?;
        let concurrency = config.concurrency.unwrap_or(CONCURRENCY);
        if !(1..=MOST).contains(&concurrency) {
            return Err(at("concurrency", "must be from 1 to 1000"));
        }
        if target.to == *own && !leaves(config) {
            return Err(at(
                "to",
                "messages would come back to the queue that they come from; name another queue in request, or another \
                 integration",
            ));
        }
        let (queue, group, from) = (config.queue.clone(), config.group.clone(), config.from.clone());
        let headers = target.headers();
        let route = Self { queue, group, from, target, headers, concurrency, hold };
        let pull = transport.parse_dyn(&route.pull(1));
        pull.map_err(|error| Error::invalid(error.message().replacen("receive: ", "", 1)).at(place))?;
        Ok(route)
    }

    /// A pull of at most so many messages, as any caller writes it.
    fn pull(&self, most: u32) -> Box<RawValue> {
        let mut receive = Map::new();
        receive.insert("max".to_owned(), most.into());
        receive.insert("wait".to_owned(), WAIT.into());
        for (key, value) in [("group", &self.group), ("from", &self.from)] {
            receive.extend(value.as_deref().map(|value| (key.to_owned(), value.into())));
        }
        let pull = json!({"queue": self.queue, "receive": receive});
        serde_json::value::to_raw_value(&pull).expect("text and numbers are JSON")
    }

    /// What a message that comes from the integration `from` is known by when it comes again.
    pub(super) fn known_by(&self, from: &IntegrationId, message: &Message) -> KnownBy {
        let way = (&**from, &self.queue, &self.group, &*self.target.to, &self.target.connection);
        let (from, queue, group, to, connection) = way;
        match message.identity() {
            Some(own) => KnownBy::Key(key(&("queue", from, queue, group, to, connection, own))),
            // What a broker adds to its headers changes from one time to the next.
            None => KnownBy::Content(key(&("content", way, &message.key, message.body()))),
        }
    }

    /// What tells a message from another one that is known by the same: what it says, as far as that decides the call, and where
    /// it stands. It is the same whenever the message comes, and another where somebody has sent it again from where it was put
    /// aside.
    pub(super) fn print(&self, message: &Message) -> Print {
        let decides = |name: &str| {
            self.headers.iter().any(|named| named.eq_ignore_ascii_case(name))
                || name.get(..ASIDE.len()).is_some_and(|start| start.eq_ignore_ascii_case(ASIDE))
        };
        // What else is in its headers a broker may have added, which changes from one time to the next.
        let headers: Vec<_> = message.headers(decides).collect();
        print(&(message.place(), &message.key, headers, message.body()))
    }

    /// The same as an operation.
    pub(super) fn receive(
        &self,
        most: u32,
        parse: impl Fn(&RawValue) -> Result<Operation>,
    ) -> Result<Operation> {
        parse(&self.pull(most))
    }
}

/// What a message is known by when it comes again.
pub(super) enum KnownBy {
    /// No other has it, so it is the key by which services know a repetition too.
    Key(HeaderValue),
    /// Another one that says the same has it as well.
    Content(HeaderValue),
}

impl KnownBy {
    /// As text.
    pub(super) fn text(&self) -> &str {
        let (Self::Key(value) | Self::Content(value)) = self;
        value.to_str().unwrap_or_default()
    }
}

/// Whether what an entry sends to its own integration certainly goes elsewhere than to the queue that it reads.
fn leaves(config: &ForwardConfig) -> bool {
    let Some(Value::Object(request)) = &config.request else { return false };
    let fixed = |value: &Value| value.as_str().filter(|text| !text.contains("{{")).map(str::to_owned);
    let mut named = DESTINATIONS.iter().filter_map(|key| request.get(*key)).peekable();
    match named.peek() {
        Some(_) => named.all(|name| fixed(name).is_some_and(|name| name != config.queue)),
        None => request.get("exchange").is_some_and(|exchange| fixed(exchange).is_some()),
    }
}

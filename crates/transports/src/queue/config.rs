//! The keys of a configuration that are the queues' own.

use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use trunkline_core::{Error, Result, Seconds, parse};

use super::address::Address;
use crate::http::{Tls, TlsConfig};

/// What an integration of type `message_queue` is configured with.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueueConfig {
    /// Where the broker is: `amqp://user:password@host:5672/vhost`, `kafka://a:9092,b:9092`, `nats://host`, `mqtt://host`,
    /// `redis://host/0`, or `memory:` for trying things out; `amqps`, `kafkas`, `tls`, `mqtts` and `rediss` are over TLS. A
    /// user and a password can be given in `auth_config` too, with `auth_type` `basic`: then no character of theirs needs an
    /// escape.
    base_url: String,
    /// TLS settings: a private authority, a client certificate.
    #[serde(default)]
    tls: TlsConfig,
    /// Total time of a call. It is not used here.
    #[serde(default)]
    #[expect(dead_code, reason = "the deadline of a call is the pipeline's")]
    timeout: Option<Seconds>,
    /// Finer time limits.
    #[serde(default)]
    timeouts: Timeouts,
    /// How long whoever gets a message has to acknowledge it; after that it comes again. 30 seconds unless set.
    #[serde(default)]
    ack_timeout: Option<Seconds>,
    /// How often a message is delivered before it is put aside; 0 for as often as it takes. 5 unless set.
    #[serde(default)]
    max_deliveries: Option<u32>,
    /// Where messages are put aside: a queue, topic, subject or stream. Beside the one that they came from unless set, such as
    /// `orders.dead`.
    #[serde(default)]
    dead_letter: Option<String>,
    /// What has to be there, by its name: it is made where it is not.
    #[serde(default)]
    declare: BTreeMap<String, DeclareConfig>,
    /// Messages that are passed on to other integrations.
    #[serde(default)]
    #[expect(dead_code, reason = "whoever knows the other integrations reads it")]
    forward: Vec<ForwardConfig>,
    /// Bytes of the largest message that is sent or taken. 16 MiB unless set.
    #[serde(default)]
    max_message: Option<u64>,
    /// None: brokers take no headers but those of a message.
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

/// Time limits within the total time of a call.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Timeouts {
    /// For a connection to be made, and to log in. 5 seconds unless set.
    connect: Option<Seconds>,
}

/// A queue, topic or stream that has to be there.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeclareConfig {
    /// RabbitMQ: whether it is gone after a restart of the broker.
    #[serde(default)]
    pub(crate) transient: bool,
    /// RabbitMQ: arguments, such as `{"x-queue-type": "quorum"}`.
    #[serde(default)]
    pub(crate) arguments: BTreeMap<String, Value>,
    /// RabbitMQ: exchanges that the queue is bound to.
    #[serde(default)]
    pub(crate) bind: Vec<BindConfig>,
    /// NATS: the subjects that the stream keeps; its own name unless set.
    #[serde(default)]
    pub(crate) subjects: Vec<String>,
    /// Kafka: how many partitions the topic has. 1 unless set.
    #[serde(default)]
    pub(crate) partitions: Option<i32>,
    /// Kafka, NATS: how many copies the brokers keep. 1 unless set.
    #[serde(default)]
    pub(crate) replicas: Option<i16>,
    /// Redis, NATS: how many messages are kept at most.
    #[serde(default)]
    pub(crate) max_length: Option<u64>,
    /// Redis: groups that the stream has from its beginning on. Kafka: groups whose lag is told before anybody reads as them.
    #[serde(default)]
    pub(crate) groups: Vec<String>,
}

/// An exchange that a queue of RabbitMQ is bound to.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BindConfig {
    /// The exchange; made where it is not there, if its type is given.
    pub(crate) exchange: String,
    /// `direct`, `fanout`, `topic` or `headers`.
    #[serde(default)]
    pub(crate) r#type: Option<String>,
    /// By what messages are routed to the queue; its name unless set.
    #[serde(default)]
    pub(crate) routing_key: Option<String>,
}

/// Messages that are passed on to another integration.
///
/// Whoever knows the other integrations does it; a transport knows none.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForwardConfig {
    /// The queue, topic, subject or stream that they come from.
    pub queue: String,
    /// The group that reads them.
    #[serde(default)]
    pub group: Option<String>,
    /// Where a group that is new begins: `earliest`, `latest`, an offset, or a time.
    #[serde(default)]
    pub from: Option<String>,
    /// The integration that is called for each.
    pub to: String,
    /// The connection that it is called through.
    #[serde(default)]
    pub connection: Option<String>,
    /// What it is called with, as the body of a call: `{{message}}` stands for the message, `{{message/pointer}}` for a part
    /// of it, `{{message_id}}`, `{{key}}`, `{{queue}}` and `{{headers/NAME}}` for what is known of it. The message itself
    /// unless set.
    #[serde(default)]
    pub request: Option<Value>,
    /// So many at the same time. 8 unless set.
    #[serde(default)]
    pub concurrency: Option<u32>,
}

/// What is the same for all brokers.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) connect: Duration,
    pub(super) ack_timeout: Duration,
    /// `None` for as often as it takes.
    pub(super) max_deliveries: Option<u32>,
    pub(super) dead_letter: Option<String>,
    pub(super) max_message: usize,
}

/// What a broker is opened with.
pub(crate) struct Parts {
    pub(crate) address: Address,
    pub(crate) tls: Tls,
    pub(crate) declare: BTreeMap<String, DeclareConfig>,
    pub(crate) max_message: usize,
    /// How long a connection may take to be made, with its login.
    pub(crate) connect: Duration,
}

impl QueueConfig {
    /// How long whoever gets a message has to acknowledge it unless that is set.
    pub const ACK_TIMEOUT: Duration = Duration::from_secs(30);
    /// What the names of all headers begin with that a message has because it was put aside.
    pub const ASIDE: &str = "trunkline-dead-letter-";

    /// Checks everything.
    pub(super) fn open(&self) -> Result<(Parts, Rules)> {
        if !self.headers.is_empty() {
            return Err(Error::invalid("headers: brokers take none; give them with each message"));
        }
        let text = parse::resolve(&self.base_url).map_err(|error| error.at("base_url"))?;
        let address = Address::parse(&text).map_err(|error| error.at("base_url"))?;
        if self.tls.is_set() && !address.tls {
            return Err(Error::invalid(
                "tls: is for addresses that begin with amqps, kafkas, tls, mqtts or rediss",
            ));
        }
        let max_message = self.max_message.unwrap_or(16 << 20);
        let Some(max_message) =
            usize::try_from(max_message).ok().filter(|size| (1..=256 << 20).contains(size))
        else {
            return Err(Error::invalid("max_message: must be from 1 to 268435456 (256 MiB)"));
        };
        if self.dead_letter.as_deref() == Some("") {
            return Err(Error::invalid(
                "dead_letter: names no queue; max_deliveries 0 keeps messages from being put aside",
            ));
        }
        let rules = Rules {
            connect: self.timeouts.connect.map_or(Duration::from_secs(5), Seconds::get),
            ack_timeout: self.ack_timeout.map_or(Self::ACK_TIMEOUT, Seconds::get),
            max_deliveries: Some(self.max_deliveries.unwrap_or(5)).filter(|most| *most > 0),
            dead_letter: self.dead_letter.clone(),
            max_message,
        };
        let (tls, declare, connect) = (self.tls.open()?, self.declare.clone(), rules.connect);
        let parts = Parts { address, tls, declare, max_message, connect };
        Ok((parts, rules))
    }
}

impl std::fmt::Debug for QueueConfig {
    /// Nothing of it: the address holds a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueueConfig").finish_non_exhaustive()
    }
}

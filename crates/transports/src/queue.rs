//! Message queues: one attempt sends messages, or takes some, or says what has become of them.

mod address;
mod amqp;
mod aside;
mod attended;
mod behind;
mod broker;
mod came;
mod client;
mod config;
mod handed;
mod kafka;
mod lease;
mod line;
mod memory;
mod mqtt;
mod nats;
mod net;
mod paced;
mod place;
mod readers;
mod receive;
mod redis;
mod replies;
mod reply;
mod request;
mod settle;
mod stream;
mod taken;
mod tend;
#[cfg(test)]
mod tests;
mod tls;
mod tries;
mod worn;

use serde_json::value::RawValue;
use trunkline_core::{Call, Context, Occupancy, Operation, Proof, Reply, Result, Transport};

pub use self::config::{ForwardConfig, QueueConfig};
use self::{
    address::System, amqp::Amqp, client::Client, kafka::Kafka, memory::Memory, mqtt::Mqtt, nats::Nats,
    redis::Redis,
};

/// A message broker; its address says which.
#[derive(Debug)]
pub struct MessageQueue {
    speaks: Speaks,
}

/// The broker that was found.
#[derive(Debug)]
enum Speaks {
    RabbitMq(Client<Amqp>),
    Nats(Client<Nats>),
    Redis(Client<Redis>),
    Mqtt(Client<Mqtt>),
    Kafka(Client<Kafka>),
    Memory(Client<Memory>),
}

/// Does the same with the client of whichever broker it is.
macro_rules! each {
    ($speaks:expr, $client:ident => $done:expr) => {
        match $speaks {
            Speaks::RabbitMq($client) => $done,
            Speaks::Nats($client) => $done,
            Speaks::Redis($client) => $done,
            Speaks::Mqtt($client) => $done,
            Speaks::Kafka($client) => $done,
            Speaks::Memory($client) => $done,
        }
    };
}

impl Transport for MessageQueue {
    const NAME: &'static str = "message_queue";
    type Config = QueueConfig;

    fn open(config: QueueConfig, context: &Context) -> Result<Self> {
        let (parts, rules) = config.open()?;
        let (login, journal) = (parts.address.login.clone(), context.journal().cloned());
        let speaks = match parts.address.system {
            System::RabbitMq => Speaks::RabbitMq(Client::new(Amqp::open(parts)?, login, rules, journal)),
            System::Nats => Speaks::Nats(Client::new(Nats::open(parts)?, login, rules, journal)),
            System::Redis => Speaks::Redis(Client::new(Redis::open(parts)?, login, rules, journal)),
            System::Mqtt => Speaks::Mqtt(Client::new(Mqtt::open(parts)?, login, rules, journal)),
            System::Kafka => Speaks::Kafka(Client::new(Kafka::open(parts)?, login, rules, journal)),
            System::Memory => {
                Speaks::Memory(Client::new(Memory::open(parts, context)?, login, rules, journal))
            }
        };
        Ok(Self { speaks })
    }

    fn parse(&self, request: &RawValue) -> Result<Operation> {
        request::parse(request)
    }

    fn parse_stream(&self, request: &RawValue) -> Result<Operation> {
        request::parse_stream(request)
    }

    async fn call(&self, context: &Context, call: &mut Call) -> Result<Reply> {
        each!(&self.speaks, client => client.call(context, call).await)
    }

    async fn probe(&self, context: &Context, call: &mut Call) -> Result<Proof> {
        each!(&self.speaks, client => client.probe(context, call).await)
    }

    async fn schema(&self, context: &Context, call: &mut Call) -> Result<Reply> {
        each!(&self.speaks, client => client.schema(context, call).await)
    }

    fn system(&self) -> &'static str {
        each!(&self.speaks, client => client.system())
    }

    fn occupancy(&self) -> Option<Occupancy> {
        each!(&self.speaks, client => Some(client.occupancy()))
    }

    async fn close(&self) {
        each!(&self.speaks, client => client.close().await);
    }
}

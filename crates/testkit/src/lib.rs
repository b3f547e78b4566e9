//! What the tests of the other crates stand on: scripted transports for the layers, real peers on port 0 for
//! everything that speaks HTTP, message brokers, databases with a sample in them, servers of others, and what every
//! transport is checked by.
#![allow(clippy::unwrap_used, reason = "a test helper that cannot go on should fail the test at once")]

mod broker;
pub mod conformance;
mod feed;
mod httpbin;
mod kafka;
mod librdkafka;
mod localstripe;
mod mariadb;
mod mock_kafka;
mod mosquitto;
mod moto;
pub mod music;
mod nats;
mod oidc;
mod peer;
mod pgbouncer;
mod postgres;
mod prism;
mod program;
mod rabbitmq;
mod redis;
mod relay;
mod script;
mod server;
mod signers;
mod sockets;
mod tls;
mod yoga;

pub use broker::{Broker, Options};
pub use feed::{Feed, agree, head_of, shake_hands, shake_hands_with};
pub use httpbin::Httpbin;
pub use kafka::Kafka;
pub use librdkafka::Librdkafka;
pub use localstripe::Localstripe;
pub use mariadb::MariaDb;
pub use mock_kafka::MockKafka;
pub use mosquitto::Mosquitto;
pub use moto::Moto;
pub use nats::Nats;
pub use oidc::OidcProvider;
pub use peer::{Peer, Received};
pub use pgbouncer::PgBouncer;
pub use postgres::{PASSWORD, Postgres};
pub use prism::Prism;
pub use rabbitmq::{RabbitMq, SharedRabbitMq};
pub use redis::Redis;
pub use relay::Relay;
pub use script::{Script, Step};
pub use signers::Signers;
pub use sockets::Sockets;
pub use tls::Authority;
pub use yoga::Yoga;

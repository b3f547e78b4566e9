//! `message_queue` against real brokers: rules that hold for all of them, and what each has of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail at once")]
#![allow(clippy::needless_pass_by_value, reason = "a configuration is written where it is used")]

#[macro_use]
mod rules;
#[macro_use]
mod trouble;
#[macro_use]
mod secure;
#[macro_use]
mod cut;
mod amqp;
mod certificates;
mod common;
mod kafka;
mod memory;
mod mqtt;
mod nats;
mod redis;

//! Queues and exchanges that have to be there.

use std::collections::BTreeMap;

use lapin::{
    ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::FieldTable,
};
use trunkline_core::{Error, Result};

use super::{
    codes::{NOT_FOUND, explain, is},
    link::AmqpLink,
    properties::argument,
};
use crate::queue::config::{BindConfig, DeclareConfig};

/// Checks what can be checked without asking.
pub(super) fn check(all: &BTreeMap<String, DeclareConfig>) -> Result<()> {
    for (name, declared) in all {
        let at = |key: &str, message: &str| Err(Error::invalid(format!("declare.{name}.{key}: {message}")));
        let other = [
            ("subjects", !declared.subjects.is_empty()),
            ("partitions", declared.partitions.is_some()),
            ("replicas", declared.replicas.is_some()),
            ("groups", !declared.groups.is_empty()),
            ("max_length", declared.max_length.is_some()),
        ];
        match other.iter().find(|(_, there)| *there) {
            Some(("max_length", _)) => {
                return at("max_length", "is an argument of RabbitMQ; say {\"x-max-length\": …}");
            }
            Some((key, _)) => return at(key, "is not for RabbitMQ; leave it out"),
            None => {}
        }
        arguments(declared).map_err(|error| error.at(&format!("declare.{name}")))?;
        for bind in &declared.bind {
            kind(bind).map_err(|error| error.at(&format!("declare.{name}.bind")))?;
        }
    }
    Ok(())
}

/// Whether there is a queue of this name. It is asked on a channel of its own: where there is none the broker closes it.
pub(super) async fn is_there(link: &AmqpLink, name: &str) -> Result<bool> {
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let channel = link.new_channel().await?;
    match channel.queue_declare(name.into(), passive, FieldTable::default()).await {
        Ok(_) => {
            // Where this fails the connection is gone, and whoever uses it next finds out.
            let _ = channel.close(200, "bye".into()).await;
            Ok(true)
        }
        Err(error) => match explain(&error, "asking for a queue") {
            error if is(&error, NOT_FOUND) => Ok(false),
            error => Err(error),
        },
    }
}

/// Makes a queue and what it is bound to, where it is not there.
pub(super) async fn declare(link: &AmqpLink, name: &str, declared: &DeclareConfig) -> Result<()> {
    let channel = link.channel().await?;
    let options = QueueDeclareOptions { durable: !declared.transient, ..QueueDeclareOptions::default() };
    channel
        .queue_declare(name.into(), options, arguments(declared)?)
        .await
        .map_err(|error| explain(&error, "declaring a queue"))?;
    for bind in &declared.bind {
        if let Some(kind) = kind(bind)? {
            let durable = !declared.transient;
            let options = ExchangeDeclareOptions { durable, ..ExchangeDeclareOptions::default() };
            channel
                .exchange_declare(bind.exchange.as_str().into(), kind, options, FieldTable::default())
                .await
                .map_err(|error| explain(&error, "declaring an exchange"))?;
        }
        let key = bind.routing_key.as_deref().unwrap_or(name);
        let exchange = bind.exchange.as_str().into();
        channel
            .queue_bind(name.into(), exchange, key.into(), QueueBindOptions::default(), FieldTable::default())
            .await
            .map_err(|error| explain(&error, "binding a queue"))?;
    }
    Ok(())
}

fn arguments(declared: &DeclareConfig) -> Result<FieldTable> {
    let mut table = FieldTable::default();
    for (name, value) in &declared.arguments {
        let value = argument(value).map_err(|error| error.at(&format!("arguments.{name}")))?;
        table.insert(name.as_str().into(), value);
    }
    Ok(table)
}

fn kind(bind: &BindConfig) -> Result<Option<ExchangeKind>> {
    Ok(match bind.r#type.as_deref() {
        None => None,
        Some("direct") => Some(ExchangeKind::Direct),
        Some("fanout") => Some(ExchangeKind::Fanout),
        Some("topic") => Some(ExchangeKind::Topic),
        Some("headers") => Some(ExchangeKind::Headers),
        Some(_) => return Err(Error::invalid("type: must be direct, fanout, topic or headers")),
    })
}

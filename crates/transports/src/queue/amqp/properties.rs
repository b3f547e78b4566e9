//! What goes along with a message, as AMQP has it, and back.

use std::time::{SystemTime, UNIX_EPOCH};

use lapin::{
    BasicProperties,
    types::{AMQPValue, FieldTable},
};
use serde_json::Value;
use trunkline_core::{Error, Message, Result};

use crate::queue::place::only;

/// Headers that are no part of a message: how often it came (guide on quorum queues, "Poison Message Handling"), and where else it
/// went.
const OF_A_DELIVERY: [&str; 4] = [DELIVERIES, "x-acquired-count", CC, BCC];
/// RabbitMQ takes these for lists of further routing keys, and closes the channel over a text there (guide "Sender-selected
/// Distribution").
const CC: &str = "CC";
const BCC: &str = "BCC";
const DELIVERIES: &str = "x-delivery-count";
/// Who sent a message that was sent to its queue anew by another login.
const SENDER: &str = "trunkline-user-id";
/// Short strings have so many bytes at most (AMQP 0-9-1, section 4.2.5.3).
const SHORT: usize = 255;

/// Checks what AMQP has no place for.
pub(super) fn check(message: &Message) -> Result<()> {
    only(message, &["exchange", "routing_key", "priority", "expires", "persistent"], |key| match key {
        "key" => "is not for RabbitMQ; give routing_key",
        "partition" => "is not for RabbitMQ, which has none; leave it out",
        "qos" => "is not for RabbitMQ, which confirms every message; leave it out",
        _ => "is not for RabbitMQ, which keeps messages in queues; leave it out",
    })?;
    let short = [
        ("queue", Some(&message.destination)),
        ("exchange", message.exchange.as_ref()),
        ("routing_key", message.routing_key.as_ref()),
        ("message_id", message.id.as_ref()),
        ("correlation_id", message.correlation_id.as_ref()),
        ("reply_to", message.reply_to.as_ref()),
        ("content_type", message.content_type.as_ref()),
    ];
    let long = short.iter().find(|(_, text)| text.is_some_and(|text| text.len() > SHORT));
    if let Some((key, _)) = long {
        return Err(Error::invalid(format!("{key}: is longer than {SHORT} bytes; make it shorter")));
    }
    if let Some((name, _)) = message.headers.iter().find(|(name, _)| [CC, BCC].contains(&name.as_str())) {
        let message = format!(
            "headers: {name} is for routing keys, of which a message has one; bind the queues to an exchange"
        );
        return Err(Error::invalid(message));
    }
    match message.headers.iter().find(|(name, _)| name.len() > SHORT) {
        Some(_) => {
            Err(Error::invalid(format!("headers: a name is longer than {SHORT} bytes; make it shorter")))
        }
        None => Ok(()),
    }
}

/// The exchange and the routing key that a message is sent with.
pub(super) fn route(message: &Message) -> (&str, &str) {
    let key = message.routing_key.as_deref().unwrap_or(&message.destination);
    (message.exchange.as_deref().unwrap_or_default(), key)
}

/// What goes along with a message.
pub(super) fn properties(message: &Message) -> BasicProperties {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut properties = BasicProperties::default()
        .with_delivery_mode(if message.transient { 1 } else { 2 })
        .with_timestamp(now);
    if let Some(media) = &message.content_type {
        properties = properties.with_content_type(media.as_str().into());
    }
    if let Some(id) = &message.id {
        properties = properties.with_message_id(id.as_str().into());
    }
    if let Some(id) = &message.correlation_id {
        properties = properties.with_correlation_id(id.as_str().into());
    }
    if let Some(reply_to) = &message.reply_to {
        properties = properties.with_reply_to(reply_to.as_str().into());
    }
    if let Some(expires) = message.expires {
        properties = properties.with_expiration(expires.as_millis().to_string().into());
    }
    if let Some(priority) = message.priority {
        properties = properties.with_priority(priority);
    }
    if !message.headers.is_empty() {
        let mut table = FieldTable::default();
        for (name, value) in &message.headers {
            table.insert(name.as_str().into(), AMQPValue::LongString(value.as_str().into()));
        }
        properties = properties.with_headers(table);
    }
    properties
}

/// A message as it came.
pub(super) fn message(queue: &str, body: Vec<u8>, properties: &BasicProperties) -> Message {
    let text = |text: &Option<lapin::types::ShortString>| text.as_ref().map(|text| text.as_str().to_owned());
    let headers = properties.headers().as_ref().map(|table| {
        let all = table.inner().iter().filter(|(name, _)| !OF_A_DELIVERY.contains(&name.as_str()));
        all.map(|(name, value)| (name.as_str().to_owned(), told(value))).collect()
    });
    Message {
        destination: queue.to_owned(),
        body: body.into(),
        headers: headers.unwrap_or_default(),
        content_type: text(properties.content_type()),
        id: text(properties.message_id()),
        correlation_id: text(properties.correlation_id()),
        reply_to: text(properties.reply_to()),
        priority: *properties.priority(),
        ..Message::default()
    }
}

/// What goes along with a message that is sent to its queue as a new one by `user`: all that came with it, but for what the broker
/// says of a delivery. That somebody else had sent it is said in a header: the broker takes no user id but that of the login (its
/// guide "Validated User-ID").
pub(super) fn again(came: &BasicProperties, user: Option<&str>) -> BasicProperties {
    let mut headers = FieldTable::default();
    for (name, value) in came.headers().iter().flat_map(|table| table.inner()) {
        if !OF_A_DELIVERY.contains(&name.as_str()) {
            headers.insert(name.clone(), value.clone());
        }
    }
    let sender = came.user_id().as_ref().filter(|sender| Some(sender.as_str()) != user);
    let mut again = match sender {
        None => came.clone(),
        Some(sender) => {
            headers.insert(SENDER.into(), AMQPValue::LongString(sender.as_str().into()));
            without_user(came)
        }
    };
    if came.headers().is_some() || !headers.inner().is_empty() {
        again = again.with_headers(headers);
    }
    again
}

/// The same, sent by nobody who is named.
fn without_user(came: &BasicProperties) -> BasicProperties {
    /// Sets what is there.
    macro_rules! copied {
        ($($name:ident $with:ident),+) => {{
            let mut all = BasicProperties::default();
            $(if let Some(value) = came.$name().clone() {
                all = all.$with(value);
            })+
            all
        }};
    }
    copied!(
        content_type with_content_type, content_encoding with_content_encoding,
        delivery_mode with_delivery_mode, priority with_priority, correlation_id with_correlation_id,
        reply_to with_reply_to, expiration with_expiration, message_id with_message_id,
        timestamp with_timestamp, kind with_type, app_id with_app_id, cluster_id with_cluster_id
    )
}

/// Where a message stands in a stream of RabbitMQ (its guide on streams, "Consuming").
pub(super) fn offset(properties: &BasicProperties) -> Option<u64> {
    let Value::Number(offset) = value(properties.headers().as_ref()?.inner().get("x-stream-offset")?) else {
        return None;
    };
    offset.as_u64()
}

/// How often RabbitMQ says that a message of a quorum queue was delivered before (guide on quorum queues, "Poison Message
/// Handling").
pub(super) fn deliveries(properties: &BasicProperties) -> Option<u32> {
    let count = properties.headers().as_ref()?.inner().get(DELIVERIES)?;
    let Value::Number(count) = value(count) else { return None };
    count.as_u64().map(|count| count as u32 + 1)
}

/// The value of a header as text: as it is, or as JSON.
fn told(field: &AMQPValue) -> String {
    match value(field) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn value(field: &AMQPValue) -> Value {
    match field {
        AMQPValue::Boolean(value) => (*value).into(),
        AMQPValue::ShortShortInt(value) => (*value).into(),
        AMQPValue::ShortShortUInt(value) => (*value).into(),
        AMQPValue::ShortInt(value) => (*value).into(),
        AMQPValue::ShortUInt(value) => (*value).into(),
        AMQPValue::LongInt(value) => (*value).into(),
        AMQPValue::LongUInt(value) => (*value).into(),
        AMQPValue::LongLongInt(value) => (*value).into(),
        AMQPValue::Float(value) => (*value).into(),
        AMQPValue::Double(value) => (*value).into(),
        AMQPValue::ShortString(text) => text.as_str().into(),
        AMQPValue::LongString(text) => String::from_utf8_lossy(text.as_bytes()).into_owned().into(),
        AMQPValue::ByteArray(bytes) => String::from_utf8_lossy(bytes.as_slice()).into_owned().into(),
        AMQPValue::Timestamp(seconds) => (*seconds).into(),
        AMQPValue::FieldArray(all) => all.as_slice().iter().map(value).collect::<Vec<_>>().into(),
        AMQPValue::FieldTable(table) => {
            let pairs = table.inner().iter().map(|(name, field)| (name.as_str().to_owned(), value(field)));
            Value::Object(pairs.collect())
        }
        AMQPValue::DecimalValue(_) | AMQPValue::Void => Value::Null,
    }
}

/// A value of a configuration as an argument of a queue.
pub(super) fn argument(value: &Value) -> Result<AMQPValue> {
    Ok(match value {
        Value::Bool(value) => AMQPValue::Boolean(*value),
        Value::String(text) => AMQPValue::LongString(text.as_str().into()),
        Value::Number(number) => match number.as_i64() {
            Some(number) => AMQPValue::LongLongInt(number),
            None => AMQPValue::Double(number.as_f64().unwrap_or_default()),
        },
        _ => return Err(Error::invalid("must be a text, a number, or true or false")),
    })
}

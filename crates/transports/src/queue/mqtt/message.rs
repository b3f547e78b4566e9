//! A message as MQTT 5 has it, and back.

use rumqttc::{Publish, PublishOptions, PublishProperties, QoS};
use trunkline_core::{Error, Message, Result};

use crate::queue::place::{only, texts, unfit};

/// What MQTT has no place for of its own stands among the user properties.
const ID: &str = "message-id";
const KEY: &str = "key";
/// Topics and properties have so many bytes at most (MQTT 5, section 1.5.4).
const LONG: usize = 65_535;
/// The quality of service unless a message says another: at least once.
pub(super) const QOS: u8 = 1;

/// Checks what MQTT has no place for.
pub(super) fn check(message: &Message) -> Result<()> {
    only(
        message,
        &["key", "expires", "qos", "retain"],
        |_| "is not for MQTT, whose topics have nothing of the kind; leave it out",
    )?;
    if message.qos.is_some_and(|qos| qos > 2) {
        return Err(Error::invalid("qos: must be 0, 1 or 2"));
    }
    let topic = &message.destination;
    if topic.contains(['+', '#']) || !fits(topic) || topic.starts_with("$share/") {
        return Err(Error::invalid(
            "queue: is no topic of MQTT; a message goes to one, without + or # or control characters",
        ));
    }
    if message.reply_to.as_deref().is_some_and(|topic| topic.is_empty() || topic.contains(['+', '#'])) {
        return Err(Error::invalid("reply_to: is no topic of MQTT; an answer goes to one, without + or #"));
    }
    let headers = message.headers.iter().flat_map(|(name, value)| [name, value]);
    let mut all = texts(message).chain(headers.map(|text| ("headers", text.as_str())));
    // A correlation is bytes, whatever they mean.
    match all.find(|(key, text)| if *key == "correlation_id" { text.len() > LONG } else { !fits(text) }) {
        Some((key, _)) => Err(Error::invalid(format!(
            "{key}: is longer than 65535 bytes, or has a control character in it"
        ))),
        None => Ok(()),
    }
}

/// Whether a text can be sent. Brokers end the connection over one that cannot.
fn fits(text: &str) -> bool {
    text.len() <= LONG && !text.contains(unfit)
}

/// Checks what is to be read, and by which group (MQTT 5, sections 4.7 and 4.8.2).
pub(super) fn check_filter(source: &str, group: Option<&str>) -> Result<()> {
    if !rumqttc::valid_filter(source) || !fits(source) || source.starts_with("$share/") {
        return Err(Error::invalid(
            "queue: is no filter of MQTT such as orders/+/new; name a group with group",
        ));
    }
    match group.is_some_and(|group| group.is_empty() || !fits(group) || group.contains(['/', '+', '#'])) {
        true => Err(Error::invalid("group: a name may not have / + or # or control characters in it")),
        false => Ok(()),
    }
}

/// How a message is sent.
pub(super) fn options(message: &Message) -> PublishOptions {
    let (qos, properties) = parts(message);
    PublishOptions::new(qos).retain(message.retain).properties(properties)
}

/// The packet that a message is sent in, to be measured.
pub(super) fn packet(message: &Message) -> Publish {
    let (qos, properties) = parts(message);
    let packet = Publish::new(message.destination.as_str(), qos, message.body.clone(), Some(properties));
    // Any number takes two bytes; where there is none yet the library counts none.
    Publish { pkid: 1, ..packet }
}

fn parts(message: &Message) -> (QoS, PublishProperties) {
    let qos = match message.qos.unwrap_or(QOS) {
        0 => QoS::AtMostOnce,
        2 => QoS::ExactlyOnce,
        _ => QoS::AtLeastOnce,
    };
    let mut pairs: Vec<_> = message.headers.clone();
    pairs.extend(message.id.iter().map(|id| (ID.to_owned(), id.clone())));
    pairs.extend(message.key.iter().map(|key| (KEY.to_owned(), key.clone())));
    let properties = PublishProperties {
        payload_format_indicator: message.text.then_some(1),
        message_expiry_interval: message.expires.map(|time| time.as_secs().clamp(1, u32::MAX.into()) as u32),
        response_topic: message.reply_to.clone(),
        correlation_data: message.correlation_id.clone().map(Into::into),
        content_type: message.content_type.clone(),
        user_properties: pairs,
        ..PublishProperties::default()
    };
    (qos, properties)
}

/// A message as it came.
pub(super) fn message(came: &Publish) -> Message {
    let mut message = Message {
        destination: String::from_utf8_lossy(&came.topic).into_owned(),
        body: came.payload.clone(),
        retain: came.retain,
        ..Message::default()
    };
    let Some(properties) = &came.properties else { return message };
    message.content_type.clone_from(&properties.content_type);
    message.reply_to.clone_from(&properties.response_topic);
    let data = properties.correlation_data.as_ref();
    message.correlation_id = data.map(|data| String::from_utf8_lossy(data).into_owned());
    for (name, value) in &properties.user_properties {
        match &**name {
            ID => message.id = Some(value.clone()),
            KEY => message.key = Some(value.clone()),
            _ => message.headers.push((name.clone(), value.clone())),
        }
    }
    message
}

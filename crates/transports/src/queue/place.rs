//! What of a message a protocol may have no place for: named, so that nothing is left out in silence.

use trunkline_core::{Error, Message, Result};

/// Refuses what a message has beyond what every broker takes and what this one does: `taken`, by the keys of callers. `why`
/// says, of a key, why not.
///
/// # Errors
///
/// `invalid_config`, naming the key.
pub(super) fn only(message: &Message, taken: &[&str], why: impl Fn(&str) -> &'static str) -> Result<()> {
    let has = [
        ("exchange", message.exchange.is_some()),
        ("routing_key", message.routing_key.is_some()),
        ("key", message.key.is_some()),
        ("partition", message.partition.is_some()),
        ("priority", message.priority.is_some()),
        ("expires", message.expires.is_some()),
        ("persistent", message.transient),
        ("qos", message.qos.is_some()),
        ("retain", message.retain),
    ];
    match has.iter().find(|(key, has)| *has && !taken.contains(key)) {
        Some((key, _)) => Err(Error::invalid(format!("{key}: {}", why(key)))),
        None => Ok(()),
    }
}

/// Whether a character may not stand in a text of MQTT (MQTT 5, section 1.5.4): brokers end the connection over it.
pub(super) fn unfit(c: char) -> bool {
    c.is_control() || matches!(c, '\u{fdd0}'..='\u{fdef}') || c as u32 & 0xfffe == 0xfffe
}

/// The texts of a message beside its destination and headers, by the keys of callers.
pub(super) fn texts(message: &Message) -> impl Iterator<Item = (&'static str, &str)> {
    let all = [
        ("message_id", &message.id),
        ("content_type", &message.content_type),
        ("key", &message.key),
        ("correlation_id", &message.correlation_id),
        ("reply_to", &message.reply_to),
    ];
    all.into_iter().filter_map(|(key, text)| Some((key, text.as_deref()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_taken_is_named_and_never_left_out() {
        let refused = |message: &Message, taken: &[&str]| {
            only(message, taken, |_| "no").err().map(|error| error.message().to_owned())
        };
        let message = Message { key: Some("k".to_owned()), transient: true, ..Message::text("q", "x") };
        assert_eq!(refused(&message, &[]).as_deref(), Some("key: no"));
        assert_eq!(refused(&message, &["key"]).as_deref(), Some("persistent: no"));
        assert_eq!(refused(&message, &["key", "persistent"]), None);
        assert_eq!(refused(&Message::text("q", "x"), &[]), None);
    }
}

//! `Returns`: which messages the broker gave back because nobody gets them.
//!
//! The library hands what came back to whichever confirm comes next. That may be the confirm of another message: then one that
//! is in its queue is said to be nowhere, and one that nobody got to be there. So the frames are looked at as they come.
//!
//! The broker does not say the number of a message that came back. So it is known by all that it has: its id, where it was
//! sent, its headers and its body. Two that are the same in all of that go the same way, and are the same to everyone.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use lapin::{BasicProperties, types::FieldTable};
use sha2::{Digest, Sha256};
use trunkline_core::Message;

use super::properties::{properties, route};

/// What came back and was not asked for yet, by channel and id.
#[derive(Debug, Clone, Default)]
pub(super) struct Returns(Arc<Mutex<ById>>);

type ById = HashMap<(u16, String), Vec<Back>>;

/// A message that came back.
#[derive(Debug, Clone, Default)]
pub(super) struct Back {
    /// Why.
    pub(super) code: u16,
    pub(super) text: String,
    /// Where it was sent.
    pub(super) exchange: String,
    pub(super) routing_key: String,
    pub(super) properties: BasicProperties,
    /// SHA-256 of its body.
    pub(super) body: [u8; 32],
}

/// Headers that a broker may set itself (RabbitMQ's guide on message interceptors).
const OF_THE_BROKER: [&str; 2] = ["timestamp_in_ms", "x-routed-by"];

impl Back {
    fn is_of(&self, message: &Message, own: Option<&BasicProperties>) -> bool {
        let table = |properties: &BasicProperties| properties.headers().clone().unwrap_or_default();
        let sent = own.map_or_else(|| table(&properties(message)), table);
        (&*self.exchange, &*self.routing_key) == route(message)
            && agree(&sent, &table(&self.properties))
            && *Sha256::digest(&message.body) == self.body
    }
}

/// Whether headers as they came back can be these; one that says where else a message goes may have been taken out
/// (RabbitMQ's guide "Sender-selected Distribution").
fn agree(sent: &FieldTable, back: &FieldTable) -> bool {
    sent.inner().iter().all(|(name, value)| {
        OF_THE_BROKER.contains(&name.as_str()) || back.inner().get(name).is_none_or(|other| other == value)
    })
}

impl Returns {
    /// Why a message that was sent on a channel came back, if it did: the code and its text. By the time its confirm is there
    /// this is known: the broker gives a message back before it confirms it (RabbitMQ's guide on confirms). What went along with
    /// it is its own, or follows from the message.
    pub(super) fn take(
        &self,
        channel: u16,
        message: &Message,
        own: Option<&BasicProperties>,
    ) -> Option<(u16, String)> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.is_empty() {
            return None;
        }
        let key = (channel, message.id.clone().unwrap_or_default());
        let of_the_id = all.get_mut(&key)?;
        let at = of_the_id.iter().position(|back| back.is_of(message, own))?;
        let back = of_the_id.remove(at);
        if of_the_id.is_empty() {
            all.remove(&key);
        }
        Some((back.code, back.text))
    }

    pub(super) fn put(&self, channel: u16, back: Back) {
        let id = back.properties.message_id().as_ref().map(|id| id.as_str().to_owned());
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry((channel, id.unwrap_or_default())).or_default().push(back);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How a message comes back.
    fn back(message: &Message) -> Back {
        let (exchange, routing_key) = route(message);
        Back {
            code: 312,
            text: "NO_ROUTE".to_owned(),
            exchange: exchange.to_owned(),
            routing_key: routing_key.to_owned(),
            // Whoever asks later has another time.
            properties: properties(message).with_timestamp(1),
            body: Sha256::digest(&message.body).into(),
        }
    }

    #[test]
    fn of_messages_with_one_id_the_one_that_came_back_is_told_from_the_others() {
        let one = |queue: &str, text: &str, header: &str| {
            let headers = vec![("to".to_owned(), header.to_owned())];
            Message { id: Some("1".to_owned()), headers, ..Message::text(queue, text) }
        };
        let came_back = one("nope", "a", "x");
        let others = [
            one("there", "a", "x"),
            one("nope", "b", "x"),
            one("nope", "a", "y"),
            Message { exchange: Some("shop".to_owned()), ..came_back.clone() },
            Message { id: Some("2".to_owned()), ..came_back.clone() },
        ];
        let returns = Returns::default();
        returns.put(1, back(&came_back));
        for other in &others {
            assert_eq!(returns.take(1, other, None), None, "{other:?}");
        }
        assert_eq!(returns.take(2, &came_back, None), None, "another channel");
        assert_eq!(returns.take(1, &came_back, None), Some((312, "NO_ROUTE".to_owned())));
        assert_eq!(returns.take(1, &came_back, None), None, "it came back once");
        assert!(returns.0.lock().unwrap().is_empty());
    }

    #[test]
    fn a_message_is_known_though_the_broker_changed_its_headers() {
        let headers =
            |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), "1".to_owned())).collect();
        let sent =
            Message { headers: headers(&["a", "BCC", "timestamp_in_ms"]), ..Message::text("nope", "a") };
        let changed = Message { headers: headers(&["a", "x-routed-by"]), ..sent.clone() };
        let returns = Returns::default();
        returns.put(1, back(&changed));
        assert!(returns.take(1, &sent, None).is_some());
    }
}

//! The requests that are made of brokers, and their replies: those fields of each that are of use here, in the versions
//! that every broker since 1.0 has, 4.x included (Kafka protocol guide, "Protocol Messages"). But for one they are none of
//! those that the guide calls flexible, so what is written is plain.

pub(super) mod admin;
pub(super) mod fetch;
pub(super) mod group;
pub(super) mod metadata;
pub(super) mod offsets;
pub(super) mod produce;
pub(super) mod session;
#[cfg(test)]
mod tests;

use trunkline_core::Result;

use super::codec::{Reader, Writer};

/// One API of the protocol.
#[derive(Debug, Clone, Copy)]
pub(super) struct Api {
    pub(super) key: i16,
    /// Its name in the protocol guide, for messages.
    pub(super) name: &'static str,
    /// The oldest and the newest version that is written here.
    pub(super) versions: (i16, i16),
    /// The first version that is flexible, if any that is written here is (KIP-482).
    pub(super) flexible: i16,
}

/// A request.
pub(super) trait Request {
    const API: Api;
    /// What is read of the reply.
    type Reply;

    /// Writes the request, without its header.
    fn write(&self, to: &mut Writer, version: i16);

    /// Reads a reply, without its header.
    ///
    /// # Errors
    ///
    /// `protocol` where it is none.
    fn read(from: &mut Reader, version: i16) -> Result<Self::Reply>;
}

const fn api(key: i16, name: &'static str, oldest: i16, newest: i16) -> Api {
    Api { key, name, versions: (oldest, newest), flexible: i16::MAX }
}

/// Something of some partitions of a topic.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OfTopic<P> {
    pub(super) name: String,
    pub(super) partitions: Vec<P>,
}

/// Puts together what is said of partitions of the same topic, in the order in which it is first said.
pub(super) fn by_topic<'a, P>(items: impl IntoIterator<Item = (&'a str, P)>) -> Vec<OfTopic<P>> {
    let mut topics: Vec<OfTopic<P>> = Vec::new();
    for (name, item) in items {
        match topics.iter_mut().rev().find(|topic| topic.name == name) {
            Some(topic) => topic.partitions.push(item),
            None => topics.push(OfTopic { name: name.to_owned(), partitions: vec![item] }),
        }
    }
    topics
}

fn write_topics<P>(to: &mut Writer, topics: &[OfTopic<P>], mut write: impl FnMut(&mut Writer, &P)) {
    to.array(topics, |to, topic| {
        to.string(&topic.name);
        to.array(&topic.partitions, &mut write);
    });
}

fn read_topics<P>(
    from: &mut Reader,
    mut read: impl FnMut(&mut Reader) -> Result<P>,
) -> Result<Vec<OfTopic<P>>> {
    from.array(|from| Ok(OfTopic { name: from.string()?, partitions: from.array(&mut read)? }))
}

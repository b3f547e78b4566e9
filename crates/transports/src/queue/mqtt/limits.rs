//! `Limits`: how much a broker takes, as it says when a connection is made (MQTT 5, section 3.2.2.3). What is more than that would end
//! the connection, for all who share it.

use rumqttc::ConnAck;
use trunkline_core::{Error, Kind, Message, Outcome, Result};

use super::message::{QOS, packet};

/// What a broker takes of messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Bytes of the largest packet, where there is a bound.
    packet: Option<u32>,
    /// The highest quality of service.
    qos: u8,
    /// Whether it retains any.
    retain: bool,
}

impl Limits {
    /// What was said of them.
    pub(super) fn of(said: &ConnAck) -> Self {
        let said = said.properties.as_ref();
        Self {
            packet: said.and_then(|said| said.max_packet_size),
            qos: said.and_then(|said| said.max_qos).unwrap_or(2),
            retain: said.and_then(|said| said.retain_available) != Some(0),
        }
    }

    /// Refuses what the broker would not take.
    ///
    /// # Errors
    ///
    /// `rejected`, with outcome `not_sent`.
    pub(super) fn check(&self, message: &Message) -> Result<()> {
        // The whole packet counts (section 3.2.2.3.6).
        let large = self
            .packet
            .map(|most| (packet(message).size(), most))
            .filter(|(size, most)| *size > *most as usize);
        let refused = if message.retain && !self.retain {
            "retain: the broker retains nothing; leave it out, or allow it there".to_owned()
        } else if message.qos.unwrap_or(QOS) > self.qos {
            format!("qos: the broker takes {} at most; say so, or allow more there", self.qos)
        } else if let Some((size, most)) = large {
            format!(
                "the message has {size} bytes with its topic and headers, and the broker takes {most}; send a smaller one, or raise its \
                 maximum packet size"
            )
        } else {
            return Ok(());
        };
        Err(Error::new(Kind::Rejected, refused).outcome_is(Outcome::NotSent))
    }
}

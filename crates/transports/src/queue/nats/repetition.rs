//! Whether what a stream takes for a repetition is one. It knows ids for a while, whatever their subject, and keeps nothing
//! under one that it knows: a message that goes on to another subject of the same stream would be nowhere.

use async_nats::jetstream::{publish::PublishAck, stream::RawMessageErrorKind};
use trunkline_core::{Error, Kind, Message, Outcome, Result};

use super::{failure, link::NatsLink};

/// Sees that a message that a stream has not kept, as it says, is there under the same subject, or was until it was dealt with.
/// A login that may not look believes the stream.
///
/// # Errors
///
/// `rejected` where another one is; `unavailable`, with outcome `unknown`, where that could not be found out.
pub(super) async fn check(link: &NatsLink, message: &Message, ack: &PublishAck) -> Result<()> {
    let failed =
        |error: &dyn std::fmt::Display| failure::lost("looking for a repetition", &error.to_string());
    let known = async {
        let stream = link.jetstream.get_stream_no_info(&ack.stream).await.map_err(|error| failed(&error))?;
        match stream.get_raw_message(ack.sequence).await {
            Ok(known) => Ok(Some(known.subject)),
            Err(error) => match error.kind() {
                RawMessageErrorKind::NoMessageFound => Ok(None),
                _ => Err(failed(&error)),
            },
        }
    };
    let question = format!("STREAM.MSG.GET.{}", ack.stream);
    let known = match link.asks("looking for a repetition", &question, known).await {
        Ok(known) => known,
        // Whoever may not look believes the stream.
        Err(error) if error.kind() == Kind::Forbidden => None,
        Err(error) => return Err(error),
    };
    match known {
        Some(subject) if *subject != *message.destination => {
            let message = format!(
                "the stream has a message with this message_id at {subject}, and takes this for its repetition; give it \
                 another message_id"
            );
            Err(Error::new(Kind::Rejected, message).outcome_is(Outcome::Rejected))
        }
        _ => Ok(()),
    }
}

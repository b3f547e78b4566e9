//! Who reads in a stream: a group, which the stream remembers, or somebody by themselves, whom it forgets.

use std::time::Duration;

use async_nats::jetstream::{
    Context,
    consumer::{self, AckPolicy, DeliverPolicy, PullConsumer, pull},
    response::Response,
    stream::{ConsumerError, ConsumerErrorKind, Stream},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use trunkline_core::{Error, Kind, Outcome, Result, Start};

use super::failure;
use crate::queue::broker::{Reached, Subscription};

/// A stream waits so much longer than Trunkline for an acknowledgement: Trunkline says that there is none.
const LONGER: Duration = Duration::from_secs(5);
/// A reader without a group is forgotten by the stream after so long without a pull.
const IDLE: Duration = Duration::from_secs(120);

/// Who reads in a stream. A group that is there keeps its place, and stays as it is but for the time that a message may take:
/// that is made longer where messages would come again while somebody has them. It is never made shorter, as others may read
/// as the same group and take longer.
///
/// # Errors
///
/// `rejected` where a group is there that cannot be read so, with what to do about it.
pub(super) async fn reader(
    jetstream: &Context,
    stream: &Stream<()>,
    subscription: &Subscription,
) -> Result<PullConsumer> {
    let mut config = config(subscription)?;
    let Some(group) = config.durable_name.clone() else {
        return alone(stream, config, &subscription.reached).await;
    };
    let source = &subscription.source;
    let there = joined(stream, &group, config.clone()).await?;
    let reads = &there.cached_info().config.filter_subject;
    // What an operator made without a subject reads all that the stream has.
    if reads.is_empty() || reads == source {
        return patient(jetstream, &group, there, config.ack_wait).await;
    }
    if group != Subscription::UNNAMED {
        return Err(rejected(format!(
            "group: {group} reads {reads} in this stream; name another group for {source}"
        )));
    }
    // Nobody has named it, so that each subject has its own.
    let digest = Sha256::digest(source);
    let digest = u64::from_be_bytes(digest[..8].try_into().expect("eight bytes"));
    let own = format!("{group}-{digest:016x}");
    config.durable_name = Some(own.clone());
    let there = joined(stream, &own, config.clone()).await?;
    patient(jetstream, &own, there, config.ack_wait).await
}

/// Somebody who reads by themselves, behind what they have read before.
async fn alone(stream: &Stream<()>, mut config: pull::Config, reached: &Reached) -> Result<PullConsumer> {
    if let Some(last) = reached.last().and_then(|last| last.parse::<u64>().ok()) {
        let info = stream.get_info().await;
        let info = info.map_err(|error| failure::lost("asking for the stream", &error))?;
        config.deliver_policy = match info.state.last_sequence < last {
            // It was made anew meanwhile.
            true => DeliverPolicy::All,
            false => DeliverPolicy::ByStartSequence { start_sequence: last + 1 },
        };
    }
    let reader = stream.create_consumer(config).await.map_err(|error| unread(&error))?;
    // Nothing is delivered yet: it stands where it begins.
    reached.set(reader.cached_info().delivered.stream_sequence.to_string());
    Ok(reader)
}

/// The group of this name, which is made where it is not there.
async fn joined(stream: &Stream<()>, group: &str, config: pull::Config) -> Result<PullConsumer> {
    let there = stream.get_or_create_consumer(group, config).await.map_err(|error| match error.kind() {
        ConsumerErrorKind::InvalidConsumerType => {
            rejected(format!("group: the stream sends {group} its messages (push); name one that pulls them"))
        }
        _ => unread(&error),
    })?;
    match there.cached_info().config.ack_policy {
        AckPolicy::Explicit => Ok(there),
        other => {
            let other = if other == AckPolicy::All { "all before it" } else { "nothing" };
            Err(rejected(format!(
                "group: who acknowledges a message of {group} acknowledges {other} (ack_policy); name a group that has each \
                 acknowledged (explicit)"
            )))
        }
    }
}

/// The same group, which waits for an acknowledgement for at least so long.
async fn patient(
    jetstream: &Context,
    group: &str,
    there: PullConsumer,
    wait: Duration,
) -> Result<PullConsumer> {
    let known = &there.cached_info().config;
    // Where there is one it counts in place of `ack_wait`.
    if let Some(shortest) = known.backoff.iter().min().filter(|shortest| **shortest < wait) {
        return Err(rejected(format!(
            "group: messages of {group} come again after {shortest:?} (backoff), which has to be {wait:?} at least for this \
             ack_timeout; correct one of them"
        )));
    }
    if !known.backoff.is_empty() || known.ack_wait >= wait {
        return Ok(there);
    }
    let before = known.ack_wait;
    wait_longer(jetstream, there.cached_info(), wait).await.map_err(|error| {
        rejected(format!(
            "group: messages of {group} come again after {before:?} (ack_wait), which has to be {wait:?} at least for this \
             ack_timeout, and it cannot be changed; correct one of them"
        ))
        .source(error.to_string())
    })?;
    Ok(there)
}

/// Has the stream wait longer for acknowledgements of a group. What else is set stays, also what the library does not know.
async fn wait_longer(
    jetstream: &Context,
    group: &consumer::Info,
    wait: Duration,
) -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let consumer::Info { stream_name: stream, name, .. } = group;
    let mut info: Value =
        answered(jetstream.request(format!("CONSUMER.INFO.{stream}.{name}"), &json!({})).await?)?;
    let mut config = info["config"].take();
    config["ack_wait"] = u64::try_from(wait.as_nanos())?.into();
    let mut question = format!("CONSUMER.CREATE.{stream}.{name}");
    if let Some(reads) = config["filter_subject"].as_str().filter(|reads| !reads.is_empty()) {
        question = format!("{question}.{reads}");
    }
    let update = json!({"stream_name": stream, "config": config, "action": "update"});
    answered::<Value>(jetstream.request(question, &update).await?).map(drop)
}

fn answered<T>(response: Response<T>) -> std::result::Result<T, Box<dyn std::error::Error + Send + Sync>> {
    match response {
        Response::Ok(answer) => Ok(answer),
        Response::Err { error } => Err(error.into()),
    }
}

fn config(subscription: &Subscription) -> Result<pull::Config> {
    let start = match subscription.start {
        // A group has all that is kept; who only looks sees what comes.
        None if subscription.group.is_some() => DeliverPolicy::All,
        None | Some(Start::Latest) => DeliverPolicy::New,
        Some(Start::Earliest) => DeliverPolicy::All,
        Some(Start::Offset(sequence)) => DeliverPolicy::ByStartSequence { start_sequence: sequence.max(1) },
        Some(Start::Time(millis)) => {
            let nanos = i128::from(millis) * 1_000_000;
            let start_time = async_nats::datetime::DateTime::from_unix_timestamp_nanos(nanos)
                .map_err(|_| Error::invalid("from: is no time that NATS knows"))?;
            DeliverPolicy::ByStartTime { start_time }
        }
    };
    if let Some(group) = &subscription.group
        && group.contains(|c: char| ".*>/\\".contains(c) || c.is_whitespace() || c.is_control())
    {
        return Err(Error::invalid("group: a name may not have . * > / \\ or blanks in it"));
    }
    Ok(pull::Config {
        durable_name: subscription.group.clone(),
        deliver_policy: start,
        ack_policy: if subscription.group.is_some() { AckPolicy::Explicit } else { AckPolicy::None },
        ack_wait: subscription.hold + LONGER,
        max_deliver: -1,
        filter_subject: subscription.source.clone(),
        inactive_threshold: if subscription.group.is_some() { Duration::ZERO } else { IDLE },
        ..pull::Config::default()
    })
}

fn rejected(message: String) -> Error {
    Error::new(Kind::Rejected, message).outcome_is(Outcome::Rejected)
}

/// The stream did not make who reads.
fn unread(error: &ConsumerError) -> Error {
    match error.kind() {
        ConsumerErrorKind::JetStream(said) => failure::asking(&said),
        ConsumerErrorKind::TimedOut | ConsumerErrorKind::Request => {
            failure::lost("joining a group", error).outcome_is(Outcome::Rejected)
        }
        _ => rejected("the stream cannot be read so".to_owned()).source(error.to_string()),
    }
}

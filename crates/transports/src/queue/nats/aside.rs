//! Where messages are put aside: a stream beside each that they come from, for all of its subjects.

use async_nats::jetstream::{
    ErrorCode,
    context::{CreateStreamError, CreateStreamErrorKind},
    stream::Config,
};
use trunkline_core::Result;

use super::{Nats, failure, link::NatsLink};
use crate::queue::config::DeclareConfig;

/// What the subject of a message that is put aside begins with: whoever reads `orders.>` does not read it.
const DEAD: &str = "dead.";

/// Where messages of a subject are put aside unless somebody says where.
pub(super) fn beside(subject: &str) -> String {
    format!("{DEAD}{subject}")
}

/// Sees that a stream keeps what is put aside at a subject: the one of its own that somebody made, the one beside the stream
/// that the message comes from, or, where messages come from none or that one cannot be made, one for this subject.
///
/// # Errors
///
/// What JetStream says.
pub(super) async fn prepare(link: &NatsLink, destination: &str) -> Result<()> {
    if link.stream_of(destination).await?.is_some() {
        return Ok(());
    }
    let source = match destination.strip_prefix(DEAD) {
        Some(subject) => link.stream_of(subject).await?,
        None => None,
    };
    let is_made = match source {
        Some(source) => make(link, &source).await?,
        None => false,
    };
    if !is_made {
        let subjects = vec![destination.to_owned()];
        let declared = DeclareConfig { subjects, ..DeclareConfig::default() };
        Nats::declare(link, destination, &declared).await?;
    }
    link.forget(destination);
    Ok(())
}

/// Makes the stream beside another one, or has it keep what it does not keep yet. Says whether it does: not where another
/// stream keeps a part of it.
async fn make(link: &NatsLink, source: &str) -> Result<bool> {
    let failed = |error: &dyn std::fmt::Display| failure::lost("asking for a stream", &error.to_string());
    let stream = link.jetstream.get_stream(source).await.map_err(|error| failed(&error))?;
    let subjects = stream.cached_info().config.subjects.iter().map(|subject| beside(subject)).collect();
    let wanted = Config { name: format!("dead_{source}"), subjects, ..Config::default() };
    let there = match link.jetstream.get_or_create_stream(wanted.clone()).await {
        Ok(there) => there,
        Err(error) if overlaps(&error) => return Ok(false),
        Err(error) => return Err(failure::declaring(&error)),
    };
    let mut config = there.cached_info().config.clone();
    let missing: Vec<_> =
        wanted.subjects.into_iter().filter(|subject| !config.subjects.contains(subject)).collect();
    if missing.is_empty() {
        return Ok(true);
    }
    config.subjects.extend(missing);
    match link.jetstream.update_stream(config).await {
        Ok(_) => Ok(true),
        Err(error) if overlaps(&error) => Ok(false),
        Err(error) => Err(failure::declaring(&error)),
    }
}

/// Whether a stream cannot be so because one keeps some of the subjects already: another one, or itself.
fn overlaps(error: &CreateStreamError) -> bool {
    let CreateStreamErrorKind::JetStream(said) = error.kind() else { return false };
    [ErrorCode::STREAM_SUBJECT_OVERLAP, ErrorCode::STREAM_INVALID_CONFIG].contains(&said.error_code())
}

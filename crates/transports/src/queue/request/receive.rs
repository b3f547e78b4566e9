//! What is to be received: a pull, what is listened to, and where to begin.

use std::time::Duration;

use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;
use trunkline_core::{Ack, Error, Operation, Receive, Result, Seconds, Start};

use super::{MOST, read};

/// What is to be received.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pull {
    #[serde(default = "one")]
    max: u32,
    #[serde(default)]
    wait: Option<Seconds>,
    #[serde(default)]
    group: Option<String>,
    #[serde(default)]
    from: Option<From>,
    #[serde(default)]
    ack: Ack,
}

/// What is listened to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listen {
    #[serde(alias = "topic", alias = "subject", alias = "stream")]
    queue: String,
    #[serde(default)]
    group: Option<String>,
    #[serde(default)]
    from: Option<From>,
    #[serde(default)]
    ack: Ack,
    #[serde(default)]
    prefetch: Option<Number>,
    #[serde(default)]
    timeout: Option<Seconds>,
}

/// Where to begin: a word, a time, or an offset.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum From {
    Offset(u64),
    Text(String),
    Other(IgnoredAny),
}

/// A number, also as a query has it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Digits(u32),
    Text(String),
    Other(IgnoredAny),
}

fn one() -> u32 {
    1
}

/// So long a pull waits at most.
const LONGEST: Duration = Duration::from_secs(60);

/// Turns the JSON into what is listened to.
pub(in crate::queue) fn parse_stream(request: &RawValue) -> Result<Operation> {
    if !request.get().starts_with('{') {
        return Err(Error::invalid("expected an object such as {\"queue\": \"orders\"}"));
    }
    let wire: Listen = read(request)?;
    let prefetch = wire.prefetch.map(|number| match number {
        Number::Digits(number) => number,
        // Out of range, like all that is none.
        Number::Text(text) => text.parse().unwrap_or_default(),
        Number::Other(_) => 0,
    });
    if prefetch.is_some_and(|prefetch| prefetch == 0 || prefetch as usize > MOST) {
        return Err(Error::invalid(format!("prefetch: must be a number from 1 to {MOST}")));
    }
    Ok(Receive {
        group: group(wire.group)?,
        start: start(wire.from)?,
        ack: wire.ack,
        prefetch,
        timeout: wire.timeout.map(Seconds::get),
        ..Receive::stream(wire.queue)
    }
    .into())
}

pub(super) fn start(from: Option<From>) -> Result<Option<Start>> {
    let text = match from {
        None => return Ok(None),
        Some(From::Offset(offset)) => return Ok(Some(Start::Offset(offset))),
        Some(From::Text(text)) => text,
        Some(From::Other(_)) => String::new(),
    };
    let time = || text.parse::<jiff::Timestamp>().ok().map(|time| Start::Time(time.as_millisecond()));
    let start = match &*text {
        "earliest" => Some(Start::Earliest),
        "latest" => Some(Start::Latest),
        text => text.parse().ok().map(Start::Offset).or_else(time),
    };
    let unknown = "from: must be earliest, latest, an offset, or a time such as 2026-01-31T12:00:00Z";
    start.map(Some).ok_or_else(|| Error::invalid(unknown))
}

/// A group that has a name, where one is given.
fn group(group: Option<String>) -> Result<Option<String>> {
    match group.as_deref() {
        Some("") => Err(Error::invalid("group: is empty; name who reads, or leave it out")),
        _ => Ok(group),
    }
}

impl Pull {
    pub(super) fn open(self, source: String) -> Result<Receive> {
        if self.max == 0 || self.max as usize > MOST {
            return Err(Error::invalid(format!("max: must be from 1 to {MOST}")));
        }
        let wait = self.wait.map_or(Duration::ZERO, Seconds::get);
        if wait > LONGEST {
            return Err(Error::invalid(
                "wait: must be at most 60 seconds; for more, pull again, or subscribe",
            ));
        }
        Ok(Receive {
            group: group(self.group)?,
            start: start(self.from)?,
            ack: self.ack,
            ..Receive::pull(source, self.max, wait)
        })
    }
}

//! `Signals`: what a service says of its own limits in the headers of its replies.

mod when;

use std::time::Duration;

use http::{HeaderMap, HeaderName, StatusCode, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sfv::{BareItem, Parser};
use trunkline_core::{Error, Result, retry_after};

use self::when::until;

/// What we believe at most, unless the service says it in `Retry-After`.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// … and if it does.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// Pairs of what remains and when it is more again: drafts before the structured field, and their custom.
const PAIRS: [(HeaderName, HeaderName); 3] = [
    (HeaderName::from_static("x-ratelimit-remaining"), HeaderName::from_static("x-ratelimit-reset")),
    (HeaderName::from_static("ratelimit-remaining"), HeaderName::from_static("ratelimit-reset")),
    (HeaderName::from_static("x-rate-limit-remaining"), HeaderName::from_static("x-rate-limit-reset")),
];

/// Headers of a service's own in which it speaks of its limits.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeaderNames {
    /// How many requests are left.
    #[serde(default)]
    pub remaining: Option<String>,
    /// When there are more: in seconds, as seconds or milliseconds since 1970, as a date (RFC 3339) or as a duration such as
    /// `6m0s`.
    #[serde(default)]
    pub reset: Option<String>,
    /// How many requests there are in all, where they come back one by one and `reset` is when all of them are there again:
    /// then the first of them is waited for, and not the last.
    #[serde(default)]
    pub limit: Option<String>,
    /// How long to wait, in the forms of `Retry-After`.
    #[serde(default)]
    pub retry_after: Option<String>,
}

/// Where a service says what remains, and when it is more again.
#[derive(Debug, Clone, PartialEq)]
struct Pair {
    remaining: HeaderName,
    reset: HeaderName,
    /// How many are there again then, where they come one by one.
    limit: Option<HeaderName>,
}

/// Which headers to read.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Signals {
    pairs: Vec<Pair>,
    retry_after: Vec<HeaderName>,
}

/// What a reply said.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Heard {
    /// Send nothing for this long.
    pub(super) pause: Option<Duration>,
    /// So many requests in this time, and how many of them are left now.
    pub(super) policies: Vec<Policy>,
}

/// A quota policy of a service (draft-ietf-httpapi-ratelimit-headers, section 3).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Policy {
    pub(super) requests: u32,
    pub(super) per: Duration,
    pub(super) left: Option<u32>,
}

impl Signals {
    /// Reads these headers, and the usual ones.
    pub(super) fn new<'a>(named: impl Iterator<Item = &'a HeaderNames>) -> Result<Self> {
        let name = |key: &str, name: &str| {
            name.parse::<HeaderName>()
                .map_err(|_| Error::invalid(format!("rate_limit.headers.{key}: is not the name of a header")))
        };
        let mut signals = Self::default();
        for names in named {
            match (&names.remaining, &names.reset) {
                (Some(remaining), Some(reset)) => signals.pairs.push(Pair {
                    remaining: name("remaining", remaining)?,
                    reset: name("reset", reset)?,
                    limit: names.limit.as_ref().map(|limit| name("limit", limit)).transpose()?,
                }),
                (None, None) if names.limit.is_none() => {}
                (None, None) => {
                    return Err(Error::invalid(
                        "rate_limit.headers.limit: means nothing without remaining and reset",
                    ));
                }
                _ => return Err(Error::invalid("rate_limit.headers: remaining and reset go together")),
            }
            if let Some(header) = &names.retry_after {
                signals.retry_after.push(name("retry_after", header)?);
            }
        }
        Ok(signals)
    }

    /// What a reply says, and how long a pause its error is known to ask for. `None` for the usual one, which says nothing that
    /// matters.
    pub(super) fn hear(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        asked: Option<Duration>,
    ) -> Option<Heard> {
        let mut heard = Heard::default();
        let mut pause = |wait: Option<Duration>| heard.pause = heard.pause.max(wait);
        pause(asked.map(|wait| wait.min(LONGEST_ASKED)));
        if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            pause(retry_after::read(headers, &header::RETRY_AFTER).map(|wait| wait.min(LONGEST_ASKED)));
        }
        for name in &self.retry_after {
            pause(retry_after::read(headers, name).map(|wait| wait.min(LONGEST_ASKED)));
        }
        // One look at the names, instead of one for each header that most services do not send.
        let usual = headers.keys().any(|name| {
            let name = name.as_str();
            name.starts_with("ratelimit") || name.starts_with("x-rate")
        });
        for (remaining, reset) in PAIRS.iter().filter(|_| usual) {
            pause(when(headers, remaining, reset, None));
        }
        for pair in &self.pairs {
            pause(when(headers, &pair.remaining, &pair.reset, pair.limit.as_ref()));
        }
        if usual {
            let said = fields(headers);
            pause(said.pause);
            heard.policies = said.policies;
        }
        (heard.pause.is_some_and(|pause| !pause.is_zero()) || !heard.policies.is_empty()).then_some(heard)
    }
}

/// How long it is until there are more, where none are left.
fn when(
    headers: &HeaderMap,
    remaining: &HeaderName,
    reset: &HeaderName,
    limit: Option<&HeaderName>,
) -> Option<Duration> {
    let text = |name: &HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    if text(remaining) != Some("0") {
        return None;
    }
    let all = limit.and_then(text).and_then(|limit| limit.parse::<u32>().ok()).unwrap_or(1);
    Some((until(text(reset)?)? / all.max(1)).min(LONGEST))
}

/// What `RateLimit` and `RateLimit-Policy` say.
fn fields(headers: &HeaderMap) -> Heard {
    let (limits, policies) = (text(headers, &RATE_LIMIT), text(headers, &RATE_LIMIT_POLICY));
    if limits.is_none() && policies.is_none() {
        return Heard::default();
    }
    let (limits, policies) = (limits.unwrap_or_default(), policies.unwrap_or_default());
    structured(&limits, &policies).unwrap_or_else(|| older(&limits, &policies))
}

/// All values of a header as one list.
fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let values: Vec<_> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

/// The current draft: `RateLimit: "name";r=3;t=20` and `RateLimit-Policy: "name";q=100;w=60`, lists of strings.
fn structured(limits: &str, policies: &str) -> Option<Heard> {
    let (limits, policies) = (entries(limits)?, entries(policies)?);
    let mut heard = Heard::default();
    for limit in limits.iter().filter(|limit| limit.number("r") == Some(0)) {
        let wait = limit.number("t").map(|t| Duration::from_secs(t).min(LONGEST));
        heard.pause = heard.pause.max(wait);
    }
    for entry in &policies {
        let left = limits.iter().find(|limit| limit.name == entry.name).and_then(|limit| limit.number("r"));
        if let (Some(quota), Some(window)) = (entry.number("q"), entry.number("w")) {
            heard.policies.extend(policy(quota, window, left));
        }
    }
    Some(heard)
}

/// A string of a list, with those of its parameters that are numbers.
struct Entry {
    name: String,
    numbers: Vec<(String, u64)>,
}

impl Entry {
    fn number(&self, key: &str) -> Option<u64> {
        self.numbers.iter().find(|(name, _)| name == key).map(|(_, number)| *number)
    }
}

/// The entries of a list that speak of requests; `None` if it is no list of strings.
fn entries(text: &str) -> Option<Vec<Entry>> {
    let list: sfv::List = Parser::new(text).parse().ok()?;
    let mut entries = Vec::new();
    for entry in list {
        let sfv::ListEntry::Item(item) = entry else { return None };
        let BareItem::String(name) = item.bare_item else { return None };
        // A policy of another unit, such as bytes, is none of requests.
        if item.params.iter().any(|(key, unit)| {
            key.as_str() == "qu" && !matches!(unit, BareItem::String(unit) if unit.as_str() == "requests")
        }) {
            continue;
        }
        let numbers = item.params.iter().filter_map(|(key, value)| {
            let BareItem::Integer(value) = value else { return None };
            Some((key.as_str().to_owned(), u64::try_from(i64::from(*value)).ok()?))
        });
        entries.push(Entry { name: name.as_str().to_owned(), numbers: numbers.collect() });
    }
    Some(entries)
}

/// The draft before it (to version 7): `RateLimit: limit=100, remaining=3, reset=20`, `RateLimit-Policy: 100;w=60`.
fn older(limits: &str, policies: &str) -> Heard {
    let mut heard = Heard::default();
    let number = |key: &str| {
        let mut pairs = limits.split(',').filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == key)?.1.parse::<u64>().ok()
    };
    let remaining = number("remaining");
    if remaining == Some(0) {
        heard.pause = number("reset").map(|reset| Duration::from_secs(reset).min(LONGEST));
    }
    for entry in policies.split(',') {
        let mut parts = entry.trim().split(';').map(str::trim);
        let quota = parts.next().and_then(|quota| quota.parse::<u64>().ok());
        let window = parts.find_map(|part| part.strip_prefix("w=")).and_then(|w| w.parse().ok());
        if let (Some(quota), Some(window)) = (quota, window) {
            // What remains is said of the one that is named as the limit.
            let left = remaining.filter(|_| number("limit") == Some(quota));
            heard.policies.extend(policy(quota, window, left));
        }
    }
    heard
}

/// A policy that is one: nothing in no time would stop everything for ever.
fn policy(quota: u64, window: u64, left: Option<u64>) -> Option<Policy> {
    let requests = u32::try_from(quota).ok().filter(|quota| *quota > 0)?;
    (1..=86_400).contains(&window).then(|| Policy {
        requests,
        per: Duration::from_secs(window),
        left: left.map(|left| u32::try_from(left).unwrap_or(u32::MAX)),
    })
}

#[cfg(test)]
mod tests;

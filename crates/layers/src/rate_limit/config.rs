//! `RateLimitConfig`: our own limits on the rate of calls, and the working values that they become.

use std::{borrow::Cow, collections::BTreeMap, fmt, num::NonZeroU32, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{
        self,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};
use trunkline_core::{Error, Result, Seconds};

use super::signals::{HeaderNames, Signals};

/// Limits on the rate of calls: one, or a list of which all hold, such as one a second and one a day. Without
/// any, only what the service itself says is obeyed.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(transparent)]
pub struct RateLimitConfig(Vec<LimitConfig>);

/// One limit. In no stretch of time of the length `per` are more than `requests` attempts made.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitConfig {
    /// This many attempts …
    #[serde(default)]
    pub requests: Option<NonZeroU32>,
    /// … in this time, at most a day. 1 second unless set.
    #[serde(default)]
    pub per: Option<Seconds>,
    /// How many of them may come at once; 1 spaces them evenly. All of them unless set.
    #[serde(default)]
    pub burst: Option<NonZeroU32>,
    /// How many of `requests` a call takes, by the name of its action or else by its HTTP method, such as
    /// `{"POST": 5}`; 0 is free. 1 unless named.
    #[serde(default)]
    pub weights: BTreeMap<String, u32>,
    /// The limit is for these actions or HTTP methods alone. For all unless set.
    #[serde(default)]
    pub actions: Option<Vec<String>>,
    /// How long a call may wait for its turn, behind those that came before it. 5 seconds unless set; the
    /// shortest of several limits holds.
    #[serde(default)]
    pub max_wait: Option<Seconds>,
    /// How many calls may wait, at most 100,000; 0 refuses at once. 100 unless set; the least of several limits
    /// holds.
    #[serde(default)]
    pub max_queue: Option<u32>,
    /// Whether to obey what the service says of its own limits in its replies. true unless set.
    #[serde(default)]
    pub learn: Option<bool>,
    /// Headers in which the service says it, beside the usual ones.
    #[serde(default)]
    pub headers: Option<HeaderNames>,
}

/// What limits an integration, ready to be used.
#[derive(Debug, Clone)]
pub struct Rules {
    pub(super) limits: Vec<Limit>,
    pub(super) max_wait: Duration,
    pub(super) max_queue: u32,
    /// What to read in replies; `None` to read nothing.
    pub(super) signals: Option<Signals>,
}

/// One limit, ready to be used.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Limit {
    pub(super) requests: u32,
    pub(super) per: Duration,
    pub(super) burst: u32,
    pub(super) weights: Box<[(Box<str>, u32)]>,
    pub(super) actions: Option<Box<[Box<str>]>>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            limits: Vec::new(),
            max_wait: Duration::from_secs(5),
            max_queue: 100,
            signals: Some(Signals::default()),
        }
    }
}

impl Rules {
    /// Whether a layer has anything to do with them.
    pub fn is_off(&self) -> bool {
        self.limits.is_empty() && self.signals.is_none()
    }
}

impl RateLimitConfig {
    /// Turns it into working values.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key.
    pub fn open(&self) -> Result<Rules> {
        let mut rules = Rules::default();
        let limits = self.0.iter().filter_map(|limit| limit.open().transpose());
        rules.limits = limits.collect::<Result<_>>()?;
        if let Some(wait) = self.0.iter().filter_map(|limit| limit.max_wait).min() {
            rules.max_wait = wait.get();
        }
        if let Some(queue) = self.0.iter().filter_map(|limit| limit.max_queue).min() {
            if queue > 100_000 {
                return Err(Error::invalid("rate_limit.max_queue: must be at most 100000"));
            }
            rules.max_queue = queue;
        }
        if self.0.iter().any(|limit| limit.learn == Some(false)) {
            rules.signals = None;
        } else {
            let names = self.0.iter().filter_map(|limit| limit.headers.as_ref());
            rules.signals = Some(Signals::new(names)?);
        }
        Ok(rules)
    }
}

impl LimitConfig {
    fn open(&self) -> Result<Option<Limit>> {
        let bad = |key: &str, what: &str| Err(Error::invalid(format!("rate_limit.{key}: {what}")));
        let Some(requests) = self.requests.map(NonZeroU32::get) else {
            let lonely = [
                ("per", self.per.is_some()),
                ("burst", self.burst.is_some()),
                ("weights", !self.weights.is_empty()),
                ("actions", self.actions.is_some()),
            ];
            return match lonely.iter().find(|(_, set)| *set) {
                Some((key, _)) => bad(key, "means nothing without requests; say how many there may be"),
                None => Ok(None),
            };
        };
        let burst = self.burst.map_or(requests, NonZeroU32::get);
        if burst > requests {
            return bad("burst", "must be at most requests");
        }
        if let Some((name, _)) = self.weights.iter().find(|(_, weight)| **weight > burst) {
            return bad("weights", &format!("{name:?} weighs more than burst: it could never be called"));
        }
        Ok(Some(Limit {
            requests,
            per: self.per.unwrap_or(Seconds::new(1)).get(),
            burst,
            weights: self.weights.iter().map(|(name, weight)| (name.as_str().into(), *weight)).collect(),
            actions: self
                .actions
                .as_ref()
                .map(|names| names.iter().map(|name| name.as_str().into()).collect()),
        }))
    }
}

impl Limit {
    /// Whether what was taken of the other says what was taken of this.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        (self.per, &self.actions) == (other.per, &other.actions)
    }

    /// What an attempt of this action takes.
    pub(super) fn weight(&self, action: &str) -> u32 {
        if self.actions.as_ref().is_some_and(|actions| !actions.iter().any(|name| **name == *action)) {
            return 0;
        }
        self.weights.iter().find(|(name, _)| **name == *action).map_or(1, |(_, weight)| *weight)
    }
}

impl<'de> Deserialize<'de> for RateLimitConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Not an untagged enum: its errors would not say which key is wrong.
        struct OneOrMany;
        impl<'de> de::Visitor<'de> for OneOrMany {
            type Value = RateLimitConfig;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a limit such as {\"requests\": 10, \"per\": 1}, or a list of limits")
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<RateLimitConfig, A::Error> {
                LimitConfig::deserialize(MapAccessDeserializer::new(map))
                    .map(|one| RateLimitConfig(vec![one]))
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, seq: A) -> Result<RateLimitConfig, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(RateLimitConfig)
            }
        }
        deserializer.deserialize_any(OneOrMany)
    }
}

impl JsonSchema for RateLimitConfig {
    fn schema_name() -> Cow<'static, str> {
        "RateLimitConfig".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<LimitConfig>();
        json_schema!({
            "description": "Limits on the rate of calls: one, or a list of which all hold",
            "anyOf": [one, { "type": "array", "items": one }],
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn open(json: Value) -> Result<Rules> {
        let config: RateLimitConfig =
            serde_json::from_value(json).map_err(|error| Error::invalid(error.to_string()))?;
        config.open()
    }

    #[test]
    fn one_limit_or_several() {
        let one = open(json!({ "requests": 100, "per": 10, "burst": 20, "max_wait": 3 })).unwrap();
        assert_eq!((one.limits.len(), one.limits[0].burst, one.max_wait.as_secs()), (1, 20, 3));
        let two = open(json!([
            { "requests": 10, "max_wait": 9, "max_queue": 7 },
            { "requests": 1000, "per": "24h", "max_wait": 4, "weights": { "POST": 5, "HEAD": 0 } },
        ]));
        let two = two.unwrap();
        assert_eq!((two.max_wait.as_secs(), two.max_queue), (4, 7));
        assert_eq!((two.limits[0].burst, two.limits[0].per.as_secs()), (10, 1));
        let weigh = |action| two.limits[1].weight(action);
        assert_eq!((weigh("POST"), weigh("HEAD"), weigh("GET")), (5, 0, 1));
        let some = open(json!({ "requests": 1, "actions": ["export"] })).unwrap();
        assert_eq!((some.limits[0].weight("export"), some.limits[0].weight("GET")), (1, 0));
        assert!(open(json!({ "learn": false })).unwrap().is_off());
        assert!(!open(json!([])).unwrap().is_off());
    }

    #[test]
    fn what_makes_no_sense_names_its_key() {
        for (json, key) in [
            (json!({ "requests": 0 }), "nonzero"),
            (json!({ "requests": 5, "burst": 6 }), "burst"),
            (json!({ "per": 5 }), "per"),
            (json!({ "requests": 5, "burst": 2, "weights": { "POST": 3 } }), "POST"),
            (json!({ "requests": 5, "max_queue": 100_001 }), "max_queue"),
            (json!({ "request": 5 }), "request"),
            (json!([{ "requests": 5, "peer": 1 }]), "peer"),
            (json!("fast"), "a limit such as"),
            (json!({ "requests": 5, "headers": { "reset": "a b" } }), "headers"),
        ] {
            let error = open(json.clone()).unwrap_err();
            assert!(error.message().contains(key), "{json}: {error}");
        }
    }
}

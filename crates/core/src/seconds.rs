//! `Seconds`: a duration in configuration, as a number of seconds or a string such as `"250ms"`.

use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Error;

/// A positive duration. Written as seconds (`30`, `0.25`) or with a unit (`"250ms"`, `"30s"`, `"5m"`, `"1h"`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(Duration);

/// A day: more is a mistake, such as milliseconds where seconds are meant.
const MAX: f64 = 86_400.0;

impl Seconds {
    /// Whole seconds, for defaults.
    pub const fn new(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// As the standard type.
    pub const fn get(self) -> Duration {
        self.0
    }

    fn from_f64(seconds: f64) -> Result<Self, &'static str> {
        if seconds > 0.0 && seconds <= MAX {
            return Ok(Self(Duration::from_secs_f64(seconds)));
        }
        Err("must be more than 0 and at most 86400 seconds")
    }

    fn from_text(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
        let (number, unit) = text.split_at(split);
        let scale = match unit {
            "ms" => 0.001,
            "" | "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err("unknown unit of time; use ms, s, m or h"),
        };
        let number: f64 =
            number.trim().parse().map_err(|_| "is no duration; write \"250ms\", \"30s\" or \"5m\"")?;
        Self::from_f64(number * scale)
    }
}

impl FromStr for Seconds {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::from_text(text).map_err(Error::invalid)
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Seconds;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("seconds, or a string such as \"250ms\", \"30s\" or \"5m\"")
            }
            fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<Seconds, E> {
                Seconds::from_f64(seconds).map_err(E::custom)
            }
            fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Seconds, E> {
                self.visit_f64(seconds as f64)
            }
            fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Seconds, E> {
                self.visit_f64(seconds as f64)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Seconds, E> {
                Seconds::from_text(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.subsec_nanos() == 0 {
            serializer.serialize_u64(self.0.as_secs())
        } else {
            serializer.serialize_f64(self.0.as_secs_f64())
        }
    }
}

impl JsonSchema for Seconds {
    fn schema_name() -> Cow<'static, str> {
        "Seconds".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "number", "exclusiveMinimum": 0, "maximum": MAX },
                { "type": "string", "pattern": "^\\s*[0-9.]+\\s*(ms|s|m|h)?\\s*$" }
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_numbers_or_strings_with_a_unit() {
        for (json, millis) in [
            ("30", 30_000),
            ("0.25", 250),
            ("\"250ms\"", 250),
            ("\"30s\"", 30_000),
            ("\"1.5 m\"", 90_000),
            ("\"7\"", 7000),
        ] {
            let seconds: Seconds = serde_json::from_str(json).unwrap();
            assert_eq!(seconds.get().as_millis(), millis, "{json}");
        }
        for json in ["0", "-1", "1e9", "\"\"", "\"5 years\"", "\"NaN\"", "\"-3s\"", "null", "[]", "\"inf\""] {
            assert!(serde_json::from_str::<Seconds>(json).is_err(), "{json}");
        }
    }
}

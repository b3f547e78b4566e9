//! `Pointer`: a JSON pointer (RFC 6901) into text that is neither parsed nor copied as a whole.

use std::ops::Range;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use trunkline_core::{Result, parse};

/// A pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pointer(Vec<String>);

/// What stands where a pointer points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// This value, as it is written.
    Value(&'a str),
    /// Nothing, but the object that it would be in is this.
    Missing(&'a str),
    /// Nothing, nor anything that it could be in; or the text is no JSON.
    Nothing,
    /// More than one: a name that the pointer goes by stands there twice, and nobody knows which one others read.
    Twice,
}

impl Pointer {
    /// Reads a pointer.
    ///
    /// # Errors
    ///
    /// `invalid_config` where it is none.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        parse::pointer(text)?;
        let step = |step: &str| step.replace("~1", "/").replace("~0", "~");
        Ok(Self(text.split('/').skip(1).map(step).collect()))
    }

    /// The last name on the way.
    pub(crate) fn name(&self) -> Option<&str> {
        self.0.last().map(String::as_str)
    }

    /// Looks for it in a text.
    pub(crate) fn find<'a>(&self, json: &'a str) -> Found<'a> {
        let mut at = json;
        for (n, step) in self.0.iter().enumerate() {
            match look(at, step) {
                Ok(Step::Value(raw)) => at = raw.get(),
                Ok(Step::Twice) => return Found::Twice,
                Ok(Step::Missing) if n + 1 == self.0.len() && at.trim_start().starts_with('{') => {
                    return Found::Missing(at);
                }
                Ok(Step::Missing) | Err(_) => return Found::Nothing,
            }
        }
        // The way there has read all of the text; where there is no way nobody has.
        match !self.0.is_empty() || serde_json::from_str::<IgnoredAny>(json).is_ok() {
            true => Found::Value(at),
            false => Found::Nothing,
        }
    }
}

/// Where a part of a text stands in it.
pub(crate) fn range(whole: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr() as usize - whole.as_ptr() as usize;
    start..start + part.len()
}

enum Step<'a> {
    Value(&'a RawValue),
    Missing,
    Twice,
}

/// One step into a value.
fn look<'a>(json: &'a str, step: &str) -> serde_json::Result<Step<'a>> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let found = Into(step).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(found)
}

struct Into<'s>(&'s str);

impl<'de> DeserializeSeed<'de> for Into<'_> {
    type Value = Step<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Step<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Into<'_> {
    type Value = Step<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Step<'de>, A::Error> {
        let mut found = Step::Missing;
        while let Some(is_it) = map.next_key_seed(Is(self.0))? {
            if !is_it {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = map.next_value::<&'de RawValue>()?;
            found = match found {
                Step::Missing => Step::Value(value),
                _ => Step::Twice,
            };
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Step<'de>, A::Error> {
        // RFC 6901 section 4: digits without a leading zero.
        let wanted = self.0.parse::<usize>().ok().filter(|n| n.to_string() == self.0);
        let (mut found, mut n) = (Step::Missing, 0);
        loop {
            if Some(n) == wanted {
                let Some(value) = seq.next_element::<&'de RawValue>()? else { return Ok(found) };
                found = Step::Value(value);
            } else if seq.next_element::<IgnoredAny>()?.is_none() {
                return Ok(found);
            }
            n += 1;
        }
    }
}

/// Whether a name is this one. Names are not copied for that.
struct Is<'s>(&'s str);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_leads_to_what_is_written_there() {
        let json =
            r#" {"a": {"b/c": [1, {"d": "x y"}]}, "n": 1.50, "t": 1, "t": 2, "z": null, "": {"~": true}} "#;
        for (pointer, found) in [
            ("/n", Found::Value("1.50")),
            ("/a/b~1c/0", Found::Value("1")),
            ("/a/b~1c/1/d", Found::Value("\"x y\"")),
            ("/z", Found::Value("null")),
            ("//~0", Found::Value("true")),
            ("", Found::Value(json)),
            ("/a/b~1c/2", Found::Nothing),
            ("/a/b~1c/01", Found::Nothing),
            ("/n/x", Found::Nothing),
            ("/x/y", Found::Nothing),
            ("/z/y", Found::Nothing),
            ("/t", Found::Twice),
            ("/a/x", Found::Missing(r#"{"b/c": [1, {"d": "x y"}]}"#)),
        ] {
            assert_eq!(Pointer::parse(pointer).unwrap().find(json), found, "{pointer}");
        }
        for json in ["", "x", "{\"n\": 1", "{\"n\": 1} x", "{\"n\": 01}", "\"n\"", "1"] {
            assert_eq!(Pointer::parse("/n").unwrap().find(json), Found::Nothing, "{json}");
        }
        assert!(Pointer::parse("n").is_err());
    }

    #[test]
    fn a_part_stands_where_it_was_found() {
        let json = r#"{"a": {"id": 17}}"#;
        let Found::Value(part) = Pointer::parse("/a/id").unwrap().find(json) else { panic!("it is there") };
        assert_eq!(&json[range(json, part)], "17");
    }
}

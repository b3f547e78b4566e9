//! `Variables`: the variables of a request by name, each as its caller wrote it.

use std::{borrow::Cow, fmt};

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use trunkline_core::{Error, File, Result};

/// Variables: a name, and its value unless a file is in its place.
#[derive(Debug, Default)]
pub(super) struct Variables<'a>(Vec<(Cow<'a, str>, Option<&'a RawValue>)>);

impl<'a> Variables<'a> {
    /// Those of a request, and those that its files stand for.
    ///
    /// # Errors
    ///
    /// `invalid_config` where they are no object, or one name stands there twice.
    pub(super) fn of(params: Option<&'a RawValue>, files: &'a [File]) -> Result<Self> {
        let mut all = match params.map(RawValue::get) {
            None | Some("null") => Self::default(),
            Some(text) => {
                let bad = |_| {
                    Error::invalid(
                        "variables: must be an object with each name once, and 1,000 of them at most",
                    )
                };
                serde_json::Deserializer::from_str(text).deserialize_map(Names).map_err(bad)?
            }
        };
        for file in files {
            let name = file.path.strip_prefix("variables.").and_then(|path| path.split('.').next());
            if let Some(name) = name
                && !all.0.iter().any(|(known, value)| known == name && value.is_none())
            {
                all.0.retain(|(known, _)| known != name);
                all.0.push((name.into(), None));
            }
        }
        Ok(all)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }

    /// Whether a variable is null; `None` where it is not there.
    pub(super) fn is_null(&self, name: &str) -> Option<bool> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        Some(value.is_some_and(|value| value.get() == "null"))
    }

    /// A variable that is a number and not negative. `1e3` is a whole number to those who read JSON as JavaScript does.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        let text = value.as_ref()?.get();
        // The cast cuts off what is beyond either end.
        text.parse().ok().or_else(|| text.parse::<f64>().ok().map(|number| number as u64))
    }
}

/// More than this are no variables of a document that somebody wrote.
const MOST: usize = 1000;

/// Reads an object whose values stay as they are written.
struct Names;

impl<'de> Visitor<'de> for Names {
    type Value = Variables<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut all: Vec<(Cow<'de, str>, Option<&'de RawValue>)> = Vec::new();
        while let Some(name) = map.next_key::<Name<'de>>()? {
            if all.len() == MOST || all.iter().any(|(known, _)| *known == name.0) {
                return Err(serde::de::Error::custom("a name is there twice"));
            }
            all.push((name.0, Some(map.next_value()?)));
        }
        Ok(Variables(all))
    }
}

/// A name, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use serde_json::{json, value::to_raw_value};

    use super::*;

    #[test]
    fn variables_are_an_object_of_values_that_stay_as_they_are() {
        let json = to_raw_value(&json!({"a": null, "n": 5, "o": {"b": [1]}})).unwrap();
        let file = |path: &str| File {
            path: path.to_owned(),
            name: String::new(),
            media: String::new(),
            content: bytes::Bytes::new(),
        };
        let files = [file("variables.a"), file("variables.fs.0"), file("variables.fs.1")];
        let variables = Variables::of(Some(&json), &files).unwrap();
        assert_eq!(variables.is_null("n"), Some(false));
        assert_eq!(variables.is_null("a"), Some(false), "a file stands for it");
        assert_eq!(variables.is_null("fs"), Some(false));
        assert_eq!(variables.is_null("x"), None);
        assert_eq!(variables.number("n"), Some(5));
        let large: Box<RawValue> =
            serde_json::from_str(r#"{"a": 1e3, "b": 99999999999999999999, "c": "5", "d": -5}"#).unwrap();
        let large = Variables::of(Some(&large), &[]).unwrap();
        let numbers = ["a", "b", "c", "d", "e"].map(|name| large.number(name));
        assert_eq!(numbers, [Some(1000), Some(u64::MAX), None, Some(0), None]);
        let mut names: Vec<_> = variables.names().collect();
        names.sort_unstable();
        assert_eq!(names, ["a", "fs", "n", "o"]);
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in ["[]", "1", "\"a\"", "{\"a\": 1, \"a\": 2}"] {
            let json: Box<RawValue> = serde_json::from_str(text).unwrap();
            let error = Variables::of(Some(&json), &[]).unwrap_err();
            assert!(error.message().starts_with("variables: "), "{text}");
        }
        let null: Box<RawValue> = serde_json::from_str("null").unwrap();
        assert_eq!(Variables::of(Some(&null), &[]).unwrap().names().count(), 0);
    }
}

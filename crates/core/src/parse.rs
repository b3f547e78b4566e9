//! Typed values out of JSON, with errors that name the key, suggest the nearest known one, and never
//! repeat what was sent (it may be a secret).

mod missing;

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

pub use crate::unique::Unique;
use crate::{Error, Result, secret};

/// Reads a `T` out of JSON text.
///
/// # Errors
///
/// `invalid_config`, with the line and column of bad JSON or the path of a bad value.
pub fn text<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| explain(&error, |_| None))?;
    reader.end().map_err(|error| syntax(&error))?;
    Ok(value)
}

/// Reads a `T` out of a JSON value that stands at `place` in a larger input; `place` may be empty.
///
/// # Errors
///
/// `invalid_config`, with the path of the bad value below `place`.
pub fn value<T: DeserializeOwned>(json: Value, place: &str) -> Result<T> {
    read(json, place, |_, _| None)
}

/// The same for what has a schema: of a key that is missing the error says what it is for.
///
/// # Errors
///
/// As [`value`].
pub fn described<T: DeserializeOwned + JsonSchema>(json: Value, place: &str) -> Result<T> {
    read(json, place, missing::hint::<T>)
}

fn read<T: DeserializeOwned>(
    json: Value,
    place: &str,
    hint: impl Fn(&serde_path_to_error::Path, &str) -> Option<String>,
) -> Result<T> {
    serde_path_to_error::deserialize(json).map_err(|error| {
        let error = explain(&error, |key| hint(error.path(), key));
        if place.is_empty() { error } else { error.at(place) }
    })
}

/// Replaces the references `${env:NAME}` and `${file:PATH}` in a value that is not a secret.
///
/// # Errors
///
/// `invalid_config`, naming the variable or the file.
pub fn resolve(text: &str) -> Result<Cow<'_, str>> {
    secret::resolve(text)
}

/// A value whose texts have their references replaced, as [`resolve`] does.
///
/// # Errors
///
/// As there.
pub fn resolved(mut value: Value) -> Result<Value> {
    match &mut value {
        Value::String(text) => *text = resolve(text)?.into_owned(),
        Value::Array(items) => {
            for item in items {
                *item = resolved(item.take())?;
            }
        }
        Value::Object(members) => {
            for member in members.values_mut() {
                *member = resolved(member.take())?;
            }
        }
        _ => {}
    }
    Ok(value)
}

/// Checks a JSON pointer (RFC 6901 section 3).
///
/// # Errors
///
/// `invalid_config`, saying what one looks like.
pub fn pointer(text: &str) -> Result<()> {
    let whole = text.is_empty() || text.starts_with('/');
    let escaped = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    match whole && escaped {
        true => Ok(()),
        false => Err(Error::invalid(
            "is not a JSON pointer such as /session/token; each step begins with /, and ~ is written ~0",
        )),
    }
}

/// The known word nearest to `word`, if one is near enough to be a slip of the fingers.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// The known word that `word` surely was meant to be: nearer than what merely begins in the same way.
pub fn slip<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest(word, known).filter(|near| strsim::jaro_winkler(word, near) > 0.85)
}

fn syntax(error: &serde_json::Error) -> Error {
    let what = if error.is_eof() { "ends too early" } else { "is not valid JSON" };
    Error::invalid(format!("the JSON {what}, at line {} column {}", error.line(), error.column()))
}

/// Turns serde's message into ours. serde quotes the offending value in some of its messages; those
/// parts are cut out. `hint` says what is to be written under a key that is missing.
fn explain(
    error: &serde_path_to_error::Error<serde_json::Error>,
    hint: impl Fn(&str) -> Option<String>,
) -> Error {
    let cause = error.inner();
    if cause.is_syntax() || cause.is_eof() || cause.is_io() {
        return syntax(cause);
    }
    let message = cause.to_string();
    // "… at line 1 column 2" is serde_json's own addition.
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(head, _)| head);
    let path = error.path().to_string();
    let mut path = if path == "." { "" } else { path.as_str() };
    let text = if let Some(rest) = message.strip_prefix("unknown field `") {
        let (key, known) = rest.split_once('`').unwrap_or((rest, ""));
        // The path already ends in the unknown key.
        path = path.strip_suffix(key).map_or(path, |head| head.trim_end_matches('.'));
        unknown("key", Some(key), known)
    } else if let Some(rest) = message.strip_prefix("unknown variant `") {
        let (value, known) = rest.split_once('`').unwrap_or((rest, ""));
        unknown("value", nearest(value, words(known)).map(|_| value), known)
    } else if message.starts_with("invalid type: ") || message.starts_with("invalid value: ") {
        let expected = message.rsplit_once(", expected ").map_or("another type", |(_, expected)| expected);
        format!("expected {}", plain(expected))
    } else if let Some(hint) = missing_key(message).and_then(hint) {
        format!("{message}, {hint}")
    } else {
        message.to_owned()
    };
    if path.is_empty() { Error::invalid(text) } else { Error::invalid(text).at(path) }
}

/// The key that a message of serde's says is missing.
fn missing_key(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.strip_suffix('`')
}

/// What serde expected, in the words of JSON where it has those of Rust.
fn plain(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" | "a nonzero u32" | "a nonzero u64" => {
            "a whole number that is not negative"
        }
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a map" => "an object",
        "a sequence" => "a list",
        "unit" => "null",
        of_rust
            if ["struct ", "enum ", "internally tagged enum ", "adjacently tagged enum "]
                .iter()
                .any(|kind| of_rust.starts_with(kind)) =>
        {
            if of_rust.starts_with("enum ") {
                "a text"
            } else {
                "an object"
            }
        }
        of_rust if of_rust.starts_with("struct variant ") => "an object",
        of_rust if of_rust.starts_with("tuple ") || of_rust.starts_with("an array of length") => "a list",
        expected => expected,
    }
}

/// The words between backticks in serde's list of what it expected.
fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split('`').skip(1).step_by(2)
}

fn unknown(what: &str, word: Option<&str>, list: &str) -> String {
    // A key is quoted only as far as a key goes; a value only when it is nearly a known one.
    let shown = word.map(|word| word.chars().filter(|c| !c.is_control()).take(64).collect::<String>());
    let mut text = match &shown {
        Some(word) => format!("unknown {what} `{word}`"),
        None => format!("unknown {what}"),
    };
    if let Some(near) = word.and_then(|word| nearest(word, words(list))) {
        text.push_str(&format!(", did you mean `{near}`?"));
    }
    let known: Vec<_> = words(list).collect();
    if !known.is_empty() {
        text.push_str(&format!("; known: {}", known.join(", ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    /// What is inside.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only the errors matter here")]
    struct Inner {
        /// How many there are. At
        /// least one.
        key: u32,
        mode: Option<Mode>,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Mode {
        Header,
        Query,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only the errors matter here")]
    struct Outer {
        timeout: Option<u32>,
        inner: Option<Inner>,
    }

    fn message(json: Value) -> String {
        value::<Outer>(json, "").unwrap_err().message().to_owned()
    }

    #[test]
    fn an_unknown_key_is_named_with_the_nearest_known_one() {
        assert_eq!(
            message(json!({"timout": 1})),
            "unknown key `timout`, did you mean `timeout`?; known: timeout, inner"
        );
        assert_eq!(
            message(json!({"inner": {"key": 1, "xyz": 1}})),
            "inner: unknown key `xyz`; known: key, mode"
        );
    }

    #[test]
    fn a_wrong_value_is_named_by_its_path_and_not_repeated() {
        assert_eq!(
            message(json!({"inner": {"key": "hunter2"}})),
            "inner.key: expected a whole number that is not negative"
        );
        assert_eq!(
            message(json!({"inner": {"key": 1, "mode": "hunter2"}})),
            "inner.mode: unknown value; known: header, query"
        );
        assert!(message(json!({"inner": {"key": 1, "mode": "heder"}})).contains("did you mean `header`?"));
        assert!(message(json!({"inner": {}})).contains("missing field `key`"));
        assert_eq!(message(json!({"inner": 5})), "inner: expected an object");
    }

    #[test]
    fn of_a_key_that_is_missing_it_is_said_what_it_is_for() {
        #[derive(Debug, Deserialize, JsonSchema)]
        #[allow(dead_code, reason = "only the errors matter here")]
        struct Whole {
            one: Inner,
            #[serde(default)]
            more: Option<Vec<Inner>>,
        }
        for (json, says) in [
            (json!({}), "missing field `one`, an object with `key`: what is inside"),
            (json!({"one": {}}), "one: missing field `key`, how many there are"),
            (json!({"one": {"key": 1}, "more": [{}]}), "more[0]: missing field `key`, how many there are"),
        ] {
            assert_eq!(described::<Whole>(json, "").unwrap_err().message(), says);
        }
    }

    #[test]
    fn bad_json_is_located_and_not_repeated() {
        let error = text::<Outer>(b"{\"timeout\": hunter2}").unwrap_err();
        assert_eq!(error.message(), "the JSON is not valid JSON, at line 1 column 13");
        assert!(text::<Outer>(b"{\"timeout\": 1").unwrap_err().message().contains("ends too early"));
        assert!(text::<Outer>(b"{} x").is_err());
        assert!(text::<Outer>(b"{\"timeout\": \"\xff\"}").is_err());
    }

    #[test]
    fn a_pointer_is_empty_or_steps_that_begin_with_a_slash() {
        for text in ["", "/", "/a/0/b", "/~0a~1b", "/a b"] {
            pointer(text).unwrap();
        }
        for text in ["a", "a/b", "/~", "/~2", "$.a"] {
            assert!(pointer(text).unwrap_err().message().contains("JSON pointer"), "{text}");
        }
    }

    #[test]
    fn a_value_below_a_place_is_named_by_the_whole_path() {
        let error = value::<Inner>(json!({"key": true}), "auth_config").unwrap_err();
        assert_eq!(error.message(), "auth_config: key: expected a whole number that is not negative");
    }
}

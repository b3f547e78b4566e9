//! Values of SQLite, which has types of values rather than of columns: parameters from JSON, and back.
//!
//! | parameter | bound as |
//! |---|---|
//! | `null` | NULL |
//! | `true`, `false` | INTEGER 1, 0: SQLite has no booleans |
//! | an integer | INTEGER; one beyond 64 bits is refused, since SQLite would make a REAL of it |
//! | another number | REAL, or TEXT with the digits where a double does not give them back |
//! | a string | TEXT |
//! | `{"base64": "…"}` | BLOB |
//! | another object, an array | TEXT, as it was written |
//!
//! A value comes back by its own type: INTEGER and REAL as numbers by the rule of all engines, TEXT as a string, BLOB in
//! base64. TEXT in a column that is declared JSON is embedded. A column that is declared BOOLEAN holds what was put
//! there, 0 and 1 as a rule: to show true for 1 would lose the 2.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rusqlite::types::{Value, ValueRef};
use serde::Deserialize;
use trunkline_core::{Error, Result};

use super::super::{arg::Arg, json};

/// What is bound for a parameter. `name` is what a message calls it.
pub(super) fn bound(arg: &Arg<'_>, name: impl Fn() -> String) -> Result<Value> {
    Ok(match arg {
        Arg::Null => Value::Null,
        Arg::Bool(value) => Value::Integer((*value).into()),
        Arg::Number(digits) if digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') => {
            Value::Integer(digits.parse().map_err(|_| {
                Error::invalid(format!(
                    "{}: is beyond the 64 bits of SQLite's integers; send it as a string",
                    name()
                ))
            })?)
        }
        Arg::Number(digits) => number(digits),
        Arg::Text(text) => Value::Text(text.as_ref().to_owned()),
        Arg::Json(text) => match base64(text) {
            None => Value::Text((*text).to_owned()),
            Some(encoded) => Value::Blob(BASE64_STANDARD.decode(&*encoded).map_err(|_| {
                Error::invalid(format!("{}.base64: is not base64 (RFC 4648 section 4)", name()))
            })?),
        },
    })
}

/// A double of at most so many significant digits gives them back (`DBL_DIG`).
const DIGITS: usize = 15;

fn number(digits: &str) -> Value {
    let mantissa = digits.split(['e', 'E']).next().unwrap_or_default();
    let significant = mantissa.bytes().filter(u8::is_ascii_digit).skip_while(|digit| *digit == b'0').count();
    match digits.parse::<f64>() {
        Ok(value) if value.is_finite() && (significant <= DIGITS || format!("{value}") == digits) => {
            Value::Real(value)
        }
        _ => Value::Text(digits.to_owned()),
    }
}

/// The text of an object that has this key alone.
fn base64(text: &str) -> Option<std::borrow::Cow<'_, str>> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Encoded<'a> {
        #[serde(borrow)]
        base64: std::borrow::Cow<'a, str>,
    }
    text.starts_with('{')
        .then(|| serde_json::from_str::<Encoded<'_>>(text).ok())
        .flatten()
        .map(|found| found.base64)
}

/// Writes a value. `is_json` says that its column is declared so.
pub(super) fn write(out: &mut Vec<u8>, value: ValueRef<'_>, is_json: bool) {
    match value {
        ValueRef::Null => out.extend_from_slice(b"null"),
        ValueRef::Integer(value) => json::integer(out, value),
        ValueRef::Real(value) => json::double(out, value),
        ValueRef::Text(text) if is_json => json::embedded(out, text),
        ValueRef::Text(text) => json::lossy(out, text),
        ValueRef::Blob(bytes) => json::bytes(out, bytes),
    }
}

/// How many bytes a value has.
pub(super) fn size(value: ValueRef<'_>) -> u64 {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len() as u64,
        _ => 8,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    fn of(json: &str) -> Result<Value> {
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        bound(&Arg::of(&raw), || "params.a".to_owned())
    }

    #[test]
    fn a_parameter_is_bound_without_loss_or_refused() {
        for (json, expected) in [
            ("null", Value::Null),
            ("true", Value::Integer(1)),
            ("-9223372036854775808", Value::Integer(i64::MIN)),
            ("1.5", Value::Real(1.5)),
            ("1e3", Value::Real(1000.0)),
            ("0.1234567890123456", Value::Real(0.1234567890123456)),
            ("0.12345678901234567890", Value::Text("0.12345678901234567890".into())),
            ("1e999", Value::Text("1e999".into())),
            (r#""a""#, Value::Text("a".into())),
            (r#"{"base64": "AP8="}"#, Value::Blob(vec![0, 255])),
            (r#"{"base64": "AP8=", "b": 1}"#, Value::Text(r#"{"base64": "AP8=", "b": 1}"#.into())),
            (r#"{"base64": 1}"#, Value::Text(r#"{"base64": 1}"#.into())),
            ("[1.0]", Value::Text("[1.0]".into())),
        ] {
            assert_eq!(of(json).unwrap(), expected, "{json}");
        }
        for (json, word) in [("9223372036854775808", "64 bits"), (r#"{"base64": "?"}"#, "params.a.base64")] {
            assert!(of(json).unwrap_err().to_string().contains(word), "{json}");
        }
    }
}

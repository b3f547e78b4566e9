//! A parameter as its caller wrote it: JSON, looked at no further than an engine needs.

use std::borrow::Cow;

use serde_json::value::RawValue;

/// The value of one parameter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Arg<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, in the digits it was written with.
    Number(&'a str),
    /// A string, without its escapes.
    Text(Cow<'a, str>),
    /// An array or an object, as it was written.
    Json(&'a str),
}

impl<'a> Arg<'a> {
    /// Reads a parameter.
    pub(crate) fn of(raw: &'a RawValue) -> Self {
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'"') => Self::Text(unescaped(text)),
            Some(b'[' | b'{') => Self::Json(text),
            _ => Self::Number(text),
        }
    }
}

/// What stands in a JSON string; copied only where it has escapes. A half of a surrogate pair, which no text of a
/// database can hold, becomes U+FFFD.
fn unescaped(text: &str) -> Cow<'_, str> {
    let inner = &text[1..text.len() - 1];
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Cow::Borrowed(inner);
    }
    let owned = serde_json::from_str::<String>(text).ok();
    Cow::Owned(owned.unwrap_or_else(|| {
        let bytes = serde_json::from_str::<Bytes>(text).map(|bytes| bytes.0).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }))
}

/// The bytes of a JSON string, with halves of surrogate pairs among them.
struct Bytes(Vec<u8>);

impl<'de> serde::Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Bytes;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_keeps_what_its_caller_wrote() {
        for (json, expected) in [
            ("null", Arg::Null),
            ("true", Arg::Bool(true)),
            ("false", Arg::Bool(false)),
            ("123456789012345678901234567890.10", Arg::Number("123456789012345678901234567890.10")),
            ("-1", Arg::Number("-1")),
            (r#""a b""#, Arg::Text("a b".into())),
            (r#""a\n\"ä\u00e9""#, Arg::Text("a\n\"äé".into())),
            (r#""\ud800x""#, Arg::Text("\u{fffd}\u{fffd}\u{fffd}x".into())),
            (r#"{"a": [1.0]}"#, Arg::Json(r#"{"a": [1.0]}"#)),
            ("[1, 2]", Arg::Json("[1, 2]")),
        ] {
            let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
            assert_eq!(Arg::of(&raw), expected, "{json}");
        }
    }
}

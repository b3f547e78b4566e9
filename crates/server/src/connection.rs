//! Whose credentials a call uses: the connection that a request names, in its path, a header or its JSON.

use std::{borrow::Cow, fmt};

use memchr::memmem;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use trunkline::{Error, Result};

/// The key in the JSON of a call. It is ours: the transport knows nothing of it.
const KEY: &str = "connection";

/// Takes the connection out of the JSON of a request. Most have none, and pay for one search.
///
/// # Errors
///
/// `invalid_config`, where it is no name or is there twice.
pub(crate) fn take(json: &[u8]) -> Result<(Option<String>, Cow<'_, [u8]>)> {
    if memmem::find(json, b"\"connection\"").is_none() {
        return Ok((None, json.into()));
    }
    // What is no object, the transport has words for.
    let Ok(Fields(mut fields)) = serde_json::from_slice(json) else { return Ok((None, json.into())) };
    let mut found = fields.extract_if(.., |(key, _)| key == KEY);
    let Some((_, name)) = found.next() else {
        drop(found);
        return Ok((None, json.into()));
    };
    if found.next().is_some() {
        return Err(Error::invalid("connection: is there twice"));
    }
    drop(found);
    let name: Option<String> =
        serde_json::from_str(name.get()).map_err(|_| Error::invalid("connection: expected a string"))?;
    let mut rest = Vec::with_capacity(json.len());
    for (n, (key, value)) in fields.iter().enumerate() {
        rest.push(if n == 0 { b'{' } else { b',' });
        // Text always serialises.
        rest.extend(serde_json::to_vec(key).unwrap_or_default());
        rest.push(b':');
        rest.extend_from_slice(value.get().as_bytes());
    }
    rest.extend_from_slice(if fields.is_empty() { b"{}" } else { b"}" });
    Ok((name, rest.into()))
}

/// The one that a request names, wherever it does.
///
/// # Errors
///
/// `invalid_config` where it names two.
pub(crate) fn chosen(named: impl IntoIterator<Item = Option<String>>) -> Result<Option<String>> {
    let mut named = named.into_iter().flatten();
    let first = named.next();
    match named.all(|name| Some(name) == first) {
        true => Ok(first),
        false => Err(Error::invalid(
            "connection: is another one in the request than in its path or its header Trunkline-Connection",
        )),
    }
}

/// The fields of an object in their order, their values not taken apart.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(json: &str) -> (Option<String>, String) {
        let (name, rest) = take(json.as_bytes()).unwrap();
        (name, String::from_utf8(rest.into_owned()).unwrap())
    }

    #[test]
    fn the_connection_is_taken_out_and_the_rest_stays_as_it_came() {
        for (json, name, rest) in [
            (r#"{"endpoint": "/x"}"#, None, r#"{"endpoint": "/x"}"#),
            (r#"{"connection": "a", "endpoint": "/x"}"#, Some("a"), r#"{"endpoint":"/x"}"#),
            (
                r#" { "n": 1.50, "connection" : "a" , "b": {"connection": [ 1 ]} }"#,
                Some("a"),
                r#"{"n":1.50,"b":{"connection": [ 1 ]}}"#,
            ),
            (r#"{"connection": "a"}"#, Some("a"), "{}"),
            (r#"{"connection": null}"#, None, "{}"),
            (r#"{"json": {"connection": "a"}}"#, None, r#"{"json": {"connection": "a"}}"#),
            (r#"["connection"]"#, None, r#"["connection"]"#),
            (r#"{"connection": "#, None, r#"{"connection": "#),
            (r#"{"a\"b": "x", "connection": "a"}"#, Some("a"), r#"{"a\"b":"x"}"#),
            (r#"{"x": 1, "x": 2, "connection": "a"}"#, Some("a"), r#"{"x":1,"x":2}"#),
        ] {
            assert_eq!(taken(json), (name.map(str::to_owned), rest.to_owned()), "{json}");
        }
        for json in [r#"{"connection": 1}"#, r#"{"connection": "a", "connection": "b"}"#] {
            assert!(take(json.as_bytes()).unwrap_err().message().starts_with("connection: "), "{json}");
        }
    }

    #[test]
    fn a_request_names_one() {
        let name = |name: &str| Some(name.to_owned());
        assert_eq!(chosen([None, None]).unwrap(), None);
        assert_eq!(chosen([None, name("a")]).unwrap(), name("a"));
        assert_eq!(chosen([name("a"), name("a")]).unwrap(), name("a"));
        assert!(chosen([name("a"), None, name("b")]).is_err());
    }
}

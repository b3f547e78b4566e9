//! What a GET subscribes to, as its query says it: browsers' `EventSource` and `WebSocket` can send nothing else.

use serde_json::{Map, Value};
use trunkline::{Error, Result};
use url::form_urlencoded;

/// The query as the JSON of a POST: `request` has all of it as JSON, or each parameter is a key of it.
///
/// # Errors
///
/// `invalid_config` where both are there, or a parameter twice.
pub(super) fn json(query: &str) -> Result<Vec<u8>> {
    let mut pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    if let [(name, json)] = &*pairs
        && name == "request"
    {
        return Ok(json.as_bytes().to_vec());
    }
    let mut object = Map::new();
    for (name, value) in pairs.drain(..) {
        if name == "request" {
            return Err(Error::invalid("request: has all of it, so it is the only parameter of the query"));
        }
        if object.insert(name.to_string(), Value::from(value)).is_some() {
            return Err(Error::invalid(format!("{}: is there twice", name.escape_debug())));
        }
    }
    Ok(Value::Object(object).to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_an_object_or_has_one() {
        for (query, expected) in [
            ("", "{}"),
            ("stream=trades&timeout=5s", r#"{"stream":"trades","timeout":"5s"}"#),
            ("stream=a%20b+c", r#"{"stream":"a b c"}"#),
            ("request=%7B%22a%22%3A1%7D", r#"{"a":1}"#),
        ] {
            assert_eq!(String::from_utf8(json(query).unwrap()).unwrap(), expected, "{query}");
        }
        for (query, word) in
            [("request=%7B%7D&stream=a", "request"), ("stream=a&stream=b", "stream: is there twice")]
        {
            assert!(json(query).unwrap_err().message().contains(word), "{query}");
        }
    }
}
